//! Which lines are demand: goods that somebody took, neither returns nor corrections.
//!
//! What is left out is counted by its reason, so that the sum of all reasons and the demand is the
//! file. Nothing is left out for being inconvenient: a customer who takes a gross is a customer.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use shelf_stock::demand::{HOUR_MS, ShopTime};
use shelf_stock::quantity::Quantity;

use crate::replay::Options;
use crate::replay::read::{Files, OddRows, Row};

/// Names with these words are services and bookings, no goods.
pub const NOT_GOODS: &[&str] = &[
    "postage",
    "carriage",
    "charges",
    "fee",
    "discount",
    "commission",
    "voucher",
    "manual",
    "adjust",
    "adjustment",
    "debt",
    "samples",
    "coupon",
    "deposit",
];

/// Lines to replay.
#[derive(Debug)]
pub struct Goods {
    /// Items of stores, by their number here.
    pub cells: Vec<Cell>,
    /// Demand on the floor and online, by time.
    pub lines: Vec<Line>,
    /// What was left out.
    pub left_out: LeftOut,
    /// Rows that could not be understood.
    pub odd: OddRows,
    /// Whether the orders are the retailer's own.
    pub own_orders: bool,
    /// Distinct stores.
    pub stores: usize,
}

/// An item of a store.
#[derive(Clone, Debug)]
pub struct Cell {
    /// The store.
    pub store: String,
    /// The item.
    pub item: String,
    /// Its name.
    pub name: String,
}

/// So much of an item at once.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// When.
    pub at: ShopTime,
    /// Of which [`Cell`].
    pub cell: usize,
    /// How much, above zero.
    pub quantity: Quantity,
    /// Ordered online, rather than taken from the shelf.
    pub online: bool,
}

/// Lines that are no demand, by reason.
#[derive(Clone, Debug, Default, Serialize)]
pub struct LeftOut {
    /// Came back.
    pub returns: u64,
    /// Free of charge: corrections and samples.
    pub free: u64,
    /// Sold and undone within an hour, both lines.
    pub undone: u64,
    /// Of items that are not in the file of items.
    pub unknown_items: u64,
    /// Of items that are no goods.
    pub not_goods: u64,
    /// The names of these.
    pub not_goods_names: BTreeSet<String>,
}

/// Sorts demand from the rest.
pub(super) fn sort_out(files: Files, options: &Options) -> Goods {
    let mut sorter = Sorter::new(&files, options);
    let own_orders = files.orders.is_some();
    let share = match own_orders {
        true => 0,
        false => options.online_per_cent,
    };
    let undone = undone(&files.sales);
    let sales = files.sales.iter().enumerate();
    for (number, row) in sales {
        if undone.contains(&number) {
            sorter.goods.left_out.undone += 1;
            continue;
        }
        let online = draw(row, number) < u64::from(share);
        sorter.add(row, online);
    }
    for row in files.orders.iter().flatten() {
        sorter.add(row, true);
    }
    let mut goods = sorter.goods;
    goods.lines.sort_by_key(|it| (it.at, it.cell, it.online));
    goods.own_orders = own_orders;
    let stores: BTreeSet<&str> = goods.cells.iter().map(|it| it.store.as_str()).collect();
    goods.stores = stores.len();
    goods.odd = files.odd;
    goods
}

struct Sorter<'a> {
    files: &'a Files,
    options: &'a Options,
    numbers: BTreeMap<(String, String), usize>,
    /// The line of a receipt's item, to add further lines to.
    open: BTreeMap<(usize, bool), (String, usize)>,
    goods: Goods,
}

impl<'a> Sorter<'a> {
    fn new(files: &'a Files, options: &'a Options) -> Self {
        Self {
            files,
            options,
            numbers: BTreeMap::new(),
            open: BTreeMap::new(),
            goods: Goods {
                cells: Vec::new(),
                lines: Vec::new(),
                left_out: LeftOut::default(),
                odd: OddRows::default(),
                own_orders: false,
                stores: 0,
            },
        }
    }

