use super::*;
use crate::bundle;
use crate::checkpoint::SignedCheckpoint;
use crate::event::VOCABULARY;
use crate::identifier::Identifier;
use crate::ids::{Handle, LeafIndex, UnixMillis};
use crate::lists::{Reader, ViewSource};
use crate::note::{KeyKind, NoteKey};
use crate::provenance::across::{Chain, Following, ProvedPart, Told, Why};
use crate::provenance::answer::{BreakKind, Toward, Verdict};
use crate::provenance::{Answer, Limits, Rule, trace};
use crate::reject::RejectReason;
use crate::signature::{Signer as _, SigningKey};
use crate::state::Role;
use crate::statement::SignedStatement;
use crate::store::{Store as _, View as _};
use crate::testing::{Member, World, map_of_json, participant_item};
use serde_json::{Value as Json, json};

mod attacks;

const CHENGDU: &str = "chengdu.example/log";
const CHONGQING: &str = "chongqing.example/log";
const PASTE: &str = "https://id.gs1.org/01/06901234567892/10/A1";
const HOTPOT: &str = "https://id.gs1.org/01/06909815000011/10/H1";

/// A log with a witness of its own.
struct City {
    world: World,
    witness: SigningKey,
}

impl City {
    fn new(origin: &str, jurisdiction: &str, seed: u8) -> Self {
        Self {
            world: World::of(origin, jurisdiction, u64::from(seed) * 1_000_000),
            witness: SigningKey::from_seed([seed; 32]),
        }
    }

    fn log(&self) -> &str {
        &self.world.origin
    }

    /// The newest checkpoint with the witness's cosignature.
    fn witnessed(&self) -> String {
        let mut checkpoint = SignedCheckpoint::parse(&self.recorded()).unwrap();
        checkpoint.cosign("w.example", &self.witness, 5).unwrap();
        checkpoint.to_string()
    }

    fn recorded(&self) -> String {
        self.world.store.view().head().unwrap().unwrap().checkpoint
    }

    fn policy(&self) -> String {
        let key = self.world.log_key.public_key().clone();
        let log = NoteKey::new(self.log(), KeyKind::Ed25519, key).unwrap();
        let key = self.witness.public_key().clone();
        let witness = NoteKey::new("w.example", KeyKind::Cosignature, key).unwrap();
        format!("log {log}\nwitness W {witness}\nquorum W\n")
    }

    fn record(&self) -> Json {
        json!({
            "log": self.log(), "name": {"zh": "邻区", "en": "Next region"}, "district": "50",
            "url": "https://next.example", "policy": self.policy(),
        })
    }

    /// The authority recognises another region.
    fn recognise(&mut self, other: &Self) {
        let record = map_of_json(&other.record());
        let act = self
            .world
            .registry_by_authority(Action::Region, vec![record]);
        self.world.admitted(vec![act]);
    }

    /// One event of `member`, and where it stands.
    fn say(&mut self, member: &Member, event: &Json) -> EventRef {
        let statement = self.world.events(member, std::slice::from_ref(event));
        let leaf = self.next_leaf();
        self.world.admitted(vec![statement]);
        EventRef { leaf, index: 0 }
    }

    fn next_leaf(&self) -> LeafIndex {
        LeafIndex(self.world.store.view().head().unwrap().unwrap().size().0)
    }

    fn proof(&self, at: EventRef) -> EventProof {
        let view = self.world.store.view();
        EventProof::build(&view, at, &self.witnessed())
            .unwrap()
            .unwrap()
    }

    fn import(&mut self, member: &Member, proof: &EventProof) -> SignedStatement {
        let log = proof.told().unwrap().log;
        let record = import_record(&log, proof);
        self.world.registry(member, Action::Import, vec![record])
    }

    fn now(&self) -> UnixMillis {
        self.world.now
    }

