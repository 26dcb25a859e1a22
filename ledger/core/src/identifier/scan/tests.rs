use super::*;
use IdentifierError as E;

fn scanned(text: &str) -> Scan {
    scan(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn a_lot_number_may_hold_what_looks_like_a_scheme() {
    for text in ["(01)06901234567892(10)://", "]d2010690123456789210://"] {
        assert_eq!(scanned(text).lot.as_deref(), Some("://"), "{text}");
    }
}

#[test]
fn every_spelling_that_a_scanner_delivers_is_one_thing() {
    let groups: &[(&str, &[&str])] = &[
        (
            "https://id.gs1.org/01/06901234567892/10/A1",
            &[
                "(01)06901234567892(10)A1(17)240901",
                "(01) 0690 1234 5678 92 (10) A1",
                "（０１）０６９０１２３４５６７８９２（１０）Ａ１",
                "]d201069012345678921724090110A1",
                "]Q30106901234567892\u{1d}10A1\u{1d}17240901",
                "01069012345678921724090110A1",
                "\u{1d}010690123456789210A1\u{1d}11240601",
                "010690123456789210A1{GS}17240901",
                " \u{feff}https://QR.example.cn:8443/p/01/06901234567892/10/A1/?17=240901&linkType=gs1:pip \r\n",
                "qr.example.cn/01/06901234567892/10/A1",
                "/01/06901234567892/10/A1",
                "urn:epc:class:lgtin:6901234.056789.A1",
            ],
        ),
        (
            "https://id.gs1.org/01/06901234567892",
            &[
                "6901234567892",
                "06901234567892",
                "６９０１２３４５６７８９２",
                "6 901234 567892",
                "]E06901234567892",
                "0106901234567892",
                "https://x.cn/gtin/6901234567892",
            ],
        ),
        ("https://id.gs1.org/01/00000096385074", &["96385074"]),
        (
            "https://id.gs1.org/00/069012340000000016",
            &[
                "069012340000000016",
                "00069012340000000016",
                "(00)069012340000000016",
                "(00)069012340000000016(02)06901234567892(37)12(10)A1",
                "]C100069012340000000016",
            ],
        ),
        (
            "urn:suyuan:drug:83857930000879766660",
            &["83857930000879766660", "8385793 0000879766660"],
        ),
        (
            "urn:suyuan:uscc:91350100M000100Y43",
            &["91350100M000100Y43", "91350100m000100y43"],
        ),
        (
            "urn:suyuan:sc:SC10151010700014",
            &["SC10151010700014", "sc101 5101 0700014"],
        ),
        (
            "https://example.com/shop/7",
            &["https://example.com/shop/7"],
        ),
    ];
    for (uri, spellings) in groups {
        for spelling in *spellings {
            assert_eq!(scanned(spelling).identifier.as_str(), *uri, "{spelling}");
        }
    }
}

#[test]
fn a_scan_keeps_lot_and_expiry_beside_the_serial() {
    for text in [
        "(01)06901234567892(10)A1(17)240200(21)S1(3103)000189",
        "]d201069012345678921724020010A1\u{1d}21S1\u{1d}3103000189",
        "https://x.cn/01/06901234567892/10/A1/21/S1?17=240200&3103=000189",
    ] {
        let scan = scanned(text);
        assert_eq!(
            scan.identifier.as_str(),
            "https://id.gs1.org/01/06901234567892/21/S1"
        );
        assert_eq!(
            (scan.lot.as_deref(), scan.serial.as_deref()),
            (Some("A1"), Some("S1"))
        );
        assert_eq!(scan.expiry.unwrap().to_string(), "2024-02-29");
        assert_eq!(scan.attributes, [("3103".to_owned(), "000189".to_owned())]);
        assert!(!scan.product_only());
    }
    assert!(scanned("6901234567892").product_only());
    let timed = scanned("(01)06901234567892(17)240901(7003)2409011230");
    assert_eq!(timed.expiry.unwrap().to_string(), "2024-09-01T12:30");
}

#[test]
fn a_bad_scan_says_what_is_wrong() {
    for (text, error) in [
        ("\u{200b} ", E::Empty),
        (
            "6901234567893",
            E::CheckDigit {
                kind: Kind::Gtin,
                given: '3',
                expected: '2',
            },
        ),
        ("你好", E::Unrecognised),
        ("12345", E::Unrecognised),
        ("(10)A1(17)240901", E::NoKey),
        (
            "(01)06901234567892(17)241301",
            E::BadDate {
                ai: "17".to_owned(),
                value: "241301".to_owned(),
            },
        ),
        (
            "(01)06901234567892(10)A(10)B",
            E::Conflict {
                ai: "10".to_owned(),
            },
        ),
        (
            "]d2010690123456789269",
            E::UnknownAi {
                at: "69".to_owned(),
            },
        ),
        ("https://id.gs1.org/AQnYUc1gmiCNV4JG", E::Compressed),
    ] {
        assert_eq!(scan(text), Err(error), "{text}");
    }
}
