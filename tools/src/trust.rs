//! The trust file on disk.

use crate::exit::Failure;
use ledger::trust::TrustFile;
use std::path::Path;

/// Reads a trust file.
///
/// # Errors
/// [`Failure`]: usage where there is none, malformed.
pub(crate) fn read(path: &Path) -> Result<TrustFile, Failure> {
    let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
    let malformed = |why: &dyn std::fmt::Display| {
        Failure::malformed(format!("{}: {why}", path.display()))
            .remedy("a trust file has one line `log VKEY` for each log")
    };
    let text = String::from_utf8(bytes).map_err(|error| malformed(&error))?;
    TrustFile::parse(&text).map_err(|error| malformed(&error))
}
