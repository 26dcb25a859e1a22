//! Holds and recalls: what they reach, what they do not, and what ends them.

use super::ledger::{Ledger, asset, case, hand_over, lot, on, serial, who, with};
use crate::provenance::answer::{StopKind, Verdict};
use crate::registry::Action;
use serde_json::{Value as Json, json};

const SERIOUS: &[(&str, &str)] = &[];

fn more(fields: &[(&str, &str)]) -> Json {
    fields
        .iter()
        .map(|(key, value)| ((*key).to_owned(), json!(value)))
        .collect()
}

/// Beans of 1, delivered to 2, brewed into lot 2, of which lot 3 is filled; both of 2.
fn sauce() -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 1, &lot(1))
        .receive(2, 1, 2, &lot(1));
    ledger.transform(2, 10, &[lot(1)], &[lot(2)]);
    ledger.transform(2, 20, &[lot(2)], &[lot(3)]);
    ledger
}

fn verdict(ledger: &mut Ledger, item: &str) -> Verdict {
    ledger.trace(item).verdict
}

#[test]
fn a_forward_recall_reaches_what_is_made_of_the_lot_and_says_who_why_and_since_when() {
    let mut ledger = sauce();
    ledger.order(1, 100, Action::Recall, &lot(1), &more(SERIOUS));
    for (number, depth) in [(1, 0), (2, 1), (3, 2)] {
        let answer = ledger.trace(&lot(number));
        assert_eq!(answer.verdict, Verdict::Recalled, "lot {number}");
        let stop = &answer.orders[0];
        assert_eq!(
            (stop.kind, stop.by, stop.depth),
            (StopKind::Recall, who(1), depth)
        );
        assert_eq!((&stop.item, &stop.case), (&lot(1), &case(1)));
        assert_eq!(stop.recorded.0.0, super::ledger::at(100));
        assert_eq!(stop.reason.en, "aflatoxin");
        assert!(answer.participants.contains_key(&who(1)));
    }
}

#[test]
fn what_is_made_after_the_order_is_reached_too() {
    let mut ledger = sauce();
    ledger.order(1, 100, Action::Recall, &lot(1), &more(SERIOUS));
    ledger.transform(2, 200, &[lot(2)], &[lot(4)]);
    assert_eq!(verdict(&mut ledger, &lot(4)), Verdict::Recalled);
}

#[test]
fn an_order_for_the_item_alone_stops_at_it_and_its_serials() {
    let mut ledger = sauce();
    ledger.order(1, 100, Action::Recall, &lot(1), &more(&[("reach", "item")]));
    assert_eq!(verdict(&mut ledger, &lot(1)), Verdict::Recalled);
    assert_eq!(verdict(&mut ledger, &lot(2)), Verdict::Complete);
    let boxed = with(
        on(&serial(1), "ADD", "commissioning"),
        "ilmd",
        json!({"cbvmda:lotNumber": "L7"}),
    );
    ledger.say(3, 0, boxed);
    assert_eq!(verdict(&mut ledger, &serial(1)), Verdict::Complete);
    ledger.order(3, 101, Action::Hold, &lot(7), &more(&[("reach", "item")]));
    assert_eq!(verdict(&mut ledger, &serial(1)), Verdict::Held);
}

#[test]
fn a_hold_comes_right_after_a_recall() {
    let mut ledger = sauce();
    ledger.order(2, 100, Action::Hold, &lot(3), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Held);
    ledger.order(1, 101, Action::Recall, &lot(1), &more(SERIOUS));
    let answer = ledger.trace(&lot(3));
    assert_eq!(answer.verdict, Verdict::Recalled);
    assert_eq!(answer.orders.len(), 2);
    assert!(Verdict::Recalled < Verdict::Held && Verdict::Held < Verdict::FailedTest);
}

#[test]
fn a_strangers_order_and_an_authority_elsewhere_stop_nothing() {
    let mut ledger = sauce();
    ledger.admit_in(
        "500100",
        who(20),
        &[crate::state::Role::Regulator],
        crate::cbor::Map::new(),
        &[],
    );
    ledger.order(3, 100, Action::Recall, &lot(1), &more(SERIOUS));
    ledger.order(20, 100, Action::Recall, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(1)), Verdict::Complete);
    // The regulator of the place may; and so may who was handed the goods.
    ledger.order(9, 101, Action::Hold, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(1)), Verdict::Held);
    ledger.order(2, 102, Action::Recall, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(1)), Verdict::Recalled);
}

