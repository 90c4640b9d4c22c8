//! Every storage of the hub passes the same suites: of the replica, of the fold, and its own.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    reason = "a test fails by panicking"
)]

#[path = "../../../tests/src/postgres.rs"]
#[allow(dead_code, unreachable_pub, reason = "a fixture that others use too")]
mod postgres;

use std::collections::BTreeSet;

use postgres::{Disk, Postgres};
use shelf_hub::catalogue::import;
use shelf_hub::catalogue::table::Published;
use shelf_hub::seen::Seen;
use shelf_hub::storage::postgres::{PostgresSource, PostgresStorage};
use shelf_hub::storage::sqlite::{SqliteSource, SqliteStorage};
use shelf_hub::storage::{Source, StockPage, Storage, StorageError, StoreKey, Transaction, View};
use shelf_replica::conformance::{Author, Subject, suite};
use shelf_replica::store::{Inserted, Quota, Store};
use shelf_stock::fold;
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

const WALL: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// A storage with a store that is made anew for each check.
struct Replica<'a> {
    storage: &'a mut dyn Storage,
    store: StoreKey,
    stores: u32,
}

impl Subject for Replica<'_> {
    type Error = StorageError;

    fn reset(&mut self) {
        self.stores += 1;
        let transaction = self.storage.begin().unwrap();
        let name = format!("store-{}", self.stores);
        self.store = transaction.store_key("acme", &name).unwrap();
        transaction.commit().unwrap();
    }

    fn transaction(
        &mut self,
        commit: bool,
        body: &mut dyn FnMut(&mut dyn Store<Error = StorageError>),
    ) {
        let transaction = self.storage.begin().unwrap();
        body(&mut *transaction.shop(self.store));
        if commit {
            transaction.commit().unwrap();
        }
    }
}

fn replica_suite(storage: &mut dyn Storage) {
    suite(&mut Replica {
        storage,
        store: StoreKey(0),
        stores: 0,
    });
}

fn sqlite(dir: &tempfile::TempDir) -> (SqliteStorage, SqliteSource) {
    let storage = SqliteStorage::open(dir.path()).unwrap();
    (storage, SqliteSource::new(dir.path()))
}

fn server() -> Postgres {
    Postgres::start(Disk::Unsynced).unwrap()
}

#[test]
fn sqlite_is_a_replicas_store() {
    let dir = tempfile::tempdir().unwrap();
    replica_suite(&mut sqlite(&dir).0);
}

#[test]
fn postgres_is_a_replicas_store() {
    let server = server();
    let url = server.database().unwrap();
    replica_suite(&mut PostgresStorage::open(&url).unwrap());
}

#[test]
fn i10_the_fold_over_postgres_is_the_fold_in_memory() {
    let server = server();
    let url = server.database().unwrap();
    let storage = Box::leak(Box::new(PostgresStorage::open(&url).unwrap()));
    let transaction = Box::leak(Box::new(storage.transaction().unwrap()));
    let mut stores = 0;
    fold::conformance::suite(|| {
        stores += 1;
        let name = format!("store-{stores}");
        let store = transaction.store_key("", &name).unwrap();
        transaction.folding_shop(store)
    });
}

#[test]
fn sqlite_is_a_hubs_storage() {
    let dir = tempfile::tempdir().unwrap();
    let (mut storage, source) = sqlite(&dir);
    hub_suite(&mut storage, &source);
}

#[test]
fn postgres_is_a_hubs_storage() {
    let server = server();
    let url = server.database().unwrap();
    let mut storage = PostgresStorage::open(&url).unwrap();
    hub_suite(&mut storage, &PostgresSource::new(&url));
    // Opening again finds the tables made.
    drop(PostgresStorage::open(&url).unwrap());
}

fn look<T>(source: &dyn Source, look: impl Fn(&dyn View) -> T) -> T {
    let mut found = None;
    let mut reader = source.open().unwrap();
    reader.read(&mut |view| found = Some(look(view))).unwrap();
    found.unwrap()
}

fn commit(storage: &mut dyn Storage, body: impl FnOnce(&dyn Transaction)) {
    let transaction = storage.begin().unwrap();
    body(&*transaction);
    transaction.commit().unwrap();
}

fn hub_suite(storage: &mut dyn Storage, source: &dyn Source) {
    what_is_not_committed_is_not_there(storage, source);
    pcs_are_heard(storage, source);
    stock_is_listed(storage, source);
    the_catalogue_has_revisions(storage, source);
    notes_are_kept(storage, source);
}

