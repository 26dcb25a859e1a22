//! One changed byte, or one cut, in each kind of file: named, or harmless, never a wrong value.

use super::*;

/// What reading the whole ledger gave.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    /// Opening or reading was refused.
    Named(String),
    /// Everything read as it was written.
    Whole,
}

/// Opens `dir` and compares all that can be read with what was written.
fn read_all(dir: &Path, written: &[WriteSet]) -> Outcome {
    let store = match open(dir) {
        Ok(store) => store,
        Err(refused) => return Outcome::Named(refused.to_string()),
    };
    match compare(&store.view(), written) {
        Ok(()) => Outcome::Whole,
        Err(error @ (StoreError::Corrupt { .. } | StoreError::Io(_))) => {
            Outcome::Named(error.to_string())
        }
        Err(error @ StoreError::Unknown(_)) => panic!("nothing was written: {error}"),
    }
}

/// Panics at the first wrong value.
fn compare(view: &impl View, written: &[WriteSet]) -> Result<(), StoreError> {
    let last = written.last().unwrap();
    assert_eq!(view.head()?, Some(last.head.clone()));
    let entries: Vec<_> = written
        .iter()
        .flat_map(|write| write.entries.clone())
        .collect();
    assert_eq!(view.leaves(LeafIndex(0), entries.len())?, entries);
    for write in written {
        for entry in &write.entries {
            assert_eq!(view.block_of(entry.leaf)?, Some(write.block));
        }
        for (item, at) in &write.postings {
            assert!(view.postings(item, 9)?.contains(at));
        }
    }
    // Tiles, records and pages are written over; the newest value counts.
    let tiles: std::collections::BTreeMap<_, _> = written
        .iter()
        .flat_map(|write| write.tiles.clone())
        .map(|(level, index, hashes)| ((level, index), hashes))
        .collect();
    for ((level, index), hashes) in tiles {
        assert_eq!(view.tile(level, index)?, Some(hashes));
    }
    let records: std::collections::BTreeMap<_, _> = written
        .iter()
        .flat_map(|write| write.records.clone())
        .collect();
    let keys: Vec<_> = records.keys().copied().collect();
    assert_eq!(
        view.records(&keys)?,
        records.into_values().map(Some).collect::<Vec<_>>()
    );
    let pages: std::collections::BTreeMap<_, _> = written
        .iter()
        .flat_map(|write| write.pages.clone())
        .collect();
    let paths: Vec<_> = pages.keys().copied().collect();
    assert_eq!(
        view.pages(&paths)?,
        pages.into_values().map(Some).collect::<Vec<_>>()
    );
    Ok(())
}

fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(dir.join("db"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().ends_with(ending))
        .filter(|path| fs::metadata(path).unwrap().len() > 0)
        .collect();
    files.sort();
    files
}

/// Applies `harm` to a copy of `dir` and reads all of it.
fn after(dir: &Path, file: &Path, harm: impl FnOnce(&mut Vec<u8>), all: &[WriteSet]) -> Outcome {
    let copy = TempDir::new().unwrap();
    copy_dir(dir, copy.path());
    let victim = copy.path().join("db").join(file.file_name().unwrap());
    let mut bytes = fs::read(&victim).unwrap();
    harm(&mut bytes);
    fs::write(&victim, bytes).unwrap();
    read_all(copy.path(), all)
}

/// A few places spread over a file of `length` bytes, its ends included.
fn places(length: usize) -> impl Iterator<Item = usize> {
    (0..12).map(move |step| step * (length - 1) / 11)
}

#[test]
fn a_flipped_bit_or_a_cut_in_the_write_ahead_log_is_named() {
    let (dir, _, written) = three_blocks();
    let logs = files(dir.path(), ".log");
    assert!(!logs.is_empty());
    for log in logs {
        let length = fs::read(&log).unwrap().len();
        for place in places(length) {
            let flipped = after(dir.path(), &log, |bytes| bytes[place] ^= 0x04, &written);
            assert!(
                matches!(flipped, Outcome::Named(_)),
                "flip at {place} of {length}"
            );
            let cut = after(dir.path(), &log, |bytes| bytes.truncate(place), &written);
            assert!(
                matches!(cut, Outcome::Named(_)),
                "cut at {place} of {length}: {cut:?}"
            );
        }
    }
}

