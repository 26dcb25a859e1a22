//! Randomness from the operating system: salts, capture ids, handles, keys.

use crate::exit::{Code, Failure};
use ledger::disclosure::Salt;
use ledger::ids::{CaptureId, Handle};
use zeroize::Zeroizing;

/// The operating system's generator. That it failed is remembered, and [`Random::check`] says so:
/// nothing drawn before that check may leave the process.
#[derive(Debug, Default)]
pub(crate) struct Random {
    failed: bool,
}

impl Random {
    fn draw<const N: usize>(&mut self) -> [u8; N] {
        let mut bytes = [0; N];
        if getrandom::fill(&mut bytes).is_err() {
            self.failed = true;
        }
        bytes
    }

    /// A handle for a new participant.
    pub(crate) fn handle(&mut self) -> Handle {
        Handle(self.draw())
    }

    /// A key's seed, wiped when dropped.
    pub(crate) fn seed(&mut self) -> Zeroizing<[u8; 32]> {
        let mut seed = Zeroizing::new([0; 32]);
        if getrandom::fill(seed.as_mut()).is_err() {
            self.failed = true;
        }
        seed
    }

    /// A salt, used once.
    pub(crate) fn salt(&mut self) -> Salt {
        Salt(self.draw())
    }

    /// A capture id, used once.
    pub(crate) fn capture(&mut self) -> CaptureId {
        CaptureId(self.draw())
    }

    /// Checks that everything drawn so far was random.
    ///
    /// # Errors
    /// [`Failure`]: the operating system gave no random numbers.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        if self.failed {
            return Err(Failure::new(
                Code::Store,
                "the operating system gives no random numbers",
            ));
        }
        Ok(())
    }
}
