//! Deletion on order: afterwards no byte of the data directory tells what was deleted, wherever
//! the process ended in the middle of it.

use crate::ledger_under_test::Ledger;
use ledger::audit::AuditReport;
use ledger::bundle;
use ledger::disclosure::{Class, Salt};
use ledger::forget::{Order, Standing, named_keys, parts_of};
use ledger::ids::{LeafIndex, UnixMillis};
use ledger::lists::{Reader, ViewSource};
use ledger::personal::Kept;
use ledger::provenance::answer::Text;
use ledger::provenance::{Limits, trace};
use ledger::statement::{Issuer, SignedStatement};
use ledger::store::{EventRef, Store as _, View as _};
use ledger::testing::ORIGIN;
use ledger_rocks::{ReadOnlyStore, RocksStore};
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use tests::check::{audit, describe};
use tests::dice::Dice;
use tests::disk::{Cut, Disk};
use tests::files::copy_dir;
use tests::layer::{Fault, Layer};
use tests::town::{Town, config};

const SUBMITTER: &str = env!("CARGO_BIN_EXE_submitter");

/// A statement with a personal part, on a ledger, and everything that must not be found later.
struct Secret {
    ledger: Ledger,
    town: Town,
    said: SignedStatement,
    words: String,
    salt: [u8; 16],
    key: [u8; 32],
    order: Order,
}

impl Secret {
    fn new(dice: &mut Dice) -> Self {
        let ledger = Ledger::new();
        let mut town = Town::new(1);
        // Bytes of chance, which no compression can shorten and nothing else repeats.
        let mut bytes = || dice.roll().to_be_bytes();
        let words = hex::encode([bytes(), bytes(), bytes()].concat());
        let mut salt = || {
            let both = [bytes(), bytes()].concat();
            Salt(both.try_into().expect("16 bytes"))
        };
        let said = town.naming(&words, &mut salt);
        let leaf = submit(&ledger.dir(), &said).0;
        let parts = &said.disclosed()[0].parts;
        let part = parts.iter().find(|part| part.class() == Class::Personal);
        let part = part.expect("a driver");
        // A part begins with the heads of an array of three and of 16 bytes.
        let salt = part.encoded()[2..18].try_into().expect("16 bytes");
        let Issuer::Participant { handle, capture } = said.header().issuer else {
            unreachable!("a member's statement")
        };
        let order = Order {
            at: EventRef { leaf, index: 0 },
            issuer: handle,
            capture,
            parts: vec![part.digest()],
            basis: Text {
                zh: "个人信息保护法第四十七条".to_owned(),
                en: "PIPL art. 47".to_owned(),
            },
            number: "川网信删〔2026〕12号".to_owned(),
        };
        let store = open(&ledger.dir());
        let view = store.view();
        let pair = view.entries_with_bodies(&[leaf]).unwrap().remove(0);
        let (entry, body) = pair.unwrap();
        let at = named_keys(ORIGIN, &entry, &body, &order).unwrap();
        let [at] = &at[..] else { panic!("one part") };
        let Kept::Here(key) = view.part_key(at).unwrap() else {
            panic!("nothing was deleted yet")
        };
        let key = *key.as_bytes();
        drop(view);
        drop(store);
        Self {
            ledger,
            town,
            said,
            words,
            salt,
            key,
            order,
        }
    }

    /// Files below `dir` that hold the words, the salt, the key.
    fn found(&self, dir: &Path) -> [Vec<String>; 3] {
        let needles: [&[u8]; 3] = [self.words.as_bytes(), &self.salt, &self.key];
        needles.map(|needle| files_with(dir, needle))
    }

    /// What an audit finds of a copy that has all but the keys, in which no secret is.
    fn audit_without_keys(&self) -> AuditReport {
        let copy = tempfile::tempdir().unwrap();
        let copied = copy.path().join("data");
        copy_dir(&self.ledger.dir(), &copied);
        fs::remove_file(copied.join("part.keys")).unwrap();
        assert_eq!(self.found(&copied), NOWHERE);
        let options = config(&copied).database;
        let store = ReadOnlyStore::open(&copied, ORIGIN, options).unwrap();
        let report = audit(&store.view(), &self.ledger.log_key).unwrap();
        assert_eq!(report.findings, []);
        report
    }

