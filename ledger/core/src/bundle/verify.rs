//! Verifying a bundle: trust in one log key, arithmetic for the rest.

use super::{Bundle, BundledStatement, Import};
use crate::block::BlockHeader;
use crate::cbor::DecodeError;
use crate::checkpoint::{Checkpoint, CheckpointError};
use crate::hash::{Digest, leaf_hash};
use crate::ids::{Handle, LeafIndex, TreeSize, UnixMillis};
use crate::lists::content_of;
use crate::merkle::{ProofError, verify_multi};
use crate::note::NoteKey;
use crate::provenance::source::{Content, Scope, Source, Touch, Touches};
use crate::region::ImportError;
use crate::reject::RejectReason;
use crate::signature::{KeyId, PublicKey};
use crate::state::{
    Class, Delegation, ItemRecord, KeyRecord, KeyStanding, Record as _, StateKey, posting_leaf,
};
use crate::statemap::MapProofError;
use crate::statement::{Issuer, Payload, SignedStatement};
use crate::store::EventRef;
use crate::tlog_policy::{Judged, TlogPolicy};
use std::collections::BTreeMap;
use std::rc::Rc;

/// What a verifier trusts before it starts: one log by name and key.
#[derive(Clone, Debug)]
pub struct Trust {
    /// The log's origin.
    pub origin: String,
    /// The log's key.
    pub log_key: PublicKey,
}

impl From<&NoteKey> for Trust {
    /// A log's key is named after its origin.
    fn from(key: &NoteKey) -> Self {
        Self {
            origin: key.name().to_owned(),
            log_key: key.public_key().clone(),
        }
    }
}

