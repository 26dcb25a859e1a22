//! An answer as the page shows it: every name looked up, every time local, every list bounded.

use super::curve::Curve;
use super::elsewhere::{self, Elsewhere};
use super::facts::{self, Fact};
use super::names::{self, Name, Names, Signer};
use super::{when, words};
use ledger::ids::LeafIndex;
use ledger::policy::Severity;
use ledger::provenance::answer::{
    Break, BreakKind, Finding, Free, Step, StepKind, Stop, StopKind, Test, Verdict,
};
use ledger_web::catalogue::{self, Key};
use std::collections::BTreeMap;

// With these limits the longest page stays under 100 kB with its style sheet, which a slow phone
// network carries in seconds. The whole answer is in the JSON and the bundle.
const STEPS_MAX: usize = 60;
const TESTS_MAX: usize = 8;
const TEST_LINES_MAX: usize = 12;
const ORDERS_MAX: usize = 3;
const CURVES_MAX: usize = 6;
const BREAKS_MAX: usize = 12;
const FINDINGS_MAX: usize = 12;
/// From so many late steps on, they are counted instead of marked, where they are most.
const LATE_MARKS_MAX: usize = 3;
/// Up to this many steps, nothing is folded away.
const STEPS_UNFOLDED: usize = 10;

/// One line of the story.
#[derive(Debug)]
pub(crate) enum Row {
    Step(Box<StepRow>),
    Missing(MissingRow),
}

/// An event.
#[derive(Debug)]
pub(crate) struct StepRow {
    pub icon: &'static str,
    pub tone: &'static str,
    pub verb: &'static str,
    /// What it was done to, where that is not the scanned product itself.
    pub thing: Option<Name>,
    pub place: Option<Name>,
    pub district: &'static str,
    pub time: String,
    pub machine_time: String,
    pub signer: Signer,
    /// For whom, where a delegate signed.
    pub on_behalf: Option<Name>,
    pub other: Option<String>,
    pub late: Option<String>,
    pub suspect: bool,
    pub corrected: Option<String>,
}

/// A hold or recall.
#[derive(Debug)]
pub(crate) struct OrderRow {
    pub what: Key,
    pub reason: Option<Name>,
    /// What was ordered to stop, where that is not the scanned product itself.
    pub thing: Option<Name>,
    /// Its lot or serial number.
    pub number: String,
    pub by: Signer,
    pub since: String,
    pub machine_since: String,
    pub level: Key,
    pub case: String,
    pub deadline: Option<String>,
    pub retest: Option<String>,
}

/// A missing link.
#[derive(Clone, Debug)]
pub(crate) struct MissingRow {
    pub what: Key,
    pub fix: Key,
    pub thing: Option<Name>,
    pub whose: String,
}

/// The story of one product among those the scanned one is made of.
#[derive(Debug)]
pub(crate) struct Branch {
    pub title: Name,
    pub main: bool,
    pub steps: String,
    pub missing: bool,
    pub rows: Vec<Row>,
}

/// Something a rule found.
#[derive(Debug)]
pub(crate) struct FindingRow {
    pub what: Key,
    pub fix: Key,
    pub thing: Name,
    pub whose: Option<String>,
    pub severity: Key,
    pub tone: &'static str,
    /// The articles behind it.
    pub articles: String,
    /// Since when it is known, and when it was mended.
    pub opened: String,
    pub closed: Option<String>,
}

/// A test result or certificate.
#[derive(Debug)]
pub(crate) struct TestRow {
    pub tone: &'static str,
    pub conclusion: Key,
    pub thing: Name,
    pub time: String,
    pub issuer: Signer,
    pub number: Option<String>,
    pub lines: Vec<LineRow>,
    /// From which other log it was imported, and how many relied on it.
    pub imported: Option<String>,
}

/// One measured quantity.
#[derive(Debug)]
pub(crate) struct LineRow {
    pub name: Name,
    pub method: Option<String>,
    pub value: String,
    pub limit: String,
    pub passed: Option<bool>,
}

