//! `shelf-hub replay`: what safety stock would have done with a retailer's own sales.
//!
//! Reads an export of items and sales (and online orders, if there is one), goes through it from
//! the first line to the last with only the past known at each moment (a rolling origin), and says
//! two things in the retailer's words: how often a promise would have been broken and how much
//! stock would have been hidden, for ours and for the usual ways; and whether the service level
//! that was promised is the one that was observed.
//!
//! Rooms: [`args`] (what is asked), [`read`] (files into lines; odd rows are named and left out),
//! [`goods`] (which lines are demand), [`learn`] (the rolling origin), [`policy`] (ways to
//! withhold), [`shop`] (each way's shelf, line by line), [`score`] (promised against observed),
//! [`report`] and [`chart`] (words).
//! Nothing here may know the future of a moment it judges, except where it says so: deliveries and
//! the classes of items are taken from the whole file, for all ways alike.

pub mod args;
pub mod chart;
pub mod goods;
pub mod learn;
pub mod policy;
pub mod read;
pub mod report;
pub mod score;
pub mod shop;

use std::path::PathBuf;

use shelf_stock::demand::{ExposureWindow, Ratio};

use crate::platform::FileError;
use crate::replay::report::Report;

/// What is asked of a replay.
#[derive(Clone, Debug)]
pub struct Options {
    /// The catalogue.
    pub items: PathBuf,
    /// The sales.
    pub sales: PathBuf,
    /// Online orders; without, a share of the sales stands for them.
    pub orders: Option<PathBuf>,
    /// Which share of the sales is taken as online orders where there is no file of them.
    pub online_per_cent: u8,
    /// All stores of the file as one (for samples that are too thin alone).
    pub one_store: bool,
    /// Quantities above are thousandths (weights and fuel of some exports).
    pub weights_above: Option<u32>,
    /// Items whose name has one of these words are no goods.
    pub not_goods: Vec<String>,
    /// Days from which is only learned.
    pub learn_days: u16,
    /// Days of demand that a weekly delivery fills up to.
    pub cover_days: u16,
    /// The exposure window.
    pub window: ExposureWindow,
    /// What one cancelled unit costs, against one unit hidden for nothing: these decide p*.
    pub costs: Costs,
}

/// What the two errors cost, in any currency's minor units.
#[derive(Clone, Copy, Debug)]
pub struct Costs {
    /// One unit that was promised and is not there.
    pub cancelled_minor: i64,
    /// One unit that was there and was not offered.
    pub hidden_minor: i64,
}

impl Costs {
    /// p*.
    #[must_use]
    pub fn ratio(self) -> Ratio {
        use shelf_stock::money::Money;
        shelf_stock::demand::newsvendor(
            Money::minor(self.cancelled_minor),
            Money::minor(self.hidden_minor),
        )
    }
}

/// How far a replay is, for people who wait.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// What is being done.
    pub doing: &'static str,
    /// Parts done…
    pub done: u64,
    /// …of so many; 0 where nobody knows.
    pub of: u64,
}

/// A replay could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A file can't be opened.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file has no column for something needed.
    #[error("`{file}` has no column for {what}: its columns are {found}")]
    Column {
        /// Which file.
        file: String,
        /// What is missing, with the names that would do.
        what: String,
        /// The columns that are there.
        found: String,
    },
    /// A file breaks off.
    #[error("`{file}` can't be read on after {rows} rows")]
    Broken {
        /// Which file.
        file: String,
        /// Rows until there.
        rows: u64,
        /// Why.
        #[source]
        source: csv::Error,
    },
    /// Nothing to replay.
    #[error("nothing to replay: {why}")]
    Nothing {
        /// What is missing.
        why: String,
    },
}

/// Reads, replays and judges. Deterministic: the same files and options give the same report.
pub fn run(options: &Options, progress: &mut dyn FnMut(Progress)) -> Result<Report, ReplayError> {
    let read = read::files(options, progress)?;
    let goods = goods::sort_out(read, options);
    if goods.lines.is_empty() {
        let why = "no line of the sales is a sale of goods".to_owned();
        return Err(ReplayError::Nothing { why });
    }
    let learned = learn::through(&goods, options, progress);
    if learned.orders.is_empty() {
        let why = format!(
            "no online order after the first {} days; try a smaller --learn-days",
            options.learn_days
        );
        return Err(ReplayError::Nothing { why });
    }
    let policies = policy::all(&learned.ratios);
    let outcomes = shop::replay(&goods, &learned, &policies, options, progress);
    let levels = score::levels(&goods, &learned);
    Ok(Report::new(options, &goods, &learned, outcomes, levels))
}
