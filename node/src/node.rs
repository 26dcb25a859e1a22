//! The node: threads around one store, and the door to them.
//!
//! ```text
//! submit → room → pool: parse, verify → sequencer: order, seal, commit → pool: receipts → answer
//! ```
//!
//! Every step hands on what it has finished; no step waits for a client. Threads end when the room
//! is closed and empty, or when the node halts. It halts on any error of its store and on any
//! panic of its threads: then nothing more is signed, whoever waits hears that the node has
//! stopped, and only a new process that opens the store again finds out what was written.

use crate::clock::{Clock, ClockGuard};
use crate::config::Settings;
use crate::confirm::Confirmation;
use crate::contradiction::{Contradiction, contradicted_by};
use crate::cosigning::{self, Cosigning, ahead_path, witnessed_path};
use crate::evidence::EvidenceFiles;
use crate::metrics::{Gauges, Metrics};
use crate::notify::Deliveries;
use crate::reads::AccessLog;
use crate::receipts;
use crate::regions::{Credentials, Regions};
use crate::room::{Answer, Job, NoSeat, QueueLimits, Room, Submission, Verified};
use crate::sequencer;
use crate::verifier::{KEYS_MAX, KeyCache, verify};
use crate::witness::Witness;
use api::service::{NotSigning, SubmitError};
use ledger::access::record::{ReadRecord, Reads};
use ledger::check::Attested;
use ledger::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use ledger::evidence::Evidence;
use ledger::ids::{LeafIndex, TreeSize};
use ledger::note::{KeyKind, NoteKey};
use ledger::seal::Log;
use ledger::signature::{PublicKey, Signer as _, SigningKey};
use ledger::store::{Store, StoreError, View as _};
use ledger::tlog_policy::{Standing, TlogPolicy};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;
use tokio::sync::{oneshot, watch};

/// Statements of one call that travel together: enough that their handling costs nothing beside
/// their signatures, and so few that one call spreads over all cores.
const SUBMISSION_STATEMENTS_MAX: usize = 64;

/// Bytes of statements that travel together, unless a single one is larger: a few milliseconds of
/// hashing and parsing.
const SUBMISSION_BYTES_MAX: usize = 256 * 1024;

/// How long an answer waits for the cosignatures of the tree that it was computed at: a round of
/// all who are well, and one more.
const WITNESS_WAIT: Duration = Duration::from_secs(1);

/// A full room is about a second's work.
const BUSY_RETRY_S: u32 = 1;

/// Why a node has stopped for good. The process should end with exit code 8 and be started again.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Halt {
    /// The store failed, or what it holds is damaged.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// A witness has cosigned more than is here, under this log's own signature.
    #[error(
        "behind-witness: this log has signed {theirs} leaves, which the witness {witness} cosigned, \
         and {ours} are here: this is an old copy, or another node signs under its key"
    )]
    Behind {
        /// Which witness, by the trust policy's name.
        witness: String,
        /// Leaves that were signed.
        theirs: TreeSize,
        /// Leaves that are here.
        ours: TreeSize,
    },
    /// A witness has cosigned another history, under this log's own signature.
    #[error(
        "forked: this log's key has signed another tree of {size} leaves, which the witness {witness} \
         cosigned; the evidence is kept in the data directory"
    )]
    Forked {
        /// Which witness.
        witness: String,
        /// The size at which the two differ.
        size: TreeSize,
    },
    /// A thread of the node panicked: a bug.
    #[error("thread {thread} of the node panicked")]
    Panic {
        /// Which thread.
        thread: String,
    },
}

