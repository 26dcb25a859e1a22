//! One event as it concerns one item, and the few questions that rules ask of it.

use super::answer::Foreign;
use super::source::Touch;
use crate::access::open;
use crate::cbor::{Map, Value};
use crate::event::{Action, Event, EventKind, Role};
use crate::event_proof::ForeignEvent;
use crate::ids::{Handle, LeafIndex};
use crate::store::EventRef;
use std::collections::{BTreeMap, BTreeSet};

pub(super) use crate::event::MASTER_DATA;
pub(super) use crate::event::VOCABULARY as SUYUAN;

/// A stretch of event time in milliseconds, both ends included.
pub(super) type Span = (i64, i64);

/// All of time.
pub(super) const ALWAYS: Span = (i64::MIN, i64::MAX);

/// The event of a touch, if it is one.
pub(super) fn event_of(touch: &Touch) -> Option<&Event> {
    touch.content.event()
}

/// An event that concerns an item, itself or through a container.
#[derive(Clone, Debug)]
pub(super) struct Fact {
    touch: Touch,
    /// What the item's own codes play in it; empty where only a container is named.
    pub(super) plays: BTreeSet<Role>,
    /// The container through which it concerns the item.
    pub(super) via: Option<String>,
    /// When the item was where this event's readings were taken.
    pub(super) within: Vec<Span>,
    /// To whom it hands the item over, where that is a known participant.
    pub(super) to: Option<Handle>,
    /// Why its issuer took it back.
    pub(super) corrected: Option<String>,
}

impl Fact {
    /// A fact, if the touch is an event.
    pub(super) fn new(touch: &Touch, codes: &BTreeSet<String>) -> Option<Self> {
        let event = event_of(touch)?;
        let plays = plays(event, codes);
        Some(Self {
            touch: touch.clone(),
            plays,
            via: None,
            within: vec![ALWAYS],
            to: None,
            corrected: None,
        })
    }

    /// A fact of an event's touch, by what is known of it.
    pub(super) fn known(touch: &Touch, plays: BTreeSet<Role>, via: Option<String>) -> Self {
        Self {
            touch: touch.clone(),
            plays,
            via,
            within: vec![ALWAYS],
            to: None,
            corrected: None,
        }
    }

    pub(super) fn event(&self) -> &Event {
        event_of(&self.touch).expect("a fact is made of an event")
    }

    pub(super) const fn touch(&self) -> &Touch {
        &self.touch
    }

    /// The event as another log has it, where it was imported from there.
    pub(super) fn imported(&self) -> Option<&ForeignEvent> {
        self.touch.imported()
    }

    /// Where it stands there.
    pub(super) fn foreign(&self) -> Option<Foreign> {
        let told = self.imported()?;
        Some(Foreign {
            log: told.log.clone(),
            at: Some(told.at),
        })
    }

    pub(super) const fn at(&self) -> EventRef {
        self.touch.at
    }

    pub(super) const fn issuer(&self) -> Handle {
        self.touch.issuer
    }

    pub(super) fn time(&self) -> i64 {
        self.event().time().0
    }

    /// Event time first; what was recorded first decides only between equal times.
    pub(super) fn order(&self) -> (i64, bool, EventRef) {
        (self.time(), !self.creates(), self.at())
    }

    pub(super) fn step(&self) -> &str {
        self.event().biz_step().unwrap_or_default()
    }

    /// Whether it brings the item itself into being.
    pub(super) fn creates(&self) -> bool {
        let event = self.event();
        match event.kind() {
            EventKind::Object => {
                event.action() == Some(Action::Add) && self.plays.contains(&Role::Object)
            }
            EventKind::Transformation => self.plays.contains(&Role::Output),
            // A pallet begins when something is put on it.
            EventKind::Aggregation | EventKind::Association => {
                event.action() == Some(Action::Add) && self.plays.contains(&Role::Parent)
            }
            EventKind::Transaction => false,
        }
    }

    /// Whether it makes the item out of others or finds it in the field, as against packing it.
    pub(super) fn makes(&self) -> bool {
        self.creates() && !self.plays.contains(&Role::Parent)
    }

    /// Whether it uses the item up as an input.
    pub(super) fn uses(&self) -> bool {
        self.plays.contains(&Role::Input)
    }

