//! The store suite on disk, and every fault that a data directory can have.

use crate::layout::{FORMAT, Family, META_FORMAT};
use crate::{OpenError, Options, ReadOnlyStore, Recovery, RocksStore};
use ledger::hash::Digest;
use ledger::ids::LeafIndex;
use ledger::store::suite::{Chain, Harness};
use ledger::store::{Store as _, StoreError, View, WriteSet};
use rocksdb::DB;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

mod damage;
mod full_disk;
mod keys;

const ORIGIN: &str = "log.example/chengdu";

/// Buffers this small reach files within a test.
const SMALL: Options = Options {
    block_cache_bytes: 1 << 20,
    write_buffer_bytes: 4 << 20,
    background_jobs: 2,
    open_files_max: 64,
};

fn create(dir: &Path) -> RocksStore {
    RocksStore::create(dir, ORIGIN, SMALL).unwrap()
}

fn open(dir: &Path) -> Result<RocksStore, OpenError> {
    RocksStore::open(dir, ORIGIN, SMALL)
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for file in fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        let target = to.join(file.file_name());
        if file.file_type().unwrap().is_dir() {
            copy_dir(&file.path(), &target);
        } else {
            fs::copy(file.path(), target).unwrap();
        }
    }
}

/// A ledger of three blocks, closed, and what was written.
fn three_blocks() -> (TempDir, Chain, Vec<WriteSet>) {
    let (dir, mut chain) = (TempDir::new().unwrap(), Chain::default());
    let store = create(dir.path());
    let written: Vec<_> = [5, 300, 2].map(|statements| chain.block(statements)).into();
    for write in &written {
        store.commit(write.clone()).unwrap();
    }
    (dir, chain, written)
}

#[derive(Debug)]
struct OnDisk(TempDir);

impl Harness for OnDisk {
    type Store = RocksStore;

    fn create(&self) -> RocksStore {
        create(self.0.path())
    }

    fn reopen(&self, store: RocksStore) -> RocksStore {
        drop(store);
        open(self.0.path()).unwrap()
    }
}

ledger::store_suite!(OnDisk(TempDir::new().unwrap()));

#[test]
fn a_directory_is_its_owners_and_holds_one_ledger() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("new/ledger");
    drop(create(&path));
    let mode = |path: PathBuf| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(path.clone()), 0o700);
    assert_eq!(mode(path.join("db")), 0o700);
    assert_eq!(mode(path.join("head")), 0o600);
    let again = RocksStore::create(&path, ORIGIN, SMALL).unwrap_err();
    assert_eq!(again, OpenError::AlreadyExists { path });
    let none = dir.path().join("none");
    assert_eq!(open(&none).unwrap_err(), OpenError::NotFound { path: none });
    let long = RocksStore::create(&dir.path().join("long"), &"x".repeat(256), SMALL).unwrap_err();
    assert_eq!(long, OpenError::OriginLength { bytes: 256 });
}

#[test]
fn an_interrupted_creation_may_be_repeated() {
    let dir = TempDir::new().unwrap();
    drop(create(dir.path()));
    fs::rename(dir.path().join("db"), dir.path().join("db.new")).unwrap();
    assert_eq!(create(dir.path()).recovery(), Recovery::Clean);
}

#[test]
fn a_signed_head_without_its_database_is_not_created_over() {
    let (dir, _, _) = three_blocks();
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    let refused = RocksStore::create(dir.path(), ORIGIN, SMALL).unwrap_err();
    let detail = "310 leaves were signed here, and the database is gone".to_owned();
    assert_eq!(refused, OpenError::HeadMismatch { detail });
}

#[test]
fn two_processes_do_not_share_a_ledger() {
    let dir = TempDir::new().unwrap();
    let _store = create(dir.path());
    let refused = open(dir.path()).unwrap_err();
    assert_eq!(
        refused,
        OpenError::Locked {
            path: dir.path().to_owned()
        }
    );
    assert!(refused.to_string().contains("suyuan serve"));
}

#[test]
fn another_logs_ledger_is_refused_by_name() {
    let (dir, _, _) = three_blocks();
    let refused = RocksStore::open(dir.path(), "log.example/chongqing", SMALL).unwrap_err();
    let other = OpenError::OtherOrigin {
        found: ORIGIN.to_owned(),
        expected: "log.example/chongqing".to_owned(),
    };
    assert_eq!(refused, other);
    // And without the head file, by the database's own word.
    fs::remove_file(dir.path().join("head")).unwrap();
    let refused =
        RocksStore::open_without_head_file(dir.path(), "log.example/chongqing", SMALL).unwrap_err();
    assert_eq!(refused, other);
}

