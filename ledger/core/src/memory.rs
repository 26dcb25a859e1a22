//! A store in memory, for tests: the same promises as a disk's, and faults on demand.
//!
//! Every view holds the state it was taken from; a commit made while views are held copies it
//! first. That costs time in proportion to the ledger, which tests can afford.
//!
//! **Invariant:** after a failed commit every answer is [`StoreError::Unknown`], until
//! [`MemoryStore::reopen`].

use crate::block::{BlockRecord, Head};
use crate::hash::Digest;
use crate::ids::LeafIndex;
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
}

impl Contents {
    fn apply(&mut self, write: WriteSet) {
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
        self.blocks.insert(write.block.header, write.block);
        self.head = Some(write.head);
    }
}

#[derive(Debug, Default)]
struct Inner {
    contents: Arc<Contents>,
    fault: Option<Fault>,
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

    /// What another process would find: what was persisted, and no memory of a failure.
    #[must_use]
    pub fn reopen(&self) -> Self {
        let contents = Arc::clone(&self.lock().contents);
        Self {
            inner: Mutex::new(Inner {
                contents,
                fault: None,
            }),
            failed: Arc::default(),
        }
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
        let contents = Arc::clone(&self.lock().contents);
        MemoryView {
            contents,
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
        if fault != Some(Fault::NotPersisted) {
            Arc::make_mut(&mut inner.contents).apply(write);
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
        for (fault, blocks) in [(Fault::NotPersisted, 1), (Fault::Persisted, 2)] {
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
