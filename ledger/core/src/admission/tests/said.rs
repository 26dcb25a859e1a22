//! Events that may not be said: by whom, when, about what, and twice.

use super::*;
use crate::cbor::Value;
use crate::disclosure::{Class, Disclosure, DisclosureError, Part, WITHHELD};
use crate::event::{EventError, EventFault};
use crate::identifier::{Identifier, IdentifierError, Kind};
use crate::ids::CaptureId;
use crate::state::EventRecord;
use crate::time::format_utc;

/// A lot under nobody's prefix.
const FREE_LOT: &str = "https://id.gs1.org/01/09501101530003/10/F1";
/// A pallet under the maker's prefix.
const PALLET: &str = "https://id.gs1.org/00/069012340000000016";

fn commissioning(world: &mut World, lot: &str) -> Json {
    let id = format!("urn:e:{}", world.tick());
    object_event(&id, "ADD", "commissioning", PAST, lot)
}

fn transformation(world: &mut World, output: &str) -> Json {
    json!({
        "type": "TransformationEvent",
        "eventID": format!("urn:e:{}", world.tick()),
        "eventTime": PAST,
        "eventTimeZoneOffset": "+08:00",
        "inputQuantityList": [{"epcClass": LOT, "quantity": 5, "uom": "KGM"}],
        "outputQuantityList": [{"epcClass": output, "quantity": 4, "uom": "KGM"}],
    })
}

/// A statement with one event of which nothing was checked.
fn unchecked_statement(world: &mut World, maker: &Member, event: &Json) -> SignedStatement {
    let disclosed = unchecked(world, event);
    world.disclosures(maker, vec![disclosed])
}

fn invalid(path: &str, why: EventFault) -> RejectReason {
    RejectReason::EventInvalid {
        index: 0,
        why: EventError {
            path: path.to_owned(),
            why,
        },
    }
}

pub(super) fn a_capture_id_used_for_something_else() -> RejectReason {
    let (mut world, maker) = scene();
    let first = shipped(&mut world, &maker);
    let leaf = admitted_at(&mut world, first.clone());
    let Issuer::Participant { handle, capture } = first.header().issuer else {
        panic!("a participant's")
    };
    let second = shipped(&mut world, &maker);
    let again = SignedStatement::sign(
        &maker.key,
        Issuer::Participant { handle, capture },
        vec![ORIGIN.to_owned()],
        0,
        second.payload().clone(),
        second.disclosed().to_vec(),
    );
    refused(&mut world, again, &RejectReason::CaptureIdReused { leaf })
}

#[test]
fn the_same_statement_again_has_the_same_leaf_and_changes_nothing() {
    let (mut world, maker) = scene();
    let statement = shipped(&mut world, &maker);
    let leaf = admitted_at(&mut world, statement.clone());
    let before = contents(&world);
    assert_eq!(
        world.submit(vec![statement]),
        Ok(vec![Outcome::Again(leaf)])
    );
    assert_eq!(contents(&world), before);
    // Also within one block.
    let other = shipped(&mut world, &maker);
    let leaf = next_leaf(&world);
    let outcomes = world.submit(vec![other.clone(), other]).unwrap();
    assert_eq!(outcomes, [Outcome::Admitted(leaf), Outcome::Again(leaf)]);
}

#[test]
fn two_issuers_may_choose_the_same_capture_id() {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let capture = CaptureId([1; 16]);
    for member in [&maker, &shop] {
        let said = shipped(&mut world, member);
        let statement = SignedStatement::sign(
            &member.key,
            Issuer::Participant {
                handle: member.handle,
                capture,
            },
            vec![ORIGIN.to_owned()],
            0,
            said.payload().clone(),
            said.disclosed().to_vec(),
        );
        admitted_at(&mut world, statement);
    }
}

