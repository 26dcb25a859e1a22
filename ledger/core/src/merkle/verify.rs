//! Checking proofs (RFC 9162 §2.1.3.2, §2.1.4.2).
//!
//! Instead of shifting two counters as the RFC's text does, the shape of a path is computed first:
//! how many levels there are below the point where it meets the tree's right edge, and how many
//! siblings hang left of that edge. It gives the one right length of every path, and the same sides.

use crate::hash::{Digest, node_hash};
use crate::ids::{LeafIndex, TreeSize};

/// Why a proof does not hold. Forged or damaged: keep the input as evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProofError {
    /// A proof about no leaves at all.
    #[error("the proof is about no leaf")]
    Empty,
    /// Another number of leaves than the proof is about.
    #[error("{got} leaves given, the proof is about {want}")]
    LeafCount {
        /// Leaves given.
        got: usize,
        /// Leaves the proof is about.
        want: u64,
    },
    /// The older tree is not what the newer one grew from.
    #[error("the proof does not lead to the older root")]
    OldRootMismatch,
    /// A leaf, or a range's end, beyond the tree.
    #[error("{index} is beyond a tree of {size} leaves")]
    OutOfRange {
        /// The leaf, or the range's end.
        index: u64,
        /// The tree's size.
        size: TreeSize,
    },
    /// Another number of hashes than a proof of this shape has.
    #[error("{got} hashes where {want} belong")]
    PathLength {
        /// Hashes given.
        got: usize,
        /// The only right number.
        want: usize,
    },
    /// The leaves are not in this tree.
    #[error("the proof does not lead to the root")]
    RootMismatch,
    /// No consistency proof leads from one size to the other.
    #[error("no proof leads from {old} to {new} leaves")]
    Sizes {
        /// The older size, at least 1.
        old: TreeSize,
        /// The newer size, at least the older.
        new: TreeSize,
    },
    /// Leaves not in rising order, or one twice.
    #[error("leaf {leaf} is out of order")]
    Unsorted {
        /// The first that does not follow its predecessor.
        leaf: LeafIndex,
    },
}

/// How a leaf's path lies in the tree.
struct Shape {
    /// Levels on which the leaf's index says whether the sibling is left or right.
    inner: usize,
    /// Siblings above those: all on the left.
    border: usize,
}

/// `index` is below `size`.
const fn shape(index: u64, size: u64) -> Shape {
    let inner = 64 - (index ^ (size - 1)).leading_zeros();
    let border = match index.checked_shr(inner) {
        Some(above) => above.count_ones(),
        None => 0,
    };
    Shape {
        inner: inner as usize,
        border: border as usize,
    }
}

impl Shape {
    /// Whether the sibling at `level` is on the left of the node with this index at level 0.
    const fn sibling_is_left(&self, index: u64, level: usize) -> bool {
        level >= self.inner || (index >> level) & 1 == 1
    }
}

fn check_length(got: usize, want: usize) -> Result<(), ProofError> {
    if got == want {
        Ok(())
    } else {
        Err(ProofError::PathLength { got, want })
    }
}

fn check_root(found: Digest, want: &Digest) -> Result<(), ProofError> {
    if found == *want {
        Ok(())
    } else {
        Err(ProofError::RootMismatch)
    }
}

/// The root of the tree of `size` leaves in which `leaf_hash` has index `leaf`, by its path.
///
/// `path`: sibling hashes, leaf to root, at most 64.
///
/// # Errors
/// `OutOfRange`, `PathLength`.
pub fn inclusion_root(
    leaf_hash: Digest,
    leaf: LeafIndex,
    size: TreeSize,
    path: &[Digest],
) -> Result<Digest, ProofError> {
    if leaf.0 >= size.0 {
        return Err(ProofError::OutOfRange {
            index: leaf.0,
            size,
        });
    }
    let shape = shape(leaf.0, size.0);
    check_length(path.len(), shape.inner + shape.border)?;
    Ok(path
        .iter()
        .enumerate()
        .fold(leaf_hash, |node, (level, sibling)| {
            if shape.sibling_is_left(leaf.0, level) {
                node_hash(sibling, &node)
            } else {
                node_hash(&node, sibling)
            }
        }))
}

/// Checks that `leaf_hash` is leaf number `leaf` of the tree of `size` leaves with `root`.
///
/// `path`: sibling hashes, leaf to root, at most 64. One SHA-256 per level.
///
/// # Errors
/// `OutOfRange`, `PathLength`, `RootMismatch`.
pub fn verify_inclusion(
    leaf_hash: Digest,
    leaf: LeafIndex,
    size: TreeSize,
    path: &[Digest],
    root: &Digest,
) -> Result<(), ProofError> {
    check_root(inclusion_root(leaf_hash, leaf, size, path)?, root)
}

/// Checks that the tree of `new_size` leaves with `new_root` grew from that of `old_size` leaves
/// with `old_root`.
///
/// An older tree without leaves is refused: everything grew from it, and no path says so.
///
/// # Errors
/// `Sizes`, `PathLength`, `OldRootMismatch`, `RootMismatch`.
pub fn verify_consistency(
    old_size: TreeSize,
    old_root: &Digest,
    new_size: TreeSize,
    new_root: &Digest,
    path: &[Digest],
) -> Result<(), ProofError> {
    let (older, newer) = consistency_roots(old_size, old_root, new_size, path)?;
    if older != *old_root {
        return Err(ProofError::OldRootMismatch);
    }
    check_root(newer, new_root)
}

/// The roots that a consistency proof leads to, of the older tree and of the newer.
///
/// A path says itself what the older root is, unless the older tree is one peak: then it leaves
/// `old_root` out, and that root comes back.
///
/// # Errors
/// `Sizes`, `PathLength`.
pub fn consistency_roots(
    old_size: TreeSize,
    old_root: &Digest,
    new_size: TreeSize,
    path: &[Digest],
) -> Result<(Digest, Digest), ProofError> {
    let (old, new) = (old_size.0, new_size.0);
    if old == 0 || old > new {
        return Err(ProofError::Sizes {
            old: old_size,
            new: new_size,
        });
    }
    if old == new {
        check_length(path.len(), 0)?;
        return Ok((*old_root, *old_root));
    }
    // The walk starts at the smallest peak of the older tree. Where that is the whole older tree,
    // its root is known and the path leaves it out.
    let height = old.trailing_zeros();
    let start = (old - 1) >> height;
    let shape = shape(start, ((new - 1) >> height) + 1);
    let first = usize::from(!old.is_power_of_two());
    check_length(path.len(), first + shape.inner + shape.border)?;
    let (seed, rest) = match path.split_first() {
        Some((seed, rest)) if first == 1 => (*seed, rest),
        Some(_) | None => (*old_root, path),
    };
    let (mut older, mut newer) = (seed, seed);
    for (level, sibling) in rest.iter().enumerate() {
        if shape.sibling_is_left(start, level) {
            older = node_hash(sibling, &older);
            newer = node_hash(sibling, &newer);
        } else {
            newer = node_hash(&newer, sibling);
        }
    }
    Ok((older, newer))
}
