//! Units of an order that another store delivers: three transactions, each safe to repeat.
//!
//! First the other store accepts the leg, then the order loses the units (with one record), then
//! the leg is brought down to what was really taken, in case the order was handed over or
//! cancelled meanwhile. The row of an open leg is written with the first and deleted with the
//! last, so that a crash anywhere between is finished at the next start.

use serde::{Deserialize, Serialize};
use shelf_stock::name::{ItemId, OrderId, StoreId};
use shelf_stock::quantity::Quantity;

use crate::storage::{StorageError, Transaction, View};

const KIND: &str = "open-leg";
/// Open legs that are read at once.
const LEGS_READ_MAX: usize = 1000;

/// An open leg.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leg {
    /// The order that lacks the units.
    pub order: OrderId,
    /// The store that lacks them.
    pub store: StoreId,
    /// The store that has them.
    pub other: StoreId,
    /// What.
    pub item: ItemId,
    /// How many.
    pub quantity: Quantity,
    /// What was taken from the order; `None` before that.
    pub taken: Option<Quantity>,
}

/// An open leg by its name.
pub fn find(view: &dyn View, leg: &OrderId) -> Result<Option<Leg>, StorageError> {
    let bytes = view.note(KIND, leg.as_str())?;
    Ok(bytes.and_then(|it| serde_json::from_slice(&it).ok()))
}

/// Every open leg.
pub fn open(view: &dyn View) -> Result<Vec<(OrderId, Leg)>, StorageError> {
    let rows = view.notes(KIND, "", LEGS_READ_MAX)?;
    let read = |(name, bytes): (String, Vec<u8>)| {
        Some((
            OrderId::new(name).ok()?,
            serde_json::from_slice(&bytes).ok()?,
        ))
    };
    Ok(rows.into_iter().filter_map(read).collect())
}

/// Keeps or closes a leg.
pub(super) fn set(
    transaction: &dyn Transaction,
    name: &OrderId,
    leg: Option<&Leg>,
) -> Result<(), StorageError> {
    let bytes = leg.map(|it| serde_json::to_vec(it).unwrap_or_default());
    transaction.set_note(KIND, name.as_str(), bytes.as_deref())
}
