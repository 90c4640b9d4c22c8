//! An item that should have sold by now and didn't: perhaps it isn't there.
//!
//! A book that says five while the shelf is empty can't be seen from the book. It shows in the
//! silence: no sale in a time in which the forecast expected several. The same Gamma-Poisson gives
//! the probability of that silence; below a threshold somebody is asked to look.

use serde::Serialize;

use super::history::Demand;
use super::profile::Profile;
use super::ratio::Ratio;
use super::real::{exp, ln, whole_f64, whole_u64};
use super::week::{Calendar, HOUR_MS, ShopTime};

/// Silence less likely than this is suspicious: one in two thousand, because thousands of items are
/// asked every day.
pub const SUSPICIOUS_BELOW: Ratio = match Ratio::ppm(500) {
    Ok(ratio) => ratio,
    Err(_) => Ratio::NEVER,
};

/// Why somebody should look at a shelf.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Suspicion {
    /// Probability that nothing is sold for so long while the item is there.
    pub likelihood: Ratio,
    /// Average hours in stock without a sale, in thousandths.
    pub quiet_hours_milli: u64,
    /// Sales that were to be expected in that time, in thousandths.
    pub expected_sales_milli: u64,
    /// Sales that the expectation was learned from, in thousandths.
    pub evidence_sales_milli: u64,
}

/// Whether an item's silence up to `at` is less likely than `below`.
///
/// The rate is the one from before the silence, so that the silence doesn't excuse itself; bursts
/// are allowed for by the shop's spread.
pub fn suspicion(
    demand: &Demand,
    profile: &Profile,
    calendar: &Calendar,
    at: ShopTime,
    below: Ratio,
) -> Option<Suspicion> {
    if !demand.in_stock() {
        return None;
    }
    let quiet_ms = demand.quiet_ms(profile, calendar, at);
    let (shape, rate) = demand.rate_before_silence(profile);
    let expected = rate * whole_f64(quiet_ms);
    let shape_all = 1.0 / (1.0 / shape + profile.spread(Profile::class(rate)));
    let likelihood = exp(-shape_all * ln(1.0 + expected / shape_all));
    let likelihood = Ratio::from_f64(likelihood);
    (likelihood < below).then(|| Suspicion {
        likelihood,
        quiet_hours_milli: whole_u64(
            whole_f64(quiet_ms) * 1000.0 / whole_f64(HOUR_MS.unsigned_abs()),
        ),
        expected_sales_milli: whole_u64(expected * 1000.0),
        evidence_sales_milli: whole_u64(shape * 1000.0),
    })
}
