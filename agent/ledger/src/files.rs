//! The files of one ledger directory and everything done to them without SQLite.
//!
//! `ledger.db` (+ `-wal`, `-shm`), `ledger.lock`, `ballast`. This module owns the exclusive lock,
//! the warm WAL and the ballast. It must never write to a `-wal` that has content (that would
//! wipe committed sales after a crash), never without holding the lock, and never delete or
//! overwrite a database.
#![allow(
    clippy::disallowed_methods,
    reason = "the ledger owns the files of its directory; every error names the path"
)]

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes written at a time when zeros are laid down.
const ZEROS_CHUNK_BYTES: usize = 1 << 20;
/// The first bytes of every SQLite database.
const SQLITE_MAGIC: &[u8; 16] = b"SQLite format 3\0";

/// Where the files of a ledger are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paths {
    dir: PathBuf,
}

/// What stands where the database should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Found {
    /// Nothing: a new ledger may be made.
    Nothing,
    /// No database, but a WAL with content: somebody removed the database.
    OrphanWal,
    /// A file that starts as a database does.
    Database,
    /// Something else.
    Foreign,
}

/// Holds the directory for this process until dropped.
#[derive(Debug)]
pub(crate) struct DirLock {
    _file: File,
}

impl Paths {
    /// The files of a ledger in this directory.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        Self { dir: dir.into() }
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The database.
    pub fn database(&self) -> PathBuf {
        self.dir.join("ledger.db")
    }

    /// Its write-ahead log.
    pub fn wal(&self) -> PathBuf {
        self.dir.join("ledger.db-wal")
    }

    /// A database in the making, renamed when complete.
    pub(crate) fn unfinished(&self) -> PathBuf {
        self.dir.join("ledger.db.new")
    }

    /// The file whose lock says that a process has the ledger open.
    pub fn lock(&self) -> PathBuf {
        self.dir.join("ledger.lock")
    }

    /// The space kept in reserve for a full disk.
    pub fn ballast(&self) -> PathBuf {
        self.dir.join("ballast")
    }

    /// Makes the directory (mode 0700) where it is missing.
    pub(crate) fn make_dir(&self) -> io::Result<()> {
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.dir)
    }

    /// Takes the exclusive lock; `None` where another process has it.
    pub(crate) fn try_lock(&self) -> io::Result<Option<DirLock>> {
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.lock())?;
        match file.try_lock() {
            Ok(()) => Ok(Some(DirLock { _file: file })),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error),
        }
    }

    /// Looks at what is there without changing it.
    pub(crate) fn look(&self) -> io::Result<Found> {
        let mut file = match File::open(self.database()) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Ok(if length(&self.wal())? > 0 && !self.wal_is_blank()? {
                    Found::OrphanWal
                } else {
                    Found::Nothing
                });
            }
            Err(error) => return Err(error),
        };
        let mut magic = [0; SQLITE_MAGIC.len()];
        match file.read_exact(&mut magic) {
            Ok(()) if &magic == SQLITE_MAGIC => Ok(Found::Database),
            Ok(()) => Ok(Found::Foreign),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(Found::Foreign),
            Err(error) => Err(error),
        }
    }

    fn wal_is_blank(&self) -> io::Result<bool> {
        let mut header = [0; 32];
        match File::open(self.wal())?.read_exact(&mut header) {
            Ok(()) => Ok(header == [0; 32]),
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Makes an empty file for a database in the making, readable by this user only.
    pub(crate) fn begin_database(&self) -> io::Result<()> {
        remove(&self.unfinished())?;
        new_file(&self.unfinished()).map(drop)
    }

    /// Puts a finished database in its place, durably.
    pub(crate) fn finish_database(&self) -> io::Result<()> {
        File::open(self.unfinished())?.sync_all()?;
        fs::rename(self.unfinished(), self.database())?;
        self.sync_dir()
    }

    pub(crate) fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    /// Lays down a WAL of zeros, so that no commit has to grow the file. Only where there is none
    /// or an empty one, and only for the holder of the lock. Says whether it did.
    pub(crate) fn warm_wal(&self, _held: &DirLock, bytes: u64) -> io::Result<bool> {
        if bytes == 0 || length(&self.wal())? > 0 {
            return Ok(false);
        }
        remove(&self.wal())?;
        let written = new_file(&self.wal()).and_then(|it| zeros(it, bytes));
        match written {
            Ok(()) => self.sync_dir().map(|()| true),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                // A cold WAL is slower, a missing one is no loss: zeros hold no sale.
                remove(&self.wal()).map(|()| false)
            }
            Err(error) => Err(error),
        }
    }

    /// Makes the ballast where it is missing. Says whether it stands.
    pub(crate) fn lay_ballast(&self, bytes: u64) -> io::Result<bool> {
        if bytes == 0 {
            return Ok(false);
        }
        if length(&self.ballast())? >= bytes {
            return Ok(true);
        }
        remove(&self.ballast())?;
        match new_file(&self.ballast()).and_then(|it| zeros(it, bytes)) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                remove(&self.ballast()).map(|()| false)
            }
            Err(error) => Err(error),
        }
    }

    /// Gives the ballast's space back to the disk. Says whether there was any.
    pub(crate) fn release_ballast(&self) -> io::Result<bool> {
        let there = length(&self.ballast())? > 0;
        remove(&self.ballast())?;
        Ok(there)
    }
}

/// Bytes of a file; 0 where there is none.
pub(crate) fn length(path: &Path) -> io::Result<u64> {
    match fs::metadata(path) {
        Ok(it) => Ok(it.len()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
        Err(error) => Err(error),
    }
}

/// Removes a file, if it is there.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A new file that only this user can read; fails where one stands already.
pub(crate) fn new_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// Makes a file's bytes durable and gives it another name in the same directory.
pub(crate) fn publish(from: &Path, to: &Path) -> io::Result<()> {
    File::open(from)?.sync_all()?;
    fs::rename(from, to)?;
    match to.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

/// Written, not merely allocated: unwritten extents cost as much at each sync as a growing file.
fn zeros(mut file: File, bytes: u64) -> io::Result<()> {
    let chunk = vec![0; ZEROS_CHUNK_BYTES];
    let mut left = bytes;
    while left > 0 {
        let now = usize::try_from(left).map_or(chunk.len(), |it| it.min(chunk.len()));
        file.write_all(chunk.get(..now).unwrap_or(&chunk))?;
        left = left.saturating_sub(now as u64);
    }
    file.sync_all()
}
