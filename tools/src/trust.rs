//! The trust file: whose word a verifier takes before it starts.
//!
//! It is a trust policy (C2SP tlog-policy): `log VKEY [URL]` for each log, `witness NAME VKEY
//! [URL]` and `group` lines for witnesses, and one `quorum` line, `quorum none` where no witness is
//! asked for. A log's origin is the name in its verifier key (C2SP signed-note). Get the file from
//! the log's operator by another way than the proofs, and compare the keys by telephone.

use crate::exit::Failure;
use ledger::bundle::Trust;
use ledger::tlog_policy::{POLICY_BYTES_MAX, PolicyError, TlogPolicy};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// The logs that a verifier trusts, and the witnesses whose cosignatures count.
#[derive(Clone, Debug)]
pub(crate) struct TrustFile {
    policy: TlogPolicy,
}

/// Why a trust file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustError {
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("no log is named")]
    Empty,
}

impl TrustFile {
    /// Reads the text of a trust file.
    ///
    /// # Errors
    /// [`TrustError`]: a line that is not understood is refused, since it may narrow the trust.
    pub(crate) fn parse(text: &str) -> Result<Self, TrustError> {
        let policy = TlogPolicy::parse(text)?;
        if policy.logs().is_empty() {
            Err(TrustError::Empty)
        } else {
            Ok(Self { policy })
        }
    }

    /// Reads a trust file.
    ///
    /// # Errors
    /// [`Failure`]: usage where there is none, malformed.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error| Failure::file(path, &error);
        let malformed = |why: &dyn std::fmt::Display| {
            Failure::malformed(format!("{}: {why}", path.display())).remedy(
                "a trust file has a line `log VKEY` for each log, and ends in `quorum none` or \
                 names its witnesses (C2SP tlog-policy)",
            )
        };
        // One byte more than may be, which parsing then refuses.
        let limit = u64::try_from(POLICY_BYTES_MAX + 1).unwrap_or(u64::MAX);
        let mut bytes = Vec::new();
        let file = File::open(path).map_err(failed)?;
        file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
        let text = String::from_utf8(bytes).map_err(|error| malformed(&error))?;
        Self::parse(&text).map_err(|error| malformed(&error))
    }

    /// The text of a trust file for one log.
    #[cfg(feature = "node")]
    pub(crate) fn text(key: &ledger::note::NoteKey) -> String {
        format!("# Whose word `suyuan verify` takes.\nlog {key}\nquorum none\n")
    }

    /// The policy itself.
    pub(crate) const fn policy(&self) -> &TlogPolicy {
        &self.policy
    }

    /// Each log, as a bundle's verifier wants it.
    pub(crate) fn logs(&self) -> impl Iterator<Item = Trust> {
        self.policy.logs().iter().map(|log| Trust {
            origin: log.key.name().to_owned(),
            log_key: log.key.public_key().clone(),
        })
    }

    /// The logs of that origin.
    #[cfg(feature = "node")]
    pub(crate) fn of_origin(&self, origin: &str) -> Option<Trust> {
        self.logs().find(|trust| trust.origin == origin)
    }

    /// The log with that key.
    pub(crate) fn of_key(&self, key: ledger::signature::KeyId) -> Option<Trust> {
        self.logs().find(|trust| trust.log_key.key_id() == key)
    }
}

/// For messages: the public key alone is of no use without its name.
pub(crate) fn known(trust: &TrustFile) -> String {
    trust
        .logs()
        .map(|log| log.origin)
        .collect::<Vec<_>>()
        .join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::note::{KeyKind, NoteKey};
    use ledger::signature::{Signer as _, SigningKey};
    use ledger::tlog_policy::PolicyFault;

    #[test]
    fn a_log_is_known_by_its_line() {
        let key = SigningKey::from_seed([7; 32]).public_key().clone();
        let key = NoteKey::new("log.example/cd", KeyKind::Ed25519, key).unwrap();
        let text = format!("# Chengdu\n\nlog {key} https://log.example\nquorum none\n");
        let trust = TrustFile::parse(&text).unwrap();
        assert_eq!(trust.logs().count(), 1);
        assert_eq!(known(&trust), "log.example/cd");
    }

    #[test]
    fn a_file_that_names_no_log_or_no_quorum_is_refused() {
        let refused = |text: &str| TrustFile::parse(text).unwrap_err();
        assert_eq!(refused("quorum none\n"), TrustError::Empty);
        let fault = PolicyFault::QuorumMissing;
        let missing = PolicyError { line: 2, fault };
        assert_eq!(refused("# nothing\n"), TrustError::Policy(missing));
    }
}
