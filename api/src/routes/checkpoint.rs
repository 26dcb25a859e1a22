//! The log's checkpoint: the newest, and the newest that enough witnesses have cosigned.

use super::Shared;
use crate::openapi::{Answer, Operation, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
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

/// A note as an answer.
pub(crate) fn note(text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, NOTE_TYPE),
        (header::CACHE_CONTROL, CACHING),
    ];
    (headers, text).into_response()
}
