//! One transaction: what it has read, and what it will write all at once.
//!
//! A statement over the wire costs as much as many rows, so the rows that every sale writes are
//! kept here until somebody must see them in the database or the transaction commits
//! ([`Work::flush`]); then each table gets its rows in one statement, all of them on the way at the
//! same time. What is rare goes straight to the database. The store's row is locked when the
//! transaction first touches a store ([`Work::claim`]), so that what was read stays true until the
//! commit whatever other workers do; nothing that was read may outlive the transaction.

use std::cell::{Cell, RefCell, RefMut};
use std::collections::{BTreeMap, BTreeSet, HashMap};

use shelf_ledger::tables::{DocumentKey, StoreKey};
use shelf_replica::store::{LogId, Peer, Quota};
use shelf_stock::document::SourceKey;
use shelf_stock::fold::Step;
use shelf_stock::identity::{Digest, Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::{ChannelId, ItemId};

use super::super::StorageError;
use super::row;
use super::session::Session;

/// Rows that wait before they are written without being asked for, so that a transaction's memory
/// is bounded.
const WAITING_ROWS_MAX: usize = 100_000;

/// A log as this transaction sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Author {
    pub(super) key: i64,
    pub(super) upto: u64,
    pub(super) last: u64,
    pub(super) digest: Digest,
    /// How far the log is closed by openings.
    pub(super) closed: u64,
    pub(super) changed: bool,
}

/// A document that waits to be written.
#[derive(Clone, Debug)]
pub(super) struct NewDocument {
    pub(super) folded: bool,
    pub(super) hlc: i64,
    pub(super) digest: Digest,
    pub(super) bytes: Vec<u8>,
}

/// A movement that waits to be written.
#[derive(Clone, Debug)]
pub(super) struct NewMovement {
    pub(super) store: i64,
    pub(super) item: ItemId,
    pub(super) effective: i64,
    pub(super) document: i64,
    pub(super) line: i32,
    pub(super) from: Location,
    pub(super) to: Location,
    pub(super) quantity: i64,
}

/// The document that counts for a source key, if one does, whether that waits to be written, and
/// whether the table has a row of the key.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counted {
    pub(super) document: Option<i64>,
    pub(super) changed: bool,
    pub(super) stands: bool,
}

impl Counted {
    /// As the table says.
    pub(super) fn read(document: Option<i64>) -> Self {
        Self {
            document,
            changed: false,
            stands: document.is_some(),
        }
    }
}

/// A machine's row: store, family, key.
pub(super) type RowKey = (StoreKey, i64, Vec<u8>);

/// What a transaction knows and what waits.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) claimed: BTreeSet<StoreKey>,
    pub(super) authors: BTreeMap<(StoreKey, LogId), Option<Author>>,
    pub(super) names: BTreeMap<i64, (NodeId, Incarnation)>,
    pub(super) states: BTreeMap<(StoreKey, String), Option<Vec<u8>>>,
    pub(super) states_changed: BTreeSet<(StoreKey, String)>,
    pub(super) cursors: BTreeMap<(StoreKey, Peer, i64), u64>,
    pub(super) cursors_changed: BTreeSet<(StoreKey, Peer, i64)>,
    pub(super) sources: HashMap<(StoreKey, SourceKey), Counted>,
    pub(super) sources_changed: Vec<(StoreKey, SourceKey)>,
    /// The last step of each location that has one, of items whose steps are known.
    pub(super) steps: HashMap<(StoreKey, ItemId), Vec<(Location, Step)>>,
    /// Machines' rows by family and key; those that are known not to be there, too.
    pub(super) rows: HashMap<RowKey, Option<Vec<u8>>>,
    pub(super) rows_changed: BTreeSet<RowKey>,
    pub(super) quotas: HashMap<(StoreKey, ItemId), Vec<(ChannelId, Quota)>>,
    pub(super) documents: BTreeMap<i64, NewDocument>,
    pub(super) movements: Vec<NewMovement>,
    pub(super) sums: HashMap<(i64, ItemId, Location), i64>,
    pub(super) heads: BTreeMap<(i64, i64), (Digest, Vec<u8>)>,
    pub(super) voids: Vec<(i64, String, i64)>,
}

/// A transaction on a session.
#[derive(Debug)]
pub(super) struct Work<'s> {
    pub(super) session: &'s Session,
    known: RefCell<Known>,
    waiting: Cell<usize>,
    /// Only reads: nothing is locked.
    only_reads: bool,
}

impl<'s> Work<'s> {
    /// The caller has begun the transaction and ends it.
    pub(super) fn new(session: &'s Session, only_reads: bool) -> Self {
        Self {
            session,
            known: RefCell::default(),
            waiting: Cell::new(0),
            only_reads,
        }
    }

