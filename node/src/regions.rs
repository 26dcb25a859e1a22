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
//! **Invariants:** one answer waits [`FOLLOW_MAX`] for other regions; at most [`ASKING_MAX`] requests are on
//! their way to each, and none for [`PAUSE`] after one that failed; what is kept of them is bounded by
//! [`KEPT_BYTES_MAX`]. A region that is asked asks nobody else.

use crate::keys::{self, KeyFileError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ledger::bundle::{BundleError, prove};
use ledger::identifier::Identifier;
use ledger::ids::{Handle, UnixMillis};
use ledger::provenance::across::{ProvedPart, Told, Wanted};
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

/// Requests to one region at a time: each holds a thread here and there.
const ASKING_MAX: usize = 8;

/// How long a region that did not answer is left alone.
const PAUSE: Duration = Duration::from_secs(5);

/// How long an answer stands for the next reader: a recall over there is to be seen here within
/// two seconds.
const FRESH: Duration = Duration::from_secs(2);

/// How often a bundle is asked for anew whose checkpoint has no quorum yet, and how far apart: a
/// quorum takes a round of cosigning.
const WITNESSED_TRIES: u32 = 4;
const WITNESSED_PAUSE: Duration = Duration::from_millis(250);

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
        plain
            .region
            .into_iter()
            .map(one)
            .collect::<Result<_, _>>()
            .map(Self)
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
}

impl AskError {
    /// The fault of what was answered; `None` where nothing was.
    const fn fault(&self) -> Option<&'static str> {
        match self {
            Self::Silent(_) | Self::Status(_) | Self::LeftAlone => None,
            Self::Unproved(error) => Some(error.name()),
            Self::OtherItem => Some("other-item"),
            Self::NotWitnessed => Some("not-witnessed"),
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

    /// What the log of `region` proves about what is wanted.
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
        match self.part(region, &wanted.item, &question, now, deadline) {
            Ok(kept) => Told::Proved(Box::new(kept.part)),
            Err(error) => {
                tracing::warn!(log = region.log, item = question.1, "{error}");
                match error.fault() {
                    Some(fault) => Told::Unproved { fault },
                    None => {
                        let kept = self.lock().kept.get(&question).map(|kept| kept.part.as_of);
                        Told::Silent {
                            last_proved: kept.or(wanted.since),
                        }
                    }
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
        match self.part(region, item, &question, now, deadline) {
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
        item: &Identifier,
        question: &Question,
        now: UnixMillis,
        deadline: Deadline,
    ) -> Result<Kept, AskError> {
        if let Some(kept) = self.lock().kept.get(question)
            && kept.fetched.elapsed() < FRESH
        {
            return Ok(kept.clone());
        }
        let _turn = self.turn(&region.log).ok_or(AskError::LeftAlone)?;
        let mut tries = 0;
        let fetched = loop {
            tries += 1;
            let fetched = self.fetch(region, item, question.2, now, deadline);
            if tries == WITNESSED_TRIES || !matches!(fetched, Err(AskError::NotWitnessed)) {
                break fetched;
            }
            std::thread::sleep(WITNESSED_PAUSE);
        };
        let mut state = self.lock();
        match &fetched {
            Ok(kept) => state.keep(question, kept.clone()),
            Err(AskError::Silent(_) | AskError::Status(_)) => {
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
        let mut response = asking.call()?;
        // What a log does not know, it proves with status 404.
        let status = response.status().as_u16();
        if !matches!(status, 200 | 404) {
            return Err(AskError::Status(status));
        }
        let body = response.body_mut().with_config().limit(PART_BYTES_MAX);
        let bundle = body.read_to_vec()?;
        let proved = prove(&bundle, policy, now)?;
        if proved.judged.standing != Standing::Witnessed {
            return Err(AskError::NotWitnessed);
        }
        if proved.judged.checkpoint.origin != region.log || proved.proved.item() != item.as_str() {
            return Err(AskError::OtherItem);
        }
        Ok(Kept {
            bundle: bundle.into(),
            part: proved.into(),
            fetched: Instant::now(),
        })
    }

    /// A token for a region that knows this node, and to which nobody on the way can read it.
    fn token(&self, region: &Region, sight: Sight, now: UnixMillis) -> Option<String> {
        if sight == Sight::Open || !crate::notify::is_private(&region.url) {
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
    fn turn(&self, log: &str) -> Option<Turn<'_>> {
        let mut state = self.lock();
        if let Some(since) = state.paused.get(log) {
            if since.elapsed() < PAUSE {
                return None;
            }
            state.paused.remove(log);
        }
        let asking = state.asking.entry(log.to_owned()).or_default();
        if *asking >= ASKING_MAX {
            return None;
        }
        *asking += 1;
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
    /// Keeps a part; the oldest go when there is no more room.
    fn keep(&mut self, question: &Question, kept: Kept) {
        self.kept_bytes += kept.bundle.len();
        if let Some(before) = self.kept.insert(question.clone(), kept) {
            self.kept_bytes -= before.bundle.len();
        }
        while self.kept_bytes > KEPT_BYTES_MAX {
            let oldest = self.kept.iter().min_by_key(|(_, kept)| kept.fetched);
            let Some(oldest) = oldest.map(|(question, _)| question.clone()) else {
                return;
            };
            if let Some(gone) = self.kept.remove(&oldest) {
                self.kept_bytes -= gone.bundle.len();
            }
        }
    }
}

/// One request on its way.
struct Turn<'r> {
    regions: &'r Regions,
    log: String,
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        if let Some(asking) = self.regions.lock().asking.get_mut(&self.log) {
            *asking -= 1;
        }
    }
}
