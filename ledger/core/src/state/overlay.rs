//! Records as they stand in the middle of a block: a view below, changes above.

use super::{State, StateKey};
use crate::store::{StoreError, View};
use std::collections::BTreeMap;

/// State during a block. Reads go to the view once; writes stay here until the block is sealed.
#[derive(Debug)]
pub struct Overlay<'v, V: View> {
    view: &'v V,
    records: BTreeMap<StateKey, Slot>,
}

#[derive(Debug)]
struct Slot {
    record: Option<Vec<u8>>,
    changed: bool,
}

impl<'v, V: View> Overlay<'v, V> {
    /// The state as `view` has it.
    pub const fn new(view: &'v V) -> Self {
        Self {
            view,
            records: BTreeMap::new(),
        }
    }

    /// Reads records in one go, so that later single reads find them here.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn prefetch(&mut self, keys: impl Iterator<Item = StateKey>) -> Result<(), StoreError> {
        let mut wanted: Vec<StateKey> =
            keys.filter(|key| !self.records.contains_key(key)).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let found = self.view.records(&wanted)?;
        for (key, record) in wanted.into_iter().zip(found) {
            self.records.insert(
                key,
                Slot {
                    record,
                    changed: false,
                },
            );
        }
        Ok(())
    }

    /// What changed, in key order.
    pub fn into_changes(self) -> Vec<(StateKey, Vec<u8>)> {
        self.records
            .into_iter()
            .filter(|(_, slot)| slot.changed)
            .filter_map(|(key, slot)| Some((key, slot.record?)))
            .collect()
    }
}

impl<V: View> State for Overlay<'_, V> {
    fn read(&mut self, key: StateKey) -> Result<Option<&[u8]>, StoreError> {
        if !self.records.contains_key(&key) {
            self.prefetch(std::iter::once(key))?;
        }
        Ok(self
            .records
            .get(&key)
            .and_then(|slot| slot.record.as_deref()))
    }

    fn write(&mut self, key: StateKey, record: Vec<u8>) {
        self.records.insert(
            key,
            Slot {
                record: Some(record),
                changed: true,
            },
        );
    }
}
