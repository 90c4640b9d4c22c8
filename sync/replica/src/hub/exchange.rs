//! Batches, acks and status rows of PCs that are here.

use shelf_stock::identity::NodeId;
use shelf_wire::message::{Ack, Beat, LogBatch, Message, Nack, Stat};
use shelf_wire::topic::Down;

use super::shop::{Shop, is_unaware, set_heard};
use super::{Hub, HubEffect, HubEvent, ask_for_hello, roster, send};
use crate::intake::{Stored, Taken, ack, take};
use crate::store::{LogId, ParkReason, Peer, Store};
use crate::time::Now;

impl Hub {
    pub(super) fn on_batch<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        batch: &LogBatch,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let author = batch.node.unwrap_or(from);
        let roster = roster(store)?;
        let Some(key) = roster.keys.iter().find(|it| it.node_id() == author) else {
            return Ok(());
        };
        match take(store, author, key, batch)? {
            Taken::Refused(reason) => {
                let nack = Nack {
                    node: batch.node,
                    incarnation: batch.incarnation,
                    first: batch.first,
                    last: batch.last(),
                    reason,
                };
                send(from, Down::Ack, &Message::Nack(nack), effects);
                effects.push(HubEffect::Event(HubEvent::Refused { from, reason }));
            }
            Taken::Stored(stored) => {
                self.on_facts(now, &stored.facts, store, effects)?;
                if author != from {
                    self.holds(from, stored.state.log, batch.last(), store)?;
                }
                for state in [&stored.state].into_iter().chain(&stored.jumped) {
                    let answer = ack(store, state, batch.node)?;
                    send(from, Down::Ack, &Message::Ack(answer), effects);
                }
                self.relay(&stored, store)?;
                tell(&stored, effects);
            }
        }
        Ok(())
    }

    /// Offers a log that grew to everybody but its author.
    fn relay<S: Store + ?Sized>(&mut self, stored: &Stored, store: &S) -> Result<(), S::Error> {
        let log = stored.state.log;
        if stored.new == 0 {
            return Ok(());
        }
        for (node, session) in &mut self.sessions {
            if *node == log.node {
                continue;
            }
            let cursor = store.cursor(Peer::Node(*node), log)?;
            session.outflow.offer(log, cursor, stored.state.upto);
        }
        Ok(())
    }

    pub(super) fn on_ack<S: Store + ?Sized>(
        &mut self,
        from: NodeId,
        ack: &Ack,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let log = LogId {
            node: ack.node.unwrap_or(from),
            incarnation: ack.incarnation,
        };
        self.note_ack(from, ack, store)?;
        let session = self.sessions.get_mut(&from);
        let moved = session.and_then(|it| it.outflow.ack(log, ack.upto, &ack.beyond));
        match moved {
            Some(upto) if log.node != from => store.set_cursor(Peer::Node(from), log, upto),
            _ => Ok(()),
        }
    }

    pub(super) fn on_nack(&mut self, from: NodeId, nack: &Nack, effects: &mut Vec<HubEffect>) {
        let log = LogId {
            node: nack.node.unwrap_or(from),
            incarnation: nack.incarnation,
        };
        let session = self.sessions.get_mut(&from);
        let refused =
            session.and_then(|it| it.outflow.nack(log, nack.first, nack.last, nack.reason));
        if let Some(refused) = refused {
            let reason = refused.reason;
            effects.push(HubEffect::Event(HubEvent::Refused { from, reason }));
        }
    }

    /// Remembers when the grantor was heard, for the haircut of a silent store.
    pub(super) fn hear<S: Store + ?Sized>(
        &self,
        now: Now,
        from: NodeId,
        stat: &Stat,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let shop = Shop::load(store)?;
        if shop.grantor != Some(from) {
            return Ok(());
        }
        if is_unaware(shop.rights_epoch, store)? {
            // It doesn't know that it grants: the question got lost, or an older answer came first.
            ask_for_hello(from, effects);
        }
        set_heard(now.wall, stat.stopping, store)
    }

    pub(super) fn on_stat(
        &mut self,
        now: Now,
        from: NodeId,
        stat: Stat,
        effects: &mut Vec<HubEffect>,
    ) {
        let beat = Beat { wall: now.wall };
        send(from, Down::Ack, &Message::Beat(beat), effects);
        effects.push(HubEffect::Event(HubEvent::Stat { node: from, stat }));
    }
}

fn tell(stored: &Stored, effects: &mut Vec<HubEffect>) {
    if stored.new > 0 {
        effects.push(HubEffect::Event(HubEvent::Stored {
            log: stored.state.log,
            new: stored.new,
            upto: stored.state.upto,
        }));
    }
    for (place, reason) in stored.parked.iter().copied() {
        if matches!(reason, ParkReason::Fork | ParkReason::Chain) {
            effects.push(HubEffect::Event(HubEvent::Fork { place }));
        }
        effects.push(HubEffect::Event(HubEvent::Parked { place, reason }));
    }
}
