//! What a PC does with each message of a sibling.

use shelf_stock::identity::NodeId;
use shelf_wire::frame::unpack;
use shelf_wire::message::{Ack, Heads, LogBatch, Message, Nack, NackReason, Stat};
use shelf_wire::topic::Up;

use super::{GREET_BACK_MS_MAX, Sibling, after, broadcast};
use crate::intake::{Stored, Taken, ack, take};
use crate::node::{Node, NodeEffect, NodeEvent};
use crate::store::{LogId, Store};
use crate::time::Now;

impl Node {
    pub(in crate::node) fn on_peer_frame<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        frame: &[u8],
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if !self.lan.up || from == self.id || self.key_of(from, store)?.is_none() {
            return Ok(());
        }
        let message = match unpack(frame) {
            Ok(message) => message,
            Err(error) => {
                let reason = error.to_string();
                effects.push(NodeEffect::Event(NodeEvent::BadFrame { reason }));
                return Ok(());
            }
        };
        if let Message::Will(will) = message {
            let sibling = self.lan.siblings.get_mut(&from);
            if let Some(sibling) = sibling.filter(|it| it.boot_nonce == will.boot_nonce) {
                sibling.present = false;
                self.weigh_all(now);
            }
            return Ok(());
        }
        self.heard(now, from);
        match message {
            Message::Heads(heads) => self.on_heads(now, from, &heads),
            Message::LogBatch(batch) => {
                return self.on_peer_batch(now, from, &batch, store, effects);
            }
            Message::Ack(ack) => self.on_peer_ack(now, from, &ack),
            Message::Nack(nack) => self.on_peer_nack(from, &nack),
            Message::Stat(stat) => self.on_peer_stat(now, from, stat),
            _ => {}
        }
        Ok(())
    }

    fn heard(&mut self, now: Now, from: NodeId) {
        let new = Sibling {
            held: std::collections::BTreeMap::new(),
            covered: None,
            deaf: std::collections::BTreeMap::new(),
            heard_ms: now.mono_ms,
            heard: now.wall,
            boot_nonce: 0,
            present: true,
            at_hub: false,
            name: String::new(),
            stat: None,
        };
        let sibling = self.lan.siblings.entry(from).or_insert(new);
        (sibling.heard_ms, sibling.heard, sibling.present) = (now.mono_ms, now.wall, true);
    }

    fn on_heads(&mut self, now: Now, from: NodeId, heads: &Heads) {
        let wait_ms = 1 + self.jitter.next() % GREET_BACK_MS_MAX;
        let Some(sibling) = self.lan.siblings.get_mut(&from) else {
            return;
        };
        if sibling.boot_nonce != heads.boot_nonce || sibling.covered.is_none() {
            sibling.boot_nonce = heads.boot_nonce;
            let soon = now.mono_ms.saturating_add(wait_ms);
            self.lan.heads_at_ms = self.lan.heads_at_ms.min(soon);
        }
        // It listens again: at the latest now.
        sibling.deaf.clear();
        sibling.at_hub = heads.at_hub;
        sibling.name.clone_from(&heads.name);
        let id = |(node, incarnation)| LogId { node, incarnation };
        if let Some((first, last)) = heads.range.map(|(first, last)| (id(first), id(last))) {
            sibling.held.retain(|log, _| !(first..=last).contains(log));
            let begins = first == super::LOG_FIRST;
            let follows = sibling.covered.is_some_and(|it| first <= after(it));
            if begins || follows {
                sibling.covered = sibling.covered.max(Some(last));
            }
        }
        for row in &heads.rows {
            sibling.held.insert(id(row.log), row.upto.0);
        }
        let at_hub = heads.at_hub;
        if at_hub {
            self.relay.leave_to(from);
        }
        self.weigh_all(now);
        self.begin_again_for(now, from);
    }

    fn on_peer_batch<S: Store + ?Sized>(
        &mut self,
        now: Now,
        from: NodeId,
        batch: &LogBatch,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let author = batch.node.unwrap_or(from);
        let Some(key) = self.key_of(author, store)? else {
            return Ok(());
        };
        let node = Some(author);
        match take(store, author, &key, batch)? {
            Taken::Refused(reason) => {
                let nack = Nack {
                    node,
                    incarnation: batch.incarnation,
                    first: batch.first,
                    last: batch.last(),
                    reason,
                };
                broadcast(Up::Log, &Message::Nack(nack), effects);
            }
            Taken::Stored(stored) => {
                let answer = ack(store, &stored.state, node)?;
                broadcast(Up::Log, &Message::Ack(answer), effects);
                let log = stored.state.log;
                let sibling = self.lan.siblings.get_mut(&from);
                if let Some(held) = sibling.map(|it| it.held.entry(log).or_default()) {
                    *held = (*held).max(batch.last().0);
                }
                self.stored(now, &stored, store, effects)?;
            }
        }
        Ok(())
    }

    /// New documents of anybody: who may want them, and who is told.
    fn stored<S: Store + ?Sized>(
        &mut self,
        now: Now,
        stored: &Stored,
        store: &mut S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let (log, upto) = (stored.state.log, stored.state.upto);
        self.grew(now, log, upto);
        for state in &stored.jumped {
            self.held.grew(state.log, state.upto);
        }
        self.note_facts(&stored.facts, store, effects)?;
        if log.node == self.id {
            // Lost here and kept by a sibling: the hub may lack it too.
            self.on_appended(log, upto, store)?;
            self.note_returned(now, stored, store, effects)?;
        } else {
            self.offer_relay(now, log);
        }
        if stored.new > 0 {
            let (author, new) = (log.node, stored.new);
            effects.push(NodeEffect::Event(NodeEvent::Received { author, new }));
        }
        for (place, reason) in stored.parked.iter().copied() {
            effects.push(NodeEffect::Event(NodeEvent::Parked { place, reason }));
        }
        Ok(())
    }

    fn on_peer_ack(&mut self, now: Now, from: NodeId, ack: &Ack) {
        let log = LogId {
            node: ack.node.unwrap_or(from),
            incarnation: ack.incarnation,
        };
        if let Some(sibling) = self.lan.siblings.get_mut(&from) {
            let held = sibling.held.entry(log).or_default();
            *held = (*held).max(ack.upto.0);
            sibling.deaf.remove(&log);
        }
        self.weigh(now, log);
    }

    /// Whatever a sibling refuses is sent again with its predecessor; one that goes on refusing
    /// is not waited for.
    fn on_peer_nack(&mut self, from: NodeId, nack: &Nack) {
        let log = LogId {
            node: nack.node.unwrap_or(from),
            incarnation: nack.incarnation,
        };
        let again = NackReason::Predecessor;
        if nack.reason == NackReason::Predecessor {
            self.lan.outflow.nack(log, nack.first, nack.last, again);
        }
    }

    fn on_peer_stat(&mut self, now: Now, from: NodeId, stat: Stat) {
        if let Some(sibling) = self.lan.siblings.get_mut(&from) {
            sibling.present = !stat.stopping;
            let stopping = stat.stopping;
            sibling.stat = Some(stat);
            if stopping {
                self.weigh_all(now);
            }
        }
    }
}
