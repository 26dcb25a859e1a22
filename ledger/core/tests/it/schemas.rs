//! The schemas are true: every golden vector follows its CDDL rule, and what the ledger says as
//! JSON follows the JSON Schemas. Altered bytes and documents do not, so that a schema that allows
//! anything would be noticed.

use crate::examples::{answer_json, event_json};
use cddl::ast::CDDL;
use cddl::cddl_from_str;
use cddl::validator::Validator as _;
use cddl::validator::cbor::CBORValidator;
use cddl::validator::cbor_value::decode_cbor;
use ledger::check::Ground;
use ledger::event::document;
use ledger::policy::Policy;
use serde_json::{Value as Json, json};
use std::fs;
use std::path::{Path, PathBuf};

fn schemas() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "schemas"]
        .iter()
        .collect()
}

fn read(name: &str) -> String {
    fs::read_to_string(schemas().join(name)).unwrap()
}

/// Checks `bytes` against one rule of a schema. What a schema describes is its first rule.
fn conforms(schema: &mut CDDL<'_>, rule: &str, bytes: &[u8]) -> Result<(), String> {
    let at = schema.rules.iter().position(|one| one.name() == rule);
    schema
        .rules
        .swap(0, at.ok_or_else(|| format!("no rule {rule}"))?);
    let value = decode_cbor(bytes).map_err(|error| error.to_string())?;
    CBORValidator::new(schema, value, None)
        .validate()
        .map_err(|error| error.to_string())
}

/// Every vector: rule, name, bytes.
fn vectors() -> Vec<(String, String, Vec<u8>)> {
    let mut all = Vec::new();
    for file in fs::read_dir(schemas().join("vectors")).unwrap() {
        let file: Json =
            serde_json::from_str(&fs::read_to_string(file.unwrap().path()).unwrap()).unwrap();
        let Some(vectors) = file["vectors"].as_array() else {
            continue;
        };
        for vector in vectors {
            let text = |field: &str| vector[field].as_str().unwrap().to_owned();
            let bytes = hex::decode(text("hex")).unwrap();
            all.push((
                file["rule"].as_str().unwrap().to_owned(),
                text("name"),
                bytes,
            ));
        }
    }
    assert!(all.len() > 40, "the vectors are there");
    all
}

/// Text, not CBOR.
const TEXT: &str = "checkpoint";

/// The rule that the validator cannot follow: it takes a map directly inside a map of the same
/// kind for an error. What is under it is [`ledger::cbor::Value`], whose decoder is stricter.
const RECURSIVE: &str = "value    = number / bool / null / tstr / [ * value ] / map\n";

fn cddl_text() -> String {
    let text = read("suyuan.cddl");
    assert!(text.contains(RECURSIVE));
    text.replace(RECURSIVE, "value = any\n")
}

#[test]
fn every_vector_follows_its_cddl_rule() {
    let text = cddl_text();
    let mut schema = cddl_from_str(&text, true).unwrap();
    let failures: Vec<String> = vectors()
        .iter()
        .filter(|(rule, _, _)| rule != TEXT)
        .filter_map(|(rule, name, bytes)| {
            let why = conforms(&mut schema, rule, bytes).err()?;
            Some(format!("{rule}, {name}: {why:.300}"))
        })
        .collect();
    assert!(failures.is_empty(), "{failures:#?}");
}

/// The same array with one more item, null.
fn altered(bytes: &[u8]) -> Option<Vec<u8>> {
    let at = usize::from(bytes[0] == 0xd2);
    let is_array = (0x81..0x97).contains(&bytes[at]);
    let mut longer = [bytes, &[0xf6]].concat();
    longer[at] += 1;
    is_array.then_some(longer)
}

#[test]
fn one_item_more_follows_no_rule() {
    let text = cddl_text();
    let mut schema = cddl_from_str(&text, true).unwrap();
    let mut tried = 0;
    for (rule, name, bytes) in vectors() {
        // Lists may be longer, but not by null; events are maps.
        let Some(longer) = altered(&bytes).filter(|_| rule != TEXT) else {
            continue;
        };
        tried += 1;
        assert!(
            conforms(&mut schema, &rule, &longer).is_err(),
            "{rule}, {name}"
        );
    }
    assert!(tried > 40, "{tried} vectors tried");
}

