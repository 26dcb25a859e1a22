//! Creating and opening a data directory, and everything that is a reason not to.

use crate::error::{OpenError, read_error};
use crate::head_file::{HeadFile, Identity, Mark, sync_dir};
use crate::key_file::KeyFile;
use crate::layout::{FORMAT, Family, META_FORMAT, META_NONCE, META_ORIGIN, META_SLOTS};
use crate::tail;
use crate::tuning::Options;
use crate::view::RocksView;
use ledger::block::Head;
use ledger::forget::ordered_keys;
use ledger::hash::{Digest, leaf_hash};
use ledger::ids::TreeSize;
use ledger::store::{StoreError, View as _};
use rocksdb::{ColumnFamily, DB, DEFAULT_COLUMN_FAMILY_NAME, ErrorKind, WriteBatch, WriteOptions};
use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

/// What opening had to mend.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing.
    Clean,
    /// The process had ended between the two writes of a commit; the head file now has the block.
    HeadFileBroughtUp,
}

/// A ledger's storage on disk, open for one writer.
#[derive(Debug)]
pub struct RocksStore {
    pub(crate) database: Database,
    pub(crate) committer: Mutex<Committer>,
    recovery: Recovery,
    destroyed: usize,
}

/// What the next commit continues.
#[derive(Debug)]
pub(crate) struct Committer {
    pub(crate) head: Option<Head>,
    pub(crate) head_file: HeadFile,
    /// Slots of the key file that parts have taken.
    pub(crate) slots: u64,
}

impl RocksStore {
    /// Creates the ledger of the log `origin` in `dir`, which need not exist.
    ///
    /// All or nothing: a creation that was interrupted may be repeated.
    ///
    /// # Errors
    /// [`OpenError`]: `AlreadyExists`, `OriginLength`, `HeadMismatch` where a head file outlived
    /// its database, `Io`.
    pub fn create(dir: &Path, origin: &str, options: Options) -> Result<Self, OpenError> {
        if !(1..=255).contains(&origin.len()) {
            return Err(OpenError::OriginLength {
                bytes: origin.len(),
            });
        }
        let (db_dir, new_dir) = (db_dir(dir), dir.join("db.new"));
        if db_dir.exists() {
            return Err(OpenError::AlreadyExists {
                path: dir.to_owned(),
            });
        }
        refuse_orphaned_head(dir)?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        if new_dir.exists() {
            std::fs::remove_dir_all(&new_dir)?;
        }
        DirBuilder::new().mode(0o700).create(&new_dir)?;
        let identity = create_database(&new_dir, origin, options)?;
        KeyFile::create(dir, &identity.nonce, 0)?;
        HeadFile::create(dir, identity, Mark::of(None))?;
        // The database's name comes last: with it the ledger exists.
        std::fs::rename(&new_dir, &db_dir)?;
        sync_dir(dir)?;
        if let Some(parent) = dir.canonicalize()?.parent() {
            sync_dir(parent)?;
        }
        Self::open(dir, origin, options)
    }

