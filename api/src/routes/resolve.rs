//! From a code to its provenance: GS1 Digital Link paths, our own, and whatever a scanner read.

use super::recalls::{affected_turn, onward};
use super::{Shared, linkset};
use crate::app::{App, Ask};
use crate::identity::record;
use crate::negotiate::Form;
use crate::openapi::{Answer as Documented, Operation, Parameter, Tag};
use crate::pages;
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Redirect, Response};
use ledger::access::shown;
use ledger::bundle::{self, BUNDLE_BYTES_MAX, Trust, encode_chain};
use ledger::checkpoint::SignedCheckpoint;
use ledger::identifier::{Identifier, IdentifierError, Kind, scan};
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::answer::{BreakKind, Text, Verdict};
use ledger::provenance::{Answer, Limits, Start, trace};
use ledger::region::regions;
use ledger::store::{Store as _, View};
use std::collections::BTreeMap;
use std::sync::Arc;

const OFFERS: [Form; 4] = [Form::Page, Form::Json, Form::Bundle, Form::Linkset];
const OFFERED: &str = "text/html, application/json, application/vnd.suyuan.bundle+cbor, \
    application/linkset+json";

const FORMS: &[&str] = &[
    "text/html; charset=utf-8",
    "application/json",
    "application/vnd.suyuan.bundle+cbor",
    "application/linkset+json",
];

const ANSWERS: &[Documented] = &[
    Documented {
        status: 200,
        description: "The provenance.",
        types: FORMS,
    },
    Documented {
        status: 404,
        description: "No such code: the same forms say so, and the bundle proves it.",
        types: FORMS,
    },
];

const FORMAT: Parameter = Parameter::query(
    "format",
    "page, json, bundle or linkset, where Accept cannot be set.",
);
const LANG: Parameter = Parameter::query("lang", "zh or en, where Accept-Language cannot be set.");
const LINK_TYPE: Parameter = Parameter::query(
    "linkType",
    "linkset for all links; gs1:epcis for the events; any other leads to the page.",
);
const PARTS: Parameter = Parameter::query(
    "parts",
    "confidential or all: parts that are not public too, event by event where the token's bearer is \
     entitled; each read is recorded.",
);
const REGIONS: Parameter = Parameter::query(
    "regions",
    "all: a bundle with the parts of other regions' logs, in one file that proves the whole chain.",
);
const STANDING: Parameter = Parameter::query(
    "standing",
    "witnessed: a bundle waits up to a second for a quorum's cosignatures of its own tree.",
);
const DIRECTION: Parameter = Parameter::query(
    "direction",
    "forward: all that came of it, to those who had it and who has a say over them; JSON.",
);

pub(crate) static TRACE: Operation = Operation {
    path: "/trace",
    tag: Tag::Resolution,
    summary: "The provenance of whatever a scanner read.",
    description: "Links of any host, GS1 element strings, bare numbers, drug trace codes, EPC \
        URNs: any spelling of a code. A code that names a product only needs the lot too. Without \
        a token, those who handled the goods are shown by role and district, under numbers that \
        hold in this one answer; the bundle then proves the open lists: making, tests, stops.",
    parameters: &[
        Parameter {
            required: true,
            ..Parameter::query("code", "What the scanner read.")
        },
        Parameter::query("lot", "The lot, where the code names a product only."),
        DIRECTION,
        PARTS,
        REGIONS,
        STANDING,
        LINK_TYPE,
        FORMAT,
        LANG,
    ],
    answers: ANSWERS,
    ..Operation::GET
};

const DESCRIPTION: &str = "GS1 Digital Link (URI Syntax 1.6) under any stem, with any attributes.";

/// One documented path: the route, what it names, and its parameters with what they mean.
macro_rules! path {
    ($path:literal, $summary:literal, $($name:literal: $meaning:literal),+) => {
        Operation {
            path: $path,
            tag: Tag::Resolution,
            summary: $summary,
            description: DESCRIPTION,
            parameters: &[
                $(Parameter::path($name, $meaning),)+
                DIRECTION, PARTS, REGIONS, STANDING, LINK_TYPE, FORMAT, LANG,
            ],
            answers: ANSWERS,
            ..Operation::GET
        }
    };
}

