//! Who may see what: the rule as a table, and what a stranger can find out by asking anything.

use super::shown::{self, is_numbered};
use super::*;
use crate::bundle::{self, Trust};
use crate::disclosure::Class;
use crate::identifier::Identifier;
use crate::lists::{ViewSource, entitled};
use crate::provenance::answer::Verdict;
use crate::provenance::{Answer, Limits, Scope, Source as _, Start, forward, trace};
use crate::registry::Action;
use crate::signature::Signer as _;
use crate::store::Store as _;
use crate::testing::{Member, ORIGIN, World, object_event, participant_item};
use crate::token::{Claims, Token, identify};
use serde_json::{Value as Json, json};
use std::rc::Rc;

const PRODUCT: &str = "https://id.gs1.org/01/06901234567892";

fn lot(name: &str) -> String {
    format!("{PRODUCT}/10/{name}")
}

/// A maker, two buyers who sell on, a carrier, a laboratory; and one lot through all their hands.
struct Town {
    world: World,
    maker: Rc<Member>,
    buyers: [Rc<Member>; 2],
    shop: Rc<Member>,
    carrier: Rc<Member>,
    laboratory: Rc<Member>,
    regulator: Rc<Member>,
    elsewhere: Rc<Member>,
}

fn named(name: &str) -> Json {
    json!({"name": {"zh": name, "en": name}})
}

fn town() -> Town {
    let mut world = World::new();
    let maker = world.admit(
        &[Role::Producer],
        "510117",
        &json!({"name": {"zh": "甲", "en": "Maker"}, "prefixes": ["6901234"]}),
    );
    let first = world.admit(&[Role::Distributor], "510104", &named("First"));
    let second = world.admit(&[Role::Distributor], "510703", &named("Second"));
    let shop = world.admit(&[Role::Retailer], "510107", &named("Shop"));
    let carrier = world.admit(&[Role::Carrier], "510112", &named("Carrier"));
    let laboratory = world.admit(&[Role::Laboratory], "510104", &named("Lab"));
    let regulator = world.admit(&[Role::Regulator], "5107", &named("Mianyang"));
    let elsewhere = world.admit(&[Role::Regulator], "5115", &named("Yibin"));
    let mut town = Town {
        world,
        maker: Rc::new(maker),
        buyers: [Rc::new(first), Rc::new(second)],
        shop: Rc::new(shop),
        carrier: Rc::new(carrier),
        laboratory: Rc::new(laboratory),
        regulator: Rc::new(regulator),
        elsewhere: Rc::new(elsewhere),
    };
    town.tell("A1");
    town
}

fn hand_over(event: &mut Json, from: &Member, to: &Member) {
    let party = |member: &Member| participant_item(member.handle);
    event["sourceList"] = json!([
        {"type": "possessing_party", "source": party(from)},
        {"type": "owning_party", "source": party(from)},
    ]);
    event["destinationList"] = json!([
        {"type": "possessing_party", "destination": party(to)},
        {"type": "owning_party", "destination": party(to)},
    ]);
}

impl Town {
    fn say(&mut self, by: &Member, event: Json) {
        let statement = self.world.events(by, &[event]);
        self.world.admitted(vec![statement]);
    }

