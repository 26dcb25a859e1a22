//! Vaccines and their temperature record, devices, and limits by the policy of the time.

use super::ledger::{Ledger, asset, at, hand_over, lot, on, serial, with};
use super::rules::rules;
use crate::ids::UnixMillis;
use crate::provenance::Answer;
use crate::provenance::answer::{Grade, Rule, Verdict};
use crate::state::Role;
use crate::time::format_utc;
use serde_json::{Value as Json, json};

fn moment(minute: i64) -> String {
    format_utc(UnixMillis(at(minute)))
}

fn element(minute: i64, degrees: i64) -> Json {
    json!({
        "sensorMetadata": {"time": moment(minute), "deviceID": asset(5)},
        "sensorReport": [{"type": "Temperature", "value": degrees, "uom": "CEL"}],
    })
}

fn log(item: &str, from: i64, until: i64, degrees: impl Fn(i64) -> i64) -> Json {
    let minutes = (from..=until).step_by(10);
    let elements: Vec<Json> = minutes
        .map(|minute| element(minute, degrees(minute)))
        .collect();
    with(
        on(item, "OBSERVE", "transporting"),
        "sensorElementList",
        json!(elements),
    )
}

fn record(from: i64, until: i64) -> Json {
    json!({"received": true, "complete": true, "from": moment(from), "until": moment(until)})
}

/// A box in carrier 7's hands from minute 10 to 100; the log, the record, and what the receiver
/// did with it.
fn delivered(log: Option<Json>, record: &Json, disposition: &str) -> Answer {
    let mut ledger = Ledger::with_firms();
    ledger.product("VACCINE", 365);
    let licence = [("DRUG_BUSINESS", "2020-01-01", "2040-01-01")];
    ledger.licensed(2, Role::Distributor, &licence);
    ledger.make(1, 0, &serial(1));
    ledger
        .ship(1, 7, 10, &serial(1))
        .receive(7, 1, 10, &serial(1));
    if let Some(log) = log {
        ledger.say(7, 100, log);
    }
    ledger.ship(7, 2, 100, &serial(1));
    let mut receipt = hand_over(&serial(1), "receiving", 7, 2);
    receipt["disposition"] = json!(disposition);
    if !record.is_null() {
        receipt["sy:temperatureRecord"] = record.clone();
    }
    ledger.say(2, 101, receipt);
    ledger.trace(&serial(1))
}

#[test]
fn a_vaccine_is_accepted_only_with_its_whole_temperature_record() {
    let gap = Rule::TemperatureGap;
    let unrecorded = vec![gap, Rule::VaccineUnrecorded];
    let mut incomplete = record(10, 100);
    incomplete["complete"] = json!(false);
    for (record, expected) in [
        (Json::Null, unrecorded.clone()),
        (record(10, 100), vec![gap]),
        (incomplete, unrecorded.clone()),
        // One interval and a half may be missing at either end.
        (record(25, 86), vec![gap]),
        (record(26, 100), unrecorded.clone()),
        (record(10, 85), unrecorded),
    ] {
        let found = rules(&delivered(None, &record, "in_progress"));
        assert_eq!(found, expected, "{record}");
    }
    // What was sent back was not accepted.
    assert_eq!(rules(&delivered(None, &Json::Null, "returned")), [gap]);
    // The ledger's own readings are a record.
    let log = log(&serial(1), 10, 100, |_| 5);
    assert_eq!(rules(&delivered(Some(log), &Json::Null, "in_progress")), []);
}

#[test]
fn a_vaccine_that_was_too_warm_is_not_accepted() {
    let both = vec![Rule::Temperature, Rule::VaccineExcursion];
    for (degrees, disposition, expected) in [
        (8, "in_progress", vec![]),
        (9, "in_progress", both.clone()),
        (1, "in_progress", both),
        (9, "non_conformant", vec![Rule::Temperature]),
    ] {
        let warm = |minute| if minute == 50 { degrees } else { 5 };
        let log = log(&serial(1), 10, 100, warm);
        let answer = delivered(Some(log), &record(10, 100), disposition);
        let verdict = if expected.contains(&Rule::VaccineExcursion) {
            Verdict::Violation
        } else if degrees == 8 {
            Verdict::Complete
        } else {
            Verdict::Breach
        };
        assert_eq!(rules(&answer), expected, "{degrees} {disposition}");
        assert_eq!(answer.verdict, verdict, "{degrees} {disposition}");
    }
}

