//! A store of the replica whose errors become the hub's.
//!
//! Names only: each method hands on to the store inside.

use shelf_replica::store::{
    Family, Inserted, KeyedRow, LogId, LogState, ParkReason, Parked, Peer, PeerCursor, Quota,
    ReadLimits, SeqRange, Store,
};
use shelf_stock::document::Document;
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

use super::StorageError;

/// The store inside.
#[derive(Debug)]
pub(super) struct Mapped<S>(pub(super) S);

impl<S> Store for Mapped<S>
where
    S: Store,
    StorageError: From<S::Error>,
{
    type Error = StorageError;

    fn expect(&self, documents: &mut dyn Iterator<Item = &Authored>) -> Result<(), StorageError> {
        Ok(self.0.expect(documents)?)
    }

    fn insert(&mut self, authored: &Authored) -> Result<Inserted, StorageError> {
        Ok(self.0.insert(authored)?)
    }

    fn insert_unread(&mut self, sealed: &Sealed) -> Result<Inserted, StorageError> {
        Ok(self.0.insert_unread(sealed)?)
    }

    fn park(&mut self, sealed: &Sealed, reason: ParkReason) -> Result<(), StorageError> {
        Ok(self.0.park(sealed, reason)?)
    }

    fn parked(&self, max: usize) -> Result<Vec<Parked>, StorageError> {
        Ok(self.0.parked(max)?)
    }

    fn log(&self, log: LogId) -> Result<Option<LogState>, StorageError> {
        Ok(self.0.log(log)?)
    }

    fn logs(&self) -> Result<Vec<LogState>, StorageError> {
        Ok(self.0.logs()?)
    }

    fn digest_at(&self, place: Place) -> Result<Option<Digest>, StorageError> {
        Ok(self.0.digest_at(place)?)
    }

    fn read(
        &self,
        log: LogId,
        after: Seq,
        limits: ReadLimits,
    ) -> Result<Vec<Sealed>, StorageError> {
        Ok(self.0.read(log, after, limits)?)
    }

    fn beyond(&self, log: LogId, upto: Seq, max: usize) -> Result<Vec<SeqRange>, StorageError> {
        Ok(self.0.beyond(log, upto, max)?)
    }

    fn put_signed_head(&mut self, head: &SignedHead) -> Result<(), StorageError> {
        Ok(self.0.put_signed_head(head)?)
    }

    fn signed_heads(
        &self,
        log: LogId,
        after: Seq,
        max: usize,
    ) -> Result<Vec<SignedHead>, StorageError> {
        Ok(self.0.signed_heads(log, after, max)?)
    }

    fn cursors(&self, peer: Peer) -> Result<Vec<PeerCursor>, StorageError> {
        Ok(self.0.cursors(peer)?)
    }

    fn cursor(&self, peer: Peer, log: LogId) -> Result<Seq, StorageError> {
        Ok(self.0.cursor(peer, log)?)
    }

    fn set_cursor(&mut self, peer: Peer, log: LogId, upto: Seq) -> Result<(), StorageError> {
        Ok(self.0.set_cursor(peer, log, upto)?)
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.0.state(key)?)
    }

    fn set_state(&mut self, key: &str, value: &[u8]) -> Result<(), StorageError> {
        Ok(self.0.set_state(key, value)?)
    }

    fn row(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(self.0.row(family, key)?)
    }

    fn set_row(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        Ok(self.0.set_row(family, key, value)?)
    }

    fn delete_row(&mut self, family: Family, key: &[u8]) -> Result<(), StorageError> {
        Ok(self.0.delete_row(family, key)?)
    }

    fn rows(
        &self,
        family: Family,
        after: &[u8],
        max: usize,
    ) -> Result<Vec<KeyedRow>, StorageError> {
        Ok(self.0.rows(family, after, max)?)
    }

    fn book(&self, item: &ItemId) -> Result<Quantity, StorageError> {
        Ok(self.0.book(item)?)
    }

    fn items(&self, after: Option<&ItemId>, max: usize) -> Result<Vec<ItemId>, StorageError> {
        Ok(self.0.items(after, max)?)
    }

    fn order_facts(&self, order: &OrderId) -> Result<Vec<Document>, StorageError> {
        Ok(self.0.order_facts(order)?)
    }

    fn quota(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, StorageError> {
        Ok(self.0.quota(item, channel)?)
    }

    fn quotas(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, StorageError> {
        Ok(self.0.quotas(item)?)
    }

    fn set_quota(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), StorageError> {
        Ok(self.0.set_quota(item, channel, quota)?)
    }

    fn quota_take(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, StorageError> {
        Ok(self.0.quota_take(item, channel, quantity)?)
    }
}
