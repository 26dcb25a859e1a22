//! Bundles: a whole answer that proves itself offline.
//!
//! A bundle carries the statements of an answer with the disclosures its reader may see, one
//! shared Merkle path to a signed checkpoint, the newest block header, and a state proof for every
//! item, participant and key that the answer rests on. From it [`Proved`] is a
//! [`crate::provenance::Source`] again: a verifier runs the same trace over it and reaches the same
//! answer, or finds by name what was left out.
//!
//! ```text
//! bundle = [ "suyuan-bundle/v1", item, checkpoint, [* statement], [* path hash],
//!            [* list], [* record], map proof, digest ]
//! statement = [ leaf, entry, [* [index, disclosure, [* part]]], [* sibling hash] ]
//! list      = [ item, [* [leaf, index]] ]
//! record    = [ state key, record / null ]
//! ```
//! It ends in the SHA-256 of everything before, so that a torn download is told from a forged one.
//! Bytes: `schemas/suyuan.cddl`, rule `bundle`.

mod answer;
mod build;
mod chain;
mod imports;
mod verify;

pub use answer::{ProvedAnswer, prove};
pub use build::{build, wanted_records};
pub use chain::{Part, ProvedChain, decode_chain, encode_chain, is_chain, prove_chain};
pub use imports::Import;
pub use verify::{BundleError, Facts, Proved, Trust, verify, verify_by};

pub(crate) use build::bundled;
pub(crate) use verify::disclosures_match;

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::disclosure::{Disclosed, read_body};
use crate::hash::Digest;
use crate::ids::LeafIndex;
use crate::state::StateKey;
use crate::statemap::MapProof;
use crate::store::EventRef;

/// The first item of a bundle.
const VERSION: &str = "suyuan-bundle/v1";

/// A bundle's size: a long answer is some hundreds of kilobytes, and a phone must hold it.
pub const BUNDLE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Statements, lists and records in one bundle: the limits of a trace, with room for names.
const ITEMS_MAX: usize = 50_000;

/// The decoded parts of a bundle. Nothing about them is proved yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bundle {
    /// The item asked for, canonical.
    pub item: String,
    /// The signed checkpoint, a C2SP signed note.
    pub checkpoint: String,
    /// Statements and block headers, by rising leaf.
    pub statements: Vec<BundledStatement>,
    /// Hashes that lead from those leaves to the checkpoint's root.
    pub path: Vec<Digest>,
    /// Items' lists, by item.
    pub lists: Vec<(String, Vec<EventRef>)>,
    /// State records, by key; `None` is proved absent.
    pub records: Vec<(StateKey, Option<Vec<u8>>)>,
    /// Proof of all records under the newest header's state root.
    pub map_proof: MapProof,
}

/// One leaf with what of it is disclosed here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundledStatement {
    /// Where it stands.
    pub leaf: LeafIndex,
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// Disclosures shown, by rising index.
    pub disclosed: Vec<Disclosed>,
    /// Hashes that lead from those disclosures to the payload's root.
    pub siblings: Vec<Digest>,
}

