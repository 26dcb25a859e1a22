//! Checks before an act, beside the bare reads of the same records.

use super::fault;
use super::figures::{Figure, Report};
use super::ingest::Bench;
use super::limits::percentile;
use super::workload::{CHAIN, Chains};
use crate::exit::Failure;
use ledger::check::{Act, Attested, Decision, Question, check};
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::Limits;
use ledger::state::StateKey;
use ledger::store::{Store as _, View as _};
use std::path::Path;
use std::time::Instant;

/// Fills a ledger and asks about lots spread over it.
pub(super) fn measure(
    events: usize,
    name: &str,
    answers: usize,
    dir: &Path,
    report: &mut Report,
) -> Result<(), Failure> {
    let mut chains = Chains::new();
    let mut bench = Bench::found(&dir.join("check"), &chains)?;
    bench.ingest_to(&mut chains, events)?;
    bench.settle()?;
    let bench = bench.reopen_with_cache_of_a_tenth()?;
    let lots = chains.complete_lots();
    // As in resolving: a stride that no cache likes, and neither kind warms the cache for the other.
    let pick = |number: usize, odd: usize| Chains::lot((number * 7919 * 2 + odd) % lots);
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    for number in 0..answers.min(lots / 2) {
        let item = Identifier::parse(&pick(number, 0)).map_err(fault)?;
        let started = Instant::now();
        let decided = answer(&bench, &chains, item)?;
        whole.push(started.elapsed().as_secs_f64());
        if decided.decision != Decision::Allow {
            return Err(fault(format!("{}: {:?}", decided.item, decided.reasons)));
        }
        let view = bench.store().view();
        let leaves: Vec<LeafIndex> = view
            .postings(&StateKey::item(&pick(number, 1)), CHAIN)?
            .into_iter()
            .map(|at| at.leaf)
            .collect();
        let started = Instant::now();
        drop(view.entries_with_bodies(&leaves)?);
        bare.push(started.elapsed().as_secs_f64());
    }
    for percent in [50, 99] {
        report.add(Figure::new(
            &format!("check_p{percent}_{name}"),
            percentile(&mut whole, percent) * 1e3,
            "ms",
            percentile(&mut bare, percent) * 1e3,
        ))?;
    }
    Ok(())
}

/// What a till hears, signed: lists, walk, rules, signature.
fn answer(
    bench: &Bench,
    chains: &Chains,
    item: Identifier,
) -> Result<ledger::check::Answer, Failure> {
    let view = bench.store().view();
    let head = view.head()?.ok_or_else(|| fault("an empty ledger"))?;
    let question = Question {
        item,
        act: Act::Sell,
        actor: chains.shop(),
        at: UnixMillis(1_760_200_000_000),
    };
    let mut source = ViewSource::new(&view, Reader::Public);
    let attested = Attested {
        answer: check(&mut source, &question, Limits::DEFAULT)?.answer,
        size: head.size(),
        root: head.block.root,
    };
    drop(bench.attest(&attested));
    Ok(attested.answer)
}
