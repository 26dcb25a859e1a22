//! Each finding: one that shows, one that must not, and the boundary between.

use super::ledger::{Ledger, asset, at, hand_over, lot, on, serial, with};
use crate::provenance::Answer;
use crate::provenance::answer::{Rule, Verdict};
use crate::state::Role;
use serde_json::{Value as Json, json};

pub(super) fn rules(answer: &Answer) -> Vec<Rule> {
    answer.findings.iter().map(|finding| finding.rule).collect()
}

pub(super) fn amount(fields: Json, quantity: u32) -> Json {
    let id = fields["quantityList"][0]["epcClass"].clone();
    let list = json!([{"epcClass": id, "quantity": quantity, "uom": "KGM"}]);
    with(fields, "quantityList", list)
}

fn made_until(item: &str, expiry: &str) -> Json {
    with(
        on(item, "ADD", "commissioning"),
        "ilmd",
        json!({"cbvmda:itemExpirationDate": expiry}),
    )
}

#[test]
fn an_act_before_the_goods_exist_is_out_of_order() {
    for (minute, expected) in [(9, vec![Rule::Custody, Rule::Order]), (10, vec![])] {
        let mut ledger = Ledger::with_firms();
        ledger.stock(1, minute, &lot(1)).make(1, 10, &lot(1));
        let found = rules(&ledger.trace(&lot(1)));
        let expected: Vec<Rule> = expected
            .into_iter()
            .filter(|rule| *rule != Rule::Custody)
            .collect();
        assert_eq!(found, expected, "{minute}");
    }
}

#[test]
fn an_act_after_the_end_is_out_of_order_and_a_return_is_not() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1));
    ledger.say(1, 10, on(&serial(1), "DELETE", "destroying"));
    assert_eq!(rules(&ledger.trace(&serial(1))), []);
    ledger.stock(1, 11, &serial(1));
    assert!(rules(&ledger.trace(&serial(1))).contains(&Rule::Order));
    // Of a lot, only a part has ended.
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .say(1, 10, on(&lot(1), "DELETE", "retail_selling"));
    ledger.stock(1, 11, &lot(1));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
}

#[test]
fn one_thing_has_one_parent_at_a_time() {
    for (out, expected) in [(21, vec![Rule::SingleParent]), (20, vec![])] {
        let mut ledger = Ledger::with_firms();
        ledger
            .make(1, 0, &serial(1))
            .pack(1, 10, "ADD", &asset(1), &[serial(1)]);
        ledger.pack(1, out, "DELETE", &asset(1), &[serial(1)]);
        ledger.pack(1, 20, "ADD", &asset(2), &[serial(1)]);
        let answer = ledger.trace(&serial(1));
        assert_eq!(rules(&answer), expected, "out at {out}");
    }
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .pack(1, 10, "ADD", &asset(1), &[lot(1)]);
    ledger.pack(1, 20, "ADD", &asset(2), &[lot(1)]);
    assert_eq!(
        rules(&ledger.trace(&lot(1))),
        [],
        "parts of a lot are in many"
    );
}

#[test]
fn more_cannot_leave_a_hand_than_came_into_it() {
    for (shipped, expected) in [(61, vec![Rule::DoubleSpend]), (60, vec![])] {
        let mut ledger = Ledger::with_firms();
        ledger.say(1, 0, amount(on(&lot(1), "ADD", "commissioning"), 100));
        for (to, minute, quantity) in [(2, 10, 40), (3, 20, shipped)] {
            ledger.say(
                1,
                minute,
                amount(hand_over(&lot(1), "shipping", 1, to), quantity),
            );
            ledger.say(
                to,
                minute,
                amount(hand_over(&lot(1), "receiving", 1, to), quantity),
            );
        }
        assert_eq!(rules(&ledger.trace(&lot(1))), expected, "{shipped}");
    }
    // Withheld quantities say nothing.
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    ledger.say(1, 10, amount(hand_over(&lot(1), "shipping", 1, 2), 500));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
}

