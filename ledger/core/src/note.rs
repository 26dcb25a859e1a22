//! C2SP signed notes: a text, and signatures over it by named keys.
//!
//! A note is its text (ending in a line feed), a blank line, and signature lines. Each line names a
//! key and four bytes that tell keys of the same name apart. Lines by keys the reader does not know
//! are passed over; a line by a known key must verify, or the whole note is refused.
//!
//! Two kinds of signature are known here: a log's own (type 1) and a witness's cosignature with its
//! time (type 4, `cosignature/v1`). Others count as unknown.
//!
//! Source: C2SP signed-note, tlog-cosignature.

use crate::signature::{KeyError, PublicKey, Signer};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// Bytes of a note: 64 signature lines of the largest kind in use (ML-DSA-44, 3.3 kB) and a text.
pub const NOTE_BYTES_MAX: usize = 256 * 1024;

/// Signature lines of a note. Readers must take at least 16.
pub const SIGNATURES_MAX: usize = 64;

/// How a signature line starts: an em dash and a space.
const DASH: &str = "\u{2014} ";

/// Why a note or a key's text is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoteError {
    /// A signature by a known key does not verify: forged or damaged.
    #[error("the signature by {name} does not verify")]
    BadSignature {
        /// The key's name.
        name: String,
    },
    /// A control character other than a line feed.
    #[error("control character at byte {at}")]
    ControlCharacter {
        /// Its offset.
        at: usize,
    },
    /// The public key itself is unusable.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The four bytes in a key's text do not follow from the rest of it.
    #[error("the key's short id does not match its name and bytes")]
    KeyId,
    /// A key's name is empty or has a space, a control character or a plus sign in it.
    #[error("not a key name: {name:?}")]
    KeyName {
        /// What was given.
        name: String,
    },
    /// A key's text has another form than `name+id+base64`.
    #[error("not a verifier key: name, plus, 8 lower-case hex digits, plus, base64")]
    KeyText,
    /// A key of a kind that is not known here.
    #[error("unknown kind of key {kind:#04x}")]
    KeyKind {
        /// The kind's number.
        kind: u8,
    },
    /// No blank line with signatures after it.
    #[error("no signatures after a blank line")]
    NoSignatures,
    /// A signature line that is out of order.
    #[error("signature line {line} is malformed")]
    SignatureLine {
        /// Its number, from 1.
        line: usize,
    },
    /// More bytes or signatures than a note may have.
    #[error("the note is larger than the limit of {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// Nobody the reader knows has signed.
    #[error("no signature by a known key")]
    Unsigned,
}

/// What a key's signatures say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyKind {
    /// Type 4: "this was the newest checkpoint I had seen, at this time".
    Cosignature,
    /// Type 1: "this is my text".
    Ed25519,
}

impl KeyKind {
    const fn number(self) -> u8 {
        match self {
            Self::Cosignature => 4,
            Self::Ed25519 => 1,
        }
    }
}

/// A public key with the name and kind under which it signs notes. Shown as its verifier key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteKey {
    name: String,
    kind: KeyKind,
    key: PublicKey,
    id: [u8; 4],
}

impl NoteKey {
    /// Names a key.
    ///
    /// # Errors
    /// `KeyName`.
    pub fn new(name: &str, kind: KeyKind, key: PublicKey) -> Result<Self, NoteError> {
        if !is_key_name(name) {
            return Err(NoteError::KeyName {
                name: name.chars().take(64).collect(),
            });
        }
        let mut hasher = Sha256::new();
        hasher.update(name.as_bytes());
        hasher.update([b'\n', kind.number()]);
        hasher.update(key.as_bytes());
        let digest: [u8; 32] = hasher.finalize().into();
        let [a, b, c, d, ..] = digest;
        Ok(Self {
            name: name.to_owned(),
            kind,
            key,
            id: [a, b, c, d],
        })
    }

