//! Rights to sell a store's units online: the cells, and what a store wants to allow.
//!
//! Per item, all cumulative and each with one writer: G granted (the store's grantor), T returned
//! (the hub), O handed over (the store's documents, where the hub's verdict is not "cancelled"), A
//! accepted (the hub's quotas). `outstanding = G - T - O`, the store's own rights are
//! `B - outstanding`, the hub may still sell `G - T - A >= 0`. Whatever is lost, doubled, reordered
//! or cut off, `oversold <= max(0, -store rights)`: a floor sale is a fact and may overdraw the
//! store's rights, online orders alone never can. Nothing here may send a difference, grant before
//! the handshake, or return what is not free.

mod bytes;
mod cells;
pub(crate) mod quotas;
mod safety;

pub use cells::{HubCells, StoreCells, StoreReport};
pub use safety::Safety;

pub(crate) use bytes::{Reader, Writer};
pub(crate) use cells::{hub_rows, store_rows};

use shelf_stock::name::ItemId;
use shelf_stock::quantity::{Quantity, THOUSANDTHS_PER_UNIT, Unit};
use shelf_stock::sellable::{self, Coefficient};

/// What a store's wish for an item follows from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Situation {
    /// B.
    pub book: Quantity,
    /// R: ordered online, known here and not handed over.
    pub reserved: Quantity,
    /// SS: the larger of the hub's and the store's.
    pub safety_stock: Quantity,
    /// The share of all channels together.
    pub coefficient: Coefficient,
    /// Sold in whole units or by weight and measure.
    pub unit: Unit,
    /// A pick found less than the book: nothing more is sold online until it is counted.
    pub shut: bool,
}

/// What a store wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// How many outstanding units it wants to allow.
    pub level: Quantity,
    /// How many more it grants now; zero unless its own rights stay at the safety stock or above.
    pub grant: Quantity,
}

impl Situation {
    /// What a channel side as a whole may be shown beyond what is reserved.
    pub fn sellable(&self) -> Quantity {
        if self.shut {
            return Quantity::ZERO;
        }
        let usable = sellable::offline_usable(self.book, self.reserved);
        sellable::sellable(usable, self.safety_stock, self.coefficient, self.unit)
    }

    /// What the store wants, with so many units outstanding now.
    pub fn wish(&self, outstanding: Quantity) -> Wish {
        let level = self.reserved.plus(self.sellable()).max(Quantity::ZERO);
        let store_rights = self.book.minus(outstanding);
        let room = store_rights.minus(self.safety_stock);
        let wanted = level.minus(outstanding).min(room).max(Quantity::ZERO);
        let grant = match self.unit {
            Unit::Piece => whole(wanted),
            Unit::Kilogram | Unit::Litre | Unit::Metre => wanted,
        };
        Wish { level, grant }
    }
}

/// Rounded down to whole units.
fn whole(quantity: Quantity) -> Quantity {
    let thousandths = quantity.as_thousandths();
    Quantity::thousandths(thousandths - thousandths.rem_euclid(THOUSANDTHS_PER_UNIT))
}

pub(crate) fn key(item: &ItemId) -> &[u8] {
    item.as_str().as_bytes()
}

/// An item from a row's key.
pub(crate) fn item_of(key: &[u8]) -> Option<ItemId> {
    ItemId::new(std::str::from_utf8(key).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn situation(book: i64, reserved: i64, safety: i64, per_mille: u16) -> Situation {
        Situation {
            book: Quantity::units(book),
            reserved: Quantity::units(reserved),
            safety_stock: Quantity::units(safety),
            coefficient: Coefficient::per_mille(per_mille).unwrap(),
            unit: Unit::Piece,
            shut: false,
        }
    }

    #[test]
    fn a_store_allows_what_is_reserved_and_its_share_of_the_rest() {
        for (book, reserved, safety, share, outstanding, level, grant) in [
            (10, 0, 3, 1000, 0, 7, 7),
            (10, 2, 3, 500, 2, 4, 2),
            (10, 2, 3, 500, 4, 4, 0),
            (10, 0, 3, 1000, 9, 7, 0),
            // Overdrawn: nothing more, and everything free comes back.
            (2, 5, 1, 1000, 6, 5, 0),
            (-3, 0, 1, 1000, 2, 0, 0),
            // The grant may not take the store's own rights below the safety stock.
            (10, 6, 4, 1000, 0, 6, 6),
            (10, 9, 4, 1000, 0, 9, 6),
        ] {
            let wish = situation(book, reserved, safety, share).wish(Quantity::units(outstanding));
            let expected = Wish {
                level: Quantity::units(level),
                grant: Quantity::units(grant),
            };
            assert_eq!(wish, expected, "{book} {reserved} {safety} {outstanding}");
        }
    }

    #[test]
    fn a_shut_item_keeps_only_what_is_reserved() {
        let shut = Situation {
            shut: true,
            ..situation(10, 2, 0, 1000)
        };
        let wish = shut.wish(Quantity::units(5));
        assert_eq!(
            (wish.level, wish.grant),
            (Quantity::units(2), Quantity::ZERO)
        );
    }

    #[test]
    fn what_is_weighed_is_granted_in_thousandths() {
        let cheese = Situation {
            book: Quantity::thousandths(2_500),
            unit: Unit::Kilogram,
            ..situation(0, 0, 0, 500)
        };
        let wish = cheese.wish(Quantity::ZERO);
        assert_eq!(wish.grant, Quantity::thousandths(1_250));
    }
}
