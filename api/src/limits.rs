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

/// Bytes of single statements in memory over all requests, as they arrive; beyond that submissions
/// are told to wait.
pub(crate) const INTAKE_KIB: usize = 96 * 1024;

/// Sequences taken in at a time: two windows, one statement and the answers of each are 40 MiB.
pub(crate) const SEQUENCES: usize = 4;

/// Sequences of one address.
pub(crate) const SEQUENCES_EACH: usize = 2;

/// Requests answered at a time. Reads wait for [`READS`]; this bounds those that wait.
pub(crate) const REQUESTS: usize = 1024;

/// Requests of one address at a time: all streams of one HTTP/2 connection, and a sixteenth of
/// [`REQUESTS`].
pub(crate) const REQUESTS_EACH: usize = 64;

/// Connections at a time: with RocksDB's files below the 1,024 that a process may open where
/// nobody has raised that.
pub(crate) const CONNECTIONS: usize = 704;

/// Connections of one address, if it is no proxy on this machine.
pub(crate) const CONNECTIONS_EACH: usize = 128;

/// How long a connection may be without a byte either way: longer than a request may take.
pub(crate) const IDLE_TIME: Duration = Duration::from_secs(120);

/// How long an answer may take to arrive: 16 MiB at 1 Mbit/s.
pub(crate) const SEND_TIME: Duration = Duration::from_secs(150);

/// Answers up to this many bytes need no such clock: [`REQUESTS_EACH`] bounds them.
pub(crate) const ANSWER_SMALL_BYTES: u64 = 64 * 1024;

/// Bytes of an answer handed to its connection at once; a frame of HTTP/2.
pub(crate) const SEND_PIECE_BYTES: usize = 16 * 1024;

/// Reads of the store at a time: disks answer some dozens of reads at once, cores fewer.
pub(crate) const READS: usize = 16;

/// Reads of one address at a time; others of it wait their turn.
pub(crate) const READS_EACH: usize = 4;

/// Streams of the feed of one address.
pub(crate) const FEEDS_EACH: usize = 8;

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

/// How long that may take to arrive: a till does not wait longer for an answer.
pub(crate) const CHECK_BODY_TIME: Duration = Duration::from_secs(10);

/// How long one check may read: codes that come after it are told to ask again. A delivery of
/// usual goods takes less than a second; two hundred chains at their limits would take minutes,
/// and keep others' reads waiting.
pub(crate) const CHECK_TIME: Duration = Duration::from_secs(5);
