//! Documents through the writer: places, chain, stock, idempotency, neighbours.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

use shelf_ledger::{ExecuteError, RecordError, Recorded};
use shelf_stock::identity::Digest;
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;
use support::{item, open, receipt, sale};

#[test]
fn a_sale_is_durable_folded_and_first_in_its_log() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let recorded = ledger
        .writer()
        .execute("sale", |tx| tx.record(&sale("tea", 2)))
        .wait()
        .unwrap();
    let Recorded::New { document, .. } = &recorded else {
        panic!("{recorded:?}");
    };
    assert_eq!(document.place.seq.0, 1);
    assert_eq!(document.prev, Digest::ZERO);
    let stock = ledger.readers().with(|r| r.stock(&item("tea"))).unwrap();
    assert_eq!(stock.book, Quantity::units(-2));
    assert_eq!(
        stock.balances,
        [
            (Location::SalesFloor, Quantity::units(-2)),
            (Location::Customer, Quantity::units(2))
        ]
    );
    let place = recorded.place();
    drop(ledger);
    let ledger = open(dir.path());
    let read = ledger.readers().with(|r| r.document(place)).unwrap();
    assert_eq!(read.unwrap().draft, sale("tea", 2));
}

#[test]
fn the_same_receipt_is_the_same_document_and_another_content_is_a_conflict() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let record = |units| {
        ledger
            .writer()
            .execute("receipt", move |tx| tx.record(&receipt("tea", units, "77")))
            .wait()
    };
    let first = record(2).unwrap();
    assert_eq!(
        record(2).unwrap(),
        Recorded::Again {
            place: first.place()
        }
    );
    match record(3) {
        Err(ExecuteError::Refused(RecordError::SourceConflict { place })) => {
            assert_eq!(place, first.place());
        }
        other => panic!("{other:?}"),
    }
}
