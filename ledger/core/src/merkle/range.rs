//! Proofs that these are all the leaves between two places in the tree.

use super::proof::{Nodes, ProveError};
use super::selection::{Selection, prove, rebuild};
use super::verify::ProofError;
use crate::hash::Digest;
use crate::ids::{LeafIndex, TreeSize};

/// Leaves `start..end`; empty only in the tree without leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeafRange {
    /// The first leaf.
    pub start: LeafIndex,
    /// The leaf after the last.
    pub end: LeafIndex,
}

impl LeafRange {
    /// # Errors
    /// `OutOfRange`, `Unsorted`, `Empty`.
    fn check(self, size: TreeSize) -> Result<(), ProofError> {
        if self.end.0 > size.0 {
            Err(ProofError::OutOfRange {
                index: self.end.0,
                size,
            })
        } else if self.start > self.end {
            Err(ProofError::Unsorted { leaf: self.end })
        } else if self.start == self.end && size.0 != 0 {
            Err(ProofError::Empty)
        } else {
            Ok(())
        }
    }
}

impl Selection for LeafRange {
    fn count(self) -> u64 {
        self.end.0 - self.start.0
    }

    fn split_at(self, middle: u64) -> (Self, Self) {
        let middle = LeafIndex(middle.clamp(self.start.0, self.end.0));
        (
            Self {
                end: middle,
                ..self
            },
            Self {
                start: middle,
                ..self
            },
        )
    }
}

/// The hashes left and right of `range` that lead to the root: at most 126, left to right.
///
/// # Errors
/// `Request(OutOfRange | Unsorted | Empty)`, `Nodes`.
pub fn range_proof<N: Nodes>(
    nodes: &N,
    range: LeafRange,
    size: TreeSize,
) -> Result<Vec<Digest>, ProveError<N::Error>> {
    range.check(size).map_err(ProveError::Request)?;
    prove(nodes, size, range)
}

/// Checks that `leaves` are exactly the leaf hashes of `range` in the tree of `size` leaves with
/// `root`. The whole tree needs no proof, nor does the empty range of the tree without leaves.
///
/// # Errors
/// `OutOfRange`, `Unsorted`, `Empty`, `LeafCount`, `PathLength`, `RootMismatch`.
pub fn verify_range(
    leaves: &[Digest],
    range: LeafRange,
    size: TreeSize,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    range.check(size)?;
    let found = rebuild(size, range, leaves, proof)?;
    if found == *root {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}
