//! What inbound HTTP asks of a node.
//!
//! This crate knows requests and answers; keys, clock, queue and disk are the node's. The node
//! implements [`Service`], and tests implement it over a store in memory.

use ledger::access::record::{ReadRecord, Reads};
use ledger::check::Attested;
use ledger::hash::Digest;
use ledger::ids::{CaptureId, Handle, LeafIndex, UnixMillis};
use ledger::provenance::Answer;
use ledger::provenance::across::Chain;
use ledger::reject::RejectReason;
use ledger::signature::PublicKey;
use ledger::store::{Store, StoreError};
use ledger::witness::{AddCheckpoint, Cosignature, Refusal};
use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

/// A node as its HTTP side sees it. Every method may be called from many tasks at once.
pub trait Service: Send + Sync + 'static {
    /// Where the ledger is kept.
    type Store: Store + 'static;

    /// The ledger's store. Views are taken, and read, on blocking threads only.
    fn store(&self) -> &Self::Store;

    /// Takes in one statement. Answers when its block is synced and its checkpoint stored, or
    /// with the reason why not. The same statement again gives the same receipt.
    ///
    /// If the caller goes away while it waits, the statement is recorded all the same.
    fn submit(
        &self,
        statement: Vec<u8>,
    ) -> impl Future<Output = Result<Submitted, SubmitError>> + Send;

    /// Takes in many statements: one answer each, in the same order. One refused statement does
    /// not keep the others out.
    fn submit_many(
        &self,
        statements: Vec<Vec<u8>>,
    ) -> impl Future<Output = Vec<Result<Submitted, SubmitError>>> + Send;

    /// The receipt of the statement at `leaf`, a tagged COSE_Sign1 (RFC 9942): the same bytes
    /// that [`Service::submit`] gave. `None` where there is no such leaf. Reads the disk: called
    /// on blocking threads.
    ///
    /// # Errors
    /// [`StoreError`].
    fn receipt(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError>;

    /// Signs the answer to a check with the log's key.
    fn attest(&self, answer: &Attested) -> Vec<u8>;

    /// Records durably that withheld parts are about to be shown: who, which, through what. They
    /// are not shown where this fails. Writes the disk: called on blocking threads.
    ///
    /// # Errors
    /// [`StoreError`].
    fn record_reads(&self, reads: Reads) -> Result<(), StoreError>;

    /// Up to `limit` records of such reads, from number `from` on. Reads the disk.
    ///
    /// # Errors
    /// [`StoreError`].
    fn read_records(&self, from: u64, limit: usize) -> Result<Vec<ReadRecord>, StoreError>;

    /// This log's signed `checkpoint` with the cosignatures that its witnesses have given so far.
    fn with_cosignatures(&self, checkpoint: String) -> String {
        checkpoint
    }

    /// The newest checkpoint of this log whose cosignatures meet the node's own policy; `None`
    /// where there is none yet, or the policy asks for no witness.
    fn witnessed_checkpoint(&self) -> Option<String> {
        None
    }

    /// This log's signed `checkpoint` with the cosignatures of a quorum, if they come within a
    /// second: for an answer that was computed at its tree. Waits: called on blocking threads.
    fn witness_checkpoint(&self, checkpoint: &str) -> Option<String> {
        let _ = checkpoint;
        None
    }

    /// Cosigns another log's checkpoint as a witness, once it is durably that log's latest. Writes
    /// the disk: called on blocking threads.
    ///
    /// # Errors
    /// [`CosignError`].
    fn cosign(&self, request: AddCheckpoint) -> Result<Cosignature, CosignError> {
        let origin = request.checkpoint.claim().origin.clone();
        Err(Refusal::OriginUnknown { origin }.into())
    }

    /// The latest checkpoint cosigned of the log whose origin has this SHA-256. May wait for a
    /// write: called on blocking threads.
    fn latest_cosigned(&self, _origin_hash: &Digest) -> Option<String> {
        None
    }

    /// The log's name: the first line of its checkpoints.
    fn origin(&self) -> &str;

    /// The address under which clients reach this node, `https://host[/path]` without a slash at
    /// the end. Codes and link sets carry it; it need not be the address listened on.
    fn public_url(&self) -> &str;

    /// The region by GB/T 2260 code, `5101` for Chengdu.
    fn region(&self) -> &str;

    /// The key that signs receipts and checkpoints now.
    fn log_key(&self) -> &PublicKey;

    /// Keys that signed before, which stay resolvable (SCRAPI, "Transparency Service Keys").
    fn former_log_keys(&self) -> &[PublicKey] {
        &[]
    }

    /// The trust policy by which this node's checkpoints are read (C2SP tlog-policy): its key, its
    /// witnesses, their quorum. For its readers to compare, never to take from here.
    fn policy(&self) -> String;

    /// Where other regions serve the verifier for browsers: `https://host/verify`. Empty where no
    /// partner does.
    fn verifiers(&self) -> &[String] {
        &[]
    }

    /// Follows the links of an answer, as whoever may see all of it was given it, to the logs of
    /// other regions, and asks them about a code that is not known here. Waits for the network, a
    /// bounded time: called on blocking threads.
    ///
    /// # Errors
    /// [`StoreError`].
    fn follow(&self, answer: &mut Answer) -> Result<(), StoreError> {
        let _ = answer;
        Ok(())
    }

    /// The bundles of what anyone may know of a chain's parts, as far as they are to be had. As
    /// [`Service::follow`].
    ///
    /// # Errors
    /// [`StoreError`].
    fn open_bundles(&self, chain: &Chain) -> Result<Vec<Arc<[u8]>>, StoreError> {
        let _ = chain;
        Ok(Vec::new())
    }

    /// The moment, for verdicts that age.
    fn now(&self) -> UnixMillis;

    /// Whether it takes statements. A node that halted, or is shutting down, still answers reads.
    fn ready(&self) -> bool;

    /// Why this log signs nothing, though its ledger can be read; `None` if it signs.
    fn not_signing(&self) -> Option<NotSigning> {
        None
    }

    /// All metrics in Prometheus' text format, version 0.0.4.
    fn metrics(&self) -> String;

    /// Signs what this log says about recalls ([`ledger::feed`]).
    fn sign_notice(&self, kind: ledger::feed::Kind, payload: Vec<u8>) -> Vec<u8>;

    /// What became of the notices to holders about a case, by holder; canonical identifier.
    fn notices(&self, case: &str) -> BTreeMap<Handle, Notice> {
        let _ = case;
        BTreeMap::new()
    }

    /// Told of every answered request: the route's pattern, the status, the time it took.
    fn observe_request(&self, route: &'static str, status: u16, took: Duration) {
        let _ = (route, status, took);
    }
}

