//! Trust policies: which logs count, which witnesses, and how many of them make a quorum.
//!
//! ```text
//! log <vkey> [<url>]
//! witness <name> <vkey> [<url>]
//! group <name> all|any|<k> <member>...
//! quorum <name>|none
//! ```
//! A checkpoint is *recorded* when a log named here has signed it, and *witnessed* when, beyond
//! that, those who cosigned it meet the quorum. Which of the two it is, is always computed from a
//! policy and never read from anywhere.
//!
//! A group names only what stands above it, and every name is a member once at most: so there are
//! no circles, and no witness counts twice.
//!
//! Source: C2SP tlog-policy.

use crate::checkpoint::{Checkpoint, CheckpointError, SignedCheckpoint};
use crate::note::{KeyKind, NoteError, NoteKey, Signed};
use crate::signature::KeyId;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// Bytes of a policy: the lines below at some hundred bytes each, and comments.
pub const POLICY_BYTES_MAX: usize = 64 * 1024;

/// Logs, witnesses, and groups of one policy, each. The standard asks for room for 32.
pub const POLICY_LINES_MAX: usize = 64;

/// The quorum that asks for nobody.
const NONE: &str = "none";

/// Why a policy is refused: a line that is not understood might narrow the trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {fault}")]
pub struct PolicyError {
    /// Its number, from 1; for what is missing, the number after the last line.
    pub line: usize,
    /// What is wrong with it.
    pub fault: PolicyFault,
}

/// What is wrong with a line of a policy.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyFault {
    /// A control character other than tab and line feed.
    #[error("a control character")]
    ControlCharacter,
    /// The same public key twice among the logs, or among the witnesses.
    #[error("this key is named above already")]
    KeyRepeated,
    /// A log's key where a witness's belongs, or the other way round.
    #[error("the key is of the wrong kind for this line")]
    KeyKind,
    /// The verifier key is malformed.
    #[error(transparent)]
    Key(#[from] NoteError),
    /// Nobody is trusted. The standard leaves room for such a policy, for who knows the log
    /// otherwise; here nobody does.
    #[error("no log is named: log VKEY [URL]")]
    LogMissing,
    /// A member of two groups, or of one group twice.
    #[error("{name:?} is a member of a group already")]
    MemberRepeated {
        /// Whose name it is.
        name: String,
    },
    /// A witness or group of this name stands above, or the name is `none`.
    #[error("the name {name:?} is taken")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// No witness or group of this name stands above.
    #[error("no witness or group {name:?} stands above this line")]
    NameUnknown {
        /// The name.
        name: String,
    },
    /// No line says what the quorum is.
    #[error("no quorum line; `quorum none` asks for no witness")]
    QuorumMissing,
    /// A second quorum line.
    #[error("a second quorum line")]
    QuorumRepeated,
    /// The threshold is no decimal number from 1 to the number of members.
    #[error("the threshold is not all, any, or a number from 1 to {members}")]
    Threshold {
        /// Members of the group.
        members: usize,
    },
    /// More than a policy may have.
    #[error("more than {limit} {unit}")]
    TooLarge {
        /// The limit.
        limit: usize,
        /// What is counted.
        unit: &'static str,
    },
    /// A word that starts no line, or a line with too few words or too many.
    #[error(
        "not a line of a policy: log VKEY [URL], witness NAME VKEY [URL], \
         group NAME all|any|K MEMBER..., quorum NAME|none"
    )]
    Words,
}

/// A log of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownLog {
    /// Its key; the key's name is the log's origin.
    pub key: NoteKey,
    /// Where it is reached.
    pub url: Option<String>,
}

/// A witness of a policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownWitness {
    /// What the policy calls it; its signatures name its key instead.
    pub name: String,
    /// Its key.
    pub key: NoteKey,
    /// Its submission prefix: `add-checkpoint` follows behind a slash.
    pub url: Option<String>,
}

