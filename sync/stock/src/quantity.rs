//! How much of something: integer thousandths of a piece, kilogram, litre or metre.
//!
//! Integers because balances are added up in any order on many machines and must come out
//! byte-equal; thousandths because scales weigh grams. Never a float, never a bare `i64` in a
//! public signature.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::decimal;

/// Thousandths in one unit.
pub const THOUSANDTHS_PER_UNIT: i64 = 1000;

/// The largest quantity that one line may carry, in whole units (a million pieces or tonnes of
/// grams): larger input is a typing error and would let sums overflow.
pub const LINE_QUANTITY_UNITS_MAX: i64 = 1_000_000;

/// A signed amount in thousandths of the item's unit.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Quantity(i64);

/// What one unit of an item is.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// Countable pieces.
    #[default]
    Piece,
    /// Kilograms; a thousandth is a gram.
    Kilogram,
    /// Litres; a thousandth is a millilitre.
    Litre,
    /// Metres; a thousandth is a millimetre.
    Metre,
}

/// A text is not a quantity.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is not a quantity: write a number with at most three decimals, for example 2 or 0.375"
)]
pub struct QuantityError {
    text: String,
}

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// One whole unit.
    pub const ONE: Self = Self(THOUSANDTHS_PER_UNIT);

    /// From whole units (pieces, kilograms…). Saturates at the limits of `i64`.
    pub const fn units(units: i64) -> Self {
        Self(units.saturating_mul(THOUSANDTHS_PER_UNIT))
    }

    /// From thousandths.
    pub const fn thousandths(thousandths: i64) -> Self {
        Self(thousandths)
    }

    /// In thousandths.
    pub const fn as_thousandths(self) -> i64 {
        self.0
    }

    /// Whole units, rounded towards negative infinity (what can be sold as whole pieces).
    pub const fn whole_units_down(self) -> i64 {
        self.0.div_euclid(THOUSANDTHS_PER_UNIT)
    }

    /// Whether it is exactly a number of whole units.
    pub const fn is_whole(self) -> bool {
        self.0 % THOUSANDTHS_PER_UNIT == 0
    }

    /// Sum, or `None` on overflow.
    pub const fn checked_add(self, other: Self) -> Option<Self> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Self(sum)),
            None => None,
        }
    }

    /// Sum that stops at the limits of `i64`. Lines are bounded by
    /// [`LINE_QUANTITY_UNITS_MAX`], so that a fold reaches the limit after 10^13 lines: never.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    /// Difference that stops at the limits of `i64`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// The same amount with the opposite sign.
    #[must_use]
    pub const fn negated(self) -> Self {
        Self(self.0.saturating_neg())
    }

    /// `self` times a number given in thousandths, rounded towards zero: a composition's part
    /// times a line's quantity.
    #[must_use]
    pub fn times(self, factor: Self) -> Self {
        let product = i128::from(self.0) * i128::from(factor.0) / i128::from(THOUSANDTHS_PER_UNIT);
        Self(i64::try_from(product).unwrap_or(if product < 0 { i64::MIN } else { i64::MAX }))
    }

    /// Whether it may stand on a line: above zero and not above [`LINE_QUANTITY_UNITS_MAX`].
    pub const fn fits_a_line(self) -> bool {
        self.0 > 0 && self.0 <= LINE_QUANTITY_UNITS_MAX * THOUSANDTHS_PER_UNIT
    }
}

impl std::iter::Sum for Quantity {
    fn sum<I: Iterator<Item = Self>>(iter: I) -> Self {
        iter.fold(Self::ZERO, Self::plus)
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let whole = self.0.unsigned_abs() / THOUSANDTHS_PER_UNIT.unsigned_abs();
        let rest = self.0.unsigned_abs() % THOUSANDTHS_PER_UNIT.unsigned_abs();
        if rest == 0 {
            return write!(f, "{sign}{whole}");
        }
        let decimals = format!("{rest:03}");
        write!(f, "{sign}{whole}.{}", decimals.trim_end_matches('0'))
    }
}

impl FromStr for Quantity {
    type Err = QuantityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed = decimal::parse(text, 3).map(Self);
        parsed.ok_or_else(|| QuantityError {
            text: text.chars().take(40).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_back() {
        for (text, thousandths, shown) in [
            ("2", 2000, "2"),
            ("0.375", 375, "0.375"),
            ("0,5", 500, "0.5"),
            ("-1.250", -1250, "-1.25"),
            (".1", 100, "0.1"),
        ] {
            let parsed: Quantity = text.parse().unwrap();
            assert_eq!(parsed.as_thousandths(), thousandths, "{text}");
            assert_eq!(parsed.to_string(), shown, "{text}");
        }
        for bad in ["", "-", "1.2345", "1e3", "ten", "99999999999999999", "1 2"] {
            assert!(bad.parse::<Quantity>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_part_of_a_bundle_is_exact_in_thousandths() {
        assert_eq!(
            Quantity::units(6).times(Quantity::units(2)),
            Quantity::units(12)
        );
        assert_eq!(
            Quantity::thousandths(250).times(Quantity::units(3)),
            Quantity::thousandths(750)
        );
        assert_eq!(Quantity::thousandths(-1500).whole_units_down(), -2);
    }
}
