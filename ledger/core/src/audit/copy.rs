//! A replay whose result is kept: what a mirror writes of another region's log.
//!
//! The mirror's store is a ledger's store like any other, but that it is never signed for. Blocks
//! are taken in spans, of many blocks where it catches up, and each span is one write: whatever
//! moment it is cut off at, the store ends with a whole block that was verified.
//!
//! Personal parts, where an agreement gives them at all, are sealed here under keys of this copy's
//! own, and deleted by the same orders as at home.

use super::{AuditFinding, Auditor, Records};
use crate::block::{BlockRecord, Head};
use crate::disclosure::{Class, Disclosed};
use crate::forget::{Order, named_keys};
use crate::hash::Digest;
use crate::ids::{LeafIndex, TreeSize, UnixMillis};
use crate::merkle::Frontier;
use crate::merkle::tile::TiledTree;
use crate::personal::{KeyRef, PartKey, PartPlace, Secrets, seal_part};
use crate::registry::Action;
use crate::seal::{ViewTiles, tile_error};
use crate::state::StateKey;
use crate::statemap::{MemoryPages, PagePath, Pages as _};
use crate::statement::{Payload, SignedStatement};
use crate::store::{EntryWrite, EventRef, StoreError, View, WriteSet};
use crate::stored;
use std::fmt;

/// State records and pages kept in memory between two spans: some 300 MB. More are read again from
/// the store when they are needed.
const RECORDS_MAX: usize = 1_000_000;
const PAGES_MAX: usize = 500_000;

/// A leaf's bytes as they came.
#[derive(Debug)]
pub(super) struct Arrived {
    pub(super) entry: Vec<u8>,
    pub(super) body: Vec<u8>,
    /// Where personal parts are among them: the statement's identity, and its disclosures.
    pub(super) personal: Option<(Digest, Vec<Disclosed>)>,
}

/// What must be sealed before it is stored; most bodies are stored as they came.
pub(super) fn with_personal(
    statement: &SignedStatement,
    disclosed: &[Disclosed],
) -> Option<(Digest, Vec<Disclosed>)> {
    let mut parts = disclosed.iter().flat_map(|one| &one.parts);
    parts
        .any(|part| part.class() == Class::Personal)
        .then(|| (statement.signed_digest(), disclosed.to_vec()))
}

/// What is to be written of the blocks since the last span.
pub(super) struct Copying<'a> {
    secrets: &'a dyn Secrets,
    /// As of the last span.
    tree: TiledTree,
    slots: u64,
    entries: Vec<EntryWrite>,
    bytes: usize,
    pub(super) blocks: Vec<BlockRecord>,
    pub(super) pages: Vec<PagePath>,
    postings: Vec<(StateKey, EventRef)>,
    part_keys: Vec<(KeyRef, PartKey)>,
    destroyed: Vec<KeyRef>,
    /// Why it cannot be written: the copy's own fault, not the log's.
    failed: Option<StoreError>,
}

impl fmt::Debug for Copying<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Copying")
            .field("entries", &self.entries.len())
            .finish_non_exhaustive()
    }
}

impl Copying<'_> {
    /// Takes a block's header.
    pub(super) fn header(&mut self, leaf: LeafIndex, arrived: Arrived) {
        self.entries.push(EntryWrite {
            leaf,
            entry: arrived.entry,
            body: Vec::new(),
            effects: Vec::new(),
        });
    }

    fn sealed(
        &mut self,
        origin: &str,
        statement: Digest,
        disclosed: &[Disclosed],
    ) -> Result<Vec<u8>, StoreError> {
        stored::encode(disclosed, |index, part| {
            let place = PartPlace {
                origin,
                statement,
                index,
            };
            let (sealed, key) = seal_part(part, place, self.slots, self.secrets)?;
            self.part_keys.push((sealed.key_ref(place), key));
            self.slots += 1;
            Ok(sealed)
        })
    }
}

