use super::*;
use proptest::prelude::*;

/// RFC 9162 §2.1.1, as written there.
fn mth(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        _ => {
            let split = leaves.len().next_power_of_two() / 2;
            node_hash(&mth(&leaves[..split]), &mth(&leaves[split..]))
        }
    }
}

#[test]
fn an_items_root_is_that_of_the_tree_over_its_list() {
    let mut record = ItemRecord::default();
    let mut leaves = Vec::new();
    for number in 0..70_u64 {
        assert_eq!(record.root(), mth(&leaves));
        assert_eq!(ItemRecord::decode(&record.encode()), Ok(record.clone()));
        let at = EventRef {
            leaf: LeafIndex(number),
            index: 3,
        };
        let leaf = posting_leaf(at, &Digest::of(b"entry"));
        record.push(leaf);
        leaves.push(leaf);
    }
}

#[test]
fn an_item_record_has_one_peak_for_each_bit_of_its_size() {
    let mut bytes = ItemRecord::default().encode();
    assert_eq!(bytes, [0x82, 0, 0x80]);
    bytes[1] = 1;
    assert_eq!(
        ItemRecord::decode(&bytes).unwrap_err().why,
        DecodeFault::Field("peaks")
    );
}

#[test]
fn a_key_counts_from_the_leaf_after_it_is_added_through_the_leaf_that_revokes_it() {
    let now = UnixMillis(1000);
    let mut key = KeyRecord {
        owner: Handle([1; 16]),
        public_key: [2; 32],
        added: LeafIndex(10),
        retired: None,
        revoked: None,
        suspect_from: None,
    };
    assert_eq!(key.standing(LeafIndex(10), now), KeyStanding::NotYet);
    assert_eq!(key.standing(LeafIndex(11), now), KeyStanding::Counts);
    key.revoked = Some(LeafIndex(20));
    assert_eq!(key.standing(LeafIndex(20), now), KeyStanding::Counts);
    assert_eq!(
        key.standing(LeafIndex(21), now),
        KeyStanding::Revoked(LeafIndex(20))
    );
    key.revoked = None;
    key.retired = Some(now);
    assert_eq!(key.standing(LeafIndex(99), now), KeyStanding::Counts);
    assert_eq!(
        key.standing(LeafIndex(99), UnixMillis(1001)),
        KeyStanding::Retired(now)
    );
    assert_eq!(KeyRecord::decode(&key.encode()), Ok(key));
}

proptest! {
    #[test]
    fn effects_have_one_encoding(
        touches in proptest::collection::vec((any::<u16>(), any::<[u8; 32]>()), 0..20),
        sets in proptest::collection::vec((any::<[u8; 32]>(), proptest::collection::vec(any::<u8>(), 0..40)), 0..20),
    ) {
        let effects = Effects {
            touches: touches.into_iter().map(|(index, item)| (index, Digest(item))).collect(),
            sets: sets
                .into_iter()
                .map(|(digest, record)| {
                    (StateKey { class: Class::Key, digest: Digest(digest) }, record)
                })
                .collect(),
        }
        .in_order();
        prop_assert_eq!(Effects::decode(&effects.encode()), Ok(effects));
    }
}
