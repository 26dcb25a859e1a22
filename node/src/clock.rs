//! Time, and when not to trust it.
//!
//! Blocks carry the wall clock's time, and a block's time can never be taken back. So before each
//! seal the wall clock is compared with the monotonic one, which cannot be set: if the two have
//! moved apart by more than [`DISAGREEMENT_MAX_MS`] since the last seal, somebody or something set
//! the wall clock, and nothing is sealed until it is set right or the node is started again.

use ledger::ids::UnixMillis;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How far the two clocks may move apart between two seals (design §3.4). A leap second and a
/// correction by NTP stay below it.
pub const DISAGREEMENT_MAX_MS: i64 = 2000;

/// Where the node reads time.
pub trait Clock: Send + Sync {
    /// UTC, as the machine has it. It may jump.
    fn wall(&self) -> UnixMillis;

    /// Time since some fixed moment. It never jumps.
    fn monotonic(&self) -> Duration;
}

/// The operating system's clocks.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: Instant,
}

impl Default for SystemClock {
    fn default() -> Self {
        Self {
            start: Instant::now(),
        }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> UnixMillis {
        let millis = |time: Duration| i64::try_from(time.as_millis()).unwrap_or(i64::MAX);
        UnixMillis(match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => millis(since),
            Err(before) => -millis(before.duration()),
        })
    }

    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// The wall clock was set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the wall clock has moved {by_ms} ms against the monotonic clock since the last seal")]
pub struct ClockJump {
    /// How far, negative for backwards.
    pub by_ms: i64,
}

/// Compares the clocks from one seal to the next.
#[derive(Debug)]
pub struct ClockGuard {
    wall: UnixMillis,
    monotonic: Duration,
}

impl ClockGuard {
    /// Takes both clocks as they are: whoever starts a node vouches for its clock.
    #[must_use]
    pub fn new(clock: &dyn Clock) -> Self {
        Self {
            wall: clock.wall(),
            monotonic: clock.monotonic(),
        }
    }

    /// The time to seal at.
    ///
    /// # Errors
    /// [`ClockJump`]; the moment compared with stays, so that a clock set right is trusted again.
    pub fn now(&mut self, clock: &dyn Clock) -> Result<UnixMillis, ClockJump> {
        let (wall, monotonic) = (clock.wall(), clock.monotonic());
        let passed = monotonic.saturating_sub(self.monotonic).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let by_ms = wall.0.saturating_sub(self.wall.0).saturating_sub(passed);
        if by_ms.abs() > DISAGREEMENT_MAX_MS {
            return Err(ClockJump { by_ms });
        }
        *self = Self { wall, monotonic };
        Ok(wall)
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::{Clock, Duration, UnixMillis};
    use std::sync::atomic::{AtomicI64, Ordering};

    /// 2026-11-23T12:00:00Z, later than every event that tests make.
    pub(crate) const NOON: i64 = 1_795_435_200_000;

    /// A clock that a test sets.
    #[derive(Debug)]
    pub(crate) struct SetClock {
        wall: AtomicI64,
    }

    impl SetClock {
        pub(crate) const fn new() -> Self {
            Self {
                wall: AtomicI64::new(NOON),
            }
        }

        /// Sets the wall clock alone.
        pub(crate) fn jump(&self, by_ms: i64) {
            self.wall.fetch_add(by_ms, Ordering::Relaxed);
        }
    }

    impl Clock for SetClock {
        fn wall(&self) -> UnixMillis {
            UnixMillis(self.wall.load(Ordering::Relaxed))
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(1)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::{NOON, SetClock};
    use super::*;

    #[test]
    fn a_jump_is_refused_until_it_is_taken_back() {
        for by_ms in [2001, -2001] {
            let clock = SetClock::new();
            let mut guard = ClockGuard::new(&clock);
            clock.jump(by_ms);
            assert_eq!(guard.now(&clock), Err(ClockJump { by_ms }));
            assert_eq!(guard.now(&clock), Err(ClockJump { by_ms }));
            clock.jump(-by_ms);
            assert_eq!(guard.now(&clock), Ok(UnixMillis(NOON)));
        }
    }

    #[test]
    fn small_corrections_pass() {
        let clock = SetClock::new();
        let mut guard = ClockGuard::new(&clock);
        for _ in 0..3 {
            clock.jump(2000);
            guard.now(&clock).unwrap();
        }
    }

    #[test]
    fn the_system_clock_agrees_with_itself() {
        let clock = SystemClock::default();
        let mut guard = ClockGuard::new(&clock);
        assert!(guard.now(&clock).unwrap().0 > 1_700_000_000_000);
    }
}
