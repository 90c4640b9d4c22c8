//! What every test of the ledger needs: a clock and randomness of its own, a directory, drafts.
#![allow(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    dead_code,
    unreachable_pub,
    reason = "each test binary uses its own part of this"
)]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use shelf_ledger::environment::{Clock, Entropy};
use shelf_ledger::{Ledger, OpenOptions};
use shelf_stock::document::{Draft, Kind, Line, SourceAction, SourceKey, Subject};
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, ReceiptNo, SourceId, StoreId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// 2026-01-05T09:00:00Z.
pub const MONDAY_MS: i64 = 1_767_603_600_000;

/// A clock that a test sets; monotonic time goes on by a microsecond per look.
pub struct TestClock {
    pub wall_ms: AtomicI64,
    mono_us: AtomicU64,
}

impl TestClock {
    pub fn at(wall_ms: i64) -> Arc<Self> {
        Arc::new(Self {
            wall_ms: AtomicI64::new(wall_ms),
            mono_us: AtomicU64::new(1),
        })
    }
}

impl Clock for TestClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millis(self.wall_ms.load(Ordering::Relaxed))
    }

    fn mono_us(&self) -> u64 {
        self.mono_us.fetch_add(1, Ordering::Relaxed)
    }
}

/// Numbers from a seed: different at each call, the same in each run.
pub struct TestEntropy(AtomicU64);

impl TestEntropy {
    pub fn seeded(seed: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(seed)))
    }
}

impl Entropy for TestEntropy {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        for byte in bytes {
            let state = self.0.fetch_add(0x9E37_79B9_7F4A_7C15, Ordering::Relaxed);
            let mixed = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            *byte = ((mixed ^ (mixed >> 27)) >> 24) as u8;
        }
        Ok(())
    }
}

/// Small files, a clock on Monday morning.
pub fn options(dir: &Path, seed: u64) -> OpenOptions {
    let store = StoreId::new("berlin-1").unwrap();
    let clock = TestClock::at(MONDAY_MS);
    let mut options = OpenOptions::new(dir, store, clock, TestEntropy::seeded(seed));
    options.wal_bytes = 1 << 20;
    options.ballast_bytes = 1 << 20;
    options
}

pub fn open(dir: &Path) -> Ledger {
    Ledger::open(options(dir, 1)).unwrap().0
}

pub fn item(name: &str) -> ItemId {
    ItemId::new(name).unwrap()
}

pub fn sale(name: &str, units: i64) -> Draft {
    let mut draft = Draft::new(Kind::Sale);
    draft.lines.push(Line {
        subject: Subject::Item(item(name)),
        quantity: Quantity::units(units),
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: Timestamp::from_millis(MONDAY_MS),
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    });
    draft
}

pub fn receipt(name: &str, units: i64, receipt: &str) -> Draft {
    let mut draft = sale(name, units);
    draft.source = Some(SourceKey {
        source: SourceId::new("pos-1").unwrap(),
        receipt: ReceiptNo::new(receipt).unwrap(),
        action: SourceAction::Record,
        part: 0,
    });
    draft
}
