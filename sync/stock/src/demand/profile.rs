//! What the items of a shop (or of one of its categories) have in common, learned from all of them.
//!
//! An item sells too rarely to show an hour of the week, and a new one has sold nothing: the shape
//! of the week, the usual rate, the usual sizes and how far days differ from each other are shared.
//! The last one matters most for safety: sales of one item come in bursts, and a Poisson rate,
//! however well known, promises too much. It is measured from closed days, per class of rate, as
//! the excess of the squared error over what the rate's own uncertainty explains.

use super::bytes::{DemandRowError, Reader, Writer};
use super::real::{whole_f64, whole_u64};
use super::sizes::{SALE, SIZES, Sizes};
use super::week::{DAY_MS, HOUR_MS, ShopTime, WEEK_HOURS, Week};

const PROFILE_FORMAT: u64 = 1;
/// Days after which a day's sales weigh 1/e in the shape of the week and the usual rate.
const SHARED_MEMORY_DAYS: u64 = 120;
/// Sales whose sizes are remembered for all items together.
const SHARED_SIZE_MEMORY_SALES: u64 = 20_000;
/// Sales with which a day is drawn towards the other days…
const POOLED_SALES: u64 = 10;
/// …and the most days that these may stand for.
const POOLED_DAYS_MAX: u64 = 4;
/// What an item sells in an hour before anything is known, in millionths: one in two days.
const FIRST_RATE_PER_HOUR: f64 = 0.02;
/// Sales worth of that first guess.
const FIRST_SALES: f64 = 0.5;
/// Daily rates, in thousandths of a sale, that separate the classes of [`Spread`].
const CLASS_BELOW: [u64; 4] = [100, 500, 2_000, 8_000];
const CLASSES: usize = CLASS_BELOW.len() + 1;
/// The spread that is assumed first, and how much it takes to be convinced otherwise.
const FIRST_SPREAD: f64 = 0.5;
const FIRST_SPREAD_WEIGHT: f64 = 4.0;
const SPREAD_MIN: f64 = 0.02;
const SPREAD_MAX: f64 = 20.0;
/// After so many days without a sign of life, everything is forgotten.
pub(super) const FORGOTTEN_DAYS: i64 = 4_000;

/// Squares of daily sales, in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Spread {
    excess: i64,
    square: u64,
}

/// One closed day of one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Residual {
    /// The class of the item's rate.
    pub(super) class: usize,
    /// (sold - expected)² - expected - the uncertainty of the rate, in millionths.
    pub(super) excess: i64,
    /// expected², in millionths.
    pub(super) square: u64,
}

/// What items have in common. One per shop, or per category where there are many sales.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The last day that was forgotten up to.
    day: i64,
    /// Sales per hour of the week, in millionths.
    hours: [u64; WEEK_HOURS],
    /// Closed days per day of the week, from Monday, in millionths.
    days: [u64; 7],
    /// Derived from both when a day begins.
    week: Week,
    sales: u64,
    exposure_ms: u64,
    sizes: Sizes,
    spreads: [Spread; CLASSES],
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            day: i64::MIN,
            hours: [0; WEEK_HOURS],
            days: [0; 7],
            week: Week::from_weights(&[0; WEEK_HOURS]),
            sales: 0,
            exposure_ms: 0,
            sizes: Sizes::NONE,
            spreads: [Spread::default(); CLASSES],
        }
    }
}

impl Profile {
    /// The shape of the week, as of the last day that began.
    pub const fn week(&self) -> &Week {
        &self.week
    }

    /// Forgets up to the day of `at`, and takes the shape of the week anew.
    pub(super) fn roll(&mut self, at: ShopTime) {
        let day = at.day();
        if day <= self.day {
            return;
        }
        if self.day != i64::MIN {
            let days = day.saturating_sub(self.day).min(FORGOTTEN_DAYS);
            (day - days..day).for_each(|closed| self.close_day(closed));
        }
        self.day = day;
        self.week = Week::from_weights(&self.weights());
    }

    fn close_day(&mut self, day: i64) {
        let midnight = ShopTime::from_millis(day.saturating_mul(DAY_MS));
        if let Some(seen) = self.days.get_mut(midnight.slot() / 24) {
            *seen = seen.saturating_add(SALE);
        }
        let numbers = self.hours.iter_mut().chain(&mut self.days);
        let numbers = numbers.chain([&mut self.sales, &mut self.exposure_ms]);
        numbers.for_each(|it| forget(it, SHARED_MEMORY_DAYS));
        for spread in &mut self.spreads {
            forget(&mut spread.square, SHARED_MEMORY_DAYS);
            spread.excess -= spread.excess / SHARED_MEMORY_DAYS.cast_signed();
        }
    }

