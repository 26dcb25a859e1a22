//! RocksDB's errors as ours, and the reasons not to open.

use ledger::store::StoreError;
use rocksdb::ErrorKind;
use std::path::PathBuf;

/// Why a data directory was not opened. Nothing was written to it, except by RocksDB's own
/// recovery.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is something already; creating never replaces.
    #[error("{path} already holds a ledger; open it, or choose an empty directory")]
    AlreadyExists {
        /// The data directory.
        path: PathBuf,
    },
    /// The database ends before what was signed: an old copy, or lost writes. Signing again over
    /// the lost leaves would show two histories.
    #[error(
        "the database has {db_size} leaves, but {file_size} were signed: it is an old copy or lost \
         writes; restore the newest copy, and never sign with this one"
    )]
    BehindHead {
        /// Leaves that the head file says were signed.
        file_size: u64,
        /// Leaves in the database.
        db_size: u64,
    },
    /// The database does not read as it was written.
    #[error("damaged {what}: {detail}; keep the files, and audit or restore a copy")]
    Corrupt {
        /// The kind of record.
        what: &'static str,
        /// Where, and what is wrong.
        detail: String,
    },
    /// Written by another version of this program.
    #[error("written in format {found}; this program reads format {supported} only")]
    Format {
        /// The format found.
        found: u16,
        /// The format this build reads and writes.
        supported: u16,
    },
    /// Neither copy in the head file is whole.
    #[error("no slot of {path} is whole; find out why before you reopen without it")]
    HeadFileDamaged {
        /// The head file.
        path: PathBuf,
    },
    /// The head file is gone, so nothing says whether the database is the newest copy.
    #[error("{path} is missing, so nothing says that this database is the newest")]
    HeadFileMissing {
        /// Where the head file should be.
        path: PathBuf,
    },
    /// Opening without a head file was asked for, but there is one.
    #[error("{path} exists; open with it")]
    HeadFilePresent {
        /// The head file.
        path: PathBuf,
    },
    /// The head file and the database are not of one history.
    #[error("the head file and the database disagree: {detail}; one is from another copy")]
    HeadMismatch {
        /// How.
        detail: String,
    },
    /// The disk or the operating system refused.
    #[error("storage failed: {0}")]
    Io(String),
    /// The key file does not begin as one: without it no personal part can be read.
    #[error("{path} is damaged; restore its newest copy, and audit")]
    KeyFileDamaged {
        /// The key file.
        path: PathBuf,
    },
    /// Others than the owner may read or write the key file.
    #[error("{path} has mode {mode:04o}, others than its owner must have no access (0600)")]
    KeyFileExposed {
        /// The key file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The key file is gone, and with it every personal part.
    #[error(
        "{path} is missing: restore its newest copy; if there is none, reopen without it \
         explicitly, and every personal part recorded so far stays unreadable for good"
    )]
    KeyFileMissing {
        /// Where the key file should be.
        path: PathBuf,
    },
    /// Opening without a key file was asked for, but there is one.
    #[error("{path} exists; open with it")]
    KeyFilePresent {
        /// The key file.
        path: PathBuf,
    },
    /// The key file ends before the keys of recorded parts: an old copy.
    #[error(
        "{path} has {found} slots, but parts have taken {taken}: it is an old copy; restore the \
         newest"
    )]
    KeyFileShort {
        /// The key file.
        path: PathBuf,
        /// Slots in the file.
        found: u64,
        /// Slots that parts in the database have taken.
        taken: u64,
    },
    /// Another process has it open.
    #[error("{path} is in use, most likely by another `suyuan serve`; stop that one first")]
    Locked {
        /// The data directory.
        path: PathBuf,
    },
    /// There is no ledger there.
    #[error("{path} holds no ledger; create one first")]
    NotFound {
        /// The data directory.
        path: PathBuf,
    },
    /// An origin that cannot be stored.
    #[error("an origin has 1 to 255 bytes, this one {bytes}")]
    OriginLength {
        /// Its length.
        bytes: usize,
    },
    /// The directory is another log's.
    #[error("this is the ledger of {found:?}, not of {expected:?}")]
    OtherOrigin {
        /// The origin it was created with.
        found: String,
        /// The origin that was asked for.
        expected: String,
    },
}

impl From<StoreError> for OpenError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Corrupt { what, detail } => Self::Corrupt { what, detail },
            StoreError::Io(why) | StoreError::Unknown(why) => Self::Io(why),
        }
    }
}

impl From<std::io::Error> for OpenError {
    fn from(error: std::io::Error) -> Self {
        Self::Io(error.to_string())
    }
}

/// What reading `what` failed with.
#[expect(
    clippy::needless_pass_by_value,
    reason = "used as an argument of map_err"
)]
pub(crate) fn read_error(what: &'static str, error: rocksdb::Error) -> StoreError {
    let message = error.as_ref().to_owned();
    match error.kind() {
        ErrorKind::Corruption => StoreError::Corrupt {
            what,
            detail: message,
        },
        ErrorKind::NotFound
        | ErrorKind::NotSupported
        | ErrorKind::InvalidArgument
        | ErrorKind::IOError
        | ErrorKind::MergeInProgress
        | ErrorKind::Incomplete
        | ErrorKind::ShutdownInProgress
        | ErrorKind::TimedOut
        | ErrorKind::Aborted
        | ErrorKind::Busy
        | ErrorKind::Expired
        | ErrorKind::TryAgain
        | ErrorKind::CompactionTooLarge
        | ErrorKind::ColumnFamilyDropped
        | ErrorKind::Unknown => StoreError::Io(format!("reading {what}: {message}")),
    }
}