    /// Reads a verifier key, `name+id+base64(kind, key)`.
    ///
    /// # Errors
    /// `KeyText`, `KeyName`, `KeyKind`, `Key`, `KeyId`.
    pub fn parse(text: &str) -> Result<Self, NoteError> {
        let mut fields = text.splitn(3, '+');
        let (Some(name), Some(id), Some(bytes)) = (fields.next(), fields.next(), fields.next())
        else {
            return Err(NoteError::KeyText);
        };
        let bytes = STANDARD.decode(bytes).map_err(|_| NoteError::KeyText)?;
        let (kind, key) = bytes.split_first().ok_or(NoteError::KeyText)?;
        let kind = [KeyKind::Cosignature, KeyKind::Ed25519]
            .into_iter()
            .find(|known| known.number() == *kind)
            .ok_or(NoteError::KeyKind { kind: *kind })?;
        let key = PublicKey::parse(key.try_into().map_err(|_| NoteError::KeyText)?)?;
        let key = Self::new(name, kind, key)?;
        if id == hex::encode(key.id) {
            Ok(key)
        } else {
            Err(NoteError::KeyId)
        }
    }

    /// The key's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What its signatures say.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// The key itself.
    #[must_use]
    pub const fn public_key(&self) -> &PublicKey {
        &self.key
    }

    /// Checks a signature over `text`; returns a cosignature's time.
    fn verify(&self, text: &str, signature: &[u8]) -> Option<Option<u64>> {
        match self.kind {
            KeyKind::Ed25519 => {
                self.key
                    .verify(text.as_bytes(), signature.try_into().ok()?)
                    .ok()?;
                Some(None)
            }
            KeyKind::Cosignature => {
                let (time, signature) = signature.split_first_chunk::<8>()?;
                let time = u64::from_be_bytes(*time);
                if time == 0 || i64::try_from(time).is_err() {
                    return None;
                }
                let message = cosigned(time, text);
                self.key
                    .verify(message.as_bytes(), signature.try_into().ok()?)
                    .ok()?;
                Some(Some(time))
            }
        }
    }
}

impl fmt::Display for NoteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut bytes = vec![self.kind.number()];
        bytes.extend_from_slice(self.key.as_bytes());
        write!(
            f,
            "{}+{}+{}",
            self.name,
            hex::encode(self.id),
            STANDARD.encode(bytes)
        )
    }
}

/// What a witness signs: the text under a header with its time, in seconds since 1970.
fn cosigned(time: u64, text: &str) -> String {
    format!("cosignature/v1\ntime {time}\n{text}")
}

fn is_key_name(name: &str) -> bool {
    !name.is_empty()
        && !name
            .chars()
            .any(|c| c.is_whitespace() || c.is_control() || c == '+')
}

/// A signature line.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Line {
    name: String,
    id: [u8; 4],
    signature: Vec<u8>,
}

impl Line {
    /// Whether it says that it is by this key.
    fn is_by(&self, key: &NoteKey) -> bool {
        self.name == key.name && self.id == key.id
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let blob = [self.id.as_slice(), &self.signature].concat();
        writeln!(f, "{DASH}{} {}", self.name, STANDARD.encode(blob))
    }
}

/// A known key that signed, and when, if its signatures say so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signed<'k> {
    /// The key.
    pub key: &'k NoteKey,
    /// A cosignature's time, seconds since 1970.
    pub time: Option<u64>,
}

/// A note whose form is in order. Nothing is known yet about its signatures. Shown as its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    text: String,
    lines: Vec<Line>,
}

impl Note {
    /// A note nobody has signed yet. `text` ends in a line feed.
    #[must_use]
    pub const fn new(text: String) -> Self {
        Self {
            text,
            lines: Vec::new(),
        }
    }

    /// Reads a note. The text ends at the last blank line.
    ///
    /// # Errors
    /// `TooLarge`, `ControlCharacter`, `NoSignatures`, `SignatureLine`.
    pub fn parse(note: &str) -> Result<Self, NoteError> {
        if note.len() > NOTE_BYTES_MAX {
            return Err(NoteError::TooLarge {
                limit: NOTE_BYTES_MAX,
                unit: "bytes",
            });
        }
        if let Some(at) = note.bytes().position(|byte| byte < 0x20 && byte != b'\n') {
            return Err(NoteError::ControlCharacter { at });
        }
        let blank = note.rfind("\n\n").ok_or(NoteError::NoSignatures)?;
        let (text, lines) = (&note[..=blank], &note[blank + 2..]);
        let lines = lines.strip_suffix('\n').ok_or(NoteError::NoSignatures)?;
        let lines: Vec<Line> = lines
            .split('\n')
            .enumerate()
            .map(|(at, line)| parse_line(line).ok_or(NoteError::SignatureLine { line: at + 1 }))
            .take(SIGNATURES_MAX + 1)
            .collect::<Result<_, _>>()?;
        if lines.len() > SIGNATURES_MAX {
            return Err(NoteError::TooLarge {
                limit: SIGNATURES_MAX,
                unit: "signatures",
            });
        }
        Ok(Self {
            text: text.to_owned(),
            lines,
        })
    }

