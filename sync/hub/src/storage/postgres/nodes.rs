//! Stores, when PCs were heard, and notes, in PostgreSQL.

use shelf_ledger::tables::StoreKey;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;
use tokio_postgres::Row;

use super::super::{NOTE_BYTES_MAX, StorageError, StoreRow};
use super::row;
use super::work::Work;
use crate::seen::Seen;

/// Locks stores in the order of their keys; those that are new are locked when they are made.
pub(super) fn claim(work: &Work<'_>, tenant: &str, names: &[&str]) -> Result<(), StorageError> {
    if names.is_empty() {
        return Ok(());
    }
    let rows = work.session.query(
        "SELECT key FROM store WHERE tenant = $1 AND name = ANY($2::text[])
         ORDER BY key FOR UPDATE",
        &[&tenant, &names],
    )?;
    for found in &rows {
        let key = StoreKey(row::col(found, 0)?);
        work.known().claimed.insert(key);
    }
    Ok(())
}

pub(super) fn stores(work: &Work<'_>) -> Result<Vec<StoreRow>, StorageError> {
    let sql = "SELECT key, tenant, name FROM store ORDER BY key";
    let store = |it: &Row| {
        Ok(StoreRow {
            key: StoreKey(row::col(it, 0)?),
            tenant: row::col(it, 1)?,
            name: row::col(it, 2)?,
        })
    };
    work.session.query(sql, &[])?.iter().map(store).collect()
}

pub(super) fn store_key(
    work: &Work<'_>,
    tenant: &str,
    name: &str,
) -> Result<StoreKey, StorageError> {
    let find = "SELECT key FROM store WHERE tenant = $1 AND name = $2 FOR UPDATE";
    let mut found = work.session.first(find, &[&tenant, &name])?;
    if found.is_none() {
        // Where another worker makes it at this moment, this waits for that and does nothing.
        work.session.execute(
            "INSERT INTO store (tenant, name) VALUES ($1, $2) ON CONFLICT DO NOTHING",
            &[&tenant, &name],
        )?;
        found = work.session.first(find, &[&tenant, &name])?;
    }
    let found = found.ok_or(StorageError::Damaged { what: "store" })?;
    let key = StoreKey(row::col(&found, 0)?);
    work.known().claimed.insert(key);
    Ok(key)
}

pub(super) fn heard(
    work: &Work<'_>,
    store: StoreKey,
    node: NodeId,
    now: Timestamp,
) -> Result<(), StorageError> {
    work.session.execute(
        "INSERT INTO hub_node (store, node, last_seen) VALUES ($1, $2, $3)
         ON CONFLICT (store, node)
         DO UPDATE SET last_seen = excluded.last_seen, stopping = FALSE",
        &[&store.0, &node.as_bytes().as_slice(), &now.as_millis()],
    )?;
    Ok(())
}

pub(super) fn reported(
    work: &Work<'_>,
    store: StoreKey,
    node: NodeId,
    seen: &Seen,
) -> Result<(), StorageError> {
    let millis = |it: Option<Timestamp>| it.map(Timestamp::as_millis);
    let number = |it: Option<u64>| it.map(|it| i64::try_from(it).unwrap_or(i64::MAX));
    work.session.execute(
        "INSERT INTO hub_node (store, node, last_seen, stopping, unsynced, oldest_unsynced_wall,
         catalogue_revision, wall, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT (store, node) DO UPDATE SET last_seen = excluded.last_seen,
         stopping = excluded.stopping, unsynced = excluded.unsynced,
         oldest_unsynced_wall = excluded.oldest_unsynced_wall,
         catalogue_revision = excluded.catalogue_revision, wall = excluded.wall,
         version = excluded.version",
        &[
            &store.0,
            &node.as_bytes().as_slice(),
            &millis(seen.last_seen).unwrap_or_default(),
            &seen.stopping,
            &number(seen.unsynced),
            &millis(seen.oldest_unsynced_wall),
            &number(seen.catalogue_revision),
            &millis(seen.wall),
            &seen.version,
        ],
    )?;
    Ok(())
}

pub(super) fn all(work: &Work<'_>, store: StoreKey) -> Result<Vec<(NodeId, Seen)>, StorageError> {
    let rows = work.session.query(
        "SELECT node, last_seen, stopping, unsynced, oldest_unsynced_wall, catalogue_revision,
         wall, version FROM hub_node WHERE store = $1 ORDER BY node",
        &[&store.0],
    )?;
    let number = |it: &Row, at| -> Result<Option<u64>, StorageError> {
        Ok(row::col::<Option<i64>>(it, at)?.map(i64::unsigned_abs))
    };
    let time = |it: &Row, at| -> Result<Option<Timestamp>, StorageError> {
        Ok(row::col::<Option<i64>>(it, at)?.map(Timestamp::from_millis))
    };
    let seen = |it: &Row| {
        let seen = Seen {
            last_seen: time(it, 1)?,
            stopping: row::col(it, 2)?,
            unsynced: number(it, 3)?,
            oldest_unsynced_wall: time(it, 4)?,
            catalogue_revision: number(it, 5)?,
            wall: time(it, 6)?,
            version: row::col(it, 7)?,
        };
        Ok((row::node(it, 0)?, seen))
    };
    rows.iter().map(seen).collect()
}

pub(super) fn set_note(
    work: &Work<'_>,
    kind: &str,
    key: &str,
    value: Option<&[u8]>,
) -> Result<(), StorageError> {
    let bytes = value.map_or(0, <[u8]>::len);
    if bytes > NOTE_BYTES_MAX {
        return Err(StorageError::TooLarge {
            what: "note",
            bytes,
        });
    }
    match value {
        Some(value) => work.session.execute(
            "INSERT INTO hub_note (kind, key, value) VALUES ($1, $2, $3)
             ON CONFLICT (kind, key) DO UPDATE SET value = excluded.value",
            &[&kind, &key, &value],
        )?,
        None => work.session.execute(
            "DELETE FROM hub_note WHERE kind = $1 AND key = $2",
            &[&kind, &key],
        )?,
    };
    Ok(())
}