impl<'a> Auditor<'a> {
    /// A replay that goes on where a copy of the log named `origin` ends, and keeps what is to be
    /// written to it. `secrets` gives the keys of personal parts.
    ///
    /// # Errors
    /// [`StoreError`] where the copy is damaged.
    pub fn resume(
        origin: &str,
        view: impl View + Send + 'a,
        secrets: &'a dyn Secrets,
    ) -> Result<Self, StoreError> {
        let mut auditor = Self::new(origin);
        let head = view.head()?;
        let begun = head.is_some();
        if let Some(head) = head {
            let frontier = Frontier::from_peaks(head.size(), head.peaks).map_err(|why| {
                StoreError::Corrupt {
                    what: "head",
                    detail: why.to_string(),
                }
            })?;
            auditor.sound = frontier.size();
            auditor.tree = frontier;
            auditor.header_hash = head.header_hash;
            auditor.height = head.block.height + 1;
            auditor.time = Some(head.block.time);
            auditor.events = head.events;
            auditor.state_root = head.state;
        }
        let tree = TiledTree::open(&ViewTiles(&view), auditor.tree.clone()).map_err(tile_error)?;
        auditor.copy = Some(Copying {
            secrets,
            tree,
            slots: view.key_slots()?,
            entries: Vec::new(),
            bytes: 0,
            blocks: Vec::new(),
            pages: Vec::new(),
            postings: Vec::new(),
            part_keys: Vec::new(),
            destroyed: Vec::new(),
            failed: None,
        });
        auditor.state.written = Some(Vec::new());
        auditor.state.base = Some(Box::new(view));
        auditor.state.complete = !begun;
        Ok(auditor)
    }

    /// What to write of the blocks closed since the last span; `None` where there are none.
    /// `checkpoint` is kept with the head.
    ///
    /// Ask [`Self::fault`] first: what is at fault must not be written.
    ///
    /// # Errors
    /// [`StoreError`] where the copy cannot be kept.
    pub fn span(&mut self, checkpoint: String) -> Result<Option<WriteSet>, StoreError> {
        let Some(copy) = &mut self.copy else {
            return Ok(None);
        };
        if let Some(error) = copy.failed.take() {
            return Err(error);
        }
        let mut earlier = std::mem::take(&mut copy.blocks);
        let Some(block) = earlier.pop() else {
            return Ok(None);
        };
        let entries = std::mem::take(&mut copy.entries);
        copy.bytes = 0;
        // Leaves of a block that is still open have hashes here already.
        let hashes: Vec<Digest> = self.leaf_hashes.drain(..entries.len()).collect();
        let mut paths = std::mem::take(&mut copy.pages);
        paths.sort_unstable();
        paths.dedup();
        let Ok(pages) = self.pages.pages(&paths);
        let mut keys = self.state.written.replace(Vec::new()).unwrap_or_default();
        keys.sort_unstable();
        keys.dedup();
        let record = |key: &StateKey| Some((*key, self.state.records.get(key)?.to_vec()));
        Ok(Some(WriteSet {
            entries,
            tiles: copy.tree.append(&hashes),
            records: keys.iter().filter_map(record).collect(),
            pages: paths
                .into_iter()
                .zip(pages)
                .filter_map(|(path, page)| Some((path, page?)))
                .collect(),
            postings: std::mem::take(&mut copy.postings),
            earlier,
            block,
            head: Head {
                block,
                header_hash: self.header_hash,
                peaks: self.tree.peaks().to_vec(),
                state: self.state_root,
                events: self.events,
                checkpoint,
            },
            part_keys: std::mem::take(&mut copy.part_keys),
            destroyed: std::mem::take(&mut copy.destroyed),
        }))
    }

    /// Goes on over `view`, which holds every span taken so far.
    pub fn written(&mut self, view: impl View + Send + 'a) {
        self.state.base = Some(Box::new(view));
        if self.state.records.len() > RECORDS_MAX || self.pages.len() > PAGES_MAX {
            self.state.records = Records::default();
            self.pages = MemoryPages::new();
            self.state.complete = false;
        }
    }

