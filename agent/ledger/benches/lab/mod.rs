//! What the benches share: clocks, a seeded draw, the floor, percentiles, JSON lines.
#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    dead_code,
    unreachable_pub,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a bench owns the clock and its output, uses a part of this, and may fail loudly"
)]

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use shelf_ledger::environment::{Clock, Entropy};
use shelf_ledger::{Ledger, OpenOptions as LedgerOptions};
use shelf_stock::document::{Draft, Kind, Line, Subject};
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// Items of the shop.
pub const ITEMS: u64 = 100_000;

pub struct BenchClock(Instant);

impl Clock for BenchClock {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap())
    }

    fn mono_us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap()
    }
}

pub struct BenchEntropy(AtomicU64);

impl Entropy for BenchEntropy {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            *byte = (self.0.fetch_add(0x9E37_79B9, Ordering::Relaxed) >> 7) as u8;
        }
        Ok(())
    }
}

/// Opens a ledger for a bench.
pub fn open(dir: &Path) -> Ledger {
    let options = LedgerOptions::new(
        dir,
        StoreId::new("bench").unwrap(),
        Arc::new(BenchClock(Instant::now())),
        Arc::new(BenchEntropy(AtomicU64::new(42))),
    );
    Ledger::open(options).unwrap().0
}

/// A sequence of numbers from a seed; items are drawn skewed, as a shop sells them.
pub struct Draw(u64);

impl Draw {
    pub fn seeded(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// An item's number, small ones much more often.
    pub fn item(&mut self) -> u64 {
        let (a, b) = (self.next() % ITEMS, self.next() % ITEMS);
        a * b / ITEMS
    }
}

pub fn item_id(number: u64) -> ItemId {
    ItemId::new(format!("{:014}", 4_000_000_000_000 + number * 17)).unwrap()
}

pub fn line(item: u64, wall_ms: i64) -> Line {
    Line {
        subject: Subject::Item(item_id(item)),
        quantity: Quantity::ONE,
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: Timestamp::from_millis(wall_ms),
        unit_price: None,
        amount: None,
        parts: Vec::new(),
        code: None,
        reason: None,
    }
}

pub fn draft(kind: Kind, lines: Vec<Line>) -> Draft {
    let mut draft = Draft::new(kind);
    draft.lines = lines;
    draft
}

/// Gives every item a stock, in documents of 500 lines.
pub fn stock_up(ledger: &Ledger) {
    let mut pending = Vec::new();
    for first in (0..ITEMS).step_by(500) {
        let lines = (first..first + 500).map(|number| {
            let mut line = line(number, 1_700_000_000_000);
            line.from = Location::Supplier;
            line.to = Location::SalesFloor;
            line.quantity = Quantity::units(50);
            line
        });
        let draft = draft(Kind::GoodsReceipt, lines.collect());
        pending.push(
            ledger
                .writer()
                .execute("receipt", move |tx| tx.record(&draft)),
        );
    }
    for it in pending {
        it.wait().unwrap();
    }
    // Begin each bench with an empty WAL, as after an idle moment.
    let busy = Duration::from_secs(5);
    let by_hand = rusqlite::Connection::open(ledger.paths().database()).unwrap();
    by_hand.busy_timeout(busy).unwrap();
    by_hand
        .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)
        .unwrap();
    by_hand
        .wal_checkpoint_v2(None::<&str>, CheckpointMode::RESTART)
        .unwrap();
}

/// 4 KiB and fdatasync into a file of zeros that was written before.
pub struct Floor {
    file: File,
    at: u64,
}

impl Floor {
    const BYTES: u64 = 16 << 20;

    pub fn new(dir: &Path) -> Self {
        let file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .open(dir.join("floor"))
            .unwrap();
        file.write_all_at(&vec![0; usize::try_from(Self::BYTES).unwrap()], 0)
            .unwrap();
        file.sync_all().unwrap();
        Self { file, at: 0 }
    }

    pub fn write(&mut self) {
        self.file.write_all_at(&[0x5A; 4096], self.at).unwrap();
        self.file.sync_data().unwrap();
        self.at = (self.at + 4096) % Self::BYTES;
    }
}

/// Times `count` runs of `body`, in microseconds, sorted.
pub fn times(count: u64, mut body: impl FnMut()) -> Vec<f64> {
    let mut times: Vec<f64> = (0..count)
        .map(|_| {
            let start = Instant::now();
            body();
            start.elapsed().as_secs_f64() * 1e6
        })
        .collect();
    times.sort_by(f64::total_cmp);
    times
}

/// The value below which `share` of the sorted values are.
pub fn percentile(sorted: &[f64], share: f64) -> f64 {
    let last = sorted.len() - 1;
    sorted[((last as f64) * share).round() as usize]
}

pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    percentile(&values, 0.5)
}

/// Medians over rounds of p50, p99 and p99.9.
#[derive(Default)]
pub struct Rounds {
    pub p50: Vec<f64>,
    pub p99: Vec<f64>,
    pub all: Vec<f64>,
}

impl Rounds {
    pub fn add(&mut self, sorted: Vec<f64>) {
        self.p50.push(percentile(&sorted, 0.5));
        self.p99.push(percentile(&sorted, 0.99));
        self.all.extend(sorted);
    }

    pub fn p50(&self) -> f64 {
        median(self.p50.clone())
    }

    pub fn p99(&self) -> f64 {
        median(self.p99.clone())
    }

    pub fn p999(&self) -> f64 {
        let mut all = self.all.clone();
        all.sort_by(f64::total_cmp);
        percentile(&all, 0.999)
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::json!({ "p50_us": self.p50().round(), "p99_us": self.p99().round(),
            "p999_us": self.p999().round() })
    }
}

/// Two decimals.
pub fn ratio(a: f64, b: f64) -> f64 {
    (a / b * 100.0).round() / 100.0
}
