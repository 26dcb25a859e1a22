//! How a run ends: the exit code says whose turn it is, the message what to do.

use ledger::reject::{Fault, RejectReason};
use ledger::store::StoreError;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;

/// Why a run failed, by whose fault. The numbers are an interface: scripts compare them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    /// The command line makes no sense, or names what is not there.
    Usage = 2,
    /// Input is malformed: correct it.
    Malformed = 3,
    /// The ledger does not allow it: ask, or say something else.
    Rejected = 4,
    /// Something forged or damaged: keep it, it is evidence.
    Proof = 5,
    /// Something else was recorded in the meantime.
    Stale = 6,
    /// Too much load, or nobody answers: try again later.
    Busy = 7,
    /// The disk, or what is stored on it.
    Store = 8,
    /// A check says hold: somebody must mend or judge it first.
    Hold = 9,
}

/// A failed run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{what}")]
pub(crate) struct Failure {
    pub(crate) code: Code,
    /// What went wrong, and with what.
    pub(crate) what: String,
    /// What to do about it.
    pub(crate) remedy: Option<String>,
}

impl Failure {
    pub(crate) fn new(code: Code, what: impl Display) -> Self {
        Self {
            code,
            what: what.to_string(),
            remedy: None,
        }
    }

    pub(crate) fn usage(what: impl Display) -> Self {
        Self::new(Code::Usage, what)
    }

    pub(crate) fn malformed(what: impl Display) -> Self {
        Self::new(Code::Malformed, what)
    }

    /// A file that cannot be read or written.
    pub(crate) fn file(path: &Path, error: &io::Error) -> Self {
        let code = if error.kind() == io::ErrorKind::NotFound {
            Code::Usage
        } else {
            Code::Store
        };
        Self::new(code, format!("{}: {error}", path.display()))
    }

    pub(crate) fn remedy(self, remedy: impl Display) -> Self {
        Self {
            remedy: Some(remedy.to_string()),
            ..self
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::new(Code::Store, error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::new(Code::Store, error)
    }
}

impl From<&RejectReason> for Failure {
    fn from(reason: &RejectReason) -> Self {
        let code = match reason.fault() {
            Fault::Bytes => Code::Malformed,
            Fault::Conflict | Fault::Forbidden => Code::Rejected,
        };
        Self::new(code, format!("{}: {reason}", reason.name()))
    }
}

impl From<Code> for ExitCode {
    fn from(code: Code) -> Self {
        Self::from(match code {
            Code::Usage => 2,
            Code::Malformed => 3,
            Code::Rejected => 4,
            Code::Proof => 5,
            Code::Stale => 6,
            Code::Busy => 7,
            Code::Store => 8,
            Code::Hold => 9,
        })
    }
}
