//! `suyuan recall`, `suyuan hold`, `suyuan release`: stop goods, see how far that is, and end it.

mod status;

use super::act::{ActArgs, act};
use crate::client::registry::{RECORDS_MAX, read_json};
use crate::client::value::record;
use crate::exit::Failure;
use crate::output::Console;
use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use ledger::cbor::Map;
use ledger::decimal::parse_number;
use ledger::identifier::{Identifier, scan};
use ledger::ids::Handle;
use ledger::order::{Order, Release, Response};
use ledger::registry::Action;
use serde_json::json;
use std::path::PathBuf;

/// What to stop, and why.
#[derive(Debug, ClapArgs)]
pub(crate) struct OrderArgs {
    /// Codes to stop, in any spelling; several are one order.
    #[arg(required_unless_present = "items")]
    codes: Vec<String>,
    /// A JSON list of codes, such as .items[].item of `suyuan recall reach --json`.
    #[arg(long, value_name = "FILE")]
    items: Option<PathBuf>,
    /// Your number for the case: 2026-17. It is new, or one of your own.
    #[arg(long)]
    case: String,
    /// Why, in Chinese: the page shows it.
    #[arg(long, value_name = "TEXT")]
    reason_zh: String,
    /// Why, in English.
    #[arg(long, value_name = "TEXT")]
    reason_en: String,
    /// How grave it is: 1 is the gravest.
    #[arg(long, default_value = "1", value_parser = clap::value_parser!(i64).range(1..=3))]
    level: i64,
    /// How far it reaches.
    #[arg(long, value_enum, default_value = "forward")]
    reach: Reach,
    /// What is wrong.
    #[arg(long, value_enum, default_value = "safety")]
    fault: Fault,
    /// What must be tested before it is released.
    #[arg(long, value_name = "TEST")]
    retest: Option<String>,
    /// By when it should be decided: 2026-12-01T00:00:00Z.
    #[arg(long, value_name = "MOMENT")]
    deadline: Option<String>,
    #[command(flatten)]
    act: ActArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Reach {
    /// These goods alone.
    Item,
    /// And all that is made of them.
    Forward,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Fault {
    /// They may harm.
    Safety,
    /// Only the label is wrong.
    Label,
}

/// Hold goods until it is known whether they are sound.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan hold '(01)06909813001010(10)WT-5326' --case 2026-17 --key bureau.key \\
      --reason-zh 抽检待复检 --reason-en 'sample to be tested again' --retest 'GB 5009.22'")]
pub(crate) struct HoldArgs {
    #[command(flatten)]
    order: OrderArgs,
}

/// End a hold or recall.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Example:
  suyuan release '(01)06909813001010(10)WT-5326' --case 2026-17 --key bureau.key \\
      --reason-zh 复检合格 --reason-en 'passed the second test' --retest R-2026-881")]
pub(crate) struct ReleaseArgs {
    /// Codes to release, in any spelling.
    #[arg(required = true)]
    codes: Vec<String>,
    /// The case: your own number, or urn:suyuan:case:HANDLE:NUMBER of another.
    #[arg(long)]
    case: String,
    /// Why they may go on, in Chinese.
    #[arg(long, value_name = "TEXT")]
    reason_zh: String,
    /// Why, in English.
    #[arg(long, value_name = "TEXT")]
    reason_en: String,
    /// The report of the test that the order asked for.
    #[arg(long, value_name = "REPORT")]
    retest: Option<String>,
    #[command(flatten)]
    act: ActArgs,
}

/// Recall goods, see how far a recall is, and answer one.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan recall reach urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007
  suyuan recall start urn:suyuan:lot:EnriqMbA2qOwY1S4_bU5Zg:HWD:K-007 --case 2026-17 \\
      --reason-zh 黄曲霉毒素超标 --reason-en 'aflatoxin above the limit' --key maker.key
  suyuan recall status urn:suyuan:case:EnriqMbA2qOwY1S4_bU5Zg:2026-17
  suyuan recall acknowledge '(01)06909813001010(10)WT-5326' --key shop.key \\
      --case urn:suyuan:case:EnriqMbA2qOwY1S4_bU5Zg:2026-17")]
pub(crate) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Recall goods.
    Start(Box<OrderArgs>),
    /// What a recall would reach, who has it, and how much is sold.
    Reach(status::ReachArgs),
    /// The newest cases, or one: clocks, holders, who is late.
    Status(status::Args),
    /// Answer as a holder: you know, and have stopped selling and using it.
    Acknowledge(RespondArgs),
    /// Answer as a holder: you sent it back.
    Return(RespondArgs),
    /// Answer as a holder: you destroyed it; needs --evidence.
    Destroy(RespondArgs),
    /// Answer as a holder: you put the label right.
    Correct(RespondArgs),
    /// Say as its opener that the case is done, of a safety recall as an office; needs --evidence,
    /// the closing report. What is
    /// left somewhere stays stopped: only `suyuan release` ends that.
    Close(RespondArgs),
}

/// A holder's answer.
#[derive(Debug, ClapArgs)]
struct RespondArgs {
    /// The code that it is about, in any spelling.
    code: String,
    /// The case: urn:suyuan:case:HANDLE:NUMBER, or your own number.
    #[arg(long)]
    case: String,
    /// How much: 12.5.
    #[arg(long)]
    quantity: Option<String>,
    /// Its unit, UN/CEFACT: KGM; pieces without it.
    #[arg(long, requires = "quantity")]
    uom: Option<String>,
    /// A document's number or address.
    #[arg(long)]
    evidence: Option<String>,
    #[command(flatten)]
    act: ActArgs,
}

pub(crate) fn hold(args: &HoldArgs, console: Console) -> Result<(), Failure> {
    order(&args.order, console, Action::Hold)
}

pub(crate) fn release(args: &ReleaseArgs, console: Console) -> Result<(), Failure> {
    let case = case_of(&args.case, args.act.signer.read()?.handle)?;
    let records = args
        .codes
        .iter()
        .map(|code| {
            let mut fields = json!({
                "id": canonical(code)?, "case": case,
                "reason": {"zh": args.reason_zh, "en": args.reason_en},
            });
            if let Some(retest) = &args.retest {
                fields["retest"] = json!(retest);
            }
            let map = map(&fields)?;
            Release::read(&map).map_err(malformed)?;
            Ok(map)
        })
        .collect::<Result<Vec<Map>, Failure>>()?;
    act(&args.act, console, Action::Release, records)
}

pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    match &args.what {
        What::Start(args) => order(args, console, Action::Recall),
        What::Reach(args) => status::reach(args, console),
        What::Status(args) => status::run(args, console),
        What::Acknowledge(args) => respond(args, console, "acknowledged"),
        What::Return(args) => respond(args, console, "returned"),
        What::Destroy(args) => respond(args, console, "destroyed"),
        What::Correct(args) => respond(args, console, "corrected"),
        What::Close(args) => respond(args, console, "closed"),
    }
}

