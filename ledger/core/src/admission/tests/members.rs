//! Acts of the registry that are admitted, and the state they leave.

use super::*;
use crate::identifier::Identifier;
use crate::state::{Config, ItemRecord, Licence, PrefixOwners, Roles};
use crate::store::{EventRef, View as _};
use crate::testing::{map_of_json, participant_item};

fn participant(world: &World, handle: Handle) -> Participant {
    record(world, StateKey::participant(handle)).unwrap()
}

fn key_record(world: &World, member: &Member) -> KeyRecord {
    record(world, StateKey::key(member.key.public_key().key_id())).unwrap()
}

/// The leaves in an item's list; its record must count them.
fn listed(world: &World, item: &str) -> Vec<EventRef> {
    let key = StateKey::item(item);
    let list = world.store.view().postings(&key, 100).unwrap();
    let size = record::<ItemRecord>(world, key).unwrap_or_default().size;
    assert_eq!(usize::try_from(size), Ok(list.len()));
    list
}

fn by_authority(world: &mut World, action: Action, records: &[Json]) -> LeafIndex {
    let records = records.iter().map(map_of_json).collect();
    let statement = world.registry_by_authority(action, records);
    admitted_at(world, statement)
}

fn by(world: &mut World, member: &Member, action: Action, records: &[Json]) -> LeafIndex {
    let records = records.iter().map(map_of_json).collect();
    let statement = world.registry(member, action, records);
    admitted_at(world, statement)
}

fn at(leaf: LeafIndex, index: u16) -> EventRef {
    EventRef { leaf, index }
}

#[test]
fn founding_sets_the_threshold_and_the_first_authorities() {
    let world = World::new();
    let config = Config {
        authority_threshold: 1,
        rules_version: RULES_VERSION,
        founding_districts: vec!["51".to_owned()],
        second_signature: crate::state::GuardedActs::default(),
    };
    assert_eq!(record(&world, StateKey::config()), Some(config));
    let authority = participant(&world, world.authority.handle);
    assert!(authority.roles.has(Role::Authority));
    assert_eq!(
        (authority.district.as_str(), authority.since),
        ("51", LeafIndex(0))
    );
    assert_eq!(key_record(&world, &world.authority).added, LeafIndex(0));
}

#[test]
fn admit_records_participant_keys_prefixes_and_numbers() {
    let mut world = World::new();
    let member = world.stranger();
    let second = Member {
        handle: member.handle,
        key: world.stranger().key,
    };
    let licence = Licence {
        kind: "SC".to_owned(),
        from: UnixMillis(0),
        until: UnixMillis(i64::MAX),
    };
    let roles: Roles = [Role::Producer, Role::Processor].into_iter().collect();
    let action = Action::Admit {
        handle: member.handle,
        roles,
        district: "510117".to_owned(),
        licences: vec![licence.clone()],
        keys: vec![world.possession(&member), world.possession(&second)],
    };
    let profile = json!({"glns": ["6901234000017"], "prefixes": [PREFIX, "690123456"]});
    let valid = json!({"glns": ["6901234000009"], "prefixes": [PREFIX, "690123456"]});
    let wrong = world.registry_by_authority(action.clone(), vec![map_of_json(&profile)]);
    assert_eq!(world.refusal(wrong).name(), "record-invalid");
    let leaf = by_authority(&mut world, action, &[valid]);
    assert_eq!(
        participant(&world, member.handle),
        Participant {
            suspended: false,
            roles,
            district: "510117".to_owned(),
            licences: vec![licence],
            since: leaf,
        }
    );
    for key in [&member, &second] {
        assert_eq!(
            key_record(&world, key),
            KeyRecord {
                owner: member.handle,
                public_key: *key.key.public_key().as_bytes(),
                added: leaf,
                retired: None,
                revoked: None,
                suspect_from: None,
            }
        );
    }
    let owners: PrefixOwners = record(&world, StateKey::prefix(PREFIX)).unwrap();
    let both = [PREFIX, "690123456"].map(|prefix| (prefix.to_owned(), member.handle));
    assert_eq!(owners.0, both);
    assert_eq!(
        listed(&world, &participant_item(member.handle)),
        [at(leaf, 0)]
    );
    let party = Identifier::parse("https://id.gs1.org/417/6901234000009").unwrap();
    assert_eq!(listed(&world, party.as_str()), [at(leaf, 0)]);
}

