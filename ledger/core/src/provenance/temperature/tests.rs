//! Values, limits, gaps, coverage and thinning.

use super::super::custody::Mark;
use super::*;
use crate::decimal::parse_number;
use crate::ids::{Handle, LeafIndex};

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
    assert!(!is_gap(15 * MINUTE_MS, 10 * MINUTE_MS));
    assert!(is_gap(15 * MINUTE_MS + 1, 10 * MINUTE_MS));
}

#[test]
fn the_limit_itself_is_within() {
    let policy = Policy::default();
    let (limits, owed) = limits(&policy, "CHILLED_MEAT", Carriage::Carried).unwrap();
    assert!(owed);
    let at = |tenths| Reading {
        from: 0,
        until: 0,
        lowest: tenths,
        highest: tenths,
    };
    for (tenths, outside) in [(0, false), (40, false), (41, true), (-1, true)] {
        assert_eq!(is_outside(at(tenths), &limits), outside, "{tenths}");
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

fn hold(minutes: i64) -> Hold {
    let mark = Mark {
        at: EventRef {
            leaf: LeafIndex(0),
            index: 0,
        },
        recorded: UnixMillis(0),
    };
    Hold {
        holder: Handle([1; 16]),
        receiver: None,
        from: 0,
        until: minutes * MINUTE_MS,
        carriage: Carriage::Carried,
        began: mark,
        ended: mark,
    }
}

fn at_minutes(minutes: &[i64]) -> Vec<Reading> {
    let reading = |minute: &i64| Reading {
        from: minute * MINUTE_MS,
        until: minute * MINUTE_MS,
        lowest: 40,
        highest: 40,
    };
    minutes.iter().map(reading).collect()
}

#[test]
fn coverage_counts_one_interval_after_the_last_reading_before_a_gap() {
    for (readings, longest, percent) in [
        (vec![0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], 10, 100),
        // Fifteen minutes are jitter; sixteen are a gap, of which ten are vouched for.
        (vec![0, 10, 20, 35, 45, 55, 65, 75, 85, 95], 15, 100),
        (vec![0, 10, 20, 36, 46, 56, 66, 76, 86, 96], 16, 94),
        // Before the first reading nothing is vouched for.
        (vec![50, 60, 70, 80, 90, 100], 50, 50),
        (vec![0, 10], 90, 20),
        (vec![], 100, 0),
    ] {
        let found = Coverage::of(&hold(100), &at_minutes(&readings), 10 * MINUTE_MS);
        let want = Coverage {
            longest_gap: longest * MINUTE_MS,
            percent,
        };
        assert_eq!(found, want, "{readings:?}");
    }
}

#[test]
fn a_reading_before_a_gap_does_not_stand_for_the_whole_gap() {
    let mut readings = at_minutes(&[0, 10, 90]);
    readings[1].lowest = 300;
    readings[1].highest = 300;
    let held = held(&hold(100), &readings, 10 * MINUTE_MS);
    let minutes: Vec<i64> = held.iter().map(|one| one.ms / MINUTE_MS).collect();
    assert_eq!(minutes, [10, 15, 10]);
}

#[test]
fn the_worst_value_is_the_one_farthest_out() {
    let policy = Policy::default();
    let (vaccine, _) = limits(&policy, "VACCINE", Carriage::Carried).unwrap();
    for (lowest, highest, expected) in [(10, 85, 10), (15, 90, 90), (30, 75, 75), (21, 40, 21)] {
        assert_eq!(worst(Some(lowest), Some(highest), &vaccine), Some(expected));
    }
    assert_eq!(worst(None, None, &vaccine), None);
    let (frozen, _) = limits(&policy, "FROZEN", Carriage::Stored).unwrap();
    assert_eq!(worst(Some(-300), Some(-190), &frozen), Some(-190));
}
