//! A lot from its farm to a consumer, with everything that somebody may not see.

use crate::tests::fake::Fake;
use crate::tests::{Client, Got};
use ledger::ids::UnixMillis;
use ledger::registry::Action;
use ledger::signature::Signer as _;
use ledger::state::{EventRecord, Record as _, Role, StateKey};
use ledger::store::{EventRef, Store as _, View as _};
use ledger::testing::{Member, World, map_of_json, object_event, participant_item};
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

pub(super) const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
pub(super) const INPUT: &str = "https://id.gs1.org/01/06907654321090/10/BEAN";
pub(super) const PALLET: &str = "https://id.gs1.org/00/069055550000000014";

/// A supplier's beans, a maker's lot of them, and the lot through two buyers, a truck and a shop.
pub(super) struct Town {
    pub(super) fake: Arc<Fake>,
    pub(super) authority: Rc<Member>,
    pub(super) supplier: Member,
    pub(super) maker: Member,
    pub(super) first: Member,
    pub(super) second: Member,
    pub(super) carrier: Member,
    pub(super) shop: Member,
    pub(super) laboratory: Member,
    /// Of the first buyer's district only.
    pub(super) regulator: Member,
    /// Of another region, with an agreement over the shop's district: named.
    pub(super) partner: Member,
    pub(super) elsewhere: Member,
    pub(super) retired: Member,
    pub(super) suspended: Member,
}

pub(super) fn named(zh: &str, en: &str) -> Json {
    json!({"name": {"zh": zh, "en": en}})
}

pub(super) fn profile(zh: &str, en: &str, prefix: &str) -> Json {
    json!({"name": {"zh": zh, "en": en}, "prefixes": [prefix]})
}

/// Words that only confidential and only personal parts hold.
pub(super) const SECRET: &str = "INV-SECRET";
pub(super) const PERSON: &str = "driver-wang";

pub(super) fn event(id: &str, action: &str, step: &str, hour: u8, lot: &str) -> Json {
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

pub(super) fn hand_over(mut event: Json, from: &Member, to: &Member) -> Json {
    let party = |member: &Member| participant_item(member.handle);
    event["sourceList"] = json!([{"type": "possessing_party", "source": party(from)}]);
    event["destinationList"] = json!([{"type": "possessing_party", "destination": party(to)}]);
    event
}

pub(super) fn town() -> Town {
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
    pub(super) fn client(&self, member: &Member) -> Client {
        Client::of(&self.fake, member)
    }

    /// Those whom no stranger may come to know as having had the maker's goods.
    pub(super) fn customers(&self) -> [&Member; 4] {
        [&self.first, &self.second, &self.carrier, &self.shop]
    }

    /// Spellings of a participant that would be known again.
    pub(super) fn names(member: &Member) -> Vec<Vec<u8>> {
        let key = member.key.public_key().key_id();
        vec![
            member.handle.to_string().into_bytes(),
            member.handle.0.to_vec(),
            key.to_string().into_bytes(),
            key.as_bytes().to_vec(),
        ]
    }

    /// Everything that must not reach a stranger.
    pub(super) fn secrets(&self) -> Vec<Vec<u8>> {
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
    pub(super) fn place(&self, id: &str) -> EventRef {
        let key = StateKey::event(by_id(self, id), &format!("urn:e:{id}"));
        let record = self.fake.store.view().records(&[key]).unwrap().remove(0);
        let EventRecord { leaf, index, .. } = EventRecord::decode(&record.unwrap()).unwrap();
        EventRef { leaf, index }
    }
}

pub(super) fn holds(body: &[u8], what: &[u8]) -> bool {
    body.windows(what.len()).any(|window| window == what)
}

pub(super) fn ids(got: &Got) -> BTreeSet<String> {
    let json = got.json();
    let list = &json["epcisBody"]["queryResults"]["resultsBody"]["eventList"];
    let list = list.as_array().cloned().unwrap_or_default();
    list.iter()
        .map(|event| event["eventID"].as_str().unwrap_or_default()["urn:e:".len()..].to_owned())
        .collect()
}

pub(super) fn set(words: &[&str]) -> BTreeSet<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

pub(super) fn by_id(town: &Town, id: &str) -> ledger::ids::Handle {
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

/// Events of which no stranger may learn where they stand.
pub(super) const HIDDEN: [&str; 11] = [
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
