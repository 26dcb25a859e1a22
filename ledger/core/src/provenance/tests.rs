//! Provenance over ledgers that exist in memory only: the example chains, and small ones made for
//! each rule.

mod acts;
mod breaks;
mod chains;
mod closing;
mod cylinders;
mod evidence;
mod graph;
mod ledger;
mod licences;
mod orders;
mod recall;
mod rules;
mod strangers;
mod vaccines;
