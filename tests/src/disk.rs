//! A disk as POSIX promises it and no better: what a power cut leaves of a directory.
//!
//! [`Disk::load`] takes a directory as it lies there, all of it durable; [`Disk::replay`] applies
//! what [`layer`](crate::layer) wrote down; [`Disk::cut`] gives what is left. A file's bytes are
//! durable from its sync on, a name (made, renamed or removed) from the sync of its directory on,
//! and neither a moment earlier. A sync that failed has lost what it was to make durable, though
//! later ones succeed, as on Linux.

use crate::dice::Dice;
use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// What the disk does with what was not synced.
#[derive(Debug)]
pub enum Cut<'a> {
    /// Forgets all of it.
    All,
    /// Forgets nothing: the process alone was killed.
    Nothing,
    /// Keeps a beginning, of each file's writes and of each directory's changes on its own: a
    /// write may be torn anywhere.
    Torn(&'a mut Dice),
}

/// A number in this model; inode numbers are given out again, these never.
type Id = usize;

/// A write or a change of length that is not durable yet.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Length(usize),
}

#[derive(Clone, Debug)]
enum Rename {
    Link(String, Id),
    Unlink(String),
    /// One step, as `rename` promises.
    Move(String, String, Id),
}

#[derive(Clone, Debug)]
enum Object {
    File {
        durable: Vec<u8>,
        since: Vec<Change>,
    },
    Dir {
        durable: BTreeMap<String, Id>,
        since: Vec<Rename>,
        now: BTreeMap<String, Id>,
    },
}

/// A directory tree, its durable state and everything since.
#[derive(Clone, Debug)]
pub struct Disk {
    objects: Vec<(Object, u32)>,
    inodes: BTreeMap<u64, Id>,
}

const ROOT: Id = 0;
const FILE_MODE: u32 = 0o600;
const DIR_MODE: u32 = 0o700;

impl Disk {
    /// The tree below `dir`, all of it durable.
    ///
    /// # Errors
    /// The operating system's.
    pub fn load(dir: &Path) -> io::Result<Self> {
        let mut disk = Self {
            objects: Vec::new(),
            inodes: BTreeMap::new(),
        };
        disk.load_dir(dir)?;
        Ok(disk)
    }

    fn load_dir(&mut self, dir: &Path) -> io::Result<Id> {
        let meta = fs::metadata(dir)?;
        let id = self.add(meta.ino(), dir_object(BTreeMap::new()), meta.mode());
        let mut names = BTreeMap::new();
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let child = if entry.file_type()?.is_dir() {
                self.load_dir(&entry.path())?
            } else {
                let meta = entry.metadata()?;
                let durable = fs::read(entry.path())?;
                let since = Vec::new();
                self.add(meta.ino(), Object::File { durable, since }, meta.mode())
            };
            names.insert(entry.file_name().to_string_lossy().into_owned(), child);
        }
        self.objects[id].0 = dir_object(names);
        Ok(id)
    }

    fn add(&mut self, inode: u64, object: Object, mode: u32) -> Id {
        self.objects.push((object, mode & 0o7777));
        let id = self.objects.len() - 1;
        self.inodes.insert(inode, id);
        id
    }

    /// Where the records of the layer's journal end, in order.
    #[must_use]
    pub fn record_ends(journal: &[u8]) -> Vec<usize> {
        let (mut ends, mut rest) = (Vec::new(), journal);
        while let Some((_, after)) = Record::read(rest) {
            ends.push(journal.len() - after.len());
            rest = after;
        }
        ends
    }

    /// Applies the layer's journal up to its last whole record.
    ///
    /// # Panics
    /// On an operation that the layer does not model: what a power cut leaves is then unknown.
    pub fn replay(&mut self, journal: &[u8]) {
        let mut rest = journal;
        while let Some((record, after)) = Record::read(rest) {
            self.apply(&record);
            rest = after;
        }
    }

    fn apply(&mut self, record: &Record<'_>) {
        let number = usize::try_from(record.number).expect("64-bit machines");
        match record.operation {
            b'C' => {
                let (durable, since) = (Vec::new(), Vec::new());
                let id = self.add(record.inode, Object::File { durable, since }, FILE_MODE);
                self.link(record.first_path(), id);
            }
            b'M' => {
                let id = self.add(record.inode, dir_object(BTreeMap::new()), DIR_MODE);
                self.link(record.first_path(), id);
            }
            b'W' => self.change(
                record.inode,
                Change::Write {
                    at: number,
                    bytes: record.first.to_vec(),
                },
            ),
            b'T' => self.change(record.inode, Change::Length(number)),
            b'S' => self.sync(record.inode),
            b'F' => self.fail(record.inode),
            b'R' => self.rename(record.first_path(), record.second_path()),
            b'U' | b'X' => self.unlink(record.first_path()),
            _ => panic!("not modelled: {}", record.first_path()),
        }
    }

    fn object(&mut self, inode: u64) -> &mut Object {
        let id = self.inodes.get(&inode);
        let id = *id.expect("the layer sees each file made or opened before it is changed");
        &mut self.objects[id].0
    }

    fn change(&mut self, inode: u64, change: Change) {
        if let Object::File { since, .. } = self.object(inode) {
            since.push(change);
        }
    }

    fn sync(&mut self, inode: u64) {
        match self.object(inode) {
            Object::File { durable, since } => {
                since.drain(..).for_each(|change| change.apply(durable));
            }
            Object::Dir {
                durable,
                since,
                now,
            } => {
                since.clear();
                durable.clone_from(now);
            }
        }
    }

    fn fail(&mut self, inode: u64) {
        if let Object::File { since, .. } = self.object(inode) {
            since.clear();
        }
    }

    fn link(&mut self, path: &str, id: Id) {
        let (dir, name) = self.parent(path);
        self.rename_in(dir, Rename::Link(name, id));
    }

    fn unlink(&mut self, path: &str) {
        let (dir, name) = self.parent(path);
        self.rename_in(dir, Rename::Unlink(name));
    }

    fn rename(&mut self, from: &str, to: &str) {
        let ((from_dir, from), (to_dir, to)) = (self.parent(from), self.parent(to));
        let Object::Dir { now, .. } = &self.objects[from_dir].0 else {
            return;
        };
        // A file that the C library writes by itself, as RocksDB's diary, is not seen.
        let Some(id) = now.get(&from).copied() else {
            return;
        };
        if from_dir == to_dir {
            self.rename_in(from_dir, Rename::Move(from, to, id));
        } else {
            self.rename_in(to_dir, Rename::Link(to, id));
            self.rename_in(from_dir, Rename::Unlink(from));
        }
    }

    fn rename_in(&mut self, dir: Id, change: Rename) {
        if let Object::Dir { since, now, .. } = &mut self.objects[dir].0 {
            change.apply(now);
            since.push(change);
        }
    }

    /// The directory that holds `path`'s last name, and that name.
    fn parent(&self, path: &str) -> (Id, String) {
        let (dirs, name) = path.rsplit_once('/').unwrap_or(("", path));
        let mut dir = ROOT;
        for part in dirs.split('/').filter(|part| !part.is_empty()) {
            let Object::Dir { now, .. } = &self.objects[dir].0 else {
                panic!("{path}: {part} is in no directory");
            };
            dir = now[part];
        }
        (dir, name.to_owned())
    }

    /// Writes what a power cut leaves into `target`, which must not exist.
    ///
    /// # Errors
    /// The operating system's.
    pub fn cut(self, target: &Path, mut how: Cut<'_>) -> io::Result<()> {
        self.write(ROOT, target, &mut how)
    }

    fn write(&self, id: Id, target: &Path, how: &mut Cut<'_>) -> io::Result<()> {
        let (object, mode) = &self.objects[id];
        match object {
            Object::File { durable, since } => {
                let mut bytes = durable.clone();
                if let Some((last, whole)) = kept(since, how).split_last() {
                    whole.iter().for_each(|change| change.apply(&mut bytes));
                    how.tear(last).apply(&mut bytes);
                }
                let mut file = OpenOptions::new()
                    .write(true)
                    .create_new(true)
                    .mode(*mode)
                    .open(target)?;
                file.write_all(&bytes)
            }
            Object::Dir { durable, since, .. } => {
                DirBuilder::new().mode(*mode).create(target)?;
                let mut names = durable.clone();
                for change in kept(since, how) {
                    change.apply(&mut names);
                }
                for (name, child) in names {
                    self.write(child, &target.join(name), how)?;
                }
                Ok(())
            }
        }
    }
}

