//! What a job may do: write documents, take in what peers sent, keep the shop's state.
//!
//! A [`Tx`] lives inside the writer's transaction; nothing it did is visible or durable before
//! the writer answers the job. All methods borrow their input, so that a job can run twice.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::sync::Arc;

use rusqlite::Connection;
use shelf_stock::document::{Document, Draft, DraftError};
use shelf_stock::fold::{Applied, Rules};
use shelf_stock::identity::{NodeId, Place};
use shelf_stock::name::ItemId;
use shelf_stock::time::Timestamp;
use shelf_wire::sealed::{Authored, WriteError};

use crate::connection::Durability;
use crate::environment::{Clock, Entropy};
use crate::own::Own;
use crate::read::Read;
use crate::replica::ReplicaStore;
use crate::tables::{StoreKey, TableError, Tables, Words};

/// What does not change while a ledger is open.
#[derive(Clone)]
pub(crate) struct Setting {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) store: StoreKey,
    pub(crate) node: NodeId,
    pub(crate) rules: Rules,
    pub(crate) durability: Durability,
}

/// One job's view of the transaction. Reads see the job's own writes; see [`Read`].
pub struct Tx<'t> {
    read: Read<'t>,
    setting: &'t Setting,
    own: &'t mut Own,
    words: &'t Words,
    touched: &'t mut Vec<ItemId>,
}

/// A draft became a document, or was one already.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// It was written and folded.
    New {
        /// The document.
        document: Arc<Document>,
        /// What folding it did.
        applied: Applied,
    },
    /// Its source reported the same before; nothing was written.
    Again {
        /// The document that says it.
        place: Place,
    },
}

impl Recorded {
    /// The document that says it.
    pub fn place(&self) -> Place {
        match self {
            Self::New { document, .. } => document.place,
            Self::Again { place } => *place,
        }
    }
}

/// A draft can't be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It breaks the rules of documents.
    #[error("the document can't be recorded: {0}")]
    Draft(#[from] DraftError),
    /// Its bytes can't be written.
    #[error("the document can't be recorded: {0}")]
    Write(#[from] WriteError),
    /// The same source key was reported before with another content.
    #[error("the receipt was already recorded as {place} with another content: it was not changed")]
    SourceConflict {
        /// What was recorded then.
        place: Place,
    },
    /// The kernel gave no randomness for an incarnation.
    #[error("no randomness for a new incarnation")]
    Entropy(#[source] io::Error),
    /// The tables failed.
    #[error(transparent)]
    Table(#[from] TableError),
}

impl fmt::Debug for Tx<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tx")
            .field("own", &self.own)
            .finish_non_exhaustive()
    }
}

/// Everything that can be read can be read inside a job.
impl<'t> Deref for Tx<'t> {
    type Target = Read<'t>;

    fn deref(&self) -> &Read<'t> {
        &self.read
    }
}

impl<'t> Tx<'t> {
    pub(crate) fn new(
        connection: &'t Connection,
        setting: &'t Setting,
        own: &'t mut Own,
        words: &'t Words,
        touched: &'t mut Vec<ItemId>,
    ) -> Self {
        let tables = Tables::with_words(connection, setting.store, setting.rules, words);
        Self {
            read: Read::new(tables, setting.node),
            setting,
            own,
            words,
            touched,
        }
    }

    /// What the wall clock says.
    pub fn wall(&self) -> Timestamp {
        self.setting.clock.wall()
    }

    pub(crate) fn connection(&self) -> &'t Connection {
        self.read.tables().connection()
    }

    fn tables_mut(&self) -> Tables<'t> {
        let setting = self.setting;
        Tables::with_words(self.connection(), setting.store, setting.rules, self.words)
    }

    /// Writes a draft into this PC's log and folds it: place, time, link to the document before,
    /// bytes, movements and balances, all in this transaction. A draft whose source key is known
    /// is compared with what was recorded then.
    pub fn record(&mut self, draft: &Draft) -> Result<Recorded, RecordError> {
        draft.validate()?;
        let mut tables = self.tables_mut();
        if let Some(place) = known(&tables, draft)? {
            return Ok(Recorded::Again { place });
        }
        let wall = self.setting.clock.wall();
        let next = self
            .own
            .next(&*self.setting.entropy, wall)
            .map_err(RecordError::Entropy)?;
        let (node, incarnation) = (next.place.node, next.place.incarnation);
        if let Some(author) = next.author {
            tables.know_author(node, incarnation, author);
        }
        let authored = Authored::write(Document {
            place: next.place,
            prev: next.prev,
            hlc: next.hlc,
            wall,
            draft: draft.clone(),
        })?;
        let applied = tables.fold_authored(&authored)?;
        let author = tables.author(node, incarnation)?;
        self.own.written(&next, authored.digest(), author);
        self.touched.extend(applied.touched.iter().cloned());
        Ok(Recorded::New {
            document: Arc::new(authored.into_document()),
            applied,
        })
    }

    /// The storage of the replica's machine in this transaction. Documents of others that are
    /// stored through it are folded and advance this PC's logical clock.
    pub fn replica_store(&mut self) -> ReplicaStore<'_> {
        let wall = self.setting.clock.wall();
        ReplicaStore::new(self.tables_mut(), self.own, wall)
    }

    /// Forgets everything folded and folds all documents again, inside this transaction. Returns
    /// how many documents count.
    pub fn rebuild(&mut self) -> Result<u64, TableError> {
        crate::rebuild::rebuild(&mut self.tables_mut())
    }
}

/// The document that already says what the draft says; an error where it says something else.
fn known(tables: &Tables<'_>, draft: &Draft) -> Result<Option<Place>, RecordError> {
    let Some(source) = &draft.source else {
        return Ok(None);
    };
    let Some(counted) = tables.counted_for(source)? else {
        return Ok(None);
    };
    // Nobody can compare it with what an opening stands for any more.
    if shelf_stock::fold::opening::covers(tables, counted)?
        || tables.read_document(counted)?.draft == *draft
    {
        return Ok(Some(counted));
    }
    // Another PC's report of the receipt may count; ours stands beside it as evidence.
    for place in tables.duplicates_of(source)? {
        if tables.read_document(place)?.draft == *draft {
            return Ok(Some(place));
        }
    }
    Err(RecordError::SourceConflict { place: counted })
}