    /// Leaves up to the last block before any fault.
    #[must_use]
    pub const fn sound(&self) -> TreeSize {
        self.sound
    }

    /// The first thing that was wrong.
    #[must_use]
    pub fn fault(&self) -> Option<&AuditFinding> {
        self.findings.iter().find(|finding| finding.is_fault())
    }

    /// Statements whose body did not come: their effects are taken, not recomputed.
    #[must_use]
    pub const fn taken(&self) -> u64 {
        self.taken
    }

    /// Orders to delete that were replayed.
    #[must_use]
    pub const fn orders(&self) -> usize {
        self.orders.len()
    }

    /// The root of the tree replayed so far.
    #[must_use]
    pub fn root(&self) -> Digest {
        self.tree.root()
    }

    /// The root of the state reached, and events and blocks so far.
    #[must_use]
    pub const fn reached(&self) -> (Digest, u64, u64) {
        (self.state_root, self.events, self.height)
    }

    /// When the newest block was sealed.
    #[must_use]
    pub const fn time(&self) -> Option<UnixMillis> {
        self.time
    }

    /// Leaves that wait for [`Self::span`], and bytes of their entries, bodies and effects.
    #[must_use]
    pub fn waiting(&self) -> (usize, usize) {
        let copy = self.copy.as_ref();
        copy.map_or((0, 0), |copy| (copy.entries.len(), copy.bytes))
    }

    /// Keeps a leaf for the copy.
    pub(super) fn keep(
        &mut self,
        leaf: LeafIndex,
        arrived: Option<Arrived>,
        effects: Vec<u8>,
        postings: Vec<(StateKey, EventRef)>,
    ) {
        let (Some(copy), Some(arrived)) = (&mut self.copy, arrived) else {
            return;
        };
        let Arrived {
            entry,
            body,
            personal,
        } = arrived;
        let body = match &personal {
            None => Ok(body),
            Some((statement, disclosed)) => copy.sealed(&self.origin, *statement, disclosed),
        };
        let body = body.unwrap_or_else(|error| {
            copy.failed.get_or_insert(error);
            Vec::new()
        });
        copy.postings.extend(postings);
        copy.bytes += entry.len() + body.len() + effects.len();
        copy.entries.push(EntryWrite {
            leaf,
            entry,
            body,
            effects,
        });
    }

    /// Notes the keys that an order names, in so far as this copy has them.
    pub(super) fn obey(&mut self, orders: &[Order]) {
        let Some(copy) = &mut self.copy else {
            return;
        };
        for order in orders {
            let leaf = order.at.leaf;
            let here = copy.entries.binary_search_by_key(&leaf, |one| one.leaf);
            let stored = match (here, &self.state.base) {
                (Ok(at), _) => Ok(copy
                    .entries
                    .get(at)
                    .map(|one| (one.entry.clone(), one.body.clone()))),
                (Err(_), Some(base)) => base
                    .entries_with_bodies(&[leaf])
                    .map(|mut found| found.pop().flatten()),
                (Err(_), None) => Ok(None),
            };
            let keys = stored.and_then(|stored| match stored {
                Some((entry, body)) => named_keys(&self.origin, &entry, &body, order),
                None => Ok(Vec::new()),
            });
            match keys {
                Ok(keys) => copy.destroyed.extend(keys),
                Err(error) => drop(copy.failed.get_or_insert(error)),
            }
        }
    }

    /// A copy that cannot read an order to delete cannot obey it.
    pub(super) fn order_must_be_read(&mut self, leaf: LeafIndex, statement: &SignedStatement) {
        let withheld = match statement.payload() {
            Payload::Registry(payload) => payload.action == Action::Forget,
            Payload::Block(_) | Payload::Events(_) => false,
        };
        if self.copy.is_some() && withheld {
            self.find(AuditFinding::Damaged {
                leaf,
                what: "order to delete",
                why: "its body is withheld".to_owned(),
            });
        }
    }
}

#[cfg(test)]
mod tests;
