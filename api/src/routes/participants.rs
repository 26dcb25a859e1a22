//! Who a participant is, as far as everyone may know.

use super::Shared;
use crate::app::Ask;
use crate::negotiate::Form;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::pages;
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::response::{Html, IntoResponse as _, Response};
use ledger::identifier::Identifier;
use ledger::ids::Handle;
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::answer::Party;
use ledger::provenance::{Source as _, participant as participant_of};
use ledger::store::Store as _;
use serde_json::json;

pub(crate) static PARTICIPANT: Operation = Operation {
    path: "/participants/{handle}",
    tag: Tag::Resolution,
    summary: "A participant: name, roles, district, licences, standing.",
    parameters: &[Parameter::path(
        "handle",
        "Its handle, 22 base64url characters.",
    )],
    answers: &[Answer {
        status: 200,
        description: "The participant.",
        types: &["application/json", "text/html; charset=utf-8"],
    }],
    ..Operation::GET
};

/// `GET /participants/{handle}`.
pub(crate) async fn participant<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let text = ask.param("handle");
    let unknown = || Problem::ParticipantUnknown {
        handle: text.chars().take(40).collect(),
    };
    let handle = Handle::parse(text).ok_or_else(unknown)?;
    let party = app
        .read(move |service| read(service, handle))
        .await?
        .ok_or_else(unknown)?;
    let form = ask.wishes.form(&[Form::Json, Form::Page]);
    match form {
        Some(Form::Page) => {
            Ok(Html(pages::participant(handle, &party, &app.page(&ask))).into_response())
        }
        Some(Form::Json | Form::Bundle | Form::Linkset) => {
            Ok(Json(json!({ "handle": handle, "participant": party })).into_response())
        }
        None => Err(Problem::NotAcceptable {
            offers: "application/json, text/html",
        }),
    }
}

/// The participant as the acts about it leave it, from their public parts.
fn read<S: Service>(service: &S, handle: Handle) -> Result<Option<Party>, Problem> {
    let view = service.store().view();
    let mut source = ViewSource::new(&view, Reader::Public);
    let touches = source.touches(Identifier::participant(handle).as_str())?;
    Ok(participant_of(&touches.shown, handle))
}
