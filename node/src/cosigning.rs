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
//! A node that may not sign yet (`confirm.rs`) asks each witness first what it cosigned last, and
//! then to cosign the newest checkpoint here anew: the first shows that it remembers the log, the
//! second that there is nothing newer. What a witness says against this node counts only with a
//! checkpoint under the log's own key; that proved, the node stops.
//!
//! Who needs a quorum over one certain checkpoint, because an answer was computed at its tree, asks
//! for it ([`Cosigning::witness`]): it is the next round's, before any newer one.
//!
//! `dir/witnessed` holds the newest checkpoint that met the quorum, so that it is served at once
//! after a restart; what is damaged there can be had again.
//!
//! **Invariants:** nothing here delays a statement's answer; a line is published only once its
//! signature is verified; one request at a time goes to each witness.

use crate::contradiction::{Contradiction, contradicted_by, growth};
use crate::durable::{read_bounded, replace};
use crate::node::{Halt, Shared};
use ledger::checkpoint::{CheckpointError, SignedCheckpoint};
use ledger::hash::Digest;
use ledger::ids::TreeSize;
use ledger::note::{KeyKind, NOTE_BYTES_MAX, NoteKey};
use ledger::store::{Store, StoreError};
use ledger::tlog_policy::{KnownWitness, Standing, TlogPolicy};
use ledger::witness::{AddCheckpoint, PROOF_HASHES_MAX, parse_size};
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The shortest round: a busy log seals dozens of blocks a second, and asks about some of them.
const ROUND_MIN: Duration = Duration::from_millis(100);

/// How long a round waits for witnesses that are well.
const ROUND_MAX: Duration = Duration::from_secs(1);

/// An idle log has its newest checkpoint cosigned anew, so that readers see that it is the newest.
const FRESHEN: Duration = Duration::from_secs(300);

/// Answers that wait for a quorum at a time: half of the sixteen reads that a node does at a time.
const WAITING_MAX: usize = 8;

/// How long reaching a witness may take, and how long all of a request: a witness answers after
/// one synced write.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// Pauses after a failure, doubled each time between these two.
const PAUSE_MIN: Duration = Duration::from_millis(250);
const PAUSE_MAX: Duration = Duration::from_secs(30);

/// Bytes of an answer: the lines of a witness with some keys, at 3.3 kB of the largest kind, and a
/// checkpoint before them.
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Where the newest checkpoint that met the quorum is kept in a data directory.
#[must_use]
pub fn witnessed_path(dir: &Path) -> PathBuf {
    dir.join("witnessed")
}

/// Where a checkpoint is kept that this log signed beyond what is in a data directory.
#[must_use]
pub fn ahead_path(dir: &Path) -> PathBuf {
    dir.join("ahead")
}

/// Why a witness gave no cosignature.
#[derive(Debug, thiserror::Error)]
enum AskError {
    /// Nobody answered in time.
    #[error("no answer: {0}")]
    Silent(#[from] ureq::Error),
    /// It refuses; its words say why.
    #[error("refused with status {status}: {said}")]
    Refused { status: u16, said: String },
    /// It says that it has cosigned something else of this log, and shows nothing for it.
    #[error(
        "refused with status {status}, without a checkpoint of this log that shows why: {said}"
    )]
    Unproved { status: u16, said: String },
    /// It has cosigned what this node has not: an old copy is running here, or another node signs
    /// under the same key. Proved by the log's own signature.
    #[error("it has cosigned what this log has signed and is not here")]
    Contradicted(Box<(SignedCheckpoint, Contradiction)>),
    /// It never cosigned this log, and so cannot say that nothing newer was signed.
    #[error("it knows nothing of this log, so that its answer does not count")]
    KnowsNothing,
    /// Its cosignature may be one that was given before.
    #[error("its cosignature is minutes off by this node's clock: set both clocks")]
    Old,
    /// What it gave is no cosignature of this checkpoint.
    #[error("its answer is no cosignature: {0}")]
    Answer(#[from] CheckpointError),
    /// The proof could not be read.
    #[error("the proof cannot be made: {0}")]
    Store(#[from] StoreError),
}

/// What came of a cosignature.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Adopted {
    /// When it was given, by the witness's clock, seconds since 1970.
    time: u64,
    /// Since the checkpoint was offered, where this cosignature made it the newest witnessed.
    witnessed_after: Option<Duration>,
}

/// What witnesses are asked about, and what they gave.
#[derive(Debug)]
pub(crate) struct Cosigning {
    policy: TlogPolicy,
    state: Mutex<State>,
    changed: Condvar,
    kept: Mutex<Kept>,
}

