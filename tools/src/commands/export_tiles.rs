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

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::hash::Digest;
    use ledger::state::Role;
    use ledger::store::Store as _;
    use ledger::testing::{Member, ORIGIN, World, object_event};

    /// Records so many statements of one event, in one block.
    fn record(world: &mut World, farm: &Member, first: u64, count: u64) {
        let statements = (first..first + count).map(|number| {
            let id = format!("urn:uuid:{number}");
            let lot = format!("https://id.gs1.org/01/06901234567892/10/{number}");
            let time = "2026-11-20T08:00:00+08:00";
            let event = object_event(&id, "OBSERVE", "inspecting", time, &lot);
            world.events(farm, &[event])
        });
        let statements = statements.collect();
        world.admitted(statements);
    }

    fn newest(world: &World) -> String {
        world.store.view().head().unwrap().unwrap().checkpoint
    }

    fn export(world: &World, out: &Path, note: &str) -> Result<Exported, Failure> {
        let log = Log {
            view: &world.store.view(),
            origin: ORIGIN,
            key: world.log_key.public_key(),
        };
        log.export(note, out, true)
    }

    /// All that a verifier of the checkpoint in `out` asks for is there.
    fn is_whole(world: &World, out: &Path) -> TreeSize {
        let note = std::fs::read_to_string(out.join("checkpoint")).unwrap();
        let checkpoint = Checkpoint::verify(&note, ORIGIN, world.log_key.public_key()).unwrap();
        for name in grown(TreeSize(0), checkpoint.size) {
            let want = tile_bytes(&world.store.view(), name).unwrap();
            assert_eq!(
                std::fs::read(out.join(name.to_string())).ok(),
                want,
                "{name}"
            );
        }
        checkpoint.size
    }

    #[test]
    fn a_directory_is_brought_up_and_full_tiles_replace_their_parts() {
        let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
        let out = dir.path().join("log");
        let farm = world.admit(&[Role::Producer], "510117", &serde_json::json!({}));
        record(&mut world, &farm, 0, 100);
        let early = newest(&world);
        let first = export(&world, &out, &early).unwrap();
        assert_eq!(is_whole(&world, &out), first.size);
        assert_eq!(first.tiles, 2);
        let parts = out.join("tile/0/000.p");
        assert!(parts.exists());

        record(&mut world, &farm, 100, 200);
        let second = export(&world, &out, &newest(&world)).unwrap();
        assert_eq!(is_whole(&world, &out), second.size);
        // Of entries and of hashes one full and one partial tile, and one above them.
        assert_eq!(second.tiles, 5);
        assert!(!parts.exists() && !out.join("tile/entries/000.p").exists());
        assert_eq!(export(&world, &out, &newest(&world)).unwrap().tiles, 0);

        // A smaller tree never takes the place of a larger one.
        let stale = export(&world, &out, &early).unwrap_err();
        assert_eq!(stale.code, Code::Stale);
        assert_eq!(is_whole(&world, &out), second.size);
    }

    #[test]
    fn a_run_that_was_cut_off_leaves_the_log_that_was_there_and_the_next_completes_it() {
        let (dir, mut world) = (tempfile::tempdir().unwrap(), World::new());
        let out = dir.path().join("log");
        let farm = world.admit(&[Role::Producer], "510117", &serde_json::json!({}));
        record(&mut world, &farm, 0, 100);
        let first = export(&world, &out, &newest(&world)).unwrap();
        record(&mut world, &farm, 100, 200);
        // Cut off in the middle: a directory stands where a tile of the new tree is written.
        let blocked = out.join("tile/0/000.new");
        std::fs::create_dir(&blocked).unwrap();
        let cut_off = export(&world, &out, &newest(&world)).unwrap_err();
        assert_eq!(cut_off.code, Code::Store);
        assert_eq!(is_whole(&world, &out), first.size);
        std::fs::remove_dir(&blocked).unwrap();
        let second = export(&world, &out, &newest(&world)).unwrap();
        assert_eq!(is_whole(&world, &out), second.size);
    }

    #[test]
    fn another_tree_is_neither_exported_nor_overwritten() {
        let (dir, world) = (tempfile::tempdir().unwrap(), World::new());
        let out = dir.path().join("log");
        let forked = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: TreeSize(1),
            root: Digest([1; 32]),
        };
        let forked = forked.sign(&world.log_key);
        let refused = export(&world, &out, &forked).unwrap_err();
        assert_eq!(refused.code, Code::Proof);
        assert!(!out.exists());
        std::fs::create_dir(&out).unwrap();
        std::fs::write(out.join("checkpoint"), &forked).unwrap();
        let refused = export(&world, &out, &newest(&world)).unwrap_err();
        assert_eq!(refused.code, Code::Proof);
        let kept = std::fs::read_to_string(out.join("checkpoint")).unwrap();
        assert_eq!(kept, forked);
    }
}
