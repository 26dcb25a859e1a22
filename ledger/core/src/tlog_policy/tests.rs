use super::*;
use crate::hash::Digest;
use crate::ids::TreeSize;
use crate::note::Note;
use crate::signature::{Signer as _, SigningKey};
use std::fmt::Write as _;

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn key(name: &str, kind: KeyKind, seed: u8) -> NoteKey {
    NoteKey::new(name, kind, signer(seed).public_key().clone()).unwrap()
}

fn log() -> NoteKey {
    key("log.example/cd", KeyKind::Ed25519, 1)
}

/// Five witnesses, W1 to W5, and further lines.
fn policy(lines: &str) -> Result<TlogPolicy, PolicyError> {
    let mut text = format!("# Chengdu\n\nlog {} https://log.example\n", log());
    for number in 1..=5 {
        let key = key(
            &format!("w{number}.example"),
            KeyKind::Cosignature,
            10 + number,
        );
        writeln!(text, "\twitness W{number} {key}").unwrap();
    }
    TlogPolicy::parse(&(text + lines))
}

/// The first line behind the witnesses.
const LINE: usize = 9;

fn met(policy: &TlogPolicy, witnesses: &[u8]) -> bool {
    let keys = witnesses
        .iter()
        .map(|w| signer(10 + w).public_key().key_id());
    policy.is_met(&keys.collect())
}

#[test]
fn every_rule_counts_as_it_is_written() {
    for (lines, enough, short) in [
        ("quorum W2", &[&[2][..]][..], &[&[][..], &[1, 3, 4, 5]][..]),
        (
            "group G all W1 W2\nquorum G",
            &[&[1, 2]],
            &[&[1], &[2, 3, 4, 5]],
        ),
        ("group G any W1 W2\nquorum G", &[&[1], &[2]], &[&[3, 4, 5]]),
        (
            "group G 2 W1 W2 W3\nquorum G",
            &[&[1, 2], &[1, 3], &[1, 2, 3]],
            &[&[1], &[3, 4, 5]],
        ),
        (
            "group X 2 W1 W2 W3\ngroup Y any W4 W5\ngroup Z all X Y\nquorum Z",
            &[&[1, 2, 5], &[2, 3, 4]],
            &[&[1, 2, 3], &[1, 4, 5]],
        ),
        // A quorum may name a member too.
        ("group G all W1 W2\nquorum W1", &[&[1]], &[&[2]]),
        ("quorum none", &[&[], &[1]], &[]),
    ] {
        let policy = policy(lines).unwrap();
        for witnesses in enough {
            assert!(met(&policy, witnesses), "{lines}: {witnesses:?}");
        }
        for witnesses in short {
            assert!(!met(&policy, witnesses), "{lines}: {witnesses:?}");
        }
    }
}

#[test]
fn a_policy_says_whom_to_ask_and_where() {
    let text = format!(
        "log {} https://log.example\nwitness w \t{} https://w.example/witness \n quorum\tw",
        log(),
        key("w.example", KeyKind::Cosignature, 2)
    );
    let policy = TlogPolicy::parse(&text).unwrap();
    assert_eq!(policy.logs()[0].url.as_deref(), Some("https://log.example"));
    let witness = &policy.witnesses()[0];
    assert_eq!(witness.name, "w");
    assert_eq!(witness.url.as_deref(), Some("https://w.example/witness"));
    assert!(policy.asks_for_witnesses());
    let alone = TlogPolicy::of_log(log()).unwrap();
    assert!(!alone.asks_for_witnesses());
    assert_eq!(alone.origins(), "log.example/cd");
    assert!(alone.log_of_origin("log.example/cd").is_some());
    assert!(alone.log_of_origin("log.example").is_none());
    let id = signer(1).public_key().key_id();
    assert_eq!(alone.log_of_key(id), alone.log_of_origin("log.example/cd"));
}