#[test]
fn one_serial_cannot_be_made_or_used_or_shipped_twice() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1)).make(1, 10, &serial(1));
    assert_eq!(rules(&ledger.trace(&serial(1))), [Rule::DoubleSpend]);

    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &serial(1))
        .transform(1, 5, &[serial(1)], &[lot(1)]);
    assert_eq!(rules(&ledger.trace(&serial(1))), []);
    ledger.transform(1, 6, &[serial(1)], &[lot(2)]);
    assert!(rules(&ledger.trace(&serial(1))).contains(&Rule::DoubleSpend));

    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &serial(1)).ship(1, 2, 10, &serial(1));
    assert_eq!(rules(&ledger.trace(&serial(1))), []);
    ledger.ship(1, 3, 11, &serial(1));
    assert_eq!(rules(&ledger.trace(&serial(1))), [Rule::DoubleSpend]);
}

#[test]
fn a_lot_made_in_two_goes_is_one_lot() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1)).make(1, 10, &lot(1));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
}

#[test]
fn the_expiry_day_itself_still_counts_by_the_clock_of_the_place() {
    // 2 November ends in Chengdu at 16:00 UTC: 2,400 minutes after the beginning.
    for (minute, expected) in [(2_399, vec![]), (2_400, vec![Rule::Expiry])] {
        let mut ledger = Ledger::with_firms();
        ledger.say(1, 0, made_until(&lot(1), "2026-11-02"));
        ledger.say(1, minute, on(&lot(1), "DELETE", "retail_selling"));
        let answer = ledger.trace_at(&lot(1), minute);
        assert_eq!(rules(&answer), expected, "{minute}");
        let expired = answer.verdict == Verdict::Expired;
        assert_eq!(expired, minute == 2_400);
    }
    let mut ledger = Ledger::with_firms();
    ledger.say(1, 0, made_until(&lot(1), "2026-11-02"));
    let returned = with(
        hand_over(&lot(1), "shipping", 1, 2),
        "disposition",
        json!("returned"),
    );
    ledger.say(1, 3_000, returned);
    assert_eq!(
        rules(&ledger.trace_at(&lot(1), 3_000)),
        [],
        "goods that go back are not sold"
    );
}

#[test]
fn shelf_life_counts_from_production_where_no_date_is_given() {
    for (days, verdict) in [(1, Verdict::Expired), (2, Verdict::Complete)] {
        let mut ledger = Ledger::with_firms();
        ledger.product("AMBIENT", days);
        ledger.say(
            1,
            0,
            with(
                on(&lot(1), "ADD", "commissioning"),
                "ilmd",
                json!({"sy:productionDate": "2026-11-01"}),
            ),
        );
        assert_eq!(ledger.trace_at(&lot(1), 2_400).verdict, verdict, "{days}");
    }
}

#[test]
fn a_sold_serial_is_sold_and_cannot_be_sold_again() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &serial(1))
        .say(1, 10, on(&serial(1), "DELETE", "retail_selling"));
    let answer = ledger.trace(&serial(1));
    assert_eq!((answer.verdict, rules(&answer)), (Verdict::Sold, vec![]));
    for step in ["retail_selling", "stocking"] {
        let action = if step == "stocking" {
            "OBSERVE"
        } else {
            "DELETE"
        };
        let mut ledger = ledger.clone();
        ledger.say(1, 20, on(&serial(1), action, step));
        let found = rules(&ledger.trace(&serial(1)));
        assert!(found.contains(&Rule::SoldAgain), "{step}: {found:?}");
    }
    // What a customer brings back is not sold again by that.
    ledger.say(
        1,
        20,
        with(
            on(&serial(1), "OBSERVE", "receiving"),
            "disposition",
            json!("returned"),
        ),
    );
    assert!(!rules(&ledger.trace(&serial(1))).contains(&Rule::SoldAgain));
}

