//! The hub's orders: accepted by conditional updates, changed by nobody else, told to every PC.
//!
//! A basket is accepted whole or not at all: what it takes is summed per item first and taken from
//! the channel's quotas in the order of the items. What the store did is read from its documents.
//! An end absorbs; what contradicts it becomes an exception and changes no right.

use std::collections::BTreeMap;

use shelf_stock::customer_order::{ORDER_LINES_MAX, Order, OrderLine, OrderState};
use shelf_stock::document::Tender;
use shelf_stock::identity::NodeId;
use shelf_stock::item::Part;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;

use super::rights::Desk;
use super::shop::{self, Shop};
use super::{Hub, HubEffect, HubEvent};
use crate::facts::Facts;
use crate::orders::{
    Cancelling, Cause, Compensation, Decision, Lack, NewOrder, OPEN_ORDERS_MAX, Progress, Refusal,
    Remedy, StoredOrder, Undeliverable,
};
use crate::rights::quotas;
use crate::store::{Family, Store};
use crate::time::Now;

/// A contradiction that somebody has to look at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum OrderTrouble {
    /// The customer has goods of an order that was cancelled: collect, or take the money again.
    HandedOverAfterEnd,
    /// Goods of an order that is at its end still wait in staging: put them back.
    PickedAfterEnd,
    /// The same order was handed over more than once.
    HandedOverAgain,
    /// A marketplace sold more than it was shown.
    SoldUnasked,
}

impl OrderTrouble {
    /// Its word in the API and in texts.
    pub fn word(self) -> &'static str {
        match self {
            Self::HandedOverAfterEnd => "handed_over_after_end",
            Self::PickedAfterEnd => "picked_after_end",
            Self::HandedOverAgain => "handed_over_again",
            Self::SoldUnasked => "sold_unasked",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::HandedOverAfterEnd => 0,
            Self::PickedAfterEnd => 1,
            Self::HandedOverAgain => 2,
            Self::SoldUnasked => 3,
        }
    }

    const ALL: [Self; 4] = [
        Self::HandedOverAfterEnd,
        Self::PickedAfterEnd,
        Self::HandedOverAgain,
        Self::SoldUnasked,
    ];
}

/// Every contradiction of a shop's orders, by order; at most `max`.
pub fn troubles<S: Store + ?Sized>(
    store: &S,
    max: usize,
) -> Result<Vec<(OrderId, OrderTrouble)>, S::Error> {
    let rows = store.rows(Family::Exception, &[], max)?;
    let read = |(key, _): &(Vec<u8>, Vec<u8>)| {
        let (code, order) = key.split_last()?;
        let trouble = OrderTrouble::ALL
            .into_iter()
            .find(|it| it.code() == *code)?;
        let order = OrderId::new(std::str::from_utf8(order).ok()?).ok()?;
        Some((order, trouble))
    };
    Ok(rows.iter().filter_map(read).collect())
}