    fn add(&mut self, row: &Row, online: bool) {
        let left_out = &mut self.goods.left_out;
        if row.quantity <= Quantity::ZERO {
            left_out.returns += 1;
            return;
        }
        if row.free {
            left_out.free += 1;
            return;
        }
        let Some(name) = self.files.items.get(&row.item) else {
            left_out.unknown_items += 1;
            return;
        };
        if is_no_goods(name, &self.options.not_goods) {
            left_out.not_goods += 1;
            left_out.not_goods_names.insert(name.clone());
            return;
        }
        let cell = self.cell(row, name);
        let limit = self.options.weights_above.map(i64::from);
        let quantity = match limit.is_some_and(|it| row.quantity > Quantity::units(it)) {
            true => Quantity::thousandths(row.quantity.whole_units_down()),
            false => row.quantity,
        };
        let at = row.at;
        // One customer with the same article twice is one sale.
        if let Some((receipt, line)) = self.open.get(&(cell, online))
            && *receipt == row.receipt
            && !receipt.is_empty()
            && let Some(line) = self.goods.lines.get_mut(*line)
            && line.at == at
        {
            line.quantity = line.quantity.plus(quantity);
            return;
        }
        let place = (row.receipt.clone(), self.goods.lines.len());
        self.open.insert((cell, online), place);
        self.goods.lines.push(Line {
            at,
            cell,
            quantity,
            online,
        });
    }

    fn cell(&mut self, row: &Row, name: &str) -> usize {
        let store = match self.options.one_store {
            true => String::new(),
            false => row.store.clone(),
        };
        let key = (store, row.item.clone());
        if let Some(number) = self.numbers.get(&key) {
            return *number;
        }
        let number = self.goods.cells.len();
        self.goods.cells.push(Cell {
            store: key.0.clone(),
            item: key.1.clone(),
            name: name.to_owned(),
        });
        self.numbers.insert(key, number);
        number
    }
}

fn is_no_goods(name: &str, more: &[String]) -> bool {
    let lower = name.to_lowercase();
    let mut words = lower.split(|it: char| !it.is_alphanumeric());
    let listed = |word: &str| NOT_GOODS.contains(&word) || more.iter().any(|it| it == word);
    name.starts_with('?') || words.any(listed)
}

/// Times and numbers of rows not undone yet.
type Sold = Vec<(ShopTime, usize)>;

/// Numbers of rows that undo each other: the same quantity of the same item, back within the hour. A
/// longer time would take a customer who returns a cup for one who mistyped it.
fn undone(rows: &[Row]) -> BTreeSet<usize> {
    let mut sold = BTreeMap::<(&str, &str, Quantity), Sold>::new();
    let mut undone = BTreeSet::new();
    for (number, row) in rows.iter().enumerate() {
        let key = |quantity| (row.store.as_str(), row.item.as_str(), quantity);
        if row.quantity > Quantity::ZERO {
            let of_item = sold.entry(key(row.quantity)).or_default();
            of_item.push((row.at, number));
            continue;
        }
        let Some(before) = sold.get_mut(&key(row.quantity.negated())) else {
            continue;
        };
        if let Some((at, of)) = before.last().copied()
            && row.at.as_millis() - at.as_millis() <= HOUR_MS
        {
            before.pop();
            undone.extend([of, number]);
        }
    }
    undone
}

/// A number below 100 that looks drawn, the same for the same line of the same file.
fn draw(row: &Row, number: usize) -> u64 {
    let words = [
        u64::try_from(number).unwrap_or(0),
        row.at.as_millis().cast_unsigned(),
        row.quantity.as_thousandths().cast_unsigned(),
    ];
    let item = row.item.bytes().map(u64::from);
    words.into_iter().chain(item).fold(7, mix) % 100
}

/// One step of a mixing function (SplitMix64's finish) over what came before.
pub(super) fn mix(state: u64, word: u64) -> u64 {
    let mut it = (state ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15);
    it = (it ^ (it >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    it = (it ^ (it >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    it ^ (it >> 31)
}
