//! The trust file: whose word a verifier takes before it starts.
//!
//! It is a trust policy (C2SP tlog-policy): `log VKEY [URL]` for each log, `witness NAME VKEY
//! [URL]` and `group` lines for witnesses, and one `quorum` line, `quorum none` where no witness is
//! asked for. A log's origin is the name in its verifier key (C2SP signed-note). Get the file from
//! the log's operator by another way than the proofs, and compare the keys by telephone.

use crate::exit::Failure;
use crate::files::read_bounded;
use ledger::tlog_policy::{POLICY_BYTES_MAX, TlogPolicy};
use std::path::Path;

/// Reads a trust file.
///
/// # Errors
/// [`Failure`]: usage where there is none, malformed.
pub(crate) fn read(path: &Path) -> Result<TlogPolicy, Failure> {
    let malformed = |why: &dyn std::fmt::Display| {
        Failure::malformed(format!("{}: {why}", path.display())).remedy(
            "a trust file has a line `log VKEY` for each log, and ends in `quorum none` or names \
             its witnesses (C2SP tlog-policy)",
        )
    };
    let bytes = read_bounded(path, POLICY_BYTES_MAX)?;
    let text = String::from_utf8(bytes).map_err(|error| malformed(&error))?;
    TlogPolicy::parse(&text).map_err(|error| malformed(&error))
}
