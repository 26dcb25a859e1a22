//! Mean kinetic temperature, in integers, so that every machine gets the same tenth of a degree.
//!
//! It is the one constant temperature at which goods would have decayed as much as they did over
//! the temperatures that they went through:
//!
//! ```text
//! T = (ΔH/R) / −ln( Σ wᵢ·exp(−(ΔH/R)/Tᵢ) / Σ wᵢ )
//! ```
//! with Tᵢ in kelvin and wᵢ the time for which it held. ΔH is 83.144 kJ/mol, the value used where a
//! product's own is not known; R is 8.3144 J/(mol·K); so ΔH/R is 10,000 K.
//!
//! Sources: J. D. Haynes, *Worldwide virtual temperatures for product stability testing*, J. Pharm.
//! Sci. 60 (1971) 927; USP ⟨1079.2⟩; ICH Q1A(R2), glossary.
//!
//! Arithmetic: fixed point with 60 binary digits. exp by Taylor's series and ln by that of atanh,
//! each to below 2⁻⁵⁵. Divided by the hottest term, the mean is at least one part of weight in all;
//! with weights up to 2⁴⁰ ms its logarithm is known to 2⁻¹⁵, the result to 0.001 K.

/// One, in fixed point.
const ONE: i128 = 1 << 60;

/// ln 2, in fixed point, rounded.
const LN_2: i128 = 799_144_290_325_165_979;

/// ΔH/R in thousandths of a kelvin.
const ACTIVATION: i128 = 10_000_000;

/// 0 °C in thousandths of a kelvin.
const ZERO_CELSIUS: i128 = 273_150;

/// A temperature and how long it held: milliseconds, tenths of °C. What is known by its extremes
/// counts half at either.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Held {
    pub(super) ms: i64,
    pub(super) lowest: i32,
    pub(super) highest: i32,
}

/// The mean kinetic temperature in tenths of °C, half away from zero; `None` without temperatures.
/// Where none held for any time, all count alike.
pub(super) fn mean_kinetic(held: &[Held]) -> Option<i32> {
    let hottest = held.iter().map(|one| one.highest).max()?;
    let top = exponent(hottest);
    let timeless = held.iter().all(|one| one.ms <= 0);
    let (mut sum, mut weight) = (0_i128, 0_i128);
    for one in held {
        // Twice, since each extreme counts half.
        let ms = if timeless {
            1
        } else {
            i128::from(one.ms.max(0))
        };
        for tenths in [one.lowest, one.highest] {
            sum += ms * exp_minus(exponent(tenths) - top);
            weight += ms;
        }
    }
    let mean = (sum / weight).max(1);
    let thousandths = ACTIVATION * ONE / (top - ln(mean)) - ZERO_CELSIUS;
    let half = if thousandths < 0 { -50 } else { 50 };
    i32::try_from((thousandths + half) / 100).ok()
}

/// (ΔH/R)/T; the coldest that is reckoned with is a thousandth of a kelvin.
fn exponent(tenths: i32) -> i128 {
    let kelvin = (i128::from(tenths) * 100 + ZERO_CELSIUS).max(1);
    ACTIVATION * ONE / kelvin
}

/// exp(−x) for x ≥ 0.
fn exp_minus(x: i128) -> i128 {
    let halvings = x / LN_2;
    if halvings >= 60 {
        return 0;
    }
    let rest = x % LN_2;
    let (mut term, mut sum) = (ONE, ONE);
    for n in 1..=24 {
        term = -(term * rest / ONE) / n;
        sum += term;
    }
    sum >> halvings
}

/// ln(x) for 0 < x ≤ 1.
fn ln(mut x: i128) -> i128 {
    let mut doublings = 0;
    while x < ONE {
        x <<= 1;
        doublings += 1;
    }
    // x = (1 + y) / (1 − y), and ln x = 2 atanh y.
    let y = (x - ONE) * ONE / (x + ONE);
    let square = y * y / ONE;
    let (mut power, mut sum) = (y, 0);
    for n in 0..=20 {
        sum += power / (2 * n + 1);
        power = power * square / ONE;
    }
    2 * sum - doublings * LN_2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(ms: i64, tenths: i32) -> Held {
        Held {
            ms,
            lowest: tenths,
            highest: tenths,
        }
    }

    /// Expected values from a reckoning with 60 decimal digits.
    #[test]
    fn values_are_those_of_exact_arithmetic() {
        for (parts, expected) in [
            (vec![held(1, 50), held(1, 250)], 197),
            (vec![held(9, 40), held(1, 300)], 130),
            (vec![held(1, -200), held(1, -100)], -134),
            (vec![held(7, -180)], -180),
            (vec![held(1, -600), held(1, 400)], 333),
            (vec![held(999_999, 20), held(1, 600)], 20),
            // At one moment only, all count alike; so do the extremes of a stretch.
            (vec![held(0, 50), held(0, 250)], 197),
            (
                vec![Held {
                    ms: 60_000,
                    lowest: 50,
                    highest: 250,
                }],
                197,
            ),
        ] {
            assert_eq!(mean_kinetic(&parts), Some(expected), "{parts:?}");
        }
        assert_eq!(mean_kinetic(&[]), None);
    }

    #[test]
    fn one_temperature_is_its_own_mean() {
        for tenths in (-2_700..=10_000).step_by(7) {
            let parts = [held(60_000, tenths), held(1, tenths)];
            assert_eq!(mean_kinetic(&parts), Some(tenths));
        }
    }

    #[test]
    fn the_mean_lies_between_the_arithmetic_one_and_the_hottest() {
        for low in (-300..300).step_by(13) {
            for spread in 1..90 {
                let parts = [held(500, low), held(500, low + spread)];
                let mean = mean_kinetic(&parts).unwrap();
                assert!(
                    mean >= low + spread / 2 && mean <= low + spread,
                    "{low} {spread}"
                );
            }
        }
    }

    #[test]
    fn no_reading_that_a_thermometer_shows_overflows() {
        let ends = [held(i64::MAX / 4, -99_999), held(i64::MAX / 4, 99_999)];
        assert!(mean_kinetic(&ends).is_some());
        assert_eq!(mean_kinetic(&[held(1, -99_999)]), Some(-2_731));
    }
}
