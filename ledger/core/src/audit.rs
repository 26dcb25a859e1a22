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
//! [`Auditor::leaf`] takes leaves whose signatures [`prepare`] has already judged.

use crate::admission::{
    Checked, Moment, Verdict, admit, check_content, check_unsigned, rules_in_force,
};
use crate::block::{BlockHeader, BlockRecord, Head};
use crate::checkpoint::Checkpoint;
use crate::disclosure::{Disclosed, DisclosureError, decode_body};
use crate::forget::{Order, PartRef, named_keys, orders_of};
use crate::hash::{Digest, leaf_hash};
use crate::ids::{LeafIndex, TreeSize, UnixMillis};
use crate::merkle::Frontier;
use crate::personal::{Gone, Kept};
use crate::registry::Action;
use crate::reject::RejectReason;
use crate::signature::{KeyId, PublicKey};
use crate::state::{Class, Effects, State, StateKey, apply};
use crate::statemap::{self, MemoryPages, Page, PagePath};
use crate::statement::{Payload, SignedStatement};
use crate::store::{EntryWrite, EventRef, StoreError, View};
use crate::stored::{self, Closed};
use copy::{Arrived, Copying};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

mod copy;

/// What an audit found wrong, or could only take on trust.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AuditFinding {
    /// The body at a leaf does not match the entry, or no admission rule lets it in.
    #[error("leaf {leaf}: not admissible: {why}")]
    NotAdmissible {
        /// The leaf.
        leaf: LeafIndex,
        /// The refusal's name and text.
        why: String,
    },
    /// The kept effects are not those the rules give.
    #[error("leaf {leaf}: effects differ from those recomputed")]
    EffectsDiffer {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// A body is gone: its effects were taken, not recomputed.
    #[error("leaf {leaf}: body absent, effects taken and not recomputed")]
    BodyAbsent {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// An entry, body or effects do not decode.
    #[error("leaf {leaf}: damaged {what}: {why}")]
    Damaged {
        /// The leaf.
        leaf: LeafIndex,
        /// Which record.
        what: &'static str,
        /// How.
        why: String,
    },
    /// A personal part was ordered deleted, and its key is still there.
    #[error("leaf {}, disclosure {}: the key of part {} outlived the order at leaf {order}",
        part.at.leaf, part.at.index, part.part)]
    KeyOutlivedOrder {
        /// The part.
        part: PartRef,
        /// The order.
        order: LeafIndex,
    },
    /// A personal part cannot be read, and nothing on the ledger orders that.
    #[error("leaf {}, disclosure {}: part {} has lost its key, and no order says so",
        part.at.leaf, part.at.index, part.part)]
    KeyLost {
        /// The part.
        part: PartRef,
    },
    /// A signature does not verify, or its key is not on the ledger.
    #[error("leaf {leaf}: signature invalid under key {key}")]
    SignatureInvalid {
        /// The leaf.
        leaf: LeafIndex,
        /// The key.
        key: KeyId,
    },
    /// A header says something else than the replay.
    #[error("block {height}: header field {field} differs from the replay")]
    HeaderDiffers {
        /// The block.
        height: u64,
        /// The field.
        field: &'static str,
    },
    /// Leaves are missing.
    #[error("leaf {leaf} is missing")]
    LeafMissing {
        /// The first missing leaf.
        leaf: LeafIndex,
    },
    /// The stored head, checkpoint or tail is not that of the replay.
    #[error("head: {field} differs from the replay")]
    HeadDiffers {
        /// The field.
        field: &'static str,
    },
    /// A stored view differs from what the entries give.
    #[error("view {what} differs: {detail}")]
    ViewDiffers {
        /// Which view.
        what: &'static str,
        /// Where.
        detail: String,
    },
}

impl AuditFinding {
    /// The stable name, as tests and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::NotAdmissible { .. } => "not-admissible",
            Self::EffectsDiffer { .. } => "effects-differ",
            Self::BodyAbsent { .. } => "body-absent",
            Self::Damaged { .. } => "damaged",
            Self::KeyOutlivedOrder { .. } => "key-outlived-order",
            Self::KeyLost { .. } => "key-lost",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::HeaderDiffers { .. } => "header-differs",
            Self::LeafMissing { .. } => "leaf-missing",
            Self::HeadDiffers { .. } => "head-differs",
            Self::ViewDiffers { .. } => "view-differs",
        }
    }

    /// Whether this is damage or fraud, rather than something taken on trust.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        !matches!(self, Self::BodyAbsent { .. })
    }
}

