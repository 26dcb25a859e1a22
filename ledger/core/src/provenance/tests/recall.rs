//! Who holds how much, what became of the rest, and how a case stands.

use super::ledger::{Ledger, asset, at, case, hand_over, lot, on, party, serial, who, with};
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::provenance::answer::StopKind;
use crate::provenance::{Affected, Amounts, Case, Contact, How, Limits, Overdue, Start, forward};
use crate::registry::Action;
use serde_json::{Value as Json, json};

fn kilos(fields: Json, quantity: u32) -> Json {
    let id = fields["quantityList"][0]["epcClass"].clone();
    let list = json!([{"epcClass": id, "quantity": quantity, "uom": "KGM"}]);
    with(fields, "quantityList", list)
}

/// A lot of 100 kg of 1, of which 60 were sent to 2, who took 40 in and 10 a day later.
fn in_parts() -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger
        .say(1, 0, kilos(on(&lot(1), "ADD", "commissioning"), 100))
        .say(1, 10, kilos(hand_over(&lot(1), "shipping", 1, 2), 60))
        .say(2, 20, kilos(hand_over(&lot(1), "receiving", 1, 2), 40))
        .say(2, 30, kilos(hand_over(&lot(1), "receiving", 1, 2), 10));
    ledger
}

fn amounts(ledger: &mut Ledger, item: &str) -> Amounts {
    let forward = ledger.forward(item);
    let first: &Affected = &forward.items[0];
    first.amounts.clone().expect("all amounts are shown")
}

fn by(amounts: &Amounts) -> Vec<(u8, String)> {
    let one = |(holder, amount): (&crate::ids::Handle, &crate::provenance::Millionths)| {
        (holder.0[0], amount.to_string())
    };
    amounts.by.iter().map(one).collect()
}

#[test]
fn partial_receipts_leave_the_rest_under_way() {
    let mut ledger = in_parts();
    let found = amounts(&mut ledger, &lot(1));
    assert_eq!(by(&found), [(1, "40".to_owned()), (2, "50".to_owned())]);
    assert_eq!(found.under_way.to_string(), "10");
    assert_eq!(found.made.to_string(), "100");
}

#[test]
fn what_is_sold_used_destroyed_and_brought_back_is_told_apart() {
    let mut ledger = in_parts();
    ledger
        .say(2, 40, kilos(on(&lot(1), "OBSERVE", "retail_selling"), 20))
        .say(1, 41, kilos(on(&lot(1), "DELETE", "destroying"), 5));
    let back = with(
        on(&lot(1), "OBSERVE", "receiving"),
        "disposition",
        json!("returned"),
    );
    ledger.say(2, 50, kilos(back, 3));
    let use_up = json!({
        "type": "TransformationEvent",
        "inputQuantityList": [{"epcClass": lot(1), "quantity": 2.5, "uom": "KGM"}],
        "outputQuantityList": [{"epcClass": lot(2), "quantity": 9, "uom": "KGM"}],
    });
    ledger.say(1, 60, use_up);
    // Sent back in part.
    ledger
        .say(2, 70, kilos(hand_over(&lot(1), "shipping", 2, 1), 6))
        .say(1, 80, kilos(hand_over(&lot(1), "receiving", 2, 1), 6));
    let found = amounts(&mut ledger, &lot(1));
    assert_eq!(by(&found), [(1, "38.5".to_owned()), (2, "27".to_owned())]);
    let told = [found.sold, found.destroyed, found.used, found.under_way];
    assert_eq!(told.map(|one| one.to_string()), ["17", "5", "2.5", "10"]);
    let forward = ledger.forward(&lot(1));
    let total = &forward.totals[0];
    assert_eq!(total.items, 2, "the lot and what was made of it");
    // 17 of 109 kg of that product.
    assert_eq!(total.sold_permille, Some(155));
    assert_eq!(forward.holders[&who(2)].items, 1);
    assert_eq!(forward.holders[&who(2)].amounts[0].amount.to_string(), "27");
}

