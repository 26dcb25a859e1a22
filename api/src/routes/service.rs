//! The node's health and figures.

use super::Shared;
use crate::app::Ask;
use crate::openapi::{Answer, Operation};
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

/// Prometheus' text format.
const METRICS_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

pub(crate) static HEALTH: Operation = Operation {
    path: "/health",
    summary: "Whether the process answers.",
    answers: &[Answer {
        status: 200,
        description: "It does.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

pub(crate) static READY: Operation = Operation {
    path: "/ready",
    summary: "Whether the node takes statements.",
    answers: &[
        Answer {
            status: 200,
            description: "It does.",
            types: &["application/json"],
        },
        Answer {
            status: 503,
            description: "It has halted or is shutting down, waits for its witnesses, or is closed: \
                `why` says which. Reads are still answered.",
            types: &["application/json"],
        },
    ],
    ..Operation::GET
};

pub(crate) static METRICS: Operation = Operation {
    path: "/metrics",
    summary: "Figures for Prometheus, to callers on the node's own machine.",
    answers: &[Answer {
        status: 200,
        description: "The figures.",
        types: &[METRICS_TYPE],
    }],
    ..Operation::GET
};

/// `GET /health`.
pub(crate) async fn health() -> Response {
    Json(json!({ "status": "ok" })).into_response()
}

/// `GET /ready`.
pub(crate) async fn ready<S: Service>(State(app): State<Shared<S>>) -> Response {
    let why = match app.service.not_signing() {
        Some(why) => why.name(),
        None if app.service.ready() => return Json(json!({ "ready": true })).into_response(),
        None => "halted",
    };
    let body = Json(json!({ "ready": false, "why": why }));
    (StatusCode::SERVICE_UNAVAILABLE, body).into_response()
}

/// `GET /metrics`.
pub(crate) async fn metrics<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    if !ask.caller.local {
        return Err(Problem::MetricsNeedIdentity);
    }
    Ok((
        [(header::CONTENT_TYPE, METRICS_TYPE)],
        app.service.metrics(),
    )
        .into_response())
}
