//! The right edge of a growing tree: all that appending needs.

use super::verify::ProofError;
use crate::hash::{Digest, empty_root, node_hash};
use crate::ids::TreeSize;

/// A tree's size and its peaks: the roots of the perfect subtrees, largest first, one for each
/// bit of the size that is set (at most 64).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frontier {
    size: TreeSize,
    peaks: Vec<Digest>,
}

impl Default for Frontier {
    fn default() -> Self {
        Self::new()
    }
}

impl Frontier {
    /// The tree without leaves.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            size: TreeSize(0),
            peaks: Vec::new(),
        }
    }

    /// The frontier of a tree of `size` leaves, as it was stored.
    ///
    /// # Errors
    /// `PathLength` if there is not one peak for each bit of `size`.
    pub fn from_peaks(size: TreeSize, peaks: Vec<Digest>) -> Result<Self, ProofError> {
        let want = size.0.count_ones() as usize;
        if peaks.len() == want {
            Ok(Self { size, peaks })
        } else {
            Err(ProofError::PathLength {
                got: peaks.len(),
                want,
            })
        }
    }

    /// Number of leaves.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.size
    }

    /// The peaks, largest first.
    #[must_use]
    pub fn peaks(&self) -> &[Digest] {
        &self.peaks
    }

    /// Appends a leaf hash. On average one hash is computed.
    pub fn push(&mut self, leaf: Digest) {
        self.push_with(leaf, |_, _, _| {});
    }

    /// Appends a leaf hash and reports each node this completes, as `(level, index, hash)`: the
    /// leaf itself first, then upwards. A node's hash never changes once it is reported.
    ///
    /// # Panics
    /// At 2^64 leaves, which no log reaches.
    pub fn push_with(&mut self, leaf: Digest, mut completed: impl FnMut(u8, u64, &Digest)) {
        let before = self.size.0;
        self.size = self.size.next().size_through();
        let mut node = leaf;
        completed(0, before, &node);
        // Each trailing one of the old size is a peak of the same height as the node at hand.
        let mut level = 0;
        for left in self
            .peaks
            .split_off(self.peaks.len() - before.trailing_ones() as usize)
            .iter()
            .rev()
        {
            node = node_hash(left, &node);
            level += 1;
            completed(level, before >> level, &node);
        }
        self.peaks.push(node);
    }

    /// The tree's root.
    #[must_use]
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(smallest) = peaks.next() else {
            return empty_root();
        };
        peaks.fold(*smallest, |right, left| node_hash(left, &right))
    }
}
