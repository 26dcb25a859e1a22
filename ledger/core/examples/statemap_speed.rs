//! How fast the state map takes changes, beside bare hashing, on one thread over pages in memory.
//!
//! `cargo run --release -p ledger --example statemap_speed [keys]` (3,000,000 unless told).

#![expect(
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and its arguments"
)]
#![expect(clippy::print_stdout, reason = "a benchmark prints its figures")]

use ledger::hash::Digest;
use ledger::statemap::{EMPTY_ROOT, MemoryPages, prove_many, update};
use std::error::Error;
use std::time::{Duration, Instant};

/// Keys changed by one block.
const BLOCK_KEYS: u64 = 500;

/// Blocks measured for each figure.
const BLOCKS: u64 = 400;

fn key(number: u64) -> Digest {
    Digest::of(&number.to_be_bytes())
}

/// Changes of `numbers` to values that differ from `round` to round.
fn changes(numbers: impl Iterator<Item = u64>, round: u64) -> Vec<(Digest, Digest)> {
    let mut changes: Vec<_> = numbers
        .map(|n| (key(n), key(u64::MAX - n - (round << 40))))
        .collect();
    changes.sort_unstable();
    changes.dedup_by_key(|change| change.0);
    changes
}

struct Map {
    pages: MemoryPages,
    root: Digest,
}

impl Map {
    fn change(&mut self, changes: &[(Digest, Digest)]) -> Result<(), Box<dyn Error>> {
        let update = update(&self.pages, &self.root, changes)?;
        self.root = update.root;
        self.pages.apply(update);
        Ok(())
    }

    fn measure(
        &mut self,
        name: &str,
        blocks: &[Vec<(Digest, Digest)>],
    ) -> Result<(), Box<dyn Error>> {
        let keys: usize = blocks.iter().map(Vec::len).sum();
        let start = Instant::now();
        let mut storing = Duration::ZERO;
        for block in blocks {
            let update = update(&self.pages, &self.root, block)?;
            self.root = update.root;
            let computed = Instant::now();
            self.pages.apply(update);
            storing += computed.elapsed();
        }
        report(name, keys, start.elapsed());
        report("  of which storing the pages", keys, storing);
        Ok(())
    }
}

fn report(name: &str, count: usize, took: Duration) {
    let seconds = took.as_secs_f64();
    let count = f64::from(u32::try_from(count).unwrap_or(u32::MAX));
    println!(
        "{name:<44} {:>10.0} /s  {:>7.2} µs each",
        count / seconds,
        seconds / count * 1e6
    );
}

fn main() -> Result<(), Box<dyn Error>> {
    let keys: u64 = std::env::args()
        .nth(1)
        .map_or(Ok(3_000_000), |text| text.parse())?;

    let mut digests = (key(0), key(1));
    let start = Instant::now();
    let hashes = 2_000_000;
    for _ in 0..hashes {
        digests = (
            digests.1,
            Digest::of_all(&[&[3], &digests.0.0, &digests.1.0]),
        );
    }
    report("bare SHA-256 of 65 bytes", hashes, start.elapsed());

    let mut map = Map {
        pages: MemoryPages::new(),
        root: EMPTY_ROOT,
    };
    let start = Instant::now();
    let mut number = 0;
    while number < keys {
        let next = keys.min(number + 20_000);
        map.change(&changes(number..next, 0))?;
        number = next;
    }
    report(
        "load in blocks of 20,000 keys",
        usize::try_from(keys)?,
        start.elapsed(),
    );
    println!("{} pages, root {}", map.pages.len(), map.root);

    // A multiplier that is odd and large scatters the numbers over all keys.
    let old = |n: u64| n.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys;
    let blocks: Vec<_> = (0..BLOCKS)
        .map(|block| {
            changes(
                (block * BLOCK_KEYS..(block + 1) * BLOCK_KEYS).map(old),
                block + 1,
            )
        })
        .collect();
    map.measure("change existing keys, blocks of 500", &blocks)?;
    let blocks: Vec<_> = (0..BLOCKS)
        .map(|block| {
            let first = keys + block * BLOCK_KEYS;
            changes(first..first + BLOCK_KEYS, 0)
        })
        .collect();
    map.measure("add new keys, blocks of 500", &blocks)?;

    let bundle: Vec<_> = (0..60).map(|n| key(old(n))).collect();
    let start = Instant::now();
    let rounds = 200;
    for _ in 1..rounds {
        prove_many(&map.pages, &map.root, &bundle)?;
    }
    let proof = prove_many(&map.pages, &map.root, &bundle)?;
    report("proof of 60 keys", rounds, start.elapsed());
    println!("its size: {} bytes", proof.encode().len());
    Ok(())
}