#[test]
fn a_policy_is_shown_as_a_file_that_says_the_same() {
    let shown = policy("# two of three\n\ngroup  G 2 W1 W2\tW3\n quorum G").unwrap();
    let text = shown.to_string();
    assert_eq!(TlogPolicy::parse(&text), Ok(shown));
    assert_eq!(text.lines().count(), 8, "{text}");
    assert!(text.ends_with("\ngroup G 2 W1 W2 W3\nquorum G\n"), "{text}");
    let alone = TlogPolicy::of_log(log()).unwrap();
    assert_eq!(TlogPolicy::parse(&alone.to_string()), Ok(alone));
}

#[test]
fn what_is_not_understood_is_refused_by_line_and_name() {
    let name = |name: &str| name.to_owned();
    let log_key = log().to_string();
    let w1 = key("w1.example", KeyKind::Cosignature, 11).to_string();
    let other_name = key("else.example", KeyKind::Cosignature, 11).to_string();
    for (lines, at, fault) in [
        (name(""), 0, PolicyFault::QuorumMissing),
        (
            name("quorum none\nquorum none"),
            1,
            PolicyFault::QuorumRepeated,
        ),
        (name("quorum"), 0, PolicyFault::Words),
        (name("quorum W1 W2"), 0, PolicyFault::Words),
        (name("mirror W1"), 0, PolicyFault::Words),
        (name("log"), 0, PolicyFault::Words),
        (name("group G all"), 0, PolicyFault::Words),
        (name("quorum none\r"), 0, PolicyFault::ControlCharacter),
        (
            name("quorum G\ngroup G any W1"),
            0,
            PolicyFault::NameUnknown { name: name("G") },
        ),
        (
            name("group G any G"),
            0,
            PolicyFault::NameUnknown { name: name("G") },
        ),
        (
            name("group G any none"),
            0,
            PolicyFault::NameUnknown { name: name("none") },
        ),
        (
            name("group none any W1"),
            0,
            PolicyFault::NameTaken { name: name("none") },
        ),
        (
            name("group W2 any W1"),
            0,
            PolicyFault::NameTaken { name: name("W2") },
        ),
        (
            name("group G 1 W1 W1"),
            0,
            PolicyFault::MemberRepeated { name: name("W1") },
        ),
        (
            name("group G any W1\ngroup H any W1"),
            1,
            PolicyFault::MemberRepeated { name: name("W1") },
        ),
        (
            name("group G 0 W1"),
            0,
            PolicyFault::Threshold { members: 1 },
        ),
        (
            name("group G 3 W1 W2"),
            0,
            PolicyFault::Threshold { members: 2 },
        ),
        (
            name("group G 01 W1"),
            0,
            PolicyFault::Threshold { members: 1 },
        ),
        (
            name("group G +1 W1"),
            0,
            PolicyFault::Threshold { members: 1 },
        ),
        (format!("log {log_key}"), 0, PolicyFault::KeyRepeated),
        (format!("log {w1}"), 0, PolicyFault::KeyKind),
        (format!("witness X {log_key}"), 0, PolicyFault::KeyKind),
        // One key by another name would count twice.
        (
            format!("witness X {other_name}"),
            0,
            PolicyFault::KeyRepeated,
        ),
        (
            name("witness X nonsense"),
            0,
            PolicyFault::Key(NoteError::KeyText),
        ),
    ] {
        let line = LINE + at;
        assert_eq!(policy(&lines), Err(PolicyError { line, fault }), "{lines}");
    }
    let fault = PolicyFault::LogMissing;
    let nobody = Err(PolicyError { line: 2, fault });
    assert_eq!(TlogPolicy::parse("quorum none\n"), nobody);
}

#[test]
fn a_policy_has_as_many_lines_as_it_may_and_no_more() {
    let groups = |count: usize| {
        let mut lines = "group G0 any W1\n".to_owned();
        for number in 1..count {
            writeln!(lines, "group G{number} any G{}", number - 1).unwrap();
        }
        policy(&format!("{lines}quorum G{}", count - 1))
    };
    assert!(met(&groups(POLICY_LINES_MAX).unwrap(), &[1]));
    let fault = PolicyFault::TooLarge {
        limit: POLICY_LINES_MAX,
        unit: "groups",
    };
    assert_eq!(groups(POLICY_LINES_MAX + 1).unwrap_err().fault, fault);
    let long = "#".repeat(POLICY_BYTES_MAX + 1);
    assert!(matches!(
        TlogPolicy::parse(&long).unwrap_err().fault,
        PolicyFault::TooLarge { unit: "bytes", .. }
    ));
}

