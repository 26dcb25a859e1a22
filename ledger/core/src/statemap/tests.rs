use super::*;
use crate::cbor::DecodeFault;
use proptest::prelude::*;
use std::collections::BTreeMap;

type Map = BTreeMap<Digest, Digest>;

/// Pages as a disk keeps them: bytes under bytes.
#[derive(Clone, Default)]
struct Disk(BTreeMap<Vec<u8>, Vec<u8>>);

impl Pages for Disk {
    type Error = PageFault;

    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, PageFault> {
        let read = |path: &PagePath| {
            self.0
                .get(&path.encode())
                .map(|bytes| Page::decode(path, bytes))
                .transpose()
        };
        paths.iter().map(read).collect()
    }
}

impl Disk {
    fn apply(&mut self, update: &Update) {
        for (path, page) in &update.pages {
            assert_eq!(PagePath::decode(&path.encode()), Ok(*path));
            self.0.insert(path.encode(), page.encode());
        }
    }
}

/// Builds a map from `changes`, block by block, on disk and in memory alike.
fn build(blocks: &[Map]) -> (Disk, Digest) {
    let (mut disk, mut memory, mut root) = (Disk::default(), MemoryPages::new(), EMPTY_ROOT);
    for block in blocks {
        let changes: Vec<_> = block.iter().map(|(key, value)| (*key, *value)).collect();
        let new = update(&disk, &root, &changes).unwrap();
        assert_eq!(update(&memory, &root, &changes).unwrap(), new);
        disk.apply(&new);
        root = new.root;
        memory.apply(new);
        assert_eq!(memory.len(), disk.0.len());
    }
    (disk, root)
}

/// The definition, word for word.
fn reference(map: &[(Digest, Digest)], depth: usize) -> Digest {
    match map {
        [] => Digest([0; 32]),
        [(key, value)] => Digest::of_all(&[&[2], &key.0, &value.0]),
        _ => {
            let right = |key: &Digest| key.0[depth / 8] & (0x80 >> (depth % 8)) != 0;
            let (ones, zeros): (Vec<_>, Vec<_>) = map.iter().partition(|(key, _)| right(key));
            let (left, right) = (reference(&zeros, depth + 1), reference(&ones, depth + 1));
            Digest::of_all(&[&[3], &left.0, &right.0])
        }
    }
}

fn reference_root(map: &Map) -> Digest {
    reference(
        &map.iter()
            .map(|(key, value)| (*key, *value))
            .collect::<Vec<_>>(),
        0,
    )
}

fn claims(map: &Map, keys: &[Digest]) -> Vec<(Digest, Option<Digest>)> {
    keys.iter()
        .map(|key| (*key, map.get(key).copied()))
        .collect()
}

fn number(n: u32) -> Digest {
    Digest::of(&n.to_be_bytes())
}

fn numbers(range: std::ops::Range<u32>) -> Map {
    range.map(|n| (number(n), number(n + 1_000_000))).collect()
}

/// `base` with bit `at` inverted: shares exactly its first `at` bits.
fn parted(base: &Digest, at: u8) -> Digest {
    let mut key = *base;
    key.0[usize::from(at / 8)] ^= 0x80 >> (at % 8);
    key
}

/// Keys that part from one another at any bit, most of them near random ones, some far below.
fn keys() -> impl Strategy<Value = Digest> {
    prop_oneof![
        3 => any::<[u8; 32]>().prop_map(Digest),
        2 => (0_u32..4, any::<u8>()).prop_map(|(base, at)| parted(&number(base), at)),
        1 => (0_u32..4).prop_map(number),
    ]
}

