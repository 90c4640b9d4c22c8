//! Documents in PostgreSQL: what stands at a place, storing exact bytes, reading them back.

use shelf_ledger::tables::DocumentKey;
use shelf_replica::store::Inserted;
use shelf_stock::identity::{Digest, Place, Seq};
use shelf_stock::time::Hlc;
use shelf_wire::sealed::Sealed;

use super::super::StorageError;
use super::row;
use super::shop::PostgresShop;
use super::work::{Author, NewDocument, log_of};

impl PostgresShop<'_, '_> {
    /// What stands at a place: whether it is folded, and its digest.
    pub(super) fn stored(&self, place: Place) -> Result<Option<(bool, Digest)>, StorageError> {
        let Some(author) = self.author(log_of(place))? else {
            return Ok(None);
        };
        if place.seq.0 == 0 || place.seq.0 > author.last {
            return Ok(None);
        }
        let key = DocumentKey::new(author.key, place.seq)?.0;
        if let Some(waiting) = self.work.known().documents.get(&key) {
            return Ok(Some((waiting.folded, waiting.digest)));
        }
        let sql = "SELECT folded, digest FROM document WHERE id = $1";
        match self.work.session.first(sql, &[&key])? {
            Some(row) => Ok(Some((row::col(&row, 0)?, row::digest(&row, 1)?))),
            None => Ok(None),
        }
    }

    /// Stores exact bytes where nothing stands, and keeps the state of the log right.
    pub(super) fn put_document(
        &self,
        sealed: &Sealed,
        hlc: Hlc,
        folded: bool,
    ) -> Result<(), StorageError> {
        let place = sealed.place();
        let log = log_of(place);
        self.claim()?;
        let mut author = self.work.author_or_new(self.store, log)?;
        let key = DocumentKey::new(author.key, place.seq)?.0;
        let document = NewDocument {
            folded,
            hlc: hlc.to_bits().cast_signed(),
            digest: sealed.digest(),
            bytes: sealed.bytes().to_vec(),
        };
        self.work.known().documents.insert(key, document);
        self.work.waits()?;
        if place.seq.0 == author.upto + 1 {
            (author.upto, author.digest) = (place.seq.0, sealed.digest());
            if author.last > author.upto {
                self.close_gap(&mut author)?;
            }
        }
        author.last = author.last.max(place.seq.0);
        self.work.set_author(self.store, log, author)
    }

    /// A gap may be closed: goes on to the end of the run.
    pub(super) fn close_gap(&self, author: &mut Author) -> Result<(), StorageError> {
        self.work.flush()?;
        let first = DocumentKey::new(author.key, Seq(author.upto + 1))?.0;
        let (_, last) = DocumentKey::range(author.key);
        let rows = self.work.session.query(
            "SELECT id, digest FROM (
                 SELECT id, digest, row_number() OVER (ORDER BY id) AS place
                 FROM document WHERE id BETWEEN $1 AND $2) AS run
             WHERE id = $1 + place - 1 ORDER BY id DESC LIMIT 1",
            &[&first, &last],
        )?;
        if let Some(end) = rows.first() {
            author.upto = DocumentKey(row::col(end, 0)?).seq().0;
            author.digest = row::digest(end, 1)?;
        }
        Ok(())
    }

    pub(super) fn standing(&self, sealed: &Sealed) -> Result<Option<Inserted>, StorageError> {
        let standing = self.stored(sealed.place())?.map(|(_, held)| {
            if held == sealed.digest() {
                Inserted::Duplicate
            } else {
                Inserted::Fork { held }
            }
        });
        let author = self.author(log_of(sealed.place()))?;
        let closed = author.is_some_and(|it| sealed.place().seq.0 <= it.closed);
        Ok(standing.or(closed.then_some(Inserted::Duplicate)))
    }

    pub(super) fn bytes(&self, place: Place) -> Result<Vec<u8>, StorageError> {
        let missing = StorageError::Document { place };
        let Some(author) = self.author(log_of(place))? else {
            return Err(missing);
        };
        let key = DocumentKey::new(author.key, place.seq)?.0;
        if let Some(waiting) = self.work.known().documents.get(&key) {
            return Ok(waiting.bytes.clone());
        }
        let sql = "SELECT bytes FROM document WHERE id = $1";
        let row = self.work.session.first(sql, &[&key])?;
        row::col(&row.ok_or(missing)?, 0)
    }
}
