//! The head file: the newest signed head, kept where RocksDB cannot lose it.
//!
//! A log must never sign two trees of one size. A database restored from last night's copy, or one
//! that lost synced writes, is consistent in itself; only a second memory can tell.
//!
//! Two slots of 4,096 bytes, written in turn and in place, so that a write torn anywhere leaves the
//! other slot whole and a full disk cannot stop it. One slot:
//!
//! | bytes | |
//! |---|---|
//! | 0..8 | `SUYUANHD` |
//! | 8..10 | format version, big-endian |
//! | 10..12 | length n of what follows, big-endian |
//! | 12..12+n | CBOR `[counter, origin, nonce, blocks, size, root, header hash, state, checkpoint]` |
//! | ..4064 | zeros |
//! | 4064..4096 | SHA-256 of bytes 0..4064 |
//!
//! The slot is the counter's lowest bit; the greater counter counts.

use crate::error::OpenError;
use crate::layout::FORMAT;
use ledger::block::Head;
use ledger::cbor::{DecodeError, Reader, Writer};
use ledger::hash::{Digest, empty_root};
use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

const SLOT_BYTES: usize = 4096;
const SEALED_BYTES: usize = SLOT_BYTES - 32;
const CONTENT_AT: usize = 12;
const MAGIC: &[u8; 8] = b"SUYUANHD";

/// Whose head it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) origin: String,
    /// Tells this database from any other of the same origin.
    pub(crate) nonce: Digest,
}

/// A head as far as two copies of a ledger can differ in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mark {
    /// Number of blocks; 0 before the first.
    pub(crate) blocks: u64,
    /// Number of leaves.
    pub(crate) size: u64,
    pub(crate) root: Digest,
    /// Leaf hash of the newest header; zeros before the first block.
    pub(crate) header_hash: Digest,
    pub(crate) state: Digest,
    /// Empty before the first block.
    pub(crate) checkpoint: String,
}

impl Mark {
    pub(crate) fn of(head: Option<&Head>) -> Self {
        match head {
            None => Self {
                blocks: 0,
                size: 0,
                root: empty_root(),
                header_hash: Digest([0; 32]),
                state: Digest([0; 32]),
                checkpoint: String::new(),
            },
            Some(head) => Self {
                blocks: head.block.height.saturating_add(1),
                size: head.size().0,
                root: head.block.root,
                header_hash: head.header_hash,
                state: head.state,
                checkpoint: head.checkpoint.clone(),
            },
        }
    }
}

/// One slot's content.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Slot {
    counter: u64,
    identity: Identity,
    mark: Mark,
}

impl Slot {
    /// The slot's bytes, or `None` if the checkpoint is too long for it.
    fn encode(&self) -> Option<[u8; SLOT_BYTES]> {
        let mut writer = Writer::new();
        writer
            .array(9)
            .uint(self.counter)
            .text(&self.identity.origin)
            .byte_string(&self.identity.nonce.0)
            .uint(self.mark.blocks)
            .uint(self.mark.size)
            .byte_string(&self.mark.root.0)
            .byte_string(&self.mark.header_hash.0)
            .byte_string(&self.mark.state.0)
            .text(&self.mark.checkpoint);
        let content = writer.finish();
        let mut slot = [0; SLOT_BYTES];
        slot[..8].copy_from_slice(MAGIC);
        slot[8..10].copy_from_slice(&FORMAT.to_be_bytes());
        slot[10..CONTENT_AT].copy_from_slice(&u16::try_from(content.len()).ok()?.to_be_bytes());
        slot[CONTENT_AT..SEALED_BYTES]
            .get_mut(..content.len())?
            .copy_from_slice(&content);
        let seal = Digest::of(&slot[..SEALED_BYTES]);
        slot[SEALED_BYTES..].copy_from_slice(&seal.0);
        Some(slot)
    }

    /// The content of a whole slot, `None` of any other.
    fn decode(slot: &[u8; SLOT_BYTES]) -> Result<Option<Self>, OpenError> {
        let (sealed, seal) = slot.split_at(SEALED_BYTES);
        if !sealed.starts_with(MAGIC) || Digest::of(sealed).0 != seal {
            return Ok(None);
        }
        let found = u16::from_be_bytes([slot[8], slot[9]]);
        if found != FORMAT {
            return Err(OpenError::Format {
                found,
                supported: FORMAT,
            });
        }
        let length = usize::from(u16::from_be_bytes([slot[10], slot[11]]));
        let content = sealed[CONTENT_AT..].get(..length);
        Ok(content.and_then(|content| Self::decode_content(content).ok()))
    }