pub(super) fn an_event_recorded_before() -> RejectReason {
    let (mut world, maker) = scene();
    let event = shipping(&mut world);
    let first = world.events(&maker, std::slice::from_ref(&event));
    let leaf = admitted_at(&mut world, first);
    let second = world.events(&maker, &[event]);
    refused(
        &mut world,
        second,
        &RejectReason::DuplicateEvent { index: 0, leaf },
    )
}

pub(super) fn an_event_twice_in_one_statement() -> RejectReason {
    let (mut world, maker) = scene();
    let event = shipping(&mut world);
    let statement = world.events(&maker, &[event.clone(), event]);
    let leaf = next_leaf(&world);
    refused(
        &mut world,
        statement,
        &RejectReason::DuplicateEvent { index: 1, leaf },
    )
}

#[test]
fn another_issuers_event_may_have_the_same_id() {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let event = shipping(&mut world);
    for member in [&maker, &shop] {
        let statement = world.events(member, std::slice::from_ref(&event));
        admitted_at(&mut world, statement);
    }
}

fn declared_wrong(event: &Json) -> Json {
    let mut correction = event.clone();
    correction["errorDeclaration"] = json!({"declarationTime": PAST, "reason": "incorrect_data"});
    correction
}

pub(super) fn an_event_declared_wrong_twice() -> RejectReason {
    let (mut world, maker) = scene();
    let event = shipping(&mut world);
    let id = event["eventID"].as_str().unwrap().to_owned();
    let first = world.events(&maker, std::slice::from_ref(&event));
    let leaf = admitted_at(&mut world, first);
    let key = StateKey::event(maker.handle, &id);
    let before = EventRecord {
        leaf,
        index: 0,
        corrected: false,
    };
    assert_eq!(record(&world, key), Some(before));
    let correction = declared_wrong(&event);
    let second = world.events(&maker, std::slice::from_ref(&correction));
    admitted_at(&mut world, second);
    assert_eq!(
        record(&world, key),
        Some(EventRecord {
            corrected: true,
            ..before
        })
    );
    let third = world.events(&maker, &[correction]);
    refused(
        &mut world,
        third,
        &RejectReason::DuplicateEvent { index: 0, leaf },
    )
}

pub(super) fn a_wrong_check_digit() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = shipping(&mut world);
    event["quantityList"][0]["epcClass"] = json!("https://id.gs1.org/01/06901234567893/10/A1");
    let statement = unchecked_statement(&mut world, &maker, &event);
    let digit = IdentifierError::CheckDigit {
        kind: Kind::Gtin,
        given: '3',
        expected: '2',
    };
    let want = invalid("/quantityList/0/epcClass", EventFault::BadIdentifier(digit));
    refused(&mut world, statement, &want)
}

pub(super) fn an_event_not_in_normal_form() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = shipping(&mut world);
    event["eventTime"] = json!("2026-11-20T16:00:00+08:00");
    let statement = unchecked_statement(&mut world, &maker, &event);
    refused(
        &mut world,
        statement,
        &invalid("/eventTime", EventFault::NotNormal),
    )
}

/// An event without objects stands on the list of its place.
pub(super) fn a_reading_on_somebodys_list() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let mut event = shipping(&mut world);
    event.as_object_mut().unwrap().remove("quantityList");
    event["epcList"] = json!([]);
    event["readPoint"] = json!({"id": Identifier::participant(maker.handle).to_string()});
    // The maker, who has no number for its store, may.
    let statement = unchecked_statement(&mut world, &maker, &event);
    admitted_at(&mut world, statement);
    let statement = unchecked_statement(&mut world, &shop, &event);
    let what = "a participant or licence in place of goods";
    refused(
        &mut world,
        statement,
        &RejectReason::RoleForbids { index: 0, what },
    )
}

pub(super) fn an_event_of_unknown_type() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = shipping(&mut world);
    event["type"] = json!("QuantityEvent");
    let statement = unchecked_statement(&mut world, &maker, &event);
    refused(
        &mut world,
        statement,
        &invalid("/type", EventFault::UnknownType),
    )
}

