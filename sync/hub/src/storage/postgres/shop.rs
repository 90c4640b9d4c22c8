//! The replica's storage trait over PostgreSQL: logs, heads, cursors, parked documents, states.

use std::cell::RefCell;

use shelf_ledger::tables::{DocumentKey, StoreKey};
use shelf_replica::store::{
    Family, Inserted, KeyedRow, LogId, LogState, ParkReason, Parked, Peer, PeerCursor, Quota,
    ReadLimits, STATE_BYTES_MAX, SeqRange, Store,
};
use shelf_stock::document::Document;
use shelf_stock::fold;
use shelf_stock::identity::{Digest, Head, Incarnation, Place, Seq};
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Hlc;
use shelf_wire::key::SignedHead;
use shelf_wire::sealed::{Authored, Sealed};

use super::super::StorageError;
use super::row::{self, at_most, place_key};
use super::work::{Author, Work, log_of, peer_key, seq_key};

/// How many documents are asked for at once where the caller's limit is larger.
const READ_ROWS_MAX: usize = 2_048;

/// One shop in one transaction.
#[derive(Debug)]
pub struct PostgresShop<'w, 's> {
    pub(super) work: &'w Work<'s>,
    pub(super) store: StoreKey,
    /// The exact bytes of the document that is being folded.
    pub(super) current: RefCell<Option<Sealed>>,
}

impl<'w, 's> PostgresShop<'w, 's> {
    pub(super) fn new(work: &'w Work<'s>, store: StoreKey) -> Self {
        Self {
            work,
            store,
            current: RefCell::new(None),
        }
    }

    /// Locks the store before the first thing that is read of it in a transaction that writes.
    pub(super) fn claim(&self) -> Result<(), StorageError> {
        self.work.claim(self.store)
    }

    pub(super) fn author(&self, log: LogId) -> Result<Option<Author>, StorageError> {
        self.claim()?;
        self.work.author(self.store, log)
    }

    pub(super) fn key_or_new(&self, place: Place) -> Result<i64, StorageError> {
        self.claim()?;
        Ok(self.work.key_or_new(self.store, place)?.0)
    }

    fn state_of(log: LogId, author: Author) -> Option<LogState> {
        (author.last > 0).then_some(LogState {
            log,
            upto: Seq(author.upto),
            digest: author.digest,
            last: Seq(author.last),
        })
    }
}

fn reason_key(reason: ParkReason) -> i64 {
    match reason {
        ParkReason::Unreadable => 0,
        ParkReason::Fork => 1,
        ParkReason::Chain => 2,
    }
}

fn parked(row: &tokio_postgres::Row) -> Result<Parked, StorageError> {
    let what = "parked documents";
    Ok(Parked {
        sealed: Sealed::read(row::col::<&[u8]>(row, 1)?).ok_or(StorageError::Damaged { what })?,
        reason: match row::col::<i64>(row, 0)? {
            0 => ParkReason::Unreadable,
            1 => ParkReason::Fork,
            2 => ParkReason::Chain,
            _ => return Err(StorageError::Damaged { what }),
        },
    })
}

impl Store for PostgresShop<'_, '_> {
    type Error = StorageError;

    fn expect(&self, documents: &mut dyn Iterator<Item = &Authored>) -> Result<(), StorageError> {
        self.look_ahead(documents)
    }

    fn insert(&mut self, authored: &Authored) -> Result<Inserted, StorageError> {
        if let Some(standing) = self.standing(authored.sealed())? {
            return Ok(standing);
        }
        self.current.replace(Some(authored.sealed().clone()));
        fold::apply(self, authored.document())?;
        Ok(Inserted::New)
    }

    fn insert_unread(&mut self, sealed: &Sealed) -> Result<Inserted, StorageError> {
        if let Some(standing) = self.standing(sealed)? {
            return Ok(standing);
        }
        self.put_document(sealed, Hlc::default(), false)?;
        self.park(sealed, ParkReason::Unreadable)?;
        Ok(Inserted::New)
    }

