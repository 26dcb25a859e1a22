//! What somebody of another region, his authority or his log may try against this ledger, by events
//! that are imported with a true proof.

use super::*;
use crate::access::shown::is_numbered;
use crate::access::{Sight, shown};
use crate::ids::{Handle, LeafIndex};
use crate::lists::entitled;
use crate::provenance::{Limits, trace};
use crate::seal::Outcome;
use crate::testing::story::{joined, own};
use crate::testing::{Member, World};
use crate::token::{Claims, Token, identify};
use serde_json::Value as Json;

/// A log of Chongqing's own district, which Chongqing has recognised and which lies.
fn liar(story: &mut Story) -> City {
    let mut liar = City::new("liar.example/log", "50", 3);
    let record = map_of_json(&liar.record());
    let world = &mut story.chongqing.world;
    let act = world.registry_by_authority(Action::Region, vec![record]);
    world.admitted(vec![act]);
    liar.world.now = story.chongqing.world.now;
    liar
}

/// Admits somebody under a handle that another has.
fn under(world: &mut World, handle: Handle, roles: &[Role], district: &str) -> Member {
    let member = Member {
        handle,
        ..world.stranger()
    };
    let action = Action::Admit {
        handle,
        roles: roles.iter().copied().collect(),
        district: district.to_owned(),
        licences: Vec::new(),
        keys: vec![world.possession(&member)],
    };
    let name = map_of_json(&json!({"name": {"zh": "假", "en": "false"}}));
    let act = world.registry_by_authority(action, vec![name]);
    world.admitted(vec![act]);
    member
}

fn of(item: &str, id: &str, step: &str, day: &str, more: Json) -> Json {
    let goods = json!({"quantityList": [{"epcClass": item}]});
    event(id, step, day, &joined(more, &goods))
}

/// The cook imports what `proof` proves.
fn import(story: &mut Story, proof: &EventProof) -> Result<(), RejectReason> {
    let act = story.chongqing.import(&story.cook, proof);
    let world = &mut story.chongqing.world;
    match world.submit(vec![act]).unwrap().pop().unwrap() {
        Outcome::Rejected(reason) => Err(reason),
        Outcome::Admitted(_) | Outcome::Again(_) => Ok(()),
    }
}

#[test]
fn another_log_cannot_speak_in_the_name_of_a_member_here() {
    let mut story = Story::new();
    let mut liar = liar(&mut story);
    let cook = story.cook.handle;
    let double = under(&mut liar.world, cook, &[Role::Processor], "500112");
    let said = liar.say(&double, &of(HOTPOT, "base", "storing", "22", json!({})));
    assert_eq!(
        import(&mut story, &liar.proof(said)),
        Err(RejectReason::ParticipantExists { handle: cook })
    );
}

#[test]
fn another_log_takes_nothing_back_that_was_said_on_the_first() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let mut liar = liar(&mut story);
    let maker = story.maker.handle;
    let double = under(&mut liar.world, maker, &[Role::Regulator], "500112");
    let wrong = json!({"errorDeclaration": {
        "declarationTime": "2026-11-22T12:00:00Z", "reason": "urn:epcglobal:cbv:er:did_not_occur",
    }});
    let said = liar.say(&double, &of(PASTE, "sent", "shipping", "21", wrong));
    import(&mut story, &liar.proof(said)).unwrap();
    let answer = story.chongqing.answer(HOTPOT);
    assert_eq!(answer.breaks, []);
    // Nor is it the one who says what the maker is called.
    let maker = &answer.participants[&maker];
    assert_eq!(
        (maker.name.zh.as_str(), maker.district.as_str()),
        ("酱厂", "510117")
    );
}

#[test]
fn a_foreign_making_of_anothers_code_is_not_taken() {
    let mut story = Story::new();
    let owner = json!({"prefixes": ["6909815"]});
    story
        .chongqing
        .world
        .admit(&[Role::Processor], "500112", &owner);
    let made = of(
        HOTPOT,
        "fake",
        "commissioning",
        "20",
        json!({"action": "ADD"}),
    );
    let said = story.chengdu.say(&story.maker, &made);
    let proof = story.chengdu.proof(said);
    assert_eq!(refusal(&mut story, &proof).name(), "foreign-identifier");
}