/// The event as its own public part, nothing withheld.
fn all_shown(world: &mut World, maker: &Member, event: &Json) -> SignedStatement {
    let map = crate::testing::map_of_json(event);
    let disclosure = Disclosure::seal(world.salt(), map);
    let disclosed = Disclosed {
        index: 0,
        disclosure,
        parts: vec![],
    };
    world.disclosures(maker, vec![disclosed])
}

pub(super) fn a_quantity_shown_to_all() -> RejectReason {
    let (mut world, maker) = scene();
    let event = shipping(&mut world);
    let statement = all_shown(&mut world, &maker, &event);
    let path = "/quantityList/0/uom".to_owned();
    refused(
        &mut world,
        statement,
        &RejectReason::FieldNotPublic { index: 0, path },
    )
}

pub(super) fn an_extension_shown_to_all() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = shipping(&mut world);
    event["quantityList"] = json!([{"epcClass": LOT}]);
    event["@context"] = json!({"erp": "https://erp.example/"});
    event["erp:price"] = json!(9);
    let statement = all_shown(&mut world, &maker, &event);
    let path = "/erp:price".to_owned();
    refused(
        &mut world,
        statement,
        &RejectReason::FieldNotPublic { index: 0, path },
    )
}

pub(super) fn a_person_shown_inside_a_test() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = shipping(&mut world);
    event["quantityList"] = json!([{"epcClass": LOT}]);
    event["@context"] = json!({
        "sy": "https://ref.suyuan.example/voc/",
        "p": "https://ref.suyuan.example/personal/",
    });
    event["sy:test"] = json!({"conclusion": "pass", "by": [{"p:analyst": "wang"}]});
    let statement = all_shown(&mut world, &maker, &event);
    let path = "/sy:test/by/0/p:analyst".to_owned();
    refused(
        &mut world,
        statement,
        &RejectReason::FieldNotPublic { index: 0, path },
    )
}

/// Everyone sees a failed test, and so would see who had the goods.
pub(super) fn a_failed_test_in_anothers_shop() -> RejectReason {
    let (mut world, _) = scene();
    let shop = shop(&mut world);
    let laboratory = world.admit(&[Role::Laboratory], "510104", &json!({}));
    let party = |member: &Member| Identifier::participant(member.handle).to_string();
    let mut failed = shipping(&mut world);
    failed["bizStep"] = json!("inspecting");
    failed["@context"] = json!({"sy": "https://ref.suyuan.example/voc/"});
    failed["sy:test"] = json!({"conclusion": "fail", "report": "R-1"});
    let mut last = None;
    let parties = |key: &str, member| json!([{"type": "possessing_party", key: party(member)}]);
    for (field, value) in [
        ("readPoint", json!({"id": party(&shop)})),
        ("bizLocation", json!({"id": party(&shop)})),
        ("sourceList", parties("source", &shop)),
        ("destinationList", parties("destination", &shop)),
    ] {
        let mut event = failed.clone();
        event[field] = value;
        let statement = world.events(&laboratory, &[event]);
        let path = format!("/{field}");
        let want = RejectReason::FieldNotPublic { index: 0, path };
        last = Some(refused(&mut world, statement, &want));
    }
    // In its own rooms, or with no place at all.
    for (field, value) in [
        ("readPoint", json!({"id": party(&laboratory)})),
        ("sy:note", json!(1)),
    ] {
        let mut event = failed.clone();
        event["eventID"] = json!(format!("urn:e:{}", world.tick()));
        event[field] = value;
        let statement = world.events(&laboratory, &[event]);
        admitted_at(&mut world, statement);
    }
    last.unwrap()
}

