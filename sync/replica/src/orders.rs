//! Orders on both sides: the stored row, what the documents say was done, and what to write.
//!
//! The hub alone changes an order; the stores' documents say what happened to the goods. Both
//! sides read the same documents with [`Progress`] and so count the same hand-over the same way.
//! An end absorbs: a hand-over of a cancelled order moves goods in the ledger, is shown as an
//! exception, and changes no right.

mod drafts;
mod progress;

pub use drafts::{hand_over, pick, put_back, short};
pub use progress::Progress;

use std::collections::BTreeMap;

use shelf_stock::customer_order::{Order, OrderLine, OrderState};
use shelf_stock::document::Tender;
use shelf_stock::item::Part;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::message::{read_order, write_order};

use crate::rights::{Reader, Writer};
use crate::store::{Family, Store};

const FORMAT: u8 = 1;

/// Open orders of one store; more are refused.
pub const OPEN_ORDERS_MAX: u64 = 20_000;

/// An order that a channel wants to place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewOrder {
    /// The channel's own number: the same number again is the same order.
    pub id: OrderId,
    /// Which channel.
    pub channel: ChannelId,
    /// What is ordered, composition resolved.
    pub lines: Vec<OrderLine>,
    /// When the customer was promised to have it.
    pub promised: Option<Timestamp>,
    /// Whether it may be picked before it is paid.
    pub pay_on_collection: bool,
    /// How it is paid.
    pub tenders: Vec<Tender>,
    /// An external marketplace has sold it already: it can't be refused any more.
    pub sold_already: bool,
}

/// What became of an order that a channel wanted to place or change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Its units are reserved.
    Accepted(Box<Order>),
    /// It was accepted before; nothing changed.
    Again(Box<Order>),
    /// Nothing changed.
    Refused(Refusal),
}

/// Why an order is not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// So much of these items could be had here instead.
    Lacking(Vec<Lack>),
    /// The hub was restored from a backup and doesn't know yet what was sold.
    Recovering,
    /// The store has too many open orders, or the order too many lines.
    TooMany,
    /// The number is in use for another order, or the order can't be changed any more.
    Conflict(Box<Order>),
}

/// An item that an order wants more of than its channel may sell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lack {
    /// Which item.
    pub item: ItemId,
    /// What the whole order takes of it.
    pub wanted: Quantity,
    /// What the channel may sell of it now.
    pub possible: Quantity,
}

/// What became of a wish to cancel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelling {
    /// It is cancelled and its units are free.
    Cancelled,
    /// The store has begun with it and decides: it puts back or hands over.
    Requested,
    /// It had come to this end before.
    TooLate(OrderState),
    /// Nobody knows it: should it come later, it dies.
    Tombstone,
}

/// An oversold or missing unit's record: what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compensation {
    /// Whose order.
    pub order: OrderId,
    /// Which item.
    pub item: ItemId,
    /// How many units.
    pub quantity: Quantity,
    /// Why.
    pub cause: Cause,
    /// What was done.
    pub remedy: Remedy,
    /// When, by the hub's clock.
    pub at: Timestamp,
}

/// Why units could not be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cause {
    /// Floor sales overdrew the store's own rights.
    FloorOverdraft,
    /// The picker found fewer than the book says.
    Shrink,
    /// A count found fewer.
    Count,
}

impl Cause {
    fn number(self) -> u8 {
        match self {
            Self::FloorOverdraft => 0,
            Self::Shrink => 1,
            Self::Count => 2,
        }
    }
}

/// What was done about units that can't be delivered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// The order lost them; its channel has to tell the customer.
    Cancelled,
    /// Another store delivers them.
    OtherStore,
    /// The customer takes something else.
    Substitute,
}

impl Remedy {
    fn number(self) -> u8 {
        match self {
            Self::Cancelled => 0,
            Self::OtherStore => 1,
            Self::Substitute => 2,
        }
    }
}

/// Units of an order that can't be delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undeliverable {
    /// Of which item.
    pub item: ItemId,
    /// How many.
    pub quantity: Quantity,
    /// Why.
    pub cause: Cause,
    /// What is done instead.
    pub remedy: Remedy,
}

/// An order with what of it counts as handed over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOrder {
    /// The order.
    pub order: Order,
    /// Its part of O, per item.
    pub counted: BTreeMap<ItemId, Quantity>,
}

impl StoredOrder {
    /// An order by its name.
    pub fn load<S: Store + ?Sized>(store: &S, id: &OrderId) -> Result<Option<Self>, S::Error> {
        let bytes = store.row(Family::Order, id.as_str().as_bytes())?;
        Ok(bytes.and_then(|it| Self::read(&it)))
    }

