//! The hub's only door to the clock, to randomness and to files.
//!
//! Everything else takes time and entropy as arguments and paths as opened readers, so that the
//! ingest can be tested without waiting and without luck. Errors carry the path. This module must
//! never hold policy: what a time or a file means is decided by its callers.
#![allow(
    clippy::disallowed_methods,
    reason = "the one module of the hub that reads the clock, draws randomness and opens files"
)]

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use shelf_stock::time::Timestamp;

/// A variable of the environment; `None` where it is not set or no text.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Both clocks at one moment.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// Milliseconds since the hub was started.
    pub mono_ms: u64,
    /// Wall time.
    pub wall: Timestamp,
}

/// A monotonic and a wall clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose monotonic part starts at zero now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    /// Milliseconds since this clock was started; never goes back.
    #[must_use]
    pub fn mono_ms(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// Microseconds since this clock was started; never goes back.
    #[must_use]
    pub fn mono_us(&self) -> u64 {
        u64::try_from(self.origin.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    /// Both, in milliseconds.
    #[must_use]
    pub fn now(&self) -> Moment {
        Moment {
            mono_ms: self.mono_ms(),
            wall: self.wall(),
        }
    }

    /// Wall time; may jump, and may be before 1970 where the clock is wrong.
    #[must_use]
    pub fn wall(&self) -> Timestamp {
        let millis = match SystemTime::now().duration_since(UNIX_EPOCH) {
            Ok(since) => i64::try_from(since.as_millis()).unwrap_or(i64::MAX),
            Err(before) => {
                i64::try_from(before.duration().as_millis()).map_or(i64::MIN, std::ops::Neg::neg)
            }
        };
        Timestamp::from_millis(millis)
    }
}

/// The system has no randomness to give.
#[derive(Debug, thiserror::Error)]
#[error("the system gave no randomness")]
pub struct EntropyError(#[source] getrandom::Error);

/// Eight random bytes as a number.
pub fn random_u64() -> Result<u64, EntropyError> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(EntropyError)?;
    Ok(u64::from_le_bytes(bytes))
}

/// A file or directory could not be used.
#[derive(Debug, thiserror::Error)]
#[error("can't {action} `{}`", path.display())]
pub struct FileError {
    /// What was tried.
    pub action: &'static str,
    /// With which file.
    pub path: PathBuf,
    #[source]
    source: io::Error,
}

impl FileError {
    fn new(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        move |source| Self {
            action,
            path: path.to_owned(),
            source,
        }
    }

    /// Whether the file is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Reads a whole text file of at most `bytes_max` bytes.
pub fn read_text(path: &Path, bytes_max: u64) -> Result<String, FileError> {
    let error = FileError::new("read", path);
    let size = match fs::metadata(path) {
        Ok(it) => it.len(),
        Err(source) => return Err(error(source)),
    };
    if size > bytes_max {
        return Err(error(io::Error::other(format!(
            "it has {size} bytes; at most {bytes_max} are read"
        ))));
    }
    fs::read_to_string(path).map_err(FileError::new("read", path))
}

/// Creates a directory and those above it.
pub fn create_directory(path: &Path) -> Result<(), FileError> {
    fs::create_dir_all(path).map_err(FileError::new("create the directory", path))
}

/// Opens a file for reading.
pub fn open(path: &Path) -> Result<fs::File, FileError> {
    fs::File::open(path).map_err(FileError::new("open", path))
}

/// Writes a file so that its name points at either the old or the whole new content.
pub fn write_whole(path: &Path, content: &[u8]) -> Result<(), FileError> {
    let partial = path.with_extension("partial");
    let written = fs::File::create(&partial).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    written.map_err(FileError::new("write", &partial))?;
    fs::rename(&partial, path).map_err(FileError::new("write", path))
}

/// The files of a directory by name, sorted.
pub fn list(path: &Path) -> Result<Vec<PathBuf>, FileError> {
    let entries = fs::read_dir(path).map_err(FileError::new("list", path))?;
    let mut paths = Vec::new();
    for entry in entries {
        paths.push(entry.map_err(FileError::new("list", path))?.path());
    }
    paths.sort();
    Ok(paths)
}

/// Removes a file.
pub fn remove(path: &Path) -> Result<(), FileError> {
    fs::remove_file(path).map_err(FileError::new("remove", path))
}
