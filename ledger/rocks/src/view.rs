//! Reads on a RocksDB snapshot.
//!
//! **Invariant:** what is missing below the head's size is damage, never an empty answer.

use crate::error::read_error;
use crate::layout::{
    Family, META_HEAD, META_SLOTS, leaf_key, parse_leaf_key, parse_posting_key, posting_key,
    tile_key,
};
use crate::open::Database;
use ledger::block::{BlockRecord, Head};
use ledger::hash::Digest;
use ledger::ids::LeafIndex;
use ledger::personal::{Gone, Kept, KeyRef};
use ledger::state::StateKey;
use ledger::statemap::{Page, PagePath};
use ledger::store::{EntryWrite, EventRef, Posting, StoreError, TILE_HASHES, View};
use rocksdb::{DBPinnableSlice, IteratorMode, PrefixRange, ReadOptions, Snapshot};
use std::fmt;

/// Reads of one consistent moment of a ledger on disk.
///
/// It keeps files and memory of that moment alive: hold it for one answer, not for the process.
pub struct RocksView<'a> {
    database: &'a Database,
    snapshot: Snapshot<'a>,
}

impl fmt::Debug for RocksView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RocksView")
            .field("sequence", &self.snapshot.sequence_number())
            .finish()
    }
}

fn decode_block(bytes: &[u8]) -> Result<BlockRecord, StoreError> {
    BlockRecord::decode(bytes).map_err(|why| StoreError::Corrupt {
        what: "block",
        detail: why.to_string(),
    })
}

fn decode_page(path: &PagePath, bytes: &[u8]) -> Result<Page, StoreError> {
    Page::decode(path, bytes).map_err(|why| StoreError::Corrupt {
        what: "page",
        detail: format!("{path:?}: {why}"),
    })
}

/// Read ahead in a scan of everything: a few blocks of a plain disk.
const SCAN_AHEAD_BYTES: usize = 1 << 20;

/// A key and its value.
type Pair = (Box<[u8]>, Box<[u8]>);

impl<'a> RocksView<'a> {
    pub(crate) fn new(database: &'a Database) -> Self {
        Self {
            database,
            snapshot: database.db.snapshot(),
        }
    }

    fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_verify_checksums(true);
        options.set_snapshot(&self.snapshot);
        options
    }

    fn read(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
        self.database.check_usable()?;
        self.database
            .db
            .get_cf_opt(self.database.family(family), key, &self.options())
            .map_err(|error| read_error(family.name(), error))
    }

    /// One batched read; answers in the order of `keys`.
    fn read_many<K: AsRef<[u8]>>(
        &self,
        family: Family,
        keys: &[K],
    ) -> Result<Vec<Option<DBPinnableSlice<'_>>>, StoreError> {
        self.database.check_usable()?;
        self.database
            .db
            .batched_multi_get_cf_opt(self.database.family(family), keys, false, &self.options())
            .into_iter()
            .map(|found| found.map_err(|error| read_error(family.name(), error)))
            .collect()
    }

    /// The pairs of `family` within the bounds of `options`, in order.
    fn scan(
        &self,
        family: Family,
        options: ReadOptions,
    ) -> Result<impl Iterator<Item = Result<Pair, StoreError>>, StoreError> {
        self.database.check_usable()?;
        let found = self.database.db.iterator_cf_opt(
            self.database.family(family),
            options,
            IteratorMode::Start,
        );
        Ok(found.map(move |pair| pair.map_err(|error| read_error(family.name(), error))))
    }

    /// Up to `limit` pairs of `family` whose keys follow `after`, in order.
    fn scan_after(
        &self,
        family: Family,
        after: Option<impl AsRef<[u8]>>,
        limit: usize,
    ) -> Result<impl Iterator<Item = Result<Pair, StoreError>>, StoreError> {
        let mut options = self.options();
        // Postings are filtered by prefix; this passes over all of them.
        options.set_total_order_seek(true);
        // What an audit reads once would push out what answers need.
        options.fill_cache(false);
        options.set_readahead_size(SCAN_AHEAD_BYTES);
        if let Some(after) = after {
            // The least key that is greater.
            let mut first = after.as_ref().to_vec();
            first.push(0);
            options.set_iterate_lower_bound(first);
        }
        Ok(self.scan(family, options)?.take(limit))
    }

    fn size(&self) -> Result<u64, StoreError> {
        Ok(self.head()?.map_or(0, |head| head.size().0))
    }

    /// `None` for a leaf beyond the head, damage below it.
    fn absent<T>(&self, what: &'static str, leaf: LeafIndex) -> Result<Option<T>, StoreError> {
        if leaf.0 < self.size()? {
            return Err(StoreError::Corrupt {
                what,
                detail: format!("leaf {leaf} is missing"),
            });
        }
        Ok(None)
    }

    /// The values of `family` at the leaves `from..to`, in order, with gaps.
    fn leaf_range(
        &self,
        family: Family,
        from: u64,
        to: u64,
    ) -> Result<impl Iterator<Item = Result<(u64, Vec<u8>), StoreError>>, StoreError> {
        let mut options = self.options();
        options.set_iterate_lower_bound(from.to_be_bytes());
        options.set_iterate_upper_bound(to.to_be_bytes());
        Ok(self.scan(family, options)?.map(move |pair| {
            let (key, value) = pair?;
            let leaf = parse_leaf_key(&key).ok_or_else(|| bad_key(family))?;
            Ok((leaf.0, value.into_vec()))
        }))
    }
}

