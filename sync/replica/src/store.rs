//! What the machines need of a storage: one transaction's view of one shop.
//!
//! The trait is narrow and dumb on purpose: policy (what to send, what to ack, who is a clone)
//! lives in the machines, so that memory, SQLite and PostgreSQL can't disagree about it. Every
//! implementation passes [`crate::conformance`]. A PC holds one shop; a hub holds many and gives
//! each its own view. All changes become durable together with the caller's transaction or not at
//! all; no method may commit on its own.

use shelf_stock::document::Document;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

/// The most bytes of a keyed row's key.
pub const ROW_KEY_BYTES_MAX: usize = 200;
/// The most documents about one order that are looked at; more are only stored.
pub const ORDER_FACTS_MAX: usize = 64;
/// The most bytes that one value of [`Store::set_state`] may have.
pub const STATE_BYTES_MAX: usize = 64 * 1024;

/// A log: one incarnation of one node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogId {
    /// The author.
    pub node: NodeId,
    /// The author's incarnation.
    pub incarnation: Incarnation,
}

/// How much of a log is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogState {
    /// Which log.
    pub log: LogId,
    /// Everything from number 1 to here is stored; 0 while number 1 is missing.
    pub upto: Seq,
    /// Digest of the document at `upto`; zero while number 1 is missing.
    pub digest: Digest,
    /// The highest number that is stored, beyond any gap.
    pub last: Seq,
}

/// Who has acknowledged something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// The hub, as a PC sees it.
    Hub,
    /// A PC, as the hub (or a sibling) sees it.
    Node(NodeId),
}

/// What became of a document that was to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Inserted {
    /// It was not here and is now.
    New,
    /// The same bytes are here already; nothing changed.
    Duplicate,
    /// Other bytes stand at its place; nothing changed.
    Fork {
        /// Digest of what stands there.
        held: Digest,
    },
}

/// Why a document's effect is withheld.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParkReason {
    /// This version can't read it; it stands in the log and counts nothing.
    Unreadable,
    /// Another document stands at its place; it is kept beside the log.
    Fork,
    /// Its author's chain names another predecessor than the one stored.
    Chain,
}

/// A document whose effect is withheld.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parked {
    /// Its bytes.
    pub sealed: Sealed,
    /// Why.
    pub reason: ParkReason,
}

/// How much to read at once. At least one document is read whatever its size.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadLimits {
    /// At most so many documents.
    pub documents_max: usize,
    /// Stop before the sum of their bytes exceeds this.
    pub bytes_max: usize,
}

/// A cursor: a peer acknowledged a log up to here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct PeerCursor {
    /// Which log.
    pub log: LogId,
    /// Everything up to this number.
    pub upto: Seq,
}

/// Numbers that are stored, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeqRange {
    /// The first.
    pub first: Seq,
    /// The last.
    pub last: Seq,
}

/// What a keyed row of the machines is about. The number is part of the stored format.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Family {
    /// An item's cells of rights, by item.
    Rights = 1,
    /// An order, by its name.
    Order = 2,
    /// Which order changed at which stamp, by stamp (eight bytes, big-endian).
    OrderStamp = 3,
    /// What became of an oversold unit, by order, item, cause and remedy.
    Compensation = 4,
    /// What the hub wants of the store, by name.
    Policy = 5,
    /// An item's safety stock and what it was computed from, by item.
    Safety = 6,
    /// A contradiction that somebody has to look at, by order.
    Exception = 7,
    /// Digests of balances, by peer.
    Digest = 8,
    /// Orders that are not at an end, by name.
    OpenOrder = 9,
    /// What is left of an order that is long at its end, by name.
    EndedOrder = 10,
}

/// What a channel may sell of an item; both cells only ever count up but for cancelled orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quota {
    /// The channel may have used so much in all.
    pub limit: Quantity,
    /// Accepted by the channel in all, without what was cancelled or short.
    pub used: Quantity,
    /// What an external marketplace was shown and has not confirmed to have lowered: it may
    /// sell so much at any time without asking. Zero for channels that ask.
    pub held: Quantity,
}

impl Quota {
    /// What can still be sold under it.
    pub fn left(&self) -> Quantity {
        self.limit.minus(self.used)
    }

    /// What can be taken away from it: left and not held.
    pub fn free(&self) -> Quantity {
        self.left().minus(self.held).max(Quantity::ZERO)
    }
}

/// A keyed row: its key and its value.
pub type KeyedRow = (Vec<u8>, Vec<u8>);

/// One transaction's view of one shop.
///
/// Documents are identified by their place. The log holds at most one document per place; parked
/// documents of reason [`ParkReason::Fork`] stand beside it.
pub trait Store {
    /// Why the storage failed: then the transaction must be rolled back.
    type Error: std::error::Error + Send + Sync + 'static;

