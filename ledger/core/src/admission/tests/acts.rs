//! Acts over participants, keys and the ledger itself that are refused.

use super::records::record_invalid;
use super::*;
use crate::cbor::Map;
use crate::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::disclosure::Disclosure;
use crate::hash::Digest;
use crate::ids::{CaptureId, TreeSize};
use crate::registry::NewKey;
use crate::state::Roles;
use crate::testing::map_of_json;

/// A ledger of three authorities of which two must sign acts over an authority.
pub(super) fn council() -> (World, [Member; 3]) {
    let mut world = World::new();
    world.store = MemoryStore::new();
    let members = [world.stranger(), world.stranger(), world.stranger()];
    let founding = founding(&world, 2, &members);
    assert_eq!(admitted_at(&mut world, founding), LeafIndex(0));
    (world, members)
}

fn founding(world: &World, threshold: u16, founders: &[Member]) -> SignedStatement {
    let founders = founders
        .iter()
        .map(|member| (member.handle, "51".to_owned(), world.possession(member)))
        .collect();
    by_log(
        world,
        Action::Found {
            threshold,
            founders,
            predecessor: None,
        },
    )
}

fn by_log(world: &World, action: Action) -> SignedStatement {
    let issuer = Issuer::Log {
        origin: ORIGIN.to_owned(),
        subject: "founding".to_owned(),
    };
    let payload = Payload::Registry(RegistryPayload {
        action,
        commitment: Commitment::to(&[]),
        approvals: vec![],
    });
    SignedStatement::sign(
        &world.log_key,
        issuer,
        vec![ORIGIN.to_owned()],
        0,
        payload,
        vec![],
    )
}

/// An act with the approvals of `others`, given for the log named `origin`.
pub(super) fn approved(
    world: &mut World,
    by: &Member,
    others: &[&Member],
    action: Action,
    origin: &str,
) -> SignedStatement {
    approved_with(world, by, others, action, origin, vec![])
}

/// As [`approved`], with records.
pub(super) fn approved_with(
    world: &mut World,
    by: &Member,
    others: &[&Member],
    action: Action,
    origin: &str,
    records: Vec<Map>,
) -> SignedStatement {
    let seal = |(index, record)| Disclosed {
        index,
        disclosure: Disclosure::seal(world.salt(), record),
        parts: vec![],
    };
    let disclosed: Vec<Disclosed> = (0..).zip(records).map(seal).collect();
    let mut payload = RegistryPayload {
        action,
        commitment: Commitment::to(&disclosed),
        approvals: vec![],
    };
    let capture = CaptureId(world.salt().0);
    let message = payload.approval_message(origin, by.handle, capture);
    payload.approvals = others
        .iter()
        .map(|other| Approval {
            key: other.key.public_key().key_id(),
            signature: other.key.sign(&message),
        })
        .collect();
    World::sign_as(by, capture, Payload::Registry(payload), disclosed)
}

pub(super) fn admission(world: &World, member: &Member, roles: &[Role], district: &str) -> Action {
    admission_with(member, roles, district, vec![world.possession(member)])
}

fn admission_with(member: &Member, roles: &[Role], district: &str, keys: Vec<NewKey>) -> Action {
    Action::Admit {
        handle: member.handle,
        roles: roles.iter().copied().collect(),
        district: district.to_owned(),
        licences: vec![],
        keys,
    }
}

fn maker_again(handle: Handle, district: &str) -> Action {
    let roles: Roles = [Role::Producer].into_iter().collect();
    Action::Amend {
        handle,
        roles,
        district: district.to_owned(),
        licences: vec![],
    }
}

pub(super) fn refused_act(
    world: &mut World,
    by: &Member,
    action: Action,
    records: &[Json],
    want: &RejectReason,
) -> RejectReason {
    let records = records.iter().map(map_of_json).collect();
    let statement = world.registry(by, action, records);
    refused(world, statement, want)
}

pub(super) fn refused_by_authority(
    world: &mut World,
    action: Action,
    want: &RejectReason,
) -> RejectReason {
    let statement = world.registry_by_authority(action, vec![]);
    refused(world, statement, want)
}

