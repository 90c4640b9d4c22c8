//! The hub's storage in PostgreSQL, or a database that speaks its wire.

mod error;
mod session;

pub use error::PostgresError;

use super::{Reader, Source, Storage, StorageError, Transaction};

/// The connection that writes.
#[derive(Debug)]
pub struct PostgresStorage {
    session: session::Session,
}

impl PostgresStorage {
    /// Connects, and brings the tables up to date.
    pub fn open(url: &str) -> Result<Self, StorageError> {
        let session = session::Session::connect(url)?;
        Ok(Self { session })
    }
}

impl Storage for PostgresStorage {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StorageError> {
        self.session.batch("BEGIN")?;
        Err(StorageError::Damaged { what: "stub" })
    }
}

/// Opens connections that only read.
#[derive(Debug)]
pub struct PostgresSource(String);

impl PostgresSource {
    /// Of a database.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl Source for PostgresSource {
    fn open(&self) -> Result<Box<dyn Reader>, StorageError> {
        Err(StorageError::Damaged { what: "stub" })
    }
}
