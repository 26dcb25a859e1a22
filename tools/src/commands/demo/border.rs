//! The two cities as neighbours: each witnesses the other's log, recognises its region, and lets
//! its office see by name who handled goods.

use super::city::City;
use super::load::submit;
use super::recall::fields;
use crate::client::ledger::with_source;
use crate::client::random::Random;
use crate::exit::Failure;
use crate::text::Lang;
use ledger::note::NoteKey;
use ledger::registry::Action;
use node::config::policy_path;
use serde_json::json;
use std::path::{Path, PathBuf};

/// What a reader trusts who wants to check a chain over both logs, in the demo's directory.
const TRUST_BOTH: &str = "trust-both.txt";

/// The trust file of both logs, in the demo's directory.
pub(super) fn trust_file(home: &Path) -> PathBuf {
    home.join(TRUST_BOTH)
}

/// The witnesses of both cities, before their nodes are opened: settings, keys, trust files.
///
/// # Errors
/// [`Failure`].
pub(super) fn witness(one: &City, other: &City, home: &Path) -> Result<(), Failure> {
    let by_other = watch(other, one)?;
    let by_one = watch(one, other)?;
    for (city, neighbour, witness) in [(one, other, &by_other), (other, one, &by_one)] {
        write(&policy_path(&city.dir), &policy(city, neighbour, witness))?;
        credential(city, neighbour)?;
    }
    let both = format!(
        "log {}\nlog {}\n{}{}group either any {} {}\nquorum either\n",
        one.vkey,
        other.vkey,
        witness_line(other, &by_other),
        witness_line(one, &by_one),
        other.place.witness,
        one.place.witness,
    );
    write(&trust_file(home), &both)
}

/// Makes `witness` one of the log of `watched`.
fn watch(witness: &City, watched: &City) -> Result<NoteKey, Failure> {
    let logs = std::slice::from_ref(&watched.vkey);
    node::watch(&witness.dir, witness.place.witness, logs)
        .map_err(|error| Failure::usage(with_source(&error)))
}

fn witness_line(witness: &City, vkey: &NoteKey) -> String {
    format!("witness {} {vkey} {}\n", witness.place.witness, witness.url)
}

/// By which the log of `city` is judged.
fn policy(city: &City, neighbour: &City, witness: &NoteKey) -> String {
    let line = witness_line(neighbour, witness);
    let quorum = neighbour.place.witness;
    format!("log {}\n{line}quorum {quorum}\n", city.vkey)
}

/// Who `city` is to the log of its neighbour (`regions.toml`).
fn credential(city: &City, neighbour: &City) -> Result<(), Failure> {
    let guest = neighbour.place.guest;
    let key = format!("{guest}.key");
    let copied = city.dir.join(&key);
    // With its mode, which lets nobody else read it.
    std::fs::copy(neighbour.cast.key_path(guest), &copied)
        .map_err(|error| Failure::file(&copied, &error))?;
    let text = format!(
        "[[region]]\nlog = \"{}\"\nhandle = \"{}\"\nkey = \"{key}\"\n",
        neighbour.place.origin,
        neighbour.cast.handle(guest)?
    );
    write(&city.dir.join("regions.toml"), &text)
}

fn write(path: &Path, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| Failure::file(path, &error))
}

/// What the authorities of `city` record about their neighbour: its region, and the agreement with
/// its office.
///
/// # Errors
/// [`Failure`].
pub(super) fn recognise(city: &City, neighbour: &City, lang: Lang) -> Result<(), Failure> {
    let path = policy_path(&neighbour.dir);
    let policy = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, &error))?;
    let [zh, en] = neighbour.place.name;
    let region = json!({
        "log": neighbour.place.origin, "name": {"zh": zh, "en": en},
        "district": neighbour.place.region, "url": neighbour.url, "policy": policy,
    });
    let guest = city.cast.handle(city.place.guest)?.to_string();
    let agreement = json!({
        "partner": guest, "participants": [], "districts": [city.place.region], "parts": "named",
    });
    let mut random = Random::default();
    let mut act = |action, record| {
        let record = vec![fields(&record)?];
        city.cast
            .act(city.place.authority, action, record, &mut random)
    };
    let acts = [
        act(Action::Region, region)?,
        act(Action::Agreement, agreement)?,
    ];
    submit(&city.reach(lang)?, &acts)
}
