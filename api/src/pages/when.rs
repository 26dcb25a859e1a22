//! Dates, times and durations as people in Chengdu read them.

use super::Lang;
use ledger::ids::UnixMillis;
use ledger::time;
use ledger_web::catalogue::{Key, MONTHS};

/// Beijing time is UTC+8 all year; daylight saving ended in 1991, before any record here.
const BEIJING_MS: i64 = 8 * 3_600_000;
const DAY_MS: i64 = 86_400_000;

/// A date `2026-11-23` in the reader's words; with the year left out if it is that of `now`.
/// What is no date comes back as it is.
pub(crate) fn date(lang: Lang, text: &str, now: UnixMillis) -> String {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<usize>().ok();
    let (Some(_), Some(year), Some(month), Some(day)) = (
        time::parse_date(text),
        number(0, 4),
        number(5, 7),
        number(8, 10),
    ) else {
        return text.to_owned();
    };
    let key = if today(now).get(..4) == text.get(..4) {
        Key::DateOfThisYear
    } else {
        Key::DateOf
    };
    let month = match lang {
        Lang::Zh => month.to_string(),
        Lang::En => MONTHS
            .get(month - 1)
            .copied()
            .unwrap_or_default()
            .to_owned(),
    };
    lang.fill(key, &[&year.to_string(), &month, &day.to_string()])
}

/// A moment in Beijing time, to the minute.
pub(crate) fn moment(lang: Lang, at: UnixMillis, now: UnixMillis) -> String {
    format!("{} {}", date(lang, &today(at), now), clock(at))
}

/// Hour and minute in Beijing time.
pub(crate) fn clock(at: UnixMillis) -> String {
    let text = time::format_utc(UnixMillis(at.0.saturating_add(BEIJING_MS)));
    text.get(11..16).unwrap_or_default().to_owned()
}

/// The date in Beijing, `2026-11-23`.
pub(crate) fn today(at: UnixMillis) -> String {
    time::format_date(UnixMillis(at.0.saturating_add(BEIJING_MS)))
}

/// The moment with its offset, as the `datetime` attribute wants it.
pub(crate) fn machine(at: UnixMillis) -> String {
    time::format_utc(at)
}

/// Days from the date `text` to Beijing's date at `now`: negative if it is yet to come, `None` if
/// `text` is no date.
pub(crate) fn days_since(text: &str, now: UnixMillis) -> Option<i64> {
    let then = time::parse_date(text)?;
    let now = time::parse_date(&today(now))?;
    Some((now.0 - then.0) / DAY_MS)
}

/// Minutes in words: `35 min`, `3 h`, `2 h 5 min`.
pub(crate) fn duration(lang: Lang, minutes: u32) -> String {
    match (minutes / 60, minutes % 60) {
        (0, minutes) => lang.fill(Key::Minutes, &[&minutes.to_string()]),
        (hours, 0) => lang.fill(Key::Hours, &[&hours.to_string()]),
        (hours, minutes) => lang.fill(
            Key::HoursMinutes,
            &[&hours.to_string(), &minutes.to_string()],
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> UnixMillis {
        time::parse(text).unwrap()
    }

    #[test]
    fn a_moment_is_shown_in_beijing_time() {
        let now = at("2026-11-23T02:00:00Z");
        assert_eq!(
            moment(Lang::Zh, at("2026-11-22T17:30:00Z"), now),
            "11月23日 01:30"
        );
        assert_eq!(
            moment(Lang::En, at("2025-12-31T15:59:00Z"), now),
            "31 Dec 2025 23:59"
        );
        // At 01:00 in Beijing on New Year's Day the year is the new one.
        assert_eq!(
            date(Lang::Zh, "2026-01-01", at("2025-12-31T17:00:00Z")),
            "1月1日"
        );
    }

    #[test]
    fn what_is_no_date_is_shown_as_it_is() {
        assert_eq!(date(Lang::Zh, "2026-02-30", UnixMillis(0)), "2026-02-30");
        assert_eq!(days_since("soon", UnixMillis(0)), None);
    }

    #[test]
    fn days_are_counted_by_the_calendar_in_beijing() {
        let now = at("2026-11-22T16:30:00Z"); // 00:30 on the 23rd
        assert_eq!(days_since("2026-11-22", now), Some(1));
        assert_eq!(days_since("2026-11-24", now), Some(-1));
    }

    #[test]
    fn durations_read_naturally() {
        assert_eq!(duration(Lang::En, 35), "35 min");
        assert_eq!(duration(Lang::Zh, 180), "3 小时");
        assert_eq!(duration(Lang::En, 125), "2 h 5 min");
    }
}
