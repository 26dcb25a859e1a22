//! Audit by replay: everything that can be computed again is, and every difference is a finding.
//!
//! The auditor reads entries, bodies and effects from leaf 0, and believes nothing else: not the
//! state, not the tiles, not the head. It keeps its own state and its own state map, and at each
//! block header compares roots. Where a body is gone it applies the effects that were kept, and
//! says so.
//!
//! Personal parts are opened with the keys that the store has. One without its key is *taken on
//! order* where the ledger orders it deleted, and damage where it does not; a key that outlived
//! its order is found by [`undestroyed`].
//!
//! A mirror is an audit whose leaves come from elsewhere ([`prepare_arrived`]) and whose result is
//! kept: it goes on from a store ([`Auditor::resume`]) and hands back what to write
//! ([`Auditor::span`]).
//!
//! Signatures are independent of one another, so that the caller may verify them on other cores:
//! [`Auditor::leaf`] takes a leaf with the caller's verdict on its signature
//! ([`Prepared::verifies_under`]).

use crate::admission::{Checked, Moment, Verdict, admit, rules_in_force};
use crate::block::{BLOCK_STATEMENTS_MAX, BlockHeader, BlockRecord, Head};
use crate::checkpoint::Checkpoint;
use crate::forget::{Order, PartRef, named_keys, orders_of};
use crate::hash::{Digest, leaf_hash};
use crate::ids::{LeafIndex, TreeSize, UnixMillis};
use crate::merkle::Frontier;
use crate::personal::{Gone, Kept};
use crate::signature::PublicKey;
use crate::state::{Effects, apply};
use crate::statemap::{self, MemoryPages};
use crate::statement::Payload;
use crate::store::{EventRef, StoreError, View};
use crate::stored::{self, Closed};
use copy::Copying;
use std::collections::BTreeMap;
use std::sync::Arc;

mod copy;
mod finding;
mod prepared;
mod replayed;

pub use finding::AuditFinding;
use prepared::Kind;
pub use prepared::{Prepared, prepare, prepare_arrived};
pub use replayed::Records;
use replayed::{Layered, Replayed};

/// A replay in progress. One block is in flight at a time.
#[derive(Debug)]
pub struct Auditor<'a> {
    origin: Arc<str>,
    state: Replayed<'a>,
    pages: MemoryPages,
    state_root: Digest,
    tree: Frontier,
    header_hash: Digest,
    height: u64,
    /// Leaves up to the last block without a fault.
    sound: TreeSize,
    time: Option<UnixMillis>,
    events: u64,
    findings: Vec<AuditFinding>,
    faults: usize,
    taken: u64,
    pending: Vec<Prepared>,
    leaf_hashes: Vec<Digest>,
    closed: BTreeMap<PartRef, Gone>,
    orders: Vec<(LeafIndex, Order)>,
    copy: Option<Copying<'a>>,
}

/// Findings kept: past that the ledger is rubble, and a longer list says no more.
pub const FINDINGS_MAX: usize = 1000;

impl<'a> Auditor<'a> {
    /// A replay of the log named `origin` from its first leaf.
    #[must_use]
    pub fn new(origin: &str) -> Self {
        Self {
            origin: origin.into(),
            state: Replayed::default(),
            pages: MemoryPages::new(),
            state_root: statemap::EMPTY_ROOT,
            tree: Frontier::new(),
            header_hash: Digest([0; 32]),
            height: 0,
            sound: TreeSize(0),
            time: None,
            events: 0,
            findings: Vec::new(),
            faults: 0,
            taken: 0,
            pending: Vec::new(),
            leaf_hashes: Vec::new(),
            closed: BTreeMap::new(),
            orders: Vec::new(),
            copy: None,
        }
    }

    /// Takes the next leaf. `signature` says whether its signature verifies under the key it
    /// names, as the caller found with [`Prepared::verifies_under`].
    pub fn leaf(&mut self, prepared: Prepared, signature: bool) {
        let next = LeafIndex(self.tree.size().0 + self.pending_len());
        if prepared.leaf != next {
            self.find(AuditFinding::LeafMissing { leaf: next });
        }
        if !signature && let Some(statement) = prepared.statement() {
            let key = statement.header().key;
            self.find(AuditFinding::SignatureInvalid {
                leaf: prepared.leaf,
                key,
            });
        }
        self.leaf_hashes.push(prepared.hash);
        let closes = matches!(prepared.kind, Kind::Header(_));
        // Whoever sends leaves without end would fill the memory of whoever replays them.
        if !closes && self.pending.len() > BLOCK_STATEMENTS_MAX {
            self.find(AuditFinding::Damaged {
                leaf: prepared.leaf,
                what: "block",
                why: format!("no header after {BLOCK_STATEMENTS_MAX} statements"),
            });
        }
        self.pending.push(prepared);
        if closes {
            self.close();
        }
    }

