//! COSE_Sign1 (RFC 9052 §4.2), read strictly, and the rules for its headers.
//!
//! The protected header is kept as the bytes that were received: what is verified is never a
//! re-encoding. Everything else has one form, so that `decode(bytes) == Ok(s)` implies
//! `s.encode() == bytes`. What a header's values mean is known to the formats built on this one,
//! statements and receipts.

use crate::cbor::{DEPTH_MAX, DecodeError, DecodeFault, Reader, Writer};
use crate::signature::{BadSignature, PublicKey, Signer};
use std::fmt;

/// Algorithm `EdDSA`: what the field's tools take today (RFC 9053 §2.2, superseded by RFC 9864).
pub const ALG_EDDSA: i64 = -8;

/// Algorithm `Ed25519`: the same mathematics under its own number (RFC 9864 §2.2).
pub const ALG_ED25519: i64 = -19;

/// CBOR tag of a COSE_Sign1.
pub const TAG_SIGN1: u64 = 18;

/// A message beside its headers and its payload, at most: heads, and the signature; what is signed
/// has less.
const FRAME_BYTES: usize = 80;

/// Header label of the algorithm.
pub const LABEL_ALG: i64 = 1;
/// Header label of the list of labels that must be understood.
pub const LABEL_CRIT: i64 = 2;
/// Header label of the key's name.
pub const LABEL_KID: i64 = 4;
/// Header label of the CWT claims (RFC 9597).
pub const LABEL_CWT_CLAIMS: i64 = 15;
/// Header label of the kind of verifiable data structure (RFC 9942).
pub const LABEL_VDS: i64 = 395;
/// Header label of the verifiable data structure's proofs (RFC 9942).
pub const LABEL_VDP: i64 = 396;

/// An encoded map without pairs.
pub const EMPTY_MAP: &[u8] = &[0xa0];

/// A signed message whose bytes are in order. Nothing is known yet about its signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sign1 {
    /// The content of the protected header's byte string, as received.
    pub protected: Vec<u8>,
    /// The unprotected header: one encoded map.
    pub unprotected: Vec<u8>,
    /// The payload; `None` where it is detached.
    pub payload: Option<Vec<u8>>,
    /// The Ed25519 signature.
    pub signature: [u8; 64],
}

