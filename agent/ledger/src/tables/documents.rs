//! Documents: where a log stands in the table, storing exact bytes, reading them back.

use rusqlite::{OptionalExtension, params};
use shelf_stock::document::Document;
use shelf_stock::identity::{Digest, Head, Incarnation, NodeId, Place, Seq};
use shelf_stock::time::Hlc;
use shelf_wire::sealed::{Authored, Sealed};

use super::{TableError, Tables};

const SEQ_BITS: u32 = 40;
const SEQ_MAX: i64 = (1 << SEQ_BITS) - 1;
/// The most logs that one database can hold.
pub const AUTHORS_MAX: i64 = (1 << (63 - SEQ_BITS)) - 1;

/// A document's integer key: its log's number and its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DocumentKey(pub i64);

impl DocumentKey {
    /// Of a document in an author's log.
    pub fn new(author: i64, seq: Seq) -> Result<Self, TableError> {
        let range = TableError::Range {
            what: "number of a document",
        };
        let seq = i64::try_from(seq.0).ok().filter(|it| *it <= SEQ_MAX);
        let author_fits = (0..=AUTHORS_MAX).contains(&author);
        match seq {
            Some(seq) if author_fits => Ok(Self(author << SEQ_BITS | seq)),
            _ => Err(range),
        }
    }

    /// The log's number.
    pub fn author(self) -> i64 {
        self.0 >> SEQ_BITS
    }

    /// The document's number in it.
    pub fn seq(self) -> Seq {
        Seq((self.0 & SEQ_MAX).unsigned_abs())
    }

    /// The first and the last key that the log may have.
    pub fn range(author: i64) -> (i64, i64) {
        (author << SEQ_BITS, author << SEQ_BITS | SEQ_MAX)
    }
}

/// How a document stands in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) folded: bool,
    pub(super) digest: Digest,
}

