//! Temperature evidence, judged per stretch of custody by the policy of its time.
//!
//! All arithmetic is in integers: tenths of °C, milliseconds. A reading holds until the next one.
//! Readings may be half an interval late (jitter of a logger); one that is missing altogether is a
//! gap, of which one interval after the last reading is vouched for by that. Transport must be
//! proved by readings; storage where the policy asks for it, and else is judged by those that its
//! keeper gives.

mod kinetic;

use super::answer::{Grade, Limits, Moment, Stretch};
use super::custody::{Carriage, Hold};
use super::facts::Fact;
use super::packing::{common, inside};
use super::walk::Node;
use crate::cbor::Value;
use crate::event::{Event, SensorTime};
use crate::ids::UnixMillis;
use crate::policy::{History, Policy};
use crate::store::EventRef;
use kinetic::{Held, mean_kinetic};
use std::collections::{BTreeMap, BTreeSet};

/// Readings shown per stretch: as many points as a phone can draw.
const SHOWN_MAX: usize = 400;

const MINUTE_MS: i64 = 60_000;

/// What one report says: at one moment, or of a stretch of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Reading {
    pub(super) from: i64,
    pub(super) until: i64,
    /// Tenths of °C.
    pub(super) lowest: i32,
    pub(super) highest: i32,
}

/// The temperatures an event reports. Reports of a broken sensor are none.
pub(super) fn readings(event: &Event) -> Vec<Reading> {
    let mut found = Vec::new();
    for element in event.sensor_elements() {
        for report in element.reports() {
            if report.kind != Some("Temperature") || report.exception == Some("ERROR_CONDITION") {
                continue;
            }
            let (from, until) = match report.time {
                Some(SensorTime::At(at)) => (at.0, at.0),
                Some(SensorTime::Between(from, until)) => (from.0, until.0.max(from.0)),
                None => (event.time().0, event.time().0),
            };
            let in_tenths = |value: Option<&Value>| tenths(value?, report.uom?);
            let values = [report.min, report.value, report.mean, report.max].map(in_tenths);
            let all = || values.into_iter().flatten();
            if let (Some(lowest), Some(highest)) = (all().min(), all().max()) {
                found.push(Reading {
                    from,
                    until,
                    lowest,
                    highest,
                });
            }
        }
    }
    found
}

/// A value in tenths of °C, half away from zero; `None` for units of other things and for what no
/// thermometer shows.
fn tenths(value: &Value, unit: &str) -> Option<i32> {
    let thousandths = thousandths(value)?;
    let celsius = match unit {
        "CEL" => thousandths,
        "FAH" => rounded((thousandths - 32_000) * 5, 9),
        "KEL" => thousandths - 273_150,
        _ => return None,
    };
    i32::try_from(rounded(celsius, 100))
        .ok()
        .filter(|tenths| tenths.abs() < 100_000)
}

fn thousandths(value: &Value) -> Option<i64> {
    let (mantissa, exponent) = value.as_number()?;
    let shift = exponent + 3;
    let power = 10_i64.checked_pow(u32::from(shift.unsigned_abs()));
    let scaled = match (shift >= 0, power) {
        (true, Some(power)) => mantissa.checked_mul(power)?,
        (true, None) => return None,
        (false, Some(power)) => rounded(mantissa, power),
        (false, None) => 0,
    };
    // Far from the ends of the range, so that unit conversion cannot overflow.
    (scaled.unsigned_abs() < 1 << 40).then_some(scaled)
}

/// `number / divisor`, half away from zero.
const fn rounded(number: i64, divisor: i64) -> i64 {
    let half = divisor / 2;
    if number < 0 {
        (number - half) / divisor
    } else {
        (number + half) / divisor
    }
}

/// The limits of a storage class, on the road or in a place, and whether readings are owed there;
/// `None` where it has none.
fn limits(policy: &Policy, class: &str, carriage: Carriage) -> Option<(Limits, bool)> {
    let (row, from) = policy.class(class)?;
    let (interval_minutes, owed) = match carriage {
        Carriage::Carried => (row.carried_minutes, true),
        Carriage::Stored => (row.stored_minutes, row.stored_required),
    };
    let limits = Limits {
        version: policy.version(),
        class: class.to_owned(),
        lowest_tenths: row.lowest_tenths,
        highest_tenths: row.highest_tenths,
        interval_minutes,
        source: from.source.clone(),
        confirmed: from.confirmed,
    };
    Some((limits, owed))
}

