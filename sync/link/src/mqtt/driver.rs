//! The task that owns the client library.
//!
//! One connection at a time, each with a fresh event loop: the library's loop is known to drop,
//! reorder and sometimes never finish what an earlier connection left in it. The poll future is
//! never dropped half way, and nothing is awaited between polls but the caller's event queue,
//! which is how a slow reader holds the broker back.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnAck, Filter, LastWill, Packet, PubAck, PubAckReason, Publish, SubAck, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event as Polled, EventLoop, MqttOptions};
use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use shelf_wire::frame::FRAME_BYTES_MAX;
use tokio::sync::mpsc;
use tokio::time::timeout;

use super::{
    Broker, CONNECT_TIMEOUT, IN_FLIGHT_FRAMES_MAX, Jitter, KEEP_ALIVE, PACKET_OVERHEAD_BYTES_MAX,
    RECONNECT_DELAY, RECONNECT_DELAY_MAX, Role,
};
use crate::{Event, Frame};

/// How long a goodbye may take.
const GOODBYE_TIMEOUT: Duration = Duration::from_secs(2);
const PACKET_BYTES_MAX: usize = FRAME_BYTES_MAX + PACKET_OVERHEAD_BYTES_MAX;
const DELAY_DOUBLINGS_MAX: u32 = 7;

/// Runs the connections of one link until the link is dropped.
pub struct Driver {
    broker: Broker,
    role: Role,
    jitter: Jitter,
    to_send: mpsc::Receiver<Frame>,
    seen: mpsc::Sender<Event>,
    up: Arc<AtomicBool>,
}

impl std::fmt::Debug for Driver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Driver({:?} as {})", self.broker, self.role.client_id)
    }
}

/// Why a connection ended.
enum End {
    /// The link was dropped.
    Dropped,
    /// Something went wrong; try again.
    Failed { reason: String, was_up: bool },
}

/// One connection.
struct Connection {
    client: AsyncClient,
    events: EventLoop,
    in_flight: u16,
}

impl Driver {
    pub(super) fn new(
        broker: Broker,
        role: Role,
        jitter: Jitter,
        to_send: mpsc::Receiver<Frame>,
        seen: mpsc::Sender<Event>,
        up: Arc<AtomicBool>,
    ) -> Self {
        Self {
            broker,
            role,
            jitter,
            to_send,
            seen,
            up,
        }
    }

    /// Connects, again and again, until the link is dropped.
    pub async fn run(mut self) {
        let mut failures = 0_u32;
        loop {
            let end = self.connection().await;
            self.up.store(false, Ordering::Release);
            match end {
                End::Dropped => return,
                End::Failed { reason, was_up } => {
                    failures = if was_up {
                        0
                    } else {
                        failures.saturating_add(1)
                    };
                    tracing::debug!(broker = ?self.broker, %reason, "link down");
                    if self.seen.send(Event::Down { reason }).await.is_err() {
                        return;
                    }
                }
            }
            let delay = self.delay(failures);
            if timeout(delay, self.drain()).await.is_ok() {
                return;
            }
        }
    }

    /// Full jitter: anything from nothing to a limit that doubles.
    fn delay(&mut self, failures: u32) -> Duration {
        let limit = RECONNECT_DELAY * 2_u32.pow(failures.min(DELAY_DOUBLINGS_MAX));
        let limit_ms = limit.min(RECONNECT_DELAY_MAX).as_millis();
        let limit_ms = u64::try_from(limit_ms).unwrap_or(u64::MAX);
        Duration::from_millis((self.jitter)() % limit_ms.max(1))
    }

    /// Drops what was queued for a connection that is gone. Returns when the link is dropped.
    async fn drain(&mut self) {
        while self.to_send.recv().await.is_some() {}
    }

    fn options(&self) -> MqttOptions {
        let broker = &self.broker;
        let mut options = MqttOptions::new(&self.role.client_id, &broker.host, broker.port);
        options
            .set_clean_start(true)
            .set_keep_alive(KEEP_ALIVE)
            .set_connection_timeout(CONNECT_TIMEOUT.as_secs())
            .set_max_packet_size(u32::try_from(PACKET_BYTES_MAX).ok())
            .set_outgoing_inflight_upper_limit(IN_FLIGHT_FRAMES_MAX);
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        options.set_network_options(network);
        if let Some(tls) = &broker.tls {
            let tls = TlsConfiguration::Rustls(Arc::clone(tls));
            options.set_transport(Transport::tls_with_config(tls));
        }
        if let Some((user, password)) = &broker.credentials {
            options.set_credentials(user, password);
        }
        if let Some(will) = &self.role.will {
            let (topic, payload) = (will.topic.to_string(), will.payload.clone());
            let will = LastWill::new(topic, payload, QoS::AtLeastOnce, true, None);
            options.set_last_will(will);
        }
        options
    }

    async fn connection(&mut self) -> End {
        // Room for everything that may be in flight, and for subscribing and saying goodbye.
        let requests_max = usize::from(IN_FLIGHT_FRAMES_MAX) + 4;
        let (client, events) = AsyncClient::new(self.options(), requests_max);
        let mut connection = Connection {
            client,
            events,
            in_flight: 0,
        };
        match timeout(CONNECT_TIMEOUT, connection.establish(&self.role)).await {
            Ok(Ok(())) => {}
            Ok(Err(reason)) => {
                return End::Failed {
                    reason,
                    was_up: false,
                };
            }
            Err(_) => {
                let reason = format!("no answer from {:?}", self.broker);
                return End::Failed {
                    reason,
                    was_up: false,
                };
            }
        }
        while self.to_send.try_recv().is_ok() {}
        self.up.store(true, Ordering::Release);
        if self.seen.send(Event::Up).await.is_err() {
            return connection.goodbye().await;
        }
        loop {
            match self.next(&mut connection).await {
                Ok(Some(event)) => {
                    if self.seen.send(event).await.is_err() {
                        return connection.goodbye().await;
                    }
                }
                Ok(None) => {}
                Err(End::Dropped) => return connection.goodbye().await,
                Err(failed) => return failed,
            }
        }
    }

