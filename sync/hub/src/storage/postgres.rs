//! The hub's storage in PostgreSQL, or a database that speaks its wire.
//!
//! Several workers may use one database. Transactions run at READ COMMITTED and lock the rows of
//! the stores that they touch, in one order, before they read anything of them (`work`): a store's
//! documents are folded by one worker at a time, different stores by different workers at once.
//! A database that is always SERIALIZABLE gives the same and answers 40001 where two workers meet;
//! that, a deadlock and a lost connection are [transient](PostgresError::is_transient), and the
//! caller tries the whole transaction again.

mod catalogue;
mod closing;
mod counts;
mod documents;
mod error;
mod expect;
mod flush;
mod fold;
mod listing;
mod machine;
mod nodes;
mod row;
mod schema;
mod session;
mod shop;
mod sources;
mod view;
mod work;

use shelf_ledger::tables::StoreKey;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;

pub use error::PostgresError;
pub use schema::SCHEMA_VERSION;
pub use shop::PostgresShop;

use super::{Read, Reader, Source, Storage, StorageError, Transaction};
use crate::catalogue::import::Import;
use crate::catalogue::table::{ImportReport, Published};
use crate::seen::Seen;
use session::Session;
use work::Work;

/// The connection that writes.
#[derive(Debug)]
pub struct PostgresStorage {
    url: String,
    session: Session,
}

impl PostgresStorage {
    /// Connects to `postgres://…`, and brings the tables up to date. As everything here it waits,
    /// so it must not be called inside an asynchronous function.
    pub fn open(url: &str) -> Result<Self, StorageError> {
        let session = Session::connect(url)?;
        schema::migrate(&session)?;
        Ok(Self {
            url: url.to_owned(),
            session,
        })
    }

    /// Begins a transaction.
    pub fn transaction(&mut self) -> Result<PostgresTransaction<'_>, StorageError> {
        if self.session.is_closed() {
            self.session = Session::connect(&self.url)?;
        }
        self.session.batch("BEGIN ISOLATION LEVEL READ COMMITTED")?;
        Ok(PostgresTransaction {
            work: Work::new(&self.session, false),
            committed: false,
        })
    }
}

impl Storage for PostgresStorage {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StorageError> {
        Ok(Box::new(self.transaction()?))
    }
}

/// A transaction, which a reader's session gives only to read from.
#[derive(Debug)]
pub struct PostgresTransaction<'s> {
    work: Work<'s>,
    committed: bool,
}

impl PostgresTransaction<'_> {
    /// A shop with everything that is folded of it.
    pub fn folding_shop(&self, store: StoreKey) -> PostgresShop<'_, '_> {
        PostgresShop::new(&self.work, store)
    }
}

impl Drop for PostgresTransaction<'_> {
    fn drop(&mut self) {
        if !self.committed && !self.work.session.is_closed() {
            // What was sent is undone, whether or not it went well.
            drop(self.work.session.confirm());
            // Where this fails the connection is lost, which undoes the transaction too.
            drop(self.work.session.batch("ROLLBACK"));
        }
    }
}

impl Transaction for PostgresTransaction<'_> {
    fn claim(&self, tenant: &str, names: &[&str]) -> Result<(), StorageError> {
        nodes::claim(&self.work, tenant, names)
    }

    fn store_key(&self, tenant: &str, name: &str) -> Result<StoreKey, StorageError> {
        nodes::store_key(&self.work, tenant, name)
    }

    fn heard(&self, store: StoreKey, node: NodeId, now: Timestamp) -> Result<(), StorageError> {
        nodes::heard(&self.work, store, node, now)
    }

    fn reported(&self, store: StoreKey, node: NodeId, seen: &Seen) -> Result<(), StorageError> {
        nodes::reported(&self.work, store, node, seen)
    }

    fn import(
        &self,
        import: &Import,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<ImportReport, StorageError> {
        catalogue::import(&self.work, import, now, dry_run)
    }

    fn publish(&self, published: &Published) -> Result<(), StorageError> {
        catalogue::publish(&self.work, published)
    }

    fn set_note(&self, kind: &str, key: &str, value: Option<&[u8]>) -> Result<(), StorageError> {
        nodes::set_note(&self.work, kind, key, value)
    }

    fn commit(mut self: Box<Self>) -> Result<(), StorageError> {
        self.work.flush()?;
        self.work.session.confirm()?;
        self.work.session.batch("COMMIT")?;
        self.committed = true;
        Ok(())
    }
}

/// Opens connections that only read.
#[derive(Debug)]
pub struct PostgresSource(String);

impl PostgresSource {
    /// Of `postgres://…`.
    #[must_use]
    pub fn new(url: &str) -> Self {
        Self(url.to_owned())
    }
}

impl Source for PostgresSource {
    fn open(&self) -> Result<Box<dyn Reader>, StorageError> {
        let session = Session::connect(&self.0)?;
        Ok(Box::new(PostgresReader {
            url: self.0.clone(),
            session,
        }))
    }
}

struct PostgresReader {
    url: String,
    session: Session,
}

impl Reader for PostgresReader {
    fn read(&mut self, read: Read<'_>) -> Result<(), StorageError> {
        if self.session.is_closed() {
            self.session = Session::connect(&self.url)?;
        }
        self.session
            .batch("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        let moment = PostgresTransaction {
            work: Work::new(&self.session, true),
            committed: false,
        };
        read(&moment);
        Ok(())
    }
}
