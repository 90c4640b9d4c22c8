//! Orders on a PC: the hub's rows, and what the store's documents say was done about them.
//!
//! Every PC of a store has all of its orders. A row replaces an older one, an end is never undone,
//! and what was handed over counts once, whatever came first: the row or the document.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::identity::Seq;
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_wire::message::{Message, ORDER_ROWS_MAX, OrderAck, OrderRows, OrdersPage, OrdersPull};
use shelf_wire::sealed::Authored;
use shelf_wire::topic::Up;

use super::grants::policy;
use super::{Node, NodeEffect, NodeEvent, send};
use crate::facts::Facts;
use crate::orders::{Progress, StoredOrder, listed};
use crate::retention::Mark;
use crate::rights::StoreCells;
use crate::store::{LogId, ReadLimits, Store};

/// State key: up to which stamp the orders are here.
const UPTO_KEY: &str = "node.orders";
/// Orders that are read at once.
const PAGE_ORDERS: usize = 200;
/// Own documents that are read at once.
const DOCUMENTS_AT_ONCE: ReadLimits = ReadLimits {
    documents_max: 200,
    bytes_max: 1 << 20,
};

/// Orders that are not at an end, and what they reserve.
#[derive(Debug, Default)]
pub(super) struct OpenOrders {
    upto: u64,
    needs: BTreeMap<OrderId, BTreeMap<ItemId, Quantity>>,
    reserved: BTreeMap<ItemId, Quantity>,
    examined: BTreeMap<LogId, Seq>,
}

impl OpenOrders {
    /// R: what open orders need of an item.
    pub(super) fn reserved(&self, item: &ItemId) -> Quantity {
        self.reserved.get(item).copied().unwrap_or_default()
    }

    pub(super) fn upto(&self) -> u64 {
        self.upto
    }

    /// An order needs this now; nothing: it is not open any more. Returns the items concerned.
    fn set(&mut self, id: &OrderId, needs: BTreeMap<ItemId, Quantity>) -> BTreeSet<ItemId> {
        let before = match needs.is_empty() {
            true => self.needs.remove(id),
            false => self.needs.insert(id.clone(), needs.clone()),
        };
        let before = before.unwrap_or_default();
        let mut touched = BTreeSet::new();
        for (item, quantity) in &before {
            let sum = self.reserved.entry(item.clone()).or_default();
            *sum = sum.minus(*quantity);
            touched.insert(item.clone());
        }
        for (item, quantity) in &needs {
            let sum = self.reserved.entry(item.clone()).or_default();
            *sum = sum.plus(*quantity);
            touched.insert(item.clone());
        }
        self.reserved
            .retain(|_, quantity| *quantity != Quantity::ZERO);
        touched
    }
}

impl Node {
    /// Reads what the store has into memory, once after a start or a failed transaction.
    pub(super) fn load<S: Store + ?Sized>(
        &mut self,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if self.grants.loaded {
            return Ok(());
        }
        self.grants.loaded = true;
        self.grants.policy = policy(store)?;
        let upto = store.state(UPTO_KEY)?;
        let upto = upto
            .and_then(|it| it.try_into().ok())
            .map(u64::from_le_bytes);
        self.grants.open.upto = upto.unwrap_or(0);
        for state in store.logs()? {
            if state.log.node == self.id {
                self.grants.open.examined.insert(state.log, state.upto);
            }
        }
        let mut after: Option<OrderId> = None;
        loop {
            let page = listed(store, after.as_ref(), PAGE_ORDERS)?;
            for stored in &page {
                if !stored.order.state.is_end() {
                    self.settle_order(&stored.order.id, store, effects)?;
                }
            }
            if page.len() < PAGE_ORDERS {
                return Ok(());
            }
            after = page.last().map(|it| it.order.id.clone());
        }
    }

    /// An own log grew: looks at what is new in it.
    pub(super) fn examine<S: Store + ?Sized>(
        &mut self,
        log: LogId,
        upto: Seq,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if log.node != self.id {
            return Ok(());
        }
        let mut examined = self
            .grants
            .open
            .examined
            .get(&log)
            .copied()
            .unwrap_or(Seq(0));
        while examined < upto {
            let documents = store.read(log, examined, DOCUMENTS_AT_ONCE)?;
            let Some(last) = documents.last() else {
                break;
            };
            examined = last.place().seq;
            self.grants.open.examined.insert(log, examined);
            let mut facts = Facts::default();
            for sealed in documents {
                if let Ok(authored) = Authored::open(sealed) {
                    facts.note(authored.document());
                }
            }
            self.note_facts(&facts, store, effects)?;
        }
        Ok(())
    }

