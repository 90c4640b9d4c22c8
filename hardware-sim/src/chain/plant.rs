//! How the errors are planted: payloads that are changed on their way, storage that is touched.
//!
//! An error that leaves out a check of signatures is planted by signing with the author's own key,
//! which no relay has.

use shelf_replica::hub::Hub;
use shelf_replica::rights::HubCells;
use shelf_replica::store::{Family, LogId, Peer};
use shelf_stock::customer_order::OrderState;
use shelf_stock::identity::{NodeId, Seq};
use shelf_stock::quantity::Quantity;
use shelf_wire::frame::{pack, unpack};
use shelf_wire::key::NodeKey;
use shelf_wire::message::{Ack, LogBatch, Message, NackReason, StoreRight};

use super::disk::{Disk, Fate};
use super::mutant::Mutant;
use super::violation::Violation;
use super::world::World;

impl<D: Disk> World<D> {
    /// A PC's payload on its way to the network.
    pub(super) fn outgoing(&mut self, shop: usize, pc: usize, frame: Vec<u8>) -> Option<Vec<u8>> {
        let machine = &mut self.shops[shop].pcs[pc];
        let frame = match machine.old_format {
            true => as_old(&machine.key, frame),
            false => frame,
        };
        let Some(mutant) = self.mutant else {
            return Some(frame);
        };
        let touched = matches!(
            mutant,
            Mutant::CursorOnPuback | Mutant::ResendSkips | Mutant::LanRelayForges
        );
        let Ok(Message::LogBatch(batch)) = (if touched {
            unpack(&frame)
        } else {
            return Some(frame);
        }) else {
            return Some(frame);
        };
        let log = LogId {
            node: batch.node.unwrap_or(machine.id),
            incarnation: batch.incarnation,
        };
        match mutant {
            Mutant::LanRelayForges => Some(self.forged(shop, batch, frame)),
            Mutant::CursorOnPuback => {
                let done = machine.disk.transact(Fate::Committed, |store| {
                    store.set_cursor(Peer::Hub, log, batch.last())
                });
                done.is_ok().then_some(frame)
            }
            _ => {
                let before = machine.sent.entry(batch.incarnation).or_default();
                let again = batch.first.0 <= *before;
                *before = (*before).max(batch.last().0);
                (!again).then_some(frame)
            }
        }
    }

    /// A PC's payload on its way to its siblings.
    pub(super) fn relaying(&self, shop: usize, frame: &[u8]) -> Option<Vec<u8>> {
        if self.mutant != Some(Mutant::LanRelayForges) {
            return None;
        }
        match unpack(frame) {
            Ok(Message::LogBatch(batch)) => Some(self.forged(shop, batch, frame.to_vec())),
            _ => None,
        }
    }

    /// The same documents with something more in the last, where a relay passes them on.
    fn forged(&self, shop: usize, batch: LogBatch, frame: Vec<u8>) -> Vec<u8> {
        let pcs = self.shops[shop].pcs.iter();
        let key = batch.node.and_then(|author| {
            let mut of_author = pcs.filter(|it| it.id == author);
            of_author.next().map(|it| it.key.clone())
        });
        let Some((author, key)) = batch.node.zip(key) else {
            return frame;
        };
        pack(&Message::LogBatch(forged(batch, author, &key))).unwrap_or(frame)
    }

    /// A payload as it reaches the hub.
    pub(super) fn arriving_up(&mut self, shop: usize, pc: usize, frame: &[u8]) -> Option<Vec<u8>> {
        let mutant = self.mutant?;
        let touched = matches!(
            mutant,
            Mutant::Delta
                | Mutant::BareSeq
                | Mutant::OldReturned
                | Mutant::Recall
                | Mutant::OldEpoch
        );
        let Ok(Message::StoreRights(mut rights)) = (if touched {
            unpack(frame)
        } else {
            return None;
        }) else {
            return None;
        };
        if mutant == Mutant::OldEpoch {
            let current = self.shops[shop].hub_disk.read(|store| Hub::grantor(store));
            rights.rights_epoch = current.ok()?.1;
        }
        for row in &mut rights.rows {
            let hub = &self.shops[shop].hub_disk;
            let cells = hub.read(|store| HubCells::load(store, &row.item)).ok()?;
            self.spoil_row(shop, pc, &cells, row);
        }
        pack(&Message::StoreRights(rights)).ok()
    }

    fn spoil_row(&mut self, shop: usize, pc: usize, cells: &HubCells, row: &mut StoreRight) {
        let place = &mut self.shops[shop];
        let before = place.pcs[pc].told.entry(row.item.clone()).or_default();
        match self.mutant {
            Some(Mutant::Delta) => {
                let more = row.granted.minus(before.0).max(Quantity::ZERO);
                before.0 = row.granted;
                // What was an increment on its way adds to whatever is here.
                if more > Quantity::ZERO {
                    before.2 = more;
                }
                row.granted = cells.granted.plus(before.2);
            }
            Some(Mutant::BareSeq) if row.target_seq < before.1 => {
                (row.target_seq, row.level) = (0, cells.level);
            }
            Some(Mutant::BareSeq) => before.1 = row.target_seq,
            Some(Mutant::Recall) => {
                let wanted = cells.outstanding().minus(row.level).max(Quantity::ZERO);
                row.returned_seen = cells.returned.plus(wanted);
            }
            Some(Mutant::OldReturned) => row.returned_seen = Quantity::ZERO,
            _ => {}
        }
    }

