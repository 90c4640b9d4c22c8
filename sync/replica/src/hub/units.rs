//! Units of one item between channels, orders and nobody: each step keeps the sums.

use std::collections::BTreeMap;

use shelf_stock::customer_order::Order;
use shelf_stock::item::Part;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_wire::message::Policy;

use super::rights::Desk;
use crate::orders::{Compensation, Undeliverable};
use crate::rights::{HubCells, quotas};
use crate::store::Store;
use crate::time::Now;

/// What a channel has too little of, it takes from others that have it free.
pub(super) fn borrow<S: Store + ?Sized>(
    channel: &ChannelId,
    item: &ItemId,
    wanted: Quantity,
    policy: &Policy,
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
pub(super) fn release<S: Store + ?Sized>(
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
pub(super) fn sold<S: Store + ?Sized>(
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

/// An order loses units that nobody can deliver: the right to them goes back with them, if there
/// was one.
pub(super) fn drop_units<S: Store + ?Sized>(
    order: &mut Order,
    item: &ItemId,
    quantity: Quantity,
    store: &mut S,
) -> Result<(), S::Error> {
    let mut quota = store.quota(item, &order.channel)?;
    // What was sold without a right has none to give back.
    let without = quota.used.minus(quota.limit).max(Quantity::ZERO);
    let right = quantity.minus(without).max(Quantity::ZERO);
    quota.used = quota.used.minus(quantity);
    quota.limit = quota.limit.minus(right);
    store.set_quota(item, &order.channel, quota)?;
    let mut cells = HubCells::load(store, item)?;
    cells.returned = cells.returned.plus(right);
    cells.save(store, item)?;
    order.shorted.push(Part {
        item: item.clone(),
        quantity,
    });
    Ok(())
}

pub(super) fn record<S: Store + ?Sized>(
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
