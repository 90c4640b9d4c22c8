//! The answer in the retailer's words, as text and as JSON.
//!
//! The text says what was assumed before it says what came out, and shows the ways that did better
//! than ours at something as plainly as the others. It holds no verdict: the table is the verdict.

use std::fmt::{self, Display, Formatter};

use serde::Serialize;
use serde_json::json;
use shelf_stock::demand::{DAY_MS, Ratio};
use shelf_stock::quantity::Quantity;

use crate::replay::Options;
use crate::replay::goods::{Goods, LeftOut};
use crate::replay::learn::Learned;
use crate::replay::policy::Withhold;
use crate::replay::read::OddRows;
use crate::replay::score::Level;
use crate::replay::shop::Outcome;

/// Odd rows that the text names.
const ODD_SHOWN: usize = 5;
/// Service levels that the text shows beside p*.
const LEVELS_SHOWN: [u32; 3] = [800_000, 950_000, 990_000];

/// What came out.
#[derive(Debug)]
pub struct Report {
    options: Options,
    input: Input,
    outcomes: Vec<Outcome>,
    levels: Vec<Level>,
}

/// What went in.
#[derive(Debug, Serialize)]
struct Input {
    stores: usize,
    items: usize,
    lines: usize,
    days: i64,
    orders_judged: usize,
    own_orders: bool,
    windows_judged: usize,
    left_out: LeftOut,
    odd_rows: OddRows,
}

impl Report {
    pub(super) fn new(
        options: &Options,
        goods: &Goods,
        learned: &Learned,
        outcomes: Vec<Outcome>,
        levels: Vec<Level>,
    ) -> Self {
        let first = goods.lines.first().map_or(learned.from, |it| it.at);
        let span = learned.until.as_millis() - first.as_millis();
        let input = Input {
            stores: goods.stores,
            items: goods.cells.len(),
            lines: goods.lines.len(),
            days: span / DAY_MS + 1,
            orders_judged: learned.orders.len(),
            own_orders: goods.own_orders,
            windows_judged: learned.origins.len(),
            left_out: goods.left_out.clone(),
            odd_rows: goods.odd.clone(),
        };
        Self {
            options: options.clone(),
            input,
            outcomes,
            levels,
        }
    }

    /// What each way came to.
    #[must_use]
    pub fn outcomes(&self) -> &[Outcome] {
        &self.outcomes
    }

    /// Promised and observed service levels.
    #[must_use]
    pub fn levels(&self) -> &[Level] {
        &self.levels
    }

    /// Rows that could not be understood.
    #[must_use]
    pub const fn odd_rows(&self) -> &OddRows {
        &self.input.odd_rows
    }

    /// What was left out as no demand.
    #[must_use]
    pub const fn left_out(&self) -> &LeftOut {
        &self.input.left_out
    }

    /// p* of the costs.
    #[must_use]
    pub fn ratio(&self) -> Ratio {
        self.options.costs.ratio()
    }

