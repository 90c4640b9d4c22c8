//! Logs that are closed by openings, in PostgreSQL: as the ledger's tables keep them.

use shelf_ledger::tables::DocumentKey;
use shelf_replica::store::LogId;
use shelf_stock::document::ClosedLog;
use shelf_stock::document::SourceKey;
use shelf_stock::fold::{DuplicateRow, GroupRow};
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use tokio_postgres::Row;

use super::super::StorageError;
use super::row::{self, action_key};
use super::shop::PostgresShop;
use super::work::{Counted, seq_key};

impl PostgresShop<'_, '_> {
    pub(super) fn closed_upto(
        &self,
        node: NodeId,
        incarnation: Incarnation,
    ) -> Result<Seq, StorageError> {
        let author = self.author(LogId { node, incarnation })?;
        Ok(Seq(author.map_or(0, |it| it.closed)))
    }

    /// Closes a log; bytes that were never folded and signatures of what is closed go.
    pub(super) fn close_author(
        &self,
        node: NodeId,
        closed: &ClosedLog,
    ) -> Result<(), StorageError> {
        let incarnation = closed.incarnation;
        let log = LogId { node, incarnation };
        self.claim()?;
        let mut author = self.work.author_or_new(self.store, log)?;
        if author.closed >= closed.upto.0 {
            return Ok(());
        }
        let upto = DocumentKey::new(author.key, closed.upto)?.0;
        let (first, _) = DocumentKey::range(author.key);
        let seq = seq_key(closed.upto);
        self.work.flush()?;
        self.put(
            "UPDATE author SET closed = $2, closed_digest = $3 WHERE key = $1",
            &[&author.key, &seq, &closed.digest.as_bytes().as_slice()],
        )?;
        self.put(
            "DELETE FROM document WHERE id BETWEEN $1 AND $2 AND NOT folded",
            &[&first, &upto],
        )?;
        self.put(
            "DELETE FROM signed_head WHERE author = $1 AND seq <= $2",
            &[&author.key, &seq],
        )?;
        author.closed = closed.upto.0;
        author.last = author.last.max(author.closed);
        if author.upto < author.closed {
            (author.upto, author.digest) = (author.closed, closed.digest);
            self.close_gap(&mut author)?;
        }
        self.work.set_author(self.store, log, author)
    }

    /// The folded documents of a part of a log.
    pub(super) fn folded_within(
        &self,
        node: NodeId,
        within: &ClosedLog,
    ) -> Result<Vec<Place>, StorageError> {
        let incarnation = within.incarnation;
        let Some(author) = self.author(LogId { node, incarnation })? else {
            return Ok(Vec::new());
        };
        let after = DocumentKey::new(author.key, within.after)?.0;
        let upto = DocumentKey::new(author.key, within.upto)?.0;
        let place = |it: &Row| {
            Ok(Place {
                node,
                incarnation,
                seq: DocumentKey(row::col(it, 0)?).seq(),
            })
        };
        self.list(
            "SELECT id FROM document WHERE id > $1 AND id <= $2 AND folded ORDER BY id",
            &[&after, &upto],
            place,
        )
    }

    pub(super) fn delete_documents(&self, places: &[Place]) -> Result<(), StorageError> {
        if places.is_empty() {
            return Ok(());
        }
        self.work.flush()?;
        let keys: Vec<i64> = places
            .iter()
            .map(|it| self.key_or_new(*it))
            .collect::<Result<_, _>>()?;
        self.put(
            "DELETE FROM document WHERE id = ANY($1::bigint[])",
            &[&keys],
        )
    }

    pub(super) fn every_closed(&self) -> Result<Vec<(Place, Digest)>, StorageError> {
        self.list(
            "SELECT node, incarnation, closed, closed_digest FROM author
             WHERE store = $1 AND closed > 0",
            &[&self.store.0],
            |it| {
                let place = Place {
                    node: row::node(it, 0)?,
                    incarnation: Incarnation(row::col::<i64>(it, 1)?.cast_unsigned()),
                    seq: Seq(row::number(it, 2)?),
                };
                Ok((place, row::digest(it, 3)?))
            },
        )
    }

    /// The digest at the end of what is closed of a log, if a place is there.
    pub(super) fn closed_digest(&self, place: Place) -> Result<Option<Digest>, StorageError> {
        let (node, incarnation) = (place.node, place.incarnation);
        let author = self.author(LogId { node, incarnation })?;
        let at_end = |it: &super::work::Author| it.closed == place.seq.0 && it.closed > 0;
        let Some(author) = author.filter(at_end) else {
            return Ok(None);
        };
        let sql = "SELECT closed_digest FROM author WHERE key = $1";
        let found = self.work.session.first(sql, &[&author.key])?;
        found.map(|it| row::digest(&it, 0)).transpose()
    }

    pub(super) fn delete_group(&self, row: &GroupRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "DELETE FROM group_part WHERE store = $1 AND node = $2 AND id = $3 AND parts = $4
             AND part = $5 AND document = $6",
            &[
                &self.store.0,
                &row.key.node.as_bytes().as_slice(),
                &row.key.id.as_str(),
                &i64::from(row.key.of),
                &i64::from(row.index),
                &document,
            ],
        )
    }

    pub(super) fn delete_source(&self, key: &SourceKey) -> Result<(), StorageError> {
        self.work.flush()?;
        self.put(
            "DELETE FROM source_counted
             WHERE store = $1 AND source = $2 AND receipt = $3 AND action = $4 AND part = $5",
            &[
                &self.store.0,
                &key.source.as_str(),
                &key.receipt.as_str(),
                &action_key(key.action),
                &i64::from(key.part),
            ],
        )?;
        let known = (self.store, key.clone());
        let none = Counted::read(None);
        self.work.known().sources.insert(known, none);
        Ok(())
    }

    pub(super) fn duplicates_for(&self, key: &SourceKey) -> Result<Vec<Place>, StorageError> {
        self.list(
            "SELECT document FROM source_duplicate
             WHERE store = $1 AND source = $2 AND receipt = $3 AND action = $4 AND part = $5",
            &[
                &self.store.0,
                &key.source.as_str(),
                &key.receipt.as_str(),
                &action_key(key.action),
                &i64::from(key.part),
            ],
            |it| self.work.place_of(row::col(it, 0)?),
        )
    }

    pub(super) fn delete_duplicate(&self, row: &DuplicateRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "DELETE FROM source_duplicate WHERE store = $1 AND source = $2 AND receipt = $3
             AND action = $4 AND part = $5 AND document = $6",
            &[
                &self.store.0,
                &row.source.source.as_str(),
                &row.source.receipt.as_str(),
                &action_key(row.source.action),
                &i64::from(row.source.part),
                &document,
            ],
        )
    }
}