#[test]
fn a_corrected_shipment_moved_nothing() {
    let mut ledger = Ledger::with_firms();
    ledger.say(1, 0, kilos(on(&lot(1), "ADD", "commissioning"), 100));
    let sent = with(
        kilos(hand_over(&lot(1), "shipping", 1, 2), 60),
        "eventID",
        json!("urn:x:sent"),
    );
    ledger.say(1, 10, sent.clone());
    let declared = json!({"declarationTime": "2026-11-01T00:12:00Z", "reason": "incorrect_data"});
    ledger.say(1, 10, with(sent, "errorDeclaration", declared));
    let found = amounts(&mut ledger, &lot(1));
    assert_eq!(by(&found), [(1, "100".to_owned())]);
    assert_eq!(found.under_way.to_string(), "0");
}

#[test]
fn cases_taken_off_a_pallet_carry_on_what_is_in_them() {
    let mut ledger = Ledger::with_firms();
    let (pallet, cases) = (asset(9), [asset(1), asset(2), asset(3)]);
    ledger.say(1, 0, kilos(on(&lot(1), "ADD", "commissioning"), 100));
    for (case, minute) in cases.iter().zip(1..) {
        let packed = json!({
            "type": "AggregationEvent", "action": "ADD", "parentID": case,
            "childQuantityList": [{"epcClass": lot(1), "quantity": 30, "uom": "KGM"}],
        });
        ledger.say(1, minute, packed);
    }
    let two = |step| {
        with(
            hand_over(&asset(1), step, 2, 3),
            "epcList",
            json!([asset(1), asset(2)]),
        )
    };
    ledger
        .pack(1, 8, "ADD", &pallet, &cases)
        .ship(1, 2, 10, &pallet)
        .receive(2, 1, 20, &pallet)
        .pack(2, 30, "DELETE", &pallet, &cases)
        .say(2, 40, two("shipping"))
        .say(3, 50, two("receiving"));
    let found = amounts(&mut ledger, &lot(1));
    let parts = [(1, "10"), (2, "30"), (3, "60")];
    assert_eq!(
        by(&found),
        parts.map(|(who, kilos)| (who, kilos.to_owned()))
    );
}

#[test]
fn who_only_passed_a_lot_on_is_no_holder_and_maker_and_seller_are() {
    let mut ledger = Ledger::with_firms();
    ledger
        .say(1, 0, kilos(on(&lot(1), "ADD", "commissioning"), 10))
        .say(1, 10, kilos(hand_over(&lot(1), "shipping", 1, 2), 10))
        .say(2, 20, kilos(hand_over(&lot(1), "receiving", 1, 2), 10))
        .say(2, 30, kilos(hand_over(&lot(1), "shipping", 2, 3), 10))
        .say(3, 40, kilos(hand_over(&lot(1), "receiving", 2, 3), 10))
        .say(3, 50, kilos(on(&lot(1), "OBSERVE", "retail_selling"), 10));
    assert_eq!(ledger.forward(&lot(1)).items[0].holders, [who(1), who(3)]);
}

#[test]
fn amounts_travel_inside_pallets_and_trucks() {
    let mut ledger = Ledger::with_firms();
    let (pallet, truck) = (asset(1), asset(2));
    ledger.say(1, 0, kilos(on(&lot(1), "ADD", "commissioning"), 100));
    let pack = |action: &str, quantity: u32| {
        json!({
            "type": "AggregationEvent", "action": action, "parentID": asset(1),
            "childQuantityList": [{"epcClass": lot(1), "quantity": quantity, "uom": "KGM"}],
        })
    };
    ledger.say(1, 10, pack("ADD", 30));
    ledger.pack(1, 11, "ADD", &truck, std::slice::from_ref(&pallet));
    ledger.ship(1, 2, 20, &truck);
    let found = amounts(&mut ledger, &lot(1));
    assert_eq!(by(&found), [(1, "70".to_owned())]);
    assert_eq!(found.under_way.to_string(), "30");
    ledger.receive(2, 1, 30, &truck);
    ledger.pack(2, 31, "DELETE", &truck, std::slice::from_ref(&pallet));
    ledger.say(2, 32, pack("DELETE", 12));
    ledger.say(2, 40, kilos(on(&lot(1), "OBSERVE", "retail_selling"), 10));
    let found = amounts(&mut ledger, &lot(1));
    assert_eq!(by(&found), [(1, "70".to_owned()), (2, "20".to_owned())]);
    assert_eq!(found.sold.to_string(), "10");
}

