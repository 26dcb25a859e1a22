//! Which kind of proof a file is, told from its first bytes.

use crate::bundle::is_chain;
use crate::check::is_check;
use crate::{evidence, tlog_proof};

/// What a verifier can be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A whole answer that proves itself: [`crate::bundle`].
    Bundle,
    /// Several logs' bundles: [`crate::bundle::prove_chain`].
    Chain,
    /// The log's signed answer to a check: [`crate::check`].
    Check,
    /// A COSE receipt: [`crate::receipt`].
    Receipt,
    /// A C2SP tlog-proof: [`crate::tlog_proof`].
    TlogProof,
    /// Two histories of one log: [`crate::evidence`].
    Evidence,
}

impl Kind {
    /// The kind of `file`; `None` where it is none of these. Nothing else of it is checked.
    #[must_use]
    pub fn of(file: &[u8]) -> Option<Self> {
        match file {
            // An array of nine.
            [0x89, ..] => Some(Self::Bundle),
            _ if is_chain(file) => Some(Self::Chain),
            // The tag of a COSE_Sign1.
            [0xd2, ..] if is_check(file) => Some(Self::Check),
            [0xd2, ..] => Some(Self::Receipt),
            text if text.starts_with(tlog_proof::HEAD.as_bytes()) => Some(Self::TlogProof),
            text if text.starts_with(evidence::FORMAT.as_bytes()) => Some(Self::Evidence),
            _ => None,
        }
    }
}
