//! What machines tell: counted, and acted upon as the programs around them would.

use shelf_replica::hub::HubEvent;
use shelf_replica::hub::OrderTrouble;
use shelf_replica::node::{NodeEvent, NodeInput};
use shelf_stock::identity::NodeId;

use super::coverage::Danger;
use super::disk::Disk;
use super::violation::Violation;
use super::world::{Event, World};

/// So long may a packet be on its way.
const DOUBT_MS_MIN: u64 = 30_000;

impl<D: Disk> World<D> {
    pub(super) fn on_node_event(&mut self, shop: usize, pc: usize, event: &NodeEvent) {
        match event {
            NodeEvent::Admitted { returning, .. } => {
                // A late answer may still be one of before the hub's restore.
                let now_ms = self.now_ms;
                let machine = &mut self.shops[shop].pcs[pc];
                machine.doubt &= now_ms < machine.doubt_since_ms + DOUBT_MS_MIN;
                if *returning > 0 {
                    self.coverage.danger(Danger::Returned);
                }
            }
            NodeEvent::Rights {
                grantor,
                rights_epoch,
                ..
            } => {
                self.shops[shop].pcs[pc].rights_epoch = grantor.then_some(*rights_epoch);
            }
            NodeEvent::Parked { .. } => self.coverage.danger(Danger::Parked),
            _ => {}
        }
    }

    pub(super) fn on_hub_event(&mut self, shop: usize, event: &HubEvent) {
        match event {
            HubEvent::Admitted { node, .. } => self.note_had(shop, *node),
            HubEvent::Restored { .. } => self.coverage.danger(Danger::RestoredDisk),
            HubEvent::Clone { .. } => self.coverage.danger(Danger::CloneFound),
            HubEvent::Fork { .. } => self.coverage.danger(Danger::Fork),
            HubEvent::Parked { .. } => self.coverage.danger(Danger::Parked),
            HubEvent::Behind { .. } => {
                self.coverage.danger(Danger::HubCaughtUp);
                self.after(3_000, Event::Reconcile { shop });
            }
            HubEvent::Oversold { .. } => self.coverage.danger(Danger::Oversold),
            HubEvent::Compensated { .. } => self.coverage.danger(Danger::Compensated),
            HubEvent::Exception { trouble, .. } => match trouble {
                OrderTrouble::HandedOverAfterEnd => {
                    self.coverage.danger(Danger::HandedOverAfterCancel);
                }
                OrderTrouble::HandedOverAgain => self.coverage.danger(Danger::HandedOverTwice),
                OrderTrouble::PickedAfterEnd => self.coverage.danger(Danger::PickedAfterCancel),
                OrderTrouble::SoldUnasked => self.coverage.danger(Danger::SoldUnasked),
                OrderTrouble::HandedOverLess => self.coverage.danger(Danger::HandedOverLess),
            },
            _ => {}
        }
    }

    /// A PC said hello: what of its logs the hub has now belongs to the handshake.
    fn note_had(&mut self, shop: usize, node: NodeId) {
        let place = &mut self.shops[shop];
        let logs = place.hub_disk.read(|store| store.logs());
        let own = logs.unwrap_or_default().into_iter();
        let own = own.filter(|it| it.log.node == node);
        let had: Vec<_> = own.map(|it| (it.log, it.upto.0)).collect();
        for pc in place.pcs.iter_mut().filter(|it| it.id == node) {
            pc.hub_had.get_or_insert_with(|| had.clone());
        }
    }

    /// A transaction may have changed stock: the machine is told what.
    pub(super) fn stock_changed(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        let machine = &mut self.shops[shop].pcs[pc];
        let changed = match machine.disk.take_changed() {
            Some(changed) => changed,
            None => self.items.clone(),
        };
        if changed.is_empty() {
            return Ok(());
        }
        self.tell_only(shop, pc, NodeInput::StockChanged { items: &changed })
    }
}