    /// Leaves replayed so far, in whole blocks.
    #[must_use]
    pub const fn size(&self) -> TreeSize {
        self.tree.size()
    }

    fn pending_len(&self) -> u64 {
        u64::try_from(self.pending.len()).unwrap_or(u64::MAX)
    }

    fn find(&mut self, finding: AuditFinding) {
        let alike = if finding.is_fault() {
            self.faults += 1;
            self.faults
        } else {
            self.taken += 1;
            usize::try_from(self.taken).unwrap_or(usize::MAX)
        };
        // What is taken must not crowd out what is wrong.
        if alike <= FINDINGS_MAX / 2 {
            self.findings.push(finding);
        }
    }

    /// Replays the block whose header has just come.
    fn close(&mut self) {
        let mut block = std::mem::take(&mut self.pending);
        let Some(Prepared {
            leaf,
            hash,
            kind: Kind::Header(both),
            arrived,
            ..
        }) = block.pop()
        else {
            return;
        };
        let (header, _) = *both;
        let faults = self.faults;
        let mut effects_tree = Frontier::new();
        let mut events = 0;
        if let Err(error) = self.state.prefetch(&block) {
            let (what, why) = ("state", error.to_string());
            self.find(AuditFinding::Damaged { leaf, what, why });
        }
        let statements = u64::try_from(block.len()).unwrap_or(u64::MAX);
        // Those in force before the block; a damaged record is found when the roots differ.
        let rules_version = rules_in_force(&mut self.state).unwrap_or_default();
        for one in block {
            effects_tree.push(leaf_hash(&one.effects));
            self.tree.push(one.hash);
            events += self.statement(one, header.time);
        }
        self.update_map();
        let expected = BlockHeader {
            height: self.height,
            previous: self.header_hash,
            size: self.tree.size(),
            root: self.tree.root(),
            time: self.time.map_or(header.time, |time| time.max(header.time)),
            statements,
            events,
            rules_version,
            effects: effects_tree.root(),
            state: self.state_root,
        };
        self.compare(&header, &expected, leaf);
        self.tree.push(hash);
        self.header_hash = hash;
        self.height = header.height + 1;
        self.time = Some(header.time);
        self.events += events;
        if let Some(copy) = &mut self.copy {
            copy.blocks.push(BlockRecord {
                header: leaf,
                height: header.height,
                root: self.tree.root(),
                time: header.time,
            });
            if let Some(arrived) = arrived {
                copy.header(leaf, arrived);
            }
        }
        if self.faults == faults {
            self.sound = self.tree.size();
        }
    }

    fn compare(&mut self, header: &BlockHeader, expected: &BlockHeader, leaf: LeafIndex) {
        let height = header.height;
        for (field, same) in [
            ("height", header.height == expected.height),
            ("previous", header.previous == expected.previous),
            (
                "size",
                header.size == expected.size && header.leaf() == leaf,
            ),
            ("root", header.root == expected.root),
            ("time", header.time == expected.time),
            ("statements", header.statements == expected.statements),
            ("events", header.events == expected.events),
            (
                "rules version",
                header.rules_version == expected.rules_version,
            ),
            ("effects", header.effects == expected.effects),
            ("state", header.state == expected.state),
        ] {
            if !same {
                self.find(AuditFinding::HeaderDiffers { height, field });
            }
        }
    }