pub(super) fn one_authority_where_two_must_sign() -> RejectReason {
    let (mut world, [one, two, three]) = council();
    let newcomer = world.stranger();
    let admission = admission(&world, &newcomer, &[Role::Authority], "5101");
    let want = RejectReason::ApprovalsMissing { found: 1, want: 2 };
    refused_act(&mut world, &one, admission.clone(), &[], &want);
    // Everything that is done over an authority: its record, its standing, its keys.
    let key = two.key.public_key().key_id();
    let over = |action: Action, world: &mut World| refused_act(world, &one, action, &[], &want);
    over(Action::Suspend(two.handle), &mut world);
    over(
        Action::RevokeKey {
            key,
            suspect_from: None,
        },
        &mut world,
    );
    over(
        Action::RetireKey {
            key,
            closing: world.now,
        },
        &mut world,
    );
    let spare = Member {
        handle: one.handle,
        key: world.stranger().key,
    };
    let key = world.possession(&spare);
    over(
        Action::AddKey {
            handle: one.handle,
            key,
        },
        &mut world,
    );
    over(maker_again(two.handle, "51"), &mut world);
    let got = over(Action::Rules { version: 2 }, &mut world);
    // Two of three are enough, whoever of them issues it.
    let act = approved(&mut world, &one, &[&three], admission, ORIGIN);
    admitted_at(&mut world, act);
    got
}

pub(super) fn approvals_that_do_not_count() -> RejectReason {
    let (mut world, [one, two, three]) = council();
    let newcomer = world.stranger();
    let action = admission(&world, &newcomer, &[Role::Authority], "5101");
    let maker = world.stranger();
    let producer = admission(&world, &maker, &[Role::Producer], "5101");
    let act = world.registry(&one, producer, vec![]);
    admitted_at(&mut world, act);
    let want = RejectReason::ApprovalsMissing { found: 1, want: 2 };
    // The issuer's own, one given for another log, a producer's, a stranger's.
    for (others, origin) in [
        (vec![&one, &one], ORIGIN),
        (vec![&two], "other.example/log"),
        (vec![&maker], ORIGIN),
        (vec![&newcomer], ORIGIN),
    ] {
        let act = approved(&mut world, &one, &others, action.clone(), origin);
        refused(&mut world, act, &want);
    }
    // One given for another act.
    let other = admission(&world, &newcomer, &[Role::Authority], "5102");
    let mut payload = RegistryPayload {
        action: other,
        commitment: Commitment::to(&[]),
        approvals: vec![],
    };
    let capture = CaptureId(world.salt().0);
    let signature = two
        .key
        .sign(&payload.approval_message(ORIGIN, one.handle, capture));
    payload.action = action.clone();
    payload.approvals = vec![Approval {
        key: two.key.public_key().key_id(),
        signature,
    }];
    let act = World::sign_as(&one, capture, Payload::Registry(payload.clone()), vec![]);
    refused(&mut world, act, &want);
    // One given for this act in another statement.
    payload.approvals[0].signature = two
        .key
        .sign(&payload.approval_message(ORIGIN, one.handle, capture));
    let act = world.sign(&one, Payload::Registry(payload), vec![]);
    refused(&mut world, act, &want);
    // One of an authority that is suspended.
    let suspend = approved(
        &mut world,
        &one,
        &[&three],
        Action::Suspend(two.handle),
        ORIGIN,
    );
    admitted_at(&mut world, suspend);
    let act = approved(&mut world, &one, &[&two], action, ORIGIN);
    refused(&mut world, act, &want)
}

pub(super) fn a_key_on_the_ledger_already() -> RejectReason {
    let (mut world, maker) = scene();
    let id = maker.key.public_key().key_id();
    let want = RejectReason::KeyExists { key: id };
    let key = world.possession(&maker);
    let again = Action::AddKey {
        handle: maker.handle,
        key,
    };
    refused_act(&mut world, &maker, again.clone(), &[], &want);
    // A revoked key never comes back.
    let revoke = Action::RevokeKey {
        key: id,
        suspect_from: None,
    };
    let act = world.registry_by_authority(revoke, vec![]);
    admitted_at(&mut world, act);
    refused_by_authority(&mut world, again, &want)
}

