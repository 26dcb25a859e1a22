//! The temperature curve: a picture drawn by the server, with the same facts in words.
//!
//! Coordinates are tenths of a pixel in integers, so that a page is the same bytes everywhere.

use super::Lang;
use super::names::Names;
use super::when;
use ledger::ids::UnixMillis;
use ledger::provenance::answer::{Grade, Limits, Stretch};
use ledger_web::catalogue::{self, Key};
use std::fmt::Write as _;

// The picture, in tenths of a pixel: 320 × 150, as wide as a small phone's text.
const LEFT: i64 = 360;
const RIGHT: i64 = 3_120;
const TOP: i64 = 120;
const BOTTOM: i64 = 1_240;
/// Readings in one column of two pixels become its lowest and highest.
const COLUMN: i64 = 20;
/// An answer keeps at most this many readings of a stretch; from there on the distance between
/// two says nothing about a gap.
const THINNED_AT: usize = 400;
/// More excursions than this are counted in the total only: they would not be legible.
const EXCURSIONS_MAX: usize = 8;
/// Of readings known to the hour, so much of the distance between two is not known.
const HOUR_MINUTES: u32 = 60;
/// As for excursions; enough for one gap per hour of a day.
const GAPS_MAX: usize = 24;

/// A time outside the limits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Excursion {
    pub from: UnixMillis,
    pub until: UnixMillis,
    /// Rounded minutes, a reading holding until the next.
    pub minutes: u32,
    /// The reading farthest out, tenths of °C.
    pub worst: i32,
}

/// One shaded column of the picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    pub x: String,
    pub width: String,
    pub middle: String,
    pub label: String,
}

/// A stretch, ready to be drawn and read out.
#[derive(Clone, Debug)]
pub(crate) struct Curve {
    /// Tells this curve's pattern and clip from those of others on the page.
    pub id: usize,
    pub tone: &'static str,
    pub grade: &'static str,
    pub holder: String,
    pub from: String,
    pub until: String,
    pub from_short: String,
    pub until_short: String,
    pub limits: String,
    pub source: String,
    pub confirmed: bool,
    pub lowest: String,
    pub highest: String,
    pub outside: String,
    pub gap: String,
    pub covered: String,
    pub worst: String,
    pub kinetic: String,
    /// Everything a reader must know, as one sentence.
    pub words: String,
    pub label: String,
    /// Allowed band: y and height.
    pub band: Option<(String, String)>,
    /// Areas beyond the band, where the line is red: y and height.
    pub beyond: Vec<(String, String)>,
    pub path: String,
    pub dots: Vec<(String, String)>,
    pub gaps: Vec<Column>,
    pub breaches: Vec<Column>,
    pub excursions: Vec<String>,
    /// Marks on the left: y and value.
    pub ticks: Vec<(String, String)>,
}

