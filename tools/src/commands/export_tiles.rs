//! `suyuan export-tiles`: the log as static files, to be served without a node.

use crate::client::ledger::{open_failure, with_source};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use clap::Args as ClapArgs;
use ledger::checkpoint::{Checkpoint, CheckpointError};
use ledger::hash::empty_root;
use ledger::ids::TreeSize;
use ledger::merkle::tile::{TileKind, TileName, TileNodes};
use ledger::merkle::{consistency_proof, verify_consistency};
use ledger::seal::ViewTiles;
use ledger::signature::{PublicKey, Signer as _};
use ledger::store::View;
use ledger::tiles::{grown, tile_bytes};
use ledger_rocks::{Options, ReadOnlyStore};
use node::durable::replace;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// Write the log's tree as the files of C2SP tlog-tiles.
///
/// Any web server or bucket can serve them; a node may be running meanwhile. Run it again to bring
/// the files up: what is there is kept, the checkpoint comes last, and so the directory is at every
/// moment a whole log, whenever it is cut off. Entries are left out unless asked for: they show who
/// makes how many statements when.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan export-tiles --dir data --out public/log
  suyuan export-tiles --dir data --out mirror/log --entries
  suyuan export-tiles --dir data --out public/log --checkpoint witnessed.txt")]
pub(crate) struct Args {
    /// The data directory.
    #[arg(long)]
    dir: PathBuf,
    /// The directory to write to.
    #[arg(long)]
    out: PathBuf,
    /// Write entry bundles too.
    #[arg(long)]
    entries: bool,
    /// A checkpoint of this log to export, such as a witnessed one; the newest without it.
    #[arg(long)]
    checkpoint: Option<PathBuf>,
}

/// What was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Exported {
    size: TreeSize,
    tiles: usize,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let settings = node::read_settings(&args.dir).map_err(|error| open_failure(&error))?;
    let key = node::keys::read(&node::config::key_path(&args.dir))
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let store = ReadOnlyStore::open(&args.dir, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let view = store.view();
    let log = Log {
        view: &view,
        origin: settings.origin(),
        key: key.public_key(),
    };
    let note = match &args.checkpoint {
        Some(path) => std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?,
        None => match view.head()? {
            Some(head) => head.checkpoint,
            None => return Err(Failure::usage("the log has no entry yet")),
        },
    };
    let exported = log.export(&note, &args.out, args.entries)?;
    if console.json {
        return console.value(&serde_json::json!({
            "treeSize": exported.size.0,
            "tilesWritten": exported.tiles,
            "out": args.out,
        }));
    }
    let row =
        |label, value: &str| console.line(format_args!("{}: {value}", console.lang.pick(label)));
    row(text::TREE_SIZE, &exported.size.to_string())?;
    row(text::TILES_WRITTEN, &exported.tiles.to_string())
}

/// The log that is exported.
struct Log<'a, V> {
    view: &'a V,
    origin: &'a str,
    key: &'a PublicKey,
}

impl<V: View> Log<'_, V> {
    /// Brings the files in `out` up to the checkpoint `note`.
    fn export(&self, note: &str, out: &Path, entries: bool) -> Result<Exported, Failure> {
        let wanted = self.own(note)?;
        let path = out.join("checkpoint");
        match std::fs::read_to_string(&path) {
            Ok(before) => {
                let before = self.own(&before).map_err(|failure| {
                    let what = format!("{}: {}", path.display(), failure.what);
                    Failure::new(failure.code, what)
                })?;
                if before.size > wanted.size {
                    let what = format!(
                        "{} is of {} leaves, more than {}",
                        path.display(),
                        before.size,
                        wanted.size
                    );
                    return Err(Failure::new(Code::Stale, what)
                        .remedy("export a newer checkpoint, or into another directory"));
                }
            }
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(Failure::file(&path, &error)),
        }
        let names = || {
            let chosen = |name: &TileName| entries || name.kind != TileKind::Entries;
            grown(TreeSize(0), wanted.size).filter(chosen)
        };
        let mut tiles = 0;
        for name in names() {
            let path = out.join(name.to_string());
            // It was put there whole, and a tile never changes.
            if path.exists() {
                continue;
            }
            let missing = || Failure::new(Code::Store, format!("{name} is missing"));
            let bytes = tile_bytes(self.view, name)?.ok_or_else(missing)?;
            write(&path, &bytes)?;
            tiles += 1;
        }
        write(&path, note.as_bytes())?;
        // Whoever holds an older checkpoint finds the full tile instead of its parts.
        for full in names().filter(|name| name.width == 256) {
            let parts = out.join(format!("{full}.p"));
            match std::fs::remove_dir_all(&parts) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(Failure::file(&parts, &error));
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(Exported {
            size: wanted.size,
            tiles,
        })
    }

    /// Reads a checkpoint and checks that it is one of this very tree.
    fn own(&self, note: &str) -> Result<Checkpoint, Failure> {
        let proof = |what: &dyn std::fmt::Display| Failure::new(Code::Proof, what);
        let checkpoint = Checkpoint::verify(note, self.origin, self.key)
            .map_err(|error: CheckpointError| proof(&format_args!("checkpoint: {error}")))?;
        let (size, root) = match self.view.head()? {
            Some(head) => (head.size(), head.block.root),
            None => (TreeSize(0), empty_root()),
        };
        if checkpoint.size > size {
            let what = format!("{} leaves, the log has {size}", checkpoint.size);
            return Err(Failure::new(Code::Stale, format!("checkpoint: {what}")));
        }
        if checkpoint.size == TreeSize(0) {
            return Ok(checkpoint);
        }
        let tiles = ViewTiles(self.view);
        let path = consistency_proof(&TileNodes::new(&tiles), checkpoint.size, size)
            .map_err(|error| Failure::new(Code::Store, format!("{error:?}")))?;
        verify_consistency(checkpoint.size, &checkpoint.root, size, &root, &path)
            .map_err(|error| proof(&format_args!("checkpoint: another tree: {error}")))?;
        Ok(checkpoint)
    }
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let failed = |error: std::io::Error| Failure::file(path, &error);
    if let Some(dir) = path.parent() {
        std::fs::create_dir_all(dir).map_err(failed)?;
    }
    replace(path, bytes, 0o644).map_err(failed)
}
