//! The same tables for a program that keeps many stores: the hub.
//!
//! Opens a directory as a ledger is opened (exclusive lock, foreign and newer databases refused,
//! warm WAL, migrations) and hands out the connection itself, because a hub groups its own
//! transactions. There is no identity, no log of its own and no writer thread here.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use crate::connection::{self, Durability};
use crate::files::{DirLock, Paths};
use crate::open::{OpenError, connect, lock, stand};

/// The tables of many stores; the directory is locked while this lives.
#[derive(Debug)]
pub struct Hosted {
    /// The one connection that may write.
    pub connection: Connection,
    _lock: DirLock,
}

/// The database's file in a directory.
#[must_use]
pub fn database(dir: &Path) -> PathBuf {
    Paths::new(dir).database()
}

/// Opens a directory, made where it is missing, with `wal_bytes` of warm WAL.
pub fn open(dir: &Path, wal_bytes: u64) -> Result<Hosted, OpenError> {
    let paths = Paths::new(dir);
    let io = |what, path| move |source| OpenError::io(what, path, source);
    paths.make_dir().map_err(io("make", dir.to_owned()))?;
    let held = lock(&paths)?;
    stand(&paths)?;
    paths
        .warm_wal(&held, wal_bytes)
        .map_err(io("lay down", paths.wal()))?;
    let (connection, _) = connect(&paths, Durability::Full)?;
    Ok(Hosted {
        connection,
        _lock: held,
    })
}

/// Opens a connection that can't write.
pub fn open_reader(database: &Path) -> rusqlite::Result<Connection> {
    connection::open_reader(database)
}
