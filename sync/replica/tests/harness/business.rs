//! What people and channels do in the shop, beyond a plain sale.

use shelf_replica::Now;
use shelf_replica::hub::{Hub, HubConfig, HubEffect, HubInput};
use shelf_replica::memory::MemoryStore;
use shelf_replica::node::NodeInput;
use shelf_stock::document::Draft;
use shelf_stock::identity::NodeId;
use shelf_stock::time::Timestamp;

use super::{Faults, Mutant, Packet, World};

/// A store whose PCs are at the hub, on a network without faults.
pub(crate) fn calm(pcs: u8) -> World {
    let mut world = World::new(3, pcs, Faults::NONE, Mutant::None);
    for index in 0..world.pcs.len() {
        world.set_link(index, true);
    }
    world.run_for(1_000);
    world
}

/// So many sales, one after the other.
pub(crate) fn record(world: &mut World, index: usize, count: usize) {
    for _ in 0..count {
        world.record(index);
        world.run_for(50);
    }
}

impl World {
    /// A PC writes a document; its shell says what changed, as it must.
    pub(crate) fn write(&mut self, index: usize, draft: Draft) {
        let wall = self.now().wall;
        self.write_at(index, draft, wall);
    }

    /// The same by a PC whose clock says this.
    pub(crate) fn write_at(&mut self, index: usize, draft: Draft, wall: Timestamp) {
        let pc = &mut self.pcs[index];
        let authored = pc.author.write(draft, wall);
        pc.store.take_changed();
        shelf_replica::store::Store::insert(&mut pc.store, &authored).unwrap();
        let items = pc.store.take_changed();
        self.written
            .insert((authored.sealed().place(), authored.digest()));
        let (log, upto) = (pc.author.log(), pc.author.seq());
        self.tell(index, NodeInput::Appended { log, upto });
        self.tell(index, NodeInput::StockChanged { items: &items });
    }

    /// A call of the hub that is no frame, in a transaction of its own.
    pub(crate) fn hub_call<T, E: std::fmt::Debug>(
        &mut self,
        call: impl FnOnce(&mut Hub, Now, &mut MemoryStore, &mut Vec<HubEffect>) -> Result<T, E>,
    ) -> T {
        let now = self.now();
        let mut effects = Vec::new();
        let out = call(&mut self.hub, now, &mut self.hub_store, &mut effects).unwrap();
        self.hub
            .finish(now, &mut self.hub_store, &mut effects)
            .unwrap();
        for effect in effects {
            match effect {
                HubEffect::Send { to, frame, .. } => {
                    if let Some(index) = self.index(to) {
                        self.publish(index, Packet::Down(to, frame));
                    }
                }
                HubEffect::WakeAt(at) => self.hub_wake_at_ms = Some(at),
                HubEffect::Event(event) => self.hub_events.push(event),
            }
        }
        out
    }

    /// Lets packets travel until one comes to this PC, and takes it out of its hands.
    pub(crate) fn next_to(&mut self, node: NodeId) -> Option<Vec<u8>> {
        loop {
            let ((at_ms, _), packet) = self.packets.pop_first()?;
            self.now_ms = self.now_ms.max(at_ms);
            match packet {
                Packet::Up(from, frame) => {
                    let frame = &frame;
                    self.tell_hub(HubInput::Frame { from, frame });
                }
                Packet::Down(to, frame) if to == node => return Some(frame),
                Packet::Down(..) | Packet::Peer(..) => {}
            }
        }
    }

    /// The hub's program starts anew.
    pub(crate) fn restart_hub(&mut self) {
        self.hub_wake_at_ms = None;
        self.hub = Hub::new(HubConfig {
            seed: self.random.next(),
            trust_first_use: true,
        });
    }
}