    /// Documents that are about to be inserted: a storage that is far away reads at once what it
    /// will be asked for. Changes nothing; may do nothing.
    fn expect(&self, _documents: &mut dyn Iterator<Item = &Authored>) -> Result<(), Self::Error> {
        Ok(())
    }

    /// Stores a document written elsewhere and folds it into stock. Gaps before it are allowed.
    fn insert(&mut self, authored: &Authored) -> Result<Inserted, Self::Error>;

    /// Stores a document that this version can't read: in the log and relayed, but not folded,
    /// and listed by [`Store::parked`]. A duplicate or fork changes nothing.
    fn insert_unread(&mut self, sealed: &Sealed) -> Result<Inserted, Self::Error>;

    /// Keeps a document beside the log, once per (place, digest, reason). Not folded, not relayed,
    /// not part of any [`LogState`].
    fn park(&mut self, sealed: &Sealed, reason: ParkReason) -> Result<(), Self::Error>;

    /// At most `max` parked documents, by place.
    fn parked(&self, max: usize) -> Result<Vec<Parked>, Self::Error>;

    /// The state of one log; `None` where nothing of it is stored.
    fn log(&self, log: LogId) -> Result<Option<LogState>, Self::Error>;

    /// Every log of which something is stored, ordered by [`LogId`].
    fn logs(&self) -> Result<Vec<LogState>, Self::Error>;

    /// The digest of the document at a place, if one is stored there.
    fn digest_at(&self, place: Place) -> Result<Option<Digest>, Self::Error>;

    /// Consecutive documents of a log beginning at `after + 1`, stopping at a gap or a limit.
    fn read(&self, log: LogId, after: Seq, limits: ReadLimits) -> Result<Vec<Sealed>, Self::Error>;

    /// At most `max` ranges of numbers above `upto + 1` that are stored beyond the first gap,
    /// ascending and not touching each other.
    fn beyond(&self, log: LogId, upto: Seq, max: usize) -> Result<Vec<SeqRange>, Self::Error>;

    /// Keeps an author's signed head; the same place again replaces it.
    fn put_signed_head(&mut self, head: &SignedHead) -> Result<(), Self::Error>;

    /// At most `max` signed heads of a log with numbers above `after`, ascending.
    fn signed_heads(
        &self,
        log: LogId,
        after: Seq,
        max: usize,
    ) -> Result<Vec<SignedHead>, Self::Error>;

    /// Every log that a peer has acknowledged something of, ordered by [`LogId`].
    fn cursors(&self, peer: Peer) -> Result<Vec<PeerCursor>, Self::Error>;

    /// Up to where a peer has acknowledged a log; 0 if never.
    fn cursor(&self, peer: Peer, log: LogId) -> Result<Seq, Self::Error>;

    /// Sets a cursor, forwards or back.
    fn set_cursor(&mut self, peer: Peer, log: LogId, upto: Seq) -> Result<(), Self::Error>;

    /// A machine's small durable value, by its key.
    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Replaces a machine's small durable value; at most [`STATE_BYTES_MAX`] bytes.
    fn set_state(&mut self, key: &str, value: &[u8]) -> Result<(), Self::Error>;

    /// A keyed row.
    fn row(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Self::Error>;

    /// Replaces a keyed row. Keys have at most [`ROW_KEY_BYTES_MAX`] bytes, values at most
    /// [`STATE_BYTES_MAX`].
    fn set_row(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), Self::Error>;

    /// Removes a keyed row, if it is there.
    fn delete_row(&mut self, family: Family, key: &[u8]) -> Result<(), Self::Error>;

    /// At most `max` rows of a family with keys above `after` (empty: from the first), by key.
    fn rows(&self, family: Family, after: &[u8], max: usize) -> Result<Vec<KeyedRow>, Self::Error>;

    /// Book B of an item: floor, back room and staging, as folded now.
    fn book(&self, item: &ItemId) -> Result<Quantity, Self::Error>;

    /// At most `max` items that ever moved or were counted, above `after`, by their text.
    fn items(&self, after: Option<&ItemId>, max: usize) -> Result<Vec<ItemId>, Self::Error>;

    /// The counted documents that say what was done about an order, by place; at most
    /// [`ORDER_FACTS_MAX`].
    fn order_facts(&self, order: &OrderId) -> Result<Vec<Document>, Self::Error>;

    /// A channel's quota of an item; zero if it never had one.
    fn quota(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, Self::Error>;

    /// All quotas of an item, by channel.
    fn quotas(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, Self::Error>;

    /// Replaces a quota.
    fn set_quota(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), Self::Error>;

    /// Adds to what is used if that stays within the limit: one conditional update, safe against
    /// others that do the same. Returns whether it did.
    fn quota_take(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, Self::Error>;
}
