//! Events by query: EPCIS 2.0's REST binding for an exact item, and its answer documents.

use super::resolve::invalid;
use super::{Shared, parts, query};
use crate::app::Ask;
use crate::identity::record;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use ledger::access::Sight;
use ledger::event::{Event, document};
use ledger::event_proof::EventProof;
use ledger::ids::{Handle, LeafIndex, UnixMillis};
use ledger::lists::{BODY_BYTES_MAX, Passing, ViewSource};
use ledger::provenance::{Content, Source as _, Touch};
use ledger::state::{EventRecord, Record as _, StateKey};
use ledger::store::{EventRef, Store as _, StoreError, View};
use ledger::stored::Closed;
use query::{Cursor, EventQuery, Order};
use serde_json::Value;
use std::collections::BTreeMap;

/// Leaves that one page of a bulk listing looks at; the next page goes on from there.
const SCAN_LEAVES: usize = 4096;
/// Leaves read at once.
const SCAN_STEP: usize = 128;
/// Bytes of bodies read at once.
const SCAN_BYTES: usize = 8 * 1024 * 1024;

pub(crate) static QUERY: Operation = Operation {
    path: "/events",
    tag: Tag::Events,
    summary: "Events that name an exact item, as an EPCISQueryDocument.",
    description: "The item is named by one or more of the MATCH parameters or \
        EQ_transformationID; values may be any spelling of a code's URI. Several values of one \
        parameter, repeated or joined by |, mean any of them; words may also be joined by commas. \
        Without a token these are events that are anyone's to see under that item: making, tests, \
        stops. With one, all of the item's that concern its bearer; and without an item, all that \
        do, in the order of the log, a page at a time. A page may be empty and lead to the next.",
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
    description: "An eventID is unique for its issuer only. What does not concern the token's \
        bearer, and is not anyone's to see, is answered as unknown; by place, as leaf.index, \
        only what concerns the token's bearer is told, since places can be counted through.",
    parameters: &[
        Parameter::path("id", "The eventID, percent-encoded; or leaf.index."),
        Parameter::query(
            "issuer",
            "Handle of who issued it, 22 base64url characters.",
        ),
        Parameter::query(
            "parts",
            "confidential or all: parts that are not public too, where the token's bearer is \
             entitled; each read is recorded.",
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

pub(crate) static PROOF: Operation = Operation {
    path: "/events/{id}/proof",
    tag: Tag::Events,
    summary: "The proof of one event, for the log of another region.",
    description: "Its public part with the act that admitted its issuer, under the newest checkpoint \
        that meets this node's quorum: what suyuan import takes. For whoever may see the event by \
        name; the id is as for the event itself.",
    parameters: &[
        Parameter::path("id", "The eventID, percent-encoded; or leaf.index."),
        Parameter::query(
            "issuer",
            "Handle of who issued it, 22 base64url characters.",
        ),
    ],
    answers: &[Answer {
        status: 200,
        description: "The event proof (schemas/suyuan.cddl, event-proof).",
        types: &[EVENT_PROOF],
    }],
    ..Operation::GET
};

/// The media type of an event proof.
const EVENT_PROOF: &str = "application/vnd.suyuan.event-proof+cbor";

/// One event found, and its place in the order asked for.
struct Found {
    at: EventRef,
    recorded: UnixMillis,
    event: Event,
    deleted: parts::Deleted,
}

impl Found {
    fn cursor(&self, order: Order) -> Cursor {
        let time = match order {
            Order::EventTime => self.event.time(),
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
    let query = EventQuery::read(&ask.query)?;
    let asked = ask.clone();
    let page = app
        .read(move |service| {
            let view = service.store().view();
            let reader = asked.reader(service, &view)?;
            let mut source = ViewSource::new(&view, reader.clone());
            let (found, next) = match (query.items.is_empty(), reader.bearer()) {
                (false, None) => lookup(&view, None, &query)?,
                (false, Some(_)) => lookup(&view, Some(&mut source), &query)?,
                (true, Some(_)) => scan(&view, &mut source, &query)?,
                (true, None) => return Err(Problem::BulkListingNeedsIdentity),
            };
            record(service, "GET /events", &reader, source.opened())?;
            let events = found.iter().map(|one| (&one.event, one.recorded));
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

/// The events on the lists of the query's items: all on open lists, and those on `whole` ones that
/// its reader may see by name. Lists are bounded, and so is this.
fn lookup<V: View>(
    view: &V,
    whole: Option<&mut ViewSource<'_, V>>,
    query: &EventQuery,
) -> Result<Events, StoreError> {
    let mut open = ViewSource::open(view);
    let mut found: BTreeMap<Cursor, Found> = BTreeMap::new();
    let mut take = |touch: &Touch, closed: &[Closed]| {
        let Content::Event(event) = &*touch.content else {
            return Ok(());
        };
        if query.fits(event, touch.recorded) {
            let one = Found {
                at: touch.at,
                recorded: touch.recorded,
                event: event.clone(),
                deleted: parts::deleted(view, touch.at, closed)?,
            };
            found.insert(one.cursor(query.order), one);
        }
        Ok::<(), StoreError>(())
    };
    for item in query.candidates() {
        for touch in open.touches(item)?.shown {
            take(&touch, &[])?;
        }
    }
    if let Some(whole) = whole {
        for item in query.candidates() {
            for touch in whole.touches(item)?.shown {
                if whole.sight(touch.at) >= Sight::Named {
                    let read = whole.statement(touch.at.leaf)?;
                    take(&touch, &read.closed)?;
                }
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

/// Events of all leaves that concern the reader, in the order of the log, whatever order was asked
/// for.
fn scan<V: View>(
    view: &V,
    source: &mut ViewSource<'_, V>,
    query: &EventQuery,
) -> Result<Events, StoreError> {
    let end = view.head()?.map_or(0, |head| head.size().0);
    let after = query.after.map(|cursor| cursor.at);
    let mut leaf = after.map_or(LeafIndex(0), |at| at.leaf);
    let last = end.min(
        leaf.0
            .saturating_add(u64::try_from(SCAN_LEAVES).unwrap_or(u64::MAX)),
    );
    let mut found: Vec<Found> = Vec::new();
    let mut recorded = (LeafIndex(0), UnixMillis(0));
    let (mut bytes, mut whole) = (0_usize, true);
    while leaf.0 < last && whole {
        let read = view.leaves_within(leaf, SCAN_STEP, SCAN_BYTES)?;
        if read.is_empty() {
            break;
        }
        for one in read {
            leaf = LeafIndex(one.leaf.0 + 1);
            bytes = bytes.saturating_add(one.body.len());
            if one.leaf >= recorded.0 {
                let block = view.block_of(one.leaf)?;
                recorded = block.map_or((leaf, UnixMillis(0)), |block| (block.header, block.time));
            }
            for seen in source.passing(one.leaf, &one.entry, &one.body)? {
                let before = after.is_some_and(|after| seen.at <= after);
                let concerns = seen.sight >= Sight::Named && query.names(&seen.concern);
                if before || !concerns || !query.fits(&seen.event, recorded.1) {
                    continue;
                }
                if found.len() == query.per_page {
                    let next = found.last().map(|one| one.cursor(Order::RecordTime));
                    return Ok((found, next));
                }
                if let Some(opened) = seen.opened {
                    source.note(seen.at, opened);
                }
                found.push(Found {
                    at: seen.at,
                    recorded: recorded.1,
                    deleted: parts::deleted(view, seen.at, &seen.closed)?,
                    event: seen.event,
                });
            }
            if bytes > BODY_BYTES_MAX {
                whole = false;
                break;
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

/// `GET /events/{id}`.
pub(crate) async fn event<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let named = Named::read(&ask)?;
    let document = app
        .read(move |service| {
            let view = service.store().view();
            let reader = ask.reader(service, &view)?;
            let mut source = ViewSource::new(&view, reader.clone());
            let seen = named.seen(&view, &mut source)?;
            let at = seen.at;
            let recorded = view
                .block_of(at.leaf)?
                .map_or(UnixMillis(0), |block| block.time);
            if let Some(opened) = seen.opened {
                source.note(at, opened);
            }
            record(service, "GET /events/{id}", &reader, source.opened())?;
            let mut document = document::write([(&seen.event, recorded)], service.now());
            let deleted = parts::deleted(&view, at, &seen.closed)?;
            parts::mark(&mut document["epcisBody"]["eventList"], &[deleted]);
            Ok(document)
        })
        .await?;
    Ok(answer(&document))
}

/// `GET /events/{id}/proof`.
pub(crate) async fn proof<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let named = Named::read(&ask)?;
    let proof = app
        .read(move |service| {
            let view = service.store().view();
            let reader = ask.reader(service, &view)?;
            let seen = named.seen(&view, &mut ViewSource::new(&view, reader))?;
            let checkpoint = service.witnessed_checkpoint();
            let checkpoint = checkpoint.ok_or(Problem::NotWitnessed)?;
            let proof = EventProof::build(&view, seen.at, &checkpoint)?;
            proof.ok_or(Problem::NotWitnessedYet)
        })
        .await?;
    let headers = [
        (header::CONTENT_TYPE, EVENT_PROOF),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"suyuan.event-proof\"",
        ),
    ];
    Ok((headers, proof.encode()).into_response())
}

/// An event as a request names it.
struct Named {
    id: String,
    issuer: Option<Handle>,
    place: Option<EventRef>,
}

impl Named {
    fn read(ask: &Ask) -> Result<Self, Problem> {
        let id = ask.param("id").to_owned();
        let issuer = match ask.query.first("issuer") {
            None => None,
            Some(text) => {
                let handle = Handle::parse(text);
                Some(handle.ok_or_else(|| invalid("issuer", "not 22 base64url characters"))?)
            }
        };
        let place = place(&id);
        if place.is_some() && ask.token.is_none() {
            return Err(Problem::BulkListingNeedsIdentity);
        }
        if place.is_none() && issuer.is_none() {
            return Err(Problem::EventIssuerNeeded);
        }
        Ok(Self { id, issuer, place })
    }

    /// The event, if the reader of `source` may see it by name, or everyone may.
    fn seen<V: View>(&self, view: &V, source: &mut ViewSource<'_, V>) -> Result<Passing, Problem> {
        let at = match (self.place, self.issuer) {
            (Some(at), _) => Some(at),
            (None, Some(issuer)) => find(view, issuer, &self.id)?,
            (None, None) => None,
        };
        let at = at.ok_or(Problem::EventUnknown)?;
        let mut pairs = view.entries_with_bodies(&[at.leaf])?.into_iter();
        let (entry, body) = pairs.next().flatten().ok_or(Problem::EventUnknown)?;
        let events = source.passing(at.leaf, &entry, &body)?;
        let seen = events.into_iter().find(|one| one.at == at);
        let seen = seen.ok_or(Problem::EventUnknown)?;
        // Places can be counted through: who knows an event's id has it from somebody.
        let known = self.place.is_none() && source.is_open(at, &seen.event)?;
        if seen.sight < Sight::Named && !known {
            return Err(Problem::EventUnknown);
        }
        Ok(seen)
    }
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
