//! `suyuan trace`: the provenance of a code, back to its origins or forward to all that came of it.

use super::verify::{bundle_failure, now};
use crate::client::http::Remote;
use crate::client::ledger::Target;
use crate::client::signer::AskerArgs;
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use clap::{Args as ClapArgs, ValueEnum};
use ledger::bundle::prove;
use ledger::identifier::{Identifier, scan};
use ledger::lists::{BatchSource, RECALL_BYTES_MAX, Reader, ViewSource};
use ledger::provenance::{Limits, Start, forward, trace};
use ledger_rocks::{Options, ReadOnlyStore};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// Trace a code back to its origins, or forward to all that came of it.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan trace '(01)06909813001010(10)WT-5326'
  suyuan trace 83901174207713350035 --bundle vaccine.bundle --trust trust.txt
  suyuan trace '(01)06909813001010(10)WT-5326' --parts confidential --key maker.key
  suyuan trace urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007 --direction forward --key farm.key")]
pub(crate) struct Args {
    /// The code in any spelling that a scanner may read.
    pub(super) code: String,
    /// Which way.
    #[arg(long, value_enum, default_value = "back")]
    pub(super) direction: Direction,
    /// How much: what is not public is shown event by event to those whom it concerns, who prove
    /// with --key who they are, and each read is recorded; and to whoever has the data directory.
    #[arg(long, value_enum, default_value = "public")]
    pub(super) parts: Parts,
    /// Also write the bundle, which proves the answer offline.
    #[arg(long, value_name = "FILE")]
    pub(super) bundle: Option<PathBuf>,
    /// Verify the bundle against this trust file and show what follows from it, instead of taking
    /// the node's word.
    #[arg(long)]
    pub(super) trust: Option<PathBuf>,
    #[command(flatten)]
    pub(super) asker: AskerArgs,
    #[command(flatten)]
    pub(super) target: Target,
}

/// Which way to walk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Direction {
    /// To the origins.
    Back,
    /// To all that came of it.
    Forward,
}

/// Which parts of events are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Parts {
    /// What everyone may see.
    Public,
    /// Quantities, owners, documents too.
    Confidential,
    /// Personal data too.
    All,
}

impl Parts {
    /// Whoever has the files has everything in them.
    const fn reader(self) -> Reader {
        match self {
            Self::Public => Reader::Public,
            Self::Confidential => Reader::Confidential,
            Self::All => Reader::All,
        }
    }
}

/// What a ledger answers: the answer, and the bundle where one was asked for.
struct Told {
    answer: Value,
    bundle: Option<Vec<u8>>,
}

const BUNDLE: &str = "application/vnd.suyuan.bundle+cbor";

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let answer = answer(args, console)?;
    if console.json {
        return console.value(&answer);
    }
    match args.direction {
        Direction::Back => show_back(console, &answer),
        Direction::Forward => show_forward(console, &answer),
    }
}

/// What the ledger answers, or what follows from its bundle where a trust file is given.
pub(super) fn answer(args: &Args, console: Console) -> Result<Value, Failure> {
    let item = scan(&args.code).map_err(Failure::malformed)?.identifier;
    let wants_bundle = args.bundle.is_some() || args.trust.is_some();
    if wants_bundle && args.direction == Direction::Forward {
        return Err(Failure::usage("a bundle proves the way back only"));
    }
    let Told { mut answer, bundle } = match args.target.dir() {
        Some(dir) => local(args, dir, &item, wants_bundle)?,
        None => remote(args, console, &item, wants_bundle)?,
    };
    if let (Some(path), Some(bundle)) = (&args.bundle, &bundle) {
        std::fs::write(path, bundle).map_err(|error| Failure::file(path, &error))?;
    }
    if let (Some(path), Some(bundle)) = (&args.trust, &bundle) {
        let trust = trust::read(path)?;
        let proved =
            prove(bundle, &trust, now()).map_err(|error| bundle_failure(&error, &trust))?;
        if proved.proved.item() != item.as_str() {
            let what = format!("other-item: the bundle is about {}", proved.proved.item());
            return Err(Failure::new(Code::Proof, what)
                .remedy("keep the bundle: whoever sent it answered another question"));
        }
        answer = to_json(&proved.answer)?;
    }
    Ok(answer)
}

