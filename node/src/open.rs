//! Data directories: founding a ledger, and opening one.
//!
//! ```text
//! dir/db/        the database            dir/log.key    the log's secret key, mode 0600
//! dir/head       the head's second copy  dir/node.toml  origin, public URL, region
//! dir/part.keys  keys of personal parts, mode 0600
//! dir/reads/     the access record
//! dir/trust.txt  the log, its witnesses, their quorum (C2SP tlog-policy)
//! dir/witnessed  the newest checkpoint that met the quorum
//! dir/unconfirmed, dir/closed  whether it may sign (`confirm.rs`); dir/ahead, dir/evidence/
//! dir/webhooks.toml  where holders are told of recalls, if anywhere
//! dir/regions.toml  who this node is to the logs of other regions, if anyone
//! dir/witness*   this node as a witness, if it is one ([`crate::Witness`])
//! ```
//!
//! Founding goes key, settings, database, founding entry; opening needs them all. A founding that
//! was interrupted may be repeated with the same settings and goes on where it stopped.

use crate::clock::{Clock, SystemClock};
use crate::config::{NodeConfig, Settings, SettingsError, key_path, policy_path, settings_path};
use crate::confirm::Confirmation;
use crate::keys::{self, KeyFileError};
use crate::node::{Node, Running, StartError};
use crate::reads::AccessLog;
use crate::regions::{CredentialError, Credentials};
use crate::secrets::OsSecrets;
use crate::witness::{Witness, WitnessError};
use ledger::admission::check;
use ledger::checkpoint::SignedCheckpoint;
use ledger::ids::Handle;
use ledger::registry::{Action, NewKey, RegistryPayload};
use ledger::reject::RejectReason;
use ledger::seal::{Log, Outcome, seal};
use ledger::signature::{Signer as _, SigningKey};
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::store::{Store, StoreError, View as _};
use ledger::tlog_policy::{PolicyError, TlogPolicy};
use ledger_rocks::RocksStore;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a data directory could not be founded or opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is a founded ledger already.
    #[error("{path} holds a ledger already")]
    AlreadyFounded {
        /// The data directory.
        path: PathBuf,
    },
    /// An earlier founding was begun with other settings.
    #[error("{path} was begun with other settings")]
    OtherSettings {
        /// The settings file.
        path: PathBuf,
    },
    /// The founders are not fit to found a ledger.
    #[error("the founding entry is refused: {0}")]
    Founding(#[source] RejectReason),
    /// The log's key cannot be had.
    #[error("the log's key: {0}")]
    Key(#[from] KeyFileError),
    /// The settings are wrong.
    #[error("the settings: {0}")]
    Settings(#[from] SettingsError),
    /// The settings file cannot be read.
    #[error("{path}: {why}")]
    SettingsFile {
        /// Which file.
        path: PathBuf,
        /// Where and what, by the TOML reader.
        why: String,
    },
    /// The trust policy is malformed.
    #[error("{path}: {why}")]
    Policy {
        /// Which file.
        path: PathBuf,
        /// Where and what.
        why: PolicyError,
    },
    /// The node's witness cannot be opened.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The credentials for other regions cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialError),
    /// The database refuses to be opened.
    #[error("the database: {0}")]
    Database(#[from] ledger_rocks::OpenError),
    /// The ledger cannot be served.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The operating system refused.
    #[error("{path}")]
    Io {
        /// Which file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        Self::Start(StartError::Store(error))
    }
}

/// The first authorities, and how many of them must sign an act over an authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Founding {
    /// Handle, jurisdiction (a region-code prefix), key with proof of possession.
    pub founders: Vec<(Handle, String, NewKey)>,
    /// At least 1, at most their number.
    pub threshold: u16,
    /// The last checkpoint of the log that this one continues, verified by whoever founds.
    pub predecessor: Option<SignedCheckpoint>,
}

/// Founds a ledger in `dir`, which need not exist: makes the log's key, writes the settings,
/// creates the database, and seals the founding entry at leaf 0.
///
/// # Errors
/// [`OpenError`].
pub fn init(dir: &Path, settings: &Settings, founding: Founding) -> Result<(), OpenError> {
    let failed = |path: &Path| {
        let path = path.to_owned();
        |source| OpenError::Io { path, source }
    };
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(failed(dir))?;
    let path = settings_path(dir);
    if path.exists() {
        if read_settings(dir)? != *settings {
            return Err(OpenError::OtherSettings { path });
        }
    } else {
        let text = settings.to_toml();
        write_new(dir, &path, &text).map_err(failed(&path))?;
    }
    let key = key_path(dir);
    let key = if key.exists() {
        keys::read(&key)?
    } else {
        keys::create(&key)?
    };
    let options = ledger_rocks::Options::default();
    let store = if dir.join("db").exists() {
        RocksStore::open(dir, settings.origin(), options)?
    } else {
        RocksStore::create(dir, settings.origin(), options)?
    };
    if store.view().head()?.is_some() {
        return Err(OpenError::AlreadyFounded {
            path: dir.to_owned(),
        });
    }
    found(
        &store,
        settings.origin(),
        &key,
        founding,
        &SystemClock::default(),
    )
}

/// Writes a file that was not there, whole or, after a crash, not at all.
fn write_new(dir: &Path, path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(&new, path)?;
    File::open(dir)?.sync_all()
}

/// Seals the founding entry of an empty store.
///
/// # Errors
/// `Founding` if the rules refuse it; `Start` if the store fails.
pub fn found<S: Store>(
    store: &S,
    origin: &str,
    key: &SigningKey,
    founding: Founding,
    clock: &dyn Clock,
) -> Result<(), OpenError> {
    let Founding {
        founders,
        threshold,
        predecessor,
    } = founding;
    let payload = Payload::Registry(RegistryPayload {
        action: Action::Found {
            threshold,
            founders,
            predecessor: predecessor.map(Box::new),
        },
        commitment: Commitment::to(&[]),
        approvals: Vec::new(),
    });
    let issuer = Issuer::Log {
        origin: origin.to_owned(),
        subject: "founding".to_owned(),
    };
    let now = clock.wall();
    let seconds = u64::try_from(now.0 / 1000).unwrap_or_default();
    let audience = vec![origin.to_owned()];
    let statement = SignedStatement::sign(key, issuer, audience, seconds, payload, Vec::new());
    // As everyone will read it: a founding that cannot be parsed again must not be sealed.
    let checked = SignedStatement::parse(&statement.encode())
        .and_then(|statement| check(statement, key.public_key()))
        .map_err(OpenError::Founding)?;
    let sealed = seal(
        &store.view(),
        Log {
            origin,
            signer: key,
        },
        &OsSecrets,
        &[checked],
        now,
    )?;
    if let Some(Outcome::Rejected(reason)) = sealed.outcomes.into_iter().next() {
        return Err(OpenError::Founding(reason));
    }
    if let Some(write) = sealed.write {
        store.commit(write)?;
    }
    Ok(())
}

/// Opens the ledger in `config.dir` and serves it.
///
/// # Errors
/// [`OpenError`].
pub fn open(config: &NodeConfig) -> Result<Arc<Node<RocksStore>>, OpenError> {
    let mut settings = read_settings(&config.dir)?;
    if let Some(public_url) = &config.public_url {
        settings = settings.with_public_url(public_url.clone())?;
    }
    let key = keys::read(&key_path(&config.dir))?;
    let unreadable = |source| OpenError::Io {
        path: config.dir.clone(),
        source,
    };
    let confirmation = Confirmation::open(&config.dir).map_err(unreadable)?;
    let store = match RocksStore::open(&config.dir, settings.origin(), config.database) {
        Err(missing @ ledger_rocks::OpenError::HeadFileMissing { .. }) => {
            // First the doubt, then the file: a crash in between asks again.
            confirmation
                .withdraw(&missing.to_string())
                .map_err(unreadable)?;
            RocksStore::open_without_head_file(&config.dir, settings.origin(), config.database)?
        }
        opened => opened?,
    };
    let destroyed = store.keys_destroyed_on_opening();
    tracing::info!(recovery = ?store.recovery(), destroyed, "store opened");
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let running = Running {
        settings,
        limits: config.limits,
        threads: config.threads,
        clock: Arc::clone(&clock),
        reads: Some(AccessLog::open(&config.dir)?),
        policy: read_policy(&config.dir)?,
        witness: Witness::open(&config.dir, clock)?,
        credentials: Credentials::read(&config.dir)?,
        confirmation,
        nothing_newer_signed: config.nothing_newer_signed,
        dir: Some(config.dir.clone()),
    };
    Ok(Arc::new(Node::start(store, key, running)?))
}

/// The trust policy in `dir`, if there is one.
fn read_policy(dir: &Path) -> Result<Option<TlogPolicy>, OpenError> {
    let path = policy_path(dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    let policy = TlogPolicy::parse(&text);
    policy
        .map(Some)
        .map_err(|why| OpenError::Policy { path, why })
}

/// The settings in `dir`.
///
/// # Errors
/// `SettingsFile`, `Io`.
pub fn read_settings(dir: &Path) -> Result<Settings, OpenError> {
    let path = settings_path(dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) => return Err(OpenError::Io { path, source }),
    };
    toml::from_str(&text).map_err(|error| OpenError::SettingsFile {
        path,
        why: error.message().to_owned(),
    })
}

#[cfg(test)]
mod tests;