    fn answer(&self, item: &str) -> Answer {
        let view = self.world.store.view();
        let mut source = ViewSource::new(&view, Reader::Confidential);
        let item = Identifier::parse(item).unwrap();
        trace(&mut source, &item, self.now(), Limits::DEFAULT).unwrap()
    }

    /// The answer, out of a bundle that proves it.
    fn part(&self, item: &str) -> Told {
        let view = self.world.store.view();
        let mut source = ViewSource::new(&view, Reader::Public);
        let wanted = Identifier::parse(item).unwrap();
        trace(&mut source, &wanted, self.now(), Limits::DEFAULT).unwrap();
        let mut bundle = bundle::build(&view, &source, item).unwrap();
        bundle.checkpoint = self.witnessed();
        let policy = TlogPolicy::parse(&self.policy()).unwrap();
        let proved = bundle::prove(&bundle.encode(), &policy, self.now()).unwrap();
        Told::Proved(Box::new(ProvedPart::from(proved)))
    }
}

fn event(id: &str, step: &str, day: &str, more: Json) -> Json {
    let mut event = json!({
        "type": "ObjectEvent", "eventID": format!("urn:e:{id}"), "action": "OBSERVE",
        "bizStep": step, "eventTime": format!("2026-11-{day}T08:00:00Z"),
        "eventTimeZoneOffset": "+08:00", "quantityList": [{"epcClass": PASTE}],
    });
    let Json::Object(more) = more else {
        unreachable!()
    };
    for (key, value) in more {
        event[key] = value;
    }
    event
}

fn own(name: &str) -> String {
    format!("{VOCABULARY}{name}")
}

fn parties(from: Handle, to: Handle) -> Json {
    json!({
        "sourceList": [{"type": "possessing_party", "source": participant_item(from)}],
        "destinationList": [{"type": "possessing_party", "destination": participant_item(to)}],
    })
}

fn joined(mut one: Json, other: &Json) -> Json {
    for (key, value) in other.as_object().unwrap() {
        one[key] = value.clone();
    }
    one
}

/// Bean paste of Chengdu, tested there, made into hotpot base in Chongqing.
struct Story {
    chengdu: City,
    chongqing: City,
    maker: Member,
    lab: Member,
    cook: Member,
    tested: EventRef,
    shipped: EventRef,
}

impl Story {
    fn new() -> Self {
        let mut chengdu = City::new(CHENGDU, "51", 1);
        let mut chongqing = City::new(CHONGQING, "50", 2);
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
            &event("made", "commissioning", "20", json!({"action": "ADD"})),
        );
        let result = json!({
            "sample": "S1", "conclusion": "pass",
            "items": [{"item": "aflatoxin", "verdict": "pass"}],
        });
        let tested = json!({ own("test"): result });
        let tested = chengdu.say(&lab, &event("tested", "inspecting", "20", tested));
        let sent = joined(
            parties(maker.handle, cook.handle),
            &json!({ own("destinationLog"): CHONGQING }),
        );
        let shipped = chengdu.say(&maker, &event("sent", "shipping", "21", sent));
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
    fn imported(&mut self) {
        for at in [self.shipped, self.tested] {
            let proof = self.chengdu.proof(at);
            let import = self.chongqing.import(&self.cook, &proof);
            self.chongqing.world.admitted(vec![import]);
        }
    }

    /// Chongqing believes Chengdu's log no longer.
    fn end(&mut self) {
        let record = map_of_json(&json!({"log": CHENGDU}));
        let world = &mut self.chongqing.world;
        let act = world.registry_by_authority(Action::Region, vec![record]);
        world.admitted(vec![act]);
    }

    fn receipt(&self) -> Json {
        let told = self.chengdu.proof(self.shipped).told().unwrap();
        let link = json!({
            own("sourceLog"): CHENGDU, own("sourceStatement"): told.statement.to_string(),
        });
        let parties = parties(self.maker.handle, self.cook.handle);
        event("got", "receiving", "22", joined(parties, &link))
    }

