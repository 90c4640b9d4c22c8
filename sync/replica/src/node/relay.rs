//! Siblings' logs to the hub, for those who can't reach it themselves.
//!
//! A PC that holds documents which the hub has not shown to have waits, longer the more siblings
//! could do the same, then asks the hub what it has of those logs ([`Heads`]), and sends what it
//! lacks in the author's words. Nothing is sent for an author who is at the hub itself, and the
//! hub's own relaying ends most waits: a store whose PCs all reach the hub relays nothing.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::identity::{Incarnation, NodeId, Seq};
use shelf_wire::key::PublicKey;
use shelf_wire::message::{Ack, HEADS_ROWS_MAX, Heads, LogHeld, Message, Nack};
use shelf_wire::topic::Up;

use super::lan::RELAY_PATIENCE_MS;
use super::{Node, NodeEffect, Phase, Words, send, send_payload};
use crate::outflow::Outflow;
use crate::store::{LogId, Store};
use crate::time::{Jitter, Now};

/// How long the hub may show by itself that it has a document.
const WAIT_MS: u64 = 10_000;
/// A question without an answer is asked again after this.
const ASK_AGAIN_MS: u64 = 60_000;
/// A hub that doesn't know an author is asked again after this.
const UNKNOWN_AUTHOR_MS: u64 = 600_000;

/// What is relayed to the hub.
#[derive(Debug)]
pub(super) struct Relay {
    /// What the hub has shown to have.
    at_hub: BTreeMap<LogId, u64>,
    /// When to ask about logs of which more is held here.
    ask_at_ms: BTreeMap<LogId, u64>,
    asked: BTreeSet<LogId>,
    outflow: Outflow,
}

impl Relay {
    pub(super) fn new(jitter: &mut Jitter) -> Self {
        Self {
            at_hub: BTreeMap::new(),
            ask_at_ms: BTreeMap::new(),
            asked: BTreeSet::new(),
            outflow: Outflow::new(jitter.next()),
        }
    }

    /// An author reaches the hub itself.
    pub(super) fn leave_to(&mut self, author: NodeId) {
        for log in self.outflow.logs_of(author) {
            self.outflow.forget(log);
        }
    }

    /// The hub has a sibling's log up to here.
    pub(super) fn has(&mut self, log: LogId, upto: Seq, held: u64) {
        let known = self.at_hub.entry(log).or_default();
        *known = (*known).max(upto.0);
        self.outflow.ack(log, upto, &[]);
        if *known >= held {
            self.ask_at_ms.remove(&log);
        }
    }

    /// The hub sends a sibling's log itself: somebody else brings it.
    pub(super) fn shown(&mut self, log: LogId, upto: Seq, held: u64) {
        self.has(log, upto, held);
        self.outflow.forget(log);
    }

    pub(super) fn wake_at_ms(&self) -> Option<u64> {
        let ask = self.ask_at_ms.values().copied().min();
        [ask, self.outflow.wake_at_ms()].into_iter().flatten().min()
    }
}

impl Node {
    /// After the hub's yes: nothing is known of what it has.
    pub(super) fn begin_relay(&mut self, now: Now) {
        self.relay = Relay::new(&mut self.jitter);
        for log in self.held.logs() {
            self.offer_relay(now, log);
        }
    }

    /// A sibling's log may be news to the hub.
    pub(super) fn offer_relay(&mut self, now: Now, log: LogId) {
        let held = self.held.upto(log);
        let known = self.relay.at_hub.get(&log).copied().unwrap_or(0);
        let admitted = matches!(self.phase, Phase::Admitted { .. });
        if !admitted || log.node == self.id || known >= held {
            return;
        }
        if self.relay.outflow.knows(log) {
            self.relay.outflow.offer(log, Seq(known), Seq(held));
        } else if !self.relay.ask_at_ms.contains_key(&log) {
            let wait_ms = WAIT_MS + self.jitter.next() % WAIT_MS;
            let before_ms = self.lan.relays_before(self.id) * RELAY_PATIENCE_MS;
            let at_ms = now.mono_ms.saturating_add(wait_ms + before_ms);
            self.relay.ask_at_ms.insert(log, at_ms);
        }
    }

