//! Everything that is read from PostgreSQL beside the machines' shop.

use shelf_ledger::tables::{DocumentKey, StoreKey};
use shelf_replica::store::LogId;
use shelf_stock::fold::{self, Exception};
use shelf_stock::identity::{Head, Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;

use super::super::sqlite::pattern;
use super::super::{Shop, StockPage, StorageError, StoreRow, StoredDocument, View};
use super::row::{self, at_most};
use super::shop::PostgresShop;
use super::{PostgresTransaction, catalogue, nodes};
use crate::catalogue::table::{Entry, Published};
use crate::seen::Seen;

impl View for PostgresTransaction<'_> {
    fn stores(&self) -> Result<Vec<StoreRow>, StorageError> {
        nodes::stores(&self.work)
    }

    fn store_named(&self, name: &str) -> Result<Option<StoreKey>, StorageError> {
        let sql = "SELECT key FROM store WHERE name = $1 ORDER BY key LIMIT 1";
        let row = self.work.session.first(sql, &[&name])?;
        row.map(|it| row::col(&it, 0).map(StoreKey)).transpose()
    }

    fn shop(&self, store: StoreKey) -> Shop<'_> {
        Box::new(PostgresShop::new(&self.work, store))
    }

    fn seen(&self, store: StoreKey) -> Result<Vec<(NodeId, Seen)>, StorageError> {
        nodes::all(&self.work, store)
    }

    fn tails(&self, store: StoreKey) -> Result<Vec<(LogId, Head)>, StorageError> {
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT a.node, a.incarnation, a.last, d.digest
             FROM author a JOIN document d ON d.id = (a.key << 40 | a.last)
             WHERE a.store = $1 ORDER BY a.key",
            &[&store.0],
        )?;
        let tail = |it: &tokio_postgres::Row| {
            let log = LogId {
                node: row::node(it, 0)?,
                incarnation: Incarnation(row::col::<i64>(it, 1)?.cast_unsigned()),
            };
            let place = Place {
                node: log.node,
                incarnation: log.incarnation,
                seq: Seq(row::number(it, 2)?),
            };
            let digest = row::digest(it, 3)?;
            Ok((log, Head { place, digest }))
        };
        rows.iter().map(tail).collect()
    }

    fn documents(
        &self,
        store: StoreKey,
        node: Option<NodeId>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StorageError> {
        self.work.flush()?;
        let authors = self.work.session.query(
            "SELECT key, node FROM author WHERE store = $1 ORDER BY key",
            &[&store.0],
        )?;
        let mut found = Vec::new();
        for author in authors {
            let of = row::node(&author, 1)?;
            let (first, last) = DocumentKey::range(row::col(&author, 0)?);
            if node.is_some_and(|it| it != of) || last <= after || found.len() >= limit {
                continue;
            }
            let rows = self.work.session.query(
                "SELECT id, digest, bytes FROM document WHERE id BETWEEN $1 AND $2
                 ORDER BY id LIMIT $3",
                &[
                    &first.max(after.saturating_add(1)),
                    &last,
                    &at_most(limit - found.len()),
                ],
            )?;
            for it in &rows {
                found.push(StoredDocument {
                    key: row::col(it, 0)?,
                    node: of,
                    digest: row::digest(it, 1)?,
                    bytes: row::col(it, 2)?,
                });
            }
        }
        Ok(found)
    }

    fn stock_items(
        &self,
        store: StoreKey,
        page: StockPage<'_>,
    ) -> Result<Vec<String>, StorageError> {
        self.work.flush()?;
        let rows = self.work.session.query(
            r"SELECT DISTINCT b.item FROM balance b
              WHERE b.store = $1 AND b.item > $2
                AND ($3::text IS NULL OR b.item ILIKE $3 ESCAPE '\' OR EXISTS (
                    SELECT 1 FROM hub_catalogue_item c
                    WHERE c.item = b.item AND c.name ILIKE $3 ESCAPE '\'))
              ORDER BY b.item LIMIT $4",
            &[
                &store.0,
                &page.after,
                &page.search.map(pattern),
                &at_most(page.limit),
            ],
        )?;
        rows.iter().map(|it| row::col(it, 0)).collect()
    }

    fn balances(
        &self,
        store: StoreKey,
        item: &str,
    ) -> Result<Vec<(Location, Quantity)>, StorageError> {
        match item.parse() {
            Ok(item) => PostgresShop::new(&self.work, store).balances_of(&item),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn exceptions(&self, store: StoreKey) -> Result<Vec<Exception>, StorageError> {
        fold::exceptions(&PostgresShop::new(&self.work, store))
    }

    fn catalogue_revision(&self) -> Result<u64, StorageError> {
        catalogue::revision(&self.work)
    }

    fn catalogue_entries(
        &self,
        since: u64,
        after: Option<(u64, &str)>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        catalogue::entries(&self.work, since, after, limit)
    }

    fn item_name(&self, item: &str) -> Result<Option<String>, StorageError> {
        let sql = "SELECT name FROM hub_catalogue_item WHERE item = $1";
        let row = self.work.session.first(sql, &[&item])?;
        row.map(|it| row::col(&it, 0)).transpose()
    }

    fn item_count(&self) -> Result<u64, StorageError> {
        let sql = "SELECT count(*) FROM hub_catalogue_item";
        let row = self.work.session.first(sql, &[])?;
        row.map_or(Ok(0), |it| row::number(&it, 0))
    }

    fn item_body(&self, item: &str) -> Result<Option<String>, StorageError> {
        let sql = "SELECT body FROM hub_catalogue_item WHERE item = $1";
        let found = self.work.session.first(sql, &[&item])?;
        found.map(|it| row::col(&it, 0)).transpose()
    }

    fn item_bodies(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StorageError> {
        let rows = self.work.session.query(
            "SELECT item, body FROM hub_catalogue_item WHERE item > $1 ORDER BY item LIMIT $2",
            &[&after, &at_most(limit)],
        )?;
        let pair = |it: &tokio_postgres::Row| Ok((row::col(it, 0)?, row::col(it, 1)?));
        rows.iter().map(pair).collect()
    }

    fn published(&self, revision: Option<u64>) -> Result<Option<Published>, StorageError> {
        catalogue::published(&self.work, revision)
    }

    fn note(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        let sql = "SELECT value FROM hub_note WHERE kind = $1 AND key = $2";
        let row = self.work.session.first(sql, &[&kind, &key])?;
        row.map(|it| row::col(&it, 0)).transpose()
    }

    fn notes(
        &self,
        kind: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        let rows = self.work.session.query(
            "SELECT key, value FROM hub_note WHERE kind = $1 AND key > $2 ORDER BY key LIMIT $3",
            &[&kind, &after, &at_most(limit)],
        )?;
        let pair = |it: &tokio_postgres::Row| Ok((row::col(it, 0)?, row::col(it, 1)?));
        rows.iter().map(pair).collect()
    }
}