/// The stretches of one item, in order, for a product of this storage class.
pub(super) fn stretches(node: &Node, code: &str, class: &str, policies: &History) -> Vec<Stretch> {
    let holds = node.custody.holds.iter();
    holds
        .filter_map(|hold| judged(node, code, class, hold, policies))
        .collect()
}

/// One stretch by the policy of its beginning, if there is anything to say about it.
pub(super) fn judged(
    node: &Node,
    code: &str,
    class: &str,
    hold: &Hold,
    policies: &History,
) -> Option<Stretch> {
    let policy = policies.at(hold.began.recorded);
    let (limits, owed) = limits(policy, class, hold.carriage)?;
    stretch(node, code, hold, limits, owed)
}

/// The readings of a hold, with the events that report them and where they were taken.
#[derive(Debug, Default)]
struct Found {
    readings: Vec<Reading>,
    containers: BTreeMap<String, usize>,
    /// Events with a reading outside the limits.
    outside: BTreeSet<EventRef>,
}

fn find(node: &Node, code: &str, hold: &Hold, limits: &Limits) -> Found {
    // A lot can be in two places; only who has it here speaks for it here.
    let speaks = |fact: &&Fact| {
        node.single() || fact.issuer() == hold.holder || Some(fact.issuer()) == hold.receiver
    };
    let mut found = Found::default();
    let facts = node
        .timeline
        .facts
        .iter()
        .filter(|fact| fact.corrected.is_none());
    for fact in facts.filter(speaks) {
        let container = fact.via.as_deref().unwrap_or(code);
        for reading in readings(fact.event()) {
            let Some((from, until)) = clip(reading, fact, hold) else {
                continue;
            };
            if is_outside(reading, limits) {
                found.outside.insert(fact.at());
            }
            found.readings.push(Reading {
                from,
                until,
                ..reading
            });
            *found.containers.entry(container.to_owned()).or_default() += 1;
        }
    }
    found.readings.sort_unstable();
    found.readings.dedup();
    found
}

fn stretch(node: &Node, code: &str, hold: &Hold, limits: Limits, owed: bool) -> Option<Stretch> {
    let Found {
        readings,
        containers,
        outside: events_outside,
    } = find(node, code, hold, &limits);
    let interval_ms = i64::from(limits.interval_minutes) * MINUTE_MS;
    let coverage = Coverage::of(hold, &readings, interval_ms);
    let too_long = is_gap(coverage.longest_gap, interval_ms);
    if readings.is_empty() && !(owed && too_long) {
        return None;
    }
    let outside = outside(hold, &readings, &limits);
    let is_outside = !events_outside.is_empty();
    // From one hand into the other at a ramp is no trip.
    let trip = is_gap(hold.until - hold.from, interval_ms);
    if hold.receiver.is_some() && !trip && !is_outside {
        return None;
    }
    let most = containers
        .iter()
        .max_by_key(|(_, count)| **count)
        .map(|(id, _)| id.as_str());
    let mut events = vec![hold.began.at];
    events.extend(events_outside);
    events.push(hold.ended.at);
    let mut seen = BTreeSet::new();
    events.retain(|at| seen.insert(*at));
    let lowest_tenths = readings.iter().map(|reading| reading.lowest).min();
    let highest_tenths = readings.iter().map(|reading| reading.highest).max();
    Some(Stretch {
        container: most.unwrap_or(code).to_owned(),
        holder: hold.holder,
        from: Moment(UnixMillis(hold.from)),
        until: Moment(UnixMillis(hold.until)),
        grade: if is_outside {
            Grade::Breach
        } else if too_long {
            Grade::Gap
        } else {
            Grade::Proved
        },
        outside_minutes: minutes(outside),
        longest_gap_minutes: minutes(coverage.longest_gap),
        covered_percent: coverage.percent,
        lowest_tenths,
        highest_tenths,
        worst_tenths: worst(lowest_tenths, highest_tenths, &limits),
        mean_kinetic_tenths: mean_kinetic(&held(hold, &readings, interval_ms)),
        events,
        readings: shown(&readings),
        hourly: false,
        limits,
    })
}

/// Of the lowest and the highest, the one that is farther out, or nearer to being so.
fn worst(lowest: Option<i32>, highest: Option<i32>, limits: &Limits) -> Option<i32> {
    let below = lowest.zip(limits.lowest_tenths);
    let below = below.map(|(value, limit)| (limit - value, value));
    let above = highest.zip(limits.highest_tenths);
    let above = above.map(|(value, limit)| (value - limit, value));
    below.max(above).map(|(_, value)| value)
}

