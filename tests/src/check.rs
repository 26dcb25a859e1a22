//! The one check: whether a ledger on disk still keeps every promise it made.

use crate::said::{Promise, Promises};
use crate::town::config;
use ledger::audit::{AuditReport, Auditor, prepare, undestroyed};
use ledger::checkpoint::Checkpoint;
use ledger::hash::Digest;
use ledger::ids::{LeafIndex, TreeSize};
use ledger::merkle::tile::TileNodes;
use ledger::merkle::{consistency_proof, verify_consistency};
use ledger::receipt::Receipt;
use ledger::seal::ViewTiles;
use ledger::signature::{KeyId, PublicKey};
use ledger::state::StateKey;
use ledger::statement::SignedStatement;
use ledger::store::{EntryWrite, Store as _, StoreError, View};
use ledger::stored;
use ledger::testing::ORIGIN;
use ledger_rocks::RocksStore;
use node::Node;
use std::collections::BTreeMap;
use std::mem::discriminant;
use std::path::Path;

/// A promise that was not kept, or the ledger's own word on why it cannot tell.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Loss {
    /// The ledger refuses to be opened. The promises may be kept in its files, but nobody is served
    /// anything wrong.
    #[error("not opened: {0}")]
    NotOpened(String),
    /// Reading was refused.
    #[error("not read: {0}")]
    NotRead(String),
    /// A checkpoint was signed over more leaves than there are.
    #[error("a checkpoint was signed over {signed} leaves, and there are {found}")]
    RolledBack {
        /// Leaves signed.
        signed: u64,
        /// Leaves found.
        found: u64,
    },
    /// A signed checkpoint is not of this history.
    #[error("the checkpoint signed over {size} leaves is of another history")]
    Forked {
        /// Its size.
        size: u64,
    },
    /// An acknowledged statement is gone.
    #[error("leaf {leaf} was acknowledged and is gone")]
    Missing {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// Another statement, or other bytes, than acknowledged.
    #[error("leaf {leaf} was acknowledged with other bytes")]
    Altered {
        /// The leaf.
        leaf: LeafIndex,
    },
    /// The receipt does not verify, or is not given out again.
    #[error("the receipt of leaf {leaf}: {why}")]
    Receipt {
        /// The leaf.
        leaf: LeafIndex,
        /// What is wrong.
        why: String,
    },
    /// The audit found something.
    #[error("audit: {0}")]
    Audit(String),
}

impl Loss {
    /// Whether something wrong was served or signed; the rest is refusing to, by name.
    #[must_use]
    pub const fn is_served(&self) -> bool {
        match self {
            Self::NotOpened(_) | Self::NotRead(_) | Self::Audit(_) => false,
            Self::RolledBack { .. }
            | Self::Forked { .. }
            | Self::Missing { .. }
            | Self::Altered { .. }
            | Self::Receipt { .. } => true,
        }
    }
}

impl From<StoreError> for Loss {
    fn from(error: StoreError) -> Self {
        Self::NotRead(error.to_string())
    }
}

/// What a ledger holds that keeps its promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Leaves.
    pub size: TreeSize,
    /// Events.
    pub events: u64,
}

/// The first loss of each kind, and how many there are of it.
#[must_use]
pub fn describe(losses: &[Loss]) -> String {
    let mut kinds: Vec<(&Loss, usize)> = Vec::new();
    for loss in losses {
        let kind = discriminant(loss);
        match kinds
            .iter_mut()
            .find(|(first, _)| discriminant(*first) == kind)
        {
            Some((_, count)) => *count += 1,
            None => kinds.push((loss, 1)),
        }
    }
    let lines = kinds.into_iter().map(|(first, count)| match count {
        1 => first.to_string(),
        _ => format!("{first} (the first of {count})"),
    });
    lines.collect::<Vec<_>>().join("; ")
}

/// Opens the ledger in `dir` the normal way and holds it against `promises`.
///
/// # Errors
/// Every loss found; `NotOpened` stands alone.
pub fn check(dir: &Path, log_key: &PublicKey, promises: &Promises) -> Result<Kept, Vec<Loss>> {
    let node = node::open(&config(dir)).map_err(|why| vec![Loss::NotOpened(reasons(&why))])?;
    let mut losses = Vec::new();
    let outcome = compare(&node, log_key, promises, &mut losses);
    losses.extend(outcome.as_ref().err().cloned());
    match outcome {
        Ok(kept) if losses.is_empty() => Ok(kept),
        _ => Err(losses),
    }
}

/// An error with those of its sources that it does not tell itself.
fn reasons(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    match error.source().map(reasons) {
        Some(source) if !text.contains(&source) => format!("{text}: {source}"),
        _ => text,
    }
}

