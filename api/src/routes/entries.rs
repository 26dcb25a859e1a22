//! Statements in, receipts out: SCRAPI, and the log's keys.

use super::Shared;
use super::checkpoint::{NOTE_TYPE, note};
use crate::app::{App, Ask};
use crate::limits::{
    BODY_TIME, SEQUENCE_BYTES_MAX, SEQUENCE_STATEMENTS_MAX, STATEMENT_BYTES_MAX, WINDOW_BYTES,
    WINDOW_STATEMENTS,
};
use crate::openapi::{Answer, Method, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::sequence::Splitter;
use crate::service::{Service, SubmitError, Submitted};
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use http_body_util::BodyExt as _;
use ledger::cbor::Writer;
use ledger::cose::ALG_EDDSA;
use ledger::ids::LeafIndex;
use ledger::signature::{KeyId, PublicKey};
use ledger::store::{Store as _, View as _};
use ledger::tlog_policy::TlogPolicy;
use ledger::tlog_proof::TlogProof;
use tokio::sync::OwnedSemaphorePermit;

const COSE: &str = "application/cose";
const SEQUENCE: &str = "application/cbor-seq";

pub(crate) static SUBMIT: Operation = Operation {
    method: Method::Post,
    path: "/entries",
    tag: Tag::Registration,
    summary: "Register signed statements.",
    description: "application/cose: one COSE_Sign1 of at most 4 MiB; answers with its receipt \
        once its block is synced, 201 the first time and 200 when the same statement is sent \
        again. application/cbor-seq: many such statements, at most 64 MiB and 32,768; answers \
        with one map for each, in order: {\"leaf\": uint, \"status\": \"admitted\" or \"again\", \
        \"capture\": tstr, \"receipt\": bstr}, or {\"status\": \"rejected\", \"busy\", \
        \"unconfirmed\", \"closed\" or \"halted\", \"capture\": tstr, \"problem\": concise problem details}. Where the sequence \
        itself is malformed the last answer says so and the rest is not read.",
    takes: &[COSE, SEQUENCE],
    answers: &[
        Answer {
            status: 201,
            description: "The receipt, and its Location.",
            types: &[COSE],
        },
        Answer {
            status: 200,
            description: "The receipt of a statement registered before; or one answer for each \
                statement of a sequence.",
            types: &[COSE, SEQUENCE],
        },
    ],
    ..Operation::GET
};

pub(crate) static RECEIPT: Operation = Operation {
    path: "/entries/{id}",
    tag: Tag::Registration,
    summary: "The receipt of a registered statement.",
    parameters: &[Parameter::path("id", "The statement's leaf, decimal.")],
    answers: &[Answer {
        status: 200,
        description: "The receipt.",
        types: &[COSE],
    }],
    ..Operation::GET
};

pub(crate) static PROOF: Operation = Operation {
    path: "/entries/{id}/proof",
    tag: Tag::Registration,
    summary: "Proof that an entry is in the log, a C2SP tlog-proof: the witnessed receipt.",
    description: "Under the newest checkpoint whose cosignatures meet the node's own quorum. 404 \
        with Retry-After while none of those reaches the entry yet, without it where this node \
        asks no witness. The entry itself is not in it: take your own.",
    parameters: &[
        Parameter::path("id", "The entry's leaf, decimal."),
        Parameter::query(
            "checkpoint",
            "newest: under the newest checkpoint, with whatever cosignatures it has by now.",
        ),
    ],
    answers: &[Answer {
        status: 200,
        description: "The proof.",
        types: &[NOTE_TYPE],
    }],
    ..Operation::GET
};

pub(crate) static KEYS: Operation = Operation {
    path: "/.well-known/scitt-keys",
    tag: Tag::Registration,
    summary: "The keys of this log, newest first, as a COSE Key Set.",
    answers: &[Answer {
        status: 200,
        description: "The keys.",
        types: &["application/cbor"],
    }],
    ..Operation::GET
};

pub(crate) static KEY: Operation = Operation {
    path: "/.well-known/scitt-keys/{kid}",
    tag: Tag::Registration,
    summary: "One key of this log as a COSE_Key.",
    parameters: &[Parameter::path(
        "kid",
        "RFC 9679 thumbprint of the key: base64url without padding, or hexadecimal.",
    )],
    answers: &[Answer {
        status: 200,
        description: "The key.",
        types: &["application/cbor"],
    }],
    ..Operation::GET
};

/// `POST /entries`.
pub(crate) async fn submit<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
    request: Request,
) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    match essence(&parts.headers).as_str() {
        COSE | "application/scitt-statement+cose" => {
            announced(&parts.headers)?;
            let (statement, _room) = tokio::time::timeout(BODY_TIME, whole(&app, body))
                .await
                .map_err(|_| Problem::BodyIncomplete)??;
            let submitted = app.service.submit(statement).await?;
            Ok(receipt_answer(&*app.service, submitted))
        }
        SEQUENCE => {
            let _room = app.sequence(ask.caller)?;
            let answers = submit_sequence(&*app.service, body).await?;
            Ok(([(header::CONTENT_TYPE, SEQUENCE)], answers).into_response())
        }
        other => Err(Problem::UnsupportedMediaType {
            found: other.chars().take(80).collect(),
        }),
    }
}

