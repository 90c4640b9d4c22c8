//! What can't be trusted is refused, in words, and nothing is changed by it.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use shelf_ledger::{Ledger, OpenError, Recorded, SCHEMA_VERSION};
use shelf_stock::identity::Place;
use support::{TestClock, open, options, sale};

fn refused(dir: &Path) -> OpenError {
    match Ledger::open(options(dir, 1)) {
        Err(error) => error,
        Ok(_) => panic!("it opened"),
    }
}

fn record(ledger: &Ledger, units: i64) -> Place {
    let recorded = ledger
        .writer()
        .execute("sale", move |tx| tx.record(&sale("tea", units)))
        .wait();
    recorded.unwrap().place()
}

/// A closed ledger with some documents; its directory.
fn with_sales(sales: i64) -> (tempfile::TempDir, Vec<Place>) {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let places = (1..=sales).map(|units| record(&ledger, units)).collect();
    drop(ledger);
    (dir, places)
}

fn set_pragma(dir: &Path, pragma: &str) {
    let connection = rusqlite::Connection::open(dir.join("ledger.db")).unwrap();
    connection.execute_batch(pragma).unwrap();
}

#[test]
fn a_file_that_is_no_database_is_named_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ledger.db");
    for content in ["", "dear diary, today the till was slow"] {
        fs::write(&path, content).unwrap();
        let message = refused(dir.path()).to_string();
        assert!(message.contains("is no ledger"), "{message}");
        assert!(message.contains("ledger.db"), "{message}");
        assert!(message.contains("restore"), "{message}");
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
    }
}

#[test]
fn a_newer_schema_is_refused_with_both_versions() {
    let (dir, _) = with_sales(1);
    set_pragma(
        dir.path(),
        &format!("PRAGMA user_version = {}", SCHEMA_VERSION + 6),
    );
    let error = refused(dir.path());
    assert!(
        matches!(
            error,
            OpenError::TooNew {
                found: 9,
                known: 3,
                ..
            }
        ),
        "{error:?}"
    );
    let message = error.to_string();
    assert!(message.contains("schema version 9"), "{message}");
    assert!(message.contains("up to 3"), "{message}");
    assert!(
        message.contains("Start the newer shelfd again"),
        "{message}"
    );
}

#[test]
fn a_database_of_another_program_is_refused() {
    let (dir, _) = with_sales(1);
    set_pragma(dir.path(), "PRAGMA application_id = 1");
    let message = refused(dir.path()).to_string();
    assert!(message.contains("another program"), "{message}");
}

#[test]
fn a_ledger_of_another_store_is_refused() {
    let (dir, _) = with_sales(1);
    let mut other = options(dir.path(), 1);
    other.store = shelf_stock::name::StoreId::new("paris-2").unwrap();
    let message = Ledger::open(other).unwrap_err().to_string();
    assert!(message.contains("`berlin-1`"), "{message}");
    assert!(message.contains("`paris-2`"), "{message}");
}

#[test]
fn a_database_removed_beside_its_log_is_refused() {
    let (dir, _) = with_sales(3);
    fs::remove_file(dir.path().join("ledger.db")).unwrap();
    let before = fs::read(dir.path().join("ledger.db-wal")).unwrap();
    let message = refused(dir.path()).to_string();
    assert!(message.contains("write-ahead log is there"), "{message}");
    assert_eq!(fs::read(dir.path().join("ledger.db-wal")).unwrap(), before);
}

