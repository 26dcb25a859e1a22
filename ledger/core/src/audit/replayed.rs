//! The state of a replay: in memory, over what a store has of it.

use super::prepared::{Kind, Prepared};
use crate::hash::Digest;
use crate::state::{Class, State, StateKey};
use crate::statemap::{self, MemoryPages, Page, PagePath};
use crate::store::{StoreError, View};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The state of an audit: in memory, over what a store has of it.
#[derive(Default)]
pub(super) struct Replayed<'a> {
    pub(super) records: Records,
    /// Authenticated keys written since the last block.
    pub(super) changed: Vec<StateKey>,
    /// All keys written since they were last taken, where a copy is kept.
    pub(super) written: Option<Vec<StateKey>>,
    pub(super) base: Base<'a>,
    /// Whether all that the base has is in memory too, so that it need not be asked.
    pub(super) complete: bool,
    /// What the base was found not to have, since it last changed or the block began.
    pub(super) absent: BTreeSet<StateKey>,
}

/// What a replay goes on from; nothing for one that begins at the first leaf.
pub(super) type Base<'a> = Option<Box<dyn View + Send + 'a>>;

impl fmt::Debug for Replayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed")
            .field("changed", &self.changed.len())
            .finish_non_exhaustive()
    }
}

impl Replayed<'_> {
    /// Where to look for what is not in memory.
    pub(super) fn beneath(&self) -> Option<&dyn View> {
        let base = self.base.as_deref().filter(|_| !self.complete);
        base.map(|base| base as &dyn View)
    }

    /// Reads what a block will need together.
    pub(super) fn prefetch(&mut self, block: &[Prepared]) -> Result<(), StoreError> {
        let Some(base) = self.beneath() else {
            return Ok(());
        };
        let mut keys: Vec<StateKey> = block
            .iter()
            .flat_map(|one| match &one.kind {
                Kind::Whole(checked) => checked.keys(),
                Kind::Damaged(_) | Kind::Header(_) | Kind::Bodiless(_) | Kind::Refused(_) => {
                    Vec::new()
                }
            })
            .filter(|key| self.records.get(key).is_none())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        let found = base.records(&keys)?;
        self.absent.clear();
        for (key, record) in keys.iter().zip(found) {
            match record {
                Some(record) => self.records.insert(*key, record),
                None => drop(self.absent.insert(*key)),
            }
        }
        Ok(())
    }
}

impl State for Replayed<'_> {
    fn read(&mut self, key: StateKey) -> Result<Option<&[u8]>, StoreError> {
        if let Some(base) = self.beneath()
            && self.records.get(&key).is_none()
            && !self.absent.contains(&key)
        {
            let found = base.records(&[key])?.pop().flatten();
            match found {
                Some(record) => self.records.insert(key, record),
                None => drop(self.absent.insert(key)),
            }
        }
        Ok(self.records.get(&key))
    }

    fn write(&mut self, key: StateKey, record: Vec<u8>) {
        if key.class.authenticated() {
            self.changed.push(key);
        }
        if let Some(written) = &mut self.written {
            written.push(key);
        }
        self.records.insert(key, record);
    }
}

/// The pages of a replay's state map: in memory, over those of a store.
pub(super) struct Layered<'p>(pub(super) &'p MemoryPages, pub(super) Option<&'p dyn View>);

impl statemap::Pages for Layered<'_> {
    type Error = StoreError;

    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, StoreError> {
        let Ok(mut found) = self.0.pages(paths);
        let Some(base) = self.1 else {
            return Ok(found);
        };
        let missing: Vec<PagePath> = paths
            .iter()
            .zip(&found)
            .filter_map(|(path, page)| page.is_none().then_some(*path))
            .collect();
        let mut read = base.pages(&missing)?.into_iter();
        for page in found.iter_mut().filter(|page| page.is_none()) {
            *page = read.next().flatten();
        }
        Ok(found)
    }
}

/// State records in key order: a map for each class and first two bytes of the digest. Digests are
/// spread evenly, so that a record among a million is two steps away, not six; the maps of a first
/// byte are there once it has come, or a small ledger would pay for a large one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Records(BTreeMap<Class, Vec<Vec<Shard>>>);

type Shard = BTreeMap<Digest, Vec<u8>>;

impl Records {
    /// The record under `key`.
    #[must_use]
    pub fn get(&self, key: &StateKey) -> Option<&[u8]> {
        let (first, second) = place(&key.digest);
        let shard = self.0.get(&key.class)?.get(first)?.get(second)?;
        shard.get(&key.digest).map(Vec::as_slice)
    }

    /// All records in key order.
    pub fn iter(&self) -> impl Iterator<Item = (StateKey, &Vec<u8>)> {
        self.0.iter().flat_map(|(class, shards)| {
            shards.iter().flatten().flatten().map(|(digest, record)| {
                let (class, digest) = (*class, *digest);
                (StateKey { class, digest }, record)
            })
        })
    }

    /// The records of one class, by digest.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = (Digest, &Vec<u8>)> {
        let shards = self.0.get(&class).into_iter().flatten().flatten();
        shards.flatten().map(|(digest, record)| (*digest, record))
    }

    /// Number of records.
    pub(super) fn len(&self) -> usize {
        let shards = self.0.values().flatten().flatten();
        shards.map(BTreeMap::len).sum()
    }

    pub(super) fn insert(&mut self, key: StateKey, record: Vec<u8>) {
        let shards = self.0.entry(key.class);
        let shards = shards.or_insert_with(|| vec![Vec::new(); 1 << 8]);
        let (first, second) = place(&key.digest);
        let shards = &mut shards[first];
        if shards.is_empty() {
            shards.resize(1 << 8, Shard::new());
        }
        shards[second].insert(key.digest, record);
    }
}

fn place(digest: &Digest) -> (usize, usize) {
    (usize::from(digest.0[0]), usize::from(digest.0[1]))
}
