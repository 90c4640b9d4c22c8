//! Shops to replay: a generated one, and readers for real invoices.
//!
//! The generated shop is pure: the same seed gives the same items, the same opening stock and the
//! same endless stream of invoices. What is typical of it (mix, prices, hours, basket sizes) stands
//! in [`figures`], each number with its source; no row of those sources is in the program. Real
//! invoices are read from files as they are, row by row, with bad rows counted and named. Nothing
//! here decides how a till handles an invoice.

pub mod figures;
pub mod files;

pub(crate) mod dice;
mod invoices;
mod items;

use std::collections::BTreeMap;

use shelf_stock::item::Item;
use shelf_stock::money::Money;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;

pub use dice::Dice;
pub use invoices::Invoices;

/// What a shop has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shop {
    /// Everything that it sells, with what lies on the shelves when the day begins.
    pub goods: Vec<Goods>,
    /// Layouts of its weight codes, as `policy.measure_templates` takes them.
    pub measure_templates: Vec<String>,
}

/// One entry of the catalogue and its opening stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Goods {
    /// The catalogue's entry.
    pub item: Item,
    /// What is on the shelf; `None` for what has no stock of its own (packs, bundles).
    pub opening: Option<Quantity>,
}

/// One receipt to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invoice {
    /// Its number in its source.
    pub number: u64,
    /// Local second of the day.
    pub second_of_day: u32,
    /// What the customer brings, in this order; never empty.
    pub lines: Vec<InvoiceLine>,
}

/// One line of a receipt to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceLine {
    /// How it gets to the till.
    pub take: Take,
    /// How many; negative comes back. Never zero. Weighed goods: 1 or -1, the code has the weight.
    pub pieces: i64,
}

/// How an article gets to the till.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Take {
    /// It has a barcode.
    Scan {
        /// What the scanner reads.
        code: String,
        /// What the cashier keys where the catalogue has no price, or not the code.
        keyed: Option<Money>,
    },
    /// It has none: a key of the till.
    QuickKey(ItemId),
}

impl Shop {
    /// The generated shop of a seed.
    #[must_use]
    pub fn generated(seed: u64) -> Self {
        items::generate(seed)
    }

    /// Its customers, for ever.
    #[must_use]
    pub fn invoices(&self, seed: u64) -> Invoices {
        Invoices::new(self, seed)
    }

    /// Items by number.
    #[must_use]
    pub fn by_id(&self) -> BTreeMap<&ItemId, &Item> {
        self.goods
            .iter()
            .map(|it| (&it.item.id, &it.item))
            .collect()
    }
}

#[cfg(test)]
mod tests;
