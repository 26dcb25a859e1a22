//! Stored views compared with what the replay gives: records, lists, tiles, the state map.

use crate::exit::Failure;
use ledger::audit::{AuditFinding, AuditReport, FINDINGS_MAX};
use ledger::hash::{Digest, leaf_hash};
use ledger::merkle::Frontier;
use ledger::seal::{ViewPages, page_error};
use ledger::state::{Class, ItemRecord, Record as _, StateKey, posting_leaf};
use ledger::statemap;
use ledger::store::{EntryWrite, EventRef, StoreError, TILE_HASHES, View};

/// Records compared and proved at a time.
const BATCH_RECORDS: usize = 1024;

/// Leaves of a list hashed at a time.
const BATCH_POSTINGS: usize = 1024;

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
/// the state root out of the stored pages.
pub(super) fn compare<V: View>(view: &V, report: &mut AuditReport) -> Result<(), Failure> {
    let keys: Vec<StateKey> = report.records.keys().copied().collect();
    for keys in keys.chunks(BATCH_RECORDS) {
        let stored = view.records(keys)?;
        for (key, stored) in keys.iter().zip(stored) {
            let want = report.records.get(key);
            if stored.as_ref() != want {
                find(
                    &mut report.findings,
                    "state record",
                    hex::encode(key.to_bytes()),
                );
            }
            if key.class == Class::Item
                && let Some(want) = want
            {
                compare_list(view, key, want, &mut report.findings)?;
            }
        }
        prove(view, report, keys)?;
    }
    Ok(())
}

/// An item's list must give the count and root that the state holds for it.
fn compare_list<V: View>(
    view: &V,
    key: &StateKey,
    record: &[u8],
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
    for part in list.chunks(BATCH_POSTINGS) {
        let leaves: Vec<_> = part.iter().map(|at: &EventRef| at.leaf).collect();
        for (at, pair) in part.iter().zip(view.entries_with_bodies(&leaves)?) {
            let Some((entry, _)) = pair else { continue };
            rebuilt.push(posting_leaf(*at, &leaf_hash(&entry)));
        }
    }
    if rebuilt != want {
        find(findings, "list", hex::encode(key.to_bytes()));
    }
    Ok(())
}

fn prove<V: View>(view: &V, report: &mut AuditReport, keys: &[StateKey]) -> Result<(), Failure> {
    let mut claims: Vec<(Digest, Option<Digest>)> = keys
        .iter()
        .filter(|key| key.class.authenticated())
        .filter_map(|key| Some((key.digest, Some(Digest::of(report.records.get(key)?)))))
        .collect();
    claims.sort_unstable();
    let digests: Vec<Digest> = claims.iter().map(|(key, _)| *key).collect();
    if digests.is_empty() {
        return Ok(());
    }
    match statemap::prove_many(&ViewPages(view), &report.state, &digests) {
        Ok(proof) => {
            if let Err(error) = proof.verify(&report.state, &claims) {
                find(&mut report.findings, "state map", error.to_string());
            }
        }
        Err(error) => find(
            &mut report.findings,
            "state map",
            page_error(error).to_string(),
        ),
    }
    Ok(())
}
