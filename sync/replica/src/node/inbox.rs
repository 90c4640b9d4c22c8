//! What a PC does with each message from the hub.

use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::frame::unpack;
use shelf_wire::key::PublicKey;
use shelf_wire::message::{Ack, LogBatch, Message, Nack, NackReason};
use shelf_wire::topic::Up;

use super::{Node, NodeEffect, NodeEvent, Phase, send};
use crate::intake::{Taken, ack, take};
use crate::store::{LogId, Peer, Store};
use crate::time::Now;

impl Node {
    pub(super) fn on_frame<S: Store + ?Sized>(
        &mut self,
        now: Now,
        frame: &[u8],
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let message = match unpack(frame) {
            Ok(message) => message,
            Err(error) => {
                effects.push(NodeEffect::Event(NodeEvent::BadFrame {
                    reason: error.to_string(),
                }));
                return Ok(());
            }
        };
        if !matches!(self.phase, Phase::Down) {
            self.last_frame_ms = Some(now.mono_ms);
        }
        match message {
            Message::HelloAnswer(answer) => self.on_answer(now, &answer, store, effects),
            Message::LogBatch(batch) => self.on_batch(now, &batch, store, effects),
            Message::Ack(ack) => self.on_ack(now, &ack, store, effects),
            Message::Nack(nack) => self.on_nack(now, &nack, store, effects),
            Message::Beat(beat) => {
                self.hub_offset_ms = Some(beat.wall.millis_since(now.wall));
                Ok(())
            }
            Message::CfgHint(hint) => {
                effects.push(NodeEffect::Event(NodeEvent::Hint(hint)));
                Ok(())
            }
            Message::Roster(roster) => {
                self.save_roster(&roster, store)?;
                effects.push(NodeEffect::Event(NodeEvent::Roster(roster)));
                Ok(())
            }
            Message::HubRights(rights) => {
                if self.grants.is_under(rights.rights_epoch) {
                    self.on_hub_rights(now, &rights.rows, rights.wants_rows, store)?;
                }
                Ok(())
            }
            Message::RightsPage(page) => self.on_rights_page(now, &page, store),
            Message::OrderRows(rows) => self.on_orders(&rows, store, effects),
            Message::OrdersPull(pull) => self.on_orders_pull(&pull, store, effects),
            Message::Policy(policy) => self.on_policy(policy, store, effects),
            Message::Heads(heads) => {
                self.on_hub_heads(&heads);
                Ok(())
            }
            Message::Digests(digests) => {
                self.on_digests(now, *digests, effects);
                Ok(())
            }
            Message::Presence(presence) => {
                effects.push(NodeEffect::Event(NodeEvent::Presence(presence)));
                Ok(())
            }
            // What only PCs say.
            Message::Hello(_)
            | Message::Stat(_)
            | Message::Will(_)
            | Message::StoreRights(_)
            | Message::RightsPull(_)
            | Message::OrderAck(_)
            | Message::OrdersPage(_) => Ok(()),
        }
    }

    /// A file is not the hub's word: only what authors signed is taken from it.
    pub(super) fn on_snapshot<S: Store + ?Sized>(
        &mut self,
        now: Now,
        frame: &[u8],
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let reason = match unpack(frame) {
            Ok(Message::LogBatch(batch)) => return self.on_batch(now, &batch, store, effects),
            Ok(_) => "a file of documents holds something else".to_owned(),
            Err(error) => error.to_string(),
        };
        effects.push(NodeEffect::Event(NodeEvent::BadFrame { reason }));
        Ok(())
    }

