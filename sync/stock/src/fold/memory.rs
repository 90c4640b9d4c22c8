//! The fold in memory: what every other storage is compared with.
//!
//! Ordered maps and sets, one per kind of row. Clear before quick, and never a hash map: its
//! order would leak into a dump.

mod listing;

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

use super::store::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldListing, FoldStore, GroupKey, GroupRow,
    MovementRow, OrderFactRow, Rules, Step, StepsRow, UnboundRow, VoidRow,
};
use crate::document::{ClosedLog, Document, SourceKey};
use crate::identity::{Digest, Incarnation, NodeId, Place, Seq};
use crate::location::Location;
use crate::movement::Movement;
use crate::name::{Code, ItemId, OrderId, SessionId};
use crate::order::OrderKey;
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// A document was asked for that was never remembered: a bug of the fold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("document {0} is referred to but was never folded")]
pub struct MissingDocument(pub Place);

/// Folded stock in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryFold {
    rules: Rules,
    documents: BTreeMap<Place, Document>,
    closed: BTreeMap<(NodeId, Incarnation), (Seq, Digest)>,
    groups: BTreeSet<GroupRow>,
    sources: BTreeMap<SourceKey, Place>,
    duplicates: BTreeSet<DuplicateRow>,
    movements: BTreeMap<(ItemId, OrderKey, u16), Movement>,
    balances: BTreeMap<(ItemId, Location), Quantity>,
    unbound: BTreeSet<UnboundRow>,
    binds: BTreeSet<BindRow>,
    voids: BTreeSet<VoidRow>,
    order_facts: BTreeSet<OrderFactRow>,
    counts: BTreeMap<(ItemId, Location), BTreeSet<CountRow>>,
    sessions: BTreeSet<(SessionId, Location, ItemId, OrderKey, u16)>,
    closes: BTreeSet<CloseRow>,
    steps: BTreeMap<(ItemId, Location), Vec<Step>>,
}

impl MemoryFold {
    /// Empty, with the default rules.
    pub fn new() -> Self {
        Self::default()
    }

    /// Empty, with a store's own rules.
    pub fn with_rules(rules: Rules) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Every document that was folded, by place.
    pub fn documents(&self) -> impl Iterator<Item = &Document> {
        self.documents.values()
    }

    /// How far a log is closed, and the digest there.
    pub fn closed_end(&self, node: NodeId, incarnation: Incarnation) -> Option<(Seq, Digest)> {
        self.closed.get(&(node, incarnation)).copied()
    }

    /// Where closed parts of logs end, and the digests there.
    pub fn closed_ends(&self) -> impl Iterator<Item = (Place, Digest)> {
        self.closed
            .iter()
            .map(|((node, incarnation), (seq, digest))| {
                let place = Place {
                    node: *node,
                    incarnation: *incarnation,
                    seq: *seq,
                };
                (place, *digest)
            })
    }

    /// The balance of an item at a location.
    pub fn balance(&self, item: &ItemId, location: &Location) -> Quantity {
        let at = (item.clone(), location.clone());
        self.balances.get(&at).copied().unwrap_or_default()
    }

    /// The documents that say what was done about an order, by place.
    pub fn order_facts(&self, order: &OrderId) -> impl Iterator<Item = &Document> {
        let least = OrderFactRow {
            order: order.clone(),
            place: OrderKey::MIN.place,
        };
        let rows = self.order_facts.range(least..);
        let own = rows
            .take_while(move |it| it.order == *order)
            .map(|it| it.place)
            .collect::<Vec<_>>();
        own.into_iter().filter_map(|it| self.documents.get(&it))
    }

    /// Items that have balances, by id.
    pub fn items_above(&self, after: Option<&ItemId>) -> impl Iterator<Item = &ItemId> {
        let from = after.map_or(Bound::Unbounded, |it| {
            Bound::Excluded((it.clone(), Location::LAST))
        });
        let mut last = None;
        let items = self
            .balances
            .range((from, Bound::Unbounded))
            .map(|((item, _), _)| item);
        items.filter(move |it| last.replace(*it) != Some(*it))
    }

