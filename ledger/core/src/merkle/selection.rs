//! Proving several leaves at once: the recursion that range and multi-leaf proofs share.
//!
//! It follows RFC 9162's split of the tree. A subtree without a selected leaf is one hash of the
//! proof; a selected leaf is given; everything else is computed. So a proof holds no hash that
//! could be computed, and prover, counter and verifier meet its hashes in the same order, left to
//! right.

use super::proof::{Nodes, ProveError, subtree};
use super::split;
use super::verify::ProofError;
use crate::hash::{Digest, empty_root, node_hash};
use crate::ids::TreeSize;

/// The leaves a proof is about, within one subtree.
pub(super) trait Selection: Copy {
    /// How many leaves are selected.
    fn count(self) -> u64;

    /// Those before leaf `middle`, and those from it on.
    fn split_at(self, middle: u64) -> (Self, Self);
}

/// Appends the proof for the subtree over leaves `start..end`.
fn collect<N: Nodes, S: Selection>(
    nodes: &N,
    (start, end): (u64, u64),
    selected: S,
    proof: &mut Vec<Digest>,
) -> Result<(), N::Error> {
    if selected.count() == end - start {
        return Ok(());
    }
    if selected.count() == 0 {
        proof.push(subtree(nodes, start, end)?);
        return Ok(());
    }
    let middle = start + split(end - start);
    let (left, right) = selected.split_at(middle);
    collect(nodes, (start, middle), left, proof)?;
    collect(nodes, (middle, end), right, proof)
}

/// The proof of `selected` in a tree of `size` leaves.
pub(super) fn prove<N: Nodes, S: Selection>(
    nodes: &N,
    size: TreeSize,
    selected: S,
) -> Result<Vec<Digest>, ProveError<N::Error>> {
    let mut proof = Vec::new();
    collect(nodes, (0, size.0), selected, &mut proof).map_err(ProveError::Nodes)?;
    Ok(proof)
}

/// How many hashes the proof for the subtree over leaves `start..end` has.
fn proof_length<S: Selection>((start, end): (u64, u64), selected: S) -> usize {
    if selected.count() == end - start {
        return 0;
    }
    if selected.count() == 0 {
        return 1;
    }
    let middle = start + split(end - start);
    let (left, right) = selected.split_at(middle);
    proof_length((start, middle), left) + proof_length((middle, end), right)
}

/// The root of the tree of `size` leaves in which `leaves` are those `selected`.
///
/// # Errors
/// `LeafCount`, `PathLength`, both before anything is hashed.
pub(super) fn rebuild<S: Selection>(
    size: TreeSize,
    selected: S,
    leaves: &[Digest],
    proof: &[Digest],
) -> Result<Digest, ProofError> {
    if u64::try_from(leaves.len()) != Ok(selected.count()) {
        return Err(ProofError::LeafCount {
            got: leaves.len(),
            want: selected.count(),
        });
    }
    let want = proof_length((0, size.0), selected);
    if proof.len() != want {
        return Err(ProofError::PathLength {
            got: proof.len(),
            want,
        });
    }
    if size.0 == 0 {
        return Ok(empty_root());
    }
    let mut given = Given {
        leaves: leaves.iter(),
        proof: proof.iter(),
    };
    Ok(given.hash((0, size.0), selected))
}

/// What is left of the leaves and of the proof.
struct Given<'a> {
    leaves: std::slice::Iter<'a, Digest>,
    proof: std::slice::Iter<'a, Digest>,
}

impl Given<'_> {
    fn hash<S: Selection>(&mut self, (start, end): (u64, u64), selected: S) -> Digest {
        if selected.count() == 0 {
            return *self.proof.next().expect("the proof's length was checked");
        }
        if end - start == 1 {
            return *self
                .leaves
                .next()
                .expect("the number of leaves was checked");
        }
        let middle = start + split(end - start);
        let (left, right) = selected.split_at(middle);
        let left = self.hash((start, middle), left);
        node_hash(&left, &self.hash((middle, end), right))
    }
}
