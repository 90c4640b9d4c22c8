//! The replica's storage inside a job: the tables, and this PC's logical clock beside them.
//!
//! Wraps the tables for one reason: a document of somebody else that is stored advances the
//! logical clock, inside the limit that keeps one wrong clock from dragging others along.

use shelf_replica::store::{
    Family, Inserted, KeyedRow, LogId, LogState, ParkReason, Parked, Peer, PeerCursor, Quota,
    ReadLimits, SeqRange, Store,
};
use shelf_stock::document::Document;
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

use crate::own::Own;
use crate::tables::{TableError, Tables};

/// The replica machine's view of one transaction of this PC.
#[derive(Debug)]
pub struct ReplicaStore<'t> {
    tables: Tables<'t>,
    own: &'t mut Own,
    wall: Timestamp,
}

impl<'t> ReplicaStore<'t> {
    pub(crate) fn new(tables: Tables<'t>, own: &'t mut Own, wall: Timestamp) -> Self {
        Self { tables, own, wall }
    }
}

impl Store for ReplicaStore<'_> {
    type Error = TableError;

    fn insert(&mut self, authored: &Authored) -> Result<Inserted, TableError> {
        let inserted = self.tables.insert(authored)?;
        if inserted == Inserted::New {
            self.own.observe(authored.document().hlc, self.wall);
        }
        Ok(inserted)
    }

    fn insert_unread(&mut self, sealed: &Sealed) -> Result<Inserted, TableError> {
        self.tables.insert_unread(sealed)
    }

    fn park(&mut self, sealed: &Sealed, reason: ParkReason) -> Result<(), TableError> {
        self.tables.park(sealed, reason)
    }

    fn parked(&self, max: usize) -> Result<Vec<Parked>, TableError> {
        self.tables.parked(max)
    }

    fn log(&self, log: LogId) -> Result<Option<LogState>, TableError> {
        self.tables.log(log)
    }

    fn logs(&self) -> Result<Vec<LogState>, TableError> {
        self.tables.logs()
    }

    fn digest_at(&self, place: Place) -> Result<Option<Digest>, TableError> {
        self.tables.digest_at(place)
    }

    fn read(&self, log: LogId, after: Seq, limits: ReadLimits) -> Result<Vec<Sealed>, TableError> {
        self.tables.read(log, after, limits)
    }

    fn beyond(&self, log: LogId, upto: Seq, max: usize) -> Result<Vec<SeqRange>, TableError> {
        self.tables.beyond(log, upto, max)
    }

    fn put_signed_head(&mut self, head: &SignedHead) -> Result<(), TableError> {
        self.tables.put_signed_head(head)
    }

    fn signed_heads(
        &self,
        log: LogId,
        after: Seq,
        max: usize,
    ) -> Result<Vec<SignedHead>, TableError> {
        self.tables.signed_heads(log, after, max)
    }

    fn cursors(&self, peer: Peer) -> Result<Vec<PeerCursor>, TableError> {
        self.tables.cursors(peer)
    }

    fn cursor(&self, peer: Peer, log: LogId) -> Result<Seq, TableError> {
        self.tables.cursor(peer, log)
    }

    fn set_cursor(&mut self, peer: Peer, log: LogId, upto: Seq) -> Result<(), TableError> {
        self.tables.set_cursor(peer, log, upto)
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, TableError> {
        self.tables.state(key)
    }

    fn set_state(&mut self, key: &str, value: &[u8]) -> Result<(), TableError> {
        self.tables.set_state(key, value)
    }

    fn row(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        self.tables.row(family, key)
    }

    fn set_row(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), TableError> {
        self.tables.set_row(family, key, value)
    }

    fn delete_row(&mut self, family: Family, key: &[u8]) -> Result<(), TableError> {
        self.tables.delete_row(family, key)
    }

    fn rows(&self, family: Family, after: &[u8], max: usize) -> Result<Vec<KeyedRow>, TableError> {
        Store::rows(&self.tables, family, after, max)
    }

    fn book(&self, item: &ItemId) -> Result<Quantity, TableError> {
        self.tables.book(item)
    }

    fn items(&self, after: Option<&ItemId>, max: usize) -> Result<Vec<ItemId>, TableError> {
        self.tables.items(after, max)
    }

    fn order_facts(&self, order: &OrderId) -> Result<Vec<Document>, TableError> {
        self.tables.order_facts(order)
    }

    fn quota(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, TableError> {
        self.tables.quota(item, channel)
    }

    fn quotas(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, TableError> {
        self.tables.quotas(item)
    }

    fn set_quota(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), TableError> {
        self.tables.set_quota(item, channel, quota)
    }

    fn quota_take(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, TableError> {
        self.tables.quota_take(item, channel, quantity)
    }
}
