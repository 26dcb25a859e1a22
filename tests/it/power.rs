//! Power cuts, disks that fail and disks that lie, by a layer between the process and its disk.

use crate::ledger_under_test::{From, Ledger, acknowledged};
use tests::check::{Loss, describe};
use tests::dice::Dice;
use tests::disk::{Cut, Disk};
use tests::layer::Fault;
use tests::said::Said;

const LEDGERS: u32 = 2;
const CUTS: u32 = 13;
const LIMIT_MS: u64 = 100;

#[test]
fn without_what_was_not_synced_it_keeps_every_promise() {
    let mut dice = Dice::new("power");
    let (mut under_load, mut statements) = (0, 0);
    for number in 0..LEDGERS {
        let mut ledger = Ledger::new();
        for cut in 0..CUTS {
            let disk = Disk::load(&ledger.dir()).unwrap();
            let layer = ledger.layer(Fault::None);
            let from = From::of_round(cut);
            ledger.kill(&mut dice, (from, LIMIT_MS), Some(&layer));
            under_load += u32::from(from != From::Start);
            ledger.cut_power(disk, Cut::All);
            ledger.must_keep(&format!("ledger {number}, cut {cut}"));
        }
        statements += ledger.promises.statements.len();
    }
    println!(
        "power: {} cuts with everything not synced discarded, {under_load} of them under \
         load; {statements} acknowledged statements kept",
        LEDGERS * CUTS
    );
    assert!(under_load >= 20, "{under_load}");
}

#[test]
fn with_writes_torn_anywhere_it_keeps_every_promise() {
    const CUTS: u32 = 10;
    let mut dice = Dice::new("torn");
    let mut ledger = Ledger::new();
    for cut in 0..CUTS {
        let disk = Disk::load(&ledger.dir()).unwrap();
        let layer = ledger.layer(Fault::None);
        let moment = (From::of_round(cut), LIMIT_MS);
        ledger.kill(&mut dice, moment, Some(&layer));
        ledger.cut_power(disk, Cut::Torn(&mut dice));
        ledger.must_keep(&format!("cut {cut}"));
    }
    let statements = ledger.promises.statements.len();
    println!("torn: {CUTS} cuts with writes torn; {statements} acknowledged statements kept");
    assert!(statements > 0);
}

/// Loses power under load on a disk with this fault, and returns what the check finds.
fn lost_with(fault: Fault, dice: &mut Dice) -> Vec<Loss> {
    let mut ledger = Ledger::new();
    let disk = Disk::load(&ledger.dir()).unwrap();
    let layer = ledger.layer(fault);
    let said = ledger.kill(dice, (From::Acknowledgement, LIMIT_MS), Some(&layer));
    ledger.cut_power(disk, Cut::All);
    let losses = ledger
        .check()
        .expect_err("syncs did nothing, and nothing was missed");
    println!(
        "{fault:?}: {} statements were acknowledged; the check says: {}",
        acknowledged(&said),
        describe(&losses)
    );
    losses
}

/// The same test must fail where nothing is synced: then it can see what it is to see.
#[test]
fn with_sync_switched_off_the_loss_is_found() {
    let losses = lost_with(Fault::SyncOff, &mut Dice::new("sync off"));
    assert!(
        losses
            .iter()
            .any(|loss| matches!(loss, Loss::RolledBack { .. }))
    );
    assert!(
        losses
            .iter()
            .any(|loss| matches!(loss, Loss::Missing { .. }))
    );
}

/// A database that forgot what was signed is not opened: signing again would show two histories.
#[test]
fn a_database_that_lost_synced_blocks_is_not_opened() {
    let losses = lost_with(Fault::SyncOffInDatabase, &mut Dice::new("sync off in db"));
    let [Loss::NotOpened(why)] = &losses[..] else {
        panic!("{losses:?}");
    };
    assert!(why.contains("never sign with this one"), "{why}");
}

/// Runs a process into `fault` until it has stopped by itself, and returns the reason it gave.
fn run_into(ledger: &mut Ledger, fault: Fault) -> String {
    let layer = ledger.layer(fault);
    let (status, said) = ledger.writer(Some(&layer)).wait();
    ledger.promises.hear(&said);
    assert_eq!(status.code(), Some(8), "{fault:?}: {:?}", said.last());
    match &said[..] {
        [.., Said::Halted(why), Said::AfterHalt(answer)] => {
            assert_eq!(answer, "the node has stopped taking statements");
            format!("halted: {why}")
        }
        [.., Said::NotOpened(why)] => format!("not opened: {why}"),
        other => panic!("{fault:?}: {:?}", other.last()),
    }
}

#[test]
fn after_a_failed_sync_nothing_more_is_acknowledged_and_nothing_is_lost() {
    const ROUNDS: u32 = 12;
    let mut dice = Dice::new("failed sync");
    let mut ledger = Ledger::new();
    for round in 0..ROUNDS {
        let disk = Disk::load(&ledger.dir()).unwrap();
        let nth = 1 + dice.below(40);
        let why = run_into(&mut ledger, Fault::FailedSync(nth));
        // The process is started again, or the machine is.
        let cut = round % 2 == 1;
        if cut {
            ledger.cut_power(disk, Cut::All);
        } else {
            ledger.forget_journal();
        }
        let kept = ledger.must_keep(&format!("sync {nth} failed, power cut: {cut}: {why}"));
        println!(
            "failed sync: number {nth}, power cut {cut}: {} leaves kept; {why}",
            kept.size
        );
    }
    assert!(!ledger.promises.statements.is_empty());
}

#[test]
fn on_a_full_disk_nothing_more_is_acknowledged_and_nothing_is_lost() {
    const ROUNDS: u32 = 6;
    let mut dice = Dice::new("full disk");
    let mut ledger = Ledger::new();
    for round in 0..ROUNDS {
        let space = dice.below(1 << (17 + round));
        let why = run_into(&mut ledger, Fault::Space(space));
        ledger.forget_journal();
        let kept = ledger.must_keep(&format!("{space} bytes were left: {why}"));
        println!(
            "full disk: {space} bytes were left: {} leaves kept; {why}",
            kept.size
        );
    }
    // And there is room again.
    ledger.kill(&mut dice, (From::Acknowledgement, LIMIT_MS), None);
    ledger.must_keep("with room again");
}
