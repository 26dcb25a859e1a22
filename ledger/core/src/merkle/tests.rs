use super::reference::{self, Leaves};
use super::tile::{TILE_WIDTH, TileError, TileKind, TileName, TileNodes, TiledTree, Tiles};
use super::*;
use crate::hash::{Digest, leaf_hash};
use crate::ids::{LeafIndex, TreeSize};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::path::PathBuf;

fn leaves(count: usize) -> Vec<Digest> {
    (0..count).map(|at| leaf_hash(&at.to_be_bytes())).collect()
}

fn size(of: usize) -> TreeSize {
    TreeSize(of.try_into().unwrap())
}

fn index(of: usize) -> LeafIndex {
    LeafIndex(of.try_into().unwrap())
}

fn hex(text: &str) -> Digest {
    Digest::from_hex(text).unwrap()
}

/// The eight leaves of the worked example.
fn worked_leaves() -> Vec<Digest> {
    [
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    ]
    .map(|entry| leaf_hash(&hex::decode(entry).unwrap()))
    .to_vec()
}

#[test]
fn the_worked_tree_has_its_published_roots_and_paths() {
    let leaves = worked_leaves();
    let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ];
    let mut frontier = Frontier::new();
    for (count, root) in roots.into_iter().enumerate() {
        assert_eq!(frontier.root(), hex(root), "{count} leaves");
        if let Some(leaf) = leaves.get(count) {
            frontier.push(*leaf);
        }
    }
    let (l4, n67, n0123) = (leaves[4], reference::root(&leaves[6..]), hex(roots[4]));
    assert_eq!(
        n67,
        hex("ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0")
    );
    let nodes = Leaves(&leaves);
    assert_eq!(
        inclusion_proof(&nodes, index(5), size(8)),
        Ok(vec![l4, n67, n0123])
    );
    assert_eq!(
        inclusion_proof(&nodes, index(5), size(7)),
        Ok(vec![l4, leaves[6], n0123])
    );
    let n45 = hex("0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a");
    assert_eq!(
        inclusion_proof(&nodes, index(6), size(7)),
        Ok(vec![n45, n0123])
    );
    let n456 = hex("837dbb152e9b079010717e84e865da4ebc0fa198a806d59d31bf15accef22d0e");
    assert_eq!(
        consistency_proof(&nodes, size(3), size(7)),
        Ok(vec![leaves[2], leaves[3], hex(roots[2]), n456])
    );
    let n4567 = hex("6b47aaf29ee3c2af9af889bc1fb9254dabd31177f16232dd6aab035ca39bf6e4");
    assert_eq!(consistency_proof(&nodes, size(4), size(8)), Ok(vec![n4567]));
    assert_eq!(
        consistency_proof(&nodes, size(6), size(8)),
        Ok(vec![n45, n67, n0123])
    );
}

/// Answers from tiles, so that the long loops below take tiles' word for every node.
fn tiled(leaves: &[Digest]) -> Stored {
    let mut stored = Stored::default();
    stored.write(TiledTree::new().append(leaves));
    stored
}

#[test]
fn every_leaf_of_every_tree_to_300_is_proved() {
    let all = leaves(300);
    let stored = tiled(&all);
    let nodes = TileNodes::new(&stored);
    for count in 1..=all.len() {
        let root = reference::root(&all[..count]);
        for (leaf, hash) in all[..count].iter().enumerate() {
            let path = inclusion_proof(&nodes, index(leaf), size(count)).unwrap();
            let verdict = verify_inclusion(*hash, index(leaf), size(count), &path, &root);
            assert_eq!(verdict, Ok(()), "{leaf} of {count}");
        }
    }
    for (leaf, count) in [
        (0, 1),
        (0, 300),
        (255, 256),
        (256, 257),
        (299, 300),
        (77, 211),
    ] {
        let path = inclusion_proof(&nodes, index(leaf), size(count));
        assert_eq!(path, Ok(reference::path(leaf, &all[..count])));
    }
}

