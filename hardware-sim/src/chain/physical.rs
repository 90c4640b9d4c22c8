//! The oracle: what really lies where, whatever any computer believes.
//!
//! People move goods only through this module, and it refuses what can't be done with hands: nobody
//! takes what isn't there. It reads no document, no machine and no clock. Whole units only.

use std::collections::BTreeMap;

use shelf_stock::location::Location;

use super::swarm::ITEMS_MAX;

/// Units of each item.
pub type Units = [i64; ITEMS_MAX];

/// One shop's goods.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Physical {
    /// On the shelf.
    pub shelf: Units,
    /// Picked for an order.
    pub staged: BTreeMap<String, Units>,
    /// Given to the customer of an order.
    pub given: BTreeMap<String, Units>,
    /// Carried out at a till.
    pub sold: Units,
    /// Brought back, waiting to be looked at.
    pub inspected: Units,
    /// Stolen.
    pub stolen: Units,
    /// On its way to another shop.
    pub sent: Units,
    /// Everything that ever came in.
    pub received: Units,
}

impl Physical {
    /// Goods come in.
    pub fn receive(&mut self, item: usize, units: i64) {
        self.received[item] += units;
        self.shelf[item] += units;
    }

    /// Whether all of it lies on the shelf.
    pub fn has(&self, units: &Units) -> bool {
        self.shelf
            .iter()
            .zip(units)
            .all(|(has, wants)| has >= wants)
    }

    /// Somebody carries goods out at a till.
    pub fn sell(&mut self, units: &Units) {
        shift(&mut self.shelf, &mut self.sold, units);
    }

    /// A customer brings goods back.
    pub fn bring_back(&mut self, units: &Units) {
        shift(&mut self.sold, &mut self.inspected, units);
    }

    /// A thief.
    pub fn steal(&mut self, units: &Units) {
        shift(&mut self.shelf, &mut self.stolen, units);
    }

    /// Goods leave for another shop.
    pub fn send(&mut self, units: &Units) {
        shift(&mut self.shelf, &mut self.sent, units);
    }

    /// Goods are picked for an order.
    pub fn pick(&mut self, order: &str, units: &Units) {
        shift(
            &mut self.shelf,
            self.staged.entry(order.to_owned()).or_default(),
            units,
        );
    }

    /// What is picked for an order goes back to the shelf.
    pub fn put_back(&mut self, order: &str) -> Units {
        let staged = self.staged.remove(order).unwrap_or_default();
        for (shelf, units) in self.shelf.iter_mut().zip(staged) {
            *shelf += units;
        }
        staged
    }

    /// Whether anything waits for an order.
    pub fn has_any_staged(&self, order: &str) -> bool {
        self.staged
            .get(order)
            .is_some_and(|it| it.iter().any(|it| *it > 0))
    }

    /// Whether so much waits for an order.
    pub fn has_staged(&self, order: &str, units: &Units) -> bool {
        let staged = self.staged.get(order).copied().unwrap_or_default();
        staged.iter().zip(units).all(|(has, wants)| has >= wants)
    }

    /// The customer of an order gets something of what is picked.
    pub fn hand_over(&mut self, order: &str, units: &Units) {
        let staged = self.staged.entry(order.to_owned()).or_default();
        shift(
            staged,
            self.given.entry(order.to_owned()).or_default(),
            units,
        );
    }

    /// The customer of an order gets something from the shelf.
    pub fn hand_over_from_shelf(&mut self, order: &str, units: &Units) {
        shift(
            &mut self.shelf,
            self.given.entry(order.to_owned()).or_default(),
            units,
        );
    }

    /// What lies at a place of the shop.
    pub fn at(&self, location: &Location, item: usize) -> i64 {
        match location {
            Location::Staging => self.staged.values().map(|it| it[item]).sum(),
            _ => self.shelf[item],
        }
    }

    /// Whether an order's customer has what it wants.
    pub fn has_given(&self, order: &str, units: &Units) -> bool {
        let given = self.given.get(order).copied().unwrap_or_default();
        given.iter().zip(units).all(|(has, wants)| has >= wants)
    }

    /// What is in the shop for sale: shelf and staging.
    pub fn here(&self, item: usize) -> i64 {
        self.shelf[item] + self.staged.values().map(|it| it[item]).sum::<i64>()
    }

    /// What is not where it came from: 0 unless this module is wrong.
    pub fn unaccounted(&self, item: usize) -> i64 {
        let given: i64 = self.given.values().map(|it| it[item]).sum();
        let away = self.sold[item] + self.inspected[item] + self.stolen[item] + self.sent[item];
        self.received[item] - self.here(item) - given - away
    }
}

fn shift(from: &mut Units, to: &mut Units, units: &Units) {
    for ((from, to), units) in from.iter_mut().zip(to).zip(units) {
        *from -= units;
        *to += units;
    }
}