/// The usual paths. The fallback resolves all others that name something.
pub(crate) static PATHS: [Operation; 14] = [
    path!("/01/{gtin}", "A product; asks for the lot.", "gtin": "GTIN of 8 to 14 digits."),
    path!("/01/{gtin}/10/{lot}", "A lot.", "gtin": "GTIN.", "lot": "Lot number."),
    path!("/01/{gtin}/21/{serial}", "One item.", "gtin": "GTIN.", "serial": "Serial number."),
    path!(
        "/01/{gtin}/10/{lot}/21/{serial}", "One item, with its lot.",
        "gtin": "GTIN.", "lot": "Lot number.", "serial": "Serial number."
    ),
    path!("/00/{sscc}", "A pallet, case or other logistic unit.", "sscc": "SSCC, 18 digits."),
    path!("/253/{gdti}", "A document, such as a test report.", "gdti": "GDTI."),
    path!("/414/{gln}", "A place.", "gln": "GLN, 13 digits."),
    path!("/417/{gln}", "A party.", "gln": "GLN, 13 digits."),
    path!("/8003/{grai}", "A returnable asset, such as a crate.", "grai": "GRAI."),
    path!("/8004/{giai}", "An asset, such as a gas cylinder.", "giai": "GIAI."),
    path!("/drug/{code}", "A pack of a drug or vaccine.", "code": "Trace code, 20 digits."),
    path!(
        "/product/{handle}/{product}", "A product under its maker's own code; asks for the lot.",
        "handle": "The maker's handle.", "product": "The maker's product code."
    ),
    path!(
        "/lot/{handle}/{product}/{lot}", "A lot under its maker's own code.",
        "handle": "The maker's handle.", "product": "The maker's product code.", "lot": "The lot."
    ),
    path!("/id/{uri}", "Anything with a URI.", "uri": "The URI, percent-encoded."),
];

/// A path that names something, in any spelling.
pub(crate) async fn by_path<S: Service>(
    State(app): State<Shared<S>>,
    method: Method,
    ask: Ask,
) -> Result<Response, Problem> {
    // The fallback is asked for every method.
    if method != Method::GET && method != Method::HEAD {
        return Err(Problem::MethodNotAllowed);
    }
    match Identifier::from_path(ask.path()) {
        Ok(item) => resolve(&app, &ask, item).await,
        Err(IdentifierError::Unrecognised) => Err(Problem::NotFound),
        Err(error) => malformed(&app, &ask, ask.path(), error),
    }
}

/// Whatever a scanner read.
pub(crate) async fn by_code<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let code = ask
        .query
        .first("code")
        .ok_or(Problem::ParameterMissing { parameter: "code" })?;
    let lot = ask
        .query
        .first("lot")
        .map(str::trim)
        .filter(|lot| !lot.is_empty());
    let read = scan(code).and_then(|scan| match lot {
        Some(lot) => with_lot(&scan.identifier, lot),
        None => Ok(scan.identifier),
    });
    match read {
        Ok(item) => resolve(&app, &ask, item).await,
        Err(error) => malformed(&app, &ask, code, error),
    }
}

/// A product's lot; anything finer than a product stays what it is.
fn with_lot(item: &Identifier, lot: &str) -> Result<Identifier, IdentifierError> {
    let path = item.digital_link_path();
    // Every byte escaped: a lot may hold what would otherwise end a segment.
    let lot: String = lot.bytes().map(|byte| format!("%{byte:02X}")).collect();
    if item.kind() == Kind::Gtin {
        Identifier::from_path(&format!("{path}/10/{lot}"))
    } else if let Some(own) = path.strip_prefix("/product/") {
        Identifier::from_path(&format!("/lot/{own}/{lot}"))
    } else {
        Ok(item.clone())
    }
}

