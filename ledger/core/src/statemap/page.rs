//! Pages of 16 slots, their names, and the bytes of both.

use super::EMPTY_ROOT;
use crate::hash::Digest;
use std::sync::Arc;

/// Slots of a page: one for each value of the nibble that follows the page's path.
pub(super) const SLOTS: u8 = 16;

/// Nibbles of a key; the deepest page has a path one shorter.
const NIBBLES: u8 = 64;

/// Bytes before a page's slots: two bitmaps of 16 bits.
const HEAD_BYTES: usize = 4;

/// Nibble `depth` of `key`, the most significant first.
pub(super) fn nibble(key: &Digest, depth: u8) -> u8 {
    let byte = key.0[usize::from(depth / 2)];
    if depth.is_multiple_of(2) {
        byte >> 4
    } else {
        byte & 0x0f
    }
}

/// Why stored bytes are no page or no path. The fault is the store's: its bytes are damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PageFault {
    /// Shorter or longer than its first bytes say.
    #[error("length does not match its head")]
    Length,
    /// A slot is marked as both a leaf and a page below.
    #[error("a slot is marked twice")]
    MarkedTwice,
    /// The root page without any key, or another page with less than two.
    #[error("too few keys for a page of its own")]
    TooFewKeys,
    /// A leaf whose key does not begin with the page's path and its slot.
    #[error("a leaf in slot {slot} belongs elsewhere")]
    LeafElsewhere {
        /// The slot, 0..=15.
        slot: u8,
    },
    /// A page below where all 64 nibbles of a key are used up, or one without a hash.
    #[error("slot {slot} names a page that cannot be")]
    ImpossiblePage {
        /// The slot, 0..=15.
        slot: u8,
    },
    /// A path deeper than 63 nibbles, or with bits set after its last.
    #[error("not a path of a page")]
    Path,
}

/// The name of a page: the 0 to 63 nibbles that all its keys begin with.
///
/// Bytes: depth, then the nibbles packed two to a byte, the last padded with zero bits. Order of
/// paths and order of their bytes agree: by depth, so that pages read together lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PagePath {
    depth: u8,
    /// The nibbles; all bits after them are zero.
    packed: [u8; 32],
}

impl PagePath {
    /// The path of the page that holds the root.
    pub const ROOT: Self = Self {
        depth: 0,
        packed: [0; 32],
    };

    /// Number of nibbles, 0..=63.
    #[must_use]
    pub const fn depth(&self) -> u8 {
        self.depth
    }

    /// The path of the page below `slot`.
    pub(super) fn child(&self, slot: u8) -> Self {
        assert!(
            self.depth < NIBBLES - 1,
            "different keys part at the 64th nibble at the latest"
        );
        let mut child = Self {
            depth: self.depth + 1,
            ..*self
        };
        let shift = if self.depth.is_multiple_of(2) { 4 } else { 0 };
        child.packed[usize::from(self.depth / 2)] |= slot << shift;
        child
    }

    /// The nibbles, each the slot to take in one page on the way from the root.
    pub(super) fn slots(&self) -> impl Iterator<Item = u8> {
        let packed = Digest(self.packed);
        (0..self.depth).map(move |depth| nibble(&packed, depth))
    }

    /// The path of the page above and the slot there, or `None` for the root page.
    pub(super) fn split_last(&self) -> Option<(Self, u8)> {
        let depth = self.depth.checked_sub(1)?;
        let slot = nibble(&Digest(self.packed), depth);
        let mut above = Self { depth, ..*self };
        let shift = if depth.is_multiple_of(2) { 4 } else { 0 };
        above.packed[usize::from(depth / 2)] &= !(0x0f << shift);
        Some((above, slot))
    }

    /// Whether `key` begins with this path and then `slot`.
    fn leads(&self, key: &Digest, slot: u8) -> bool {
        let whole = usize::from(self.depth / 2);
        let odd = self.depth % 2 == 1;
        key.0[..whole] == self.packed[..whole]
            && (!odd || key.0[whole] >> 4 == self.packed[whole] >> 4)
            && nibble(key, self.depth) == slot
    }

