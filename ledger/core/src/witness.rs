//! What a witness asks of a log's next checkpoint before it cosigns it.
//!
//! A witness keeps one checkpoint for each log, the latest it cosigned, and cosigns another only
//! if that grew from it. So whoever sees its cosignature knows: nobody who listens to this witness
//! has been shown another history of that log.
//!
//! ```text
//! bytes → AddCheckpoint → Authentic → Consistent → Cosignature
//!         parse           authenticate  follows      cosign
//! ```
//! **In scope:** the request's form, the rules and the answer's text. **Out of scope:** keeping the
//! latest checkpoint. Whoever does must compare and persist in one step, durably, before it
//! answers; else two requests at once, or a crash, roll the witness back.
//!
//! Source: C2SP tlog-witness, `add-checkpoint`.

use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::evidence::Evidence;
use crate::hash::{Digest, empty_root};
use crate::ids::TreeSize;
use crate::merkle::{ProofError, verify_consistency};
use crate::note::{KeyKind, NoteKey};
use crate::signature::Signer;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// Hashes of a consistency proof: a tree of fewer than 2^63 leaves needs no more.
pub const PROOF_HASHES_MAX: usize = 63;

/// Bytes of a request: the proof's 2.9 kB, and a checkpoint with the 16 signatures that readers
/// must take, at 3.3 kB of the largest kind in use each.
pub const REQUEST_BYTES_MAX: usize = 64 * 1024;

/// Logs that one witness watches: their latest checkpoints are kept in memory too.
pub const LOGS_MAX: usize = 1024;

/// Why a witness does not cosign.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// A line before the checkpoint has another form.
    #[error("line {line} of the request is malformed")]
    Malformed {
        /// Its number, from 1.
        line: usize,
    },
    /// More than a request may have.
    #[error("the request has more than {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// The checkpoint has another form.
    #[error("the checkpoint is malformed: {0}")]
    CheckpointMalformed(#[source] CheckpointError),
    /// The log claims to grow from what is larger than it is.
    #[error("the old size {old} is beyond the checkpoint's {size}")]
    OldSizeBeyond {
        /// The size claimed to be cosigned.
        old: TreeSize,
        /// The checkpoint's size.
        size: TreeSize,
    },
    /// No key that this witness trusts for the log has signed, or one's signature fails.
    #[error("{0}")]
    Unsigned(#[source] CheckpointError),
    /// This witness does not watch that log.
    #[error("this witness does not watch the log {origin:?}")]
    OriginUnknown {
        /// The checkpoint's first line.
        origin: String,
    },
    /// Another checkpoint was cosigned in the meantime, or the log was never seen before. Remedy:
    /// ask again with a proof from this size.
    #[error("the latest checkpoint cosigned has size {size}")]
    OldSize {
        /// The size of the latest checkpoint cosigned; 0 if none.
        size: TreeSize,
    },
    /// A tree without leaves has one root, and this is another.
    #[error("the root of a tree without leaves is not this")]
    EmptyRoot,
    /// Two roots at one size. Evidence against the log: keep both checkpoints.
    #[error("another root was cosigned at size {size}")]
    RootChanged {
        /// The size.
        size: TreeSize,
    },
    /// The tree did not grow from the one cosigned, as far as this proof shows.
    #[error("the consistency proof fails: {0}")]
    Inconsistent(#[from] ProofError),
    /// A proof where nothing is to be proved.
    #[error("{got} proof hashes given, and none belong where the old size is 0")]
    ProofUnasked {
        /// Hashes given.
        got: usize,
    },
}

impl Refusal {
    /// The stable name, as tests and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Malformed { .. } => "request-malformed",
            Self::TooLarge { .. } => "request-too-large",
            Self::CheckpointMalformed(_) => "checkpoint-malformed",
            Self::OldSizeBeyond { .. } => "old-size-beyond",
            Self::Unsigned(_) => "log-signature",
            Self::OriginUnknown { .. } => "origin-unknown",
            Self::OldSize { .. } => "old-size",
            Self::EmptyRoot => "empty-root",
            Self::RootChanged { .. } => "root-changed",
            Self::Inconsistent(_) => "inconsistent",
            Self::ProofUnasked { .. } => "proof-unasked",
        }
    }

    /// The status code that the protocol gives it.
    #[must_use]
    pub const fn status(&self) -> u16 {
        match self {
            Self::Malformed { .. }
            | Self::TooLarge { .. }
            | Self::CheckpointMalformed(_)
            | Self::OldSizeBeyond { .. } => 400,
            Self::Unsigned(_) => 403,
            Self::OriginUnknown { .. } => 404,
            Self::OldSize { .. } => 409,
            Self::EmptyRoot
            | Self::RootChanged { .. }
            | Self::Inconsistent(_)
            | Self::ProofUnasked { .. } => 422,
        }
    }
}

