//! A recall: an ingredient's lot, ten thousand boxes made of it, and a million other events.
//!
//! The ledger is made by sealing blocks straight into a store: receipts and queues are measured
//! elsewhere. Beside the answer stand the bare reads of the very records it needs. The answer must
//! equal what brute force finds; then the lot is recalled, and every scan must say so.

mod brute;
mod town;

use super::fault;
use super::limits::percentile;
use super::workload::Chains;
use crate::exit::Failure;
use brute::Came;
use ledger::admission::check;
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::lists::{BatchSource, Reader, ViewSource};
use ledger::provenance::answer::Verdict;
use ledger::provenance::{Affected, Forward, Limits, Start, forward, judge};
use ledger::seal::{Log, Outcome, seal};
use ledger::signature::{Signer as _, SigningKey};
use ledger::state::StateKey;
use ledger::statement::SignedStatement;
use ledger::store::{EventRef, Store as _, View as _};
use ledger_rocks::{Options, RocksStore};
use node::secrets::OsSecrets;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Instant;
use town::Town;

/// Statements of one block.
const BLOCK: usize = 1024;

/// What was measured, in seconds.
#[derive(Debug)]
pub(super) struct Recalled {
    pub(super) p50: f64,
    pub(super) worst: f64,
    pub(super) bare_p50: f64,
    pub(super) items: usize,
    pub(super) events: usize,
    /// Lots of other goods that were scanned too, and do not turn.
    pub(super) others: usize,
}

/// Lots of other goods that are scanned after the recall.
const OTHERS: usize = 1000;

/// Makes a ledger of `events` in `dir`, of which `boxes` come of one lot, and recalls that lot
/// `answers` times.
pub(super) fn measure(
    dir: &Path,
    events: usize,
    boxes: usize,
    answers: usize,
) -> Result<Recalled, Failure> {
    let town = Town::new();
    let store = RocksStore::create(dir, Chains::ORIGIN, Options::default()).map_err(fault)?;
    let key = SigningKey::from_seed([0x10; 32]);
    let mut now = UnixMillis(1_770_000_000_000);
    let mut load = |statements: Vec<Vec<u8>>| -> Result<(), Failure> {
        for some in statements.chunks(BLOCK) {
            let mut checked = Vec::with_capacity(some.len());
            for bytes in some {
                let statement =
                    SignedStatement::parse(bytes).map_err(|error| fault(error.name()))?;
                let signer = town
                    .key_of(&statement)
                    .unwrap_or_else(|| key.public_key().clone());
                checked.push(check(statement, &signer).map_err(|error| fault(error.name()))?);
            }
            let log = Log {
                origin: Chains::ORIGIN,
                signer: &key,
            };
            let sealed = seal(&store.view(), log, &OsSecrets, &checked, now)?;
            if let Some(Outcome::Rejected(why)) = sealed
                .outcomes
                .iter()
                .find(|one| matches!(one, Outcome::Rejected(_)))
            {
                return Err(fault(format!(
                    "a statement of the bench was refused: {why}"
                )));
            }
            if let Some(write) = sealed.write {
                store.commit(write)?;
            }
            now.0 += 1000;
        }
        Ok(())
    };
    for act in town.founding(&key) {
        load(vec![act])?;
    }
    // The recalled goods lie among the others, as in life: a tenth of the rest, then they, then
    // the rest.
    let affected = town.affected(boxes);
    let others = events.saturating_sub(boxes * 4) / 100;
    let mut chains = Chains::new();
    load(chains.hundreds(others / 10))?;
    load(affected)?;
    let mut left = others - others / 10;
    while left > 0 {
        let some = left.min(500);
        load(chains.hundreds(some))?;
        left -= some;
    }
    let lot = Identifier::parse(&Town::ingredient()).map_err(fault)?;
    let (mut whole, mut bare) = (Vec::new(), Vec::new());
    let mut found = None;
    for _ in 0..answers.max(1) {
        let started = Instant::now();
        let answer = recall(&store, &lot)?;
        whole.push(started.elapsed().as_secs_f64());
        bare.push(bare_reads(&store, &answer)?);
        found = Some(answer);
    }
    let answer = found.ok_or_else(|| fault("nothing was asked"))?;
    let goods = goods(&answer);
    let want = brute::came_of(&store.view(), lot.as_str())?;
    if answer.cut.is_some() || goods != want || goods.standing.len() < boxes {
        return Err(fault(format!(
            "{} items, and {} by way of what was taken back; brute force finds {} and {}; cut: {:?}",
            goods.standing.len(),
            goods.taken_back.len(),
            want.standing.len(),
            want.taken_back.len(),
            answer.cut
        )));
    }
    load(vec![town.order()])?;
    let others = OTHERS.min(chains.complete_lots());
    let lots = (0..others).map(Chains::lot);
    turned(&store, &goods, lots)?;
    let worst = whole.iter().copied().fold(0.0, f64::max);
    Ok(Recalled {
        p50: percentile(&mut whole, 50),
        worst,
        bare_p50: percentile(&mut bare, 50),
        items: goods.standing.len(),
        events,
        others,
    })
}

