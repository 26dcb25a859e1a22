use super::*;
use crate::signature::SigningKey;
use coset::TaggedCborSerializable as _;
use proptest::prelude::*;

/// `{1: -8}`
const PROTECTED: &[u8] = &[0xa1, 0x01, 0x27];

fn message() -> Sign1 {
    let key = SigningKey::from_seed([1; 32]);
    let payload = b"payload".to_vec();
    Sign1 {
        payload: Some(payload.clone()),
        ..Sign1::sign_detached(&key, PROTECTED.to_vec(), &payload)
    }
}

fn with_headers(protected: &str, unprotected: &str) -> Sign1 {
    Sign1 {
        protected: hex::decode(protected).unwrap(),
        unprotected: hex::decode(unprotected).unwrap(),
        ..message()
    }
}

fn fault(message: &Sign1) -> DecodeFault {
    Sign1::decode(&message.encode()).unwrap_err().why
}

#[test]
fn the_signed_bytes_are_those_of_the_worked_example() {
    let protected = hex::decode("a2012719018b01").unwrap();
    let root = hex::decode("5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
    assert_eq!(
        hex::encode(Sign1::signed_bytes(&protected, &root.unwrap())),
        "846a5369676e61747572653147a2012719018b0140\
         58205dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"
    );
}

#[test]
fn an_empty_protected_header_is_signed_as_no_bytes() {
    assert_eq!(
        Sign1::signed_bytes(EMPTY_MAP, b"x"),
        Sign1::signed_bytes(b"", b"x")
    );
    for protected in ["", "a0"] {
        let message = with_headers(protected, "a0");
        assert_eq!(Sign1::decode(&message.encode()), Ok(message));
    }
}

#[test]
fn each_malformed_message_is_refused_by_name() {
    let good = message().encode();
    let patched = |at: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[at] = byte;
        Sign1::decode(&bytes).unwrap_err().why
    };
    assert_eq!(
        patched(0, 0xd1),
        DecodeFault::WrongType {
            expected: "tag 18, a COSE_Sign1"
        }
    );
    assert_eq!(
        patched(1, 0x83),
        DecodeFault::WrongType {
            expected: "an array of four items, a COSE_Sign1"
        }
    );
    let untagged = Sign1::decode(&good[1..]).unwrap_err();
    assert_eq!(untagged.why, DecodeFault::WrongType { expected: "a tag" });
    let trailing = [good.as_slice(), &[0]].concat();
    assert_eq!(
        Sign1::decode(&trailing).unwrap_err().why,
        DecodeFault::TrailingBytes
    );
    assert_eq!(
        fault(&with_headers("a201270127", "a0")),
        DecodeFault::DuplicateKey
    );
    assert_eq!(
        fault(&with_headers("a204400127", "a0")),
        DecodeFault::UnsortedKeys
    );
    assert_eq!(
        fault(&with_headers("a0", "a201270127")),
        DecodeFault::DuplicateKey
    );
    assert_eq!(
        fault(&with_headers("a1f40127", "a0")),
        DecodeFault::WrongType {
            expected: "an integer"
        }
    );
    assert_eq!(
        fault(&with_headers("a10fa201010100", "a0")),
        DecodeFault::DuplicateKey
    );
    assert_eq!(
        fault(&with_headers("a10ff90000", "a0")),
        DecodeFault::Unsupported
    );
    assert_eq!(
        fault(&with_headers("a1013807", "a0")),
        DecodeFault::NotShortest
    );
    assert_eq!(fault(&with_headers("a100", "a0")), DecodeFault::EndOfInput);
    let deep = format!("a100{}00", "81".repeat(DEPTH_MAX + 1));
    assert_eq!(fault(&with_headers(&deep, "a0")), DecodeFault::TooDeep);
    let mut short_signature = good[..good.len() - 66].to_vec();
    short_signature.extend_from_slice(&[0x58, 63]);
    short_signature.extend_from_slice(&[0; 63]);
    assert_eq!(
        Sign1::decode(&short_signature).unwrap_err().why,
        DecodeFault::WrongType {
            expected: "a byte string of fixed size"
        }
    );
}

