//! How fast blocks become durable, beside what the disk and the reads cost alone.
//!
//! `cargo run --release -p ledger-rocks --example store_speed -- DIR [BLOCKS]`
#![expect(clippy::print_stdout, reason = "a measurement prints its result")]

use ledger::state::StateKey;
use ledger::store::suite::{Chain, Sizes};
use ledger::store::{Store as _, View as _};
use ledger_rocks::{Options, RocksStore};
use std::error::Error;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const STATEMENTS: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args_os().skip(1);
    let parent = PathBuf::from(arguments.next().ok_or("name a directory to measure in")?);
    let blocks: u64 = match arguments.next() {
        Some(count) => count.to_string_lossy().parse()?,
        None => 1_000,
    };
    let dir = parent.join("store_speed");
    let store = RocksStore::create(&dir, "log.example/speed", Options::default())?;

    let fsyncs = bare_fsyncs(&dir.join("fsync"), 500 << 10)?;
    println!("bare fsync of 500 KiB appends: {fsyncs:.0}/s");

    let mut chain = Chain::new(Sizes {
        entry: 300,
        body: 500,
        effects: 100,
    });
    let (mut busy, mut slowest, mut bytes) = (Duration::ZERO, Duration::ZERO, 0);
    let (mut records, mut pages) = (0, 0);
    for _ in 0..blocks {
        let write = chain.block(STATEMENTS);
        records += write.records.len();
        pages += write.pages.len();
        bytes += write
            .entries
            .iter()
            .map(|leaf| leaf.entry.len() + leaf.body.len())
            .sum::<usize>();
        let start = Instant::now();
        store.commit(write)?;
        let took = start.elapsed();
        busy += took;
        slowest = slowest.max(took);
    }
    let seconds = busy.as_secs_f64();
    let count = |number: u64| u32::try_from(number).map(f64::from);
    let statements = count(blocks * STATEMENTS)?;
    println!(
        "commits of {STATEMENTS} statements: {:.0}/s, {:.0} statements/s, slowest {slowest:?}",
        count(blocks)? / seconds,
        statements / seconds,
    );
    println!(
        "  {records} records, {pages} pages, {} MB of entries and bodies",
        bytes / 1_000_000
    );

    let keys: Vec<StateKey> = (0..blocks)
        .flat_map(|block| (0..STATEMENTS - 1).map(move |at| block * (STATEMENTS + 1) + at))
        .map(Chain::capture)
        .collect();
    let found = multi_get(&store, &keys, 200)?;
    println!("multi-get of 200 records in log order: {found:.0} records/s");
    Ok(())
}

/// Synced appends of `length` bytes a second.
fn bare_fsyncs(path: &Path, length: usize) -> Result<f64, Box<dyn Error>> {
    const ROUNDS: u32 = 100;
    let mut file = File::create(path)?;
    let bytes = vec![0x5a; length];
    let start = Instant::now();
    for _ in 0..ROUNDS {
        file.write_all(&bytes)?;
        file.sync_data()?;
    }
    Ok(f64::from(ROUNDS) / start.elapsed().as_secs_f64())
}

/// Records a second, read `group` at a time on one view each.
fn multi_get(store: &RocksStore, keys: &[StateKey], group: usize) -> Result<f64, Box<dyn Error>> {
    let start = Instant::now();
    for keys in keys.chunks(group) {
        if store.view().records(keys)?.iter().any(Option::is_none) {
            return Err("a record is missing".into());
        }
    }
    Ok(f64::from(u32::try_from(keys.len())?) / start.elapsed().as_secs_f64())
}
