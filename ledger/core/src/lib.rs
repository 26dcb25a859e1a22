//! The pure core of the ledger.

pub mod cbor;
pub mod decimal;
pub mod hash;
pub mod ids;
