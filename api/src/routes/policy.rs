//! What findings are judged by now.

use super::Shared;
use crate::app::Ask;
use crate::openapi::{Answer, Operation, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use ledger::lists::{Reader, ViewSource};
use ledger::policy::History;
use ledger::store::Store as _;

pub(crate) static POLICY: Operation = Operation {
    path: "/policy",
    tag: Tag::Resolution,
    summary: "The policy: limits, deadlines, authorisations, severities, each with its source.",
    answers: &[Answer {
        status: 200,
        description: "The newest version, and how many acts made it.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

/// `GET /policy`.
pub(crate) async fn policy<S: Service>(
    State(app): State<Shared<S>>,
    _ask: Ask,
) -> Result<Json<serde_json::Value>, Problem> {
    let read = |service: &S| {
        let view = service.store().view();
        let history = History::read(&mut ViewSource::new(&view, Reader::Public))?;
        Ok(history.newest().to_json())
    };
    app.read(read).await.map(Json)
}
