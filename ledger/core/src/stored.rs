//! A statement's body as a store keeps it: disclosures, and parts of which the personal are sealed.
//!
//! Here lies the cut: what comes from a client is [`Disclosed`], in clear; what goes to a store is
//! written by [`encode`], and holds of each personal part its digest, the slot of its key, nonce
//! and ciphertext. [`open`] goes the other way, for a reader who may see such parts and while their
//! keys are there; a part whose key is gone is left out like one that was never delivered.
//!
//! A body without personal parts has the bytes that the client sent.
//!
//! Bytes: `schemas/suyuan.cddl`, rule `stored-body`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::disclosure::{
    Class, DISCLOSURES_MAX, Disclosed, Disclosure, PARTS_MAX, Part, read_index,
};
use crate::hash::Digest;
use crate::personal::{Gone, Kept, PartPlace, SealedPart, open_part};
use crate::statement::SignedStatement;
use crate::store::{StoreError, View};

/// A part as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredPart {
    /// A confidential part, as it came.
    Plain(Part),
    /// A personal part.
    Sealed(SealedPart),
}

/// A disclosure as it is stored, with its parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    /// Position in the statement's tree, from 0.
    pub index: u16,
    /// The public part.
    pub disclosure: Disclosure,
    /// Withheld parts, in the order in which they came.
    pub parts: Vec<StoredPart>,
}

impl Stored {
    /// The personal parts.
    pub fn sealed(&self) -> impl Iterator<Item = &SealedPart> {
        self.parts.iter().filter_map(|part| match part {
            StoredPart::Plain(_) => None,
            StoredPart::Sealed(sealed) => Some(sealed),
        })
    }
}

/// Encodes a body; `seal` encrypts each personal part, given with its disclosure's index.
///
/// # Errors
/// That of `seal`.
pub fn encode<E>(
    disclosed: &[Disclosed],
    mut seal: impl FnMut(u16, &Part) -> Result<SealedPart, E>,
) -> Result<Vec<u8>, E> {
    let mut writer = Writer::new();
    writer.array(disclosed.len());
    for one in disclosed {
        writer
            .array(3)
            .uint(u64::from(one.index))
            .byte_string(one.disclosure.encoded())
            .array(one.parts.len());
        for part in &one.parts {
            match part.class() {
                Class::Confidential => {
                    writer.byte_string(part.encoded());
                }
                Class::Personal => seal(one.index, part)?.write(&mut writer),
            }
        }
    }
    Ok(writer.finish())
}

/// Reads what [`encode`] wrote: at most 1000 disclosures, indices rising, no personal part in
/// clear.
///
/// # Errors
/// [`DecodeError`].
pub fn decode(bytes: &[u8]) -> Result<Vec<Stored>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let count = reader.array()?;
    if count > DISCLOSURES_MAX {
        return Err(DecodeFault::Field("number of disclosures").at(0));
    }
    let stored: Vec<Stored> = (0..count)
        .map(|_| read_one(&mut reader))
        .collect::<Result<_, _>>()?;
    reader.end()?;
    if stored.windows(2).any(|pair| pair[0].index >= pair[1].index) {
        return Err(DecodeFault::Field("order of disclosures").at(0));
    }
    Ok(stored)
}

/// A stored disclosure without what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outline {
    /// Position in the statement's tree, from 0.
    pub index: u16,
    /// Confidential parts.
    pub plain: usize,
    /// Personal parts.
    pub sealed: usize,
}

/// What a body has, read without its disclosures: a tenth of what decoding costs.
///
/// # Errors
/// [`DecodeError`].
pub fn outline(bytes: &[u8]) -> Result<Vec<Outline>, DecodeError> {
    let mut reader = Reader::new(bytes);
    let mut found = Vec::new();
    for _ in 0..reader.array()? {
        reader.array_of(3, "[index, disclosure, parts]")?;
        let index = read_index(&mut reader)?;
        reader.byte_string()?;
        let (mut plain, mut sealed) = (0, 0);
        for _ in 0..reader.array()? {
            if reader.peek_major() == Some(ARRAY) {
                SealedPart::read(&mut reader)?;
                sealed += 1;
            } else {
                reader.byte_string()?;
                plain += 1;
            }
        }
        found.push(Outline {
            index,
            plain,
            sealed,
        });
    }
    reader.end()?;
    Ok(found)
}

/// Reads one disclosure where it stands in a body.
pub(crate) fn read_one(reader: &mut Reader<'_>) -> Result<Stored, DecodeError> {
    reader.array_of(3, "[index, disclosure, parts]")?;
    let index = read_index(reader)?;
    let at = reader.offset();
    let disclosure = Disclosure::decode(reader.byte_string()?).map_err(within(at))?;
    let at = reader.offset();
    let count = reader.array()?;
    if count > PARTS_MAX {
        return Err(DecodeFault::Field("parts").at(at));
    }
    let parts = (0..count)
        .map(|_| read_part(reader))
        .collect::<Result<_, _>>()?;
    Ok(Stored {
        index,
        disclosure,
        parts,
    })
}

/// CBOR's major type of arrays (RFC 8949 §3.1).
const ARRAY: u8 = 4;

fn read_part(reader: &mut Reader<'_>) -> Result<StoredPart, DecodeError> {
    let at = reader.offset();
    if reader.peek_major() == Some(ARRAY) {
        return SealedPart::read(reader).map(StoredPart::Sealed);
    }
    let part = Part::decode(reader.byte_string()?).map_err(within(at))?;
    match part.class() {
        Class::Confidential => Ok(StoredPart::Plain(part)),
        Class::Personal => Err(DecodeFault::Field("personal part in clear").at(at)),
    }
}

