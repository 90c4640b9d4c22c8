//! Jobs that share a transaction don't share their fate.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::{Arc, Barrier};

use shelf_ledger::tables::TableError;
use shelf_ledger::{ExecuteError, RecordError};
use shelf_stock::quantity::Quantity;
use support::{item, open, sale};

#[test]
fn one_bad_job_does_not_hurt_its_neighbours() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    // The first job holds the writer until the others have queued up: they form one group.
    let gate = Arc::new(Barrier::new(2));
    let held = Arc::clone(&gate);
    let first = ledger.writer().execute("hold", move |_| {
        held.wait();
        Ok::<(), TableError>(())
    });
    let good: Vec<_> = (1..=5)
        .map(|units| {
            let pending = ledger
                .writer()
                .execute("sale", move |tx| tx.record(&sale("tea", units)));
            let panics = ledger
                .writer()
                .execute("panics", |tx| -> Result<(), RecordError> {
                    tx.record(&sale("tea", 100))?;
                    panic!("a bug in a job");
                });
            let refuses = ledger.writer().execute("refuses", |tx| {
                tx.record(&sale("tea", 1000))?;
                tx.record(&sale("tea", 0))
            });
            (pending, panics, refuses)
        })
        .collect();
    gate.wait();
    first.wait().unwrap();
    let mut seqs = Vec::new();
    for (pending, panics, refuses) in good {
        seqs.push(pending.wait().unwrap().place().seq.0);
        let panicked = panics.wait().unwrap_err();
        assert!(
            matches!(panicked, ExecuteError::Panicked { label: "panics" }),
            "{panicked}"
        );
        let refused = refuses.wait().unwrap_err();
        assert!(
            matches!(refused, ExecuteError::Refused(RecordError::Draft(_))),
            "{refused}"
        );
    }
    assert_eq!(seqs, [1, 2, 3, 4, 5], "numbers have no gaps");
    let book = ledger.readers().with(|it| it.book(&item("tea"))).unwrap();
    assert_eq!(book, Quantity::units(-15));
    let metrics = ledger.metrics();
    assert_eq!((metrics.jobs_panicked, metrics.jobs_refused), (5, 5));
    assert_eq!(metrics.jobs_waiting, 0);
    assert!(metrics.commits < 10, "they were not grouped: {metrics:?}");
}

#[test]
fn a_lone_bad_job_leaves_nothing_and_the_next_one_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let bad = ledger.writer().execute("refuses", |tx| {
        tx.record(&sale("tea", 7))?;
        tx.record(&sale("tea", 0))
    });
    bad.wait().unwrap_err();
    let good = ledger
        .writer()
        .execute("sale", |tx| tx.record(&sale("tea", 1)));
    assert_eq!(good.wait().unwrap().place().seq.0, 1);
    let book = ledger.readers().with(|it| it.book(&item("tea"))).unwrap();
    assert_eq!(book, Quantity::units(-1));
}

#[test]
fn a_full_queue_turns_jobs_away_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let gate = Arc::new(Barrier::new(2));
    let held = Arc::clone(&gate);
    let first = ledger.writer().execute("hold", move |_| {
        held.wait();
        Ok::<(), TableError>(())
    });
    let flood: Vec<_> = (0..shelf_ledger::QUEUE_JOBS_MAX + 400)
        .map(|_| {
            ledger
                .writer()
                .execute("noop", |_| Ok::<(), TableError>(()))
        })
        .collect();
    gate.wait();
    first.wait().unwrap();
    let results: Vec<_> = flood.into_iter().map(shelf_ledger::Pending::wait).collect();
    let turned_away = results.iter().filter(|it| it.is_err()).count();
    assert!((1..=401).contains(&turned_away), "{turned_away}");
    let message = results
        .into_iter()
        .find_map(Result::err)
        .unwrap()
        .to_string();
    assert_eq!(
        message,
        "1024 ledger jobs are waiting already: try again shortly"
    );
    assert_eq!(ledger.metrics().jobs_turned_away, turned_away as u64);
}

#[test]
fn dropping_the_ledger_finishes_what_was_accepted() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let writer = ledger.writer().clone();
    let pending: Vec<_> = (0..100)
        .map(|_| writer.execute("sale", |tx| tx.record(&sale("tea", 1))))
        .collect();
    drop(ledger);
    assert!(pending.into_iter().all(|it| it.wait().is_ok()));
    let late = writer.execute("sale", |tx| tx.record(&sale("tea", 1)));
    assert!(matches!(late.wait(), Err(ExecuteError::Closed)));
}

#[test]
fn whoever_asks_learns_which_stock_committed_jobs_changed() {
    let dir = tempfile::tempdir().unwrap();
    let ledger = open(dir.path());
    let writer = ledger.writer();
    let sell = |name: &'static str| writer.execute("sale", move |tx| tx.record(&sale(name, 1)));
    sell("before").wait().unwrap();
    assert_eq!(writer.take_touched(), [], "nobody had asked yet");
    sell("tea").wait().unwrap();
    sell("nuts").wait().unwrap();
    sell("tea").wait().unwrap();
    let refused = writer.execute("refuses", |tx| {
        tx.record(&sale("rice", 7))?;
        tx.record(&sale("rice", 0))
    });
    refused.wait().unwrap_err();
    assert_eq!(writer.take_touched(), [item("nuts"), item("tea")]);
    assert_eq!(writer.take_touched(), []);
}
