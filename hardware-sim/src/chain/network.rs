//! The network: packets with delays, loss, copies, and lines that are cut.

use std::rc::Rc;

use shelf_replica::node::NodeInput;
use shelf_stock::identity::NodeId;

use super::disk::Disk;
use super::pc::Cut;
use super::swarm::Fault;
use super::violation::Violation;
use super::world::{Event, World};

/// Where a packet goes, by shop and PC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From a PC to the hub.
    Up,
    /// From the hub to a PC.
    Down,
    /// To a PC from a sibling.
    Peer(NodeId),
}

impl<D: Disk> World<D> {
    /// Publishes a payload after a delay; it may be lost, doubled or late.
    pub(super) fn publish(
        &mut self,
        shop: usize,
        pc: usize,
        way: Way,
        frame: Vec<u8>,
        wait_ms: u64,
    ) {
        let line = self.line(shop, pc);
        let stopped = match way {
            Way::Up => matches!(line, Cut::Noticed | Cut::Silent | Cut::Up),
            Way::Down => matches!(line, Cut::Noticed | Cut::Silent | Cut::Down),
            Way::Peer(_) => !self.shops[shop].pcs[pc].lan_up,
        };
        if stopped || (way == Way::Up && !self.hub_up) {
            if matches!(line, Cut::Up | Cut::Down) {
                self.coverage.fault(Fault::OneWay);
            }
            return;
        }
        if self.random.percent(self.swarm.loss_percent) {
            self.coverage.fault(Fault::Loss);
            return;
        }
        let frame: Rc<[u8]> = frame.into();
        if self.random.percent(self.swarm.doubling_percent) {
            self.coverage.fault(Fault::Doubling);
            let late_ms = 1 + self.random.below(self.swarm.delay_ms_max);
            let frame = Rc::clone(&frame);
            self.after(
                wait_ms + late_ms,
                Event::Packet {
                    shop,
                    pc,
                    way,
                    frame,
                },
            );
        }
        let delay_ms = 1 + self.random.below(self.swarm.delay_ms_max);
        if delay_ms > 400 {
            self.coverage.fault(Fault::Reordering);
        }
        self.after(
            wait_ms + delay_ms,
            Event::Packet {
                shop,
                pc,
                way,
                frame,
            },
        );
    }

    /// How the line between a PC and the hub is cut, all causes together.
    pub(super) fn line(&self, shop: usize, pc: usize) -> Cut {
        let place = &self.shops[shop];
        let machine = &place.pcs[pc];
        let noticed = place.wan == Cut::Noticed || machine.cut == Cut::Noticed;
        if !machine.on || machine.gone || noticed || machine.kicked_until_ms > self.now_ms {
            return Cut::Noticed;
        }
        match (place.wan, machine.cut) {
            (Cut::None, own) => own,
            (line, Cut::None) => line,
            (line, own) if line == own => line,
            _ => Cut::Silent,
        }
    }

    /// Publishes a payload to every other PC of a shop.
    pub(super) fn broadcast(&mut self, shop: usize, pc: usize, frame: &[u8]) {
        let own = &self.shops[shop].pcs[pc];
        if !own.lan_up {
            return;
        }
        let way = Way::Peer(own.id);
        let changed = self.relaying(shop, frame);
        let frame = changed.as_deref().unwrap_or(frame);
        for other in 0..self.shops[shop].pcs.len() {
            if other != pc {
                self.publish(shop, other, way, frame.to_vec(), 0);
            }
        }
    }

    /// The machine is told whether the store's network is up.
    pub(super) fn relink_lan(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let machine = &place.pcs[pc];
        let up = machine.on && !place.lan_cut && machine.cut == Cut::None;
        if machine.lan_up == up {
            return Ok(());
        }
        let named = self.swarm.keys_named;
        let keys = place.pcs.iter().map(|it| it.key.public_key());
        let keys: Vec<_> = if named { keys.collect() } else { Vec::new() };
        self.shops[shop].pcs[pc].lan_up = up;
        let input = match up {
            true => NodeInput::LanUp {
                name: "till",
                keys: &keys,
            },
            false => NodeInput::LanDown,
        };
        if up || self.shops[shop].pcs[pc].on {
            self.tell(shop, pc, input)?;
        }
        Ok(())
    }
}
