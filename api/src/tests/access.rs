//! Who is shown what: callers × parts × events × endpoints, and what strangers can put together.

use super::fake::Fake;
use super::{Client, Got};
use crate::app::{ApiOptions, router};
use crate::rate::Rate;
use crate::routes;
use axum::body::Body;
use axum::http::Request;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use ledger::ids::UnixMillis;
use ledger::registry::Action;
use ledger::signature::{Signer as _, SigningKey};
use ledger::state::{EventRecord, Record as _, Role, StateKey};
use ledger::store::{EventRef, Store as _, View as _};
use ledger::testing::{Member, ORIGIN, World, map_of_json, object_event, participant_item};
use ledger::token::{Claims, Token};
use proptest::prelude::*;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const INPUT: &str = "https://id.gs1.org/01/06907654321090/10/BEAN";
const PALLET: &str = "https://id.gs1.org/00/069055550000000014";

/// A supplier's beans, a maker's lot of them, and the lot through two buyers, a truck and a shop.
struct Town {
    fake: Arc<Fake>,
    authority: Rc<Member>,
    supplier: Member,
    maker: Member,
    first: Member,
    second: Member,
    carrier: Member,
    shop: Member,
    laboratory: Member,
    /// Of the first buyer's district only.
    regulator: Member,
    /// Of another region, with an agreement over the shop's district: named.
    partner: Member,
    elsewhere: Member,
    retired: Member,
    suspended: Member,
}

fn named(zh: &str, en: &str) -> Json {
    json!({"name": {"zh": zh, "en": en}})
}

fn profile(zh: &str, en: &str, prefix: &str) -> Json {
    json!({"name": {"zh": zh, "en": en}, "prefixes": [prefix]})
}

/// Words that only confidential and only personal parts hold.
const SECRET: &str = "INV-SECRET";
const PERSON: &str = "driver-wang";

fn event(id: &str, action: &str, step: &str, hour: u8, lot: &str) -> Json {
    // A time of day by which a hand-over would be known again.
    let told = ["grown", "tested"].contains(&id);
    let minute = if told { "00:00" } else { "41:07" };
    let time = format!("2026-11-20T{hour:02}:{minute}+08:00");
    let mut event = object_event(&format!("urn:e:{id}"), action, step, &time, lot);
    event["@context"] = json!({
        "sy": "https://ref.suyuan.example/voc/",
        "p": "https://ref.suyuan.example/personal/",
    });
    let invoice = format!("urn:doc:{SECRET}-{id}");
    event["bizTransactionList"] = json!([{"type": "inv", "bizTransaction": invoice}]);
    event["p:driver"] = json!(format!("{PERSON}-{id}"));
    event
}

fn hand_over(mut event: Json, from: &Member, to: &Member) -> Json {
    let party = |member: &Member| participant_item(member.handle);
    event["sourceList"] = json!([{"type": "possessing_party", "source": party(from)}]);
    event["destinationList"] = json!([{"type": "possessing_party", "destination": party(to)}]);
    event
}