/// Why a store could not be served.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The ledger has no entry: it was never founded.
    #[error("the ledger was never founded")]
    NotFounded,
    /// The newest checkpoint is not signed by this log's key.
    #[error("the log's key did not sign the ledger's newest checkpoint: {0}")]
    OtherKey(#[source] CheckpointError),
    /// A cosigned checkpoint that this node kept is beyond what is here.
    #[error(
        "behind-witness: {theirs} leaves were signed and witnessed, and {ours} are here: this is an \
         old copy"
    )]
    Behind {
        /// Leaves that were signed.
        theirs: TreeSize,
        /// Leaves that are here.
        ours: TreeSize,
    },
    /// A cosigned checkpoint that this node kept, or evidence, is of another history.
    #[error("forked: another tree of {size} leaves was signed and witnessed than is here")]
    Forked {
        /// The size at which the two differ.
        size: TreeSize,
    },
    /// The memory of what was signed is lost, and the policy asks for no witness that could tell.
    #[error(
        "unconfirmed: nothing here says that this copy is the newest, and there is no witness to ask"
    )]
    NobodyToAsk,
    /// The operator was not asked: witnesses are, or nothing is in doubt.
    #[error("nothing-to-tell: {why}")]
    NothingToTell {
        /// Which of the two.
        why: &'static str,
    },
    /// The trust policy does not name this log.
    #[error("the trust policy does not name this log: add the line `log {vkey}`")]
    PolicyOfAnother {
        /// The log's verifier key.
        vkey: String,
    },
    /// The store failed.
    #[error("the store failed: {0}")]
    Store(#[from] StoreError),
    /// The operating system gave no thread.
    #[error("no thread could be started")]
    Thread(#[source] std::io::Error),
}

/// What all threads of a node share.
pub(crate) struct Shared<S> {
    pub(crate) store: S,
    pub(crate) origin: String,
    pub(crate) key: SigningKey,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) room: Arc<Room>,
    pub(crate) metrics: Metrics,
    pub(crate) cosigning: Cosigning,
    pub(crate) confirmation: Confirmation,
    /// The data directory; `None` for a ledger in memory.
    pub(crate) dir: Option<PathBuf>,
    keys: KeyCache,
    halted: watch::Sender<Option<Halt>>,
}

impl<S> Shared<S> {
    /// The log as it signs.
    pub(crate) fn log(&self) -> Log<'_> {
        Log {
            origin: &self.origin,
            signer: &self.key,
        }
    }

    /// Keeps what shows two histories of this log.
    pub(crate) fn keep_evidence(&self, evidence: &Evidence) {
        let Some(dir) = &self.dir else { return };
        match EvidenceFiles::of(dir).keep(evidence) {
            Ok(path) => tracing::error!(?path, "this log's key has signed two histories"),
            Err(error) => tracing::error!(%error, "the evidence could not be kept: {evidence}"),
        }
    }

    /// Stops for good; the first reason stays.
    pub(crate) fn halt(&self, why: Halt) {
        tracing::error!("the node has halted: {why}");
        self.halted.send_if_modified(|halted| {
            let first = halted.is_none();
            if first {
                *halted = Some(why);
            }
            first
        });
        self.room.abandon();
        self.cosigning.close();
    }
}

/// How a node runs.
pub struct Running {
    /// What the ledger is called, where, and under which address.
    pub settings: Settings,
    /// What may be in flight.
    pub limits: QueueLimits,
    /// Threads that verify and sign; all cores if `None`.
    pub threads: Option<NonZeroUsize>,
    /// Where it reads time.
    pub clock: Arc<dyn Clock>,
    /// Where it records who was shown withheld parts; without it, nobody is.
    pub reads: Option<AccessLog>,
    /// Whom it asks for cosignatures, and how many of them make a checkpoint witnessed.
    pub policy: Option<TlogPolicy>,
    /// This node as a witness of other logs.
    pub witness: Option<Witness>,
    /// Who it is to the logs of other regions.
    pub credentials: Credentials,
    /// Whether it may sign.
    pub confirmation: Confirmation,
    /// The operator says that nothing was ever signed beyond what is here.
    pub nothing_newer_signed: bool,
    /// The data directory; `None` for a ledger in memory.
    pub dir: Option<PathBuf>,
}

impl fmt::Debug for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running")
            .field("settings", &self.settings)
            .field("limits", &self.limits)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

/// A running node. Dropping it finishes what it has taken in, and waits for that.
pub struct Node<S> {
    pub(crate) shared: Arc<Shared<S>>,
    settings: Settings,
    policy: String,
    reads: Option<AccessLog>,
    witness: Option<Witness>,
    pub(crate) regions: Regions,
    threads: Mutex<Vec<JoinHandle<()>>>,
    deliveries: Mutex<Deliveries>,
}

