//! What a report says of parts that are on other ledgers.
//!
//! Each is named with its ledger, what stands behind that ledger's word, and what it says of its own
//! item; and so is each that the file lacks.

use crate::catalogue::{self, Key};
use crate::proved::{finding, missing, order, printed, rests_on, step};
use crate::report::{Row, Section, both, filled, plain, sentence};
use ledger::bundle::{Import, Part, ProvedChain};
use ledger::provenance::Scope;
use ledger::provenance::across::{Chain, Section as Found, Told, Why};
use ledger::provenance::answer::{Answer, Finding, Stop};
use ledger::time::format_utc;
use ledger::tlog_policy::{Standing, TlogPolicy};
use std::collections::BTreeSet;

fn chain(answer: &Answer) -> Option<&Chain> {
    answer.chain.as_deref()
}

fn found(answer: &Answer) -> impl Iterator<Item = &Found> {
    chain(answer).into_iter().flat_map(|chain| &chain.sections)
}

fn proved(section: &Found) -> Option<&Answer> {
    match &section.told {
        Told::Proved(part) => Some(&part.answer),
        Told::Silent { .. } | Told::Unproved { .. } => None,
    }
}

/// Whether the chain goes on where this file shows nothing.
pub(crate) fn are_missing(answer: &Answer) -> bool {
    let cut = chain(answer).is_some_and(|chain| chain.cut);
    cut || found(answer).any(|section| proved(section).is_none())
}

/// Holds and recalls, of any part.
pub(crate) fn orders(answer: &Answer) -> impl Iterator<Item = &Stop> {
    let others = found(answer).filter_map(proved);
    let others = others.flat_map(|part| &part.orders);
    answer.orders.iter().chain(others)
}

/// What only the parts together show.
pub(crate) fn findings(answer: &Answer) -> impl Iterator<Item = &Finding> {
    chain(answer).into_iter().flat_map(|chain| &chain.findings)
}

/// One section for each part.
pub(crate) fn sections(chain: &ProvedChain, policy: &TlogPolicy) -> Vec<Section> {
    let answer = &chain.root.answer;
    let one = |found: &Found| {
        let part = chain.part(&found.log, &found.item);
        let mut rows = vec![about(found)];
        match &found.told {
            Told::Proved(told) => rows.extend(content(&told.answer)),
            Told::Silent { last_proved } => rows.push(sentence(last_proved.map_or_else(
                || both(Key::VerifyPartNever),
                |last| filled(Key::VerifyPartMissing, &[&format_utc(last.0)]),
            ))),
            Told::Unproved { fault } => {
                rows.push(sentence(filled(Key::PartUnproved, &[fault])));
            }
        }
        rows.extend(part.into_iter().flat_map(|part| basis(part, policy)));
        Section {
            heading: filled(Key::VerifyPart, &[&found.log]),
            rows,
        }
    };
    found(answer).map(one).collect()
}

/// Why it belongs to the chain, and which item it is about.
fn about(found: &Found) -> Row {
    let why = match found.why {
        Why::From => Key::PartFrom,
        Why::To => Key::PartTo,
        Why::Asked => Key::PartKnown,
    };
    Row {
        label: both(why),
        value: plain(&printed(&found.item)),
    }
}

/// What that ledger says of it.
fn content(part: &Answer) -> Vec<Row> {
    let mut rows = vec![Row {
        label: both(Key::VerifyVerdict),
        value: both(catalogue::verdict(part.verdict)),
    }];
    if part.scope == Scope::Open {
        rows.push(sentence(both(Key::VerifyProvedOpen)));
    }
    rows.extend(part.orders.iter().map(|one| order(part, one)));
    rows.extend(part.breaks.iter().map(missing));
    rows.extend(part.findings.iter().map(finding));
    rows.extend(part.steps.iter().map(|one| step(part, one)));
    rows
}

fn basis(part: &Part, policy: &TlogPolicy) -> Vec<Row> {
    rests_on(&part.proved.facts(), &part.judged, policy)
}

/// What was taken from other ledgers, and what stands behind it; each ledger once for each.
pub(crate) fn imports(chain: &ProvedChain) -> Vec<Row> {
    let parts = chain.parts.iter().map(|part| &part.proved);
    let all = std::iter::once(&chain.root.proved).chain(parts);
    let kinds: BTreeSet<(&str, Option<Standing>)> = all
        .flat_map(|proved| proved.imports())
        .map(|Import { log, standing }| (log.as_str(), *standing))
        .collect();
    let one = |(log, standing): (&str, Option<Standing>)| {
        let what = match standing {
            Some(Standing::Witnessed) => Key::VerifyImportWitnessed,
            Some(Standing::Recorded) => Key::VerifyImportRecorded,
            None => Key::VerifyImportTaken,
        };
        Row {
            label: plain(log),
            value: both(what),
        }
    };
    kinds.into_iter().map(one).collect()
}

/// Parts that the file lacks.
pub(crate) fn not_proved(answer: &Answer) -> impl Iterator<Item = Row> {
    let lacking = found(answer).filter(|section| proved(section).is_none());
    let cut = chain(answer).is_some_and(|chain| chain.cut);
    lacking
        .map(|section| sentence(filled(Key::VerifyNotPart, &[&section.log])))
        .chain(cut.then(|| sentence(both(Key::VerifyNotCut))))
}

/// The verdict of the ledger that was asked, where the whole chain's is another.
pub(crate) fn own_verdict(answer: &Answer) -> Option<Row> {
    let own = chain(answer)?.own;
    (own != answer.verdict).then(|| Row {
        label: both(Key::VerifyOwn),
        value: both(catalogue::verdict(own)),
    })
}
