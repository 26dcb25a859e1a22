//! `suyuan mirror`: another region's log followed, verified, and kept.
//!
//! One replay, that of the audit, fed from the network: every signature, block, admission, effect
//! and root is computed again before anything is written. What is written is a ledger's store, so
//! that `suyuan audit`, `export-tiles` and `restore` read it; it has no log key and never signs.
//!
//! As a monitor it remembers the log's last signed checkpoint. One that does not continue it is
//! refused by name, and what proves two histories is kept.

pub(crate) mod copy;
pub(crate) mod source;

use crate::client::http::Remote;
use crate::client::signer::AskerArgs;
use crate::commands::verify::now;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use clap::Args as ClapArgs;
use copy::{Mirror, Round};
use indicatif::ProgressBar;
use ledger::time::format_utc;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// Longest pause before a node that does not answer is asked again.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// Follow another region's log, verify all of it, and keep a copy.
///
/// Every signature, block, admission, effect, state root and tree root is computed again before
/// anything is kept. Bodies come as far as an agreement of the region's authority shows them to
/// you; of a statement without its body the effects are taken, not recomputed, and counted. Orders
/// to delete are obeyed. It may be stopped or killed at any moment, and goes on where it was.
///
/// The region's operator names you with `suyuan serve --mirror HANDLE`. Exit code 5: the log, or
/// its node, is dishonest or damaged, and is named; 6: it went back to an older tree. Two
/// checkpoints that contradict each other are kept as one file in DIR/evidence, which
/// suyuan verify explains.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan mirror https://trace.chengdu.example --dir mirror --trust trust.txt --key mirror.key --once
  suyuan mirror https://trace.chengdu.example --dir mirror --trust trust.txt --key mirror.key
  suyuan audit --dir mirror")]
pub(crate) struct Args {
    /// The log's node.
    url: String,
    /// The copy: made if it is not there, gone on with if it is.
    #[arg(long)]
    dir: PathBuf,
    /// Whose signatures count, from the log's operator by another way (C2SP tlog-policy).
    #[arg(long)]
    trust: PathBuf,
    /// Catch up and end, instead of following.
    #[arg(long)]
    once: bool,
    /// Seconds between two looks, when following.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600))]
    every: u64,
    /// Take personal parts too, where an agreement gives them. They are kept encrypted, and are
    /// deleted when the log orders it.
    #[arg(long)]
    personal: bool,
    /// Write figures for Prometheus to this file after each look (node_exporter's textfile form).
    #[arg(long, value_name = "FILE")]
    metrics: Option<PathBuf>,
    #[command(flatten)]
    asker: AskerArgs,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let policy = trust::read(&args.trust)?;
    let parts = if args.personal { "all" } else { "confidential" };
    let remote = Remote::connect(&args.url, console.lang)?.asked_by(args.asker.read()?);
    let mirror = Mirror::open(&args.dir, policy, remote, parts)?;
    let mut follower = mirror.follower()?;
    let mut pause = Duration::from_secs(args.every);
    let mut seen = Monitor::default();
    loop {
        let bar = if console.shows_progress() {
            ProgressBar::new_spinner()
        } else {
            ProgressBar::hidden()
        };
        let round = mirror.round(&mut follower, |leaves| {
            bar.inc(u64::try_from(leaves).unwrap_or_default());
        });
        bar.finish_and_clear();
        if let Some(path) = &args.metrics {
            seen.note(&round);
            seen.write(path)?;
        }
        match round {
            Ok(round) => {
                pause = Duration::from_secs(args.every);
                if args.once || round.added > 0 {
                    show(console, &mirror, &round)?;
                }
                if args.once {
                    return Ok(());
                }
            }
            // Nobody's dishonesty: the network's, or a restart's.
            Err(failure) if failure.code == Code::Busy && !args.once => {
                console.failure(&failure);
                pause = PAUSE_MAX.min(pause * 2);
            }
            Err(failure) => return Err(failure),
        }
        thread::sleep(pause);
    }
}

fn show(console: Console, mirror: &Mirror, round: &Round) -> Result<(), Failure> {
    let as_of = round.time.map(format_utc).unwrap_or_default();
    if console.json {
        return console.value(&serde_json::json!({
            "log": mirror.origin(),
            "treeSize": round.size.0,
            "root": round.root.to_string(),
            "added": round.added,
            "blocks": round.blocks,
            "events": round.events,
            "state": round.state.to_string(),
            "asOf": as_of,
            "standing": round.standing,
            "cosigned": round.cosigned,
            "takenNotRecomputed": round.taken,
            "ordersToDelete": round.orders,
            "findings": [],
        }));
    }
    let row =
        |label, value: &str| console.line(format_args!("  {}: {value}", console.lang.pick(label)));
    console.say(text::MIRRORED)?;
    row(text::LOG, mirror.origin())?;
    row(
        text::TREE_SIZE,
        &format!("{} (+{})", round.size, round.added),
    )?;
    row(text::ROOT, &round.root.to_string())?;
    row(text::STATE, &round.state.to_string())?;
    row(text::AS_OF, &as_of)?;
    if round.taken > 0 {
        row(text::TAKEN, &round.taken.to_string())?;
    }
    if round.orders > 0 {
        row(text::ORDERS_OBEYED, &round.orders.to_string())?;
    }
    Ok(())
}

/// What a monitor's owner is alarmed by.
#[derive(Debug, Default)]
struct Monitor {
    size: u64,
    /// Of the newest block; nothing before the first good look.
    as_of_s: Option<i64>,
    taken: u64,
    answers: bool,
    fault: bool,
}

impl Monitor {
    fn note(&mut self, round: &Result<Round, Failure>) {
        match round {
            Ok(round) => {
                self.size = round.size.0;
                self.as_of_s = round.time.map(|time| time.0 / 1000);
                self.taken = round.taken;
                (self.answers, self.fault) = (true, false);
            }
            Err(failure) => {
                self.answers = false;
                self.fault = failure.code != Code::Busy;
            }
        }
    }

    fn write(&self, path: &Path) -> Result<(), Failure> {
        let now_s = now().0 / 1000;
        let age = self.as_of_s.map_or_else(String::new, |as_of_s| {
            format!(
                "# TYPE suyuan_mirror_as_of_seconds gauge\nsuyuan_mirror_as_of_seconds {as_of_s}\n\
                 # TYPE suyuan_mirror_lag_seconds gauge\nsuyuan_mirror_lag_seconds {}\n",
                now_s.saturating_sub(as_of_s)
            )
        });
        let text = format!(
            "# TYPE suyuan_mirror_size gauge\nsuyuan_mirror_size {}\n{age}\
             # TYPE suyuan_mirror_taken_total counter\nsuyuan_mirror_taken_total {}\n\
             # TYPE suyuan_mirror_source_answers gauge\nsuyuan_mirror_source_answers {}\n\
             # TYPE suyuan_mirror_fault gauge\nsuyuan_mirror_fault {}\n",
            self.size,
            self.taken,
            u8::from(self.answers),
            u8::from(self.fault),
        );
        node::durable::replace(path, text.as_bytes(), 0o644)
            .map_err(|error| Failure::file(path, &error))
    }
}
