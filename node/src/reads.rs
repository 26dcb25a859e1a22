//! The access record: a file of its own beside the ledger, appended to and never changed.
//!
//! ```text
//! dir/reads/00000000000000000000.log   records from that number on, at most some 8 MiB a file
//!
//! file  = "SUYUANRD", first number (8 bytes, big-endian), digest before it (32), frame …
//! frame = length n (4, big-endian), its complement (4), record (n), SHA-256 of the record (32)
//! ```
//! A record is synced before what it records is shown. After a crash a torn last frame is cut off:
//! nobody saw what it would have recorded. Each record names the digest of the one before, so that
//! one taken out or changed is found by whoever reads them in order; the last ones can be cut off
//! unseen only from those who never read them before.

use ledger::access::record::{ReadRecord, Reads};
use ledger::hash::Digest;
use ledger::ids::UnixMillis;
use ledger::store::StoreError;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

const MAGIC: &[u8; 8] = b"SUYUANRD";
const HEAD_BYTES: usize = 48;

/// Where a file ends and the next begins: read whole to find a record in it.
const FILE_BYTES: usize = 8 * 1024 * 1024;

/// One record: all parts that one answer can open are some hundreds of kilobytes.
const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;

/// The access record of one ledger.
#[derive(Debug)]
pub struct AccessLog {
    dir: PathBuf,
    end: Mutex<End>,
}

/// Where the next record goes.
#[derive(Debug)]
struct End {
    /// `None` after a failed write: what is on disk is unknown, and only reopening finds out.
    file: Option<File>,
    bytes: usize,
    number: u64,
    previous: Digest,
}

impl AccessLog {
    /// Opens the record below the data directory `dir`, and begins one where there is none.
    ///
    /// # Errors
    /// [`StoreError`]: `Corrupt` where the newest file is no such record.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let dir = dir.join("reads");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&dir)
            .map_err(|error| failed(&dir, &error))?;
        let end = match files(&dir)?.pop() {
            None => begin(&dir, 0, Digest([0; 32]))?,
            Some((_, path)) => reopen(&path)?,
        };
        Ok(Self {
            dir,
            end: Mutex::new(end),
        })
    }

    /// Keeps one record, synced when this returns.
    ///
    /// # Errors
    /// [`StoreError`]: then nothing may be shown, by this process for good.
    pub fn append(&self, reads: Reads, time: UnixMillis) -> Result<(), StoreError> {
        let mut end = self.end.lock().unwrap_or_else(PoisonError::into_inner);
        if end.bytes >= FILE_BYTES {
            let next = begin(&self.dir, end.number, end.previous);
            end.file = None;
            *end = next?;
        }
        let record = ReadRecord {
            number: end.number,
            previous: end.previous,
            time,
            reads,
        };
        let bytes = record.encode();
        let length = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
        if bytes.len() > RECORD_BYTES_MAX {
            return Err(StoreError::Io("a record of reads is too long".to_owned()));
        }
        let digest = Digest::of(&bytes);
        let (length, complement) = (length.to_be_bytes(), (!length).to_be_bytes());
        let frame = [&length[..], &complement, &bytes, &digest.0].concat();
        // Taken out until it is known to be written.
        let Some(mut file) = end.file.take() else {
            let what = "an earlier record of reads failed; the process must be started again";
            return Err(StoreError::Unknown(what.to_owned()));
        };
        file.write_all(&frame)
            .and_then(|()| file.sync_data())
            .map_err(|error| failed(&self.dir, &error))?;
        end.file = Some(file);
        end.bytes += frame.len();
        end.number += 1;
        end.previous = digest;
        Ok(())
    }

    /// Up to `limit` records from number `from` on.
    ///
    /// # Errors
    /// [`StoreError`]; `Corrupt` where records do not follow each other.
    pub fn read(&self, from: u64, limit: usize) -> Result<Vec<ReadRecord>, StoreError> {
        // Whole records only: the last one is written while this lock is held.
        let end = self
            .end
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .number;
        let mut found = read_from(&self.dir, from, limit)?;
        found.retain(|record| record.number < end);
        Ok(found)
    }
}

/// Up to `limit` records from number `from` on, out of a data directory that a node may have open.
///
/// # Errors
/// [`StoreError`]; `Corrupt` where records do not follow each other.
pub fn read_access_log(
    data_dir: &Path,
    from: u64,
    limit: usize,
) -> Result<Vec<ReadRecord>, StoreError> {
    let dir = data_dir.join("reads");
    match std::fs::metadata(&dir) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        _ => read_from(&dir, from, limit),
    }
}

fn read_from(dir: &Path, from: u64, limit: usize) -> Result<Vec<ReadRecord>, StoreError> {
    let files = files(dir)?;
    let holding = files.iter().rposition(|(first, _)| *first <= from);
    let mut found = Vec::new();
    for (_, path) in files.iter().skip(holding.unwrap_or_default()) {
        let (records, _) = scan(path)?;
        let left = limit - found.len();
        let wanted = records.into_iter().filter(|record| record.number >= from);
        found.extend(wanted.take(left));
        if found.len() == limit {
            break;
        }
    }
    Ok(found)
}

fn failed(path: &Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("{}: {error}", path.display()))
}

fn corrupt(path: &Path, why: &str) -> StoreError {
    StoreError::Corrupt {
        what: "access record",
        detail: format!("{}: {why}", path.display()),
    }
}