impl Curve {
    pub(crate) fn of(names: Names<'_>, id: usize, stretch: &Stretch) -> Self {
        let lang = names.lang;
        let now = names.answer.as_of.0;
        let scale = Scale::of(stretch);
        let gaps = gaps(stretch);
        let excursions = excursions(stretch);
        let (path, dots) = path(&scale, stretch, &gaps);
        let band = scale.band(&stretch.limits);
        let celsius = |tenths: Option<i32>| tenths.map_or_else(|| "–".to_owned(), celsius);
        let limits = limits(lang, &stretch.limits);
        let outside = when::duration(lang, stretch.outside_minutes);
        let gap = when::duration(lang, stretch.longest_gap_minutes);
        let (lowest, highest) = (
            celsius(stretch.lowest_tenths),
            celsius(stretch.highest_tenths),
        );
        let holder = names.signer(stretch.holder).name.text;
        let mut words = vec![lang.fill(Key::CurveLimits, &[&limits])];
        words.push(if stretch.lowest_tenths.is_none() {
            lang.t(Key::CurveNoReading).to_owned()
        } else {
            lang.fill(Key::CurveWords, &[&lowest, &highest])
        });
        if stretch.outside_minutes > 0 {
            words.push(lang.fill(Key::CurveOutside, &[&outside]));
        }
        words.push(if stretch.longest_gap_minutes > allowed(&stretch.limits) {
            lang.fill(Key::CurveGap, &[&gap])
        } else {
            lang.t(Key::CurveNoGap).to_owned()
        });
        let words = words.join(lang.t(Key::Semicolon));
        let column = |from: UnixMillis, until: UnixMillis, label: String| {
            let (left, right) = (scale.x(from), scale.x(until));
            // Two pixels at least, or a short excursion could not be seen.
            let width = (right - left).max(20);
            Column {
                x: px(left),
                width: px(width),
                middle: px(left + width / 2),
                label,
            }
        };
        Self {
            id,
            tone: tone(stretch.grade),
            grade: lang.t(catalogue::grade(stretch.grade)),
            label: lang.fill(Key::CurveLabel, &[&holder, &words]),
            holder,
            from: when::moment(lang, stretch.from.0, now),
            until: when::moment(lang, stretch.until.0, now),
            from_short: short(stretch.from.0),
            until_short: short(stretch.until.0),
            limits,
            source: stretch.limits.source.clone(),
            confirmed: stretch.limits.confirmed,
            lowest,
            highest,
            outside,
            gap,
            covered: format!("{} %", stretch.covered_percent),
            worst: celsius(stretch.worst_tenths),
            kinetic: celsius(stretch.mean_kinetic_tenths),
            words,
            beyond: scale.beyond(&stretch.limits),
            band,
            path,
            dots,
            gaps: gaps
                .iter()
                .map(|(from, until)| column(*from, *until, String::new()))
                .collect(),
            breaches: excursions
                .iter()
                .map(|one| {
                    let told = (!stretch.hourly).then(|| when::duration(lang, one.minutes));
                    column(one.from, one.until, told.unwrap_or_default())
                })
                .collect(),
            // Known to the hour, only their sum is told.
            excursions: excursions
                .iter()
                .filter(|_| !stretch.hourly)
                .map(|one| {
                    let from = when::moment(lang, one.from, now);
                    let minutes = when::duration(lang, one.minutes);
                    lang.fill(
                        Key::CurveExcursion,
                        &[&from, &minutes, &self::celsius(one.worst)],
                    )
                })
                .collect(),
            ticks: scale.ticks(stretch),
        }
    }
}

/// The class of colours for a grade; the word stands beside it.
pub(crate) const fn tone(grade: Grade) -> &'static str {
    match grade {
        Grade::Proved => "good",
        Grade::Gap => "warn",
        Grade::Breach => "stop",
    }
}

/// `7.8 °C` from tenths, with a true minus sign.
pub(crate) fn celsius(tenths: i32) -> String {
    format!("{} °C", number(tenths))
}

fn number(tenths: i32) -> String {
    let sign = if tenths < 0 { "−" } else { "" };
    let size = tenths.unsigned_abs();
    if size.is_multiple_of(10) {
        format!("{sign}{}", size / 10)
    } else {
        format!("{sign}{}.{}", size / 10, size % 10)
    }
}

/// Limits in words.
fn limits(lang: Lang, limits: &Limits) -> String {
    match (limits.lowest_tenths, limits.highest_tenths) {
        (Some(low), Some(high)) => lang.fill(Key::CurveBetween, &[&number(low), &celsius(high)]),
        (None, Some(high)) => lang.fill(Key::CurveBelow, &[&celsius(high)]),
        (Some(low), None) => lang.fill(Key::CurveAbove, &[&celsius(low)]),
        (None, None) => lang.t(Key::CurveNoLimits).to_owned(),
    }
}

/// `11-23 16:05`, for the ends of the axis.
fn short(at: UnixMillis) -> String {
    format!(
        "{} {}",
        when::today(at).get(5..).unwrap_or_default(),
        when::clock(at)
    )
}

const fn outside(limits: &Limits, tenths: i32) -> bool {
    matches!(limits.lowest_tenths, Some(low) if tenths < low)
        || matches!(limits.highest_tenths, Some(high) if tenths > high)
}

