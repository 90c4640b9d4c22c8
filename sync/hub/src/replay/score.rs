//! Promised against observed: did demand stay within what was withheld as often as was said?
//!
//! Judged per class of item, because an average hides that the fast items miss and the slow ones
//! never could: A makes the first 80 % of the units sold, B the next 15 %, C the rest; what sells
//! less than once in two weeks is *intermittent* whatever its units. For whole units a level can't
//! be hit exactly: beside p* stands what the model itself stated for the units it chose.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_stock::demand::{DAY_MS, Ratio, ShopTime};
use shelf_stock::quantity::Quantity;

use crate::replay::goods::Goods;
use crate::replay::learn::{Learned, Origin};
use crate::replay::policy::Withhold;

/// Fewer days than this between sales, on average, or it is intermittent.
const INTERMITTENT_DAYS: i64 = 14;

/// A kind of item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Class {
    /// The items that make the first 80 % of the units.
    A,
    /// Those that make the next 15 %.
    B,
    /// The rest of those that sell at least once in two weeks.
    C,
    /// What sells less often.
    Intermittent,
    /// All together.
    All,
}

impl Class {
    /// In words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::A => "A (80 % of units)",
            Self::B => "B (next 15 %)",
            Self::C => "C (rest)",
            Self::Intermittent => "intermittent",
            Self::All => "all",
        }
    }
}

/// Promised and observed of one class and service level.
#[derive(Clone, Debug, Serialize)]
pub struct Level {
    /// Which items.
    pub class: Class,
    /// Which items, in words.
    pub words: &'static str,
    /// p*.
    pub promised: Ratio,
    /// Mean of what the model stated for the units it chose, in parts per million.
    pub stated_ppm: u64,
    /// Share of the windows in which demand stayed within, in parts per million.
    pub observed_ppm: u64,
    /// Windows judged.
    pub windows: u64,
    /// Windows in which anything was sold.
    pub windows_with_sales: u64,
    /// Units withheld, mean, in hundredths.
    pub units_hundredths: u64,
    /// Observed where the mean demand was withheld instead.
    pub mean_observed_ppm: u64,
    /// Observed where three of each were.
    pub fixed_3_observed_ppm: u64,
}

#[derive(Clone, Copy, Default)]
struct Tally {
    windows: u64,
    with_sales: u64,
    within: u64,
    stated: u64,
    thousandths: i128,
    mean_within: u64,
    fixed_within: u64,
}

/// One level per class and ratio, classes in order.
pub(super) fn levels(goods: &Goods, learned: &Learned) -> Vec<Level> {
    let classes = classes(goods);
    let floor = FloorSales::of(goods);
    let mut tallies: BTreeMap<(Class, usize), Tally> = BTreeMap::new();
    for origin in &learned.origins {
        let demand = floor.between(origin.cell, origin.at, origin.answer.end);
        let class = classes
            .get(&origin.cell)
            .copied()
            .unwrap_or(Class::Intermittent);
        for class in [class, Class::All] {
            for at in 0..learned.ratios.len() {
                let tally = tallies.entry((class, at)).or_default();
                tally.add(origin, at, demand);
            }
        }
    }
    let levels = tallies.into_iter().filter_map(|((class, at), tally)| {
        let promised = learned.ratios.get(at).copied()?;
        Some(tally.level(class, promised))
    });
    levels.collect()
}

impl Tally {
    fn add(&mut self, origin: &Origin, at: usize, demand: Quantity) {
        let answer = &origin.answer;
        let safety = answer.safety.get(at).copied().unwrap_or_default();
        let stated = answer.stated.get(at).map_or(0, |it| it.as_ppm());
        let mean = Withhold::MeanTimes(1).of(Quantity::ZERO, answer);
        self.windows += 1;
        self.with_sales += u64::from(demand > Quantity::ZERO);
        self.within += u64::from(demand <= safety);
        self.stated += u64::from(stated);
        self.thousandths += i128::from(safety.as_thousandths());
        self.mean_within += u64::from(demand <= mean);
        self.fixed_within += u64::from(demand <= Quantity::units(3));
    }

    fn level(&self, class: Class, promised: Ratio) -> Level {
        let windows = self.windows.max(1);
        let share = |count: u64| count * 1_000_000 / windows;
        Level {
            class,
            words: class.words(),
            promised,
            stated_ppm: self.stated / windows,
            observed_ppm: share(self.within),
            windows: self.windows,
            windows_with_sales: self.with_sales,
            units_hundredths: u64::try_from(self.thousandths / 10 / i128::from(windows))
                .unwrap_or(0),
            mean_observed_ppm: share(self.mean_within),
            fixed_3_observed_ppm: share(self.fixed_within),
        }
    }
}

/// The class of each cell, by the floor sales of the whole file.
fn classes(goods: &Goods) -> BTreeMap<usize, Class> {
    let mut sold: BTreeMap<usize, (Quantity, i64, ShopTime)> = BTreeMap::new();
    for line in goods.lines.iter().filter(|it| !it.online) {
        let (units, lines, _) = sold
            .entry(line.cell)
            .or_insert((Quantity::ZERO, 0, line.at));
        *units = units.plus(line.quantity);
        *lines += 1;
    }
    let until = goods.lines.last().map_or(ShopTime::default(), |it| it.at);
    let total: Quantity = sold.values().map(|it| it.0).sum();
    let mut by_units: Vec<(usize, (Quantity, i64, ShopTime))> = sold.into_iter().collect();
    by_units.sort_by_key(|(cell, it)| (std::cmp::Reverse(it.0), *cell));
    let mut before = Quantity::ZERO;
    let class = by_units.into_iter().map(|(cell, (units, lines, first))| {
        let days = (until.as_millis() - first.as_millis()) / DAY_MS + 1;
        let share = i128::from(before.as_thousandths()) * 100;
        let share = share / i128::from(total.as_thousandths().max(1));
        before = before.plus(units);
        let class = match share {
            _ if lines * INTERMITTENT_DAYS < days => Class::Intermittent,
            ..80 => Class::A,
            80..95 => Class::B,
            _ => Class::C,
        };
        (cell, class)
    });
    class.collect()
}

/// Floor sales by cell and time, with sums.
struct FloorSales(BTreeMap<usize, Vec<(ShopTime, Quantity)>>);

impl FloorSales {
    fn of(goods: &Goods) -> Self {
        let mut cells: BTreeMap<usize, Vec<(ShopTime, Quantity)>> = BTreeMap::new();
        for line in goods.lines.iter().filter(|it| !it.online) {
            let sums = cells.entry(line.cell).or_default();
            let before = sums.last().map_or(Quantity::ZERO, |it| it.1);
            sums.push((line.at, before.plus(line.quantity)));
        }
        Self(cells)
    }

    /// Sold from `from` (inclusive: it was asked before that line was learned) until `to`.
    fn between(&self, cell: usize, from: ShopTime, to: ShopTime) -> Quantity {
        let Some(sums) = self.0.get(&cell) else {
            return Quantity::ZERO;
        };
        let until = |at: ShopTime| {
            let count = sums.partition_point(|it| it.0 < at);
            let last = count.checked_sub(1).and_then(|it| sums.get(it));
            last.map_or(Quantity::ZERO, |it| it.1)
        };
        until(to).minus(until(from))
    }
}
