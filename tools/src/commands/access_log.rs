//! `suyuan access-log`: who was shown which withheld part, and when.

use crate::client::http::Remote;
use crate::client::ledger::{Target, open_failure};
use crate::client::signer::AskerArgs;
use crate::exit::Failure;
use crate::output::Console;
use crate::text;
use clap::Args as ClapArgs;
use serde_json::{Value, json};
use std::path::Path;

/// Show who was shown which withheld part, and when.
///
/// An authority or regulator asks a node with its key, and sees the reads of those in its
/// jurisdiction. Whoever has the data directory sees all; then it is also checked that each record
/// follows the one before. Keep the last digest: asked again later, the record must still hold it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan access-log --key authority.key
  suyuan access-log --dir data --from 1200 --json")]
pub(crate) struct Args {
    /// The number of the first record.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// How many records to look at.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u16).range(1..=100))]
    count: u16,
    #[command(flatten)]
    asker: AskerArgs,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let records = match args.target.dir() {
        Some(dir) => local(args, dir)?,
        None => remote(args, console)?,
    };
    if console.json {
        return console.value(&json!({ "records": records }));
    }
    if records.is_empty() {
        return console.say(text::NO_READS);
    }
    let headings = [
        text::NUMBER,
        text::TIME,
        text::READER,
        text::ENDPOINT,
        text::PARTS,
    ];
    console.table(&headings, records.iter().map(row))
}

fn row(record: &Value) -> Vec<String> {
    let text = |key: &str| {
        let text = record[key].as_str().map(str::to_owned);
        text.unwrap_or_else(|| record[key].to_string())
    };
    let parts = record["parts"].as_array().map(Vec::as_slice);
    let parts: Vec<String> = parts
        .unwrap_or_default()
        .iter()
        .map(|part| {
            let class = part["class"].as_str().unwrap_or_default();
            format!("{}.{} {class}", part["leaf"], part["index"])
        })
        .collect();
    vec![
        text("number"),
        text("time"),
        text("reader"),
        text("endpoint"),
        parts.join(", "),
    ]
}

fn remote(args: &Args, console: Console) -> Result<Vec<Value>, Failure> {
    let node = Remote::connect(args.target.node(), console.lang)?.asked_by(args.asker.read()?);
    let (from, count) = (args.from.to_string(), args.count.to_string());
    let query = [("from", from.as_str()), ("perPage", count.as_str())];
    let body = node
        .get("/access-log", &query, "application/json")?
        .success()?;
    let mut answer: Value = serde_json::from_slice(&body).map_err(Failure::malformed)?;
    serde_json::from_value(answer["records"].take()).map_err(Failure::malformed)
}

/// Out of a data directory, which a node may have open.
fn local(args: &Args, dir: &Path) -> Result<Vec<Value>, Failure> {
    // Says whose directory it is not, before it says that nothing was read there.
    node::read_settings(dir).map_err(|error| open_failure(&error))?;
    let records = node::read_access_log(dir, args.from, usize::from(args.count))?;
    let all = records.iter().filter_map(|record| record.to_json(|_| true));
    Ok(all.collect())
}
