//! What happens on the network because of rights and orders: channels are told their levels, and
//! another store delivers what one has too little of.
//!
//! [`push`] decides what leaves when; [`edge`] posts it; [`resource`] asks other stores. All of it
//! follows from what is committed: news come from the exchange after the commit, and a sweep finds
//! what was missed. Without a channel in the configuration only orders are looked after.

pub mod edge;
pub mod push;
pub mod resource;

use std::sync::Arc;

use shelf_replica::Now;
use tokio::sync::{mpsc, watch};

use crate::config::{ChannelConfig, HubConfig};
use crate::metrics::Metrics;
use crate::news::News;
use crate::platform::Clock;
use crate::readers::Readers;
use crate::worker::WorkerHandle;

/// News that may wait for the edge.
pub const NEWS_MAX: usize = 1024;

/// What channels and other stores are reached with. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Parts {
    /// Whose stores these are, and the channels.
    pub config: HubConfig,
    /// Read-only connections.
    pub readers: Readers,
    /// The one that writes.
    pub worker: WorkerHandle,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Time.
    pub clock: Clock,
}

impl Parts {
    fn now(&self) -> Now {
        let now = self.clock.now();
        Now {
            mono_ms: now.mono_ms,
            wall: now.wall,
        }
    }
}

/// Runs until the hub stops.
pub async fn run(parts: Parts, mut news: mpsc::Receiver<News>, mut stopped: watch::Receiver<bool>) {
    let mut tasks = tokio::task::JoinSet::new();
    let (oversold, lacking) = mpsc::channel(NEWS_MAX);
    tasks.spawn(resource::run(parts.clone(), lacking));
    let mut channels = Vec::new();
    for channel in &parts.config.channels {
        let (sender, receiver) = mpsc::channel(NEWS_MAX);
        tasks.spawn(edge::run(parts.clone(), channel.clone(), receiver));
        channels.push(sender);
    }
    loop {
        let next = tokio::select! {
            _ = stopped.wait_for(|it| *it) => break,
            next = news.recv() => next,
        };
        let Some(next) = next else {
            break;
        };
        if matches!(next, News::Oversold { .. }) {
            // What doesn't fit is told again when the machine notices it again.
            drop(oversold.try_send(next));
            continue;
        }
        for channel in &channels {
            if channel.try_send(next.clone()).is_err() {
                Metrics::add(&parts.metrics.news_dropped, 1);
            }
        }
    }
    tasks.shutdown().await;
}

impl From<&ChannelConfig> for push::Pace {
    fn from(config: &ChannelConfig) -> Self {
        Self {
            interval_ms: config.interval_ms,
            batch_levels_max: config.batch_levels_max,
            grace_ms: config.grace_ms,
        }
    }
}
