use super::*;
use crate::registry::Action;
use crate::signature::SigningKey;
use crate::state::Role;
use crate::store::Store as _;
use crate::testing::{Member, ORIGIN, World};
use proptest::prelude::*;
use serde_json::json;

/// A second of the test ledger's life.
fn now_s(world: &World) -> u64 {
    u64::try_from(world.now.0 / 1000).unwrap()
}

fn claims(world: &World, member: &Member) -> Claims {
    Claims {
        issuer: member.handle,
        audience: ORIGIN.to_owned(),
        expires_s: now_s(world) + 300,
        issued_s: now_s(world),
    }
}

fn shown(world: &World, token: &[u8]) -> Result<Bearer, TokenError> {
    match identify(&world.store.view(), ORIGIN, world.now, token) {
        Ok(bearer) => Ok(bearer),
        Err(IdentifyError::Token(error)) => Err(error),
        Err(IdentifyError::Store(error)) => panic!("{error}"),
    }
}

fn world_with_farm() -> (World, Member) {
    let mut world = World::new();
    let farm = world.admit(&[Role::Producer], "510117", &json!({}));
    (world, farm)
}

#[test]
fn a_registered_key_proves_who_asks() {
    let (world, farm) = world_with_farm();
    let bearer = shown(&world, &Token::issue(&farm.key, &claims(&world, &farm))).unwrap();
    assert_eq!(bearer.handle(), farm.handle);
    assert_eq!(bearer.key(), farm.key.public_key().key_id());
    assert_eq!(bearer.district(), "510117");
    assert!(bearer.roles().has(Role::Producer));
}

#[test]
fn claims_that_do_not_hold_are_refused_by_name() {
    let (world, farm) = world_with_farm();
    let good = claims(&world, &farm);
    let now = now_s(&world);
    let other = Claims {
        audience: "other.example/log".to_owned(),
        ..good
    };
    let at = |issued_s, expires_s| Claims {
        issued_s,
        expires_s,
        ..good.clone()
    };
    let stranger = Claims {
        issuer: Handle([9; 16]),
        ..at(now, now + 300)
    };
    for (claims, name) in [
        (other, "token-audience-wrong"),
        (at(now - 600, now), "token-expired"),
        (at(now - 600, now - 1), "token-expired"),
        (at(now + 61, now + 100), "token-not-yet-valid"),
        (at(now, now + LIFE_MAX_S + 1), "token-life-too-long"),
        (at(now, now), "token-life-too-long"),
        (at(now, now - 1), "token-life-too-long"),
        (at(0, u64::MAX), "token-life-too-long"),
        (stranger, "token-key-of-another"),
    ] {
        let refused = shown(&world, &Token::issue(&farm.key, &claims)).unwrap_err();
        assert_eq!(refused.name(), name, "{claims:?}");
    }
    // At the boundaries it holds.
    for claims in [
        at(now - 600, now + 1),
        at(now + AHEAD_MAX_S, now + 100),
        at(now, now + LIFE_MAX_S),
    ] {
        assert!(shown(&world, &Token::issue(&farm.key, &claims)).is_ok());
    }
}

#[test]
fn a_key_that_does_not_count_opens_nothing() {
    let (mut world, farm) = world_with_farm();
    let id = farm.key.public_key().key_id();
    let nobody = SigningKey::from_seed([3; 32]);
    let refused = shown(&world, &Token::issue(&nobody, &claims(&world, &farm))).unwrap_err();
    assert_eq!(refused.name(), "token-key-unknown");

    let other = world.admit(&[Role::Retailer], "510104", &json!({}));
    let closing = world.now;
    for (member, action, name) in [
        (
            &other,
            Action::RetireKey {
                key: other.key.public_key().key_id(),
                closing,
            },
            "token-key-retired",
        ),
        (
            &farm,
            Action::RevokeKey {
                key: id,
                suspect_from: None,
            },
            "token-key-revoked",
        ),
    ] {
        let act = world.registry(member, action, vec![]);
        world.admitted(vec![act]);
        world.now.0 += 1000;
        let token = Token::issue(&member.key, &claims(&world, member));
        assert_eq!(shown(&world, &token).unwrap_err().name(), name);
    }
}