#[test]
fn withheld_or_mixed_amounts_are_unknown_and_holders_are_not() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 1, &lot(1))
        .receive(2, 1, 2, &lot(1));
    let forward = ledger.forward(&lot(1));
    assert_eq!(forward.items[0].amounts, None);
    assert_eq!(forward.items[0].holders, [who(1), who(2)]);
    assert_eq!(forward.totals[0].unknown, 1);
}

#[test]
fn a_trip_reaches_what_was_inside_during_it_and_nothing_else() {
    let mut ledger = Ledger::with_firms();
    let truck = asset(9);
    for (number, from, until) in [(1, 10, 20), (2, 30, 40), (3, 50, 60)] {
        ledger.make(1, 0, &serial(number));
        ledger.pack(1, from, "ADD", &truck, &[serial(number)]);
        ledger.pack(1, until, "DELETE", &truck, &[serial(number)]);
    }
    let start = [Start::Inside {
        container: Identifier::parse(&truck).unwrap(),
        from: UnixMillis(at(35)),
        until: UnixMillis(at(55)),
    }];
    let found = forward(&mut ledger, &start, UnixMillis(at(90)), Limits::RECALL).unwrap();
    let items: Vec<(&str, How)> = found
        .items
        .iter()
        .map(|one| (one.item.as_str(), one.how))
        .collect();
    let (two, three) = (serial(2), serial(3));
    assert_eq!(
        items,
        [
            (truck.as_str(), How::Asked),
            (two.as_str(), How::Inside),
            (three.as_str(), How::Inside)
        ]
    );
}

/// Beans of 1 at 2, who made paste; half of that at 3 and on its way to 4.
fn recalled() -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 1, &lot(1))
        .receive(2, 1, 2, &lot(1));
    ledger.transform(2, 10, &[lot(1)], &[lot(2)]);
    ledger.ship(2, 3, 20, &lot(2)).receive(3, 2, 21, &lot(2));
    ledger.ship(2, 4, 22, &lot(2));
    ledger.order(1, 100, Action::Recall, &lot(1), &json!({}));
    ledger
}

fn stands(ledger: &mut Ledger, minute: i64) -> Case {
    let id = Identifier::parse(&case(1)).unwrap();
    crate::provenance::case(ledger, &id, UnixMillis(at(minute)), Limits::RECALL)
        .unwrap()
        .expect("it was opened")
}

/// Opens this many cases of that firm, each about another's or one of its own lots.
fn claims(ledger: &mut Ledger, number: u8, count: u32, of: impl Fn(u32) -> String) {
    for one in 0..count {
        let id = Identifier::case(who(number), &format!("x-{one}")).unwrap();
        let more = json!({"case": id.as_str()});
        ledger.order(number, 200, Action::Hold, &of(one), &more);
    }
}

fn listed(ledger: &mut Ledger) -> Vec<String> {
    let found = crate::provenance::cases(ledger, 100, Limits::RECALL).unwrap();
    found.into_iter().map(|one| one.case).collect()
}

#[test]
fn false_cases_push_no_recall_off_the_list() {
    let mut ledger = recalled();
    for number in [5, 6] {
        claims(&mut ledger, number, 300, |_| lot(1));
    }
    assert_eq!(listed(&mut ledger), [case(1)]);
}