/// A rule over witnesses.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Rule {
    /// This witness, by its number.
    Witness(usize),
    /// At least `threshold` of these.
    Group {
        threshold: usize,
        members: Vec<Self>,
    },
}

impl Rule {
    /// As deep as groups are nested, at most [`POLICY_LINES_MAX`].
    fn is_met(&self, cosigned: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Self::Witness(number) => cosigned(*number),
            Self::Group { threshold, members } => {
                let met = members.iter().filter(|member| member.is_met(cosigned));
                met.take(*threshold).count() == *threshold
            }
        }
    }
}

/// How much stands behind a checkpoint, by a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// The log's own word, or fewer witnesses than the policy asks for. Another reader may have
    /// been shown another history.
    Recorded,
    /// The quorum has cosigned: who cosigned saw no other history.
    Witnessed,
}

impl Standing {
    /// The word of the interfaces.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Recorded => "recorded",
            Self::Witnessed => "witnessed",
        }
    }
}

/// A witness that cosigned, and when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cosigned {
    /// The name of its key.
    pub witness: String,
    /// Seconds since 1970, by its own clock.
    pub time: u64,
}

/// What a policy says of a checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// The checkpoint.
    pub checkpoint: Checkpoint,
    /// The key under which a log of the policy has signed it.
    pub log: NoteKey,
    /// Witnesses of the policy that cosigned it, each once.
    pub cosigned: Vec<Cosigned>,
    /// What that amounts to.
    pub standing: Standing,
}

/// Which logs and witnesses count, and when there are enough of them: at least one log. Shown as its
/// file, without comments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlogPolicy {
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    /// `None`: `quorum none`.
    quorum: Option<Rule>,
    /// Its lines, each ending in a line feed.
    text: String,
}

impl TlogPolicy {
    /// A policy of one log and no witness.
    ///
    /// # Errors
    /// `KeyKind` in line 1.
    pub fn of_log(key: NoteKey) -> Result<Self, PolicyError> {
        let mut reading = Reading::default();
        let text = format!("log {key}\nquorum {NONE}\n");
        let fault = reading.log(key, None).err();
        match fault {
            Some(fault) => Err(PolicyError { line: 1, fault }),
            None => Ok(Self {
                logs: reading.logs,
                witnesses: Vec::new(),
                quorum: None,
                text,
            }),
        }
    }

    /// Reads a policy's text.
    ///
    /// # Errors
    /// [`PolicyError`], the first.
    pub fn parse(text: &str) -> Result<Self, PolicyError> {
        if text.len() > POLICY_BYTES_MAX {
            let fault = PolicyFault::TooLarge {
                limit: POLICY_BYTES_MAX,
                unit: "bytes",
            };
            return Err(PolicyError { line: 1, fault });
        }
        let mut reading = Reading::default();
        let mut line = 0;
        for content in text.split('\n') {
            line += 1;
            reading
                .line(content)
                .map_err(|fault| PolicyError { line, fault })?;
        }
        let missing = |fault| PolicyError { line, fault };
        let quorum = reading.quorum;
        let quorum = quorum.ok_or_else(|| missing(PolicyFault::QuorumMissing))?;
        if reading.logs.is_empty() {
            return Err(missing(PolicyFault::LogMissing));
        }
        Ok(Self {
            logs: reading.logs,
            witnesses: reading.witnesses,
            quorum,
            text: reading.text,
        })
    }

    /// The first log of that origin.
    #[must_use]
    pub fn log_of_origin(&self, origin: &str) -> Option<&KnownLog> {
        self.logs.iter().find(|log| log.key.name() == origin)
    }

    /// The log with that key.
    #[must_use]
    pub fn log_of_key(&self, id: KeyId) -> Option<&KnownLog> {
        let mut logs = self.logs.iter();
        logs.find(|log| log.key.public_key().key_id() == id)
    }

    /// For messages: the logs' origins, since a public key alone says nothing to people.
    #[must_use]
    pub fn origins(&self) -> String {
        let origins: Vec<&str> = self.logs.iter().map(|log| log.key.name()).collect();
        origins.join(", ")
    }

