//! When each PC was last heard and what it said about itself.
//!
//! A register per PC, written by the worker and read by the API. Nothing is decided by it: a PC
//! that was never heard and one that is silent for a year are served the same.

use rusqlite::{Connection, Row, params};
use shelf_ledger::tables::StoreKey;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;

/// What is known of a PC beside its log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// When it was last heard, by the hub's clock.
    pub last_seen: Option<Timestamp>,
    /// Whether it said that it was being stopped.
    pub stopping: bool,
    /// Documents that it had un-acked at its last report.
    pub unsynced: Option<u64>,
    /// Wall time of the oldest of them.
    pub oldest_unsynced_wall: Option<Timestamp>,
    /// The catalogue's revision that it has.
    pub catalogue_revision: Option<u64>,
    /// What its clock said.
    pub wall: Option<Timestamp>,
    /// Its version.
    pub version: Option<String>,
}

/// A PC was heard.
pub fn heard(
    connection: &Connection,
    store: StoreKey,
    node: NodeId,
    now: Timestamp,
) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO hub_node (store, node, last_seen) VALUES (?1, ?2, ?3)
             ON CONFLICT (store, node) DO UPDATE SET last_seen = ?3, stopping = 0",
        )?
        .execute(params![store.0, node.as_bytes(), now.as_millis()])?;
    Ok(())
}

/// A PC reported its row.
pub fn reported(
    connection: &Connection,
    store: StoreKey,
    node: NodeId,
    seen: &Seen,
) -> rusqlite::Result<()> {
    let millis = |it: Option<Timestamp>| it.map(Timestamp::as_millis);
    connection
        .prepare_cached(
            "INSERT INTO hub_node (store, node, last_seen, stopping, unsynced,
             oldest_unsynced_wall, catalogue_revision, wall, version)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)
             ON CONFLICT (store, node) DO UPDATE SET last_seen = ?3, stopping = ?4, unsynced = ?5,
             oldest_unsynced_wall = ?6, catalogue_revision = ?7, wall = ?8, version = ?9",
        )?
        .execute(params![
            store.0,
            node.as_bytes(),
            millis(seen.last_seen).unwrap_or_default(),
            seen.stopping,
            seen.unsynced,
            millis(seen.oldest_unsynced_wall),
            seen.catalogue_revision,
            millis(seen.wall),
            seen.version,
        ])?;
    Ok(())
}

/// Every PC of a store that was heard.
pub fn all(connection: &Connection, store: StoreKey) -> rusqlite::Result<Vec<(NodeId, Seen)>> {
    let mut statement = connection.prepare_cached(
        "SELECT node, last_seen, stopping, unsynced, oldest_unsynced_wall, catalogue_revision,
         wall, version FROM hub_node WHERE store = ?1 ORDER BY node",
    )?;
    let rows = statement.query_map([store.0], read)?;
    rows.collect()
}

fn read(row: &Row<'_>) -> rusqlite::Result<(NodeId, Seen)> {
    let time = |index| -> rusqlite::Result<Option<Timestamp>> {
        Ok(row
            .get::<_, Option<i64>>(index)?
            .map(Timestamp::from_millis))
    };
    let seen = Seen {
        last_seen: time(1)?,
        stopping: row.get(2)?,
        unsynced: row.get(3)?,
        oldest_unsynced_wall: time(4)?,
        catalogue_revision: row.get(5)?,
        wall: time(6)?,
        version: row.get(7)?,
    };
    Ok((NodeId::from_bytes(row.get(0)?), seen))
}
