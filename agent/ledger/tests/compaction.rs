//! Old documents go in one transaction, the stock stays, and the disk gets its room back.
#![allow(
    clippy::redundant_closure_for_method_calls,
    reason = "the method itself is not general enough in its lifetime"
)]
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::Arc;
use std::sync::atomic::Ordering;

use shelf_ledger::tables::TableError;
use shelf_ledger::{CloseError, Depth, ExecuteError, Ledger};
use shelf_replica::opening::Retention;
use shelf_replica::store::{Peer, Store as _};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use support::{MONDAY_MS, TestClock, item, options, receipt, sale};

const DAY_MS: i64 = 24 * 3_600_000;

/// Three thousand sales that the hub has, and a clock a year and a half later.
fn old_ledger(dir: &std::path::Path) -> (Ledger, Arc<TestClock>) {
    let clock = TestClock::at(MONDAY_MS);
    let mut options = options(dir, 1);
    options.clock = clock.clone();
    let (ledger, _) = Ledger::open(options).unwrap();
    ledger
        .writer()
        .run("sales", |tx| {
            for number in 0..3_000 {
                let name = ["tea", "mug", "wine"][number % 3];
                tx.record(&receipt(name, 1, &number.to_string()))?;
            }
            let logs = tx.tables().logs()?;
            let mut store = tx.replica_store();
            for log in logs {
                store.set_cursor(Peer::Hub, log.log, log.upto)?;
            }
            Ok::<_, shelf_ledger::RecordError>(())
        })
        .unwrap();
    clock.wall_ms.fetch_add(500 * DAY_MS, Ordering::Relaxed);
    (ledger, clock)
}

fn retention() -> Retention {
    Retention::days(Timestamp::from_millis(MONDAY_MS + 500 * DAY_MS), 400)
}

fn sound(ledger: &Ledger, sold_tea: i64) {
    let book = ledger.readers().with(|it| it.book(&item("tea"))).unwrap();
    assert_eq!(book, Quantity::units(-sold_tea));
    let check = ledger.start_check(Depth::Deep).unwrap().wait();
    let check = check.unwrap().unwrap();
    assert!(check.is_sound(), "{check:?}");
}

#[test]
fn old_documents_are_closed_and_pages_are_given_back() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _clock) = old_ledger(dir.path());
    let planned = ledger.readers().with(|it| Ok(it.closable(&retention())));
    let planned = planned.unwrap().unwrap().unwrap();
    let closed = ledger
        .writer()
        .run("close", |tx| tx.close_old(&retention()));
    let closed = closed.unwrap().unwrap();
    assert_eq!(closed, planned);
    assert_eq!((closed.documents, closed.carried), (3_000, 0));
    sound(&ledger, 1_000);
    let counts = ledger.readers().with(|it| it.counts()).unwrap();
    assert_eq!(counts.movements, 3, "one for each item");
    let again = ledger
        .writer()
        .run("close", |tx| tx.close_old(&retention()));
    assert_eq!(again.unwrap(), None);
    let pages = || {
        let database = rusqlite::Connection::open(ledger.paths().database()).unwrap();
        let pages: i64 = database
            .query_row("PRAGMA page_count", [], |row| row.get(0))
            .unwrap();
        pages
    };
    let before = pages();
    let mut left = u64::MAX;
    while left > 0 {
        let step = ledger.writer().run("pages", |tx| tx.give_back(16)).unwrap();
        assert!(step < left, "{step} of {left}");
        left = step;
    }
    assert!(pages() < before - 100, "{} of {before} pages", pages());
    sound(&ledger, 1_000);
    // The same report again is known, although nobody can read it any more.
    let again = ledger
        .writer()
        .run("again", |tx| tx.record(&receipt("tea", 1, "0")))
        .unwrap();
    assert!(matches!(again, shelf_ledger::Recorded::Again { .. }));
    ledger.writer().run("rebuild", |tx| tx.rebuild()).unwrap();
    sound(&ledger, 1_000);
    ledger.close();
    let reopened = support::open(dir.path());
    reopened
        .writer()
        .run("sale", |tx| tx.record(&sale("tea", 2)))
        .unwrap();
    sound(&reopened, 1_002);
}

#[test]
fn a_close_that_is_interrupted_leaves_everything() {
    let dir = tempfile::tempdir().unwrap();
    let (ledger, _clock) = old_ledger(dir.path());
    let failed = ledger.writer().run("close", |tx| {
        tx.close_old(&retention())?;
        Err::<(), _>(CloseError::Record(
            TableError::Damaged { what: "test" }.into(),
        ))
    });
    assert!(
        matches!(failed, Err(ExecuteError::Refused(_))),
        "{failed:?}"
    );
    let counts = ledger.readers().with(|it| it.counts()).unwrap();
    assert_eq!((counts.documents, counts.movements), (3_000, 3_000));
    sound(&ledger, 1_000);
    let closed = ledger
        .writer()
        .run("close", |tx| tx.close_old(&retention()));
    assert_eq!(closed.unwrap().unwrap().documents, 3_000);
    sound(&ledger, 1_000);
}
