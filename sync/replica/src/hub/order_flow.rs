//! Orders on their way to the PCs, and back from them to a hub that lost some.
//!
//! A PC has all orders up to a stamp; what changed later is sent in order and again until it says
//! that it has it. A hub that was restored from a backup asks for what the store knows and counts
//! it, whatever its quotas say: what was promised was promised.

use std::collections::BTreeMap;

use shelf_stock::customer_order::{Order, OrderState};
use shelf_stock::identity::NodeId;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_wire::message::{Message, ORDER_ROWS_MAX, OrderRows, OrdersPage, OrdersPull};
use shelf_wire::topic::Down;

use super::shop::{self, Shop};
use super::{Hub, HubEffect, send};
use crate::orders::{Progress, StoredOrder};
use crate::retention::Mark;
use crate::rights::HubCells;
use crate::store::{Family, Store};
use crate::time::{Jitter, Now};

/// How long a PC may take to say that it has orders, at first and at most.
const ACK_TIMEOUT_MS: u64 = 5_000;
const ACK_TIMEOUT_MS_MAX: u64 = 120_000;

/// How far one PC is.
#[derive(Debug)]
pub(super) struct OrderFlow {
    jitter: Jitter,
    acked: u64,
    /// Sent and not acked yet, until when.
    in_flight: Option<(u64, u64)>,
    attempts: u32,
    /// Asking for orders that the hub lost: those above this one, again at this time.
    pull: Option<(Option<OrderId>, u64)>,
}

impl OrderFlow {
    pub(super) fn new(seed: u64, acked: u64, wants_orders: bool) -> Self {
        Self {
            jitter: Jitter::new(seed),
            acked,
            in_flight: None,
            attempts: 0,
            pull: wants_orders.then_some((None, 0)),
        }
    }

    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        let pull = self.pull.as_ref().map(|(_, at)| *at);
        let flight = self.in_flight.map(|(_, at)| at);
        pull.into_iter().chain(flight).min()
    }

    pub(super) fn on_ack(&mut self, upto: u64) {
        // A PC may also say that it has less than was thought: then it gets that again.
        self.acked = upto;
        self.in_flight = None;
        self.attempts = 0;
    }

    /// Another worker took an ack.
    pub(super) fn learned(&mut self, upto: u64) {
        if upto > self.acked {
            self.on_ack(upto);
        }
    }

    /// Sends what is due.
    pub(super) fn pump<S: Store + ?Sized>(
        &mut self,
        now: Now,
        to: NodeId,
        last_stamp: u64,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if let Some((after, at_ms)) = &mut self.pull
            && *at_ms <= now.mono_ms
        {
            *at_ms = now.mono_ms.saturating_add(ACK_TIMEOUT_MS);
            let after = after.clone();
            send(
                to,
                Down::Rights,
                &Message::OrdersPull(OrdersPull { after }),
                effects,
            );
        }
        let waits = self.in_flight.is_some_and(|(_, until)| until > now.mono_ms);
        if waits || self.acked >= last_stamp {
            return Ok(());
        }
        if self.in_flight.is_some() {
            self.attempts = self.attempts.saturating_add(1);
        }
        let (upto, rows) = changed(store, self.acked, last_stamp)?;
        let message = Message::OrderRows(OrderRows {
            after: self.acked,
            upto,
            rows,
        });
        send(to, Down::Order, &message, effects);
        let wait_ms = self
            .jitter
            .backoff_ms(ACK_TIMEOUT_MS, ACK_TIMEOUT_MS_MAX, self.attempts);
        self.in_flight = Some((upto, now.mono_ms.saturating_add(wait_ms)));
        Ok(())
    }
}

/// The orders that changed after a stamp, and up to where that is all of them.
fn changed<S: Store + ?Sized>(
    store: &S,
    after: u64,
    last_stamp: u64,
) -> Result<(u64, Vec<Order>), S::Error> {
    let stamps = store.rows(Family::OrderStamp, &after.to_be_bytes(), ORDER_ROWS_MAX)?;
    let mut upto = last_stamp;
    if stamps.len() == ORDER_ROWS_MAX
        && let Some((stamp, _)) = stamps.last()
    {
        upto = <[u8; 8]>::try_from(stamp.as_slice()).map_or(last_stamp, u64::from_be_bytes);
    }
    let mut rows = Vec::with_capacity(stamps.len());
    for (_, name) in stamps {
        let value = store.row(Family::Order, &name)?;
        rows.extend(
            value
                .and_then(|it| StoredOrder::read(&it))
                .map(|it| it.order),
        );
    }
    Ok((upto, rows))
}

