//! Forgetting what is too old to be asked for, once a day, beside the selling.
//!
//! Documents are closed in one transaction of bounded size; pages are given back to the disk a few
//! at a time with pauses between, so that no scan waits for it. What was done is one line in the
//! journal. Without a hub nothing is ever closed: nobody else has the documents.

use std::sync::Arc;
use std::time::Duration;

use shelf_replica::opening::Retention;
use shelf_replica::retention::OrderRetention;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::counter::chain;
use super::shop::Shop;
use crate::platform;

/// Seconds after the start until the first time: the morning's rush has what it needs by then.
const FIRST_SECONDS: u64 = 1_800;
/// Seconds between two times.
const PAUSE_SECONDS: u64 = 24 * 3_600;
/// Pages that are given back in one step, which is a commit.
const STEP_PAGES: u32 = 64;
/// Milliseconds between two steps.
const STEP_PAUSE_MS: u64 = 500;
/// Steps of one day: 64 MiB.
const STEPS_MAX: u32 = 256;

/// Starts the task.
pub(super) fn start(shop: &Arc<Shop>, stop: watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    tasks.spawn(run(shop.clone(), stop));
}

async fn run(shop: Arc<Shop>, mut stop: watch::Receiver<bool>) {
    let mut wait_seconds = FIRST_SECONDS;
    loop {
        let work = async {
            pause(Duration::from_secs(wait_seconds)).await;
            once(&shop).await
        };
        tokio::select! {
            done = work => if let Err(message) = done {
                tracing::warn!(%message, "old documents could not be forgotten; again tomorrow");
            },
            _ = stop.wait_for(|it| *it) => return,
        }
        wait_seconds = PAUSE_SECONDS;
    }
}

async fn pause(length: Duration) {
    tokio::time::sleep_until(tokio::time::Instant::now() + length).await;
}

async fn once(shop: &Shop) -> Result<(), String> {
    let orders = OrderRetention::usual(platform::wall_now());
    let retired = shop
        .writer
        .execute("orders", move |tx| tx.retire_orders(&orders))
        .await
        .map_err(|it| chain(&it))?;
    let days = shop.config.ledger.keep_days;
    if days > 0 {
        let retention = Retention::days(platform::wall_now(), days);
        let closed = shop
            .writer
            .execute("close", move |tx| tx.close_old(&retention))
            .await
            .map_err(|it| chain(&it))?;
        if let Some(it) = closed {
            tracing::info!(
                documents = it.documents,
                bytes = it.bytes,
                carried = it.carried,
                parts = it.parts,
                "old documents were closed: an opening stands for them"
            );
        }
    }
    if retired.orders + retired.marks > 0 {
        tracing::info!(?retired, "orders long at their end were forgotten");
    }
    give_back(shop).await
}

async fn give_back(shop: &Shop) -> Result<(), String> {
    for _ in 0..STEPS_MAX {
        let left = shop
            .writer
            .execute("pages", |tx| tx.give_back(STEP_PAGES))
            .await
            .map_err(|it| chain(&it))?;
        if left == 0 {
            break;
        }
        pause(Duration::from_millis(STEP_PAUSE_MS)).await;
    }
    Ok(())
}
