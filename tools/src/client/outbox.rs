//! The outbox beside a document: the very statements that were signed, and what came back.
//!
//! Salts and capture ids are random, so a statement made again is another statement. To make
//! sending safe to repeat, statements are kept here, synced, before the first is sent, and every
//! receipt is added when it comes: a run that was cut off goes on, and a finished one answers
//! again without sending anything.
//!
//! The file is a CBOR sequence (RFC 8742), only ever appended to:
//!
//! ```text
//! [0, "suyuan-outbox/v1", document digest, origin, key id, handle, group size]
//! [1, statement]*            ; as submitted, salts and confidential parts included: mode 0600
//! [2, number of statements]  ; from here on they may have been sent
//! [3, number, leaf, receipt]*
//! ```
//! A record torn by a crash is dropped; before `[2, …]` nothing was sent, and it starts over.

use crate::exit::{Code, Failure};
use ledger::cbor::{DecodeError, Reader, Writer};
use ledger::hash::Digest;
use ledger::ids::{Handle, LeafIndex};
use ledger::signature::KeyId;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

const VERSION: &str = "suyuan-outbox/v1";

/// What an outbox belongs to. Anything else signed would be another statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Occasion {
    pub(crate) document: Digest,
    pub(crate) origin: String,
    pub(crate) key: KeyId,
    pub(crate) handle: Handle,
    pub(crate) group: usize,
}

/// What the ledger answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) leaf: LeafIndex,
    pub(crate) receipt: Vec<u8>,
}

/// A statement, and its receipt once there is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) statement: Vec<u8>,
    pub(crate) recorded: Option<Recorded>,
}

/// An open outbox, locked against a second run.
#[derive(Debug)]
pub(crate) struct Outbox {
    path: PathBuf,
    file: File,
    sealed: bool,
    items: Vec<Item>,
}

/// What was read of a file.
#[derive(Debug, Default)]
struct Content {
    occasion: Option<Occasion>,
    items: Vec<Item>,
    sealed: bool,
    /// Bytes of whole records.
    length: usize,
}

impl Outbox {
    /// Where the outbox of a document lies.
    pub(crate) fn path_of(document: &Path) -> PathBuf {
        let mut name = document.as_os_str().to_owned();
        name.push(".suyuan-outbox");
        PathBuf::from(name)
    }

    /// Opens or begins the outbox at `path` for `occasion`.
    ///
    /// # Errors
    /// [`Failure`]: stale where it holds statements of another occasion, busy where another run
    /// has it open.
    pub(crate) fn open(path: &Path, occasion: &Occasion) -> Result<Self, Failure> {
        let failed = |error| Failure::file(path, &error);
        let mut options = OpenOptions::new();
        options
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600);
        let mut file = options.open(path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let what = format!("{} is in use by another run", path.display());
                return Err(Failure::new(Code::Busy, what));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).map_err(failed)?;
        let content = Content::read(&bytes);
        let mut outbox = Self {
            path: path.to_owned(),
            file,
            sealed: false,
            items: Vec::new(),
        };
        if content.sealed {
            if content.occasion.as_ref() != Some(occasion) {
                let what = format!(
                    "{} was signed from another version of the document, or by another key",
                    path.display()
                );
                return Err(Failure::new(Code::Stale, what).remedy(
                    "submit corrections as a new document; or, if nothing of the old one shall be \
                     sent any more, remove the outbox",
                ));
            }
            outbox.cut(content.length)?;
            outbox.sealed = true;
            outbox.items = content.items;
            return Ok(outbox);
        }
        if !bytes.is_empty() && content.occasion.is_none() {
            let what = format!("{} is not an outbox", path.display());
            return Err(Failure::malformed(what).remedy("move it away"));
        }
        outbox.cut(0)?;
        outbox.append(&occasion.record())?;
        Ok(outbox)
    }

    /// Whether its statements were all kept before, and may have been sent.
    pub(crate) const fn is_sealed(&self) -> bool {
        self.sealed
    }

    /// The statements, with what came back so far.
    pub(crate) fn items(&self) -> &[Item] {
        &self.items
    }

    /// Keeps statements: when this returns, they may be sent.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn fill(&mut self, statements: Vec<Vec<u8>>) -> Result<(), Failure> {
        let mut records = Writer::new();
        for statement in &statements {
            records.array(2).uint(1).byte_string(statement);
        }
        records
            .array(2)
            .uint(2)
            .uint(u64::try_from(statements.len()).unwrap_or(u64::MAX));
        self.append(&records.finish())?;
        let items = statements.into_iter().map(|statement| Item {
            statement,
            recorded: None,
        });
        self.items.extend(items);
        self.sealed = true;
        Ok(())
    }

    /// Keeps what came back for statement `number`.
    ///
    /// # Errors
    /// [`Failure`].
    pub(crate) fn record(&mut self, number: usize, recorded: Recorded) -> Result<(), Failure> {
        let mut writer = Writer::new();
        writer
            .array(4)
            .uint(3)
            .uint(u64::try_from(number).unwrap_or(u64::MAX));
        writer.uint(recorded.leaf.0).byte_string(&recorded.receipt);
        self.append(&writer.finish())?;
        if let Some(item) = self.items.get_mut(number) {
            item.recorded = Some(recorded);
        }
        Ok(())
    }

    fn cut(&mut self, length: usize) -> Result<(), Failure> {
        let length = u64::try_from(length).unwrap_or(u64::MAX);
        self.file
            .set_len(length)
            .and_then(|()| self.file.seek(SeekFrom::Start(length)))
            .map(drop)
            .map_err(|error| Failure::file(&self.path, &error))
    }

    fn append(&mut self, records: &[u8]) -> Result<(), Failure> {
        self.file
            .write_all(records)
            .and_then(|()| self.file.sync_all())
            .map_err(|error| Failure::file(&self.path, &error))
    }
}