#[test]
fn amend_replaces_the_record_and_keeps_a_suspension() {
    let (mut world, maker) = scene();
    by_authority(&mut world, Action::Suspend(maker.handle), &[]);
    let roles: Roles = [Role::Retailer].into_iter().collect();
    let action = Action::Amend {
        handle: maker.handle,
        roles,
        district: "510104".to_owned(),
        licences: vec![],
    };
    let leaf = by_authority(&mut world, action, &[json!({"prefixes": ["9501101"]})]);
    let after = participant(&world, maker.handle);
    assert_eq!(
        (after.suspended, after.roles, after.since),
        (true, roles, leaf)
    );
    assert_eq!(after.district, "510104");
    let owners: PrefixOwners = record(&world, StateKey::prefix("9501101")).unwrap();
    assert_eq!(owners.0, [("9501101".to_owned(), maker.handle)]);
    assert_eq!(key_record(&world, &maker).revoked, None);
}

#[test]
fn suspend_and_reinstate_change_nothing_but_the_standing() {
    let (mut world, maker) = scene();
    let before = participant(&world, maker.handle);
    let since = by_authority(&mut world, Action::Suspend(maker.handle), &[]);
    let suspended = Participant {
        suspended: true,
        since,
        ..before.clone()
    };
    assert_eq!(participant(&world, maker.handle), suspended);
    let since = by_authority(&mut world, Action::Reinstate(maker.handle), &[]);
    assert_eq!(
        participant(&world, maker.handle),
        Participant { since, ..before }
    );
    let item = participant_item(maker.handle);
    assert_eq!(listed(&world, &item).len(), 3, "a page shows both");
}

#[test]
fn a_key_added_by_oneself_or_the_authority_counts_from_the_next_leaf() {
    let (mut world, maker) = scene();
    for by_whom in ["itself", "the authority"] {
        let spare = Member {
            handle: maker.handle,
            key: world.stranger().key,
        };
        let key = world.possession(&spare);
        let action = Action::AddKey {
            handle: maker.handle,
            key,
        };
        let leaf = if by_whom == "itself" {
            by(&mut world, &maker, action, &[])
        } else {
            by_authority(&mut world, action, &[])
        };
        let added = key_record(&world, &spare);
        assert_eq!((added.owner, added.added), (maker.handle, leaf));
        let statement = shipped(&mut world, &spare);
        admitted_at(&mut world, statement);
    }
}

#[test]
fn a_key_added_and_used_in_one_block_counts() {
    let (mut world, maker) = scene();
    let spare = Member {
        handle: maker.handle,
        key: world.stranger().key,
    };
    let key = world.possession(&spare);
    let act = world.registry(
        &maker,
        Action::AddKey {
            handle: maker.handle,
            key,
        },
        vec![],
    );
    let said = shipped(&mut world, &spare);
    let first = next_leaf(&world);
    let log = crate::seal::Log {
        origin: ORIGIN,
        signer: &world.log_key,
    };
    let checked = [
        world.check(act).unwrap(),
        check(said, spare.key.public_key()).unwrap(),
    ];
    let sealed = crate::seal::seal(
        &world.store.view(),
        log,
        &world.secrets,
        &checked,
        world.now,
    )
    .unwrap();
    let second = LeafIndex(first.0 + 1);
    assert_eq!(
        sealed.outcomes,
        [Outcome::Admitted(first), Outcome::Admitted(second)]
    );
}

#[test]
fn a_retired_key_keeps_the_earlier_of_two_closing_dates() {
    let (mut world, maker) = scene();
    let key = maker.key.public_key().key_id();
    let soon = UnixMillis(world.now.0 + 60_000);
    let retire = |closing| Action::RetireKey { key, closing };
    by(&mut world, &maker, retire(soon), &[]);
    assert_eq!(key_record(&world, &maker).retired, Some(soon));
    by_authority(&mut world, retire(UnixMillis(soon.0 + 1)), &[]);
    assert_eq!(
        key_record(&world, &maker).retired,
        Some(soon),
        "never prolonged"
    );
    // A date in the past becomes the moment of the act: what was admitted before stays valid.
    let now = world.now;
    by_authority(&mut world, retire(UnixMillis(0)), &[]);
    assert_eq!(key_record(&world, &maker).retired, Some(now));
}

