//! Asking the nodes of other regions about goods that crossed the border.
//!
//! Which regions are recognised, and by which policy their logs are judged, is on the ledger
//! ([`ledger::region`]). As whom this node asks them is in `regions.toml` beside it:
//!
//! ```text
//! [[region]]
//! log = "chengdu.example/log"    # the log that is asked
//! handle = "…"                   # who this region is over there
//! key = "chengdu.key"            # that participant's secret key, mode 0600, beside this file
//! ```
//! Without an entry, or where the answer would travel in the clear, a region is asked as a stranger,
//! and tells what is anyone's to know.
//!
//! What comes back is a bundle. Nothing of it is shown before it is proved, under a checkpoint that a
//! quorum of that log's witnesses cosigned.
//!
//! **Invariants:** one answer waits [`FOLLOW_MAX`] for other regions, a file of all parts twice that; at most [`ASKING_MAX`] requests are on
//! their way to each and [`ASKING_ALL_MAX`] to all, and none for [`PAUSE`] after one that failed; what is
//! kept of them is bounded by [`KEPT_BYTES_MAX`]. A log's answers never go back behind one that it has
//! proved here since this node started. A region that is asked asks nobody else.

use crate::address::is_private;
use crate::keys::{self, KeyFileError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::bundle::{BundleError, prove};
use ledger::checkpoint::{Checkpoint, HistoryError};
use ledger::identifier::Identifier;
use ledger::ids::{Handle, UnixMillis};
use ledger::provenance::across::{ProvedPart, Told, Wanted, Why};
use ledger::provenance::answer::Verdict;
use ledger::region::Region;
use ledger::signature::SigningKey;
use ledger::tlog_policy::Standing;
use ledger::token::{Claims, Token};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long one answer waits for all other regions together: who scans a code waits too.
const FOLLOW_MAX: Duration = Duration::from_secs(3);

/// How long one request may take.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(2);

/// Requests to one region at a time, and to all: each holds one of the sixteen reads that a node
/// does at a time, so that slow regions take half of them and never all.
const ASKING_MAX: usize = 4;
const ASKING_ALL_MAX: usize = 8;

/// Questions in a second whether a region knows a code of which nothing says so: whoever tries codes
/// must not use up the fifty that it answers to one address, or goods that did come from there
/// could not be followed.
const ASKED_MAX: u32 = 10;
const ASKED_SPAN: Duration = Duration::from_secs(1);

/// How long a region that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(5);

/// How long an answer stands for the next reader: a recall over there is to be seen here within
/// two seconds.
const FRESH: Duration = Duration::from_secs(2);

/// How often a bundle is asked for whose checkpoint has no quorum: that node waits a second for it
/// each time, and the second time may find an earlier asker gone.
const WITNESSED_TRIES: u32 = 2;

/// Bytes of one region's part: a long chain is some hundreds of kilobytes.
const PART_BYTES_MAX: u64 = 4 << 20;

/// Bytes of all parts that are kept to say when something was last proved.
const KEPT_BYTES_MAX: usize = 64 << 20;

/// How long a token counts.
const TOKEN_S: u64 = 60;

/// The file of credentials in the data directory.
const FILE: &str = "regions.toml";

/// Why credentials cannot be used. The operator's fault.
#[derive(Debug, thiserror::Error)]
pub enum CredentialError {
    /// The file cannot be read.
    #[error("{path}: {why}")]
    File {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// A key cannot be had.
    #[error("the key for {log}: {why}")]
    Key {
        /// For which log.
        log: String,
        /// Why.
        why: KeyFileError,
    },
}

/// Who this node is to the logs of other regions, by their origins.
#[derive(Debug, Default)]
pub struct Credentials(BTreeMap<String, Credential>);

#[derive(Debug)]
struct Credential {
    handle: Handle,
    key: SigningKey,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Plain {
    #[serde(default)]
    region: Vec<Entry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    log: String,
    handle: String,
    key: PathBuf,
}

impl Credentials {
    /// Those in `dir`; none where the file is missing.
    ///
    /// # Errors
    /// [`CredentialError`].
    pub fn read(dir: &Path) -> Result<Self, CredentialError> {
        let path = dir.join(FILE);
        let failed = |why: String| CredentialError::File {
            path: path.clone(),
            why,
        };
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(failed(error.to_string())),
        };
        let plain: Plain =
            toml::from_str(&text).map_err(|error| failed(error.message().to_owned()))?;
        let one = |entry: Entry| {
            let Entry { log, handle, key } = entry;
            let handle = Handle::parse(&handle)
                .ok_or_else(|| failed(format!("{handle} is not a handle of 22 characters")))?;
            let key = keys::read(&dir.join(key)).map_err(|why| CredentialError::Key {
                log: log.clone(),
                why,
            })?;
            Ok((log, Credential { handle, key }))
        };
        let mut all = BTreeMap::new();
        for entry in plain.region {
            let (log, credential) = one(entry)?;
            if all.contains_key(&log) {
                return Err(failed(format!("{log} is named twice")));
            }
            all.insert(log, credential);
        }
        Ok(Self(all))
    }
}

/// Why a region's part is not there.
#[derive(Debug, thiserror::Error)]
enum AskError {
    #[error("no answer: {0}")]
    Silent(#[from] ureq::Error),
    #[error("status {0}")]
    Status(u16),
    #[error("it has not answered lately, or is being asked enough already")]
    LeftAlone,
    #[error("its answer proves nothing: {0}")]
    Unproved(#[from] BundleError),
    #[error("its answer is about another code")]
    OtherItem,
    #[error("its checkpoint has no quorum of witnesses")]
    NotWitnessed,
    #[error("its checkpoint does not go with the newest one of it: {0}")]
    History(#[from] HistoryError),
}

impl AskError {
    /// The fault of what was answered; `None` where nothing was, or nothing that counts yet: a
    /// region is not dishonest because its witnesses are away.
    const fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Silent(_) | Self::Status(_) | Self::LeftAlone | Self::NotWitnessed => None,
            Self::Unproved(error) => Some(error.name()),
            Self::OtherItem => Some("other-item"),
            Self::History(error) => Some(error.name()),
        }
    }

    /// Whether more requests would fare no better. One that a region does not like says nothing of
    /// the next: else whoever finds such a code could silence it.
    fn pauses(&self) -> bool {
        match self {
            // A long answer is one code's.
            Self::Silent(error) => !matches!(error, ureq::Error::BodyExceedsLimit(_)),
            Self::Status(status) => *status == 429 || *status >= 500,
            Self::LeftAlone
            | Self::Unproved(_)
            | Self::OtherItem
            | Self::NotWitnessed
            | Self::History(_) => false,
        }
    }
}

/// How much is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sight {
    /// As whoever this node is over there.
    Own,
    /// What is anyone's to know.
    Open,
}

/// A part that was proved.
#[derive(Clone, Debug)]
struct Kept {
    bundle: Arc<[u8]>,
    part: ProvedPart,
    checkpoint: Checkpoint,
    fetched: Instant,
}

/// What is asked for: which log, about what, and as whom.
type Question = (String, String, Sight);

#[derive(Debug, Default)]
struct State {
    kept: BTreeMap<Question, Kept>,
    kept_bytes: usize,
    asking: BTreeMap<String, usize>,
    paused: BTreeMap<String, Instant>,
    /// Since when, and how often, a log was asked whether it knows a code.
    asked: BTreeMap<String, (Instant, u32)>,
    /// The largest tree of each log that proved anything.
    newest: BTreeMap<String, Checkpoint>,
}

/// The other regions' nodes.
#[derive(Debug)]
pub(crate) struct Regions {
    agent: ureq::Agent,
    credentials: Credentials,
    state: Mutex<State>,
}

/// The time that one answer has left.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    pub(crate) fn start() -> Self {
        Self(Instant::now() + FOLLOW_MAX)
    }

    /// For the next request; `None` when it is over.
    fn left(self) -> Option<Duration> {
        let left = self.0.saturating_duration_since(Instant::now());
        (!left.is_zero()).then(|| left.min(REQUEST_TIMEOUT))
    }
}

