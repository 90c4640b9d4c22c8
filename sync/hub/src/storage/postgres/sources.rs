//! Which document counts for a source key, as far as the transaction knows.

use shelf_stock::document::SourceKey;
use shelf_stock::identity::Place;

use super::super::StorageError;
use super::row::{self, action_key};
use super::shop::PostgresShop;
use super::work::Counted;

impl PostgresShop<'_, '_> {
    pub(super) fn known_source(&self, key: &SourceKey) -> Result<Option<i64>, StorageError> {
        self.claim()?;
        let known = (self.store, key.clone());
        if let Some(counted) = self.work.known().sources.get(&known) {
            return Ok(counted.document);
        }
        let row = self.work.session.first(
            "SELECT document FROM source_counted
             WHERE store = $1 AND source = $2 AND receipt = $3 AND action = $4 AND part = $5",
            &[
                &self.store.0,
                &key.source.as_str(),
                &key.receipt.as_str(),
                &action_key(key.action),
                &i64::from(key.part),
            ],
        )?;
        let document = row.map(|it| row::col(&it, 0)).transpose()?;
        let counted = Counted::read(document);
        self.work.known().sources.insert(known, counted);
        Ok(document)
    }

    pub(super) fn set_source(&self, key: &SourceKey, place: Place) -> Result<(), StorageError> {
        let document = Some(self.key_or_new(place)?);
        // Whether there is a row decides how it is written.
        self.known_source(key)?;
        let named = (self.store, key.clone());
        let mut known = self.work.known();
        if let Some(counted) = known.sources.get_mut(&named) {
            (counted.document, counted.changed) = (document, true);
        }
        known.sources_changed.push(named);
        drop(known);
        self.work.waits()
    }
}
