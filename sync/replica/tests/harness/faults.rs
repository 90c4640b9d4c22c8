//! What goes wrong, by chance and on purpose.

use std::collections::BTreeMap;

use shelf_replica::memory::MemoryStore;
use shelf_replica::store::{LogId, Peer, Store};
use shelf_stock::identity::{NodeId, Seq};
use shelf_wire::frame::{pack, unpack};
use shelf_wire::key::NodeKey;
use shelf_wire::message::{LogBatch, Message};

/// How bad the world is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Faults {
    /// Packets lost, in percent.
    pub(crate) loss: u64,
    /// Packets delivered twice, in percent.
    pub(crate) double: u64,
    /// The longest delay; shorter ones overtake.
    pub(crate) delay_ms: u64,
    /// Transactions lost in a crash, in thousandths; as many crashes follow a commit.
    pub(crate) crash: u64,
    /// Documents of the future, in percent.
    pub(crate) unreadable: u64,
}

impl Faults {
    pub(crate) const NONE: Self = Self {
        loss: 0,
        double: 0,
        delay_ms: 5,
        crash: 0,
        unreadable: 0,
    };
    pub(crate) const MANY: Self = Self {
        loss: 15,
        double: 15,
        delay_ms: 3_000,
        crash: 10,
        unreadable: 5,
    };
}

/// A planted error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mutant {
    /// The protocol as it is.
    None,
    /// Effects leave before the transaction is committed.
    AckBeforeCommit,
    /// What the transport accepted counts as acked.
    CursorOnPuback,
    /// What was sent once is never sent again.
    ResendSkips,
    /// The hub signs what it relays itself.
    RelayForges,
    /// The hub acks its last document in spite of a gap before it.
    AckOverGap,
    /// A lost connection counts everything as delivered.
    DropOnLinkDown,
    /// The hub leaves out one document of each larger batch that it relays.
    RelayShortens,
}

impl Mutant {
    pub(crate) const ALL: [Self; 7] = [
        Self::AckBeforeCommit,
        Self::CursorOnPuback,
        Self::ResendSkips,
        Self::RelayForges,
        Self::AckOverGap,
        Self::DropOnLinkDown,
        Self::RelayShortens,
    ];

    pub(crate) fn on_send(
        self,
        store: &mut MemoryStore,
        sent: &mut BTreeMap<u64, u64>,
        frame: Vec<u8>,
        node: NodeId,
    ) -> Option<Vec<u8>> {
        let Ok(Message::LogBatch(batch)) = unpack(&frame) else {
            return Some(frame);
        };
        let log = LogId {
            node,
            incarnation: batch.incarnation,
        };
        if self == Self::CursorOnPuback {
            store.set_cursor(Peer::Hub, log, batch.last()).unwrap();
        }
        let before = sent.entry(batch.incarnation.0).or_default();
        if self == Self::ResendSkips && batch.first.0 <= *before {
            return None;
        }
        *before = (*before).max(batch.last().0);
        Some(frame)
    }

    pub(crate) fn on_link_down(self, store: &mut MemoryStore, node: NodeId) {
        if self == Self::DropOnLinkDown {
            for state in store.logs().unwrap() {
                if state.log.node == node {
                    store.set_cursor(Peer::Hub, state.log, state.upto).unwrap();
                }
            }
        }
    }

    pub(crate) fn on_hub_send(self, frame: Vec<u8>) -> Vec<u8> {
        match (self, unpack(&frame)) {
            (Self::AckOverGap, Ok(Message::Ack(mut ack))) => {
                ack.upto = ack.beyond.last().map_or(ack.upto, |it| it.1);
                pack(&Message::Ack(ack)).unwrap()
            }
            (Self::RelayForges, Ok(Message::LogBatch(batch))) => {
                pack(&Message::LogBatch(forged(batch))).unwrap()
            }
            (Self::RelayShortens, Ok(Message::LogBatch(mut batch))) if batch.bodies.len() > 1 => {
                batch.bodies.pop();
                pack(&Message::LogBatch(batch)).unwrap()
            }
            _ => frame,
        }
    }
}

/// The same documents with one byte more in the last, signed by somebody else.
fn forged(mut batch: LogBatch) -> LogBatch {
    let author = batch.node.unwrap();
    let prev = batch.prev.unwrap_or_default();
    if let Some(body) = batch.bodies.last_mut() {
        body.extend([0x52, 0x01, b'x']);
    }
    if let Ok((_, head)) = batch.restore(author, prev) {
        batch.signature = NodeKey::from_seed([99; 32]).sign_head(&head.head).signature;
    }
    batch
}

/// A document number, for messages.
pub(crate) fn seq(number: u64) -> Seq {
    Seq(number)
}
