//! Each way's shelf, line by line: what it would have promised, broken and hidden.
//!
//! Exports of sales hold no stock, so that a shelf has to be assumed, the same for every way: each
//! item is filled up once a week to so many days of its own demand (and twice its usual sale at
//! least). An online order takes what it is offered or nothing; its goods stand on the shelf until
//! the exposure window is over, and whoever comes by in the shop takes them. If too little is left
//! then, the order is cancelled. Items don't meet each other here: each line is an order.

use std::collections::BTreeMap;

use serde::Serialize;
use shelf_stock::demand::{DAY_MS, HOUR_MS, ShopTime};
use shelf_stock::quantity::Quantity;

use crate::replay::goods::{Goods, mix};
use crate::replay::learn::{Answer, Learned};
use crate::replay::policy::Withhold;
use crate::replay::{Options, Progress};

const WEEK_MS: i64 = 7 * DAY_MS;

/// What one way came to.
#[derive(Clone, Debug, Serialize)]
pub struct Outcome {
    /// The way.
    pub way: Withhold,
    /// In words.
    pub words: String,
    /// Online orders that came.
    pub orders: u64,
    /// Of these, promised.
    pub accepted: u64,
    /// Promised and cancelled, because too little was left.
    pub cancelled: u64,
    /// Units of these.
    pub cancelled_units: u64,
    /// Turned away, though the goods were there, then and when they would have been picked.
    pub needless: u64,
    /// Units of these.
    pub needless_units: u64,
    /// Moments at which hidden stock was looked at.
    pub looks: u64,
    /// Units usable at these moments, all together.
    pub usable_units: u64,
    /// Of these, hidden from online.
    pub hidden_units: u64,
}

impl Outcome {
    /// Cancelled orders per 1,000 accepted, in hundredths.
    #[must_use]
    pub fn cancelled_per_1000_hundredths(&self) -> u64 {
        self.cancelled * 100_000 / self.accepted.max(1)
    }

    /// Orders turned away for nothing per 1,000 that came, in hundredths.
    #[must_use]
    pub fn needless_per_1000_hundredths(&self) -> u64 {
        self.needless * 100_000 / self.orders.max(1)
    }

    /// Share of the usable units that was hidden, in per mille.
    #[must_use]
    pub fn hidden_per_mille(&self) -> u64 {
        self.hidden_units * 1000 / self.usable_units.max(1)
    }

    /// Units hidden per item, in hundredths.
    #[must_use]
    pub fn hidden_per_item_hundredths(&self) -> u64 {
        self.hidden_units * 100 / self.looks.max(1)
    }

    /// What both errors cost per 1,000 orders, in minor units.
    #[must_use]
    pub fn cost_per_1000_minor(&self, options: &Options) -> i64 {
        let units = |it: u64| i64::try_from(it).unwrap_or(i64::MAX);
        let cancelled = units(self.cancelled_units).saturating_mul(options.costs.cancelled_minor);
        let hidden = units(self.needless_units).saturating_mul(options.costs.hidden_minor);
        let both = cancelled.saturating_add(hidden);
        both.saturating_mul(1000) / units(self.orders.max(1))
    }
}

enum Event<'a> {
    Delivery,
    /// The window of the order with this number is over.
    Pick(usize),
    Floor(Quantity),
    Order(Quantity, &'a Answer),
    Look(&'a Answer),
}

impl Event<'_> {
    /// What comes first of one moment.
    const fn rank(&self) -> u8 {
        match self {
            Self::Delivery => 0,
            Self::Pick(_) => 1,
            Self::Floor(_) => 2,
            Self::Order(..) => 3,
            Self::Look(_) => 4,
        }
    }
}

/// Runs every way over every item.
pub(super) fn replay(
    goods: &Goods,
    learned: &Learned,
    ways: &[Withhold],
    options: &Options,
    progress: &mut dyn FnMut(Progress),
) -> Vec<Outcome> {
    let mut outcomes: Vec<Outcome> = ways.iter().map(outcome).collect();
    let cells = events(goods, learned, options);
    let of = u64::try_from(cells.len()).unwrap_or(0);
    for (done, (target, events)) in (0..).zip(cells.into_values()) {
        for outcome in &mut outcomes {
            Shelf::new(target, outcome).live(&events);
        }
        if done % 100 == 0 {
            progress(Progress {
                doing: "replaying",
                done,
                of,
            });
        }
    }
    outcomes
}

fn outcome(way: &Withhold) -> Outcome {
    Outcome {
        way: *way,
        words: way.words(),
        orders: 0,
        accepted: 0,
        cancelled: 0,
        cancelled_units: 0,
        needless: 0,
        needless_units: 0,
        looks: 0,
        usable_units: 0,
        hidden_units: 0,
    }
}

type CellEvents<'a> = Vec<(ShopTime, Event<'a>)>;

