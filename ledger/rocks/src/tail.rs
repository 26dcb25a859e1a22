//! Re-reading the end of the log before it is continued.
//!
//! What a crash or a fault can have damaged is what was written last. So opening reads the newest
//! block's header and the tiles along the right edge of the tree, at most 8, and checks that they
//! lead to the root that was signed. The rest of the ledger is the audit's to read.

use ledger::block::Head;
use ledger::hash::leaf_hash;
use ledger::merkle::Frontier;
use ledger::merkle::tile::TiledTree;
use ledger::seal::{ViewTiles, tile_error};
use ledger::store::{StoreError, View};

/// Checks what `head` says against what is stored.
pub(crate) fn check(view: &impl View, head: &Head) -> Result<(), StoreError> {
    let corrupt = |what, detail: &str| StoreError::Corrupt {
        what,
        detail: format!("leaf {}: {detail}", head.block.header),
    };
    let entry = view.entry(head.block.header)?;
    if entry.is_none_or(|entry| leaf_hash(&entry) != head.header_hash) {
        return Err(corrupt("entry", "the newest header is not what was sealed"));
    }
    if view.block_of(head.block.header)? != Some(head.block) {
        return Err(corrupt("block", "the newest block is not the head's"));
    }
    let frontier = Frontier::from_peaks(head.size(), head.peaks.clone())
        .ok()
        .filter(|frontier| frontier.root() == head.block.root)
        .ok_or_else(|| corrupt("head", "the peaks do not make the root"))?;
    TiledTree::open(&ViewTiles(view), frontier)
        .map(drop)
        .map_err(tile_error)
}
