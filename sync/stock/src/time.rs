//! Two kinds of time: what a clock on the wall said, and an order that survives bad clocks.
//!
//! Neither is read here: callers pass them in. The hybrid logical clock follows conflict type 5
//! of the design: 48 bits of milliseconds and 16 bits of counter; a peer more than
//! [`HLC_AHEAD_MS_MAX`] ahead never drags this node's clock along.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How far ahead of the local wall clock a received HLC may be and still advance the local one.
pub const HLC_AHEAD_MS_MAX: i64 = 60_000;

const COUNTER_BITS: u32 = 16;

/// Wall time: milliseconds since 1970-01-01T00:00:00Z. May be before 1970 where a clock is wrong.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// From milliseconds since the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// In milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Milliseconds from `earlier` to `self`; negative if `earlier` is later.
    pub const fn millis_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// This time moved by some milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Hybrid logical time: 48 bits of milliseconds since 1970, then 16 bits of counter. Strictly
/// increasing at its author.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Hlc(u64);

impl Hlc {
    /// From its 64 bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// Its 64 bits.
    pub const fn to_bits(self) -> u64 {
        self.0
    }

    /// The physical part, in milliseconds since 1970.
    pub const fn millis(self) -> u64 {
        self.0 >> COUNTER_BITS
    }

    /// The earliest value at a wall time; times before 1970 count as 1970.
    pub fn at(wall: Timestamp) -> Self {
        let millis = u64::try_from(wall.as_millis()).unwrap_or(0);
        Self(millis.min(u64::MAX >> COUNTER_BITS) << COUNTER_BITS)
    }

    /// The next value for a local event at `wall`: strictly above `self`, whatever the clock did.
    #[must_use]
    pub fn tick(self, wall: Timestamp) -> Self {
        Self(Self::at(wall).0.max(self.0.saturating_add(1)))
    }

    /// What the local clock becomes after seeing a peer's `other` at local time `wall`. A peer
    /// more than [`HLC_AHEAD_MS_MAX`] ahead is ignored, so that one wrong clock stays one.
    #[must_use]
    pub fn observe(self, other: Self, wall: Timestamp) -> Self {
        let limit = Self::at(wall.plus_millis(HLC_AHEAD_MS_MAX));
        if other > limit {
            self
        } else {
            Self(self.0.max(other.0))
        }
    }
}

impl fmt::Display for Hlc {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{}", self.millis(), self.0 & 0xFFFF)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hlc_is_strictly_increasing_even_when_the_clock_steps_back() {
        let mut clock = Hlc::default();
        for wall in [1_000, 1_000, 500, -5, 2_000, 1_999] {
            let next = clock.tick(Timestamp::from_millis(wall));
            assert!(next > clock);
            clock = next;
        }
    }

    #[test]
    fn i13_a_peer_far_ahead_does_not_move_the_clock() {
        let wall = Timestamp::from_millis(1_000_000);
        let mine = Hlc::at(wall);
        let near = Hlc::at(wall.plus_millis(HLC_AHEAD_MS_MAX));
        let far = Hlc::at(wall.plus_millis(HLC_AHEAD_MS_MAX + 1));
        assert_eq!(mine.observe(near, wall), near);
        assert_eq!(mine.observe(far, wall), mine);
    }
}
