//! Reads at once what storing a batch will ask for one by one.
//!
//! The fold asks for each document's source key and each item's last steps, the machines for each
//! item's rows and quotas; over the wire every question costs as much as many answers. What is
//! found, and that the rest is not there, is true until the commit: the store is locked.

use std::collections::BTreeSet;

use shelf_replica::store::Family;
use shelf_stock::document::{Document, SourceKey};
use shelf_stock::movement;
use shelf_stock::name::ItemId;
use shelf_wire::sealed::Authored;
use tokio_postgres::Row;

use super::super::StorageError;
use super::machine::{family_key, quota};
use super::row::{self, action_key};
use super::session::Param;
use super::shop::PostgresShop;
use super::work::Counted;

/// The family that machines ask for by the text of an item.
const BY_ITEM: Family = Family::Rights;

const SOURCES: &str = "SELECT s.source, s.receipt, s.action, s.part, s.document
    FROM unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[])
        AS wanted (source, receipt, action, part)
    JOIN source_counted s ON s.store = $1 AND s.source = wanted.source
        AND s.receipt = wanted.receipt AND s.action = wanted.action AND s.part = wanted.part";
const STEPS: &str = "SELECT DISTINCT ON (item, location) item, location, quantity, cut, variance,
    window_from, window_to, ambiguous FROM count_step
    WHERE store = $1 AND item = ANY($2::text[]) ORDER BY item, location, number DESC";
const QUOTAS: &str = "SELECT item, channel, limited, used, held FROM quota
    WHERE store = $1 AND item = ANY($2::text[]) ORDER BY item, channel";
const ROWS: &str = "SELECT key, value FROM machine_row
    WHERE store = $1 AND family = $2 AND key = ANY($3::bytea[])";

impl PostgresShop<'_, '_> {
    /// Documents that are about to be stored.
    pub(super) fn look_ahead(
        &self,
        documents: &mut dyn Iterator<Item = &Authored>,
    ) -> Result<(), StorageError> {
        self.claim()?;
        let (mut wanted, mut items) = (Vec::new(), BTreeSet::new());
        let known = self.work.known();
        for authored in documents {
            let document = authored.document();
            let source = document.draft.source.clone().map(|it| (self.store, it));
            wanted.extend(source.filter(|it| !known.sources.contains_key(it)));
            items_of(document, |item| {
                let item = (self.store, item);
                if !known.steps.contains_key(&item) {
                    items.insert(item.1);
                }
            });
        }
        drop(known);
        let wanted: Vec<SourceKey> = wanted.into_iter().map(|(_, it)| it).collect();
        if wanted.is_empty() && items.is_empty() {
            return Ok(());
        }
        let store = &self.store.0;
        let text = |of: fn(&SourceKey) -> &str| -> Vec<&str> { wanted.iter().map(of).collect() };
        let sources = text(|it| it.source.as_str());
        let receipts = text(|it| it.receipt.as_str());
        let actions: Vec<i64> = wanted.iter().map(|it| action_key(it.action)).collect();
        let parts: Vec<i64> = wanted.iter().map(|it| it.part.into()).collect();
        let texts: Vec<&str> = items.iter().map(ItemId::as_str).collect();
        let keys: Vec<&[u8]> = texts.iter().map(|it| it.as_bytes()).collect();
        let family = family_key(BY_ITEM);
        let of_sources: [Param<'_>; 5] = [store, &sources, &receipts, &actions, &parts];
        let of_items: [Param<'_>; 2] = [store, &texts];
        let of_rows: [Param<'_>; 3] = [store, &family, &keys];
        let asked = self.work.session.ask([
            (SOURCES, &of_sources),
            (STEPS, &of_items),
            (QUOTAS, &of_items),
            (ROWS, &of_rows),
        ])?;
        // What an earlier batch left goes after the questions, so that the server writes it while
        // this one is folded; whatever of it these questions are about is known.
        self.work.flush_added()?;
        let found = self.work.session.answers(asked)?;
        if let [sources, steps, quotas, rows] = found.as_slice() {
            self.know_sources(&wanted, sources)?;
            self.know_items(&items, steps, quotas)?;
            self.know_rows(&keys, rows)?;
        }
        Ok(())
    }

    fn know_sources(&self, wanted: &[SourceKey], rows: &[Row]) -> Result<(), StorageError> {
        let mut known = self.work.known();
        for key in wanted {
            known
                .sources
                .insert((self.store, key.clone()), Counted::read(None));
        }
        for found in rows {
            let key = (self.store, row::source(found, 0)?);
            let document = Some(row::col(found, 4)?);
            known.sources.insert(key, Counted::read(document));
        }
        Ok(())
    }

    fn know_items(
        &self,
        wanted: &BTreeSet<ItemId>,
        steps: &[Row],
        quotas: &[Row],
    ) -> Result<(), StorageError> {
        let mut known = self.work.known();
        for item in wanted {
            known.steps.insert((self.store, item.clone()), Vec::new());
            known.quotas.insert((self.store, item.clone()), Vec::new());
        }
        for found in steps {
            let key = (self.store, row::text(found, 0)?);
            let last = (row::location(found, 1)?, super::counts::step(found, 2)?);
            known.steps.entry(key).or_default().push(last);
        }
        for found in quotas {
            let key = (self.store, row::text(found, 0)?);
            let pair = (row::text(found, 1)?, quota(found, 2)?);
            known.quotas.entry(key).or_default().push(pair);
        }
        Ok(())
    }

    /// What is known already may wait to be written and is newer.
    fn know_rows(&self, keys: &[&[u8]], rows: &[Row]) -> Result<(), StorageError> {
        let family = family_key(BY_ITEM);
        let mut known = self.work.known();
        for found in rows {
            let key = (self.store, family, row::col(found, 0)?);
            let value = row::col(found, 1)?;
            known.rows.entry(key).or_insert(Some(value));
        }
        for key in keys {
            let key = (self.store, family, key.to_vec());
            known.rows.entry(key).or_insert(None);
        }
        Ok(())
    }
}

/// Items that a document moves as it stands; what codes stand for is asked when it is folded.
fn items_of(document: &Document, mut meet: impl FnMut(ItemId)) {
    for (number, line) in movement::lines(document) {
        let movements = movement::of_line(line, number, &line.parts);
        movements.into_iter().for_each(|it| meet(it.item));
    }
}
