//! The reader's clock against ours. Readers wake up in the year 2000, and some set their clock while they
//! read, so a reader's time means something only by its distance from the reader's own time at a moment
//! that we know too: the greeting, and every later event.

use shelf_codecs::llrp::{Field, ReaderTime, TagReport};

/// A change of the distance by more than this is a jump, in microseconds.
const JUMP_US_MAX: u64 = 2_000_000;
/// A read may seem to lie so far in the future, in microseconds: what the way takes, and drift.
const FUTURE_US_MAX: u64 = 2_000_000;

/// How the time of a read came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeSource {
    /// The reader's time stamp, moved by the distance of the clocks.
    Reader,
    /// The time at which the report came: the reader gave no usable one.
    Received,
}

/// What is known of the reader's clock.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct ReaderClock {
    /// Ours minus the reader's, in microseconds, for its UTC or its uptime.
    utc_offset_us: Option<i64>,
    uptime_offset_us: Option<i64>,
}

impl ReaderClock {
    /// A time stamp that was made just now. Tells a jump.
    pub(super) fn learn(&mut self, wall_us: Option<u64>, stamp: Option<ReaderTime>) -> Option<i64> {
        let wall = i64::try_from(wall_us?).ok()?;
        let (offset, theirs) = match stamp? {
            ReaderTime::Utc(us) => (&mut self.utc_offset_us, us),
            ReaderTime::Uptime(us) => (&mut self.uptime_offset_us, us),
        };
        let new = wall.checked_sub(i64::try_from(theirs).ok()?)?;
        let old = offset.replace(new)?;
        let jump = new.checked_sub(old)?;
        if jump.unsigned_abs() <= JUMP_US_MAX {
            // The way of this event took longer or shorter; the first distance was as good.
            *offset = Some(old.min(new));
            return None;
        }
        Some(jump)
    }

    /// When a tag was seen last, by our clock.
    pub(super) fn time(
        &self,
        wall_us: Option<u64>,
        report: &TagReport<'_>,
    ) -> (Option<u64>, TimeSource) {
        let received = (wall_us, TimeSource::Received);
        let (Some(now), Some(seen)) = (wall_us, self.seen_us(report)) else {
            return received;
        };
        if seen > now.saturating_add(FUTURE_US_MAX) {
            return received;
        }
        (Some(seen.min(now)), TimeSource::Reader)
    }

    fn seen_us(&self, report: &TagReport<'_>) -> Option<u64> {
        let (theirs, offset) = if report.has(Field::LastSeenUtc) {
            (report.last_seen_utc_us, self.utc_offset_us)
        } else if report.has(Field::LastSeenUptime) {
            (report.last_seen_uptime_us, self.uptime_offset_us)
        } else {
            return None;
        };
        theirs.checked_add_signed(offset?)
    }
}