    fn park(&mut self, sealed: &Sealed, reason: ParkReason) -> Result<(), StorageError> {
        self.claim()?;
        self.work.session.execute(
            "INSERT INTO parked (store, place, digest, reason, bytes)
             VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &place_key(sealed.place()),
                &sealed.digest().as_bytes().as_slice(),
                &reason_key(reason),
                &&sealed.bytes()[..],
            ],
        )?;
        Ok(())
    }

    fn parked(&self, max: usize) -> Result<Vec<Parked>, StorageError> {
        let rows = self.work.session.query(
            "SELECT reason, bytes FROM parked WHERE store = $1
             ORDER BY place, digest, reason LIMIT $2",
            &[&self.store.0, &at_most(max)],
        )?;
        rows.iter().map(parked).collect()
    }

    fn log(&self, log: LogId) -> Result<Option<LogState>, StorageError> {
        let author = self.author(log)?;
        Ok(author.and_then(|it| Self::state_of(log, it)))
    }

    fn logs(&self) -> Result<Vec<LogState>, StorageError> {
        self.claim()?;
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT key, upto, last, digest, node, incarnation, closed FROM author WHERE store = $1",
            &[&self.store.0],
        )?;
        let mut states = Vec::with_capacity(rows.len());
        for row in rows {
            let author = Author {
                key: row::col(&row, 0)?,
                upto: row::number(&row, 1)?,
                last: row::number(&row, 2)?,
                digest: row::digest(&row, 3)?,
                closed: row::number(&row, 6)?,
                changed: false,
            };
            let log = LogId {
                node: row::node(&row, 4)?,
                incarnation: Incarnation(row::col::<i64>(&row, 5)?.cast_unsigned()),
            };
            states.extend(Self::state_of(log, author));
        }
        states.sort_by_key(|it| it.log);
        Ok(states)
    }

    fn digest_at(&self, place: Place) -> Result<Option<Digest>, StorageError> {
        if let Some(author) = self.author(log_of(place))?
            && author.upto == place.seq.0
            && author.upto > 0
        {
            return Ok(Some(author.digest));
        }
        match self.stored(place)? {
            Some((_, digest)) => Ok(Some(digest)),
            None => self.closed_digest(place),
        }
    }

    fn read(
        &self,
        log: LogId,
        after: Seq,
        limits: ReadLimits,
    ) -> Result<Vec<Sealed>, StorageError> {
        let what = "log";
        let Some(author) = self.author(log)? else {
            return Ok(Vec::new());
        };
        self.work.flush()?;
        let (base, last) = DocumentKey::range(author.key);
        // What is closed can't be read; what is carried there is no part of the log any more.
        let after = after.max(Seq(author.closed));
        let next = base.saturating_add(seq_key(after)).saturating_add(1);
        let rows = self.work.session.query(
            "SELECT id, bytes FROM (
                 SELECT id, bytes, sum(length(bytes)) OVER (ORDER BY id) AS size
                 FROM (SELECT id, bytes FROM document WHERE id BETWEEN $1 AND $2
                       ORDER BY id LIMIT $3) AS chosen) AS run
             WHERE size <= $4 OR id = $1 ORDER BY id",
            &[
                &next,
                &last,
                &at_most(limits.documents_max.clamp(1, READ_ROWS_MAX)),
                &at_most(limits.bytes_max),
            ],
        )?;
        let mut read = Vec::with_capacity(rows.len());
        for (expected, found) in (next..).zip(&rows) {
            if row::col::<i64>(found, 0)? != expected {
                break;
            }
            let bytes: &[u8] = row::col(found, 1)?;
            read.push(Sealed::read(bytes).ok_or(StorageError::Damaged { what })?);
        }
        Ok(read)
    }

    fn beyond(&self, log: LogId, upto: Seq, max: usize) -> Result<Vec<SeqRange>, StorageError> {
        let Some(author) = self.author(log)? else {
            return Ok(Vec::new());
        };
        self.work.flush()?;
        let (base, last) = DocumentKey::range(author.key);
        let above = base.saturating_add(seq_key(upto)).saturating_add(2);
        let rows = self.work.session.query(
            "SELECT min(id), max(id) FROM (
                 SELECT id, id - row_number() OVER (ORDER BY id) AS run
                 FROM document WHERE id BETWEEN $1 AND $2) AS runs
             GROUP BY run ORDER BY 1 LIMIT $3",
            &[&above, &last, &at_most(max)],
        )?;
        let range = |row: &tokio_postgres::Row| {
            Ok(SeqRange {
                first: DocumentKey(row::col(row, 0)?).seq(),
                last: DocumentKey(row::col(row, 1)?).seq(),
            })
        };
        rows.iter().map(range).collect()
    }

    fn put_signed_head(&mut self, head: &SignedHead) -> Result<(), StorageError> {
        self.claim()?;
        let place = head.head.place;
        let author = self.work.author_or_new(self.store, log_of(place))?;
        let row = (head.head.digest, head.signature.to_vec());
        let key = (author.key, seq_key(place.seq));
        self.work.known().heads.insert(key, row);
        self.work.waits()
    }

    fn signed_heads(
        &self,
        log: LogId,
        after: Seq,
        max: usize,
    ) -> Result<Vec<SignedHead>, StorageError> {
        let Some(author) = self.author(log)? else {
            return Ok(Vec::new());
        };
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT seq, digest, signature FROM signed_head WHERE author = $1 AND seq > $2
             ORDER BY seq LIMIT $3",
            &[&author.key, &seq_key(after), &at_most(max)],
        )?;
        let head = |row: &tokio_postgres::Row| {
            Ok(SignedHead {
                head: Head {
                    place: Place {
                        node: log.node,
                        incarnation: log.incarnation,
                        seq: Seq(row::number(row, 0)?),
                    },
                    digest: row::digest(row, 1)?,
                },
                signature: row::bytes(row, 2)?,
            })
        };
        rows.iter().map(head).collect()
    }

    fn cursors(&self, peer: Peer) -> Result<Vec<PeerCursor>, StorageError> {
        self.claim()?;
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT author, seq FROM peer_cursor WHERE store = $1 AND peer = $2",
            &[&self.store.0, &peer_key(&peer)],
        )?;
        let mut cursors = Vec::with_capacity(rows.len());
        for row in rows {
            let (node, incarnation) = self.work.name_of(row::col(&row, 0)?)?;
            cursors.push(PeerCursor {
                log: LogId { node, incarnation },
                upto: Seq(row::number(&row, 1)?),
            });
        }
        cursors.sort();
        Ok(cursors)
    }

    fn cursor(&self, peer: Peer, log: LogId) -> Result<Seq, StorageError> {
        let Some(author) = self.author(log)? else {
            return Ok(Seq(0));
        };
        let key = (self.store, peer, author.key);
        if let Some(known) = self.work.known().cursors.get(&key) {
            return Ok(Seq(*known));
        }
        let row = self.work.session.first(
            "SELECT seq FROM peer_cursor WHERE store = $1 AND peer = $2 AND author = $3",
            &[&self.store.0, &peer_key(&peer), &author.key],
        )?;
        let seq = row.map_or(Ok(0), |it| row::number(&it, 0))?;
        self.work.known().cursors.insert(key, seq);
        Ok(Seq(seq))
    }

    fn set_cursor(&mut self, peer: Peer, log: LogId, upto: Seq) -> Result<(), StorageError> {
        self.claim()?;
        let author = self.work.author_or_new(self.store, log)?;
        let key = (self.store, peer, author.key);
        let mut known = self.work.known();
        known.cursors.insert(key, upto.0);
        known.cursors_changed.insert(key);
        drop(known);
        self.work.waits()
    }

    fn state(&self, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        self.claim()?;
        let known = (self.store, key.to_owned());
        if let Some(value) = self.work.known().states.get(&known) {
            return Ok(value.clone());
        }
        let sql = "SELECT value FROM replica_state WHERE store = $1 AND key = $2";
        let row = self.work.session.first(sql, &[&self.store.0, &key])?;
        let value: Option<Vec<u8>> = row.map(|it| row::col(&it, 0)).transpose()?;
        self.work.known().states.insert(known, value.clone());
        Ok(value)
    }

    fn set_state(&mut self, key: &str, value: &[u8]) -> Result<(), StorageError> {
        if value.len() > STATE_BYTES_MAX {
            return Err(StorageError::TooLarge {
                what: "state",
                bytes: value.len(),
            });
        }
        self.claim()?;
        let key = (self.store, key.to_owned());
        let mut known = self.work.known();
        known.states.insert(key.clone(), Some(value.to_vec()));
        known.states_changed.insert(key);
        drop(known);
        self.work.waits()
    }

    fn row(&self, family: Family, key: &[u8]) -> Result<Option<Vec<u8>>, StorageError> {
        self.machine_row(family, key)
    }

    fn set_row(&mut self, family: Family, key: &[u8], value: &[u8]) -> Result<(), StorageError> {
        self.put_machine_row(family, key, value)
    }

    fn delete_row(&mut self, family: Family, key: &[u8]) -> Result<(), StorageError> {
        self.drop_machine_row(family, key)
    }

    fn rows(
        &self,
        family: Family,
        after: &[u8],
        max: usize,
    ) -> Result<Vec<KeyedRow>, StorageError> {
        self.machine_rows(family, after, max)
    }

    fn book(&self, item: &ItemId) -> Result<Quantity, StorageError> {
        self.book_of(item)
    }

    fn items(&self, after: Option<&ItemId>, max: usize) -> Result<Vec<ItemId>, StorageError> {
        self.items_above(after, max)
    }

    fn order_facts(&self, order: &OrderId) -> Result<Vec<Document>, StorageError> {
        self.facts_of(order)
    }

    fn quota(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, StorageError> {
        self.quota_of(item, channel)
    }

    fn quotas(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, StorageError> {
        self.quotas_of(item)
    }

    fn set_quota(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), StorageError> {
        self.put_quota(item, channel, quota)
    }

    fn quota_take(
        &mut self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, StorageError> {
        self.take_quota(item, channel, quantity)
    }
}
