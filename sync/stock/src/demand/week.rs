//! Shop time, the shape of a week, and the days that are not like others.
//!
//! Demand is counted in *standard time*: an hour in which the shop usually sells twice the average
//! counts as two, a closed one as none, one of a promotion by its factor. An item then needs one
//! rate, and the 168 multipliers belong to the shop. Integers: the same row, the same numbers.

use serde::{Deserialize, Serialize};

/// Hours of a week, from Monday midnight.
pub const WEEK_HOURS: usize = 168;
/// Milliseconds of an hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 24 * HOUR_MS;
const WEEK_MS: i64 = 7 * DAY_MS;
/// 1970-01-01 was a Thursday.
const EPOCH_IN_WEEK_MS: i64 = 3 * DAY_MS;
/// A multiplier of an hour like the average, and an uplift of nothing.
pub const ONE_PER_MILLE: u32 = 1000;
/// From this multiplier on a shop counts as open.
const OPEN_PER_MILLE: u64 = 60;

/// Time as the shop's clocks show it: milliseconds since 1970-01-01 00:00 *local* time. Whoever
/// knows the zone converts; the hour that summer time repeats or drops is not corrected for.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct ShopTime(i64);

impl ShopTime {
    /// From milliseconds since the local epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// In milliseconds since the local epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Days since the local epoch, rounded down.
    pub const fn day(self) -> i64 {
        self.0.div_euclid(DAY_MS)
    }

    /// Its hour of the week, 0 (Monday 00:00 to 00:59) to 167.
    pub fn slot(self) -> usize {
        usize::try_from(self.into_week_ms() / HOUR_MS).unwrap_or(0)
    }

    const fn into_week_ms(self) -> i64 {
        self.0.saturating_add(EPOCH_IN_WEEK_MS).rem_euclid(WEEK_MS)
    }

    const fn weeks(self) -> i64 {
        self.0.saturating_add(EPOCH_IN_WEEK_MS).div_euclid(WEEK_MS)
    }

    /// Later (or earlier) by some milliseconds.
    #[must_use]
    pub const fn plus_millis(self, millis: i64) -> Self {
        Self(self.0.saturating_add(millis))
    }
}

/// Multipliers of the hours of a week; their mean is one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Week {
    per_mille: [u64; WEEK_HOURS],
    /// Standard milliseconds from Monday midnight to the start of each hour.
    before: [i64; WEEK_HOURS],
    whole: i64,
}

impl Week {
    /// From weights of any size; all zero is taken as a shop of which nothing is known: open from
    /// 8 to 20 o'clock, every day.
    pub fn from_weights(weights: &[u64; WEEK_HOURS]) -> Self {
        let total = weights.iter().fold(0_u128, |sum, it| sum + u128::from(*it));
        let hours = u128::from(ONE_PER_MILLE) * 168;
        let mut per_mille = [0; WEEK_HOURS];
        for (slot, (per_mille, weight)) in per_mille.iter_mut().zip(weights).enumerate() {
            let of_unknown = u64::from((8..20).contains(&(slot % 24))) * 2_000;
            let share = (u128::from(*weight) * hours).checked_div(total);
            *per_mille = share.map_or(of_unknown, |it| u64::try_from(it).unwrap_or(0));
        }
        Self::laid_out(per_mille)
    }

    /// From multipliers as they were; `None` where these are no week's.
    pub(super) fn from_per_mille(per_mille: &[u64; WEEK_HOURS]) -> Option<Self> {
        let total = per_mille
            .iter()
            .try_fold(0_u64, |sum, it| sum.checked_add(*it))?;
        (total <= u64::from(ONE_PER_MILLE) * 168).then(|| Self::laid_out(*per_mille))
    }

    fn laid_out(per_mille: [u64; WEEK_HOURS]) -> Self {
        let mut before = [0; WEEK_HOURS];
        let mut whole = 0;
        for (before, per_mille) in before.iter_mut().zip(&per_mille) {
            *before = whole;
            whole += i64::try_from(*per_mille).unwrap_or(0) * (HOUR_MS / 1000);
        }
        Self {
            per_mille,
            before,
            whole,
        }
    }

    /// The multiplier of an hour, in per mille.
    pub fn per_mille(&self, slot: usize) -> u64 {
        self.per_mille.get(slot).copied().unwrap_or(0)
    }

    fn since_epoch(&self, at: ShopTime) -> i64 {
        let slot = at.slot();
        let into = at.into_week_ms() % HOUR_MS;
        let multiplier = i64::try_from(self.per_mille(slot)).unwrap_or(0);
        let before = self.before.get(slot).copied().unwrap_or(0);
        let whole = self.whole.saturating_mul(at.weeks());
        whole.saturating_add(before + into * multiplier / 1000)
    }

    /// Standard milliseconds between two times; none if `to` is earlier.
    pub fn standard_ms(&self, from: ShopTime, to: ShopTime) -> u64 {
        let span = self.since_epoch(to).saturating_sub(self.since_epoch(from));
        u64::try_from(span).unwrap_or(0)
    }

