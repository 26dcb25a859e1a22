//! Who may speak, with which key, and when.

use super::*;
use crate::hash::Digest;
use crate::signature::KeyId;

/// A second key of `member`, not on the ledger yet.
fn spare(world: &mut World, member: &Member) -> Member {
    Member {
        handle: member.handle,
        key: world.stranger().key,
    }
}

fn by_authority(world: &mut World, action: Action) -> LeafIndex {
    let statement = world.registry_by_authority(action, vec![]);
    admitted_at(world, statement)
}

fn id(member: &Member) -> KeyId {
    member.key.public_key().key_id()
}

pub(super) fn an_unknown_participant() -> RejectReason {
    let (mut world, maker) = scene();
    let nobody = world.stranger();
    let said = shipped(&mut world, &maker);
    let statement = said_for(&mut world, &said, &maker, nobody.handle, &[ORIGIN]);
    let want = RejectReason::ParticipantUnknown {
        handle: nobody.handle,
    };
    refused(&mut world, statement, &want)
}

pub(super) fn a_suspended_participant() -> RejectReason {
    let (mut world, maker) = scene();
    let since = by_authority(&mut world, Action::Suspend(maker.handle));
    let statement = shipped(&mut world, &maker);
    let want = RejectReason::ParticipantSuspended {
        handle: maker.handle,
        since,
    };
    let got = refused(&mut world, statement.clone(), &want);
    // What was refused was not used up: after the suspension it is admitted.
    by_authority(&mut world, Action::Reinstate(maker.handle));
    admitted_at(&mut world, statement);
    got
}

pub(super) fn a_key_not_on_the_ledger() -> RejectReason {
    let (mut world, maker) = scene();
    let spare = spare(&mut world, &maker);
    let statement = shipped(&mut world, &spare);
    // A node that finds no such key; and the sequencer, had it been given one all the same.
    let want = RejectReason::KeyUnknown { key: id(&spare) };
    let checked = check(statement.clone(), spare.key.public_key()).unwrap();
    assert_eq!(
        verdict(&world, &checked, next_leaf(&world)),
        Verdict::Rejected(want.clone())
    );
    refused(&mut world, statement, &want)
}

pub(super) fn another_key_than_the_header_names() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let statement = shipped(&mut world, &maker);
    let got = check(statement, shop.key.public_key()).unwrap_err();
    assert_eq!(got, RejectReason::KeyUnknown { key: id(&maker) });
    got
}

/// What the rules say at `leaf` in the state as it is now.
fn verdict(world: &World, checked: &Checked, leaf: LeafIndex) -> Verdict {
    let view = world.store.view();
    let moment = Moment {
        origin: ORIGIN,
        leaf,
        time: world.now,
    };
    admit(&mut Overlay::new(&view), checked, moment).unwrap()
}

pub(super) fn a_key_at_the_leaf_that_adds_it() -> RejectReason {
    let (mut world, maker) = scene();
    let spare = spare(&mut world, &maker);
    let key = world.possession(&spare);
    let act = world.registry(
        &maker,
        Action::AddKey {
            handle: maker.handle,
            key,
        },
        vec![],
    );
    let added = admitted_at(&mut world, act);
    let statement = shipped(&mut world, &spare);
    let checked = world.check(statement).unwrap();
    // Leaves are given in order, so only a replay that mixes them up can come here.
    let Verdict::Rejected(got) = verdict(&world, &checked, added) else {
        panic!("a key counted at the leaf that adds it")
    };
    assert_eq!(
        got,
        RejectReason::KeyNotYetValid {
            key: id(&spare),
            added
        }
    );
    let after = verdict(&world, &checked, LeafIndex(added.0 + 1));
    assert!(matches!(after, Verdict::Admitted(_)), "{after:?}");
    got
}

pub(super) fn a_key_after_its_closing_date() -> RejectReason {
    let (mut world, maker) = scene();
    let closing = UnixMillis(world.now.0 + 60_000);
    by_authority(
        &mut world,
        Action::RetireKey {
            key: id(&maker),
            closing,
        },
    );
    // Its last moment is the closing date itself, by the block's time.
    world.now = closing;
    let last = shipped(&mut world, &maker);
    admitted_at(&mut world, last);
    world.now = UnixMillis(closing.0 + 1);
    let late = shipped(&mut world, &maker);
    refused(
        &mut world,
        late,
        &RejectReason::KeyRetired {
            key: id(&maker),
            closing,
        },
    )
}

