//! How fast a hub takes a backlog: movements per second on SQLite and PostgreSQL.
//!
//! Frames of one PC's backlog are recorded once. Each round stores them in a fresh database by the
//! hub's own path (frame to commit: unpack, verify, fold, store, ack) and, as ceilings of the same
//! run, has hand-written programs write the same rows: rusqlite with prepared statements, a warm
//! WAL and several messages a transaction; PostgreSQL with UNNEST. Then the same frames come
//! again, and the hand-written programs skip the same rows; what was folded must then be what it
//! was, bit for bit. Rounds are interleaved; medians and ratios are printed.
//! Arguments: number of documents (default 50000), rounds (default 3), `sqlite` to leave PostgreSQL
//! out.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::panic,
    clippy::disallowed_methods,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a bench measures time and prints it, and fails by panicking"
)]

#[path = "support/backlog.rs"]
mod backlog;
#[allow(dead_code, unreachable_pub, reason = "a fixture that others use too")]
#[path = "../../../tests/src/postgres.rs"]
mod postgres;
#[allow(unreachable_pub, reason = "benches share it")]
#[path = "support/sales.rs"]
mod sales;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use backlog::{GROUP_MESSAGES, Load, exchange, load, ours};
use postgres::{Disk, Postgres};
use shelf_hub::storage::postgres::PostgresStorage;
use shelf_hub::storage::sqlite::SqliteStorage;
use shelf_ledger::tables::{StoreKey, Tables};
use shelf_stock::document::Subject;
use shelf_stock::fold::{self, Rules};
use shelf_wire::frame::unpack;
use shelf_wire::message::Message;
use shelf_wire::sealed::Authored;

/// The rows of one message, in the terms of both databases.
struct Rows {
    documents: Vec<(i64, i64, Vec<u8>, Vec<u8>)>,
    sources: Vec<(String, i64)>,
    movements: Vec<(i64, String, i64, i64, i32)>,
    sums: BTreeMap<(String, bool), i64>,
}

fn rows(documents: &[Authored]) -> Rows {
    let mut rows = Rows {
        documents: Vec::new(),
        sources: Vec::new(),
        movements: Vec::new(),
        sums: BTreeMap::new(),
    };
    for authored in documents {
        let document = authored.document();
        let id = 1 << 40 | document.place.seq.0 as i64;
        let hlc = document.hlc.to_bits() as i64;
        let digest = authored.digest().as_bytes().to_vec();
        rows.documents
            .push((id, hlc, digest, authored.bytes().to_vec()));
        rows.sources.push((document.place.seq.0.to_string(), id));
        for (number, line) in (0..).zip(&document.draft.lines) {
            let Subject::Item(item) = &line.subject else {
                continue;
            };
            let (item, quantity) = (item.to_string(), line.quantity.as_thousandths());
            for (customer, sign) in [(false, -1), (true, 1)] {
                *rows.sums.entry((item.clone(), customer)).or_default() += sign * quantity;
            }
            let effective = line.effective.as_millis();
            rows.movements.push((effective, item, id, quantity, number));
        }
    }
    rows
}

/// A hand-written program on the same tables in SQLite.
fn sqlite_ceiling(data: &std::path::Path, messages: &[Rows]) -> Duration {
    drop(SqliteStorage::open(data).unwrap());
    let mut hosted = shelf_hub::database::open_writer(data).unwrap();
    let mut words: BTreeMap<String, i64> = BTreeMap::new();
    let began = Instant::now();
    for group in messages.chunks(GROUP_MESSAGES) {
        let transaction = hosted.connection.transaction().unwrap();
        for rows in group {
            let sql = "INSERT INTO document VALUES (?1, 1, ?2, ?3, ?4)";
            let mut insert = transaction.prepare_cached(sql).unwrap();
            for (id, hlc, digest, bytes) in &rows.documents {
                insert
                    .execute(rusqlite::params![id, hlc, digest, bytes])
                    .unwrap();
            }
            let sql = "INSERT INTO source_counted VALUES (1, 1, ?1, 0, 0, ?2)";
            let mut insert = transaction.prepare_cached(sql).unwrap();
            for row in &rows.sources {
                insert.execute(rusqlite::params![row.0, row.1]).unwrap();
            }
            let mut word = |text: &str| {
                if let Some(key) = words.get(text) {
                    return *key;
                }
                let sql = "INSERT INTO word (text) VALUES (?1)";
                transaction
                    .prepare_cached(sql)
                    .unwrap()
                    .execute([text])
                    .unwrap();
                let key = transaction.last_insert_rowid();
                words.insert(text.to_owned(), key);
                key
            };
            let sql = "INSERT INTO movement VALUES (1, ?1, ?2, ?3, ?4, 0, 6, ?5)";
            let mut insert = transaction.prepare_cached(sql).unwrap();
            for (effective, item, id, quantity, line) in &rows.movements {
                let params = rusqlite::params![word(item), effective, id, line, quantity];
                insert.execute(params).unwrap();
            }
            let mut add = transaction
                .prepare_cached(
                    "INSERT INTO balance VALUES (1, ?1, ?2, ?3)
                     ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
                )
                .unwrap();
            for ((item, customer), quantity) in &rows.sums {
                let location = i64::from(*customer) * 6;
                add.execute([word(item), location, *quantity]).unwrap();
            }
        }
        transaction.commit().unwrap();
    }
    began.elapsed()
}

