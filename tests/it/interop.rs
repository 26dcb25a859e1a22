//! What a node gives out, in the hands of programs that nobody here wrote, and of `suyuan verify`.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ledger::checkpoint::Checkpoint;
use ledger::ids::{LeafIndex, TreeSize};
use ledger::merkle::tile::{TileKind, TileName};
use ledger::note::NoteKey;
use ledger::receipt::Receipt;
use ledger::statement::{Issuer, SignedStatement};
use ledger::store::View as _;
use ledger_rocks::{Options, ReadOnlyStore};
use serde_json::{Value, json};
use signed_note::{Note, NoteError, StandardVerifier, VerifierList};
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use tests::demo::{Demo, ended, get, printed, suyuan};
use tlog_tiles::{
    Error as TlogError, Hash, Tile, TileHashReader, TileReader, check_record, prove_record,
    record_hash,
};

const BUNDLE: &str = "application/vnd.suyuan.bundle+cbor";

/// The log's verifier key as its trust file has it.
fn vkey(trust_file: &Path) -> String {
    let text = std::fs::read_to_string(trust_file).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("log "));
    line.unwrap().trim().to_owned()
}

/// An Ed25519 key as SubjectPublicKeyInfo (RFC 8410 §4), PEM.
fn pem(key: &NoteKey) -> String {
    let mut der = hex::decode("302a300506032b6570032100").unwrap();
    der.extend_from_slice(key.public_key().as_bytes());
    let text = STANDARD.encode(der);
    format!("-----BEGIN PUBLIC KEY-----\n{text}\n-----END PUBLIC KEY-----\n")
}

