//! The way to the hub: runs the node's machine inside the ledger's transactions and carries its
//! frames.
//!
//! One task owns the link. Everything that comes (a frame, the link going up or down, the ledger
//! having grown, a timer) is given to the machine in a job of the ledger's writer; its effects are
//! carried out only after that job has committed. Nothing here decides what is sent when, and the
//! transport's own acknowledgements mean nothing.

use std::collections::VecDeque;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use shelf_ledger::tables::TableError;
use shelf_ledger::{Ledger, Tx};
use shelf_link::mqtt::{self, MqttLink, Role};
use shelf_link::{Event, Frame, Link as _};
use shelf_replica::Now;
use shelf_replica::node::{Node, NodeConfig, NodeEffect, NodeEvent};
use shelf_stock::identity::NodeId;
use shelf_stock::name::{StoreId, TenantId};
use shelf_stock::time::Timestamp;
use shelf_wire::message::{CfgKind, PresenceRow};
use shelf_wire::topic::{Lane, Topic, Up};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::bootstrap::Files;
use super::broker::{Way, broker};
use super::catalogue::{self, Revision};
use super::counter::chain;
pub(super) use super::given::Given;
use super::given::take;
use super::lan::{self, LanEnd};
use super::presence::{Hours, pcs};
use super::shop::Shop;
use super::start::StartError;
use crate::platform;

mod standing;

/// Inputs that one transaction may give to the machine.
const INPUTS_AT_ONCE: usize = 64;
/// How long a goodbye may take, in milliseconds.
const GOODBYE_MS_MAX: u64 = 1_000;
/// How long to wait after a transaction that failed, in milliseconds.
const AFTER_FAILURE_MS: u64 = 1_000;
/// The longest time to an acknowledgement that is taken for the link's, in milliseconds.
const ACK_MS_MAX: u64 = 300_000;

/// Starts the task, if there is a hub to talk to.
pub(super) fn start(
    shop: &Arc<Shop>,
    ledger: &Ledger,
    stop: watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) -> Result<(), StartError> {
    let (Some(tenant), Some(store)) = (&shop.config.tenant, &shop.config.store) else {
        tracing::info!("no tenant and store are configured: this PC works alone");
        return Ok(());
    };
    let hub = &shop.config.hub;
    let hub_broker = broker(&Way {
        key: "hub.broker",
        address: hub.broker.as_deref(),
        username: hub.username.as_deref(),
        password_file: hub.password_file.as_deref(),
        ca_file: hub.ca_file.as_deref(),
    })?;
    let boot_nonce = u64::from_be_bytes(platform::random_bytes()?);
    let node = Node::new(NodeConfig {
        key: ledger.key().clone(),
        boot_nonce,
        seed: u64::from_be_bytes(platform::random_bytes()?),
        version: env!("CARGO_PKG_VERSION").into(),
    });
    let jitter = || platform::random_bytes().map_or(0, u64::from_be_bytes);
    let link = hub_broker.map(|it| {
        let role = Role::node(tenant, store, ledger.node(), boot_nonce);
        let (link, driver) = mqtt::link(it, role, Box::new(jitter));
        tasks.spawn(driver.run());
        link
    });
    let lan = LanEnd::start(shop, ledger.node(), boot_nonce, tasks)?;
    if link.is_none() && lan.is_none() {
        tracing::info!("neither a hub nor a store's broker is configured: this PC works alone");
        return Ok(());
    }
    let (taken, catalogues) = mpsc::channel(1);
    // From now on what changes is collected; the machine looks at everything once by itself.
    shop.take_touched();
    let node = Arc::new(Mutex::new(node));
    let exchange = Exchange {
        shop: shop.clone(),
        node: shop.machine.get_or_init(|| node).clone(),
        unacked_since_ms: None,
        hours: Hours::new(&shop.config.opening_hours),
        hub_rows: Vec::new(),
        link,
        lan,
        address: Address {
            tenant: tenant.clone(),
            store: store.clone(),
            node: ledger.node(),
        },
        wake_at: None,
        greet_again: false,
        hint: None,
        taken,
        files: Files::new(),
        fetching: false,
    };
    tasks.spawn(exchange.run(catalogues, stop));
    Ok(())
}

/// Where this PC speaks.
#[derive(Clone, Debug)]
struct Address {
    tenant: TenantId,
    store: StoreId,
    node: NodeId,
}

impl Address {
    fn topic(&self, channel: Up) -> Topic {
        Topic {
            tenant: self.tenant.clone(),
            store: self.store.clone(),
            lane: Lane::Up(self.node, channel),
        }
    }
}

struct Exchange {
    shop: Arc<Shop>,
    node: Arc<Mutex<Node>>,
    link: Option<MqttLink>,
    lan: Option<LanEnd>,
    address: Address,
    wake_at: Option<u64>,
    /// The machine was reset while the link stayed up.
    greet_again: bool,
    /// A catalogue that the hub announced and that is not held yet.
    hint: Option<Revision>,
    taken: mpsc::Sender<Option<u64>>,
    files: Files,
    fetching: bool,
    /// When this PC wrote something that the hub has not acknowledged.
    unacked_since_ms: Option<u64>,
    hours: Hours,
    /// The store's PCs as the hub sees them.
    hub_rows: Vec<PresenceRow>,
}