    /// This path's bytes, 1 to 33.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = vec![self.depth];
        bytes.extend_from_slice(&self.packed[..usize::from(self.depth.div_ceil(2))]);
        bytes
    }

    /// Reads a path from all of `bytes`.
    ///
    /// # Errors
    /// `Length`, `Path`: another spelling, or no path at all.
    pub fn decode(bytes: &[u8]) -> Result<Self, PageFault> {
        let (&depth, nibbles) = bytes.split_first().ok_or(PageFault::Length)?;
        if depth >= NIBBLES {
            return Err(PageFault::Path);
        }
        if nibbles.len() != usize::from(depth.div_ceil(2)) {
            return Err(PageFault::Length);
        }
        let padded = depth % 2 == 1;
        if padded && nibbles.last().is_some_and(|last| last & 0x0f != 0) {
            return Err(PageFault::Path);
        }
        let mut packed = [0; 32];
        packed[..nibbles.len()].copy_from_slice(nibbles);
        Ok(Self { depth, packed })
    }
}

/// What lies under one slot of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Slot {
    /// No key.
    Empty,
    /// One key.
    Leaf {
        /// The key.
        key: Digest,
        /// SHA-256 of its value.
        value_hash: Digest,
    },
    /// Several keys, in the page below: the hash of that page's tree.
    Node(Digest),
}

/// Sixteen slots, kept in about the space of their bytes.
///
/// Bytes: a bitmap of the leaves and a bitmap of the pages below (16 bits each, big-endian, slot
/// `n` is bit `n` from the least significant), then slot by slot a leaf's key and value hash
/// (64 bytes) or the hash of the page below (32 bytes). At most 1,028 bytes.
///
/// A page made by an update also keeps its inner hashes, which are not part of its bytes: a store
/// that holds pages in memory (all, or the upper levels) saves most of the next update's hashing.
#[derive(Clone, Debug)]
pub struct Page {
    leaves: u16,
    nodes: u16,
    /// Two digests for a leaf, one for a page below, in slot order; then, in a page of at least
    /// [`INNER_SLOTS_MIN`] slots made by this process, the [`INNER`] hashes of the tree above the
    /// slots. One shared allocation: fetching cold memory costs more than hashing it.
    digests: Arc<[Digest]>,
}

/// Inner hashes of a page's tree, from its top.
pub(super) const INNER: usize = 15;

/// Slots from which on a page in memory keeps its inner hashes: below, few pages would save as many
/// hashes as they take memory for (a million pages of three keys at 3 million keys).
const INNER_SLOTS_MIN: u32 = 8;

impl PartialEq for Page {
    /// Pages are the same if their bytes are.
    fn eq(&self, other: &Self) -> bool {
        (self.leaves, self.nodes, self.body()) == (other.leaves, other.nodes, other.body())
    }
}

impl Eq for Page {}

impl Page {
    /// The page of these slots; `inner` are the hashes of the tree over them, from its top.
    pub(super) fn from_slots(slots: &[Slot; 16], inner: impl Iterator<Item = Digest>) -> Self {
        let (mut leaves, mut nodes) = (0_u16, 0_u16);
        let mut digests = Vec::with_capacity(2 * slots.len() + INNER);
        for (at, slot) in slots.iter().enumerate() {
            match slot {
                Slot::Empty => {}
                Slot::Leaf { key, value_hash } => {
                    leaves |= 1 << at;
                    digests.extend([*key, *value_hash]);
                }
                Slot::Node(hash) => {
                    nodes |= 1 << at;
                    digests.push(*hash);
                }
            }
        }
        if (leaves | nodes).count_ones() >= INNER_SLOTS_MIN {
            digests.extend(inner.take(INNER));
        }
        Self {
            leaves,
            nodes,
            digests: digests.into(),
        }
    }

    fn body_len(leaves: u16, nodes: u16) -> usize {
        let digests = 2 * leaves.count_ones() + nodes.count_ones();
        usize::try_from(digests).expect("a page has at most 32 digests")
    }

    /// The digests that are part of the page's bytes.
    fn body(&self) -> &[Digest] {
        &self.digests[..Self::body_len(self.leaves, self.nodes)]
    }