#[test]
fn older_and_newer_formats_are_refused() {
    for found in [FORMAT - 1, FORMAT + 1] {
        let (dir, _, _) = three_blocks();
        {
            let options = SMALL;
            let db_dir = dir.path().join("db");
            let db =
                DB::open_cf_descriptors(&options.database(), db_dir, options.families()).unwrap();
            let meta = db.cf_handle(Family::Meta.name()).unwrap();
            db.put_cf(meta, META_FORMAT, found.to_be_bytes()).unwrap();
        }
        let refused = open(dir.path()).unwrap_err();
        assert_eq!(
            refused,
            OpenError::Format {
                found,
                supported: FORMAT
            }
        );

        // The head file says so before the database is touched.
        let (dir, _, _) = three_blocks();
        let path = dir.path().join("head");
        let mut bytes = fs::read(&path).unwrap();
        for slot in bytes.chunks_mut(4096) {
            slot[8..10].copy_from_slice(&found.to_be_bytes());
            let seal = Digest::of(&slot[..4064]);
            slot[4064..].copy_from_slice(&seal.0);
        }
        fs::write(&path, bytes).unwrap();
        let refused = open(dir.path()).unwrap_err();
        assert_eq!(
            refused,
            OpenError::Format {
                found,
                supported: FORMAT
            }
        );
    }
}

#[test]
fn an_older_copy_of_the_database_is_refused() {
    let (dir, mut chain, _) = three_blocks();
    let copy = TempDir::new().unwrap();
    copy_dir(&dir.path().join("db"), &copy.path().join("db"));
    open(dir.path()).unwrap().commit(chain.block(4)).unwrap();
    fs::remove_dir_all(dir.path().join("db")).unwrap();
    copy_dir(&copy.path().join("db"), &dir.path().join("db"));
    let behind = OpenError::BehindHead {
        file_size: 315,
        db_size: 310,
    };
    assert_eq!(open(dir.path()).unwrap_err(), behind);
    assert_eq!(
        ReadOnlyStore::open(dir.path(), ORIGIN, SMALL).unwrap_err(),
        behind
    );
}

#[test]
fn one_block_ahead_of_the_head_file_is_brought_up_and_two_are_refused() {
    let (dir, mut chain, _) = three_blocks();
    let (head, older) = (dir.path().join("head"), dir.path().join("older"));
    fs::copy(&head, &older).unwrap();
    open(dir.path()).unwrap().commit(chain.block(4)).unwrap();
    fs::copy(&older, &head).unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.recovery(), Recovery::HeadFileBroughtUp);
    assert_eq!(store.view().head().unwrap().as_ref(), chain.head());
    drop(store);
    assert_eq!(open(dir.path()).unwrap().recovery(), Recovery::Clean);

    open(dir.path()).unwrap().commit(chain.block(4)).unwrap();
    fs::copy(&older, &head).unwrap();
    let detail = "the database is 2 blocks ahead, a crash leaves one".to_owned();
    assert_eq!(
        open(dir.path()).unwrap_err(),
        OpenError::HeadMismatch { detail }
    );
}

#[test]
fn the_first_block_may_be_ahead_of_the_head_file_too() {
    let dir = TempDir::new().unwrap();
    let (store, mut chain) = (create(dir.path()), Chain::default());
    let empty = fs::read(dir.path().join("head")).unwrap();
    store.commit(chain.block(1)).unwrap();
    drop(store);
    fs::write(dir.path().join("head"), empty).unwrap();
    assert_eq!(
        open(dir.path()).unwrap().recovery(),
        Recovery::HeadFileBroughtUp
    );
}

#[test]
fn a_head_file_of_another_history_is_refused() {
    let (dir, _, _) = three_blocks();
    let (other, _, _) = three_blocks();
    fs::copy(other.path().join("head"), dir.path().join("head")).unwrap();
    let detail = "they were created apart".to_owned();
    assert_eq!(
        open(dir.path()).unwrap_err(),
        OpenError::HeadMismatch { detail }
    );

    // Two copies of one database that went different ways.
    let (dir, mut chain, _) = three_blocks();
    let fork = TempDir::new().unwrap();
    copy_dir(dir.path(), fork.path());
    let mut other = chain.clone();
    open(dir.path()).unwrap().commit(chain.block(1)).unwrap();
    let mut write = other.block(1);
    write.head.checkpoint.push('!');
    open(fork.path()).unwrap().commit(write).unwrap();
    fs::copy(fork.path().join("head"), dir.path().join("head")).unwrap();
    let detail = "two heads of 312 and 312 leaves".to_owned();
    assert_eq!(
        open(dir.path()).unwrap_err(),
        OpenError::HeadMismatch { detail }
    );
}

