//! The table: defaults, amendments, and the refusal of what is not in order, by name.

use super::*;
use crate::testing::map_of_json;
use serde_json::{Value as Json, json};

fn rows(rows: &Json) -> Result<Vec<Row>, PolicyError> {
    read_record(&map_of_json(&json!({"id": ITEM, "rows": rows})))
}

fn one(key: &str, value: &Json) -> Result<Vec<Row>, PolicyError> {
    rows(&json!([{"key": key, "value": value, "source": "s", "confirmed": true}]))
}

#[test]
fn every_default_row_is_one_that_an_act_could_set() {
    let default = Policy::default();
    let read = read_record(&record(default.rows().map(|(_, row)| row))).unwrap();
    assert_eq!(read.len(), default.rows().count());
    assert_eq!(
        Policy {
            version: 0,
            ..default.amended(read)
        },
        default
    );
}

#[test]
fn defaults_are_those_of_the_requirements() {
    let policy = Policy::default();
    let (meat, row) = policy.class("CHILLED_MEAT").unwrap();
    assert_eq!(
        (meat.lowest_tenths, meat.highest_tenths),
        (Some(0), Some(40))
    );
    assert_eq!((meat.carried_minutes, meat.stored_minutes), (10, 30));
    assert!(!row.confirmed);
    assert!(policy.class("AMBIENT").is_none());
    let (first, _) = policy.recall(Sector::Produce, 1).unwrap();
    assert_eq!(
        (first.start_hours, first.finish_working_days),
        (24, Some(10))
    );
    let (vaccine, _) = policy.recall(Sector::Vaccine, 3).unwrap();
    assert_eq!(
        (vaccine.start_hours, vaccine.finish_working_days),
        (168, None)
    );
    assert!(policy.recall(Sector::Food, 4).is_none());
    assert!(
        policy
            .authorisations(Role::Retailer, Sector::Produce)
            .is_empty()
    );
    assert!(
        !policy
            .authorisations(Role::Retailer, Sector::Food)
            .is_empty()
    );
    assert_eq!(policy.severity(Rule::VaccineUnrecorded), Severity::Reject);
    assert_eq!(policy.key_variety("疫苗"), Some(true));
    assert_eq!(policy.key_variety("14 茶叶"), None);
    assert!(!policy.second_signature(GuardedAct::Recall));
}

#[test]
fn a_later_row_replaces_the_earlier_one_of_its_key_and_no_other() {
    let before = Policy::default();
    let class = json!({"highestTenths": 70, "carriedMinutes": 5, "storedMinutes": 30,
        "storedRequired": true});
    let after = before.amended(one("class/CHILLED_MEAT", &class).unwrap());
    assert_eq!(after.version(), 1);
    assert_eq!(after.rows().count(), before.rows().count());
    let (meat, row) = after.class("CHILLED_MEAT").unwrap();
    assert_eq!((meat.lowest_tenths, meat.highest_tenths), (None, Some(70)));
    assert!(row.confirmed);
    assert_eq!(after.class("FROZEN"), before.class("FROZEN"));
    // A class without limits is no class any more.
    let none = json!({"carriedMinutes": 5, "storedMinutes": 30, "storedRequired": false});
    let after = after.amended(one("class/CHILLED_MEAT", &none).unwrap());
    assert!(after.class("CHILLED_MEAT").is_none());
}

#[test]
fn every_kind_of_row_comes_back_as_it_was_said() {
    for (key, value) in [
        (
            "authorisation/retailer/food",
            json!([{"kind": "JY", "form": "licence"}]),
        ),
        ("authorisation/site/vaccine", json!([])),
        ("calibration/required", json!(true)),
        ("evidence/age-hours", json!(48)),
        ("key-variety/14 茶叶", json!(true)),
        ("recall/drug/2", json!({"startHours": 12})),
        ("second-signature/suspend", json!(true)),
        ("severity/custody", json!("hold")),
        ("tests/05 乳制品", json!(["coliforms"])),
    ] {
        let read = one(key, &value).unwrap();
        assert_eq!(read[0].setting.key(), key);
        assert_eq!(read_record(&record(&read)), Ok(read));
    }
}

