//! Stored views compared with what the replay gives: records, lists, tiles, the state map.

use crate::exit::{Code, Failure};
use ledger::audit::{AuditFinding, AuditReport, FINDINGS_MAX};
use ledger::hash::Digest;
use ledger::merkle::Frontier;
use ledger::state::{Class, ItemRecord, Record as _, posting_leaf};
use ledger::store::{StoreError, TILE_HASHES, View};
use std::thread;

/// Rows of a view read at a time: about a megabyte.
const SCAN: usize = 8192;

fn find(findings: &mut Vec<AuditFinding>, what: &'static str, detail: String) {
    if findings.len() < FINDINGS_MAX {
        findings.push(AuditFinding::ViewDiffers { what, detail });
    }
}

/// Rebuilds every tile from the leaves and compares it with the stored one.
fn tiles<V: View>(view: &V, report: &AuditReport) -> Result<Vec<AuditFinding>, StoreError> {
    let mut findings = Vec::new();
    let mut level = report.leaf_hashes.clone();
    for number in 0.. {
        for (index, want) in (0..).zip(level.chunks(TILE_HASHES)) {
            if view.tile(number, index)?.as_deref() != Some(want) {
                let detail = format!("level {number}, index {index}");
                find(&mut findings, "tile", detail);
            }
        }
        let full = level.chunks_exact(TILE_HASHES);
        level = full.map(root).collect();
        if level.is_empty() {
            break;
        }
    }
    Ok(findings)
}

fn root(hashes: &[Digest]) -> Digest {
    let mut tree = Frontier::new();
    for hash in hashes {
        tree.push(*hash);
    }
    tree.root()
}

/// Compares everything stored beside the entries with what the replay gives: records, lists,
/// tiles and pages of the state map, each in one pass over both in the order of their keys. What is missing,
/// altered or too much is found; pages that equal the replay's lead to its root.
pub(super) fn compare<V: View + Sync>(view: &V, report: &mut AuditReport) -> Result<(), Failure> {
    let replayed = &*report;
    let panicked = |_| Failure::new(Code::Store, "a thread of the audit panicked: a bug");
    let (records, others) = thread::scope(|scope| {
        let records = scope.spawn(|| records(view, replayed));
        let others = lists(view, replayed).and_then(|mut found| {
            found.extend(pages(view, replayed)?);
            found.extend(tiles(view, replayed)?);
            Ok(found)
        });
        records.join().map(|records| (records, others))
    })
    .map_err(panicked)?;
    report.findings.extend(records?);
    report.findings.extend(others?);
    report.findings.truncate(FINDINGS_MAX);
    Ok(())
}

fn records<V: View>(view: &V, report: &AuditReport) -> Result<Vec<AuditFinding>, StoreError> {
    let stored = Scan::new(|after| view.records_after(after, SCAN), |(key, _)| *key);
    let want = report.records.iter();
    let mut findings = Vec::new();
    side_by_side(
        stored,
        want,
        |(key, _)| *key,
        |(_, stored), want| stored == *want,
        |key| {
            find(&mut findings, "state record", hex::encode(key.to_bytes()));
        },
    )?;
    Ok(findings)
}

fn pages<V: View>(view: &V, report: &AuditReport) -> Result<Vec<AuditFinding>, StoreError> {
    let stored = Scan::new(|after| view.pages_after(after, SCAN), |(path, _)| *path);
    let mut findings = Vec::new();
    side_by_side(
        stored,
        report.pages.iter(),
        |(path, _)| *path,
        |(_, stored), want| stored == *want,
        |path| find(&mut findings, "state map page", format!("{path:?}")),
    )?;
    Ok(findings)
}

/// Each item's list must give the count and root that the state holds for it.
fn lists<V: View>(view: &V, report: &AuditReport) -> Result<Vec<AuditFinding>, StoreError> {
    let mut findings = Vec::new();
    let mut stored = Scan::new(|after| view.postings_after(after, SCAN), |posting| *posting);
    let mut waiting = stored.next().transpose()?;
    let lists = std::iter::from_fn(|| {
        let (item, mut at) = waiting.take()?;
        let mut rebuilt = ItemRecord::default();
        loop {
            let leaf = usize::try_from(at.leaf.0).ok();
            if let Some(hash) = leaf.and_then(|leaf| report.leaf_hashes.get(leaf)) {
                rebuilt.push(posting_leaf(at, hash));
            }
            match stored.next() {
                Some(Ok((next, place))) if next == item => at = place,
                Some(Ok(other)) => {
                    waiting = Some(other);
                    break;
                }
                Some(Err(error)) => return Some(Err(error)),
                None => break,
            }
        }
        Some(Ok((item, rebuilt.encode())))
    });
    side_by_side(
        lists,
        report.records.of_class(Class::Item),
        |(item, _)| *item,
        |(_, rebuilt), want| rebuilt == *want,
        |item| find(&mut findings, "list", item.to_string()),
    )?;
    Ok(findings)
}

/// Walks what is stored and what should be, both in key order, and names each key that is in one
/// of them alone or has another value.
fn side_by_side<K: Ord + Copy, T, W>(
    mut stored: impl Iterator<Item = Result<T, StoreError>>,
    want: impl Iterator<Item = (K, W)>,
    key_of: impl Fn(&T) -> K,
    same: impl Fn(&T, &W) -> bool,
    mut differs: impl FnMut(K),
) -> Result<(), StoreError> {
    let mut here = stored.next().transpose()?;
    for (key, value) in want {
        while let Some(extra) = here.as_ref().map(&key_of).filter(|found| *found < key) {
            differs(extra);
            here = stored.next().transpose()?;
        }
        match &here {
            Some(found) if key_of(found) == key => {
                if !same(found, &value) {
                    differs(key);
                }
                here = stored.next().transpose()?;
            }
            Some(_) | None => differs(key),
        }
    }
    while let Some(extra) = here {
        differs(key_of(&extra));
        here = stored.next().transpose()?;
    }
    Ok(())
}

/// All of a view's rows, read some at a time.
struct Scan<T, K, R, F> {
    read: R,
    key_of: F,
    after: Option<K>,
    rows: std::vec::IntoIter<T>,
    ended: bool,
}

impl<T, K: Copy, R, F> Scan<T, K, R, F>
where
    R: FnMut(Option<K>) -> Result<Vec<T>, StoreError>,
    F: Fn(&T) -> K,
{
    fn new(read: R, key_of: F) -> Self {
        Self {
            read,
            key_of,
            after: None,
            rows: Vec::new().into_iter(),
            ended: false,
        }
    }
}

impl<T, K: Copy, R, F> Iterator for Scan<T, K, R, F>
where
    R: FnMut(Option<K>) -> Result<Vec<T>, StoreError>,
    F: Fn(&T) -> K,
{
    type Item = Result<T, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(row) = self.rows.next() {
            return Some(Ok(row));
        }
        if self.ended {
            return None;
        }
        match (self.read)(self.after) {
            Ok(rows) => {
                self.ended = rows.len() < SCAN;
                self.after = rows.last().map(&self.key_of);
                self.rows = rows.into_iter();
                self.rows.next().map(Ok)
            }
            Err(error) => {
                self.ended = true;
                Some(Err(error))
            }
        }
    }
}
