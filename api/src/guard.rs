//! What every request passes: who asks, how often, for how long; and what every answer carries.

use crate::app::App;
use crate::caller::{CALLER, Caller};
use crate::limits::{REQUEST_TIME, SEQUENCE_TIME, TARGET_BYTES_MAX};
use crate::negotiate::{Form, Wishes};
use crate::pages;
use crate::problem::{PROBLEM_CBOR, PROBLEM_JSON, Problem};
use crate::sending::{Held, Sending};
use crate::service::Service;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use ledger::cbor::Writer;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Pages need their own style sheet and pictures, forms to themselves, and no script at all.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// Public answers that a partner's page in another origin may read: all that needs no privilege
/// and is the same for everyone. Submitting from a stranger's page has no such use.
const SHARED: [&str; 7] = [
    "/.well-known/gs1resolver",
    "/checkpoint",
    "/checkpoint/witnessed",
    "/openapi.json",
    "/tile/{*name}",
    "/trace",
    "/witness/{origin_hash}/checkpoint",
];

/// Whether the node lives and takes statements.
const PROBES: [&str; 2] = ["/health", "/ready"];

/// The feed's media type.
const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");

/// What rendering an answer needs of its request.
struct Asked {
    wishes: Wishes,
    /// Path and query.
    target: String,
    /// The path, as a problem shows it.
    place: String,
    scrapi: bool,
    caller: Caller,
    /// Whether the answer is this caller's alone: it carries a token, or reads the node's figures.
    private: bool,
    get: bool,
}

/// Wraps every handler.
pub(crate) async fn guard<S: Service>(
    State(app): State<Arc<App<S>>>,
    request: Request,
    next: Next,
) -> Response {
    let started = Instant::now();
    let (mut parts, body) = request.into_parts();
    let mut caller = Caller::of(&parts);
    caller.local &= app.options.loopback_privileges;
    parts.extensions.insert(caller);
    let path = parts.uri.path();
    let asked = Asked {
        wishes: wishes(&parts.headers, parts.uri.query()),
        target: parts
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str())
            .to_owned(),
        place: path.chars().take(200).collect(),
        scrapi: path.starts_with("/entries") || path.starts_with("/.well-known/scitt-keys"),
        caller,
        private: parts.headers.contains_key(header::AUTHORIZATION) || path == "/metrics",
        get: parts.method == Method::GET || parts.method == Method::HEAD,
    };
    let pattern = parts
        .extensions
        .get::<MatchedPath>()
        .map(MatchedPath::as_str);
    let pattern = pattern
        .and_then(|path| app.patterns.get(path).copied())
        .unwrap_or("other");
    let request = Request::from_parts(parts, body);
    let mut held = Held::default();
    let response = admit(&app, &asked, request, next, started, &mut held).await;
    let response = finish(&app, &asked, pattern, response);
    let endless = response.headers().get(header::CONTENT_TYPE) == Some(&EVENT_STREAM);
    let response = response.map(|body| Body::new(Sending::new(body, held, endless)));
    let status = response.status().as_u16();
    app.service
        .observe_request(pattern, status, started.elapsed());
    tracing::debug!(pattern, status, "answered");
    response
}

fn wishes(headers: &HeaderMap, query: Option<&str>) -> Wishes {
    let mut format = None;
    let mut lang = None;
    for (key, value) in form_urlencoded::parse(query.unwrap_or_default().as_bytes()).take(100) {
        match &*key {
            "format" => format = Some(value.into_owned()),
            "lang" => lang = Some(value.into_owned()),
            _ => {}
        }
    }
    Wishes::read(headers, format.as_deref(), lang.as_deref())
}

