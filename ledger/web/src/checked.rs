//! The report on a log's signed answer to a check.

use crate::catalogue::Key;
use crate::proved::{age, list, printed, reasons};
use crate::report::{Report, Row, Tone, both, plain, row, sentence, sentences};
use crate::{Asked, Refused};
use ledger::check::{Attested, Decision, Reason, catalogue};
use ledger::provenance::answer::Text;
use ledger::time::format_utc;
use ledger::tlog_policy::Standing;

pub(crate) fn report(asked: &Asked, file: &[u8]) -> Result<Report, Refused> {
    let (attested, origin) = Attested::prove(file, &asked.trust)
        .map_err(|error| Refused::proof(error.name(), &error))?;
    let answer = &attested.answer;
    asked.is_about(&answer.item)?;
    asked
        .follows(&origin, attested.size, &attested.root)
        .map_err(|error| Refused::proof(error.name(), &error))?;
    let age = age(answer.at, &asked.options);
    let reasons = reasons(age.as_ref(), false);
    let tone = match answer.decision {
        Decision::Allow => Tone::Good,
        Decision::Hold => Tone::Warn,
        Decision::Refuse => Tone::Stop,
    };
    let asked_what = vec![
        row(Key::ProofCode, &printed(&answer.item)),
        Row {
            label: both(Key::VerifyCheckAct),
            value: pair(catalogue::act(answer.act)),
        },
    ];
    let facts = vec![
        row(Key::ProofOrigin, &origin),
        row(Key::ProofTime, &format_utc(answer.at)),
        row(Key::ProofSize, &attested.size.to_string()),
        row(Key::ProofRoot, &attested.root.to_string()),
    ];
    let unproved = [
        Key::VerifyNotRight,
        Key::ProofLimits,
        Key::CopyWarning,
        Key::VerifyNotLater,
    ];
    let mut sections = vec![
        list(Key::VerifyCheckLead, asked_what),
        list(Key::VerifyAgeTitle, age.map(|(_, text)| sentence(text))),
        list(Key::VerifyWhy, answer.reasons.iter().map(reason)),
        list(Key::VerifyFacts, facts),
        list(Key::VerifyProved, sentences([Key::VerifyCheckProved])),
        list(Key::VerifyNotProved, sentences(unproved)),
    ];
    sections.retain(|section| !section.rows.is_empty());
    Ok(Report {
        tone: tone.unless(&reasons),
        name: "proved",
        title: pair(catalogue::decision(answer.decision)),
        lead: both(Key::VerifyCheckLead),
        sections,
        reasons,
        // The log's word: witnesses cosign trees, not answers.
        standing: Some(Standing::Recorded.word()),
        answer: None,
    })
}

/// What is the matter, with which item, and what mends it.
fn reason(reason: &Reason) -> Row {
    let item = printed(&reason.item);
    let Some(words) = catalogue::words(&reason.rule) else {
        return Row {
            label: plain(&reason.rule),
            value: plain(&item),
        };
    };
    let [zh, en] = words.mend;
    Row {
        label: pair(words.says),
        value: Text {
            zh: format!("{item} · {zh}"),
            en: format!("{item} · {en}"),
        },
    }
}

fn pair([zh, en]: [&str; 2]) -> Text {
    Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}
