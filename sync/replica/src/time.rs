//! Time as an argument, and the jitter that keeps many machines from doing the same at once.

use shelf_stock::time::Timestamp;

/// The moment of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Milliseconds of a clock that only moves forwards, from any beginning. All waiting uses it.
    pub mono_ms: u64,
    /// What the wall clock says. Only ever shown or passed on.
    pub wall: Timestamp,
}

/// A small generator of numbers for back-off: the same seed gives the same run. Not for secrets.
#[derive(Clone, Debug)]
pub(crate) struct Jitter(u64);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits (splitmix64).
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bits ^ (bits >> 31)
    }

    /// A wait for the given attempt (from 0): doubling from `base_ms` up to `max_ms`, plus up to
    /// half of it at random.
    pub(crate) fn backoff_ms(&mut self, base_ms: u64, max_ms: u64, attempt: u32) -> u64 {
        let doubled = base_ms.saturating_mul(1 << attempt.min(16));
        let wait = doubled.min(max_ms).max(2);
        wait + self.next() % (wait / 2)
    }
}
