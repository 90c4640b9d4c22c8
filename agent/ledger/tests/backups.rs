//! A backup holds everything but the identity; a restored PC is somebody else.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

use shelf_ledger::{BackupError, Depth, Ledger, restore};
use shelf_stock::quantity::Quantity;
use support::{item, open, options, sale};

fn ledger_with_sales(dir: &std::path::Path, sales: u64) -> Ledger {
    let ledger = open(dir);
    for _ in 0..sales {
        let sold = ledger
            .writer()
            .execute("sale", |tx| tx.record(&sale("tea", 1)));
        sold.wait().unwrap();
    }
    ledger
}

#[test]
fn a_backup_is_sound_and_a_restored_one_is_a_new_node() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger_with_sales(dir.path(), 30);
    let backup = dir.path().join("second-disk.backup");
    let report = ledger.backup(&backup).unwrap();
    assert_eq!(report.documents, 30);
    let again = ledger.backup(&backup).unwrap();
    assert_eq!(again.documents, 30);
    let stripped = rusqlite::Connection::open(&backup).unwrap();
    let keys: i64 = stripped
        .query_row("SELECT count(*) FROM identity", [], |row| row.get(0))
        .unwrap();
    assert_eq!(keys, 0);
    let other = tempfile::tempdir().unwrap();
    restore(&backup, other.path()).unwrap();
    let (restored, opened) = Ledger::open(options(other.path(), 5)).unwrap();
    assert!(!opened.created && opened.identity_created, "{opened:?}");
    assert_ne!(restored.node(), ledger.node());
    let book = restored.readers().with(|it| it.book(&item("tea"))).unwrap();
    assert_eq!(book, Quantity::units(-30));
    let sold = restored
        .writer()
        .execute("sale", |tx| tx.record(&sale("tea", 1)));
    assert_eq!(sold.wait().unwrap().place().node, restored.node());
    let check = restored
        .start_check(Depth::Deep)
        .unwrap()
        .wait()
        .unwrap()
        .unwrap();
    assert!(check.is_sound(), "{check:?}");
    assert_eq!(check.documents, 31);
}

#[test]
fn nothing_is_ever_restored_over_a_ledger() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = ledger_with_sales(dir.path(), 1);
    let backup = dir.path().join("b");
    ledger.backup(&backup).unwrap();
    let error = restore(&backup, dir.path()).unwrap_err();
    assert!(matches!(error, BackupError::Locked { .. }), "{error}");
    drop(ledger);
    let error = restore(&backup, dir.path()).unwrap_err();
    assert!(matches!(error, BackupError::Occupied { .. }), "{error}");
    assert!(
        error.to_string().contains("nothing is ever overwritten"),
        "{error}"
    );
}

#[test]
fn a_deep_check_names_the_balance_and_the_document_that_are_wrong() {
    let dir = tempfile::tempdir().unwrap();
    drop(ledger_with_sales(dir.path(), 200));
    let spoil = rusqlite::Connection::open(dir.path().join("ledger.db")).unwrap();
    spoil
        .execute_batch(
            "UPDATE balance SET quantity = quantity + 1000 WHERE location = 0;
             UPDATE document SET bytes = CAST(bytes || x'00' AS BLOB) WHERE id & 0xFFFF = 3;",
        )
        .unwrap();
    drop(spoil);
    let ledger = open(dir.path());
    let check = ledger
        .start_check(Depth::Deep)
        .unwrap()
        .wait()
        .unwrap()
        .unwrap();
    assert!(!check.is_sound());
    let all = check.findings.join("\n");
    assert!(all.contains("item tea at floor"), "{all}");
    assert!(all.contains(".3 does not match its digest"), "{all}");
}
