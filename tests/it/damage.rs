//! One flipped bit, or the second half cut off, in every kind of file of a data directory: refused
//! by name or provably without effect; never served, and never signed over.

use crate::ledger_under_test::{From, Ledger};
use std::fs;
use std::path::Path;
use tests::check::{Loss, describe};
use tests::dice::Dice;
use tests::files::copy_dir;

/// Kinds of files by the beginning or end of their names.
const KINDS: [(&str, &str); 12] = [
    ("db/", ".sst"),
    ("db/", ".log"),
    ("db/MANIFEST-", ""),
    ("db/CURRENT", ""),
    ("db/OPTIONS-", ""),
    ("db/IDENTITY", ""),
    ("db/LOG", ""),
    ("head", ""),
    ("log.key", ""),
    ("part.keys", ""),
    ("node.toml", ""),
    ("reads/", ".log"),
];

#[derive(Clone, Copy, Debug)]
enum Harm {
    /// One bit, counted in bits from the file's start.
    Flip(u64),
    /// Everything from its middle on is gone.
    Half,
}

#[test]
fn damage_to_any_file_is_named_or_without_effect() {
    let mut dice = Dice::new("damage");
    let mut ledger = loaded(&mut dice);
    let files = files(&ledger.dir(), "");
    let mut outcomes = Vec::new();
    for file in &files {
        assert!(
            file == "db/LOCK" || KINDS.iter().any(|kind| is_of(file, *kind)),
            "a file of an unknown kind: {file}"
        );
    }
    for kind in KINDS {
        // The largest of its kind holds the most to lose.
        let file = files.iter().filter(|file| is_of(file, kind));
        let length = |file: &&String| fs::metadata(ledger.dir().join(file)).unwrap().len();
        let file = file
            .max_by_key(length)
            .unwrap_or_else(|| panic!("no file is {kind:?}"));
        let bits = length(&file) * 8;
        assert!(bits > 0, "{file}");
        for harm in [
            Harm::Flip(bits / 2),
            Harm::Flip(dice.below(bits)),
            Harm::Half,
        ] {
            let outcome = outcome(&mut ledger, file, harm);
            println!("damage: {file}, {harm:?} of {bits} bits: {outcome}");
            outcomes.push((file.clone(), outcome));
        }
    }
    // What was acknowledged last is in the log; nobody may go on without it.
    let log = outcomes
        .iter()
        .filter(|(file, _)| is_of(file, ("db/", ".log")));
    for (file, outcome) in log {
        assert!(outcome.starts_with("not opened"), "{file}: {outcome}");
    }
}

/// A ledger with every kind of file, none of them empty, as a kill leaves it.
fn loaded(dice: &mut Dice) -> Ledger {
    let mut ledger = Ledger::new();
    for _ in 0..3 {
        // Opening again moves what is in the log to tables.
        ledger.must_keep("whole");
        ledger.kill(dice, (From::Acknowledgement, 300), None);
    }
    ledger
}

/// Does `harm` to a copy, and says what became of it.
fn outcome(ledger: &mut Ledger, file: &str, harm: Harm) -> String {
    let copy = tempfile::tempdir().unwrap();
    let dir = copy.path().join("data");
    copy_dir(&ledger.dir(), &dir);
    damage(&dir.join(file), harm);
    let before = ledger.check_at(&dir);
    let served = |losses: &[Loss]| losses.iter().any(Loss::is_served);
    if let Err(losses) = &before {
        assert!(!served(losses), "{file}, {harm:?}: {}", describe(losses));
    }
    // Then it is asked to go on.
    let answer = ledger.submit_at(&dir);
    let promises = ledger.promises.clone();
    if let Ok((leaf, promise)) = &answer {
        ledger.promises.statements.insert(*leaf, promise.clone());
    }
    let after = ledger.check_at(&dir);
    ledger.promises = promises;
    match (before, after, answer) {
        (Ok(_), Ok(_), Ok(_)) => "without effect, and goes on".to_owned(),
        // What only sealing reads.
        (Ok(_), Ok(_), Err(why)) => format!("without effect on reads; {why}"),
        (Err(before), Err(after), answer) => {
            assert!(
                !served(&after),
                "{file}, {harm:?}, then: {}",
                describe(&after)
            );
            let went_on = if answer.is_ok() { ", and goes on" } else { "" };
            format!("{}{went_on}", describe(&before))
        }
        other => panic!("{file}, {harm:?}: {other:?}"),
    }
}

fn damage(file: &Path, harm: Harm) {
    let mut bytes = fs::read(file).unwrap();
    match harm {
        Harm::Flip(bit) => bytes[usize::try_from(bit / 8).unwrap()] ^= 1 << (bit % 8),
        Harm::Half => bytes.truncate(bytes.len() / 2),
    }
    // In place: its permissions stay.
    fs::write(file, bytes).unwrap();
}

fn is_of(file: &str, (beginning, end): (&str, &str)) -> bool {
    file.starts_with(beginning) && file.ends_with(end)
}

/// Files below `dir` with their paths from there, in order.
fn files(dir: &Path, prefix: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path(), &format!("{name}/")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}