fn town() -> Town {
    let mut world = World::new();
    let supplier = world.admit(
        &[Role::Producer],
        "510184",
        &profile("豆农", "Beans Ltd", "6907654"),
    );
    let maker = world.admit(
        &[Role::Processor],
        "510117",
        &profile("酱厂", "Maker Ltd", "6901234"),
    );
    let first = world.admit(
        &[Role::Distributor],
        "510703",
        &profile("甲", "First Ltd", "6905555"),
    );
    let second = world.admit(&[Role::Distributor], "510104", &named("乙", "Second Ltd"));
    let carrier = world.admit(&[Role::Carrier], "510112", &named("车", "Carrier Ltd"));
    let shop = world.admit(&[Role::Retailer], "510107", &named("店", "Shop Ltd"));
    let laboratory = world.admit(&[Role::Laboratory], "510104", &named("检", "Lab Ltd"));
    let regulator = world.admit(&[Role::Regulator], "5107", &named("绵", "Mianyang"));
    let partner = world.admit(&[], "5115", &named("渝", "Partner"));
    let elsewhere = world.admit(&[Role::Regulator], "5115", &named("宜", "Elsewhere"));
    let retired = world.admit(&[Role::Retailer], "510107", &named("退", "Retired"));
    let suspended = world.admit(&[Role::Retailer], "510107", &named("停", "Suspended"));
    let agreement = json!({"partner": partner.handle, "districts": ["510107"], "parts": "named"});
    let act = world.registry_by_authority(Action::Agreement, vec![map_of_json(&agreement)]);
    world.admitted(vec![act]);
    let key = retired.key.public_key().key_id();
    let closing = UnixMillis(0);
    let act = world.registry_by_authority(Action::RetireKey { key, closing }, vec![]);
    world.admitted(vec![act]);
    let act = world.registry_by_authority(Action::Suspend(suspended.handle), vec![]);
    world.admitted(vec![act]);

    let product = json!({
        "id": "https://id.gs1.org/01/06901234567892", "name": {"zh": "酱", "en": "Paste"},
        "storageClass": "CHILLED",
    });
    let act = world.registry(&maker, Action::Product, vec![map_of_json(&product)]);
    world.admitted(vec![act]);
    let made = json!({
        "type": "TransformationEvent", "eventID": "urn:e:made",
        "eventTime": "2026-11-20T02:00:00+08:00", "eventTimeZoneOffset": "+08:00",
        "bizStep": "commissioning",
        "inputQuantityList": [{"epcClass": INPUT, "quantity": 5, "uom": "KGM"}],
        "outputQuantityList": [{"epcClass": LOT, "quantity": 10, "uom": "KGM"}],
    });
    let mut tested = event("tested", "OBSERVE", "inspecting", 3, LOT);
    tested["sy:test"] = json!({"conclusion": "pass", "report": "R-1"});
    let mut packed = json!({
        "type": "AggregationEvent", "eventID": "urn:e:packed", "action": "ADD",
        "eventTime": "2026-11-20T08:41:07+08:00", "eventTimeZoneOffset": "+08:00",
        "bizStep": "packing", "parentID": PALLET,
        "childQuantityList": [{"epcClass": LOT, "quantity": 4, "uom": "KGM"}],
    });
    packed["readPoint"] = json!({"id": participant_item(first.handle)});
    let mut carried = json!({
        "type": "ObjectEvent", "eventID": "urn:e:carried", "action": "OBSERVE",
        "eventTime": "2026-11-20T09:41:07+08:00", "eventTimeZoneOffset": "+08:00",
        "bizStep": "transporting", "epcList": [PALLET],
    });
    carried["sensorElementList"] = json!([{"sensorReport": [
        {"type": "Temperature", "value": 4, "uom": "CEL", "time": "2026-11-20T09:00:00+08:00"}]}]);
    let mut taken = hand_over(
        event("got3", "OBSERVE", "receiving", 11, LOT),
        &first,
        &shop,
    );
    // Read at no full hour, and until after the hand-over, where the stretch ends.
    taken["sensorElementList"] = json!([
        {"sensorReport": [
            {"type": "Temperature", "value": 4, "uom": "CEL", "time": "2026-11-20T11:23:11+08:00"}]},
        {"sensorMetadata": {
            "startTime": "2026-11-20T10:53:11+08:00", "endTime": "2026-11-20T11:53:11+08:00"},
         "sensorReport": [
            {"type": "Temperature", "minValue": 3, "maxValue": 9, "uom": "CEL"}]},
    ]);
    let story = [
        (&supplier, event("grown", "ADD", "commissioning", 0, INPUT)),
        (
            &supplier,
            hand_over(
                event("beans-sent", "OBSERVE", "shipping", 1, INPUT),
                &supplier,
                &maker,
            ),
        ),
        (
            &maker,
            hand_over(
                event("beans-got", "OBSERVE", "receiving", 1, INPUT),
                &supplier,
                &maker,
            ),
        ),
        (&maker, made),
        (&laboratory, tested),
        (
            &maker,
            hand_over(
                event("sent1", "OBSERVE", "shipping", 4, LOT),
                &maker,
                &first,
            ),
        ),
        (
            &first,
            hand_over(
                event("got1", "OBSERVE", "receiving", 5, LOT),
                &maker,
                &first,
            ),
        ),
        (
            &maker,
            hand_over(
                event("sent2", "OBSERVE", "shipping", 6, LOT),
                &maker,
                &second,
            ),
        ),
        (
            &second,
            hand_over(
                event("got2", "OBSERVE", "receiving", 7, LOT),
                &maker,
                &second,
            ),
        ),
        (&first, packed),
        (&carrier, carried),
        (
            &first,
            hand_over(
                event("sent3", "OBSERVE", "shipping", 10, LOT),
                &first,
                &shop,
            ),
        ),
        (&shop, taken),
        (&shop, event("sold", "OBSERVE", "retail_selling", 12, LOT)),
    ];
    for (by, event) in story {
        let statement = world.events(by, &[event]);
        world.admitted(vec![statement]);
    }
    let authority = Rc::clone(&world.authority);
    Town {
        fake: Arc::new(Fake::of(world)),
        authority,
        supplier,
        maker,
        first,
        second,
        carrier,
        shop,
        laboratory,
        regulator,
        partner,
        elsewhere,
        retired,
        suspended,
    }
}

