//! EPCIS documents: many events and the master data sent with them (EPCIS 2.0 §10).
//!
//! Read are `EPCISDocument`, `EPCISQueryDocument` and a single event with its own `@context`.
//! How large a document may be is the caller's to say.

use super::context::{DocumentContext, EPCIS_CONTEXT};
use super::error::{EventError, EventFault};
use super::{Event, EventKind};
use crate::ids::UnixMillis;
use crate::time::format_utc;
use serde_json::{Map, Value, json};

/// Faults reported for one document: a clerk mends the first hundreds and tries again.
const FAULTS_MAX: usize = 1_000;

/// A checked document.
#[derive(Clone, Debug, Default)]
pub struct Document {
    /// The events, in the document's order.
    pub events: Vec<Event>,
    /// The vocabularies of `epcisMasterData` or of a query's result, as they stand.
    pub master_data: Vec<Value>,
    /// What the document's `@context` declares.
    pub context: DocumentContext,
    /// The document's other fields, as they stand: `id`, `sender`, `creationDate`, extensions.
    pub other: Map<String, Value>,
}

/// Reads a document from JSON text.
///
/// # Errors
/// As [`parse`]; text that is not JSON is one `WrongKind` at the root.
pub fn parse_bytes(bytes: &[u8]) -> Result<Document, Vec<EventError>> {
    let json: Value =
        serde_json::from_slice(bytes).map_err(|_| vec![expected("", "a JSON document")])?;
    parse(&json)
}

/// Reads a document.
///
/// # Errors
/// Every fault of every event, at most 1,000, with paths such as
/// `/epcisBody/eventList/3/epcList/0`.
pub fn parse(json: &Value) -> Result<Document, Vec<EventError>> {
    let Value::Object(fields) = json else {
        return Err(vec![expected("", "an object")]);
    };
    let kind = match fields.get("type") {
        Some(Value::String(kind)) => kind.as_str(),
        Some(_) => return Err(vec![expected("/type", "text")]),
        None => return Err(vec![fault("", EventFault::MissingField("type"))]),
    };
    if EventKind::parse(kind).is_some() {
        let event = Event::read_json(json, &DocumentContext::default(), "")?;
        return Ok(Document {
            events: vec![event],
            ..Document::default()
        });
    }
    let mut faults = Vec::new();
    let context = DocumentContext::from_json(fields.get("@context")).unwrap_or_else(|error| {
        faults.push(error);
        DocumentContext::default()
    });
    let (lists, vocabularies): (&[&str], &str) = match kind {
        "EPCISDocument" => (
            &["/epcisBody/eventList", "/epcisBody/event"],
            "/epcisHeader/epcisMasterData/vocabularyList",
        ),
        "EPCISQueryDocument" => (
            &["/epcisBody/queryResults/resultsBody/eventList"],
            "/epcisBody/queryResults/resultsBody/vocabularyList",
        ),
        _ => return Err(vec![fault("/type", EventFault::UnknownType)]),
    };
    let mut events = Vec::new();
    match lists
        .iter()
        .find_map(|path| Some((*path, json.pointer(path)?)))
    {
        None => faults.push(fault("/epcisBody", EventFault::MissingField("eventList"))),
        Some((path, Value::Array(list))) => {
            for (at, event) in list.iter().enumerate() {
                match Event::read_json(event, &context, &format!("{path}/{at}")) {
                    Ok(event) => events.push(event),
                    Err(found) => faults.extend(found),
                }
                if faults.len() >= FAULTS_MAX {
                    break;
                }
            }
        }
        Some((path, event @ Value::Object(_))) if path.ends_with("/event") => {
            match Event::read_json(event, &context, path) {
                Ok(event) => events.push(event),
                Err(found) => faults.extend(found),
            }
        }
        Some((path, _)) => faults.push(expected(path, "an array")),
    }
    let master_data = match json.pointer(vocabularies) {
        None => Vec::new(),
        Some(Value::Array(list)) => list.clone(),
        Some(_) => {
            faults.push(expected(vocabularies, "an array"));
            Vec::new()
        }
    };
    if !faults.is_empty() {
        faults.truncate(FAULTS_MAX);
        return Err(faults);
    }
    let mut other = fields.clone();
    for read in ["@context", "type", "epcisBody", "epcisHeader"] {
        other.remove(read);
    }
    Ok(Document {
        events,
        master_data,
        context,
        other,
    })
}

/// Writes an `EPCISDocument` with each event's record time.
#[must_use]
pub fn write<'a>(
    events: impl IntoIterator<Item = (&'a Event, UnixMillis)>,
    created: UnixMillis,
) -> Value {
    json!({
        "@context": [EPCIS_CONTEXT],
        "type": "EPCISDocument",
        "schemaVersion": "2.0",
        "creationDate": format_utc(created),
        "epcisBody": { "eventList": event_list(events) },
    })
}

/// Writes the answer to a query as an `EPCISQueryDocument` (EPCIS 2.0 §12).
///
/// `query_name`: the query's name, such as `SimpleEventQuery`.
#[must_use]
pub fn write_query_results<'a>(
    events: impl IntoIterator<Item = (&'a Event, UnixMillis)>,
    created: UnixMillis,
    query_name: &str,
) -> Value {
    json!({
        "@context": [EPCIS_CONTEXT],
        "type": "EPCISQueryDocument",
        "schemaVersion": "2.0",
        "creationDate": format_utc(created),
        "epcisBody": { "queryResults": {
            "queryName": query_name,
            "resultsBody": { "eventList": event_list(events) },
        } },
    })
}

/// Events keep the terms they declare, since two events may mean different things by one prefix.
fn event_list<'a>(events: impl IntoIterator<Item = (&'a Event, UnixMillis)>) -> Vec<Value> {
    let one = |(event, recorded): (&Event, UnixMillis)| {
        let mut json = super::json::from_map(event.as_map());
        json.insert("recordTime".to_owned(), format_utc(recorded).into());
        Value::Object(json)
    };
    events.into_iter().map(one).collect()
}

fn fault(path: &str, why: EventFault) -> EventError {
    EventError {
        path: path.to_owned(),
        why,
    }
}

fn expected(path: &str, expected: &'static str) -> EventError {
    fault(path, EventFault::WrongKind { expected })
}
