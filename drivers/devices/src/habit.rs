//! Whether a scanner ends its scans with a terminator: learned from what it sends, remembered over
//! re-plugs. As long as no terminator was seen, silence ends a scan; once one was seen, a scan that
//! falls silent lost its end, until so many in a row do that the scanner must have been reconfigured.

use std::sync::atomic::{AtomicU32, Ordering};

/// After this many scans in a row without their terminator the scanner is taken to have been
/// reconfigured to send none.
pub const END_MISSING_IN_A_ROW_MAX: u32 = 3;

/// Scans that may still miss their terminator before the scanner is believed to send none; 0 while
/// none was ever seen.
#[derive(Debug, Default)]
pub(crate) struct Habit(AtomicU32);

impl Habit {
    pub(crate) fn ends_scans(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    pub(crate) fn end_seen(&self) {
        self.0.store(END_MISSING_IN_A_ROW_MAX, Ordering::Relaxed);
    }

    pub(crate) fn end_missed(&self) {
        let left = self.0.load(Ordering::Relaxed).saturating_sub(1);
        self.0.store(left, Ordering::Relaxed);
    }
}