impl Town {
    fn client(&self, member: &Member) -> Client {
        Client::of(&self.fake, member)
    }

    /// Those whom no stranger may come to know as having had the maker's goods.
    fn customers(&self) -> [&Member; 4] {
        [&self.first, &self.second, &self.carrier, &self.shop]
    }

    /// Spellings of a participant that would be known again.
    fn names(member: &Member) -> Vec<Vec<u8>> {
        let key = member.key.public_key().key_id();
        vec![
            member.handle.to_string().into_bytes(),
            member.handle.0.to_vec(),
            key.to_string().into_bytes(),
            key.as_bytes().to_vec(),
        ]
    }

    /// Everything that must not reach a stranger.
    fn secrets(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<Vec<u8>> = [
            SECRET,
            PERSON,
            "First Ltd",
            "Second Ltd",
            "Carrier Ltd",
            "Shop Ltd",
            "urn:e:sent",
            "urn:e:got",
            "urn:e:beans-",
            "urn:e:sold",
            "urn:e:packed",
            "urn:e:carried",
            ":41:07",
            ":23:11",
            ":53:11",
        ]
        .iter()
        .map(|text| text.as_bytes().to_vec())
        .collect();
        all.extend(self.customers().into_iter().flat_map(Self::names));
        for id in HIDDEN {
            let EventRef { leaf, index } = self.place(id);
            all.push(format!("\"leaf\":{leaf},\"index\":{index}}}").into_bytes());
            all.push(format!("\"index\":{index},\"leaf\":{leaf}}}").into_bytes());
        }
        all
    }

    /// Where an event stands on the log: `/entries/{leaf}` tells when it was recorded.
    fn place(&self, id: &str) -> EventRef {
        let key = StateKey::event(by_id(self, id), &format!("urn:e:{id}"));
        let record = self.fake.store.view().records(&[key]).unwrap().remove(0);
        let EventRecord { leaf, index, .. } = EventRecord::decode(&record.unwrap()).unwrap();
        EventRef { leaf, index }
    }
}

fn holds(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

fn ids(got: &Got) -> BTreeSet<String> {
    let json = got.json();
    let list = &json["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|event| event["eventID"].as_str().unwrap_or_default()["urn:e:".len()..].to_owned())
        .collect()
}

fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// A caller; events by name; with confidential parts; with personal ones.
type Row<'t> = (&'t Member, &'t [&'t str], &'t [&'t str], &'t [&'t str]);

