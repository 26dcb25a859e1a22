//! Temperature over stretches of custody, and the order of verdicts.

use super::ledger::{Ledger, asset, at, lot, on, with};
use crate::ids::UnixMillis;
use crate::provenance::Answer;
use crate::provenance::answer::{Grade, Rule, Verdict};
use crate::time::format_utc;
use serde_json::{Value as Json, json};

fn read_at(minutes: impl IntoIterator<Item = (i64, i64)>) -> Json {
    let element = |(minute, degrees): (i64, i64)| {
        json!({
            "sensorMetadata": {"time": format_utc(UnixMillis(at(minute)))},
            "sensorReport": [{"type": "Temperature", "value": degrees, "uom": "CEL"}],
        })
    };
    Json::Array(minutes.into_iter().map(element).collect())
}

/// A chilled lot in carrier 7's truck from minute 12 to 100, with these readings of the truck.
fn trip(class: &str, readings: Json) -> Answer {
    let truck = asset(1);
    let mut ledger = Ledger::with_firms();
    ledger.product(class, 30);
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 7, 10, &lot(1))
        .receive(7, 1, 10, &lot(1));
    ledger.pack(7, 10, "ADD", &truck, &[lot(1)]);
    ledger.pack(7, 100, "DELETE", &truck, &[lot(1)]);
    ledger.ship(7, 2, 100, &lot(1)).receive(2, 7, 101, &lot(1));
    // Uploaded after the trip: the time of the readings counts.
    let log = with(
        on(&truck, "OBSERVE", "transporting"),
        "sensorElementList",
        readings,
    );
    ledger.say(7, 120, log);
    ledger.trace(&lot(1))
}

fn every_ten(degrees: i64) -> impl Iterator<Item = (i64, i64)> {
    (0..=10).map(move |step| (step * 10, degrees))
}

#[test]
fn readings_at_the_interval_within_the_limits_prove_a_trip() {
    let answer = trip("CHILLED", read_at(every_ten(4)));
    assert_eq!(answer.verdict, Verdict::Complete);
    let grades: Vec<Grade> = answer
        .temperature
        .iter()
        .map(|stretch| stretch.grade)
        .collect();
    assert_eq!(grades, [Grade::Proved]);
    assert_eq!(answer.temperature[0].container, asset(1));
}

#[test]
fn a_trip_of_cold_goods_without_readings_is_a_gap_and_one_of_others_is_not() {
    let silent = read_at([(500, 4)]);
    let answer = trip("CHILLED", silent.clone());
    assert_eq!(answer.verdict, Verdict::Gap);
    assert_eq!(answer.findings[0].rule, Rule::TemperatureGap);
    assert_eq!(answer.temperature[0].longest_gap_minutes, 90);
    let answer = trip("AMBIENT", silent);
    assert_eq!(
        (answer.verdict, answer.temperature.len()),
        (Verdict::Complete, 0)
    );
}

#[test]
fn a_reading_may_be_half_an_interval_late() {
    for (without, verdict) in [(vec![50], Verdict::Gap), (vec![], Verdict::Complete)] {
        let readings = every_ten(4).filter(|(minute, _)| !without.contains(minute));
        assert_eq!(
            trip("CHILLED", read_at(readings)).verdict,
            verdict,
            "{without:?}"
        );
    }
    let late =
        every_ten(4).map(|(minute, degrees)| (minute + 5 * i64::from(minute == 50), degrees));
    assert_eq!(trip("CHILLED", read_at(late)).verdict, Verdict::Complete);
}

#[test]
fn the_limit_is_within_and_beyond_it_is_a_breach_for_as_long_as_the_reading_holds() {
    assert_eq!(
        trip("CHILLED", read_at(every_ten(8))).verdict,
        Verdict::Complete
    );
    let warm = every_ten(4).map(|(minute, cold)| (minute, if minute == 40 { 9 } else { cold }));
    let answer = trip("CHILLED", read_at(warm));
    assert_eq!(answer.verdict, Verdict::Breach);
    assert_eq!(answer.temperature[0].outside_minutes, 10);
    assert_eq!(answer.temperature[0].highest_tenths, Some(90));
    assert_eq!(answer.findings[0].rule, Rule::Temperature);
}

#[test]
fn what_the_truck_measured_before_loading_is_not_the_goods_temperature() {
    let readings = every_ten(4).chain([(5, 30), (105, 30)]);
    assert_eq!(
        trip("CHILLED", read_at(readings)).verdict,
        Verdict::Complete
    );
}

#[test]
fn shelves_need_no_readings_but_are_graded_by_those_they_give() {
    let mut ledger = Ledger::with_firms();
    ledger.product("CHILLED", 30);
    ledger.make(1, 0, &lot(1)).stock(1, 500, &lot(1));
    let silent = ledger.trace(&lot(1));
    assert_eq!(
        (silent.verdict, silent.temperature.len()),
        (Verdict::Complete, 0)
    );
    let spans = json!([{
        "sensorMetadata": {
            "startTime": format_utc(UnixMillis(at(0))),
            "endTime": format_utc(UnixMillis(at(500))),
        },
        "sensorReport": [{
            "type": "Temperature", "minValue": 3, "maxValue": 9, "meanValue": 5, "uom": "CEL",
        }],
    }]);
    ledger.say(
        1,
        500,
        with(
            on(&lot(1), "OBSERVE", "storing"),
            "sensorElementList",
            spans,
        ),
    );
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.verdict, Verdict::Breach);
    assert_eq!(answer.temperature[0].outside_minutes, 500);
    assert_eq!(answer.temperature[0].longest_gap_minutes, 0);
}

#[test]
fn the_first_verdict_that_applies_is_shown() {
    // Recalled, failed, expired and broken at once; each taken away shows the next.
    let recall = with(
        on(&lot(1), "OBSERVE", "holding"),
        "persistentDisposition",
        json!({"set": ["recalled"]}),
    );
    let test = json!({"report": "urn:x:r", "conclusion": "fail", "items": []});
    let failed = with(on(&lot(1), "OBSERVE", "inspecting"), "sy:test", test);
    let make = with(
        on(&lot(1), "ADD", "commissioning"),
        "ilmd",
        json!({"cbvmda:itemExpirationDate": "2026-11-01"}),
    );
    let mut ledger = Ledger::with_firms();
    ledger.say(1, 0, make).stock(3, 10, &lot(1));
    assert_eq!(ledger.trace_at(&lot(1), 100).verdict, Verdict::Broken);
    assert_eq!(ledger.trace_at(&lot(1), 5_000).verdict, Verdict::Expired);
    ledger.say(8, 20, failed);
    assert_eq!(ledger.trace_at(&lot(1), 5_000).verdict, Verdict::FailedTest);
    ledger.say(9, 30, recall);
    assert_eq!(ledger.trace_at(&lot(1), 5_000).verdict, Verdict::Recalled);
}