/// Everything on the page of an answer.
#[derive(Debug)]
pub(crate) struct View {
    pub tone: &'static str,
    pub icon: &'static str,
    pub verdict: Key,
    pub advice: Key,
    pub alert: bool,
    pub product: Name,
    pub product_line: String,
    pub lot: Option<String>,
    pub serial: Option<String>,
    pub expiry: Option<(String, String)>,
    pub maker: Option<Signer>,
    pub check: Option<(Key, String)>,
    pub copy_warning: Key,
    pub as_of: String,
    pub orders: Vec<OrderRow>,
    pub more_orders: Option<String>,
    pub stopped: Option<Box<StepRow>>,
    pub facts: Vec<Fact>,
    pub branches: Vec<Branch>,
    pub unfolded: bool,
    /// Said once for the story, where most of it was recorded late.
    pub mostly_late: Option<String>,
    pub more_steps: Option<String>,
    pub missing: Vec<MissingRow>,
    pub findings: Vec<FindingRow>,
    pub closed: Vec<FindingRow>,
    pub cut: Option<String>,
    pub tests: Vec<TestRow>,
    pub more_tests: Option<String>,
    pub curves: Vec<Curve>,
    pub more_curves: Option<String>,
    pub code: String,
    /// Parts of other logs.
    pub elsewhere: Vec<Elsewhere>,
}

/// The colours' class and the icon of a verdict; its word always stands beside them.
pub(crate) const fn look(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Recalled | Verdict::Violation => ("stop", "stop"),
        Verdict::Held => ("stop", "hand"),
        Verdict::FailedTest => ("stop", "cross"),
        Verdict::Expired => ("stop", "clock"),
        Verdict::Unknown => ("none", "ask"),
        Verdict::Sold => ("stop", "again"),
        Verdict::Breach => ("warn", "heat"),
        Verdict::Broken => ("warn", "link"),
        Verdict::Gap => ("warn", "gap"),
        Verdict::Clear => ("none", "check"),
        Verdict::Complete => ("good", "check"),
    }
}

const fn icon(kind: StepKind) -> &'static str {
    match kind {
        StepKind::Origin => "sprout",
        StepKind::Made => "pot",
        StepKind::Packed => "box",
        StepKind::Shipped => "out",
        StepKind::Received => "in",
        StepKind::Tested => "flask",
        StepKind::Carried => "truck",
        StepKind::Stocked => "shelf",
        StepKind::Ended => "bag",
        StepKind::Stopped => "stop",
        StepKind::Other => "dot",
    }
}