/// For each caller the events it sees by name, those whose confidential and whose personal parts it
/// sees; the same through every endpoint.
#[tokio::test]
async fn callers_by_parts_by_events_by_endpoints() {
    let town = town();
    let all = [
        "grown",
        "beans-sent",
        "beans-got",
        "made",
        "tested",
        "sent1",
        "got1",
        "sent2",
        "got2",
        "packed",
        "carried",
        "sent3",
        "got3",
        "sold",
    ];
    let makers = [
        "beans-sent",
        "beans-got",
        "made",
        "sent1",
        "got1",
        "sent2",
        "got2",
    ];
    let firsts = ["sent1", "got1", "packed", "sent3", "got3"];
    let table: [Row<'_>; 11] = [
        (&town.authority, &all, &all, &all),
        (
            &town.maker,
            &makers,
            &makers,
            &["beans-got", "made", "sent1", "sent2"],
        ),
        (
            &town.supplier,
            &["grown", "beans-sent", "beans-got"],
            &["grown", "beans-sent", "beans-got"],
            &["grown", "beans-sent"],
        ),
        (&town.first, &firsts, &firsts, &["got1", "packed", "sent3"]),
        (
            &town.second,
            &["sent2", "got2"],
            &["sent2", "got2"],
            &["got2"],
        ),
        (
            &town.shop,
            &["sent3", "got3", "sold"],
            &["sent3", "got3", "sold"],
            &["got3", "sold"],
        ),
        (&town.carrier, &["carried"], &["carried"], &["carried"]),
        (&town.laboratory, &["tested"], &["tested"], &["tested"]),
        (&town.regulator, &firsts, &firsts, &[]),
        (&town.partner, &["sent3", "got3", "sold"], &[], &[]),
        (&town.elsewhere, &[], &[], &[]),
    ];
    for (member, by_name, confidential, personal) in table {
        let client = town.client(member);
        let who = member.handle;
        // In bulk: what concerns it, and nothing else.
        let got = client.get_json("/events?perPage=100").await;
        assert_eq!(ids(&got), set(by_name), "{who} in bulk");
        assert!(!holds(&got.body, SECRET.as_bytes()) && !holds(&got.body, PERSON.as_bytes()));
        for (parts, secrets, persons) in [
            ("confidential", confidential, &[][..]),
            ("all", confidential, personal),
        ] {
            let got = client
                .get_json(&format!("/events?perPage=100&parts={parts}"))
                .await;
            assert_eq!(ids(&got), set(by_name), "{who} in bulk");
            for id in all {
                let has = |word: &str| holds(&got.body, format!("{word}-{id}\"").as_bytes());
                let plain = ["made", "packed", "carried"].contains(&id);
                assert_eq!(
                    has(SECRET),
                    secrets.contains(&id) && !plain,
                    "{who} {parts} {id}"
                );
                assert_eq!(
                    has(PERSON),
                    persons.contains(&id) && !plain,
                    "{who} {parts} {id}"
                );
            }
        }
        // One by one, by id and by place.
        for id in all {
            let issuer = by_id(&town, id);
            let path = format!("/events/urn%3Ae%3A{id}?issuer={issuer}&parts=all");
            let got = client.get_json(&path).await;
            let open = ["grown", "made", "tested"].contains(&id);
            let seen = by_name.contains(&id) || open;
            assert_eq!(
                got.status.as_u16(),
                if seen { 200 } else { 404 },
                "{who} {id}"
            );
            let plain = ["made", "packed", "carried"].contains(&id);
            let secret = holds(&got.body, SECRET.as_bytes());
            assert_eq!(secret, confidential.contains(&id) && !plain, "{who} {id}");
            let person = holds(&got.body, PERSON.as_bytes());
            assert_eq!(person, personal.contains(&id) && !plain, "{who} {id}");
            // Whoever counts through places meets its own only.
            let EventRef { leaf, index } = town.place(id);
            let got = client.get_json(&format!("/events/{leaf}.{index}")).await;
            let status = if by_name.contains(&id) { 200 } else { 404 };
            assert_eq!(got.status.as_u16(), status, "{who} {id} by place");
        }
        // Along an item: its own, and what is anyone's.
        let got = client
            .get_json(&format!("/events?MATCH_anyEPC={LOT}&perPage=100&parts=all"))
            .await;
        let mut want: BTreeSet<String> = set(by_name);
        want.extend(set(&["made", "tested"]));
        for other in ["grown", "beans-sent", "beans-got", "carried"] {
            want.remove(other);
        }
        assert_eq!(ids(&got), want, "{who} along the lot");
        // In the story: the parts of its own events, and of no other.
        let got = client
            .get_json(&format!("/trace?code={LOT}&parts=all"))
            .await;
        assert_eq!(got.status.as_u16(), 200);
    }
}

/// Events of which no stranger may learn where they stand.
const HIDDEN: [&str; 11] = [
    "beans-sent",
    "beans-got",
    "sent1",
    "got1",
    "sent2",
    "got2",
    "packed",
    "carried",
    "sent3",
    "got3",
    "sold",
];

fn by_id(town: &Town, id: &str) -> ledger::ids::Handle {
    match id {
        "grown" | "beans-sent" => town.supplier.handle,
        "beans-got" | "made" | "sent1" | "sent2" => town.maker.handle,
        "tested" => town.laboratory.handle,
        "got1" | "packed" | "sent3" => town.first.handle,
        "got2" => town.second.handle,
        "carried" => town.carrier.handle,
        _ => town.shop.handle,
    }
}