    pub(super) fn relay_on_time<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        if !matches!(self.phase, Phase::Admitted { .. }) {
            return Ok(());
        }
        self.relay.outflow.expire(now.mono_ms);
        self.ask_hub(now, store, effects)?;
        let words = Words(&self.config.key, self.id);
        let outflow = &mut self.relay.outflow;
        while let Some(payload) = outflow.next_payload(now.mono_ms, store, &words)? {
            send_payload(Up::Log, payload, effects);
        }
        Ok(())
    }

    fn ask_hub<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
        effects: &mut Vec<NodeEffect>,
    ) -> Result<(), S::Error> {
        let due = self.relay.ask_at_ms.iter();
        let due = due.filter(|(_, at)| **at <= now.mono_ms).map(|it| *it.0);
        let due: Vec<LogId> = due.take(HEADS_ROWS_MAX).collect();
        let mut rows = Vec::new();
        for log in due {
            let again_ms = now.mono_ms.saturating_add(ASK_AGAIN_MS);
            self.relay.ask_at_ms.insert(log, again_ms);
            if self.lan.is_at_hub(log.node) {
                self.relay.ask_at_ms.insert(log, now.mono_ms + WAIT_MS);
                continue;
            }
            if !self.relay.asked.insert(log) {
                // The last question was not answered for this log: its author is a stranger.
                let later_ms = now.mono_ms.saturating_add(UNKNOWN_AUTHOR_MS);
                self.relay.ask_at_ms.insert(log, later_ms);
            }
            rows.push(LogHeld {
                log: (log.node, log.incarnation),
                upto: Seq(self.held.upto(log)),
            });
        }
        if rows.is_empty() {
            return Ok(());
        }
        let mut keys = BTreeSet::<PublicKey>::new();
        for row in &rows {
            keys.extend(self.key_of(row.log.0, store)?);
        }
        let heads = Heads {
            rows,
            range: None,
            boot_nonce: self.config.boot_nonce,
            at_hub: true,
            keys: keys.into_iter().collect(),
            name: String::new(),
        };
        send(Up::Log, &Message::Heads(Box::new(heads)), effects);
        Ok(())
    }

    /// The hub took a sibling's documents.
    pub(super) fn on_relay_ack(&mut self, ack: &Ack) {
        let Some(log) = log_of(ack.node, ack.incarnation) else {
            return;
        };
        self.relay.outflow.ack(log, ack.upto, &ack.beyond);
        let held = self.held.upto(log);
        self.relay.has(log, ack.upto, held);
    }

    /// What it refuses is sent again in another form, or left out until the next hello.
    pub(super) fn on_relay_nack(&mut self, nack: &Nack) {
        if let Some(log) = log_of(nack.node, nack.incarnation) {
            let outflow = &mut self.relay.outflow;
            outflow.nack(log, nack.first, nack.last, nack.reason);
        }
    }

    /// The hub says what it has of the logs that were asked about.
    pub(super) fn on_hub_heads(&mut self, heads: &Heads) {
        for row in &heads.rows {
            let log = LogId {
                node: row.log.0,
                incarnation: row.log.1,
            };
            let held = self.held.upto(log);
            self.relay.asked.remove(&log);
            self.relay.has(log, row.upto, held);
            if row.upto.0 < held && log.node != self.id {
                self.relay.outflow.offer(log, row.upto, Seq(held));
                self.relay.ask_at_ms.remove(&log);
            }
        }
    }
}

fn log_of(node: Option<NodeId>, incarnation: Incarnation) -> Option<LogId> {
    node.map(|node| LogId { node, incarnation })
}
