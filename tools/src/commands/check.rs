//! `suyuan check`: may these codes be received, filled, dispensed, sold or used now?

use super::checked::{show, signed, texted, verify};
use super::verify::now;
use crate::client::http::Remote;
use crate::client::ledger::{Target, open_failure, with_source};
use crate::client::signer::{AskerArgs, Signing};
use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use crate::trust;
use clap::{Args as ClapArgs, ValueEnum};
use ledger::check::{self, Attested, Decision, Question};
use ledger::identifier::{Identifier, scan};
use ledger::ids::Handle;
use ledger::lists::{Reader, ViewSource};
use ledger::provenance::Limits;
use ledger::store::View as _;
use ledger_rocks::{Options, ReadOnlyStore};
use serde_json::{Value, json};
use std::io::Read as _;
use std::path::{Path, PathBuf};

/// Ask before an act: may these codes be received, filled, dispensed, sold or used now?
///
/// Exit code 0: allowed; 9: hold, somebody must mend or judge it first; 4: refused. Of several
/// codes the gravest counts.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan check '(01)06909813001010(10)WT-5326' --act sell
  suyuan check 83901174207713350035 --act dispense --key site.key
  suyuan check --file delivery.txt --act receive --json
  suyuan check https://id.gs1.org/8004/6909835CYL0001 --act fill --out answer.cose --trust trust.txt
  suyuan verify answer.cose --trust trust.txt")]
pub(crate) struct Args {
    /// Codes in any spelling that a scanner may read.
    #[arg(required_unless_present = "file")]
    codes: Vec<String>,
    /// A file with one code a line, `-` for standard input; `#` begins a comment.
    #[arg(long, conflicts_with = "codes")]
    file: Option<PathBuf>,
    /// What is about to be done.
    #[arg(long, value_enum)]
    act: Act,
    /// Who would do it, by handle: whether it has the goods then counts too. Without it, whoever
    /// asks with --key.
    #[arg(long, value_name = "HANDLE", allow_hyphen_values = true)]
    actor: Option<String>,
    /// Also write the signed answer, of one code.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Verify the signed answers against this trust file.
    #[arg(long)]
    trust: Option<PathBuf>,
    #[command(flatten)]
    asker: AskerArgs,
    #[command(flatten)]
    target: Target,
}

/// An intended act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Act {
    /// Take goods in.
    Receive,
    /// Fill a gas cylinder.
    Fill,
    /// Give a medicine or vaccine to a person.
    Dispense,
    /// Sell to a consumer.
    Sell,
    /// Use up.
    Use,
}

impl Act {
    const fn of_check(self) -> check::Act {
        match self {
            Self::Receive => check::Act::Receive,
            Self::Fill => check::Act::Fill,
            Self::Dispense => check::Act::Dispense,
            Self::Sell => check::Act::Sell,
            Self::Use => check::Act::Use,
        }
    }
}

/// Codes of one request, as a node takes them.
const CODES_MAX: usize = 200;

/// Bytes of a list of codes: some ten thousand.
const FILE_BYTES_MAX: u64 = 1024 * 1024;

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let codes = match &args.file {
        Some(path) => listed(path)?,
        None => args.codes.clone(),
    };
    if codes.is_empty() {
        return Err(Failure::usage("no code is given"));
    }
    if args.out.is_some() && codes.len() > 1 {
        return Err(Failure::usage("--out takes the answer about one code"));
    }
    let asker = args.asker.read()?;
    let actor = args.actor.as_deref().map(handle).transpose()?;
    let actor = actor.or_else(|| asker.as_ref().map(|asker| asker.handle));
    let answers = match args.target.dir() {
        Some(_) if args.out.is_some() || args.trust.is_some() => {
            return Err(Failure::usage(
                "a data directory signs nothing; ask its node",
            ));
        }
        Some(dir) => local(dir, &codes, args.act.of_check(), actor)?,
        None => remote(args, console, &codes, actor, asker)?,
    };
    for answer in &answers {
        keep(args, answer)?;
    }
    let worst = answers.iter().map(gravest).max().unwrap_or(Decision::Hold);
    if console.json {
        console.value(&match answers.as_slice() {
            [one] => one.clone(),
            all => json!({"decision": worst.word(), "answers": all}),
        })?;
    } else {
        for answer in &answers {
            show_one(console, answer)?;
        }
    }
    end(worst, &answers)
}

/// The run's end: scripts read it off the exit code.
fn end(worst: Decision, answers: &[Value]) -> Result<(), Failure> {
    let code = match worst {
        Decision::Allow => return Ok(()),
        Decision::Hold => Code::Hold,
        Decision::Refuse => Code::Rejected,
    };
    let grave = answers.iter().filter(|answer| gravest(answer) == worst);
    let what: Vec<String> = grave
        .map(|answer| {
            let problem = &answer["problem"]["reason"];
            let rule = &answer["reasons"][0]["rule"];
            let why = if problem.is_null() { rule } else { problem };
            format!("{}: {}", texted(&answer["code"]), texted(why))
        })
        .collect();
    Err(Failure::new(
        code,
        format!("{}: {}", worst.word(), what.join(", ")),
    ))
}

