//! The affected set again, by brute force: every event of the ledger is decoded, what it makes of
//! what is drawn as an edge, and the edges are followed. Nothing of provenance is used.

use super::super::fault;
use crate::exit::Failure;
use ledger::cbor::{Map, Value};
use ledger::ids::{Handle, LeafIndex};
use ledger::registry::Action;
use ledger::statement::{Issuer, Payload, SignedStatement};
use ledger::store::View;
use ledger::stored;
use std::collections::{BTreeMap, BTreeSet};

/// Leaves read at a time.
const STEP: usize = 512;

/// What came of a lot.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Came {
    /// By way of what stands.
    pub(super) standing: BTreeSet<String>,
    /// Only by way of what its issuer took back.
    pub(super) taken_back: BTreeSet<String>,
}

/// One step from goods to goods, and the event that tells it.
struct Edge {
    from: String,
    to: String,
    event: Option<(Handle, String)>,
}

/// Follows `start` through every event of the ledger.
///
/// # Errors
/// [`Failure`] where something cannot be read.
pub(super) fn came_of(view: &impl View, start: &str) -> Result<Came, Failure> {
    let size = view.head()?.map_or(0, |head| head.size().0);
    let (mut edges, mut declared) = (Vec::new(), BTreeSet::new());
    let mut leaf = 0;
    while leaf < size {
        let read = view.leaves(LeafIndex(leaf), STEP)?;
        let Some(last) = read.last() else { break };
        leaf = last.leaf.0 + 1;
        for one in &read {
            let statement = SignedStatement::parse(&one.entry).map_err(fault)?;
            let Issuer::Participant { handle, .. } = statement.header().issuer else {
                continue;
            };
            let action = match statement.payload() {
                Payload::Registry(payload) => Some(&payload.action),
                Payload::Events(_) | Payload::Block(_) => None,
            };
            if one.body.is_empty() || action.is_some_and(|action| *action != Action::Recode) {
                continue;
            }
            for said in stored::decode(&one.body).map_err(fault)? {
                let map = said.disclosure.map();
                if action.is_some() {
                    recoded(map, &mut edges);
                } else {
                    told(map, handle, &mut edges, &mut declared);
                }
            }
        }
    }
    let stands = |edge: &&Edge| {
        let event = edge.event.as_ref();
        event.is_none_or(|event| !declared.contains(event))
    };
    let standing = followed(edges.iter().filter(stands), start);
    let mut taken_back = followed(edges.iter(), start);
    taken_back.retain(|item| !standing.contains(item));
    Ok(Came {
        standing,
        taken_back,
    })
}

fn followed<'e>(edges: impl Iterator<Item = &'e Edge>, start: &str) -> BTreeSet<String> {
    let mut onward: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges {
        onward.entry(&edge.from).or_default().push(&edge.to);
    }
    let mut found = BTreeSet::from([start.to_owned()]);
    let mut left = vec![start];
    while let Some(item) = left.pop() {
        for next in onward.get(item).into_iter().flatten() {
            if found.insert((*next).to_owned()) {
                left.push(next);
            }
        }
    }
    found
}

fn recoded(record: &Map, edges: &mut Vec<Edge>) {
    let said = |key| record.get(key).and_then(Value::as_text).map(str::to_owned);
    if let (Some(old), Some(new)) = (said("old"), said("new")) {
        for (from, to) in [(&old, &new), (&new, &old)] {
            edges.push(Edge {
                from: from.clone(),
                to: to.clone(),
                event: None,
            });
        }
    }
}

fn told(
    event: &Map,
    issuer: Handle,
    edges: &mut Vec<Edge>,
    declared: &mut BTreeSet<(Handle, String)>,
) {
    let text = |key| event.get(key).and_then(Value::as_text);
    let id = text("eventID").map(|id| (issuer, id.to_owned()));
    if event.get("errorDeclaration").is_some() {
        declared.extend(id);
        return;
    }
    let mut edge = |from: &str, to: &str| {
        edges.push(Edge {
            from: from.to_owned(),
            to: to.to_owned(),
            event: id.clone(),
        });
    };
    let inputs = named(event, "inputEPCList", "inputQuantityList");
    let outputs = named(event, "outputEPCList", "outputQuantityList");
    for input in &inputs {
        for output in &outputs {
            edge(input, output);
        }
    }
    // Serials that bear their lot's number.
    let lot = event.get("ilmd").and_then(Value::as_map).and_then(|ilmd| {
        let mut fields = ilmd.iter();
        fields.find_map(|(key, value)| key.ends_with("lotNumber").then(|| value.as_text())?)
    });
    if text("action") == Some("ADD")
        && let Some(lot) = lot
    {
        for serial in named(event, "epcList", "quantityList") {
            if let Some((product, _)) = serial.split_once("/21/") {
                edge(&format!("{product}/10/{lot}"), &serial);
            }
        }
    }
}

/// Identifiers in two lists of an event.
fn named(event: &Map, single: &str, class: &str) -> Vec<String> {
    let list = |key| event.get(key).and_then(Value::as_array).unwrap_or_default();
    let singles = list(single).iter().filter_map(Value::as_text);
    let classes = list(class)
        .iter()
        .filter_map(|one| one.as_map()?.get("epcClass")?.as_text());
    singles.chain(classes).map(str::to_owned).collect()
}
