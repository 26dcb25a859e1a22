//! The home page, the description of the API, and the files pages need.

use super::Shared;
use crate::app::Ask;
use crate::openapi::{Answer, Operation, Parameter};
use crate::pages;
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};

const HTML: &[&str] = &["text/html; charset=utf-8"];

pub(crate) static HOME: Operation = Operation {
    path: "/",
    summary: "The home page: a box to type a code into.",
    answers: &[Answer {
        status: 200,
        description: "The page.",
        types: HTML,
    }],
    ..Operation::GET
};

pub(crate) static DOCS: Operation = Operation {
    path: "/docs",
    summary: "This document as a page.",
    answers: &[Answer {
        status: 200,
        description: "The page.",
        types: HTML,
    }],
    ..Operation::GET
};

pub(crate) static OPENAPI: Operation = Operation {
    path: "/openapi.json",
    summary: "This document.",
    answers: &[Answer {
        status: 200,
        description: "OpenAPI 3.1.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

pub(crate) static ASSET: Operation = Operation {
    path: "/assets/{name}",
    summary: "A file that a page needs, under a name that changes with its content.",
    parameters: &[Parameter::path("name", "As it stands in the page.")],
    answers: &[Answer {
        status: 200,
        description: "The file.",
        types: &["text/css; charset=utf-8"],
    }],
    ..Operation::GET
};

/// `GET /`.
pub(crate) async fn home<S: Service>(State(app): State<Shared<S>>, ask: Ask) -> Response {
    Html(pages::home(&app.page(&ask))).into_response()
}

/// `GET /docs`.
pub(crate) async fn docs<S: Service>(State(app): State<Shared<S>>, ask: Ask) -> Response {
    Html(pages::api_docs(
        &app.openapi,
        "/openapi.json",
        &app.page(&ask),
    ))
    .into_response()
}

/// `GET /openapi.json`.
pub(crate) async fn openapi<S: Service>(State(app): State<Shared<S>>) -> Response {
    Json(&app.openapi).into_response()
}

/// `GET /assets/{name}`.
pub(crate) async fn asset(ask: Ask) -> Result<Response, Problem> {
    let (media_type, content) = pages::asset(ask.path()).ok_or(Problem::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, media_type),
        (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
    ];
    Ok((headers, content).into_response())
}