    /// The inner hashes of the tree over these slots, from its top, where they are known.
    pub(super) fn inner(&self) -> Option<&[Digest; INNER]> {
        self.digests[Self::body_len(self.leaves, self.nodes)..]
            .try_into()
            .ok()
    }

    /// Becomes `new`, in the same memory where that is possible: in a large map, freeing one cold
    /// allocation and making another for each changed page is a good part of an update's time.
    pub(super) fn replace(&mut self, new: Self) {
        match Arc::get_mut(&mut self.digests) {
            Some(digests) if digests.len() == new.digests.len() => {
                digests.copy_from_slice(&new.digests);
                (self.leaves, self.nodes) = (new.leaves, new.nodes);
            }
            Some(_) | None => *self = new,
        }
    }

    /// The slots in order.
    #[must_use]
    pub fn slots(&self) -> [Slot; 16] {
        let mut slots = [Slot::Empty; 16];
        self.fill(&mut slots);
        slots
    }

    /// Writes the slots over `slots`, which are all empty.
    fn fill(&self, slots: &mut [Slot; 16]) {
        let mut rest = self.body();
        for (at, slot) in slots.iter_mut().enumerate() {
            if self.leaves >> at & 1 == 1 {
                *slot = Slot::Leaf {
                    key: rest[0],
                    value_hash: rest[1],
                };
                rest = &rest[2..];
            } else if self.nodes >> at & 1 == 1 {
                *slot = Slot::Node(rest[0]);
                rest = &rest[1..];
            }
        }
    }

    /// Writes this page's slots over `slots`, which are all empty; each is checked to be possible
    /// in the page of this `path`.
    pub(super) fn slots_at(
        &self,
        path: &PagePath,
        slots: &mut [Slot; 16],
    ) -> Result<(), PageFault> {
        let keys_min = if path.depth == 0 { 1 } else { 2 };
        if self.leaves.count_ones() + 2 * self.nodes.count_ones() < keys_min {
            return Err(PageFault::TooFewKeys);
        }
        self.fill(slots);
        for (slot, content) in (0..SLOTS).zip(&*slots) {
            match content {
                Slot::Leaf { key, .. } if !path.leads(key, slot) => {
                    return Err(PageFault::LeafElsewhere { slot });
                }
                Slot::Node(hash) if *hash == EMPTY_ROOT || path.depth == NIBBLES - 1 => {
                    return Err(PageFault::ImpossiblePage { slot });
                }
                Slot::Empty | Slot::Leaf { .. } | Slot::Node(_) => {}
            }
        }
        Ok(())
    }

    /// This page's bytes.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(HEAD_BYTES + 32 * self.body().len());
        bytes.extend_from_slice(&self.leaves.to_be_bytes());
        bytes.extend_from_slice(&self.nodes.to_be_bytes());
        for digest in self.body() {
            bytes.extend_from_slice(&digest.0);
        }
        bytes
    }

    /// Reads the page of this `path` from all of `bytes`.
    ///
    /// Whether its hash is the right one is not known here; whoever reads it through [`super::update`]
    /// or [`super::prove`] has that checked.
    ///
    /// # Errors
    /// [`PageFault`]: the bytes are no page, or none that can be at `path`.
    pub fn decode(path: &PagePath, bytes: &[u8]) -> Result<Self, PageFault> {
        let (head, body) = bytes
            .split_at_checked(HEAD_BYTES)
            .ok_or(PageFault::Length)?;
        let leaves = u16::from_be_bytes([head[0], head[1]]);
        let nodes = u16::from_be_bytes([head[2], head[3]]);
        if leaves & nodes != 0 {
            return Err(PageFault::MarkedTwice);
        }
        let (chunks, rest) = body.as_chunks::<32>();
        if !rest.is_empty() || chunks.len() != Self::body_len(leaves, nodes) {
            return Err(PageFault::Length);
        }
        let digests = chunks.iter().copied().map(Digest).collect();
        let page = Self {
            leaves,
            nodes,
            digests,
        };
        page.slots_at(path, &mut [Slot::Empty; 16])?;
        Ok(page)
    }
}
