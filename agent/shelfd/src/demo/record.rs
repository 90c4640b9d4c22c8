//! The simulators' own record of the run, and the measurements taken on the way.
//!
//! Written by whoever played the part, at the moment at which a person would have seen it: a line
//! when the screen showed it, a report when its answer came. It is never corrected by what the
//! daemon or the hub says later.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use shelf_stock::money::Money;
use shelf_till::basket::{BasketId, BasketLine, Direction};

use super::facts::{self, Fact, Facts, Moved, Receipt};

/// Samples of a latency that are kept; a run of weeks must not fill the memory.
const SAMPLES_MAX: usize = 1_000_000;

macro_rules! counters {
    ($($(#[doc = $doc:literal])+ $name:ident;)*) => {
        /// What is counted.
        #[derive(Debug, Default)]
        pub(super) struct Counts {
            $($(#[doc = $doc])+ pub(super) $name: Counter,)*
        }
    };
}

/// A number that grows.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    /// One more.
    pub(super) fn up(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How many.
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

counters! {
    /// Scans whose line the screen showed.
    scans;
    /// Goods taken by their key, shown as well.
    keyed_goods;
    /// Goods weighed at the till's scale, shown as well.
    weighed;
    /// Sales of our tills that were recorded.
    till_sales;
    /// Sales that the existing POS had an answer for.
    reported_sales;
    /// Reports of voids that were answered.
    voids;
    /// Receipts begun.
    invoices;
    /// Lines that came back.
    returns;
    /// Lines with a code that nobody knows, sold at a keyed price.
    unknown_codes;
    /// Payments that the terminal declined.
    declined;
    /// Payments in cash.
    cash;
    /// Baskets set aside and taken back.
    parked;
    /// Things that a simulator had to give up on; the check sees what is missing.
    troubles;
    /// Simulators that broke: the run proves nothing.
    broken;
}

/// Everything that the simulators know.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// Numbers.
    pub(super) counts: Counts,
    shown: Mutex<BTreeMap<(String, BasketId), BTreeMap<u32, Moved>>>,
    facts: Mutex<Facts>,
    scan_to_durable_us: Mutex<Vec<u64>>,
    troubles: Mutex<Vec<String>>,
}

impl Record {
    /// A till's screen shows this line.
    pub(super) fn shown(&self, till: &str, basket: BasketId, line: &BasketLine) {
        let moved = Moved {
            what: facts::what(&line.subject, line.code.as_ref()),
            quantity: line.quantity,
            back: matches!(line.direction, Direction::Return { .. }),
        };
        let mut shown = locked(&self.shown);
        shown
            .entry((till.to_owned(), basket))
            .or_default()
            .insert(line.no.0, moved);
    }

    /// The cashier abandoned a basket: its lines were never sold.
    pub(super) fn abandoned(&self, till: &str, basket: BasketId) {
        locked(&self.shown).remove(&(till.to_owned(), basket));
    }

    /// The drawer took or gave cash for a basket.
    pub(super) fn cash(&self, till: &str, basket: BasketId, amount: Money) {
        self.counts.cash.up();
        locked(&self.facts).add(facts::payment(till, amount, basket.to_string()));
    }

    /// The existing POS has an answer for a report.
    pub(super) fn answered(&self, receipt: &Receipt, lines: Vec<Moved>, paid: Money) {
        let mut facts = locked(&self.facts);
        facts.add(facts::payment(&receipt.till, paid, receipt.number.clone()));
        facts.add(Fact::Receipt(receipt.clone()));
        for line in lines {
            facts.add(Fact::Line(receipt.clone(), line));
        }
    }

    /// From the first byte of a scan to its line on the screen.
    pub(super) fn scan_took(&self, micros: u64) {
        self.counts.scans.up();
        let mut samples = locked(&self.scan_to_durable_us);
        if samples.len() < SAMPLES_MAX {
            samples.push(micros);
        }
    }

    /// Something went wrong that a simulator can't mend.
    pub(super) fn trouble(&self, what: String) {
        self.counts.troubles.up();
        tracing::warn!(%what, "demo");
        let mut troubles = locked(&self.troubles);
        if troubles.len() < 20 {
            troubles.push(what);
        }
    }

    /// The first troubles.
    pub(super) fn troubles(&self) -> Vec<String> {
        locked(&self.troubles).clone()
    }

    /// Sales that the simulators know to be recorded.
    pub(super) fn sales(&self) -> u64 {
        self.counts.till_sales.get() + self.counts.reported_sales.get()
    }

    /// Samples of scan to durable, in microseconds.
    pub(super) fn scan_samples(&self) -> Vec<u64> {
        locked(&self.scan_to_durable_us).clone()
    }

    /// Everything that must be at the hub: every shown line is in its receipt.
    pub(super) fn facts(&self) -> Facts {
        let mut facts = locked(&self.facts).clone();
        for ((till, basket), lines) in locked(&self.shown).iter() {
            let receipt = Receipt {
                till: till.clone(),
                number: basket.to_string(),
                is_void: false,
            };
            facts.add(Fact::Receipt(receipt.clone()));
            for line in lines.values() {
                facts.add(Fact::Line(receipt.clone(), line.clone()));
            }
        }
        facts
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
