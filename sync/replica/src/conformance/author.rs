//! An author of documents for tests: a key, a log and a plain sale per call.

use shelf_stock::document::{Document, Draft, Kind, Line, Subject};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};
use shelf_wire::key::NodeKey;
use shelf_wire::sealed::{Authored, Sealed};

use crate::store::LogId;

/// Writes a log.
#[derive(Clone, Debug)]
pub struct Author {
    key: NodeKey,
    incarnation: Incarnation,
    seq: u64,
    prev: Digest,
    hlc: Hlc,
}

impl Author {
    /// A node with a key of its own for each number, before its first document.
    pub fn new(number: u8, incarnation: u64) -> Self {
        Self {
            key: NodeKey::from_seed([number; 32]),
            incarnation: Incarnation(incarnation),
            seq: 0,
            prev: Digest::ZERO,
            hlc: Hlc::default(),
        }
    }

    /// Its key.
    pub fn key(&self) -> &NodeKey {
        &self.key
    }

    /// Who it is.
    pub fn node(&self) -> NodeId {
        self.key.node_id()
    }

    /// The log that it writes now.
    pub fn log(&self) -> LogId {
        LogId {
            node: self.node(),
            incarnation: self.incarnation,
        }
    }

    /// How many documents its current log has.
    pub fn seq(&self) -> Seq {
        Seq(self.seq)
    }

    /// Opens its ledger again: the next document is number 1 of another incarnation.
    pub fn reopen(&mut self, incarnation: u64) {
        self.incarnation = Incarnation(incarnation);
        self.seq = 0;
    }

    /// Sells one of an item at a time.
    pub fn sell(&mut self, item: &str, wall: Timestamp) -> Authored {
        let mut draft = Draft::new(Kind::Sale);
        draft.lines.push(Line {
            subject: Subject::Item(ItemId::new(item).unwrap()),
            quantity: Quantity::ONE,
            from: Location::SalesFloor,
            to: Location::Customer,
            effective: wall,
            unit_price: None,
            amount: None,
            parts: vec![],
            code: None,
            reason: None,
        });
        self.write(draft, wall)
    }

    /// Writes any draft.
    pub fn write(&mut self, draft: Draft, wall: Timestamp) -> Authored {
        self.hlc = self.hlc.tick(wall);
        let document = Document {
            place: self.next_place(),
            prev: self.prev,
            hlc: self.hlc,
            wall,
            draft,
        };
        let authored = Authored::write(document).unwrap();
        self.prev = authored.digest();
        authored
    }

    /// Writes something that only a newer version can read.
    pub fn write_unreadable(&mut self) -> Sealed {
        let kind_of_the_future = [0x40, 0x63];
        let place = self.next_place();
        let sealed = Sealed::restore(place, self.prev, &kind_of_the_future).unwrap();
        self.prev = sealed.digest();
        sealed
    }

    fn next_place(&mut self) -> Place {
        self.seq += 1;
        Place {
            node: self.node(),
            incarnation: self.incarnation,
            seq: Seq(self.seq),
        }
    }
}
