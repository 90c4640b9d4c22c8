//! How long a unit that is shown online can still be bought in the shop.
//!
//! Most systems count the lag of their messages, which is seconds, and forget that a reserved unit
//! stands on the shelf until somebody picks it, which is hours. Each part is named, because each
//! has another owner: who wants less safety stock can see where it comes from.

use serde::{Deserialize, Serialize};

use super::week::{ShopTime, Week};

/// The parts of the exposure window W, in milliseconds, as the agent measured them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExposureWindow {
    /// From the scan to the document.
    pub capture_lag_ms: u64,
    /// From the store to the hub, one way.
    pub link_ms: u64,
    /// Until the hub has committed it.
    pub hub_commit_ms: u64,
    /// Until the channel shows it.
    pub channel_lag_ms: u64,
    /// How long goods are in trolleys before they are scanned.
    pub trolley_ms: u64,
    /// From the order to its goods being off the shelf.
    pub order_to_pick_ms: u64,
}

impl ExposureWindow {
    /// The parts that run by the clock, open or closed.
    pub const fn lag_ms(self) -> u64 {
        self.capture_lag_ms
            .saturating_add(self.link_ms)
            .saturating_add(self.hub_commit_ms)
            .saturating_add(self.channel_lag_ms)
    }

    /// The parts that run only while the shop is open.
    pub const fn working_ms(self) -> u64 {
        self.trolley_ms.saturating_add(self.order_to_pick_ms)
    }

    /// W as a sum.
    pub const fn total_ms(self) -> u64 {
        self.lag_ms().saturating_add(self.working_ms())
    }

    /// When a unit that is ordered at `from` is off the shelf.
    pub fn end(self, week: &Week, from: ShopTime) -> ShopTime {
        week.end_of(from, self.lag_ms(), self.working_ms())
    }
}
