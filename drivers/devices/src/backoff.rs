//! How long to wait before a device is opened again: doubling from 0.25 s to 30 s with jitter, and
//! a short quick series after "permission denied", because udev sets a new node's group a moment
//! after the kernel announces it. Pure: the seed is an argument, so the same seed waits the same.

use std::time::Duration;

/// First delay, in milliseconds.
pub const RETRY_DELAY_MS_MIN: u64 = 250;
/// Longest delay, in milliseconds (before jitter, which only shortens).
pub const RETRY_DELAY_MS_MAX: u64 = 30_000;
/// First delay after a permission error, in milliseconds.
pub const DENIED_DELAY_MS_MIN: u64 = 100;
/// Longest delay of the quick series after a permission error, in milliseconds.
pub const DENIED_DELAY_MS_MAX: u64 = 1_000;
/// How many quick tries follow a permission error before the ordinary delays apply.
pub const DENIED_QUICK_TRIES_MAX: u32 = 5;

/// The retry state of one device.
#[derive(Debug, Clone)]
pub struct Backoff {
    failures: u32,
    denials: u32,
    random: u64,
}

impl Backoff {
    /// Starts with no failures; `seed` decides the jitter.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            failures: 0,
            denials: 0,
            random: seed,
        }
    }

    /// Forgets all failures: the device answered, or the kernel announced a new one.
    pub fn reset(&mut self) {
        self.failures = 0;
        self.denials = 0;
    }

    /// The delay after one more failure: 75-100 % of 0.25, 0.5, 1 … 30 s.
    pub fn next_delay(&mut self) -> Duration {
        let whole = doubled(RETRY_DELAY_MS_MIN, self.failures, RETRY_DELAY_MS_MAX);
        self.failures = self.failures.saturating_add(1);
        self.jittered(whole)
    }

    /// The delay after a permission error: 0.1, 0.2 … 1 s a few times, then as any failure.
    /// The flag says whether the quick series is used up, that is, whether to tell the operator.
    pub fn next_delay_denied(&mut self) -> (Duration, bool) {
        if self.denials >= DENIED_QUICK_TRIES_MAX {
            return (self.next_delay(), true);
        }
        let whole = doubled(DENIED_DELAY_MS_MIN, self.denials, DENIED_DELAY_MS_MAX);
        self.denials += 1;
        (self.jittered(whole), false)
    }

    fn jittered(&mut self, whole_ms: u64) -> Duration {
        // splitmix64: any seed, also 0, gives a usable sequence.
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.random;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let quarter = whole_ms / 4;
        Duration::from_millis(whole_ms - z % (quarter + 1))
    }
}

fn doubled(first_ms: u64, times: u32, most_ms: u64) -> u64 {
    first_ms
        .saturating_mul(1u64.checked_shl(times).unwrap_or(u64::MAX))
        .min(most_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_double_to_thirty_seconds_and_stay_there() {
        let mut backoff = Backoff::new(7);
        for whole in [
            250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000, 30_000,
        ] {
            let ms = u64::try_from(backoff.next_delay().as_millis()).unwrap();
            assert!(ms <= whole && ms >= whole * 3 / 4, "{ms} ms of {whole} ms");
        }
        backoff.reset();
        assert!(backoff.next_delay() <= Duration::from_millis(RETRY_DELAY_MS_MIN));
    }

    #[test]
    fn a_permission_error_is_tried_again_quickly_before_it_is_reported() {
        let mut backoff = Backoff::new(1);
        let told: Vec<bool> = (0..7).map(|_| backoff.next_delay_denied().1).collect();
        assert_eq!(told, [false, false, false, false, false, true, true]);
    }

    #[test]
    fn the_same_seed_waits_the_same() {
        let series = |seed| {
            let mut b = Backoff::new(seed);
            (0..9).map(|_| b.next_delay()).collect::<Vec<_>>()
        };
        assert_eq!(series(3), series(3));
        assert_ne!(series(3), series(4));
    }

    #[test]
    fn a_million_failures_do_not_overflow() {
        let mut backoff = Backoff {
            failures: u32::MAX - 1,
            denials: 0,
            random: 0,
        };
        for _ in 0..3 {
            assert!(backoff.next_delay() <= Duration::from_millis(RETRY_DELAY_MS_MAX));
        }
    }
}
