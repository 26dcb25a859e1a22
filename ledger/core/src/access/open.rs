//! What everyone sees in full: of each item the making, test results, stops, and what things are
//! called.
//!
//! An item has two lists. The whole one holds everything said of it; the **open list** only what
//! is anyone's to see. Both are in the state, so that either can be proved complete: a stranger's
//! bundle shows that no recall is left out without showing a single customer, since hand-overs,
//! transport, storage and sales are on the whole list only.
//!
//! Who speaks on an open list is a maker, a laboratory, an authority, or somebody who warns. Its
//! entries show their issuers' handles; those of shops and carriers are on no open list.

use crate::cbor::Value;
use crate::event::{Action, Event, EventKind, Role, VOCABULARY};
use std::collections::BTreeSet;

/// Under which name an item's open list stands.
#[must_use]
pub fn open_list(item: &str) -> String {
    format!("{OPEN}{item}")
}

/// The item of an open list.
#[must_use]
pub fn item_of_open_list(name: &str) -> Option<&str> {
    name.strip_prefix(OPEN)
}

/// No event can name an item under this prefix: the parser of identifiers knows every word after
/// `urn:suyuan:`.
const OPEN: &str = "urn:suyuan:open:";

/// On what it depends that an event stands on an item's open list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Openness {
    /// A test result or certificate: open from a laboratory, an authority or regulator, or from
    /// whose prefix the item bears, as long as it names no other place or party.
    Tester,
    /// Its making, a stop, a failed test: open whoever says it. A warning that names another's
    /// place, or another party, is not admitted.
    Always,
}

/// Under which of its items an event is anyone's to see.
#[derive(Clone, Debug)]
pub struct Openings {
    /// Whether it warns, whatever it names.
    warns: bool,
    tests: bool,
    /// What it brings into being, and what joins the parts of such a making.
    made: BTreeSet<String>,
}

impl Openings {
    /// Those of one event.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        Self {
            warns: stops(event) || unrecalls(event) || failed(event),
            tests: tests(event),
            made: made(event),
        }
    }

    /// Whether it warns of what it names: a stop or the end of a recall, or a failed test.
    #[must_use]
    pub const fn warns(&self) -> bool {
        self.warns
    }

    /// On what it depends that the event stands on this item's open list; `None`: it does not.
    #[must_use]
    pub fn under(&self, item: &str) -> Option<Openness> {
        if self.warns || self.made.contains(item) {
            Some(Openness::Always)
        } else {
            self.tests.then_some(Openness::Tester)
        }
    }
}

fn made(event: &Event) -> BTreeSet<String> {
    let role = match event.kind() {
        EventKind::Object if event.action() == Some(Action::Add) => Role::Object,
        EventKind::Transformation => Role::Output,
        EventKind::Aggregation
        | EventKind::Association
        | EventKind::Object
        | EventKind::Transaction => return BTreeSet::new(),
    };
    let mut made = event.lots_made();
    made.extend(event.transformation_id().map(str::to_owned));
    let objects = event.objects().into_iter();
    let goods = objects.filter(|object| object.role == role);
    made.extend(goods.map(|object| object.id.to_owned()));
    made
}

/// Whether it recalls what it names, or holds it back.
#[must_use]
pub fn stops(event: &Event) -> bool {
    recalls(event) || event.biz_step() == Some("holding")
}

/// Whether it recalls what it names.
#[must_use]
pub fn recalls(event: &Event) -> bool {
    let set = event
        .persistent_disposition()
        .is_some_and(|held| held.set.contains(&RECALLED));
    set || (event.disposition() == Some(RECALLED) && !moves(event))
}

/// Whether it ends a recall.
#[must_use]
pub fn unrecalls(event: &Event) -> bool {
    event
        .persistent_disposition()
        .is_some_and(|held| held.unset.contains(&RECALLED))
}

/// Whether it brings a test result or a certificate.
#[must_use]
pub fn tests(event: &Event) -> bool {
    extension(event, "test").is_some()
        || extension(event, "certificate").is_some()
        || event.certification_info().next().is_some()
        || matches!(event.biz_step(), Some("inspecting" | "sampling"))
}

/// Whether it brings a result that failed.
#[must_use]
pub fn failed(event: &Event) -> bool {
    let result = extension(event, "test").and_then(Value::as_map);
    let conclusion = result.and_then(|result| result.get("conclusion"));
    conclusion.and_then(Value::as_text) == Some("fail")
}

/// One of our own fields. Most events have none, and then no names need to be written out.
fn extension<'a>(event: &'a Event, name: &str) -> Option<&'a Value> {
    let any = event.as_map().iter().any(|(key, _)| key.contains(':'));
    any.then(|| event.extension(VOCABULARY, name)).flatten()
}

const RECALLED: &str = "recalled";

/// Recalled goods on their way back carry the disposition too; that recalls nothing.
fn moves(event: &Event) -> bool {
    matches!(
        event.biz_step(),
        Some("shipping" | "receiving" | "packing" | "loading" | "unloading")
    )
}
