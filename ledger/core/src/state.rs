//! The ledger's state: one map from typed keys to small canonical records.
//!
//! Everything that decides about the next statement is here, and everything here is a pure
//! function of the entries and their public parts. Records of the classes listed by
//! [`Class::authenticated`] are committed to by every block header through the state map, so that
//! an answer can be proved complete; the three uniqueness indexes are not, since nobody is shown
//! them.
//!
//! | class | id | record |
//! |---|---|---|
//! | `G` | empty | [`Config`]: authorities' threshold, rules version, acts with two signatures |
//! | `P` | handle | [`Participant`] |
//! | `K` | key id | [`KeyRecord`] |
//! | `D` | principal ‖ delegate | [`Delegation`] |
//! | `X` | first 7 digits of a GS1 prefix | [`PrefixOwners`] |
//! | `I` | canonical identifier | [`ItemRecord`] |
//! | `C` | issuer ‖ capture id | [`CaptureRecord`] |
//! | `E` | issuer ‖ event id | [`EventRecord`] |
//! | `R` | origin of another log | [`RegionRecord`] |
//! | `M` | importer ‖ event of another log | [`EventRecord`] |
//!
//! Bytes: `schemas/suyuan.cddl`, section *state*.

use crate::cbor::{DecodeError, DecodeFault, Reader, Writer};
use crate::hash::{Digest, empty_root, leaf_hash, node_hash};
use crate::ids::{CaptureId, Handle, LeafIndex, UnixMillis};
use crate::signature::{KeyId, PublicKey};
use crate::store::{EventRef, StoreError};

mod effects;
mod overlay;
mod records;
pub use effects::{Effects, apply};
pub use overlay::Overlay;
pub(crate) use records::read_district;
pub use records::{
    CaptureRecord, Config, Delegation, EventRecord, GuardedActs, ItemRecord, KeyRecord,
    KeyStanding, Licence, Participant, PrefixOwners, Record, RegionRecord, Role, Roles,
};

/// What kind of thing a state key names. The letter is part of the hashed key and of the stored
/// one; classes stand in the order of their letters, so that keys and their bytes sort alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// A submission, by issuer and capture id.
    Capture,
    /// One participant signing for another.
    Delegation,
    /// An event, by issuer and event id.
    Event,
    /// The ledger itself.
    Config,
    /// A thing, place, product or participant, by canonical identifier.
    Item,
    /// A signing key.
    Key,
    /// Who imported which event of another log.
    Import,
    /// A participant.
    Participant,
    /// Another region, by its log.
    Region,
    /// A GS1 company prefix.
    Prefix,
}

impl Class {
    /// The class's letter.
    #[must_use]
    pub const fn letter(self) -> u8 {
        match self {
            Self::Capture => b'C',
            Self::Config => b'G',
            Self::Delegation => b'D',
            Self::Event => b'E',
            Self::Import => b'M',
            Self::Item => b'I',
            Self::Key => b'K',
            Self::Participant => b'P',
            Self::Region => b'R',
            Self::Prefix => b'X',
        }
    }

    /// The class with this letter.
    #[must_use]
    pub const fn from_letter(letter: u8) -> Option<Self> {
        Some(match letter {
            b'C' => Self::Capture,
            b'G' => Self::Config,
            b'D' => Self::Delegation,
            b'E' => Self::Event,
            b'I' => Self::Item,
            b'K' => Self::Key,
            b'M' => Self::Import,
            b'P' => Self::Participant,
            b'R' => Self::Region,
            b'X' => Self::Prefix,
            _ => return None,
        })
    }

    /// Whether block headers commit to records of this class.
    #[must_use]
    pub const fn authenticated(self) -> bool {
        !matches!(self, Self::Capture | Self::Event | Self::Import)
    }
}

/// A key of the state: its class, and `SHA-256(letter ‖ id)`, which is its key in the state map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateKey {
    /// The kind of thing named.
    pub class: Class,
    /// The hash of the class's letter and the thing's id.
    pub digest: Digest,
}

