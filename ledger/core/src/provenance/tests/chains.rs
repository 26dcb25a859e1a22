//! The example chains, built from the documents of `schemas/examples`.

use super::ledger::{Ledger, map};
use crate::check::{Act, Question, check};
use crate::event::document;
use crate::identifier::Identifier;
use crate::ids::Handle;
use crate::provenance::answer::{BreakKind, Rule, StepKind, Verdict};
use crate::provenance::{Answer, Limits, trace};
use crate::registry::Action;
use crate::state::Role;
use crate::time;
use serde_json::{Value as Json, json};
use std::path::PathBuf;

/// When everything is looked at.
const AS_OF: &str = "2026-11-23T08:30:00+08:00";

fn read(name: &str) -> Json {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../schemas/examples")
        .join(name);
    let text = std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_slice(&text).unwrap()
}

fn text<'j>(json: &'j Json, key: &str) -> &'j str {
    json[key].as_str().unwrap_or_else(|| panic!("no {key}"))
}

fn participants() -> Vec<Json> {
    read("participants.json").as_array().unwrap().clone()
}

fn handle(key: &str) -> Handle {
    let all = participants();
    let found = all.iter().find(|one| one["key"] == key).unwrap();
    Handle::parse(text(found, "handle")).unwrap()
}

/// Participants, products, places and the documents of every chain.
fn ledger() -> Ledger {
    let mut ledger = Ledger::default();
    for one in participants() {
        let roles: Vec<Role> = one["roles"]
            .as_array()
            .unwrap()
            .iter()
            .map(|role| serde_json::from_value(role.clone()).unwrap())
            .collect();
        let glns: Vec<String> = one["glns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|gln| gln.as_str().unwrap().to_owned())
            .collect();
        let handle = Handle::parse(text(&one, "handle")).unwrap();
        ledger.admit(handle, &roles, map(&one), &glns);
    }
    for (file, action) in [
        ("products.json", Action::Product),
        ("places.json", Action::Place),
    ] {
        for one in read(file).as_array().unwrap() {
            let id = text(one, "id").to_owned();
            ledger.act(handle(text(one, "owner")), action.clone(), map(one), &[id]);
        }
    }
    for chain in read("chains.json")["chains"].as_array().unwrap() {
        for listed in chain["documents"].as_array().unwrap() {
            let json = read(text(listed, "file"));
            let recorded = time::parse(text(&json, "creationDate")).unwrap();
            let document = document::parse(&json).unwrap();
            for event in document.events {
                ledger.event(handle(text(listed, "by")), recorded.0, event);
            }
        }
        let recall = &chain["recall"];
        if let Some(by) = recall["by"].as_str() {
            let case = Identifier::case(handle(by), text(recall, "number")).unwrap();
            let item = text(recall, "item").to_owned();
            let order = json!({
                "id": item, "case": case.as_str(), "level": recall["level"], "reach": "forward",
                "fault": "safety", "reason": recall["reason"],
            });
            let items = [item, case.to_string()];
            let now = time::parse(AS_OF).unwrap().0;
            ledger.act_at(now, handle(by), Action::Recall, map(&order), &items);
        }
    }
    ledger
}

fn traced(ledger: &mut Ledger, code: &str) -> Answer {
    let item = Identifier::parse(code).unwrap();
    let as_of = time::parse(AS_OF).unwrap();
    trace(ledger, &item, as_of, Limits::DEFAULT).unwrap()
}

fn chain(name: &str) -> Answer {
    let chains = read("chains.json");
    let chain = chains["chains"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["name"] == name);
    traced(&mut ledger(), text(chain.unwrap(), "code"))
}

#[test]
fn every_example_chain_has_its_verdict_and_only_its_findings() {
    let mut ledger = ledger();
    for chain in read("chains.json")["chains"].as_array().unwrap() {
        let name = text(chain, "name");
        let answer = traced(&mut ledger, text(chain, "code"));
        assert_eq!(
            answer.verdict.word(),
            text(chain, "verdict"),
            "{name}: {answer:#?}"
        );
        assert_eq!(Json::Bool(answer.complete), chain["complete"], "{name}");
        let rules: Vec<Rule> = answer.findings.iter().map(|finding| finding.rule).collect();
        let expected: &[Rule] = match name {
            "pork" | "vaccine-refused" => &[Rule::Temperature],
            "vaccine-accepted" => &[Rule::Temperature, Rule::VaccineExcursion],
            "bokchoy" => &[Rule::Custody],
            // It stood on the shelf for ten days before it was tested at all.
            "tofu" => &[Rule::TestFailed, Rule::TestMissing],
            "dumplings" => &[Rule::TemperatureGap],
            // Of the beans in it.
            "doubanjiang-recalled" => &[Rule::TestFailed],
            _ => &[],
        };
        assert_eq!(rules, expected, "{name}: {:#?}", answer.findings);
        assert_eq!(
            answer.breaks.len(),
            usize::from(name == "bokchoy"),
            "{name}"
        );
    }
}

#[test]
fn every_example_act_is_decided_as_its_chain_says() {
    let mut ledger = ledger();
    for chain in read("chains.json")["chains"].as_array().unwrap() {
        let (name, asked) = (text(chain, "name"), &chain["check"]);
        let question = Question {
            item: Identifier::parse(text(chain, "code")).unwrap(),
            act: Act::parse(text(asked, "act")).unwrap(),
            actor: Some(handle(text(asked, "actor"))),
            at: time::parse(AS_OF).unwrap(),
        };
        let decided = check(&mut ledger, &question, Limits::DEFAULT).unwrap();
        let answer = decided.answer;
        assert_eq!(
            answer.decision.word(),
            text(asked, "decision"),
            "{name}: {:#?}",
            answer.reasons
        );
        let grave = answer.reasons.first().filter(|_| asked["rule"].is_string());
        let rule = grave.map(|reason| reason.rule.as_str());
        assert_eq!(
            rule,
            asked["rule"].as_str(),
            "{name}: {:#?}",
            answer.reasons
        );
    }
}

#[test]
fn the_silent_carrier_is_the_one_whose_receipt_is_missing() {
    let answer = chain("bokchoy");
    assert_eq!(answer.breaks[0].kind, BreakKind::ReceiptMissing);
    let carrier = format!("urn:suyuan:participant:{}", handle("veg-carrier"));
    assert_eq!(answer.breaks[0].whose.as_deref(), Some(carrier.as_str()));
    assert!(answer.participants.contains_key(&handle("veg-carrier")));
}

#[test]
fn doubanjiang_comes_from_chilli_beans_and_salt() {
    let answer = chain("doubanjiang");
    let origins: Vec<&str> = answer
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Origin)
        .map(|step| step.concerns[0].as_str())
        .collect();
    assert_eq!(
        origins,
        [
            "https://id.gs1.org/01/06909812001011/10/QH-009",
            "https://id.gs1.org/01/06909811001012/10/EJT-018",
            "urn:suyuan:lot:FUM0lLPtwLFZXLQwEhdKjQ:SALT:S-044",
        ]
    );
    // The brewing is told in two events: inputs in July, output in October.
    let made: Vec<usize> = answer
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Made)
        .map(|step| step.inputs.len())
        .collect();
    assert_eq!(made, [3, 0, 1]);
    assert_eq!(answer.subject.lot.as_deref(), Some("WT-5326"));
    assert_eq!(answer.subject.produced.as_deref(), Some("2026-11-03"));
    assert_eq!(answer.subject.expiry.as_deref(), Some("2028-04-26"));
    assert_eq!(answer.subject.maker, Some(handle("douban-maker")));
    assert_eq!(
        answer
            .tests
            .iter()
            .filter(|test| test.conclusion.is_some())
            .count(),
        2
    );
    // It was shipped inside a pallet, and two of its cases from there to the shop.
    let shipped = answer
        .steps
        .iter()
        .filter(|step| step.kind == StepKind::Shipped)
        .count();
    assert!(shipped >= 6, "{shipped}");
}

