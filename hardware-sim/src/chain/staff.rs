//! What staff does about orders: pick, find too little, put back, hand over, and sometimes twice.
//!
//! Each works with what the PC in front of him says, which may be old; hands do only what can be
//! done, and the document says what hands did.

use std::collections::BTreeMap;

use shelf_replica::node::Permission;
use shelf_replica::orders::{self, Progress, StoredOrder};
use shelf_stock::customer_order::{Order, OrderLine, OrderState};
use shelf_stock::document::{Draft, Kind};
use shelf_stock::item::Part;
use shelf_stock::location::Location;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;

use super::coverage::Danger;
use super::customers::units;
use super::disk::Disk;
use super::physical::Units;
use super::swarm::ITEMS_MAX;
use super::violation::Violation;
use super::world::{Event, World};

/// Orders that one PC is asked for at once.
const ORDERS_MAX: usize = 500;

impl<D: Disk> World<D> {
    /// Somebody works on an order.
    pub(super) fn serve(&mut self, shop: usize) -> Result<(), Violation> {
        let Some(pc) = self.pc_on(shop) else {
            return Ok(());
        };
        let todo = self.todo(shop, pc)?;
        match self.random.pick(&todo).cloned() {
            Some((order, progress)) => self.work_on(shop, pc, &order, &progress),
            None => Ok(()),
        }
    }

    /// Orders with something to do, as a PC knows them.
    pub(super) fn todo(&self, shop: usize, pc: usize) -> Result<Vec<(Order, Progress)>, Violation> {
        let staged = &self.shops[shop].physical.staged;
        self.shops[shop].pcs[pc].disk.read(|store| {
            let mut todo = Vec::new();
            for StoredOrder { order, .. } in orders::listed(store, None, ORDERS_MAX)? {
                let progress = Progress::of(&store.order_facts(&order.id)?);
                let waits = staged.get(order.id.as_str());
                let waits = waits.is_some_and(|it| it.iter().any(|it| *it > 0));
                if !order.state.is_end() || waits || progress.is_picked {
                    todo.push((order, progress));
                }
            }
            Ok(todo)
        })
    }

    fn work_on(
        &mut self,
        shop: usize,
        pc: usize,
        order: &Order,
        progress: &Progress,
    ) -> Result<(), Violation> {
        let wanted = units(&self.items, &order.needs());
        let ended = order.state.is_end();
        // Whoever looks for the goods finds them in staging or not, whatever the page says.
        if self.shops[shop].physical.has_any_staged(order.id.as_str()) {
            let back = ended || order.cancel_wanted && self.random.percent(60);
            if back || self.random.percent(6) {
                return self.put_back(shop, pc, order);
            }
            return self.hand_over(shop, pc, order, &wanted, true);
        }
        if self.calm && progress.is_picked {
            return self.write_again(shop, pc, order, progress);
        }
        // Some hand over again what was handed over: the slip was printed twice.
        let again = progress.handed_over_by.is_some();
        if ended || again && !self.random.percent(8) || !order.may_be_picked() && !again {
            return Ok(());
        }
        if !self.shops[shop].physical.has(&wanted) {
            return match again {
                true => Ok(()),
                false => self.short(shop, pc, order, &wanted),
            };
        }
        match self.random.percent(25) || again {
            true => self.hand_over(shop, pc, order, &wanted, false),
            false => self.pick(shop, pc, order, &wanted),
        }
    }

    /// The page says that goods wait and they don't: the customer has them or they lie on the shelf
    /// again, and a disk that went back in time has lost the document. Whoever looks writes it again.
    fn write_again(
        &mut self,
        shop: usize,
        pc: usize,
        order: &Order,
        progress: &Progress,
    ) -> Result<(), Violation> {
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let waiting = units(&self.items, &progress.staged);
        let physical = &self.shops[shop].physical;
        let draft = match physical.has_given(order.id.as_str(), &waiting) {
            true => {
                let line = |(item, quantity): (&ItemId, &Quantity)| OrderLine {
                    item: item.clone(),
                    quantity: *quantity,
                    parts: Vec::new(),
                };
                let given = Order {
                    lines: progress.staged.iter().map(line).collect(),
                    shorted: Vec::new(),
                    ..order.clone()
                };
                orders::hand_over(&given, true, wall)
            }
            false => orders::put_back(&order.id, &progress.staged, wall),
        };
        self.write(shop, pc, &draft)?;
        Ok(())
    }

    fn pick(
        &mut self,
        shop: usize,
        pc: usize,
        order: &Order,
        wanted: &Units,
    ) -> Result<(), Violation> {
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        if self.write(shop, pc, &orders::pick(order, wall))? {
            self.check_paid(shop, order.id.as_str())?;
            self.shops[shop].physical.pick(order.id.as_str(), wanted);
        }
        Ok(())
    }

