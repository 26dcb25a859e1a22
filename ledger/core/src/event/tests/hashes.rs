//! Where the two profiles part, and what no profile sees.

use super::{event, read, shipping, with};
use crate::event::hash_id::{Profile, event_hash_id, pre_hash};
use serde_json::json;
use std::collections::BTreeSet;

fn strings(json: &serde_json::Value) -> [String; 2] {
    let event = read(json);
    [Profile::Reference, Profile::Text].map(|one| pre_hash(&event, one, &BTreeSet::new()))
}

#[test]
fn the_text_profile_keeps_the_order_of_the_text() {
    let json = event(
        "ObjectEvent",
        &json!({
            "action": "ADD",
            "epcList": ["urn:x:1"],
            "certificationInfo": "urn:x:cert",
            "sourceList": [{"type": "location", "source": "urn:x:s"}],
            "destinationList": [{"type": "location", "destination": "urn:x:d"}],
            "ilmd": {"cbvmda:lotNumber": "L"},
        }),
    );
    let [reference, text] = strings(&json);
    let head = "eventType=ObjectEventeventTime=2026-11-23T08:00:00.000ZeventTimeZoneOffset=+08:00";
    let what = "epcListepc=urn:x:1action=ADD";
    let location = "https://ref.gs1.org/cbv/SDT-location";
    let source = format!("sourceListtype={location}source=urn:x:s");
    let destination = format!("destinationListtype={location}destination=urn:x:d");
    let ilmd = "ilmd{urn:epcglobal:cbv:mda:}lotNumber=L";
    let certificate = "certificationInfo=urn:x:cert";
    assert_eq!(
        reference,
        format!("{head}{certificate}{what}{destination}{ilmd}{source}")
    );
    assert_eq!(text, format!("{head}{what}{source}{destination}{ilmd}"));
}

#[test]
fn codes_of_digits_stay_apart_in_the_text_profile() {
    for (value, reference, text) in [
        (json!("0012"), "12", "0012"),
        (
            json!("83857930000879766660"),
            "83857930000879763456",
            "83857930000879766660",
        ),
        (json!(0.00001), "1e-05", "0.00001"),
        (json!(0.0001), "0.0001", "0.0001"),
        (json!("1_000.50"), "1000.5", "1_000.50"),
        (json!("1e3"), "1000", "1e3"),
        (json!("-0.0"), "0", "-0.0"),
        (json!("inf"), "inf", "inf"),
        (json!("nan"), "nan", "nan"),
        (json!(" x "), "x", "x"),
        (json!(true), "true", "true"),
    ] {
        let [of_reference, of_text] = strings(&with("/gs1:x", value));
        let name = "{https://gs1.org/voc/}x=";
        assert!(
            of_reference.ends_with(&format!("{name}{reference}")),
            "{of_reference}"
        );
        assert!(of_text.ends_with(&format!("{name}{text}")), "{of_text}");
    }
}

#[test]
fn a_correction_has_the_hash_id_of_what_it_corrects() {
    let plain = read(&shipping());
    for (place, value) in [
        (
            "/errorDeclaration",
            json!({"declarationTime": "2026-11-24T00:00:00Z"}),
        ),
        ("/eventID", json!("urn:x:1")),
        ("/recordTime", json!("2026-11-24T00:00:00Z")),
        ("/rdfs:comment", json!("a note")),
        ("/bizStep", json!("urn:epcglobal:cbv:bizstep:shipping")),
    ] {
        let other = read(&with(place, value));
        for profile in [Profile::Reference, Profile::Text] {
            assert_eq!(
                event_hash_id(&other, profile),
                event_hash_id(&plain, profile),
                "{place}"
            );
        }
    }
    let other = read(&with("/bizStep", json!("receiving")));
    assert_ne!(
        event_hash_id(&other, Profile::Text),
        event_hash_id(&plain, Profile::Text)
    );
}

#[test]
fn ignored_extensions_are_left_out() {
    let event = read(&with("/gs1:x", json!(1)));
    let all = pre_hash(&read(&shipping()), Profile::Text, &BTreeSet::new());
    assert_eq!(
        pre_hash(&event, Profile::Text, &BTreeSet::from(["gs1:x"])),
        all
    );
}
