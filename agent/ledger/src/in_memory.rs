//! One store's tables without a file: the same SQL for simulations, which have disks of their own.
//!
//! What is written is as durable as the process. Nothing but a simulation may keep anything here.

use rusqlite::backup::Backup;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use shelf_stock::fold::Rules;

use crate::schema;
use crate::tables::{StoreKey, TableError, Tables};

/// Every statement that the tables know stays prepared.
const STATEMENTS_MAX: usize = 256;

/// One store in memory.
#[derive(Debug)]
pub struct InMemory {
    connection: Connection,
    store: StoreKey,
    changes_told: u64,
}

impl InMemory {
    /// An empty store.
    pub fn new(tenant: &str, store: &str) -> Result<Self, TableError> {
        let mut connection = open()?;
        schema::migrate(&mut connection)?;
        let store = Tables::store_key(&connection, tenant, store)?;
        Ok(Self {
            connection,
            store,
            changes_told: 0,
        })
    }

    /// A copy of what is committed.
    pub fn copy(&self) -> Result<Self, TableError> {
        let mut connection = open()?;
        Backup::new(&self.connection, &mut connection)?.step(-1)?;
        Ok(Self {
            connection,
            store: self.store,
            changes_told: 0,
        })
    }

    /// Whether anything was written since this was asked last, by what is committed or not.
    pub fn take_changed(&mut self) -> bool {
        let changes = self.connection.total_changes();
        std::mem::replace(&mut self.changes_told, changes) != changes
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

/// A connection that one thread uses, with nothing on a disk to wait for.
fn open() -> Result<Connection, TableError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
        | OpenFlags::SQLITE_OPEN_CREATE
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(":memory:", flags)?;
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    // As the ledger's own connections: plans don't depend on what is bound, so nothing is planned twice.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}
