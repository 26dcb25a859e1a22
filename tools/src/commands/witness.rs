//! `suyuan witness`: make a node a witness of other logs.

use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use clap::Args as ClapArgs;
use ledger::note::NoteKey;
use std::path::PathBuf;

/// Make the node of a data directory a witness of other logs.
///
/// It cosigns what grew from what it cosigned before, and so nobody who listens to it can be shown
/// two histories of these logs. Start the node again afterwards. The logs' operators add the line
/// that is printed to their trust files, and their verifiers too.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan witness --dir data --name trace.example.cn/w1 --log chengdu.example/log+c23fd503+AQ...
  suyuan witness --dir data --name trace.example.cn/w1 --log VKEY --log VKEY --json")]
pub(crate) struct Args {
    /// The data directory, made by `suyuan init`.
    #[arg(long)]
    dir: PathBuf,
    /// The witness's name for ever, host/path: it stands in front of its cosignatures.
    #[arg(long)]
    name: String,
    /// A log's verifier key, name+id+base64; may be repeated. Logs named before stay.
    #[arg(long, value_name = "VKEY", value_parser = vkey)]
    log: Vec<NoteKey>,
}

fn vkey(text: &str) -> Result<NoteKey, String> {
    NoteKey::parse(text).map_err(|error| error.to_string())
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let settings = node::read_settings(&args.dir)
        .map_err(|error| crate::client::ledger::open_failure(&error))?;
    let own = node::watch(&args.dir, &args.name, &args.log)
        .map_err(|error| Failure::new(Code::Usage, crate::client::ledger::with_source(&error)))?;
    let line = format!("witness {} {own} {}", args.name, settings.public_url());
    if console.json {
        return console.value(&serde_json::json!({
            "name": args.name,
            "vkey": own.to_string(),
            "policyLine": line,
        }));
    }
    console.line(format_args!("{}:", console.lang.pick(text::WITNESS_LINE)))?;
    console.line(&line)
}
