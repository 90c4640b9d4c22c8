//! BARS 5: stock of one item among 100,000 beside a busy writer, against bare rusqlite.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench"
)]

mod lab;

use std::sync::atomic::{AtomicBool, Ordering};

use lab::{Draw, Rounds, draft, item_id, line, open, ratio, stock_up, times};
use rusqlite::{Connection, OpenFlags};
use shelf_ledger::Ledger;
use shelf_stock::document::Kind;

const ROUNDS: u64 = 5;
const COUNT: u64 = 20_000;

/// The number of an item's balance row by hand: by the key that its text stands for, as a program
/// keeps it that never sees the text, and by the text, as a scan brings it.
const BY_KEY: &str = "SELECT quantity FROM balance WHERE store = 1 AND item = ?1 AND location = 0";
const BY_TEXT: &str = "SELECT quantity FROM balance WHERE store = 1
    AND item = (SELECT key FROM word WHERE text = ?1) AND location = 0";

fn ask(bare: &Connection, sql: &str, item: impl rusqlite::ToSql) {
    let mut statement = bare.prepare_cached(sql).unwrap();
    let _quantity: i64 = statement.query_row([item], |row| row.get(0)).unwrap_or(0);
}

fn measure(ledger: &Ledger, bare: &Connection, name: &str) {
    let mut draw = Draw::seeded(9);
    let (mut peers, mut by_text, mut ours) =
        (Rounds::default(), Rounds::default(), Rounds::default());
    for _ in 0..ROUNDS {
        let drawn: Vec<u64> = (0..COUNT).map(|_| draw.item()).collect();
        let ids: Vec<_> = drawn.iter().map(|it| item_id(*it)).collect();
        let mut keys = drawn.iter().map(|it| i64::try_from(*it).unwrap() + 2);
        peers.add(times(COUNT, || ask(bare, BY_KEY, keys.next().unwrap())));
        let mut texts = ids.iter();
        by_text.add(times(COUNT, || {
            ask(bare, BY_TEXT, texts.next().unwrap().as_str());
        }));
        let mut texts = ids.iter();
        ours.add(times(COUNT, || {
            let item = texts.next().unwrap();
            ledger.readers().with_one(|it| it.book(item)).unwrap();
        }));
    }
    println!(
        "{}",
        serde_json::json!({ "bench": "lookup", "beside": name,
            "peer_p50_us": peers.p50(), "peer_p99_us": peers.p99(),
            "peer_by_text_p50_us": by_text.p50(), "peer_by_text_p99_us": by_text.p99(),
            "ours_p50_us": ours.p50(), "ours_p99_us": ours.p99(),
            "ours_to_peer_p50": ratio(ours.p50(), peers.p50()),
            "ours_to_peer_p99": ratio(ours.p99(), peers.p99()),
            "ours_to_peer_by_text_p50": ratio(ours.p50(), by_text.p50()),
            "ours_to_peer_by_text_p99": ratio(ours.p99(), by_text.p99()) })
    );
}

fn main() {
    let dir = tempfile::tempdir_in(".").unwrap();
    let ledger = open(dir.path());
    stock_up(&ledger);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let bare = Connection::open_with_flags(ledger.paths().database(), flags).unwrap();
    measure(&ledger, &bare, "idle");
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut draw = Draw::seeded(4);
            while !stop.load(Ordering::Relaxed) {
                let draft = draft(Kind::Sale, vec![line(draw.item(), 1_767_603_600_000)]);
                ledger
                    .writer()
                    .run("sale", move |tx| tx.record(&draft))
                    .unwrap();
            }
        });
        measure(&ledger, &bare, "a busy writer");
        stop.store(true, Ordering::Relaxed);
    });
}
