//! The machines' keyed rows, what was done about orders, and the channels' quotas.
//!
//! Keys and values of rows are the machines' own bytes: nothing here may look inside. A quota is
//! the one row that more than one writer may change at once, so taking from it is one conditional
//! statement.

use rusqlite::params;
use shelf_replica::store::{Family, KeyedRow, ORDER_FACTS_MAX, Quota};
use shelf_stock::document::Document;
use shelf_stock::fold::OrderFactRow;
use shelf_stock::name::{ChannelId, ItemId, OrderId};
use shelf_stock::quantity::Quantity;

use super::{DocumentKey, TableError, Tables};

/// Columns of a quota: limit, used, held.
type QuotaColumns = (i64, i64, i64);

fn quota((limit, used, held): QuotaColumns) -> Quota {
    Quota {
        limit: Quantity::thousandths(limit),
        used: Quantity::thousandths(used),
        held: Quantity::thousandths(held),
    }
}

fn at_most(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

impl Tables<'_> {
    pub(super) fn machine_row(
        &self,
        family: Family,
        key: &[u8],
    ) -> Result<Option<Vec<u8>>, TableError> {
        self.row(
            "SELECT value FROM machine_row WHERE store = ?1 AND family = ?2 AND key = ?3",
            params![self.store.0, family as u8, key],
            |row| row.get(0),
        )
    }

    pub(super) fn put_machine_row(
        &self,
        family: Family,
        key: &[u8],
        value: &[u8],
    ) -> Result<(), TableError> {
        self.run(
            "INSERT INTO machine_row (store, family, key, value) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET value = excluded.value",
            params![self.store.0, family as u8, key, value],
        )
    }

    pub(super) fn drop_machine_row(&self, family: Family, key: &[u8]) -> Result<(), TableError> {
        self.run(
            "DELETE FROM machine_row WHERE store = ?1 AND family = ?2 AND key = ?3",
            params![self.store.0, family as u8, key],
        )
    }

    pub(super) fn machine_rows(
        &self,
        family: Family,
        after: &[u8],
        max: usize,
    ) -> Result<Vec<KeyedRow>, TableError> {
        self.rows(
            "SELECT key, value FROM machine_row WHERE store = ?1 AND family = ?2 AND key > ?3
             ORDER BY key LIMIT ?4",
            params![self.store.0, family as u8, after, at_most(max)],
            |row| row.try_into(),
        )
    }

    pub(super) fn items_above(
        &self,
        after: Option<&ItemId>,
        max: usize,
    ) -> Result<Vec<ItemId>, TableError> {
        self.settle()?;
        let texts: Vec<String> = self.rows(
            "SELECT text FROM word WHERE text > ?2
             AND EXISTS (SELECT 1 FROM balance WHERE store = ?1 AND item = word.key)
             ORDER BY text LIMIT ?3",
            params![
                self.store.0,
                after.map_or("", |it| it.as_str()),
                at_most(max)
            ],
            |row| row.get(0),
        )?;
        let item =
            |text: String| ItemId::new(text).map_err(|_| TableError::Damaged { what: "item" });
        texts.into_iter().map(item).collect()
    }

    pub(super) fn put_order_fact(&self, row: &OrderFactRow) -> Result<(), TableError> {
        let document = self.key_or_new(row.place)?;
        self.run(
            "INSERT OR IGNORE INTO order_fact (store, name, document) VALUES (?1, ?2, ?3)",
            params![self.store.0, row.order.as_str(), document.0],
        )
    }

    pub(super) fn delete_order_fact(&self, row: &OrderFactRow) -> Result<(), TableError> {
        let document = self.key_or_new(row.place)?;
        self.run(
            "DELETE FROM order_fact WHERE store = ?1 AND name = ?2 AND document = ?3",
            params![self.store.0, row.order.as_str(), document.0],
        )
    }

    pub(super) fn every_order_fact(&self) -> Result<Vec<OrderFactRow>, TableError> {
        let rows: Vec<(String, i64)> = self.rows(
            "SELECT name, document FROM order_fact WHERE store = ?1",
            [self.store.0],
            |row| row.try_into(),
        )?;
        let named = |(name, document): (String, i64)| {
            Ok(OrderFactRow {
                order: OrderId::new(name).map_err(|_| TableError::Damaged { what: "order" })?,
                place: self.place_of(DocumentKey(document))?,
            })
        };
        rows.into_iter().map(named).collect()
    }

    pub(super) fn facts_of(&self, order: &OrderId) -> Result<Vec<Document>, TableError> {
        let keys: Vec<i64> = self.rows(
            "SELECT document FROM order_fact WHERE store = ?1 AND name = ?2",
            params![self.store.0, order.as_str()],
            |row| row.get(0),
        )?;
        let places = keys.into_iter().map(|it| self.place_of(DocumentKey(it)));
        let mut places = places.collect::<Result<Vec<_>, _>>()?;
        places.sort_unstable();
        places.truncate(ORDER_FACTS_MAX);
        let documents = places.into_iter().map(|it| self.read_document(it));
        documents.collect()
    }

    pub(super) fn quota_of(&self, item: &ItemId, channel: &ChannelId) -> Result<Quota, TableError> {
        let Some(item) = self.word(item.as_str())? else {
            return Ok(Quota::default());
        };
        let found = self.row(
            "SELECT limited, used, held FROM quota
             WHERE store = ?1 AND item = ?2 AND channel = ?3",
            params![self.store.0, item, channel.as_str()],
            |row| row.try_into(),
        )?;
        Ok(found.map(quota).unwrap_or_default())
    }

    pub(super) fn quotas_of(&self, item: &ItemId) -> Result<Vec<(ChannelId, Quota)>, TableError> {
        let Some(item) = self.word(item.as_str())? else {
            return Ok(Vec::new());
        };
        let rows: Vec<(String, i64, i64, i64)> = self.rows(
            "SELECT channel, limited, used, held FROM quota
             WHERE store = ?1 AND item = ?2 ORDER BY channel",
            params![self.store.0, item],
            |row| row.try_into(),
        )?;
        let named = |(channel, limit, used, held): (String, i64, i64, i64)| {
            let channel =
                ChannelId::new(channel).map_err(|_| TableError::Damaged { what: "channel" })?;
            Ok((channel, quota((limit, used, held))))
        };
        rows.into_iter().map(named).collect()
    }

    pub(super) fn put_quota(
        &self,
        item: &ItemId,
        channel: &ChannelId,
        quota: Quota,
    ) -> Result<(), TableError> {
        let item = self.word_or_new(item.as_str())?;
        self.run(
            "INSERT INTO quota (store, item, channel, limited, used, held)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT DO UPDATE SET
                 limited = excluded.limited, used = excluded.used, held = excluded.held",
            params![
                self.store.0,
                item,
                channel.as_str(),
                quota.limit.as_thousandths(),
                quota.used.as_thousandths(),
                quota.held.as_thousandths()
            ],
        )
    }

    pub(super) fn take_quota(
        &self,
        item: &ItemId,
        channel: &ChannelId,
        quantity: Quantity,
    ) -> Result<bool, TableError> {
        let Some(item) = self.word(item.as_str())? else {
            return Ok(quantity <= Quantity::ZERO);
        };
        let taken = self
            .connection
            .prepare_cached(
                "UPDATE quota SET used = used + ?4
                 WHERE store = ?1 AND item = ?2 AND channel = ?3 AND used + ?4 <= limited",
            )?
            .execute(params![
                self.store.0,
                item,
                channel.as_str(),
                quantity.as_thousandths()
            ])?;
        Ok(taken == 1)
    }
}
