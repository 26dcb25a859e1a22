//! The key file: the keys of personal parts, where 32 bytes can be overwritten.
//!
//! RocksDB keeps what it was told to delete: in its log, in files not yet compacted, in copies of
//! both. So keys lie outside it, in records of 128 bytes at fixed places; a record never crosses a
//! disk sector. Record 0 says whose file it is, record n + 1 is slot n:
//!
//! | bytes | record 0 | a slot |
//! |---|---|---|
//! | 0..8 | `SUYUANPK` | slot's number, big-endian |
//! | 8..10 | format version, big-endian | state: 1 kept, 2 destroyed; big-endian |
//! | 10..32 | zeros | zeros |
//! | 32..64 | the database's nonce | name of the key |
//! | 64..96 | zeros | the key, zeros where destroyed |
//! | 96..128 | SHA-256 of bytes 0..96 | the same |
//!
//! Slots are taken in order; the database says how many, in the same batch as the parts they open.
//! What a crash leaves, and what opening makes of it:
//!
//! | the process ended | opening finds | and |
//! |---|---|---|
//! | while keys were written, or before their block was | slots beyond those taken | overwrites them, cuts them off: the next block takes them again |
//! | after the block, before a key was overwritten | an order on the ledger, the key in its slot | overwrites it |
//! | while a key was overwritten | an order on the ledger, a torn record | overwrites it |
//!
//! A destroyed slot is not used again: orders are few, a record is small, and a slot that says
//! *destroyed* is told from a damaged one for ever.
//!
//! **Invariant:** a part that was committed has had its key in this file, durably, before.

use crate::error::OpenError;
use crate::head_file::sync_dir;
use crate::layout::FORMAT;
use ledger::hash::Digest;
use ledger::personal::{Gone, Kept, KeyRef, PartKey};
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

const RECORD_BYTES: usize = 128;
const SEALED_BYTES: usize = RECORD_BYTES - 32;
const MAGIC: &[u8; 8] = b"SUYUANPK";
const KEPT: u16 = 1;
const DESTROYED: u16 = 2;

/// A record that is written only in this module, and wiped when it goes: it may hold a key.
type Record = Zeroizing<[u8; RECORD_BYTES]>;

/// The file, open.
#[derive(Debug)]
pub(crate) struct KeyFile {
    file: File,
    path: PathBuf,
}

impl KeyFile {
    /// Where the key file of the data directory `dir` is.
    pub(crate) fn path(dir: &Path) -> PathBuf {
        dir.join("part.keys")
    }

