//! Keys of personal parts, from the operating system's generator.

use ledger::personal::{Nonce, PartKey, Secrets};
use ledger::store::StoreError;
use zeroize::Zeroizing;

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsSecrets;

impl Secrets for OsSecrets {
    fn fresh(&self) -> Result<(PartKey, Nonce), StoreError> {
        let failed = |_| StoreError::Io("the operating system gives no random numbers".to_owned());
        let mut key = Zeroizing::new([0; 32]);
        getrandom::fill(key.as_mut()).map_err(failed)?;
        let mut nonce = Nonce::default();
        getrandom::fill(&mut nonce).map_err(failed)?;
        Ok((PartKey::new(*key), nonce))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_are_alike() {
        let [one, other] = [(); 2].map(|()| OsSecrets.fresh().unwrap());
        assert_ne!(one.0.as_bytes(), other.0.as_bytes());
        assert_ne!(one.1, other.1);
    }
}
