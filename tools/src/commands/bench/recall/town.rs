//! The recall's load: beans of the farm at the factory, brewed into batches, filled into boxes that
//! go in cases on pallets to the wholesaler and by the case to the shop.
//!
//! Every fifth batch each has something that makes recalls hard: a new code for the brew, boxes
//! that bear only their lot's number, cases that the wholesaler packs anew, packings and
//! transformations that were said in error; and every batch has pails that arrive in parts and come
//! back in part.

use super::super::workload::{Chains, GTIN, ORIGIN, bytes16, registry, sign};
use ledger::cbor::{Map, Value};
use ledger::disclosure::{Disclosed, Salt};
use ledger::event::{DocumentContext, Event};
use ledger::ids::{Handle, UnixMillis};
use ledger::registry::{Action, RegistryPayload};
use ledger::signature::{PublicKey, Signer as _, SigningKey};
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::visibility::split;
use serde_json::{Value as Json, json};

/// Boxes of one batch, of one case.
const BATCH_BOXES: usize = 500;
const CASE_BOXES: usize = 20;

/// The firms of [`Chains`] that take part.
const FARM: usize = 0;
const FACTORY: usize = 1;
const WHOLESALER: usize = 3;
const SHOP: usize = 5;

/// What a batch has besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Twist {
    Recoded,
    Plain,
    Repacked,
    Corrected,
    ByLotNumber,
}

const TWISTS: [Twist; 5] = [
    Twist::Recoded,
    Twist::Plain,
    Twist::Repacked,
    Twist::Corrected,
    Twist::ByLotNumber,
];

/// One statement to be: of one firm.
enum Said {
    Events(usize, Vec<Json>),
    Recode(usize, String, String),
}

/// Everybody in it.
#[derive(Debug)]
pub(super) struct Town(Chains);

impl Town {
    /// The firms of [`Chains`].
    pub(super) fn new() -> Self {
        Self(Chains::new())
    }

    /// The recalled lot.
    pub(super) fn ingredient() -> String {
        lot("BEANS")
    }

    /// Whose key a statement names, if it is a firm's or the authority's.
    pub(super) fn key_of(&self, statement: &SignedStatement) -> Option<PublicKey> {
        let id = statement.header().key;
        let keys = self.0.firms.iter().map(|firm| &firm.key);
        keys.chain([&self.0.authority])
            .map(SigningKey::public_key)
            .find(|key| key.key_id() == id)
            .cloned()
    }

    /// The founding entry and the acts that admit the firms.
    pub(super) fn founding(&self, log: &SigningKey) -> Vec<Vec<u8>> {
        let founder = Chains::possession(self.0.authority_handle, &self.0.authority);
        let action = Action::Found {
            threshold: 1,
            founders: vec![(self.0.authority_handle, "51".to_owned(), founder)],
            predecessor: None,
        };
        let payload = Payload::Registry(RegistryPayload {
            action,
            commitment: Commitment::to(&[]),
            approvals: Vec::new(),
        });
        let issuer = Issuer::Log {
            origin: ORIGIN.to_owned(),
            subject: "founding".to_owned(),
        };
        let audience = vec![ORIGIN.to_owned()];
        let founding = SignedStatement::sign(log, issuer, audience, 0, payload, Vec::new());
        let mut all = vec![founding.encode()];
        all.extend(self.0.registry());
        all
    }

    /// The authority's recall of the ingredient and all that was made of it.
    pub(super) fn order(&self) -> Vec<u8> {
        let handle: Handle = self.0.authority_handle;
        let reason = [("zh", "黄曲霉毒素"), ("en", "aflatoxin")];
        let record: Map = [
            ("id", Value::from(Self::ingredient())),
            ("case", format!("urn:suyuan:case:{handle}:1").into()),
            ("level", Value::Int(1)),
            ("reach", "forward".into()),
            ("fault", "safety".into()),
            ("reason", Value::Map(reason.into_iter().collect())),
        ]
        .into_iter()
        .collect();
        registry(handle, &self.0.authority, 2000, Action::Recall, record)
    }

    fn party(&self, firm: usize) -> String {
        format!("urn:suyuan:participant:{}", self.0.firms[firm].handle)
    }

    /// A hand-over of what `event` names.
    fn between(&self, mut event: Json, from: usize, to: usize) -> Json {
        event["sourceList"] = json!([{"type": "possessing_party", "source": self.party(from)}]);
        event["destinationList"] =
            json!([{"type": "possessing_party", "destination": self.party(to)}]);
        event
    }

    fn ships(&self, things: &Json, from: usize, to: usize) -> Json {
        self.between(seen("shipping", things), from, to)
    }

    fn takes(&self, things: &Json, from: usize, to: usize) -> Json {
        self.between(seen("receiving", things), from, to)
    }

