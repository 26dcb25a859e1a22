//! The recall of the demo: ordered by an office, told to every holder, answered by most.

use super::examples::Recall;
use super::load::{Cast, submit};
use crate::client::http::Remote;
use crate::client::random::Random;
use crate::client::value::record;
use crate::exit::{Code, Failure};
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path as UrlPath, State};
use axum::http::StatusCode;
use axum::routing::post;
use axum::{Router, serve};
use ledger::bundle::Trust;
use ledger::feed::{Kind, verify};
use ledger::identifier::Identifier;
use ledger::ids::Handle;
use ledger::registry::Action;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, Instant};
use tokio::runtime::Runtime;

/// Notices that wait to be looked at: several for each of the demo's participants.
const WAITING_MAX: usize = 256;

/// A notice names at most ten thousand items.
const NOTICE_BYTES_MAX: usize = 4 << 20;

/// How long holders may take to be told: the first try comes within a second.
const TOLD_WITHIN: Duration = Duration::from_secs(30);

/// Where the demo's participants are told: an address for each, on this machine.
pub(super) struct Inbox {
    taken: Receiver<(Handle, Value)>,
}

struct Desk {
    trust: Trust,
    taken: SyncSender<(Handle, Value)>,
}

impl Inbox {
    /// Listens, and enters everybody's address in the ledger's directory `dir`. A notice counts if
    /// the log of `trust` signed it.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn open(
        runtime: &Runtime,
        cast: &Cast,
        dir: &Path,
        trust: Trust,
    ) -> Result<Self, Failure> {
        let _entered = runtime.enter();
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address: SocketAddr = listener.local_addr()?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let (sender, taken) = sync_channel(WAITING_MAX);
        let desk = Arc::new(Desk {
            trust,
            taken: sender,
        });
        let router = Router::new()
            .route("/{holder}", post(take))
            .layer(DefaultBodyLimit::max(NOTICE_BYTES_MAX))
            .with_state(desk);
        // Ends with the runtime.
        let _serving = runtime.spawn(async move { serve(listener, router).await });
        let mut text = "[webhooks]\n".to_owned();
        for handle in cast.handles() {
            // Writing to a string cannot fail.
            let _infallible = writeln!(text, "\"{handle}\" = \"http://{address}/{handle}\"");
        }
        std::fs::write(dir.join(node::notify::FILE), text)?;
        Ok(Self { taken })
    }

    /// Waits until all of `holders` were told of `case`; who was.
    fn told(&self, case: &str, holders: &BTreeSet<Handle>) -> BTreeSet<Handle> {
        let until = Instant::now() + TOLD_WITHIN;
        let mut told = BTreeSet::new();
        while told.len() < holders.len() {
            let left = until.saturating_duration_since(Instant::now());
            let Ok((holder, notice)) = self.taken.recv_timeout(left) else {
                break;
            };
            if notice["case"] == case && holders.contains(&holder) {
                told.insert(holder);
            }
        }
        told
    }
}

/// Takes a notice, if the log signed it for this holder.
async fn take(
    State(desk): State<Arc<Desk>>,
    UrlPath(holder): UrlPath<String>,
    body: Bytes,
) -> StatusCode {
    let Trust { origin, log_key } = &desk.trust;
    let Ok((payload, _)) = verify(Kind::Notice, &body, origin, log_key) else {
        return StatusCode::BAD_REQUEST;
    };
    let notice: Value = serde_json::from_slice(&payload).unwrap_or_default();
    let Some(handle) = Handle::parse(&holder).filter(|_| notice["holder"] == holder.as_str())
    else {
        return StatusCode::BAD_REQUEST;
    };
    match desk.taken.try_send((handle, notice)) {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::SERVICE_UNAVAILABLE,
    }
}

