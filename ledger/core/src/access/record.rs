//! Records of reads: who was shown which withheld part, when, and through what.
//!
//! They are no part of the ledger: whoever reads leaves no trace on the log. A node keeps them
//! beside it, each chained to the one before, and gives no answer whose record it could not keep.
//! Authorities audit those of their jurisdiction.
//!
//! Bytes: `schemas/suyuan.cddl`, rule `read-record`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::disclosure::Class;
use crate::hash::Digest;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::lists::Opened;
use crate::signature::KeyId;
use crate::store::EventRef;
use crate::time::format_utc;
use crate::token::Bearer;
use serde_json::{Value as Json, json};
use std::collections::BTreeMap;

/// Parts named in one record: more than any answer opens, but that about a recall.
const PARTS_MAX: usize = 50_000;

/// What one answer shows of withheld parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reads {
    /// Who.
    pub reader: Handle,
    /// The key that proved it.
    pub key: KeyId,
    /// Through which operation: its method and path, as the route table has it.
    pub endpoint: String,
    /// Which disclosures' parts, by the district of who issued them.
    pub parts: BTreeMap<String, Vec<PartRead>>,
}

/// Withheld parts of one disclosure that were shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PartRead {
    /// Whose parts.
    pub at: EventRef,
    /// Whether personal ones are among them; else confidential ones only.
    pub personal: bool,
}

impl PartRead {
    fn to_json(self, district: &str) -> Json {
        let class = if self.personal {
            Class::Personal
        } else {
            Class::Confidential
        };
        json!({
            "leaf": self.at.leaf,
            "index": self.at.index,
            "class": class.word(),
            "district": district,
        })
    }
}

impl Reads {
    /// What `bearer` is about to be shown: nothing where nothing withheld is, and more than one
    /// record where it is more than one can name.
    #[must_use]
    pub fn of(bearer: &Bearer, endpoint: &str, opened: &BTreeMap<EventRef, Opened>) -> Vec<Self> {
        let all: Vec<(&EventRef, &Opened)> = opened.iter().collect();
        all.chunks(PARTS_MAX)
            .map(|some| {
                let mut parts: BTreeMap<String, Vec<PartRead>> = BTreeMap::new();
                for (at, opened) in some {
                    let one = PartRead {
                        at: **at,
                        personal: opened.personal,
                    };
                    parts.entry(opened.district.clone()).or_default().push(one);
                }
                Self {
                    reader: bearer.handle(),
                    key: bearer.key(),
                    endpoint: endpoint.to_owned(),
                    parts,
                }
            })
            .collect()
    }
}

/// One record, in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReadRecord {
    /// Its number, from 0.
    pub number: u64,
    /// The digest of the record before; zeros for the first.
    pub previous: Digest,
    /// The node's time.
    pub time: UnixMillis,
    /// What was shown to whom.
    pub reads: Reads,
}

impl ReadRecord {
    /// The record's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(self.number)
            .byte_string(&self.previous.0)
            .int(self.time.0)
            .byte_string(&self.reads.reader.0)
            .byte_string(self.reads.key.as_bytes())
            .text(&self.reads.endpoint)
            .array(self.reads.parts.len());
        for (district, parts) in &self.reads.parts {
            writer.array(2).text(district).array(parts.len());
            for part in parts {
                writer
                    .array(3)
                    .uint(part.at.leaf.0)
                    .uint(u64::from(part.at.index))
                    .bool(part.personal);
            }
        }
        writer.finish()
    }

    /// The record for whoever audits the districts that `sees` names; `None` where no part read
    /// is of one of them.
    #[must_use]
    pub fn to_json(&self, sees: impl Fn(&str) -> bool) -> Option<Json> {
        let parts = self.reads.parts.iter();
        let parts = parts.filter(|(district, _)| sees(district));
        let parts: Vec<Json> = parts
            .flat_map(|(district, parts)| parts.iter().map(move |part| part.to_json(district)))
            .collect();
        (!parts.is_empty()).then(|| {
            json!({
                "number": self.number,
                "previous": self.previous.to_string(),
                "digest": self.digest().to_string(),
                "time": format_utc(self.time),
                "reader": self.reads.reader,
                "key": self.reads.key.to_string(),
                "endpoint": self.reads.endpoint,
                "parts": parts,
            })
        })
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        reader.array_of(7, "a record of reads")?;
        let number = reader.uint()?;
        let previous = Digest(reader.byte_array()?);
        let time = UnixMillis(reader.int()?);
        let handle = Handle(reader.byte_array()?);
        let key = KeyId(Digest(reader.byte_array()?));
        let endpoint = reader.text()?.to_owned();
        let mut parts = BTreeMap::new();
        for _ in 0..reader.array()? {
            let at = reader.offset();
            reader.array_of(2, "[district, parts]")?;
            let district = reader.text()?.to_owned();
            let some = read_parts(&mut reader)?;
            let rises = parts
                .last_key_value()
                .is_none_or(|(last, _)| *last < district);
            if some.is_empty() || !rises {
                return Err(DecodeFault::Field("districts").at(at));
            }
            parts.insert(district, some);
        }
        reader.end()?;
        Ok(Self {
            number,
            previous,
            time,
            reads: Reads {
                reader: handle,
                key,
                endpoint,
                parts,
            },
        })
    }

    /// What the next record names as the one before: SHA-256 of the encoding.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.encode())
    }
}

fn read_parts(reader: &mut Reader<'_>) -> Result<Vec<PartRead>, DecodeError> {
    let at = reader.offset();
    let count = reader.array()?;
    if count > PARTS_MAX {
        return Err(DecodeFault::Field("number of parts").at(at));
    }
    (0..count)
        .map(|_| {
            reader.array_of(3, "[leaf, index, personal]")?;
            let at = reader.offset();
            let leaf = LeafIndex(reader.uint()?);
            let index =
                u16::try_from(reader.uint()?).map_err(|_| DecodeFault::IntegerRange.at(at))?;
            Ok(PartRead {
                at: EventRef { leaf, index },
                personal: reader.bool()?,
            })
        })
        .collect()
}
