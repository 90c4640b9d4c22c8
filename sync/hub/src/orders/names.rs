//! Who will collect an order: the only personal datum of the hub, in rows that can be erased.
//!
//! Never in a document, an order, a log line or a frame; deleted at once when asked for and by
//! itself seven days after the order's end.

use serde::{Deserialize, Serialize};
use shelf_stock::name::OrderId;
use shelf_stock::time::Timestamp;

use crate::storage::{StorageError, Transaction, View};

const KIND: &str = "pickup-name";
/// The most bytes of a name.
pub const NAME_BYTES_MAX: usize = 200;
/// How long a name stays after the order's end: seven days.
pub const KEPT_MS: i64 = 7 * 24 * 3_600_000;
/// How often names that are due are looked for.
pub const PURGE_INTERVAL_MS: u64 = 3_600_000;
const PAGE: usize = 500;

#[derive(Serialize, Deserialize)]
struct Row {
    name: String,
    ended_wall: Option<i64>,
}

/// Who will collect an order, where it is known.
pub fn find(view: &dyn View, order: &OrderId) -> Result<Option<String>, StorageError> {
    let bytes = view.note(KIND, order.as_str())?;
    Ok(bytes.and_then(read).map(|it| it.name))
}

fn read(bytes: Vec<u8>) -> Option<Row> {
    serde_json::from_slice(&bytes).ok()
}

fn write(
    transaction: &dyn Transaction,
    order: &str,
    row: Option<&Row>,
) -> Result<(), StorageError> {
    let bytes = row.map(|it| serde_json::to_vec(it).unwrap_or_default());
    transaction.set_note(KIND, order, bytes.as_deref())
}

/// Keeps or forgets a name; `ended`: when the order came to its end.
pub(super) fn set(
    transaction: &dyn Transaction,
    order: &OrderId,
    name: Option<&str>,
    ended: Option<Timestamp>,
) -> Result<(), StorageError> {
    let row = name.map(|name| Row {
        name: name.to_owned(),
        ended_wall: ended.map(Timestamp::as_millis),
    });
    write(transaction, order.as_str(), row.as_ref())
}

/// An order came to its end: its name, if it has one, goes in seven days.
pub(crate) fn ended(
    transaction: &dyn Transaction,
    order: &OrderId,
    now: Timestamp,
) -> Result<(), StorageError> {
    let Some(mut row) = transaction.note(KIND, order.as_str())?.and_then(read) else {
        return Ok(());
    };
    row.ended_wall.get_or_insert(now.as_millis());
    write(transaction, order.as_str(), Some(&row))
}

/// Deletes what is due; returns how many.
pub(crate) fn purge(transaction: &dyn Transaction, now: Timestamp) -> Result<u64, StorageError> {
    let mut deleted = 0;
    let mut after = String::new();
    loop {
        let rows = transaction.notes(KIND, &after, PAGE)?;
        for (order, bytes) in &rows {
            let row = read(bytes.clone());
            let ended = row.map_or(Some(i64::MIN), |it| it.ended_wall);
            if ended.is_some_and(|it| it.saturating_add(KEPT_MS) <= now.as_millis()) {
                write(transaction, order, None)?;
                deleted += 1;
            }
        }
        match rows.last() {
            Some((last, _)) if rows.len() == PAGE => after.clone_from(last),
            _ => return Ok(deleted),
        }
    }
}
