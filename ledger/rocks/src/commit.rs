//! One block, whole or not at all.

use crate::head_file::Mark;
use crate::layout::{Family, META_HEAD, META_SLOTS, leaf_key, posting_key, tile_key};
use crate::open::{Committer, Database, RocksStore};
use crate::view::RocksView;
use ledger::store::{EntryWrite, Store, StoreError, WriteSet};
use rocksdb::checkpoint::Checkpoint;
use rocksdb::{WaitForCompactOptions, WriteBatch, WriteOptions};
use std::fs::{DirBuilder, File};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::Path;

impl Store for RocksStore {
    type View<'a> = RocksView<'a>;

    fn view(&self) -> RocksView<'_> {
        self.database.view()
    }

    fn commit(&self, write: WriteSet) -> Result<(), StoreError> {
        // A lock poisoned by a panic half-way through a commit is a commit of unknown outcome.
        let Ok(mut committer) = self.committer.lock() else {
            return Err(self.database.fail("a commit panicked".to_owned()));
        };
        self.database.check_usable()?;
        write
            .check_follows(committer.head.as_ref())
            .map_err(|error| match error {
                StoreError::Unknown(why) | StoreError::Io(why) => why,
                StoreError::Corrupt { what, detail } => format!("{what}: {detail}"),
            })
            .and_then(|()| write_block(&self.database, &mut committer, write))
            .map_err(|why| self.database.fail(why))
    }
}

impl RocksStore {
    /// Copies the ledger as it is now into `dir`, which must not be there: database and keys of
    /// personal parts, and no head file. What is opened from it is a restored ledger
    /// ([`Self::open_without_head_file`]), of which nobody knows whether it is the newest.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn copy_without_head(&self, dir: &Path) -> Result<(), StoreError> {
        self.database.check_usable()?;
        // Nothing is written meanwhile.
        let _committer = self.committer.lock();
        let failed = |why: String| StoreError::Io(format!("{}: {why}", dir.display()));
        let io = |error: io::Error| failed(error.to_string());
        let db = |error: rocksdb::Error| failed(error.into_string());
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(io)?;
        Checkpoint::new(&self.database.db)
            .and_then(|checkpoint| checkpoint.create_checkpoint(dir.join("db")))
            .map_err(db)?;
        if let Some(keys) = &self.database.keys {
            keys.copy_to(dir).map_err(io)?;
        }
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(io)
    }

    /// Puts everything written so far into files and waits until compaction has caught up: a
    /// backup is then small to copy, and a measurement counts all the work it caused.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn settle(&self) -> Result<(), StoreError> {
        self.database.check_usable()?;
        let mut options = WaitForCompactOptions::default();
        options.set_flush(true);
        self.database
            .db
            .wait_for_compact(&options)
            .map_err(|error| StoreError::Io(error.into_string()))
    }
}

/// First the database, then the head file: a crash between them leaves the database one block
/// ahead, which opening can tell from every kind of loss. The other order could not be mended.
///
/// Before both the keys, or a part could be there whose key never was; after both what they order
/// destroyed, or a key could be gone that nothing ordered so.
fn write_block(
    database: &Database,
    committer: &mut Committer,
    write: WriteSet,
) -> Result<(), String> {
    let mut options = WriteOptions::default();
    options.set_sync(true);
    let keys = database.keys.as_ref().ok_or("key file: not open")?;
    keys.append(committer.slots, &write.part_keys)?;
    let batch = batch(database, &write);
    database
        .db
        .write_opt(batch, &options)
        .map_err(rocksdb::Error::into_string)?;
    committer.head_file.write(Mark::of(Some(&write.head)))?;
    committer.head = Some(write.head);
    if let Some((last, _)) = write.part_keys.last() {
        committer.slots = last.slot + 1;
    }
    keys.destroy(&write.destroyed)
        .map(drop)
        .map_err(|why| format!("key file: {why}"))
}

/// Bytes that a batch holds of one pair beside its value: the key, and three small numbers.
const KEY_ROOM: usize = 48;

/// What most of a batch takes, so that it need not be copied as it grows.
fn room(write: &WriteSet) -> usize {
    let leaf = |one: &EntryWrite| one.entry.len() + one.body.len() + one.effects.len();
    let leaves: usize = write.entries.iter().map(leaf).sum();
    let records: usize = write.records.iter().map(|(_, record)| record.len()).sum();
    let keys = 3 * write.entries.len() + write.records.len() + write.postings.len();
    leaves + records + KEY_ROOM * keys
}

fn batch(database: &Database, write: &WriteSet) -> WriteBatch {
    let family = |family| database.family(family);
    let [entries, bodies, effects] = [Family::Entries, Family::Bodies, Family::Effects].map(family);
    let mut batch = WriteBatch::with_capacity_bytes(room(write));
    for leaf in &write.entries {
        let key = leaf_key(leaf.leaf);
        batch.put_cf(entries, key, &leaf.entry);
        for (family, bytes) in [(bodies, &leaf.body), (effects, &leaf.effects)] {
            if !bytes.is_empty() {
                batch.put_cf(family, key, bytes);
            }
        }
    }
    let tiles = family(Family::Tiles);
    for (level, index, hashes) in &write.tiles {
        let bytes: Vec<u8> = hashes.iter().flat_map(|hash| hash.0).collect();
        batch.put_cf(tiles, tile_key(*level, *index), bytes);
    }
    let records = family(Family::Records);
    for (key, record) in &write.records {
        batch.put_cf(records, key.to_bytes(), record);
    }
    let pages = family(Family::Pages);
    for (path, page) in &write.pages {
        batch.put_cf(pages, path.encode(), page.encode());
    }
    let postings = family(Family::Postings);
    for (item, at) in &write.postings {
        batch.put_cf(postings, posting_key(&item.digest, *at), []);
    }
    let blocks = family(Family::Blocks);
    for block in write.blocks() {
        batch.put_cf(blocks, leaf_key(block.header), block.encode());
    }
    let meta = family(Family::Meta);
    batch.put_cf(meta, META_HEAD, write.head.encode());
    if let Some((last, _)) = write.part_keys.last() {
        batch.put_cf(meta, META_SLOTS, (last.slot + 1).to_be_bytes());
    }
    batch
}
