//! How far a recall is, and what one would reach.

use super::canonical;
use crate::client::http::Remote;
use crate::client::ledger::Target;
use crate::client::signer::{AskerArgs, Signing};
use crate::exit::Failure;
use crate::output::Console;
use crate::text::{self, Lang};
use clap::Args as ClapArgs;
use ledger::access::shown;
use ledger::ids::Handle;
use serde_json::Value;

/// Which case.
#[derive(Debug, ClapArgs)]
pub(crate) struct Args {
    /// The case, urn:suyuan:case:HANDLE:NUMBER; the newest of all without it.
    case: Option<String>,
    #[command(flatten)]
    asker: AskerArgs,
    #[command(flatten)]
    target: Target,
}

/// Where to begin.
#[derive(Debug, ClapArgs)]
pub(crate) struct ReachArgs {
    /// A code in any spelling.
    #[arg(required_unless_present_any = ["container", "seen"])]
    code: Option<String>,
    /// A pallet, crate or vehicle: what was inside from --from until --until.
    #[arg(long, conflicts_with_all = ["code", "seen"], requires_all = ["from", "until"])]
    container: Option<String>,
    /// A place or a device: what was seen there from --from until --until.
    #[arg(long, conflicts_with_all = ["code"], requires_all = ["from", "until"])]
    seen: Option<String>,
    /// First moment: 2026-11-20T08:00:00Z.
    #[arg(long)]
    from: Option<String>,
    /// Last moment.
    #[arg(long)]
    until: Option<String>,
    #[command(flatten)]
    asker: AskerArgs,
    #[command(flatten)]
    target: Target,
}

fn asked(
    target: &Target,
    asker: Option<Signing>,
    console: Console,
    path: &str,
    query: &[(&str, &str)],
) -> Result<Value, Failure> {
    let node = Remote::connect(target.node(), console.lang)?.asked_by(asker);
    let body = node.get(path, query, "application/json")?.success()?;
    serde_json::from_slice(&body).map_err(Failure::malformed)
}

/// `suyuan recall reach`.
pub(crate) fn reach(args: &ReachArgs, console: Console) -> Result<(), Failure> {
    let mut query: Vec<(&str, String)> = vec![("parts", "confidential".to_owned())];
    for (name, code) in [
        ("code", &args.code),
        ("container", &args.container),
        ("seen", &args.seen),
    ] {
        if let Some(code) = code {
            query.push((name, canonical(code)?));
        }
    }
    for (name, moment) in [("from", &args.from), ("until", &args.until)] {
        if let Some(moment) = moment {
            query.push((name, moment.clone()));
        }
    }
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(key, value)| (*key, value.as_str()))
        .collect();
    let answer = asked(
        &args.target,
        args.asker.read()?,
        console,
        "/affected",
        &query,
    )?;
    if console.json {
        return console.value(&answer);
    }
    let items = list(&answer["items"]);
    let rows = items.iter().map(|one| {
        let holders = list(&one["holders"])
            .iter()
            .map(|handle| party(console, &answer, handle));
        vec![
            one["depth"].to_string(),
            word(&one["item"]).to_owned(),
            word(&one["how"]).to_owned(),
            holders.collect::<Vec<_>>().join(", "),
            amount(&one["amounts"], "held"),
            amount(&one["amounts"], "sold"),
        ]
    });
    let headings = [
        text::DEPTH,
        text::ITEM,
        text::HOW,
        text::WHO,
        text::HELD,
        text::SOLD,
    ];
    console.table(&headings, rows)?;
    holders(console, &answer)?;
    totals(console, &answer)
}

/// `suyuan recall status`.
pub(crate) fn run(args: &Args, console: Console) -> Result<(), Failure> {
    let Some(case) = &args.case else {
        let answer = asked(&args.target, None, console, "/recalls", &[])?;
        if console.json {
            return console.value(&answer);
        }
        let rows = list(&answer).iter().map(|one| {
            vec![
                word(&one["case"]).to_owned(),
                console
                    .lang
                    .pick(text::order_kind(word(&one["kind"])))
                    .to_owned(),
                one["level"].to_string(),
                said(console.lang, &one["reason"]),
                word(&one["opened"]).to_owned(),
                console.lang.pick(standing(one)).to_owned(),
            ]
        });
        let headings = [
            text::CASE,
            text::ORDER,
            text::LEVEL,
            text::REASON,
            text::TIME,
            text::STATUS,
        ];
        return console.table(&headings, rows);
    };
    let path = format!("/recalls/{case}");
    // Amounts are withheld; a stranger sees none of them.
    let parts = [("parts", "confidential")];
    let asker = args.asker.read()?;
    let parts: &[(&str, &str)] = if asker.is_some() { &parts } else { &[] };
    let answer = asked(&args.target, asker, console, &path, parts)?;
    if console.json {
        return console.value(&answer);
    }
    let first = &answer["orders"][0];
    console.line(format_args!(
        "{} · {} · {} {} · {}",
        word(&answer["case"]),
        console.lang.pick(text::order_kind(word(&first["kind"]))),
        console.lang.pick(text::LEVEL),
        first["level"],
        console.lang.pick(standing(&answer)),
    ))?;
    console.line(said(console.lang, &first["reason"]))?;
    console.line(format_args!(
        "{}: {} · {}: {}",
        console.lang.pick(text::START_BY),
        word(&answer["clocks"]["start_by"]),
        console.lang.pick(text::FINISH_BY),
        word(&answer["clocks"]["finish_by"]),
    ))?;
    case_holders(console, &answer)?;
    for party in list(&answer["beyond"]) {
        console.line(format_args!(
            "{}: {}",
            console.lang.pick(text::BEYOND),
            word(party)
        ))?;
    }
    totals(console, &answer)
}

