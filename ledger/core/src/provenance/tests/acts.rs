//! Checks before an act: each ground where it stops the act, where it must not, and at its edge.

use super::ledger::{Ledger, asset, at, event, hand_over, lot, on, party, serial, who, with};
use crate::check::{Act, Answer, Decision, Question, REASONS_MAX, check};
use crate::event::Event;
use crate::identifier::Identifier;
use crate::ids::{Handle, UnixMillis};
use crate::provenance::Limits;
use crate::provenance::answer::Verdict;
use crate::registry::Action;
use crate::store::EventRef;
use serde_json::{Value as Json, json};

const PALLET: &str = "https://id.gs1.org/00/069098130000001010";

impl Ledger {
    fn ask(&mut self, item: &str, act: Act, actor: Option<Handle>, minute: i64) -> Answer {
        let question = Question {
            item: Identifier::parse(item).unwrap(),
            act,
            actor,
            at: UnixMillis(at(minute)),
        };
        check(self, &question, Limits::DEFAULT).unwrap().answer
    }

    /// Decision and deciding rules of an act of participant `number` at minute 1,000.
    fn may(&mut self, number: u8, act: Act, item: &str) -> (Decision, Vec<String>) {
        decided(&self.ask(item, act, Some(who(number)), 1_000))
    }
}

/// The decision and the rules that make it.
fn decided(answer: &Answer) -> (Decision, Vec<String>) {
    let graver = |reason: &&crate::check::Reason| {
        reason.decision == answer.decision && answer.decision != Decision::Allow
    };
    let mut rules: Vec<String> = answer
        .reasons
        .iter()
        .filter(graver)
        .map(|reason| reason.rule.clone())
        .collect();
    rules.dedup();
    (answer.decision, rules)
}

fn says(decision: Decision, rules: &[&str]) -> (Decision, Vec<String>) {
    (
        decision,
        rules.iter().map(|&rule| rule.to_owned()).collect(),
    )
}

fn allowed() -> (Decision, Vec<String>) {
    says(Decision::Allow, &[])
}

/// A jar of a lot made by 1, shipped to and received by 2.
fn jar() -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &serial(1))
        .ship(1, 2, 10, &serial(1))
        .receive(2, 1, 20, &serial(1));
    ledger
}

fn recall(item: &str) -> Json {
    let fields = on(item, "OBSERVE", "other");
    with(
        fields,
        "persistentDisposition",
        json!({"set": ["recalled"]}),
    )
}

#[test]
fn what_is_in_order_is_allowed() {
    let mut ledger = jar();
    for act in [Act::Sell, Act::Use, Act::Dispense] {
        assert_eq!(ledger.may(2, act, &serial(1)), allowed(), "{act:?}");
    }
    let nobody = ledger.ask(&serial(1), Act::Sell, None, 1_000);
    assert_eq!((nobody.decision, nobody.reasons), (Decision::Allow, vec![]));
}

#[test]
fn recalled_goods_go_nowhere_but_back() {
    let mut ledger = jar();
    ledger.say(1, 30, recall(&serial(1)));
    let stops = says(Decision::Refuse, &["recalled"]);
    for act in [Act::Sell, Act::Use, Act::Dispense] {
        assert_eq!(ledger.may(2, act, &serial(1)), stops, "{act:?}");
    }
    let order = &ledger
        .ask(&serial(1), Act::Sell, Some(who(2)), 1_000)
        .reasons[0];
    assert_eq!(order.whose.as_deref(), Some(party(1).as_str()));
    assert_eq!(order.articles, ["食品安全法 63"]);
    assert_eq!(order.events.len(), 1);
    ledger.ship(2, 1, 40, &serial(1));
    assert_eq!(ledger.may(1, Act::Receive, &serial(1)), allowed());
    ledger.ship(2, 3, 50, &serial(1));
    assert_eq!(ledger.may(3, Act::Receive, &serial(1)), stops);
}

