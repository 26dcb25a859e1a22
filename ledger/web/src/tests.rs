//! Reports, natively; the same ones in a browser: `tests/it/verifier.rs`.

use crate::{Tone, report};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::bundle::{Bundle, build};
use ledger::check::{Act, Answer, Attested, Decision};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::evidence::Evidence;
use ledger::hash::Digest;
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, TreeSize, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::{Limits, trace};
use ledger::receipt::{Receipt, ReceiptClaims, ReceiptFacts};
use ledger::signature::{Signer as _, SigningKey};
use ledger::state::Role;
use ledger::statement::SignedStatement;
use ledger::store::{Store as _, View as _};
use ledger::testing::story::{CHENGDU, HOTPOT, PASTE, Story};
use ledger::testing::{ORIGIN, World, object_event};
use ledger::tlog_policy::TlogPolicy;
use ledger::tlog_proof::TlogProof;
use serde_json::{Value, json};

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

struct Scene {
    trust: String,
    bundle: Vec<u8>,
    now: UnixMillis,
    world: World,
    /// The maker's statement.
    said: SignedStatement,
}

fn key(name: &str, kind: KeyKind, signer: &SigningKey) -> NoteKey {
    NoteKey::new(name, kind, signer.public_key().clone()).unwrap()
}

/// A lot that its maker commissioned, proved to the maker itself.
fn scene() -> Scene {
    let mut world = World::new();
    let maker = world.admit(&[Role::Producer], "510117", &json!({}));
    let event = object_event(
        "urn:e:1",
        "ADD",
        "commissioning",
        "2026-11-20T08:00:00Z",
        LOT,
    );
    let said = world.events(&maker, &[event]);
    world.admitted(vec![said.clone()]);
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Reader::Confidential);
    let item = Identifier::parse(LOT).unwrap();
    trace(&mut source, &item, world.now, Limits::DEFAULT).unwrap();
    let bundle = build(&view, &source, LOT).unwrap().encode();
    drop(source);
    drop(view);
    Scene {
        trust: TlogPolicy::of_log(key(ORIGIN, KeyKind::Ed25519, &world.log_key))
            .unwrap()
            .to_string(),
        bundle,
        now: world.now,
        world,
        said,
    }
}

/// Where the maker's statement stands.
const SAID: LeafIndex = LeafIndex(4);

impl Scene {
    fn report(&self, later_ms: i64, code: &str) -> crate::Report {
        let options = json!({
            "trust": self.trust, "nowMs": self.now.0 + later_ms, "code": code, "ageMaxS": 3600,
        });
        report(options.to_string().as_bytes(), &self.bundle)
    }

    /// The report on another file, by these further options.
    fn report_on(&self, file: &[u8], further: &Value) -> crate::Report {
        let mut options = json!({"trust": self.trust, "nowMs": self.now.0});
        for (name, value) in further.as_object().unwrap() {
            options[name] = value.clone();
        }
        report(options.to_string().as_bytes(), file)
    }

    fn checkpoint(&self) -> String {
        self.world.store.view().head().unwrap().unwrap().checkpoint
    }

    /// The proof of the maker's statement under the newest checkpoint.
    fn tlog_proof(&self) -> TlogProof {
        let view = self.world.store.view();
        let proof = TlogProof::build(&view, SAID, self.checkpoint());
        proof.unwrap().unwrap()
    }

    fn receipt(&self) -> Vec<u8> {
        let view = self.world.store.view();
        let proof = self.tlog_proof();
        let block = view.head().unwrap().unwrap().block;
        let facts = ReceiptFacts {
            claims: ReceiptClaims {
                iss: ORIGIN.to_owned(),
                sub: "capture".to_owned(),
                iat: 7,
            },
            size: block.size(),
            leaf: SAID,
            root: block.root,
        };
        Receipt::issue(&self.world.log_key, &facts, &proof.path)
    }
}

#[test]
fn a_bundle_is_reported_in_both_languages() {
    let scene = scene();
    let report = scene.report(0, "(01)06901234567892(10)A1");
    assert_eq!(
        (report.name, report.tone),
        ("proved", Tone::Good),
        "{report:?}"
    );
    for section in &report.sections {
        for row in &section.rows {
            assert!(
                !row.value.zh.is_empty() && !row.value.en.is_empty(),
                "{row:?}"
            );
        }
    }
}

