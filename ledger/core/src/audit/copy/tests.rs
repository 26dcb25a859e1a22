use super::*;
use crate::audit::{Prepared, prepare_arrived};
use crate::disclosure::encode_body;
use crate::forget::orders_of;
use crate::memory::MemoryStore;
use crate::provenance::answer::Text;
use crate::signature::{PublicKey, Signer as _};
use crate::state::Role;
use crate::statement::Issuer;
use crate::store::Store as _;
use crate::stored::open;
use crate::testing::{CountedSecrets, Member, ORIGIN, World, object_event};
use crate::tiles::{grown, tile_bytes};
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

/// A log of several blocks, and one with many leaves, so that tiles fill.
fn world() -> (World, Member) {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"prefixes": ["6901234"]}),
    );
    for number in 0..4 {
        say(&mut world, &maker, number * 100, 1);
    }
    say(&mut world, &maker, 1000, 300);
    (world, maker)
}

/// Records so many statements in one block.
fn say(world: &mut World, maker: &Member, first: u64, count: u64) {
    let statements = (first..first + count).map(|number| {
        let id = format!("urn:e:{number}");
        let time = "2026-11-20T08:00:00Z";
        let event = object_event(&id, "OBSERVE", "storing", time, LOT);
        world.events(maker, &[event])
    });
    let statements = statements.collect();
    world.admitted(statements);
}

/// A leaf as a node gives it to a mirror that may see all.
fn given(world: &World, leaf: EntryWrite) -> EntryWrite {
    let statement = SignedStatement::parse(&leaf.entry).unwrap();
    let view = world.store.view();
    let opened = open(&view, &statement, &leaf.body, |_, _| true).unwrap();
    let body = if opened.disclosed.is_empty() {
        Vec::new()
    } else {
        encode_body(&opened.disclosed)
    };
    EntryWrite { body, ..leaf }
}

/// Mirrors the log into `copy`, from where that ends, a span every `span` blocks.
fn mirror(
    world: &World,
    copy: &MemoryStore,
    span: usize,
    change: impl Fn(&mut EntryWrite),
) -> Result<u64, AuditFinding> {
    let secrets = CountedSecrets::default();
    let view = world.store.view();
    let checkpoint = view.head().unwrap().unwrap().checkpoint;
    let mut auditor = Auditor::resume(ORIGIN, copy.view(), &secrets).unwrap();
    let mut keys: Vec<PublicKey> = vec![world.log_key.public_key().clone()];
    let size = auditor.size();
    let mut blocks = 0;
    for leaf in view.leaves(LeafIndex(0), usize::MAX).unwrap() {
        let mut leaf = given(world, leaf);
        change(&mut leaf);
        let prepared: Prepared = prepare_arrived(leaf);
        let good = keys.iter().any(|key| prepared.verifies_under(key));
        keys.extend(prepared.new_keys());
        if prepared.leaf.0 < size.0 {
            continue;
        }
        blocks += usize::from(prepared.is_header());
        auditor.leaf(prepared, good);
        if let Some(fault) = auditor.fault() {
            return Err(fault.clone());
        }
        if blocks == span {
            let write = auditor.span(checkpoint.clone()).unwrap().unwrap();
            copy.commit(write).unwrap();
            auditor.written(copy.view());
            blocks = 0;
        }
    }
    if let Some(write) = auditor.span(checkpoint).unwrap() {
        copy.commit(write).unwrap();
    }
    Ok(auditor.taken())
}

/// Everything that both stores hold is the same.
fn assert_same(world: &World, copy: &MemoryStore) {
    let (ours, theirs) = (copy.view(), world.store.view());
    let head = theirs.head().unwrap().unwrap();
    assert_eq!(ours.head().unwrap().as_ref(), Some(&head));
    let all = usize::MAX;
    let leaves = |view: &dyn View| view.leaves(LeafIndex(0), all).unwrap();
    assert_eq!(leaves(&ours), leaves(&theirs));
    let records = |view: &dyn View| view.records_after(None, all).unwrap();
    assert_eq!(records(&ours), records(&theirs));
    let pages = |view: &dyn View| view.pages_after(None, all).unwrap();
    assert_eq!(pages(&ours), pages(&theirs));
    let postings = |view: &dyn View| view.postings_after(None, all).unwrap();
    assert_eq!(postings(&ours), postings(&theirs));
    for tile in grown(TreeSize(0), head.size()) {
        assert_eq!(tile_bytes(&ours, tile), tile_bytes(&theirs, tile), "{tile}");
    }
    for leaf in (0..head.size().0).map(LeafIndex) {
        assert_eq!(ours.block_of(leaf), theirs.block_of(leaf));
    }
}

#[test]
fn a_copy_equals_its_log_however_the_spans_fall() {
    let (world, _) = world();
    for span in [1, 2, 3, 100] {
        let copy = MemoryStore::new();
        assert_eq!(mirror(&world, &copy, span, |_| {}), Ok(0));
        assert_same(&world, &copy);
    }
}

#[test]
fn a_copy_goes_on_from_where_it_ends() {
    let (mut world, maker) = world();
    let copy = MemoryStore::new();
    for number in 0..4 {
        assert_eq!(mirror(&world, &copy, 1, |_| {}), Ok(0));
        assert_same(&world, &copy);
        say(&mut world, &maker, 5000 + 10 * number, 3);
    }
}

