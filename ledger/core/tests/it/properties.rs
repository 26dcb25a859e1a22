//! Laws that hold for any ledger: what was admitted replays clean to the same state, any lot's
//! bundle verifies, and statements that have nothing to do with one another may come in any order.

use crate::seeded::Lcg;
use ledger::audit::{AuditReport, Auditor, prepare};
use ledger::bundle::{Trust, build, verify};
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::{Limits, trace};
use ledger::registry::Action;
use ledger::seal::Outcome;
use ledger::signature::{KeyId, PublicKey, Signer as _};
use ledger::state::{Role, StateKey};
use ledger::statement::SignedStatement;
use ledger::store::{Store as _, View as _};
use ledger::testing::{Member, ORIGIN, World, object_event};
use proptest::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

const LOTS: u32 = 4;

fn lot(number: u32) -> String {
    format!("https://id.gs1.org/01/06901234567892/10/L{number}")
}

/// Members that are admitted at the start, and statements drawn from a seed.
struct Town {
    world: World,
    members: Vec<Member>,
    random: Lcg,
}

impl Town {
    fn new(seed: u64) -> Self {
        let mut world = World::new();
        let maker = world.admit(
            &[Role::Producer],
            "510117",
            &json!({"prefixes": ["6901234"]}),
        );
        let truck = world.admit(&[Role::Carrier], "510104", &json!({}));
        let shop = world.admit(&[Role::Retailer], "510104", &json!({}));
        Self {
            world,
            members: vec![maker, truck, shop],
            random: Lcg(seed),
        }
    }

    fn some_member(&mut self) -> usize {
        usize::try_from(self.random.below(3)).unwrap()
    }

    /// Anything a member or the authority might say, admissible or not.
    fn statement(&mut self) -> SignedStatement {
        let by = self.some_member();
        let about = self.some_member();
        let (handle, key) = (
            self.members[about].handle,
            self.members[about].key.public_key().key_id(),
        );
        let time = UnixMillis(self.world.now.0 + i64::from(self.random.below(20_000)) - 5_000);
        match self.random.below(20) {
            0 => self
                .world
                .registry_by_authority(Action::Suspend(handle), vec![]),
            1 | 2 => self
                .world
                .registry_by_authority(Action::Reinstate(handle), vec![]),
            3 => {
                let act = Action::RetireKey {
                    key,
                    closing: UnixMillis(time.0 + 20_000),
                };
                self.world.registry_by_authority(act, vec![])
            }
            4 => {
                let act = Action::Delegate {
                    delegate: handle,
                    until: time,
                };
                self.world.registry(&self.members[by], act, vec![])
            }
            5 => {
                let new = self.world.stranger();
                let act = Action::Admit {
                    handle: new.handle,
                    roles: [Role::Site].into_iter().collect(),
                    district: "510104".to_owned(),
                    licences: vec![],
                    keys: vec![self.world.possession(&new)],
                };
                self.world.registry_by_authority(act, vec![])
            }
            _ => self.events(by),
        }
    }

    fn events(&mut self, by: usize) -> SignedStatement {
        const STEPS: [(&str, &str); 5] = [
            ("ADD", "commissioning"),
            ("OBSERVE", "shipping"),
            ("OBSERVE", "receiving"),
            ("OBSERVE", "retail_selling"),
            ("DELETE", "destroying"),
        ];
        let events: Vec<_> = (0..=self.random.below(3))
            .map(|_| {
                let (action, step) = STEPS[usize::try_from(self.random.below(5)).unwrap()];
                // Few names, so that some are said twice.
                let id = format!("urn:e:{}", self.random.below(40));
                let lot = lot(self.random.below(LOTS));
                let time = UnixMillis(self.world.now.0 - i64::from(self.random.below(1 << 30)));
                object_event(&id, action, step, &ledger::time::format_utc(time), &lot)
            })
            .collect();
        self.world.events(&self.members[by], &events)
    }

    /// Submits blocks of 1 to 5 statements, some of them again, and counts outcomes.
    fn live(&mut self, blocks: u32) -> [usize; 3] {
        let mut counts = [0; 3];
        let mut earlier: Vec<SignedStatement> = Vec::new();
        for _ in 0..blocks {
            let mut block: Vec<SignedStatement> = (0..=self.random.below(5))
                .map(|_| self.statement())
                .collect();
            if self.random.below(3) == 0 {
                block.extend(earlier.last().cloned());
            }
            earlier.extend(block.first().cloned());
            for outcome in self.world.submit(block).unwrap() {
                counts[match outcome {
                    Outcome::Admitted(_) => 0,
                    Outcome::Again(_) => 1,
                    Outcome::Rejected(_) => 2,
                }] += 1;
            }
        }
        counts
    }
}