fn what_is_not_committed_is_not_there(storage: &mut dyn Storage, source: &dyn Source) {
    let mut author = Author::new(1, 7);
    let transaction = storage.begin().unwrap();
    let store = transaction.store_key("acme", "undone").unwrap();
    transaction
        .claim("acme", &["undone", "unheard-of"])
        .unwrap();
    let mut shop = transaction.shop(store);
    assert_eq!(
        shop.insert(&author.sell("mug", WALL)).unwrap(),
        Inserted::New
    );
    drop(shop);
    transaction.set_note("lease", "a", Some(b"x")).unwrap();
    drop(transaction);
    look(source, |view| {
        assert_eq!(view.stores().unwrap(), []);
        assert_eq!(view.store_named("undone").unwrap(), None);
        assert_eq!(view.note("lease", "a").unwrap(), None);
    });
}

fn pcs_are_heard(storage: &mut dyn Storage, source: &dyn Source) {
    let node = Author::new(3, 1).node();
    let seen = Seen {
        last_seen: Some(WALL),
        stopping: true,
        unsynced: Some(7),
        oldest_unsynced_wall: Some(WALL),
        catalogue_revision: Some(2),
        wall: None,
        version: Some("1.2".to_owned()),
    };
    let mut key = StoreKey(0);
    commit(storage, |it| {
        key = it.store_key("acme", "berlin").unwrap();
        assert_eq!(it.store_key("acme", "berlin").unwrap(), key);
        it.heard(key, node, WALL).unwrap();
        it.reported(key, node, &seen).unwrap();
    });
    let found = look(source, |it| it.seen(key).unwrap());
    assert_eq!(found, [(node, seen.clone())]);
    let later = WALL.plus_millis(5);
    commit(storage, |it| it.heard(key, node, later).unwrap());
    let seen = Seen {
        last_seen: Some(later),
        stopping: false,
        ..seen
    };
    look(source, |it| {
        assert_eq!(it.seen(key).unwrap(), [(node, seen.clone())]);
        assert_eq!(it.store_named("berlin").unwrap(), Some(key));
        assert_eq!(it.stores().unwrap()[0].tenant, "acme");
    });
}

fn stock_is_listed(storage: &mut dyn Storage, source: &dyn Source) {
    let (mut one, mut two) = (Author::new(1, 7), Author::new(2, 9));
    let mut key = StoreKey(0);
    commit(storage, |it| {
        key = it.store_key("acme", "hamburg").unwrap();
        let mut shop = it.shop(key);
        for item in ["mug", "tea", "mug", "50%_off"] {
            shop.insert(&one.sell(item, WALL)).unwrap();
            shop.insert(&two.sell(item, WALL)).unwrap();
        }
        let mug = "mug".parse().unwrap();
        assert_eq!(
            shop.book(&mug).unwrap(),
            Quantity::units(-4),
            "before the commit"
        );
    });
    look(source, |it| {
        let list = |search, after, limit| {
            let page = StockPage {
                search,
                after,
                limit,
            };
            it.stock_items(key, page).unwrap()
        };
        assert_eq!(list(None, "", 9), ["50%_off", "mug", "tea"]);
        assert_eq!(list(None, "50%_off", 1), ["mug"]);
        assert_eq!(list(Some("0%_"), "", 9), ["50%_off"]);
        assert_eq!(list(Some("U"), "", 9), ["mug"]);
        let mut balances = it.balances(key, "mug").unwrap();
        balances.sort();
        assert_eq!(
            balances,
            [
                (Location::SalesFloor, Quantity::units(-4)),
                (Location::Customer, Quantity::units(4)),
            ]
        );
        assert_eq!(it.balances(key, "none").unwrap(), []);
        let tails = it.tails(key).unwrap();
        let seqs: BTreeSet<u64> = tails.iter().map(|(_, it)| it.place.seq.0).collect();
        assert_eq!((tails.len(), seqs), (2, BTreeSet::from([4])));
        let all = it.documents(key, None, 0, 99).unwrap();
        assert_eq!(all.len(), 8);
        let rest = it.documents(key, None, all[2].key, 3).unwrap();
        assert_eq!(rest, all[3..6]);
        let of_two = it.documents(key, Some(two.node()), 0, 99).unwrap();
        assert!(of_two.len() == 4 && of_two.iter().all(|it| it.node == two.node()));
        assert_eq!(it.exceptions(key).unwrap(), []);
    });
}

