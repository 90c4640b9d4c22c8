//! The tables pass the suites that every storage passes: of the fold and of the replica.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

use std::cell::Cell;

use rusqlite::Connection;
use shelf_ledger::hosting;
use shelf_ledger::tables::{StoreKey, TableError, Tables, Waiting};
use shelf_replica::conformance::{Subject, suite};
use shelf_replica::store::Store;
use shelf_stock::fold::{self, Rules};

/// An in-place database without warm WAL, leaked: the suite's storages borrow it.
fn database(dir: &tempfile::TempDir) -> &'static Connection {
    let hosted = Box::leak(Box::new(hosting::open(dir.path(), 0).unwrap()));
    let connection = &hosted.connection;
    connection
        .pragma_update(None, "synchronous", "OFF")
        .unwrap();
    connection
}

/// The fold's suite, over tables with a connection and a store each.
fn fold_suite(tables: impl Fn(&'static Connection, StoreKey) -> Tables<'static>) {
    let dir = tempfile::tempdir().unwrap();
    let connection = database(&dir);
    connection.execute_batch("BEGIN").unwrap();
    let next = Cell::new(0_u32);
    fold::conformance::suite(|| {
        next.set(next.get() + 1);
        let name = format!("store-{}", next.get());
        let key = Tables::store_key(connection, "", &name).unwrap();
        tables(connection, key)
    });
}

#[test]
fn i10_the_fold_over_the_tables_is_the_fold_in_memory() {
    fold_suite(|connection, key| Tables::new(connection, key, Rules::default()));
}

#[test]
fn i10_the_fold_with_rows_that_wait_is_the_fold_in_memory() {
    fold_suite(|connection, key| {
        let waiting = Box::leak(Box::default());
        Tables::new(connection, key, Rules::default()).gathering(waiting)
    });
}

#[test]
fn i10_folding_again_from_the_documents_gives_the_same_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let connection = database(&dir);
    connection.execute_batch("BEGIN").unwrap();
    let key = Tables::store_key(connection, "", "one").unwrap();
    let mut tables = Tables::new(connection, key, Rules::default());
    for seed in 1..6 {
        let mut random = fold::conformance::draw::Random::new(seed);
        let specs: Vec<_> = (0..40).map(|_| random.spec()).collect();
        for document in fold::conformance::draw::documents(&specs) {
            if fold::FoldStore::is_known(&tables, document.place).unwrap() {
                continue;
            }
            fold::apply(&mut tables, &document).unwrap();
        }
    }
    let before = fold::dump(&tables).unwrap();
    connection
        .execute("UPDATE balance SET quantity = quantity + 1", [])
        .unwrap();
    assert!(!fold::verify(&tables).unwrap().is_empty());
    assert!(shelf_ledger::rebuild(&mut tables).unwrap() > 0);
    assert_eq!(fold::dump(&tables).unwrap(), before);
    assert_eq!(fold::verify(&tables).unwrap(), []);
}

struct Replica {
    connection: &'static Connection,
    store: StoreKey,
    stores: u32,
    waiting: Option<Waiting>,
}

impl Subject for Replica {
    type Error = TableError;

    fn reset(&mut self) {
        self.stores += 1;
        let name = format!("store-{}", self.stores);
        self.store = Tables::store_key(self.connection, "", &name).unwrap();
    }

    fn transaction(
        &mut self,
        commit: bool,
        body: &mut dyn FnMut(&mut dyn Store<Error = TableError>),
    ) {
        self.connection.execute_batch("BEGIN IMMEDIATE").unwrap();
        let mut tables = Tables::new(self.connection, self.store, Rules::default());
        if let Some(waiting) = &self.waiting {
            waiting.forget();
            tables = tables.gathering(waiting);
        }
        body(&mut tables);
        tables.settle().unwrap();
        let end = if commit { "COMMIT" } else { "ROLLBACK" };
        self.connection.execute_batch(end).unwrap();
    }
}

#[test]
fn the_replicas_storage_over_the_tables_is_the_one_in_memory() {
    for waiting in [None, Some(Waiting::default())] {
        let dir = tempfile::tempdir().unwrap();
        suite(&mut Replica {
            connection: database(&dir),
            store: StoreKey(0),
            stores: 0,
            waiting,
        });
    }
}