    /// Sales per hour of the week, drawn towards the same hour of other days and towards the
    /// usual opening as far as sales are few. Each day of the week by the days that were seen of
    /// it, or the day that is due would always look the weakest.
    fn weights(&self) -> [u64; WEEK_HOURS] {
        let seen: u128 = self.days.iter().map(|it| u128::from(*it)).sum();
        let all: u128 = self.hours.iter().map(|it| u128::from(*it)).sum();
        // As many days' worth of the other days as bring some sales.
        let a_day = (all * u128::from(SALE) / seen.max(1)).max(1);
        let drawn = u128::from(POOLED_SALES * SALE) * u128::from(SALE) / a_day;
        let drawn = drawn.min(u128::from(POOLED_DAYS_MAX * SALE));
        std::array::from_fn(|slot| {
            let same_hour = self.hours.iter().skip(slot % 24).step_by(24);
            let same_hour: u128 = same_hour.map(|it| u128::from(*it)).sum();
            let pooled = drawn * same_hour / seen.max(1);
            let first = u128::from((8..20).contains(&(slot % 24))) * u128::from(SALE / 4);
            let own = u128::from(self.hours.get(slot).copied().unwrap_or(0));
            let days = u128::from(self.days.get(slot / 24).copied().unwrap_or(0));
            let weight = (own + pooled + first) * u128::from(SALE) / (days + drawn).max(1);
            u64::try_from(weight).unwrap_or(u64::MAX)
        })
    }

    pub(super) fn sold(&mut self, at: ShopTime, grains: u64) {
        if let Some(hour) = self.hours.get_mut(at.slot()) {
            *hour = hour.saturating_add(SALE);
        }
        self.sales = self.sales.saturating_add(SALE);
        self.sizes.add(grains, SHARED_SIZE_MEMORY_SALES);
    }

    pub(super) fn exposed(&mut self, standard_ms: u64) {
        self.exposure_ms = self.exposure_ms.saturating_add(standard_ms);
    }

    pub(super) fn learn(&mut self, residual: Residual) {
        if let Some(spread) = self.spreads.get_mut(residual.class) {
            spread.excess = spread.excess.saturating_add(residual.excess);
            spread.square = spread.square.saturating_add(residual.square);
        }
    }

    /// Sales per standard millisecond of an item of which nothing else is known.
    pub(super) fn usual_rate(&self) -> f64 {
        let sales = whole_f64(self.sales) / whole_f64(SALE);
        let hour_ms = whole_f64(HOUR_MS.unsigned_abs());
        let first_ms = FIRST_SALES / FIRST_RATE_PER_HOUR * hour_ms;
        (sales + FIRST_SALES) / (whole_f64(self.exposure_ms) + first_ms)
    }

    pub(super) const fn sizes(&self) -> &Sizes {
        &self.sizes
    }

    /// 1/A: by how much the variance of a day exceeds a Poisson's, as a share of the mean squared.
    pub(super) fn spread(&self, class: usize) -> f64 {
        let spread = self.spreads.get(class).copied().unwrap_or_default();
        let magnitude = whole_f64(spread.excess.unsigned_abs()) / 1e6;
        let excess = if spread.excess < 0 {
            -magnitude
        } else {
            magnitude
        };
        let square = whole_f64(spread.square) / 1e6;
        let first = FIRST_SPREAD * FIRST_SPREAD_WEIGHT;
        let spread = (excess + first) / (square + FIRST_SPREAD_WEIGHT);
        spread.clamp(SPREAD_MIN, SPREAD_MAX)
    }

    /// The class of a rate in sales per standard millisecond.
    pub(super) fn class(rate: f64) -> usize {
        let day_ms = whole_f64(HOUR_MS.unsigned_abs()) * 24.0;
        let daily = whole_u64(rate * day_ms * 1000.0);
        CLASS_BELOW.partition_point(|it| *it <= daily)
    }

    /// As a row: a few hundred bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut writer = Writer::default();
        writer.number(PROFILE_FORMAT);
        writer.signed(self.day);
        writer.numbers(&self.hours);
        writer.numbers(&self.days);
        writer.numbers(&[self.sales, self.exposure_ms]);
        self.sizes.write(&mut writer);
        for spread in &self.spreads {
            writer.signed(spread.excess);
            writer.number(spread.square);
        }
        writer.numbers(&self.week_weights());
        writer.finish()
    }

    fn week_weights(&self) -> [u64; WEEK_HOURS] {
        std::array::from_fn(|slot| self.week.per_mille(slot))
    }

    /// From its row.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DemandRowError> {
        let mut reader = Reader::new(bytes, PROFILE_FORMAT)?;
        let day = reader.signed()?;
        let hours = reader.numbers()?;
        let days = reader.numbers()?;
        let [sales, exposure_ms] = reader.numbers()?;
        let sizes = Sizes::read(&mut reader)?;
        let mut spreads = [Spread::default(); CLASSES];
        for spread in &mut spreads {
            *spread = Spread {
                excess: reader.signed()?,
                square: reader.number()?,
            };
        }
        let per_mille = reader.numbers()?;
        let week = Week::from_per_mille(&per_mille).ok_or_else(|| reader.damaged())?;
        reader.finish()?;
        Ok(Self {
            day,
            hours,
            days,
            week,
            sales,
            exposure_ms,
            sizes,
            spreads,
        })
    }
}

/// Takes `1/memory` off, rounded up, so that what is never seen again ends at nothing.
pub(super) fn forget(number: &mut u64, memory: u64) {
    *number -= number.div_ceil(memory.max(1));
}

const _: () = assert!(
    SIZES < 64,
    "a histogram's weights must not overflow their sum"
);
