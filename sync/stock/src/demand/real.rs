//! The few real functions of the quantiles, from additions and multiplications alone.
//!
//! The platform's logarithm may differ between machines in its last bit; then a hub and a PC could
//! differ by a unit and nobody could say why. Only operations that IEEE 754 fixes exactly are used
//! here. Never call `f64::ln`, `exp`, `powf` or `mul_add` in this folder.

use std::f64::consts::{LN_2, SQRT_2};

const MANTISSA_BITS: u32 = 52;
const EXPONENT_BIAS: u64 = 1023;
/// Below this, [`exp`] is nothing.
const EXP_MIN: f64 = -700.0;
const EXP_MAX: f64 = 700.0;

/// Natural logarithm of a positive normal number.
pub(super) fn ln(x: f64) -> f64 {
    let bits = x.max(f64::MIN_POSITIVE).to_bits();
    let mut exponent = whole_f64(bits >> MANTISSA_BITS) - 1023.0;
    let fraction = bits & ((1 << MANTISSA_BITS) - 1);
    let mut mantissa = f64::from_bits(fraction | (EXPONENT_BIAS << MANTISSA_BITS));
    if mantissa > SQRT_2 {
        mantissa *= 0.5;
        exponent += 1.0;
    }
    // 2 artanh(z); z is at most 0.172, so that 16 terms are below the last bit.
    let z = (mantissa - 1.0) / (mantissa + 1.0);
    let square = z * z;
    let mut sum = 0.0;
    let mut divisor = 31.0;
    while divisor > 0.0 {
        sum = sum * square + 1.0 / divisor;
        divisor -= 2.0;
    }
    2.0 * z * sum + exponent * LN_2
}

/// e to the power of `x`, for -700 to 700; nothing below.
pub(super) fn exp(x: f64) -> f64 {
    if x < EXP_MIN {
        return 0.0;
    }
    let x = x.min(EXP_MAX);
    let doublings = (x / LN_2).round();
    let rest = x - doublings * LN_2;
    let mut sum = 1.0;
    let mut divisor = 18.0;
    while divisor > 0.0 {
        sum = 1.0 + sum * rest / divisor;
        divisor -= 1.0;
    }
    let exponent = whole_u64(doublings + 1023.0);
    sum * f64::from_bits(exponent << MANTISSA_BITS)
}

/// A count as a real number; exact below 2^53, which no bounded state here exceeds by much.
#[expect(
    clippy::cast_precision_loss,
    reason = "counts above 2^53 need no last digit"
)]
pub(super) const fn whole_f64(count: u64) -> f64 {
    count as f64
}

/// A real number as a count, rounded down; below zero is zero.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the cast saturates, which is what is meant"
)]
pub(super) const fn whole_u64(x: f64) -> u64 {
    x as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_good_as_the_platforms() {
        for x in [1e-9, 0.3, 0.999_999, 1.0, 1.000_001, 2.0, 7.5, 1e3, 4e15] {
            assert!(
                (ln(x) - x.ln()).abs() <= 4e-15 * x.ln().abs().max(1.0),
                "{x}"
            );
        }
        for x in [-650.0, -20.5, -1.0, -1e-12, 0.0, 0.5, 1.0, 33.3, 600.0] {
            assert!((exp(x) / x.exp() - 1.0).abs() < 1e-12, "{x}");
        }
        assert!(exp(-701.0) <= 0.0);
    }
}
