use super::*;
use proptest::prelude::*;
use std::path::PathBuf;

fn seed(first: u8) -> [u8; 32] {
    std::array::from_fn(|i| first + u8::try_from(i).unwrap())
}

fn array<const N: usize>(hex: &str) -> Option<[u8; N]> {
    hex::decode(hex).unwrap().try_into().ok()
}

/// A public vector file, or `None` (said aloud) where the folder is absent.
fn vectors(name: &str) -> Option<serde_json::Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/vectors/ed25519")
        .join(name);
    if let Ok(text) = std::fs::read_to_string(path) {
        Some(serde_json::from_str(&text).unwrap())
    } else {
        println!("skipped: public vectors {name} are not on this machine");
        None
    }
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Counts {
    /// Raw `verify_strict` with whatever the library decodes.
    strict: usize,
    /// The whole rule: `PublicKey::parse`, then `verify`.
    rule: usize,
}

impl Counts {
    fn add(&mut self, key: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> (bool, bool) {
        let strict = VerifyingKey::from_bytes(key).is_ok_and(|key| {
            key.verify_strict(message, &Signature::from_bytes(signature))
                .is_ok()
        });
        let rule = PublicKey::parse(key).is_ok_and(|key| key.verify(message, signature).is_ok());
        if strict && !rule {
            assert_eq!(PublicKey::parse(key), Err(KeyError::Torsion));
        }
        self.strict += usize::from(strict);
        self.rule += usize::from(rule);
        (strict, rule)
    }
}

#[test]
fn the_log_key_of_the_worked_example() {
    let key = SigningKey::from_seed(seed(0));
    assert_eq!(
        hex::encode(key.public_key().as_bytes()),
        "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8"
    );
    let id = "be5de2f4bcdc383add3fc9827d345f1a37c6a06026b38696fb3229c003b35f49";
    assert_eq!(key.public_key().key_id().to_string(), id);
    assert_eq!(KeyId::parse(id), Some(key.public_key().key_id()));
    assert_eq!(KeyId::parse(&id.to_uppercase()), None);
}

#[test]
fn a_secret_key_never_shows_its_seed() {
    let key = SigningKey::from_seed([0xab; 32]);
    assert!(!format!("{key:?}").contains("abab"));
}

#[test]
fn each_bad_key_is_refused_by_name() {
    let parse = |hex| PublicKey::parse(&array(hex).unwrap()).unwrap_err();
    let identity = "0100000000000000000000000000000000000000000000000000000000000000";
    assert_eq!(parse(identity), KeyError::SmallOrder);
    let y_is_two = "0200000000000000000000000000000000000000000000000000000000000000";
    assert_eq!(parse(y_is_two), KeyError::NotOnCurve);
    let identity_plus_p = "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f";
    assert_eq!(parse(identity_plus_p), KeyError::NotCanonical);
    // A mixed-order key of the speccheck set.
    let mixed = "cdb267ce40c5cd45306fa5d2f29731459387dbf9eb933b7bd5aed9a765b88d4d";
    assert_eq!(parse(mixed), KeyError::Torsion);
}

/// The 42 others that `verify_strict` takes have keys of mixed order.
#[test]
fn the_accept_count_of_cctv_is_pinned() {
    let Some(cases) = vectors("cctv_ed25519vectors.json") else {
        return;
    };
    let mut counts = Counts::default();
    let cases = cases.as_array().unwrap();
    for case in cases {
        let field = |name: &str| case[name].as_str().unwrap();
        counts.add(
            &array(field("key")).unwrap(),
            field("msg").as_bytes(),
            &array(field("sig")).unwrap(),
        );
    }
    assert_eq!(
        (cases.len(), counts),
        (
            914,
            Counts {
                strict: 43,
                rule: 1
            }
        )
    );
}

#[test]
fn the_accepted_cases_of_speccheck_are_pinned() {
    let Some(cases) = vectors("speccheck_cases.json") else {
        return;
    };
    let mut counts = Counts::default();
    let accepted: Vec<(bool, bool)> = cases
        .as_array()
        .unwrap()
        .iter()
        .map(|case| {
            let field = |name: &str| case[name].as_str().unwrap();
            let message = hex::decode(field("message")).unwrap();
            counts.add(
                &array(field("pub_key")).unwrap(),
                &message,
                &array(field("signature")).unwrap(),
            )
        })
        .collect();
    // Number 3, the only one `verify_strict` takes, has a mixed-order key.
    let strict: Vec<usize> = (0..accepted.len()).filter(|at| accepted[*at].0).collect();
    assert_eq!((strict, counts), (vec![3], Counts { strict: 1, rule: 0 }));
}

#[test]
fn wycheproof_verdicts_are_ours() {
    let Some(file) = vectors("wycheproof_ed25519.json") else {
        return;
    };
    let (mut valid, mut counts) = (0, Counts::default());
    for group in file["testGroups"].as_array().unwrap() {
        let key = array(group["publicKey"]["pk"].as_str().unwrap()).unwrap();
        for test in group["tests"].as_array().unwrap() {
            let message = hex::decode(test["msg"].as_str().unwrap()).unwrap();
            let wanted = test["result"] == "valid";
            valid += usize::from(wanted);
            // A signature of another length cannot even be asked about.
            let accepted = array(test["sig"].as_str().unwrap())
                .is_some_and(|signature| counts.add(&key, &message, &signature) == (true, true));
            assert_eq!(accepted, wanted, "test {}", test["tcId"]);
        }
    }
    assert_eq!(
        (valid, counts),
        (
            88,
            Counts {
                strict: 88,
                rule: 88
            }
        )
    );
}

proptest! {
    #[test]
    fn a_signature_fits_its_message_and_no_other(
        seed: [u8; 32],
        message in proptest::collection::vec(any::<u8>(), 1..200),
        at: proptest::sample::Index,
        bit in 0_u8..8,
    ) {
        let key = SigningKey::from_seed(seed);
        let signature = key.sign(&message);
        prop_assert_eq!(key.public_key().verify(&message, &signature), Ok(()));
        let mut other = message.clone();
        other[at.index(message.len())] ^= 1 << bit;
        prop_assert_eq!(key.public_key().verify(&other, &signature), Err(BadSignature));
        let mut bent = signature;
        bent[at.index(64)] ^= 1 << bit;
        prop_assert_eq!(key.public_key().verify(&message, &bent), Err(BadSignature));
        let parsed = PublicKey::parse(key.public_key().as_bytes());
        prop_assert_eq!(parsed.as_ref(), Ok(key.public_key()));
    }
}