impl Exchange {
    async fn run(
        mut self,
        mut catalogues: mpsc::Receiver<Option<u64>>,
        mut stop: watch::Receiver<bool>,
    ) {
        let mut grown = self.shop.bell.grown.subscribe();
        loop {
            let wake = self.wake_at.map(|it| self.shop.clock.at_millis(it));
            let given = tokio::select! {
                event = heard(&mut self.link) => self.event(event),
                event = lan::heard(&mut self.lan) => self.lan_event(event),
                frame = self.files.next() => Some(Given::Snapshot(frame)),
                () = self.shop.compare.wanted.notified() => Some(Given::Compare),
                changed = grown.changed() => changed.ok().map(|()| Given::Grown),
                taken = catalogues.recv() => {
                    self.fetching = false;
                    taken.flatten().map(Given::CatalogueHeld)
                }
                () = sleep_until(wake) => {
                    self.wake_at = None;
                    Some(if std::mem::take(&mut self.greet_again) { Given::Again } else { Given::Tick })
                }
                _ = stop.wait_for(|it| *it) => break,
            };
            match given {
                Some(Given::Again) => self.again().await,
                Some(given) => self.give(given).await,
                None => {}
            }
            self.files.taken();
        }
        self.goodbye().await;
    }

    fn event(&self, event: Event) -> Option<Given> {
        match event {
            Event::Up => {
                self.shop.sync.send_modify(|it| {
                    it.link_up = true;
                    it.link_error = None;
                });
                Some(Given::LinkUp)
            }
            Event::Down { reason } => {
                tracing::info!(%reason, "the link to the hub is down");
                self.shop.sync.send_modify(|it| {
                    it.link_up = false;
                    it.link_error = Some(reason);
                });
                self.shop.ring_pages();
                Some(Given::LinkDown)
            }
            Event::Frame(frame) => Some(Given::Frame(frame.payload)),
            Event::NobodyListens => Some(Given::NobodyListens),
            Event::Refused { reason } => {
                tracing::warn!(%reason, "the broker refused a frame");
                None
            }
            Event::Closed => Some(Given::LinkDown),
        }
    }

    /// Gives an input, and all that is there already, to the machine; then does what it wants.
    async fn give(&mut self, first: Given) {
        let mut inputs = VecDeque::from([first]);
        while inputs.len() < INPUTS_AT_ONCE {
            let Some(given) = self.waiting().await else {
                break;
            };
            inputs.extend(given);
        }
        if inputs.iter().any(|it| matches!(it, Given::Grown)) {
            let now = self.shop.clock.millis();
            self.unacked_since_ms.get_or_insert(now);
            inputs.push_back(Given::StockChanged(self.shop.take_touched()));
        }
        inputs.extend(self.hours.changed().map(Given::Hours));
        match self.handled(inputs.into()).await {
            Ok(effects) => {
                for effect in effects {
                    self.perform(effect);
                }
            }
            Err(message) => {
                tracing::error!(%message, "the exchange with the hub could not be stored");
                self.node
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .reset();
                self.greet_again = true;
                self.wake_at = Some(self.shop.clock.millis() + AFTER_FAILURE_MS);
            }
        }
        self.note();
        self.fetch();
    }

    /// An event that is there already.
    async fn waiting(&mut self) -> Option<Option<Given>> {
        tokio::select! {
            biased;
            event = heard(&mut self.link) => Some(self.event(event)),
            event = lan::heard(&mut self.lan) => Some(self.lan_event(event)),
            () = std::future::ready(()) => None,
        }
    }

    /// The machine was reset: the links that are up are told again.
    async fn again(&mut self) {
        let link_up = self.shop.sync.borrow().link_up;
        if link_up {
            self.give(Given::LinkUp).await;
        }
        if let Some(up) = self.lan.as_ref().and_then(LanEnd::up) {
            self.give(up).await;
        }
    }

    fn lan_event(&mut self, event: Event) -> Option<Given> {
        let given = self.lan.as_mut().and_then(|it| it.given(&self.shop, event));
        self.shop.ring_pages();
        given
    }

