//! What a reader demands of a proof besides its trust file: that it goes with a checkpoint that was
//! kept, is not too old, is witnessed.

use super::Args;
use crate::exit::{Code, Failure};
use ledger::checkpoint::{Checkpoint, HistoryError};
use ledger::hash::Digest;
use ledger::ids::{TreeSize, UnixMillis};
use ledger::tlog_policy::{Standing, TlogPolicy};
use std::path::Path;

/// What proofs are held against.
#[derive(Debug)]
pub(super) struct Demands {
    kept: Option<Checkpoint>,
    age_max_ms: Option<i64>,
    witnessed: bool,
}

impl Demands {
    /// Reads the checkpoint that was kept, which one of the logs must have signed.
    ///
    /// # Errors
    /// [`Failure`]: usage, malformed.
    pub(super) fn read(args: &Args, trust: &TlogPolicy) -> Result<Self, Failure> {
        let read = |path: &Path| {
            let bytes = super::read_proof(path)?;
            let note = std::str::from_utf8(&bytes).map_err(Failure::malformed)?;
            let judged = trust.judge(note).map_err(|error| {
                Failure::malformed(format!("{}: {error}", path.display()))
                    .remedy("name a checkpoint of a log of the trust file, as /checkpoint gives it")
            })?;
            Ok::<_, Failure>(judged.checkpoint)
        };
        Ok(Self {
            kept: args.remembered.as_deref().map(read).transpose()?,
            age_max_ms: args.max_age.map(|seconds| i64::from(seconds) * 1000),
            witnessed: args.witnessed,
        })
    }

    /// Of an answer from the newest tree: it must be no smaller than the one kept.
    pub(super) fn allows_answer(
        &self,
        origin: &str,
        size: TreeSize,
        root: &Digest,
    ) -> Result<(), Failure> {
        let kept = self.kept.as_ref().filter(|kept| kept.origin == origin);
        let followed = kept.map_or(Ok(()), |kept| kept.is_followed_by(size, root));
        followed.map_err(|error| {
            let remedy = match error {
                HistoryError::Fork { .. } => "keep both files: they are evidence",
                HistoryError::Older { .. } => {
                    "ask the node again; if it stays so, ask the log's witnesses or a mirror"
                }
            };
            Failure::new(Code::Proof, format!("{}: {error}", error.name())).remedy(remedy)
        })
    }

    /// Of an entry's place: what was recorded in an earlier tree is so for ever.
    pub(super) fn allows_entry(
        &self,
        origin: &str,
        size: TreeSize,
        root: &Digest,
    ) -> Result<(), Failure> {
        let kept = self.kept.as_ref().filter(|kept| kept.origin == origin);
        match kept.map(|kept| kept.is_followed_by(size, root)) {
            Some(Err(HistoryError::Fork { .. })) => self.allows_answer(origin, size, root),
            Some(Ok(()) | Err(HistoryError::Older { .. })) | None => Ok(()),
        }
    }

    /// Of an answer computed at `time`.
    pub(super) fn allows_age(&self, time: UnixMillis, now: UnixMillis) -> Result<(), Failure> {
        let age_ms = now.0.saturating_sub(time.0);
        match self.age_max_ms {
            Some(max_ms) if age_ms > max_ms => {
                let what = format!("stale: the answer is {} s old", age_ms / 1000);
                Err(Failure::new(Code::Stale, what).remedy("ask the node again"))
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Of what stands behind a proof.
    pub(super) fn allows_standing(&self, standing: Standing) -> Result<(), Failure> {
        if self.witnessed && standing == Standing::Recorded {
            let what =
                "few-witnesses: fewer witnesses signed than the trust file asks for, or none";
            return Err(Failure::new(Code::Proof, what).remedy(
                "ask for the proof again later; ask the log's operator if that is in vain",
            ));
        }
        Ok(())
    }
}
