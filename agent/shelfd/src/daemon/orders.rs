//! The store's orders as people and programs see them: what is open, how far it is, what is wrong.
//!
//! Read from the hub's rows and the store's own documents whenever one of them changed, and kept
//! until the next change, because every status page asks. It decides nothing: an order's state is
//! the hub's, what was done is the documents', and what contradicts itself is shown until somebody
//! has dealt with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};
use shelf_ledger::tables::TableError;
use shelf_ledger::{Read, ReadError};
use shelf_replica::orders::{Progress, StoredOrder, listed};
use shelf_replica::rights::StoreCells;
use shelf_replica::store::Store as _;
use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use tokio::sync::watch;

use super::shop::Shop;

/// Orders that are shown; more are counted.
pub(crate) const SHOWN_MAX: usize = 500;
/// How long an order that came to its end is looked at for contradictions.
const ENDED_MS_MAX: i64 = 14 * 24 * 3_600_000;
/// Orders that are read at once.
const PAGE_ORDERS: usize = 200;
/// Items that a picker didn't find, at most so many are looked at.
const SHUT_MAX: usize = 1_000;

/// Units that orders lost, at most so many are listed.
const LOST_MAX: usize = 200;

/// What waits for whom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Stage {
    /// On the shelf.
    Waiting,
    /// In staging.
    Picked,
    /// The customer has it.
    HandedOver,
    /// Came to another end.
    Ended,
}

/// What contradicts itself about an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Trouble {
    /// The channel wants it cancelled and goods are in staging: put back or hand over.
    CancelWanted,
    /// It is cancelled and goods are in staging: put them back.
    PickedAfterEnd,
    /// It is cancelled and the customer has the goods.
    HandedOverAfterEnd,
    /// It was handed over more than once.
    HandedOverTwice,
    /// Goods are in staging and nobody has paid.
    PickedUnpaid,
}

impl Trouble {
    /// Its text's key.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::CancelWanted => "trouble_cancel_wanted",
            Self::PickedAfterEnd => "trouble_picked_after_end",
            Self::HandedOverAfterEnd => "trouble_handed_over_after_end",
            Self::HandedOverTwice => "trouble_handed_over_twice",
            Self::PickedUnpaid => "trouble_picked_unpaid",
        }
    }
}

/// What an order takes of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Goods {
    /// Which.
    pub(crate) item: ItemId,
    /// What it is called.
    pub(crate) name: String,
    /// How much of it.
    pub(crate) quantity: Quantity,
    /// What the book says is there.
    pub(crate) on_hand: Quantity,
    /// How much a picker didn't find.
    pub(crate) missing: Quantity,
}

/// An order with what was done about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct OrderView {
    /// As the hub knows it.
    #[serde(flatten)]
    pub(crate) order: Order,
    /// What the store has done.
    pub(crate) stage: Stage,
    /// Whether goods may be taken from the shelf for it.
    pub(crate) may_be_picked: bool,
    /// What it takes from the shelf.
    pub(crate) goods: Vec<Goods>,
    /// What somebody has to look at.
    pub(crate) exceptions: Vec<Trouble>,
}

impl OrderView {
    /// Whether something is still to be done for the customer.
    pub(crate) fn is_open(&self) -> bool {
        matches!(self.stage, Stage::Waiting | Stage::Picked)
    }

    /// Whether the promised time has passed.
    pub(crate) fn is_late(&self, now: Timestamp) -> bool {
        self.is_open() && self.order.promised.is_some_and(|it| it < now)
    }

    /// By when it should be ready.
    fn due(&self) -> Timestamp {
        self.order.promised.unwrap_or(self.order.accepted)
    }
}

/// Why an order lost units, as far as this store's own documents tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum LostCause {
    /// A picker didn't find them.
    NotFound,
    /// The book said that they are gone: sold on the floor, or counted away.
    Gone,
}

impl LostCause {
    /// Its text's key.
    pub(crate) fn key(self) -> &'static str {
        match self {
            Self::NotFound => "lost_not_found",
            Self::Gone => "lost_gone",
        }
    }
}

