//! A store in memory, for tests: the same promises as a disk's, and faults on demand.
//!
//! Every view holds the state it was taken from; a commit made while views are held copies it
//! first. That costs time in proportion to the ledger, which tests can afford.
//!
//! Keys of personal parts stand beside the contents, as on a disk: one place for every view.
//!
//! **Invariant:** after a failed commit every answer is [`StoreError::Unknown`], until
//! [`MemoryStore::reopen`].

use crate::block::{BlockRecord, Head};
use crate::hash::Digest;
use crate::ids::LeafIndex;
use crate::personal::{Gone, Kept, KeyRef, PartKey};
use crate::state::{Class, StateKey};
use crate::statemap::{Page, PagePath};
use crate::store::{EntryWrite, EventRef, Posting, Store, StoreError, View, WriteSet};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

/// How a commit fails: the caller is told the same, reopening finds something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing was written.
    NotPersisted,
    /// Everything was written, and then the answer was lost.
    Persisted,
    /// The block was written, and the keys that it orders destroyed were not.
    KeysLeft,
}

/// What was committed.
#[derive(Clone, Debug, Default)]
struct Contents {
    head: Option<Head>,
    /// Entry, body, effects by leaf; empty as absent.
    leaves: BTreeMap<LeafIndex, [Vec<u8>; 3]>,
    tiles: BTreeMap<(u8, u64), Vec<Digest>>,
    blocks: BTreeMap<LeafIndex, BlockRecord>,
    records: BTreeMap<StateKey, Vec<u8>>,
    pages: BTreeMap<PagePath, Page>,
    postings: BTreeSet<(StateKey, EventRef)>,
    key_slots: u64,
}

/// Keys by slot, each with its name; `None` where it was destroyed.
type KeyRecords = BTreeMap<u64, (Digest, Option<PartKey>)>;
type Keys = Arc<Mutex<KeyRecords>>;

/// A copy of a store's keys.
#[derive(Clone, Debug)]
pub struct KeyCopy(KeyRecords);

impl Contents {
    fn apply(&mut self, write: WriteSet) {
        let blocks = write.blocks().map(|block| (block.header, *block));
        self.blocks.extend(blocks);
        for EntryWrite {
            leaf,
            entry,
            body,
            effects,
        } in write.entries
        {
            self.leaves.insert(leaf, [entry, body, effects]);
        }
        for (level, index, hashes) in write.tiles {
            self.tiles.insert((level, index), hashes);
        }
        self.records.extend(write.records);
        self.pages.extend(write.pages);
        self.postings.extend(write.postings);
        if let Some((last, _)) = write.part_keys.last() {
            self.key_slots = last.slot + 1;
        }
        self.head = Some(write.head);
    }
}

#[derive(Debug, Default)]
struct Inner {
    contents: Arc<Contents>,
    keys: Keys,
    fault: Option<Fault>,
}

impl Inner {
    fn write_keys(&self, keys: &[(KeyRef, PartKey)]) {
        let mut kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for (at, key) in keys {
            kept.insert(at.slot, (at.name, Some(key.clone())));
        }
    }

    fn destroy(&self, keys: &[KeyRef]) {
        let mut kept = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        for at in keys {
            kept.insert(at.slot, (at.name, None));
        }
    }
}

