//! What a participant of bad will can, and cannot, do to another's goods: to their verdict, and to
//! the work that an answer takes.

use super::ledger::{Ledger, asset, at, lot, on, serial, who, with};
use crate::cbor::Map;
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::provenance::answer::Verdict;
use crate::provenance::{Limits, trace};
use crate::state::Role;
use serde_json::{Value as Json, json};

fn recalled(item: &str, key: &str) -> Json {
    with(
        on(item, "OBSERVE", "inspecting"),
        "persistentDisposition",
        json!({key: ["recalled"]}),
    )
}

fn failed(item: &str) -> Json {
    let test = json!({"report": "urn:x:r", "conclusion": "fail", "items": []});
    with(on(item, "OBSERVE", "inspecting"), "sy:test", test)
}

/// The ledger with an authority under this number and district.
fn authority(ledger: &mut Ledger, number: u8, district: &str) {
    ledger.admit_in(district, who(number), &[Role::Regulator], Map::new(), &[]);
}

#[test]
fn thousands_of_things_put_into_anothers_lot_are_cut_at_the_limit_on_items() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    let children: Vec<String> = (1..=5_000).map(serial).collect();
    ledger.pack(3, 10, "ADD", &lot(1), &children);
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.cut.unwrap().limit, "items");
    assert!(ledger.asked.len() < 3 * Limits::DEFAULT.items);
}

#[test]
fn what_was_taken_out_of_a_full_container_is_not_inside() {
    let mut ledger = Ledger::with_firms();
    let all: Vec<String> = (1..=4).map(serial).collect();
    ledger.pack(1, 1, "ADD", &asset(1), &all);
    ledger.pack(1, 2, "DELETE", &asset(1), &all[..1]);
    ledger.pack(1, 3, "DELETE", &asset(1), &[]);
    ledger.pack(1, 4, "ADD", &asset(1), &all[2..]);
    let contents = |ledger: &mut Ledger, minute| {
        let answer = ledger.trace_at(&asset(1), minute);
        let breaks = answer.breaks.into_iter().map(|one| one.item);
        breaks.collect::<Vec<_>>()
    };
    // Nobody made them: each that is inside lacks its origin.
    assert_eq!(contents(&mut ledger, 1), all);
    assert_eq!(contents(&mut ledger, 2), all[1..]);
    assert_eq!(contents(&mut ledger, 3), Vec::<String>::new());
    assert_eq!(contents(&mut ledger, 4), all[2..]);
}

#[test]
fn goods_recoded_more_than_thirty_two_times_are_cut_and_say_so() {
    for (times, cut) in [(32, None), (33, Some("recodes"))] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &lot(0));
        for number in 1..=times {
            ledger.recode(1, &lot(number - 1), &lot(number));
        }
        let answer = ledger.trace(&lot(0));
        assert_eq!(answer.cut.map(|cut| cut.limit), cut);
        assert_eq!(answer.complete, cut.is_none());
    }
}

#[test]
fn strangers_recodes_neither_join_nor_break_nor_cut_anothers_goods() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    for number in 2..=100 {
        ledger.make(3, 0, &lot(number));
        ledger.say(3, 5, failed(&lot(number)));
        ledger.recode(3, &lot(number), &lot(1));
        ledger.recode(3, &lot(1), &lot(number));
    }
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.verdict, Verdict::Complete, "{:?}", answer.breaks);
    assert_eq!(answer.steps.len(), 1);
    // Nor does the stranger's own code show the other's story.
    assert_eq!(ledger.trace(&lot(2)).verdict, Verdict::FailedTest);
}

#[test]
fn the_work_of_an_answer_is_bounded_and_names_count() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    for minute in 1..=10 {
        ledger.pack(1, minute, "ADD", &asset(1), &[lot(1)]);
    }
    let item = Identifier::parse(&lot(1)).unwrap();
    let cut = |ledger: &mut Ledger, work| {
        let limits = Limits {
            work,
            ..Limits::DEFAULT
        };
        let answer = trace(ledger, &item, UnixMillis(at(1_000)), limits).unwrap();
        assert_eq!(answer.complete, answer.cut.is_none());
        answer.cut.map(|cut| cut.limit)
    };
    let needed = (1..1_000).find(|work| cut(&mut ledger, *work).is_none());
    let needed = needed.unwrap();
    assert_eq!(cut(&mut ledger, needed - 1), Some("events"));
    // Thirty-one for the lot's own list, as many for the case's, and more than once each.
    assert!((2 * 31..20 * 31).contains(&needed), "{needed}");
    ledger.admit(who(1), &[Role::Distributor], Map::new(), &[]);
    assert_eq!(cut(&mut ledger, needed), Some("events"), "one name more");
}

#[test]
fn a_lot_put_into_a_thousand_containers_is_cut_by_the_work_it_takes() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    let others: Vec<String> = (10..40).map(lot).chain([lot(1)]).collect();
    for number in 1..1_000 {
        ledger.pack(3, i64::from(number), "ADD", &asset(number), &others);
    }
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.cut.unwrap().limit, "events");
}

