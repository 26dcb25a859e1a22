//! The steps of the story, from origin to now.

use super::answer::{Free, Moment, Step, StepKind};
use super::facts::Fact;
use super::names::Names;
use super::packing::packs;
use super::source::Touch;
use super::walk::{Node, Walk};
use crate::access::open::{Openings, Openness};
use crate::event::{Action, EventKind, Role};
use crate::ids::{Handle, UnixMillis};
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

/// A record this much later than the event is late: a truck comes home once a day.
const LATE_MS: i64 = 86_400_000;

/// All steps by event time, then by place on the log.
///
/// `reader`: for whom. A proved holder sees by name through whose hands the goods came to it.
pub(super) fn steps(walk: &Walk, names: &Names, reader: Option<Handle>) -> Vec<Step> {
    let known: BTreeSet<&String> = walk.nodes.values().flat_map(|node| &node.codes).collect();
    let mut found: BTreeMap<EventRef, Step> = BTreeMap::new();
    for (id, node) in &walk.nodes {
        let path = reader.and_then(|reader| node.path_to_holder(reader));
        for fact in node.told().into_iter().chain(&node.made_with) {
            let step = found.entry(fact.at()).or_insert_with(|| step(fact, names));
            let led = path.as_ref().is_some_and(|path| leads(fact, path));
            let free = if led {
                Free::Whole
            } else {
                free(fact, node, names)
            };
            step.free = step.free.max(free);
            step.depth = step.depth.min(node.depth);
            if step.kind == StepKind::Other || fact.makes() {
                step.kind = kind(fact);
            }
            if !step.concerns.contains(id) {
                step.concerns.push(id.clone());
            }
            add_objects(step, fact, node, &known);
        }
    }
    let mut steps: Vec<Step> = found.into_values().collect();
    steps.sort_by_key(|step| (step.time, step.at));
    steps
}

/// Whether an event is on the path by which the goods came to a holder: said by one of those
/// through whose hands they came, and no shipment elsewhere.
fn leads(fact: &Fact, path: &BTreeSet<Handle>) -> bool {
    let elsewhere = fact.step() == "shipping" && fact.to.is_none_or(|to| !path.contains(&to));
    path.contains(&fact.issuer()) && !elsewhere
}

/// What anyone may see of an event, as the open lists have it. Admission also opens results of
/// whose prefix the goods bear; here only offices count, which is less and never more.
fn free(fact: &Fact, node: &Node, names: &Names) -> Free {
    let openings = Openings::of(fact.event());
    let most = node
        .codes
        .iter()
        .filter_map(|code| openings.under(code))
        .max();
    match most {
        Some(Openness::Always) => Free::Whole,
        Some(Openness::Tester) if names.only_watches(fact.issuer()) => Free::Result,
        Some(Openness::Tester) | None => Free::Outline,
    }
}

/// Inputs as the event names them; of outputs only those of this story.
fn add_objects(step: &mut Step, fact: &Fact, node: &Node, known: &BTreeSet<&String>) {
    let Some(inputs) = node.inputs.get(&fact.at()) else {
        return;
    };
    for input in inputs {
        if !step.inputs.contains(input) {
            step.inputs.push(input.clone());
        }
    }
    for object in fact.event().objects() {
        let output = object.role == Role::Output && known.iter().any(|id| *id == object.id);
        if output && step.outputs.iter().all(|id| id != object.id) {
            step.outputs.push(object.id.to_owned());
        }
    }
}

fn step(fact: &Fact, names: &Names) -> Step {
    let Touch {
        at,
        recorded,
        issuer,
        signer,
        suspect_from,
        ..
    } = fact.touch();
    let event = fact.event();
    let counterpart = match fact.step() {
        "shipping" => fact.destination(),
        "receiving" => fact.source(),
        _ => None,
    };
    Step {
        at: *at,
        event_id: event.event_id().map(str::to_owned),
        kind: kind(fact),
        biz_step: event.biz_step().map(str::to_owned),
        time: Moment(event.time()),
        offset: event.offset().to_owned(),
        recorded: Moment(*recorded),
        late: recorded.0.saturating_sub(event.time().0) > LATE_MS,
        issuer: *issuer,
        signer: (signer != issuer).then_some(*signer),
        suspect: suspect_from.is_some_and(|UnixMillis(from)| event.time().0 >= from),
        corrected: fact.corrected.clone(),
        concerns: Vec::new(),
        inputs: Vec::new(),
        outputs: Vec::new(),
        place: event
            .biz_location()
            .or_else(|| event.read_point())
            .map(str::to_owned),
        counterpart: counterpart.map(|party| names.spelling(party)),
        depth: u32::MAX,
        imported: fact.foreign(),
        free: Free::Outline,
    }
}

fn kind(fact: &Fact) -> StepKind {
    let event = fact.event();
    let destroyed = matches!(event.disposition(), Some("destroyed" | "disposed"));
    let off_shelf = fact.step() == "removing"
        && matches!(
            event.disposition(),
            Some("non_sellable_other" | "recalled" | "expired")
        );
    if fact.stops() || fact.step() == "destroying" || destroyed || off_shelf {
        return StepKind::Stopped;
    }
    if event.kind() == EventKind::Transformation {
        return StepKind::Made;
    }
    if packs(event) {
        return StepKind::Packed;
    }
    if event.kind() == EventKind::Object && event.action() == Some(Action::Add) {
        return StepKind::Origin;
    }
    let read = event.sensor_elements().next().is_some();
    match fact.step() {
        "retail_selling" | "dispensing" => StepKind::Ended,
        _ if fact.ends() => StepKind::Ended,
        "shipping" => StepKind::Shipped,
        "receiving" | "accepting" | "arriving" => StepKind::Received,
        "transporting" | "loading" | "unloading" | "sensor_reporting" => StepKind::Carried,
        "storing" if read => StepKind::Carried,
        "stocking" | "storing" => StepKind::Stocked,
        _ if fact.tests() => StepKind::Tested,
        _ if read => StepKind::Carried,
        _ => StepKind::Other,
    }
}