/// A leaf with everything about it that needs no state.
#[derive(Debug)]
pub struct Prepared {
    leaf: LeafIndex,
    hash: Digest,
    effects: Vec<u8>,
    kind: Kind,
    closed: Vec<Closed>,
    arrived: Option<Arrived>,
}

#[derive(Debug)]
enum Kind {
    /// Nothing of it can be used.
    Damaged(AuditFinding),
    /// A header, with the statement for its signature.
    Header(Box<(BlockHeader, SignedStatement)>),
    /// A statement whose public part is at hand.
    Whole(Box<Checked>),
    /// A statement without its body.
    Bodiless(Box<SignedStatement>),
    /// A statement whose body does not match.
    Refused(String),
}

/// Reads one leaf of `view`: decoding, commitment, form of each event. The same on any core.
///
/// # Errors
/// [`StoreError`] where keys cannot be read; what is damaged is found, and no error.
pub fn prepare<V: View>(view: &V, leaf: EntryWrite) -> Result<Prepared, StoreError> {
    let EntryWrite {
        leaf,
        entry,
        body,
        effects,
    } = leaf;
    let mut closed = Vec::new();
    let kind = kind_of(leaf, &entry, !body.is_empty(), |statement| {
        let opened = stored::open(view, statement, &body, |_, _| true)?;
        closed = opened.closed;
        Ok(opened.disclosed)
    })?;
    Ok(Prepared::new(leaf, &entry, effects, kind, closed))
}

/// As [`prepare`], of a leaf that came from another log's node: `body` holds disclosures as they
/// are submitted, with those parts that we may have, or nothing.
#[must_use]
pub fn prepare_arrived(leaf: EntryWrite) -> Prepared {
    let EntryWrite {
        leaf,
        entry,
        body,
        effects,
    } = leaf;
    let mut personal = None;
    let kind = kind_of(leaf, &entry, !body.is_empty(), |statement| {
        let disclosed = decode_body(&body).map_err(|why| StoreError::Corrupt {
            what: "body",
            detail: why.to_string(),
        })?;
        personal = copy::with_personal(statement, &disclosed);
        Ok(disclosed)
    });
    let kind = kind.unwrap_or_else(|error| {
        let (what, why) = ("body", error.to_string());
        Kind::Damaged(AuditFinding::Damaged { leaf, what, why })
    });
    let mut prepared = Prepared::new(leaf, &entry, effects, kind, Vec::new());
    prepared.arrived = Some(Arrived {
        entry,
        body,
        personal,
    });
    prepared
}

fn kind_of(
    leaf: LeafIndex,
    entry: &[u8],
    has_body: bool,
    open: impl FnOnce(&SignedStatement) -> Result<Vec<Disclosed>, StoreError>,
) -> Result<Kind, StoreError> {
    let damaged = |what, why: String| Kind::Damaged(AuditFinding::Damaged { leaf, what, why });
    let statement = match SignedStatement::parse(entry) {
        Ok(statement) => statement,
        Err(why) => return Ok(damaged("entry", why.to_string())),
    };
    if let Payload::Block(header) = statement.payload() {
        return Ok(Kind::Header(Box::new((header.clone(), statement))));
    }
    let wants_body = statement
        .payload()
        .commitment()
        .is_some_and(|one| one.count > 0);
    if wants_body && !has_body {
        return Ok(Kind::Bodiless(Box::new(statement)));
    }
    let disclosed = if has_body {
        open(&statement)
    } else {
        Ok(Vec::new())
    };
    let statement = match disclosed {
        Ok(disclosed) => statement.with_disclosures(disclosed),
        Err(StoreError::Corrupt { what, detail }) => return Ok(damaged(what, detail)),
        Err(error @ (StoreError::Io(_) | StoreError::Unknown(_))) => return Err(error),
    };
    // Parts may have been deleted on lawful order: then the public part alone is checked, and
    // that what is left of the parts belongs to it.
    let missing = |one: &Disclosed| one.check_whole() == Err(DisclosureError::PartMissing);
    let checked = if statement.disclosed().iter().any(missing) {
        check_deleted(statement)
    } else {
        check_unsigned(statement)
    };
    Ok(match checked {
        Ok(checked) => Kind::Whole(Box::new(checked)),
        Err(why) => Kind::Refused(format!("{}: {why}", why.name())),
    })
}