/// Why a bundle proves nothing. Keep it: it is evidence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// A statement in the log is meant for other logs.
    #[error("leaf {leaf}: the statement is meant for {found:?}, not for this log")]
    AudienceWrong {
        /// Where.
        leaf: LeafIndex,
        /// The logs it is meant for.
        found: Vec<String>,
    },
    /// No header in the bundle covers this leaf.
    #[error("the block of leaf {leaf} is not shown")]
    BlockMissing {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// The checkpoint is not one of the trusted log.
    #[error("checkpoint: {0}")]
    Checkpoint(#[from] CheckpointError),
    /// A delegate signed without any leave on the ledger.
    #[error("leaf {leaf}: no leave to sign for another is shown")]
    DelegationMissing {
        /// The statement.
        leaf: LeafIndex,
    },
    /// An event that a list names is not disclosed.
    #[error("event {} of leaf {} is listed and not disclosed", at.index, at.leaf)]
    DisclosureMissing {
        /// The event.
        at: EventRef,
    },
    /// Disclosures are not those that were signed.
    #[error("leaf {leaf}: disclosures do not match the signed root: {why}")]
    DisclosureMismatch {
        /// The statement.
        leaf: LeafIndex,
        /// How the proof fails.
        why: ProofError,
    },
    /// A disclosed event is not well formed.
    #[error("event {} of leaf {}: {why}", at.index, at.leaf)]
    EventInvalid {
        /// The event.
        at: EventRef,
        /// What is wrong.
        why: String,
    },
    /// Fewer events are shown than the ledger has recorded for an item.
    #[error("{item}: {shown} of {recorded} events are shown, something is left out")]
    EventOmitted {
        /// The item.
        item: String,
        /// Events shown.
        shown: u64,
        /// Events recorded.
        recorded: u64,
    },
    /// The newest header is missing, or not a header.
    #[error("the newest block header is missing or malformed")]
    HeaderMissing,
    /// An event of another log that the reader knows is not proved by what that log has signed.
    #[error("event {} of leaf {} is imported and not proved: {why}", at.index, at.leaf)]
    ImportUnproved {
        /// The import.
        at: EventRef,
        /// How the proof fails.
        why: ImportError,
    },
    /// A key did not count where it signed.
    #[error("leaf {leaf}: key {key} did not count: {standing:?}")]
    KeyDoesNotCount {
        /// The statement.
        leaf: LeafIndex,
        /// The key.
        key: KeyId,
        /// Why not.
        standing: KeyStanding,
    },
    /// The state of a key that signed is not shown: it may be revoked.
    #[error("leaf {leaf}: the state of key {key} is not shown")]
    KeyMissing {
        /// The statement.
        leaf: LeafIndex,
        /// The key.
        key: KeyId,
    },
    /// The trace needs an item's list that is not shown.
    #[error("the list of {item} is not shown")]
    ListMissing {
        /// The item.
        item: String,
    },
    /// An item's events are not those the ledger recorded, or in another order.
    #[error("{item}: the events shown are not those recorded")]
    ListWrong {
        /// The item.
        item: String,
    },
    /// The bytes are not in order.
    #[error("malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// A statement in the bundle is not one.
    #[error("leaf {leaf}: {why}")]
    Statement {
        /// Where.
        leaf: LeafIndex,
        /// What is wrong.
        why: RejectReason,
    },
    /// A list names a statement that is not shown.
    #[error("leaf {leaf} is listed and not shown")]
    StatementMissing {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// A chain file has two trees of one log that cannot both be its history.
    #[error("{log} signed two roots for {size} leaves: it shows two histories")]
    Fork {
        /// Which log.
        log: String,
        /// The size.
        size: TreeSize,
    },
    /// A chain file has a part that nothing in it leads to.
    #[error("the part of {log} about {item} belongs to nothing else in the file")]
    PartUnlinked {
        /// Whose part it is.
        log: String,
        /// What it is about.
        item: String,
    },
    /// A signature does not verify.
    #[error("leaf {leaf}: the signature does not verify")]
    SignatureInvalid {
        /// The statement.
        leaf: LeafIndex,
    },
    /// The records are not those of the newest state.
    #[error("state: {0}")]
    State(#[from] MapProofError),
    /// A state record does not decode.
    #[error("the record of {item} is malformed")]
    RecordMalformed {
        /// What it is about.
        item: String,
    },
    /// The bundle's closing digest is not that of its bytes: a torn or altered file.
    #[error("the bundle is torn or altered: its closing digest does not match")]
    Torn,
    /// The statements are not in the tree of the checkpoint.
    #[error("tree: {0}")]
    Tree(#[from] ProofError),
}

impl BundleError {
    /// The stable name, as scripts compare it and people cite it.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::AudienceWrong { .. } => "audience-wrong",
            Self::BlockMissing { .. } => "block-missing",
            Self::Checkpoint(CheckpointError::Origin { .. }) => "log-unknown",
            Self::Checkpoint(_) => "checkpoint",
            Self::DelegationMissing { .. } => "delegation-missing",
            Self::DisclosureMissing { .. } => "disclosure-missing",
            Self::DisclosureMismatch { .. } => "disclosure-mismatch",
            Self::EventInvalid { .. } => "event-invalid",
            Self::EventOmitted { .. } => "event-omitted",
            Self::HeaderMissing => "header-missing",
            Self::ImportUnproved { .. } => "import-unproved",
            Self::KeyDoesNotCount { .. } => "key-does-not-count",
            Self::KeyMissing { .. } => "key-missing",
            Self::ListMissing { .. } => "list-missing",
            Self::ListWrong { .. } => "list-wrong",
            Self::Malformed(_) => "malformed",
            Self::Statement { .. } => "statement",
            Self::StatementMissing { .. } => "statement-missing",
            Self::Fork { .. } => "fork",
            Self::PartUnlinked { .. } => "part-unlinked",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::State(_) => "state",
            Self::RecordMalformed { .. } => "record-malformed",
            Self::Torn => "torn",
            Self::Tree(_) => "tree",
        }
    }
}

/// What was checked, in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Size of the checkpoint's tree.
    pub size: TreeSize,
    /// Its root.
    pub root: Digest,
    /// Time of the newest block: the answer is as of then.
    pub time: UnixMillis,
    /// Signatures of participants and of the log that were verified.
    pub signatures: usize,
    /// Statements shown, block headers not counted.
    pub statements: usize,
}

/// A verified bundle: a source of events whose completeness is proved.
#[derive(Debug)]
pub struct Proved {
    item: String,
    facts: Facts,
    scope: Scope,
    /// Items' own records, by key: the length of each list; nothing where a record is malformed.
    recorded: BTreeMap<StateKey, Option<u64>>,
    lists: BTreeMap<String, (u64, Vec<EventRef>)>,
    touches: BTreeMap<EventRef, Touch>,
    imports: Vec<Import>,
}

impl Proved {
    /// The item asked for.
    #[must_use]
    pub fn item(&self) -> &str {
        &self.item
    }

    /// What was checked.
    #[must_use]
    pub const fn facts(&self) -> Facts {
        self.facts
    }

    /// Events of other logs in it, each once for each import.
    #[must_use]
    pub fn imports(&self) -> &[Import] {
        &self.imports
    }
}

impl Source for Proved {
    type Error = BundleError;

    fn scope(&self) -> Scope {
        self.scope
    }

    fn length(&mut self, item: &str) -> Result<u64, BundleError> {
        let missing = || BundleError::ListMissing {
            item: item.to_owned(),
        };
        let record = self.recorded.get(&StateKey::item(item));
        let length = record.ok_or_else(missing)?;
        length.ok_or_else(|| malformed(item))
    }

    fn touches(&mut self, item: &str) -> Result<Touches, BundleError> {
        let (total, list) =
            self.lists
                .get(&self.scope.list(item))
                .ok_or_else(|| BundleError::ListMissing {
                    item: item.to_owned(),
                })?;
        let shown = list
            .iter()
            .map(|at| {
                self.touches
                    .get(at)
                    .cloned()
                    .ok_or(BundleError::DisclosureMissing { at: *at })
            })
            .collect::<Result<_, _>>()?;
        Ok(Touches {
            total: *total,
            shown,
        })
    }
}

/// Verifies everything in a bundle that needs no trace: signatures, keys, tree, state, lists.
///
/// # Errors
/// [`BundleError`], the first fault in the order of the design: form, checkpoint, tree, state,
/// statements, lists.
pub fn verify(bytes: &[u8], trust: &Trust) -> Result<Proved, BundleError> {
    let bundle = Bundle::decode(bytes)?;
    let checkpoint = Checkpoint::verify(&bundle.checkpoint, &trust.origin, &trust.log_key)?;
    proved(bundle, &checkpoint, trust, None)
}

/// As [`verify`], for a bundle of any log of `policy`; also says whether its checkpoint is
/// recorded or witnessed, by that policy and by nothing that the bundle says of itself. Events that
/// were imported from another log of `policy` are held against what that log has signed.
///
/// # Errors
/// [`BundleError`]; `Checkpoint(Origin)` for a log that is not of the policy.
pub fn verify_by(bytes: &[u8], policy: &TlogPolicy) -> Result<(Proved, Judged), BundleError> {
    let bundle = Bundle::decode(bytes)?;
    let judged = policy.judge(&bundle.checkpoint)?;
    let trust = Trust::from(&judged.log);
    let proved = proved(bundle, &judged.checkpoint, &trust, Some(policy))?;
    Ok((proved, judged))
}

/// Of a bundle whose form and `checkpoint` are in order.
fn proved(
    bundle: Bundle,
    checkpoint: &Checkpoint,
    trust: &Trust,
    policy: Option<&TlogPolicy>,
) -> Result<Proved, BundleError> {
    let leaves: Vec<LeafIndex> = bundle.statements.iter().map(|one| one.leaf).collect();
    let hashes: Vec<Digest> = bundle
        .statements
        .iter()
        .map(|one| leaf_hash(&one.entry))
        .collect();
    verify_multi(
        &hashes,
        &leaves,
        checkpoint.size,
        &bundle.path,
        &checkpoint.root,
    )?;
    let newest = newest_header(&bundle, checkpoint.size)?;
    let mut claims: Vec<(Digest, Option<Digest>)> = bundle
        .records
        .iter()
        .map(|(key, record)| (key.digest, record.as_deref().map(Digest::of)))
        .collect();
    claims.sort_unstable();
    bundle.map_proof.verify(&newest.state, &claims)?;
    let mut check = Check {
        trust,
        policy,
        records: bundle
            .records
            .iter()
            .map(|(key, record)| (*key, record.as_deref()))
            .collect(),
        headers: BTreeMap::new(),
        hashes: leaves.into_iter().zip(hashes).collect(),
        statements: BTreeMap::new(),
        keys: BTreeMap::new(),
        imports: Vec::new(),
        signatures: 1,
    };
    check.statements(bundle.statements)?;
    let (mut lists, mut touches) = (BTreeMap::new(), BTreeMap::new());
    for (item, list) in bundle.lists {
        let total = check.list(&item, &list)?;
        for at in &list {
            if !touches.contains_key(at) {
                touches.insert(*at, check.touch(*at)?);
            }
        }
        if lists.contains_key(&item) {
            return Err(BundleError::ListWrong { item });
        }
        lists.insert(item, (total, list));
    }
    let facts = Facts {
        size: checkpoint.size,
        root: checkpoint.root,
        time: newest.time,
        signatures: check.signatures,
        statements: check.statements.len(),
    };
    let imports = check.imports;
    // Which lists it proves is read off the lists themselves: who sends open ones for whole ones
    // is answered with less, and says so.
    let scope = if lists.contains_key(&bundle.item) {
        Scope::Whole
    } else {
        Scope::Open
    };
    let records = bundle.records.iter();
    let items = records.filter(|(key, _)| key.class == Class::Item);
    let recorded = items
        .map(|(key, record)| (*key, length_in(record.as_deref())))
        .collect();
    Ok(Proved {
        item: bundle.item,
        facts,
        scope,
        recorded,
        lists,
        touches,
        imports,
    })
}

/// The length of a list by its record; nothing is recorded of what was never named.
fn length_in(record: Option<&[u8]>) -> Option<u64> {
    let Some(bytes) = record else { return Some(0) };
    ItemRecord::decode(bytes).ok().map(|record| record.size)
}

/// The header at the tree's last leaf, whose state root everything rests on.
fn newest_header(bundle: &Bundle, size: TreeSize) -> Result<BlockHeader, BundleError> {
    let last = bundle.statements.last().ok_or(BundleError::HeaderMissing)?;
    if Some(last.leaf) != size.last() {
        return Err(BundleError::HeaderMissing);
    }
    let statement = SignedStatement::parse(&last.entry).map_err(|why| BundleError::Statement {
        leaf: last.leaf,
        why,
    })?;
    match statement.payload() {
        Payload::Block(header) if header.leaf() == last.leaf => Ok(header.clone()),
        Payload::Block(_) | Payload::Events(_) | Payload::Registry(_) => {
            Err(BundleError::HeaderMissing)
        }
    }
}

/// A statement that has passed, with what the lists need of it.
#[derive(Debug)]
struct Passed {
    statement: SignedStatement,
    issuer: Handle,
    signer: Handle,
    suspect_from: Option<UnixMillis>,
    recorded: UnixMillis,
}

/// The checks of one bundle, and what they have established so far.
struct Check<'a> {
    trust: &'a Trust,
    /// By which other logs' events are judged; nothing where only one log is known.
    policy: Option<&'a TlogPolicy>,
    records: BTreeMap<StateKey, Option<&'a [u8]>>,
    headers: BTreeMap<LeafIndex, BlockHeader>,
    hashes: BTreeMap<LeafIndex, Digest>,
    statements: BTreeMap<LeafIndex, Passed>,
    /// Keys that signed, decoded: that costs as much as a signature, and few sign much.
    keys: BTreeMap<KeyId, PublicKey>,
    imports: Vec<Import>,
    signatures: usize,
}

