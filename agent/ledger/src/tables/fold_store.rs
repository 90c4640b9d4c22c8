//! The fold's storage trait over the tables: names only, each row kind has its own room.

use shelf_stock::document::{ClosedLog, Document, SourceKey};
use shelf_stock::fold::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldStore, GroupKey, GroupRow, MovementRow,
    OrderFactRow, Rules, Step, UnboundRow, VoidRow,
};
use shelf_stock::identity::{Incarnation, NodeId, Place, Seq};
use shelf_stock::location::Location;
use shelf_stock::name::{Code, ItemId, SessionId};
use shelf_stock::order::OrderKey;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;
use shelf_wire::sealed::Authored;

use super::{TableError, Tables};

impl FoldStore for Tables<'_> {
    type Error = TableError;

    fn rules(&self) -> Rules {
        self.rules
    }

    /// Stores the document's exact bytes where they are not there yet: those of the document that
    /// is being folded, else its encoding.
    fn remember(&mut self, document: &Document) -> Result<bool, TableError> {
        let key = self.key_or_new(document.place)?;
        let current = self.current.take();
        let known = current.filter(|it| it.place() == document.place);
        if let Some(sealed) = known
            && self.store_bytes(key, &sealed, document.hlc, true)?
        {
            return Ok(true);
        }
        match self.stored(key)? {
            Some(stored) if stored.folded => Ok(false),
            Some(_) => self.mark_folded(key, document.hlc).map(|()| true),
            None => {
                let authored = Authored::write(document.clone())?;
                self.store_bytes(key, authored.sealed(), document.hlc, true)
            }
        }
    }

    fn document(&self, place: Place) -> Result<Document, TableError> {
        self.read_document(place)
    }

    fn is_known(&self, place: Place) -> Result<bool, TableError> {
        match self.key(place)? {
            Some(key) => Ok(self.stored(key)?.is_some_and(|it| it.folded)),
            None => Ok(false),
        }
    }

    fn closed(&self, node: NodeId, incarnation: Incarnation) -> Result<Seq, TableError> {
        self.closed_upto(node, incarnation)
    }

    fn close_log(&mut self, node: NodeId, closed: &ClosedLog) -> Result<(), TableError> {
        self.close_author(node, closed)
    }

    fn remembered(&self, node: NodeId, within: &ClosedLog) -> Result<Vec<Place>, TableError> {
        self.folded_within(node, within)
    }

    fn forget(&mut self, places: &[Place]) -> Result<(), TableError> {
        self.delete_documents(places)
    }

    fn group_delete(&mut self, row: &GroupRow) -> Result<(), TableError> {
        self.delete_group(row)
    }

    fn source_delete(&mut self, key: &SourceKey) -> Result<(), TableError> {
        self.delete_source(key)
    }

    fn duplicates_of(&self, key: &SourceKey) -> Result<Vec<Place>, TableError> {
        Tables::duplicates_of(self, key)
    }

    fn duplicate_delete(&mut self, row: &DuplicateRow) -> Result<(), TableError> {
        self.delete_duplicate(row)
    }

    fn group_put(&mut self, row: &GroupRow) -> Result<(), TableError> {
        self.put_group(row)
    }

    fn group_parts(&self, key: &GroupKey) -> Result<Vec<GroupRow>, TableError> {
        self.parts_of(key)
    }

    fn source_counted(&self, key: &SourceKey) -> Result<Option<Place>, TableError> {
        self.counted_for(key)
    }

    fn source_set(&mut self, key: &SourceKey, place: Place) -> Result<(), TableError> {
        self.put_source(key, place)
    }

    fn source_claim(&mut self, key: &SourceKey, place: Place) -> Result<Option<Place>, TableError> {
        self.claim_source(key, place)
    }

    fn duplicate_put(&mut self, row: &DuplicateRow) -> Result<(), TableError> {
        self.put_duplicate(row)
    }

    fn movement_put(&mut self, row: &MovementRow) -> Result<(), TableError> {
        self.put_movement(row)
    }

    fn movement_delete(&mut self, row: &MovementRow) -> Result<(), TableError> {
        self.delete_movement(row)
    }

    fn net(
        &self,
        item: &ItemId,
        location: &Location,
        after: Option<&OrderKey>,
        until: &OrderKey,
    ) -> Result<Quantity, TableError> {
        self.net_between(item, location, after, until)
    }

    fn movements_within(
        &self,
        item: &ItemId,
        location: &Location,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u32, TableError> {
        self.movements_touching(item, location, from, to)
    }

    fn balance_add(
        &mut self,
        item: &ItemId,
        location: &Location,
        quantity: Quantity,
    ) -> Result<(), TableError> {
        self.add_balance(item, location, quantity)
    }

    fn unbound_put(&mut self, row: &UnboundRow) -> Result<(), TableError> {
        self.put_unbound(row)
    }

    fn unbound_delete(&mut self, row: &UnboundRow) -> Result<(), TableError> {
        self.delete_unbound(row)
    }

    fn unbound_lines(&self, code: &Code) -> Result<Vec<UnboundRow>, TableError> {
        self.unbound_of(code)
    }

    fn bind_put(&mut self, row: &BindRow) -> Result<(), TableError> {
        self.put_bind(row)
    }

    fn bind_delete(&mut self, row: &BindRow) -> Result<(), TableError> {
        self.delete_bind(row)
    }

    fn bind_latest(&self, code: &Code) -> Result<Option<OrderKey>, TableError> {
        self.latest_bind(code)
    }

    fn order_fact_put(&mut self, row: &OrderFactRow) -> Result<(), TableError> {
        self.put_order_fact(row)
    }

    fn order_fact_delete(&mut self, row: &OrderFactRow) -> Result<(), TableError> {
        self.delete_order_fact(row)
    }

    fn void_put(&mut self, row: &VoidRow) -> Result<(), TableError> {
        self.put_void(row)
    }

    fn void_delete(&mut self, row: &VoidRow) -> Result<(), TableError> {
        self.delete_void(row)
    }

    fn count_put(&mut self, row: &CountRow) -> Result<(), TableError> {
        self.put_count(row)
    }

    fn count_delete(&mut self, row: &CountRow) -> Result<(), TableError> {
        self.delete_count(row)
    }

    fn count_rows(&self, item: &ItemId, location: &Location) -> Result<Vec<CountRow>, TableError> {
        self.counts_of(item, location)
    }

    fn session_items(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<ItemId>, TableError> {
        self.items_of_session(session, location)
    }

    fn close_put(&mut self, row: &CloseRow) -> Result<(), TableError> {
        self.put_close(row)
    }

    fn close_delete(&mut self, row: &CloseRow) -> Result<(), TableError> {
        self.delete_close(row)
    }

    fn closes_of(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, TableError> {
        self.closes_of_session(session, location)
    }

    fn closes_listing(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, TableError> {
        self.closes_of_item(item, location)
    }

    fn step_last(&self, item: &ItemId, location: &Location) -> Result<Option<Step>, TableError> {
        self.last_step(item, location)
    }

    fn steps(&self, item: &ItemId, location: &Location) -> Result<Vec<Step>, TableError> {
        self.steps_of(item, location)
    }

    fn steps_set(
        &mut self,
        item: &ItemId,
        location: &Location,
        steps: &[Step],
    ) -> Result<(), TableError> {
        self.replace_steps(item, location, steps)
    }
}