fn order(args: &OrderArgs, console: Console, action: Action) -> Result<(), Failure> {
    let case = case_of(&args.case, args.act.signer.read()?.handle)?;
    let mut codes = args.codes.clone();
    if let Some(path) = &args.items {
        let json = read_json(path)?;
        let list = json.as_array().map(Vec::as_slice).unwrap_or_default();
        codes.extend(
            list.iter()
                .filter_map(|code| code.as_str().map(str::to_owned)),
        );
    }
    if codes.is_empty() || codes.len() > RECORDS_MAX {
        let what = format!("{} codes; one order stops 1 to {RECORDS_MAX}", codes.len());
        return Err(Failure::usage(what).remedy("give several orders the same --case"));
    }
    let records = codes
        .iter()
        .map(|code| {
            let mut fields = json!({
                "id": canonical(code)?, "case": case, "level": args.level,
                "reason": {"zh": args.reason_zh, "en": args.reason_en},
                "reach": match args.reach { Reach::Item => "item", Reach::Forward => "forward" },
                "fault": match args.fault { Fault::Safety => "safety", Fault::Label => "label" },
            });
            for (field, value) in [("retest", &args.retest), ("deadline", &args.deadline)] {
                if let Some(value) = value {
                    fields[field] = json!(value);
                }
            }
            let map = map(&fields)?;
            Order::read(&map).map_err(malformed)?;
            Ok(map)
        })
        .collect::<Result<Vec<Map>, Failure>>()?;
    act(&args.act, console, action, records)
}

fn respond(args: &RespondArgs, console: Console, what: &str) -> Result<(), Failure> {
    let case = case_of(&args.case, args.act.signer.read()?.handle)?;
    let fields = json!({"case": case, "item": canonical(&args.code)?, "what": what});
    let mut map = map(&fields)?;
    if let Some(quantity) = &args.quantity {
        let number = parse_number(quantity)
            .map_err(|error| Failure::malformed(format!("{quantity}: {error}")))?;
        map.insert("quantity", number);
    }
    for (field, value) in [("uom", &args.uom), ("evidence", &args.evidence)] {
        if let Some(value) = value {
            map.insert(field, value.as_str());
        }
    }
    Response::read(&map).map_err(malformed)?;
    act(&args.act, console, Action::Respond, vec![map])
}

fn malformed(field: &'static str) -> Failure {
    Failure::malformed(format!("{field} is missing or malformed"))
        .remedy("see `suyuan recall start --help` and schemas/registry-record.schema.json")
}

fn map(fields: &serde_json::Value) -> Result<Map, Failure> {
    let empty = serde_json::Map::new();
    record(fields.as_object().unwrap_or(&empty))
}

pub(crate) fn canonical(code: &str) -> Result<String, Failure> {
    if code.starts_with("urn:") {
        let read = Identifier::parse(code);
        return read
            .map(|id| id.to_string())
            .map_err(|error| Failure::malformed(format!("{code}: {error}")));
    }
    let scanned = scan(code).map_err(|error| Failure::malformed(format!("{code}: {error}")))?;
    Ok(scanned.identifier.to_string())
}

/// A case by its whole identifier, or by the signer's own number.
fn case_of(text: &str, signer: Handle) -> Result<String, Failure> {
    let case = if text.starts_with("urn:") {
        Identifier::parse(text)
    } else {
        Identifier::case(signer, text)
    };
    case.map(|case| case.to_string())
        .map_err(|error| Failure::malformed(format!("{text}: {error}")))
}
