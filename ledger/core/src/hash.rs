//! SHA-256 digests and the two hash rules of the log's tree.
//!
//! A [`Digest`] is always whole: nothing in this workspace compares or stores a part of one.
//! Source: RFC 9162 §2.1.1.

use sha2::{Digest as _, Sha256};
use std::fmt;

/// A whole SHA-256 digest, 32 bytes. Shown as lower-case hexadecimal.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// SHA-256 of `bytes`.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// SHA-256 of the concatenation of `pieces`.
    #[must_use]
    pub fn of_all(pieces: &[&[u8]]) -> Self {
        let mut hasher = Sha256::new();
        for piece in pieces {
            hasher.update(piece);
        }
        Self(hasher.finalize().into())
    }

    /// The digest's 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A digest from exactly 32 bytes, else `None`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// A digest from 64 hexadecimal digits, else `None`.
    #[must_use]
    pub fn from_hex(text: &str) -> Option<Self> {
        hex::decode(text)
            .ok()
            .and_then(|bytes| Self::from_slice(&bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// The hash of a tree leaf: `SHA-256(0x00 ‖ entry)` (RFC 9162 §2.1.1).
#[must_use]
pub fn leaf_hash(entry: &[u8]) -> Digest {
    Digest::of_all(&[&[0x00], entry])
}

/// The hash of an inner node: `SHA-256(0x01 ‖ left ‖ right)` (RFC 9162 §2.1.1).
#[must_use]
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    let mut bytes = [0x01; 65];
    bytes[1..33].copy_from_slice(&left.0);
    bytes[33..].copy_from_slice(&right.0);
    Digest::of(&bytes)
}

/// The root of a tree without leaves: `SHA-256("")` (RFC 9162 §2.1.1).
#[must_use]
pub fn empty_root() -> Digest {
    Digest::of(b"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_match_the_published_worked_tree() {
        let hex = |text| Digest::from_hex(text).unwrap();
        assert_eq!(
            empty_root(),
            hex("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
        );
        let one = hex("6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
        assert_eq!(leaf_hash(b""), one);
        assert_eq!(
            node_hash(&one, &leaf_hash(&[0])),
            hex("fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125")
        );
    }
}
