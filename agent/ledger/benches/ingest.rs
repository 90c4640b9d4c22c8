//! BARS 4: documents of 10 and 100 lines, against a hand-written program that writes the same
//! rows with a warm WAL, interleaved.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench"
)]

mod lab;

use lab::{Draw, Rounds, draft, line, open, ratio, stock_up, times};
use rusqlite::{Connection, params};
use shelf_ledger::hosting;
use shelf_stock::document::Kind;

const ROUNDS: u64 = 5;
const EFFECTIVE_MS: i64 = 1_767_603_600_000;

fn peer(connection: &Connection, id: i64, items: &[i64], bytes: &[u8]) {
    let run = |sql: &str, params: &[&dyn rusqlite::ToSql]| {
        connection
            .prepare_cached(sql)
            .unwrap()
            .execute(params)
            .unwrap();
    };
    run("BEGIN IMMEDIATE", &[]);
    run(
        "INSERT INTO document (id, folded, hlc, digest, bytes) VALUES (?1, 1, ?2, ?3, ?4)",
        params![id, id << 20, [7_u8; 32], bytes],
    );
    for (number, item) in (0_i64..).zip(items) {
        run(
            "INSERT INTO movement (store, item, effective, document, line, from_location,
             to_location, quantity) VALUES (1, ?1, ?2, ?3, ?4, 0, 6, 1000)",
            params![item, EFFECTIVE_MS, id, number],
        );
        for (location, quantity) in [(0, -1000), (6, 1000)] {
            run(
                "INSERT INTO balance (store, item, location, quantity) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
                params![item, location, quantity],
            );
        }
    }
    run("COMMIT", &[]);
}

fn main() {
    let (ours_dir, peer_dir) = (
        tempfile::tempdir_in(".").unwrap(),
        tempfile::tempdir_in(".").unwrap(),
    );
    let ledger = open(ours_dir.path());
    stock_up(&ledger);
    let other = open(peer_dir.path());
    stock_up(&other);
    drop(other);
    let hosted = hosting::open(peer_dir.path(), 64 << 20).unwrap();
    let connection = &hosted.connection;
    let mut draw = Draw::seeded(3);
    let mut next = 100 << 40 | 1;
    for (lines, count) in [(10_u64, 300_u64), (100, 60)] {
        let bytes = vec![0x42; usize::try_from(lines).unwrap() * 40];
        let (mut peers, mut ours) = (Rounds::default(), Rounds::default());
        for _ in 0..ROUNDS {
            peers.add(times(count, || {
                let items = (0..lines).map(|_| i64::try_from(draw.item()).unwrap() + 2);
                peer(connection, next, &items.collect::<Vec<_>>(), &bytes);
                next += 1;
            }));
            ours.add(times(count, || {
                let lines = (0..lines).map(|_| line(draw.item(), EFFECTIVE_MS));
                let draft = draft(Kind::Sale, lines.collect());
                let sold = ledger.writer().run("sale", move |tx| tx.record(&draft));
                sold.unwrap();
            }));
        }
        let per_second = |rounds: &Rounds| {
            let total: f64 = rounds.all.iter().sum();
            ((lines * rounds.all.len() as u64) as f64 / total * 1e6).round()
        };
        println!(
            "{}",
            serde_json::json!({ "bench": "ingest", "lines": lines, "peer": peers.json(),
                "ours": ours.json(), "peer_lines_per_s": per_second(&peers),
                "ours_lines_per_s": per_second(&ours),
                "ours_to_peer": ratio(per_second(&ours), per_second(&peers)),
                "ours_p99_to_p50": ratio(ours.p99(), ours.p50()) })
        );
    }
}
