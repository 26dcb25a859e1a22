//! Evidence that a log has signed two histories: two of its checkpoints, in one file.
//!
//! ```text
//! suyuan-evidence/v1
//! <base64: the root over the newer tree's first leaves, as many as the older tree has>
//! <base64 hashes, a line each: the consistency proof from that root to the newer checkpoint>
//!
//! <the older checkpoint, a C2SP signed note>
//!
//! <the newer checkpoint, a C2SP signed note>
//! ```
//! The proof holds, and the root it starts from is not the one that the log signed at that size.
//! Hashes bind it: all nodes on the way to the older root are on the way to the newer one too, so
//! that the newer tree's beginning is known for certain, and it is another. Of equal sizes the
//! proof is empty and the root the newer checkpoint's. Whoever can check a signed note and an RFC
//! 9162 consistency proof can check this file.
//!
//! **What is no evidence:** a consistency proof that fails. Anyone can send a log's checkpoints with
//! hashes that lead nowhere. So two checkpoints of different sizes need somebody who knows the newer
//! tree; a proof for the second history gives that away itself, unless the older size is a power of
//! two, whose proofs leave the older root out.
//!
//! **What it does not show:** which of the two histories is right, and who used the key.

use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::hash::Digest;
use crate::merkle::{ProofError, consistency_roots, verify_consistency};
use crate::note::NOTE_BYTES_MAX;
use crate::tlog_policy::{Judged, TlogPolicy};
use crate::witness::PROOF_HASHES_MAX;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// The first line.
pub const FORMAT: &str = "suyuan-evidence/v1";

/// Bytes of a file: two notes, and 65 lines of 45 bytes before them.
pub const EVIDENCE_BYTES_MAX: usize = 2 * NOTE_BYTES_MAX + 4 * 1024;

/// Why a file shows no two histories.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EvidenceError {
    /// Another form than the one above. The sender's fault.
    #[error("not evidence: {what} is malformed")]
    Malformed {
        /// Which part.
        what: &'static str,
    },
    /// A checkpoint is not its log's, or not of a log that is trusted here.
    #[error("the {which} checkpoint: {why}")]
    Checkpoint {
        /// Older or newer.
        which: &'static str,
        /// What is wrong with it.
        why: CheckpointError,
    },
    /// Checkpoints of two logs: they have nothing to do with one another.
    #[error("checkpoints of two logs, {older:?} and {newer:?}")]
    Origins {
        /// The older one's.
        older: String,
        /// The newer one's.
        newer: String,
    },
    /// The newer tree grew from the older: one history.
    #[error("the newer tree grew from the older: this is one history")]
    Consistent,
    /// What the newer tree begins with is not shown.
    #[error("what the newer tree begins with is not shown: {0}")]
    Proof(#[from] ProofError),
}

impl EvidenceError {
    /// The stable name, as tests and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "evidence-malformed",
            Self::Checkpoint { .. } => "evidence-checkpoint",
            Self::Origins { .. } => "evidence-origins",
            Self::Consistent => "evidence-consistent",
            Self::Proof(_) => "evidence-proof",
        }
    }
}

/// Two checkpoints, and what the newer tree begins with. Nobody has checked them. Shown as its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Evidence {
    older: SignedCheckpoint,
    newer: SignedCheckpoint,
    prefix: Digest,
    proof: Vec<Digest>,
}

/// Two histories of one log, proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fork {
    /// The older checkpoint: which key of the log signed it, and which witnesses.
    pub older: Judged,
    /// The newer one.
    pub newer: Judged,
    /// What the newer tree has where the older checkpoint has its root.
    pub prefix: Digest,
}

impl Fork {
    /// Witnesses that put their names under both: they are not honest either.
    pub fn cosigned_both(&self) -> impl Iterator<Item = &str> {
        let newer = &self.newer.cosigned;
        let both = self.older.cosigned.iter();
        both.filter(|one| newer.iter().any(|other| other.witness == one.witness))
            .map(|one| one.witness.as_str())
    }
}

impl Evidence {
    /// What two checkpoints of one log show, in either order, with the `proof` that came with the
    /// one that claims to have grown; `None` if that is nothing.
    ///
    /// Signatures are not looked at: whoever asks has verified them.
    #[must_use]
    pub fn between(
        one: &SignedCheckpoint,
        other: &SignedCheckpoint,
        proof: &[Digest],
    ) -> Option<Self> {
        let (older, newer) = if one.claim().size <= other.claim().size {
            (one, other)
        } else {
            (other, one)
        };
        let (old, new) = (older.claim(), newer.claim());
        if old.size == new.size {
            return Self::of(older.clone(), newer.clone(), new.root, Vec::new()).shows_two();
        }
        let (prefix, root) = consistency_roots(old.size, &old.root, new.size, proof).ok()?;
        if root != new.root {
            return None;
        }
        Self::of(older.clone(), newer.clone(), prefix, proof.to_vec()).shows_two()
    }

