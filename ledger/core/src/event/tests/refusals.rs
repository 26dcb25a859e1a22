//! What is refused, by name and place.

use super::*;
use crate::decimal::NumberError;
use crate::identifier::IdentifierError;

#[test]
fn each_fault_of_a_field_is_refused_by_name_and_place() {
    let digits: serde_json::Value =
        serde_json::from_str("1.23456789012345678901234567890").unwrap();
    for (place, value, why) in [
        (
            "/eventTime",
            json!("2026-11-23T16:00:00"),
            EventFault::BadTime,
        ),
        (
            "/eventTime",
            json!("9999-12-31T23:59:59.9999Z"),
            EventFault::BadTime,
        ),
        (
            "/eventTimeZoneOffset",
            json!("+14:01"),
            EventFault::BadOffset,
        ),
        ("/eventTimeZoneOffset", json!("Z"), EventFault::BadOffset),
        ("/epcList", json!("urn:x:1"), wrong("an array")),
        ("/action", json!("add"), wrong("ADD, OBSERVE or DELETE")),
        (
            "/bizStep",
            json!("teleporting"),
            EventFault::UnknownWord("bizStep"),
        ),
        ("/bizStep", json!(null), wrong("text")),
        ("/readPoint", json!("urn:x:1"), wrong("an object")),
        ("/readPoint", json!({}), EventFault::MissingField("id")),
        (
            "/quantityList",
            json!([{"epcClass": "urn:x:1", "n": 1}]),
            EventFault::UnknownField,
        ),
        (
            "/quantityList",
            json!([{"quantity": 1}]),
            EventFault::MissingField("epcClass"),
        ),
        ("/ilmd", json!({}), EventFault::IlmdWithoutAdd),
        ("/childEPCs", json!([]), EventFault::UnknownField),
        ("/colour", json!("red"), EventFault::UnknownField),
        (
            "/ex:colour",
            json!("red"),
            EventFault::UndeclaredPrefix("ex".to_owned()),
        ),
        ("/", json!([]), EventFault::ReservedKey),
        ("/@context", json!(1), EventFault::BadContext),
        ("/@context", json!({"ex": 1}), EventFault::BadContext),
        ("/eventID", json!("17"), wrong("a URI")),
        (
            "/persistentDisposition",
            json!({"set": [], "unset": ["recalled"]}),
            EventFault::Empty,
        ),
        (
            "/sensorElementList",
            json!([{}]),
            EventFault::MissingField("sensorReport"),
        ),
        (
            "/sensorElementList",
            json!([{"sensorReport": []}]),
            EventFault::Empty,
        ),
        (
            "/errorDeclaration",
            json!({}),
            EventFault::MissingField("declarationTime"),
        ),
        (
            "/sourceList",
            json!([{"source": "urn:x:1"}]),
            EventFault::MissingField("type"),
        ),
        ("/gs1:n", digits, EventFault::BadNumber(NumberError::Range)),
    ] {
        let (path, found) = refusal(&with(place, value.clone()));
        assert_eq!(found, why, "{place} {value}");
        assert!(
            path.starts_with(place) || place == "/ilmd",
            "{path} below {place}"
        );
    }
}

#[test]
fn faults_deep_inside_name_their_place() {
    let report = |report| with("/sensorElementList", json!([{"sensorReport": [report]}]));
    for (event, path, why) in [
        (
            report(json!({"type": "Warmth"})),
            "/sensorElementList/0/sensorReport/0/type",
            EventFault::UnknownWord("measurement type"),
        ),
        (
            report(json!({"type": "Temperature", "value": "4"})),
            "/sensorElementList/0/sensorReport/0/value",
            wrong("a number"),
        ),
        (
            report(json!({"type": "Temperature", "booleanValue": 0})),
            "/sensorElementList/0/sensorReport/0/booleanValue",
            wrong("true or false"),
        ),
        (
            report(json!({"type": "Temperature", "hexBinaryValue": "0g"})),
            "/sensorElementList/0/sensorReport/0/hexBinaryValue",
            EventFault::BadHex,
        ),
        (
            with(
                "/quantityList",
                json!([{"epcClass": "urn:x:1", "quantity": 1, "uom": "kg"}]),
            ),
            "/quantityList/0/uom",
            EventFault::BadUnit,
        ),
        (
            with("/gs1:a~b", json!([{"x/y": {"": 1}}])),
            "/gs1:a~0b/0/x~1y/",
            EventFault::ReservedKey,
        ),
        (
            with("/epcList", json!(["urn:x:1", "17"])),
            "/epcList/1",
            EventFault::BadIdentifier(IdentifierError::NotAUri),
        ),
    ] {
        assert_eq!(refusal(&event), (path.to_owned(), why));
    }
    let check_digit = with(
        "/epcList",
        json!(["https://id.gs1.org/01/06901234567893/10/A"]),
    );
    let (path, why) = refusal(&check_digit);
    assert_eq!(path, "/epcList/0");
    assert!(
        matches!(
            why,
            EventFault::BadIdentifier(IdentifierError::CheckDigit { .. })
        ),
        "{why}"
    );
}