impl Hub {
    /// A store's orders of the time that this hub lost.
    pub(super) fn on_orders_page<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        page: &OrdersPage,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let Some(session) = self.sessions.get_mut(&from) else {
            return Ok(());
        };
        let asked = session.orders.pull.as_ref().map(|(after, _)| after);
        if asked != Some(&page.after) {
            return Ok(());
        }
        let last = page.rows.last().map(|it| it.id.clone());
        session.orders.pull = match (page.more, last) {
            (true, Some(last)) => Some((Some(last), 0)),
            _ => None,
        };
        let done = session.orders.pull.is_none();
        let had = session.orders_upto;
        for row in &page.rows {
            self.relearn(now, row, store, effects)?;
        }
        let mut shop = Shop::load(store)?;
        if let (true, Some(recovering)) = (done, &mut shop.recovering)
            && had >= recovering.orders_upto
        {
            recovering.orders_done = true;
            self.note_recovered(&mut shop, effects);
            shop.save(store)?;
        }
        Ok(())
    }

    fn relearn<S: Store + ?Sized>(
        &mut self,
        now: Now,
        row: &Order,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if Mark::load(store, &row.id)?.is_some() {
            return Ok(());
        }
        let held = StoredOrder::load(store, &row.id)?;
        let newer = held.as_ref().is_none_or(|it| {
            let revived = it.order.state.is_end() && !row.state.is_end();
            it.order.revision < row.revision && !revived
        });
        if let (false, Some(held)) = (newer, held.as_ref()) {
            if overruled(held, row, &Shop::load(store)?) {
                return self.take_verdict(held, row, store, effects);
            }
            return self.outrank(held, row, store, effects);
        }
        let progress = Progress::of(&store.order_facts(&row.id)?);
        let mut new = StoredOrder {
            order: row.clone(),
            counted: BTreeMap::new(),
        };
        if row.state == OrderState::HandedOver {
            new.counted = new.handed_over(&progress);
        }
        account(held.as_ref(), &new, store)?;
        if let Some(held) = &held {
            store.delete_row(Family::OrderStamp, &held.order.stamp.to_be_bytes())?;
        }
        let mut shop = Shop::load(store)?;
        self.keep(&mut new.order, &mut shop, store)?;
        new.save(store)?;
        self.follow_order(now, &row.id, store, effects)
    }

    /// The end that the store knows takes the place of the one that this hub came to by itself.
    fn take_verdict<S: Store + ?Sized>(
        &mut self,
        held: &StoredOrder,
        row: &Order,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let progress = Progress::of(&store.order_facts(&row.id)?);
        let mut order = Order {
            stamp: held.order.stamp,
            revision: row.revision.max(held.order.revision),
            ..row.clone()
        };
        let mut new = StoredOrder {
            order: order.clone(),
            counted: BTreeMap::new(),
        };
        new.counted = new.handed_over(&progress);
        account(Some(held), &new, store)?;
        let mut shop = Shop::load(store)?;
        self.publish(&mut order, &mut shop, new.counted, store, effects)?;
        self.contradictions(&order, &progress, store, effects)
    }

    /// What this hub knows holds, but the store has another row with the same or a higher revision:
    /// it is told again with one that is higher still. A tombstone takes the store's lines.
    fn outrank<S: Store + ?Sized>(
        &mut self,
        held: &StoredOrder,
        row: &Order,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let same = Order {
            stamp: row.stamp,
            ..held.order.clone()
        };
        if row.revision < held.order.revision || same == *row {
            return Ok(());
        }
        let mut order = held.order.clone();
        order.revision = row.revision;
        if order.lines.is_empty() {
            order.lines.clone_from(&row.lines);
            order.tenders.clone_from(&row.tenders);
            order.owner = row.owner;
        }
        let mut shop = Shop::load(store)?;
        self.publish(&mut order, &mut shop, held.counted.clone(), store, effects)
    }

    /// A channel has given all its orders of the time that this hub lost.
    pub fn reconciled<S: Store + ?Sized>(
        &mut self,
        channel: &ChannelId,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let mut shop = Shop::load(store)?;
        if let Some(recovering) = &mut shop.recovering {
            recovering.channels.retain(|it| it != channel);
            self.note_recovered(&mut shop, effects);
            shop.save(store)?;
        }
        Ok(())
    }

    /// What a restored hub still waits for before it sells again; `None`: it sells.
    pub fn recovery<S: Store + ?Sized>(store: &S) -> Result<Option<Recovery>, S::Error> {
        let shop = Shop::load(store)?;
        Ok(shop.recovering.map(|it| Recovery {
            rights_missing: !it.rights_done,
            orders_missing: !it.orders_done,
            channels_missing: it.channels,
        }))
    }

    /// The store's grantor and the fencing number.
    pub fn grantor<S: Store + ?Sized>(store: &S) -> Result<(Option<NodeId>, u64), S::Error> {
        let shop = Shop::load(store)?;
        Ok((shop.grantor, shop.rights_epoch))
    }

    pub(super) fn pump_orders<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if self.sessions.is_empty() {
            return Ok(());
        }
        let last_stamp = Shop::load(store)?.last_stamp;
        for (node, session) in &mut self.sessions {
            let flow = &mut session.orders;
            flow.pump(now, *node, last_stamp, store, effects)?;
        }
        Ok(())
    }
}

