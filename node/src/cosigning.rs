//! Asking witnesses for cosignatures, and keeping what they gave.
//!
//! ```text
//! sequencer → offer(newest) → round: one checkpoint for all → a thread for each witness → adopt
//! ```
//! Witnesses make a quorum only over the same checkpoint. So all are asked about one, and the next
//! round begins when all who are well have answered, or a second has passed: a slow witness delays
//! the others no longer than that, and one that fails is not waited for. It is asked again after a
//! pause that doubles, and joins whichever round there is.
//!
//! **Invariants:** nothing here delays a statement's answer; a line is published only once its
//! signature is verified; one request at a time goes to each witness.

use crate::node::Shared;
use ledger::checkpoint::{CheckpointError, SignedCheckpoint};
use ledger::hash::Digest;
use ledger::ids::TreeSize;
use ledger::merkle::tile::TileNodes;
use ledger::merkle::{ProveError, consistency_proof};
use ledger::seal::{ViewTiles, tile_error};
use ledger::store::{Store, StoreError};
use ledger::tlog_policy::{KnownWitness, Standing, TlogPolicy};
use ledger::witness::{AddCheckpoint, PROOF_HASHES_MAX, parse_size};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The shortest round: a busy log seals dozens of blocks a second, and asks about some of them.
const ROUND_MIN: Duration = Duration::from_millis(100);

/// How long a round waits for witnesses that are well.
const ROUND_MAX: Duration = Duration::from_secs(1);

/// An idle log has its newest checkpoint cosigned anew, so that readers see that it is the newest.
const FRESHEN: Duration = Duration::from_secs(300);

