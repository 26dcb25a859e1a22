//! One ledger in memory, told once for all examples: a maker, a shop, and their goods' story.

use ledger::ids::{LeafIndex, UnixMillis};
use ledger::registry::Action;
use ledger::state::Role;
use ledger::store::{Store as _, View as _};
use ledger::testing::{Member, World, map_of_json, object_event};
use serde_json::{Value as Json, json};

pub(crate) const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";
pub(crate) const CASE: &str = "https://id.gs1.org/00/069012340000000016";
pub(crate) const PRODUCT: &str = "https://id.gs1.org/01/06901234567892";
pub(crate) const PLACE: &str = "https://id.gs1.org/414/6901234000009";
pub(crate) const UNKNOWN: &str = "https://id.gs1.org/01/06901234567892/10/NEVER";

/// A ledger with a maker, its goods' story, and every class of state record.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) maker: Member,
    pub(crate) shop: Member,
    /// Where a statement of two events was admitted.
    pub(crate) events: LeafIndex,
}

pub(crate) fn scene() -> Scene {
    let mut world = World::new();
    let profile = json!({
        "name": {"zh": "郫县甲厂", "en": "Maker A"}, "prefixes": ["6901234"],
        "glns": ["6901234000009"],
    });
    let maker = world.admit(&[Role::Producer, Role::Processor], "510117", &profile);
    let shop = world.admit(
        &[Role::Retailer],
        "510104",
        &json!({"name": {"zh": "乙店", "en": "Shop B"}}),
    );
    let until = UnixMillis(1_827_000_000_000);
    let leave = Action::Delegate {
        delegate: shop.handle,
        until,
    };
    let records: [(Action, Json); 3] = [
        (leave, Json::Null),
        (
            Action::Product,
            json!({"id": PRODUCT, "name": {"zh": "郫县豆瓣", "en": "bean paste"}}),
        ),
        (
            Action::Place,
            json!({"id": PLACE, "name": {"zh": "甲厂", "en": "factory A"}}),
        ),
    ];
    for (action, record) in records {
        let records = if record.is_null() {
            vec![]
        } else {
            vec![map_of_json(&record)]
        };
        let act = world.registry(&maker, action, records);
        world.admitted(vec![act]);
    }
    let said = world.events(&maker, &story()[..2]);
    let events = world.store.view().head().unwrap().unwrap().size().next();
    world.admitted(vec![said]);
    let sold = object_event(
        "urn:e:5",
        "OBSERVE",
        "receiving",
        "2026-11-22T08:00:00Z",
        LOT,
    );
    let sold = world.events(&shop, &[sold]);
    world.admitted(vec![sold]);
    Scene {
        world,
        maker,
        shop,
        events,
    }
}

/// One event of each kind, as an ERP would send it.
pub(crate) fn story() -> [Json; 5] {
    let common = |kind: &str, number: u8| {
        json!({
            "type": kind,
            "eventID": format!("urn:e:{number}"),
            "eventTime": format!("2026-11-20T0{number}:00:00+08:00"),
            "eventTimeZoneOffset": "+08:00",
        })
    };
    let with = |mut event: Json, more: Json| {
        let (Json::Object(fields), Json::Object(more)) = (&mut event, more) else {
            unreachable!("both are objects")
        };
        fields.extend(more);
        event
    };
    let half = serde_json::from_str::<Json>("2.50").unwrap();
    [
        with(
            common("ObjectEvent", 1),
            json!({
                "@context": {"sy": "https://ref.suyuan.example/voc/",
                             "p": "https://ref.suyuan.example/personal/"},
                "action": "ADD", "bizStep": "commissioning", "disposition": "active",
                "readPoint": {"id": PLACE}, "bizLocation": {"id": PLACE},
                "quantityList": [{"epcClass": LOT, "quantity": half, "uom": "KGM"}],
                "ilmd": {"sy:grade": "一级"},
                "bizTransactionList": [{"type": "testres", "bizTransaction": "urn:doc:R-1"}],
                "p:operator": "王",
                "sensorElementList": [{"sensorReport": [
                    {"type": "Temperature", "value": -18, "uom": "CEL"}]}],
            }),
        ),
        with(
            common("AggregationEvent", 2),
            json!({
                "action": "ADD", "bizStep": "packing", "parentID": CASE,
                "childQuantityList": [{"epcClass": LOT, "quantity": 2, "uom": "KGM"}],
            }),
        ),
        with(
            common("TransactionEvent", 3),
            json!({
                "action": "ADD", "epcList": [CASE],
                "bizTransactionList": [{"type": "inv", "bizTransaction": "urn:doc:INV-7"}],
            }),
        ),
        with(
            common("TransformationEvent", 4),
            json!({
                "inputQuantityList": [{"epcClass": LOT, "quantity": 1, "uom": "KGM"}],
                "outputQuantityList": [{"epcClass": PRODUCT.to_owned() + "/10/A2"}],
            }),
        ),
        with(
            common("AssociationEvent", 6),
            json!({
                "action": "ADD", "parentID": "https://id.gs1.org/8004/6901234T1",
                "childEPCs": ["https://id.gs1.org/8004/6901234S1"],
            }),
        ),
    ]
}
