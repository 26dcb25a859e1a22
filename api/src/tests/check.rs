//! Checks before an act, as tills and scanners ask.

use super::fake::{Fake, LOT, setting};
use super::{Client, Got};
use crate::limits::{CHECK_BYTES_MAX, CHECK_CODES_MAX};
use axum::http::{Request, header};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::check::{Act, Attested, Decision};
use ledger::signature::Signer as _;
use ledger::state::Role;
use ledger::store::{Store as _, View as _};
use ledger::testing::{Member, ORIGIN, World, participant_item};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::Ordering;

async fn ask(client: &Client, body: Value) -> Got {
    let request = Request::post("/check").header(header::CONTENT_TYPE, "application/json");
    client.send(request, body.to_string()).await
}

/// The answer in an answer's JSON, once its signature is verified.
fn signed(fake: &Fake, json: &Value) -> Attested {
    let bytes = STANDARD.decode(json["signed"].as_str().unwrap()).unwrap();
    Attested::verify(&bytes, ORIGIN, fake.log_key.public_key()).unwrap()
}

#[tokio::test]
async fn a_till_gets_a_signed_answer_that_says_what_its_json_says() {
    let setting = setting();
    let client = Client::of(&setting.fake, &setting.farm);
    let holder = setting.farm.handle.to_string();
    let code = "(01)06901234567892(10)A1";
    let got = ask(
        &client,
        json!({"code": code, "act": "sell", "actor": holder}),
    )
    .await;
    assert_eq!(
        (got.status.as_u16(), got.media_type()),
        (200, "application/json")
    );
    let json = got.json();
    assert_eq!((&json["item"], &json["code"]), (&LOT.into(), &code.into()));
    let attested = signed(&setting.fake, &json);
    let head = setting.fake.store.view().head().unwrap().unwrap();
    assert_eq!(
        (attested.size, attested.root),
        (head.size(), head.block.root)
    );
    assert_eq!(attested.answer.act, Act::Sell);
    assert_eq!(attested.answer.actor, Some(setting.farm.handle));
    let mut without = json;
    for beside in ["code", "log", "parties", "signed"] {
        assert!(without.as_object_mut().unwrap().remove(beside).is_some());
    }
    assert_eq!(attested.to_json(), without);
}

#[tokio::test]
async fn a_reason_says_what_who_and_how_in_both_languages() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let unknown = "https://id.gs1.org/01/06901234567892/10/NONE";
    let json = ask(&client, json!({"code": unknown, "act": "receive"}))
        .await
        .json();
    assert_eq!(json["decision"], "hold");
    let reason = &json["reasons"][0];
    assert_eq!(reason["rule"], "unknown");
    for text in ["says", "mend"] {
        for lang in ["zh", "en"] {
            assert!(!reason[text][lang].as_str().unwrap().is_empty(), "{reason}");
        }
    }
    assert!(!reason["articles"].as_array().unwrap().is_empty());
}

#[tokio::test]
async fn a_delivery_is_answered_code_by_code_and_the_gravest_counts() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let codes = ["(01)06901234567892(10)A1", "nonsense", "06901234567892"];
    let json = ask(&client, json!({"codes": codes, "act": "receive"}))
        .await
        .json();
    let answers = json["answers"].as_array().unwrap();
    assert_eq!(answers.len(), 3);
    let first = signed(&setting.fake, &answers[0]);
    assert_eq!(first.answer.item, LOT);
    assert_eq!(answers[1]["problem"]["reason"], "code-invalid");
    assert_eq!(answers[2]["problem"]["reason"], "lot-needed");
    assert_eq!(json["decision"], Decision::Hold.word());
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_by_name() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let one = |key: &str, value: Value| {
        let mut body = json!({"code": LOT, "act": "sell"});
        body[key] = value;
        body
    };
    let many: Vec<&str> = vec![LOT; CHECK_CODES_MAX + 1];
    let invalid = (400, "parameter-invalid".to_owned());
    for (body, expected) in [
        (json!({"code": LOT}), (400, "parameter-missing".to_owned())),
        (
            json!({"act": "sell"}),
            (400, "parameter-missing".to_owned()),
        ),
        (one("act", "eat".into()), invalid.clone()),
        (one("actor", "nobody".into()), invalid.clone()),
        (one("codes", json!([LOT])), invalid.clone()),
        (one("price", 1.into()), invalid.clone()),
        (json!({"codes": many, "act": "sell"}), invalid.clone()),
        (json!([1]), invalid.clone()),
        (one("code", "".into()), (400, "code-invalid".to_owned())),
        (
            one("code", "06901234567892".into()),
            (404, "lot-needed".to_owned()),
        ),
        (
            one("code", participant_item(setting.farm.handle).into()),
            invalid,
        ),
        (
            one("code", "x".repeat(CHECK_BYTES_MAX).into()),
            (413, "body-too-large".to_owned()),
        ),
    ] {
        let text: String = body.to_string().chars().take(100).collect();
        assert_eq!(ask(&client, body).await.problem(), expected, "{text}");
    }
}

#[tokio::test]
async fn a_node_that_has_stopped_signs_nothing() {
    let setting = setting();
    setting.fake.busy.store(true, Ordering::Relaxed);
    let client = Client::stranger(&setting.fake);
    let got = ask(&client, json!({"code": LOT, "act": "sell"})).await;
    assert_eq!(got.problem(), (503, "halted".to_owned()));
}

