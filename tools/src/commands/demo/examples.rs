//! The example data in the binary, moved to today.

use crate::exit::Failure;
use ledger::ids::UnixMillis;
use ledger::time::{format_date, parse_date};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// Every file of `schemas/examples`, by its path there.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/examples.rs"));

const DAY_MS: i64 = 86_400_000;

/// Dates in the examples are those of Chengdu.
const CHINA_MS: i64 = 8 * 3_600_000;

/// `chains.json`.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Chains {
    reference_date: String,
    chains: Vec<Chain>,
}

/// A code to scan, and what a scan must say.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Chain {
    pub(super) name: String,
    pub(super) title: Title,
    pub(super) code: String,
    pub(super) verdict: String,
    pub(super) complete: bool,
    pub(super) check: Option<Asked>,
    pub(super) documents: Vec<Source>,
    pub(super) recall: Option<Recall>,
}

/// Goods of Chengdu that become goods of Chongqing, in `across.json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Crossing {
    pub(super) name: String,
    pub(super) title: Title,
    /// What leaves Chengdu.
    pub(super) goods: String,
    /// What is made of it.
    pub(super) code: String,
    /// What a scan of that says, in either city.
    pub(super) verdict: String,
    /// Documents on Chengdu's ledger.
    pub(super) sent: Vec<Source>,
    /// Events that Chongqing's ledger takes from Chengdu's.
    pub(super) proofs: Vec<Proof>,
    /// Who imports them: a key in `chongqing/participants.json`.
    pub(super) importer: String,
    /// Documents on Chongqing's ledger. In `sy:sourceStatement` they have the shipment's eventID,
    /// in the place of the statement's digest, which nobody knows before it is signed.
    pub(super) documents: Vec<Source>,
    /// A recall in Chengdu, after all that.
    pub(super) recall: Option<Recall>,
}

/// An event whose proof is carried to the other ledger.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Proof {
    pub(super) event: String,
    /// Who said it: a key in `participants.json`.
    pub(super) by: String,
}

/// A recall of everything that came of an item, and what its holders answer.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Recall {
    /// Who orders it: a key in `participants.json`.
    pub(super) by: String,
    /// Its own number for the case.
    pub(super) number: String,
    pub(super) item: String,
    pub(super) level: u8,
    pub(super) reason: Title,
    pub(super) responses: Vec<Response>,
    /// Who holds some of it, and does not answer.
    pub(super) silent: BTreeSet<String>,
}

/// What a holder answers.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Response {
    pub(super) by: String,
    pub(super) item: String,
    pub(super) what: String,
    pub(super) quantity: Option<u64>,
    pub(super) evidence: Option<String>,
}

/// A check before an act, and what it must say.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Asked {
    pub(super) act: String,
    /// Who would act: a key in `participants.json`.
    pub(super) actor: String,
    pub(super) decision: String,
    /// The gravest reason's rule; none where nothing stops the act.
    pub(super) rule: Option<String>,
}

/// A title in both languages.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Title {
    pub(super) zh: String,
    pub(super) en: String,
}

/// A document and its submitter's key in `participants.json`.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Source {
    pub(super) file: String,
    pub(super) by: String,
}

/// The examples as if today were the day after their reference date.
#[derive(Clone, Debug)]
pub(super) struct Examples {
    pub(super) chains: Vec<Chain>,
    pub(super) crossings: Vec<Crossing>,
    days: i64,
}

impl Examples {
    /// Reads the examples and moves them so that their reference date was yesterday in Chengdu.
    ///
    /// # Errors
    /// [`Failure`]: the examples in the binary are out of order, a bug.
    pub(super) fn at(now: UnixMillis) -> Result<Self, Failure> {
        let Chains {
            reference_date,
            chains,
        } = serde_json::from_str(file("chains.json")?).map_err(Failure::malformed)?;
        let reference = parse_date(&reference_date)
            .ok_or_else(|| Failure::malformed("chains.json: referenceDate is no date"))?;
        let yesterday = (now.0 + CHINA_MS).div_euclid(DAY_MS) - 1;
        Ok(Self {
            chains,
            crossings: serde_json::from_str(file("across.json")?).map_err(Failure::malformed)?,
            days: yesterday - reference.0.div_euclid(DAY_MS),
        })
    }

