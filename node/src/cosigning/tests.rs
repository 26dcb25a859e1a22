use super::*;
use ledger::checkpoint::Checkpoint;
use ledger::hash::Digest;
use ledger::note::{KeyKind, NoteError, NoteKey};
use ledger::signature::{Signer as _, SigningKey};
use ledger::tlog_policy::TlogPolicy;

const ORIGIN: &str = "log.example/cd";

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn key(name: &str, kind: KeyKind, seed: u8) -> NoteKey {
    NoteKey::new(name, kind, signer(seed).public_key().clone()).unwrap()
}

fn checkpoint(size: u64) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: TreeSize(size),
        root: Digest([7; 32]),
    };
    SignedCheckpoint::parse(&checkpoint.sign(&signer(1))).unwrap()
}

/// Two witnesses, both of which are the quorum.
fn cosigning() -> Cosigning {
    with_address("http://b.example")
}

/// The same; where the second is reached.
fn with_address(url: &str) -> Cosigning {
    let log = key(ORIGIN, KeyKind::Ed25519, 1);
    let (a, b) = (
        key("a.example", KeyKind::Cosignature, 2),
        key("b.example", KeyKind::Cosignature, 3),
    );
    let text = format!(
        "log {log}\nwitness a {a} http://a.example\nwitness b {b} {url}\n\
         group both all a b\nquorum both\n"
    );
    Cosigning::new(TlogPolicy::parse(&text).unwrap(), checkpoint(8), None, None)
}

/// The line that a witness gives for a checkpoint.
fn line(name: &str, seed: u8, checkpoint: &SignedCheckpoint) -> String {
    let mut cosigned = checkpoint.clone();
    cosigned.cosign(name, &signer(seed), 5).unwrap();
    cosigned.lines_by(&[key(name, KeyKind::Cosignature, seed)])
}

#[test]
fn a_checkpoint_is_witnessed_once_all_lines_of_the_quorum_are_under_it() {
    let cosigning = cosigning();
    assert_eq!(cosigning.reachable(), [0, 1]);
    let asked = cosigning.next(0).unwrap();
    assert_eq!(asked, checkpoint(8));
    let (a, b) = (line("a.example", 2, &asked), line("b.example", 3, &asked));
    cosigning.adopt(0, &asked, &a).unwrap();
    assert_eq!(cosigning.witnessed(), None);
    let own = asked.to_string();
    assert_eq!(
        cosigning.with_cosignatures(own.clone()),
        format!("{own}{a}")
    );
    cosigning.adopt(1, &asked, &b).unwrap();
    let both = format!("{own}{a}{b}");
    assert_eq!(cosigning.witnessed(), Some((TreeSize(8), both.clone())));
    assert_eq!(cosigning.with_cosignatures(own), both);
    // Another checkpoint has none of them.
    let other = checkpoint(9).to_string();
    assert_eq!(cosigning.with_cosignatures(other.clone()), other);
}

#[test]
fn a_line_by_another_or_for_another_checkpoint_is_not_published() {
    let cosigning = cosigning();
    let asked = checkpoint(8);
    let name = "a.example".to_owned();
    let forged = NoteError::BadSignature { name };
    for (given, error) in [
        (line("a.example", 2, &checkpoint(9)), forged),
        (line("b.example", 3, &asked), NoteError::Unsigned),
        (
            "nonsense\n".to_owned(),
            NoteError::SignatureLine { line: 1 },
        ),
        (String::new(), NoteError::NoSignatures),
    ] {
        let refused = cosigning.adopt(0, &asked, &given).unwrap_err();
        assert_eq!(refused, CheckpointError::Note(error), "{given:?}");
    }
    let own = asked.to_string();
    assert_eq!(cosigning.with_cosignatures(own.clone()), own);
}

#[test]
fn a_round_waits_for_those_who_are_well_and_no_longer_than_a_second() {
    let cosigning = cosigning();
    let began = cosigning.lock().began;
    cosigning.offer(&checkpoint(9).to_string());
    let size_after = |after: Duration| {
        let mut state = cosigning.lock();
        state.turn(began + after);
        state.round.claim().size
    };
    // One has answered, the other not yet.
    cosigning
        .adopt(0, &checkpoint(8), &line("a.example", 2, &checkpoint(8)))
        .unwrap();
    let almost = ROUND_MAX.checked_sub(Duration::from_millis(1)).unwrap();
    assert_eq!(size_after(almost), TreeSize(8));
    // The other fails: nobody waits for it, but the shortest round is kept.
    cosigning.failed(1);
    assert_eq!(size_after(Duration::ZERO), TreeSize(8));
    assert_eq!(size_after(ROUND_MIN), TreeSize(9));
    assert!(!cosigning.lock().witnesses[0].answered);

    // Of two that are well and silent, both are waited for until the second is over.
    let cosigning = self::cosigning();
    cosigning.offer(&checkpoint(9).to_string());
    let mut state = cosigning.lock();
    let began = state.began;
    assert_eq!(state.turn(began), ROUND_MAX);
    assert_eq!(state.turn(began + ROUND_MAX), FRESHEN);
    assert_eq!(state.round.claim().size, TreeSize(9));
}

