//! How connections to the database are opened and set.
//!
//! One place for every setting, so that no connection differs by accident: WAL, `synchronous`
//! FULL (NORMAL loses acknowledged sales at a power cut), no memory mapping, STRICT tables, and
//! no checkpoint or removal of the WAL at close, so that it stays warm for the next start. The
//! durability is an argument for one reason only: a control in the power-cut test must fail.

use std::path::Path;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};

/// How long a connection waits for another one's lock.
const BUSY_TIMEOUT_MS: u64 = 5_000;
/// Prepared statements kept per connection.
const STATEMENTS_MAX: usize = 128;
/// Pages in the WAL at which a commit has to checkpoint by itself: just under 64 MiB. Idle
/// moments should have done it long before.
pub(crate) const WAL_PAGES_CAP: i64 = 16_000;
/// To what a WAL is cut back after it had to grow further, in bytes.
const WAL_LIMIT_BYTES: i64 = 64 << 20;
/// Page cache of the writer, in KiB.
const WRITER_CACHE_KIB: i64 = 3 * 1024;
/// Page cache of each reader, in KiB.
const READER_CACHE_KIB: i64 = 1024;

/// When a commit counts as done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Its bytes were synced to the disk.
    #[default]
    Full,
    /// The operating system has them: a power cut loses acknowledged documents. Exists so that
    /// the tests can prove that they would notice; never for production.
    ControlThatLosesData,
}

/// A connection that may write.
pub(crate) fn open_writer(path: &Path, durability: Durability) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, WRITER_CACHE_KIB)?;
    let synchronous = match durability {
        Durability::Full => "FULL",
        Durability::ControlThatLosesData => "NORMAL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update(None, "journal_size_limit", WAL_LIMIT_BYTES)?;
    connection.pragma_update(None, "wal_autocheckpoint", WAL_PAGES_CAP)?;
    Ok(connection)
}

/// A connection that can't write.
pub(crate) fn open_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_ONLY, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A connection for checkpoints: as the writer's, but never on the commit path.
pub(crate) fn open_checkpointer(path: &Path) -> rusqlite::Result<Connection> {
    let connection = open(path, OpenFlags::SQLITE_OPEN_READ_WRITE, READER_CACHE_KIB)?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", 0)?;
    Ok(connection)
}

fn open(path: &Path, access: OpenFlags, cache_kib: i64) -> rusqlite::Result<Connection> {
    let flags = access | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_EXRESCODE;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(Duration::from_millis(BUSY_TIMEOUT_MS))?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    // Plans must not depend on bound values: without this, a prepared statement that orders by
    // the rest of a key is parsed and planned again at each use, at several times its own cost.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "mmap_size", 0)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    Ok(connection)
}
