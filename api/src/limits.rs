//! Every limit of the HTTP side, with its reason.

use std::time::Duration;

/// One statement, as the ledger limits it.
pub const STATEMENT_BYTES_MAX: usize = ledger::statement::STATEMENT_BYTES_MAX;

/// One `application/cbor-seq` request: more takes several, which can be repeated alone.
pub const SEQUENCE_BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Statements of one sequence: their answers, half a kilobyte each, are kept until the end.
pub const SEQUENCE_STATEMENTS_MAX: usize = 32_768;

/// Statements of a sequence handed to the node at once: enough for a whole block.
pub(crate) const WINDOW_STATEMENTS: usize = 1024;

/// Bytes of such a window: two are in memory at a time, one read while one is recorded.
pub(crate) const WINDOW_BYTES: usize = 8 * 1024 * 1024;

/// Statement bytes in memory over all requests; beyond that submissions are told to wait.
pub(crate) const INTAKE_KIB: u32 = 256 * 1024;

/// What a sequence counts against [`INTAKE_KIB`]: two windows, one statement, the answers.
pub(crate) const SEQUENCE_KIB: u32 = 40 * 1024;

/// Requests answered at a time. Reads wait for [`READS`]; this bounds those that wait.
pub(crate) const REQUESTS: usize = 1024;

/// Reads of the store at a time: disks answer some dozens of reads at once, cores fewer.
pub(crate) const READS: usize = 16;

/// Streams of the feed of recalls at a time: each reads one small record twice a second.
pub(crate) const FEEDS: usize = 64;

/// How long a read waits for its turn; a phone's user has gone after that.
pub(crate) const READ_TURN: Duration = Duration::from_secs(5);

/// How long a body of one statement may take to arrive: 4 MiB over a slow mobile network.
pub(crate) const BODY_TIME: Duration = Duration::from_secs(60);

/// How long a whole request may take.
pub(crate) const REQUEST_TIME: Duration = Duration::from_secs(90);

/// How long a whole sequence may take: 64 MiB at 1 Mbit/s.
pub(crate) const SEQUENCE_TIME: Duration = Duration::from_secs(600);

/// A request's head must arrive within this time, or the connection is closed.
pub(crate) const HEAD_TIME: Duration = Duration::from_secs(15);

/// Path and query: three times the longest identifier, percent-encoded, and room for parameters.
pub(crate) const TARGET_BYTES_MAX: usize = 16 * 1024;

/// Query parameters of one request: EPCIS defines some sixty.
pub(crate) const PARAMETERS_MAX: usize = 100;

/// Clients whose rate is remembered: 65,536 × some 60 bytes is 4 MiB.
pub(crate) const CLIENTS_MAX: usize = 65_536;

/// Codes of one check: the cases of a delivery. At a few milliseconds each the last is answered
/// within a second.
pub(crate) const CHECK_CODES_MAX: usize = 200;

/// A check's body: 200 codes of some 300 bytes.
pub(crate) const CHECK_BYTES_MAX: usize = 64 * 1024;

/// How long one check may read: codes that come after it are told to ask again. A delivery of
/// usual goods takes less than a second; two hundred chains at their limits would take minutes,
/// and keep others' reads waiting.
pub(crate) const CHECK_TIME: Duration = Duration::from_secs(5);
