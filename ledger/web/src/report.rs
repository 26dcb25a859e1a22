//! The form of a report: what a page shows, in both languages, without knowing what it means.

use crate::catalogue::{Key, fill};
use crate::options::OptionsError;
use ledger::provenance::answer::{Answer, Text};
use serde::Serialize;

/// The colour of a report. It always goes with words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Proved, and nothing against it.
    Good,
    /// Proved, with something to know: a gap, or an old checkpoint.
    Warn,
    /// Not proved, or proved and bad.
    Stop,
    /// No judgement: nothing was checked, or too little is shown to judge by.
    None,
}

impl Tone {
    /// This colour, or amber where there is something to know.
    pub(crate) const fn unless(self, reasons: &[&'static str]) -> Self {
        match self {
            Self::Good | Self::None if !reasons.is_empty() => Self::Warn,
            Self::Good | Self::Warn | Self::Stop | Self::None => self,
        }
    }
}

/// What a verifier says of a file.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The colour.
    pub tone: Tone,
    /// `proved`, or the stable name of why not.
    pub name: &'static str,
    /// The verdict in a word or two.
    pub title: Text,
    /// What it means and what to do.
    pub lead: Text,
    /// The rest, in the order of reading.
    pub sections: Vec<Section>,
    /// For programs: why a sound proof turned amber, by stable names.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reasons: Vec<&'static str>,
    /// For programs: `recorded` or `witnessed`. Absent where nothing is proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub standing: Option<&'static str>,
    /// For programs: the answer that was computed from the bundle. Absent where nothing is proved.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub answer: Option<Answer>,
}

/// A part of a report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Section {
    /// Its heading; may be empty.
    pub heading: Text,
    /// Its lines.
    pub rows: Vec<Row>,
}

/// A line: a label and a value, or a sentence without a label.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    /// What it is; empty before a sentence.
    pub label: Text,
    /// What it says.
    pub value: Text,
}

impl Report {
    /// A report on what proves nothing.
    pub(crate) fn refused(name: &'static str, why: &str) -> Self {
        let lead = match name {
            "fork" => Key::VerifyFork,
            "log-unknown" => Key::VerifyLogUnknown,
            "malformed" | "kind-unknown" => Key::VerifyMalformed,
            "older-than-remembered" => Key::VerifyOlder,
            "other-item" => Key::VerifyOtherItem,
            "torn" => Key::VerifyTorn,
            _ => Key::VerifyRefusedLead,
        };
        Self::without_answer(Tone::Stop, name, Key::VerifyRefused, lead, why)
    }

    /// A report that nothing was checked.
    pub(crate) fn unasked(error: &OptionsError) -> Self {
        let lead = match error {
            OptionsError::Code(_) => Key::VerifyCodeBad,
            OptionsError::EntryMissing | OptionsError::Entry(_) => Key::VerifyEntryNeeded,
            OptionsError::Form(_) => Key::VerifyOptionsBad,
            OptionsError::Remembered(_) => Key::VerifyRememberedBad,
            OptionsError::Trust(_) => Key::VerifyTrustBad,
        };
        let why = error.to_string();
        Self::without_answer(Tone::None, error.name(), Key::VerifyUnasked, lead, &why)
    }

    fn without_answer(tone: Tone, name: &'static str, title: Key, lead: Key, why: &str) -> Self {
        let rows = vec![row(Key::VerifyName, name), row(Key::VerifyWhy, why)];
        Self {
            tone,
            name,
            title: both(title),
            lead: both(lead),
            sections: vec![Section {
                heading: Text::default(),
                rows,
            }],
            reasons: Vec::new(),
            standing: None,
            answer: None,
        }
    }
}

/// A text of the catalogue.
pub(crate) fn both(key: Key) -> Text {
    let (zh, en) = key.both();
    Text {
        zh: zh.to_owned(),
        en: en.to_owned(),
    }
}

/// A text of the catalogue with values in their places.
pub(crate) fn filled(key: Key, values: &[&str]) -> Text {
    let (zh, en) = key.both();
    Text {
        zh: fill(zh, values),
        en: fill(en, values),
    }
}

/// The same words in both languages: codes, numbers, moments.
pub(crate) fn plain(text: &str) -> Text {
    Text {
        zh: text.to_owned(),
        en: text.to_owned(),
    }
}

/// A line whose value is the same in both languages.
pub(crate) fn row(label: Key, value: &str) -> Row {
    Row {
        label: both(label),
        value: plain(value),
    }
}

/// A sentence.
pub(crate) fn sentence(value: Text) -> Row {
    Row {
        label: Text::default(),
        value,
    }
}

/// Sentences of the catalogue.
pub(crate) fn sentences(keys: impl IntoIterator<Item = Key>) -> impl Iterator<Item = Row> {
    keys.into_iter().map(both).map(sentence)
}
