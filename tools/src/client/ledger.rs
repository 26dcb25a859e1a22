//! A ledger to submit to: a node over HTTP, or a data directory on this machine.

use super::http::Remote;
use crate::exit::{Code, Failure};
use crate::output::Console;
use api::service::{NotSigning, SubmitError};
use clap::Args as ClapArgs;
use ledger::ids::LeafIndex;
use ledger::reject::RejectReason;
use ledger::store::Store as _;
use ledger::tlog_policy::TlogPolicy;
use ledger::tlog_proof::TlogProof;
use ledger_rocks::RocksStore;
use node::{Node, NodeConfig};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Statements sent in one request: a node takes 32,768; fewer make progress visible.
const WINDOW_STATEMENTS: usize = 256;

/// Bytes sent in one request: a node takes 64 MiB; fewer are cheap to send again.
const WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// How often a busy node is asked again before giving up: some minutes.
const TRIES_MAX: usize = 60;

/// Longest wait between two tries, seconds, whatever the node says.
const WAIT_MAX_S: u64 = 30;

/// How long a node that asks its witnesses first is left alone, seconds.
pub(crate) const UNCONFIRMED_RETRY_S: u64 = 10;

/// What became of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It is recorded.
    Recorded {
        leaf: LeafIndex,
        /// Whether it had been recorded before.
        again: bool,
        receipt: Vec<u8>,
    },
    /// It is refused, by name.
    Refused(Refusal),
    /// Nothing was kept; later.
    Busy { after_s: u64 },
    /// The node has stopped; whether it was recorded is unknown, and sending again is safe.
    Halted,
}

/// Why a statement was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) reason: String,
    pub(crate) detail: String,
    pub(crate) remedy: String,
    /// The refusal signed by the log: evidence.
    pub(crate) signed: Vec<u8>,
}

/// Where statements go.
pub(crate) trait Ledger {
    /// The log's name.
    fn origin(&self) -> &str;

    /// Submits statements; one answer each, in order.
    ///
    /// # Errors
    /// [`Failure`] where no answers came at all.
    fn submit(&self, statements: &[&[u8]]) -> Result<Vec<Answered>, Failure>;

    /// The tlog-proof of the entry at `leaf` under the newest checkpoint that met the node's own
    /// quorum; `None` while none of those reaches it.
    ///
    /// # Errors
    /// [`Failure`]: rejected where the node asks no witness.
    fn witnessed(&self, leaf: LeafIndex) -> Result<Option<TlogProof>, Failure>;
}

/// Submits statements in windows, waiting where the ledger is busy, and hands each final answer
/// over with its statement's number.
///
/// # Errors
/// [`Failure`]: that of `each`; busy where the ledger stays so.
pub(crate) fn send(
    ledger: &dyn Ledger,
    statements: &[&[u8]],
    mut each: impl FnMut(usize, Answered) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let (mut next, mut tries) = (0, 0);
    while let Some(rest) = statements.get(next..).filter(|rest| !rest.is_empty()) {
        let mut bytes = 0;
        let fits = |statement: &&&[u8]| {
            bytes += statement.len();
            bytes <= WINDOW_BYTES
        };
        let count = rest
            .iter()
            .take(WINDOW_STATEMENTS)
            .take_while(fits)
            .count()
            .max(1);
        let mut wait_s = None;
        // The first busy answer ends the window: order matters to the ledger.
        for answer in ledger.submit(&rest[..count])? {
            match answer {
                Answered::Busy { after_s } => {
                    wait_s = Some(after_s);
                    break;
                }
                Answered::Halted => {
                    return Err(
                        Failure::new(Code::Busy, "the node has stopped taking statements").remedy(
                            "send again when it runs; what was recorded is not recorded twice",
                        ),
                    );
                }
                done @ (Answered::Recorded { .. } | Answered::Refused(_)) => {
                    each(next, done)?;
                    next += 1;
                    tries = 0;
                }
            }
        }
        if let Some(wait_s) = wait_s {
            tries += 1;
            if tries > TRIES_MAX {
                return Err(Failure::new(Code::Busy, "the node stays busy").remedy("try later"));
            }
            std::thread::sleep(Duration::from_secs(wait_s.clamp(1, WAIT_MAX_S)));
        }
    }
    Ok(())
}

