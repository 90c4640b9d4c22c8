//! Money: integer minor units of one currency.
//!
//! A store trades in one currency, which its configuration and its documents name; amounts are
//! bare minor units so that they add up exactly. This crate knows no tax and no rates.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::decimal;

/// A signed amount in minor units (cents) of the store's currency.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Money(i64);

/// A text is not an amount of money.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an amount: write it with at most two decimals, for example 12.34")]
pub struct MoneyError {
    text: String,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// From minor units.
    pub const fn minor(minor: i64) -> Self {
        Self(minor)
    }

    /// In minor units.
    pub const fn as_minor(self) -> i64 {
        self.0
    }

    /// Sum that stops at the limits of `i64`.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference that stops at the limits of `i64`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The opposite amount.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// This price per unit times a quantity, rounded half away from zero to a minor unit (the
    /// rounding that printed price labels use).
    #[must_use]
    pub fn times(self, quantity: crate::quantity::Quantity) -> Self {
        let thousandths = i128::from(self.0) * i128::from(quantity.as_thousandths());
        let per_unit = i128::from(crate::quantity::THOUSANDTHS_PER_UNIT);
        let half = if thousandths < 0 {
            -per_unit / 2
        } else {
            per_unit / 2
        };
        let rounded = (thousandths + half) / per_unit;
        Self(i64::try_from(rounded).unwrap_or(if rounded < 0 { i64::MIN } else { i64::MAX }))
    }
}

impl std::iter::Sum for Money {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let minor = self.0.unsigned_abs();
        write!(f, "{sign}{}.{:02}", minor / 100, minor % 100)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = || MoneyError {
            text: text.chars().take(40).collect(),
        };
        // An amount without its whole units (`.5`) is a slip of the finger.
        if text.trim_start_matches('-').starts_with(['.', ',']) {
            return Err(error());
        }
        decimal::parse(text, 2).map(Self).ok_or_else(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::quantity::Quantity;

    #[test]
    fn text_and_back() {
        for (text, minor, shown) in [
            ("12.34", 1234, "12.34"),
            ("5", 500, "5.00"),
            ("-0,5", -50, "-0.50"),
        ] {
            let parsed: Money = text.parse().unwrap();
            assert_eq!(
                (parsed.as_minor(), parsed.to_string().as_str()),
                (minor, shown),
                "{text}"
            );
        }
        for bad in ["", ".5", "1.234", "1 000", "£5"] {
            assert!(bad.parse::<Money>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_weighed_price_rounds_half_away_from_zero() {
        let per_kilogram = Money::minor(333);
        assert_eq!(
            per_kilogram.times(Quantity::thousandths(1500)),
            Money::minor(500)
        );
        assert_eq!(
            per_kilogram.times(Quantity::thousandths(-1500)),
            Money::minor(-500)
        );
        assert_eq!(per_kilogram.times(Quantity::thousandths(1)), Money::ZERO);
    }
}
