//! Demand in one window, ready to be asked for quantiles, with the numbers it was made from.

use serde::Serialize;

use super::compound::{Compound, Extra};
use super::history::grain_thousandths;
use super::ratio::Ratio;
use super::real::{whole_f64, whole_u64};
use super::safety::BookError;
use super::week::HOUR_MS;
use crate::quantity::{Quantity, Unit};

/// The distribution of an item's demand in one window.
#[derive(Clone, Debug)]
pub struct Forecast {
    compound: Compound,
    unit: Unit,
    figures: ForecastFigures,
}

/// What a forecast was made from, in integers that a page can show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ForecastFigures {
    /// Sales per day of 24 average hours, in thousandths.
    pub sales_per_day_milli: u64,
    /// Units per sale, on average.
    pub units_per_sale: Quantity,
    /// The window on the clock, in milliseconds.
    pub window_ms: u64,
    /// What the hours of the window (and promotions) make of it: average hours are 1000.
    pub multiplier_per_mille: u64,
    /// Units expected in the window.
    pub expected: Quantity,
    /// Sales that this is learned from, in thousandths, old ones counting less.
    pub evidence_sales_milli: u64,
    /// Variance of the window's sales as per mille of a Poisson's: 1000 is Poisson.
    pub dispersion_per_mille: u64,
}

impl Forecast {
    pub(super) fn new(
        (rate_per_ms, shape): (f64, f64),
        (clock_ms, standard_ms): (u64, u64),
        sizes: Vec<(u64, f64)>,
        unit: Unit,
        evidence_sales_milli: u64,
    ) -> Self {
        let sales = rate_per_ms * whole_f64(standard_ms);
        let weight: f64 = sizes.iter().map(|it| it.1).sum();
        let grains: f64 = sizes.iter().map(|it| whole_f64(it.0) * it.1).sum();
        let per_sale = if weight > 0.0 { grains / weight } else { 1.0 };
        let quantity = |grains: f64| {
            let thousandths = grains * whole_f64(grain_thousandths(unit));
            Quantity::thousandths(i64::try_from(whole_u64(thousandths)).unwrap_or(i64::MAX))
        };
        let day_ms = whole_f64(HOUR_MS.unsigned_abs()) * 24.0;
        let figures = ForecastFigures {
            sales_per_day_milli: whole_u64(rate_per_ms * day_ms * 1000.0),
            units_per_sale: quantity(per_sale),
            window_ms: clock_ms,
            multiplier_per_mille: standard_ms.saturating_mul(1000) / clock_ms.max(1),
            expected: quantity(sales * per_sale),
            evidence_sales_milli,
            dispersion_per_mille: whole_u64((1.0 + sales / shape) * 1000.0),
        };
        Self {
            compound: Compound::new(sales, Some(shape), &sizes),
            unit,
            figures,
        }
    }

    /// The numbers behind it.
    pub const fn figures(&self) -> ForecastFigures {
        self.figures
    }

    /// Units per hour of this window, in thousandths: what a store tells the hub for
    /// [`staleness_haircut`](super::staleness_haircut).
    pub fn units_per_hour_milli(&self) -> u64 {
        let expected = u128::from(self.figures.expected.as_thousandths().unsigned_abs());
        let window_ms = u128::from(self.figures.window_ms.max(1));
        u64::try_from(expected * u128::from(HOUR_MS.unsigned_abs()) / window_ms).unwrap_or(u64::MAX)
    }

    /// The least quantity that demand, and what the book may lack, stays within with this
    /// probability.
    pub fn quantile(&self, ratio: Ratio, error: BookError) -> Quantity {
        let all = self.quantiles(&[ratio], error);
        all.first().map_or(Quantity::ZERO, |it| it.0)
    }

    /// The same for several probabilities, ascending, in one pass; with each quantity the
    /// probability that it is enough, which is larger than asked where units are few.
    pub fn quantiles(&self, ascending: &[Ratio], error: BookError) -> Vec<(Quantity, Ratio)> {
        let asked: Vec<f64> = ascending.iter().map(|it| it.as_f64()).collect();
        let quantiles = self.compound.quantiles(&asked, &self.extra(error));
        let quantiles = quantiles.into_iter().map(|(grains, within)| {
            let thousandths = grains.saturating_mul(grain_thousandths(self.unit));
            let quantity = i64::try_from(thousandths).unwrap_or(i64::MAX);
            (Quantity::thousandths(quantity), Ratio::from_f64(within))
        });
        quantiles.collect()
    }

    /// Probability that demand and what the book may lack stay within a quantity.
    pub fn at_most(&self, quantity: Quantity, error: BookError) -> Ratio {
        let Ok(thousandths) = u64::try_from(quantity.as_thousandths()) else {
            return Ratio::NEVER;
        };
        let grains = thousandths / grain_thousandths(self.unit);
        let share = self.compound.at_most(grains, &self.extra(error));
        Ratio::from_f64(share)
    }

    fn extra(&self, error: BookError) -> Extra {
        let grain = whole_f64(grain_thousandths(self.unit));
        let missing = error.expected().as_thousandths().unsigned_abs();
        Extra {
            units: whole_f64(missing) / grain,
        }
    }
}
