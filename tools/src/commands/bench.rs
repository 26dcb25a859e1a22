//! `suyuan bench`: what this machine does, beside what it could do at most.
//!
//! Every figure stands beside a limit measured in the same run, as a ratio, since machines differ
//! and neighbours are noisy. Counted is only what a client could rely on: statements whose block
//! is synced, whose checkpoint is signed and stored, and whose receipt is issued.

mod check;
mod figures;
mod findings;
mod ingest;
mod limits;
mod mirror;
mod recall;
mod resolve;
mod verify;
mod workload;

use crate::exit::{Code, Failure};
use crate::output::Console;
use clap::{Args as ClapArgs, Subcommand};
use figures::{Figure, Report};
use ingest::Bench;
use std::path::PathBuf;
use std::time::Duration;
use workload::Chains;

/// Measure ingest, receipts, resolving and audit on this machine, beside the machine's own limits.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan bench --quick
  suyuan bench check --quick
  suyuan bench findings --quick
  suyuan bench mirror --quick
  suyuan bench recall
  suyuan bench verify --quick
  suyuan bench --dir /data/bench --json > figures.json")]
pub(crate) struct Args {
    /// About a minute, on a ledger of 100,000 events; without it 3 million, a quarter of an hour.
    #[arg(long, global = true)]
    quick: bool,
    /// Where to put the ledgers, on the disk to be measured; they are removed at the end.
    #[arg(long, value_name = "DIR", global = true)]
    dir: Option<PathBuf>,
    /// Measure one thing only.
    #[command(subcommand)]
    only: Option<Only>,
}

/// What can be measured alone.
#[derive(Clone, Copy, Debug, Subcommand)]
enum Only {
    /// Checks before an act.
    Check,
    /// Findings of every lot, beside ingest.
    Findings,
    /// Catching up with a log over HTTP, from nothing.
    Mirror,
    /// All that came of one lot among a million events: affected items, holders, amounts.
    Recall {
        /// Events of the ledger.
        #[arg(long, default_value_t = 1_000_000)]
        events: usize,
        /// Boxes made of the lot.
        #[arg(long, default_value_t = 10_000)]
        boxes: usize,
        /// How often it is recalled.
        #[arg(long, default_value_t = 10)]
        answers: usize,
    },
    /// Bundles offline: size of proofs, and time beside that of their signatures.
    Verify,
}

/// How much of everything.
struct Scale {
    /// Single-event statements in all.
    statements: usize,
    /// The size at which the large ledger is resolved, and its name in figures.
    large: usize,
    large_name: &'static str,
    /// Events in 100-event statements.
    grouped_events: usize,
    /// Answers timed at each size.
    answers: usize,
    /// How long to submit at half the rate.
    paced: Duration,
    /// How long to measure each limit.
    limit: Duration,
}

impl Scale {
    const QUICK: Self = Self {
        statements: 150_000,
        large: 100_000,
        large_name: "1e5",
        grouped_events: 100_000,
        answers: 300,
        paced: Duration::from_secs(5),
        limit: Duration::from_secs(2),
    };
    const FULL: Self = Self {
        statements: 3_000_000,
        large: 1_000_000,
        large_name: "1e6",
        grouped_events: 1_000_000,
        answers: 2000,
        paced: Duration::from_secs(20),
        limit: Duration::from_secs(5),
    };
}

/// Measures everything and prints it.
///
/// # Errors
/// [`Failure`] if a ledger cannot be made, or does not do what it should: a bench that measures
/// a fault says so.
pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let scale = if args.quick {
        Scale::QUICK
    } else {
        Scale::FULL
    };
    let dir = args.dir.clone().unwrap_or_else(|| {
        std::env::temp_dir().join(format!("suyuan-bench-{}", std::process::id()))
    });
    let mut report = Report::new(console);
    let result = match args.only {
        None => measure(&scale, &dir, &mut report),
        Some(Only::Check) => {
            let Scale {
                large,
                large_name,
                answers,
                ..
            } = scale;
            check::measure(large, large_name, answers, &dir, &mut report)
        }
        Some(Only::Findings) => {
            let Scale {
                large, large_name, ..
            } = scale;
            findings::measure(large, large_name, &dir, &mut report)
        }
        Some(Only::Mirror) => mirror::measure(scale.large, scale.limit, &dir, &mut report),
        Some(Only::Recall {
            events,
            boxes,
            answers,
        }) => measure_recall(&dir, (events, boxes, answers), &mut report),
        Some(Only::Verify) => {
            let Scale {
                large,
                large_name,
                answers,
                ..
            } = scale;
            verify::measure(large, large_name, answers, &dir, &mut report)
        }
    };
    // What is left behind is only disk space, and its path was named.
    drop(std::fs::remove_dir_all(&dir));
    result?;
    report.finish()
}