#[test]
fn receiving_what_was_never_shipped_gives_no_right_to_recall_fail_or_recode() {
    for item in [lot(1), serial(1)] {
        let mut ledger = Ledger::with_firms();
        ledger.make(1, 0, &item).receive(3, 1, 10, &item);
        ledger.say(3, 20, recalled(&item, "set"));
        ledger.say(3, 21, failed(&item)).recode(3, &item, &lot(9));
        // Nor by making it again, nor by handing it to a friend.
        ledger.make(4, 22, &item).say(4, 23, recalled(&item, "set"));
        ledger.ship(3, 5, 24, &item).receive(5, 3, 25, &item);
        ledger.say(5, 26, failed(&item));
        let answer = ledger.trace(&item);
        assert_eq!(answer.verdict, Verdict::Broken);
        assert!(answer.breaks.iter().all(|one| one.item == item));
    }
}

#[test]
fn whom_a_proved_holder_names_as_receiver_may_recall() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    ledger.ship(1, 2, 10, &lot(1)).receive(2, 1, 11, &lot(1));
    ledger.ship(2, 4, 20, &lot(1)).receive(4, 2, 21, &lot(1));
    ledger.say(4, 30, recalled(&lot(1), "set"));
    assert_eq!(ledger.trace(&lot(1)).verdict, Verdict::Recalled);
}

#[test]
fn an_authoritys_recall_counts_within_its_district_only() {
    for (district, verdict) in [
        ("51", Verdict::Recalled),
        ("5101", Verdict::Recalled),
        ("510100", Verdict::Recalled),
        ("510117", Verdict::Complete),
        ("5001", Verdict::Complete),
        ("54", Verdict::Complete),
    ] {
        let mut ledger = Ledger::with_firms();
        authority(&mut ledger, 10, district);
        ledger.make(1, 0, &lot(1));
        let making = json!({"cbvmda:lotNumber": "L1"});
        ledger.say(
            1,
            1,
            with(on(&serial(1), "ADD", "commissioning"), "ilmd", making),
        );
        ledger.say(10, 10, recalled(&lot(1), "set"));
        assert_eq!(ledger.trace(&lot(1)).verdict, verdict, "{district}");
        assert_eq!(ledger.trace(&serial(1)).verdict, verdict, "{district}");
    }
}

#[test]
fn where_a_serial_came_to_the_authority_may_recall_its_lot() {
    let mut ledger = Ledger::with_firms();
    authority(&mut ledger, 10, "5001");
    ledger.admit_in("500112", who(11), &[Role::Retailer], Map::new(), &[]);
    ledger.make(1, 0, &lot(1));
    for number in 1..=2 {
        let making = json!({"cbvmda:lotNumber": "L1"});
        let fields = on(&serial(number), "ADD", "commissioning");
        ledger.say(1, 1, with(fields, "ilmd", making));
    }
    ledger
        .ship(1, 11, 2, &serial(1))
        .receive(11, 1, 3, &serial(1));
    ledger.say(10, 10, recalled(&lot(1), "set"));
    assert_eq!(ledger.trace(&serial(1)).verdict, Verdict::Recalled);
    assert_eq!(ledger.trace(&serial(2)).verdict, Verdict::Complete);
}

#[test]
fn a_recall_is_ended_only_by_its_setter_or_who_is_set_over_it() {
    for (setter, ender, verdict) in [
        ("5101", "51", Verdict::Complete),
        ("5101", "5101", Verdict::Complete),
        ("51", "5101", Verdict::Recalled),
        ("5101", "50", Verdict::Recalled),
    ] {
        let mut ledger = Ledger::with_firms();
        authority(&mut ledger, 10, setter);
        authority(&mut ledger, 11, ender);
        ledger.make(1, 0, &lot(1));
        ledger.say(10, 10, recalled(&lot(1), "set"));
        ledger.say(11, 20, recalled(&lot(1), "unset"));
        assert_eq!(ledger.trace(&lot(1)).verdict, verdict, "{setter} {ender}");
        ledger.say(10, 30, recalled(&lot(1), "unset"));
        assert_eq!(ledger.trace(&lot(1)).verdict, Verdict::Complete);
    }
}

#[test]
fn an_answer_whose_own_list_is_cut_is_broken_at_best_and_red_where_it_was() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    let mut red = ledger.clone();
    red.say(1, 1, recalled(&lot(1), "set"));
    for (mut ledger, verdict) in [(ledger, Verdict::Broken), (red, Verdict::Recalled)] {
        for minute in 2..1_010 {
            ledger.stock(1, minute, &lot(1));
        }
        let answer = ledger.trace(&lot(1));
        assert_eq!(answer.cut.unwrap().limit, "list");
        assert!(!answer.complete);
        assert_eq!(answer.verdict, verdict);
    }
}