    /// What is known. The borrow must end before anything else of this is called.
    pub(super) fn known(&self) -> RefMut<'_, Known> {
        self.known.borrow_mut()
    }

    /// One more row waits; writes all where they are many.
    pub(super) fn waits(&self) -> Result<(), StorageError> {
        self.waiting.set(self.waiting.get() + 1);
        if self.waiting.get() < WAITING_ROWS_MAX {
            return Ok(());
        }
        let few = self.known().sums.len() < WAITING_ROWS_MAX / 2;
        match few {
            true => self.flush_added(),
            false => self.flush(),
        }
    }

    /// Writes what waits.
    pub(super) fn flush(&self) -> Result<(), StorageError> {
        if self.waiting.replace(0) == 0 {
            return Ok(());
        }
        super::flush::all(self)
    }

    /// Writes what was added by what is folded so far, and keeps what may still change.
    pub(super) fn flush_added(&self) -> Result<(), StorageError> {
        if self.waiting.get() == 0 {
            return Ok(());
        }
        let sums = self.known().sums.len();
        self.waiting.set(sums.max(1));
        super::flush::added(self)
    }

    /// Keeps other workers away from a store until this transaction ends. A reader needs none.
    pub(super) fn claim(&self, store: StoreKey) -> Result<(), StorageError> {
        if self.only_reads || self.known().claimed.contains(&store) {
            return Ok(());
        }
        self.session.query(
            "SELECT key FROM store WHERE key = $1 FOR UPDATE",
            &[&store.0],
        )?;
        self.known().claimed.insert(store);
        Ok(())
    }

    /// A log, if the database has it.
    pub(super) fn author(
        &self,
        store: StoreKey,
        log: LogId,
    ) -> Result<Option<Author>, StorageError> {
        if let Some(found) = self.known().authors.get(&(store, log)) {
            return Ok(*found);
        }
        let found = self.session.first(
            "SELECT key, upto, last, digest, closed FROM author
             WHERE store = $1 AND node = $2 AND incarnation = $3",
            &[
                &store.0,
                &log.node.as_bytes().as_slice(),
                &log.incarnation.0.cast_signed(),
            ],
        )?;
        let author = match found {
            Some(row) => Some(Author {
                key: row::col(&row, 0)?,
                upto: row::number(&row, 1)?,
                last: row::number(&row, 2)?,
                digest: row::digest(&row, 3)?,
                closed: row::number(&row, 4)?,
                changed: false,
            }),
            None => None,
        };
        let mut known = self.known();
        if let Some(author) = author {
            known.names.insert(author.key, (log.node, log.incarnation));
        }
        known.authors.insert((store, log), author);
        Ok(author)
    }

    /// A log, given a number where it is new.
    pub(super) fn author_or_new(
        &self,
        store: StoreKey,
        log: LogId,
    ) -> Result<Author, StorageError> {
        if let Some(author) = self.author(store, log)? {
            return Ok(author);
        }
        let row = self.session.first(
            "INSERT INTO author (store, node, incarnation, upto, last, digest)
             VALUES ($1, $2, $3, 0, 0, $4) RETURNING key",
            &[
                &store.0,
                &log.node.as_bytes().as_slice(),
                &log.incarnation.0.cast_signed(),
                &Digest::ZERO.as_bytes().as_slice(),
            ],
        )?;
        let row = row.ok_or(StorageError::Damaged { what: "author" })?;
        let author = Author {
            key: row::col(&row, 0)?,
            upto: 0,
            last: 0,
            digest: Digest::ZERO,
            closed: 0,
            changed: false,
        };
        let mut known = self.known();
        known.names.insert(author.key, (log.node, log.incarnation));
        known.authors.insert((store, log), Some(author));
        Ok(author)
    }

    /// A log's state was changed.
    pub(super) fn set_author(
        &self,
        store: StoreKey,
        log: LogId,
        author: Author,
    ) -> Result<(), StorageError> {
        let changed = Author {
            changed: true,
            ..author
        };
        self.known().authors.insert((store, log), Some(changed));
        self.waits()
    }

    /// The key of a document, whether or not it is there.
    pub(super) fn key_or_new(
        &self,
        store: StoreKey,
        place: Place,
    ) -> Result<DocumentKey, StorageError> {
        let author = self.author_or_new(store, log_of(place))?;
        Ok(DocumentKey::new(author.key, place.seq)?)
    }

    /// The place of a document's key.
    pub(super) fn place_of(&self, key: i64) -> Result<Place, StorageError> {
        let key = DocumentKey(key);
        let (node, incarnation) = self.name_of(key.author())?;
        Ok(Place {
            node,
            incarnation,
            seq: key.seq(),
        })
    }

    /// Who wrote a log.
    pub(super) fn name_of(&self, author: i64) -> Result<(NodeId, Incarnation), StorageError> {
        if let Some(name) = self.known().names.get(&author) {
            return Ok(*name);
        }
        let sql = "SELECT node, incarnation FROM author WHERE key = $1";
        let row = self.session.first(sql, &[&author])?;
        let row = row.ok_or(StorageError::Damaged { what: "author" })?;
        let incarnation = Incarnation(row::col::<i64>(&row, 1)?.cast_unsigned());
        let name = (row::node(&row, 0)?, incarnation);
        self.known().names.insert(author, name);
        Ok(name)
    }
}

/// The log of a place.
pub(super) fn log_of(place: Place) -> LogId {
    LogId {
        node: place.node,
        incarnation: place.incarnation,
    }
}

/// A number of a log as a column.
pub(super) fn seq_key(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

/// A peer as a column.
pub(super) fn peer_key(peer: &Peer) -> &[u8] {
    match peer {
        Peer::Hub => &[],
        Peer::Node(node) => node.as_bytes(),
    }
}
