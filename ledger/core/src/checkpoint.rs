//! Checkpoints: a log's origin, size and root as the text of a signed note.
//!
//! A log never signs two checkpoints of which neither tree grew from the other. Its key is named
//! after its origin.
//!
//! Source: C2SP tlog-checkpoint, tlog-cosignature.

use crate::hash::Digest;
use crate::ids::TreeSize;
use crate::note::{KeyKind, Note, NoteError, NoteKey, Signed};
use crate::signature::{PublicKey, Signer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use std::fmt;

/// Why a checkpoint is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Only witnesses have signed, not the log itself.
    #[error("the log itself has not signed the checkpoint")]
    LogSignatureMissing,
    /// The text has another form.
    #[error("line {line} of the checkpoint is malformed")]
    Malformed {
        /// Its number, from 1.
        line: usize,
    },
    /// The note or its signatures are out of order.
    #[error(transparent)]
    Note(#[from] NoteError),
    /// A checkpoint of another log.
    #[error("a checkpoint of {found:?}, not of {want:?}")]
    Origin {
        /// The origin it states.
        found: String,
        /// The origin expected.
        want: String,
    },
}

/// Why a checkpoint does not go with one that its reader has kept. Both are evidence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HistoryError {
    /// Two roots at one size: the log shows two histories.
    #[error("another root was kept for the same size {size}: the log shows two histories")]
    Fork {
        /// The size.
        size: TreeSize,
    },
    /// The log was larger before: a replayed old proof, or a log that was set back.
    #[error("the tree has {size} leaves, and had {kept} in the checkpoint that was kept")]
    Older {
        /// The size shown.
        size: TreeSize,
        /// The size kept.
        kept: TreeSize,
    },
}

impl HistoryError {
    /// The stable name, as scripts compare it and people cite it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Fork { .. } => "fork",
            Self::Older { .. } => "older-than-remembered",
        }
    }
}

/// What a checkpoint says. Shown as the text that is signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The log's name, which is also its key's.
    pub origin: String,
    /// Number of leaves.
    pub size: TreeSize,
    /// The root over them.
    pub root: Digest,
}

impl Checkpoint {
    /// Reads a checkpoint's text. Extension lines of other logs are allowed and not kept; the
    /// signed text is the note's.
    ///
    /// # Errors
    /// `Malformed`.
    pub fn parse(text: &str) -> Result<Self, CheckpointError> {
        let malformed = |line| CheckpointError::Malformed { line };
        let mut lines = text
            .split_inclusive('\n')
            .map(|line| line.strip_suffix('\n'));
        let mut line = |number| {
            lines
                .next()
                .flatten()
                .filter(|l| !l.is_empty())
                .ok_or_else(|| malformed(number))
        };
        let origin = line(1)?.to_owned();
        let size = line(2)?;
        // A sign or a leading zero would be a second spelling.
        let size = size
            .parse::<u64>()
            .ok()
            .filter(|number| number.to_string() == size)
            .ok_or_else(|| malformed(2))?;
        let root = STANDARD
            .decode(line(3)?)
            .ok()
            .and_then(|root| Digest::from_slice(&root));
        let root = root.ok_or_else(|| malformed(3))?;
        for (number, extension) in (4..).zip(lines) {
            if extension.is_none_or(str::is_empty) {
                return Err(malformed(number));
            }
        }
        Ok(Self {
            origin,
            size: TreeSize(size),
            root,
        })
    }

    /// Compares a tree of this log with a checkpoint that its reader has kept. That a larger tree
    /// grew from the one kept is not shown by this: it needs a consistency proof, as witnesses and
    /// mirrors ask for.
    ///
    /// # Errors
    /// `Fork`, `Older`.
    pub fn is_followed_by(&self, size: TreeSize, root: &Digest) -> Result<(), HistoryError> {
        if size < self.size {
            let kept = self.size;
            Err(HistoryError::Older { size, kept })
        } else if size == self.size && *root != self.root {
            Err(HistoryError::Fork { size })
        } else {
            Ok(())
        }
    }

