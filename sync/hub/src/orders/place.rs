//! In which store an order is, by its number: one row per order of the whole tenant.
//!
//! Written in the transaction that accepts the order, so that a number that comes again finds the
//! same order whatever store it names. A number without a store was cancelled before it came.

use serde::{Deserialize, Serialize};
use shelf_replica::orders::StoredOrder;
use shelf_stock::name::{ChannelId, OrderId, StoreId};

use crate::storage::{StorageError, Transaction, View};

const KIND: &str = "order";
const TURN_KIND: &str = "order-turn";
/// Rows that make several workers wait for each other when they place the same order.
const TURNS: u8 = 64;
/// The most legs that one order may have.
pub const LEGS_MAX: u32 = 20;

/// Where an order is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// In which store; `None`: nowhere, it was cancelled before it came.
    pub store: Option<StoreId>,
    /// Whose it is.
    pub channel: ChannelId,
}

/// Where an order is, if anywhere.
pub fn find(view: &dyn View, order: &OrderId) -> Result<Option<Place>, StorageError> {
    let bytes = view.note(KIND, order.as_str())?;
    let read = |it: Vec<u8>| {
        serde_json::from_slice(&it).map_err(|_| StorageError::Damaged { what: "order" })
    };
    bytes.map(read).transpose()
}

/// As [`find`]; where there is no row, every store is asked: a hub that was restored from a backup
/// learned orders again from their stores.
pub fn find_anywhere(
    view: &dyn View,
    tenant: &str,
    order: &OrderId,
) -> Result<Option<Place>, StorageError> {
    let noted = find(view, order)?;
    if noted.is_some() {
        return Ok(noted);
    }
    for row in view.stores()?.into_iter().filter(|it| it.tenant == tenant) {
        let held = StoredOrder::load(&*view.shop(row.key), order)?;
        if let (Some(held), Ok(store)) = (held, StoreId::new(row.name)) {
            return Ok(Some(Place {
                store: Some(store),
                channel: held.order.channel,
            }));
        }
    }
    Ok(None)
}

/// The name of an order's leg, from 2.
pub fn leg_name(order: &OrderId, number: u32) -> Option<OrderId> {
    OrderId::new(format!("{order}/{number}")).ok()
}

/// The legs of an order, in order.
pub fn legs(view: &dyn View, order: &OrderId) -> Result<Vec<(OrderId, Place)>, StorageError> {
    let mut found = Vec::new();
    for number in 2..2 + LEGS_MAX {
        let Some(name) = leg_name(order, number) else {
            break;
        };
        let Some(place) = find(view, &name)? else {
            break;
        };
        found.push((name, place));
    }
    Ok(found)
}

/// Waits until no other worker is placing this order.
pub(super) fn turn(transaction: &dyn Transaction, order: &OrderId) -> Result<(), StorageError> {
    let sum = |sum: u8, byte: u8| sum.wrapping_mul(31).wrapping_add(byte);
    let turn = order.as_str().bytes().fold(0, sum) % TURNS;
    transaction.set_note(TURN_KIND, &turn.to_string(), Some(&[]))
}

/// Notes where an order is.
pub(super) fn set(
    transaction: &dyn Transaction,
    order: &OrderId,
    place: &Place,
) -> Result<(), StorageError> {
    // Names and an option have a JSON form.
    let bytes = serde_json::to_vec(place).unwrap_or_default();
    transaction.set_note(KIND, order.as_str(), Some(&bytes))
}
