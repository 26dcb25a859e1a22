use super::*;
use crate::clock::testing::SetClock;
use ledger::hash::leaf_hash;
use ledger::ids::TreeSize;
use ledger::merkle::Frontier;
use std::os::unix::fs::PermissionsExt as _;

const ORIGIN: &str = "log.example/cd";

fn log() -> SigningKey {
    SigningKey::from_seed([1; 32])
}

fn vkey(origin: &str) -> NoteKey {
    NoteKey::new(origin, KeyKind::Ed25519, log().public_key().clone()).unwrap()
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(SetClock::new())
}

/// The checkpoint of a tree of `size` leaves, all zero.
fn checkpoint(size: u64) -> Checkpoint {
    let mut frontier = Frontier::new();
    for _ in 0..size {
        frontier.push(leaf_hash(&[0]));
    }
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: TreeSize(size),
        root: frontier.root(),
    }
}

/// A request that a tree of 1 leaf grew to 2, or that one of none grew to 1.
fn request(old: u64) -> AddCheckpoint {
    AddCheckpoint {
        old: TreeSize(old),
        proof: vec![leaf_hash(&[0]); usize::try_from(old).unwrap()],
        checkpoint: SignedCheckpoint::parse(&checkpoint(old + 1).sign(&log())).unwrap(),
    }
}

fn open(dir: &Path) -> Witness {
    Witness::open(dir, clock()).unwrap().unwrap()
}

fn old_size(size: u64) -> CosignError {
    let size = TreeSize(size);
    Refusal::OldSize { size }.into()
}

#[test]
fn what_was_cosigned_is_known_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    assert!(Witness::open(dir.path(), clock()).unwrap().is_none());
    let own = watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();

    let witness = open(dir.path());
    let hash = origin_hash(ORIGIN);
    assert_eq!(witness.latest(&hash), None);
    let cosigned = witness.cosign(request(0)).unwrap();
    let known = [vkey(ORIGIN), own];
    let note = SignedCheckpoint::parse(&cosigned.note).unwrap();
    let (signed, by) = note.verify(&known).unwrap();
    assert_eq!((signed, by.len()), (&checkpoint(1), 2));
    let now = u64::try_from(clock().wall().0 / 1000).unwrap();
    assert_eq!(by[1].time, Some(now));
    drop(witness);

    let witness = open(dir.path());
    assert_eq!(witness.latest(&hash), Some(cosigned.note));
    // Neither from nothing nor from there, if it would not have grown.
    assert_eq!(witness.cosign(request(0)), Err(old_size(1)));
    witness.cosign(request(1)).unwrap();
    assert_eq!(open(dir.path()).cosign(request(1)), Err(old_size(2)));
}

#[test]
fn of_two_requests_at_once_one_is_the_first() {
    let dir = tempfile::tempdir().unwrap();
    watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    let witness = open(dir.path());
    let results = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                let result = witness.cosign(request(0));
                results.lock().unwrap().push(result);
            });
        }
    });
    let results = results.into_inner().unwrap();
    assert_eq!(results.iter().filter(|one| one.is_ok()).count(), 1);
    let late = results.iter().filter(|one| **one == Err(old_size(1)));
    assert_eq!(late.count(), 7);
}

#[test]
fn a_lost_or_damaged_state_is_no_log_that_was_never_seen() {
    let dir = tempfile::tempdir().unwrap();
    watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    open(dir.path()).cosign(request(0)).unwrap();
    let path = state_path(dir.path(), ORIGIN);
    let good = std::fs::read(&path).unwrap();
    for at in 0..good.len() {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, &bad).unwrap();
        let error = Witness::open(dir.path(), clock()).unwrap_err();
        assert!(
            matches!(error, WitnessError::StateDamaged { .. }),
            "byte {at}: {error}"
        );
    }
    // Cut off anywhere, the place before the first cosignature included.
    for length in 0..good.len() {
        std::fs::write(&path, &good[..length]).unwrap();
        let error = Witness::open(dir.path(), clock()).unwrap_err();
        assert!(
            matches!(error, WitnessError::StateDamaged { .. }),
            "{length}: {error}"
        );
    }
    std::fs::remove_file(&path).unwrap();
    let missing = |error| matches!(error, WitnessError::StateMissing { .. });
    assert!(missing(Witness::open(dir.path(), clock()).unwrap_err()));
    // Naming the log again does not make it new.
    watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    assert!(missing(Witness::open(dir.path(), clock()).unwrap_err()));
}

#[test]
fn after_a_write_that_failed_nothing_is_cosigned_until_it_is_opened_again() {
    let dir = tempfile::tempdir().unwrap();
    watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    let witness = open(dir.path());
    // A directory in the place of the new file: nobody can write there, root neither.
    let mut new = state_path(dir.path(), ORIGIN).into_os_string();
    new.push(".new");
    std::fs::create_dir(&new).unwrap();
    assert_eq!(witness.cosign(request(0)), Err(CosignError::NotKept));
    std::fs::remove_dir(&new).unwrap();
    assert_eq!(witness.cosign(request(0)), Err(CosignError::NotKept));
    assert_eq!(witness.latest(&origin_hash(ORIGIN)), None);
    open(dir.path()).cosign(request(0)).unwrap();
}

