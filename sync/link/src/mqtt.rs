//! The link by MQTT 5.
//!
//! The client library keeps no promise that matters here, so nothing is asked of it: every
//! connection gets a fresh event loop, clean start, no session; what was on the way when a
//! connection died is gone, and the machines send it again from their acks. The driver is the
//! only task that touches the library, polls without ever waiting for a send, and reads every
//! reason code.

mod driver;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use driver::Driver;
use shelf_stock::identity::NodeId;
use shelf_stock::name::{StoreId, TenantId};
use shelf_wire::frame::{FRAME_BYTES_MAX, pack};
use shelf_wire::message::{Message, Will};
use shelf_wire::topic::{Lane, Topic, Up, hub_filter, node_filters, sibling_filters};
use tokio::sync::mpsc;

use crate::{EVENTS_MAX, Event, Frame, Link, OUTGOING_FRAMES_MAX, SendError};

/// Payloads that may wait for the broker's acknowledgement.
pub const IN_FLIGHT_FRAMES_MAX: u16 = 32;
/// What a packet has besides its payload: topic, properties, header.
pub const PACKET_OVERHEAD_BYTES_MAX: usize = 1024;
/// How long connecting, and then subscribing, may take.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How often a silent connection is tried.
pub const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The first waits between attempts to connect are at most this.
pub const RECONNECT_DELAY: Duration = Duration::from_secs(1);
/// Later waits grow up to this.
pub const RECONNECT_DELAY_MAX: Duration = Duration::from_secs(120);

/// How to reach a broker.
#[derive(Clone)]
pub struct Broker {
    /// Name or address.
    pub host: String,
    /// Port, usually 8883 with TLS and 1883 without.
    pub port: u16,
    /// TLS with this configuration (made with the ring provider); `None` for plain TCP.
    pub tls: Option<Arc<rustls::ClientConfig>>,
    /// User name and password, where the broker wants them.
    pub credentials: Option<(String, String)>,
}

impl fmt::Debug for Broker {
    /// Never shows the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls.is_some() { "mqtts" } else { "mqtt" };
        let user = self
            .credentials
            .as_ref()
            .map(|it| it.0.as_str())
            .unwrap_or_default();
        write!(f, "{scheme}://{user}@{}:{}", self.host, self.port)
    }
}

/// Random numbers for back-off, given by the caller.
pub type Jitter = Box<dyn FnMut() -> u64 + Send>;

/// What one end of the protocol is to the broker.
#[derive(Clone, Debug)]
pub struct Role {
    pub(crate) client_id: String,
    pub(crate) filters: Vec<String>,
    /// Its own words don't come back.
    pub(crate) no_echo: bool,
    pub(crate) will: Option<Frame>,
}

impl Role {
    /// A PC: hears what is for it and for its shop; when its connection dies the broker says so.
    pub fn node(tenant: &TenantId, store: &StoreId, node: NodeId, boot_nonce: u64) -> Self {
        let topic = Topic {
            tenant: tenant.clone(),
            store: store.clone(),
            lane: Lane::Up(node, Up::Will),
        };
        let payload = pack(&Message::Will(Will { boot_nonce })).unwrap_or_default();
        Self {
            client_id: node.to_string(),
            filters: node_filters(tenant, store, node).to_vec(),
            no_echo: false,
            will: Some(Frame { topic, payload }),
        }
    }

    /// A PC among its store's other PCs, on the store's own broker. The name differs from the one
    /// that it has at the hub's broker, because brokers push out the elder of two with one name.
    pub fn sibling(tenant: &TenantId, store: &StoreId, node: NodeId, boot_nonce: u64) -> Self {
        let base = Self::node(tenant, store, node, boot_nonce);
        Self {
            client_id: format!("{}-store", base.client_id),
            filters: sibling_filters(tenant, store).to_vec(),
            no_echo: true,
            ..base
        }
    }

    /// A hub: hears every PC of one tenant or of all; several workers share a group. Two clients
    /// with one id would push each other out, so the caller names each worker.
    pub fn hub(client_id: &str, tenant: Option<&TenantId>, share_group: Option<&str>) -> Self {
        Self {
            client_id: client_id.to_owned(),
            filters: vec![hub_filter(tenant, share_group)],
            no_echo: false,
            will: None,
        }
    }
}

/// A link by MQTT. Dropping it ends its [`Driver`] with a clean goodbye.
#[derive(Debug)]
pub struct MqttLink {
    outgoing: mpsc::Sender<Frame>,
    events: mpsc::Receiver<Event>,
    up: Arc<AtomicBool>,
}

/// A link and the driver that has to be run (spawned) for it.
pub fn link(broker: Broker, role: Role, jitter: Jitter) -> (MqttLink, Driver) {
    let (outgoing, to_send) = mpsc::channel(OUTGOING_FRAMES_MAX);
    let (seen, events) = mpsc::channel(EVENTS_MAX);
    let up = Arc::new(AtomicBool::new(false));
    let driver = Driver::new(broker, role, jitter, to_send, seen, Arc::clone(&up));
    let link = MqttLink {
        outgoing,
        events,
        up,
    };
    (link, driver)
}

impl Link for MqttLink {
    fn send(&self, frame: Frame) -> Result<(), SendError> {
        if !self.up.load(Ordering::Acquire) {
            return Err(SendError::Down);
        }
        debug_assert!(
            frame.payload.len() <= FRAME_BYTES_MAX,
            "packed by shelf-wire"
        );
        self.outgoing.try_send(frame).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => SendError::Full,
            mpsc::error::TrySendError::Closed(_) => SendError::Down,
        })
    }

    async fn recv(&mut self) -> Event {
        self.events.recv().await.unwrap_or(Event::Closed)
    }
}
