//! The shape of the walk: cycles, limits, order of recording, and back against forward.

use super::ledger::{Ledger, asset, at, hand_over, lot, on, party, serial, who};
use crate::cbor::Map;
use crate::identifier::Identifier;
use crate::ids::UnixMillis;
use crate::provenance::answer::Verdict;
use crate::provenance::asked::Asked;
use crate::provenance::forward::How;
use crate::provenance::names::Names;
use crate::provenance::walk::{Part, back};
use crate::provenance::{Limits, trace};
use crate::registry::Action;
use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// The lots through which the walk back from `item` comes.
fn walked(ledger: &mut Ledger, item: &str) -> BTreeSet<String> {
    let item = Identifier::parse(item).unwrap();
    let mut asked = Asked::new(ledger, Limits::DEFAULT);
    let mut names = Names::default();
    let walk = back(&mut asked, &mut names, &item, UnixMillis(at(1_000))).unwrap();
    let inputs = walk
        .nodes
        .into_iter()
        .filter(|(_, node)| node.part != Part::Lot);
    inputs.map(|(id, _)| id).collect()
}

#[test]
fn goods_made_of_one_another_end_the_walk() {
    let mut ledger = Ledger::with_firms();
    ledger
        .transform(1, 10, &[lot(2)], &[lot(1)])
        .transform(1, 20, &[lot(1)], &[lot(2)]);
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.steps.len(), 2);
    assert_eq!(ledger.forward(&lot(1)).items.len(), 2);
}

#[test]
fn goods_made_of_themselves_end_the_walk() {
    let mut ledger = Ledger::with_firms();
    ledger.transform(1, 10, &[lot(1)], &[lot(1)]);
    assert_eq!(ledger.trace(&lot(1)).steps.len(), 1);
    assert_eq!(ledger.forward(&lot(1)).items.len(), 1);
}

#[test]
fn containers_inside_themselves_and_one_another_end_the_walk() {
    let (one, other) = (asset(1), asset(2));
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &serial(1))
        .pack(1, 1, "ADD", &one, &[serial(1), one.clone()]);
    ledger.pack(1, 2, "ADD", &other, std::slice::from_ref(&one));
    ledger.pack(1, 3, "ADD", &one, std::slice::from_ref(&other));
    for item in [serial(1), one.clone(), other] {
        assert!(!ledger.trace(&item).steps.is_empty());
        assert!(!ledger.forward(&item).items.is_empty());
    }
}

#[test]
fn a_chain_of_ten_thousand_is_cut_by_depth_and_says_so() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(0));
    for number in 1..10_000 {
        ledger.transform(1, i64::from(number), &[lot(number - 1)], &[lot(number)]);
    }
    let answer = ledger.trace(&lot(9_999));
    assert_eq!(answer.cut.unwrap().limit, "depth");
    assert_eq!(answer.verdict, Verdict::Broken);
    assert!(
        !answer.complete && answer.breaks.is_empty(),
        "{:?}",
        answer.breaks
    );
    assert_eq!(ledger.forward(&lot(0)).cut.unwrap().limit, "depth");
    // Without that limit the one on items ends it.
    let limits = Limits {
        depth: u32::MAX,
        ..Limits::DEFAULT
    };
    let item = Identifier::parse(&lot(9_999)).unwrap();
    let answer = trace(&mut ledger, &item, UnixMillis(at(0)), limits).unwrap();
    assert_eq!(answer.cut.unwrap().limit, "items");
}

#[test]
fn depth_is_cut_one_step_beyond_the_limit() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(0));
    for number in 1..=65 {
        ledger.transform(1, i64::from(number), &[lot(number - 1)], &[lot(number)]);
    }
    assert!(ledger.trace(&lot(64)).complete);
    assert!(ledger.trace(&lot(65)).cut.is_some());
}

#[test]
fn a_long_list_and_too_many_events_are_cut_and_say_so() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    for minute in 1..1_000 {
        ledger.stock(1, minute, &lot(1));
    }
    assert!(ledger.trace(&lot(1)).complete, "a thousand is not too long");
    let item = Identifier::parse(&lot(1)).unwrap();
    let limits = Limits {
        events: 999,
        ..Limits::DEFAULT
    };
    let answer = trace(&mut ledger, &item, UnixMillis(at(0)), limits).unwrap();
    assert_eq!(answer.cut.unwrap().limit, "events");
    ledger.stock(1, 1_000, &lot(1));
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.cut.unwrap().limit, "list");
    assert!(!answer.complete);
}

