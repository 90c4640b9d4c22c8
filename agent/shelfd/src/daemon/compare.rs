//! Balances compared with the hub: what differed, since when, and what was done about it.
//!
//! Both sides hold the same documents, so a difference means that one of them folded wrong. The
//! documents are the truth: this PC reads all of its own again beside the selling. If they say
//! something else than its balances, the balances are folded anew, at once where that is quick and
//! else when somebody says so, because nothing is recorded meanwhile. If they say the same, the hub
//! is wrong, and its operator is told what to do. No balance is ever taken over from the hub.

use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};
use shelf_ledger::tables::TableError;
use shelf_ledger::{Depth, Ledger, Tx};
use shelf_replica::digest::Difference;
use shelf_replica::store::Store as _;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use tokio::sync::Notify;

use super::counter::chain;
use super::shop::Shop;
use crate::platform;

/// Where the outcome of the last comparison is kept.
const STATE_KEY: &str = "shelfd.compare";
/// The most documents that are folded again while the shop may be selling: some seconds.
const FOLD_AT_ONCE_DOCUMENTS_MAX: u64 = 20_000;

/// How the last comparison went.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct CompareStatus {
    /// When somebody asked for one that has not ended.
    pub(crate) asked: Option<Timestamp>,
    /// When the last one ended.
    pub(crate) compared: Option<Timestamp>,
    /// When one was put off: the two sides don't hold the same documents yet.
    pub(crate) put_off: Option<Timestamp>,
    /// What differed, at most a hundred items.
    pub(crate) differing: Vec<Differing>,
    /// When that was first noticed.
    pub(crate) since: Option<Timestamp>,
    /// What was done about it; stays after the difference is gone, until the next one.
    pub(crate) repair: Option<Repair>,
}

/// An item whose balance is another at the hub.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Differing {
    /// Which.
    pub(crate) item: ItemId,
    /// What it is called.
    pub(crate) name: String,
    /// This PC's book.
    pub(crate) at_pc: Quantity,
    /// The hub's.
    pub(crate) at_hub: Quantity,
}

/// What was done about a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Repair {
    /// When.
    pub(crate) at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub(crate) step: Step,
}

/// How far a repair is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "step", rename_all = "snake_case")]
pub(crate) enum Step {
    /// All documents are being read again.
    Checking,
    /// The documents here say what the balances say: the hub has to fold again.
    SoundHere,
    /// The balances here were wrong; somebody has to say when they are folded again.
    Waits,
    /// The balances here were wrong and are folded again.
    FoldedAgain {
        /// From so many documents.
        documents: u64,
    },
    /// It could not be done.
    Failed {
        /// Why.
        message: String,
    },
}

impl Step {
    /// Its text's key.
    pub(crate) fn key(&self) -> &'static str {
        match self {
            Self::Checking => "repair_checking",
            Self::SoundHere => "repair_sound_here",
            Self::Waits => "repair_waits",
            Self::FoldedAgain { .. } => "repair_folded",
            Self::Failed { .. } => "repair_failed",
        }
    }
}

/// What is known of comparisons, and the bell that asks for one.
#[derive(Debug, Default)]
pub(crate) struct Compare {
    status: Mutex<CompareStatus>,
    ledger: Mutex<Weak<Ledger>>,
    /// Rings when a comparison is wanted now.
    pub(crate) wanted: Notify,
}