#[test]
fn a_witness_without_an_address_is_neither_asked_nor_waited_for() {
    let cosigning = with_address("");
    assert_eq!(cosigning.reachable(), [0]);
    let asked = checkpoint(8);
    cosigning
        .adopt(0, &asked, &line("a.example", 2, &asked))
        .unwrap();
    cosigning.offer(&checkpoint(9).to_string());
    let mut state = cosigning.lock();
    let began = state.began;
    state.turn(began + ROUND_MIN);
    assert_eq!(state.round.claim().size, TreeSize(9));
}

#[test]
fn an_idle_logs_newest_checkpoint_is_cosigned_anew_now_and_then() {
    let cosigning = cosigning();
    let asked = checkpoint(8);
    cosigning
        .adopt(0, &asked, &line("a.example", 2, &asked))
        .unwrap();
    let mut state = cosigning.lock();
    let began = state.began;
    state.turn(began + ROUND_MAX);
    assert!(state.witnesses[0].answered);
    state.turn(began + FRESHEN);
    assert!(!state.witnesses[0].answered);
    // What it has is kept until something newer takes its place.
    assert_eq!(state.round.signatures(), 2);
}

#[test]
fn whoever_waits_hears_that_it_is_over() {
    let cosigning = cosigning();
    let asked = cosigning.next(0).unwrap();
    cosigning
        .adopt(0, &asked, &line("a.example", 2, &asked))
        .unwrap();
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| cosigning.next(0));
        cosigning.close();
        assert_eq!(waits.join().unwrap(), None);
    });
}

#[test]
fn what_was_witnessed_is_there_again_after_a_restart_and_damage_is_passed_over() {
    let dir = tempfile::tempdir().unwrap();
    let path = witnessed_path(dir.path());
    let policy = cosigning().policy;
    let again = |newest: u64| {
        let kept = read_kept(&path, &policy, ORIGIN);
        let path = Some(path.clone());
        Cosigning::new(policy.clone(), checkpoint(newest), path, kept.as_ref())
    };
    let first = again(8);
    assert_eq!(first.witnessed(), None);
    let asked = checkpoint(8);
    for (number, name, seed) in [(0, "a.example", 2), (1, "b.example", 3)] {
        first
            .adopt(number, &asked, &line(name, seed, &asked))
            .unwrap();
        first.keep();
        assert_eq!(path.exists(), number == 1);
    }
    let witnessed = first.witnessed();
    assert!(witnessed.is_some());
    // Of the newest checkpoint the lines are served at once, of a newer one not.
    let second = again(8);
    assert_eq!(second.witnessed(), witnessed);
    let both = second.with_cosignatures(asked.to_string());
    assert_eq!(Some((TreeSize(8), both)), witnessed);
    assert_eq!(again(9).witnessed(), witnessed);

    let good = std::fs::read(&path).unwrap();
    for at in (0..good.len()).step_by(7) {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&path, bad).unwrap();
        let kept = read_kept(&path, &policy, ORIGIN);
        let claim = kept.map(|kept| kept.claim().clone());
        // A line whose key id was hit is one by nobody known: then fewer have signed.
        assert!(
            claim.is_none_or(|claim| claim == *asked.claim()),
            "byte {at}"
        );
    }
}

#[test]
fn the_tree_of_an_answer_that_somebody_waits_for_comes_before_newer_ones() {
    let cosigning = cosigning();
    let both = |asked: &SignedCheckpoint| {
        cosigning
            .adopt(0, asked, &line("a.example", 2, asked))
            .unwrap();
        cosigning
            .adopt(1, asked, &line("b.example", 3, asked))
            .unwrap();
    };
    both(&checkpoint(8));
    cosigning.offer(&checkpoint(12).to_string());
    let (wanted, quick) = (checkpoint(10).to_string(), Duration::from_secs(30));
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| cosigning.witness(&wanted, quick));
        let mut state = cosigning.lock();
        while state.asked_for.is_none() {
            state = cosigning.changed.wait(state).unwrap();
        }
        let due = state.began + ROUND_MIN;
        state.turn(due);
        assert_eq!(state.round.claim().size, TreeSize(10));
        drop(state);
        both(&checkpoint(10));
        let given = waiting.join().unwrap().unwrap();
        assert!(
            given.starts_with(&wanted) && given.lines().count() == 7,
            "{given}"
        );
    });
    // One that the witnesses have left behind is not to be had any more.
    cosigning.lock().turn(Instant::now() + ROUND_MAX);
    both(&checkpoint(12));
    assert_eq!(cosigning.witness(&checkpoint(9).to_string(), quick), None);
    let newest = cosigning.witness(&checkpoint(12).to_string(), quick);
    assert_eq!(newest, cosigning.witnessed().map(|(_, note)| note));
}