impl<S> fmt::Debug for Node<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node")
            .field("origin", &self.shared.origin)
            .finish_non_exhaustive()
    }
}

impl<S: Store + 'static> Node<S> {
    /// Serves a founded ledger.
    ///
    /// # Errors
    /// [`StartError`].
    ///
    /// # Panics
    /// Never: a log's own key is the key of a log.
    pub fn start(store: S, key: SigningKey, running: Running) -> Result<Self, StartError> {
        let Running {
            settings,
            limits,
            threads,
            clock,
            reads,
            policy,
            witness,
            credentials,
            confirmation,
            nothing_newer_signed,
            dir,
        } = running;
        let origin = settings.origin().to_owned();
        let head = store.view().head()?.ok_or(StartError::NotFounded)?;
        Checkpoint::verify(&head.checkpoint, &origin, key.public_key())
            .map_err(StartError::OtherKey)?;
        if clock.wall() < head.block.time {
            tracing::warn!("the wall clock is behind the newest block, whose time will stand");
        }
        let own = NoteKey::new(&origin, KeyKind::Ed25519, key.public_key().clone())
            .map_err(|error| StartError::OtherKey(error.into()))?;
        let policy = match policy {
            Some(policy) => policy,
            None => TlogPolicy::of_log(own.clone()).expect("it is the key of a log"),
        };
        if policy.logs().iter().all(|log| log.key != own) {
            let vkey = own.to_string();
            return Err(StartError::PolicyOfAnother { vkey });
        }
        for witness in policy.witnesses().iter().filter(|one| one.url.is_none()) {
            let name = &witness.name;
            tracing::warn!("the trust policy gives no address of witness {name}: it is not asked");
        }
        let newest = SignedCheckpoint::parse(&head.checkpoint).map_err(StartError::OtherKey)?;
        let read = |path: &Path| cosigning::read_kept(path, &policy, &origin);
        let kept_path = dir.as_deref().map(witnessed_path);
        let kept = kept_path.as_deref().and_then(read);
        if let Some(dir) = &dir
            && !matches!(confirmation.why_not(), Some(NotSigning::Closed { .. }))
            && let Err(shown) = not_contradicted(
                &store,
                kept.iter().chain(&read(&ahead_path(dir))),
                &EvidenceFiles::of(dir).about(&origin),
                &policy,
            )
        {
            // The files that show it may be gone at the next start.
            let withdrawn = confirmation.withdraw(&shown.to_string());
            if let Err(error) = withdrawn {
                tracing::error!(%error, "the next start will not know of it");
            }
            return Err(shown);
        }
        // What a policy that was changed meanwhile asks for is another matter.
        let kept = kept.filter(|kept| {
            let judged = policy.judge(&kept.to_string());
            judged.is_ok_and(|judged| judged.standing == Standing::Witnessed)
        });
        may_start(&confirmation, &policy, nothing_newer_signed)?;
        let policy_text = policy.to_string();
        let metrics = Metrics::default();
        metrics.tree_size(head.size());
        let shared = Arc::new(Shared {
            store,
            origin,
            key,
            clock,
            room: Arc::new(Room::new(limits)),
            metrics,
            cosigning: Cosigning::new(policy, newest, kept_path, kept.as_ref()),
            confirmation,
            dir,
            keys: KeyCache::new(KEYS_MAX),
            halted: watch::Sender::new(None),
        });
        let node = Self {
            shared,
            settings,
            policy: policy_text,
            reads,
            witness,
            regions: Regions::new(credentials),
            threads: Mutex::default(),
            deliveries: Mutex::default(),
        };
        node.spawn(threads.map_or_else(cores, NonZeroUsize::get))
            .map_err(StartError::Thread)?;
        Ok(node)
    }

    fn spawn(&self, pool: usize) -> std::io::Result<()> {
        let guard = ClockGuard::new(&*self.shared.clock);
        // Never full: every submission in it has its seats.
        let (outbox, inbox) = sync_channel(self.shared.room.submissions_max());
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for number in 0..pool {
            let outbox = outbox.clone();
            threads.push(spawn(
                &self.shared,
                format!("pool-{number}"),
                move |shared| {
                    work(shared, &outbox);
                },
            )?);
        }
        threads.push(spawn(
            &self.shared,
            "sequencer".to_owned(),
            move |shared| {
                sequencer::run(shared, guard, &inbox);
            },
        )?);
        // A closed log has no more checkpoints to ask about.
        let closed = matches!(self.not_signing(), Some(NotSigning::Closed { .. }));
        let reachable = self.shared.cosigning.reachable();
        for number in reachable.into_iter().filter(|_| !closed) {
            threads.push(spawn(
                &self.shared,
                format!("witness-{number}"),
                move |shared| {
                    cosigning::run(shared, number);
                },
            )?);
        }
        drop(threads);
        Ok(())
    }

    /// Records that withheld parts are about to be shown.
    ///
    /// # Errors
    /// [`StoreError`]: they may not be shown.
    pub fn record_reads(&self, reads: Reads) -> Result<(), StoreError> {
        let now = self.clock().wall();
        self.access_log()?.append(reads, now)
    }

    /// Records of such reads, from number `from` on.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn read_records(&self, from: u64, limit: usize) -> Result<Vec<ReadRecord>, StoreError> {
        self.access_log()?.read(from, limit)
    }

    fn access_log(&self) -> Result<&AccessLog, StoreError> {
        let none = || StoreError::Io("this node keeps no access record".to_owned());
        self.reads.as_ref().ok_or_else(none)
    }

    /// Takes in one statement, and answers when its block is synced and its checkpoint stored, or
    /// with the reason why not. If the caller goes away, it is recorded all the same.
    ///
    /// # Errors
    /// [`SubmitError`].
    pub async fn submit(&self, statement: Vec<u8>) -> Answer {
        let waiting = self.enter(vec![statement]);
        let mut answers = waiting.answers().await;
        answers.pop().unwrap_or(Err(SubmitError::Halted))
    }

    /// Takes in many statements: one answer each, in the same order. They are judged in that order
    /// too, each in the state before the block it comes into, or after those before it in the
    /// same block; a key that one of them adds may sign from the answer on.
    ///
    /// When there is no more room, the rest hear `Busy`: what was taken in is a beginning.
    pub async fn submit_many(&self, statements: Vec<Vec<u8>>) -> Vec<Answer> {
        let mut answers = Vec::with_capacity(statements.len());
        let mut waiting: Vec<Waiting> = Vec::new();
        let mut statements = statements.into_iter().peekable();
        while statements.peek().is_some() {
            let mut bytes = 0;
            let mut group: Vec<Vec<u8>> = Vec::new();
            while let Some(next) = statements.next_if(|next| {
                group.is_empty()
                    || (group.len() < SUBMISSION_STATEMENTS_MAX
                        && bytes + next.len() <= SUBMISSION_BYTES_MAX)
            }) {
                bytes += next.len();
                group.push(next);
            }
            let full = waiting
                .last()
                .is_some_and(|last| matches!(last.state, Entered::Not(_)));
            waiting.push(if full {
                self.busy(group.len())
            } else {
                self.enter(group)
            });
        }
        for one in waiting {
            answers.extend(one.answers().await);
        }
        answers
    }

    fn enter(&self, statements: Vec<Vec<u8>>) -> Waiting {
        let count = statements.len();
        if let Some(why) = self.not_signing() {
            let state = Entered::Not(why.into());
            return Waiting { count, state };
        }
        let state = match self.shared.room.enter(statements) {
            Ok(answers) => Entered::Yes(answers),
            Err(NoSeat::Closed) => Entered::Not(SubmitError::Halted),
            Err(NoSeat::Full) => return self.busy(count),
        };
        Waiting { count, state }
    }

    fn busy(&self, count: usize) -> Waiting {
        self.shared.metrics.busy(count);
        let busy = SubmitError::Busy {
            retry_after_s: BUSY_RETRY_S,
        };
        Waiting {
            count,
            state: Entered::Not(busy),
        }
    }

    /// The receipt of the statement at `leaf`, the same bytes that its submitter got. `None`
    /// beyond the tree and for block headers. Reads the disk.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn receipt(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        receipts::again(&self.shared, leaf)
    }

    /// Takes nothing more in, finishes what waits, and ends the threads. All that was answered is
    /// synced; nothing is left to flush.
    pub async fn shutdown(&self) {
        self.shared.room.close();
        self.shared.cosigning.close();
        let threads = self.take_threads();
        // Joining blocks, for the time of a block or of a request to a witness at most.
        let joined = tokio::task::spawn_blocking(move || join(threads)).await;
        if let Err(error) = joined {
            tracing::error!("while the node's threads ended: {error}");
        }
    }
}