/// What scitt-cose says of each receipt and entry.
fn scitt_cose(pem: &str, cases: &[(Vec<u8>, &[u8])]) -> Vec<Value> {
    const SCRIPT: &str = "
import json, sys, scitt_cose
asked = json.load(sys.stdin)
def verify(case):
    result = scitt_cose.verify_receipt(bytes.fromhex(case['receipt']),
        leaf_entry_hex=case['entry'], log_public_key_pem=asked['pem'])
    root = result.root.hex() if isinstance(result.root, bytes) else result.root
    return {'ok': result.ok, 'root': root, 'size': result.tree_size,
        'leaf': result.leaf_index, 'errors': [str(error) for error in result.errors]}
json.dump([verify(case) for case in asked['cases']], sys.stdout)
";
    let python = std::env::var("SUYUAN_VERIFIER_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let found = Command::new(&python)
        .args(["-c", "import scitt_cose"])
        .stderr(Stdio::null())
        .status();
    assert!(
        found.is_ok_and(|status| status.success()),
        "{python} has no scitt-cose, the independent verifier: run tools/test.sh, which installs \
         it and names it in SUYUAN_VERIFIER_PYTHON"
    );
    let cases: Vec<Value> = cases
        .iter()
        .map(|(receipt, entry)| {
            json!({"receipt": hex::encode(receipt), "entry": hex::encode(entry)})
        })
        .collect();
    let mut child = Command::new(&python)
        .args(["-c", SCRIPT])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    // The script reads all before it writes: neither side waits for the other.
    let asked = json!({"pem": pem, "cases": cases}).to_string();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(asked.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "scitt-cose: {}", output.status);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn receipts_verify_with_scitt_cose_and_altered_ones_do_not() {
    let mut demo = Demo::start(&["--json"]);
    let node = demo.value()["nodes"][0].clone();
    let (url, origin) = (
        node["url"].as_str().unwrap(),
        node["origin"].as_str().unwrap(),
    );
    let log = NoteKey::parse(&vkey(&demo.trust_file())).unwrap();

    let store = ReadOnlyStore::open(demo.dir(), origin, Options::default()).unwrap();
    let view = store.view();
    let TreeSize(size) = view.head().unwrap().unwrap().size();
    // Block headers are leaves too, and have no receipts.
    let said = |leaf: &u64| {
        let entry = view.entry(LeafIndex(*leaf)).unwrap().unwrap();
        let statement = SignedStatement::parse(&entry).unwrap();
        matches!(statement.header().issuer, Issuer::Participant { .. })
    };
    let statements: Vec<u64> = (0..size).filter(said).collect();
    let (oldest, newest) = (statements[0], statements[statements.len() - 1]);
    let middle = |part: usize| statements[statements.len() * part / 5];
    let leaves = [oldest, middle(1), middle(2), middle(3), middle(4), newest];
    let given: Vec<(Vec<u8>, Vec<u8>)> = leaves
        .iter()
        .map(|leaf| {
            let receipt = get(&format!("{url}/entries/{leaf}"), "application/cose");
            assert_eq!(receipt.status, 200, "leaf {leaf}");
            (receipt.body, view.entry(LeafIndex(*leaf)).unwrap().unwrap())
        })
        .collect();

    let good: Vec<_> = given
        .iter()
        .map(|(receipt, entry)| (receipt.clone(), &**entry))
        .collect();
    for ((said, (receipt, entry)), leaf) in
        scitt_cose(&pem(&log), &good).iter().zip(&good).zip(leaves)
    {
        let ours = Receipt::parse(receipt)
            .unwrap()
            .verify(entry, log.public_key())
            .unwrap();
        let expected = json!({"ok": true, "root": ours.root.to_string(), "size": ours.size.0,
            "leaf": leaf, "errors": []});
        assert_eq!(*said, expected, "leaf {leaf}");
        assert_eq!(ours.leaf, LeafIndex(leaf));
    }

    // Every byte of one receipt, altered; and that receipt with another's entry.
    let (receipt, entry) = &good[3];
    let mut bad: Vec<(Vec<u8>, &[u8])> = (0..receipt.len())
        .map(|at| {
            let mut altered = receipt.clone();
            altered[at] ^= 1;
            (altered, *entry)
        })
        .collect();
    bad.push((receipt.clone(), good[4].1));
    let right = &scitt_cose(&pem(&log), &good)[3];
    for (at, said) in scitt_cose(&pem(&log), &bad).iter().enumerate() {
        // The size is not under the signature of a COSE receipt, and some others give the same
        // root. We repeat it where it is signed, and refuse these too.
        let size_alone = said["root"] == right["root"]
            && said["leaf"] == right["leaf"]
            && said["size"] != right["size"];
        assert!(
            said["ok"] == json!(false) || size_alone,
            "scitt-cose accepts a receipt altered at byte {at}: {said}"
        );
    }
    for (at, (receipt, entry)) in bad.iter().enumerate() {
        let ours = Receipt::parse(receipt).and_then(|one| one.verify(entry, log.public_key()));
        assert!(ours.is_err(), "accepted, altered at byte {at}");
    }
}

#[test]
fn the_checkpoint_verifies_with_signed_note_and_an_altered_one_does_not() {
    let mut demo = Demo::start(&["--json"]);
    let node = demo.value()["nodes"][0].clone();
    let (url, origin) = (
        node["url"].as_str().unwrap(),
        node["origin"].as_str().unwrap(),
    );
    let checkpoint = get(&format!("{url}/checkpoint"), "text/plain").body;

    let vkey = vkey(&demo.trust_file());
    let known = || {
        let verifier = StandardVerifier::new(&vkey).unwrap();
        VerifierList::new(vec![Box::new(verifier)])
    };
    let note = Note::from_bytes(&checkpoint).unwrap();
    let (verified, others) = note.verify(&known()).unwrap();
    assert_eq!(verified.len(), 1);
    // The neighbouring city's cosignature, once it is there.
    assert!(others.len() <= 1, "{}", others.len());
    assert_eq!(verified[0].name(), origin);
    let text = std::str::from_utf8(note.text()).unwrap();
    let ours = Checkpoint::parse(text).unwrap();
    assert_eq!(ours.origin, origin);
    assert!(ours.size > TreeSize(0));

    for at in 0..note.text().len() {
        let mut altered = checkpoint.clone();
        altered[at] ^= 1;
        let refused = Note::from_bytes(&altered).and_then(|note| note.verify(&known()));
        assert!(
            matches!(
                refused,
                Err(NoteError::InvalidSignature { .. } | NoteError::MalformedNote)
            ),
            "byte {at}: {refused:?}"
        );
    }
}

/// Runs `suyuan verify`.
fn verify(file: &Path, trust_file: &Path) -> (i32, String) {
    let mut command = suyuan(&["verify", "--trust"]);
    ended(&command.arg(trust_file).arg(file).output().unwrap())
}

#[test]
fn every_bundle_proves_its_open_verdict_offline_and_no_altered_one_proves_anything() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    let chains = started["chains"].as_array().unwrap();
    let files = tempfile::tempdir().unwrap();
    let trust_file = files.path().join("trust.txt");
    std::fs::copy(demo.trust_file(), &trust_file).unwrap();
    let mut bundles = Vec::new();
    for chain in chains {
        let (name, verdict) = (chain["name"].as_str().unwrap(), &chain["verdict"]);
        let bundle = get(chain["url"].as_str().unwrap(), BUNDLE);
        let status = if verdict == "unknown" { 404 } else { 200 };
        assert_eq!(bundle.status, status, "{name}");
        let path = files.path().join(format!("{name}.bundle"));
        std::fs::write(&path, &bundle.body).unwrap();
        bundles.push((path, bundle.body));
    }
    // Offline: nobody is there to ask.
    drop(demo);

    let text = |path: &Path| path.to_str().unwrap().to_owned();
    for (chain, (path, bytes)) in chains.iter().zip(&bundles) {
        let name = chain["name"].as_str().unwrap();
        let said = printed(&[
            "verify",
            "--json",
            "--trust",
            &text(&trust_file),
            &text(path),
        ]);
        let steps = said["answer"]["steps"].as_array().unwrap().len();
        assert_eq!(said["verified"], "bundle", "{name}");
        assert_eq!(said["item"], chain["code"], "{name}");
        // As bad as it is, or silent: hand-overs and temperature are on no open list.
        let verdict = chain["verdict"].as_str().unwrap();
        let red = ["recalled", "failed_test", "expired", "unknown"].contains(&verdict);
        assert_eq!(said["scope"], "open", "{name}");
        assert_eq!(
            said["verdict"],
            if red { verdict } else { "clear" },
            "{name}"
        );
        assert_eq!(said["complete"], false, "{name}");
        assert!(u64::try_from(steps).unwrap() <= chain["events"].as_u64().unwrap());
        assert_eq!(steps == 0, verdict == "unknown", "{name}");

        // Spread over the bundle, from its head to its last byte.
        for part in 0..4 {
            let at = (bytes.len() - 1) * part / 3;
            let mut altered = bytes.clone();
            altered[at] ^= 0x10;
            let file = files.path().join("altered.bundle");
            std::fs::write(&file, altered).unwrap();
            let (code, said) = verify(&file, &trust_file);
            let what = said.strip_prefix("error: ").unwrap_or_default();
            assert!(
                matches!(code, 3 | 5),
                "{name}, byte {at}: exit code {code}, {said}"
            );
            assert!(what.contains(": "), "{name}, byte {at}: no name: {said}");
        }
    }
}

#[test]
fn a_bundle_is_held_against_the_trusted_log_alone() {
    let mut demo = Demo::start(&["--json"]);
    let started = demo.value();
    let chain = &started["chains"][0];
    let files = tempfile::tempdir().unwrap();
    let bundle = files.path().join("lot.bundle");
    std::fs::write(&bundle, get(chain["url"].as_str().unwrap(), BUNDLE).body).unwrap();
    let (code, said) = verify(&bundle, &demo.trust_file());
    assert_eq!(code, 0, "{said}");

    let origin = started["nodes"][0]["origin"].as_str().unwrap();
    // A log by another name, and one by the same name with another key.
    for (number, (other, name)) in [("other.example/log", "log-unknown"), (origin, "checkpoint")]
        .into_iter()
        .enumerate()
    {
        let dir = files.path().join(format!("log-{number}"));
        let dir = dir.to_str().unwrap();
        let founded = printed(&[
            "init",
            "--json",
            "--dir",
            dir,
            "--origin",
            other,
            "--public-url",
            "http://127.0.0.1",
        ]);
        let (code, said) = verify(&bundle, Path::new(founded["trust"].as_str().unwrap()));
        assert_eq!(code, 5, "{said}");
        assert!(said.starts_with(&format!("error: {name}: ")), "{said}");
    }
}

/// A directory of tiles in the hands of tlog_tiles.
struct Exported(std::path::PathBuf);

impl TileReader for Exported {
    fn height(&self) -> u8 {
        8
    }

    fn read_tiles(&self, tiles: &[Tile]) -> Result<Vec<Vec<u8>>, TlogError> {
        let read = |tile: &Tile| {
            // The Go checksum database, whose paths these are, puts the height in front.
            let path = tile.path().replace("tile/8/", "tile/");
            std::fs::read(self.0.join(path))
                .map_err(|error| TlogError::InvalidInput(error.to_string()))
        };
        tiles.iter().map(read).collect()
    }

    fn save_tiles(&self, _: &[Tile], _: &[Vec<u8>]) {}
}

#[test]
fn exported_tiles_prove_every_entry_to_tlog_tiles_and_altered_ones_do_not() {
    let mut demo = Demo::start(&["--json"]);
    let node = demo.value()["nodes"][0].clone();
    let [origin, url] = ["origin", "url"].map(|field| node[field].as_str().unwrap());
    let files = tempfile::tempdir().unwrap();
    let out = files.path().join("log");
    let dir = demo.dir().to_str().unwrap().to_owned();
    let export = |more: &[&str]| {
        let args = [
            "export-tiles",
            "--json",
            "--dir",
            &dir,
            "--out",
            out.to_str().unwrap(),
        ];
        printed(&[&args[..], more].concat())
    };
    // Hashes alone at first: entries are for those whom the region names.
    let first = export(&[]);
    assert!(!out.join("tile/entries").exists());
    export(&["--entries"]);
    // All is there: nothing is written again.
    let again = export(&["--entries"]);
    assert_eq!(again["tilesWritten"], 0);
    assert_eq!(again["treeSize"], first["treeSize"]);

    let checkpoint = std::fs::read(out.join("checkpoint")).unwrap();
    let note = Note::from_bytes(&checkpoint).unwrap();
    let theirs = tlog_tiles::Checkpoint::from_bytes(note.text()).unwrap();
    assert_eq!(theirs.origin(), origin);
    let size = theirs.size();
    assert_eq!(first["treeSize"], size);

    let tiles = Exported(out.clone());
    let reader = TileHashReader::new(size, *theirs.hash(), &tiles);
    let mut leaf = 0;
    for bundle in 0..size.div_ceil(256) {
        let width = (size - bundle * 256).min(256);
        let part = if width < 256 {
            format!(".p/{width}")
        } else {
            String::new()
        };
        let bundle = std::fs::read(out.join(format!("tile/entries/{bundle:03}{part}"))).unwrap();
        for entry in ledger::tiles::entries_of(&bundle).unwrap() {
            let proof = prove_record(size, leaf, &reader).unwrap();
            check_record(&proof, size, *theirs.hash(), leaf, record_hash(entry)).unwrap();
            if [0, 2, size - 1].contains(&leaf) {
                let ours = get(
                    &format!("{url}/entries/{leaf}/proof?checkpoint=newest"),
                    "*/*",
                );
                let text = String::from_utf8(ours.body).unwrap();
                let (place, note) = text.split_once("\n\n").unwrap();
                assert!(note.as_bytes().starts_with(&checkpoint), "{note}");
                let path = place.strip_prefix("c2sp.org/tlog-proof@v1\n").unwrap();
                let path = path.strip_prefix(&format!("index {leaf}")).unwrap();
                let path: Vec<Hash> = path
                    .lines()
                    .skip(1)
                    .map(|hash| Hash::parse_hash(hash).unwrap())
                    .collect();
                check_record(&path, size, *theirs.hash(), leaf, record_hash(entry)).unwrap();
            }
            leaf += 1;
        }
    }
    assert_eq!(leaf, size);

    // One byte of one tile.
    let name = TileName::at_size(TileKind::Hashes(0), 0, TreeSize(size)).unwrap();
    let path = out.join(name.to_string());
    let mut altered = std::fs::read(&path).unwrap();
    altered[100] ^= 1;
    std::fs::write(&path, altered).unwrap();
    let refused = prove_record(size, 2, &reader);
    assert!(
        matches!(refused, Err(TlogError::InconsistentTile)),
        "{refused:?}"
    );
}
