use super::*;
use crate::bundle;
use crate::identifier::Identifier;
use crate::ids::TreeSize;
use crate::lists::{Reader, ViewSource};
use crate::provenance::across::{Told, Why};
use crate::provenance::answer::{BreakKind, Toward, Verdict};
use crate::provenance::{Answer, Rule};
use crate::reject::RejectReason;
use crate::state::Role;
use crate::store::Store as _;
use crate::testing::story::{CHENGDU, CHONGQING, City, HOTPOT, PASTE, Story, event, parties};
use crate::testing::{map_of_json, participant_item};
use crate::tlog_policy::Standing;
use serde_json::json;

mod attacks;

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
        .say(&shop, &event("taken", "receiving", "22", &taken));
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

/// More events in one act than it may have; each of them may be proved or not.
pub(crate) fn an_import_of_more_than_a_delivery() -> RejectReason {
    let mut story = Story::new();
    let record = import_record(CHENGDU, &story.chengdu.proof(story.shipped));
    let records = vec![record; IMPORTS_MAX + 1];
    let world = &mut story.chongqing.world;
    let import = world.registry(&story.cook, Action::Import, records);
    world.refusal(import)
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

#[test]
fn a_chain_file_proves_both_parts_or_nothing() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let prove = |bundles: &[&[u8]]| story.prove(&bundle::encode_chain(bundles));
    for open in [false, true] {
        let base = story.chongqing.bundle(HOTPOT, open);
        let paste = story.chengdu.bundle(PASTE, open);
        let answer = prove(&[&base, &paste]).unwrap().root.answer;
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
        let stranger = story
            .chengdu
            .bundle("https://id.gs1.org/01/06901234567892/10/Z9", open);
        let error = prove(&[&base, &paste, &stranger]).unwrap_err();
        assert_eq!(error.name(), "part-unlinked");
    }
    let base = story.chongqing.bundle(HOTPOT, false);
    let alone = prove(&[&base]).unwrap().root.answer;
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
    assert_eq!(story.prove(&torn).unwrap_err().name(), "malformed");
    assert_eq!(
        bundle::encode_chain(&bundle::decode_chain(&bundle::encode_chain(&[&base])).unwrap()),
        bundle::encode_chain(&[&base])
    );
}

#[test]
fn what_a_chain_file_rests_on_is_told_for_each_log() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let chain = story.prove(&story.chain_file(false)).unwrap();
    let rests_on: Vec<_> = chain
        .rests_on()
        .map(|(facts, judged)| (judged.checkpoint.origin.as_str(), facts.size))
        .collect();
    let size = |city: &City| city.next_leaf().0;
    assert_eq!(
        rests_on,
        [
            (CHONGQING, TreeSize(size(&story.chongqing))),
            (CHENGDU, TreeSize(size(&story.chengdu)))
        ]
    );
    let part = chain.part(CHENGDU, PASTE).unwrap();
    assert_eq!(part.judged.standing, Standing::Witnessed);
    // One log's bundle by itself says as much as it does, and names what it lacks.
    let alone = story.prove(&story.chongqing.bundle(HOTPOT, false)).unwrap();
    let answer = alone.root.answer;
    assert_eq!(answer.verdict, Verdict::Clear);
    assert_eq!(answer.chain.unwrap().own, Verdict::Complete);
}

#[test]
fn imports_in_a_bundle_are_held_against_the_readers_own_policy() {
    let mut story = Story::new();
    story.imported();
    story.made();
    let bundle = story.chongqing.bundle(HOTPOT, false);
    let both = story.policy().to_string();
    let strict = both.replace("group G any A B", "group G all A B");
    for (policy, want) in [
        (&both, Some(Standing::Witnessed)),
        (&strict, Some(Standing::Recorded)),
        (&story.chongqing.policy(), None),
    ] {
        let policy = TlogPolicy::parse(policy).unwrap();
        let (proved, _) = bundle::verify_by(&bundle, &policy).unwrap();
        let imports = proved.imports();
        assert!(!imports.is_empty());
        for import in imports {
            assert_eq!((import.log.as_str(), import.standing), (CHENGDU, want));
        }
    }
}

#[test]
fn a_log_that_imports_from_a_false_neighbour_is_refused_by_who_knows_the_true_one() {
    let mut story = Story::of(City::new(CHENGDU, "51", 7), City::new(CHONGQING, "50", 2));
    story.imported();
    story.made();
    let bundle = story.chongqing.bundle(HOTPOT, false);
    let honest = Story::new().policy();
    let error = bundle::verify_by(&bundle, &honest).unwrap_err();
    assert_eq!(error.name(), "import-unproved", "{error}");
}

#[test]
fn what_hides_a_break_in_a_part_makes_nothing_green() {
    let mut story = Story::new();
    story.imported();
    story.made();
    // Somebody there who never had the paste sells it: its chain is broken, and it has a verdict
    // that does not reach over the border.
    let shop = story
        .chengdu
        .world
        .admit(&[Role::Retailer], "510104", &json!({}));
    let sold = event("sold", "retail_selling", "22", &json!({"action": "DELETE"}));
    story.chengdu.say(&shop, &sold);
    let failed = json!({
        crate::testing::story::own("test"): {"sample": "S3", "conclusion": "fail"},
    });
    story
        .chengdu
        .say(&story.lab, &event("failed", "inspecting", "22", &failed));
    let (answer, chain) = story.chain(&story.chongqing, HOTPOT, false);
    let Told::Proved(part) = &chain.sections[0].told else {
        unreachable!()
    };
    assert_eq!(part.answer.verdict, Verdict::FailedTest);
    assert!(!part.answer.complete);
    assert_eq!((answer.verdict, answer.complete), (Verdict::Clear, false));
}

#[test]
fn a_chain_has_so_many_parts_and_says_that_there_are_more() {
    use crate::provenance::across::{Following, SECTIONS_MAX};
    use crate::provenance::answer::Link;
    let mut story = Story::new();
    story.imported();
    story.made();
    let Told::Proved(mut part) = story.chengdu.part(PASTE) else {
        unreachable!()
    };
    let mut answer = story.chongqing.answer(HOTPOT);
    let link = answer.links[0].clone();
    part.answer.links = (0..=SECTIONS_MAX)
        .map(|number| Link {
            log: format!("log{number}.example/x"),
            ..link.clone()
        })
        .collect();
    let mut following = Following::new(CHONGQING, &answer, []);
    while let Some(wanted) = following.wanted() {
        let told = if wanted.log == CHENGDU {
            Told::Proved(part.clone())
        } else {
            Told::Silent { last_proved: None }
        };
        following.told(wanted, told);
    }
    following.finish(&mut answer);
    let chain = answer.chain.unwrap();
    assert_eq!((chain.sections.len(), chain.cut), (SECTIONS_MAX, true));
}