#[test]
fn the_two_sides_of_a_hand_over_must_name_each_other() {
    for (from, expected) in [(3, vec![Rule::PartyMismatch]), (1, vec![])] {
        let mut ledger = Ledger::with_firms();
        ledger
            .make(1, 0, &lot(1))
            .ship(1, 2, 10, &lot(1))
            .receive(2, from, 11, &lot(1));
        let answer = ledger.trace(&lot(1));
        assert_eq!(rules(&answer), expected, "{from}");
        assert!(answer.breaks.is_empty());
    }
}

#[test]
fn a_recalled_lot_may_go_back_but_not_on() {
    let recall = |ledger: &mut Ledger, number| {
        let fields = with(
            on(&lot(1), "OBSERVE", "holding"),
            "disposition",
            json!("recalled"),
        );
        let set = with(
            fields,
            "persistentDisposition",
            json!({"set": ["recalled"]}),
        );
        ledger.say(number, 30, set);
    };
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 2, 10, &lot(1))
        .receive(2, 1, 20, &lot(1));
    recall(&mut ledger, 3);
    assert_eq!(
        ledger.trace(&lot(1)).verdict,
        Verdict::Complete,
        "a stranger recalls nothing"
    );
    recall(&mut ledger, 1);
    let answer = ledger.trace(&lot(1));
    assert_eq!(
        (answer.verdict, rules(&answer)),
        (Verdict::Recalled, vec![])
    );
    ledger.ship(2, 1, 40, &lot(1)).receive(1, 2, 50, &lot(1));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
    ledger.ship(2, 3, 60, &lot(1));
    assert_eq!(rules(&ledger.trace(&lot(1))), [Rule::RecalledMoving]);
}

#[test]
fn a_recall_ends_by_whoever_began_it_or_by_an_authority() {
    let disposition = |item: &str, key: &str| {
        let fields = on(item, "OBSERVE", "inspecting");
        with(fields, "persistentDisposition", json!({key: ["recalled"]}))
    };
    for (setter, ender, verdict) in [
        (1, 1, Verdict::Complete),
        (1, 9, Verdict::Complete),
        (9, 1, Verdict::Recalled),
        (9, 9, Verdict::Complete),
    ] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &lot(1));
        ledger.say(setter, 10, disposition(&lot(1), "set"));
        assert_eq!(ledger.trace(&lot(1)).verdict, Verdict::Recalled);
        ledger.say(ender, 20, disposition(&lot(1), "unset"));
        assert_eq!(ledger.trace(&lot(1)).verdict, verdict, "{setter} {ender}");
    }
}

#[test]
fn a_failed_test_counts_by_a_laboratory_and_not_by_a_stranger() {
    for (tester, conclusion, expected) in [
        (8, "fail", Verdict::FailedTest),
        (8, "pass", Verdict::Complete),
        (1, "fail", Verdict::FailedTest),
        (3, "fail", Verdict::Complete),
    ] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &lot(1));
        let test = json!({"report": "urn:x:r", "conclusion": conclusion, "items": []});
        ledger.say(
            tester,
            10,
            with(on(&lot(1), "OBSERVE", "inspecting"), "sy:test", test),
        );
        let answer = ledger.trace(&lot(1));
        assert_eq!(answer.verdict, expected, "{tester} {conclusion}");
        assert_eq!(rules(&answer).is_empty(), expected == Verdict::Complete);
    }
}

#[test]
fn a_failed_test_of_an_input_is_found_though_it_came_after_its_use() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .transform(1, 10, &[lot(1)], &[lot(2)]);
    let test = json!({"report": "urn:x:r", "conclusion": "fail", "items": []});
    ledger.say(
        8,
        500,
        with(on(&lot(1), "OBSERVE", "inspecting"), "sy:test", test),
    );
    let answer = ledger.trace(&lot(2));
    assert_eq!(rules(&answer), [Rule::TestFailed]);
    assert_eq!(answer.findings[0].item, lot(1));
    assert_eq!(
        answer.verdict,
        Verdict::Complete,
        "the verdict is the item's own"
    );
}

