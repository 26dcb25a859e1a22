//! Notices: whoever holds what is stopped is told, again and again until it takes the notice.
//!
//! A holder's address is in `webhooks.toml` beside the ledger: it changes often, may be secret,
//! and has no place on a log that forgets nothing. What has to be told to whom follows from the
//! ledger alone: a holder of a standing case that has not answered. So there is nothing to store;
//! after a restart the same is computed anew, and a notice sent twice says the same twice. The
//! body is signed by the log's key ([`ledger::feed`]), so that an address needs no secret to know
//! who calls.
//!
//! **Invariants:** at most 50,000 notices, of 256 MiB together, wait and 16 are on their way; a turn
//! ends when its 16 receivers have answered, after five seconds at most, and untried ones go first;
//! nothing here delays the sequencer or an answer.

use crate::address::is_private;
use crate::node::Node;
use api::service::Notice;
use ledger::feed::Kind;
use ledger::identifier::Identifier;
use ledger::ids::{Handle, UnixMillis};
use ledger::lists::{BatchSource, RECALL_BYTES_MAX, Reader, length};
use ledger::order::CASES;
use ledger::provenance::{Case, Limits, case, cases};
use ledger::store::{EventRef, Store, StoreError, View};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

/// Holders that wait to be told: every firm of a large city.
const WAITING_MAX: usize = 50_000;

/// Bytes that these may have together: they stand in memory.
const WAITING_BYTES_MAX: usize = 256 << 20;

/// Notices on their way at a time: each is a thread for at most [`TIMEOUT`].
const TOGETHER: usize = 16;

/// How long a receiver may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// How often the ledger is looked at: orders are to be known within two seconds.
const TURN: Duration = Duration::from_millis(500);

/// How often the holders of a case are found anew where nothing was ordered or answered: goods
/// move on.
const ANEW_MS: i64 = 10 * 60 * 1000;

/// The longest pause between two tries.
const PAUSE_MAX_MS: i64 = 10 * 60 * 1000;

/// Newest cases that are looked at for such as stand: a city's open ones, some times over.
const CASES_MAX: usize = 1000;

/// Cases that are followed at a time: the holders of each are found anew every ten minutes.
const KNOWN_MAX: usize = 10_000;

/// Items named in one notice; the case names the rest.
const ITEMS_MAX: usize = 10_000;

/// The file of addresses in the data directory.
pub const FILE: &str = "webhooks.toml";

/// Why a file of addresses cannot be used. The operator's fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// It cannot be read.
    #[error("{FILE}: {0}")]
    File(String),
    /// A handle is no handle.
    #[error("{FILE}: {0} is not a handle of 22 base64url characters")]
    Handle(String),
    /// An address would carry notices in the clear.
    #[error("{FILE}: {0} is neither https:// nor http:// to this machine")]
    Url(String),
}

/// Where participants want to be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses(BTreeMap<Handle, String>);

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    webhooks: BTreeMap<String, String>,
}

impl Addresses {
    /// Reads `[webhooks]`, `handle = "address"`; a missing file has none.
    ///
    /// # Errors
    /// [`AddressError`].
    pub fn read(dir: &Path) -> Result<Self, AddressError> {
        let text = match std::fs::read_to_string(dir.join(FILE)) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(Self::default());
            }
            Err(error) => return Err(AddressError::File(error.to_string())),
        };
        Self::parse(&text)
    }

    fn parse(text: &str) -> Result<Self, AddressError> {
        let plain: Plain =
            toml::from_str(text).map_err(|error| AddressError::File(error.to_string()))?;
        let one = |(handle, url): (String, String)| {
            let who = Handle::parse(&handle).ok_or(AddressError::Handle(handle))?;
            if is_private(&url) {
                Ok((who, url))
            } else {
                Err(AddressError::Url(url))
            }
        };
        plain
            .webhooks
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

/// How a notice reaches an address.
pub trait Post: Send + Sync {
    /// Sends `body`, a COSE_Sign1; true if the receiver took it.
    fn post(&self, url: &str, body: &[u8]) -> bool;
}

/// Over HTTP.
#[derive(Debug)]
pub struct Http(ureq::Agent);

impl Default for Http {
    fn default() -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .max_redirects(0)
            .user_agent(concat!("suyuan/", env!("CARGO_PKG_VERSION")))
            .build();
        Self(config.into())
    }
}

impl Post for Http {
    fn post(&self, url: &str, body: &[u8]) -> bool {
        let request = self.0.post(url).header("Content-Type", "application/cose");
        match request.send(body) {
            Ok(response) => response.status().is_success(),
            Err(error) => {
                tracing::warn!(url, %error, "a notice was not taken");
                false
            }
        }
    }
}

/// One holder's notice.
#[derive(Clone, Debug)]
struct Waiting {
    /// The newest order that it tells of.
    newest: Option<EventRef>,
    url: Option<String>,
    payload: Vec<u8>,
    notice: Notice,
    next_ms: i64,
}

/// What became of notices, by case and holder.
pub type Deliveries = BTreeMap<(String, Handle), Notice>;

