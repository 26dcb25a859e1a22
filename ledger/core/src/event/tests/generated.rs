//! Events of every kind, made up.

use crate::event::{DocumentContext, Event};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

fn extension() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (any::<i32>(), 1_u32..6).prop_map(|(digits, places)| {
            serde_json::from_str(&format!("{digits}e-{places}")).unwrap()
        }),
        ".{0,12}".prop_map(Value::from),
        "ex:[a-z]{0,4}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            proptest::collection::btree_map("(ex:)?[a-z]{1,6}", inner, 0..4)
                .prop_map(|fields| Value::Object(fields.into_iter().collect())),
        ]
    })
}

fn ids() -> impl Strategy<Value = Value> {
    proptest::collection::vec("urn:[a-z]{2,4}:[a-zA-Z0-9._-]{1,12}", 1..4).prop_map(Value::from)
}

fn quantities() -> impl Strategy<Value = Value> {
    let one = ("urn:x:[a-z0-9]{1,8}", 0_u32..100_000, "[A-Z0-9]{2,3}");
    let one = one.prop_map(|(class, thousandths, uom)| {
        let quantity: Value = serde_json::from_str(&format!("{thousandths}e-3")).unwrap();
        json!({"epcClass": class, "quantity": quantity, "uom": uom})
    });
    proptest::collection::vec(one, 1..3).prop_map(Value::from)
}

fn events() -> impl Strategy<Value = Value> {
    let what = (ids(), ids(), quantities(), quantities());
    let when = (
        0_i64..253_402_300_799_999,
        proptest::sample::select(vec!["+08:00", "-06:00"]),
    );
    let action = proptest::sample::select(vec!["ADD", "OBSERVE", "DELETE"]);
    (0..5_usize, what, when, action, extension(), extension()).prop_map(
        |(kind, (one, two, first, second), (ms, offset), action, extra, more)| {
            let parent = one[0].clone();
            let mut event = match kind {
                0 => json!({"type": "ObjectEvent", "action": "ADD", "epcList": one,
                    "quantityList": first, "ilmd": {"ex:more": more}}),
                1 => json!({"type": "AggregationEvent", "action": action, "parentID": parent,
                    "childEPCs": two, "childQuantityList": first}),
                2 => json!({"type": "AssociationEvent", "action": action, "parentID": parent,
                    "childEPCs": two}),
                3 => json!({"type": "TransactionEvent", "action": action, "epcList": one,
                    "bizTransactionList": [{"type": "po", "bizTransaction": parent}]}),
                _ => json!({"type": "TransformationEvent", "inputEPCList": one,
                    "inputQuantityList": first, "outputEPCList": two,
                    "outputQuantityList": second}),
            };
            let time = crate::time::format_utc(crate::ids::UnixMillis(ms));
            let common = json!({"eventTime": time, "eventTimeZoneOffset": offset,
                "bizStep": "receiving", "ex:extra": extra});
            let fields: Map<String, Value> = common.as_object().unwrap().clone();
            event.as_object_mut().unwrap().extend(fields);
            event
        },
    )
}

/// Numbers compare by value, since JSON's spelling is not kept.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => {
            let exact = |number: &serde_json::Number| {
                crate::decimal::parse_number(&number.to_string()).unwrap()
            };
            exact(one) == exact(other)
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(key, value)| other.get(key).is_some_and(|other| same(value, other)))
        }
        (one, other) => one == other,
    }
}

proptest! {
    #[test]
    fn events_survive_cbor_and_json(json in events()) {
        let context = json!({"ex": "https://ns.example.com/"});
        let context = DocumentContext::from_json(Some(&context)).unwrap();
        let event = Event::from_json(&json, &context)
            .map_err(|error| TestCaseError::fail(format!("{error}: {json}")))?;
        let decoded = Event::decode(&event.encode());
        prop_assert_eq!(decoded.as_ref(), Ok(&event));
        let mut written = event.to_json();
        let again = Event::from_json(&written, &DocumentContext::default());
        prop_assert_eq!(again.as_ref(), Ok(&event));
        written.as_object_mut().unwrap().remove("@context");
        prop_assert!(same(&json, &written), "{} became {}", json, written);
    }

    #[test]
    fn any_json_is_an_event_or_a_fault(json in extension(), key in "[a-zA-Z@]{0,16}") {
        let mut event = super::shipping();
        event.as_object_mut().unwrap().insert(key, json.clone());
        for json in [json, event] {
            let faults = Event::check_json(&json, &DocumentContext::default());
            let read = Event::from_json(&json, &DocumentContext::default());
            prop_assert_eq!(faults.is_empty(), read.is_ok());
        }
    }
}