#[test]
fn both_sides_of_a_hand_over_must_count_alike() {
    for (received, expected) in [
        (vec![40], vec![]),
        (vec![41], vec![Rule::QuantityMismatch]),
        (vec![39], vec![Rule::QuantityMismatch]),
        // In two parts, of which the second makes it whole, or too much.
        (vec![25, 15], vec![]),
        (vec![25, 16], vec![Rule::QuantityMismatch]),
    ] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &lot(1));
        ledger.say(1, 10, amount(hand_over(&lot(1), "shipping", 1, 2), 40));
        for (minute, quantity) in (20..).zip(&received) {
            let receipt = amount(hand_over(&lot(1), "receiving", 1, 2), *quantity);
            ledger.say(2, minute, receipt);
        }
        let answer = ledger.trace(&lot(1));
        assert_eq!(rules(&answer), expected, "{received:?}");
        assert!(answer.breaks.is_empty());
    }
    // Less may have come while the rest is on its way in another shipment.
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    for minute in [10, 11] {
        ledger.say(1, minute, amount(hand_over(&lot(1), "shipping", 1, 2), 40));
    }
    ledger.say(2, 20, amount(hand_over(&lot(1), "receiving", 1, 2), 30));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
    ledger.say(2, 21, amount(hand_over(&lot(1), "receiving", 1, 2), 40));
    assert_eq!(rules(&ledger.trace(&lot(1))), [Rule::QuantityMismatch]);
}

#[test]
fn a_receipt_of_a_lot_that_nobody_sent_breaks_the_chain() {
    // The sender names lot 1, the receiver lot 2.
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1)).make(1, 0, &lot(2));
    ledger.ship(1, 2, 10, &lot(1)).receive(2, 1, 11, &lot(2));
    let answer = ledger.trace(&lot(2));
    assert_eq!(rules(&answer), [Rule::Custody]);
    assert_eq!(answer.breaks.len(), 1);
}

fn result(test: &str, verdict: &str) -> Json {
    let items = json!([{"item": test, "verdict": verdict}]);
    let result = json!({"report": "urn:x:r", "conclusion": verdict, "items": items});
    with(on(&lot(1), "OBSERVE", "inspecting"), "sy:test", result)
}

#[test]
fn goods_are_sold_only_after_the_tests_that_they_need() {
    let sale = || on(&lot(1), "DELETE", "retail_selling");
    let missing = vec![Rule::TestMissing];
    for (minute, tester, test, expected) in [
        (20, 8, "lead", vec![]),
        (21, 8, "lead", missing.clone()),
        (10, 8, "cadmium", missing.clone()),
        (10, 3, "lead", missing),
        // The maker's own laboratory will do.
        (10, 1, "lead", vec![]),
    ] {
        let mut ledger = Ledger::with_firms();
        ledger.product_with(json!({"requiredTests": ["lead"]}));
        ledger.make(1, 0, &lot(1));
        ledger.say(tester, minute, result(test, "pass"));
        ledger.say(1, 20, sale());
        let found = rules(&ledger.trace(&lot(1)));
        assert_eq!(found, expected, "{minute} {tester} {test}");
    }
    // What was not sold yet lacks nothing; what failed was not passed.
    let mut ledger = Ledger::with_firms();
    ledger.product_with(json!({"requiredTests": ["lead"]}));
    ledger.make(1, 0, &lot(1));
    assert_eq!(rules(&ledger.trace(&lot(1))), []);
    ledger.say(8, 10, result("lead", "fail")).say(1, 20, sale());
    let found = rules(&ledger.trace(&lot(1)));
    assert_eq!(found, [Rule::TestFailed, Rule::TestMissing]);
}

