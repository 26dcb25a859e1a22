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
pub(super) const GTIN: &str = "https://id.gs1.org/01/06901234567892";

/// One firm.
#[derive(Debug)]
pub(super) struct Firm {
    pub(super) handle: Handle,
    pub(super) key: SigningKey,
    role: Role,
    name: &'static str,
}

/// The load as it is made: an endless sequence of statements, the same in every run.
#[derive(Debug)]
pub(super) struct Chains {
    pub(super) authority: SigningKey,
    pub(super) authority_handle: Handle,
    pub(super) firms: Vec<Firm>,
    made: usize,
}

/// A number as 16 bytes that never repeat: salts and names of a run that keeps no secret.
pub(super) fn bytes16(purpose: &str, number: usize) -> [u8; 16] {
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

fn both(name: &str) -> Value {
    Value::Map([("zh", name), ("en", name)].into_iter().collect())
}

pub(super) fn registry(
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

pub(super) fn sign(
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