impl Tables<'_> {
    /// The number of a log, if this database has it.
    pub fn author(
        &self,
        node: NodeId,
        incarnation: Incarnation,
    ) -> Result<Option<i64>, TableError> {
        if let Some((last, at, key)) = self.last_author.get()
            && (last, at) == (node, incarnation)
        {
            return Ok(Some(key));
        }
        let found = self.row(
            "SELECT key FROM author WHERE store = ?1 AND node = ?2 AND incarnation = ?3",
            params![self.store.0, node.as_bytes(), incarnation.0.cast_signed()],
            |row| row.get(0),
        )?;
        if let Some(key) = found {
            self.know_author(node, incarnation, key);
        }
        Ok(found)
    }

    /// Spares the look-up of a log whose number the caller knows.
    pub(crate) fn know_author(&self, node: NodeId, incarnation: Incarnation, key: i64) {
        self.last_author.set(Some((node, incarnation, key)));
    }

    /// The number of a log, given one where it is new.
    pub fn author_or_new(&self, node: NodeId, incarnation: Incarnation) -> Result<i64, TableError> {
        if let Some(key) = self.author(node, incarnation)? {
            return Ok(key);
        }
        self.connection
            .prepare_cached("INSERT INTO author (store, node, incarnation) VALUES (?1, ?2, ?3)")?
            .execute(params![
                self.store.0,
                node.as_bytes(),
                incarnation.0.cast_signed()
            ])?;
        Ok(self.connection.last_insert_rowid())
    }

    /// Every log of this store: number, author, incarnation.
    pub fn authors(&self) -> Result<Vec<(i64, NodeId, Incarnation)>, TableError> {
        let mut statement = self.connection.prepare_cached(
            "SELECT key, node, incarnation FROM author WHERE store = ?1 ORDER BY key",
        )?;
        let rows = statement.query_map([self.store.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?))
        })?;
        let mut authors = Vec::new();
        for row in rows {
            let (key, node, incarnation): (i64, [u8; 16], i64) = row?;
            let incarnation = Incarnation(incarnation.cast_unsigned());
            authors.push((key, NodeId::from_bytes(node), incarnation));
        }
        Ok(authors)
    }

    /// The key of a document, whether or not it is there.
    pub(super) fn key_or_new(&self, place: Place) -> Result<DocumentKey, TableError> {
        DocumentKey::new(
            self.author_or_new(place.node, place.incarnation)?,
            place.seq,
        )
    }

    pub(super) fn key(&self, place: Place) -> Result<Option<DocumentKey>, TableError> {
        match self.author(place.node, place.incarnation)? {
            Some(author) => DocumentKey::new(author, place.seq).map(Some),
            None => Ok(None),
        }
    }

    /// The place of a key.
    pub fn place_of(&self, key: DocumentKey) -> Result<Place, TableError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT node, incarnation FROM author WHERE key = ?1")?;
        let (node, incarnation): ([u8; 16], i64) =
            statement.query_row([key.author()], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Place {
            node: NodeId::from_bytes(node),
            incarnation: Incarnation(incarnation.cast_unsigned()),
            seq: key.seq(),
        })
    }

    pub(super) fn stored(&self, key: DocumentKey) -> Result<Option<Stored>, TableError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT folded, digest FROM document WHERE id = ?1")?;
        let found = statement.query_row([key.0], |row| {
            Ok(Stored {
                folded: row.get(0)?,
                digest: Digest::from_bytes(row.get(1)?),
            })
        });
        Ok(found.optional()?)
    }

    /// Stores exact bytes where nothing stands yet; says whether it did.
    pub(super) fn store_bytes(
        &self,
        key: DocumentKey,
        sealed: &Sealed,
        hlc: Hlc,
        folded: bool,
    ) -> Result<bool, TableError> {
        let changed = self
            .connection
            .prepare_cached(
                "INSERT INTO document (id, folded, hlc, digest, bytes) VALUES (?1, ?2, ?3, ?4, ?5)
                 ON CONFLICT DO NOTHING",
            )?
            .execute(params![
                key.0,
                folded,
                hlc.to_bits().cast_signed(),
                sealed.digest().as_bytes(),
                sealed.bytes(),
            ])?;
        if let Some(waiting) = self.waiting {
            waiting.stored(key);
        }
        Ok(changed == 1)
    }

    pub(super) fn mark_folded(&self, key: DocumentKey, hlc: Hlc) -> Result<(), TableError> {
        self.run(
            "UPDATE document SET folded = 1, hlc = ?2 WHERE id = ?1",
            params![key.0, hlc.to_bits().cast_signed()],
        )
    }

    /// The exact bytes of a document.
    pub fn bytes(&self, place: Place) -> Result<Option<Vec<u8>>, TableError> {
        let Some(key) = self.key(place)? else {
            return Ok(None);
        };
        let mut statement = self
            .connection
            .prepare_cached("SELECT bytes FROM document WHERE id = ?1")?;
        Ok(statement.query_row([key.0], |row| row.get(0)).optional()?)
    }

    /// A document as it was written.
    pub fn read_document(&self, place: Place) -> Result<Document, TableError> {
        let bytes = self.bytes(place)?.ok_or(TableError::Missing { place })?;
        match Authored::read(bytes) {
            Ok(authored) => Ok(authored.into_document()),
            Err(source) => Err(TableError::Document { place, source }),
        }
    }

    /// The last document of a log.
    pub fn tail(&self, author: i64) -> Result<Option<(Head, Hlc)>, TableError> {
        let (first, last) = DocumentKey::range(author);
        let mut statement = self.connection.prepare_cached(
            "SELECT id, digest, hlc FROM document WHERE id BETWEEN ?1 AND ?2
             ORDER BY id DESC LIMIT 1",
        )?;
        let found = statement.query_row([first, last], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get::<_, i64>(2)?))
        });
        let Some((id, digest, hlc)) = found.optional()? else {
            return Ok(None);
        };
        let head = Head {
            place: self.place_of(DocumentKey(id))?,
            digest: Digest::from_bytes(digest),
        };
        Ok(Some((head, Hlc::from_bits(hlc.cast_unsigned()))))
    }
}