fn malformed<S: Service>(
    app: &App<S>,
    ask: &Ask,
    code: &str,
    error: IdentifierError,
) -> Result<Response, Problem> {
    if ask.wishes.form(&OFFERS) == Some(Form::Page) {
        let page = pages::malformed(code, &error.to_string(), &app.page(ask));
        return Ok((StatusCode::BAD_REQUEST, Html(page)).into_response());
    }
    Err(Problem::CodeInvalid(error))
}

/// Answers about `item` in the form asked for.
async fn resolve<S: Service>(
    app: &App<S>,
    ask: &Ask,
    item: Identifier,
) -> Result<Response, Problem> {
    if let Some(handle) = item.participant_handle() {
        return Ok(Redirect::temporary(&format!("/participants/{handle}")).into_response());
    }
    match ask.query.first("direction") {
        None | Some("back") => {}
        Some("forward") => return forwards(app, ask, item).await,
        Some(_) => return Err(invalid("direction", "neither back nor forward")),
    }
    let form = match ask.query.first("linkType") {
        Some("linkset" | "all") => Form::Linkset,
        Some(word) if word.rsplit([':', '/']).next() == Some("epcis") => {
            return Ok(Redirect::temporary(&linkset::events_path(&item)).into_response());
        }
        _ => ask
            .wishes
            .form(&OFFERS)
            .ok_or(Problem::NotAcceptable { offers: OFFERED })?,
    };
    let product_only = matches!(item.kind(), Kind::Gtin | Kind::OwnProduct);
    let mut response = match form {
        Form::Page if product_only => ask_lot(app, ask, &item).await?,
        Form::Linkset => linkset::of(&*app.service, &item),
        _ if product_only => {
            return Err(Problem::LotNeeded {
                item: item.human_readable(),
            });
        }
        Form::Page => page(app, ask, &item).await?,
        Form::Json => json(app, ask, &item).await?,
        Form::Bundle => bundle_file(app, ask, &item).await?,
    };
    if let Ok(link) = HeaderValue::from_str(&linkset::link_header(app.service.public_url(), &item))
    {
        response.headers_mut().insert(header::LINK, link);
    }
    Ok(response)
}

pub(super) fn invalid(parameter: &str, why: &str) -> Problem {
    Problem::ParameterInvalid {
        parameter: parameter.to_owned(),
        why: why.to_owned(),
    }
}

const fn status_of(answer: &Answer) -> StatusCode {
    if matches!(answer.verdict, Verdict::Unknown) {
        StatusCode::NOT_FOUND
    } else {
        StatusCode::OK
    }
}

/// Whether an answer is followed to the logs of other regions. A bundle of this log is not: who
/// asks for one may be another region's node, which follows on its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Follow {
    Links,
    Nothing,
}

/// What a reader is shown of an item, from whole lists; recorded where it must be.
fn limited<S: Service, V: View>(
    service: &S,
    source: &mut ViewSource<'_, V>,
    item: &Identifier,
    reader: &Reader,
    follow: Follow,
) -> Result<Answer, Problem> {
    let mut answer = trace(source, item, service.now(), Limits::DEFAULT)?;
    if follow == Follow::Links {
        service.follow(&mut answer)?;
    }
    shown::answer(&mut answer, reader, |at| source.sight(at));
    record(service, "GET /trace", reader, source.opened())?;
    Ok(answer)
}

async fn json<S: Service>(app: &App<S>, ask: &Ask, item: &Identifier) -> Result<Response, Problem> {
    let (item, ask) = (item.clone(), ask.clone());
    let read = move |service: &S| {
        let view = service.store().view();
        let reader = ask.reader(service, &view)?;
        let mut source = ViewSource::new(&view, reader.clone());
        limited(service, &mut source, &item, &reader, Follow::Links)
    };
    let answer = app.read(read).await?;
    Ok((status_of(&answer), Json(answer)).into_response())
}