/// An error of bytes that stand at `offset`.
fn within(offset: usize) -> impl Fn(DecodeError) -> DecodeError {
    move |error| error.why.at(offset + error.offset)
}

/// Disclosures as read back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Opened {
    /// With the parts that the reader may see and that are there.
    pub disclosed: Vec<Disclosed>,
    /// Personal parts that the reader might see, were their keys there.
    pub closed: Vec<Closed>,
}

/// A personal part without its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed {
    /// Its disclosure's index.
    pub index: u16,
    /// Its digest.
    pub part: Digest,
    /// Why.
    pub why: Gone,
}

/// The body of `statement`, an entry of the log of `view`, with the parts that `sees` allows, by
/// their disclosure's index and their class.
///
/// # Errors
/// [`StoreError`]; `Corrupt` where the body does not decode, or a key does not open its part.
pub fn open<V: View>(
    view: &V,
    statement: &SignedStatement,
    body: &[u8],
    sees: impl Fn(u16, Class) -> bool,
) -> Result<Opened, StoreError> {
    let mut opened = Opened::default();
    if body.is_empty() {
        return Ok(opened);
    }
    let mut keyring = Keyring {
        view,
        statement,
        place: None,
    };
    for Stored {
        index,
        disclosure,
        parts,
    } in decode(body).map_err(|why| corrupt("body", &why))?
    {
        let mut shown = Vec::new();
        for part in parts {
            match part {
                StoredPart::Plain(part) if sees(index, Class::Confidential) => shown.push(part),
                StoredPart::Sealed(sealed) if sees(index, Class::Personal) => {
                    match keyring.open(index, &sealed)? {
                        Ok(part) => shown.push(part),
                        Err(why) => opened.closed.push(Closed {
                            index,
                            part: sealed.digest,
                            why,
                        }),
                    }
                }
                StoredPart::Plain(_) | StoredPart::Sealed(_) => {}
            }
        }
        opened.disclosed.push(Disclosed {
            index,
            disclosure,
            parts: shown,
        });
    }
    Ok(opened)
}

/// What opening the parts of one statement needs, worked out when the first one is met.
struct Keyring<'a, V> {
    view: &'a V,
    statement: &'a SignedStatement,
    place: Option<(String, Digest)>,
}

impl<V: View> Keyring<'_, V> {
    fn open(&mut self, index: u16, sealed: &SealedPart) -> Result<Result<Part, Gone>, StoreError> {
        let (origin, statement) = match &self.place {
            Some(place) => place,
            None => self
                .place
                .insert((origin(self.view)?, self.statement.signed_digest())),
        };
        let place = PartPlace {
            origin,
            statement: *statement,
            index,
        };
        match self.view.part_key(&sealed.key_ref(place))? {
            Kept::Gone(why) => Ok(Err(why)),
            Kept::Here(key) => open_part(sealed, place, &key)
                .map(Ok)
                .map_err(|why| corrupt("personal part", &why)),
        }
    }
}

/// The name of the log of `view`: the first line of its checkpoint (C2SP tlog-checkpoint).
///
/// # Errors
/// [`StoreError`]; `Corrupt` where there is no head.
pub fn origin<V: View>(view: &V) -> Result<String, StoreError> {
    view.head()?
        .and_then(|head| head.checkpoint.lines().next().map(str::to_owned))
        .ok_or_else(|| corrupt("head", &"no checkpoint names the log"))
}

fn corrupt(what: &'static str, why: &dyn std::fmt::Display) -> StoreError {
    StoreError::Corrupt {
        what,
        detail: why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cbor::Value;
    use crate::disclosure::{Salt, encode_body, withhold};
    use crate::personal::seal_part;
    use crate::testing::CountedSecrets;

    fn disclosed(personal: &str) -> Vec<Disclosed> {
        let mut next = 0_u8;
        let mut salt = || {
            next += 1;
            Salt([next; 16])
        };
        let mut map = [("type", "x"), ("price", "9"), ("driver", "wang")]
            .into_iter()
            .map(|(key, word)| (key, Value::from(word)))
            .collect();
        let mut parts = Vec::new();
        let class = |key: &str| match key {
            "price" => Some(Class::Confidential),
            other if other == personal => Some(Class::Personal),
            _ => None,
        };
        withhold(&mut map, class, &mut salt, &mut parts);
        vec![Disclosed {
            index: 0,
            disclosure: Disclosure::seal(salt(), map),
            parts,
        }]
    }

    #[test]
    fn without_personal_parts_the_bytes_are_the_clients() {
        let disclosed = disclosed("nobody");
        let no_key = |_, _: &Part| -> Result<SealedPart, ()> { panic!("nothing is personal") };
        assert_eq!(encode(&disclosed, no_key), Ok(encode_body(&disclosed)));
    }

    #[test]
    fn a_personal_part_is_stored_sealed_and_is_refused_in_clear() {
        let disclosed = disclosed("driver");
        let place = PartPlace {
            origin: "log.example",
            statement: Digest([1; 32]),
            index: 0,
        };
        let secrets = CountedSecrets::default();
        let bytes = encode(&disclosed, |_, part| {
            seal_part(part, place, 0, &secrets).map(|(sealed, _)| sealed)
        })
        .unwrap();
        let stored = decode(&bytes).unwrap();
        assert_eq!(stored[0].sealed().count(), 1);
        assert_eq!(
            stored[0].parts[0],
            StoredPart::Plain(disclosed[0].parts[0].clone())
        );
        assert_eq!(
            decode(&encode_body(&disclosed)).map_err(|error| error.why),
            Err(DecodeFault::Field("personal part in clear"))
        );
    }
}
