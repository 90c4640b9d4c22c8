//! Fencing and identity: whose word the hub follows, and that what arrives is what was written.

use shelf_replica::rights::HubCells;
use shelf_replica::store::{LogId, ReadLimits};
use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::frame::unpack;
use shelf_wire::message::Message;

use super::disk::Disk;
use super::shop::Shop;
use super::violation::{Violation, hold};
use super::world::World;

/// Documents of one log that are looked at again after they arrived.
const DOCUMENTS_MAX: usize = 200;

impl<D: Disk> World<D> {
    /// Remembers which levels a PC told under which numbers.
    pub(super) fn note_told(&mut self, shop: usize, frame: &[u8]) {
        let Ok(Message::StoreRights(rights)) = unpack(frame) else {
            return;
        };
        let told = &mut self.shops[shop].told_levels;
        for row in rights.rows {
            told.insert((rights.rights_epoch, row.target_seq, row.item), row.level);
        }
    }

    /// I14: the hub follows a level only under the number under which it was told, and never an
    /// older one than it followed before.
    pub(super) fn check_targets(&mut self, shop: usize) -> Result<(), Violation> {
        for (number, item) in self.items.iter().enumerate() {
            let place = &mut self.shops[shop];
            let cells = place.hub_disk.read(|store| HubCells::load(store, item))?;
            let (before, now) = (place.targets[number], cells.target);
            if before == now {
                continue;
            }
            place.targets[number] = now;
            hold(now > before, "I14", || {
                format!("the hub followed {before:?} for {item} and now follows {now:?}")
            })?;
            if now.1 == 0 {
                continue;
            }
            let told = place.told_levels.get(&(now.0, now.1, item.clone()));
            hold(told == Some(&cells.level), "I14", || {
                let level = cells.level;
                format!("the hub follows {level} of {item} as {now:?}, told was {told:?}")
            })?;
        }
        Ok(())
    }

    /// I7: what arrived at the hub of an author's log is what the author wrote.
    pub(super) fn check_stored(&self, shop: usize, log: LogId) -> Result<(), Violation> {
        let place = &self.shops[shop];
        genuine(place, &place.hub_disk, log)
    }

    /// I7: the same at a PC, for everything of an author.
    pub(super) fn check_received(
        &self,
        shop: usize,
        pc: usize,
        author: NodeId,
    ) -> Result<(), Violation> {
        let place = &self.shops[shop];
        let disk = &place.pcs[pc].disk;
        let logs = disk.read(|store| store.logs())?;
        let of_author = logs.into_iter().filter(|it| it.log.node == author);
        for state in of_author {
            genuine(place, disk, state.log)?;
        }
        Ok(())
    }
}

/// The last documents of a log are those that its author committed.
fn genuine<D: Disk>(place: &Shop<D>, disk: &D, log: LogId) -> Result<(), Violation> {
    let limits = ReadLimits {
        documents_max: DOCUMENTS_MAX,
        bytes_max: 1 << 22,
    };
    let read = disk.read(|store| {
        let last = store.log(log)?.map_or(0, |it| it.last.0);
        store.read(log, Seq(last.saturating_sub(4)), limits)
    })?;
    for sealed in read {
        let at = sealed.place();
        let written = place.written.get(&at);
        hold(written == Some(&sealed.digest()), "I7", || {
            format!("{at} is not what its author wrote")
        })?;
    }
    Ok(())
}