pub(super) fn a_key_after_its_revocation() -> RejectReason {
    let (mut world, maker) = scene();
    let key = id(&maker);
    let before = shipped(&mut world, &maker);
    let revoke = Action::RevokeKey {
        key,
        suspect_from: None,
    };
    let revoke = world.registry_by_authority(revoke, vec![]);
    let after = shipped(&mut world, &maker);
    // Within one block too, order decides: the leaf before the revocation counts.
    let first = next_leaf(&world);
    let revoked = LeafIndex(first.0 + 1);
    let want = RejectReason::KeyRevoked { key, revoked };
    assert_eq!(
        world.submit(vec![before, revoke, after.clone()]),
        Ok(vec![
            Outcome::Admitted(first),
            Outcome::Admitted(revoked),
            Outcome::Rejected(want.clone()),
        ])
    );
    refused(&mut world, after, &want)
}

#[test]
fn a_revoked_and_retired_key_is_refused_as_revoked() {
    let (mut world, maker) = scene();
    let key = id(&maker);
    by_authority(
        &mut world,
        Action::RetireKey {
            key,
            closing: UnixMillis(0),
        },
    );
    let revoked = by_authority(
        &mut world,
        Action::RevokeKey {
            key,
            suspect_from: None,
        },
    );
    let statement = shipped(&mut world, &maker);
    refused(
        &mut world,
        statement,
        &RejectReason::KeyRevoked { key, revoked },
    );
}

/// The maker's shipping, signed by a service provider for it.
fn delegated(world: &mut World, maker: &Member, delegate: &Member) -> SignedStatement {
    let said = shipped(world, delegate);
    said_for(world, &said, delegate, maker.handle, &[ORIGIN])
}

fn delegate_until(world: &mut World, maker: &Member, delegate: &Member, until: UnixMillis) {
    let action = Action::Delegate {
        delegate: delegate.handle,
        until,
    };
    let act = world.registry(maker, action, vec![]);
    admitted_at(world, act);
}

fn key_of_another(maker: &Member, delegate: &Member) -> RejectReason {
    let (key, owner) = (id(delegate), delegate.handle);
    RejectReason::KeyOfAnother {
        key,
        owner,
        issuer: maker.handle,
    }
}

pub(super) fn a_key_without_delegation() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let statement = delegated(&mut world, &maker, &shop);
    refused(&mut world, statement, &key_of_another(&maker, &shop))
}

pub(super) fn a_delegation_that_ended() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let until = UnixMillis(world.now.0 + 60_000);
    delegate_until(&mut world, &maker, &shop, until);
    world.now = until;
    let last = delegated(&mut world, &maker, &shop);
    admitted_at(&mut world, last);
    world.now = UnixMillis(until.0 + 1);
    let late = delegated(&mut world, &maker, &shop);
    refused(&mut world, late, &key_of_another(&maker, &shop))
}

pub(super) fn a_delegation_the_other_way_round() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    delegate_until(&mut world, &shop, &maker, UnixMillis(i64::MAX));
    let statement = delegated(&mut world, &maker, &shop);
    refused(&mut world, statement, &key_of_another(&maker, &shop))
}

pub(super) fn a_suspended_delegate() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    delegate_until(&mut world, &maker, &shop, UnixMillis(i64::MAX));
    let since = by_authority(&mut world, Action::Suspend(shop.handle));
    let statement = delegated(&mut world, &maker, &shop);
    let want = RejectReason::ParticipantSuspended {
        handle: shop.handle,
        since,
    };
    refused(&mut world, statement, &want)
}

#[test]
fn a_delegates_roles_are_its_principals() {
    let (mut world, maker) = scene();
    let truck = world.admit(&[Role::Carrier], "510117", &json!({}));
    delegate_until(&mut world, &maker, &truck, UnixMillis(i64::MAX));
    let id = format!("urn:e:{}", world.tick());
    let event = object_event(&id, "ADD", "commissioning", PAST, LOT);
    let said = world.events(&truck, &[event]);
    let statement = said_for(&mut world, &said, &truck, maker.handle, &[ORIGIN]);
    admitted_at(&mut world, statement);
}

#[test]
fn a_key_names_itself_by_thumbprint() {
    let (_, maker) = scene();
    assert_ne!(id(&maker).0, Digest::of(maker.key.public_key().as_bytes()));
    assert_eq!(KeyId::parse(&id(&maker).to_string()), Some(id(&maker)));
}