impl Compare {
    /// How the last comparison went.
    pub(crate) fn status(&self) -> CompareStatus {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, CompareStatus> {
        self.status.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The ledger whose documents are read again; what the last run knew is taken up.
    pub(crate) fn begin(&self, shop: &Shop, ledger: &Arc<Ledger>) {
        *self.ledger.lock().unwrap_or_else(PoisonError::into_inner) = Arc::downgrade(ledger);
        let kept = shop.readers.with(|it| it.tables().state(STATE_KEY));
        let kept = kept.ok().flatten();
        if let Some(kept) = kept.and_then(|it| serde_json::from_slice(&it).ok()) {
            *self.lock() = CompareStatus {
                asked: None,
                ..kept
            };
        }
    }

    /// Asks for a comparison now.
    pub(crate) fn ask(&self) -> CompareStatus {
        let mut status = self.lock();
        status.asked = Some(platform::wall_now());
        self.wanted.notify_one();
        status.clone()
    }

    /// A comparison was put off.
    pub(crate) fn put_off(&self) {
        let mut status = self.lock();
        status.put_off = Some(platform::wall_now());
        status.asked = None;
    }
}

/// A comparison has ended. Waits for the disk.
pub(crate) fn found(shop: &Arc<Shop>, differences: Vec<Difference>) {
    let now = platform::wall_now();
    let differing = named(shop, differences);
    let wrong = !differing.is_empty();
    for it in &differing {
        tracing::error!(item = %it.item, at_pc = %it.at_pc, at_hub = %it.at_hub,
            "this PC's balance is another than the hub's");
    }
    {
        let mut status = shop.compare.lock();
        status.compared = Some(now);
        status.asked = None;
        status.put_off = None;
        status.since = wrong.then(|| status.since.unwrap_or(now));
        status.differing = differing;
        if wrong {
            status.repair = Some(Repair {
                at: now,
                step: Step::Checking,
            });
        }
    }
    keep(shop);
    if wrong {
        let step = examine(shop);
        done(shop, step);
    }
}

fn named(shop: &Shop, differences: Vec<Difference>) -> Vec<Differing> {
    let name = |item: &ItemId| {
        let found = shop.readers.with(|it| it.item(item)).ok().flatten();
        found.map_or_else(|| item.to_string(), |it| it.name)
    };
    let row = |it: Difference| Differing {
        name: name(&it.item),
        item: it.item,
        at_pc: it.at_pc,
        at_hub: it.at_hub,
    };
    differences.into_iter().map(row).collect()
}

/// Reads every document again, beside the selling.
fn examine(shop: &Arc<Shop>) -> Step {
    let failed = |message: String| Step::Failed { message };
    let ledger = shop.compare.ledger.lock();
    let ledger = ledger.unwrap_or_else(PoisonError::into_inner).upgrade();
    let Some(ledger) = ledger else {
        return failed("the ledger is closed".into());
    };
    let running = match ledger.start_check(Depth::Deep) {
        Ok(running) => running,
        Err(error) => return failed(error.to_string()),
    };
    match running.wait() {
        Some(Ok(report)) if report.is_sound() => Step::SoundHere,
        Some(Ok(report)) if report.documents <= FOLD_AT_ONCE_DOCUMENTS_MAX => fold(shop),
        Some(Ok(_)) => Step::Waits,
        Some(Err(error)) => failed(chain(&error)),
        None => failed("the check panicked: report this".into()),
    }
}

/// Folds every document again; nothing else is recorded meanwhile. Asks for a comparison after it.
fn fold(shop: &Shop) -> Step {
    let job = |tx: &mut Tx<'_>| tx.rebuild();
    match shop.writer.execute_blocking("fold again", job).wait() {
        Ok(documents) => {
            let changed = shop.compare.status().differing;
            shop.reconsider
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .extend(changed.into_iter().map(|it| it.item));
            shop.orders.changed();
            shop.compare.ask();
            Step::FoldedAgain { documents }
        }
        Err(error) => Step::Failed {
            message: chain(&error),
        },
    }
}

/// Somebody says that now is a good moment. Waits for the disk.
pub(crate) fn repair(shop: &Shop) {
    done(shop, fold(shop));
}

fn done(shop: &Shop, step: Step) {
    match &step {
        Step::FoldedAgain { documents } => {
            tracing::warn!(documents, "the balances of this PC were folded again");
        }
        other => tracing::warn!(?other, "balances that differ from the hub's"),
    }
    shop.compare.lock().repair = Some(Repair {
        at: platform::wall_now(),
        step,
    });
    keep(shop);
    shop.ring();
}

/// Keeps the outcome over a restart.
fn keep(shop: &Shop) {
    let kept = serde_json::to_vec(&shop.compare.status()).unwrap_or_default();
    let job = move |tx: &mut Tx<'_>| {
        tx.replica_store().set_state(STATE_KEY, &kept)?;
        Ok::<_, TableError>(())
    };
    if let Err(error) = shop.writer.execute_blocking("comparison", job).wait() {
        tracing::error!(message = %chain(&error), "the outcome of a comparison was not kept");
    }
    shop.ring_pages();
}
