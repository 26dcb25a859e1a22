//! This node as a witness of other logs: the latest checkpoint of each, kept so that no crash and
//! no two requests at once can roll it back.
//!
//! ```text
//! dir/witness.toml   its name, and the verifier keys of the logs it watches
//! dir/witness.key    its secret key, mode 0600; never the log's
//! dir/witness/H      the latest checkpoint cosigned of the log whose origin has SHA-256 H
//! dir/evidence/H-N.txt  what shows two histories of that log, if anything (`evidence.rs`)
//! ```
//! One such file: a line with the format, the origin, the SHA-256 of the rest, and the rest, which
//! is the cosigned checkpoint, or nothing as long as none was cosigned.
//!
//! **Invariants:** a cosignature is given only after its checkpoint is durably the latest; a file
//! that is missing or damaged is never taken for a log that was not seen yet; after a write that
//! failed, nothing more is cosigned for that log until the node is opened again, which finds out
//! what is there.

use crate::clock::Clock;
use crate::durable::replace;
use crate::evidence::EvidenceFiles;
use crate::keys::{self, KeyFileError};
use api::service::CosignError;
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::evidence::Evidence;
use ledger::hash::Digest;
use ledger::note::{KeyKind, NoteError, NoteKey};
use ledger::signature::{Signer as _, SigningKey};
use ledger::witness::{AddCheckpoint, Cosignature, Refusal, Watched, WatchedError};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The first line of a state file.
const FORMAT: &str = "suyuan-witness/v1";

/// Why there is no witness. The operator's to mend.
#[derive(Debug, thiserror::Error)]
pub enum WitnessError {
    /// The settings cannot be read.
    #[error("{path}: {why}")]
    Settings {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        why: String,
    },
    /// A name or verifier key is malformed.
    #[error("the witness's keys: {0}")]
    Note(#[from] NoteError),
    /// The list of logs cannot be watched.
    #[error("the logs to watch: {0}")]
    Watched(#[from] WatchedError),
    /// The witness already signs under another name: the two would be one key.
    #[error("the witness is called {name}; one key serves one name")]
    OtherName {
        /// Its name.
        name: String,
    },
    /// The key cannot be had.
    #[error("the witness's key: {0}")]
    Key(#[from] KeyFileError),
    /// A watched log has no state. Cosigning from nothing might sign a second history.
    #[error(
        "{path} is missing: without it the witness does not know what it has cosigned; restore it, \
         or name the log with `suyuan witness --log` if it is new"
    )]
    StateMissing {
        /// Which file.
        path: PathBuf,
    },
    /// A state file is damaged.
    #[error("{path} is damaged: {why}; restore it from a copy that is not older")]
    StateDamaged {
        /// Which file.
        path: PathBuf,
        /// What does not fit.
        why: &'static str,
    },
    /// The operating system refused.
    #[error("{path}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// The settings as they are written.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    logs: Vec<String>,
}

impl Settings {
    fn path(dir: &Path) -> PathBuf {
        dir.join("witness.toml")
    }

    /// The settings in `dir`; `None` where it holds no witness.
    fn read(dir: &Path) -> Result<Option<Self>, WitnessError> {
        let path = Self::path(dir);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(WitnessError::Io { path, source }),
        };
        let settings = toml::from_str(&text).map_err(|error| WitnessError::Settings {
            path,
            why: error.message().to_owned(),
        })?;
        Ok(Some(settings))
    }

    fn watched(&self) -> Result<Watched, WitnessError> {
        let keys = self.logs.iter().map(|vkey| NoteKey::parse(vkey));
        Ok(Watched::new(keys.collect::<Result<_, _>>()?)?)
    }
}