    /// Polls once to the end, handing over payloads meanwhile.
    async fn next(&mut self, connection: &mut Connection) -> Result<Option<Event>, End> {
        let polled = {
            let mut poll = pin!(connection.events.poll());
            loop {
                tokio::select! {
                    polled = &mut poll => break polled,
                    frame = self.to_send.recv(), if connection.in_flight < IN_FLIGHT_FRAMES_MAX => {
                        let frame = frame.ok_or(End::Dropped)?;
                        let (topic, payload) = (frame.topic.to_string(), frame.payload);
                        let qos = QoS::AtLeastOnce;
                        let sent = connection.client.try_publish(topic, qos, false, payload);
                        // The queue has room for the whole window: a refusal means a bad topic,
                        // which a Topic never is.
                        if sent.is_ok() {
                            connection.in_flight += 1;
                        }
                    }
                }
            }
        };
        match polled {
            Ok(Polled::Incoming(packet)) => Ok(connection.on_packet(packet)),
            Ok(Polled::Outgoing(_)) => Ok(None),
            Err(error) => Err(End::Failed {
                reason: reason(&error),
                was_up: true,
            }),
        }
    }
}

impl Connection {
    /// Connects and subscribes; the broker's limits must let every payload pass.
    async fn establish(&mut self, role: &Role) -> Result<(), String> {
        loop {
            match self.events.poll().await {
                Ok(Polled::Incoming(Packet::ConnAck(ack))) => {
                    check_limits(&ack)?;
                    let filter = |it: &String| Filter {
                        nolocal: role.no_echo,
                        ..Filter::new(it, QoS::AtLeastOnce)
                    };
                    let filters: Vec<Filter> = role.filters.iter().map(filter).collect();
                    let asked = self.client.try_subscribe_many(filters);
                    asked.map_err(|error| format!("can't subscribe: {error}"))?;
                }
                Ok(Polled::Incoming(Packet::SubAck(ack))) => {
                    check_subscription(&ack, role)?;
                    return self.clear_will(role);
                }
                Ok(_) => {}
                Err(error) => return Err(reason(&error)),
            }
        }
    }

    /// The broker may still show the last words of an earlier connection.
    fn clear_will(&mut self, role: &Role) -> Result<(), String> {
        let Some(will) = &role.will else {
            return Ok(());
        };
        let topic = will.topic.to_string();
        let sent = self
            .client
            .try_publish(topic, QoS::AtLeastOnce, true, Vec::new());
        sent.map_err(|error| format!("can't clear the last will: {error}"))?;
        self.in_flight += 1;
        Ok(())
    }

    fn on_packet(&mut self, packet: Packet) -> Option<Event> {
        match packet {
            Packet::Publish(publish) => incoming(publish),
            Packet::PubAck(ack) => {
                self.in_flight = self.in_flight.saturating_sub(1);
                acknowledged(&ack)
            }
            _ => None,
        }
    }

    /// Says goodbye, so that the broker doesn't publish the last will.
    async fn goodbye(mut self) -> End {
        if self.client.try_disconnect().is_ok() {
            let said = async { while self.events.poll().await.is_ok() {} };
            timeout(GOODBYE_TIMEOUT, said).await.ok();
        }
        End::Dropped
    }
}

fn incoming(publish: Publish) -> Option<Event> {
    // An empty payload clears a retained one; other topics than ours are not for us.
    if publish.payload.is_empty() || publish.payload.len() > FRAME_BYTES_MAX {
        return None;
    }
    let topic = std::str::from_utf8(&publish.topic).ok()?.parse().ok()?;
    let payload = publish.payload.to_vec();
    Some(Event::Frame(Frame { topic, payload }))
}

fn acknowledged(ack: &PubAck) -> Option<Event> {
    match ack.reason {
        PubAckReason::Success => None,
        PubAckReason::NoMatchingSubscribers => Some(Event::NobodyListens),
        refused => Some(Event::Refused {
            reason: format!("{refused:?}"),
        }),
    }
}

fn check_limits(ack: &ConnAck) -> Result<(), String> {
    let Some(limits) = &ack.properties else {
        return Ok(());
    };
    if let Some(bytes) = limits.max_packet_size
        && u64::from(bytes) < PACKET_BYTES_MAX as u64
    {
        return Err(format!(
            "the broker takes packets of at most {bytes} bytes; raise its limit to \
             {PACKET_BYTES_MAX}"
        ));
    }
    if limits.max_qos == Some(0) {
        return Err("the broker offers no QoS 1".to_owned());
    }
    Ok(())
}

fn check_subscription(ack: &SubAck, role: &Role) -> Result<(), String> {
    let granted = |it: &SubscribeReasonCode| {
        matches!(
            it,
            SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce)
        )
    };
    let refused = ack
        .return_codes
        .iter()
        .zip(&role.filters)
        .find(|(code, _)| !granted(code));
    match refused {
        None if ack.return_codes.len() == role.filters.len() => Ok(()),
        None => Err("the broker answered for other subscriptions".to_owned()),
        Some((code, filter)) => Err(format!(
            "the broker refuses the subscription `{filter}`: {code:?}"
        )),
    }
}

fn reason(error: &ConnectionError) -> String {
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = error.source();
    }
    text
}
