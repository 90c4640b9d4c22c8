//! What the hub needs of a database, so that SQLite and PostgreSQL can stand behind one hub.
//!
//! [`Storage`] begins transactions for the one thread that writes; [`Source`] hands [`View`]s of
//! one moment to everything that only reads. A [`View`] gives the machines' view of a shop
//! ([`View::shop`], the trait of `shelf_replica`) beside what only a hub keeps: when PCs were
//! heard, the catalogue, and [notes](View::note) of its other parts. The storages hold rows and
//! must never decide: rules are in the machines, in the fold and in [`crate::catalogue`]. Every
//! storage passes one conformance suite (`tests/storage.rs`).

mod mapped;
pub mod postgres;
pub mod sqlite;

use shelf_ledger::tables::TableError;
use shelf_replica::store::{LogId, Store};
use shelf_stock::fold::Exception;
use shelf_stock::identity::{Digest, Head, NodeId};
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

pub use shelf_ledger::tables::StoreKey;

use crate::catalogue::import::Import;
use crate::catalogue::table::{Entry, ImportReport, Published};
use crate::seen::Seen;

/// The most bytes of a [note](View::note)'s value.
pub const NOTE_BYTES_MAX: usize = 1 << 20;

/// One transaction's or one moment's view of one shop.
pub type Shop<'a> = Box<dyn Store<Error = StorageError> + 'a>;

/// A transaction or a read can't go on: it must be rolled back.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// SQLite said no.
    #[error("the hub's database refused a statement: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The tables said no.
    #[error("the hub's tables refused a row: {0}")]
    Table(#[from] TableError),
    /// PostgreSQL said no, or is not there.
    #[error("PostgreSQL refused a statement: {0}")]
    Postgres(#[from] postgres::PostgresError),
    /// The system gave no runtime for a connection.
    #[error("the hub got no runtime for its database from the system")]
    Runtime(#[source] std::io::Error),
    /// A column holds what this program never wrote.
    #[error("the database's {what} is damaged: restore a backup; stores send again what it lacks")]
    Damaged {
        /// Which column.
        what: &'static str,
    },
    /// A newer program wrote it.
    #[error(
        "the hub's database has schema {found}; this program knows up to {known}: run the newer \
         version"
    )]
    TooNew {
        /// What the database says.
        found: i64,
        /// What this program knows.
        known: i64,
    },
    /// A document that must be there is not, or can't be read.
    #[error("document {place} of the database can't be read: restore a backup")]
    Document {
        /// Which.
        place: shelf_stock::identity::Place,
    },
    /// A document can't be written.
    #[error("a document can't be written")]
    Write(#[from] shelf_wire::sealed::WriteError),
    /// A value is too large.
    #[error("the {what} has {bytes} bytes, more than a storage takes")]
    TooLarge {
        /// Of what.
        what: &'static str,
        /// How many.
        bytes: usize,
    },
}

impl StorageError {
    /// Whether the same transaction may succeed if it is tried again as a whole: another one was
    /// in the way, or the connection was lost.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        matches!(self, Self::Postgres(error) if error.is_transient())
    }
}

/// A store of the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreRow {
    /// Its number.
    pub key: StoreKey,
    /// Whose it is.
    pub tenant: String,
    /// Its name, as in the topics.
    pub name: String,
}

/// A document as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDocument {
    /// Its number in the database; grows along its log.
    pub key: i64,
    /// The author.
    pub node: NodeId,
    /// SHA-256 of the bytes.
    pub digest: Digest,
    /// The author's bytes.
    pub bytes: Vec<u8>,
}

/// Which items of a store's stock.
#[derive(Clone, Copy, Debug)]
pub struct StockPage<'a> {
    /// Only items whose number or name contains this.
    pub search: Option<&'a str>,
    /// Only items with a number above this; empty: from the first.
    pub after: &'a str,
    /// At most so many.
    pub limit: usize,
}

/// What can be read at one moment.
pub trait View {
    /// Every store, by key.
    fn stores(&self) -> Result<Vec<StoreRow>, StorageError>;
    /// A store by its name.
    fn store_named(&self, name: &str) -> Result<Option<StoreKey>, StorageError>;
    /// The machines' view of a shop.
    fn shop(&self, store: StoreKey) -> Shop<'_>;

