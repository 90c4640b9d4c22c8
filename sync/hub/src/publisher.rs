//! Turns a new revision of the catalogue into a file and tells the stores.
//!
//! Apart from the import itself, so that a full disk or a restart between the two only delays the
//! file: whatever is newer than the last published revision is published at the next chance.

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::Mutex;

use crate::catalogue::snapshot::{self, SnapshotError};
use crate::readers::{ReadError, Readers};
use crate::worker::{WorkerError, WorkerHandle};

/// The current revision could not be published.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The database can't be read.
    #[error("the catalogue can't be published: {0}")]
    Read(#[source] ReadError),
    /// The file could not be made.
    #[error("the catalogue can't be published: {0}")]
    Snapshot(#[source] SnapshotError),
    /// The writer didn't take it.
    #[error("the catalogue can't be published: {0}")]
    Worker(#[source] WorkerError),
}

/// Publishes one revision at a time. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Publisher {
    readers: Readers,
    worker: WorkerHandle,
    directory: PathBuf,
    turn: Arc<Mutex<()>>,
}

impl Publisher {
    /// Publishes into a directory.
    #[must_use]
    pub fn new(readers: Readers, worker: WorkerHandle, directory: PathBuf) -> Self {
        Self {
            readers,
            worker,
            directory,
            turn: Arc::default(),
        }
    }

    /// Publishes the current revision unless it is already; returns once stores are being told.
    pub async fn publish(&self) -> Result<(), PublishError> {
        let turn = self.turn.lock().await;
        let directory = self.directory.clone();
        let written = self.readers.read(move |view| {
            let current = view.catalogue_revision()?;
            let published = view.published(Some(current))?;
            if current == 0 || (published.is_some() && snapshot::is_there(&directory, current)) {
                return Ok(None);
            }
            let written = snapshot::write(view, &directory)?;
            match published {
                None => Ok(Some(written)),
                // Another worker published it: the same items make the same file.
                Some(published) if published == written => Ok(None),
                Some(_) => {
                    snapshot::remove(&directory, current)?;
                    Err(SnapshotError::OtherFile { revision: current })
                }
            }
        });
        let written = written.await.map_err(PublishError::Read)?;
        if let Some(published) = written.map_err(PublishError::Snapshot)? {
            tracing::info!(
                revision = published.revision,
                bytes = published.bytes,
                "catalogue published"
            );
            self.worker
                .published(published)
                .await
                .map_err(PublishError::Worker)?;
        }
        drop(turn);
        Ok(())
    }
}