    /// A file's text, moved.
    ///
    /// # Errors
    /// [`Failure`] where there is no such file.
    pub(super) fn text(&self, name: &str) -> Result<String, Failure> {
        Ok(shift_dates(file(name)?, self.days))
    }

    /// A file of records by the participant that signs them, `owner` or `key`.
    ///
    /// # Errors
    /// [`Failure`].
    pub(super) fn records(
        &self,
        name: &str,
        by: &str,
    ) -> Result<BTreeMap<String, Vec<serde_json::Value>>, Failure> {
        let list: Vec<serde_json::Value> =
            serde_json::from_str(&self.text(name)?).map_err(Failure::malformed)?;
        let mut found: BTreeMap<String, Vec<serde_json::Value>> = BTreeMap::new();
        for record in list {
            let owner = record[by].as_str().unwrap_or_default().to_owned();
            found.entry(owner).or_default().push(record);
        }
        Ok(found)
    }
}

fn file(name: &str) -> Result<&'static str, Failure> {
    let found = FILES.iter().find(|(path, _)| *path == name);
    found
        .map(|(_, text)| *text)
        .ok_or_else(|| Failure::malformed(format!("{name} is not among the examples")))
}

/// Moves every ISO date by whole days: `2026-11-23` alone or at the head of a time, but not digits
/// inside a longer number or name.
fn shift_dates(text: &str, days: i64) -> String {
    let part_of_name = |letter: Option<char>| {
        letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '-')
    };
    let mut moved = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let date = rest
            .get(..10)
            .filter(|_| !part_of_name(moved.chars().next_back()));
        let ends = !part_of_name(rest.get(10..).and_then(|after| after.chars().next()))
            || rest.get(10..11) == Some("T");
        match date.and_then(parse_date).filter(|_| ends) {
            Some(day) => {
                moved.push_str(&format_date(UnixMillis(day.0 + days * DAY_MS)));
                rest = &rest[10..];
            }
            None => {
                moved.push(letter);
                rest = &rest[letter.len_utf8()..];
            }
        }
    }
    moved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_move_and_nothing_else() {
        let text = r#"{"a": "2026-11-23", "b": "2026-12-31T10:00:00+08:00", "豆": "2024-02-28",
            "lot": "L2026-11-23", "phone": "028-5550-0101", "n": "12026-11-23", "x": "2026-11-23-1",
            "id": "urn:uuid:2026-11-23ab", "bad": "2026-13-01"}"#;
        let moved = shift_dates(text, 2);
        let expected = text
            .replace(r#""a": "2026-11-23""#, r#""a": "2026-11-25""#)
            .replace("2026-12-31T10", "2027-01-02T10")
            .replace("2024-02-28", "2024-03-01");
        assert_eq!(moved, expected);
        assert_eq!(shift_dates(&moved, -2), text);
    }

    #[test]
    fn the_reference_date_becomes_yesterday_in_chengdu() {
        // 2026-11-25T16:30Z is the 26th in Chengdu.
        let now = ledger::time::parse("2026-11-25T16:30:00Z").unwrap();
        assert_eq!(Examples::at(now).unwrap().days, 2);
        let before = ledger::time::parse("2026-11-25T15:30:00Z").unwrap();
        assert_eq!(Examples::at(before).unwrap().days, 1);
    }

    #[test]
    fn every_document_is_there_and_in_order() {
        let now = UnixMillis(1_795_392_000_000);
        let examples = Examples::at(now).unwrap();
        let [chengdu, chongqing] = ["", "chongqing/"].map(|folder| {
            let file = format!("{folder}participants.json");
            examples.records(&file, "key").unwrap()
        });
        let chains = examples.chains.iter().map(|one| (&chengdu, &one.documents));
        let sent = examples.crossings.iter().map(|one| (&chengdu, &one.sent));
        let made = examples.crossings.iter();
        let made = made.map(|one| (&chongqing, &one.documents));
        for (participants, documents) in chains.chain(sent).chain(made) {
            for source in documents {
                assert!(participants.contains_key(&source.by), "{}", source.by);
                let bytes = examples.text(&source.file).unwrap().into_bytes();
                let files = vec![(source.file.clone().into(), bytes)];
                let checked = crate::client::document::check(files, now, crate::text::Lang::En);
                assert!(checked.is_ok(), "{}: {checked:?}", source.file);
            }
        }
    }
}
