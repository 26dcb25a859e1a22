use super::*;
use crate::checkpoint::{CheckpointError, SignedCheckpoint};
use crate::ids::UnixMillis;
use crate::lists::{Reader as Who, ViewSource};
use crate::note::{KeyKind, NoteKey};
use crate::provenance::Source as _;
use crate::registry::Action;
use crate::signature::{Signer as _, SigningKey};
use crate::state::Role;
use crate::store::Store as _;
use crate::testing::{Member, ORIGIN, World, object_event, participant_item};
use crate::tlog_policy::{Standing, TlogPolicy};
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const UNKNOWN: &str = "https://id.gs1.org/01/06901234567892/10/NEVER";

/// A lot made and shipped, its maker's second key revoked, and the bundle of its list, its
/// maker's list, and one unknown lot's.
fn scene() -> (World, Member, Vec<u8>) {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"name": {"zh": "甲", "en": "A"}}),
    );
    let made = object_event(
        "urn:e:1",
        "ADD",
        "commissioning",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    let shipped = object_event(
        "urn:e:2",
        "OBSERVE",
        "shipping",
        "2026-11-21T08:00:00Z",
        LOT,
    );
    let other = "https://id.gs1.org/01/06901234567892/10/B2";
    let unrelated = object_event(
        "urn:e:3",
        "ADD",
        "commissioning",
        "2026-11-21T08:00:00Z",
        other,
    );
    let first = world.events(&maker, &[made, unrelated]);
    world.admitted(vec![first]);
    let second = world.events(&maker, &[shipped]);
    world.admitted(vec![second]);
    let key = maker.key.public_key().key_id();
    let revoke = Action::RevokeKey {
        key,
        suspect_from: Some(UnixMillis(0)),
    };
    let act = world.registry_by_authority(revoke, vec![]);
    world.admitted(vec![act]);
    let bytes = bundle_of(&world, &maker);
    (world, maker, bytes)
}

fn bundle_of(world: &World, maker: &Member) -> Vec<u8> {
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Who::Public);
    for item in [LOT, UNKNOWN, &participant_item(maker.handle)] {
        source.touches(item).unwrap();
    }
    build(&view, &source, LOT).unwrap().encode()
}

fn trust(world: &World) -> Trust {
    Trust {
        origin: ORIGIN.to_owned(),
        log_key: world.log_key.public_key().clone(),
    }
}

/// The error after `change`, with the closing digest made right again.
fn refused(change: impl FnOnce(&mut Bundle)) -> BundleError {
    let (world, _, bytes) = scene();
    let mut bundle = Bundle::decode(&bytes).unwrap();
    change(&mut bundle);
    verify(&bundle.encode(), &trust(&world))
        .map(|_| ())
        .unwrap_err()
}

#[test]
fn a_bundle_shows_the_whole_lists_and_nothing_else() {
    let (world, maker, bytes) = scene();
    let mut proved = verify(&bytes, &trust(&world)).unwrap();
    assert_eq!(proved.touches(LOT).unwrap().shown.len(), 2);
    assert_eq!(
        proved
            .touches(&participant_item(maker.handle))
            .unwrap()
            .total,
        2
    );
    assert!(
        !String::from_utf8_lossy(&bytes).contains("B2"),
        "an unrelated lot is shown"
    );
    assert!(
        !String::from_utf8_lossy(&bytes).contains("KGM"),
        "a quantity is shown"
    );
}

#[test]
fn an_unknown_code_is_proved_absent() {
    let (world, _, bytes) = scene();
    let mut proved = verify(&bytes, &trust(&world)).unwrap();
    let touches = proved.touches(UNKNOWN).unwrap();
    assert_eq!((touches.total, touches.shown.len()), (0, 0));
    let other = "https://id.gs1.org/01/06901234567892/10/B2".to_owned();
    assert_eq!(
        proved.touches(&other).map(|_| ()),
        Err(BundleError::ListMissing {
            item: other.clone()
        })
    );
}

#[test]
fn a_known_item_cannot_be_shown_as_unknown() {
    let error = refused(|bundle| {
        bundle
            .lists
            .iter_mut()
            .find(|(item, _)| item == LOT)
            .unwrap()
            .1
            .clear();
        let key = StateKey::item(LOT);
        bundle
            .records
            .iter_mut()
            .find(|(other, _)| *other == key)
            .unwrap()
            .1 = None;
    });
    assert!(matches!(error, BundleError::State(_)), "{error}");
}

#[test]
fn an_event_left_out_is_named() {
    for member in 0..2 {
        let error = refused(|bundle| {
            let list = &mut bundle
                .lists
                .iter_mut()
                .find(|(item, _)| item == LOT)
                .unwrap()
                .1;
            list.remove(member);
        });
        let omitted = BundleError::EventOmitted {
            item: LOT.to_owned(),
            shown: 1,
            recorded: 2,
        };
        assert_eq!(error, omitted);
    }
}

