//! Measures and prices in element strings, as integers.
//!
//! The last digit of the AI is the number of decimals. Weights come out in thousandths of a
//! kilogram and prices in minor units of a currency, the units of the ledger; a float never
//! appears. It must never guess a currency.

use super::{Ai, Elements};

/// A decimal number: `mantissa / 10^decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits as one number.
    pub mantissa: u64,
    /// How many of them are behind the point.
    pub decimals: u8,
}

impl Decimal {
    /// The number with exactly `decimals` decimals, rounded half up. `None` if it doesn't fit.
    #[must_use]
    pub fn rescale(self, decimals: u8) -> Option<i64> {
        let value = if decimals >= self.decimals {
            let factor = 10_u64.checked_pow(u32::from(decimals - self.decimals))?;
            self.mantissa.checked_mul(factor)?
        } else {
            let divisor = 10_u64.checked_pow(u32::from(self.decimals - decimals))?;
            self.mantissa.checked_add(divisor / 2)? / divisor
        };
        i64::try_from(value).ok()
    }

    /// A number of avoirdupois pounds in thousandths of a kilogram, rounded half up.
    #[must_use]
    pub fn pounds_in_g(self) -> Option<i64> {
        scale(self, POUND_UG, 1_000_000)
    }
}

/// A price as the label states it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LabelPrice {
    /// ISO 4217 numeric code; `None` means the currency of the place.
    pub currency: Option<u16>,
    /// The amount in the currency's major unit.
    pub amount: Decimal,
}

/// Micrograms in a pound, the exact definition.
const POUND_UG: u128 = 453_592_370;
/// Nanograms in a troy ounce, the exact definition.
const TROY_OUNCE_NG: u128 = 31_103_476_800;

impl Elements<'_> {
    /// Net weight in thousandths of a kilogram: from (310n), (320n) or (356n), rounded half up.
    #[must_use]
    pub fn net_weight_g(&self) -> Option<i64> {
        if let Some(weight) = self.decimal(310) {
            return weight.rescale(3);
        }
        if let Some(weight) = self.decimal(320) {
            return weight.pounds_in_g();
        }
        scale(self.decimal(356)?, TROY_OUNCE_NG, 1_000_000_000)
    }

    /// Number of pieces: (30) of this item, or (37) of the contained item.
    #[must_use]
    pub fn pieces(&self) -> Option<u32> {
        let digits = self
            .get(Ai::COUNT)
            .or_else(|| self.get(Ai::CONTENT_COUNT))?;
        digits.parse().ok()
    }

    /// The price of this item, (392n) or (393n).
    #[must_use]
    pub fn price(&self) -> Option<LabelPrice> {
        if let Some(amount) = self.decimal(392) {
            return Some(LabelPrice {
                currency: None,
                amount,
            });
        }
        let element = self.family(393)?;
        let (currency, digits) = element.value.split_at_checked(3)?;
        Some(LabelPrice {
            currency: Some(currency.parse().ok()?),
            amount: Decimal {
                mantissa: digits.parse().ok()?,
                decimals: element.ai.last_digit(),
            },
        })
    }

    /// The number of an AI family whose fourth digit says the decimals, such as 310 for (310n).
    #[must_use]
    pub fn decimal(&self, first_three: u16) -> Option<Decimal> {
        let element = self.family(first_three)?;
        Some(Decimal {
            mantissa: element.value.parse().ok()?,
            decimals: element.ai.last_digit(),
        })
    }
}

/// `value * unit / per_gram`, rounded half up, where `unit` and `per_gram` count the same thing.
fn scale(value: Decimal, unit: u128, per_gram: u128) -> Option<i64> {
    let divisor = per_gram.checked_mul(10_u128.checked_pow(u32::from(value.decimals))?)?;
    let product = u128::from(value.mantissa).checked_mul(unit)?;
    i64::try_from((product + divisor / 2) / divisor).ok()
}
