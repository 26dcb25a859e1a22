//! What each step from a statement's bytes to a checked statement costs on one core.
//!
//! `cargo run --release -p ledger --example check_speed`
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement takes time and prints its result"
)]

use ledger::admission::check_unsigned;
use ledger::disclosure::{Salt, check_salts, decode_body, encode_body};
use ledger::event::{DocumentContext, Event};
use ledger::ids::{CaptureId, Handle};
use ledger::signature::{Signer as _, SigningKey};
use ledger::statement::{Commitment, Issuer, Payload, SignedStatement};
use ledger::visibility::{first_hidden_field, parts_in_place, split};
use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

fn main() -> Result<(), Box<dyn Error>> {
    let json = serde_json::json!({
        "type": "ObjectEvent",
        "eventID": "urn:uuid:00000000-0000-4000-8000-000000000001",
        "action": "OBSERVE",
        "bizStep": "shipping",
        "eventTime": "2026-11-20T08:00:00.000Z",
        "eventTimeZoneOffset": "+08:00",
        "quantityList": [{"epcClass": "https://id.gs1.org/01/06901234567892/10/B1", "quantity": 120, "uom": "KGM"}],
    });
    let event = Event::from_json(&json, &DocumentContext::default())?;
    let mut next = 0;
    let mut salt = || {
        next += 1;
        Salt([next; 16])
    };
    let disclosed = vec![split(0, event.as_map().clone(), &mut salt)];
    let key = SigningKey::from_seed([7; 32]);
    let issuer = Issuer::Participant {
        handle: Handle([1; 16]),
        capture: CaptureId([2; 16]),
    };
    let payload = Payload::Events(Commitment::to(&disclosed));
    let audience = vec!["speed.example/log".to_owned()];
    let statement = SignedStatement::sign(&key, issuer, audience, 1, payload, disclosed.clone());
    let (bytes, body) = (statement.encode(), encode_body(&disclosed));
    let one = &disclosed[0];
    let map = one.disclosure.map();

    time("verify the signature", || {
        key.public_key()
            .verify(statement.signed_bytes(), statement.signature())
    });
    time("parse the statement", || SignedStatement::parse(&bytes));
    let entry = statement.entry();
    time("glance at its entry", || SignedStatement::glance(entry));
    time("read the body", || decode_body(&body));
    time("check all but the signature", || {
        check_unsigned(statement.clone())
    });
    time("  of it: copy the statement", || statement.clone());
    time("  of it: commitment", || statement.check_commitment());
    time("  of it: salts", || check_salts(&disclosed));
    time("  of it: whole", || one.check_whole());
    time("  of it: parts in place", || parts_in_place(one));
    time("  of it: nothing hidden shown", || first_hidden_field(map));
    time("  of it: normal form", || Event::from_public_map(map));
    let event = Event::from_public_map(map)?;
    time("  of it: items", || event.items());
    Ok(())
}

/// Prints the mean of many runs.
fn time<T>(what: &str, work: impl Fn() -> T) {
    const RUNS: u32 = 50_000;
    let started = Instant::now();
    for _ in 0..RUNS {
        black_box(work());
    }
    println!("{:>9.2?}  {what}", started.elapsed() / RUNS);
}
