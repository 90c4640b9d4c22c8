//! Everything that is read from a SQLite connection.

use rusqlite::{OptionalExtension, named_params};
use shelf_ledger::tables::{DocumentKey, TableError, Tables};
use shelf_replica::store::LogId;
use shelf_stock::fold::{self, Exception};
use shelf_stock::identity::{Digest, Head, NodeId};
use shelf_stock::location::Location;
use shelf_stock::quantity::Quantity;

use super::super::mapped::Mapped;
use super::super::{Shop, StockPage, StorageError, StoreKey, StoreRow, StoredDocument, View};
use super::{Readable, catalogue, nodes};
use crate::catalogue::table::{Entry, Published};
use crate::seen::Seen;

impl<R: Readable> View for R {
    fn stores(&self) -> Result<Vec<StoreRow>, StorageError> {
        let row = |(key, tenant, name)| StoreRow { key, tenant, name };
        let stores = Tables::stores(self.connection())?;
        Ok(stores.into_iter().map(row).collect())
    }

    fn store_named(&self, name: &str) -> Result<Option<StoreKey>, StorageError> {
        let sql = "SELECT key FROM store WHERE name = ?1";
        let mut statement = self.connection().prepare_cached(sql)?;
        let key = statement.query_row([name], |row| row.get(0).map(StoreKey));
        Ok(key.optional()?)
    }

    fn shop(&self, store: StoreKey) -> Shop<'_> {
        Box::new(Mapped(self.tables(store)))
    }

    fn seen(&self, store: StoreKey) -> Result<Vec<(NodeId, Seen)>, StorageError> {
        Ok(nodes::all(self.connection(), store)?)
    }

    fn tails(&self, store: StoreKey) -> Result<Vec<(LogId, Head)>, StorageError> {
        let tables = self.tables(store);
        let mut tails = Vec::new();
        for (author, node, incarnation) in tables.authors()? {
            if let Some((head, _)) = tables.tail(author)? {
                tails.push((LogId { node, incarnation }, head));
            }
        }
        Ok(tails)
    }

    fn documents(
        &self,
        store: StoreKey,
        node: Option<NodeId>,
        after: i64,
        limit: usize,
    ) -> Result<Vec<StoredDocument>, StorageError> {
        let tables = self.tables(store);
        let mut found = Vec::new();
        for (author, of, _) in tables.authors()? {
            let (first, last) = DocumentKey::range(author);
            let wanted = node.is_none_or(|it| it == of);
            if wanted && last > after && found.len() < limit {
                let range = (first.max(after.saturating_add(1)), last);
                read_log(&tables, of, range, limit - found.len(), &mut found)?;
            }
        }
        Ok(found)
    }

    fn stock_items(
        &self,
        store: StoreKey,
        page: StockPage<'_>,
    ) -> Result<Vec<String>, StorageError> {
        self.tables(store).settle()?;
        let mut statement = self.connection().prepare_cached(
            r"SELECT word.text FROM word
              WHERE word.text > :after
                AND EXISTS (SELECT 1 FROM balance WHERE store = :store AND item = word.key)
                AND (:pattern IS NULL OR word.text LIKE :pattern ESCAPE '\' OR EXISTS (
                    SELECT 1 FROM hub_catalogue_item
                    WHERE item = word.text AND name LIKE :pattern ESCAPE '\'))
              ORDER BY word.text LIMIT :limit",
        )?;
        let rows = statement.query_map(
            named_params! {
                ":after": page.after,
                ":store": store.0,
                ":pattern": page.search.map(pattern),
                ":limit": i64::try_from(page.limit).unwrap_or(i64::MAX),
            },
            |row| row.get(0),
        )?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    fn balances(
        &self,
        store: StoreKey,
        item: &str,
    ) -> Result<Vec<(Location, Quantity)>, StorageError> {
        match item.parse() {
            Ok(item) => Ok(self.tables(store).balances_of(&item)?),
            Err(_) => Ok(Vec::new()),
        }
    }

    fn exceptions(&self, store: StoreKey) -> Result<Vec<Exception>, StorageError> {
        Ok(fold::exceptions(&self.tables(store))?)
    }

    fn catalogue_revision(&self) -> Result<u64, StorageError> {
        Ok(catalogue::revision(self.connection())?)
    }

    fn catalogue_entries(
        &self,
        since: u64,
        after: Option<(u64, &str)>,
        limit: usize,
    ) -> Result<Vec<Entry>, StorageError> {
        catalogue::entries(self.connection(), since, after, limit)
    }

    fn item_name(&self, item: &str) -> Result<Option<String>, StorageError> {
        Ok(catalogue::name(self.connection(), item)?)
    }

    fn item_body(&self, item: &str) -> Result<Option<String>, StorageError> {
        Ok(catalogue::body(self.connection(), item)?)
    }

    fn item_count(&self) -> Result<u64, StorageError> {
        Ok(catalogue::count(self.connection())?)
    }

    fn item_bodies(
        &self,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, String)>, StorageError> {
        Ok(catalogue::bodies(self.connection(), after, limit)?)
    }

    fn published(&self, revision: Option<u64>) -> Result<Option<Published>, StorageError> {
        Ok(catalogue::published(self.connection(), revision)?)
    }

    fn note(&self, kind: &str, key: &str) -> Result<Option<Vec<u8>>, StorageError> {
        Ok(nodes::note(self.connection(), kind, key)?)
    }

    fn notes(
        &self,
        kind: &str,
        after: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, StorageError> {
        Ok(nodes::notes(self.connection(), kind, after, limit)?)
    }
}

/// A search as a pattern of LIKE with `\` as escape.
pub(in crate::storage) fn pattern(search: &str) -> String {
    let escaped = search
        .replace('\\', "\\\\")
        .replace('%', "\\%")
        .replace('_', "\\_");
    format!("%{escaped}%")
}

fn read_log(
    tables: &Tables<'_>,
    node: NodeId,
    (first, last): (i64, i64),
    limit: usize,
    found: &mut Vec<StoredDocument>,
) -> Result<(), TableError> {
    let mut statement = tables.connection().prepare_cached(
        "SELECT id, digest, bytes FROM document WHERE id BETWEEN :first AND :last
         ORDER BY id LIMIT :limit",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let named = named_params! { ":first": first, ":last": last, ":limit": limit };
    let mut rows = statement.query(named)?;
    while let Some(row) = rows.next()? {
        found.push(StoredDocument {
            key: row.get(0)?,
            node,
            digest: Digest::from_bytes(row.get(1)?),
            bytes: row.get(2)?,
        });
    }
    Ok(())
}
