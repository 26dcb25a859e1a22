//! The log's checkpoint: the newest, and the newest that enough witnesses have cosigned.

use super::Shared;
use crate::openapi::{Answer, Operation, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ledger::ids::LeafIndex;
use ledger::statement::{Payload, SignedStatement};
use ledger::store::{Store as _, View as _};

pub(crate) const NOTE_TYPE: &str = "text/plain; charset=utf-8";

/// A checkpoint is soon replaced by another; within this time caches may answer for the node.
const CACHING: &str = "public, max-age=1";

pub(crate) static CHECKPOINT: Operation = Operation {
    path: "/checkpoint",
    tag: Tag::Log,
    summary: "The newest checkpoint, a C2SP signed note.",
    description: "With the cosignatures that its witnesses have given so far. Whether they are \
        enough is for your own policy to say.",
    answers: &[Answer {
        status: 200,
        description: "The checkpoint.",
        types: &[NOTE_TYPE],
    }],
    ..Operation::GET
};

pub(crate) static WITNESSED: Operation = Operation {
    path: "/checkpoint/witnessed",
    tag: Tag::Log,
    summary: "The newest checkpoint whose cosignatures meet the node's own quorum.",
    description: "May be older than the newest checkpoint, and is at most about a second while \
        enough witnesses answer. 404 where there is none yet, or no witness is asked.",
    answers: &[Answer {
        status: 200,
        description: "The checkpoint with its cosignatures.",
        types: &[NOTE_TYPE],
    }],
    ..Operation::GET
};

pub(crate) static PREDECESSOR: Operation = Operation {
    path: "/predecessor",
    tag: Tag::Log,
    summary: "The last checkpoint of the log that this one continues.",
    description: "As this log's founding entry, leaf 0, holds it, with the older log's signature and \
        its witnesses'. 404 where this log continues no other.",
    answers: &[Answer {
        status: 200,
        description: "The checkpoint.",
        types: &[NOTE_TYPE],
    }],
    ..Operation::GET
};

/// `GET /checkpoint`.
pub(crate) async fn checkpoint<S: Service>(
    State(app): State<Shared<S>>,
) -> Result<Response, Problem> {
    let head = app
        .read(|service| Ok(service.store().view().head()?))
        .await?;
    let head = head.ok_or(Problem::LogEmpty)?;
    Ok(note(app.service.with_cosignatures(head.checkpoint)))
}

/// `GET /checkpoint/witnessed`.
pub(crate) async fn witnessed<S: Service>(
    State(app): State<Shared<S>>,
) -> Result<Response, Problem> {
    let checkpoint = app.service.witnessed_checkpoint();
    checkpoint.map(note).ok_or(Problem::NotWitnessed)
}

/// `GET /predecessor`.
pub(crate) async fn predecessor<S: Service>(
    State(app): State<Shared<S>>,
) -> Result<Response, Problem> {
    let founding = app
        .read(|service| Ok(service.store().view().entry(LeafIndex(0))?))
        .await?;
    let founding = SignedStatement::parse(&founding.ok_or(Problem::LogEmpty)?);
    // The node's own entry, which it admitted.
    let founding = founding.map_err(|_| Problem::StoreFailed)?;
    let predecessor = match founding.payload() {
        Payload::Registry(act) => act.action.predecessor(),
        Payload::Block(_) | Payload::Events(_) => None,
    };
    let text = predecessor.map(ToString::to_string);
    text.map(note).ok_or(Problem::NoPredecessor)
}

/// A note as an answer.
pub(crate) fn note(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, NOTE_TYPE),
        (header::CACHE_CONTROL, CACHING),
    ];
    (headers, text).into_response()
}
