//! The one Ed25519 rule.
//!
//! Everyone who replays the log must reach the same verdict on every signature, for ever. So there
//! is one way to check: a key that passed [`PublicKey::parse`], then `verify_strict` of the pinned
//! ed25519-dalek, one signature at a time. Checking in batches gives other answers and is not used.
//! A signature's bytes are never an identity; the digest of what was signed is.
//!
//! Sources: RFC 8032 §5.1.7; RFC 9679 for the key's name. The accept counts of the public edge-case
//! vectors are pinned in the tests, so that another release of the library cannot change the rule
//! unseen.

use crate::cbor::Writer;
use crate::hash::Digest;
use ed25519_dalek::{Signature, Signer as _, VerifyingKey};
use std::fmt;

/// Why 32 bytes are no key here. The fault is the key owner's: a standard generator makes none of
/// these, so make a new key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum KeyError {
    /// A second spelling of a point: two names for one key.
    #[error("the public key is not in canonical form")]
    NotCanonical,
    /// The bytes are no point of the curve.
    #[error("the public key is not a point of the curve")]
    NotOnCurve,
    /// One of the eight points for which a signature fits almost any message.
    #[error("the public key has small order")]
    SmallOrder,
    /// A point with a part of small order, on which verifiers disagree.
    #[error("the public key is not in the prime-order group")]
    Torsion,
}

/// The signature does not belong to this message and key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not match the message and the key")]
pub struct BadSignature;

/// A key's name: SHA-256 of its CBOR form `{1: 1, -1: 6, -2: x}` (RFC 9679 §4).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub Digest);

impl KeyId {
    /// The 32 bytes, as they stand in a `kid` header.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        self.0.as_bytes()
    }

    /// Reads the form that [`fmt::Display`] writes, 64 lower-case hexadecimal digits; any other
    /// spelling is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Digest::from_hex(text)
            .map(Self)
            .filter(|id| id.to_string() == text)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A decoded public key in the prime-order group, with one spelling.
#[derive(Clone, PartialEq, Eq)]
pub struct PublicKey {
    key: VerifyingKey,
    id: KeyId,
}

impl PublicKey {
    /// Decodes a key and checks that every verifier agrees on what it accepts.
    ///
    /// One decompression and one scalar multiplication: decode a key once and keep it.
    ///
    /// # Errors
    /// [`KeyError`], one variant for each rule.
    pub fn parse(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = Self::parse_recorded(bytes)?;
        if key.key.to_edwards().is_torsion_free() {
            Ok(key)
        } else {
            Err(KeyError::Torsion)
        }
    }

    /// As [`Self::parse`] for a key that a ledger has recorded, whose admission has looked for
    /// torsion: that costs as much as a signature, and readers of proofs need not repeat it. A log
    /// that records such a key all the same is found by replay; what its holder signs has one
    /// verdict here, that of `verify_strict`.
    ///
    /// # Errors
    /// `NotOnCurve`, `NotCanonical`, `SmallOrder`.
    pub fn parse_recorded(bytes: &[u8; 32]) -> Result<Self, KeyError> {
        let key = VerifyingKey::from_bytes(bytes).map_err(|_| KeyError::NotOnCurve)?;
        let point = key.to_edwards();
        if point.compress().as_bytes() != bytes {
            return Err(KeyError::NotCanonical);
        }
        if point.is_small_order() {
            return Err(KeyError::SmallOrder);
        }
        Ok(Self::sound(key))
    }

    fn sound(key: VerifyingKey) -> Self {
        let mut writer = Writer::new();
        writer
            .map(3)
            .int(1)
            .int(1)
            .int(-1)
            .int(6)
            .int(-2)
            .byte_string(key.as_bytes());
        let id = KeyId(Digest::of(&writer.finish()));
        Self { key, id }
    }

    /// The key's 32 bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        self.key.as_bytes()
    }

    /// Checks `signature` over `message`.
    ///
    /// # Errors
    /// [`BadSignature`]; what exactly is wrong is of no use to anyone honest.
    pub fn verify(&self, message: &[u8], signature: &[u8; 64]) -> Result<(), BadSignature> {
        self.key
            .verify_strict(message, &Signature::from_bytes(signature))
            .map_err(|_| BadSignature)
    }

    /// The key's name.
    #[must_use]
    pub const fn key_id(&self) -> KeyId {
        self.id
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.as_bytes()))
    }
}

/// Whatever holds a secret key: memory, a file, a signing device.
pub trait Signer {
    /// The key that verifies what [`Self::sign`] returns.
    fn public_key(&self) -> &PublicKey;

    /// The Ed25519 signature of `message`.
    fn sign(&self, message: &[u8]) -> [u8; 64];
}

/// A secret key in memory, wiped when dropped.
pub struct SigningKey {
    secret: ed25519_dalek::SigningKey,
    public: PublicKey,
}

impl SigningKey {
    /// The key of a 32-byte seed (RFC 8032 §5.1.5). The seed must come from the operating system's
    /// generator; the caller wipes its own copy.
    #[must_use]
    pub fn from_seed(seed: [u8; 32]) -> Self {
        let secret = ed25519_dalek::SigningKey::from_bytes(&seed);
        // A multiple of the base point is canonical and free of torsion by construction.
        let public = PublicKey::sound(secret.verifying_key());
        Self { secret, public }
    }
}

impl Signer for SigningKey {
    fn public_key(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.secret.sign(message).to_bytes()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "SigningKey(secret of {})",
            hex::encode(self.public.as_bytes())
        )
    }
}

#[cfg(test)]
mod tests;
