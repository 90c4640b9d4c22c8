//! Several workers over one shop: any of them takes any frame.
//!
//! The broker gives each frame to one of the workers of a share group. A worker that gets one of a
//! PC that another worker greeted finds the PC in the store and goes on from its cursors, instead
//! of asking for one more hello. Acks may go to another worker than the one that sent: whoever
//! takes one notes it in the store, and whoever waits for one reads the store again. What one
//! worker stored and did not get to relay, because it died, is found by the next one that hears
//! the PC's status row. Nothing here may be needed for safety: it only spares repeats.

use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::message::{Ack, Message, Stat};
use shelf_wire::topic::Down;

use super::order_flow::OrderFlow;
use super::record::Record;
use super::{HINT_KEY, Hub, HubEffect, Session, roster, send};
use crate::node::saved;
use crate::outflow::Outflow;
use crate::store::{LogId, Peer, Store};
use crate::time::Now;

/// How often a worker looks whether another one took the ack that it waits for.
const LOOK_AGAIN_MS: u64 = 250;

impl Hub {
    /// One of several workers over one shop's store.
    #[must_use]
    pub fn one_of_several(mut self) -> Self {
        self.several = true;
        self
    }

    /// A PC that another worker greeted goes on here. Returns whether there is such a PC.
    pub(super) fn resume<S: Store + ?Sized>(
        &mut self,
        now: Now,
        node: NodeId,
        store: &S,
    ) -> Result<bool, S::Error> {
        if !self.several {
            return Ok(false);
        }
        let Some(record) = Record::load(store, node)? else {
            return Ok(false);
        };
        if record.blocked || !roster(store)?.keys.iter().any(|it| it.node_id() == node) {
            return Ok(false);
        }
        let mut session = Session {
            outflow: Outflow::new(self.jitter.next()).for_reader(u32::from(record.reads)),
            boot_nonce: record.boot,
            last_frame_ms: now.mono_ms,
            looked_ms: now.mono_ms,
            orders: OrderFlow::new(self.jitter.next(), noted_orders(node, store)?, false),
            orders_upto: 0,
        };
        session.offer_siblings(node, store)?;
        self.sessions.insert(node, session);
        Ok(true)
    }

    /// An ack of what perhaps another worker sent.
    pub(super) fn note_ack<S: Store + ?Sized>(
        &self,
        from: NodeId,
        ack: &Ack,
        store: &mut S,
    ) -> Result<(), S::Error> {
        let log = LogId {
            node: ack.node.unwrap_or(from),
            incarnation: ack.incarnation,
        };
        if !self.several || log.node == from {
            return Ok(());
        }
        let Some(state) = store.log(log)? else {
            return Ok(());
        };
        let upto = ack.upto.min(state.upto);
        if upto > store.cursor(Peer::Node(from), log)? {
            store.set_cursor(Peer::Node(from), log, upto)?;
        }
        Ok(())
    }

    /// Up to which stamp a PC says that it has the orders.
    pub(super) fn note_orders<S: Store + ?Sized>(
        &self,
        from: NodeId,
        upto: u64,
        store: &mut S,
    ) -> Result<(), S::Error> {
        match self.several {
            true => store.set_state(&orders_key(from), &upto.to_be_bytes()),
            false => Ok(()),
        }
    }

    /// A status row: what the PC lacks and no worker is sending is offered.
    pub(super) fn look_after<S: Store + ?Sized>(
        &mut self,
        from: NodeId,
        stat: &Stat,
        store: &S,
        effects: &mut Vec<HubEffect>,
    ) -> Result<(), S::Error> {
        let Some(session) = self.sessions.get_mut(&from).filter(|_| self.several) else {
            return Ok(());
        };
        session.offer_siblings(from, store)?;
        if let Some(Message::CfgHint(hint)) = saved(store, HINT_KEY)?
            && hint.revision > stat.catalogue_revision
        {
            send(from, Down::Cfg, &Message::CfgHint(hint), effects);
        }
        Ok(())
    }

    /// Reads the cursors of what is on the way again.
    pub(super) fn look_again<S: Store + ?Sized>(
        &mut self,
        now: Now,
        store: &S,
    ) -> Result<(), S::Error> {
        if !self.several {
            return Ok(());
        }
        for (node, session) in &mut self.sessions {
            let due = session.looked_ms + LOOK_AGAIN_MS <= now.mono_ms;
            if !due || !session.is_waiting() {
                continue;
            }
            session.looked_ms = now.mono_ms;
            let waiting: Vec<LogId> = session.outflow.waiting().map(|it| it.0).collect();
            for log in waiting.into_iter().filter(|it| it.node != *node) {
                let upto = store.cursor(Peer::Node(*node), log)?;
                session.outflow.ack(log, upto, &[]);
            }
            let orders_upto = noted_orders(*node, store)?;
            session.orders.learned(orders_upto);
        }
        Ok(())
    }
}

fn orders_key(node: NodeId) -> String {
    format!("hub.orders.{node}")
}

fn noted_orders<S: Store + ?Sized>(node: NodeId, store: &S) -> Result<u64, S::Error> {
    let noted = store.state(&orders_key(node))?;
    let number = noted.and_then(|it| <[u8; 8]>::try_from(it).ok());
    Ok(number.map_or(0, u64::from_be_bytes))
}

impl Session {
    /// Offers what the PC has not acked of its siblings' logs.
    fn offer_siblings<S: Store + ?Sized>(
        &mut self,
        node: NodeId,
        store: &S,
    ) -> Result<(), S::Error> {
        for state in store.logs()? {
            if state.log.node == node || state.upto == Seq(0) {
                continue;
            }
            let cursor = store.cursor(Peer::Node(node), state.log)?;
            if cursor < state.upto {
                self.outflow.offer(state.log, cursor, state.upto);
                self.outflow.ack(state.log, cursor, &[]);
            }
        }
        Ok(())
    }

    /// When the cursors are to be read again.
    pub(super) fn look_at_ms(&self) -> Option<u64> {
        let waiting = self.is_waiting();
        waiting.then_some(self.looked_ms + LOOK_AGAIN_MS)
    }

    fn is_waiting(&self) -> bool {
        self.outflow.wake_at_ms().is_some() || self.orders.wake_at_ms().is_some()
    }
}