    pub(crate) fn save<S: Store + ?Sized>(&self, store: &mut S) -> Result<(), S::Error> {
        let count = u64::try_from(self.counted.len()).unwrap_or(u64::MAX);
        let mut bytes = Writer::new(FORMAT)
            .text(&write_order(&self.order))
            .number(count);
        for (item, quantity) in &self.counted {
            bytes = bytes.text(item.as_str().as_bytes()).quantity(*quantity);
        }
        let key = self.order.id.as_str().as_bytes();
        store.set_row(Family::Order, key, &bytes.done())
    }

    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, FORMAT)?;
        let order = read_order(it.text()?).ok()?;
        let mut counted = BTreeMap::new();
        for _ in 0..it.number()? {
            let item = ItemId::new(std::str::from_utf8(it.text()?).ok()?).ok()?;
            counted.insert(item, it.quantity()?);
        }
        it.is_done().then_some(Self { order, counted })
    }

    /// What of the order counts as handed over, if these documents are all there is: the goods of
    /// the first hand-over, at most what the order still wants, unless the hub's verdict is another
    /// end.
    pub fn handed_over(&self, progress: &Progress) -> BTreeMap<ItemId, Quantity> {
        let ended_otherwise = matches!(
            self.order.state,
            OrderState::Cancelled | OrderState::Shorted
        );
        if ended_otherwise || progress.handed_over_by.is_none() {
            return BTreeMap::new();
        }
        // What nobody got stands there as zero: it is known, and not only not known yet.
        let got = |(item, ordered): (ItemId, Quantity)| {
            let got = progress.handed_over.get(&item).copied();
            let got = got.unwrap_or_default().min(ordered);
            (item, got)
        };
        self.order.needs().into_iter().map(got).collect()
    }
}

/// Orders above a name, by name.
pub fn listed<S: Store + ?Sized>(
    store: &S,
    after: Option<&OrderId>,
    max: usize,
) -> Result<Vec<StoredOrder>, S::Error> {
    let after = after.map_or(&[][..], |it| it.as_str().as_bytes());
    let rows = store.rows(Family::Order, after, max)?;
    let read = rows
        .iter()
        .filter_map(|(_, value)| StoredOrder::read(value));
    Ok(read.collect())
}

/// Adds up parts of the same item.
pub(crate) fn sums(parts: &[Part]) -> BTreeMap<ItemId, Quantity> {
    let mut sums = BTreeMap::<ItemId, Quantity>::new();
    for part in parts {
        let sum = sums.entry(part.item.clone()).or_default();
        *sum = sum.plus(part.quantity);
    }
    sums
}

impl Compensation {
    fn key(&self) -> Vec<u8> {
        let mut key = self.order.as_str().as_bytes().to_vec();
        key.push(0);
        key.extend(self.item.as_str().as_bytes());
        key.extend([0, self.cause.number(), self.remedy.number()]);
        key
    }

    /// Adds units to the record of an order's item with this cause and remedy: one record whatever
    /// number of steps, and each unit in exactly one record.
    pub(crate) fn record<S: Store + ?Sized>(mut self, store: &mut S) -> Result<(), S::Error> {
        let before = store.row(Family::Compensation, &self.key())?;
        if let Some(before) = before.and_then(|it| Self::read(&it)) {
            self.quantity = self.quantity.plus(before.quantity);
        }
        let bytes = Writer::new(FORMAT)
            .text(self.order.as_str().as_bytes())
            .text(self.item.as_str().as_bytes())
            .quantity(self.quantity)
            .number(self.cause.number().into())
            .number(self.remedy.number().into())
            .signed(self.at.as_millis())
            .done();
        store.set_row(Family::Compensation, &self.key(), &bytes)
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let mut it = Reader::new(bytes, FORMAT)?;
        let text = |bytes| std::str::from_utf8(bytes).ok();
        Some(Self {
            order: OrderId::new(text(it.text()?)?).ok()?,
            item: ItemId::new(text(it.text()?)?).ok()?,
            quantity: it.quantity()?,
            cause: match it.number()? {
                1 => Cause::Shrink,
                2 => Cause::Count,
                _ => Cause::FloorOverdraft,
            },
            remedy: match it.number()? {
                1 => Remedy::OtherStore,
                2 => Remedy::Substitute,
                _ => Remedy::Cancelled,
            },
            at: Timestamp::from_millis(it.signed()?),
        })
    }
}

/// Every record of units that could not be delivered, by order and item; at most `max`.
pub fn compensations<S: Store + ?Sized>(
    store: &S,
    max: usize,
) -> Result<Vec<Compensation>, S::Error> {
    let rows = store.rows(Family::Compensation, &[], max)?;
    let read = rows
        .iter()
        .filter_map(|(_, value)| Compensation::read(value));
    Ok(read.collect())
}