fn bad_key(family: Family) -> StoreError {
    StoreError::Corrupt {
        what: family.name(),
        detail: "a key of the wrong length".to_owned(),
    }
}

impl View for RocksView<'_> {
    fn head(&self) -> Result<Option<Head>, StoreError> {
        let decode = |bytes: Vec<u8>| {
            Head::decode(&bytes).map_err(|why| StoreError::Corrupt {
                what: "head",
                detail: why.to_string(),
            })
        };
        self.read(Family::Meta, META_HEAD)?.map(decode).transpose()
    }

    fn entry(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        match self.read(Family::Entries, &leaf_key(leaf))? {
            Some(entry) => Ok(Some(entry)),
            None => self.absent("entry", leaf),
        }
    }

    fn body(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(Family::Bodies, &leaf_key(leaf))
    }

    fn effects(&self, leaf: LeafIndex) -> Result<Option<Vec<u8>>, StoreError> {
        self.read(Family::Effects, &leaf_key(leaf))
    }

    fn leaves(&self, from: LeafIndex, limit: usize) -> Result<Vec<EntryWrite>, StoreError> {
        self.leaves_within(from, limit, usize::MAX)
    }

    fn leaves_within(
        &self,
        from: LeafIndex,
        limit: usize,
        bytes: usize,
    ) -> Result<Vec<EntryWrite>, StoreError> {
        let limit = u64::try_from(limit).unwrap_or(u64::MAX);
        let to = from.0.saturating_add(limit).min(self.size()?);
        if from.0 >= to || bytes == 0 {
            return Ok(Vec::new());
        }
        let mut entries = self.leaf_range(Family::Entries, from.0, to)?;
        let mut bodies = Aligned::new(self.leaf_range(Family::Bodies, from.0, to)?);
        let mut effects = Aligned::new(self.leaf_range(Family::Effects, from.0, to)?);
        let (mut found, mut read) = (Vec::new(), 0_usize);
        for leaf in from.0..to {
            let entry = match entries.next().transpose()? {
                Some((found, entry)) if found == leaf => entry,
                Some(_) | None => {
                    return Err(StoreError::Corrupt {
                        what: "entry",
                        detail: format!("leaf {leaf} is missing"),
                    });
                }
            };
            let body = bodies.at(leaf)?;
            read = read.saturating_add(body.len());
            found.push(EntryWrite {
                leaf: LeafIndex(leaf),
                entry,
                body,
                effects: effects.at(leaf)?,
            });
            if read >= bytes {
                break;
            }
        }
        Ok(found)
    }

    fn entries_with_bodies(
        &self,
        leaves: &[LeafIndex],
    ) -> Result<Vec<Option<(Vec<u8>, Vec<u8>)>>, StoreError> {
        let keys: Vec<[u8; 8]> = leaves.iter().copied().map(leaf_key).collect();
        let entries = self.read_many(Family::Entries, &keys)?;
        let bodies = self.read_many(Family::Bodies, &keys)?;
        leaves
            .iter()
            .zip(entries.into_iter().zip(bodies))
            .map(|(leaf, (entry, body))| match entry {
                Some(entry) => {
                    let body = body.map_or_else(Vec::new, |body| body.to_vec());
                    Ok(Some((entry.to_vec(), body)))
                }
                None => self.absent("entry", *leaf),
            })
            .collect()
    }

    fn tile(&self, level: u8, index: u64) -> Result<Option<Vec<Digest>>, StoreError> {
        let Some(bytes) = self.read(Family::Tiles, &tile_key(level, index))? else {
            return Ok(None);
        };
        let (hashes, rest) = bytes.as_chunks::<32>();
        if !rest.is_empty() || !(1..=TILE_HASHES).contains(&hashes.len()) {
            let detail = format!("tile {level}/{index} has {} bytes", bytes.len());
            return Err(StoreError::Corrupt {
                what: "tile",
                detail,
            });
        }
        Ok(Some(hashes.iter().copied().map(Digest).collect()))
    }

    fn block_of(&self, leaf: LeafIndex) -> Result<Option<BlockRecord>, StoreError> {
        let mut options = self.options();
        options.set_iterate_lower_bound(leaf_key(leaf));
        let Some((_, bytes)) = self.scan(Family::Blocks, options)?.next().transpose()? else {
            return self.absent("block", leaf);
        };
        decode_block(&bytes).map(Some)
    }

    fn blocks_of(&self, leaves: &[LeafIndex]) -> Result<Vec<Option<BlockRecord>>, StoreError> {
        self.database.check_usable()?;
        let family = Family::Blocks;
        let mut blocks = self
            .database
            .db
            .raw_iterator_cf_opt(self.database.family(family), self.options());
        let mut here: Option<LeafIndex> = None;
        leaves
            .iter()
            .map(|leaf| {
                // Leaves rise: the block under the cursor is the first that ends at or after the
                // leaf before, and so it is this one's too, unless it ends before it.
                if here.is_none_or(|end| end < *leaf) {
                    blocks.seek(leaf_key(*leaf));
                    here = blocks.key().and_then(parse_leaf_key);
                }
                blocks
                    .status()
                    .map_err(|error| read_error(family.name(), error))?;
                match blocks.value() {
                    None => self.absent("block", *leaf),
                    Some(bytes) => decode_block(bytes).map(Some),
                }
            })
            .collect()
    }

    fn records(&self, keys: &[StateKey]) -> Result<Vec<Option<Vec<u8>>>, StoreError> {
        let keys: Vec<[u8; 33]> = keys.iter().map(|key| key.to_bytes()).collect();
        let found = self.read_many(Family::Records, &keys)?;
        Ok(found
            .into_iter()
            .map(|record| record.map(|bytes| bytes.to_vec()))
            .collect())
    }

    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, StoreError> {
        let keys: Vec<Vec<u8>> = paths.iter().map(PagePath::encode).collect();
        let found = self.read_many(Family::Pages, &keys)?;
        paths
            .iter()
            .zip(found)
            .map(|(path, bytes)| bytes.map(|bytes| decode_page(path, &bytes)).transpose())
            .collect()
    }

    fn postings(&self, item: &StateKey, limit: usize) -> Result<Vec<EventRef>, StoreError> {
        let mut options = self.options();
        options.set_iterate_range(PrefixRange(item.digest.as_bytes().as_slice()));
        options.set_prefix_same_as_start(true);
        self.scan(Family::Postings, options)?
            .take(limit)
            .map(|pair| {
                let (_, at) =
                    parse_posting_key(&pair?.0).ok_or_else(|| bad_key(Family::Postings))?;
                Ok(at)
            })
            .collect()
    }

    fn records_after(
        &self,
        after: Option<StateKey>,
        limit: usize,
    ) -> Result<Vec<(StateKey, Vec<u8>)>, StoreError> {
        let after = after.map(|key| key.to_bytes());
        self.scan_after(Family::Records, after, limit)?
            .map(|pair| {
                let (key, record) = pair?;
                let key = StateKey::from_bytes(&key).ok_or_else(|| bad_key(Family::Records))?;
                Ok((key, record.into_vec()))
            })
            .collect()
    }

    fn pages_after(
        &self,
        after: Option<PagePath>,
        limit: usize,
    ) -> Result<Vec<(PagePath, Page)>, StoreError> {
        let after = after.map(|path| path.encode());
        self.scan_after(Family::Pages, after, limit)?
            .map(|pair| {
                let (path, page) = pair?;
                let path = PagePath::decode(&path).map_err(|_| bad_key(Family::Pages))?;
                Ok((path, decode_page(&path, &page)?))
            })
            .collect()
    }

    fn postings_after(
        &self,
        after: Option<Posting>,
        limit: usize,
    ) -> Result<Vec<Posting>, StoreError> {
        let after = after.map(|(item, at)| posting_key(&item, at));
        self.scan_after(Family::Postings, after, limit)?
            .map(|pair| parse_posting_key(&pair?.0).ok_or_else(|| bad_key(Family::Postings)))
            .collect()
    }

    fn key_slots(&self) -> Result<u64, StoreError> {
        let bytes = self.read(Family::Meta, META_SLOTS)?;
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(u64::from_be_bytes)
            .ok_or_else(|| StoreError::Corrupt {
                what: "meta",
                detail: "slots is missing or malformed".to_owned(),
            })
    }

    fn part_key(&self, at: &KeyRef) -> Result<Kept, StoreError> {
        self.database.check_usable()?;
        let Some(keys) = &self.database.keys else {
            return Ok(Kept::Gone(Gone::Elsewhere));
        };
        keys.read(at)
            .map_err(|why| StoreError::Io(format!("key file: {why}")))
    }

    fn postings_of(
        &self,
        items: &[StateKey],
        limit: usize,
    ) -> Result<Vec<Vec<EventRef>>, StoreError> {
        self.lists(items, limit)
    }
}

