//! The binary from outside: help, exit codes, keys, codes, proofs.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on stops")]

use ledger::bundle;
use ledger::checkpoint::Checkpoint;
use ledger::identifier::Identifier;
use ledger::ids::{LeafIndex, TreeSize};
use ledger::lists::{Reader, ViewSource};
use ledger::note::{KeyKind, NoteKey};
use ledger::provenance::{Limits, trace};
use ledger::receipt::{Receipt, ReceiptClaims, ReceiptFacts};
use ledger::signature::{PublicKey, Signer as _};
use ledger::state::Role;
use ledger::store::{Store as _, View as _};
use ledger::testing::{ORIGIN, World, object_event};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::{Command, Output};

const LOT: &str = "https://id.gs1.org/01/06901234567892/10/A1";

fn suyuan(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_suyuan"))
        .args(args)
        .env("LANG", "C.UTF-8")
        .env_remove("LC_ALL")
        .output()
        .unwrap()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn help_shows_commands_and_exit_codes() {
    let help = suyuan(&["--help"]);
    assert_eq!(code(&help), 0);
    for word in ["keygen", "verify", "qr", "completions", "5 a proof fails"] {
        assert!(out(&help).contains(word), "{word}");
    }
    for command in ["keygen", "verify", "qr"] {
        let help = suyuan(&[command, "--help"]);
        assert!(out(&help).contains("Examples:"), "{command}");
    }
    assert_eq!(code(&suyuan(&[])), 2);
    assert_eq!(code(&suyuan(&["conjure"])), 2);
}

#[test]
fn completions_name_the_commands() {
    let completions = suyuan(&["completions", "bash"]);
    assert_eq!(code(&completions), 0);
    assert!(out(&completions).contains("keygen"));
}

#[test]
fn keygen_makes_a_key_once() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("farm.key");
    let made = suyuan(&["keygen", text(&path), "--origin", ORIGIN, "--json"]);
    assert_eq!(code(&made), 0, "{}", err(&made));
    let json: serde_json::Value = serde_json::from_str(&out(&made)).unwrap();
    let bytes: [u8; 32] = hex::decode(json["publicKey"].as_str().unwrap())
        .unwrap()
        .try_into()
        .unwrap();
    let key = PublicKey::parse(&bytes).unwrap();
    assert_eq!(json["keyId"], key.key_id().to_string());
    assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert!(
        !out(&made).contains(std::fs::read_to_string(&path).unwrap().trim()),
        "a secret"
    );
    let request = std::fs::read_to_string(dir.path().join("farm.key.request.json")).unwrap();
    assert!(request.contains(json["handle"].as_str().unwrap()));
    let again = suyuan(&["keygen", text(&path)]);
    assert_eq!(code(&again), 2);
    assert!(err(&again).contains("what to do"));
}

#[test]
fn qr_writes_a_gs1_digital_link() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("code.svg");
    let args = [
        "qr",
        "(01)06901234567892(10)A1",
        "--public-url",
        "https://t.example/",
        "--json",
    ];
    let drawn = suyuan(&[&args[..], &["--format", "svg", "--out", text(&path)]].concat());
    assert_eq!(code(&drawn), 0, "{}", err(&drawn));
    let json: serde_json::Value = serde_json::from_str(&out(&drawn)).unwrap();
    assert_eq!(json["link"], "https://t.example/01/06901234567892/10/A1");
    assert!(
        std::fs::read_to_string(&path)
            .unwrap()
            .contains("(01)06901234567892(10)A1")
    );
    let wrong = suyuan(&[
        "qr",
        "(01)06901234567893(10)A1",
        "--public-url",
        "https://t.example",
    ]);
    assert_eq!(code(&wrong), 3);
}

/// A ledger with one lot, its bundle, and a receipt for its newest statement.
struct Files {
    dir: tempfile::TempDir,
    bundle: Vec<u8>,
}

