//! What a verifier is told besides the file.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::checkpoint::{Checkpoint, CheckpointError};
use ledger::identifier::IdentifierError;
use ledger::ids::UnixMillis;
use ledger::note::NoteKey;
use ledger::statement::SignedStatement;
use ledger::tlog_policy::{PolicyError, TlogPolicy};
use serde::Deserialize;

/// How old the newest checkpoint may be before a verdict turns amber, seconds: a day. A recall is
/// on the ledger within minutes, and who shops in the evening may have fetched the proof at noon.
pub const AGE_MAX_S: u32 = 24 * 60 * 60;

/// What a verifier is told besides the file: JSON, strictly these fields.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Options {
    /// A trust policy (C2SP tlog-policy), or a log's bare verifier key, which asks for no witness.
    trust: String,
    /// The moment, ms since 1970: the core has no clock.
    now_ms: i64,
    /// The code in hand, in any spelling. A bundle about another is refused.
    #[serde(default)]
    code: String,
    /// How old the newest checkpoint may be, seconds.
    #[serde(default)]
    age_max_s: Option<u32>,
    /// The statement or entry that a receipt is for, base64.
    #[serde(default)]
    entry: String,
    /// A checkpoint that the reader kept, a signed note. What contradicts it is refused.
    #[serde(default)]
    remembered: String,
}

/// Why nothing was checked. The fault is in what was typed, not in the bundle.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OptionsError {
    /// The code in hand cannot be read.
    #[error("the code: {0}")]
    Code(IdentifierError),
    /// A receipt was given without the statement that it is for.
    #[error("a receipt is verified with the entry it is for")]
    EntryMissing,
    /// The statement that a receipt is for cannot be read.
    #[error("the entry: {0}")]
    Entry(String),
    /// Not JSON, or not these fields. The page's own fault.
    #[error("the options: {0}")]
    Form(String),
    /// The checkpoint that was kept is none of a log that is trusted.
    #[error("the remembered checkpoint: {0}")]
    Remembered(CheckpointError),
    /// The trust root is not one.
    #[error("the trust root: {0}")]
    Trust(PolicyError),
}

impl OptionsError {
    /// The stable name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Code(_) => "code-malformed",
            Self::EntryMissing => "entry-missing",
            Self::Entry(_) => "entry-malformed",
            Self::Form(_) => "options-malformed",
            Self::Remembered(_) => "remembered-malformed",
            Self::Trust(_) => "trust-malformed",
        }
    }
}

impl Options {
    /// Reads options.
    ///
    /// # Errors
    /// `Form`.
    pub fn parse(json: &[u8]) -> Result<Self, OptionsError> {
        serde_json::from_slice(json).map_err(|error| OptionsError::Form(error.to_string()))
    }

    /// Whose word counts.
    ///
    /// # Errors
    /// `Trust`.
    pub fn trust(&self) -> Result<TlogPolicy, OptionsError> {
        // What a person copies is often the key alone.
        let alone = self.trust.trim();
        let policy = if alone.is_empty() || alone.contains(char::is_whitespace) {
            TlogPolicy::parse(&self.trust)
        } else {
            let key = NoteKey::parse(alone).map_err(|why| PolicyError {
                line: 1,
                fault: why.into(),
            });
            key.and_then(TlogPolicy::of_log)
        };
        policy.map_err(OptionsError::Trust)
    }

    /// The code in hand, if one was given.
    #[must_use]
    pub fn code(&self) -> Option<&str> {
        Some(self.code.trim()).filter(|code| !code.is_empty())
    }

    /// The statement that a receipt is for, if one was given.
    ///
    /// # Errors
    /// `Entry`.
    pub fn entry(&self) -> Result<Option<SignedStatement>, OptionsError> {
        if self.entry.is_empty() {
            return Ok(None);
        }
        let malformed = |why: &dyn std::fmt::Display| OptionsError::Entry(why.to_string());
        let bytes = STANDARD.decode(&self.entry).map_err(|e| malformed(&e))?;
        let statement = SignedStatement::parse(&bytes).map_err(|why| malformed(&why))?;
        Ok(Some(statement))
    }

    /// The checkpoint that the reader kept, if one was given.
    ///
    /// # Errors
    /// `Remembered`.
    pub fn remembered(&self, trust: &TlogPolicy) -> Result<Option<Checkpoint>, OptionsError> {
        if self.remembered.trim().is_empty() {
            return Ok(None);
        }
        let judged = trust.judge(&self.remembered);
        judged
            .map(|judged| Some(judged.checkpoint))
            .map_err(OptionsError::Remembered)
    }

    /// The moment.
    #[must_use]
    pub const fn now(&self) -> UnixMillis {
        UnixMillis(self.now_ms)
    }

    /// How old the newest checkpoint may be, ms.
    #[must_use]
    pub fn age_max_ms(&self) -> i64 {
        i64::from(self.age_max_s.unwrap_or(AGE_MAX_S)) * 1000
    }
}