    /// Evidence by somebody who has the newer tree.
    ///
    /// `prefix`: the root over as many of its leaves as the older one has; `proof`: the consistency
    /// proof from there.
    #[must_use]
    pub const fn of(
        older: SignedCheckpoint,
        newer: SignedCheckpoint,
        prefix: Digest,
        proof: Vec<Digest>,
    ) -> Self {
        Self {
            older,
            newer,
            prefix,
            proof,
        }
    }

    fn shows_two(self) -> Option<Self> {
        self.check_trees().is_ok().then_some(self)
    }

    fn check_trees(&self) -> Result<(), EvidenceError> {
        let (older, newer) = (self.older.claim(), self.newer.claim());
        if older.origin != newer.origin {
            return Err(EvidenceError::Origins {
                older: older.origin.clone(),
                newer: newer.origin.clone(),
            });
        }
        verify_consistency(
            older.size,
            &self.prefix,
            newer.size,
            &newer.root,
            &self.proof,
        )?;
        if self.prefix == older.root {
            return Err(EvidenceError::Consistent);
        }
        Ok(())
    }

    /// The log it is about, by its own claim.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.newer.claim().origin
    }

    /// What both checkpoints say, the older first.
    #[must_use]
    pub const fn claims(&self) -> (&Checkpoint, &Checkpoint) {
        (self.older.claim(), self.newer.claim())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// `Malformed`, `Checkpoint`.
    pub fn parse(text: &str) -> Result<Self, EvidenceError> {
        let malformed = |what| EvidenceError::Malformed { what };
        if text.len() > EVIDENCE_BYTES_MAX {
            return Err(malformed("the length"));
        }
        // A checkpoint has no empty line of its own, nor have signatures: five paragraphs.
        let mut paragraphs = text.splitn(5, "\n\n");
        let mut paragraph = |what| paragraphs.next().ok_or_else(|| malformed(what));
        let mut head = paragraph("the head")?.split('\n');
        if head.next() != Some(FORMAT) {
            return Err(malformed("the first line"));
        }
        let mut hashes = Vec::new();
        for line in head {
            // The root, and the longest proof.
            if hashes.len() > PROOF_HASHES_MAX {
                return Err(malformed("the proof's length"));
            }
            let hash = STANDARD.decode(line).ok();
            let hash = hash.and_then(|hash| Digest::from_slice(&hash));
            hashes.push(hash.ok_or_else(|| malformed("a hash"))?);
        }
        let (prefix, proof) = hashes.split_first().ok_or_else(|| malformed("the root"))?;
        let older = format!(
            "{}\n\n{}\n",
            paragraph("the older checkpoint")?,
            paragraph("the older checkpoint's signatures")?
        );
        let newer = format!(
            "{}\n\n{}",
            paragraph("the newer checkpoint")?,
            paragraph("the newer checkpoint's signatures")?
        );
        let note = |which, note: &str| {
            SignedCheckpoint::parse(note).map_err(|why| EvidenceError::Checkpoint { which, why })
        };
        Ok(Self {
            older: note("older", &older)?,
            newer: note("newer", &newer)?,
            prefix: *prefix,
            proof: proof.to_vec(),
        })
    }

    /// Checks that a log of `policy` has signed both checkpoints, and that they are two histories.
    /// At most 64 hashes, and a signature check for each known key.
    ///
    /// # Errors
    /// `Checkpoint`, `Origins`, `Proof`, `Consistent`.
    pub fn verify(&self, policy: &TlogPolicy) -> Result<Fork, EvidenceError> {
        let judge = |which, note: &SignedCheckpoint| {
            let judged = policy.judge(&note.to_string());
            judged.map_err(|why| EvidenceError::Checkpoint { which, why })
        };
        let (older, newer) = (judge("older", &self.older)?, judge("newer", &self.newer)?);
        self.check_trees()?;
        Ok(Fork {
            older,
            newer,
            prefix: self.prefix,
        })
    }
}

impl fmt::Display for Evidence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{FORMAT}\n{}", STANDARD.encode(self.prefix.0))?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}\n{}", self.older, self.newer)
    }
}

#[cfg(test)]
mod tests;
