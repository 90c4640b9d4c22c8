//! The catalogue's tables: items with the revision that last changed them, and the revisions.
//!
//! An upsert compares the whole item, so that importing the same file twice changes nothing and
//! makes no revision. A code belongs to one item; a row that would take another item's code is
//! rejected. Nothing is deleted by an import: a file is a set of statements about the items in it.

use rusqlite::{Connection, OptionalExtension, Row, named_params, params};
use serde::Serialize;
use shelf_stock::item::Item;
use shelf_stock::time::Timestamp;
use utoipa::ToSchema;

use super::import::{self, Import, Rejected};

/// What an import did, or would do.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ImportReport {
    /// The catalogue's revision afterwards; of a dry run, what it would be.
    pub revision: u64,
    /// Whether this was only tried.
    pub dry_run: bool,
    /// Rows of the import.
    pub rows: u64,
    /// Items that are new.
    pub added: u64,
    /// Items that changed.
    pub changed: u64,
    /// Items that were so already.
    pub unchanged: u64,
    /// Rows that went nowhere.
    pub rejected: u64,
    /// The first of them, by line.
    pub rejected_rows: Vec<Rejected>,
}

/// One entry with the revision that last changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The revision that last changed it.
    pub revision: u64,
    /// The item.
    pub item: Item,
}

/// A revision whose file can be fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Its number.
    pub revision: u64,
    /// SHA-256 of the file.
    pub sha256: [u8; 32],
    /// Its size.
    pub bytes: u64,
}

/// The catalogue's current revision; 0 before the first import.
pub fn revision(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT coalesce(max(revision), 0) FROM hub_catalogue_revision";
    connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
}

/// Puts the rows of an import in, as one revision. The caller's transaction decides whether it
/// stays: a dry run is undone.
pub fn apply(
    connection: &Connection,
    import: &Import,
    now: Timestamp,
    dry_run: bool,
) -> rusqlite::Result<ImportReport> {
    let before = revision(connection)?;
    let next = before + 1;
    let rows = import.rows.len() + import.rejected.len();
    let mut report = ImportReport {
        revision: before,
        dry_run,
        rows: count(rows),
        added: 0,
        changed: 0,
        unchanged: 0,
        rejected: 0,
        rejected_rows: import.rejected.clone(),
    };
    for row in &import.rows {
        match put(connection, &row.item, next)? {
            Put::Added => report.added += 1,
            Put::Changed => report.changed += 1,
            Put::Unchanged => report.unchanged += 1,
            Put::CodeOf { code, item } => report.rejected_rows.push(Rejected {
                line: row.line,
                field: "gtin".to_owned(),
                value: code,
                problem: format!("the code already belongs to the item `{item}`"),
            }),
        }
    }
    report.rejected = count(report.rejected_rows.len());
    report.rejected_rows.sort_by_key(|it| it.line);
    report.rejected_rows.truncate(import::REJECTED_LISTED_MAX);
    if report.added + report.changed > 0 {
        connection.execute(
            "INSERT INTO hub_catalogue_revision (revision, imported_at, added, changed)
             VALUES (?1, ?2, ?3, ?4)",
            params![next, now.as_millis(), report.added, report.changed],
        )?;
        report.revision = next;
    }
    Ok(report)
}

enum Put {
    Added,
    Changed,
    Unchanged,
    CodeOf { code: String, item: String },
}

