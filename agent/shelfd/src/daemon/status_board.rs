//! Puts the status together from everything that the daemon shares.
//!
//! The page, the API and the command line all ask here, so that they can't disagree. Nothing is
//! computed while nobody asks; pages that ask at the same time get the same one. It never judges:
//! the verdict is [`super::status::verdict`]'s.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

use shelf_ledger::ReadError;
use shelf_stock::name::TillId;
use shelf_till::basket::{BasketView, PaymentState, TillView};
use tokio::time::Instant;

use super::compare::CompareStatus;
use super::counter::Counter;
use super::orders::{self, Orders};
use super::shop::Shop;
use super::status::{
    AtRisk, Cause, DeviceStatus, LedgerStatus, Level, Need, OrdersStatus, Status, SyncStatus,
    TillStatus, Verdict, verdict,
};
use crate::config::{SalesSourceSetting, TillSettings};
use crate::platform;

/// Samples of the trend.
const TREND_SAMPLES: usize = 60;
/// Milliseconds between two samples.
pub(crate) const TREND_SAMPLE_MS: u64 = 5_000;
/// The most unknown codes and inbox entries that are counted; more is shown as so many.
const COUNTED_MAX: usize = 1_000;
/// Orders and items that are named one by one; the orders' page has all of them.
const NAMED_MAX: usize = 10;

/// Where the status is asked for.
pub(crate) struct StatusBoard {
    shop: Arc<Shop>,
    shared: tokio::sync::Mutex<Option<(Instant, Arc<Status>)>>,
    trend: Mutex<Trend>,
}

#[derive(Default)]
struct Trend {
    samples: VecDeque<u64>,
    sampled_at_ms: Option<u64>,
}

impl StatusBoard {
    /// Over what the daemon shares.
    pub(crate) fn new(shop: Arc<Shop>) -> Self {
        Self {
            shop,
            shared: tokio::sync::Mutex::default(),
            trend: Mutex::default(),
        }
    }

    /// How things are now.
    pub(crate) async fn fresh(&self) -> Result<Arc<Status>, ReadError> {
        let shop = self.shop.clone();
        let gathered = tokio::task::spawn_blocking(move || gather(&shop)).await;
        let mut status = gathered.unwrap_or(Err(ReadError::TooLong))?;
        status.sync.trend = self.sample(status.sync.unsynced);
        Ok(Arc::new(status))
    }

    /// How things were at some moment or later, for pages that look at the same time: a page that
    /// heard of a change asks for the moment it heard, and never gets what was gathered before it.
    pub(crate) async fn shared(&self, not_before: Instant) -> Result<Arc<Status>, ReadError> {
        let mut shared = self.shared.lock().await;
        if let Some((at, status)) = &*shared
            && *at >= not_before
        {
            return Ok(status.clone());
        }
        let now = Instant::now();
        let status = self.fresh().await?;
        *shared = Some((now, status.clone()));
        Ok(status)
    }

    /// Adds to the trend, if the last sample is old enough.
    fn sample(&self, unsynced: u64) -> Vec<u64> {
        let now = self.shop.clock.millis();
        let mut trend = self.trend.lock().unwrap_or_else(PoisonError::into_inner);
        let due = trend
            .sampled_at_ms
            .is_none_or(|it| now.saturating_sub(it) >= TREND_SAMPLE_MS);
        if due {
            trend.sampled_at_ms = Some(now);
            trend.samples.push_back(unsynced);
            if trend.samples.len() > TREND_SAMPLES {
                trend.samples.pop_front();
            }
        }
        trend.samples.iter().copied().collect()
    }
}

/// What only the ledger knows.
struct FromLedger {
    sync: SyncStatus,
    documents: u64,
    unknown: Option<Need>,
    inbox: Option<Need>,
    shut: Vec<Need>,
}

