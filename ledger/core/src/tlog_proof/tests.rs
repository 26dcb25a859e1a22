use super::*;
use crate::hash::leaf_hash;
use crate::note::NoteKey;
use crate::tlog_policy::Standing;

/// The worked example: leaf 5 of 8, one log and one witness.
const LOG: &str = "chengdu.trace.example/batches+c23fd503+\
    AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const WITNESS: &str = "chongqing.trace.example/w1+7e32a60f+\
    BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const ENTRY: [u8; 4] = [0x40, 0x41, 0x42, 0x43];
const PATH: [&str; 3] = [
    "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
    "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
];
const CHECKPOINT: &str = "chengdu.trace.example/batches\n8\n\
XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=\n\n\
— chengdu.trace.example/batches wj/VAwR7lbUbDPLrE40Ue9wAjjZOXfawFTck6t24OPe7bz4HmkPbhIxrayKq3Kk3ZoKNb93gUvk1lYX8b+oE1zECjw8=\n\
— chongqing.trace.example/w1 fjKmDwAAAABpVbkAlIYGqsX+0PnJNGjLiIyBp4lQCQduvEoqm2Gxwoxg9Y6Vuqf6gmN3UY/RGowoc5GYLoG+k5JCdiaBClOuMwSfAg==\n";

fn example() -> TlogProof {
    TlogProof {
        extra: None,
        leaf: LeafIndex(5),
        path: PATH.map(|hex| Digest::from_hex(hex).unwrap()).to_vec(),
        checkpoint: CHECKPOINT.to_owned(),
    }
}

fn policy(lines: &str) -> TlogPolicy {
    TlogPolicy::parse(&format!("log {LOG}\nwitness w {WITNESS}\n{lines}\n")).unwrap()
}

fn fault(text: &str) -> TlogProofError {
    TlogProof::parse(text.as_bytes()).unwrap_err()
}

#[test]
fn the_worked_example_is_made_bit_for_bit_and_verified() {
    let text = example().to_string();
    let digest = "1ccbf6cdb668c6a85ed19b74591e2af300f7b61c0449a68e02de4e9a98939545";
    assert_eq!(Digest::of(text.as_bytes()).to_string(), digest);
    let proof = TlogProof::parse(text.as_bytes()).unwrap();
    assert_eq!(proof, example());
    let judged = proof.verify(leaf_hash(&ENTRY), &policy("quorum w"));
    let judged = judged.unwrap();
    assert_eq!(judged.standing, Standing::Witnessed);
    assert_eq!(judged.cosigned[0].time, 1_767_225_600);
    let judged = proof.verify(leaf_hash(&ENTRY), &policy("quorum none"));
    assert_eq!(judged.unwrap().standing, Standing::Recorded);
}

#[test]
fn extra_is_kept_and_vouched_for_by_nobody() {
    let with = TlogProof {
        extra: Some(ENTRY.to_vec()),
        ..example()
    };
    let text = with.to_string();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nextra QEFCQw==\nindex 5\n"));
    assert_eq!(TlogProof::parse(text.as_bytes()), Ok(with));
}

#[test]
fn a_proof_for_another_entry_place_or_log_proves_nothing() {
    let policy = policy("quorum w");
    let hash = leaf_hash(&ENTRY);
    let path = |proof: TlogProof, hash| proof.verify(hash, &policy).unwrap_err().name();
    assert_eq!(path(example(), leaf_hash(b"other")), "path");
    let moved = TlogProof {
        leaf: LeafIndex(4),
        ..example()
    };
    assert_eq!(path(moved, hash), "path");
    let mut short = example();
    short.path.pop();
    assert_eq!(path(short, hash), "path");
    let checkpoint = CHECKPOINT.replacen("\n8\n", "\n7\n", 1);
    let resized = TlogProof {
        checkpoint,
        ..example()
    };
    assert_eq!(path(resized, hash), "checkpoint");
    let other = NoteKey::parse(LOG).unwrap();
    let other = NoteKey::new("other.example", other.kind(), other.public_key().clone()).unwrap();
    let other = TlogPolicy::of_log(other).unwrap();
    let error = example().verify(hash, &other).unwrap_err();
    assert_eq!(error.name(), "log-unknown");
}

#[test]
fn each_second_spelling_is_refused_at_its_line() {
    let good = example().to_string();
    let first = "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms=\n";
    assert!(good.contains(first));
    for (from, to, line) in [
        ("@v1\n", "@v2\n", 1),
        ("index 5", "index 05", 2),
        ("index 5", "index +5", 2),
        ("index 5", "index 9223372036854775808", 2),
        ("index 5\n", "", 2),
        ("index 5", "extra !\nindex 5", 2),
        ("index 5", "extra QQ==\nextra QQ==\nindex 5", 3),
        ("index 5\n", "index 5\r\n", 2),
        (first, "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnms\n", 3),
        (first, "vBoGQ7EuTS18d5GPROD095qDi2z57FtcKD4fTYhZnmt=\n", 3),
        (first, "QQ==\n", 3),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert_eq!(fault(&bad), TlogProofError::Malformed { line }, "{to:?}");
    }
    let long = good.replacen(first, &first.repeat(61), 1);
    assert_eq!(TlogProof::parse(long.as_bytes()).unwrap().path.len(), 63);
    let longer = good.replacen(first, &first.repeat(62), 1);
    assert_eq!(fault(&longer), TlogProofError::Malformed { line: 66 });
    let cut = &good[..good.find("\n\n").unwrap() + 1];
    assert_eq!(fault(cut), TlogProofError::Malformed { line: 6 });
    let unsigned = &good[..good.find("\n— ").unwrap()];
    assert!(matches!(fault(unsigned), TlogProofError::Checkpoint(_)));
    let large = good + &" ".repeat(TLOG_PROOF_BYTES_MAX);
    let limit_bytes = TLOG_PROOF_BYTES_MAX;
    assert_eq!(fault(&large), TlogProofError::TooLarge { limit_bytes });
}
