//! What a storage must offer so that documents can be folded into it.
//!
//! Rows are values; a storage is free to map items, locations, sources and places to integers of
//! its own. `put` of a row that is there and `delete` of one that is not can't happen except by a
//! bug, and must not fail. A storage never interprets: every rule is in the algorithm.

use crate::document::{ClosedLog, Document, DocumentRef, SourceKey};
use crate::identity::{Digest, Incarnation, NodeId, Place, Seq};
use crate::location::Location;
use crate::movement::Movement;
use crate::name::{AreaId, Code, GroupId, ItemId, OrderId, SessionId};
use crate::order::OrderKey;
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// How long goods may be in a trolley between shelf and till, unless a store says otherwise.
pub const TROLLEY_TIME_MS_DEFAULT: i64 = 120_000;

/// What a store may configure about folding. Part of the state's meaning: a storage whose rules
/// change must be folded again from its documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Movements so close to a count make it ambiguous, in milliseconds.
    pub trolley_time_ms: i64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            trolley_time_ms: TROLLEY_TIME_MS_DEFAULT,
        }
    }
}

/// Which larger fact a part belongs to. Another author's group of the same id is another group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupKey {
    /// The author.
    pub node: NodeId,
    /// The author's id of the group.
    pub id: GroupId,
    /// How many parts it has.
    pub of: u32,
}

/// A part of a group that is here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct GroupRow {
    /// The group.
    pub key: GroupKey,
    /// Which part, from 0.
    pub index: u32,
    /// The document.
    pub place: Place,
}

/// A document that does not count because a lesser place has the same source key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct DuplicateRow {
    /// The key that both have.
    pub source: SourceKey,
    /// The document that does not count.
    pub place: Place,
}

/// A movement of a counted document.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MovementRow {
    /// Where it stands in the total order; names the document.
    pub key: OrderKey,
    /// What moved. `(key, movement.line, movement.item)` is unique.
    pub movement: Movement,
}

/// A line of a counted document whose subject is a code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct UnboundRow {
    /// The code.
    pub code: Code,
    /// The document.
    pub place: Place,
    /// Which line of it, from 0.
    pub line: u16,
}

/// A counted binding of a code; the greatest key of a code is in force.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct BindRow {
    /// The code.
    pub code: Code,
    /// The binding document.
    pub key: OrderKey,
}

/// A counted void.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VoidRow {
    /// What it undoes.
    pub of: DocumentRef,
    /// The void.
    pub place: Place,
}

/// A counted document that says what the store did about an order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct OrderFactRow {
    /// Which order.
    pub order: OrderId,
    /// The document.
    pub place: Place,
}

/// An assertion of a counted count document. `(key, line)` is unique.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CountRow {
    /// What was counted.
    pub item: ItemId,
    /// Where.
    pub location: Location,
    /// Where it stands in the total order.
    pub key: OrderKey,
    /// Which line of the document, from 0.
    pub line: u16,
    /// In which session.
    pub session: SessionId,
    /// In which part of the shop.
    pub area: AreaId,
    /// What was there.
    pub quantity: Quantity,
}

/// A session's close, at one location, for one listed item or for every counted one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct CloseRow {
    /// The session.
    pub session: SessionId,
    /// Where.
    pub location: Location,
    /// The item; `None` speaks for every item that has a line in the session there.
    pub item: Option<ItemId>,
    /// Where the close stands in the total order.
    pub key: OrderKey,
}

/// What the counts of an item at a location say from some moment on, and what they changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The anchor: so much was there at the cut.
    pub quantity: Quantity,
    /// Movements up to here are in the anchor, later ones come on top.
    pub cut: OrderKey,
    /// Derived movement from loss to the location (negative: shrinkage): anchor minus what the
    /// step before and the movements since then had led to expect.
    pub variance: Quantity,
    /// Movements with an effective time from here…
    pub window_from: Timestamp,
    /// …to here (both included) make the count ambiguous.
    pub window_to: Timestamp,
    /// How many such movements there are; above zero: ask to count again.
    pub ambiguous_movements: u32,
}

/// All steps of an item at a location, in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepsRow {
    /// The item.
    pub item: ItemId,
    /// Where.
    pub location: Location,
    /// The steps; the last one is in force.
    pub steps: Vec<Step>,
}

/// A storage of folded stock. All methods see one transaction.
///
/// An ordinary sale costs: [`remember`](Self::remember), [`source_claim`](Self::source_claim), and
/// per movement [`movement_put`](Self::movement_put), one [`step_last`](Self::step_last) per
/// countable location and two [`balance_add`](Self::balance_add).
pub trait FoldStore {
    /// Why a call failed.
    type Error;

