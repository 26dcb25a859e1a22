//! What a dishonest log can try, and who notices: every attack on every verifier.
//!
//! The table was written down before the attacks ran, and `SECURITY.md` shows it. A witness is the
//! core's own (`ledger::witness`, as the node runs it); a mirror is a replay (`ledger::audit`);
//! `suyuan verify` is the binary; the browser is `ledger_web`, whose verdict in Chromium is the same
//! (`verifier.rs`).

mod attacks;
mod verifiers;

use attacks::Attempt;
use std::fmt::Write as _;

/// What a verifier does with an attack.
#[derive(Clone, Copy, Debug)]
enum Cell {
    /// It refuses it by this name.
    Refused(&'static str),
    /// It refuses it by this name, or turns amber for it, given this. Without, it accepts it.
    Given(Given, &'static str),
    /// It accepts it, or never gets to see it, because:
    Blind(&'static str),
}

/// What a reader of a proof may have besides the log's key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Given {
    /// A checkpoint that it kept.
    Checkpoint,
    /// A limit for the age of what it is shown.
    Age,
    /// A trust file that asks for a witness.
    Witness,
}

impl Given {
    const fn words(self) -> &'static str {
        match self {
            Self::Checkpoint => "a kept checkpoint",
            Self::Age => "a maximum age",
            Self::Witness => "a witness in the trust file",
        }
    }
}

use Cell::{Blind, Given as If, Refused};

/// A witness reads checkpoints and no entries.
const NO_ENTRIES: Cell = Blind("it reads no entries");
/// A witness and a mirror are given no proofs to check.
const NO_PROOFS: Cell = Blind("it is given no such proof");
/// What only a replay finds.
const NO_REPLAY: Cell = Blind("the state is the log's word until somebody replays it");

/// An attack, and what each of [`VERIFIERS`] does with it.
type Row = (&'static str, fn() -> Attempt, [Cell; 4]);

const TABLE: &[Row] = &[
    (
        "two histories of one size",
        attacks::two_histories,
        [
            Refused("root-changed"),
            Refused("head-differs"),
            If(Given::Checkpoint, "fork"),
            If(Given::Checkpoint, "fork"),
        ],
    ),
    (
        "rolled back, and grown again otherwise",
        attacks::rolled_back,
        [
            Refused("inconsistent"),
            Refused("header-differs"),
            If(Given::Witness, "few-witnesses"),
            If(Given::Witness, "few-witnesses"),
        ],
    ),
    (
        "truncated tail, signed anew",
        attacks::truncated,
        [
            Refused("old-size-beyond"),
            Refused("head-differs"),
            If(Given::Checkpoint, "older-than-remembered"),
            If(Given::Checkpoint, "older-than-remembered"),
        ],
    ),
    (
        "skipped middle of the chain",
        attacks::skipped_middle,
        [
            Refused("root-changed"),
            Refused("leaf-missing"),
            Refused("event-omitted"),
            Refused("event-omitted"),
        ],
    ),
    (
        "proof for the wrong size",
        attacks::wrong_size,
        [
            Refused("inconsistent"),
            NO_PROOFS,
            Refused("path"),
            Refused("path"),
        ],
    ),
    (
        "altered receipt index",
        attacks::altered_index,
        [
            NO_PROOFS,
            NO_PROOFS,
            Refused("index-altered"),
            Refused("index-altered"),
        ],
    ),
    (
        "swapped body",
        attacks::swapped_body,
        [
            NO_ENTRIES,
            Refused("not-admissible"),
            Refused("disclosure-mismatch"),
            Refused("disclosure-mismatch"),
        ],
    ),
    (
        "omitted recall",
        attacks::omitted_recall,
        [
            NO_ENTRIES,
            Refused("leaf-missing"),
            Refused("event-omitted"),
            Refused("event-omitted"),
        ],
    ),
    (
        "recall recorded, and left out of the state",
        attacks::recall_without_effect,
        [NO_ENTRIES, Refused("effects-differ"), NO_REPLAY, NO_REPLAY],
    ),
    (
        "omitted revocation",
        attacks::omitted_revocation,
        [
            NO_ENTRIES,
            Refused("leaf-missing"),
            Refused("state"),
            Refused("state"),
        ],
    ),
    (
        "statement under a revoked key",
        attacks::revoked_key,
        [
            NO_ENTRIES,
            Refused("not-admissible"),
            Refused("key-does-not-count"),
            Refused("key-does-not-count"),
        ],
    ),
    (
        "replayed old checkpoint",
        attacks::replayed,
        [
            Refused("old-size"),
            Refused("head-differs"),
            If(Given::Age, "stale"),
            If(Given::Age, "stale"),
        ],
    ),
    (
        "statement meant for another log",
        attacks::other_log,
        [
            NO_ENTRIES,
            Refused("not-admissible"),
            Refused("audience-wrong"),
            Refused("audience-wrong"),
        ],
    ),
];

/// Heads of the table's columns.
const VERIFIERS: [&str; 4] = ["witness", "mirror", "`suyuan verify`", "browser"];

#[test]
fn every_attack_meets_each_verifier_as_the_table_says() {
    for (attack, attempt, cells) in TABLE {
        let noticed = cells.iter().any(|cell| !matches!(cell, Blind(_)));
        assert!(noticed, "{attack}: nobody notices");
        let attempt = attempt();
        for (verifier, cell) in VERIFIERS.iter().zip(cells) {
            let judged = |given| verifiers::judge(verifier, &attempt, given);
            let place = format!("{attack}, {verifier}");
            match *cell {
                Refused(name) => assert_eq!(judged(None), Some(Err(name.to_owned())), "{place}"),
                If(given, name) => {
                    assert_eq!(judged(None), Some(Ok(())), "{place}: without");
                    assert_eq!(judged(Some(given)), Some(Err(name.to_owned())), "{place}");
                }
                Blind(_) => assert!(matches!(judged(None), None | Some(Ok(()))), "{place}"),
            }
        }
    }
}

#[test]
fn an_honest_log_is_refused_by_nobody() {
    let honest = attacks::none();
    for verifier in VERIFIERS {
        for given in [None, Some(Given::Checkpoint), Some(Given::Witness)] {
            let judged = verifiers::judge(verifier, &honest, given);
            assert_eq!(judged, Some(Ok(())), "{verifier}, {given:?}");
        }
    }
}

/// `BLESS=1` writes the table into the document.
#[test]
fn the_table_in_the_document_is_this_one() {
    let mut table = format!(
        "| attack | {} |\n|---|---|---|---|---|\n",
        VERIFIERS.join(" | ")
    );
    for (attack, _, cells) in TABLE {
        write!(table, "| {attack} ").unwrap();
        for cell in cells {
            match cell {
                Refused(name) => write!(table, "| `{name}` "),
                If(given, name) => write!(table, "| `{name}`, given {} ", given.words()),
                Blind(why) => write!(table, "| not visible: {why} "),
            }
            .unwrap();
        }
        table.push_str("|\n");
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../SECURITY.md");
    let document = std::fs::read_to_string(path).unwrap();
    let (begin, end) = ("<!-- attacks -->\n", "<!-- /attacks -->\n");
    let (before, rest) = document.split_once(begin).unwrap();
    let (shown, after) = rest.split_once(end).unwrap();
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(path, format!("{before}{begin}{table}{end}{after}")).unwrap();
    } else {
        assert_eq!(shown, table, "BLESS=1 writes it anew");
    }
}
