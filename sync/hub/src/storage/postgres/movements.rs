//! Movements of one millisecond, in the total order.

use shelf_ledger::tables::DocumentKey;
use shelf_stock::identity::{Incarnation, Place};
use shelf_stock::name::ItemId;
use shelf_stock::order::OrderKey;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use tokio_postgres::Row;

use super::super::StorageError;
use super::row;
use super::shop::PostgresShop;

/// An order key of columns: document, hlc, node, incarnation.
pub(super) fn order_key(
    row: &Row,
    at: usize,
    effective: Timestamp,
) -> Result<OrderKey, StorageError> {
    Ok(OrderKey {
        effective,
        hlc: Hlc::from_bits(row::col::<i64>(row, at + 1)?.cast_unsigned()),
        place: Place {
            node: row::node(row, at + 2)?,
            incarnation: Incarnation(row::col::<i64>(row, at + 3)?.cast_unsigned()),
            seq: DocumentKey(row::col(row, at)?).seq(),
        },
    })
}

impl PostgresShop<'_, '_> {
    /// Keys and effects of an item's movements at exactly one millisecond.
    pub(super) fn at_moment(
        &self,
        item: &ItemId,
        location: &str,
        effective: Timestamp,
    ) -> Result<Vec<(OrderKey, Quantity)>, StorageError> {
        self.list(
            "SELECT m.document, d.hlc, a.node, a.incarnation,
                    m.quantity * ((m.to_location = $4)::int - (m.from_location = $4)::int)
             FROM movement m JOIN document d ON d.id = m.document
             JOIN author a ON a.key = m.document >> 40
             WHERE m.store = $1 AND m.item = $2 AND m.effective = $3",
            &[
                &self.store.0,
                &item.as_str(),
                &effective.as_millis(),
                &location,
            ],
            |it| Ok((order_key(it, 0, effective)?, row::quantity(it, 4)?)),
        )
    }
}