    /// The rules that this storage was folded with. Must not change while rows exist.
    fn rules(&self) -> Rules {
        Rules::default()
    }

    /// Notes that a document is being folded and makes sure that [`document`](Self::document)
    /// will find it. `false`: it was folded before, nothing is to be done.
    fn remember(&mut self, document: &Document) -> Result<bool, Self::Error>;
    /// A document that was remembered; not to have it is an error of the storage.
    fn document(&self, place: Place) -> Result<Document, Self::Error>;
    /// Whether a document was remembered.
    fn is_known(&self, place: Place) -> Result<bool, Self::Error>;

    /// Up to where a log is closed by openings; 0: not at all.
    fn closed(&self, node: NodeId, incarnation: Incarnation) -> Result<Seq, Self::Error>;
    /// Notes that a log is closed up to a number, unless it is further than that already. What
    /// the storage keeps of the documents there beside their bytes (signatures) may go.
    fn close_log(&mut self, node: NodeId, closed: &ClosedLog) -> Result<(), Self::Error>;
    /// The documents of a part of a log that were remembered, ascending.
    fn remembered(&self, node: NodeId, within: &ClosedLog) -> Result<Vec<Place>, Self::Error>;
    /// Forgets documents that were remembered, their bytes too.
    fn forget(&mut self, places: &[Place]) -> Result<(), Self::Error>;

    /// Removes a part of a group.
    fn group_delete(&mut self, row: &GroupRow) -> Result<(), Self::Error>;
    /// Removes the document that counts for a source key: no one counts then.
    fn source_delete(&mut self, key: &SourceKey) -> Result<(), Self::Error>;
    /// The documents that don't count for a source key, in any order.
    fn duplicates_of(&self, key: &SourceKey) -> Result<Vec<Place>, Self::Error>;
    /// Removes a document that does not count.
    fn duplicate_delete(&mut self, row: &DuplicateRow) -> Result<(), Self::Error>;

    /// Adds a part of a group.
    fn group_put(&mut self, row: &GroupRow) -> Result<(), Self::Error>;
    /// The parts of a group that are here, in any order.
    fn group_parts(&self, key: &GroupKey) -> Result<Vec<GroupRow>, Self::Error>;

    /// The document that counts for a source key.
    fn source_counted(&self, key: &SourceKey) -> Result<Option<Place>, Self::Error>;
    /// Sets or replaces the document that counts for a source key.
    fn source_set(&mut self, key: &SourceKey, place: Place) -> Result<(), Self::Error>;
    /// Sets the document that counts for a source key where none does yet, and returns the one
    /// that does. A storage that can do both at once does it here.
    fn source_claim(
        &mut self,
        key: &SourceKey,
        place: Place,
    ) -> Result<Option<Place>, Self::Error> {
        let counted = self.source_counted(key)?;
        if counted.is_none() {
            self.source_set(key, place)?;
        }
        Ok(counted)
    }
    /// Adds a document that does not count.
    fn duplicate_put(&mut self, row: &DuplicateRow) -> Result<(), Self::Error>;

    /// Adds a movement.
    fn movement_put(&mut self, row: &MovementRow) -> Result<(), Self::Error>;
    /// Removes a movement.
    fn movement_delete(&mut self, row: &MovementRow) -> Result<(), Self::Error>;
    /// What movements put on a location minus what they took from it, for keys above `after`
    /// (`None`: from the beginning) up to and including `until`.
    fn net(
        &self,
        item: &ItemId,
        location: &Location,
        after: Option<&OrderKey>,
        until: &OrderKey,
    ) -> Result<Quantity, Self::Error>;
    /// How many movements of an item touch a location with an effective time from `from` to
    /// `to`, both included.
    fn movements_within(
        &self,
        item: &ItemId,
        location: &Location,
        from: Timestamp,
        to: Timestamp,
    ) -> Result<u32, Self::Error>;

    /// Adds to a balance, which is zero where there is none.
    fn balance_add(
        &mut self,
        item: &ItemId,
        location: &Location,
        quantity: Quantity,
    ) -> Result<(), Self::Error>;

