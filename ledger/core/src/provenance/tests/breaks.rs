//! Each way for a chain to break: where it must show, where it must not.

use super::ledger::{Ledger, asset, hand_over, lot, on, party, serial, with};
use crate::provenance::Answer;
use crate::provenance::answer::{BreakKind, Rule, Verdict};
use serde_json::json;

fn broken(answer: &Answer) -> Vec<(BreakKind, Option<String>)> {
    answer
        .breaks
        .iter()
        .map(|one| (one.kind, one.whose.clone()))
        .collect()
}

/// A lot from firm 1 over carrier 7 to firm 2, both sides of each hand-over reported.
fn whole(item: &str) -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, item);
    ledger.ship(1, 7, 10, item).receive(7, 1, 11, item);
    ledger
        .ship(7, 2, 60, item)
        .receive(2, 7, 61, item)
        .stock(2, 90, item);
    ledger
}

#[test]
fn a_chain_with_both_sides_of_each_hand_over_is_complete() {
    for item in [lot(1), serial(1)] {
        let answer = whole(&item).trace(&item);
        assert_eq!(answer.verdict, Verdict::Complete, "{:?}", answer.breaks);
        assert!(
            answer.complete && answer.findings.is_empty(),
            "{:?}",
            answer.findings
        );
    }
}

#[test]
fn nothing_said_about_a_code_is_unknown_and_no_break() {
    let answer = Ledger::with_firms().trace(&lot(1));
    assert_eq!(answer.verdict, Verdict::Unknown);
    assert!(!answer.complete && answer.breaks.is_empty());
}

#[test]
fn goods_from_nowhere_lack_their_origin() {
    let mut ledger = Ledger::with_firms();
    ledger.stock(2, 5, &lot(1));
    let answer = ledger.trace(&lot(1));
    assert_eq!(broken(&answer), [(BreakKind::OriginMissing, None)]);
    assert_eq!(answer.verdict, Verdict::Broken);
}

#[test]
fn an_input_nobody_recorded_lacks_its_origin_by_whoever_used_it() {
    let mut ledger = Ledger::with_firms();
    ledger.transform(1, 5, &[lot(1)], &[lot(2)]);
    // Its own use is all that the input's list says.
    let answer = ledger.trace(&lot(2));
    assert_eq!(answer.breaks[0].kind, BreakKind::OriginMissing);
    assert_eq!(answer.breaks[0].item, lot(1));
}

#[test]
fn acting_on_goods_shipped_to_oneself_lacks_the_own_receipt() {
    for item in [lot(1), serial(1)] {
        let mut ledger = Ledger::with_firms();
        ledger
            .make(1, 0, &item)
            .ship(1, 2, 10, &item)
            .stock(2, 20, &item);
        let expected = [(BreakKind::ReceiptMissing, Some(party(2)))];
        assert_eq!(broken(&ledger.trace(&item)), expected);
        // The late receipt mends it.
        ledger.receive(2, 1, 15, &item);
        assert_eq!(broken(&ledger.trace(&item)), []);
    }
}

#[test]
fn goods_that_went_through_silent_hands_lack_the_receipt_of_those() {
    for item in [lot(1), serial(1)] {
        let mut ledger = Ledger::with_firms();
        ledger
            .make(1, 0, &item)
            .ship(1, 7, 10, &item)
            .receive(2, 7, 60, &item);
        let answer = ledger.trace(&item);
        assert_eq!(
            broken(&answer),
            [(BreakKind::ReceiptMissing, Some(party(7)))]
        );
        assert_eq!(answer.findings[0].rule, Rule::Custody);
    }
}

#[test]
fn a_shipment_still_under_way_is_no_break() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1)).ship(1, 2, 10, &serial(1));
    // The shipper's own truck reports on the way.
    ledger.say(1, 20, on(&serial(1), "OBSERVE", "transporting"));
    assert_eq!(ledger.trace(&serial(1)).verdict, Verdict::Complete);
}