/// How far the recall came.
pub(super) struct Recalled {
    pub(super) case: String,
    /// Affected goods; what they are in is not counted.
    pub(super) items: u64,
    /// Everyone who has any of it.
    pub(super) holders: usize,
    /// Those of them who took a signed notice.
    pub(super) told: usize,
    /// Keys in `participants.json` of those who have not answered.
    pub(super) silent: BTreeSet<String>,
    pub(super) start_by: String,
    pub(super) finish_by: String,
}

impl Recalled {
    pub(super) fn to_json(&self) -> Value {
        json!({
            "case": self.case,
            "items": self.items,
            "holders": self.holders,
            "told": self.told,
            "silent": self.silent,
            "start_by": self.start_by,
            "finish_by": self.finish_by,
        })
    }
}

/// Orders a recall; the case.
///
/// # Errors
/// [`Failure`].
pub(super) fn order(recall: &Recall, cast: &Cast, remote: &Remote) -> Result<String, Failure> {
    let case = Identifier::case(cast.handle(&recall.by)?, &recall.number)
        .map_err(Failure::malformed)?
        .to_string();
    let order = json!({
        "id": recall.item, "case": case, "level": recall.level, "reach": "forward",
        "fault": "safety", "reason": {"zh": recall.reason.zh, "en": recall.reason.en},
    });
    let order = vec![fields(&order)?];
    let order = cast.act(&recall.by, Action::Recall, order, &mut Random::default())?;
    submit(remote, &[order])?;
    Ok(case)
}

/// Orders a recall, waits until its holders are told, and answers as those who do.
///
/// # Errors
/// [`Failure`].
pub(super) fn run(
    recall: &Recall,
    cast: &Cast,
    remote: &Remote,
    office: &Remote,
    inbox: &Inbox,
) -> Result<Recalled, Failure> {
    let mut random = Random::default();
    let case = order(recall, cast, remote)?;
    let holders = holders(&status(office, &case)?);
    let told = inbox.told(&case, &holders.iter().map(|(holder, _)| *holder).collect());
    for answer in &recall.responses {
        let mut map = json!({"case": case, "item": answer.item, "what": answer.what});
        if let Some(quantity) = answer.quantity {
            map["quantity"] = json!(quantity);
        }
        if let Some(evidence) = &answer.evidence {
            map["evidence"] = json!(evidence);
        }
        let map = vec![fields(&map)?];
        let act = cast.act(&answer.by, Action::Respond, map, &mut random)?;
        submit(remote, &[act])?;
    }
    let now = status(office, &case)?;
    let silent = self::holders(&now)
        .into_iter()
        .filter(|(_, answered)| !answered);
    let due = |name: &str| now["clocks"][name].as_str().unwrap_or_default().to_owned();
    Ok(Recalled {
        items: now["progress"]["items"].as_u64().unwrap_or_default(),
        holders: holders.len(),
        told: told.len(),
        silent: silent.map(|(holder, _)| cast.name(holder)).collect(),
        start_by: due("start_by"),
        finish_by: due("finish_by"),
        case,
    })
}

/// A record out of JSON.
pub(super) fn fields(json: &Value) -> Result<ledger::cbor::Map, Failure> {
    let empty = serde_json::Map::new();
    record(json.as_object().unwrap_or(&empty))
}

fn status(office: &Remote, case: &str) -> Result<Value, Failure> {
    let path = format!("/recalls/{case}");
    let query = [("parts", "confidential")];
    let body = office.get(&path, &query, "application/json")?.success()?;
    serde_json::from_slice(&body).map_err(|error| Failure::new(Code::Proof, error))
}

/// Everyone who has to answer, and whether they did.
fn holders(case: &Value) -> Vec<(Handle, bool)> {
    let holders = case["holders"].as_array().map(Vec::as_slice);
    let one = |holder: &Value| {
        let handle = Handle::parse(holder["holder"].as_str()?)?;
        Some((handle, !holder["acknowledged"].is_null()))
    };
    holders.unwrap_or_default().iter().filter_map(one).collect()
}