#[test]
fn a_test_of_the_lot_counts_for_its_serials() {
    let mut ledger = Ledger::with_firms();
    ledger.product_with(json!({"requiredTests": ["lead"]}));
    let made = with(
        on(&serial(1), "ADD", "commissioning"),
        "ilmd",
        json!({"cbvmda:lotNumber": "L1"}),
    );
    ledger.say(1, 0, made);
    ledger.say(1, 20, on(&serial(1), "DELETE", "retail_selling"));
    assert_eq!(rules(&ledger.trace(&serial(1))), [Rule::TestMissing]);
    ledger.say_recorded(8, 10, 30, result("lead", "pass"));
    let answer = ledger.trace(&serial(1));
    assert_eq!(rules(&answer), []);
    assert_eq!(answer.closed[0].rule, Rule::TestMissing);
}

#[test]
fn the_policy_asks_for_tests_of_what_is_recorded_after_it() {
    for (recorded, expected) in [(9, vec![]), (10, vec![Rule::TestMissing])] {
        let mut ledger = Ledger::with_firms();
        ledger.product_with(json!({"category": "05 乳制品"}));
        let licence = [("JY", "2020-01-01", "2040-01-01")];
        ledger.licensed(1, Role::Distributor, &licence);
        ledger.policy(10, "tests/05 乳制品", &json!(["coliforms"]));
        ledger.make(1, 0, &lot(1));
        let sale = on(&lot(1), "DELETE", "retail_selling");
        ledger.say_recorded(1, 5, recorded, sale);
        assert_eq!(rules(&ledger.trace(&lot(1))), expected, "{recorded}");
    }
}

#[test]
fn a_finding_names_its_articles_and_its_severity_by_the_policy_of_its_time() {
    use crate::policy::Severity;
    use crate::provenance::{Article, Law};
    for (recorded, severity) in [(49, Severity::Reject), (50, Severity::Flag)] {
        let mut ledger = Ledger::with_firms();
        ledger.product_with(json!({"category": "03 调味品"}));
        let licence = [("JY", "2020-01-01", "2040-01-01")];
        ledger.licensed(1, Role::Distributor, &licence);
        ledger.policy(50, "severity/expiry", &json!("flag"));
        ledger.say(1, 0, made_until(&lot(1), "2026-10-01"));
        let sale = on(&lot(1), "DELETE", "retail_selling");
        ledger.say_recorded(1, 40, recorded, sale);
        let finding = ledger.trace(&lot(1)).findings.remove(0);
        assert_eq!((finding.rule, finding.severity), (Rule::Expiry, severity));
        let article = Article {
            law: Law::FoodRegulation,
            number: "29",
        };
        assert_eq!(finding.articles, [article]);
        assert_eq!(finding.opened_at.0.0, at(recorded));
        assert_eq!(finding.closed_at, None);
    }
}

#[test]
fn what_the_policy_forbids_reddens_the_verdict_and_only_of_what_is_in_hand() {
    let mut ledger = Ledger::with_firms();
    ledger.policy(-1, "severity/custody", &json!("reject"));
    ledger.make(1, 0, &lot(1)).stock(3, 10, &lot(1));
    assert_eq!(ledger.trace(&lot(1)).verdict, Verdict::Violation);
    ledger.transform(3, 20, &[lot(1)], &[lot(2)]);
    let made = ledger.trace(&lot(2));
    assert!(rules(&made).contains(&Rule::Custody));
    assert_eq!(made.verdict, Verdict::Broken);
}

#[test]
fn the_policy_says_which_categories_are_key_varieties_and_else_the_product() {
    for (category, own, expected) in [
        ("疫苗", false, true),
        ("14 茶叶", true, true),
        ("14 茶叶", false, false),
        ("13 糖果", true, false),
    ] {
        let mut ledger = Ledger::with_firms();
        ledger.policy(900, "key-variety/13 糖果", &json!(false));
        ledger.product_with(json!({"category": category, "keyVariety": own}));
        ledger.make(1, 0, &lot(1));
        let answer = ledger.trace(&lot(1));
        let product = answer.products.values().next().unwrap();
        assert_eq!(product.key_variety, expected, "{category} {own}");
    }
}