#[test]
fn a_suspended_participant_sees_what_everyone_sees() {
    let (mut world, farm) = world_with_farm();
    let act = world.registry_by_authority(Action::Suspend(farm.handle), vec![]);
    world.admitted(vec![act]);
    let refused = shown(&world, &Token::issue(&farm.key, &claims(&world, &farm))).unwrap_err();
    assert_eq!(refused.name(), "token-participant-suspended");
}

#[test]
fn a_delegate_asks_in_its_own_name() {
    let (mut world, farm) = world_with_farm();
    let helper = world.admit(&[Role::Distributor], "510104", &json!({}));
    let until = UnixMillis(i64::MAX);
    let action = Action::Delegate {
        delegate: helper.handle,
        until,
    };
    let leave = world.registry(&farm, action, vec![]);
    world.admitted(vec![leave]);
    let refused = shown(&world, &Token::issue(&helper.key, &claims(&world, &farm))).unwrap_err();
    assert_eq!(refused.name(), "token-key-of-another");
}

#[test]
fn another_form_is_refused() {
    let (world, farm) = world_with_farm();
    let good = Token::issue(&farm.key, &claims(&world, &farm));
    let decoded = Sign1::decode(&good).unwrap();
    let with_protected = |write: &dyn Fn(&mut Writer)| {
        let mut writer = Writer::new();
        write(&mut writer);
        let payload = decoded.payload.clone().unwrap();
        let mut message = Sign1::sign_detached(&farm.key, writer.finish(), &payload);
        message.payload = Some(payload);
        message.encode()
    };
    let kid = farm.key.public_key().key_id();
    let header = |algorithm: i64, kind: &'static str| {
        move |writer: &mut Writer| {
            writer.map(3).int(1).int(algorithm);
            writer.int(4).byte_string(kid.as_bytes()).int(16).text(kind);
        }
    };
    let wrong = with_protected(&header(-7, TOKEN_TYPE));
    assert_eq!(
        Token::parse(&wrong),
        Err(TokenError::AlgorithmUnsupported { algorithm: -7 })
    );
    assert!(Token::parse(&with_protected(&header(-19, TOKEN_TYPE))).is_ok());
    let other_type = with_protected(&header(-8, "application/cwt"));
    assert_eq!(
        Token::parse(&other_type).unwrap_err().name(),
        "token-malformed"
    );
    let mut detached = decoded.clone();
    detached.payload = None;
    let mut open = decoded.clone();
    open.unprotected = {
        let mut writer = Writer::new();
        writer.map(1).int(5).int(5);
        writer.finish()
    };
    let long = [good.clone(), vec![0; TOKEN_BYTES_MAX]].concat();
    let longer = [good.as_slice(), &[0]].concat();
    for bytes in [&detached.encode(), &open.encode(), &long, &longer, &vec![]] {
        assert_eq!(Token::parse(bytes).unwrap_err().name(), "token-malformed");
    }
}

#[test]
fn a_statement_is_no_token_and_a_token_no_statement() {
    use crate::statement::SignedStatement;
    use crate::testing::object_event;
    let (mut world, farm) = world_with_farm();
    let token = Token::issue(&farm.key, &claims(&world, &farm));
    assert!(SignedStatement::parse(&token).is_err());
    let lot = "https://id.gs1.org/01/06901234567892/10/A1";
    let event = object_event(
        "urn:e:1",
        "ADD",
        "commissioning",
        "2026-11-20T08:00:00Z",
        lot,
    );
    let statement = world.events(&farm, &[event]);
    assert!(Token::parse(statement.entry()).is_err());
}

proptest! {
    /// Whatever is done to a token's bytes, it opens nothing.
    #[test]
    fn an_altered_token_opens_nothing(at in 0_usize..400, mask in 1_u8.., cut in 0_usize..400) {
        let (world, farm) = world_with_farm();
        let good = Token::issue(&farm.key, &claims(&world, &farm));
        let mut altered = good.clone();
        let at = at % altered.len();
        altered[at] ^= mask;
        prop_assert!(shown(&world, &altered).is_err());
        let cut = cut % good.len();
        prop_assert!(shown(&world, &good[..cut]).is_err());
    }

    #[test]
    fn any_bytes_open_nothing(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        let (world, _) = world_with_farm();
        prop_assert!(shown(&world, &bytes).is_err());
    }
}
