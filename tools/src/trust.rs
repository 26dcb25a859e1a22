//! The trust file: whose word a verifier takes before it starts.
//!
//! It is a trust policy (C2SP tlog-policy): `log VKEY [URL]` for each log, `witness NAME VKEY
//! [URL]` and `group` lines for witnesses, and one `quorum` line, `quorum none` where no witness is
//! asked for. A log's origin is the name in its verifier key (C2SP signed-note). Get the file from
//! the log's operator by another way than the proofs, and compare the keys by telephone.

use crate::exit::Failure;
use ledger::tlog_policy::{POLICY_BYTES_MAX, TlogPolicy};
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Reads a trust file.
///
/// # Errors
/// [`Failure`]: usage where there is none, malformed.
pub(crate) fn read(path: &Path) -> Result<TlogPolicy, Failure> {
    let failed = |error| Failure::file(path, &error);
    let malformed = |why: &dyn std::fmt::Display| {
        Failure::malformed(format!("{}: {why}", path.display())).remedy(
            "a trust file has a line `log VKEY` for each log, and ends in `quorum none` or names \
             its witnesses (C2SP tlog-policy)",
        )
    };
    // One byte more than may be, which parsing then refuses.
    let limit = u64::try_from(POLICY_BYTES_MAX + 1).unwrap_or(u64::MAX);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    let text = String::from_utf8(bytes).map_err(|error| malformed(&error))?;
    TlogPolicy::parse(&text).map_err(|error| malformed(&error))
}
