//! The three facts under the verdict: from where, how old, how warm.

use super::curve;
use super::elsewhere;
use super::names::{self, Names};
use super::when;
use ledger::provenance::answer::{Grade, StepKind};
use ledger_web::catalogue::Key;

/// Places of origin named on the first screen.
const ORIGINS_SHOWN: usize = 2;

/// One of the three facts under the verdict.
#[derive(Debug)]
pub(crate) struct Fact {
    pub icon: &'static str,
    pub label: Key,
    pub value: String,
    pub tone: &'static str,
}

/// The three, in the order of the page.
pub(crate) fn all(names: Names<'_>) -> Vec<Fact> {
    vec![from_fact(names), when_fact(names), temperature_fact(names)]
}

/// The districts where the goods began, on whichever log that is.
fn from_fact(names: Names<'_>) -> Fact {
    let lang = names.lang;
    let mut origins: Vec<String> = Vec::new();
    for answer in elsewhere::before(names).chain([names.answer]) {
        let begun = answer.steps.iter();
        for step in begun.filter(|step| step.kind == StepKind::Origin) {
            let place = step.place.as_ref().and_then(|id| answer.places.get(id));
            let district = place.map(|place| place.district.as_str()).or_else(|| {
                let issuer = answer.participants.get(&step.issuer)?;
                Some(issuer.district.as_str())
            });
            if let Some(name) = district.and_then(|code| names::district(lang, code))
                && !origins.iter().any(|origin| origin == name)
            {
                origins.push(name.to_owned());
            }
        }
    }
    let more = origins.len().saturating_sub(ORIGINS_SHOWN);
    origins.truncate(ORIGINS_SHOWN);
    let mut value = origins.join(lang.t(Key::And));
    if more > 0 {
        value.push_str(&lang.fill(Key::FactMore, &[&more.to_string()]));
    }
    let known = !value.is_empty();
    Fact {
        icon: "pin",
        label: Key::FactFrom,
        value: if known {
            value
        } else {
            lang.t(Key::FactOriginUnknown).to_owned()
        },
        tone: if known { "plain" } else { "warn" },
    }
}

fn when_fact(names: Names<'_>) -> Fact {
    let (lang, now) = (names.lang, names.answer.as_of.0);
    let produced = names.answer.subject.produced.as_deref();
    let days = produced.and_then(|date| when::days_since(date, now));
    let value = match (produced, days) {
        (_, Some(0)) => lang.t(Key::DayZero).to_owned(),
        (_, Some(days @ 1..)) => lang.fill(Key::DaysAgo, &[&days.to_string()]),
        (Some(date), Some(..0) | None) => when::date(lang, date, now),
        (None, _) => lang.t(Key::NotStated).to_owned(),
    };
    Fact {
        icon: "calendar",
        label: Key::FactWhen,
        value,
        tone: "plain",
    }
}

fn temperature_fact(names: Names<'_>) -> Fact {
    let (answer, lang) = (names.answer, names.lang);
    let worst = answer.temperature.iter().map(|stretch| stretch.grade).max();
    let product = answer
        .subject
        .product
        .as_ref()
        .and_then(|id| answer.products.get(id));
    let ambient = product.is_some_and(|product| product.storage_class == "AMBIENT");
    let (value, tone) = match worst {
        None if ambient => (lang.t(Key::FactAmbient).to_owned(), "plain"),
        None => (lang.t(Key::FactNoReadings).to_owned(), "warn"),
        Some(Grade::Proved) => (lang.t(Key::FactProved).to_owned(), "good"),
        Some(grade @ Grade::Gap) => {
            let longest = answer
                .temperature
                .iter()
                .map(|stretch| stretch.longest_gap_minutes);
            let longest = when::duration(lang, longest.max().unwrap_or(0));
            (lang.fill(Key::FactGap, &[&longest]), curve::tone(grade))
        }
        Some(grade @ Grade::Breach) => {
            let total: u32 = answer.temperature.iter().fold(0, |sum, stretch| {
                sum.saturating_add(stretch.outside_minutes)
            });
            (
                lang.fill(Key::FactBreach, &[&when::duration(lang, total)]),
                curve::tone(grade),
            )
        }
    };
    Fact {
        icon: "heat",
        label: Key::FactTemperature,
        value,
        tone,
    }
}