/// A ledger's storage in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    inner: Mutex<Inner>,
    /// Why a commit failed, once one has.
    failed: Arc<OnceLock<String>>,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes the next commit fail.
    pub fn fail_next_commit(&self, fault: Fault) {
        self.lock().fault = Some(fault);
    }

    /// What another process would find: what was persisted, and no memory of a failure. As on a
    /// disk, keys of blocks that never came are dropped, and ordered destruction is finished.
    ///
    /// # Panics
    /// If what was committed cannot be read back: a bug.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let (contents, keys) = {
            let inner = self.lock();
            (Arc::clone(&inner.contents), Arc::clone(&inner.keys))
        };
        keys.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .retain(|slot, _| *slot < contents.key_slots);
        let store = Self {
            inner: Mutex::new(Inner {
                contents,
                keys,
                fault: None,
            }),
            failed: Arc::default(),
        };
        let ordered = crate::forget::ordered_keys(&store.view()).expect("memory can be read");
        store.lock().destroy(&ordered);
        store
    }

    /// A copy of the keys, as someone might have made it.
    #[must_use]
    pub fn keys(&self) -> KeyCopy {
        let kept = Arc::clone(&self.lock().keys);
        KeyCopy(kept.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// Puts a copy of the keys in the place of those kept.
    pub fn restore_keys(&self, copy: KeyCopy) {
        let kept = Arc::clone(&self.lock().keys);
        *kept.lock().unwrap_or_else(PoisonError::into_inner) = copy.0;
    }

    /// Loses a key, as a rotten disk does.
    pub fn lose_key(&self, slot: u64) {
        let kept = Arc::clone(&self.lock().keys);
        kept.lock()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(&slot);
    }

    /// A panic elsewhere leaves the contents whole: they are replaced in one assignment.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fail(&self, why: String) -> StoreError {
        StoreError::Unknown(self.failed.get_or_init(|| why).clone())
    }
}

impl Store for MemoryStore {
    type View<'a> = MemoryView;

    fn view(&self) -> MemoryView {
        let inner = self.lock();
        MemoryView {
            contents: Arc::clone(&inner.contents),
            keys: Arc::clone(&inner.keys),
            failed: Arc::clone(&self.failed),
        }
    }

    fn commit(&self, write: WriteSet) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if let Some(why) = self.failed.get() {
            return Err(StoreError::Unknown(why.clone()));
        }
        if let Err(refusal) = write.check_follows(inner.contents.head.as_ref()) {
            return Err(self.fail(refusal.to_string()));
        }
        let fault = inner.fault.take();
        inner.write_keys(&write.part_keys);
        if fault != Some(Fault::NotPersisted) {
            let destroyed = write.destroyed.clone();
            Arc::make_mut(&mut inner.contents).apply(write);
            if fault != Some(Fault::KeysLeft) {
                inner.destroy(&destroyed);
            }
        }
        match fault {
            None => Ok(()),
            Some(fault) => Err(self.fail(format!("injected fault: {fault:?}"))),
        }
    }
}

/// Reads of one consistent moment of a [`MemoryStore`].
#[derive(Clone, Debug)]
pub struct MemoryView {
    contents: Arc<Contents>,
    keys: Keys,
    failed: Arc<OnceLock<String>>,
}

impl MemoryView {
    fn contents(&self) -> Result<&Contents, StoreError> {
        match self.failed.get() {
            None => Ok(&self.contents),
            Some(why) => Err(StoreError::Unknown(why.clone())),
        }
    }

    fn part(&self, leaf: LeafIndex, part: usize) -> Result<Option<Vec<u8>>, StoreError> {
        let found = self
            .contents()?
            .leaves
            .get(&leaf)
            .map(|parts| parts[part].clone());
        Ok(found.filter(|bytes| !bytes.is_empty()))
    }
}