    /// Creates the file whole or not at all, durably, with `lost` slots that hold no key.
    pub(crate) fn create(dir: &Path, nonce: &Digest, lost: u64) -> Result<Self, OpenError> {
        let path = Self::path(dir);
        let new = dir.join("part.keys.new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(header(nonce).as_slice())?;
        file.set_len(offset(lost).ok_or_else(too_many)?)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        sync_dir(dir)?;
        Ok(Self { file, path })
    }

    /// Opens the file of `dir`; `None` where there is none.
    pub(crate) fn open(
        dir: &Path,
        nonce: &Digest,
        writable: bool,
    ) -> Result<Option<Self>, OpenError> {
        let path = Self::path(dir);
        let file = match OpenOptions::new().read(true).write(writable).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let mode = file.metadata()?.mode() & 0o7777;
        if mode & 0o077 != 0 {
            return Err(OpenError::KeyFileExposed { path, mode });
        }
        let mut record = empty();
        match file.read_exact_at(record.as_mut_slice(), 0) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Err(OpenError::KeyFileDamaged { path });
            }
            Err(error) => return Err(error.into()),
        }
        if !record.starts_with(MAGIC) || !is_whole(&record) {
            return Err(OpenError::KeyFileDamaged { path });
        }
        let found = u16::from_be_bytes([record[8], record[9]]);
        if found != FORMAT {
            return Err(OpenError::Format {
                found,
                supported: FORMAT,
            });
        }
        if record[32..64] != nonce.0 {
            let detail = "the key file is another database's".to_owned();
            return Err(OpenError::HeadMismatch { detail });
        }
        Ok(Some(Self { file, path }))
    }

    /// Checks that all `taken` slots are there, and cuts off what a block that never came left
    /// behind them.
    pub(crate) fn settle(&self, taken: u64) -> Result<(), OpenError> {
        let end = offset(taken).ok_or_else(too_many)?;
        let length = self.file.metadata()?.len();
        if length < end {
            let record = u64::try_from(RECORD_BYTES).unwrap_or(u64::MAX);
            return Err(OpenError::KeyFileShort {
                path: self.path.clone(),
                found: (length / record).saturating_sub(1),
                taken,
            });
        }
        if length > end {
            // Overwritten before they are cut off: freed space keeps its bytes.
            let mut at = end;
            while at < length {
                let step = usize::try_from(length - at)
                    .map_or(RECORD_BYTES, |left| left.min(RECORD_BYTES));
                self.file.write_all_at(&[0; RECORD_BYTES][..step], at)?;
                at += step as u64;
            }
            self.file.sync_data()?;
            self.file.set_len(end)?;
            self.file.sync_all()?;
        }
        Ok(())
    }

    /// Writes keys to the slots after the `taken` ones, durably.
    pub(crate) fn append(&self, taken: u64, keys: &[(KeyRef, PartKey)]) -> Result<(), String> {
        if keys.is_empty() {
            return Ok(());
        }
        if !(taken..).zip(keys).all(|(slot, (at, _))| at.slot == slot) {
            return Err("key file: slots do not continue those taken".to_owned());
        }
        // One buffer of the right size from the start: one that grows leaves copies of keys.
        let mut bytes = Zeroizing::new(Vec::with_capacity(keys.len() * RECORD_BYTES));
        for (at, key) in keys {
            bytes.extend_from_slice(slot(at, KEPT, key.as_bytes()).as_slice());
        }
        let at = offset(taken).ok_or_else(|| too_many().to_string())?;
        self.file
            .write_all_at(&bytes, at)
            .map_err(|why| failed(&why))?;
        self.file.sync_data().map_err(|why| failed(&why))
    }

    /// Copies the file into another directory, durably.
    pub(crate) fn copy_to(&self, dir: &Path) -> io::Result<()> {
        let copy = Self::path(dir);
        // The permission bits come along.
        std::fs::copy(&self.path, &copy)?;
        File::open(&copy)?.sync_all()
    }

    /// What the file has of a key.
    pub(crate) fn read(&self, at: &KeyRef) -> io::Result<Kept> {
        let mut record = empty();
        let place = offset(at.slot).ok_or(ErrorKind::InvalidInput)?;
        match self.file.read_exact_at(record.as_mut_slice(), place) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => {
                return Ok(Kept::Gone(Gone::Lost));
            }
            Err(error) => return Err(error),
        }
        let is_its = is_whole(&record)
            && record[..8] == at.slot.to_be_bytes()
            && record[32..64] == at.name.0;
        Ok(match (is_its, u16::from_be_bytes([record[8], record[9]])) {
            (true, KEPT) => {
                let mut key = Zeroizing::new([0; 32]);
                key.copy_from_slice(&record[64..96]);
                Kept::Here(PartKey::new(*key))
            }
            (true, DESTROYED) => Kept::Gone(Gone::Destroyed),
            (true | false, _) => Kept::Gone(Gone::Lost),
        })
    }

    /// Overwrites keys, durably, and returns how many were still there. What is neither the key
    /// nor its tombstone is a record torn by a crash, or rot, and is overwritten too: some of the
    /// key may be in it.
    pub(crate) fn destroy(&self, keys: &[KeyRef]) -> io::Result<usize> {
        let mut overwritten = 0;
        for at in keys {
            if matches!(self.read(at)?, Kept::Gone(Gone::Destroyed)) {
                continue;
            }
            let place = offset(at.slot).ok_or(ErrorKind::InvalidInput)?;
            let tombstone = slot(at, DESTROYED, &[0; 32]);
            self.file.write_all_at(tombstone.as_slice(), place)?;
            overwritten += 1;
        }
        if overwritten > 0 {
            self.file.sync_data()?;
        }
        Ok(overwritten)
    }
}

fn failed(why: &io::Error) -> String {
    format!("key file: {why}")
}

fn too_many() -> OpenError {
    OpenError::Io("key file: more slots than a file can hold".to_owned())
}

/// Where a slot's record begins.
fn offset(slot: u64) -> Option<u64> {
    slot.checked_add(1)?
        .checked_mul(u64::try_from(RECORD_BYTES).ok()?)
}

fn empty() -> Record {
    Zeroizing::new([0; RECORD_BYTES])
}

fn header(nonce: &Digest) -> Record {
    let mut record = empty();
    record[..8].copy_from_slice(MAGIC);
    record[8..10].copy_from_slice(&FORMAT.to_be_bytes());
    record[32..64].copy_from_slice(&nonce.0);
    seal(record)
}

fn slot(at: &KeyRef, state: u16, key: &[u8; 32]) -> Record {
    let mut record = empty();
    record[..8].copy_from_slice(&at.slot.to_be_bytes());
    record[8..10].copy_from_slice(&state.to_be_bytes());
    record[32..64].copy_from_slice(&at.name.0);
    record[64..96].copy_from_slice(key);
    seal(record)
}

fn seal(mut record: Record) -> Record {
    let digest = Digest::of(&record[..SEALED_BYTES]);
    record[SEALED_BYTES..].copy_from_slice(&digest.0);
    record
}

fn is_whole(record: &Record) -> bool {
    Digest::of(&record[..SEALED_BYTES]).0 == record[SEALED_BYTES..]
}