#[tokio::test]
async fn a_bundle_is_whole_for_who_sees_all_and_open_for_others() {
    let town = town();
    let path = format!("/trace?code={LOT}&format=bundle");
    let whole = town.client(&town.authority).get(&path, "*/*").await;
    let open = Client::stranger(&town.fake).get(&path, "*/*").await;
    for (got, customers) in [(&whole, true), (&open, false)] {
        assert_eq!(got.status.as_u16(), 200);
        ledger::bundle::verify(&got.body, &town.fake.trust()).unwrap();
        assert_eq!(
            holds(&got.body, &town.shop.handle.0),
            customers || holds(&got.body, town.shop.handle.to_string().as_bytes())
        );
    }
    assert!(holds(&whole.body, town.shop.handle.to_string().as_bytes()));
    for member in [&town.maker, &town.first, &town.partner, &town.elsewhere] {
        let got = town.client(member).get(&path, "*/*").await;
        assert_eq!(got.body, open.body, "who sees a part gets the open one");
    }
}

#[tokio::test]
async fn every_read_of_a_withheld_part_is_recorded_for_the_authority() {
    let town = town();
    let first = town.client(&town.first);
    let authority = town.client(&town.authority);
    first.get_json(&format!("/trace?code={LOT}")).await;
    first.get_json("/events").await;
    assert_eq!(
        authority.get_json("/access-log").await.json()["records"],
        json!([])
    );
    first
        .get_json(&format!("/events?MATCH_anyEPC={LOT}&parts=confidential"))
        .await;
    first
        .get_json(&format!("/trace?code={LOT}&parts=all"))
        .await;
    let issuer = town.first.handle;
    first
        .get_json(&format!("/events/urn%3Ae%3Agot1?issuer={issuer}&parts=all"))
        .await;
    let got = authority.get_json("/access-log").await;
    let records = got.json()["records"].as_array().unwrap().clone();
    let endpoints: Vec<&str> = records
        .iter()
        .map(|one| one["endpoint"].as_str().unwrap())
        .collect();
    assert_eq!(endpoints, ["GET /events", "GET /trace", "GET /events/{id}"]);
    for record in &records {
        assert_eq!(record["reader"], town.first.handle.to_string());
        assert_eq!(
            record["key"],
            town.first.key.public_key().key_id().to_string()
        );
        let parts = record["parts"].as_array().unwrap();
        assert!(
            parts
                .iter()
                .all(|part| part["leaf"].is_u64() && part["district"].is_string())
        );
    }
    assert_eq!(records[1]["previous"], records[0]["digest"]);
    let classes = |record: &Json, class: &str| {
        record["parts"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|part| part["class"] == class)
            .count()
    };
    assert_eq!(classes(&records[0], "personal"), 0);
    assert!(classes(&records[1], "personal") > 0);
    assert_eq!(records[2]["parts"].as_array().unwrap().len(), 1);
    // A regulator audits its own; one of elsewhere finds nothing; others may not look.
    let own = town
        .client(&town.regulator)
        .get_json("/access-log")
        .await
        .json();
    let own = own["records"].as_array().unwrap();
    let districts = own
        .iter()
        .flat_map(|record| record["parts"].as_array().unwrap());
    assert!(!own.is_empty() && districts.clone().all(|part| part["district"] == "510703"));
    let other = town.client(&town.elsewhere).get_json("/access-log").await;
    assert_eq!(other.json()["records"], json!([]));
    let maker = town.client(&town.maker).get_json("/access-log").await;
    assert_eq!(maker.problem(), (403, "not-entitled".to_owned()));
    let stranger = Client::stranger(&town.fake).get_json("/access-log").await;
    assert_eq!(
        stranger.problem(),
        (401, "access-log-needs-identity".to_owned())
    );
    // Pages follow each other.
    let page = authority.get_json("/access-log?perPage=2").await;
    assert!(page.header("link").contains("from=2&perPage=2"));
    let page = authority.get_json("/access-log?from=2").await.json();
    assert_eq!(page["records"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_shown() {
    let town = town();
    town.fake.unrecorded.store(true, Ordering::Relaxed);
    let first = town.client(&town.first);
    let issuer = town.first.handle;
    for target in [
        format!("/events?MATCH_anyEPC={LOT}&parts=confidential"),
        "/events?parts=confidential".to_owned(),
        format!("/events/urn%3Ae%3Agot1?issuer={issuer}&parts=all"),
        format!("/trace?code={LOT}&parts=confidential"),
        format!("/trace?code={LOT}&parts=confidential&format=bundle"),
        format!("/trace?code={LOT}&parts=confidential&format=page"),
        format!("/trace?code={LOT}&parts=confidential&direction=forward"),
    ] {
        let got = first.get_json(&target).await;
        assert_eq!(got.status.as_u16(), 500, "{target}");
        assert!(!holds(&got.body, SECRET.as_bytes()), "{target}");
        assert!(!holds(&got.body, b"\"quantity\""), "{target}");
    }
    // What needs no record is answered.
    let got = first.get_json(&format!("/trace?code={LOT}")).await;
    assert_eq!(got.status.as_u16(), 200);
}

#[tokio::test]
async fn forward_traces_are_for_those_whom_they_concern() {
    let town = town();
    let path = format!("/trace?code={INPUT}&direction=forward");
    for (member, status, named) in [
        (
            &*town.authority,
            200,
            &["Shop Ltd", "First Ltd", "Maker Ltd"][..],
        ),
        (&town.supplier, 200, &["Maker Ltd"]),
        (&town.maker, 200, &["Maker Ltd", "First Ltd"]),
        (&town.second, 403, &[]),
        (&town.elsewhere, 403, &[]),
    ] {
        let got = town.client(member).get_json(&path).await;
        assert_eq!(got.status.as_u16(), status, "{}", member.handle);
        for name in ["Shop Ltd", "First Ltd", "Maker Ltd"] {
            let want = named.contains(&name);
            assert_eq!(
                holds(&got.body, name.as_bytes()),
                want,
                "{} {name}",
                member.handle
            );
        }
    }
}

/// Every target that a stranger may think of, built from what answers have shown before.
fn targets(learned: &BTreeSet<String>) -> Vec<String> {
    let mut all = vec![
        "/".to_owned(),
        "/events".to_owned(),
        "/access-log".to_owned(),
        "/metrics".to_owned(),
        "/checkpoint".to_owned(),
        "/checkpoint/witnessed".to_owned(),
        "/events?EQ_bizStep=receiving".to_owned(),
    ];
    for leaf in 0..80 {
        all.push(format!("/entries/{leaf}"));
        all.push(format!("/tile/0/000.p/{}", leaf + 1));
        all.push(format!("/tile/entries/000.p/{}", leaf + 1));
        all.push(format!("/events/{leaf}.0"));
        all.push(format!("/events/{leaf}/parts"));
    }
    for word in learned {
        let word: String = form_urlencoded::byte_serialize(word.as_bytes()).collect();
        for parameter in [
            "MATCH_anyEPC",
            "MATCH_anyEPCClass",
            "MATCH_parentID",
            "MATCH_inputEPCClass",
            "MATCH_outputEPCClass",
            "EQ_transformationID",
        ] {
            all.push(format!("/events?{parameter}={word}&perPage=1000"));
        }
        for more in [
            "&format=json",
            "&format=bundle",
            "&format=page",
            "&format=linkset",
            "&direction=forward",
            "&parts=confidential",
            "&parts=all",
            "&lang=zh&format=page",
        ] {
            all.push(format!("/trace?code={word}{more}"));
        }
        all.push(format!("/id/{word}"));
        all.push(format!("/participants/{word}"));
        for issuer in learned.iter().filter(|word| word.len() == 22) {
            all.push(format!("/events/{word}?issuer={issuer}"));
        }
    }
    all
}

/// Identifiers, handles and event ids in an answer.
fn words(body: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(body);
    let parts = text.split(|letter: char| {
        letter.is_whitespace() || letter.is_control() || "\"'<>\\,(){}[]".contains(letter)
    });
    parts
        .filter(|word| {
            let handle = word.len() == 22
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
            handle || word.starts_with("urn:") || word.starts_with("https://id.gs1.org/")
        })
        .map(str::to_owned)
        .collect()
}

/// A stranger asks everything it can think of, then everything that the answers bring up, until
/// nothing new comes: it learns no customer of the maker, no event of theirs, and no place of
/// theirs on the log.
#[tokio::test]
async fn a_stranger_cannot_list_customers_by_any_sequence_of_requests() {
    let town = town();
    // How often one may ask is not what is tried here.
    let rate = Rate {
        per_second: 1e9,
        burst: 1e9,
    };
    let options = ApiOptions {
        rate,
        ..ApiOptions::default()
    };
    let stranger = Client {
        router: router(Arc::clone(&town.fake), options),
        ..Client::stranger(&town.fake)
    };
    let secrets = town.secrets();
    // It begins with every code that there is, a distributor's pallet among them.
    let mut learned: BTreeSet<String> =
        [LOT, INPUT, PALLET, "https://id.gs1.org/01/06901234567892"]
            .into_iter()
            .map(str::to_owned)
            .collect();
    learned.insert(town.maker.handle.to_string());
    let mut asked = BTreeSet::new();
    loop {
        let new: Vec<String> = targets(&learned)
            .into_iter()
            .filter(|one| asked.insert(one.clone()))
            .collect();
        if new.is_empty() {
            break;
        }
        for target in new {
            let got = stranger.get(&target, "*/*").await;
            assert_ne!(got.status.as_u16(), 429);
            for secret in &secrets {
                assert!(
                    !holds(&got.body, secret),
                    "{target} tells {}",
                    String::from_utf8_lossy(secret)
                );
            }
            learned.extend(words(&got.body));
        }
        for code in &learned {
            for act in ["receive", "sell", "use"] {
                // Alone, and for everybody it has heard of.
                let handles = learned.iter().filter(|word| word.len() == 22);
                let actors = handles.map(|handle| json!(handle)).chain([Json::Null]);
                for actor in actors {
                    let body = json!({"code": code, "act": act, "actor": actor}).to_string();
                    if !asked.insert(body.clone()) {
                        continue;
                    }
                    let request = Request::post("/check").header("accept", "application/json");
                    let got = stranger.send(request, body.clone()).await;
                    for secret in &secrets {
                        assert!(!holds(&got.body, secret), "{body}: {}", got.text());
                    }
                    let named = !actor.is_null() && got.status.as_u16() == 200;
                    assert!(!named, "{body}: {}", got.text());
                }
            }
        }
        assert!(learned.len() < 400, "{learned:#?}");
    }
    // It did find the maker, its supplier and the laboratory.
    for known in [&town.maker, &town.supplier, &town.laboratory] {
        assert!(learned.contains(&known.handle.to_string()), "{learned:#?}");
    }
    assert!(asked.len() > 300);
    // A pallet's number does not lead from the distributor to the goods it buys.
    let got = stranger.get_json(&format!("/trace?code={PALLET}")).await;
    assert!(!holds(&got.body, b"06901234567892"), "{}", got.text());
}

/// A curve is drawn for everyone, and by the hour: its ends are hand-overs.
#[tokio::test]
async fn a_strangers_curve_is_known_to_the_hour() {
    let town = town();
    let path = format!("/trace?code={LOT}");
    let got = Client::stranger(&town.fake).get_json(&path).await.json();
    let read = |got: &Json| {
        let mut all = got["temperature"].as_array().unwrap().clone();
        all.retain(|one| one["readings"] != json!([]));
        all.remove(0)
    };
    let stretch = read(&got);
    assert_eq!(stretch["hourly"], true, "{got:#}");
    let readings = stretch["readings"].as_array().unwrap();
    assert_eq!(
        readings.iter().map(|one| &one[1]).collect::<Vec<_>>(),
        [&json!(30), &json!(40), &json!(90)]
    );
    for reading in readings {
        assert!(reading[0].as_str().unwrap().ends_with(":00:00.000Z"));
    }
    let got = town.client(&town.authority).get_json(&path).await.json();
    assert_eq!(read(&got)["hourly"], false);
    assert!(got.to_string().contains(":23:11"));
}

/// Two lots in the same hands: nothing in the answers lets a stranger tell that they are the same.
#[tokio::test]
async fn numbers_are_no_names() {
    let town = town();
    let got = Client::stranger(&town.fake)
        .get_json(&format!("/trace?code={LOT}"))
        .await;
    let json = got.json();
    let numbered: Vec<&str> = json["participants"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .filter(|handle| handle.starts_with("AAAAAAAAAAAAAAAA"))
        .collect();
    assert_eq!(numbered.len(), 4, "{json:#}");
    for step in json["steps"].as_array().unwrap() {
        if step["at"]["leaf"] == 0 {
            let time = step["time"].as_str().unwrap();
            assert!(
                time.ends_with("T16:00:00.000Z"),
                "{time}: a day of Chengdu's"
            );
            assert!(step["event_id"].is_null());
        }
    }
    for handle in numbered {
        let got = Client::stranger(&town.fake)
            .get_json(&format!("/participants/{handle}"))
            .await;
        assert_eq!(got.problem(), (404, "participant-unknown".to_owned()));
    }
}

/// Endpoints at which a token opens anything.
const OPENED: [&str; 5] = [
    "/events?parts=all",
    "/access-log",
    "/events/3.0",
    "/trace?code=https%3A%2F%2Fid.gs1.org%2F01%2F06901234567892%2F10%2FA1&parts=all",
    "/trace?code=https%3A%2F%2Fid.gs1.org%2F01%2F06901234567892%2F10%2FA1&direction=forward",
];

#[tokio::test]
async fn tokens_that_do_not_hold_open_nothing_anywhere() {
    let town = town();
    let fake = &town.fake;
    let now_s = 300;
    let mut bad = vec![
        (fake.token(&town.authority, -400, 400), "token-expired"),
        (fake.token(&town.authority, -1000, 900), "token-expired"),
        (fake.token(&town.authority, 600, 300), "token-not-yet-valid"),
        (fake.token(&town.authority, 0, 901), "token-life-too-long"),
        (fake.token(&town.retired, 0, now_s), "token-key-retired"),
        (
            fake.token(&town.suspended, 0, now_s),
            "token-participant-suspended",
        ),
    ];
    let stolen = Member {
        handle: town.authority.handle,
        key: SigningKey::from_seed([77; 32]),
    };
    bad.push((fake.token(&stolen, 0, now_s), "token-key-unknown"));
    let other = Member {
        handle: town.authority.handle,
        key: SigningKey::from_seed([0; 32]),
    };
    bad.push((fake.token(&other, 0, now_s), "token-key-unknown"));
    let borrowed = Claims {
        issuer: town.authority.handle,
        audience: ORIGIN.to_owned(),
        expires_s: seconds(&town, now_s),
        issued_s: seconds(&town, 0),
    };
    let of_another = URL_SAFE_NO_PAD.encode(Token::issue(&town.maker.key, &borrowed));
    bad.push((of_another, "token-key-of-another"));
    let elsewhere = Claims {
        audience: "other.example/log".to_owned(),
        ..borrowed
    };
    let for_another = URL_SAFE_NO_PAD.encode(Token::issue(&town.authority.key, &elsewhere));
    bad.push((for_another, "token-audience-wrong"));
    bad.push(("AAAA".to_owned(), "token-malformed"));
    bad.push(("not base64url!".to_owned(), "token-malformed"));
    bad.push(("A".repeat(9000), "token-malformed"));
    for (token, name) in bad {
        let client = Client {
            token: Some(token),
            ..Client::stranger(fake)
        };
        for target in OPENED {
            let got = client.get_json(target).await;
            assert_eq!(got.problem(), (401, name.to_owned()), "{target}");
        }
        // A stranger is answered; who claims to be somebody and is not, is told so.
        let got = client.get_json(&format!("/trace?code={LOT}")).await;
        assert_eq!(got.status.as_u16(), 401);
    }
    let basic = Request::get("/events")
        .header("authorization", "Basic YTpi")
        .header("accept", "application/json");
    let got = Client::stranger(fake).send(basic, Body::empty()).await;
    assert_eq!(got.problem(), (401, "token-malformed".to_owned()));
}

fn seconds(town: &Town, from_s: u64) -> u64 {
    use crate::service::Service as _;
    u64::try_from(town.fake.now().0 / 1000).unwrap() + from_s
}

#[tokio::test]
async fn a_token_changes_nothing_on_the_ledger() {
    // Every operation that takes a body takes signed statements only, but for a check, which asks,
    // and another log's checkpoint, which that log has signed and which is kept beside the ledger.
    let posts = routes::table::<Fake>();
    let posts = posts
        .iter()
        .filter(|route| !route.operation.takes.is_empty());
    for route in posts {
        for takes in route.operation.takes {
            let beside = ["/add-checkpoint", "/check"].contains(&route.operation.path);
            let signed = ["application/cose", "application/cbor-seq"];
            assert!(beside || signed.contains(takes), "{takes}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// An altered token opens nothing, whatever was altered.
    #[test]
    fn altered_tokens_open_nothing(at in 0_usize..1000, mask in 1_u8.., cut in 0_usize..1000) {
        let town = town();
        let good = URL_SAFE_NO_PAD.decode(town.fake.token(&town.authority, 0, 300)).unwrap();
        let mut altered = good.clone();
        altered[at % good.len()] ^= mask;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        for bytes in [altered, good[..cut % good.len()].to_vec()] {
            let client = Client {
                token: Some(URL_SAFE_NO_PAD.encode(&bytes)),
                ..Client::stranger(&town.fake)
            };
            for target in OPENED {
                let got = runtime.block_on(client.get_json(target));
                prop_assert_eq!(got.status.as_u16(), 401, "{}", target);
            }
        }
    }
}
