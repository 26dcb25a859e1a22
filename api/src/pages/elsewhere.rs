//! Parts of a chain that are on other regions' logs, each with what proves it.

use super::names::{Name, Names};
use super::view::{Branch, OrderRow, TestRow, branches, look, order_row, test_row};
use super::when;
use ledger::provenance::Answer;
use ledger::provenance::across::{ProvedPart, Section, Told, Why};
use ledger::provenance::answer::Verdict;
use ledger_web::catalogue::{self, Key};

/// Results of one part on a page; all are in the JSON and in that region's own page.
const TESTS_MAX: usize = 4;

/// A part of the story on another log.
#[derive(Debug)]
pub(crate) struct Elsewhere {
    /// What it is to the goods in hand.
    pub why: Key,
    /// The region, or its log where nobody has named it.
    pub region: Name,
    pub log: String,
    pub tone: &'static str,
    /// What that log alone says; nothing where it was not heard.
    pub verdict: Option<Key>,
    /// What proves it, or since when nothing does.
    pub said: String,
    /// What it is about.
    pub thing: Option<Name>,
    pub branches: Vec<Branch>,
    pub tests: Vec<TestRow>,
    /// Whether it comes before this log's own part.
    pub before: bool,
}

/// All of them, in the order of the story.
pub(crate) fn all(names: Names<'_>) -> Vec<Elsewhere> {
    let chain = names.answer.chain.iter();
    let sections = chain.flat_map(|chain| &chain.sections);
    sections.map(|one| row(one, names)).collect()
}

/// The answer of the log that knows the code, where this one does not: nothing else says who made
/// the goods, and where.
pub(crate) fn knowing(names: Names<'_>) -> Names<'_> {
    let answer = names.answer;
    let own = answer.chain.as_ref().map(|chain| chain.own);
    if own != Some(Verdict::Unknown) {
        return names;
    }
    let mut parts = proved(answer).map(|part| &part.answer);
    let part = parts.find(|part| part.item == answer.item);
    part.map_or(names, |answer| Names {
        answer,
        abroad: true,
        ..names
    })
}

/// Orders that stand on other logs over what went into the goods in hand.
pub(crate) fn orders(names: Names<'_>) -> Vec<OrderRow> {
    let answer = names.answer;
    let stops = |one: &Verdict| matches!(one, Verdict::Recalled | Verdict::Held);
    if !stops(&answer.verdict) {
        return Vec::new();
    }
    let parts = proved(answer).filter(|part| stops(&part.answer.verdict));
    parts
        .flat_map(|part| {
            let answer = &part.answer;
            let rows = answer.orders.iter();
            let names = Names {
                answer,
                abroad: true,
                ..names
            };
            rows.map(move |one| order_row(names, one))
        })
        .collect()
}

/// Parts that other logs have proved.
pub(crate) fn proved(answer: &Answer) -> impl Iterator<Item = &ProvedPart> {
    let sections = answer.chain.iter().flat_map(|chain| &chain.sections);
    sections.filter_map(|section| match &section.told {
        Told::Proved(part) => Some(&**part),
        Told::Silent { .. } | Told::Unproved { .. } => None,
    })
}

/// What other logs have proved of where the goods came from.
pub(crate) fn before(names: Names<'_>) -> impl Iterator<Item = &Answer> {
    let chain = names.whole.answer.chain.iter();
    let sections = chain.flat_map(|chain| &chain.sections);
    sections.filter_map(|section| match &section.told {
        Told::Proved(part) if section.why == Why::From => Some(&part.answer),
        Told::Proved(_) | Told::Silent { .. } | Told::Unproved { .. } => None,
    })
}

/// Whether a log tells its part itself: what was imported from it need not be told twice.
pub(crate) fn has_told(names: Names<'_>, log: &str) -> bool {
    let chain = names.whole.answer.chain.iter();
    let mut sections = chain.flat_map(|chain| &chain.sections);
    log == names.whole.here
        || sections.any(|one| one.log == log && matches!(one.told, Told::Proved(_)))
}

fn row(section: &Section, names: Names<'_>) -> Elsewhere {
    let abroad = section.log != names.whole.here;
    let (lang, now) = (names.lang, names.answer.as_of.0);
    let region = if abroad {
        names.region(&section.log)
    } else {
        Name::own(lang, Key::PartHere)
    };
    let mut row = Elsewhere {
        why: match section.why {
            Why::From => Key::PartFrom,
            Why::To => Key::PartTo,
            Why::Asked => Key::PartKnown,
        },
        region,
        log: super::names::shorten(&section.log),
        tone: "warn",
        verdict: None,
        said: String::new(),
        thing: None,
        branches: Vec::new(),
        tests: Vec::new(),
        before: section.why != Why::To,
    };
    match &section.told {
        Told::Proved(part) => {
            let answer = &part.answer;
            let names = Names {
                answer,
                abroad,
                ..names
            };
            row.tone = look(answer.verdict).0;
            row.verdict = Some(catalogue::verdict(answer.verdict));
            let key = if part.standing == "witnessed" {
                Key::PartWitnessed
            } else {
                Key::PartRecorded
            };
            row.said = lang.fill(key, &[&when::moment(lang, part.as_of.0, now)]);
            row.thing = names.product_name(&answer.item);
            row.branches = branches(names);
            let tests = answer.tests.iter().filter(|test| test.imported.is_none());
            row.tests = tests
                .take(TESTS_MAX)
                .map(|test| test_row(names, test))
                .collect();
        }
        Told::Silent {
            last_proved: Some(time),
        } => {
            let time = when::moment(lang, time.0, now);
            row.said = lang.fill(Key::PartSilent, &[&time]);
        }
        Told::Silent { last_proved: None } => lang.t(Key::PartNever).clone_into(&mut row.said),
        Told::Unproved { fault } => {
            row.tone = "stop";
            row.said = lang.fill(Key::PartUnproved, &[fault]);
        }
    }
    row
}