#[test]
fn a_key_revocation_left_out_is_named() {
    let (_, maker, _) = scene();
    let item = participant_item(maker.handle);
    let error = refused(|bundle| {
        let list = &mut bundle
            .lists
            .iter_mut()
            .find(|(other, _)| *other == item)
            .unwrap()
            .1;
        list.pop();
    });
    assert_eq!(
        error,
        BundleError::EventOmitted {
            item,
            shown: 1,
            recorded: 2
        }
    );
    let key = maker.key.public_key().key_id();
    let error = refused(|bundle| {
        let record = bundle
            .records
            .iter_mut()
            .find(|(other, _)| *other == StateKey::key(key));
        let bytes = record.unwrap().1.as_mut().unwrap();
        let mut decoded = <crate::state::KeyRecord as crate::state::Record>::decode(bytes).unwrap();
        decoded.revoked = None;
        *bytes = crate::state::Record::encode(&decoded);
    });
    assert!(matches!(error, BundleError::State(_)), "{error}");
    let error = refused(|bundle| {
        bundle
            .records
            .retain(|(other, _)| *other != StateKey::key(key));
    });
    assert!(matches!(error, BundleError::State(_)), "{error}");
}

#[test]
fn a_disclosure_left_out_or_swapped_is_named() {
    let error = refused(|bundle| {
        for statement in &mut bundle.statements {
            statement.disclosed.clear();
            statement.siblings.clear();
        }
    });
    assert!(
        matches!(error, BundleError::DisclosureMissing { .. }),
        "{error}"
    );
    let error = refused(|bundle| {
        let shown: Vec<usize> = (0..bundle.statements.len())
            .filter(|at| !bundle.statements[*at].disclosed.is_empty())
            .collect();
        let (one, other) = (shown[shown.len() - 2], shown[shown.len() - 1]);
        let swapped = bundle.statements[one].disclosed.clone();
        bundle.statements[other].disclosed = swapped;
    });
    assert!(
        matches!(error, BundleError::DisclosureMismatch { .. }),
        "{error}"
    );
}

#[test]
fn a_statement_left_out_is_named() {
    let error = refused(|bundle| {
        bundle.statements.remove(0);
    });
    assert!(matches!(error, BundleError::Tree(_)), "{error}");
    let error = refused(|bundle| {
        bundle.statements.pop();
    });
    assert!(matches!(error, BundleError::Tree(_)), "{error}");
}

#[test]
fn another_logs_bundle_is_refused() {
    let (world, maker, bytes) = scene();
    let mut other = trust(&world);
    other.log_key = maker.key.public_key().clone();
    assert!(matches!(
        verify(&bytes, &other).unwrap_err(),
        BundleError::Checkpoint(_)
    ));
    let mut other = trust(&world);
    other.origin = "other.example/log".to_owned();
    assert!(matches!(
        verify(&bytes, &other).unwrap_err(),
        BundleError::Checkpoint(_)
    ));
}

/// Every flipped bit is noticed, even when the closing digest is made right again.
#[test]
fn no_flipped_byte_passes() {
    let (world, _, bytes) = scene();
    let trust = trust(&world);
    let body = bytes.len() - 34;
    for at in (0..body).step_by(3) {
        let mut altered = bytes[..body].to_vec();
        altered[at] ^= 1 << (at % 8);
        let mut closing = Writer::new();
        closing.byte_string(&Digest::of(&altered).0);
        altered.extend_from_slice(&closing.finish());
        if let Ok(proved) = verify(&altered, &trust) {
            // Only the name of what was asked for is nobody's statement: the caller compares it.
            assert_ne!(proved.item(), LOT, "byte {at} of {body} passes");
        }
    }
    let mut torn = bytes;
    torn[body / 2] ^= 1;
    let error = verify(&torn, &trust).unwrap_err();
    assert!(
        matches!(error, BundleError::Torn | BundleError::Malformed(_)),
        "{error}"
    );
}