#[test]
fn a_strangers_recall_stops_nobody_and_an_ended_one_no_longer() {
    let mut ledger = jar();
    ledger.say(5, 30, recall(&serial(1)));
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)).0, Decision::Allow);
    ledger.say(1, 31, recall(&serial(1)));
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)).0, Decision::Refuse);
    let end = json!({"unset": ["recalled"]});
    let end = with(
        on(&serial(1), "OBSERVE", "other"),
        "persistentDisposition",
        end,
    );
    ledger.say(1, 32, end);
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)).0, Decision::Allow);
}

#[test]
fn what_an_authority_holds_waits() {
    let mut ledger = jar();
    ledger.say(9, 30, on(&serial(1), "OBSERVE", "holding"));
    let waits = says(Decision::Hold, &["held"]);
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)), waits);
}

fn test_result(item: &str, conclusion: &str) -> Json {
    let fields = on(item, "OBSERVE", "inspecting");
    with(fields, "sy:test", json!({"conclusion": conclusion}))
}

#[test]
fn a_failed_test_refuses_the_goods_and_holds_what_was_made_of_them() {
    let mut ledger = jar();
    ledger.transform(2, 30, &[serial(1)], &[lot(7)]);
    ledger.say(8, 40, test_result(&lot(7), "pass"));
    assert_eq!(ledger.may(2, Act::Sell, &lot(7)), allowed());
    ledger.say(8, 50, test_result(&serial(1), "fail"));
    let waits = says(Decision::Hold, &["input_failed_test"]);
    assert_eq!(ledger.may(2, Act::Sell, &lot(7)), waits);
    ledger.say(8, 60, test_result(&lot(7), "fail"));
    let stops = says(Decision::Refuse, &["failed_test"]);
    assert_eq!(ledger.may(2, Act::Sell, &lot(7)), stops);
}

#[test]
fn the_last_day_still_counts_and_the_next_does_not() {
    let mut ledger = Ledger::with_firms();
    let ilmd = json!({"cbvmda:itemExpirationDate": "2026-11-02"});
    ledger.say(
        1,
        0,
        with(on(&lot(1), "ADD", "commissioning"), "ilmd", ilmd),
    );
    // Midnight in China is 16:00 UTC; stories begin at midnight UTC of the first.
    let midnight = 24 * 60 + 16 * 60;
    let at_minute = |ledger: &mut Ledger, minute| {
        decided(&ledger.ask(&lot(1), Act::Sell, Some(who(1)), minute))
    };
    assert_eq!(at_minute(&mut ledger, midnight - 1), allowed());
    let stops = says(Decision::Refuse, &["expired"]);
    assert_eq!(at_minute(&mut ledger, midnight), stops);
}

#[test]
fn an_unknown_code_waits_at_the_door_and_never_reaches_a_person() {
    let mut ledger = jar();
    let unknown = serial(99);
    let waits = says(Decision::Hold, &["unknown"]);
    assert_eq!(ledger.may(2, Act::Receive, &unknown), waits);
    assert_eq!(ledger.may(2, Act::Sell, &unknown), waits);
    let drug = "urn:suyuan:drug:83901174207713350035";
    let stops = says(Decision::Refuse, &["unknown"]);
    assert_eq!(ledger.may(2, Act::Dispense, drug), stops);
    assert_eq!(ledger.may(2, Act::Receive, drug), waits);
}

#[test]
fn one_thing_is_sold_once_and_used_once() {
    let mut ledger = jar();
    ledger.say(2, 30, on(&serial(1), "OBSERVE", "retail_selling"));
    let (decision, rules) = ledger.may(2, Act::Sell, &serial(1));
    assert_eq!(decision, Decision::Refuse);
    assert!(rules.contains(&"sold".to_owned()), "{rules:?}");
    let mut ledger = jar();
    ledger.transform(2, 30, &[serial(1)], &[lot(7)]);
    let (decision, rules) = ledger.may(2, Act::Use, &serial(1));
    assert_eq!(decision, Decision::Refuse);
    assert!(rules.contains(&"used".to_owned()), "{rules:?}");
}

