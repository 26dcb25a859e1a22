//! The pure core of the ledger.

pub mod access;
pub mod admission;
pub mod audit;
pub mod block;
pub mod bundle;
pub mod cbor;
pub mod check;
pub mod checkpoint;
pub mod cose;
pub mod decimal;
pub mod disclosure;
pub mod event;
pub mod excerpt;
pub mod feed;
pub mod forget;
pub mod hash;
pub mod identifier;
pub mod ids;
pub mod lists;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
pub mod merkle;
pub mod note;
pub mod order;
pub mod personal;
pub mod policy;
pub mod provenance;
pub mod receipt;
pub mod registry;
pub mod reject;
pub mod seal;
pub mod signature;
pub mod state;
pub mod statemap;
pub mod statement;
pub mod store;
pub mod stored;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod tiles;
pub mod time;
pub mod tlog_policy;
pub mod token;
pub mod visibility;
pub mod witness;
