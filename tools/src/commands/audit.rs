//! `suyuan audit`: the whole ledger replayed, and everything stored beside it compared.
//!
//! Entries, bodies and effects are read from leaf 0; state, tiles, lists, state map, head and
//! checkpoint are computed again and compared with what is stored. Nothing is written. Signatures
//! are verified on all cores, a few batches ahead of the replay.

pub(crate) mod verified;
mod views;

use crate::client::http::Remote;
use crate::client::ledger::{open_failure, with_source};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use clap::Args as ClapArgs;
use indicatif::ProgressBar;
use ledger::audit::{AuditFinding, AuditReport, Auditor, FINDINGS_MAX, prepare, undestroyed};
use ledger::ids::LeafIndex;
use ledger::signature::PublicKey;
use ledger::store::{StoreError, View};
use ledger_rocks::{Options, ReadOnlyStore};
use rayon::iter::{IntoParallelIterator as _, ParallelIterator as _};
use std::ops::Range;
use std::path::PathBuf;
use std::thread;
use verified::{Keys, ahead, verified};

/// Leaves verified and replayed at a time: few enough to be in a cache still when they are replayed.
const BATCH_LEAVES: u64 = 1024;

/// Leaves that one core reads and verifies at a time: some milliseconds, so that none waits long
/// for another at the end of a batch.
const SHARE_LEAVES: u64 = 64;

/// Deleted parts that the text lists; `--json` has all.
const FORGOTTEN_SHOWN: usize = 20;

/// Replay a ledger from its first entry, and report every difference.
///
/// Exit code 0: clean; 5: faults were found; 8: the directory cannot be read at all. A personal
/// part that was deleted on order is no fault, and neither is a body that is absent: its effects
/// are taken and said so. A mirror's copy that is being caught up ends where the log signed no
/// checkpoint; that is said too, and is no fault. A part that lost its key without an order is a fault.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan audit --dir data --trust trust.txt
  suyuan audit --dir data --json | jq .findings")]