#[test]
fn a_lot_is_sold_many_times() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    ledger.say(1, 30, on(&lot(1), "OBSERVE", "retail_selling"));
    ledger.say(1, 40, on(&lot(1), "DELETE", "destroying"));
    assert_eq!(ledger.may(1, Act::Sell, &lot(1)), allowed());
}

#[test]
fn only_who_has_it_may_sell_it() {
    let mut ledger = jar();
    let stops = says(Decision::Refuse, &["not_holder"]);
    assert_eq!(ledger.may(3, Act::Sell, &serial(1)), stops);
    // On its way, and not yet received.
    ledger.ship(2, 3, 30, &serial(1));
    let waits = says(Decision::Hold, &["not_received"]);
    assert_eq!(ledger.may(3, Act::Sell, &serial(1)), waits);
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)), stops);
    assert_eq!(ledger.may(3, Act::Receive, &serial(1)), allowed());
    let waits = says(Decision::Hold, &["not_addressed"]);
    assert_eq!(ledger.may(4, Act::Receive, &serial(1)), waits);
}

#[test]
fn a_strangers_claim_stops_nobodys_till() {
    let mut ledger = jar();
    ledger.stock(5, 30, &serial(1));
    let answer = ledger.ask(&serial(1), Act::Sell, Some(who(2)), 1_000);
    assert_eq!(answer.decision, Decision::Allow);
    assert!(
        answer
            .reasons
            .iter()
            .any(|reason| reason.rule == "chain_broken")
    );
}

#[test]
fn a_stranger_waits_and_a_suspended_firm_stops() {
    let mut ledger = jar();
    let waits = says(Decision::Hold, &["actor_unknown"]);
    assert_eq!(ledger.may(77, Act::Sell, &serial(1)), waits);
    ledger.act(
        who(9),
        Action::Suspend(who(2)),
        crate::cbor::Map::new(),
        &[party(2)],
    );
    let stops = says(Decision::Refuse, &["actor_suspended"]);
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)), stops);
}

#[test]
fn what_is_packed_is_unpacked_first() {
    let mut ledger = jar();
    ledger.pack(2, 30, "ADD", PALLET, &[serial(1)]);
    let answer = ledger.ask(&serial(1), Act::Sell, Some(who(2)), 1_000);
    assert_eq!(decided(&answer), says(Decision::Hold, &["packed"]));
    assert_eq!(answer.reasons[0].item, PALLET);
    ledger.pack(2, 40, "DELETE", PALLET, &[serial(1)]);
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)), allowed());
}

#[test]
fn a_missing_link_is_named_with_whose_it_is() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .ship(1, 7, 10, &lot(1))
        .ship(3, 2, 30, &lot(1));
    let answer = ledger.ask(&lot(1), Act::Receive, Some(who(2)), 1_000);
    assert_eq!(decided(&answer), says(Decision::Hold, &["chain_broken"]));
    assert_eq!(answer.reasons[0].whose.as_deref(), Some(party(7).as_str()));
    // A shop's till is not stopped by another's silence; the reason is told.
    ledger.receive(2, 3, 40, &lot(1));
    let answer = ledger.ask(&lot(1), Act::Sell, Some(who(2)), 1_000);
    assert_eq!(answer.decision, Decision::Allow);
    assert!(
        answer
            .reasons
            .iter()
            .any(|reason| reason.rule == "chain_broken")
    );
}

/// `fields` with a reading at each of these minutes.
fn read(fields: Json, readings: &[(i64, f64)]) -> Json {
    let elements: Vec<Json> = readings
        .iter()
        .map(|(minute, celsius)| {
            json!({
                "sensorMetadata": {"time": crate::time::format_utc(UnixMillis(at(*minute)))},
                "sensorReport": [{"type": "Temperature", "value": celsius, "uom": "CEL"}],
            })
        })
        .collect();
    with(fields, "sensorElementList", json!(elements))
}

