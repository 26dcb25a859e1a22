//! Acts that set the policy: who may, what is refused by name, and what admission itself obeys.

use super::acts::{admission, approved, approved_with, council, refused_act};
use super::*;
use crate::policy::{ITEM, PolicyError};
use crate::registry::RegistryPayload;
use crate::state::{Config, GuardedActs, ItemRecord};
use crate::testing::map_of_json;

fn rows(key: &str, value: &Json) -> Json {
    let row = json!({"key": key, "value": value, "source": "a decision", "confirmed": true});
    json!({"id": ITEM, "rows": [row]})
}

fn by_authority(world: &mut World, record: &Json) -> SignedStatement {
    world.registry_by_authority(Action::Policy, vec![map_of_json(record)])
}

fn invalid(record: &Json, why: PolicyError) -> RejectReason {
    let mut world = World::new();
    let statement = by_authority(&mut world, record);
    let want = RejectReason::PolicyInvalid { index: 0, why };
    refused(&mut world, statement, &want)
}

pub(super) fn a_policy_key_nobody_knows() -> RejectReason {
    let key = "limits/CHILLED".to_owned();
    invalid(
        &rows(&key, &json!(1)),
        PolicyError::KeyUnknown { row: 0, key },
    )
}

pub(super) fn a_policy_value_out_of_form() -> RejectReason {
    let (key, want) = ("severity/custody".to_owned(), "flag, hold or reject");
    let record = rows(&key, &json!("grave"));
    invalid(&record, PolicyError::Value { row: 0, key, want })
}

pub(super) fn a_policy_without_rows() -> RejectReason {
    invalid(&json!({"id": ITEM, "rows": []}), PolicyError::Record);
    let mut world = World::new();
    let statement = world.registry_by_authority(Action::Policy, vec![]);
    let why = PolicyError::Record;
    refused(
        &mut world,
        statement,
        &RejectReason::PolicyInvalid { index: 0, why },
    )
}

pub(super) fn a_policy_by_a_producer() -> RejectReason {
    let (mut world, maker) = scene();
    let want = RejectReason::RoleForbids {
        index: 0,
        what: "policy",
    };
    let record = rows("severity/custody", &json!("hold"));
    refused_act(&mut world, &maker, Action::Policy, &[record], &want)
}

pub(super) fn a_policy_of_one_authority_where_two_must_sign() -> RejectReason {
    let (mut world, [one, _, _]) = council();
    let want = RejectReason::ApprovalsMissing { found: 1, want: 2 };
    let record = rows("severity/custody", &json!("hold"));
    refused_act(&mut world, &one, Action::Policy, &[record], &want)
}

/// What holds for the whole ledger is not for one of its districts to say.
pub(super) fn a_policy_of_one_district() -> RejectReason {
    let mut world = World::new();
    let district = world.admit(&[Role::Authority], "5101", &json!({}));
    let want = RejectReason::OutsideJurisdiction {
        jurisdiction: "5101".to_owned(),
        district: "51".to_owned(),
    };
    let record = rows("severity/custody", &json!("hold"));
    refused_act(&mut world, &district, Action::Policy, &[record], &want);
    let got = refused_act(
        &mut world,
        &district,
        Action::Rules { version: 2 },
        &[],
        &want,
    );
    // Nor does it count as one of those who must consent.
    let (mut world, [one, two, _]) = council();
    let local = world.stranger();
    let admit = admission(&world, &local, &[Role::Authority], "5101");
    let act = approved(&mut world, &one, &[&two], admit, ORIGIN);
    admitted_at(&mut world, act);
    let rows = || vec![map_of_json(&rows("severity/custody", &json!("hold")))];
    let act = approved_with(&mut world, &one, &[&local], Action::Policy, ORIGIN, rows());
    let missing = RejectReason::ApprovalsMissing { found: 1, want: 2 };
    refused(&mut world, act, &missing);
    let act = approved_with(&mut world, &one, &[&two], Action::Policy, ORIGIN, rows());
    admitted_at(&mut world, act);
    got
}

/// Whoever could put events into the policy's list could crowd the policy out of it.
pub(super) fn an_event_that_names_the_policy_as_its_item() -> RejectReason {
    let (mut world, maker) = scene();
    let mut last = None;
    for (field, value) in [
        ("quantityList", json!([{"epcClass": ITEM}])),
        ("epcList", json!([ITEM])),
        ("readPoint", json!({"id": ITEM})),
    ] {
        let mut event = shipping(&mut world);
        event["quantityList"][0]
            .as_object_mut()
            .unwrap()
            .retain(|key, _| key == "epcClass");
        event[field] = value;
        let disclosed = unchecked(&mut world, &event);
        let statement = world.disclosures(&maker, vec![disclosed]);
        let got = world.refusal(statement);
        assert!(
            matches!(got, RejectReason::EventInvalid { index: 0, .. }),
            "{field}: {got:?}"
        );
        last = Some(got);
    }
    last.unwrap()
}