async fn forwards<S: Service>(
    app: &App<S>,
    ask: &Ask,
    item: Identifier,
) -> Result<Response, Problem> {
    if ask.token.is_none() {
        return Err(Problem::ForwardNeedsIdentity);
    }
    let turns = Arc::clone(&app.affected);
    let ask = ask.clone();
    let read = move |service: &S| {
        let view = service.store().view();
        let reader = ask.reader(service, &view)?;
        let _turn = affected_turn(turns)?;
        let endpoint = "GET /trace?direction=forward";
        onward(service, &view, &reader, &[Start::Item(item)], endpoint)
    };
    Ok(Json(app.read(read).await?).into_response())
}

/// An answer with the bundle that goes with it.
struct Proven {
    answer: Answer,
    /// Whether the bundle is of open lists only.
    open: bool,
    bundle: Vec<u8>,
    /// Witnesses whose cosignatures travel with it.
    witnesses: usize,
    checkpoint: pages::Checkpoint,
    /// What regions are called whose logs have a part in the answer.
    regions: BTreeMap<String, Text>,
}

/// The answer, and a bundle: of whole lists where the reader may see all that is on them, else of
/// the open ones.
fn prove<S: Service>(
    service: &S,
    item: &Identifier,
    ask: &Ask,
    follow: Follow,
) -> Result<Proven, Problem> {
    let view = service.store().view();
    let head = view.head()?.ok_or(Problem::LogEmpty)?;
    let reader = ask.reader(service, &view)?;
    let mut source = ViewSource::new(&view, reader.clone());
    let answer = limited(service, &mut source, item, &reader, follow)?;
    let whole = source.sees_all();
    let mut bundle = if whole {
        bundle::build(&view, &source, item.as_str())?
    } else {
        let mut open = ViewSource::open(&view);
        trace(&mut open, item, service.now(), Limits::DEFAULT)?;
        bundle::build(&view, &open, item.as_str())?
    };
    let checkpoint = std::mem::take(&mut bundle.checkpoint);
    let witnessed = match ask.query.first("standing") {
        Some("witnessed") => service.witness_checkpoint(&checkpoint),
        Some(_) => return Err(invalid("standing", "witnessed, or left out")),
        None => None,
    };
    bundle.checkpoint = witnessed.unwrap_or_else(|| service.with_cosignatures(checkpoint));
    let signatures = SignedCheckpoint::parse(&bundle.checkpoint).map(|one| one.signatures());
    // All but the log's own, which a node adopts once it has verified them.
    let witnesses = signatures.map_or(0, |all| all.saturating_sub(1));
    let mut root = head.block.root.to_string();
    root.truncate(16);
    let checkpoint = pages::Checkpoint {
        size: head.size(),
        time: head.block.time,
        root,
    };
    let names = if answer.chain.is_some() {
        regions(&mut ViewSource::open(&view))?
    } else {
        BTreeMap::new()
    };
    let names = names.into_iter().map(|(log, region)| (log, region.name));
    Ok(Proven {
        regions: names.collect(),
        answer,
        open: !whole,
        bundle: bundle.encode(),
        witnesses,
        checkpoint,
    })
}

async fn bundle_file<S: Service>(
    app: &App<S>,
    ask: &Ask,
    item: &Identifier,
) -> Result<Response, Problem> {
    let (item, ask) = (item.clone(), ask.clone());
    let follow = match ask.query.first("regions") {
        None => Follow::Nothing,
        Some("all") => Follow::Links,
        Some(_) => return Err(invalid("regions", "all, or left out")),
    };
    let read = move |service: &S| {
        let mut proven = prove(service, &item, &ask, follow)?;
        if let Some(chain) = &proven.answer.chain {
            let others = service.open_bundles(chain)?;
            let others = others.iter().map(AsRef::as_ref);
            let all: Vec<&[u8]> = std::iter::once(&*proven.bundle).chain(others).collect();
            proven.bundle = encode_chain(&all);
        }
        Ok(proven)
    };
    let proven = app.read(read).await?;
    let bytes = proven.bundle.len();
    if bytes > BUNDLE_BYTES_MAX {
        return Err(Problem::BundleTooLarge {
            bytes,
            limit_bytes: BUNDLE_BYTES_MAX,
        });
    }
    let headers = [
        (header::CONTENT_TYPE, Form::Bundle.media_type()),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"suyuan-proof.cbor\"",
        ),
    ];
    Ok((status_of(&proven.answer), headers, proven.bundle).into_response())
}

