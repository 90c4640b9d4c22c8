//! A storage in memory: for tests, simulations and the model that real storages are compared to.
//!
//! It has no transactions of its own: whoever needs one clones it, works on the clone, and keeps
//! or drops it. Documents share their bytes, so that a clone is cheap. It folds into memory
//! what it stores.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Bound;

use shelf_stock::document::{Document, Kind};
use shelf_stock::fold::{self, memory::MemoryFold};
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable;
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

use crate::store::{
    Family, Inserted, KeyedRow, LogId, LogState, ORDER_FACTS_MAX, ParkReason, Parked, Peer,
    PeerCursor, Quota, ReadLimits, SeqRange, Store,
};

/// One shop in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore {
    logs: BTreeMap<LogId, BTreeMap<Seq, Sealed>>,
    upto: BTreeMap<LogId, Seq>,
    parked: BTreeMap<(Place, Digest, ParkReason), Sealed>,
    heads: BTreeMap<LogId, BTreeMap<Seq, SignedHead>>,
    cursors: BTreeMap<(Peer, LogId), Seq>,
    state: BTreeMap<String, Vec<u8>>,
    fold: MemoryFold,
    rows: BTreeMap<(Family, Vec<u8>), Vec<u8>>,
    quotas: BTreeMap<(ItemId, ChannelId), Quota>,
    changed: BTreeSet<ItemId>,
}

impl MemoryStore {
    /// An empty shop.
    pub fn new() -> Self {
        Self::default()
    }

    /// The documents that were folded, by place.
    pub fn folded(&self) -> impl Iterator<Item = &Document> {
        self.fold.documents()
    }

    /// Makes a balance wrong, as a defect of storage or program would: for tests of what finds it.
    #[cfg(any(test, feature = "conformance"))]
    pub fn spoil_balance(&mut self, item: &ItemId, by: Quantity) {
        use shelf_stock::fold::FoldStore as _;
        let floor = shelf_stock::location::Location::SalesFloor;
        // Adding to a balance in memory can't fail.
        let _added = self.fold.balance_add(item, &floor, by);
    }

    /// What was folded from the documents.
    pub fn fold(&self) -> &MemoryFold {
        &self.fold
    }

    /// Every stored document's place and digest: equal sets are equal shops.
    pub fn documents(&self) -> BTreeSet<(Place, Digest)> {
        let logs = self.logs.values().flat_map(BTreeMap::values);
        logs.map(|it| (it.place(), it.digest())).collect()
    }

    /// Items whose stock changed since this was asked last.
    pub fn take_changed(&mut self) -> Vec<ItemId> {
        std::mem::take(&mut self.changed).into_iter().collect()
    }

    /// How far a log is closed, and the digest there.
    fn closed_end(&self, log: LogId) -> (Seq, Digest) {
        let end = self.fold.closed_end(log.node, log.incarnation);
        end.unwrap_or((Seq(0), Digest::ZERO))
    }

    /// An opening was folded: the bytes of what it stands for go, and logs begin behind it.
    fn drop_closed(&mut self) {
        let ends: Vec<_> = self.fold.closed_ends().collect();
        for (place, _) in ends {
            let log = log_of(place);
            let documents = self.logs.entry(log).or_default();
            *documents = documents.split_off(&Seq(place.seq.0 + 1));
            if let Some(heads) = self.heads.get_mut(&log) {
                *heads = heads.split_off(&Seq(place.seq.0 + 1));
            }
            let upto = self.upto.entry(log).or_insert(Seq(0));
            *upto = (*upto).max(place.seq);
            while documents.contains_key(&Seq(upto.0 + 1)) {
                upto.0 += 1;
            }
        }
    }

    fn put(&mut self, sealed: &Sealed) -> Inserted {
        let place = sealed.place();
        let log = log_of(place);
        if place.seq <= self.closed_end(log).0 {
            return Inserted::Duplicate;
        }
        let documents = self.logs.entry(log).or_default();
        if let Some(held) = documents.get(&place.seq) {
            return match held.digest() {
                held if held == sealed.digest() => Inserted::Duplicate,
                held => Inserted::Fork { held },
            };
        }
        documents.insert(place.seq, sealed.clone());
        let upto = self.upto.entry(log).or_insert(Seq(0));
        while documents.contains_key(&Seq(upto.0 + 1)) {
            upto.0 += 1;
        }
        Inserted::New
    }