fn to_json(answer: &impl serde::Serialize) -> Result<Value, Failure> {
    serde_json::to_value(answer).map_err(|error| Failure::new(Code::Store, error))
}

/// Answers from a data directory, which a node may have open.
fn local(args: &Args, dir: &Path, item: &Identifier, wants_bundle: bool) -> Result<Told, Failure> {
    let settings =
        node::read_settings(dir).map_err(|error| crate::client::ledger::open_failure(&error))?;
    let store = ReadOnlyStore::open(dir, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, crate::client::ledger::with_source(&error)))?;
    let view = store.view();
    if args.direction == Direction::Forward {
        let mut source = BatchSource::new(&view, args.parts.reader(), RECALL_BYTES_MAX);
        let start = [Start::Item(item.clone())];
        let answer = forward(&mut source, &start, now(), Limits::RECALL)?;
        return Ok(Told {
            answer: to_json(&answer)?,
            bundle: None,
        });
    }
    let mut source = ViewSource::new(&view, args.parts.reader());
    let answer = trace(&mut source, item, now(), Limits::DEFAULT)?;
    let bundle = if wants_bundle {
        Some(ledger::bundle::build(&view, &source, item.as_str())?.encode())
    } else {
        None
    };
    Ok(Told {
        answer: to_json(&answer)?,
        bundle,
    })
}

fn remote(
    args: &Args,
    console: Console,
    item: &Identifier,
    wants_bundle: bool,
) -> Result<Told, Failure> {
    let node = Remote::connect(args.target.node(), console.lang)?.asked_by(args.asker.read()?);
    let mut query = vec![("code", item.as_str())];
    match args.parts {
        Parts::Public => {}
        Parts::Confidential => query.push(("parts", "confidential")),
        Parts::All => query.push(("parts", "all")),
    }
    let bundle = if wants_bundle {
        Some(node.get("/trace", &query, BUNDLE)?.answer()?)
    } else {
        None
    };
    if args.direction == Direction::Forward {
        query.push(("direction", "forward"));
    }
    let body = node.get("/trace", &query, "application/json")?.answer()?;
    let answer = serde_json::from_slice(&body).map_err(Failure::malformed)?;
    Ok(Told { answer, bundle })
}