impl<S> Node<S> {
    /// The store, for reads. Views are taken, and read, on blocking threads.
    pub fn store(&self) -> &S {
        &self.shared.store
    }

    /// What the ledger is called, where, and under which address.
    pub const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The key that verifies receipts and checkpoints.
    pub fn log_key(&self) -> &PublicKey {
        self.shared.key.public_key()
    }

    /// Signs the answer to a check. It is recorded nowhere: the signer says what it read.
    pub fn attest(&self, answer: &Attested) -> Vec<u8> {
        answer.sign(self.settings.origin(), &self.shared.key)
    }

    /// This log's signed `checkpoint` with the cosignatures that it has so far.
    pub fn with_cosignatures(&self, checkpoint: String) -> String {
        self.shared.cosigning.with_cosignatures(checkpoint)
    }

    /// This log's signed `checkpoint` with the cosignatures of a quorum, waited for a while.
    pub(crate) fn witness_checkpoint(&self, checkpoint: &str) -> Option<String> {
        self.shared.cosigning.witness(checkpoint, WITNESS_WAIT)
    }

    /// The newest checkpoint whose cosignatures met the node's policy.
    pub fn witnessed_checkpoint(&self) -> Option<String> {
        self.shared.cosigning.witnessed().map(|(_, note)| note)
    }

