//! The load: lots that pass from a producer to a shop in 30 events, six firms, many lots at once.

use ledger::cbor::{Map, Value};
use ledger::disclosure::{Disclosed, Disclosure, Salt};
use ledger::event::{DocumentContext, Event};
use ledger::hash::Digest;
use ledger::ids::{CaptureId, Handle};
use ledger::registry::{Action, NewKey, RegistryPayload, possession_message};
use ledger::signature::{Signer as _, SigningKey};
use ledger::state::Role;
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::visibility::split;
use std::thread;

/// The origin of the bench's log.
pub(super) const ORIGIN: &str = "bench.suyuan.example/log";

/// Events of one lot's life.
pub(super) const CHAIN: usize = 30;

/// Lots that are on their way at the same time: their events interleave, so that a chain's leaves
/// lie far apart, as they do in life.
const ABREAST: usize = 100;

/// Public prefix of all lots.
const GTIN: &str = "https://id.gs1.org/01/06901234567892";

/// One firm.
#[derive(Debug)]
struct Firm {
    handle: Handle,
    key: SigningKey,
    role: Role,
    name: &'static str,
}

/// The load as it is made: an endless sequence of statements, the same in every run.
#[derive(Debug)]
pub(super) struct Chains {
    pub(super) authority: SigningKey,
    pub(super) authority_handle: Handle,
    firms: Vec<Firm>,
    made: usize,
}

/// A number as 16 bytes that never repeat: salts and names of a run that keeps no secret.
fn bytes16(purpose: &str, number: usize) -> [u8; 16] {
    let number = u64::try_from(number).unwrap_or_default().to_be_bytes();
    let digest = Digest::of_all(&[purpose.as_bytes(), &number]);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest.as_bytes()[..16]);
    bytes
}

fn key(number: usize) -> SigningKey {
    let mut seed = [0x42; 32];
    seed[..16].copy_from_slice(&bytes16("key", number));
    SigningKey::from_seed(seed)
}

impl Chains {
    /// The origin of the bench's log.
    pub(super) const ORIGIN: &str = ORIGIN;

    /// A load whose first statement is the next.
    pub(super) fn new() -> Self {
        let firms = [
            (Role::Producer, "Farm"),
            (Role::Processor, "Factory"),
            (Role::Carrier, "Carrier"),
            (Role::Distributor, "Wholesaler"),
            (Role::Carrier, "Second carrier"),
            (Role::Retailer, "Shop"),
        ];
        let firms = (1..)
            .zip(firms)
            .map(|(number, (role, name))| Firm {
                handle: Handle(bytes16("handle", number)),
                key: key(number),
                role,
                name,
            })
            .collect();
        Self {
            authority: key(0),
            authority_handle: Handle(bytes16("handle", 0)),
            firms,
            made: 0,
        }
    }

    /// Who has a lot at the end of its life.
    pub(super) fn shop(&self) -> Option<Handle> {
        self.firms.last().map(|firm| firm.handle)
    }

    /// Events made so far.
    pub(super) const fn made(&self) -> usize {
        self.made
    }

    /// A key of this run with its proof of possession.
    pub(super) fn possession(handle: Handle, key: &SigningKey) -> NewKey {
        let public_key = *key.public_key().as_bytes();
        let message = possession_message(ORIGIN, handle, &public_key);
        NewKey {
            public_key,
            possession: key.sign(&message),
        }
    }

    /// The authority's acts that admit the firms, and the maker's product.
    pub(super) fn registry(&self) -> Vec<Vec<u8>> {
        let mut acts: Vec<Vec<u8>> = (0..)
            .zip(&self.firms)
            .map(|(number, firm)| {
                let action = Action::Admit {
                    handle: firm.handle,
                    roles: [firm.role].into_iter().collect(),
                    district: "510117".to_owned(),
                    licences: Vec::new(),
                    keys: vec![Self::possession(firm.handle, &firm.key)],
                };
                let record = [("name", both(firm.name))].into_iter().collect();
                registry(
                    self.authority_handle,
                    &self.authority,
                    number,
                    action,
                    record,
                )
            })
            .collect();
        let product: Map = [
            ("id", Value::from(GTIN)),
            ("name", both("Chilli bean paste")),
        ]
        .into_iter()
        .collect();
        let firm = &self.firms[0];
        acts.push(registry(
            firm.handle,
            &firm.key,
            1000,
            Action::Product,
            product,
        ));
        acts
    }