pub(super) fn a_key_twice_in_one_admission() -> RejectReason {
    let mut world = World::new();
    let new = world.stranger();
    let key = world.possession(&new);
    let action = admission_with(&new, &[Role::Producer], "5101", vec![key, key]);
    let want = RejectReason::KeyExists {
        key: new.key.public_key().key_id(),
    };
    refused_by_authority(&mut world, action, &want)
}

pub(super) fn a_key_whose_possession_is_not_proved() -> RejectReason {
    let mut world = World::new();
    let new = world.stranger();
    let mut key = world.possession(&new);
    key.possession[63] ^= 1;
    let action = admission_with(&new, &[Role::Producer], "5101", vec![key]);
    refused_by_authority(&mut world, action, &RejectReason::KeyUnproved)
}

pub(super) fn a_key_proved_for_another_owner() -> RejectReason {
    let (mut world, maker) = scene();
    let new = world.stranger();
    let key = world.possession(&new);
    let action = Action::AddKey {
        handle: maker.handle,
        key,
    };
    refused_act(&mut world, &maker, action, &[], &RejectReason::KeyUnproved)
}

pub(super) fn a_key_that_is_no_sound_point() -> RejectReason {
    let mut world = World::new();
    let new = world.stranger();
    // The neutral element: under it any message has a signature.
    let mut public_key = [0; 32];
    public_key[0] = 1;
    let mut possession = [0; 64];
    possession[0] = 1;
    let key = NewKey {
        public_key,
        possession,
    };
    let action = admission_with(&new, &[Role::Producer], "5101", vec![key]);
    refused_by_authority(&mut world, action, &RejectReason::KeyUnproved)
}

pub(super) fn retiring_an_unknown_key() -> RejectReason {
    let mut world = World::new();
    let key = world.stranger().key.public_key().key_id();
    let action = Action::RetireKey {
        key,
        closing: world.now,
    };
    refused_by_authority(&mut world, action, &RejectReason::KeyUnknown { key })
}

pub(super) fn an_admission_elsewhere() -> RejectReason {
    let mut world = World::new();
    let new = world.stranger();
    let action = admission(&world, &new, &[Role::Producer], "500101");
    let want = RejectReason::OutsideJurisdiction {
        jurisdiction: "51".to_owned(),
        district: "500101".to_owned(),
    };
    refused_by_authority(&mut world, action, &want)
}

pub(super) fn a_move_elsewhere() -> RejectReason {
    let (mut world, maker) = scene();
    let city = world.admit(&[Role::Authority], "5101", &json!({}));
    let want = RejectReason::OutsideJurisdiction {
        jurisdiction: "5101".to_owned(),
        district: "510723".to_owned(),
    };
    // Neither out of its jurisdiction nor into it.
    let away = maker_again(maker.handle, "510723");
    refused_act(&mut world, &city, away, &[], &want);
    let other = world.admit(&[Role::Producer], "510723", &json!({}));
    let hither = maker_again(other.handle, "510117");
    refused_act(&mut world, &city, hither, &[], &want);
    let got = refused_act(&mut world, &city, Action::Suspend(other.handle), &[], &want);
    let within = world.registry(&city, maker_again(maker.handle, "510104"), vec![]);
    admitted_at(&mut world, within);
    got
}

pub(super) fn a_handle_admitted_before() -> RejectReason {
    let (mut world, maker) = scene();
    let action = admission_with(&maker, &[Role::Retailer], "5101", vec![]);
    let want = RejectReason::ParticipantExists {
        handle: maker.handle,
    };
    refused_by_authority(&mut world, action, &want)
}

pub(super) fn amending_an_unknown_participant() -> RejectReason {
    let mut world = World::new();
    let handle = world.stranger().handle;
    let want = RejectReason::ParticipantUnknown { handle };
    let missing = |world: &mut World, action| refused_by_authority(world, action, &want);
    missing(&mut world, Action::Suspend(handle));
    missing(&mut world, Action::Reinstate(handle));
    missing(
        &mut world,
        Action::Delegate {
            delegate: handle,
            until: UnixMillis(0),
        },
    );
    missing(&mut world, maker_again(handle, "5101"))
}

