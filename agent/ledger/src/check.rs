//! Checks of a database: quickly in a reader after every start, deeply when asked.
//!
//! A check reports and never repairs. The quick one looks at SQLite's structure; the deep one
//! also reads every document (digest, chain) and folds the balances again from their movements.

use rusqlite::Connection;
use shelf_stock::fold;

use crate::open::broken_documents;
use crate::tables::{TableError, Tables};

/// Findings listed at most; more are counted only.
pub const FINDINGS_MAX: usize = 100;

/// What a check found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CheckReport {
    /// Each finding in words; at most [`FINDINGS_MAX`].
    pub findings: Vec<String>,
    /// How many findings there were in all.
    pub findings_count: u64,
    /// Documents whose bytes and chain were verified.
    pub documents: u64,
}

impl CheckReport {
    /// Nothing was found.
    pub fn is_sound(&self) -> bool {
        self.findings_count == 0
    }

    fn found(&mut self, finding: String) {
        self.findings_count += 1;
        if self.findings.len() < FINDINGS_MAX {
            self.findings.push(finding);
        }
    }
}

/// SQLite's own quick check: structure and order of every page, without the indexes' content.
pub fn quick(connection: &Connection) -> Result<CheckReport, TableError> {
    let mut report = CheckReport::default();
    pragma(connection, "PRAGMA quick_check(100)", &mut report)?;
    Ok(report)
}

/// Everything: SQLite's integrity check, every document's digest and predecessor, and for every
/// store whether balances are what its movements and counts add up to.
pub fn deep(tables: &Tables<'_>) -> Result<CheckReport, TableError> {
    let mut report = CheckReport::default();
    let connection = tables.connection();
    pragma(connection, "PRAGMA integrity_check(100)", &mut report)?;
    for (author, _, _) in tables.authors()? {
        let (checked, bad) = broken_documents(connection, author, FINDINGS_MAX)?;
        report.documents += checked;
        for key in bad {
            let place = tables.place_of(key)?;
            report.found(format!(
                "document {place} does not match its digest or its predecessor"
            ));
        }
    }
    for it in fold::verify(tables)? {
        let at = it
            .location
            .map_or_else(|| "all locations".to_owned(), |at| at.to_string());
        report.found(format!(
            "item {} at {at}: the balance is {}, its movements and counts add up to {}",
            it.item, it.found, it.expected
        ));
    }
    Ok(report)
}

fn pragma(
    connection: &Connection,
    sql: &'static str,
    report: &mut CheckReport,
) -> Result<(), TableError> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let line: String = row.get(0)?;
        if line != "ok" {
            report.found(line);
        }
    }
    Ok(())
}