fn put(connection: &Connection, item: &Item, revision: u64) -> rusqlite::Result<Put> {
    let id = item.id.as_str();
    let mut owner = connection
        .prepare_cached("SELECT item FROM hub_catalogue_code WHERE code = ?1 AND item <> ?2")?;
    for code in &item.codes {
        let taken = owner
            .query_row([code.as_str(), id], |row| row.get(0))
            .optional()?;
        if let Some(item) = taken {
            let code = code.to_string();
            return Ok(Put::CodeOf { code, item });
        }
    }
    let body = to_json(item)?;
    let old: Option<String> = connection
        .prepare_cached("SELECT body FROM hub_catalogue_item WHERE item = ?1")?
        .query_row([id], |row| row.get(0))
        .optional()?;
    if old.as_ref() == Some(&body) {
        return Ok(Put::Unchanged);
    }
    connection
        .prepare_cached(
            "INSERT INTO hub_catalogue_item (item, revision, name, body) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (item) DO UPDATE SET revision = ?2, name = ?3, body = ?4",
        )?
        .execute(params![id, revision, item.name, body])?;
    connection
        .prepare_cached("DELETE FROM hub_catalogue_code WHERE item = ?1")?
        .execute([id])?;
    let mut insert =
        connection.prepare_cached("INSERT INTO hub_catalogue_code (code, item) VALUES (?1, ?2)")?;
    for code in &item.codes {
        insert.execute([code.as_str(), id])?;
    }
    Ok(if old.is_some() {
        Put::Changed
    } else {
        Put::Added
    })
}

/// Entries changed after a revision, in the order (revision, item), after the one named.
pub fn entries(
    connection: &Connection,
    since: u64,
    after: Option<(u64, &str)>,
    limit: usize,
) -> rusqlite::Result<Vec<Entry>> {
    let (after_revision, after_item) = after.unwrap_or((since, ""));
    let mut statement = connection.prepare_cached(
        "SELECT revision, body FROM hub_catalogue_item
         WHERE revision > :since AND (revision, item) > (:revision, :item)
         ORDER BY revision, item LIMIT :limit",
    )?;
    let rows = statement.query_map(
        named_params! {
            ":since": since, ":revision": after_revision, ":item": after_item,
            ":limit": count(limit),
        },
        entry,
    )?;
    rows.collect()
}

/// The item's name, where the catalogue has it.
pub fn name(connection: &Connection, item: &str) -> rusqlite::Result<Option<String>> {
    connection
        .prepare_cached("SELECT name FROM hub_catalogue_item WHERE item = ?1")?
        .query_row([item], |row| row.get(0))
        .optional()
}

/// Hands every item's JSON to `each`, in the order of their numbers.
pub fn for_each_body<E: From<rusqlite::Error>>(
    connection: &Connection,
    mut each: impl FnMut(&str) -> Result<(), E>,
) -> Result<(), E> {
    let mut statement =
        connection.prepare_cached("SELECT body FROM hub_catalogue_item ORDER BY item")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        each(row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?)?;
    }
    Ok(())
}

/// How many items there are.
pub fn item_count(connection: &Connection) -> rusqlite::Result<u64> {
    let sql = "SELECT count(*) FROM hub_catalogue_item";
    connection
        .prepare_cached(sql)?
        .query_row([], |row| row.get(0))
}

/// Notes that a revision's file can be fetched.
pub fn publish(connection: &Connection, published: &Published) -> rusqlite::Result<()> {
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

/// The newest revision whose file can be fetched.
pub fn published(connection: &Connection) -> rusqlite::Result<Option<Published>> {
    connection
        .prepare_cached(
            "SELECT revision, sha256, bytes FROM hub_catalogue_revision
             WHERE sha256 IS NOT NULL ORDER BY revision DESC LIMIT 1",
        )?
        .query_row([], read_published)
        .optional()
}

/// The file of one revision, if it was ever published.
pub fn published_as(connection: &Connection, revision: u64) -> rusqlite::Result<Option<Published>> {
    connection
        .prepare_cached(
            "SELECT revision, sha256, bytes FROM hub_catalogue_revision
             WHERE sha256 IS NOT NULL AND revision = ?1",
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

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let body = row.get_ref(1)?.as_str()?;
    let item = serde_json::from_str(body).map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, Box::new(error))
    })?;
    Ok(Entry {
        revision: row.get(0)?,
        item,
    })
}

fn to_json(item: &Item) -> rusqlite::Result<String> {
    serde_json::to_string(item)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
