//! Ten thousand encodings of each format from one seed, as one digest: what the few golden
//! vectors do not show, a change of an encoder still changes.

use crate::scene::LOT;
use ledger::cbor::Value;
use ledger::disclosure::{Salt, encode_body};
use ledger::event::{DocumentContext, Event};
use ledger::hash::Digest;
use ledger::ids::{CaptureId, Handle, UnixMillis};
use ledger::signature::SigningKey;
use ledger::state::{Class, Effects, StateKey};
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::testing::ORIGIN;
use ledger::time::format_utc;
use ledger::visibility::split;
use serde_json::{Value as Json, json};

/// Encodings of each format.
const COUNT: u32 = 10_000;
const SEED: u64 = 0x7375_7975_616e;

/// Knuth's MMIX generator: any language has it in three lines.
pub(crate) struct Lcg(pub(crate) u64);

impl Lcg {
    /// The high half of the next state.
    pub(crate) fn next(&mut self) -> u32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 32).unwrap()
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: u32) -> u32 {
        self.next() % bound
    }

    fn bytes<const N: usize>(&mut self) -> [u8; N] {
        std::array::from_fn(|_| self.next().to_be_bytes()[0])
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[usize::try_from(self.next()).unwrap() % among.len()]
    }
}

/// An event with fields, numbers and texts of many widths.
fn event(random: &mut Lcg) -> Event {
    let time = UnixMillis(1_700_000_000_000 + i64::from(random.next()) * 20);
    let mut json = json!({
        "@context": {"sy": "https://ref.suyuan.example/voc/", "erp": "https://erp.example/"},
        "type": "ObjectEvent",
        "eventID": format!("urn:e:{}", random.next()),
        "eventTime": format_utc(time),
        "eventTimeZoneOffset": random.pick(&["+08:00", "-03:30", "+00:00"]),
        "action": random.pick(&["ADD", "OBSERVE", "DELETE"]),
        "bizStep": random.pick(&["commissioning", "shipping", "receiving", "urn:own:step"]),
    });
    let quantities: Vec<Json> = (0..=random.below(4))
        .map(|number| {
            let places = random.pick(&["", ".5", ".25", ".001", "e-9", "e20"]);
            let quantity: Json =
                serde_json::from_str(&format!("{}{places}", 1 + random.next())).unwrap();
            json!({"epcClass": format!("{LOT}{number}"), "quantity": quantity, "uom": "KGM"})
        })
        .collect();
    json["quantityList"] = quantities.into();
    if random.below(2) == 0 {
        let text: String = (0..random.below(300))
            .map(|_| random.pick(&['a', '溯', '源']))
            .collect();
        json["erp:note"] = text.into();
        let number = i64::from(random.next()) - i64::from(u32::MAX / 2);
        json["sy:value"] = json!([number, random.below(2) == 0, Json::Null]);
    }
    Event::from_json(&json, &DocumentContext::default()).unwrap()
}

fn effects(random: &mut Lcg) -> Effects {
    const CLASSES: [Class; 8] = [
        Class::Capture,
        Class::Config,
        Class::Delegation,
        Class::Event,
        Class::Item,
        Class::Key,
        Class::Participant,
        Class::Prefix,
    ];
    let touches = (0..random.below(6))
        .map(|_| {
            (
                u16::try_from(random.below(1000)).unwrap(),
                Digest(random.bytes()),
            )
        })
        .collect();
    let sets = (0..random.below(4))
        .map(|_| {
            let key = StateKey {
                class: random.pick(&CLASSES),
                digest: Digest(random.bytes()),
            };
            let record = (0..random.below(300))
                .map(|_| random.next().to_be_bytes()[0])
                .collect();
            (key, record)
        })
        .collect();
    Effects { touches, sets }.in_order()
}

/// SHA-256 over encodings, each after its length in eight bytes.
#[derive(Default)]
struct Sum(Vec<u8>);

impl Sum {
    fn add(&mut self, bytes: &[u8]) {
        self.0
            .extend_from_slice(&u64::try_from(bytes.len()).unwrap().to_be_bytes());
        self.0.extend_from_slice(bytes);
    }

    fn digest(&self) -> String {
        Digest::of(&self.0).to_string()
    }
}

/// The file `seeded.json`. Everything is read back too.
pub(crate) fn seeded() -> Json {
    let key = SigningKey::from_seed([7; 32]);
    let mut random = Lcg(SEED);
    let [mut events, mut bodies, mut statements, mut all_effects] =
        std::array::from_fn(|_| Sum::default());
    for _ in 0..COUNT {
        let event = event(&mut random);
        let bytes = event.encode();
        assert_eq!(Value::decode(&bytes), Ok(event.to_value()));
        events.add(&bytes);
        let body = vec![split(0, event.as_map().clone(), &mut || {
            Salt(random.bytes())
        })];
        bodies.add(&encode_body(&body));
        let issuer = Issuer::Participant {
            handle: Handle(random.bytes()),
            capture: CaptureId(random.bytes()),
        };
        let payload = Payload::Events(Commitment::to(&body));
        let audience = vec![ORIGIN.to_owned()];
        let seconds = u64::from(random.next());
        let statement = SignedStatement::sign(&key, issuer, audience, seconds, payload, body);
        let bytes = statement.encode();
        assert_eq!(SignedStatement::parse(&bytes), Ok(statement));
        statements.add(&bytes);
        let effects = effects(&mut random);
        let bytes = effects.encode();
        assert_eq!(Effects::decode(&bytes), Ok(effects));
        all_effects.add(&bytes);
    }
    json!({
        "seed": SEED,
        "count": COUNT,
        "signingSeed": hex::encode([7; 32]),
        "sha256": {
            "event": events.digest(),
            "body": bodies.digest(),
            "statement": statements.digest(),
            "effects": all_effects.digest(),
        },
    })
}
