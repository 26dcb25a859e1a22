//! Records of orders: each field's refusal by its name.

use super::*;
use crate::testing::map_of_json;
use serde_json::{Value as Json, json};

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const CASE: &str = "urn:suyuan:case:BwcHBwcHBwcHBwcHBwcHBw:2026-7";

fn order() -> Json {
    json!({
        "id": LOT, "case": CASE, "reason": {"zh": "黄曲霉毒素超标", "en": "aflatoxin above the limit"},
        "level": 1, "reach": "forward", "fault": "safety",
        "retest": "GB 5009.22", "deadline": "2026-12-01T00:00:00Z",
    })
}

fn with(mut record: Json, field: &str, value: Json) -> Json {
    if value.is_null() {
        record.as_object_mut().unwrap().remove(field);
    } else {
        record[field] = value;
    }
    record
}

#[test]
fn an_order_is_read_whole() {
    let read = Order::read(&map_of_json(&order())).unwrap();
    assert_eq!(read.item.as_str(), LOT);
    assert_eq!(read.case.case_handle().unwrap().0, [7; 16]);
    assert_eq!(
        (read.level, read.reach, read.fault),
        (Level::One, Reach::Forward, Fault::Safety)
    );
    assert_eq!(read.deadline.unwrap().0, 1_796_083_200_000);
}

#[test]
fn each_field_of_an_order_is_refused_by_name() {
    let long = "x".repeat(1001);
    for (field, value) in [
        ("id", json!(null)),
        ("id", json!("https://id.gs1.org/01/06901234567892")),
        ("id", json!("urn:suyuan:participant:BwcHBwcHBwcHBwcHBwcHBw")),
        ("id", json!("http://example.org/01/06901234567892/10/A1")),
        ("case", json!(null)),
        ("case", json!(LOT)),
        ("case", json!("urn:suyuan:case:BwcHBwcHBwcHBwcHBwcHBw: x")),
        ("reason", json!("only one text")),
        ("reason", json!({"zh": "有", "en": ""})),
        ("reason", json!({"zh": "有", "en": long})),
        ("level", json!(0)),
        ("level", json!(4)),
        ("level", json!("1")),
        ("reach", json!("back")),
        ("fault", json!("taste")),
        ("retest", json!("")),
        ("deadline", json!("tomorrow")),
    ] {
        let record = with(order(), field, value.clone());
        assert_eq!(Order::read(&map_of_json(&record)), Err(field), "{value}");
    }
}

#[test]
fn each_field_of_a_response_is_refused_by_name() {
    let response = json!({
        "case": CASE, "item": LOT, "what": "destroyed", "quantity": 4, "uom": "KGM",
        "evidence": "urn:doc:burned-7",
    });
    let read = Response::read(&map_of_json(&response)).unwrap();
    assert_eq!(read.what, Done::Destroyed);
    for (field, value) in [
        ("case", json!(null)),
        ("item", json!(null)),
        ("what", json!("eaten")),
        ("quantity", json!(0)),
        ("quantity", json!("4")),
        ("uom", json!("KILO")),
        ("evidence", json!(null)),
        ("evidence", json!(7)),
    ] {
        let record = with(response.clone(), field, value.clone());
        assert_eq!(Response::read(&map_of_json(&record)), Err(field), "{value}");
    }
    let known = with(response, "evidence", json!(null));
    let known = with(known, "what", json!("acknowledged"));
    assert!(Response::read(&map_of_json(&known)).is_ok());
}
