//! One ledger's running node.
//!
//! The core is pure; this crate brings it the world: a clock ([`clock`]), a secret key ([`keys`]),
//! fresh keys for personal parts ([`secrets`]),
//! threads, memory limits ([`QueueLimits`]) and a data directory ([`open()`]). It knows nothing of
//! HTTP beyond the trait it implements for it, `api::service::Service`.
//!
//! - [`Node`] takes statements in and answers with receipts; `node.rs` draws the way they go.
//! - `room.rs` bounds what is in flight; `verifier.rs` checks signatures on all cores;
//!   `sequencer.rs` orders, seals and commits on one thread; `receipts.rs` answers.
//! - [`notify`] tells holders of what is stopped.
//! - [`Witness`] cosigns other logs' checkpoints; `cosigning.rs` asks others to cosign ours.
//! - `follow.rs` follows goods to the logs of other regions, which `regions.rs` asks.
//! - `confirm.rs` says whether the node may sign; `contradiction.rs` holds what it signed against
//!   what it has; [`EvidenceFiles`] keeps what shows two histories.
//! - [`refusal`] is the bytes a submitter keeps when a statement is not taken.
//!
//! **Invariants:** nothing is answered before its block is synced and its checkpoint stored with
//! it; after any doubt about the store nothing more is signed; every queue has a limit, and who
//! finds it reached hears `Busy` at once.

mod address;
pub mod clock;
pub mod config;
mod confirm;
mod contradiction;
mod cosigning;
pub mod durable;
mod evidence;
mod follow;
pub mod keys;
mod metrics;
mod node;
pub mod notify;
mod open;
mod reads;
mod receipts;
pub mod refusal;
mod regions;
mod room;
pub mod secrets;
mod sequencer;
mod service;
mod verifier;
mod witness;

pub use address::is_private;
pub use api::service::{SubmitError, Submitted};
pub use config::{NodeConfig, Settings, SettingsError};
pub use confirm::{Confirmation, close, unconfirm};
pub use cosigning::{ahead_path, witnessed_path};
pub use evidence::{EvidenceFiles, FILES_MAX as EVIDENCE_FILES_MAX};
pub use metrics::Metrics;
pub use node::{Halt, Node, Running, StartError};
pub use open::{Founding, OpenError, found, init, open, read_settings};
pub use reads::{AccessLog, read_access_log};
pub use regions::{CredentialError, Credentials};
pub use room::QueueLimits;
pub use sequencer::BLOCK_BYTES_MAX;
pub use verifier::KEYS_MAX;
pub use witness::{Witness, WitnessError, watch};