impl Sign1 {
    /// Decodes exactly one tagged COSE_Sign1. Both headers must be well-formed maps; see
    /// [`Self::headers`] for the rules between them.
    ///
    /// # Errors
    /// [`DecodeError`]. Offsets inside the protected header count from the start of its content.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let tag = reader.tag()?;
        if tag != TAG_SIGN1 {
            return Err(DecodeFault::WrongType {
                expected: "tag 18, a COSE_Sign1",
            }
            .at(0));
        }
        reader.array_of(4, "an array of four items, a COSE_Sign1")?;
        let protected = reader.byte_string()?;
        if !protected.is_empty() {
            let mut reader = Reader::new(protected);
            labels(&mut reader, 0, |_, _| {})?;
            reader.end()?;
        }
        let start = reader.offset();
        labels(&mut reader, 0, |_, _| {})?;
        let unprotected = reader.since(start);
        let payload = if reader.null() {
            None
        } else {
            Some(reader.byte_string()?.to_vec())
        };
        let signature = reader.byte_array()?;
        reader.end()?;
        Ok(Self {
            protected: protected.to_vec(),
            unprotected: unprotected.to_vec(),
            payload,
            signature,
        })
    }

    /// The message's one encoding.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let payload = self.payload.as_ref().map_or(0, Vec::len);
        let room = self.protected.len() + self.unprotected.len() + payload + FRAME_BYTES;
        let mut writer = Writer::with_capacity(room);
        writer
            .tag(TAG_SIGN1)
            .array(4)
            .byte_string(&self.protected)
            .raw(&self.unprotected);
        match &self.payload {
            Some(payload) => writer.byte_string(payload),
            None => writer.null(),
        };
        writer.byte_string(&self.signature);
        writer.finish()
    }

    /// Signs `payload` and leaves it out: who verifies knows it. The unprotected header is empty.
    #[must_use]
    pub fn sign_detached(
        signer: &(impl Signer + ?Sized),
        protected: Vec<u8>,
        payload: &[u8],
    ) -> Self {
        let signature = signer.sign(&Self::signed_bytes(&protected, payload));
        Self {
            protected,
            unprotected: EMPTY_MAP.to_vec(),
            payload: None,
            signature,
        }
    }

    /// Checks the signature over `payload`, the message's own or the detached one.
    ///
    /// # Errors
    /// [`BadSignature`].
    pub fn verify(&self, key: &PublicKey, payload: &[u8]) -> Result<(), BadSignature> {
        key.verify(
            &Self::signed_bytes(&self.protected, payload),
            &self.signature,
        )
    }

    /// What is signed: `["Signature1", protected, h'', payload]`. A protected header without
    /// pairs counts as the empty string however it was written (RFC 9052 §4.4).
    #[must_use]
    pub fn signed_bytes(protected: &[u8], payload: &[u8]) -> Vec<u8> {
        let protected = if protected == EMPTY_MAP {
            &[]
        } else {
            protected
        };
        let mut writer = Writer::with_capacity(protected.len() + payload.len() + FRAME_BYTES);
        writer
            .array(4)
            .text("Signature1")
            .byte_string(protected)
            .byte_string(&[]);
        writer.byte_string(payload);
        writer.finish()
    }

    /// Both headers, protected first, once the rules between them hold: no label in both, and a
    /// `crit` list, if there is one, names only protected labels that the caller `understands`.
    ///
    /// # Errors
    /// [`HeaderError`].
    pub fn headers(&self, understands: &[i64]) -> Result<(Headers<'_>, Headers<'_>), HeaderError> {
        let protected = Headers::of_protected(&self.protected)?;
        let unprotected = Headers::decode(&self.unprotected)?;
        if let Some((label, _)) = protected
            .iter()
            .find(|(label, _)| unprotected.value(*label).is_some())
        {
            return Err(HeaderError::InBothHeaders {
                label: label.to_string(),
            });
        }
        if unprotected.get(LABEL_CRIT).is_some() {
            return Err(HeaderError::CritUnprotected);
        }
        if let Some(list) = protected.get(LABEL_CRIT) {
            check_crit(list, &protected, understands)?;
        }
        Ok((protected, unprotected))
    }
}

/// Checks the list of labels that must be understood (RFC 9052 §3.1).
fn check_crit(
    list: &[u8],
    protected: &Headers<'_>,
    understands: &[i64],
) -> Result<(), HeaderError> {
    let mut reader = Reader::new(list);
    let count = reader.array()?;
    if count == 0 {
        return Err(DecodeFault::Field("crit: an empty list").at(0).into());
    }
    for _ in 0..count {
        let label = Label::read(&mut reader)?;
        if protected.value(label).is_none() {
            return Err(HeaderError::CritAbsent {
                label: label.to_string(),
            });
        }
        let understood = match label {
            Label::Int(number) => understands.contains(&number),
            Label::Text(_) => false,
        };
        if !understood {
            return Err(HeaderError::CritUnknown {
                label: label.to_string(),
            });
        }
    }
    Ok(())
}

/// Why a message's headers cannot be taken. The fault is the sender's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// `crit` lists a label that the protected header lacks.
    #[error("crit names label {label}, which the protected header lacks")]
    CritAbsent {
        /// The label.
        label: String,
    },
    /// `crit` demands what this reader does not know.
    #[error("label {label} must be understood, and is not known here")]
    CritUnknown {
        /// The label.
        label: String,
    },
    /// `crit` stands where anyone can change it.
    #[error("crit must be in the protected header")]
    CritUnprotected,
    /// The bytes are out of order.
    #[error(transparent)]
    Decode(#[from] DecodeError),
    /// A label has two values, one of them unsigned.
    #[error("label {label} is in both headers")]
    InBothHeaders {
        /// The label.
        label: String,
    },
}

