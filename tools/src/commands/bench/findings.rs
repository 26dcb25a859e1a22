//! What it costs to find all that is wrong, beside what it cost to take it all in.

use super::fault;
use super::figures::{Figure, Report};
use super::ingest::{Bench, to_f64};
use super::workload::{CHAIN, Chains};
use crate::exit::Failure;
use ledger::identifier::Identifier;
use ledger::ids::UnixMillis;
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::{self, Limits};
use ledger::store::Store as _;
use ledger_rocks::RocksStore;
use std::path::Path;
use std::thread;
use std::time::Instant;

/// Fills a ledger, then judges every lot's whole story once, on all cores as ingest does.
pub(super) fn measure(
    events: usize,
    name: &str,
    dir: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut chains = Chains::new();
    let mut bench = Bench::found(&dir.join("findings"), &chains)?;
    bench.ingest_to(&mut chains, events)?;
    bench.settle()?;
    let lots = chains.complete_lots();
    let started = Instant::now();
    judge_all(bench.store(), lots)?;
    let took = started.elapsed().as_secs_f64();
    // Milliseconds for a thousand events, of either.
    report.add(Figure::new(
        &format!("findings_{name}"),
        took * 1e6 / to_f64(lots * CHAIN),
        "ms/1000",
        1e6 / bench.rate(),
    ))
}

fn judge_all(store: &RocksStore, lots: usize) -> Result<(), Failure> {
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let work = |first| judge_some(store, (first..lots).step_by(threads));
        #[expect(
            clippy::needless_collect,
            reason = "all are at work before the first is waited for"
        )]
        let workers: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || work(first)))
            .collect();
        workers.into_iter().try_for_each(|worker| {
            worker
                .join()
                .unwrap_or_else(|_| Err(fault("a judge panicked")))
        })
    })
}

fn judge_some(store: &RocksStore, lots: impl Iterator<Item = usize>) -> Result<(), Failure> {
    let now = UnixMillis(1_760_200_000_000);
    for lot in lots {
        let item = Identifier::parse(&Chains::lot(lot)).map_err(fault)?;
        let view = store.view();
        let mut source = ViewSource::new(&view, Reader::Confidential);
        let answer = provenance::trace(&mut source, &item, now, Limits::default())?;
        if answer.steps.len() < CHAIN {
            return Err(fault(format!("{item}: {} steps", answer.steps.len())));
        }
    }
    Ok(())
}