impl StateKey {
    /// The key of an id in two pieces, the second of which may be empty.
    fn of(class: Class, id: &[u8], rest: &[u8]) -> Self {
        Self {
            class,
            digest: Digest::of_all(&[&[class.letter()], id, rest]),
        }
    }

    /// The ledger's own record.
    #[must_use]
    pub fn config() -> Self {
        Self::of(Class::Config, &[], &[])
    }

    /// A participant.
    #[must_use]
    pub fn participant(handle: Handle) -> Self {
        Self::of(Class::Participant, &handle.0, &[])
    }

    /// A signing key.
    #[must_use]
    pub fn key(id: KeyId) -> Self {
        Self::of(Class::Key, id.0.as_bytes(), &[])
    }

    /// `delegate` signing for `principal`.
    #[must_use]
    pub fn delegation(principal: Handle, delegate: Handle) -> Self {
        Self::of(Class::Delegation, &principal.0, &delegate.0)
    }

    /// The owners of GS1 company prefixes that begin with `seven_digits`.
    #[must_use]
    pub fn prefix(seven_digits: &str) -> Self {
        Self::of(Class::Prefix, seven_digits.as_bytes(), &[])
    }

    /// An item, by its canonical identifier.
    #[must_use]
    pub fn item(canonical: &str) -> Self {
        Self::of(Class::Item, canonical.as_bytes(), &[])
    }

    /// A submission.
    #[must_use]
    pub fn capture(issuer: Handle, capture: CaptureId) -> Self {
        Self::of(Class::Capture, &issuer.0, &capture.0)
    }

    /// An event, by what its issuer calls it.
    #[must_use]
    pub fn event(issuer: Handle, event_id: &str) -> Self {
        Self::of(Class::Event, &issuer.0, event_id.as_bytes())
    }

    /// Another region, by the origin of its log.
    #[must_use]
    pub fn region(log: &str) -> Self {
        Self::of(Class::Region, log.as_bytes(), &[])
    }

    /// An event of another log as one participant imported it.
    #[must_use]
    pub fn import(importer: Handle, item: &str) -> Self {
        Self::of(Class::Import, &importer.0, item.as_bytes())
    }

    /// The stored form: letter, then digest.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 33] {
        let mut bytes = [self.class.letter(); 33];
        bytes[1..].copy_from_slice(&self.digest.0);
        bytes
    }

    /// Reads the stored form.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (letter, digest) = bytes.split_first()?;
        Some(Self {
            class: Class::from_letter(*letter)?,
            digest: Digest::from_slice(digest)?,
        })
    }
}

/// The leaf of an event in the list of an item it touches:
/// `SHA-256(0x00 ‖ leaf u64 ‖ index u16 ‖ leaf hash)`, big-endian.
#[must_use]
pub fn posting_leaf(at: EventRef, leaf: &Digest) -> Digest {
    let mut bytes = [0; 42];
    bytes[..8].copy_from_slice(&at.leaf.0.to_be_bytes());
    bytes[8..10].copy_from_slice(&at.index.to_be_bytes());
    bytes[10..].copy_from_slice(&leaf.0);
    leaf_hash(&bytes)
}

/// State that admission reads and [`apply`] changes.
pub trait State {
    /// The record under `key`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read(&mut self, key: StateKey) -> Result<Option<&[u8]>, StoreError>;

    /// Puts `record` under `key`.
    fn write(&mut self, key: StateKey, record: Vec<u8>);

    /// The decoded record under `key`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if what is there does not decode.
    fn load<R: Record>(&mut self, key: StateKey) -> Result<Option<R>, StoreError> {
        self.read(key)?
            .map(|bytes| {
                R::decode(bytes).map_err(|error| StoreError::Corrupt {
                    what: "state record",
                    detail: format!("{key:?}: {error}"),
                })
            })
            .transpose()
    }
}

#[cfg(test)]
mod tests;