    /// The maker makes a lot and hands it to both buyers; the first sells to the shop, which sells
    /// it to somebody.
    fn tell(&mut self, name: &str) {
        let lot = lot(name);
        let (maker, shop) = (Rc::clone(&self.maker), Rc::clone(&self.shop));
        let (buyers, laboratory) = (self.buyers.clone(), Rc::clone(&self.laboratory));
        let event = |id: &str, action: &str, step: &str, hour: u8| {
            let id = format!("urn:e:{name}:{id}");
            let time = format!("2026-11-20T{hour:02}:30:00+08:00");
            object_event(&id, action, step, &time, &lot)
        };
        self.say(&maker, event("made", "ADD", "commissioning", 1));
        let mut tested = event("tested", "OBSERVE", "inspecting", 2);
        tested["@context"] = json!({"sy": "https://ref.suyuan.example/voc/"});
        tested["sy:test"] = json!({"conclusion": "pass", "report": "R-1"});
        self.say(&laboratory, tested);
        for (number, buyer) in (0_u8..).zip(&buyers) {
            let mut sent = event(&format!("sent{number}"), "OBSERVE", "shipping", 3 + number);
            hand_over(&mut sent, &maker, buyer);
            self.say(&maker, sent);
            let mut got = event(&format!("got{number}"), "OBSERVE", "receiving", 5 + number);
            hand_over(&mut got, &maker, buyer);
            got["bizLocation"] = json!({"id": participant_item(buyer.handle)});
            self.say(buyer, got);
        }
        let mut sent = event("sent2", "OBSERVE", "shipping", 8);
        hand_over(&mut sent, &buyers[0], &shop);
        self.say(&buyers[0], sent);
        let mut got = event("got2", "OBSERVE", "receiving", 9);
        hand_over(&mut got, &buyers[0], &shop);
        self.say(&shop, got);
        self.say(&shop, event("sold", "OBSERVE", "retail_selling", 10));
    }

    fn reader(&self, member: &Member, wants: Sight) -> Reader {
        let view = self.world.store.view();
        let issued_s = u64::try_from(self.world.now.0 / 1000).unwrap();
        let claims = Claims {
            issuer: member.handle,
            audience: ORIGIN.to_owned(),
            expires_s: issued_s + 60,
            issued_s,
        };
        let token = Token::issue(&member.key, &claims);
        let bearer = identify(&view, ORIGIN, self.world.now, &token).unwrap();
        Reader::Bearer(Box::new(
            entitled(&view, bearer, wants, self.world.now).unwrap(),
        ))
    }

    /// What `reader` is shown of an item.
    fn shown(&self, item: &str, reader: &Reader) -> Answer {
        let view = self.world.store.view();
        let mut source = ViewSource::new(&view, reader.clone());
        let item = Identifier::parse(item).unwrap();
        let mut answer = trace(&mut source, &item, self.world.now, Limits::DEFAULT).unwrap();
        shown::answer(&mut answer, reader, |at| source.sight(at));
        answer
    }

    /// The bundle for everyone, and what a verifier concludes from it.
    fn open_bundle(&self, item: &str) -> (Vec<u8>, Answer) {
        let view = self.world.store.view();
        let mut source = ViewSource::open(&view);
        let id = Identifier::parse(item).unwrap();
        trace(&mut source, &id, self.world.now, Limits::DEFAULT).unwrap();
        let bytes = bundle::build(&view, &source, item).unwrap().encode();
        let trust = Trust {
            origin: ORIGIN.to_owned(),
            log_key: self.world.log_key.public_key().clone(),
        };
        let mut proved = bundle::verify(&bytes, &trust).unwrap();
        let answer = trace(&mut proved, &id, self.world.now, Limits::DEFAULT).unwrap();
        (bytes, answer)
    }
}

/// A recall of the lot.
fn stop(id: &str) -> Json {
    let time = "2026-11-21T08:00:00Z";
    let mut event = object_event(id, "OBSERVE", "holding", time, &lot("A1"));
    event["disposition"] = json!("recalled");
    event
}

/// Whether `bytes` hold any spelling of a member's handle or key.
fn tells(bytes: &[u8], member: &Member) -> bool {
    let text = member.handle.to_string();
    let id = member.key.public_key().key_id();
    let spelled = id.to_string();
    let spellings: [&[u8]; 4] = [
        text.as_bytes(),
        &member.handle.0,
        id.as_bytes(),
        spelled.as_bytes(),
    ];
    spellings
        .iter()
        .any(|name| bytes.windows(name.len()).any(|window| window == *name))
}

fn party(handle: u8, district: &str) -> Party {
    Party {
        handle: Handle([handle; 16]),
        district: district.to_owned(),
    }
}