    /// Replays one statement and returns its number of events.
    fn statement(&mut self, one: Prepared, time: UnixMillis) -> u64 {
        let leaf = one.leaf;
        let hash = one.hash;
        for Closed { index, part, why } in one.closed {
            let at = EventRef { leaf, index };
            self.closed.insert(PartRef { at, part }, why);
        }
        let mut events = 0;
        let effects = match one.kind {
            Kind::Header(_) => self.kept(leaf, &one.effects),
            Kind::Damaged(finding) => {
                self.find(finding);
                self.kept(leaf, &one.effects)
            }
            Kind::Refused(why) => {
                self.find(AuditFinding::NotAdmissible { leaf, why });
                self.kept(leaf, &one.effects)
            }
            Kind::Bodiless(statement) => {
                self.find(AuditFinding::BodyAbsent { leaf });
                self.order_must_be_read(leaf, &statement);
                if let Payload::Events(commitment) = statement.payload() {
                    events = u64::from(commitment.count);
                }
                self.kept(leaf, &one.effects)
            }
            Kind::Whole(checked) => {
                events = u64::try_from(checked.event_count()).unwrap_or_default();
                // What does not read was not admissible, and is found as such.
                let orders = orders_of(checked.statement()).unwrap_or_default();
                self.obey(&orders);
                self.orders
                    .extend(orders.into_iter().map(|order| (leaf, order)));
                self.recompute(leaf, &checked, &one.effects, time)
            }
        };
        match apply(&mut self.state, leaf, &hash, &effects) {
            Ok(postings) => self.keep(leaf, one.arrived, one.effects, postings),
            Err(error) => {
                let (what, why) = ("effects", error.to_string());
                self.find(AuditFinding::Damaged { leaf, what, why });
            }
        }
        events
    }

    /// The effects kept beside an entry; none where they do not decode, which is a finding.
    fn kept(&mut self, leaf: LeafIndex, bytes: &[u8]) -> Effects {
        Effects::decode(bytes).unwrap_or_else(|why| {
            let (what, why) = ("effects", why.to_string());
            self.find(AuditFinding::Damaged { leaf, what, why });
            Effects::default()
        })
    }

    fn recompute(
        &mut self,
        leaf: LeafIndex,
        checked: &Checked,
        kept: &[u8],
        time: UnixMillis,
    ) -> Effects {
        let origin = Arc::clone(&self.origin);
        let moment = Moment {
            origin: &origin,
            leaf,
            time,
        };
        let why = match admit(&mut self.state, checked, moment) {
            Ok(Verdict::Admitted(effects)) => {
                if effects.encode() != kept {
                    // Says so as well where the kept ones do not even decode.
                    self.kept(leaf, kept);
                    self.find(AuditFinding::EffectsDiffer { leaf });
                }
                return effects;
            }
            Ok(Verdict::Again(earlier)) => format!("the same statement stands at leaf {earlier}"),
            Ok(Verdict::Rejected(reason)) => format!("{}: {reason}", reason.name()),
            Err(error) => error.to_string(),
        };
        self.find(AuditFinding::NotAdmissible { leaf, why });
        self.kept(leaf, kept)
    }

    fn update_map(&mut self) {
        let mut keys = std::mem::take(&mut self.state.changed);
        keys.sort_unstable();
        keys.dedup();
        let mut changes: Vec<(Digest, Digest)> = keys
            .iter()
            .filter_map(|key| Some((key.digest, Digest::of(self.state.records.get(key)?))))
            .collect();
        changes.sort_unstable();
        let pages = Layered(&self.pages, self.state.beneath());
        match statemap::update(&pages, &self.state_root, &changes) {
            Ok(update) => {
                if let Some(copy) = &mut self.copy {
                    copy.pages
                        .extend(update.pages.iter().map(|(path, _)| *path));
                }
                self.state_root = update.root;
                self.pages.apply(update);
            }
            Err(error) => {
                let detail = error.to_string();
                self.find(AuditFinding::ViewDiffers {
                    what: "replayed state map",
                    detail,
                });
            }
        }
    }

    /// Ends the replay and compares it with the stored head and its checkpoint.
    #[must_use]
    pub fn finish(mut self, head: Option<&Head>, log_key: &PublicKey) -> AuditReport {
        if let Some(leaf) = self.pending.first().map(|one| one.leaf) {
            self.find(AuditFinding::LeafMissing {
                leaf: LeafIndex(leaf.0 + self.pending_len()),
            });
        }
        let size = self.tree.size();
        let mut unsigned = false;
        match head {
            None if size == TreeSize(0) => {}
            None => self.find(AuditFinding::HeadDiffers { field: "presence" }),
            Some(head) => {
                let checkpoint = Checkpoint::verify(&head.checkpoint, &self.origin, log_key);
                let is_ours = |one: &Checkpoint| one.size == size && one.root == self.tree.root();
                unsigned = Checkpoint::parse(&head.checkpoint)
                    .is_ok_and(|one| *one.origin == *self.origin && is_ours(&one));
                let signed = checkpoint.is_ok_and(|one| is_ours(&one));
                for (field, same) in [
                    ("size", head.size() == size),
                    ("root", head.block.root == self.tree.root()),
                    ("header hash", head.header_hash == self.header_hash),
                    ("peaks", head.peaks == self.tree.peaks()),
                    ("state", head.state == self.state_root),
                    ("events", head.events == self.events),
                    ("checkpoint", signed || unsigned),
                ] {
                    if !same {
                        self.find(AuditFinding::HeadDiffers { field });
                    }
                }
            }
        }
        let (forgotten, keyless) = self.closed_parts();
        AuditReport {
            size,
            blocks: self.height,
            events: self.events,
            state: self.state_root,
            unsigned,
            findings: self.findings,
            taken: self.taken,
            records: self.state.records,
            pages: self.pages,
            leaf_hashes: self.leaf_hashes,
            orders: self.orders,
            forgotten,
            keyless,
        }
    }