#[test]
fn a_key_revoked_by_its_owner_and_again_by_the_authority_keeps_the_first_leaf() {
    let (mut world, maker) = scene();
    let spare = Member {
        handle: maker.handle,
        key: world.stranger().key,
    };
    let key = world.possession(&spare);
    by(
        &mut world,
        &maker,
        Action::AddKey {
            handle: maker.handle,
            key,
        },
        &[],
    );
    let id = spare.key.public_key().key_id();
    let revoke = |time: Option<i64>| Action::RevokeKey {
        key: id,
        suspect_from: time.map(UnixMillis),
    };
    let revoked = by(&mut world, &maker, revoke(None), &[]);
    let record = |world: &World| {
        let record = key_record(world, &spare);
        (record.revoked, record.suspect_from)
    };
    assert_eq!(record(&world), (Some(revoked), None));
    by_authority(&mut world, revoke(Some(500)), &[]);
    by_authority(&mut world, revoke(Some(700)), &[]);
    assert_eq!(
        record(&world),
        (Some(revoked), Some(UnixMillis(500))),
        "the earliest suspicion"
    );
}

#[test]
fn a_key_can_revoke_itself() {
    let (mut world, maker) = scene();
    let key = maker.key.public_key().key_id();
    let revoked = by(
        &mut world,
        &maker,
        Action::RevokeKey {
            key,
            suspect_from: None,
        },
        &[],
    );
    assert_eq!(key_record(&world, &maker).revoked, Some(revoked));
    let late = shipped(&mut world, &maker);
    refused(&mut world, late, &RejectReason::KeyRevoked { key, revoked });
}

#[test]
fn delegate_records_the_leave_and_the_past_ends_it() {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let at_key = StateKey::delegation(maker.handle, shop.handle);
    for until in [UnixMillis(i64::MAX), UnixMillis(0)] {
        let action = Action::Delegate {
            delegate: shop.handle,
            until,
        };
        by(&mut world, &maker, action, &[]);
        assert_eq!(record(&world, at_key), Some(Delegation { until }));
    }
    let other_way = StateKey::delegation(shop.handle, maker.handle);
    assert_eq!(record::<Delegation>(&world, other_way), None);
    assert_eq!(listed(&world, &participant_item(maker.handle)).len(), 3);
}

#[test]
fn products_and_places_are_listed_under_their_identifiers() {
    let (mut world, maker) = scene();
    let product = "https://id.gs1.org/01/06901234567892";
    let own = Identifier::own_product(maker.handle, "kiwi")
        .unwrap()
        .to_string();
    let products = [json!({"id": product}), json!({"id": own})];
    let leaf = by(&mut world, &maker, Action::Product, &products);
    assert_eq!(listed(&world, product), [at(leaf, 0)]);
    assert_eq!(listed(&world, &own), [at(leaf, 1)]);
    let place = "https://id.gs1.org/414/6901234000009";
    let leaf = by(&mut world, &maker, Action::Place, &[json!({"id": place})]);
    assert_eq!(listed(&world, place), [at(leaf, 0)]);
    // A newer version stands beside the older, in order.
    let newer = by(&mut world, &maker, Action::Place, &[json!({"id": place})]);
    assert_eq!(listed(&world, place), [at(leaf, 0), at(newer, 0)]);
}

#[test]
fn a_recoding_is_listed_under_both_codes() {
    let (mut world, _) = scene();
    let shop = shop(&mut world);
    let new = Identifier::own_lot(shop.handle, "paste", "1")
        .unwrap()
        .to_string();
    // The old code may be another's: whoever holds the goods re-codes them.
    let leaf = by(
        &mut world,
        &shop,
        Action::Recode,
        &[json!({"old": LOT, "new": new})],
    );
    assert_eq!(listed(&world, LOT), [at(leaf, 0)]);
    assert_eq!(listed(&world, &new), [at(leaf, 0)]);
}

#[test]
fn an_admitted_act_leaves_its_capture_record() {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let Issuer::Participant { handle, capture } = statement.header().issuer else {
        panic!("a participant's")
    };
    let signed = statement.signed_digest();
    let leaf = admitted_at(&mut world, statement);
    let want = CaptureRecord { leaf, signed };
    assert_eq!(
        record(&world, StateKey::capture(handle, capture)),
        Some(want)
    );
}