    /// Receipt and hotpot base.
    fn made(&mut self) {
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
    fn chain(&self, city: &City, item: &str, silent: bool) -> (Answer, Box<Chain>) {
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
                of.unwrap().part(wanted.item.as_str())
            };
            following.told(wanted, told);
        }
        following.finish(&mut answer);
        let chain = answer.chain.take().unwrap();
        (answer, chain)
    }
}

#[test]
fn what_another_log_proves_closes_the_chain() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let base = story.chongqing.answer(HOTPOT);
    assert_eq!(
        (base.verdict, base.breaks.as_slice()),
        (Verdict::Complete, &[][..])
    );
    let [link] = base.links.as_slice() else {
        panic!("{:?}", base.links)
    };
    assert_eq!((link.log.as_str(), link.item.as_str()), (CHENGDU, PASTE));
    assert_eq!(
        (link.toward, link.shipped),
        (Toward::From, Some(story.shipped))
    );
    assert!(link.received.is_some());
    let maker = &base.participants[&story.maker.handle];
    assert_eq!(
        (maker.name.zh.as_str(), maker.district.as_str()),
        ("酱厂", "510117")
    );
}

#[test]
fn a_result_of_the_next_region_counts_and_who_relied_on_it_is_counted() {
    let mut story = Story::new();
    story.imported();
    let test = &story.chongqing.answer(PASTE).tests[0];
    assert_eq!((test.issuer, test.relied_on), (story.lab.handle, Some(1)));
    assert_eq!(
        test.imported.as_ref().map(|one| one.log.as_str()),
        Some(CHENGDU)
    );
    let shop = story
        .chongqing
        .world
        .admit(&[Role::Retailer], "500112", &json!({}));
    let proof = story.chengdu.proof(story.tested);
    let again = story.chongqing.import(&shop, &proof);
    story.chongqing.world.admitted(vec![again]);
    let answer = story.chongqing.answer(PASTE);
    assert_eq!(answer.tests.len(), 1, "one result, whoever imports it");
    assert_eq!(answer.tests[0].relied_on, Some(2));
}

#[test]
fn an_import_proves_itself_in_a_bundle() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let Told::Proved(part) = story.chongqing.part(HOTPOT) else {
        unreachable!()
    };
    let of_store = story.chongqing.answer(HOTPOT);
    assert_eq!(part.answer.verdict, of_store.verdict);
    assert_eq!(part.answer.links, of_store.links);
}

#[test]
fn a_receipt_without_its_import_is_a_break() {
    let mut story = Story::new();
    story.made();
    let base = story.chongqing.answer(HOTPOT);
    let kinds: Vec<BreakKind> = base.breaks.iter().map(|one| one.kind).collect();
    assert_eq!(kinds, [BreakKind::ForeignUnresolved]);
    assert_eq!(
        base.breaks[0].whose,
        Some(participant_item(story.cook.handle))
    );
    assert_eq!(base.verdict, Verdict::Broken);
}

#[test]
fn both_cities_tell_one_chain() {
    let mut story = Story::new();
    story.imported();
    story.made();
    for (city, item, parts) in [
        (&story.chongqing, HOTPOT, vec![(CHENGDU, PASTE, Why::From)]),
        (&story.chongqing, PASTE, vec![(CHENGDU, PASTE, Why::From)]),
        (&story.chengdu, PASTE, vec![(CHONGQING, PASTE, Why::To)]),
        (
            &story.chengdu,
            HOTPOT,
            vec![(CHENGDU, PASTE, Why::From), (CHONGQING, HOTPOT, Why::Asked)],
        ),
    ] {
        let (answer, chain) = story.chain(city, item, false);
        let found: Vec<_> = chain
            .sections
            .iter()
            .map(|one| (one.log.as_str(), one.item.as_str(), one.why))
            .collect();
        assert_eq!(found, parts, "{item} in {}", city.log());
        assert_eq!(
            answer.verdict,
            Verdict::Complete,
            "{item} in {}",
            city.log()
        );
        assert_eq!(chain.findings, []);
    }
}

