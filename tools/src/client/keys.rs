//! Key files, and what their owner hands to the authority.
//!
//! A key file holds the 32-byte seed (RFC 8032 §5.1.5) as 64 lower-case hexadecimal digits and a
//! line feed, mode 0600: the same form as a log's key. Beside `farm.key` lies
//! `farm.key.request.json`, which holds nothing secret: the public key, whose it shall be, and the
//! proof that whoever asks has it.

use super::random::Random;
use crate::exit::Failure;
use ledger::ids::Handle;
use ledger::registry::{NewKey, possession_message};
use ledger::signature::{Signer as _, SigningKey};
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// 64 digits and the line feed.
const FILE_BYTES: usize = 65;

/// Bytes of a request: a dozen short fields.
const REQUEST_BYTES_MAX: usize = 16 * 1024;

/// Makes a key and keeps it in a new file.
///
/// # Errors
/// [`Failure`]; a file that is there is never replaced.
pub(crate) fn create(path: &Path, random: &mut Random) -> Result<SigningKey, Failure> {
    let seed = random.seed();
    random.check()?;
    let mut text = Zeroizing::new([b'\n'; FILE_BYTES]);
    hex::encode_to_slice(*seed, &mut text[..FILE_BYTES - 1]).expect("32 bytes are 64 digits");
    write_new(path, text.as_ref(), 0o600).map_err(|error| {
        if error.kind() == io::ErrorKind::AlreadyExists {
            Failure::usage(format!("{} is there already", path.display()))
                .remedy("choose another name; a lost key cannot be made again")
        } else {
            Failure::file(path, &error)
        }
    })?;
    Ok(SigningKey::from_seed(*seed))
}

/// Writes a file that must not be there yet, synced with its name.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty());
    File::open(dir.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

/// Reads a key file.
///
/// # Errors
/// [`Failure`]; one that others may read is refused.
pub(crate) fn read(path: &Path) -> Result<SigningKey, Failure> {
    let failed = |error: io::Error| Failure::file(path, &error);
    let file = File::open(path).map_err(failed)?;
    let mode = file.metadata().map_err(failed)?.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(
            Failure::usage(format!("{}: mode {mode:04o}", path.display()))
                .remedy("chmod 600; if others may have read it, make a new key"),
        );
    }
    let malformed = || {
        Failure::malformed(format!("{} does not hold a key", path.display()))
            .remedy("a key file holds 64 lower-case hexadecimal digits and a line feed")
    };
    // One byte more than belongs there, to see whether the file ends.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_BYTES + 1));
    let limit = u64::try_from(FILE_BYTES + 1).unwrap_or(u64::MAX);
    file.take(limit).read_to_end(&mut text).map_err(failed)?;
    let digits = text.strip_suffix(b"\n").ok_or_else(malformed)?;
    if digits.iter().any(u8::is_ascii_uppercase) {
        return Err(malformed());
    }
    let mut seed = Zeroizing::new([0; 32]);
    hex::decode_to_slice(digits, seed.as_mut()).map_err(|_| malformed())?;
    Ok(SigningKey::from_seed(*seed))
}

/// What the authority needs to admit a participant or to add a key. Nothing in it is secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Request {
    /// The log the key is for.
    pub(crate) origin: String,
    /// Whose key it shall be.
    #[serde(deserialize_with = "handle")]
    pub(crate) handle: Handle,
    /// Its name.
    pub(crate) key_id: String,
    public_key: String,
    possession: String,
}

impl Request {
    /// Proves to the log of `origin` that the owner of `handle` has `key`.
    pub(crate) fn new(key: &SigningKey, origin: &str, handle: Handle) -> Self {
        let new = new_key(key, origin, handle);
        Self {
            origin: origin.to_owned(),
            handle,
            key_id: key.public_key().key_id().to_string(),
            public_key: hex::encode(new.public_key),
            possession: hex::encode(new.possession),
        }
    }

    /// Where the request of a key file lies.
    pub(crate) fn path(key: &Path) -> PathBuf {
        let mut name = key.as_os_str().to_owned();
        name.push(".request.json");
        PathBuf::from(name)
    }

    /// Writes the request beside its key.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let text = serde_json::to_string_pretty(self).expect("five texts are JSON") + "\n";
        write_new(path, text.as_bytes(), 0o644).map_err(|error| Failure::file(path, &error))
    }

    /// Reads a request.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = std::fs::read(path).map_err(|error| Failure::file(path, &error))?;
        if bytes.len() > REQUEST_BYTES_MAX {
            return Err(Failure::malformed(format!(
                "{}: not a key request",
                path.display()
            )));
        }
        serde_json::from_slice(&bytes).map_err(|error| {
            Failure::malformed(format!("{}: {error}", path.display()))
                .remedy("make it with: suyuan keygen FILE --origin ORIGIN")
        })
    }

    /// The key as a registry act carries it; `None` where the digits are wrong.
    pub(crate) fn key(&self) -> Option<NewKey> {
        let mut key = NewKey {
            public_key: [0; 32],
            possession: [0; 64],
        };
        hex::decode_to_slice(&self.public_key, &mut key.public_key).ok()?;
        hex::decode_to_slice(&self.possession, &mut key.possession).ok()?;
        Some(key)
    }
}

fn handle<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Handle, D::Error> {
    let text = String::deserialize(deserializer)?;
    Handle::parse(&text)
        .ok_or_else(|| serde::de::Error::custom("a handle has 22 base64url characters"))
}

/// A key with the proof that its owner has it.
pub(crate) fn new_key(key: &SigningKey, origin: &str, handle: Handle) -> NewKey {
    let public_key = *key.public_key().as_bytes();
    let message = possession_message(origin, handle, &public_key);
    NewKey {
        public_key,
        possession: key.sign(&message),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Code;
    use ledger::signature::PublicKey;
    use std::fs::{Permissions, set_permissions};
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_key_is_read_back_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("farm.key");
        let made = create(&path, &mut Random::default()).unwrap();
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(read(&path).unwrap().public_key(), made.public_key());
        let before = std::fs::read(&path).unwrap();
        assert_eq!(
            create(&path, &mut Random::default()).unwrap_err().code,
            Code::Usage
        );
        assert_eq!(std::fs::read(&path).unwrap(), before);
    }

    #[test]
    fn an_exposed_or_malformed_file_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("farm.key");
        create(&path, &mut Random::default()).unwrap();
        set_permissions(&path, Permissions::from_mode(0o640)).unwrap();
        assert_eq!(read(&path).unwrap_err().code, Code::Usage);
        for text in [
            "",
            "07\n",
            &"0A".repeat(32),
            &("zz".repeat(32) + "\n"),
            &"07".repeat(40),
        ] {
            let path = dir.path().join("bad.key");
            std::fs::write(&path, text).unwrap();
            set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
            assert_eq!(read(&path).unwrap_err().code, Code::Malformed, "{text:?}");
        }
    }

    #[test]
    fn a_request_proves_possession_and_survives_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("farm.key");
        let key = create(&path, &mut Random::default()).unwrap();
        let request = Request::new(&key, "log.example/cd", Handle([7; 16]));
        request.write(&Request::path(&path)).unwrap();
        let request = Request::read(&Request::path(&path)).unwrap();
        let new = request.key().unwrap();
        let public = PublicKey::parse(&new.public_key).unwrap();
        let message = possession_message("log.example/cd", Handle([7; 16]), &new.public_key);
        assert_eq!(public.verify(&message, &new.possession), Ok(()));
    }
}
