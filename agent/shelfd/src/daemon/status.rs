//! How this PC is, as one value: the page, the API and the command line all show this.
//!
//! The verdict is a pure function of what is known and when. It may be green only while the hub
//! has everything that is older than a minute and was heard within 90 seconds: a green light that
//! lies is worse than none.

mod verdict;

use serde::{Deserialize, Serialize};
use shelf_stock::money::Money;
use shelf_stock::name::{ItemId, OrderId, StoreId, TenantId, TillId};
use shelf_stock::time::Timestamp;

use super::compare::{CompareStatus, Repair};
use super::devices::DeviceCounters;
use super::orders::Trouble;
use super::rfid::ZoneSummary;

pub(crate) use verdict::{CLOCK_FLOOR_MS, Cause, Level, Verdict, verdict};

/// Everything that the status page shows.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// The line on top.
    pub(crate) verdict: Verdict,
    /// What people call this PC.
    pub(crate) pc_name: String,
    /// The retailer.
    pub(crate) tenant: Option<TenantId>,
    /// The store.
    pub(crate) store: Option<StoreId>,
    /// This PC's node id.
    pub(crate) node: String,
    /// The program's version.
    pub(crate) version: String,
    /// ISO 4217 code of the store's currency.
    pub(crate) currency: String,
    /// When this was put together.
    pub(crate) as_of: Timestamp,
    /// When the daemon started.
    pub(crate) started: Timestamp,
    /// The tills of this PC.
    pub(crate) tills: Vec<TillStatus>,
    /// The devices of this PC.
    pub(crate) devices: Vec<DeviceStatus>,
    /// The zones that RFID readers watch.
    #[serde(default)]
    pub(crate) zones: Vec<ZoneSummary>,
    /// How far the hub is.
    pub(crate) sync: SyncStatus,
    /// What would be lost if this PC died now.
    pub(crate) at_risk: AtRisk,
    /// The store's orders.
    pub(crate) orders: OrdersStatus,
    /// Balances compared with the hub.
    #[serde(default)]
    pub(crate) compare: CompareStatus,
    /// The ledger's health.
    pub(crate) ledger: LedgerStatus,
    /// What waits for a person.
    pub(crate) needs_you: Vec<Need>,
}

/// One till.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct TillStatus {
    /// Its name.
    pub(crate) name: TillId,
    /// Which source moves stock.
    pub(crate) sales_source: String,
    /// The last thing that it read.
    pub(crate) last_scan: Option<String>,
    /// Since when a basket is open.
    pub(crate) basket_since: Option<Timestamp>,
    /// What the open basket comes to.
    pub(crate) basket_total: Option<Money>,
    /// Baskets whose payment nobody knows the outcome of.
    pub(crate) unsettled: usize,
    /// What the payment terminal is doing, if there is one.
    pub(crate) terminal: Option<String>,
    /// Sales recorded since the daemon started.
    pub(crate) sales: u64,
}

/// One device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceStatus {
    /// What people call it.
    pub(crate) name: String,
    /// How it is, as a stable word.
    pub(crate) state: String,
    /// How it is, in words, with what to do.
    pub(crate) detail: String,
    /// What it is, as a configuration writes it.
    #[serde(default)]
    pub(crate) kind: String,
    /// What it is there for.
    #[serde(default)]
    pub(crate) role: String,
    /// How the configuration selects it.
    #[serde(default)]
    pub(crate) select: String,
    /// Who else may read it: `exclusive`, `shared` or `relay`.
    #[serde(default)]
    pub(crate) share: String,
    /// Which till it belongs to.
    pub(crate) till: Option<TillId>,
    /// Where it is plugged in.
    pub(crate) place: String,
    /// What it last wanted people to know, in words.
    #[serde(default)]
    pub(crate) notice: Option<String>,
    /// What it said last, masked.
    #[serde(default)]
    pub(crate) said: Option<String>,
    /// Whether that is another port than configured.
    #[serde(default)]
    pub(crate) moved: bool,
    /// Told not to scan, because nobody can take a scan now.
    #[serde(default)]
    pub(crate) paused: bool,
    /// When it last said something.
    pub(crate) last_data: Option<Timestamp>,
    /// Scans since the daemon started.
    pub(crate) scans: u64,
    /// Damaged reads since the daemon started.
    pub(crate) faults: u64,
    /// Everything that is counted.
    #[serde(default)]
    pub(crate) counters: DeviceCounters,
}