/// A bench that meets a fault has nothing to report but that.
fn fault(what: impl std::fmt::Display) -> Failure {
    Failure::new(Code::Store, what)
}

fn measure_recall(
    dir: &std::path::Path,
    (events, boxes, answers): (usize, usize, usize),
    report: &mut Report,
) -> Result<(), Failure> {
    std::fs::create_dir_all(dir)?;
    let found = recall::measure(&dir.join("recall"), events, boxes, answers)?;
    report.note(&format!(
        "{} affected items of one lot, ledger of {} events: the set that brute force finds; all of \
         them turn with the order, {} other lots do not",
        found.items, found.events, found.others
    ))?;
    let bare = found.bare_p50 * 1e3;
    report.add(Figure::new("recall_p50", found.p50 * 1e3, "ms", bare))?;
    report.add(Figure::new("recall_worst", found.worst * 1e3, "ms", bare))
}

fn measure(scale: &Scale, dir: &std::path::Path, report: &mut Report) -> Result<(), Failure> {
    let verify = limits::verify_rate(scale.limit);
    report.note(&format!(
        "limit: {verify:.0} signatures/s verified strictly on all cores, keys decoded, 300-byte messages"
    ))?;
    let sync = limits::sync_seconds(dir, scale.limit)?;
    report.note(&format!(
        "limit: {:.2} ms for one synced write of 4 KiB",
        sync * 1e3
    ))?;

    // Small ledger: ten thousand events.
    let mut chains = Chains::new();
    let mut bench = Bench::found(&dir.join("single"), &chains)?;
    bench.ingest_to(&mut chains, 10_000)?;
    let small = resolve::measure(&bench, &chains, scale.answers)?;
    report.add(Figure::new(
        "resolve_p50_1e4",
        small.p50 * 1e3,
        "ms",
        small.bare_p50 * 1e3,
    ))?;

    // Large ledger, read with a block cache of a tenth of the data.
    bench.ingest_to(&mut chains, scale.large)?;
    bench.settle()?;
    let mut bench = bench.reopen_with_cache_of_a_tenth()?;
    let large = resolve::measure(&bench, &chains, scale.answers)?;
    let name = |what: &str| format!("resolve_{what}_{}", scale.large_name);
    report.add(Figure::new(
        &name("p50"),
        large.p50 * 1e3,
        "ms",
        large.bare_p50 * 1e3,
    ))?;
    report.add(Figure::new(
        &name("p99"),
        large.p99 * 1e3,
        "ms",
        large.bare_p99 * 1e3,
    ))?;

    // The rest, and the time until compaction has caught up.
    bench.ingest_to(&mut chains, scale.statements)?;
    bench.settle()?;
    let rate = bench.rate();
    report.add(Figure::new("ingest_single", rate, "statements/s", verify))?;

    let paced = bench.paced(&mut chains, rate / 2.0, scale.paced)?;
    report.add(Figure::new(
        "receipt_p50",
        paced.p50 * 1e3,
        "ms",
        sync * 1e3,
    ))?;
    report.add(Figure::new(
        "receipt_p99",
        paced.p99 * 1e3,
        "ms",
        sync * 1e3,
    ))?;

    let audited = bench.audit()?;
    report.add(Figure::new("audit", audited, "statements/s", verify))?;
    drop(bench);

    let mut chains = Chains::new();
    let mut grouped = Bench::found(&dir.join("grouped"), &chains)?;
    grouped.ingest_groups(&mut chains, scale.grouped_events)?;
    grouped.settle()?;
    report.add(Figure::new(
        "ingest_100",
        grouped.rate(),
        "events/s",
        verify,
    ))?;
    Ok(())
}
