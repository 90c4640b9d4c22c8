//! Read-only connections for everything that asks and never changes.
//!
//! A few connections are kept and shared; each read runs on a blocking thread over one moment of
//! the database, so that a page is whole whatever the writer does meanwhile.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::Semaphore;

use crate::storage::{Reader, Source, StorageError, View};

/// Reads at the same time; more of them wait.
pub const READERS_MAX: usize = 4;

/// A read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The database said no.
    #[error("the hub's database can't be read")]
    Database(#[source] StorageError),
    /// The hub is being stopped, or the read panicked.
    #[error("the read was not finished")]
    Stopped,
}

/// The connections. Cheap to clone.
#[derive(Clone)]
pub struct Readers {
    shared: Arc<Shared>,
}

struct Shared {
    source: Box<dyn Source>,
    idle: Mutex<Vec<Box<dyn Reader>>>,
    permits: Arc<Semaphore>,
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Readers").field(&self.shared.source).finish()
    }
}

impl Readers {
    /// Readers of a database; connections are opened when they are needed.
    #[must_use]
    pub fn new(source: Box<dyn Source>) -> Self {
        Self {
            shared: Arc::new(Shared {
                source,
                idle: Mutex::new(Vec::new()),
                permits: Arc::new(Semaphore::new(READERS_MAX)),
            }),
        }
    }

    /// Runs `read` on a blocking thread over one moment.
    pub async fn read<T, E>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T, E> + Send + 'static,
    ) -> Result<Result<T, E>, ReadError>
    where
        T: Send + 'static,
        E: Send + 'static,
    {
        let permits = Arc::clone(&self.shared.permits);
        let permit = permits
            .acquire_owned()
            .await
            .map_err(|_| ReadError::Stopped)?;
        let shared = Arc::clone(&self.shared);
        let task = tokio::task::spawn_blocking(move || {
            let result = shared.run(read);
            drop(permit);
            result
        });
        task.await.map_err(|_| ReadError::Stopped)?
    }

    /// As [`Readers::read`], for reads that can fail only in the database.
    pub async fn query<T: Send + 'static>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T, StorageError> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.read(read).await?.map_err(ReadError::Database)
    }
}

impl Shared {
    fn run<T, E>(
        &self,
        read: impl FnOnce(&dyn View) -> Result<T, E>,
    ) -> Result<Result<T, E>, ReadError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut reader = match idle {
            Some(reader) => reader,
            None => self.source.open().map_err(ReadError::Database)?,
        };
        let mut read = Some(read);
        let mut result = None;
        reader
            .read(&mut |view| result = read.take().map(|it| it(view)))
            .map_err(ReadError::Database)?;
        let result = result.ok_or(ReadError::Stopped)?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(reader);
        Ok(result)
    }
}
