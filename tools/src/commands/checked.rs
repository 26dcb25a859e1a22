//! The answer to a check, as a file to verify and as a table to read.

use crate::exit::{Code, Failure};
use crate::output::Console;
use crate::text;
use ledger::check::{Attested, CheckError, Decision, catalogue};
use ledger::tlog_policy::TlogPolicy;
use serde_json::Value;

/// The signed form beside an answer's JSON.
///
/// # Errors
/// [`Failure`] where it is not base64.
#[cfg(feature = "node")]
pub(crate) fn signed(answer: &Value) -> Result<Vec<u8>, Failure> {
    use base64::{Engine as _, engine::general_purpose::STANDARD};
    let text = texted(&answer["signed"]);
    STANDARD.decode(text).map_err(Failure::malformed)
}

/// Verifies a signed answer of any log of the trust file; returns the log's name too.
///
/// # Errors
/// [`Failure`]: proof, with the error's name; keep the bytes.
pub(crate) fn verify(bytes: &[u8], trust: &TlogPolicy) -> Result<(Attested, String), Failure> {
    Attested::prove(bytes, trust).map_err(|error| {
        let what = format!("{}: {error}", error.name());
        match error {
            CheckError::Malformed(_) => Failure::malformed(what),
            CheckError::OtherLog => Failure::new(Code::Proof, what)
                .remedy(format!("the trust file names: {}", trust.origins())),
            CheckError::Signature(_) => Failure::new(Code::Proof, what),
        }
    })
}

/// Prints what was asked, the decision, and every reason with what to do.
///
/// `answer`: the JSON form.
///
/// # Errors
/// [`Failure`] if nothing can be printed.
pub(crate) fn show(console: Console, answer: &Value) -> Result<(), Failure> {
    let act = ledger::check::Act::parse(texted(&answer["act"]));
    let act = act.map_or("", |act| console.lang.pick(catalogue::act(act)));
    console.line(format_args!(
        "{} · {act} · {}",
        decision(console, texted(&answer["decision"])),
        texted(&answer["item"]),
    ))?;
    let reasons = answer["reasons"].as_array().map_or(&[][..], Vec::as_slice);
    if reasons.is_empty() {
        return Ok(());
    }
    let rows = reasons.iter().map(|reason| {
        let articles = reason["articles"].as_array().map_or(&[][..], Vec::as_slice);
        let articles: Vec<&str> = articles.iter().map(texted).collect();
        let words = catalogue::words(texted(&reason["rule"]));
        vec![
            decision(console, texted(&reason["decision"])).to_owned(),
            texted(&reason["rule"]).to_owned(),
            words
                .map_or("", |words| console.lang.pick(words.says))
                .to_owned(),
            words
                .map_or("", |words| console.lang.pick(words.mend))
                .to_owned(),
            texted(&reason["item"]).to_owned(),
            party(console, answer, texted(&reason["whose"])),
            articles.join("; "),
        ]
    });
    console.table(
        &[
            text::DECISION,
            text::RULE,
            text::MATTER,
            text::REMEDY,
            text::ITEM,
            text::WHOSE,
            text::ARTICLES,
        ],
        rows,
    )
}

/// A party's name, or its identifier where no name came with the answer.
fn party(console: Console, answer: &Value, id: &str) -> String {
    let handle = id.rsplit(':').next().unwrap_or(id);
    let name = &answer["parties"][handle];
    let name = ledger::provenance::answer::Text {
        zh: texted(&name["zh"]).to_owned(),
        en: texted(&name["en"]).to_owned(),
    };
    let name = console.lang.pick_of(&name);
    if name.is_empty() { id } else { name }.to_owned()
}

/// A decision's plain word.
pub(crate) fn decision(console: Console, word: &str) -> &str {
    Decision::parse(word).map_or(word, |one| console.lang.pick(catalogue::decision(one)))
}

pub(crate) fn texted(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