/// The file with the newest checkpoint that met the quorum.
#[derive(Debug)]
struct Kept {
    /// `None` for a ledger in memory.
    path: Option<PathBuf>,
    note: Option<String>,
}

#[derive(Debug)]
struct State {
    newest: SignedCheckpoint,
    /// When it was offered.
    offered: Instant,
    /// The checkpoint that all are asked about, with the cosignatures it has.
    round: SignedCheckpoint,
    /// When that one was offered.
    round_offered: Instant,
    began: Instant,
    /// For each witness of the policy.
    witnesses: Vec<Progress>,
    /// The newest checkpoint that met the quorum.
    witnessed: Option<(TreeSize, String)>,
    /// The checkpoint that somebody waits for, until its round begins.
    asked_for: Option<SignedCheckpoint>,
    /// Answers that wait for one.
    waiting: usize,
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
            // A tree that its witnesses have seen grown further is none that they would cosign.
            let asked = self.asked_for.take();
            let asked = asked.filter(|one| one.claim().size > self.round.claim().size);
            self.round = asked.unwrap_or_else(|| self.newest.clone());
            self.round_offered = self.offered;
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
    ///
    /// `path`: where the newest witnessed checkpoint is kept; `kept`: what is there, verified.
    pub(crate) fn new(
        policy: TlogPolicy,
        newest: SignedCheckpoint,
        path: Option<PathBuf>,
        kept: Option<&SignedCheckpoint>,
    ) -> Self {
        let progress = |witness: &KnownWitness| Progress {
            answered: false,
            // Nobody waits for a witness that cannot be asked.
            failing: witness.url.is_none(),
        };
        let witnesses = policy.witnesses().iter().map(progress).collect();
        let same = kept.filter(|one| one.claim() == newest.claim());
        let now = Instant::now();
        let witnessed = kept.map(|one| (one.claim().size, one.to_string()));
        Self {
            policy,
            kept: Mutex::new(Kept {
                path,
                note: witnessed.clone().map(|(_, note)| note),
            }),
            state: Mutex::new(State {
                round: same.unwrap_or(&newest).clone(),
                round_offered: now,
                newest,
                offered: now,
                began: now,
                witnesses,
                witnessed,
                asked_for: None,
                waiting: 0,
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
            Ok(newest) => {
                let mut state = self.lock();
                state.newest = newest;
                state.offered = Instant::now();
            }
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

    /// `checkpoint` with a quorum's cosignatures, if they come in time. One such is waited for at a
    /// time: whoever comes second asks again.
    pub(crate) fn witness(&self, checkpoint: &str, wait: Duration) -> Option<String> {
        if !self.policy.asks_for_witnesses() {
            return None;
        }
        let wanted = SignedCheckpoint::parse(checkpoint).ok()?;
        let mut state = self.lock();
        if state.waiting == WAITING_MAX {
            return None;
        }
        state.waiting += 1;
        let (mut state, given) = self.wait_for(state, &wanted, wait);
        state.waiting -= 1;
        given
    }

    fn wait_for<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        wanted: &SignedCheckpoint,
        wait: Duration,
    ) -> (MutexGuard<'s, State>, Option<String>) {
        let is_it = |one: &SignedCheckpoint| one.claim() == wanted.claim();
        let until = Instant::now() + wait;
        loop {
            let newest = state.witnessed.as_ref();
            if let Some((_, note)) = newest.filter(|(size, _)| *size == wanted.claim().size) {
                let given = note.clone();
                return (state, Some(given));
            }
            let pending = state.asked_for.as_ref().is_none_or(is_it);
            let left = until.saturating_duration_since(Instant::now());
            if state.closed || !pending || left.is_zero() {
                return (state, None);
            }
            if !is_it(&state.round) {
                if state.round.claim().size >= wanted.claim().size {
                    return (state, None);
                }
                state.asked_for = Some(wanted.clone());
                self.changed.notify_all();
            }
            state = match self.changed.wait_timeout(state, left) {
                Ok((state, _)) => state,
                Err(poisoned) => poisoned.into_inner().0,
            };
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
    ) -> Result<Adopted, CheckpointError> {
        let key = self.policy.witnesses()[number].key.clone();
        let mut state = self.lock();
        // A round that ended meanwhile has no use for it; the next asks again.
        let current = state.round.claim() == asked.claim();
        let mut other = asked.clone();
        let note = if current {
            &mut state.round
        } else {
            &mut other
        };
        let keys = [key];
        let signed = note.adopt(lines, &keys)?;
        let time = signed.iter().filter_map(|one| one.time).max();
        let mut adopted = Adopted {
            time: time.unwrap_or_default(),
            witnessed_after: None,
        };
        if current {
            state.witnesses[number].answered = true;
            let note = state.round.to_string();
            let judged = self.policy.judge(&note)?;
            if judged.standing == Standing::Witnessed {
                let size = judged.checkpoint.size;
                if state.witnessed.as_ref().is_none_or(|(at, _)| *at < size) {
                    adopted.witnessed_after = Some(state.round_offered.elapsed());
                }
                state.witnessed = Some((size, note));
            }
        }
        state.witnesses[number].failing = false;
        drop(state);
        self.changed.notify_all();
        Ok(adopted)
    }

    /// Keeps the newest witnessed checkpoint for the next start.
    fn keep(&self) {
        // Taken first, so that an older note never comes after a newer one.
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let note = self.witnessed().map(|(_, note)| note);
        if kept.note == note {
            return;
        }
        if let (Some(path), Some(note)) = (&kept.path, &note)
            && let Err(error) = replace(path, note.as_bytes(), 0o600)
        {
            // It can be had again.
            tracing::warn!(%error, path = %path.display(), "the witnessed checkpoint is not kept");
        }
        kept.note = note;
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

/// Reads the checkpoint kept in `path`, if a log of `policy` named `origin` has signed it. What is
/// damaged is passed over, and told: it can be had again.
pub(crate) fn read_kept(
    path: &Path,
    policy: &TlogPolicy,
    origin: &str,
) -> Option<SignedCheckpoint> {
    let bytes = match read_bounded(path, NOTE_BYTES_MAX + 1) {
        Ok(bytes) => bytes?,
        Err(error) => {
            tracing::warn!(%error, path = %path.display(), "cannot be read, and is passed over");
            return None;
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    let judged = policy.judge(&text);
    let own = judged.and_then(|judged| match judged.checkpoint.origin == origin {
        true => SignedCheckpoint::parse(&text),
        false => Err(CheckpointError::Origin {
            found: judged.checkpoint.origin,
            want: origin.to_owned(),
        }),
    });
    own.inspect_err(|error| {
        tracing::warn!(%error, path = %path.display(), "no checkpoint of ours, and passed over");
    })
    .ok()
}

/// The thread of one witness.
pub(crate) fn run<S: Store>(shared: &Shared<S>, number: usize) {
    let cosigning = &shared.cosigning;
    let witness = &cosigning.policy.witnesses()[number];
    let mut asking = Asking::of(witness, &cosigning.policy, &shared.origin);
    let mut pause = PAUSE_MIN;
    while let Some(checkpoint) = cosigning.next(number) {
        match cosigned(shared, number, &mut asking, &checkpoint) {
            Ok(adopted) => {
                pause = PAUSE_MIN;
                if let Some(after) = adopted.witnessed_after {
                    shared.metrics.witnessed(after);
                }
                cosigning.keep();
            }
            Err(AskError::Contradicted(contradicted)) => {
                let (theirs, contradiction) = *contradicted;
                stop(shared, &witness.name, &theirs, contradiction);
                return;
            }
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

/// Has one witness cosign `checkpoint`.
fn cosigned<S: Store>(
    shared: &Shared<S>,
    number: usize,
    asking: &mut Asking,
    checkpoint: &SignedCheckpoint,
) -> Result<Adopted, AskError> {
    let cosigning = &shared.cosigning;
    let confirms = shared.confirmation.is_asking();
    if confirms {
        // Asked to cosign first, a witness that knew nothing would know what it was just told.
        let latest = asking.latest()?.ok_or(AskError::KnowsNothing)?;
        hold_against(&shared.store, latest)?;
    }
    let lines = match asking.ask(&shared.store, checkpoint) {
        Err(error @ AskError::Unproved { .. }) => {
            if let Some(latest) = asking.latest()? {
                hold_against(&shared.store, latest)?;
            }
            return Err(error);
        }
        given => given?,
    };
    let adopted = cosigning.adopt(number, checkpoint, &lines)?;
    if confirms {
        let key = cosigning.policy.witnesses()[number].key.public_key();
        let now = u64::try_from(shared.clock.wall().0 / 1000).unwrap_or_default();
        let counts =
            shared
                .confirmation
                .confirmed_by(key.key_id(), &cosigning.policy, adopted.time, now);
        if !counts {
            return Err(AskError::Old);
        }
    }
    Ok(adopted)
}

fn hold_against(store: &impl Store, theirs: SignedCheckpoint) -> Result<(), AskError> {
    match contradicted_by(store, &theirs)? {
        None => Ok(()),
        Some(contradiction) => Err(AskError::Contradicted(Box::new((theirs, contradiction)))),
    }
}

/// Stops signing for good: `theirs` was signed under this log's key, and is not here.
fn stop<S: Store>(
    shared: &Shared<S>,
    witness: &str,
    theirs: &SignedCheckpoint,
    contradiction: Contradiction,
) {
    let witness = witness.to_owned();
    let halt = match contradiction {
        Contradiction::Behind { theirs, ours } => Halt::Behind {
            witness,
            theirs,
            ours,
        },
        Contradiction::Forked { size, evidence } => {
            shared.keep_evidence(&evidence);
            Halt::Forked { witness, size }
        }
    };
    // Before the process ends: the next one must ask before it signs.
    if let Err(error) = shared.confirmation.withdraw(&halt.to_string()) {
        tracing::error!(%error, "the next start will not know of it: do not start this node again");
    }
    if let (Halt::Behind { .. }, Some(dir)) = (&halt, &shared.dir) {
        keep_ahead(shared, &ahead_path(dir), theirs);
    }
    shared.halt(halt);
}

/// Keeps a checkpoint that is ahead of what is here, unless one further ahead is kept.
fn keep_ahead<S>(shared: &Shared<S>, path: &Path, theirs: &SignedCheckpoint) {
    let kept = read_kept(path, &shared.cosigning.policy, &shared.origin);
    if kept.is_some_and(|kept| kept.claim().size >= theirs.claim().size) {
        return;
    }
    if let Err(error) = replace(path, theirs.to_string().as_bytes(), 0o600) {
        tracing::error!(%error, "the witness's checkpoint could not be kept");
    }
}

/// Requests to one witness.
struct Asking {
    agent: ureq::Agent,
    url: String,
    /// The log's keys, and the witness's.
    keys: Vec<NoteKey>,
    origin_hash: Digest,
    /// The size that it cosigned last, as far as is known here.
    old: TreeSize,
}

impl Asking {
    fn of(witness: &KnownWitness, policy: &TlogPolicy, origin: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_global(Some(REQUEST_TIMEOUT))
            .max_redirects(0)
            .user_agent(concat!("suyuan/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = witness.url.as_deref().unwrap_or_default();
        let own = policy.logs().iter().map(|log| &log.key);
        let own = own.filter(|key| key.name() == origin);
        Self {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
            keys: own.chain([&witness.key]).cloned().collect(),
            origin_hash: Digest::of(origin.as_bytes()),
            old: TreeSize(0),
        }
    }

    /// The latest checkpoint that the witness has cosigned, under the log's key and its own; `None`
    /// if it says that there is none.
    fn latest(&self) -> Result<Option<SignedCheckpoint>, AskError> {
        // Nodes of this kind serve their monitoring prefix there.
        let url = format!("{}/witness/{}/checkpoint", self.url, self.origin_hash);
        let mut response = self.agent.get(url).call()?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        let said = body.read_to_string()?;
        match status {
            200 => {}
            404 => return Ok(None),
            _ => return Err(refused(status, &said)),
        }
        let latest = SignedCheckpoint::parse(&said)?;
        let (_, signed) = latest.verify(&self.keys)?;
        let cosigned = |kind| kind == KeyKind::Cosignature;
        if !signed.iter().any(|one| cosigned(one.key.kind())) {
            return Err(refused(
                status,
                "its latest checkpoint has no cosignature of its own",
            ));
        }
        Ok(Some(latest))
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
            && theirs <= ours
        {
            self.old = theirs;
            (status, said) = self.send(store, checkpoint)?;
        }
        match status {
            200 => {
                self.old = ours;
                Ok(said)
            }
            409 | 422 => Err(AskError::Unproved {
                status,
                said: said.chars().take(200).collect(),
            }),
            _ => Err(refused(status, &said)),
        }
    }

    fn send(
        &self,
        store: &impl Store,
        checkpoint: &SignedCheckpoint,
    ) -> Result<(u16, String), AskError> {
        let proof = growth(&store.view(), self.old, checkpoint.claim().size)?;
        debug_assert!(proof.len() <= PROOF_HASHES_MAX, "below 2^63 leaves");
        let request = AddCheckpoint {
            old: self.old,
            proof,
            checkpoint: checkpoint.clone(),
        };
        let sending = self
            .agent
            .post(format!("{}/add-checkpoint", self.url))
            .header("Content-Type", "text/plain; charset=utf-8")
            .header("Accept", "text/plain, application/problem+json");
        let mut response = sending.send(request.to_string().as_bytes())?;
        let status = response.status().as_u16();
        let body = response.body_mut().with_config().limit(ANSWER_BYTES_MAX);
        Ok((status, body.read_to_string()?))
    }
}

fn refused(status: u16, said: &str) -> AskError {
    let said = said.chars().take(200).collect();
    AskError::Refused { status, said }
}

#[cfg(test)]
mod tests;
