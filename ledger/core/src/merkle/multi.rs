//! One proof for many leaves, with no hash twice.

use super::proof::{Nodes, ProveError};
use super::selection::{Selection, prove, rebuild};
use super::verify::ProofError;
use crate::hash::Digest;
use crate::ids::{LeafIndex, TreeSize};

/// At least one, in rising order, all in the tree.
fn check(leaves: &[LeafIndex], size: TreeSize) -> Result<(), ProofError> {
    let last = leaves.last().ok_or(ProofError::Empty)?;
    if let Some(pair) = leaves.windows(2).find(|pair| pair[0] >= pair[1]) {
        return Err(ProofError::Unsorted { leaf: pair[1] });
    }
    if last.0 >= size.0 {
        return Err(ProofError::OutOfRange {
            index: last.0,
            size,
        });
    }
    Ok(())
}

impl Selection for &[LeafIndex] {
    fn count(self) -> u64 {
        u64::try_from(self.len()).expect("memory holds fewer than 2^64 indices")
    }

    fn split_at(self, middle: u64) -> (Self, Self) {
        <[LeafIndex]>::split_at(self, self.partition_point(|leaf| leaf.0 < middle))
    }
}

/// The fewest hashes that lead from `leaves` to the root of the tree of `size` leaves: at most 63
/// for each leaf, in the order of the tree from left to right.
///
/// `leaves`: at least one, rising.
///
/// # Errors
/// `Request(Empty | Unsorted | OutOfRange)`, `Nodes`.
pub fn multi_proof<N: Nodes>(
    nodes: &N,
    leaves: &[LeafIndex],
    size: TreeSize,
) -> Result<Vec<Digest>, ProveError<N::Error>> {
    check(leaves, size).map_err(ProveError::Request)?;
    prove(nodes, size, leaves)
}

/// Checks that `leaf_hashes` stand at `leaves` in the tree of `size` leaves with `root`.
///
/// # Errors
/// `Empty`, `Unsorted`, `OutOfRange`, `LeafCount`, `PathLength`, `RootMismatch`.
pub fn verify_multi(
    leaf_hashes: &[Digest],
    leaves: &[LeafIndex],
    size: TreeSize,
    proof: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    check(leaves, size)?;
    let found = rebuild(size, leaves, leaf_hashes, proof)?;
    if found == *root {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}