/// A header's label.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Label<'a> {
    /// A registered or private-use number.
    Int(i64),
    /// A name.
    Text(&'a str),
}

impl<'a> Label<'a> {
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.peek_major() == Some(3) {
            reader.text().map(Self::Text)
        } else {
            reader.int().map(Self::Int)
        }
    }
}

impl fmt::Display for Label<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Int(number) => number.fmt(f),
            Self::Text(name) => write!(f, "{name:?}"),
        }
    }
}

/// A header's labels with their encoded values, in bytewise order of the labels' encodings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Headers<'a>(Vec<(Label<'a>, &'a [u8])>);

impl<'a> Headers<'a> {
    /// Reads one encoded map that fills `bytes`.
    ///
    /// # Errors
    /// [`DecodeError`]: `DuplicateKey`, `UnsortedKeys`, or any other deviation from the one form.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(bytes);
        let headers = Self::read(&mut reader)?;
        reader.end()?;
        Ok(headers)
    }

    /// As [`Self::decode`], where no bytes at all also stand for no labels (RFC 9052 §3).
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn of_protected(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        if bytes.is_empty() {
            Ok(Self(Vec::new()))
        } else {
            Self::decode(bytes)
        }
    }

    /// Reads the next value, a map.
    fn read(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut found = Vec::new();
        labels(reader, 0, |label, value| found.push((label, value)))?;
        Ok(Self(found))
    }

    /// The labels and their encoded values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (Label<'a>, &'a [u8])> {
        self.0.iter().copied()
    }

    /// The encoded value under a number.
    #[must_use]
    pub fn get(&self, label: i64) -> Option<&'a [u8]> {
        self.value(Label::Int(label))
    }

    /// The encoded value under `label`. Headers are short; the search is linear.
    #[must_use]
    pub fn value(&self, label: Label<'_>) -> Option<&'a [u8]> {
        self.0
            .iter()
            .find(|(other, _)| *other == label)
            .map(|(_, value)| *value)
    }

    /// Number of labels.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Reads a map of labels that lies `depth` deep, and hands over each with its encoded value.
fn labels<'a>(
    reader: &mut Reader<'a>,
    depth: usize,
    mut found: impl FnMut(Label<'a>, &'a [u8]),
) -> Result<(), DecodeError> {
    let mut previous = None;
    for _ in 0..reader.map()? {
        let start = reader.offset();
        let label = Label::read(reader)?;
        previous = Some(reader.sorted_after(previous, start)?);
        found(label, skip(reader, depth + 1)?);
    }
    Ok(())
}

/// Skips one value and returns its bytes. Wider than [`Reader::skip`]: maps in headers have
/// numbers for keys. Tags are passed over, their content checked like any other value.
fn skip<'a>(reader: &mut Reader<'a>, depth: usize) -> Result<&'a [u8], DecodeError> {
    let start = reader.offset();
    if depth > DEPTH_MAX {
        return Err(DecodeFault::TooDeep.at(start));
    }
    match reader
        .peek_major()
        .ok_or_else(|| DecodeFault::EndOfInput.at(start))?
    {
        0 | 1 => drop(reader.int()?),
        2 => drop(reader.byte_string()?),
        3 => drop(reader.text()?),
        4 => {
            for _ in 0..reader.array()? {
                skip(reader, depth + 1)?;
            }
        }
        5 => labels(reader, depth, |_, _| {})?,
        6 => {
            reader.tag()?;
            skip(reader, depth + 1)?;
        }
        _ if reader.null() => {}
        _ => drop(
            reader
                .bool()
                .map_err(|_| DecodeFault::Unsupported.at(start))?,
        ),
    }
    Ok(reader.since(start))
}

#[cfg(test)]
mod tests;
