//! What must hold of rights and orders: cheap rules after every transaction, the rest at rest.

use shelf_replica::hub::{Hub, OrderTrouble, troubles};
use shelf_replica::orders::{self, Progress, StoredOrder};
use shelf_replica::rights::{HubCells, StoreCells};
use shelf_stock::customer_order::OrderState;
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::quantity::Quantity;

use super::coverage::Danger;
use super::customers::units;
use super::disk::Disk;
use super::physical::Units;
use super::swarm::ITEMS_MAX;
use super::violation::{Violation, hold};
use super::world::World;

/// Orders and records that are read at once; no run has as many.
const ROWS_MAX: usize = 2_000;

/// A hub's cells of an item, in whole units.
struct HubItem {
    granted: i64,
    returned: i64,
    handed_over: i64,
    used: i64,
    limits: i64,
    over: bool,
}

impl<D: Disk> World<D> {
    fn hub_item(&self, shop: usize, item: usize) -> Result<HubItem, Violation> {
        let name = &self.items[item];
        self.shops[shop].hub_disk.read(|store| {
            let cells = HubCells::load(store, name)?;
            let quotas = store.quotas(name)?;
            let whole = |it: Quantity| it.whole_units_down();
            Ok(HubItem {
                granted: whole(cells.granted),
                returned: whole(cells.returned),
                handed_over: whole(cells.handed_over),
                used: whole(quotas.iter().map(|it| it.1.used).sum()),
                limits: whole(quotas.iter().map(|it| it.1.limit).sum()),
                over: quotas.iter().any(|(_, it)| it.used > it.limit),
            })
        })
    }

    /// I1, I2, I4 after a transaction of the hub.
    pub(super) fn check_hub_rights(&mut self, shop: usize) -> Result<(), Violation> {
        let recovering = self.shops[shop]
            .hub_disk
            .read(|store| Hub::recovery(store))?;
        for item in 0..self.items.len() {
            let it = self.hub_item(shop, item)?;
            let name = &self.items[item];
            let place = &mut self.shops[shop];
            hold(it.granted <= place.granted_max[item], "I2", || {
                let most = place.granted_max[item];
                format!(
                    "the hub saw {} of {name} granted, never more than {most} were",
                    it.granted
                )
            })?;
            let most = place.returned_max[item].max(it.returned);
            if it.returned > place.returned_max[item] {
                self.coverage.danger(Danger::RightsReturned);
            }
            place.returned_max[item] = most;
            if recovering.is_some() {
                continue;
            }
            if place.hub_went_back {
                continue;
            }
            let most = place.granted_max[item] - place.returned_seen_max[item];
            hold(it.used <= most, "I4", || {
                format!(
                    "{} of {name} are accepted, the store allowed {most}",
                    it.used
                )
            })?;
            let free = it.granted - it.returned - it.used;
            hold(free >= 0, "I1", || {
                format!(
                    "hub_free of {name} is {free}: granted {}, returned {}, accepted {}",
                    it.granted, it.returned, it.used
                )
            })?;
            hold(!it.over, "I1", || {
                format!("a channel used more of {name} than its limit")
            })?;
            let spare = it.granted - it.returned - it.limits;
            hold(spare >= 0, "I1", || {
                format!("channels have {} too many of {name}", -spare)
            })?;
        }
        self.check_targets(shop)
    }

