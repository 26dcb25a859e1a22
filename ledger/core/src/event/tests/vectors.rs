//! Public documents of others, where they are at hand.

use crate::event::document;
use crate::event::hash_id::{Profile, event_hash_id, pre_hash};
use crate::event::{DocumentContext, Event};
use crate::hash::Digest;
use crate::ids::UnixMillis;
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// The documents of a folder of public vectors, sorted; `None` where the folder is absent.
fn documents(folder: &str) -> Option<Vec<PathBuf>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let Ok(files) = fs::read_dir(root.join(folder)) else {
        println!("skipped: no public vectors {folder}");
        return None;
    };
    let is_document = |path: &PathBuf| path.extension().is_some_and(|end| end == "jsonld");
    let mut paths: Vec<_> = files
        .map(|file| file.unwrap().path())
        .filter(is_document)
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{folder} holds documents");
    Some(paths)
}

fn lines(path: &PathBuf) -> Vec<String> {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.lines()
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

#[test]
fn reference_hash_ids_match_the_published_ones() {
    let mut compared = 0;
    for path in documents("epcis-event-hash").unwrap_or_default() {
        let document = document::parse_bytes(&fs::read(&path).unwrap()).unwrap();
        let ignored: BTreeSet<&str> = document
            .other
            .get("repository-x:ignoreFields")
            .and_then(serde_json::Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_str)
            .collect();
        let hashes = lines(&path.with_extension("hashes"));
        assert_eq!(hashes.len(), document.events.len(), "{path:?}");
        let strings = lines(&path.with_extension("prehashes"));
        for (at, (event, hash)) in document.events.iter().zip(&hashes).enumerate() {
            let string = pre_hash(event, Profile::Reference, &ignored);
            let id =
                |text: &str| format!("ni:///sha-256;{}?ver=CBV2.0", Digest::of(text.as_bytes()));
            // One published string is garbled: it does not have the hash published beside it.
            if let Some(published) = strings.get(at).filter(|published| id(published) == *hash) {
                assert_eq!(&string, published, "{path:?} event {at}");
            }
            assert_eq!(id(&string), *hash, "{path:?} event {at}: {string}");
            if ignored.is_empty() {
                assert_eq!(
                    event_hash_id(event, Profile::Reference),
                    *hash,
                    "{path:?} event {at}"
                );
            }
            compared += 1;
        }
    }
    println!("{compared} hash ids compared");
}

#[test]
fn documents_of_others_come_back_with_the_same_meaning() {
    for folder in ["epcis", "epcis-event-hash"] {
        for path in documents(folder).unwrap_or_default() {
            let document = document::parse_bytes(&fs::read(&path).unwrap())
                .unwrap_or_else(|faults| panic!("{path:?}: {faults:?}"));
            assert!(!document.events.is_empty(), "{path:?}");
            for event in &document.events {
                assert_eq!(
                    Event::decode(&event.encode()).as_ref(),
                    Ok(event),
                    "{path:?}"
                );
                let json = event.to_json();
                let again = Event::from_json(&json, &DocumentContext::default());
                assert_eq!(again.as_ref(), Ok(event), "{path:?}: {json}");
                assert!(!event.items().is_empty(), "{path:?}");
            }
            let at = UnixMillis(0);
            let written = document::write(document.events.iter().map(|event| (event, at)), at);
            assert_eq!(
                document::parse(&written).unwrap().events,
                document.events,
                "{path:?}"
            );
        }
    }
}

/// What the normal form may change of a document: nothing else may differ.
#[test]
fn nothing_a_document_says_is_dropped() {
    for folder in ["epcis", "epcis-event-hash"] {
        for path in documents(folder).unwrap_or_default() {
            let json: serde_json::Value =
                serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let list = [
                "/epcisBody/eventList",
                "/epcisBody/queryResults/resultsBody/eventList",
            ]
            .iter()
            .find_map(|at| json.pointer(at)?.as_array())
            .unwrap();
            let document = document::parse(&json).unwrap();
            assert_eq!(list.len(), document.events.len());
            for (said, event) in list.iter().zip(&document.events) {
                let mut said = said.clone();
                said.as_object_mut().unwrap().remove("recordTime");
                let mut kept = event.to_json();
                kept.as_object_mut().unwrap().remove("@context");
                same_shape(&said, &kept, &format!("{path:?}"));
            }
        }
    }
}

/// The same keys, list lengths, truth values and numbers everywhere.
fn same_shape(said: &serde_json::Value, kept: &serde_json::Value, place: &str) {
    use serde_json::Value;
    match (said, kept) {
        (Value::Object(said), Value::Object(kept)) => {
            let keys = |map: &serde_json::Map<String, Value>| {
                map.keys().cloned().collect::<BTreeSet<String>>()
            };
            assert_eq!(keys(said), keys(kept), "{place}");
            for (key, value) in said {
                same_shape(value, &kept[key], &format!("{place}/{key}"));
            }
        }
        (Value::Array(said), Value::Array(kept)) => {
            assert_eq!(said.len(), kept.len(), "{place}");
            for (said, kept) in said.iter().zip(kept) {
                same_shape(said, kept, place);
            }
        }
        (Value::Number(said), Value::Number(kept)) => {
            assert_eq!(said.as_f64(), kept.as_f64(), "{place}");
        }
        (Value::String(said), Value::String(kept)) => {
            assert!(said == kept || kept.len() > 1, "{place}: {said} {kept}");
        }
        (said, kept) => assert_eq!(said, kept, "{place}"),
    }
}