#[test]
fn a_recall_at_the_source_stops_what_was_made_of_it_across_the_border() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let case = Identifier::case(story.chengdu.world.authority.handle, "2026-7").unwrap();
    let order = map_of_json(&json!({
        "id": PASTE, "case": case.as_str(), "reason": {"zh": "霉", "en": "mould"},
        "level": 1, "fault": "safety", "reach": "forward",
    }));
    let recall = story
        .chengdu
        .world
        .registry_by_authority(Action::Recall, vec![order]);
    story.chengdu.world.admitted(vec![recall]);
    for (city, item) in [(&story.chongqing, HOTPOT), (&story.chongqing, PASTE)] {
        let (answer, chain) = story.chain(city, item, false);
        assert_eq!(answer.verdict, Verdict::Recalled, "{item}");
        assert_eq!(chain.own, Verdict::Complete);
    }
}

#[test]
fn a_silent_region_leaves_its_part_marked() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let (answer, chain) = story.chain(&story.chongqing, HOTPOT, true);
    assert_eq!((answer.verdict, answer.complete), (Verdict::Clear, false));
    let sections = chain.sections;
    let Told::Silent {
        last_proved: Some(_),
    } = sections[0].told
    else {
        panic!("{:?}", sections[0].told)
    };
    // What went on elsewhere takes nothing from what is known here.
    let (answer, _) = story.chain(&story.chengdu, PASTE, true);
    assert_eq!(answer.verdict, Verdict::Complete);
}

#[test]
fn one_shipment_received_in_two_regions_is_found_in_both() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let name = json!({"name": {"zh": "店", "en": "shop"}});
    let shop = story
        .chengdu
        .world
        .admit(&[Role::Retailer], "510104", &name);
    let taken = parties(story.maker.handle, shop.handle);
    story
        .chengdu
        .say(&shop, &event("taken", "receiving", "22", taken));
    for city in [&story.chengdu, &story.chongqing] {
        let (answer, chain) = story.chain(city, PASTE, false);
        let found: Vec<Rule> = chain.findings.iter().map(|one| one.rule).collect();
        assert_eq!(found, [Rule::ReceivedTwice], "{}", city.log());
        assert_eq!(answer.verdict, Verdict::Violation);
    }
    // Whom the shipment does not name is a finding of the log on which he took it, too.
    let home = story.chengdu.answer(PASTE);
    let rules: Vec<Rule> = home.findings.iter().map(|one| one.rule).collect();
    assert!(rules.contains(&Rule::PartyMismatch), "{rules:?}");
}

#[test]
fn who_receives_what_was_sent_to_another_is_found_in_both_regions() {
    let mut story = Story::new();
    let proof = story.chengdu.proof(story.shipped);
    let thief = story
        .chongqing
        .world
        .admit(&[Role::Retailer], "500112", &json!({}));
    let import = story.chongqing.import(&thief, &proof);
    story.chongqing.world.admitted(vec![import]);
    let mut receipt = story.receipt();
    let to = parties(story.maker.handle, thief.handle);
    receipt["destinationList"] = to["destinationList"].clone();
    story.chongqing.say(&thief, &receipt);
    let rules =
        |answer: &Answer| -> Vec<Rule> { answer.findings.iter().map(|one| one.rule).collect() };
    let here = story.chongqing.answer(PASTE);
    assert!(
        rules(&here).contains(&Rule::PartyMismatch),
        "{:?}",
        rules(&here)
    );
    let (_, chain) = story.chain(&story.chengdu, PASTE, false);
    let sections = chain.sections;
    let Told::Proved(part) = &sections[0].told else {
        unreachable!()
    };
    assert!(rules(&part.answer).contains(&Rule::PartyMismatch));
}