/// Makes the ledger directory `dir` a witness called `name` that watches, beside those it watched
/// before, the logs with these verifier keys. Returns the witness's own verifier key.
///
/// # Errors
/// [`WitnessError`].
///
/// # Panics
/// Never: texts are TOML.
pub fn watch(dir: &Path, name: &str, logs: &[NoteKey]) -> Result<NoteKey, WitnessError> {
    let mut settings = Settings::read(dir)?.unwrap_or_else(|| Settings {
        name: name.to_owned(),
        logs: Vec::new(),
    });
    if settings.name != name {
        let name = settings.name;
        return Err(WitnessError::OtherName { name });
    }
    let before = settings.watched()?;
    for log in logs.iter().map(NoteKey::to_string) {
        if !settings.logs.contains(&log) {
            settings.logs.push(log);
        }
    }
    let watched = settings.watched()?;
    let path = dir.join("witness.key");
    let key = if path.exists() {
        keys::read(&path)?
    } else {
        keys::create(&path)?
    };
    let vkey = NoteKey::new(name, KeyKind::Cosignature, key.public_key().clone())?;
    let state = dir.join("witness");
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| WitnessError::Io { path, source }
    };
    std::fs::create_dir_all(&state).map_err(failed(&state))?;
    for origin in watched.origins() {
        let path = state_path(dir, origin);
        let known = before.origins().any(|known| known == origin);
        // A log watched before keeps its state, also where that is lost.
        if !known && !path.exists() {
            replace(&path, &state_bytes(origin, ""), 0o600).map_err(failed(&path))?;
        }
    }
    let path = Settings::path(dir);
    let text = toml::to_string(&settings).expect("texts are TOML");
    replace(&path, text.as_bytes(), 0o600).map_err(failed(&path))?;
    Ok(vkey)
}

fn origin_hash(origin: &str) -> Digest {
    Digest::of(origin.as_bytes())
}

fn state_path(dir: &Path, origin: &str) -> PathBuf {
    dir.join("witness").join(origin_hash(origin).to_string())
}

fn state_bytes(origin: &str, note: &str) -> Vec<u8> {
    let digest = Digest::of(note.as_bytes());
    format!("{FORMAT}\n{origin}\n{digest}\n{note}").into_bytes()
}

/// The latest checkpoint of one log.
#[derive(Debug)]
struct Latest {
    path: PathBuf,
    cosigned: Option<(Checkpoint, String)>,
    /// A write failed: what is on disk is unknown.
    in_doubt: bool,
}

impl Latest {
    fn read(path: PathBuf, origin: &str) -> Result<Self, WitnessError> {
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(WitnessError::StateMissing { path });
            }
            Err(source) => return Err(WitnessError::Io { path, source }),
        };
        match Self::parse(&bytes, origin) {
            Ok(cosigned) => Ok(Self {
                path,
                cosigned,
                in_doubt: false,
            }),
            Err(why) => Err(WitnessError::StateDamaged { path, why }),
        }
    }

    fn parse(bytes: &[u8], origin: &str) -> Result<Option<(Checkpoint, String)>, &'static str> {
        let text = std::str::from_utf8(bytes).map_err(|_| "it is not text")?;
        let mut lines = text.splitn(4, '\n');
        let mut line = || lines.next().ok_or("it breaks off");
        if line()? != FORMAT {
            return Err("its first line is not this format's");
        }
        if line()? != origin {
            return Err("it is of another log");
        }
        let (digest, note) = (line()?, line()?);
        if Digest::of(note.as_bytes()).to_string() != digest {
            return Err("its digest does not match");
        }
        if note.is_empty() {
            return Ok(None);
        }
        let signed = SignedCheckpoint::parse(note).map_err(|_| "it holds no checkpoint")?;
        Ok(Some((signed.claim().clone(), note.to_owned())))
    }
}

/// The node's witness.
pub struct Witness {
    name: String,
    key: SigningKey,
    watched: Watched,
    clock: Arc<dyn Clock>,
    evidence: EvidenceFiles,
    /// By the SHA-256 of their origins.
    latest: BTreeMap<Digest, Mutex<Latest>>,
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("name", &self.name)
            .field("watched", &self.watched)
            .finish_non_exhaustive()
    }
}

