use super::*;
use crate::ids::LeafIndex;
use crate::seal::{Log, sign_header};
use crate::signature::KeyId;
use crate::signature::Signer as _;
use crate::state::Role;
use crate::statement::SignedStatement;
use crate::store::EntryWrite;
use crate::store::Store as _;
use crate::testing::{ORIGIN, World, object_event};
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

fn world() -> World {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"prefixes": ["6901234"]}),
    );
    for number in 0..5 {
        let id = format!("urn:e:{number}");
        let event = object_event(&id, "OBSERVE", "storing", "2026-11-20T08:00:00Z", LOT);
        let statement = world.events(&maker, &[event]);
        world.admitted(vec![statement]);
    }
    world
}

fn replay(world: &World, change: impl Fn(&mut EntryWrite)) -> AuditReport {
    let head = world.store.view().head().unwrap();
    replay_to(world, head.as_ref(), change)
}

fn replay_to(world: &World, head: Option<&Head>, change: impl Fn(&mut EntryWrite)) -> AuditReport {
    let view = world.store.view();
    let mut auditor = Auditor::new(ORIGIN);
    let mut keys: BTreeMap<KeyId, PublicKey> = BTreeMap::new();
    let log_key = world.log_key.public_key();
    keys.insert(log_key.key_id(), log_key.clone());
    for mut leaf in view.leaves(LeafIndex(0), 1000).unwrap() {
        change(&mut leaf);
        let prepared = prepare(&view, leaf).unwrap();
        let key = prepared.statement().map(|statement| statement.header().key);
        let good = key
            .and_then(|key| keys.get(&key))
            .is_some_and(|key| prepared.verifies_under(key));
        keys.extend(
            prepared
                .new_keys()
                .into_iter()
                .map(|key| (key.key_id(), key)),
        );
        auditor.leaf(prepared, good);
    }
    auditor.finish(head, log_key)
}

#[test]
fn an_honest_ledger_is_clean() {
    let report = replay(&world(), |_| {});
    assert_eq!(report.findings, []);
    assert_eq!((report.blocks, report.events), (7, 5));
}

#[test]
fn a_copy_that_is_being_caught_up_is_said_to_be_one_and_nothing_else_unsigned_passes() {
    let world = world();
    let mut head = world.store.view().head().unwrap().unwrap();
    let (text, _) = head.checkpoint.split_once("\n\n").unwrap();
    let text = format!("{text}\n");
    let checkpoint = Checkpoint::parse(&text).unwrap();
    let other = |change: fn(&mut Checkpoint)| {
        let mut other = checkpoint.clone();
        change(&mut other);
        other.to_string()
    };
    let signed = head.checkpoint.clone();
    for (note, unsigned, sound) in [
        (signed, false, true),
        (text, true, true),
        (other(|one| one.root = Digest([7; 32])), false, false),
        (other(|one| one.size = TreeSize(1)), false, false),
        (other(|one| one.origin.push('x')), false, false),
        (String::new(), false, false),
    ] {
        head.checkpoint = note;
        let report = replay_to(&world, Some(&head), |_| {});
        assert_eq!(report.unsigned, unsigned, "{}", head.checkpoint);
        let differs = AuditFinding::HeadDiffers {
            field: "checkpoint",
        };
        let found = if sound { vec![] } else { vec![differs] };
        assert_eq!(report.findings, found, "{}", head.checkpoint);
    }
}

#[test]
fn a_deleted_body_is_taken_and_said_so() {
    let report = replay(&world(), |leaf| {
        if leaf.leaf == LeafIndex(6) {
            leaf.body.clear();
        }
    });
    assert_eq!(
        report.findings,
        [AuditFinding::BodyAbsent { leaf: LeafIndex(6) }]
    );
    assert!(report.is_clean());
}

#[test]
fn altered_effects_are_found_at_their_leaf_and_in_the_header() {
    let report = replay(&world(), |leaf| {
        if leaf.leaf == LeafIndex(6) {
            let mut effects = Effects::decode(&leaf.effects).unwrap();
            effects.touches.clear();
            leaf.effects = effects.encode();
        }
    });
    assert_eq!(
        report.findings[0],
        AuditFinding::EffectsDiffer { leaf: LeafIndex(6) }
    );
    let header = AuditFinding::HeaderDiffers {
        height: 3,
        field: "effects",
    };
    assert!(report.findings.contains(&header));
}

#[test]
fn a_header_under_other_rules_is_found() {
    let world = world();
    let log = Log {
        origin: ORIGIN,
        signer: &world.log_key,
    };
    let report = replay(&world, |leaf| {
        let statement = SignedStatement::parse(&leaf.entry).unwrap();
        if let Payload::Block(header) = statement.payload()
            && header.height == 3
        {
            let mut other = header.clone();
            other.rules_version += 1;
            leaf.entry = sign_header(log, &other).entry().to_vec();
        }
    });
    let found = AuditFinding::HeaderDiffers {
        height: 3,
        field: "rules version",
    };
    assert_eq!(report.findings[0], found);
}

#[test]
fn every_flipped_byte_of_an_entry_or_body_is_found() {
    let world = world();
    let leaves = world.store.view().leaves(LeafIndex(4), 2).unwrap();
    for original in leaves {
        for at in 0..original.entry.len() {
            let report = replay(&world, |leaf| {
                if leaf.leaf == original.leaf {
                    leaf.entry[at] ^= 0x10;
                }
            });
            assert!(!report.is_clean(), "leaf {} entry byte {at}", original.leaf);
        }
        for at in 0..original.body.len() {
            let report = replay(&world, |leaf| {
                if leaf.leaf == original.leaf {
                    leaf.body[at] ^= 0x10;
                }
            });
            assert!(!report.is_clean(), "leaf {} body byte {at}", original.leaf);
        }
    }
}

#[test]
fn a_leaf_left_out_is_missing() {
    let world = world();
    let view = world.store.view();
    let mut auditor = Auditor::new(ORIGIN);
    for leaf in view.leaves(LeafIndex(0), 1000).unwrap() {
        if leaf.leaf != LeafIndex(4) {
            auditor.leaf(prepare(&view, leaf).unwrap(), true);
        }
    }
    let report = auditor.finish(view.head().unwrap().as_ref(), world.log_key.public_key());
    assert!(
        report
            .findings
            .contains(&AuditFinding::LeafMissing { leaf: LeafIndex(4) })
    );
}
