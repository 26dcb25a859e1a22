//! Inbound HTTP: what the ledger serves, and the pages a scan opens.

pub mod pages;
pub mod refusals;
