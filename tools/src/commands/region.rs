//! `suyuan region`: other regions' logs that this ledger believes.

use super::act::{ActArgs, act};
use crate::exit::Failure;
use crate::output::Console;
use crate::trust;
use clap::{Args as ClapArgs, Subcommand};
use ledger::cbor::{Map, Value};
use ledger::region::Region;
use ledger::registry::Action;
use std::path::PathBuf;

/// Recognise the log of another region, or end that.
///
/// An act of the authorities over the whole ledger. From then on participants may import events of
/// that log, and this node follows goods to it. What was imported before stays.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan region recognise --log chongqing.example/log --name-zh 重庆 --name-en Chongqing \\
      --district 50 --url https://trace.cq.example --policy chongqing.txt --key authority.key
  suyuan region end chongqing.example/log --key authority.key

A policy is a C2SP tlog-policy with that log, its witnesses and their quorum. Get it from the other
region's authority by another way than its node.")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Recognise a log, or replace what is recorded of it.
    Recognise {
        /// The log's origin: the first line of its checkpoints.
        #[arg(long)]
        log: String,
        /// What the region is called, in Chinese.
        #[arg(long)]
        name_zh: String,
        /// The same in English.
        #[arg(long)]
        name_en: String,
        /// Its GB/T 2260 code, 2 to 6 digits.
        #[arg(long)]
        district: String,
        /// Where its node is reached.
        #[arg(long)]
        url: String,
        /// By which its checkpoints are judged.
        #[arg(long, value_name = "FILE")]
        policy: PathBuf,
        #[command(flatten)]
        act: ActArgs,
    },
    /// Take nothing more from a log.
    End {
        /// The log's origin.
        log: String,
        #[command(flatten)]
        act: ActArgs,
    },
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let text = |text: &str| Value::Text(text.to_owned());
    let (args, record): (&ActArgs, Map) = match &args.command {
        Command::End { log, act } => (act, [("log", text(log))].into_iter().collect()),
        Command::Recognise {
            log,
            name_zh,
            name_en,
            district,
            url,
            policy,
            act,
        } => {
            let name: Map = [("zh", text(name_zh)), ("en", text(name_en))]
                .into_iter()
                .collect();
            let policy = trust::read(policy)?.to_string();
            let fields = [
                ("log", text(log)),
                ("name", name.into()),
                ("district", text(district)),
                ("url", text(url.trim_end_matches('/'))),
                ("policy", text(&policy)),
            ];
            (act, fields.into_iter().collect())
        }
    };
    // The node says the same, but only after a signature.
    Region::read(&record).map_err(|field| {
        Failure::malformed(format!("{field} is missing or malformed")).remedy(
            "a policy names that log and ends in a quorum of its witnesses; a url is \
                 https://HOST[/PATH]; a district has 2 to 6 digits",
        )
    })?;
    act(args, console, Action::Region, vec![record])
}