#[test]
fn each_kind_says_what_it_is_about() {
    let quantity = json!([{"epcClass": "urn:x:1"}]);
    let sensors = json!([{"sensorReport": [{"type": "Temperature", "value": 4}]}]);
    let at = json!({"id": "urn:x:9"});
    for (kind, fields, why) in [
        (
            "ObjectEvent",
            json!({"action": "ADD"}),
            Some(EventFault::NoWhat),
        ),
        (
            "ObjectEvent",
            json!({"action": "ADD", "quantityList": []}),
            Some(EventFault::NoWhat),
        ),
        (
            "ObjectEvent",
            json!({"action": "ADD", "sensorElementList": sensors}),
            Some(EventFault::NoWhat),
        ),
        (
            "ObjectEvent",
            json!({"action": "ADD", "sensorElementList": sensors, "readPoint": at}),
            None,
        ),
        (
            "ObjectEvent",
            json!({"action": "ADD", "epcList": [], "ilmd": {}}),
            None,
        ),
        (
            "ObjectEvent",
            json!({"epcList": []}),
            Some(EventFault::MissingField("action")),
        ),
        (
            "AggregationEvent",
            json!({"action": "ADD", "childEPCs": ["urn:x:1"]}),
            Some(EventFault::ParentMissing),
        ),
        (
            "AggregationEvent",
            json!({"action": "DELETE"}),
            Some(EventFault::ParentMissing),
        ),
        (
            "AggregationEvent",
            json!({"action": "DELETE", "parentID": "urn:x:1"}),
            None,
        ),
        (
            "AggregationEvent",
            json!({"action": "ADD", "parentID": "urn:x:1"}),
            Some(EventFault::NoWhat),
        ),
        (
            "AggregationEvent",
            json!({"action": "OBSERVE", "childQuantityList": quantity}),
            None,
        ),
        (
            "AssociationEvent",
            json!({"action": "ADD", "childEPCs": ["urn:x:1"]}),
            Some(EventFault::MissingField("parentID")),
        ),
        (
            "AssociationEvent",
            json!({"action": "ADD", "childEPCs": ["urn:x:1"], "parentID": "urn:x:2"}),
            None,
        ),
        (
            "TransactionEvent",
            json!({"action": "ADD", "epcList": []}),
            Some(EventFault::MissingField("bizTransactionList")),
        ),
        (
            "TransactionEvent",
            json!({"action": "ADD", "epcList": [], "bizTransactionList": []}),
            Some(EventFault::Empty),
        ),
        (
            "TransactionEvent",
            json!({"action": "ADD", "bizTransactionList": [{"bizTransaction": "urn:x:1"}]}),
            Some(EventFault::NoWhat),
        ),
        (
            "TransactionEvent",
            json!({"action": "DELETE", "bizTransactionList": [{"bizTransaction": "urn:x:1"}]}),
            None,
        ),
        (
            "TransformationEvent",
            json!({"inputEPCList": ["urn:x:1"]}),
            Some(EventFault::TransformationSideMissing),
        ),
        (
            "TransformationEvent",
            json!({"transformationID": "urn:x:1"}),
            Some(EventFault::TransformationSideMissing),
        ),
        (
            "TransformationEvent",
            json!({"inputEPCList": ["urn:x:1"], "transformationID": "urn:x:1"}),
            None,
        ),
        (
            "TransformationEvent",
            json!({"inputEPCList": ["urn:x:1"], "outputQuantityList": quantity, "ilmd": {}}),
            None,
        ),
        (
            "TransformationEvent",
            json!({"action": "ADD"}),
            Some(EventFault::UnknownField),
        ),
        ("QuantityEvent", json!({}), Some(EventFault::UnknownType)),
    ] {
        let found = Event::check_json(&event(kind, &fields), &DocumentContext::default());
        assert_eq!(
            found.first().map(|error| error.why.clone()),
            why,
            "{kind} {fields}"
        );
    }
}