#[test]
fn true_cases_of_one_firm_push_no_recall_off_the_list() {
    let mut ledger = recalled();
    for number in 100..400 {
        ledger.make(5, 0, &lot(number));
    }
    claims(&mut ledger, 5, 300, |one| lot(100 + one));
    let found = listed(&mut ledger);
    assert_eq!(found.len(), 11, "a tenth of a hundred, and the recall");
    assert!(found.contains(&case(1)));
}

fn overdue(case: &Case) -> Vec<(u8, Option<Overdue>)> {
    case.holders
        .iter()
        .map(|one| (one.holder.0[0], one.overdue))
        .collect()
}

const HOUR: i64 = 60;

#[test]
fn a_case_lists_holders_and_whoever_is_about_to_get_some() {
    let case = stands(&mut recalled(), 101);
    assert_eq!(case.head.orders[0].kind, StopKind::Recall);
    assert!(case.head.standing && case.head.closed.is_none());
    let holders: Vec<u8> = case.holders.iter().map(|one| one.holder.0[0]).collect();
    assert_eq!(holders, [1, 2, 3, 4]);
    assert_eq!(case.items.len(), 2);
    assert!(overdue(&case).iter().all(|(_, late)| late.is_none()));
}

#[test]
fn who_does_not_answer_in_time_is_overdue_and_who_answers_is_not() {
    let mut ledger = recalled();
    ledger.respond(3, 110, 1, &json!({}));
    // Level 1: 24 hours. On the minute it is in time.
    let late = overdue(&stands(&mut ledger, 100 + 24 * HOUR));
    assert!(late.iter().all(|(_, late)| late.is_none()));
    let case = stands(&mut ledger, 101 + 24 * HOUR);
    let start = Some(Overdue::Start);
    assert_eq!(
        overdue(&case),
        [(1, start), (2, start), (3, None), (4, start)]
    );
    assert_eq!(case.holders[2].acknowledged.unwrap().0.0, at(110));
}

#[test]
fn who_still_has_goods_after_the_last_day_is_overdue_and_who_destroyed_them_is_not() {
    let mut ledger = recalled();
    for number in 1..=4 {
        ledger.respond(number, 110, 1, &json!({}));
    }
    ledger.respond(
        2,
        111,
        1,
        &json!({
            "what": "destroyed", "quantity": 7, "uom": "KGM", "evidence": "urn:doc:burned",
        }),
    );
    ledger.respond(3, 112, 1, &json!({"what": "returned", "item": lot(2)}));
    let case = stands(&mut ledger, 20 * 24 * HOUR);
    let finish = Some(Overdue::Finish);
    assert_eq!(
        overdue(&case),
        [(1, finish), (2, None), (3, None), (4, None)]
    );
    let destroyed = &case.holders[1].destroyed[0];
    assert_eq!(destroyed.evidence.as_deref(), Some("urn:doc:burned"));
    assert_eq!(destroyed.quantity.unwrap().to_string(), "7");
}

#[test]
fn a_safety_recall_is_closed_by_an_office_and_no_firm_not_even_its_opener() {
    let mut ledger = recalled();
    let done = json!({"what": "closed", "evidence": "urn:doc:report"});
    ledger.respond(3, 120, 1, &done).respond(1, 121, 1, &done);
    assert!(stands(&mut ledger, 130).head.closed.is_none());
    ledger.respond(9, 122, 1, &done);
    let case = stands(&mut ledger, 130);
    assert_eq!(case.head.closed.unwrap().0.0, at(122));
    assert!(case.head.standing, "what is left stays stopped");
}

