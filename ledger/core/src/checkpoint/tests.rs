use super::*;
use crate::signature::SigningKey;

const LOG: &str =
    "chengdu.trace.example/batches+c23fd503+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
const WITNESS: &str =
    "chongqing.trace.example/w1+7e32a60f+BCmsuuFBvMrwsi4alNNNC8c2HlJtC/4SyJeUvJMilm3X";
const FILE: &str = "\
chengdu.trace.example/batches
8
XcnaeacGWamtVZy3Ad7ZoqudgjqtL0lgz+Nw7/RgQyg=

\u{2014} chengdu.trace.example/batches wj/VAwR7lbUbDPLrE40Ue9wAjjZOXfawFTck6t24OPe7bz4HmkPbhIxrayKq3Kk3ZoKNb93gUvk1lYX8b+oE1zECjw8=
\u{2014} chongqing.trace.example/w1 fjKmDwAAAABpVbkAlIYGqsX+0PnJNGjLiIyBp4lQCQduvEoqm2Gxwoxg9Y6Vuqf6gmN3UY/RGowoc5GYLoG+k5JCdiaBClOuMwSfAg==
";

fn signer(first: u8) -> SigningKey {
    SigningKey::from_seed(std::array::from_fn(|at| first + u8::try_from(at).unwrap()))
}

fn worked() -> Checkpoint {
    Checkpoint {
        origin: "chengdu.trace.example/batches".to_owned(),
        size: TreeSize(8),
        root: Digest::from_hex("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328")
            .unwrap(),
    }
}

#[test]
fn the_worked_example_is_made_bit_for_bit_and_verified() {
    assert_eq!(FILE.len(), 341);
    assert_eq!(
        Digest::of(FILE.as_bytes()).to_string(),
        "bb49180ca1ae2425491db4be42158a5284913c7df4fe1b9fc0ce5ec9d43f9650"
    );
    let mut made = SignedCheckpoint::parse(&worked().sign(&signer(0))).unwrap();
    made.cosign("chongqing.trace.example/w1", &signer(0x20), 1_767_225_600)
        .unwrap();
    assert_eq!(made.to_string(), FILE);
    let known = [
        NoteKey::parse(WITNESS).unwrap(),
        NoteKey::parse(LOG).unwrap(),
    ];
    assert_eq!(
        made.verify(&known),
        Ok((
            &worked(),
            vec![
                Signed {
                    key: &known[1],
                    time: None
                },
                Signed {
                    key: &known[0],
                    time: Some(1_767_225_600)
                }
            ]
        ))
    );
    let log = signer(0);
    assert_eq!(
        Checkpoint::verify(FILE, &worked().origin, log.public_key()),
        Ok(worked())
    );
}

#[test]
fn each_refusal_has_its_name() {
    let log = signer(0);
    let verify =
        |file: &str, origin: &str| Checkpoint::verify(file, origin, log.public_key()).unwrap_err();
    assert_eq!(
        verify(FILE, "other.example"),
        CheckpointError::Origin {
            found: worked().origin,
            want: "other.example".to_owned()
        }
    );
    let name = worked().origin;
    assert_eq!(
        verify(&FILE.replace("\n8\n", "\n9\n"), &worked().origin),
        CheckpointError::Note(NoteError::BadSignature { name })
    );
    assert_eq!(
        verify(&worked().sign(&signer(1)), &worked().origin),
        CheckpointError::Note(NoteError::Unsigned)
    );
    let mut note = Note::new(worked().to_string());
    note.cosign("chongqing.trace.example/w1", &signer(0x20), 1)
        .unwrap();
    let known = [
        NoteKey::parse(WITNESS).unwrap(),
        NoteKey::parse(LOG).unwrap(),
    ];
    let witnessed_only = SignedCheckpoint::parse(&note.to_string()).unwrap();
    assert_eq!(
        witnessed_only.verify(&known),
        Err(CheckpointError::LogSignatureMissing)
    );
}

#[test]
fn a_text_has_one_spelling() {
    let text = worked().to_string();
    assert_eq!(Checkpoint::parse(&text), Ok(worked()));
    assert_eq!(
        Checkpoint::parse(&format!("{text}an extension\n")),
        Ok(worked())
    );
    for (bad, line) in [
        (text.replace("chengdu.trace.example/batches", ""), 1),
        (text.replace("\n8\n", "\n08\n"), 2),
        (text.replace("\n8\n", "\n+8\n"), 2),
        (text.replace("\n8\n", "\n18446744073709551616\n"), 2),
        (text.replace("Xcna", "Xcn"), 3),
        (text.replace("Qyg=", "Qyh="), 3),
        (text.trim_end().to_owned(), 3),
        (format!("{text}\n"), 4),
        (format!("{text}an extension"), 4),
    ] {
        assert_eq!(
            Checkpoint::parse(&bad),
            Err(CheckpointError::Malformed { line }),
            "{bad}"
        );
    }
}