impl<'a> Check<'a> {
    /// Headers first, since every statement's time is its block's.
    fn statements(&mut self, bundled: Vec<BundledStatement>) -> Result<(), BundleError> {
        let mut others = Vec::new();
        for one in bundled {
            let leaf = one.leaf;
            let statement = SignedStatement::parse(&one.entry)
                .map_err(|why| BundleError::Statement { leaf, why })?;
            if !statement.is_meant_for(&self.trust.origin) {
                let found = statement.header().audience.clone();
                return Err(BundleError::AudienceWrong { leaf, found });
            }
            match statement.payload() {
                Payload::Block(header) if header.leaf() == leaf => {
                    self.signature(leaf, &statement, &self.trust.log_key)?;
                    self.headers.insert(leaf, header.clone());
                }
                Payload::Block(_) => return Err(BundleError::BlockMissing { leaf }),
                Payload::Events(_) | Payload::Registry(_) => others.push((one, statement)),
            }
        }
        for (one, statement) in others {
            let leaf = one.leaf;
            let passed = self.statement(one, statement)?;
            self.statements.insert(leaf, passed);
        }
        Ok(())
    }

    fn signature(
        &mut self,
        leaf: LeafIndex,
        statement: &SignedStatement,
        key: &PublicKey,
    ) -> Result<(), BundleError> {
        self.signatures += 1;
        if key.key_id() != statement.header().key {
            return Err(BundleError::KeyMissing {
                leaf,
                key: statement.header().key,
            });
        }
        key.verify(statement.signed_bytes(), statement.signature())
            .map_err(|_| BundleError::SignatureInvalid { leaf })
    }