    fn standing(&self, dir: &Path) -> Standing {
        let store = open(dir);
        let found = parts_of(&store.view(), self.order.at.leaf)
            .unwrap()
            .unwrap();
        let [part] = &found.parts[..] else {
            panic!("one part")
        };
        part.standing.clone()
    }
}

const NOWHERE: [&[String]; 3] = [&[], &[], &[]];

fn open(dir: &Path) -> RocksStore {
    RocksStore::open(dir, ORIGIN, config(dir).database).unwrap()
}

/// Opens, compacts and closes the ledger: everything in its log goes to tables.
fn settle(dir: &Path) {
    let store = open(dir);
    store.settle().unwrap();
}

/// Submits one statement, and returns its leaf and whether it was there before.
fn submit(dir: &Path, statement: &SignedStatement) -> (LeafIndex, bool) {
    let node = node::open(&config(dir)).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .build();
    let answer = runtime.unwrap().block_on(node.submit(statement.encode()));
    let answer = answer.unwrap();
    (answer.leaf, answer.again)
}

fn files_with(dir: &Path, needle: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files_with(&path, needle));
        } else {
            let bytes = fs::read(&path).unwrap();
            if bytes.windows(needle.len()).any(|window| window == needle) {
                let name = path.file_name().unwrap();
                found.push(name.to_string_lossy().into_owned());
            }
        }
    }
    found
}

/// The bundle of one who may see everything, as a file to keep.
fn export(dir: &Path, said: &SignedStatement) -> Vec<u8> {
    let event = said.disclosed()[0].disclosure.map();
    let list = event.get("quantityList").unwrap().as_array().unwrap();
    let lot = list[0].as_map().unwrap().get("epcClass").unwrap();
    let item = ledger::identifier::Identifier::parse(lot.as_text().unwrap()).unwrap();
    let store = open(dir);
    let view = store.view();
    let mut source = ViewSource::new(&view, Reader::All);
    trace(&mut source, &item, UnixMillis(0), Limits::DEFAULT).unwrap();
    bundle::build(&view, &source, item.as_str())
        .unwrap()
        .encode()
}

#[test]
fn after_the_order_no_byte_tells_what_was_deleted() {
    let mut secret = Secret::new(&mut Dice::new("forget"));
    let dir = secret.ledger.dir();
    let event_id = secret.said.disclosed()[0].disclosure.map().get("eventID");
    let event_id = event_id.unwrap().as_text().unwrap().as_bytes().to_vec();
    for compacted in [false, true] {
        if compacted {
            settle(&dir);
            // What may be seen is seen in the tables too: the scan is not blind.
            let tables = files_with(&dir, &event_id);
            assert!(
                tables.iter().any(|name| name.ends_with(".sst")),
                "{tables:?}"
            );
        }
        let key_file = ["part.keys".to_owned()];
        assert_eq!(secret.found(&dir), [&[], &[], &key_file[..]]);
    }
    // A copy for a mirror or an auditor, made without keys: whole, and silent on these parts.
    let report = secret.audit_without_keys();
    assert_eq!((report.keyless, report.forgotten.len()), (1, 0));
    let exported = export(&dir, &secret.said);
    let holds = |bytes: &[u8], needle: &[u8]| bytes.windows(needle.len()).any(|it| it == needle);
    assert!(holds(&exported, secret.words.as_bytes()));
    assert_eq!(secret.standing(&dir), Standing::Kept);

    let order = secret.order.clone();
    let order = secret.town.order(&order);
    let (at, again) = submit(&dir, &order);
    assert!(!again);
    for _ in 0..2 {
        assert_eq!(secret.found(&dir), NOWHERE);
        // Sent again, the statement is the same one, and brings nothing back.
        let (leaf, again) = submit(&dir, &secret.said);
        assert_eq!((leaf, again), (secret.order.at.leaf, true));
        assert_eq!(secret.found(&dir), NOWHERE);
        let Standing::Deleted(tombstone) = secret.standing(&dir) else {
            panic!("deleted")
        };
        assert_eq!(
            (tombstone.order, &tombstone.number),
            (at, &secret.order.number)
        );
        settle(&dir);
    }
    assert_eq!(secret.found(&dir), NOWHERE);
    let exported = export(&dir, &secret.said);
    for needle in [secret.words.as_bytes(), &secret.salt, &secret.key] {
        assert!(!holds(&exported, needle));
    }
    let report = secret.audit_without_keys();
    assert_eq!((report.keyless, report.forgotten.len()), (0, 1));
    secret.ledger.must_keep("after the order");
}