/// What has to be told to whom, as far as it is known. No socket, no thread: [`spawn`] brings
/// those.
#[derive(Debug, Default)]
pub struct Notices {
    /// By case and holder.
    waiting: BTreeMap<(String, Handle), Waiting>,
    /// Length of each case's list, and when its holders were found.
    known: BTreeMap<String, (u64, i64)>,
    all: u64,
    /// Bytes of all payloads.
    bytes: usize,
}

impl Notices {
    /// Looks at the ledger, and takes up what is new; true if anything may have changed.
    ///
    /// # Errors
    /// [`StoreError`].
    pub fn refresh<V: View>(
        &mut self,
        view: &V,
        addresses: &Addresses,
        public_url: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let all = length(view, CASES)?;
        if all == 0 {
            return Ok(false);
        }
        if all != self.all {
            let mut source = BatchSource::new(view, Reader::Public, RECALL_BYTES_MAX);
            let lines = cases(&mut source, CASES_MAX, Limits::CASES)?;
            let open = lines
                .into_iter()
                .filter(|line| line.standing && line.closed.is_none());
            // One that is followed leaves when it ends, and not because newer ones came.
            for line in open {
                if self.known.len() >= KNOWN_MAX && !self.known.contains_key(&line.case) {
                    tracing::error!(case = line.case, "too many cases stand; one is left out");
                    continue;
                }
                self.known.entry(line.case).or_default();
            }
            self.all = all;
        }
        let mut waiting = Vec::new();
        for (id, (known, at)) in &self.known {
            let size = length(view, id)?;
            if size != *known || now.0 - at >= ANEW_MS {
                waiting.push((*at, id.clone(), size));
            }
        }
        // One a turn, that which was looked at longest ago first: whoever answers one case again and
        // again keeps no other waiting, and what is due is sent between.
        let Some((_, id, size)) = waiting.into_iter().min() else {
            return Ok(false);
        };
        self.known.insert(id.clone(), (size, now.0));
        let Ok(identifier) = Identifier::parse(&id) else {
            return Ok(true);
        };
        let mut source = BatchSource::new(view, Reader::Confidential, RECALL_BYTES_MAX);
        match case(&mut source, &identifier, now, Limits::RECALL)? {
            Some(case) if case.head.standing && case.head.closed.is_none() => {
                self.take(&case, addresses, public_url);
            }
            Some(_) | None => {
                self.known.remove(&id);
                self.waiting.retain(|(other, _), _| *other != id);
            }
        }
        Ok(true)
    }

    /// Takes up a case's holders: those that answered need no notice any more.
    fn take(&mut self, case: &Case, addresses: &Addresses, public_url: &str) {
        let id = &case.head.case;
        let silent = |holder: &Handle| {
            let mut all = case.holders.iter();
            all.any(|one| one.holder == *holder && one.acknowledged.is_none())
        };
        self.waiting
            .retain(|(other, holder), _| other != id || silent(holder));
        self.bytes = self.waiting.values().map(|one| one.payload.len()).sum();
        let standing = case.head.orders.iter().filter(|order| order.standing);
        let newest = standing.map(|order| order.at).max();
        for holder in case.holders.iter().filter(|one| one.acknowledged.is_none()) {
            let key = (id.clone(), holder.holder);
            let url = addresses.0.get(&holder.holder).cloned();
            if let Some(known) = self.waiting.get_mut(&key) {
                known.notice.no_address = url.is_none();
                known.url = url;
                if known.newest < newest {
                    // Something was ordered since: it is told anew.
                    known.newest = newest;
                    known.payload = payload(case, holder.holder, public_url);
                    known.notice.delivered_ms = None;
                    known.next_ms = i64::MIN;
                }
                continue;
            }
            if self.waiting.len() >= WAITING_MAX || self.bytes >= WAITING_BYTES_MAX {
                tracing::error!(case = id, "too many notices wait; holders are left out");
                return;
            }
            let notice = Notice {
                no_address: url.is_none(),
                ..Notice::default()
            };
            let payload = payload(case, holder.holder, public_url);
            self.bytes = self.bytes.saturating_add(payload.len());
            self.waiting.insert(
                key,
                Waiting {
                    newest,
                    url,
                    payload,
                    notice,
                    next_ms: i64::MIN,
                },
            );
        }
    }

    /// Notices to be sent now: case, holder, address, payload.
    #[must_use]
    pub fn due(&self, now: UnixMillis) -> Vec<(String, Handle, String, Vec<u8>)> {
        let mut due: Vec<_> = self
            .waiting
            .iter()
            .filter(|(_, one)| one.notice.delivered_ms.is_none() && one.next_ms <= now.0)
            .collect();
        // Receivers that do not answer must not keep others waiting.
        due.sort_by_key(|(_, one)| (one.notice.attempts, one.next_ms));
        due.into_iter()
            .filter_map(|((case, holder), one)| {
                Some((case.clone(), *holder, one.url.clone()?, one.payload.clone()))
            })
            .take(TOGETHER)
            .collect()
    }

