//! When a device that hangs is reset over USB, as if somebody had plugged it out and in: after failures in a
//! row without a byte, or when its dialogue says so; each time after a longer pause, and so often at most.
//! Pure: time is an argument. It decides nothing about devices that are held by another program, forbidden
//! or absent, which no reset helps.

/// Openings in a row that failed or ended without a byte, after which the device is taken to hang.
pub const FAILURES_IN_A_ROW_MIN: u32 = 3;
/// Resets in a row of a device that is not heard between them; then a person has to see to it.
pub const RESETS_IN_A_ROW_MAX: u32 = 5;
/// From the first reset to the next, in milliseconds; doubles with each, and is never less.
pub const RESET_PAUSE_MS_MIN: u64 = 60_000;
/// Longest time between two resets in a row, in milliseconds.
pub const RESET_PAUSE_MS_MAX: u64 = 900_000;
/// How long a device may take to come back from its reset, in milliseconds. What is absent later was
/// plugged by a person, and is begun with anew.
pub const RESET_RETURN_MS_MAX: u64 = 15_000;

/// What is known of one device's hanging.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rescue {
    failures: u32,
    resets: u32,
    /// When it was reset last, on the monotonic clock in microseconds.
    last_us: Option<u64>,
}

impl Rescue {
    /// An opening failed, or ended without a byte.
    pub fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Its dialogue says that it hangs.
    pub fn hangs(&mut self) {
        self.failures = FAILURES_IN_A_ROW_MIN;
    }

    /// It was heard, and works.
    pub fn worked(&mut self, now_us: u64) {
        self.failures = 0;
        // One that speaks for a moment after each reset is not well: the pauses stay.
        if self.since_ms(now_us).is_none_or(|it| it >= self.pause_ms()) {
            self.resets = 0;
        }
    }

    /// It is not plugged in.
    pub fn absent(&mut self, now_us: u64) {
        self.failures = 0;
        if self
            .since_ms(now_us)
            .is_some_and(|it| it > RESET_RETURN_MS_MAX)
        {
            *self = Self::default();
        }
    }

    /// Whether it is to be reset now.
    #[must_use]
    pub fn is_due(&self, now_us: u64) -> bool {
        self.failures >= FAILURES_IN_A_ROW_MIN
            && self.resets < RESETS_IN_A_ROW_MAX
            && self.since_ms(now_us).is_none_or(|it| it >= self.pause_ms())
    }

    /// Whether it hangs though it was reset as often as it may be.
    #[must_use]
    pub fn has_given_up(&self) -> bool {
        self.resets >= RESETS_IN_A_ROW_MAX
    }

    /// It is being reset; returns which one in a row this is.
    pub fn reset(&mut self, now_us: u64) -> u32 {
        self.failures = 0;
        self.last_us = Some(now_us);
        self.resets = self.resets.saturating_add(1);
        self.resets
    }

    fn since_ms(&self, now_us: u64) -> Option<u64> {
        let last = self.last_us?;
        Some(now_us.saturating_sub(last) / 1_000)
    }

    /// From the last reset to the next.
    fn pause_ms(&self) -> u64 {
        let doublings = self.resets.saturating_sub(1).min(16);
        (RESET_PAUSE_MS_MIN << doublings).min(RESET_PAUSE_MS_MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000;

    /// Fails without end, once a second; the seconds at which it is reset.
    fn resets_of(rescue: &mut Rescue, from_s: u64, to_s: u64) -> Vec<u64> {
        let at = |second: u64| {
            rescue.failed();
            rescue.is_due(second * S).then(|| {
                rescue.reset(second * S);
                second
            })
        };
        (from_s..to_s).filter_map(at).collect()
    }

    #[test]
    fn resets_are_ever_rarer_and_end() {
        let mut rescue = Rescue::default();
        assert_eq!(resets_of(&mut rescue, 0, 100_000), [2, 62, 182, 422, 902]);
        assert!(rescue.has_given_up());
        // Its return from the last reset changes nothing; a person who plugs it does.
        rescue.absent(910 * S);
        assert!(rescue.has_given_up());
        rescue.absent(100_000 * S);
        assert_eq!(resets_of(&mut rescue, 100_000, 100_010), [100_002]);
    }

    #[test]
    fn one_that_is_heard_between_failures_is_never_reset() {
        let mut rescue = Rescue::default();
        for second in 0..1_000 {
            rescue.failed();
            rescue.failed();
            assert!(!rescue.is_due(second * S));
            rescue.worked(second * S);
        }
    }

    #[test]
    fn one_that_speaks_for_a_moment_after_each_reset_is_not_reset_in_a_circle() {
        let mut rescue = Rescue::default();
        let mut resets = 0;
        for second in 0..86_400 {
            rescue.worked(second * S);
            rescue.hangs();
            if rescue.is_due(second * S) {
                rescue.reset(second * S);
                resets += 1;
            }
        }
        assert!(resets <= 86_400 / 60, "{resets} resets in a day");
        rescue.worked(2 * 86_400 * S);
        assert!(!rescue.has_given_up());
    }
}
