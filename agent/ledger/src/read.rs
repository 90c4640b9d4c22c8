//! What can be asked: stock, documents, what is unsynced, and (in [`crate::shop`]) the rest.
//!
//! A [`Read`] is one moment of the database: a reader's transaction, or a job's own. Queries are
//! bounded by a limit that the caller names, except where the result is as small as the shop.

use std::collections::BTreeMap;

use rusqlite::{Connection, params};
use shelf_replica::store::{LogId, Peer, Store};
use shelf_stock::document::Document;
use shelf_stock::fold::{self, CountState, Exception, FoldStore};
use shelf_stock::identity::{NodeId, Place};
use shelf_stock::item::Item;
use shelf_stock::location::Location;
use shelf_stock::name::{Code, ItemId};
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::sealed::Authored;

use crate::tables::{DocumentKey, TableError, Tables};

/// The most documents of one query.
pub const DOCUMENTS_MAX: usize = 1_000;

/// One moment of the ledger, to be asked.
#[derive(Debug)]
pub struct Read<'r> {
    tables: Tables<'r>,
    node: NodeId,
}

/// An item's stock.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stock {
    /// Which item.
    pub item: ItemId,
    /// What the catalogue says about it, if it knows it.
    pub catalogue: Option<Item>,
    /// B: what is owed to be in the store and sellable.
    pub book: Quantity,
    /// Every location with a balance that is not zero, outside world included.
    pub balances: Vec<(Location, Quantity)>,
}

/// What this PC has written and the hub has not acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unsynced {
    /// How many documents.
    pub count: u64,
    /// What the oldest one's author's clock said.
    pub oldest_wall: Option<Timestamp>,
    /// Their bytes.
    pub bytes: u64,
}

/// A code that was sold and that nobody has bound.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownCode {
    /// The code.
    pub code: Code,
    /// How many lines wait for it.
    pub lines: u64,
}

/// How much there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents of every PC of the store.
    pub documents: u64,
    /// Documents that this PC wrote.
    pub own_documents: u64,
    /// Movements folded from them.
    pub movements: u64,
    /// Inbox entries that nobody decided.
    pub inbox_open: u64,
    /// Documents whose effect is withheld.
    pub parked: u64,
}

impl<'r> Read<'r> {
    pub(crate) fn new(tables: Tables<'r>, node: NodeId) -> Self {
        Self { tables, node }
    }

    /// Who this PC is.
    pub fn node(&self) -> NodeId {
        self.node
    }

