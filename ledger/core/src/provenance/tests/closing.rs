//! Findings open and close by what is recorded when, and what was found stays told.

use super::ledger::{Ledger, asset, at, hand_over, lot, on, with};
use super::rules::{amount, rules};
use crate::ids::UnixMillis;
use crate::provenance::answer::{Finding, Rule};
use crate::time::format_utc;
use serde_json::json;

/// Rule, and the minutes at which it was opened and closed.
fn told(finding: &Finding) -> (Rule, i64, Option<i64>) {
    let minute = |moment: UnixMillis| (moment.0 - at(0)) / 60_000;
    let closed = finding.closed_at.map(|moment| minute(moment.0));
    (finding.rule, minute(finding.opened_at.0), closed)
}

#[test]
fn a_late_receipt_closes_what_its_absence_had_opened() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 10, &lot(1))
        .stock(2, 30, &lot(1));
    let before = ledger.trace(&lot(1));
    let open: Vec<_> = before.findings.iter().map(told).collect();
    assert_eq!(open, [(Rule::Custody, 30, None)]);
    assert!(before.closed.is_empty());
    ledger.say_recorded(2, 20, 50, hand_over(&lot(1), "receiving", 1, 2));
    let after = ledger.trace(&lot(1));
    assert_eq!(rules(&after), []);
    let closed: Vec<_> = after.closed.iter().map(told).collect();
    assert_eq!(closed, [(Rule::Custody, 30, Some(50))]);
    assert_eq!(after.closed[0].events, before.findings[0].events);
    // It stays told, whatever comes later.
    ledger.stock(2, 60, &lot(1));
    assert_eq!(ledger.trace(&lot(1)).closed, after.closed);
}

#[test]
fn readings_that_come_home_late_close_the_gap() {
    let truck = asset(1);
    let mut ledger = Ledger::with_firms();
    ledger.product("CHILLED", 30);
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 7, 10, &lot(1))
        .receive(7, 1, 10, &lot(1));
    ledger
        .pack(7, 10, "ADD", &truck, &[lot(1)])
        .pack(7, 100, "DELETE", &truck, &[lot(1)]);
    ledger.ship(7, 2, 100, &lot(1)).receive(2, 7, 101, &lot(1));
    assert_eq!(rules(&ledger.trace(&lot(1))), [Rule::TemperatureGap]);
    let element = |minute: i64| {
        json!({
            "sensorMetadata": {"time": format_utc(UnixMillis(at(minute)))},
            "sensorReport": [{"type": "Temperature", "value": 4, "uom": "CEL"}],
        })
    };
    let elements: Vec<_> = (0..=10).map(|step| element(step * 10)).collect();
    let log = with(
        on(&truck, "OBSERVE", "transporting"),
        "sensorElementList",
        json!(elements),
    );
    ledger.say(7, 240, log);
    let answer = ledger.trace(&lot(1));
    assert_eq!(rules(&answer), []);
    let closed: Vec<_> = answer.closed.iter().map(told).collect();
    assert_eq!(closed, [(Rule::TemperatureGap, 100, Some(240))]);
}

#[test]
fn a_correction_closes_what_the_mistake_had_shown() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    let mistake = with(
        on(&lot(1), "OBSERVE", "stocking"),
        "eventID",
        json!("urn:e:1"),
    );
    ledger.say(3, 10, mistake.clone());
    assert_eq!(rules(&ledger.trace(&lot(1))), [Rule::Custody]);
    let declaration = json!({"declarationTime": format_utc(UnixMillis(at(40))),
        "reason": "did_not_occur"});
    ledger.say_recorded(3, 10, 40, with(mistake, "errorDeclaration", declaration));
    let answer = ledger.trace(&lot(1));
    assert_eq!(rules(&answer), []);
    let closed: Vec<_> = answer.closed.iter().map(told).collect();
    assert_eq!(closed, [(Rule::Custody, 10, Some(40))]);
}

#[test]
fn the_rest_of_a_delivery_closes_the_difference() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    ledger.say(1, 10, amount(hand_over(&lot(1), "shipping", 1, 2), 40));
    for (minute, quantity) in [(20, 25), (30, 15)] {
        ledger.say(
            2,
            minute,
            amount(hand_over(&lot(1), "receiving", 1, 2), quantity),
        );
    }
    let answer = ledger.trace(&lot(1));
    let closed: Vec<_> = answer.closed.iter().map(told).collect();
    assert_eq!(closed, [(Rule::QuantityMismatch, 20, Some(30))]);
}

#[test]
fn a_story_told_in_order_has_nothing_closed_and_costs_one_walk() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 10, &lot(1))
        .receive(2, 1, 20, &lot(1));
    ledger.stock(3, 30, &lot(1));
    let answer = ledger.trace(&lot(1));
    assert_eq!(rules(&answer), [Rule::Custody]);
    assert!(answer.closed.is_empty());
}
