//! The expiry date of a label.

use super::{IdentifierError, ai};
use std::fmt;

/// A day, local to the label, after which the goods must not be used; with 7003, the minute too.
///
/// Ordered by time. The century is always 20: no goods in this ledger expired before 2000.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Expiry {
    /// 2000..=2099.
    pub year: u16,
    /// 1..=12.
    pub month: u8,
    /// 1..=31; day 00 on the label became the month's last day.
    pub day: u8,
    /// Hour and minute, where the label carries (7003).
    pub time: Option<(u8, u8)>,
}

impl Expiry {
    /// Reads the value of (17), `YYMMDD`, or of (7003), `YYMMDDhhmm`.
    pub(super) fn read(code: &str, value: &str) -> Result<Self, IdentifierError> {
        Self::fields(value)
            .filter(|_| ai::is_digits(value))
            .ok_or_else(|| IdentifierError::BadDate {
                ai: code.to_owned(),
                value: value.to_owned(),
            })
    }

    fn fields(value: &str) -> Option<Self> {
        let pair = |at: usize| value.get(at..at + 2)?.parse::<u8>().ok();
        let (year, month, day) = (2000 + u16::from(pair(0)?), pair(2)?, pair(4)?);
        let last = match month {
            2 if year % 4 == 0 => 29, // 2000 was a leap year too
            2 => 28,
            4 | 6 | 9 | 11 => 30,
            1..=12 => 31,
            _ => return None,
        };
        let time = match value.len() {
            6 => None,
            10 => Some((
                pair(6).filter(|hour| *hour < 24)?,
                pair(8).filter(|minute| *minute < 60)?,
            )),
            _ => return None,
        };
        let day = if day == 0 { last } else { day };
        (day <= last).then_some(Self {
            year,
            month,
            day,
            time,
        })
    }
}

impl fmt::Display for Expiry {
    /// ISO 8601: `2024-09-01` or `2024-09-01T12:30`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)?;
        match self.time {
            Some((hour, minute)) => write!(f, "T{hour:02}:{minute:02}"),
            None => Ok(()),
        }
    }
}