impl View {
    pub(crate) fn of(names: Names<'_>) -> Self {
        let (answer, lang) = (names.answer, names.lang);
        let knowing = elsewhere::knowing(names);
        let now = answer.as_of.0;
        let subject = &answer.subject;
        let (tone, icon) = look(answer.verdict);
        let product = subject
            .product
            .as_ref()
            .and_then(|id| answer.products.get(id));
        let lot = subject.lot.as_deref().map(names::shorten);
        let serial = subject.serial.as_deref().map(names::shorten);
        let check = match (&serial, &lot) {
            (Some(serial), _) => Some((Key::CheckPackSerial, serial.clone())),
            (None, Some(lot)) => Some((Key::CheckPack, lot.clone())),
            (None, None) => None,
        };
        let more = |key, all: usize, shown: usize| {
            (all > shown).then(|| lang.fill(key, &[&(all - shown).to_string()]))
        };
        // The recall itself, rather than what shops did about it.
        let mut stops = answer
            .steps
            .iter()
            .rev()
            .filter(|step| step.kind == StepKind::Stopped);
        let stopped = stops
            .clone()
            .find(|step| {
                step.biz_step
                    .as_deref()
                    .is_some_and(|step| step.ends_with("holding"))
            })
            .or_else(|| stops.next());
        Self {
            tone,
            icon,
            verdict: catalogue::verdict(answer.verdict),
            advice: {
                // Events that recall say nothing of a label: the graver advice is the careful one.
                let others = elsewhere::proved(answer).flat_map(|part| &part.answer.orders);
                let first = answer.orders.iter().chain(others).next();
                let first = first.map(|stop| stop.fault);
                catalogue::advice(answer.verdict, first)
            },
            alert: tone == "stop",
            product: product
                .and_then(|product| Name::of(lang, &product.name))
                .unwrap_or_else(|| Name::own(lang, Key::ProductUnnamed)),
            product_line: product.map_or_else(String::new, |product| {
                let class = catalogue::storage_class(&product.storage_class);
                let class = class.map(|key| lang.t(key)).unwrap_or_default();
                let specification = names::half(lang, &product.specification);
                let content = names::half(lang, &product.net_content);
                // A specification mostly says the content too.
                let said = specification
                    .to_lowercase()
                    .contains(&content.to_lowercase());
                let content = if said { "" } else { content.as_str() };
                names::join([specification.as_str(), content, class].into_iter())
            }),
            copy_warning: if serial.is_some() {
                Key::CopyWarningSerial
            } else {
                Key::CopyWarning
            },
            lot,
            serial,
            expiry: subject.expiry.as_deref().map(|date| {
                let past = when::days_since(date, now).map(|days| match days {
                    0 => lang.t(Key::DayToday).to_owned(),
                    1.. => lang.fill(Key::DaysPast, &[&days.to_string()]),
                    ..0 => lang.fill(Key::DaysLeft, &[&days.unsigned_abs().to_string()]),
                });
                (names::shorten(date), past.unwrap_or_default())
            }),
            maker: knowing
                .answer
                .subject
                .maker
                .map(|maker| knowing.signer(maker)),
            check,
            as_of: lang.fill(Key::StateAsOf, &[&when::moment(lang, now, now)]),
            orders: answer
                .orders
                .iter()
                .take(ORDERS_MAX)
                .map(|one| order_row(names, one))
                .chain(elsewhere::orders(names))
                .take(ORDERS_MAX)
                .collect(),
            more_orders: more(Key::OrderMore, answer.orders.len(), ORDERS_MAX),
            stopped: stopped
                .filter(|_| answer.verdict == Verdict::Recalled && answer.orders.is_empty())
                .map(|step| Box::new(step_row(names, step))),
            facts: facts::all(knowing),
            branches: branches(names),
            mostly_late: mostly_late(names),
            unfolded: answer.steps.len() <= STEPS_UNFOLDED,
            more_steps: more(Key::StoryMore, answer.steps.len(), STEPS_MAX),
            missing: answer
                .breaks
                .iter()
                .take(BREAKS_MAX)
                .map(|one| missing_row(names, one))
                .collect(),
            findings: findings(names, &answer.findings),
            closed: findings(names, &answer.closed),
            cut: answer.cut.as_ref().map(|cut| {
                let thing = names.thing(&cut.item).text;
                lang.fill(Key::CutShort, &[&thing])
            }),
            tests: answer
                .tests
                .iter()
                .take(TESTS_MAX)
                .map(|one| test_row(names, one))
                .collect(),
            more_tests: more(Key::TestMore, answer.tests.len(), TESTS_MAX),
            curves: curves(names),
            more_curves: more(Key::CurveMore, answer.temperature.len(), CURVES_MAX),
            code: names::printed(&answer.item),
            elsewhere: elsewhere::all(names),
        }
    }
}

pub(crate) fn order_row(names: Names<'_>, stop: &Stop) -> OrderRow {
    let (lang, now) = (names.lang, names.answer.as_of.0);
    let own = names.product_name(&names.answer.item);
    let moment = |time| when::moment(lang, time, now);
    // The part after the opener's handle is what people quote.
    let number = stop.case.rsplit(':').next().unwrap_or(&stop.case);
    OrderRow {
        what: match stop.kind {
            StopKind::Recall => Key::OrderRecall,
            StopKind::Hold => Key::OrderHold,
        },
        reason: Name::long(lang, &stop.reason),
        thing: Some(names.thing(&stop.item)).filter(|thing| Some(thing) != own.as_ref()),
        number: names::number(&stop.item),
        by: names.signer(stop.by),
        since: moment(stop.recorded.0),
        machine_since: when::machine(stop.recorded.0),
        level: catalogue::level(stop.level),
        case: names::shorten(number),
        deadline: stop.deadline.map(|until| moment(until.0)),
        retest: stop.retest.as_deref().map(names::shorten),
    }
}

