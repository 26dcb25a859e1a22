mod generated;
mod hashes;
mod refusals;
mod vectors;

use super::*;
use serde_json::json;

/// An event that is right in every way.
fn shipping() -> serde_json::Value {
    json!({
        "type": "ObjectEvent",
        "eventTime": "2026-11-23T16:00:00+08:00",
        "eventTimeZoneOffset": "+08:00",
        "epcList": ["urn:epc:id:sgtin:0614141.107346.2017"],
        "action": "OBSERVE",
        "bizStep": "shipping",
    })
}

/// `shipping` with `value` at the JSON Pointer `place`, whose parent must exist.
fn with(place: &str, value: serde_json::Value) -> serde_json::Value {
    let mut event = shipping();
    let (parent, key) = place.rsplit_once('/').unwrap();
    let parent = event.pointer_mut(parent).unwrap();
    parent
        .as_object_mut()
        .unwrap()
        .insert(key.to_owned(), value);
    event
}

fn read(json: &serde_json::Value) -> Event {
    Event::from_json(json, &DocumentContext::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refusal(json: &serde_json::Value) -> (String, EventFault) {
    let error = Event::from_json(json, &DocumentContext::default()).unwrap_err();
    (error.path, error.why)
}

fn wrong(expected: &'static str) -> EventFault {
    EventFault::WrongKind { expected }
}

/// An event of `kind` with `fields` and nothing else.
fn event(kind: &str, fields: &serde_json::Value) -> serde_json::Value {
    let mut event = json!({
        "type": kind,
        "eventTime": "2026-11-23T08:00:00Z",
        "eventTimeZoneOffset": "+08:00",
    });
    for (key, value) in fields.as_object().unwrap() {
        event
            .as_object_mut()
            .unwrap()
            .insert(key.clone(), value.clone());
    }
    event
}

#[test]
fn every_spelling_has_one_form() {
    let context = DocumentContext::from_json(Some(&json!([
        "https://ref.gs1.org/standards/epcis/2.0.0/epcis-context.jsonld",
        {"ex": "https://ns.example.com/", "unused": "https://unused.example.com/"}
    ])))
    .unwrap();
    let spellings = [
        json!({
            "type": "ObjectEvent",
            "eventTime": "2026-11-23T16:00:00.0004+08:00",
            "eventTimeZoneOffset": "+08:00",
            "recordTime": "2026-11-23T16:00:01+08:00",
            "id": "ex:event1",
            "epcList": ["https://example.cn/01/10614141073464/21/2017?17=270101"],
            "action": "OBSERVE",
            "bizStep": "https://ref.gs1.org/cbv/BizStep-shipping",
            "disposition": "urn:epcglobal:cbv:disp:in_transit",
            "sensorElementList": [{"sensorReport": [{
                "type": "gs1:Temperature", "value": 4.50, "component": "cbv:Comp-x",
            }]}],
            "ex:note": " kept ",
        }),
        json!({
            "type": "ObjectEvent",
            "eventTime": "2026-11-23T08:00:00Z",
            "eventTimeZoneOffset": "+08:00",
            "eventID": "https://ns.example.com/event1",
            "epcList": ["urn:epc:id:sgtin:0614141.107346.2017"],
            "action": "OBSERVE",
            "bizStep": "urn:epcglobal:cbv:bizstep:shipping",
            "disposition": "in_transit",
            "sensorElementList": [{"sensorReport": [{
                "type": "https://gs1.org/voc/Temperature", "value": 45e-1, "component": "x",
            }]}],
            "ex:note": " kept ",
        }),
    ];
    let events = spellings.map(|json| Event::from_json(&json, &context).unwrap());
    assert_eq!(events[0], events[1]);
    let event = &events[0];
    assert_eq!(event.biz_step(), Some("shipping"));
    assert_eq!(event.disposition(), Some("in_transit"));
    assert_eq!(event.event_id(), Some("https://ns.example.com/event1"));
    assert_eq!(
        event.items(),
        ["https://id.gs1.org/01/10614141073464/21/2017"]
    );
    assert_eq!(
        event.extension("https://ns.example.com/", "note"),
        Some(&Value::from(" kept "))
    );
    assert_eq!(
        event.to_json()["@context"],
        json!([EPCIS_CONTEXT, {"ex": "https://ns.example.com/"}])
    );
    assert_eq!(event.to_json()["eventTime"], "2026-11-23T08:00:00.000Z");
}

#[test]
fn words_of_ones_own_are_kept() {
    let event = read(&with(
        "/bizStep",
        json!("https://example.com/steps/teleporting"),
    ));
    assert_eq!(
        event.biz_step(),
        Some("https://example.com/steps/teleporting")
    );
    let event = read(&with(
        "/bizStep",
        json!("urn:epcglobal:cbv:bizstep:teleporting"),
    ));
    assert_eq!(
        event.biz_step(),
        Some("urn:epcglobal:cbv:bizstep:teleporting")
    );
}

#[test]
fn a_context_that_cannot_be_known_is_kept() {
    let mut event = with("/their:note", json!(1));
    event["@context"] = json!(["https://example.com/context.jsonld", EPCIS_CONTEXT]);
    let read = read(&event);
    assert_eq!(
        read.to_json()["@context"],
        json!([EPCIS_CONTEXT, "https://example.com/context.jsonld", {}])
    );
    assert_eq!(Event::decode(&read.encode()), Ok(read));
}

#[test]
fn parts_may_be_withheld_but_not_what_state_needs() {
    let digests = || Value::Array(vec![Value::Bytes(vec![7; 32])]);
    let full = read(&event(
        "TransactionEvent",
        &json!({
            "action": "ADD",
            "quantityList": [{"epcClass": "urn:x:1", "quantity": 3}],
            "bizTransactionList": [{"bizTransaction": "urn:x:2"}],
        }),
    ));
    let mut public = full.as_map().clone();
    public.remove("bizTransactionList");
    public.insert(WITHHELD_KEY, digests());
    if let Some(Value::Array(list)) = public.get_mut("quantityList")
        && let Some(Value::Map(item)) = list.first_mut()
    {
        item.remove("quantity");
        item.insert(WITHHELD_KEY, digests());
    }
    let why = |map: &Map| Event::from_public_map(map).unwrap_err().why;
    let shown = Event::from_public_map(&public).unwrap();
    assert!(!shown.is_whole() && full.is_whole());
    assert_eq!(shown.items(), full.items());
    assert_eq!(Event::decode_public(&shown.encode()).as_ref(), Ok(&shown));
    assert!(!shown.to_json().as_object().unwrap().contains_key(""));
    assert_eq!(
        Event::decode(&shown.encode()).unwrap_err().why,
        EventFault::ReservedKey
    );

    let mut lacking = public.clone();
    lacking.remove(WITHHELD_KEY);
    assert_eq!(
        why(&lacking),
        EventFault::MissingField("bizTransactionList")
    );
    for always in ["action", "eventTime", "eventTimeZoneOffset", "type"] {
        let mut lacking = public.clone();
        lacking.remove(always);
        assert_eq!(
            why(&lacking),
            EventFault::MissingField(match always {
                "action" => "action",
                "eventTime" => "eventTime",
                "type" => "type",
                _ => "eventTimeZoneOffset",
            })
        );
    }
    for bad in [
        Value::Array(vec![]),
        Value::Array(vec![Value::Bytes(vec![7; 31])]),
        Value::Null,
    ] {
        let mut public = public.clone();
        public.insert(WITHHELD_KEY, bad);
        assert_eq!(why(&public), EventFault::BadWithheld);
    }
}

#[test]
fn accessors_read_what_was_said() {
    let event = read(&event(
        "TransformationEvent",
        &json!({
            "inputQuantityList": [{"epcClass": "urn:x:in", "quantity": 1.5, "uom": "KGM"}],
            "outputEPCList": ["urn:x:out2", "urn:x:out1"],
            "transformationID": "urn:x:batch",
            "sourceList": [{"type": "urn:epcglobal:cbv:sdt:location", "source": "urn:x:a"}],
            "bizTransactionList": [{"bizTransaction": "urn:x:doc"}],
            "certificationInfo": "urn:x:cert",
            "errorDeclaration": {
                "declarationTime": "2026-11-23T08:00:00Z",
                "reason": "urn:epcglobal:cbv:er:did_not_occur",
                "correctiveEventIDs": ["urn:x:better"],
            },
            "sensorElementList": [{
                "sensorMetadata": {
                    "startTime": "1970-01-01T00:00:00Z", "endTime": "1970-01-01T00:00:01Z",
                    "deviceID": "urn:x:logger",
                },
                "sensorReport": [
                    {"type": "Temperature", "value": -18, "uom": "CEL"},
                    {"type": "Temperature", "maxValue": 4.5, "time": "1970-01-01T00:00:02Z"},
                ],
            }],
        }),
    ));
    assert_eq!(
        event.items(),
        ["urn:x:batch", "urn:x:in", "urn:x:out1", "urn:x:out2"]
    );
    let objects = event.objects();
    assert_eq!(objects[0].role, Role::Input);
    let quantity = objects[0].quantity.unwrap();
    assert_eq!(
        (quantity.uom, quantity.value),
        (Some("KGM"), &crate::decimal::parse_number("1.5").unwrap())
    );
    assert_eq!(
        (objects[1].role, objects[1].id),
        (Role::Output, "urn:x:out2")
    );
    assert_eq!(
        event.sources().collect::<Vec<_>>(),
        [("location", "urn:x:a")]
    );
    assert_eq!(
        event.biz_transactions().collect::<Vec<_>>(),
        [(None, "urn:x:doc")]
    );
    assert_eq!(
        event.certification_info().collect::<Vec<_>>(),
        ["urn:x:cert"]
    );
    assert_eq!(event.action(), None);
    let wrong = event.error_declaration().unwrap();
    assert_eq!(
        (wrong.reason, wrong.corrective_ids),
        (Some("did_not_occur"), vec!["urn:x:better"])
    );
    let element = event.sensor_elements().next().unwrap();
    let reports: Vec<_> = element.reports().collect();
    let stretch = SensorTime::Between(UnixMillis(0), UnixMillis(1000));
    assert_eq!(
        (reports[0].time, reports[0].device),
        (Some(stretch), Some("urn:x:logger"))
    );
    assert_eq!(reports[0].value, Some(&Value::Int(-18)));
    assert_eq!(reports[1].time, Some(SensorTime::At(UnixMillis(2000))));
}

#[test]
fn an_event_without_objects_is_found_by_its_sensors_and_place() {
    let event = read(&event(
        "ObjectEvent",
        &json!({
            "action": "OBSERVE",
            "readPoint": {"id": "urn:x:room"},
            "sensorElementList": [{"sensorReport": [{"type": "Temperature", "deviceID": "urn:x:d"}]}],
        }),
    ));
    assert_eq!(event.items(), ["urn:x:d", "urn:x:room"]);
}

#[test]
fn documents_of_each_form_are_read() {
    let body =
        |body| json!({"type": "EPCISDocument", "@context": EPCIS_CONTEXT, "epcisBody": body});
    for json in [
        body(json!({"eventList": [shipping()]})),
        body(json!({"event": shipping()})),
        shipping(),
        json!({"type": "EPCISQueryDocument", "@context": [], "epcisBody": {"queryResults": {
            "queryName": "q", "resultsBody": {"eventList": [shipping()]}}}}),
    ] {
        assert_eq!(
            document::parse(&json).unwrap().events,
            [read(&shipping())],
            "{json}"
        );
    }
    let places = json!([{"type": "urn:epcglobal:epcis:vtyp:BusinessLocation"}]);
    let mut sent = body(json!({"eventList": []}));
    sent["epcisHeader"] = json!({"epcisMasterData": {"vocabularyList": places}});
    sent["sender"] = json!("urn:x:me");
    let read_back = document::parse(&sent).unwrap();
    assert_eq!(serde_json::Value::from(read_back.master_data), places);
    assert_eq!(read_back.other["sender"], "urn:x:me");
}

#[test]
fn written_documents_carry_the_record_time_and_read_back() {
    let event = read(&shipping());
    let at = UnixMillis(1_000);
    for json in [
        document::write([(&event, at)], at),
        document::write_query_results([(&event, at)], at, "SimpleEventQuery"),
    ] {
        let text = json.to_string();
        assert!(
            text.contains("\"recordTime\":\"1970-01-01T00:00:01.000Z\""),
            "{text}"
        );
        assert_eq!(
            document::parse(&json).unwrap().events,
            std::slice::from_ref(&event)
        );
    }
}