#[test]
fn every_pair_of_trees_to_130_is_proved_consistent() {
    let all = leaves(130);
    let stored = tiled(&all);
    let nodes = TileNodes::new(&stored);
    let roots: Vec<Digest> = (0..=130)
        .map(|count| reference::root(&all[..count]))
        .collect();
    for new in 1..=130 {
        for old in 1..=new {
            let path = consistency_proof(&nodes, size(old), size(new)).unwrap();
            if new <= 40 {
                assert_eq!(path, reference::proof(old, &all[..new]));
            }
            let verify = |old_root, new_root, path: &[Digest]| {
                verify_consistency(size(old), old_root, size(new), new_root, path)
            };
            assert_eq!(
                verify(&roots[old], &roots[new], &path),
                Ok(()),
                "{old} to {new}"
            );
            assert_eq!(
                verify(&roots[old], &roots[0], &path),
                Err(ProofError::RootMismatch)
            );
            let longer = [path.as_slice(), &[roots[0]]].concat();
            let (got, want) = (longer.len(), path.len());
            assert_eq!(
                verify(&roots[old], &roots[new], &longer),
                Err(ProofError::PathLength { got, want })
            );
            if old < new && !old.is_power_of_two() {
                assert_eq!(
                    verify(&roots[0], &roots[new], &path),
                    Err(ProofError::OldRootMismatch)
                );
            }
        }
    }
}

#[test]
fn impossible_questions_are_refused_by_name() {
    let all = leaves(5);
    let (nodes, root) = (Leaves(&all), reference::root(&all));
    let out_of_range = ProofError::OutOfRange {
        index: 5,
        size: size(5),
    };
    assert_eq!(
        verify_inclusion(all[0], index(5), size(5), &[], &root),
        Err(out_of_range.clone())
    );
    assert_eq!(
        inclusion_proof(&nodes, index(5), size(5)),
        Err(ProveError::Request(out_of_range.clone()))
    );
    assert_eq!(
        multi_proof(&nodes, &[index(5)], size(5)),
        Err(ProveError::Request(out_of_range))
    );
    for (old, new) in [(0, 5), (5, 4), (0, 0)] {
        let sizes = ProofError::Sizes {
            old: size(old),
            new: size(new),
        };
        assert_eq!(
            verify_consistency(size(old), &root, size(new), &root, &[]),
            Err(sizes.clone())
        );
        assert_eq!(
            consistency_proof(&nodes, size(old), size(new)),
            Err(ProveError::Request(sizes))
        );
    }
    for twice in [[index(2), index(2)], [index(2), index(1)]] {
        assert_eq!(
            verify_multi(&all[..2], &twice, size(5), &[], &root),
            Err(ProofError::Unsorted { leaf: twice[1] })
        );
    }
    assert_eq!(
        verify_multi(&[], &[], size(5), &[root], &root),
        Err(ProofError::Empty)
    );
    let range = |start, end| LeafRange {
        start: index(start),
        end: index(end),
    };
    assert_eq!(
        verify_range(&[], range(2, 2), size(5), &[root], &root),
        Err(ProofError::Empty)
    );
    assert_eq!(
        verify_range(&[], range(3, 2), size(5), &[], &root),
        Err(ProofError::Unsorted { leaf: index(2) })
    );
    assert_eq!(
        verify_range(&all, range(1, 6), size(5), &[], &root),
        Err(ProofError::OutOfRange {
            index: 6,
            size: size(5)
        })
    );
    assert_eq!(
        Frontier::from_peaks(size(5), vec![root]),
        Err(ProofError::PathLength { got: 1, want: 2 })
    );
}

#[test]
fn the_largest_indices_neither_overflow_nor_hang() {
    let digest = Digest([7; 32]);
    let size = TreeSize(u64::MAX);
    for leaf in [0, 1 << 63, u64::MAX - 1] {
        let error = verify_inclusion(digest, LeafIndex(leaf), size, &[], &digest).unwrap_err();
        assert!(
            matches!(
                error,
                ProofError::PathLength {
                    got: 0,
                    want: 1..=64
                }
            ),
            "{error}"
        );
        let error = verify_multi(&[digest], &[LeafIndex(leaf)], size, &[], &digest).unwrap_err();
        assert!(
            matches!(
                error,
                ProofError::PathLength {
                    got: 0,
                    want: 1..=64
                }
            ),
            "{error}"
        );
    }
    let range = LeafRange {
        start: LeafIndex(1),
        end: LeafIndex(u64::MAX),
    };
    assert_eq!(
        verify_range(&[], range, size, &[], &digest),
        Err(ProofError::LeafCount {
            got: 0,
            want: u64::MAX - 1
        })
    );
}