/// How far the hub is.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct SyncStatus {
    /// The broker's address; none: this PC works alone.
    pub(crate) broker: Option<String>,
    /// Whether the link is up.
    pub(crate) link_up: bool,
    /// Why it is down.
    pub(crate) link_error: Option<String>,
    /// When the hub was last heard.
    pub(crate) hub_heard: Option<Timestamp>,
    /// Documents that the hub has not committed.
    pub(crate) unsynced: u64,
    /// The oldest of them.
    pub(crate) oldest_unsynced: Option<Timestamp>,
    /// Their bytes.
    pub(crate) unsynced_bytes: u64,
    /// The catalogue's revision.
    pub(crate) catalogue_revision: u64,
    /// The store's own broker; none: the other PCs are reached through the hub only.
    pub(crate) lan_broker: Option<String>,
    /// Whether the link to the store's broker is up.
    pub(crate) lan_up: bool,
    /// Why it is down.
    pub(crate) lan_error: Option<String>,
    /// This PC's public key, to be named in the other PCs' `lan.siblings`.
    pub(crate) public_key: String,
    /// The store's other PCs.
    pub(crate) pcs: Vec<PcStatus>,
    /// Why the hub doesn't admit this PC, if it said so: `not_enrolled`, `clone`, `format`, `busy`.
    pub(crate) refused: Option<String>,
    /// What to count again after this PC's disk went back in time.
    pub(crate) restored: Option<RestoredStatus>,
    /// Documents that the hub had lost when it was restored from a backup; they are sent again.
    pub(crate) hub_lost: u64,
    /// How far the store's documents are fetched as files; none: nothing is being fetched.
    #[serde(default)]
    pub(crate) bootstrap: Option<BootstrapStatus>,
    /// The backlog at the last samples, oldest first, for the trend.
    pub(crate) trend: Vec<u64>,
}

/// How far the store's documents are fetched as files.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BootstrapStatus {
    /// Documents that the hub has in files so far.
    pub(crate) documents: u64,
    /// Those of them that are here.
    pub(crate) held: u64,
}

/// What a disk that went back in time put in doubt, until somebody has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RestoredStatus {
    /// When it was noticed.
    pub(crate) noticed: Timestamp,
    /// Documents that the hub or other PCs gave back.
    pub(crate) returned: u64,
    /// Documents that the hub said it would give back.
    pub(crate) expected: u64,
    /// Items to count again.
    pub(crate) recount: Vec<String>,
    /// What happened and what to do.
    pub(crate) words: String,
}

/// Another PC of the store, with when that was known.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PcStatus {
    /// Its node id.
    pub(crate) node: String,
    /// What people call it; empty if it never said.
    pub(crate) name: String,
    /// Over which way that is known: `store` (the store's network) or `hub`.
    pub(crate) over: String,
    /// Whether it is heard there now.
    pub(crate) here: bool,
    /// It said that it stops.
    pub(crate) stopped: bool,
    /// When it was last heard.
    pub(crate) as_of: Option<Timestamp>,
    /// Its documents that the hub had not committed then.
    pub(crate) unsynced: Option<u64>,
    /// The oldest of them.
    pub(crate) oldest_unsynced: Option<Timestamp>,
    /// Documents of this PC that it has not; none: it never said, or not on the store's network.
    pub(crate) lacks: Option<u64>,
}

/// What exists nowhere but here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AtRisk {
    /// Documents.
    pub(crate) documents: u64,
    /// The oldest of them.
    pub(crate) since: Option<Timestamp>,
    /// Open and parked baskets.
    pub(crate) baskets: u64,
}

/// How the store's orders are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrdersStatus {
    /// To be picked or handed over.
    pub(crate) open: usize,
    /// Promised for a time that has passed.
    pub(crate) late: usize,
    /// With something that contradicts itself.
    pub(crate) exceptions: usize,
    /// Items that are not sold online until somebody counts them.
    pub(crate) shut: usize,
    /// Whether this PC grants the store's rights, and has shaken hands; none: no hub.
    pub(crate) grantor: Option<bool>,
}

/// The ledger's health.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct LedgerStatus {
    /// Documents in it, of all PCs.
    pub(crate) documents: u64,
    /// Bytes of its write-ahead log.
    pub(crate) wal_bytes: u64,
    /// Bytes free on its disk.
    pub(crate) disk_free_bytes: u64,
    /// Whether the reserve was given up.
    pub(crate) ballast_released: bool,
    /// What the check in the background found; empty: nothing.
    pub(crate) complaints: Vec<String>,
    /// Whether that check is done.
    pub(crate) checked: bool,
}

/// Something that waits for a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "need", rename_all = "snake_case")]
pub(crate) enum Need {
    /// Nobody knows whether a customer paid.
    PaymentUnknown {
        /// At which till.
        till: TillId,
        /// How much.
        amount: Money,
        /// The payment.
        intent: String,
    },
    /// Codes were sold that belong to no item.
    UnknownCodes {
        /// How many codes.
        codes: u64,
        /// How many lines wait for them.
        lines: u64,
    },
    /// Records that could not be used.
    Inbox {
        /// How many.
        count: u64,
    },
    /// A device that should be here is not.
    Device {
        /// What people call it.
        name: String,
        /// What is wrong.
        detail: String,
    },
    /// An order contradicts itself.
    Order {
        /// Which.
        order: OrderId,
        /// How.
        what: Trouble,
    },
    /// A picker found less than the book says: count it.
    ShutOnline {
        /// Which item.
        item: ItemId,
        /// What it is called.
        name: String,
    },
    /// The hub's balances of some items are others than this PC's.
    Balances {
        /// How many items.
        items: usize,
        /// What the first one is called.
        first: String,
        /// Since when.
        since: Option<Timestamp>,
        /// What was done about it so far.
        repair: Option<Repair>,
    },
    /// The background check found something.
    Ledger {
        /// What.
        complaint: String,
    },
}
