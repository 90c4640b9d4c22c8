//! Moves frames between the broker and the worker, and knows nothing of what they say.
//!
//! Reconnects for ever with the link's own back-off; while it is away frames for stores are
//! dropped, because the exchange repeats them. A full writer queue makes this side stop reading,
//! which makes the broker wait: nothing is dropped on the way in.

use std::sync::Arc;
use std::time::Duration;

use shelf_link::{Event, Frame, Link, SendError, mqtt};
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;

use crate::config::HubConfig;
use crate::metrics::Metrics;
use crate::platform;
use crate::worker::WorkerHandle;

/// How long a frame waits where the link's queue is full.
const FULL_RETRY_MS: u64 = 2;
/// How long the last acks may take when the hub stops.
const GOODBYE_MS_MAX: u64 = 2_000;

/// Frames for the broker, as the worker releases them.
pub type Frames = mpsc::Receiver<Frame>;

/// What the link is made of.
#[derive(Debug)]
pub struct LinkParts<'a> {
    /// Where the broker is.
    pub config: &'a HubConfig,
    /// Where frames go.
    pub worker: WorkerHandle,
    /// Where frames come from.
    pub frames: Frames,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Rises when the hub is to stop.
    pub stopped: watch::Receiver<bool>,
}

/// Runs until the hub stops, and ends the worker then.
pub async fn run(parts: LinkParts<'_>) {
    let Some(broker) = &parts.config.broker else {
        return without_broker(parts).await;
    };
    let credentials = broker.login.as_ref();
    let address = mqtt::Broker {
        host: broker.host.clone(),
        port: broker.port,
        tls: None,
        credentials: credentials.map(|(name, word)| (name.clone(), word.reveal().to_owned())),
    };
    let tenant = &parts.config.tenant;
    let worker = parts.config.worker.as_ref();
    let name = match worker {
        Some(worker) => format!("shelf-hub-{tenant}-{}", worker.name),
        None => format!("shelf-hub-{tenant}"),
    };
    let group = worker.map(|it| it.group.as_str());
    let role = mqtt::Role::hub(&name, Some(tenant), group);
    // Without randomness every hub waits the same between attempts, which still works.
    let jitter = Box::new(|| platform::random_u64().unwrap_or_default());
    let (link, driver) = mqtt::link(address, role, jitter);
    let driver = tokio::spawn(driver.run());
    carry(link, parts).await;
    let deadline = Instant::now() + Duration::from_millis(GOODBYE_MS_MAX);
    if tokio::time::timeout_at(deadline, driver).await.is_err() {
        tracing::debug!("the broker did not take our goodbye in time");
    }
}

/// A hub that only serves HTTP.
async fn without_broker(mut parts: LinkParts<'_>) {
    drop(parts.stopped.wait_for(|it| *it).await);
    parts.worker.stop().await;
    while parts.frames.recv().await.is_some() {}
}

/// Carries frames both ways over any link, until the hub stops.
pub async fn carry(mut link: impl Link, mut parts: LinkParts<'_>) {
    let mut stopped = parts.stopped.clone();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|it| *it) => break,
            event = link.recv() => match event {
                Event::Frame(frame) => {
                    Metrics::add(&parts.metrics.frames, 1);
                    if parts.worker.frame(frame).await.is_err() {
                        break;
                    }
                }
                Event::Closed => break,
                event => {
                    note(&event, &parts.metrics);
                    if event == Event::Up && parts.worker.connected().await.is_err() {
                        break;
                    }
                }
            },
            frame = parts.frames.recv() => match frame {
                Some(frame) => send(&link, frame, &parts).await,
                None => break,
            },
        }
    }
    parts.worker.stop().await;
    let deadline = Instant::now() + Duration::from_millis(GOODBYE_MS_MAX);
    while let Ok(Some(frame)) = tokio::time::timeout_at(deadline, parts.frames.recv()).await {
        send(&link, frame, &parts).await;
    }
    Metrics::set(&parts.metrics.broker_connected, 0);
}

/// Gives a frame to the link, waiting while its queue is full; drops it where the link is down or
/// the hub is to stop.
async fn send(link: &impl Link, frame: Frame, parts: &LinkParts<'_>) {
    loop {
        match link.send(frame.clone()) {
            Ok(()) => return Metrics::add(&parts.metrics.frames_sent, 1),
            Err(SendError::Full) if !*parts.stopped.borrow() => {
                let later = Instant::now() + Duration::from_millis(FULL_RETRY_MS);
                tokio::time::sleep_until(later).await;
            }
            Err(SendError::Full | SendError::Down) => {
                return Metrics::add(&parts.metrics.frames_unsent, 1);
            }
        }
    }
}

fn note(event: &Event, metrics: &Metrics) {
    match event {
        Event::Up => {
            Metrics::set(&metrics.broker_connected, 1);
            Metrics::add(&metrics.broker_connections, 1);
            tracing::info!("connected to the broker");
        }
        Event::Down { reason } => {
            if metrics.broker_connected() {
                tracing::warn!(%reason, "the broker is gone; it is tried again");
            }
            Metrics::set(&metrics.broker_connected, 0);
        }
        Event::Refused { reason } => {
            Metrics::add(&metrics.frames_unsent, 1);
            tracing::warn!(%reason, "the broker refused a frame");
        }
        // The PC has just left; it says hello when it is back.
        Event::NobodyListens => Metrics::add(&metrics.frames_unsent, 1),
        Event::Frame(_) | Event::Closed => {}
    }
}
