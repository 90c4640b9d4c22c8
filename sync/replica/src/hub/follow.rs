//! What the store did about orders, read from its documents, and what contradicts it.

use std::collections::BTreeMap;

use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;

use super::order_flow::account;
use super::rights::Desk;
use super::shop::{self, Shop};
use super::units::{drop_units, record, release};
use super::{Hub, HubEffect, HubEvent};
use crate::facts::Facts;
use crate::orders::{Cause, Progress, Remedy, StoredOrder, Undeliverable};
use crate::rights::HubCells;
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
    /// The customer has less than the order wants: it was changed while somebody handed it over.
    HandedOverLess,
}

impl OrderTrouble {
    /// Its word in the API and in texts.
    pub fn word(self) -> &'static str {
        match self {
            Self::HandedOverAfterEnd => "handed_over_after_end",
            Self::PickedAfterEnd => "picked_after_end",
            Self::HandedOverAgain => "handed_over_again",
            Self::SoldUnasked => "sold_unasked",
            Self::HandedOverLess => "handed_over_less",
        }
    }

    fn code(self) -> u8 {
        match self {
            Self::HandedOverAfterEnd => 0,
            Self::PickedAfterEnd => 1,
            Self::HandedOverAgain => 2,
            Self::SoldUnasked => 3,
            Self::HandedOverLess => 4,
        }
    }

    const ALL: [Self; 5] = [
        Self::HandedOverAfterEnd,
        Self::PickedAfterEnd,
        Self::HandedOverAgain,
        Self::SoldUnasked,
        Self::HandedOverLess,
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
        // A shop without policy sells nothing online: its documents needn't pay for it.
        if facts.items.is_empty() || shop::policy(store)?.revision == 0 {
            return Ok(());
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
        if held.order.state == OrderState::HandedOver {
            return recount(&held, &progress, store);
        }
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
            if counted != order.needs() {
                self.trouble(id, OrderTrouble::HandedOverLess, store, effects)?;
            }
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

    pub(super) fn contradictions<S: Store + ?Sized>(
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

    pub(super) fn trouble<S: Store + ?Sized>(
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
}

/// A restored hub may learn that an order was handed over before it has the documents.
fn recount<S: Store + ?Sized>(
    held: &StoredOrder,
    progress: &Progress,
    store: &mut S,
) -> Result<(), S::Error> {
    let counted = held.handed_over(progress);
    // The document that said so may be closed: what it counted stays.
    if counted == held.counted || progress.handed_over_by.is_none() {
        return Ok(());
    }
    let new = StoredOrder {
        order: held.order.clone(),
        counted,
    };
    account(Some(held), &new, store)?;
    new.save(store)
}

fn trouble_key(order: &OrderId, trouble: OrderTrouble) -> Vec<u8> {
    let mut key = order.as_str().as_bytes().to_vec();
    key.push(trouble.code());
    key
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
        let mut cells = HubCells::load(store, item)?;
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
