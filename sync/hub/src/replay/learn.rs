//! The rolling origin: through the file from its first line to its last, asking before learning.
//!
//! At each online order, and for each item at one open hour a week, the forecast is asked with what
//! was known until then. Only sales on the floor are learned from: they are what an online order
//! has to fear. The answers are kept; judging them against what came is done elsewhere.

use std::collections::BTreeMap;

use shelf_stock::demand::{
    BookError, Calendar, DAY_MS, Demand, Forecast, HOUR_MS, Profile, Ratio, ShopTime,
};
use shelf_stock::quantity::{Quantity, Unit};

use crate::replay::goods::{Goods, Line, mix};
use crate::replay::{Options, Progress};

/// Service levels at which ours is tried, beside the one that the costs decide.
const RATIOS_PPM: [u32; 9] = [
    500_000, 700_000, 800_000, 900_000, 950_000, 980_000, 990_000, 995_000, 999_000,
];
/// The most moments asked per week beside the orders; which items these are is drawn.
const ORIGINS_PER_WEEK_MAX: usize = 6_000;
/// An hour counts as open for these questions from this multiplier on.
const OPEN_PER_MILLE: u64 = 200;
const LINES_PER_PROGRESS: usize = 2_000;

/// What was asked and answered.
#[derive(Debug)]
pub struct Learned {
    /// The service levels of [`Answer::safety`], ascending.
    pub ratios: Vec<Ratio>,
    /// One answer per online order after the days of learning, by time.
    pub orders: Vec<(Line, Answer)>,
    /// One per item and week.
    pub origins: Vec<Origin>,
    /// The first moment that is judged.
    pub from: ShopTime,
    /// The last moment of the file.
    pub until: ShopTime,
}

/// A moment that was asked about.
#[derive(Debug)]
pub struct Origin {
    /// Of which cell.
    pub cell: usize,
    /// When.
    pub at: ShopTime,
    /// What was answered.
    pub answer: Answer,
}

/// What the forecast said at one moment.
#[derive(Debug)]
pub struct Answer {
    /// When a unit ordered then is off the shelf.
    pub end: ShopTime,
    /// Safety stock per ratio.
    pub safety: Vec<Quantity>,
    /// What the model itself thinks of that: at least the ratio, more where units are few.
    pub stated: Vec<Ratio>,
    /// Demand that is expected in the window.
    pub mean: Quantity,
}

struct Through<'a> {
    options: &'a Options,
    profile: Profile,
    calendar: Calendar,
    demands: BTreeMap<usize, Demand>,
    /// Moments to ask about, by time.
    due: BTreeMap<(ShopTime, usize), ()>,
    learned: Learned,
}

/// Goes through all lines.
pub(super) fn through(
    goods: &Goods,
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Learned {
    let mut ratios: Vec<Ratio> = RATIOS_PPM
        .iter()
        .filter_map(|it| Ratio::ppm(*it).ok())
        .collect();
    ratios.push(options.costs.ratio());
    ratios.sort();
    ratios.dedup();
    let edge = |line: Option<&Line>| line.map_or(ShopTime::default(), |it| it.at);
    let start = edge(goods.lines.first());
    let mut through = Through {
        options,
        profile: Profile::default(),
        calendar: Calendar::default(),
        demands: BTreeMap::new(),
        due: BTreeMap::new(),
        learned: Learned {
            ratios,
            orders: Vec::new(),
            origins: Vec::new(),
            from: start.plus_millis(i64::from(options.learn_days) * DAY_MS),
            until: edge(goods.lines.last()),
        },
    };
    let mut week = i64::MIN;
    for (number, line) in goods.lines.iter().enumerate() {
        // Monday is the fourth day of the epoch.
        let of_line = (line.at.day() - 4).div_euclid(7);
        if of_line > week {
            through.ask_until(ShopTime::from_millis((of_line * 7 + 4) * DAY_MS));
            through.plan(of_line);
            week = of_line;
        }
        through.ask_until(line.at);
        through.line(line);
        if number.is_multiple_of(LINES_PER_PROGRESS) {
            let (done, of) = (as_u64(number), as_u64(goods.lines.len()));
            progress(Progress {
                doing: "learning",
                done,
                of,
            });
        }
    }
    through.ask_until(through.learned.until);
    through.learned
}

impl Through<'_> {
    fn line(&mut self, line: &Line) {
        if line.online {
            if line.at >= self.learned.from {
                let answer = self.ask(line.cell, line.at);
                self.learned.orders.push((*line, answer));
            }
            return;
        }
        let demand = self.demands.entry(line.cell);
        let demand = demand.or_insert_with(|| Demand::new(Unit::Piece, line.at));
        demand.sold(&mut self.profile, &self.calendar, line.at, line.quantity);
    }

    /// Chooses the moments of a week, for the items known so far.
    fn plan(&mut self, week: i64) {
        let monday = ShopTime::from_millis((week * 7 + 4) * DAY_MS);
        if monday < self.learned.from {
            return;
        }
        let known = self.demands.len();
        for cell in self.demands.keys().copied() {
            let seed = mix(mix(11, as_u64(cell)), week.unsigned_abs());
            let of_all = mix(seed, 1) % as_u64(known.max(1));
            if of_all >= as_u64(ORIGINS_PER_WEEK_MAX) {
                continue;
            }
            let hours = (0..32).map(|it| mix(seed, 100 + it) % (168 * 60));
            let moments = hours.map(|minute| {
                let minute = i64::try_from(minute).unwrap_or(0);
                monday.plus_millis(minute * (HOUR_MS / 60))
            });
            let open = |it: &ShopTime| self.profile.week().per_mille(it.slot()) >= OPEN_PER_MILLE;
            if let Some(moment) = moments.into_iter().find(open) {
                self.due.insert((moment, cell), ());
            }
        }
    }

    fn ask_until(&mut self, now: ShopTime) {
        while let Some(first) = self.due.first_entry() {
            let (at, cell) = *first.key();
            if at >= now {
                return;
            }
            first.remove();
            let answer = self.ask(cell, at);
            // What ends after the file can't be judged.
            if answer.end <= self.learned.until {
                self.learned.origins.push(Origin { cell, at, answer });
            }
        }
    }

    fn ask(&self, cell: usize, at: ShopTime) -> Answer {
        let end = self.options.window.end(self.profile.week(), at);
        let forecast = self.forecast(cell, at, end);
        let quantiles = forecast.quantiles(&self.learned.ratios, BookError::NONE);
        let (safety, stated) = quantiles.into_iter().unzip();
        Answer {
            end,
            safety,
            stated,
            mean: forecast.figures().expected,
        }
    }

    fn forecast(&self, cell: usize, at: ShopTime, end: ShopTime) -> Forecast {
        let (profile, calendar) = (&self.profile, &self.calendar);
        match self.demands.get(&cell) {
            Some(demand) => demand.forecast(profile, calendar, at, end),
            None => Demand::new(Unit::Piece, at).forecast(profile, calendar, at, end),
        }
    }
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}
