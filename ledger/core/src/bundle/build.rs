//! Building a bundle from the lists that a trace has read.

use super::{Bundle, BundledStatement};
use crate::disclosure::Disclosed;
use crate::hash::Digest;
use crate::ids::{LeafIndex, TreeSize};
use crate::lists::{Read, ViewSource};
use crate::merkle::tile::TileNodes;
use crate::merkle::{Frontier, Nodes, ProveError, multi_proof};
use crate::seal::{ViewPages, ViewTiles, page_error, tile_error};
use crate::state::{Class, StateKey};
use crate::statemap;
use crate::statement::{Issuer, SignedStatement};
use crate::store::{EventRef, StoreError, View};
use std::collections::{BTreeMap, BTreeSet};

/// Builds the bundle for `item` out of everything `source` has read, at the view's head.
///
/// # Errors
/// [`StoreError`]; `Corrupt` where the store lacks what its own lists name.
pub fn build<V: View>(
    view: &V,
    source: &ViewSource<'_, V>,
    item: &str,
) -> Result<Bundle, StoreError> {
    let head = view.head()?.ok_or_else(|| StoreError::Corrupt {
        what: "head",
        detail: "a ledger without entries has nothing to prove".to_owned(),
    })?;
    let shown = shown_indices(source.lists());
    let mut statements: BTreeMap<LeafIndex, BundledStatement> = BTreeMap::new();
    for (leaf, read) in source.statements() {
        statements.insert(*leaf, bundled(*leaf, &read.statement, shown.get(leaf)));
    }
    let newest = std::iter::once(head.block.header);
    let headers: BTreeSet<LeafIndex> = source
        .statements()
        .values()
        .map(|read| read.block)
        .chain(newest)
        .collect();
    let headers: Vec<LeafIndex> = headers.into_iter().collect();
    for (leaf, pair) in headers.iter().zip(view.entries_with_bodies(&headers)?) {
        let (entry, _) = pair.ok_or_else(|| StoreError::Corrupt {
            what: "entry",
            detail: format!("leaf {leaf}: no block header"),
        })?;
        let header = BundledStatement {
            leaf: *leaf,
            entry,
            disclosed: Vec::new(),
            siblings: Vec::new(),
        };
        statements.insert(*leaf, header);
    }
    let leaves: Vec<LeafIndex> = statements.keys().copied().collect();
    let tiles = ViewTiles(view);
    let path =
        multi_proof(&TileNodes::new(&tiles), &leaves, head.size()).map_err(
            |error| match error {
                ProveError::Nodes(error) => tile_error(error),
                ProveError::Request(why) => StoreError::Corrupt {
                    what: "list",
                    detail: why.to_string(),
                },
            },
        )?;
    let lengths = source.lengths().keys();
    let keys = wanted_records(
        source.lists().keys().chain(lengths),
        source.statements().values().map(AsRef::as_ref),
    );
    let records: Vec<(StateKey, Option<Vec<u8>>)> =
        keys.iter().copied().zip(view.records(&keys)?).collect();
    let mut digests: Vec<Digest> = keys.iter().map(|key| key.digest).collect();
    digests.sort_unstable();
    let map_proof =
        statemap::prove_many(&ViewPages(view), &head.state, &digests).map_err(page_error)?;
    Ok(Bundle {
        item: item.to_owned(),
        checkpoint: head.checkpoint,
        statements: statements.into_values().collect(),
        path,
        lists: source
            .lists()
            .iter()
            .map(|(item, list)| (item.clone(), list.clone()))
            .collect(),
        records,
        map_proof,
    })
}

/// The state records that an answer over these items' lists and statements rests on, in key order.
#[must_use]
pub fn wanted_records<'a>(
    items: impl Iterator<Item = &'a String>,
    statements: impl Iterator<Item = &'a Read>,
) -> Vec<StateKey> {
    let mut keys: BTreeSet<StateKey> = items.map(|item| StateKey::item(item)).collect();
    for read in statements {
        if let Issuer::Participant { handle, .. } = read.statement.header().issuer {
            keys.insert(StateKey::key(read.statement.header().key));
            if read.key.owner != handle {
                keys.insert(StateKey::delegation(handle, read.key.owner));
            }
        }
    }
    debug_assert!(keys.iter().all(|key| key.class != Class::Capture));
    keys.into_iter().collect()
}

fn shown_indices(lists: &BTreeMap<String, Vec<EventRef>>) -> BTreeMap<LeafIndex, BTreeSet<u16>> {
    let mut shown: BTreeMap<LeafIndex, BTreeSet<u16>> = BTreeMap::new();
    for at in lists.values().flatten() {
        shown.entry(at.leaf).or_default().insert(at.index);
    }
    shown
}

/// A statement with the disclosures shown, and the hashes of the others.
pub(crate) fn bundled(
    leaf: LeafIndex,
    statement: &SignedStatement,
    shown: Option<&BTreeSet<u16>>,
) -> BundledStatement {
    let disclosed: Vec<Disclosed> = statement
        .disclosed()
        .iter()
        .filter(|one| shown.is_some_and(|shown| shown.contains(&one.index)))
        .cloned()
        .collect();
    let leaves: Vec<Digest> = statement
        .disclosed()
        .iter()
        .map(|one| one.disclosure.leaf())
        .collect();
    let wanted: Vec<LeafIndex> = disclosed
        .iter()
        .map(|one| LeafIndex(u64::from(one.index)))
        .collect();
    let size = TreeSize(u64::try_from(leaves.len()).unwrap_or_default());
    // Without a disclosure shown there is nothing to prove.
    let siblings = multi_proof(&Leaves(&leaves), &wanted, size).unwrap_or_default();
    BundledStatement {
        leaf,
        entry: statement.entry().to_vec(),
        disclosed,
        siblings,
    }
}

/// A statement's own tree, small enough to hash anew for each answer.
struct Leaves<'a>(&'a [Digest]);

impl Nodes for Leaves<'_> {
    type Error = std::convert::Infallible;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        let width = 1_usize << level;
        let start = usize::try_from(index)
            .unwrap_or(usize::MAX)
            .saturating_mul(width);
        let mut subtree = Frontier::new();
        for leaf in &self.0[start..start + width] {
            subtree.push(*leaf);
        }
        Ok(subtree.root())
    }
}