    /// An item's balances.
    pub fn balances_of(&self, item: &ItemId) -> impl Iterator<Item = (&Location, Quantity)> {
        let of_item = self.balances.range((item.clone(), Location::SalesFloor)..);
        let of_item = of_item.take_while(move |((it, _), _)| it == item);
        of_item.map(|((_, location), quantity)| (location, *quantity))
    }

    /// The whole state as text, byte-equal for equal sets of documents.
    pub fn dump(&self) -> String {
        super::dump(self).unwrap_or_else(|missing| missing.to_string())
    }

    fn movements_of(
        &self,
        item: &ItemId,
        from: OrderKey,
    ) -> impl Iterator<Item = (&OrderKey, &Movement)> {
        self.movements
            .range((item.clone(), from, 0)..)
            .take_while(move |((it, _, _), _)| it == item)
            .map(|((_, key, _), movement)| (key, movement))
    }
}

impl FoldStore for MemoryFold {
    type Error = MissingDocument;

    fn rules(&self) -> Rules {
        self.rules
    }

    fn remember(&mut self, document: &Document) -> Result<bool, MissingDocument> {
        if self.documents.contains_key(&document.place) {
            return Ok(false);
        }
        self.documents.insert(document.place, document.clone());
        Ok(true)
    }

    fn document(&self, place: Place) -> Result<Document, MissingDocument> {
        let found = self.documents.get(&place).cloned();
        found.ok_or(MissingDocument(place))
    }

    fn is_known(&self, place: Place) -> Result<bool, MissingDocument> {
        Ok(self.documents.contains_key(&place))
    }

    fn closed(&self, node: NodeId, incarnation: Incarnation) -> Result<Seq, MissingDocument> {
        let closed = self.closed.get(&(node, incarnation));
        Ok(closed.map_or(Seq(0), |(upto, _)| *upto))
    }

    fn close_log(&mut self, node: NodeId, closed: &ClosedLog) -> Result<(), MissingDocument> {
        let end = (closed.upto, closed.digest);
        let held = self.closed.entry((node, closed.incarnation));
        let held = held.or_insert(end);
        if held.0 < end.0 {
            *held = end;
        }
        Ok(())
    }

    fn remembered(&self, node: NodeId, within: &ClosedLog) -> Result<Vec<Place>, MissingDocument> {
        let at = |seq| Place {
            node,
            incarnation: within.incarnation,
            seq,
        };
        if within.after >= within.upto {
            return Ok(Vec::new());
        }
        let range = (
            Bound::Excluded(at(within.after)),
            Bound::Included(at(within.upto)),
        );
        let documents = self.documents.range(range);
        Ok(documents.map(|(place, _)| *place).collect())
    }

    fn forget(&mut self, places: &[Place]) -> Result<(), MissingDocument> {
        for place in places {
            self.documents.remove(place);
        }
        Ok(())
    }

    fn group_delete(&mut self, row: &GroupRow) -> Result<(), MissingDocument> {
        self.groups.remove(row);
        Ok(())
    }

    fn source_delete(&mut self, key: &SourceKey) -> Result<(), MissingDocument> {
        self.sources.remove(key);
        Ok(())
    }

    fn duplicates_of(&self, key: &SourceKey) -> Result<Vec<Place>, MissingDocument> {
        let least = DuplicateRow {
            source: key.clone(),
            place: OrderKey::MIN.place,
        };
        let rows = self.duplicates.range(least..);
        let own = rows.take_while(|it| it.source == *key);
        Ok(own.map(|it| it.place).collect())
    }

    fn duplicate_delete(&mut self, row: &DuplicateRow) -> Result<(), MissingDocument> {
        self.duplicates.remove(row);
        Ok(())
    }

