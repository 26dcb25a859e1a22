//! The report on a bundle that was proved.

use crate::catalogue::{self, Key};
use crate::options::Options;
use crate::parts;
use crate::report::{Report, Row, Section, Tone, both, filled, plain, row, sentence, sentences};
use ledger::bundle::{Facts, ProvedChain};
use ledger::identifier::Identifier;
use ledger::ids::{Handle, UnixMillis};
use ledger::provenance::Scope;
use ledger::provenance::answer::{
    Answer, Break, Finding, Step, Stop, StopKind, Stretch, Test, Text, Verdict,
};
use ledger::time::format_utc;
use ledger::tlog_policy::{Cosigned, Judged, Standing, TlogPolicy};

/// How far a clock may lag behind the ledger before that is said, ms: the ledger's own tolerance
/// for events from the future.
const CLOCK_LAG_MAX_MS: i64 = 5 * 60 * 1000;

/// The name of a clock that lags.
const CLOCK_LAGS: &str = "clock-lags";

/// What no bundle proves.
const NOT_PROVED: [Key; 3] = [Key::ProofLimits, Key::CopyWarning, Key::VerifyNotLater];

/// The report on what `policy` proved.
pub(crate) fn report(proved: &ProvedChain, policy: &TlogPolicy, options: &Options) -> Report {
    let root = &proved.root;
    let answer = &root.answer;
    // A chain is as fresh, and as well witnessed, as the worst of its parts.
    let age = chain_age(proved, options);
    let imported = proved.imports().filter_map(|import| import.standing);
    let standing = proved.rests_on().map(|(_, judged)| judged.standing);
    let standing = standing.chain(imported).min();
    let standing = standing.unwrap_or(root.judged.standing);
    let short = is_short(policy, standing);
    let lacks = parts::are_missing(answer);
    let reasons = reasons(age.as_ref(), short)
        .into_iter()
        .chain(lacks.then_some("part-missing"))
        .collect::<Vec<_>>();
    let tone = tone(answer.verdict).unless(&reasons);
    let age = age.map(|(_, text)| text);
    let few = short.then(|| both(Key::VerifyFewWitnesses));
    let missing_parts = lacks.then(|| both(Key::VerifyPartsMissing));
    // Events that recall say nothing of a label: the graver advice is the careful one.
    let fault = parts::orders(answer).next().map(|stop| stop.fault);
    let mut sections = vec![subject(answer)];
    sections.extend([
        list(Key::VerifyAgeTitle, age.map(sentence)),
        list(
            Key::VerifyStanding,
            few.into_iter().chain(missing_parts).map(sentence),
        ),
        list(
            Key::VerifyOrders,
            answer.orders.iter().map(|it| order(answer, it)),
        ),
        list(Key::Missing, answer.breaks.iter().map(missing)),
        list(
            Key::FindingsTitle,
            answer
                .findings
                .iter()
                .chain(parts::findings(answer))
                .map(finding),
        ),
        list(Key::Story, answer.steps.iter().map(|it| step(answer, it))),
        list(
            Key::TestsTitle,
            answer.tests.iter().map(|it| test(answer, it)),
        ),
        list(
            Key::TemperatureTitle,
            answer.temperature.iter().map(|it| stretch(answer, it)),
        ),
    ]);
    sections.extend(parts::sections(proved, policy));
    sections.extend([
        list(
            Key::VerifyFacts,
            rests_on(&root.proved.facts(), &root.judged, policy),
        ),
        list(Key::VerifyImports, parts::imports(proved)),
        list(Key::VerifyProved, what_is_proved(answer, standing)),
        list(
            Key::VerifyNotProved,
            parts::not_proved(answer).chain(what_is_not_proved(standing)),
        ),
    ]);
    sections.retain(|section| !section.rows.is_empty());
    Report {
        tone,
        name: "proved",
        title: both(catalogue::verdict(answer.verdict)),
        lead: both(catalogue::advice(answer.verdict, fault)),
        sections,
        reasons,
        standing: Some(standing.word()),
        answer: Some(answer.clone()),
    }
}