/// Runs the deletion in a process of its own, and returns the layer's journal of it: the length at
/// which the order was given, and all of it.
fn journal_of(dir: &Path, order: &SignedStatement) -> (usize, Vec<u8>) {
    let place = tempfile::tempdir().unwrap();
    let (statement, journal) = (place.path().join("order"), place.path().join("journal"));
    fs::write(&statement, order.encode()).unwrap();
    let mut command = Command::new(SUBMITTER);
    command.args([dir, &statement]);
    Layer::new(dir, &journal, Fault::None).apply(&mut command);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "ready");
    let opened = fs::read(&journal).unwrap().len();
    child.stdin.take().unwrap().write_all(b"now\n").unwrap();
    assert_eq!(lines.next().unwrap().unwrap(), "acknowledged");
    let acknowledged = fs::read(&journal).unwrap();
    assert!(child.wait().unwrap().success());
    (opened, acknowledged)
}

#[test]
fn wherever_the_deletion_is_cut_off_opening_finishes_it() {
    let mut dice = Dice::new("forget, cut off");
    let mut secret = Secret::new(&mut dice);
    let dir = secret.ledger.dir();
    let order = secret.order.clone();
    let order = secret.town.order(&order);
    let before = Disk::load(&dir).unwrap();
    let (opened, journal) = journal_of(&dir, &order);
    let ends = Disk::record_ends(&journal);
    let ends: Vec<usize> = ends.into_iter().filter(|end| *end >= opened).collect();
    let place = tempfile::tempdir().unwrap();
    let (mut kept, mut deleted, mut finished) = (0, 0, 0);
    for (step, end) in ends.iter().enumerate() {
        for way in 0..5 {
            let how = match way {
                0 => Cut::Nothing,
                1 => Cut::All,
                _ => Cut::Torn(&mut dice),
            };
            let mut disk = before.clone();
            disk.replay(&journal[..*end]);
            let left = place.path().join(format!("{step}-{way}"));
            disk.cut(&left, how).unwrap();
            let [_, _, key_left] = secret.found(&left);
            match secret.standing(&left) {
                Standing::Kept => {
                    kept += 1;
                    assert!(end < ends.last().unwrap(), "acknowledged, and not deleted");
                    assert_eq!(
                        secret.found(&left),
                        [&[], &[], &["part.keys".to_owned()][..]]
                    );
                }
                Standing::Deleted(_) => {
                    deleted += 1;
                    finished += u32::from(!key_left.is_empty());
                    assert_eq!(secret.found(&left), NOWHERE, "step {step}, way {way}");
                }
                Standing::Gone(why) => panic!("step {step}, way {way}: {why:?}"),
            }
            let check = secret.ledger.check_at(&left);
            check.unwrap_or_else(|losses| panic!("step {step}, way {way}: {}", describe(&losses)));
            fs::remove_dir_all(&left).unwrap();
        }
    }
    println!(
        "forget: cut off behind each of {} writes and syncs, five ways: {kept} times not recorded, \
         {deleted} times deleted, {finished} of them by opening",
        ends.len()
    );
    assert!(kept > 0 && finished > 0, "{kept}, {finished}");
}
