//! How fast a hub merges, beside automerge with the same movements.
//!
//! The peer keeps one counter for each item and location in memory and merges the changes of one
//! author, a change for each document, in messages of as many documents as the hub's frames hold.
//! It stores no documents, checks no signature and writes nothing to a disk; the hub over SQLite
//! does all of that. Rounds are interleaved; medians and the ratio are printed.
//! Needs the feature `peers`. Arguments: number of documents (default 5000), rounds (default 3).
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a bench measures time and prints it, and fails by panicking"
)]

#[path = "support/backlog.rs"]
mod backlog;
#[allow(unreachable_pub, reason = "benches share it")]
#[path = "support/sales.rs"]
mod sales;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use automerge::transaction::{CommitOptions, Transactable};
use automerge::{Automerge, ROOT, ReadDoc, ScalarValue};
use backlog::{Load, exchange, load, ours};
use shelf_hub::storage::sqlite::SqliteStorage;
use shelf_stock::document::Subject;
use shelf_stock::location::Location;
use shelf_wire::sealed::Authored;

/// What a document does to counters, by their names.
fn increments(authored: &Authored) -> BTreeMap<String, i64> {
    let mut sums = BTreeMap::new();
    for line in &authored.document().draft.lines {
        if let Subject::Item(item) = &line.subject {
            let quantity = line.quantity.as_thousandths();
            for (location, sign) in [(Location::SalesFloor, -1), (Location::Customer, 1)] {
                *sums.entry(format!("{item} {location}")).or_default() += sign * quantity;
            }
        }
    }
    sums
}

/// The author's changes, as messages of so many documents; before them, all counters at zero.
fn messages(documents: &[Authored], per_message: usize) -> Vec<Vec<u8>> {
    let mut author = Automerge::new();
    let mut names = BTreeMap::new();
    for authored in documents {
        names.extend(increments(authored));
    }
    let mut first = author.transaction();
    for name in names.keys() {
        first.put(ROOT, name, ScalarValue::counter(0)).unwrap();
    }
    first.commit();
    let mut messages = vec![author.save()];
    for part in documents.chunks(per_message) {
        let heads = author.get_heads();
        for authored in part {
            let mut change = author.transaction();
            for (name, by) in increments(authored) {
                change.increment(ROOT, name, by).unwrap();
            }
            change.commit_with(CommitOptions::default());
        }
        messages.push(author.save_after(&heads));
    }
    messages
}

/// A receiver that has the counters merges the changes.
fn merged(messages: &[Vec<u8>]) -> (Duration, Automerge) {
    let mut hub = Automerge::load(&messages[0]).unwrap();
    let began = Instant::now();
    for message in &messages[1..] {
        hub.load_incremental(message).unwrap();
    }
    (began.elapsed(), hub)
}

fn check(hub: &Automerge, load: &Load) {
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for (name, by) in load.documents.iter().flat_map(increments) {
        *sums.entry(name).or_default() += by;
    }
    for (name, sum) in &sums {
        let (value, _) = hub.get(ROOT, name).unwrap().unwrap();
        assert_eq!(value.as_i64(), Some(*sum), "{name}");
    }
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

fn main() {
    let mut numbers = std::env::args().filter_map(|it| it.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(5_000);
    let rounds = numbers.next().unwrap_or(3);
    let load = load(count);
    let per_message = count as usize / load.frames.len().max(1) + 1;
    let changes = messages(&load.documents, per_message);
    let bytes: usize = changes[1..].iter().map(Vec::len).sum();
    let frames: usize = load.frames[1..].iter().map(|it| it.payload.len()).sum();
    let per_movement = |bytes: usize| bytes as f64 / load.movements as f64;
    println!(
        "{count} documents, {} movements; bytes each: automerge {:.1}, ours {:.1}",
        load.movements,
        per_movement(bytes),
        per_movement(frames)
    );
    let rate = |took: Duration| load.movements as f64 / took.as_secs_f64() / 1000.0;
    let (mut theirs, mut hubs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (took, hub) = merged(&changes);
        check(&hub, &load);
        theirs.push(rate(took));
        let dir = tempfile::tempdir().unwrap();
        let mut storage = SqliteStorage::open(dir.path()).unwrap();
        hubs.push(rate(ours(&mut storage, &mut exchange(), &load.frames)));
    }
    let (theirs, hubs) = (median(theirs), median(hubs));
    println!("automerge in memory: {theirs:.1} k movements/s");
    println!("hub on sqlite: {hubs:.1} k movements/s");
    println!("hub / automerge: {:.1}", hubs / theirs);
}
