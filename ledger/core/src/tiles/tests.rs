use super::*;
use crate::hash::{Digest, leaf_hash};
use crate::memory::MemoryStore;
use crate::store::Store as _;
use crate::store::suite::Chain;

/// The eight leaves of the published worked tree.
const LEAVES: [&str; 8] = [
    "",
    "00",
    "10",
    "2021",
    "3031",
    "40414243",
    "5051525354555657",
    "606162636465666768696a6b6c6d6e6f",
];

/// A store with eight leaves, of which the tree's hashes are those published.
fn worked() -> MemoryStore {
    let mut write = Chain::default().block(7);
    let hashes = LEAVES.map(|entry| leaf_hash(&hex::decode(entry).unwrap()));
    write.tiles = vec![(0, 0, hashes.to_vec())];
    let store = MemoryStore::new();
    store.commit(write).unwrap();
    store
}

fn bytes(store: &MemoryStore, path: &str) -> Option<Vec<u8>> {
    tile_bytes(&store.view(), TileName::parse(path).unwrap()).unwrap()
}

#[test]
fn the_worked_trees_tiles_are_those_published() {
    let store = worked();
    let tile = bytes(&store, "tile/0/000.p/8").unwrap();
    assert_eq!(tile.len(), 256);
    assert_eq!(
        Digest::of(&tile).to_string(),
        "aea2f1bbb5140fd5f8eacb503fdf54c00c3d860c72588e40233addd416bc8f10"
    );
    let mut bundle = Vec::new();
    for entry in LEAVES {
        assert!(push_entry(&mut bundle, &hex::decode(entry).unwrap()));
    }
    let published = "00000001000001100002202100023031000440414243000850515253545556570010\
                     606162636465666768696a6b6c6d6e6f";
    assert_eq!(hex::encode(&bundle), published);
    let entries = entries_of(&bundle).unwrap();
    assert_eq!(entries.iter().map(hex::encode).collect::<Vec<_>>(), LEAVES);
    assert!(!push_entry(&mut bundle, &[0; 65_536]));
}

#[test]
fn a_tile_of_an_earlier_size_is_a_beginning_and_one_of_a_later_is_not_there() {
    let store = worked();
    let whole = bytes(&store, "tile/0/000.p/8").unwrap();
    for width in 1..=8_usize {
        let part = bytes(&store, &format!("tile/0/000.p/{width}")).unwrap();
        assert_eq!(part, whole[..32 * width]);
        let bundle = bytes(&store, &format!("tile/entries/000.p/{width}")).unwrap();
        assert_eq!(entries_of(&bundle).unwrap().len(), width);
    }
    for absent in [
        "tile/0/000.p/9",
        "tile/0/000",
        "tile/0/001.p/1",
        "tile/1/000.p/1",
        "tile/63/000",
        "tile/entries/000.p/9",
        "tile/entries/000",
        "tile/entries/x001/000.p/1",
    ] {
        assert_eq!(bytes(&store, absent), None, "{absent}");
    }
    let empty = MemoryStore::new();
    assert_eq!(bytes(&empty, "tile/0/000.p/1"), None);
}

#[test]
fn a_bundle_that_ends_within_an_entry_is_none() {
    assert_eq!(entries_of(&[]), Some(Vec::new()));
    assert_eq!(entries_of(&[0]), None);
    assert_eq!(entries_of(&[0, 2, 7]), None);
    assert_eq!(entries_of(&[0, 1, 7, 0]), None);
}

fn names(old: u64, new: u64) -> Vec<String> {
    let grown = grown(TreeSize(old), TreeSize(new));
    grown.map(|name| name.to_string()).collect()
}

#[test]
fn what_grew_is_named_once_and_nothing_else() {
    assert_eq!(names(0, 0), [""; 0]);
    assert_eq!(names(8, 8), [""; 0]);
    assert_eq!(names(0, 2), ["tile/entries/000.p/2", "tile/0/000.p/2"]);
    assert_eq!(
        names(255, 257),
        [
            "tile/entries/000",
            "tile/entries/001.p/1",
            "tile/0/000",
            "tile/0/001.p/1",
            "tile/1/000.p/1"
        ]
    );
    assert_eq!(names(256, 257), ["tile/entries/001.p/1", "tile/0/001.p/1"]);
    // 70,000 leaves: 273 full tiles and one of 112; one full above them and one of 17; one of 1.
    let all = names(0, 70_000);
    assert_eq!(all.len(), 274 + 274 + 2 + 1);
    for name in ["tile/0/273.p/112", "tile/1/001.p/17", "tile/2/000.p/1"] {
        assert!(all.iter().any(|one| one == name), "{name}");
    }
}
