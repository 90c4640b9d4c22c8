//! What PCs hold of their siblings' logs: they may have what their authors can't bring.
//!
//! A PC that relays asks first. The answer names what the hub has of each log asked about, so that
//! only what is missing travels; and what a PC says to hold is not sent to it again.

use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::message::{Heads, LogHeld, Message};
use shelf_wire::topic::Down;

use super::{Hub, HubEffect, roster, send};
use crate::store::{LogId, Peer, Store};

impl Hub {
    pub(super) fn on_heads<S: Store + ?Sized>(
        &mut self,
        from: NodeId,
        heads: &Heads,
        store: &mut S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        if self.config.trust_first_use {
            // Whoever would be taken at its own hello is taken on a sibling's word too.
            for key in &heads.keys {
                self.enrol(*key, store, effects)?;
            }
        }
        let roster = roster(store)?;
        let known = |node: NodeId| roster.keys.iter().any(|it| it.node_id() == node);
        let mut rows = Vec::new();
        for row in heads.rows.iter().filter(|it| known(it.log.0)) {
            let log = LogId {
                node: row.log.0,
                incarnation: row.log.1,
            };
            let upto = store.log(log)?.map_or(Seq(0), |it| it.upto);
            if log.node != from {
                self.holds(from, log, row.upto.min(upto), store)?;
            }
            rows.push(LogHeld { log: row.log, upto });
        }
        let answer = Heads {
            rows,
            ..Heads::default()
        };
        let message = Message::Heads(Box::new(answer));
        send(from, Down::Log, &message, effects);
        Ok(())
    }

    /// A PC holds a sibling's log up to here: it isn't sent to it.
    pub(super) fn holds<S: Store + ?Sized>(
        &mut self,
        node: NodeId,
        log: LogId,
        upto: Seq,
        store: &mut S,
    ) -> Result<(), S::Error> {
        if let Some(session) = self.sessions.get_mut(&node) {
            session.outflow.offer(log, upto, upto);
            session.outflow.ack(log, upto, &[]);
        }
        if store.cursor(Peer::Node(node), log)? < upto {
            store.set_cursor(Peer::Node(node), log, upto)?;
        }
        Ok(())
    }
}
