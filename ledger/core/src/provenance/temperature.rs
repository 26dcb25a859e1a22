//! Temperature evidence, graded per stretch of custody.
//!
//! All arithmetic is in integers: tenths of °C, milliseconds. A reading holds until the next one.
//! Readings may be half an interval late (jitter of a logger); one that is missing altogether is a
//! gap. Transport must be proved by readings; storage is graded where its keeper gives readings,
//! since version 1 of the table does not ask shelves for them.

use super::answer::{Grade, Limits, Moment, Stretch};
use super::custody::{Carriage, Hold};
use super::facts::Fact;
use super::packing::{common, inside};
use super::walk::Node;
use crate::cbor::Value;
use crate::event::{Event, SensorTime};
use crate::ids::UnixMillis;
use std::collections::BTreeMap;

/// The version of [`TABLE`]; a changed limit is a new version.
const TABLE_VERSION: u32 = 1;

/// Readings shown per stretch: as many points as a phone can draw.
const SHOWN_MAX: usize = 400;

const MINUTE_MS: i64 = 60_000;

/// One row of the limit table: temperatures in tenths of °C, intervals in minutes.
struct Row {
    class: &'static str,
    lowest: Option<i32>,
    highest: Option<i32>,
    carried: u32,
    stored: u32,
    source: &'static str,
}

/// Version 1. No text behind it could be read in full, so no row is confirmed. Classes without
/// limits (`AMBIENT`) are not here: nothing is graded for them.
const TABLE: [Row; 8] = [
    // GB/T 24616 says above freezing and below 8 °C, GB 31605 0 to 10 °C: the narrower holds
    // under both.
    row(
        "CHILLED",
        Some(0),
        Some(80),
        (10, 30),
        "GB/T 24616-2019; GB 31605-2020",
    ),
    row("CHILLED_MEAT", Some(0), Some(40), (10, 30), "GB 31605-2020"),
    row(
        "DRUG_COLD",
        Some(20),
        Some(80),
        (5, 30),
        "GSP annex, cold storage and transport",
    ),
    row(
        "DRUG_COOL",
        None,
        Some(200),
        (5, 30),
        "Pharmacopoeia, general notices",
    ),
    row(
        "DRUG_ROOM",
        Some(100),
        Some(300),
        (5, 30),
        "Pharmacopoeia, general notices",
    ),
    row(
        "FROZEN",
        None,
        Some(-180),
        (10, 30),
        "GB/T 24616-2019; GB 31605-2020",
    ),
    row(
        "VACCINE",
        Some(20),
        Some(80),
        (10, 30),
        "Vaccine storage and transport rules 2017, art. 11",
    ),
    row(
        "VACCINE_FROZEN",
        None,
        Some(-200),
        (10, 30),
        "Vaccine storage and transport rules 2017",
    ),
];

const fn row(
    class: &'static str,
    lowest: Option<i32>,
    highest: Option<i32>,
    (carried, stored): (u32, u32),
    source: &'static str,
) -> Row {
    Row {
        class,
        lowest,
        highest,
        carried,
        stored,
        source,
    }
}

/// The limits of a storage class, on the road or in a place; `None` where it has none.
pub(super) fn limits(class: &str, carriage: Carriage) -> Option<Limits> {
    let row = TABLE.iter().find(|row| row.class == class)?;
    Some(Limits {
        version: TABLE_VERSION,
        class: row.class,
        lowest_tenths: row.lowest,
        highest_tenths: row.highest,
        interval_minutes: match carriage {
            Carriage::Carried => row.carried,
            Carriage::Stored => row.stored,
        },
        source: row.source,
        confirmed: false,
    })
}

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
    let (mantissa, exponent) = match value {
        Value::Int(whole) => (*whole, 0),
        Value::Decimal(decimal) => (decimal.mantissa(), decimal.exponent()),
        Value::Array(_)
        | Value::Bool(_)
        | Value::Bytes(_)
        | Value::Map(_)
        | Value::Null
        | Value::Text(_) => return None,
    };
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

/// The stretches of one item, in order, for a product of this storage class.
pub(super) fn stretches(node: &Node, code: &str, class: &str) -> Vec<Stretch> {
    let holds = node.custody.holds.iter();
    holds
        .filter_map(|hold| stretch(node, code, hold, limits(class, hold.carriage)?))
        .collect()
}

