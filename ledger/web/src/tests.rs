//! Reports, natively; the same ones in a browser: `tests/it/verifier.rs`.

use crate::{Tone, report};
use ledger::bundle::{Bundle, build};
use ledger::checkpoint::{Checkpoint, SignedCheckpoint};
use ledger::evidence::Evidence;
use ledger::hash::Digest;
use ledger::identifier::Identifier;
use ledger::ids::{TreeSize, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::{Limits, trace};
use ledger::signature::{Signer as _, SigningKey};
use ledger::state::Role;
use ledger::store::Store as _;
use ledger::testing::{ORIGIN, World, object_event};
use ledger::tlog_policy::TlogPolicy;
use serde_json::json;

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

struct Scene {
    trust: String,
    bundle: Vec<u8>,
    now: UnixMillis,
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
    world.admitted(vec![said]);
    let view = world.store.view();
    let mut source = ViewSource::new(&view, Reader::Confidential);
    let item = Identifier::parse(LOT).unwrap();
    trace(&mut source, &item, world.now, Limits::DEFAULT).unwrap();
    Scene {
        trust: TlogPolicy::of_log(key(ORIGIN, KeyKind::Ed25519, &world.log_key))
            .unwrap()
            .to_string(),
        bundle: build(&view, &source, LOT).unwrap().encode(),
        now: world.now,
    }
}

impl Scene {
    fn report(&self, later_ms: i64, code: &str) -> crate::Report {
        let options = json!({
            "trust": self.trust, "nowMs": self.now.0 + later_ms, "code": code, "ageMaxS": 3600,
        });
        report(options.to_string().as_bytes(), &self.bundle)
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