    /// The statements about `boxes` boxes and what they came of.
    pub(super) fn affected(&self, boxes: usize) -> Vec<Vec<u8>> {
        let beans = kilos(&Self::ingredient(), 100_000);
        let made = with(object("ADD", "commissioning"), &beans);
        let mut all = vec![
            Said::Events(FARM, vec![made, self.ships(&beans, FARM, FACTORY)]),
            Said::Events(FACTORY, vec![self.takes(&beans, FARM, FACTORY)]),
        ];
        for (batch, first) in (0..boxes).step_by(BATCH_BOXES).enumerate() {
            let here = first..(first + BATCH_BOXES).min(boxes);
            self.batch(batch, here, &mut all);
        }
        self.signed(all)
    }

    fn batch(&self, batch: usize, boxes: std::ops::Range<usize>, all: &mut Vec<Said>) {
        let twist = TWISTS[batch % TWISTS.len()];
        let mut brew = lot(&format!("BREW{batch}"));
        let brewed = json!({
            "type": "TransformationEvent",
            "inputQuantityList": kilos(&Self::ingredient(), 200)["quantityList"],
            "outputQuantityList": kilos(&brew, 250)["quantityList"],
        });
        all.push(Said::Events(FACTORY, vec![brewed]));
        if twist == Twist::Recoded {
            let new = lot(&format!("BREW{batch}-NEW"));
            all.push(Said::Recode(FACTORY, brew, new.clone()));
            brew = new;
        }
        let serials: Vec<String> = boxes.map(|box_| format!("{GTIN}/21/X{box_}")).collect();
        let cases: Vec<(String, &[String])> = serials
            .chunks(CASE_BOXES)
            .enumerate()
            .map(|(number, inside)| (asset(&format!("C{batch}-{number}")), inside))
            .collect();
        if twist == Twist::Corrected {
            let inside = cases.first().map_or(&[][..], |(_, inside)| *inside);
            // A declaration comes in a later statement than what it takes back.
            all.extend(said_in_error(batch, &brew, inside));
        }
        let mut factory = fill(batch, &brew, &serials, &cases, twist);
        let names: Vec<&String> = cases.iter().map(|(case, _)| case).collect();
        let pallet = asset(&format!("P{batch}"));
        factory.push(packing("ADD", &pallet, &names));
        let goods = json!({"epcList": [pallet]});
        factory.push(self.ships(&goods, FACTORY, WHOLESALER));
        let (sent, back) = self.pails(batch, &brew);
        factory.extend(sent);
        all.push(Said::Events(FACTORY, factory));
        let mut wholesaler = vec![
            self.takes(&goods, FACTORY, WHOLESALER),
            packing::<String>("DELETE", &pallet, &[]),
        ];
        wholesaler.extend(back);
        let mut shop = Vec::new();
        for (number, (case, inside)) in cases.iter().enumerate() {
            if number % 2 == 0 {
                self.sell(case, inside, &mut wholesaler, &mut shop);
            } else if number == 1 && twist == Twist::Repacked {
                wholesaler.push(packing::<String>("DELETE", case, &[]));
                let anew = asset(&format!("R{batch}"));
                wholesaler.push(packing("ADD", &anew, inside));
                self.sell(&anew, inside, &mut wholesaler, &mut shop);
            }
        }
        all.push(Said::Events(WHOLESALER, wholesaler));
        all.push(Said::Events(SHOP, shop));
        let pails = kilos(&lot(&format!("PAILS{batch}")), 10);
        let returned = self.takes(&pails, WHOLESALER, FACTORY);
        all.push(Said::Events(
            FACTORY,
            vec![field(returned, "disposition", "returned")],
        ));
    }

    /// Forty kilos in pails: sent, taken in twice in part, ten sent back.
    fn pails(&self, batch: usize, brew: &str) -> (Vec<Json>, Vec<Json>) {
        let pails = lot(&format!("PAILS{batch}"));
        let some = |amount| kilos(&pails, amount);
        let filled = json!({
            "type": "TransformationEvent",
            "inputQuantityList": kilos(brew, 40)["quantityList"],
            "outputQuantityList": some(40)["quantityList"],
        });
        let sent = vec![filled, self.ships(&some(40), FACTORY, WHOLESALER)];
        let back = vec![
            self.takes(&some(25), FACTORY, WHOLESALER),
            self.takes(&some(10), FACTORY, WHOLESALER),
            self.ships(&some(10), WHOLESALER, FACTORY),
        ];
        (sent, back)
    }

    /// A case goes to the shop, which opens it and sells every fourth box.
    fn sell(
        &self,
        case: &str,
        inside: &[String],
        wholesaler: &mut Vec<Json>,
        shop: &mut Vec<Json>,
    ) {
        let goods = json!({"epcList": [case]});
        wholesaler.push(self.ships(&goods, WHOLESALER, SHOP));
        shop.push(self.takes(&goods, WHOLESALER, SHOP));
        shop.push(packing::<String>("DELETE", case, &[]));
        let sold: Vec<&String> = inside.iter().step_by(4).collect();
        let sale = object("DELETE", "retail_selling");
        shop.push(with(sale, &json!({"epcList": sold})));
    }