fn case_holders(console: Console, answer: &Value) -> Result<(), Failure> {
    if answer.get("holders").is_none() {
        let answered = &answer["answered"];
        return console.line(format_args!(
            "{}: {answered}",
            console.lang.pick(text::ACKNOWLEDGED)
        ));
    }
    let rows = list(&answer["holders"]).iter().map(|one| {
        let count = |field: &str| list(&one[field]).len().to_string();
        let late = word(&one["overdue"]);
        let contact = word(&one["contact"]);
        let notice = &answer["notices"][word(&one["holder"])];
        let told = if contact == "suspended" {
            console.lang.pick(text::SUSPENDED).to_owned()
        } else if !notice["delivered_ms"].is_null() {
            "✓".to_owned()
        } else if notice["no_address"] == true {
            console.lang.pick(text::NO_ADDRESS).to_owned()
        } else {
            String::new()
        };
        vec![
            party(console, answer, &one["holder"]),
            one["held"]["items"].to_string(),
            lines(&one["held"]["amounts"]),
            told,
            word(&one["acknowledged"]).to_owned(),
            count("returned"),
            count("destroyed"),
            if late.is_empty() {
                String::new()
            } else {
                console.lang.pick(text::overdue(late)).to_owned()
            },
        ]
    });
    let headings = [
        text::WHO,
        text::ITEMS,
        text::HELD,
        text::TOLD,
        text::ACKNOWLEDGED,
        text::RETURNED,
        text::DESTROYED,
        text::OVERDUE,
    ];
    console.table(&headings, rows)
}

fn holders(console: Console, answer: &Value) -> Result<(), Failure> {
    let Some(holders) = answer["holders"].as_object().filter(|all| !all.is_empty()) else {
        return Ok(());
    };
    let rows = holders.iter().map(|(handle, held)| {
        vec![
            party(console, answer, &Value::from(handle.as_str())),
            held["items"].to_string(),
            lines(&held["amounts"]),
        ]
    });
    console.table(&[text::WHO, text::ITEMS, text::HELD], rows)
}

fn totals(console: Console, answer: &Value) -> Result<(), Failure> {
    for total in list(&answer["totals"]) {
        let product = word(&total["product"]);
        let name = said(console.lang, &answer["products"][product]["name"]);
        let share = total["sold_permille"]
            .as_u64()
            .map_or_else(String::new, |share| {
                format!(
                    " · {} {}.{} %",
                    console.lang.pick(text::SOLD),
                    share / 10,
                    share % 10
                )
            });
        console.line(format_args!(
            "{}: {} {}{share}",
            match (name.is_empty(), product.is_empty()) {
                (false, _) => &name,
                (true, false) => product,
                (true, true) => console.lang.pick(text::UNNAMED),
            },
            total["items"],
            console.lang.pick(text::ITEMS),
        ))?;
    }
    if let Some(limit) = answer["cut"]["limit"].as_str() {
        console.line(format_args!("{}: {limit}", console.lang.pick(text::CUT)))?;
    }
    Ok(())
}

fn standing(one: &Value) -> text::Text {
    if !one["closed"].is_null() {
        text::CASE_CLOSED
    } else if one["standing"] == true {
        text::CASE_STANDS
    } else {
        text::CASE_RELEASED
    }
}

fn lines(amounts: &Value) -> String {
    let one = |line: &Value| {
        let uom = word(&line["uom"]);
        format!("{} {uom}", word(&line["amount"]))
            .trim_end()
            .to_owned()
    };
    list(amounts).iter().map(one).collect::<Vec<_>>().join(", ")
}

fn amount(amounts: &Value, field: &str) -> String {
    let uom = word(&amounts["uom"]);
    format!("{} {uom}", word(&amounts[field])).trim().to_owned()
}

fn party(console: Console, answer: &Value, handle: &Value) -> String {
    let handle = word(handle);
    let party = &answer["participants"][handle];
    let name = said(console.lang, &party["name"]);
    if !name.is_empty() {
        return name;
    }
    // Whom this reader may not know has a number that holds in this answer.
    match Handle::parse(handle).as_ref().and_then(shown::number) {
        Some(number) => {
            let unnamed = console.lang.pick(text::UNNAMED);
            format!("{unnamed} {number} · {}", word(&party["district"]))
        }
        None => handle.to_owned(),
    }
}

fn said(lang: Lang, both: &Value) -> String {
    let (first, other) = match lang {
        Lang::Zh => (&both["zh"], &both["en"]),
        Lang::En => (&both["en"], &both["zh"]),
    };
    let first = word(first);
    if first.is_empty() {
        word(other).to_owned()
    } else {
        first.to_owned()
    }
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn word(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