    fn statement(
        &mut self,
        one: BundledStatement,
        statement: SignedStatement,
    ) -> Result<Passed, BundleError> {
        let leaf = one.leaf;
        let recorded = self.block_time(leaf)?;
        disclosures_match(&one, &statement)?;
        let statement = statement.with_disclosures(one.disclosed);
        let (issuer, signer, suspect_from) = match &statement.header().issuer {
            Issuer::Log { .. } => {
                self.signature(leaf, &statement, &self.trust.log_key)?;
                let first = first_founder(&statement).ok_or(BundleError::HeaderMissing)?;
                (first, first, None)
            }
            Issuer::Participant { handle, .. } => {
                let record = self.key_at(leaf, statement.header().key, recorded)?;
                let key = self.decoded(statement.header().key, &record)?;
                self.signature(leaf, &statement, &key)?;
                if record.owner != *handle {
                    self.delegation(leaf, *handle, record.owner)?;
                }
                (*handle, record.owner, record.suspect_from)
            }
        };
        Ok(Passed {
            statement,
            issuer,
            signer,
            suspect_from,
            recorded,
        })
    }

    /// The time of the block that holds `leaf`: the next header must count back to it.
    fn block_time(&self, leaf: LeafIndex) -> Result<UnixMillis, BundleError> {
        self.headers
            .range(leaf..)
            .next()
            .map(|(_, header)| header)
            .filter(|header| header.size.0.saturating_sub(header.statements) <= leaf.0)
            .map(|header| header.time)
            .ok_or(BundleError::BlockMissing { leaf })
    }

