//! The log's tree (RFC 9162 §2.1): growing it, proving with it, checking proofs.
//!
//! Only hashes are known here, no entries and no storage: a prover is given [`Nodes`], which
//! [`tile`] makes from stored tiles. Every proof has exactly one right length, checked before
//! anything is hashed, and every recursion halves its subtree, so that it is at most 64 deep.

pub mod frontier;
pub mod multi;
pub mod proof;
pub mod range;
mod selection;
pub mod tile;
pub mod verify;

#[cfg(test)]
pub(crate) mod reference;
#[cfg(test)]
mod tests;

pub use frontier::Frontier;
pub use multi::{multi_proof, verify_multi};
pub use proof::{Nodes, ProveError, consistency_proof, inclusion_proof, prefix_root};
pub use range::{LeafRange, range_proof, verify_range};
pub use verify::{
    ProofError, consistency_roots, inclusion_root, verify_consistency, verify_inclusion,
};

/// Size of the left subtree of a tree of `size` leaves: the largest power of two below `size`
/// (RFC 9162 §2.1.1). `size` is at least 2.
const fn split(size: u64) -> u64 {
    1 << (63 - (size - 1).leading_zeros())
}
