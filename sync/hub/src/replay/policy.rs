//! Ways to withhold stock from online: the usual ones, and ours.

use serde::Serialize;
use shelf_stock::demand::Ratio;
use shelf_stock::quantity::{Quantity, THOUSANDTHS_PER_UNIT};

use crate::replay::learn::Answer;

const FIXED_UNITS: [i64; 10] = [1, 2, 3, 5, 8, 12, 20, 30, 50, 100];
const PER_CENT: [i64; 7] = [5, 10, 20, 30, 50, 70, 90];
const MEAN_TIMES: [i64; 6] = [1, 2, 3, 5, 10, 20];

/// One way, with its parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "way", content = "parameter")]
pub enum Withhold {
    /// Everything is offered.
    Nothing,
    /// The same number of units of every item.
    Fixed(i64),
    /// The same share of what is there, in per cent.
    PerCent(i64),
    /// So many times the mean demand of the window.
    MeanTimes(i64),
    /// Safety stock at this service level; the number is its place among the ratios.
    Ours(Ratio, usize),
}

impl Withhold {
    /// Its line on a chart.
    #[must_use]
    pub const fn family(&self) -> &'static str {
        match self {
            Self::Nothing => "nothing withheld",
            Self::Fixed(_) => "fixed number",
            Self::PerCent(_) => "fixed percentage",
            Self::MeanTimes(_) => "naive mean",
            Self::Ours(..) => "safety stock",
        }
    }

    /// In words.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Nothing => "nothing".to_owned(),
            Self::Fixed(units) => format!("{units} of each"),
            Self::PerCent(share) => format!("{share} % of the stock"),
            Self::MeanTimes(times) => format!("{times} x mean demand"),
            Self::Ours(ratio, _) => {
                let percent = i64::from(ratio.as_ppm()) / 10;
                format!("ours at {} %", Quantity::thousandths(percent))
            }
        }
    }

    /// What is withheld of so much that is usable, in whole units.
    pub(super) fn of(&self, usable: Quantity, answer: &Answer) -> Quantity {
        let share = |per_cent: i64| {
            let hundredths = i128::from(usable.as_thousandths()) * i128::from(per_cent);
            let thousandths = i64::try_from(hundredths / 100).unwrap_or(i64::MAX);
            Quantity::thousandths(thousandths).max(Quantity::ZERO)
        };
        match *self {
            Self::Nothing => Quantity::ZERO,
            Self::Fixed(units) => Quantity::units(units),
            Self::PerCent(per_cent) => whole_up(share(per_cent)),
            Self::MeanTimes(times) => whole_up(answer.mean.times(Quantity::units(times))),
            Self::Ours(_, at) => answer.safety.get(at).copied().unwrap_or_default(),
        }
    }
}

fn whole_up(quantity: Quantity) -> Quantity {
    let more = Quantity::thousandths(THOUSANDTHS_PER_UNIT - 1);
    Quantity::units(quantity.plus(more).whole_units_down())
}

/// All ways that are tried.
pub(super) fn all(ratios: &[Ratio]) -> Vec<Withhold> {
    let ours = ratios.iter().enumerate();
    let ours = ours.map(|(at, ratio)| Withhold::Ours(*ratio, at));
    let mut all = vec![Withhold::Nothing];
    all.extend(FIXED_UNITS.map(Withhold::Fixed));
    all.extend(PER_CENT.map(Withhold::PerCent));
    all.extend(MEAN_TIMES.map(Withhold::MeanTimes));
    all.extend(ours);
    all
}
