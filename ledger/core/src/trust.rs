//! The trust file: whose word a verifier takes before it starts.
//!
//! Plain text as in C2SP tlog-policy: one `log VKEY [URL]` a line, `#` starts a comment. A log's
//! origin is the name in its verifier key (C2SP signed-note). Get the file from the log's operator
//! by another way than the proofs, and compare the key by telephone.

use crate::bundle::Trust;
use crate::note::{KeyKind, NoteError, NoteKey};
use crate::signature::{KeyId, PublicKey};

/// Bytes of a trust file: some hundred logs.
const FILE_BYTES_MAX: usize = 64 * 1024;

/// The logs that a verifier trusts: at least one.
#[derive(Clone, Debug)]
pub struct TrustFile {
    first: NoteKey,
    others: Vec<NoteKey>,
}

/// Why a trust file is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TrustError {
    /// A verifier key is not in order.
    #[error("line {line}: {why}")]
    Key {
        /// From 1.
        line: usize,
        /// What is wrong.
        why: NoteError,
    },
    /// The key is that of a witness.
    #[error("line {line}: not the key of a log")]
    KeyKind {
        /// From 1.
        line: usize,
    },
    /// A line that is not understood may narrow the trust, so that it is not skipped.
    #[error("line {line}: {word:?} is not known here; known is: log VKEY [URL]")]
    Word {
        /// From 1.
        line: usize,
        /// Its first word.
        word: String,
    },
    /// Nobody is trusted.
    #[error("no log is named")]
    Empty,
    /// No trust file is so long.
    #[error("too large for a trust file: more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
}

impl TrustFile {
    /// Reads the text of a trust file.
    ///
    /// # Errors
    /// [`TrustError`].
    pub fn parse(text: &str) -> Result<Self, TrustError> {
        if text.len() > FILE_BYTES_MAX {
            return Err(TrustError::TooLarge {
                limit_bytes: FILE_BYTES_MAX,
            });
        }
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
        let mut logs = logs.into_iter();
        Ok(Self {
            first: logs.next().ok_or(TrustError::Empty)?,
            others: logs.collect(),
        })
    }

    /// The text of a trust file for one log.
    ///
    /// # Errors
    /// [`NoteError`] if the origin cannot name a key.
    pub fn text(origin: &str, key: &PublicKey) -> Result<String, NoteError> {
        let key = NoteKey::new(origin, KeyKind::Ed25519, key.clone())?;
        Ok(format!("# Whose word `suyuan verify` takes.\nlog {key}\n"))
    }

    /// Each log, as a bundle's verifier wants it.
    pub fn logs(&self) -> impl Iterator<Item = Trust> {
        std::iter::once(&self.first).chain(&self.others).map(trust)
    }

    /// The log named first.
    #[must_use]
    pub fn first(&self) -> Trust {
        trust(&self.first)
    }

    /// The log of that origin.
    #[must_use]
    pub fn of_origin(&self, origin: &str) -> Option<Trust> {
        self.logs().find(|trust| trust.origin == origin)
    }

    /// The log with that key.
    #[must_use]
    pub fn of_key(&self, key: KeyId) -> Option<Trust> {
        self.logs().find(|trust| trust.log_key.key_id() == key)
    }

    /// For messages: the names, since a public key alone says nothing to people.
    #[must_use]
    pub fn names(&self) -> String {
        let names: Vec<String> = self.logs().map(|log| log.origin).collect();
        names.join(", ")
    }
}

fn trust(key: &NoteKey) -> Trust {
    Trust {
        origin: key.name().to_owned(),
        log_key: key.public_key().clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signature::{Signer as _, SigningKey};

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
        assert_eq!(trust.names(), "log.example/cd");
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
        let why = NoteError::KeyId;
        assert_eq!(error, TrustError::Key { line: 1, why });
    }
}
