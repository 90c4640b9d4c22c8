//! Customers and their channels: they order, change their minds, and remember what they were told.
//!
//! A channel keeps its own book of orders, as real web shops do: it asks again where it got no
//! answer, and gives everything it knows to a hub that was restored from a backup. One channel is
//! an external marketplace that sells by itself what it was shown.

use shelf_replica::hub::Hub;
use shelf_replica::orders::{Cancelling, Decision, NewOrder, Refusal};
use shelf_stock::customer_order::{Order, OrderLine};
use shelf_stock::document::{PaymentState, Tender, TenderKind};
use shelf_stock::item::Part;
use shelf_stock::money::Money;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
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
    /// It may be picked before it is paid.
    pub on_collection: bool,
    /// It is paid, and the hub was told so at least once.
    pub paid: bool,
    /// What the customer wants instead, until the hub has answered.
    pub changing: Option<Basket>,
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

    pub(super) fn channel(&self, number: usize) -> Result<ChannelId, Violation> {
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
            on_collection: self.random.percent(60),
            paid: false,
            changing: None,
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
            if self.mutant != Some(Mutant::LoweredTooEarly) {
                self.shops[shop].market_shows[item] = lower;
            }
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
            let mut decision = hub.accept(now, &new, store, effects)?;
            for (item, quota) in before {
                store.set_quota(&item, &new.channel, quota)?;
            }
            if let (Some(Mutant::PerLineCheck), Decision::Refused(_)) = (mutant, &decision) {
                decision = line_by_line(hub, now, new.clone(), store, effects)?;
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
            // A restored hub knows the order as it was before it was changed.
            Decision::Refused(Refusal::Conflict(order)) if wish.confirmed => {
                known.basket = basket_of(&order, &self.items);
            }
            Decision::Refused(_) => {
                known.refused = true;
                self.coverage.danger(Danger::Refused);
            }
        }
        Ok(())
    }

    fn new_order(&self, id: &str, wish: &Wish) -> Result<NewOrder, Violation> {
        let lines = order_lines(&wish.basket);
        Ok(NewOrder {
            id: OrderId::new(id).map_err(Violation::storage)?,
            channel: self.channel(wish.channel)?,
            lines,
            promised: None,
            pay_on_collection: wish.on_collection,
            tenders: tenders(wish.paid),
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
            let skipped = self.mutant == Some(Mutant::ReconcileSkipped);
            let known = self.shops[shop].wishes.iter();
            let own = known.filter(|(_, it)| CHANNELS[it.channel] == missing.as_str());
            let own: Vec<(String, bool, bool)> = own
                .filter(|_| !skipped)
                .map(|(id, it)| (id.clone(), it.confirmed, it.cancelled))
                .collect();
            for (id, confirmed, cancelled) in own {
                if cancelled {
                    self.ask_to_cancel(shop, &id)?;
                } else if confirmed {
                    self.ask(shop, &id)?;
                    self.pay_again(shop, &id)?;
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

/// How an order is paid.
pub(super) fn tenders(paid: bool) -> Vec<Tender> {
    let captured = Tender {
        kind: TenderKind::Card,
        amount: Money::minor(100),
        reference: None,
        state: PaymentState::Captured,
    };
    if paid { vec![captured] } else { Vec::new() }
}

/// A basket as an order has it.
pub(super) fn order_lines(basket: &Basket) -> Vec<OrderLine> {
    let line = |(item, quantity, parts): &(ItemId, i64, Vec<Part>)| OrderLine {
        item: item.clone(),
        quantity: Quantity::units(*quantity),
        parts: parts.clone(),
    };
    basket.lines.iter().map(line).collect()
}

/// The basket that an order was made of.
pub(super) fn basket_of(order: &Order, items: &[ItemId]) -> Basket {
    let lines = order.lines.iter();
    let line = |it: &OrderLine| {
        let quantity = it.quantity.whole_units_down();
        (it.item.clone(), quantity, it.parts.clone())
    };
    let mut all = order.needs();
    for part in &order.shorted {
        let sum = all.entry(part.item.clone()).or_default();
        *sum = sum.plus(part.quantity);
    }
    Basket {
        lines: lines.map(line).collect(),
        takes: units(items, &all),
    }
}

/// The planted error: where the sum of the lines of one item is too much, each of them still fits.
fn line_by_line<S: shelf_replica::store::Store + ?Sized>(
    hub: &mut Hub,
    now: shelf_replica::Now,
    mut new: NewOrder,
    store: &mut S,
    effects: &mut Vec<shelf_replica::hub::HubEffect>,
) -> Result<Decision, S::Error> {
    let mut seen = std::collections::BTreeSet::new();
    let (first, again): (Vec<_>, Vec<_>) = std::mem::take(&mut new.lines)
        .into_iter()
        .partition(|it| seen.insert(it.item.clone()));
    new.lines = first;
    let decision = hub.accept(now, &new, store, effects)?;
    let Decision::Accepted(_) = decision else {
        return Ok(decision);
    };
    for line in again.into_iter().filter(|it| it.parts.is_empty()) {
        let mut quota = store.quota(&line.item, &new.channel)?;
        quota.used = quota.used.plus(line.quantity);
        store.set_quota(&line.item, &new.channel, quota)?;
    }
    Ok(decision)
}

type Quotas = Vec<(ItemId, shelf_replica::store::Quota)>;

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
pub(super) fn units(items: &[ItemId], of: &std::collections::BTreeMap<ItemId, Quantity>) -> Units {
    let mut units = [0; ITEMS_MAX];
    for (item, quantity) in of {
        if let Some(index) = items.iter().position(|it| it == item) {
            units[index] += quantity.whole_units_down();
        }
    }
    units
}
