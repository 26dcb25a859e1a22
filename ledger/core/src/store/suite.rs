//! What every store must do, as test cases: hidden from the documentation, built for tests only.
//!
//! A crate that implements [`Store`] writes a [`Harness`] and calls [`crate::store_suite!`].

mod chain;
pub use chain::{Chain, Sizes};

use super::{EventRef, Store, StoreError, View as _};
use crate::hash::Digest;
use crate::ids::LeafIndex;
use crate::personal::{Gone, Kept, KeyRef, PartKey};
use crate::state::StateKey;
use crate::statemap::PagePath;
use std::collections::{BTreeMap, BTreeSet};

/// How the suite gets its stores.
pub trait Harness {
    /// The store under test.
    type Store: Store;

    /// A new, empty store.
    fn create(&self) -> Self::Store;

    /// The same store, as another process would find it.
    fn reopen(&self, store: Self::Store) -> Self::Store;
}

/// One `#[test]` for each case of the suite, with `$harness` evaluated in each.
#[macro_export]
macro_rules! store_suite {
    ($harness:expr) => {
        $crate::store_suite! { @cases $harness;
            an_empty_store_has_no_head
            a_view_sees_all_of_a_commit
            an_old_view_does_not_see_a_later_commit
            every_leaf_finds_its_block
            postings_come_in_log_order_up_to_a_limit
            many_are_answered_in_the_order_asked
            leaves_come_in_order_up_to_a_limit
            views_are_read_whole_in_order
            reopening_finds_the_same
            a_gap_is_refused_and_ends_the_store
            a_key_opens_its_own_part_until_it_is_destroyed
        }
    };
    (@cases $harness:expr; $($case:ident)+) => {
        $(#[test]
        fn $case() {
            $crate::store::suite::$case(&$harness);
        })+
    };
}

const WRITTEN: &str = "the store answers";

/// # Panics
/// If the case fails.
pub fn an_empty_store_has_no_head(harness: &impl Harness) {
    let store = harness.create();
    let view = store.view();
    assert_eq!(view.head().expect(WRITTEN), None);
    assert_eq!(view.entry(LeafIndex(0)).expect(WRITTEN), None);
    assert_eq!(view.block_of(LeafIndex(0)).expect(WRITTEN), None);
    assert_eq!(view.tile(0, 0).expect(WRITTEN), None);
    assert!(view.leaves(LeafIndex(0), 10).expect(WRITTEN).is_empty());
    assert!(
        view.postings(&Chain::item(0), 10)
            .expect(WRITTEN)
            .is_empty()
    );
    drop(view);
    assert_eq!(harness.reopen(store).view().head().expect(WRITTEN), None);
}

/// # Panics
/// If the case fails.
pub fn a_view_sees_all_of_a_commit(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    // Two blocks, so that a partial tile is written over and a second tile level begins.
    for statements in [250, 30] {
        let write = chain.block(statements);
        store.commit(write.clone()).expect(WRITTEN);
        let view = store.view();
        assert_eq!(view.head().expect(WRITTEN), Some(write.head));
        for entry in write.entries {
            let non_empty = |bytes: Vec<u8>| (!bytes.is_empty()).then_some(bytes);
            assert_eq!(view.entry(entry.leaf).expect(WRITTEN), Some(entry.entry));
            assert_eq!(view.body(entry.leaf).expect(WRITTEN), non_empty(entry.body));
            assert_eq!(
                view.effects(entry.leaf).expect(WRITTEN),
                non_empty(entry.effects)
            );
        }
        for (level, index, hashes) in write.tiles {
            assert_eq!(view.tile(level, index).expect(WRITTEN), Some(hashes));
        }
        for (path, page) in write.pages {
            assert_eq!(view.pages(&[path]).expect(WRITTEN), [Some(page)]);
        }
        for (item, at) in write.postings {
            assert!(view.postings(&item, 9).expect(WRITTEN).contains(&at));
        }
        // An item is written three times in a row; the last write counts.
        let (key, record) = write.records.last().expect("records").clone();
        assert_eq!(view.records(&[key]).expect(WRITTEN), [Some(record)]);
    }
    assert_eq!(
        store
            .view()
            .tile(1, 0)
            .expect(WRITTEN)
            .map(|tile| tile.len()),
        Some(1)
    );
    assert_eq!(store.view().tile(1, 1).expect(WRITTEN), None);
}

