//! The log's secret key, in a file that nobody else may read.
//!
//! The file holds the 32-byte seed (RFC 8032 §5.1.5) as 64 lower-case hexadecimal digits and a
//! line feed. Whoever has it can sign as this log: back it up apart from the data, encrypted.
//! Memory that held the seed is wiped.

use ledger::signature::SigningKey;
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why there is no key to sign with.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// Others than the owner may read or write the file. Remedy: `chmod 600`, and if others may
    /// have read it, a new key.
    #[error("{path} has mode {mode:04o}, others than its owner must have no access (0600)")]
    Exposed {
        /// Which file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file holds something else than a seed.
    #[error("{path} does not hold a key: 64 lower-case hexadecimal digits and a line feed")]
    Malformed {
        /// Which file.
        path: PathBuf,
    },
    /// The operating system refused.
    #[error("{path}")]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The operating system gave no random numbers.
    #[error("the operating system gives no random numbers")]
    NoRandomness,
}

/// Bytes of a key file: 64 digits and the line feed.
const FILE_BYTES: usize = 65;

/// Makes a new key and keeps it in `path`, which must not exist, with mode 0600, synced.
///
/// # Errors
/// [`KeyFileError`].
///
/// # Panics
/// Never: 32 bytes are 64 digits.
pub fn create(path: &Path) -> Result<SigningKey, KeyFileError> {
    let mut seed = Zeroizing::new([0; 32]);
    getrandom::fill(seed.as_mut()).map_err(|_| KeyFileError::NoRandomness)?;
    let mut text = Zeroizing::new([b'\n'; FILE_BYTES]);
    hex::encode_to_slice(*seed, &mut text[..64]).expect("32 bytes are 64 digits");
    write_new(path, text.as_ref()).map_err(|source| failed(path, source))?;
    Ok(SigningKey::from_seed(*seed))
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    // The name must survive a crash as well as the content.
    path.parent()
        .map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Reads the key in `path`.
///
/// # Errors
/// [`KeyFileError`]; `Exposed` before anything is read.
pub fn read(path: &Path) -> Result<SigningKey, KeyFileError> {
    let io = |source| failed(path, source);
    let mut file = File::open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(KeyFileError::Exposed {
            path: path.to_owned(),
            mode,
        });
    }
    let malformed = || KeyFileError::Malformed {
        path: path.to_owned(),
    };
    // One byte more than belongs there, to see whether the file ends; and never more than that.
    let mut text = Zeroizing::new([0; FILE_BYTES + 1]);
    let mut length = 0;
    while length < text.len() {
        match file.read(&mut text[length..]).map_err(io)? {
            0 => break,
            more => length += more,
        }
    }
    let digits = text[..length].strip_suffix(b"\n").ok_or_else(malformed)?;
    if digits.iter().any(u8::is_ascii_uppercase) {
        return Err(malformed());
    }
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, seed.as_mut()).map_err(|_| malformed())?;
    Ok(SigningKey::from_seed(*seed))
}

fn failed(path: &Path, source: io::Error) -> KeyFileError {
    KeyFileError::Io {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ledger::signature::Signer as _;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_read_back_and_only_its_owner_may() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        let made = create(&path).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(read(&path).unwrap().public_key(), made.public_key());
    }

    #[test]
    fn a_second_key_never_replaces_the_first() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        create(&path).unwrap();
        let before = std::fs::read(&path).unwrap();
        assert!(matches!(create(&path), Err(KeyFileError::Io { source, .. })
            if source.kind() == io::ErrorKind::AlreadyExists));
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        create(&path).unwrap();
        for loose in [0o640, 0o604, 0o620, 0o602] {
            set_permissions(&path, Permissions::from_mode(loose)).unwrap();
            let error = read(&path).unwrap_err();
            assert!(matches!(error, KeyFileError::Exposed { mode, .. } if mode == loose));
        }
    }

    #[test]
    fn anything_else_than_a_seed_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let good = "07".repeat(32) + "\n";
        let bad = [
            String::new(),
            "07".repeat(32),
            "0A".repeat(32) + "\n",
            "07".repeat(31) + "\n",
            "07".repeat(32) + "\n\n",
            "zz".repeat(32) + "\n",
        ];
        for (at, text) in std::iter::once(good).chain(bad).enumerate() {
            let path = dir.path().join(format!("{at}.key"));
            write_new(&path, text.as_bytes()).unwrap();
            match at {
                0 => drop(read(&path).unwrap()),
                _ => assert!(
                    matches!(read(&path), Err(KeyFileError::Malformed { .. })),
                    "{at}"
                ),
            }
        }
    }
}