    fn state_of(&self, log: LogId, documents: &BTreeMap<Seq, Sealed>) -> LogState {
        let upto = self.upto.get(&log).copied().unwrap_or(Seq(0));
        LogState {
            log,
            upto,
            digest: match (documents.get(&upto), self.closed_end(log)) {
                (Some(document), _) => document.digest(),
                (None, (closed, digest)) if closed == upto => digest,
                (None, _) => Digest::ZERO,
            },
            last: documents.keys().next_back().copied().unwrap_or(upto),
        }
    }
}

fn log_of(place: Place) -> LogId {
    LogId {
        node: place.node,
        incarnation: place.incarnation,
    }
}

impl Store for MemoryStore {
    type Error = Infallible;

    fn insert(&mut self, authored: &Authored) -> Result<Inserted, Infallible> {
        let inserted = self.put(authored.sealed());
        if inserted == Inserted::New {
            let applied = fold::apply(&mut self.fold, authored.document());
            // Memory only fails where the fold asks for what it never stored.
            debug_assert!(applied.is_ok(), "{applied:?}");
            if let Ok(applied) = applied {
                self.changed.extend(applied.touched);
            }
            if matches!(authored.document().draft.kind, Kind::Opening { .. }) {
                self.drop_closed();
            }
        }
        Ok(inserted)
    }

    fn insert_unread(&mut self, sealed: &Sealed) -> Result<Inserted, Infallible> {
        let inserted = self.put(sealed);
        if inserted == Inserted::New {
            self.park(sealed, ParkReason::Unreadable)?;
        }
        Ok(inserted)
    }

    fn park(&mut self, sealed: &Sealed, reason: ParkReason) -> Result<(), Infallible> {
        let key = (sealed.place(), sealed.digest(), reason);
        self.parked.insert(key, sealed.clone());
        Ok(())
    }

    fn parked(&self, max: usize) -> Result<Vec<Parked>, Infallible> {
        let parked = self.parked.iter().take(max);
        let parked = parked.map(|((_, _, reason), sealed)| Parked {
            sealed: sealed.clone(),
            reason: *reason,
        });
        Ok(parked.collect())
    }

    fn log(&self, log: LogId) -> Result<Option<LogState>, Infallible> {
        let documents = self.logs.get(&log);
        Ok(documents.map(|documents| self.state_of(log, documents)))
    }

    fn logs(&self) -> Result<Vec<LogState>, Infallible> {
        let logs = self.logs.iter();
        Ok(logs
            .map(|(log, documents)| self.state_of(*log, documents))
            .collect())
    }

    fn digest_at(&self, place: Place) -> Result<Option<Digest>, Infallible> {
        let log = self.logs.get(&log_of(place));
        let stored = log.and_then(|it| it.get(&place.seq)).map(Sealed::digest);
        let (closed, digest) = self.closed_end(log_of(place));
        let end = closed == place.seq && closed > Seq(0);
        Ok(stored.or(end.then_some(digest)))
    }

    fn read(&self, log: LogId, after: Seq, limits: ReadLimits) -> Result<Vec<Sealed>, Infallible> {
        let Some(documents) = self.logs.get(&log) else {
            return Ok(Vec::new());
        };
        let after = after.max(self.closed_end(log).0);
        let (mut bytes, mut next) = (0, after.0.saturating_add(1));
        let mut read = Vec::new();
        for (seq, sealed) in documents.range((Bound::Excluded(after), Bound::Unbounded)) {
            bytes += sealed.bytes().len();
            let full = read.len() >= limits.documents_max || bytes > limits.bytes_max;
            if seq.0 != next || (full && !read.is_empty()) {
                break;
            }
            next += 1;
            read.push(sealed.clone());
        }
        Ok(read)
    }

    fn beyond(&self, log: LogId, upto: Seq, max: usize) -> Result<Vec<SeqRange>, Infallible> {
        let mut ranges: Vec<SeqRange> = Vec::new();
        let Some(documents) = self.logs.get(&log) else {
            return Ok(ranges);
        };
        let above = Seq(upto.0.saturating_add(1));
        for (seq, _) in documents.range((Bound::Excluded(above), Bound::Unbounded)) {
            let full = ranges.len() == max;
            match ranges.last_mut() {
                Some(range) if range.last.0 + 1 == seq.0 => range.last = *seq,
                _ if full => break,
                _ => ranges.push(SeqRange {
                    first: *seq,
                    last: *seq,
                }),
            }
        }
        Ok(ranges)
    }