#[test]
fn who_recalls_for_safety_cannot_release_and_an_authority_can() {
    let mut ledger = sauce();
    ledger.order(1, 100, Action::Recall, &lot(1), &more(SERIOUS));
    ledger.order(1, 101, Action::Release, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Recalled);
    ledger.order(
        9,
        102,
        Action::Release,
        &lot(1),
        &more(&[("case", &case(1))]),
    );
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Complete);
}

#[test]
fn a_label_fault_is_released_by_who_recalled_it_and_by_nobody_else() {
    let mut ledger = sauce();
    ledger.order(
        1,
        100,
        Action::Recall,
        &lot(1),
        &more(&[("fault", "label")]),
    );
    ledger.order(
        2,
        101,
        Action::Release,
        &lot(1),
        &more(&[("case", &case(1))]),
    );
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Recalled);
    // The case must be the same.
    ledger.order(
        1,
        102,
        Action::Release,
        &lot(1),
        &more(&[("case", &case(5))]),
    );
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Recalled);
    ledger.order(1, 103, Action::Release, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Complete);
    // And it can be ordered anew.
    ledger.order(
        1,
        104,
        Action::Recall,
        &lot(1),
        &more(&[("fault", "label")]),
    );
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Recalled);
}

#[test]
fn a_hold_that_asks_for_a_test_ends_with_its_report() {
    let mut ledger = sauce();
    ledger.order(
        2,
        100,
        Action::Hold,
        &lot(3),
        &more(&[("retest", "GB 5009.22")]),
    );
    ledger.order(2, 101, Action::Release, &lot(3), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Held);
    ledger.order(
        2,
        102,
        Action::Release,
        &lot(3),
        &more(&[("retest", "R-9")]),
    );
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Complete);
}

/// The brewing of beans 1 into lot 2, by event id.
fn brewing(input: &str) -> Json {
    json!({
        "type": "TransformationEvent", "eventID": format!("urn:x:{input}"),
        "inputQuantityList": [{"epcClass": input}],
        "outputQuantityList": [{"epcClass": lot(2)}],
    })
}

fn wrong(event: Json) -> Json {
    let declaration =
        json!({"declarationTime": "2026-11-01T00:12:00Z", "reason": "incorrect_data"});
    with(event, "errorDeclaration", declaration)
}

#[test]
fn a_correction_after_the_order_pulls_nothing_out_and_one_before_it_does() {
    for (order_first, expected) in [(true, Verdict::Recalled), (false, Verdict::Complete)] {
        let mut ledger = Ledger::with_firms();
        ledger.make(2, 0, &lot(1)).make(2, 0, &lot(9));
        ledger.say(2, 10, brewing(&lot(1)));
        let order = |ledger: &mut Ledger| {
            ledger.order(2, 100, Action::Recall, &lot(1), &more(SERIOUS));
        };
        if order_first {
            order(&mut ledger);
        }
        ledger.say_recorded(2, 10, 110, wrong(brewing(&lot(1))));
        ledger.say_recorded(2, 10, 110, brewing(&lot(9)));
        if !order_first {
            order(&mut ledger);
        }
        // What is made of it later is reached through the link that was taken back.
        ledger.transform(2, 120, &[lot(2)], &[lot(3)]);
        assert_eq!(verdict(&mut ledger, &lot(3)), expected);
        ledger.order(
            9,
            130,
            Action::Release,
            &lot(1),
            &more(&[("case", &case(2))]),
        );
        assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Complete);
    }
}

#[test]
fn an_order_for_a_container_stops_what_is_inside_while_it_stands() {
    let mut ledger = Ledger::with_firms();
    let (pallet, truck) = (asset(1), asset(2));
    for number in 1..=3 {
        ledger.make(1, 0, &serial(number));
    }
    ledger.pack(1, 10, "ADD", &pallet, &[serial(1), serial(2)]);
    ledger.pack(1, 11, "ADD", &truck, std::slice::from_ref(&pallet));
    ledger.pack(1, 50, "DELETE", &pallet, &[serial(1)]);
    ledger.order(1, 100, Action::Hold, &truck, &more(SERIOUS));
    assert_eq!(
        verdict(&mut ledger, &serial(1)),
        Verdict::Complete,
        "it had left"
    );
    assert_eq!(verdict(&mut ledger, &serial(2)), Verdict::Held);
    assert_eq!(verdict(&mut ledger, &serial(3)), Verdict::Complete);
    // Taking it out afterwards frees nothing, and what is put in is stopped.
    ledger.pack(1, 150, "DELETE", &pallet, &[serial(2)]);
    ledger.pack(1, 151, "ADD", &truck, &[serial(3)]);
    for number in [2, 3] {
        assert_eq!(
            verdict(&mut ledger, &serial(number)),
            Verdict::Held,
            "{number}"
        );
    }
    ledger.order(1, 200, Action::Release, &truck, &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &serial(2)), Verdict::Complete);
}

