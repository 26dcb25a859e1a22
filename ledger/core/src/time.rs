//! Moments as text: ISO 8601 with an offset in, UTC with milliseconds out (RFC 3339 §5.6).

use crate::ids::UnixMillis;

const DAY_MS: i64 = 86_400_000;

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
///
/// Counts from 1 March, so that the leap day comes last, in eras of 400 years.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Year, month and day of a number of days since 1970-01-01: the inverse.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = year_of_era + era * 400 + (month <= 2) as i64;
    (year, month, day)
}

/// `2026-11-23T08:00:00.000Z`.
#[must_use]
pub fn format_utc(time: UnixMillis) -> String {
    let (year, month, day) = civil_from_days(time.0.div_euclid(DAY_MS));
    let ms = time.0.rem_euclid(DAY_MS);
    format!(
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        ms / 3_600_000,
        ms / 60_000 % 60,
        ms / 1000 % 60,
        ms % 1000
    )
}

/// `2026-11-23`, in UTC.
#[must_use]
pub fn format_date(time: UnixMillis) -> String {
    let mut text = format_utc(time);
    text.truncate(10);
    text
}

fn digits(text: &[u8], count: usize) -> Option<(i64, &[u8])> {
    let (head, rest) = text.split_at_checked(count)?;
    let number = head.iter().try_fold(0_i64, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })?;
    Some((number, rest))
}

fn after<'a>(text: &'a [u8], allowed: &[u8]) -> Option<(u8, &'a [u8])> {
    let (first, rest) = text.split_first()?;
    allowed.contains(first).then_some((*first, rest))
}

/// A calendar date `2026-11-23` as its first moment in UTC; dates that do not exist are `None`.
#[must_use]
pub fn parse_date(text: &str) -> Option<UnixMillis> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let (year, _) = digits(&bytes[..4], 4)?;
    let (month, _) = digits(&bytes[5..7], 2)?;
    let (day, _) = digits(&bytes[8..], 2)?;
    if !(1..=12).contains(&month) || day < 1 {
        return None;
    }
    let days = days_from_civil(year, month, day);
    (civil_from_days(days) == (year, month, day)).then_some(UnixMillis(days * DAY_MS))
}

/// A moment with an offset or `Z`; digits past the millisecond round half up.
///
/// A leap second counts as the second after it. Without an offset there is no moment: `None`.
#[must_use]
pub fn parse(text: &str) -> Option<UnixMillis> {
    let date = parse_date(text.get(..10)?)?;
    let (_, rest) = after(&text.as_bytes()[10..], b"Tt ")?;
    let (hour, rest) = digits(rest, 2)?;
    let (_, rest) = after(rest, b":")?;
    let (minute, rest) = digits(rest, 2)?;
    let (second, mut rest) = match after(rest, b":") {
        Some((_, rest)) => digits(rest, 2)?,
        None => (0, rest),
    };
    if hour > 24 || minute > 59 || second > 60 || (hour == 24 && minute + second > 0) {
        return None;
    }
    let mut ms = 0;
    if let Some((_, fraction)) = after(rest, b".,") {
        let places = fraction
            .iter()
            .take_while(|byte| byte.is_ascii_digit())
            .count();
        if places == 0 {
            return None;
        }
        let mut scale = 100;
        for (place, byte) in fraction[..places].iter().enumerate() {
            let digit = i64::from(byte - b'0');
            match place {
                0..=2 => ms += digit * scale,
                3 if digit >= 5 => ms += 1,
                _ => {}
            }
            scale /= 10;
        }
        rest = &fraction[places..];
    }
    let offset_ms = parse_offset(std::str::from_utf8(rest).ok()?)?;
    let of_day = ((hour * 60 + minute) * 60 + second) * 1000 + ms;
    Some(UnixMillis(date.0 + of_day - offset_ms))
}

/// An offset `Z`, `+08:00` or `+0800`, in milliseconds.
#[must_use]
pub fn parse_offset(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let (sign, rest) = after(text.as_bytes(), b"+-")?;
    let (hours, rest) = digits(rest, 2)?;
    let rest = after(rest, b":").map_or(rest, |(_, rest)| rest);
    let (minutes, rest) = digits(rest, 2)?;
    if !rest.is_empty() || hours > 14 || minutes > 59 {
        return None;
    }
    let ms = (hours * 60 + minutes) * 60_000;
    Some(if sign == b'-' { -ms } else { ms })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_moments() {
        for (text, utc) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("2026-11-23T16:00:00.0005+08:00", "2026-11-23T08:00:00.001Z"),
            ("2005-07-11T11:30:47.0Z", "2005-07-11T11:30:47.000Z"),
            ("2024-02-29T23:59:60-01:00", "2024-03-01T01:00:00.000Z"),
            ("1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(parse(text).map(format_utc).as_deref(), Some(utc), "{text}");
        }
        for bad in [
            "2026-02-29T00:00:00Z",
            "2026-11-23T08:00:00",
            "2026-13-01T00:00:00Z",
            "",
            "2026-1-1",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn text_and_moment_are_inverse(ms in -2_000_000_000_000_i64..200_000_000_000_000) {
            prop_assert_eq!(parse(&format_utc(UnixMillis(ms))), Some(UnixMillis(ms)));
        }

        #[test]
        fn any_text_is_a_moment_or_none(text in ".{0,40}") {
            prop_assert!(parse(&text).is_none_or(|time| parse(&format_utc(time)).is_some()));
        }
    }
}
