//! When what a recall asks for is due.

use super::Deadline;
use crate::ids::UnixMillis;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;
/// UTC+08:00, all of China.
const CHINA_OFFSET_MS: i64 = 8 * HOUR_MS;

impl Deadline {
    /// When holders must have stopped and answered an order recorded at `ordered`.
    #[must_use]
    pub fn start(self, ordered: UnixMillis) -> UnixMillis {
        let hours = i64::from(self.start_hours);
        UnixMillis(ordered.0.saturating_add(hours.saturating_mul(HOUR_MS)))
    }

    /// When it must be finished, where a rule says: the end of the last working day by the clock of
    /// Chengdu, the day of the order not counted. Monday to Friday are working days; public
    /// holidays, and weekends worked for them, are decreed each year and are not known here.
    #[must_use]
    pub fn finish(self, ordered: UnixMillis) -> Option<UnixMillis> {
        let days = i64::from(self.finish_working_days?);
        let ordered = ordered.0.saturating_add(CHINA_OFFSET_MS).div_euclid(DAY_MS);
        // 1970-01-01 was a Thursday. What is ordered on a weekend counts from the Friday before.
        let weekday = (ordered + 3).rem_euclid(7).min(4);
        let monday = ordered - (ordered + 3).rem_euclid(7);
        let last = weekday + days;
        let day = monday + last / 5 * 7 + last % 5;
        Some(UnixMillis(
            (day + 1)
                .saturating_mul(DAY_MS)
                .saturating_sub(CHINA_OFFSET_MS),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time;

    fn after(days: u32, ordered: &str) -> Option<UnixMillis> {
        let deadline = Deadline {
            start_hours: 24,
            finish_working_days: Some(days),
        };
        deadline.finish(time::parse(ordered).unwrap())
    }

    #[test]
    fn hours_count_from_the_order() {
        let deadline = Deadline {
            start_hours: 24,
            finish_working_days: None,
        };
        let ordered = time::parse("2026-11-23T20:00:00Z").unwrap();
        assert_eq!(
            Some(deadline.start(ordered)),
            time::parse("2026-11-24T20:00:00Z")
        );
        assert_eq!(deadline.finish(ordered), None);
    }

    #[test]
    fn working_days_count_by_the_clock_of_chengdu() {
        // A Monday evening in UTC is Tuesday 24 November in Chengdu: ten working days after it
        // comes the end of Tuesday 8 December.
        assert_eq!(
            after(10, "2026-11-23T20:00:00Z"),
            time::parse("2026-12-08T16:00:00Z")
        );
        // The first working day after a Friday, a Saturday and a Sunday is Monday.
        for ordered in ["2026-11-27", "2026-11-28", "2026-11-29"] {
            assert_eq!(
                after(1, &format!("{ordered}T04:00:00Z")),
                time::parse("2026-11-30T16:00:00Z"),
                "{ordered}"
            );
        }
    }

    #[test]
    fn working_days_are_those_that_a_walk_through_the_days_counts() {
        let first = time::parse("2026-11-20T04:00:00Z").unwrap().0;
        for start in 0..14 {
            for days in 1..40 {
                let ordered = first + start * DAY_MS;
                let (mut day, mut left) = (ordered.div_euclid(DAY_MS), days);
                while left > 0 {
                    day += 1;
                    left -= i64::from((day + 3).rem_euclid(7) < 5);
                }
                let deadline = Deadline {
                    start_hours: 24,
                    finish_working_days: u32::try_from(days).ok(),
                };
                let end = UnixMillis((day + 1) * DAY_MS - CHINA_OFFSET_MS);
                assert_eq!(deadline.finish(UnixMillis(ordered)), Some(end));
            }
        }
    }
}
