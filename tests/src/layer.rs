//! The write layer: `layer.c`, compiled when first needed, and its settings for one process.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use tempfile::TempDir;

const SOURCE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src/layer.c");

/// What the layer does wrong on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Every sync says it is done, and is not.
    SyncOff,
    /// As `SyncOff`, for the database alone; the head file is synced.
    SyncOffInDatabase,
    /// The n-th sync of a file fails, counted from 1.
    FailedSync(u64),
    /// The disk takes this many bytes more.
    Space(u64),
}

/// The layer between one process and the directory it writes.
#[derive(Debug)]
pub struct Layer {
    dir: PathBuf,
    journal: PathBuf,
    fault: Fault,
}

impl Layer {
    /// A layer before `dir` that keeps its journal in `journal`, a file elsewhere.
    #[must_use]
    pub fn new(dir: &Path, journal: &Path, fault: Fault) -> Self {
        Self {
            dir: dir.to_owned(),
            journal: journal.to_owned(),
            fault,
        }
    }

    /// Puts the layer before a process that is about to start.
    ///
    /// # Panics
    /// If there is no C compiler, or it does not compile the layer.
    pub fn apply(&self, command: &mut Command) {
        let mut set = |name: &str, value: &OsStr| {
            command.env(name, value);
        };
        set("LD_PRELOAD", library().as_os_str());
        set("SUYUAN_LAYER_DIR", self.dir.as_os_str());
        set("SUYUAN_LAYER_JOURNAL", self.journal.as_os_str());
        match self.fault {
            Fault::None => {}
            Fault::SyncOff => set("SUYUAN_LAYER_SYNC", "off".as_ref()),
            Fault::SyncOffInDatabase => set("SUYUAN_LAYER_SYNC", "off-db".as_ref()),
            Fault::FailedSync(n) => set("SUYUAN_LAYER_FAIL_SYNC", n.to_string().as_ref()),
            Fault::Space(bytes) => set("SUYUAN_LAYER_SPACE", bytes.to_string().as_ref()),
        }
    }
}

/// The compiled layer; compiled once for each process of tests, in half a second.
fn library() -> &'static Path {
    static LIBRARY: OnceLock<(TempDir, PathBuf)> = OnceLock::new();
    let (_, path) = LIBRARY.get_or_init(|| {
        let dir = TempDir::new().expect("a place for temporary files");
        let path = dir.path().join("layer.so");
        let output = Command::new("cc")
            .args([
                "-shared", "-fPIC", "-O2", "-Wall", "-Wextra", "-Werror", "-o",
            ])
            .arg(&path)
            .args([SOURCE, "-ldl", "-pthread"])
            .output()
            .unwrap_or_else(|why| {
                panic!(
                    "the tests of power cuts need a C compiler named cc (apt install gcc): {why}"
                )
            });
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{SOURCE} does not compile: {said}");
        (dir, path)
    });
    path
}
