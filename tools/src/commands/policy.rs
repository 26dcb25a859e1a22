//! `suyuan policy`: what findings are judged by, and how authorities change it.

use super::act::{ActArgs, act};
use crate::client::http::Remote;
use crate::client::ledger::{Target, open_failure, with_source};
use crate::client::registry::read_json;
use crate::client::value::record;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use clap::{Args as ClapArgs, Subcommand};
use ledger::lists::{Reader, ViewSource};
use ledger::policy::{self, History};
use ledger::registry::Action;
use ledger_rocks::{Options, ReadOnlyStore};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Show or change the policy: limits, deadlines, authorisations, tests, severities.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan policy show --only class/
  suyuan policy set rows.json --key bureau.key --approve second.key

rows.json:
  [{\"key\": \"class/CHILLED_MEAT\", \"value\": {\"lowestTenths\": 0, \"highestTenths\": 40,
    \"carriedMinutes\": 10, \"storedMinutes\": 30, \"storedRequired\": false},
    \"source\": \"GB 31605-2020 3.2\", \"confirmed\": true}]")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the rows in force, each with its source and whether that was confirmed.
    Show {
        /// Only keys that begin so.
        #[arg(long, value_name = "PREFIX", default_value = "")]
        only: String,
        #[command(flatten)]
        target: Target,
    },
    /// Set rows; what is recorded from then on is judged by them.
    Set {
        /// A list of rows {key, value, source, confirmed}, JSON.
        file: PathBuf,
        #[command(flatten)]
        act: ActArgs,
    },
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    match &args.command {
        Command::Show { only, target } => show(only, target, console),
        Command::Set { file, act: args } => set(file, args, console),
    }
}

fn show(only: &str, target: &Target, console: Console) -> Result<(), Failure> {
    let mut shown = match target.dir() {
        Some(dir) => local(dir)?,
        None => remote(target, console)?,
    };
    if let Some(rows) = shown["rows"].as_array_mut() {
        rows.retain(|row| row["key"].as_str().is_some_and(|key| key.starts_with(only)));
    }
    if console.json {
        return console.value(&shown);
    }
    console.line(format_args!(
        "{}: {}",
        console.lang.pick(text::VERSION),
        shown["version"]
    ))?;
    let rows = shown["rows"].as_array().map(Vec::as_slice);
    let rows = rows.unwrap_or_default().iter().map(|row| {
        let confirmed = if row["confirmed"] == true {
            "✓"
        } else {
            "–"
        };
        let texted = |field: &str| {
            let value = &row[field];
            value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned)
        };
        vec![
            texted("key"),
            texted("value"),
            confirmed.to_owned(),
            texted("source"),
        ]
    });
    let headings = [text::KEY, text::VALUE, text::CONFIRMED, text::SOURCE];
    console.table(&headings, rows)
}

fn local(dir: &Path) -> Result<Value, Failure> {
    let settings = node::read_settings(dir).map_err(|error| open_failure(&error))?;
    let store = ReadOnlyStore::open(dir, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let view = store.view();
    let history = History::read(&mut ViewSource::new(&view, Reader::Public))?;
    Ok(history.newest().to_json())
}

fn remote(target: &Target, console: Console) -> Result<Value, Failure> {
    let node = Remote::connect(target.node(), console.lang)?;
    let body = node.get("/policy", &[], "application/json")?.success()?;
    serde_json::from_slice(&body).map_err(Failure::malformed)
}

fn set(file: &Path, args: &ActArgs, console: Console) -> Result<(), Failure> {
    let json = read_json(file)?;
    // What `show --json` prints can be edited and set again.
    let rows = json.get("rows").unwrap_or(&json);
    let whole = json!({"id": policy::ITEM, "rows": rows});
    let fields = whole.as_object().cloned().unwrap_or_default();
    let record = record(&fields)?;
    // Named here, before anything is signed; the ledger refuses it all the same.
    policy::read_record(&record)
        .map_err(|why| Failure::malformed(format!("{}: {why}", file.display())))?;
    act(args, console, Action::Policy, vec![record])
}