/// The statements of the hand-written program on PostgreSQL.
const DOCUMENTS: &str = "INSERT INTO document (id, folded, hlc, digest, bytes)
    SELECT a, TRUE, b, c, d
    FROM unnest($1::bigint[], $2::bigint[], $3::bytea[], $4::bytea[]) AS x (a, b, c, d)";
const SOURCES: &str = "INSERT INTO source_counted SELECT 1, 'till-1', a, 0, 0, b
    FROM unnest($1::text[], $2::bigint[]) AS x (a, b)";
const MOVEMENTS: &str = "INSERT INTO movement SELECT 1, a, b, c, d, e, 'floor', 'customer'
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::int[], $5::text[])
        AS x (a, b, c, d, e)";
const BALANCES: &str = "INSERT INTO balance SELECT 1, a, b, c
    FROM unnest($1::bigint[], $2::text[], $3::text[]) AS x (a, b, c)
    ON CONFLICT (store, item, location)
    DO UPDATE SET quantity = balance.quantity + excluded.quantity";

/// The same in PostgreSQL with UNNEST.
fn postgres_ceiling(url: &str, messages: &[Rows]) -> Duration {
    drop(PostgresStorage::open(url).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let connected = tokio_postgres::connect(url, tokio_postgres::NoTls).await;
        let (client, connection) = connected.unwrap();
        drop(tokio::spawn(connection));
        let mut statements = Vec::new();
        for sql in [DOCUMENTS, SOURCES, MOVEMENTS, BALANCES] {
            statements.push(client.prepare(sql).await.unwrap());
        }
        let began = Instant::now();
        for group in messages.chunks(GROUP_MESSAGES) {
            client.batch_execute("BEGIN").await.unwrap();
            unnest(&client, &statements, group).await;
            client.batch_execute("COMMIT").await.unwrap();
        }
        began.elapsed()
    })
}

async fn unnest(
    client: &tokio_postgres::Client,
    statements: &[tokio_postgres::Statement],
    group: &[Rows],
) {
    let [documents, sources, movements, balances] = statements else {
        panic!("four statements")
    };
    let all = || group.iter().flat_map(|it| &it.documents);
    let ids: Vec<i64> = all().map(|it| it.0).collect();
    let hlcs: Vec<i64> = all().map(|it| it.1).collect();
    let digests: Vec<&[u8]> = all().map(|it| it.2.as_slice()).collect();
    let bytes: Vec<&[u8]> = all().map(|it| it.3.as_slice()).collect();
    client
        .execute(documents, &[&ids, &hlcs, &digests, &bytes])
        .await
        .unwrap();
    let all = || group.iter().flat_map(|it| &it.sources);
    let receipts: Vec<&str> = all().map(|it| it.0.as_str()).collect();
    let ids: Vec<i64> = all().map(|it| it.1).collect();
    client.execute(sources, &[&receipts, &ids]).await.unwrap();
    let all = || group.iter().flat_map(|it| &it.movements);
    let effective: Vec<i64> = all().map(|it| it.0).collect();
    let items: Vec<&str> = all().map(|it| it.1.as_str()).collect();
    let ids: Vec<i64> = all().map(|it| it.2).collect();
    let quantities: Vec<i64> = all().map(|it| it.3).collect();
    let lines: Vec<i32> = all().map(|it| it.4).collect();
    client
        .execute(movements, &[&effective, &ids, &quantities, &lines, &items])
        .await
        .unwrap();
    let mut sums: BTreeMap<(&str, &str), i64> = BTreeMap::new();
    for ((item, customer), quantity) in group.iter().flat_map(|it| &it.sums) {
        let location = if *customer { "customer" } else { "floor" };
        *sums.entry((item, location)).or_default() += quantity;
    }
    let quantities: Vec<i64> = sums.values().copied().collect();
    let items: Vec<&str> = sums.keys().map(|it| it.0).collect();
    let locations: Vec<&str> = sums.keys().map(|it| it.1).collect();
    client
        .execute(balances, &[&quantities, &items, &locations])
        .await
        .unwrap();
}

