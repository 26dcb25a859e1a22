use super::*;
use crate::audit::{AuditFinding, AuditReport, Auditor, prepare, undestroyed};
use crate::disclosure::Class;
use crate::memory::Fault;
use crate::registry::{Approval, RegistryPayload};
use crate::reject::RejectReason;
use crate::seal::Outcome;
use crate::signature::{PublicKey, Signer as _};
use crate::state::Role;
use crate::store::Store as _;
use crate::testing::{Member, ORIGIN, World, map_of_json, object_event};
use std::rc::Rc;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const DRIVER: &str = "王师傅";

/// A ledger with one event that names a driver, and that statement.
struct Town {
    world: World,
    maker: Member,
    said: SignedStatement,
    leaf: LeafIndex,
}

fn town() -> Town {
    let mut world = World::new();
    let maker = world.admit(&[Role::Producer], "510117", &serde_json::json!({}));
    let mut event = object_event(
        "urn:e:1",
        "OBSERVE",
        "shipping",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    event["@context"] = serde_json::json!({"p": "https://ref.suyuan.example/personal/"});
    event["p:driver"] = DRIVER.into();
    let said = world.events(&maker, &[event]);
    let leaf = world.store.view().head().unwrap().unwrap().size().next();
    world.admitted(vec![said.clone()]);
    Town {
        world,
        maker,
        said,
        leaf,
    }
}

impl Town {
    fn parts(&self, class: Class) -> Vec<Digest> {
        let parts = self.said.disclosed()[0].parts.iter();
        parts
            .filter(|part| part.class() == class)
            .map(crate::disclosure::Part::digest)
            .collect()
    }

    fn order(&self) -> Order {
        let Issuer::Participant { handle, capture } = self.said.header().issuer else {
            unreachable!("a participant's statement")
        };
        Order {
            at: EventRef {
                leaf: self.leaf,
                index: 0,
            },
            issuer: handle,
            capture,
            parts: self.parts(Class::Personal),
            basis: Text {
                zh: "个人信息保护法第四十七条".to_owned(),
                en: "PIPL art. 47".to_owned(),
            },
            number: "川网信删〔2026〕12号".to_owned(),
        }
    }

    fn act(&mut self, order: &Order) -> SignedStatement {
        self.world
            .registry_by_authority(Action::Forget, vec![order.record()])
    }

    fn refused(&mut self, order: &Order) -> RejectReason {
        let act = self.act(order);
        self.world.refusal(act)
    }

    /// What one who may see everything reads of the driver.
    fn driver(&self) -> Option<String> {
        let view = self.world.store.view();
        let mut source = ViewSource::new(&view, Reader::All);
        let shown = source.touches(LOT).unwrap().shown;
        let Content::Event(event) = &*shown[0].content else {
            panic!("an event")
        };
        let driver = event.as_map().get("p:driver")?;
        Some(driver.as_text().unwrap().to_owned())
    }

    fn kept(&self) -> Vec<Kept> {
        let view = self.world.store.view();
        let (entry, body) = read(&view, self.leaf).unwrap().unwrap();
        named_keys(ORIGIN, &entry, &body, &self.order())
            .unwrap()
            .iter()
            .map(|key| view.part_key(key).unwrap())
            .collect()
    }

    fn audit(&self) -> AuditReport {
        let view = self.world.store.view();
        let log_key = self.world.log_key.public_key();
        let mut auditor = Auditor::new(ORIGIN);
        let mut keys: Vec<PublicKey> = vec![log_key.clone()];
        for leaf in view.leaves(LeafIndex(0), 1000).unwrap() {
            let prepared = prepare(&view, leaf).unwrap();
            let good = keys.iter().any(|key| prepared.verifies_under(key));
            keys.extend(prepared.new_keys());
            auditor.leaf(prepared, good);
        }
        let mut report = auditor.finish(view.head().unwrap().as_ref(), log_key);
        let found = undestroyed(&view, &report).unwrap();
        report.findings.extend(found);
        report
    }
}

#[test]
fn what_is_ordered_deleted_is_gone_and_everything_else_stays() {
    let mut town = town();
    assert_eq!(town.driver().as_deref(), Some(DRIVER));
    let parts = parts_of(&town.world.store.view(), town.leaf);
    let kept = PersonalPart {
        index: 0,
        part: town.order().parts[0],
        standing: Standing::Kept,
    };
    assert_eq!(parts.unwrap().unwrap().parts, [kept]);
    let before = town.world.store.view().body(town.leaf).unwrap();
    let order = town.order();
    let act = town.act(&order);
    let at = town
        .world
        .store
        .view()
        .head()
        .unwrap()
        .unwrap()
        .size()
        .next();
    let recorded = town.world.now;
    town.world.admitted(vec![act]);

    assert_eq!(town.driver(), None);
    assert!(matches!(town.kept()[..], [Kept::Gone(Gone::Destroyed)]));
    let view = town.world.store.view();
    assert_eq!(view.body(town.leaf).unwrap(), before);
    let tombstones = tombstones(&mut ViewSource::new(&view, Reader::Public), order.at).unwrap();
    let tombstone = Tombstone {
        order: at,
        by: town.world.authority.handle,
        on: recorded,
        basis: order.basis,
        number: order.number,
    };
    let part = order.parts[0];
    assert_eq!(tombstones, BTreeMap::from([(part, tombstone.clone())]));
    let found = parts_of(&view, town.leaf).unwrap().unwrap();
    let deleted = PersonalPart {
        index: 0,
        part,
        standing: Standing::Deleted(tombstone),
    };
    assert_eq!((found.issuer, found.capture), (order.issuer, order.capture));
    assert_eq!(found.parts, [deleted]);
    let report = town.audit();
    assert_eq!(report.findings, []);
    let deleted = PartRef { at: order.at, part };
    assert_eq!(report.forgotten, BTreeMap::from([(deleted, at)]));
}

#[test]
fn submitting_again_brings_nothing_back() {
    let mut town = town();
    let order = town.order();
    let act = town.act(&order);
    town.world.admitted(vec![act]);
    for _ in 0..2 {
        let again = town.said.clone();
        let outcome = town.world.submit(vec![again]).unwrap();
        assert_eq!(outcome, [Outcome::Again(town.leaf)]);
        assert_eq!(town.driver(), None);
        town.world.store = town.world.store.reopen();
    }
}

#[test]
fn a_crash_between_the_entry_and_the_key_is_finished_on_reopening() {
    let mut town = town();
    let order = town.order();
    let act = town.act(&order);
    town.world.store.fail_next_commit(Fault::KeysLeft);
    town.world.submit(vec![act]).unwrap_err();
    town.world.store = town.world.store.reopen();
    assert_eq!(town.driver(), None);
    assert_eq!(town.audit().findings, []);
}

#[test]
fn an_order_in_the_block_of_its_statement_deletes_too() {
    let mut town = town();
    let mut event = object_event(
        "urn:e:2",
        "OBSERVE",
        "shipping",
        "2026-11-20T09:00:00Z",
        LOT,
    );
    event["https://ref.suyuan.example/personal/driver"] = DRIVER.into();
    town.said = town.world.events(&town.maker, &[event]);
    town.leaf = town
        .world
        .store
        .view()
        .head()
        .unwrap()
        .unwrap()
        .size()
        .next();
    let order = town.order();
    let act = town.act(&order);
    let said = town.said.clone();
    town.world.admitted(vec![said, act]);
    assert!(matches!(town.kept()[..], [Kept::Gone(Gone::Destroyed)]));
    assert_eq!(town.audit().findings, []);
}

#[test]
fn an_order_over_a_confidential_part_deletes_nothing() {
    let mut town = town();
    let mut order = town.order();
    order.parts = town.parts(Class::Confidential);
    assert!(!order.parts.is_empty());
    let act = town.act(&order);
    town.world.admitted(vec![act]);
    assert_eq!(town.driver().as_deref(), Some(DRIVER));
    let report = town.audit();
    assert_eq!((report.findings, report.forgotten.len()), (vec![], 0));
}

#[test]
fn a_key_lost_without_an_order_and_one_that_outlived_it_are_damage() {
    let mut lost = town();
    let order = lost.order();
    let part = PartRef {
        at: order.at,
        part: order.parts[0],
    };
    lost.world.store.lose_key(0);
    assert_eq!(lost.driver(), None);
    assert_eq!(lost.audit().findings, [AuditFinding::KeyLost { part }]);

    let act = lost.act(&order);
    lost.world.admitted(vec![act]);
    assert_eq!(lost.audit().findings, []);

    let mut outlived = town();
    let act = outlived.act(&order);
    let keys = outlived.world.store.keys();
    let at = outlived
        .world
        .store
        .view()
        .head()
        .unwrap()
        .unwrap()
        .size()
        .next();
    outlived.world.admitted(vec![act]);
    outlived.world.store.restore_keys(keys);
    assert_eq!(
        outlived.audit().findings,
        [AuditFinding::KeyOutlivedOrder { part, order: at }]
    );
    outlived.world.store = outlived.world.store.reopen();
    assert_eq!(outlived.audit().findings, []);
}

#[test]
fn who_has_no_say_orders_nothing_and_what_is_not_there_is_not_deleted() {
    let mut town = town();
    let order = town.order();
    let own = town
        .world
        .registry(&town.maker, Action::Forget, vec![order.record()]);
    assert_eq!(town.world.refusal(own).name(), "role-forbids");
    let elsewhere = town
        .world
        .admit(&[Role::Authority], "5104", &serde_json::json!({}));
    let act = town
        .world
        .registry(&elsewhere, Action::Forget, vec![order.record()]);
    assert_eq!(
        town.world.refusal(act),
        RejectReason::OutsideJurisdiction {
            jurisdiction: "5104".to_owned(),
            district: "510117".to_owned(),
        }
    );
    let mut other_leaf = order.clone();
    other_leaf.at.leaf = LeafIndex(0);
    let mut other_issuer = order.clone();
    other_issuer.issuer = town.world.authority.handle;
    let mut other_capture = order;
    other_capture.capture = CaptureId([1; 16]);
    for wrong in [other_leaf, other_issuer, other_capture] {
        assert_eq!(town.refused(&wrong).name(), "without-object");
    }
    let empty = town.world.registry_by_authority(Action::Forget, Vec::new());
    assert_eq!(town.world.refusal(empty).name(), "without-object");
    assert_eq!(town.driver().as_deref(), Some(DRIVER));
}

#[test]
fn a_malformed_order_is_refused_by_its_field() {
    type Change = fn(&mut Map);
    let changes: [(&str, Change); 8] = [
        ("id", |map| drop(map.insert("id", "urn:suyuan:entry:007"))),
        ("index", |map| drop(map.insert("index", -1))),
        ("issuer", |map| drop(map.insert("issuer", "nobody"))),
        ("capture", |map| drop(map.remove("capture"))),
        ("parts", |map| drop(map.insert("parts", Vec::new()))),
        ("parts", |map| {
            let upper = "AB".repeat(32);
            drop(map.insert("parts", vec![upper.into()]));
        }),
        ("basis", |map| drop(map.insert("basis", "art. 47"))),
        ("number", |map| drop(map.insert("number", " "))),
    ];
    let mut town = town();
    let good = town.order();
    assert_eq!(Order::read(&good.record()), Ok(good.clone()));
    for (field, change) in changes {
        let mut record = good.record();
        change(&mut record);
        let act = town
            .world
            .registry_by_authority(Action::Forget, vec![record]);
        let want = RejectReason::RecordInvalid { index: 0, field };
        assert_eq!(town.world.refusal(act), want);
    }
}

/// The same act with the consent of `other`'s key.
fn approved(world: &mut World, act: &SignedStatement, other: &Member) -> SignedStatement {
    let Payload::Registry(payload) = act.payload() else {
        unreachable!("an act")
    };
    let (authority, capture) = (Rc::clone(&world.authority), CaptureId(world.salt().0));
    let message = payload.approval_message(ORIGIN, authority.handle, capture);
    let approval = Approval {
        key: other.key.public_key().key_id(),
        signature: other.key.sign(&message),
    };
    let payload = Payload::Registry(RegistryPayload {
        approvals: vec![approval],
        ..payload.clone()
    });
    World::sign_as(&authority, capture, payload, act.disclosed().to_vec())
}

#[test]
fn where_policy_asks_for_two_signatures_one_deletes_nothing() {
    let mut town = town();
    let rows = serde_json::json!([{
        "key": "second-signature/forget", "value": true, "source": "decision 1", "confirmed": true,
    }]);
    let record = serde_json::json!({"id": crate::policy::ITEM, "rows": rows});
    let policy = town
        .world
        .registry_by_authority(Action::Policy, vec![map_of_json(&record)]);
    town.world.admitted(vec![policy]);
    let reviewer = town
        .world
        .admit(&[Role::Regulator], "5101", &serde_json::json!({}));
    let order = town.order();
    let want = RejectReason::ApprovalsMissing { found: 1, want: 2 };
    assert_eq!(town.refused(&order), want);
    assert_eq!(town.driver().as_deref(), Some(DRIVER));
    let act = town.act(&order);
    let act = approved(&mut town.world, &act, &reviewer);
    town.world.admitted(vec![act]);
    assert_eq!(town.driver(), None);
}

/// Whoever could put events into these lists could crowd the orders out of them.
#[test]
fn no_event_can_name_the_lists_of_orders() {
    use crate::event::{DocumentContext, Event};
    for item in [ORDERS.to_owned(), entry_item(LeafIndex(4))] {
        let json = object_event(
            "urn:e:9",
            "OBSERVE",
            "storing",
            "2026-11-20T09:00:00Z",
            &item,
        );
        let refused = Event::from_json(&json, &DocumentContext::default());
        assert!(refused.is_err(), "{item}");
        assert!(
            crate::identifier::Identifier::parse(&item).is_err(),
            "{item}"
        );
    }
}
