//! What inspectors found on things that last: calibrations of devices, inspections of cylinders
//! and valves.
//!
//! An event that names the thing carries `sy:calibration` or `sy:inspection`: `{conclusion: "pass" |
//! "fail", next: date, certificate}`. `next` is the last day on which it is good. Only laboratories,
//! authorities and regulators inspect.

use super::facts::{SUYUAN, corrected_in, event_of};
use super::names::{Names, text};
use super::source::Touch;
use crate::cbor::{Map, Value};
use crate::state::Role;
use crate::store::EventRef;
use crate::time::{parse_date, parse_offset};

const DAY_MS: i64 = 86_400_000;

/// One inspection of a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Inspection {
    pub(super) at: EventRef,
    /// Event time.
    pub(super) time: i64,
    pub(super) passed: bool,
    /// First moment at which the next one is overdue, where it says when that is due.
    pub(super) past: Option<i64>,
}

/// The inspections of `id` in its list, in the order of time.
pub(super) fn inspections(list: &[Touch], id: &str, names: &Names) -> Vec<Inspection> {
    let corrected = corrected_in(&[list]);
    let inspector = [Role::Authority, Role::Laboratory, Role::Regulator];
    let mut found: Vec<Inspection> = list
        .iter()
        .filter(|touch| !corrected.contains(&touch.at) && names.is_any(touch.issuer, &inspector))
        .filter_map(|touch| {
            let event = event_of(touch)?;
            let result = ["calibration", "inspection"]
                .into_iter()
                .find_map(|local| event.extension(SUYUAN, local)?.as_map())?;
            let named = event.objects().iter().any(|object| object.id == id);
            named.then(|| Inspection {
                at: touch.at,
                time: event.time().0,
                passed: text(result, "conclusion") == "pass",
                past: past(result, "next", event.offset()),
            })
        })
        .collect();
    found.sort_by_key(|one| (one.time, one.at));
    found
}

/// The first moment after the day named in a field, by the clock of the place.
pub(super) fn past(map: &Map, field: &str, offset: &str) -> Option<i64> {
    let day = parse_date(map.get(field).and_then(Value::as_text)?.get(..10)?)?;
    let offset = parse_offset(offset).unwrap_or_default();
    Some(day.0.saturating_add(DAY_MS - offset))
}

/// The last inspection at or before `time`.
pub(super) fn last(all: &[Inspection], time: i64) -> Option<&Inspection> {
    all.iter().rev().find(|one| one.time <= time)
}