    /// The lot whose life ends first among those that are complete, counted from 0.
    pub(super) fn complete_lots(&self) -> usize {
        self.made / (CHAIN * ABREAST) * ABREAST
    }

    /// A lot's identifier.
    pub(super) fn lot(number: usize) -> String {
        format!("{GTIN}/10/B{number}")
    }

    /// The next `count` single-event statements, made on all cores.
    pub(super) fn singles(&mut self, count: usize) -> Vec<Vec<u8>> {
        self.parallel(count, 1)
    }

    /// The next `count` statements of 100 events each, made on all cores.
    pub(super) fn hundreds(&mut self, count: usize) -> Vec<Vec<u8>> {
        self.parallel(count, 100)
    }

    #[expect(
        clippy::needless_collect,
        reason = "all threads start before one is joined"
    )]
    fn parallel(&mut self, count: usize, each: usize) -> Vec<Vec<u8>> {
        let cores = thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
        let share = count.div_ceil(cores);
        let (this, first) = (&*self, self.made);
        let parts: Vec<Vec<Vec<u8>>> = thread::scope(|scope| {
            let threads: Vec<_> = (0..cores)
                .map(|core| {
                    let statements = (core * share).min(count)..((core + 1) * share).min(count);
                    scope.spawn(move || {
                        statements
                            .map(|number| this.statement(first + number * each, each))
                            .collect()
                    })
                })
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap_or_default())
                .collect()
        });
        self.made += count * each;
        parts.into_iter().flatten().collect()
    }

    /// Which lot, and which of its 30 events, event `number` of the run is.
    const fn place(number: usize) -> (usize, usize) {
        let round = number / (CHAIN * ABREAST);
        let within = number % (CHAIN * ABREAST);
        (round * ABREAST + within % ABREAST, within / ABREAST)
    }

    fn statement(&self, first: usize, count: usize) -> Vec<u8> {
        // One statement is one firm's: that of its first event, for all its events.
        let (_, step) = Self::place(first);
        let firm = &self.firms[step / 5];
        let disclosed: Vec<Disclosed> = (0_u16..)
            .zip(first..first + count)
            .map(|(index, number)| {
                let mut salts = 0;
                let mut salt = || {
                    salts += 1;
                    Salt(bytes16("salt", number * 64 + salts))
                };
                split(index, self.event(number).as_map().clone(), &mut salt)
            })
            .collect();
        let payload = Payload::Events(Commitment::to(&disclosed));
        sign(firm.handle, &firm.key, first + 10_000, payload, disclosed)
    }

    /// Event `number`: commissioning, handling, shipping to the next firm, receiving there.
    fn event(&self, number: usize) -> Event {
        let (lot, step) = Self::place(number);
        let party = |firm: &Firm| format!("urn:suyuan:participant:{}", firm.handle);
        let (holder, within) = (step / 5, step % 5);
        let handover = |from: usize, to: usize| {
            (
                serde_json::json!([{"type": "possessing_party", "source": party(&self.firms[from])}]),
                serde_json::json!([
                    {"type": "possessing_party", "destination": party(&self.firms[to])}
                ]),
            )
        };
        let mut json = serde_json::json!({
            "type": "ObjectEvent",
            "eventID": format!("urn:uuid:00000000-0000-4000-8000-{number:012}"),
            "action": if step == 0 { "ADD" } else { "OBSERVE" },
            "eventTime": ledger::time::format_utc(ledger::ids::UnixMillis(
                1_760_000_000_000 + i64::try_from(step).unwrap_or_default() * 3_600_000,
            )),
            "eventTimeZoneOffset": "+08:00",
            "quantityList": [{"epcClass": Self::lot(lot), "quantity": 120, "uom": "KGM"}],
        });
        let step_name = match (step, within) {
            (0, _) => "commissioning",
            (_, 0) => "receiving",
            (_, 4) if holder + 1 < self.firms.len() => "shipping",
            (_, 1) => "inspecting",
            _ => "storing",
        };
        json["bizStep"] = step_name.into();
        if step_name == "receiving" {
            let (from, to) = handover(holder - 1, holder);
            json["sourceList"] = from;
            json["destinationList"] = to;
        } else if step_name == "shipping" {
            let (from, to) = handover(holder, holder + 1);
            json["sourceList"] = from;
            json["destinationList"] = to;
        }
        Event::from_json(&json, &DocumentContext::default()).expect("the bench makes good events")
    }
}

