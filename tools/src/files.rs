//! Reading files that somebody else has written.

use crate::exit::Failure;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

/// Reads a file, but no more than `limit` bytes and one, which whoever parses it then refuses.
///
/// # Errors
/// [`Failure`].
pub(crate) fn read_bounded(path: &Path, limit: usize) -> Result<Vec<u8>, Failure> {
    let failed = |error| Failure::file(path, &error);
    let limit = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(limit).read_to_end(&mut bytes).map_err(failed)?;
    Ok(bytes)
}