fn receipt_answer<S: Service>(service: &S, submitted: Submitted) -> Response {
    let status = if submitted.again {
        StatusCode::OK
    } else {
        StatusCode::CREATED
    };
    let location = format!("{}/entries/{}", service.public_url(), submitted.leaf);
    let headers = [
        (header::CONTENT_TYPE, COSE.to_owned()),
        (header::LOCATION, location),
    ];
    (status, headers, submitted.receipt).into_response()
}

/// The media type without parameters, in lower case.
fn essence(headers: &HeaderMap) -> String {
    let text = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let media_type = text
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}

/// Refuses a body that says it is too long before it arrives.
fn announced(headers: &HeaderMap) -> Result<(), Problem> {
    let text = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let bytes: Option<usize> = text.and_then(|text| text.parse().ok());
    if bytes.is_some_and(|bytes| bytes > STATEMENT_BYTES_MAX) {
        return Err(too_large());
    }
    Ok(())
}

fn too_large() -> Problem {
    Problem::BodyTooLarge {
        limit_bytes: u64::try_from(STATEMENT_BYTES_MAX).unwrap_or(u64::MAX),
    }
}

/// A body of one statement, and its room: what has not arrived takes none.
async fn whole<S: Service>(
    app: &App<S>,
    mut body: Body,
) -> Result<(Vec<u8>, OwnedSemaphorePermit), Problem> {
    let mut bytes = Vec::new();
    let mut room = app.intake(1)?;
    while let Some(piece) = next_piece(&mut body).await? {
        if bytes.len() + piece.len() > STATEMENT_BYTES_MAX {
            return Err(too_large());
        }
        bytes.extend_from_slice(&piece);
        let kib = bytes.len() / 1024 + 1;
        let more = kib.saturating_sub(room.num_permits());
        room.merge(app.intake(u32::try_from(more).unwrap_or(u32::MAX))?);
    }
    Ok((bytes, room))
}

async fn next_piece(body: &mut Body) -> Result<Option<Bytes>, Problem> {
    while let Some(frame) = body.frame().await {
        // A broken connection; a client that stays is told.
        let frame = frame.map_err(|_| Problem::BodyIncomplete)?;
        if let Ok(piece) = frame.into_data() {
            return Ok(Some(piece));
        }
    }
    Ok(None)
}

/// A sequence being read: windows of statements until its end, or until it makes no sense.
struct Windows {
    body: Body,
    splitter: Splitter,
    read_bytes: u64,
    statements: usize,
    ended: bool,
}