/// What became of the notice to one holder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Notice {
    /// When its webhook took the notice, milliseconds since 1970.
    pub delivered_ms: Option<i64>,
    /// How often it was tried since this node started.
    pub attempts: u32,
    /// Whether no address is known for it.
    pub no_address: bool,
}

/// A statement that is on the ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Where it stands.
    pub leaf: LeafIndex,
    /// Its capture id; a founding statement has none.
    pub capture: Option<CaptureId>,
    /// Whether it had been recorded before this request.
    pub again: bool,
    /// The receipt: a tagged COSE_Sign1.
    pub receipt: Vec<u8>,
}

/// Why a checkpoint of another log is not cosigned.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CosignError {
    /// The log's fault, or nobody's: the protocol's own refusals.
    #[error("{0}")]
    Refused(#[from] Refusal),
    /// This witness's fault: it could not keep the checkpoint, and does not know whether it did.
    #[error("the witness could not keep the checkpoint")]
    NotKept,
}

/// Why a log signs nothing, though its ledger can be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSigning {
    /// Its memory of what it signed is lost, and too few witnesses have said that this is the newest.
    /// Passes by itself when they answer.
    #[error("this node does not know yet whether its copy of the ledger is the newest")]
    Unconfirmed,
    /// It was closed for good.
    #[error("this log is closed; {successor} continues it")]
    Closed {
        /// The origin of the log that continues it.
        successor: String,
    },
}

impl NotSigning {
    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Closed { .. } => "closed",
        }
    }
}

/// Why a statement has no receipt.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The sender's fault: refused by name, nothing changed.
    #[error("refused: {reason}")]
    Rejected {
        /// Why.
        reason: RejectReason,
        /// The statement's capture id, where it could be read.
        capture: Option<CaptureId>,
        /// The refusal signed by the log: a COSE_Sign1 over statement digest, reason and time.
        refusal: Vec<u8>,
    },
    /// Too much waits already; nothing was kept. Send again later.
    #[error("too many statements wait; try again in {retry_after_s} s")]
    Busy {
        /// When it may be worth trying again, in seconds.
        retry_after_s: u32,
    },
    /// The log does not sign; nothing was kept.
    #[error("{0}")]
    NotSigning(#[from] NotSigning),
    /// The node takes nothing more: its store failed or it is shutting down. Whether a statement
    /// that waited was recorded is unknown; sending it again, here or after a restart, is safe.
    #[error("the node has stopped taking statements")]
    Halted,
}
