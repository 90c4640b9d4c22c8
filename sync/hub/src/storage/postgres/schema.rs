//! The tables and how a database gets them.
//!
//! Several workers may start at once: the row of the version is locked first, so that one of them
//! makes the tables and the others find them made.

use super::super::StorageError;
use super::session::Session;

/// The schema that this program writes.
pub const SCHEMA_VERSION: i64 = 2;

const MIGRATIONS: &[&str] = &[include_str!("v1.sql"), include_str!("v2.sql")];

/// How often making the first row is tried: two workers that make it at once disturb each other
/// once.
const ATTEMPTS_MAX: usize = 5;

/// Brings the database to [`SCHEMA_VERSION`].
pub(super) fn migrate(session: &Session) -> Result<(), StorageError> {
    let mut last = Ok(());
    for _ in 0..ATTEMPTS_MAX {
        last = attempt(session);
        if last.is_ok() || matches!(last, Err(StorageError::TooNew { .. })) {
            return last;
        }
        session.batch("ROLLBACK")?;
    }
    last
}

fn attempt(session: &Session) -> Result<(), StorageError> {
    session.batch(
        "CREATE TABLE IF NOT EXISTS hub_schema (
             id BIGINT PRIMARY KEY, version BIGINT NOT NULL);
         INSERT INTO hub_schema VALUES (1, 0) ON CONFLICT DO NOTHING",
    )?;
    session.batch("BEGIN")?;
    let row = session.first(
        "SELECT version FROM hub_schema WHERE id = 1 FOR UPDATE",
        &[],
    )?;
    let version: i64 = match row {
        Some(row) => super::row::col(&row, 0)?,
        None => 0,
    };
    if version > SCHEMA_VERSION {
        session.batch("ROLLBACK")?;
        return Err(StorageError::TooNew {
            found: version,
            known: SCHEMA_VERSION,
        });
    }
    let done = usize::try_from(version).unwrap_or(0);
    for sql in MIGRATIONS.iter().skip(done) {
        session.batch(sql)?;
    }
    session.execute(
        "UPDATE hub_schema SET version = $1 WHERE id = 1",
        &[&SCHEMA_VERSION],
    )?;
    session.batch("COMMIT")
}