/// # Panics
/// If the case fails.
pub fn an_old_view_does_not_see_a_later_commit(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    let empty = store.view();
    let first = chain.block(4);
    store.commit(first.clone()).expect(WRITTEN);
    let old = store.view();
    let second = chain.block(4);
    store.commit(second.clone()).expect(WRITTEN);

    assert_eq!(empty.head().expect(WRITTEN), None);
    assert_eq!(empty.entry(LeafIndex(0)).expect(WRITTEN), None);
    assert_eq!(old.head().expect(WRITTEN).as_ref(), Some(&first.head));
    assert_eq!(old.entry(second.block.header).expect(WRITTEN), None);
    assert_eq!(old.block_of(LeafIndex(5)).expect(WRITTEN), None);
    assert_eq!(
        old.leaves(LeafIndex(0), 100).expect(WRITTEN).len(),
        first.entries.len()
    );
    assert_eq!(
        old.tile(0, 0).expect(WRITTEN).map(|tile| tile.len()),
        Some(5)
    );
    assert_eq!(old.records(&[Chain::capture(5)]).expect(WRITTEN), [None]);
    let root = |write: &super::WriteSet| write.pages.first().map(|(_, page)| page.clone());
    assert_eq!(old.pages(&[PagePath::ROOT]).expect(WRITTEN), [root(&first)]);
    assert_eq!(
        store.view().pages(&[PagePath::ROOT]).expect(WRITTEN),
        [root(&second)]
    );
    // Leaf 4 is the first header; leaves 3 and 5 are about the same item.
    let leaves = |at: &[EventRef]| at.iter().map(|at| at.leaf.0).collect::<Vec<_>>();
    assert_eq!(
        leaves(&old.postings(&Chain::item(3), 9).expect(WRITTEN)),
        [3]
    );
    assert_eq!(
        leaves(&store.view().postings(&Chain::item(3), 9).expect(WRITTEN)),
        [3, 5]
    );
}

/// # Panics
/// If the case fails.
pub fn every_leaf_finds_its_block(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    let mut blocks = Vec::new();
    for statements in [1, 0, 5, 300] {
        let write = chain.block(statements);
        blocks.push((write.entries.clone(), write.block));
        store.commit(write).expect(WRITTEN);
    }
    let view = store.view();
    for (entries, block) in &blocks {
        for entry in entries {
            assert_eq!(view.block_of(entry.leaf).expect(WRITTEN), Some(*block));
        }
    }
    let beyond = chain.head().expect("four blocks").size().next();
    assert_eq!(view.block_of(beyond).expect(WRITTEN), None);
}

/// # Panics
/// If the case fails.
pub fn postings_come_in_log_order_up_to_a_limit(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    let (item, other) = (StateKey::item("one item"), StateKey::item("another item"));
    let at = |leaf, index| EventRef {
        leaf: LeafIndex(leaf),
        index,
    };
    let mut write = chain.block(3);
    write.postings = vec![
        (item, at(2, 0)),
        (other, at(1, 1)),
        (item, at(0, 300)),
        (item, at(0, 2)),
        (item, at(1, 0)),
    ];
    store.commit(write).expect(WRITTEN);
    let mut write = chain.block(300);
    write.postings = vec![(item, at(256, 0)), (item, at(255, 0))];
    store.commit(write).expect(WRITTEN);

    let order = [
        at(0, 2),
        at(0, 300),
        at(1, 0),
        at(2, 0),
        at(255, 0),
        at(256, 0),
    ];
    let view = store.view();
    assert_eq!(view.postings(&item, 100).expect(WRITTEN), order);
    assert_eq!(view.postings(&item, 6).expect(WRITTEN), order);
    assert_eq!(view.postings(&item, 3).expect(WRITTEN), order[..3]);
    assert_eq!(view.postings(&item, 0).expect(WRITTEN), []);
    assert_eq!(view.postings(&other, 100).expect(WRITTEN), [at(1, 1)]);
    assert_eq!(
        view.postings(&StateKey::item("unknown"), 100)
            .expect(WRITTEN),
        []
    );
}

