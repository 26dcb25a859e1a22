//! What a resolver says it knows under a code: link sets (RFC 9264) with GS1 link types.

use super::Shared;
use crate::negotiate::Form;
use crate::openapi::{Answer, Operation, Tag};
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ledger::identifier::Identifier;
use serde_json::{Value, json};

/// Where GS1's link types are defined.
const VOCABULARY: &str = "https://ref.gs1.org/voc/";

pub(crate) static RESOLVER: Operation = Operation {
    path: "/.well-known/gs1resolver",
    tag: Tag::Resolution,
    summary: "What this GS1 Digital Link resolver offers.",
    answers: &[Answer {
        status: 200,
        description: "The description.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

/// The query for an item's events.
pub(super) fn events_path(item: &Identifier) -> String {
    let query: String = form_urlencoded::Serializer::new(String::new())
        .append_pair("MATCH_anyEPC", item.as_str())
        .finish();
    format!("/events?{query}")
}

/// The `Link` header that leads to the link set (GS1 Digital Link resolvers, RFC 9264 §6).
pub(super) fn link_header(public_url: &str, item: &Identifier) -> String {
    let path = item.digital_link_path();
    format!(
        "<{public_url}{path}?linkType=linkset>; rel=\"linkset\"; type=\"{}\"",
        Form::Linkset.media_type()
    )
}

/// All links of `item`. Links say where answers are, not whether there are any.
pub(super) fn of<S: Service>(service: &S, item: &Identifier) -> Response {
    let url = service.public_url();
    let page = format!("{url}{}", item.digital_link_path());
    let target = |href: String, media_type: &str, title: &str| json!([{ "href": href, "type": media_type, "title": title }]);
    let mut links = json!({ "anchor": page, "itemDescription": item.human_readable() });
    let story: Value = json!([
        { "href": page, "type": "text/html", "hreflang": ["zh", "en"], "title": "溯源 Provenance" },
        { "href": format!("{page}?format=json"), "type": "application/json", "title": "Provenance" },
        {
            "href": format!("{page}?format=bundle"),
            "type": Form::Bundle.media_type(),
            "title": "Provenance with its proof",
        },
    ]);
    let html = json!([{
        "href": page, "type": "text/html", "hreflang": ["zh", "en"], "title": "溯源 Provenance",
    }]);
    for word in ["defaultLink", "pip", "recallStatus", "certificationInfo"] {
        links[format!("{VOCABULARY}{word}")] = html.clone();
    }
    links[format!("{VOCABULARY}traceability")] = story;
    let events = format!("{url}{}", events_path(item));
    links[format!("{VOCABULARY}epcis")] = target(events, "application/json", "EPCIS events");
    let set = json!({ "linkset": [links] });
    (
        [(header::CONTENT_TYPE, Form::Linkset.media_type())],
        set.to_string(),
    )
        .into_response()
}

/// `GET /.well-known/gs1resolver`.
pub(crate) async fn resolver<S: Service>(State(app): State<Shared<S>>) -> Response {
    Json(json!({
        "name": app.service.origin(),
        "resolverRoot": app.service.public_url(),
        "supportedPrimaryKeys": ["all"],
        "supportedLinkTypes": [{
            "namespace": VOCABULARY,
            "prefix": "gs1:",
            "profile": format!("{VOCABULARY}?show=linktypes"),
        }],
        "validatesAgainst": "https://ref.gs1.org/standards/digital-link/uri-syntax/",
    }))
    .into_response()
}