    /// Whether the item ends with it for whoever had it: sold, given, destroyed.
    pub(super) fn ends(&self) -> bool {
        self.sells()
            || (self.event().kind() == EventKind::Object
                && self.event().action() == Some(Action::Delete)
                && self.plays.contains(&Role::Object))
    }

    /// Whether it sells or dispenses the item itself.
    pub(super) fn sells(&self) -> bool {
        matches!(self.step(), "retail_selling" | "dispensing")
            && (self.via.is_some() || self.plays.contains(&Role::Object))
    }

    /// Whether it only looks at the item, or speaks about it: no custody is needed for that.
    pub(super) fn observes(&self) -> bool {
        let event = self.event();
        if event.kind() == EventKind::Transaction {
            return true;
        }
        let observed = event.action() == Some(Action::Observe);
        observed && (self.stops() || !CUSTODY_STEPS.contains(&self.step()))
    }

    /// Whether it recalls the item.
    pub(super) fn recalls(&self) -> bool {
        open::recalls(self.event())
    }

    /// Whether it ends a recall.
    pub(super) fn unrecalls(&self) -> bool {
        open::unrecalls(self.event())
    }

    /// Recalled or held.
    pub(super) fn stops(&self) -> bool {
        open::stops(self.event())
    }

    /// Whether it brings a test result or a certificate.
    pub(super) fn tests(&self) -> bool {
        open::tests(self.event())
    }

    /// The party of this type on the sending side.
    pub(super) fn source(&self) -> Option<&str> {
        party(self.event().sources())
    }

    /// The party of this type on the receiving side.
    pub(super) fn destination(&self) -> Option<&str> {
        party(self.event().destinations())
    }

    /// A field of the item's instance and lot master data.
    pub(super) fn ilmd(&self, namespace: &str, local: &str) -> Option<&Value> {
        ilmd_of(self.event(), namespace, local)
    }

    pub(super) fn ilmd_text(&self, namespace: &str, local: &str) -> Option<&str> {
        self.ilmd(namespace, local).and_then(Value::as_text)
    }
}

/// A field of an event's instance and lot master data.
pub(super) fn ilmd_of<'e>(event: &'e Event, namespace: &str, local: &str) -> Option<&'e Value> {
    event
        .ilmd()?
        .iter()
        .find_map(|(key, value)| is_named(event.as_map(), key, namespace, local).then_some(value))
}

/// Business steps that only somebody who has the goods can do (CBV 2.0 §7.1). Not here: steps of
/// observers (inspecting, sampling, sensor_reporting, holding), of gates (arriving, departing,
/// entering_exiting), and words of one's own, of which nothing is known but filling.
const CUSTODY_STEPS: [&str; 28] = [
    "accepting",
    "assembling",
    "commissioning",
    "cycle_counting",
    "decommissioning",
    "destroying",
    "disassembling",
    "dispensing",
    "installing",
    "killing",
    "loading",
    "packing",
    "picking",
    "receiving",
    "removing",
    "repackaging",
    "repairing",
    "retail_selling",
    "shipping",
    "staging_outbound",
    "stock_taking",
    "stocking",
    "storing",
    "transporting",
    "unloading",
    "unpacking",
    "void_shipping",
    super::cylinder::FILLING,
];

/// The possessing party, or where none is named the owning one.
fn party<'a>(parties: impl Iterator<Item = (&'a str, &'a str)>) -> Option<&'a str> {
    let all: Vec<_> = parties.collect();
    ["possessing_party", "owning_party"]
        .into_iter()
        .find_map(|wanted| {
            all.iter()
                .find_map(|(kind, id)| (*kind == wanted).then_some(*id))
        })
}

/// What any of `codes` plays in `event` as one of its objects.
pub(super) fn plays_of(event: &Event, codes: &BTreeSet<String>) -> BTreeSet<Role> {
    let objects = event.objects();
    let named = objects.iter().filter(|object| codes.contains(object.id));
    named.map(|object| object.role).collect()
}

/// What any of `codes` plays in `event`, and what their serials do for a lot.
pub(super) fn plays(event: &Event, codes: &BTreeSet<String>) -> BTreeSet<Role> {
    let mut roles = plays_of(event, codes);
    // Serials bring their lot into being with them.
    if event.lots_made().iter().any(|lot| codes.contains(lot)) {
        roles.insert(match event.kind() {
            EventKind::Transformation => Role::Output,
            EventKind::Aggregation
            | EventKind::Association
            | EventKind::Object
            | EventKind::Transaction => Role::Object,
        });
    }
    roles
}