/// How long reaching a witness may take, and how long all of a request: a witness answers after
/// one synced write.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// Pauses after a failure, doubled each time between these two.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Bytes of an answer: the lines of a witness with some keys, at 3.3 kB of the largest kind.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
enum AskError {
    /// Nobody answered in time.
    #[error("no answer: {0}")]
    Silent(#[from] ureq::Error),
    /// It refuses; its words say why.
    #[error("refused with status {status}: {said}")]
    Refused { status: u16, said: String },
    /// It has cosigned more of this log than this node has: an old copy is running here, or
    /// another node signs under the same key.
    #[error("it has cosigned {theirs} leaves of this log, which has {ours} here")]
    Ahead { theirs: TreeSize, ours: TreeSize },
    /// What it gave is no cosignature of this checkpoint.
    #[error("its answer is no cosignature: {0}")]
    Answer(#[from] CheckpointError),
    /// The proof could not be read.
    #[error("the proof cannot be made: {0}")]
    Store(#[from] StoreError),
}

/// What witnesses are asked about, and what they gave.
#[derive(Debug)]
pub(crate) struct Cosigning {
    policy: TlogPolicy,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug)]
struct State {
    newest: SignedCheckpoint,
    /// The checkpoint that all are asked about, with the cosignatures it has.
    round: SignedCheckpoint,
    began: Instant,
    /// For each witness of the policy.
    witnesses: Vec<Progress>,
    /// The newest checkpoint that met the quorum.
    witnessed: Option<(TreeSize, String)>,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Progress {
    /// It has cosigned this round's checkpoint.
    answered: bool,
    /// Its last answer was none, or it has no address.
    failing: bool,
}

impl State {
    /// Begins the next round if it is time, and says how long to wait for that otherwise.
    fn turn(&mut self, now: Instant) -> Duration {
        let age = now.saturating_duration_since(self.began);
        let grown = self.newest.claim() != self.round.claim();
        let waited_for = |one: &Progress| !one.answered && !one.failing;
        let all = !self.witnesses.iter().any(waited_for);
        let due = match (grown, all) {
            (true, true) => ROUND_MIN,
            (true, false) => ROUND_MAX,
            (false, _) => FRESHEN,
        };
        if age < due {
            return due - age;
        }
        if grown {
            self.round = self.newest.clone();
        }
        self.began = now;
        for one in &mut self.witnesses {
            one.answered = false;
        }
        FRESHEN
    }
}

impl Cosigning {
    /// Asks the witnesses of `policy`, from the log's `newest` checkpoint on.
    pub(crate) fn new(policy: TlogPolicy, newest: SignedCheckpoint) -> Self {
        let progress = |witness: &KnownWitness| Progress {
            answered: false,
            // Nobody waits for a witness that cannot be asked.
            failing: witness.url.is_none(),
        };
        let witnesses = policy.witnesses().iter().map(progress).collect();
        Self {
            policy,
            state: Mutex::new(State {
                round: newest.clone(),
                newest,
                began: Instant::now(),
                witnesses,
                witnessed: None,
                closed: false,
            }),
            changed: Condvar::new(),
        }
    }

    /// The witnesses that can be asked, by their number in the policy.
    pub(crate) fn reachable(&self) -> Vec<usize> {
        let witnesses = self.policy.witnesses().iter().enumerate();
        let known = witnesses.filter(|(_, witness)| witness.url.is_some());
        known.map(|(number, _)| number).collect()
    }

    /// A block was committed: this is the checkpoint to ask about next.
    pub(crate) fn offer(&self, checkpoint: &str) {
        if self.policy.witnesses().is_empty() {
            return;
        }
        match SignedCheckpoint::parse(checkpoint) {
            Ok(newest) => self.lock().newest = newest,
            Err(error) => tracing::error!(%error, "a checkpoint of ours cannot be read"),
        }
        self.changed.notify_all();
    }

    /// Ends all asking: threads return when their requests do.
    pub(crate) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// `checkpoint` with the cosignatures that it has so far.
    pub(crate) fn with_cosignatures(&self, checkpoint: String) -> String {
        let round = self.lock().round.to_string();
        // Cosignatures stand behind the log's own line.
        if round.starts_with(&checkpoint) {
            round
        } else {
            checkpoint
        }
    }

    /// The newest checkpoint that met the policy's quorum, and its size.
    pub(crate) fn witnessed(&self) -> Option<(TreeSize, String)> {
        self.lock().witnessed.clone()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a checkpoint that witness `number` has not cosigned; `None` when closed.
    fn next(&self, number: usize) -> Option<SignedCheckpoint> {
        let mut state = self.lock();
        loop {
            if state.closed {
                return None;
            }
            let wait = state.turn(Instant::now());
            if !state.witnesses[number].answered {
                return Some(state.round.clone());
            }
            let waited = self.changed.wait_timeout(state, wait);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Takes over what witness `number` gave for the round's checkpoint.
    fn adopt(
        &self,
        number: usize,
        asked: &SignedCheckpoint,
        lines: &str,
    ) -> Result<(), CheckpointError> {
        let key = self.policy.witnesses()[number].key.clone();
        let mut state = self.lock();
        // A round that ended meanwhile has no use for it; the next asks again.
        if state.round.claim() == asked.claim() {
            state.round.adopt(lines, &[key])?;
            state.witnesses[number].answered = true;
            let note = state.round.to_string();
            let judged = self.policy.judge(&note)?;
            if judged.standing == Standing::Witnessed {
                state.witnessed = Some((judged.checkpoint.size, note));
            }
        }
        state.witnesses[number].failing = false;
        drop(state);
        self.changed.notify_all();
        Ok(())
    }

    fn failed(&self, number: usize) {
        self.lock().witnesses[number].failing = true;
        self.changed.notify_all();
    }

    /// Waits for so long, or until closed.
    fn pause(&self, pause: Duration) {
        let state = self.lock();
        let waited = self
            .changed
            .wait_timeout_while(state, pause, |state| !state.closed);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }
}

/// The thread of one witness.
pub(crate) fn run<S: Store>(shared: &Shared<S>, number: usize) {
    let cosigning = &shared.cosigning;
    let witness = &cosigning.policy.witnesses()[number];
    let mut asking = Asking::of(witness);
    let mut pause = PAUSE_MIN;
    while let Some(checkpoint) = cosigning.next(number) {
        let given = asking.ask(&shared.store, &checkpoint);
        let adopted = given.and_then(|lines| Ok(cosigning.adopt(number, &checkpoint, &lines)?));
        match adopted {
            Ok(()) => pause = PAUSE_MIN,
            Err(error) => {
                cosigning.failed(number);
                let pause_ms = pause.as_millis();
                tracing::warn!(witness = witness.name, pause_ms, "no cosignature: {error}");
                cosigning.pause(pause);
                pause = (pause * 2).min(PAUSE_MAX);
            }
        }
    }
}

/// Requests to one witness.
struct Asking {
    agent: ureq::Agent,
    url: String,
    /// The size that it cosigned last, as far as is known here.
    old: TreeSize,
}

impl Asking {
    fn of(witness: &KnownWitness) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .max_redirects(0)
            .user_agent(concat!("suyuan/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = witness.url.as_deref().unwrap_or_default();
        Self {
            agent: config.into(),
            url: format!("{}/add-checkpoint", url.trim_end_matches('/')),
            old: TreeSize(0),
        }
    }

    /// The lines that the witness gives for `checkpoint`. Asks a second time at most, where it is
    /// at another size than was known here.
    fn ask(
        &mut self,
        store: &impl Store,
        checkpoint: &SignedCheckpoint,
    ) -> Result<String, AskError> {
        let ours = checkpoint.claim().size;
        let (mut status, mut said) = self.send(store, checkpoint)?;
        if status == 409
            && let Some(theirs) = said.strip_suffix('\n').and_then(parse_size)
        {
            if theirs > ours {
                return Err(AskError::Ahead { theirs, ours });
            }
            self.old = theirs;
            (status, said) = self.send(store, checkpoint)?;
        }
        if status == 200 {
            self.old = ours;
            return Ok(said);
        }
        let said = said.chars().take(200).collect();
        Err(AskError::Refused { status, said })
    }

    fn send(
        &self,
        store: &impl Store,
        checkpoint: &SignedCheckpoint,
    ) -> Result<(u16, String), AskError> {
        let request = AddCheckpoint {
            old: self.old,
            proof: proof(store, self.old, checkpoint.claim().size)?,
            checkpoint: checkpoint.clone(),
        };
        let sending = self
            .agent
            .post(&self.url)
            .header("Content-Type", "text/plain; charset=utf-8")
            .header("Accept", "text/plain, application/problem+json");
        let mut response = sending.send(request.to_string().as_bytes())?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        Ok((status, body.read_to_string()?))
    }
}

/// The proof that this log grew from `old` to `new` leaves; none where there is nothing to prove.
fn proof(store: &impl Store, old: TreeSize, new: TreeSize) -> Result<Vec<Digest>, StoreError> {
    if old == TreeSize(0) {
        return Ok(Vec::new());
    }
    let view = store.view();
    let tiles = ViewTiles(&view);
    let proof = consistency_proof(&TileNodes::new(&tiles), old, new);
    let proof = proof.map_err(|error| match error {
        ProveError::Nodes(error) => tile_error(error),
        ProveError::Request(why) => StoreError::Corrupt {
            what: "checkpoint",
            detail: why.to_string(),
        },
    })?;
    debug_assert!(proof.len() <= PROOF_HASHES_MAX, "below 2^63 leaves");
    Ok(proof)
}

#[cfg(test)]
mod tests;
