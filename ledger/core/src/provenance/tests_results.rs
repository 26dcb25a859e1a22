//! Test results and certificates.

use super::answer::{Moment, Test, TestLine};
use super::facts::{Fact, SUYUAN};
use super::names::{both, text};
use super::walk::{Node, Walk};
use crate::cbor::{Map, Value};
use crate::ids::UnixMillis;
use std::collections::BTreeSet;

/// Every result and certificate of the story, newest first.
pub(super) fn tests(walk: &Walk) -> Vec<Test> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    for node in walk.nodes.values() {
        for fact in node.told() {
            if fact.corrected.is_none() && seen.insert(fact.at()) {
                found.extend(of(node, fact));
            }
        }
    }
    found.sort_by(|one, other| {
        let key = |test: &Test| (test.time, test.at);
        key(other)
            .cmp(&key(one))
            .then_with(|| one.document.cmp(&other.document))
    });
    found
}

/// A result's conclusion: `fail` where the laboratory says so.
pub(super) fn failed(fact: &Fact) -> bool {
    result(fact).is_some_and(|result| text(result, "conclusion") == "fail")
}

/// The tests that a result reports as passed; of a result that says `fail` none.
pub(super) fn passed(fact: &Fact) -> Vec<&str> {
    let Some(result) = result(fact).filter(|result| text(result, "conclusion") != "fail") else {
        return Vec::new();
    };
    let items = result.get("items").and_then(Value::as_array);
    let items = items.unwrap_or_default().iter().filter_map(Value::as_map);
    items
        .filter(|item| text(item, "verdict") == "pass")
        .map(|item| text(item, "item"))
        .collect()
}

fn result(fact: &Fact) -> Option<&Map> {
    fact.event()
        .extension(SUYUAN, "test")
        .and_then(Value::as_map)
}

fn of(node: &Node, fact: &Fact) -> Vec<Test> {
    let named = fact
        .event()
        .objects()
        .iter()
        .find_map(|object| node.codes.get(object.id).cloned());
    let item = named
        .or_else(|| fact.via.clone())
        .or_else(|| node.codes.first().cloned())
        .unwrap_or_default();
    let test = |document: Option<&str>| Test {
        at: fact.at(),
        time: Moment(UnixMillis(fact.time())),
        issuer: fact.issuer(),
        item: item.clone(),
        document: document
            .map(str::to_owned)
            .filter(|document| !document.is_empty()),
        conclusion: None,
        lines: Vec::new(),
        imported: fact.foreign(),
        relied_on: None,
    };
    if let Some(result) = result(fact) {
        let document = Some(text(result, "report"))
            .filter(|report| !report.is_empty())
            .or_else(|| Some(text(result, "sample")));
        let conclusion = text(result, "conclusion");
        let items = result
            .get("items")
            .and_then(Value::as_array)
            .unwrap_or_default();
        return vec![Test {
            conclusion: (!conclusion.is_empty()).then(|| conclusion.to_owned()),
            lines: items.iter().filter_map(Value::as_map).map(line).collect(),
            ..test(document)
        }];
    }
    let certificates = fact
        .event()
        .extension(SUYUAN, "certificate")
        .and_then(Value::as_array);
    let listed: Vec<Test> = certificates
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_map)
        .map(|certificate| test(Some(text(certificate, "id"))))
        .collect();
    if listed.is_empty() {
        return fact
            .event()
            .certification_info()
            .map(|document| test(Some(document)))
            .collect();
    }
    listed
}

fn line(item: &Map) -> TestLine {
    let field = |key| text(item, key).to_owned();
    TestLine {
        name: both(item.get("name")),
        method: field("method"),
        value: field("value"),
        limit: field("limit"),
        unit: field("unit"),
        verdict: field("verdict"),
    }
}
