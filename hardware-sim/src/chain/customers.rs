//! Customers and their channels: they order, change their minds, and remember what they were told.
//!
//! A channel keeps its own book of orders, as real web shops do: it asks again where it got no
//! answer, and gives everything it knows to a hub that was restored from a backup. One channel is
//! an external marketplace that sells by itself what it was shown.

use shelf_replica::hub::Hub;
use shelf_replica::orders::{Cancelling, Decision, NewOrder};
use shelf_stock::customer_order::OrderLine;
use shelf_stock::name::{ChannelId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable::Coefficient;
use shelf_wire::message::{ChannelPolicy, Policy};

use super::coverage::Danger;
use super::disk::Disk;
use super::mutant::Mutant;
use super::people::Basket;
use super::physical::Units;
use super::swarm::ITEMS_MAX;
use super::violation::Violation;
use super::world::World;

/// Names of the channels; the last sells by itself.
pub const CHANNELS: [&str; 3] = ["web", "counter", "market"];
/// The marketplace among them.
pub const MARKET: usize = 2;

/// What a channel knows of an order of its own.
#[derive(Clone, Debug)]
pub struct Wish {
    /// Which channel.
    pub channel: usize,
    /// What the customer wants.
    pub basket: Basket,
    /// The marketplace has sold it: nobody can refuse it.
    pub sold: bool,
    /// The hub said yes.
    pub confirmed: bool,
    /// The hub said no, or the customer went away before it answered.
    pub refused: bool,
    /// The customer doesn't want it any more.
    pub unwanted: bool,
    /// The hub said that it is cancelled.
    pub cancelled: bool,
}

impl<D: Disk> World<D> {
    /// The hub is told how to show each shop's stock.
    pub(super) fn set_policies(&mut self) -> Result<(), Violation> {
        let mut policy = Policy {
            revision: 1,
            safety_stock: Quantity::units(self.swarm.safety_stock),
            channels: Vec::new(),
            items: Vec::new(),
        };
        for (priority, (name, share)) in (0..).zip(CHANNELS.iter().zip(self.swarm.shares_per_mille))
        {
            let (Ok(channel), Ok(coefficient)) =
                (ChannelId::new(*name), Coefficient::per_mille(share))
            else {
                continue;
            };
            policy.channels.push(ChannelPolicy {
                channel,
                coefficient,
                priority,
                external: *name == "market",
            });
        }
        for shop in 0..self.shops.len() {
            let policy = policy.clone();
            self.hub_work(shop, |hub, store, effects| {
                hub.set_policy(&policy, store, effects)
            })?;
        }
        Ok(())
    }

    fn channel(&self, number: usize) -> Result<ChannelId, Violation> {
        ChannelId::new(CHANNELS[number]).map_err(Violation::storage)
    }

    /// A customer orders, or a channel asks again.
    pub(super) fn order(&mut self, shop: usize) -> Result<(), Violation> {
        if !self.hub_up {
            return Ok(());
        }
        let waiting = |it: &Wish| !it.confirmed && !it.refused;
        let open = self.shops[shop].wishes.iter().find(|(_, it)| waiting(it));
        if let Some(id) = open.map(|(id, _)| id.clone()) {
            return self.ask(shop, &id);
        }
        let channel = [0, 0, 1, MARKET][self.random.index(4)];
        let basket = self.basket();
        if channel == MARKET && !self.market_sells(shop, &basket.takes) {
            return self.push_level(shop);
        }
        self.orders += 1;
        let id = format!("{}-{}", CHANNELS[channel], self.orders);
        let wish = Wish {
            channel,
            basket,
            sold: channel == MARKET,
            confirmed: false,
            refused: false,
            unwanted: false,
            cancelled: false,
        };
        self.shops[shop].wishes.insert(id.clone(), wish);
        self.ask(shop, &id)
    }

    /// The marketplace sells only what it shows.
    fn market_sells(&mut self, shop: usize, takes: &Units) -> bool {
        let shown = &mut self.shops[shop].market_shows;
        if shown.iter().zip(takes).any(|(shown, wants)| shown < wants) {
            return false;
        }
        for (shown, wants) in shown.iter_mut().zip(takes) {
            *shown -= wants;
        }
        self.coverage.danger(Danger::ExternalSale);
        true
    }

    /// The marketplace is shown another level, higher or lower.
    fn push_level(&mut self, shop: usize) -> Result<(), Violation> {
        let item = self.random.index(self.items.len());
        let (name, channel) = (self.items[item].clone(), self.channel(MARKET)?);
        let now = self.hub_now();
        let shows = self.shops[shop].market_shows[item];
        if self.random.percent(30) && shows > 0 {
            // Lowering counts once the marketplace has confirmed it; it shows less from now on.
            let lower = self.random.signed(0, shows);
            self.shops[shop].market_shows[item] = lower;
            self.hub_work(shop, |hub, store, effects| {
                hub.lowered(&name, &channel, Quantity::units(lower), store, effects)?;
                hub.finish(now, store, effects)
            })?;
            return Ok(());
        }
        let shown = self.hub_work(shop, |hub, store, _| {
            let level = hub.level(now, &name, &channel, store)?;
            hub.expose(&name, &channel, level.shown, store)
        })?;
        if let Some(shown) = shown {
            self.shops[shop].market_shows[item] = shown.whole_units_down();
        }
        Ok(())
    }

    /// The marketplace shows nothing any more and has confirmed it.
    pub(super) fn close_market(&mut self, shop: usize) -> Result<(), Violation> {
        let (channel, now) = (self.channel(MARKET)?, self.hub_now());
        for item in 0..self.items.len() {
            self.shops[shop].market_shows[item] = 0;
            let name = self.items[item].clone();
            self.hub_work(shop, |hub, store, effects| {
                hub.lowered(&name, &channel, Quantity::ZERO, store, effects)?;
                hub.finish(now, store, effects)
            })?;
        }
        Ok(())
    }

    /// Asks the hub for an order, as often as it takes to get an answer.
    pub(super) fn ask(&mut self, shop: usize, id: &str) -> Result<(), Violation> {
        let Some(wish) = self.shops[shop].wishes.get(id).cloned() else {
            return Ok(());
        };
        let new = self.new_order(id, &wish)?;
        let now = self.hub_now();
        let mutant = self.mutant;
        let answer = self.hub_work(shop, |hub, store, effects| {
            let before = match mutant {
                Some(Mutant::QuotaNotAtomic) => quotas(&new, store)?,
                _ => Vec::new(),
            };
            let decision = hub.accept(now, &new, store, effects)?;
            for (item, quota) in before {
                store.set_quota(&item, &new.channel, quota)?;
            }
            hub.finish(now, store, effects)?;
            Ok(decision)
        })?;
        let Some(answer) = answer else {
            return Ok(());
        };
        let Some(known) = self.shops[shop].wishes.get_mut(id) else {
            return Ok(());
        };
        match answer {
            Decision::Accepted(_) => {
                known.confirmed = true;
                self.coverage.danger(Danger::Accepted);
                if wish.basket.takes.iter().filter(|it| **it > 0).count() > 1 {
                    self.coverage.danger(Danger::AcceptedBasket);
                }
            }
            Decision::Again(_) => known.confirmed = true,
            Decision::Refused(_) if wish.sold => {}
            Decision::Refused(_) => {
                known.refused = true;
                self.coverage.danger(Danger::Refused);
            }
        }
        Ok(())
    }

    fn new_order(&self, id: &str, wish: &Wish) -> Result<NewOrder, Violation> {
        let mut lines: Vec<OrderLine> = Vec::new();
        for (item, quantity, parts) in &wish.basket.lines {
            // The planted error looks at each line by itself, so the same item again looks free.
            let again = lines.iter().any(|it| it.item == *item);
            if self.mutant == Some(Mutant::PerLineCheck) && again {
                continue;
            }
            lines.push(OrderLine {
                item: item.clone(),
                quantity: Quantity::units(*quantity),
                parts: parts.clone(),
            });
        }
        Ok(NewOrder {
            id: OrderId::new(id).map_err(Violation::storage)?,
            channel: self.channel(wish.channel)?,
            lines,
            promised: None,
            pay_on_collection: true,
            tenders: Vec::new(),
            sold_already: wish.sold || wish.confirmed || self.mutant == Some(Mutant::NoCheck),
        })
    }

    /// A customer changes his mind; sometimes about an order that the hub never heard of.
    pub(super) fn cancel(&mut self, shop: usize) -> Result<(), Violation> {
        if !self.hub_up {
            return Ok(());
        }
        let wishes = self.shops[shop].wishes.iter();
        let open = wishes.filter(|(_, it)| !it.refused && !it.cancelled);
        let open: Vec<String> = open.map(|(id, _)| id.clone()).collect();
        let Some(id) = self.random.pick(&open).cloned() else {
            return Ok(());
        };
        if let Some(wish) = self.shops[shop].wishes.get_mut(&id) {
            wish.unwanted = true;
        }
        self.ask_to_cancel(shop, &id)
    }

    pub(super) fn ask_to_cancel(&mut self, shop: usize, id: &str) -> Result<(), Violation> {
        let Some(number) = self.shops[shop].wishes.get(id).map(|it| it.channel) else {
            return Ok(());
        };
        let channel = self.channel(number)?;
        let order = OrderId::new(id).map_err(Violation::storage)?;
        let now = self.hub_now();
        let answer = self.hub_work(shop, |hub, store, effects| {
            let answer = hub.cancel(now, &order, &channel, store, effects)?;
            hub.finish(now, store, effects)?;
            Ok(answer)
        })?;
        let Some(wish) = self.shops[shop].wishes.get_mut(id) else {
            return Ok(());
        };
        match answer {
            Some(Cancelling::Cancelled | Cancelling::Tombstone) => wish.cancelled = true,
            Some(Cancelling::Requested) => self.coverage.danger(Danger::CancelWhilePicking),
            Some(Cancelling::TooLate(_)) | None => {}
        }
        Ok(())
    }

    /// A restored hub is given everything that the channels know, until it knows it.
    pub(super) fn reconcile(&mut self, shop: usize) -> Result<(), Violation> {
        let recovery = self.shops[shop]
            .hub_disk
            .read(|store| Hub::recovery(store))?;
        let Some(recovery) = recovery else {
            return Ok(());
        };
        for missing in recovery.channels_missing {
            let known = self.shops[shop].wishes.iter();
            let own = known.filter(|(_, it)| CHANNELS[it.channel] == missing.as_str());
            let own: Vec<(String, bool, bool)> = own
                .map(|(id, it)| (id.clone(), it.confirmed, it.cancelled))
                .collect();
            for (id, confirmed, cancelled) in own {
                if cancelled {
                    self.ask_to_cancel(shop, &id)?;
                } else if confirmed {
                    self.ask(shop, &id)?;
                }
                if !self.hub_up {
                    return Ok(());
                }
            }
            let now = self.hub_now();
            let channel = missing.clone();
            self.hub_work(shop, |hub, store, effects| {
                hub.reconciled(&channel, store, effects)?;
                hub.finish(now, store, effects)
            })?;
        }
        Ok(())
    }
}

type Quotas = Vec<(shelf_stock::name::ItemId, shelf_replica::store::Quota)>;

fn quotas<S: shelf_replica::store::Store + ?Sized>(
    new: &NewOrder,
    store: &S,
) -> Result<Quotas, S::Error> {
    let mut held = Vec::new();
    for line in &new.lines {
        let quota = store.quota(&line.item, &new.channel)?;
        if quota.limit > Quantity::ZERO {
            held.push((line.item.clone(), quota));
        }
    }
    Ok(held)
}

/// Units of stocked items as the machines name them.
pub(super) fn units(
    items: &[shelf_stock::name::ItemId],
    of: &std::collections::BTreeMap<shelf_stock::name::ItemId, Quantity>,
) -> Units {
    let mut units = [0; ITEMS_MAX];
    for (item, quantity) in of {
        if let Some(index) = items.iter().position(|it| it == item) {
            units[index] += quantity.whole_units_down();
        }
    }
    units
}