    fn put_signed_head(&mut self, head: &SignedHead) -> Result<(), Infallible> {
        let place = head.head.place;
        let heads = self.heads.entry(log_of(place)).or_default();
        heads.insert(place.seq, head.clone());
        Ok(())
    }

    fn signed_heads(
        &self,
        log: LogId,
        after: Seq,
        max: usize,
    ) -> Result<Vec<SignedHead>, Infallible> {
        let Some(heads) = self.heads.get(&log) else {
            return Ok(Vec::new());
        };
        let above = heads.range((Bound::Excluded(after), Bound::Unbounded));
        Ok(above.take(max).map(|(_, head)| head.clone()).collect())
    }

    fn cursors(&self, peer: Peer) -> Result<Vec<PeerCursor>, Infallible> {
        let of_peer = self.cursors.iter().filter(|((it, _), _)| *it == peer);
        let cursors = of_peer.map(|((_, log), upto)| PeerCursor {
            log: *log,
            upto: *upto,
        });
        Ok(cursors.collect())
    }

    fn cursor(&self, peer: Peer, log: LogId) -> Result<Seq, Infallible> {
        Ok(self.cursors.get(&(peer, log)).copied().unwrap_or(Seq(0)))
    }

    fn set_cursor(&mut self, peer: Peer, log: LogId, upto: Seq) -> Result<(), Infallible> {
        self.cursors.insert((peer, log), upto);
        Ok(())
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.state.get(key).cloned())
    }

    fn set_state(&mut self, key: &str, value: &[u8]) -> Result<(), Infallible> {
        self.state.insert(key.to_owned(), value.to_vec());
        Ok(())
    }

    fn row(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, Infallible> {
        Ok(self.rows.get(&(family, key.to_vec())).cloned())
    }

    fn set_row(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), Infallible> {
        self.rows.insert((family, key.to_vec()), value.to_vec());
        Ok(())
    }

    fn delete_row(&mut self, family: Family, key: &[u8]) -> Result<(), Infallible> {
        self.rows.remove(&(family, key.to_vec()));
        Ok(())
    }

    fn rows(&self, family: Family, after: &[u8], max: usize) -> Result<Vec<KeyedRow>, Infallible> {
        let from = (family, after.to_vec());
        let from = match after {
            [] => Bound::Included(from),
            _ => Bound::Excluded(from),
        };
        let rows = self.rows.range((from, Bound::Unbounded));
        let own = rows.take_while(|((it, _), _)| *it == family).take(max);
        Ok(own
            .map(|((_, key), value)| (key.clone(), value.clone()))
            .collect())
    }

    fn book(&self, item: &ItemId) -> Result<Quantity, Infallible> {
        Ok(sellable::book(self.fold.balances_of(item)))
    }

    fn items(&self, after: Option<&ItemId>, max: usize) -> Result<Vec<ItemId>, Infallible> {
        Ok(self.fold.items_above(after).take(max).cloned().collect())
    }

    fn order_facts(&self, order: &OrderId) -> Result<Vec<Document>, Infallible> {
        let facts = self.fold.order_facts(order);
        Ok(facts.take(ORDER_FACTS_MAX).cloned().collect())
    }

    fn quota(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, Infallible> {
        let key = (item.clone(), channel.clone());
        Ok(self.quotas.get(&key).copied().unwrap_or_default())
    }

    fn quotas(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, Infallible> {
        let of_item = self.quotas.iter().filter(|((it, _), _)| it == item);
        Ok(of_item
            .map(|((_, channel), quota)| (channel.clone(), *quota))
            .collect())
    }

    fn set_quota(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), Infallible> {
        self.quotas.insert((item.clone(), channel.clone()), quota);
        Ok(())
    }

    fn quota_take(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, Infallible> {
        let mut quota = self.quota(item, channel)?;
        if quota.left() < quantity {
            return Ok(false);
        }
        quota.used = quota.used.plus(quantity);
        self.set_quota(item, channel, quota)?;
        Ok(true)
    }
}