#[test]
fn receiving_what_nobody_shipped_lacks_the_shipment_of_the_named_sender() {
    for item in [lot(1), serial(1)] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &item).receive(2, 1, 10, &item);
        let expected = [(BreakKind::ShipmentMissing, Some(party(1)))];
        assert_eq!(broken(&ledger.trace(&item)), expected);
        ledger.ship(1, 2, 10, &item);
        assert_eq!(
            broken(&ledger.trace(&item)),
            [],
            "recorded later, at the same time"
        );
    }
}

#[test]
fn acting_on_goods_never_handed_over_lacks_the_hand_over() {
    for item in [lot(1), serial(1)] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &item).stock(3, 20, &item);
        let answer = ledger.trace(&item);
        assert_eq!(
            broken(&answer),
            [(BreakKind::HandoverMissing, Some(party(3)))]
        );
    }
}

#[test]
fn moving_goods_between_own_places_needs_no_other_side() {
    for item in [lot(1), serial(1)] {
        let mut ledger = Ledger::with_firms();
        ledger
            .make(1, 0, &item)
            .ship(1, 1, 10, &item)
            .receive(1, 1, 20, &item);
        ledger.stock(1, 30, &item);
        assert_eq!(ledger.trace(&item).verdict, Verdict::Complete);
    }
}

#[test]
fn a_voided_shipment_leaves_the_goods_where_they_were() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1)).ship(1, 2, 10, &serial(1));
    ledger.say(1, 12, on(&serial(1), "OBSERVE", "void_shipping"));
    ledger
        .ship(1, 3, 20, &serial(1))
        .receive(3, 1, 30, &serial(1));
    let answer = ledger.trace(&serial(1));
    assert!(
        answer.complete && answer.findings.is_empty(),
        "{:?}",
        answer.findings
    );
}

#[test]
fn laboratories_regulators_and_sensors_need_no_custody() {
    let mut ledger = whole(&lot(1));
    ledger.say(8, 70, on(&lot(1), "OBSERVE", "inspecting"));
    ledger.say(9, 70, on(&lot(1), "OBSERVE", "storing"));
    ledger.say(3, 71, on(&lot(1), "OBSERVE", "sensor_reporting"));
    assert_eq!(ledger.trace(&lot(1)).verdict, Verdict::Complete);
}

#[test]
fn an_input_without_a_lot_is_named_with_its_user() {
    let mut ledger = Ledger::with_firms();
    let product = "https://id.gs1.org/01/06909813001102".to_owned();
    ledger.transform(1, 5, &[product], &[lot(2)]);
    let answer = ledger.trace(&lot(2));
    assert_eq!(broken(&answer), [(BreakKind::LotMissing, Some(party(1)))]);
}

#[test]
fn an_input_is_broken_only_by_those_through_whose_hands_it_came() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    ledger.ship(1, 2, 10, &lot(1)).receive(2, 1, 11, &lot(1));
    // Another buyer of the same lot does not report: not this story.
    ledger.ship(1, 3, 12, &lot(1)).stock(3, 20, &lot(1));
    ledger.transform(2, 30, &[lot(1)], &[lot(2)]);
    let answer = ledger.trace(&lot(2));
    assert!(answer.complete, "{:?}", answer.breaks);
    assert!(
        answer
            .steps
            .iter()
            .all(|step| step.counterpart != Some(party(3)))
    );
    assert!(!ledger.trace(&lot(1)).complete);
}

#[test]
fn what_happens_to_a_container_happens_to_what_is_inside_meanwhile() {
    let (case, truck) = (asset(1), asset(2));
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &serial(1))
        .pack(1, 5, "ADD", &case, &[serial(1)]);
    ledger.ship(1, 7, 10, &case).receive(7, 1, 11, &case);
    ledger.pack(7, 12, "ADD", &truck, std::slice::from_ref(&case));
    ledger.say(7, 30, on(&truck, "OBSERVE", "transporting"));
    ledger.pack(7, 40, "DELETE", &truck, &[]);
    ledger.ship(7, 2, 41, &case).receive(2, 7, 42, &case);
    ledger
        .pack(2, 50, "DELETE", &case, &[serial(1)])
        .stock(2, 55, &serial(1));
    // Before and after it was inside: not its story.
    ledger.say(7, 45, on(&truck, "OBSERVE", "transporting"));
    ledger.ship(2, 3, 60, &case).receive(3, 2, 61, &case);
    let answer = ledger.trace(&serial(1));
    assert_eq!(answer.verdict, Verdict::Complete, "{:?}", answer.breaks);
    assert_eq!(answer.steps.len(), 11, "{:#?}", answer.steps);
}

