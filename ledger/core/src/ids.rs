//! The small types that must never be mistaken for one another.
//!
//! A leaf's index, the tree's size and a moment are all integers; here each is its own type, and
//! only [`TreeSize::last`] and [`LeafIndex::size_through`] lead from one to the other.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use std::fmt;

/// Position of an entry in the log, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct LeafIndex(pub u64);

impl LeafIndex {
    /// The size of the smallest tree that holds this leaf.
    ///
    /// # Panics
    /// At 2^64 - 1 leaves, which no log reaches: decoders refuse such an index.
    #[must_use]
    pub const fn size_through(self) -> TreeSize {
        TreeSize(
            self.0
                .checked_add(1)
                .expect("a log never holds 2^64 leaves"),
        )
    }
}

impl fmt::Display for LeafIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Number of leaves in a tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TreeSize(pub u64);

impl TreeSize {
    /// The index of the newest leaf, or `None` in an empty tree.
    #[must_use]
    pub const fn last(self) -> Option<LeafIndex> {
        match self.0.checked_sub(1) {
            Some(index) => Some(LeafIndex(index)),
            None => None,
        }
    }

    /// The index the next leaf will get.
    #[must_use]
    pub const fn next(self) -> LeafIndex {
        LeafIndex(self.0)
    }
}

impl fmt::Display for TreeSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Milliseconds since 1970-01-01T00:00:00 UTC, without leap seconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixMillis(pub i64);

impl UnixMillis {
    /// The moment of whole seconds since 1970, as receipts and cosignatures say it; one that is too
    /// far is the furthest.
    #[must_use]
    pub fn from_seconds(seconds: u64) -> Self {
        Self(i64::try_from(seconds).map_or(i64::MAX, |seconds| seconds.saturating_mul(1000)))
    }
}

/// A participant's random name on the log: 16 bytes, written as 22 base64url characters.
///
/// It says nothing about who that is; the registry's disclosures do.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Handle(pub [u8; 16]);

impl Handle {
    /// Reads the 22-character form; any other spelling of the same bytes is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().ok().map(Self)
    }
}

impl fmt::Display for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&URL_SAFE_NO_PAD.encode(self.0))
    }
}

impl serde::Serialize for Handle {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A submission's name, chosen at random by the client: 16 bytes, 22 base64url characters.
///
/// With the issuer it is unique for ever, which makes submitting again safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CaptureId(pub [u8; 16]);

impl CaptureId {
    /// Reads the 22-character form; any other spelling of the same bytes is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Handle::parse(text).map(|handle| Self(handle.0))
    }
}

impl fmt::Display for CaptureId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Handle(self.0).fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handle_has_one_spelling() {
        let handle = Handle([7; 16]);
        assert_eq!(Handle::parse(&handle.to_string()), Some(handle));
        // The last character's four low bits are padding and must be zero.
        let mut text = handle.to_string();
        assert_eq!(text.pop(), Some('w'));
        text.push('x');
        assert_eq!(Handle::parse(&text), None);
    }
}
