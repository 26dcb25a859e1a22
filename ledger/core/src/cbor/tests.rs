use super::*;
use proptest::prelude::*;

fn fault(hex: &str) -> DecodeFault {
    let bytes = hex::decode(hex).unwrap();
    Value::decode(&bytes).expect_err(hex).why
}

#[test]
fn common_keys_stand_in_the_order_in_which_they_are_sought() {
    assert!(COMMON_KEYS.is_sorted_by_key(|key| (key.len(), *key)));
    assert!(matches!(key("eventTime"), Cow::Borrowed("eventTime")));
    assert!(matches!(key("eventTimes"), Cow::Owned(_)));
}

#[test]
fn each_deviation_is_refused_by_name() {
    for (hex, why) in [
        ("1801", DecodeFault::NotShortest),
        ("190001", DecodeFault::NotShortest),
        ("5801aa", DecodeFault::NotShortest),
        ("9f01ff", DecodeFault::IndefiniteLength),
        ("bf616101ff", DecodeFault::IndefiniteLength),
        ("7f6161ff", DecodeFault::IndefiniteLength),
        ("a2616101616102", DecodeFault::DuplicateKey),
        ("a2616201616102", DecodeFault::UnsortedKeys),
        ("a262616101616202", DecodeFault::UnsortedKeys),
        ("0101", DecodeFault::TrailingBytes),
        ("", DecodeFault::EndOfInput),
        ("62c328", DecodeFault::InvalidUtf8),
        ("5bffffffffffffffff", DecodeFault::EndOfInput),
        ("9bffffffffffffffff", DecodeFault::EndOfInput),
        ("bbffffffffffffffff", DecodeFault::EndOfInput),
        ("1bffffffffffffffff", DecodeFault::IntegerRange),
        ("f97e00", DecodeFault::Unsupported),
        ("fb3ff8000000000000", DecodeFault::Unsupported),
        ("f7", DecodeFault::Unsupported),
        ("f800", DecodeFault::Unsupported),
        ("c101", DecodeFault::Unsupported),
        ("c4820119000a", DecodeFault::NotShortest),
        ("c482010a", DecodeFault::NotShortest),
        ("c4820105", DecodeFault::NotShortest),
    ] {
        assert_eq!(fault(hex), why, "{hex}");
    }
    let deep = "81".repeat(DEPTH_MAX + 1) + "01";
    assert_eq!(fault(&deep), DecodeFault::TooDeep);
    assert!(Value::decode(&hex::decode("81".repeat(DEPTH_MAX) + "01").unwrap()).is_ok());
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::Bool),
        any::<i64>().prop_map(Value::Int),
        (any::<i64>(), -320_i64..280).prop_map(|(mantissa, exponent)| {
            crate::decimal::number(mantissa, exponent).unwrap_or(Value::Null)
        }),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(Value::Bytes),
        ".{0,30}".prop_map(Value::Text),
    ];
    leaf.prop_recursive(4, 64, 8, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..8).prop_map(Value::Array),
            proptest::collection::vec((".{0,30}", inner), 0..8)
                .prop_map(|pairs| Value::Map(pairs.into_iter().collect())),
        ]
    })
}

proptest! {
    #[test]
    fn encoding_and_decoding_are_inverse(value in values()) {
        prop_assert_eq!(Value::decode(&value.encode()), Ok(value));
    }

    /// Whatever decodes has exactly the bytes that encoding it gives: no second spelling passes.
    #[test]
    fn no_second_spelling_passes(value in values(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = value.encode();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(decoded) = Value::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }

    #[test]
    fn any_bytes_end_in_a_value_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(decoded) = Value::decode(&bytes) {
            prop_assert_eq!(decoded.encode(), bytes);
        }
    }
}
