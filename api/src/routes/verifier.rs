//! The verifier for browsers, and its digest.

use super::Shared;
use crate::openapi::{Answer, Operation};
use crate::pages;
use crate::service::Service;
use axum::extract::State;
use axum::http::header;
use axum::response::{Html, IntoResponse as _, Response};

pub(crate) static VERIFY: Operation = Operation {
    path: "/verify",
    summary: "A page that checks bundles on the reader's own device, also from a saved file.",
    description: "The same file on every node. A check by a node's own script convinces only \
        those who trust that node: take another region's copy, and compare its SHA-256.",
    answers: &[Answer {
        status: 200,
        description: "The page, in Chinese and English.",
        types: &["text/html; charset=utf-8"],
    }],
    ..Operation::GET
};

pub(crate) static DIGEST: Operation = Operation {
    path: "/verify.sha256",
    summary: "The SHA-256 of that page, as `sha256sum --check` reads it.",
    answers: &[Answer {
        status: 200,
        description: "One line.",
        types: &["text/plain; charset=utf-8"],
    }],
    ..Operation::GET
};

/// `GET /verify`.
pub(crate) async fn verify<S: Service>(State(_app): State<Shared<S>>) -> Response {
    let page = pages::verifier();
    let headers = [(header::CONTENT_SECURITY_POLICY, page.policy.as_str())];
    (headers, Html(page.html.as_str())).into_response()
}

/// `GET /verify.sha256`.
pub(crate) async fn digest<S: Service>(State(_app): State<Shared<S>>) -> Response {
    format!("{}  verify.html\n", pages::verifier().sha256).into_response()
}