    /// Opens the ledger of the log `origin` in `dir`, and checks that it may be continued: it is
    /// the newest copy, and its end is as it was written.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open(dir: &Path, origin: &str, options: Options) -> Result<Self, OpenError> {
        Self::open_ahead(dir, origin, options, 1)
    }

    /// Opens a copy of another's ledger, which is never signed for: one write holds many blocks
    /// there, so that a crash may leave the database any number of them ahead of the head file.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn open_copy(dir: &Path, origin: &str, options: Options) -> Result<Self, OpenError> {
        Self::open_ahead(dir, origin, options, u64::MAX)
    }

    fn open_ahead(
        dir: &Path,
        origin: &str,
        options: Options,
        blocks_max: u64,
    ) -> Result<Self, OpenError> {
        let db_dir = existing(dir)?;
        let mut head_file = HeadFile::open(dir, true)?;
        expect_origin(&head_file.identity().origin, origin)?;
        expect_families(&db_dir)?;
        let db = DB::open_cf_descriptors(&options.database(), &db_dir, options.families())
            .map_err(|error| open_error(dir, error))?;
        let mut database = Database::new(db);
        let identity = database.identity()?;
        expect_identity(&identity, head_file.identity(), origin)?;
        database.keys = Some(existing_keys(dir, &identity)?);
        // Read again now that the lock is held: another process may have written in between.
        head_file = HeadFile::open(dir, true)?;
        let head = database.checked_head()?;
        let standing = Standing::of(&database, head_file.mark(), head.as_ref())?;
        let recovery = match standing {
            Standing::Same => Recovery::Clean,
            Standing::Ahead { blocks } if blocks <= blocks_max => {
                head_file
                    .write(Mark::of(head.as_ref()))
                    .map_err(OpenError::Io)?;
                Recovery::HeadFileBroughtUp
            }
            Standing::Ahead { blocks } => {
                let detail = format!("the database is {blocks} blocks ahead, a crash leaves one");
                return Err(OpenError::HeadMismatch { detail });
            }
        };
        Self::settled(database, head, head_file, recovery)
    }

    /// Opens a database whose key file is gone, and writes a new one without keys: the personal
    /// parts recorded so far are then unreadable for good.
    ///
    /// For tools that restore. No other check is left out.
    ///
    /// # Errors
    /// [`OpenError`], `KeyFilePresent` where [`Self::open`] has what it needs.
    pub fn open_without_key_file(
        dir: &Path,
        origin: &str,
        options: Options,
    ) -> Result<Self, OpenError> {
        let path = KeyFile::path(dir);
        if path.exists() {
            return Err(OpenError::KeyFilePresent { path });
        }
        let (identity, slots) = {
            // Reads under the database's lock, which is given back before it is opened again.
            let db_dir = existing(dir)?;
            expect_families(&db_dir)?;
            let db = DB::open_cf_descriptors(&options.database(), &db_dir, options.families())
                .map_err(|error| open_error(dir, error))?;
            let database = Database::new(db);
            let identity = database.identity()?;
            expect_origin(&identity.origin, origin)?;
            (identity, database.view().key_slots()?)
        };
        KeyFile::create(dir, &identity.nonce, slots)?;
        Self::open(dir, origin, options)
    }

    /// Opens a database whose head file is gone, and writes a new one.
    ///
    /// For tools that restore: the caller knows, from a witness's cosigned checkpoint for example,
    /// that nothing beyond this database was ever signed. No other check is left out.
    ///
    /// # Errors
    /// [`OpenError`], `HeadFilePresent` where [`Self::open`] has what it needs.
    pub fn open_without_head_file(
        dir: &Path,
        origin: &str,
        options: Options,
    ) -> Result<Self, OpenError> {
        let db_dir = existing(dir)?;
        let path = HeadFile::path(dir);
        if path.exists() {
            return Err(OpenError::HeadFilePresent { path });
        }
        expect_families(&db_dir)?;
        let db = DB::open_cf_descriptors(&options.database(), &db_dir, options.families())
            .map_err(|error| open_error(dir, error))?;
        let mut database = Database::new(db);
        let identity = database.identity()?;
        expect_origin(&identity.origin, origin)?;
        database.keys = Some(existing_keys(dir, &identity)?);
        let head = database.checked_head()?;
        let head_file = HeadFile::create(dir, identity, Mark::of(head.as_ref()))?;
        Self::settled(database, head, head_file, Recovery::HeadFileBroughtUp)
    }

    /// The store, once the key file is as the ledger says: no key without a part, and none that
    /// was ordered destroyed.
    fn settled(
        database: Database,
        head: Option<Head>,
        head_file: HeadFile,
        recovery: Recovery,
    ) -> Result<Self, OpenError> {
        let view = database.view();
        let slots = view.key_slots()?;
        let mut destroyed = 0;
        if let Some(keys) = &database.keys {
            keys.settle(slots)?;
            destroyed = keys.destroy(&ordered_keys(&view)?)?;
        }
        drop(view);
        Ok(Self {
            database,
            committer: Mutex::new(Committer {
                head,
                head_file,
                slots,
            }),
            recovery,
            destroyed,
        })
    }

    /// Keys that the ledger had ordered destroyed and that opening still found: left by a crash,
    /// or brought back with an old copy of the key file.
    #[must_use]
    pub const fn keys_destroyed_on_opening(&self) -> usize {
        self.destroyed
    }

    /// What opening had to mend.
    #[must_use]
    pub const fn recovery(&self) -> Recovery {
        self.recovery
    }
}

/// Compactions take seconds and opening milliseconds: two in a row are rare already.
const READ_ONLY_ATTEMPTS: usize = 8;

/// A ledger's storage on disk, for reading alone: it takes no lock and writes nothing, so it may
/// be another process's, of which it shows the moment it was opened.
///
/// It keeps every file open, also those a writer removes later: one for each 50 MB of a ledger or
/// so, which a large one needs a higher `ulimit -n` for.
#[derive(Debug)]
pub struct ReadOnlyStore {
    database: Database,
}

