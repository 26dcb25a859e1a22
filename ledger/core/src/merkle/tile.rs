//! The tree kept as tiles (C2SP tlog-tiles): names, growing, reading.
//!
//! A hash tile at level `l` holds up to 256 hashes, of which number `i` of tile `n` is the root
//! over leaves `(256 n + i) * 256^l ..` of the next `256^l`. A level above 0 hashes full tiles only,
//! so that no stored hash ever changes.

use super::frontier::Frontier;
use super::proof::Nodes;
use crate::hash::{Digest, node_hash};
use crate::ids::TreeSize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// Hashes in a full tile.
pub const TILE_WIDTH: usize = 256;

/// Levels of the tree in one level of tiles: `2^8 = 256`.
const TILE_HEIGHT: u8 = 8;

/// Levels of tiles that a tree of fewer than 2^64 leaves has.
const TILE_LEVELS: usize = 8;

/// A tile to write: `(level, index, hashes)`, of which there are 1 to 256.
pub type TileWrite = (u8, u64, Vec<Digest>);

/// What a tile holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TileKind {
    /// Entries, each behind its length.
    Entries,
    /// Hashes, of this level (0..=63).
    Hashes(u8),
}

/// The name of a tile, as it stands in a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TileName {
    /// What it holds.
    pub kind: TileKind,
    /// Number of tiles of this kind before it.
    pub index: u64,
    /// Hashes or entries in it, 1..=256; 256 is a full tile.
    pub width: u16,
}

impl TileName {
    /// Reads a path such as `tile/1/x001/234.p/5`; any other spelling is `None`.
    #[must_use]
    pub fn parse(path: &str) -> Option<Self> {
        let (kind, rest) = path.strip_prefix("tile/")?.split_once('/')?;
        let kind = if kind == "entries" {
            TileKind::Entries
        } else {
            TileKind::Hashes(kind.parse().ok().filter(|level| *level <= 63)?)
        };
        let (index, width) = match rest.split_once(".p/") {
            Some((index, width)) => (index, width.parse().ok().filter(|w| (1..256).contains(w))?),
            None => (rest, 256),
        };
        let index = index.split('/').try_fold(0_u64, |sum, group| {
            let group: u64 = group.strip_prefix('x').unwrap_or(group).parse().ok()?;
            sum.checked_mul(1000)?.checked_add(group)
        })?;
        let name = Self { kind, index, width };
        // Leading zeros, signs and misplaced marks all show as another spelling.
        (name.to_string() == path).then_some(name)
    }

    /// The tile with this place in a tree of `size` leaves, or `None` where the tree does not reach
    /// it.
    #[must_use]
    pub fn at_size(kind: TileKind, index: u64, size: TreeSize) -> Option<Self> {
        let level = match kind {
            TileKind::Entries => 0,
            TileKind::Hashes(level) => level,
        };
        let hashes = size
            .0
            .checked_shr(u32::from(level) * u32::from(TILE_HEIGHT))
            .unwrap_or(0);
        let here = hashes.checked_sub(index.checked_mul(256)?)?.min(256);
        let width = u16::try_from(here).ok().filter(|width| *width > 0)?;
        Some(Self { kind, index, width })
    }
}

impl fmt::Display for TileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            TileKind::Entries => f.write_str("tile/entries/")?,
            TileKind::Hashes(level) => write!(f, "tile/{level}/")?,
        }
        // 64 bits are at most 7 groups of three digits.
        let groups = (1..7_u32)
            .rev()
            .filter(|group| self.index >= 1000_u64.pow(*group));
        for group in groups {
            write!(f, "x{:03}/", self.index / 1000_u64.pow(group) % 1000)?;
        }
        write!(f, "{:03}", self.index % 1000)?;
        if self.width < 256 {
            write!(f, ".p/{}", self.width)
        } else {
            Ok(())
        }
    }
}

/// Where tiles are read from.
pub trait Tiles {
    /// Why a tile could not be read.
    type Error;

    /// The hashes of a tile, at most 256; `None` if there is no such tile.
    ///
    /// # Errors
    /// Those of the storage.
    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, Self::Error>;
}

/// Why a hash could not be read from tiles. Damage is never an empty answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TileError<E> {
    /// The tiles are not those of the tree they should hold.
    #[error("the tiles at the edge do not lead to the tree's peaks")]
    PeaksMismatch,
    /// The tile is missing, or has too few or too many hashes.
    #[error("tile {level}/{index} holds {got} hashes where {want} belong")]
    Width {
        /// The tile's level.
        level: u8,
        /// The tile's index.
        index: u64,
        /// Hashes found; 0 for a missing tile.
        got: usize,
        /// Hashes needed.
        want: usize,
    },
    /// The storage failed.
    #[error(transparent)]
    Tiles(E),
}

/// A growing tree with the tiles of its right edge in memory (at most 8 × 8 KiB): appending reads
/// nothing and returns what must be written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TiledTree {
    frontier: Frontier,
    /// The unfinished tile of each level; empty where the last one is full.
    edge: [Vec<Digest>; TILE_LEVELS],
}

impl Default for TiledTree {
    fn default() -> Self {
        Self::new()
    }
}

impl TiledTree {
    /// The tree without leaves.
    #[must_use]
    pub fn new() -> Self {
        Self {
            frontier: Frontier::new(),
            edge: Default::default(),
        }
    }

