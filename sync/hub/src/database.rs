//! The hub's one SQLite file: how it is opened and what is in it.
//!
//! The tables of documents and of what is folded from them are the ledger's own
//! (`shelf_ledger::tables`, many stores in one file); the tables here are what only a hub has:
//! when a PC was last heard, and the catalogue. One connection writes, with `synchronous=FULL`;
//! everyone else reads.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, TransactionBehavior};
use shelf_ledger::OpenError;
use shelf_ledger::hosting::{self, Hosted};

/// The schema of the hub's own tables that this program writes.
pub const HUB_SCHEMA_VERSION: i64 = 2;
/// Bytes of write-ahead log that are laid down before the first commit needs them.
const WAL_BYTES: u64 = 64 << 20;
/// Page cache of the connection that writes, in KiB: a backlog of many stores touches far more pages
/// than a PC's day does.
const CACHE_KIB: i64 = 64 << 10;

const MIGRATIONS: &[&str] = &[
    include_str!("database/v1.sql"),
    include_str!("database/v2.sql"),
];

/// The database can't be used.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    /// The tables can't be opened.
    #[error("the hub's database can't be opened")]
    Open(#[source] OpenError),
    /// The hub's own tables can't be made or read.
    #[error("the hub's own tables can't be used")]
    Migrate(#[source] rusqlite::Error),
    /// A newer program wrote it.
    #[error(
        "the hub's database has schema {found}; this program knows up to {HUB_SCHEMA_VERSION}: \
         run the newer version"
    )]
    TooNew {
        /// What the file says.
        found: i64,
    },
}

/// The database's path in a data directory.
#[must_use]
pub fn path(data: &Path) -> PathBuf {
    hosting::database(data)
}

/// Opens the connection that writes, with every table there. The directory is locked meanwhile.
pub fn open_writer(data: &Path) -> Result<Hosted, DatabaseError> {
    let mut hosted = hosting::open(data, WAL_BYTES).map_err(DatabaseError::Open)?;
    let connection = &mut hosted.connection;
    let cached = connection.pragma_update(None, "cache_size", -CACHE_KIB);
    let version = cached.and_then(|()| migrate(connection));
    let version = version.map_err(DatabaseError::Migrate)?;
    if version > HUB_SCHEMA_VERSION {
        return Err(DatabaseError::TooNew { found: version });
    }
    Ok(hosted)
}

/// Opens a connection that can't write.
pub fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    hosting::open_reader(path)
}

/// Brings the hub's own tables up to date; returns the version that the file has.
fn migrate(connection: &mut Connection) -> rusqlite::Result<i64> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    transaction
        .execute_batch("CREATE TABLE IF NOT EXISTS hub_schema (version INTEGER NOT NULL) STRICT")?;
    let version: i64 = transaction.query_row(
        "SELECT coalesce(max(version), 0) FROM hub_schema",
        [],
        |row| row.get(0),
    )?;
    let done = usize::try_from(version).unwrap_or(0);
    for sql in MIGRATIONS.iter().skip(done) {
        transaction.execute_batch(sql)?;
    }
    if version < HUB_SCHEMA_VERSION {
        transaction.execute("DELETE FROM hub_schema", [])?;
        transaction.execute("INSERT INTO hub_schema VALUES (?1)", [HUB_SCHEMA_VERSION])?;
    }
    transaction.commit()?;
    Ok(version.max(HUB_SCHEMA_VERSION))
}