    /// Everything, for programs. Rates are in the units their names say.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let outcomes = self.outcomes.iter().map(|it| {
            json!({
                "outcome": it,
                "family": it.way.family(),
                "cancelled_per_1000_hundredths": it.cancelled_per_1000_hundredths(),
                "needless_per_1000_hundredths": it.needless_per_1000_hundredths(),
                "hidden_per_item_hundredths": it.hidden_per_item_hundredths(),
                "hidden_per_mille": it.hidden_per_mille(),
                "cost_per_1000_minor": it.cost_per_1000_minor(&self.options),
            })
        });
        json!({
            "input": self.input,
            "assumed": {
                "online_per_cent": (!self.input.own_orders).then_some(self.options.online_per_cent),
                "learn_days": self.options.learn_days,
                "cover_days": self.options.cover_days,
                "window": self.options.window,
                "cancelled_unit_costs_minor": self.options.costs.cancelled_minor,
                "hidden_unit_costs_minor": self.options.costs.hidden_minor,
                "ratio_ppm": self.ratio(),
            },
            "outcomes": outcomes.collect::<Vec<_>>(),
            "levels": self.levels,
        })
    }

    fn write_input(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let it = &self.input;
        let (lines, items, stores) = (it.lines, it.items, it.stores);
        writeln!(
            f,
            "{lines} lines of {items} items in {stores} store(s), {} days.",
            it.days
        )?;
        let out = &it.left_out;
        writeln!(
            f,
            "Left out as no demand: {} returns, {} free of charge, {} undone within the hour, \
             {} of unknown items, {} of {} items that are no goods.",
            out.returns,
            out.free,
            out.undone,
            out.unknown_items,
            out.not_goods,
            out.not_goods_names.len(),
        )?;
        if it.odd_rows.count > 0 {
            writeln!(
                f,
                "Rows that make no sense, left out: {}.",
                it.odd_rows.count
            )?;
            for row in it.odd_rows.named.iter().take(ODD_SHOWN) {
                writeln!(f, "  {} line {}: {}", row.file, row.line, row.why)?;
            }
        }
        Ok(())
    }

    fn write_assumed(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let options = &self.options;
        match self.input.own_orders {
            true => writeln!(
                f,
                "Online orders: {} of your own.",
                self.input.orders_judged
            )?,
            false => writeln!(
                f,
                "Online orders: {} % of the sales lines stand for them ({} after the first {} \
                 days), drawn by a hash.",
                options.online_per_cent, self.input.orders_judged, options.learn_days,
            )?,
        }
        let minutes = options.window.total_ms() / 60_000;
        writeln!(
            f,
            "Assumed: {minutes} minutes from an order to its goods being off the shelf (in opening \
             hours); each item filled up\nonce a week to {} days of its demand; no item ever \
             miscounted; a cancelled unit costs {}, a unit hidden for nothing {}:\nit pays to be \
             {} % sure (p*).",
            options.cover_days,
            hundredths(options.costs.cancelled_minor.unsigned_abs()),
            hundredths(options.costs.hidden_minor.unsigned_abs()),
            percent(u64::from(self.ratio().as_ppm())),
        )
    }

    fn write_outcomes(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<24} {:>10} {:>14} {:>16} {:>10} {:>14}",
            "withheld", "cancelled", "turned away", "units hidden", "of stock", "both cost"
        )?;
        writeln!(
            f,
            "{:<24} {:>10} {:>14} {:>16} {:>10} {:>14}",
            "", "per 1,000", "needlessly", "per item", "hidden", "per 1,000"
        )?;
        let ratio = self.ratio();
        for it in &self.outcomes {
            let ours = matches!(it.way, Withhold::Ours(at, _) if at == ratio);
            writeln!(
                f,
                "{:<24} {:>10} {:>14} {:>16} {:>8} % {:>14}{}",
                it.words,
                hundredths(it.cancelled_per_1000_hundredths()),
                hundredths(it.needless_per_1000_hundredths()),
                hundredths(it.hidden_per_item_hundredths()),
                tenths(it.hidden_per_mille()),
                hundredths(it.cost_per_1000_minor(&self.options).unsigned_abs()),
                if ours { "  <- p*" } else { "" },
            )?;
        }
        Ok(())
    }

    fn write_levels(&self, f: &mut Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<18} {:>8} {:>10} {:>9} {:>9} {:>9} {:>9} {:>10} {:>9}",
            "class",
            "windows",
            "with sales",
            "promised",
            "stated",
            "observed",
            "units",
            "mean kept",
            "3 kept"
        )?;
        let own = self.ratio();
        let shown =
            |it: &&Level| it.promised == own || LEVELS_SHOWN.contains(&it.promised.as_ppm());
        for it in self.levels.iter().filter(shown) {
            writeln!(
                f,
                "{:<18} {:>8} {:>10} {:>7} % {:>7} % {:>7} % {:>9} {:>8} % {:>7} %",
                it.words,
                it.windows,
                it.windows_with_sales,
                percent(u64::from(it.promised.as_ppm())),
                percent(it.stated_ppm),
                percent(it.observed_ppm),
                hundredths(it.units_hundredths),
                percent(it.mean_observed_ppm),
                percent(it.fixed_3_observed_ppm),
            )?;
        }
        Ok(())
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        self.write_input(f)?;
        self.write_assumed(f)?;
        writeln!(f, "\nWhat each way of withholding stock would have done:\n")?;
        self.write_outcomes(f)?;
        writeln!(
            f,
            "\nHow often demand on the floor stayed within the units withheld ({} windows):\n",
            self.input.windows_judged
        )?;
        self.write_levels(f)
    }
}

fn hundredths(value: u64) -> String {
    format!("{}.{:02}", value / 100, value % 100)
}

fn tenths(value: u64) -> String {
    format!("{}.{}", value / 10, value % 10)
}

/// Parts per million as per cent, to a hundredth, without idle zeros.
fn percent(ppm: u64) -> String {
    let hundredths = (ppm + 50) / 100;
    Quantity::thousandths(i64::try_from(hundredths * 10).unwrap_or(0)).to_string()
}
