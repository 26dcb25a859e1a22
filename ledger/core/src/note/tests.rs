use super::*;
use crate::signature::SigningKey;
use proptest::prelude::*;

fn signer(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn key(name: &str, kind: KeyKind, signer: &SigningKey) -> NoteKey {
    NoteKey::new(name, kind, signer.public_key().clone()).unwrap()
}

fn signed() -> (Note, NoteKey, NoteKey) {
    let (log, witness) = (signer(1), signer(2));
    let mut note = Note::new("line one\n\nline two\n".to_owned());
    note.sign("log.example", &log).unwrap();
    note.cosign("witness.example", &witness, 7).unwrap();
    (
        note,
        key("log.example", KeyKind::Ed25519, &log),
        key("witness.example", KeyKind::Cosignature, &witness),
    )
}

#[test]
fn a_note_comes_back_with_who_signed_and_when() {
    let (note, log, witness) = signed();
    let read = Note::parse(&note.to_string()).unwrap();
    assert_eq!(read, note);
    let known = [witness, log];
    assert_eq!(
        read.verify(&known),
        Ok(vec![
            Signed {
                key: &known[1],
                time: None
            },
            Signed {
                key: &known[0],
                time: Some(7)
            }
        ])
    );
}

#[test]
fn unknown_keys_are_passed_over_and_known_ones_must_verify() {
    let (note, log, _) = signed();
    let only_log = [log];
    assert_eq!(note.verify(&only_log).unwrap().len(), 1);
    assert_eq!(note.verify(&[]), Err(NoteError::Unsigned));
    let mut forged = note.clone();
    forged.lines[0].signature[0] ^= 1;
    let name = "log.example".to_owned();
    assert_eq!(
        forged.verify(&only_log),
        Err(NoteError::BadSignature { name })
    );
    // The same name with another key is another, unknown key.
    let stranger = [key("log.example", KeyKind::Ed25519, &signer(3))];
    assert_eq!(note.verify(&stranger), Err(NoteError::Unsigned));
}

#[test]
fn a_key_that_signed_twice_counts_once() {
    let (mut note, log, _) = signed();
    note.sign("log.example", &signer(1)).unwrap();
    assert_eq!(note.verify(&[log]).unwrap().len(), 1);
}

#[test]
fn a_cosignature_at_time_zero_is_refused() {
    let (mut note, _, witness) = signed();
    note.lines.clear();
    note.cosign("witness.example", &signer(2), 0).unwrap();
    let name = "witness.example".to_owned();
    assert_eq!(
        note.verify(&[witness]),
        Err(NoteError::BadSignature { name })
    );
}

#[test]
fn each_malformed_note_is_refused_by_name() {
    let parse = |text: &str| Note::parse(text).unwrap_err();
    let good = signed().0.to_string();
    assert_eq!(parse("text\n"), NoteError::NoSignatures);
    assert_eq!(parse("text\n\n"), NoteError::NoSignatures);
    assert_eq!(parse(good.trim_end()), NoteError::NoSignatures);
    assert_eq!(
        parse(&good.replace("one", "o\re")),
        NoteError::ControlCharacter { at: 6 }
    );
    for line in [
        "- a AAAAAAA=",
        "\u{2014} a",
        "\u{2014} a AAAAAA",
        "\u{2014} a AAAAAA==",
        "\u{2014} a+b AAAAAAA=",
        "",
    ] {
        let text = format!("text\n\n\u{2014} ok AAAAAAA=\n{line}\n");
        let want = if line.is_empty() {
            // The empty line is then the last blank one.
            NoteError::NoSignatures
        } else {
            NoteError::SignatureLine { line: 2 }
        };
        assert_eq!(parse(&text), want, "{line}");
    }
    let many = |count| format!("text\n\n{}", "\u{2014} a AAAAAAA=\n".repeat(count));
    assert!(Note::parse(&many(SIGNATURES_MAX)).is_ok());
    assert_eq!(
        parse(&many(SIGNATURES_MAX + 1)),
        NoteError::TooLarge {
            limit: SIGNATURES_MAX,
            unit: "signatures"
        }
    );
    assert_eq!(
        parse(&"a".repeat(NOTE_BYTES_MAX + 1)),
        NoteError::TooLarge {
            limit: NOTE_BYTES_MAX,
            unit: "bytes"
        }
    );
}

#[test]
fn verifier_keys_have_one_spelling_and_each_fault_its_name() {
    let good =
        "chengdu.trace.example/batches+c23fd503+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4";
    assert_eq!(NoteKey::parse(good).unwrap().to_string(), good);
    let parse = |text: &str| NoteKey::parse(text).unwrap_err();
    assert_eq!(parse("name+c23fd503"), NoteError::KeyText);
    assert_eq!(parse(&good.replace("c23f", "c23e")), NoteError::KeyId);
    assert_eq!(parse(&good.replace("c23f", "C23F")), NoteError::KeyId);
    assert_eq!(
        parse(&good.replace("+AQ", "+Ag")),
        NoteError::KeyKind { kind: 2 }
    );
    assert_eq!(
        parse(&good.replace("chengdu.", "cheng du.")),
        NoteError::KeyName {
            name: "cheng du.trace.example/batches".to_owned()
        }
    );
    assert_eq!(
        parse("a+00000000+AQEAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"),
        NoteError::Key(KeyError::SmallOrder)
    );
}

proptest! {
    #[test]
    fn a_changed_byte_never_passes_for_the_signed_text(at: prop::sample::Index, flip in 1_u8..) {
        let (note, log, witness) = signed();
        let known = [log, witness];
        let mut bytes = note.to_string().into_bytes();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Some(read) = String::from_utf8(bytes).ok().and_then(|text| Note::parse(&text).ok())
            && read.verify(&known).is_ok()
        {
            prop_assert_eq!(read.text(), note.text());
        }
    }

    #[test]
    fn any_text_is_refused_or_comes_back(text in "(\\PC|\n|— a AAAAAAA=\n){0,20}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert_eq!(note.to_string(), text);
        }
    }
}

