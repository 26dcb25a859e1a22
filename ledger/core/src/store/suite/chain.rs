//! A small log that is right in every part a store can check, made of made-up statements.

use super::super::{EntryWrite, EventRef, TILE_HASHES, WriteSet};
use crate::block::{BlockRecord, Head};
use crate::hash::{Digest, leaf_hash, node_hash};
use crate::ids::{LeafIndex, UnixMillis};
use crate::state::StateKey;
use crate::statemap::{self, MemoryPages};
use std::collections::BTreeMap;

/// Sizes of one made-up statement, in bytes.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    /// Of the entry.
    pub entry: usize,
    /// Of the body.
    pub body: usize,
    /// Of the effects.
    pub effects: usize,
}

/// Makes the write sets of successive blocks.
#[derive(Clone, Debug)]
pub struct Chain {
    sizes: Sizes,
    head: Option<Head>,
    /// `levels[l]`: hashes of the full subtrees of `256^l` leaves.
    levels: Vec<Vec<Digest>>,
    pages: MemoryPages,
    state: Digest,
}

impl Default for Chain {
    fn default() -> Self {
        Self::new(Sizes {
            entry: 120,
            body: 80,
            effects: 40,
        })
    }
}

impl Chain {
    /// An empty log of statements of these sizes.
    #[must_use]
    pub fn new(sizes: Sizes) -> Self {
        let (pages, state) = (MemoryPages::new(), statemap::EMPTY_ROOT);
        Self {
            sizes,
            head: None,
            levels: vec![Vec::new()],
            pages,
            state,
        }
    }

    /// The head after the blocks made so far.
    #[must_use]
    pub const fn head(&self) -> Option<&Head> {
        self.head.as_ref()
    }

    /// The item that statements at `leaf` are about: one item for three statements.
    #[must_use]
    pub fn item(leaf: u64) -> StateKey {
        StateKey::item(&format!(
            "https://id.gs1.org/01/09506000134352/10/{}",
            leaf / 3
        ))
    }

    /// The capture record's key of the statement at `leaf`.
    #[must_use]
    pub fn capture(leaf: u64) -> StateKey {
        StateKey {
            class: crate::state::Class::Capture,
            digest: Digest::of(&leaf.to_be_bytes()),
        }
    }

    /// The next block: `statements` leaves and its header.
    ///
    /// # Panics
    /// If the state map refuses, which would be a fault of this generator.
    #[must_use]
    pub fn block(&mut self, statements: u64) -> WriteSet {
        let size = self.head.as_ref().map_or(0, |head| head.size().0);
        let height = self.head.as_ref().map_or(0, |head| head.block.height + 1);
        let starts: Vec<usize> = self.levels.iter().map(Vec::len).collect();
        let mut entries = Vec::new();
        let mut records = Vec::new();
        let mut postings = Vec::new();
        let mut changes = BTreeMap::new();
        for leaf in size..size + statements {
            entries.push(EntryWrite {
                leaf: LeafIndex(leaf),
                entry: filler("entry", leaf, self.sizes.entry),
                body: filler("body", leaf, self.sizes.body),
                effects: filler("effects", leaf, self.sizes.effects),
            });
            let item = Self::item(leaf);
            let event = StateKey {
                class: crate::state::Class::Event,
                digest: Digest::of_all(&[b"event", &leaf.to_be_bytes()]),
            };
            records.push((Self::capture(leaf), filler("capture", leaf, 48)));
            records.push((event, filler("event", leaf, 48)));
            records.push((item, filler("item", leaf, 80)));
            changes.insert(item.digest, Digest::of(&leaf.to_be_bytes()));
            // More keys than a real log commits to, so that a statement changes 2 to 4 pages.
            changes.insert(event.digest, Digest::of(&leaf.to_be_bytes()));
            postings.push((
                item,
                EventRef {
                    leaf: LeafIndex(leaf),
                    index: 0,
                },
            ));
        }
        let header = LeafIndex(size + statements);
        let entry = filler("header", header.0, self.sizes.entry);
        entries.push(EntryWrite {
            leaf: header,
            entry,
            body: Vec::new(),
            effects: Vec::new(),
        });
        for write in &entries {
            self.push_leaf(leaf_hash(&write.entry));
        }

        let changes: Vec<_> = changes.into_iter().collect();
        let update = statemap::update(&self.pages, &self.state, &changes).expect("pages in memory");
        self.state = update.root;
        let pages = update.pages.clone();
        self.pages.apply(update);

        let peaks = self.peaks();
        let root = root_of_peaks(&peaks).expect("a block has a header");
        let time =
            UnixMillis(1_700_000_000_000 + 1000 * i64::try_from(height).expect("few blocks"));
        let block = BlockRecord {
            header,
            height,
            root,
            time,
        };
        let head = Head {
            block,
            header_hash: *self.levels[0].last().expect("a block has a header"),
            peaks,
            state: self.state,
            events: size + statements - height,
            checkpoint: format!(
                "log.example\n{}\n{root}\n\n— log.example sig\n",
                header.0 + 1
            ),
        };
        self.head = Some(head.clone());
        WriteSet {
            entries,
            tiles: self.tiles_since(&starts),
            records,
            pages,
            postings,
            earlier: Vec::new(),
            block,
            head,
            part_keys: Vec::new(),
            destroyed: Vec::new(),
        }
    }