/// What outlives the cut of the changes `since` the last sync.
fn kept<'a, T>(since: &'a [T], how: &mut Cut<'_>) -> &'a [T] {
    match how {
        Cut::All => &[],
        Cut::Nothing => since,
        Cut::Torn(dice) => &since[..dice.up_to(since.len())],
    }
}

impl Cut<'_> {
    /// The last change of a file that is kept at all.
    fn tear(&mut self, change: &Change) -> Change {
        match (self, change) {
            (Cut::Torn(dice), Change::Write { at, bytes }) => Change::Write {
                at: *at,
                bytes: bytes[..dice.up_to(bytes.len())].to_vec(),
            },
            (Cut::All | Cut::Nothing | Cut::Torn(_), whole) => whole.clone(),
        }
    }
}

fn dir_object(names: BTreeMap<String, Id>) -> Object {
    Object::Dir {
        durable: names.clone(),
        since: Vec::new(),
        now: names,
    }
}

impl Change {
    fn apply(&self, content: &mut Vec<u8>) {
        match self {
            Self::Write { at, bytes } => {
                let end = at + bytes.len();
                if content.len() < end {
                    content.resize(end, 0);
                }
                content[*at..end].copy_from_slice(bytes);
            }
            Self::Length(length) => content.resize(*length, 0),
        }
    }
}

impl Rename {
    fn apply(&self, names: &mut BTreeMap<String, Id>) {
        match self {
            Self::Link(name, id) => {
                names.insert(name.clone(), *id);
            }
            Self::Unlink(name) => {
                names.remove(name);
            }
            Self::Move(from, to, id) => {
                names.remove(from);
                names.insert(to.clone(), *id);
            }
        }
    }
}

/// One record of the journal; `layer.c` says what the bytes are.
struct Record<'a> {
    operation: u8,
    inode: u64,
    number: u64,
    first: &'a [u8],
    second: &'a [u8],
}

impl<'a> Record<'a> {
    /// The first record of `bytes` and what follows; `None` where no whole one is left.
    fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        let (operation, rest) = bytes.split_first()?;
        let (inode, rest) = rest.split_first_chunk()?;
        let (number, rest) = rest.split_first_chunk()?;
        let (first, rest) = read_string(rest)?;
        let (second, rest) = read_string(rest)?;
        let record = Self {
            operation: *operation,
            inode: u64::from_be_bytes(*inode),
            number: u64::from_be_bytes(*number),
            first,
            second,
        };
        Some((record, rest))
    }

    fn first_path(&self) -> &'a str {
        str::from_utf8(self.first).expect("tests name their files in UTF-8")
    }

    fn second_path(&self) -> &'a str {
        str::from_utf8(self.second).expect("tests name their files in UTF-8")
    }
}

fn read_string(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (length, rest) = bytes.split_first_chunk()?;
    rest.split_at_checked(usize::try_from(u32::from_be_bytes(*length)).ok()?)
}
