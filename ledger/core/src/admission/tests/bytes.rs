//! Statements whose bytes, signature or disclosures are not in order.

use super::*;
use crate::cbor::{DEPTH_MAX, DecodeFault, Value, Writer};
use crate::disclosure::{
    Class, DISCLOSURE_BYTES_MAX, DISCLOSURES_MAX, Disclosure, Part, Salt, WITHHELD,
};
use crate::statement::{ENTRY_BYTES_MAX, LABEL_DISCLOSURES, STATEMENT_BYTES_MAX};

/// The statement's bytes after `change`, signed again by `member`.
fn resigned(
    statement: &SignedStatement,
    member: &Member,
    change: impl FnOnce(&mut Sign1),
) -> Vec<u8> {
    let mut whole = Sign1::decode(&statement.encode()).unwrap();
    change(&mut whole);
    let payload = whole.payload.clone().unwrap();
    let signed = Sign1::sign_detached(&member.key, whole.protected.clone(), &payload);
    whole.signature = signed.signature;
    whole.encode()
}

fn replace(bytes: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let at = bytes
        .windows(old.len())
        .position(|window| window == old)
        .unwrap();
    [&bytes[..at], new, &bytes[at + old.len()..]].concat()
}

/// A statement around one disclosure of these raw bytes.
fn around(world: &mut World, maker: &Member, disclosure: &[u8]) -> Vec<u8> {
    let statement = shipped(world, maker);
    let mut writer = Writer::new();
    writer.map(1).int(LABEL_DISCLOSURES).array(1);
    writer.array(3).uint(0).byte_string(disclosure).array(0);
    resigned(&statement, maker, |whole| {
        whole.unprotected = writer.finish();
    })
}

/// Where a lone disclosure's byte string starts in the unprotected header: after the map, the
/// five bytes of the label, two arrays and the index.
const DISCLOSURE_AT: usize = 9;

/// `[salt, {"type": `, then these bytes, then `}]`.
fn disclosure_with(value: &[u8]) -> Vec<u8> {
    let mut writer = Writer::new();
    writer
        .array(2)
        .byte_string(&[7; 16])
        .map(1)
        .text("type")
        .raw(value);
    writer.finish()
}

/// Offset of what stands under `"type"` in [`disclosure_with`].
const TYPE_VALUE_AT: usize = 1 + 17 + 1 + 5;

fn malformed(fault: DecodeFault, offset: usize) -> RejectReason {
    RejectReason::Malformed(fault.at(offset))
}

pub(super) fn an_algorithm_other_than_ed25519() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    // The label's value follows the map's head and the label: -7, ES256.
    let bytes = resigned(&statement, &maker, |whole| whole.protected[2] = 0x26);
    let want = RejectReason::AlgorithmUnsupported { algorithm: -7 };
    refused_bytes(&mut world, &bytes, &want)
}

#[test]
fn both_numbers_of_ed25519_are_admitted() {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let bytes = resigned(&statement, &maker, |whole| whole.protected[2] = 0x32);
    let statement = SignedStatement::parse(&bytes).unwrap();
    assert_eq!(statement.header().algorithm, -19);
    admitted_at(&mut world, statement);
}

pub(super) fn meant_for_another_log() -> RejectReason {
    let (mut world, maker) = scene();
    let said = shipped(&mut world, &maker);
    let other = ["other.example/log"];
    let statement = said_for(&mut world, &said, &maker, maker.handle, &other);
    let want = RejectReason::AudienceWrong {
        found: vec!["other.example/log".to_owned()],
        want: ORIGIN.to_owned(),
    };
    refused(&mut world, statement, &want)
}

pub(super) fn meant_for_several_other_logs() -> RejectReason {
    let (mut world, maker) = scene();
    let said = shipped(&mut world, &maker);
    let others = ["a.example/log", "b.example/log"];
    let statement = said_for(&mut world, &said, &maker, maker.handle, &others);
    let want = RejectReason::AudienceWrong {
        found: others.map(str::to_owned).to_vec(),
        want: ORIGIN.to_owned(),
    };
    refused(&mut world, statement, &want)
}

#[test]
fn a_statement_for_several_logs_is_admitted_by_each() {
    let (mut world, maker) = scene();
    let said = shipped(&mut world, &maker);
    let both = ["other.example/log", ORIGIN];
    let statement = said_for(&mut world, &said, &maker, maker.handle, &both);
    let read = SignedStatement::parse(&statement.encode()).unwrap();
    assert_eq!(read, statement);
    admitted_at(&mut world, read);
}

