//! The key file: what opening it finds, what destroying leaves, and what a crash leaves behind.

use super::*;
use crate::key_file::KeyFile;
use ledger::personal::{Gone, Kept, KeyRef, PartKey};
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::FileExt as _;

fn key(slot: u64) -> (KeyRef, PartKey) {
    let name = Digest::of(&slot.to_be_bytes());
    let mut bytes = [0x6b; 32];
    bytes[..8].copy_from_slice(&slot.to_be_bytes());
    (KeyRef { slot, name }, PartKey::new(bytes))
}

/// A block with `count` keys after `taken` others.
fn with_keys(chain: &mut Chain, taken: u64, count: u64) -> WriteSet {
    let mut write = chain.block(1);
    write.part_keys = (taken..taken + count).map(key).collect();
    write
}

/// A closed ledger of five keys in two blocks.
fn five_keys() -> (TempDir, Chain) {
    let (dir, mut chain) = (TempDir::new().unwrap(), Chain::default());
    let store = create(dir.path());
    store.commit(with_keys(&mut chain, 0, 3)).unwrap();
    store.commit(with_keys(&mut chain, 3, 2)).unwrap();
    (dir, chain)
}

fn kept(view: &impl View, slot: u64) -> Result<[u8; 32], Gone> {
    match view.part_key(&key(slot).0).unwrap() {
        Kept::Here(key) => Ok(*key.as_bytes()),
        Kept::Gone(why) => Err(why),
    }
}

fn path(dir: &TempDir) -> PathBuf {
    KeyFile::path(dir.path())
}

#[test]
fn keys_are_read_back_after_reopening_by_their_own_name_only() {
    let (dir, mut chain) = five_keys();
    assert_eq!(
        fs::metadata(path(&dir)).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let store = open(dir.path()).unwrap();
    assert_eq!(store.view().key_slots(), Ok(5));
    for slot in 0..5 {
        assert_eq!(kept(&store.view(), slot), Ok(*key(slot).1.as_bytes()));
    }
    assert_eq!(kept(&store.view(), 5), Err(Gone::Lost));
    let other = KeyRef {
        name: Digest::of(b"another part"),
        ..key(2).0
    };
    let found = store.view().part_key(&other).unwrap();
    assert!(matches!(found, Kept::Gone(Gone::Lost)), "{found:?}");

    let gap = with_keys(&mut chain, 6, 1);
    let refused = store.commit(gap).unwrap_err().to_string();
    assert!(refused.contains("slots do not continue"), "{refused}");
}

#[test]
fn a_destroyed_key_is_in_no_byte_of_the_file_and_its_neighbours_are() {
    let (dir, mut chain) = five_keys();
    let store = open(dir.path()).unwrap();
    let before = store.view();
    let mut write = chain.block(1);
    write.destroyed = vec![key(1).0, key(3).0];
    store.commit(write).unwrap();
    let bytes = fs::read(path(&dir)).unwrap();
    let holds = |slot| {
        bytes
            .windows(32)
            .any(|window| window == key(slot).1.as_bytes())
    };
    assert_eq!([0, 1, 2, 3, 4].map(holds), [true, false, true, false, true]);
    // A view taken before is no exception.
    assert_eq!(kept(&before, 1), Err(Gone::Destroyed));
    assert_eq!(kept(&before, 2), Ok(*key(2).1.as_bytes()));
    drop(before);
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(kept(&store.view(), 3), Err(Gone::Destroyed));
    // Its slot is not taken again.
    store.commit(with_keys(&mut chain, 5, 1)).unwrap();
    assert_eq!(kept(&store.view(), 3), Err(Gone::Destroyed));
    assert_eq!(kept(&store.view(), 5), Ok(*key(5).1.as_bytes()));
}

#[test]
fn keys_of_a_block_that_never_came_are_overwritten_and_their_slots_taken_again() {
    let (dir, mut chain) = five_keys();
    let file = OpenOptions::new().write(true).open(path(&dir)).unwrap();
    let whole = fs::metadata(path(&dir)).unwrap().len();
    // Keys of a commit that ended before its batch, the last one torn.
    for torn in [0, 1, 127, 128, 200, 256] {
        let secret = [0x77; 256];
        file.write_all_at(&secret[..torn], whole).unwrap();
        drop(open(dir.path()).unwrap());
        assert_eq!(fs::metadata(path(&dir)).unwrap().len(), whole);
    }
    let store = open(dir.path()).unwrap();
    store.commit(with_keys(&mut chain, 5, 2)).unwrap();
    assert_eq!(kept(&store.view(), 6), Ok(*key(6).1.as_bytes()));
}

#[test]
fn a_key_file_that_cannot_be_right_is_refused_by_name() {
    let (dir, mut chain) = five_keys();
    let path = path(&dir);
    let good = fs::read(&path).unwrap();
    for mode in [0o640, 0o604] {
        fs::set_permissions(&path, Permissions::from_mode(mode)).unwrap();
        let path = path.clone();
        let exposed = OpenError::KeyFileExposed { path, mode };
        assert_eq!(open(dir.path()).unwrap_err(), exposed);
        assert_eq!(
            ReadOnlyStore::open(dir.path(), ORIGIN, SMALL).unwrap_err(),
            exposed
        );
    }
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    for at in [0, 9, 40, 127] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        fs::write(&path, bad).unwrap();
        let damaged = OpenError::KeyFileDamaged { path: path.clone() };
        assert_eq!(open(dir.path()).unwrap_err(), damaged);
    }
    let (other, _) = five_keys();
    fs::copy(KeyFile::path(other.path()), &path).unwrap();
    let detail = "the key file is another database's".to_owned();
    assert_eq!(
        open(dir.path()).unwrap_err(),
        OpenError::HeadMismatch { detail }
    );
    // An older copy, from before the newest part.
    fs::write(&path, &good).unwrap();
    open(dir.path())
        .unwrap()
        .commit(with_keys(&mut chain, 5, 1))
        .unwrap();
    fs::write(&path, &good).unwrap();
    let short = OpenError::KeyFileShort {
        path,
        found: 5,
        taken: 6,
    };
    assert_eq!(open(dir.path()).unwrap_err(), short);
}

