//! Acts about products, places, codes and prefixes that are refused.

use super::acts::{admission, refused_act};
use super::*;
use crate::disclosure::{Disclosure, Salt};
use crate::identifier::Identifier;
use crate::testing::map_of_json;

const PRODUCT: &str = "https://id.gs1.org/01/06901234567892";

pub(super) fn master_data_of_anothers_product() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let record = json!({"id": PRODUCT, "name": {"zh": "豆瓣", "en": "bean paste"}});
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: PRODUCT.to_owned(),
        owner: maker.handle,
    };
    refused_act(&mut world, &shop, Action::Product, &[record], &want)
}

pub(super) fn a_contact_shown_to_all() -> RejectReason {
    let (mut world, _) = scene();
    let new = world.stranger();
    let action = admission(&world, &new, &[Role::Producer], "510117");
    let record = map_of_json(&json!({"name": "x", "offices": [{"contact": "wang"}]}));
    let statement = world.registry_by_authority(action, vec![record]);
    let path = "/offices/0/contact".to_owned();
    let want = RejectReason::FieldNotPublic { index: 0, path };
    refused(&mut world, statement, &want)
}

pub(super) fn a_recoding_into_anothers_code() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let own = Identifier::own_lot(shop.handle, "p", "1")
        .unwrap()
        .to_string();
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: LOT.to_owned(),
        owner: maker.handle,
    };
    let record = json!({"old": own, "new": LOT});
    refused_act(&mut world, &shop, Action::Recode, &[record], &want)
}

fn taking(world: &mut World, prefix: &str) -> RejectReason {
    let new = world.stranger();
    let action = admission(world, &new, &[Role::Producer], "510117");
    let record = map_of_json(&json!({"prefixes": ["9501101", prefix]}));
    let statement = world.registry_by_authority(action, vec![record]);
    refused(
        world,
        statement,
        &RejectReason::PrefixTaken {
            prefix: prefix.to_owned(),
        },
    )
}

pub(super) fn a_prefix_of_another() -> RejectReason {
    let (mut world, _) = scene();
    taking(&mut world, PREFIX)
}

pub(super) fn a_prefix_inside_anothers() -> RejectReason {
    let (mut world, _) = scene();
    world.admit(
        &[Role::Producer],
        "510117",
        &json!({"prefixes": ["9300675123"]}),
    );
    // The shorter one would take in the longer one's codes, and the other way round.
    taking(&mut world, "9300675");
    let got = taking(&mut world, "690123456");
    world.admit(
        &[Role::Producer],
        "510117",
        &json!({"prefixes": ["9300675124"]}),
    );
    got
}

pub(super) fn a_malformed_prefix() -> RejectReason {
    let mut world = World::new();
    taking(&mut world, "690123");
    taking(&mut world, "6901234567890");
    taking(&mut world, "690123é");
    taking(&mut world, "69012x4")
}

pub(super) fn record_invalid(field: &'static str) -> RejectReason {
    RejectReason::RecordInvalid { index: 0, field }
}

pub(super) fn a_product_without_identifier() -> RejectReason {
    let (mut world, maker) = scene();
    let record = json!({"name": {"zh": "豆瓣", "en": "bean paste"}});
    refused_act(
        &mut world,
        &maker,
        Action::Product,
        &[record],
        &record_invalid("id"),
    )
}

pub(super) fn a_place_not_in_canonical_form() -> RejectReason {
    let (mut world, maker) = scene();
    let record = json!({"id": "urn:epc:id:sgln:6901234.00001.0"});
    refused_act(
        &mut world,
        &maker,
        Action::Place,
        &[record],
        &record_invalid("id"),
    )
}

/// Such a record stands on the list by which a suspension, or the owner of a number, is found.
pub(super) fn a_record_on_somebodys_list() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let somebody = [
        Identifier::participant(maker.handle).to_string(),
        "https://id.gs1.org/417/6901234000016".to_owned(),
        Identifier::case(maker.handle, "1").unwrap().to_string(),
        "urn:suyuan:uscc:91510100MA6CHN000D".to_owned(),
    ];
    for id in somebody {
        let name = json!({"zh": "x", "en": "x"});
        for action in [Action::Place, Action::Product] {
            let record = json!({"id": id, "name": name});
            refused_act(&mut world, &shop, action, &[record], &record_invalid("id"));
        }
        // The maker may name its own place, and recode no participant.
        if id.contains(":participant:") {
            let record = map_of_json(&json!({"id": id, "name": name}));
            let statement = world.registry(&maker, Action::Place, vec![record]);
            admitted_at(&mut world, statement);
        }
        let own = Identifier::own_lot(shop.handle, "p", "1").unwrap();
        let record = json!({"old": id, "new": own.as_str()});
        let want = record_invalid("old");
        refused_act(&mut world, &shop, Action::Recode, &[record], &want);
    }
    record_invalid("id")
}

pub(super) fn a_recoding_into_itself() -> RejectReason {
    let (mut world, maker) = scene();
    let record = json!({"old": LOT, "new": LOT});
    refused_act(
        &mut world,
        &maker,
        Action::Recode,
        &[record],
        &record_invalid("new"),
    )
}

pub(super) fn a_malformed_gln() -> RejectReason {
    let mut world = World::new();
    let new = world.stranger();
    let action = admission(&world, &new, &[Role::Producer], "5101");
    let authority = std::rc::Rc::clone(&world.authority);
    let want = record_invalid("glns");
    for record in [
        json!({"glns": "6901234000016"}),
        json!({"glns": [6_901_234_000_016_i64]}),
    ] {
        refused_act(&mut world, &authority, action.clone(), &[record], &want);
    }
    // The check digit must be 6.
    let record = json!({"glns": ["6901234000017"]});
    refused_act(&mut world, &authority, action, &[record], &want)
}

#[test]
fn a_registry_acts_disclosures_are_checked_as_an_events_are() {
    let (mut world, maker) = scene();
    let map = map_of_json(&json!({"id": PRODUCT}));
    let disclosure = Disclosure::seal(Salt([0; 16]), map);
    let disclosed = vec![Disclosed {
        index: 0,
        disclosure,
        parts: vec![],
    }];
    let payload = Payload::Registry(RegistryPayload {
        action: Action::Product,
        commitment: Commitment::to(&disclosed),
        approvals: vec![],
    });
    let statement = world.sign(&maker, payload, disclosed);
    refused(&mut world, statement, &RejectReason::SaltWeak);
}