impl ReadOnlyStore {
    /// Opens the ledger of the log `origin` in `dir`.
    ///
    /// # Errors
    /// [`OpenError`], as for [`RocksStore::open`], except that the database may be any number of
    /// blocks ahead of the head file, since a writer may be at work.
    pub fn open(dir: &Path, origin: &str, options: Options) -> Result<Self, OpenError> {
        let db_dir = existing(dir)?;
        let head_file = HeadFile::open(dir, false)?;
        expect_origin(&head_file.identity().origin, origin)?;
        expect_families(&db_dir)?;
        // Every file open from the start: the writer may remove any of them later.
        let options = Options {
            open_files_max: -1,
            ..options
        };
        let open = || {
            let families = options.families();
            DB::open_cf_descriptors_read_only(&options.database(), &db_dir, families, false)
        };
        // A writer that compacts while the list of files is read has removed some of them.
        let db = (1..READ_ONLY_ATTEMPTS)
            .find_map(|_| match open() {
                Err(error) if error.as_ref().contains("No such file") => None,
                outcome => Some(outcome),
            })
            .unwrap_or_else(open)
            .map_err(|error| open_error(dir, error))?;
        let mut database = Database::new(db);
        let identity = database.identity()?;
        expect_identity(&identity, head_file.identity(), origin)?;
        // A copy may have been made without keys: personal parts are then not to be read in it.
        database.keys = KeyFile::open(dir, &identity.nonce, false)?;
        let head = database.checked_head()?;
        Standing::of(&database, head_file.mark(), head.as_ref())?;
        Ok(Self { database })
    }

    /// The moment at which it was opened.
    #[must_use]
    pub fn view(&self) -> RocksView<'_> {
        self.database.view()
    }
}

/// An open database, and whether it may still be used.
pub(crate) struct Database {
    pub(crate) db: DB,
    /// Keys of personal parts; none in a copy that was made without.
    pub(crate) keys: Option<KeyFile>,
    /// Why a write failed, once one has.
    failed: OnceLock<String>,
}

impl fmt::Debug for Database {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Database")
            .field("path", &self.db.path())
            .finish_non_exhaustive()
    }
}

impl Database {
    const fn new(db: DB) -> Self {
        Self {
            db,
            keys: None,
            failed: OnceLock::new(),
        }
    }

    pub(crate) fn family(&self, family: Family) -> &ColumnFamily {
        self.db
            .cf_handle(family.name())
            .expect("opened with every family of the layout")
    }

    pub(crate) fn view(&self) -> RocksView<'_> {
        RocksView::new(self)
    }

    /// Ends the use of this store; the first reason stays.
    pub(crate) fn fail(&self, why: String) -> StoreError {
        StoreError::Unknown(self.failed.get_or_init(|| why).clone())
    }

    pub(crate) fn check_usable(&self) -> Result<(), StoreError> {
        match self.failed.get() {
            None => Ok(()),
            Some(why) => Err(StoreError::Unknown(why.clone())),
        }
    }

    /// Whose database this is; refuses another format.
    fn identity(&self) -> Result<Identity, OpenError> {
        let meta = |key: &[u8]| {
            let damage = || OpenError::Corrupt {
                what: "meta",
                detail: format!("{} is missing or malformed", String::from_utf8_lossy(key)),
            };
            let found = self
                .db
                .get_cf(self.family(Family::Meta), key)
                .map_err(|error| read_error("meta", error))?;
            Ok::<_, OpenError>((found.ok_or_else(damage)?, damage()))
        };
        let (format, damage) = meta(META_FORMAT)?;
        let found = u16::from_be_bytes(format.try_into().map_err(|_| damage)?);
        if found != FORMAT {
            return Err(OpenError::Format {
                found,
                supported: FORMAT,
            });
        }
        let (origin, damage) = meta(META_ORIGIN)?;
        let origin = String::from_utf8(origin).map_err(|_| damage)?;
        let (nonce, damage) = meta(META_NONCE)?;
        let nonce = Digest::from_slice(&nonce).ok_or(damage)?;
        Ok(Identity { origin, nonce })
    }

    /// The head, after the end of the log was read again.
    fn checked_head(&self) -> Result<Option<Head>, OpenError> {
        let view = self.view();
        let head = view.head()?;
        if let Some(head) = &head {
            tail::check(&view, head)?;
        }
        Ok(head)
    }
}

/// How a database stands to the head file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    Same,
    Ahead { blocks: u64 },
}

impl Standing {
    fn of(database: &Database, file: &Mark, head: Option<&Head>) -> Result<Self, OpenError> {
        let db = Mark::of(head);
        if db == *file {
            return Ok(Self::Same);
        }
        if db.size < file.size {
            return Err(OpenError::BehindHead {
                file_size: file.size,
                db_size: db.size,
            });
        }
        let mismatch = |detail| Err(OpenError::HeadMismatch { detail });
        let blocks = match db.blocks.checked_sub(file.blocks) {
            Some(0) | None => {
                return mismatch(format!("two heads of {} and {} leaves", file.size, db.size));
            }
            Some(blocks) => blocks,
        };
        // Ahead, then, but of the same history? The block that was signed must be in it.
        if let Some(header) = TreeSize(file.size).last() {
            let view = database.view();
            let same_block = view.block_of(header)?.is_some_and(|block| {
                block.header == header
                    && block.root == file.root
                    && block.height.checked_add(1) == Some(file.blocks)
            });
            let same_header = view
                .entry(header)?
                .is_some_and(|entry| leaf_hash(&entry) == file.header_hash);
            if !same_block || !same_header {
                return mismatch(format!("leaf {header} is not the block that was signed"));
            }
        }
        Ok(Self::Ahead { blocks })
    }
}