/// Per cell that matters: what a delivery fills up to, and what happens, by time.
fn events<'a>(
    goods: &'a Goods,
    learned: &'a Learned,
    options: &Options,
) -> BTreeMap<usize, (Quantity, CellEvents<'a>)> {
    let mut cells: BTreeMap<usize, (Quantity, CellEvents<'a>)> = BTreeMap::new();
    for (line, answer) in &learned.orders {
        let (_, events) = cells.entry(line.cell).or_default();
        events.push((line.at, Event::Order(line.quantity, answer)));
    }
    for origin in &learned.origins {
        let (_, events) = cells.entry(origin.cell).or_default();
        events.push((origin.at, Event::Look(&origin.answer)));
    }
    let mut totals: BTreeMap<usize, (Quantity, i64)> = BTreeMap::new();
    for line in &goods.lines {
        let Some((_, events)) = cells.get_mut(&line.cell) else {
            continue;
        };
        let (sum, count) = totals.entry(line.cell).or_default();
        *sum = sum.plus(line.quantity);
        *count += 1;
        if !line.online && line.at >= learned.from {
            events.push((line.at, Event::Floor(line.quantity)));
        }
    }
    let first = goods.lines.first().map_or(learned.from, |it| it.at);
    let days = (learned.until.day() - first.day() + 1).max(1);
    for (cell, (target, events)) in &mut cells {
        let (sum, count) = totals.get(cell).copied().unwrap_or_default();
        let covered = scaled(sum, i64::from(options.cover_days), days);
        let usual = scaled(sum, 2, count.max(1));
        let most = covered.max(usual).max(Quantity::ONE);
        *target = Quantity::units(most.plus(Quantity::thousandths(999)).whole_units_down());
        deliveries(*cell, learned, events);
        picks(events);
        events.sort_by_key(|(at, event)| (*at, event.rank()));
    }
    cells
}

fn scaled(sum: Quantity, times: i64, over: i64) -> Quantity {
    let product = i128::from(sum.as_thousandths()) * i128::from(times) / i128::from(over);
    Quantity::thousandths(i64::try_from(product).unwrap_or(i64::MAX / 2))
}

/// One a week, before opening, on a day that is drawn for the item.
fn deliveries(cell: usize, learned: &Learned, events: &mut CellEvents<'_>) {
    let day = mix(3, u64::try_from(cell).unwrap_or(0)) % 7;
    let day = i64::try_from(day).unwrap_or(0);
    let monday = ShopTime::from_millis(learned.from.day() * DAY_MS);
    let mut at = monday.plus_millis(day * DAY_MS + 5 * HOUR_MS);
    while at < learned.until {
        events.push((at, Event::Delivery));
        at = at.plus_millis(WEEK_MS);
    }
}

/// The end of each order's window; orders are numbered by time.
fn picks(events: &mut CellEvents<'_>) {
    events.sort_by_key(|(at, event)| (*at, event.rank()));
    let orders = events.iter().filter_map(|(_, event)| match event {
        Event::Order(_, answer) => Some(answer.end),
        _ => None,
    });
    let ends: Vec<ShopTime> = orders.collect();
    let picks = ends.into_iter().enumerate();
    events.extend(picks.map(|(number, end)| (end, Event::Pick(number))));
}

/// One item's shelf under one way.
struct Shelf<'a> {
    target: Quantity,
    there: Quantity,
    reserved: Quantity,
    /// Per order: quantity, promised, and whether it could have been served when it came.
    orders: Vec<(Quantity, bool, bool)>,
    outcome: &'a mut Outcome,
}

impl<'a> Shelf<'a> {
    fn new(target: Quantity, outcome: &'a mut Outcome) -> Self {
        Self {
            target,
            there: target,
            reserved: Quantity::ZERO,
            orders: Vec::new(),
            outcome,
        }
    }

    fn live(&mut self, events: &CellEvents<'_>) {
        for (_, event) in events {
            match event {
                Event::Delivery => self.there = self.there.max(self.target),
                Event::Floor(quantity) => {
                    self.there = self.there.minus((*quantity).min(self.there));
                }
                Event::Order(quantity, answer) => self.order(*quantity, answer),
                Event::Pick(number) => self.pick(*number),
                Event::Look(answer) => self.look(answer),
            }
        }
    }

    fn usable(&self) -> Quantity {
        self.there.minus(self.reserved)
    }

    fn order(&mut self, quantity: Quantity, answer: &Answer) {
        let usable = self.usable();
        let offered = usable.minus(self.outcome.way.of(usable, answer));
        let promised = quantity <= offered;
        self.outcome.orders += 1;
        if promised {
            self.outcome.accepted += 1;
            self.reserved = self.reserved.plus(quantity);
        }
        self.orders.push((quantity, promised, quantity <= usable));
    }

    fn pick(&mut self, number: usize) {
        let Some((quantity, promised, was_there)) = self.orders.get(number).copied() else {
            return;
        };
        if promised {
            self.reserved = self.reserved.minus(quantity);
            if quantity <= self.there {
                self.there = self.there.minus(quantity);
            } else {
                self.outcome.cancelled += 1;
                self.outcome.cancelled_units += units(quantity);
            }
        } else if was_there && quantity <= self.usable() {
            self.outcome.needless += 1;
            self.outcome.needless_units += units(quantity);
        }
    }

    fn look(&mut self, answer: &Answer) {
        let usable = self.usable().max(Quantity::ZERO);
        let hidden = self.outcome.way.of(usable, answer).min(usable);
        self.outcome.looks += 1;
        self.outcome.usable_units += units(usable);
        self.outcome.hidden_units += units(hidden);
    }
}

/// Whole units, rounded up, so that a weighed line counts.
fn units(quantity: Quantity) -> u64 {
    let up = quantity.plus(Quantity::thousandths(999)).whole_units_down();
    u64::try_from(up).unwrap_or(0)
}