/// A lot sold by its maker, and the policy that says how grave it is to hold nothing of it.
fn judged() -> (World, Vec<u8>) {
    use crate::policy;
    let mut world = World::new();
    let maker = world.admit(&[Role::Producer], "510117", &json!({}));
    let stranger = world.admit(&[Role::Retailer], "510117", &json!({}));
    for severity in ["hold", "reject"] {
        let row = json!({"key": "severity/custody", "value": severity, "source": "s",
            "confirmed": true});
        let record = json!({"id": policy::ITEM, "rows": [row]});
        let record = crate::testing::map_of_json(&record);
        let act = world.registry_by_authority(Action::Policy, vec![record]);
        world.admitted(vec![act]);
    }
    for (by, action, step) in [
        (&maker, "ADD", "commissioning"),
        (&stranger, "OBSERVE", "stocking"),
    ] {
        let id = format!("urn:e:{step}");
        let event = object_event(&id, action, step, "2026-11-20T08:00:00Z", LOT);
        let said = world.events(by, &[event]);
        world.admitted(vec![said]);
    }
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Who::Public);
    let item = crate::identifier::Identifier::parse(LOT).unwrap();
    let limits = crate::provenance::Limits::DEFAULT;
    let answer = crate::provenance::trace(&mut source, &item, world.now, limits).unwrap();
    assert_eq!(answer.verdict.word(), "violation");
    let bytes = build(&view, &source, LOT).unwrap().encode();
    (world, bytes)
}

#[test]
fn a_bundle_carries_the_policy_that_its_findings_are_judged_by() {
    use crate::policy::{History, ITEM, Severity};
    use crate::provenance::Rule;
    let (world, bytes) = judged();
    let mut proved = verify(&bytes, &trust(&world)).unwrap();
    let history = History::read(&mut proved).unwrap();
    assert_eq!(history.newest().version(), 2);
    assert_eq!(history.newest().severity(Rule::Custody), Severity::Reject);
    // Whoever leaves the newest row out, or all of them, is found out by name.
    let altered = |change: &dyn Fn(&mut Bundle)| {
        let mut bundle = Bundle::decode(&bytes).unwrap();
        change(&mut bundle);
        let verified = verify(&bundle.encode(), &trust(&world));
        verified.and_then(|mut proved| History::read(&mut proved).map(|_| ()))
    };
    let shorter = altered(&|bundle| {
        let list = bundle.lists.iter_mut().find(|(item, _)| item == ITEM);
        list.unwrap().1.pop();
    });
    let omitted = BundleError::EventOmitted {
        item: ITEM.to_owned(),
        shown: 1,
        recorded: 2,
    };
    assert_eq!(shorter, Err(omitted));
    let without = altered(&|bundle| bundle.lists.retain(|(item, _)| item != ITEM));
    assert!(
        matches!(&without, Err(BundleError::ListMissing { item }) if item == ITEM),
        "{without:?}"
    );
}

#[test]
fn whether_a_bundle_is_witnessed_is_computed_from_the_readers_policy() {
    let (world, _, bytes) = scene();
    let witness = SigningKey::from_seed([0x42; 32]);
    let key = |name: &str, kind, signer: &SigningKey| {
        NoteKey::new(name, kind, signer.public_key().clone()).unwrap()
    };
    let log = key(ORIGIN, KeyKind::Ed25519, &world.log_key);
    let known = key("w.example", KeyKind::Cosignature, &witness);
    let policy = |lines: &str| TlogPolicy::parse(&format!("log {log}\n{lines}\n")).unwrap();
    let (asks, trusts_log) = (
        policy(&format!("witness w {known}\nquorum w")),
        policy("quorum none"),
    );
    let standing = |bytes: &[u8], policy: &TlogPolicy| verify_by(bytes, policy).unwrap().1.standing;
    assert_eq!(standing(&bytes, &asks), Standing::Recorded);

    let mut bundle = Bundle::decode(&bytes).unwrap();
    let mut checkpoint = SignedCheckpoint::parse(&bundle.checkpoint).unwrap();
    checkpoint.cosign("w.example", &witness, 5).unwrap();
    bundle.checkpoint = checkpoint.to_string();
    let cosigned = bundle.encode();
    assert_eq!(standing(&cosigned, &asks), Standing::Witnessed);
    assert_eq!(standing(&cosigned, &trusts_log), Standing::Recorded);

    // A stranger's cosignature under the witness's name counts for nothing.
    let mut checkpoint = SignedCheckpoint::parse(&checkpoint.signed_only_by(&[log]).to_string());
    let checkpoint = checkpoint.as_mut().unwrap();
    let stranger = SigningKey::from_seed([0x43; 32]);
    checkpoint.cosign("w.example", &stranger, 5).unwrap();
    bundle.checkpoint = checkpoint.to_string();
    assert_eq!(standing(&bundle.encode(), &asks), Standing::Recorded);

    // The log itself must be of the policy.
    let other = key("other.example/log", KeyKind::Ed25519, &world.log_key);
    let elsewhere = TlogPolicy::parse(&format!("log {other}\nquorum none\n")).unwrap();
    let unknown = CheckpointError::Origin {
        found: ORIGIN.to_owned(),
        want: "other.example/log".to_owned(),
    };
    assert_eq!(
        verify_by(&cosigned, &elsewhere).unwrap_err(),
        BundleError::Checkpoint(unknown)
    );
}
