//! A storage in memory: for tests, simulations and the model that real storages are compared to.
//!
//! It has no transactions of its own: whoever needs one clones it, works on the clone, and keeps
//! or drops it. Documents share their bytes, so that a clone is cheap. It folds nothing but keeps
//! which documents were handed to the fold, in [`MemoryStore::folded`].

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::ops::Bound;

use shelf_stock::document::Document;
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

use crate::store::{
    Inserted, LogId, LogState, ParkReason, Parked, Peer, PeerCursor, ReadLimits, SeqRange, Store,
};

/// One shop in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryStore {
    logs: BTreeMap<LogId, BTreeMap<Seq, Sealed>>,
    upto: BTreeMap<LogId, Seq>,
    folded: BTreeMap<Place, Document>,
    parked: BTreeMap<(Place, Digest, ParkReason), Sealed>,
    heads: BTreeMap<LogId, BTreeMap<Seq, SignedHead>>,
    cursors: BTreeMap<(Peer, LogId), Seq>,
    state: BTreeMap<String, Vec<u8>>,
}

impl MemoryStore {
    /// An empty shop.
    pub fn new() -> Self {
        Self::default()
    }

    /// The documents that count, by place.
    pub fn folded(&self) -> impl Iterator<Item = &Document> {
        self.folded.values()
    }

    /// Every stored document's place and digest: equal sets are equal shops.
    pub fn documents(&self) -> BTreeSet<(Place, Digest)> {
        let logs = self.logs.values().flat_map(BTreeMap::values);
        logs.map(|it| (it.place(), it.digest())).collect()
    }

    fn put(&mut self, sealed: &Sealed) -> Inserted {
        let place = sealed.place();
        let log = log_of(place);
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
            digest: documents.get(&upto).map_or(Digest::ZERO, Sealed::digest),
            last: documents.keys().next_back().copied().unwrap_or(Seq(0)),
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
            self.folded
                .insert(authored.place(), authored.document().clone());
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
        Ok(log.and_then(|it| it.get(&place.seq)).map(Sealed::digest))
    }

    fn read(&self, log: LogId, after: Seq, limits: ReadLimits) -> Result<Vec<Sealed>, Infallible> {
        let Some(documents) = self.logs.get(&log) else {
            return Ok(Vec::new());
        };
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
}
