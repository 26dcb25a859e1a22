//! Whether this node may sign: its second memory, and what stands in for it when that is lost.
//!
//! The head file says that the database is the newest copy. Where it is missing, or somebody has
//! restored the directory, nobody here knows, and signing on could show two histories. Then the
//! log's witnesses are asked, who remember what they cosigned; an operator says so only where the
//! policy asks for no witness.
//!
//! ```text
//! dir/unconfirmed   as long as it is there, nothing is signed before a quorum has answered
//! dir/closed        nothing is signed here any more: the successor's origin
//! ```
//! Both are texts for people; that they are there is what counts. `unconfirmed` is written before
//! anything that brings a lost memory back, and goes only when the quorum has answered: a crash in
//! between asks again.

use crate::durable::{read_bounded, remove, replace};
use api::service::NotSigning;
use ledger::signature::KeyId;
use ledger::tlog_policy::TlogPolicy;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Bytes of such a text that anybody reads.
const TEXT_BYTES_MAX: usize = 1024;

/// How far a witness's clock may be from this node's, seconds: an answer that is older may be one
/// that was given before the memory was lost.
const ANSWER_AGE_MAX_S: u64 = 300;

fn unconfirmed_path(dir: &Path) -> PathBuf {
    dir.join("unconfirmed")
}

fn closed_path(dir: &Path) -> PathBuf {
    dir.join("closed")
}

/// Makes the node of `dir` ask its witnesses before it signs again; durable when this returns.
/// Whoever puts an older state of the directory in its place does this first.
///
/// # Errors
/// The operating system's.
pub fn unconfirm(dir: &Path, why: &str) -> io::Result<()> {
    replace(&unconfirmed_path(dir), format!("{why}\n").as_bytes(), 0o600)
}

/// Closes the log in `dir` for good: its node signs nothing more, and says who continues it.
///
/// # Errors
/// The operating system's.
pub fn close(dir: &Path, successor: &str) -> io::Result<()> {
    replace(
        &closed_path(dir),
        format!("{successor}\n").as_bytes(),
        0o600,
    )
}

/// The text of such a file; `None` where there is none.
fn text(path: &Path) -> io::Result<Option<String>> {
    let bytes = read_bounded(path, TEXT_BYTES_MAX)?;
    Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned()))
}

fn say_unconfirmed(why: &str) {
    tracing::warn!("nothing is signed until a quorum of the witnesses has answered: {why}");
}

/// Whether a node may sign.
#[derive(Debug, Default)]
pub struct Confirmation {
    /// `None` for a ledger in memory, which has nothing to lose.
    dir: Option<PathBuf>,
    inside: Mutex<Inside>,
}

#[derive(Debug, Default)]
struct Inside {
    why_not: Option<NotSigning>,
    /// Witnesses that cosigned the newest checkpoint anew, knowing the log from before.
    confirmed: BTreeSet<KeyId>,
}

impl Confirmation {
    /// What `dir` says.
    ///
    /// # Errors
    /// The operating system's.
    pub fn open(dir: &Path) -> io::Result<Self> {
        let why_not = match text(&closed_path(dir))? {
            Some(successor) => Some(NotSigning::Closed { successor }),
            None => text(&unconfirmed_path(dir))?.map(|why| {
                say_unconfirmed(&why);
                NotSigning::Unconfirmed
            }),
        };
        Ok(Self {
            dir: Some(dir.to_owned()),
            inside: Mutex::new(Inside {
                why_not,
                confirmed: BTreeSet::new(),
            }),
        })
    }

    /// Takes the right to sign away, durably, until witnesses have answered.
    ///
    /// # Errors
    /// The operating system's: it is taken away for this process alone.
    pub(crate) fn withdraw(&self, why: &str) -> io::Result<()> {
        self.lock().why_not.get_or_insert(NotSigning::Unconfirmed);
        say_unconfirmed(why);
        self.dir
            .as_deref()
            .map_or(Ok(()), |dir| unconfirm(dir, why))
    }

    /// Why nothing may be signed; `None` if it may.
    pub(crate) fn why_not(&self) -> Option<NotSigning> {
        self.lock().why_not.clone()
    }

    /// Whether witnesses are to be asked what they know.
    pub(crate) fn is_asking(&self) -> bool {
        self.lock().why_not == Some(NotSigning::Unconfirmed)
    }

    /// The witness with this key knew the log, and cosigned its newest checkpoint at `time` (its
    /// clock) while it was `now` here, seconds since 1970. Whether that counts.
    pub(crate) fn confirmed_by(
        &self,
        key: KeyId,
        policy: &TlogPolicy,
        time: u64,
        now: u64,
    ) -> bool {
        if time.abs_diff(now) > ANSWER_AGE_MAX_S {
            return false;
        }
        let mut inside = self.lock();
        inside.confirmed.insert(key);
        let all = policy.witnesses().iter();
        let all = all.map(|witness| witness.key.public_key().key_id());
        let others = all.filter(|key| !inside.confirmed.contains(key)).collect();
        // A quorum has answered, and no other could have formed without somebody of it: what was
        // ever witnessed, one of these has seen.
        if inside.why_not == Some(NotSigning::Unconfirmed)
            && policy.asks_for_witnesses()
            && policy.is_met(&inside.confirmed)
            && !policy.is_met(&others)
        {
            tracing::info!("a quorum of the witnesses has cosigned what is here: signing again");
            self.settle(inside);
        }
        true
    }

    /// The operator knows that nothing newer was signed.
    pub(crate) fn told(&self) {
        tracing::warn!("signing on the operator's word that nothing newer was ever signed");
        self.settle(self.lock());
    }

    fn settle(&self, mut inside: MutexGuard<'_, Inside>) {
        inside.why_not = None;
        let path = self.dir.as_deref().map(unconfirmed_path);
        if let Some(path) = path
            && let Err(error) = remove(&path)
        {
            // The next start asks once more than it has to.
            tracing::warn!(%error, path = %path.display(), "cannot be removed");
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests;
