//! The tables of documents and of what is folded from them, partitioned by store.
//!
//! The ledger of a PC and the storage of the hub are the same tables: neither side copies the
//! other (a PC has one store key, a hub many). Everything here works on one connection inside a
//! transaction that the caller holds; nothing here begins, commits or decides when. The fold's
//! rules are in `shelf_stock`: this module stores rows and must never interpret them.

mod closing;
mod counts;
mod documents;
mod fold_store;
mod listing;
mod machine;
mod movements;
mod remembered;
mod replica;
mod sources;
mod waiting;
mod words;

use std::cell::Cell;
use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params, Row};
use shelf_stock::fold::Rules;
use shelf_stock::identity::{Incarnation, NodeId, Place};
use shelf_wire::document::DecodeError;
use shelf_wire::sealed::{Sealed, WriteError};

pub use documents::{AUTHORS_MAX, DocumentKey};
pub use remembered::{Committed, WORDS_REMEMBERED_MAX, Words};
pub use waiting::{WAITING_ROWS_MAX, Waiting};

/// The store's number in this database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreKey(pub i64);

/// A row can't be read or written.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// SQLite said no.
    #[error("the ledger's database refused a statement: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// A document that must be there is not.
    #[error("document {place} is missing from the ledger: run `shelfd check --deep`")]
    Missing {
        /// Which.
        place: Place,
    },
    /// A stored document can't be read.
    #[error("document {place} in the ledger can't be read: run `shelfd check --deep`")]
    Document {
        /// Which.
        place: Place,
        /// Why.
        #[source]
        source: DecodeError,
    },
    /// A document can't be stored.
    #[error("a document can't be written")]
    Write(#[from] WriteError),
    /// A column holds what this program never wrote.
    #[error("the ledger's {what} is damaged: run `shelfd check --deep`")]
    Damaged {
        /// Which column.
        what: &'static str,
    },
    /// A number outside of what the tables can hold.
    #[error("the {what} is outside of what the ledger can hold")]
    Range {
        /// Which number.
        what: &'static str,
    },
}

/// One store's tables on one connection, inside the caller's transaction.
#[derive(Debug)]
pub struct Tables<'c> {
    connection: &'c Connection,
    store: StoreKey,
    rules: Rules,
    /// The exact bytes of the document that is being folded.
    current: Option<Sealed>,
    /// The words that the connection's holder remembers; without one, those of this transaction.
    kept_words: Option<&'c Words>,
    own_words: Words,
    /// While one document is folded: what it adds to balances, written when it is done.
    sums: Option<BTreeMap<(i64, i64), i64>>,
    /// Where rows wait in a transaction of many documents.
    waiting: Option<&'c Waiting>,
    /// The log that was asked for last. Lives as long as the caller's transaction at most.
    last_author: Cell<Option<(NodeId, Incarnation, i64)>>,
    /// How far the log that was asked for last is closed. Lives as long.
    last_closed: Cell<Option<(i64, closing::ClosedEnd)>>,
}

impl<'c> Tables<'c> {
    /// The tables of one store.
    pub fn new(connection: &'c Connection, store: StoreKey, rules: Rules) -> Self {
        Self {
            connection,
            store,
            rules,
            current: None,
            kept_words: None,
            own_words: Words::default(),
            sums: None,
            waiting: None,
            last_author: Cell::new(None),
            last_closed: Cell::new(None),
        }
    }

    /// As [`Tables::new`], with the words that the connection's holder remembers.
    pub fn with_words(
        connection: &'c Connection,
        store: StoreKey,
        rules: Rules,
        words: &'c Words,
    ) -> Self {
        Self {
            kept_words: Some(words),
            ..Self::new(connection, store, rules)
        }
    }

    /// The same tables, where rows wait. The caller settles what [waits](Waiting) before its commit.
    #[must_use]
    pub fn gathering(self, waiting: &'c Waiting) -> Self {
        Self {
            waiting: Some(waiting),
            ..self
        }
    }

    /// The store's key for its tenant and name; given a number where it is new.
    pub fn store_key(
        connection: &Connection,
        tenant: &str,
        name: &str,
    ) -> Result<StoreKey, TableError> {
        connection
            .prepare_cached(
                "INSERT INTO store (tenant, name) VALUES (?1, ?2) ON CONFLICT DO NOTHING",
            )?
            .execute([tenant, name])?;
        let key = connection
            .prepare_cached("SELECT key FROM store WHERE tenant = ?1 AND name = ?2")?
            .query_row([tenant, name], |row| row.get(0))?;
        Ok(StoreKey(key))
    }

    /// Every store of this database: key, tenant, name.
    pub fn stores(connection: &Connection) -> Result<Vec<(StoreKey, String, String)>, TableError> {
        let mut statement =
            connection.prepare_cached("SELECT key, tenant, name FROM store ORDER BY key")?;
        let rows = statement.query_map([], |row| {
            Ok((StoreKey(row.get(0)?), row.get(1)?, row.get(2)?))
        })?;
        rows.map(|row| row.map_err(TableError::from)).collect()
    }

    /// The connection.
    pub fn connection(&self) -> &'c Connection {
        self.connection
    }

    /// Which store.
    pub fn store(&self) -> StoreKey {
        self.store
    }
}

impl Tables<'_> {
    /// Runs one statement that returns no rows.
    fn run(&self, sql: &'static str, params: impl Params) -> Result<(), TableError> {
        self.connection.prepare_cached(sql)?.execute(params)?;
        Ok(())
    }

    /// All rows of a query.
    fn rows<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, TableError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let rows = statement.query_map(params, read)?;
        rows.map(|row| row.map_err(TableError::from)).collect()
    }

    /// The first row of a query.
    fn row<T>(
        &self,
        sql: &'static str,
        params: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, TableError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        Ok(statement.query_row(params, read).optional()?)
    }
}
