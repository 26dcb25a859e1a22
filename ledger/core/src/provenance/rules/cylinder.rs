//! Gas cylinders: filled though overdue for inspection, failed or scrapped.
//!
//! | what | how it is told |
//! |---|---|
//! | the cylinder | a GIAI, commissioned with `sy:cylinder` in its `ilmd`: `{nextInspection, scrapAfter}`, dates |
//! | its valve | an AssociationEvent, ADD and DELETE, cylinder as parent, valve as child |
//! | inspections, of either | an event that names it with `sy:inspection` ([`super::super::inspections`]) |
//! | filling | an event of business step [`FILLING`] with the cylinder as object, or as parent of the gas |
//! | scrapping | business step `decommissioning` or `destroying`, or the day `scrapAfter` |

use super::super::answer::Rule;
use super::super::facts::{Fact, SUYUAN};
use super::super::inspections::{Inspection, last, past};
use super::super::packing::is_instance;
use super::super::subject::making;
use super::super::walk::Node;
use super::Findings;
use crate::cbor::{Map, Value};
use crate::event::{Action, EventKind, Role as Plays};
use crate::store::EventRef;
use std::collections::BTreeSet;

/// The business step of filling a cylinder: the CBV has none.
const FILLING: &str = "https://ref.suyuan.example/voc/filling";

/// Whether an event fills the item as a cylinder.
pub(super) fn fills(fact: &Fact) -> bool {
    let is_cylinder = fact.plays.contains(&Plays::Object) || fact.plays.contains(&Plays::Parent);
    fact.step() == FILLING && is_cylinder
}

/// Whether the item is a gas cylinder.
pub(in super::super) fn is_cylinder(node: &Node) -> bool {
    node.single() && described(node).is_some()
}

/// What its commissioning says of the cylinder.
fn described(node: &Node) -> Option<(&Fact, &Map)> {
    let making = making(node)?;
    let map = making.ilmd(SUYUAN, "cylinder").and_then(Value::as_map)?;
    Some((making, map))
}

/// The valves that a cylinder ever had.
pub(in super::super) fn valves(node: &Node) -> BTreeSet<String> {
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
fn valves_at(node: &Node, time: i64) -> BTreeSet<String> {
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

impl Findings<'_> {
    pub(super) fn cylinder(&mut self) {
        let Some((making, cylinder)) = described(self.node).filter(|_| self.node.single()) else {
            return;
        };
        let offset = making.event().offset();
        let scrap_day = past(cylinder, "scrapAfter", offset);
        let first_due = past(cylinder, "nextInspection", offset);
        let fillings: Vec<&Fact> = self.valid().filter(|fact| fills(fact)).collect();
        for filling in fillings {
            let (time, actor) = (filling.time(), Some(filling.issuer()));
            let scrapped = self.scrapped_before(time);
            if scrapped.is_some() || scrap_day.is_some_and(|day| time >= day) {
                let events = [Some(filling.at()), scrapped]
                    .into_iter()
                    .flatten()
                    .collect();
                self.add(Rule::CylinderScrapped, events, actor);
                continue;
            }
            let own = self
                .node
                .codes
                .iter()
                .flat_map(|code| self.names.inspections(code));
            let own: Vec<Inspection> = own.copied().collect();
            let mut unfit = match last(&own, time) {
                Some(one) => is_unfit(one, time).then_some(Some(one.at)),
                None => first_due.is_none_or(|due| time >= due).then_some(None),
            };
            for valve in valves_at(self.node, time) {
                if let Some(one) = last(self.names.inspections(&valve), time)
                    && is_unfit(one, time)
                {
                    unfit.get_or_insert(Some(one.at));
                }
            }
            if let Some(shown) = unfit {
                let events = [Some(filling.at()), shown].into_iter().flatten().collect();
                self.add(Rule::CylinderOverdue, events, actor);
            }
        }
    }

    fn scrapped_before(&self, time: i64) -> Option<EventRef> {
        let scraps = |fact: &&Fact| {
            let step = matches!(fact.step(), "decommissioning" | "destroying");
            fact.time() <= time && !fact.plays.is_empty() && (step || fact.ends())
        };
        self.valid().find(scraps).map(Fact::at)
    }
}

fn is_unfit(one: &Inspection, time: i64) -> bool {
    !one.passed || one.past.is_some_and(|past| time >= past)
}