#[test]
fn an_old_checkpoint_or_a_slow_clock_turns_it_amber() {
    let scene = scene();
    let hour = 3_600_000;
    for (later_ms, tone) in [
        (hour / 2, Tone::Good),
        (hour + hour / 2, Tone::Warn),
        (-hour, Tone::Warn),
    ] {
        let report = scene.report(later_ms, "");
        assert_eq!((report.name, report.tone), ("proved", tone), "{later_ms}");
    }
}

#[test]
fn too_few_witnesses_turn_it_amber_where_any_is_asked_for() {
    let mut scene = scene();
    let alone = scene.trust.clone();
    let witness = SigningKey::from_seed([0x42; 32]);
    let known = key("w.example", KeyKind::Cosignature, &witness);
    let log = alone.lines().next().unwrap();
    let asks = format!("{log}\nwitness w {known}\nquorum w\n");
    let all_text = |report: &crate::Report| serde_json::to_string(report).unwrap();
    let judged = |scene: &mut Scene, trust: &str, want: (&str, Tone)| {
        trust.clone_into(&mut scene.trust);
        let report = scene.report(0, "");
        assert_eq!(report.name, "proved");
        assert_eq!((report.standing.unwrap(), report.tone), want, "{trust}");
        let text = all_text(&report);
        let (zh, en) = match want.0 {
            "witnessed" => ("已见证", "witnessed: "),
            _ => ("已记录", "recorded"),
        };
        assert!(text.contains(zh) && text.contains(en), "{text}");
        assert_eq!(text.contains("w.example ("), want.0 == "witnessed");
    };
    judged(&mut scene, &alone, ("recorded", Tone::Good));
    judged(&mut scene, &asks, ("recorded", Tone::Warn));

    let mut bundle = Bundle::decode(&scene.bundle).unwrap();
    let mut checkpoint = SignedCheckpoint::parse(&bundle.checkpoint).unwrap();
    checkpoint.cosign("w.example", &witness, 5).unwrap();
    bundle.checkpoint = checkpoint.to_string();
    scene.bundle = bundle.encode();
    judged(&mut scene, &asks, ("witnessed", Tone::Good));
    judged(&mut scene, &alone, ("recorded", Tone::Good));
}

#[test]
fn a_proof_about_another_code_is_none_of_this_one() {
    let report = scene().report(0, "(01)06901234567892(10)B2");
    assert_eq!((report.name, report.tone), ("other-item", Tone::Stop));
}

#[test]
fn what_is_not_a_proof_is_told_from_what_was_mistyped() {
    let scene = scene();
    let good = scene.trust.as_str();
    let key = good.lines().next().unwrap().trim_start_matches("log ");
    let other = key.replacen(ORIGIN, "other.example/log", 1);
    for (trust, code, file, name, tone) in [
        (key, "", scene.bundle.as_slice(), "proved", Tone::Good),
        (good, "", b"\x89".as_slice(), "malformed", Tone::Stop),
        (good, "", &scene.bundle[..99], "malformed", Tone::Stop),
        ("", "", &scene.bundle, "trust-malformed", Tone::None),
        (&other, "", &scene.bundle, "trust-malformed", Tone::None),
        (
            &format!("log {key}"),
            "",
            &scene.bundle,
            "trust-malformed",
            Tone::None,
        ),
        (good, "01", &scene.bundle, "code-malformed", Tone::None),
    ] {
        let options = json!({"trust": trust, "nowMs": scene.now.0, "code": code});
        let report = report(options.to_string().as_bytes(), file);
        assert_eq!(
            (report.name, report.tone),
            (name, tone),
            "{trust:?} {code:?}"
        );
    }
    let report = report(
        br#"{"trust": "", "nowMs": 0, "colour": "red"}"#,
        &scene.bundle,
    );
    assert_eq!(
        (report.name, report.tone),
        ("options-malformed", Tone::None)
    );
}

