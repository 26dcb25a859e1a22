//! Licence, filing, registration or nothing: by role, goods and time.

use super::ledger::{Ledger, at, hand_over, lot, map, on};
use super::rules::rules;
use crate::provenance::answer::Rule;
use crate::state::Role;
use serde_json::{Value as Json, json};

const ALWAYS: (&str, &str) = ("2020-01-01", "2040-01-01");

fn goods(category: &str) -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger.product_with(json!({"category": category, "storageClass": "AMBIENT"}));
    ledger.make(1, 0, &lot(1));
    ledger
}

/// Participant 2 sells the lot at `minute`, having received it.
fn sold(ledger: &mut Ledger, minute: i64) -> Vec<Rule> {
    ledger.ship(1, 2, 1, &lot(1)).receive(2, 1, 2, &lot(1));
    ledger.say(2, minute, on(&lot(1), "DELETE", "retail_selling"));
    let mut found = rules(&ledger.trace(&lot(1)));
    // The giver is a distributor without any licence, which is not asked here.
    found.dedup();
    found
}

#[test]
fn a_licence_counts_from_its_first_moment_until_its_last() {
    // 2 November, UTC, begins 1,440 minutes after the beginning.
    for (from, until, minute, expected) in [
        ("2026-10-01", "2026-11-02", 1_439, vec![]),
        ("2026-10-01", "2026-11-02", 1_440, vec![Rule::Licence]),
        ("2026-11-01", "2027-11-01", 3, vec![]),
        ("2026-11-02", "2027-11-01", 1_439, vec![Rule::Licence]),
    ] {
        let mut ledger = goods("03 调味品");
        ledger.licensed(1, Role::Processor, &[("SC", ALWAYS.0, ALWAYS.1)]);
        ledger.licensed(2, Role::Retailer, &[("JY", from, until)]);
        assert_eq!(
            sold(&mut ledger, minute),
            expected,
            "{from} {until} {minute}"
        );
    }
}

#[test]
fn small_sellers_need_a_filing_or_a_registration_or_nothing() {
    let jy = ("JY", ALWAYS.0, ALWAYS.1);
    for (category, licences, expected) in [
        ("03 调味品", vec![jy], vec![]),
        ("03 调味品", vec![("YB", ALWAYS.0, ALWAYS.1)], vec![]),
        (
            "03 调味品",
            vec![("SMALL_SHOP", ALWAYS.0, ALWAYS.1)],
            vec![],
        ),
        ("03 调味品", vec![], vec![Rule::Licence]),
        // One for something else.
        (
            "03 调味品",
            vec![("TRANSPORT", ALWAYS.0, ALWAYS.1)],
            vec![Rule::Licence],
        ),
        // Farm produce needs none, nor do goods of which nothing is known.
        ("农产品", vec![], vec![]),
        ("", vec![], vec![]),
        // A licence for food is none for vaccines.
        ("药品", vec![jy], vec![Rule::Licence]),
    ] {
        let mut ledger = goods(category);
        ledger.licensed(
            1,
            Role::Processor,
            &[
                ("SC", ALWAYS.0, ALWAYS.1),
                ("DRUG_PRODUCTION", ALWAYS.0, ALWAYS.1),
            ],
        );
        ledger.licensed(2, Role::Retailer, &licences);
        let found = sold(&mut ledger, 10);
        assert_eq!(found, expected, "{category} {licences:?}");
    }
}

#[test]
fn a_carrier_and_a_watcher_need_no_licence_to_trade() {
    let mut ledger = goods("03 调味品");
    ledger.licensed(1, Role::Processor, &[("SC", ALWAYS.0, ALWAYS.1)]);
    ledger.ship(1, 7, 1, &lot(1)).receive(7, 1, 2, &lot(1));
    ledger.say(8, 3, on(&lot(1), "OBSERVE", "inspecting"));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
}

fn maker(scope: &Json) -> Vec<Rule> {
    let mut ledger = goods("03 调味品");
    let mut licence = json!({"kind": "SC", "from": ALWAYS.0, "until": ALWAYS.1});
    if !scope.is_null() {
        licence["scope"] = scope.clone();
    }
    let record = map(&json!({"licences": [licence]}));
    ledger.admit(super::ledger::who(1), &[Role::Processor], record, &[]);
    rules(&ledger.trace(&lot(1)))
}

#[test]
fn a_licence_covers_the_goods_of_its_scope() {
    assert_eq!(maker(&json!(["03", "05"])), []);
    assert_eq!(maker(&json!(["05"])), [Rule::Licence]);
    assert_eq!(maker(&json!([])), [Rule::Licence]);
    assert_eq!(
        maker(&Json::Null),
        [],
        "a record without scopes says nothing"
    );
}

#[test]
fn a_licence_entered_late_closes_the_finding_and_one_taken_away_later_opens_none() {
    let mut ledger = goods("03 调味品");
    ledger.licensed(1, Role::Processor, &[]);
    ledger.say(1, 10, hand_over(&lot(1), "shipping", 1, 2));
    let open = ledger.trace(&lot(1));
    assert_eq!(rules(&open), [Rule::Licence]);
    let held = json!([{"kind": "SC", "from": ALWAYS.0, "until": ALWAYS.1}]);
    ledger.amend_at(50, 1, Role::Processor, map(&json!({"licences": held})));
    let answer = ledger.trace(&lot(1));
    assert_eq!(rules(&answer), []);
    let closed = &answer.closed[0];
    assert_eq!((closed.rule, closed.events.len()), (Rule::Licence, 1));
    assert_eq!(closed.closed_at.map(|moment| moment.0.0), Some(at(50)));

    let mut ledger = goods("03 调味品");
    ledger.licensed(1, Role::Processor, &[("SC", ALWAYS.0, ALWAYS.1)]);
    ledger.amend_at(50, 1, Role::Processor, map(&json!({"licences": []})));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
}

#[test]
fn the_policy_of_the_time_says_what_is_needed() {
    for (recorded, expected) in [(9, vec![Rule::Licence]), (10, vec![])] {
        let mut ledger = goods("03 调味品");
        ledger.licensed(1, Role::Processor, &[("SC", ALWAYS.0, ALWAYS.1)]);
        ledger.licensed(2, Role::Retailer, &[]);
        ledger.policy(10, "authorisation/retailer/food", &json!([]));
        ledger.ship(1, 2, 1, &lot(1));
        ledger.say_recorded(2, 2, recorded, hand_over(&lot(1), "receiving", 1, 2));
        assert_eq!(rules(&ledger.trace(&lot(1))), expected, "{recorded}");
    }
}