    fn group_put(&mut self, row: &GroupRow) -> Result<(), MissingDocument> {
        self.groups.insert(row.clone());
        Ok(())
    }

    fn group_parts(&self, key: &GroupKey) -> Result<Vec<GroupRow>, MissingDocument> {
        let least = GroupRow {
            key: key.clone(),
            index: 0,
            place: OrderKey::MIN.place,
        };
        let parts = self.groups.range(least..);
        Ok(parts.take_while(|it| it.key == *key).cloned().collect())
    }

    fn source_counted(&self, key: &SourceKey) -> Result<Option<Place>, MissingDocument> {
        Ok(self.sources.get(key).copied())
    }

    fn source_set(&mut self, key: &SourceKey, place: Place) -> Result<(), MissingDocument> {
        self.sources.insert(key.clone(), place);
        Ok(())
    }

    fn duplicate_put(&mut self, row: &DuplicateRow) -> Result<(), MissingDocument> {
        self.duplicates.insert(row.clone());
        Ok(())
    }

    fn movement_put(&mut self, row: &MovementRow) -> Result<(), MissingDocument> {
        let movement = row.movement.clone();
        let key = (movement.item.clone(), row.key, movement.line);
        self.movements.insert(key, movement);
        Ok(())
    }

    fn movement_delete(&mut self, row: &MovementRow) -> Result<(), MissingDocument> {
        let key = (row.movement.item.clone(), row.key, row.movement.line);
        self.movements.remove(&key);
        Ok(())
    }

    fn net(
        &self,
        item: &ItemId,
        location: &Location,
        after: Option<&OrderKey>,
        until: &OrderKey,
    ) -> Result<Quantity, MissingDocument> {
        let from = after.copied().unwrap_or(OrderKey::MIN);
        let within = self
            .movements_of(item, from)
            .take_while(|(key, _)| *key <= until)
            .filter(|(key, _)| after.is_none_or(|after| *key > after));
        Ok(within.fold(Quantity::ZERO, |sum, (_, movement)| {
            let sum = if movement.to == *location {
                sum.plus(movement.quantity)
            } else {
                sum
            };
            if movement.from == *location {
                sum.minus(movement.quantity)
            } else {
                sum
            }
        }))
    }

