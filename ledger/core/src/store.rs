//! What a ledger keeps, and the two ways to touch it: consistent reads, one atomic commit.
//!
//! A [`Store`] is one door to one ledger. [`Store::view`] gives a reader that sees exactly one
//! block's state however many blocks follow; [`Store::commit`] makes one block durable, whole or
//! not at all. What is written for a block is named by [`WriteSet`], and nothing else is ever
//! written. Bodies can be deleted and views rebuilt; entries, tiles and blocks are for ever.
//!
//! The keys of personal parts ([`crate::personal`]) are kept apart from all this, where 32 bytes
//! can be overwritten. They are durable before the block whose parts they open, and those that a
//! block orders destroyed are overwritten after it: a crash between is finished on reopening, from
//! the ledger alone ([`crate::forget::ordered_keys`]).
//!
//! **Invariant:** a failed read is never an empty answer, and a failed commit is unknown, not
//! undone: the caller stops, and reopening decides.

use crate::block::{BlockRecord, Head};
use crate::hash::Digest;
use crate::ids::LeafIndex;
use crate::personal::{Kept, KeyRef, PartKey};
use crate::state::StateKey;
use crate::statemap::{Page, PagePath};

#[cfg(any(test, feature = "testing"))]
#[doc(hidden)]
pub mod suite;

/// Hashes of one full tile; C2SP tlog-tiles.
pub const TILE_HASHES: usize = 256;

/// Position of one event: its statement's leaf and its index among that statement's disclosures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct EventRef {
    /// The statement's leaf.
    pub leaf: LeafIndex,
    /// Index within the statement, from 0; at most 999.
    pub index: u16,
}

/// Why a store could not answer. Never the client's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// What was read is not what was written: stop, keep the files, audit.
    #[error("damaged {what}: {detail}")]
    Corrupt {
        /// The kind of record.
        what: &'static str,
        /// Where, and what is wrong.
        detail: String,
    },
    /// The disk or the operating system refused.
    #[error("storage failed: {0}")]
    Io(String),
    /// A commit failed half-way as far as anyone can tell; only reopening decides.
    #[error("the outcome of a write is unknown; the process must stop and reopen: {0}")]
    Unknown(String),
}

/// Everything one block writes, atomically; or a mirror's span of blocks, taken from another log.
#[derive(Clone, Debug)]
pub struct WriteSet {
    /// Entries at consecutive leaves, the block header last, each with its body and its effects.
    pub entries: Vec<EntryWrite>,
    /// Changed hash tiles: `(level, index, hashes)`, at most 256 hashes each.
    pub tiles: Vec<(u8, u64, Vec<Digest>)>,
    /// Changed state records.
    pub records: Vec<(StateKey, Vec<u8>)>,
    /// Changed pages of the state map.
    pub pages: Vec<(PagePath, Page)>,
    /// New members of items' lists: the item's key, then where it is touched.
    pub postings: Vec<(StateKey, EventRef)>,
    /// Blocks of the same write before the last: none but where a mirror catches up.
    pub earlier: Vec<BlockRecord>,
    /// The last block as found again from any of its leaves.
    pub block: BlockRecord,
    /// The head after this block.
    pub head: Head,
    /// Keys of this block's personal parts, at consecutive slots: durable before the block is.
    pub part_keys: Vec<(KeyRef, PartKey)>,
    /// Keys that this block orders destroyed: overwritten durably after the block, before the
    /// commit returns.
    pub destroyed: Vec<KeyRef>,
}

impl WriteSet {
    /// All blocks written, in order.
    pub fn blocks(&self) -> impl Iterator<Item = &BlockRecord> {
        self.earlier.iter().chain(std::iter::once(&self.block))
    }

    /// Checks that this set is whole blocks and continues the log after `head`.
    ///
    /// A store calls it before it writes anything: a gap written once would be there for ever.
    ///
    /// # Errors
    /// [`StoreError::Unknown`], naming what does not fit. The fault is the caller's, whose picture
    /// of the log is wrong, so it must not go on.
    pub fn check_follows(&self, head: Option<&Head>) -> Result<(), StoreError> {
        let refuse = |what: &str| Err(StoreError::Unknown(format!("write set refused: {what}")));
        let (size, height) = head.map_or((0, 0), |head| {
            (head.size().0, head.block.height.saturating_add(1))
        });
        let consecutive = (size..)
            .zip(&self.entries)
            .all(|(leaf, entry)| entry.leaf.0 == leaf);
        let Some(last) = self.entries.last().filter(|_| consecutive) else {
            return refuse("its leaves do not continue the log");
        };
        if self.block.header != last.leaf
            || !(height..)
                .zip(self.blocks())
                .all(|(height, block)| block.height == height)
        {
            return refuse("its block does not end at its last leaf, or is not the next");
        }
        if self.head.block != self.block {
            return refuse("its head is not its block");
        }
        if self
            .tiles
            .iter()
            .any(|(_, _, hashes)| !(1..=TILE_HASHES).contains(&hashes.len()))
        {
            return refuse("a tile has 1 to 256 hashes");
        }
        Ok(())
    }
}

/// One leaf of a [`WriteSet`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryWrite {
    /// Where it goes.
    pub leaf: LeafIndex,
    /// The statement's bytes with an empty unprotected header: exactly what the leaf hashes.
    pub entry: Vec<u8>,
    /// Disclosures and parts as one encoded array (`stored-body` in the CDDL); empty for block
    /// headers.
    pub body: Vec<u8>,
    /// The encoded effects; empty for block headers.
    pub effects: Vec<u8>,
}