/// # Panics
/// If the case fails.
pub fn many_are_answered_in_the_order_asked(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    let write = chain.block(40);
    store.commit(write.clone()).expect(WRITTEN);
    let view = store.view();

    let entry = |leaf: usize| {
        let entry = &write.entries[leaf];
        Some((entry.entry.clone(), entry.body.clone()))
    };
    let leaves = [
        LeafIndex(7),
        LeafIndex(99),
        LeafIndex(3),
        LeafIndex(40),
        LeafIndex(7),
    ];
    assert_eq!(
        view.entries_with_bodies(&leaves).expect(WRITTEN),
        [entry(7), None, entry(3), entry(40), entry(7)]
    );
    assert_eq!(view.entries_with_bodies(&[]).expect(WRITTEN), []);

    let record = |at: usize| (write.records[at].0, Some(write.records[at].1.clone()));
    let (high, low) = (record(60), record(0));
    let unknown = StateKey::item("unknown");
    assert_eq!(
        view.records(&[high.0, unknown, low.0, high.0])
            .expect(WRITTEN),
        [high.1.clone(), None, low.1, high.1]
    );

    let (root, page) = write.pages.first().expect("a root page").clone();
    let (deep, deep_page) = write.pages.last().expect("a page").clone();
    let absent = PagePath::decode(&[3, 0xab, 0xc0]).expect("a path");
    assert_eq!(
        view.pages(&[deep, root, absent, deep]).expect(WRITTEN),
        [Some(deep_page.clone()), Some(page), None, Some(deep_page)]
    );
}

/// # Panics
/// If the case fails.
pub fn leaves_come_in_order_up_to_a_limit(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    let mut written = Vec::new();
    for statements in [10, 0, 10] {
        let write = chain.block(statements);
        written.extend(write.entries.clone());
        store.commit(write).expect(WRITTEN);
    }
    let view = store.view();
    for (from, limit) in [(0, 100), (0, 23), (5, 8), (22, 5), (23, 5), (4, 0)] {
        let end = written.len().min(from + limit);
        let found = view.leaves(LeafIndex(u64::try_from(from).expect("small")), limit);
        assert_eq!(found.expect(WRITTEN), written[from.min(end)..end]);
    }
    // Up to the one with which their bodies are as long as that.
    let body = |at: usize| written[at].body.len();
    for (bytes, count) in [
        (1, 1),
        (body(0), 1),
        (body(0) + 1, 2),
        (body(0) + body(1) + body(2), 3),
        (usize::MAX, 8),
    ] {
        let found = view.leaves_within(LeafIndex(0), 8, bytes).expect(WRITTEN);
        assert_eq!(found, written[..count], "{bytes} bytes");
    }
    assert!(
        view.leaves_within(LeafIndex(0), 8, 0)
            .expect(WRITTEN)
            .is_empty()
    );
}

/// # Panics
/// If the case fails.
pub fn views_are_read_whole_in_order(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    let (mut records, mut pages) = (BTreeMap::new(), BTreeMap::new());
    let mut postings = BTreeSet::new();
    for statements in [40, 1] {
        let write = chain.block(statements);
        records.extend(write.records.clone());
        pages.extend(write.pages.clone());
        postings.extend(write.postings.iter().map(|(item, at)| (item.digest, *at)));
        store.commit(write).expect(WRITTEN);
    }
    let view = store.view();
    for limit in [1, 7, 1000] {
        assert!(
            all(|after| view.records_after(after, limit), |row| row.0).eq(records.clone()),
            "records, {limit} at a time"
        );
        assert!(
            all(|after| view.pages_after(after, limit), |row| row.0).eq(pages.clone()),
            "pages, {limit} at a time"
        );
        assert!(
            all(|after| view.postings_after(after, limit), |row| *row).eq(postings.clone()),
            "postings, {limit} at a time"
        );
    }
}