#[test]
fn a_packing_corrected_after_the_order_frees_nothing() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1)).make(1, 0, &serial(2));
    let packing = json!({
        "type": "AggregationEvent", "eventID": "urn:x:packing", "action": "ADD",
        "bizStep": "packing", "parentID": asset(1), "childEPCs": [serial(1)],
    });
    ledger.say(1, 10, packing.clone());
    ledger.order(1, 100, Action::Recall, &asset(1), &more(SERIOUS));
    ledger.say_recorded(1, 10, 110, wrong(packing));
    assert_eq!(verdict(&mut ledger, &serial(1)), Verdict::Recalled);
    assert_eq!(verdict(&mut ledger, &serial(2)), Verdict::Complete);
}

#[test]
fn a_container_shows_what_stops_any_of_its_contents() {
    let mut ledger = sauce();
    ledger.pack(2, 30, "ADD", &asset(1), &[lot(3)]);
    ledger.order(1, 100, Action::Recall, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &asset(1)), Verdict::Recalled);
}

#[test]
fn a_recoded_lot_is_stopped_under_either_code() {
    let mut ledger = sauce();
    ledger.recode(2, &lot(3), &lot(4));
    ledger.order(1, 100, Action::Recall, &lot(1), &more(SERIOUS));
    assert_eq!(verdict(&mut ledger, &lot(4)), Verdict::Recalled);
    let mut ledger = sauce();
    ledger.recode(2, &lot(3), &lot(4));
    ledger.order(2, 100, Action::Hold, &lot(4), &more(&[("reach", "item")]));
    assert_eq!(verdict(&mut ledger, &lot(3)), Verdict::Held);
}

#[test]
fn an_event_that_recalls_goes_on_working() {
    let mut ledger = sauce();
    let recall = with(
        on(&lot(3), "OBSERVE", "holding"),
        "persistentDisposition",
        json!({"set": ["recalled"]}),
    );
    ledger.say(2, 60, recall);
    let answer = ledger.trace(&lot(3));
    assert_eq!(
        (answer.verdict, answer.orders.len()),
        (Verdict::Recalled, 0)
    );
    let moved = hand_over(&lot(3), "shipping", 2, 4);
    ledger.say(2, 70, moved);
    assert!(!ledger.trace(&lot(3)).findings.is_empty());
}

#[test]
fn a_correction_of_where_a_container_stood_says_nothing_of_what_was_in_it() {
    let (case, truck) = (asset(1), asset(2));
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1));
    ledger.order(1, 5, Action::Recall, &serial(1), &more(SERIOUS));
    let loading = json!({
        "type": "AggregationEvent", "eventID": "urn:x:loading", "action": "ADD",
        "bizStep": "packing", "parentID": truck, "childEPCs": [case],
    });
    ledger.say(1, 9, loading.clone());
    ledger.pack(1, 10, "ADD", &case, &[serial(1)]);
    ledger.say_recorded(1, 9, 20, wrong(loading));
    ledger.pack(1, 30, "DELETE", &case, &[]);
    assert!(ledger.trace(&case).orders.is_empty(), "the case is empty");
}

#[test]
fn a_till_hears_of_an_order_over_an_ingredient() {
    use crate::identifier::Identifier;
    use crate::ids::UnixMillis;
    use crate::provenance::Limits;
    use crate::provenance::grounds::{Ground, standing};
    let mut ledger = sauce();
    let jar = Identifier::parse(&lot(3)).unwrap();
    let now = UnixMillis(super::ledger::at(300));
    let grounds = |ledger: &mut Ledger| -> Vec<(Ground, String)> {
        let found = standing(ledger, &jar, None, now, Limits::DEFAULT)
            .unwrap()
            .found;
        found
            .into_iter()
            .map(|one| (one.ground, one.item))
            .filter(|(ground, _)| matches!(ground, Ground::Recalled | Ground::Held))
            .collect()
    };
    assert_eq!(grounds(&mut ledger), []);
    ledger.order(2, 100, Action::Hold, &lot(3), &more(SERIOUS));
    assert_eq!(grounds(&mut ledger), [(Ground::Held, lot(3))]);
    ledger.order(1, 101, Action::Recall, &lot(1), &more(SERIOUS));
    assert!(grounds(&mut ledger).contains(&(Ground::Recalled, lot(1))));
}
