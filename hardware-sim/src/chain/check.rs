//! What must hold after every transaction. Cheap: only what that transaction can have broken.

use shelf_replica::store::Peer;

use super::disk::Disk;
use super::violation::{Violation, hold};
use super::world::World;

impl<D: Disk> World<D> {
    /// After a transaction of a PC: its cursors never say more than the hub has committed.
    pub(super) fn check_pc(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        self.check_pc_rights(shop, pc)?;
        let place = &self.shops[shop];
        let machine = &place.pcs[pc];
        if machine.doubt {
            return Ok(());
        }
        let cursors = machine.disk.read(|store| store.cursors(Peer::Hub))?;
        place.hub_disk.read(|hub| {
            for cursor in &cursors {
                let held = hub.log(cursor.log)?.map_or(0, |it| it.upto.0);
                if cursor.upto.0 > held {
                    return Ok(Err(Violation::of(
                        "I12",
                        format!(
                            "{} believes that the hub has {:?} up to {}, it has {held}",
                            machine.id.short(),
                            cursor.log,
                            cursor.upto.0
                        ),
                    )));
                }
            }
            Ok(Ok(()))
        })?
    }

    /// After a transaction of the hub.
    pub(super) fn check_hub(&mut self, shop: usize) -> Result<(), Violation> {
        let place = &self.shops[shop];
        for item in 0..self.items.len() {
            let unaccounted = place.physical.unaccounted(item);
            hold(unaccounted == 0, "oracle", || {
                format!("{unaccounted} units of {} are nowhere", self.items[item])
            })?;
        }
        self.check_hub_rights(shop)
    }
}
