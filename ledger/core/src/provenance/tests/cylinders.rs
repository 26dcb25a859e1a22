//! Gas cylinders: inspections, valves, scrapping, and what may be filled.

use super::ledger::{Ledger, asset, on, with};
use super::rules::rules;
use crate::provenance::answer::Rule;
use serde_json::json;

const FILLING: &str = "https://ref.suyuan.example/voc/filling";

/// A cylinder whose first inspection is due on 1 November, which ends at minute 960.
fn cylinder() -> Ledger {
    let mut ledger = Ledger::with_firms();
    let made = with(
        on(&asset(1), "ADD", "commissioning"),
        "ilmd",
        json!({"sy:cylinder": {"nextInspection": "2026-11-01", "scrapAfter": "2026-11-03"}}),
    );
    ledger.say(1, 0, made);
    ledger
}

fn inspect(ledger: &mut Ledger, by: u8, minute: i64, item: &str, conclusion: &str) {
    let result = json!({"conclusion": conclusion, "next": "2026-11-02"});
    let fields = with(on(item, "OBSERVE", "inspecting"), "sy:inspection", result);
    ledger.say(by, minute, fields);
}

fn fill(ledger: &mut Ledger, minute: i64) -> Vec<Rule> {
    ledger.say(1, minute, on(&asset(1), "OBSERVE", FILLING));
    rules(&ledger.trace_at(&asset(1), minute))
}

#[test]
fn a_cylinder_is_filled_until_its_inspection_is_due() {
    assert_eq!(fill(&mut cylinder(), 959), []);
    assert_eq!(fill(&mut cylinder(), 960), [Rule::CylinderOverdue]);
    // Inspected, it is good for another day; before the inspection it was not.
    let mut ledger = cylinder();
    inspect(&mut ledger, 8, 970, &asset(1), "pass");
    assert_eq!(fill(&mut ledger.clone(), 969), [Rule::CylinderOverdue]);
    assert_eq!(fill(&mut ledger.clone(), 970), []);
    assert_eq!(fill(&mut ledger.clone(), 2_399), []);
    assert_eq!(fill(&mut ledger, 2_400), [Rule::CylinderOverdue]);
    // Its owner's word is no inspection.
    let mut ledger = cylinder();
    inspect(&mut ledger, 1, 970, &asset(1), "pass");
    assert_eq!(fill(&mut ledger, 980), [Rule::CylinderOverdue]);
}

#[test]
fn a_cylinder_that_failed_or_was_never_due_is_not_filled() {
    let mut ledger = cylinder();
    inspect(&mut ledger, 8, 10, &asset(1), "fail");
    assert_eq!(fill(&mut ledger, 20), [Rule::CylinderOverdue]);
    let mut ledger = Ledger::with_firms();
    let made = on(&asset(1), "ADD", "commissioning");
    ledger.say(
        1,
        0,
        with(made, "ilmd", json!({"sy:cylinder": {"medium": "LPG"}})),
    );
    assert_eq!(fill(&mut ledger, 20), [Rule::CylinderOverdue]);
    // What is no cylinder has no inspections.
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &asset(1));
    assert_eq!(fill(&mut ledger, 20), []);
}

#[test]
fn a_scrapped_cylinder_is_not_filled() {
    let scrapped = |minute| {
        let mut ledger = cylinder();
        ledger.say(1, 50, on(&asset(1), "DELETE", "decommissioning"));
        fill(&mut ledger, minute)
    };
    assert_eq!(scrapped(49), []);
    // Nobody has what is scrapped.
    assert_eq!(scrapped(50), [Rule::Custody, Rule::CylinderScrapped]);
    let after = [Rule::Custody, Rule::Order, Rule::CylinderScrapped];
    assert_eq!(scrapped(51), after);
    // The end of its life by design: 3 November ends at minute 3,840.
    for (minute, expected) in [(3_839, vec![]), (3_840, vec![Rule::CylinderScrapped])] {
        let mut ledger = cylinder();
        let result = json!({"conclusion": "pass", "next": "2030-11-02"});
        let fields = with(
            on(&asset(1), "OBSERVE", "inspecting"),
            "sy:inspection",
            result,
        );
        ledger.say(8, 10, fields);
        assert_eq!(fill(&mut ledger, minute), expected);
    }
}

#[test]
fn a_cylinder_with_an_unfit_valve_is_not_filled() {
    let valve = |action: &str| {
        json!({"type": "AssociationEvent", "action": action, "bizStep": "installing",
            "parentID": asset(1), "childEPCs": [asset(2)]})
    };
    for (conclusion, removed, minute, expected) in [
        ("pass", None, 30, vec![]),
        ("fail", None, 30, vec![Rule::CylinderOverdue]),
        ("fail", None, 9, vec![]),
        ("fail", Some(31), 30, vec![Rule::CylinderOverdue]),
        ("fail", Some(30), 30, vec![]),
    ] {
        let mut ledger = cylinder();
        ledger.make(1, 1, &asset(2)).say(1, 10, valve("ADD"));
        inspect(&mut ledger, 8, 20, &asset(2), conclusion);
        if let Some(minute) = removed {
            ledger.say(1, minute, valve("DELETE"));
        }
        let found = fill(&mut ledger, minute);
        assert_eq!(found, expected, "{conclusion} {removed:?} {minute}");
    }
}