    /// I2 and I3 after a transaction of a PC.
    pub(super) fn check_pc_rights(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        let machine = &self.shops[shop].pcs[pc];
        let ready = machine.machine.rights_ready();
        let disk = &self.shops[shop].hub_disk;
        let in_force = ready && {
            let (id, epoch) = disk.read(|store| Hub::grantor(store))?;
            id == Some(machine.id) && machine.rights_epoch == Some(epoch)
        };
        for item in 0..self.items.len() {
            let name = &self.items[item];
            let place = &mut self.shops[shop];
            let (cells, book) = place.pcs[pc]
                .disk
                .read(|store| Ok((StoreCells::load(store, name)?, store.book(name)?)))?;
            let granted = cells.granted.whole_units_down();
            if granted > place.granted_max[item] {
                hold(ready, "I3", || {
                    format!(
                        "{} granted {name} without a handshake",
                        place.pcs[pc].id.short()
                    )
                })?;
                place.granted_max[item] = granted;
                self.coverage.danger(Danger::Granted);
                self.check_known_book(shop, pc)?;
                self.check_spared(shop, pc, item)?;
            }
            let place = &mut self.shops[shop];
            let seen = cells.returned_seen.whole_units_down();
            hold(seen <= place.returned_max[item], "I2", || {
                format!("the store saw {seen} of {name} returned, the hub never did")
            })?;
            place.returned_seen_max[item] = place.returned_seen_max[item].max(seen);
            if in_force {
                self.check_both(shop, item, &cells, book)?;
            }
            if in_force && cells.store_rights(book) < Quantity::ZERO {
                self.coverage.danger(Danger::OversellPossible);
            }
        }
        Ok(())
    }

    /// I3: what is granted leaves the floor its safety stock.
    fn check_spared(&self, shop: usize, pc: usize, item: usize) -> Result<(), Violation> {
        let (machine, name) = (&self.shops[shop].pcs[pc], &self.items[item]);
        let (cells, situation) = machine.disk.read(|store| {
            let situation = machine.machine.situation(store, name)?;
            Ok((StoreCells::load(store, name)?, situation))
        })?;
        let left = cells.store_rights(situation.book);
        hold(left >= situation.safety_stock, "I3", || {
            let safety = situation.safety_stock;
            format!("{left} of {name} are left on the floor after a grant, {safety} are to stay")
        })
    }

    /// Both sides' cells of an item, where the PC is the store's grantor by the hub's word.
    fn check_both(
        &self,
        shop: usize,
        item: usize,
        cells: &StoreCells,
        book: Quantity,
    ) -> Result<(), Violation> {
        let (place, name) = (&self.shops[shop], &self.items[item]);
        if !place.hub_went_back {
            return self.check_bound(shop, item, cells, book);
        }
        if place.hub_to_be_told {
            return Ok(());
        }
        let disk = &place.hub_disk;
        let hub = disk.read(|store| HubCells::load(store, name))?;
        let is_behind = hub.returned < cells.returned_seen;
        let recovering = disk.read(|store| Hub::recovery(store))?;
        hold(!is_behind || recovering.is_some(), "I2", || {
            let (seen, known) = (cells.returned_seen, hub.returned);
            format!("the store saw {seen} of {name} returned, the hub knows {known}")
        })
    }

    /// I5: online orders are at most so many more than the book as the floor has overdrawn.
    fn check_bound(
        &self,
        shop: usize,
        item: usize,
        cells: &StoreCells,
        book: Quantity,
    ) -> Result<(), Violation> {
        let name = &self.items[item];
        let quotas = self.shops[shop].hub_disk.read(|store| store.quotas(name))?;
        let accepted: Quantity = quotas.iter().map(|it| it.1.used).sum();
        let open = accepted.minus(cells.handed_over);
        let oversold = open.minus(book).max(Quantity::ZERO);
        let overdraft = cells.store_rights(book).negated().max(Quantity::ZERO);
        hold(oversold <= overdraft, "I5", || {
            format!("{oversold} of {name} are oversold, the floor overdrew {overdraft}")
        })
    }

    /// I3: whoever grants has every own document of earlier runs that the hub had at the handshake.
    fn check_known_book(&self, shop: usize, pc: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let machine = &place.pcs[pc];
        if place.pcs.len() > place.pcs_real || place.hub_went_back {
            return Ok(());
        }
        for (log, upto) in machine.hub_had.iter().flatten() {
            if log.incarnation == machine.log.incarnation {
                continue;
            }
            let held = machine.disk.read(|store| store.log(*log))?;
            let held = held.map_or(0, |it| it.upto.0);
            hold(held >= *upto, "I3", || {
                format!("{} granted on a rolled-back book", machine.id.short())
            })?;
        }
        Ok(())
    }

