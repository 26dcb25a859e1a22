//! Chance that can be repeated: splitmix64 over a seed that is printed.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// The environment variable that repeats a run.
pub const SEED: &str = "SUYUAN_SEED";

/// A sequence of numbers that its seed decides.
#[derive(Debug)]
pub struct Dice(u64);

impl Dice {
    /// Dice of the seed in [`SEED`], else of the clock; prints what repeats the run.
    ///
    /// # Panics
    /// If the variable is set and no number.
    #[must_use]
    #[expect(
        clippy::print_stdout,
        reason = "who reads of a failure wants to repeat it"
    )]
    pub fn new(test: &str) -> Self {
        let seed = match std::env::var(SEED) {
            Ok(text) => text.parse().expect("SUYUAN_SEED is a number of 64 bits"),
            Err(_) => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| u64::from(since.subsec_nanos()) ^ since.as_secs()),
        };
        println!("{test}: repeat with {SEED}={seed}");
        Self(seed)
    }

    /// The next number.
    pub const fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is not 0. The bias is that of a 64-bit remainder: none to speak
    /// of.
    pub const fn below(&mut self, limit: u64) -> u64 {
        self.roll() % limit
    }

    /// A time up to `limit_ms`, to the microsecond.
    pub const fn moment(&mut self, limit_ms: u64) -> Duration {
        Duration::from_micros(self.below(limit_ms * 1000))
    }

    /// A length from 0 to `most`, both included.
    ///
    /// # Panics
    /// Never: a length is less than 64 bits long.
    pub fn up_to(&mut self, most: usize) -> usize {
        let most = u64::try_from(most).expect("64 bits");
        usize::try_from(self.below(most + 1)).expect("no more than a length")
    }
}
