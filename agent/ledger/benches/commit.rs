//! BARS 1 and 2: a one-line sale made durable, against a hand-written program that writes the
//! same rows and against the disk's floor, interleaved in one run.
//!
//! `LD_PRELOAD` a shim that slows each sync down to play a slower disk (BARS 2). `SHELF_ROUNDS` and
//! `SHELF_COUNT` set rounds and commits per round.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench"
)]

mod lab;

use lab::{Draw, Floor, Rounds, draft, line, open, ratio, stock_up, times};
use rusqlite::{Connection, params};
use shelf_ledger::hosting;
use shelf_stock::document::Kind;

fn number(name: &str, default: u64) -> u64 {
    let text = std::env::var(name).ok();
    text.and_then(|it| it.parse().ok()).unwrap_or(default)
}

/// The peer: the same four rows by hand, statements prepared, everything computed beforehand.
struct Peer {
    connection: Connection,
    next: i64,
}

impl Peer {
    fn sell(&mut self, item: i64, bytes: &[u8]) {
        let connection = &self.connection;
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
            params![self.next, self.next << 20, [7_u8; 32], bytes],
        );
        run(
            "INSERT INTO movement (store, item, effective, document, line, from_location,
             to_location, quantity) VALUES (1, ?1, ?2, ?3, 0, 0, 6, 1000)",
            params![item, 1_767_603_600_000 + self.next, self.next],
        );
        for (location, quantity) in [(0, -1000), (6, 1000)] {
            run(
                "INSERT INTO balance (store, item, location, quantity) VALUES (1, ?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
                params![item, location, quantity],
            );
        }
        run("COMMIT", &[]);
        self.next += 1;
    }
}

fn peer(dir: &std::path::Path) -> Peer {
    // The same starting state: made by the ledger, then used by hand.
    let ledger = open(dir);
    stock_up(&ledger);
    drop(ledger);
    let hosted = Box::leak(Box::new(hosting::open(dir, 64 << 20).unwrap()));
    let connection = Connection::open(hosting::database(dir)).unwrap();
    for pragma in [
        "synchronous = FULL",
        "wal_autocheckpoint = 16000",
        "cache_size = -8192",
    ] {
        connection
            .execute_batch(&format!("PRAGMA {pragma}"))
            .unwrap();
    }
    connection.set_prepared_statement_cache_capacity(128);
    let _held = &hosted.connection;
    Peer {
        connection,
        next: 100 << 40 | 1,
    }
}

fn main() {
    let (rounds, count) = (number("SHELF_ROUNDS", 9), number("SHELF_COUNT", 600));
    let (ours_dir, peer_dir) = (
        tempfile::tempdir_in(".").unwrap(),
        tempfile::tempdir_in(".").unwrap(),
    );
    let ledger = open(ours_dir.path());
    stock_up(&ledger);
    let mut peer = peer(peer_dir.path());
    let mut floor = Floor::new(peer_dir.path());
    let (mut floors, mut peers, mut ours) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    let mut draw = Draw::seeded(1);
    let bytes = vec![0x42; 150];
    let (mut handoffs, mut queued) = (Rounds::default(), Rounds::default());
    for _ in 0..rounds {
        handoffs.add(times(count, || {
            let nothing = ledger.writer().execute("nothing", |_| Ok(()));
            let done: Result<(), shelf_ledger::ExecuteError<std::convert::Infallible>> =
                nothing.wait();
            done.unwrap();
        }));
        floors.add(times(count, || floor.write()));
        peers.add(times(count, || {
            let item = i64::try_from(draw.item()).unwrap() + 2;
            peer.sell(item, &bytes);
        }));
        ours.add(times(count, || {
            let draft = draft(Kind::Sale, vec![line(draw.item(), 1_767_603_600_000)]);
            let sold = ledger.writer().run("sale", move |tx| tx.record(&draft));
            sold.unwrap();
        }));
        queued.add(times(count, || {
            let draft = draft(Kind::Sale, vec![line(draw.item(), 1_767_603_600_000)]);
            let sold = ledger.writer().execute("sale", move |tx| tx.record(&draft));
            sold.wait().unwrap();
        }));
    }
    println!(
        "{}",
        serde_json::json!({ "bench": "commit", "rounds": rounds, "count": count,
            "floor": floors.json(), "handoff": handoffs.json(), "peer": peers.json(), "ours": ours.json(), "ours_queued": queued.json(),
            "ours_to_peer_p50": ratio(ours.p50(), peers.p50()),
            "ours_to_peer_p99": ratio(ours.p99(), peers.p99()),
            "ours_to_floor_p50": ratio(ours.p50(), floors.p50()),
            "ours_to_floor_p99": ratio(ours.p99(), floors.p99()),
            "peer_to_floor_p50": ratio(peers.p50(), floors.p50()) })
    );
}
