//! Two workers on one PostgreSQL behind one share group of a real broker, killed in turn under load.
//!
//! What was acked before a kill must be in the database, and at the end every document must be
//! there once, counted once, relayed to the other PC, and both workers must say the same.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::cast_possible_truncation,
    reason = "a test says what it expects by failing"
)]

#[allow(dead_code, unreachable_pub, reason = "a fixture that others use too")]
#[path = "../../../tests/src/postgres.rs"]
mod postgres;
mod support;

use std::collections::BTreeSet;

use postgres::{Disk, Postgres};
use shelf_hub::config::{Database, Secret};
use shelf_hub::storage::Source;
use shelf_hub::storage::postgres::PostgresSource;
use tokio::sync::watch;

use support::pcs::{DOCUMENTS_PER_NODE, Mosquitto, Program, Progress, read_hub, start_pc, until};

const KILLS: u64 = 4;

/// Digests that the database holds.
fn stored(url: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut reader = PostgresSource::new(url).open().unwrap();
    reader
        .read(&mut |view| {
            let store = view.store_named("berlin").unwrap().unwrap();
            let documents = view.documents(store, None, 0, usize::MAX).unwrap();
            found.extend(documents.iter().map(|it| it.digest.to_string()));
        })
        .unwrap();
    found
}

fn acked(states: &[Progress]) -> u64 {
    states.iter().map(|it| it.acked).sum()
}

/// Whoever subscribed first may have had the first documents alone; the other one gets its share of
/// what comes then, long before the first kill.
async fn both_take_documents(
    pcs: &mut [watch::Receiver<Progress>],
    workers: &[Option<Program>; 2],
) {
    let first_kill = DOCUMENTS_PER_NODE * 2 / (KILLS + 2);
    let mut seen = Vec::new();
    for wanted in (0..first_kill).step_by(10).skip(1) {
        until(pcs, "acks from two workers", |it| acked(it) >= wanted).await;
        seen.clear();
        for worker in workers.iter().flatten() {
            let http = worker.http;
            let read = tokio::task::spawn_blocking(move || support::get(http, "/metrics").body);
            seen.push(String::from_utf8(read.await.unwrap()).unwrap());
        }
        let none = "shelf_hub_documents_total 0";
        if !seen.iter().any(|it| it.lines().any(|it| it == none)) {
            return;
        }
    }
    panic!("both workers take documents:\n{}", seen.join("\n"));
}

#[tokio::test]
async fn one_of_two_workers_is_killed_under_load_and_nothing_is_lost_or_doubled() {
    let server = Postgres::start(Disk::Unsynced).unwrap();
    let url = server.database().unwrap();
    let directory = tempfile::tempdir().unwrap();
    let broker = Mosquitto::start(directory.path());
    let start = |index: usize| {
        let name = ["a", "b"][index];
        let more = ["--database", &url, "--worker", name];
        Program::start(&directory.path().join(name), broker.port, &more)
    };
    let mut workers = [Some(start(0)), Some(start(1))];
    let mut pcs = [start_pc(1, broker.port), start_pc(2, broker.port)];
    both_take_documents(&mut pcs, &workers).await;
    for round in 1..=KILLS {
        let target = round * DOCUMENTS_PER_NODE * 2 / (KILLS + 2);
        until(&mut pcs, "acks before a kill", |it| acked(it) >= target).await;
        let victim = (round % 2) as usize;
        workers[victim].take().unwrap().kill();
        let states: Vec<Progress> = pcs.iter().map(|it| it.borrow().clone()).collect();
        let address = url.clone();
        let there = tokio::task::spawn_blocking(move || stored(&address));
        let there = there.await.unwrap();
        for state in &states {
            let acked = state.written.iter().take(state.acked as usize);
            let lost = acked
                .filter(|it| !there.contains(&it.1.to_string()))
                .count();
            assert_eq!(
                lost, 0,
                "acked documents that the kill of round {round} lost"
            );
        }
        // The other one goes on alone for a while.
        let more = target + DOCUMENTS_PER_NODE / (KILLS + 2);
        until(&mut pcs, "acks from one worker", |it| acked(it) >= more).await;
        workers[victim] = Some(start(victim));
    }
    let all = DOCUMENTS_PER_NODE as usize;
    let states = until(&mut pcs, "everything acked and relayed", |states| {
        let whole = |it: &Progress| it.acked == DOCUMENTS_PER_NODE && it.held == 2 * all;
        states.iter().all(whole)
    });
    let written = states.await.into_iter().flat_map(|it| it.written);
    let expected: BTreeSet<(String, String)> = written
        .map(|(place, digest)| (place.to_string(), digest.to_string()))
        .collect();
    let sold = 2 * i64::try_from(DOCUMENTS_PER_NODE).unwrap() * 1000;
    for worker in workers.iter().flatten() {
        let http = worker.http;
        let read = tokio::task::spawn_blocking(move || read_hub(http));
        let (documents, stock) = read.await.unwrap();
        assert_eq!(documents.len(), 2 * all, "each document once");
        assert_eq!(documents.into_iter().collect::<BTreeSet<_>>(), expected);
        let floor_and_customer = serde_json::json!({"floor": -sold, "customer": sold});
        assert_eq!(stock["locations"], floor_and_customer);
    }
    let both = workers.each_ref().map(|it| it.as_ref().unwrap().http);
    tokio::task::spawn_blocking(move || one_catalogue(both))
        .await
        .unwrap();
}

/// What one worker imports the other one serves.
fn one_catalogue([importer, other]: [std::net::SocketAddr; 2]) {
    let csv = b"gtin,name,unit_price\n4006381333931,Pen,1.00\n";
    let kind = [("content-type", "text/csv")];
    let report = support::ask(importer, "POST", "/api/v1/catalogue", &kind, csv);
    assert_eq!(report.json()["revision"], 1);
    let served = support::get(other, "/catalogue/1");
    assert_eq!(served.status, 200);
    assert_eq!(served.body, support::get(importer, "/catalogue/1").body);
}

#[test]
fn a_hub_on_postgres_serves_and_stops_cleanly() {
    let server = Postgres::start(Disk::Unsynced).unwrap();
    let directory = tempfile::tempdir().unwrap();
    let mut config = support::config(directory.path());
    config.database = Database::Postgres(Secret::new(server.database().unwrap()));
    let hub = support::TestHub::with(&config);
    let stores = hub.get("/api/v1/stores").json();
    assert_eq!(stores, serde_json::json!({"stores": []}));
    assert_eq!(hub.get("/api/v1/stores/berlin/stock").status, 404);
    let findings = shelf_hub::check::run(&config);
    let database = findings.iter().find(|it| it.id == "database").unwrap();
    assert_eq!(
        database.verdict,
        shelf_hub::check::Verdict::Ok,
        "{database:?}"
    );
    hub.stop();
    config.database = Database::Postgres(Secret::new("postgres://hub@127.0.0.1:1/none"));
    let findings = shelf_hub::check::run(&config);
    let database = findings.iter().find(|it| it.id == "database").unwrap();
    assert_eq!(database.verdict, shelf_hub::check::Verdict::Fail);
    let error = shelf_hub::server::HubServer::start(&config).unwrap_err();
    assert!(error.to_string().contains("database"), "{error}");
}