    fn movements_within(
        &self,
        item: &ItemId,
        location: &Location,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u32, MissingDocument> {
        let least = OrderKey {
            effective: from,
            ..OrderKey::MIN
        };
        let touching = self
            .movements_of(item, least)
            .take_while(|(key, _)| key.effective <= to)
            .filter(|(_, it)| it.from == *location || it.to == *location);
        Ok(u32::try_from(touching.count()).unwrap_or(u32::MAX))
    }

    fn balance_add(
        &mut self,
        item: &ItemId,
        location: &Location,
        quantity: Quantity,
    ) -> Result<(), MissingDocument> {
        let at = (item.clone(), location.clone());
        let balance = self.balances.entry(at).or_default();
        *balance = balance.plus(quantity);
        Ok(())
    }

    fn unbound_put(&mut self, row: &UnboundRow) -> Result<(), MissingDocument> {
        self.unbound.insert(row.clone());
        Ok(())
    }

    fn unbound_delete(&mut self, row: &UnboundRow) -> Result<(), MissingDocument> {
        self.unbound.remove(row);
        Ok(())
    }

    fn unbound_lines(&self, code: &Code) -> Result<Vec<UnboundRow>, MissingDocument> {
        let least = UnboundRow {
            code: code.clone(),
            place: OrderKey::MIN.place,
            line: 0,
        };
        let lines = self.unbound.range(least..);
        Ok(lines.take_while(|it| it.code == *code).cloned().collect())
    }

    fn bind_put(&mut self, row: &BindRow) -> Result<(), MissingDocument> {
        self.binds.insert(row.clone());
        Ok(())
    }

    fn bind_delete(&mut self, row: &BindRow) -> Result<(), MissingDocument> {
        self.binds.remove(row);
        Ok(())
    }

    fn bind_latest(&self, code: &Code) -> Result<Option<OrderKey>, MissingDocument> {
        let least = BindRow {
            code: code.clone(),
            key: OrderKey::MIN,
        };
        let binds = self.binds.range(least..);
        let binds = binds.take_while(|it| it.code == *code);
        Ok(binds.last().map(|it| it.key))
    }

    fn void_put(&mut self, row: &VoidRow) -> Result<(), MissingDocument> {
        self.voids.insert(row.clone());
        Ok(())
    }

    fn void_delete(&mut self, row: &VoidRow) -> Result<(), MissingDocument> {
        self.voids.remove(row);
        Ok(())
    }

    fn order_fact_put(&mut self, row: &OrderFactRow) -> Result<(), MissingDocument> {
        self.order_facts.insert(row.clone());
        Ok(())
    }

    fn order_fact_delete(&mut self, row: &OrderFactRow) -> Result<(), MissingDocument> {
        self.order_facts.remove(row);
        Ok(())
    }

    fn count_put(&mut self, row: &CountRow) -> Result<(), MissingDocument> {
        self.sessions.insert(session_row(row));
        let at = (row.item.clone(), row.location.clone());
        self.counts.entry(at).or_default().insert(row.clone());
        Ok(())
    }

    fn count_delete(&mut self, row: &CountRow) -> Result<(), MissingDocument> {
        self.sessions.remove(&session_row(row));
        let at = (row.item.clone(), row.location.clone());
        if let Some(rows) = self.counts.get_mut(&at) {
            rows.remove(row);
            if rows.is_empty() {
                self.counts.remove(&at);
            }
        }
        Ok(())
    }

    fn count_rows(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CountRow>, MissingDocument> {
        let rows = self.counts.get(&(item.clone(), location.clone()));
        Ok(rows.into_iter().flatten().cloned().collect())
    }

    fn session_items(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<ItemId>, MissingDocument> {
        let rows = self.sessions.iter();
        let rows = rows.filter(|it| it.0 == *session && it.1 == *location);
        Ok(rows.map(|it| it.2.clone()).collect())
    }

    fn close_put(&mut self, row: &CloseRow) -> Result<(), MissingDocument> {
        self.closes.insert(row.clone());
        Ok(())
    }

    fn close_delete(&mut self, row: &CloseRow) -> Result<(), MissingDocument> {
        self.closes.remove(row);
        Ok(())
    }

    fn closes_of(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, MissingDocument> {
        let matches = |it: &&CloseRow| {
            it.session == *session && it.location == *location && it.item.is_none()
        };
        Ok(self.closes.iter().filter(matches).cloned().collect())
    }

    fn closes_listing(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, MissingDocument> {
        let matches = |it: &&CloseRow| it.location == *location && it.item.as_ref() == Some(item);
        Ok(self.closes.iter().filter(matches).cloned().collect())
    }

    fn step_last(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Option<Step>, MissingDocument> {
        let steps = self.steps.get(&(item.clone(), location.clone()));
        Ok(steps.and_then(|it| it.last().copied()))
    }

    fn steps(&self, item: &ItemId, location: &Location) -> Result<Vec<Step>, MissingDocument> {
        let steps = self.steps.get(&(item.clone(), location.clone()));
        Ok(steps.cloned().unwrap_or_default())
    }

    fn steps_set(
        &mut self,
        item: &ItemId,
        location: &Location,
        steps: &[Step],
    ) -> Result<(), MissingDocument> {
        let at = (item.clone(), location.clone());
        if steps.is_empty() {
            self.steps.remove(&at);
        } else {
            self.steps.insert(at, steps.to_vec());
        }
        Ok(())
    }
}

fn session_row(row: &CountRow) -> (SessionId, Location, ItemId, OrderKey, u16) {
    (
        row.session.clone(),
        row.location.clone(),
        row.item.clone(),
        row.key,
        row.line,
    )
}