impl Windows {
    /// The next statements, and what is wrong after them.
    async fn next_window(&mut self) -> (Vec<Vec<u8>>, Option<Problem>) {
        let mut window = Vec::new();
        let mut bytes = 0;
        while !self.ended && window.len() < WINDOW_STATEMENTS && bytes < WINDOW_BYTES {
            match self.next_statement().await {
                Ok(Some(statement)) => {
                    bytes += statement.len();
                    window.push(statement);
                }
                Ok(None) => self.ended = true,
                Err(problem) => {
                    self.ended = true;
                    return (window, Some(problem));
                }
            }
        }
        (window, None)
    }

    async fn next_statement(&mut self) -> Result<Option<Vec<u8>>, Problem> {
        loop {
            if let Some(statement) = self.splitter.next_item()? {
                self.statements += 1;
                if self.statements > SEQUENCE_STATEMENTS_MAX {
                    return Err(Problem::SequenceTooLong {
                        limit: SEQUENCE_STATEMENTS_MAX,
                    });
                }
                return Ok(Some(statement));
            }
            let piece = tokio::time::timeout(BODY_TIME, next_piece(&mut self.body))
                .await
                .map_err(|_| Problem::BodyIncomplete)??;
            let Some(piece) = piece else {
                self.splitter.end()?;
                return Ok(None);
            };
            self.read_bytes += u64::try_from(piece.len()).unwrap_or_default();
            if self.read_bytes > SEQUENCE_BYTES_MAX {
                return Err(Problem::BodyTooLarge {
                    limit_bytes: SEQUENCE_BYTES_MAX,
                });
            }
            self.splitter.push(&piece);
        }
    }
}

/// Submits a sequence window by window, reading the next while one is recorded. What is wrong with
/// the sequence itself is the whole answer where nothing came before, else the last answer.
async fn submit_sequence<S: Service>(service: &S, body: Body) -> Result<Vec<u8>, Problem> {
    let splitter = Splitter::new(STATEMENT_BYTES_MAX);
    let mut windows = Windows {
        body,
        splitter,
        read_bytes: 0,
        statements: 0,
        ended: false,
    };
    let mut answers = Writer::new();
    let (mut window, mut problem) = windows.next_window().await;
    if window.is_empty()
        && let Some(problem) = problem
    {
        return Err(problem);
    }
    while !window.is_empty() {
        let (outcomes, (next, after)) =
            tokio::join!(service.submit_many(window), windows.next_window());
        for outcome in outcomes {
            write_answer(&mut answers, outcome);
        }
        window = next;
        problem = problem.or(after);
    }
    if let Some(problem) = problem {
        answers
            .map(2)
            .text("status")
            .text("rejected")
            .text("problem");
        problem.write_cbor(&mut answers);
    }
    Ok(answers.finish())
}

/// One answer of a sequence; keys in the order of deterministic CBOR.
fn write_answer(writer: &mut Writer, outcome: Result<Submitted, SubmitError>) {
    let error = match outcome {
        Ok(submitted) => {
            let Submitted {
                leaf,
                capture,
                again,
                receipt,
            } = submitted;
            writer
                .map(3 + usize::from(capture.is_some()))
                .text("leaf")
                .uint(leaf.0);
            writer
                .text("status")
                .text(if again { "again" } else { "admitted" });
            if let Some(capture) = capture {
                writer.text("capture").text(&capture.to_string());
            }
            writer.text("receipt").byte_string(&receipt);
            return;
        }
        Err(error) => error,
    };
    let (status, capture) = match &error {
        SubmitError::Rejected { capture, .. } => ("rejected", *capture),
        SubmitError::Busy { .. } => ("busy", None),
        SubmitError::Halted => ("halted", None),
        // A client waits and sends again, or reads the problem where that does not help.
        SubmitError::NotSigning(why) => (why.name(), None),
    };
    writer
        .map(2 + usize::from(capture.is_some()))
        .text("status")
        .text(status);
    if let Some(capture) = capture {
        writer.text("capture").text(&capture.to_string());
    }
    writer.text("problem");
    Problem::from(error).write_cbor(writer);
}