#[test]
fn a_receipt_is_reported_with_the_statement_that_it_is_for() {
    let scene = scene();
    let receipt = scene.receipt();
    let entry = STANDARD.encode(scene.said.entry());
    let other = STANDARD.encode(
        scene
            .world
            .store
            .view()
            .entry(LeafIndex(2))
            .unwrap()
            .unwrap(),
    );
    for (entry, name, tone) in [
        (&entry, "proved", Tone::Good),
        (&String::new(), "entry-missing", Tone::None),
        (&"?".to_owned(), "entry-malformed", Tone::None),
        (&other, "signature-invalid", Tone::Stop),
    ] {
        let report = scene.report_on(&receipt, &json!({"entry": entry}));
        assert_eq!((report.name, report.tone), (name, tone), "{report:?}");
    }
    let report = scene.report_on(&receipt, &json!({"entry": entry}));
    assert_eq!(report.standing, Some("recorded"));
    let text = serde_json::to_string(&report).unwrap();
    assert!(text.contains("1970-01-01T00:00:07"), "{text}");
    assert!(text.contains(&format!("\"{SAID}\"")), "{text}");
    // A reader who asks for witnesses is told that a receipt has none.
    let witness = key(
        "w.example",
        KeyKind::Cosignature,
        &SigningKey::from_seed([0x42; 32]),
    );
    let log = scene.trust.lines().next().unwrap();
    let asks = format!("{log}\nwitness w {witness}\nquorum w\n");
    let report = scene.report_on(&receipt, &json!({"entry": entry, "trust": asks}));
    assert_eq!(
        (report.tone, report.reasons),
        (Tone::Warn, vec!["few-witnesses"])
    );
}

#[test]
fn a_tlog_proof_is_reported_by_the_entry_that_it_carries_and_by_its_witnesses() {
    let scene = scene();
    let witness = SigningKey::from_seed([0x42; 32]);
    let known = key("w.example", KeyKind::Cosignature, &witness);
    let log = scene.trust.lines().next().unwrap();
    let asks = format!("{log}\nwitness w {known}\nquorum w\n");
    let mut checkpoint = SignedCheckpoint::parse(&scene.checkpoint()).unwrap();
    checkpoint.cosign("w.example", &witness, 5).unwrap();
    let proof = TlogProof {
        extra: Some(scene.said.entry().to_vec()),
        checkpoint: checkpoint.to_string(),
        ..scene.tlog_proof()
    };
    let file = proof.to_string().into_bytes();
    let report = scene.report_on(&file, &json!({"trust": asks}));
    let said = (report.name, report.tone, report.standing);
    assert_eq!(said, ("proved", Tone::Good, Some("witnessed")));
    let report = scene.report_on(&file, &json!({}));
    assert_eq!(report.standing, Some("recorded"));

    let bare = TlogProof {
        extra: None,
        ..proof.clone()
    }
    .to_string();
    let report = scene.report_on(bare.as_bytes(), &json!({}));
    assert_eq!((report.name, report.tone), ("entry-missing", Tone::None));
    let moved = TlogProof {
        leaf: LeafIndex(3),
        ..proof
    }
    .to_string();
    let report = scene.report_on(moved.as_bytes(), &json!({}));
    assert_eq!((report.name, report.tone), ("path", Tone::Stop));
}

#[test]
fn the_answer_to_a_check_is_the_logs_word_and_ages() {
    let scene = scene();
    let block = scene.world.store.view().head().unwrap().unwrap().block;
    let answered = |decision| {
        let answer = Answer {
            item: LOT.to_owned(),
            act: Act::Sell,
            actor: None,
            at: scene.now,
            decision,
            reasons: Vec::new(),
        };
        let (size, root) = (block.size(), block.root);
        Attested { answer, size, root }.sign(ORIGIN, &scene.world.log_key)
    };
    for (decision, tone, title) in [
        (Decision::Allow, Tone::Good, "可以"),
        (Decision::Hold, Tone::Warn, "暂缓"),
        (Decision::Refuse, Tone::Stop, "不可以"),
    ] {
        let report = scene.report_on(&answered(decision), &json!({"code": LOT}));
        assert_eq!((report.tone, report.title.zh.as_str()), (tone, title));
        assert_eq!(report.standing, Some("recorded"));
    }
    let file = answered(Decision::Allow);
    let late = json!({"nowMs": scene.now.0 + 3_600_001, "ageMaxS": 3600});
    let report = scene.report_on(&file, &late);
    assert_eq!((report.tone, report.reasons), (Tone::Warn, vec!["stale"]));
    let report = scene.report_on(&file, &json!({"code": "(01)06901234567892(10)B2"}));
    assert_eq!(report.name, "other-item");
    let mut altered = file;
    *altered.last_mut().unwrap() ^= 1;
    let report = scene.report_on(&altered, &json!({}));
    assert_eq!(
        (report.name, report.tone),
        ("signature-invalid", Tone::Stop)
    );
}

