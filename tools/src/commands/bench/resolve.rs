//! Answers out: one lot's whole chain with every proof, beside the bare reads.

use super::fault;
use super::ingest::Bench;
use super::limits::percentile;
use super::workload::{CHAIN, Chains};
use crate::exit::Failure;
use ledger::bundle;
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::{self, Limits};
use ledger::state::StateKey;
use ledger::store::{Store as _, View as _};
use std::time::Instant;

/// Percentiles in seconds: whole answers, and bare multi-gets of the same entries and bodies.
#[derive(Debug)]
pub(super) struct Resolved {
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) bare_p50: f64,
    pub(super) bare_p99: f64,
}

/// Resolves `answers` lots spread over the ledger, each once.
pub(super) fn measure(bench: &Bench, chains: &Chains, answers: usize) -> Result<Resolved, Failure> {
    let lots = chains.complete_lots();
    // A prime stride visits lots in no order that a cache would like. Whole answers take the even
    // ones and bare reads the odd ones, so that neither warms the cache for the other.
    let pick = |number: usize, odd: usize| (number * 7919 * 2 + odd) % lots;
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    for number in 0..answers.min(lots / 2) {
        let item = Identifier::parse(&Chains::lot(pick(number, 0))).map_err(fault)?;
        let started = Instant::now();
        let bytes = answer(bench, &item)?;
        whole.push(started.elapsed().as_secs_f64());
        if bytes < CHAIN * 300 {
            return Err(fault(format!("{item} has no whole chain")));
        }
        let lot = Chains::lot(pick(number, 1));
        let view = bench.store().view();
        let leaves: Vec<LeafIndex> = view
            .postings(&StateKey::item(&lot), CHAIN)?
            .into_iter()
            .map(|at| at.leaf)
            .collect();
        let started = Instant::now();
        drop(view.entries_with_bodies(&leaves)?);
        bare.push(started.elapsed().as_secs_f64());
    }
    Ok(Resolved {
        p50: percentile(&mut whole, 50),
        p99: percentile(&mut whole, 99),
        bare_p50: percentile(&mut bare, 50),
        bare_p99: percentile(&mut bare, 99),
    })
}

/// Lists, trace and bundle of one item; returns the bundle's size in bytes.
fn answer(bench: &Bench, item: &Identifier) -> Result<usize, Failure> {
    let view = bench.store().view();
    let mut source = ViewSource::new(&view, Reader::Public);
    let now = UnixMillis(1_760_200_000_000);
    let answer = provenance::trace(&mut source, item, now, Limits::default())?;
    if answer.steps.len() < CHAIN {
        return Err(fault(format!("{item}: {} steps", answer.steps.len())));
    }
    Ok(bundle::build(&view, &source, item.as_str())?.encode().len())
}
