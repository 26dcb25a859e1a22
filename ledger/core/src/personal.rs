//! Personal parts at rest: each under a key of its own, so that deleting one is deleting 32 bytes.
//!
//! A ledger cannot forget, and its backups even less. So a personal part never reaches a store as
//! it is: [`seal_part`] encrypts the whole part, salt included, before its block is written, and
//! the key goes to a place that can be overwritten. Once the key is destroyed, what is left in
//! files, logs and backups is noise. The part's digest, by which all proofs go, stays.
//!
//! The cipher is ChaCha20-Poly1305 (RFC 8439 §2.8). A key serves one part, so that nonces cannot
//! meet; they are random all the same. The associated data binds a part to its place,
//! `["suyuan/personal-part/v1", origin, statement, index, part]`, so that a ciphertext moved to
//! another statement does not open there.
//!
//! **Invariant:** nothing here chooses a key: [`Secrets`] come from outside, as the clock does.
//!
//! Bytes: `schemas/suyuan.cddl`, rules `sealed-part`, `part-place`.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::disclosure::{Class, DISCLOSURE_BYTES_MAX, Part};
use crate::hash::Digest;
use crate::store::StoreError;
use chacha20poly1305::aead::{Aead as _, Payload};
use chacha20poly1305::{ChaCha20Poly1305, KeyInit as _};
use std::fmt;
use zeroize::Zeroizing;

/// A number used once, 12 bytes.
pub type Nonce = [u8; 12];

/// Bytes that the cipher adds: its tag.
const TAG_BYTES: usize = 16;

/// The key of one personal part. Wiped when dropped, never printed.
#[derive(Clone)]
pub struct PartKey(Zeroizing<[u8; 32]>);

impl PartKey {
    /// A key of these bytes.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The key's 32 bytes, for the store that keeps them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for PartKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PartKey(..)")
    }
}

/// Where fresh keys come from: the operating system's generator.
pub trait Secrets {
    /// A key and a nonce that were never used before.
    ///
    /// # Errors
    /// [`StoreError::Io`] where there is no randomness: then nothing is written.
    fn fresh(&self) -> Result<(PartKey, Nonce), StoreError>;
}

/// Which key: the record that holds it, and what it is the key of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyRef {
    /// Number of the record, from 0.
    pub slot: u64,
    /// SHA-256 of the associated data of the part that it opens. A record never answers for
    /// another part.
    pub name: Digest,
}

/// What a store has of a key.
#[derive(Clone, Debug)]
pub enum Kept {
    /// The key.
    Here(PartKey),
    /// No key, and why.
    Gone(Gone),
}

/// Why there is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    /// It was overwritten on order.
    Destroyed,
    /// This copy of the ledger was made without keys.
    Elsewhere,
    /// It should be there and is not, or is not whole: damage.
    Lost,
}

/// Where a part stands: what its ciphertext is bound to, with its digest.
#[derive(Clone, Copy, Debug)]
pub struct PartPlace<'a> {
    /// The log's name.
    pub origin: &'a str,
    /// The statement's identity: SHA-256 of its `Sig_structure`.
    pub statement: Digest,
    /// The disclosure's index in the statement.
    pub index: u16,
}

impl PartPlace<'_> {
    /// The associated data of the part with this digest, in its one encoding.
    #[must_use]
    pub fn associated_data(&self, part: &Digest) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(5)
            .text("suyuan/personal-part/v1")
            .text(self.origin)
            .byte_string(&self.statement.0)
            .uint(u64::from(self.index))
            .byte_string(&part.0);
        writer.finish()
    }

    /// The name of the key that opens the part with this digest.
    #[must_use]
    pub fn key_name(&self, part: &Digest) -> Digest {
        Digest::of(&self.associated_data(part))
    }
}

/// A personal part as it is stored: `[part, slot, nonce, ciphertext]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedPart {
    /// What the map that the part belongs to lists: SHA-256 of the part in clear.
    pub digest: Digest,
    /// The record that holds its key.
    pub slot: u64,
    /// The nonce.
    pub nonce: Nonce,
    /// The encrypted part, with the cipher's tag of 16 bytes.
    pub ciphertext: Vec<u8>,
}

impl SealedPart {
    /// Its key, where it stands at `place`.
    #[must_use]
    pub fn key_ref(&self, place: PartPlace<'_>) -> KeyRef {
        KeyRef {
            slot: self.slot,
            name: place.key_name(&self.digest),
        }
    }

    /// Appends the stored form.
    pub fn write(&self, writer: &mut Writer) {
        writer
            .array(4)
            .byte_string(&self.digest.0)
            .uint(self.slot)
            .byte_string(&self.nonce)
            .byte_string(&self.ciphertext);
    }

