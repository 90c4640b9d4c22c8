//! Logs that are closed by openings: how far, and what may be forgotten then.
//!
//! A closed document's bytes and signatures go; what the fold took back of it is gone already. A
//! document that an opening carries keeps its row below the end of what is closed. A log is closed
//! ever further, never back.

use rusqlite::params;
use shelf_stock::document::ClosedLog;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};

use super::{DocumentKey, TableError, Tables};

/// Where a closed part of a log ends.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ClosedEnd {
    /// Its last number; 0: nothing is closed.
    pub(super) upto: i64,
    /// The digest there.
    pub(super) digest: Digest,
}

impl Tables<'_> {
    /// How far a log is closed. Asked with every document that is folded: remembered.
    pub(super) fn closed_end(&self, author: i64) -> Result<ClosedEnd, TableError> {
        if let Some((last, end)) = self.last_closed.get()
            && last == author
        {
            return Ok(end);
        }
        let found = self.row(
            "SELECT closed, closed_digest FROM author WHERE key = ?1",
            [author],
            |row| {
                let digest: Option<[u8; 32]> = row.get(1)?;
                Ok(ClosedEnd {
                    upto: row.get(0)?,
                    digest: digest.map_or(Digest::ZERO, Digest::from_bytes),
                })
            },
        )?;
        let end = found.unwrap_or_default();
        self.last_closed.set(Some((author, end)));
        Ok(end)
    }

    pub(super) fn closed_upto(
        &self,
        node: NodeId,
        incarnation: Incarnation,
    ) -> Result<Seq, TableError> {
        match self.author(node, incarnation)? {
            Some(author) => Ok(Seq(self.closed_end(author)?.upto.unsigned_abs())),
            None => Ok(Seq(0)),
        }
    }

    /// Closes a log; bytes that were never folded and signatures of what is closed go.
    pub(super) fn close_author(&self, node: NodeId, closed: &ClosedLog) -> Result<(), TableError> {
        let author = self.author_or_new(node, closed.incarnation)?;
        let key = DocumentKey::new(author, closed.upto)?;
        let upto = i64::try_from(closed.upto.0).unwrap_or(i64::MAX);
        if self.closed_end(author)?.upto >= upto {
            return Ok(());
        }
        self.last_closed.set(None);
        self.run(
            "UPDATE author SET closed = ?2, closed_digest = ?3 WHERE key = ?1",
            params![author, upto, closed.digest.as_bytes()],
        )?;
        let (first, _) = DocumentKey::range(author);
        self.run(
            "DELETE FROM document WHERE id BETWEEN ?1 AND ?2 AND folded = 0",
            [first, key.0],
        )?;
        self.run(
            "DELETE FROM signed_head WHERE author = ?1 AND seq <= ?2",
            [author, upto],
        )?;
        self.note_closed(author, upto)
    }

    /// The folded documents of a part of a log.
    pub(super) fn folded_within(
        &self,
        node: NodeId,
        within: &ClosedLog,
    ) -> Result<Vec<Place>, TableError> {
        let Some(author) = self.author(node, within.incarnation)? else {
            return Ok(Vec::new());
        };
        let (after, upto) = (
            DocumentKey::new(author, within.after)?,
            DocumentKey::new(author, within.upto)?,
        );
        let seqs = self.rows(
            "SELECT id FROM document WHERE id > ?1 AND id <= ?2 AND folded = 1 ORDER BY id",
            [after.0, upto.0],
            |row| row.get(0).map(|it| DocumentKey(it).seq()),
        )?;
        let place = |seq| Place {
            node,
            incarnation: within.incarnation,
            seq,
        };
        Ok(seqs.into_iter().map(place).collect())
    }

    pub(super) fn delete_documents(&self, places: &[Place]) -> Result<(), TableError> {
        for place in places {
            if let Some(key) = self.key(*place)? {
                self.run("DELETE FROM document WHERE id = ?1", [key.0])?;
            }
        }
        Ok(())
    }

    pub(super) fn every_closed(&self) -> Result<Vec<(Place, Digest)>, TableError> {
        let mut ends = Vec::new();
        for (author, node, incarnation) in self.authors()? {
            let end = self.closed_end(author)?;
            if end.upto > 0 {
                let place = Place {
                    node,
                    incarnation,
                    seq: Seq(end.upto.unsigned_abs()),
                };
                ends.push((place, end.digest));
            }
        }
        Ok(ends)
    }
}
