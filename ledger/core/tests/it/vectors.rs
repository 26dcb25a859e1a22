//! Golden vectors: the exact bytes of one of each thing that is signed, stored or sent.
//!
//! `schemas/vectors/*.json` are made here, from a ledger in memory without clock or chance, and
//! compared with what is checked in. Bytes that change are a new format: whoever means it runs
//! this test with `BLESS=1`, which rewrites the files, and says in the commit why old ledgers can
//! still be read.

use serde_json::{Value as Json, json};
use std::fs;
use std::path::PathBuf;

use crate::examples::{Example, examples};
use crate::seeded::seeded;

fn folder() -> PathBuf {
    [env!("CARGO_MANIFEST_DIR"), "..", "..", "schemas", "vectors"]
        .iter()
        .collect()
}

/// One file for each rule of the CDDL: its examples, each with its bytes and what follows from
/// them.
fn files() -> Vec<(String, Json)> {
    let mut files: Vec<(String, Vec<Example>)> = Vec::new();
    for example in examples() {
        match files.iter_mut().find(|(rule, _)| rule == example.rule) {
            Some((_, those)) => those.push(example),
            None => files.push((example.rule.to_owned(), vec![example])),
        }
    }
    files
        .into_iter()
        .map(|(rule, those)| {
            let vectors: Vec<Json> = those
                .into_iter()
                .map(|one| json!({"name": one.name, "hex": hex::encode(&one.bytes), "facts": one.facts}))
                .collect();
            (rule.clone(), json!({"rule": rule, "vectors": vectors}))
        })
        .collect()
}

/// Whether the files are to be rewritten.
#[expect(
    clippy::disallowed_methods,
    reason = "a switch for people, not configuration"
)]
fn blessed() -> bool {
    std::env::var("BLESS").is_ok_and(|word| word == "1")
}

/// Compares `made` with the file of that name, or writes it.
fn is_checked_in(name: &str, made: &Json) -> bool {
    let path = folder().join(format!("{name}.json"));
    let text = format!("{made:#}\n");
    if blessed() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, &text).unwrap();
    }
    fs::read_to_string(&path).is_ok_and(|found| found == text)
}

const CHANGED: &str = "the bytes are not those checked in: a format changed. If that is meant, run \
    this test with BLESS=1 and review every difference";

#[test]
fn bytes_are_those_checked_in() {
    let files = files();
    let changed: Vec<&String> = files
        .iter()
        .filter(|(name, made)| !is_checked_in(name, made))
        .map(|(name, _)| name)
        .collect();
    assert!(changed.is_empty(), "{changed:?}: {CHANGED}");
    for file in fs::read_dir(folder()).unwrap() {
        let name = file.unwrap().file_name().into_string().unwrap();
        let made = files.iter().any(|(made, _)| format!("{made}.json") == name);
        assert!(
            made || name == "seeded.json",
            "nothing makes {name}: delete it"
        );
    }
}

#[test]
fn ten_thousand_seeded_encodings_are_those_checked_in() {
    assert!(is_checked_in("seeded", &seeded()), "seeded: {CHANGED}");
}