pub(super) fn too_many_audiences() -> RejectReason {
    let (mut world, maker) = scene();
    let said = shipped(&mut world, &maker);
    let nine = [ORIGIN; 9];
    let statement = said_for(&mut world, &said, &maker, maker.handle, &nine);
    let protected = Sign1::decode(&statement.encode()).unwrap().protected;
    let at = protected
        .windows(2)
        .position(|two| two == [0x89, 0x77])
        .unwrap();
    let want = malformed(DecodeFault::Field("aud: one text, or two to eight"), at);
    refused_bytes(&mut world, &statement.encode(), &want)
}

pub(super) fn a_capture_id_of_another_length() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let Issuer::Participant { capture, .. } = statement.header().issuer else {
        panic!("a participant's")
    };
    let text = capture.to_string();
    let protected = Sign1::decode(&statement.encode()).unwrap().protected;
    let at = protected
        .windows(22)
        .position(|all| all == text.as_bytes())
        .unwrap()
        - 1;
    let short = &text[..21];
    let old = [&[0x76], text.as_bytes()].concat();
    let new = [&[0x75], short.as_bytes()].concat();
    let bytes = resigned(&statement, &maker, |whole| {
        whole.protected = replace(&whole.protected, &old, &new);
    });
    let want = malformed(DecodeFault::Field("sub: 22 base64url characters"), at);
    refused_bytes(&mut world, &bytes, &want)
}

pub(super) fn an_unknown_content_type() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let bytes = resigned(&statement, &maker, |whole| {
        whole.protected = replace(&whole.protected, b"suyuan.events", b"suyuan.evenst");
    });
    let found = "application/vnd.suyuan.evenst+cbor".to_owned();
    refused_bytes(
        &mut world,
        &bytes,
        &RejectReason::ContentTypeUnknown { found },
    )
}

pub(super) fn a_part_not_delivered() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let mut disclosed = statement.disclosed().to_vec();
    assert_eq!(disclosed[0].parts.len(), 1, "the quantity is withheld");
    disclosed[0].parts.clear();
    let want = RejectReason::Disclosure {
        index: 0,
        why: DisclosureError::PartMissing,
    };
    refused(&mut world, statement.with_disclosures(disclosed), &want)
}

pub(super) fn a_part_of_another_disclosure() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let mut disclosed = statement.disclosed().to_vec();
    disclosed[0]
        .parts
        .push(Part::seal(world.salt(), Map::new(), Class::Confidential));
    let want = RejectReason::Disclosure {
        index: 0,
        why: DisclosureError::PartUnmatched,
    };
    refused(&mut world, statement.with_disclosures(disclosed), &want)
}

pub(super) fn a_malformed_list_of_parts() -> RejectReason {
    let (mut world, maker) = scene();
    let map: Map = [(WITHHELD, Value::Array(vec![]))].into_iter().collect();
    let disclosure = Disclosure::seal(world.salt(), map);
    let disclosed = Disclosed {
        index: 0,
        disclosure,
        parts: vec![],
    };
    let statement = world.disclosures(&maker, vec![disclosed]);
    let want = RejectReason::Disclosure {
        index: 0,
        why: DisclosureError::MalformedList,
    };
    refused(&mut world, statement, &want)
}

pub(super) fn a_field_that_stands_twice() -> RejectReason {
    let (mut world, maker) = scene();
    let field: Map = [("type", Value::from("ObjectEvent"))].into_iter().collect();
    let part = Part::seal(world.salt(), field.clone(), Class::Confidential);
    let mut map = field;
    map.insert(WITHHELD, vec![Value::Bytes(part.digest().0.to_vec())]);
    let disclosure = Disclosure::seal(world.salt(), map);
    let disclosed = Disclosed {
        index: 0,
        disclosure,
        parts: vec![part],
    };
    let statement = world.disclosures(&maker, vec![disclosed]);
    let want = RejectReason::Disclosure {
        index: 0,
        why: DisclosureError::FieldTwice,
    };
    refused(&mut world, statement, &want)
}

pub(super) fn disclosures_not_delivered() -> RejectReason {
    let (mut world, maker) = scene();
    let entry = shipped(&mut world, &maker).entry().to_vec();
    let want = RejectReason::DisclosureCount { found: 0, want: 1 };
    refused_bytes(&mut world, &entry, &want)
}

