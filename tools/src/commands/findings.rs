//! `suyuan findings`: what rules find wrong with a code's story, whose turn it is, and what mends it.

use super::trace::{self, Direction, Parts, list, party, texted};
use crate::client::ledger::Target;
use crate::client::signer::AskerArgs;
use crate::exit::Failure;
use crate::output::Console;
use crate::text;
use api::pages::{Lang, words};
use clap::Args as ClapArgs;
use ledger::policy::Severity;
use ledger::provenance::{Law, Rule};
use serde_json::{Value, json};
use std::path::PathBuf;

/// Show what rules find about a code: open findings, and those that something late has closed.
#[derive(Debug, ClapArgs)]
#[command(after_help = "Examples:
  suyuan findings '(01)06909820001010(10)PH-8807'
  suyuan findings 83901174207713350035 --trust trust.txt --key authority.key --json")]
pub(crate) struct Args {
    /// The code in any spelling that a scanner may read.
    code: String,
    /// Whose eyes: quantities are compared only where they are seen.
    #[arg(long, value_enum, default_value = "public")]
    parts: Parts,
    /// Verify the bundle against this trust file and find from it, instead of taking the node's
    /// word.
    #[arg(long)]
    trust: Option<PathBuf>,
    #[command(flatten)]
    asker: AskerArgs,
    #[command(flatten)]
    target: Target,
}

pub(crate) fn run(args: Args, console: Console) -> Result<(), Failure> {
    let asked = trace::Args {
        code: args.code,
        direction: Direction::Back,
        parts: args.parts,
        bundle: None,
        trust: args.trust,
        asker: args.asker,
        target: args.target,
    };
    let answer = trace::answer(&asked, console)?;
    if console.json {
        let keys = ["item", "as_of", "findings", "closed"];
        let shown: serde_json::Map<String, Value> = keys
            .iter()
            .map(|key| ((*key).to_owned(), answer[*key].clone()))
            .collect();
        return console.value(&json!(shown));
    }
    let all = || {
        list(&answer["findings"])
            .iter()
            .chain(list(&answer["closed"]))
    };
    if all().next().is_none() {
        return console.say(text::NO_FINDINGS);
    }
    let lang = match console.lang {
        text::Lang::Zh => Lang::Zh,
        text::Lang::En => Lang::En,
    };
    let rows = all().map(|finding| row(console, lang, &answer, finding));
    let headings = [
        text::SEVERITY,
        text::FINDING,
        text::ITEM,
        text::WHOSE,
        text::OPENED,
        text::CLOSED,
    ];
    console.table(&headings, rows)?;
    for finding in list(&answer["findings"]) {
        let Some(rule) = Rule::parse(texted(&finding["rule"])) else {
            continue;
        };
        let (what, mend) = words::rule(lang, rule);
        let articles: Vec<String> = list(&finding["articles"])
            .iter()
            .filter_map(|article| {
                let law: Law = serde_json::from_value(article["law"].clone()).ok()?;
                Some(words::article(lang, law, texted(&article["number"])))
            })
            .collect();
        let events: Vec<String> = list(&finding["events"])
            .iter()
            .map(|at| format!("{}/{}", at["leaf"], at["index"]))
            .collect();
        console.line(format_args!("\n{what}"))?;
        console.line(format_args!(
            "  {}: {mend}",
            console.lang.pick(text::REMEDY)
        ))?;
        console.line(format_args!(
            "  {}: {}",
            console.lang.pick(text::ARTICLES),
            articles.join("; ")
        ))?;
        console.line(format_args!(
            "  {}: {}",
            console.lang.pick(text::LEAF),
            events.join(", ")
        ))?;
    }
    Ok(())
}

fn row(console: Console, lang: Lang, answer: &Value, finding: &Value) -> Vec<String> {
    let rule = texted(&finding["rule"]);
    let severity = Severity::parse(texted(&finding["severity"]));
    vec![
        severity.map_or_else(String::new, |one| words::severity(lang, one).to_owned()),
        Rule::parse(rule)
            .map_or(rule, |rule| words::rule(lang, rule).0)
            .to_owned(),
        texted(&finding["item"]).to_owned(),
        finding["whose"]
            .as_str()
            .map_or_else(String::new, |whose| party(console, answer, whose)),
        texted(&finding["opened_at"]).to_owned(),
        texted(&finding["closed_at"]).to_owned(),
    ]
}
