//! The OpenAPI 3.1 document, built from the table that the router is built from.

use axum::routing::MethodRouter;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// One line of the table of routes.
pub(crate) struct Route<S> {
    pub(crate) operation: &'static Operation,
    pub(crate) handler: MethodRouter<Arc<crate::app::App<S>>>,
}

/// One operation, for readers and for the router.
#[derive(Debug)]
pub(crate) struct Operation {
    pub(crate) method: Method,
    /// `/entries/{id}`: the router and OpenAPI write paths alike.
    pub(crate) path: &'static str,
    pub(crate) tag: Tag,
    pub(crate) summary: &'static str,
    pub(crate) description: &'static str,
    pub(crate) parameters: &'static [Parameter],
    /// Media types of the request's body; none: no body.
    pub(crate) takes: &'static [&'static str],
    pub(crate) answers: &'static [Answer],
}

/// What the operations begin from: `Operation { method, path, ..Operation::GET }`.
impl Operation {
    pub(crate) const GET: Self = Self {
        method: Method::Get,
        path: "",
        tag: Tag::Service,
        summary: "",
        description: "",
        parameters: &[],
        takes: &[],
        answers: &[],
    };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    Get,
    Post,
}

impl Method {
    const fn word(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::Post => "post",
        }
    }
}

/// Chapters of the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tag {
    Registration,
    Resolution,
    Events,
    Recalls,
    Log,
    Service,
}

impl Tag {
    const ALL: [(Self, &'static str); 6] = [
        (
            Self::Registration,
            "Signed statements in, receipts out (SCRAPI).",
        ),
        (
            Self::Resolution,
            "From a code to its provenance (GS1 Digital Link).",
        ),
        (Self::Events, "Events by query (EPCIS 2.0)."),
        (
            Self::Recalls,
            "What is stopped, why, and how far its recall is done.",
        ),
        (
            Self::Log,
            "The log itself, for verifiers, mirrors and witnesses (C2SP).",
        ),
        (Self::Service, "The node itself."),
    ];

    const fn word(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Resolution => "resolution",
            Self::Events => "events",
            Self::Recalls => "recalls",
            Self::Log => "log",
            Self::Service => "service",
        }
    }
}

/// A parameter: `required` ones in a path always are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Parameter {
    pub(crate) name: &'static str,
    pub(crate) place: Place,
    pub(crate) required: bool,
    pub(crate) description: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Path,
    Query,
}

impl Parameter {
    pub(crate) const fn path(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            place: Place::Path,
            required: true,
            description,
        }
    }

    pub(crate) const fn query(name: &'static str, description: &'static str) -> Self {
        Self {
            name,
            place: Place::Query,
            required: false,
            description,
        }
    }

    fn to_json(self) -> Value {
        let place = match self.place {
            Place::Path => "path",
            Place::Query => "query",
        };
        json!({
            "name": self.name,
            "in": place,
            "required": self.required,
            "description": self.description,
            "schema": { "type": "string" },
        })
    }
}

/// One status with its media types.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) description: &'static str,
    pub(crate) types: &'static [&'static str],
}

/// The document of a node reached at `public_url` that serves these operations.
pub(crate) fn document<'a>(
    operations: impl Iterator<Item = &'a Operation>,
    public_url: &str,
) -> Value {
    let mut paths: Map<String, Value> = Map::new();
    for operation in operations {
        // The router marks a parameter of several segments; OpenAPI has no such mark.
        let path = operation.path.replace("{*", "{");
        let item = paths.entry(path).or_insert_with(|| json!({}));
        item[operation.method.word()] = describe(operation);
    }
    let tags: Vec<Value> = Tag::ALL
        .iter()
        .map(|(tag, description)| json!({ "name": tag.word(), "description": description }))
        .collect();
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Suyuan",
            "version": env!("CARGO_PKG_VERSION"),
            "summary": "A farm-to-table traceability ledger: signed events in, provenance out.",
            "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
        },
        "servers": [{ "url": public_url }],
        "tags": tags,
        "paths": paths,
        // A token opens more; nothing needs one that says otherwise only in its answer.
        "security": [{}, { "token": [] }],
        "components": {
            "schemas": schemas(),
            "securitySchemes": { "token": {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "CWT (RFC 8392) in COSE_Sign1, unpadded base64url",
                "description": "Made by the caller under its registered key, for this log's \
                    origin, for 15 minutes at most: suyuan token --key FILE.",
            } },
        },
    })
}

fn describe(operation: &Operation) -> Value {
    let mut responses: Map<String, Value> = Map::new();
    for answer in operation.answers {
        let mut response = json!({ "description": answer.description });
        if !answer.types.is_empty() {
            response["content"] = content(answer.types);
        }
        responses.insert(answer.status.to_string(), response);
    }
    let problem = if operation.path.starts_with("/entries")
        || operation.path.starts_with("/.well-known/scitt-keys")
    {
        crate::problem::PROBLEM_CBOR
    } else {
        crate::problem::PROBLEM_JSON
    };
    let problem_json = json!({
        "description": "What was wrong, where, and what to do.",
        "content": content(&[problem]),
    });
    responses.insert("default".to_owned(), problem_json);
    let mut json = json!({
        "operationId": operation_id(operation),
        "tags": [operation.tag.word()],
        "summary": operation.summary,
        "responses": responses,
    });
    if !operation.description.is_empty() {
        json["description"] = operation.description.into();
    }
    if !operation.parameters.is_empty() {
        json["parameters"] = operation
            .parameters
            .iter()
            .map(|one| one.to_json())
            .collect();
    }
    if !operation.takes.is_empty() {
        json["requestBody"] = json!({ "required": true, "content": content(operation.takes) });
    }
    json
}

/// `get-entries-id`: unique since method and path are.
fn operation_id(operation: &Operation) -> String {
    let words = operation.path.split(|c: char| !c.is_ascii_alphanumeric());
    let path: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    format!("{}-{}", operation.method.word(), path.join("-"))
        .trim_end_matches('-')
        .to_owned()
}

fn content(types: &[&str]) -> Value {
    let one = |media_type: &&str| {
        let schema = match *media_type {
            crate::problem::PROBLEM_JSON => json!({ "$ref": "#/components/schemas/Problem" }),
            "application/json" | "application/linkset+json" => json!({ "type": "object" }),
            "text/html; charset=utf-8"
            | "text/plain; charset=utf-8"
            | "text/css; charset=utf-8"
            | "text/event-stream" => {
                json!({ "type": "string" })
            }
            _ => json!({ "type": "string", "contentEncoding": "binary" }),
        };
        ((*media_type).to_owned(), json!({ "schema": schema }))
    };
    types.iter().map(one).collect::<Map<String, Value>>().into()
}

fn schemas() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    json!({
        "Problem": {
            "type": "object",
            "description": "RFC 9457, with reason, remedy and where beside its members.",
            "required": ["type", "title", "status", "detail", "reason", "remedy", "where"],
            "properties": {
                "type": text("urn:suyuan:problem:{reason}"),
                "title": text("What is wrong, in Chinese or English by Accept-Language."),
                "status": { "type": "integer" },
                "detail": text("What is wrong with this request; English."),
                "reason": text("The stable name, as tests and people cite it."),
                "remedy": text("What to do, in Chinese or English."),
                "where": text("The path asked for."),
                "capture": text("The statement's capture id, where one was refused."),
                "refusal": text("The refusal signed by the log, base64, where a statement was refused."),
            },
        },
    })
}