    /// The record of a key, which must count at `leaf`.
    fn key_at(
        &self,
        leaf: LeafIndex,
        key: KeyId,
        recorded: UnixMillis,
    ) -> Result<KeyRecord, BundleError> {
        let bytes = self.records.get(&StateKey::key(key)).copied().flatten();
        let bytes = bytes.ok_or(BundleError::KeyMissing { leaf, key })?;
        let record = KeyRecord::decode(bytes).map_err(|_| malformed("a key"))?;
        match record.standing(leaf, recorded) {
            KeyStanding::Counts => Ok(record),
            standing
            @ (KeyStanding::NotYet | KeyStanding::Retired(_) | KeyStanding::Revoked(_)) => {
                Err(BundleError::KeyDoesNotCount {
                    leaf,
                    key,
                    standing,
                })
            }
        }
    }

    /// The key of a record, decoded once.
    fn decoded(&mut self, id: KeyId, record: &KeyRecord) -> Result<PublicKey, BundleError> {
        if let Some(key) = self.keys.get(&id) {
            return Ok(key.clone());
        }
        let key = record.key().ok_or_else(|| malformed("a key"))?;
        self.keys.insert(id, key.clone());
        Ok(key)
    }

    /// A principal must have given leave at some time; when it ended is the auditor's to check.
    fn delegation(
        &self,
        leaf: LeafIndex,
        principal: Handle,
        delegate: Handle,
    ) -> Result<(), BundleError> {
        self.records
            .get(&StateKey::delegation(principal, delegate))
            .copied()
            .flatten()
            .and_then(|bytes| Delegation::decode(bytes).ok())
            .map(|_| ())
            .ok_or(BundleError::DelegationMissing { leaf })
    }

