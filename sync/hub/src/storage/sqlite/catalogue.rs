//! The catalogue's rows in SQLite.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use shelf_stock::item::Item;
use shelf_stock::time::Timestamp;

use super::super::StorageError;
use crate::catalogue::table::{self, CatalogueRows, Entry, Published};

pub(super) struct Rows<'c>(pub(super) &'c Connection);

impl CatalogueRows for Rows<'_> {
    fn revision(&self) -> Result<u64, StorageError> {
        Ok(revision(self.0)?)
    }

    fn owner(&self, code: &str) -> Result<Option<String>, StorageError> {
        let sql = "SELECT item FROM hub_catalogue_code WHERE code = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.query_row([code], |row| row.get(0)).optional()?)
    }

    fn body(&self, item: &str) -> Result<Option<String>, StorageError> {
        let sql = "SELECT body FROM hub_catalogue_item WHERE item = ?1";
        let mut statement = self.0.prepare_cached(sql)?;
        Ok(statement.query_row([item], |row| row.get(0)).optional()?)
    }

    fn put(&mut self, item: &Item, body: &str, revision: u64) -> Result<(), StorageError> {
        let id = item.id.as_str();
        self.0
            .prepare_cached(
                "INSERT INTO hub_catalogue_item (item, revision, name, body)
                 VALUES (?1, ?2, ?3, ?4)
                 ON CONFLICT (item) DO UPDATE SET revision = ?2, name = ?3, body = ?4",
            )?
            .execute(params![id, revision, item.name, body])?;
        self.0
            .prepare_cached("DELETE FROM hub_catalogue_code WHERE item = ?1")?
            .execute([id])?;
        let mut insert = self
            .0
            .prepare_cached("INSERT INTO hub_catalogue_code (code, item) VALUES (?1, ?2)")?;
        for code in &item.codes {
            insert.execute([code.as_str(), id])?;
        }
        Ok(())
    }

    fn add_revision(
        &mut self,
        revision: u64,
        now: Timestamp,
        added: u64,
        changed: u64,
    ) -> Result<(), StorageError> {
        self.0.execute(
            "INSERT INTO hub_catalogue_revision (revision, imported_at, added, changed)
             VALUES (?1, ?2, ?3, ?4)",
            params![revision, now.as_millis(), added, changed],
        )?;
        Ok(())
    }
}

pub(super) fn revision(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(max(revision), 0) FROM hub_catalogue_revision";
    connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
}

pub(super) fn entries(
    connection: &Connection,
    since: u64,
    after: Option<(u64, &str)>,
    limit: usize,
) -> Result<Vec<Entry>, StorageError> {
    let (after_revision, after_item) = after.unwrap_or((since, ""));
    let mut statement = connection.prepare_cached(
        "SELECT revision, body FROM hub_catalogue_item
         WHERE revision > :since AND (revision, item) > (:revision, :item)
         ORDER BY revision, item LIMIT :limit",
    )?;
    let mut rows = statement.query(named_params! {
        ":since": since, ":revision": after_revision, ":item": after_item,
        ":limit": i64::try_from(limit).unwrap_or(i64::MAX),
    })?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let body = row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?;
        entries.push(table::entry(row.get(0)?, body)?);
    }
    Ok(entries)
}

pub(super) fn name(connection: &Connection, item: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT name FROM hub_catalogue_item WHERE item = ?1")?
        .query_row([item], |row| row.get(0))
        .optional()
}

pub(super) fn body(connection: &Connection, item: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT body FROM hub_catalogue_item WHERE item = ?1")?
        .query_row([item], |row| row.get(0))
        .optional()
}

pub(super) fn bodies(
    connection: &Connection,
    after: &str,
    limit: usize,
) -> rusqlite::Result<Vec<(String, String)>> {
    let mut statement = connection.prepare_cached(
        "SELECT item, body FROM hub_catalogue_item WHERE item > ?1 ORDER BY item LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![after, limit], |row| row.try_into())?;
    rows.collect()
}

pub(super) fn count(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM hub_catalogue_item";
    connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
}

pub(super) fn publish(connection: &Connection, published: &Published) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "UPDATE hub_catalogue_revision SET sha256 = ?2, bytes = ?3 WHERE revision = ?1",
        )?
        .execute(params![
            published.revision,
            published.sha256,
            published.bytes
        ])?;
    Ok(())
}

pub(super) fn published(
    connection: &Connection,
    revision: Option<u64>,
) -> rusqlite::Result<Option<Published>> {
    connection
        .prepare_cached(
            "SELECT revision, sha256, bytes FROM hub_catalogue_revision
             WHERE sha256 IS NOT NULL AND (?1 IS NULL OR revision = ?1)
             ORDER BY revision DESC LIMIT 1",
        )?
        .query_row([revision], read_published)
        .optional()
}

fn read_published(row: &Row<'_>) -> rusqlite::Result<Published> {
    Ok(Published {
        revision: row.get(0)?,
        sha256: row.get(1)?,
        bytes: row.get(2)?,
    })
}
