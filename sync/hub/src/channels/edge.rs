//! Posts one channel's levels to its address, as its [`Pusher`] says.
//!
//! A batch is `{"channel", "levels": [{"store", "item", "shown_thousandths",
//! "on_hand_thousandths"}]}`; any 2xx confirms it, and `Retry-After` is heeded. At the start and
//! then every few minutes everything is read again, which finds what was missed and what changed
//! with time alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};
use shelf_stock::name::{ItemId, StoreId};
use shelf_stock::quantity::Quantity;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::Parts;
use super::push::{Key, Pace, Push, Pusher, Work};
use crate::config::ChannelConfig;
use crate::metrics::Metrics;
use crate::news::News;
use crate::orders::{Command, Outcome, possible};
use crate::platform;
use crate::readers::ReadError;
use crate::worker::WorkerError;

/// How often everything is read again.
pub const SWEEP_MS: u64 = 300_000;
/// Items that are read at once.
const ITEMS_READ_MAX: usize = 500;
/// How long a channel may take to answer.
const ANSWER_S_MAX: u64 = 30;

/// A level with what the store said that it has.
type Levels = BTreeMap<Key, (Quantity, Quantity)>;

/// A batch was not confirmed.
#[derive(Debug, thiserror::Error)]
enum PushError {
    #[error("the channel can't be reached: {0}")]
    Http(#[from] reqwest::Error),
    #[error("the channel answered {0}")]
    Status(reqwest::StatusCode, Option<u64>),
    #[error("the levels could not be exposed: {0}")]
    Expose(#[from] WorkerError),
}

struct Edge {
    parts: Parts,
    config: ChannelConfig,
    pusher: Pusher,
    client: reqwest::Client,
    on_hand: BTreeMap<Key, Quantity>,
}

/// Runs until it is aborted; a batch that is on its way then is told again after the next start.
pub async fn run(parts: Parts, config: ChannelConfig, mut news: mpsc::Receiver<News>) {
    let client = match client(&config.url) {
        Ok(client) => client,
        Err(error) => {
            let channel = &config.channel;
            return tracing::error!(%channel, %error, "levels can't be pushed: no HTTP client");
        }
    };
    let mut edge = Edge {
        pusher: Pusher::new(Pace::from(&config)),
        client,
        on_hand: BTreeMap::new(),
        parts,
        config,
    };
    let mut sweep_at_ms = 0;
    loop {
        let now_ms = edge.parts.clock.mono_ms();
        if sweep_at_ms <= now_ms {
            sweep_at_ms = now_ms.saturating_add(SWEEP_MS);
            edge.sweep().await;
        }
        while let Some(work) = edge.pusher.poll(edge.parts.clock.mono_ms()) {
            edge.work(work).await;
        }
        edge.count();
        let wake = edge
            .pusher
            .wake_at_ms()
            .unwrap_or(u64::MAX)
            .min(sweep_at_ms);
        let wait = wake.saturating_sub(edge.parts.clock.mono_ms());
        let wake = Instant::now() + Duration::from_millis(wait);
        tokio::select! {
            () = tokio::time::sleep_until(wake) => {}
            next = news.recv() => match next {
                Some(News::Levels { store, items }) => edge.read(store, items).await,
                Some(News::Sweep) => sweep_at_ms = 0,
                Some(News::Oversold { .. }) => {}
                None => return,
            },
        }
    }
}

/// Only `https` needs the system's certificate authorities, which a small machine may not have.
pub(crate) fn client(url: &str) -> Result<reqwest::Client, reqwest::Error> {
    // An error says that it was named before, which is what this is for.
    let _named_before = rustls::crypto::ring::default_provider().install_default();
    let builder = reqwest::Client::builder()
        .timeout(Duration::from_secs(ANSWER_S_MAX))
        .no_proxy();
    match url.starts_with("https:") {
        true => builder.build(),
        false => builder.tls_certs_only([]).build(),
    }
}

impl Edge {
    /// Everything that this channel sells.
    async fn sweep(&mut self) {
        let (tenant, channel) = (
            self.parts.config.tenant.clone(),
            self.config.channel.clone(),
        );
        let read = self
            .parts
            .readers
            .query(move |view| possible::serving(view, tenant.as_str(), &channel, &[]));
        let stores = match read.await {
            Ok(stores) => stores,
            Err(error) => return self.unread(&error),
        };
        for (store, key) in stores {
            let mut after: Option<ItemId> = None;
            loop {
                let from = after.clone();
                let items = self
                    .parts
                    .readers
                    .query(move |view| view.shop(key).items(from.as_ref(), ITEMS_READ_MAX));
                let items = match items.await {
                    Ok(items) => items,
                    Err(error) => return self.unread(&error),
                };
                let whole = items.len() == ITEMS_READ_MAX;
                after = items.last().cloned().filter(|_| whole);
                self.read(store.clone(), items).await;
                if after.is_none() {
                    break;
                }
            }
        }
    }

    fn unread(&self, error: &ReadError) {
        let error = error as &dyn std::error::Error;
        tracing::warn!(error, channel = %self.config.channel, "levels are read again later");
    }

    /// What the channel is shown of these items now.
    async fn read(&mut self, store: StoreId, items: Vec<ItemId>) {
        let (now, channel) = (self.parts.now(), self.config.channel.clone());
        let read = self.parts.readers.query(move |view| {
            let mut levels = Levels::new();
            let Some(key) = view.store_named(store.as_str())? else {
                return Ok(levels);
            };
            for item in items {
                let level = possible::level(view, now, key, &item, &channel)?;
                let on_hand = level.desk.report.book;
                levels.insert((store.clone(), item), (level.shown, on_hand));
            }
            Ok(levels)
        });
        match read.await {
            Ok(levels) => {
                for (key, (shown, on_hand)) in levels {
                    self.on_hand.insert(key.clone(), on_hand);
                    self.pusher.set(now.mono_ms, key, shown);
                }
            }
            Err(error) => self.unread(&error),
        }
    }

    async fn work(&mut self, work: Work) {
        match work {
            Work::Lowered(levels) => self.let_go(levels).await,
            Work::Batch(batch) => {
                let result = self.push(&batch).await;
                let now_ms = self.parts.clock.mono_ms();
                match result {
                    Ok(told) => {
                        let count = u64::try_from(batch.len()).unwrap_or(0);
                        Metrics::add(&self.parts.metrics.levels_pushed, count);
                        self.pusher.pushed(now_ms, &told);
                    }
                    Err(error) => {
                        Metrics::add(&self.parts.metrics.push_failures, 1);
                        tracing::warn!(channel = %self.config.channel, %error, "pushed again later");
                        let later = match &error {
                            PushError::Status(_, seconds) => seconds.map(|it| it * 1000),
                            _ => None,
                        };
                        let jitter = platform::random_u64().unwrap_or_default();
                        self.pusher.failed(now_ms, later, jitter);
                    }
                }
            }
        }
    }

    /// Tells the channel a batch; returns what it was told where that is not what was wanted.
    async fn push(&self, batch: &[Push]) -> Result<BTreeMap<Key, Quantity>, PushError> {
        let told = match self.config.grace_ms {
            Some(_) => self.expose(batch).await?,
            None => BTreeMap::new(),
        };
        let row = |push: &Push| -> Value {
            let level = told.get(&push.key).copied().unwrap_or(push.level);
            let on_hand = self.on_hand.get(&push.key).copied().unwrap_or_default();
            json!({
                "store": push.key.0, "item": push.key.1,
                "shown_thousandths": level, "on_hand_thousandths": on_hand,
            })
        };
        let levels: Vec<Value> = batch.iter().map(row).collect();
        let mut request = self.client.post(&self.config.url).json(&json!({
            "channel": self.config.channel, "levels": levels,
        }));
        if let Some(token) = &self.config.token {
            request = request.bearer_auth(token.reveal());
        }
        let answer = request.send().await?;
        let status = answer.status();
        if status.is_success() {
            return Ok(told);
        }
        let after = answer.headers().get(reqwest::header::RETRY_AFTER);
        let after = after.and_then(|it| it.to_str().ok()?.trim().parse().ok());
        Err(PushError::Status(status, after))
    }

    /// What may be shown of levels that are more than a marketplace shows now.
    async fn expose(&self, batch: &[Push]) -> Result<BTreeMap<Key, Quantity>, PushError> {
        let mut told = BTreeMap::new();
        let raised = batch.iter().filter(|it| it.raises);
        for (store, levels) in by_store(raised.map(|it| (it.key.clone(), it.level))) {
            let command = Command::Expose {
                channel: self.config.channel.clone(),
                levels,
            };
            let outcome = self.parts.worker.command(Some(&store), command).await?;
            if let Outcome::Exposed(levels) = outcome {
                let key = |item| (store.clone(), item);
                told.extend(levels.into_iter().map(|(item, level)| (key(item), level)));
            }
        }
        Ok(told)
    }

    async fn let_go(&self, levels: Vec<(Key, Quantity)>) {
        for (store, levels) in by_store(levels.into_iter()) {
            let command = Command::Lowered {
                channel: self.config.channel.clone(),
                levels,
            };
            if let Err(error) = self.parts.worker.command(Some(&store), command).await {
                // It stays with the marketplace until the level changes again: safe.
                tracing::warn!(%store, %error, "what a marketplace no longer shows was not let go");
            }
        }
    }

    fn count(&self) {
        let (waiting, oldest) = self.pusher.waiting();
        let metrics = &self.parts.metrics;
        Metrics::set(&metrics.levels_waiting, u64::try_from(waiting).unwrap_or(0));
        let now_ms = self.parts.clock.mono_ms();
        let age = oldest.map_or(0, |it| now_ms.saturating_sub(it));
        Metrics::set(&metrics.levels_oldest_ms, age);
    }
}

fn by_store(
    levels: impl Iterator<Item = (Key, Quantity)>,
) -> BTreeMap<StoreId, Vec<(ItemId, Quantity)>> {
    let mut stores = BTreeMap::<StoreId, Vec<(ItemId, Quantity)>>::new();
    for ((store, item), level) in levels {
        stores.entry(store).or_default().push((item, level));
    }
    stores
}