pub(super) fn a_disclosure_too_many() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let mut disclosed = statement.disclosed().to_vec();
    disclosed.push(Disclosed {
        index: 1,
        ..disclosed[0].clone()
    });
    let want = RejectReason::DisclosureCount { found: 2, want: 1 };
    refused(&mut world, statement.with_disclosures(disclosed), &want)
}

pub(super) fn disclosures_that_skip_an_index() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let mut disclosed = statement.disclosed().to_vec();
    disclosed[0].index = 1;
    let want = RejectReason::DisclosureCount { found: 1, want: 1 };
    refused(&mut world, statement.with_disclosures(disclosed), &want)
}

pub(super) fn a_disclosure_that_does_not_match() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let other = shipped(&mut world, &maker);
    let swapped = statement.with_disclosures(other.disclosed().to_vec());
    refused(&mut world, swapped, &RejectReason::DisclosureMismatch)
}

pub(super) fn a_salt_of_zeros() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let mut disclosed = statement.disclosed().to_vec();
    let map = disclosed[0].disclosure.map().clone();
    disclosed[0].disclosure = Disclosure::seal(Salt([0; 16]), map);
    let statement = world.disclosures(&maker, disclosed);
    refused(&mut world, statement, &RejectReason::SaltWeak)
}

pub(super) fn a_repeated_salt() -> RejectReason {
    let (mut world, maker) = scene();
    let mut disclosed = Vec::new();
    for index in 0..2 {
        let event = shipping(&mut world);
        let one = unchecked(&mut world, &event);
        let disclosure = Disclosure::seal(Salt([9; 16]), one.disclosure.map().clone());
        disclosed.push(Disclosed {
            index,
            disclosure,
            ..one
        });
    }
    let statement = world.disclosures(&maker, disclosed);
    refused(&mut world, statement, &RejectReason::SaltWeak)
}

pub(super) fn an_altered_signature() -> RejectReason {
    let (mut world, maker) = scene();
    let mut bytes = shipped(&mut world, &maker).encode();
    *bytes.last_mut().unwrap() ^= 1;
    let key = maker.key.public_key().key_id();
    refused_bytes(&mut world, &bytes, &RejectReason::SignatureInvalid { key })
}

pub(super) fn another_ones_signature() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let statement = shipped(&mut world, &maker);
    let bytes = resigned(&statement, &shop, |_| {});
    let key = maker.key.public_key().key_id();
    refused_bytes(&mut world, &bytes, &RejectReason::SignatureInvalid { key })
}

pub(super) fn a_truncated_statement() -> RejectReason {
    let (mut world, maker) = scene();
    let bytes = shipped(&mut world, &maker).encode();
    for end in 0..bytes.len() {
        let refusal = SignedStatement::parse(&bytes[..end]).unwrap_err();
        assert_eq!(
            refusal.name(),
            "malformed",
            "{end} of {} bytes",
            bytes.len()
        );
    }
    let torn = bytes.len() - 1;
    // The signature's 64 bytes are no longer there.
    let want = malformed(DecodeFault::EndOfInput, bytes.len() - 64);
    refused_bytes(&mut world, &bytes[..torn], &want)
}

pub(super) fn trailing_bytes() -> RejectReason {
    let (mut world, maker) = scene();
    let mut bytes = shipped(&mut world, &maker).encode();
    bytes.push(0xf6);
    let want = malformed(DecodeFault::TrailingBytes, bytes.len() - 1);
    refused_bytes(&mut world, &bytes, &want)
}

pub(super) fn a_length_not_in_shortest_form() -> RejectReason {
    let (mut world, maker) = scene();
    let bytes = shipped(&mut world, &maker).encode();
    // The array of four, its length in a byte of its own.
    let longer = [&bytes[..1], &[0x98, 4], &bytes[2..]].concat();
    refused_bytes(&mut world, &longer, &malformed(DecodeFault::NotShortest, 1))
}

pub(super) fn an_indefinite_length() -> RejectReason {
    let (mut world, maker) = scene();
    let bytes = shipped(&mut world, &maker).encode();
    let open = [&bytes[..1], &[0x9f], &bytes[2..], &[0xff]].concat();
    refused_bytes(
        &mut world,
        &open,
        &malformed(DecodeFault::IndefiniteLength, 1),
    )
}

