//! Read-only connections for everything that asks and never changes.
//!
//! A few connections are kept and shared; each read runs on a blocking thread inside one
//! transaction, so that a page is of one moment whatever the writer does meanwhile.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, TransactionBehavior};
use tokio::sync::Semaphore;

use crate::database;

/// Reads at the same time; more of them wait.
pub const READERS_MAX: usize = 4;

/// A read gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// SQLite said no.
    #[error("the hub's database can't be read")]
    Database(#[source] rusqlite::Error),
    /// The hub is being stopped, or the read panicked.
    #[error("the read was not finished")]
    Stopped,
}

/// The connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Readers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
    permits: Arc<Semaphore>,
}

impl Readers {
    /// Readers of a database file; connections are opened when they are needed.
    #[must_use]
    pub fn new(path: PathBuf) -> Self {
        Self {
            shared: Arc::new(Shared {
                path,
                idle: Mutex::new(Vec::new()),
                permits: Arc::new(Semaphore::new(READERS_MAX)),
            }),
        }
    }

    /// Runs `read` on a blocking thread inside one read transaction.
    pub async fn read<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E> + Send + 'static,
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
        read: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, ReadError> {
        self.read(read).await?.map_err(ReadError::Database)
    }
}

impl Shared {
    fn run<T, E>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, E>,
    ) -> Result<Result<T, E>, ReadError> {
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => database::open_reader(&self.path).map_err(ReadError::Database)?,
        };
        let transaction = connection
            .transaction_with_behavior(TransactionBehavior::Deferred)
            .map_err(ReadError::Database)?;
        let result = read(&transaction);
        transaction.finish().map_err(ReadError::Database)?;
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
        Ok(result)
    }
}
