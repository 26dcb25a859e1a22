use super::*;
use crate::hash::leaf_hash;
use crate::merkle::Frontier;
use crate::note::NoteError;
use crate::signature::SigningKey;

const ORIGIN: &str = "chengdu.trace.example/batches";
const WITNESS: &str = "chongqing.trace.example/w1";

/// Seeds of the published worked example.
fn signer(first: u8) -> SigningKey {
    SigningKey::from_seed(std::array::from_fn(|at| first + u8::try_from(at).unwrap()))
}

fn log_key(name: &str) -> NoteKey {
    NoteKey::new(name, KeyKind::Ed25519, signer(0).public_key().clone()).unwrap()
}

fn hex(text: &str) -> Digest {
    Digest::from_hex(text).unwrap()
}

/// The published worked tree, cut after `size` leaves.
fn root(size: u64) -> Digest {
    let leaves = [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ];
    let mut frontier = Frontier::new();
    for leaf in leaves.iter().take(usize::try_from(size).unwrap()) {
        frontier.push(leaf_hash(&hex::decode(leaf).unwrap()));
    }
    frontier.root()
}

fn checkpoint(size: u64) -> Checkpoint {
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: TreeSize(size),
        root: root(size),
    }
}

/// The published proof that 6 leaves grew to 8.
fn proof_6_to_8() -> Vec<Digest> {
    vec![
        hex("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a"),
        hex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0"),
        hex("d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7"),
    ]
}

fn request(old: u64, proof: &[Digest], new: &Checkpoint) -> AddCheckpoint {
    AddCheckpoint {
        old: TreeSize(old),
        proof: proof.to_vec(),
        checkpoint: SignedCheckpoint::parse(&new.sign(&signer(0))).unwrap(),
    }
}

/// What a witness of that log says, having cosigned `latest`.
fn answer(request: &AddCheckpoint, latest: Option<&Checkpoint>) -> Result<Consistent, Refusal> {
    Watched::new(vec![log_key(ORIGIN)])
        .unwrap()
        .authenticate(AddCheckpoint::parse(&request.to_string())?)?
        .follows(latest)
}

#[test]
fn the_worked_checkpoint_gets_the_worked_cosignature() {
    let first = answer(&request(0, &[], &checkpoint(8)), None).unwrap();
    let grown = answer(
        &request(6, &proof_6_to_8(), &checkpoint(8)),
        Some(&checkpoint(6)),
    );
    let again = answer(&request(8, &[], &checkpoint(8)), Some(&checkpoint(8)));
    for consistent in [first, grown.unwrap(), again.unwrap()] {
        let cosigned = consistent
            .cosign(WITNESS, &signer(0x20), 1_767_225_600)
            .unwrap();
        assert_eq!(
            cosigned.line,
            "\u{2014} chongqing.trace.example/w1 fjKmDwAAAABpVbkAlIYGqsX+0PnJNGjLiIyBp4lQCQduvEoq\
             m2Gxwoxg9Y6Vuqf6gmN3UY/RGowoc5GYLoG+k5JCdiaBClOuMwSfAg==\n"
        );
        assert_eq!(
            Digest::of(cosigned.note.as_bytes()).to_string(),
            "bb49180ca1ae2425491db4be42158a5284913c7df4fe1b9fc0ce5ec9d43f9650"
        );
        assert_eq!(cosigned.checkpoint, checkpoint(8));
    }
}

#[test]
fn each_condition_has_its_name_and_status() {
    let (six, eight) = (checkpoint(6), checkpoint(8));
    let with = |change: &dyn Fn(&mut Checkpoint)| {
        let mut checkpoint = eight.clone();
        change(&mut checkpoint);
        checkpoint
    };
    let elsewhere = with(&|one| one.origin = "chengdu.trace.example/other".to_owned());
    let other_root = with(&|one| one.root = Digest([1; 32]));
    let mut swapped = proof_6_to_8();
    swapped.swap(0, 1);
    let size = TreeSize(6);
    for (request, latest, refusal, status) in [
        (
            request(0, &[], &elsewhere),
            None,
            Refusal::OriginUnknown {
                origin: elsewhere.origin.clone(),
            },
            404,
        ),
        (
            request(9, &[], &eight),
            Some(&six),
            Refusal::OldSizeBeyond {
                old: TreeSize(9),
                size: TreeSize(8),
            },
            400,
        ),
        (
            request(0, &[], &eight),
            Some(&six),
            Refusal::OldSize { size },
            409,
        ),
        (
            request(7, &[], &eight),
            Some(&six),
            Refusal::OldSize { size },
            409,
        ),
        // A log that went back hears how far it had come.
        (
            request(0, &[], &six),
            Some(&eight),
            Refusal::OldSize { size: TreeSize(8) },
            409,
        ),
        (
            request(6, &[], &eight),
            None,
            Refusal::OldSize { size: TreeSize(0) },
            409,
        ),
        (
            request(0, &proof_6_to_8(), &eight),
            None,
            Refusal::ProofUnasked { got: 3 },
            422,
        ),
        (
            request(8, &[], &other_root),
            Some(&eight),
            Refusal::RootChanged { size: TreeSize(8) },
            422,
        ),
        (
            request(6, &proof_6_to_8(), &other_root),
            Some(&six),
            Refusal::Inconsistent(ProofError::RootMismatch),
            422,
        ),
        (
            request(6, &swapped, &eight),
            Some(&six),
            Refusal::Inconsistent(ProofError::OldRootMismatch),
            422,
        ),
        (
            request(6, &proof_6_to_8()[..2], &eight),
            Some(&six),
            Refusal::Inconsistent(ProofError::PathLength { got: 2, want: 3 }),
            422,
        ),
        (
            request(8, &proof_6_to_8(), &eight),
            Some(&eight),
            Refusal::Inconsistent(ProofError::PathLength { got: 3, want: 0 }),
            422,
        ),
        (
            request(
                0,
                &[],
                &Checkpoint {
                    root: Digest([1; 32]),
                    ..checkpoint(0)
                },
            ),
            None,
            Refusal::EmptyRoot,
            422,
        ),
    ] {
        assert_eq!(answer(&request, latest), Err(refusal.clone()), "{request}");
        assert_eq!(refusal.status(), status, "{refusal}");
    }
    assert!(answer(&request(0, &[], &checkpoint(0)), None).is_ok());
}