    /// Adds a line whose subject is a code.
    fn unbound_put(&mut self, row: &UnboundRow) -> Result<(), Self::Error>;
    /// Removes such a line.
    fn unbound_delete(&mut self, row: &UnboundRow) -> Result<(), Self::Error>;
    /// The lines of a code, in any order.
    fn unbound_lines(&self, code: &Code) -> Result<Vec<UnboundRow>, Self::Error>;
    /// Adds a binding.
    fn bind_put(&mut self, row: &BindRow) -> Result<(), Self::Error>;
    /// Removes a binding.
    fn bind_delete(&mut self, row: &BindRow) -> Result<(), Self::Error>;
    /// The greatest key of a code's bindings.
    fn bind_latest(&self, code: &Code) -> Result<Option<OrderKey>, Self::Error>;

    /// Adds a void.
    fn void_put(&mut self, row: &VoidRow) -> Result<(), Self::Error>;
    /// Removes a void.
    fn void_delete(&mut self, row: &VoidRow) -> Result<(), Self::Error>;

    /// Adds what a document says about an order.
    fn order_fact_put(&mut self, row: &OrderFactRow) -> Result<(), Self::Error>;
    /// Removes it.
    fn order_fact_delete(&mut self, row: &OrderFactRow) -> Result<(), Self::Error>;

    /// Adds an assertion.
    fn count_put(&mut self, row: &CountRow) -> Result<(), Self::Error>;
    /// Removes an assertion.
    fn count_delete(&mut self, row: &CountRow) -> Result<(), Self::Error>;
    /// The assertions about an item at a location, in any order.
    fn count_rows(&self, item: &ItemId, location: &Location) -> Result<Vec<CountRow>, Self::Error>;
    /// The items with an assertion of a session at a location, in any order; repetitions are
    /// harmless.
    fn session_items(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<ItemId>, Self::Error>;
    /// Adds a close.
    fn close_put(&mut self, row: &CloseRow) -> Result<(), Self::Error>;
    /// Removes a close.
    fn close_delete(&mut self, row: &CloseRow) -> Result<(), Self::Error>;
    /// The closes of a session at a location that speak for every counted item (`item` is
    /// `None`), in any order.
    fn closes_of(
        &self,
        session: &SessionId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, Self::Error>;
    /// The closes that list an item at a location, of any session, in any order.
    fn closes_listing(
        &self,
        item: &ItemId,
        location: &Location,
    ) -> Result<Vec<CloseRow>, Self::Error>;

    /// The last step of an item at a location: the one in force.
    fn step_last(&self, item: &ItemId, location: &Location) -> Result<Option<Step>, Self::Error>;
    /// All steps of an item at a location, in order.
    fn steps(&self, item: &ItemId, location: &Location) -> Result<Vec<Step>, Self::Error>;
    /// Replaces all steps of an item at a location; none: forgets it.
    fn steps_set(
        &mut self,
        item: &ItemId,
        location: &Location,
        steps: &[Step],
    ) -> Result<(), Self::Error>;
}

/// Everything in a storage, for [`super::dump`], [`super::verify`] and [`super::exceptions`].
/// Any order; these may scan.
pub trait FoldListing: FoldStore {
    /// Logs that are closed up to a place, and the digest there.
    fn all_closed(&self) -> Result<Vec<(Place, Digest)>, Self::Error>;
    /// Parts of groups.
    fn all_groups(&self) -> Result<Vec<GroupRow>, Self::Error>;
    /// Documents that count for their source keys.
    fn all_sources(&self) -> Result<Vec<(SourceKey, Place)>, Self::Error>;
    /// Documents that don't.
    fn all_duplicates(&self) -> Result<Vec<DuplicateRow>, Self::Error>;
    /// Movements.
    fn all_movements(&self) -> Result<Vec<MovementRow>, Self::Error>;
    /// Balances; those of zero may be left out.
    fn all_balances(&self) -> Result<Vec<(ItemId, Location, Quantity)>, Self::Error>;
    /// Lines whose subject is a code.
    fn all_unbound(&self) -> Result<Vec<UnboundRow>, Self::Error>;
    /// Bindings.
    fn all_binds(&self) -> Result<Vec<BindRow>, Self::Error>;
    /// Voids.
    fn all_voids(&self) -> Result<Vec<VoidRow>, Self::Error>;
    /// Everything that counts about orders.
    fn all_order_facts(&self) -> Result<Vec<OrderFactRow>, Self::Error>;
    /// Assertions.
    fn all_counts(&self) -> Result<Vec<CountRow>, Self::Error>;
    /// Closes.
    fn all_closes(&self) -> Result<Vec<CloseRow>, Self::Error>;
    /// Steps.
    fn all_steps(&self) -> Result<Vec<StepsRow>, Self::Error>;
}
