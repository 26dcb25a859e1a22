//! Keys of personal parts, from the operating system's generator.

use ledger::personal::{Nonce, PartKey, Secrets};
use ledger::store::StoreError;
use zeroize::Zeroizing;

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsSecrets;

impl Secrets for OsSecrets {
    fn fresh(&self) -> Result<(PartKey, Nonce), StoreError> {
        let mut bytes = Zeroizing::new([0; 44]);
        getrandom::fill(bytes.as_mut()).map_err(|_| {
            StoreError::Io("the operating system gives no random numbers".to_owned())
        })?;
        let (mut key, mut nonce) = (Zeroizing::new([0; 32]), Nonce::default());
        key.copy_from_slice(&bytes[..32]);
        nonce.copy_from_slice(&bytes[32..]);
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
