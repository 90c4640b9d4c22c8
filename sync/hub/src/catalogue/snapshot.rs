//! A revision of the catalogue as a file that PCs download.
//!
//! The file is zstd over JSON lines: first `{"format":1,"revision":N,"items":M}`, then one item
//! per line in the order of their numbers (the fields of `shelf_stock::item::Item`). A PC fetches
//! `/catalogue/N`, resumes with `Range`, and compares SHA-256 over the file with the hint's before
//! it uses a byte of it. Files are written whole or not at all; the last [`KEPT_FILES_MAX`] stay,
//! so that a download that is under way when prices change can end.

use std::io::Write;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::table::Published;
use crate::platform::{self, FileError};
use crate::storage::{StorageError, View};

/// The format that the first line names.
pub const FORMAT: u32 = 1;
/// Files of older revisions that stay.
pub const KEPT_FILES_MAX: usize = 4;
/// Compression of the files: well beyond it the gain is small and the hub's CPU is not.
const ZSTD_LEVEL: i32 = 6;
/// Items that are read at once.
const BODIES_READ_MAX: usize = 4_096;

/// The file could not be made.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The catalogue could not be read.
    #[error("the catalogue can't be read from the database")]
    Database(#[source] StorageError),
    /// It could not be compressed.
    #[error("the catalogue can't be compressed")]
    Compress(#[source] std::io::Error),
    /// Another worker's program makes another file of the same items.
    #[error("revision {revision} was published by a worker of another version: run one version")]
    OtherFile {
        /// Which revision.
        revision: u64,
    },
    /// It could not be written.
    #[error("the catalogue's file can't be written")]
    File(#[source] FileError),
}

impl From<StorageError> for SnapshotError {
    fn from(error: StorageError) -> Self {
        Self::Database(error)
    }
}

/// Where a revision's file is.
#[must_use]
pub fn path(directory: &Path, revision: u64) -> PathBuf {
    directory.join(format!("catalogue-{revision:012}.jsonl.zst"))
}

/// Whether a revision's file is there.
#[must_use]
pub fn is_there(directory: &Path, revision: u64) -> bool {
    platform::open(&path(directory, revision)).is_ok()
}

/// Removes a revision's file.
pub fn remove(directory: &Path, revision: u64) -> Result<(), SnapshotError> {
    platform::remove(&path(directory, revision)).map_err(SnapshotError::File)
}

/// Writes the file of the current revision and removes the oldest ones. The view is of
/// one moment, so that the file is whole.
pub fn write(view: &dyn View, directory: &Path) -> Result<Published, SnapshotError> {
    let revision = view.catalogue_revision()?;
    let items = view.item_count()?;
    let mut encoder =
        zstd::Encoder::new(Vec::new(), ZSTD_LEVEL).map_err(SnapshotError::Compress)?;
    let header = format!("{{\"format\":{FORMAT},\"revision\":{revision},\"items\":{items}}}\n");
    encoder
        .write_all(header.as_bytes())
        .map_err(SnapshotError::Compress)?;
    let mut after = String::new();
    loop {
        let bodies = view.item_bodies(&after, BODIES_READ_MAX)?;
        for (_, body) in &bodies {
            let written = encoder
                .write_all(body.as_bytes())
                .and_then(|()| encoder.write_all(b"\n"));
            written.map_err(SnapshotError::Compress)?;
        }
        match bodies.into_iter().next_back() {
            Some((last, _)) => after = last,
            None => break,
        }
    }
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