#[test]
fn what_is_altered_is_named_and_nothing_of_its_block_is_kept() {
    let (world, _) = world();
    type Change = fn(&mut EntryWrite);
    let flip: Change = |leaf| leaf.entry[60] ^= 1;
    let empty: Change = |leaf| leaf.effects = crate::state::Effects::default().encode();
    let other: Change = |leaf| {
        let at = leaf.body.len() / 2;
        leaf.body[at] ^= 1;
    };
    for change in [flip, empty, other] {
        let copy = MemoryStore::new();
        let altered = LeafIndex(8);
        let found = mirror(&world, &copy, 1, |leaf| {
            if leaf.leaf == altered {
                change(leaf);
            }
        });
        let found = found.unwrap_err();
        assert!(found.to_string().contains("leaf 8"), "{found}");
        assert_eq!(copy.view().head().unwrap().unwrap().size(), TreeSize(8));
    }
}

#[test]
fn a_body_that_does_not_come_is_counted_and_the_state_is_the_same() {
    let (world, _) = world();
    let copy = MemoryStore::new();
    let withheld = |leaf: &mut EntryWrite| {
        if leaf.leaf.0 > 100 {
            leaf.body.clear();
        }
    };
    let taken = mirror(&world, &copy, 2, withheld).unwrap();
    let size = world.store.view().head().unwrap().unwrap().size().0;
    // All but the last header.
    assert_eq!(taken, size - 101 - 1);
    assert_eq!(
        copy.view().head().unwrap().unwrap().state,
        world.store.view().head().unwrap().unwrap().state
    );
}

#[test]
fn a_thousand_absent_bodies_do_not_hide_a_fault() {
    let (mut world, maker) = world();
    say(&mut world, &maker, 10_000, 1200);
    let last = world.store.view().head().unwrap().unwrap().size().0 - 2;
    let found = mirror(&world, &MemoryStore::new(), 100, |leaf| {
        if leaf.leaf.0 > 300 {
            leaf.body.clear();
        }
        if leaf.leaf.0 == last {
            leaf.effects.clear();
        }
    });
    assert!(
        matches!(found, Err(AuditFinding::Damaged { .. })),
        "{found:?}"
    );
}

/// An event that names a driver, recorded, and the order to delete that.
fn secret(world: &mut World, maker: &Member) -> Order {
    let mut event = object_event(
        "urn:e:d",
        "OBSERVE",
        "shipping",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    event["@context"] = json!({"p": "https://ref.suyuan.example/personal/"});
    event["p:driver"] = "王师傅".into();
    let said = world.events(maker, &[event]);
    let leaf = world.store.view().head().unwrap().unwrap().size().next();
    let Issuer::Participant { handle, capture } = said.header().issuer else {
        unreachable!("a member's statement")
    };
    let parts = said.disclosed()[0].parts.iter();
    let personal = parts.filter(|part| part.class() == Class::Personal);
    let order = Order {
        at: EventRef { leaf, index: 0 },
        issuer: handle,
        capture,
        parts: personal.map(crate::disclosure::Part::digest).collect(),
        basis: Text {
            zh: "个人信息保护法第四十七条".to_owned(),
            en: "PIPL art. 47".to_owned(),
        },
        number: "川网信删〔2026〕12号".to_owned(),
    };
    world.admitted(vec![said]);
    order
}

/// The driver's keys that a store still has.
fn keys_of(store: &MemoryStore, order: &Order) -> usize {
    let view = store.view();
    let pair = view
        .entries_with_bodies(&[order.at.leaf])
        .unwrap()
        .remove(0);
    let (entry, body) = pair.unwrap();
    let named = named_keys(ORIGIN, &entry, &body, order).unwrap();
    let here = named.iter().filter(|key| {
        let kept = view.part_key(key).unwrap();
        matches!(kept, crate::personal::Kept::Here(_))
    });
    here.count()
}

#[test]
fn personal_parts_are_sealed_under_keys_of_its_own_and_deleted_on_the_same_order() {
    let (mut world, maker) = world();
    let order = secret(&mut world, &maker);
    for span in [1, 100] {
        let copy = MemoryStore::new();
        mirror(&world, &copy, span, |_| {}).unwrap();
        assert_eq!(keys_of(&copy, &order), 1);
    }
    let behind = MemoryStore::new();
    mirror(&world, &behind, 1, |_| {}).unwrap();
    let act = world.registry_by_authority(Action::Forget, vec![order.record()]);
    assert_eq!(orders_of(&act).unwrap(), std::slice::from_ref(&order));
    world.admitted(vec![act]);
    mirror(&world, &behind, 1, |_| {}).unwrap();
    assert_eq!(keys_of(&behind, &order), 0);
}

#[test]
fn an_order_to_delete_whose_body_is_withheld_is_refused() {
    let (mut world, maker) = world();
    let order = secret(&mut world, &maker);
    let act = world.registry_by_authority(Action::Forget, vec![order.record()]);
    let at = world.store.view().head().unwrap().unwrap().size().next();
    world.admitted(vec![act]);
    let found = mirror(&world, &MemoryStore::new(), 1, |leaf| {
        if leaf.leaf == at {
            leaf.body.clear();
        }
    });
    let withheld = AuditFinding::Damaged {
        leaf: at,
        what: "order to delete",
        why: "its body is withheld".to_owned(),
    };
    assert_eq!(found, Err(withheld));
}