/// `GET /entries/{id}`.
pub(crate) async fn receipt<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let leaf = entry_id(&ask)?;
    if let Some(why) = app.service.not_signing() {
        return Err(why.into());
    }
    let receipt = app
        .read(move |service| Ok(service.receipt(LeafIndex(leaf))?))
        .await?;
    let receipt = receipt.ok_or(Problem::EntryUnknown { leaf })?;
    Ok(([(header::CONTENT_TYPE, COSE)], receipt).into_response())
}

/// `GET /entries/{id}/proof`.
pub(crate) async fn proof<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let leaf = entry_id(&ask)?;
    let newest = match ask.query.first("checkpoint") {
        None => false,
        Some("newest") => true,
        Some(_) => {
            return Err(Problem::ParameterInvalid {
                parameter: "checkpoint".to_owned(),
                why: "newest, or left out".to_owned(),
            });
        }
    };
    let proof = app
        .read(move |service| {
            // The view is the younger of the two, so that it reaches as far as the checkpoint.
            let witnessed = service.witnessed_checkpoint();
            let view = service.store().view();
            let head = view.head()?.ok_or(Problem::LogEmpty)?;
            if leaf >= head.size().0 {
                return Err(Problem::EntryUnknown { leaf });
            }
            let checkpoint = if newest {
                Some(service.with_cosignatures(head.checkpoint))
            } else {
                witnessed
            };
            let proof = match checkpoint {
                Some(checkpoint) => TlogProof::build(&view, LeafIndex(leaf), checkpoint)?,
                None => None,
            };
            proof.ok_or_else(|| not_witnessed(service))
        })
        .await?;
    Ok(note(proof.to_string()))
}

/// Whether it is worth waiting is what the node's own policy says.
fn not_witnessed<S: Service>(service: &S) -> Problem {
    let policy = TlogPolicy::parse(&service.policy());
    if policy.is_ok_and(|policy| policy.asks_for_witnesses()) {
        Problem::NotWitnessedYet
    } else {
        Problem::NotWitnessed
    }
}

/// The leaf in the path, in its one spelling.
fn entry_id(ask: &Ask) -> Result<u64, Problem> {
    let id = ask.param("id");
    let leaf = id.parse::<u64>().ok();
    leaf.filter(|leaf| leaf.to_string() == id)
        .ok_or_else(|| Problem::EntryIdInvalid {
            found: id.chars().take(40).collect(),
        })
}

/// `GET /.well-known/scitt-keys`.
pub(crate) async fn keys<S: Service>(State(app): State<Shared<S>>) -> Response {
    let keys: Vec<&PublicKey> = log_keys(&*app.service).collect();
    let mut writer = Writer::new();
    writer.array(keys.len());
    for key in keys {
        write_key(&mut writer, key);
    }
    (
        [(header::CONTENT_TYPE, "application/cbor")],
        writer.finish(),
    )
        .into_response()
}

/// `GET /.well-known/scitt-keys/{kid}`.
pub(crate) async fn key<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let text = ask.param("kid");
    let wanted = |key: &&PublicKey| {
        let id: KeyId = key.key_id();
        id.to_string() == text || URL_SAFE_NO_PAD.encode(id.as_bytes()) == text
    };
    let key = log_keys(&*app.service)
        .find(wanted)
        .ok_or(Problem::LogKeyUnknown)?;
    let mut writer = Writer::new();
    write_key(&mut writer, key);
    Ok((
        [(header::CONTENT_TYPE, "application/cbor")],
        writer.finish(),
    )
        .into_response())
}

/// The key in use and those before it.
fn log_keys<S: Service>(service: &S) -> impl Iterator<Item = &PublicKey> {
    std::iter::once(service.log_key()).chain(service.former_log_keys())
}

/// A COSE_Key (RFC 9052 §7): `{1: OKP, 2: kid, 3: alg, -1: Ed25519, -2: x}`.
fn write_key(writer: &mut Writer, key: &PublicKey) {
    writer.map(5).int(1).int(1);
    writer.int(2).byte_string(key.key_id().as_bytes());
    writer.int(3).int(ALG_EDDSA);
    writer.int(-1).int(6);
    writer.int(-2).byte_string(key.as_bytes());
}