    /// The logs, in the order of the text.
    #[must_use]
    pub fn logs(&self) -> &[KnownLog] {
        &self.logs
    }

    /// The witnesses, in the order of the text.
    #[must_use]
    pub fn witnesses(&self) -> &[KnownWitness] {
        &self.witnesses
    }

    /// Whether any witness is asked for.
    #[must_use]
    pub const fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether cosignatures by these keys meet the quorum. `quorum none` is met by nobody at all:
    /// then every checkpoint is acceptable, and none of them is witnessed.
    #[must_use]
    pub fn is_met(&self, cosigned: &BTreeSet<KeyId>) -> bool {
        let has = |number: usize| {
            let witness = self.witnesses.get(number);
            witness.is_some_and(|one| cosigned.contains(&one.key.public_key().key_id()))
        };
        self.quorum.as_ref().is_none_or(|rule| rule.is_met(&has))
    }

    /// Reads and verifies a checkpoint of one of the logs, and says what stands behind it.
    ///
    /// A failing signature by a witness of the policy refuses the whole note, since an honest
    /// log publishes none.
    ///
    /// # Errors
    /// [`CheckpointError`]; `Origin` if it is of no log of the policy.
    pub fn judge(&self, note: &str) -> Result<Judged, CheckpointError> {
        let signed = SignedCheckpoint::parse(note)?;
        let known: Vec<NoteKey> = (self.logs.iter().map(|log| &log.key))
            .chain(self.witnesses.iter().map(|witness| &witness.key))
            .cloned()
            .collect();
        let (checkpoint, signers) = signed.verify(&known)?;
        // Another log of the policy may have put its name under it too, which makes it none of its own.
        let is_own =
            |key: &NoteKey| key.kind() == KeyKind::Ed25519 && key.name() == checkpoint.origin;
        let mut keys = signers.iter().map(|one| one.key);
        let log = keys.find(|key| is_own(key));
        let log = log.cloned().ok_or(CheckpointError::LogSignatureMissing)?;
        let witnesses = || {
            let cosigner = |one: &&Signed<'_>| one.key.kind() == KeyKind::Cosignature;
            signers.iter().filter(cosigner)
        };
        let keys = witnesses().map(|one| one.key.public_key().key_id());
        let met = self.asks_for_witnesses() && self.is_met(&keys.collect());
        let standing = if met {
            Standing::Witnessed
        } else {
            Standing::Recorded
        };
        let cosigned = witnesses()
            .map(|one| Cosigned {
                witness: one.key.name().to_owned(),
                time: one.time.unwrap_or_default(),
            })
            .collect();
        Ok(Judged {
            checkpoint: checkpoint.clone(),
            log,
            cosigned,
            standing,
        })
    }
}

impl fmt::Display for TlogPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// What the lines read so far say.
#[derive(Debug, Default)]
struct Reading {
    text: String,
    logs: Vec<KnownLog>,
    witnesses: Vec<KnownWitness>,
    /// Witnesses and groups by name.
    rules: BTreeMap<String, Rule>,
    /// Names that are members of a group.
    members: BTreeSet<String>,
    groups: usize,
    quorum: Option<Option<Rule>>,
}

impl Reading {
    fn line(&mut self, content: &str) -> Result<(), PolicyFault> {
        if content
            .bytes()
            .any(|byte| byte < 0x20 && byte != b'\t' || byte == 0x7f)
        {
            return Err(PolicyFault::ControlCharacter);
        }
        // Only space and tab part words: other white space is part of a name.
        let words: Vec<&str> = content
            .split([' ', '\t'])
            .filter(|word| !word.is_empty())
            .collect();
        match *words.as_slice() {
            [] => return Ok(()),
            [first, ..] if first.starts_with('#') => return Ok(()),
            ["log", key] => self.log(NoteKey::parse(key)?, None),
            ["log", key, url] => self.log(NoteKey::parse(key)?, Some(url)),
            ["witness", name, key] => self.witness(name, NoteKey::parse(key)?, None),
            ["witness", name, key, url] => self.witness(name, NoteKey::parse(key)?, Some(url)),
            ["group", name, threshold, ref members @ ..] if !members.is_empty() => {
                self.group(name, threshold, members)
            }
            ["quorum", name] => self.quorum(name),
            [_, ..] => Err(PolicyFault::Words),
        }?;
        self.text.push_str(&words.join(" "));
        self.text.push('\n');
        Ok(())
    }

