//! The schema and how a database gets it.
//!
//! Every migration is one transaction that ends by setting `user_version`, so that a kill leaves
//! the version before or the version after. A database of a newer program is refused, never
//! touched. Released migrations are frozen: a change is a new file.

use rusqlite::{Connection, TransactionBehavior};

/// Marks the file as a shelf ledger (`SHLF`).
pub const APPLICATION_ID: i32 = 0x5348_4C46;
/// The schema that this program writes.
pub const SCHEMA_VERSION: i32 = 3;

const MIGRATIONS: &[&str] = &[
    include_str!("schema/v1.sql"),
    include_str!("schema/v2.sql"),
    include_str!("schema/v3.sql"),
];

/// The version of the database and whose it is.
pub(crate) fn stamp(connection: &Connection) -> rusqlite::Result<(i32, i32)> {
    let read = |name| connection.pragma_query_value(None, name, |row| row.get(0));
    Ok((read("application_id")?, read("user_version")?))
}

/// Brings the database to [`SCHEMA_VERSION`]; returns how many steps that took.
pub(crate) fn migrate(connection: &mut Connection) -> rusqlite::Result<usize> {
    let (_, version) = stamp(connection)?;
    let done = usize::try_from(version).unwrap_or(0);
    for (to, sql) in (1_i32..).zip(MIGRATIONS).skip(done) {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
        transaction.execute_batch(sql)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        transaction.pragma_update(None, "user_version", to)?;
        transaction.commit()?;
    }
    Ok(MIGRATIONS.len().saturating_sub(done))
}
