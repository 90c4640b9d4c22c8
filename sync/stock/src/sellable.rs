//! From the book to what a channel may show: B, R, U, safety stock, coefficient (DESIGN, section 3).
//!
//! Integers only, rounded down, so that no two machines ever disagree by a unit and no channel is
//! shown a unit that is not there. These are the numbers of one store at one moment; who may
//! sell the last unit is not decided here.

use serde::{Deserialize, Serialize, de};

use crate::location::Location;
use crate::quantity::{Quantity, THOUSANDTHS_PER_UNIT, Unit};

/// A share that is no share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{per_mille} per mille is no sync coefficient: write 0 (show nothing) to 1000 (show everything)"
)]
pub struct CoefficientError {
    per_mille: u16,
}

/// The sync coefficient `a`: which share of the usable stock a channel is shown, in per mille.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct Coefficient(u16);

impl Coefficient {
    /// Everything is shown.
    pub const ALL: Self = Self(1000);
    /// Nothing is shown.
    pub const NONE: Self = Self(0);

    /// From per mille, 0 to 1000.
    pub const fn per_mille(per_mille: u16) -> Result<Self, CoefficientError> {
        if per_mille <= Self::ALL.0 {
            Ok(Self(per_mille))
        } else {
            Err(CoefficientError { per_mille })
        }
    }

    /// In per mille.
    pub const fn as_per_mille(self) -> u16 {
        self.0
    }
}

impl<'de> Deserialize<'de> for Coefficient {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::per_mille(u16::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Book B: what is physically owed to be in the store and sellable, from an item's balances.
pub fn book<'a>(balances: impl IntoIterator<Item = (&'a Location, Quantity)>) -> Quantity {
    let balances = balances.into_iter();
    let of_book = balances.filter(|(location, _)| location.is_book());
    of_book.map(|(_, quantity)| quantity).sum()
}

/// Offline usable U = B - R; negative when more is promised than there is.
pub fn offline_usable(book: Quantity, reserved: Quantity) -> Quantity {
    book.minus(reserved)
}

/// What a channel may sell: `floor(a * max(0, U - SS))`, in whole units for pieces, in
/// thousandths for what is weighed or measured. Never negative.
pub fn sellable(
    usable: Quantity,
    safety_stock: Quantity,
    coefficient: Coefficient,
    unit: Unit,
) -> Quantity {
    let rest = usable.minus(safety_stock).max(Quantity::ZERO);
    let share = i128::from(rest.as_thousandths()) * i128::from(coefficient.0)
        / i128::from(Coefficient::ALL.0);
    // A share of at most the whole fits where the whole did.
    let share = i64::try_from(share).unwrap_or(i64::MAX);
    Quantity::thousandths(match unit {
        Unit::Piece => share - share % THOUSANDTHS_PER_UNIT,
        Unit::Kilogram | Unit::Litre | Unit::Metre => share,
    })
}

/// What a channel shows as on hand: what it may sell plus what it has already reserved itself.
pub fn channel_on_hand(sellable: Quantity, reserved_by_channel: Quantity) -> Quantity {
    sellable.plus(reserved_by_channel)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn half() -> Coefficient {
        Coefficient::per_mille(500).unwrap()
    }

    #[test]
    fn the_example_of_the_design() {
        let reserved = Quantity::units(2);
        let usable = offline_usable(Quantity::units(10), reserved);
        assert_eq!(usable, Quantity::units(8));
        let shown = sellable(usable, Quantity::units(3), half(), Unit::Piece);
        assert_eq!(shown, Quantity::units(2));
        assert_eq!(channel_on_hand(shown, reserved), Quantity::units(4));
    }

    #[test]
    fn rounding_is_down_and_nothing_is_never_less_than_nothing() {
        let all = Coefficient::ALL;
        for (usable, safety, coefficient, unit, expected) in [
            (3_000, 0, half(), Unit::Piece, 1_000),
            (3_000, 0, half(), Unit::Kilogram, 1_500),
            (2_999, 0, all, Unit::Piece, 2_000),
            (2_000, 3_000, all, Unit::Piece, 0),
            (-5_000, 0, all, Unit::Kilogram, 0),
            (9_000, 0, Coefficient::NONE, Unit::Piece, 0),
            (i64::MAX, 0, all, Unit::Litre, i64::MAX),
        ] {
            let usable = Quantity::thousandths(usable);
            let shown = sellable(usable, Quantity::thousandths(safety), coefficient, unit);
            assert_eq!(shown.as_thousandths(), expected, "{usable} {unit:?}");
        }
        assert!(Coefficient::per_mille(1001).is_err());
    }

    #[test]
    fn only_floor_backroom_and_staging_are_in_the_book() {
        let balances = [
            (&Location::SalesFloor, Quantity::units(5)),
            (&Location::Backroom, Quantity::units(3)),
            (&Location::Staging, Quantity::units(1)),
            (&Location::Inspection, Quantity::units(7)),
            (&Location::Supplier, Quantity::units(-16)),
        ];
        assert_eq!(book(balances), Quantity::units(9));
    }
}