fn db_dir(dir: &Path) -> PathBuf {
    dir.join("db")
}

fn existing(dir: &Path) -> Result<PathBuf, OpenError> {
    let db_dir = db_dir(dir);
    if db_dir.is_dir() {
        Ok(db_dir)
    } else {
        Err(OpenError::NotFound {
            path: dir.to_owned(),
        })
    }
}

fn existing_keys(dir: &Path, identity: &Identity) -> Result<KeyFile, OpenError> {
    KeyFile::open(dir, &identity.nonce, true)?.ok_or_else(|| OpenError::KeyFileMissing {
        path: KeyFile::path(dir),
    })
}

/// A head file without a database is either what an interrupted creation left, or all that is
/// left of a ledger that signed something.
fn refuse_orphaned_head(dir: &Path) -> Result<(), OpenError> {
    if !HeadFile::path(dir).exists() {
        return Ok(());
    }
    let size = HeadFile::open(dir, false)?.mark().size;
    if size > 0 {
        let detail = format!("{size} leaves were signed here, and the database is gone");
        return Err(OpenError::HeadMismatch { detail });
    }
    Ok(())
}

fn create_database(new_dir: &Path, origin: &str, options: Options) -> Result<Identity, OpenError> {
    let failed = |error: rocksdb::Error| OpenError::Io(error.into_string());
    let mut database_options = options.database();
    database_options.create_if_missing(true);
    database_options.create_missing_column_families(true);
    let db =
        DB::open_cf_descriptors(&database_options, new_dir, options.families()).map_err(failed)?;
    let database = Database::new(db);
    // RocksDB names each database by a random UUID of the operating system.
    let nonce = Digest::of(&database.db.get_db_identity().map_err(failed)?);
    let meta = database.family(Family::Meta);
    let mut batch = WriteBatch::default();
    batch.put_cf(meta, META_FORMAT, FORMAT.to_be_bytes());
    batch.put_cf(meta, META_ORIGIN, origin);
    batch.put_cf(meta, META_NONCE, nonce.as_bytes());
    batch.put_cf(meta, META_SLOTS, 0_u64.to_be_bytes());
    let mut write_options = WriteOptions::default();
    write_options.set_sync(true);
    database
        .db
        .write_opt(batch, &write_options)
        .map_err(failed)?;
    Ok(Identity {
        origin: origin.to_owned(),
        nonce,
    })
}

fn expect_origin(found: &str, expected: &str) -> Result<(), OpenError> {
    if found == expected {
        return Ok(());
    }
    Err(OpenError::OtherOrigin {
        found: found.to_owned(),
        expected: expected.to_owned(),
    })
}

fn expect_identity(found: &Identity, file: &Identity, origin: &str) -> Result<(), OpenError> {
    expect_origin(&found.origin, origin)?;
    if found.nonce != file.nonce {
        let detail = "they were created apart".to_owned();
        return Err(OpenError::HeadMismatch { detail });
    }
    Ok(())
}

/// Other families than this format's would be opened, or left out, without a word.
fn expect_families(db_dir: &Path) -> Result<(), OpenError> {
    let mut found =
        DB::list_cf(&rocksdb::Options::default(), db_dir).map_err(|error| OpenError::Corrupt {
            what: "manifest",
            detail: error.into_string(),
        })?;
    let mut expected: Vec<&str> = Family::ALL.iter().map(|family| family.name()).collect();
    expected.push(DEFAULT_COLUMN_FAMILY_NAME);
    found.sort_unstable();
    expected.sort_unstable();
    if found != expected {
        let detail = format!("the column families are {found:?}, in format {FORMAT} {expected:?}");
        return Err(OpenError::Corrupt {
            what: "manifest",
            detail,
        });
    }
    Ok(())
}

fn open_error(dir: &Path, error: rocksdb::Error) -> OpenError {
    // RocksDB tells a held lock from other refusals in words only.
    if error.kind() == ErrorKind::IOError && error.as_ref().contains("/LOCK:") {
        return OpenError::Locked {
            path: dir.to_owned(),
        };
    }
    read_error("database", error).into()
}
