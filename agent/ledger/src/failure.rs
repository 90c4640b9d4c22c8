//! How a statement can fail, and what the writer may do about each way.
//!
//! The one place that sorts SQLite's codes: full, fatal, or the job's own fault. A failed sync is
//! fatal by design: after it nobody knows what the disk holds, so the connection is closed and
//! the database verified; it must never be retried on the same handle.

use std::error::Error;

use rusqlite::ErrorCode;

/// Why a whole group of jobs was not committed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Failure {
    /// No space; the ballast may help.
    Full,
    /// Reading, writing or syncing failed, or the file is damaged.
    Fatal,
    /// Another connection held a lock for longer than the time-out.
    Busy,
    /// SQLite refused the transaction for another reason.
    Other,
}

/// Sorts a code.
pub(crate) fn of_code(code: ErrorCode) -> Failure {
    match code {
        ErrorCode::DiskFull => Failure::Full,
        ErrorCode::SystemIoFailure
        | ErrorCode::DatabaseCorrupt
        | ErrorCode::NotADatabase
        | ErrorCode::CannotOpen
        | ErrorCode::OutOfMemory
        | ErrorCode::ReadOnly => Failure::Fatal,
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Failure::Busy,
        _ => Failure::Other,
    }
}

/// Sorts an error by the SQLite error in its chain, if there is one.
pub(crate) fn of_error(error: &(dyn Error + 'static)) -> Option<Failure> {
    let mut next = Some(error);
    while let Some(error) = next {
        let sqlite = error.downcast_ref::<rusqlite::Error>();
        if let Some(code) = sqlite.and_then(rusqlite::Error::sqlite_error_code) {
            return Some(of_code(code));
        }
        next = error.source();
    }
    None
}