fn validator(name: &str, definition: &str) -> jsonschema::Validator {
    let mut schema: Json = serde_json::from_str(&read(name)).unwrap();
    if !definition.is_empty() {
        schema = json!({"$ref": format!("#/$defs/{definition}"), "$defs": schema["$defs"]});
    }
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// The first thing that breaks the schema.
fn breach(schema: &jsonschema::Validator, document: &Json) -> Option<String> {
    schema
        .validate(document)
        .err()
        .map(|error| format!("{}: {error}", error.instance_path()))
}

/// Documents below a folder of the examples: what has a number before its name.
fn examples(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        if path.is_dir() {
            all.extend(examples(&path));
        } else if name.starts_with(|first: char| first.is_ascii_digit()) {
            all.push(path);
        }
    }
    all
}

#[test]
fn every_event_of_the_examples_follows_the_event_schema() {
    let schema = validator("event.schema.json", "");
    let mut events = event_json();
    for path in examples(&schemas().join("examples")) {
        let document = document::parse_bytes(&fs::read(&path).unwrap()).unwrap();
        events.extend(document.events.iter().map(ledger::event::Event::to_json));
    }
    assert!(events.len() > 50, "{} events", events.len());
    for event in &events {
        assert_eq!(breach(&schema, event), None, "{event:#}");
    }
}

#[test]
fn what_the_ledger_never_returns_breaks_the_event_schema() {
    let schema = validator("event.schema.json", "");
    let good = &event_json()[0];
    for (pointer, wrong) in [
        ("/type", json!("QuantityEvent")),
        ("/action", json!("add")),
        ("/eventTime", json!("2026-11-20T08:00:00+08:00")),
        ("/eventTimeZoneOffset", json!("+15:00")),
        ("/bizStep", json!("not a word")),
        ("/quantityList/0/epcClass", json!("a lot")),
        ("/quantityList/0/quantity", json!("2.5")),
        ("/sensorElementList/0/sensorReport", json!([])),
        ("/@context", json!("https://other.example/")),
    ] {
        let mut event = good.clone();
        *event.pointer_mut(pointer).unwrap() = wrong;
        assert!(breach(&schema, &event).is_some(), "{pointer}");
    }
    for field in [
        "@context",
        "type",
        "eventTime",
        "eventTimeZoneOffset",
        "action",
    ] {
        let mut event = good.clone();
        event.as_object_mut().unwrap().remove(field);
        assert!(breach(&schema, &event).is_some(), "{field}");
    }
}

#[test]
fn an_answer_follows_its_schema_and_has_no_field_more_or_less() {
    let schema = validator("answer.schema.json", "");
    let answer = answer_json();
    assert_eq!(breach(&schema, &answer), None, "{answer:#}");
    assert!(!answer["steps"].as_array().unwrap().is_empty());
    for field in answer.as_object().unwrap().keys() {
        let mut less = answer.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(breach(&schema, &less).is_some(), "{field}");
    }
    let mut more = answer.clone();
    more["steps"][0]["price"] = json!(3);
    assert!(breach(&schema, &more).is_some());
    let mut other = answer;
    other["verdict"] = json!("fine");
    assert!(breach(&schema, &other).is_some());
}

#[test]
fn answers_to_checks_follow_their_schema_which_knows_every_rule() {
    let schema = validator("check-answer.schema.json", "");
    let vectors: Json = serde_json::from_str(&read("vectors/check-answer.json")).unwrap();
    for vector in vectors["vectors"].as_array().unwrap() {
        let answer = &vector["facts"]["json"];
        assert_eq!(breach(&schema, answer), None, "{answer:#}");
        for field in answer.as_object().unwrap().keys() {
            let mut less = answer.clone();
            less.as_object_mut().unwrap().remove(field);
            assert!(breach(&schema, &less).is_some(), "{field}");
        }
        for ground in Ground::all() {
            let mut other = answer.clone();
            other["reasons"][0]["rule"] = ground.word().into();
            assert_eq!(breach(&schema, &other), None, "{}", ground.word());
        }
        let mut other = answer.clone();
        other["reasons"][0]["rule"] = json!("bad luck");
        assert!(breach(&schema, &other).is_some());
    }
}

