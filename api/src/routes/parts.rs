//! Personal parts: which ones a statement has, and what stands in the place of those deleted.

use super::Shared;
use super::resolve::invalid;
use crate::app::Ask;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use ledger::access::Sight;
use ledger::disclosure::Disclosed;
use ledger::forget::{Tombstone, parts_of, tombstones};
use ledger::hash::Digest;
use ledger::ids::{Handle, LeafIndex};
use ledger::lists::{Reader, ViewSource};
use ledger::store::{EventRef, Store as _, StoreError, View};
use ledger::stored::Closed;
use serde_json::Value;

pub(crate) static PARTS: Operation = Operation {
    path: "/events/{id}/parts",
    tag: Tag::Events,
    summary: "The personal parts of a statement: their digests, and what became of them.",
    description: "Never what they say. An order to delete names issuer, capture, index and digest. \
        Shown to the statement's issuer, and to an authority over it.",
    parameters: &[
        Parameter::path(
            "id",
            "A statement's leaf; one event's place, as leaf.index; or, with issuer, its eventID.",
        ),
        Parameter::query(
            "issuer",
            "Handle of who issued the event, 22 base64url characters.",
        ),
    ],
    answers: &[Answer {
        status: 200,
        description: "Leaf, issuer, capture, and the parts, each with standing: kept; deleted, \
            with by, on, order, basis and number; elsewhere, where this copy has no keys; or lost.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

/// `GET /events/{id}/parts`.
pub(crate) async fn parts<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Json<Value>, Problem> {
    if ask.token.is_none() {
        return Err(Problem::ConfidentialNeedsIdentity);
    }
    let id = ask.param("id").to_owned();
    let issuer = match ask.query.first("issuer") {
        None => None,
        Some(text) => {
            let handle = Handle::parse(text);
            Some(handle.ok_or_else(|| invalid("issuer", "not 22 base64url characters"))?)
        }
    };
    let found = app
        .read(move |service| {
            let view = service.store().view();
            let reader = ask.reader_of(service, &view, Sight::Personal)?;
            let (leaf, index) = match issuer {
                None => place(&id).ok_or(Problem::EventIssuerNeeded)?,
                Some(issuer) => super::events::find(&view, issuer, &id)?
                    .map(|at| (at.leaf, Some(at.index)))
                    .ok_or(Problem::EventUnknown)?,
            };
            let found = parts_of(&view, leaf)?.ok_or(Problem::EventUnknown)?;
            // Digests and standing, nothing withheld: no read to record.
            let mut source = ViewSource::new(&view, reader);
            let read = source.statement(leaf)?;
            let personal = |one: &Disclosed| {
                let index = one.index;
                source.sight(EventRef { leaf, index }) == Sight::Personal
            };
            if !read.statement.disclosed().iter().any(personal) {
                return Err(Problem::EventUnknown);
            }
            Ok(found.to_json(index))
        })
        .await?;
    Ok(Json(found))
}

/// `812` or `812.0`.
fn place(id: &str) -> Option<(LeafIndex, Option<u16>)> {
    let (leaf, index) = match id.split_once('.') {
        Some((leaf, index)) => (leaf, Some(index.parse().ok()?)),
        None => (id, None),
    };
    let leaf = leaf.parse().ok()?;
    // The store's keys end before half the range.
    (leaf < u64::MAX / 2).then_some((LeafIndex(leaf), index))
}

/// The field of an event that says which of its parts were deleted: `sy:deletedParts`.
const DELETED: &str = "https://ref.suyuan.example/voc/deletedParts";

/// The deleted parts of one event, each with its tombstone.
pub(super) type Deleted = Vec<(Digest, Tombstone)>;

/// What stands in the place of an event's deleted parts.
pub(super) fn deleted<V: View>(
    view: &V,
    at: EventRef,
    closed: &[Closed],
) -> Result<Deleted, StoreError> {
    let mut here = closed.iter().filter(|one| one.index == at.index).peekable();
    if here.peek().is_none() {
        return Ok(Vec::new());
    }
    let orders = tombstones(&mut ViewSource::new(view, Reader::Public), at)?;
    Ok(here
        .filter_map(|one| Some((one.part, orders.get(&one.part)?.clone())))
        .collect())
}

/// Marks events in a document's list where parts were deleted: an event's tombstones stand at its
/// place in the list.
pub(super) fn mark(events: &mut Value, deleted: &[Deleted]) {
    let events = events.as_array_mut().map(Vec::as_mut_slice);
    for (event, deleted) in events.unwrap_or_default().iter_mut().zip(deleted) {
        if deleted.is_empty() {
            continue;
        }
        let one = |(part, tombstone): &(Digest, Tombstone)| {
            let mut json = tombstone.to_json();
            json["part"] = part.to_string().into();
            json
        };
        event[DELETED] = deleted.iter().map(one).collect();
    }
}