pub(crate) struct Args {
    /// The data directory; a node may have it open.
    #[arg(long, required_unless_present = "node")]
    dir: Option<PathBuf>,
    /// A node. It serves answers and proofs, not yet the entries of the whole log: mirror its
    /// directory and audit that, or verify bundles.
    #[arg(long, value_name = "URL", conflicts_with = "dir")]
    node: Option<String>,
    /// Whose signature counts; without it `trust.txt` in the directory, which proves no more than
    /// that the directory agrees with itself.
    #[arg(long, requires = "dir")]
    trust: Option<PathBuf>,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let Some(dir) = &args.dir else {
        let url = args.node.as_deref().unwrap_or_default();
        Remote::connect(url, console.lang)?;
        return Err(
            Failure::usage(format!("{url} does not serve the entries of the whole log")).remedy(
                "audit a copy of its data directory with --dir, or verify single answers: \
                 suyuan trace CODE --bundle FILE --trust trust.txt",
            ),
        );
    };
    let settings = node::read_settings(dir).map_err(|error| open_failure(&error))?;
    let trust_path = args.trust.clone().unwrap_or_else(|| dir.join("trust.txt"));
    let trust = trust::read(&trust_path)?;
    let log = trust.log_of_origin(settings.origin()).ok_or_else(|| {
        let what = format!(
            "{} does not name {}",
            trust_path.display(),
            settings.origin()
        );
        Failure::usage(what).remedy("name the trust file of this log with --trust")
    })?;
    let store = ReadOnlyStore::open(dir, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let view = store.view();
    let size = view.head()?.map_or(0, |head| head.size().0);
    let bar = if console.shows_progress() {
        ProgressBar::new(size)
    } else {
        ProgressBar::hidden()
    };
    let report = replay(&view, settings.origin(), log.key.public_key(), |leaves| {
        bar.inc(u64::try_from(leaves).unwrap_or_default());
    })?;
    bar.finish_and_clear();
    show(console, settings.origin(), &report)
}

/// Replays everything `view` holds and compares it with everything else it holds. `progress` is
/// told how many leaves were read on.
///
/// # Errors
/// [`Failure`] where the store cannot be read.
pub(crate) fn replay<V: View + Sync>(
    view: &V,
    origin: &str,
    log_key: &PublicKey,
    mut progress: impl FnMut(usize),
) -> Result<AuditReport, Failure> {
    let head = view.head()?;
    let size = head.as_ref().map_or(0, |head| head.size().0);
    let mut keys = Keys::of_log(log_key);
    let share = usize::try_from(SHARE_LEAVES).unwrap_or(usize::MAX);
    let read = |leaves: Range<u64>| {
        let count = usize::try_from(leaves.end - leaves.start).unwrap_or(share);
        let (leaves, failed) = match view.leaves(LeafIndex(leaves.start), count) {
            Ok(leaves) => (leaves, None),
            Err(error) => (Vec::new(), Some(Err(error))),
        };
        let prepared = leaves.into_iter().map(|leaf| prepare(view, leaf));
        prepared.chain(failed)
    };
    let batches = (0..size).step_by(usize::try_from(BATCH_LEAVES).unwrap_or(usize::MAX));
    let mut auditor = Auditor::new(origin);
    thread::scope(|scope| {
        let ready = batches.map(|start| {
            let end = size.min(start + BATCH_LEAVES);
            let starts = (start..end).step_by(share);
            let shares = starts.map(|start| start..end.min(start + SHARE_LEAVES));
            let shares: Vec<Range<u64>> = shares.collect();
            verified(shares.into_par_iter().flat_map_iter(read), &mut keys)
        });
        ahead(scope, ready).try_for_each(|ready| {
            let ready = ready?;
            progress(ready.len());
            for (prepared, good) in ready {
                auditor.leaf(prepared, good);
            }
            Ok::<_, StoreError>(())
        })
    })?;
    let mut report = auditor.finish(head.as_ref(), log_key);
    let outlived = undestroyed(view, &report)?;
    report.findings.extend(outlived);
    report.findings.truncate(FINDINGS_MAX);
    views::compare(view, &mut report)?;
    Ok(report)
}

fn show(console: Console, origin: &str, report: &AuditReport) -> Result<(), Failure> {
    let (faults, taken): (Vec<&AuditFinding>, Vec<&AuditFinding>) = report
        .findings
        .iter()
        .partition(|finding| finding.is_fault());
    if console.json {
        console.value(&serde_json::json!({
            "log": origin,
            "clean": faults.is_empty(),
            "treeSize": report.size.0,
            "blocks": report.blocks,
            "events": report.events,
            "state": report.state.to_string(),
            "findings": faults.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "taken": taken.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "takenNotRecomputed": report.taken,
            "copyInProgress": report.unsigned,
            "deletedOnOrder": report.forgotten.iter().map(|(part, order)| serde_json::json!({
                "leaf": part.at.leaf.0,
                "index": part.at.index,
                "part": part.part.to_string(),
                "order": order.0,
            })).collect::<Vec<_>>(),
            "partsWithoutKeys": report.keyless,
        }))?;
    } else {
        let row = |label, value: &str| {
            console.line(format_args!("  {}: {value}", console.lang.pick(label)))
        };
        console.say(if faults.is_empty() {
            text::AUDIT_CLEAN
        } else {
            text::AUDIT_FAULTS
        })?;
        row(text::LOG, origin)?;
        row(text::TREE_SIZE, &report.size.to_string())?;
        row(text::BLOCKS, &report.blocks.to_string())?;
        row(text::EVENTS, &report.events.to_string())?;
        row(text::STATE, &report.state.to_string())?;
        if report.unsigned {
            console.line(format_args!(
                "  {}",
                console.lang.pick(text::COPY_IN_PROGRESS)
            ))?;
        }
        if report.taken > 0 {
            row(text::TAKEN, &report.taken.to_string())?;
        }
        if !report.forgotten.is_empty() {
            row(text::DELETED_ON_ORDER, &report.forgotten.len().to_string())?;
        }
        for (part, order) in report.forgotten.iter().take(FORGOTTEN_SHOWN) {
            let at = format!("{}.{}", part.at.leaf, part.at.index);
            let by = console.lang.pick(text::BY_ORDER_AT);
            console.line(format_args!("    {at} {}, {by} {order}", part.part))?;
        }
        if report.keyless > 0 {
            row(text::WITHOUT_KEYS, &report.keyless.to_string())?;
        }
        for fault in &faults {
            console.line(format_args!("  ✗ {fault}"))?;
        }
    }
    if faults.is_empty() {
        Ok(())
    } else {
        let what = format!("{} faults in the ledger of {origin}", faults.len());
        Err(Failure::new(Code::Proof, what).remedy("keep the directory as it is: it is evidence"))
    }
}

#[cfg(test)]
mod tests;