    /// When each PC of a store was heard and what it said, by PC.
    fn seen(&self, store: StoreKey) -> Result<Vec<(NodeId, Seen)>, StorageError>;
    /// The last document of each log of a store.
    fn tails(&self, store: StoreKey) -> Result<Vec<(LogId, Head)>, StorageError>;
    /// Documents of a store with keys above `after`, ascending; of one PC where it is named.
    fn documents(
        &self,
        store: StoreKey,
        node: Option<NodeId>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StorageError>;
    /// Items of a store that have a balance (of zero, too), by number.
    fn stock_items(
        &self,
        store: StoreKey,
        page: StockPage<'_>,
    ) -> Result<Vec<String>, StorageError>;
    /// Balances of an item that are not zero.
    fn balances(
        &self,
        store: StoreKey,
        item: &str,
    ) -> Result<Vec<(Location, Quantity)>, StorageError>;
    /// What somebody should look at in a store. Scans.
    fn exceptions(&self, store: StoreKey) -> Result<Vec<Exception>, StorageError>;

    /// The catalogue's revision; 0 before the first import.
    fn catalogue_revision(&self) -> Result<u64, StorageError>;
    /// Entries changed after a revision, in the order (revision, item), after the one named.
    fn catalogue_entries(
        &self,
        since: u64,
        after: Option<(u64, &str)>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError>;
    /// An item's name, where the catalogue has it.
    fn item_name(&self, item: &str) -> Result<Option<String>, StorageError>;
    /// An item's JSON, where the catalogue has it.
    fn item_body(&self, item: &str) -> Result<Option<String>, StorageError>;
    /// How many items the catalogue has.
    fn item_count(&self) -> Result<u64, StorageError>;
    /// Items' numbers and their JSON, by number, above `after`.
    fn item_bodies(&self, after: &str, limit: usize)
    -> Result<Vec<(String, String)>, StorageError>;
    /// The file of a revision, or of the newest one that has a file.
    fn published(&self, revision: Option<u64>) -> Result<Option<Published>, StorageError>;

    /// A durable value of one of the hub's parts (a channel, a lease), by kind and key.
    fn note(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StorageError>;
    /// Notes of a kind with keys above `after`, ascending.
    fn notes(
        &self,
        kind: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageError>;
}

/// A transaction that writes. Dropping it without a commit undoes it.
pub trait Transaction: View {
    /// Gives the stores that the transaction is about to touch, so that a storage with several
    /// writers can lock them in one order.
    fn claim(&self, tenant: &str, names: &[&str]) -> Result<(), StorageError>;
    /// A store's key, given one where it is new.
    fn store_key(&self, tenant: &str, name: &str) -> Result<StoreKey, StorageError>;
    /// A PC was heard.
    fn heard(&self, store: StoreKey, node: NodeId, now: Timestamp) -> Result<(), StorageError>;
    /// A PC reported its row.
    fn reported(&self, store: StoreKey, node: NodeId, seen: &Seen) -> Result<(), StorageError>;
    /// Puts the rows of an import in, as one revision; a dry run only says what would happen.
    fn import(
        &self,
        import: &Import,
        now: Timestamp,
        dry_run: bool,
    ) -> Result<ImportReport, StorageError>;
    /// Notes that a revision's file can be fetched.
    fn publish(&self, published: &Published) -> Result<(), StorageError>;
    /// Keeps a durable value; at most [`NOTE_BYTES_MAX`] bytes. `None` deletes it.
    fn set_note(&self, kind: &str, key: &str, value: Option<&[u8]>) -> Result<(), StorageError>;
    /// Makes everything durable.
    fn commit(self: Box<Self>) -> Result<(), StorageError>;
}

/// The database, for the one thread that writes.
pub trait Storage: Send + std::fmt::Debug {
    /// Begins a transaction. Connects again where the connection was lost.
    fn begin(&mut self) -> Result<Box<dyn Transaction + '_>, StorageError>;
}

/// Something that reads at one moment.
pub type Read<'a> = &'a mut dyn FnMut(&dyn View);

/// A connection that only reads.
pub trait Reader: Send {
    /// Runs `read` over one moment.
    fn read(&mut self, read: Read<'_>) -> Result<(), StorageError>;
}

/// Opens connections that only read.
pub trait Source: Send + Sync + std::fmt::Debug {
    /// Opens one.
    fn open(&self) -> Result<Box<dyn Reader>, StorageError>;
}
