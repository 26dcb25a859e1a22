//! Small files that are read, replaced or removed whole, durably: a crash leaves the old one or the new.

use std::fs::{File, OpenOptions, remove_file, rename};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

/// Puts `bytes` in the place of `path`, with permission bits `mode`. When this returns `Ok`, power
/// may fail.
///
/// # Errors
/// The operating system's. Whether the old file or the new one is there is then unknown.
pub fn replace(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    let new = Path::new(&name);
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(mode)
        .open(new)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    rename(new, path)?;
    sync_name(path)
}

/// The first `limit` bytes of `path`; `None` where there is no such file.
///
/// # Errors
/// The operating system's.
pub fn read_bounded(path: &Path, limit: usize) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(limit).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Removes `path`, which may be gone already. When this returns `Ok`, power may fail.
///
/// # Errors
/// The operating system's.
pub fn remove(path: &Path) -> io::Result<()> {
    match remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        done => done?,
    }
    sync_name(path)
}

/// The name must survive a crash as well as the content.
fn sync_name(path: &Path) -> io::Result<()> {
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}