impl Occasion {
    fn record(&self) -> Vec<u8> {
        let mut writer = Writer::new();
        writer
            .array(7)
            .uint(0)
            .text(VERSION)
            .byte_string(&self.document.0)
            .text(&self.origin);
        writer
            .byte_string(self.key.as_bytes())
            .byte_string(&self.handle.0);
        writer.uint(u64::try_from(self.group).unwrap_or(u64::MAX));
        writer.finish()
    }

    fn read(reader: &mut Reader<'_>) -> Result<Option<Self>, DecodeError> {
        if reader.text()? != VERSION {
            return Ok(None);
        }
        Ok(Some(Self {
            document: Digest(reader.byte_array()?),
            origin: reader.text()?.to_owned(),
            key: KeyId(Digest(reader.byte_array()?)),
            handle: Handle(reader.byte_array()?),
            group: usize::try_from(reader.uint()?).unwrap_or(usize::MAX),
        }))
    }
}

impl Content {
    /// Reads whole records until the end or a torn one.
    fn read(bytes: &[u8]) -> Self {
        let mut content = Self::default();
        let mut reader = Reader::new(bytes);
        while reader.offset() < bytes.len() && content.record(&mut reader).is_ok() {
            content.length = reader.offset();
        }
        content
    }

    fn record(&mut self, reader: &mut Reader<'_>) -> Result<(), DecodeError> {
        reader.array()?;
        match reader.uint()? {
            0 => self.occasion = Occasion::read(reader)?,
            1 => {
                let statement = reader.byte_string()?.to_vec();
                self.items.push(Item {
                    statement,
                    recorded: None,
                });
            }
            2 => {
                let count = reader.uint()?;
                self.sealed = u64::try_from(self.items.len()).is_ok_and(|items| items == count);
            }
            _ => {
                let number = usize::try_from(reader.uint()?).unwrap_or(usize::MAX);
                let leaf = LeafIndex(reader.uint()?);
                let receipt = reader.byte_string()?.to_vec();
                if let Some(item) = self.items.get_mut(number) {
                    item.recorded = Some(Recorded { leaf, receipt });
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::MetadataExt as _;

    fn occasion(document: &[u8]) -> Occasion {
        Occasion {
            document: Digest::of(document),
            origin: "log.example/cd".to_owned(),
            key: KeyId(Digest([1; 32])),
            handle: Handle([2; 16]),
            group: 100,
        }
    }

    fn recorded(leaf: u64) -> Recorded {
        Recorded {
            leaf: LeafIndex(leaf),
            receipt: vec![7; 40],
        }
    }

    #[test]
    fn a_run_that_was_cut_off_goes_on_with_the_same_bytes() {
        let dir = tempfile::tempdir().unwrap();
        let path = Outbox::path_of(&dir.path().join("d.json"));
        let mut outbox = Outbox::open(&path, &occasion(b"d")).unwrap();
        assert!(!outbox.is_sealed());
        outbox.fill(vec![vec![1; 300], vec![2; 300]]).unwrap();
        outbox.record(1, recorded(9)).unwrap();
        let before = outbox.items().to_vec();
        drop(outbox);
        assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
        // A crash may tear the last record anywhere; what was whole stays.
        let whole = std::fs::read(&path).unwrap();
        for torn in [0, 1, 5, 45] {
            let mut bytes = whole.clone();
            let mut record = Writer::new();
            record
                .array(4)
                .uint(3)
                .uint(0)
                .uint(8)
                .byte_string(&[7; 40]);
            bytes.extend_from_slice(&record.finish()[..torn]);
            std::fs::write(&path, bytes).unwrap();
            let outbox = Outbox::open(&path, &occasion(b"d")).unwrap();
            assert!(outbox.is_sealed());
            assert_eq!(outbox.items(), before);
            assert_eq!(std::fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn statements_that_were_never_sent_are_made_again() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o");
        let mut outbox = Outbox::open(&path, &occasion(b"d")).unwrap();
        let begun = std::fs::read(&path).unwrap().len();
        outbox.fill(vec![vec![1; 300], vec![2; 300]]).unwrap();
        drop(outbox);
        let whole = std::fs::read(&path).unwrap();
        for torn in [begun, begun + 100, whole.len() - 1] {
            std::fs::write(&path, &whole[..torn]).unwrap();
            let outbox = Outbox::open(&path, &occasion(b"d")).unwrap();
            assert!(!outbox.is_sealed() && outbox.items().is_empty(), "{torn}");
        }
    }

    #[test]
    fn another_document_or_a_second_run_is_refused_by_code() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("o");
        let mut outbox = Outbox::open(&path, &occasion(b"d")).unwrap();
        outbox.fill(vec![vec![1; 30]]).unwrap();
        assert_eq!(
            Outbox::open(&path, &occasion(b"d")).unwrap_err().code,
            Code::Busy
        );
        drop(outbox);
        assert_eq!(
            Outbox::open(&path, &occasion(b"e")).unwrap_err().code,
            Code::Stale
        );
        std::fs::write(&path, b"my own notes").unwrap();
        assert_eq!(
            Outbox::open(&path, &occasion(b"d")).unwrap_err().code,
            Code::Malformed
        );
    }
}