fn minutes(from: UnixMillis, until: UnixMillis) -> u32 {
    u32::try_from((until.0 - from.0 + 30_000) / 60_000).unwrap_or_default()
}

/// The longest time between two readings that is no gap: half an interval is jitter.
const fn allowed(limits: &Limits) -> u32 {
    limits.interval_minutes + limits.interval_minutes / 2
}

/// Times without a reading for longer than that, the stretch's ends included.
pub(crate) fn gaps(stretch: &Stretch) -> Vec<(UnixMillis, UnixMillis)> {
    let allowed = allowed(&stretch.limits);
    if stretch.longest_gap_minutes <= allowed {
        return Vec::new();
    }
    // Between thinned readings only the longest distance is known to be a gap.
    let thinned = stretch.readings.len() >= THINNED_AT;
    let least = if thinned {
        stretch.longest_gap_minutes - 1
    } else if stretch.hourly {
        allowed + HOUR_MINUTES
    } else {
        allowed
    };
    let times = stretch.readings.iter().map(|(at, _)| at.0);
    let mut ends: Vec<UnixMillis> = vec![stretch.from.0];
    ends.extend(times.filter(|at| (stretch.from.0..=stretch.until.0).contains(at)));
    ends.push(stretch.until.0);
    ends.windows(2)
        .filter_map(|pair| {
            let &[from, until] = pair else { return None };
            (minutes(from, until) > least).then_some((from, until))
        })
        .take(GAPS_MAX)
        .collect()
}

/// Times outside the limits, each reading holding until the next.
pub(crate) fn excursions(stretch: &Stretch) -> Vec<Excursion> {
    let mut found: Vec<Excursion> = Vec::new();
    let mut open = false;
    for (position, (at, tenths)) in stretch.readings.iter().enumerate() {
        let next = stretch
            .readings
            .get(position + 1)
            .map_or(stretch.until.0, |(next, _)| next.0);
        if !outside(&stretch.limits, *tenths) {
            open = false;
            continue;
        }
        let farther = |old: i32| match stretch.limits.highest_tenths {
            Some(high) if *tenths > high => old.max(*tenths),
            Some(_) | None => old.min(*tenths),
        };
        match found.last_mut() {
            Some(last) if open => {
                last.until = next;
                last.worst = farther(last.worst);
                last.minutes = minutes(last.from, next);
            }
            Some(_) | None => found.push(Excursion {
                from: at.0,
                until: next,
                minutes: minutes(at.0, next),
                worst: *tenths,
            }),
        }
        open = true;
    }
    found.truncate(EXCURSIONS_MAX);
    found
}

/// From moments and temperatures to places in the picture.
struct Scale {
    from: i64,
    span: i64,
    low: i64,
    high: i64,
}

impl Scale {
    /// Holds every reading and every limit, with a tenth to spare above and below.
    fn of(stretch: &Stretch) -> Self {
        let values = || {
            let limits = [stretch.limits.lowest_tenths, stretch.limits.highest_tenths];
            let readings = stretch.readings.iter().map(|(_, tenths)| *tenths);
            limits.into_iter().flatten().chain(readings).map(i64::from)
        };
        let (low, high) = (values().min().unwrap_or(0), values().max().unwrap_or(0));
        let spare = ((high - low) / 10).max(10);
        Self {
            from: stretch.from.0.0,
            span: (stretch.until.0.0 - stretch.from.0.0).max(1),
            low: low - spare,
            high: high + spare,
        }
    }

    fn x(&self, at: UnixMillis) -> i64 {
        let part = (at.0 - self.from).clamp(0, self.span);
        LEFT + i64::try_from(i128::from(part) * i128::from(RIGHT - LEFT) / i128::from(self.span))
            .unwrap_or_default()
    }

    fn y(&self, tenths: i32) -> i64 {
        BOTTOM - (i64::from(tenths) - self.low) * (BOTTOM - TOP) / (self.high - self.low)
    }

