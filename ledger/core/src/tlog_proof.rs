//! Offline proofs that an entry is in a log, as text files: C2SP tlog-proof.
//!
//! ```text
//! c2sp.org/tlog-proof@v1
//! extra <base64>            ; optional, unauthenticated
//! index <decimal>
//! <base64 hash>             ; sibling hashes, leaf to root
//!
//! <checkpoint: a signed note>
//! ```
//! The file is what a witnessed receipt is here: the place of an entry in the tree of a checkpoint,
//! with the cosignatures over that checkpoint. It needs no signature of its own. We put the entry
//! itself into `extra`, so that the file can be verified alone; a reader who holds the entry uses
//! its own.
//!
//! Source: C2SP tlog-proof. Vector: the worked example in the tests, bit for bit.

use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::hash::Digest;
use crate::ids::{LeafIndex, TreeSize};
use crate::merkle::tile::TileNodes;
use crate::merkle::{ProofError, ProveError, inclusion_proof, verify_inclusion};
use crate::note::NOTE_BYTES_MAX;
use crate::seal::{ViewTiles, tile_error};
use crate::statement::SignedStatement;
use crate::store::{StoreError, View};
use crate::tlog_policy::{Judged, TlogPolicy};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// The first line, with its line feed.
pub const HEAD: &str = "c2sp.org/tlog-proof@v1\n";

/// Hashes of a path: a leaf index has 63 bits.
const PATH_MAX: usize = 63;

/// Bytes of a file: a note, 63 lines of hashes (3 kB), and an entry of 16 KiB in base64.
pub const TLOG_PROOF_BYTES_MAX: usize = NOTE_BYTES_MAX + 32 * 1024;

/// Why a file proves nothing. Forged, damaged, or of another log or entry.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlogProofError {
    /// The entry is a statement for other logs: this one should never have taken it.
    #[error("the statement is meant for {found:?}, not for this log")]
    AudienceWrong {
        /// The logs it is meant for.
        found: Vec<String>,
    },
    /// The checkpoint is malformed, of another log, or its signatures fail.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A line has another form.
    #[error("line {line} of the proof is malformed")]
    Malformed {
        /// Its number, from 1.
        line: usize,
    },
    /// The path does not lead from the entry to the checkpoint's root.
    #[error("path: {0}")]
    Path(#[from] ProofError),
    /// More bytes than a file may have.
    #[error("the proof is larger than the limit of {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

impl TlogProofError {
    /// The stable name, as scripts compare it and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AudienceWrong { .. } => "audience-wrong",
            Self::Checkpoint(CheckpointError::Origin { .. }) => "log-unknown",
            Self::Checkpoint(_) => "checkpoint",
            Self::Malformed { .. } => "malformed",
            Self::Path(_) => "path",
            Self::TooLarge { .. } => "too-large",
        }
    }
}

/// A proof whose form is in order; nothing of it is verified yet. Shown as its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogProof {
    /// Whatever its maker put there: nobody has signed it.
    pub extra: Option<Vec<u8>>,
    /// Where the entry stands.
    pub leaf: LeafIndex,
    /// Sibling hashes, leaf to root.
    pub path: Vec<Digest>,
    /// The checkpoint's note, verbatim.
    pub checkpoint: String,
}