/// A request to cosign. Shown as its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddCheckpoint {
    /// The size of the checkpoint that the log thinks was cosigned last; 0 for none.
    pub old: TreeSize,
    /// The proof that the checkpoint's tree grew from that size.
    pub proof: Vec<Digest>,
    /// The checkpoint to cosign.
    pub checkpoint: SignedCheckpoint,
}

impl AddCheckpoint {
    /// Reads a request's body: `old <size>`, proof lines, an empty line, the checkpoint.
    ///
    /// # Errors
    /// `TooLarge`, `Malformed`, `CheckpointMalformed`.
    pub fn parse(body: &str) -> Result<Self, Refusal> {
        if body.len() > REQUEST_BYTES_MAX {
            return Err(Refusal::TooLarge {
                limit: REQUEST_BYTES_MAX,
                unit: "bytes",
            });
        }
        let malformed = |line| Refusal::Malformed { line };
        let (first, mut rest) = body.split_once('\n').ok_or_else(|| malformed(1))?;
        let old = first
            .strip_prefix("old ")
            .and_then(parse_size)
            .ok_or_else(|| malformed(1))?;
        let mut proof = Vec::new();
        loop {
            let number = proof.len() + 2;
            let (line, after) = rest.split_once('\n').ok_or_else(|| malformed(number))?;
            rest = after;
            if line.is_empty() {
                break;
            }
            if proof.len() == PROOF_HASHES_MAX {
                return Err(Refusal::TooLarge {
                    limit: PROOF_HASHES_MAX,
                    unit: "proof lines",
                });
            }
            let hash = STANDARD.decode(line).ok();
            let hash = hash.and_then(|hash| Digest::from_slice(&hash));
            proof.push(hash.ok_or_else(|| malformed(number))?);
        }
        let checkpoint = SignedCheckpoint::parse(rest).map_err(Refusal::CheckpointMalformed)?;
        Ok(Self {
            old,
            proof,
            checkpoint,
        })
    }
}

impl fmt::Display for AddCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "old {}", self.old)?;
        for hash in &self.proof {
            writeln!(f, "{}", STANDARD.encode(hash.0))?;
        }
        write!(f, "\n{}", self.checkpoint)
    }
}

/// Reads a size as this protocol writes it, `<decimal>`, with one spelling for each.
#[must_use]
pub fn parse_size(text: &str) -> Option<TreeSize> {
    let size = text.parse::<u64>().ok()?;
    (size.to_string() == text).then_some(TreeSize(size))
}

/// Why a list of logs cannot be watched. The operator's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WatchedError {
    /// A witness's key where a log's belongs.
    #[error("the key of {name} is not a log's")]
    KeyKind {
        /// The key's name.
        name: String,
    },
    /// More than a witness watches.
    #[error("more than {LOGS_MAX} keys of logs")]
    TooMany,
}

/// The logs that a witness watches: their keys.
#[derive(Clone, Debug, Default)]
pub struct Watched {
    keys: Vec<NoteKey>,
}

impl Watched {
    /// Watches the logs with these keys; a log may have several, all of its origin's name.
    ///
    /// # Errors
    /// [`WatchedError`].
    pub fn new(keys: Vec<NoteKey>) -> Result<Self, WatchedError> {
        if keys.len() > LOGS_MAX {
            return Err(WatchedError::TooMany);
        }
        match keys.iter().find(|key| key.kind() != KeyKind::Ed25519) {
            Some(key) => Err(WatchedError::KeyKind {
                name: key.name().to_owned(),
            }),
            None => Ok(Self { keys }),
        }
    }