    fn edges(&self, limits: &Limits) -> (i64, i64) {
        let top = limits.highest_tenths.map_or(TOP, |high| self.y(high));
        let bottom = limits.lowest_tenths.map_or(BOTTOM, |low| self.y(low));
        (top, bottom)
    }

    fn band(&self, limits: &Limits) -> Option<(String, String)> {
        let any = limits.lowest_tenths.is_some() || limits.highest_tenths.is_some();
        let (top, bottom) = self.edges(limits);
        any.then(|| (px(top), px((bottom - top).max(0))))
    }

    fn beyond(&self, limits: &Limits) -> Vec<(String, String)> {
        let (top, bottom) = self.edges(limits);
        let mut areas = Vec::new();
        if limits.highest_tenths.is_some() {
            areas.push((px(0), px(top)));
        }
        if limits.lowest_tenths.is_some() {
            areas.push((px(bottom), px(1_500 - bottom)));
        }
        areas
    }

    /// The limits, and the extremes where they are far enough from those to be legible.
    fn ticks(&self, stretch: &Stretch) -> Vec<(String, String)> {
        let limits = &stretch.limits;
        let wanted = [
            limits.lowest_tenths,
            limits.highest_tenths,
            stretch.highest_tenths,
            stretch.lowest_tenths,
        ];
        let mut placed: Vec<i64> = Vec::new();
        let mut ticks = Vec::new();
        for tenths in wanted.into_iter().flatten() {
            let y = self.y(tenths);
            if placed.iter().all(|other| (other - y).abs() >= 130) {
                placed.push(y);
                ticks.push((px(y), number(tenths)));
            }
        }
        ticks
    }
}

/// The line: a path broken at gaps, and dots for readings that stand alone.
fn path(
    scale: &Scale,
    stretch: &Stretch,
    gaps: &[(UnixMillis, UnixMillis)],
) -> (String, Vec<(String, String)>) {
    let mut runs: Vec<Vec<(i64, i64)>> = vec![Vec::new()];
    let mut last: Option<UnixMillis> = None;
    for (at, tenths) in &stretch.readings {
        if last.is_some_and(|last| gaps.iter().any(|(from, _)| *from == last)) {
            runs.push(Vec::new());
        }
        if let Some(run) = runs.last_mut() {
            run.push((scale.x(at.0), scale.y(*tenths)));
        }
        last = Some(at.0);
    }
    let (mut path, mut dots) = (String::new(), Vec::new());
    for run in runs {
        if let [(x, y)] = run[..] {
            dots.push((px(x), px(y)));
        }
        for (position, (x, y)) in thinned(&run).into_iter().enumerate() {
            let letter = if position == 0 { 'M' } else { 'L' };
            // Writing to a string cannot fail.
            let _ = write!(path, "{letter}{} {}", px(x), px(y));
        }
    }
    (path, dots)
}

/// Keeps the lowest and highest of every column, in order, and both ends.
fn thinned(run: &[(i64, i64)]) -> Vec<(i64, i64)> {
    let mut kept = Vec::new();
    for column in run.chunk_by(|left, right| left.0 / COLUMN == right.0 / COLUMN) {
        let lowest = column.iter().enumerate().max_by_key(|(_, point)| point.1);
        let highest = column.iter().enumerate().min_by_key(|(_, point)| point.1);
        let mut points: Vec<_> = [lowest, highest].into_iter().flatten().collect();
        points.sort_unstable();
        points.dedup();
        kept.extend(points.into_iter().map(|(_, point)| *point));
    }
    for (place, end) in [(0, run.first()), (kept.len(), run.last())] {
        if let Some(end) = end
            && !kept.contains(end)
        {
            kept.insert(place.min(kept.len()), *end);
        }
    }
    kept
}

/// Tenths of a pixel as SVG writes them.
fn px(tenths: i64) -> String {
    let sign = if tenths < 0 { "-" } else { "" };
    let size = tenths.unsigned_abs();
    if size.is_multiple_of(10) {
        format!("{sign}{}", size / 10)
    } else {
        format!("{sign}{}.{}", size / 10, size % 10)
    }
}
