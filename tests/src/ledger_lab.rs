//! The ledger under test by violence: what its child process writes and how a wreck is judged.
//!
//! Shared by the child program and by the tests that kill it, cut its power and count its syncs.
//! A verdict compares what was acknowledged with what is there after opening in place.
#![allow(
    clippy::disallowed_methods,
    reason = "a test program stands on the real clock and the kernel's randomness"
)]

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use shelf_ledger::environment::{Clock, Entropy};
use shelf_ledger::{Depth, Ledger, OpenOptions};
use shelf_stock::document::{Draft, Kind, Line, SourceAction, SourceKey, Subject};
use shelf_stock::identity::Place;
use shelf_stock::location::Location;
use shelf_stock::name::{ItemId, ReceiptNo, SourceId, StoreId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// Items that the child's sales are spread over.
pub const LAB_ITEMS: u64 = 500;

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock(Instant);

impl SystemClock {
    /// Monotonic time counts from here.
    #[must_use]
    pub fn start() -> Self {
        Self(Instant::now())
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        let millis = since.map_or(0, |it| it.as_millis());
        Timestamp::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
    }

    fn mono_us(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

/// The kernel's randomness.
#[derive(Debug)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    fn fill(&self, bytes: &mut [u8]) -> io::Result<()> {
        getrandom::fill(bytes).map_err(io::Error::other)
    }
}

/// The lab's ledger in a directory, with a WAL of `wal_bytes` and no ballast.
pub fn options(dir: &Path, wal_bytes: u64) -> Result<OpenOptions> {
    let store = StoreId::new("lab")?;
    let clock = Arc::new(SystemClock::start());
    let mut options = OpenOptions::new(dir, store, clock, Arc::new(OsEntropy));
    options.wal_bytes = wal_bytes;
    options.ballast_bytes = 0;
    Ok(options)
}

/// A sale of one line; `number` picks the item and is the receipt where `source` is given.
pub fn sale(number: u64, source: Option<&str>) -> Result<Draft> {
    let mut draft = Draft::new(Kind::Sale);
    if let Some(source) = source {
        draft.source = Some(SourceKey {
            source: SourceId::new(source)?,
            receipt: ReceiptNo::new(number.to_string())?,
            action: SourceAction::Record,
            part: 0,
        });
    }
    draft.lines.push(Line {
        subject: Subject::Item(ItemId::new(format!(
            "{:014}",
            number.wrapping_mul(2_654_435_761) % LAB_ITEMS
        ))?),
        quantity: Quantity::ONE,
        from: Location::SalesFloor,
        to: Location::Customer,
        effective: Timestamp::from_millis(1_767_603_600_000),
        unit_price: None,
        amount: None,
        parts: Vec::new(),
        code: None,
        reason: None,
    });
    Ok(draft)
}

/// What is left after a crash.
#[derive(Debug, Default)]
pub struct Verdict {
    /// Acknowledged documents that are not there.
    pub missing: Vec<Place>,
    /// What the deep check found.
    pub findings: Vec<String>,
    /// Documents that are there.
    pub documents: u64,
}

impl Verdict {
    /// Nothing is lost and nothing is wrong.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.missing.is_empty() && self.findings.is_empty()
    }
}

/// Opens a wreck in place as the daemon would, looks for what was acknowledged, and checks all
/// of it: structure, digests, chains, balances against movements.
pub fn judge(dir: &Path, acknowledged: &[Place]) -> Result<Verdict> {
    let (ledger, _) = Ledger::open(options(dir, 0)?).context("open the wreck")?;
    let mut verdict = Verdict::default();
    for place in acknowledged {
        let found = ledger.readers().with(|it| it.tables().bytes(*place))?;
        if found.is_none() {
            verdict.missing.push(*place);
        }
    }
    let check = ledger
        .start_check(Depth::Deep)?
        .wait()
        .context("the check panicked")??;
    verdict.documents = check.documents;
    verdict.findings = check.findings;
    Ok(verdict)
}
