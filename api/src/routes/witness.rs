//! This node as a witness of other logs (C2SP tlog-witness).
//!
//! The submission prefix is the node's public address, the monitoring prefix `/witness` under it.

use super::Shared;
use super::checkpoint::{NOTE_TYPE, note};
use crate::app::Ask;
use crate::limits::BODY_TIME;
use crate::openapi::{Answer, Method, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::{CosignError, Service};
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use ledger::hash::Digest;
use ledger::witness::{AddCheckpoint, REQUEST_BYTES_MAX, Refusal};

/// What a log hears that does not know how far its witness has come.
const SIZE_TYPE: &str = "text/x.tlog.size";

pub(crate) static ADD_CHECKPOINT: Operation = Operation {
    method: Method::Post,
    path: "/add-checkpoint",
    tag: Tag::Log,
    summary: "Ask this node, as a witness, to cosign a log's checkpoint.",
    description: "The body is `old SIZE`, the lines of a consistency proof, an empty line and the \
        checkpoint. The log's own signature is the only credential.",
    takes: &[NOTE_TYPE],
    answers: &[
        Answer {
            status: 200,
            description: "The cosignature's line.",
            types: &[NOTE_TYPE],
        },
        Answer {
            status: 409,
            description: "The size of the latest checkpoint cosigned; prove from there.",
            types: &[SIZE_TYPE],
        },
    ],
    ..Operation::GET
};

pub(crate) static LATEST: Operation = Operation {
    path: "/witness/{origin_hash}/checkpoint",
    tag: Tag::Log,
    summary: "The latest checkpoint of a log that this node, as a witness, has cosigned.",
    parameters: &[Parameter::path(
        "origin_hash",
        "SHA-256 of the log's origin, 64 lower-case hexadecimal digits.",
    )],
    answers: &[Answer {
        status: 200,
        description: "The checkpoint with the log's signature and the cosignature.",
        types: &[NOTE_TYPE],
    }],
    ..Operation::GET
};

/// `POST /add-checkpoint`.
pub(crate) async fn add_checkpoint<S: Service>(
    State(app): State<Shared<S>>,
    request: Request,
) -> Result<Response, Problem> {
    let body = tokio::time::timeout(BODY_TIME, read(request.into_body()))
        .await
        .map_err(|_| Problem::BodyIncomplete)??;
    let cosign = move |service: &S| {
        let asked = std::str::from_utf8(&body)
            .map_err(|_| Refusal::Malformed { line: 1 })
            .and_then(AddCheckpoint::parse);
        Ok(asked
            .map_err(CosignError::from)
            .and_then(|request| service.cosign(request)))
    };
    match app.read(cosign).await? {
        Ok(cosignature) => {
            Ok(([(header::CONTENT_TYPE, NOTE_TYPE)], cosignature.line).into_response())
        }
        Err(CosignError::Refused(Refusal::OldSize { size })) => {
            let headers = [(header::CONTENT_TYPE, SIZE_TYPE)];
            Ok((StatusCode::CONFLICT, headers, format!("{size}\n")).into_response())
        }
        Err(error) => Err(error.into()),
    }
}

async fn read(body: Body) -> Result<Vec<u8>, Problem> {
    let read = Limited::new(body, REQUEST_BYTES_MAX).collect().await;
    let read = read.map_err(|error| {
        if error.is::<LengthLimitError>() {
            let refusal = Refusal::TooLarge {
                limit: REQUEST_BYTES_MAX,
                unit: "bytes",
            };
            CosignError::Refused(refusal).into()
        } else {
            Problem::BodyIncomplete
        }
    })?;
    Ok(read.to_bytes().into())
}

/// `GET /witness/{origin_hash}/checkpoint`.
pub(crate) async fn latest<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let text = ask.param("origin_hash");
    let origin_hash = Digest::from_hex(text).filter(|hash| hash.to_string() == text);
    let origin_hash = origin_hash.ok_or(Problem::NotCosigned)?;
    // It may have to wait for a write.
    let latest = app
        .read(move |service| Ok(service.latest_cosigned(&origin_hash)))
        .await?;
    latest.map(note).ok_or(Problem::NotCosigned)
}
