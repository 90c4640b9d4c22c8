//! The hub's orders: accepted by conditional updates, changed by nobody else, told to every PC.
//!
//! A basket is accepted whole or not at all: what it takes is summed per item first and taken from
//! the channel's quotas in the order of the items. What the store did is read from its documents.
//! An end absorbs; what contradicts it becomes an exception and changes no right.

use std::collections::BTreeMap;

use shelf_stock::customer_order::{ORDER_LINES_MAX, Order, OrderLine, OrderState};
use shelf_stock::document::Tender;
use shelf_stock::identity::NodeId;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;

use super::rights::Desk;
use super::shop::{self, Shop};
use super::units::{borrow, drop_units, force, record, release, sold};
use super::{Hub, HubEffect, HubEvent, OrderTrouble};
use crate::orders::{
    Cancelling, Decision, Lack, NewOrder, OPEN_ORDERS_MAX, Refusal, StoredOrder, Undeliverable,
};
use crate::retention::Mark;
use crate::store::{Family, Store};
use crate::time::Now;

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
        if let Some(mark) = Mark::load(store, &new.id)? {
            let order = Box::new(mark.order(&new.id));
            return Ok(Decision::Refused(Refusal::Conflict(order)));
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
            if let Some(mark) = Mark::load(store, id)? {
                return Ok(match mark.state {
                    OrderState::Cancelled => Cancelling::Cancelled,
                    state => Cancelling::TooLate(state),
                });
            }
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
    pub(super) fn end<S: Store + ?Sized>(
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
    pub(super) fn resettle<S: Store + ?Sized>(
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

fn levels(items: impl Iterator<Item = ItemId>, effects: &mut Vec<HubEffect>) {
    let items: Vec<ItemId> = items.collect();
    if !items.is_empty() {
        effects.push(HubEffect::Event(HubEvent::LevelsChanged { items }));
    }
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