/// First number and path of every file, in order.
fn files(dir: &Path) -> Result<Vec<(u64, PathBuf)>, StoreError> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|error| failed(dir, &error))? {
        let path = entry.map_err(|error| failed(dir, &error))?.path();
        let first = path
            .file_name()
            .and_then(|name| name.to_str()?.strip_suffix(".log")?.parse().ok());
        if let Some(first) = first {
            files.push((first, path));
        }
    }
    files.sort();
    Ok(files)
}

/// Begins a file: its head is whole, or after a crash the file is not there.
fn begin(dir: &Path, number: u64, previous: Digest) -> Result<End, StoreError> {
    let path = dir.join(format!("{number:020}.log"));
    let new = path.with_extension("new");
    let made = || {
        let mut file = OpenOptions::new()
            .create(true)
            .write(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(MAGIC)?;
        file.write_all(&number.to_be_bytes())?;
        file.write_all(&previous.0)?;
        file.sync_all()?;
        std::fs::rename(&new, &path)?;
        File::open(dir)?.sync_all()?;
        Ok(file)
    };
    let file = made().map_err(|error| failed(&path, &error))?;
    Ok(End {
        file: Some(file),
        bytes: HEAD_BYTES,
        number,
        previous,
    })
}

/// Goes on where a file ends; a torn last frame is cut off.
fn reopen(path: &Path) -> Result<End, StoreError> {
    let (records, whole) = scan(path)?;
    let (mut number, mut previous) = head(path, &read_file(path)?)?;
    if let Some(last) = records.last() {
        number = last.number + 1;
        previous = last.digest();
    }
    let opened = || {
        let file = OpenOptions::new().append(true).open(path)?;
        file.set_len(u64::try_from(whole).unwrap_or(u64::MAX))?;
        file.sync_all()?;
        Ok(file)
    };
    let file = opened().map_err(|error| failed(path, &error))?;
    Ok(End {
        file: Some(file),
        bytes: whole,
        number,
        previous,
    })
}

fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    File::open(path)
        .and_then(|mut file| file.read_to_end(&mut bytes))
        .map_err(|error| failed(path, &error))?;
    Ok(bytes)
}

/// First number of a file, and the digest before it.
fn head(path: &Path, bytes: &[u8]) -> Result<(u64, Digest), StoreError> {
    let head = bytes.get(..HEAD_BYTES).filter(|head| head[..8] == *MAGIC);
    let head = head.ok_or_else(|| corrupt(path, "no head"))?;
    let number = head[8..16].try_into().map(u64::from_be_bytes);
    let previous = Digest::from_slice(&head[16..]);
    match (number, previous) {
        (Ok(number), Some(previous)) => Ok((number, previous)),
        _ => Err(corrupt(path, "no head")),
    }
}

/// Every whole record of a file, each checked to follow the one before, and where they end. What
/// comes after is a torn frame only if it is the file's last.
fn scan(path: &Path) -> Result<(Vec<ReadRecord>, usize), StoreError> {
    let bytes = read_file(path)?;
    let (mut number, mut previous) = head(path, &bytes)?;
    let mut records = Vec::new();
    let mut at = HEAD_BYTES;
    loop {
        let (record, end) = match frame(&bytes, at) {
            Frame::Whole { record, end } => (record, end),
            Frame::Torn => return Ok((records, at)),
            Frame::Damaged => {
                return Err(corrupt(path, &format!("record {number} is damaged")));
            }
        };
        let decoded = ReadRecord::decode(record)
            .map_err(|error| corrupt(path, &format!("record {number}: {error}")))?;
        if decoded.number != number || decoded.previous != previous {
            let what = format!("record {number} does not follow the one before");
            return Err(corrupt(path, &what));
        }
        previous = Digest::of(record);
        number += 1;
        at = end;
        records.push(decoded);
    }
}

/// What stands at a place in a file.
enum Frame<'a> {
    Whole {
        record: &'a [u8],
        end: usize,
    },
    /// The end, or the beginning of a frame that a crash cut off: nothing follows it.
    Torn,
    Damaged,
}

/// Bytes of a frame before its record, and after it.
const FRAME_HEAD: usize = 8;
const FRAME_TAIL: usize = 32;

fn frame(bytes: &[u8], at: usize) -> Frame<'_> {
    let rest = bytes.get(at..).unwrap_or_default();
    // A file may have been made longer before its new bytes reached the disk.
    let Some((head, body)) = rest
        .split_at_checked(FRAME_HEAD)
        .filter(|_| rest.iter().any(|byte| *byte != 0))
    else {
        return Frame::Torn;
    };
    let four = |bytes: &[u8]| bytes.try_into().map(u32::from_be_bytes).unwrap_or_default();
    let (length, complement) = (four(&head[..4]), four(&head[4..]));
    let length_bytes = usize::try_from(length).unwrap_or(usize::MAX);
    if length != !complement || length_bytes > RECORD_BYTES_MAX {
        return Frame::Damaged;
    }
    let Some(record) = body.get(..length_bytes) else {
        return Frame::Torn;
    };
    let Some(digest) = body.get(length_bytes..length_bytes + FRAME_TAIL) else {
        return Frame::Torn;
    };
    let end = at + FRAME_HEAD + length_bytes + FRAME_TAIL;
    if Digest::of(record).0 == digest {
        Frame::Whole { record, end }
    } else if end == bytes.len() {
        Frame::Torn
    } else {
        Frame::Damaged
    }
}

#[cfg(test)]
mod tests;