    /// I6 and I11 at rest: orders have come to one end each, both sides count the same, every
    /// unit that nobody got has exactly one record.
    pub(super) fn check_orders(&mut self) -> Result<(), Violation> {
        for shop in 0..self.shops.len() {
            self.check_ends(shop)?;
            self.check_compensations(shop)?;
            self.check_cells(shop)?;
            self.check_wishes(shop)?;
        }
        Ok(())
    }

    fn hub_orders(&self, shop: usize) -> Result<Vec<(StoredOrder, Progress)>, Violation> {
        self.shops[shop].hub_disk.read(|store| {
            let mut all = Vec::new();
            for stored in orders::listed(store, None, ROWS_MAX)? {
                let progress = Progress::of(&store.order_facts(&stored.order.id)?);
                all.push((stored, progress));
            }
            Ok(all)
        })
    }

    fn check_ends(&self, shop: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        for (stored, progress) in self.hub_orders(shop)? {
            let order = &stored.order;
            hold(order.state.is_end(), "I11", || {
                format!("{} has no end: {order:?}", order.id)
            })?;
            for pc in place.pcs.iter().filter(|it| !it.gone) {
                let held = pc.disk.read(|store| StoredOrder::load(store, &order.id))?;
                let same = held
                    .as_ref()
                    .is_some_and(|it| it.order.state == order.state);
                hold(same, "I11", || {
                    format!("{} knows {held:?}, the hub {order:?}", pc.id.short())
                })?;
            }
            if order.state == OrderState::HandedOver {
                hold(progress.handed_over_by.is_some(), "I11", || {
                    format!("{} counts as handed over and nobody did", order.id)
                })?;
            }
        }
        Ok(())
    }

    fn check_compensations(&self, shop: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let records = place
            .hub_disk
            .read(|store| orders::compensations(store, ROWS_MAX))?;
        for (stored, _) in self.hub_orders(shop)? {
            let order = &stored.order;
            if place.hub_went_back {
                continue;
            }
            for (item, name) in self.items.iter().enumerate() {
                let of_item = order.shorted.iter().filter(|it| it.item == *name);
                let shorted: Quantity = of_item.map(|it| it.quantity).sum();
                let own = records
                    .iter()
                    .filter(|it| it.order == order.id && it.item == *name);
                let own: Vec<Quantity> = own.map(|it| it.quantity).collect();
                // One record for each cause and remedy, and no unit in two of them.
                let recorded: Quantity = own.iter().copied().sum();
                let is_empty = own.iter().any(|it| *it <= Quantity::ZERO);
                let right = recorded == shorted && !is_empty;
                hold(right, "I6", || {
                    format!(
                        "{}: {shorted} of item {item} missing, records {own:?}",
                        order.id
                    )
                })?;
            }
        }
        Ok(())
    }

    /// O is what was handed over for orders that are not cancelled, at the hub and at the store; A
    /// is what its orders use; no free rights stay where the store's own are overdrawn.
    fn check_cells(&self, shop: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let (mut out, mut used) = ([0; ITEMS_MAX], [0; ITEMS_MAX]);
        for (stored, _) in self.hub_orders(shop)? {
            if stored.order.state == OrderState::HandedOver {
                add(&mut out, &units(&self.items, &stored.counted));
                add(&mut used, &units(&self.items, &stored.counted));
            }
        }
        let unasked = self.sold_unasked(shop)?;
        for (item, name) in self.items.iter().enumerate() {
            let hub = self.hub_item(shop, item)?;
            hold(hub.handed_over == out[item], "I11", || {
                format!(
                    "O of {name} is {} at the hub, handed over {}",
                    hub.handed_over, out[item]
                )
            })?;
            let free = hub.granted - hub.returned - hub.used;
            // A hub that was restored twice forgot its exceptions as well: what it learned again as
            // handed over may use more than is granted.
            let relearned = if place.hub_went_back { out[item] } else { 0 };
            let more = unasked[item].max(relearned);
            let fine = free + more >= 0 && (!hub.over || more > 0);
            hold(fine, "I1", || {
                format!("hub_free of {name} is {free} at rest")
            })?;
            hold(hub.used == used[item], "I1", || {
                format!("A of {name} is {}, its orders use {}", hub.used, used[item])
            })?;
            self.check_store_cells(shop, name, hub)?;
        }
        Ok(())
    }