fn stretch(node: &Node, code: &str, hold: &Hold, limits: Limits) -> Option<Stretch> {
    // A lot can be in two places; only who has it here speaks for it here.
    let speaks = |fact: &&Fact| {
        node.single() || fact.issuer() == hold.holder || Some(fact.issuer()) == hold.receiver
    };
    let mut found: Vec<Reading> = Vec::new();
    let mut containers: BTreeMap<&str, usize> = BTreeMap::new();
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
            found.push(Reading {
                from,
                until,
                ..reading
            });
            *containers.entry(container).or_default() += 1;
        }
    }
    found.sort_unstable();
    found.dedup();
    let longest_gap = longest_gap(hold, &found);
    let too_long = is_gap(longest_gap, limits.interval_minutes);
    let owed = hold.carriage == Carriage::Carried && too_long;
    if found.is_empty() && !owed {
        return None;
    }
    let outside = outside(hold, &found, limits);
    let is_outside = found.iter().any(|reading| is_outside(*reading, limits));
    // From one hand into the other at a ramp is no trip.
    let trip = is_gap(hold.until - hold.from, limits.interval_minutes);
    if hold.receiver.is_some() && !trip && !is_outside {
        return None;
    }
    let most = containers
        .iter()
        .max_by_key(|(_, count)| **count)
        .map(|(id, _)| *id);
    Some(Stretch {
        container: most.unwrap_or(code).to_owned(),
        holder: hold.holder,
        from: Moment(UnixMillis(hold.from)),
        until: Moment(UnixMillis(hold.until)),
        limits,
        grade: if is_outside {
            Grade::Breach
        } else if too_long {
            Grade::Gap
        } else {
            Grade::Proved
        },
        outside_minutes: minutes(outside),
        longest_gap_minutes: minutes(longest_gap),
        lowest_tenths: found.iter().map(|reading| reading.lowest).min(),
        highest_tenths: found.iter().map(|reading| reading.highest).max(),
        readings: shown(&found),
    })
}

/// The part of a reading within both the hold and the time in the container.
fn clip(reading: Reading, fact: &Fact, hold: &Hold) -> Option<(i64, i64)> {
    let held = common((reading.from, reading.until), (hold.from, hold.until))?;
    if held.0 == held.1 {
        return inside(&fact.within, held.0).then_some(held);
    }
    fact.within.iter().find_map(|span| common(held, *span))
}

/// Longest time within the hold that no reading covers, in ms.
fn longest_gap(hold: &Hold, readings: &[Reading]) -> i64 {
    let mut covered = hold.from;
    let mut longest = 0;
    for reading in readings {
        longest = longest.max(reading.from - covered);
        covered = covered.max(reading.until);
    }
    longest.max(hold.until - covered)
}

/// Longer than one and a half intervals.
fn is_gap(gap_ms: i64, interval_minutes: u32) -> bool {
    gap_ms.saturating_mul(2) > i64::from(interval_minutes) * MINUTE_MS * 3
}

fn is_outside(reading: Reading, limits: Limits) -> bool {
    limits
        .lowest_tenths
        .is_some_and(|lowest| reading.lowest < lowest)
        || limits
            .highest_tenths
            .is_some_and(|highest| reading.highest > highest)
}

/// Time outside the limits in ms: a reading holds until the next or the hold's end. A stretch
/// known by its extremes counts whole: when it was outside, it does not say.
fn outside(hold: &Hold, readings: &[Reading], limits: Limits) -> i64 {
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
mod tests {
    use super::*;
    use crate::decimal::parse_number;

    #[test]
    fn values_become_tenths_of_a_degree() {
        for (text, unit, expected) in [
            ("7.8", "CEL", Some(78)),
            ("-18.05", "CEL", Some(-181)),
            ("4.04", "CEL", Some(40)),
            ("46.04", "FAH", Some(78)),
            ("273.15", "KEL", Some(0)),
            ("1e300", "CEL", None),
            ("1e-300", "CEL", Some(0)),
            ("9223372036854775807", "CEL", None),
            ("4", "P1", None),
        ] {
            let value = parse_number(text).unwrap();
            assert_eq!(tenths(&value, unit), expected, "{text} {unit}");
        }
    }

    #[test]
    fn half_an_interval_late_is_jitter_and_later_is_a_gap() {
        assert!(!is_gap(15 * MINUTE_MS, 10));
        assert!(is_gap(15 * MINUTE_MS + 1, 10));
    }

    #[test]
    fn the_limit_itself_is_within() {
        let limits = limits("CHILLED_MEAT", Carriage::Carried).unwrap();
        let at = |tenths| Reading {
            from: 0,
            until: 0,
            lowest: tenths,
            highest: tenths,
        };
        for (tenths, outside) in [(0, false), (40, false), (41, true), (-1, true)] {
            assert_eq!(is_outside(at(tenths), limits), outside, "{tenths}");
        }
    }

    #[test]
    fn thinned_readings_keep_their_extremes() {
        let readings: Vec<Reading> = (0..5_000_i64)
            .map(|at| {
                let tenths = if at == 2_345 { 99 } else { 30 };
                Reading {
                    from: at,
                    until: at,
                    lowest: tenths,
                    highest: tenths,
                }
            })
            .collect();
        let shown = shown(&readings);
        assert!(shown.len() <= SHOWN_MAX, "{}", shown.len());
        assert!(shown.contains(&(Moment(UnixMillis(2_345)), 99)));
    }
}
