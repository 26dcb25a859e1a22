//! Settings: what a ledger is called, where it is, and how a node serves it.
//!
//! `node.toml` in the data directory holds what belongs to the ledger and was settled when it was
//! founded; how much memory and how many threads to use is the operator's, given at each start.

use crate::room::QueueLimits;
use ledger::note::{KeyKind, NoteKey};
use ledger::signature::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Which setting is wrong. The fault is the operator's.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// An origin is a host with a path: no scheme, no blank, no plus sign.
    #[error("origin {found:?} is not of the form host/path, such as log.example.com/chengdu")]
    Origin {
        /// What was given.
        found: String,
    },
    /// The address is not one that codes can carry.
    #[error("public-url {found:?} is not of the form https://host[/path], without / at its end")]
    PublicUrl {
        /// What was given.
        found: String,
    },
    /// The address is not one that a page can link to.
    #[error("verifiers: {found:?} is not of the form https://host/path")]
    Verifier {
        /// What was given.
        found: String,
    },
    /// More than a page can show.
    #[error("verifiers: more than {limit} addresses")]
    Verifiers {
        /// The limit.
        limit: usize,
    },
    /// The region is not a GB/T 2260 code.
    #[error("region {found:?} is not a GB/T 2260 code of 2 to 6 digits, such as 5101")]
    Region {
        /// What was given.
        found: String,
    },
}

/// What a ledger is called, where it is, and under which address it is reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Plain", into = "Plain")]
pub struct Settings {
    origin: String,
    public_url: String,
    region: String,
    verifiers: Vec<String>,
}

/// Other regions' verifiers on one page: a reader needs one, and may like a second.
const VERIFIERS_MAX: usize = 5;

/// Settings as they are written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Plain {
    origin: String,
    public_url: String,
    region: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    verifiers: Vec<String>,
}

impl TryFrom<Plain> for Settings {
    type Error = SettingsError;

    fn try_from(plain: Plain) -> Result<Self, SettingsError> {
        Self::new(plain.origin, plain.public_url, plain.region)?.with_verifiers(plain.verifiers)
    }
}

impl From<Settings> for Plain {
    fn from(settings: Settings) -> Self {
        let Settings {
            origin,
            public_url,
            region,
            verifiers,
        } = settings;
        Self {
            origin,
            public_url,
            region,
            verifiers,
        }
    }
}

impl Settings {
    /// Checks settings.
    ///
    /// # Errors
    /// [`SettingsError`].
    pub fn new(origin: String, public_url: String, region: String) -> Result<Self, SettingsError> {
        if !is_origin(&origin) {
            return Err(SettingsError::Origin { found: origin });
        }
        if !(2..=6).contains(&region.len()) || !region.bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(SettingsError::Region { found: region });
        }
        let settings = Self {
            origin,
            public_url: String::new(),
            region,
            verifiers: Vec::new(),
        };
        settings.with_public_url(public_url)
    }

    /// The same ledger under another address.
    ///
    /// # Errors
    /// `PublicUrl`.
    pub fn with_public_url(self, public_url: String) -> Result<Self, SettingsError> {
        if !is_address(&public_url) {
            return Err(SettingsError::PublicUrl { found: public_url });
        }
        Ok(Self { public_url, ..self })
    }

    /// The same ledger, with other regions' copies of the verifier for browsers.
    ///
    /// # Errors
    /// `Verifier`, `Verifiers`.
    pub fn with_verifiers(self, verifiers: Vec<String>) -> Result<Self, SettingsError> {
        if verifiers.len() > VERIFIERS_MAX {
            return Err(SettingsError::Verifiers {
                limit: VERIFIERS_MAX,
            });
        }
        if let Some(found) = verifiers.iter().find(|url| !is_address(url)) {
            return Err(SettingsError::Verifier {
                found: found.clone(),
            });
        }
        Ok(Self { verifiers, ..self })
    }

    /// The settings as `node.toml` holds them.
    ///
    /// # Panics
    /// Never: they are texts.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("texts are TOML")
    }

    /// The log's name, the first line of its checkpoints. It never changes.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The address in codes and link sets, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> &str {
        &self.public_url
    }

    /// Where other regions serve the verifier for browsers.
    #[must_use]
    pub fn verifiers(&self) -> &[String] {
        &self.verifiers
    }

    /// The region, a GB/T 2260 code.
    #[must_use]
    pub fn region(&self) -> &str {
        &self.region
    }
}

/// An address that codes and pages can carry, without a slash at its end.
fn is_address(text: &str) -> bool {
    let rest = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let plain = |byte: u8| byte.is_ascii_graphic() && !b"?#\"<>\\".contains(&byte);
    rest.is_some_and(|rest| {
        !rest.is_empty()
            && !rest.starts_with('/')
            && !rest.ends_with('/')
            && rest.bytes().all(plain)
    })
}