async fn page<S: Service>(app: &App<S>, ask: &Ask, item: &Identifier) -> Result<Response, Problem> {
    let (wanted, asked) = (item.clone(), ask.clone());
    let read =
        move |service: &S| {
            let proven = prove(service, &wanted, &asked, Follow::Links)?;
            // What the page says was checked, was: by the verifier's own code.
            let trust = Trust {
                origin: service.origin().to_owned(),
                log_key: service.log_key().clone(),
            };
            let checked = bundle::verify(&proven.bundle, &trust);
            let signatures = checked.map(|proved| proved.facts().signatures).map_err(|error| {
            tracing::error!(%error, item = wanted.as_str(), "a bundle of ours does not verify");
        });
            Ok((proven, signatures.ok()))
        };
    let (proven, signatures) = app.read(read).await?;
    let answer = proven.answer;
    let mut context = app.page(ask);
    context.checkpoint = Some(proven.checkpoint);
    context.regions = proven.regions;
    let (open, witnesses) = (proven.open, proven.witnesses);
    let service = &*app.service;
    context.proof = signatures.map(|signatures| proof(service, item, signatures, open, witnesses));
    if answer.chain.is_some()
        && let Some(proof) = &mut context.proof
    {
        proof.bundle_url.push_str("&regions=all");
    }
    let code = item.human_readable();
    let html = if answer.verdict != Verdict::Unknown {
        pages::answer(&answer, &context)
    } else if is_foreign(&answer, item) {
        pages::foreign(&code, &context)
    } else {
        pages::unknown(&code, &context)
    };
    Ok((status_of(&answer), Html(html)).into_response())
}

/// Whether another ledger may know it: a URI of somebody's own, or an item handed over from there.
fn is_foreign(answer: &Answer, item: &Identifier) -> bool {
    let elsewhere = |kind: BreakKind| kind == BreakKind::ForeignUnresolved;
    item.kind() == Kind::Opaque || answer.breaks.iter().any(|one| elsewhere(one.kind))
}

fn proof(
    service: &impl Service,
    item: &Identifier,
    signatures: usize,
    open: bool,
    witnesses: usize,
) -> pages::Proof {
    let public_url = service.public_url();
    let path = item.digital_link_path();
    pages::Proof {
        item: item.as_str().to_owned(),
        signatures,
        open,
        witnesses,
        bundle_url: format!("{public_url}{path}?format=bundle"),
        json_url: format!("{public_url}{path}?format=json"),
        verify_command: "suyuan verify suyuan-proof.cbor --trust trust.txt".to_owned(),
        verifiers: service.verifiers().to_vec(),
        policy: service.policy(),
    }
}

async fn ask_lot<S: Service>(
    app: &App<S>,
    ask: &Ask,
    item: &Identifier,
) -> Result<Response, Problem> {
    let wanted = item.clone();
    let read = move |service: &S| {
        let view = service.store().view();
        let mut source = ViewSource::new(&view, Reader::Public);
        Ok(trace(&mut source, &wanted, service.now(), Limits::DEFAULT)?)
    };
    let answer = app.read(read).await?;
    let product = answer.products.get(item.as_str());
    let code = item.gtin().unwrap_or(item.as_str());
    Ok(Html(pages::ask_lot(product, code, &app.page(ask))).into_response())
}