    fn hand_over(
        &mut self,
        shop: usize,
        pc: usize,
        order: &Order,
        wanted: &Units,
        picked: bool,
    ) -> Result<(), Violation> {
        let id = order.id.as_str();
        let physical = &self.shops[shop].physical;
        let possible = match picked {
            true => physical.has_staged(id, wanted),
            false => physical.has(wanted),
        };
        if !possible || wanted.iter().all(|it| *it == 0) {
            return self.put_back(shop, pc, order);
        }
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        if !self.write(shop, pc, &orders::hand_over(order, picked, wall))? {
            return Ok(());
        }
        self.check_paid(shop, order.id.as_str())?;
        self.coverage.danger(Danger::HandedOver);
        match picked {
            true => self.shops[shop].physical.hand_over(id, wanted),
            false => self.shops[shop].physical.hand_over_from_shelf(id, wanted),
        }
        Ok(())
    }

    /// Everything that waits for an order goes back to the shelf.
    pub(super) fn put_back(
        &mut self,
        shop: usize,
        pc: usize,
        order: &Order,
    ) -> Result<(), Violation> {
        let staged = self.shops[shop]
            .physical
            .staged
            .get(order.id.as_str())
            .copied();
        let Some(staged) = staged.filter(|it| it.iter().any(|it| *it > 0)) else {
            return Ok(());
        };
        let goods: BTreeMap<ItemId, Quantity> = self
            .items
            .iter()
            .zip(staged)
            .filter(|(_, units)| *units > 0)
            .map(|(item, units)| (item.clone(), Quantity::units(units)))
            .collect();
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        if self.write(shop, pc, &orders::put_back(&order.id, &goods, wall))? {
            self.shops[shop].physical.put_back(order.id.as_str());
        }
        Ok(())
    }

    fn short(
        &mut self,
        shop: usize,
        pc: usize,
        order: &Order,
        wanted: &Units,
    ) -> Result<(), Violation> {
        let shelf = self.shops[shop].physical.shelf;
        let lacks = self.items.iter().zip(wanted.iter().zip(shelf));
        let missing: Vec<Part> = lacks
            .map(|(item, (wanted, has))| (item, wanted - has))
            .filter(|(_, lack)| *lack > 0)
            .map(|(item, lack)| Part {
                item: item.clone(),
                quantity: Quantity::units(lack),
            })
            .collect();
        self.coverage.danger(Danger::Shorted);
        self.write(shop, pc, &orders::short(&order.id, missing))?;
        Ok(())
    }

    /// Goods leave for another shop, if this one's own rights allow it.
    pub(super) fn transfer(&mut self, shop: usize) -> Result<(), Violation> {
        let to = self.random.index(self.shops.len());
        let Some(pc) = self.pc_on(shop).filter(|_| to != shop) else {
            return Ok(());
        };
        let item = self.random.index(self.items.len());
        let mut taken = [0; ITEMS_MAX];
        taken[item] = self.random.signed(1, 2);
        if !self.shops[shop].physical.has(&taken) {
            return Ok(());
        }
        let machine = &self.shops[shop].pcs[pc];
        let (name, quantity) = (&self.items[item], Quantity::units(taken[item]));
        let node = &machine.machine;
        let may = machine
            .disk
            .read(|store| node.may_take(store, name, quantity))?;
        // Without rights a manager may insist: it counts as a floor sale.
        if may != Permission::Granted && !self.random.percent(15) {
            self.coverage.danger(Danger::OperationRefused);
            return Ok(());
        }
        let wall = machine.wall(self.now_ms);
        let mut draft = Draft::new(Kind::Transfer);
        let transit = Location::Transit(self.shops[to].name.clone());
        draft.lines = self.lines(&taken, Location::SalesFloor, transit, wall);
        if self.write(shop, pc, &draft)? {
            self.shops[shop].physical.send(&taken);
            let days_ms = self.random.between(5_000, 200_000);
            self.after(
                days_ms,
                Event::Arrive {
                    shop: to,
                    from: shop,
                    units: taken,
                },
            );
        }
        Ok(())
    }

    /// Serves until nothing is left to do. Returns whether something was done.
    pub(super) fn serve_all(&mut self, shop: usize) -> Result<bool, Violation> {
        let todo = self.todo(shop, 0)?;
        let mut done = false;
        for (order, progress) in &todo {
            done = true;
            if order.cancel_wanted && !progress.is_picked {
                // The store answers: nothing is picked any more, so it lies back on the shelf.
                self.answer_cancel(shop, order)?;
                continue;
            }
            self.work_on(shop, 0, order, progress)?;
        }
        let staged = self.shops[shop].physical.staged.clone();
        for (id, units) in staged {
            if units.iter().all(|it| *it == 0) {
                continue;
            }
            let order = self.shops[shop].pcs[0].disk.read(|store| {
                let id = shelf_stock::name::OrderId::new(&id).ok();
                id.map_or(Ok(None), |id| StoredOrder::load(store, &id))
            })?;
            if let Some(stored) = order.filter(|it| it.order.state.is_end()) {
                done = true;
                self.put_back(shop, 0, &stored.order)?;
            }
        }
        Ok(done)
    }

    fn answer_cancel(&mut self, shop: usize, order: &Order) -> Result<(), Violation> {
        debug_assert!(order.state != OrderState::Cancelled);
        let id = order.id.as_str().to_owned();
        self.ask_to_cancel(shop, &id)
    }
}
