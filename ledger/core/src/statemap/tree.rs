//! The hash rule, and the four levels of tree inside a page.

use super::EMPTY_ROOT;
use super::page::{Page, PageFault, PagePath, Slot};
use crate::hash::Digest;

/// `SHA-256(tag ‖ first ‖ second)`.
fn tagged(tag: u8, first: &Digest, second: &Digest) -> Digest {
    let mut bytes = [tag; 65];
    bytes[1..33].copy_from_slice(&first.0);
    bytes[33..].copy_from_slice(&second.0);
    Digest::of(&bytes)
}

/// The hash of a subtree that holds just `key`.
pub(super) fn leaf_hash(key: &Digest, value_hash: &Digest) -> Digest {
    tagged(0x02, key, value_hash)
}

/// The hash of a subtree that holds several keys.
pub(super) fn node_hash(left: &Digest, right: &Digest) -> Digest {
    tagged(0x03, left, right)
}

/// Bit `depth` (0..=255) of `key`, the most significant first.
pub(super) fn bit(key: &Digest, depth: u16) -> bool {
    key.0[usize::from(depth / 8)] >> (7 - depth % 8) & 1 == 1
}

/// A subtree: how many keys it holds, as far as the hash rule asks, and its hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subtree {
    Empty,
    Leaf(Digest),
    Node(Digest),
}

impl Subtree {
    pub(super) const fn hash(&self) -> Digest {
        match self {
            Self::Empty => EMPTY_ROOT,
            Self::Leaf(hash) | Self::Node(hash) => *hash,
        }
    }

    fn of(slot: &Slot) -> Self {
        match slot {
            Slot::Empty => Self::Empty,
            Slot::Leaf { key, value_hash } => Self::Leaf(leaf_hash(key, value_hash)),
            Slot::Node(hash) => Self::Node(*hash),
        }
    }

    /// The subtree with these two below it; `hash` is [`node_hash`], or knows what it would give.
    fn join(left: &Self, right: &Self, hash: impl FnOnce(&Digest, &Digest) -> Digest) -> Self {
        match (left, right) {
            (Self::Empty, Self::Empty) => Self::Empty,
            (Self::Leaf(hash), Self::Empty) | (Self::Empty, Self::Leaf(hash)) => Self::Leaf(*hash),
            (Self::Leaf(_) | Self::Node(_), Self::Leaf(_) | Self::Node(_))
            | (Self::Node(_), Self::Empty)
            | (Self::Empty, Self::Node(_)) => Self::Node(hash(&left.hash(), &right.hash())),
        }
    }
}

/// The place of a subtree within a page's tree: 1 is the top, 2p and 2p + 1 are below p, and
/// 16..=31 are the slots.
pub(super) type Place = usize;

/// The place of the page's whole tree.
pub(super) const TOP: Place = 1;

/// The place of slot 0.
pub(super) const SLOT_0: Place = 16;

/// The subtrees of a page by [`Place`]; the first is unused.
pub(super) type Tree = [Subtree; 32];

/// A page with all hashes of its tree.
#[derive(Debug)]
pub(super) struct Opened {
    slots: [Slot; 16],
    tree: Tree,
    /// Bit `p` is set: place `p` is a slot that changed since the hashes above it were computed.
    stale: u32,
    changed: bool,
}

impl Opened {
    /// The page of a map, or of a part of it, that holds nothing yet.
    pub(super) const fn empty() -> Self {
        Self {
            slots: [Slot::Empty; 16],
            tree: [Subtree::Empty; 32],
            stale: 0,
            changed: false,
        }
    }

    /// Boxed, since two kilobytes moved from hand to hand cost as much as several hashes.
    pub(super) fn new(path: &PagePath, page: &Page) -> Result<Box<Self>, PageFault> {
        let mut opened = Box::new(Self::empty());
        page.slots_at(path, &mut opened.slots)?;
        for (place, slot) in (SLOT_0..).zip(&opened.slots) {
            opened.tree[place] = Subtree::of(slot);
        }
        match page.inner() {
            Some(inner) => {
                for place in (TOP..SLOT_0).rev() {
                    let (left, right) = (&opened.tree[2 * place], &opened.tree[2 * place + 1]);
                    opened.tree[place] = Subtree::join(left, right, |_, _| inner[place - TOP]);
                }
            }
            None => {
                for place in (TOP..SLOT_0).rev() {
                    let (left, right) = (&opened.tree[2 * place], &opened.tree[2 * place + 1]);
                    opened.tree[place] = Subtree::join(left, right, node_hash);
                }
            }
        }
        Ok(opened)
    }

    pub(super) const fn slot(&self, slot: u8) -> &Slot {
        &self.slots[slot as usize]
    }

    /// The subtree at `place`, 1..=31.
    pub(super) const fn at(&self, place: Place) -> &Subtree {
        &self.tree[place]
    }

    pub(super) const fn top(&self) -> &Subtree {
        self.at(TOP)
    }

    /// The key and value hash of the one leaf below `place`, which is a [`Subtree::Leaf`].
    pub(super) fn leaf_below(&self, place: Place) -> (Digest, Digest) {
        let levels = SLOT_0.ilog2() - place.ilog2();
        let first = (place << levels) - SLOT_0;
        self.slots[first..first + (1 << levels)]
            .iter()
            .find_map(|slot| match slot {
                Slot::Leaf { key, value_hash } => Some((*key, *value_hash)),
                Slot::Empty | Slot::Node(_) => None,
            })
            .expect("a lone leaf is in one of the slots below it")
    }

    /// Whether a slot was given other content since the page was opened.
    pub(super) const fn changed(&self) -> bool {
        self.changed
    }

    /// Puts `content` under `slot`. The hashes above follow with [`Self::rehash`].
    pub(super) fn put(&mut self, slot: u8, content: Slot) {
        let at = usize::from(slot);
        if self.slots[at] != content {
            self.slots[at] = content;
            self.tree[SLOT_0 + at] = Subtree::of(&content);
            self.stale |= 1 << (SLOT_0 + at);
            self.changed = true;
        }
    }

    /// Computes the hashes above changed slots, once each, and returns the whole tree's.
    pub(super) fn rehash(&mut self) -> Digest {
        for place in (TOP..SLOT_0).rev() {
            if self.stale >> (2 * place) & 0b11 != 0 {
                self.tree[place] =
                    Subtree::join(&self.tree[2 * place], &self.tree[2 * place + 1], node_hash);
                self.stale |= 1 << place;
            }
        }
        self.stale = 0;
        self.top().hash()
    }

    pub(super) fn to_page(&self) -> Page {
        Page::from_slots(
            &self.slots,
            self.tree[TOP..SLOT_0].iter().map(Subtree::hash),
        )
    }
}