    /// One transaction: the inputs in, the effects out once it has committed.
    async fn handled(&self, inputs: Vec<Given>) -> Result<Vec<NodeEffect>, String> {
        let node = self.node.clone();
        let clock = self.shop.clock;
        let job = move |tx: &mut Tx<'_>| {
            let mut node = node.lock().unwrap_or_else(PoisonError::into_inner);
            let mut effects = Vec::new();
            let now = Now {
                mono_ms: clock.millis(),
                wall: tx.wall(),
            };
            for given in &inputs {
                take(&mut node, now, given, tx, &mut effects)?;
            }
            Ok::<_, TableError>(effects)
        };
        self.shop
            .writer
            .execute("exchange", job)
            .await
            .map_err(|it| chain(&it))
    }

    fn perform(&mut self, effect: NodeEffect) {
        match effect {
            NodeEffect::Send { channel, frame } => {
                let topic = self.address.topic(channel);
                send(self.link.as_ref(), topic, frame);
            }
            NodeEffect::Broadcast { channel, frame } => {
                let topic = self.address.topic(channel);
                send(self.lan.as_ref().map(LanEnd::link), topic, frame);
            }
            NodeEffect::WakeAt(at) => self.wake_at = Some(at),
            NodeEffect::Event(event) => self.happened(event),
        }
    }

    fn happened(&mut self, event: NodeEvent) {
        match event {
            NodeEvent::Hint(hint) if hint.kind == CfgKind::Catalogue => {
                let revision = Revision {
                    number: hint.revision,
                    path: hint.path,
                    sha256: *hint.sha256.as_bytes(),
                };
                self.hint = Some(revision);
            }
            NodeEvent::Hint(hint) if hint.kind == CfgKind::Bootstrap => {
                self.files.announced(&self.shop, hint.path);
            }
            NodeEvent::Received { author, new } if new > 0 => {
                tracing::debug!(%author, new, "documents came");
                self.shop.orders.changed();
                self.shop.ring_pages();
            }
            NodeEvent::Acked { .. } => {
                self.acked();
                self.shop.ring_pages();
            }
            NodeEvent::OrdersChanged { orders } => {
                tracing::debug!(?orders, "orders changed");
                self.shop.orders.changed();
                self.shop.ring_pages();
            }
            event @ (NodeEvent::Rights { .. } | NodeEvent::Policy(_)) => {
                tracing::info!(?event, "the store's rights");
                self.shop.ring_pages();
            }
            NodeEvent::Received { .. } | NodeEvent::Hint(_) | NodeEvent::Roster(_) => {}
            other => self.stands(other),
        }
    }

    /// The hub has something of ours: how long that took, old times counting less and less.
    fn acked(&mut self) {
        let Some(since) = self.unacked_since_ms.take() else {
            return;
        };
        // Longer than this is an outage, which has a cut of its own.
        let took = self
            .shop
            .clock
            .millis()
            .saturating_sub(since)
            .min(ACK_MS_MAX);
        let before = self.shop.ack_ms.load(Ordering::Relaxed);
        let mean = match before {
            0 => took,
            before => (before * 7 + took) / 8,
        };
        self.shop.ack_ms.store(mean.max(1), Ordering::Relaxed);
    }

    /// Fetches an announced catalogue, one at a time; a failure is tried again at the next hint.
    fn fetch(&mut self) {
        if self.fetching {
            return;
        }
        let Some(revision) = self.hint.take() else {
            return;
        };
        self.fetching = true;
        let (shop, taken) = (self.shop.clone(), self.taken.clone());
        tokio::spawn(async move {
            let number = revision.number;
            let held = match catalogue::take(shop.clone(), revision).await {
                Ok(changed) => {
                    tracing::info!(revision = number, changed, "a new catalogue is in use");
                    shop.ring_pages();
                    Some(number)
                }
                Err(error) => {
                    tracing::error!(message = %chain(&error), "the catalogue was not taken");
                    None
                }
            };
            // A closed channel means that the daemon stops.
            let _sent = taken.send(held).await;
        });
    }

    /// What the pages show of the machine.
    fn note(&self) {
        let (status, pcs) = {
            let node = self.node.lock().unwrap_or_else(PoisonError::into_inner);
            (node.status(), pcs(&node, self.address.node, &self.hub_rows))
        };
        let heard = status.last_frame_ms.map(|at| {
            let ago = self.shop.clock.millis().saturating_sub(at);
            let ago = i64::try_from(ago).unwrap_or(i64::MAX);
            Timestamp::from_millis(platform::wall_now().as_millis().saturating_sub(ago))
        });
        self.shop.sync.send_modify(|it| {
            it.hub_heard = heard;
            it.pcs = pcs;
        });
    }

    /// A stop on purpose announces itself, so that silence is not taken for trouble. The link
    /// says goodbye when it is dropped.
    async fn goodbye(mut self) {
        let limit = std::time::Duration::from_millis(GOODBYE_MS_MAX);
        if tokio::time::timeout(limit, self.give(Given::Stopping))
            .await
            .is_err()
        {
            tracing::debug!("the goodbye took too long");
        }
    }
}

/// The hub's link's next event; never one where there is no hub.
async fn heard(link: &mut Option<MqttLink>) -> Event {
    match link {
        Some(link) => link.recv().await,
        None => std::future::pending().await,
    }
}

fn send(link: Option<&MqttLink>, topic: Topic, payload: Vec<u8>) {
    let Some(link) = link else { return };
    if let Err(error) = link.send(Frame { topic, payload }) {
        tracing::debug!(%error, "a frame was not taken: it is sent again");
    }
}

async fn sleep_until(at: Option<std::time::Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at.into()).await,
        None => std::future::pending().await,
    }
}