impl View for MemoryView {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        Ok(self.contents()?.head.clone())
    }

    fn entry(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.part(leaf, 0)
    }

    fn body(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.part(leaf, 1)
    }

    fn effects(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.part(leaf, 2)
    }

    fn leaves(&self, from: LeafIndex, limit: usize) -> Result<Vec<EntryWrite>, StoreError> {
        let found = self.contents()?.leaves.range(from..).take(limit);
        Ok(found
            .map(|(leaf, parts)| {
                let [entry, body, effects] = parts.clone();
                EntryWrite {
                    leaf: *leaf,
                    entry,
                    body,
                    effects,
                }
            })
            .collect())
    }

    fn entries_with_bodies(
        &self,
        leaves: &[LeafIndex],
    ) -> Result<Vec<Option<(Vec<u8>, Vec<u8>)>>, StoreError> {
        let contents = self.contents()?;
        let find = |leaf| {
            let [entry, body, _] = contents.leaves.get(leaf)?.clone();
            Some((entry, body))
        };
        Ok(leaves.iter().map(find).collect())
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, StoreError> {
        Ok(self.contents()?.tiles.get(&(level, index)).cloned())
    }

    fn block_of(&self, leaf: LeafIndex) -> Result<Option<BlockRecord>, StoreError> {
        Ok(self
            .contents()?
            .blocks
            .range(leaf..)
            .next()
            .map(|(_, block)| *block))
    }

    fn records(&self, keys: &[StateKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let contents = self.contents()?;
        Ok(keys
            .iter()
            .map(|key| contents.records.get(key).cloned())
            .collect())
    }

    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, StoreError> {
        let contents = self.contents()?;
        Ok(paths
            .iter()
            .map(|path| contents.pages.get(path).cloned())
            .collect())
    }

    fn postings(&self, item: &StateKey, limit: usize) -> Result<Vec<EventRef>, StoreError> {
        let first = (
            *item,
            EventRef {
                leaf: LeafIndex(0),
                index: 0,
            },
        );
        let found = self.contents()?.postings.range(first..);
        Ok(found
            .take_while(|(key, _)| key == item)
            .take(limit)
            .map(|(_, at)| *at)
            .collect())
    }

    fn records_after(
        &self,
        after: Option<StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, StoreError> {
        let found = self.contents()?.records.range(beyond(after)).take(limit);
        Ok(found.map(|(key, record)| (*key, record.clone())).collect())
    }

    fn pages_after(
        &self,
        after: Option<PagePath>,
        limit: usize,
    ) -> Result<Vec<(PagePath, Page)>, StoreError> {
        let found = self.contents()?.pages.range(beyond(after)).take(limit);
        Ok(found.map(|(path, page)| (*path, page.clone())).collect())
    }

    fn postings_after(
        &self,
        after: Option<Posting>,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        let after = after.map(|(digest, at)| {
            let class = Class::Item;
            (StateKey { class, digest }, at)
        });
        let found = self.contents()?.postings.range(beyond(after)).take(limit);
        Ok(found.map(|(item, at)| (item.digest, *at)).collect())
    }

    fn key_slots(&self) -> Result<u64, StoreError> {
        Ok(self.contents()?.key_slots)
    }

    fn part_key(&self, at: &KeyRef) -> Result<Kept, StoreError> {
        self.contents()?;
        let keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(match keys.get(&at.slot) {
            Some((name, Some(key))) if *name == at.name => Kept::Here(key.clone()),
            Some((name, None)) if *name == at.name => Kept::Gone(Gone::Destroyed),
            Some(_) | None => Kept::Gone(Gone::Lost),
        })
    }
}

/// All that follow `after`; all there are without one.
fn beyond<T>(after: Option<T>) -> (Bound<T>, Bound<T>) {
    (
        after.map_or(Bound::Unbounded, Bound::Excluded),
        Bound::Unbounded,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::suite::{Chain, Harness};

    #[derive(Debug)]
    struct InMemory;

    impl Harness for InMemory {
        type Store = MemoryStore;

        fn create(&self) -> MemoryStore {
            MemoryStore::new()
        }

        fn reopen(&self, store: MemoryStore) -> MemoryStore {
            store.reopen()
        }
    }

    crate::store_suite!(InMemory);

    #[test]
    fn a_failed_commit_is_unknown_and_reopening_decides() {
        for (fault, blocks) in [
            (Fault::NotPersisted, 1),
            (Fault::Persisted, 2),
            (Fault::KeysLeft, 2),
        ] {
            let (store, mut chain) = (MemoryStore::new(), Chain::default());
            store.commit(chain.block(3)).unwrap();
            let before = store.view();
            store.fail_next_commit(fault);
            let unknown = Err(StoreError::Unknown(format!("injected fault: {fault:?}")));
            assert_eq!(store.commit(chain.block(3)), unknown.clone());
            assert_eq!(store.commit(chain.block(3)), unknown);
            assert!(matches!(before.head(), Err(StoreError::Unknown(_))));
            assert!(matches!(store.view().head(), Err(StoreError::Unknown(_))));
            let head = store.reopen().view().head().unwrap().unwrap();
            assert_eq!(head.block.height + 1, blocks);
        }
    }
}
