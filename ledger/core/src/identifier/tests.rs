use super::*;
use IdentifierError as E;
use proptest::prelude::*;

const HANDLE: &str = "BwcHBwcHBwcHBwcHBwcHBw";

fn parse(text: &str) -> Identifier {
    Identifier::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn scanned(text: &str) -> Scan {
    scan(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

/// Spelling, path of the canonical Digital Link, kind.
const LINKS: &[(&str, &str, Kind)] = &[
    (
        "urn:epc:id:sgtin:6901234.056789.000123",
        "/01/06901234567892/21/000123",
        Kind::Serial,
    ),
    (
        "urn:epc:class:lgtin:6901234.056789.A%2F1",
        "/01/06901234567892/10/A%2F1",
        Kind::Lot,
    ),
    (
        "urn:epc:idpat:sgtin:6901234.056789.*",
        "/01/06901234567892",
        Kind::Gtin,
    ),
    (
        "urn:epc:id:upui:6901234.056789.x1",
        "/01/06901234567892/235/x1",
        Kind::ThirdPartySerial,
    ),
    (
        "urn:epc:id:sscc:6901234.0000000001",
        "/00/069012340000000016",
        Kind::Sscc,
    ),
    (
        "urn:epc:id:sgln:6901234.00001.0",
        "/414/6901234000016",
        Kind::Location,
    ),
    (
        "urn:epc:id:sgln:6901234.00001.DOCK3",
        "/414/6901234000016/254/DOCK3",
        Kind::Location,
    ),
    (
        "urn:epc:id:pgln:6901234.00001",
        "/417/6901234000016",
        Kind::Party,
    ),
    (
        "urn:epc:id:gdti:6901234.00001.RPT2024001",
        "/253/6901234000016RPT2024001",
        Kind::Document,
    ),
    (
        "urn:epc:id:sgcn:6901234.00001.44",
        "/255/690123400001644",
        Kind::Coupon,
    ),
    (
        "urn:epc:id:grai:6901234.00001.87",
        "/8003/0690123400001687",
        Kind::ReturnableAsset,
    ),
    (
        "urn:epc:id:giai:6901234.CYL0001",
        "/8004/6901234CYL0001",
        Kind::IndividualAsset,
    ),
    (
        "urn:epc:id:giai:4012345.A.b",
        "/8004/4012345A.b",
        Kind::IndividualAsset,
    ),
    (
        "urn:epc:id:itip:4012345.011111.01.02.987",
        "/8006/040123451111180102/21/987",
        Kind::Piece,
    ),
    (
        "urn:epc:id:gsrn:4012345.0000006765",
        "/8018/401234500000067657",
        Kind::Service,
    ),
    (
        "urn:epc:id:gsrnp:4012345.0000000007",
        "/8017/401234500000000074",
        Kind::Service,
    ),
    (
        "urn:epc:id:ginc:0614141.xyz47%2F11",
        "/401/0614141xyz47%2F11",
        Kind::Consignment,
    ),
    (
        "urn:epc:id:gsin:4012345.222333444",
        "/402/40123452223334442",
        Kind::Shipment,
    ),
    (
        "urn:epc:id:cpi:0614141.11-A%23%2F.1234",
        "/8010/061414111-A%23%2F/8011/1234",
        Kind::Component,
    ),
    (
        "https://id.gs1.org/01/06901234567892/10/CD20240601A?17=240901",
        "/01/06901234567892/10/CD20240601A",
        Kind::Lot,
    ),
    (
        "HTTP://Shop.example:8080/a/b/gtin/6901234567892/lot/A1/?x#y",
        "/01/06901234567892/10/A1",
        Kind::Lot,
    ),
    (
        "https://x.cn/01/06901234567892/22/V/10/L/21/S",
        "/01/06901234567892/21/S",
        Kind::Serial,
    ),
    (
        "https://x.cn/01/06901234567892/22/V",
        "/01/06901234567892",
        Kind::Gtin,
    ),
    (
        "https://x.cn/01/05412345000013/10/ABC%26%2b123?3103=000189",
        "/01/05412345000013/10/ABC%26%2B123",
        Kind::Lot,
    ),
    (
        "https://x.cn/01/06901234567892/10/a!(b)*+,:'",
        "/01/06901234567892/10/a%21%28b%29%2A%2B%2C%3A'",
        Kind::Lot,
    ),
];

#[test]
fn every_gs1_spelling_becomes_the_constrained_canonical_link() {
    for (text, path, kind) in LINKS {
        let identifier = parse(text);
        assert_eq!(
            identifier.as_str(),
            format!("https://id.gs1.org{path}"),
            "{text}"
        );
        assert_eq!(identifier.kind(), *kind, "{text}");
    }
}

/// The forms of our own namespace, frozen.
const FIXED: &[(&str, &str, Kind)] = &[
    (
        "urn:suyuan:drug:83857930000879766660",
        "/drug/83857930000879766660",
        Kind::Drug,
    ),
    (
        "urn:suyuan:uscc:91350100M000100Y43",
        "/uscc/91350100M000100Y43",
        Kind::Uscc,
    ),
    (
        "urn:suyuan:sc:SC10151010700014",
        "/sc/SC10151010700014",
        Kind::FoodProductionLicence,
    ),
    (
        "urn:suyuan:jy:JY15101070000011",
        "/jy/JY15101070000011",
        Kind::FoodOperationLicence,
    ),
    (
        "urn:suyuan:yb:YB15101070000011",
        "/yb/YB15101070000011",
        Kind::FoodOperationFiling,
    ),
    (
        "urn:suyuan:participant:BwcHBwcHBwcHBwcHBwcHBw",
        "/participants/BwcHBwcHBwcHBwcHBwcHBw",
        Kind::Participant,
    ),
    (
        "urn:suyuan:product:BwcHBwcHBwcHBwcHBwcHBw:%E7%8C%95%E7%8C%B4%E6%A1%83",
        "/product/BwcHBwcHBwcHBwcHBwcHBw/%E7%8C%95%E7%8C%B4%E6%A1%83",
        Kind::OwnProduct,
    ),
    (
        "urn:suyuan:lot:BwcHBwcHBwcHBwcHBwcHBw:%E7%8C%95%E7%8C%B4%E6%A1%83:2024%2F06",
        "/lot/BwcHBwcHBwcHBwcHBwcHBw/%E7%8C%95%E7%8C%B4%E6%A1%83/2024%2F06",
        Kind::OwnLot,
    ),
];

#[test]
fn our_own_forms_are_frozen() {
    for (uri, path, kind) in FIXED {
        let identifier = parse(uri);
        assert_eq!((identifier.as_str(), identifier.kind()), (*uri, *kind));
        assert_eq!(identifier.digital_link_path(), *path);
    }
    let lot = Identifier::own_lot(Handle([7; 16]), "猕猴桃", "2024/06").unwrap();
    assert_eq!(lot.as_str(), FIXED[7].0);
    assert_eq!(
        lot,
        parse(&format!("URN:Suyuan:LOT:{HANDLE}:猕猴桃:2024%2f06"))
    );
    assert_eq!(lot.product(), Some(parse(FIXED[6].0)));
    assert_eq!(lot.own_lot_handle(), Some(Handle([7; 16])));
    assert_eq!(
        (lot.lot().as_deref(), lot.human_readable().as_str()),
        (Some("2024/06"), "猕猴桃 / 2024/06")
    );
    assert_eq!(parse(FIXED[5].0), Identifier::participant(Handle([7; 16])));
}

#[test]
fn a_path_leads_back_to_its_identifier() {
    let spellings = LINKS.iter().chain(FIXED).map(|row| row.0);
    let others = [
        "https://example.com/shop/01/foo",
        "urn:uuid:1?x=%20#y",
        "https://id.gs1.org/01/06901234567892/10/..",
    ];
    for text in spellings.chain(others) {
        let identifier = parse(text);
        let path = identifier.digital_link_path();
        assert_eq!(
            Identifier::from_path(&path),
            Ok(identifier.clone()),
            "{path}"
        );
        assert_eq!(
            scanned(&format!("https://trace.example/{path}")).identifier,
            identifier
        );
    }
    assert_eq!(Identifier::from_path("/health"), Err(E::Unrecognised));
}

#[test]
fn what_is_not_ours_stays_opaque_byte_for_byte() {
    for text in [
        "https://example.com/shop/01/foo",
        "https://example.com/01/123",
        "https://example.com/blog/401/unauthorized",
        "https://example.com/01/06901234567892/reviews",
        "https://example.com/%7euser",
        "urn:epc:id:gid:95100000.12345.400",
        "urn:epc:idpat:sgtin:6901234.*.*",
        "urn:uuid:3f1c",
        "ni:///sha-256;ab?ver=CBV2.0",
    ] {
        let identifier = parse(text);
        assert_eq!(
            (identifier.as_str(), identifier.kind()),
            (text, Kind::Opaque)
        );
    }
}

#[test]
fn refusals_have_names() {
    let check = |kind, given, expected| E::CheckDigit {
        kind,
        given,
        expected,
    };
    for (text, error) in [
        ("", E::Empty),
        ("06901234567892", E::NotAUri),
        (
            "https://any.example/x/01/06901234567893",
            check(Kind::Gtin, '3', '2'),
        ),
        (
            "https://id.gs1.org/00/069012340000000017",
            check(Kind::Sscc, '7', '6'),
        ),
        (
            "https://id.gs1.org/414/6901234000010",
            check(Kind::Location, '0', '6'),
        ),
        (
            "https://id.gs1.org/253/6901234000010A",
            check(Kind::Document, '0', '6'),
        ),
        (
            "https://id.gs1.org/8003/06901234000010A",
            check(Kind::ReturnableAsset, '0', '6'),
        ),
        (
            "urn:suyuan:uscc:91350100M000100Y44",
            check(Kind::Uscc, '4', '3'),
        ),
        (
            "urn:suyuan:sc:SC10151010700015",
            check(Kind::FoodProductionLicence, '5', '4'),
        ),
        (
            "https://x.cn/01/06901234567892/10/L/22/V",
            E::QualifierOrder {
                key: "01".to_owned(),
                qualifier: "22".to_owned(),
            },
        ),
        (
            "https://id.gs1.org/01/06901234567892/254/V",
            E::UnknownQualifier {
                key: "01".to_owned(),
                qualifier: "254".to_owned(),
            },
        ),
        (
            "https://id.gs1.org/01/123",
            E::BadLength {
                field: "GTIN (01)".to_owned(),
                length: 3,
                min: 14,
                max: 14,
            },
        ),
        (
            "https://x.cn/01/06901234567892/10/a%20b",
            E::BadCharacter {
                field: "the batch/lot (10)".to_owned(),
                character: ' ',
            },
        ),
        (
            "https://x.cn/01/06901234567892/10/a%2",
            E::BadEscape {
                text: "a%2".to_owned(),
            },
        ),
        ("https://id.gs1.org/AQnYUc1gmiCNV4JG", E::Compressed),
        (
            "urn:epc:id:sgtin:6901234.56789.1",
            E::BadParts {
                scheme: "sgtin".to_owned(),
            },
        ),
        (
            "urn:suyuan:boat:1",
            E::UnknownForm {
                form: "boat".to_owned(),
            },
        ),
        (
            "urn:suyuan:drug:8385793000087976666",
            E::BadLength {
                field: "the drug trace code".to_owned(),
                length: 19,
                min: 20,
                max: 20,
            },
        ),
        (
            "urn:x:a b",
            E::BadCharacter {
                field: "a URI".to_owned(),
                character: ' ',
            },
        ),
    ] {
        assert_eq!(Identifier::parse(text), Err(error), "{text}");
    }
    let long = format!("urn:x:{}", "a".repeat(LENGTH_MAX));
    assert_eq!(
        Identifier::parse(&long),
        Err(E::TooLong {
            bytes: 2054,
            max: 2048
        })
    );
    for own in [".", "..", " a", "a\u{200b}b", "a\nb"] {
        assert!(
            matches!(
                Identifier::own_product(Handle([7; 16]), own),
                Err(E::BadCharacter { .. })
            ),
            "{own:?}"
        );
    }
    assert!(matches!(
        Identifier::own_lot(Handle([7; 16]), "a", &"果".repeat(65)),
        Err(E::BadLength { length: 65, .. })
    ));
}

#[test]
fn check_digits_agree_with_published_numbers() {
    for code in [
        "91350100M000100Y43",
        "91510100MA6A1B2C3Q",
        "91510107MA6TRACEX5",
        "92510104MA6FRE5H8H",
        "91500000MA60C0LD3J",
    ] {
        let (body, last) = code.split_at(17);
        assert_eq!(check::uscc(body).unwrap().to_string(), last, "{code}");
    }
    for code in [
        "11464010500015",
        "11532139200465",
        "11837048101233",
        "10151010700014",
        "20151018200072",
    ] {
        let (body, last) = code.split_at(13);
        assert_eq!(
            check::food_production(body).unwrap().to_string(),
            last,
            "{code}"
        );
    }
    assert_eq!(
        (check::uscc("91350100I000100Y4"), check::gs1("12x")),
        (None, None)
    );
    assert_eq!(
        parse("urn:suyuan:uscc:91510107MA6TRACEX5").region(),
        Region::parse("510107")
    );
    assert_eq!(
        parse("urn:suyuan:sc:SC10151010700014").region(),
        Region::parse("510107")
    );
}

#[test]
fn a_company_prefix_is_found_behind_the_leading_digit() {
    for text in [
        "https://id.gs1.org/01/16901234567899",
        "https://id.gs1.org/00/069012340000000016",
        "https://id.gs1.org/414/6901234000016",
        "https://id.gs1.org/8003/06901234000016",
        "https://id.gs1.org/8004/6901234CYL",
    ] {
        let identifier = parse(text);
        assert!(identifier.gs1_company_prefix_matches("6901234"), "{text}");
        for other in ["", "690", "6901235", "0690123", "690123x"] {
            assert!(
                !identifier.gs1_company_prefix_matches(other),
                "{text} {other}"
            );
        }
    }
    let gtin8 = scanned("96385074").identifier;
    assert!(gtin8.gs1_prefix_digits().is_none() && !gtin8.gs1_company_prefix_matches("0000"));
}

#[test]
fn instances_and_classes_are_told_apart() {
    for (text, instance, class) in [
        (LINKS[0].0, true, false),
        (LINKS[1].0, false, true),
        (LINKS[4].0, true, false),
        ("https://id.gs1.org/8003/06901234000016", false, true),
        (LINKS[10].0, true, false),
        (FIXED[0].0, true, false),
        (FIXED[7].0, false, true),
        ("urn:x:y", false, false),
    ] {
        let identifier = parse(text);
        assert_eq!(
            (identifier.is_instance(), identifier.is_class()),
            (instance, class),
            "{text}"
        );
    }
    assert_eq!(parse(LINKS[13].0).gtin(), Some("04012345111118"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_once_is_enough(text in any_text()) {
        for identifier in [Identifier::parse(&text).ok(), scan(&text).ok().map(|scan| scan.identifier)].into_iter().flatten() {
            prop_assert_eq!(Identifier::parse(identifier.as_str()), Ok(identifier.clone()));
            prop_assert_eq!(Identifier::from_path(&identifier.digital_link_path()), Ok(identifier.clone()));
            // A link that EPCIS keeps opaque may be one of our own paths to a scanner.
            if identifier.kind() != Kind::Opaque {
                prop_assert_eq!(scan(identifier.as_str()).map(|scan| scan.identifier), Ok(identifier));
            }
        }
    }

    #[test]
    fn all_spellings_of_a_lot_are_one(body in "[0-9]{13}", lot in "[!-~&&[A-Za-z0-9!\"%&'*+,./:;<=>?_-]]{1,20}") {
        let gtin = format!("{body}{}", check::gs1(&body).unwrap());
        let link = format!("https://id.gs1.org/01/{gtin}/10/{}", percent::encode_all(&lot));
        let expected = parse(&link);
        for text in [format!("(01){gtin}(10){lot}"), format!("]d201{gtin}10{lot}"), link.replace("id.gs1.org", "A.example/x/y")] {
            let found = scan(&text).unwrap();
            prop_assert_eq!(&found.identifier, &expected, "{}", text);
            prop_assert_eq!(found.lot.as_deref(), Some(lot.as_str()));
        }
    }

    #[test]
    fn an_own_lot_is_read_back(product in "\\PC{1,20}", lot in "\\PC{1,20}") {
        if let Ok(own) = Identifier::own_lot(Handle([9; 16]), &product, &lot) {
            prop_assert_eq!(Identifier::parse(own.as_str()), Ok(own.clone()));
            prop_assert_eq!(Identifier::from_path(&own.digital_link_path()), Ok(own.clone()));
            prop_assert_eq!(own.lot(), Some(lot));
        }
    }
}

/// Noise, and pieces of real spellings put together at random.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop::sample::select(vec![
        "https://id.gs1.org",
        "http://x",
        "/",
        "01",
        "(01)",
        "06901234567892",
        "/10/",
        "(10)",
        "A%2f",
        "%",
        "..",
        "urn:epc:id:",
        "sgtin:",
        "sgln:",
        "giai:",
        "6901234.",
        "056789.",
        "urn:suyuan:",
        "lot:",
        "drug:",
        HANDLE,
        ":",
        "?17=",
        "240901",
        "\u{1d}",
        "]d2",
        "（",
        "果",
        "8004",
        "/21/",
        "00",
        "/id/",
        "urn%3Ax%3A",
        "21",
        ".*",
        "SC",
        "\u{200b}",
    ]);
    prop_oneof![
        any::<String>(),
        "[0-9]{0,24}",
        prop::collection::vec(piece, 0..9).prop_map(|pieces| pieces.concat()),
    ]
}

#[test]
fn every_identifier_of_the_public_vectors_is_read() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors");
    let mut met = 0;
    for folder in ["epcis", "epcis-event-hash"] {
        let Ok(files) = std::fs::read_dir(root.join(folder)) else {
            println!("skipped: the public vectors are not here");
            return;
        };
        for file in files.map(|file| file.unwrap().path()) {
            if file
                .extension()
                .is_none_or(|extension| extension != "jsonld")
            {
                continue;
            }
            let text = std::fs::read_to_string(&file).unwrap();
            let spellings = text.split('"').filter(|part| {
                let uri = ["urn:", "http://", "https://"]
                    .iter()
                    .any(|head| part.starts_with(head));
                uri && !part.contains(char::is_whitespace)
            });
            for spelling in spellings {
                if let Err(error) = Identifier::parse(spelling) {
                    panic!("{}: {spelling}: {error}", file.display());
                }
                met += 1;
            }
        }
    }
    assert!(met > 100, "only {met} identifiers in the public vectors");
}
