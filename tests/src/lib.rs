//! What the tests of the whole system share: a town under load, faults, and the one check.
//!
//! - [`town`] makes members and statements; `bin/writer.rs` puts them on a ledger as fast as it
//!   takes them, and says what was acknowledged ([`said`]).
//! - [`writer`] runs that process and ends it; [`layer`] stands between it and its disk, and
//!   [`disk`] works out what a power cut leaves there.
//! - [`check`] opens what is left, the way an operator would, and names every loss.
//! - [`region`] is a ledger and its node among others, in a process of its own.
//! - [`demo`] runs the binary `suyuan` as its users do, and [`chromium`] opens its pages as a phone.
//! - [`network`] is a network of its own, whose addresses are not this machine's; [`link`] is one
//!   connection between two nodes, which can be cut, and [`liar`] answers whatever it is told.
//! - [`alter`] forges bundles.
//! - [`dice`] makes each run another one, and any run repeatable; [`files`] copies what is harmed.
//!
//! **Invariant:** nothing here knows how the ledger keeps its promises, only what they are.

pub mod alter;
pub mod check;
pub mod chromium;
pub mod demo;
pub mod dice;
pub mod disk;
pub mod files;
pub mod layer;
pub mod liar;
pub mod link;
pub mod network;
pub mod region;
pub mod said;
pub mod town;
pub mod writer;