#[test]
fn a_remembered_checkpoint_refuses_what_contradicts_it() {
    let scene = scene();
    let newest = SignedCheckpoint::parse(&scene.checkpoint()).unwrap();
    let newest = newest.claim().clone();
    let signed = |size, root| {
        let origin = ORIGIN.to_owned();
        Checkpoint { origin, size, root }.sign(&scene.world.log_key)
    };
    let other = Digest([7; 32]);
    let larger = TreeSize(newest.size.0 + 1);
    let smaller = TreeSize(newest.size.0 - 1);
    let entry = STANDARD.encode(scene.said.entry());
    for (kept, bundle, receipt) in [
        (signed(newest.size, newest.root), "proved", "proved"),
        (signed(smaller, other), "proved", "proved"),
        (signed(newest.size, other), "fork", "fork"),
        // An earlier receipt stays one; an earlier answer does not.
        (signed(larger, other), "older-than-remembered", "proved"),
        (
            "nothing".to_owned(),
            "remembered-malformed",
            "remembered-malformed",
        ),
    ] {
        let report = scene.report_on(&scene.bundle, &json!({"remembered": kept}));
        assert_eq!(report.name, bundle, "{kept}");
        let further = json!({"remembered": kept, "entry": entry});
        let report = scene.report_on(&scene.receipt(), &further);
        assert_eq!(report.name, receipt, "{kept}");
    }
}

#[test]
fn what_is_none_of_these_files_is_said_to_be_none() {
    for file in [&b""[..], b"\x00", b"PK", b"c2sp.org/tlog-proof@v2\n"] {
        let report = scene().report_on(file, &json!({}));
        assert_eq!((report.name, report.tone), ("kind-unknown", Tone::Stop));
    }
}

/// Two checkpoints of the log at one size, as a file, and a trust policy of its key.
fn fork(second_root: u8) -> (Vec<u8>, String) {
    let log = SigningKey::from_seed([1; 32]);
    let checkpoint = |root: u8| {
        let checkpoint = Checkpoint {
            origin: ORIGIN.to_owned(),
            size: TreeSize(5),
            root: Digest([root; 32]),
        };
        SignedCheckpoint::parse(&checkpoint.sign(&log)).unwrap()
    };
    let (one, other) = (checkpoint(1), checkpoint(second_root));
    let root = other.claim().root;
    let evidence = Evidence::of(one, other, root, Vec::new());
    let trust = TlogPolicy::of_log(key(ORIGIN, KeyKind::Ed25519, &log)).unwrap();
    (evidence.to_string().into_bytes(), trust.to_string())
}

#[test]
fn evidence_of_two_histories_is_told_and_what_is_none_is_refused_by_name() {
    let said = |file: &[u8], trust: &str| {
        let options = json!({"trust": trust, "nowMs": 0});
        let report = report(options.to_string().as_bytes(), file);
        assert_eq!(report.tone, Tone::Stop);
        report.name
    };
    let (file, trust) = fork(2);
    assert_eq!(said(&file, &trust), "fork-proved");
    let (one_history, _) = fork(1);
    assert_eq!(said(&one_history, &trust), "evidence-consistent");
    let mut altered = file.clone();
    let last = altered.len() - 10;
    altered[last] ^= 1;
    assert_eq!(said(&altered, &trust), "evidence-checkpoint");
    assert_eq!(said(&file[..200], &trust), "evidence-malformed");
    assert_eq!(said(&file, &scene().trust), "evidence-checkpoint");
    let stranger = key(
        "other.example/log",
        KeyKind::Ed25519,
        &SigningKey::from_seed([9; 32]),
    );
    let stranger = TlogPolicy::of_log(stranger).unwrap().to_string();
    assert_eq!(said(&file, &stranger), "log-unknown");
}

/// Hotpot base of Chongqing, made of paste of Chengdu.
fn story() -> Story {
    let mut story = Story::new();
    story.imported();
    story.made();
    story
}

/// The report on a chain by this policy, with further options.
fn chain_report(story: &Story, file: &[u8], trust: &str, further: &Value) -> crate::Report {
    let mut options = json!({
        "trust": trust, "nowMs": story.chongqing.now().0, "ageMaxS": 3600,
    });
    for (name, value) in further.as_object().unwrap() {
        options[name] = value.clone();
    }
    report(options.to_string().as_bytes(), file)
}

fn english(report: &crate::Report) -> String {
    let rows = report.sections.iter().flat_map(|section| {
        let rows = section.rows.iter().map(|row| &row.value.en);
        std::iter::once(&section.heading.en).chain(rows)
    });
    rows.map(|line| format!("{line}\n")).collect()
}