#[test]
fn a_damaged_page_is_refused_before_ready() {
    let (dir, _) = with_sales(50);
    // The end of the log lies in the database after the clean close; find it and spoil it.
    let path = dir.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    let needle = b"\x0A\x10";
    let mut spoiled = 0;
    for at in 4096..bytes.len() - 40 {
        if bytes[at..].starts_with(needle) {
            bytes[at + 20] ^= 0xFF;
            spoiled += 1;
        }
    }
    assert!(spoiled >= 50, "{spoiled}");
    fs::write(&path, &bytes).unwrap();
    let message = refused(dir.path()).to_string();
    assert!(message.contains("is damaged"), "{message}");
    assert!(message.contains("restore the newest backup"), "{message}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[test]
fn a_wrecked_header_is_refused() {
    let (dir, _) = with_sales(50);
    let path = dir.path().join("ledger.db");
    let mut bytes = fs::read(&path).unwrap();
    bytes[100..4096].fill(0xA5);
    fs::write(&path, &bytes).unwrap();
    fs::remove_file(dir.path().join("ledger.db-wal")).unwrap();
    let message = refused(dir.path()).to_string();
    assert!(message.contains("is damaged"), "{message}");
}

#[test]
fn a_second_opening_is_refused_while_the_first_one_lives() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let message = refused(dir.path()).to_string();
    assert!(message.contains("in use by another process"), "{message}");
    assert!(message.contains("stop the other shelfd"), "{message}");
    drop(ledger);
    drop(open(dir.path()));
}

#[test]
fn a_torn_end_of_the_log_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let places: Vec<Place> = (1..=20).map(|units| record(&ledger, units)).collect();
    // The moment of a power cut: the files as they are, with half a frame behind the last commit.
    let cut = tempfile::tempdir().unwrap();
    fs::copy(dir.path().join("ledger.db"), cut.path().join("ledger.db")).unwrap();
    let mut wal = fs::read(dir.path().join("ledger.db-wal")).unwrap();
    let frame = 24 + 4096;
    let salt = wal[16..24].to_vec();
    let mut at = 32;
    while wal[at + 8..at + 16] == salt[..] {
        at += frame;
    }
    wal[at..at + 8].copy_from_slice(&[0, 0, 0, 9, 0, 0, 0, 40]);
    wal[at + 8..at + 16].copy_from_slice(&salt);
    wal[at + 24..at + 24 + 512].fill(0x5A);
    fs::write(cut.path().join("ledger.db-wal"), wal).unwrap();
    drop(ledger);
    let (ledger, report) = Ledger::open(options(cut.path(), 2)).unwrap();
    assert!(
        report.wal_bytes_found > 0 && !report.wal_warmed,
        "{report:?}"
    );
    for place in places {
        let found = ledger.readers().with(|it| it.document(place)).unwrap();
        assert!(found.is_some(), "{place} is missing");
    }
}

#[test]
fn a_clock_in_2000_neither_stops_selling_nor_breaks_the_order() {
    let (dir, places) = with_sales(2);
    let mut wrong = options(dir.path(), 9);
    let year_2000 = 946_684_800_000;
    wrong.clock = TestClock::at(year_2000);
    let (ledger, _) = Ledger::open(wrong).unwrap();
    let recorded = ledger
        .writer()
        .execute("sale", |tx| tx.record(&sale("tea", 1)))
        .wait()
        .unwrap();
    let Recorded::New { document, .. } = recorded else {
        panic!("{recorded:?}");
    };
    let last = ledger
        .readers()
        .with(|it| it.document(places[1]))
        .unwrap()
        .unwrap();
    assert!(
        document.hlc > last.hlc,
        "{} after {}",
        document.hlc,
        last.hlc
    );
    assert_eq!(document.wall.as_millis(), year_2000);
    assert_ne!(document.place.incarnation, last.place.incarnation);
}

#[test]
fn each_opening_that_writes_is_a_new_incarnation_linked_to_the_one_before() {
    let (dir, places) = with_sales(3);
    let clock = TestClock::at(support::MONDAY_MS);
    let mut again = options(dir.path(), 77);
    again.clock = Arc::clone(&clock) as _;
    let (ledger, report) = Ledger::open(again).unwrap();
    assert!(!report.created && !report.identity_created, "{report:?}");
    let next = record(&ledger, 1);
    assert_eq!(next.node, places[2].node);
    assert_eq!(next.seq.0, 1);
    assert_ne!(next.incarnation, places[2].incarnation);
    let prev = ledger
        .readers()
        .with(|it| it.document(next))
        .unwrap()
        .unwrap()
        .prev;
    let last = ledger
        .readers()
        .with(|it| shelf_replica::store::Store::digest_at(it.tables(), places[2]));
    assert_eq!(Some(prev), last.unwrap());
}