/// A box made by 1 and shipped straight to 2 at minute 10, read every ten minutes until `until`
/// at these degrees.
fn shipped(class: &str, until: i64, celsius: f64) -> Ledger {
    let mut ledger = Ledger::with_firms();
    ledger.product(class, 300);
    ledger.make(1, 0, &serial(1)).ship(1, 2, 10, &serial(1));
    let readings: Vec<(i64, f64)> = (1..=until / 10).map(|step| (step * 10, celsius)).collect();
    if !readings.is_empty() {
        let fields = read(on(&serial(1), "OBSERVE", "sensor_reporting"), &readings);
        ledger.say(1, until, fields);
    }
    ledger
}

#[test]
fn a_vaccine_is_received_with_its_full_record_only() {
    let receive = |class, until, celsius| {
        let mut ledger = shipped(class, until, celsius);
        decided(&ledger.ask(&serial(1), Act::Receive, Some(who(2)), 120))
    };
    assert_eq!(receive("VACCINE", 120, 5.0), allowed());
    // The limit itself is within it, and half an interval is jitter.
    assert_eq!(receive("VACCINE", 110, 8.0), allowed());
    let no_record = says(Decision::Refuse, &["temperature_gap"]);
    assert_eq!(receive("VACCINE", 100, 5.0), no_record);
    assert_eq!(receive("VACCINE", 0, 5.0), no_record);
    let excursion = says(Decision::Refuse, &["temperature_breach"]);
    assert_eq!(receive("VACCINE", 120, 8.1), excursion);
    // Food waits for its record.
    let waits = says(Decision::Hold, &["temperature_gap"]);
    assert_eq!(receive("CHILLED", 0, 5.0), waits);
    assert_eq!(receive("AMBIENT", 0, 5.0), allowed());
}

#[test]
fn a_vaccine_taken_in_against_the_answer_stays_refused() {
    let mut ledger = shipped("VACCINE", 120, 8.1);
    ledger.receive(2, 1, 121, &serial(1));
    // The goods are no better for it, and the acceptance is an offence of its own.
    let stops = says(
        Decision::Refuse,
        &[
            "temperature_breach",
            "vaccine_unrecorded",
            "vaccine_excursion",
        ],
    );
    assert_eq!(ledger.may(2, Act::Dispense, &serial(1)), stops);
    assert_eq!(ledger.trace(&serial(1)).verdict, Verdict::Violation);
}

const DAY: i64 = 24 * 60;

fn inspected(item: &str, conclusion: &str, next: &str) -> Json {
    let mut inspection = json!({"conclusion": conclusion});
    if !next.is_empty() {
        inspection["next"] = next.into();
    }
    let fields = on(item, "OBSERVE", "inspecting");
    with(fields, "sy:inspection", inspection)
}

/// A cylinder made by 1 with its valve, due on 2026-11-10, and filled by 2.
fn cylinder() -> Ledger {
    let mut ledger = Ledger::with_firms();
    let dates = json!({"nextInspection": "2026-11-10", "scrapAfter": "2026-11-30"});
    let made = on(&asset(1), "ADD", "commissioning");
    let made = with(made, "ilmd", json!({"sy:cylinder": dates}));
    ledger.say(1, 0, made).make(1, 0, &asset(2));
    let valve = json!({
        "type": "AssociationEvent", "action": "ADD", "bizStep": "installing",
        "parentID": asset(1), "childEPCs": [asset(2)],
    });
    ledger
        .say(1, 1, valve)
        .ship(1, 2, 10, &asset(1))
        .receive(2, 1, 20, &asset(1));
    ledger
}

fn fill(ledger: &mut Ledger, minute: i64) -> (Decision, Vec<String>) {
    decided(&ledger.ask(&asset(1), Act::Fill, Some(who(2)), minute))
}

