//! One store's tables without a file: the same SQL for simulations, which have disks of their own.
//!
//! What is written is as durable as the process. Nothing but a simulation may keep anything here.

use rusqlite::Connection;
use rusqlite::backup::Backup;
use shelf_stock::fold::Rules;

use crate::schema;
use crate::tables::{StoreKey, TableError, Tables};

/// One store in memory.
#[derive(Debug)]
pub struct InMemory {
    connection: Connection,
    store: StoreKey,
}

impl InMemory {
    /// An empty store.
    pub fn new(tenant: &str, store: &str) -> Result<Self, TableError> {
        let mut connection = Connection::open_in_memory()?;
        schema::migrate(&mut connection)?;
        let store = Tables::store_key(&connection, tenant, store)?;
        Ok(Self { connection, store })
    }

    /// A copy of what is committed.
    pub fn copy(&self) -> Result<Self, TableError> {
        let mut connection = Connection::open_in_memory()?;
        Backup::new(&self.connection, &mut connection)?.step(-1)?;
        Ok(Self {
            connection,
            store: self.store,
        })
    }

    /// Looks at what is committed.
    pub fn read<R>(
        &self,
        look: impl FnOnce(&Tables<'_>) -> Result<R, TableError>,
    ) -> Result<R, TableError> {
        look(&Tables::new(&self.connection, self.store, Rules::default()))
    }

    /// One transaction, which is then committed or rolled back.
    pub fn transact<R>(
        &mut self,
        commit: bool,
        work: impl FnOnce(&mut Tables<'_>) -> Result<R, TableError>,
    ) -> Result<R, TableError> {
        let transaction = self.connection.transaction()?;
        let done = work(&mut Tables::new(&transaction, self.store, Rules::default()))?;
        match commit {
            true => transaction.commit()?,
            false => transaction.rollback()?,
        }
        Ok(done)
    }
}
