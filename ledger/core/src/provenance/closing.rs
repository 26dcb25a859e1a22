//! Findings that were, until something that arrived late closed them.
//!
//! Nothing about findings is stored: what was found at an earlier moment is found again from what
//! had been recorded by then. Looked into are the moments at which something arrived that can
//! close a finding: an event, or a reading, of a time before one that was recorded earlier; a
//! correction; a re-coding; the end of a recall; a further receipt.

use super::answer::{Answer, Finding, Moment, StepKind};
use super::asked::Limits;
use super::facts::event_of;
use super::source::{Content, Scope, Source, Touch, Touches};
use super::temperature::readings;
use crate::ids::{Handle, UnixMillis};
use crate::registry::Action;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// Moments that are looked into, the latest: each costs as much as the answer itself.
const MOMENTS_MAX: usize = 16;

/// Work for all moments together, counted as by [`Limits`]: no more than one answer may cost.
const WORK_MAX: usize = Limits::DEFAULT.work;

/// A source that is asked once for each list, and can answer as of an earlier moment.
#[derive(Debug)]
pub(super) struct Memory<'s, S: Source> {
    source: &'s mut S,
    lists: BTreeMap<String, Touches>,
    /// What was recorded at or after this moment is not known.
    before: Option<UnixMillis>,
}

impl<'s, S: Source> Memory<'s, S> {
    pub(super) const fn new(source: &'s mut S) -> Self {
        Self {
            source,
            lists: BTreeMap::new(),
            before: None,
        }
    }
}

impl<S: Source> Source for Memory<'_, S> {
    type Error = S::Error;

    fn scope(&self) -> Scope {
        self.source.scope()
    }

    fn reader(&self) -> Option<Handle> {
        self.source.reader()
    }

    fn length(&mut self, item: &str) -> Result<u64, S::Error> {
        self.source.length(item)
    }

    fn touches(&mut self, item: &str) -> Result<Touches, S::Error> {
        if !self.lists.contains_key(item) {
            let list = self.source.touches(item)?;
            self.lists.insert(item.to_owned(), list);
        }
        let list = &self.lists[item];
        let Some(before) = self.before else {
            return Ok(list.clone());
        };
        let mut then = list.clone();
        then.shown.retain(|touch| touch.recorded < before);
        // Of a list that was cut nobody knows how long it was; it stays cut.
        let left_out = list.shown.len() - then.shown.len();
        then.total -= u64::try_from(left_out).unwrap_or_default();
        Ok(then)
    }
}

/// The findings that were closed, each with the moment at which it was; none of an answer that
/// was cut short, of which not all is known. `judge` gives the answer from a memory; `work` is what
/// that cost for now.
pub(super) fn closed<'s, S: Source>(
    memory: &mut Memory<'s, S>,
    now: &Answer,
    work: usize,
    judge: impl Fn(&mut Memory<'s, S>) -> Result<Answer, S::Error>,
) -> Result<Vec<Finding>, S::Error> {
    if now.cut.is_some() {
        return Ok(Vec::new());
    }
    let mut earlier: Vec<(UnixMillis, Vec<Finding>)> = Vec::new();
    let count = MOMENTS_MAX.min(WORK_MAX / work.max(1));
    let moments = moments(memory, now);
    for moment in moments.iter().skip(moments.len().saturating_sub(count)) {
        memory.before = Some(*moment);
        earlier.push((*moment, judge(memory)?.findings));
    }
    memory.before = None;
    let open: BTreeSet<Key<'_>> = now.findings.iter().map(Key::of).collect();
    let mut closed: BTreeMap<Key<'_>, Finding> = BTreeMap::new();
    for (at, (moment, found)) in earlier.iter().enumerate() {
        let next = earlier.get(at + 1).map_or(&now.findings, |(_, next)| next);
        let next: BTreeSet<Key<'_>> = next.iter().map(Key::of).collect();
        for finding in found {
            let key = Key::of(finding);
            if !open.contains(&key) && !next.contains(&key) {
                let closed_at = Some(Moment(*moment));
                closed.insert(
                    key,
                    Finding {
                        closed_at,
                        ..finding.clone()
                    },
                );
            }
        }
    }
    Ok(closed.into_values().collect())
}

/// What makes a finding the same at two moments: further events may join it.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key<'f> {
    rule: super::Rule,
    item: &'f str,
    first: Option<&'f EventRef>,
    whose: Option<&'f str>,
}

impl<'f> Key<'f> {
    fn of(finding: &'f Finding) -> Self {
        Self {
            rule: finding.rule,
            item: &finding.item,
            first: finding.events.first(),
            whose: finding.whose.as_deref(),
        }
    }
}

/// The moments at which something arrived that can close a finding.
fn moments<S: Source>(memory: &Memory<'_, S>, now: &Answer) -> BTreeSet<UnixMillis> {
    let all = memory.lists.values().flat_map(|list| &list.shown);
    let touches: BTreeMap<EventRef, &Touch> = all.map(|touch| (touch.at, touch)).collect();
    let mut found: BTreeSet<UnixMillis> = BTreeSet::new();
    // By recording: what came before, and the latest time that it spoke of, for each item.
    let mut steps: Vec<_> = now.steps.iter().collect();
    steps.sort_by_key(|step| (step.recorded, step.at));
    let mut latest: BTreeMap<&str, i64> = BTreeMap::new();
    let mut received: BTreeSet<(&str, Handle)> = BTreeSet::new();
    let mut newest = i64::MIN;
    for together in steps.chunk_by(|one, next| one.recorded == next.recorded) {
        for step in together {
            let event = touches.get(&step.at).and_then(|touch| event_of(touch));
            let Some(event) = event else { continue };
            let first_reading = readings(event).iter().map(|reading| reading.from).min();
            let begins = first_reading.unwrap_or(i64::MAX).min(step.time.0.0);
            let held = event.persistent_disposition();
            let ends_recall = held.is_some_and(|held| !held.unset.is_empty());
            // A test of a lot is one of its serials, too.
            let tested = step.kind == StepKind::Tested && newest > begins;
            let late = step.concerns.iter().any(|item| {
                let known = latest.get(item.as_str());
                known.is_some_and(|known| *known > begins)
                    || (step.kind == StepKind::Received && received.contains(&(item, step.issuer)))
            });
            if late || tested || ends_recall {
                found.insert(step.recorded.0);
            }
        }
        for step in together {
            newest = newest.max(step.time.0.0);
            for item in &step.concerns {
                let known = latest.entry(item).or_insert(i64::MIN);
                *known = (*known).max(step.time.0.0);
                if step.kind == StepKind::Received {
                    received.insert((item, step.issuer));
                }
            }
        }
    }
    let corrected: BTreeSet<(Handle, &str)> = now
        .steps
        .iter()
        .filter(|step| step.corrected.is_some())
        .filter_map(|step| Some((step.issuer, step.event_id.as_deref()?)))
        .collect();
    for touch in touches.values() {
        let closes = match &*touch.content {
            // An event of another log arrives when it is imported.
            Content::Imported(_) => true,
            Content::Event(event) => {
                event.error_declaration().is_some()
                    && event
                        .event_id()
                        .is_some_and(|id| corrected.contains(&(touch.issuer, id)))
            }
            Content::Registry { action, .. } => {
                matches!(
                    action,
                    Action::Amend { .. } | Action::Recode | Action::Release
                )
            }
        };
        if closes {
            found.insert(touch.recorded);
        }
    }
    found
}