/// No order to delete reaches a confidential part.
pub(super) fn a_person_inside_a_confidential_field() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = shipping(&mut world);
    event["quantityList"] = json!([{"epcClass": LOT}]);
    event["@context"] = json!({
        "erp": "https://erp.example/", "p": "https://ref.suyuan.example/personal/",
    });
    let mut map = crate::testing::map_of_json(&event);
    let delivery = json!({"erp:delivery": {"van": "A12345", "p:driver": "wang"}});
    let fields = crate::testing::map_of_json(&delivery);
    let part = Part::seal(world.salt(), fields, Class::Confidential);
    map.insert(WITHHELD, vec![Value::Bytes(part.digest().0.to_vec())]);
    let disclosed = Disclosed {
        index: 0,
        disclosure: Disclosure::seal(world.salt(), map),
        parts: vec![part],
    };
    let statement = world.disclosures(&maker, vec![disclosed]);
    let why = DisclosureError::WrongPart;
    refused(
        &mut world,
        statement,
        &RejectReason::Disclosure { index: 0, why },
    )
}

pub(super) fn a_lot_commissioned_under_anothers_prefix() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let event = commissioning(&mut world, LOT);
    let statement = world.events(&shop, std::slice::from_ref(&event));
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: LOT.to_owned(),
        owner: maker.handle,
    };
    let got = refused(&mut world, statement, &want);
    // The owner may; and a prefix nobody registered stands in nobody's way.
    let own = world.events(&maker, &[event]);
    admitted_at(&mut world, own);
    let free = commissioning(&mut world, FREE_LOT);
    let free = world.events(&shop, &[free]);
    admitted_at(&mut world, free);
    got
}

pub(super) fn an_output_under_anothers_prefix() -> RejectReason {
    let (mut world, maker) = scene();
    let cook = world.admit(&[Role::Processor], "510104", &json!({}));
    let good = transformation(&mut world, FREE_LOT);
    let bad = transformation(&mut world, LOT);
    let statement = world.events(&cook, &[good, bad]);
    let want = RejectReason::ForeignIdentifier {
        index: 1,
        identifier: LOT.to_owned(),
        owner: maker.handle,
    };
    refused(&mut world, statement, &want)
}

pub(super) fn an_own_lot_of_another() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let lot = Identifier::own_lot(maker.handle, "kiwi", "2026-11")
        .unwrap()
        .to_string();
    let event = commissioning(&mut world, &lot);
    let statement = world.events(&shop, std::slice::from_ref(&event));
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: lot,
        owner: maker.handle,
    };
    let got = refused(&mut world, statement, &want);
    let own = world.events(&maker, &[event]);
    admitted_at(&mut world, own);
    got
}

#[test]
fn what_is_anothers_may_be_handled_and_packed() {
    let (mut world, _) = scene();
    let shop = shop(&mut world);
    let sold = shipping(&mut world);
    let pallet = json!({
        "type": "ObjectEvent", "eventID": "urn:e:pallet", "action": "ADD",
        "bizStep": "commissioning", "eventTime": PAST, "eventTimeZoneOffset": "+08:00",
        "epcList": [PALLET],
    });
    let packed = json!({
        "type": "AggregationEvent", "eventID": "urn:e:packed", "action": "ADD",
        "bizStep": "packing", "eventTime": PAST, "eventTimeZoneOffset": "+08:00",
        "parentID": PALLET, "childQuantityList": [{"epcClass": LOT}],
    });
    let statement = world.events(&shop, &[sold, pallet, packed]);
    admitted_at(&mut world, statement);
}

pub(super) fn a_lot_commissioned_by_a_carrier() -> RejectReason {
    let mut world = World::new();
    let carrier = world.admit(&[Role::Carrier], "510117", &json!({}));
    let fine = shipping(&mut world);
    let event = commissioning(&mut world, FREE_LOT);
    let statement = world.events(&carrier, &[fine, event]);
    let want = RejectReason::RoleForbids {
        index: 1,
        what: "ObjectEvent",
    };
    refused(&mut world, statement, &want)
}