#[test]
fn the_other_buyers_of_an_input_are_not_shown() {
    // The brew of the hotpot base is also filled into jars; the jars' buyers are not its story.
    let answer = chain("hotpot");
    let filling = "https://id.gs1.org/01/06909813001010/10/WT-5326";
    for step in &answer.steps {
        assert!(!step.outputs.iter().any(|id| id == filling), "{step:?}");
        assert!(!step.concerns.iter().any(|id| id == filling), "{step:?}");
    }
    assert!(
        answer
            .steps
            .iter()
            .any(|step| step.concerns.iter().any(|id| id.ends_with("WT-5319")))
    );
}

#[test]
fn pork_was_too_warm_for_thirty_five_minutes_in_the_truck() {
    let answer = chain("pork");
    let breach: Vec<_> = answer
        .temperature
        .iter()
        .filter(|stretch| stretch.outside_minutes > 0)
        .collect();
    assert_eq!(breach.len(), 1, "{breach:#?}");
    assert_eq!(breach[0].holder, handle("cold-carrier"));
    assert_eq!(breach[0].container, "https://id.gs1.org/8004/6909816RF07");
    assert_eq!(breach[0].outside_minutes, 35);
    assert_eq!(breach[0].highest_tenths, Some(78));
}

#[test]
fn dumplings_have_three_hours_without_readings() {
    let answer = chain("dumplings");
    let longest = answer
        .temperature
        .iter()
        .map(|stretch| stretch.longest_gap_minutes)
        .max();
    assert_eq!(longest, Some(180));
}

