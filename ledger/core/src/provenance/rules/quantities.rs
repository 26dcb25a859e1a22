//! Quantities: what went into and out of a hand, and what both sides of a hand-over counted.

use super::super::answer::Rule;
use super::super::facts::Fact;
use super::Findings;
use crate::cbor::Value;
use crate::ids::Handle;
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

impl Findings<'_> {
    /// More out of one hand than into it, where quantities are shown and in one unit.
    ///
    /// What comes or goes inside a container has no quantity of its own here; then nothing is
    /// said about that hand.
    pub(super) fn balance(&mut self) {
        let mut sums: BTreeMap<Handle, Balance> = BTreeMap::new();
        for fact in self
            .node
            .timeline
            .facts
            .iter()
            .filter(|fact| fact.corrected.is_none())
        {
            let into = fact.makes() || fact.step() == "receiving";
            let out = fact.uses() || fact.step() == "shipping" || fact.ends();
            if !(into || out) || fact.observes() {
                continue;
            }
            let sum = sums.entry(fact.issuer()).or_default();
            let amounts = amounts(fact, &self.node.codes);
            if into {
                match amounts {
                    Some((unit, amount))
                        if sum.unit.get_or_insert_with(|| unit.clone()) == &unit =>
                    {
                        sum.into = sum.into.and_then(|total| total.checked_add(amount));
                    }
                    _ => sum.into = None,
                }
            } else if let Some((unit, amount)) = amounts
                && sum.unit.get_or_insert_with(|| unit.clone()) == &unit
            {
                sum.out = sum.out.saturating_add(amount);
                sum.events.push(fact.at());
            }
        }
        for (whose, sum) in sums {
            if sum.into.is_some_and(|into| sum.out > into) && self.node.concerns(whose) {
                self.add(Rule::DoubleSpend, sum.events, Some(whose));
            }
        }
    }

    /// The two sides of a hand-over count differently, where both show it in one unit.
    ///
    /// One shipment may be received in parts and several at once, so that it is the sums between
    /// two parties that must agree: at once where more came than went, and where less came when
    /// no shipment between them waits for its receipt any more.
    pub(super) fn quantities(&mut self) {
        let facts: BTreeMap<EventRef, &Fact> = self
            .node
            .timeline
            .facts
            .iter()
            .map(|fact| (fact.at(), fact))
            .collect();
        let mut pairs: BTreeMap<(Handle, Handle), [BTreeSet<EventRef>; 2]> = BTreeMap::new();
        for handover in &self.node.custody.handovers {
            let pair = pairs.entry((handover.from, handover.to)).or_default();
            pair[0].insert(handover.shipped);
            pair[1].insert(handover.received);
        }
        for ((from, to), [mut shipped, received]) in pairs {
            let valid = || facts.values().filter(|fact| fact.corrected.is_none());
            if valid().any(|fact| fact.step() == "void_shipping" && fact.issuer() == from) {
                continue;
            }
            let answered = shipped.len();
            let between = |fact: &&&Fact| {
                fact.step() == "shipping" && fact.issuer() == from && fact.to == Some(to)
            };
            shipped.extend(valid().filter(between).map(|fact| fact.at()));
            let waiting = shipped.len() > answered;
            let sum = |events: &BTreeSet<EventRef>| {
                let amounts = events
                    .iter()
                    .map(|at| amounts(facts.get(at)?, &self.node.codes));
                let mut unit = None;
                let mut total = 0_i128;
                for amount in amounts {
                    let (this, amount) = amount?;
                    if *unit.get_or_insert_with(|| this.clone()) != this {
                        return None;
                    }
                    total = total.checked_add(amount)?;
                }
                Some((unit?, total))
            };
            let (Some((left, went)), Some((right, came))) = (sum(&shipped), sum(&received)) else {
                continue;
            };
            let differ = came > went || (came < went && !waiting);
            if left == right && differ && self.node.concerns(to) {
                let events = shipped.iter().chain(&received).copied().collect();
                self.add(Rule::QuantityMismatch, events, Some(to));
            }
        }
    }
}

/// What went into and out of one hand, in units of 10^-6.
#[derive(Debug)]
struct Balance {
    unit: Option<Option<String>>,
    /// `None` where some of it is not known.
    into: Option<i128>,
    out: i128,
    events: Vec<EventRef>,
}

impl Default for Balance {
    fn default() -> Self {
        Self {
            unit: None,
            into: Some(0),
            out: 0,
            events: Vec::new(),
        }
    }
}

/// Unit and amount of an item in an event, in units of 10^-6; `None` where not all is shown.
pub(in crate::provenance) fn amounts(
    fact: &Fact,
    codes: &BTreeSet<String>,
) -> Option<(Option<String>, i128)> {
    if fact.via.is_some() {
        return None;
    }
    let mut unit = None;
    let mut total: i128 = 0;
    for object in fact
        .event()
        .objects()
        .iter()
        .filter(|object| codes.contains(object.id))
    {
        let quantity = object.quantity?;
        let this = quantity.uom.map(str::to_owned);
        if *unit.get_or_insert_with(|| this.clone()) != this {
            return None;
        }
        total = total.checked_add(millionths(quantity.value)?)?;
    }
    Some((unit?, total))
}

/// The most that one amount may be, in millionths: more than there is of anything, and so much less
/// than an `i128` holds that no sum over all events of an answer leaves it.
const MILLIONTHS_MAX: i128 = 10_i128.pow(30);

/// A number in millionths; `None` where it is finer, or more than there can be.
pub(in crate::provenance) fn millionths(value: &Value) -> Option<i128> {
    let (mantissa, exponent) = value.as_number()?;
    let power = u32::try_from(exponent + 6).ok()?;
    let amount = i128::from(mantissa).checked_mul(10_i128.checked_pow(power)?)?;
    (-MILLIONTHS_MAX..=MILLIONTHS_MAX)
        .contains(&amount)
        .then_some(amount)
}