pub(super) fn a_threshold_no_founders_can_meet() -> RejectReason {
    let mut world = World::new();
    world.store = MemoryStore::new();
    let founder = [world.stranger()];
    let none = founding(&world, 0, &founder);
    refused(&mut world, none, &record_invalid("threshold"));
    let two = founding(&world, 2, &founder);
    refused(&mut world, two, &record_invalid("threshold"))
}

/// The founding of a log that continues `origin`, whose last checkpoint this is.
fn succession(world: &mut World, origin: &str) -> SignedStatement {
    let last = Checkpoint {
        origin: origin.to_owned(),
        size: TreeSize(7),
        root: Digest([7; 32]),
    };
    let last = SignedCheckpoint::parse(&last.sign(&world.log_key)).unwrap();
    let founder = world.stranger();
    let founders = vec![(founder.handle, "51".to_owned(), world.possession(&founder))];
    by_log(
        world,
        Action::Found {
            threshold: 1,
            founders,
            predecessor: Some(Box::new(last)),
        },
    )
}

pub(super) fn a_log_that_continues_itself() -> RejectReason {
    let mut world = World::new();
    world.store = MemoryStore::new();
    let itself = succession(&mut world, ORIGIN);
    refused(&mut world, itself, &record_invalid("predecessor"))
}

#[test]
fn a_successor_holds_its_predecessors_last_checkpoint_as_it_was_signed() {
    let mut world = World::new();
    world.store = MemoryStore::new();
    let founding = succession(&mut world, "log.example/old");
    let bytes = founding.encode();
    let Payload::Registry(act) = SignedStatement::parse(&bytes).unwrap().payload().clone() else {
        panic!("not a registry act")
    };
    let kept = act.action.predecessor().unwrap().clone();
    assert_eq!(kept.claim().origin, "log.example/old");
    Checkpoint::verify(
        &kept.to_string(),
        "log.example/old",
        world.log_key.public_key(),
    )
    .unwrap();
    assert_eq!(admitted_at(&mut world, founding), LeafIndex(0));
    // One byte of it is another statement, or none.
    let mut windows = bytes.windows(11);
    let at = windows.position(|it| it == b"example/old").unwrap();
    let mut altered = bytes;
    altered[at] = b'\n';
    assert!(SignedStatement::parse(&altered).is_err());
}

pub(super) fn an_admission_by_a_producer() -> RejectReason {
    let (mut world, maker) = scene();
    let new = world.stranger();
    let action = admission(&world, &new, &[Role::Producer], "510117");
    let forbidden = |what| RejectReason::RoleForbids { index: 0, what };
    refused_act(&mut world, &maker, action, &[], &forbidden("admit"));
    let shop = shop(&mut world);
    let key = shop.key.public_key().key_id();
    let now = world.now;
    let spare = Member {
        handle: shop.handle,
        key: world.stranger().key,
    };
    let new_key = world.possession(&spare);
    for (action, what) in [
        (maker_again(maker.handle, "510117"), "amend"),
        (Action::Suspend(shop.handle), "suspend"),
        (Action::Reinstate(shop.handle), "reinstate"),
        (
            Action::AddKey {
                handle: shop.handle,
                key: new_key,
            },
            "add-key",
        ),
        (Action::RetireKey { key, closing: now }, "retire-key"),
        (
            Action::RevokeKey {
                key,
                suspect_from: None,
            },
            "revoke-key",
        ),
    ] {
        refused_act(&mut world, &maker, action, &[], &forbidden(what));
    }
    refused_act(
        &mut world,
        &maker,
        Action::Rules { version: 2 },
        &[],
        &forbidden("rules"),
    )
}

/// An act that a shop signs in the maker's name, with leave to sign for it.
fn by_delegate(
    action: impl FnOnce(&mut World, &Member, &Member) -> Action,
    what: &'static str,
) -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let until = UnixMillis(i64::MAX);
    let leave = Action::Delegate {
        delegate: shop.handle,
        until,
    };
    let leave = world.registry(&maker, leave, vec![]);
    admitted_at(&mut world, leave);
    let action = action(&mut world, &maker, &shop);
    let said = world.registry(&shop, action, vec![]);
    let statement = said_for(&mut world, &said, &shop, maker.handle, &[ORIGIN]);
    refused(
        &mut world,
        statement,
        &RejectReason::RoleForbids { index: 0, what },
    )
}

