//! What the loading process says, one line each, and what follows from it: [`Promises`].

use ledger::hash::Digest;
use ledger::ids::LeafIndex;
use std::collections::BTreeMap;
use std::fmt;

/// One line of the loading process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// The ledger is open, and statements begin.
    Ready,
    /// A statement was acknowledged.
    Acknowledged(LeafIndex, Promise),
    /// A checkpoint that anyone could read: the signed note.
    Checkpoint(String),
    /// The node halted, for this reason.
    Halted(String),
    /// What a statement got that was sent after the halt.
    AfterHalt(String),
    /// The ledger did not open.
    NotOpened(String),
    /// A statement that should be admitted was not: a bug of the test or of the node.
    Refused(String),
}

/// What an acknowledged statement's submitter holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promise {
    /// SHA-256 of the statement as it was sent.
    pub submitted: Digest,
    /// The receipt.
    pub receipt: Vec<u8>,
}

impl fmt::Display for Said {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = |text: &str| hex::encode(text);
        match self {
            Self::Ready => write!(f, "ready"),
            Self::Acknowledged(leaf, promise) => {
                let receipt = hex::encode(&promise.receipt);
                write!(f, "acknowledged {leaf} {} {receipt}", promise.submitted)
            }
            Self::Checkpoint(note) => write!(f, "checkpoint {}", hex(note)),
            Self::Halted(why) => write!(f, "halted {}", hex(why)),
            Self::AfterHalt(answer) => write!(f, "after-halt {}", hex(answer)),
            Self::NotOpened(why) => write!(f, "not-opened {}", hex(why)),
            Self::Refused(why) => write!(f, "refused {}", hex(why)),
        }
    }
}

impl Said {
    /// Reads a line; `None` if it is none of ours.
    #[must_use]
    pub fn parse(line: &str) -> Option<Self> {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let text = || String::from_utf8(hex::decode(rest).ok()?).ok();
        Some(match word {
            "ready" => Self::Ready,
            "acknowledged" => {
                let mut fields = rest.split(' ');
                let leaf = LeafIndex(fields.next()?.parse().ok()?);
                let submitted = Digest::from_hex(fields.next()?)?;
                let receipt = hex::decode(fields.next()?).ok()?;
                Self::Acknowledged(leaf, Promise { submitted, receipt })
            }
            "checkpoint" => Self::Checkpoint(text()?),
            "halted" => Self::Halted(text()?),
            "after-halt" => Self::AfterHalt(text()?),
            "not-opened" => Self::NotOpened(text()?),
            "refused" => Self::Refused(text()?),
            _ => return None,
        })
    }
}

/// Everything a ledger has ever promised anyone.
#[derive(Clone, Debug, Default)]
pub struct Promises {
    /// Acknowledged statements.
    pub statements: BTreeMap<LeafIndex, Promise>,
    /// Signed checkpoints.
    pub checkpoints: Vec<String>,
}

impl Promises {
    /// Adds what was said.
    ///
    /// # Panics
    /// If one leaf was given to two statements, if the same statement got two receipts, or if a
    /// statement was refused.
    pub fn hear(&mut self, said: &[Said]) {
        for one in said {
            match one {
                Said::Acknowledged(leaf, promise) => {
                    let before = self.statements.insert(*leaf, promise.clone());
                    assert!(
                        before.is_none_or(|before| before == *promise),
                        "leaf {leaf}"
                    );
                }
                Said::Checkpoint(note) => {
                    if self.checkpoints.last() != Some(note) {
                        self.checkpoints.push(note.clone());
                    }
                }
                Said::Refused(why) => panic!("refused: {why}"),
                Said::Ready | Said::Halted(_) | Said::AfterHalt(_) | Said::NotOpened(_) => {}
            }
        }
    }
}