/// Everything that `read` gives, page by page.
fn all<T, K>(
    mut read: impl FnMut(Option<K>) -> Result<Vec<T>, StoreError>,
    key_of: impl Fn(&T) -> K,
) -> impl Iterator<Item = T> {
    let mut all = Vec::new();
    loop {
        let some = read(all.last().map(&key_of)).expect(WRITTEN);
        if some.is_empty() {
            return all.into_iter();
        }
        all.extend(some);
    }
}

/// # Panics
/// If the case fails.
pub fn reopening_finds_the_same(harness: &impl Harness) {
    let (mut store, mut chain) = (harness.create(), Chain::default());
    let mut written = Vec::new();
    for statements in [3, 300, 2, 0] {
        let write = chain.block(statements);
        written.extend(write.entries.clone());
        store.commit(write).expect(WRITTEN);
        store = harness.reopen(store);
        assert_eq!(store.view().head().expect(WRITTEN).as_ref(), chain.head());
        assert_eq!(
            store.view().leaves(LeafIndex(0), 1000).expect(WRITTEN),
            written
        );
    }
}

/// # Panics
/// If the case fails.
pub fn a_gap_is_refused_and_ends_the_store(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    store.commit(chain.block(2)).expect(WRITTEN);
    let head = chain.head().cloned();
    let skipped = chain.block(2);
    let refused = store.commit(chain.block(2));
    assert!(
        matches!(&refused, Err(StoreError::Unknown(why)) if why.contains("do not continue the log")),
        "{refused:?}"
    );
    assert!(matches!(
        store.commit(skipped.clone()),
        Err(StoreError::Unknown(_))
    ));
    assert!(matches!(store.view().head(), Err(StoreError::Unknown(_))));
    let store = harness.reopen(store);
    assert_eq!(store.view().head().expect(WRITTEN), head);
    store.commit(skipped).expect(WRITTEN);
}

/// # Panics
/// If the case fails.
pub fn a_key_opens_its_own_part_until_it_is_destroyed(harness: &impl Harness) {
    let (store, mut chain) = (harness.create(), Chain::default());
    assert_eq!(store.view().key_slots(), Ok(0));
    let at = |slot: u64| KeyRef {
        slot,
        name: Digest::of(&slot.to_be_bytes()),
    };
    let mut write = chain.block(1);
    write.part_keys = (0..3)
        .map(|slot| (at(slot), PartKey::new([7; 32])))
        .collect();
    store.commit(write).expect(WRITTEN);
    assert_eq!(store.view().key_slots(), Ok(3));
    let before = store.view();
    let mut write = chain.block(1);
    write.destroyed = vec![at(1)];
    store.commit(write).expect(WRITTEN);
    let gone = |kept: Result<Kept, StoreError>| match kept.expect(WRITTEN) {
        Kept::Here(key) => {
            assert_eq!(key.as_bytes(), &[7; 32]);
            None
        }
        Kept::Gone(why) => Some(why),
    };
    let other = KeyRef { slot: 0, ..at(2) };
    for (key, want) in [
        (at(0), None),
        (at(1), Some(Gone::Destroyed)),
        (at(2), None),
        (at(3), Some(Gone::Lost)),
        (other, Some(Gone::Lost)),
    ] {
        // A view taken before is no exception.
        assert_eq!(gone(before.part_key(&key)), want, "{key:?}");
        assert_eq!(gone(store.view().part_key(&key)), want, "{key:?}");
    }
    drop(before);
    let store = harness.reopen(store);
    assert_eq!(store.view().key_slots(), Ok(3));
    assert_eq!(gone(store.view().part_key(&at(0))), None);
    assert_eq!(gone(store.view().part_key(&at(1))), Some(Gone::Destroyed));
}