    /// Sorts the parts that could not be opened: taken on order, elsewhere, or lost.
    fn closed_parts(&mut self) -> (BTreeMap<PartRef, LeafIndex>, u64) {
        let mut ordered: BTreeMap<PartRef, LeafIndex> = BTreeMap::new();
        for (leaf, order) in &self.orders {
            for part in order.part_refs() {
                ordered.entry(part).or_insert(*leaf);
            }
        }
        let (mut forgotten, mut keyless) = (BTreeMap::new(), 0);
        for (part, why) in std::mem::take(&mut self.closed) {
            match (ordered.get(&part), why) {
                (Some(order), _) => {
                    forgotten.insert(part, *order);
                }
                (None, Gone::Elsewhere) => keyless += 1,
                (None, Gone::Destroyed | Gone::Lost) => self.find(AuditFinding::KeyLost { part }),
            }
        }
        (forgotten, keyless)
    }
}

/// Keys that outlived the orders to destroy them, of those that `report` has replayed.
///
/// # Errors
/// [`StoreError`].
pub fn undestroyed<V: View>(
    view: &V,
    report: &AuditReport,
) -> Result<Vec<AuditFinding>, StoreError> {
    if report.orders.is_empty() {
        return Ok(Vec::new());
    }
    let origin = stored::origin(view)?;
    let mut found = Vec::new();
    for (leaf, order) in &report.orders {
        let read = view.entries_with_bodies(&[order.at.leaf])?.pop().flatten();
        let Some((entry, body)) = read else { continue };
        for part in order.part_refs() {
            let one = Order {
                parts: vec![part.part],
                ..order.clone()
            };
            // A statement that does not read has been found damaged.
            for key in named_keys(&origin, &entry, &body, &one).unwrap_or_default() {
                if matches!(view.part_key(&key)?, Kept::Here(_)) {
                    found.push(AuditFinding::KeyOutlivedOrder { part, order: *leaf });
                }
            }
        }
    }
    Ok(found)
}

/// What an audit established.
#[derive(Debug)]
pub struct AuditReport {
    /// Leaves replayed.
    pub size: TreeSize,
    /// Blocks replayed.
    pub blocks: u64,
    /// Events replayed.
    pub events: u64,
    /// The state root reached.
    pub state: Digest,
    /// The head holds the right checkpoint's text, signed by nobody: a mirror's copy that is being
    /// caught up. The log's word for it is the last header, which all but itself hangs from.
    pub unsigned: bool,
    /// What is wrong, in the order met; at most [`FINDINGS_MAX`].
    pub findings: Vec<AuditFinding>,
    /// Statements without their body: effects taken, not recomputed.
    pub taken: u64,
    /// The state reached, to compare stored views with.
    pub records: Records,
    /// The pages of the state map reached.
    pub pages: MemoryPages,
    /// Every leaf's hash, to compare stored lists with: 32 bytes a leaf.
    pub leaf_hashes: Vec<Digest>,
    /// Orders to delete, with their leaves.
    pub orders: Vec<(LeafIndex, Order)>,
    /// Personal parts that are deleted on order, with the order's leaf: taken, and no damage.
    pub forgotten: BTreeMap<PartRef, LeafIndex>,
    /// Personal parts that this copy has no keys for, since it was made without.
    pub keyless: u64,
}

impl AuditReport {
    /// Whether nothing is damaged or forged.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        !self.findings.iter().any(AuditFinding::is_fault)
    }
}

#[cfg(test)]
mod tests;