#[test]
fn goods_made_here_are_not_a_foreign_shippers_to_recall() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let (cook, maker) = (story.cook.handle, story.maker.handle);
    let sent = of(HOTPOT, "mine", "shipping", "19", parties(maker, cook));
    let recalled = of(
        HOTPOT,
        "bad",
        "holding",
        "22",
        json!({"disposition": "recalled"}),
    );
    for said in [sent, recalled] {
        let said = story.chengdu.say(&story.maker, &said);
        let proof = story.chengdu.proof(said);
        import(&mut story, &proof).unwrap();
    }
    let answer = story.chongqing.answer(HOTPOT);
    assert_ne!(answer.verdict, Verdict::Recalled);
}

#[test]
fn a_foreign_office_is_over_nobody_here() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let mut liar = liar(&mut story);
    let office = liar.world.admit(&[Role::Regulator], "500112", &json!({}));
    let recall = json!({"disposition": "recalled"});
    let said = liar.say(&office, &of(HOTPOT, "stop", "holding", "22", recall));
    import(&mut story, &liar.proof(said)).unwrap();
    let answer = story.chongqing.answer(HOTPOT);
    assert_eq!(answer.verdict, Verdict::Complete);
}

#[test]
fn what_somebody_over_there_merely_observed_is_no_origin() {
    let mut story = Story::new();
    let lot = "https://id.gs1.org/01/06901234567892/10/NOWHERE";
    let (cook, maker) = (story.cook.handle, story.maker.handle);
    let seen = of(lot, "seen", "storing", "20", json!({}));
    let said = story.chengdu.say(&story.maker, &seen);
    let proof = story.chengdu.proof(said);
    import(&mut story, &proof).unwrap();
    let got = of(lot, "got-it", "receiving", "21", parties(maker, cook));
    story.chongqing.say(&story.cook, &got);
    let answer = story.chongqing.answer(lot);
    let kinds: Vec<BreakKind> = answer.breaks.iter().map(|one| one.kind).collect();
    assert!(kinds.contains(&BreakKind::OriginMissing), "{kinds:?}");
    assert_eq!(answer.links, []);
}

#[test]
fn a_warning_that_says_who_has_the_goods_is_not_taken() {
    let mut story = Story::new();
    let record = json!({"prefixes": ["6909815"]});
    story
        .chongqing
        .world
        .admit(&[Role::Retailer], "500112", &record);
    // Over there the place is nobody's.
    let mut liar = liar(&mut story);
    let failed = json!({
        own("test"): {"sample": "S2", "conclusion": "fail"},
        "bizLocation": {"id": "https://id.gs1.org/414/6909815000004"},
    });
    let failed = of(PASTE, "failed", "inspecting", "22", failed);
    let lab = liar.world.admit(&[Role::Laboratory], "500104", &json!({}));
    let said = liar.say(&lab, &failed);
    let reason = import(&mut story, &liar.proof(said)).unwrap_err();
    assert_eq!(reason.name(), "field-not-public");
}

#[test]
fn a_proof_of_this_log_itself_is_no_import() {
    let mut story = Story::new();
    story.made();
    let leaf = LeafIndex(story.chongqing.next_leaf().0 - 2);
    let proof = story.chongqing.proof(EventRef { leaf, index: 0 });
    let cook = &story.cook;
    let record = import_record(CHONGQING, &proof);
    let world = &mut story.chongqing.world;
    let act = world.registry(cook, Action::Import, vec![record]);
    assert_eq!(world.refusal(act).name(), "region-unknown");
}

/// A member of `city` as a reader.
fn reader(city: &City, member: &Member) -> Reader {
    let view = city.world.store.view();
    let issued_s = u64::try_from(city.now().0 / 1000).unwrap();
    let claims = Claims {
        issuer: member.handle,
        audience: city.log().to_owned(),
        expires_s: issued_s + 60,
        issued_s,
    };
    let token = Token::issue(&member.key, &claims);
    let bearer = identify(&view, city.log(), city.now(), &token).unwrap();
    let found = entitled(&view, bearer, Sight::Named, city.now()).unwrap();
    Reader::Bearer(Box::new(found))
}

/// Whether anything in the answer names somebody.
fn names_in(answer: &Answer, handle: Handle) -> bool {
    let json = serde_json::to_string(answer).unwrap();
    json.contains(&handle.to_string())
}