/// A suspension behind a thousand keys of one's own must not go unnoticed.
#[test]
fn a_participants_list_that_is_too_long_is_a_cut() {
    let mut ledger = Ledger::with_firms();
    ledger.make(1, 0, &lot(1));
    let delegate = |ledger: &mut Ledger| {
        let action = Action::Delegate {
            delegate: who(2),
            until: UnixMillis(0),
        };
        ledger.act(who(1), action, Map::new(), &[party(1)]);
    };
    for _ in 1..1_000 {
        delegate(&mut ledger);
    }
    assert!(ledger.trace(&lot(1)).complete, "a thousand is not too long");
    delegate(&mut ledger);
    let answer = ledger.trace(&lot(1));
    assert_eq!(answer.cut.unwrap().limit, "list");
    assert!(!answer.complete);
}

#[test]
fn an_item_used_early_and_late_is_walked_until_the_later_use() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .transform(1, 10, &[lot(1)], &[lot(2)]);
    ledger.ship(1, 2, 20, &lot(1)).receive(2, 1, 30, &lot(1));
    ledger.ship(1, 2, 21, &lot(2)).receive(2, 1, 31, &lot(2));
    ledger.transform(2, 40, &[lot(1), lot(2)], &[lot(3)]);
    let answer = ledger.trace(&lot(3));
    assert!(answer.complete, "{:?}", answer.breaks);
    assert_eq!(answer.steps.len(), 7);
    let depths: BTreeMap<u32, usize> = answer.steps.iter().fold(BTreeMap::new(), |mut all, one| {
        *all.entry(one.depth).or_default() += 1;
        all
    });
    assert_eq!(depths, BTreeMap::from([(0, 1), (1, 6)]));
}

#[test]
fn forward_reaches_products_containers_and_both_versions_of_a_correction() {
    use super::ledger::with;
    use serde_json::json;
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &lot(1))
        .pack(1, 1, "ADD", &asset(1), &[lot(1), lot(9)]);
    let made = |output: &str| {
        json!({
            "type": "TransformationEvent",
            "eventID": "urn:x:made",
            "inputQuantityList": [{"epcClass": lot(1)}],
            "outputQuantityList": [{"epcClass": output}],
        })
    };
    ledger.say(1, 10, made(&lot(2)));
    let declaration =
        json!({"declarationTime": "2026-11-01T00:12:00Z", "reason": "incorrect_data"});
    ledger.say(1, 10, with(made(&lot(2)), "errorDeclaration", declaration));
    ledger.transform(1, 10, &[lot(1)], &[lot(3)]);
    ledger
        .ship(1, 2, 20, &lot(3))
        .receive(2, 1, 30, &lot(3))
        .ship(2, 4, 40, &lot(3));
    let forward = ledger.forward(&lot(1));
    let found: BTreeMap<&str, (How, bool)> = forward
        .items
        .iter()
        .map(|one| (one.item.as_str(), (one.how, one.taken_back.is_some())))
        .collect();
    let (two, three, crate_) = (lot(2), lot(3), asset(1));
    assert_eq!(found[two.as_str()], (How::Made, true));
    assert_eq!(found[three.as_str()], (How::Made, false));
    assert_eq!(found[crate_.as_str()], (How::Holds, false));
    assert_eq!(
        found.len(),
        4,
        "what else is in the crate is not affected: {found:?}"
    );
    let last = forward.items.iter().find(|one| one.item == lot(3)).unwrap();
    assert_eq!(last.holders, [who(1), who(2)]);
    assert_eq!(last.under_way, [party(4)]);
    // The corrected version made nothing, as far as a scan is concerned.
    assert!(!ledger.trace(&lot(2)).complete);
}

#[test]
fn forward_from_a_container_reaches_what_was_inside() {
    let mut ledger = Ledger::with_firms();
    ledger
        .make(1, 0, &serial(1))
        .pack(1, 1, "ADD", &asset(1), &[serial(1)]);
    ledger.pack(1, 2, "ADD", &asset(2), &[asset(1)]);
    let items: Vec<String> = ledger
        .forward(&asset(2))
        .items
        .into_iter()
        .map(|one| one.item)
        .collect();
    assert_eq!(items, [asset(2), asset(1), serial(1)]);
}

/// Edges (input, output) of transformations among eight lots.
fn graphs() -> impl Strategy<Value = Vec<(u32, u32)>> {
    proptest::collection::vec((0..8_u32, 0..8_u32), 0..16)
}

