//! What concerns one item: its own events, and those of containers while it was inside.

use super::asked::Asked;
use super::facts::{Fact, Span, correct, corrected_in, event_of};
use super::names::Names;
use super::packing::{common, concerns_inside, cover, inside, parents, windows};
use super::source::{Content, Source, Touch};
use super::temperature::readings;
use crate::cbor::Value;
use crate::ids::Handle;
use crate::registry::Action;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::rc::Rc;

/// Everything that concerns one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Timeline {
    /// In order of event time.
    pub(super) facts: Vec<Fact>,
    /// Directly inside which parents, and when.
    pub(super) direct: BTreeMap<String, Vec<Span>>,
    pub(super) recodes: Vec<Recode>,
}

/// A statement that two codes are the same goods.
#[derive(Clone, Debug)]
pub(super) struct Recode {
    pub(super) at: EventRef,
    pub(super) issuer: Handle,
    pub(super) old: String,
    pub(super) new: String,
}

/// Everything that concerns an item, itself or through what it was inside, until `until`.
pub(super) fn gather<S: Source>(
    asked: &mut Asked<'_, S>,
    names: &mut Names,
    codes: &BTreeSet<String>,
    until: i64,
) -> Result<Timeline, S::Error> {
    let mut lists = Vec::new();
    for code in codes {
        lists.push(asked.list(code)?);
    }
    let mut facts = BTreeMap::new();
    let mut recodes = Vec::new();
    for touch in lists.iter().flat_map(|list| list.iter()) {
        recodes.extend(recode_of(touch));
        let Some(fact) = Fact::new(touch, codes) else {
            continue;
        };
        let lasting = fact.makes() || fact.tests() || fact.stops() || fact.unrecalls();
        if fact.time() <= until || lasting {
            facts.insert(fact.at(), fact);
        }
    }
    let mut direct = BTreeMap::new();
    let containers = containers(asked, codes, &lists, until, &mut direct)?;
    let all: BTreeSet<String> = codes.iter().chain(containers.keys()).cloned().collect();
    for (container, spans) in &containers {
        for touch in asked.list(container)?.iter() {
            let Some(event) = event_of(touch) else {
                continue;
            };
            if !concerns_inside(event, container, &all) {
                continue;
            }
            let read = || {
                readings(event)
                    .iter()
                    .any(|reading| inside(spans, reading.from))
            };
            if !inside(spans, event.time().0) && !read() {
                continue;
            }
            let Some(mut fact) = Fact::new(touch, codes) else {
                continue;
            };
            fact.via = Some(container.clone());
            fact.within.clone_from(spans);
            let known = facts.entry(touch.at).or_insert_with(|| fact);
            if known.via.is_some() && known.via.as_ref() != Some(container) {
                for span in spans {
                    cover(&mut known.within, *span);
                }
            }
        }
    }
    once(&mut facts);
    correct(&mut facts);
    let mut facts: Vec<Fact> = facts.into_values().collect();
    facts.sort_by_key(Fact::order);
    for told in facts.iter().filter_map(Fact::imported) {
        names.introduce(asked, told)?;
    }
    for fact in &mut facts {
        names.load_participant(asked, fact.issuer())?;
        for party in [fact.source(), fact.destination()].into_iter().flatten() {
            names.load_party(asked, party)?;
        }
        fact.to = fact.destination().and_then(|to| names.party(to));
    }
    recodes.sort_by_key(|recode| recode.at);
    recodes.dedup_by_key(|recode| recode.at);
    Ok(Timeline {
        facts,
        direct,
        recodes,
    })
}

/// Of an event of another log that several have imported, the first import.
fn once(facts: &mut BTreeMap<EventRef, Fact>) {
    let mut seen = BTreeSet::new();
    facts.retain(|_, fact| {
        let told = fact.imported();
        told.is_none_or(|told| seen.insert((told.log.clone(), told.at)))
    });
}

/// All containers around an item, each with the stretches of time, whatever is nested in what.
fn containers<S: Source>(
    asked: &mut Asked<'_, S>,
    codes: &BTreeSet<String>,
    lists: &[Rc<[Touch]>],
    until: i64,
    direct: &mut BTreeMap<String, Vec<Span>>,
) -> Result<BTreeMap<String, Vec<Span>>, S::Error> {
    let mut found: BTreeMap<String, Vec<Span>> = BTreeMap::new();
    let mut queue = VecDeque::from([(codes.clone(), lists.to_vec(), (i64::MIN, until))]);
    // Ends: a container comes back only with time not covered before.
    while let Some((children, lists, outer)) = queue.pop_front() {
        let lists: Vec<&[Touch]> = lists.iter().map(|list| &**list).collect();
        let corrected = corrected_in(&lists);
        for parent in parents(&lists, &children, &corrected) {
            if codes.contains(&parent) {
                continue;
            }
            let own = asked.list(&parent)?;
            // Gone through again for each parent, so asked for again.
            let mut again = Vec::new();
            for child in &children {
                again.push(asked.list(child)?);
            }
            let mut both: Vec<&[Touch]> = again.iter().map(|list| &**list).collect();
            both.push(&own);
            let corrected = corrected_in(&both);
            for span in windows(&both, &children, &parent, &corrected) {
                let Some(span) = common(span, outer) else {
                    continue;
                };
                if children == *codes {
                    direct.entry(parent.clone()).or_default().push(span);
                }
                if cover(found.entry(parent.clone()).or_default(), span) {
                    let next = BTreeSet::from([parent.clone()]);
                    queue.push_back((next, vec![Rc::clone(&own)], span));
                }
            }
        }
    }
    Ok(found)
}

fn recode_of(touch: &Touch) -> Option<Recode> {
    let Content::Registry {
        action: Action::Recode,
        record,
    } = &*touch.content
    else {
        return None;
    };
    let code = |key| record.get(key).and_then(Value::as_text).map(str::to_owned);
    Some(Recode {
        at: touch.at,
        issuer: touch.issuer,
        old: code("old")?,
        new: code("new")?,
    })
}