#[test]
fn other_goods_need_no_record() {
    let mut ledger = Ledger::with_firms();
    ledger.product("CHILLED", 365);
    ledger.make(1, 0, &serial(1)).ship(1, 2, 10, &serial(1));
    ledger.receive(2, 1, 11, &serial(1));
    assert_eq!(rules(&ledger.trace(&serial(1))), []);
}

/// Chilled goods at 9 °C with carrier 7 from `minute` on for ten minutes.
fn warm_trip(ledger: &mut Ledger, minute: i64) -> Answer {
    ledger.product("CHILLED", 30);
    ledger.make(1, 0, &lot(1)).ship(1, 7, minute, &lot(1));
    ledger.receive(7, 1, minute, &lot(1));
    ledger.say(7, minute + 10, log(&lot(1), minute, minute + 10, |_| 9));
    ledger.trace(&lot(1))
}

#[test]
fn a_stretch_is_judged_by_the_policy_of_the_time_at_which_it_began() {
    let class = json!({"lowestTenths": 0, "highestTenths": 100, "carriedMinutes": 10,
        "storedMinutes": 30, "storedRequired": false});
    for (minute, version, grade) in [(49, 0, Grade::Breach), (50, 1, Grade::Proved)] {
        let mut ledger = Ledger::with_firms();
        ledger.policy(50, "class/CHILLED", &class);
        let answer = warm_trip(&mut ledger, minute);
        let stretch = &answer.temperature[0];
        assert_eq!((stretch.limits.version, stretch.grade), (version, grade));
        assert_eq!(stretch.limits.confirmed, version == 1);
        assert_eq!(stretch.covered_percent, 100);
        assert_eq!(stretch.mean_kinetic_tenths, Some(90));
        assert_eq!(stretch.worst_tenths, Some(90));
    }
}

#[test]
fn a_place_owes_readings_where_the_policy_says_so() {
    for (required, grades) in [(false, vec![]), (true, vec![Grade::Gap])] {
        let mut ledger = Ledger::with_firms();
        let class = json!({"highestTenths": 80, "carriedMinutes": 10, "storedMinutes": 30,
            "storedRequired": required});
        ledger.policy(-1, "class/CHILLED", &class);
        ledger.product("CHILLED", 30);
        ledger.make(1, 0, &lot(1)).stock(1, 46, &lot(1));
        let answer = ledger.trace(&lot(1));
        let found: Vec<Grade> = answer.temperature.iter().map(|one| one.grade).collect();
        assert_eq!(found, grades);
    }
}

fn calibrated(by: u8, conclusion: &str) -> Ledger {
    let mut ledger = Ledger::with_firms();
    let result = json!({"conclusion": conclusion, "next": "2026-11-01", "certificate": "c"});
    let calibration = with(
        on(&asset(5), "OBSERVE", "inspecting"),
        "sy:calibration",
        result,
    );
    ledger.say(by, -100, calibration);
    ledger
}

fn measured(ledger: &mut Ledger, minute: i64) -> Vec<Rule> {
    ledger.product("CHILLED", 30);
    ledger.make(1, 0, &lot(1)).ship(1, 7, minute, &lot(1));
    ledger.receive(7, 1, minute, &lot(1));
    let one = json!([element(minute, 4)]);
    let read = with(
        on(&lot(1), "OBSERVE", "transporting"),
        "sensorElementList",
        one,
    );
    ledger.say(7, minute, read);
    rules(&ledger.trace(&lot(1)))
}

#[test]
fn a_device_measures_until_its_calibration_runs_out() {
    // 1 November ends in Chengdu at 16:00 UTC: 960 minutes after the beginning.
    let bad = vec![Rule::DeviceCalibration];
    for (by, conclusion, minute, expected) in [
        (8, "pass", 959, vec![]),
        (8, "pass", 960, bad.clone()),
        (8, "fail", 100, bad),
        // Who is no laboratory calibrates nothing; what is not recorded is not judged.
        (1, "fail", 100, vec![]),
        (1, "pass", 960, vec![]),
    ] {
        let found = measured(&mut calibrated(by, conclusion), minute);
        assert_eq!(found, expected, "{by} {conclusion} {minute}");
    }
}

#[test]
fn an_unknown_calibration_is_a_finding_where_the_policy_asks_for_one() {
    for (recorded, expected) in [(101, vec![]), (100, vec![Rule::DeviceCalibration])] {
        let mut ledger = Ledger::with_firms();
        ledger.policy(recorded, "calibration/required", &json!(true));
        assert_eq!(measured(&mut ledger, 100), expected);
    }
}
