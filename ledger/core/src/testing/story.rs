//! Two cities' logs that recognise each other, and goods that go from one to the other.

#![expect(
    clippy::missing_panics_doc,
    reason = "a story that cannot be told is a fault of the test"
)]

use super::{Member, World, map_of_json, participant_item};
use crate::bundle::{self, BundleError, ProvedChain};
use crate::checkpoint::SignedCheckpoint;
use crate::event::VOCABULARY;
use crate::event_proof::EventProof;
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::lists::{Reader, ViewSource};
use crate::note::{KeyKind, NoteKey};
use crate::provenance::across::{Chain, Following, ProvedPart, Told};
use crate::provenance::{Answer, Limits, trace};
use crate::region::import_record;
use crate::registry::Action;
use crate::signature::{Signer as _, SigningKey};
use crate::state::Role;
use crate::statement::SignedStatement;
use crate::store::{EventRef, Store as _, View as _};
use crate::tlog_policy::TlogPolicy;
use serde_json::{Value as Json, json};

/// The origin of Chengdu's log.
pub const CHENGDU: &str = "chengdu.example/log";
/// The origin of Chongqing's.
pub const CHONGQING: &str = "chongqing.example/log";
/// Bean paste, made in Chengdu.
pub const PASTE: &str = "https://id.gs1.org/01/06901234567892/10/A1";
/// Hotpot base, made of it in Chongqing.
pub const HOTPOT: &str = "https://id.gs1.org/01/06909815000011/10/H1";

/// A log with a witness of its own.
#[derive(Debug)]
pub struct City {
    /// The log.
    pub world: World,
    /// The witness's key.
    pub witness: SigningKey,
}

impl City {
    /// A founded log called `origin`; `seed` differs between cities.
    #[must_use]
    pub fn new(origin: &str, jurisdiction: &str, seed: u8) -> Self {
        Self {
            world: World::of(origin, jurisdiction, u64::from(seed) * 1_000_000),
            witness: SigningKey::from_seed([seed; 32]),
        }
    }

    /// The log's origin.
    #[must_use]
    pub fn log(&self) -> &str {
        &self.world.origin
    }

    /// The newest checkpoint with the witness's cosignature.
    #[must_use]
    pub fn witnessed(&self) -> String {
        let mut checkpoint = SignedCheckpoint::parse(&self.recorded()).expect("a story");
        checkpoint
            .cosign("w.example", &self.witness, 5)
            .expect("a story");
        checkpoint.to_string()
    }

    /// The newest checkpoint under the log's signature alone.
    #[must_use]
    pub fn recorded(&self) -> String {
        self.world
            .store
            .view()
            .head()
            .expect("a story")
            .expect("a story")
            .checkpoint
    }

    /// The policy by which the other city believes this log.
    #[must_use]
    pub fn policy(&self) -> String {
        let key = self.world.log_key.public_key().clone();
        let log = NoteKey::new(self.log(), KeyKind::Ed25519, key).expect("a story");
        let key = self.witness.public_key().clone();
        let witness = NoteKey::new("w.example", KeyKind::Cosignature, key).expect("a story");
        format!("log {log}\nwitness W {witness}\nquorum W\n")
    }

    /// The record by which another log recognises this one.
    #[must_use]
    pub fn record(&self) -> Json {
        json!({
            "log": self.log(), "name": {"zh": "邻区", "en": "Next region"}, "district": "50",
            "url": "https://next.example", "policy": self.policy(),
        })
    }

    /// The authority recognises another region.
    pub fn recognise(&mut self, other: &Self) {
        let record = map_of_json(&other.record());
        let act = self
            .world
            .registry_by_authority(Action::Region, vec![record]);
        self.world.admitted(vec![act]);
    }

    /// One event of `member`, and where it stands.
    pub fn say(&mut self, member: &Member, event: &Json) -> EventRef {
        let statement = self.world.events(member, std::slice::from_ref(event));
        let leaf = self.next_leaf();
        self.world.admitted(vec![statement]);
        EventRef { leaf, index: 0 }
    }

    /// Where the next statement will stand.
    #[must_use]
    pub fn next_leaf(&self) -> LeafIndex {
        LeafIndex(
            self.world
                .store
                .view()
                .head()
                .expect("a story")
                .expect("a story")
                .size()
                .0,
        )
    }

    /// The proof of an event, under a witnessed checkpoint.
    #[must_use]
    pub fn proof(&self, at: EventRef) -> EventProof {
        let view = self.world.store.view();
        EventProof::build(&view, at, &self.witnessed())
            .expect("a story")
            .expect("a story")
    }