/// Submits one statement that must be recorded.
///
/// # Errors
/// [`Failure`], with the refusal's name.
pub(crate) fn send_one(
    ledger: &dyn Ledger,
    statement: &[u8],
) -> Result<(LeafIndex, Vec<u8>), Failure> {
    let mut recorded = None;
    send(ledger, &[statement], |_, answer| match answer {
        Answered::Recorded { leaf, receipt, .. } => {
            recorded = Some((leaf, receipt));
            Ok(())
        }
        Answered::Refused(refusal) => Err(refusal.failure()),
        Answered::Busy { .. } | Answered::Halted => Ok(()),
    })?;
    recorded.ok_or_else(|| Failure::new(Code::Busy, "the node gave no answer"))
}

impl Refusal {
    /// The refusal as the end of a run.
    pub(crate) fn failure(&self) -> Failure {
        Failure::new(Code::Rejected, &self.detail).remedy(&self.remedy)
    }
}

/// Where to send to, on the command line.
#[derive(Debug, ClapArgs)]
pub(crate) struct Target {
    /// The node's address.
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    node: String,
    /// A data directory on this machine instead, which no node has open.
    #[arg(long, conflicts_with = "node")]
    dir: Option<PathBuf>,
}

impl Target {
    /// The data directory, if one is named.
    pub(crate) fn dir(&self) -> Option<&Path> {
        self.dir.as_deref()
    }

    /// The node's address.
    pub(crate) fn node(&self) -> &str {
        &self.node
    }

    /// Reaches the ledger.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn open(&self, console: Console) -> Result<Box<dyn Ledger>, Failure> {
        Ok(match &self.dir {
            Some(dir) => Box::new(Local::open(dir)?),
            None => Box::new(Remote::connect(&self.node, console.lang)?),
        })
    }
}

/// A data directory served inside this process.
#[derive(Debug)]
pub(crate) struct Local {
    node: Arc<Node<RocksStore>>,
    runtime: tokio::runtime::Runtime,
}

impl Local {
    /// Opens the ledger in `dir`.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn open(dir: &Path) -> Result<Self, Failure> {
        let runtime = tokio::runtime::Builder::new_current_thread().build()?;
        let node = node::open(&NodeConfig::new(dir)).map_err(|error| open_failure(&error))?;
        Ok(Self { node, runtime })
    }
}

/// Why a data directory could not be opened, as the end of a run.
pub(crate) fn open_failure(error: &node::OpenError) -> Failure {
    let code = match error {
        node::OpenError::AlreadyFounded { .. }
        | node::OpenError::OtherSettings { .. }
        | node::OpenError::Settings(_)
        | node::OpenError::Start(node::StartError::NothingToTell { .. }) => Code::Usage,
        node::OpenError::Policy { .. } => {
            return Failure::malformed(with_source(error)).remedy(
                "correct that line; a trust file (C2SP tlog-policy) names the log, its witnesses, \
                 and ends in `quorum none` or the name of a witness or group",
            );
        }
        node::OpenError::SettingsFile { .. } | node::OpenError::Credentials(_) => Code::Malformed,
        node::OpenError::Founding(_) => Code::Rejected,
        node::OpenError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
            return Failure::usage(with_source(error))
                .remedy("make one with: suyuan init --dir DIR …");
        }
        node::OpenError::Start(node::StartError::NobodyToAsk) => {
            return Failure::new(Code::Store, with_source(error)).remedy(
                "name witnesses that remember this log in trust.txt; or, only if you know that \
                 nothing was ever signed beyond this copy, start once with \
                 `suyuan serve --nothing-newer-was-signed`",
            );
        }
        node::OpenError::Start(node::StartError::Behind { .. }) => {
            return Failure::new(Code::Store, with_source(error)).remedy(BEHIND_REMEDY);
        }
        node::OpenError::Start(node::StartError::Forked { .. }) => {
            return Failure::new(Code::Proof, with_source(error)).remedy(FORKED_REMEDY);
        }
        node::OpenError::Key(_)
        | node::OpenError::Database(_)
        | node::OpenError::Witness(_)
        | node::OpenError::Start(_)
        | node::OpenError::Io { .. } => Code::Store,
    };
    Failure::new(code, with_source(error))
}

/// What to do with a copy that is behind what was signed.
pub(crate) const BEHIND_REMEDY: &str = "never sign with this copy; bring it level from a mirror or \
    the newest copy, or, if what is missing is lost for good, close this log and found its \
    successor: suyuan init --successor-of DIR";

/// What to do when the log's key has signed two histories.
pub(crate) const FORKED_REMEDY: &str = "keep the directory, with dir/evidence, and find out who \
    else has the log's key; readers cannot believe this log any more: found a successor with a new \
    key, suyuan init --successor-of DIR";

