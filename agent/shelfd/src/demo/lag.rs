//! How long a sale takes to the hub, and how much waits: per PC, from the ledger's own cursor.
//!
//! A sale is noted when its commit is known; it has arrived when the hub's cumulative ack, which
//! the ledger stores, has passed its number. The wait ends on the PC's bell, so the figure is the
//! ack's and not a poll's.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use shelf_ledger::ReadError;
use shelf_replica::store::{LogId, Peer, Store as _};
use shelf_stock::identity::Place;

use crate::daemon::shop::Shop;
use crate::platform::MonoClock;

/// How often the backlog is looked at when no bell rings, in milliseconds.
const LOOK_MS: u64 = 100;
/// Samples that are kept.
const SAMPLES_MAX: usize = 1_000_000;

/// One PC's way to the hub.
pub(super) struct Lag {
    shop: Arc<Shop>,
    clock: MonoClock,
    waiting: Mutex<BTreeMap<LogId, BTreeMap<u64, u64>>>,
    took_us: Mutex<Vec<u64>>,
    acked: AtomicU64,
    backlog: AtomicU64,
    backlog_peak: AtomicU64,
}

impl Lag {
    /// Of a PC.
    pub(super) fn new(shop: Arc<Shop>, clock: MonoClock) -> Self {
        Self {
            shop,
            clock,
            waiting: Mutex::default(),
            took_us: Mutex::default(),
            acked: AtomicU64::new(0),
            backlog: AtomicU64::new(0),
            backlog_peak: AtomicU64::new(0),
        }
    }

    /// A sale was committed just now.
    pub(super) fn committed(&self, place: Place) {
        let log = LogId {
            node: place.node,
            incarnation: place.incarnation,
        };
        let mut waiting = locked(&self.waiting);
        waiting
            .entry(log)
            .or_default()
            .insert(place.seq.0, self.clock.micros());
    }

    /// Follows the acks until it is dropped.
    pub(super) async fn follow(self: Arc<Self>) {
        let mut news = self.shop.bell.news.subscribe();
        loop {
            let lag = self.clone();
            let looked = tokio::task::spawn_blocking(move || lag.look()).await;
            if let Ok(Err(error)) = looked {
                tracing::warn!(%error, "the backlog can't be read");
            }
            let changed = news.changed();
            if let Ok(Err(_)) = tokio::time::timeout(Duration::from_millis(LOOK_MS), changed).await
            {
                return;
            }
        }
    }

    /// Reads cursors and backlog once.
    pub(super) fn look(&self) -> Result<(), ReadError> {
        let logs: Vec<LogId> = locked(&self.waiting).keys().copied().collect();
        let (unsynced, cursors) = self.shop.readers.with(|ledger| {
            let mut cursors = Vec::new();
            for log in logs {
                cursors.push((log, ledger.tables().cursor(Peer::Hub, log)?));
            }
            Ok((ledger.unsynced()?.count, cursors))
        })?;
        let now = self.clock.micros();
        self.backlog.store(unsynced, Ordering::Relaxed);
        self.backlog_peak.fetch_max(unsynced, Ordering::Relaxed);
        for (log, upto) in cursors {
            let mut waiting = locked(&self.waiting);
            let Some(of_log) = waiting.get_mut(&log) else {
                continue;
            };
            let later = of_log.split_off(&upto.0.saturating_add(1));
            let arrived = std::mem::replace(of_log, later);
            drop(waiting);
            let mut took = locked(&self.took_us);
            for since in arrived.into_values() {
                self.acked.fetch_add(1, Ordering::Relaxed);
                if took.len() < SAMPLES_MAX {
                    took.push(now.saturating_sub(since));
                }
            }
        }
        Ok(())
    }

    /// Documents of this PC that the hub has not acked, when last looked at.
    pub(super) fn backlog(&self) -> u64 {
        self.backlog.load(Ordering::Relaxed)
    }

    /// The most of them so far.
    pub(super) fn backlog_peak(&self) -> u64 {
        self.backlog_peak.load(Ordering::Relaxed)
    }

    /// Sales that the hub has acked.
    pub(super) fn acked(&self) -> u64 {
        self.acked.load(Ordering::Relaxed)
    }

    /// Sales that it has not.
    pub(super) fn waiting(&self) -> usize {
        locked(&self.waiting).values().map(BTreeMap::len).sum()
    }

    /// Samples of sale to hub, in microseconds.
    pub(super) fn samples(&self) -> Vec<u64> {
        locked(&self.took_us).clone()
    }

    /// The PC.
    pub(super) fn shop(&self) -> &Arc<Shop> {
        &self.shop
    }
}

fn locked<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}