#[test]
fn the_rules_between_headers_are_refused_by_name() {
    let headers = |protected, unprotected| {
        with_headers(protected, unprotected)
            .headers(&[1])
            .map(drop)
            .unwrap_err()
    };
    let label = |text: &str| text.to_owned();
    assert_eq!(
        headers("a10127", "a10126"),
        HeaderError::InBothHeaders { label: label("1") }
    );
    assert_eq!(
        headers("a1616101", "a1616102"),
        HeaderError::InBothHeaders {
            label: label("\"a\"")
        }
    );
    assert_eq!(headers("a10127", "a1028101"), HeaderError::CritUnprotected);
    assert_eq!(
        headers("a201270281186f", "a0"),
        HeaderError::CritAbsent {
            label: label("111")
        }
    );
    assert_eq!(
        headers("a202810404414b", "a0"),
        HeaderError::CritUnknown { label: label("4") }
    );
    assert_eq!(
        headers("a20281616161614100", "a0"),
        HeaderError::CritUnknown {
            label: label("\"a\"")
        }
    );
    assert_eq!(
        headers("a10280", "a0"),
        HeaderError::Decode(DecodeFault::Field("crit: an empty list").at(0))
    );
    assert!(with_headers("a20127028101", "a0").headers(&[1]).is_ok());
}

#[test]
fn labels_come_in_canonical_order_with_their_values() {
    let bytes = hex::decode("a401270441ff19018b01616101").unwrap();
    let headers = Headers::decode(&bytes).unwrap();
    let labels: Vec<_> = headers.iter().map(|(label, _)| label).collect();
    assert_eq!(
        labels,
        [
            Label::Int(1),
            Label::Int(4),
            Label::Int(395),
            Label::Text("a")
        ]
    );
    assert_eq!(headers.get(LABEL_KID), Some(&[0x41, 0xff][..]));
    assert_eq!((headers.len(), headers.is_empty()), (4, false));
}

#[test]
fn another_implementation_reads_what_we_write_and_the_other_way_round() {
    let ours = message();
    let theirs = coset::CoseSign1::from_tagged_slice(&ours.encode()).unwrap();
    assert_eq!(theirs.payload, ours.payload);
    assert_eq!(
        theirs.tbs_data(b""),
        Sign1::signed_bytes(&ours.protected, b"payload")
    );
    let key = SigningKey::from_seed([2; 32]);
    let built = coset::CoseSign1Builder::new()
        .protected(
            coset::HeaderBuilder::new()
                .algorithm(coset::iana::Algorithm::EdDSA)
                .key_id(b"kid".to_vec())
                .build(),
        )
        .payload(b"from them".to_vec())
        .create_signature(b"", |bytes| key.sign(bytes).to_vec())
        .build();
    let read = Sign1::decode(&built.to_tagged_vec().unwrap()).unwrap();
    assert_eq!(read.verify(key.public_key(), b"from them"), Ok(()));
    let (protected, unprotected) = read.headers(&[]).unwrap();
    assert_eq!(protected.get(LABEL_ALG), Some(&[0x27][..]));
    assert!(unprotected.is_empty());
}

proptest! {
    #[test]
    fn a_changed_byte_is_refused_or_changes_the_message(at: prop::sample::Index, flip in 1_u8..) {
        let good = message();
        let mut bytes = good.encode();
        let at = at.index(bytes.len());
        bytes[at] ^= flip;
        if let Ok(other) = Sign1::decode(&bytes) {
            prop_assert_eq!(other.encode(), bytes);
            let key = SigningKey::from_seed([1; 32]);
            let verdict = other.verify(key.public_key(), other.payload.as_deref().unwrap_or(b""));
            prop_assert!(verdict.is_err());
        }
    }

    #[test]
    fn any_bytes_are_refused_or_come_back(bytes: Vec<u8>) {
        if let Ok(message) = Sign1::decode(&bytes) {
            prop_assert_eq!(message.encode(), bytes);
        }
    }
}
