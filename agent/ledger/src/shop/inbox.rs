//! The inbox: input that could not become a document by itself, kept with its raw bytes until
//! somebody decides. Nothing that reached us is thrown away silently.

use rusqlite::{Row, params};
use shelf_stock::time::Timestamp;
use shelf_wire::sealed::digest_of;

use crate::read::Read;
use crate::tables::TableError;
use crate::tx::Tx;

/// The most bytes of raw input that one entry keeps; the rest is cut off and counted in `reason`
/// by whoever puts it.
pub const INBOX_RAW_BYTES_MAX: usize = 64 * 1024;

/// Something that somebody has to look at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InboxEntry {
    /// Its number in this ledger.
    pub id: i64,
    /// What kind of input, such as `sale_conflict` or `file_fault`.
    pub kind: String,
    /// What it is about, such as a receipt or `file:line`.
    pub key: String,
    /// Why it could not be used, in words.
    pub reason: String,
    /// What came in.
    pub raw: Vec<u8>,
    /// When.
    pub wall: Timestamp,
    /// When somebody decided, and what.
    pub resolved: Option<(Timestamp, String)>,
}

/// An entry to be put.
#[derive(Clone, Copy, Debug)]
pub struct InboxNote<'a> {
    /// What kind of input.
    pub kind: &'a str,
    /// What it is about.
    pub key: &'a str,
    /// Why it could not be used.
    pub reason: &'a str,
    /// What came in.
    pub raw: &'a [u8],
}

impl Tx<'_> {
    /// Keeps an entry, once for the same kind, key and bytes. Returns its number.
    pub fn inbox_put(&mut self, note: InboxNote<'_>) -> Result<i64, TableError> {
        let raw = note.raw.get(..INBOX_RAW_BYTES_MAX).unwrap_or(note.raw);
        let digest = digest_of(note.raw);
        self.connection()
            .prepare_cached(
                "INSERT INTO inbox (kind, key, reason, raw, digest, wall)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                note.kind,
                note.key,
                note.reason,
                raw,
                digest.as_bytes(),
                self.wall().as_millis()
            ])?;
        let mut statement = self
            .connection()
            .prepare_cached("SELECT id FROM inbox WHERE kind = ?1 AND key = ?2 AND digest = ?3")?;
        Ok(
            statement.query_row(params![note.kind, note.key, digest.as_bytes()], |row| {
                row.get(0)
            })?,
        )
    }

    /// Notes what somebody decided about an entry. `false` where it is unknown or was decided.
    pub fn inbox_resolve(&mut self, id: i64, answer: &str) -> Result<bool, TableError> {
        let changed = self
            .connection()
            .prepare_cached(
                "UPDATE inbox SET resolved = ?2, answer = ?3 WHERE id = ?1 AND resolved IS NULL",
            )?
            .execute(params![id, self.wall().as_millis(), answer])?;
        Ok(changed == 1)
    }
}

impl Read<'_> {
    /// Entries above `after`, oldest first; with `open_only`, those that nobody decided.
    pub fn inbox_list(
        &self,
        open_only: bool,
        after: i64,
        limit: usize,
    ) -> Result<Vec<InboxEntry>, TableError> {
        let mut statement = self.connection().prepare_cached(
            "SELECT id, kind, key, reason, raw, wall, resolved, answer FROM inbox
             WHERE id > ?1 AND (resolved IS NULL OR NOT ?2) ORDER BY id LIMIT ?3",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map(params![after, open_only, limit], entry)?;
        rows.map(|row| row.map_err(TableError::from)).collect()
    }
}

fn entry(row: &Row<'_>) -> rusqlite::Result<InboxEntry> {
    let resolved: Option<i64> = row.get(6)?;
    let answer: Option<String> = row.get(7)?;
    Ok(InboxEntry {
        id: row.get(0)?,
        kind: row.get(1)?,
        key: row.get(2)?,
        reason: row.get(3)?,
        raw: row.get(4)?,
        wall: Timestamp::from_millis(row.get(5)?),
        resolved: resolved.map(|it| (Timestamp::from_millis(it), answer.unwrap_or_default())),
    })
}