    /// The origins, each once.
    pub fn origins(&self) -> impl Iterator<Item = &str> {
        let keys = self.keys.iter().enumerate();
        let first =
            keys.filter(|(at, key)| self.keys[..*at].iter().all(|k| k.name() != key.name()));
        first.map(|(_, key)| key.name())
    }

    /// Checks that a log watched here has signed the checkpoint.
    ///
    /// # Errors
    /// `OriginUnknown`, `Unsigned`.
    pub fn authenticate(&self, request: AddCheckpoint) -> Result<Authentic, Refusal> {
        let origin = &request.checkpoint.claim().origin;
        let own = |key: &&NoteKey| key.name() == origin;
        let keys: Vec<NoteKey> = self.keys.iter().filter(own).cloned().collect();
        if keys.is_empty() {
            // A name is for the log's operator to recognise; the rest of a long one is noise.
            let origin = origin.chars().take(255).collect();
            return Err(Refusal::OriginUnknown { origin });
        }
        request
            .checkpoint
            .verify(&keys)
            .map_err(Refusal::Unsigned)?;
        // Nobody here has checked the others' signatures: they are not passed on.
        let checkpoint = request.checkpoint.signed_only_by(&keys);
        Ok(Authentic(AddCheckpoint {
            checkpoint,
            ..request
        }))
    }
}

/// A request whose checkpoint its log has signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authentic(AddCheckpoint);

impl Authentic {
    /// The log it is of.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.0.checkpoint.claim().origin
    }

    /// What this request shows against the log, beside the checkpoint cosigned last (a note that
    /// this witness has verified): two histories, or nothing.
    #[must_use]
    pub fn shown_against(&self, latest: &str) -> Option<Evidence> {
        let latest = SignedCheckpoint::parse(latest).ok()?;
        Evidence::between(&latest, &self.0.checkpoint, &self.0.proof)
    }

    /// Checks that the tree grew from `latest`, the latest checkpoint that this witness cosigned.
    ///
    /// # Errors
    /// `OldSizeBeyond`, `OldSize`, `EmptyRoot`, `ProofUnasked`, `RootChanged`, `Inconsistent`.
    pub fn follows(self, latest: Option<&Checkpoint>) -> Result<Consistent, Refusal> {
        let Self(request) = self;
        let (old, new) = (request.old, request.checkpoint.claim());
        let size = latest.map_or(TreeSize(0), |latest| latest.size);
        if old > new.size {
            let size = new.size;
            return Err(Refusal::OldSizeBeyond { old, size });
        }
        if old != size {
            return Err(Refusal::OldSize { size });
        }
        if new.size == TreeSize(0) && new.root != empty_root() {
            return Err(Refusal::EmptyRoot);
        }
        match latest.filter(|latest| latest.size > TreeSize(0)) {
            None if request.proof.is_empty() => {}
            None => {
                let got = request.proof.len();
                return Err(Refusal::ProofUnasked { got });
            }
            Some(latest) if latest.size == new.size && latest.root != new.root => {
                return Err(Refusal::RootChanged { size });
            }
            Some(latest) => {
                verify_consistency(old, &latest.root, new.size, &new.root, &request.proof)?;
            }
        }
        Ok(Consistent(request.checkpoint))
    }
}

/// A checkpoint that a witness may cosign once it is its latest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Consistent(SignedCheckpoint);

impl Consistent {
    /// Cosigns it.
    ///
    /// `name`: the witness's; `time`: seconds since 1970, greater than 0.
    ///
    /// # Errors
    /// `KeyName`.
    pub fn cosign(
        self,
        name: &str,
        witness: &dyn Signer,
        time: u64,
    ) -> Result<Cosignature, CheckpointError> {
        let own = NoteKey::new(name, KeyKind::Cosignature, witness.public_key().clone())?;
        let Self(mut checkpoint) = self;
        checkpoint.cosign(name, witness, time)?;
        Ok(Cosignature {
            line: checkpoint.lines_by(&[own]),
            note: checkpoint.to_string(),
            checkpoint: checkpoint.claim().clone(),
        })
    }
}

/// A cosigned checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosignature {
    /// What was cosigned.
    pub checkpoint: Checkpoint,
    /// The cosignature's line, which is the whole answer.
    pub line: String,
    /// The checkpoint with the log's signature and this cosignature, for monitors.
    pub note: String,
}

#[cfg(test)]
mod tests;