    fn log(&mut self, key: NoteKey, url: Option<&str>) -> Result<(), PolicyFault> {
        if key.kind() != KeyKind::Ed25519 {
            return Err(PolicyFault::KeyKind);
        }
        let same = |log: &KnownLog| log.key.public_key() == key.public_key();
        if self.logs.iter().any(same) {
            return Err(PolicyFault::KeyRepeated);
        }
        room_for_one_more(self.logs.len(), "logs")?;
        let url = url.map(str::to_owned);
        self.logs.push(KnownLog { key, url });
        Ok(())
    }

    fn witness(&mut self, name: &str, key: NoteKey, url: Option<&str>) -> Result<(), PolicyFault> {
        if key.kind() != KeyKind::Cosignature {
            return Err(PolicyFault::KeyKind);
        }
        let same = |witness: &KnownWitness| witness.key.public_key() == key.public_key();
        if self.witnesses.iter().any(same) {
            return Err(PolicyFault::KeyRepeated);
        }
        room_for_one_more(self.witnesses.len(), "witnesses")?;
        self.name(name, Rule::Witness(self.witnesses.len()))?;
        self.witnesses.push(KnownWitness {
            name: name.to_owned(),
            key,
            url: url.map(str::to_owned),
        });
        Ok(())
    }

    fn group(&mut self, name: &str, threshold: &str, members: &[&str]) -> Result<(), PolicyFault> {
        room_for_one_more(self.groups, "groups")?;
        let count = members.len();
        let threshold = match threshold {
            "all" => count,
            "any" => 1,
            number => number
                .parse()
                .ok()
                .filter(|k| (1..=count).contains(k) && k.to_string() == number)
                .ok_or(PolicyFault::Threshold { members: count })?,
        };
        let mut rules = Vec::with_capacity(count);
        for member in members {
            rules.push(self.rule(member)?);
            let name = (*member).to_owned();
            if !self.members.insert(name.clone()) {
                return Err(PolicyFault::MemberRepeated { name });
            }
        }
        let members = rules;
        self.name(name, Rule::Group { threshold, members })?;
        self.groups += 1;
        Ok(())
    }

    fn quorum(&mut self, name: &str) -> Result<(), PolicyFault> {
        if self.quorum.is_some() {
            return Err(PolicyFault::QuorumRepeated);
        }
        self.quorum = Some(if name == NONE {
            None
        } else {
            Some(self.rule(name)?)
        });
        Ok(())
    }

    /// The rule that stands above under this name.
    fn rule(&self, name: &str) -> Result<Rule, PolicyFault> {
        let rule = self.rules.get(name).cloned();
        rule.ok_or_else(|| PolicyFault::NameUnknown {
            name: name.to_owned(),
        })
    }

    fn name(&mut self, name: &str, rule: Rule) -> Result<(), PolicyFault> {
        if name == NONE || self.rules.contains_key(name) {
            let name = name.to_owned();
            return Err(PolicyFault::NameTaken { name });
        }
        self.rules.insert(name.to_owned(), rule);
        Ok(())
    }
}

const fn room_for_one_more(count: usize, unit: &'static str) -> Result<(), PolicyFault> {
    if count < POLICY_LINES_MAX {
        Ok(())
    } else {
        Err(PolicyFault::TooLarge {
            limit: POLICY_LINES_MAX,
            unit,
        })
    }
}

#[cfg(test)]
mod tests;