impl Hub {
    /// Accepts an order or says what could be had instead. The same order again is answered alike.
    pub fn accept<S: Store + ?Sized>(
        &mut self,
        now: Now,
        new: &NewOrder,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<Decision, S::Error> {
        if let Some(held) = StoredOrder::load(store, &new.id)? {
            let order = Box::new(held.order);
            let same = order.channel == new.channel && order.lines == new.lines;
            return Ok(match same {
                true => Decision::Again(order),
                false => Decision::Refused(Refusal::Conflict(order)),
            });
        }
        let mut shop = Shop::load(store)?;
        if shop.recovering.is_some() && !new.sold_already {
            return Ok(Decision::Refused(Refusal::Recovering));
        }
        let mut order = Order {
            id: new.id.clone(),
            channel: new.channel.clone(),
            revision: 0,
            stamp: 0,
            state: OrderState::Reserved,
            cancel_wanted: false,
            owner: shop.grantor,
            lines: new.lines.clone(),
            shorted: Vec::new(),
            accepted: now.wall,
            promised: new.promised,
            pay_on_collection: new.pay_on_collection,
            tenders: new.tenders.clone(),
        };
        let needs = order.needs();
        let fits = (1..=ORDER_LINES_MAX).contains(&order.lines.len()) && !needs.is_empty();
        if !fits || shop.open_orders >= OPEN_ORDERS_MAX {
            return Ok(Decision::Refused(Refusal::TooMany));
        }
        let lacking = self.take_all(now, &new.channel, &needs, store)?;
        if !lacking.is_empty() {
            if !new.sold_already {
                return Ok(Decision::Refused(Refusal::Lacking(lacking)));
            }
            force(&new.channel, &needs, store)?;
            self.trouble(&order.id, OrderTrouble::SoldUnasked, store, effects)?;
        }
        if new.sold_already {
            sold(&new.channel, &needs, store)?;
        }
        self.publish(&mut order, &mut shop, BTreeMap::new(), store, effects)?;
        levels(needs.into_keys(), effects);
        Ok(Decision::Accepted(Box::new(order)))
    }

    /// Takes all of it from a channel's quotas or nothing; returns what is lacking.
    fn take_all<S: Store + ?Sized>(
        &self,
        now: Now,
        channel: &ChannelId,
        needs: &BTreeMap<ItemId, Quantity>,
        store: &mut S,
    ) -> Result<Vec<Lack>, S::Error> {
        let mut lacking = Vec::new();
        for (item, wanted) in needs {
            let possible = self.possible(now, channel, item, store)?;
            if possible < *wanted {
                lacking.push(Lack {
                    item: item.clone(),
                    wanted: *wanted,
                    possible,
                });
            }
        }
        if !lacking.is_empty() {
            return Ok(lacking);
        }
        let policy = shop::policy(store)?;
        let mut taken: Vec<(&ItemId, Quantity)> = Vec::new();
        for (item, wanted) in needs {
            borrow(channel, item, *wanted, &policy, store)?;
            if store.quota_take(item, channel, *wanted)? {
                taken.push((item, *wanted));
                continue;
            }
            // Somebody else was quicker: nothing of the basket is kept.
            for (item, quantity) in taken {
                release(channel, item, quantity, store)?;
            }
            return Ok(vec![Lack {
                item: item.clone(),
                wanted: *wanted,
                possible: store.quota(item, channel)?.left().max(Quantity::ZERO),
            }]);
        }
        Ok(Vec::new())
    }

    /// Cancels an order, or asks the store to where it has begun.
    pub fn cancel<S: Store + ?Sized>(
        &mut self,
        now: Now,
        id: &OrderId,
        channel: &ChannelId,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<Cancelling, S::Error> {
        let mut shop = Shop::load(store)?;
        let Some(held) = StoredOrder::load(store, id)? else {
            let mut tombstone = tombstone(id, channel, now);
            self.publish(&mut tombstone, &mut shop, BTreeMap::new(), store, effects)?;
            return Ok(Cancelling::Tombstone);
        };
        let mut order = held.order;
        match order.state {
            OrderState::Cancelled => return Ok(Cancelling::Cancelled),
            OrderState::HandedOver | OrderState::Shorted => {
                return Ok(Cancelling::TooLate(order.state));
            }
            OrderState::Picking => {
                order.cancel_wanted = true;
                self.publish(&mut order, &mut shop, held.counted, store, effects)?;
                return Ok(Cancelling::Requested);
            }
            OrderState::Reserved => {}
        }
        self.end(&mut order, OrderState::Cancelled, &mut shop, store, effects)?;
        Ok(Cancelling::Cancelled)
    }

    /// Gives back what an order still holds and ends it.
    fn end<S: Store + ?Sized>(
        &mut self,
        order: &mut Order,
        state: OrderState,
        shop: &mut Shop,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let needs = order.needs();
        for (item, quantity) in &needs {
            release(&order.channel, item, *quantity, store)?;
        }
        order.state = state;
        order.cancel_wanted = false;
        self.publish(order, shop, BTreeMap::new(), store, effects)?;
        self.resettle(needs.into_keys().collect(), store, effects)
    }

    /// Replaces what an order wants, all or nothing, while nobody has begun with it.
    pub fn change<S: Store + ?Sized>(
        &mut self,
        now: Now,
        id: &OrderId,
        lines: Vec<OrderLine>,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<Option<Decision>, S::Error> {
        let Some(held) = StoredOrder::load(store, id)? else {
            return Ok(None);
        };
        let mut shop = Shop::load(store)?;
        let mut order = held.order;
        if order.state != OrderState::Reserved || order.cancel_wanted {
            return Ok(Some(Decision::Refused(Refusal::Conflict(Box::new(order)))));
        }
        if shop.recovering.is_some() {
            return Ok(Some(Decision::Refused(Refusal::Recovering)));
        }
        let before = order.needs();
        order.lines = lines;
        let after = order.needs();
        if !(1..=ORDER_LINES_MAX).contains(&order.lines.len()) || after.is_empty() {
            return Ok(Some(Decision::Refused(Refusal::TooMany)));
        }
        let (more, less) = difference(&before, &after);
        let lacking = self.take_all(now, &order.channel, &more, store)?;
        if !lacking.is_empty() {
            return Ok(Some(Decision::Refused(Refusal::Lacking(lacking))));
        }
        for (item, quantity) in &less {
            release(&order.channel, item, *quantity, store)?;
        }
        self.publish(&mut order, &mut shop, held.counted, store, effects)?;
        let items = more.into_keys().chain(less.into_keys());
        self.resettle(items.collect(), store, effects)?;
        Ok(Some(Decision::Accepted(Box::new(order))))
    }

    /// Replaces how an order is paid, at any time. Returns whether there is such an order.
    pub fn pay<S: Store + ?Sized>(
        &mut self,
        id: &OrderId,
        tenders: Vec<Tender>,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<bool, S::Error> {
        let Some(held) = StoredOrder::load(store, id)? else {
            return Ok(false);
        };
        let mut order = held.order;
        if order.tenders != tenders {
            order.tenders = tenders;
            let mut shop = Shop::load(store)?;
            self.publish(&mut order, &mut shop, held.counted, store, effects)?;
        }
        Ok(true)
    }

    /// What the store's new documents did to orders.
    pub(super) fn on_facts<S: Store + ?Sized>(
        &mut self,
        now: Now,
        facts: &Facts,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        for id in &facts.orders {
            self.follow_order(now, id, store, effects)?;
        }
        for item in &facts.items {
            let desk = Desk::load(store, item)?;
            self.note_oversold(now, &desk, store)?;
        }
        Ok(())
    }

    /// Brings an order to where the store's documents say that it is.
    pub(super) fn follow_order<S: Store + ?Sized>(
        &mut self,
        now: Now,
        id: &OrderId,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        // The row may come later: a restored hub learns orders after documents.
        let Some(held) = StoredOrder::load(store, id)? else {
            return Ok(());
        };
        let progress = Progress::of(&store.order_facts(id)?);
        self.contradictions(&held.order, &progress, store, effects)?;
        if held.order.state.is_end() {
            return Ok(());
        }
        let mut shop = Shop::load(store)?;
        let mut order = held.order.clone();
        let mut items = short(now, &mut order, &progress.missing, Cause::Shrink, store)?;
        let mut counted = held.counted.clone();
        if progress.handed_over_by.is_some() {
            order.state = OrderState::HandedOver;
            let stored = StoredOrder {
                order: order.clone(),
                counted: BTreeMap::new(),
            };
            counted = stored.handed_over(&progress);
            items.extend(hand_over(&order, &counted, store)?);
        } else if order.needs().is_empty() {
            order.state = OrderState::Shorted;
        } else if order.cancel_wanted && progress.is_put_back {
            self.end(&mut order, OrderState::Cancelled, &mut shop, store, effects)?;
            return Ok(());
        } else if progress.is_picked {
            order.state = OrderState::Picking;
        } else if progress.is_put_back {
            order.state = OrderState::Reserved;
        }
        if order != held.order {
            self.publish(&mut order, &mut shop, counted, store, effects)?;
        }
        self.resettle(items, store, effects)
    }

    fn contradictions<S: Store + ?Sized>(
        &mut self,
        order: &Order,
        progress: &Progress,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let ended = matches!(order.state, OrderState::Cancelled | OrderState::Shorted);
        let handed = progress.handed_over_by.is_some();
        if !progress.again.is_empty() {
            self.trouble(&order.id, OrderTrouble::HandedOverAgain, store, effects)?;
        }
        if ended && handed {
            self.trouble(&order.id, OrderTrouble::HandedOverAfterEnd, store, effects)?;
        }
        let key = trouble_key(&order.id, OrderTrouble::PickedAfterEnd);
        if ended && progress.is_picked {
            self.trouble(&order.id, OrderTrouble::PickedAfterEnd, store, effects)?;
        } else if store.row(Family::Exception, &key)?.is_some() {
            store.delete_row(Family::Exception, &key)?;
        }
        Ok(())
    }

    fn trouble<S: Store + ?Sized>(
        &self,
        order: &OrderId,
        trouble: OrderTrouble,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let key = trouble_key(order, trouble);
        if store.row(Family::Exception, &key)?.is_none() {
            store.set_row(Family::Exception, &key, &[])?;
            effects.push(HubEffect::Event(HubEvent::Exception {
                order: order.clone(),
                trouble,
            }));
        }
        Ok(())
    }

    /// Takes undeliverable units from an order: one record, whatever was done instead.
    pub fn compensate<S: Store + ?Sized>(
        &mut self,
        now: Now,
        id: &OrderId,
        missing: &Undeliverable,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<Quantity, S::Error> {
        let Some(held) = StoredOrder::load(store, id)? else {
            return Ok(Quantity::ZERO);
        };
        let mut order = held.order;
        let needed = order
            .needs()
            .get(&missing.item)
            .copied()
            .unwrap_or_default();
        let quantity = missing.quantity.min(needed);
        if order.state.is_end() || quantity <= Quantity::ZERO {
            return Ok(Quantity::ZERO);
        }
        drop_units(&mut order, &missing.item, quantity, store)?;
        let lost = Undeliverable {
            quantity,
            ..missing.clone()
        };
        record(now, &order.id, &lost, store)?;
        if order.needs().is_empty() {
            order.state = OrderState::Shorted;
        }
        let mut shop = Shop::load(store)?;
        self.publish(&mut order, &mut shop, held.counted, store, effects)?;
        effects.push(HubEffect::Event(HubEvent::Compensated {
            order: order.id.clone(),
            item: missing.item.clone(),
            quantity,
            cause: missing.cause,
        }));
        self.resettle(vec![missing.item.clone()], store, effects)?;
        self.tell_rights(now, std::slice::from_ref(&missing.item), store, effects)?;
        Ok(quantity)
    }

    /// Gives an order its next revision and stamp, keeps it and offers it to the PCs.
    pub(super) fn publish<S: Store + ?Sized>(
        &mut self,
        order: &mut Order,
        shop: &mut Shop,
        counted: BTreeMap<ItemId, Quantity>,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if order.stamp > 0 {
            store.delete_row(Family::OrderStamp, &order.stamp.to_be_bytes())?;
        }
        order.revision = order.revision.saturating_add(1);
        self.keep(order, shop, store)?;
        let stored = StoredOrder {
            order: order.clone(),
            counted,
        };
        stored.save(store)?;
        effects.push(HubEffect::Event(HubEvent::OrderChanged {
            order: order.id.clone(),
            state: order.state,
        }));
        Ok(())
    }

    /// Gives an order a stamp and lists it where it is open.
    pub(super) fn keep<S: Store + ?Sized>(
        &mut self,
        order: &mut Order,
        shop: &mut Shop,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let name = order.id.as_str().as_bytes();
        let was_open = store.row(Family::OpenOrder, name)?.is_some();
        match (was_open, !order.state.is_end()) {
            (false, true) => {
                store.set_row(Family::OpenOrder, name, &[])?;
                shop.open_orders = shop.open_orders.saturating_add(1);
            }
            (true, false) => {
                store.delete_row(Family::OpenOrder, name)?;
                shop.open_orders = shop.open_orders.saturating_sub(1);
            }
            _ => {}
        }
        order.stamp = shop.next_stamp();
        shop.save(store)?;
        store.set_row(Family::OrderStamp, &order.stamp.to_be_bytes(), name)
    }

    /// After units became free or were lost: what the store wants back goes back.
    fn resettle<S: Store + ?Sized>(
        &mut self,
        items: Vec<ItemId>,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let policy = shop::policy(store)?;
        for item in &items {
            let before = Desk::load(store, item)?;
            let mut desk = before.clone();
            desk.settle(&policy);
            desk.save(&before, store)?;
            if desk.cells.returned != desk.cells.returned_seen {
                self.changed.insert(item.clone());
            }
        }
        levels(items.into_iter(), effects);
        Ok(())
    }

    /// The orders that a PC does for this shop belong to this PC from now on.
    pub fn assign<S: Store + ?Sized>(
        &mut self,
        id: &OrderId,
        owner: NodeId,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<bool, S::Error> {
        let Some(held) = StoredOrder::load(store, id)? else {
            return Ok(false);
        };
        let mut order = held.order;
        if order.owner != Some(owner) && !order.state.is_end() {
            order.owner = Some(owner);
            let mut shop = Shop::load(store)?;
            self.publish(&mut order, &mut shop, held.counted, store, effects)?;
        }
        Ok(true)
    }
}

fn trouble_key(order: &OrderId, trouble: OrderTrouble) -> Vec<u8> {
    let mut key = order.as_str().as_bytes().to_vec();
    key.push(trouble.code());
    key
}

fn levels(items: impl Iterator<Item = ItemId>, effects: &mut Vec<HubEffect>) {
    let items: Vec<ItemId> = items.collect();
    if !items.is_empty() {
        effects.push(HubEffect::Event(HubEvent::LevelsChanged { items }));
    }
}

/// What a channel has too little of, it takes from others that have it free.
fn borrow<S: Store + ?Sized>(
    channel: &ChannelId,
    item: &ItemId,
    wanted: Quantity,
    policy: &shelf_wire::message::Policy,
    store: &mut S,
) -> Result<(), S::Error> {
    let before = Desk::load(store, item)?;
    let lacking = wanted.minus(store.quota(item, channel)?.left());
    if lacking <= Quantity::ZERO {
        return Ok(());
    }
    let mut desk = before.clone();
    let own = desk.spare().max(Quantity::ZERO).min(lacking);
    let others = quotas::take(&mut desk.quotas, policy, lacking.minus(own), Some(channel));
    let quota = desk.quotas.entry(channel.clone()).or_default();
    quota.limit = quota.limit.plus(own).plus(others);
    desk.save(&before, store)?;
    Ok(())
}

/// Units of an order are free again.
fn release<S: Store + ?Sized>(
    channel: &ChannelId,
    item: &ItemId,
    quantity: Quantity,
    store: &mut S,
) -> Result<(), S::Error> {
    let mut quota = store.quota(item, channel)?;
    quota.used = quota.used.minus(quantity);
    store.set_quota(item, channel, quota)
}

/// What can't be refused any more counts, even beyond the limit.
pub(super) fn force<S: Store + ?Sized>(
    channel: &ChannelId,
    needs: &BTreeMap<ItemId, Quantity>,
    store: &mut S,
) -> Result<(), S::Error> {
    for (item, quantity) in needs {
        let mut quota = store.quota(item, channel)?;
        quota.used = quota.used.plus(*quantity);
        store.set_quota(item, channel, quota)?;
    }
    Ok(())
}

/// A marketplace has sold of what it was shown: it can sell so much less by itself.
fn sold<S: Store + ?Sized>(
    channel: &ChannelId,
    needs: &BTreeMap<ItemId, Quantity>,
    store: &mut S,
) -> Result<(), S::Error> {
    for (item, quantity) in needs {
        let mut quota = store.quota(item, channel)?;
        quota.held = quota.held.minus(*quantity).max(Quantity::ZERO);
        store.set_quota(item, channel, quota)?;
    }
    Ok(())
}

/// An order loses units that nobody can deliver: the right to them goes back with them.
fn drop_units<S: Store + ?Sized>(
    order: &mut Order,
    item: &ItemId,
    quantity: Quantity,
    store: &mut S,
) -> Result<(), S::Error> {
    let mut quota = store.quota(item, &order.channel)?;
    quota.used = quota.used.minus(quantity);
    quota.limit = quota.limit.minus(quantity);
    store.set_quota(item, &order.channel, quota)?;
    let mut cells = crate::rights::HubCells::load(store, item)?;
    cells.returned = cells.returned.plus(quantity);
    cells.save(store, item)?;
    order.shorted.push(Part {
        item: item.clone(),
        quantity,
    });
    Ok(())
}

fn record<S: Store + ?Sized>(
    now: Now,
    order: &OrderId,
    lost: &Undeliverable,
    store: &mut S,
) -> Result<(), S::Error> {
    Compensation {
        order: order.clone(),
        item: lost.item.clone(),
        quantity: lost.quantity,
        cause: lost.cause,
        remedy: lost.remedy,
        at: now.wall,
    }
    .record(store)
}

/// What pickers found missing beyond what the order has lost already.
fn short<S: Store + ?Sized>(
    now: Now,
    order: &mut Order,
    missing: &BTreeMap<ItemId, Quantity>,
    cause: Cause,
    store: &mut S,
) -> Result<Vec<ItemId>, S::Error> {
    let lost = crate::orders::sums(&order.shorted);
    let mut items = Vec::new();
    for (item, quantity) in missing {
        let known = lost.get(item).copied().unwrap_or_default();
        let needed = order.needs().get(item).copied().unwrap_or_default();
        let more = quantity.minus(known).min(needed);
        if more > Quantity::ZERO {
            drop_units(order, item, more, store)?;
            let lost = Undeliverable {
                item: item.clone(),
                quantity: more,
                cause,
                remedy: Remedy::Cancelled,
            };
            record(now, &order.id, &lost, store)?;
            items.push(item.clone());
        }
    }
    Ok(items)
}

/// O grows by what was handed over; what the order still wanted is free again.
fn hand_over<S: Store + ?Sized>(
    order: &Order,
    counted: &BTreeMap<ItemId, Quantity>,
    store: &mut S,
) -> Result<Vec<ItemId>, S::Error> {
    let mut items = Vec::new();
    for (item, quantity) in counted {
        let mut cells = crate::rights::HubCells::load(store, item)?;
        cells.handed_over = cells.handed_over.plus(*quantity);
        cells.save(store, item)?;
        items.push(item.clone());
    }
    for (item, needed) in order.needs() {
        let handed = counted.get(&item).copied().unwrap_or_default();
        release(&order.channel, &item, needed.minus(handed), store)?;
        items.push(item);
    }
    items.sort();
    items.dedup();
    Ok(items)
}

/// What more and what less one basket takes than another.
fn difference(
    before: &BTreeMap<ItemId, Quantity>,
    after: &BTreeMap<ItemId, Quantity>,
) -> (BTreeMap<ItemId, Quantity>, BTreeMap<ItemId, Quantity>) {
    let (mut more, mut less) = (BTreeMap::new(), BTreeMap::new());
    for item in before.keys().chain(after.keys()) {
        let of = |it: &BTreeMap<ItemId, Quantity>| it.get(item).copied().unwrap_or_default();
        let change = of(after).minus(of(before));
        if change > Quantity::ZERO {
            more.insert(item.clone(), change);
        } else if change < Quantity::ZERO {
            less.insert(item.clone(), change.negated());
        }
    }
    (more, less)
}

fn tombstone(id: &OrderId, channel: &ChannelId, now: Now) -> Order {
    Order {
        id: id.clone(),
        channel: channel.clone(),
        revision: 0,
        stamp: 0,
        state: OrderState::Cancelled,
        cancel_wanted: false,
        owner: None,
        lines: Vec::new(),
        shorted: Vec::new(),
        accepted: now.wall,
        promised: None,
        pay_on_collection: false,
        tenders: Vec::new(),
    }
}
