//! Where a story goes on, on the logs of other regions.
//!
//! A shipment to another region names that region's log, and the receipt there names this log and
//! the statement of the shipment, in extensions of our vocabulary:
//!
//! | event | field | value |
//! |---|---|---|
//! | shipping | `destinationLog` | origin of the log on which the receipt will stand |
//! | receiving | `sourceLog` | origin of the log on which the shipment stands |
//! | receiving | `sourceStatement` | SHA-256 of what its issuer signed, 64 hex digits |
//!
//! The shipment itself becomes known to the receiving log by an import ([`crate::region`]).

use super::answer::{BreakKind, Link, Moment, Toward};
use super::facts::{Fact, SUYUAN};
use super::names::spelled;
use super::walk::{Node, Part, Walk};
use crate::cbor::Value;
use crate::store::EventRef;
use std::collections::BTreeSet;

fn said<'f>(fact: &'f Fact, name: &str) -> Option<&'f str> {
    fact.event()
        .extension(SUYUAN, name)
        .and_then(Value::as_text)
}

/// Events of other logs that say where an item comes from: its making, and shipments. Whatever else
/// somebody over there may have said of a code is no origin.
pub(super) fn comes_from(node: &Node) -> impl Iterator<Item = &Fact> {
    let facts = node.timeline.facts.iter();
    facts.filter(|fact| {
        let comes = fact.makes() || fact.step() == "shipping";
        fact.corrected.is_none() && fact.imported().is_some() && comes
    })
}

/// Receipts of what another log recorded as shipped, where nobody has imported that shipment.
pub(super) fn unresolved(node: &Node) -> Vec<(BreakKind, Option<String>, Option<EventRef>)> {
    let facts = &node.timeline.facts;
    let known = |log: &str, statement: Option<&str>| {
        let mut told = comes_from(node).filter_map(Fact::imported);
        told.any(|told| {
            let is_it = |named: &str| told.statement.to_string() == named;
            told.log == log && statement.is_none_or(is_it)
        })
    };
    let receipts = facts.iter().filter(|fact| {
        fact.step() == "receiving" && fact.corrected.is_none() && fact.imported().is_none()
    });
    receipts
        .filter(|fact| {
            let statement = said(fact, "sourceStatement");
            said(fact, "sourceLog").is_some_and(|log| !known(log, statement))
        })
        .map(|fact| {
            let whose = Some(spelled(fact.issuer()));
            (BreakKind::ForeignUnresolved, whose, Some(fact.at()))
        })
        .collect()
}

/// The links of a story, in order.
pub(super) fn links(walk: &Walk) -> Vec<Link> {
    let mut found = BTreeSet::new();
    for node in walk.nodes.values() {
        for fact in comes_from(node) {
            let Some(told) = fact.imported() else {
                continue;
            };
            found.insert(Link {
                log: told.log.clone(),
                item: named(node, fact),
                toward: Toward::From,
                shipped: (fact.step() == "shipping").then_some(told.at),
                received: answered(node, fact),
                recorded: Moment(fact.touch().recorded),
            });
        }
        // What became of an ingredient's other parts is no part of this story.
        if node.part == Part::Input {
            continue;
        }
        // Nor is where somebody says to have sent it who never had it: he could name any log.
        let shipments = node.timeline.facts.iter().filter(|fact| {
            let had = node.custody.proved.contains(&fact.issuer());
            had && fact.step() == "shipping"
                && fact.corrected.is_none()
                && fact.imported().is_none()
        });
        for fact in shipments {
            if let Some(log) = said(fact, "destinationLog") {
                found.insert(Link {
                    log: log.to_owned(),
                    item: named(node, fact),
                    toward: Toward::To,
                    shipped: Some(fact.at()),
                    received: answered(node, fact),
                    recorded: Moment(fact.touch().recorded),
                });
            }
        }
    }
    found.into_iter().collect()
}

/// The code under which an event names an item.
fn named(node: &Node, fact: &Fact) -> String {
    let objects = fact.event().objects();
    let mut own = objects.iter().filter(|one| node.codes.contains(one.id));
    let own = own.next().map(|one| one.id.to_owned());
    own.or_else(|| fact.via.clone())
        .or_else(|| node.codes.first().cloned())
        .unwrap_or_default()
}

/// The receipt here that answers a shipment.
fn answered(node: &Node, fact: &Fact) -> Option<EventRef> {
    let mut passed = node.custody.handovers.iter();
    let passed = passed.find(|one| one.shipped == fact.at());
    passed.map(|one| one.received)
}
