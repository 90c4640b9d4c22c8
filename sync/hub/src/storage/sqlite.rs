//! The hub's storage in one SQLite file beside it.
//!
//! The tables of documents are the ledger's own (`shelf_ledger::tables`), the others are in
//! [`crate::database`]. One connection writes, with `synchronous=FULL`; others read.

mod catalogue;
mod nodes;
mod view;

pub(super) use view::pattern;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::{Connection, TransactionBehavior};
use shelf_ledger::hosting::Hosted;
use shelf_ledger::tables::{Committed, Tables, Waiting, Words};
use shelf_stock::fold::Rules;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;

use super::{
    NOTE_BYTES_MAX, Read, Reader, Source, Storage, StorageError, StoreKey, Transaction, View,
};
use crate::catalogue::import::Import;
use crate::catalogue::table::{self, ImportReport, Published};
use crate::database::{self, DatabaseError};
use crate::seen::Seen;

/// The file, its lock and the connection that writes.
#[derive(Debug)]
pub struct SqliteStorage {
    hosted: Hosted,
    words: Words,
    waiting: Waiting,
}

impl SqliteStorage {
    /// Opens the database of a data directory, made where it is missing.
    pub fn open(data: &Path) -> Result<Self, DatabaseError> {
        Ok(Self {
            hosted: database::open_writer(data)?,
            words: Words::of_writer(Arc::new(Committed::default())),
            waiting: Waiting::default(),
        })
    }
}

impl Storage for SqliteStorage {
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StorageError> {
        // What an earlier transaction saw and did not commit is no longer so.
        self.words.forget();
        self.waiting.forget();
        let connection = &mut self.hosted.connection;
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        Ok(Box::new(Writing {
            transaction,
            words: &self.words,
            waiting: &self.waiting,
        }))
    }
}

/// A transaction on the connection that writes.
struct Writing<'c> {
    transaction: rusqlite::Transaction<'c>,
    words: &'c Words,
    waiting: &'c Waiting,
}

/// What both kinds of connection can read.
trait Readable {
    fn connection(&self) -> &Connection;
    fn tables(&self, store: StoreKey) -> Tables<'_>;
}

impl Readable for Writing<'_> {
    fn connection(&self) -> &Connection {
        &self.transaction
    }

    fn tables(&self, store: StoreKey) -> Tables<'_> {
        let rules = Rules::default();
        Tables::with_words(&self.transaction, store, rules, self.words).gathering(self.waiting)
    }
}

impl Transaction for Writing<'_> {
    /// There is one writer: nothing to lock.
    fn claim(&self, _: &str, _: &[&str]) -> Result<(), StorageError> {
        Ok(())
    }

    fn store_key(&self, tenant: &str, name: &str) -> Result<StoreKey, StorageError> {
        Ok(Tables::store_key(&self.transaction, tenant, name)?)
    }

    fn heard(&self, store: StoreKey, node: NodeId, now: Timestamp) -> Result<(), StorageError> {
        Ok(nodes::heard(&self.transaction, store, node, now)?)
    }

    fn reported(&self, store: StoreKey, node: NodeId, seen: &Seen) -> Result<(), StorageError> {
        Ok(nodes::reported(&self.transaction, store, node, seen)?)
    }

    fn import(
        &self,
        import: &Import,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<ImportReport, StorageError> {
        let mut rows = catalogue::Rows(&self.transaction);
        if !dry_run {
            return table::apply(&mut rows, import, now, dry_run);
        }
        self.transaction.execute_batch("SAVEPOINT dry_run")?;
        let report = table::apply(&mut rows, import, now, dry_run);
        self.transaction
            .execute_batch("ROLLBACK TO dry_run; RELEASE dry_run")?;
        report
    }

    fn publish(&self, published: &Published) -> Result<(), StorageError> {
        Ok(catalogue::publish(&self.transaction, published)?)
    }

    fn set_note(&self, kind: &str, key: &str, value: Option<&[u8]>) -> Result<(), StorageError> {
        let bytes = value.map_or(0, <[u8]>::len);
        if bytes > NOTE_BYTES_MAX {
            return Err(StorageError::TooLarge {
                what: "note",
                bytes,
            });
        }
        Ok(nodes::set_note(&self.transaction, kind, key, value)?)
    }

    fn commit(self: Box<Self>) -> Result<(), StorageError> {
        self.waiting.settle(&self.transaction)?;
        self.transaction.commit()?;
        self.words.settle();
        Ok(())
    }
}

/// Opens connections that only read a file.
#[derive(Debug)]
pub struct SqliteSource(PathBuf);

impl SqliteSource {
    /// Of a data directory.
    #[must_use]
    pub fn new(data: &Path) -> Self {
        Self(database::path(data))
    }
}

impl Source for SqliteSource {
    fn open(&self) -> Result<Box<dyn Reader>, StorageError> {
        Ok(Box::new(SqliteReader(database::open_reader(&self.0)?)))
    }
}

struct SqliteReader(Connection);

struct Moment<'c>(rusqlite::Transaction<'c>);

impl Readable for Moment<'_> {
    fn connection(&self) -> &Connection {
        &self.0
    }

    fn tables(&self, store: StoreKey) -> Tables<'_> {
        Tables::new(&self.0, store, Rules::default())
    }
}

impl Reader for SqliteReader {
    fn read(&mut self, read: Read<'_>) -> Result<(), StorageError> {
        let transaction = self
            .0
            .transaction_with_behavior(TransactionBehavior::Deferred)?;
        let moment = Moment(transaction);
        read(&moment as &dyn View);
        moment.0.finish()?;
        Ok(())
    }
}