#[test]
fn unknown_keys_are_refused_by_name() {
    for key in [
        "",
        "class",
        "class/",
        "class/chilled",
        "severity/everything",
        "recall/food/4",
        "recall/food/01",
        "recall/toys/1",
        "authorisation/king/food",
        "authorisation/retailer",
        "second-signature/admit",
        "evidence/age",
        "limits/CHILLED",
    ] {
        let want = PolicyError::KeyUnknown {
            row: 0,
            key: key.to_owned(),
        };
        assert_eq!(one(key, &json!(1)), Err(want), "{key}");
    }
}

#[test]
fn malformed_values_are_refused_by_name() {
    let class = |lowest: Json, highest: Json, minutes: Json| {
        json!({"lowestTenths": lowest, "highestTenths": highest, "carriedMinutes": minutes,
            "storedMinutes": 30, "storedRequired": false})
    };
    for (key, value) in [
        ("class/CHILLED", json!(80)),
        ("class/CHILLED", class(json!(80), json!(0), json!(10))),
        ("class/CHILLED", class(json!(0), json!(80), json!(0))),
        ("class/CHILLED", class(json!(0), json!("8"), json!(10))),
        (
            "class/CHILLED",
            class(json!(i64::MIN), json!(80), json!(10)),
        ),
        ("severity/custody", json!("grave")),
        ("recall/food/1", json!({"startHours": 24, "finishDays": 10})),
        ("recall/food/1", json!({})),
        (
            "authorisation/retailer/food",
            json!([{"kind": "JY", "form": "maybe"}]),
        ),
        (
            "authorisation/retailer/food",
            json!([{"kind": "a kind that is too long", "form": "filing"}]),
        ),
        ("second-signature/recall", json!("yes")),
        ("evidence/age-hours", json!(0)),
        ("tests/05 乳制品", json!([""])),
    ] {
        let refused = one(key, &value.clone()).unwrap_err();
        let named =
            matches!(&refused, PolicyError::Value { row: 0, key: found, .. } if found == key);
        assert!(named, "{key} {value}: {refused:?}");
    }
}

#[test]
fn rows_must_be_whole_and_each_key_set_once() {
    let row = json!({"key": "severity/custody", "value": "flag", "source": "s", "confirmed": true});
    let field = |row, field: &str| PolicyError::Field {
        row,
        field: field.to_owned(),
    };
    for name in ["key", "value", "source", "confirmed"] {
        let mut less = row.clone();
        less.as_object_mut().unwrap().remove(name);
        assert_eq!(rows(&json!([row, less])), Err(field(1, name)));
    }
    let mut more = row.clone();
    more["note"] = json!("x");
    assert_eq!(rows(&json!([more])), Err(field(0, "note")));
    let key = "severity/custody".to_owned();
    assert_eq!(
        rows(&json!([row, row])),
        Err(PolicyError::Twice { row: 1, key })
    );
    assert_eq!(rows(&json!([])), Err(PolicyError::Record));
    let other = map_of_json(&json!({"id": "urn:suyuan:other", "rows": [row]}));
    assert_eq!(read_record(&other), Err(PolicyError::Record));
}

#[test]
fn the_sector_of_a_product_follows_from_its_master_data() {
    for (category, class, sector) in [
        ("03 调味品", "AMBIENT", Some(Sector::Food)),
        ("农产品", "CHILLED_MEAT", Some(Sector::Produce)),
        ("食用农产品", "", Some(Sector::Produce)),
        ("疫苗", "VACCINE", Some(Sector::Vaccine)),
        ("", "VACCINE_FROZEN", Some(Sector::Vaccine)),
        ("药品", "DRUG_COLD", Some(Sector::Drug)),
        ("医疗器械", "AMBIENT", Some(Sector::Device)),
        ("气瓶", "", Some(Sector::Cylinder)),
        ("原料", "AMBIENT", None),
        ("", "", None),
    ] {
        assert_eq!(Sector::of(category, class), sector, "{category} {class}");
    }
}