fn maps(size: usize) -> impl Strategy<Value = Map> {
    proptest::collection::btree_map(keys(), any::<[u8; 32]>().prop_map(Digest), 0..size)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_split_into_blocks_gives_the_root_of_the_definition(
        blocks in proptest::collection::vec(maps(25), 0..8),
    ) {
        let mut map = Map::new();
        for block in &blocks {
            map.extend(block);
        }
        let (disk, root) = build(&blocks);
        prop_assert_eq!(root, reference_root(&map));
        let (whole, _) = build(&[map]);
        prop_assert_eq!(&whole.0, &disk.0);
        let page = disk.pages(&[PagePath::ROOT]).unwrap().remove(0);
        prop_assert_eq!(super::root(page.as_ref()), Ok(root));
    }

    #[test]
    fn every_key_has_one_proof_and_no_other_claim_passes(
        map in maps(40), others in proptest::collection::btree_set(keys(), 0..20),
    ) {
        let (disk, root) = build(std::slice::from_ref(&map));
        for key in map.keys().chain(&others) {
            let proof = prove(&disk, &root, key).unwrap();
            let value = map.get(key).copied();
            prop_assert_eq!(proof.verify(&root, &[(*key, value)]), Ok(()));
            prop_assert_eq!(MapProof::decode(&proof.encode()), Ok(proof.clone()));
            match value {
                Some(value) => {
                    prop_assert_eq!(
                        proof.verify(&root, &[(*key, None)]),
                        Err(MapProofError::KeyPresent { key: *key })
                    );
                    let wrong = proof.verify(&root, &[(*key, Some(parted(&value, 7)))]);
                    let refused = matches!(wrong, Err(MapProofError::RootMismatch { .. }));
                    prop_assert!(refused);
                }
                None => prop_assert_eq!(
                    proof.verify(&root, &[(*key, Some(number(0)))]),
                    Err(MapProofError::KeyAbsent { key: *key })
                ),
            }
        }
    }

    #[test]
    fn one_proof_serves_many_keys(
        map in maps(60), others in proptest::collection::btree_set(keys(), 0..20), skip in 0_usize..5,
    ) {
        let (disk, root) = build(std::slice::from_ref(&map));
        let mut asked: Vec<Digest> = map.keys().skip(skip).chain(&others).copied().collect();
        let proof = prove_many(&disk, &root, &asked).unwrap();
        asked.sort_unstable();
        asked.dedup();
        let claims = claims(&map, &asked);
        prop_assert_eq!(proof.verify(&root, &claims), Ok(()));
        prop_assert_eq!(MapProof::decode(&proof.encode()), Ok(proof.clone()));
        for at in 0..claims.len() {
            let mut lie = claims.clone();
            lie[at].1 = if lie[at].1.is_some() { None } else { Some(number(7)) };
            prop_assert!(proof.verify(&root, &lie).is_err());
        }
    }
}

#[test]
fn the_root_of_a_small_map_is_fixed() {
    let pairs = [
        ("apple", "1"),
        ("bean", "2"),
        ("chilli", "3"),
        ("doubanjiang", "4"),
    ];
    let of = |text: &str| Digest::of(text.as_bytes());
    let map: Map = pairs
        .iter()
        .map(|(key, value)| (of(key), of(value)))
        .collect();
    let (_, root) = build(&[map]);
    assert_eq!(
        root.to_string(),
        "7dd2e2c1bfbf597f7e1ddd8229e34da6a74136afe50bb9d48e0fb7b78dd714f2"
    );
}

#[test]
fn an_empty_map_has_the_zero_root_and_proves_absence() {
    let disk = Disk::default();
    assert_eq!(root(None), Ok(EMPTY_ROOT));
    let proof = prove(&disk, &EMPTY_ROOT, &number(1)).unwrap();
    assert_eq!(proof.ends(), [End::Empty { depth: 0 }]);
    assert_eq!(hex::encode(proof.encode()), "8281810080");
    assert_eq!(proof.verify(&EMPTY_ROOT, &[(number(1), None)]), Ok(()));
    assert_eq!(update(&disk, &EMPTY_ROOT, &[]).unwrap().pages, []);
}

#[test]
fn a_lone_key_sits_at_the_root() {
    let map = numbers(1..2);
    let (disk, root) = build(std::slice::from_ref(&map));
    let value = map[&number(1)];
    assert_eq!(root, Digest::of_all(&[&[2], &number(1).0, &value.0]));
    let proof = prove(&disk, &root, &number(1)).unwrap();
    assert_eq!(hex::encode(proof.encode()), "82810080");
    let absent = prove(&disk, &root, &number(2)).unwrap();
    assert_eq!(
        absent.ends(),
        [End::Other {
            depth: 0,
            key: number(1),
            value_hash: value
        }]
    );
}