    fn signed(&self, all: Vec<Said>) -> Vec<Vec<u8>> {
        let (mut minute, mut salts) = (0, 0);
        let mut sealed = |(index, mut json): (u16, Json)| {
            minute += 1;
            // A declaration repeats the id of what it takes back.
            if json.get("eventID").is_none() {
                json["eventID"] = format!("urn:x:recall:{minute}").into();
            }
            let time = UnixMillis(1_761_000_000_000 + minute * 1000);
            json["eventTime"] = ledger::time::format_utc(time).into();
            json["eventTimeZoneOffset"] = "+08:00".into();
            let event = Event::from_json(&json, &DocumentContext::default())
                .expect("the bench makes good events");
            let mut salt = || {
                salts += 1;
                Salt(bytes16("recall salt", salts))
            };
            split(index, event.as_map().clone(), &mut salt)
        };
        (500_000_000..)
            .zip(all)
            .map(|(number, said)| match said {
                Said::Events(firm, events) => {
                    let firm = &self.0.firms[firm];
                    let disclosed: Vec<Disclosed> =
                        (0_u16..).zip(events).map(&mut sealed).collect();
                    let payload = Payload::Events(Commitment::to(&disclosed));
                    sign(firm.handle, &firm.key, number, payload, disclosed)
                }
                Said::Recode(firm, old, new) => {
                    let firm = &self.0.firms[firm];
                    let record = [("old", old), ("new", new)].into_iter().collect();
                    registry(firm.handle, &firm.key, number, Action::Recode, record)
                }
            })
            .collect()
    }
}

/// What the factory does with a brew: fills boxes and packs them into cases.
fn fill(
    batch: usize,
    brew: &str,
    serials: &[String],
    cases: &[(String, &[String])],
    twist: Twist,
) -> Vec<Json> {
    let into = |amount: usize, outputs: (&str, Json)| {
        let event = json!({
            "type": "TransformationEvent",
            "inputQuantityList": kilos(brew, amount)["quantityList"],
        });
        field(event, outputs.0, outputs.1)
    };
    let mut done = Vec::new();
    if twist == Twist::ByLotNumber {
        let number = format!("BOXES{batch}");
        let boxes = json!([{"epcClass": lot(&number), "quantity": serials.len()}]);
        done.push(into(200, ("outputQuantityList", boxes)));
        let named = with(
            object("ADD", "commissioning"),
            &json!({
                "epcList": serials, "ilmd": {"cbvmda:lotNumber": number},
                "@context": {"cbvmda": "urn:epcglobal:cbv:mda:"},
            }),
        );
        done.push(named);
    }
    for (case, inside) in cases {
        if twist != Twist::ByLotNumber {
            done.push(into(8, ("outputEPCList", json!(inside))));
        }
        done.push(packing("ADD", case, inside));
    }
    done
}

/// A lot that was never made of a brew and boxes that were never in a case, and the declarations
/// that say so.
fn said_in_error(batch: usize, brew: &str, boxes: &[String]) -> [Said; 2] {
    let made = json!({
        "type": "TransformationEvent", "eventID": format!("urn:x:wrong:{batch}"),
        "inputQuantityList": kilos(brew, 1)["quantityList"],
        "outputQuantityList": kilos(&lot(&format!("WRONG{batch}")), 1)["quantityList"],
    });
    let packed = packing("ADD", &asset(&format!("W{batch}")), boxes);
    let packed = field(packed, "eventID", format!("urn:x:misplaced:{batch}"));
    let declared = |event: &Json| {
        let declaration = json!({
            "declarationTime": "2026-01-01T00:00:00Z", "reason": "did_not_occur",
        });
        field(event.clone(), "errorDeclaration", declaration)
    };
    let declarations = vec![declared(&made), declared(&packed)];
    [
        Said::Events(FACTORY, vec![made, packed]),
        Said::Events(FACTORY, declarations),
    ]
}

fn lot(number: &str) -> String {
    format!("{GTIN}/10/{number}")
}

fn asset(number: &str) -> String {
    format!("https://id.gs1.org/8004/6901234{number}")
}

fn object(action: &str, step: &str) -> Json {
    json!({"type": "ObjectEvent", "action": action, "bizStep": step})
}

fn seen(step: &str, things: &Json) -> Json {
    with(object("OBSERVE", step), things)
}

fn packing<S: serde::Serialize>(action: &str, parent: &str, children: &[S]) -> Json {
    let step = if action == "ADD" {
        "packing"
    } else {
        "unpacking"
    };
    json!({
        "type": "AggregationEvent", "action": action, "bizStep": step, "parentID": parent,
        "childEPCs": children,
    })
}

fn kilos(id: &str, amount: usize) -> Json {
    json!({"quantityList": [{"epcClass": id, "quantity": amount, "uom": "KGM"}]})
}

fn field(mut event: Json, name: &str, value: impl Into<Json>) -> Json {
    event[name] = value.into();
    event
}

fn with(mut event: Json, fields: &Json) -> Json {
    for (name, value) in fields.as_object().into_iter().flatten() {
        event[name] = value.clone();
    }
    event
}