    /// This node as a witness of other logs.
    pub const fn witness(&self) -> Option<&Witness> {
        self.witness.as_ref()
    }

    /// Whom it asks for cosignatures, and how its checkpoints are to be read (C2SP tlog-policy).
    pub fn policy(&self) -> &str {
        &self.policy
    }

    /// What became of notices about recalls, by case and holder, as of the last turn.
    pub(crate) fn deliveries(&self) -> MutexGuard<'_, Deliveries> {
        self.deliveries
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Signs what this log says about recalls.
    pub fn sign_notice(&self, kind: ledger::feed::Kind, payload: Vec<u8>) -> Vec<u8> {
        let time = self.shared.clock.wall();
        ledger::feed::sign(kind, &self.shared.origin, time, &self.shared.key, payload)
    }

    /// Where this node reads time.
    pub fn clock(&self) -> &dyn Clock {
        &*self.shared.clock
    }

    /// What is counted.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// All metrics in Prometheus' text format.
    pub fn metrics_text(&self) -> String {
        self.shared.metrics.render(Gauges {
            in_flight: self.shared.room.statements(),
            witnessed: self.shared.cosigning.witnessed().map(|(size, _)| size),
            ready: self.is_ready(),
            unconfirmed: self.not_signing() == Some(NotSigning::Unconfirmed),
            evidence: match &self.shared.dir {
                Some(dir) => EvidenceFiles::of(dir).count(),
                None => 0,
            },
        })
    }

    /// Whether statements are taken in.
    pub fn is_ready(&self) -> bool {
        self.shared.room.is_open() && self.not_signing().is_none()
    }

    /// Why it signs nothing, though its ledger can be read; `None` if it signs.
    pub fn not_signing(&self) -> Option<NotSigning> {
        self.shared.confirmation.why_not()
    }

    /// Resolves when the node has halted, with the reason. Never resolves otherwise.
    pub async fn halted(&self) -> Halt {
        let mut halted = self.shared.halted.subscribe();
        let why = halted
            .wait_for(Option::is_some)
            .await
            .ok()
            .and_then(|why| why.clone());
        match why {
            Some(why) => why,
            // Only if the sender were gone, which lives as long as this node.
            None => std::future::pending().await,
        }
    }

