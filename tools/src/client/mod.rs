//! What a participant does on its own machine: keys, salts, statements, and sending them.

#[cfg(feature = "node")]
pub(crate) mod compose;
#[cfg(feature = "node")]
pub(crate) mod document;
#[cfg(feature = "node")]
pub(crate) mod http;
pub(crate) mod keys;
#[cfg(feature = "node")]
pub(crate) mod ledger;
#[cfg(feature = "node")]
pub(crate) mod outbox;
pub(crate) mod random;
#[cfg(feature = "node")]
pub(crate) mod registry;
#[cfg(feature = "node")]
pub(crate) mod signer;
#[cfg(feature = "node")]
pub(crate) mod value;