    /// What is signed.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Adds a signature by `name`'s own key.
    ///
    /// # Errors
    /// `KeyName`.
    pub fn sign(&mut self, name: &str, signer: &dyn Signer) -> Result<(), NoteError> {
        let key = NoteKey::new(name, KeyKind::Ed25519, signer.public_key().clone())?;
        let signature = signer.sign(self.text.as_bytes()).to_vec();
        self.lines.push(Line {
            name: key.name,
            id: key.id,
            signature,
        });
        Ok(())
    }

    /// Adds a cosignature at `time`, seconds since 1970, greater than 0.
    ///
    /// One key serves one witness: what is signed does not say its name.
    ///
    /// # Errors
    /// `KeyName`.
    pub fn cosign(&mut self, name: &str, signer: &dyn Signer, time: u64) -> Result<(), NoteError> {
        let key = NoteKey::new(name, KeyKind::Cosignature, signer.public_key().clone())?;
        let mut signature = time.to_be_bytes().to_vec();
        signature.extend_from_slice(&signer.sign(cosigned(time, &self.text).as_bytes()));
        self.lines.push(Line {
            name: key.name,
            id: key.id,
            signature,
        });
        Ok(())
    }

    /// Number of signature lines, unverified.
    #[must_use]
    pub const fn signatures(&self) -> usize {
        self.lines.len()
    }

    /// The signature lines by `keys`, each ending in a line feed, unverified.
    #[must_use]
    pub fn lines_by(&self, keys: &[NoteKey]) -> String {
        let by = |line: &&Line| keys.iter().any(|key| line.is_by(key));
        self.lines.iter().filter(by).map(Line::to_string).collect()
    }

    /// Drops the signature lines by others than `keys`.
    pub fn retain_by(&mut self, keys: &[NoteKey]) {
        self.lines
            .retain(|line| keys.iter().any(|key| line.is_by(key)));
    }

    /// Takes over, from signature `lines` over this same text, those by `known` keys; each in the
    /// place of an older line by that key. Others are dropped: nobody vouches for them.
    ///
    /// # Errors
    /// As [`Note::parse`]; `BadSignature`, `Unsigned`. Nothing is taken over then.
    pub fn adopt<'k>(
        &mut self,
        lines: &str,
        known: &'k [NoteKey],
    ) -> Result<Vec<Signed<'k>>, NoteError> {
        let other = Self::parse(&format!("{}\n{lines}", self.text))?;
        let signed = other.verify(known)?;
        for one in &signed {
            self.lines.retain(|line| !line.is_by(one.key));
            let line = other.lines.iter().find(|line| line.is_by(one.key));
            self.lines.extend(line.cloned());
        }
        Ok(signed)
    }

    /// Which of `known` have signed, each once, in the order of the note.
    ///
    /// # Errors
    /// `BadSignature` if a line by a known key fails; `Unsigned` if there is no line by one.
    pub fn verify<'k>(&self, known: &'k [NoteKey]) -> Result<Vec<Signed<'k>>, NoteError> {
        let mut signed: Vec<Signed<'k>> = Vec::new();
        for line in &self.lines {
            let Some(key) = known.iter().find(|key| line.is_by(key)) else {
                continue;
            };
            let time =
                key.verify(&self.text, &line.signature)
                    .ok_or_else(|| NoteError::BadSignature {
                        name: line.name.clone(),
                    })?;
            if !signed.iter().any(|before| before.key == key) {
                signed.push(Signed { key, time });
            }
        }
        if signed.is_empty() {
            Err(NoteError::Unsigned)
        } else {
            Ok(signed)
        }
    }
}

/// `— name base64(id ‖ signature)`.
fn parse_line(line: &str) -> Option<Line> {
    let (name, blob) = line.strip_prefix(DASH)?.split_once(' ')?;
    let blob = STANDARD.decode(blob).ok()?;
    let (id, signature) = blob.split_first_chunk::<4>()?;
    if !is_key_name(name) || signature.is_empty() {
        return None;
    }
    Some(Line {
        name: name.to_owned(),
        id: *id,
        signature: signature.to_vec(),
    })
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}", self.text)?;
        self.lines.iter().try_for_each(|line| line.fmt(f))
    }
}

#[cfg(test)]
mod tests;
