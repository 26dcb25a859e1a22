//! Personal parts: listed without what they say, and marked where they were deleted.

use super::Client;
use super::fake::{Fake, LOT};
use ledger::disclosure::Class;
use ledger::forget::Order;
use ledger::ids::LeafIndex;
use ledger::provenance::answer::Text;
use ledger::registry::Action;
use ledger::state::Role;
use ledger::statement::{Issuer, SignedStatement};
use ledger::store::{EventRef, Store as _, View as _};
use ledger::testing::{World, object_event};
use serde_json::{Value, json};
use std::rc::Rc;
use std::sync::Arc;

const DRIVER: &str = "https://ref.suyuan.example/personal/driver";
const DELETED: &str = "https://ref.suyuan.example/voc/deletedParts";

/// A world with one event that names its driver, and an order to delete that.
fn world() -> (World, Order, SignedStatement) {
    let mut world = World::new();
    let farm = world.admit(&[Role::Producer], "510117", &json!({}));
    let mut event = object_event(
        "urn:e:1",
        "OBSERVE",
        "shipping",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    event[DRIVER] = "王师傅".into();
    let said = world.events(&farm, &[event]);
    let leaf = world.store.view().head().unwrap().unwrap().size().next();
    world.admitted(vec![said.clone()]);
    let Issuer::Participant { handle, capture } = said.header().issuer else {
        unreachable!("a farm's statement")
    };
    let parts = said.disclosed()[0].parts.iter();
    let order = Order {
        at: EventRef { leaf, index: 0 },
        issuer: handle,
        capture,
        parts: parts
            .filter(|part| part.class() == Class::Personal)
            .map(ledger::disclosure::Part::digest)
            .collect(),
        basis: Text {
            zh: "个人信息保护法第四十七条".to_owned(),
            en: "PIPL art. 47".to_owned(),
        },
        number: "12".to_owned(),
    };
    let act = world.registry_by_authority(Action::Forget, vec![order.record()]);
    (world, order, act)
}

/// The event as each of three reads shows it.
async fn shown(client: &Client, leaf: LeafIndex) -> [Value; 3] {
    let by_item = client
        .get_json(&format!("/events?MATCH_anyEPC={LOT}&parts=all"))
        .await
        .json();
    let in_bulk = client.get_json("/events?parts=all").await.json();
    let one = client
        .get_json(&format!("/events/{leaf}.0?parts=all"))
        .await
        .json();
    let results =
        |json: &Value| json["epcisBody"]["queryResults"]["resultsBody"]["eventList"][0].clone();
    [
        results(&by_item),
        results(&in_bulk),
        one["epcisBody"]["eventList"][0].clone(),
    ]
}

#[tokio::test]
async fn what_was_deleted_is_marked_with_whose_order_and_when() {
    let (mut world, order, act) = world();
    let (leaf, part) = (order.at.leaf, order.parts[0].to_string());
    let authority = world.authority.handle.to_string();
    {
        let (world, ..) = self::world();
        let authority = Rc::clone(&world.authority);
        let client = Client::of(&Arc::new(Fake::of(world)), &authority);
        for event in shown(&client, leaf).await {
            assert_eq!(event[DRIVER], "王师傅");
            assert!(event.get(DELETED).is_none());
        }
        let parts = client.get_json(&format!("/events/{leaf}/parts")).await;
        let want = json!([{"index": 0, "part": part, "standing": "kept"}]);
        assert_eq!(parts.json()["parts"], want);
    }
    world.admitted(vec![act]);
    let at = leaf.0 + 2;
    let office = Rc::clone(&world.authority);
    let client = Client::of(&Arc::new(Fake::of(world)), &office);
    let tombstone = json!({
        "by": authority,
        "on": "2026-11-23T00:00:03.000Z",
        "order": at,
        "basis": {"zh": "个人信息保护法第四十七条", "en": "PIPL art. 47"},
        "number": "12",
    });
    let mut marked = tombstone.clone();
    marked["part"] = part.clone().into();
    for event in shown(&client, leaf).await {
        assert_eq!(event[DELETED], json!([marked]), "{event}");
        assert!(event.get(DRIVER).is_none());
    }
    let issuer = order.issuer;
    for path in [
        format!("/events/{leaf}/parts"),
        format!("/events/{leaf}.0/parts"),
        format!("/events/urn:e:1/parts?issuer={issuer}"),
    ] {
        let got = client.get_json(&path).await.json();
        let deleted = json!({
            "index": 0, "part": part, "standing": "deleted", "deleted": tombstone,
        });
        let want = json!({
            "leaf": leaf.0, "issuer": issuer.to_string(), "capture": order.capture.to_string(),
            "parts": [deleted],
        });
        assert_eq!(got, want, "{path}");
    }
    let none = client.get_json(&format!("/events/{leaf}.1/parts")).await;
    assert_eq!(none.json()["parts"], json!([]));
}

#[tokio::test]
async fn strangers_learn_of_no_part_and_wrong_places_are_named() {
    let (world, order, _) = world();
    let office = Rc::clone(&world.authority);
    let fake = Arc::new(Fake::of(world));
    let leaf = order.at.leaf;
    let stranger = Client::stranger(&fake);
    let got = stranger.get_json(&format!("/events/{leaf}/parts")).await;
    assert_eq!(got.json()["reason"], "confidential-needs-identity");
    let got = Client::local(&fake)
        .get_json(&format!("/events/{leaf}/parts"))
        .await;
    assert_eq!(got.json()["reason"], "confidential-needs-identity");
    let client = Client::of(&fake, &office);
    for (path, reason) in [
        ("/events/99/parts".to_owned(), "event-unknown"),
        // The founding entry is the log's own.
        ("/events/0/parts".to_owned(), "event-unknown"),
        ("/events/urn:e:1/parts".to_owned(), "event-issuer-needed"),
        (
            format!("/events/urn:e:2/parts?issuer={}", order.issuer),
            "event-unknown",
        ),
        ("/events/1/parts?issuer=x".to_owned(), "parameter-invalid"),
    ] {
        let got = client.get_json(&path).await;
        assert_eq!(got.json()["reason"], reason, "{path}: {}", got.json());
    }
}
