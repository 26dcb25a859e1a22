//! Exact decimals: the one form of a number that is not a 64-bit integer.
//!
//! `mantissa × 10^exponent`, the mantissa not divisible by ten. A number that fits `i64` is never
//! a [`Decimal`], so that every value has exactly one encoding: `4([exponent, mantissa])`
//! (RFC 8949 §3.4.4). Spelling is not kept: JSON's `4.50` becomes 4.5.

use crate::cbor::{DecodeError, DecodeFault, Reader, Value, Writer};
use std::fmt;

/// Smallest exponent: that of the smallest double, so that any JSON number of others fits.
pub const EXPONENT_MIN: i64 = -324;
/// Largest exponent: that of the largest double.
pub const EXPONENT_MAX: i64 = 308;

/// A number that is not a 64-bit integer, in its one form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    mantissa: i64,
    exponent: i16,
}

/// Why a number has no form here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not a JSON number (RFC 8259 §6).
    #[error("not a JSON number")]
    Malformed,
    /// More than 18 or 19 significant digits, or an exponent out of range.
    #[error("number needs more than 64 bits of digits, or its exponent is out of range")]
    Range,
}

impl Decimal {
    /// The digits, as an integer not divisible by ten.
    #[must_use]
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// The power of ten.
    #[must_use]
    pub const fn exponent(self) -> i16 {
        self.exponent
    }

    /// The nearest double, for drawing and averages; never for comparing or balancing.
    #[must_use]
    pub fn to_f64(self) -> f64 {
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let start = reader.offset();
        if reader.tag()? != 4 {
            return Err(DecodeFault::Unsupported.at(start));
        }
        reader.array_of(2, "a decimal [exponent, mantissa]")?;
        let (exponent, mantissa) = (reader.int()?, reader.int()?);
        match number(mantissa, exponent) {
            Ok(Value::Decimal(decimal))
                if (decimal.mantissa, i64::from(decimal.exponent)) == (mantissa, exponent) =>
            {
                Ok(decimal)
            }
            Ok(_) => Err(DecodeFault::NotShortest.at(start)),
            Err(_) => Err(DecodeFault::IntegerRange.at(start)),
        }
    }

    pub(crate) fn write(self, writer: &mut Writer) {
        writer
            .tag(4)
            .array(2)
            .int(i64::from(self.exponent))
            .int(self.mantissa);
    }
}

impl fmt::Display for Decimal {
    /// Plain digits up to 18 places, else with an exponent; always a JSON number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !(-18..0).contains(&self.exponent) {
            return write!(f, "{}e{}", self.mantissa, self.exponent);
        }
        let places = usize::from(self.exponent.unsigned_abs());
        let sign = if self.mantissa < 0 { "-" } else { "" };
        let digits = format!(
            "{:0>width$}",
            self.mantissa.unsigned_abs(),
            width = places + 1
        );
        let (whole, fraction) = digits.split_at(digits.len() - places);
        write!(f, "{sign}{whole}.{fraction}")
    }
}

/// `mantissa × 10^exponent` in its one form: an integer where it fits `i64`, else a decimal.
///
/// # Errors
/// [`NumberError::Range`].
pub fn number(mut mantissa: i64, mut exponent: i64) -> Result<Value, NumberError> {
    if mantissa == 0 {
        return Ok(Value::Int(0));
    }
    while mantissa % 10 == 0 {
        mantissa /= 10;
        exponent = exponent.checked_add(1).ok_or(NumberError::Range)?;
    }
    if (0..19).contains(&exponent) {
        let power = u32::try_from(exponent)
            .ok()
            .and_then(|places| 10_i64.checked_pow(places));
        if let Some(integer) = power.and_then(|power| mantissa.checked_mul(power)) {
            return Ok(Value::Int(integer));
        }
    }
    if !(EXPONENT_MIN..=EXPONENT_MAX).contains(&exponent) {
        return Err(NumberError::Range);
    }
    let exponent = i16::try_from(exponent).map_err(|_| NumberError::Range)?;
    Ok(Value::Decimal(Decimal { mantissa, exponent }))
}

/// Reads a JSON number without rounding (RFC 8259 §6).
///
/// # Errors
/// [`NumberError`].
pub fn parse_number(text: &str) -> Result<Value, NumberError> {
    let (significand, exponent) = match text.split_once(['e', 'E']) {
        Some((significand, exponent)) => {
            let sign_and_digits = exponent.strip_prefix('+').unwrap_or(exponent);
            if sign_and_digits.len() > 6 {
                return Err(NumberError::Range);
            }
            (
                significand,
                sign_and_digits
                    .parse::<i64>()
                    .map_err(|_| NumberError::Malformed)?,
            )
        }
        None => (text, 0),
    };
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    let digits_only = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let unsigned = whole.strip_prefix('-').unwrap_or(whole);
    if unsigned.is_empty() || !digits_only(unsigned) || !digits_only(fraction) {
        return Err(NumberError::Malformed);
    }
    let fraction = fraction.trim_end_matches('0');
    let places = i64::try_from(fraction.len()).map_err(|_| NumberError::Range)?;
    let all = format!("{whole}{fraction}");
    let zeros = if fraction.is_empty() {
        all.len() - all.trim_end_matches('0').len()
    } else {
        0
    };
    let zeros = zeros.min(all.len() - 1);
    let kept = &all[..all.len() - zeros];
    let mantissa = match kept {
        "" | "-" => 0,
        digits => digits.parse::<i64>().map_err(|_| NumberError::Range)?,
    };
    let zeros = i64::try_from(zeros).map_err(|_| NumberError::Range)?;
    number(mantissa, exponent + zeros - places)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_spelling_of_a_number_has_one_form() {
        for (spellings, shown) in [
            (vec!["4.5", "4.50", "45e-1", "0.45E1"], "4.5"),
            (vec!["-0.001", "-1e-3"], "-0.001"),
            (vec!["1e-20"], "1e-20"),
            (vec!["1e30", "1000000000000000000000000000000"], "1e30"),
        ] {
            for spelling in spellings {
                let Ok(Value::Decimal(decimal)) = parse_number(spelling) else {
                    panic!("{spelling} is a decimal")
                };
                assert_eq!(decimal.to_string(), shown, "{spelling}");
            }
        }
        for (spelling, integer) in [
            ("0", 0),
            ("-0", 0),
            ("-0.0e9", 0),
            ("10.0", 10),
            ("1e3", 1000),
            ("100", 100),
        ] {
            assert_eq!(
                parse_number(spelling),
                Ok(Value::Int(integer)),
                "{spelling}"
            );
        }
        assert_eq!(
            parse_number(&i64::MIN.to_string()),
            Ok(Value::Int(i64::MIN))
        );
    }

    #[test]
    fn refuses_what_has_no_form() {
        for text in ["", "-", "1.2.3", "0x1", "1e", "+1", "NaN", "1 "] {
            assert_eq!(parse_number(text), Err(NumberError::Malformed), "{text}");
        }
        for text in [
            "9223372036854775809",
            "1.2345678901234567890123",
            "1e309",
            "1e-9999999",
        ] {
            assert_eq!(parse_number(text), Err(NumberError::Range), "{text}");
        }
    }
}