fn gather(shop: &Shop) -> Result<Status, ReadError> {
    let now = platform::wall_now();
    let orders = shop.orders.orders(shop, now)?;
    let FromLedger {
        sync,
        documents,
        unknown,
        inbox,
        shut,
    } = from_ledger(shop, &orders)?;
    let devices = shop.devices.rows();
    let checked = shop.checked();
    let Counters {
        tills,
        baskets,
        mut needs_you,
    } = counters(shop);
    needs_you.extend(devices.iter().filter_map(missing));
    needs_you.extend(inbox);
    let complaints = checked.complaints.iter().cloned();
    needs_you.extend(complaints.map(|complaint| Need::Ledger { complaint }));
    needs_you.extend(troubled(&orders));
    let compare = shop.compare.status();
    needs_you.extend(differing(&compare));
    let orders = orders_status(shop, &orders, shut.len(), now);
    needs_you.extend(unknown);
    needs_you.extend(shut.into_iter().take(NAMED_MAX));
    let mut status = Status {
        verdict: Verdict {
            level: Level::Red,
            cause: Cause::Fine,
        },
        pc_name: shop.config.pc_name.clone(),
        tenant: shop.config.tenant.clone(),
        store: shop.config.store.clone(),
        node: shop.node.clone(),
        version: env!("CARGO_PKG_VERSION").into(),
        currency: shop.config.currency.clone(),
        as_of: now,
        started: shop.started,
        tills,
        devices,
        zones: shop.rfid.summaries(),
        at_risk: at_risk(&sync, baskets),
        sync,
        orders,
        compare,
        ledger: ledger_status(shop, documents, checked),
        needs_you,
    };
    status.verdict = verdict(&status);
    Ok(status)
}

/// What the tills of this PC show.
struct Counters {
    tills: Vec<TillStatus>,
    /// Baskets that are open or set aside.
    baskets: u64,
    /// Payments that nobody is sure of.
    needs_you: Vec<Need>,
}

fn counters(shop: &Shop) -> Counters {
    let mut all = Counters {
        tills: Vec::new(),
        baskets: 0,
        needs_you: Vec::new(),
    };
    for settings in &shop.config.till {
        let Some(name) = &settings.name else { continue };
        let counter = shop.counters.get(name);
        let view = counter.map(|it| it.view());
        if let Some(shown) = &view {
            all.needs_you.extend(unknown_payments(name, &shown.view));
            let open = shown.view.parked.len() + usize::from(shown.view.basket.is_some());
            all.baskets += u64::try_from(open).unwrap_or(u64::MAX);
        }
        let shown = view.as_ref().map(|it| &it.view);
        all.tills.push(till(shop, name, settings, counter, shown));
    }
    all
}

fn at_risk(sync: &SyncStatus, baskets: u64) -> AtRisk {
    AtRisk {
        documents: sync.unsynced,
        since: sync.oldest_unsynced,
        baskets,
    }
}

fn ledger_status(shop: &Shop, documents: u64, checked: super::shop::CheckState) -> LedgerStatus {
    let metrics = shop.metrics.snapshot();
    LedgerStatus {
        documents,
        wal_bytes: metrics.wal_bytes,
        disk_free_bytes: platform::files::disk_free_bytes(&shop.data).unwrap_or(0),
        ballast_released: metrics.ballast_released > 0,
        complaints: checked.complaints,
        checked: checked.done,
    }
}

/// Balances that are others at the hub.
fn differing(compare: &CompareStatus) -> Option<Need> {
    let first = compare.differing.first()?;
    Some(Need::Balances {
        items: compare.differing.len(),
        first: first.name.clone(),
        since: compare.since,
        repair: compare.repair.clone(),
    })
}

/// Orders that contradict themselves, as many as a page can name.
fn troubled(orders: &Orders) -> Vec<Need> {
    let all = orders.shown.iter().flat_map(|view| {
        view.exceptions.iter().map(|what| Need::Order {
            order: view.order.id.clone(),
            what: *what,
        })
    });
    all.take(NAMED_MAX).collect()
}