#[test]
fn unchanged_values_write_no_page() {
    let map = numbers(0..300);
    let (disk, root) = build(std::slice::from_ref(&map));
    let changes: Vec<_> = map.into_iter().collect();
    assert_eq!(
        update(&disk, &root, &changes).unwrap(),
        Update {
            root,
            pages: vec![]
        }
    );
}

#[test]
fn keys_may_share_any_number_of_bits() {
    let base = number(0);
    let mut map: Map = (0..=255)
        .map(|at| (parted(&base, at), number(u32::from(at))))
        .collect();
    map.insert(base, number(999));
    let (disk, root) = build(std::slice::from_ref(&map));
    assert_eq!(root, reference_root(&map));
    assert_eq!(disk.0.len(), 64);
    let proof = prove(&disk, &root, &base).unwrap();
    assert_eq!(proof.ends(), [End::Held { depth: 256 }]);
    assert_eq!(proof.verify(&root, &[(base, Some(number(999)))]), Ok(()));
    assert_eq!(MapProof::decode(&proof.encode()), Ok(proof));
    // Two keys alone: 255 levels with an empty side.
    let two: Map = [base, parted(&base, 255)]
        .map(|key| (key, number(5)))
        .into();
    let (disk, root) = build(std::slice::from_ref(&two));
    assert_eq!(root, reference_root(&two));
    let keys: Vec<_> = two.keys().copied().collect();
    let proof = prove_many(&disk, &root, &keys).unwrap();
    assert_eq!(proof.verify(&root, &claims(&two, &keys)), Ok(()));
    let absent = prove(&disk, &root, &parted(&base, 200)).unwrap();
    assert_eq!(absent.ends(), [End::Empty { depth: 201 }]);
    assert_eq!(absent.verify(&root, &[(parted(&base, 200), None)]), Ok(()));
}

#[test]
fn no_flipped_bit_of_a_proof_goes_unseen() {
    let map = numbers(0..200);
    let (disk, root) = build(std::slice::from_ref(&map));
    let mut asked: Vec<_> = (190..210).map(number).collect();
    asked.sort_unstable();
    let claims = claims(&map, &asked);
    let bytes = prove_many(&disk, &root, &asked).unwrap().encode();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1 << bit;
            if let Ok(proof) = MapProof::decode(&damaged) {
                assert!(
                    proof.verify(&root, &claims).is_err(),
                    "bit {bit} of byte {at}"
                );
            }
        }
        assert!(MapProof::decode(&bytes[..at]).is_err(), "cut at byte {at}");
    }
}

#[test]
fn no_flipped_bit_of_a_page_goes_unseen() {
    let map = numbers(0..24);
    let (disk, root) = build(std::slice::from_ref(&map));
    let keys: Vec<_> = map.keys().copied().collect();
    let changes: Vec<_> = map.keys().map(|key| (*key, number(3))).collect();
    for (name, bytes) in &disk.0 {
        let path = PagePath::decode(name).unwrap();
        for at in 0..bytes.len() * 8 {
            let mut damaged = disk.clone();
            damaged.0.get_mut(name).unwrap()[at / 8] ^= 1 << (at % 8);
            let error = prove_many(&damaged, &root, &keys).unwrap_err();
            assert!(
                matches!(error, PageError::Read(_)) || error == PageError::Damaged { path },
                "bit {at} of {path:?}: {error}"
            );
            assert_eq!(update(&damaged, &root, &changes), Err(error));
        }
        let mut missing = disk.clone();
        missing.0.remove(name);
        assert_eq!(
            prove_many(&missing, &root, &keys),
            Err(PageError::Damaged { path })
        );
    }
}

#[test]
fn pages_of_another_state_are_refused() {
    let (disk, root) = build(&[numbers(0..50)]);
    let (_, newer) = build(&[numbers(0..51)]);
    let damaged = PageError::Damaged {
        path: PagePath::ROOT,
    };
    assert_eq!(
        update(&disk, &newer, &[(number(60), number(1))]),
        Err(damaged.clone())
    );
    assert_eq!(update(&Disk::default(), &root, &[]), Err(damaged.clone()));
    assert_eq!(prove(&disk, &EMPTY_ROOT, &number(1)), Err(damaged));
}