impl RocksView<'_> {
    /// The lists of many items with one cursor, in the order of their keys.
    fn lists(&self, items: &[StateKey], limit: usize) -> Result<Vec<Vec<EventRef>>, StoreError> {
        self.database.check_usable()?;
        let family = Family::Postings;
        let mut options = self.options();
        options.set_prefix_same_as_start(true);
        let mut cursor = self
            .database
            .db
            .raw_iterator_cf_opt(self.database.family(family), options);
        let mut order: Vec<usize> = (0..items.len()).collect();
        order.sort_by_key(|place| items.get(*place).map(|item| item.digest));
        let mut found = vec![Vec::new(); items.len()];
        for place in order {
            let (Some(item), Some(list)) = (items.get(place), found.get_mut(place)) else {
                continue;
            };
            let prefix = item.digest.as_bytes().as_slice();
            cursor.seek(prefix);
            while list.len() < limit
                && let Some(key) = cursor.key().filter(|key| key.starts_with(prefix))
            {
                let (_, at) = parse_posting_key(key).ok_or_else(|| bad_key(family))?;
                list.push(at);
                cursor.next();
            }
            cursor
                .status()
                .map_err(|error| read_error(family.name(), error))?;
        }
        Ok(found)
    }
}

/// Values at some of the leaves that are walked.
struct Aligned<I> {
    rest: I,
    ahead: Option<(u64, Vec<u8>)>,
}

impl<I: Iterator<Item = Result<(u64, Vec<u8>), StoreError>>> Aligned<I> {
    const fn new(rest: I) -> Self {
        Self { rest, ahead: None }
    }

    /// The value at `leaf`, empty where there is none. Leaves are asked for in order.
    fn at(&mut self, leaf: u64) -> Result<Vec<u8>, StoreError> {
        if self.ahead.is_none() {
            self.ahead = self.rest.next().transpose()?;
        }
        let here = self.ahead.take_if(|(found, _)| *found == leaf);
        Ok(here.map_or_else(Vec::new, |(_, value)| value))
    }
}
