//! Recalls and holds: what was ordered, how far it is done, and who must still act.

use super::Shared;
use super::resolve::invalid;
use crate::app::Ask;
use crate::identity::record;
use crate::openapi::{Answer, Operation, Parameter, Tag};
use crate::problem::Problem;
use crate::service::Service;
use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use ledger::access::shown;
use ledger::feed::Kind;
use ledger::identifier::{Identifier, Kind as Names};
use ledger::ids::{Handle, UnixMillis};
use ledger::lists::{
    BatchSource, CASES_BYTES_MAX, RECALL_BYTES_MAX, Reader, SEEN_MAX, length, seen_at,
};
use ledger::order::CASES;
use ledger::provenance::answer::Party;
use ledger::provenance::{
    Case, CaseHead, CaseLine, Forward, Limits, Start, case, case_head, cases, forward,
};
use ledger::state::Role;
use ledger::store::{Store as _, View};
use ledger::time;
use serde::Serialize;
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};

/// Cases in one answer: a city's open ones.
const CASES_SHOWN: usize = 100;

/// How often the feed looks for something new. Orders are to be known within two seconds.
const FEED_TURN: Duration = Duration::from_millis(500);

/// After so many quiet turns a comment is sent, so that proxies keep the line open.
const FEED_QUIET_TURNS: u32 = 30;

/// Leaves that a search for a place goes through: some minutes of reading.
const SEARCH_LEAVES: usize = 5_000_000;