fn gravest(answer: &Value) -> Decision {
    // What cannot be read waits for a person.
    Decision::parse(texted(&answer["decision"])).unwrap_or(Decision::Hold)
}

fn show_one(console: Console, answer: &Value) -> Result<(), Failure> {
    let problem = &answer["problem"];
    if problem.is_null() {
        return show(console, answer);
    }
    let code = texted(&answer["code"]);
    let (reason, detail) = (texted(&problem["reason"]), texted(&problem["detail"]));
    console.line(format_args!(
        "{} · {code} · {reason}: {detail}",
        console.lang.pick(text::UNREADABLE)
    ))
}

/// The codes of a file, one a line.
fn listed(path: &Path) -> Result<Vec<String>, Failure> {
    let mut text = String::new();
    let failed = |error| Failure::file(path, &error);
    let read = if path == Path::new("-") {
        std::io::stdin()
            .take(FILE_BYTES_MAX + 1)
            .read_to_string(&mut text)
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text)
    };
    read.map_err(failed)?;
    if text.len() > usize::try_from(FILE_BYTES_MAX).unwrap_or(usize::MAX) {
        let what = format!("{}: more than {FILE_BYTES_MAX} bytes", path.display());
        return Err(Failure::malformed(what));
    }
    let lines = text.lines().map(str::trim);
    let codes = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(codes.map(str::to_owned).collect())
}

fn handle(text: &str) -> Result<Handle, Failure> {
    Handle::parse(text).ok_or_else(|| Failure::usage(format!("{text:?} is no handle")))
}

/// Asks a node, a delivery's worth at a time.
fn remote(
    args: &Args,
    console: Console,
    codes: &[String],
    actor: Option<Handle>,
    asker: Option<Signing>,
) -> Result<Vec<Value>, Failure> {
    let node = Remote::connect(args.target.node(), console.lang)?.asked_by(asker);
    let mut body = json!({"act": args.act.of_check().word()});
    if let Some(actor) = actor {
        body["actor"] = actor.to_string().into();
    }
    if let [code] = codes {
        body["code"] = code.as_str().into();
        return Ok(vec![post(&node, &body)?]);
    }
    let mut all = Vec::with_capacity(codes.len());
    for some in codes.chunks(CODES_MAX) {
        body["codes"] = json!(some);
        let mut told = post(&node, &body)?;
        let answers = told["answers"].as_array_mut().map(std::mem::take);
        let answers = answers.filter(|answers| answers.len() == some.len());
        all.extend(answers.ok_or_else(|| {
            let what = "the node gives another number of answers than it was asked for";
            Failure::new(Code::Proof, what)
        })?);
    }
    Ok(all)
}

fn post(node: &Remote, body: &Value) -> Result<Value, Failure> {
    let answer = node.post_json("/check", body)?.success()?;
    serde_json::from_slice(&answer).map_err(Failure::malformed)
}

/// Verifies and writes the signed form, where that was asked for.
fn keep(args: &Args, answer: &Value) -> Result<(), Failure> {
    if !answer["problem"].is_null() || (args.out.is_none() && args.trust.is_none()) {
        return Ok(());
    }
    let signed = signed(answer)?;
    if let Some(path) = &args.trust {
        let (attested, _) = verify(&signed, &trust::read(path)?)?;
        let mut shown = answer.clone();
        for beside in ["code", "log", "parties", "signed"] {
            shown.as_object_mut().map(|fields| fields.remove(beside));
        }
        if attested.to_json() != shown {
            let what = "answer-altered: what is shown is not what is signed";
            return Err(Failure::new(Code::Proof, what).remedy("keep it: it is evidence"));
        }
    }
    if let Some(path) = &args.out {
        std::fs::write(path, &signed).map_err(|error| Failure::file(path, &error))?;
    }
    Ok(())
}

/// Answers from a data directory, which a node may have open; nobody signs them.
fn local(
    dir: &Path,
    codes: &[String],
    act: check::Act,
    actor: Option<Handle>,
) -> Result<Vec<Value>, Failure> {
    let settings = node::read_settings(dir).map_err(|error| open_failure(&error))?;
    let store = ReadOnlyStore::open(dir, settings.origin(), Options::default())
        .map_err(|error| Failure::new(Code::Store, with_source(&error)))?;
    let view = store.view();
    let head = view.head()?;
    let head = head.ok_or_else(|| Failure::new(Code::Store, "the ledger has no entry yet"))?;
    let read = |code: &String| -> Result<Identifier, Failure> {
        Ok(scan(code).map_err(Failure::malformed)?.identifier)
    };
    let items: Vec<Identifier> = codes.iter().map(read).collect::<Result<_, _>>()?;
    let answer = |(code, item): (&String, Identifier)| {
        let question = Question {
            item,
            act,
            actor,
            at: now(),
        };
        let mut source = ViewSource::new(&view, Reader::Public);
        let decided = check::check(&mut source, &question, Limits::DEFAULT)?;
        let attested = Attested {
            answer: decided.answer,
            size: head.size(),
            root: head.block.root,
        };
        let mut json = attested.to_json();
        json["parties"] = json!(decided.parties);
        json["code"] = code.as_str().into();
        json["log"] = settings.origin().into();
        Ok(json)
    };
    codes.iter().zip(items).map(answer).collect()
}