fn audit(world: &World) -> AuditReport {
    let view = world.store.view();
    let log_key = world.log_key.public_key();
    let mut keys: BTreeMap<KeyId, PublicKey> = BTreeMap::new();
    keys.insert(log_key.key_id(), log_key.clone());
    let mut auditor = Auditor::new(ORIGIN);
    for leaf in view.leaves(LeafIndex(0), usize::MAX).unwrap() {
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
    auditor.finish(view.head().unwrap().as_ref(), log_key)
}

/// The stored record under every key that the replay reached, beside the replay's.
fn assert_same_state(world: &World, report: &AuditReport) {
    let keys: Vec<StateKey> = report.records.iter().map(|(key, _)| key).collect();
    let stored = world.store.view().records(&keys).unwrap();
    for ((key, replayed), stored) in report.records.iter().zip(stored) {
        assert_eq!(stored.as_ref(), Some(replayed), "{key:?}");
    }
}

/// Every record and list there is, by key.
fn state_of(world: &World) -> BTreeMap<StateKey, Vec<u8>> {
    let report = audit(world);
    let records = report.records.iter();
    records.map(|(key, record)| (key, record.clone())).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_ledger_replays_clean_to_the_same_state(seed: u64) {
        let mut town = Town::new(seed);
        town.live(12);
        let report = audit(&town.world);
        prop_assert_eq!(&report.findings, &[]);
        let head = town.world.store.view().head().unwrap().unwrap();
        prop_assert_eq!((report.state, report.size), (head.state, head.size()));
        prop_assert_eq!((report.blocks, report.events), (head.block.height + 1, head.events));
        assert_same_state(&town.world, &report);
    }

    #[test]
    fn any_lots_bundle_gives_the_verifier_the_same_answer(seed: u64, number in 0..LOTS + 1) {
        let mut town = Town::new(seed);
        town.live(8);
        let view = town.world.store.view();
        // The last lot is never said: its answer is that nothing is known, and proved too.
        let item = Identifier::parse(&lot(number)).unwrap();
        let mut source = ViewSource::new(&view, Reader::Public);
        let told = trace(&mut source, &item, town.world.now, Limits::DEFAULT).unwrap();
        let bytes = build(&view, &source, item.as_str()).unwrap().encode();
        let log_key = town.world.log_key.public_key().clone();
        let mut proved = verify(&bytes, &Trust { origin: ORIGIN.to_owned(), log_key }).unwrap();
        prop_assert_eq!(proved.item(), item.as_str());
        let computed = trace(&mut proved, &item, town.world.now, Limits::DEFAULT).unwrap();
        prop_assert_eq!(
            serde_json::to_value(computed).unwrap(),
            serde_json::to_value(told).unwrap()
        );
    }

    /// Each on its own lot and by its own id: nothing one says decides about another.
    #[test]
    fn independent_statements_may_come_in_any_order(seed: u64) {
        let sizes: Vec<usize> = {
            let mut random = Lcg(seed);
            (0..6).map(|_| usize::try_from(random.below(6)).unwrap()).collect()
        };
        let submit = |shuffled: bool| {
            let mut town = Town::new(seed);
            let mut block: Vec<SignedStatement> = (0..6_u32)
                .map(|number| {
                    let event = object_event(
                        &format!("urn:e:{number}"),
                        "OBSERVE",
                        "storing",
                        "2026-11-20T08:00:00Z",
                        &lot(number),
                    );
                    let by = usize::try_from(number % 3).unwrap();
                    town.world.events(&town.members[by], &[event])
                })
                .collect();
            if shuffled {
                for (at, with) in sizes.iter().enumerate() {
                    block.swap(at, *with);
                }
            }
            let outcomes = town.world.submit(block).unwrap();
            let admitted = outcomes.iter().all(|one| matches!(one, Outcome::Admitted(_)));
            (admitted, state_of(&town.world))
        };
        let (first, in_order) = submit(false);
        let (second, in_another) = submit(true);
        prop_assert!(first && second);
        // The same keys; item lists and event records differ in nothing but the leaf.
        prop_assert!(in_order.keys().eq(in_another.keys()));
        let sizes = |state: &BTreeMap<StateKey, Vec<u8>>| -> Vec<(StateKey, u64)> {
            use ledger::state::{Class, ItemRecord, Record as _};
            let items = state.iter().filter(|(key, _)| key.class == Class::Item);
            items.map(|(key, bytes)| (*key, ItemRecord::decode(bytes).unwrap().size)).collect()
        };
        prop_assert_eq!(sizes(&in_order), sizes(&in_another));
    }
}

/// The statements drawn above do meet every outcome, so that the laws are about something.
#[test]
fn random_towns_admit_repeat_and_refuse() {
    let mut all = [0; 3];
    for seed in 0..10 {
        for (sum, count) in all.iter_mut().zip(Town::new(seed).live(12)) {
            *sum += count;
        }
    }
    let [admitted, again, refused] = all;
    assert!(admitted > 100 && again > 5 && refused > 20, "{all:?}");
}