    /// Opens a stored tree: reads its unfinished tiles and checks that they lead to the peaks of
    /// `frontier`, so that nothing is ever appended to damage.
    ///
    /// # Errors
    /// `Width`, `PeaksMismatch`, `Tiles`.
    pub fn open<T: Tiles>(tiles: &T, frontier: Frontier) -> Result<Self, TileError<T::Error>> {
        let mut edge: [Vec<Digest>; TILE_LEVELS] = Default::default();
        for (level, hashes) in (0_u8..).zip(&mut edge) {
            let count = frontier.size().0 >> (u32::from(level) * u32::from(TILE_HEIGHT));
            // The count's last byte is what does not fill a tile.
            let [.., width] = count.to_be_bytes();
            let (index, want) = (count / 256, usize::from(width));
            if want > 0 {
                *hashes = read(tiles, level, index)?;
                if hashes.len() != want {
                    return Err(TileError::Width {
                        level,
                        index,
                        got: hashes.len(),
                        want,
                    });
                }
            }
        }
        let peaks: Vec<Digest> = edge.iter().rev().flat_map(|tile| peaks_of(tile)).collect();
        if peaks == frontier.peaks() {
            Ok(Self { frontier, edge })
        } else {
            Err(TileError::PeaksMismatch)
        }
    }

    /// The tree's size, peaks and root.
    #[must_use]
    pub const fn frontier(&self) -> &Frontier {
        &self.frontier
    }

    /// Appends leaf hashes and returns the tiles that changed, each once and whole. On average one
    /// hash is computed for each leaf.
    ///
    /// # Panics
    /// At 2^64 leaves, which no log reaches.
    pub fn append(&mut self, leaves: &[Digest]) -> Vec<TileWrite> {
        let Self { frontier, edge } = self;
        let mut writes = Vec::new();
        // The unfinished tiles that grew: their index by level.
        let mut grown = [None; TILE_LEVELS];
        for leaf in leaves {
            frontier.push_with(*leaf, |height, position, hash| {
                if height % TILE_HEIGHT != 0 {
                    return;
                }
                let level = height / TILE_HEIGHT;
                let (slot, index) = (usize::from(level), position / 256);
                edge[slot].push(*hash);
                if edge[slot].len() == TILE_WIDTH {
                    writes.push((level, index, std::mem::take(&mut edge[slot])));
                    grown[slot] = None;
                } else {
                    grown[slot] = Some(index);
                }
            });
        }
        for ((level, tile), index) in (0_u8..).zip(&*edge).zip(grown) {
            if let Some(index) = index {
                writes.push((level, index, tile.clone()));
            }
        }
        writes
    }
}

/// The peaks of an unfinished tile taken as a tree of its own, largest first.
fn peaks_of(tile: &[Digest]) -> Vec<Digest> {
    let mut frontier = Frontier::new();
    for hash in tile {
        frontier.push(*hash);
    }
    frontier.peaks().to_vec()
}

fn read<T: Tiles>(tiles: &T, level: u8, index: u64) -> Result<Vec<Digest>, TileError<T::Error>> {
    Ok(tiles
        .tile(level, index)
        .map_err(TileError::Tiles)?
        .unwrap_or_default())
}

/// A tile's hashes and every complete node above them, by height within the tile.
type Pyramid = Rc<[Vec<Digest>; TILE_HEIGHT as usize]>;

/// The nodes of a tree, read from its tiles, each tile once.
///
/// It keeps all it has read, 16 KiB for each tile: make one for each answer, and drop it.
#[derive(Debug)]
pub struct TileNodes<'a, T> {
    tiles: &'a T,
    read: RefCell<BTreeMap<(u8, u64), Pyramid>>,
}

impl<'a, T: Tiles> TileNodes<'a, T> {
    /// The nodes of the tree that `tiles` hold.
    #[must_use]
    pub const fn new(tiles: &'a T) -> Self {
        Self {
            tiles,
            read: RefCell::new(BTreeMap::new()),
        }
    }

    fn pyramid(&self, level: u8, index: u64) -> Result<Pyramid, TileError<T::Error>> {
        if let Some(known) = self.read.borrow().get(&(level, index)) {
            return Ok(Rc::clone(known));
        }
        let mut row = read(self.tiles, level, index)?;
        let got = row.len();
        if got > TILE_WIDTH {
            return Err(TileError::Width {
                level,
                index,
                got,
                want: TILE_WIDTH,
            });
        }
        let mut rows: [Vec<Digest>; TILE_HEIGHT as usize] = Default::default();
        for kept in &mut rows {
            let (pairs, _) = row.as_chunks::<2>();
            let above = pairs
                .iter()
                .map(|[left, right]| node_hash(left, right))
                .collect();
            *kept = std::mem::replace(&mut row, above);
        }
        let pyramid = Rc::new(rows);
        self.read
            .borrow_mut()
            .insert((level, index), Rc::clone(&pyramid));
        Ok(pyramid)
    }
}

impl<T: Tiles> Nodes for TileNodes<'_, T> {
    type Error = TileError<T::Error>;

    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error> {
        let (tile_level, height) = (level / TILE_HEIGHT, level % TILE_HEIGHT);
        // A tile's row at this height has `256 >> height` nodes.
        let row_width = 256_u64 >> height;
        let tile_index = index / row_width;
        let pyramid = self.pyramid(tile_level, tile_index)?;
        let place = usize::try_from(index % row_width).expect("below 256");
        pyramid[usize::from(height)]
            .get(place)
            .copied()
            .ok_or_else(|| TileError::Width {
                level: tile_level,
                index: tile_index,
                got: pyramid[0].len(),
                want: (place + 1) << height,
            })
    }
}
