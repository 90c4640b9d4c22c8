//! From demand and doubt to a number of units: safety stock, haircut, and the plain quantiles.

use serde::{Deserialize, Serialize};

use super::compound::{Compound, Extra};
use super::forecast::Forecast;
use super::ratio::Ratio;
use super::real::whole_f64;
use super::week::{DAY_MS, HOUR_MS};
use super::window::ExposureWindow;
use crate::quantity::{Quantity, THOUSANDTHS_PER_UNIT};

/// How much rates of a silent store differ from what it last said: the Gamma's shape in
/// [`staleness_haircut`], where only a rate has travelled.
const SILENT_SHAPE_MILLI: u64 = 2_000;
/// What goes missing where no count has said otherwise: a unit in 500 days, in millionths a day.
const LOSS_PER_DAY_FIRST: u64 = 2_000;
const LOSS_FIRST_DAYS: u64 = 500;
/// Days since the last count of an item that was never counted.
pub const NEVER_COUNTED_DAYS: u32 = 365;
/// Days after which a count's age says no more.
const COUNT_AGE_DAYS_MAX: u32 = 730;

/// By how much the book may be above the shelf: theft, breakage, miscounts since the last count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookError {
    /// Units that go missing a day, in millionths of a unit.
    pub lost_per_day_millionths: u64,
    /// Days since the item was counted; [`NEVER_COUNTED_DAYS`] if never.
    pub days_since_count: u32,
}

impl BookError {
    /// A book that is right.
    pub const NONE: Self = Self {
        lost_per_day_millionths: 0,
        days_since_count: 0,
    };

    /// Units that are expected to be missing.
    pub fn expected(self) -> Quantity {
        let days = u64::from(self.days_since_count.min(COUNT_AGE_DAYS_MAX));
        let millionths = self.lost_per_day_millionths.saturating_mul(days);
        Quantity::thousandths(i64::try_from(millionths / 1000).unwrap_or(i64::MAX))
    }
}

/// Learns from counts how fast a shop's (or category's) books go wrong.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LossRate {
    /// Units found missing so far, in thousandths.
    pub missing_thousandths: u64,
    /// Days that these counts looked back on, over all items.
    pub days: u64,
}

impl LossRate {
    /// An item was counted, `days` after the last time. More than booked is no loss.
    pub fn counted(&mut self, book: Quantity, counted: Quantity, days: u32) {
        let missing = book.minus(counted).max(Quantity::ZERO).as_thousandths();
        let missing = missing.unsigned_abs();
        self.missing_thousandths = self.missing_thousandths.saturating_add(missing);
        self.days = self.days.saturating_add(u64::from(days));
    }

    /// Units that go missing of an item in a day, in millionths.
    pub fn per_day_millionths(self) -> u64 {
        let seen = self.missing_thousandths.saturating_mul(1000);
        let first = LOSS_PER_DAY_FIRST * LOSS_FIRST_DAYS;
        seen.saturating_add(first) / self.days.saturating_add(LOSS_FIRST_DAYS)
    }
}

/// SS: what to withhold so that orders of the window are delivered with probability `ratio`.
pub fn safety_stock(forecast: &Forecast, ratio: Ratio, error: BookError) -> Quantity {
    forecast.quantile(ratio, error)
}

/// Smallest n with P(Poisson(rate x window) <= n) >= ratio, in whole units.
///
/// `rate_per_hour_milli`: units an hour, in thousandths; `window_ms`: hours like that one.
pub fn poisson_quantile(rate_per_hour_milli: u64, window_ms: u64, ratio: Ratio) -> Quantity {
    let mean = mean_units(rate_per_hour_milli, window_ms);
    whole(Compound::new(mean, None, &[]).quantile(ratio.as_f64(), &Extra::default()))
}

/// The same where the rate is uncertain: a Gamma of this shape (in thousandths) with that mean.
/// The smaller the shape, the larger the quantile; a shape of nothing counts as a thousandth.
pub fn neg_bin_quantile(
    rate_per_hour_milli: u64,
    shape_milli: u64,
    window_ms: u64,
    ratio: Ratio,
) -> Quantity {
    let mean = mean_units(rate_per_hour_milli, window_ms);
    let shape = whole_f64(shape_milli.max(1)) / 1000.0;
    whole(Compound::new(mean, Some(shape), &[]).quantile(ratio.as_f64(), &Extra::default()))
}

/// What a hub holds back for a store that has been silent: what the floor may have sold since
/// (and will before a new order is picked), beyond what the store itself still had.
///
/// `rate_per_hour_milli`: the store's last word on units an hour at this time of the week;
/// `silent_ms`: silence *in opening hours*; `floor_last`: the store's own rights when it last spoke.
pub fn staleness_haircut(
    rate_per_hour_milli: u64,
    silent_ms: u64,
    window: ExposureWindow,
    ratio: Ratio,
    floor_last: Quantity,
) -> Quantity {
    let window_ms = silent_ms.saturating_add(window.total_ms());
    let demand = neg_bin_quantile(rate_per_hour_milli, SILENT_SHAPE_MILLI, window_ms, ratio);
    demand.minus(floor_last).max(Quantity::ZERO)
}

/// Whole days between two times, for the age of a count; never below nothing.
pub fn days_between(earlier_ms: i64, later_ms: i64) -> u32 {
    let days = later_ms.saturating_sub(earlier_ms).max(0) / DAY_MS;
    u32::try_from(days).unwrap_or(u32::MAX)
}

fn mean_units(rate_per_hour_milli: u64, window_ms: u64) -> f64 {
    let hours = whole_f64(window_ms) / whole_f64(HOUR_MS.unsigned_abs());
    whole_f64(rate_per_hour_milli) / 1000.0 * hours
}

fn whole(units: u64) -> Quantity {
    let units = i64::try_from(units).unwrap_or(i64::MAX / THOUSANDTHS_PER_UNIT);
    Quantity::units(units)
}