    /// The tables below, for storages and folds.
    pub fn tables(&self) -> &Tables<'r> {
        &self.tables
    }

    pub(crate) fn connection(&self) -> &'r Connection {
        self.tables.connection()
    }

    /// An item's stock; of an item that nobody ever moved, nothing.
    pub fn stock(&self, item: &ItemId) -> Result<Stock, TableError> {
        let balances = self.tables.balances_of(item)?;
        let book = balances.iter().filter(|(at, _)| at.is_book());
        Ok(Stock {
            book: book.map(|(_, quantity)| *quantity).sum(),
            balances,
            catalogue: self.item(item)?,
            item: item.clone(),
        })
    }

    /// What is owed to be in the store and sellable of an item: the quickest look-up.
    pub fn book(&self, item: &ItemId) -> Result<Quantity, TableError> {
        self.tables.book_of(item)
    }

    /// Stock of the items that a text finds, see [`Read::item_search`].
    pub fn stock_search(&self, text: &str, limit: usize) -> Result<Vec<Stock>, TableError> {
        let items = self.item_search(text, limit)?;
        items.iter().map(|it| self.stock(&it.id)).collect()
    }

    /// What the counts of an item at a location say: accepted and pending lines.
    pub fn count_state(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<CountState, TableError> {
        fold::count_state(&self.tables, item, location)
    }

    /// What people have to look at: duplicates, unbound codes, doubtful counts. Scans.
    pub fn exceptions(&self) -> Result<Vec<Exception>, TableError> {
        fold::exceptions(&self.tables)
    }

    /// A document by its place.
    pub fn document(&self, place: Place) -> Result<Option<Document>, TableError> {
        match self.tables.bytes(place)? {
            Some(_) => self.tables.read_document(place).map(Some),
            None => Ok(None),
        }
    }

    /// Documents with keys above `after`, log by log in the order of writing, with their keys: for
    /// whoever walks through all of them. Those that can't be read are left out.
    pub fn documents(
        &self,
        after: Option<DocumentKey>,
        limit: usize,
    ) -> Result<Vec<(DocumentKey, Document)>, TableError> {
        let limit = i64::try_from(limit.min(DOCUMENTS_MAX)).unwrap_or(0);
        self.read_documents(
            "SELECT id, bytes FROM document WHERE id > ?1 AND (id >> 40) IN
             (SELECT key FROM author WHERE store = ?2) ORDER BY id LIMIT ?3",
            [after.map_or(-1, |it| it.0), self.tables.store().0, limit],
        )
    }

    /// The newest documents by their authors' clocks, newest first.
    pub fn recent_documents(&self, limit: usize) -> Result<Vec<Document>, TableError> {
        let limit = limit.min(DOCUMENTS_MAX);
        let mut newest_logs = Vec::new();
        for (author, _, _) in self.tables.authors()? {
            newest_logs.extend(self.tables.tail(author)?.map(|(_, hlc)| (hlc, author)));
        }
        newest_logs.sort_by(|a, b| b.cmp(a));
        let mut documents: Vec<Document> = Vec::new();
        for (hlc, author) in newest_logs {
            let least = documents.last().map(|it| it.hlc);
            if documents.len() >= limit && least.is_some_and(|it| it > hlc) {
                break;
            }
            let (first, last) = DocumentKey::range(author);
            let newest = self.read_documents(
                "SELECT id, bytes FROM document WHERE id BETWEEN ?1 AND ?2
                 ORDER BY id DESC LIMIT ?3",
                [first, last, i64::try_from(limit).unwrap_or(0)],
            )?;
            documents.extend(newest.into_iter().map(|(_, it)| it));
            documents.sort_by_key(|it| std::cmp::Reverse((it.hlc, it.place)));
            documents.truncate(limit);
        }
        Ok(documents)
    }

    fn read_documents(
        &self,
        sql: &'static str,
        params: [i64; 3],
    ) -> Result<Vec<(DocumentKey, Document)>, TableError> {
        let mut statement = self.connection().prepare_cached(sql)?;
        let rows = statement.query_map(params, |row| {
            Ok((DocumentKey(row.get(0)?), row.get::<_, Vec<u8>>(1)?))
        })?;
        let mut documents = Vec::new();
        for row in rows {
            let (key, bytes) = row?;
            if let Ok(authored) = Authored::read(bytes) {
                documents.push((key, authored.into_document()));
            }
        }
        Ok(documents)
    }

    /// What would be lost if this PC died now: its own documents past the hub's cursor.
    pub fn unsynced(&self) -> Result<Unsynced, TableError> {
        let mut unsynced = Unsynced::default();
        for (author, node, incarnation) in self.tables.authors()? {
            if node != self.node {
                continue;
            }
            let log = LogId { node, incarnation };
            let acked = self.tables.cursor(Peer::Hub, log)?;
            let (first, last) = DocumentKey::range(author);
            // What openings carry below is no part of the log any more.
            let acked = acked.max(FoldStore::closed(&self.tables, node, incarnation)?);
            let acked = DocumentKey::new(author, acked)?.0.max(first);
            let mut statement = self.connection().prepare_cached(
                "SELECT count(*), coalesce(sum(length(bytes)), 0), min(id) FROM document
                 WHERE id > ?1 AND id <= ?2",
            )?;
            let (count, bytes, oldest): (i64, i64, Option<i64>) =
                statement.query_row([acked, last], |row| row.try_into())?;
            unsynced.count += count.unsigned_abs();
            unsynced.bytes += bytes.unsigned_abs();
            if let Some(oldest) = oldest {
                let place = self.tables.place_of(DocumentKey(oldest))?;
                let wall = self.tables.read_document(place)?.wall;
                let before = unsynced.oldest_wall.unwrap_or(wall);
                unsynced.oldest_wall = Some(before.min(wall));
            }
        }
        Ok(unsynced)
    }

    /// Codes that were sold and that nobody has bound, those with most lines first.
    pub fn unknown_codes(&self, limit: usize) -> Result<Vec<UnknownCode>, TableError> {
        let store = self.tables.store().0;
        let mut statement = self.connection().prepare_cached(
            "SELECT w.text, count(*) FROM unbound u JOIN word w ON w.key = u.code
             WHERE u.store = ?1 AND NOT EXISTS
             (SELECT 1 FROM binding b WHERE b.store = u.store AND b.code = u.code)
             GROUP BY u.code ORDER BY count(*) DESC, w.text LIMIT ?2",
        )?;
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let rows = statement.query_map([store, limit], |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut codes = Vec::new();
        for row in rows {
            let (code, lines) = row?;
            let code = Code::new(code).map_err(|_| TableError::Damaged { what: "code" })?;
            codes.push(UnknownCode {
                code,
                lines: lines.unsigned_abs(),
            });
        }
        Ok(codes)
    }

    /// How much there is. Documents are counted from the ends of gapless logs, the rest by scan.
    pub fn counts(&self) -> Result<Counts, TableError> {
        let mut counts = Counts::default();
        let mut by_node = BTreeMap::<NodeId, u64>::new();
        for log in self.tables.logs()? {
            *by_node.entry(log.log.node).or_default() += log.upto.0;
        }
        counts.documents = by_node.values().sum();
        counts.own_documents = by_node.get(&self.node).copied().unwrap_or(0);
        let store = self.tables.store().0;
        let count = |sql: &'static str| -> Result<u64, TableError> {
            let mut statement = self.connection().prepare_cached(sql)?;
            let count: i64 = statement.query_row(params![store], |row| row.get(0))?;
            Ok(count.unsigned_abs())
        };
        counts.movements = count("SELECT count(*) FROM movement WHERE store = ?1")?;
        counts.parked = count("SELECT count(*) FROM parked WHERE store = ?1")?;
        counts.inbox_open = count("SELECT count(*) FROM inbox WHERE resolved IS NULL AND ?1 = ?1")?;
        Ok(counts)
    }
}