    /// When `working_ms` of opening time have passed, `lag_ms` of any time after `from`: an order
    /// of the evening is picked in the morning. A shop that is never open works by the clock.
    pub fn end_of(&self, from: ShopTime, lag_ms: u64, working_ms: u64) -> ShopTime {
        let mut at = from.plus_millis(i64::try_from(lag_ms).unwrap_or(i64::MAX));
        let mut left = i64::try_from(working_ms).unwrap_or(i64::MAX);
        if self.per_mille.iter().all(|it| *it < OPEN_PER_MILLE) {
            return at.plus_millis(left);
        }
        for _ in 0..WEEK_HOURS * 8 {
            let to_next = HOUR_MS - at.into_week_ms() % HOUR_MS;
            if self.per_mille(at.slot()) >= OPEN_PER_MILLE {
                if left <= to_next {
                    break;
                }
                left -= to_next;
            }
            at = at.plus_millis(to_next);
        }
        at.plus_millis(left)
    }
}

/// A time in which more (or less) is sold than usual: a promotion, a holiday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Uplift {
    /// Its first moment.
    pub from: ShopTime,
    /// The first moment after it.
    pub until: ShopTime,
    /// Demand against usual, in per mille: 2000 is twice, 0 a closed holiday.
    pub per_mille: u32,
}

/// What is known beforehand of an item's (or its shop's) days. Where several overlap they multiply.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Calendar(pub Vec<Uplift>);

impl Calendar {
    /// The factor at a time, in per mille.
    pub fn per_mille_at(&self, at: ShopTime) -> u64 {
        let here = self.0.iter().filter(|it| it.from <= at && at < it.until);
        here.fold(u64::from(ONE_PER_MILLE), |product, it| {
            product.saturating_mul(u64::from(it.per_mille)) / u64::from(ONE_PER_MILLE)
        })
    }

    /// Standard milliseconds between two times, with the factors of these days.
    pub fn standard_ms(&self, week: &Week, from: ShopTime, to: ShopTime) -> u64 {
        let edges = self.0.iter().flat_map(|it| [it.from, it.until]);
        let mut cuts: Vec<ShopTime> = edges.filter(|it| from < *it && *it < to).collect();
        cuts.push(to);
        cuts.sort();
        let mut sum = 0_u64;
        let mut start = from;
        for end in cuts {
            let piece = u128::from(week.standard_ms(start, end));
            let piece = piece * u128::from(self.per_mille_at(start)) / u128::from(ONE_PER_MILLE);
            sum = sum.saturating_add(u64::try_from(piece).unwrap_or(u64::MAX));
            start = end;
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MONDAY: ShopTime = ShopTime::from_millis(4 * DAY_MS);

    fn at(day: i64, hour: i64) -> ShopTime {
        MONDAY.plus_millis(day * DAY_MS + hour * HOUR_MS)
    }

    #[test]
    fn a_week_starts_on_monday_and_has_a_mean_of_one() {
        assert_eq!((MONDAY.slot(), MONDAY.plus_millis(-1).slot()), (0, 167));
        assert_eq!(at(2, 13).slot(), 61);
        let week = Week::from_weights(&[0; WEEK_HOURS]);
        assert_eq!(week.standard_ms(MONDAY, at(7, 0)), 168 * 3_600_000);
        assert_eq!(week.standard_ms(at(0, 7), at(0, 9)), 2 * 3_600_000);
        assert_eq!(week.standard_ms(at(0, 21), at(1, 8)), 0);
        assert_eq!(week.standard_ms(at(1, 8), at(0, 21)), 0);
        let long = week.standard_ms(MONDAY, at(70, 9));
        assert_eq!(long, (1680 + 2) * 3_600_000);
    }

    #[test]
    fn an_order_of_the_evening_is_picked_in_the_morning() {
        let week = Week::from_weights(&[0; WEEK_HOURS]);
        let hour = 3_600_000;
        for (day, clock, lag, working, end) in [
            (0, 10, 0, 2 * hour, at(0, 12)),
            (0, 19, 0, 2 * hour, at(1, 9)),
            (0, 23, 0, hour, at(1, 9)),
            (6, 23, hour, hour, at(7, 9)),
            (0, 23, hour, 0, at(1, 8)),
        ] {
            assert_eq!(
                week.end_of(at(day, clock), lag, working),
                end,
                "{day} {clock}"
            );
        }
    }

    #[test]
    fn promotions_multiply() {
        let week = Week::from_weights(&[1; WEEK_HOURS]);
        let uplift = |from, until, per_mille| Uplift {
            from,
            until,
            per_mille,
        };
        let calendar = Calendar(vec![
            uplift(at(0, 10), at(0, 12), 2000),
            uplift(at(0, 11), at(0, 13), 1500),
        ]);
        // 1 + 2 + 3 + 1.5 + 1 hours
        let standard = calendar.standard_ms(&week, at(0, 9), at(0, 14));
        assert_eq!(standard, 8_500 * 3_600);
        assert_eq!(calendar.per_mille_at(at(0, 11)), 3000);
    }
}
