use super::*;
use crate::hash::leaf_hash;
use crate::ids::TreeSize;
use crate::merkle::reference;
use crate::note::{KeyKind, NoteKey};
use crate::signature::{Signer as _, SigningKey};

const ORIGIN: &str = "log.example/cd";
const WITNESS: &str = "w.example";

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn policy() -> TlogPolicy {
    let log = NoteKey::new(ORIGIN, KeyKind::Ed25519, key(1).public_key().clone()).unwrap();
    let witness = NoteKey::new(WITNESS, KeyKind::Cosignature, key(2).public_key().clone());
    let witness = witness.unwrap();
    TlogPolicy::parse(&format!("log {log}\nwitness w {witness}\nquorum w\n")).unwrap()
}

/// Leaves of a history; those from number `from` on are others.
fn leaves(size: u64, from: u64) -> Vec<Digest> {
    let leaf = |at: u64| leaf_hash(&[u8::try_from(at).unwrap(), u8::from(at >= from)]);
    (0..size).map(leaf).collect()
}

fn signed(leaves: &[Digest]) -> SignedCheckpoint {
    let checkpoint = Checkpoint {
        origin: ORIGIN.to_owned(),
        size: TreeSize(u64::try_from(leaves.len()).unwrap()),
        root: reference::root(leaves),
    };
    SignedCheckpoint::parse(&checkpoint.sign(&key(1))).unwrap()
}

const NEVER: u64 = u64::MAX;

/// What two histories that part at leaf `from` show, where the second log proves its own growth.
fn by_its_own_proof(old: u64, new: u64, from: u64) -> Option<Evidence> {
    let second = leaves(new, from);
    let proof = reference::proof(usize::try_from(old).unwrap(), &second);
    Evidence::between(&signed(&leaves(old, NEVER)), &signed(&second), &proof)
}

#[test]
fn two_roots_at_one_size_are_evidence_in_either_order() {
    let (one, other) = (signed(&leaves(5, NEVER)), signed(&leaves(5, 4)));
    for (one, other) in [(&one, &other), (&other, &one)] {
        // Whatever proof came with it.
        let evidence = Evidence::between(one, other, &[Digest([7; 32])]).unwrap();
        let fork = evidence.verify(&policy()).unwrap();
        assert_eq!(fork.older.checkpoint, *one.claim());
        assert_eq!(fork.newer.checkpoint, *other.claim());
        assert_eq!(fork.newer.log.name(), ORIGIN);
        let text = evidence.to_string();
        assert_eq!(Evidence::parse(&text), Ok(evidence));
    }
    assert_eq!(Evidence::between(&one, &one, &[]), None);
}

#[test]
fn a_second_historys_own_proof_convicts_it_unless_the_older_size_is_a_power_of_two() {
    for old in 1..20 {
        for new in old + 1..21 {
            let evidence = by_its_own_proof(old, new, old - 1);
            assert_eq!(evidence.is_none(), old.is_power_of_two(), "{old} {new}");
            // One history is no evidence, whatever is said of it.
            assert_eq!(by_its_own_proof(old, new, old), None, "{old} {new}");
            if let Some(evidence) = evidence {
                evidence.verify(&policy()).unwrap();
            }
        }
    }
}

#[test]
fn who_has_the_newer_tree_convicts_at_every_size() {
    for old in 1..20_usize {
        for new in old..20 {
            let second = leaves(u64::try_from(new).unwrap(), 0);
            let older = signed(&leaves(u64::try_from(old).unwrap(), NEVER));
            let prefix = reference::root(&second[..old]);
            let proof = reference::proof(old, &second);
            let evidence = Evidence::of(older, signed(&second), prefix, proof);
            let fork = evidence.verify(&policy()).unwrap();
            assert_eq!(fork.prefix, prefix);
            assert_eq!(Evidence::parse(&evidence.to_string()), Ok(evidence));
        }
    }
}

#[test]
fn hashes_that_lead_nowhere_convict_nobody() {
    let first = leaves(9, NEVER);
    let (older, newer) = (signed(&first[..6]), signed(&first));
    let mut proof = reference::proof(6, &first);
    proof[0].0[0] ^= 1;
    assert_eq!(Evidence::between(&older, &newer, &proof), None);
    assert_eq!(Evidence::between(&older, &newer, &[]), None);
    // Made up by hand it is refused by name.
    let made_up = |prefix, proof| Evidence::of(older.clone(), newer.clone(), prefix, proof);
    assert_eq!(
        made_up(Digest([7; 32]), proof).verify(&policy()),
        Err(ProofError::OldRootMismatch.into())
    );
    let honest = reference::proof(6, &first);
    let refused = made_up(older.claim().root, honest).verify(&policy());
    assert_eq!(refused, Err(EvidenceError::Consistent));
    assert_eq!(refused.unwrap_err().name(), "evidence-consistent");
}

#[test]
fn a_stranger_or_another_log_convicts_nobody() {
    let mut by_stranger = signed(&leaves(5, 4)).claim().clone();
    let forged = SignedCheckpoint::parse(&by_stranger.sign(&key(3))).unwrap();
    let evidence = Evidence::between(&signed(&leaves(5, NEVER)), &forged, &[]).unwrap();
    let refused = evidence.verify(&policy()).unwrap_err();
    assert_eq!(refused.name(), "evidence-checkpoint");

    by_stranger.origin = "log.example/cq".to_owned();
    let other = SignedCheckpoint::parse(&by_stranger.sign(&key(1))).unwrap();
    assert_eq!(
        Evidence::between(&signed(&leaves(5, NEVER)), &other, &[]),
        None
    );
}

#[test]
fn no_byte_can_be_changed() {
    let text = by_its_own_proof(6, 9, 2).unwrap().to_string();
    let judge = |bytes: &[u8]| {
        let text = std::str::from_utf8(bytes).map_err(|_| "text")?;
        let evidence = Evidence::parse(text).map_err(|error| error.name())?;
        evidence.verify(&policy()).map_err(|error| error.name())
    };
    judge(text.as_bytes()).unwrap();
    for at in 0..text.len() {
        let mut bytes = text.as_bytes().to_vec();
        bytes[at] ^= 1;
        assert!(judge(&bytes).is_err(), "byte {at}");
        assert!(judge(&text.as_bytes()[..at]).is_err(), "cut at {at}");
    }
}

#[test]
fn a_witness_under_both_is_named() {
    let mut two = [signed(&leaves(5, NEVER)), signed(&leaves(5, 4))];
    for one in &mut two {
        one.cosign(WITNESS, &key(2), 7).unwrap();
    }
    let evidence = Evidence::between(&two[0], &two[1], &[]).unwrap();
    let fork = evidence.verify(&policy()).unwrap();
    assert_eq!(fork.cosigned_both().collect::<Vec<_>>(), [WITNESS]);
}