#[test]
fn a_torn_slot_leaves_the_other_and_two_are_refused() {
    let (dir, chain, written) = three_blocks();
    let path = dir.path().join("head");
    let whole = fs::read(&path).unwrap();
    // Three blocks: the newest counter is 3, in the second slot.
    let mut torn = whole.clone();
    torn[4096 + 100..].fill(0);
    fs::write(&path, torn).unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.recovery(), Recovery::HeadFileBroughtUp);
    assert_eq!(store.view().head().unwrap().as_ref(), chain.head());
    drop(store);

    let mut older_slot = whole;
    older_slot[100] ^= 1;
    fs::write(&path, &older_slot).unwrap();
    let store = open(dir.path()).unwrap();
    assert_eq!(store.view().head().unwrap(), Some(written[2].head.clone()));
    assert_eq!(store.recovery(), Recovery::Clean);
    drop(store);

    for at in [4096, 4096 + 9, 4096 + 200, 4096 + 4000, 8191] {
        let mut both = older_slot.clone();
        both[at] ^= 0x10;
        fs::write(&path, both).unwrap();
        let damaged = OpenError::HeadFileDamaged { path: path.clone() };
        assert_eq!(open(dir.path()).unwrap_err(), damaged);
    }
    fs::write(&path, []).unwrap();
    assert_eq!(
        open(dir.path()).unwrap_err(),
        OpenError::HeadFileDamaged { path }
    );
}

#[test]
fn a_missing_head_file_is_replaced_on_demand_only() {
    let (dir, chain, _) = three_blocks();
    let path = dir.path().join("head");
    let present = RocksStore::open_without_head_file(dir.path(), ORIGIN, SMALL).unwrap_err();
    assert_eq!(present, OpenError::HeadFilePresent { path: path.clone() });
    fs::remove_file(&path).unwrap();
    assert_eq!(
        open(dir.path()).unwrap_err(),
        OpenError::HeadFileMissing { path }
    );
    drop(RocksStore::open_without_head_file(dir.path(), ORIGIN, SMALL).unwrap());
    let store = open(dir.path()).unwrap();
    assert_eq!(store.view().head().unwrap().as_ref(), chain.head());
}

#[test]
fn a_reader_sees_the_ledger_and_writes_nothing() {
    let (dir, chain, written) = three_blocks();
    let listing = || {
        let mut files: Vec<_> = fs::read_dir(dir.path().join("db"))
            .unwrap()
            .map(|file| file.unwrap().path())
            .map(|path| (fs::read(&path).unwrap(), path))
            .collect();
        files.sort();
        files
    };
    let before = listing();
    let reader = ReadOnlyStore::open(dir.path(), ORIGIN, SMALL).unwrap();
    assert_eq!(reader.view().head().unwrap().as_ref(), chain.head());
    let entry = &written[1].entries[200];
    assert_eq!(
        reader.view().entry(entry.leaf).unwrap().as_ref(),
        Some(&entry.entry)
    );
    drop(reader);
    assert_eq!(listing(), before);
}

#[test]
fn a_reader_keeps_its_moment_while_the_writer_flushes_and_compacts() {
    let (dir, mut chain, mut written) = three_blocks();
    let store = open(dir.path()).unwrap();
    for _ in 0..10 {
        let reader = ReadOnlyStore::open(dir.path(), ORIGIN, SMALL).unwrap();
        let seen: Vec<_> = written
            .iter()
            .flat_map(|write| write.entries.clone())
            .collect();
        let head = chain.head().cloned();
        let write = chain.block(50);
        store.commit(write.clone()).unwrap();
        written.push(write);
        for family in Family::ALL {
            let family = store.database.family(family);
            store.database.db.flush_cf(family).unwrap();
            store
                .database
                .db
                .compact_range_cf(family, None::<&[u8]>, None::<&[u8]>);
        }
        assert_eq!(reader.view().head().unwrap(), head);
        assert_eq!(reader.view().leaves(LeafIndex(0), 1000).unwrap(), seen);
    }
}

#[test]
fn a_failed_head_file_ends_the_store_and_reopening_has_the_block() {
    let (dir, mut chain) = (TempDir::new().unwrap(), Chain::default());
    let store = create(dir.path());
    store.commit(chain.block(3)).unwrap();
    let before = store.view();
    store.committer.lock().unwrap().head_file.break_disk();
    let error = store.commit(chain.block(3)).unwrap_err();
    assert!(
        matches!(&error, StoreError::Unknown(why) if why.contains("head file")),
        "{error}"
    );
    // The same reason for ever after, whatever is asked of whom.
    assert_eq!(store.commit(chain.block(3)).unwrap_err(), error);
    assert_eq!(before.entry(LeafIndex(0)).unwrap_err(), error);
    assert_eq!(store.view().leaves(LeafIndex(0), 1).unwrap_err(), error);
    assert_eq!(store.view().records(&[]).unwrap_err(), error);
    drop(before);
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(store.recovery(), Recovery::HeadFileBroughtUp);
    assert_eq!(
        store.view().head().unwrap().map(|head| head.size().0),
        Some(8)
    );
}