/// The colours of the page that a scan opens.
const fn tone(verdict: Verdict) -> Tone {
    match verdict {
        Verdict::Recalled
        | Verdict::Held
        | Verdict::FailedTest
        | Verdict::Expired
        | Verdict::Violation
        | Verdict::Sold => Tone::Stop,
        Verdict::Breach | Verdict::Broken | Verdict::Gap => Tone::Warn,
        Verdict::Unknown | Verdict::Clear => Tone::None,
        Verdict::Complete => Tone::Good,
    }
}

/// Of the parts of a chain: a clock that lags behind one of them, or the oldest one's age.
fn chain_age(proved: &ProvedChain, options: &Options) -> Option<(&'static str, Text)> {
    let times = || proved.rests_on().map(|(facts, _)| facts.time);
    let lag = times().max().and_then(|newest| age(newest, options));
    lag.filter(|(name, _)| *name == CLOCK_LAGS)
        .or_else(|| times().min().and_then(|oldest| age(oldest, options)))
}

/// What is to be said of an answer's age, and its stable name.
pub(crate) fn age(newest: UnixMillis, options: &Options) -> Option<(&'static str, Text)> {
    let age_ms = options.now().0.saturating_sub(newest.0);
    if age_ms < -CLOCK_LAG_MAX_MS {
        return Some((CLOCK_LAGS, both(Key::VerifyClockLags)));
    }
    let hours = || filled(Key::VerifyStale, &[&(age_ms / 3_600_000).to_string()]);
    (age_ms > options.age_max_ms()).then(|| ("stale", hours()))
}

/// Whether fewer witnesses signed than are asked for. Who asks for nobody misses nobody.
pub(crate) fn is_short(policy: &TlogPolicy, standing: Standing) -> bool {
    policy.asks_for_witnesses() && standing == Standing::Recorded
}