fn step_row(names: Names<'_>, step: &Step) -> StepRow {
    let (lang, now) = (names.lang, names.answer.as_of.0);
    let own = names.product_name(&names.answer.item);
    let thing = step.outputs.first().or_else(|| step.concerns.first());
    let thing = thing
        .map(|item| names.thing(item))
        .filter(|thing| Some(thing) != own.as_ref());
    let place = step.place.as_ref().map(|id| names.place(id));
    let signer = names.signer(step.signer.unwrap_or(step.issuer));
    let marked = step.suspect || step.corrected.is_some();
    StepRow {
        icon: icon(step.kind),
        tone: match step.kind {
            StepKind::Stopped => "stop",
            StepKind::Origin
            | StepKind::Made
            | StepKind::Packed
            | StepKind::Shipped
            | StepKind::Received
            | StepKind::Tested
            | StepKind::Carried
            | StepKind::Stocked
            | StepKind::Ended
            | StepKind::Other => {
                if marked {
                    "warn"
                } else {
                    "plain"
                }
            }
        },
        verb: lang.t(catalogue::verb(step.kind, step.biz_step.as_deref())),
        thing,
        district: place
            .as_ref()
            .map(|(_, district)| *district)
            .unwrap_or_default(),
        place: place.map(|(name, _)| name),
        time: if step.free == Free::Outline && step.at.leaf == LeafIndex(0) {
            // Of an outline only the day is known.
            when::date(lang, &when::today(step.time.0), now)
        } else {
            when::moment(lang, step.time.0, now)
        },
        machine_time: when::machine(step.time.0),
        signer,
        on_behalf: step.signer.map(|_| names.signer(step.issuer).name),
        other: step.counterpart.as_ref().map(|id| names.whose(id).text),
        late: (step.late && mostly_late(names).is_none())
            .then(|| lang.fill(Key::MarkLate, &[&when::moment(lang, step.recorded.0, now)])),
        suspect: step.suspect,
        corrected: step
            .corrected
            .as_deref()
            .map(|why| lang.fill(Key::MarkCorrected, &[&names::shorten(why)])),
    }
}

/// How much of the story was recorded late, where that is more than half of a longer one: a mark on
/// nearly every step would tell nothing apart.
fn mostly_late(names: Names<'_>) -> Option<String> {
    let (lang, steps) = (names.lang, &names.answer.steps);
    let late = || steps.iter().filter(|step| step.late);
    let count = late().count();
    if count < LATE_MARKS_MAX || 2 * count <= steps.len() {
        return None;
    }
    let last = late().map(|step| step.recorded.0).max()?;
    let last = when::moment(lang, last, names.answer.as_of.0);
    Some(lang.fill(Key::StoryLate, &[&count.to_string(), &last]))
}

fn missing_row(names: Names<'_>, one: &Break) -> MissingRow {
    let lang = names.lang;
    let (what, fix) = catalogue::broken(one.kind);
    let own = names.product_name(&names.answer.item);
    MissingRow {
        what,
        fix,
        thing: Some(names.thing(&one.item)).filter(|thing| Some(thing) != own.as_ref()),
        whose: match &one.whose {
            Some(whose) => lang.fill(Key::MissingWhose, &[&names.whose(whose).text]),
            None => lang.t(Key::MissingNobody).to_owned(),
        },
    }
}

