//! Building inclusion and consistency proofs (RFC 9162 §2.1.3.1, §2.1.4.1).

use super::{split, verify::ProofError};
use crate::hash::{Digest, node_hash};
use crate::ids::{LeafIndex, TreeSize};

/// Where a prover finds the hashes of perfect subtrees.
pub trait Nodes {
    /// Why a hash could not be had.
    type Error;

    /// The root of the perfect subtree over leaves `index * 2^level .. (index + 1) * 2^level`.
    ///
    /// # Errors
    /// Those of the storage. A prover asks only for subtrees that its tree has.
    fn node(&self, level: u8, index: u64) -> Result<Digest, Self::Error>;
}

/// Why there is no proof.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProveError<E> {
    /// A hash could not be read.
    #[error(transparent)]
    Nodes(E),
    /// What was asked for cannot be proved: the fault of who asked.
    #[error("{0}")]
    Request(ProofError),
}

/// The hash over leaves `start..end` of a tree, a subtree that the recursion of RFC 9162 meets:
/// perfect, or ending at the tree's right edge. At most 64 nodes are read.
pub(super) fn subtree<N: Nodes>(nodes: &N, start: u64, end: u64) -> Result<Digest, N::Error> {
    let size = end - start;
    if size.is_power_of_two() {
        let level = size.trailing_zeros();
        let height = u8::try_from(level).expect("a 64-bit number has at most 63 trailing zeros");
        return nodes.node(height, start >> level);
    }
    let middle = start + split(size);
    Ok(node_hash(
        &subtree(nodes, start, middle)?,
        &subtree(nodes, middle, end)?,
    ))
}

/// The root over the first `size` leaves of a tree that has them, at least 1.
///
/// # Errors
/// Those of the storage.
///
/// # Panics
/// If `size` is 0: a tree without leaves has no nodes.
pub fn prefix_root<N: Nodes>(nodes: &N, size: TreeSize) -> Result<Digest, N::Error> {
    assert!(size.0 > 0, "a tree without leaves has no nodes");
    subtree(nodes, 0, size.0)
}

/// The path of `leaf` in the tree of `size` leaves: sibling hashes, leaf to root, at most 64.
///
/// # Errors
/// `Request(OutOfRange)`, `Nodes`.
pub fn inclusion_proof<N: Nodes>(
    nodes: &N,
    leaf: LeafIndex,
    size: TreeSize,
) -> Result<Vec<Digest>, ProveError<N::Error>> {
    if leaf.0 >= size.0 {
        return Err(ProveError::Request(ProofError::OutOfRange {
            index: leaf.0,
            size,
        }));
    }
    let (mut start, mut end) = (0, size.0);
    let mut path = Vec::new();
    while end - start > 1 {
        let middle = start + split(end - start);
        let sibling = if leaf.0 < middle {
            let right = subtree(nodes, middle, end);
            end = middle;
            right
        } else {
            let left = subtree(nodes, start, middle);
            start = middle;
            left
        };
        path.push(sibling.map_err(ProveError::Nodes)?);
    }
    path.reverse();
    Ok(path)
}

/// The proof that the tree of `new` leaves grew from that of `old` leaves: at most 65 hashes, none
/// where the sizes are equal.
///
/// # Errors
/// `Request(Sizes)` if `old` is 0 or greater than `new`; `Nodes`.
pub fn consistency_proof<N: Nodes>(
    nodes: &N,
    old: TreeSize,
    new: TreeSize,
) -> Result<Vec<Digest>, ProveError<N::Error>> {
    if old.0 == 0 || old > new {
        return Err(ProveError::Request(ProofError::Sizes { old, new }));
    }
    let (mut start, mut end) = (0, new.0);
    let mut path = Vec::new();
    while end != old.0 {
        let middle = start + split(end - start);
        let sibling = if old.0 <= middle {
            let right = subtree(nodes, middle, end);
            end = middle;
            right
        } else {
            let left = subtree(nodes, start, middle);
            start = middle;
            left
        };
        path.push(sibling.map_err(ProveError::Nodes)?);
    }
    // The whole older tree is known to whoever checks; its smallest peak is not.
    if start != 0 {
        path.push(subtree(nodes, start, end).map_err(ProveError::Nodes)?);
    }
    path.reverse();
    Ok(path)
}
