//! What is said of a proved chain beyond the first bundle's own answer: each part by its log.

use super::{cosigned_json, row, show_facts, show_standing};
use crate::exit::Failure;
use crate::output::Console;
use crate::text;
use ledger::bundle::{Facts, Import, Proved, ProvedChain};
use ledger::provenance::Answer;
use ledger::provenance::across::{Section, Told};
use ledger::time::format_utc;
use ledger::tlog_policy::{Judged, Standing};
use serde_json::{Value, json};

/// The report for programs: of the first bundle as of any, `parts` beside it, `missing` where the
/// chain goes on and the file does not.
pub(super) fn json(chain: &ProvedChain) -> Value {
    let root = &chain.root;
    let answer = &root.answer;
    let mut said = basis(&root.proved, &root.judged);
    said["verified"] = "bundle".into();
    said["item"] = answer.item.as_str().into();
    said["scope"] = json!(answer.scope);
    said["verdict"] = answer.verdict.word().into();
    said["complete"] = answer.complete.into();
    let parts = chain.parts.iter().map(|part| {
        let mut said = basis(&part.proved, &part.judged);
        said["item"] = part.item.as_str().into();
        let found = sections(answer).find(|one| is_of(one, &part.judged, &part.item));
        if let Some(Told::Proved(told)) = found.map(|one| &one.told) {
            said["verdict"] = told.answer.verdict.word().into();
            said["complete"] = told.answer.complete.into();
        }
        said
    });
    said["parts"] = parts.collect();
    let missing = missing(answer).map(|section| {
        json!({
            "log": section.log,
            "item": section.item,
            "lastProved": last_proved(section),
        })
    });
    said["missing"] = missing.collect();
    said["answer"] = json!(answer);
    said
}

fn basis(proved: &Proved, judged: &Judged) -> Value {
    let facts: Facts = proved.facts();
    let import = |one: &Import| {
        let standing = one.standing.map_or("taken", Standing::word);
        json!({ "log": one.log, "standing": standing })
    };
    json!({
        "log": judged.checkpoint.origin,
        "standing": judged.standing.word(),
        "cosigned": cosigned_json(judged),
        "asOf": format_utc(facts.time),
        "treeSize": facts.size.0,
        "root": facts.root.to_string(),
        "signatures": facts.signatures,
        "statements": facts.statements,
        "imports": proved.imports().iter().map(import).collect::<Vec<_>>(),
    })
}

/// Each part: its log, what stands behind it, its item and its own verdict.
pub(super) fn show(console: Console, chain: &ProvedChain) -> Result<(), Failure> {
    let answer = &chain.root.answer;
    show_imports(console, &chain.root.proved)?;
    for section in sections(answer) {
        console.line("")?;
        console.say(text::PART_ELSEWHERE)?;
        row(console, text::LOG, &section.log)?;
        row(console, text::ITEM, &section.item)?;
        match &section.told {
            Told::Proved(told) => {
                let verdict = text::verdict(told.answer.verdict.word());
                row(console, text::VERDICT, console.lang.pick(verdict))?;
            }
            Told::Silent { .. } => {
                let last = last_proved(section);
                let last = last.unwrap_or_else(|| console.lang.pick(text::NEVER).to_owned());
                row(console, text::NOT_IN_FILE, &last)?;
            }
            Told::Unproved { fault } => row(console, text::NOT_PROVED, fault)?,
        }
        if let Some(part) = chain.part(&section.log, &section.item) {
            show_facts(console, &part.proved.facts())?;
            show_standing(console, &part.judged)?;
            show_imports(console, &part.proved)?;
        }
    }
    Ok(())
}

fn show_imports(console: Console, proved: &Proved) -> Result<(), Failure> {
    for import in proved.imports() {
        let what = match import.standing {
            Some(Standing::Witnessed) => text::IMPORT_WITNESSED,
            Some(Standing::Recorded) => text::IMPORT_RECORDED,
            None => text::IMPORT_TAKEN,
        };
        let said = format!("{} ({})", import.log, console.lang.pick(what));
        row(console, text::IMPORTED, &said)?;
    }
    Ok(())
}

/// Beside what no bundle proves: parts that the file lacks.
pub(super) fn show_missing(console: Console, answer: &Answer) -> Result<(), Failure> {
    for section in missing(answer) {
        let said = format!("{} · {}", section.log, section.item);
        row(console, text::PART_MISSING, &said)?;
    }
    if answer.chain.as_ref().is_some_and(|chain| chain.cut) {
        console.line(format_args!("  {}", console.lang.pick(text::PARTS_CUT)))?;
    }
    Ok(())
}

fn sections(answer: &Answer) -> impl Iterator<Item = &Section> {
    let chain = answer.chain.as_deref().into_iter();
    chain.flat_map(|chain| &chain.sections)
}

fn missing(answer: &Answer) -> impl Iterator<Item = &Section> {
    sections(answer).filter(|section| !matches!(section.told, Told::Proved(_)))
}

fn is_of(section: &Section, judged: &Judged, item: &str) -> bool {
    section.log == judged.checkpoint.origin && section.item == item
}

fn last_proved(section: &Section) -> Option<String> {
    let Told::Silent { last_proved } = &section.told else {
        return None;
    };
    last_proved.map(|last| format_utc(last.0))
}