    /// The checkpoint as a note signed by the log.
    ///
    /// # Panics
    /// If the origin is no key name; configuration is checked with [`NoteKey::new`].
    #[must_use]
    pub fn sign(&self, log: &dyn Signer) -> String {
        let mut note = Note::new(self.to_string());
        note.sign(&self.origin, log)
            .expect("a log's origin is a key name");
        note.to_string()
    }

    /// Reads a note and checks that the log named `origin` signed it with `log`.
    ///
    /// # Errors
    /// [`CheckpointError`].
    pub fn verify(note: &str, origin: &str, log: &PublicKey) -> Result<Self, CheckpointError> {
        let log = NoteKey::new(origin, KeyKind::Ed25519, log.clone())?;
        SignedCheckpoint::parse(note)?
            .verify(&[log])
            .map(|(checkpoint, _)| checkpoint.clone())
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}\n{}\n{}",
            self.origin,
            self.size,
            STANDARD.encode(self.root.0)
        )
    }
}

/// A checkpoint with signatures that nobody has checked yet. Shown as its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: Note,
}

impl SignedCheckpoint {
    /// Reads a checkpoint's file.
    ///
    /// # Errors
    /// `Note`, `Malformed`.
    pub fn parse(note: &str) -> Result<Self, CheckpointError> {
        let note = Note::parse(note)?;
        Ok(Self {
            checkpoint: Checkpoint::parse(note.text())?,
            note,
        })
    }

    /// Adds a witness's cosignature at `time`, seconds since 1970, greater than 0.
    ///
    /// # Errors
    /// `Note(KeyName)`.
    pub fn cosign(
        &mut self,
        name: &str,
        witness: &dyn Signer,
        time: u64,
    ) -> Result<(), CheckpointError> {
        Ok(self.note.cosign(name, witness, time)?)
    }

    /// What it says. Nobody has checked who signed it.
    #[must_use]
    pub const fn claim(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// Number of its signature lines, unverified.
    #[must_use]
    pub const fn signatures(&self) -> usize {
        self.note.signatures()
    }

    /// The signature lines by `keys`, each ending in a line feed, unverified.
    #[must_use]
    pub fn lines_by(&self, keys: &[NoteKey]) -> String {
        self.note.lines_by(keys)
    }

    /// The same checkpoint without the signatures of others.
    #[must_use]
    pub fn signed_only_by(mut self, keys: &[NoteKey]) -> Self {
        self.note.retain_by(keys);
        self
    }

    /// Takes over the cosignature `lines` that witnesses in `known` gave for this checkpoint, each
    /// in the place of an older one; lines by others are dropped.
    ///
    /// # Errors
    /// `Note`: malformed, by nobody known, or by a known key and failing. Nothing is taken over.
    pub fn adopt<'k>(
        &mut self,
        lines: &str,
        known: &'k [NoteKey],
    ) -> Result<Vec<Signed<'k>>, CheckpointError> {
        Ok(self.note.adopt(lines, known)?)
    }

    /// What it says, once the log has signed it, and who of `known` has: the log, then witnesses.
    ///
    /// `known`: the keys of the log expected here, all of one name, and of witnesses.
    ///
    /// # Errors
    /// `Origin` if none of `known` is a key of the log that it names; `LogSignatureMissing`; `Note`
    /// if a known key's signature fails.
    pub fn verify<'k>(
        &self,
        known: &'k [NoteKey],
    ) -> Result<(&Checkpoint, Vec<Signed<'k>>), CheckpointError> {
        let is_log = |key: &NoteKey| key.kind() == KeyKind::Ed25519;
        let found = &self.checkpoint.origin;
        if !known.iter().any(|key| is_log(key) && key.name() == found) {
            let want = known
                .iter()
                .find(|key| is_log(key))
                .map(NoteKey::name)
                .unwrap_or_default();
            return Err(CheckpointError::Origin {
                found: found.clone(),
                want: want.to_owned(),
            });
        }
        let mut signed = self.note.verify(known)?;
        signed.sort_by_key(|one| !is_log(one.key));
        if signed
            .iter()
            .any(|one| is_log(one.key) && one.key.name() == found)
        {
            Ok((&self.checkpoint, signed))
        } else {
            Err(CheckpointError::LogSignatureMissing)
        }
    }
}

impl fmt::Display for SignedCheckpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.note.fmt(f)
    }
}

#[cfg(test)]
mod tests;