pub(crate) static LIST: Operation = Operation {
    path: "/recalls",
    tag: Tag::Recalls,
    summary: "The newest holds and recalls.",
    description: "At most 100, newest first. What they reach is in the case.",
    answers: &[Answer {
        status: 200,
        description: "The cases.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

pub(crate) static CASE: Operation = Operation {
    path: "/recalls/{case}",
    tag: Tag::Recalls,
    summary: "A hold or recall: what was ordered, clocks, progress.",
    description: "Strangers see what was ordered, why, and the clocks. With a token, those who \
        have a part in it see who holds what, who answered, who is late and what is on its way to \
        whom, as far as each may know them; an authority over them sees all.",
    parameters: &[
        Parameter::path("case", "urn:suyuan:case:HANDLE:NUMBER, or HANDLE:NUMBER."),
        Parameter::query("parts", "confidential or all, with a token: amounts."),
    ],
    answers: &[Answer {
        status: 200,
        description: "The case.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

pub(crate) static FEED: Operation = Operation {
    path: "/recalls/feed",
    tag: Tag::Recalls,
    summary: "Every hold, recall and release as it is recorded, or the newest cases signed.",
    description: "As text/event-stream: one event `cases` at the start and whenever something is \
        ordered or released, within a second of its block; its data is {\"size\", \"cases\"}: the log's \
        size, and the cases as /recalls lists them. Otherwise a COSE_Sign1 by the log's key over \
        the same JSON.",
    answers: &[Answer {
        status: 200,
        description: "The stream, or the signed feed.",
        types: &["text/event-stream", "application/cose"],
    }],
    ..Operation::GET
};

pub(crate) static AFFECTED: Operation = Operation {
    path: "/affected",
    tag: Tag::Recalls,
    summary: "What a recall would reach: from an item, a trip, a device, or a place and time.",
    description: "With a token: of those who have or had the goods, or have a say over one who has. \
        One of code, container, seen; seen is for authorities and regulators.",
    parameters: &[
        Parameter::query(
            "code",
            "A lot, serial or ingredient, in any spelling of its URI.",
        ),
        Parameter::query(
            "container",
            "A pallet, crate or vehicle, with from and until.",
        ),
        Parameter::query("seen", "A place or a device, with from and until."),
        Parameter::query("from", "First moment, 2026-11-20T08:00:00Z."),
        Parameter::query("until", "Last moment."),
        Parameter::query("parts", "confidential or all: amounts."),
    ],
    answers: &[Answer {
        status: 200,
        description: "The affected items, holders and amounts.",
        types: &["application/json"],
    }],
    ..Operation::GET
};

/// `GET /recalls`.
pub(crate) async fn list<S: Service>(
    State(app): State<Shared<S>>,
    _ask: Ask,
) -> Result<Response, Problem> {
    let found = app.read(|service| newest(service)).await?;
    Ok(Json(found).into_response())
}

fn newest<S: Service>(service: &S) -> Result<Vec<CaseLine>, Problem> {
    let view = service.store().view();
    let mut source = BatchSource::new(&view, Reader::Public, CASES_BYTES_MAX);
    Ok(cases(&mut source, CASES_SHOWN, Limits::CASES)?)
}

/// What everyone may know of a case.
#[derive(Debug, Serialize)]
struct PublicCase {
    #[serde(flatten)]
    head: CaseHead,
    participants: BTreeMap<Handle, Party>,
}

/// How far a case is, in numbers.
#[derive(Debug, Serialize)]
struct Progress {
    items: usize,
    holders: usize,
    acknowledged: usize,
    overdue: usize,
}

/// The whole of a case, with what the node knows about its own notices.
#[derive(Debug, Serialize)]
struct WholeCase {
    #[serde(flatten)]
    case: Case,
    progress: Progress,
    /// What became of notices to holders, by handle.
    notices: BTreeMap<Handle, crate::service::Notice>,
}

fn progress(case: &Case) -> Progress {
    let holders = &case.holders;
    Progress {
        items: case.items.iter().filter(|one| one.is_goods()).count(),
        holders: holders.len(),
        acknowledged: holders
            .iter()
            .filter(|one| one.acknowledged.is_some())
            .count(),
        overdue: holders.iter().filter(|one| one.overdue.is_some()).count(),
    }
}

/// `GET /recalls/{case}`.
pub(crate) async fn one<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let text = ask.param("case");
    let whole = if text.starts_with("urn:") {
        text.to_owned()
    } else {
        format!("urn:suyuan:case:{text}")
    };
    let id = Identifier::parse(&whole)
        .ok()
        .filter(|id| id.kind() == Names::Case)
        .ok_or(Problem::CaseUnknown)?;
    let turns = Arc::clone(&app.affected);
    let found = app.read(move |service| {
        let view = service.store().view();
        let reader = ask.reader(service, &view)?;
        // Cheap for strangers: the case's own list.
        if reader.bearer().is_some() {
            let _turn = affected_turn(turns)?;
            let mut source = BatchSource::new(&view, reader.clone(), RECALL_BYTES_MAX);
            let found = case(&mut source, &id, service.now(), Limits::RECALL)?;
            let mut found = found.ok_or(Problem::CaseUnknown)?;
            if shown::may_case(&found, &reader) {
                let progress = progress(&found);
                shown::case(&mut found, &reader, |at| source.sight(at));
                record(service, "GET /recalls/{case}", &reader, source.opened())?;
                let mut notices = service.notices(id.as_str());
                notices.retain(|holder, _| found.participants.contains_key(holder));
                return Ok(Json(WholeCase {
                    case: found,
                    progress,
                    notices,
                })
                .into_response());
            }
        }
        let mut source = BatchSource::new(&view, Reader::Public, CASES_BYTES_MAX);
        let found = case_head(&mut source, &id, Limits::CASES)?;
        let (head, participants) = found.ok_or(Problem::CaseUnknown)?;
        Ok(Json(PublicCase { head, participants }).into_response())
    });
    found.await
}

/// One at a time: such an answer holds hundreds of megabytes while it is made.
pub(super) fn affected_turn(turns: Arc<Semaphore>) -> Result<OwnedSemaphorePermit, Problem> {
    turns.try_acquire_owned().map_err(|_| Problem::Overloaded)
}

/// The cases and the size of the log they were read from.
#[derive(Debug, Serialize)]
struct Feed {
    size: u64,
    cases: Vec<CaseLine>,
}

fn feed_of<S: Service>(service: &S) -> Result<Feed, Problem> {
    let size = service
        .store()
        .view()
        .head()?
        .map_or(0, |head| head.size().0);
    Ok(Feed {
        size,
        cases: newest(service)?,
    })
}

/// `GET /recalls/feed`.
pub(crate) async fn feed<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    if let Some(why) = app.service.not_signing() {
        return Err(why.into());
    }
    if !ask.wishes.event_stream {
        let signed = app
            .read(|service| {
                let feed = feed_of(service)?;
                let payload = serde_json::to_vec(&feed).map_err(|_| Problem::StoreFailed)?;
                Ok(service.sign_notice(Kind::Feed, payload))
            })
            .await?;
        return Ok(([(header::CONTENT_TYPE, "application/cose")], signed).into_response());
    }
    let turn = Arc::clone(&app.feeds)
        .try_acquire_owned()
        .map_err(|_| Problem::Overloaded)?;
    let share = if ask.caller.local {
        None
    } else {
        let share = app.feeding.try_take(ask.caller.counted);
        Some(share.ok_or(Problem::TooManyRequests { retry_after_s: 10 })?)
    };
    // One waits to be read, one is made: a slow reader slows its own stream only.
    let (sender, receiver) = mpsc::channel::<Bytes>(1);
    tokio::spawn(async move {
        let _held = (turn, share);
        let (mut known, mut quiet) = (None, 0);
        loop {
            let Ok(now) = app
                .read(|service| Ok(length(&service.store().view(), CASES)?))
                .await
            else {
                return;
            };
            let text = if known != Some(now) {
                known = Some(now);
                quiet = 0;
                let Ok(feed) = app.read(|service| feed_of(service)).await else {
                    return;
                };
                let json = serde_json::to_string(&feed).unwrap_or_default();
                format!("event: cases\nid: {now}\ndata: {json}\n\n")
            } else if quiet >= FEED_QUIET_TURNS {
                quiet = 0;
                ":\n\n".to_owned()
            } else {
                quiet += 1;
                String::new()
            };
            if !text.is_empty() && sender.send(text.into()).await.is_err() {
                return; // The reader has gone.
            }
            tokio::select! {
                () = tokio::time::sleep(FEED_TURN) => {}
                () = sender.closed() => return,
            }
        }
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, Body::from_stream(Stream(receiver))).into_response())
}

/// A channel as a body.
struct Stream(mpsc::Receiver<Bytes>);

impl futures_core::Stream for Stream {
    type Item = Result<Bytes, std::convert::Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_recv(context).map(|bytes| bytes.map(Ok))
    }
}

/// Where a search begins, as the query says.
enum From {
    Item(Identifier),
    Inside(Identifier, UnixMillis, UnixMillis),
    Seen(Identifier, UnixMillis, UnixMillis),
}

impl From {
    fn read(ask: &Ask) -> Result<Self, Problem> {
        let id = |name: &str| {
            let given = ask.query.first(name);
            given.map(|text| Identifier::parse(text).map_err(Problem::CodeInvalid))
        };
        let moment = |name: &str| {
            let text = ask.query.first(name).unwrap_or_default();
            time::parse(text)
                .ok_or_else(|| invalid(name, "not a moment such as 2026-11-20T08:00:00Z"))
        };
        match (id("code"), id("container"), id("seen")) {
            (Some(item), None, None) => Ok(Self::Item(item?)),
            (None, Some(item), None) => Ok(Self::Inside(item?, moment("from")?, moment("until")?)),
            (None, None, Some(item)) => Ok(Self::Seen(item?, moment("from")?, moment("until")?)),
            _ => Err(invalid("code", "give one of code, container and seen")),
        }
    }

    /// A search by place goes through the log for minutes and tells who was there: it is for
    /// offices, who have a say over places.
    fn may_search(&self, reader: &Reader) -> Result<(), Problem> {
        let Self::Seen(..) = self else {
            return Ok(());
        };
        let bearer = reader.bearer().ok_or(Problem::ForwardNeedsIdentity)?;
        let roles = bearer.roles();
        if roles.has(Role::Authority) || roles.has(Role::Regulator) {
            return Ok(());
        }
        Err(Problem::NotEntitled {
            what: "a search by place or device",
            caller: bearer.handle(),
        })
    }

    fn starts<V: View>(self, view: &V) -> Result<Vec<Start>, Problem> {
        Ok(match self {
            Self::Item(item) => vec![Start::Item(item)],
            Self::Inside(container, from, until) => vec![Start::Inside {
                container,
                from,
                until,
            }],
            Self::Seen(what, from, until) => {
                let seen = seen_at(view, what.as_str(), from, until, SEARCH_LEAVES)?;
                if seen.cut.is_some() {
                    return Err(invalid(
                        "from",
                        &format!(
                            "more than {SEEN_MAX} items or {SEARCH_LEAVES} entries: narrow the time"
                        ),
                    ));
                }
                let items = seen
                    .items
                    .iter()
                    .filter_map(|item| Identifier::parse(item).ok());
                items.map(Start::Seen).collect()
            }
        })
    }
}

/// `GET /affected`.
pub(crate) async fn affected<S: Service>(
    State(app): State<Shared<S>>,
    ask: Ask,
) -> Result<Response, Problem> {
    let from = From::read(&ask)?;
    if ask.token.is_none() {
        return Err(Problem::ForwardNeedsIdentity);
    }
    let turns = Arc::clone(&app.affected);
    let found = app.read(move |service| {
        let view = service.store().view();
        let reader = ask.reader(service, &view)?;
        from.may_search(&reader)?;
        // Whoever asks has proved who it is before it takes the one turn that there is.
        let _turn = affected_turn(turns)?;
        let starts = from.starts(&view)?;
        onward(service, &view, &reader, &starts, "GET /affected")
    });
    Ok(Json(found.await?).into_response())
}

/// All that came of `starts`, limited to what `reader` may see, and recorded as read.
pub(super) fn onward<S: Service>(
    service: &S,
    view: &impl View,
    reader: &Reader,
    starts: &[Start],
    endpoint: &str,
) -> Result<Forward, Problem> {
    let Some(bearer) = reader.bearer() else {
        return Err(Problem::ForwardNeedsIdentity);
    };
    let mut source = BatchSource::new(view, reader.clone(), RECALL_BYTES_MAX);
    let mut found = forward(&mut source, starts, service.now(), Limits::RECALL)?;
    if !shown::may_forward(&found, reader, |at| source.sight(at)) {
        return Err(Problem::NotEntitled {
            what: "the forward trace of this item",
            caller: bearer.handle(),
        });
    }
    shown::forward(&mut found, reader, |at| source.sight(at));
    record(service, endpoint, reader, source.opened())?;
    Ok(found)
}
