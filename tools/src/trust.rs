//! The trust file: whose word a verifier takes before it starts.
//!
//! Plain text as in C2SP tlog-policy: one `log VKEY [URL]` a line, `#` starts a comment. A log's
//! origin is the name in its verifier key (C2SP signed-note). Get the file from the log's operator
//! by another way than the proofs, and compare the key by telephone.

use crate::exit::Failure;
use ledger::bundle::Trust;
use ledger::note::{KeyKind, NoteKey};
use std::path::Path;

/// Bytes of a trust file: some hundred logs.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// The logs that a verifier trusts.
#[derive(Clone, Debug)]
pub(crate) struct TrustFile {
    logs: Vec<NoteKey>,
}

/// Why a trust file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TrustError {
    #[error("line {line}: {why}")]
    Key {
        line: usize,
        why: ledger::note::NoteError,
    },
    #[error("line {line}: not the key of a log")]
    KeyKind { line: usize },
    #[error("line {line}: {word:?} is not known here; known is: log VKEY [URL]")]
    Word { line: usize, word: String },
    #[error("no log is named")]
    Empty,
}

impl TrustFile {
    /// Reads the text of a trust file.
    ///
    /// # Errors
    /// [`TrustError`]: a line that is not understood is refused, since it may narrow the trust.
    pub(crate) fn parse(text: &str) -> Result<Self, TrustError> {
        let mut logs = Vec::new();
        for (line, content) in (1..).zip(text.lines()) {
            let content = content.split('#').next().unwrap_or_default();
            let mut words = content.split_whitespace();
            match (words.next(), words.next()) {
                (None, _) => {}
                (Some("log"), Some(vkey)) => {
                    let key = NoteKey::parse(vkey).map_err(|why| TrustError::Key { line, why })?;
                    if key.kind() != KeyKind::Ed25519 {
                        return Err(TrustError::KeyKind { line });
                    }
                    logs.push(key);
                }
                (Some(word), _) => {
                    return Err(TrustError::Word {
                        line,
                        word: word.to_owned(),
                    });
                }
            }
        }
        if logs.is_empty() {
            Err(TrustError::Empty)
        } else {
            Ok(Self { logs })
        }
    }

    /// Reads a trust file.
    ///
    /// # Errors
    /// [`Failure`]: usage where there is none, malformed.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
        let malformed = |why: &dyn std::fmt::Display| {
            Failure::malformed(format!("{}: {why}", path.display()))
                .remedy("a trust file has one line `log VKEY` for each log")
        };
        if bytes.len() > FILE_BYTES_MAX {
            return Err(malformed(&"too large for a trust file"));
        }
        let text = String::from_utf8(bytes).map_err(|error| malformed(&error))?;
        Self::parse(&text).map_err(|error| malformed(&error))
    }

    /// The text of a trust file for one log.
    #[cfg(feature = "node")]
    pub(crate) fn text(
        origin: &str,
        key: &ledger::signature::PublicKey,
    ) -> Result<String, ledger::note::NoteError> {
        let key = NoteKey::new(origin, KeyKind::Ed25519, key.clone())?;
        Ok(format!("# Whose word `suyuan verify` takes.\nlog {key}\n"))
    }

    /// Each log, as a bundle's verifier wants it.
    pub(crate) fn logs(&self) -> impl Iterator<Item = Trust> {
        self.logs.iter().map(|key| Trust {
            origin: key.name().to_owned(),
            log_key: key.public_key().clone(),
        })
    }

    /// The logs of that origin.
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
    use ledger::signature::{Signer as _, SigningKey};

    fn vkey(kind: KeyKind) -> String {
        let key = SigningKey::from_seed([7; 32]).public_key().clone();
        NoteKey::new("log.example/cd", kind, key)
            .unwrap()
            .to_string()
    }

    #[test]
    fn a_log_is_known_by_its_line() {
        let text = format!(
            "# Chengdu\n\nlog {} https://log.example\n",
            vkey(KeyKind::Ed25519)
        );
        let trust = TrustFile::parse(&text).unwrap();
        assert!(trust.of_origin("log.example/cd").is_some());
        assert!(trust.of_origin("log.example/other").is_none());
        assert_eq!(known(&trust), "log.example/cd");
    }

    #[test]
    fn what_is_not_understood_is_refused_by_line() {
        let key = vkey(KeyKind::Cosignature);
        for (text, why) in [
            ("# nothing\n".to_owned(), TrustError::Empty),
            (
                "\nquorum none\n".to_owned(),
                TrustError::Word {
                    line: 2,
                    word: "quorum".to_owned(),
                },
            ),
            (
                "log\n".to_owned(),
                TrustError::Word {
                    line: 1,
                    word: "log".to_owned(),
                },
            ),
            (format!("log {key}\n"), TrustError::KeyKind { line: 1 }),
        ] {
            assert_eq!(TrustFile::parse(&text).unwrap_err(), why, "{text:?}");
        }
        let broken = vkey(KeyKind::Ed25519).replace("log.example", "log.exampel");
        let error = TrustFile::parse(&format!("log {broken}")).unwrap_err();
        let why = ledger::note::NoteError::KeyId;
        assert_eq!(error, TrustError::Key { line: 1, why });
    }
}