#[test]
fn a_stranger_learns_from_a_chain_what_each_region_tells_strangers() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let shop = story
        .chengdu
        .world
        .admit(&[Role::Retailer], "510104", &json!({}));
    let sent = joined(
        event("more", "shipping", "21", &json!({})),
        &parties(story.maker.handle, shop.handle),
    );
    story.chengdu.say(&story.maker, &sent);
    let got = joined(
        event("taken", "receiving", "22", &json!({})),
        &parties(story.maker.handle, shop.handle),
    );
    story.chengdu.say(&shop, &got);
    let (mut answer, chain) = story.chain(&story.chongqing, PASTE, false);
    assert!(
        chain.sections.iter().any(
            |one| matches!(&one.told, Told::Proved(part) if names_in(&part.answer, shop.handle))
        )
    );
    answer.chain = Some(chain);
    shown::answer(&mut answer, &Reader::Public, |_| Sight::Outline);
    assert!(!names_in(&answer, shop.handle), "a buyer over there");
    assert!(!names_in(&answer, story.cook.handle), "a buyer here");
    assert!(names_in(&answer, story.maker.handle), "who made it");
    for link in &answer.links {
        assert_eq!((link.shipped, link.received), (None, None));
    }
}

#[test]
fn what_this_log_told_of_a_chain_is_limited_for_an_authority_of_elsewhere_too() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let shop = story
        .chengdu
        .world
        .admit(&[Role::Retailer], "510104", &json!({}));
    let sent = joined(
        event("more", "shipping", "21", &json!({})),
        &parties(story.maker.handle, shop.handle),
    );
    story.chengdu.say(&story.maker, &sent);
    let office = story
        .chengdu
        .world
        .admit(&[Role::Regulator], "510500", &json!({}));
    let (mut answer, chain) = story.chain(&story.chengdu, HOTPOT, false);
    let own = |answer: &Answer| {
        let chain = answer.chain.as_ref().unwrap();
        let mut own = chain.sections.iter().filter(|one| one.log == chain.log);
        match &own.next().unwrap().told {
            Told::Proved(part) => part.answer.clone(),
            told @ (Told::Silent { .. } | Told::Unproved { .. }) => panic!("{told:?}"),
        }
    };
    answer.chain = Some(chain);
    assert!(names_in(&own(&answer), shop.handle));
    let reader = reader(&story.chengdu, &office);
    shown::answer(&mut answer, &reader, |_| Sight::Outline);
    let own = own(&answer);
    assert!(!names_in(&own, shop.handle));
    assert!(own.participants.keys().any(|handle| is_numbered(*handle)));
}

#[test]
fn who_relied_on_an_event_is_in_no_bundle_for_others() {
    let mut story = Story::new();
    story.imported();
    let shop = story
        .chongqing
        .world
        .admit(&[Role::Retailer], "500112", &json!({}));
    let sees_all = |member: &Member| {
        let view = story.chongqing.world.store.view();
        let mut source = ViewSource::new(&view, reader(&story.chongqing, member));
        let wanted = Identifier::parse(PASTE).unwrap();
        trace(&mut source, &wanted, story.chongqing.now(), Limits::DEFAULT).unwrap();
        source.sees_all()
    };
    assert!(sees_all(&story.cook));
    assert!(!sees_all(&shop));
}

#[test]
fn nobody_crowds_an_origin_out_by_naming_logs_that_goods_went_to() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let stranger = story
        .chongqing
        .world
        .admit(&[Role::Distributor], "500112", &json!({}));
    let send = |city: &mut City, by: &Member, who: &str| {
        for number in 0..9 {
            let log = json!({ own("destinationLog"): format!("a{number}.example/log") });
            let id = format!("{who}{number}");
            city.say(by, &of(HOTPOT, &id, "shipping", "22", log));
        }
    };
    send(&mut story.chongqing, &stranger, "stranger");
    let links = story.chongqing.answer(HOTPOT).links;
    assert_eq!(links.len(), 1, "who never had them sent them nowhere");
    send(&mut story.chongqing, &story.cook, "cook");
    let (_, chain) = story.chain(&story.chongqing, HOTPOT, true);
    let first = &chain.sections[0];
    assert_eq!((first.log.as_str(), first.why), (CHENGDU, Why::From));
    assert!(chain.cut, "and what has no room is said to have none");
}