    /// Notes what became of one.
    pub fn sent(&mut self, case: &str, holder: Handle, taken: bool, now: UnixMillis) {
        let Some(one) = self.waiting.get_mut(&(case.to_owned(), holder)) else {
            return; // It answered meanwhile.
        };
        one.notice.attempts = one.notice.attempts.saturating_add(1);
        if taken {
            one.notice.delivered_ms = Some(now.0);
        } else {
            // 1, 2, 4, ... seconds.
            let doubled = 500_i64
                .checked_shl(one.notice.attempts.min(20))
                .unwrap_or(i64::MAX);
            one.next_ms = now.0.saturating_add(doubled.min(PAUSE_MAX_MS));
        }
    }

    /// What became of them so far.
    #[must_use]
    pub fn deliveries(&self) -> Deliveries {
        let all = self.waiting.iter();
        all.map(|(key, one)| (key.clone(), one.notice)).collect()
    }
}

/// What one holder is told: names, and no amount. Amounts are withheld parts; a holder reads its own
/// with its token, and that is recorded.
fn payload(case: &Case, holder: Handle, public_url: &str) -> Vec<u8> {
    let party = Identifier::participant(holder).to_string();
    let mine = case.items.iter().filter(|item| {
        item.is_goods() && (item.holders.contains(&holder) || item.under_way.contains(&party))
    });
    let items: Vec<&str> = mine
        .map(|item| item.item.as_str())
        .take(ITEMS_MAX)
        .collect();
    let head = &case.head;
    let notice = serde_json::json!({
        "case": head.case,
        "holder": holder,
        "ordered_by": head.opened_by,
        "orders": head.orders.iter().filter(|order| order.standing).take(ITEMS_MAX).collect::<Vec<_>>(),
        "clocks": head.clocks,
        "items": items,
        "respond": format!("{public_url}/recalls/{}", head.case),
    });
    notice.to_string().into_bytes()
}

/// Tells holders as long as `node` lives and takes statements in.
///
/// # Errors
/// [`std::io::Error`] if the operating system gives no thread.
pub fn spawn<S: Store + 'static>(
    node: &Arc<Node<S>>,
    dir: &Path,
    post: Arc<dyn Post>,
) -> std::io::Result<thread::JoinHandle<()>> {
    let (node, dir) = (Arc::downgrade(node), dir.to_owned());
    thread::Builder::new()
        .name("notices".to_owned())
        .spawn(move || run(&node, &dir, &*post))
}

fn run<S: Store + 'static>(node: &Weak<Node<S>>, dir: &Path, post: &dyn Post) {
    let (mut notices, mut book) = (Notices::default(), Book::default());
    // Ends: with the node.
    while let Some(node) = node.upgrade().filter(|node| node.is_ready()) {
        book.refresh(dir);
        if let Err(error) = turn(&node, &mut notices, &book.addresses, post) {
            tracing::error!(%error, "the holders of what is stopped cannot be found");
        }
        *node.deliveries() = notices.deliveries();
        drop(node);
        thread::park_timeout(TURN);
    }
}

/// The addresses as they were last read without a fault.
#[derive(Debug, Default)]
struct Book {
    addresses: Addresses,
    changed: Option<SystemTime>,
}

impl Book {
    /// Reads the file again where it has changed; a faulty one leaves what was known.
    fn refresh(&mut self, dir: &Path) {
        let changed = std::fs::metadata(dir.join(FILE)).and_then(|file| file.modified());
        let changed = changed.ok();
        if changed == self.changed {
            return;
        }
        self.changed = changed;
        match Addresses::read(dir) {
            Ok(addresses) => self.addresses = addresses,
            Err(error) => tracing::error!(%error, "the addresses stay as they were"),
        }
    }
}

/// One look at the ledger, and the notices that are due.
fn turn<S: Store + 'static>(
    node: &Node<S>,
    notices: &mut Notices,
    addresses: &Addresses,
    post: &dyn Post,
) -> Result<(), StoreError> {
    let now = node.clock().wall();
    // A notice is signed: its time comes.
    if node.not_signing().is_some() {
        return Ok(());
    }
    let view = node.store().view();
    notices.refresh(&view, addresses, node.settings().public_url(), now)?;
    drop(view);
    let due = notices.due(now);
    if due.is_empty() {
        return Ok(());
    }
    let sent: Vec<(String, Handle, bool)> = thread::scope(|scope| {
        #[expect(
            clippy::needless_collect,
            reason = "all are on their way before one is waited for"
        )]
        let threads: Vec<_> = due
            .into_iter()
            .map(|(case, holder, url, payload)| {
                scope.spawn(move || {
                    let body = node.sign_notice(Kind::Notice, payload);
                    (case, holder, post.post(&url, &body))
                })
            })
            .collect();
        threads
            .into_iter()
            .filter_map(|one| one.join().ok())
            .collect()
    });
    let now = node.clock().wall();
    for (case, holder, taken) in sent {
        notices.sent(&case, holder, taken, now);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
