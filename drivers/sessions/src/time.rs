//! The machines' time: milliseconds on a clock that only goes forward.
//!
//! The shell reads it and hands it in; no machine here knows the hour of the day from it.

/// A monotonic time in milliseconds; only differences mean anything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mono(pub u64);

impl Mono {
    /// This time and `ms` milliseconds.
    #[must_use]
    pub fn plus(self, ms: u64) -> Self {
        Self(self.0.saturating_add(ms))
    }
}
