//! The whole system: under faults, and in the hands of others. One binary: RocksDB is linked once.
//!
//! A failing test prints the seed that repeats it: `SUYUAN_SEED=… cargo test -p tests NAME`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test fails where it stands, and says what it counted"
)]

mod browser;
mod bucket;
mod crash;
mod damage;
mod dishonest;
mod forget;
mod fork;
mod interop;
mod ledger_under_test;
mod mirror;
mod power;
mod recall;
mod regions;
mod regions_demo;
mod shape;
mod verifier;
mod witness;
