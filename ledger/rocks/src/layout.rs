//! Every column family and every byte of its keys. Format version 2: version 1 kept personal parts
//! in clear, and no program that keeps them sealed goes on with it.
//!
//! Integers are unsigned and big-endian, so that bytes sort as numbers do. Values are named by the
//! rules of `schemas/suyuan.cddl` where they have structure.
//!
//! | family | key | value |
//! |---|---|---|
//! | `entries` | leaf: 8 | the entry, the bytes its leaf hash is over |
//! | `bodies` | leaf: 8 | `stored-body`; absent for block headers and where it was deleted |
//! | `effects` | leaf: 8 | `effects`; absent for block headers |
//! | `tiles` | level: 1 ‖ index: 8 | 1 to 256 hashes of 32 bytes |
//! | `blocks` | leaf of the header: 8 | `block-record` |
//! | `records` | class letter: 1 ‖ SHA-256 of letter and id: 32 | the record of that class |
//! | `pages` | number of nibbles: 1 ‖ nibbles, two a byte, last padded: 0..=32 | a page of the state map |
//! | `postings` | item's digest, as in its record's key: 32 ‖ leaf: 8 ‖ index: 2 | empty |
//! | `meta` | `format` | format version: 2 |
//! | | `origin` | the log's origin, UTF-8 |
//! | | `nonce` | 32 bytes that tell this database from any other of the same origin |
//! | | `head` | `head`; absent before the first block |
//! | | `slots` | slots of the key file that parts have taken: 8 |
//! | `default` | | RocksDB wants it to exist; always empty |
//!
//! Entries hash to their leaf and pages to the state root, so those two check themselves; for the
//! rest RocksDB's checksum of each block is what tells rot from data, on every read.

use ledger::hash::Digest;
use ledger::ids::LeafIndex;
use ledger::store::{EventRef, Posting};

/// The only format this build reads and writes.
pub(crate) const FORMAT: u16 = 2;

/// A column family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Entries,
    Bodies,
    Effects,
    Tiles,
    Blocks,
    Records,
    Pages,
    Postings,
    Meta,
}

impl Family {
    pub(crate) const ALL: [Self; 9] = [
        Self::Entries,
        Self::Bodies,
        Self::Effects,
        Self::Tiles,
        Self::Blocks,
        Self::Records,
        Self::Pages,
        Self::Postings,
        Self::Meta,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Entries => "entries",
            Self::Bodies => "bodies",
            Self::Effects => "effects",
            Self::Tiles => "tiles",
            Self::Blocks => "blocks",
            Self::Records => "records",
            Self::Pages => "pages",
            Self::Postings => "postings",
            Self::Meta => "meta",
        }
    }
}

/// Keys of the family `meta`.
pub(crate) const META_FORMAT: &[u8] = b"format";
pub(crate) const META_ORIGIN: &[u8] = b"origin";
pub(crate) const META_NONCE: &[u8] = b"nonce";
pub(crate) const META_HEAD: &[u8] = b"head";
pub(crate) const META_SLOTS: &[u8] = b"slots";

pub(crate) const fn leaf_key(leaf: LeafIndex) -> [u8; 8] {
    leaf.0.to_be_bytes()
}

pub(crate) fn parse_leaf_key(key: &[u8]) -> Option<LeafIndex> {
    key.try_into().ok().map(u64::from_be_bytes).map(LeafIndex)
}

pub(crate) fn tile_key(level: u8, index: u64) -> [u8; 9] {
    let mut key = [level; 9];
    key[1..].copy_from_slice(&index.to_be_bytes());
    key
}

/// Bytes that the keys of one item's list have in common.
pub(crate) const POSTING_PREFIX: usize = 32;

pub(crate) fn posting_key(item: &Digest, at: EventRef) -> [u8; 42] {
    let mut key = [0; 42];
    key[..POSTING_PREFIX].copy_from_slice(item.as_bytes());
    key[POSTING_PREFIX..40].copy_from_slice(&leaf_key(at.leaf));
    key[40..].copy_from_slice(&at.index.to_be_bytes());
    key
}

pub(crate) fn parse_posting_key(key: &[u8]) -> Option<Posting> {
    let (item, rest) = key.split_at_checked(POSTING_PREFIX)?;
    let (leaf, index) = rest.split_at_checked(8)?;
    let index = u16::from_be_bytes(index.try_into().ok()?);
    let leaf = parse_leaf_key(leaf)?;
    Some((Digest::from_slice(item)?, EventRef { leaf, index }))
}