fn the_catalogue_has_revisions(storage: &mut dyn Storage, source: &dyn Source) {
    let csv = |text: &str| import::csv(text).unwrap();
    let first = csv("gtin,name,unit_price\n4006381333931,Pen,1.00\n4000417025005,Soap,2.00\n");
    let report = |storage: &mut dyn Storage, import: &import::Import, dry| {
        let transaction = storage.begin().unwrap();
        let report = transaction.import(import, WALL, dry).unwrap();
        transaction.commit().unwrap();
        (
            report.revision,
            report.added,
            report.changed,
            report.unchanged,
            report.rejected,
        )
    };
    assert_eq!(report(storage, &first, true), (1, 2, 0, 0, 0));
    look(source, |it| assert_eq!(it.catalogue_revision().unwrap(), 0));
    assert_eq!(report(storage, &first, false), (1, 2, 0, 0, 0));
    assert_eq!(report(storage, &first, false), (1, 0, 0, 2, 0));
    let second =
        csv("item,gtin,name,unit_price\nthief,4006381333931,Pen,1.00\n,4000417025005,Soap,3.00\n");
    assert_eq!(report(storage, &second, false), (2, 0, 1, 0, 1));
    look(source, |it| {
        assert_eq!(it.item_count().unwrap(), 2);
        let entries = it.catalogue_entries(0, None, 9).unwrap();
        let revisions: Vec<u64> = entries.iter().map(|it| it.revision).collect();
        assert_eq!(revisions, [1, 2]);
        let pen = entries[0].item.id.as_str();
        assert_eq!(it.item_name(pen).unwrap().as_deref(), Some("Pen"));
        assert_eq!(it.catalogue_entries(1, None, 9).unwrap(), entries[1..]);
        assert_eq!(
            it.catalogue_entries(0, Some((1, pen)), 9).unwrap(),
            entries[1..]
        );
        let bodies = it.item_bodies("", 9).unwrap();
        assert_eq!(it.item_bodies(&bodies[0].0, 1).unwrap(), bodies[1..]);
        assert_eq!(it.published(None).unwrap(), None);
    });
    let file = |revision| Published {
        revision,
        sha256: [revision as u8; 32],
        bytes: 100 + revision,
    };
    commit(storage, |it| {
        it.publish(&file(1)).unwrap();
        it.publish(&file(2)).unwrap();
    });
    look(source, |it| {
        assert_eq!(it.published(None).unwrap(), Some(file(2)));
        assert_eq!(it.published(Some(1)).unwrap(), Some(file(1)));
        assert_eq!(it.published(Some(3)).unwrap(), None);
    });
}

fn notes_are_kept(storage: &mut dyn Storage, source: &dyn Source) {
    commit(storage, |it| {
        for (kind, key, value) in [
            ("a", "1", "x"),
            ("a", "2", "y"),
            ("b", "1", "z"),
            ("a", "1", "w"),
        ] {
            it.set_note(kind, key, Some(value.as_bytes())).unwrap();
        }
        it.set_note("b", "1", None).unwrap();
        let large = vec![0; shelf_hub::storage::NOTE_BYTES_MAX + 1];
        assert!(it.set_note("a", "3", Some(&large)).is_err());
    });
    look(source, |it| {
        let pair = |key: &str, value: &str| (key.to_owned(), value.as_bytes().to_vec());
        assert_eq!(
            it.notes("a", "", 9).unwrap(),
            [pair("1", "w"), pair("2", "y")]
        );
        assert_eq!(it.notes("a", "1", 9).unwrap(), [pair("2", "y")]);
        assert_eq!(it.note("b", "1").unwrap(), None);
    });
}

/// Tries a transaction as the hub's writer does.
fn until_done<T>(
    storage: &mut PostgresStorage,
    body: impl Fn(&dyn Transaction) -> Result<T, StorageError>,
) -> T {
    for _ in 0..1000 {
        let attempt = storage.begin().and_then(|it| {
            let out = body(&*it)?;
            it.commit().map(|()| out)
        });
        match attempt {
            Ok(out) => return out,
            Err(error) => assert!(error.is_transient(), "{error}"),
        }
    }
    panic!("a transaction never got through");
}

