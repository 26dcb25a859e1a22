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
use ledger::cbor::{Map, Value};
use ledger::identifier::Identifier;
use ledger::ids::Handle;
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::answer::{Party, Text};
use ledger::provenance::{Content, Source as _};
use ledger::registry::Action;
use ledger::state::Role;
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
    let mut found: Option<Party> = None;
    for touch in touches.shown {
        if let Content::Registry { action, record } = &*touch.content {
            apply(&mut found, handle, action, record);
        }
    }
    Ok(found)
}

fn apply(found: &mut Option<Party>, wanted: Handle, action: &Action, record: &Map) {
    match action {
        Action::Found { founders, .. } => {
            if let Some((_, district, _)) = founders.iter().find(|(handle, ..)| *handle == wanted) {
                let party = found.get_or_insert_default();
                describe(party, &[Role::Authority], district, record);
            }
        }
        Action::Admit {
            handle,
            roles,
            district,
            ..
        }
        | Action::Amend {
            handle,
            roles,
            district,
            ..
        } if *handle == wanted => {
            let roles: Vec<Role> = roles.iter().collect();
            describe(found.get_or_insert_default(), &roles, district, record);
        }
        Action::Suspend(handle) | Action::Reinstate(handle) if *handle == wanted => {
            if let Some(party) = found {
                party.suspended = matches!(action, Action::Suspend(_));
            }
        }
        Action::Admit { .. }
        | Action::Amend { .. }
        | Action::Suspend(_)
        | Action::Reinstate(_)
        | Action::AddKey { .. }
        | Action::RetireKey { .. }
        | Action::RevokeKey { .. }
        | Action::Delegate { .. }
        | Action::Product
        | Action::Place
        | Action::Policy
        | Action::Recode
        | Action::Agreement
        | Action::Region
        | Action::Import
        | Action::Hold
        | Action::Recall
        | Action::Release
        | Action::Respond
        | Action::Rules { .. }
        | Action::Forget => {}
    }
}

fn describe(party: &mut Party, roles: &[Role], district: &str, record: &Map) {
    let text = |map: &Map, key: &str| map.get(key).and_then(Value::as_text).map(str::to_owned);
    party.roles = roles.to_vec();
    district.clone_into(&mut party.district);
    if let Some(name) = record.get("name").and_then(Value::as_map) {
        let said = |key| text(name, key).unwrap_or_default();
        party.name = Text {
            zh: said("zh"),
            en: said("en"),
        };
    } else if let Some(name) = text(record, "name") {
        party.name = Text {
            zh: name.clone(),
            en: name,
        };
    }
    if let Some(uscc) = text(record, "uscc") {
        party.uscc = Some(uscc);
    }
    if let Some(licences) = record.get("licences").and_then(Value::as_array) {
        let one = |licence: &Map| {
            (
                text(licence, "kind").unwrap_or_default(),
                text(licence, "number").unwrap_or_default(),
            )
        };
        party.licences = licences.iter().filter_map(Value::as_map).map(one).collect();
    }
}