    fn push_leaf(&mut self, hash: Digest) {
        let mut hash = hash;
        for level in 0.. {
            if level == self.levels.len() {
                self.levels.push(Vec::new());
            }
            let hashes = &mut self.levels[level];
            hashes.push(hash);
            if !hashes.len().is_multiple_of(TILE_HASHES) {
                return;
            }
            hash = subtree(&hashes[hashes.len() - TILE_HASHES..]);
        }
    }

    fn tiles_since(&self, starts: &[usize]) -> Vec<(u8, u64, Vec<Digest>)> {
        let mut tiles = Vec::new();
        for (level, hashes) in self.levels.iter().enumerate() {
            let first = starts.get(level).map_or(0, |start| start / TILE_HASHES);
            for (index, tile) in hashes.chunks(TILE_HASHES).enumerate().skip(first) {
                let level = u8::try_from(level).expect("at most 8 levels");
                tiles.push((level, u64::try_from(index).expect("fits"), tile.to_vec()));
            }
        }
        tiles
    }

    fn peaks(&self) -> Vec<Digest> {
        let mut peaks = Vec::new();
        for hashes in self.levels.iter().rev() {
            let mut rest = &hashes[hashes.len() / TILE_HASHES * TILE_HASHES..];
            while !rest.is_empty() {
                let (peak, after) = rest.split_at(1 << rest.len().ilog2());
                peaks.push(subtree(peak));
                rest = after;
            }
        }
        peaks
    }
}

/// Root of a full tree over `hashes`, a power of two of them.
fn subtree(hashes: &[Digest]) -> Digest {
    let mut row = hashes.to_vec();
    while row.len() > 1 {
        row = row
            .chunks(2)
            .map(|pair| node_hash(&pair[0], &pair[1]))
            .collect();
    }
    row[0]
}

fn root_of_peaks(peaks: &[Digest]) -> Option<Digest> {
    peaks
        .iter()
        .rev()
        .copied()
        .reduce(|right, left| node_hash(&left, &right))
}

/// `length` bytes that say what they are and compress badly, as signatures and hashes do.
fn filler(what: &str, number: u64, length: usize) -> Vec<u8> {
    let mut bytes = format!("{what} {number} ").into_bytes();
    let mut block = Digest::of(&bytes);
    while bytes.len() < length {
        bytes.extend_from_slice(&block.0);
        block = Digest::of(&block.0);
    }
    bytes.truncate(length);
    bytes
}