fn orders_status(
    shop: &Shop,
    orders: &Orders,
    shut: usize,
    now: shelf_stock::time::Timestamp,
) -> OrdersStatus {
    let grantor = shop.machine.get().map(|it| {
        let node = it.lock().unwrap_or_else(PoisonError::into_inner);
        node.is_grantor() && node.rights_ready()
    });
    OrdersStatus {
        open: orders.open,
        late: orders.late(now),
        exceptions: orders.troubled,
        shut,
        grantor,
    }
}

fn missing(device: &DeviceStatus) -> Option<Need> {
    let is_gone = matches!(device.state.as_str(), "absent" | "busy" | "denied" | "lost");
    let (name, detail) = (device.name.clone(), device.detail.clone());
    is_gone.then_some(Need::Device { name, detail })
}

fn from_ledger(shop: &Shop, orders: &Orders) -> Result<FromLedger, ReadError> {
    use shelf_replica::store::Store as _;
    shop.readers.with(|ledger| {
        let unsynced = ledger.unsynced()?;
        let mut sync = shop.sync.borrow().clone();
        sync.unsynced = unsynced.count;
        sync.oldest_unsynced = unsynced.oldest_wall;
        sync.unsynced_bytes = unsynced.bytes;
        sync.catalogue_revision = ledger.catalogue_revision()?;
        let doubt = shelf_replica::node::restored(ledger.tables())?;
        sync.restored = doubt.map(super::lan::restored);
        // Logs have no gaps, so their ends say how many documents there are.
        let logs = ledger.tables().logs()?;
        let codes = ledger.unknown_codes(COUNTED_MAX)?;
        let inbox = ledger.inbox_list(true, 0, COUNTED_MAX)?.len();
        let lines = codes.iter().map(|it| it.lines).sum();
        let mut shut = Vec::new();
        for item in orders::shut(ledger, orders)? {
            let name = ledger.item(&item)?.map(|it| it.name);
            let name = name.unwrap_or_else(|| item.to_string());
            shut.push(Need::ShutOnline { item, name });
        }
        let count = |it: usize| u64::try_from(it).unwrap_or(u64::MAX);
        Ok(FromLedger {
            sync,
            documents: logs.iter().map(|it| it.upto.0).sum(),
            unknown: (!codes.is_empty()).then(|| Need::UnknownCodes {
                codes: count(codes.len()),
                lines,
            }),
            inbox: (inbox > 0).then(|| Need::Inbox {
                count: count(inbox),
            }),
            shut,
        })
    })
}

fn till(
    shop: &Shop,
    name: &TillId,
    settings: &TillSettings,
    counter: Option<&Arc<Counter>>,
    view: Option<&TillView>,
) -> TillStatus {
    let basket = view.and_then(|it| it.basket.as_ref());
    TillStatus {
        name: name.clone(),
        sales_source: match settings.sales_source {
            SalesSourceSetting::Basket => "basket",
            SalesSourceSetting::Api => "api",
            SalesSourceSetting::File => "file",
            SalesSourceSetting::Tee => "tee",
        }
        .into(),
        last_scan: basket.and_then(last_scan),
        basket_since: basket.map(|it| it.opened),
        basket_total: basket.map(|it| it.total),
        unsettled: view.map_or(0, |it| it.unsettled.len()),
        terminal: counter.and_then(|it| it.terminal_doing()),
        sales: counter.map_or_else(|| shop.tally.sales(name), |it| it.sales()),
    }
}

fn last_scan(basket: &BasketView) -> Option<String> {
    let no = basket.last_line?;
    let line = basket.lines.iter().find(|it| it.no == no)?;
    let code = line
        .code
        .as_ref()
        .map(ToString::to_string)
        .unwrap_or_default();
    Some(if line.name.is_empty() {
        code
    } else {
        line.name.clone()
    })
}

fn unknown_payments<'a>(till: &'a TillId, view: &'a TillView) -> impl Iterator<Item = Need> + 'a {
    let payments = view.unsettled.iter().flat_map(|it| &it.payments);
    let unknown = payments.filter(|it| it.state == PaymentState::Unknown);
    unknown.map(|it| Need::PaymentUnknown {
        till: till.clone(),
        amount: it.amount,
        intent: it.intent.to_string(),
    })
}
