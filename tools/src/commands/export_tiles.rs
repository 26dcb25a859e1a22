//! `suyuan export-tiles`: the log as static files, to be served without a node.

mod place;

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
use place::{AT_ONCE, Bucket, Place};
use std::path::PathBuf;

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
  suyuan export-tiles --dir data --out public/log --checkpoint witnessed.txt
  AWS_ENDPOINT_URL=https://s3.example suyuan export-tiles --dir data --to s3://tiles/chengdu")]
pub(crate) struct Args {
    /// The data directory.
    #[arg(long)]
    dir: PathBuf,
    /// The directory to write to.
    #[arg(long, required_unless_present = "to")]
    out: Option<PathBuf>,
    /// The S3-compatible bucket to write to. Endpoint, region and credentials come from the
    /// variables of every S3 tool: AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID,
    /// AWS_SECRET_ACCESS_KEY.
    #[arg(long, value_name = "s3://BUCKET/PREFIX", conflicts_with = "out")]
    to: Option<String>,
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
    let place = match (&args.out, &args.to) {
        (Some(dir), _) => Place::Directory(dir.clone()),
        (None, Some(url)) => Place::Bucket(Bucket::open(url)?),
        (None, None) => return Err(Failure::usage("name where to, with --out or --to")),
    };
    let exported = log.export(&note, &place, args.entries)?;
    if console.json {
        return console.value(&serde_json::json!({
            "treeSize": exported.size.0,
            "tilesWritten": exported.tiles,
            "out": place.name(),
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
    /// Brings the files in `place` up to the checkpoint `note`.
    fn export(&self, note: &str, place: &Place, entries: bool) -> Result<Exported, Failure> {
        let wanted = self.own(note)?;
        let mut from = TreeSize(0);
        if let Some(before) = place.checkpoint()? {
            let before = self.own(&before).map_err(|failure| {
                let what = format!("{}: {}", place.name(), failure.what);
                Failure::new(failure.code, what)
            })?;
            if before.size > wanted.size {
                let what = format!(
                    "{} is of {} leaves, more than {}",
                    place.name(),
                    before.size,
                    wanted.size
                );
                return Err(Failure::new(Code::Stale, what)
                    .remedy("export a newer checkpoint, or into another place"));
            }
            from = before.size;
        }
        let chosen = |name: &TileName| entries || name.kind != TileKind::Entries;
        // The checkpoint that is there promises what it is over, except entries, which an earlier
        // run may have left out.
        let first = TileName::at_size(TileKind::Entries, 0, from);
        let whole = match first.filter(|_| entries) {
            Some(name) => {
                place.has(&[TileName {
                    width: name.width,
                    ..name
                }])? == [true]
            }
            None => true,
        };
        let from_of = |name: &TileName| {
            if whole || name.kind != TileKind::Entries {
                from
            } else {
                TreeSize(0)
            }
        };
        let names: Vec<TileName> = grown(TreeSize(0), wanted.size)
            .filter(chosen)
            .filter(|name| TileName::at_size(name.kind, name.index, from_of(name)) != Some(*name))
            .collect();
        let mut tiles = 0;
        for some in names.chunks(AT_ONCE) {
            let mut missing = Vec::new();
            for (name, has) in some.iter().zip(place.has(some)?) {
                if !has {
                    let absent = || Failure::new(Code::Store, format!("{name} is missing"));
                    let bytes = tile_bytes(self.view, *name)?.ok_or_else(absent)?;
                    missing.push((*name, bytes));
                }
            }
            tiles += missing.len();
            place.put(missing)?;
        }
        place.put_checkpoint(note)?;
        // Whoever holds an older checkpoint finds the full tile instead of its parts.
        for full in names.iter().filter(|name| name.width == 256) {
            if TileName::at_size(full.kind, full.index, from).is_some() {
                place.drop_parts(*full)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::hash::Digest;
    use ledger::state::Role;
    use ledger::store::Store as _;
    use ledger::testing::{Member, ORIGIN, World, object_event};
    use object_store::memory::InMemory;
    use object_store::{Attribute, ObjectStoreExt as _};
    use std::path::Path;

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
        log.export(note, &Place::Directory(out.to_owned()), true)
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

    /// A bucket in memory, and a look into it.
    fn bucket() -> (Place, std::sync::Arc<InMemory>) {
        let store = std::sync::Arc::new(InMemory::new());
        let same = std::sync::Arc::clone(&store);
        let bucket = Bucket::of(same, "log/chengdu/", "s3://test/log/chengdu").unwrap();
        (Place::Bucket(bucket), store)
    }

    /// What is under a name, with its media type and how long it may be cached.
    fn object(store: &InMemory, name: &str) -> Option<(Vec<u8>, String, String)> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap();
        runtime.block_on(async {
            let got = store
                .get(&format!("log/chengdu/{name}").into())
                .await
                .ok()?;
            let attribute = |name| got.attributes.get(&name).unwrap().to_string();
            let media_type = attribute(Attribute::ContentType);
            let caching = attribute(Attribute::CacheControl);
            Some((got.bytes().await.unwrap().to_vec(), media_type, caching))
        })
    }

    #[test]
    fn a_bucket_gets_what_a_directory_gets_and_nothing_twice() {
        let mut world = World::new();
        let (place, store) = bucket();
        let farm = world.admit(&[Role::Producer], "510117", &serde_json::json!({}));
        let export = |world: &World, note: &str, entries| {
            let log = Log {
                view: &world.store.view(),
                origin: ORIGIN,
                key: world.log_key.public_key(),
            };
            log.export(note, &place, entries)
        };
        record(&mut world, &farm, 0, 100);
        let early = newest(&world);
        let first = export(&world, &early, true).unwrap();
        assert_eq!(first.tiles, 2);
        let part = format!("tile/0/000.p/{}", first.size);
        assert!(object(&store, &part).is_some());
        record(&mut world, &farm, 100, 200);
        let second = export(&world, &newest(&world), true).unwrap();
        assert_eq!(second.tiles, 5);
        for name in grown(TreeSize(0), second.size) {
            let (bytes, media_type, caching) = object(&store, &name.to_string()).unwrap();
            assert_eq!(Some(bytes), tile_bytes(&world.store.view(), name).unwrap());
            assert_eq!(media_type, "application/octet-stream");
            assert_eq!(caching, "public, max-age=604800, immutable");
        }
        assert_eq!(object(&store, &part), None);
        let (note, media_type, _) = object(&store, "checkpoint").unwrap();
        assert_eq!(note, newest(&world).into_bytes());
        assert_eq!(media_type, "text/plain; charset=utf-8");
        assert_eq!(export(&world, &newest(&world), true).unwrap().tiles, 0);
        assert_eq!(export(&world, &early, true).unwrap_err().code, Code::Stale);
    }

    #[test]
    fn entries_that_were_left_out_are_sent_when_they_are_asked_for() {
        let mut world = World::new();
        let (place, store) = bucket();
        let farm = world.admit(&[Role::Producer], "510117", &serde_json::json!({}));
        record(&mut world, &farm, 0, 300);
        let view = world.store.view();
        let log = Log {
            view: &view,
            origin: ORIGIN,
            key: world.log_key.public_key(),
        };
        log.export(&newest(&world), &place, false).unwrap();
        assert_eq!(object(&store, "tile/entries/000"), None);
        let with = log.export(&newest(&world), &place, true).unwrap();
        assert_eq!(with.tiles, 2);
        assert!(object(&store, "tile/entries/000").is_some());
    }
}