#[test]
fn a_cylinder_is_filled_until_its_inspection_is_due() {
    let mut ledger = cylinder();
    // The last day ends at 16:00 UTC.
    let due = 9 * DAY + 16 * 60;
    let overdue = says(Decision::Refuse, &["inspection_overdue"]);
    assert_eq!(fill(&mut ledger, due - 1), allowed());
    assert_eq!(fill(&mut ledger, due), overdue);
    // A firm's own word gives no date; a laboratory's does, also when it comes late.
    ledger.say(2, 5 * DAY, inspected(&asset(1), "pass", "2030-11-10"));
    assert_eq!(fill(&mut ledger, due), overdue);
    let passed = inspected(&asset(1), "pass", "2030-11-10");
    ledger.say_recorded(8, 6 * DAY, 20 * DAY, passed);
    assert_eq!(fill(&mut ledger, due), allowed());
}

#[test]
fn an_unfit_cylinder_is_not_filled_until_it_passes_again() {
    let mut ledger = cylinder();
    ledger.say(2, DAY, inspected(&asset(1), "fail", ""));
    let unfit = says(Decision::Refuse, &["inspection_failed"]);
    assert_eq!(fill(&mut ledger, 2 * DAY), unfit);
    ledger.say(2, 2 * DAY, inspected(&asset(1), "pass", ""));
    assert_eq!(fill(&mut ledger, 3 * DAY), allowed());
    // What the inspector found, the filler's own look does not mend.
    ledger.say(8, 3 * DAY, inspected(&asset(1), "fail", ""));
    ledger.say(2, 4 * DAY, inspected(&asset(1), "pass", ""));
    assert_eq!(fill(&mut ledger, 5 * DAY), unfit);
    // A stranger's look is nobody's.
    let mut ledger = cylinder();
    ledger.say(5, DAY, inspected(&asset(1), "fail", ""));
    assert_eq!(fill(&mut ledger, 2 * DAY), allowed());
}

#[test]
fn a_bad_valve_is_as_bad_as_a_bad_cylinder() {
    let mut ledger = cylinder();
    ledger.say(8, DAY, inspected(&asset(2), "fail", ""));
    let answer = ledger.ask(&asset(1), Act::Fill, Some(who(2)), 2 * DAY);
    assert_eq!(
        decided(&answer),
        says(Decision::Refuse, &["inspection_failed"])
    );
    assert_eq!(answer.reasons[0].item, asset(2));
    let change = |action: &str, valve| {
        json!({
            "type": "AssociationEvent", "action": action, "bizStep": "replacing",
            "parentID": asset(1), "childEPCs": [valve],
        })
    };
    ledger.make(2, 2 * DAY, &asset(3));
    ledger.say(2, 3 * DAY, change("DELETE", asset(2)));
    ledger.say(2, 3 * DAY, change("ADD", asset(3)));
    assert_eq!(fill(&mut ledger, 4 * DAY), allowed());
}

#[test]
fn a_cylinder_is_filled_until_the_day_it_is_to_be_scrapped() {
    let mut ledger = cylinder();
    let passed = inspected(&asset(1), "pass", "2030-11-10");
    ledger.say(8, DAY, passed);
    let day = 29 * DAY + 16 * 60;
    assert_eq!(fill(&mut ledger, day - 1), allowed());
    assert_eq!(
        fill(&mut ledger, day),
        says(Decision::Refuse, &["scrapped"])
    );
}

#[test]
fn a_scrapped_cylinder_is_never_filled_and_what_was_never_inspected_neither() {
    let mut ledger = cylinder();
    let scrapped = with(
        on(&asset(1), "DELETE", "decommissioning"),
        "disposition",
        "destroyed".into(),
    );
    ledger.say(5, DAY, scrapped.clone());
    assert_eq!(
        fill(&mut ledger, 2 * DAY).0,
        Decision::Allow,
        "a stranger's word"
    );
    ledger.say(8, 2 * DAY, scrapped);
    let (decision, rules) = fill(&mut ledger, 3 * DAY);
    assert_eq!(decision, Decision::Refuse);
    assert!(rules.contains(&"scrapped".to_owned()), "{rules:?}");
    let mut ledger = jar();
    let never = says(Decision::Refuse, &["inspection_missing"]);
    assert_eq!(ledger.may(2, Act::Fill, &serial(1)), never);
    assert_eq!(ledger.may(2, Act::Sell, &serial(1)), allowed());
}