/// Units that an order lost because the store could not deliver them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Lost {
    /// Which order.
    pub(crate) order: OrderId,
    /// Whose it is.
    pub(crate) channel: ChannelId,
    /// Which item.
    pub(crate) item: ItemId,
    /// What it is called.
    pub(crate) name: String,
    /// How much.
    pub(crate) quantity: Quantity,
    /// When the order was accepted.
    pub(crate) accepted: Timestamp,
    /// Why.
    pub(crate) cause: LostCause,
}

/// All orders that somebody has to know of.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    /// The most urgent ones, exceptions first.
    pub(crate) shown: Vec<OrderView>,
    /// How many are open.
    pub(crate) open: usize,
    /// How many have exceptions.
    pub(crate) troubled: usize,
    /// When open ones were promised.
    promised: Vec<Timestamp>,
    /// R by item and channel.
    pub(crate) reserved: BTreeMap<ItemId, BTreeMap<ChannelId, Quantity>>,
    /// Units that orders of the last two weeks lost.
    pub(crate) lost: Vec<Lost>,
    /// Items that pickers didn't find.
    missing: Vec<ItemId>,
}

impl Orders {
    /// How many open ones are late.
    pub(crate) fn late(&self, now: Timestamp) -> usize {
        self.promised.iter().filter(|it| **it < now).count()
    }

    /// An order by its number.
    pub(crate) fn find(&self, id: &str) -> Option<&OrderView> {
        self.shown.iter().find(|it| it.order.id.as_str() == id)
    }
}

/// Keeps what was read until something changes.
#[derive(Debug)]
pub(crate) struct OrderBoard {
    revision: watch::Sender<u64>,
    held: Mutex<Option<(u64, Arc<Orders>)>>,
}

impl OrderBoard {
    /// Nothing read yet.
    pub(crate) fn new() -> Self {
        Self {
            revision: watch::channel(1).0,
            held: Mutex::default(),
        }
    }

    /// An order, or what was done about one, changed.
    pub(crate) fn changed(&self) {
        self.revision.send_modify(|it| *it += 1);
    }

    /// Hears of changes.
    pub(crate) fn watch(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The orders as they are now. Waits for the disk.
    pub(crate) fn orders(&self, shop: &Shop, now: Timestamp) -> Result<Arc<Orders>, ReadError> {
        let revision = *self.revision.borrow();
        let held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, orders)) = held.as_ref().filter(|(at, _)| *at == revision) {
            return Ok(orders.clone());
        }
        drop(held);
        let orders = Arc::new(shop.readers.with(|ledger| read(ledger, now))?);
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        *held = Some((revision, orders.clone()));
        Ok(orders)
    }
}

/// Items that are shut online until somebody counts them: those of `orders` that still are.
pub(crate) fn shut(ledger: &Read<'_>, orders: &Orders) -> Result<Vec<ItemId>, TableError> {
    let mut shut = Vec::new();
    for item in &orders.missing {
        if StoreCells::load(ledger.tables(), item)?
            .shut_since
            .is_some()
        {
            shut.push(item.clone());
        }
    }
    Ok(shut)
}

fn read(ledger: &Read<'_>, now: Timestamp) -> Result<Orders, TableError> {
    let mut orders = Orders::default();
    let mut after: Option<OrderId> = None;
    loop {
        let page = listed(ledger.tables(), after.as_ref(), PAGE_ORDERS)?;
        after = page.last().map(|it| it.order.id.clone());
        let is_last = page.len() < PAGE_ORDERS;
        for stored in page {
            take(ledger, now, stored, &mut orders)?;
        }
        if orders.shown.len() > SHOWN_MAX || is_last {
            orders
                .shown
                .sort_by_key(|it| (it.exceptions.is_empty(), it.due(), it.order.id.clone()));
            orders.shown.truncate(SHOWN_MAX);
        }
        if is_last {
            orders.missing.sort_unstable();
            orders.missing.dedup();
            return Ok(orders);
        }
    }
}

