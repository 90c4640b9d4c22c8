//! The machines' keyed rows, books, order facts and quotas in PostgreSQL.
//!
//! A quota is taken from by one conditional update; the store's lock keeps what was read of it true
//! until the commit.

use shelf_replica::store::{Family, KeyedRow, ORDER_FACTS_MAX, Quota};
use shelf_stock::document::Document;
use shelf_stock::fold::FoldStore;
use shelf_stock::location::Location;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;
use shelf_stock::sellable;

use super::super::StorageError;
use super::row::{self, at_most};
use super::shop::PostgresShop;
use super::work::RowKey;

pub(super) fn family_key(family: Family) -> i64 {
    i64::from(family as u8)
}

pub(super) fn quota(row: &tokio_postgres::Row, at: usize) -> Result<Quota, StorageError> {
    Ok(Quota {
        limit: row::quantity(row, at)?,
        used: row::quantity(row, at + 1)?,
        held: row::quantity(row, at + 2)?,
    })
}

impl PostgresShop<'_, '_> {
    fn row_key(&self, family: Family, key: &[u8]) -> RowKey {
        (self.store, family_key(family), key.to_vec())
    }

    pub(super) fn machine_row(
        &self,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, StorageError> {
        self.claim()?;
        let known = self.row_key(family, key);
        if let Some(value) = self.work.known().rows.get(&known) {
            return Ok(value.clone());
        }
        let row = self.work.session.first(
            "SELECT value FROM machine_row WHERE store = $1 AND family = $2 AND key = $3",
            &[&self.store.0, &family_key(family), &key],
        )?;
        let value: Option<Vec<u8>> = row.map(|it| row::col(&it, 0)).transpose()?;
        self.work.known().rows.insert(known, value.clone());
        Ok(value)
    }

    pub(super) fn put_machine_row(
        &self,
        family: Family,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), StorageError> {
        self.claim()?;
        let known = self.row_key(family, key);
        self.work.known().rows_changed.insert(known.clone());
        self.work.known().rows.insert(known, Some(value.to_vec()));
        self.work.waits()
    }

    pub(super) fn drop_machine_row(&self, family: Family, key: &[u8]) -> Result<(), StorageError> {
        self.claim()?;
        self.work.flush()?;
        let known = self.row_key(family, key);
        self.work.known().rows.insert(known, None);
        self.work.session.execute(
            "DELETE FROM machine_row WHERE store = $1 AND family = $2 AND key = $3",
            &[&self.store.0, &family_key(family), &key],
        )?;
        Ok(())
    }

    pub(super) fn machine_rows(
        &self,
        family: Family,
        after: &[u8],
        max: usize,
    ) -> Result<Vec<KeyedRow>, StorageError> {
        self.claim()?;
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT key, value FROM machine_row WHERE store = $1 AND family = $2 AND key > $3
             ORDER BY key LIMIT $4",
            &[&self.store.0, &family_key(family), &after, &at_most(max)],
        )?;
        let pair = |row: &tokio_postgres::Row| Ok((row::col(row, 0)?, row::col(row, 1)?));
        rows.iter().map(pair).collect()
    }

    /// Every balance of an item, with what waits to be added.
    pub(super) fn balances_of(
        &self,
        item: &ItemId,
    ) -> Result<Vec<(Location, Quantity)>, StorageError> {
        self.claim()?;
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT location, quantity FROM balance
             WHERE store = $1 AND item = $2 AND quantity <> 0 ORDER BY location",
            &[&self.store.0, &item.as_str()],
        )?;
        let pair = |row: &tokio_postgres::Row| Ok((row::location(row, 0)?, row::quantity(row, 1)?));
        rows.iter().map(pair).collect()
    }

    pub(super) fn book_of(&self, item: &ItemId) -> Result<Quantity, StorageError> {
        let balances = self.balances_of(item)?;
        Ok(sellable::book(balances.iter().map(|(at, it)| (at, *it))))
    }

    pub(super) fn items_above(
        &self,
        after: Option<&ItemId>,
        max: usize,
    ) -> Result<Vec<ItemId>, StorageError> {
        self.claim()?;
        self.work.flush()?;
        let rows = self.work.session.query(
            "SELECT DISTINCT item FROM balance WHERE store = $1 AND item > $2
             ORDER BY item LIMIT $3",
            &[
                &self.store.0,
                &after.map_or("", |it| it.as_str()),
                &at_most(max),
            ],
        )?;
        rows.iter().map(|it| row::text(it, 0)).collect()
    }

    pub(super) fn facts_of(&self, order: &OrderId) -> Result<Vec<Document>, StorageError> {
        self.claim()?;
        let rows = self.work.session.query(
            "SELECT document FROM order_fact WHERE store = $1 AND name = $2",
            &[&self.store.0, &order.as_str()],
        )?;
        let places = rows.iter().map(|it| self.work.place_of(row::col(it, 0)?));
        let mut places = places.collect::<Result<Vec<_>, _>>()?;
        places.sort_unstable();
        places.truncate(ORDER_FACTS_MAX);
        places.into_iter().map(|it| self.document(it)).collect()
    }

    pub(super) fn quota_of(
        &self,
        item: &ItemId,
        channel: &ChannelId,
    ) -> Result<Quota, StorageError> {
        let quotas = self.quotas_of(item)?;
        let found = quotas.into_iter().find(|(it, _)| it == channel);
        Ok(found.map(|(_, quota)| quota).unwrap_or_default())
    }

    pub(super) fn quotas_of(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, StorageError> {
        self.claim()?;
        let known = (self.store, item.clone());
        if let Some(quotas) = self.work.known().quotas.get(&known) {
            return Ok(quotas.clone());
        }
        let rows = self.work.session.query(
            "SELECT channel, limited, used, held FROM quota
             WHERE store = $1 AND item = $2 ORDER BY channel",
            &[&self.store.0, &item.as_str()],
        )?;
        let pair = |row: &tokio_postgres::Row| Ok((row::text(row, 0)?, quota(row, 1)?));
        let quotas: Vec<(ChannelId, Quota)> =
            rows.iter().map(pair).collect::<Result<_, StorageError>>()?;
        self.work.known().quotas.insert(known, quotas.clone());
        Ok(quotas)
    }

    pub(super) fn put_quota(
        &self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), StorageError> {
        self.claim()?;
        let known = (self.store, item.clone());
        self.work.known().quotas.remove(&known);
        self.work.session.execute(
            "INSERT INTO quota (store, item, channel, limited, used, held)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (store, item, channel) DO UPDATE SET
                 limited = excluded.limited, used = excluded.used, held = excluded.held",
            &[
                &self.store.0,
                &item.as_str(),
                &channel.as_str(),
                &quota.limit.as_thousandths(),
                &quota.used.as_thousandths(),
                &quota.held.as_thousandths(),
            ],
        )?;
        Ok(())
    }

    pub(super) fn take_quota(
        &self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, StorageError> {
        self.claim()?;
        let known = (self.store, item.clone());
        self.work.known().quotas.remove(&known);
        let taken = self.work.session.execute(
            "UPDATE quota SET used = used + $4
             WHERE store = $1 AND item = $2 AND channel = $3 AND used + $4 <= limited",
            &[
                &self.store.0,
                &item.as_str(),
                &channel.as_str(),
                &quantity.as_thousandths(),
            ],
        )?;
        Ok(taken == 1)
    }
}