#[test]
fn without_its_key_file_a_ledger_is_opened_on_demand_only_and_a_copy_is_read() {
    let (dir, mut chain) = five_keys();
    let path = path(&dir);
    let present = RocksStore::open_without_key_file(dir.path(), ORIGIN, SMALL).unwrap_err();
    assert_eq!(present, OpenError::KeyFilePresent { path: path.clone() });
    fs::remove_file(&path).unwrap();
    let missing = OpenError::KeyFileMissing { path };
    assert_eq!(open(dir.path()).unwrap_err(), missing);
    let copy = ReadOnlyStore::open(dir.path(), ORIGIN, SMALL).unwrap();
    assert_eq!(kept(&copy.view(), 0), Err(Gone::Elsewhere));
    drop(copy);
    let store = RocksStore::open_without_key_file(dir.path(), ORIGIN, SMALL).unwrap();
    assert_eq!(kept(&store.view(), 0), Err(Gone::Lost));
    store.commit(with_keys(&mut chain, 5, 1)).unwrap();
    drop(store);
    let store = open(dir.path()).unwrap();
    assert_eq!(kept(&store.view(), 5), Ok(*key(5).1.as_bytes()));
}

#[test]
fn one_flipped_bit_loses_one_key_and_no_other() {
    let (dir, _) = five_keys();
    let good = fs::read(path(&dir)).unwrap();
    for at in (128..good.len()).step_by(17) {
        let mut bad = good.clone();
        bad[at] ^= 0x20;
        fs::write(path(&dir), bad).unwrap();
        let store = open(dir.path()).unwrap();
        let hit = u64::try_from(at / 128 - 1).unwrap();
        for slot in 0..5 {
            let want = if slot == hit {
                Err(Gone::Lost)
            } else {
                Ok(*key(slot).1.as_bytes())
            };
            assert_eq!(kept(&store.view(), slot), want, "byte {at}");
        }
    }
}

#[test]
fn a_block_without_personal_parts_leaves_the_key_file_alone() {
    let (dir, mut chain) = five_keys();
    let store = open(dir.path()).unwrap();
    let written = || fs::metadata(path(&dir)).unwrap().modified().unwrap();
    let before = written();
    store.commit(chain.block(5)).unwrap();
    assert_eq!(written(), before);
    store.commit(with_keys(&mut chain, 5, 1)).unwrap();
    assert!(written() > before);
}
