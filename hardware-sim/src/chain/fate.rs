//! What goes wrong, and what people do next: one act at a time, chosen by the swarm.

use super::coverage::Danger;
use super::disk::Disk;
use super::pc::{Cut, Pc};
use super::swarm::{Fault, words};
use super::violation::Violation;
use super::world::{Event, World};

words! {
    /// What people and fate do.
    Deed {
        /// A sale at a till.
        Sell = "sell",
        /// A goods receipt.
        Receive = "receive",
        /// A return.
        BringBack = "bring_back",
        /// An order.
        Order = "order",
        /// A cancellation or a change of mind.
        Cancel = "cancel",
        /// Work on orders.
        Serve = "serve",
        /// A count.
        Count = "count",
        /// Theft or breakage.
        Shrink = "shrink",
        /// Goods leave for another shop.
        Transfer = "transfer",
        /// An order is paid.
        Pay = "pay",
        /// A customer wants something else.
        Change = "change",
        /// Another PC grants.
        MoveRole = "move_role",
        /// Something goes wrong or is repaired.
        Fate = "fate",
    }
}

impl<D: Disk> World<D> {
    /// One act.
    pub(super) fn act(&mut self) -> Result<(), Violation> {
        let deed = self.choose();
        self.trace.number(deed as u64);
        let shop = self.random.index(self.shops.len());
        match deed {
            Deed::Sell => self.sell(shop),
            Deed::Receive => self.deliver_goods(shop),
            Deed::BringBack => self.bring_back(shop),
            Deed::Order => self.order(shop),
            Deed::Cancel => self.cancel(shop),
            Deed::Serve => self.serve(shop),
            Deed::Count => self.count(shop),
            Deed::Shrink => self.shrink(shop),
            Deed::Transfer => self.transfer(shop),
            Deed::Pay => self.pay(shop),
            Deed::Change => self.change(shop),
            Deed::MoveRole => self.move_role(shop),
            Deed::Fate => self.go_wrong(shop),
        }
    }

    fn choose(&mut self) -> Deed {
        let it = self.swarm.eagerness;
        let weights = [
            (Deed::Sell, it.sell),
            (Deed::Receive, it.receive),
            (Deed::BringBack, 1),
            (Deed::Order, it.order),
            (Deed::Cancel, it.cancel),
            (Deed::Serve, it.serve),
            (Deed::Count, it.count),
            (Deed::Shrink, it.shrink),
            (Deed::Transfer, it.transfer),
            (Deed::Pay, it.pay),
            (Deed::Change, it.change),
            (Deed::MoveRole, it.move_role),
            (Deed::Fate, it.fate),
        ];
        let mut rest = self.random.below(weights.iter().map(|it| it.1).sum());
        for (deed, weight) in weights {
            if rest < weight {
                return deed;
            }
            rest -= weight;
        }
        Deed::Sell
    }

    fn go_wrong(&mut self, shop: usize) -> Result<(), Violation> {
        let faults: Vec<Fault> = self.swarm.faults.clone();
        let Some(fault) = self.random.pick(&faults).copied() else {
            return Ok(());
        };
        let pc = self.random.index(self.shops[shop].pcs.len());
        match fault {
            Fault::WanCut => self.cut_wan(shop),
            Fault::LanCut => {
                self.coverage.fault(fault);
                self.shops[shop].lan_cut ^= true;
                self.relink_all(shop)
            }
            Fault::PcCut => self.cut_pc(shop, pc, Cut::Silent),
            Fault::OneWay => {
                let way = [Cut::Up, Cut::Down][self.random.index(2)];
                self.cut_pc(shop, pc, way)
            }
            Fault::DiskRestored => self.restore_or_save(shop, pc),
            Fault::DiskCloned => self.clone_disk(shop, pc),
            Fault::ClockStep => {
                self.coverage.fault(fault);
                let step_ms = self.random.signed(-600_000, 600_000);
                self.shops[shop].pcs[pc].clock_ms += step_ms;
                Ok(())
            }
            Fault::SlowDisk => {
                let slow_ms = self.random.below(6_000);
                let machine = &mut self.shops[shop].pcs[pc];
                machine.slow_ms = if machine.slow_ms == 0 { slow_ms } else { 0 };
                Ok(())
            }
            Fault::HubRestored => self.restore_hub_or_save(shop),
            Fault::NightOff => self.switch_off(shop, pc),
            Fault::Poison => self.poison(shop),
            _ => Ok(()),
        }
    }

    fn cut_wan(&mut self, shop: usize) -> Result<(), Violation> {
        self.coverage.fault(Fault::WanCut);
        let new = [Cut::Noticed, Cut::Silent][self.random.index(2)];
        let wan = &mut self.shops[shop].wan;
        *wan = if *wan == Cut::None { new } else { Cut::None };
        self.relink_all(shop)
    }