/// An error with what lies behind it.
pub(crate) fn with_source(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

impl Ledger for Local {
    fn origin(&self) -> &str {
        self.node.settings().origin()
    }

    fn submit(&self, statements: &[&[u8]]) -> Result<Vec<Answered>, Failure> {
        let statements = statements
            .iter()
            .map(|statement| statement.to_vec())
            .collect();
        let answers = self.runtime.block_on(self.node.submit_many(statements));
        Ok(answers.into_iter().map(answered).collect())
    }

    fn witnessed(&self, leaf: LeafIndex) -> Result<Option<TlogProof>, Failure> {
        if !TlogPolicy::parse(self.node.policy())
            .map_err(Failure::malformed)?
            .asks_for_witnesses()
        {
            let what = "not-witnessed: this ledger's trust file asks for no witness";
            return Err(Failure::new(Code::Rejected, what));
        }
        // The view is the younger of the two, so that it reaches as far as the checkpoint.
        let Some(checkpoint) = self.node.witnessed_checkpoint() else {
            return Ok(None);
        };
        Ok(TlogProof::build(
            &self.node.store().view(),
            leaf,
            checkpoint,
        )?)
    }
}

fn answered(answer: Result<node::Submitted, SubmitError>) -> Answered {
    match answer {
        Ok(submitted) => Answered::Recorded {
            leaf: submitted.leaf,
            again: submitted.again,
            receipt: submitted.receipt,
        },
        Err(SubmitError::Rejected {
            reason, refusal, ..
        }) => Answered::Refused(Refusal {
            reason: reason.name().to_owned(),
            detail: format!("{}: {reason}", reason.name()),
            remedy: remedy(&reason),
            signed: refusal,
        }),
        Err(SubmitError::Busy { retry_after_s }) => Answered::Busy {
            after_s: u64::from(retry_after_s),
        },
        Err(SubmitError::NotSigning(NotSigning::Unconfirmed)) => Answered::Busy {
            after_s: UNCONFIRMED_RETRY_S,
        },
        Err(SubmitError::NotSigning(why @ NotSigning::Closed { .. })) => {
            Answered::Refused(Refusal {
                reason: why.name().to_owned(),
                detail: format!("{}: {why}", why.name()),
                remedy: "submit to the log that continues this one".to_owned(),
                signed: Vec::new(),
            })
        }
        Err(SubmitError::Halted) => Answered::Halted,
    }
}

/// The remedy as the API words it.
fn remedy(reason: &RejectReason) -> String {
    api::refusals::refusal(reason).remedy.en.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::RefCell;

    /// Answers as scripted, a window at a time.
    struct Scripted(RefCell<Vec<Vec<Answered>>>, RefCell<Vec<usize>>);

    impl Ledger for Scripted {
        fn origin(&self) -> &str {
            "log.example"
        }

        fn submit(&self, statements: &[&[u8]]) -> Result<Vec<Answered>, Failure> {
            self.1.borrow_mut().push(statements.len());
            Ok(self.0.borrow_mut().remove(0))
        }

        fn witnessed(&self, _leaf: LeafIndex) -> Result<Option<TlogProof>, Failure> {
            Ok(None)
        }
    }

    fn recorded(leaf: u64) -> Answered {
        Answered::Recorded {
            leaf: LeafIndex(leaf),
            again: false,
            receipt: vec![],
        }
    }

    #[test]
    fn what_hears_busy_is_sent_again_in_order() {
        let busy = || Answered::Busy { after_s: 0 };
        let script = vec![
            vec![recorded(1), busy(), busy()],
            vec![recorded(2), recorded(3)],
        ];
        let ledger = Scripted(RefCell::new(script), RefCell::default());
        let mut seen = Vec::new();
        send(&ledger, &[b"a", b"b", b"c"], |number, answer| {
            seen.push((number, answer));
            Ok(())
        })
        .unwrap();
        assert_eq!(seen, [(0, recorded(1)), (1, recorded(2)), (2, recorded(3))]);
        assert_eq!(*ledger.1.borrow(), [3, 2]);
    }

    #[test]
    fn a_node_that_stopped_ends_the_run_as_busy() {
        let ledger = Scripted(
            RefCell::new(vec![vec![Answered::Halted]]),
            RefCell::default(),
        );
        let failure = send(&ledger, &[b"a"], |_, _| Ok(())).unwrap_err();
        assert_eq!(failure.code, Code::Busy);
    }
}
