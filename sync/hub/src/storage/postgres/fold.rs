//! The fold's storage trait over PostgreSQL.
//!
//! What an ordinary sale reads and writes goes through [`super::work`]; the rest is a statement
//! each.

use shelf_stock::document::{ClosedLog, Document, SourceKey};
use shelf_stock::fold::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldStore, GroupKey, GroupRow, MovementRow,
    OrderFactRow, Step, UnboundRow, VoidRow,
};
use shelf_stock::identity::{Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::{Code, ItemId, SessionId};
use shelf_stock::order::OrderKey;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::sealed::Authored;
use tokio_postgres::Row;

use super::super::StorageError;
use super::row::{self, action_key};
use super::session::Param;
use super::shop::PostgresShop;
use super::work::NewMovement;

impl PostgresShop<'_, '_> {
    /// A statement that is rare enough to go alone.
    pub(super) fn put(&self, sql: &'static str, params: &[Param<'_>]) -> Result<(), StorageError> {
        self.claim()?;
        self.work.session.execute(sql, params)?;
        Ok(())
    }

    /// Rows that are read rarely, after what waits was written.
    pub(super) fn list<T>(
        &self,
        sql: &'static str,
        params: &[Param<'_>],
        read: impl Fn(&Row) -> Result<T, StorageError>,
    ) -> Result<Vec<T>, StorageError> {
        self.claim()?;
        self.work.flush()?;
        let rows = self.work.session.query(sql, params)?;
        rows.iter().map(read).collect()
    }

    /// Keys and effects of an item's movements at exactly one millisecond.
    fn at_moment(
        &self,
        item: &ItemId,
        location: &str,
        effective: Timestamp,
    ) -> Result<Vec<(OrderKey, Quantity)>, StorageError> {
        self.list(
            "SELECT m.document, d.hlc, a.node, a.incarnation,
                    m.quantity * ((m.to_location = $4)::int - (m.from_location = $4)::int)
             FROM movement m JOIN document d ON d.id = m.document
             JOIN author a ON a.key = m.document >> 40
             WHERE m.store = $1 AND m.item = $2 AND m.effective = $3",
            &[
                &self.store.0,
                &item.as_str(),
                &effective.as_millis(),
                &location,
            ],
            |it| Ok((row::order_key(it, 0, effective)?, row::quantity(it, 4)?)),
        )
    }
}

impl FoldStore for PostgresShop<'_, '_> {
    type Error = StorageError;

    fn remember(&mut self, document: &Document) -> Result<bool, StorageError> {
        let current = self.current.take();
        if let Some((folded, _)) = self.stored(document.place)? {
            if folded {
                return Ok(false);
            }
            self.work.flush()?;
            let key = self.key_or_new(document.place)?;
            let hlc = document.hlc.to_bits().cast_signed();
            self.put(
                "UPDATE document SET folded = TRUE, hlc = $2 WHERE id = $1",
                &[&key, &hlc],
            )?;
            return Ok(true);
        }
        match current.filter(|it| it.place() == document.place) {
            Some(sealed) => self.put_document(&sealed, document.hlc, true)?,
            None => {
                let authored = Authored::write(document.clone())?;
                self.put_document(authored.sealed(), document.hlc, true)?;
            }
        }
        Ok(true)
    }

    fn document(&self, place: Place) -> Result<Document, StorageError> {
        let authored = Authored::read(self.bytes(place)?);
        let authored = authored.map_err(|_| StorageError::Document { place })?;
        Ok(authored.into_document())
    }

    fn is_known(&self, place: Place) -> Result<bool, StorageError> {
        Ok(self.stored(place)?.is_some_and(|(folded, _)| folded))
    }

    fn closed(&self, node: NodeId, incarnation: Incarnation) -> Result<Seq, StorageError> {
        self.closed_upto(node, incarnation)
    }

    fn close_log(&mut self, node: NodeId, closed: &ClosedLog) -> Result<(), StorageError> {
        self.close_author(node, closed)
    }

    fn remembered(&self, node: NodeId, within: &ClosedLog) -> Result<Vec<Place>, StorageError> {
        self.folded_within(node, within)
    }

    fn forget(&mut self, places: &[Place]) -> Result<(), StorageError> {
        self.delete_documents(places)
    }

    fn group_delete(&mut self, row: &GroupRow) -> Result<(), StorageError> {
        self.delete_group(row)
    }

    fn source_delete(&mut self, key: &SourceKey) -> Result<(), StorageError> {
        self.delete_source(key)
    }

    fn duplicates_of(&self, key: &SourceKey) -> Result<Vec<Place>, StorageError> {
        self.duplicates_for(key)
    }

    fn duplicate_delete(&mut self, row: &DuplicateRow) -> Result<(), StorageError> {
        self.delete_duplicate(row)
    }

    fn group_put(&mut self, row: &GroupRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "INSERT INTO group_part (store, node, id, parts, part, document)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &row.key.node.as_bytes().as_slice(),
                &row.key.id.as_str(),
                &i64::from(row.key.of),
                &i64::from(row.index),
                &document,
            ],
        )
    }

    fn group_parts(&self, key: &GroupKey) -> Result<Vec<GroupRow>, StorageError> {
        self.claim()?;
        let rows = self.work.session.query(
            "SELECT part, document FROM group_part
             WHERE store = $1 AND node = $2 AND id = $3 AND parts = $4",
            &[
                &self.store.0,
                &key.node.as_bytes().as_slice(),
                &key.id.as_str(),
                &i64::from(key.of),
            ],
        )?;
        let group = |it: &Row| {
            Ok(GroupRow {
                key: key.clone(),
                index: row::small(it, 0)?,
                place: self.work.place_of(row::col(it, 1)?)?,
            })
        };
        rows.iter().map(group).collect()
    }

    fn source_counted(&self, key: &SourceKey) -> Result<Option<Place>, StorageError> {
        let document = self.known_source(key)?;
        document.map(|it| self.work.place_of(it)).transpose()
    }

    fn source_set(&mut self, key: &SourceKey, place: Place) -> Result<(), StorageError> {
        self.set_source(key, place)
    }

    fn duplicate_put(&mut self, row: &DuplicateRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "INSERT INTO source_duplicate (store, source, receipt, action, part, document)
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &row.source.source.as_str(),
                &row.source.receipt.as_str(),
                &action_key(row.source.action),
                &i64::from(row.source.part),
                &document,
            ],
        )
    }

    fn movement_put(&mut self, row: &MovementRow) -> Result<(), StorageError> {
        let movement = &row.movement;
        let new = NewMovement {
            store: self.store.0,
            item: movement.item.clone(),
            effective: row.key.effective.as_millis(),
            document: self.key_or_new(row.key.place)?,
            line: movement.line.into(),
            from: movement.from.clone(),
            to: movement.to.clone(),
            quantity: movement.quantity.as_thousandths(),
        };
        self.work.known().movements.push(new);
        self.work.waits()
    }

    fn movement_delete(&mut self, row: &MovementRow) -> Result<(), StorageError> {
        self.work.flush()?;
        let document = self.key_or_new(row.key.place)?;
        self.put(
            "DELETE FROM movement WHERE store = $1 AND item = $2 AND effective = $3
             AND document = $4 AND line = $5",
            &[
                &self.store.0,
                &row.movement.item.as_str(),
                &row.key.effective.as_millis(),
                &document,
                &i32::from(row.movement.line),
            ],
        )
    }

    fn net(
        &self,
        item: &ItemId,
        location: &Location,
        after: Option<&OrderKey>,
        until: &OrderKey,
    ) -> Result<Quantity, StorageError> {
        let at = location.to_string();
        let from = after.map_or(i64::MIN, |it| it.effective.as_millis().saturating_add(1));
        let inner = self.list(
            "SELECT coalesce(sum(quantity * ((to_location = $3)::int - (from_location = $3)::int)),
             0)::bigint FROM movement
             WHERE store = $1 AND item = $2 AND effective >= $4 AND effective < $5",
            &[
                &self.store.0,
                &item.as_str(),
                &at,
                &from,
                &until.effective.as_millis(),
            ],
            |it| row::quantity(it, 0),
        )?;
        let mut net: Quantity = inner.into_iter().sum();
        let lower = after.filter(|it| it.effective != until.effective);
        for edge in lower.into_iter().chain([until]) {
            for (key, quantity) in self.at_moment(item, &at, edge.effective)? {
                if after.is_none_or(|it| key > *it) && key <= *until {
                    net = net.plus(quantity);
                }
            }
        }
        Ok(net)
    }

    fn movements_within(
        &self,
        item: &ItemId,
        location: &Location,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u32, StorageError> {
        let found = self.list(
            "SELECT count(*) FROM movement WHERE store = $1 AND item = $2
             AND effective BETWEEN $3 AND $4 AND $5 IN (from_location, to_location)",
            &[
                &self.store.0,
                &item.as_str(),
                &from.as_millis(),
                &to.as_millis(),
                &location.to_string(),
            ],
            |it| row::small(it, 0),
        )?;
        Ok(found.first().copied().unwrap_or(0))
    }

    fn balance_add(
        &mut self,
        item: &ItemId,
        location: &Location,
        quantity: Quantity,
    ) -> Result<(), StorageError> {
        self.claim()?;
        let key = (self.store.0, item.clone(), location.clone());
        let mut known = self.work.known();
        let before = known.sums.len();
        let sum = known.sums.entry(key).or_default();
        *sum = sum.saturating_add(quantity.as_thousandths());
        let more = known.sums.len() > before;
        drop(known);
        match more {
            true => self.work.waits(),
            false => Ok(()),
        }
    }

    fn unbound_put(&mut self, row: &UnboundRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "INSERT INTO unbound (store, code, document, line) VALUES ($1, $2, $3, $4)
             ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &row.code.as_str(),
                &document,
                &i32::from(row.line),
            ],
        )
    }

    fn unbound_delete(&mut self, row: &UnboundRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "DELETE FROM unbound WHERE store = $1 AND code = $2 AND document = $3 AND line = $4",
            &[
                &self.store.0,
                &row.code.as_str(),
                &document,
                &i32::from(row.line),
            ],
        )
    }

    fn unbound_lines(&self, code: &Code) -> Result<Vec<UnboundRow>, StorageError> {
        self.list(
            "SELECT document, line FROM unbound WHERE store = $1 AND code = $2",
            &[&self.store.0, &code.as_str()],
            |it| {
                Ok(UnboundRow {
                    code: code.clone(),
                    place: self.work.place_of(row::col(it, 0)?)?,
                    line: row::line(it, 1)?,
                })
            },
        )
    }

    fn bind_put(&mut self, row: &BindRow) -> Result<(), StorageError> {
        self.put(
            "INSERT INTO binding (store, code, position) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            &[
                &self.store.0,
                &row.code.as_str(),
                &row.key.to_bytes().as_slice(),
            ],
        )
    }

    fn bind_delete(&mut self, row: &BindRow) -> Result<(), StorageError> {
        self.put(
            "DELETE FROM binding WHERE store = $1 AND code = $2 AND position = $3",
            &[
                &self.store.0,
                &row.code.as_str(),
                &row.key.to_bytes().as_slice(),
            ],
        )
    }

    fn bind_latest(&self, code: &Code) -> Result<Option<OrderKey>, StorageError> {
        self.claim()?;
        let row = self.work.session.first(
            "SELECT position FROM binding WHERE store = $1 AND code = $2
             ORDER BY position DESC LIMIT 1",
            &[&self.store.0, &code.as_str()],
        )?;
        row.map(|it| row::position(&it, 0)).transpose()
    }

    fn order_fact_put(&mut self, row: &OrderFactRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "INSERT INTO order_fact (store, name, document) VALUES ($1, $2, $3)
             ON CONFLICT DO NOTHING",
            &[&self.store.0, &row.order.as_str(), &document],
        )
    }

    fn order_fact_delete(&mut self, row: &OrderFactRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        self.put(
            "DELETE FROM order_fact WHERE store = $1 AND name = $2 AND document = $3",
            &[&self.store.0, &row.order.as_str(), &document],
        )
    }

    fn void_put(&mut self, row: &VoidRow) -> Result<(), StorageError> {
        let document = self.key_or_new(row.place)?;
        let target = super::listing::target_text(&row.of)?;
        let void = (self.store.0, target, document);
        self.work.known().voids.push(void);
        self.work.waits()
    }

    fn void_delete(&mut self, row: &VoidRow) -> Result<(), StorageError> {
        self.work.flush()?;
        let document = self.key_or_new(row.place)?;
        let target = super::listing::target_text(&row.of)?;
        self.put(
            "DELETE FROM void_mark WHERE store = $1 AND target = $2 AND document = $3",
            &[&self.store.0, &target, &document],
        )
    }

    fn count_put(&mut self, row: &CountRow) -> Result<(), StorageError> {
        self.put_count(row)
    }

    fn count_delete(&mut self, row: &CountRow) -> Result<(), StorageError> {
        self.delete_count(row)
    }

    fn count_rows(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CountRow>, StorageError> {
        self.counts_of(item, location)
    }

    fn session_items(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<ItemId>, StorageError> {
        self.items_of_session(session, location)
    }

    fn close_put(&mut self, row: &CloseRow) -> Result<(), StorageError> {
        self.put_close(row)
    }

    fn close_delete(&mut self, row: &CloseRow) -> Result<(), StorageError> {
        self.delete_close(row)
    }

    fn closes_of(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, StorageError> {
        self.closes_of_session(session, location)
    }

    fn closes_listing(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, StorageError> {
        self.closes_of_item(item, location)
    }

    fn step_last(&self, item: &ItemId, location: &Location) -> Result<Option<Step>, StorageError> {
        let steps = self.known_steps(item)?;
        let here = steps.into_iter().find(|(at, _)| at == location);
        Ok(here.map(|(_, step)| step))
    }

    fn steps(&self, item: &ItemId, location: &Location) -> Result<Vec<Step>, StorageError> {
        self.steps_of(item, location)
    }

    fn steps_set(
        &mut self,
        item: &ItemId,
        location: &Location,
        steps: &[Step],
    ) -> Result<(), StorageError> {
        self.replace_steps(item, location, steps)
    }
}
