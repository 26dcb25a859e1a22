//! The access record, for those who audit it: who was shown which withheld part, and when.

use super::Shared;
use super::resolve::invalid;
use crate::app::Ask;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse as _, Response};
use ledger::access::governs;
use ledger::state::Role;
use ledger::store::Store as _;
use serde_json::{Value, json};

/// Records of one page: each may name some thousands of parts.
const PER_PAGE_MAX: usize = 100;

pub(crate) static ACCESS_LOG: Operation = Operation {
    path: "/access-log",
    tag: Tag::Service,
    summary: "Who was shown which withheld part, to authorities and regulators.",
    description: "Records in the order in which they were made, with the parts of those in the \
        jurisdiction of the token's bearer. Each names the digest of the one before: whoever keeps \
        the last digest seen finds out when a record is changed or taken away.",
    parameters: &[
        Parameter::query("from", "The number of the first record; 0 unless given."),
        Parameter::query(
            "perPage",
            "Records looked at, 100 unless given, at most 100.",
        ),
    ],
    answers: &[Answer {
        status: 200,
        description: "The records; a Link header with rel=\"next\" where there may be more.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

/// `GET /access-log`.
pub(crate) async fn access_log<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let from = number(&ask, "from")?.unwrap_or_default();
    let per_page = match number(&ask, "perPage")? {
        None => PER_PAGE_MAX,
        Some(count) => usize::try_from(count)
            .ok()
            .filter(|count| (1..=PER_PAGE_MAX).contains(count))
            .ok_or_else(|| invalid("perPage", "not a number from 1 to 100"))?,
    };
    let (records, next) = app
        .read(move |service| {
            let view = service.store().view();
            let Some(bearer) = ask.bearer(service, &view)? else {
                return Err(Problem::AccessLogNeedsIdentity);
            };
            let roles = bearer.roles();
            if !roles.has(Role::Authority) && !roles.has(Role::Regulator) {
                return Err(Problem::NotEntitled {
                    what: "the access record",
                    caller: bearer.handle(),
                });
            }
            let records = service.read_records(from, per_page)?;
            let next = records.last().map(|last| last.number + 1);
            let next = next.filter(|_| records.len() == per_page);
            let governed = |district: &str| governs(&bearer, district);
            let shown = records.iter().filter_map(|record| record.to_json(governed));
            Ok((shown.collect::<Vec<Value>>(), next))
        })
        .await?;
    let mut response = Json(json!({ "records": records })).into_response();
    if let Some(next) = next {
        let url = app.service.public_url();
        let link = format!("<{url}/access-log?from={next}&perPage={per_page}>; rel=\"next\"");
        if let Ok(link) = HeaderValue::from_str(&link) {
            response.headers_mut().insert(header::LINK, link);
        }
    }
    Ok(response)
}

pub(super) fn number(ask: &Ask, name: &'static str) -> Result<Option<u64>, Problem> {
    let text = ask.query.first(name);
    text.map(|text| text.parse().map_err(|_| invalid(name, "not a number")))
        .transpose()
}