    fn take_threads(&self) -> Vec<JoinHandle<()>> {
        std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Checks what this log has signed, as far as its directory shows, against what is here.
///
/// # Errors
/// `Behind`, `Forked`, `Store`.
fn not_contradicted<'c>(
    store: &impl Store,
    signed: impl Iterator<Item = &'c SignedCheckpoint>,
    evidence: &[Evidence],
    policy: &TlogPolicy,
) -> Result<(), StartError> {
    if let Some(fork) = evidence.iter().find_map(|one| one.verify(policy).ok()) {
        let size = fork.older.checkpoint.size;
        return Err(StartError::Forked { size });
    }
    for checkpoint in signed {
        match contradicted_by(store, checkpoint)? {
            None => {}
            Some(Contradiction::Behind { theirs, ours }) => {
                return Err(StartError::Behind { theirs, ours });
            }
            Some(Contradiction::Forked { size, .. }) => return Err(StartError::Forked { size }),
        }
    }
    Ok(())
}

/// Whether the node may be served: it signs, or somebody can be asked whether it may.
fn may_start(
    confirmation: &Confirmation,
    policy: &TlogPolicy,
    nothing_newer_signed: bool,
) -> Result<(), StartError> {
    let asks = policy.asks_for_witnesses();
    match (confirmation.is_asking(), nothing_newer_signed) {
        (false, false) => Ok(()),
        (false, true) => Err(StartError::NothingToTell {
            why: "this copy is known to be the newest, or closed; start it without that word",
        }),
        (true, true) if asks => Err(StartError::NothingToTell {
            why: "the trust policy names witnesses, and they are asked",
        }),
        (true, true) => {
            confirmation.told();
            Ok(())
        }
        (true, false) if asks => Ok(()),
        (true, false) => Err(StartError::NobodyToAsk),
    }
}

impl<S> Drop for Node<S> {
    fn drop(&mut self) {
        self.shared.room.close();
        self.shared.cosigning.close();
        join(self.take_threads());
    }
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        // A panic has halted the node already, and said so.
        drop(thread.join());
    }
}

fn cores() -> usize {
    thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

fn spawn<S: Store + 'static>(
    shared: &Arc<Shared<S>>,
    name: String,
    body: impl FnOnce(&Shared<S>) + Send + 'static,
) -> std::io::Result<JoinHandle<()>> {
    let shared = Arc::clone(shared);
    thread::Builder::new().name(name.clone()).spawn(move || {
        let _guard = HaltOnPanic {
            shared: &shared,
            thread: name,
        };
        body(&shared);
    })
}

/// A bug in one thread must not leave the others waiting for it.
struct HaltOnPanic<'a, S> {
    shared: &'a Shared<S>,
    thread: String,
}

impl<S> Drop for HaltOnPanic<'_, S> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.shared.halt(Halt::Panic {
                thread: std::mem::take(&mut self.thread),
            });
        }
    }
}

/// One thread of the pool.
fn work<S: Store>(shared: &Shared<S>, outbox: &SyncSender<Submission<Verified>>) {
    while let Some(job) = shared.room.next() {
        let done = match job {
            Job::Verify(submission) => verify_all(shared, submission, outbox),
            Job::Answer(part) => receipts::answer(shared, part),
        };
        if let Err(error) = done {
            shared.halt(Halt::Store(error));
        }
    }
}

fn verify_all<S: Store>(
    shared: &Shared<S>,
    submission: Submission<Vec<u8>>,
    outbox: &SyncSender<Submission<Verified>>,
) -> Result<(), StoreError> {
    let verified = submission.try_map(|bytes| verify(&shared.store, &shared.keys, &bytes))?;
    // The sequencer is gone only after a halt; what is dropped here then frees its seats.
    drop(outbox.send(verified));
    Ok(())
}

/// Statements of one call, on their way.
struct Waiting {
    count: usize,
    state: Entered,
}

enum Entered {
    Yes(oneshot::Receiver<Vec<Answer>>),
    Not(SubmitError),
}

impl Waiting {
    /// One answer for each statement. A submission dropped unanswered means that the node has
    /// halted.
    async fn answers(self) -> Vec<Answer> {
        let all = |error: SubmitError| vec![Err(error); self.count];
        match self.state {
            Entered::Not(error) => all(error),
            Entered::Yes(answers) => match answers.await {
                Ok(answers) => answers,
                Err(_) => all(SubmitError::Halted),
            },
        }
    }
}

#[cfg(test)]
mod tests;
