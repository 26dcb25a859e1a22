//! Evidence files: two histories of one log, each kept for good.
//!
//! ```text
//! dir/evidence/H-N.txt   the Nth about the log whose origin has SHA-256 H (`ledger::evidence`)
//! ```
//! **Invariants:** no file is ever written over; at most [`FILES_MAX`] for each log. Only the log's
//! own key can make one, so that nobody else fills the disk.

use crate::durable::replace;
use ledger::evidence::Evidence;
use ledger::hash::Digest;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Files for each log: one convicts it, a few more show how it went on.
pub const FILES_MAX: usize = 8;

/// Threads of several witnesses may find the same: one looks and writes at a time.
static TURN: Mutex<()> = Mutex::new(());

/// The evidence kept in a data directory.
#[derive(Clone, Debug)]
pub struct EvidenceFiles {
    dir: PathBuf,
}

impl EvidenceFiles {
    /// Of the data directory `dir`.
    #[must_use]
    pub fn of(dir: &Path) -> Self {
        Self {
            dir: dir.join("evidence"),
        }
    }

    /// Keeps `evidence` durably, and says where; `None` if there is enough of that log, or these two
    /// trees are kept already.
    ///
    /// # Errors
    /// The operating system's.
    pub fn keep(&self, evidence: &Evidence) -> io::Result<Option<PathBuf>> {
        let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        fs::create_dir_all(&self.dir)?;
        let log = Digest::of(evidence.origin().as_bytes());
        for number in 1..=FILES_MAX {
            let path = self.dir.join(format!("{log}-{number}.txt"));
            match fs::read(&path) {
                // Cosignatures may differ: who saw it first is enough.
                Ok(kept) => {
                    let kept = Evidence::parse(&String::from_utf8_lossy(&kept));
                    if kept.is_ok_and(|kept| kept.claims() == evidence.claims()) {
                        return Ok(None);
                    }
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {
                    replace(&path, evidence.to_string().as_bytes(), 0o600)?;
                    return Ok(Some(path));
                }
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// What is kept about the log `origin`. Files that cannot be read convict nobody.
    #[must_use]
    pub fn about(&self, origin: &str) -> Vec<Evidence> {
        let log = Digest::of(origin.as_bytes());
        let read = |number: usize| {
            let bytes = fs::read(self.dir.join(format!("{log}-{number}.txt"))).ok()?;
            Evidence::parse(&String::from_utf8_lossy(&bytes)).ok()
        };
        (1..=FILES_MAX).filter_map(read).collect()
    }

    /// How many there are, of all logs.
    #[must_use]
    pub fn count(&self) -> usize {
        let files = fs::read_dir(&self.dir).into_iter().flatten().flatten();
        let kept = files.filter(|file| file.path().extension().is_some_and(|end| end == "txt"));
        kept.count()
    }
}
