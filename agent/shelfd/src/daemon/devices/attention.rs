//! Whether anybody can take a scan: while a payment is under way at a till, and while no page is open for a
//! scanner of the back room, scanners that can be told so don't scan, instead of reading codes that nobody
//! takes.
//!
//! It only ever says what is so now; the device layer keeps the wish over faults and reopenings, tells every
//! scanner to scan that it opens, and lets all of them scan when it stops. A scanner that a POS beside us reads
//! too, or gets its scans from us, is never told anything.

use std::sync::Arc;
use std::time::Duration;

use shelf_devices::config::{DeviceConfig, Role, Share};
use shelf_devices::supervisor::Supervisor;
use shelf_stock::name::TillId;
use shelf_till::basket::{Stage, TillView};
use tokio::sync::{Notify, broadcast, watch};
use tokio::task::JoinSet;

use crate::daemon::counter::Counter;
use crate::daemon::front::LooseScan;
use crate::daemon::shop::Shop;

/// Loose scans that a slow page may miss.
const LOOSE_SCANS_MAX: usize = 64;
/// How long no page may be open before scanners of the back room are told: a page that is loaded again is
/// gone for a moment.
const NO_PAGE_WAIT: Duration = Duration::from_secs(5);

/// Scans that are for no till, for whichever page is open there.
#[derive(Clone)]
pub(crate) struct LooseScans {
    sender: broadcast::Sender<LooseScan>,
    opened: Arc<Notify>,
}

impl LooseScans {
    /// No page is open yet.
    pub(super) fn new() -> Self {
        Self {
            sender: broadcast::channel(LOOSE_SCANS_MAX).0,
            opened: Arc::default(),
        }
    }

    /// A page opens, and takes them from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<LooseScan> {
        let receiver = self.sender.subscribe();
        self.opened.notify_one();
        receiver
    }

    /// Gives a scan to the pages; whether any is open.
    pub(crate) fn give(&self, scan: LooseScan) -> bool {
        self.sender.send(scan).is_ok()
    }

    fn has_page(&self) -> bool {
        self.sender.receiver_count() > 0
    }
}

/// Scanners that can be spoken for: those that are ours alone.
fn ours<'a>(
    configs: &'a [DeviceConfig],
    role: impl Fn(&Role) -> bool + 'a,
) -> impl Iterator<Item = String> + 'a {
    let ours = move |it: &&DeviceConfig| it.share == Share::Exclusive && role(&it.role);
    configs.iter().filter(ours).map(|it| it.name.clone())
}

/// Starts a task for each till with a scanner, and one for the back room's scanners.
pub(crate) fn start(shop: &Arc<Shop>, stop: &watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    let configs = &shop.devices.configs;
    for (till, counter) in &shop.counters {
        let names: Vec<String> = ours(configs, |it| is_of(it, till)).collect();
        if !names.is_empty() {
            let told = Told::new(&shop.devices.supervisor, names);
            let at_till = at_till(counter.clone(), told);
            tasks.spawn(until_stopped(stop.clone(), at_till));
        }
    }
    let back_room = |it: &Role| matches!(it, Role::Counting | Role::Receiving);
    let names: Vec<String> = ours(configs, back_room).collect();
    if !names.is_empty() {
        let told = Told::new(&shop.devices.supervisor, names);
        let in_back_room = in_back_room(shop.loose.clone(), told);
        tasks.spawn(until_stopped(stop.clone(), in_back_room));
    }
}

fn is_of(role: &Role, till: &TillId) -> bool {
    matches!(role, Role::Till(name) if name == till.as_str())
}

async fn until_stopped(mut stop: watch::Receiver<bool>, work: impl Future<Output = ()>) {
    tokio::select! {
        // An error means that the daemon is gone, which is a stop as well.
        _ = stop.wait_for(|it| *it) => {}
        () = work => {}
    }
}

/// Scanners, and what they are told.
struct Told {
    supervisor: Arc<Supervisor>,
    names: Vec<String>,
}

impl Told {
    fn new(supervisor: &Arc<Supervisor>, names: Vec<String>) -> Self {
        Self {
            supervisor: supervisor.clone(),
            names,
        }
    }

    fn scan(&self, wanted: bool) {
        for name in &self.names {
            if let Err(error) = self.supervisor.enable(name, wanted) {
                tracing::error!(%error, "a scanner could not be spoken for");
            }
        }
    }
}

/// Whether a till would refuse whatever is scanned now.
fn takes_scans(view: &TillView) -> bool {
    let stage = view.basket.as_ref().map(|it| it.stage);
    stage != Some(Stage::Paying)
}

async fn at_till(counter: Arc<Counter>, told: Told) {
    let mut shown = counter.watch();
    loop {
        let takes = takes_scans(&shown.borrow_and_update().view);
        told.scan(takes);
        if shown.changed().await.is_err() {
            return told.scan(true);
        }
    }
}

async fn in_back_room(loose: LooseScans, told: Told) {
    loop {
        if loose.has_page() {
            told.scan(true);
            loose.sender.closed().await;
            continue;
        }
        let opened = tokio::time::timeout(NO_PAGE_WAIT, loose.opened.notified()).await;
        if opened.is_err() && !loose.has_page() {
            told.scan(false);
            loose.opened.notified().await;
        }
    }
}