#[test]
fn cosignatures_are_taken_over_once_verified_and_replace_older_ones() {
    let (mut note, log, witness) = signed();
    let known = [log, witness.clone()];
    let mut later = note.clone();
    later.cosign("witness.example", &signer(2), 9).unwrap();
    later.cosign("stranger.example", &signer(3), 9).unwrap();
    later.retain_by(&[key("stranger.example", KeyKind::Cosignature, &signer(3))]);
    let stranger = later.lines_by(&[key("stranger.example", KeyKind::Cosignature, &signer(3))]);
    let mut fresh = Note::new(note.text().to_owned());
    fresh.cosign("witness.example", &signer(2), 9).unwrap();
    let line = fresh.lines_by(&[witness]);

    // Lines by nobody known are no answer; beside a known one they are dropped.
    assert_eq!(note.adopt(&stranger, &known), Err(NoteError::Unsigned));
    let adopted = note.adopt(&format!("{stranger}{line}"), &known).unwrap();
    assert_eq!((adopted.len(), adopted[0].time), (1, Some(9)));
    assert_eq!(note.to_string().matches('\u{2014}').count(), 2);
    let times: Vec<_> = note
        .verify(&known)
        .unwrap()
        .iter()
        .map(|one| one.time)
        .collect();
    assert_eq!(times, [None, Some(9)]);

    // A cosignature of another text is refused, and nothing is taken over.
    let mut other = Note::new("another\n".to_owned());
    other.cosign("witness.example", &signer(2), 10).unwrap();
    let before = note.clone();
    let refused = note.adopt(&other.lines_by(&known), &known);
    let name = "witness.example".to_owned();
    assert_eq!(refused, Err(NoteError::BadSignature { name }));
    assert_eq!(note, before);
}