/// [`check_unsigned`] for a statement some of whose parts are gone.
fn check_deleted(statement: SignedStatement) -> Result<Checked, RejectReason> {
    statement.check_commitment()?;
    for one in statement.disclosed() {
        let index = one.index;
        one.restore()
            .map_err(|why| RejectReason::Disclosure { index, why })?;
    }
    check_content(statement)
}

impl Prepared {
    fn new(
        leaf: LeafIndex,
        entry: &[u8],
        effects: Vec<u8>,
        kind: Kind,
        closed: Vec<Closed>,
    ) -> Self {
        let mut prepared = Self {
            leaf,
            hash: Digest([0; 32]),
            effects,
            kind,
            closed,
            arrived: None,
        };
        prepared.hash = match prepared.statement() {
            Some(statement) if statement.entry() == entry => statement.leaf_hash(),
            Some(_) | None => leaf_hash(entry),
        };
        prepared
    }

    /// Whether it is a block's header, which the log alone may sign.
    #[must_use]
    pub const fn is_header(&self) -> bool {
        matches!(self.kind, Kind::Header(_))
    }

    /// The leaf's hash in the tree.
    #[must_use]
    pub const fn leaf_hash(&self) -> Digest {
        self.hash
    }

    /// The statement whose signature is to be verified, if there is one.
    #[must_use]
    pub fn statement(&self) -> Option<&SignedStatement> {
        match &self.kind {
            Kind::Damaged(_) | Kind::Refused(_) => None,
            Kind::Header(both) => Some(&both.1),
            Kind::Whole(checked) => Some(checked.statement()),
            Kind::Bodiless(statement) => Some(statement),
        }
    }

    /// Verifies the signature under `key`, which must be the one the header names.
    #[must_use]
    pub fn verifies_under(&self, key: &PublicKey) -> bool {
        self.statement().is_some_and(|statement| {
            key.key_id() == statement.header().key
                && key
                    .verify(statement.signed_bytes(), statement.signature())
                    .is_ok()
        })
    }

    /// Lets go of what the replay of events no longer needs: bodies, whose commitments were
    /// checked.
    pub fn forget_disclosures(&mut self) {
        if let Kind::Whole(checked) = &mut self.kind {
            checked.forget_disclosures();
        }
    }

    /// Keys that this leaf brings: a signature under one of them can come any time later.
    #[must_use]
    pub fn new_keys(&self) -> Vec<PublicKey> {
        let Some(statement) = self.statement() else {
            return Vec::new();
        };
        let Payload::Registry(payload) = statement.payload() else {
            return Vec::new();
        };
        let keys: Vec<[u8; 32]> = match &payload.action {
            Action::Found { founders, .. } => {
                founders.iter().map(|(_, _, key)| key.public_key).collect()
            }
            Action::Admit { keys, .. } => keys.iter().map(|key| key.public_key).collect(),
            Action::AddKey { key, .. } => vec![key.public_key],
            Action::Amend { .. }
            | Action::Suspend(_)
            | Action::Reinstate(_)
            | Action::RetireKey { .. }
            | Action::RevokeKey { .. }
            | Action::Delegate { .. }
            | Action::Product
            | Action::Place
            | Action::Policy
            | Action::Recode
            | Action::Agreement
            | Action::Region
            | Action::Import
            | Action::Hold
            | Action::Recall
            | Action::Release
            | Action::Respond
            | Action::Rules { .. }
            | Action::Forget => Vec::new(),
        };
        keys.iter()
            .filter_map(|bytes| PublicKey::parse(bytes).ok())
            .collect()
    }
}

/// The state of an audit: in memory, over what a store has of it.
#[derive(Default)]
struct Replayed<'a> {
    records: Records,
    /// Authenticated keys written since the last block.
    changed: Vec<StateKey>,
    /// All keys written since they were last taken, where a copy is kept.
    written: Option<Vec<StateKey>>,
    base: Base<'a>,
    /// What the base was found not to have, since it last changed or the block began.
    absent: BTreeSet<StateKey>,
}

/// What a replay goes on from; nothing for one that begins at the first leaf.
type Base<'a> = Option<Box<dyn View + Send + 'a>>;

impl fmt::Debug for Replayed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replayed")
            .field("changed", &self.changed.len())
            .finish_non_exhaustive()
    }
}