/// How long each reading held: until the next or the end, but never longer than it vouches for.
fn held(hold: &Hold, readings: &[Reading], interval_ms: i64) -> Vec<Held> {
    let nexts = readings.iter().skip(1).map(|next| next.from);
    let ends = nexts.chain([hold.until]);
    let one = |(reading, next): (&Reading, i64)| {
        let until = next.max(reading.until);
        let vouched = reading.until.saturating_add(interval_ms + interval_ms / 2);
        Held {
            ms: until.min(vouched) - reading.from,
            lowest: reading.lowest,
            highest: reading.highest,
        }
    };
    readings.iter().zip(ends).map(one).collect()
}

/// How much of a hold is covered by readings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Coverage {
    /// Longest time that no reading covers, ms.
    longest_gap: i64,
    /// Of the time, rounded down: 100 is all of it.
    percent: u8,
}

impl Coverage {
    fn of(hold: &Hold, readings: &[Reading], interval_ms: i64) -> Self {
        let (mut covered, mut longest, mut missing) = (hold.from, 0, 0);
        let mut vouched = 0;
        let ends = readings.iter().map(|reading| (reading.from, reading.until));
        for (from, until) in ends.chain([(hold.until, hold.until)]) {
            let gap = from - covered;
            longest = longest.max(gap);
            if is_gap(gap, interval_ms) {
                missing += gap - vouched;
            }
            covered = covered.max(until);
            vouched = interval_ms;
        }
        let span = (hold.until - hold.from).max(1);
        let share = i128::from(span - missing) * 100 / i128::from(span);
        Self {
            longest_gap: longest,
            percent: u8::try_from(share.clamp(0, 100)).unwrap_or_default(),
        }
    }
}

/// The part of a reading within both the hold and the time in the container.
fn clip(reading: Reading, fact: &Fact, hold: &Hold) -> Option<(i64, i64)> {
    let held = common((reading.from, reading.until), (hold.from, hold.until))?;
    if held.0 == held.1 {
        return inside(&fact.within, held.0).then_some(held);
    }
    fact.within.iter().find_map(|span| common(held, *span))
}

/// Longer than one and a half intervals.
const fn is_gap(gap_ms: i64, interval_ms: i64) -> bool {
    gap_ms.saturating_mul(2) > interval_ms * 3
}

fn is_outside(reading: Reading, limits: &Limits) -> bool {
    limits
        .lowest_tenths
        .is_some_and(|lowest| reading.lowest < lowest)
        || limits
            .highest_tenths
            .is_some_and(|highest| reading.highest > highest)
}

/// Time outside the limits in ms: a reading holds until the next or the hold's end. A stretch
/// known by its extremes counts whole: when it was outside, it does not say.
fn outside(hold: &Hold, readings: &[Reading], limits: &Limits) -> i64 {
    let ends = readings
        .iter()
        .skip(1)
        .map(|next| next.from)
        .chain([hold.until]);
    let pairs = readings.iter().zip(ends);
    pairs
        .filter(|(reading, _)| is_outside(**reading, limits))
        .map(|(reading, next)| next.max(reading.until) - reading.from)
        .sum()
}

/// Whole minutes, a started one counting.
fn minutes(ms: i64) -> u32 {
    u32::try_from((ms.max(0) + MINUTE_MS - 1) / MINUTE_MS).unwrap_or(u32::MAX)
}

/// Points to draw: every reading's extremes, thinned so that each part keeps its own.
fn shown(readings: &[Reading]) -> Vec<(Moment, i32)> {
    let points: Vec<(Moment, i32)> = readings
        .iter()
        .flat_map(|reading| {
            let one = reading.lowest == reading.highest && reading.from == reading.until;
            let first = (Moment(UnixMillis(reading.from)), reading.lowest);
            let second = (Moment(UnixMillis(reading.until)), reading.highest);
            [Some(first), (!one).then_some(second)]
        })
        .flatten()
        .collect();
    if points.len() <= SHOWN_MAX {
        return points;
    }
    let size = points.len().div_ceil(SHOWN_MAX / 2);
    points
        .chunks(size)
        .flat_map(|part| {
            let lowest = part.iter().min_by_key(|point| point.1);
            let highest = part.iter().max_by_key(|point| point.1);
            let mut both: Vec<_> = lowest.into_iter().chain(highest).copied().collect();
            both.sort_by_key(|point| point.0);
            both.dedup();
            both
        })
        .collect()
}

#[cfg(test)]
mod tests;