#[test]
fn ranges_of_small_trees_are_proved_and_nothing_else_is() {
    for count in 0..=20 {
        let all = leaves(count);
        let root = reference::root(&all);
        for start in 0..=count {
            for end in start..=count {
                if start == end && count > 0 {
                    continue;
                }
                let range = LeafRange {
                    start: index(start),
                    end: index(end),
                };
                let proof = range_proof(&Leaves(&all), range, size(count)).unwrap();
                let given = &all[start..end];
                let verify = |given, proof| verify_range(given, range, size(count), proof, &root);
                assert_eq!(verify(given, &proof), Ok(()));
                if end - start == count {
                    assert!(proof.is_empty(), "the whole tree needs no proof");
                }
                let mut fewer = given.to_vec();
                if fewer.pop().is_some() {
                    let (got, want) = (fewer.len(), (end - start).try_into().unwrap());
                    assert_eq!(
                        verify(&fewer, &proof),
                        Err(ProofError::LeafCount { got, want })
                    );
                }
                let longer = [proof.as_slice(), &[root]].concat();
                let (got, want) = (longer.len(), proof.len());
                assert_eq!(
                    verify(given, &longer),
                    Err(ProofError::PathLength { got, want })
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn a_frontier_is_the_tree_and_reports_each_node_once(count in 0_usize..600) {
        let all = leaves(count);
        let (mut frontier, mut reported) = (Frontier::new(), BTreeMap::new());
        for leaf in &all {
            frontier.push_with(*leaf, |level, index, hash| {
                assert_eq!(reported.insert((level, index), *hash), None);
            });
        }
        prop_assert_eq!(frontier.root(), reference::root(&all));
        let complete: usize = (0..10).map(|level| count >> level).sum();
        prop_assert_eq!(reported.len(), complete);
        for ((level, index), hash) in reported {
            prop_assert_eq!(Leaves(&all).node(level, index), Ok(hash));
        }
        let stored = Frontier::from_peaks(frontier.size(), frontier.peaks().to_vec());
        prop_assert_eq!(stored, Ok(frontier));
    }

    #[test]
    fn any_set_of_leaves_is_proved_and_a_flipped_bit_refused(
        count in 1_usize..400,
        picks in prop::collection::vec(any::<prop::sample::Index>(), 1..40),
        at: prop::sample::Index,
        byte in 0_usize..32,
        flip in 1_u8..,
    ) {
        let all = leaves(count);
        let root = reference::root(&all);
        let mut chosen: Vec<usize> = picks.iter().map(|pick| pick.index(count)).collect();
        chosen.sort_unstable();
        chosen.dedup();
        let indices: Vec<LeafIndex> = chosen.iter().copied().map(index).collect();
        let mut hashes: Vec<Digest> = chosen.iter().map(|leaf| all[*leaf]).collect();
        let mut proof = multi_proof(&Leaves(&all), &indices, size(count)).unwrap();
        let verify = |hashes: &[Digest], proof: &[Digest]| {
            verify_multi(hashes, &indices, size(count), proof, &root)
        };
        prop_assert_eq!(verify(&hashes, &proof), Ok(()));
        if let [only] = chosen.as_slice() {
            prop_assert_eq!(proof.len(), reference::path(*only, &all).len());
        }
        let at = at.index(hashes.len() + proof.len());
        match at.checked_sub(hashes.len()) {
            Some(at) => proof[at].0[byte] ^= flip,
            None => hashes[at].0[byte] ^= flip,
        }
        prop_assert_eq!(verify(&hashes, &proof), Err(ProofError::RootMismatch));
    }

    #[test]
    fn any_range_is_proved_and_a_flipped_bit_refused(
        count in 1_usize..400,
        ends: [prop::sample::Index; 2],
        at: prop::sample::Index,
        byte in 0_usize..32,
        flip in 1_u8..,
    ) {
        let all = leaves(count);
        let root = reference::root(&all);
        let (a, b) = (ends[0].index(count), ends[1].index(count));
        let (start, end) = (a.min(b), a.max(b) + 1);
        let range = LeafRange { start: index(start), end: index(end) };
        let mut proof = range_proof(&Leaves(&all), range, size(count)).unwrap();
        let mut hashes = all[start..end].to_vec();
        prop_assert_eq!(verify_range(&hashes, range, size(count), &proof, &root), Ok(()));
        let at = at.index(hashes.len() + proof.len());
        match at.checked_sub(hashes.len()) {
            Some(at) => proof[at].0[byte] ^= flip,
            None => hashes[at].0[byte] ^= flip,
        }
        prop_assert_eq!(
            verify_range(&hashes, range, size(count), &proof, &root),
            Err(ProofError::RootMismatch)
        );
    }

    #[test]
    fn a_path_with_a_flipped_bit_is_refused(
        count in 2_usize..300,
        leaf: prop::sample::Index,
        at: prop::sample::Index,
        byte in 0_usize..32,
        flip in 1_u8..,
    ) {
        let all = leaves(count);
        let leaf = leaf.index(count);
        let mut path = reference::path(leaf, &all);
        let at = at.index(path.len());
        path[at].0[byte] ^= flip;
        prop_assert_eq!(
            verify_inclusion(all[leaf], index(leaf), size(count), &path, &reference::root(&all)),
            Err(ProofError::RootMismatch)
        );
    }

    #[test]
    fn tiles_grown_in_blocks_are_the_tree(
        blocks in prop::collection::vec(0_usize..700, 1..8),
        pick: prop::sample::Index,
    ) {
        let all = leaves(blocks.iter().sum());
        let (mut stored, mut tree, mut done) = (Stored::default(), TiledTree::new(), 0);
        for block in blocks {
            stored.write(tree.append(&all[done..done + block]));
            done += block;
            let opened = TiledTree::open(&stored, tree.frontier().clone());
            prop_assert_eq!(opened.as_ref(), Ok(&tree));
        }
        for ((level, at), hashes) in &stored.0 {
            let name = TileName::at_size(TileKind::Hashes(*level), *at, size(done)).unwrap();
            prop_assert_eq!(usize::from(name.width), hashes.len());
        }
        if done > 0 {
            let leaf = pick.index(done);
            let path = inclusion_proof(&TileNodes::new(&stored), index(leaf), size(done)).unwrap();
            prop_assert_eq!(path, reference::path(leaf, &all));
        }
    }
}

/// Tiles in memory.
#[derive(Default)]
struct Stored(BTreeMap<(u8, u64), Vec<Digest>>);

impl Stored {
    fn write(&mut self, writes: Vec<tile::TileWrite>) {
        for (level, index, hashes) in writes {
            assert!((1..=TILE_WIDTH).contains(&hashes.len()));
            self.0.insert((level, index), hashes);
        }
    }
}

impl Tiles for Stored {
    type Error = Infallible;

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, Infallible> {
        Ok(self.0.get(&(level, index)).cloned())
    }
}

#[test]
fn a_tree_of_70000_leaves_has_the_tiles_of_the_specification() {
    let all = leaves(70_000);
    let stored = tiled(&all);
    let widths = |level| -> Vec<usize> {
        stored
            .0
            .range((level, 0)..(level + 1, 0))
            .map(|(_, hashes)| hashes.len())
            .collect()
    };
    let full = |count, last: &[usize]| [vec![256; count], last.to_vec()].concat();
    assert_eq!(widths(0), full(273, &[112]));
    assert_eq!(widths(1), full(1, &[17]));
    assert_eq!(widths(2), [1]);
    let root = reference::root(&all);
    let chosen = [3, 255, 256, 65_535, 65_536, 69_999].map(LeafIndex);
    let hashes = chosen.map(|leaf| all[usize::try_from(leaf.0).unwrap()]);
    let proof = multi_proof(&TileNodes::new(&stored), &chosen, size(70_000)).unwrap();
    assert_eq!(
        verify_multi(&hashes, &chosen, size(70_000), &proof, &root),
        Ok(())
    );
}

#[test]
fn damaged_tiles_are_refused_by_name() {
    let all = leaves(300);
    let (mut tree, mut stored) = (TiledTree::new(), Stored::default());
    stored.write(tree.append(&all));
    let open = |stored: &Stored| TiledTree::open(stored, tree.frontier().clone()).unwrap_err();
    stored.0.get_mut(&(0, 1)).unwrap()[0].0[0] ^= 1;
    assert_eq!(open(&stored), TileError::PeaksMismatch);
    stored.0.get_mut(&(0, 1)).unwrap().pop();
    assert_eq!(
        open(&stored),
        TileError::Width {
            level: 0,
            index: 1,
            got: 43,
            want: 44
        }
    );
    stored.0.remove(&(0, 0));
    // The path's topmost sibling is the first it reads: leaves 128 to 255, all in tile 0.
    assert_eq!(
        inclusion_proof(&TileNodes::new(&stored), index(3), size(256)),
        Err(ProveError::Nodes(TileError::Width {
            level: 0,
            index: 0,
            got: 0,
            want: 256
        }))
    );
}

#[test]
fn tile_names_have_one_spelling() {
    let hashes = |level, index, width| TileName {
        kind: TileKind::Hashes(level),
        index,
        width,
    };
    for (path, name) in [
        ("tile/0/005", hashes(0, 5, 256)),
        ("tile/1/x001/000", hashes(1, 1000, 256)),
        ("tile/63/x001/x234/067.p/255", hashes(63, 1_234_067, 255)),
        ("tile/0/000.p/8", hashes(0, 0, 8)),
        (
            "tile/entries/000.p/8",
            TileName {
                kind: TileKind::Entries,
                index: 0,
                width: 8,
            },
        ),
        (
            "tile/0/x018/x446/x744/x073/x709/x551/615",
            hashes(0, u64::MAX, 256),
        ),
    ] {
        assert_eq!(name.to_string(), path);
        assert_eq!(TileName::parse(path), Some(name));
    }
    for path in [
        "tile/0/5",
        "tile/00/005",
        "tile/64/005",
        "tile/0/x000/005",
        "tile/0/001/000",
        "tile/0/005.p/0",
        "tile/0/005.p/256",
        "tile/0/005.p/08",
        "tile/0/+05",
        "tile/0/x005",
        "tile/data/005",
        "/tile/0/005",
        "tile/0/x018/x446/x744/x073/x709/x551/616",
        "tile/0/",
    ] {
        assert_eq!(TileName::parse(path), None, "{path}");
    }
    assert_eq!(
        TileName::at_size(TileKind::Hashes(1), 1, size(70_000)),
        Some(hashes(1, 1, 17))
    );
    assert_eq!(
        TileName::at_size(TileKind::Hashes(1), 1, size(65_536)),
        None
    );
    assert_eq!(
        TileName::at_size(TileKind::Hashes(63), 0, size(70_000)),
        None
    );
}

#[test]
fn the_public_vectors_have_the_verdicts_they_want() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/vectors/merkle");
    if !folder.exists() {
        println!("skipped: the public Merkle vectors are not on this machine");
        return;
    }
    let (mut run, mut stricter) = (0, Vec::new());
    let mut folders = vec![folder];
    while let Some(folder) = folders.pop() {
        for item in std::fs::read_dir(folder).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let case: serde_json::Value =
                serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
            let accepted = judge(&case).unwrap_or(false);
            let wanted = !case["wantErr"].as_bool().unwrap_or(false);
            run += 1;
            if accepted != wanted {
                assert!(!accepted, "accepted {}", path.display());
                stricter.push(case["desc"].as_str().unwrap_or_default().to_owned());
            }
        }
    }
    // Its roots are 12 bytes of text, which no digest can hold.
    assert_eq!(
        (run, stricter),
        (
            196,
            vec!["sizes are equal (one) and proof is empty".to_owned()]
        )
    );
}

/// The verdict, or `None` where a hash is not 32 bytes and so cannot even be asked about.
fn judge(case: &serde_json::Value) -> Option<bool> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let digest = |value: &serde_json::Value| {
        Digest::from_slice(&STANDARD.decode(value.as_str().unwrap_or_default()).unwrap())
    };
    let number = |name: &str| case[name].as_u64().unwrap();
    let path: Vec<Digest> = case["proof"]
        .as_array()
        .into_iter()
        .flatten()
        .map(digest)
        .collect::<Option<_>>()?;
    Some(if case.get("size1").is_some() {
        verify_consistency(
            TreeSize(number("size1")),
            &digest(&case["root1"])?,
            TreeSize(number("size2")),
            &digest(&case["root2"])?,
            &path,
        )
        .is_ok()
    } else {
        verify_inclusion(
            digest(&case["leafHash"])?,
            LeafIndex(number("leafIdx")),
            TreeSize(number("treeSize")),
            &path,
            &digest(&case["root"])?,
        )
        .is_ok()
    })
}