impl Bundle {
    /// The bundle's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(9)
            .text(VERSION)
            .text(&self.item)
            .text(&self.checkpoint);
        writer.array(self.statements.len());
        for statement in &self.statements {
            statement.write(&mut writer);
        }
        write_digests(&mut writer, &self.path);
        writer.array(self.lists.len());
        for (item, list) in &self.lists {
            writer.array(2).text(item).array(list.len());
            for at in list {
                writer.array(2).uint(at.leaf.0).uint(u64::from(at.index));
            }
        }
        writer.array(self.records.len());
        for (key, record) in &self.records {
            writer.array(2).byte_string(&key.to_bytes());
            match record {
                Some(bytes) => writer.byte_string(bytes),
                None => writer.null(),
            };
        }
        self.map_proof.write(&mut writer);
        let mut bytes = writer.finish();
        let mut closing = Writer::new();
        closing.byte_string(&Digest::of(&bytes).0);
        bytes.extend_from_slice(&closing.finish());
        bytes
    }

    /// Reads a bundle, checking its form and its closing digest, and nothing else.
    ///
    /// # Errors
    /// [`BundleError::Malformed`], [`BundleError::Torn`].
    pub fn decode(bytes: &[u8]) -> Result<Self, BundleError> {
        if bytes.len() > BUNDLE_BYTES_MAX {
            return Err(DecodeFault::TooLarge {
                limit_bytes: BUNDLE_BYTES_MAX,
            }
            .at(0)
            .into());
        }
        let mut reader = Reader::new(bytes);
        reader.array_of(9, "a bundle of nine items")?;
        if reader.text()? != VERSION {
            return Err(DecodeFault::Field("bundle version").at(1).into());
        }
        let bundle = Self {
            item: reader.text()?.to_owned(),
            checkpoint: reader.text()?.to_owned(),
            statements: read_many(&mut reader, BundledStatement::read)?,
            path: read_digests(&mut reader)?,
            lists: read_many(&mut reader, read_list)?,
            records: read_many(&mut reader, read_record)?,
            map_proof: MapProof::read(&mut reader)?,
        };
        let covered = reader.offset();
        let digest = Digest(reader.byte_array()?);
        reader.end()?;
        if Digest::of(&bytes[..covered]) != digest {
            return Err(BundleError::Torn);
        }
        Ok(bundle)
    }
}

impl BundledStatement {
    pub(crate) fn write(&self, writer: &mut Writer) {
        writer
            .array(4)
            .uint(self.leaf.0)
            .byte_string(&self.entry)
            .array(self.disclosed.len());
        for one in &self.disclosed {
            one.write(writer);
        }
        write_digests(writer, &self.siblings);
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(4, "a bundled statement")?;
        Ok(Self {
            leaf: read_leaf(reader)?,
            entry: reader.byte_string()?.to_vec(),
            disclosed: read_body(reader)?,
            siblings: read_digests(reader)?,
        })
    }
}

fn read_many<'a, T>(
    reader: &mut Reader<'a>,
    mut one: impl FnMut(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<Vec<T>, DecodeError> {
    let at = reader.offset();
    let count = reader.array()?;
    if count > ITEMS_MAX {
        return Err(DecodeFault::Field("number of items").at(at));
    }
    (0..count).map(|_| one(reader)).collect()
}

fn read_leaf(reader: &mut Reader<'_>) -> Result<LeafIndex, DecodeError> {
    let at = reader.offset();
    let index = reader.uint()?;
    if index > u64::MAX / 2 {
        return Err(DecodeFault::IntegerRange.at(at));
    }
    Ok(LeafIndex(index))
}

fn read_list(reader: &mut Reader<'_>) -> Result<(String, Vec<EventRef>), DecodeError> {
    reader.array_of(2, "a list [item, members]")?;
    let item = reader.text()?.to_owned();
    let members = read_many(reader, |reader| {
        let at = reader.offset();
        reader.array_of(2, "[leaf, index]")?;
        let leaf = read_leaf(reader)?;
        let index = u16::try_from(reader.uint()?).map_err(|_| DecodeFault::IntegerRange.at(at))?;
        Ok(EventRef { leaf, index })
    })?;
    Ok((item, members))
}

fn read_record(reader: &mut Reader<'_>) -> Result<(StateKey, Option<Vec<u8>>), DecodeError> {
    let at = reader.offset();
    reader.array_of(2, "[state key, record]")?;
    let key = StateKey::from_bytes(reader.byte_string()?)
        .ok_or_else(|| DecodeFault::Field("state key").at(at))?;
    let record = if reader.null() {
        None
    } else {
        Some(reader.byte_string()?.to_vec())
    };
    Ok((key, record))
}

pub(crate) fn write_digests(writer: &mut Writer, digests: &[Digest]) {
    writer.array(digests.len());
    for digest in digests {
        writer.byte_string(&digest.0);
    }
}

pub(crate) fn read_digests(reader: &mut Reader<'_>) -> Result<Vec<Digest>, DecodeError> {
    read_many(reader, |reader| reader.byte_array().map(Digest))
}

#[cfg(test)]
mod tests;
