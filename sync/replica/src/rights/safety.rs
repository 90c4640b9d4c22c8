//! What the store's own forecast wants of an item: written by the shell, read by the machine.

use shelf_stock::name::ItemId;
use shelf_stock::quantity::{Quantity, Unit};

use super::{Reader, Writer, key};
use crate::store::{Family, Store};

const FORMAT: u8 = 1;

/// The store's safety stock of an item, with what it was computed from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Safety {
    /// SS of this hour.
    pub safety_stock: Quantity,
    /// Thousandths of a unit per hour that are expected to be sold on the floor.
    pub demand_milli_per_hour: u64,
    /// What one unit is: rights to pieces are whole.
    pub unit: Unit,
    /// The forecast's own state; opaque here.
    pub model: Vec<u8>,
}

impl Default for Safety {
    fn default() -> Self {
        Self {
            safety_stock: Quantity::ZERO,
            demand_milli_per_hour: 0,
            unit: Unit::Piece,
            model: Vec::new(),
        }
    }
}

impl Safety {
    /// An item's row; the default if there is none.
    pub fn load<S: Store + ?Sized>(store: &S, item: &ItemId) -> Result<Self, S::Error> {
        let bytes = store.row(Family::Safety, key(item))?;
        Ok(bytes
            .and_then(|it| Self::from_bytes(&it))
            .unwrap_or_default())
    }

    /// Replaces an item's row. Give [`crate::node::NodeInput::StockChanged`] for it afterwards.
    pub fn save<S: Store + ?Sized>(&self, store: &mut S, item: &ItemId) -> Result<(), S::Error> {
        store.set_row(Family::Safety, key(item), &self.to_bytes())
    }

    /// As it is stored.
    pub fn to_bytes(&self) -> Vec<u8> {
        let unit = match self.unit {
            Unit::Piece => 0,
            Unit::Kilogram => 1,
            Unit::Litre => 2,
            Unit::Metre => 3,
        };
        Writer::new(FORMAT)
            .quantity(self.safety_stock)
            .number(self.demand_milli_per_hour)
            .number(unit)
            .text(&self.model)
            .done()
    }

    /// From its bytes; `None` if another version wrote them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, FORMAT)?;
        Some(Self {
            safety_stock: it.quantity()?,
            demand_milli_per_hour: it.number()?,
            unit: match it.number()? {
                1 => Unit::Kilogram,
                2 => Unit::Litre,
                3 => Unit::Metre,
                _ => Unit::Piece,
            },
            model: it.text()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_comes_back_as_it_was() {
        let row = Safety {
            safety_stock: Quantity::units(3),
            demand_milli_per_hour: 1_500,
            unit: Unit::Kilogram,
            model: vec![1, 2, 3],
        };
        assert_eq!(Safety::from_bytes(&row.to_bytes()), Some(row));
        assert_eq!(Safety::from_bytes(&[9]), None);
    }
}
