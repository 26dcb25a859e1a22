//! Stored views compared with what the replay gives: records, lists, tiles, the state map.

use crate::exit::{Code, Failure};
use ledger::audit::{AuditFinding, AuditReport, FINDINGS_MAX};
use ledger::hash::{Digest, leaf_hash};
use ledger::merkle::Frontier;
use ledger::seal::{ViewPages, page_error};
use ledger::state::{Class, ItemRecord, Record as _, StateKey, posting_leaf};
use ledger::statemap;
use ledger::store::{EntryWrite, StoreError, TILE_HASHES, View};
use std::num::NonZeroUsize;
use std::thread;

/// Records compared and proved at a time.
const BATCH_RECORDS: usize = 1024;

fn find(findings: &mut Vec<AuditFinding>, what: &'static str, detail: String) {
    if findings.len() < FINDINGS_MAX {
        findings.push(AuditFinding::ViewDiffers { what, detail });
    }
}

/// Rebuilds every tile from the entries and compares it with the stored one.
#[derive(Debug, Default)]
pub(super) struct TileCheck {
    /// Of each level: full tiles so far, and the hashes after them.
    levels: Vec<(u64, Vec<Digest>)>,
    findings: Vec<AuditFinding>,
}

impl TileCheck {
    /// The next leaves.
    pub(super) fn leaves<V: View>(
        &mut self,
        view: &V,
        leaves: &[EntryWrite],
    ) -> Result<(), StoreError> {
        for leaf in leaves {
            let mut hash = leaf_hash(&leaf.entry);
            for level in 0.. {
                if self.levels.len() == level {
                    self.levels.push((0, Vec::with_capacity(TILE_HASHES)));
                }
                let (index, hashes) = &mut self.levels[level];
                hashes.push(hash);
                if hashes.len() < TILE_HASHES {
                    break;
                }
                let full = std::mem::take(hashes);
                let at = *index;
                *index += 1;
                hash = root(&full);
                self.compare(view, level, at, &full)?;
            }
        }
        Ok(())
    }

    fn compare<V: View>(
        &mut self,
        view: &V,
        level: usize,
        index: u64,
        want: &[Digest],
    ) -> Result<(), StoreError> {
        let stored = view.tile(u8::try_from(level).unwrap_or(u8::MAX), index)?;
        if stored.as_deref() != Some(want) {
            find(
                &mut self.findings,
                "tile",
                format!("level {level}, index {index}"),
            );
        }
        Ok(())
    }

    /// Compares the tiles that are not full, and hands the findings over.
    pub(super) fn finish<V: View>(
        mut self,
        view: &V,
        findings: &mut Vec<AuditFinding>,
    ) -> Result<(), StoreError> {
        for (level, (index, hashes)) in std::mem::take(&mut self.levels).into_iter().enumerate() {
            if !hashes.is_empty() {
                self.compare(view, level, index, &hashes)?;
            }
        }
        findings.extend(self.findings);
        findings.truncate(FINDINGS_MAX);
        Ok(())
    }
}

fn root(hashes: &[Digest]) -> Digest {
    let mut tree = Frontier::new();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}

/// Compares every stored record and list with the replayed state, and proves each record under
/// the state root out of the stored pages. All cores take a share.
pub(super) fn compare<V: View + Sync>(view: &V, report: &mut AuditReport) -> Result<(), Failure> {
    let keys: Vec<StateKey> = report.records.keys().copied().collect();
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let share = keys.len().div_ceil(cores).max(1);
    let replayed = &*report;
    let found: Vec<Result<Vec<AuditFinding>, Failure>> = thread::scope(|scope| {
        let running: Vec<_> = keys
            .chunks(share)
            .map(|keys| scope.spawn(|| compare_some(view, replayed, keys)))
            .collect();
        running
            .into_iter()
            .map(|thread| {
                let panicked = || Err(Failure::new(Code::Store, "the audit panicked: a bug"));
                thread.join().unwrap_or_else(|_| panicked())
            })
            .collect()
    });
    for findings in found {
        report.findings.extend(findings?);
    }
    report.findings.truncate(FINDINGS_MAX);
    Ok(())
}

fn compare_some<V: View>(
    view: &V,
    report: &AuditReport,
    keys: &[StateKey],
) -> Result<Vec<AuditFinding>, Failure> {
    let mut findings = Vec::new();
    for keys in keys.chunks(BATCH_RECORDS) {
        let stored = view.records(keys)?;
        for (key, stored) in keys.iter().zip(stored) {
            let want = report.records.get(key);
            if stored.as_ref() != want {
                let detail = hex::encode(key.to_bytes());
                find(&mut findings, "state record", detail);
            }
            if key.class == Class::Item
                && let Some(want) = want
            {
                compare_list(view, key, want, report, &mut findings)?;
            }
        }
        prove(view, report, keys, &mut findings);
    }
    Ok(findings)
}

/// An item's list must give the count and root that the state holds for it.
fn compare_list<V: View>(
    view: &V,
    key: &StateKey,
    record: &[u8],
    report: &AuditReport,
    findings: &mut Vec<AuditFinding>,
) -> Result<(), StoreError> {
    let Ok(want) = ItemRecord::decode(record) else {
        find(findings, "item record", hex::encode(key.to_bytes()));
        return Ok(());
    };
    // One more than there should be, to see what stands too much.
    let limit = usize::try_from(want.size)
        .unwrap_or(usize::MAX)
        .saturating_add(1);
    let list = view.postings(key, limit)?;
    let mut rebuilt = ItemRecord::default();
    for at in list {
        let leaf = usize::try_from(at.leaf.0).ok();
        if let Some(hash) = leaf.and_then(|leaf| report.leaf_hashes.get(leaf)) {
            rebuilt.push(posting_leaf(at, hash));
        }
    }
    if rebuilt != want {
        find(findings, "list", hex::encode(key.to_bytes()));
    }
    Ok(())
}

fn prove<V: View>(
    view: &V,
    report: &AuditReport,
    keys: &[StateKey],
    findings: &mut Vec<AuditFinding>,
) {
    let mut claims: Vec<(Digest, Option<Digest>)> = keys
        .iter()
        .filter(|key| key.class.authenticated())
        .filter_map(|key| Some((key.digest, Some(Digest::of(report.records.get(key)?)))))
        .collect();
    claims.sort_unstable();
    let digests: Vec<Digest> = claims.iter().map(|(key, _)| *key).collect();
    if digests.is_empty() {
        return;
    }
    match statemap::prove_many(&ViewPages(view), &report.state, &digests) {
        Ok(proof) => {
            if let Err(error) = proof.verify(&report.state, &claims) {
                find(findings, "state map", error.to_string());
            }
        }
        Err(error) => find(findings, "state map", page_error(error).to_string()),
    }
}