#[test]
fn a_checkpoint_is_witnessed_only_when_the_quorum_has_cosigned_this_very_text() {
    let policy = policy("group G 2 W1 W2 W3\nquorum G").unwrap();
    let checkpoint = Checkpoint {
        origin: "log.example/cd".to_owned(),
        size: TreeSize(8),
        root: Digest([8; 32]),
    };
    let cosigned = |witnesses: &[u8]| {
        let mut note = SignedCheckpoint::parse(&checkpoint.sign(&signer(1))).unwrap();
        for number in witnesses {
            let name = format!("w{number}.example");
            note.cosign(&name, &signer(10 + number), 100).unwrap();
        }
        note.to_string()
    };
    for (witnesses, count, standing) in [
        (&[][..], 0, Standing::Recorded),
        (&[1], 1, Standing::Recorded),
        // The same one twice, or one that is not in the group.
        (&[1, 1], 1, Standing::Recorded),
        (&[1, 4], 2, Standing::Recorded),
        (&[3, 1], 2, Standing::Witnessed),
    ] {
        let judged = policy.judge(&cosigned(witnesses)).unwrap();
        assert_eq!(judged.checkpoint, checkpoint);
        assert_eq!(judged.cosigned.len(), count, "{witnesses:?}");
        assert_eq!(judged.standing, standing, "{witnesses:?}");
    }
    // Others' cosignatures are passed over; a cosignature of another checkpoint is a forgery.
    let judged = policy.judge(&cosigned(&[9, 1])).unwrap();
    assert_eq!(judged.cosigned.len(), 1);
    let moved = cosigned(&[1, 2]).replace("\n8\n", "\n9\n");
    assert!(matches!(
        policy.judge(&moved),
        Err(CheckpointError::Note(NoteError::BadSignature { .. }))
    ));
    // A checkpoint is of the log that it names, whoever of the policy has signed it too.
    let other = key("log.example/aa", KeyKind::Ed25519, 3);
    let both = TlogPolicy::parse(&format!("log {other}\nlog {}\nquorum none\n", log())).unwrap();
    let mut note = Note::new(checkpoint.to_string());
    note.sign("log.example/aa", &signer(3)).unwrap();
    let missing = Err(CheckpointError::LogSignatureMissing);
    assert_eq!(both.judge(&note.to_string()), missing);
    note.sign("log.example/cd", &signer(1)).unwrap();
    assert_eq!(both.judge(&note.to_string()).unwrap().log, log());
    // `quorum none` accepts a checkpoint, and does not make it witnessed.
    let alone = TlogPolicy::of_log(log()).unwrap();
    let judged = alone.judge(&cosigned(&[1, 2, 3])).unwrap();
    assert_eq!(judged.standing, Standing::Recorded);
}

#[test]
fn the_worked_checkpoint_is_witnessed_by_its_worked_keys() {
    const POLICY: &str = "\
log chengdu.trace.example/batches+c23fd503+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4
witness w1 chongqing.trace.example/w1+7e32a60f+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X
quorum w1
";
    let note = "\
chengdu.trace.example/batches
8
XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

\u{2014} chengdu.trace.example/batches wj/VAwR7lbUbDPLrE40Ue9wAjjZOXfawFTck6t24OPe7bz4HmkPbhIxrayKq3Kk3ZoKNb93gUvk1lYX8b+oE1zECjw8=
\u{2014} chongqing.trace.example/w1 fjKmDwAAAABpVbkAlIYGqsX+0PnJNGjLiIyBp4lQCQduvEoqm2Gxwoxg9Y6Vuqf6gmN3UY/RGowoc5GYLoG+k5JCdiaBClOuMwSfAg==
";
    let judged = TlogPolicy::parse(POLICY).unwrap().judge(note).unwrap();
    assert_eq!(judged.standing, Standing::Witnessed);
    let cosigned = Cosigned {
        witness: "chongqing.trace.example/w1".to_owned(),
        time: 1_767_225_600,
    };
    assert_eq!(judged.cosigned, [cosigned]);
}