/// Why an import of `proof` is refused.
fn refusal(story: &mut Story, proof: &EventProof) -> RejectReason {
    let record = import_record(CHENGDU, proof);
    let cook = &story.cook;
    let import = story
        .chongqing
        .world
        .registry(cook, Action::Import, vec![record]);
    story.chongqing.world.refusal(import)
}

#[test]
fn an_import_that_is_not_proved_is_refused_by_name() {
    let mut story = Story::new();
    let good = story.chengdu.proof(story.shipped);
    let unwitnessed = EventProof {
        checkpoint: story.chengdu.recorded(),
        ..good.clone()
    };
    let mut elsewhere = good.clone();
    elsewhere.statement.leaf.0 += 1;
    let mut other_event = good.clone();
    let tested = story.chengdu.proof(story.tested);
    other_event.statement.disclosed = tested.statement.disclosed;
    let mut torn = good.clone();
    torn.path.pop();
    let mut another = good;
    another.admission = tested.admission;
    for (proof, want) in [
        (unwitnessed, "not-witnessed"),
        (elsewhere, "tree"),
        (other_event, "disclosure-mismatch"),
        (torn, "tree"),
        (another, "tree"),
    ] {
        let reason = refusal(&mut story, &proof);
        let RejectReason::ImportUnproved { why, .. } = &reason else {
            panic!("{want}: {reason:?}")
        };
        assert_eq!(why.name(), want);
    }
}

/// An import under the log's own word.
pub(crate) fn an_unwitnessed_import() -> RejectReason {
    let mut story = Story::new();
    let proof = EventProof {
        checkpoint: story.chengdu.recorded(),
        ..story.chengdu.proof(story.shipped)
    };
    refusal(&mut story, &proof)
}

/// An import of an event that the same participant has imported.
pub(crate) fn an_import_again() -> RejectReason {
    let mut story = Story::new();
    story.imported();
    let proof = story.chengdu.proof(story.shipped);
    refusal(&mut story, &proof)
}

/// An import from a log that is no longer believed.
pub(crate) fn an_import_from_a_region_that_was_ended() -> RejectReason {
    let mut story = Story::new();
    story.end();
    let proof = story.chengdu.proof(story.shipped);
    refusal(&mut story, &proof)
}

#[test]
fn a_region_that_was_ended_counts_no_more() {
    let mut story = Story::new();
    story.end();
    let view = story.chongqing.world.store.view();
    let mut source = ViewSource::new(&view, Reader::Public);
    assert_eq!(regions(&mut source).unwrap(), BTreeMap::new());
}

#[test]
fn one_act_imports_an_event_once() {
    let mut story = Story::new();
    let record = import_record(CHENGDU, &story.chengdu.proof(story.tested));
    let shop = story
        .chongqing
        .world
        .admit(&[Role::Retailer], "500112", &json!({}));
    let twice = vec![record.clone(), record];
    let import = story.chongqing.world.registry(&shop, Action::Import, twice);
    assert_eq!(
        story.chongqing.world.refusal(import).name(),
        "import-repeated"
    );
}

#[test]
fn a_region_must_be_named_by_its_policy_and_be_witnessed() {
    let mut story = Story::new();
    let good = story.chengdu.record();
    let key = story.chengdu.policy();
    let unwitnessed = format!("{}\nquorum none\n", key.lines().next().unwrap());
    for (field, value) in [
        ("log", json!("other.example/log")),
        ("log", json!(CHONGQING)),
        ("policy", json!(unwitnessed)),
        ("policy", json!("log nothing")),
        ("url", json!("ftp://next.example")),
        ("url", json!("https://next.example/")),
        ("url", json!("https://next.example@inside.example")),
        ("url", json!("https://next.example/x?y=")),
        ("district", json!("Sichuan")),
        ("name", json!("成都")),
    ] {
        let mut record = good.clone();
        record[field] = value.clone();
        let record = map_of_json(&record);
        let act = story
            .chongqing
            .world
            .registry_by_authority(Action::Region, vec![record]);
        let reason = story.chongqing.world.refusal(act);
        assert_eq!(reason.name(), "record-invalid", "{field} {value}");
    }
    let record = map_of_json(&good);
    let act = story
        .chongqing
        .world
        .registry(&story.cook, Action::Region, vec![record]);
    assert_eq!(story.chongqing.world.refusal(act).name(), "role-forbids");
}