#[test]
fn a_vaccine_box_has_a_stretch_per_keeper_and_a_name() {
    let answer = chain("vaccine");
    assert_eq!(answer.verdict, Verdict::Complete);
    assert!(
        answer.temperature.len() >= 7,
        "{}",
        answer.temperature.len()
    );
    assert_eq!(answer.subject.lot.as_deref(), Some("MH-F9417"));
    assert_eq!(
        answer.subject.serial.as_deref(),
        Some("83901174207713350035")
    );
    let product = answer.subject.product.unwrap();
    assert!(!answer.products[&product].name.zh.is_empty());
    assert!(
        !answer.products["urn:suyuan:drug:83901174207713350035"]
            .name
            .zh
            .is_empty()
    );
}

#[test]
fn a_pallet_shows_its_present_contents_and_an_unpacked_one_none() {
    let mut ledger = ledger();
    // Four of six cases stand unopened at the distributor.
    let case = traced(&mut ledger, "https://id.gs1.org/00/069098130000001041");
    assert_eq!(case.verdict, Verdict::Complete, "{:#?}", case.breaks);
    assert_eq!(case.subject.lot.as_deref(), Some("WT-5326"));
    let opened = traced(&mut ledger, "https://id.gs1.org/00/069098130000001010");
    assert_eq!(opened.subject.lot, None);
}

#[test]
fn nothing_named_in_a_step_lacks_its_name() {
    let mut ledger = ledger();
    for chain in read("chains.json")["chains"].as_array().unwrap() {
        let answer = traced(&mut ledger, text(chain, "code"));
        for step in &answer.steps {
            assert!(answer.participants.contains_key(&step.issuer), "{step:?}");
            let party = |id: &str| Identifier::parse(id).unwrap().participant_handle();
            if let Some(counterpart) = &step.counterpart {
                let handle = party(counterpart).unwrap();
                assert!(answer.participants.contains_key(&handle), "{step:?}");
            }
            if let Some(place) = &step.place {
                let known = answer.places.contains_key(place)
                    || party(place).is_some_and(|handle| answer.participants.contains_key(&handle));
                assert!(known, "{step:?}");
            }
        }
    }
}

#[test]
fn the_source_is_asked_once_per_item_and_alike_each_time() {
    let mut first = ledger();
    let mut second = first.clone();
    let code = "https://id.gs1.org/01/06909827001013/10/FX-0588";
    let one = serde_json::to_string(&traced(&mut first, code)).unwrap();
    let other = serde_json::to_string(&traced(&mut second, code)).unwrap();
    assert_eq!(one, other);
    assert_eq!(first.asked, second.asked);
    let mut unique = first.asked.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), first.asked.len());
}