#[test]
fn page_bytes_that_cannot_be_are_refused_by_name() {
    let page = |leaves: u16, nodes: u16, digests: &[Digest]| {
        let mut bytes = [leaves.to_be_bytes(), nodes.to_be_bytes()].concat();
        digests.iter().for_each(|digest| bytes.extend(digest.0));
        bytes
    };
    let key = Digest([0x12; 32]);
    let at_root = |bytes: &[u8]| Page::decode(&PagePath::ROOT, bytes).map(|page| page.encode());
    let lone = page(1 << 1, 0, &[key, key]);
    assert_eq!(at_root(&lone), Ok(lone.clone()));
    assert_eq!(
        Page::decode(&PagePath::ROOT.child(1), &page(1 << 2, 0, &[key, key])),
        Err(PageFault::TooFewKeys)
    );
    assert_eq!(at_root(&page(0, 0, &[])), Err(PageFault::TooFewKeys));
    assert_eq!(
        at_root(&page(1 << 2, 0, &[key, key])),
        Err(PageFault::LeafElsewhere { slot: 2 })
    );
    assert_eq!(
        at_root(&page(2, 2, &[key, key])),
        Err(PageFault::MarkedTwice)
    );
    assert_eq!(at_root(&page(2, 0, &[key])), Err(PageFault::Length));
    assert_eq!(at_root(&lone[..67]), Err(PageFault::Length));
    assert_eq!(at_root(&lone[..3]), Err(PageFault::Length));
    assert_eq!(
        at_root(&page(0, 8, &[EMPTY_ROOT])),
        Err(PageFault::ImpossiblePage { slot: 3 })
    );
    let deepest = (0..63).fold(PagePath::ROOT, |path, _| path.child(0));
    assert_eq!(
        Page::decode(&deepest, &page(0, 1, &[key])),
        Err(PageFault::ImpossiblePage { slot: 0 })
    );
    assert_eq!(PagePath::decode(&deepest.encode()), Ok(deepest));
    assert_eq!(PagePath::decode(&[]), Err(PageFault::Length));
    assert_eq!(PagePath::decode(&[1]), Err(PageFault::Length));
    assert_eq!(PagePath::decode(&[1, 0x10]), Ok(PagePath::ROOT.child(1)));
    assert_eq!(PagePath::decode(&[1, 0x11]), Err(PageFault::Path));
    assert_eq!(
        PagePath::decode(&[[64].as_slice(), &[0; 32]].concat()),
        Err(PageFault::Path)
    );
}