#[test]
fn a_torn_tail_that_was_never_acknowledged_is_dropped() {
    let (dir, mut chain, written) = three_blocks();
    // The crash came while the fourth block was written: the head file has three.
    let head = fs::read(dir.path().join("head")).unwrap();
    let store = open(dir.path()).unwrap();
    store.commit(chain.block(6)).unwrap();
    drop(store);
    fs::write(dir.path().join("head"), head).unwrap();
    let logs = files(dir.path(), ".log");
    let log = logs.last().unwrap();
    let length = fs::read(log).unwrap().len();
    let outcome = after(
        dir.path(),
        log,
        |bytes| bytes.truncate(length - 7),
        &written,
    );
    assert_eq!(outcome, Outcome::Whole);
}

#[test]
fn a_flipped_bit_or_a_cut_in_a_table_is_named_or_harmless() {
    let (dir, mut chain, mut written) = three_blocks();
    let store = open(dir.path()).unwrap();
    for _ in 0..4 {
        let write = chain.block(200);
        written.push(write.clone());
        store.commit(write).unwrap();
    }
    for family in Family::ALL {
        store
            .database
            .db
            .flush_cf(store.database.family(family))
            .unwrap();
    }
    drop(store);
    assert_eq!(read_all(dir.path(), &written), Outcome::Whole);
    let mut named = 0;
    for table in files(dir.path(), ".sst") {
        let length = fs::read(&table).unwrap().len();
        for place in places(length) {
            let flipped = after(dir.path(), &table, |bytes| bytes[place] ^= 0x04, &written);
            named += usize::from(flipped != Outcome::Whole);
        }
        let cut = after(
            dir.path(),
            &table,
            |bytes| bytes.truncate(length / 2),
            &written,
        );
        assert!(matches!(cut, Outcome::Named(_)), "cut of {table:?}");
    }
    // The rest hit filters, properties and padding, which no value is read from.
    assert!(named >= 40, "{named}");
}

#[test]
fn damage_to_the_manifest_or_the_end_of_the_log_is_named() {
    let (dir, _, written) = three_blocks();
    let manifests: Vec<_> = fs::read_dir(dir.path().join("db"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("MANIFEST-"))
        .collect();
    for manifest in manifests {
        let length = fs::read(&manifest).unwrap().len();
        for place in places(length) {
            let flipped = after(
                dir.path(),
                &manifest,
                |bytes| bytes[place] ^= 0x04,
                &written,
            );
            assert!(
                matches!(flipped, Outcome::Named(_)),
                "flip at {place} of {length}"
            );
        }
    }
    // A tile that is whole but wrong: RocksDB sees nothing, opening does.
    let store = open(dir.path()).unwrap();
    let key = crate::layout::tile_key(0, 1);
    let tiles = store.database.family(Family::Tiles);
    let mut tile = store.database.db.get_cf(tiles, key).unwrap().unwrap();
    tile[40] ^= 1;
    store.database.db.put_cf(tiles, key, tile).unwrap();
    drop(store);
    let refused = open(dir.path()).unwrap_err();
    assert!(
        matches!(refused, OpenError::Corrupt { what: "tiles", .. }),
        "{refused}"
    );
}

#[test]
fn a_log_cut_short_behind_another_is_named() {
    let (dir, mut chain) = (TempDir::new().unwrap(), Chain::default());
    let store = create(dir.path());
    let mut written = Vec::new();
    // Flushing one family begins a new log while the others still need the old one.
    for _ in 0..3 {
        let write = chain.block(50);
        written.push(write.clone());
        store.commit(write).unwrap();
        store
            .database
            .db
            .flush_cf(store.database.family(Family::Effects))
            .unwrap();
    }
    let write = chain.block(50);
    written.push(write.clone());
    store.commit(write).unwrap();
    // As a crash leaves it: closing would flush.
    let crashed = TempDir::new().unwrap();
    copy_dir(dir.path(), crashed.path());
    let logs = files(crashed.path(), ".log");
    assert!(logs.len() > 1, "{logs:?}");
    assert_eq!(
        after(crashed.path(), &logs[0], |_| (), &written),
        Outcome::Whole
    );
    let (_, earlier) = logs.split_last().unwrap();
    for log in earlier {
        let length = fs::read(log).unwrap().len();
        for keep in [0, length / 2, length - 9] {
            let cut = after(crashed.path(), log, |bytes| bytes.truncate(keep), &written);
            assert!(
                matches!(cut, Outcome::Named(_)),
                "{keep} of {length} bytes: {cut:?}"
            );
        }
    }
}
