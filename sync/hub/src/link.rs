//! Moves frames between the broker and the worker, and knows nothing of what they say.
//!
//! Reconnects for ever with the link's own back-off; while it is away frames for stores are
//! dropped, because the exchange repeats them. A full writer queue makes this side stop reading,
//! which makes the broker wait: nothing is dropped on the way in.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};

use crate::config::HubConfig;
use crate::exchange::Leaving;
use crate::metrics::Metrics;
use crate::worker::WorkerHandle;

/// Frames for the broker, as the worker releases them.
pub type Frames = mpsc::Receiver<Leaving>;

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

/// Runs until the hub stops.
pub async fn run(mut parts: LinkParts<'_>) {
    drop(parts.stopped.wait_for(|it| *it).await);
    parts.worker.stop().await;
    while parts.frames.recv().await.is_some() {}
}
