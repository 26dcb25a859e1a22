//! Whether a gas cylinder, or its valve, may be filled at a moment.
//!
//! A cylinder is one individual asset (AI 8004). Its life is ordinary events:
//!
//! | what | how it is told |
//! |---|---|
//! | the cylinder | commissioned with `sy:cylinder` in its `ilmd`: `{nextInspection, scrapAfter}`, dates |
//! | its valve | an AssociationEvent, ADD and DELETE, cylinder as parent, valve as child |
//! | inspections, of either | an event with `sy:inspection`: `{conclusion: "pass" / "fail", next: date}` |
//! | filling | the business step [`FILLING`] |
//! | scrapping | business step `decommissioning` or `destroying`, or the day after `scrapAfter` |
//!
//! `nextInspection` and `next` name the last day on which it may be filled without another one.
//! They count from the maker and from inspectors: laboratories, authorities, regulators. What its
//! keeper finds, as before filling, can only speak against it.
//!
//! Sources: 特种设备安全法 art. 49 (checks before and after filling; what is unfit is never filled)
//! and 85; TSG 23-2021 for intervals and scrapping, whose text could not be read: the dates are
//! the maker's and the inspector's, not computed here.

use super::facts::{Fact, SUYUAN};
use super::inspections::past;
use super::names::{Names, text};
use super::packing::is_instance;
use super::subject::making;
use super::walk::Node;
use crate::cbor::{Map, Value};
use crate::event::{Action, EventKind, Role as Plays};
use crate::ids::Handle;
use crate::state::Role;
use crate::store::EventRef;
use std::collections::BTreeSet;

/// The business step of filling. CBV 2.0 has no word for it.
pub(crate) const FILLING: &str = "https://ref.suyuan.example/voc/filling";

/// Whether it may be filled, with the event that says so and whose word it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fitness {
    /// Inspected, and not due again yet.
    Fit,
    /// Nobody who may has given a date until which it may be filled.
    Uninspected,
    /// The date is past.
    Overdue(EventRef, Handle),
    /// Its newest inspection, or the newest periodic one, says unfit.
    Unfit(EventRef, Handle),
    /// Destroyed or decommissioned.
    Scrapped(EventRef, Handle),
}

/// The fitness of an item at `moment`, event time in ms, as all events up to then say.
pub(crate) fn fitness(node: &Node, names: &Names, moment: i64) -> Fitness {
    if !node.single() {
        return Fitness::Uninspected;
    }
    // What the last inspector said, and after that its keepers.
    let (mut inspected, mut seen) = (None, None);
    let mut due = None;
    let facts = node.timeline.facts.iter();
    // In order of event time: what comes later replaces what came before.
    for fact in facts.filter(|fact| fact.corrected.is_none() && fact.time() <= moment) {
        let said = (fact.at(), fact.issuer());
        let offset = fact.event().offset();
        let keeper = node.custody.proved.contains(&fact.issuer());
        let inspector = inspects(names, fact.issuer());
        if scraps(fact) && (keeper || inspector) {
            return Fitness::Scrapped(said.0, said.1);
        }
        if let Some(cylinder) = described(fact) {
            due = past(cylinder, "nextInspection", offset).map(|past| (past, said));
            if past(cylinder, "scrapAfter", offset).is_some_and(|day| moment >= day) {
                return Fitness::Scrapped(said.0, said.1);
            }
        }
        let Some(inspection) = inspection(fact).filter(|_| keeper || inspector) else {
            continue;
        };
        let fails = text(inspection, "conclusion") != "pass";
        seen = Some((fails, said));
        if inspector {
            inspected = seen;
            if let Some(past) = past(inspection, "next", offset) {
                due = Some((past, said));
            }
        }
    }
    let unfit = [seen, inspected].into_iter().flatten();
    if let Some((_, (at, by))) = unfit.into_iter().find(|(fails, _)| *fails) {
        return Fitness::Unfit(at, by);
    }
    match due {
        Some((past, (at, by))) if moment >= past => Fitness::Overdue(at, by),
        Some(_) => Fitness::Fit,
        None => Fitness::Uninspected,
    }
}

/// Whether an event fills the item as a cylinder.
pub(super) fn fills(fact: &Fact) -> bool {
    let is_cylinder = fact.plays.contains(&Plays::Object) || fact.plays.contains(&Plays::Parent);
    fact.step() == FILLING && is_cylinder
}

/// Whether the item is a gas cylinder.
pub(super) fn is_cylinder(node: &Node) -> bool {
    node.single() && making(node).and_then(described).is_some()
}

/// Whether anybody inspected it.
pub(super) fn is_inspected(node: &Node) -> bool {
    let facts = &node.timeline.facts;
    facts.iter().any(|fact| inspection(fact).is_some())
}

/// What its commissioning says of the cylinder.
fn described(fact: &Fact) -> Option<&Map> {
    let making = Some(fact).filter(|fact| fact.makes())?;
    making.ilmd(SUYUAN, "cylinder").and_then(Value::as_map)
}

/// The valves that a cylinder ever had.
pub(super) fn valves(node: &Node) -> BTreeSet<String> {
    if !is_cylinder(node) {
        return BTreeSet::new();
    }
    let associated = node.timeline.facts.iter().filter(|fact| joins(fact));
    associated.flat_map(children).collect()
}

fn joins(fact: &Fact) -> bool {
    fact.event().kind() == EventKind::Association
        && fact.plays.contains(&Plays::Parent)
        && fact.corrected.is_none()
}

fn children(fact: &Fact) -> BTreeSet<String> {
    let objects = fact.event().objects();
    objects
        .iter()
        .filter(|object| object.role == Plays::Child && is_instance(object.id))
        .map(|object| object.id.to_owned())
        .collect()
}

/// The valves on it at `time`.
pub(super) fn valves_at(node: &Node, time: i64) -> BTreeSet<String> {
    let mut on = BTreeSet::new();
    for fact in node.timeline.facts.iter().filter(|fact| joins(fact)) {
        if fact.time() > time {
            continue;
        }
        let named = children(fact);
        match fact.event().action() {
            Some(Action::Add) => on.extend(named),
            Some(Action::Delete) if named.is_empty() => on.clear(),
            Some(Action::Delete) => on.retain(|valve| !named.contains(valve)),
            Some(Action::Observe) | None => {}
        }
    }
    on
}

fn inspects(names: &Names, who: Handle) -> bool {
    names.is_any(who, &[Role::Laboratory, Role::Authority, Role::Regulator])
}

/// Destroyed, decommissioned, or deleted without being sold; itself, not a vehicle it is in.
fn scraps(fact: &Fact) -> bool {
    fact.via.is_none()
        && (matches!(fact.step(), "decommissioning" | "destroying")
            || (fact.ends() && !fact.sells()))
}

fn inspection(fact: &Fact) -> Option<&Map> {
    let extension = fact.event().extension(SUYUAN, "inspection");
    extension
        .and_then(Value::as_map)
        .filter(|_| fact.via.is_none())
}