#[test]
fn each_part_of_a_chain_is_reported_with_its_own_ledger() {
    let story = story();
    let policy = story.policy().to_string();
    let report = chain_report(&story, &story.chain_file(false), &policy, &json!({}));
    assert_eq!((report.name, report.tone), ("proved", Tone::Good));
    let part = report
        .sections
        .iter()
        .find(|one| one.heading.en.contains(CHENGDU));
    let said: Vec<&str> = part
        .unwrap()
        .rows
        .iter()
        .map(|row| row.value.en.as_str())
        .collect();
    let size = story.chengdu.next_leaf().0.to_string();
    for words in ["Record complete", CHENGDU, size.as_str()] {
        assert!(said.contains(&words), "{words}: {said:?}");
    }
    let text = english(&report);
    assert!(text.contains("witnessed: by 1 of 2"), "{text}");
    assert!(text.contains("Proved against that ledger's own signature and its witnesses."));
    // Open lists judge nothing, in either part.
    let report = chain_report(&story, &story.chain_file(true), &policy, &json!({}));
    assert_eq!((report.name, report.tone), ("proved", Tone::None));
}

#[test]
fn a_part_that_is_missing_turns_a_chain_amber_and_is_named() {
    let story = story();
    let policy = story.policy().to_string();
    for file in [
        ledger::bundle::encode_chain(&[&story.chongqing.bundle(HOTPOT, false)]),
        story.chongqing.bundle(HOTPOT, false),
        ledger::bundle::encode_chain(&[&story.chengdu.bundle(PASTE, false)]),
    ] {
        let report = chain_report(&story, &file, &policy, &json!({}));
        assert_eq!((report.name, report.tone), ("proved", Tone::Warn));
        assert_eq!(report.reasons, ["part-missing"]);
        assert!(english(&report).contains("Not in this file"));
    }
}

#[test]
fn a_chain_is_as_fresh_and_as_well_witnessed_as_its_worst_part() {
    let mut story = story();
    let hour = 3_600_000;
    story.chongqing.world.now.0 += 2 * hour;
    story
        .chongqing
        .world
        .admit(&[Role::Retailer], "500112", &json!({}));
    let policy = story.policy().to_string();
    let file = story.chain_file(false);
    let judged = |trust: &str, further: &Value, want: &[&str]| {
        let report = chain_report(&story, &file, trust, further);
        let tone = if want.is_empty() {
            Tone::Good
        } else {
            Tone::Warn
        };
        assert_eq!((report.name, report.tone), ("proved", tone));
        assert_eq!(report.reasons, want);
        report.standing.unwrap()
    };
    assert_eq!(
        judged(&policy, &json!({"ageMaxS": 36000}), &[]),
        "witnessed"
    );
    assert_eq!(judged(&policy, &json!({}), &["stale"]), "witnessed");
    let by_one = policy.replace("quorum G", "quorum B");
    let fresh = json!({"ageMaxS": 36000});
    assert_eq!(judged(&by_one, &fresh, &["few-witnesses"]), "recorded");
}

#[test]
fn a_kept_checkpoint_of_any_part_counts() {
    let story = story();
    let policy = story.policy().to_string();
    let file = story.chain_file(false);
    for city in [&story.chengdu, &story.chongqing] {
        let true_one = city.recorded();
        let claim = SignedCheckpoint::parse(&true_one).unwrap().claim().clone();
        let forked = Checkpoint {
            root: Digest([7; 32]),
            ..claim.clone()
        };
        let longer = Checkpoint {
            size: TreeSize(claim.size.0 + 1),
            ..claim
        };
        let signed = |one: Checkpoint| one.sign(&city.world.log_key);
        for (kept, name) in [
            (true_one, "proved"),
            (signed(forked), "fork"),
            (signed(longer), "older-than-remembered"),
        ] {
            let report = chain_report(&story, &file, &policy, &json!({"remembered": kept}));
            assert_eq!(report.name, name, "{}", city.log());
        }
    }
}

#[test]
fn what_a_reader_does_not_know_is_said_to_be_taken() {
    let story = story();
    let bundle = story.chongqing.bundle(HOTPOT, false);
    let report = chain_report(&story, &bundle, &story.chongqing.policy(), &json!({}));
    assert_eq!(report.name, "proved");
    assert!(english(&report).contains("vouches for them"));
    let file = story.chain_file(false);
    let report = chain_report(&story, &file, &story.chongqing.policy(), &json!({}));
    assert_eq!((report.name, report.tone), ("log-unknown", Tone::Stop));
}
