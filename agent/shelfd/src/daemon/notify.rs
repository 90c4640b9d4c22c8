//! What systemd is told: ready, stopping, and that the ledger's writer still makes progress.
//!
//! The watchdog is earned: a ping is sent only after the writer answered a job of its own since
//! the last one. A process whose disk hangs is restarted although its timers still run.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sd_notify::NotifyState;

use super::shop::Shop;

/// Tells systemd that this PC takes scans.
pub(crate) fn ready(where_to_look: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(where_to_look)]);
}

/// Tells systemd that this PC stops on purpose.
pub(crate) fn stopping() {
    tell(&[NotifyState::Stopping]);
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::warn!(%error, "systemd can't be told");
    }
}

/// Pings systemd's watchdog, if it has one, until `stopped`.
pub(crate) async fn watchdog(shop: &Arc<Shop>, stopped: impl Future<Output = ()>) {
    let pings = async {
        let Some(limit) = sd_notify::watchdog_enabled() else {
            return std::future::pending().await;
        };
        let mut beat = tokio::time::interval(limit / 3);
        loop {
            beat.tick().await;
            earn(shop, limit / 3).await;
        }
    };
    tokio::select! {
        () = stopped => {}
        () = pings => {}
    }
}

async fn earn(shop: &Arc<Shop>, limit: Duration) {
    let turn = shop
        .writer
        .execute("watchdog", |_| Ok::<_, std::convert::Infallible>(()));
    match tokio::time::timeout(limit, turn).await {
        Ok(Ok(())) => tell(&[NotifyState::Watchdog]),
        Ok(Err(error)) => tracing::error!(%error, "the ledger's writer does not answer"),
        Err(_) => tracing::error!("the ledger's writer made no progress: no ping for systemd"),
    }
}