    /// Reads the stored form.
    ///
    /// # Errors
    /// [`DecodeError`].
    pub fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        reader.array_of(4, "a sealed part [part, slot, nonce, ciphertext]")?;
        let digest = Digest(reader.byte_array()?);
        let slot = reader.uint()?;
        let nonce = reader.byte_array()?;
        let at = reader.offset();
        let ciphertext = reader.byte_string()?;
        if ciphertext.len() > DISCLOSURE_BYTES_MAX + TAG_BYTES {
            return Err(DecodeFault::TooLarge {
                limit_bytes: DISCLOSURE_BYTES_MAX + TAG_BYTES,
            }
            .at(at));
        }
        Ok(Self {
            digest,
            slot,
            nonce,
            ciphertext: ciphertext.to_vec(),
        })
    }
}

/// A ciphertext does not open under its key, or opens to something else than the part it is named
/// after: damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a sealed part does not open to what it is named after")]
pub struct NotThatPart;

/// Encrypts a part under a fresh key, to be kept at `slot`.
///
/// # Errors
/// [`StoreError::Io`] where there is no randomness.
///
/// # Panics
/// Never: the cipher takes up to 256 GiB, a part has 256 KiB.
pub fn seal_part(
    part: &Part,
    place: PartPlace<'_>,
    slot: u64,
    secrets: &dyn Secrets,
) -> Result<(SealedPart, PartKey), StoreError> {
    let (key, nonce) = secrets.fresh()?;
    let digest = part.digest();
    let payload = Payload {
        msg: part.encoded(),
        aad: &place.associated_data(&digest),
    };
    let ciphertext = ChaCha20Poly1305::new(key.as_bytes().into())
        .encrypt(&nonce.into(), payload)
        .expect("a part is far shorter than the cipher's limit");
    let sealed = SealedPart {
        digest,
        slot,
        nonce,
        ciphertext,
    };
    Ok((sealed, key))
}

/// Decrypts a part that stands at `place`.
///
/// # Errors
/// [`NotThatPart`].
pub fn open_part(
    sealed: &SealedPart,
    place: PartPlace<'_>,
    key: &PartKey,
) -> Result<Part, NotThatPart> {
    let payload = Payload {
        msg: &sealed.ciphertext,
        aad: &place.associated_data(&sealed.digest),
    };
    let clear = ChaCha20Poly1305::new(key.as_bytes().into())
        .decrypt(&sealed.nonce.into(), payload)
        .map_err(|_| NotThatPart)?;
    Part::decode(&clear)
        .ok()
        .filter(|part| part.digest() == sealed.digest && part.class() == Class::Personal)
        .ok_or(NotThatPart)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disclosure::Salt;
    use crate::testing::CountedSecrets;

    const PLACE: PartPlace<'_> = PartPlace {
        origin: "log.example",
        statement: Digest([7; 32]),
        index: 3,
    };

    fn driver() -> Part {
        let fields = [("p:driver", "王师傅")].into_iter().collect();
        Part::seal(Salt([9; 16]), fields, Class::Personal)
    }

    #[test]
    fn a_part_opens_where_it_was_sealed_and_nowhere_else() {
        let part = driver();
        let (sealed, key) = seal_part(&part, PLACE, 5, &CountedSecrets::default()).unwrap();
        assert_eq!(open_part(&sealed, PLACE, &key), Ok(part));
        let elsewhere = [
            PartPlace {
                origin: "other.example",
                ..PLACE
            },
            PartPlace {
                statement: Digest([8; 32]),
                ..PLACE
            },
            PartPlace { index: 4, ..PLACE },
        ];
        for place in elsewhere {
            assert_eq!(open_part(&sealed, place, &key), Err(NotThatPart));
        }
        let other = PartKey::new([1; 32]);
        assert_eq!(open_part(&sealed, PLACE, &other), Err(NotThatPart));
    }

    #[test]
    fn neither_words_nor_salt_show_and_no_byte_can_change() {
        let part = driver();
        let (sealed, key) = seal_part(&part, PLACE, 5, &CountedSecrets::default()).unwrap();
        let mut writer = Writer::new();
        sealed.write(&mut writer);
        let bytes = writer.finish();
        for secret in ["王师傅".as_bytes(), &[9; 16], key.as_bytes()] {
            assert!(!bytes.windows(secret.len()).any(|window| window == secret));
        }
        assert_eq!(
            SealedPart::read(&mut Reader::new(&bytes)),
            Ok(sealed.clone())
        );
        for at in 0..sealed.ciphertext.len() {
            let mut altered = sealed.clone();
            altered.ciphertext[at] ^= 1;
            assert_eq!(open_part(&altered, PLACE, &key), Err(NotThatPart));
        }
        let mut renamed = sealed;
        renamed.digest.0[0] ^= 1;
        assert_eq!(open_part(&renamed, PLACE, &key), Err(NotThatPart));
    }

    #[test]
    fn a_key_is_never_printed() {
        assert_eq!(format!("{:?}", PartKey::new([0x41; 32])), "PartKey(..)");
    }
}
