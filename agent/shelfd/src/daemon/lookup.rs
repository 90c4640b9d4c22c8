//! The ledger's catalogue and book, as scans need them.

use std::sync::Arc;

use shelf_codecs::barcode::ScanText;
use shelf_ledger::tables::TableError;
use shelf_ledger::{ReadError, Readers};
use shelf_stock::item::Item;
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::Quantity;
use shelf_till::basket::Read;

use super::resolve::{Catalogue, Reading};

/// Codes and stock, for whoever reads something. Cheap to clone; never used inside an async task.
#[derive(Clone, Debug)]
pub(crate) struct Lookup {
    readers: Readers,
    reading: Arc<Reading>,
}

impl Lookup {
    /// Over the ledger's readers with the store's rules.
    pub(crate) fn new(readers: Readers, reading: Reading) -> Self {
        Self {
            readers,
            reading: Arc::new(reading),
        }
    }

    /// What a scan is. Where the ledger can't be read, the code counts as unknown: the sale goes
    /// on and is bound later.
    pub(crate) fn read(&self, scan: &ScanText<'_>) -> Read {
        let read = self
            .readers
            .with(|ledger| Ok::<_, TableError>(self.reading.read(scan, &InLedger(ledger))));
        read.unwrap_or_else(|error| {
            tracing::error!(%error, "the catalogue can't be read");
            self.reading.read(scan, &Nothing)
        })
    }

    /// What an item is that was picked by its number.
    pub(crate) fn picked(&self, id: &ItemId) -> Result<Option<Read>, ReadError> {
        self.readers.with(|ledger| {
            let item = ledger.item(id)?;
            Ok(item.map(|it| self.reading.picked(it, &InLedger(ledger))))
        })
    }

    /// The ledger's readers.
    pub(crate) fn readers(&self) -> &Readers {
        &self.readers
    }
}

struct InLedger<'a>(&'a shelf_ledger::Read<'a>);

impl Catalogue for InLedger<'_> {
    fn find(&self, code: &Code) -> Option<Item> {
        self.0.item_by_code(code).unwrap_or_else(|error| {
            tracing::error!(%error, "the catalogue can't be read");
            None
        })
    }

    fn on_hand(&self, item: &Item) -> Quantity {
        self.0.book(&item.id).unwrap_or_default()
    }
}

struct Nothing;

impl Catalogue for Nothing {
    fn find(&self, _code: &Code) -> Option<Item> {
        None
    }

    fn on_hand(&self, _item: &Item) -> Quantity {
        Quantity::ZERO
    }
}