#[tokio::test]
async fn every_code_of_a_delivery_counts_as_a_request() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    let codes: Vec<&str> = vec![LOT; CHECK_CODES_MAX];
    let mut refused = None;
    for _ in 0..4 {
        let got = ask(&client, json!({"codes": codes, "act": "sell"})).await;
        if got.status.as_u16() == 429 {
            refused = Some(got.problem());
            break;
        }
    }
    assert_eq!(refused, Some((429, "too-many-requests".to_owned())));
}

const CYLINDER: &str = "https://id.gs1.org/8004/6901234CYL1";
const PREFIX: &str = "https://ref.suyuan.example/voc/";

/// An event about the cylinder.
fn about(id: &str, action: &str, step: &str, time: &str) -> Value {
    json!({
        "type": "ObjectEvent", "eventID": id, "action": action, "bizStep": step,
        "eventTime": time, "eventTimeZoneOffset": "+08:00", "epcList": [CYLINDER],
    })
}

/// A ledger on which a cylinder was made, due for inspection on this day, and shipped; the node
/// stands at 2026-11-23.
fn cylinder(due: &str) -> (Fake, Member, Member) {
    let mut world = World::new();
    let profile = json!({"name": {"zh": "瓶厂", "en": "Maker"}, "gs1Prefixes": ["690123456"]});
    let maker = world.admit(&[Role::Processor], "510117", &profile);
    let profile = json!({"name": {"zh": "充装站", "en": "Filler"}});
    let filler = world.admit(&[Role::Distributor], "510117", &profile);
    let mut made = about(
        "urn:uuid:1",
        "ADD",
        "commissioning",
        "2022-11-01T08:00:00+08:00",
    );
    made["ilmd"] = json!({format!("{PREFIX}cylinder"): {"nextInspection": due}});
    let mut sent = about(
        "urn:uuid:2",
        "OBSERVE",
        "shipping",
        "2022-11-02T08:00:00+08:00",
    );
    sent["destinationList"] = json!([{
        "type": "possessing_party", "destination": participant_item(filler.handle),
    }]);
    let mut taken = about(
        "urn:uuid:3",
        "OBSERVE",
        "receiving",
        "2022-11-03T08:00:00+08:00",
    );
    taken["sourceList"] = json!([{
        "type": "possessing_party", "source": participant_item(maker.handle),
    }]);
    let by_maker = world.events(&maker, &[made, sent]);
    let by_filler = world.events(&filler, &[taken]);
    world.admitted(vec![by_maker, by_filler]);
    (Fake::of(world), maker, filler)
}

#[tokio::test]
async fn a_filling_gun_is_told_to_fill_an_inspected_cylinder_and_no_overdue_one() {
    for (due, decision, rules) in [
        ("2026-11-23", "allow", vec![]),
        ("2026-11-22", "refuse", vec!["inspection_overdue"]),
    ] {
        let (fake, _, filler) = cylinder(due);
        let fake = Arc::new(fake);
        let client = Client::of(&fake, &filler);
        let actor = filler.handle.to_string();
        let body = json!({"code": "(8004)6901234CYL1", "act": "fill", "actor": actor});
        let json = ask(&client, body).await.json();
        assert_eq!(json["decision"], decision, "{json:#}");
        let said: Vec<&str> = json["reasons"]
            .as_array()
            .unwrap()
            .iter()
            .map(|reason| reason["rule"].as_str().unwrap())
            .collect();
        assert_eq!(said, rules);
        assert_eq!(signed(&fake, &json).answer.decision.word(), decision);
        if decision == "refuse" {
            // The filler has it and must see to it, and is called by its name.
            let whose = participant_item(filler.handle);
            assert_eq!(json["reasons"][0]["whose"], whose.as_str());
            assert_eq!(json["parties"][&actor]["en"], "Filler");
        }
    }
}

#[tokio::test]
async fn who_does_not_have_it_is_told_so() {
    let (fake, maker, filler) = cylinder("2030-01-01");
    let fake = Arc::new(fake);
    let client = Client::of(&fake, &maker);
    let actor = maker.handle.to_string();
    // Not for others to try out: who has the maker's goods is nobody's to ask.
    let asked = json!({"code": CYLINDER, "act": "fill", "actor": actor});
    let got = ask(&Client::stranger(&fake), asked.clone()).await;
    assert_eq!(got.problem(), (401, "actor-needs-identity".to_owned()));
    let got = ask(&Client::of(&fake, &filler), asked).await;
    assert_eq!(got.problem(), (403, "not-entitled".to_owned()));
    let json = ask(
        &client,
        json!({"code": CYLINDER, "act": "fill", "actor": actor}),
    )
    .await
    .json();
    assert_eq!(
        (&json["decision"], &json["reasons"][0]["rule"]),
        (&json!("refuse"), &json!("not_holder"))
    );
    let back = ask(
        &client,
        json!({"code": CYLINDER, "act": "receive", "actor": actor}),
    )
    .await
    .json();
    assert_eq!(back["reasons"][0]["rule"], "not_addressed");
}
