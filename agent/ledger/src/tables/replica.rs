//! The replica's storage trait over the tables: logs, heads, cursors, parked documents.
//!
//! A document that arrives is folded by the same call that stores it. Whether a log has gaps is
//! noted only while it has some.

mod keys;

use std::collections::BTreeMap;

use rusqlite::params;
use shelf_replica::store::{
    Family, Inserted, KeyedRow, LogId, LogState, ParkReason, Parked, Peer, PeerCursor, Quota,
    ReadLimits, SeqRange, Store,
};
use shelf_stock::document::Document;
use shelf_stock::fold;
use shelf_stock::identity::{Digest, Head, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable;
use shelf_stock::time::Hlc;
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

use keys::{peer_key, place_key, reason_key, seq_key};

use super::waiting::Tail;
use super::{DocumentKey, TableError, Tables};

const DAMAGED: TableError = TableError::Damaged { what: "log" };

impl Tables<'_> {
    /// Folds a document whose exact bytes are known, storing them where they are not there yet.
    pub fn fold_authored(&mut self, authored: &Authored) -> Result<fold::Applied, TableError> {
        self.current = Some(authored.sealed().clone());
        // The fold never reads a balance, so what it adds can be summed up and written once.
        self.sums = self.waiting.is_none().then(BTreeMap::new);
        let applied = fold::apply(self, authored.document());
        let sums = self.sums.take().unwrap_or_default();
        let applied = applied?;
        self.add_sums(&sums)?;
        Ok(applied)
    }

    /// A document that could not be read by an older version counts now.
    pub(crate) fn unpark(&self, authored: &Authored) -> Result<(), TableError> {
        self.run(
            "DELETE FROM parked WHERE store = ?1 AND place = ?2 AND digest = ?3 AND reason = ?4",
            params![
                self.store.0,
                place_key(authored.place()),
                authored.digest().as_bytes(),
                reason_key(ParkReason::Unreadable)
            ],
        )
    }

    /// What stands at a document's place, if anything does.
    fn standing(&self, sealed: &Sealed) -> Result<(DocumentKey, Option<Inserted>), TableError> {
        let key = self.key_or_new(sealed.place())?;
        if self.waiting.is_some() && seq_key(key.seq()) > self.end(key.author())?.last {
            return Ok((key, None));
        }
        let found = self.stored(key)?.map(|it| {
            if it.digest == sealed.digest() {
                Inserted::Duplicate
            } else {
                Inserted::Fork { held: it.digest }
            }
        });
        let closed = seq_key(key.seq()) <= self.closed_end(key.author())?.upto;
        Ok((key, found.or(closed.then_some(Inserted::Duplicate))))
    }

    /// Keeps the note about gaps right for a document that is about to be stored.
    fn note_gap(&self, key: DocumentKey) -> Result<(), TableError> {
        let (author, seq) = (key.author(), seq_key(key.seq()));
        let Tail { last, noted } = self.end(author)?;
        match noted {
            None if seq == last + 1 => Ok(()),
            None => self.note_upto(author, Some(last)),
            Some(upto) if seq == upto + 1 => {
                let end = self.run_end(author, seq + 1)?;
                let gone = end >= last;
                self.note_upto(author, (!gone).then_some(end))
            }
            Some(_) => Ok(()),
        }
    }

    /// Highest number such that everything from `from` to it is stored; `from - 1` if `from`
    /// itself is not.
    fn run_end(&self, author: i64, from: i64) -> Result<i64, TableError> {
        let (base, last) = DocumentKey::range(author);
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
        let mut rows = statement.query([base + from, last])?;
        let mut next = from;
        while let Some(row) = rows.next()? {
            if row.get::<_, i64>(0)? != base + next {
                break;
            }
            next += 1;
        }
        Ok(next - 1)
    }

    /// How much of a log is here, read once in a transaction of many documents.
    fn end(&self, author: i64) -> Result<Tail, TableError> {
        if let Some(tail) = self.waiting.and_then(|it| it.tail(author)) {
            return Ok(tail);
        }
        let tail = Tail {
            last: self.last_seq(author)?,
            noted: self.noted_upto(author)?,
        };
        if let Some(waiting) = self.waiting {
            waiting.know_tail(author, tail);
        }
        Ok(tail)
    }

    /// Keeps the note about gaps right where a log was closed up to a number.
    pub(super) fn note_closed(&self, author: i64, closed: i64) -> Result<(), TableError> {
        if let Some(waiting) = self.waiting {
            let last = self.last_seq(author)?;
            let noted = self.noted_upto(author)?;
            waiting.know_tail(author, Tail { last, noted });
        }
        match self.noted_upto(author)? {
            Some(noted) if noted <= closed => {
                let end = self.run_end(author, closed + 1)?;
                let gone = end >= self.last_seq(author)?;
                self.note_upto(author, (!gone).then_some(end))
            }
            _ => Ok(()),
        }
    }

    /// The highest number that is here or closed.
    fn last_seq(&self, author: i64) -> Result<i64, TableError> {
        let closed = self.closed_end(author)?.upto;
        let (first, last) = DocumentKey::range(author);
        let found = self.row(
            "SELECT id FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC LIMIT 1",
            [first, last],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(found.map_or(0, |id| id - first).max(closed))
    }

    fn noted_upto(&self, author: i64) -> Result<Option<i64>, TableError> {
        let found = self.row("SELECT upto FROM author WHERE key = ?1", [author], |row| {
            row.get(0)
        })?;
        Ok(found.flatten())
    }

    fn note_upto(&self, author: i64, upto: Option<i64>) -> Result<(), TableError> {
        if let Some(waiting) = self.waiting {
            waiting.forget_tail(author);
        }
        self.run(
            "UPDATE author SET upto = ?2 WHERE key = ?1",
            params![author, upto],
        )
    }

    fn log_state(&self, log: LogId, author: i64) -> Result<Option<LogState>, TableError> {
        let Tail { last, noted } = self.end(author)?;
        if last == 0 {
            return Ok(None);
        }
        let upto = noted.unwrap_or(last);
        let key = DocumentKey::new(author, Seq(upto.unsigned_abs()))?;
        let closed = self.closed_end(author)?;
        let digest = match self.stored(key)? {
            Some(stored) => stored.digest,
            None if closed.upto == upto => closed.digest,
            None => Digest::ZERO,
        };
        Ok(Some(LogState {
            log,
            upto: Seq(upto.unsigned_abs()),
            digest,
            last: Seq(last.unsigned_abs()),
        }))
    }

    fn log_of(&self, author: i64) -> Result<LogId, TableError> {
        let place = self.place_of(DocumentKey::new(author, Seq(0))?)?;
        Ok(LogId {
            node: place.node,
            incarnation: place.incarnation,
        })
    }
}

impl Store for Tables<'_> {
    type Error = TableError;

    fn insert(&mut self, authored: &Authored) -> Result<Inserted, TableError> {
        let (key, standing) = self.standing(authored.sealed())?;
        if let Some(standing) = standing {
            return Ok(standing);
        }
        self.note_gap(key)?;
        self.fold_authored(authored)?;
        Ok(Inserted::New)
    }

    fn insert_unread(&mut self, sealed: &Sealed) -> Result<Inserted, TableError> {
        let (key, standing) = self.standing(sealed)?;
        if let Some(standing) = standing {
            return Ok(standing);
        }
        self.note_gap(key)?;
        self.store_bytes(key, sealed, Hlc::default(), false)?;
        self.park(sealed, ParkReason::Unreadable)?;
        Ok(Inserted::New)
    }

    fn park(&mut self, sealed: &Sealed, reason: ParkReason) -> Result<(), TableError> {
        self.run(
            "INSERT OR IGNORE INTO parked (store, place, digest, reason, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                self.store.0,
                place_key(sealed.place()),
                sealed.digest().as_bytes(),
                reason_key(reason),
                sealed.bytes()
            ],
        )
    }

    fn parked(&self, max: usize) -> Result<Vec<Parked>, TableError> {
        let rows: Vec<(i64, Vec<u8>)> = self.rows(
            "SELECT reason, bytes FROM parked WHERE store = ?1
             ORDER BY place, digest, reason LIMIT ?2",
            params![self.store.0, i64::try_from(max).unwrap_or(i64::MAX)],
            |row| row.try_into(),
        )?;
        let parked = |(reason, bytes): (i64, Vec<u8>)| {
            Ok(Parked {
                sealed: Sealed::read(bytes).ok_or(DAMAGED)?,
                reason: match reason {
                    0 => ParkReason::Unreadable,
                    1 => ParkReason::Fork,
                    2 => ParkReason::Chain,
                    _ => return Err(DAMAGED),
                },
            })
        };
        rows.into_iter().map(parked).collect()
    }

    fn log(&self, log: LogId) -> Result<Option<LogState>, TableError> {
        match self.author(log.node, log.incarnation)? {
            Some(author) => self.log_state(log, author),
            None => Ok(None),
        }
    }

    fn logs(&self) -> Result<Vec<LogState>, TableError> {
        let mut states = Vec::new();
        for (author, node, incarnation) in self.authors()? {
            states.extend(self.log_state(LogId { node, incarnation }, author)?);
        }
        states.sort_by_key(|it| it.log);
        Ok(states)
    }

    fn digest_at(&self, place: Place) -> Result<Option<Digest>, TableError> {
        let Some(key) = self.key(place)? else {
            return Ok(None);
        };
        if let Some(stored) = self.stored(key)? {
            return Ok(Some(stored.digest));
        }
        let closed = self.closed_end(key.author())?;
        Ok((closed.upto == seq_key(place.seq) && closed.upto > 0).then_some(closed.digest))
    }

    fn read(&self, log: LogId, after: Seq, limits: ReadLimits) -> Result<Vec<Sealed>, TableError> {
        let Some(author) = self.author(log.node, log.incarnation)? else {
            return Ok(Vec::new());
        };
        let (base, last) = DocumentKey::range(author);
        // What is closed can't be read; what is carried there is no part of the log any more.
        let after = seq_key(after).max(self.closed_end(author)?.upto);
        let mut next = base.saturating_add(after).saturating_add(1);
        let mut statement = self.connection.prepare_cached(
            "SELECT id, bytes FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id",
        )?;
        let mut rows = statement.query([next, last])?;
        let (mut read, mut bytes) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let raw = row.get_ref(1)?.as_blob().map_err(|_| DAMAGED)?;
            bytes += raw.len();
            let full = read.len() >= limits.documents_max || bytes > limits.bytes_max;
            if row.get::<_, i64>(0)? != next || (full && !read.is_empty()) {
                break;
            }
            read.push(Sealed::read(raw).ok_or(DAMAGED)?);
            next += 1;
        }
        Ok(read)
    }

    fn beyond(&self, log: LogId, upto: Seq, max: usize) -> Result<Vec<SeqRange>, TableError> {
        let Some(author) = self.author(log.node, log.incarnation)? else {
            return Ok(Vec::new());
        };
        let (base, last) = DocumentKey::range(author);
        let above = base.saturating_add(seq_key(upto)).saturating_add(2);
        let mut statement = self
            .connection
            .prepare_cached("SELECT id FROM document WHERE id BETWEEN ?1 AND ?2 ORDER BY id")?;
        let mut rows = statement.query([above, last])?;
        let mut ranges: Vec<SeqRange> = Vec::new();
        while let Some(row) = rows.next()? {
            let seq = DocumentKey(row.get(0)?).seq();
            let full = ranges.len() == max;
            match ranges.last_mut() {
                Some(range) if range.last.0 + 1 == seq.0 => range.last = seq,
                _ if full => break,
                _ => ranges.push(SeqRange {
                    first: seq,
                    last: seq,
                }),
            }
        }
        Ok(ranges)
    }

    fn put_signed_head(&mut self, head: &SignedHead) -> Result<(), TableError> {
        let place = head.head.place;
        let author = self.author_or_new(place.node, place.incarnation)?;
        self.run(
            "INSERT INTO signed_head (author, seq, digest, signature) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET digest = excluded.digest, signature = excluded.signature",
            params![
                author,
                seq_key(place.seq),
                head.head.digest.as_bytes(),
                head.signature
            ],
        )
    }

    fn signed_heads(
        &self,
        log: LogId,
        after: Seq,
        max: usize,
    ) -> Result<Vec<SignedHead>, TableError> {
        let Some(author) = self.author(log.node, log.incarnation)? else {
            return Ok(Vec::new());
        };
        self.rows(
            "SELECT seq, digest, signature FROM signed_head WHERE author = ?1 AND seq > ?2
             ORDER BY seq LIMIT ?3",
            params![
                author,
                seq_key(after),
                i64::try_from(max).unwrap_or(i64::MAX)
            ],
            |row| {
                let place = Place {
                    node: log.node,
                    incarnation: log.incarnation,
                    seq: Seq(row.get::<_, i64>(0)?.unsigned_abs()),
                };
                Ok(SignedHead {
                    head: Head {
                        place,
                        digest: Digest::from_bytes(row.get(1)?),
                    },
                    signature: row.get(2)?,
                })
            },
        )
    }

    fn cursors(&self, peer: Peer) -> Result<Vec<PeerCursor>, TableError> {
        let rows: Vec<(i64, i64)> = self.rows(
            "SELECT author, seq FROM peer_cursor WHERE store = ?1 AND peer = ?2",
            params![self.store.0, peer_key(&peer)],
            |row| row.try_into(),
        )?;
        let cursor = |(author, seq): (i64, i64)| {
            Ok(PeerCursor {
                log: self.log_of(author)?,
                upto: Seq(seq.unsigned_abs()),
            })
        };
        let mut cursors: Vec<PeerCursor> = rows
            .into_iter()
            .map(cursor)
            .collect::<Result<_, TableError>>()?;
        cursors.sort();
        Ok(cursors)
    }

    fn cursor(&self, peer: Peer, log: LogId) -> Result<Seq, TableError> {
        let Some(author) = self.author(log.node, log.incarnation)? else {
            return Ok(Seq(0));
        };
        let found = self.row(
            "SELECT seq FROM peer_cursor WHERE store = ?1 AND peer = ?2 AND author = ?3",
            params![self.store.0, peer_key(&peer), author],
            |row| row.get::<_, i64>(0),
        )?;
        Ok(Seq(found.unwrap_or(0).unsigned_abs()))
    }

    fn set_cursor(&mut self, peer: Peer, log: LogId, upto: Seq) -> Result<(), TableError> {
        let author = self.author_or_new(log.node, log.incarnation)?;
        self.run(
            "INSERT INTO peer_cursor (store, peer, author, seq) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET seq = excluded.seq",
            params![self.store.0, peer_key(&peer), author, seq_key(upto)],
        )
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, TableError> {
        self.row(
            "SELECT value FROM replica_state WHERE store = ?1 AND key = ?2",
            params![self.store.0, key],
            |row| row.get(0),
        )
    }

    fn set_state(&mut self, key: &str, value: &[u8]) -> Result<(), TableError> {
        self.run(
            "INSERT INTO replica_state (store, key, value) VALUES (?1, ?2, ?3)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![self.store.0, key, value],
        )
    }

    fn row(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, TableError> {
        self.machine_row(family, key)
    }

    fn set_row(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), TableError> {
        self.put_machine_row(family, key, value)
    }

    fn delete_row(&mut self, family: Family, key: &[u8]) -> Result<(), TableError> {
        self.drop_machine_row(family, key)
    }

    fn rows(&self, family: Family, after: &[u8], max: usize) -> Result<Vec<KeyedRow>, TableError> {
        self.machine_rows(family, after, max)
    }

    fn book(&self, item: &ItemId) -> Result<Quantity, TableError> {
        let balances = self.balances_of(item)?;
        Ok(sellable::book(balances.iter().map(|(at, it)| (at, *it))))
    }

    fn items(&self, after: Option<&ItemId>, max: usize) -> Result<Vec<ItemId>, TableError> {
        self.items_above(after, max)
    }

    fn order_facts(&self, order: &OrderId) -> Result<Vec<Document>, TableError> {
        self.facts_of(order)
    }

    fn quota(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, TableError> {
        self.quota_of(item, channel)
    }

    fn quotas(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, TableError> {
        self.quotas_of(item)
    }

    fn set_quota(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), TableError> {
        self.put_quota(item, channel, quota)
    }

    fn quota_take(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, TableError> {
        self.take_quota(item, channel, quantity)
    }
}
