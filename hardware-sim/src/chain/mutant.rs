//! Planted errors: the protocol with one thing wrong. A checker that doesn't find them proves
//! nothing.
//!
//! Each is planted from outside (frames that are changed, storage that is touched, steps that are
//! left out), so that the machines that ship have no hole for it.

use shelf_replica::rights::HubCells;
use shelf_replica::store::{Family, LogId, Peer};
use shelf_stock::customer_order::OrderState;
use shelf_stock::identity::Seq;
use shelf_stock::quantity::Quantity;
use shelf_wire::frame::{pack, unpack};
use shelf_wire::key::NodeKey;
use shelf_wire::message::{LogBatch, Message};

use super::disk::{Disk, Fate};
use super::random::Random;
use super::swarm::{Fault, Swarm, words};
use super::violation::Violation;
use super::world::World;

words! {
    /// What is wrong.
    Mutant {
        /// Effects leave before the transaction is committed.
        AckBeforeCommit = "ack_before_commit",
        /// What the transport accepted counts as acked.
        CursorOnPuback = "cursor_on_puback",
        /// What was sent once is never sent again.
        ResendSkips = "resend_skips",
        /// The hub acks its last document in spite of a gap before it.
        AckOverGap = "ack_over_gap",
        /// A lost connection counts everything as delivered.
        DropOnLinkDown = "dropped_cursor",
        /// The hub signs what it relays itself.
        RelayForges = "relay_forges",
        /// The hub leaves out one document of each larger batch that it relays.
        RelayShortens = "relay_shortens",
        /// A restored disk goes on in its old incarnation.
        NoEpoch = "noepoch",
        /// Orders are accepted without looking at what is free.
        NoCheck = "nocheck",
        /// Each line of a basket is looked at by itself, not their sum.
        PerLineCheck = "basket_per_line",
        /// Between reading a quota and writing it somebody else writes.
        QuotaNotAtomic = "quota_not_atomic",
        /// Grants travel as increments.
        Delta = "delta",
        /// Levels are ordered by their bare number, whatever the fencing number.
        BareSeq = "bareseq",
        /// A cancelled order goes on at the store.
        LateTerminal = "lateterminal",
        /// The hub returns more than is free.
        Recall = "recall",
        /// A restored store grants before its lost documents are back.
        NoHandshake = "nohandshake",
        /// T of a restored hub is what its backup says.
        OldReturned = "returned_from_backup",
        /// Bundles are sold at the till as if they were an item.
        BundleWhole = "bundle_not_exploded",
        /// Counts stay open, so that they never count.
        CountNotClosed = "count_not_closed",
        /// A sibling's word moves the hub's cursor.
        LanCursor = "lan_moves_hub_cursor",
        /// What couldn't be delivered leaves no record.
        CompensationNever = "compensation_never",
        /// What couldn't be delivered leaves two records.
        CompensationTwice = "compensation_twice",
    }
}