#[test]
fn only_a_key_trusted_for_the_log_speaks_for_it() {
    let eight = checkpoint(8);
    let stranger = SignedCheckpoint::parse(&eight.sign(&signer(0x60))).unwrap();
    let unsigned = AddCheckpoint {
        checkpoint: stranger,
        ..request(0, &[], &eight)
    };
    let refusal = answer(&unsigned, None).unwrap_err();
    assert_eq!(
        (refusal.status(), refusal),
        (403, Refusal::Unsigned(NoteError::Unsigned.into()))
    );
    // The right key's name and id over another text.
    let forged = request(0, &[], &eight)
        .to_string()
        .replace("\n8\n", "\n9\n");
    let forged = AddCheckpoint::parse(&forged).unwrap();
    let refusal = answer(&forged, None).unwrap_err();
    let name = ORIGIN.to_owned();
    let failing = NoteError::BadSignature { name };
    assert_eq!(
        (refusal.status(), refusal),
        (403, Refusal::Unsigned(failing.into()))
    );
    // Cosignatures of others are not passed on under this witness's name.
    let mut busy = request(0, &[], &eight);
    busy.checkpoint
        .cosign("w2.example", &signer(0x60), 5)
        .unwrap();
    let cosigned = answer(&busy, None).unwrap();
    let note = cosigned.cosign(WITNESS, &signer(0x20), 7).unwrap().note;
    assert_eq!(note.matches('\u{2014}').count(), 2);
}

#[test]
fn a_malformed_request_is_refused_by_line() {
    let good = request(6, &proof_6_to_8(), &checkpoint(8)).to_string();
    assert_eq!(AddCheckpoint::parse(&good).unwrap().to_string(), good);
    let without_hash = good.lines().skip(1).collect::<Vec<_>>().join("\n");
    for (body, refusal) in [
        (String::new(), Refusal::Malformed { line: 1 }),
        (without_hash, Refusal::Malformed { line: 1 }),
        (
            good.replace("old 6", "old 06"),
            Refusal::Malformed { line: 1 },
        ),
        (
            good.replace("old 6", "old  6"),
            Refusal::Malformed { line: 1 },
        ),
        (
            good.replace("old 6", "old -6"),
            Refusal::Malformed { line: 1 },
        ),
        (
            good.replace("old 6\n", "old 6\r\n"),
            Refusal::Malformed { line: 1 },
        ),
        ("old 6".to_owned(), Refusal::Malformed { line: 1 }),
        ("old 6\n".to_owned(), Refusal::Malformed { line: 2 }),
        ("old 6\nAAAA\n\n".to_owned(), Refusal::Malformed { line: 2 }),
        (
            format!("old 6\n{}\n", "A".repeat(REQUEST_BYTES_MAX)),
            Refusal::TooLarge {
                limit: REQUEST_BYTES_MAX,
                unit: "bytes",
            },
        ),
        (
            request(6, &[Digest([0; 32]); 64], &checkpoint(8)).to_string(),
            Refusal::TooLarge {
                limit: PROOF_HASHES_MAX,
                unit: "proof lines",
            },
        ),
        (
            "old 0\n\nno checkpoint\n".to_owned(),
            Refusal::CheckpointMalformed(NoteError::NoSignatures.into()),
        ),
    ] {
        let found = AddCheckpoint::parse(&body).unwrap_err();
        assert_eq!(found.status(), 400);
        assert_eq!(found, refusal, "{body}");
    }
}

#[test]
fn a_watched_log_may_have_several_keys_and_a_witness_is_no_log() {
    let second = NoteKey::new(ORIGIN, KeyKind::Ed25519, signer(0x40).public_key().clone()).unwrap();
    let other = log_key("chengdu.trace.example/other");
    let watched = Watched::new(vec![log_key(ORIGIN), other.clone(), second]).unwrap();
    assert_eq!(
        watched.origins().collect::<Vec<_>>(),
        [ORIGIN, other.name()]
    );
    let rotated = AddCheckpoint {
        checkpoint: SignedCheckpoint::parse(&checkpoint(8).sign(&signer(0x40))).unwrap(),
        ..request(0, &[], &checkpoint(8))
    };
    assert_eq!(watched.authenticate(rotated).unwrap().origin(), ORIGIN);
    let cosigner = NoteKey::new(
        WITNESS,
        KeyKind::Cosignature,
        signer(0x20).public_key().clone(),
    )
    .unwrap();
    let name = WITNESS.to_owned();
    assert_eq!(
        Watched::new(vec![cosigner]).unwrap_err(),
        WatchedError::KeyKind { name }
    );
}