#[test]
fn proofs_that_do_not_fit_are_refused_by_name() {
    let map = numbers(0..100);
    let (disk, root) = build(std::slice::from_ref(&map));
    let mut two = [number(1), number(2)];
    two.sort_unstable();
    let [first, second] = two;
    let of = |keys: &[Digest]| prove_many(&disk, &root, keys).unwrap();
    let claim = |key: Digest| (key, map.get(&key).copied());
    let (one, both) = (of(&[first]), of(&two));

    assert_eq!(
        both.verify(&root, &[claim(second), claim(first)]),
        Err(MapProofError::ClaimsUnsorted)
    );
    assert_eq!(
        both.verify(&root, &[claim(first), claim(first)]),
        Err(MapProofError::ClaimsUnsorted)
    );
    assert_eq!(
        one.verify(&root, &[claim(first), claim(second)]),
        Err(MapProofError::EndMissing { key: second })
    );
    assert!(both.verify(&root, &[claim(first)]).is_err());
    assert_eq!(of(&[]).verify(&root, &[]), Ok(()));
    assert_eq!(one.verify(&root, &[]), Err(MapProofError::EndUnexpected));

    // Proofs as a forger would write them.
    let forged = |ends: Vec<End>, siblings: usize| {
        let mut writer = crate::cbor::Writer::new();
        writer.array(2).array(ends.len());
        for end in ends {
            match end {
                End::Held { depth } => writer.uint(depth.into()),
                End::Empty { depth } => writer.array(1).uint(depth.into()),
                End::Other {
                    depth,
                    key,
                    value_hash,
                } => writer
                    .array(3)
                    .uint(depth.into())
                    .byte_string(&key.0)
                    .byte_string(&value_hash.0),
            };
        }
        writer.array(siblings);
        for _ in 0..siblings {
            writer.byte_string(&[9; 32]);
        }
        MapProof::decode(&writer.finish()).unwrap()
    };
    let key = Digest([0; 32]);
    let there = [(key, Some(number(1)))];
    let not_there = [(key, None)];
    assert_eq!(
        forged(vec![End::Held { depth: 2 }], 1).verify(&root, &there),
        Err(MapProofError::SiblingMissing)
    );
    assert_eq!(
        forged(vec![End::Held { depth: 2 }], 3).verify(&root, &there),
        Err(MapProofError::SiblingUnexpected)
    );
    assert_eq!(
        forged(vec![End::Held { depth: 0 }, End::Held { depth: 0 }], 0).verify(&root, &there),
        Err(MapProofError::EndUnexpected)
    );
    let near = parted(&key, 255);
    assert_eq!(
        forged(vec![End::Held { depth: 256 }, End::Held { depth: 9 }], 0)
            .verify(&root, &[(key, None), (near, None)]),
        Err(MapProofError::KeyPresent { key })
    );
    assert_eq!(
        forged(vec![End::Held { depth: 256 }, End::Held { depth: 9 }], 0)
            .verify(&root, &[(key, Some(key)), (near, None)]),
        Err(MapProofError::EndTooHigh { key: near })
    );
    assert_eq!(
        forged(vec![End::Held { depth: 9 }], 9)
            .verify(&root, &[(key, Some(key)), (near, Some(near))]),
        Err(MapProofError::KeyAbsent { key: near })
    );
    let other = |key| {
        vec![End::Other {
            depth: 3,
            key,
            value_hash: number(1),
        }]
    };
    assert_eq!(
        forged(other(Digest([0x20; 32])), 3).verify(&root, &not_there),
        Err(MapProofError::LeafElsewhere { key })
    );
    assert_eq!(
        forged(other(key), 3).verify(&root, &not_there),
        Err(MapProofError::KeyPresent { key })
    );
    assert!(matches!(
        forged(other(near), 3).verify(&root, &not_there),
        Err(MapProofError::RootMismatch { expected, .. }) if expected == root
    ));
}

#[test]
fn proof_bytes_have_limits_and_one_spelling() {
    let why = |hex: &str| {
        MapProof::decode(&hex::decode(hex).unwrap())
            .unwrap_err()
            .why
    };
    let zeros = "00".repeat(32);
    assert_eq!(
        why(&format!("828101815820{zeros}")),
        DecodeFault::Field("a sibling is a digest, or h'' for an empty subtree")
    );
    assert_eq!(
        why("8281190101" /* depth 257 */),
        DecodeFault::Field("the depth of a map proof's end is at most 256")
    );
    assert_eq!(
        why("828182000080"),
        DecodeFault::Field("an end of a map proof has one or three items")
    );
    assert_eq!(why("829a0fffffff00"), DecodeFault::EndOfInput);
    assert_eq!(why("81"), DecodeFault::EndOfInput);
    assert_eq!(why("8281008000"), DecodeFault::TrailingBytes);
    let many = |ends: usize, siblings: usize| {
        let mut writer = crate::cbor::Writer::new();
        writer.array(2).array(ends);
        for _ in 0..ends {
            writer.uint(0);
        }
        writer.array(siblings);
        for _ in 0..siblings {
            writer.byte_string(&[]);
        }
        MapProof::decode(&writer.finish()).map_err(|error| error.why)
    };
    assert!(many(KEYS_MAX, 0).is_ok());
    assert_eq!(
        many(KEYS_MAX + 1, 0),
        Err(DecodeFault::Field("too many ends in a map proof"))
    );
    assert!(many(1, 256).is_ok());
    assert_eq!(
        many(1, 257),
        Err(DecodeFault::Field("too many siblings in a map proof"))
    );
    let keys = vec![number(1); KEYS_MAX + 1];
    assert_eq!(
        prove_many(&Disk::default(), &EMPTY_ROOT, &keys),
        Err(PageError::TooManyKeys {
            asked: KEYS_MAX + 1,
            limit: KEYS_MAX
        })
    );
}
