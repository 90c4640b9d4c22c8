//! When PCs were heard, and notes, in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, params};
use shelf_ledger::tables::StoreKey;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;

use crate::seen::Seen;

pub(super) fn heard(
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

pub(super) fn reported(
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

pub(super) fn all(
    connection: &Connection,
    store: StoreKey,
) -> rusqlite::Result<Vec<(NodeId, Seen)>> {
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

pub(super) fn note(
    connection: &Connection,
    kind: &str,
    key: &str,
) -> rusqlite::Result<Option<Vec<u8>>> {
    connection
        .prepare_cached("SELECT value FROM hub_note WHERE kind = ?1 AND key = ?2")?
        .query_row([kind, key], |row| row.get(0))
        .optional()
}

pub(super) fn notes(
    connection: &Connection,
    kind: &str,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<(String, Vec<u8>)>> {
    let mut statement = connection.prepare_cached(
        "SELECT key, value FROM hub_note WHERE kind = ?1 AND key > ?2 ORDER BY key LIMIT ?3",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![kind, after, limit], |row| row.try_into())?;
    rows.collect()
}

pub(super) fn set_note(
    connection: &Connection,
    kind: &str,
    key: &str,
    value: Option<&[u8]>,
) -> rusqlite::Result<()> {
    match value {
        Some(value) => connection
            .prepare_cached(
                "INSERT INTO hub_note (kind, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT (kind, key) DO UPDATE SET value = ?3",
            )?
            .execute(params![kind, key, value])?,
        None => connection
            .prepare_cached("DELETE FROM hub_note WHERE kind = ?1 AND key = ?2")?
            .execute([kind, key])?,
    };
    Ok(())
}