/// All lots from which `lot` can be reached, by brute force.
fn reaches(edges: &[(u32, u32)], goal: u32) -> BTreeSet<u32> {
    let mut found = BTreeSet::from([goal]);
    for _ in 0..edges.len() {
        for (from, to) in edges {
            if found.contains(to) {
                found.insert(*from);
            }
        }
    }
    found
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn back_and_forward_agree_with_each_other_and_with_brute_force(edges in graphs()) {
        let mut ledger = Ledger::with_firms();
        for (minute, (from, to)) in (0..).zip(&edges) {
            ledger.transform(1, minute, &[lot(*from)], &[lot(*to)]);
        }
        let forward: Vec<BTreeSet<String>> = (0..8)
            .map(|from| ledger.forward(&lot(from)).items.into_iter().map(|one| one.item).collect())
            .collect();
        for goal in 0..8 {
            let back = walked(&mut ledger, &lot(goal));
            let expected: BTreeSet<String> =
                reaches(&edges, goal).into_iter().map(lot).collect();
            prop_assert_eq!(&back, &expected);
            for (from, reached) in (0..).zip(&forward) {
                prop_assert_eq!(reached.contains(&lot(goal)), back.contains(&lot(from)));
            }
        }
    }

    #[test]
    fn the_order_of_recording_does_not_change_the_answer(
        order in Just((0..12_usize).collect::<Vec<_>>()).prop_shuffle(),
    ) {
        let (case, made) = (asset(1), lot(2));
        let said: Vec<(u8, i64, serde_json::Value)> = vec![
            (1, 0, on(&lot(1), "ADD", "commissioning")),
            (1, 5, hand_over(&lot(1), "shipping", 1, 7)),
            (7, 6, hand_over(&lot(1), "receiving", 1, 7)),
            (7, 20, hand_over(&lot(1), "shipping", 7, 2)),
            (2, 21, hand_over(&lot(1), "receiving", 7, 2)),
            (2, 30, serde_json::json!({
                "type": "TransformationEvent",
                "inputQuantityList": [{"epcClass": lot(1)}],
                "outputQuantityList": [{"epcClass": &made}],
            })),
            (2, 40, serde_json::json!({
                "type": "AggregationEvent", "action": "ADD", "bizStep": "packing",
                "parentID": &case, "childQuantityList": [{"epcClass": &made}],
            })),
            (2, 50, hand_over(&case, "shipping", 2, 3)),
            (3, 51, hand_over(&case, "receiving", 2, 3)),
            (3, 60, serde_json::json!({
                "type": "AggregationEvent", "action": "DELETE", "bizStep": "unpacking",
                "parentID": &case, "childQuantityList": [{"epcClass": &made}],
            })),
            (3, 70, on(&made, "OBSERVE", "stocking")),
            (4, 80, on(&made, "OBSERVE", "stocking")),
        ];
        let mut ledger = Ledger::with_firms();
        for index in order {
            let (number, minute, fields) = said[index].clone();
            ledger.say_recorded(number, minute, 100, fields);
        }
        let answer = ledger.trace(&made);
        prop_assert_eq!(answer.verdict, Verdict::Broken);
        prop_assert_eq!(answer.breaks.len(), 1);
        prop_assert_eq!(answer.breaks[0].whose.clone(), Some(party(4)));
        prop_assert_eq!(answer.findings.len(), 1);
        let steps: Vec<i64> = answer.steps.iter().map(|step| step.time.0.0).collect();
        let times: Vec<i64> = said.iter().map(|(_, minute, _)| at(*minute)).collect();
        prop_assert_eq!(steps, times);
    }

    #[test]
    fn any_small_story_gets_an_answer(
        acts in proptest::collection::vec((0..7_u8, 1..9_u8, 1..9_u8, 0..3_u32, 0..3_u32, 0..20_i64), 0..20),
    ) {
        let mut ledger = Ledger::with_firms();
        let thing = |number| [lot(1), serial(2), asset(3)][usize::try_from(number).unwrap()].clone();
        for (act, who, whom, one, other, minute) in acts {
            let (one, other) = (thing(one), thing(other));
            match act {
                0 => ledger.make(who, minute, &one),
                1 => ledger.ship(who, whom, minute, &one),
                2 => ledger.receive(who, whom, minute, &one),
                3 => ledger.pack(who, minute, "ADD", &one, &[other]),
                4 => ledger.pack(who, minute, "DELETE", &one, &[other]),
                5 => ledger.transform(who, minute, &[one], &[other]),
                _ => ledger.recode(who, &one, &other),
            };
        }
        for number in 0..3 {
            let answer = ledger.trace(&thing(number));
            prop_assert!(answer.cut.is_none());
            prop_assert_eq!(
                answer.complete,
                answer.breaks.is_empty() && answer.verdict != Verdict::Unknown
            );
            prop_assert!(!ledger.forward(&thing(number)).items.is_empty());
        }
    }
}