/// A name of a C2SP key, with a dot by which statements tell a log from a handle.
fn is_origin(text: &str) -> bool {
    // Any key will do: it is the name that is judged.
    let key = SigningKey::from_seed([0; 32]).public_key().clone();
    let named = NoteKey::new(text, KeyKind::Ed25519, key).is_ok();
    named
        && text.len() <= 255
        && text.contains('.')
        && text.bytes().all(|byte| byte.is_ascii_graphic())
        && !text.contains("://")
}

/// How to serve the ledger in a data directory.
#[derive(Clone, Debug)]
pub struct NodeConfig {
    /// The data directory: `db/`, `head`, `log.key`, `node.toml`.
    pub dir: PathBuf,
    /// Another address than the one in `node.toml`.
    pub public_url: Option<String>,
    /// What may be in flight.
    pub limits: QueueLimits,
    /// Threads that verify and sign; all cores if `None`.
    pub threads: Option<NonZeroUsize>,
    /// The database's caches and buffers.
    pub database: ledger_rocks::Options,
    /// The operator says that nothing was ever signed beyond what is in `dir`: for a log that lost
    /// its head file and asks no witness. Refused wherever that is not so.
    pub nothing_newer_signed: bool,
}

impl NodeConfig {
    /// The defaults for `dir`.
    #[must_use]
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self {
            dir: dir.into(),
            public_url: None,
            limits: QueueLimits::default(),
            threads: None,
            database: ledger_rocks::Options::default(),
            nothing_newer_signed: false,
        }
    }
}

/// The log's key in a data directory.
#[must_use]
pub fn key_path(dir: &Path) -> PathBuf {
    dir.join("log.key")
}

/// The trust policy in a data directory: the log itself, the witnesses it asks, their quorum
/// (C2SP tlog-policy). The same file is what verifiers go by.
#[must_use]
pub fn policy_path(dir: &Path) -> PathBuf {
    dir.join("trust.txt")
}

/// The settings in a data directory.
#[must_use]
pub fn settings_path(dir: &Path) -> PathBuf {
    dir.join("node.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(origin: &str, public_url: &str, region: &str) -> Result<Settings, SettingsError> {
        Settings::new(origin.to_owned(), public_url.to_owned(), region.to_owned())
    }

    #[test]
    fn settings_are_read_back_and_checked_when_read() {
        let good = settings("log.example.com/chengdu", "https://t.example.com/a", "5101").unwrap();
        let text = toml::to_string(&good).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), good);
        assert!(toml::from_str::<Settings>(&text.replace("5101", "Chengdu")).is_err());
        assert!(toml::from_str::<Settings>(&format!("{text}colour = \"red\"\n")).is_err());
    }

    #[test]
    fn other_regions_verifiers_are_addresses_and_few() {
        let plain =
            "origin = \"log.example\"\npublic-url = \"https://a.example\"\nregion = \"5101\"\n";
        let none: Settings = toml::from_str(plain).unwrap();
        assert_eq!(none.verifiers(), [""; 0]);
        let with = |list: &str| toml::from_str::<Settings>(&format!("{plain}verifiers = {list}\n"));
        let one = with("[\"https://cq.example/verify\"]").unwrap();
        assert_eq!(one.verifiers(), ["https://cq.example/verify"]);
        let text = toml::to_string(&one).unwrap();
        assert_eq!(toml::from_str::<Settings>(&text).unwrap(), one);
        let error = with("[\"javascript:alert(1)\"]").unwrap_err();
        assert!(error.to_string().contains("verifiers"), "{error}");
        let many = format!("{:?}", vec!["https://cq.example/verify"; VERIFIERS_MAX + 1]);
        assert!(with(&many).is_err());
    }

    #[test]
    fn what_no_code_or_checkpoint_can_carry_is_refused() {
        for origin in [
            "",
            "log",
            "log.example com",
            "log.example+1",
            "https://log.example",
            "成都.cn",
        ] {
            let found = origin.to_owned();
            assert_eq!(
                settings(origin, "https://a.example", "5101"),
                Err(SettingsError::Origin { found })
            );
        }
        for url in [
            "",
            "a.example",
            "ftp://a.example",
            "https://",
            "https://a.example/",
            "https://a b",
        ] {
            let found = url.to_owned();
            assert_eq!(
                settings("log.example", url, "5101"),
                Err(SettingsError::PublicUrl { found })
            );
        }
        for region in ["", "5", "5101170", "51o1"] {
            let found = region.to_owned();
            assert_eq!(
                settings("log.example", "https://a.example", region),
                Err(SettingsError::Region { found })
            );
        }
    }
}