#[test]
fn the_rule_is_this_table() {
    let town = town();
    let maker = Party {
        handle: town.maker.handle,
        district: "510117".to_owned(),
    };
    let buyer = Party {
        handle: town.buyers[1].handle,
        district: "510703".to_owned(),
    };
    let concern = Concern {
        issuer: maker,
        signer: town.carrier.handle,
        parties: vec![buyer],
    };
    for (member, want) in [
        (&town.maker, Sight::Personal),
        (&town.carrier, Sight::Personal), // Signed it for the maker.
        (&town.world.authority, Sight::Personal),
        (&town.buyers[1], Sight::Confidential),
        (&town.regulator, Sight::Confidential), // Over the buyer.
        (&town.buyers[0], Sight::Outline),
        (&town.shop, Sight::Outline),
        (&town.laboratory, Sight::Outline),
        (&town.elsewhere, Sight::Outline),
    ] {
        let all = town.reader(member, Sight::Personal);
        assert_eq!(sight(&all, &concern), want, "{:?}", member.handle);
        // What is not asked for is not read.
        for wants in [Sight::Outline, Sight::Named, Sight::Confidential] {
            let less = sight(&town.reader(member, wants), &concern);
            assert_eq!(less, want.min(wants.max(Sight::Named)));
        }
    }
    assert_eq!(sight(&Reader::Public, &concern), Sight::Outline);
    assert_eq!(sight(&Reader::All, &concern), Sight::Personal);
}

#[test]
fn a_jurisdiction_is_a_prefix() {
    for (jurisdiction, district, want) in [
        ("5101", "510117", true),
        ("510100", "510117", true),
        ("51", "510117", true),
        ("510000", "510117", true),
        ("510117", "510117", true),
        ("510104", "510117", false),
        ("5101", "5107", false),
        ("5101", "51", false),
        ("5101", "", false),
        ("00", "510117", false),
        ("", "510117", false),
    ] {
        assert_eq!(
            covers(jurisdiction, district),
            want,
            "{jurisdiction} {district}"
        );
    }
}

#[test]
fn a_part_opens_at_its_class_and_no_earlier() {
    assert!(Class::Confidential.opens_at() > Sight::Named);
    assert!(Class::Personal.opens_at() > Sight::Confidential);
}

#[test]
fn an_agreement_opens_what_it_says_and_ends_as_it_says() {
    let mut town = town();
    let partner = town.elsewhere.handle;
    let concern = Concern {
        issuer: party(1, "510117"),
        signer: Handle([1; 16]),
        parties: vec![party(2, "510104")],
    };
    let see = |town: &Town| sight(&town.reader(&town.elsewhere, Sight::Personal), &concern);
    let agree = |town: &mut Town, record: Json| {
        let record = crate::testing::map_of_json(&record);
        let act = town
            .world
            .registry_by_authority(Action::Agreement, vec![record]);
        town.world.admitted(vec![act]);
    };
    assert_eq!(see(&town), Sight::Outline);
    let district = |parts: &str, prefix: &str| json!({"partner": partner, "districts": [prefix], "parts": parts});
    agree(&mut town, district("confidential", "5101"));
    assert_eq!(see(&town), Sight::Confidential);
    agree(&mut town, district("named", "5101"));
    assert_eq!(see(&town), Sight::Named, "the newest replaces it");
    agree(&mut town, district("personal", "510117"));
    assert_eq!(see(&town), Sight::Personal);
    agree(&mut town, district("personal", "510104"));
    assert_eq!(
        see(&town),
        Sight::Confidential,
        "personal parts are their issuer's"
    );
    let past = json!({
        "partner": partner, "districts": ["5101"], "parts": "named",
        "until": "2026-11-01T00:00:00Z",
    });
    agree(&mut town, past);
    assert_eq!(see(&town), Sight::Outline);
    agree(&mut town, json!({"partner": partner, "parts": "named"}));
    assert_eq!(see(&town), Sight::Outline);
}