fn findings(names: Names<'_>, found: &[Finding]) -> Vec<FindingRow> {
    let (lang, now) = (names.lang, names.answer.as_of.0);
    let mut found: Vec<&Finding> = found.iter().collect();
    // The gravest are never among those left out.
    found.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let row = |finding: &&Finding| {
        let (what, fix) = catalogue::rule(finding.rule);
        let articles = finding.articles.iter();
        let articles = articles.map(|one| words::article(lang, one.law, one.number));
        let articles: Vec<String> = articles.collect();
        let whose = finding.whose.as_ref();
        FindingRow {
            what,
            fix,
            thing: names.thing(&finding.item),
            whose: whose.map(|whose| lang.fill(Key::FindingWhose, &[&names.whose(whose).text])),
            severity: catalogue::severity(finding.severity),
            tone: match finding.severity {
                Severity::Flag => "plain",
                Severity::Hold => "warn",
                Severity::Reject => "stop",
            },
            articles: articles.join(lang.t(Key::Semicolon)),
            opened: lang.fill(
                Key::FindingOpened,
                &[&when::moment(lang, finding.opened_at.0, now)],
            ),
            closed: finding
                .closed_at
                .map(|closed| lang.fill(Key::FindingClosed, &[&when::moment(lang, closed.0, now)])),
        }
    };
    found.iter().take(FINDINGS_MAX).map(row).collect()
}

/// The story, one branch per product: the farthest ingredients first, the scanned product last.
///
/// A step that names no product, such as the loading of a pallet, stays with the branch before it.
pub(crate) fn branches(names: Names<'_>) -> Vec<Branch> {
    let (answer, lang) = (names.answer, names.lang);
    let own = names.product_name(&answer.item);
    // Nearest first, so that a long story loses its far end, then back into the order of time.
    let told_there = |step: &Step| {
        let imported = step.imported.as_ref();
        imported.is_some_and(|one| elsewhere::has_told(names, &one.log))
    };
    let own_part = answer.steps.iter().filter(|step| !told_there(step));
    let mut shown: Vec<(usize, &Step)> = own_part.enumerate().collect();
    shown.sort_by_key(|(_, step)| step.depth);
    shown.truncate(STEPS_MAX);
    shown.sort_by_key(|(position, _)| *position);

    let mut branches: Vec<(u32, Branch)> = Vec::new();
    let mut latest: BTreeMap<u32, usize> = BTreeMap::new();
    let mut told: Vec<&Break> = Vec::new();
    for (_, step) in shown {
        let product = step
            .concerns
            .iter()
            .find_map(|item| names.product_name(item));
        let main = step.depth == 0 || product.is_some() && product == own;
        let depth = if main { 0 } else { step.depth };
        let title = product.filter(|_| !main);
        let found = branches.iter().position(|(at, branch)| {
            *at == depth && (branch.main || title.as_ref() == Some(&branch.title))
        });
        let unnamed = latest.get(&depth).copied().filter(|_| title.is_none());
        let index = found.or(unnamed).unwrap_or_else(|| {
            let title = match title {
                Some(title) => title,
                None if main => Name::own(lang, Key::MainBranch),
                None => match step.concerns.first() {
                    Some(item) => names.thing(item),
                    None => Name::own(lang, Key::ThingPallet),
                },
            };
            let branch = Branch {
                title,
                main,
                steps: String::new(),
                missing: false,
                rows: Vec::new(),
            };
            branches.push((depth, branch));
            branches.len() - 1
        });
        latest.insert(depth, index);
        let Some((_, branch)) = branches.get_mut(index) else {
            continue;
        };
        let mut row = step_row(names, step);
        // The branch's heading has said so.
        row.thing = row.thing.filter(|thing| *thing != branch.title);
        branch.rows.push(Row::Step(Box::new(row)));
        for one in answer
            .breaks
            .iter()
            .filter(|one| one.at == Some(step.at))
            .take(BREAKS_MAX)
        {
            if told.contains(&one) {
                continue;
            }
            told.push(one);
            branch.missing = true;
            branch.rows.push(Row::Missing(missing_row(names, one)));
        }
    }
    // The farthest first; the sort is stable, so branches of one depth stay in order of time.
    branches.sort_by_key(|(depth, _)| std::cmp::Reverse(*depth));
    let mut branches: Vec<Branch> = branches.into_iter().map(|(_, branch)| branch).collect();
    let origin = answer
        .breaks
        .iter()
        .find(|one| one.at.is_none() && one.kind == BreakKind::OriginMissing);
    if let (Some(one), Some(first)) = (origin, branches.first_mut()) {
        first.missing = true;
        first.rows.insert(0, Row::Missing(missing_row(names, one)));
    }
    for branch in &mut branches {
        let steps = branch
            .rows
            .iter()
            .filter(|row| matches!(row, Row::Step(_)))
            .count();
        branch.steps = match steps {
            1 => lang.t(Key::BranchStep).to_owned(),
            _ => lang.fill(Key::BranchSteps, &[&steps.to_string()]),
        };
    }
    branches
}

