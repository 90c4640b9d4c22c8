//! How fast the simulated people are.

use std::time::Duration;

use super::arguments::FOLLOWED_SPEED;
use crate::config::SafetySettings;

/// The pause between two articles at most, in microseconds: nobody waits longer for a scanner.
const GAP_US_MAX: u64 = 200_000;
/// The duplicate guard of a run that people follow: the usual one.
const FOLLOWED_GUARD_MS: u64 = 300;
/// The duplicate guard of a faster run, whose hands are faster too.
const FAST_GUARD_MS: u64 = 30;
/// What a card takes at the terminal, followed and faster.
const TERMINAL_MS: (u64, u64) = (400, 20);

/// What a customer takes at a real till.
const SECONDS_OF_A_CUSTOMER: u32 = 60;

/// Customers in a second, and what follows from it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    per_second: u32,
}

impl Pace {
    /// So many customers begin in a second at each till.
    pub(super) fn new(per_second: u32) -> Self {
        Self {
            per_second: per_second.max(1),
        }
    }

    fn is_followed(self) -> bool {
        self.per_second <= FOLLOWED_SPEED
    }

    /// From the begin of one customer to the next.
    pub(super) fn every(self) -> Duration {
        Duration::from_secs(1) / self.per_second
    }

    /// Between two articles of a basket of so many: half the customer's time, spread.
    pub(super) fn gap_us(self, lines: usize) -> u64 {
        let lines = u64::try_from(lines).unwrap_or(u64::MAX).max(1);
        (500_000 / u64::from(self.per_second) / lines).min(GAP_US_MAX)
    }

    /// Safety stock of a shop whose hours pass as fast as its customers come: what is minutes long
    /// elsewhere would reach over the whole run, and nothing would be left to order.
    pub(super) fn safety(self) -> SafetySettings {
        let usual = SafetySettings::default();
        let faster = SECONDS_OF_A_CUSTOMER * self.per_second;
        SafetySettings {
            channel_lag_s: usual.channel_lag_s / faster,
            trolley_minutes: usual.trolley_minutes / faster,
            pick_minutes: usual.pick_minutes / faster,
            ..usual
        }
    }

    /// `policy.duplicate_scan_ms` of the demo's PCs.
    pub(super) fn guard_ms(self) -> u64 {
        if self.is_followed() {
            FOLLOWED_GUARD_MS
        } else {
            FAST_GUARD_MS
        }
    }

    /// How long a hand takes to show the same article again: longer than the guard.
    pub(super) fn repeat_us(self) -> u64 {
        self.guard_ms() * 1_000 + 20_000
    }

    /// How long a card takes.
    pub(super) fn terminal_ms(self) -> u64 {
        if self.is_followed() {
            TERMINAL_MS.0
        } else {
            TERMINAL_MS.1
        }
    }
}
