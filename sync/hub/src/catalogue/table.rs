//! What an import does to the catalogue: items with the revision that last changed them.
//!
//! An upsert compares the whole item, so that importing the same file twice changes nothing and
//! makes no revision. A code belongs to one item; a row that would take another item's code is
//! rejected. Nothing is deleted by an import: a file is a set of statements about the items in it.
//! The rules are here, the rows in a storage ([`CatalogueRows`]).

use serde::Serialize;
use shelf_stock::item::Item;
use shelf_stock::time::Timestamp;
use utoipa::ToSchema;

use super::import::{self, Import, Rejected};
use crate::storage::StorageError;

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

/// The catalogue's rows in one transaction.
pub trait CatalogueRows {
    /// The catalogue's revision; 0 before the first import.
    fn revision(&self) -> Result<u64, StorageError>;
    /// The item that a code belongs to.
    fn owner(&self, code: &str) -> Result<Option<String>, StorageError>;
    /// An item's JSON.
    fn body(&self, item: &str) -> Result<Option<String>, StorageError>;
    /// Adds or replaces an item and the codes that belong to it.
    fn put(&mut self, item: &Item, body: &str, revision: u64) -> Result<(), StorageError>;
    /// Adds a revision with the numbers of added and changed items.
    fn add_revision(
        &mut self,
        revision: u64,
        now: Timestamp,
        added: u64,
        changed: u64,
    ) -> Result<(), StorageError>;
}

/// Puts the rows of an import in, as one revision. The caller's transaction decides whether it
/// stays: a dry run is undone.
pub fn apply(
    rows: &mut impl CatalogueRows,
    import: &Import,
    now: Timestamp,
    dry_run: bool,
) -> Result<ImportReport, StorageError> {
    let before = rows.revision()?;
    let next = before + 1;
    let mut report = ImportReport {
        revision: before,
        dry_run,
        rows: count(import.rows.len() + import.rejected.len()),
        added: 0,
        changed: 0,
        unchanged: 0,
        rejected: 0,
        rejected_rows: import.rejected.clone(),
    };
    for row in &import.rows {
        match put(rows, &row.item, next)? {
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
        rows.add_revision(next, now, report.added, report.changed)?;
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

fn put(rows: &mut impl CatalogueRows, item: &Item, revision: u64) -> Result<Put, StorageError> {
    let id = item.id.as_str();
    for code in &item.codes {
        let owner = rows.owner(code.as_str())?;
        if let Some(item) = owner.filter(|it| it != id) {
            let code = code.to_string();
            return Ok(Put::CodeOf { code, item });
        }
    }
    let damaged = |_| StorageError::Damaged { what: "item" };
    let body = serde_json::to_string(item).map_err(damaged)?;
    let old = rows.body(id)?;
    if old.as_ref() == Some(&body) {
        return Ok(Put::Unchanged);
    }
    rows.put(item, &body, revision)?;
    Ok(match old {
        Some(_) => Put::Changed,
        None => Put::Added,
    })
}

/// An entry of its row.
pub fn entry(revision: u64, body: &str) -> Result<Entry, StorageError> {
    let damaged = |_| StorageError::Damaged { what: "catalogue" };
    let item = serde_json::from_str(body).map_err(damaged)?;
    Ok(Entry { revision, item })
}

fn count(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