impl Witness {
    /// Opens the witness in `dir`; `None` where there is none.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub fn open(dir: &Path, clock: Arc<dyn Clock>) -> Result<Option<Self>, WitnessError> {
        let Some(settings) = Settings::read(dir)? else {
            return Ok(None);
        };
        let key = keys::read(&dir.join("witness.key"))?;
        // The name is checked once here, so that cosigning cannot fail for it.
        NoteKey::new(
            &settings.name,
            KeyKind::Cosignature,
            key.public_key().clone(),
        )?;
        let watched = settings.watched()?;
        let latest = watched
            .origins()
            .map(|origin| {
                let latest = Latest::read(state_path(dir, origin), origin)?;
                Ok((origin_hash(origin), Mutex::new(latest)))
            })
            .collect::<Result<_, WitnessError>>()?;
        Ok(Some(Self {
            name: settings.name,
            key,
            watched,
            clock,
            evidence: EvidenceFiles::of(dir),
            latest,
        }))
    }

    /// Cosigns a log's checkpoint once it is durably that log's latest. One synced write of less
    /// than a kilobyte; requests for one log take turns.
    ///
    /// # Errors
    /// [`CosignError`].
    pub fn cosign(&self, request: AddCheckpoint) -> Result<Cosignature, CosignError> {
        let authentic = self.watched.authenticate(request)?;
        let origin = authentic.origin().to_owned();
        let Some(mut latest) = self.lock(&origin_hash(&origin)) else {
            return Err(Refusal::OriginUnknown { origin }.into());
        };
        if latest.in_doubt {
            return Err(CosignError::NotKept);
        }
        let before = latest.cosigned.as_ref();
        let shown = before.and_then(|(_, note)| authentic.shown_against(note));
        let consistent = match authentic.follows(before.map(|(checkpoint, _)| checkpoint)) {
            Ok(consistent) => consistent,
            Err(refusal) => {
                if let Some(evidence) = shown {
                    self.keep(&evidence);
                }
                return Err(refusal.into());
            }
        };
        let seconds = u64::try_from(self.clock.wall().0 / 1000).unwrap_or_default();
        if seconds == 0 {
            tracing::error!("not cosigning: the clock is before 1970; set it right");
            return Err(CosignError::NotKept);
        }
        let cosigned = consistent.cosign(&self.name, &self.key, seconds);
        let cosigned = cosigned.map_err(|_| CosignError::NotKept)?;
        if let Err(error) = replace(&latest.path, &state_bytes(&origin, &cosigned.note), 0o600) {
            tracing::error!(%error, path = %latest.path.display(),
                "the witness's state could not be kept; nothing more is cosigned for {origin} \
                 until the node is started again");
            latest.in_doubt = true;
            return Err(CosignError::NotKept);
        }
        latest.cosigned = Some((cosigned.checkpoint.clone(), cosigned.note.clone()));
        Ok(cosigned)
    }

    /// Keeps what convicts a watched log. Under that log's lock.
    fn keep(&self, evidence: &Evidence) {
        let origin = evidence.origin();
        match self.evidence.keep(evidence) {
            Ok(Some(path)) => tracing::error!(path = %path.display(),
                "{origin} has signed two histories: give this file to its readers, and to other \
                 witnesses"),
            Ok(None) => tracing::warn!("{origin} goes on signing two histories"),
            Err(error) => {
                tracing::error!(%error, "{origin} has signed two histories, not kept: {evidence}");
            }
        }
    }

    /// The latest checkpoint cosigned of the log whose origin has this SHA-256.
    #[must_use]
    pub fn latest(&self, origin_hash: &Digest) -> Option<String> {
        let latest = self.lock(origin_hash)?;
        latest.cosigned.as_ref().map(|(_, note)| note.clone())
    }

    fn lock(&self, origin_hash: &Digest) -> Option<MutexGuard<'_, Latest>> {
        let latest = self.latest.get(origin_hash)?;
        Some(latest.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests;