    /// The store's cells say what the hub's say, and no free rights stay where its own are overdrawn.
    fn check_store_cells(&self, shop: usize, name: &ItemId, hub: HubItem) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let Some(grantor) = place.pcs.iter().find(|it| it.machine.rights_ready()) else {
            return Err(Violation::of("I15", "nobody grants at rest"));
        };
        let (cells, book) = grantor
            .disk
            .read(|store| Ok((StoreCells::load(store, name)?, store.book(name)?)))?;
        let stored = cells.handed_over.whole_units_down();
        hold(stored == hub.handed_over, "I11", || {
            format!(
                "O of {name} is {stored} at the store, {} at the hub",
                hub.handed_over
            )
        })?;
        let (granted, returned) = (
            cells.granted.whole_units_down(),
            cells.returned_seen.whole_units_down(),
        );
        hold(
            (granted, returned) == (hub.granted, hub.returned),
            "I6",
            || {
                format!(
                    "cells of {name}: the store has G {granted} T {returned}, the hub {} {}",
                    hub.granted, hub.returned
                )
            },
        )?;
        let free = hub.granted - hub.returned - hub.used;
        let overdrawn = cells.store_rights(book) < Quantity::ZERO;
        hold(!(overdrawn && free > 0), "I6", || {
            format!("{free} free rights of {name} stay while the store's own are overdrawn")
        })?;
        Ok(())
    }

    /// Units of orders that a restored hub had to take although it had no right to them: each is an
    /// exception that people see, and they may use more than is granted.
    fn sold_unasked(&self, shop: usize) -> Result<Units, Violation> {
        let mut sum = [0; ITEMS_MAX];
        let disk = &self.shops[shop].hub_disk;
        let told = disk.read(|store| troubles(store, ROWS_MAX))?;
        for (stored, _) in self.hub_orders(shop)? {
            if told.contains(&(stored.order.id.clone(), OrderTrouble::SoldUnasked)) {
                add(&mut sum, &units(&self.items, &stored.counted));
            }
        }
        Ok(sum)
    }

    /// What customers were told is what they got.
    fn check_wishes(&self, shop: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        for (id, wish) in &place.wishes {
            // A restored hub that had forgotten a cancelled order knows no more than that.
            let forgotten = wish.cancelled && place.hub_went_back;
            if !wish.confirmed || wish.refused || forgotten {
                continue;
            }
            let order = OrderId::new(id).map_err(Violation::storage)?;
            let stored = place
                .hub_disk
                .read(|store| StoredOrder::load(store, &order))?;
            let Some(stored) = stored else {
                return Err(Violation::of(
                    "I8",
                    format!("{id} was confirmed and nobody knows it"),
                ));
            };
            let order = stored.order;
            // What was lost stays lost, whatever the customer wants afterwards.
            let mut lost = [0; ITEMS_MAX];
            for part in &order.shorted {
                let part = [(part.item.clone(), part.quantity)].into();
                add(&mut lost, &units(&self.items, &part));
            }
            let kept = units(&self.items, &order.needs());
            let mut due = wish.basket.takes;
            for (due, lost) in due.iter_mut().zip(lost) {
                *due = (*due - lost).max(0);
            }
            hold(kept == due, "order", || {
                let wanted = wish.basket.takes;
                format!("{id}: the customer wants {wanted:?}, lost {lost:?}, the hub has {kept:?}")
            })?;
            let told = place.hub_disk.read(|store| troubles(store, ROWS_MAX))?;
            let less = (order.id.clone(), OrderTrouble::HandedOverLess);
            if order.state == OrderState::HandedOver && !told.contains(&less) {
                let owed = units(&self.items, &order.needs());
                let given = place.physical.given.get(id).copied().unwrap_or_default();
                let enough = given.iter().zip(owed).all(|(given, owed)| *given >= owed);
                hold(enough, "order", || {
                    format!("{id}: owed {owed:?}, given {given:?}")
                })?;
            }
        }
        Ok(())
    }
}

fn add(to: &mut Units, more: &Units) {
    for (to, more) in to.iter_mut().zip(more) {
        *to += more;
    }
}