    /// Checks that a list is the one recorded, and returns its full length.
    fn list(&self, item: &str, list: &[EventRef]) -> Result<u64, BundleError> {
        let key = StateKey::item(item);
        let record = self
            .records
            .get(&key)
            .ok_or_else(|| BundleError::ListMissing {
                item: item.to_owned(),
            })?;
        let recorded = match record {
            None => ItemRecord::default(),
            Some(bytes) => ItemRecord::decode(bytes).map_err(|_| malformed(item))?,
        };
        let mut shown = ItemRecord::default();
        let mut previous = None;
        for at in list {
            if previous.is_some_and(|previous| previous >= *at) {
                return Err(BundleError::ListWrong {
                    item: item.to_owned(),
                });
            }
            previous = Some(*at);
            let hash = self
                .hashes
                .get(&at.leaf)
                .ok_or(BundleError::StatementMissing { leaf: at.leaf })?;
            shown.push(posting_leaf(*at, hash));
        }
        if shown.size < recorded.size {
            return Err(BundleError::EventOmitted {
                item: item.to_owned(),
                shown: shown.size,
                recorded: recorded.size,
            });
        }
        if shown != recorded {
            return Err(BundleError::ListWrong {
                item: item.to_owned(),
            });
        }
        Ok(recorded.size)
    }

    fn touch(&mut self, at: EventRef) -> Result<Touch, BundleError> {
        let passed = self
            .statements
            .get(&at.leaf)
            .ok_or(BundleError::StatementMissing { leaf: at.leaf })?;
        let content = content_of(&passed.statement, at)
            .map_err(|why| BundleError::EventInvalid { at, why })?
            .ok_or(BundleError::DisclosureMissing { at })?;
        // An act without records is listed under index 0; every other index is a record's.
        let count = passed
            .statement
            .payload()
            .commitment()
            .map_or(0, |one| one.count);
        let mut disclosed = passed.statement.disclosed().iter();
        let disclosed = disclosed.find(|one| one.index == at.index);
        if disclosed.is_none() && (count > 0 || at.index > 0) {
            return Err(BundleError::DisclosureMissing { at });
        }
        if let (Content::Imported(_), Some(one)) = (&content, disclosed) {
            let import = Import::judge(at, one.disclosure.map(), self.policy)?;
            self.imports.push(import);
        }
        let who = (passed.issuer, passed.signer);
        let (recorded, suspect) = (passed.recorded, passed.suspect_from);
        Ok(Touch::new(at, recorded, who, suspect, Rc::new(content)))
    }
}

fn malformed(item: &str) -> BundleError {
    BundleError::RecordMalformed {
        item: item.to_owned(),
    }
}

/// The first authority that the founding entry names.
fn first_founder(statement: &SignedStatement) -> Option<Handle> {
    match statement.payload() {
        Payload::Registry(payload) => payload.action.founder(),
        Payload::Block(_) | Payload::Events(_) => None,
    }
}

/// Checks that the disclosures shown are leaves of the payload's tree at their indices.
pub(crate) fn disclosures_match(
    one: &BundledStatement,
    statement: &SignedStatement,
) -> Result<(), BundleError> {
    let Some(commitment) = statement.payload().commitment() else {
        return Ok(());
    };
    let mismatch = |why| BundleError::DisclosureMismatch {
        leaf: one.leaf,
        why,
    };
    if one.disclosed.is_empty() {
        // Nothing is shown, so that nothing needs a proof, and none may hide here.
        let stray = ProofError::PathLength {
            got: one.siblings.len(),
            want: 0,
        };
        return if one.siblings.is_empty() {
            Ok(())
        } else {
            Err(mismatch(stray))
        };
    }
    let leaves: Vec<LeafIndex> = one
        .disclosed
        .iter()
        .map(|one| LeafIndex(u64::from(one.index)))
        .collect();
    let hashes: Vec<Digest> = one
        .disclosed
        .iter()
        .map(|one| one.disclosure.leaf())
        .collect();
    let size = TreeSize(u64::from(commitment.count));
    verify_multi(&hashes, &leaves, size, &one.siblings, &commitment.root).map_err(mismatch)
}