#[test]
fn i2_quota_is_never_oversold_by_two_connections() {
    const LIMIT: i64 = 150;
    const TRIES: i64 = 100;
    let server = server();
    let url = server.database().unwrap();
    let mut first = PostgresStorage::open(&url).unwrap();
    let (item, channel) = ("mug".parse().unwrap(), "web".parse().unwrap());
    let store = until_done(&mut first, |it| {
        let store = it.store_key("acme", "berlin")?;
        let quota = Quota {
            limit: Quantity::units(LIMIT),
            ..Quota::default()
        };
        it.shop(store).set_quota(&item, &channel, quota)?;
        Ok(store)
    });
    let taken: i64 = std::thread::scope(|scope| {
        let takers = [0, 1].map(|_| {
            scope.spawn(|| {
                let mut storage = PostgresStorage::open(&url).unwrap();
                let take = |_| {
                    until_done(&mut storage, |it| {
                        it.shop(store).quota_take(&item, &channel, Quantity::ONE)
                    })
                };
                (0..TRIES).map(take).filter(|it| *it).count() as i64
            })
        });
        takers.into_iter().map(|it| it.join().unwrap()).sum()
    });
    assert_eq!(taken, LIMIT);
    let quota = until_done(&mut first, |it| it.shop(store).quota(&item, &channel));
    assert_eq!(quota.used, quota.limit);
}

#[test]
fn two_workers_that_store_the_same_documents_count_them_once() {
    const DOCUMENTS: usize = 120;
    let server = server();
    let url = server.database().unwrap();
    let stores = ["berlin", "hamburg", "ulm"];
    let logs = stores.map(|_| {
        let mut author = Author::new(1, 7);
        (0..DOCUMENTS)
            .map(|n| author.sell(["mug", "tea"][n % 2], WALL))
            .collect::<Vec<_>>()
    });
    // One goes through the stores in the one order, the other in the other.
    std::thread::scope(|scope| {
        for turn in [false, true] {
            let (url, logs) = (&url, &logs);
            scope.spawn(move || {
                let mut storage = PostgresStorage::open(url).unwrap();
                for step in 0..DOCUMENTS / 4 {
                    until_done(&mut storage, |it| {
                        it.claim("acme", &stores)?;
                        let mut order = [0, 1, 2];
                        if turn {
                            order.reverse();
                        }
                        for index in order {
                            let key = it.store_key("acme", stores[index])?;
                            let mut shop = it.shop(key);
                            let batch = &logs[index][step * 4..step * 4 + 4];
                            shop.expect(&mut batch.iter())?;
                            for document in batch {
                                shop.insert(document)?;
                            }
                        }
                        Ok(())
                    });
                }
            });
        }
    });
    let mut storage = PostgresStorage::open(&url).unwrap();
    let transaction = storage.transaction().unwrap();
    for store in stores {
        let key = transaction.store_named(store).unwrap().unwrap();
        let shop = transaction.folding_shop(key);
        assert_eq!(shop.logs().unwrap()[0].upto.0, DOCUMENTS as u64, "{store}");
        let book = shop.book(&"mug".parse().unwrap()).unwrap();
        assert_eq!(book, Quantity::units(-(DOCUMENTS as i64) / 2), "{store}");
        assert_eq!(fold::verify(&shop).unwrap(), []);
    }
}

#[test]
fn a_lost_server_is_found_again() {
    let mut server = server();
    let url = server.database().unwrap();
    let mut storage = PostgresStorage::open(&url).unwrap();
    let mut author = Author::new(1, 7);
    let sold = author.sell("mug", WALL);
    let store = until_done(&mut storage, |it| {
        let store = it.store_key("acme", "berlin")?;
        it.shop(store).insert(&sold)?;
        Ok(store)
    });
    let transaction = storage.begin().unwrap();
    server.kill();
    // The connection's own process outlives the server by a moment.
    let asked = std::iter::repeat_with(|| transaction.shop(store).logs());
    let error = asked.filter_map(Result::err).next().expect("it ends");
    assert!(error.is_transient(), "{error}");
    drop(transaction);
    let error = storage.begin().err().expect("there is no server");
    assert!(error.is_transient(), "{error}");
    server.resume().unwrap();
    let logs = until_done(&mut storage, |it| it.shop(store).logs());
    assert_eq!(logs[0].digest, sold.digest(), "what was committed is there");
}
