//! Columns as values: what this program never wrote is an error, never a panic.

use shelf_ledger::tables::DocumentKey;
use shelf_stock::document::{SourceAction, SourceKey};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place};
use shelf_stock::location::Location;
use shelf_stock::order::OrderKey;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use super::super::StorageError;
use super::PostgresError;

/// A column of any type.
pub(super) fn col<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T, StorageError> {
    Ok(row.try_get(at).map_err(PostgresError::from)?)
}

/// Bytes of a fixed length.
pub(super) fn bytes<const N: usize>(row: &Row, at: usize) -> Result<[u8; N], StorageError> {
    let found: &[u8] = col(row, at)?;
    found.try_into().map_err(|_| StorageError::Damaged {
        what: "fixed bytes",
    })
}

pub(super) fn digest(row: &Row, at: usize) -> Result<Digest, StorageError> {
    Ok(Digest::from_bytes(bytes(row, at)?))
}

pub(super) fn node(row: &Row, at: usize) -> Result<NodeId, StorageError> {
    Ok(NodeId::from_bytes(bytes(row, at)?))
}

/// A number that is never negative.
pub(super) fn number(row: &Row, at: usize) -> Result<u64, StorageError> {
    Ok(col::<i64>(row, at)?.unsigned_abs())
}

/// A small number.
pub(super) fn small<N: TryFrom<i64>>(row: &Row, at: usize) -> Result<N, StorageError> {
    let found: i64 = col(row, at)?;
    N::try_from(found).map_err(|_| StorageError::Damaged { what: "number" })
}

/// The number of a line.
pub(super) fn line(row: &Row, at: usize) -> Result<u16, StorageError> {
    let found: i32 = col(row, at)?;
    u16::try_from(found).map_err(|_| StorageError::Damaged { what: "line" })
}

/// A text, as the name that it was.
pub(super) fn text<N: std::str::FromStr>(row: &Row, at: usize) -> Result<N, StorageError> {
    let found: &str = col(row, at)?;
    found
        .parse()
        .map_err(|_| StorageError::Damaged { what: "name" })
}

pub(super) fn location(row: &Row, at: usize) -> Result<Location, StorageError> {
    text(row, at)
}

pub(super) fn quantity(row: &Row, at: usize) -> Result<Quantity, StorageError> {
    Ok(Quantity::thousandths(col(row, at)?))
}

pub(super) fn time(row: &Row, at: usize) -> Result<Timestamp, StorageError> {
    Ok(Timestamp::from_millis(col(row, at)?))
}

pub(super) fn position(row: &Row, at: usize) -> Result<OrderKey, StorageError> {
    let what = "order position";
    OrderKey::from_bytes(col(row, at)?).ok_or(StorageError::Damaged { what })
}

/// A source key from four columns: source, receipt, action, part.
pub(super) fn source(row: &Row, at: usize) -> Result<SourceKey, StorageError> {
    Ok(SourceKey {
        source: text(row, at)?,
        receipt: text(row, at + 1)?,
        action: match col::<i64>(row, at + 2)? {
            0 => SourceAction::Record,
            1 => SourceAction::Void,
            _ => return Err(StorageError::Damaged { what: "source key" }),
        },
        part: small(row, at + 3)?,
    })
}

pub(super) fn action_key(action: SourceAction) -> i64 {
    match action {
        SourceAction::Record => 0,
        SourceAction::Void => 1,
    }
}

/// A place whose bytes compare like places.
pub(super) fn place_key(place: Place) -> Vec<u8> {
    let mut key = place.node.as_bytes().to_vec();
    key.extend(place.incarnation.0.to_be_bytes());
    key.extend(place.seq.0.to_be_bytes());
    key
}

/// A limit of a query.
pub(super) fn at_most(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

/// An order key of columns: document, hlc, node, incarnation.
pub(super) fn order_key(
    row: &Row,
    at: usize,
    effective: Timestamp,
) -> Result<OrderKey, StorageError> {
    Ok(OrderKey {
        effective,
        hlc: Hlc::from_bits(col::<i64>(row, at + 1)?.cast_unsigned()),
        place: Place {
            node: node(row, at + 2)?,
            incarnation: Incarnation(col::<i64>(row, at + 3)?.cast_unsigned()),
            seq: DocumentKey(col(row, at)?).seq(),
        },
    })
}
