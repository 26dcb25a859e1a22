use super::*;
use ledger::note::{KeyKind, NoteKey};
use ledger::signature::{Signer as _, SigningKey};

fn key(name: &str, kind: KeyKind, seed: u8) -> NoteKey {
    let key = SigningKey::from_seed([seed; 32]).public_key().clone();
    NoteKey::new(name, kind, key).unwrap()
}

fn witness(seed: u8) -> NoteKey {
    key(&format!("w{seed}.example"), KeyKind::Cosignature, seed)
}

/// Two of three witnesses.
fn policy() -> TlogPolicy {
    let log = key("log.example", KeyKind::Ed25519, 1);
    let [a, b, c] = [2, 3, 4].map(witness);
    let text = format!(
        "log {log}\nwitness a {a}\nwitness b {b}\nwitness c {c}\ngroup two 2 a b c\nquorum two\n"
    );
    TlogPolicy::parse(&text).unwrap()
}

fn answers(confirmation: &Confirmation, seed: u8, time: u64) -> bool {
    let key = witness(seed).public_key().key_id();
    confirmation.confirmed_by(key, &policy(), time, 10_000)
}

#[test]
fn a_doubt_lasts_until_a_quorum_has_answered_whatever_happens_in_between() {
    let dir = tempfile::tempdir().unwrap();
    let open = || Confirmation::open(dir.path()).unwrap();
    assert_eq!(open().why_not(), None);
    open().withdraw("the head file is missing").unwrap();
    let confirmation = open();
    assert!(answers(&confirmation, 2, 10_000));
    // The same again is one answer, and one that is minutes old may be from before.
    assert!(answers(&confirmation, 2, 10_001));
    assert!(!answers(&confirmation, 3, 9_699));
    assert!(!answers(&confirmation, 3, 10_301));
    assert_eq!(confirmation.why_not(), Some(NotSigning::Unconfirmed));
    // Answers do not outlive the process that asked.
    let confirmation = open();
    assert!(answers(&confirmation, 3, 10_000));
    assert!(confirmation.is_asking());
    assert!(answers(&confirmation, 4, 9_700));
    assert_eq!(confirmation.why_not(), None);
    assert_eq!(open().why_not(), None);
}

#[test]
fn a_quorum_counts_where_no_other_could_have_formed_without_it() {
    let dir = tempfile::tempdir().unwrap();
    unconfirm(dir.path(), "restored").unwrap();
    let confirmation = Confirmation::open(dir.path()).unwrap();
    let two = policy().to_string();
    let any = TlogPolicy::parse(&two.replace("two 2 a", "two any a")).unwrap();
    for (seed, why) in [
        (2, Some(NotSigning::Unconfirmed)),
        (3, Some(NotSigning::Unconfirmed)),
        (4, None),
    ] {
        let key = witness(seed).public_key().key_id();
        assert!(confirmation.confirmed_by(key, &any, 10_000, 10_000));
        assert_eq!(confirmation.why_not(), why, "witness {seed}");
    }
}

#[test]
fn without_witnesses_only_the_operator_can_say_so_and_a_closed_log_stays_closed() {
    let dir = tempfile::tempdir().unwrap();
    unconfirm(dir.path(), "restored").unwrap();
    let confirmation = Confirmation::open(dir.path()).unwrap();
    let alone = TlogPolicy::of_log(key("log.example", KeyKind::Ed25519, 1)).unwrap();
    // A quorum that asks for nobody is met by nobody.
    let stranger = witness(9).public_key().key_id();
    confirmation.confirmed_by(stranger, &alone, 10_000, 10_000);
    assert!(confirmation.is_asking());
    confirmation.told();
    assert_eq!(Confirmation::open(dir.path()).unwrap().why_not(), None);

    unconfirm(dir.path(), "restored").unwrap();
    close(dir.path(), "log.example/second").unwrap();
    let confirmation = Confirmation::open(dir.path()).unwrap();
    let successor = "log.example/second".to_owned();
    let closed = Some(NotSigning::Closed { successor });
    for seed in [2, 3, 4] {
        answers(&confirmation, seed, 10_000);
    }
    assert_eq!(confirmation.why_not(), closed);
}