/// One of each kind of saying that the rules tell apart.
fn sayings(world: &mut World) -> [(&'static str, Json); 7] {
    let object = |action: &str, step: &str, id: u64| {
        object_event(&format!("urn:e:{id}"), action, step, PAST, FREE_LOT)
    };
    let mut id = || world.tick();
    let pallet = json!({
        "type": "ObjectEvent", "eventID": format!("urn:e:{}", id()), "action": "ADD",
        "bizStep": "commissioning", "eventTime": PAST, "eventTimeZoneOffset": "+08:00",
        "epcList": [PALLET],
    });
    [
        ("observe", object("OBSERVE", "storing", id())),
        ("destroy", object("DELETE", "destroying", id())),
        ("commission", object("ADD", "commissioning", id())),
        ("sell", object("OBSERVE", "retail_selling", id())),
        ("dispense", object("OBSERVE", "dispensing", id())),
        ("build a pallet", pallet),
        (
            "transform",
            transformation(world, "https://id.gs1.org/01/09501101530003/10/F2"),
        ),
    ]
}

#[test]
fn each_role_may_say_this_and_no_more() {
    const ALL: &[&str] = &[
        "observe",
        "destroy",
        "commission",
        "sell",
        "dispense",
        "build a pallet",
        "transform",
    ];
    for role in Role::ALL {
        let may: &[&str] = match role {
            Role::Authority => &[],
            Role::Regulator => &["observe"],
            Role::Carrier | Role::Laboratory => &["observe", "destroy", "build a pallet"],
            Role::Distributor | Role::Processor | Role::Producer | Role::Retailer | Role::Site => {
                ALL
            }
        };
        let mut world = World::new();
        let member = world.admit(&[role], "510117", &json!({}));
        for (word, event) in sayings(&mut world) {
            let statement = world.events(&member, std::slice::from_ref(&event));
            if may.contains(&word) {
                admitted_at(&mut world, statement);
            } else {
                let what = if word == "transform" {
                    "TransformationEvent"
                } else {
                    "ObjectEvent"
                };
                refused(
                    &mut world,
                    statement,
                    &RejectReason::RoleForbids { index: 0, what },
                );
            }
        }
    }
}

#[test]
fn one_role_that_may_is_enough() {
    let mut world = World::new();
    let both = world.admit(&[Role::Carrier, Role::Producer], "510117", &json!({}));
    let event = commissioning(&mut world, FREE_LOT);
    let statement = world.events(&both, &[event]);
    admitted_at(&mut world, statement);
}

pub(super) fn an_event_six_minutes_ahead() -> RejectReason {
    let (mut world, maker) = scene();
    let now = world.now;
    let limit = UnixMillis(now.0 + EVENT_AHEAD_MAX_MS);
    let mut event = shipping(&mut world);
    let ahead = UnixMillis(limit.0 + 1);
    event["eventTime"] = json!(format_utc(ahead));
    let statement = world.events(&maker, std::slice::from_ref(&event));
    let want = RejectReason::TimeInFuture {
        index: 0,
        event: ahead,
        now,
    };
    let got = refused(&mut world, statement, &want);
    // Exactly five minutes ahead is what a truck's clock may be.
    world.now = now;
    event["eventTime"] = json!(format_utc(limit));
    let statement = world.events(&maker, &[event]);
    admitted_at(&mut world, statement);
    got
}

pub(super) fn a_declaration_in_the_future() -> RejectReason {
    let (mut world, maker) = scene();
    let now = world.now;
    let ahead = UnixMillis(now.0 + EVENT_AHEAD_MAX_MS + 1);
    let mut event = shipping(&mut world);
    event["errorDeclaration"] = json!({"declarationTime": format_utc(ahead)});
    let statement = world.events(&maker, &[event]);
    let want = RejectReason::TimeInFuture {
        index: 0,
        event: ahead,
        now,
    };
    refused(&mut world, statement, &want)
}
