//! The real hub program behind a real broker, killed without warning while two PCs send.
//!
//! What was acked before a kill must be in the database that the kill left behind, and at the end
//! the hub must hold every document once, with the stock that follows. A control that acks before
//! it commits must be caught by the same check, or the check proves nothing.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

mod support;

use std::collections::BTreeSet;
use std::path::Path;

use shelf_stock::identity::{Digest, Place};
use support::pcs::{DOCUMENTS_PER_NODE, Mosquitto, Program, Progress, read_hub, start_pc, until};
use tokio::sync::watch;

const KILLS: u64 = 6;

/// Digests in the database that a kill left behind.
fn stored(data: &Path) -> BTreeSet<Vec<u8>> {
    let path = shelf_hub::database::path(data);
    let database = rusqlite::Connection::open(path).unwrap();
    let mut statement = database.prepare("SELECT digest FROM document").unwrap();
    let rows = statement.query_map([], |row| row.get(0)).unwrap();
    rows.map(Result::unwrap).collect()
}

fn acked_and_missing(data: &Path, states: &[Progress]) -> usize {
    let stored = stored(data);
    let acked = states
        .iter()
        .flat_map(|it| it.written.iter().take(it.acked as usize));
    acked
        .filter(|(_, digest)| !stored.contains(digest.as_bytes().as_slice()))
        .count()
}

fn acked(states: &[Progress]) -> u64 {
    states.iter().map(|it| it.acked).sum()
}

/// Runs the load and kills the hub `KILLS` times; gives how many acked documents each kill lost.
async fn kill_rounds(
    data: &Path,
    port: u16,
    control: bool,
    pcs: &mut [watch::Receiver<Progress>],
) -> Vec<usize> {
    let mut lost = Vec::new();
    for round in 1..=KILLS {
        let hub = Program::start(
            data,
            port,
            if control {
                &["--control-that-loses-data"]
            } else {
                &[]
            },
        );
        let target = round * DOCUMENTS_PER_NODE * 2 / (KILLS + 2);
        until(pcs, "acks before a kill", |it| acked(it) >= target).await;
        hub.kill();
        let states: Vec<Progress> = pcs.iter().map(|it| it.borrow().clone()).collect();
        lost.push(acked_and_missing(data, &states));
    }
    lost
}

#[tokio::test]
async fn what_was_acked_survives_kill_9_and_nothing_is_doubled() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("hub");
    let broker = Mosquitto::start(directory.path());
    let mut pcs = [start_pc(1, broker.port), start_pc(2, broker.port)];
    let lost = kill_rounds(&data, broker.port, false, &mut pcs).await;
    assert_eq!(
        lost, [0; KILLS as usize],
        "acked documents that a kill lost"
    );

    let hub = Program::start(&data, broker.port, &[]);
    let all = DOCUMENTS_PER_NODE as usize;
    let states = until(&mut pcs, "everything acked and relayed", |states| {
        states
            .iter()
            .all(|it| it.acked == DOCUMENTS_PER_NODE && it.held == 2 * all)
    })
    .await;
    let written: Vec<(Place, Digest)> = states.iter().flat_map(|it| it.written.clone()).collect();
    let expected: BTreeSet<(String, String)> = written
        .iter()
        .map(|(place, digest)| (place.to_string(), digest.to_string()))
        .collect();
    let http = hub.http;
    let (documents, stock) = tokio::task::spawn_blocking(move || read_hub(http))
        .await
        .unwrap();
    assert_eq!(documents.len(), 2 * all, "each document once");
    assert_eq!(documents.into_iter().collect::<BTreeSet<_>>(), expected);
    let sold = 2 * i64::try_from(DOCUMENTS_PER_NODE).unwrap() * 1000;
    assert_eq!(
        stock["locations"],
        serde_json::json!({"floor": -sold, "customer": sold})
    );
}

#[tokio::test]
async fn a_hub_that_acks_before_it_commits_is_caught() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("hub");
    let broker = Mosquitto::start(directory.path());
    let mut pcs = [start_pc(1, broker.port), start_pc(2, broker.port)];
    let lost = kill_rounds(&data, broker.port, true, &mut pcs).await;
    assert!(
        lost.iter().sum::<usize>() > 0,
        "the check caught nothing: {lost:?}"
    );
}