#[test]
fn all_faults_are_reported_at_once() {
    let mut event = shipping();
    for (key, value) in [
        ("eventTime", json!("yesterday")),
        ("epcList", json!(["1", "2"])),
        ("colour", json!("red")),
    ] {
        event.as_object_mut().unwrap().insert(key.to_owned(), value);
    }
    let faults = Event::check_json(&event, &DocumentContext::default());
    let paths: Vec<&str> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(paths, ["/colour", "/epcList/0", "/epcList/1", "/eventTime"]);

    let many = with("/epcList", (0..1000).map(|n| n.to_string()).collect());
    assert_eq!(
        Event::check_json(&many, &DocumentContext::default()).len(),
        64
    );
}

#[test]
fn limits_hold() {
    let long = with("/gs1:note", "字".repeat(EVENT_SIZE_MAX_BYTES / 3).into());
    let too_large = EventFault::TooLarge {
        limit_bytes: EVENT_SIZE_MAX_BYTES,
    };
    assert_eq!(refusal(&long).1, too_large);
    let bytes = vec![0; EVENT_SIZE_MAX_BYTES + 1];
    assert_eq!(Event::decode(&bytes).unwrap_err().why, too_large);

    let nested = |depth: usize| {
        with(
            "/gs1:deep",
            (0..depth).fold(json!(1), |inner, _| json!([inner])),
        )
    };
    read(&nested(15));
    assert_eq!(
        refusal(&nested(16)).1,
        EventFault::TooDeep { depth_max: 16 }
    );
}

#[test]
fn faults_of_documents_name_their_place() {
    let bad = with("/epcList", json!(["1"]));
    let sent = json!({"type": "EPCISDocument", "epcisBody": {"eventList": [shipping(), bad, 5]}});
    let faults = document::parse(&sent).unwrap_err();
    let places: Vec<_> = faults.iter().map(|fault| fault.path.as_str()).collect();
    assert_eq!(
        places,
        ["/epcisBody/eventList/1/epcList/0", "/epcisBody/eventList/2"]
    );
    for (sent, path, why) in [
        (json!({"type": "X"}), "/type", EventFault::UnknownType),
        (json!({}), "", EventFault::MissingField("type")),
        (json!([]), "", wrong("an object")),
        (
            json!({"type": "EPCISDocument"}),
            "/epcisBody",
            EventFault::MissingField("eventList"),
        ),
        (
            json!({"type": "EPCISDocument", "epcisBody": {"eventList": {}}}),
            "/epcisBody/eventList",
            wrong("an array"),
        ),
    ] {
        let faults = document::parse(&sent).unwrap_err();
        assert_eq!((faults[0].path.as_str(), &faults[0].why), (path, &why));
    }
    assert_eq!(
        document::parse_bytes(b"{").unwrap_err()[0].why,
        wrong("a JSON document")
    );
}

#[test]
fn what_is_not_in_normal_form_is_no_event_of_the_ledger() {
    let normal = read(&shipping()).to_value();
    for (key, value) in [
        ("eventTime", "2026-11-23T16:00:00+08:00"),
        ("bizStep", "urn:epcglobal:cbv:bizstep:shipping"),
        ("recordTime", "2026-11-23T08:00:00.000Z"),
    ] {
        let Value::Map(mut map) = normal.clone() else {
            panic!("an event is a map")
        };
        map.insert(key, value);
        let error = Event::from_value(map.into()).unwrap_err();
        assert_eq!(
            (error.path, error.why),
            (format!("/{key}"), EventFault::NotNormal)
        );
    }
    let bytes = [normal.encode(), vec![0]].concat();
    let why = Event::decode(&bytes).unwrap_err().why;
    assert!(matches!(why, EventFault::BadEncoding(_)), "{why}");
}