impl TlogProof {
    /// Reads a file.
    ///
    /// # Errors
    /// `TooLarge`, `Malformed`, `Checkpoint`.
    pub fn parse(bytes: &[u8]) -> Result<Self, TlogProofError> {
        if bytes.len() > TLOG_PROOF_BYTES_MAX {
            return Err(TlogProofError::TooLarge {
                limit_bytes: TLOG_PROOF_BYTES_MAX,
            });
        }
        let malformed = |line| TlogProofError::Malformed { line };
        let text = std::str::from_utf8(bytes).map_err(|_| malformed(1))?;
        let mut rest = text.strip_prefix(HEAD).ok_or_else(|| malformed(1))?;
        let mut number = 1;
        let mut next_line = || {
            number += 1;
            let (line, after) = rest.split_once('\n').ok_or_else(|| malformed(number))?;
            rest = after;
            Ok::<_, TlogProofError>((line, number))
        };
        let (mut line, mut at) = next_line()?;
        let mut extra = None;
        if let Some(base64) = line.strip_prefix("extra ") {
            extra = Some(STANDARD.decode(base64).map_err(|_| malformed(at))?);
            (line, at) = next_line()?;
        }
        let index = line.strip_prefix("index ").ok_or_else(|| malformed(at))?;
        // A sign or a leading zero would be a second spelling.
        let leaf = index
            .parse::<u64>()
            .ok()
            .filter(|number| number.to_string() == index && *number <= u64::MAX / 2);
        let leaf = LeafIndex(leaf.ok_or_else(|| malformed(at))?);
        let mut path = Vec::new();
        loop {
            let (line, at) = next_line()?;
            if line.is_empty() {
                break;
            }
            let hash = STANDARD.decode(line).ok();
            let hash = hash.and_then(|hash| Digest::from_slice(&hash));
            path.push(
                hash.filter(|_| path.len() < PATH_MAX)
                    .ok_or_else(|| malformed(at))?,
            );
        }
        SignedCheckpoint::parse(rest)?;
        Ok(Self {
            extra,
            leaf,
            path,
            checkpoint: rest.to_owned(),
        })
    }

    /// Proves the entry at `leaf` under `checkpoint`, a note of this very log that is no larger
    /// than the view's tree. `None` where the checkpoint's tree does not reach the leaf.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn build<V: View>(
        view: &V,
        leaf: LeafIndex,
        checkpoint: String,
    ) -> Result<Option<Self>, StoreError> {
        let corrupt = |detail: String| StoreError::Corrupt {
            what: "checkpoint",
            detail,
        };
        let signed = SignedCheckpoint::parse(&checkpoint).map_err(|e| corrupt(e.to_string()))?;
        let size: TreeSize = signed.claim().size;
        if leaf.0 >= size.0 {
            return Ok(None);
        }
        let tiles = ViewTiles(view);
        let path =
            inclusion_proof(&TileNodes::new(&tiles), leaf, size).map_err(|error| match error {
                ProveError::Nodes(error) => tile_error(error),
                ProveError::Request(why) => corrupt(why.to_string()),
            })?;
        Ok(Some(Self {
            extra: None,
            leaf,
            path,
            checkpoint,
        }))
    }

    /// Checks that the entry with this leaf hash stands where the file says, in the tree of a
    /// checkpoint of one of the policy's logs, and says what stands behind that checkpoint.
    ///
    /// # Errors
    /// `Checkpoint`, `Path`.
    pub fn verify(&self, leaf_hash: Digest, policy: &TlogPolicy) -> Result<Judged, TlogProofError> {
        let judged = policy.judge(&self.checkpoint)?;
        let Judged { checkpoint, .. } = &judged;
        let (size, root) = (checkpoint.size, &checkpoint.root);
        verify_inclusion(leaf_hash, self.leaf, size, &self.path, root)?;
        Ok(judged)
    }

    /// As [`Self::verify`], for a statement, which must be meant for that log.
    ///
    /// # Errors
    /// `Checkpoint`, `Path`, `AudienceWrong`.
    pub fn prove(
        &self,
        statement: &SignedStatement,
        policy: &TlogPolicy,
    ) -> Result<Judged, TlogProofError> {
        let judged = self.verify(statement.leaf_hash(), policy)?;
        if statement.is_meant_for(&judged.checkpoint.origin) {
            Ok(judged)
        } else {
            let found = statement.header().audience.clone();
            Err(TlogProofError::AudienceWrong { found })
        }
    }
}

impl fmt::Display for TlogProof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HEAD)?;
        if let Some(extra) = &self.extra {
            writeln!(f, "extra {}", STANDARD.encode(extra))?;
        }
        writeln!(f, "index {}", self.leaf)?;
        for hash in &self.path {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

#[cfg(test)]
mod tests;