/// Whether `key` of `event` means `namespace` + `local`. The prefix of CBV master data is the
/// EPCIS context's own and need not be declared.
fn is_named(event: &Map, key: &str, namespace: &str, local: &str) -> bool {
    if key.strip_prefix(namespace) == Some(local) {
        return true;
    }
    let Some((prefix, name)) = key.split_once(':') else {
        return false;
    };
    let declared = |context: &Value| {
        context
            .as_map()?
            .get(prefix)?
            .as_text()
            .map(|found| found == namespace)
    };
    let found = event.get("@context").and_then(|context| {
        let many = context.as_array().unwrap_or_default();
        declared(context).or_else(|| many.iter().find_map(declared))
    });
    name == local && found.unwrap_or(prefix == "cbvmda" && namespace == MASTER_DATA)
}

/// Marks facts whose issuer took them back, and leaves out the declarations themselves.
///
/// A declaration repeats the event it corrects, event id included (EPCIS 2.0 §7.4.1.4); only the
/// same issuer on the same log can make one. A declaration whose event is not here stands for it.
pub(super) fn correct(facts: &mut BTreeMap<EventRef, Fact>) {
    type Saying = (Option<String>, Handle, String);
    let saying = |fact: &Fact, id: &str| -> Saying {
        let log = fact.touch().log().map(str::to_owned);
        (log, fact.issuer(), id.to_owned())
    };
    let mut declared: BTreeMap<Saying, (EventRef, String)> = BTreeMap::new();
    for fact in facts.values() {
        let event = fact.event();
        if let (Some(declaration), Some(id)) = (event.error_declaration(), event.event_id()) {
            let reason = declaration.reason.unwrap_or("incorrect_data").to_owned();
            declared.insert(saying(fact, id), (fact.at(), reason));
        }
    }
    let mut originals = BTreeSet::new();
    for fact in facts.values_mut() {
        let Some(id) = fact.event().event_id() else {
            continue;
        };
        let key = saying(fact, id);
        let Some((declaration, reason)) = declared.get(&key) else {
            continue;
        };
        if fact.at() != *declaration {
            originals.insert(*declaration);
        }
        fact.corrected = Some(reason.clone());
    }
    facts.retain(|at, _| !originals.contains(at));
}

/// Where events stand that their issuers took back, and the leaf of the first declaration of it.
/// The declarations themselves are not among them.
pub(super) fn taken_back(lists: &[&[Touch]]) -> BTreeMap<EventRef, LeafIndex> {
    let all = || {
        let touches = lists.iter().copied().flatten();
        touches.filter_map(|touch| Some((touch, event_of(touch)?)))
    };
    let mut declared: BTreeMap<(Option<&str>, Handle, &str), LeafIndex> = BTreeMap::new();
    for (touch, event) in all().filter(|(_, event)| event.error_declaration().is_some()) {
        if let Some(id) = event.event_id() {
            let said = (touch.log(), touch.issuer, id);
            let first = declared.entry(said).or_insert(touch.at.leaf);
            *first = (*first).min(touch.at.leaf);
        }
    }
    if declared.is_empty() {
        return BTreeMap::new();
    }
    all()
        .filter(|(_, event)| event.error_declaration().is_none())
        .filter_map(|(touch, event)| {
            let leaf = declared.get(&(touch.log(), touch.issuer, event.event_id()?))?;
            Some((touch.at, *leaf))
        })
        .collect()
}

/// Where events stand that their issuers took back, and the declarations that say so.
pub(super) fn corrected_in(lists: &[&[Touch]]) -> BTreeSet<EventRef> {
    let all = || {
        let touches = lists.iter().copied().flatten();
        touches.filter_map(|touch| {
            let event = event_of(touch)?;
            Some((touch, event, (touch.log(), touch.issuer, event.event_id()?)))
        })
    };
    let declared: BTreeSet<(Option<&str>, Handle, &str)> = all()
        .filter(|(_, event, _)| event.error_declaration().is_some())
        .map(|(_, _, said)| said)
        .collect();
    let wrong = all().filter(|(_, _, said)| declared.contains(said));
    wrong.map(|(touch, _, _)| touch.at).collect()
}