/// What a hand-written program does with frames whose rows are there: it unpacks them and finds the
/// rows by their keys.
fn sqlite_again(data: &std::path::Path, load: &Load) -> Duration {
    let mut hosted = shelf_hub::database::open_writer(data).unwrap();
    let began = Instant::now();
    for group in load.frames[1..].chunks(GROUP_MESSAGES) {
        let transaction = hosted.connection.transaction().unwrap();
        let sql = "INSERT OR IGNORE INTO document VALUES (?1, 1, 0, x'', ?2)";
        let mut insert = transaction.prepare_cached(sql).unwrap();
        for frame in group {
            let Ok(Message::LogBatch(batch)) = unpack(&frame.payload) else {
                continue;
            };
            for (seq, body) in (batch.first.0..).zip(&batch.bodies) {
                let id = 1 << 40 | seq as i64;
                let new = insert.execute(rusqlite::params![id, body]);
                assert_eq!(new.unwrap(), 0);
            }
        }
        drop(insert);
        transaction.commit().unwrap();
    }
    began.elapsed()
}

/// Everything that was folded, as text.
fn sqlite_state(data: &std::path::Path) -> String {
    let connection = shelf_hub::database::open_reader(&shelf_hub::database::path(data)).unwrap();
    let tables = Tables::new(&connection, StoreKey(1), Rules::default());
    fold::dump(&tables).unwrap()
}

fn postgres_state(storage: &mut PostgresStorage) -> String {
    let transaction = storage.transaction().unwrap();
    fold::dump(&transaction.folding_shop(StoreKey(1))).unwrap()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_by(f64::total_cmp);
    rates[rates.len() / 2]
}

/// Rates by name, in thousands of movements a second.
type Found = BTreeMap<&'static str, Vec<f64>>;

/// One round of everything, interleaved; in the first the states are compared as well.
fn round(
    load: &Load,
    messages: &[Rows],
    server: Option<&Postgres>,
    first: bool,
    found: &mut Found,
) {
    let rate = |took: Duration| load.movements as f64 / took.as_secs_f64() / 1000.0;
    let mut note = |name, took| found.entry(name).or_default().push(rate(took));
    let dir = tempfile::tempdir().unwrap();
    note("1 sqlite ceiling", sqlite_ceiling(dir.path(), messages));
    note("3 sqlite ceiling, again", sqlite_again(dir.path(), load));
    let dir = tempfile::tempdir().unwrap();
    let mut storage = SqliteStorage::open(dir.path()).unwrap();
    let mut machines = exchange();
    let took = ours(&mut storage, &mut machines, &load.frames);
    note("2 sqlite hub", took);
    let before = first.then(|| sqlite_state(dir.path()));
    let took = ours(&mut storage, &mut machines, &load.frames[1..]);
    note("4 sqlite hub, again", took);
    if let Some(before) = &before {
        let same = *before == sqlite_state(dir.path());
        println!("sqlite state after duplicates is the same: {same}");
        assert!(same);
    }
    let Some(server) = server else {
        return;
    };
    let url = server.database().unwrap();
    note("5 postgres ceiling", postgres_ceiling(&url, messages));
    let mut storage = PostgresStorage::open(&server.database().unwrap()).unwrap();
    let mut machines = exchange();
    let took = ours(&mut storage, &mut machines, &load.frames);
    note("6 postgres hub", took);
    let took = ours(&mut storage, &mut machines, &load.frames[1..]);
    note("7 postgres hub, again", took);
    if let Some(before) = &before {
        let same = *before == postgres_state(&mut storage);
        println!("postgres state after duplicates is that of sqlite: {same}");
        assert!(same);
    }
}

fn main() {
    let mut numbers = std::env::args().filter_map(|it| it.parse::<u64>().ok());
    let count = numbers.next().unwrap_or(50_000);
    let rounds = numbers.next().unwrap_or(3);
    let load = load(count);
    let per_message = count as usize / load.frames.len().max(1) + 1;
    let messages: Vec<Rows> = load.documents.chunks(per_message).map(rows).collect();
    println!(
        "{count} documents, {} movements, {} frames, {GROUP_MESSAGES} a transaction",
        load.movements,
        load.frames.len()
    );
    let alone = std::env::args().any(|it| it == "sqlite");
    let server = (!alone).then(|| Postgres::start(Disk::Synced).unwrap());
    let mut found = Found::new();
    for index in 0..rounds {
        round(&load, &messages, server.as_ref(), index == 0, &mut found);
    }
    let medians: BTreeMap<&str, f64> = found
        .into_iter()
        .map(|(name, it)| (name, median(it)))
        .collect();
    for (name, rate) in &medians {
        println!("{name}: {rate:.1} k movements/s");
    }
    let ratio = |of: &str, to: &str| Some(medians.get(of)? / medians.get(to)?);
    for (what, of, to) in [
        ("sqlite hub / ceiling", "2 sqlite hub", "1 sqlite ceiling"),
        (
            "sqlite duplicates / ceiling",
            "4 sqlite hub, again",
            "3 sqlite ceiling, again",
        ),
        (
            "postgres hub / ceiling",
            "6 postgres hub",
            "5 postgres ceiling",
        ),
    ] {
        if let Some(ratio) = ratio(of, to) {
            println!("{what}: {ratio:.2}");
        }
    }
}