    /// An import of what a proof tells.
    pub fn import(&mut self, member: &Member, proof: &EventProof) -> SignedStatement {
        let log = proof.told().expect("a story").log;
        let record = import_record(&log, proof);
        self.world.registry(member, Action::Import, vec![record])
    }

    /// The time of the next block.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        self.world.now
    }

    /// What the log's own store says of an item.
    #[must_use]
    pub fn answer(&self, item: &str) -> Answer {
        let view = self.world.store.view();
        let mut source = ViewSource::new(&view, Reader::Confidential);
        let item = Identifier::parse(item).expect("a story");
        trace(&mut source, &item, self.now(), Limits::DEFAULT).expect("a story")
    }

    /// The bundle of an item under a witnessed checkpoint; `open`: of its open lists.
    #[must_use]
    pub fn bundle(&self, item: &str, open: bool) -> Vec<u8> {
        let view = self.world.store.view();
        let mut source = if open {
            ViewSource::open(&view)
        } else {
            ViewSource::new(&view, Reader::Public)
        };
        let wanted = Identifier::parse(item).expect("a code");
        trace(&mut source, &wanted, self.now(), Limits::DEFAULT).expect("a story");
        let mut bundle = bundle::build(&view, &source, item).expect("a story");
        bundle.checkpoint = self.witnessed();
        bundle.encode()
    }

    /// The answer, out of a bundle that proves it.
    #[must_use]
    pub fn part(&self, item: &str) -> Told {
        let policy = TlogPolicy::parse(&self.policy()).expect("a policy");
        let bundle = self.bundle(item, false);
        let proved = bundle::prove(&bundle, &policy, self.now()).expect("a proof");
        Told::Proved(Box::new(ProvedPart::from(proved)))
    }
}

/// An observation of the paste on a day of November, with more fields.
#[must_use]
pub fn event(id: &str, step: &str, day: &str, more: &Json) -> Json {
    let mut event = json!({
        "type": "ObjectEvent", "eventID": format!("urn:e:{id}"), "action": "OBSERVE",
        "bizStep": step, "eventTime": format!("2026-11-{day}T08:00:00Z"),
        "eventTimeZoneOffset": "+08:00", "quantityList": [{"epcClass": PASTE}],
    });
    for (key, value) in more.as_object().expect("a story") {
        event[key] = value.clone();
    }
    event
}

/// The full name of a field of our vocabulary.
#[must_use]
pub fn own(name: &str) -> String {
    format!("{VOCABULARY}{name}")
}

/// The fields that say who hands over to whom.
#[must_use]
pub fn parties(from: Handle, to: Handle) -> Json {
    json!({
        "sourceList": [{"type": "possessing_party", "source": participant_item(from)}],
        "destinationList": [{"type": "possessing_party", "destination": participant_item(to)}],
    })
}

/// The fields of both, those of `other` in place of the same ones.
///
/// # Panics
/// If one is no object.
#[must_use]
pub fn joined(mut one: Json, other: &Json) -> Json {
    for (key, value) in other.as_object().expect("a story") {
        one[key] = value.clone();
    }
    one
}

/// Bean paste of Chengdu, tested there, made into hotpot base in Chongqing.
#[derive(Debug)]
pub struct Story {
    /// Where the paste comes from.
    pub chengdu: City,
    /// Where it goes.
    pub chongqing: City,
    /// Who makes the paste.
    pub maker: Member,
    /// Who tests it.
    pub lab: Member,
    /// Who makes hotpot base of it.
    pub cook: Member,
    /// The test, on Chengdu's log.
    pub tested: EventRef,
    /// The shipment, on Chengdu's log.
    pub shipped: EventRef,
}

impl Default for Story {
    fn default() -> Self {
        Self::new()
    }
}

impl Story {
    /// Paste that was made, tested and sent off.
    #[must_use]
    pub fn new() -> Self {
        Self::of(City::new(CHENGDU, "51", 1), City::new(CHONGQING, "50", 2))
    }

    /// The same between these, whoever they are.
    #[must_use]
    pub fn of(mut chengdu: City, mut chongqing: City) -> Self {
        let name = |name: &str| json!({"name": {"zh": name, "en": name}});
        let maker = chengdu
            .world
            .admit(&[Role::Processor], "510117", &name("酱厂"));
        let lab = chengdu
            .world
            .admit(&[Role::Laboratory], "510104", &name("检测"));
        let cook = chongqing
            .world
            .admit(&[Role::Processor], "500112", &name("底料厂"));
        chengdu.recognise(&chongqing);
        chongqing.recognise(&chengdu);
        chengdu.say(
            &maker,
            &event("made", "commissioning", "20", &json!({"action": "ADD"})),
        );
        let result = json!({
            "sample": "S1", "conclusion": "pass",
            "items": [{"item": "aflatoxin", "verdict": "pass"}],
        });
        let tested = json!({ own("test"): result });
        let tested = chengdu.say(&lab, &event("tested", "inspecting", "20", &tested));
        let sent = joined(
            parties(maker.handle, cook.handle),
            &json!({ own("destinationLog"): CHONGQING }),
        );
        let shipped = chengdu.say(&maker, &event("sent", "shipping", "21", &sent));
        Self {
            chengdu,
            chongqing,
            maker,
            lab,
            cook,
            tested,
            shipped,
        }
    }

