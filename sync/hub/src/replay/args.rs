//! The arguments of `shelf-hub replay`, with what they assume where they are left out.

use std::path::PathBuf;

use clap::Args;
use shelf_stock::demand::ExposureWindow;
use shelf_stock::money::Money;

use crate::replay::{Costs, Options};

const MS_PER_MINUTE: u64 = 60_000;

/// What `shelf-hub replay` is given.
#[derive(Clone, Debug, Args)]
#[command(after_help = "\
Files are CSV with a header (comma, semicolon or tab; .gz too). Columns are found by their usual
names: gtin, item, sku, product…; time, date, datetime…; quantity, qty…; and, if there, name,
price, store, receipt. Times are the shop's own.

Examples:
  shelf-hub replay --items items.csv --sales sales.csv.gz
  shelf-hub replay --items items.csv --sales sales.csv --orders web.csv --chart replay.svg
  shelf-hub replay --items items.csv --sales sales.csv --pick-minutes 30 --json")]
pub struct ReplayArgs {
    /// The catalogue: a column with the item, and its name if there is one.
    #[arg(long, value_name = "FILE")]
    items: PathBuf,
    /// The sales: item, time and quantity of each line.
    #[arg(long, value_name = "FILE")]
    sales: PathBuf,
    /// Online orders, like the sales. Without, a share of the sales stands for them.
    #[arg(long, value_name = "FILE")]
    orders: Option<PathBuf>,
    /// Print everything as JSON.
    #[arg(long)]
    pub json: bool,
    /// Write a chart (SVG).
    #[arg(long, value_name = "FILE")]
    pub chart: Option<PathBuf>,
    /// Share of the sales lines that stand for online orders, in per cent.
    #[arg(long, value_name = "PERCENT", default_value_t = 10, conflicts_with = "orders",
        value_parser = clap::value_parser!(u8).range(1..=90))]
    online_share: u8,
    /// Minutes from an order to its goods being off the shelf, in opening hours.
    #[arg(long, value_name = "MINUTES", default_value_t = 120,
        value_parser = clap::value_parser!(u64).range(0..=10_080))]
    pick_minutes: u64,
    /// Minutes that goods are in trolleys before they are scanned.
    #[arg(long, value_name = "MINUTES", default_value_t = 15,
        value_parser = clap::value_parser!(u64).range(0..=240))]
    trolley_minutes: u64,
    /// Seconds from a scan to the channel showing it.
    #[arg(long, value_name = "SECONDS", default_value_t = 5,
        value_parser = clap::value_parser!(u64).range(0..=86_400))]
    lag_seconds: u64,
    /// What one promised unit costs that can't be delivered, for example 19 or 12.50.
    #[arg(long, value_name = "MONEY", default_value = "19")]
    cancel_cost: Money,
    /// What one unit costs that was there and not offered.
    #[arg(long, value_name = "MONEY", default_value = "1")]
    hide_cost: Money,
    /// Days at the beginning from which is only learned.
    #[arg(long, value_name = "DAYS", default_value_t = 42)]
    learn_days: u16,
    /// Days of demand that a weekly delivery fills a shelf up to.
    #[arg(long, value_name = "DAYS", default_value_t = 10,
        value_parser = clap::value_parser!(u16).range(1..=365))]
    cover_days: u16,
    /// Take all stores as one (for samples that are too thin alone).
    #[arg(long)]
    one_store: bool,
    /// Quantities above this are thousandths (weights and fuel of some exports).
    #[arg(long, value_name = "NUMBER")]
    weights_above: Option<u32>,
    /// Items with this word in their name are no goods; may be repeated.
    #[arg(long, value_name = "WORD")]
    not_goods: Vec<String>,
}

impl ReplayArgs {
    /// As options.
    #[must_use]
    pub fn options(&self) -> Options {
        let window = ExposureWindow {
            capture_lag_ms: self.lag_seconds.saturating_mul(1000),
            trolley_ms: self.trolley_minutes.saturating_mul(MS_PER_MINUTE),
            order_to_pick_ms: self.pick_minutes.saturating_mul(MS_PER_MINUTE),
            ..ExposureWindow::default()
        };
        Options {
            items: self.items.clone(),
            sales: self.sales.clone(),
            orders: self.orders.clone(),
            online_per_cent: self.online_share,
            one_store: self.one_store,
            weights_above: self.weights_above,
            not_goods: self.not_goods.iter().map(|it| it.to_lowercase()).collect(),
            learn_days: self.learn_days,
            cover_days: self.cover_days,
            window,
            costs: Costs {
                cancelled_minor: self.cancel_cost.as_minor(),
                hidden_minor: self.hide_cost.as_minor(),
            },
        }
    }
}