    /// Orders that changed at the hub.
    pub(super) fn on_orders<S: Store + ?Sized>(
        &mut self,
        rows: &OrderRows,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        // With a gap before it, only what is here is said again.
        if rows.after <= self.grants.open.upto {
            let mut changed = Vec::new();
            for order in &rows.rows {
                if self.take_order(order, store)? {
                    self.settle_order(&order.id, store, effects)?;
                    changed.push(order.id.clone());
                }
            }
            if rows.upto > self.grants.open.upto {
                self.grants.open.upto = rows.upto;
                store.set_state(UPTO_KEY, &rows.upto.to_le_bytes())?;
            }
            if !changed.is_empty() {
                effects.push(NodeEffect::Event(NodeEvent::OrdersChanged {
                    orders: changed,
                }));
            }
        }
        let upto = self.grants.open.upto;
        send(Up::Rights, &Message::OrderAck(OrderAck { upto }), effects);
        Ok(())
    }

    /// Keeps an order that is newer than what is here.
    fn take_order<S: Store + ?Sized>(
        &self,
        order: &Order,
        store: &mut S,
    ) -> Result<bool, S::Error> {
        if Mark::load(store, &order.id)?.is_some() {
            return Ok(false);
        }
        let held = StoredOrder::load(store, &order.id)?;
        let newer = held.as_ref().is_none_or(|it| {
            let revived = it.order.state.is_end() && !order.state.is_end();
            // Of two rows with one revision, which only a restored hub can make, the end holds.
            let ends = !it.order.state.is_end() && order.state.is_end();
            let later = it.order.revision < order.revision;
            !revived && (later || (ends && it.order.revision == order.revision))
        });
        if newer {
            let stored = StoredOrder {
                order: order.clone(),
                counted: held.map(|it| it.counted).unwrap_or_default(),
            };
            stored.save(store)?;
        }
        Ok(newer)
    }

    /// What an order reserves and what of it counts as handed over, by its row and its documents.
    pub(super) fn settle_order<S: Store + ?Sized>(
        &mut self,
        id: &OrderId,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let Some(mut stored) = StoredOrder::load(store, id)? else {
            return Ok(());
        };
        let progress = Progress::of(&store.order_facts(id)?);
        let mut counted = stored.handed_over(&progress);
        if progress.handed_over_by.is_none() && stored.order.state == OrderState::HandedOver {
            // The document that said so may be closed: what it counted stays.
            counted.clone_from(&stored.counted);
        }
        let is_open = !stored.order.state.is_end() && progress.handed_over_by.is_none();
        let needs = match is_open {
            true => stored.order.needs(),
            false => BTreeMap::new(),
        };
        let mut touched = self.grants.open.set(id, needs);
        if counted != stored.counted {
            recount(&stored.counted, &counted, store)?;
            touched.extend(stored.counted.keys().chain(counted.keys()).cloned());
            stored.counted = counted;
            stored.save(store)?;
            effects.push(NodeEffect::Event(NodeEvent::OrdersChanged {
                orders: vec![id.clone()],
            }));
        }
        self.grants.look_at(touched);
        Ok(())
    }

    /// A hub that lost orders asks for those that are here.
    pub(super) fn on_orders_pull<S: Store + ?Sized>(
        &self,
        pull: &OrdersPull,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let mut page = listed(store, pull.after.as_ref(), ORDER_ROWS_MAX + 1)?;
        let more = page.len() > ORDER_ROWS_MAX;
        page.truncate(ORDER_ROWS_MAX);
        let message = Message::OrdersPage(OrdersPage {
            after: pull.after.clone(),
            rows: page.into_iter().map(|it| it.order).collect(),
            more,
        });
        send(Up::Rights, &message, effects);
        Ok(())
    }
}

/// Moves an order's part of O.
fn recount<S: Store + ?Sized>(
    before: &BTreeMap<ItemId, Quantity>,
    after: &BTreeMap<ItemId, Quantity>,
    store: &mut S,
) -> Result<(), S::Error> {
    let items: BTreeSet<&ItemId> = before.keys().chain(after.keys()).collect();
    for item in items {
        let of = |it: &BTreeMap<ItemId, Quantity>| it.get(item).copied().unwrap_or_default();
        let mut cells = StoreCells::load(store, item)?;
        cells.handed_over = cells.handed_over.minus(of(before)).plus(of(after));
        cells.save(store, item)?;
    }
    Ok(())
}