    fn cut_pc(&mut self, shop: usize, pc: usize, cut: Cut) -> Result<(), Violation> {
        let noticed = cut == Cut::Silent && self.random.percent(50);
        let machine = &mut self.shops[shop].pcs[pc];
        machine.cut = match machine.cut {
            Cut::None if noticed => Cut::Noticed,
            Cut::None => cut,
            _ => Cut::None,
        };
        if cut == Cut::Silent {
            self.coverage.fault(Fault::PcCut);
        }
        self.relink(shop, pc)
    }

    fn switch_off(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        if !self.shops[shop].pcs[pc].on {
            return Ok(());
        }
        self.coverage.fault(Fault::NightOff);
        if self.random.percent(70) {
            let stopping = shelf_replica::node::NodeInput::Stopping;
            self.tell(shop, pc, stopping)?;
        }
        let machine = &mut self.shops[shop].pcs[pc];
        (machine.on, machine.link_up, machine.wake_at_ms) = (false, false, None);
        machine.lan_up = false;
        let night_ms = self.random.between(60_000, 600_000);
        self.after(night_ms, Event::Start { shop, pc });
        Ok(())
    }

    /// Keeps an image of a disk; later, puts it back.
    fn restore_or_save(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        let Some(image) = self.shops[shop].pcs[pc].image.take() else {
            let machine = &mut self.shops[shop].pcs[pc];
            machine.image = Some(machine.disk.image()?);
            return Ok(());
        };
        self.coverage.fault(Fault::DiskRestored);
        self.note_lost(shop, pc, &image)?;
        let machine = &mut self.shops[shop].pcs[pc];
        machine.disk = image;
        // A restored clock of the writer: the oracle's memory of it goes back as well.
        machine.hlc_last = shelf_stock::time::Hlc::default();
        (machine.doubt, machine.doubt_since_ms) = (true, self.now_ms);
        self.crash(shop, pc);
        Ok(())
    }

    /// Documents that only this disk had are lost with it.
    fn note_lost(&mut self, shop: usize, pc: usize, image: &D) -> Result<(), Violation> {
        let kept = image.documents()?;
        let place = &mut self.shops[shop];
        let gone = place.pcs[pc].disk.documents()?;
        let at_hub = place.hub_disk.documents()?;
        let hub_may_lose = self.swarm.has(Fault::HubRestored);
        let mut lost = false;
        for document in gone.difference(&kept) {
            if hub_may_lose || !at_hub.contains(document) {
                place.at_risk.insert(document.0);
                lost |= !at_hub.contains(document);
            }
        }
        if lost {
            place.doubtful = [true; super::swarm::ITEMS_MAX];
            self.coverage.danger(Danger::LostTail);
        }
        Ok(())
    }

    /// Another PC starts from a copy of a disk.
    fn clone_disk(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        if place.pcs.len() > place.pcs_real {
            return Ok(());
        }
        self.coverage.fault(Fault::DiskCloned);
        let original = &place.pcs[pc];
        let (key, disk) = (original.key.clone(), original.disk.image()?);
        let (clock_ms, doubt) = (original.clock_ms, original.doubt);
        let wall_max = original.wall_max;
        let mut twin = Pc::open(key, disk, &mut self.random)?;
        (twin.clock_ms, twin.twin, twin.doubt) = (clock_ms, true, doubt);
        (twin.doubt_since_ms, twin.wall_max) = (self.now_ms, wall_max);
        let place = &mut self.shops[shop];
        place.pcs.push(twin);
        let pc = place.pcs.len() - 1;
        self.relink(shop, pc)
    }

    /// Keeps a backup of the hub's database; later, puts it back.
    fn restore_hub_or_save(&mut self, _: usize) -> Result<(), Violation> {
        if self.shops.iter().any(|it| it.hub_backup.is_none()) {
            for place in &mut self.shops {
                place.hub_backup = Some(place.hub_disk.image()?);
            }
            return Ok(());
        }
        if self.random.percent(50) {
            return Ok(());
        }
        self.coverage.fault(Fault::HubRestored);
        for place in &mut self.shops {
            if let Some(backup) = place.hub_backup.take() {
                place.hub_disk = backup;
                place.hub_went_back = true;
                place.hub_to_be_told = true;
                place.targets = [(0, 0); super::swarm::ITEMS_MAX];
            }
            for pc in &mut place.pcs {
                (pc.doubt, pc.doubt_since_ms) = (true, self.now_ms);
            }
        }
        self.crash_hub();
        Ok(())
    }
}
