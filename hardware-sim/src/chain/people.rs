//! What people do in a shop: sell, receive, take back, count, steal, send to another shop.
//!
//! Hands come first: nothing is written that hands didn't do, and a floor sale is never refused by
//! anything but an empty shelf. If the PC dies before its commit, the cashier sees that it
//! didn't work and the goods stay.

use shelf_replica::node::NodeInput;
use shelf_stock::document::{
    CountLine, CountScope, Draft, Kind, Line, SourceAction, SourceKey, Subject,
};
use shelf_stock::item::Part;
use shelf_stock::location::Location;
use shelf_stock::name::{AreaId, ItemId, Reason, ReceiptNo, SessionId, SourceId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

use super::coverage::Danger;
use super::disk::{Disk, Fate};
use super::mutant::Mutant;
use super::physical::Units;
use super::swarm::{Fault, ITEMS_MAX};
use super::violation::Violation;
use super::world::{Event, World};

/// What a customer takes: lines as a till shows them, and what they take from the shelf.
#[derive(Clone, Debug)]
pub struct Basket {
    /// Item, quantity, and the parts of the whole line where it is a pack or a bundle.
    pub lines: Vec<(ItemId, i64, Vec<Part>)>,
    /// In stocked items.
    pub takes: Units,
}

impl<D: Disk> World<D> {
    /// The first goods of a shop.
    pub(super) fn stock_up(&mut self, shop: usize) -> Result<(), Violation> {
        let mut units = [0; ITEMS_MAX];
        for units in units.iter_mut().take(self.items.len()) {
            *units = self.random.signed(1, self.swarm.stock_max);
        }
        self.receive(shop, 0, &units)
    }

    /// One of a shop's PCs whose program runs.
    pub(super) fn pc_on(&mut self, shop: usize) -> Option<usize> {
        let pcs = self.shops[shop].pcs.iter().enumerate();
        let on: Vec<usize> = pcs.filter(|(_, it)| it.on).map(|(pc, _)| pc).collect();
        self.random.pick(&on).copied()
    }

    /// Goods come from a supplier.
    pub(super) fn receive(
        &mut self,
        shop: usize,
        pc: usize,
        units: &Units,
    ) -> Result<(), Violation> {
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let mut draft = Draft::new(Kind::GoodsReceipt);
        draft.lines = self.lines(units, Location::Supplier, Location::SalesFloor, wall);
        if self.write(shop, pc, &draft)? {
            for (item, units) in units.iter().enumerate() {
                self.shops[shop].physical.receive(item, *units);
            }
        }
        Ok(())
    }

    pub(super) fn deliver_goods(&mut self, shop: usize) -> Result<(), Violation> {
        let Some(pc) = self.pc_on(shop) else {
            return Ok(());
        };
        let mut units = [0; ITEMS_MAX];
        let item = self.random.index(self.items.len());
        units[item] = self.random.signed(1, 5);
        self.receive(shop, pc, &units)
    }

    /// Somebody buys what lies there.
    pub(super) fn sell(&mut self, shop: usize) -> Result<(), Violation> {
        let Some(pc) = self.pc_on(shop) else {
            return Ok(());
        };
        let basket = self.basket();
        if !self.shops[shop].physical.has(&basket.takes) {
            return Ok(());
        }
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let whole = self.mutant == Some(Mutant::BundleWhole);
        let mut draft = Draft::new(Kind::Sale);
        draft.lines = basket
            .lines
            .iter()
            .map(|(item, quantity, parts)| Line {
                parts: if whole { Vec::new() } else { parts.clone() },
                ..line(
                    item,
                    *quantity,
                    Location::SalesFloor,
                    Location::Customer,
                    wall,
                )
            })
            .collect();
        let reported = self.random.percent(20);
        if reported {
            draft.source = self.source_key();
        }
        if !self.write(shop, pc, &draft)? {
            return Ok(());
        }
        self.shops[shop].physical.sell(&basket.takes);
        // The same receipt reported by two PCs counts once.
        if reported
            && self.random.percent(40)
            && let Some(other) = self.pc_on(shop)
        {
            self.coverage.danger(Danger::DoubleReport);
            if self.mutant == Some(Mutant::ReceiptTwice) {
                draft.source = self.source_key();
            }
            self.write(shop, other, &draft)?;
        }
        Ok(())
    }

    fn source_key(&mut self) -> Option<SourceKey> {
        let number = self.random.draw();
        Some(SourceKey {
            source: SourceId::new("pos").ok()?,
            receipt: ReceiptNo::new(format!("r{number}")).ok()?,
            action: SourceAction::Record,
            part: 0,
        })
    }

    /// What somebody wants: items, packs of two, and a bundle of the first two items.
    pub(super) fn basket(&mut self) -> Basket {
        let mut basket = Basket {
            lines: Vec::new(),
            takes: [0; ITEMS_MAX],
        };
        for _ in 0..[1, 1, 1, 2, 3][self.random.index(5)] {
            let kind = self.random.below(10);
            let item = self.random.index(self.items.len());
            let quantity = [1, 1, 2][self.random.index(3)];
            let (name, parts) = match kind {
                0 => ("pack", vec![(item, quantity * 2)]),
                1 => ("set", vec![(0, quantity), (1, quantity)]),
                _ => ("", vec![(item, quantity)]),
            };
            for (item, units) in &parts {
                basket.takes[*item] += units;
            }
            let own = self.items[item].clone();
            let subject = ItemId::new(name).unwrap_or(own);
            let parts = if name.is_empty() {
                Vec::new()
            } else {
                self.parts(&parts)
            };
            basket.lines.push((subject, quantity, parts));
        }
        basket
    }

    fn parts(&self, of: &[(usize, i64)]) -> Vec<Part> {
        let part = |(item, units): &(usize, i64)| Part {
            item: self.items[*item].clone(),
            quantity: Quantity::units(*units),
        };
        of.iter().map(part).collect()
    }

    /// A customer brings something back.
    pub(super) fn bring_back(&mut self, shop: usize) -> Result<(), Violation> {
        let item = self.random.index(self.items.len());
        let Some(pc) = self.pc_on(shop) else {
            return Ok(());
        };
        if self.shops[shop].physical.sold[item] < 1 {
            return Ok(());
        }
        let mut units = [0; ITEMS_MAX];
        units[item] = 1;
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let mut draft = Draft::new(Kind::Sale);
        draft.lines = self.lines(&units, Location::Customer, Location::Inspection, wall);
        if self.write(shop, pc, &draft)? {
            self.shops[shop].physical.bring_back(&units);
        }
        Ok(())
    }

    /// Theft, which nobody writes down, or breakage, which somebody does.
    pub(super) fn shrink(&mut self, shop: usize) -> Result<(), Violation> {
        let mut units = [0; ITEMS_MAX];
        let item = self.random.index(self.items.len());
        units[item] = 1;
        if !self.shops[shop].physical.has(&units) {
            return Ok(());
        }
        self.coverage.danger(Danger::Shrunk);
        if self.random.percent(60) {
            self.shops[shop].doubtful[item] = true;
            self.shops[shop].physical.steal(&units);
            return Ok(());
        }
        let (Some(pc), Ok(reason)) = (self.pc_on(shop), Reason::new("broken")) else {
            return Ok(());
        };
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let mut draft = Draft::new(Kind::Adjustment { reason });
        draft.lines = self.lines(&units, Location::SalesFloor, Location::Loss, wall);
        if self.write(shop, pc, &draft)? {
            self.shops[shop].physical.steal(&units);
        }
        Ok(())
    }

    /// Somebody counts some items, sometimes without closing the session.
    pub(super) fn count(&mut self, shop: usize) -> Result<(), Violation> {
        let Some(pc) = self.pc_on(shop) else {
            return Ok(());
        };
        let all = self.random.percent(30);
        let mut items: Vec<usize> = (0..self.items.len()).collect();
        if !all {
            let only = self.random.index(self.items.len());
            items.retain(|it| *it == only);
        }
        let close = self.random.percent(75);
        self.count_items(shop, pc, &items, (&Location::SalesFloor, close))
    }

    /// Counts items where they lie; the staging area is never counted here.
    pub(super) fn count_items(
        &mut self,
        shop: usize,
        pc: usize,
        items: &[usize],
        (location, close): (&Location, bool),
    ) -> Result<(), Violation> {
        self.shops[shop].sessions += 1;
        let number = self.shops[shop].sessions;
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let (Ok(session), Ok(area)) = (SessionId::new(format!("s{number}")), AreaId::new("floor"))
        else {
            return Ok(());
        };
        // The planted error: lines carry the time when the session began, two days before.
        let scanned = match self.mutant == Some(Mutant::CountAtStart) {
            true => wall.plus_millis(-2 * 24 * 3_600_000),
            false => wall,
        };
        let counted = items.iter().map(|item| CountLine {
            item: self.items[*item].clone(),
            location: location.clone(),
            quantity: Quantity::units(self.shops[shop].physical.at(location, *item)),
            effective: scanned,
        });
        let count = Draft::new(Kind::Count {
            session: session.clone(),
            area,
            counted: counted.collect(),
        });
        // Clocks that disagree make a count and the sales around it wrong until the next one.
        for item in items {
            self.shops[shop].doubtful[*item] = true;
        }
        if !self.write(shop, pc, &count)? {
            return Ok(());
        }
        self.coverage.danger(Danger::CountChanged);
        let close = close && self.mutant != Some(Mutant::CountNotClosed);
        if close && self.shops[shop].pcs[pc].on {
            let close = Draft::new(Kind::CountClose {
                session,
                location: location.clone(),
                scope: CountScope::EveryCounted,
            });
            self.write(shop, pc, &close)?;
        }
        Ok(())
    }

    /// A document that only a newer version understands.
    pub(super) fn poison(&mut self, shop: usize) -> Result<(), Violation> {
        let Some(pc) = self.pc_on(shop) else {
            return Ok(());
        };
        self.coverage.fault(Fault::Poison);
        let sealed = self.shops[shop].pcs[pc].write_unreadable()?;
        self.shops[shop].note(&sealed)?;
        self.appended(shop, pc)
    }

    /// Goods from another shop arrive.
    pub(super) fn arrive(
        &mut self,
        shop: usize,
        from: usize,
        units: Units,
    ) -> Result<(), Violation> {
        let Some(pc) = self.pc_on(shop) else {
            self.after(5_000, Event::Arrive { shop, from, units });
            return Ok(());
        };
        let wall = self.shops[shop].pcs[pc].wall(self.now_ms);
        let mut draft = Draft::new(Kind::GoodsReceipt);
        let transit = Location::Transit(self.shops[from].name.clone());
        draft.lines = self.lines(&units, transit, Location::SalesFloor, wall);
        if self.write(shop, pc, &draft)? {
            for (item, units) in units.iter().enumerate() {
                self.shops[shop].physical.receive(item, *units);
            }
        } else {
            self.after(5_000, Event::Arrive { shop, from, units });
        }
        Ok(())
    }

    pub(super) fn lines(
        &self,
        units: &Units,
        from: Location,
        to: Location,
        wall: Timestamp,
    ) -> Vec<Line> {
        let some = self
            .items
            .iter()
            .zip(units)
            .filter(|(_, units)| **units > 0);
        some.map(|(item, units)| line(item, *units, from.clone(), to.clone(), wall))
            .collect()
    }

    /// Writes a document at a PC and tells its machine. Returns whether it is committed.
    pub(super) fn write(
        &mut self,
        shop: usize,
        pc: usize,
        draft: &Draft,
    ) -> Result<bool, Violation> {
        let (lost, dies) = self.fate(Fault::PcLostCommit, Fault::PcCrash);
        let fate = if lost { Fate::Lost } else { Fate::Committed };
        let now_ms = self.now_ms;
        let written = self.shops[shop].pcs[pc].write(now_ms, draft, fate)?;
        let Some(authored) = written else {
            self.crash(shop, pc);
            return Ok(false);
        };
        self.trace.bytes(authored.bytes());
        self.shops[shop].note(authored.sealed())?;
        if dies {
            self.crash(shop, pc);
        } else {
            self.appended(shop, pc)?;
        }
        Ok(true)
    }

    fn appended(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        let machine = &self.shops[shop].pcs[pc];
        let (log, upto) = (machine.log, shelf_stock::identity::Seq(machine.seq));
        self.tell(shop, pc, NodeInput::Appended { log, upto })
    }
}

/// A line of whole units.
pub(super) fn line(
    item: &ItemId,
    units: i64,
    from: Location,
    to: Location,
    effective: Timestamp,
) -> Line {
    Line {
        subject: Subject::Item(item.clone()),
        quantity: Quantity::units(units),
        from,
        to,
        effective,
        unit_price: None,
        amount: None,
        parts: vec![],
        code: None,
        reason: None,
    }
}
