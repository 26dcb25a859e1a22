//! Holds, recalls, releases and responses that are refused, and what the others touch.

use super::acts::refused_act;
use super::records::record_invalid;
use super::*;
use crate::identifier::Identifier;
use crate::state::{ItemRecord, StateKey};
use crate::testing::map_of_json;

fn case(by: &Member) -> String {
    Identifier::case(by.handle, "2026-1").unwrap().to_string()
}

pub(super) fn order(case: &str) -> Json {
    json!({
        "id": LOT, "case": case, "reason": {"zh": "黄曲霉毒素超标", "en": "aflatoxin"},
        "level": 1, "reach": "forward", "fault": "safety",
    })
}

fn response(case: &str) -> Json {
    json!({"case": case, "item": LOT, "what": "acknowledged"})
}

fn size(world: &World, item: &str) -> u64 {
    record::<ItemRecord>(world, StateKey::item(item)).map_or(0, |list| list.size)
}

pub(super) fn a_response_to_a_case_nobody_opened() -> RejectReason {
    let (mut world, maker) = scene();
    let want = RejectReason::CaseUnknown {
        index: 0,
        case: case(&maker),
    };
    let record = response(&case(&maker));
    refused_act(&mut world, &maker, Action::Respond, &[record], &want)
}

pub(super) fn a_release_of_a_case_nobody_opened() -> RejectReason {
    let (mut world, maker) = scene();
    let want = RejectReason::CaseUnknown {
        index: 0,
        case: case(&maker),
    };
    let record = order(&case(&maker));
    refused_act(&mut world, &maker, Action::Release, &[record], &want)
}

pub(super) fn a_recall_under_anothers_case() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: case(&maker),
        owner: maker.handle,
    };
    let record = order(&case(&maker));
    refused_act(&mut world, &shop, Action::Recall, &[record], &want)
}

pub(super) fn a_release_of_anothers_case() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let record = map_of_json(&order(&case(&maker)));
    let statement = world.registry(&maker, Action::Hold, vec![record]);
    world.admitted(vec![statement]);
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: case(&maker),
        owner: maker.handle,
    };
    let record = order(&case(&maker));
    refused_act(&mut world, &shop, Action::Release, &[record], &want)
}

pub(super) fn a_recall_by_a_laboratory() -> RejectReason {
    let (mut world, _) = scene();
    let laboratory = world.admit(&[Role::Laboratory], "510104", &json!({}));
    let want = RejectReason::RoleForbids {
        index: 0,
        what: "recall",
    };
    let record = order(&case(&laboratory));
    refused_act(&mut world, &laboratory, Action::Recall, &[record], &want)
}

pub(super) fn a_recall_of_a_product_without_lot() -> RejectReason {
    let (mut world, maker) = scene();
    let mut record = order(&case(&maker));
    record["id"] = json!("https://id.gs1.org/01/06901234567892");
    let want = record_invalid("id");
    refused_act(&mut world, &maker, Action::Recall, &[record], &want)
}

pub(super) fn a_recall_of_nothing() -> RejectReason {
    let (mut world, maker) = scene();
    let want = record_invalid("id");
    refused_act(&mut world, &maker, Action::Recall, &[], &want)
}

pub(super) fn a_destruction_without_evidence() -> RejectReason {
    let (mut world, maker) = scene();
    let statement = {
        let record = map_of_json(&order(&case(&maker)));
        world.registry(&maker, Action::Recall, vec![record])
    };
    world.admitted(vec![statement]);
    let mut record = response(&case(&maker));
    record["what"] = json!("destroyed");
    let want = record_invalid("evidence");
    refused_act(&mut world, &maker, Action::Respond, &[record], &want)
}

pub(super) fn a_case_in_place_of_goods() -> RejectReason {
    let (mut world, maker) = scene();
    let mut event = object_event("urn:e:1", "OBSERVE", "inspecting", PAST, LOT);
    event.as_object_mut().unwrap().remove("quantityList");
    event["epcList"] = json!([case(&maker)]);
    let statement = world.events(&maker, &[event]);
    let want = RejectReason::RoleForbids {
        index: 0,
        what: "a participant or licence in place of goods",
    };
    refused(&mut world, statement, &want)
}

pub(super) fn two_cases_in_one_statement() -> RejectReason {
    let (mut world, maker) = scene();
    let other = Identifier::case(maker.handle, "2026-2").unwrap();
    let records = [order(&case(&maker)), order(other.as_str())];
    let want = RejectReason::RecordInvalid {
        index: 1,
        field: "case",
    };
    refused_act(&mut world, &maker, Action::Recall, &records, &want)
}

pub(super) fn a_case_closed_by_another_firm() -> RejectReason {
    let (mut world, maker) = scene();
    let shop = shop(&mut world);
    let statement = {
        let record = map_of_json(&order(&case(&maker)));
        world.registry(&maker, Action::Recall, vec![record])
    };
    world.admitted(vec![statement]);
    let mut record = response(&case(&maker));
    record["what"] = json!("closed");
    record["evidence"] = json!("urn:doc:report");
    let want = RejectReason::ForeignIdentifier {
        index: 0,
        identifier: case(&maker),
        owner: maker.handle,
    };
    refused_act(&mut world, &shop, Action::Respond, &[record], &want)
}

#[test]
fn orders_touch_item_and_case_and_responses_the_case_alone() {
    let (mut world, maker) = scene();
    let (shop, case) = (shop(&mut world), case(&maker));
    for (by, action, record) in [
        (&maker, Action::Recall, order(&case)),
        (&shop, Action::Respond, response(&case)),
        (&maker, Action::Release, order(&case)),
    ] {
        let statement = world.registry(by, action, vec![map_of_json(&record)]);
        world.admitted(vec![statement]);
    }
    assert_eq!((size(&world, LOT), size(&world, &case)), (2, 3));
    assert_eq!(size(&world, crate::order::CASES), 2);
}

#[test]
fn an_authority_may_release_what_a_firm_stopped() {
    let (mut world, maker) = scene();
    let case = case(&maker);
    let record = vec![map_of_json(&order(&case))];
    let statement = world.registry(&maker, Action::Hold, record.clone());
    world.admitted(vec![statement]);
    let statement = world.registry_by_authority(Action::Release, record);
    world.admitted(vec![statement]);
}