/// A member of an item's list: the item's digest, as in its state key, and where it is touched.
pub type Posting = (Digest, EventRef);

/// An entry's bytes and its body's; the body is empty where there is none.
pub type EntryAndBody = (Vec<u8>, Vec<u8>);

/// Reads of one consistent moment.
///
/// What is empty is not stored: the body and the effects of a block header are `None` here, and
/// empty where leaves are read together. Entries are never missing below the head's size: a store
/// that finds one missing answers `Corrupt`.
pub trait View {
    /// The head, or `None` where nothing was ever written.
    ///
    /// # Errors
    /// [`StoreError`]: never an empty answer instead of a failed one.
    fn head(&self) -> Result<Option<Head>, StoreError>;

    /// The entry at `leaf`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn entry(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError>;

    /// The body at `leaf`; `None` where it was deleted or never was.
    ///
    /// # Errors
    /// [`StoreError`].
    fn body(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError>;

    /// The effects of the entry at `leaf`.
    ///
    /// # Errors
    /// [`StoreError`].
    fn effects(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError>;

    /// Up to `limit` leaves from `from` on, in order: entry, body, effects of each.
    ///
    /// # Errors
    /// [`StoreError`].
    fn leaves(&self, from: LeafIndex, limit: usize) -> Result<Vec<EntryWrite>, StoreError>;

    /// As [`View::leaves`], but ends after the leaf with which the bodies reach `bytes`: a thousand
    /// statements may be kilobytes or gigabytes.
    ///
    /// # Errors
    /// [`StoreError`].
    fn leaves_within(
        &self,
        from: LeafIndex,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<EntryWrite>, StoreError> {
        let mut found: Vec<EntryWrite> = Vec::new();
        let (mut next, mut read) = (from, 0);
        while found.len() < limit && read < bytes {
            let Some(one) = self.leaves(next, 1)?.pop() else {
                break;
            };
            next = LeafIndex(one.leaf.0 + 1);
            read = read.saturating_add(one.body.len());
            found.push(one);
        }
        Ok(found)
    }

    /// Entries and bodies of many leaves at once, in the order asked; `None` beyond the head.
    ///
    /// # Errors
    /// [`StoreError`].
    fn entries_with_bodies(
        &self,
        leaves: &[LeafIndex],
    ) -> Result<Vec<Option<EntryAndBody>>, StoreError>;

    /// A hash tile, possibly partial.
    ///
    /// # Errors
    /// [`StoreError`].
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, StoreError>;

    /// The block that holds `leaf`: the first whose header is at or after it.
    ///
    /// # Errors
    /// [`StoreError`].
    fn block_of(&self, leaf: LeafIndex) -> Result<Option<BlockRecord>, StoreError>;

    /// The blocks that hold `leaves`, which are in rising order: one pass over the blocks.
    ///
    /// # Errors
    /// [`StoreError`].
    fn blocks_of(&self, leaves: &[LeafIndex]) -> Result<Vec<Option<BlockRecord>>, StoreError> {
        leaves.iter().map(|leaf| self.block_of(*leaf)).collect()
    }

    /// State records, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`].
    fn records(&self, keys: &[StateKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError>;

    /// Pages of the state map, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`].
    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, StoreError>;

    /// Up to `limit` members of an item's list, in log order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn postings(&self, item: &StateKey, limit: usize) -> Result<Vec<EventRef>, StoreError>;

    /// Up to `limit` state records that follow `after`, in key order: for an audit, which
    /// compares everything.
    ///
    /// # Errors
    /// [`StoreError`].
    fn records_after(
        &self,
        after: Option<StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, StoreError>;

    /// Up to `limit` pages of the state map that follow `after`, in path order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn pages_after(
        &self,
        after: Option<PagePath>,
        limit: usize,
    ) -> Result<Vec<(PagePath, Page)>, StoreError>;

    /// Up to `limit` members of all items' lists that follow `after`, by item and then in log
    /// order.
    ///
    /// # Errors
    /// [`StoreError`].
    fn postings_after(
        &self,
        after: Option<Posting>,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError>;

    /// Slots that keys of personal parts have taken: the next one's number.
    ///
    /// # Errors
    /// [`StoreError`].
    fn key_slots(&self) -> Result<u64, StoreError>;

    /// The key of a personal part, as it is now and not as it was when the view was taken: what
    /// is destroyed is destroyed for every reader.
    ///
    /// # Errors
    /// [`StoreError::Io`]; what is damaged is [`crate::personal::Gone::Lost`], since one part's
    /// loss must not keep anyone from the rest.
    fn part_key(&self, at: &KeyRef) -> Result<Kept, StoreError>;

    /// Up to `limit` members of each of these lists, in the order asked.
    ///
    /// # Errors
    /// [`StoreError`].
    fn postings_of(
        &self,
        items: &[StateKey],
        limit: usize,
    ) -> Result<Vec<Vec<EventRef>>, StoreError> {
        items
            .iter()
            .map(|item| self.postings(item, limit))
            .collect()
    }
}

/// One ledger's storage.
pub trait Store: Send + Sync {
    /// A reader of one consistent moment.
    type View<'a>: View
    where
        Self: 'a;

    /// The newest consistent moment.
    fn view(&self) -> Self::View<'_>;

    /// Makes one block durable: when this returns `Ok`, power may fail.
    ///
    /// # Errors
    /// [`StoreError::Unknown`]: the caller must not use this store again, nor acknowledge.
    fn commit(&self, write: WriteSet) -> Result<(), StoreError>;
}