impl Files {
    fn new() -> Self {
        let mut world = World::new();
        let profile =
            serde_json::json!({"prefixes": ["6901234"], "name": {"zh": "农场", "en": "Farm"}});
        let maker = world.admit(&[Role::Producer], "510117", &profile);
        let event = object_event(
            "urn:e:1",
            "ADD",
            "commissioning",
            "2026-11-20T08:00:00Z",
            LOT,
        );
        let statement = world.events(&maker, &[event]);
        let entry = statement.entry().to_vec();
        world.admitted(vec![statement]);
        let view = world.store.view();
        let item = Identifier::parse(LOT).unwrap();
        let mut source = ViewSource::new(&view, Reader::Public);
        trace(&mut source, &item, world.now, Limits::DEFAULT).unwrap();
        let bundle = bundle::build(&view, &source, LOT).unwrap().encode();
        let head = view.head().unwrap().unwrap();
        Checkpoint::verify(&head.checkpoint, ORIGIN, world.log_key.public_key()).unwrap();

        let dir = tempfile::tempdir().unwrap();
        let key = NoteKey::new(ORIGIN, KeyKind::Ed25519, world.log_key.public_key().clone());
        std::fs::write(
            dir.path().join("trust.txt"),
            format!("log {}\nquorum none\n", key.unwrap()),
        )
        .unwrap();
        let other = NoteKey::new(
            "other.example/x",
            KeyKind::Ed25519,
            maker.key.public_key().clone(),
        );
        std::fs::write(
            dir.path().join("other.txt"),
            format!("log {}\nquorum none\n", other.unwrap()),
        )
        .unwrap();
        std::fs::write(dir.path().join("lot.bundle"), &bundle).unwrap();
        // A tree of this one entry.
        let claims = ReceiptClaims {
            iss: ORIGIN.to_owned(),
            sub: "x".to_owned(),
            iat: 1_795_392_000,
        };
        let root = ledger::hash::leaf_hash(&entry);
        let facts = ReceiptFacts {
            claims,
            size: TreeSize(1),
            leaf: LeafIndex(0),
            root,
        };
        let receipt = Receipt::issue(&world.log_key, &facts, &[]);
        std::fs::write(dir.path().join("d.json.receipt.cbor"), receipt).unwrap();
        std::fs::write(dir.path().join("d.json.entry.cbor"), entry).unwrap();
        Self { dir, bundle }
    }

    fn verify(&self, file: &str, trust: &str, more: &[&str]) -> Output {
        let (file, trust) = (self.dir.path().join(file), self.dir.path().join(trust));
        suyuan(&[&["verify", text(&file), "--trust", text(&trust)], more].concat())
    }
}

#[test]
fn a_bundle_is_verified_offline_and_says_what_it_does_not_prove() {
    let files = Files::new();
    let verified = files.verify("lot.bundle", "trust.txt", &[]);
    assert_eq!(code(&verified), 0, "{}", err(&verified));
    for part in [
        "VERIFIED",
        LOT,
        ORIGIN,
        "Farm",
        "as of",
        "Not proved",
        "copied",
    ] {
        assert!(
            out(&verified).contains(part),
            "{part} in {}",
            out(&verified)
        );
    }
    let json = files.verify("lot.bundle", "trust.txt", &["--json"]);
    let json: serde_json::Value = serde_json::from_str(&out(&json)).unwrap();
    assert_eq!(
        (&json["verified"], &json["item"]),
        (&"bundle".into(), &LOT.into())
    );
    let chinese = files.verify("lot.bundle", "trust.txt", &["--lang", "zh"]);
    assert!(out(&chinese).contains("已核验"));
}

#[test]
fn an_altered_bundle_or_another_log_is_refused_by_name() {
    let files = Files::new();
    let other = files.verify("lot.bundle", "other.txt", &[]);
    assert_eq!(code(&other), 5);
    assert!(err(&other).contains("log-unknown"), "{}", err(&other));
    let mut altered = files.bundle.clone();
    let at = altered.len() / 2;
    altered[at] ^= 1;
    std::fs::write(files.dir.path().join("altered.bundle"), altered).unwrap();
    let altered = files.verify("altered.bundle", "trust.txt", &["--json"]);
    assert!([3, 5].contains(&code(&altered)), "{}", err(&altered));
    let half = &files.bundle[..files.bundle.len() / 2];
    std::fs::write(files.dir.path().join("half.bundle"), half).unwrap();
    assert_eq!(code(&files.verify("half.bundle", "trust.txt", &[])), 3);
    std::fs::write(files.dir.path().join("notes.txt"), "hello").unwrap();
    assert_eq!(code(&files.verify("notes.txt", "trust.txt", &[])), 3);
    assert_eq!(code(&files.verify("absent.bundle", "trust.txt", &[])), 2);
}

#[test]
fn a_receipt_is_verified_with_the_entry_beside_it() {
    let files = Files::new();
    let verified = files.verify("d.json.receipt.cbor", "trust.txt", &[]);
    assert_eq!(code(&verified), 0, "{}", err(&verified));
    assert!(out(&verified).contains("leaf: 0"));
    let entry = files.dir.path().join("d.json.entry.cbor");
    let mut world = World::new();
    let stranger = world.stranger();
    let event = object_event("urn:e:2", "OBSERVE", "storing", "2026-11-20T08:00:00Z", LOT);
    let another = world.events(&stranger, &[event]);
    std::fs::write(&entry, another.entry()).unwrap();
    let refused = files.verify("d.json.receipt.cbor", "trust.txt", &[]);
    assert_eq!(code(&refused), 5);
    assert!(
        err(&refused).contains("signature-invalid"),
        "{}",
        err(&refused)
    );
    std::fs::remove_file(entry).unwrap();
    assert_eq!(
        code(&files.verify("d.json.receipt.cbor", "trust.txt", &[])),
        2
    );
}
