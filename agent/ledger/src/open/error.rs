//! Why a ledger can't be opened, in words for whoever stands before the PC.

use std::io;
use std::path::PathBuf;

use rusqlite::ErrorCode;
use shelf_stock::identity::Place;

use crate::tables::TableError;

/// A ledger can't be opened. Whatever it says, nothing was changed.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it.
    #[error(
        "the ledger is in use by another process (lock {path}): stop the other shelfd first, or ask \
         it over its local API"
    )]
    Locked {
        /// The lock file.
        path: PathBuf,
    },
    /// Not a database at all.
    #[error(
        "{path} is no ledger: it does not begin as a SQLite database does. It was not changed. Move \
         it aside and restore a backup with `shelfd restore`, or start with an empty directory"
    )]
    NotALedger {
        /// The file.
        path: PathBuf,
    },
    /// A database of another program.
    #[error(
        "{path} is a database of another program (application id {found:#010x}). It was not \
         changed. Point the configuration at the ledger's own directory"
    )]
    OtherApplication {
        /// The file.
        path: PathBuf,
        /// Whose it says it is.
        found: i32,
    },
    /// The database is gone but its log is there.
    #[error(
        "{path} is missing but its write-ahead log is there and holds documents. Nothing was \
         changed. Put the database file back beside it, or move the `-wal` file aside and restore a \
         backup with `shelfd restore`"
    )]
    OrphanWal {
        /// The missing file.
        path: PathBuf,
    },
    /// Written by a newer program.
    #[error(
        "{path} has schema version {found}; this shelfd knows versions up to {known}. It was not \
         changed. Start the newer shelfd again, or restore the backup that was made before the update"
    )]
    TooNew {
        /// The file.
        path: PathBuf,
        /// What it has.
        found: i32,
        /// What this program knows.
        known: i32,
    },
    /// Damaged.
    #[error(
        "{path} is damaged: {detail}. It was not changed. Move the directory aside, restore the \
         newest backup with `shelfd restore` and let the hub send what is missing"
    )]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        detail: String,
    },
    /// The end of a log does not hold together.
    #[error(
        "{path} is damaged: document {place} does not match its digest or its predecessor. It was not \
         changed. Move the directory aside, restore the newest backup with `shelfd restore` and let \
         the hub send what is missing"
    )]
    Chain {
        /// The file.
        path: PathBuf,
        /// The first document that doesn't fit.
        place: Place,
    },
    /// The database belongs to another store.
    #[error(
        "{path} belongs to the store `{found}`, but the configuration says `{asked}`. It was not \
         changed. Correct the configuration, or use another directory for the new store"
    )]
    OtherStore {
        /// The file.
        path: PathBuf,
        /// Whose it is.
        found: String,
        /// What was asked for.
        asked: String,
    },
    /// A file can't be used.
    #[error("can't {what} {path}: {source}")]
    Io {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// SQLite said no.
    #[error("can't {what} {path}: {source}")]
    Sqlite {
        /// What was tried.
        what: &'static str,
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: rusqlite::Error,
    },
    /// The tables can't be read.
    #[error("can't read {path}: {source}")]
    Table {
        /// With which file.
        path: PathBuf,
        /// Why not.
        source: TableError,
    },
    /// The kernel gave no randomness for a key.
    #[error("no randomness for this PC's new identity: {source}")]
    Entropy {
        /// Why not.
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(what: &'static str, path: PathBuf, source: io::Error) -> Self {
        Self::Io { what, path, source }
    }

    /// Sorts what SQLite says about a file.
    pub(super) fn sqlite(
        what: &'static str,
        path: PathBuf,
    ) -> impl FnOnce(rusqlite::Error) -> Self {
        move |source| match source.sqlite_error_code() {
            Some(ErrorCode::NotADatabase) => Self::NotALedger { path },
            Some(ErrorCode::DatabaseCorrupt) => Self::Corrupt {
                path,
                detail: source.to_string(),
            },
            _ => Self::Sqlite { what, path, source },
        }
    }

    pub(super) fn table(path: PathBuf, source: TableError) -> Self {
        match source {
            TableError::Sqlite(source) => Self::sqlite("read", path)(source),
            source => Self::Table { path, source },
        }
    }
}