#[test]
fn a_label_recall_is_closed_by_its_opener_and_by_no_other_firm() {
    let mut ledger = Ledger::with_firms();
    let label = json!({"fault": "label"});
    ledger
        .make(1, 0, &lot(1))
        .order(1, 100, Action::Recall, &lot(1), &label);
    let done = json!({"what": "closed", "evidence": "urn:doc:report"});
    ledger.respond(3, 120, 1, &done);
    assert!(stands(&mut ledger, 130).head.closed.is_none());
    ledger.respond(1, 121, 1, &done);
    assert!(stands(&mut ledger, 130).head.closed.is_some());
}

#[test]
fn amounts_beyond_all_there_is_are_unknown_and_stop_no_answer() {
    let mut ledger = Ledger::with_firms();
    let huge = json!([{"epcClass": lot(1), "quantity": 1e32, "uom": "KGM"}]);
    let made = with(on(&lot(1), "ADD", "commissioning"), "quantityList", huge);
    ledger.say(1, 0, made.clone()).say(1, 1, made);
    assert!(ledger.forward(&lot(1)).items[0].amounts.is_none());
}

#[test]
fn an_order_for_a_crate_reaches_what_is_in_it_since_and_not_what_was_in_it_before() {
    let mut ledger = Ledger::with_firms();
    let crates = asset(7);
    ledger
        .make(1, 0, &lot(1))
        .make(1, 1, &lot(2))
        .pack(1, 2, "ADD", &crates, &[lot(1)])
        .pack(1, 3, "DELETE", &crates, &[lot(1)])
        .pack(1, 50, "ADD", &crates, &[lot(2)])
        .order(1, 100, Action::Hold, &crates, &json!({}));
    let case = stands(&mut ledger, 130);
    let items: Vec<&str> = case.items.iter().map(|one| one.item.as_str()).collect();
    assert_eq!(items, [crates, lot(2)]);
}

#[test]
fn the_unreachable_are_named() {
    let mut ledger = recalled();
    ledger.act(
        who(9),
        Action::Suspend(who(3)),
        crate::cbor::Map::new(),
        &[party(3)],
    );
    let mut abroad = hand_over(&lot(2), "shipping", 2, 5);
    abroad["destinationList"] = json!([
        {"type": "possessing_party", "destination": "https://id.gs1.org/417/9501101000018"}
    ]);
    ledger.say(2, 30, abroad);
    let case = stands(&mut ledger, 130);
    assert_eq!(case.holders[2].contact, Contact::Suspended);
    assert_eq!(case.beyond, ["https://id.gs1.org/417/9501101000018"]);
}

#[test]
fn an_order_for_the_item_alone_reaches_no_product_and_a_release_ends_the_case() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .transform(1, 10, &[lot(1)], &[lot(2)]);
    let label = json!({"reach": "item", "fault": "label"});
    ledger.order(1, 100, Action::Recall, &lot(1), &label);
    let case = stands(&mut ledger, 101);
    assert_eq!(case.items.len(), 1);
    ledger.order(1, 110, Action::Release, &lot(1), &json!({}));
    let case = stands(&mut ledger, 111);
    assert!(!case.head.standing && !case.head.orders[0].standing);
}

#[test]
fn what_was_taken_back_before_the_order_is_not_reached_and_after_it_is() {
    for (order_first, count) in [(true, 2), (false, 1)] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &lot(1));
        let made = json!({
            "type": "TransformationEvent", "eventID": "urn:x:made",
            "inputQuantityList": [{"epcClass": lot(1)}],
            "outputQuantityList": [{"epcClass": lot(2)}],
        });
        ledger.say(1, 10, made.clone());
        if order_first {
            ledger.order(1, 100, Action::Recall, &lot(1), &json!({}));
        }
        let declared =
            json!({"declarationTime": "2026-11-01T00:12:00Z", "reason": "incorrect_data"});
        ledger.say(1, 10, with(made, "errorDeclaration", declared));
        if !order_first {
            ledger.order(1, 100, Action::Recall, &lot(1), &json!({}));
        }
        assert_eq!(stands(&mut ledger, 101).items.len(), count);
    }
}