fn compare(
    node: &Node<RocksStore>,
    log_key: &PublicKey,
    promises: &Promises,
    losses: &mut Vec<Loss>,
) -> Result<Kept, Loss> {
    let view = node.store().view();
    let head = view.head()?;
    let found = head.as_ref().map_or(TreeSize(0), |head| head.size());
    for note in &promises.checkpoints {
        check_checkpoint(&view, log_key, note, found, losses)?;
    }
    for (leaf, promise) in &promises.statements {
        if found < leaf.size_through() {
            losses.push(Loss::Missing { leaf: *leaf });
            continue;
        }
        if let Err(loss) = check_statement(node, &view, log_key, *leaf, promise) {
            losses.push(loss);
        }
    }
    let report = audit(&view, log_key)?;
    let faults = report.findings.iter().filter(|finding| finding.is_fault());
    losses.extend(faults.map(|finding| Loss::Audit(finding.to_string())));
    let keys: Vec<StateKey> = report.records.iter().map(|(key, _)| key).collect();
    for keys in keys.chunks(READ_LEAVES) {
        for (key, found) in keys.iter().zip(view.records(keys)?) {
            if found.as_deref() != report.records.get(key) {
                losses.push(Loss::Audit(format!("the record {} differs", key.digest)));
            }
        }
    }
    Ok(Kept {
        size: found,
        events: report.events,
    })
}

fn check_checkpoint(
    view: &impl View,
    log_key: &PublicKey,
    note: &str,
    found: TreeSize,
    losses: &mut Vec<Loss>,
) -> Result<(), Loss> {
    let signed = Checkpoint::verify(note, ORIGIN, log_key)
        .map_err(|why| Loss::Audit(format!("a published checkpoint: {why}")))?;
    if found < signed.size {
        losses.push(Loss::RolledBack {
            signed: signed.size.0,
            found: found.0,
        });
        return Ok(());
    }
    let Some(head) = view.head()? else {
        return Ok(());
    };
    let tiles = ViewTiles(view);
    let nodes = TileNodes::new(&tiles);
    let proof = consistency_proof(&nodes, signed.size, found)
        .map_err(|why| Loss::NotRead(format!("consistency with {}: {why}", signed.size)))?;
    let grew = verify_consistency(signed.size, &signed.root, found, &head.block.root, &proof);
    if grew.is_err() {
        losses.push(Loss::Forked {
            size: signed.size.0,
        });
    }
    Ok(())
}

fn check_statement(
    node: &Node<RocksStore>,
    view: &impl View,
    log_key: &PublicKey,
    leaf: LeafIndex,
    promise: &Promise,
) -> Result<(), Loss> {
    let entry = view.entry(leaf)?.ok_or(Loss::Missing { leaf })?;
    let body = view.body(leaf)?.unwrap_or_default();
    let altered = || Loss::Altered { leaf };
    let statement = SignedStatement::parse(&entry).map_err(|_| altered())?;
    let opened =
        stored::open(view, &statement, &body, |_, _| true).map_err(|error| match error {
            StoreError::Corrupt { .. } => altered(),
            StoreError::Io(_) | StoreError::Unknown(_) => error.into(),
        })?;
    // Deleted on order, or lost: the audit says which.
    if !opened.closed.is_empty() {
        return Ok(());
    }
    let statement = statement.with_disclosures(opened.disclosed);
    if Digest::of(&statement.encode()) != promise.submitted {
        return Err(altered());
    }
    let receipt = |why: String| Loss::Receipt { leaf, why };
    let facts = Receipt::parse(&promise.receipt)
        .and_then(|receipt| receipt.verify(&entry, log_key))
        .map_err(|why| receipt(why.to_string()))?;
    if facts.leaf != leaf {
        return Err(receipt(format!("it says leaf {}", facts.leaf)));
    }
    if node.receipt(leaf)?.as_ref() != Some(&promise.receipt) {
        return Err(receipt("another one is given out now".to_owned()));
    }
    Ok(())
}

/// Leaves or records read at a time.
const READ_LEAVES: usize = 1000;

/// Replays the whole ledger from its first leaf.
///
/// # Errors
/// [`StoreError`].
pub fn audit(view: &impl View, log_key: &PublicKey) -> Result<AuditReport, StoreError> {
    let head = view.head()?;
    let size = head.as_ref().map_or(TreeSize(0), |head| head.size());
    let mut auditor = Auditor::new(ORIGIN);
    let mut keys: BTreeMap<KeyId, PublicKey> = BTreeMap::new();
    keys.insert(log_key.key_id(), log_key.clone());
    let mut next = LeafIndex(0);
    while next.0 < size.0 {
        let leaves: Vec<EntryWrite> = view.leaves(next, READ_LEAVES)?;
        let Some(last) = leaves.last() else { break };
        next = last.leaf.size_through().next();
        for leaf in leaves {
            let prepared = prepare(view, leaf)?;
            let signer = prepared.statement().map(|statement| statement.header().key);
            let good = signer
                .and_then(|key| keys.get(&key))
                .is_some_and(|key| prepared.verifies_under(key));
            for key in prepared.new_keys() {
                keys.insert(key.key_id(), key);
            }
            auditor.leaf(prepared, good);
        }
    }
    let mut report = auditor.finish(head.as_ref(), log_key);
    let outlived = undestroyed(view, &report)?;
    report.findings.extend(outlived);
    Ok(report)
}