impl Replayed<'_> {
    /// Reads what a block will need together.
    fn prefetch(&mut self, block: &[Prepared]) -> Result<(), StoreError> {
        let Some(base) = &self.base else {
            return Ok(());
        };
        let mut keys: Vec<StateKey> = block
            .iter()
            .flat_map(|one| match &one.kind {
                Kind::Whole(checked) => checked.keys(),
                Kind::Damaged(_) | Kind::Header(_) | Kind::Bodiless(_) | Kind::Refused(_) => {
                    Vec::new()
                }
            })
            .filter(|key| self.records.get(key).is_none())
            .collect();
        keys.sort_unstable();
        keys.dedup();
        self.absent.clear();
        for (key, record) in keys.iter().zip(base.records(&keys)?) {
            match record {
                Some(record) => self.records.insert(*key, record),
                None => drop(self.absent.insert(*key)),
            }
        }
        Ok(())
    }
}

impl State for Replayed<'_> {
    fn read(&mut self, key: StateKey) -> Result<Option<&[u8]>, StoreError> {
        if let Some(base) = &self.base
            && self.records.get(&key).is_none()
            && !self.absent.contains(&key)
        {
            match base.records(&[key])?.pop().flatten() {
                Some(record) => self.records.insert(key, record),
                None => drop(self.absent.insert(key)),
            }
        }
        Ok(self.records.get(&key))
    }

    fn write(&mut self, key: StateKey, record: Vec<u8>) {
        if key.class.authenticated() {
            self.changed.push(key);
        }
        if let Some(written) = &mut self.written {
            written.push(key);
        }
        self.records.insert(key, record);
    }
}

/// The pages of a replay's state map: in memory, over those of a store.
struct Layered<'p>(&'p MemoryPages, Option<&'p dyn View>);

impl statemap::Pages for Layered<'_> {
    type Error = StoreError;

    fn pages(&self, paths: &[PagePath]) -> Result<Vec<Option<Page>>, StoreError> {
        let Ok(mut found) = self.0.pages(paths);
        let Some(base) = self.1 else {
            return Ok(found);
        };
        let missing: Vec<PagePath> = paths
            .iter()
            .zip(&found)
            .filter_map(|(path, page)| page.is_none().then_some(*path))
            .collect();
        let mut read = base.pages(&missing)?.into_iter();
        for page in found.iter_mut().filter(|page| page.is_none()) {
            *page = read.next().flatten();
        }
        Ok(found)
    }
}

/// State records in key order: a map for each class and first twelve bits of the digest. Digests
/// are spread evenly, so that a record among millions is three steps away, not eight.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Records(BTreeMap<Class, Vec<BTreeMap<Digest, Vec<u8>>>>);

impl Records {
    /// The record under `key`.
    #[must_use]
    pub fn get(&self, key: &StateKey) -> Option<&[u8]> {
        let shards = self.0.get(&key.class)?;
        shards[shard(&key.digest)]
            .get(&key.digest)
            .map(Vec::as_slice)
    }

    /// All records in key order.
    pub fn iter(&self) -> impl Iterator<Item = (StateKey, &Vec<u8>)> {
        self.0.iter().flat_map(|(class, shards)| {
            shards.iter().flatten().map(|(digest, record)| {
                let (class, digest) = (*class, *digest);
                (StateKey { class, digest }, record)
            })
        })
    }

    /// The records of one class, by digest.
    pub fn of_class(&self, class: Class) -> impl Iterator<Item = (Digest, &Vec<u8>)> {
        let shards = self.0.get(&class).into_iter().flatten();
        shards.flatten().map(|(digest, record)| (*digest, record))
    }

    /// Number of records.
    fn len(&self) -> usize {
        self.0.values().flatten().map(BTreeMap::len).sum()
    }

    fn insert(&mut self, key: StateKey, record: Vec<u8>) {
        let shards = self.0.entry(key.class);
        let shards = shards.or_insert_with(|| vec![BTreeMap::new(); 1 << 12]);
        shards[shard(&key.digest)].insert(key.digest, record);
    }
}

fn shard(digest: &Digest) -> usize {
    usize::from(u16::from_be_bytes([digest.0[0], digest.0[1]]) >> 4)
}

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
        let pages = Layered(
            &self.pages,
            self.state.base.as_deref().map(|base| base as &dyn View),
        );
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
