//! Time as an argument: every event carries two stamps, and both come from a [`Clock`] that the
//! daemon's `platform` module implements. Nothing in this crate reads a clock itself, so a test
//! decides what time it is, and a wall clock set back in the shop never reorders scans.

/// When something was read from a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Stamp {
    /// Monotonic time since an arbitrary start of this boot or process, in microseconds.
    pub mono_us: u64,
    /// Wall time since 1970-01-01 UTC, in milliseconds; may jump when the PC's clock is set.
    pub wall_ms: i64,
}

/// Where stamps come from; shared by all device threads.
pub trait Clock: Send + Sync {
    /// The current monotonic and wall time, taken together.
    fn now(&self) -> Stamp;
}
