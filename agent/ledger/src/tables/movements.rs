//! Movements and balances.
//!
//! A movement's row is keyed by item and effective time, so that what happened around a count is
//! one short run. The total order beyond the effective time (clock, node, incarnation, number) is
//! looked up only where two documents share a millisecond.

use std::collections::BTreeMap;

use rusqlite::params;
use shelf_stock::fold::MovementRow;
use shelf_stock::identity::{Incarnation, NodeId, Place};
use shelf_stock::location::Location;
use shelf_stock::movement::Movement;
use shelf_stock::name::ItemId;
use shelf_stock::order::OrderKey;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::{Hlc, Timestamp};

use super::{DocumentKey, TableError, Tables};

impl Tables<'_> {
    pub(super) fn put_movement(&self, row: &MovementRow) -> Result<(), TableError> {
        let movement = &row.movement;
        let item = self.word_or_new(movement.item.as_str())?;
        let document = self.key_or_new(row.key.place)?;
        let columns = [
            self.store.0,
            item,
            row.key.effective.as_millis(),
            document.0,
            movement.line.into(),
            self.location_or_new(&movement.from)?,
            self.location_or_new(&movement.to)?,
            movement.quantity.as_thousandths(),
        ];
        if let Some(waiting) = self.waiting {
            waiting.movement(columns);
            return self.settle_if_full();
        }
        self.run(
            "INSERT OR IGNORE INTO movement
             (store, item, effective, document, line, from_location, to_location, quantity)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            columns,
        )
    }

    pub(super) fn delete_movement(&self, row: &MovementRow) -> Result<(), TableError> {
        self.settle()?;
        let Some(item) = self.word(row.movement.item.as_str())? else {
            return Ok(());
        };
        let document = self.key_or_new(row.key.place)?;
        self.run(
            "DELETE FROM movement WHERE store = ?1 AND item = ?2 AND effective = ?3
             AND document = ?4 AND line = ?5",
            params![
                self.store.0,
                item,
                row.key.effective.as_millis(),
                document.0,
                row.movement.line
            ],
        )
    }

    /// Net of the movements with keys above `after` up to and including `until`.
    pub(super) fn net_between(
        &self,
        item: &ItemId,
        location: &Location,
        after: Option<&OrderKey>,
        until: &OrderKey,
    ) -> Result<Quantity, TableError> {
        let (Some(item), Some(at)) = (self.word(item.as_str())?, self.location(location)?) else {
            return Ok(Quantity::ZERO);
        };
        self.settle()?;
        let above = after.map_or(i64::MIN, |it| it.effective.as_millis());
        let until_ms = until.effective.as_millis();
        let inner: i64 = self
            .row(
                "SELECT coalesce(sum(quantity * ((to_location = ?3) - (from_location = ?3))), 0)
                 FROM movement WHERE store = ?1 AND item = ?2
                 AND (effective > ?4 OR ?6) AND effective < ?5
                 AND effective >= ?4",
                params![self.store.0, item, at, above, until_ms, after.is_none()],
                |row| row.get(0),
            )?
            .unwrap_or(0);
        let mut net = Quantity::thousandths(inner);
        let lower = after.filter(|it| it.effective != until.effective);
        for edge in lower.into_iter().chain([until]) {
            for (key, quantity) in self.at_moment(item, at, edge.effective)? {
                if after.is_none_or(|it| key > *it) && key <= *until {
                    net = net.plus(quantity);
                }
            }
        }
        Ok(net)
    }

    /// Keys and effects of an item's movements at exactly one millisecond.
    fn at_moment(
        &self,
        item: i64,
        location: i64,
        effective: Timestamp,
    ) -> Result<Vec<(OrderKey, Quantity)>, TableError> {
        self.rows(
            "SELECT m.document, d.hlc, a.node, a.incarnation,
                    m.quantity * ((m.to_location = ?4) - (m.from_location = ?4))
             FROM movement m JOIN document d ON d.id = m.document
             JOIN author a ON a.key = m.document >> 40
             WHERE m.store = ?1 AND m.item = ?2 AND m.effective = ?3",
            params![self.store.0, item, effective.as_millis(), location],
            |row| {
                let key = OrderKey {
                    effective,
                    hlc: Hlc::from_bits(row.get::<_, i64>(1)?.cast_unsigned()),
                    place: Place {
                        node: NodeId::from_bytes(row.get(2)?),
                        incarnation: Incarnation(row.get::<_, i64>(3)?.cast_unsigned()),
                        seq: DocumentKey(row.get(0)?).seq(),
                    },
                };
                Ok((key, Quantity::thousandths(row.get(4)?)))
            },
        )
    }

    pub(super) fn movements_touching(
        &self,
        item: &ItemId,
        location: &Location,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u32, TableError> {
        let (Some(item), Some(at)) = (self.word(item.as_str())?, self.location(location)?) else {
            return Ok(0);
        };
        self.settle()?;
        let found = self.row(
            "SELECT count(*) FROM movement WHERE store = ?1 AND item = ?2
             AND effective BETWEEN ?3 AND ?4 AND ?5 IN (from_location, to_location)",
            params![self.store.0, item, from.as_millis(), to.as_millis(), at],
            |row| row.get(0),
        )?;
        Ok(found.unwrap_or(0))
    }

    pub(super) fn add_balance(
        &mut self,
        item: &ItemId,
        location: &Location,
        quantity: Quantity,
    ) -> Result<(), TableError> {
        let item = self.word_or_new(item.as_str())?;
        let location = self.location_or_new(location)?;
        let thousandths = quantity.as_thousandths();
        if let Some(waiting) = self.waiting {
            waiting.add((self.store.0, item, location), thousandths);
            return self.settle_if_full();
        }
        let Some(sums) = &mut self.sums else {
            return self.write_balance(item, location, thousandths);
        };
        let sum = sums.entry((item, location)).or_default();
        *sum = sum.saturating_add(thousandths);
        Ok(())
    }

    /// Adds up what one document did, in the order of the table and two rows at a time: what one
    /// item lost at one location it mostly gained at another, on the same page.
    pub(super) fn add_sums(&self, sums: &BTreeMap<(i64, i64), i64>) -> Result<(), TableError> {
        let mut sums = sums.iter();
        while let Some((&(item, location), &quantity)) = sums.next() {
            let Some((&(item2, location2), &quantity2)) = sums.next() else {
                return self.write_balance(item, location, quantity);
            };
            self.run(
                "INSERT INTO balance (store, item, location, quantity)
                 VALUES (?1, ?2, ?3, ?4), (?1, ?5, ?6, ?7)
                 ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
                [
                    self.store.0,
                    item,
                    location,
                    quantity,
                    item2,
                    location2,
                    quantity2,
                ],
            )?;
        }
        Ok(())
    }

    fn write_balance(&self, item: i64, location: i64, quantity: i64) -> Result<(), TableError> {
        self.run(
            "INSERT INTO balance (store, item, location, quantity) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET quantity = quantity + excluded.quantity",
            [self.store.0, item, location, quantity],
        )
    }

    /// Every balance of an item that is not zero.
    pub fn balances_of(&self, item: &ItemId) -> Result<Vec<(Location, Quantity)>, TableError> {
        let Some(item) = self.word(item.as_str())? else {
            return Ok(Vec::new());
        };
        self.settle()?;
        let rows: Vec<(i64, i64)> = self.rows(
            "SELECT location, quantity FROM balance
             WHERE store = ?1 AND item = ?2 AND quantity <> 0 ORDER BY location",
            [self.store.0, item],
            |row| row.try_into(),
        )?;
        let named = |(location, quantity)| {
            Ok((self.location_of(location)?, Quantity::thousandths(quantity)))
        };
        rows.into_iter().map(named).collect()
    }

    /// The sum over the locations that are in the book.
    pub fn book_of(&self, item: &ItemId) -> Result<Quantity, TableError> {
        let Some(item) = self.word(item.as_str())? else {
            return Ok(Quantity::ZERO);
        };
        self.settle()?;
        let found = self.row(
            "SELECT coalesce(sum(quantity), 0) FROM balance
             WHERE store = ?1 AND item = ?2 AND location BETWEEN 0 AND 2",
            [self.store.0, item],
            |row| row.get(0),
        )?;
        Ok(Quantity::thousandths(found.unwrap_or(0)))
    }

    pub(super) fn every_movement(&self) -> Result<Vec<MovementRow>, TableError> {
        self.settle()?;
        let rows = self.rows(
            "SELECT m.document, d.hlc, a.node, a.incarnation, m.effective, m.line, m.item,
                    m.quantity, m.from_location, m.to_location
             FROM movement m JOIN document d ON d.id = m.document
             JOIN author a ON a.key = m.document >> 40 WHERE m.store = ?1",
            [self.store.0],
            |row| {
                let key = OrderKey {
                    effective: Timestamp::from_millis(row.get(4)?),
                    hlc: Hlc::from_bits(row.get::<_, i64>(1)?.cast_unsigned()),
                    place: Place {
                        node: NodeId::from_bytes(row.get(2)?),
                        incarnation: Incarnation(row.get::<_, i64>(3)?.cast_unsigned()),
                        seq: DocumentKey(row.get(0)?).seq(),
                    },
                };
                let columns: (u16, i64, i64, i64, i64) = (
                    row.get(5)?,
                    row.get(6)?,
                    row.get(7)?,
                    row.get(8)?,
                    row.get(9)?,
                );
                Ok((key, columns))
            },
        )?;
        let movement = |(key, (line, item, quantity, from, to)): (OrderKey, _)| {
            Ok(MovementRow {
                key,
                movement: Movement {
                    item: self.text(item, ItemId::new)?,
                    quantity: Quantity::thousandths(quantity),
                    from: self.location_of(from)?,
                    to: self.location_of(to)?,
                    effective: key.effective,
                    line,
                },
            })
        };
        rows.into_iter().map(movement).collect()
    }
}