#[test]
fn filling_needs_the_cylinder() {
    let mut ledger = cylinder();
    let filled = || on(&asset(1), "OBSERVE", crate::provenance::cylinder::FILLING);
    ledger.say(2, 30, filled());
    assert_eq!(ledger.trace(&asset(1)).verdict, Verdict::Complete);
    ledger.say(3, 40, filled());
    assert_eq!(ledger.trace(&asset(1)).verdict, Verdict::Broken);
}

#[test]
fn a_finding_decides_by_the_policys_severity_and_cites_its_articles() {
    let mut ledger = Ledger::with_firms();
    let category = "12 速冻食品";
    let record = super::ledger::map(&json!({
        "id": "https://id.gs1.org/01/06909813001010", "name": {"zh": "饺", "en": "Dumplings"},
        "category": category, "storageClass": "AMBIENT", "requiredTests": ["coliforms"],
    }));
    let product = "https://id.gs1.org/01/06909813001010".to_owned();
    ledger.act(who(1), Action::Product, record, &[product]);
    ledger.make(1, 0, &lot(1));
    assert_eq!(ledger.may(1, Act::Sell, &lot(1)).0, Decision::Allow);
    // On the shelf without its test: held, until the result arrives.
    ledger.stock(1, 10, &lot(1));
    let answer = ledger.ask(&lot(1), Act::Sell, Some(who(1)), 1_000);
    assert_eq!(decided(&answer), says(Decision::Hold, &["test_missing"]));
    assert_eq!(answer.reasons[0].articles, ["食品安全法 51"]);
}

#[test]
fn a_cut_answer_waits_for_a_person() {
    let mut ledger = jar();
    let question = Question {
        item: Identifier::parse(&serial(1)).unwrap(),
        act: Act::Sell,
        actor: None,
        at: UnixMillis(at(1_000)),
    };
    let limits = Limits {
        list: 1,
        ..Limits::DEFAULT
    };
    let answer = check(&mut ledger, &question, limits).unwrap().answer;
    assert_eq!(answer.decision, Decision::Hold);
    assert!(answer.reasons.iter().any(|reason| reason.rule == "cut"));
}

#[test]
fn reasons_are_few_and_the_gravest_come_first() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    for number in 0..60 {
        let actor = 2 + u8::try_from(number % 5).unwrap();
        ledger.say(
            actor,
            10 + number,
            hand_over(&lot(1), "receiving", 6, actor),
        );
    }
    ledger.say(1, 100, recall(&lot(1)));
    let answer = ledger.ask(&lot(1), Act::Sell, Some(who(1)), 1_000);
    assert!(answer.reasons.len() <= REASONS_MAX);
    assert_eq!(answer.reasons[0].rule, "recalled");
    assert!(
        answer
            .reasons
            .is_sorted_by_key(|one| std::cmp::Reverse(one.decision))
    );
}

#[test]
fn a_check_agrees_with_the_trace_of_the_same_moment() {
    let mut ledger = jar();
    ledger.say(8, 30, test_result(&serial(1), "fail"));
    let answer = ledger.ask(&serial(1), Act::Sell, None, 1_000);
    assert_eq!(ledger.trace(&serial(1)).verdict, Verdict::FailedTest);
    assert_eq!(answer.decision, Decision::Refuse);
    let shown: Vec<EventRef> = answer.reasons[0].events.clone();
    let tests = ledger.trace(&serial(1)).tests;
    assert_eq!(shown, [tests[0].at]);
}

#[test]
fn the_step_of_filling_is_a_word_of_ones_own() {
    let fields = on(&asset(1), "OBSERVE", crate::provenance::cylinder::FILLING);
    let event: Event = event(0, fields);
    assert_eq!(event.biz_step(), Some(crate::provenance::cylinder::FILLING));
}
