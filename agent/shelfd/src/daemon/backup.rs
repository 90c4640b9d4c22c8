//! Hourly backups of the ledger to another disk, while trading goes on.
//!
//! A day of them is kept: one file for each hour, replaced the next day. Each is verified and
//! stripped of this PC's identity by the ledger before it takes its name.

use std::sync::Arc;
use std::time::Duration;

use shelf_ledger::Ledger;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::counter::chain;
use super::shop::Shop;
use crate::platform;

/// Seconds between two backups.
const PAUSE_SECONDS: u64 = 3600;
/// Backups that are kept.
const KEPT: i64 = 24;

/// Starts the task, if the configuration names a place.
pub(super) fn start(
    shop: &Arc<Shop>,
    ledger: &Arc<Ledger>,
    mut stop: watch::Receiver<bool>,
    tasks: &mut JoinSet<()>,
) {
    let Some(folder) = shop.config.ledger.backup_dir.clone() else {
        return;
    };
    let ledger = Arc::downgrade(ledger);
    tasks.spawn(async move {
        let mut beat = tokio::time::interval(Duration::from_secs(PAUSE_SECONDS));
        loop {
            tokio::select! {
                _ = beat.tick() => {}
                _ = stop.wait_for(|it| *it) => return,
            }
            let Some(ledger) = ledger.upgrade() else {
                return;
            };
            let hour = platform::wall_now().as_millis() / 3_600_000;
            let to = folder.join(format!("ledger-{:02}.db", hour.rem_euclid(KEPT)));
            let made = tokio::task::spawn_blocking(move || ledger.backup(&to)).await;
            match made {
                Ok(Ok(report)) => tracing::info!(?report, "backup made"),
                Ok(Err(error)) => tracing::error!(message = %chain(&error), "no backup was made"),
                Err(error) => tracing::error!(%error, "the backup panicked"),
            }
        }
    });
}
