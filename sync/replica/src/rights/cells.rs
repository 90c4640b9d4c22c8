//! The two sides' rows of an item, as they are stored.

use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::{Reader, Writer, item_of, key};
use crate::store::{Family, Store};

const STORE_FORMAT: u8 = 1;
const HUB_FORMAT: u8 = 1;

/// The store's row of an item, on the PC that grants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreCells {
    /// G: units ever granted to the hub.
    pub granted: Quantity,
    /// T as it was seen.
    pub returned_seen: Quantity,
    /// O: units handed over for orders that the hub has not cancelled.
    pub handed_over: Quantity,
    /// A pick found less than the book, in the shop at this time; counted later, it is open again.
    pub shut_since: Option<Timestamp>,
}

impl StoreCells {
    /// Units that the hub may still sell or has sold and the store has not handed over.
    pub fn outstanding(&self) -> Quantity {
        let left = self.granted.minus(self.returned_seen);
        left.minus(self.handed_over)
    }

    /// The store's own rights: below zero, so many units are overdrawn.
    pub fn store_rights(&self, book: Quantity) -> Quantity {
        book.minus(self.outstanding())
    }

    /// An item's row; all zero if there is none.
    pub fn load<S: Store + ?Sized>(store: &S, item: &ItemId) -> Result<Self, S::Error> {
        let bytes = store.row(Family::Rights, key(item))?;
        Ok(bytes.and_then(|it| Self::read(&it)).unwrap_or_default())
    }

    pub(crate) fn save<S: Store + ?Sized>(
        &self,
        store: &mut S,
        item: &ItemId,
    ) -> Result<(), S::Error> {
        let shut = self.shut_since.map_or(i64::MIN, Timestamp::as_millis);
        let bytes = Writer::new(STORE_FORMAT)
            .quantity(self.granted)
            .quantity(self.returned_seen)
            .quantity(self.handed_over)
            .signed(shut)
            .done();
        store.set_row(Family::Rights, key(item), &bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, STORE_FORMAT)?;
        Some(Self {
            granted: it.quantity()?,
            returned_seen: it.quantity()?,
            handed_over: it.quantity()?,
            shut_since: Some(it.signed()?)
                .filter(|it| *it != i64::MIN)
                .map(Timestamp::from_millis),
        })
    }
}

/// What the store last said about an item beside its cells: for people and for the haircut.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StoreReport {
    /// B.
    pub book: Quantity,
    /// R.
    pub reserved: Quantity,
    /// SS.
    pub safety_stock: Quantity,
    /// Thousandths of a unit per hour that are expected to be sold on the floor.
    pub demand_milli_per_hour: u64,
    /// Not sold online until it is counted.
    pub shut: bool,
}

/// The hub's row of an item. What is accepted (A) stands in the quotas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HubCells {
    /// G as it was seen.
    pub granted: Quantity,
    /// T: units ever returned to the store.
    pub returned: Quantity,
    /// O: units handed over by the hub's verdicts.
    pub handed_over: Quantity,
    /// The level in force is the newest by fencing number and number.
    pub target: (u64, u64),
    /// How many outstanding units the store wants to allow.
    pub level: Quantity,
    /// T as the store said that it saw it.
    pub returned_seen: Quantity,
    /// What the store said beside.
    pub report: StoreReport,
    /// When, by the hub's clock.
    pub reported: Timestamp,
}

impl HubCells {
    /// Units that are with the hub and not handed over.
    pub fn outstanding(&self) -> Quantity {
        self.granted.minus(self.returned).minus(self.handed_over)
    }

    /// An item's row; all zero if there is none.
    pub fn load<S: Store + ?Sized>(store: &S, item: &ItemId) -> Result<Self, S::Error> {
        let bytes = store.row(Family::Rights, key(item))?;
        Ok(bytes.and_then(|it| Self::read(&it)).unwrap_or_default())
    }

    pub(crate) fn save<S: Store + ?Sized>(
        &self,
        store: &mut S,
        item: &ItemId,
    ) -> Result<(), S::Error> {
        let bytes = Writer::new(HUB_FORMAT)
            .quantity(self.granted)
            .quantity(self.returned)
            .quantity(self.handed_over)
            .number(self.target.0)
            .number(self.target.1)
            .quantity(self.level)
            .quantity(self.returned_seen)
            .quantity(self.report.book)
            .quantity(self.report.reserved)
            .quantity(self.report.safety_stock)
            .number(self.report.demand_milli_per_hour)
            .flag(self.report.shut)
            .signed(self.reported.as_millis())
            .done();
        store.set_row(Family::Rights, key(item), &bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, HUB_FORMAT)?;
        Some(Self {
            granted: it.quantity()?,
            returned: it.quantity()?,
            handed_over: it.quantity()?,
            target: (it.number()?, it.number()?),
            level: it.quantity()?,
            returned_seen: it.quantity()?,
            report: StoreReport {
                book: it.quantity()?,
                reserved: it.quantity()?,
                safety_stock: it.quantity()?,
                demand_milli_per_hour: it.number()?,
                shut: it.flag()?,
            },
            reported: Timestamp::from_millis(it.signed()?),
        })
    }
}

/// The store's rows above an item, in order.
pub(crate) fn store_rows<S: Store + ?Sized>(
    store: &S,
    after: Option<&ItemId>,
    max: usize,
) -> Result<Vec<(ItemId, StoreCells)>, S::Error> {
    let rows = store.rows(Family::Rights, after.map_or(&[], key), max)?;
    let read = |(key, value): &(Vec<u8>, Vec<u8>)| Some((item_of(key)?, StoreCells::read(value)?));
    Ok(rows.iter().filter_map(read).collect())
}

/// The hub's rows above an item, in order.
pub(crate) fn hub_rows<S: Store + ?Sized>(
    store: &S,
    after: Option<&ItemId>,
    max: usize,
) -> Result<Vec<(ItemId, HubCells)>, S::Error> {
    let rows = store.rows(Family::Rights, after.map_or(&[], key), max)?;
    let read = |(key, value): &(Vec<u8>, Vec<u8>)| Some((item_of(key)?, HubCells::read(value)?));
    Ok(rows.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::MemoryStore;

    #[test]
    fn rows_come_back_as_they_were() {
        let mut store = MemoryStore::new();
        let item = ItemId::new("tea").unwrap();
        let cells = StoreCells {
            granted: Quantity::units(9),
            returned_seen: Quantity::units(2),
            handed_over: Quantity::units(3),
            shut_since: Some(Timestamp::from_millis(-1)),
        };
        cells.save(&mut store, &item).unwrap();
        assert_eq!(StoreCells::load(&store, &item).unwrap(), cells);
        assert_eq!(
            store_rows(&store, None, 9).unwrap(),
            [(item.clone(), cells)]
        );
        assert_eq!(cells.outstanding(), Quantity::units(4));

        let cells = HubCells {
            granted: Quantity::units(9),
            returned: Quantity::units(2),
            handed_over: Quantity::units(3),
            target: (1, 2),
            level: Quantity::units(5),
            returned_seen: Quantity::units(6),
            report: StoreReport {
                book: Quantity::units(7),
                reserved: Quantity::units(8),
                safety_stock: Quantity::units(1),
                demand_milli_per_hour: 11,
                shut: true,
            },
            reported: Timestamp::from_millis(12),
        };
        cells.save(&mut store, &item).unwrap();
        assert_eq!(HubCells::load(&store, &item).unwrap(), cells);
        assert_eq!(hub_rows(&store, None, 9).unwrap(), [(item, cells)]);
    }
}