pub(crate) fn test_row(names: Names<'_>, test: &Test) -> TestRow {
    let (lang, now) = (names.lang, names.answer.as_of.0);
    let (tone, conclusion) = match test.conclusion.as_deref() {
        Some("pass") => ("good", Key::TestPass),
        Some("fail") => ("stop", Key::TestFail),
        Some(_) | None => ("plain", Key::TestCertificate),
    };
    // What failed is never among the lines left out.
    let mut lines: Vec<_> = test.lines.iter().collect();
    lines.sort_by_key(|line| line.verdict != "fail");
    TestRow {
        tone,
        conclusion,
        thing: names.thing(&test.item),
        time: when::moment(lang, test.time.0, now),
        issuer: names.signer(test.issuer),
        number: test.document.as_deref().map(|id| {
            let printed = names::printed(id);
            // "(253)" tells a machine that a document number follows; people see that.
            let bare = printed.strip_prefix("(253)").unwrap_or(&printed);
            // Of a document with an address, its number is the last part.
            let bare = bare.rsplit('/').next().unwrap_or(bare);
            lang.fill(Key::TestNumber, &[bare])
        }),
        imported: imported(names, test),
        lines: lines
            .into_iter()
            .take(TEST_LINES_MAX)
            .map(|line| LineRow {
                name: Name::of(lang, &line.name).unwrap_or_else(|| Name::own(lang, Key::TestItem)),
                method: Some(names::shorten(&line.method)).filter(|method| !method.is_empty()),
                value: with_unit(&line.value, &line.unit),
                limit: with_unit(&line.limit, &line.unit),
                passed: match line.verdict.as_str() {
                    "pass" => Some(true),
                    "fail" => Some(false),
                    _ => None,
                },
            })
            .collect(),
    }
}

/// That a result came from another region, or that other regions relied on it.
fn imported(names: Names<'_>, test: &Test) -> Option<String> {
    let lang = names.lang;
    if let Some(foreign) = &test.imported {
        let relied = test.relied_on.unwrap_or_default().to_string();
        let region = names.region(&foreign.log).text;
        return Some(lang.fill(Key::TestImported, &[&region, &relied]));
    }
    if names.abroad {
        return None;
    }
    // Who imported it says so in its own part.
    let others = elsewhere::proved(names.whole.answer).flat_map(|part| &part.answer.tests);
    let is_it = |other: &&Test| {
        let imported = other.imported.as_ref();
        imported.is_some_and(|one| one.log == names.whole.here && one.at == Some(test.at))
    };
    let relied: u64 = others
        .filter(is_it)
        .filter_map(|other| other.relied_on)
        .sum();
    (relied > 0).then(|| lang.fill(Key::TestReliedOn, &[&relied.to_string()]))
}

fn with_unit(value: &str, unit: &str) -> String {
    let value = names::shorten(value);
    // A unit belongs to a number: "not detected" has none.
    if unit.is_empty() || !value.chars().any(|character| character.is_ascii_digit()) {
        value
    } else {
        format!("{value} {}", names::shorten(unit))
    }
}

/// The worst stretches, in the order of time.
fn curves(names: Names<'_>) -> Vec<Curve> {
    let mut shown: Vec<_> = names.answer.temperature.iter().collect();
    shown.sort_by_key(|stretch| std::cmp::Reverse(stretch.grade));
    shown.truncate(CURVES_MAX);
    shown.sort_by_key(|stretch| stretch.from);
    shown
        .into_iter()
        .enumerate()
        .map(|(id, stretch)| Curve::of(names, id, stretch))
        .collect()
}