fn show_back(console: Console, answer: &Value) -> Result<(), Failure> {
    let verdict = answer["verdict"].as_str().unwrap_or_default();
    let complete = if answer["complete"] == true {
        text::COMPLETE
    } else {
        text::INCOMPLETE
    };
    let pick = |text| console.lang.pick(text);
    console.line(format_args!(
        "{}: {}",
        pick(text::ITEM),
        texted(&answer["item"])
    ))?;
    let product = &answer["products"][texted(&answer["subject"]["product"])]["name"];
    if product.is_object() {
        console.line(format_args!("  {}", named(console, product)))?;
    }
    console.line(format_args!(
        "{}: {} · {}: {} · {} {}",
        pick(text::VERDICT),
        pick(text::verdict(verdict)),
        pick(text::RECORD),
        pick(complete),
        pick(text::AS_OF),
        texted(&answer["as_of"]),
    ))?;
    let rows = list(&answer["steps"]).iter().map(|step| {
        let counterpart = step["counterpart"]
            .as_str()
            .map(|to| format!(" → {}", party(console, answer, to)));
        vec![
            texted(&step["time"]).to_owned(),
            pick(text::step(texted(&step["kind"]))).to_owned(),
            party(console, answer, texted(&step["issuer"])) + &counterpart.unwrap_or_default(),
            place(console, answer, texted(&step["place"])),
            format!("{}/{}", step["at"]["leaf"], step["at"]["index"]),
        ]
    });
    console.table(
        &[text::TIME, text::STEP, text::WHO, text::WHERE, text::LEAF],
        rows,
    )?;
    let stretches = list(&answer["temperature"]);
    if !stretches.is_empty() {
        let rows = stretches.iter().map(|stretch| {
            let degrees = |key: &str| {
                stretch[key]
                    .as_f64()
                    .map_or_else(|| "–".to_owned(), |tenths| format!("{:.1}", tenths / 10.0))
            };
            vec![
                texted(&stretch["from"]).to_owned(),
                party(console, answer, texted(&stretch["holder"])),
                texted(&stretch["grade"]).to_owned(),
                format!(
                    "{} … {} °C",
                    degrees("lowest_tenths"),
                    degrees("highest_tenths")
                ),
                stretch["outside_minutes"].to_string(),
                stretch["longest_gap_minutes"].to_string(),
                format!("{} %", stretch["covered_percent"]),
                format!("{} °C", degrees("mean_kinetic_tenths")),
            ]
        });
        let headings = [
            text::TIME,
            text::WHO,
            text::GRADE,
            text::RANGE,
            text::MINUTES_OUT,
            text::MINUTES_GAP,
            text::COVERED,
            text::KINETIC,
        ];
        console.table(&headings, rows)?;
    }
    let wrong = list(&answer["breaks"]).iter().map(|one| ("kind", one));
    let wrong: Vec<_> = wrong
        .chain(list(&answer["findings"]).iter().map(|one| ("rule", one)))
        .collect();
    if !wrong.is_empty() {
        let rows = wrong.into_iter().map(|(name, one)| {
            let whose = one["whose"]
                .as_str()
                .map(|whose| party(console, answer, whose));
            vec![
                texted(&one[name]).to_owned(),
                texted(&one["item"]).to_owned(),
                whose.unwrap_or_default(),
            ]
        });
        console.table(&[text::FINDING, text::ITEM, text::WHOSE], rows)?;
    }
    cut(console, answer)
}

fn show_forward(console: Console, answer: &Value) -> Result<(), Failure> {
    let rows = list(&answer["items"]).iter().map(|one| {
        let holders = list(&one["holders"])
            .iter()
            .map(|handle| party(console, answer, texted(handle)));
        vec![
            one["depth"].to_string(),
            texted(&one["item"]).to_owned(),
            texted(&one["how"]).to_owned(),
            holders.collect::<Vec<_>>().join(", "),
            if one["ended"] == true {
                "✓".to_owned()
            } else {
                String::new()
            },
        ]
    });
    console.table(
        &[text::DEPTH, text::ITEM, text::HOW, text::WHO, text::ENDED],
        rows,
    )?;
    cut(console, answer)
}

fn cut(console: Console, answer: &Value) -> Result<(), Failure> {
    match answer["cut"]["limit"].as_str() {
        Some(limit) => {
            let item = texted(&answer["cut"]["item"]);
            console.line(format_args!(
                "{}: {limit}, {item}",
                console.lang.pick(text::CUT)
            ))
        }
        None => Ok(()),
    }
}

pub(super) fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

pub(super) fn texted(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn named(console: Console, name: &Value) -> String {
    let (first, other) = match console.lang {
        text::Lang::Zh => (&name["zh"], &name["en"]),
        text::Lang::En => (&name["en"], &name["zh"]),
    };
    let first = texted(first);
    if first.is_empty() {
        texted(other).to_owned()
    } else {
        first.to_owned()
    }
}

/// The name of a participant, given its handle or its identifier.
pub(super) fn party(console: Console, answer: &Value, id: &str) -> String {
    let handle = id.rsplit(':').next().unwrap_or(id);
    let name = named(console, &answer["participants"][handle]["name"]);
    if name.is_empty() { id.to_owned() } else { name }
}

fn place(console: Console, answer: &Value, id: &str) -> String {
    let name = named(console, &answer["places"][id]["name"]);
    if name.is_empty() { id.to_owned() } else { name }
}