#[test]
fn an_agreement_is_an_authoritys_over_its_own() {
    let mut town = town();
    let partner = town.elsewhere.handle;
    let refuse = |town: &mut Town, record: Json| {
        let record = crate::testing::map_of_json(&record);
        let act = town
            .world
            .registry_by_authority(Action::Agreement, vec![record]);
        town.world.refusal(act).name()
    };
    for (record, name) in [
        (
            json!({"partner": partner, "districts": ["50"], "parts": "named"}),
            "outside-jurisdiction",
        ),
        (
            json!({"partner": Handle([9; 16]), "districts": ["51"], "parts": "named"}),
            "participant-unknown",
        ),
        (
            json!({"partner": partner, "districts": ["51"], "parts": "outline"}),
            "record-invalid",
        ),
        (
            json!({"partner": partner, "districts": ["5"], "parts": "named"}),
            "record-invalid",
        ),
        (
            json!({"partner": "x", "districts": ["51"], "parts": "named"}),
            "record-invalid",
        ),
        (
            json!({"partner": partner, "participants": "all", "parts": "named"}),
            "record-invalid",
        ),
        (
            json!({"partner": partner, "until": "soon", "parts": "named"}),
            "record-invalid",
        ),
    ] {
        assert_eq!(refuse(&mut town, record.clone()), name, "{record}");
    }
    let record = crate::testing::map_of_json(&json!({"partner": partner, "parts": "named"}));
    let act = town
        .world
        .registry(&town.regulator, Action::Agreement, vec![record]);
    assert_eq!(town.world.refusal(act).name(), "role-forbids");
}

#[test]
fn a_stranger_sees_roles_and_districts_and_the_maker_by_name() {
    let town = town();
    let answer = town.shown(&lot("A1"), &Reader::Public);
    let text = serde_json::to_string(&answer).unwrap();
    for hidden in [&town.buyers[0], &town.buyers[1], &town.shop] {
        assert!(!tells(text.as_bytes(), hidden), "{text}");
    }
    for hidden in [
        "First",
        "Second",
        "Shop",
        "urn:e:A1:sent",
        "urn:e:A1:got",
        "urn:e:A1:sold",
    ] {
        assert!(!text.contains(hidden), "{hidden} in {text}");
    }
    assert_eq!(answer.subject.maker, Some(town.maker.handle));
    let named: Vec<&str> = answer
        .participants
        .iter()
        .filter(|(handle, _)| !is_numbered(**handle))
        .map(|(_, party)| party.name.en.as_str())
        .collect();
    assert_eq!(named.len(), 2, "{named:?}");
    assert!(named.contains(&"Maker") && named.contains(&"Lab"));
    // The story is all there.
    assert_eq!(answer.steps.len(), 9);
    let sold = answer
        .steps
        .iter()
        .rfind(|step| step.biz_step.as_deref() == Some("retail_selling"));
    let sold = sold.unwrap();
    assert_eq!(
        crate::time::format_utc(sold.time.0),
        "2026-11-19T16:00:00.000Z"
    );
    let seller = &answer.participants[&sold.issuer];
    assert_eq!(
        (seller.district.as_str(), seller.name.en.as_str()),
        ("510107", "")
    );
    assert_eq!(seller.roles, [Role::Retailer]);
}

#[test]
fn each_sees_by_name_what_concerns_it() {
    let town = town();
    let named = |member: &Member| {
        let reader = town.reader(member, Sight::Named);
        let answer = town.shown(&lot("A1"), &reader);
        let real = answer
            .participants
            .iter()
            .filter(|(handle, _)| !is_numbered(**handle));
        real.map(|(_, party)| party.name.en.clone())
            .collect::<Vec<_>>()
    };
    let has = |names: &[String], name: &str| names.iter().any(|one| one == name);
    // The maker knows its customers, and not theirs.
    let maker = named(&town.maker);
    assert!(
        has(&maker, "First") && has(&maker, "Second") && !has(&maker, "Shop"),
        "{maker:?}"
    );
    // A buyer knows whom it bought from and sold to, and not the other buyer.
    let first = named(&town.buyers[0]);
    assert!(
        has(&first, "Maker") && has(&first, "Shop") && !has(&first, "Second"),
        "{first:?}"
    );
    // The holder at the end knows through whose hands it came.
    let shop = named(&town.shop);
    assert!(
        has(&shop, "First") && has(&shop, "Maker") && !has(&shop, "Second"),
        "{shop:?}"
    );
    // A regulator knows those in its jurisdiction and whom they deal with.
    let mianyang = named(&town.regulator);
    assert!(
        has(&mianyang, "Second") && !has(&mianyang, "First"),
        "{mianyang:?}"
    );
    // A regulator of elsewhere, a carrier that had no part in it: strangers.
    for stranger in [&town.elsewhere, &town.carrier] {
        let names = named(stranger);
        let customers = ["First", "Second", "Shop"];
        assert!(customers.iter().all(|name| !has(&names, name)), "{names:?}");
    }
}