#[test]
fn unpacking_everything_is_found_in_the_containers_list() {
    let case = asset(1);
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .pack(1, 5, "ADD", &case, &[lot(1)]);
    ledger.pack(1, 10, "DELETE", &case, &[]);
    ledger.ship(1, 3, 20, &case).stock(3, 30, &case);
    assert!(ledger.trace(&lot(1)).complete);
}

#[test]
fn either_code_of_recoded_goods_resolves_to_the_one_chain() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 10, &lot(1))
        .receive(2, 1, 11, &lot(1));
    ledger.recode(2, &lot(1), &lot(2)).stock(2, 20, &lot(2));
    for code in [lot(1), lot(2)] {
        let answer = ledger.trace(&code);
        assert_eq!(answer.verdict, Verdict::Complete, "{:?}", answer.breaks);
        assert_eq!(answer.steps.len(), 4);
    }
}

#[test]
fn a_stranger_cannot_recode_goods_that_he_never_had() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1)).stock(1, 5, &lot(1));
    ledger.recode(3, &lot(1), &lot(2)).stock(3, 20, &lot(2));
    assert_eq!(
        ledger.trace(&lot(1)).verdict,
        Verdict::Complete,
        "the good name is not touched"
    );
    let answer = ledger.trace(&lot(2));
    let kinds: Vec<BreakKind> = answer.breaks.iter().map(|one| one.kind).collect();
    assert_eq!(
        kinds,
        [BreakKind::HandoverMissing, BreakKind::OriginMissing]
    );
}

#[test]
fn a_corrected_event_stays_visible_and_does_not_count() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1));
    let wrong = with(
        hand_over(&serial(1), "shipping", 1, 3),
        "eventID",
        json!("urn:x:1"),
    );
    ledger.say(1, 10, wrong.clone());
    let declaration = json!({
        "declarationTime": "2026-11-01T00:12:00Z",
        "reason": "incorrect_data",
        "correctiveEventIDs": ["urn:x:2"],
    });
    // A stranger's declaration changes nothing.
    ledger.say(
        4,
        10,
        with(wrong.clone(), "errorDeclaration", declaration.clone()),
    );
    ledger
        .ship(1, 2, 10, &serial(1))
        .receive(2, 1, 11, &serial(1));
    let before = ledger.trace(&serial(1));
    assert!(
        before
            .findings
            .iter()
            .any(|one| one.rule == Rule::DoubleSpend),
        "{before:#?}"
    );
    ledger.say(1, 10, with(wrong, "errorDeclaration", declaration));
    let answer = ledger.trace(&serial(1));
    assert!(
        answer.complete && answer.findings.is_empty(),
        "{:?}",
        answer.findings
    );
    let corrected: Vec<&str> = answer
        .steps
        .iter()
        .filter_map(|step| step.corrected.as_deref())
        .collect();
    assert_eq!(corrected, ["incorrect_data", "incorrect_data"]);
}

#[test]
fn a_serial_shares_the_origin_and_the_tests_of_its_lot() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .transform(1, 10, &[lot(1)], &[lot(2)]);
    let making = with(
        on(&serial(1), "ADD", "commissioning"),
        "ilmd",
        json!({"cbvmda:lotNumber": "L2"}),
    );
    ledger.say(1, 20, making);
    ledger.say(
        8,
        30,
        with(
            on(&lot(2), "OBSERVE", "inspecting"),
            "sy:test",
            json!({
                "report": "urn:x:report", "conclusion": "pass", "items": [],
            }),
        ),
    );
    let answer = ledger.trace(&serial(1));
    assert!(answer.complete, "{:?}", answer.breaks);
    assert_eq!(answer.tests.len(), 1);
    assert_eq!(answer.subject.lot.as_deref(), Some("L2"));
    assert!(answer.steps.iter().any(|step| step.concerns == [lot(1)]));
}