/// The bundle of an item under a witnessed checkpoint; `open`: of its open lists.
fn bundle_of(city: &City, item: &str, open: bool) -> Vec<u8> {
    let view = city.world.store.view();
    let mut source = if open {
        ViewSource::open(&view)
    } else {
        ViewSource::new(&view, Reader::Public)
    };
    let wanted = Identifier::parse(item).unwrap();
    trace(&mut source, &wanted, city.now(), Limits::DEFAULT).unwrap();
    let mut bundle = bundle::build(&view, &source, item).unwrap();
    bundle.checkpoint = city.witnessed();
    bundle.encode()
}

impl Story {
    /// A policy of both logs, either of whose witnesses makes a quorum.
    fn policy(&self) -> TlogPolicy {
        let witness = |city: &City, name: &str| {
            let key = city.witness.public_key().clone();
            let key = NoteKey::new("w.example", KeyKind::Cosignature, key).unwrap();
            format!("witness {name} {key}\n")
        };
        let log = |city: &City| {
            let key = city.world.log_key.public_key().clone();
            format!(
                "log {}\n",
                NoteKey::new(city.log(), KeyKind::Ed25519, key).unwrap()
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
        TlogPolicy::parse(&text.concat()).unwrap()
    }
}

#[test]
fn a_chain_file_proves_both_parts_or_nothing() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let policy = story.policy();
    let now = story.chongqing.now();
    let prove = |bundles: &[&[u8]]| {
        let file = bundle::encode_chain(bundles);
        bundle::prove_chain(&file, &policy, now)
    };
    for open in [false, true] {
        let base = bundle_of(&story.chongqing, HOTPOT, open);
        let paste = bundle_of(&story.chengdu, PASTE, open);
        let answer = prove(&[&base, &paste]).unwrap().answer;
        let chain = answer.chain.unwrap();
        assert_eq!(
            (chain.sections.len(), chain.sections[0].log.as_str()),
            (1, CHENGDU)
        );
        let want = if open {
            Verdict::Clear
        } else {
            Verdict::Complete
        };
        assert_eq!(answer.verdict, want, "open: {open}");
        let mut damaged = paste.clone();
        let middle = damaged.len() / 2;
        damaged[middle] ^= 1;
        assert!(prove(&[&base, &damaged]).is_err());
        // A good lot of another story is no origin of this one.
        let stranger = bundle_of(
            &story.chengdu,
            "https://id.gs1.org/01/06901234567892/10/Z9",
            open,
        );
        let error = prove(&[&base, &paste, &stranger]).unwrap_err();
        assert_eq!(error.name(), "part-unlinked");
    }
    let base = bundle_of(&story.chongqing, HOTPOT, false);
    let alone = prove(&[&base]).unwrap().answer;
    let told = &alone.chain.unwrap().sections[0].told;
    assert!(
        matches!(
            told,
            Told::Silent {
                last_proved: Some(_)
            }
        ),
        "{told:?}"
    );
    let mut torn = bundle::encode_chain(&[&base]);
    torn.truncate(torn.len() - 1);
    assert_eq!(
        bundle::prove_chain(&torn, &policy, now).unwrap_err().name(),
        "malformed"
    );
    assert_eq!(
        bundle::encode_chain(&bundle::decode_chain(&bundle::encode_chain(&[&base])).unwrap()),
        bundle::encode_chain(&[&base])
    );
}