fn take(
    ledger: &Read<'_>,
    now: Timestamp,
    stored: StoredOrder,
    orders: &mut Orders,
) -> Result<(), TableError> {
    let order = stored.order;
    if order.state.is_end() && now.millis_since(order.accepted) > ENDED_MS_MAX {
        return Ok(());
    }
    let progress = Progress::of(&ledger.tables().order_facts(&order.id)?);
    let room = SHUT_MAX.saturating_sub(orders.missing.len());
    orders
        .missing
        .extend(progress.missing.keys().take(room).cloned());
    note_lost(ledger, &order, &progress, orders)?;
    let view = view(ledger, order, &progress)?;
    if view.is_open() {
        orders.open += 1;
        orders.promised.extend(view.order.promised);
        for (item, quantity) in view.order.needs() {
            let of = orders.reserved.entry(item).or_default();
            let sum = of.entry(view.order.channel.clone()).or_default();
            *sum = sum.plus(quantity);
        }
    }
    orders.troubled += usize::from(!view.exceptions.is_empty());
    if view.is_open() || !view.exceptions.is_empty() {
        orders.shown.push(view);
    }
    Ok(())
}

/// Lists what an order lost.
fn note_lost(
    ledger: &Read<'_>,
    order: &Order,
    progress: &Progress,
    orders: &mut Orders,
) -> Result<(), TableError> {
    let room = LOST_MAX.saturating_sub(orders.lost.len());
    for part in order.shorted.iter().take(room) {
        let name = ledger.item(&part.item)?.map(|it| it.name);
        orders.lost.push(Lost {
            order: order.id.clone(),
            channel: order.channel.clone(),
            item: part.item.clone(),
            name: name.unwrap_or_else(|| part.item.to_string()),
            quantity: part.quantity,
            accepted: order.accepted,
            cause: match progress.missing.contains_key(&part.item) {
                true => LostCause::NotFound,
                false => LostCause::Gone,
            },
        });
    }
    Ok(())
}

/// One order with what was done about it.
pub(crate) fn one(ledger: &Read<'_>, id: &OrderId) -> Result<Option<OrderView>, TableError> {
    let Some(stored) = StoredOrder::load(ledger.tables(), id)? else {
        return Ok(None);
    };
    let progress = Progress::of(&ledger.tables().order_facts(id)?);
    view(ledger, stored.order, &progress).map(Some)
}

fn view(ledger: &Read<'_>, order: Order, progress: &Progress) -> Result<OrderView, TableError> {
    let mut goods = Vec::new();
    for (item, quantity) in order.needs() {
        let name = ledger.item(&item)?.map(|it| it.name);
        goods.push(Goods {
            name: name.unwrap_or_else(|| item.to_string()),
            quantity,
            on_hand: ledger.book(&item)?,
            missing: progress.missing.get(&item).copied().unwrap_or_default(),
            item,
        });
    }
    let stage = stage(&order, progress);
    Ok(OrderView {
        exceptions: troubles(&order, progress),
        may_be_picked: order.may_be_picked() && stage == Stage::Waiting,
        order,
        stage,
        goods,
    })
}

fn stage(order: &Order, progress: &Progress) -> Stage {
    match (order.state.is_end(), progress) {
        (_, it) if it.handed_over_by.is_some() => Stage::HandedOver,
        (false, it) if it.is_picked => Stage::Picked,
        (false, _) => Stage::Waiting,
        (true, _) => Stage::Ended,
    }
}

/// What contradicts itself.
pub(crate) fn troubles(order: &Order, progress: &Progress) -> Vec<Trouble> {
    let given_up = matches!(order.state, OrderState::Cancelled | OrderState::Shorted);
    let handed_over = progress.handed_over_by.is_some();
    let unpaid = !order.pay_on_collection
        && !order.state.is_end()
        && (order.tenders.is_empty() || order.tenders.iter().any(|it| !it.state.is_paid()));
    let all = [
        (
            order.cancel_wanted && progress.is_picked && !order.state.is_end(),
            Trouble::CancelWanted,
        ),
        (given_up && progress.is_picked, Trouble::PickedAfterEnd),
        (given_up && handed_over, Trouble::HandedOverAfterEnd),
        (!progress.again.is_empty(), Trouble::HandedOverTwice),
        (unpaid && progress.is_picked, Trouble::PickedUnpaid),
    ];
    let holds = all.into_iter().filter(|(holds, _)| *holds);
    holds.map(|(_, trouble)| trouble).collect()
}