fn guarded(act: crate::policy::GuardedAct) -> GuardedActs {
    let mut acts = GuardedActs::default();
    acts.set(act, true);
    acts
}

pub(super) fn a_suspension_of_one_where_policy_asks_for_two() -> RejectReason {
    use crate::policy::GuardedAct::Suspend;
    let (mut world, maker) = scene();
    let record_of = |truth: bool| rows("second-signature/suspend", &json!(truth));
    let statement = by_authority(&mut world, &record_of(true));
    admitted_at(&mut world, statement);
    let config: Config = record(&world, StateKey::config()).unwrap();
    assert_eq!(config.second_signature, guarded(Suspend));
    let want = RejectReason::ApprovalsMissing { found: 1, want: 2 };
    let suspend = Action::Suspend(maker.handle);
    let statement = world.registry_by_authority(suspend.clone(), vec![]);
    let got = refused(&mut world, statement, &want);
    // Nobody signs twice, and a producer's signature is no second one.
    let authority = std::rc::Rc::clone(&world.authority);
    for other in [&*authority, &maker] {
        let act = approved(&mut world, &authority, &[other], suspend.clone(), ORIGIN);
        refused(&mut world, act, &want);
    }
    let elsewhere = world.admit(&[Role::Regulator], "5107", &json!({}));
    let act = approved(
        &mut world,
        &authority,
        &[&elsewhere],
        suspend.clone(),
        ORIGIN,
    );
    refused(&mut world, act, &want);
    let reviewer = world.admit(&[Role::Regulator], "5101", &json!({}));
    let act = approved(&mut world, &authority, &[&reviewer], suspend, ORIGIN);
    admitted_at(&mut world, act);
    // The policy can be taken back by two, and the record is as it was.
    let off = map_of_json(&record_of(false));
    let statement = by_authority(&mut world, &record_of(false));
    refused(&mut world, statement, &want);
    let colleague = Member {
        handle: authority.handle,
        key: world.stranger().key,
    };
    let (handle, key) = (authority.handle, world.possession(&colleague));
    let act = world.registry_by_authority(Action::AddKey { handle, key }, vec![]);
    admitted_at(&mut world, act);
    let act = approved_with(
        &mut world,
        &authority,
        &[&colleague],
        Action::Policy,
        ORIGIN,
        vec![off],
    );
    admitted_at(&mut world, act);
    let config: Config = record(&world, StateKey::config()).unwrap();
    assert_eq!(config.second_signature, GuardedActs::default());
    got
}

#[test]
fn a_policy_touches_its_one_item() {
    let mut world = World::new();
    let list = |world: &World| {
        let found: Option<ItemRecord> = record(world, StateKey::item(ITEM));
        found.map_or(0, |found| found.size)
    };
    assert_eq!(list(&world), 0);
    let class = json!({"highestTenths": 70, "carriedMinutes": 5, "storedMinutes": 30,
        "storedRequired": false});
    let two = [
        rows("class/CHILLED_MEAT", &class),
        rows("severity/custody", &json!("hold")),
    ];
    let records = two.iter().map(map_of_json).collect();
    let statement = world.registry_by_authority(Action::Policy, records);
    admitted_at(&mut world, statement);
    assert_eq!(list(&world), 2);
}

#[test]
fn enough_authorities_set_the_policy() {
    let (mut world, [one, two, _]) = council();
    let record = map_of_json(&rows("severity/custody", &json!("hold")));
    let statement = world.registry(&one, Action::Policy, vec![record]);
    let Payload::Registry(payload) = statement.payload() else {
        panic!("an act")
    };
    let capture = crate::ids::CaptureId(world.salt().0);
    let message = payload.approval_message(ORIGIN, one.handle, capture);
    let approvals = vec![Approval {
        key: two.key.public_key().key_id(),
        signature: two.key.sign(&message),
    }];
    let payload = Payload::Registry(RegistryPayload {
        approvals,
        ..payload.clone()
    });
    let disclosed = statement.disclosed().to_vec();
    let act = World::sign_as(&one, capture, payload, disclosed);
    admitted_at(&mut world, act);
}
