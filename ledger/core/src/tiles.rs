//! The log's tree as files: the bytes under each name of C2SP tlog-tiles.
//!
//! A hash tile is its hashes, one after the other. An entry bundle is its entries, each behind its
//! length in two bytes. What they reveal: a leaf's hash, and the entry that it is over, which holds
//! a commitment and never a body; SECURITY.md lists its fields, and a test pins them.
//!
//! Source: C2SP tlog-tiles.

use crate::ids::{LeafIndex, TreeSize};
use crate::merkle::tile::{TILE_WIDTH, TileKind, TileName};
use crate::store::{StoreError, View};

/// Levels of tiles that a tree of fewer than 2^64 leaves has.
const LEVELS: u8 = 8;

/// The bytes of the tile `name`, or `None` where the tree does not reach so far.
///
/// A partial tile is served for every width up to what is there, since some checkpoint may have
/// been produced there. An entry bundle reads as many entries as it has, at most 256.
///
/// # Errors
/// [`StoreError`]; `Corrupt` where less is stored than the head promises.
pub fn tile_bytes<V: View>(view: &V, name: TileName) -> Result<Option<Vec<u8>>, StoreError> {
    let size = view.head()?.map_or(TreeSize(0), |head| head.size());
    let here = TileName::at_size(name.kind, name.index, size);
    if here.is_none_or(|here| here.width < name.width) {
        return Ok(None);
    }
    let width = usize::from(name.width);
    match name.kind {
        TileKind::Hashes(level) => {
            let hashes = view.tile(level, name.index)?.unwrap_or_default();
            let hashes = hashes.get(..width).ok_or_else(|| StoreError::Corrupt {
                what: "tile",
                detail: format!("{name} has {} hashes", hashes.len()),
            })?;
            Ok(Some(hashes.iter().flat_map(|hash| hash.0).collect()))
        }
        TileKind::Entries => {
            let mut bundle = Vec::new();
            let first = name.index * TILE_WIDTH as u64;
            for leaf in (first..first + u64::from(name.width)).map(LeafIndex) {
                let entry = view.entry(leaf)?.unwrap_or_default();
                let put = !entry.is_empty() && push_entry(&mut bundle, &entry);
                if !put {
                    return Err(StoreError::Corrupt {
                        what: "entry",
                        detail: format!("leaf {leaf} has {} bytes", entry.len()),
                    });
                }
            }
            Ok(Some(bundle))
        }
    }
}

/// Adds an entry to a bundle; `false` if it is longer than 65,535 bytes, which no bundle holds.
#[must_use]
pub fn push_entry(bundle: &mut Vec<u8>, entry: &[u8]) -> bool {
    let Ok(length) = u16::try_from(entry.len()) else {
        return false;
    };
    bundle.extend_from_slice(&length.to_be_bytes());
    bundle.extend_from_slice(entry);
    true
}

/// The entries of a bundle, in order; `None` if it ends within one.
#[must_use]
pub fn entries_of(bundle: &[u8]) -> Option<Vec<&[u8]>> {
    let mut entries = Vec::new();
    let mut rest = bundle;
    while let Some((length, after)) = rest.split_first_chunk::<2>() {
        let (entry, after) = after.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
        entries.push(entry);
        rest = after;
    }
    rest.is_empty().then_some(entries)
}

/// The tiles that a tree of `new` leaves has and one of `old` leaves has not, or not as wide:
/// entries first, then hashes by rising level. Whoever copies them in this order, and the
/// checkpoint last, has at every moment all that the older checkpoint promises.
pub fn grown(old: TreeSize, new: TreeSize) -> impl Iterator<Item = TileName> {
    let kinds = std::iter::once(TileKind::Entries).chain((0..LEVELS).map(TileKind::Hashes));
    kinds.flat_map(move |kind| {
        let level = match kind {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => u32::from(level),
        };
        let full = (old.0 >> (8 * level)) / TILE_WIDTH as u64;
        (full..)
            .map_while(move |index| TileName::at_size(kind, index, new))
            .filter(move |name| TileName::at_size(kind, name.index, old) != Some(*name))
    })
}

#[cfg(test)]
mod tests;