#[test]
fn policy_rows_follow_their_schema() {
    let schema = validator("registry-record.schema.json", "policyRow");
    let mut count = 0;
    for (key, row) in Policy::default().rows() {
        let row = row.to_json();
        assert_eq!(breach(&schema, &row), None, "{key}");
        let mut wrong = row.clone();
        wrong["value"] = json!({"x": 1});
        assert!(breach(&schema, &wrong).is_some(), "{key}");
        wrong = row;
        wrong["key"] = json!("limits/CHILLED");
        assert!(breach(&schema, &wrong).is_some(), "{key}");
        count += 1;
    }
    assert!(count > 40, "{count} rows");
}

#[test]
fn registry_records_of_the_examples_follow_their_schemas() {
    for (file, definition, required) in [
        ("participants.json", "participant", "name"),
        ("products.json", "product", "id"),
        ("places.json", "place", "id"),
        ("chongqing/participants.json", "participant", "name"),
        ("chongqing/products.json", "product", "id"),
        ("chongqing/places.json", "place", "id"),
    ] {
        let schema = validator("registry-record.schema.json", definition);
        let records: Json = serde_json::from_str(&read(&format!("examples/{file}"))).unwrap();
        for record in records.as_array().unwrap() {
            assert_eq!(breach(&schema, record), None, "{record:#}");
            let mut less = record.clone();
            less.as_object_mut().unwrap().remove(required);
            assert!(breach(&schema, &less).is_some(), "{required} of {file}");
        }
    }
    let recode = validator("registry-record.schema.json", "recode");
    let pair =
        json!({"old": "urn:suyuan:lot:a:b:c", "new": "https://id.gs1.org/01/06901234567892"});
    assert_eq!(breach(&recode, &pair), None);
    assert!(breach(&recode, &json!({"old": "A1", "new": "B2"})).is_some());
    let forget = validator("registry-record.schema.json", "forget");
    let scene = crate::scene::scene();
    let order = crate::examples::forget_json(&scene.maker, scene.events);
    assert_eq!(breach(&forget, &order), None);
    for field in order.as_object().unwrap().keys() {
        let mut less = order.clone();
        less.as_object_mut().unwrap().remove(field);
        assert!(breach(&forget, &less).is_some(), "{field}");
        let read = ledger::forget::Order::read(&ledger::testing::map_of_json(&less));
        assert_eq!(read.unwrap_err(), field);
    }
    let (region, record) = (
        validator("registry-record.schema.json", "region"),
        crate::examples::region_json(),
    );
    assert_eq!(breach(&region, &record), None);
    ledger::region::Region::read(&ledger::testing::map_of_json(&record)).unwrap();
    for (field, wrong) in [
        ("url", "https://x/"),
        ("district", "Sichuan"),
        ("name", "重庆"),
    ] {
        let mut bad = record.clone();
        bad[field] = json!(wrong);
        assert!(breach(&region, &bad).is_some(), "{field}");
        let read = ledger::region::Region::read(&ledger::testing::map_of_json(&bad));
        assert_eq!(read.unwrap_err(), field);
    }
    let agreement = validator("registry-record.schema.json", "agreement");
    let good = json!({
        "partner": "BwcHBwcHBwcHBwcHBwcHBw", "districts": ["5101"], "parts": "confidential",
    });
    assert_eq!(breach(&agreement, &good), None);
    for (field, wrong) in [("parts", "all"), ("partner", "somebody")] {
        let mut bad = good.clone();
        bad[field] = json!(wrong);
        assert!(breach(&agreement, &bad).is_some(), "{field}");
    }
}
