//! Customers who change their minds: they pay later, want something else, and the shop's grantor
//! moves to another PC meanwhile.
//!
//! A channel asks again until it is answered, so that every question here may be asked twice.

use shelf_replica::orders::{Decision, Refusal};
use shelf_stock::name::OrderId;

use super::coverage::Danger;
use super::customers::{Wish, order_lines, tenders};
use super::disk::Disk;
use super::violation::{Violation, hold};
use super::world::World;

impl<D: Disk> World<D> {
    fn pick_wish(&mut self, shop: usize, fits: impl Fn(&Wish) -> bool) -> Option<String> {
        let wishes = self.shops[shop].wishes.iter();
        let fitting = wishes.filter(|(_, it)| it.confirmed && !it.cancelled && fits(it));
        let fitting: Vec<String> = fitting.map(|(id, _)| id.clone()).collect();
        self.random.pick(&fitting).cloned()
    }

    /// Somebody pays, or a channel says again that he did.
    pub(super) fn pay(&mut self, shop: usize) -> Result<(), Violation> {
        match self.pick_wish(shop, |it| !it.on_collection && !it.paid) {
            Some(id) if self.hub_up => self.pay_order(shop, &id),
            _ => Ok(()),
        }
    }

    /// Every order that has to be paid first is paid.
    pub(super) fn pay_all(&mut self, shop: usize) -> Result<(), Violation> {
        let wishes = self.shops[shop].wishes.iter();
        let owing = wishes.filter(|(_, it)| it.confirmed && !it.on_collection);
        for id in owing.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.pay_order(shop, &id)?;
        }
        Ok(())
    }

    /// A channel says again what is paid.
    pub(super) fn pay_again(&mut self, shop: usize, id: &str) -> Result<(), Violation> {
        match self.shops[shop].wishes.get(id).is_some_and(|it| it.paid) {
            true => self.pay_order(shop, id),
            false => Ok(()),
        }
    }

    fn pay_order(&mut self, shop: usize, id: &str) -> Result<(), Violation> {
        let order = OrderId::new(id).map_err(Violation::storage)?;
        if let Some(wish) = self.shops[shop].wishes.get_mut(id) {
            wish.paid = true;
        }
        let now = self.hub_now();
        let known = self.hub_work(shop, |hub, store, effects| {
            let known = hub.pay(&order, tenders(true), store, effects)?;
            hub.finish(now, store, effects)?;
            Ok(known)
        })?;
        if known == Some(true) {
            self.coverage.danger(Danger::PaidLater);
        }
        Ok(())
    }

    /// Goods leave the shelf only for orders that may be picked.
    pub(super) fn check_paid(&self, shop: usize, id: &str) -> Result<(), Violation> {
        let wish = self.shops[shop].wishes.get(id);
        let fine = wish.is_none_or(|it| it.on_collection || it.paid);
        hold(fine, "order", || format!("{id} is picked and nobody paid"))
    }

    /// A customer wants something else, or a channel asks again.
    pub(super) fn change(&mut self, shop: usize) -> Result<(), Violation> {
        if !self.hub_up {
            return Ok(());
        }
        if let Some(id) = self.pick_wish(shop, |it| it.changing.is_some()) {
            return self.ask_to_change(shop, &id);
        }
        let Some(id) = self.pick_wish(shop, |it| !it.sold && !it.unwanted) else {
            return Ok(());
        };
        let basket = self.basket();
        if let Some(wish) = self.shops[shop].wishes.get_mut(&id) {
            wish.changing = Some(basket);
        }
        self.ask_to_change(shop, &id)
    }

    /// Channels ask until they know what became of each change.
    pub(super) fn change_all(&mut self, shop: usize) -> Result<(), Violation> {
        let wishes = self.shops[shop].wishes.iter();
        let open = wishes.filter(|(_, it)| it.confirmed && it.changing.is_some());
        for id in open.map(|(id, _)| id.clone()).collect::<Vec<_>>() {
            self.ask_to_change(shop, &id)?;
        }
        Ok(())
    }

    fn ask_to_change(&mut self, shop: usize, id: &str) -> Result<(), Violation> {
        let wish = self.shops[shop].wishes.get(id);
        let Some(basket) = wish.and_then(|it| it.changing.clone()) else {
            return Ok(());
        };
        let order = OrderId::new(id).map_err(Violation::storage)?;
        let (now, lines) = (self.hub_now(), order_lines(&basket));
        let answer = self.hub_work(shop, |hub, store, effects| {
            let answer = hub.change(now, &order, lines.clone(), store, effects)?;
            hub.finish(now, store, effects)?;
            Ok(answer)
        })?;
        let Some(answer) = answer else {
            return Ok(());
        };
        let Some(wish) = self.shops[shop].wishes.get_mut(id) else {
            return Ok(());
        };
        match answer {
            Some(Decision::Accepted(_) | Decision::Again(_)) => {
                wish.basket = basket;
                self.coverage.danger(Danger::OrderChanged);
            }
            // An answer got lost, and somebody has begun with the changed order.
            Some(Decision::Refused(Refusal::Conflict(held))) if held.lines == lines => {
                wish.basket = basket;
            }
            Some(Decision::Refused(Refusal::Recovering)) => return Ok(()),
            Some(Decision::Refused(_)) => self.coverage.danger(Danger::ChangeRefused),
            // A restored hub doesn't know the order again yet.
            None => return Ok(()),
        }
        if let Some(wish) = self.shops[shop].wishes.get_mut(id) {
            wish.changing = None;
        }
        Ok(())
    }

    /// Another PC becomes the one that grants.
    pub(super) fn move_role(&mut self, shop: usize) -> Result<(), Violation> {
        if !self.hub_up {
            return Ok(());
        }
        let pc = self.random.index(self.shops[shop].pcs_real);
        let node = self.shops[shop].pcs[pc].id;
        let disk = &self.shops[shop].hub_disk;
        let before = disk.read(|store| shelf_replica::hub::Hub::grantor(store))?;
        if before.0.is_none_or(|it| it == node) {
            return Ok(());
        }
        let now = self.hub_now();
        let moved = self.hub_work(shop, |hub, store, effects| {
            hub.set_grantor(node, store, effects)?;
            hub.finish(now, store, effects)
        })?;
        if moved.is_some() {
            self.coverage.danger(Danger::RoleMoved);
        }
        Ok(())
    }
}
