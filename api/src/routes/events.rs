//! Events by query: EPCIS 2.0's REST binding for an exact item, and its answer documents.

use super::resolve::{invalid, reader};
use super::{Shared, parts, query};
use crate::app::Ask;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use ledger::event::{Event, document};
use ledger::ids::{Handle, LeafIndex, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::{Content, Source as _};
use ledger::state::{EventRecord, Record as _, StateKey};
use ledger::statement::{Payload, SignedStatement};
use ledger::store::{EventRef, Store as _, StoreError, View};
use ledger::stored::{self, Closed};
use query::{Cursor, EventQuery, Order};
use serde_json::Value;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Leaves that one page of a bulk listing looks at; the next page goes on from there.
const SCAN_LEAVES: usize = 4096;
/// Leaves read at once.
const SCAN_STEP: usize = 128;

pub(crate) static QUERY: Operation = Operation {
    path: "/events",
    tag: Tag::Events,
    summary: "Events that name an exact item, as an EPCISQueryDocument.",
    description: "The item is named by one or more of the MATCH parameters or \
        EQ_transformationID; values may be any spelling of a code's URI. Several values of one \
        parameter, repeated or joined by |, mean any of them; words may also be joined by commas. \
        Without an item, events are listed in the order of the log to callers on the node's own \
        machine only.",
    parameters: &query::PARAMETERS,
    answers: &[Answer {
        status: 200,
        description: "The events; a Link header with rel=\"next\" where there are more.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

pub(crate) static EVENT: Operation = Operation {
    path: "/events/{id}",
    tag: Tag::Events,
    summary: "One event by its eventID and issuer, or by its place on the log.",
    description: "An eventID is unique for its issuer only. By place, as leaf.index, events are \
        shown to callers on the node's own machine only, since places can be counted through.",
    parameters: &[
        Parameter::path("id", "The eventID, percent-encoded; or leaf.index."),
        Parameter::query(
            "issuer",
            "Handle of who issued it, 22 base64url characters.",
        ),
        Parameter::query(
            "parts",
            "confidential or all, to callers on the node's own machine.",
        ),
    ],
    answers: &[Answer {
        status: 200,
        description: "An EPCISDocument with that event. Who asked for personal parts finds those \
            deleted on order under https://ref.suyuan.example/voc/deletedParts: by whom, on, order, \
            basis and number.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

/// One event found, and its place in the order asked for.
struct Found {
    at: EventRef,
    recorded: UnixMillis,
    content: Rc<Content>,
    deleted: parts::Deleted,
}

impl Found {
    fn event(&self) -> Option<&Event> {
        match &*self.content {
            Content::Event(event) => Some(event),
            Content::Registry { .. } => None,
        }
    }

    fn cursor(&self, order: Order) -> Cursor {
        let time = match order {
            Order::EventTime => self.event().map_or(self.recorded, Event::time),
            Order::RecordTime => self.recorded,
        };
        Cursor { time, at: self.at }
    }
}

/// A page of events as JSON, and where the next begins.
struct Page {
    document: Value,
    next: Option<Cursor>,
}

/// `GET /events`.
pub(crate) async fn query<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let reader = reader(&ask)?;
    let query = EventQuery::read(&ask.query)?;
    if query.items.is_empty() && !ask.caller.local {
        return Err(Problem::BulkListingNeedsIdentity);
    }
    let page = app
        .read(move |service| {
            let view = service.store().view();
            let (found, next) = if query.items.is_empty() {
                scan(&view, &query, reader)?
            } else {
                lookup(&view, &query, reader)?
            };
            let events = found
                .iter()
                .filter_map(|one| Some((one.event()?, one.recorded)));
            let name = "SimpleEventQuery";
            let mut document = document::write_query_results(events, service.now(), name);
            let deleted: Vec<_> = found.into_iter().map(|one| one.deleted).collect();
            let list = &mut document["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
            parts::mark(list, &deleted);
            Ok(Page { document, next })
        })
        .await?;
    let mut response = answer(&page.document);
    if let Some(next) = page.next {
        let link = next_link(app.service.public_url(), &ask, next);
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(response)
}

/// The same query with the next page's token.
fn next_link(public_url: &str, ask: &Ask, next: Cursor) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(ask.query.0.iter().filter(|(key, _)| key != "nextPageToken"));
    query.append_pair("nextPageToken", &next.to_string());
    format!("<{public_url}/events?{}>; rel=\"next\"", query.finish())
}

/// EPCIS JSON with the versions its REST binding states (EPCIS 2.0 §12.6).
fn answer(document: &Value) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (HeaderName::from_static("gs1-epcis-version"), "2.0"),
        (HeaderName::from_static("gs1-epcis-min"), "2.0"),
        (HeaderName::from_static("gs1-epcis-max"), "2.0"),
        (HeaderName::from_static("gs1-cbv-version"), "2.0"),
        (
            HeaderName::from_static("gs1-epc-format"),
            "Always_GS1_Digital_Link",
        ),
    ];
    (headers, document.to_string()).into_response()
}

type Events = (Vec<Found>, Option<Cursor>);

/// The events on the lists of the query's items. Lists are bounded, and so is this.
fn lookup<V: View>(view: &V, query: &EventQuery, reader: Reader) -> Result<Events, StoreError> {
    let mut source = ViewSource::new(view, reader);
    let mut found: BTreeMap<Cursor, Found> = BTreeMap::new();
    for item in query.candidates() {
        for touch in source.touches(item)?.shown {
            let mut one = Found {
                at: touch.at,
                recorded: touch.recorded,
                content: touch.content,
                deleted: Vec::new(),
            };
            if one
                .event()
                .is_some_and(|event| query.fits(event, one.recorded))
            {
                let read = source.statement(one.at.leaf)?;
                one.deleted = parts::deleted(view, one.at, &read.closed)?;
                found.insert(one.cursor(query.order), one);
            }
        }
    }
    let mut ordered: Vec<(Cursor, Found)> = found.into_iter().collect();
    if query.descending {
        ordered.reverse();
    }
    let follows = |cursor: &Cursor| {
        query.after.is_none_or(|after| {
            if query.descending {
                *cursor < after
            } else {
                *cursor > after
            }
        })
    };
    let mut rest = ordered.into_iter().filter(|(cursor, _)| follows(cursor));
    let page: Vec<(Cursor, Found)> = rest.by_ref().take(query.per_page).collect();
    let next = rest
        .next()
        .and_then(|_| page.last())
        .map(|(cursor, _)| *cursor);
    Ok((page.into_iter().map(|(_, one)| one).collect(), next))
}

/// Events of all leaves in the order of the log, whatever order was asked for.
fn scan<V: View>(view: &V, query: &EventQuery, reader: Reader) -> Result<Events, StoreError> {
    let end = view.head()?.map_or(0, |head| head.size().0);
    let after = query.after.map(|cursor| cursor.at);
    let mut leaf = after.map_or(LeafIndex(0), |at| at.leaf);
    let last = end.min(
        leaf.0
            .saturating_add(u64::try_from(SCAN_LEAVES).unwrap_or(u64::MAX)),
    );
    let mut found: Vec<Found> = Vec::new();
    let mut recorded = (LeafIndex(0), UnixMillis(0));
    while leaf.0 < last {
        let read = view.leaves(leaf, SCAN_STEP)?;
        if read.is_empty() {
            break;
        }
        for one in read {
            leaf = LeafIndex(one.leaf.0 + 1);
            if one.leaf >= recorded.0 {
                let block = view.block_of(one.leaf)?;
                recorded = block.map_or((leaf, UnixMillis(0)), |block| (block.header, block.time));
            }
            let (events, closed) = events_of(view, one.leaf, &one.entry, &one.body, reader)?;
            for (index, event) in events {
                let at = EventRef {
                    leaf: one.leaf,
                    index,
                };
                if after.is_some_and(|after| at <= after) || !query.fits(&event, recorded.1) {
                    continue;
                }
                if found.len() == query.per_page {
                    let next = found.last().map(|one| one.cursor(Order::RecordTime));
                    return Ok((found, next));
                }
                let content = Rc::new(Content::Event(event));
                found.push(Found {
                    at,
                    recorded: recorded.1,
                    content,
                    deleted: parts::deleted(view, at, &closed)?,
                });
            }
        }
    }
    // More leaves than one page looks at: go on after the last one read.
    let unread = leaf.0 < end && leaf.0 > 0;
    let at = EventRef {
        leaf: LeafIndex(leaf.0.saturating_sub(1)),
        index: u16::MAX,
    };
    Ok((
        found,
        unread.then_some(Cursor {
            time: recorded.1,
            at,
        }),
    ))
}

/// Events by index, and personal parts without keys.
type EventsOf = (Vec<(u16, Event)>, Vec<Closed>);

/// The events of one statement with the parts that this reader may see, by index, and parts that
/// it might see and that are not to be had.
fn events_of<V: View>(
    view: &V,
    leaf: LeafIndex,
    entry: &[u8],
    body: &[u8],
    reader: Reader,
) -> Result<EventsOf, StoreError> {
    let corrupt = |detail: String| StoreError::Corrupt {
        what: "entry",
        detail: format!("leaf {leaf}: {detail}"),
    };
    let statement = SignedStatement::parse(entry).map_err(|error| corrupt(error.to_string()))?;
    if body.is_empty() || !matches!(statement.payload(), Payload::Events(_)) {
        return Ok((Vec::new(), Vec::new()));
    }
    let opened = stored::open(view, &statement, body, |class| reader.sees(class))?;
    let one = |one: ledger::disclosure::Disclosed| {
        let map = one.restore().map_err(|error| corrupt(error.to_string()))?;
        let event = Event::from_public_map(&map).map_err(|error| corrupt(error.to_string()))?;
        Ok((one.index, event))
    };
    let events: Result<_, StoreError> = opened.disclosed.into_iter().map(one).collect();
    Ok((events?, opened.closed))
}

/// `GET /events/{id}`.
pub(crate) async fn event<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let reader = reader(&ask)?;
    let id = ask.param("id").to_owned();
    let issuer = match ask.query.first("issuer") {
        None => None,
        Some(text) => {
            let handle = Handle::parse(text);
            Some(handle.ok_or_else(|| invalid("issuer", "not 22 base64url characters"))?)
        }
    };
    let place = place(&id);
    if place.is_some() && !ask.caller.local {
        return Err(Problem::BulkListingNeedsIdentity);
    }
    if place.is_none() && issuer.is_none() {
        return Err(Problem::EventIssuerNeeded);
    }
    let document = app
        .read(move |service| {
            let view = service.store().view();
            let at = match (place, issuer) {
                (Some(at), _) => Some(at),
                (None, Some(issuer)) => find(&view, issuer, &id)?,
                (None, None) => None,
            };
            let at = at.ok_or(Problem::EventUnknown)?;
            let mut pairs = view.entries_with_bodies(&[at.leaf])?.into_iter();
            let (entry, body) = pairs.next().flatten().ok_or(Problem::EventUnknown)?;
            let recorded = view
                .block_of(at.leaf)?
                .map_or(UnixMillis(0), |block| block.time);
            let (events, closed) = events_of(&view, at.leaf, &entry, &body, reader)?;
            let event = events.into_iter().find(|(index, _)| *index == at.index);
            let (_, event) = event.ok_or(Problem::EventUnknown)?;
            let mut document = document::write([(&event, recorded)], service.now());
            let deleted = parts::deleted(&view, at, &closed)?;
            parts::mark(&mut document["epcisBody"]["eventList"], &[deleted]);
            Ok(document)
        })
        .await?;
    Ok(answer(&document))
}

/// `812.0`: leaf and index.
fn place(id: &str) -> Option<EventRef> {
    let (leaf, index) = id.split_once('.')?;
    let at = EventRef {
        leaf: LeafIndex(leaf.parse().ok()?),
        index: index.parse().ok()?,
    };
    // The store's keys end before half the range.
    (at.leaf.0 < u64::MAX / 2).then_some(at)
}

pub(super) fn find<V: View>(
    view: &V,
    issuer: Handle,
    id: &str,
) -> Result<Option<EventRef>, StoreError> {
    let record = view
        .records(&[StateKey::event(issuer, id)])?
        .into_iter()
        .next()
        .flatten();
    let Some(bytes) = record else {
        return Ok(None);
    };
    let record = EventRecord::decode(&bytes).map_err(|error| StoreError::Corrupt {
        what: "state record",
        detail: format!("an event's: {error}"),
    })?;
    Ok(Some(EventRef {
        leaf: record.leaf,
        index: record.index,
    }))
}
