//! The four verifiers, each run as its users run it.

use super::Given;
use super::attacks::{Attempt, File, Stream};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::audit::{AuditFinding, Auditor, prepare};
use ledger::checkpoint::Checkpoint;
use ledger::note::{KeyKind, NoteKey};
use ledger::signature::{KeyId, PublicKey, Signer as _, SigningKey};
use ledger::store::Store as _;
use ledger::testing::{ORIGIN, World};
use ledger::witness::{AddCheckpoint, Watched};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tests::demo::suyuan;

/// The witness of readers who ask for one.
pub(super) const WITNESS: &str = "w.example";

pub(super) fn witness_key() -> SigningKey {
    SigningKey::from_seed([0x42; 32])
}

/// Accepted, or refused by a name; `None` where this verifier is given nothing of the attack.
pub(super) type Judged = Option<Result<(), String>>;

pub(super) fn judge(verifier: &str, attempt: &Attempt, given: Option<Given>) -> Judged {
    match verifier {
        "witness" => {
            (attempt.ask.as_ref()).map(|(latest, ask)| witness(&attempt.world, latest, ask))
        }
        "mirror" => (attempt.stream.as_ref()).map(|stream| mirror(&attempt.world, stream)),
        "browser" => (attempt.file.as_ref()).map(|file| browser(&attempt.world, file, given)),
        _ => (attempt.file.as_ref()).map(|file| verify(&attempt.world, file, given)),
    }
}

fn witness(world: &World, latest: &Checkpoint, ask: &AddCheckpoint) -> Result<(), String> {
    let watched = Watched::new(vec![log(world)]).unwrap();
    let authentic = watched.authenticate(ask.clone());
    let followed = authentic.and_then(|authentic| authentic.follows(Some(latest)));
    followed
        .map(|_| ())
        .map_err(|refusal| refusal.name().to_owned())
}

fn mirror(world: &World, stream: &Stream) -> Result<(), String> {
    let view = world.store.view();
    let log_key = world.log_key.public_key();
    let mut keys: BTreeMap<KeyId, PublicKey> = BTreeMap::new();
    keys.insert(log_key.key_id(), log_key.clone());
    let mut auditor = Auditor::new(ORIGIN);
    for leaf in &stream.leaves {
        let prepared = prepare(&view, leaf.clone()).unwrap();
        let key = prepared.statement().map(|one| one.header().key);
        let key = key.and_then(|key| keys.get(&key));
        let good = key.is_some_and(|key| prepared.verifies_under(key));
        let new = prepared.new_keys().into_iter();
        keys.extend(new.map(|key| (key.key_id(), key)));
        auditor.leaf(prepared, good);
    }
    let report = auditor.finish(Some(&stream.head), log_key);
    let mut faults = report.findings.iter().filter(|one| one.is_fault());
    faults
        .next()
        .map_or(Ok(()), |first: &AuditFinding| Err(first.name().to_owned()))
}

fn verify(world: &World, file: &File, given: Option<Given>) -> Result<(), String> {
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let trust = write("trust.txt", trust(world, given).as_bytes());
    let mut command = suyuan(&["verify", "--json", "--trust"]);
    command.arg(trust).arg(write("proof", &file.bytes));
    if let Some(entry) = &file.entry {
        command.arg("--entry").arg(write("entry", entry));
    }
    match given {
        Some(Given::Checkpoint) => {
            let kept = write("kept", file.kept.as_bytes());
            command.arg("--remembered").arg(kept);
        }
        // What the world in memory calls now is days before any real clock.
        Some(Given::Age) => {
            command.args(["--max-age", "3600"]);
        }
        Some(Given::Witness) => {
            command.arg("--witnessed");
        }
        None => {}
    }
    let ended = command.output().unwrap();
    if ended.status.success() {
        return Ok(());
    }
    let said: Value = serde_json::from_slice(&ended.stderr).unwrap();
    let what = said["what"].as_str().unwrap();
    Err(what.split(':').next().unwrap().to_owned())
}

fn browser(world: &World, file: &File, given: Option<Given>) -> Result<(), String> {
    let later_ms = if given == Some(Given::Age) {
        7_200_000
    } else {
        0
    };
    let entry = file.entry.as_ref().map(|entry| STANDARD.encode(entry));
    let kept = (given == Some(Given::Checkpoint)).then_some(file.kept.as_str());
    let options = json!({
        "trust": trust(world, given), "nowMs": world.now.0 + later_ms, "ageMaxS": 3600,
        "entry": entry.unwrap_or_default(), "remembered": kept.unwrap_or_default(),
    });
    let report = ledger_web::report(options.to_string().as_bytes(), &file.bytes);
    match (report.name, report.reasons.first()) {
        ("proved", None) => Ok(()),
        ("proved", Some(reason)) => Err((*reason).to_owned()),
        (name, _) => Err(name.to_owned()),
    }
}

fn log(world: &World) -> NoteKey {
    NoteKey::new(ORIGIN, KeyKind::Ed25519, world.log_key.public_key().clone()).unwrap()
}

/// The log's key, and a witness for readers who ask for one.
fn trust(world: &World, given: Option<Given>) -> String {
    let quorum = if given == Some(Given::Witness) {
        let key = witness_key().public_key().clone();
        let key = NoteKey::new(WITNESS, KeyKind::Cosignature, key).unwrap();
        format!("witness w {key}\nquorum w")
    } else {
        "quorum none".to_owned()
    };
    format!("log {}\n{quorum}\n", log(world))
}
