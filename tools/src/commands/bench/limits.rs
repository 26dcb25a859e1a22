//! What the machine does at most: the limits that figures stand beside.

use crate::exit::Failure;
use ledger::signature::{Signer as _, SigningKey};
use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

/// Strict verifications a second: one thread per core, decoded keys, 300-byte messages.
#[expect(
    clippy::needless_collect,
    reason = "all threads start before one is joined"
)]
pub(super) fn verify_rate(during: Duration) -> f64 {
    let cores = thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get);
    let rates: Vec<f64> = thread::scope(|scope| {
        let threads: Vec<_> = (0..cores)
            .map(|core| scope.spawn(move || one_core(core, during)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_default())
            .collect()
    });
    rates.iter().sum()
}

fn one_core(core: usize, during: Duration) -> f64 {
    let signed = Signed::new(core);
    let (start, mut count) = (Instant::now(), 0_u32);
    while start.elapsed() < during {
        signed.seconds(64);
        count += 64;
    }
    f64::from(count) / start.elapsed().as_secs_f64()
}

/// Signed messages of 300 bytes, as long as an entry.
#[derive(Debug)]
pub(super) struct Signed {
    key: SigningKey,
    messages: Vec<([u8; 300], [u8; 64])>,
}

impl Signed {
    /// Messages of a key that is this core's own.
    pub(super) fn new(core: usize) -> Self {
        let mut seed = [7; 32];
        seed[0] = u8::try_from(core % 251).unwrap_or_default();
        let key = SigningKey::from_seed(seed);
        let messages = (0..64_u8)
            .map(|number| {
                let message = [number; 300];
                (message, key.sign(&message))
            })
            .collect();
        Self { key, messages }
    }

    /// Seconds that `count` strict verifications take on one core.
    pub(super) fn seconds(&self, count: usize) -> f64 {
        let start = Instant::now();
        for (message, signature) in self.messages.iter().cycle().take(count) {
            let verified = self.key.public_key().verify(message, signature);
            assert!(verified.is_ok(), "a good signature");
        }
        start.elapsed().as_secs_f64()
    }
}

/// Median seconds of appending 4 KiB and syncing, in the directory the ledgers go to.
pub(super) fn sync_seconds(dir: &Path, during: Duration) -> Result<f64, Failure> {
    std::fs::create_dir_all(dir)?;
    let path = dir.join("sync");
    let mut file = File::create(&path)?;
    let (start, mut times) = (Instant::now(), Vec::new());
    while start.elapsed() < during {
        let one = Instant::now();
        file.write_all(&[0x5a; 4096])?;
        file.sync_data()?;
        times.push(one.elapsed().as_secs_f64());
    }
    drop(file);
    std::fs::remove_file(&path)?;
    Ok(percentile(&mut times, 50))
}

/// The value below which `percent` of `times` lie.
pub(super) fn percentile(times: &mut [f64], percent: usize) -> f64 {
    times.sort_by(f64::total_cmp);
    let at = (times.len() * percent / 100).min(times.len().saturating_sub(1));
    times.get(at).copied().unwrap_or(f64::NAN)
}