async fn admit<S: Service>(
    app: &App<S>,
    asked: &Asked,
    request: Request,
    next: Next,
    now: Instant,
    held: &mut Held,
) -> Response {
    let target = request
        .uri()
        .path_and_query()
        .map_or(0, |target| target.as_str().len());
    if target > TARGET_BYTES_MAX {
        return Problem::TargetTooLong {
            limit_bytes: TARGET_BYTES_MAX,
        }
        .into_response();
    }
    if !asked.caller.local
        && let Err(retry_after_s) = app.buckets.take(asked.caller.counted, now)
    {
        return Problem::TooManyRequests { retry_after_s }.into_response();
    }
    // Whoever watches over the node is answered also when it is full.
    if !PROBES.contains(&request.uri().path()) {
        if !asked.caller.local {
            held.share = app.in_flight.try_take(asked.caller.counted);
            if held.share.is_none() {
                return Problem::TooManyRequests { retry_after_s: 1 }.into_response();
            }
        }
        held.turn = Arc::clone(&app.requests).try_acquire_owned().ok();
        if held.turn.is_none() {
            return Problem::Overloaded.into_response();
        }
    }
    let limit = time_limit(&request);
    let answer = CALLER.scope(asked.caller, next.run(request));
    match tokio::time::timeout(limit, answer).await {
        Ok(response) => response,
        Err(_) => Problem::TimedOut {
            limit_s: limit.as_secs(),
        }
        .into_response(),
    }
}

fn time_limit(request: &Request) -> Duration {
    let content = request
        .headers()
        .get(header::CONTENT_TYPE)
        .and_then(|text| text.to_str().ok());
    let sequence = content.is_some_and(|text| text.starts_with("application/cbor-seq"));
    if sequence {
        SEQUENCE_TIME
    } else {
        REQUEST_TIME
    }
}

/// Writes a problem's document, and sets what every answer carries.
fn finish<S: Service>(
    app: &App<S>,
    asked: &Asked,
    pattern: &str,
    mut response: Response,
) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Arc<Problem>>() {
        let (media_type, body) = document(app, &problem, asked);
        *response.body_mut() = Body::from(body);
        response.headers_mut().remove(header::CONTENT_LENGTH);
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
    }
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        if !headers.contains_key(&name) {
            headers.insert(name, HeaderValue::from_static(value));
        }
    };
    set(header::CONTENT_SECURITY_POLICY, POLICY);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(header::REFERRER_POLICY, "no-referrer");
    // What one caller may see stays out of every cache, and of other origins' pages.
    set(
        header::CACHE_CONTROL,
        if asked.private {
            "no-store"
        } else {
            "no-cache"
        },
    );
    set(header::VARY, "accept, accept-language, authorization");
    let resolved = pattern == "other" || pattern.starts_with('/') && is_item_path(pattern);
    if asked.get && !asked.private && (resolved || SHARED.contains(&pattern) || asked.scrapi) {
        set(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*");
    }
    response
}

/// Whether a route's path begins like a code: digits, or one of our own words.
fn is_item_path(pattern: &str) -> bool {
    let first = pattern.split('/').nth(1).unwrap_or_default();
    first.bytes().all(|byte| byte.is_ascii_digit()) && !first.is_empty()
        || ["drug", "id", "lot", "product"].contains(&first)
}

fn document<S: Service>(app: &App<S>, problem: &Problem, asked: &Asked) -> (&'static str, Vec<u8>) {
    if asked.scrapi {
        let mut writer = Writer::new();
        problem.write_cbor(&mut writer);
        return (PROBLEM_CBOR, writer.finish());
    }
    let lang = asked.wishes.lang;
    if asked.wishes.form(&[Form::Json, Form::Page]) == Some(Form::Page) {
        let (title, detail) = problem.for_page(lang);
        let page = app.page_at(&asked.target, lang);
        let page = pages::problem(problem.status().as_u16(), title, &detail, &page);
        return (Form::Page.media_type(), page.into_bytes());
    }
    (
        PROBLEM_JSON,
        problem.to_json(lang, &asked.place).to_string().into_bytes(),
    )
}