    /// A payload as it reaches a PC.
    pub(super) fn arriving_down(&mut self, frame: &[u8]) -> Option<Vec<u8>> {
        let mutant = self.mutant?;
        let message = match (mutant, unpack(frame).ok()?) {
            (Mutant::LateTerminal, Message::OrderRows(mut rows)) => {
                for row in &mut rows.rows {
                    if row.state == OrderState::Cancelled && !row.lines.is_empty() {
                        row.state = OrderState::Reserved;
                    }
                }
                Message::OrderRows(rows)
            }
            (Mutant::OrderRowLost, Message::OrderRows(mut rows)) if rows.rows.len() > 1 => {
                rows.rows.remove(0);
                Message::OrderRows(rows)
            }
            (Mutant::UnpaidPicked, Message::OrderRows(mut rows)) => {
                for row in &mut rows.rows {
                    row.pay_on_collection = true;
                }
                Message::OrderRows(rows)
            }
            (Mutant::GrantsAll, Message::HubRights(mut rights)) => {
                for row in &mut rights.rows {
                    row.granted_seen = row.granted_seen.plus(Quantity::ONE);
                }
                Message::HubRights(rights)
            }
            (Mutant::NoHandshake, Message::HelloAnswer(mut answer)) => {
                for cursor in &mut answer.cursors {
                    cursor.upto = Seq(0);
                }
                Message::HelloAnswer(answer)
            }
            _ => return None,
        };
        pack(&message).ok()
    }

    /// What a sibling says is believed too much.
    pub(super) fn believe_sibling(&mut self, shop: usize, pc: usize, frame: &[u8]) {
        if self.mutant != Some(Mutant::LanCursor) {
            return;
        }
        let machine = &mut self.shops[shop].pcs[pc];
        let id = machine.id;
        let Ok(Message::Heads(heads)) = unpack(frame) else {
            return;
        };
        let own = heads.rows.into_iter().filter(|it| it.log.0 == id);
        let told = own.map(|it| {
            let (node, incarnation) = it.log;
            (LogId { node, incarnation }, it.upto)
        });
        let told: Vec<(LogId, Seq)> = told.collect();
        let moved = machine.disk.transact(Fate::Committed, |store| {
            for (log, upto) in told {
                if store.cursor(Peer::Hub, log)? < upto {
                    store.set_cursor(Peer::Hub, log, upto)?;
                }
            }
            Ok(())
        });
        debug_assert!(moved.is_ok());
    }

    /// Records of what couldn't be delivered are lost or doubled.
    pub(super) fn spoil_records(&mut self, shop: usize) -> Result<(), Violation> {
        let mutant = self.mutant;
        if !matches!(
            mutant,
            Some(Mutant::CompensationNever | Mutant::CompensationTwice)
        ) {
            return Ok(());
        }
        let disk = &mut self.shops[shop].hub_disk;
        disk.transact(Fate::Committed, |store| {
            for (key, value) in store.rows(Family::Compensation, &[], 500)? {
                if mutant == Some(Mutant::CompensationNever) {
                    store.delete_row(Family::Compensation, &key)?;
                } else {
                    let mut other = key.clone();
                    other.push(b'~');
                    store.set_row(Family::Compensation, &other, &value)?;
                }
            }
            Ok(())
        })
    }

    /// The hub's payload on its way to the network.
    pub(super) fn incoming(&self, shop: usize, frame: Vec<u8>) -> Vec<u8> {
        let Some(mutant) = self.mutant else {
            return frame;
        };
        match (mutant, unpack(&frame)) {
            (Mutant::AckOverGap, Ok(Message::Nack(it)))
                if it.reason == NackReason::Predecessor && it.node.is_none() =>
            {
                let ack = Ack {
                    node: it.node,
                    incarnation: it.incarnation,
                    upto: it.last,
                    beyond: Vec::new(),
                };
                pack(&Message::Ack(ack)).unwrap_or(frame)
            }
            (Mutant::RelayForges, Ok(Message::LogBatch(batch))) => self.forged(shop, batch, frame),
            _ => frame,
        }
    }

    /// A PC's link is gone.
    pub(super) fn dropped(&mut self, shop: usize, pc: usize) -> Result<(), Violation> {
        if self.mutant != Some(Mutant::DropOnLinkDown) {
            return Ok(());
        }
        let machine = &mut self.shops[shop].pcs[pc];
        let id = machine.id;
        machine.disk.transact(Fate::Committed, |store| {
            for state in store.logs()?.into_iter().filter(|it| it.log.node == id) {
                store.set_cursor(Peer::Hub, state.log, state.upto)?;
            }
            Ok(())
        })?;
        self.check_pc(shop, pc)
    }
}

/// A hello of a version that reads only the oldest format.
fn as_old(key: &NodeKey, frame: Vec<u8>) -> Vec<u8> {
    let Ok(Message::Hello(mut hello)) = unpack(&frame) else {
        return frame;
    };
    hello.reads = u32::from(shelf_wire::frame::FORMAT_OLDEST);
    pack(&Message::Hello(Box::new(hello.signed(key)))).unwrap_or(frame)
}

/// The same documents with something more in the last, signed by its author.
fn forged(mut batch: LogBatch, author: NodeId, key: &NodeKey) -> LogBatch {
    let Some(prev) = batch.prev else {
        return batch;
    };
    if let Some(body) = batch.bodies.last_mut() {
        body.extend([0x52, 0x01, b'x']);
    }
    if let Ok((_, head)) = batch.restore(author, prev) {
        batch.signature = key.sign_head(&head.head).signature;
    }
    batch
}