/// What a restored hub waits for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recovery {
    /// The grantor hasn't told all of its rows.
    pub rights_missing: bool,
    /// The store hasn't given the orders that it knows.
    pub orders_missing: bool,
    /// These channels haven't given theirs: see [`Hub::reconciled`].
    pub channels_missing: Vec<ChannelId>,
}

/// Whether a recovering hub came to another end, from what a channel and the documents said, than
/// it had come to before it lost time. The rights of that time follow the first verdict.
fn overruled(held: &StoredOrder, row: &Order, shop: &Shop) -> bool {
    let ended = held.order.state.is_end() && row.state.is_end();
    let differs = held.order.state != row.state;
    let is_older = row.stamp <= shop.old_stamps && held.order.stamp > shop.old_stamps;
    shop.recovering.is_some() && ended && differs && is_older
}

/// What of an order its channel has used: everything it wants, or what was handed over.
fn uses(stored: &StoredOrder) -> BTreeMap<ItemId, Quantity> {
    match stored.order.state {
        OrderState::Cancelled | OrderState::Shorted => BTreeMap::new(),
        // Its documents may be on their way: until then everything that it wanted counts.
        OrderState::HandedOver if stored.counted.is_empty() => stored.order.needs(),
        OrderState::HandedOver => stored.counted.clone(),
        OrderState::Reserved | OrderState::Picking => stored.order.needs(),
    }
}

/// Puts a relearned order in the place of what the hub knew of it.
pub(super) fn account<S: Store + ?Sized>(
    held: Option<&StoredOrder>,
    new: &StoredOrder,
    store: &mut S,
) -> Result<(), S::Error> {
    let policy = shop::policy(store)?;
    let before = held.map(uses).unwrap_or_default();
    let after = uses(new);
    let handed_before = held.map(|it| it.counted.clone()).unwrap_or_default();
    let mut items: Vec<&ItemId> = before.keys().chain(after.keys()).collect();
    items.extend(handed_before.keys().chain(new.counted.keys()));
    items.sort();
    items.dedup();
    for item in items {
        let of = |it: &BTreeMap<ItemId, Quantity>| it.get(item).copied().unwrap_or_default();
        let channel = &new.order.channel;
        let mut quota = store.quota(item, channel)?;
        quota.used = quota.used.minus(of(&before)).plus(of(&after));
        store.set_quota(item, channel, quota)?;
        let mut cells = HubCells::load(store, item)?;
        let handed = of(&new.counted).minus(of(&handed_before));
        if handed != Quantity::ZERO {
            cells.handed_over = cells.handed_over.plus(handed);
            cells.save(store, item)?;
        }
        let held = super::rights::Desk::load(store, item)?;
        let mut desk = held.clone();
        desk.settle(&policy);
        desk.save(&held, store)?;
    }
    Ok(())
}
