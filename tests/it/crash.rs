//! Killed at random instants under load: what was acknowledged is there, and nothing is altered.

use crate::ledger_under_test::{From, Ledger};
use tests::dice::Dice;

/// Ledgers, each killed again and again: small enough to be audited whole after each kill.
const LEDGERS: u32 = 4;
const KILLS: u32 = 17;
const LIMIT_MS: u64 = 300;

#[test]
fn killed_at_random_instants_it_keeps_every_promise() {
    let mut dice = Dice::new("crash");
    let (mut under_load, mut statements, mut events) = (0, 0, 0);
    for number in 0..LEDGERS {
        let mut ledger = Ledger::new();
        for kill in 0..KILLS {
            let from = From::of_round(kill);
            ledger.kill(&mut dice, (from, LIMIT_MS), None);
            under_load += u32::from(from != From::Start);
            let kept = ledger.must_keep(&format!("ledger {number}, kill {kill}"));
            if kill + 1 == KILLS {
                events += kept.events;
            }
        }
        statements += ledger.promises.statements.len();
    }
    println!(
        "crash: {} kills, {under_load} of them under load; {statements} acknowledged statements \
         kept, {events} events on the ledgers",
        LEDGERS * KILLS
    );
    assert!(under_load >= 50, "{under_load}");
}