#[test]
fn a_holder_by_its_own_word_alone_sees_nothing_more() {
    let mut town = town();
    let (carrier, shop) = (Rc::clone(&town.carrier), Rc::clone(&town.shop));
    let mut got = object_event(
        "urn:e:x",
        "OBSERVE",
        "receiving",
        "2026-11-21T08:00:00Z",
        &lot("A1"),
    );
    hand_over(&mut got, &shop, &carrier);
    town.say(&carrier, got);
    let answer = town.shown(&lot("A1"), &town.reader(&town.carrier, Sight::Personal));
    let text = serde_json::to_string(&answer.participants).unwrap();
    assert!(
        !text.contains("First") && !text.contains("Second"),
        "{text}"
    );
}

#[test]
fn parts_are_put_back_event_by_event_and_each_is_noted() {
    let town = town();
    let view = town.world.store.view();
    let item = Identifier::parse(&lot("A1")).unwrap();
    for (member, wants, count) in [
        (&town.maker, Sight::Confidential, 5), // made, sent twice, received from it twice
        (&town.maker, Sight::Named, 0),
        (&town.buyers[1], Sight::Confidential, 2),
        (&town.shop, Sight::Confidential, 3),
        (&town.elsewhere, Sight::Personal, 0),
    ] {
        let reader = town.reader(member, wants);
        let mut source = ViewSource::new(&view, reader);
        trace(&mut source, &item, town.world.now, Limits::DEFAULT).unwrap();
        assert_eq!(
            source.opened().len(),
            count,
            "{:?} {wants:?}",
            member.handle
        );
        assert!(source.opened().values().all(|one| !one.personal));
    }
    let mut source = ViewSource::new(&view, Reader::All);
    trace(&mut source, &item, town.world.now, Limits::DEFAULT).unwrap();
    assert!(
        source.opened().is_empty(),
        "whoever has the files needs no record"
    );
}

/// A list longer than one answer reads: what lies behind the limit is neither read nor proved, and
/// the bundle of such an answer is not for one who was shown a part of it.
#[test]
fn what_a_limit_leaves_out_is_not_taken_for_seen() {
    let mut town = town();
    let (maker, lot) = (Rc::clone(&town.maker), lot("A1"));
    let said = (0..1_001).map(|number| {
        let id = format!("urn:e:more:{number}");
        let event = object_event(&id, "OBSERVE", "storing", "2026-11-21T00:00:00Z", &lot);
        town.world.events(&maker, &[event])
    });
    let said = said.collect();
    town.world.admitted(said);
    let view = town.world.store.view();
    let reader = town.reader(&town.world.authority, Sight::Confidential);
    let mut source = ViewSource::new(&view, reader);
    let touches = source.touches(&lot).unwrap();
    assert_eq!((touches.shown.len(), touches.total), (1_000, 1_001));
    assert_eq!(source.statements().len(), 1_000);
    assert_eq!(source.opened().len(), 1_000, "each is recorded");
    assert!(!source.sees_all());
}

