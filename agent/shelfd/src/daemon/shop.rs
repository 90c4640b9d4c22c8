//! What every part of the running daemon shares: the ledger's ends, the tills, the boards.
//!
//! Cheap to clone by `Arc`; holds no policy of its own.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use shelf_ledger::{Readers, Writer};
use shelf_replica::node::Node;
use shelf_stock::name::{ItemId, StoreId, TillId};
use shelf_stock::time::Timestamp;
use tokio::sync::watch;

use super::badges::Badges;
use super::counter::Counter;
use super::devices::DeviceDesk;
use super::lookup::Lookup;
use super::orders::OrderBoard;
use super::picking::Picking;
use super::pins::Pins;
use super::status::SyncStatus;
use crate::config::{Config, TillSettings};
use crate::platform::MonoClock;

/// Rings for whoever waits for something new.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    /// This PC wrote something: the replication looks.
    pub(crate) grown: watch::Sender<u64>,
    /// A page may show something else.
    pub(crate) news: watch::Sender<u64>,
}

impl Bell {
    /// A bell that nobody listens to yet.
    pub(crate) fn new() -> Self {
        Self {
            grown: watch::channel(0).0,
            news: watch::channel(0).0,
        }
    }

    /// This PC wrote something.
    pub(crate) fn ring(&self) {
        self.grown.send_modify(|it| *it += 1);
        self.ring_pages();
    }

    /// A page may show something else.
    pub(crate) fn ring_pages(&self) {
        self.news.send_modify(|it| *it += 1);
    }
}

/// Cuts and restores the WAN, and says whether it is up. Only the demo has one.
pub(crate) type WanSwitch = Arc<dyn Fn(Option<bool>) -> bool + Send + Sync>;

/// What every part shares.
pub(crate) struct Shop {
    /// The configuration.
    pub(crate) config: Config,
    /// The store that this PC stands in; one without name works alone.
    pub(crate) store: StoreId,
    /// This PC's node id.
    pub(crate) node: String,
    /// When the daemon started.
    pub(crate) started: Timestamp,
    /// A clock that never steps.
    pub(crate) clock: MonoClock,
    /// Writes.
    pub(crate) writer: Writer,
    /// Reads.
    pub(crate) readers: Readers,
    /// Codes and stock.
    pub(crate) lookup: Lookup,
    /// The tills of this PC that sell on our page.
    pub(crate) counters: BTreeMap<TillId, Arc<Counter>>,
    /// What RFID readers see.
    pub(crate) rfid: Arc<super::rfid::Room>,
    /// How the devices are.
    pub(crate) devices: DeviceDesk,
    /// Scans that no till takes.
    pub(crate) loose: super::devices::LooseScans,
    /// How far the hub is; the replication keeps it.
    pub(crate) sync: watch::Sender<SyncStatus>,
    /// The machine that exchanges with the hub, once there is one. Locked inside jobs of the
    /// writer and shortly outside of them, never around waiting for one.
    pub(crate) machine: OnceLock<Arc<Mutex<Node>>>,
    /// The store's orders.
    pub(crate) orders: OrderBoard,
    /// Balances compared with the hub.
    pub(crate) compare: super::compare::Compare,
    /// What was scanned for orders that are being picked.
    pub(crate) picking: Picking,
    /// What other sensors measured.
    pub(crate) observations: super::observations::Observations,
    /// Staff badges.
    pub(crate) badges: Arc<Badges>,
    /// Managers' PINs.
    pub(crate) pins: Pins,
    /// How long the hub took lately to say that it has a document, in milliseconds; 0: not known.
    pub(crate) ack_ms: AtomicU64,
    /// Items whose safety stock changed: the machine looks at them at the next bell.
    pub(crate) reconsider: Mutex<Vec<ItemId>>,
    /// Rings for the replication and the pages.
    pub(crate) bell: Bell,
    /// Whether the daemon stops: open pages are let go.
    pub(crate) stopping: watch::Sender<bool>,
    /// What the ledger's background check found so far.
    pub(crate) check: Mutex<CheckState>,
    /// The ledger's own counters.
    pub(crate) metrics: Arc<shelf_ledger::Metrics>,
    /// Sales that other systems reported since the start.
    pub(crate) tally: super::intake::Tally,
    /// What is known beside the tills: printers, overheard terminals.
    pub(crate) beside: super::beside::BesideBoard,
    /// Where the ledger lies.
    pub(crate) data: std::path::PathBuf,
    /// The demo's switch.
    pub(crate) wan: Option<WanSwitch>,
}

/// What the ledger's background check found.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckState {
    /// Whether it is done.
    pub(crate) done: bool,
    /// What it complains of.
    pub(crate) complaints: Vec<String>,
}

impl Shop {
    /// Says that this PC wrote something.
    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Says that a page may show something else.
    pub(crate) fn ring_pages(&self) {
        self.bell.ring_pages();
    }

    /// Items whose stock or safety stock this PC changed since the last call.
    pub(crate) fn take_touched(&self) -> Vec<ItemId> {
        let mut items = self.writer.take_touched();
        let mut more = self
            .reconsider
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        items.append(&mut more);
        items
    }

    /// What the background check found so far.
    pub(crate) fn checked(&self) -> CheckState {
        self.check
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// A till's settings, whoever sells there.
    pub(crate) fn till(&self, name: &TillId) -> Option<&TillSettings> {
        self.config
            .till
            .iter()
            .find(|it| it.name.as_ref() == Some(name))
    }
}