pub(super) fn a_key_retired_by_a_delegate() -> RejectReason {
    let key = |maker: &Member| maker.key.public_key().key_id();
    by_delegate(
        |_, maker, _| Action::RevokeKey {
            key: key(maker),
            suspect_from: None,
        },
        "revoke-key",
    );
    by_delegate(
        |world, maker, _| Action::RetireKey {
            key: key(maker),
            closing: world.now,
        },
        "retire-key",
    )
}

pub(super) fn a_key_added_by_a_delegate() -> RejectReason {
    let add = |world: &mut World, maker: &Member, _: &Member| {
        let spare = Member {
            handle: maker.handle,
            key: world.stranger().key,
        };
        let key = world.possession(&spare);
        Action::AddKey {
            handle: maker.handle,
            key,
        }
    };
    by_delegate(add, "add-key")
}

pub(super) fn a_delegation_by_a_delegate() -> RejectReason {
    let further = |_: &mut World, _: &Member, shop: &Member| Action::Delegate {
        delegate: shop.handle,
        until: UnixMillis(i64::MAX),
    };
    by_delegate(further, "delegate")
}

pub(super) fn a_block_header_of_a_participant() -> RejectReason {
    let (mut world, maker) = scene();
    let said = {
        use crate::store::View as _;
        let view = world.store.view();
        let header = view
            .entry(view.head().unwrap().unwrap().block.header)
            .unwrap()
            .unwrap();
        SignedStatement::parse(&header).unwrap()
    };
    let want = RejectReason::RoleForbids {
        index: 0,
        what: "block header",
    };
    let statement = said_for(&mut world, &said, &maker, maker.handle, &[ORIGIN]);
    refused(&mut world, statement, &want);
    // Nor the log's own header over again.
    refused(&mut world, said, &want)
}

pub(super) fn rules_nobody_knows() -> RejectReason {
    let mut world = World::new();
    let version = RULES_VERSION + 1;
    let want = RejectReason::RulesUnknown { version };
    refused_by_authority(&mut world, Action::Rules { version }, &want)
}

pub(super) fn rules_in_force_already() -> RejectReason {
    let mut world = World::new();
    let want = RejectReason::RulesUnknown {
        version: RULES_VERSION,
    };
    refused_by_authority(
        &mut world,
        Action::Rules {
            version: RULES_VERSION,
        },
        &want,
    )
}

fn without(what: &'static str) -> RejectReason {
    RejectReason::WithoutObject { what }
}

pub(super) fn founding_twice() -> RejectReason {
    let mut world = World::new();
    let founder = [world.stranger()];
    let again = founding(&world, 1, &founder);
    refused(&mut world, again, &without("an unfounded ledger"))
}

pub(super) fn founding_by_a_participant() -> RejectReason {
    let (mut world, maker) = scene();
    let action = Action::Found {
        threshold: 1,
        founders: vec![],
        predecessor: None,
    };
    refused_act(
        &mut world,
        &maker,
        action,
        &[],
        &without("an unfounded ledger"),
    )
}

pub(super) fn an_act_of_the_log_itself() -> RejectReason {
    let (mut world, maker) = scene();
    let act = by_log(&world, Action::Suspend(maker.handle));
    refused(&mut world, act, &without("a participant as issuer"))
}

pub(super) fn suspending_twice() -> RejectReason {
    let (mut world, maker) = scene();
    let act = world.registry_by_authority(Action::Suspend(maker.handle), vec![]);
    admitted_at(&mut world, act);
    let want = without("a participant in standing");
    refused_by_authority(&mut world, Action::Suspend(maker.handle), &want)
}

pub(super) fn reinstating_without_suspension() -> RejectReason {
    let (mut world, maker) = scene();
    let want = without("a suspension");
    refused_by_authority(&mut world, Action::Reinstate(maker.handle), &want)
}
