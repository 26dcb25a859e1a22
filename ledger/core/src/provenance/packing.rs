//! Containers: which an item was inside, and when.

use super::facts::{Span, corrected_in, event_of};
use super::source::Touch;
use crate::event::{Action, Event, EventKind, Role};
use crate::identifier::Identifier;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// Whether an identifier names one thing that can be in one place only.
pub(super) fn is_instance(id: &str) -> bool {
    Identifier::parse(id).is_ok_and(|id| id.is_instance())
}

/// Whether an event packs or unpacks.
pub(super) const fn packs(event: &Event) -> bool {
    match event.kind() {
        EventKind::Aggregation | EventKind::Association => true,
        EventKind::Object | EventKind::Transaction | EventKind::Transformation => false,
    }
}

fn parent_of(event: &Event) -> Option<&str> {
    event
        .as_map()
        .get("parentID")
        .and_then(crate::cbor::Value::as_text)
}

fn children(event: &Event) -> Vec<&str> {
    let objects = event.objects();
    objects
        .iter()
        .filter(|object| object.role == Role::Child)
        .map(|object| object.id)
        .collect()
}

/// The parents that any of `codes` was ever put into, according to the codes' own lists.
pub(super) fn parents(
    lists: &[&[Touch]],
    codes: &BTreeSet<String>,
    corrected: &BTreeSet<EventRef>,
) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for touch in lists
        .iter()
        .copied()
        .flatten()
        .filter(|touch| !corrected.contains(&touch.at))
    {
        let Some(event) = event_of(touch).filter(|event| packs(event)) else {
            continue;
        };
        if event.action() == Some(Action::Add)
            && let Some(parent) = parent_of(event)
            && children(event).iter().any(|child| codes.contains(*child))
        {
            found.insert(parent.to_owned());
        }
    }
    found
}

/// When any of `codes`, the same goods, was inside `parent`.
///
/// `lists`: the codes' own lists and the parent's.
pub(super) fn windows(
    lists: &[&[Touch]],
    codes: &BTreeSet<String>,
    parent: &str,
    corrected: &BTreeSet<EventRef>,
) -> Vec<Span> {
    let Some(first) = codes
        .iter()
        .find(|code| is_instance(code))
        .or_else(|| codes.first())
    else {
        return Vec::new();
    };
    let goods = |child: &str| codes.contains(child).then_some(first.as_str());
    stays(lists, parent, corrected, goods)
        .remove(first.as_str())
        .unwrap_or_default()
}

/// When each child was inside `parent`, in one pass: from each ADD to the DELETE that ends it.
/// `goods` gives the name under which a child counts, if it does.
///
/// A DELETE without children takes out all of them. Of a lot, parts may be taken out one after
/// the other: it stays inside until the last DELETE that names it, before it is put in again.
pub(super) fn stays<'e>(
    lists: &[&'e [Touch]],
    parent: &str,
    corrected: &BTreeSet<EventRef>,
    goods: impl Fn(&'e str) -> Option<&'e str>,
) -> BTreeMap<&'e str, Vec<Span>> {
    let all = lists.iter().copied().flatten();
    let acts: BTreeMap<(i64, EventRef), &Event> = all
        .filter(|touch| !corrected.contains(&touch.at))
        .filter_map(|touch| Some((touch.at, event_of(touch)?)))
        .filter(|(_, event)| packs(event) && parent_of(event) == Some(parent))
        .map(|(at, event)| ((event.time().0, at), event))
        .collect();
    let mut found: BTreeMap<&str, Vec<Span>> = BTreeMap::new();
    let mut open: BTreeSet<&str> = BTreeSet::new();
    for ((time, _), event) in acts {
        let named = children(event);
        let everything = named.is_empty();
        let named: BTreeSet<&str> = named.into_iter().filter_map(&goods).collect();
        let leaving = match event.action() {
            Some(Action::Add) => {
                for child in named {
                    if open.insert(child) {
                        found.entry(child).or_default().push((time, i64::MAX));
                    }
                }
                continue;
            }
            Some(Action::Delete) if everything => std::mem::take(&mut open),
            Some(Action::Delete) => named
                .into_iter()
                .filter(|child| open.remove(child) || !is_instance(child))
                .collect(),
            Some(Action::Observe) | None => continue,
        };
        for child in leaving {
            if let Some(last) = found.get_mut(child).and_then(|spans| spans.last_mut()) {
                last.1 = time;
            }
        }
    }
    found
}

/// What two stretches have in common.
pub(super) fn common(one: Span, other: Span) -> Option<Span> {
    let both = (one.0.max(other.0), one.1.min(other.1));
    (both.0 <= both.1).then_some(both)
}

/// Adds `span` to a container's stretches; false where it was covered already.
pub(super) fn cover(spans: &mut Vec<Span>, span: Span) -> bool {
    if spans
        .iter()
        .any(|known| known.0 <= span.0 && span.1 <= known.1)
    {
        return false;
    }
    spans.push(span);
    spans.sort_unstable();
    let mut merged: Vec<Span> = Vec::with_capacity(spans.len());
    for next in spans.drain(..) {
        match merged.last_mut() {
            Some(last) if next.0 <= last.1 => last.1 = last.1.max(next.1),
            _ => merged.push(next),
        }
    }
    *spans = merged;
    true
}

/// Whether an event of a container concerns what is inside: acts on the container itself, and
/// packing of something else in it does not.
pub(super) fn concerns_inside(event: &Event, container: &str, inside: &BTreeSet<String>) -> bool {
    let objects = event.objects();
    let role = |role| {
        objects
            .iter()
            .any(|object| object.id == container && object.role == role)
    };
    if !packs(event) || role(Role::Child) {
        return true;
    }
    let children = children(event);
    children.is_empty() || children.iter().any(|child| inside.contains(*child))
}

/// What is inside `container` at `moment`.
pub(super) fn contents(list: &[Touch], container: &str, moment: i64) -> BTreeSet<String> {
    let corrected = corrected_in(&[list]);
    stays(&[list], container, &corrected, Some)
        .into_iter()
        .filter(|(_, spans)| spans.iter().any(|span| span.0 <= moment && moment < span.1))
        .map(|(child, _)| child.to_owned())
        .collect()
}

/// Whether `time` falls into one of a container's stretches.
pub(super) fn inside(spans: &[Span], time: i64) -> bool {
    spans.iter().any(|span| span.0 <= time && time <= span.1)
}
