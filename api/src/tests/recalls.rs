//! Holds and recalls: who may see what of a case, the feed, and the page that turns.

use super::Client;
use super::fake::{LOT, LOT_PATH, Setting, setting};
use axum::http::StatusCode;
use http_body_util::BodyExt as _;
use ledger::disclosure::{Disclosed, Disclosure, Salt};
use ledger::feed::{Kind, verify};
use ledger::identifier::Identifier;
use ledger::ids::CaptureId;
use ledger::registry::{Action, RegistryPayload};
use ledger::statement::{Commitment, Payload};
use ledger::testing::{ORIGIN, World, map_of_json};
use serde_json::{Value, json};

/// An act of the farm, recorded.
fn act(setting: &Setting, number: u8, action: Action, record: &Value) {
    let disclosed = vec![Disclosed {
        index: 0,
        disclosure: Disclosure::seal(Salt([number; 16]), map_of_json(record)),
        parts: Vec::new(),
    }];
    let payload = Payload::Registry(RegistryPayload {
        action,
        commitment: Commitment::to(&disclosed),
        approvals: Vec::new(),
    });
    let statement = World::sign_as(&setting.farm, CaptureId([number; 16]), payload, disclosed);
    setting.fake.record(&statement.encode()).unwrap();
}

fn case(setting: &Setting) -> String {
    Identifier::case(setting.farm.handle, "2026-1")
        .unwrap()
        .to_string()
}

fn order(setting: &Setting) -> Value {
    json!({
        "id": LOT, "case": case(setting), "level": 1, "reach": "forward", "fault": "safety",
        "reason": {"zh": "农药残留超标", "en": "pesticide above the limit"},
    })
}

fn recalled() -> Setting {
    let setting = setting();
    act(&setting, 1, Action::Recall, &order(&setting));
    setting
}

#[tokio::test]
async fn the_page_turns_with_the_order_and_says_why() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    assert!(
        !client
            .get(LOT_PATH, "text/html")
            .await
            .text()
            .contains("已召回")
    );
    act(&setting, 1, Action::Hold, &order(&setting));
    let held = client.get(LOT_PATH, "text/html").await;
    let held = held.text();
    assert!(held.contains("暂停使用") && held.contains("农药残留超标"));
    act(&setting, 2, Action::Recall, &order(&setting));
    let page = client
        .get(&format!("{LOT_PATH}?lang=en"), "text/html")
        .await;
    let page = page.text();
    assert!(page.contains("Recalled") && page.contains("pesticide above the limit"));
    assert!(page.contains("Pidu Vegetable Co-operative") && page.contains("2026-1"));
}

#[tokio::test]
async fn strangers_see_the_order_and_the_clocks_and_no_holder() {
    let setting = recalled();
    let stranger = Client::stranger(&setting.fake);
    let list = stranger.get_json("/recalls").await.json();
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!(
        (&list[0]["kind"], &list[0]["level"]),
        (&json!("recall"), &json!(1))
    );
    let target = format!("/recalls/{}", case(&setting));
    let got = stranger.get_json(&target).await.json();
    assert_eq!(got["orders"][0]["item"], LOT);
    assert_eq!(got["standing"], true);
    assert!(got["clocks"]["start_by"].is_string());
    for hidden in ["holders", "items", "totals", "beyond", "notices"] {
        assert!(got.get(hidden).is_none(), "{hidden}");
    }
    let farm = Client::of(&setting.fake, &setting.farm);
    let own = farm.get_json(&target).await.json();
    let holder = &own["holders"][0];
    assert_eq!(holder["holder"], setting.farm.handle.to_string());
    assert_eq!(holder["acknowledged"], Value::Null);
    assert_eq!(own["progress"]["holders"], 1);
    let answer = json!({"case": case(&setting), "item": LOT, "what": "acknowledged"});
    act(&setting, 3, Action::Respond, &answer);
    let own = farm.get_json(&target).await.json();
    assert!(own["holders"][0]["acknowledged"].is_string());
    // The short form of a case is enough.
    let short = target.replace("urn:suyuan:case:", "");
    assert_eq!(stranger.get_json(&short).await.json()["answered"], 1);
}

#[tokio::test]
async fn an_unknown_case_is_said_to_be_unknown() {
    let setting = setting();
    let client = Client::stranger(&setting.fake);
    assert_eq!(client.get_json("/recalls").await.json(), json!([]));
    for target in [
        "/recalls/x".to_owned(),
        format!("/recalls/{}", case(&setting)),
    ] {
        let got = client.get_json(&target).await;
        assert_eq!(got.problem(), (404, "no-such-case".to_owned()), "{target}");
    }
}

#[tokio::test]
async fn the_signed_feed_is_the_logs_own() {
    let setting = recalled();
    let got = Client::stranger(&setting.fake)
        .get("/recalls/feed", "application/cose")
        .await;
    let key = setting.fake.trust().log_key;
    let (payload, _) = verify(Kind::Feed, &got.body, ORIGIN, &key).unwrap();
    let feed: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(feed["cases"][0]["case"], case(&setting));
    assert!(feed["size"].as_u64().unwrap() > 3);
}

#[tokio::test]
async fn the_stream_tells_what_stands_and_then_what_is_ordered() {
    let setting = recalled();
    let client = Client::stranger(&setting.fake);
    let response = client.respond("/recalls/feed", "text/event-stream").await;
    assert_eq!(response.status(), StatusCode::OK);
    let mut body = response.into_body();
    let mut next = async || {
        let frame = body.frame().await.unwrap().unwrap();
        String::from_utf8(frame.into_data().unwrap().to_vec()).unwrap()
    };
    let first = next().await;
    assert!(first.starts_with("event: cases\nid: 1\ndata: {"), "{first}");
    act(&setting, 2, Action::Hold, &order(&setting));
    let second = next().await;
    assert!(second.starts_with("event: cases\nid: 2\n"), "{second}");
}

#[tokio::test]
async fn what_a_recall_would_reach_is_for_those_who_had_the_goods() {
    let setting = setting();
    let target = format!("/affected?code={LOT}&parts=confidential");
    for client in [
        Client::stranger(&setting.fake),
        Client::local(&setting.fake),
    ] {
        let got = client.get_json(&target).await;
        assert_eq!(got.problem(), (401, "forward-needs-identity".to_owned()));
    }
    let farm = Client::of(&setting.fake, &setting.farm);
    let got = farm.get_json(&target).await.json();
    assert_eq!(got["items"][0]["item"], LOT);
    // 10 kg made and shipped to nobody in particular.
    assert_eq!(got["items"][0]["amounts"]["made"], "10");
    assert_eq!(got["items"][0]["amounts"]["under_way"], "10");
    let got = farm.get_json("/affected?seen=urn:x:nowhere").await;
    assert_eq!(got.status.as_u16(), 400, "a search needs a time");
    let seen = "/affected?seen=urn:x:nowhere&from=2026-11-01T00:00:00Z&until=2026-12-01T00:00:00Z";
    assert_eq!(farm.get_json(seen).await.status.as_u16(), 403);
    assert_eq!(farm.get_json("/affected").await.status.as_u16(), 400);
}