impl Mutant {
    /// A world in which the error does harm: what is provoked is what the error is about.
    pub fn provoke(self, swarm: &mut Swarm, random: &mut Random) {
        let faults: &[Fault] = match self {
            Self::AckBeforeCommit => &[Fault::HubLostCommit],
            Self::CursorOnPuback | Self::ResendSkips => &[Fault::Loss],
            Self::AckOverGap => &[Fault::Loss, Fault::Reordering],
            Self::DropOnLinkDown => &[Fault::Loss, Fault::WanCut],
            Self::NoEpoch => &[Fault::DiskRestored],
            Self::Delta => &[Fault::Doubling],
            Self::BareSeq | Self::NoHandshake => &[Fault::DiskRestored, Fault::Loss],
            Self::OldReturned => &[Fault::HubRestored],
            Self::LanCursor => &[Fault::WanCut],
            _ => &[],
        };
        for fault in faults {
            if !swarm.has(*fault) {
                swarm.faults.push(*fault);
            }
        }
        if faults.contains(&Fault::Loss) {
            swarm.loss_percent = random.between(10, 30);
        }
        if faults.contains(&Fault::Reordering) {
            swarm.delay_ms_max = random.between(2_000, 9_000);
        }
        // One shop is enough, and quicker.
        swarm.pcs = vec![2];
        swarm.steps = swarm.steps.min(240);
        swarm.crash_per_mille = swarm.crash_per_mille.max(8);
        swarm.eagerness.fate = swarm.eagerness.fate.max(8);
    }
}

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
        let touched = matches!(mutant, Mutant::CursorOnPuback | Mutant::ResendSkips);
        let Ok(Message::LogBatch(batch)) = (if touched {
            unpack(&frame)
        } else {
            return Some(frame);
        }) else {
            return Some(frame);
        };
        let log = LogId {
            node: machine.id,
            incarnation: batch.incarnation,
        };
        if mutant == Mutant::CursorOnPuback {
            let done = machine.disk.transact(Fate::Committed, |store| {
                store.set_cursor(Peer::Hub, log, batch.last())
            });
            return done.is_ok().then_some(frame);
        }
        let before = machine.sent.entry(batch.incarnation).or_default();
        let again = batch.first.0 <= *before;
        *before = (*before).max(batch.last().0);
        (!again).then_some(frame)
    }

    /// A payload as it reaches the hub.
    pub(super) fn arriving_up(&mut self, shop: usize, pc: usize, frame: &[u8]) -> Option<Vec<u8>> {
        let mutant = self.mutant?;
        if !matches!(
            mutant,
            Mutant::Delta | Mutant::BareSeq | Mutant::OldReturned
        ) {
            return None;
        }
        let Ok(Message::StoreRights(mut rights)) = unpack(frame) else {
            return None;
        };
        let place = &mut self.shops[shop];
        for row in &mut rights.rows {
            let cells = place
                .hub_disk
                .read(|store| HubCells::load(store, &row.item))
                .ok()?;
            let before = place.pcs[pc].told.entry(row.item.clone()).or_default();
            match mutant {
                Mutant::Delta => {
                    let more = row.granted.minus(before.0).max(Quantity::ZERO);
                    before.0 = row.granted;
                    // What was an increment on its way adds to whatever is here.
                    before.2 = if more > Quantity::ZERO {
                        more
                    } else {
                        before.2
                    };
                    row.granted = cells.granted.plus(before.2);
                }
                Mutant::BareSeq if row.target_seq < before.1 => {
                    (row.target_seq, row.level) = (0, cells.level);
                }
                Mutant::BareSeq => before.1 = row.target_seq,
                _ => row.returned_seen = Quantity::ZERO,
            }
        }
        pack(&Message::StoreRights(rights)).ok()
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
            (Mutant::Recall, Message::HubRights(mut rights)) => {
                for row in &mut rights.rows {
                    if row.returned > Quantity::ZERO {
                        row.returned = row.returned.plus(Quantity::ONE);
                    }
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
        let told: Vec<(LogId, Seq)> = match unpack(frame) {
            Ok(Message::Heads(heads)) => {
                let rows = heads.rows.into_iter().filter(|it| it.log.0 == id);
                rows.map(|it| {
                    (
                        LogId {
                            node: it.log.0,
                            incarnation: it.log.1,
                        },
                        it.upto,
                    )
                })
                .collect()
            }
            _ => return,
        };
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
        self.shops[shop]
            .hub_disk
            .transact(Fate::Committed, |store| {
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
    pub(super) fn incoming(&self, _shop: usize, frame: Vec<u8>) -> Vec<u8> {
        let Some(mutant) = self.mutant else {
            return frame;
        };
        let changed = match (mutant, unpack(&frame)) {
            (Mutant::AckOverGap, Ok(Message::Ack(mut ack))) => {
                ack.upto = ack.beyond.last().map_or(ack.upto, |it| it.1);
                Message::Ack(ack)
            }
            (Mutant::RelayForges, Ok(Message::LogBatch(batch))) => Message::LogBatch(forged(batch)),
            (Mutant::RelayShortens, Ok(Message::LogBatch(mut batch))) if batch.bodies.len() > 1 => {
                batch.bodies.pop();
                Message::LogBatch(batch)
            }
            _ => return frame,
        };
        pack(&changed).unwrap_or(frame)
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

/// The same documents with something more in the last, signed by somebody else.
fn forged(mut batch: LogBatch) -> LogBatch {
    let (Some(author), prev) = (batch.node, batch.prev.unwrap_or_default()) else {
        return batch;
    };
    if let Some(body) = batch.bodies.last_mut() {
        body.extend([0x52, 0x01, b'x']);
    }
    if let Ok((_, head)) = batch.restore(author, prev) {
        batch.signature = NodeKey::from_seed([99; 32]).sign_head(&head.head).signature;
    }
    batch
}