pub(super) fn header_labels_out_of_order() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let bytes = resigned(&statement, &maker, |whole| {
        // Algorithm first, as it must be, but under label 5.
        whole.protected[1] = 5;
    });
    refused_bytes(&mut world, &bytes, &malformed(DecodeFault::UnsortedKeys, 3))
}

pub(super) fn a_label_in_the_unprotected_header() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let bytes = resigned(&statement, &maker, |whole| {
        whole.unprotected = vec![0xa1, 7, 1];
    });
    refused_bytes(
        &mut world,
        &bytes,
        &malformed(DecodeFault::Field("header label"), 1),
    )
}

pub(super) fn a_disclosure_nested_too_deeply() -> RejectReason {
    let (mut world, maker) = scene();
    // The map is one level; its value's arrays are the others.
    let mut deep = vec![0x81; DEPTH_MAX];
    deep.push(0x80);
    let bytes = around(&mut world, &maker, &disclosure_with(&deep));
    let at = DISCLOSURE_AT + TYPE_VALUE_AT + DEPTH_MAX;
    refused_bytes(&mut world, &bytes, &malformed(DecodeFault::TooDeep, at))
}

pub(super) fn a_disclosure_too_large() -> RejectReason {
    let (mut world, maker) = scene();
    let bytes = around(&mut world, &maker, &vec![0; DISCLOSURE_BYTES_MAX + 1]);
    let fault = DecodeFault::TooLarge {
        limit_bytes: DISCLOSURE_BYTES_MAX,
    };
    refused_bytes(&mut world, &bytes, &malformed(fault, DISCLOSURE_AT))
}

pub(super) fn too_many_disclosures() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let one = disclosure_with(&[0x60]);
    let mut writer = Writer::new();
    writer
        .map(1)
        .int(LABEL_DISCLOSURES)
        .array(DISCLOSURES_MAX + 1);
    for index in 0..=DISCLOSURES_MAX {
        writer
            .array(3)
            .uint(u64::try_from(index).unwrap())
            .byte_string(&one)
            .array(0);
    }
    let bytes = resigned(&statement, &maker, |whole| {
        whole.unprotected = writer.finish();
    });
    let want = malformed(DecodeFault::Field("number of disclosures"), 6);
    refused_bytes(&mut world, &bytes, &want)
}

pub(super) fn a_float_in_an_event() -> RejectReason {
    let (mut world, maker) = scene();
    let half = [0xf9, 0x38, 0x00];
    let bytes = around(&mut world, &maker, &disclosure_with(&half));
    let at = DISCLOSURE_AT + TYPE_VALUE_AT;
    refused_bytes(&mut world, &bytes, &malformed(DecodeFault::Unsupported, at))
}

pub(super) fn a_duplicate_key_in_an_event() -> RejectReason {
    let (mut world, maker) = scene();
    let twice = [0xa2, 0x61, b'a', 0, 0x61, b'a', 1];
    let bytes = around(&mut world, &maker, &disclosure_with(&twice));
    let at = DISCLOSURE_AT + TYPE_VALUE_AT + 4;
    refused_bytes(
        &mut world,
        &bytes,
        &malformed(DecodeFault::DuplicateKey, at),
    )
}

pub(super) fn a_statement_too_large() -> RejectReason {
    let (mut world, _) = scene();
    let bytes = vec![0xd2; STATEMENT_BYTES_MAX + 1];
    let want = RejectReason::TooLarge {
        what: "statement",
        bytes: STATEMENT_BYTES_MAX + 1,
        limit_bytes: STATEMENT_BYTES_MAX,
    };
    // At the limit itself the bytes are read, and are what they are.
    let at_limit = SignedStatement::parse(&bytes[1..]).unwrap_err();
    assert_eq!(at_limit.name(), "malformed");
    refused_bytes(&mut world, &bytes, &want)
}

pub(super) fn an_entry_too_large() -> RejectReason {
    let (mut world, maker) = scene();
    let said = shipped(&mut world, &maker);
    let long = "x".repeat(4096);
    let audience = [long.as_str(); 5];
    let statement = said_for(&mut world, &said, &maker, maker.handle, &audience);
    let want = RejectReason::TooLarge {
        what: "entry",
        bytes: statement.entry().len(),
        limit_bytes: ENTRY_BYTES_MAX,
    };
    refused_bytes(&mut world, &statement.encode(), &want)
}
