//! A revision of the catalogue as a file that PCs download.
//!
//! The file is zstd over JSON lines: first `{"format":1,"revision":N,"items":M}`, then one item
//! per line in the order of their numbers (the fields of `shelf_stock::item::Item`). A PC fetches
//! `/catalogue/N`, resumes with `Range`, and compares SHA-256 over the file with the hint's before
//! it uses a byte of it. Files are written whole or not at all; the last [`KEPT_FILES_MAX`] stay,
//! so that a download that is under way when prices change can end.

use std::io::Write;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use sha2::{Digest, Sha256};

use super::table::{self, Published};
use crate::platform::{self, FileError};

/// The format that the first line names.
pub const FORMAT: u32 = 1;
/// Files of older revisions that stay.
pub const KEPT_FILES_MAX: usize = 4;
/// Compression of the files: well beyond it the gain is small and the hub's CPU is not.
const ZSTD_LEVEL: i32 = 6;

/// The file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The catalogue could not be read.
    #[error("the catalogue can't be read from the database")]
    Database(#[source] rusqlite::Error),
    /// It could not be compressed.
    #[error("the catalogue can't be compressed")]
    Compress(#[source] std::io::Error),
    /// It could not be written.
    #[error("the catalogue's file can't be written")]
    File(#[source] FileError),
}

impl From<rusqlite::Error> for SnapshotError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Database(error)
    }
}

/// Where a revision's file is.
#[must_use]
pub fn path(directory: &Path, revision: u64) -> PathBuf {
    directory.join(format!("catalogue-{revision:012}.jsonl.zst"))
}

/// Writes the file of the current revision and removes the oldest ones. The connection must not
/// see other transactions meanwhile: the caller holds a read transaction.
pub fn write(connection: &Connection, directory: &Path) -> Result<Published, SnapshotError> {
    let revision = table::revision(connection)?;
    let items = table::item_count(connection)?;
    let mut encoder =
        zstd::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(SnapshotError::Compress)?;
    let header = format!("{{\"format\":{FORMAT},\"revision\":{revision},\"items\":{items}}}\n");
    encoder
        .write_all(header.as_bytes())
        .map_err(SnapshotError::Compress)?;
    table::for_each_body(connection, |body| {
        let written = encoder
            .write_all(body.as_bytes())
            .and_then(|()| encoder.write_all(b"\n"));
        written.map_err(SnapshotError::Compress)
    })?;
    let content = encoder.finish().map_err(SnapshotError::Compress)?;
    platform::create_directory(directory).map_err(SnapshotError::File)?;
    platform::write_whole(&path(directory, revision), &content).map_err(SnapshotError::File)?;
    remove_oldest(directory).map_err(SnapshotError::File)?;
    Ok(Published {
        revision,
        sha256: Sha256::digest(&content).into(),
        bytes: u64::try_from(content.len()).unwrap_or(u64::MAX),
    })
}

fn remove_oldest(directory: &Path) -> Result<(), FileError> {
    let is_snapshot = |it: &PathBuf| it.extension().is_some_and(|it| it == "zst");
    let files: Vec<PathBuf> = platform::list(directory)?
        .into_iter()
        .filter(is_snapshot)
        .collect();
    let old = files.len().saturating_sub(KEPT_FILES_MAX);
    files
        .iter()
        .take(old)
        .try_for_each(|it| platform::remove(it))
}