#[test]
fn a_witness_has_one_name_and_watches_what_it_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let own = watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    let other = vkey("log.example/cq");
    assert_eq!(watch(dir.path(), "w.example", &[other]).unwrap(), own);
    assert!(matches!(
        watch(dir.path(), "v.example", &[]),
        Err(WitnessError::OtherName { name }) if name == "w.example"
    ));
    assert!(matches!(
        watch(dir.path(), "w.example", &[own]),
        Err(WitnessError::Watched(WatchedError::KeyKind { .. }))
    ));
    let witness = open(dir.path());
    let origins: Vec<_> = witness.watched.origins().collect();
    assert_eq!(origins, [ORIGIN, "log.example/cq"]);
    let stranger = AddCheckpoint {
        checkpoint: SignedCheckpoint::parse(
            &Checkpoint {
                origin: "log.example/kunming".to_owned(),
                ..checkpoint(1)
            }
            .sign(&log()),
        )
        .unwrap(),
        ..request(0)
    };
    let origin = "log.example/kunming".to_owned();
    let unknown = Refusal::OriginUnknown { origin };
    assert_eq!(witness.cosign(stranger), Err(unknown.into()));
    let key = dir.path().join("witness.key");
    let mode = std::fs::metadata(key).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
}

/// A request of a second history: its leaf number `from` and all after it are others.
fn of_another(old: u64, size: u64, from: u64, proof: Vec<Digest>) -> AddCheckpoint {
    let mut frontier = Frontier::new();
    for at in 0..size {
        frontier.push(leaf_hash(&[u8::from(at >= from)]));
    }
    let checkpoint = Checkpoint {
        root: frontier.root(),
        ..checkpoint(size)
    };
    AddCheckpoint {
        old: TreeSize(old),
        proof,
        checkpoint: SignedCheckpoint::parse(&checkpoint.sign(&log())).unwrap(),
    }
}

#[test]
fn two_histories_are_kept_as_evidence_and_noise_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let own = watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    let witness = open(dir.path());
    let files = EvidenceFiles::of(dir.path());
    witness.cosign(request(0)).unwrap();
    let cosigned = witness.cosign(request(1)).unwrap();
    // Anyone can send a true checkpoint with hashes that lead nowhere.
    let noise = AddCheckpoint {
        proof: vec![Digest([7; 32]); 2],
        ..of_another(2, 3, 9, Vec::new())
    };
    assert!(witness.cosign(noise).is_err());
    assert_eq!(files.count(), 0);

    // Another root at that size, whatever it claims to have grown from.
    for old in [2, 0, 1] {
        assert!(witness.cosign(of_another(old, 2, 0, Vec::new())).is_err());
    }
    assert_eq!(files.count(), 1);
    let path = dir.path().join("evidence");
    let path = path.join(format!("{}-1.txt", origin_hash(ORIGIN)));
    let kept = std::fs::read_to_string(&path).unwrap();
    let policy = format!("log {}\nwitness w {own}\nquorum w\n", vkey(ORIGIN));
    let policy = ledger::tlog_policy::TlogPolicy::parse(&policy).unwrap();
    let fork = Evidence::parse(&kept).unwrap().verify(&policy).unwrap();
    assert_eq!(fork.older.checkpoint, cosigned.checkpoint);
    assert_eq!(fork.older.cosigned.len(), 1);
    assert_eq!(fork.newer.cosigned.len(), 0);

    // More of it is kept up to a limit, and the first is never written over.
    for seed in 2..20 {
        let other = Checkpoint {
            root: Digest([seed; 32]),
            ..checkpoint(2)
        };
        let checkpoint = SignedCheckpoint::parse(&other.sign(&log())).unwrap();
        let request = AddCheckpoint {
            checkpoint,
            ..of_another(2, 2, 0, Vec::new())
        };
        assert!(witness.cosign(request).is_err());
    }
    assert_eq!(files.count(), crate::evidence::FILES_MAX);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), kept);
    // It goes on watching the history that it knows.
    let latest = witness.latest(&origin_hash(ORIGIN)).unwrap();
    assert_eq!(latest, cosigned.note);
}

#[test]
fn a_larger_second_history_is_convicted_by_its_own_proof() {
    let dir = tempfile::tempdir().unwrap();
    watch(dir.path(), "w.example", &[vkey(ORIGIN)]).unwrap();
    let witness = open(dir.path());
    let three = AddCheckpoint {
        old: TreeSize(0),
        proof: Vec::new(),
        checkpoint: SignedCheckpoint::parse(&checkpoint(3).sign(&log())).unwrap(),
    };
    witness.cosign(three).unwrap();
    // From 3 to 4 leaves (RFC 9162 §2.1.4.1): leaf 2, leaf 3, the node over leaves 0 and 1.
    let other = |byte| leaf_hash(&[byte]);
    let left = ledger::hash::node_hash(&other(0), &other(1));
    let proof = vec![other(1), other(1), left];
    let refused = witness.cosign(of_another(3, 4, 1, proof)).unwrap_err();
    assert!(matches!(
        refused,
        CosignError::Refused(Refusal::Inconsistent(_))
    ));
    assert_eq!(EvidenceFiles::of(dir.path()).count(), 1);
}