#[test]
fn a_strangers_bundle_proves_making_tests_and_stops_and_holds_no_customer() {
    let mut town = town();
    let (bytes, answer) = town.open_bundle(&lot("A1"));
    assert_eq!(
        (answer.scope, answer.verdict, answer.complete),
        (Scope::Open, Verdict::Clear, false)
    );
    assert_eq!(answer.steps.len(), 2, "made and tested");
    for customer in [&town.buyers[0], &town.buyers[1], &town.shop] {
        assert!(!tells(&bytes, customer));
    }
    assert!(tells(&bytes, &town.maker) && tells(&bytes, &town.laboratory));
    let (_, never) = town.open_bundle(&lot("NEVER"));
    assert_eq!(never.verdict, Verdict::Unknown);
    // The regulator of a holder, of whom nothing stands on open lists: red for strangers too.
    let regulator = Rc::clone(&town.regulator);
    town.say(&regulator, stop("urn:e:stop"));
    assert_eq!(town.open_bundle(&lot("A1")).1.verdict, Verdict::Recalled);
    assert_eq!(
        town.shown(&lot("A1"), &Reader::Public).verdict,
        Verdict::Recalled
    );
    let mut town = self::town();
    // Whoever may have had the goods warns: not clear, and left to those who can tell.
    let shop = Rc::clone(&town.shop);
    town.say(&shop, stop("urn:e:own"));
    assert_eq!(town.open_bundle(&lot("A1")).1.verdict, Verdict::Broken);
    assert_eq!(
        town.shown(&lot("A1"), &Reader::Public).verdict,
        Verdict::Recalled
    );
}

#[test]
fn a_stop_left_out_of_an_open_bundle_fails_by_name() {
    let mut town = town();
    let before = town.open_bundle(&lot("A1")).0;
    let regulator = Rc::clone(&town.regulator);
    town.say(&regulator, stop("urn:e:stop"));
    let old = bundle::Bundle::decode(&before).unwrap();
    let mut forged = bundle::Bundle::decode(&town.open_bundle(&lot("A1")).0).unwrap();
    let list = open::open_list(&lot("A1"));
    let members = old
        .lists
        .iter()
        .find(|(name, _)| *name == list)
        .unwrap()
        .1
        .clone();
    for (name, shown) in &mut forged.lists {
        if *name == list {
            shown.clone_from(&members);
        }
    }
    let trust = Trust {
        origin: ORIGIN.to_owned(),
        log_key: town.world.log_key.public_key().clone(),
    };
    let refused = bundle::verify(&forged.encode(), &trust).unwrap_err();
    assert!(
        matches!(refused, bundle::BundleError::EventOmitted { .. }),
        "{refused}"
    );
}

#[test]
fn a_forward_trace_is_for_those_who_had_it_and_names_whom_they_dealt_with() {
    let town = town();
    let view = town.world.store.view();
    let item = Identifier::parse(&lot("A1")).unwrap();
    for (member, may, names) in [
        (&town.maker, true, &["First", "Second", "Maker"][..]),
        (&town.buyers[0], true, &["First", "Shop"]),
        (&town.regulator, true, &["Second"]),
        (&town.elsewhere, false, &[]),
        (&town.carrier, false, &[]),
    ] {
        let reader = town.reader(member, Sight::Named);
        let mut source = ViewSource::new(&view, reader.clone());
        let mut found = forward(
            &mut source,
            &[Start::Item(item.clone())],
            town.world.now,
            Limits::DEFAULT,
        )
        .unwrap();
        let sight = |at| source.sight(at);
        assert_eq!(
            shown::may_forward(&found, &reader, sight),
            may,
            "{:?}",
            member.handle
        );
        shown::forward(&mut found, &reader, sight);
        let real = found.participants.iter().filter(|(handle, party)| {
            !is_numbered(**handle) && !party.roles.contains(&Role::Laboratory)
        });
        let mut got: Vec<&str> = real.map(|(_, party)| party.name.en.as_str()).collect();
        got.sort_unstable();
        if may {
            let mut want = names.to_vec();
            want.sort_unstable();
            assert_eq!(got, want, "{:?}", member.handle);
        }
    }
}