    fn on_batch<S: Store + ?Sized>(
        &mut self,
        now: Now,
        batch: &LogBatch,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let Some(author) = batch.node else {
            return Ok(());
        };
        // An author whom the roster doesn't name yet: the hub sends both again.
        let Some(key) = self.key_of(author, store)? else {
            return Ok(());
        };
        match take(store, author, &key, batch)? {
            Taken::Refused(reason) => {
                let nack = Nack {
                    node: batch.node,
                    incarnation: batch.incarnation,
                    first: batch.first,
                    last: batch.last(),
                    reason,
                };
                send(Up::Log, &Message::Nack(nack), effects);
            }
            Taken::Stored(stored) => {
                self.returned(author, batch, store)?;
                self.note_returned(now, &stored, store, effects)?;
                self.note_facts(&stored.facts, store, effects)?;
                let log = stored.state.log;
                self.held.grew(log, stored.state.upto);
                self.relay.shown(log, batch.last(), self.held.upto(log));
                for state in [&stored.state].into_iter().chain(&stored.jumped) {
                    self.grew(now, state.log, state.upto);
                    let answer = ack(store, state, batch.node)?;
                    send(Up::Log, &Message::Ack(answer), effects);
                }
                if stored.new > 0 {
                    let new = stored.new;
                    effects.push(NodeEffect::Event(NodeEvent::Received { author, new }));
                }
                let parked = stored.parked.into_iter();
                let parked = parked.map(|(place, reason)| NodeEvent::Parked { place, reason });
                effects.extend(parked.map(NodeEffect::Event));
            }
        }
        Ok(())
    }

    /// An own document comes back: then the hub has it, and everything before it.
    fn returned<S: Store + ?Sized>(
        &self,
        author: NodeId,
        batch: &LogBatch,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let log = LogId {
            node: author,
            incarnation: batch.incarnation,
        };
        if author == self.id && store.cursor(Peer::Hub, log)? < batch.last() {
            store.set_cursor(Peer::Hub, log, batch.last())?;
        }
        Ok(())
    }

    pub(super) fn key_of<S: Store + ?Sized>(
        &self,
        author: NodeId,
        store: &S,
    ) -> Result<Option<PublicKey>, S::Error> {
        if author == self.id {
            return Ok(Some(self.config.key.public_key()));
        }
        let roster = self.roster(store)?;
        let pinned = self.lan.pinned().iter().copied();
        let mut keys = roster.keys.into_iter().chain(pinned);
        Ok(keys.find(|it| it.node_id() == author))
    }

    fn own_log(&self, node: Option<NodeId>, message: LogId) -> Option<LogId> {
        node.is_none_or(|it| it == self.id).then_some(message)
    }

    fn on_ack<S: Store + ?Sized>(
        &mut self,
        now: Now,
        ack: &Ack,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let log = LogId {
            node: self.id,
            incarnation: ack.incarnation,
        };
        let Some(log) = self.own_log(ack.node, log) else {
            self.on_relay_ack(ack);
            return Ok(());
        };
        if self.outflow.knows(log) {
            // Of what is closed nothing was sent; the hub has it since an opening came.
            let held = Seq(self.held.upto(log));
            self.outflow.offer(log, Seq(0), held);
        }
        if let Some(upto) = self.outflow.ack(log, ack.upto, &ack.beyond) {
            store.set_cursor(Peer::Hub, log, upto)?;
            effects.push(NodeEffect::Event(NodeEvent::Acked { log, upto }));
        }
        let held = self.held.upto(log);
        if held > 0 && ack.upto.0 > held && matches!(self.phase, Phase::Admitted { .. }) {
            // Sent before this disk went back in time and on its way until now: the hub has what is
            // lost here, and only a hello's answer brings it back.
            return self.greet(now, store, effects);
        }
        Ok(())
    }

    fn on_nack<S: Store + ?Sized>(
        &mut self,
        now: Now,
        nack: &Nack,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if nack.reason == NackReason::Hello {
            return match self.phase {
                Phase::Admitted { .. } => self.greet(now, store, effects),
                _ => Ok(()),
            };
        }
        let log = LogId {
            node: self.id,
            incarnation: nack.incarnation,
        };
        let Some(log) = self.own_log(nack.node, log) else {
            self.on_relay_nack(nack);
            return Ok(());
        };
        if let Some(refused) = self.outflow.nack(log, nack.first, nack.last, nack.reason) {
            let place = shelf_stock::identity::Place {
                node: log.node,
                incarnation: log.incarnation,
                seq: refused.seq,
            };
            let reason = refused.reason;
            effects.push(NodeEffect::Event(NodeEvent::Refused { place, reason }));
        }
        Ok(())
    }
}