    /// The shipment and the test become known in Chongqing.
    pub fn imported(&mut self) {
        for at in [self.shipped, self.tested] {
            let proof = self.chengdu.proof(at);
            let import = self.chongqing.import(&self.cook, &proof);
            self.chongqing.world.admitted(vec![import]);
        }
    }

    /// Chongqing believes Chengdu's log no longer.
    pub fn end(&mut self) {
        let record = map_of_json(&json!({"log": CHENGDU}));
        let world = &mut self.chongqing.world;
        let act = world.registry_by_authority(Action::Region, vec![record]);
        world.admitted(vec![act]);
    }

    /// The receipt of the paste, as an event.
    #[must_use]
    pub fn receipt(&self) -> Json {
        let told = self.chengdu.proof(self.shipped).told().expect("a story");
        let link = json!({
            own("sourceLog"): CHENGDU, own("sourceStatement"): told.statement.to_string(),
        });
        let parties = parties(self.maker.handle, self.cook.handle);
        event("got", "receiving", "22", &joined(parties, &link))
    }

    /// Receipt and hotpot base.
    pub fn made(&mut self) {
        let receipt = self.receipt();
        self.chongqing.say(&self.cook, &receipt);
        let made = json!({
            "type": "TransformationEvent", "eventID": "urn:e:base", "bizStep": "commissioning",
            "eventTime": "2026-11-22T10:00:00Z", "eventTimeZoneOffset": "+08:00",
            "inputQuantityList": [{"epcClass": PASTE}],
            "outputQuantityList": [{"epcClass": HOTPOT}],
        });
        self.chongqing.say(&self.cook, &made);
    }

    /// The chain of `item` as `city` finds it; `silent`: whether the other one is.
    #[must_use]
    pub fn chain(&self, city: &City, item: &str, silent: bool) -> (Answer, Box<Chain>) {
        let other = if city.log() == CHENGDU {
            &self.chongqing
        } else {
            &self.chengdu
        };
        let mut answer = city.answer(item);
        let mut following = Following::new(city.log(), &answer, [other.log()]);
        while let Some(wanted) = following.wanted() {
            let of = [city, other]
                .into_iter()
                .find(|one| one.log() == wanted.log);
            let told = if silent {
                let last_proved = wanted.since;
                Told::Silent { last_proved }
            } else {
                of.expect("a story").part(wanted.item.as_str())
            };
            following.told(wanted, told);
        }
        following.finish(&mut answer);
        let chain = answer.chain.take().expect("a story");
        (answer, chain)
    }

    /// A policy of both logs, either of whose witnesses makes a quorum.
    #[must_use]
    pub fn policy(&self) -> TlogPolicy {
        let witness = |city: &City, name: &str| {
            let key = city.witness.public_key().clone();
            let key = NoteKey::new("w.example", KeyKind::Cosignature, key).expect("a policy");
            format!("witness {name} {key}\n")
        };
        let log = |city: &City| {
            let key = city.world.log_key.public_key().clone();
            format!(
                "log {}\n",
                NoteKey::new(city.log(), KeyKind::Ed25519, key).expect("a policy")
            )
        };
        let (one, two) = (&self.chengdu, &self.chongqing);
        let text = [
            log(one),
            log(two),
            witness(one, "A"),
            witness(two, "B"),
            "group G any A B\nquorum G\n".to_owned(),
        ];
        TlogPolicy::parse(&text.concat()).expect("a policy")
    }

    /// The hotpot base's chain in one file, with Chengdu's part; `open`: of open lists.
    #[must_use]
    pub fn chain_file(&self, open: bool) -> Vec<u8> {
        let base = self.chongqing.bundle(HOTPOT, open);
        let paste = self.chengdu.bundle(PASTE, open);
        bundle::encode_chain(&[&base, &paste])
    }

    /// What a file proves by the policy of both logs.
    ///
    /// # Errors
    /// [`BundleError`].
    pub fn prove(&self, file: &[u8]) -> Result<ProvedChain, BundleError> {
        bundle::prove_chain(file, &self.policy(), self.chongqing.now())
    }
}
