//! What other regions get from this node, and what this node's readers are told of them.

use super::Client;
use super::fake::{ELSEWHERE, Fake, LOT, LOT_PATH, WITNESS, setting, witness_key};
use super::log::{add, request, size};
use axum::http::StatusCode;
use ledger::bundle::is_chain;
use ledger::event_proof::EventProof;
use ledger::identifier::Identifier;
use ledger::ids::{Handle, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::across::{ProvedPart, Told};
use ledger::provenance::answer::Moment;
use ledger::provenance::{Limits, trace};
use ledger::signature::Signer as _;
use ledger::state::Role;
use ledger::store::Store as _;
use ledger::testing::{Member, ORIGIN, World, object_event, participant_item};
use ledger::tlog_policy::TlogPolicy;
use serde_json::{Value, json};
use std::sync::Arc;

/// What the events of a shipment to the next region name as its log.
const DESTINATION: &str = "https://ref.suyuan.example/voc/destinationLog";

struct Border {
    fake: Arc<Fake>,
    maker: Member,
    buyer: Member,
    other: Member,
}

/// A maker that ships a lot to a buyer, whose receipt will stand on another log; and somebody else.
fn border() -> Border {
    let mut world = World::new();
    let mut admit = |roles: &[Role], name: &str| {
        let name = json!({"name": {"zh": name, "en": name}});
        world.admit(roles, "510117", &name)
    };
    let maker = admit(&[Role::Producer], "maker");
    let buyer = admit(&[Role::Processor], "buyer");
    let other = admit(&[Role::Retailer], "other");
    let made = object_event(
        "urn:e:1",
        "ADD",
        "commissioning",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    let mut sent = object_event(
        "urn:e:2",
        "OBSERVE",
        "shipping",
        "2026-11-21T08:00:00Z",
        LOT,
    );
    hand(&mut sent, &maker, &buyer);
    sent[DESTINATION] = json!(ELSEWHERE);
    let statement = world.events(&maker, &[made, sent]);
    world.admitted(vec![statement]);
    let fake = Arc::new(Fake::of(world));
    Border {
        fake,
        maker,
        buyer,
        other,
    }
}

fn hand(event: &mut Value, from: &Member, to: &Member) {
    let party = |member: &Member| participant_item(member.handle);
    event["sourceList"] = json!([{"type": "possessing_party", "source": party(from)}]);
    event["destinationList"] = json!([{"type": "possessing_party", "destination": party(to)}]);
}

fn path(issuer: Handle, id: &str) -> String {
    format!("/events/{id}/proof?issuer={issuer}")
}

#[tokio::test]
async fn an_event_is_proved_to_whoever_may_see_it_by_name() {
    let border = border();
    let Border {
        fake,
        maker,
        buyer,
        other,
    } = &border;
    let (size, stranger) = (size(fake), Client::stranger(fake));
    assert_eq!(add(&stranger, request(fake, 0, size)).await.status, 200);
    let unknown = (404, "event-unknown".to_owned());
    let anonymous = (401, "bulk-listing-needs-identity".to_owned());
    let (made, sent) = (path(maker.handle, "urn:e:1"), path(maker.handle, "urn:e:2"));
    let leaf = size - 2;
    let (made_at, sent_at) = (
        format!("/events/{leaf}.0/proof"),
        format!("/events/{leaf}.1/proof"),
    );
    // By id and by place, of the making and of the shipment.
    for (member, refused) in [
        (
            None,
            [None, Some(&unknown), Some(&anonymous), Some(&anonymous)],
        ),
        (Some(maker), [None; 4]),
        (Some(buyer), [None, None, Some(&unknown), None]),
        (
            Some(other),
            [None, Some(&unknown), Some(&unknown), Some(&unknown)],
        ),
    ] {
        let client =
            member.map_or_else(|| Client::stranger(fake), |member| Client::of(fake, member));
        for (path, refused) in [&made, &sent, &made_at, &sent_at].into_iter().zip(refused) {
            let got = client.get_json(path).await;
            match refused {
                Some(refused) => assert_eq!(&got.problem(), refused, "{path}"),
                None => {
                    assert_eq!(got.status, 200, "{path}: {}", got.media_type());
                    assert_eq!(got.media_type(), "application/vnd.suyuan.event-proof+cbor");
                }
            }
        }
    }
    let got = stranger.get_json("/events/urn:e:1/proof").await;
    assert_eq!(got.problem(), (400, "event-issuer-needed".to_owned()));
}

#[tokio::test]
async fn an_event_proof_holds_the_public_part_under_a_witnessed_checkpoint() {
    let border = border();
    let (fake, maker) = (&border.fake, &border.maker);
    let client = Client::of(fake, maker);
    let sent = path(maker.handle, "urn:e:2");
    let got = client.get_json(&sent).await;
    assert_eq!(got.problem(), (404, "not-witnessed".to_owned()));

    // The block before is witnessed: the proof can be asked for again, soon.
    let before = size(fake) - 2;
    assert_eq!(add(&client, request(fake, 0, before)).await.status, 200);
    let got = client.get_json(&sent).await;
    assert_eq!(got.problem(), (404, "not-witnessed-yet".to_owned()));
    assert_eq!(got.header("retry-after"), "1");

    let newest = request(fake, before, size(fake));
    assert_eq!(add(&client, newest).await.status, 200);
    let got = client.get_json(&sent).await;
    let proof = EventProof::decode(&got.body).unwrap();
    let key = |name: &str, kind, key| NoteKey::new(name, kind, key).unwrap();
    let log = key(ORIGIN, KeyKind::Ed25519, fake.log_key.public_key().clone());
    let witness = witness_key().public_key().clone();
    let witness = key(WITNESS, KeyKind::Cosignature, witness);
    let policy = format!("log {log}\nwitness w {witness}\nquorum w\n");
    let (told, _) = proof.verify(&TlogPolicy::parse(&policy).unwrap()).unwrap();
    assert_eq!(
        (told.issuer, told.event.event_id()),
        (maker.handle, Some("urn:e:2"))
    );
    // Whoever asks, the amount goes nowhere.
    assert!(!format!("{:?}", told.event.as_map()).contains("\"quantity\""));
}

/// What the next region's log says: the buyer over there passed the lot on to a shop.
fn told_elsewhere(border: &Border) -> (Told, Handle) {
    let mut world = World::of(ELSEWHERE, "50", 9_000);
    let [middleman, shop] = [Role::Distributor, Role::Retailer]
        .map(|role| world.admit(&[role], "500112", &json!({"name": {"zh": "丙", "en": "C"}})));
    let mut got = object_event(
        "urn:f:1",
        "OBSERVE",
        "receiving",
        "2026-11-22T08:00:00Z",
        LOT,
    );
    hand(&mut got, &border.maker, &middleman);
    let mut sent = object_event(
        "urn:f:2",
        "OBSERVE",
        "shipping",
        "2026-11-22T09:00:00Z",
        LOT,
    );
    hand(&mut sent, &middleman, &shop);
    let statement = world.events(&middleman, &[got, sent]);
    world.admitted(vec![statement]);
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Reader::Confidential);
    let lot = Identifier::parse(LOT).unwrap();
    let answer = trace(&mut source, &lot, world.now, Limits::DEFAULT).unwrap();
    let part = ProvedPart {
        standing: "witnessed",
        as_of: Moment(world.now),
        tree_size: 7,
        answer,
    };
    (Told::Proved(Box::new(part)), middleman.handle)
}

#[tokio::test]
async fn a_trace_is_followed_and_names_nobody_of_another_region_to_strangers() {
    let border = border();
    let fake = &border.fake;
    let (told, middleman) = told_elsewhere(&border);
    *fake.elsewhere.lock().unwrap() = Some(told);
    for client in [Client::stranger(fake), Client::of(fake, &border.buyer)] {
        let got = client.get_json(LOT_PATH).await;
        let chain = &got.json()["chain"];
        let section = &chain["sections"][0];
        assert_eq!(
            (&chain["log"], &section["log"], &section["why"]),
            (&json!(ORIGIN), &json!(ELSEWHERE), &json!("to"))
        );
        assert_eq!(section["told"]["state"], "proved");
        assert!(
            !got.text().contains(&middleman.to_string()),
            "{}",
            got.text()
        );
        let page = client
            .get(&format!("{LOT_PATH}?lang=en"), "text/html")
            .await;
        assert_eq!(page.status, StatusCode::OK);
        assert!(page.text().contains(ELSEWHERE));
        assert!(!page.text().contains(&middleman.to_string()));
    }
    // A bundle is of this log alone, unless all parts are asked for.
    let client = Client::stranger(fake);
    let got = client
        .get(&format!("{LOT_PATH}?format=bundle"), "*/*")
        .await;
    assert!(!is_chain(&got.body));
    let all = format!("{LOT_PATH}?format=bundle&regions=all");
    assert!(is_chain(&client.get(&all, "*/*").await.body));
    let got = client
        .get_json(&format!("{LOT_PATH}?format=bundle&regions=51"))
        .await;
    assert_eq!(got.problem(), (400, "parameter-invalid".to_owned()));
}

#[tokio::test]
async fn a_region_that_is_silent_or_lies_is_said_to() {
    let border = border();
    let fake = &border.fake;
    let client = Client::stranger(fake);
    let silent = |last_proved| Told::Silent { last_proved };
    let unproved = Told::Unproved {
        fault: "not-witnessed",
    };
    let earlier = Moment(UnixMillis(1_763_800_000_000));
    for (told, words) in [
        (silent(None), "was never proved here"),
        (silent(Some(earlier)), "last proved"),
        (unproved, "does not prove itself (not-witnessed)"),
    ] {
        *fake.elsewhere.lock().unwrap() = Some(told);
        let page = client
            .get(&format!("{LOT_PATH}?lang=en"), "text/html")
            .await;
        assert!(page.text().contains(words), "{words}: {}", page.text());
    }
    // A code that nobody here knows is nobody's to miss.
    *fake.elsewhere.lock().unwrap() = Some(silent(None));
    let got = client.get_json("/01/06901234567892/10/NONE").await;
    assert_eq!(
        (got.status.as_u16(), &got.json()["chain"]),
        (404, &Value::Null)
    );
}

#[tokio::test]
async fn the_log_with_its_bodies_is_for_those_whom_the_region_names() {
    let setting = setting();
    let got = Client::stranger(&setting.fake).get_json("/leaves").await;
    assert_eq!(
        got.problem(),
        (401, "entry-bundles-need-identity".to_owned())
    );
    for member in [&setting.farm, &setting.authority] {
        let got = Client::of(&setting.fake, member).get_json("/leaves").await;
        assert_eq!(got.problem(), (403, "not-entitled".to_owned()));
    }
}
