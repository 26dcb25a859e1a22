//! Copies of data directories, to be damaged or searched.

use std::fs;
use std::path::Path;

/// Copies `from` with everything below it to `to`, which must not exist yet.
///
/// # Panics
/// Where a file cannot be read or written.
pub fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir(to).expect("the copy's directory is new");
    for entry in fs::read_dir(from).expect("the original is a directory") {
        let entry = entry.expect("the original is readable");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).expect("a file is copied");
        }
    }
}
