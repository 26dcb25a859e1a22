use super::*;
use ledger::access::record::PartRead;
use ledger::ids::{Handle, LeafIndex};
use ledger::signature::KeyId;
use ledger::store::EventRef;
use std::collections::BTreeMap;

fn reads(leaf: u64) -> Reads {
    let at = EventRef {
        leaf: LeafIndex(leaf),
        index: 3,
    };
    let one = PartRead {
        at,
        personal: leaf % 2 == 1,
    };
    Reads {
        reader: Handle([7; 16]),
        key: KeyId(Digest([9; 32])),
        endpoint: "GET /events".to_owned(),
        parts: BTreeMap::from([("510117".to_owned(), vec![one])]),
    }
}

fn leaves(records: &[ReadRecord]) -> Vec<u64> {
    let leaf = |record: &ReadRecord| record.reads.parts["510117"][0].at.leaf.0;
    records.iter().map(leaf).collect()
}

fn newest(dir: &Path) -> PathBuf {
    files(&dir.join("reads")).unwrap().pop().unwrap().1
}

#[test]
fn records_are_read_back_in_order_and_across_openings() {
    let dir = tempfile::tempdir().unwrap();
    for part in 0..3 {
        let log = AccessLog::open(dir.path()).unwrap();
        for leaf in part * 10..part * 10 + 10 {
            log.append(reads(leaf), UnixMillis(5)).unwrap();
        }
    }
    let log = AccessLog::open(dir.path()).unwrap();
    assert_eq!(
        leaves(&log.read(0, 100).unwrap()),
        (0..30).collect::<Vec<_>>()
    );
    assert_eq!(leaves(&log.read(28, 100).unwrap()), [28, 29]);
    assert_eq!(leaves(&log.read(5, 2).unwrap()), [5, 6]);
    assert!(log.read(30, 10).unwrap().is_empty());
    let other = read_access_log(dir.path(), 0, 100).unwrap();
    assert_eq!(other, log.read(0, 100).unwrap());
    assert!(
        other
            .windows(2)
            .all(|pair| pair[1].previous == pair[0].digest())
    );
}

#[test]
fn a_new_file_goes_on_with_the_chain() {
    let dir = tempfile::tempdir().unwrap();
    let log = AccessLog::open(dir.path()).unwrap();
    log.append(reads(0), UnixMillis(1)).unwrap();
    log.end.lock().unwrap().bytes = FILE_BYTES;
    log.append(reads(1), UnixMillis(2)).unwrap();
    assert_eq!(files(&dir.path().join("reads")).unwrap().len(), 2);
    let all = log.read(0, 10).unwrap();
    assert_eq!(all[1].previous, all[0].digest());
    drop(log);
    let log = AccessLog::open(dir.path()).unwrap();
    log.append(reads(2), UnixMillis(3)).unwrap();
    assert_eq!(leaves(&log.read(0, 10).unwrap()), [0, 1, 2]);
}

/// A closed log of three records of one length: its directory, its file, and that file's bytes.
fn three_kept() -> (tempfile::TempDir, PathBuf, Vec<u8>) {
    let dir = tempfile::tempdir().unwrap();
    let log = AccessLog::open(dir.path()).unwrap();
    for leaf in 0..3 {
        log.append(reads(leaf), UnixMillis(5)).unwrap();
    }
    drop(log);
    let path = newest(dir.path());
    let whole = std::fs::read(&path).unwrap();
    (dir, path, whole)
}

#[test]
fn a_frame_torn_anywhere_is_cut_off_and_nothing_else_is() {
    let (dir, path, whole) = three_kept();
    let frame = (whole.len() - HEAD_BYTES) / 3;
    for torn in whole.len() - frame + 1..whole.len() {
        std::fs::write(&path, &whole[..torn]).unwrap();
        let log = AccessLog::open(dir.path()).unwrap();
        assert_eq!(leaves(&log.read(0, 10).unwrap()), [0, 1], "{torn}");
        log.append(reads(9), UnixMillis(5)).unwrap();
        assert_eq!(leaves(&log.read(0, 10).unwrap()), [0, 1, 9]);
    }
}

#[test]
fn a_record_changed_or_taken_out_is_found() {
    let (dir, path, whole) = three_kept();
    let frame = (whole.len() - HEAD_BYTES) / 3;
    for at in HEAD_BYTES..HEAD_BYTES + frame {
        let mut damaged = whole.clone();
        damaged[at] ^= 1;
        std::fs::write(&path, &damaged).unwrap();
        assert!(
            matches!(AccessLog::open(dir.path()), Err(StoreError::Corrupt { .. })),
            "{at}"
        );
    }
    let without = [
        &whole[..HEAD_BYTES + frame],
        &whole[HEAD_BYTES + 2 * frame..],
    ]
    .concat();
    std::fs::write(&path, without).unwrap();
    assert!(matches!(
        read_access_log(dir.path(), 0, 10),
        Err(StoreError::Corrupt { .. })
    ));
}

#[test]
fn after_a_failed_write_nothing_is_recorded_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let log = AccessLog::open(dir.path()).unwrap();
    // A file that cannot be written to.
    log.end.lock().unwrap().file = Some(File::open(newest(dir.path())).unwrap());
    assert!(log.append(reads(0), UnixMillis(5)).is_err());
    assert!(matches!(
        log.append(reads(0), UnixMillis(5)),
        Err(StoreError::Unknown(_))
    ));
}