/// The names of what turns a sound proof amber.
pub(crate) fn reasons(age: Option<&(&'static str, Text)>, short: bool) -> Vec<&'static str> {
    let aged = age.map(|(name, _)| *name);
    aged.into_iter()
        .chain(short.then_some("few-witnesses"))
        .collect()
}

pub(crate) fn list(heading: Key, rows: impl IntoIterator<Item = Row>) -> Section {
    Section {
        heading: both(heading),
        rows: rows.into_iter().collect(),
    }
}

fn subject(answer: &Answer) -> Section {
    let subject = &answer.subject;
    let mut rows = Vec::new();
    if let Some(product) = &subject.product {
        rows.push(Row {
            label: Text::default(),
            value: product_name(answer, product),
        });
    }
    rows.push(row(Key::ProofCode, &printed(&answer.item)));
    let said = [
        (Key::Lot, &subject.lot),
        (Key::Serial, &subject.serial),
        (Key::Expiry, &subject.expiry),
    ];
    for (label, value) in said {
        rows.extend(value.as_ref().map(|value| row(label, value)));
    }
    rows.extend(subject.maker.map(|maker| Row {
        label: both(Key::Maker),
        value: party(answer, maker),
    }));
    let complete = if answer.complete {
        Key::VerifyComplete
    } else {
        Key::VerifyIncomplete
    };
    // Open lists show no hand-overs, so that nothing is to be said of them.
    if answer.scope == Scope::Whole {
        rows.push(Row {
            label: both(Key::VerifyRecord),
            value: both(complete),
        });
    }
    rows.extend(parts::own_verdict(answer));
    Section {
        heading: Text::default(),
        rows,
    }
}

/// A hold or recall: why, of what, by whom, since when, how grave, and what is to come of it.
pub(crate) fn order(answer: &Answer, stop: &Stop) -> Row {
    let mut value = named(&stop.reason);
    // The part after the opener's handle is what people quote.
    let case = stop.case.rsplit(':').next().unwrap_or(&stop.case);
    let moment = |time: UnixMillis| plain(&format_utc(time));
    let said = [
        (Key::OrderOf, Some(plain(&printed(&stop.item)))),
        (Key::OrderBy, Some(party(answer, stop.by))),
        (Key::OrderSince, Some(moment(stop.recorded.0))),
        (Key::OrderDegree, Some(both(catalogue::level(stop.level)))),
        (Key::OrderCase, Some(plain(case))),
        (Key::OrderDeadline, stop.deadline.map(|it| moment(it.0))),
        (Key::OrderRetest, stop.retest.as_deref().map(plain)),
    ];
    for (label, said) in said {
        if let Some(said) = said {
            append(&mut value, " · ", &both(label));
            append(&mut value, " ", &said);
        }
    }
    let label = match stop.kind {
        StopKind::Recall => Key::OrderRecall,
        StopKind::Hold => Key::OrderHold,
    };
    Row {
        label: both(label),
        value,
    }
}

pub(crate) fn missing(one: &Break) -> Row {
    let (what, mend) = catalogue::broken(one.kind);
    about(what, mend, &one.item)
}

pub(crate) fn finding(one: &Finding) -> Row {
    let (what, mend) = catalogue::rule(one.rule);
    about(what, mend, &one.item)
}

/// What is the matter, with which item, and what mends it.
fn about(what: Key, mend: Key, item: &str) -> Row {
    let mut value = plain(&printed(item));
    append(&mut value, " · ", &both(mend));
    Row {
        label: both(what),
        value,
    }
}

pub(crate) fn step(answer: &Answer, step: &Step) -> Row {
    let mut value = both(catalogue::verb(step.kind, step.biz_step.as_deref()));
    append(&mut value, " · ", &party(answer, step.issuer));
    let to = step
        .counterpart
        .as_deref()
        .and_then(|to| Identifier::parse(to).ok()?.participant_handle());
    if let Some(to) = to {
        append(&mut value, " → ", &party(answer, to));
    }
    if let Some(place) = step.place.as_ref().and_then(|id| answer.places.get(id)) {
        append(&mut value, " · ", &named(&place.name));
    }
    if step.corrected.is_some() {
        append(&mut value, " · ", &both(Key::VerifyCorrected));
    }
    if step.suspect {
        append(&mut value, " · ", &both(Key::MarkSuspect));
    }
    Row {
        label: plain(&format_utc(step.time.0)),
        value,
    }
}

fn test(answer: &Answer, test: &Test) -> Row {
    let conclusion = match test.conclusion.as_deref() {
        Some("pass") => Key::TestPass,
        Some("fail") => Key::TestFail,
        Some(_) | None => Key::TestCertificate,
    };
    let mut value = both(conclusion);
    append(&mut value, " · ", &product_name(answer, &test.item));
    append(&mut value, " · ", &party(answer, test.issuer));
    for line in &test.lines {
        append(&mut value, " · ", &named(&line.name));
        let measured = format!("{} {} ({})", line.value, line.unit, line.limit);
        append(&mut value, " ", &plain(&measured));
    }
    Row {
        label: plain(&format_utc(test.time.0)),
        value,
    }
}

fn stretch(answer: &Answer, stretch: &Stretch) -> Row {
    let mut value = both(catalogue::grade(stretch.grade));
    append(&mut value, " · ", &party(answer, stretch.holder));
    if let (Some(lowest), Some(highest)) = (stretch.lowest_tenths, stretch.highest_tenths) {
        let range = format!("{} … {} °C", tenths(lowest), tenths(highest));
        append(&mut value, " · ", &plain(&range));
    }
    let label = format!(
        "{} … {}",
        format_utc(stretch.from.0),
        format_utc(stretch.until.0)
    );
    Row {
        label: plain(&label),
        value,
    }
}

/// What an answer rests on.
pub(crate) fn rests_on(facts: &Facts, judged: &Judged, policy: &TlogPolicy) -> Vec<Row> {
    let mut rows = vec![
        row(Key::ProofOrigin, &judged.checkpoint.origin),
        row(Key::ProofTime, &format_utc(facts.time)),
        row(Key::ProofSize, &facts.size.to_string()),
        row(Key::ProofRoot, &facts.root.to_string()),
        row(Key::VerifySignatures, &facts.signatures.to_string()),
        row(Key::VerifyStatements, &facts.statements.to_string()),
    ];
    rows.extend(standing_rows(judged.standing, &judged.cosigned, policy));
    rows
}

/// Recorded or witnessed, and by whom of those whom the policy names.
pub(crate) fn standing_rows(
    standing: Standing,
    cosigned: &[Cosigned],
    policy: &TlogPolicy,
) -> Vec<Row> {
    let word = match standing {
        Standing::Witnessed => Key::VerifyWitnessed,
        Standing::Recorded if policy.asks_for_witnesses() => Key::VerifyRecordedOnly,
        Standing::Recorded => Key::VerifyRecorded,
    };
    let count = |number: usize| number.to_string();
    let (signed, all) = (count(cosigned.len()), count(policy.witnesses().len()));
    let witnesses = cosigned.iter().map(|one| {
        let time = format_utc(UnixMillis::from_seconds(one.time));
        row(Key::VerifyCosigned, &format!("{} ({time})", one.witness))
    });
    let word = Row {
        label: both(Key::VerifyStanding),
        value: filled(word, &[&signed, &all]),
    };
    std::iter::once(word).chain(witnesses).collect()
}

fn what_is_proved(answer: &Answer, standing: Standing) -> Vec<Row> {
    let proves = match answer.scope {
        Scope::Whole => Key::VerifyProvedAll,
        Scope::Open => Key::VerifyProvedOpen,
    };
    let mut rows = vec![sentence(both(proves))];
    rows.extend(answer.participants.keys().map(|signer| Row {
        label: both(Key::SignedBy),
        value: party(answer, *signer),
    }));
    let witnessed = standing == Standing::Witnessed;
    rows.extend(witnessed.then(|| sentence(both(Key::VerifyProvedOnce))));
    rows
}

fn what_is_not_proved(standing: Standing) -> impl Iterator<Item = Row> {
    let unwitnessed = (standing == Standing::Recorded).then_some(Key::VerifyNotWitness);
    sentences(NOT_PROVED.into_iter().chain(unwitnessed))
}

/// A code as it is printed on a pack.
pub(crate) fn printed(item: &str) -> String {
    Identifier::parse(item).map_or_else(|_| item.to_owned(), |item| item.human_readable())
}

/// A product's name, or its code where it has none.
fn product_name(answer: &Answer, item: &str) -> Text {
    let of_lot = || {
        let product = Identifier::parse(item).ok()?.product()?;
        answer.products.get(product.as_str())
    };
    let product = answer.products.get(item).or_else(of_lot);
    product.map_or_else(|| plain(&printed(item)), |product| named(&product.name))
}

/// A participant's name, or its handle where it has none.
fn party(answer: &Answer, handle: Handle) -> Text {
    let name = answer.participants.get(&handle).map(|party| &party.name);
    let name = name.filter(|name| !name.zh.is_empty() || !name.en.is_empty());
    name.map_or_else(|| plain(&handle.to_string()), named)
}

/// A name in both languages: the other one's where one is missing.
fn named(name: &Text) -> Text {
    let either = |own: &String, other: &String| {
        let text = if own.is_empty() { other } else { own };
        text.clone()
    };
    Text {
        zh: either(&name.zh, &name.en),
        en: either(&name.en, &name.zh),
    }
}

pub(crate) fn append(text: &mut Text, joint: &str, more: &Text) {
    for (half, more) in [(&mut text.zh, &more.zh), (&mut text.en, &more.en)] {
        half.push_str(joint);
        half.push_str(more);
    }
}

fn tenths(value: i32) -> String {
    let sign = if value < 0 { "−" } else { "" };
    let size = value.unsigned_abs();
    format!("{sign}{}.{}", size / 10, size % 10)
}