impl Regions {
    pub(crate) fn new(credentials: Credentials) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .user_agent(concat!("suyuan/", env!("CARGO_PKG_VERSION")))
            .build();
        Self {
            agent: config.into(),
            credentials,
            state: Mutex::default(),
        }
    }

    /// What the log of `region` proves about what is wanted. A recall or hold that it has proved
    /// stands until it proves otherwise.
    pub(crate) fn ask(
        &self,
        region: &Region,
        wanted: &Wanted,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Told {
        let question = (
            region.log.clone(),
            wanted.item.as_str().to_owned(),
            Sight::Own,
        );
        match self.part(region, (&wanted.item, wanted.why), &question, now, deadline) {
            Ok(kept) => Told::Proved(Box::new(kept.part)),
            Err(error) => {
                tracing::warn!(log = region.log, item = question.1, "{error}");
                let kept = self.lock().kept.get(&question).cloned();
                let as_of = kept.as_ref().map(|kept| kept.part.as_of);
                match (kept, error.fault()) {
                    // Nobody ends a recall by falling silent, or by having a region fall silent.
                    (Some(kept), _) if stops(&kept.part) => Told::Proved(Box::new(kept.part)),
                    (_, Some(fault)) => Told::Unproved { fault },
                    (_, None) => Told::Silent {
                        last_proved: as_of.or(wanted.since),
                    },
                }
            }
        }
    }

    /// The bundle of what anyone may know there about `item`; `None` where it is not to be had.
    pub(crate) fn open_bundle(
        &self,
        region: &Region,
        item: &Identifier,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Option<Arc<[u8]>> {
        let question = (region.log.clone(), item.as_str().to_owned(), Sight::Open);
        // The answer that this is the proof of has asked before.
        match self.part(region, (item, Why::From), &question, now, deadline) {
            Ok(kept) => Some(kept.bundle),
            Err(error) => {
                tracing::warn!(log = region.log, item = question.1, "{error}");
                None
            }
        }
    }

    fn part(
        &self,
        region: &Region,
        (item, why): (&Identifier, Why),
        question: &Question,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Kept, AskError> {
        if let Some(kept) = self.lock().kept.get(question)
            && kept.fetched.elapsed() < FRESH
        {
            return Ok(kept.clone());
        }
        let _turn = self
            .turn(&region.log, why, Instant::now())
            .ok_or(AskError::LeftAlone)?;
        // What was proved meanwhile may be newer than what this request is answered from.
        let newest = self.lock().newest.get(&region.log).cloned();
        let mut tries = 0;
        let fetched = loop {
            tries += 1;
            let fetched = self.fetch(region, item, question.2, now, deadline);
            if tries == WITNESSED_TRIES || !matches!(fetched, Err(AskError::NotWitnessed)) {
                break fetched;
            }
        };
        let fetched = fetched.and_then(|kept| {
            let found = &kept.checkpoint;
            newest.map_or(Ok(()), |newest| {
                newest.is_followed_by(found.size, &found.root)
            })?;
            Ok(kept)
        });
        let mut state = self.lock();
        match &fetched {
            Ok(kept) => state.keep(question, kept),
            Err(error) if error.pauses() => {
                state.paused.insert(region.log.clone(), Instant::now());
            }
            Err(_) => {}
        }
        drop(state);
        fetched
    }

    fn fetch(
        &self,
        region: &Region,
        item: &Identifier,
        sight: Sight,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Kept, AskError> {
        // An ended region is asked nothing.
        let policy = region.policy.as_ref().ok_or(AskError::LeftAlone)?;
        let left = deadline.left().ok_or(AskError::LeftAlone)?;
        let url = format!(
            "{}{}?format=bundle&standing=witnessed",
            region.url,
            item.digital_link_path()
        );
        let asking = self.agent.get(&url);
        let asking = asking.config().timeout_global(Some(left)).build();
        let asking = match self.token(region, sight, now) {
            Some(token) => asking.header("Authorization", format!("Bearer {token}")),
            None => asking,
        };
        // What was left of one answer's time says nothing of the region.
        let silent = |error: ureq::Error| {
            let short = left < REQUEST_TIMEOUT && matches!(error, ureq::Error::Timeout(_));
            if short {
                AskError::LeftAlone
            } else {
                AskError::Silent(error)
            }
        };
        let mut response = asking.call().map_err(silent)?;
        // What a log does not know, it proves with status 404.
        let status = response.status().as_u16();
        if !matches!(status, 200 | 404) {
            return Err(AskError::Status(status));
        }
        let body = response.body_mut().with_config().limit(PART_BYTES_MAX);
        let bundle = body.read_to_vec().map_err(silent)?;
        let proved = prove(&bundle, policy, now)?;
        if proved.judged.standing != Standing::Witnessed {
            return Err(AskError::NotWitnessed);
        }
        if proved.judged.checkpoint.origin != region.log || proved.proved.item() != item.as_str() {
            return Err(AskError::OtherItem);
        }
        Ok(Kept {
            bundle: bundle.into(),
            checkpoint: proved.judged.checkpoint.clone(),
            part: proved.into(),
            fetched: Instant::now(),
        })
    }

    /// A token for a region that knows this node, and to which nobody on the way can read it.
    fn token(&self, region: &Region, sight: Sight, now: UnixMillis) -> Option<String> {
        if sight == Sight::Open || !is_private(&region.url) {
            return None;
        }
        let credential = self.credentials.0.get(&region.log)?;
        let issued_s = u64::try_from(now.0 / 1000).ok()?;
        let claims = Claims {
            issuer: credential.handle,
            audience: region.log.clone(),
            expires_s: issued_s + TOKEN_S,
            issued_s,
        };
        Some(URL_SAFE_NO_PAD.encode(Token::issue(&credential.key, &claims)))
    }

    /// A turn to ask a region; `None` where it is asked enough, or has just failed to answer.
    fn turn(&self, log: &str, why: Why, now: Instant) -> Option<Turn<'_>> {
        let mut state = self.lock();
        if state.asking.values().sum::<usize>() >= ASKING_ALL_MAX {
            return None;
        }
        if let Some(since) = state.paused.get(log) {
            if now.saturating_duration_since(*since) < PAUSE {
                return None;
            }
            state.paused.remove(log);
        }
        let asking = state.asking.get(log).copied().unwrap_or_default();
        if asking >= ASKING_MAX || (why == Why::Asked && !state.may_ask(log, now)) {
            return None;
        }
        state.asking.insert(log.to_owned(), asking + 1);
        drop(state);
        Some(Turn {
            regions: self,
            log: log.to_owned(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether a log may be asked once more whether it knows a code; counts it.
    fn may_ask(&mut self, log: &str, now: Instant) -> bool {
        let (since, count) = self.asked.entry(log.to_owned()).or_insert((now, 0));
        if now.saturating_duration_since(*since) >= ASKED_SPAN {
            (*since, *count) = (now, 0);
        }
        *count += 1;
        *count <= ASKED_MAX
    }

    fn done(&mut self, log: &str) {
        if let Some(asking) = self.asking.get_mut(log) {
            *asking = asking.saturating_sub(1);
        }
    }

    /// Keeps a part; the oldest go when there is no more room.
    fn keep(&mut self, question: &Question, kept: &Kept) {
        let (log, ..) = question;
        let newest = self.newest.get(log).map(|newest| newest.size);
        if newest.is_none_or(|newest| kept.checkpoint.size > newest) {
            self.newest.insert(log.clone(), kept.checkpoint.clone());
        }
        // Of codes that nobody knows there is no end.
        if kept.part.answer.verdict == Verdict::Unknown {
            return;
        }
        // A slow answer does not take the place of a newer one.
        let before = self.kept.get(question);
        if before.is_some_and(|before| before.checkpoint.size > kept.checkpoint.size) {
            return;
        }
        self.kept_bytes += kept.bundle.len();
        if let Some(before) = self.kept.insert(question.clone(), kept.clone()) {
            self.kept_bytes -= before.bundle.len();
        }
        while self.kept_bytes > KEPT_BYTES_MAX {
            // Recalls go last: their log may be silent.
            let oldest =
                (self.kept.iter()).min_by_key(|(_, kept)| (stops(&kept.part), kept.fetched));
            let Some(oldest) = oldest.map(|(question, _)| question.clone()) else {
                return;
            };
            if let Some(gone) = self.kept.remove(&oldest) {
                self.kept_bytes -= gone.bundle.len();
            }
        }
    }
}

/// Whether a part stops its goods.
const fn stops(part: &ProvedPart) -> bool {
    matches!(part.answer.verdict, Verdict::Recalled | Verdict::Held)
}

/// One request on its way.
struct Turn<'r> {
    regions: &'r Regions,
    log: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        self.regions.lock().done(&self.log);
    }
}

#[cfg(test)]
mod tests;
