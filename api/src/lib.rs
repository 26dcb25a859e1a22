//! All inbound HTTP: what a ledger serves to machines, and the pages a scan opens.
//!
//! [`router`] builds everything from one table of routes, out of which the OpenAPI document is
//! built too. A request passes the guard (who asks, how often, for how long), then one handler; a
//! handler's `Problem` becomes a problem document on the way out. Reads of the store
//! run on blocking threads, few at a time.
//!
//! **Invariants:** nothing a client sends makes it panic or allocate without limit; every error is
//! a problem document; whatever is not public is answered only to those whom it concerns, who
//! prove who they are by a token.
//!
//! This crate knows no disk, queue or key: a node gives it a [`service::Service`].

mod app;
mod caller;
mod connections;
mod guard;
mod identity;
mod limits;
mod negotiate;
mod openapi;
pub mod pages;
mod problem;
mod rate;
pub mod refusals;
mod routes;
mod sending;
mod sequence;
mod serve;
pub mod service;
mod shares;

pub use app::{ApiOptions, EntryBundles, router};
pub use limits::{SEQUENCE_BYTES_MAX, SEQUENCE_STATEMENTS_MAX, STATEMENT_BYTES_MAX};
pub use rate::Rate;
pub use serve::{ServeError, Tls, serve};

#[cfg(test)]
mod tests;