/// The goods of an answer; containers are only where they are.
fn goods(answer: &Forward) -> Came {
    let all = answer.items.iter().filter(|one| one.is_goods());
    let (standing, taken_back): (Vec<&Affected>, Vec<&Affected>) =
        all.partition(|one| one.taken_back.is_none());
    let names = |some: Vec<&Affected>| some.iter().map(|one| one.item.clone()).collect();
    Came {
        standing: names(standing),
        taken_back: names(taken_back),
    }
}

/// Scans everything after the recall: what came of the lot is recalled, what was taken back before
/// the order and all else is not.
fn turned(
    store: &RocksStore,
    goods: &Came,
    others: impl Iterator<Item = String>,
) -> Result<(), Failure> {
    let view = store.view();
    let recalled = |item: &str| -> Result<bool, Failure> {
        let item = Identifier::parse(item).map_err(fault)?;
        let mut source = ViewSource::new(&view, Reader::Confidential);
        let now = UnixMillis(1_790_000_000_000);
        let answer = judge(&mut source, &item, now, Limits::DEFAULT)?;
        Ok(answer.verdict == Verdict::Recalled)
    };
    for item in &goods.standing {
        if !recalled(item)? {
            return Err(fault(format!(
                "{item} came of the recalled lot, and did not turn"
            )));
        }
    }
    for item in goods.taken_back.iter().cloned().chain(others) {
        if recalled(&item)? {
            return Err(fault(format!(
                "{item} has nothing to do with the recall, and turned"
            )));
        }
    }
    Ok(())
}

fn recall(store: &RocksStore, lot: &Identifier) -> Result<Forward, Failure> {
    let view = store.view();
    let mut source = BatchSource::new(&view, Reader::Confidential);
    let start = [Start::Item(lot.clone())];
    let now = UnixMillis(1_790_000_000_000);
    Ok(forward(&mut source, &start, now, Limits::RECALL)?)
}

/// The lists of the affected items, and the entries and bodies they name, without looking at them.
fn bare_reads(store: &RocksStore, answer: &Forward) -> Result<f64, Failure> {
    let view = store.view();
    let keys: Vec<StateKey> = answer
        .items
        .iter()
        .map(|one| StateKey::item(&one.item))
        .collect();
    let started = Instant::now();
    let lists: Vec<Vec<EventRef>> = view.postings_of(&keys, Limits::RECALL.list)?;
    let leaves: BTreeSet<LeafIndex> = lists.iter().flatten().map(|at| at.leaf).collect();
    let leaves: Vec<LeafIndex> = leaves.into_iter().collect();
    for some in leaves.chunks(4096) {
        drop(view.entries_with_bodies(some)?);
    }
    Ok(started.elapsed().as_secs_f64())
}