/// A recall's load: beans of the farm at the factory, brewed into batches, filled into boxes that
/// go in cases on pallets to the wholesaler and by the case to the shop.
#[derive(Debug)]
pub(super) struct Town(Chains);

/// Boxes of one batch, of one case, and cases of one pallet.
const BATCH_BOXES: usize = 500;
const CASE_BOXES: usize = 20;
const PALLET_CASES: usize = 25;

impl Town {
    /// The firms of [`Chains`].
    pub(super) fn new() -> Self {
        Self(Chains::new())
    }

    /// The recalled lot.
    pub(super) fn ingredient() -> String {
        format!("{GTIN}/10/BEANS")
    }

    /// Whose key a statement names, if it is a firm's or the authority's.
    pub(super) fn key_of(
        &self,
        statement: &SignedStatement,
    ) -> Option<ledger::signature::PublicKey> {
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

    fn party(&self, firm: usize) -> String {
        format!("urn:suyuan:participant:{}", self.0.firms[firm].handle)
    }

    /// The statements about `boxes` boxes and what they came of.
    pub(super) fn affected(&self, boxes: usize) -> Vec<Vec<u8>> {
        let batches = boxes.div_ceil(BATCH_BOXES);
        let mut all: Vec<(usize, Vec<serde_json::Value>)> = Vec::new();
        let kilos = |id: &str, amount: usize| serde_json::json!([{"epcClass": id, "quantity": amount, "uom": "KGM"}]);
        let beans = Self::ingredient();
        let handover = |mut event: serde_json::Value, from: usize, to: usize| {
            event["sourceList"] =
                serde_json::json!([{"type": "possessing_party", "source": self.party(from)}]);
            event["destinationList"] = serde_json::json!([
                {"type": "possessing_party", "destination": self.party(to)}
            ]);
            event
        };
        let object = |action: &str, step: &str| serde_json::json!({"type": "ObjectEvent", "action": action, "bizStep": step});
        let with = |mut event: serde_json::Value, field: &str, value: serde_json::Value| {
            event[field] = value;
            event
        };
        let made = with(
            object("ADD", "commissioning"),
            "quantityList",
            kilos(&beans, 100_000),
        );
        let sent = with(
            object("OBSERVE", "shipping"),
            "quantityList",
            kilos(&beans, 100_000),
        );
        let taken = with(
            object("OBSERVE", "receiving"),
            "quantityList",
            kilos(&beans, 100_000),
        );
        all.push((0, vec![made, handover(sent, 0, 1)]));
        all.push((1, vec![handover(taken, 0, 1)]));
        for batch in 0..batches {
            let brew = format!("{GTIN}/10/BREW{batch}");
            let first = batch * BATCH_BOXES;
            let here = BATCH_BOXES.min(boxes - first);
            let serial = |number: usize| format!("{GTIN}/21/X{number}");
            let case = |number: usize| format!("https://id.gs1.org/8004/6901234C{number}");
            let pallet = format!("https://id.gs1.org/8004/6901234P{batch}");
            let mut factory = vec![serde_json::json!({
                "type": "TransformationEvent", "inputQuantityList": kilos(&beans, 200),
                "outputQuantityList": kilos(&brew, 250),
            })];
            let cases: Vec<(String, Vec<String>)> = (0..here.div_ceil(CASE_BOXES))
                .map(|number| {
                    let start = first + number * CASE_BOXES;
                    let end = (start + CASE_BOXES).min(first + here);
                    let name = case(batch * PALLET_CASES + number);
                    (name, (start..end).map(serial).collect())
                })
                .collect();
            for (case, inside) in &cases {
                factory.push(serde_json::json!({
                    "type": "TransformationEvent", "inputQuantityList": kilos(&brew, 10),
                    "outputEPCList": inside,
                }));
                factory.push(serde_json::json!({
                    "type": "AggregationEvent", "action": "ADD", "bizStep": "packing",
                    "parentID": case, "childEPCs": inside,
                }));
            }
            let names: Vec<&String> = cases.iter().map(|(case, _)| case).collect();
            factory.push(serde_json::json!({
                "type": "AggregationEvent", "action": "ADD", "bizStep": "packing",
                "parentID": pallet, "childEPCs": names,
            }));
            let moved = |step| {
                with(
                    object("OBSERVE", step),
                    "epcList",
                    serde_json::json!([pallet]),
                )
            };
            factory.push(handover(moved("shipping"), 1, 3));
            all.push((1, factory));
            let mut wholesaler = vec![handover(moved("receiving"), 1, 3)];
            wholesaler.push(serde_json::json!({
                "type": "AggregationEvent", "action": "DELETE", "bizStep": "unpacking",
                "parentID": pallet, "childEPCs": [],
            }));
            let mut shop = Vec::new();
            for (number, (case, inside)) in cases.iter().enumerate() {
                if number % 2 == 1 {
                    continue; // Half stays in the warehouse.
                }
                let moved = |step| {
                    with(
                        object("OBSERVE", step),
                        "epcList",
                        serde_json::json!([case]),
                    )
                };
                wholesaler.push(handover(moved("shipping"), 3, 5));
                shop.push(handover(moved("receiving"), 3, 5));
                let sold: Vec<&String> = inside.iter().step_by(4).collect();
                shop.push(serde_json::json!({
                    "type": "AggregationEvent", "action": "DELETE", "bizStep": "unpacking",
                    "parentID": case, "childEPCs": [],
                }));
                let sale = object("DELETE", "retail_selling");
                shop.push(with(sale, "epcList", serde_json::json!(sold)));
            }
            all.push((3, wholesaler));
            all.push((5, shop));
        }
        let mut minute = 0;
        let mut salts = 0;
        all.into_iter()
            .enumerate()
            .map(|(number, (firm, events))| {
                let firm = &self.0.firms[firm];
                let disclosed: Vec<Disclosed> = (0_u16..)
                    .zip(events)
                    .map(|(index, mut json)| {
                        minute += 1;
                        json["eventID"] = format!("urn:x:recall:{minute}").into();
                        json["eventTime"] = ledger::time::format_utc(ledger::ids::UnixMillis(
                            1_761_000_000_000 + minute * 1000,
                        ))
                        .into();
                        json["eventTimeZoneOffset"] = "+08:00".into();
                        let event = Event::from_json(&json, &DocumentContext::default())
                            .expect("the bench makes good events");
                        let mut salt = || {
                            salts += 1;
                            Salt(bytes16("recall salt", salts))
                        };
                        split(index, event.as_map().clone(), &mut salt)
                    })
                    .collect();
                let payload = Payload::Events(Commitment::to(&disclosed));
                sign(
                    firm.handle,
                    &firm.key,
                    500_000_000 + number,
                    payload,
                    disclosed,
                )
            })
            .collect()
    }
}

fn both(name: &str) -> Value {
    Value::Map([("zh", name), ("en", name)].into_iter().collect())
}

fn registry(
    handle: Handle,
    key: &SigningKey,
    number: usize,
    action: Action,
    record: Map,
) -> Vec<u8> {
    let disclosure = Disclosure::seal(Salt(bytes16("registry salt", number)), record);
    let disclosed = vec![Disclosed {
        index: 0,
        disclosure,
        parts: Vec::new(),
    }];
    let commitment = Commitment::to(&disclosed);
    let payload = Payload::Registry(RegistryPayload {
        action,
        commitment,
        approvals: Vec::new(),
    });
    sign(handle, key, number, payload, disclosed)
}

fn sign(
    handle: Handle,
    key: &SigningKey,
    number: usize,
    payload: Payload,
    disclosed: Vec<Disclosed>,
) -> Vec<u8> {
    let capture = CaptureId(bytes16("capture", number));
    let issuer = Issuer::Participant { handle, capture };
    let audience = vec![ORIGIN.to_owned()];
    SignedStatement::sign(key, issuer, audience, 1_760_000_000, payload, disclosed).encode()
}