    fn decode_content(content: &[u8]) -> Result<Self, DecodeError> {
        let mut reader = Reader::new(content);
        reader.array_of(9, "a head file's slot")?;
        let slot = Self {
            counter: reader.uint()?,
            identity: Identity {
                origin: reader.text()?.to_owned(),
                nonce: Digest(reader.byte_array()?),
            },
            mark: Mark {
                blocks: reader.uint()?,
                size: reader.uint()?,
                root: Digest(reader.byte_array()?),
                header_hash: Digest(reader.byte_array()?),
                state: Digest(reader.byte_array()?),
                checkpoint: reader.text()?.to_owned(),
            },
        };
        reader.end()?;
        Ok(slot)
    }

    fn offset(&self) -> u64 {
        if self.counter.is_multiple_of(2) {
            0
        } else {
            SLOT_BYTES as u64
        }
    }
}

/// The open head file.
#[derive(Debug)]
pub(crate) struct HeadFile {
    file: File,
    newest: Slot,
}

impl HeadFile {
    /// Where the head file of the data directory `dir` is.
    pub(crate) fn path(dir: &Path) -> PathBuf {
        dir.join("head")
    }

    /// Creates the file whole or not at all, durably.
    pub(crate) fn create(dir: &Path, identity: Identity, mark: Mark) -> Result<Self, OpenError> {
        let newest = Slot {
            counter: 0,
            identity,
            mark,
        };
        let slot = newest.encode().ok_or_else(too_long)?;
        let new = dir.join("head.new");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(&slot)?;
        // The second slot's space, so that no later write needs any.
        file.write_all(&[0; SLOT_BYTES])?;
        file.sync_all()?;
        std::fs::rename(&new, Self::path(dir))?;
        sync_dir(dir)?;
        Ok(Self { file, newest })
    }

    /// Opens the file of `dir` and reads its newest whole slot.
    pub(crate) fn open(dir: &Path, writable: bool) -> Result<Self, OpenError> {
        let path = Self::path(dir);
        let file = match OpenOptions::new().read(true).write(writable).open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => {
                return Err(OpenError::HeadFileMissing { path });
            }
            Err(error) => return Err(error.into()),
        };
        let mut newest: Option<Slot> = None;
        for offset in [0, SLOT_BYTES as u64] {
            let mut bytes = [0; SLOT_BYTES];
            match file.read_exact_at(&mut bytes, offset) {
                Ok(()) => {}
                Err(error) if error.kind() == ErrorKind::UnexpectedEof => continue,
                Err(error) => return Err(error.into()),
            }
            if let Some(slot) = Slot::decode(&bytes)?
                && newest
                    .as_ref()
                    .is_none_or(|newest| newest.counter < slot.counter)
            {
                newest = Some(slot);
            }
        }
        let newest = newest.ok_or(OpenError::HeadFileDamaged { path })?;
        Ok(Self { file, newest })
    }

    pub(crate) const fn identity(&self) -> &Identity {
        &self.newest.identity
    }

    pub(crate) const fn mark(&self) -> &Mark {
        &self.newest.mark
    }

    /// Writes `mark` over the older slot, durably.
    pub(crate) fn write(&mut self, mark: Mark) -> Result<(), String> {
        let counter = self
            .newest
            .counter
            .checked_add(1)
            .ok_or("head file: counter at its end")?;
        let newest = Slot {
            counter,
            identity: self.newest.identity.clone(),
            mark,
        };
        let slot = newest.encode().ok_or_else(|| too_long().to_string())?;
        self.file
            .write_all_at(&slot, newest.offset())
            .map_err(|why| format!("head file: {why}"))?;
        self.file
            .sync_data()
            .map_err(|why| format!("head file: {why}"))?;
        self.newest = newest;
        Ok(())
    }

    /// Puts a file that refuses every write in the place of the real one.
    #[cfg(test)]
    pub(crate) fn break_disk(&mut self) {
        self.file = OpenOptions::new().write(true).open("/dev/full").unwrap();
    }
}

/// A checkpoint with one signature has some 300 bytes.
fn too_long() -> OpenError {
    OpenError::Io("head file: the checkpoint does not fit a slot".to_owned())
}

/// Makes names created in `dir` durable.
pub(crate) fn sync_dir(dir: &Path) -> Result<(), OpenError> {
    Ok(File::open(dir)?.sync_all()?)
}
