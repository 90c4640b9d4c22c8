//! Programs that start and die, and connections that come and go.

use shelf_replica::node::NodeInput;

use super::disk::Disk;
use super::mutant::Mutant;
use super::pc::Cut;
use super::shop;
use super::swarm::Fault;
use super::violation::Violation;
use super::world::{Event, World};

impl<D: Disk> World<D> {
    /// Whether a transaction is lost, and whether the machine dies after its commit.
    pub(super) fn fate(&mut self, lost: Fault, dies: Fault) -> (bool, bool) {
        let mut drawn = |fault| {
            let happens = !self.calm
                && self.swarm.has(fault)
                && self.random.per_mille(self.swarm.crash_per_mille);
            if happens {
                self.coverage.fault(fault);
            }
            happens
        };
        (drawn(lost), drawn(dies))
    }

    /// A PC's program dies and starts again after a while.
    pub(super) fn crash(&mut self, shop: usize, pc: usize) {
        let machine = &mut self.shops[shop].pcs[pc];
        machine.on = false;
        machine.link_up = false;
        machine.lan_up = false;
        machine.wake_at_ms = None;
        let wait_ms = 200 + self.random.below(20_000);
        self.after(wait_ms, Event::Start { shop, pc });
    }

    pub(super) fn start(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        if self.shops[shop].pcs[pc].on || self.shops[shop].pcs[pc].gone {
            return Ok(());
        }
        let keep = self.mutant == Some(Mutant::NoEpoch);
        let machine = &mut self.shops[shop].pcs[pc];
        machine.on = true;
        machine.reopen(&mut self.random, keep);
        self.relink(shop, pc)
    }

    /// The hub's program starts; whoever put back a backup says so first.
    pub(super) fn start_hub(&mut self) -> Result<(), Violation> {
        self.hub_up = true;
        for shop in 0..self.shops.len() {
            if !self.shops[shop].hub_to_be_told {
                continue;
            }
            let now = self.hub_now();
            let told = self.hub_work(shop, |hub, store, effects| {
                hub.restored(store, effects)?;
                hub.finish(now, store, effects)
            })?;
            if told.is_none() {
                return Ok(());
            }
            self.shops[shop].hub_to_be_told = false;
        }
        Ok(())
    }

    /// The hub's program dies and starts again after a while.
    pub(super) fn crash_hub(&mut self) {
        for place in &mut self.shops {
            place.hub = shop::hub(&mut self.random);
            place.hub_wake_at_ms = None;
        }
        self.hub_up = false;
        let wait_ms = 100 + self.random.below(10_000);
        self.after(wait_ms, Event::StartHub);
    }

    /// The machine is told whether the link is up; with a link, another PC of the same identity
    /// loses its own.
    pub(super) fn relink(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        self.relink_lan(shop, pc)?;
        let up = self.line(shop, pc) != Cut::Noticed;
        let machine = &mut self.shops[shop].pcs[pc];
        if machine.link_up == up {
            return Ok(());
        }
        machine.link_up = up;
        if !up {
            self.dropped(shop, pc)?;
            return if self.shops[shop].pcs[pc].on {
                self.tell(shop, pc, NodeInput::LinkDown)
            } else {
                Ok(())
            };
        }
        let id = self.shops[shop].pcs[pc].id;
        for other in 0..self.shops[shop].pcs.len() {
            let twin = &mut self.shops[shop].pcs[other];
            if other != pc && twin.id == id && twin.link_up {
                let wait_ms = 2_000 + self.random.below(15_000);
                twin.kicked_until_ms = self.now_ms + wait_ms;
                self.after(wait_ms + 1, Event::Relink { shop, pc: other });
                self.relink(shop, other)?;
            }
        }
        self.tell(shop, pc, NodeInput::LinkUp)
    }

    /// Every PC of a shop looks whether it is connected.
    pub(super) fn relink_all(&mut self, shop: usize) -> Result<(), Violation> {
        (0..self.shops[shop].pcs.len()).try_for_each(|pc| self.relink(shop, pc))
    }
}
