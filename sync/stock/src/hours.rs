//! When a store is open: the hours of its week, by which a silence is judged.
//!
//! A PC that is switched off every night is no store in trouble, so only time within these hours
//! counts as silence. Pure: whoever knows the store's zone gives the offset; the hour that summer
//! time repeats or drops is not corrected for.

use crate::time::Timestamp;

/// Minutes of a week.
pub const WEEK_MINUTES: u32 = 7 * DAY_MINUTES;
/// Minutes of a day.
pub const DAY_MINUTES: u32 = 24 * 60;
/// The most spans that a week may have.
pub const SPANS_MAX: usize = 28;
/// How far a store's clocks may be from UTC, in minutes.
pub const UTC_OFFSET_MINUTES_MAX: i32 = 16 * 60;

const MINUTE_MS: i64 = 60_000;
const WEEK_MS: i64 = WEEK_MINUTES as i64 * MINUTE_MS;
/// 1970-01-01 was a Thursday.
const EPOCH_IN_WEEK_MS: i64 = 3 * DAY_MINUTES as i64 * MINUTE_MS;

/// The hours of a store's week by its own clocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpeningHours {
    utc_offset_minutes: i32,
    spans: Vec<(u32, u32)>,
}

impl OpeningHours {
    /// From how far the store's clocks are ahead of UTC, and spans in minutes since Monday 00:00,
    /// from (included) until (excluded). They are sorted and joined; a span that ends before it
    /// begins goes on over the end of the week. `None`: a number is out of range, or there are more
    /// than [`SPANS_MAX`]. Without a span the store is always closed.
    pub fn new(utc_offset_minutes: i32, spans: &[(u32, u32)]) -> Option<Self> {
        let mut all = Vec::new();
        for (from, until) in spans.iter().copied() {
            if from >= WEEK_MINUTES || until > WEEK_MINUTES || from == until {
                return None;
            }
            if from < until {
                all.push((from, until));
            } else {
                all.extend([(from, WEEK_MINUTES), (0, until)]);
            }
        }
        all.retain(|(from, until)| from < until);
        all.sort_unstable();
        let mut joined: Vec<(u32, u32)> = Vec::new();
        for (from, until) in all {
            match joined.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(until),
                _ => joined.push((from, until)),
            }
        }
        let near = utc_offset_minutes.abs() <= UTC_OFFSET_MINUTES_MAX;
        (near && joined.len() <= SPANS_MAX).then_some(Self {
            utc_offset_minutes,
            spans: joined,
        })
    }

    /// How far the store's clocks are ahead of UTC, in minutes.
    pub fn utc_offset_minutes(&self) -> i32 {
        self.utc_offset_minutes
    }

    /// The spans in minutes since Monday 00:00, ascending, not touching each other.
    pub fn spans(&self) -> &[(u32, u32)] {
        &self.spans
    }

    /// Whether the store is open at a moment.
    pub fn is_open(&self, at: Timestamp) -> bool {
        let minute = self.week_ms_at(at) / MINUTE_MS;
        let within = |it: &(u32, u32)| (i64::from(it.0)..i64::from(it.1)).contains(&minute);
        self.spans.iter().any(within)
    }

    /// Milliseconds of opening time between two moments; 0 where the second is the earlier.
    pub fn open_ms(&self, from: Timestamp, until: Timestamp) -> u64 {
        let all_ms = until.millis_since(from);
        if all_ms <= 0 {
            return 0;
        }
        let week_ms = self.before_ms(WEEK_MS);
        let begin_ms = self.week_ms_at(from);
        let (weeks, rest_ms) = (all_ms / WEEK_MS, all_ms % WEEK_MS);
        let end_ms = begin_ms.saturating_add(rest_ms);
        let rest = match end_ms <= WEEK_MS {
            true => self.before_ms(end_ms) - self.before_ms(begin_ms),
            false => week_ms - self.before_ms(begin_ms) + self.before_ms(end_ms - WEEK_MS),
        };
        u64::try_from(weeks.saturating_mul(week_ms).saturating_add(rest)).unwrap_or(0)
    }

    /// Opening time of a week before one of its moments.
    fn before_ms(&self, at_ms: i64) -> i64 {
        let spans = self.spans.iter().map(|(from, until)| {
            let (from, until) = (i64::from(*from) * MINUTE_MS, i64::from(*until) * MINUTE_MS);
            (at_ms.min(until) - from).max(0)
        });
        spans.sum()
    }

    fn week_ms_at(&self, at: Timestamp) -> i64 {
        let offset_ms = i64::from(self.utc_offset_minutes) * MINUTE_MS;
        at.as_millis()
            .saturating_add(offset_ms)
            .saturating_add(EPOCH_IN_WEEK_MS)
            .rem_euclid(WEEK_MS)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_MS: i64 = 3_600_000;
    /// Monday 2026-11-23 00:00 UTC.
    const MONDAY_MS: i64 = 1_795_392_000_000;

    fn at(hours: i64) -> Timestamp {
        Timestamp::from_millis(MONDAY_MS + hours * HOUR_MS)
    }

    /// Monday to Saturday from 9 to 20.
    fn shop(offset_minutes: i32) -> OpeningHours {
        let day = |it: u32| (it * DAY_MINUTES + 9 * 60, it * DAY_MINUTES + 20 * 60);
        let days: Vec<_> = (0..6).map(day).collect();
        OpeningHours::new(offset_minutes, &days).unwrap()
    }

    #[test]
    fn nights_and_sundays_are_no_opening_time() {
        let it = shop(0);
        for (from, until, hours) in [
            (8, 9, 0),
            (9, 10, 1),
            (19, 24 + 10, 2),
            (20, 24 + 9, 0),
            (5 * 24 + 19, 7 * 24 + 10, 2),
            (10, 10, 0),
            (12, 10, 0),
            (0, 7 * 24, 66),
            (10, 21 * 24 + 11, 3 * 66 + 1),
        ] {
            let open_ms = it.open_ms(at(from), at(until));
            assert_eq!(
                open_ms,
                u64::try_from(hours * HOUR_MS).unwrap(),
                "{from} to {until}"
            );
        }
        assert!(it.is_open(at(9)) && !it.is_open(at(20)) && !it.is_open(at(6 * 24 + 12)));
    }

    #[test]
    fn hours_are_those_of_the_stores_own_clocks() {
        assert!(shop(60).is_open(at(8)) && !shop(60).is_open(at(19)));
        assert!(shop(-300).is_open(at(14)) && !shop(-300).is_open(at(13)));
        assert_eq!(
            shop(-300).open_ms(at(13), at(15)),
            u64::try_from(HOUR_MS).unwrap()
        );
    }

    #[test]
    fn spans_are_joined_and_go_over_the_weeks_end() {
        let made = |spans: &[(u32, u32)]| OpeningHours::new(0, spans);
        assert_eq!(
            made(&[(60, 120), (0, 60), (100, 130)]).unwrap().spans(),
            [(0, 130)]
        );
        let night = made(&[(WEEK_MINUTES - 60, 60)]).unwrap();
        assert_eq!(night.spans(), [(0, 60), (WEEK_MINUTES - 60, WEEK_MINUTES)]);
        assert_eq!(
            night.open_ms(at(-1), at(1)),
            u64::try_from(2 * HOUR_MS).unwrap()
        );
        assert!(made(&[(5, 5)]).is_none() && made(&[(WEEK_MINUTES, 5)]).is_none());
        assert!(OpeningHours::new(UTC_OFFSET_MINUTES_MAX + 1, &[]).is_none());
        assert!(!made(&[]).unwrap().is_open(at(12)));
    }

    proptest! {
        #[test]
        fn parts_of_a_time_add_up(
            spans in prop::collection::vec((0..WEEK_MINUTES, 0..=WEEK_MINUTES), 0..5),
            offset in -960..960_i32,
            from in 0..WEEK_MS, first in 0..3 * WEEK_MS, second in 0..3 * WEEK_MS,
        ) {
            let spans: Vec<_> = spans.into_iter().filter(|it| it.0 != it.1).collect();
            let it = OpeningHours::new(offset, &spans).unwrap();
            let at = |ms| Timestamp::from_millis(MONDAY_MS + ms);
            let [a, b, c] = [at(from), at(from + first), at(from + first + second)];
            prop_assert_eq!(it.open_ms(a, b) + it.open_ms(b, c), it.open_ms(a, c));
            prop_assert!(it.open_ms(a, c) <= u64::try_from(first + second).unwrap());
        }
    }
}
