//! The memory storage with a fault on purpose: what the property test must be able to catch.

use std::cell::Cell;

use crate::document::{ClosedLog, Document, SourceKey};
use crate::fold::memory::{MemoryFold, MissingDocument};
use crate::fold::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldListing, FoldStore, GroupKey, GroupRow,
    MovementRow, OrderFactRow, Rules, Step, StepsRow, UnboundRow, VoidRow,
};
use crate::identity::{Digest, Incarnation, NodeId, Place, Seq};
use crate::location::Location;
use crate::name::{Code, ItemId, SessionId};
use crate::order::OrderKey;
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// Mistakes that somebody could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The report of a receipt that arrived last counts.
    LastReportCounts,
    /// The report that arrived first counts.
    FirstReportCounts,
    /// Lines of counts are replayed as they arrived.
    CountsByArrival,
    /// A movement before the cut changes the book.
    LateMovementMovesBook,
    /// A count ignores what moved before it.
    CountForgetsMovements,
    /// A binding is for later sales only.
    BindingNotForWaitingLines,
    /// The binding that arrived last is in force.
    LastBindingArrivedHolds,
    /// A repeated document is folded again.
    RepeatsCount,
    /// Parts of a group don't wait.
    GroupsDontWait,
    /// A count does not look for movements around it.
    NothingIsAmbiguous,
    /// A close speaks only for the lines that are here when it comes.
    CloseForgotten,
    /// A displaced document leaves its movements.
    MovementsStay,
    /// Whatever reads more than one row fails (no mistake: shows what never scans).
    ScansFail,
}

pub(super) const FAULTS: [Fault; 12] = [
    Fault::LastReportCounts,
    Fault::FirstReportCounts,
    Fault::CountsByArrival,
    Fault::LateMovementMovesBook,
    Fault::CountForgetsMovements,
    Fault::BindingNotForWaitingLines,
    Fault::LastBindingArrivedHolds,
    Fault::RepeatsCount,
    Fault::GroupsDontWait,
    Fault::NothingIsAmbiguous,
    Fault::CloseForgotten,
    Fault::MovementsStay,
];

/// Above every real place.
const TOP: Place = Place {
    node: NodeId::from_bytes([0xFF; 16]),
    incarnation: Incarnation(u64::MAX),
    seq: Seq(u64::MAX),
};

#[derive(Default)]
pub(super) struct Mutant {
    pub(super) inner: MemoryFold,
    pub(super) fault: Option<Fault>,
    asked: Cell<Option<Place>>,
    counts: Vec<(OrderKey, u16)>,
    binds: Vec<BindRow>,
}

impl Mutant {
    pub(super) fn new(fault: Option<Fault>) -> Self {
        Self {
            fault,
            ..Self::default()
        }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == Some(fault)
    }

    fn scan(&self) -> Answer<()> {
        match self.has(Fault::ScansFail) {
            true => Err(MissingDocument(TOP)),
            false => Ok(()),
        }
    }

    fn real(&self, place: Place) -> Place {
        match self.asked.get() {
            Some(asked) if place == TOP => asked,
            _ => place,
        }
    }
}

type Answer<T> = Result<T, MissingDocument>;

macro_rules! forward {
    ($(fn $name:ident(&mut self $(, $arg:ident: $ty:ty)*) $(-> $out:ty)?;)*) => {$(
        fn $name(&mut self $(, $arg: $ty)*) -> Answer<()> {
            self.inner.$name($($arg),*)
        }
    )*};
}

impl FoldStore for Mutant {
    type Error = MissingDocument;

    forward! {
        fn close_log(&mut self, node: NodeId, closed: &ClosedLog);
        fn forget(&mut self, places: &[Place]);
        fn group_delete(&mut self, row: &GroupRow);
        fn source_delete(&mut self, key: &SourceKey);
        fn duplicate_delete(&mut self, row: &DuplicateRow);
        fn group_put(&mut self, row: &GroupRow);
        fn source_set(&mut self, key: &SourceKey, place: Place);
        fn movement_put(&mut self, row: &MovementRow);
        fn balance_add(&mut self, item: &ItemId, location: &Location, quantity: Quantity);
        fn unbound_put(&mut self, row: &UnboundRow);
        fn unbound_delete(&mut self, row: &UnboundRow);
        fn void_put(&mut self, row: &VoidRow);
        fn void_delete(&mut self, row: &VoidRow);
        fn order_fact_put(&mut self, row: &OrderFactRow);
        fn order_fact_delete(&mut self, row: &OrderFactRow);
        fn count_delete(&mut self, row: &CountRow);
        fn close_put(&mut self, row: &CloseRow);
        fn close_delete(&mut self, row: &CloseRow);
        fn steps_set(&mut self, item: &ItemId, location: &Location, steps: &[Step]);
    }

    fn rules(&self) -> Rules {
        self.inner.rules()
    }

    fn remember(&mut self, document: &Document) -> Answer<bool> {
        let new = self.inner.remember(document)?;
        Ok(new || self.has(Fault::RepeatsCount))
    }

    fn document(&self, place: Place) -> Answer<Document> {
        self.inner.document(self.real(place))
    }

    fn is_known(&self, place: Place) -> Answer<bool> {
        self.inner.is_known(self.real(place))
    }

    fn closed(&self, node: NodeId, incarnation: Incarnation) -> Answer<Seq> {
        self.inner.closed(node, incarnation)
    }

    fn duplicates_of(&self, key: &SourceKey) -> Answer<Vec<Place>> {
        self.inner.duplicates_of(key)
    }

    fn remembered(&self, node: NodeId, within: &ClosedLog) -> Answer<Vec<Place>> {
        self.inner.remembered(node, within)
    }

    fn group_parts(&self, key: &GroupKey) -> Answer<Vec<GroupRow>> {
        self.scan()?;
        if !self.has(Fault::GroupsDontWait) {
            return self.inner.group_parts(key);
        }
        let row = |index| GroupRow {
            key: key.clone(),
            index,
            place: TOP,
        };
        Ok((0..key.of).map(row).collect())
    }

    fn source_counted(&self, key: &SourceKey) -> Answer<Option<Place>> {
        let counted = self.inner.source_counted(key)?;
        self.asked.set(counted);
        Ok(match self.fault {
            Some(Fault::LastReportCounts) => counted.map(|_| TOP),
            Some(Fault::FirstReportCounts) => counted.map(|_| OrderKey::MIN.place),
            _ => counted,
        })
    }

    fn duplicate_put(&mut self, row: &DuplicateRow) -> Answer<()> {
        let place = self.real(row.place);
        let source = row.source.clone();
        self.inner.duplicate_put(&DuplicateRow { source, place })
    }

    fn movement_delete(&mut self, row: &MovementRow) -> Answer<()> {
        if self.has(Fault::MovementsStay) {
            return Ok(());
        }
        self.inner.movement_delete(row)
    }

    fn net(
        &self,
        item: &ItemId,
        location: &Location,
        after: Option<&OrderKey>,
        until: &OrderKey,
    ) -> Answer<Quantity> {
        self.scan()?;
        if self.has(Fault::CountForgetsMovements) {
            return Ok(Quantity::ZERO);
        }
        self.inner.net(item, location, after, until)
    }

    fn movements_within(
        &self,
        item: &ItemId,
        location: &Location,
        from: Timestamp,
        to: Timestamp,
    ) -> Answer<u32> {
        self.scan()?;
        if self.has(Fault::NothingIsAmbiguous) {
            return Ok(0);
        }
        self.inner.movements_within(item, location, from, to)
    }

    fn unbound_lines(&self, code: &Code) -> Answer<Vec<UnboundRow>> {
        self.scan()?;
        if self.has(Fault::BindingNotForWaitingLines) {
            return Ok(vec![]);
        }
        self.inner.unbound_lines(code)
    }

    fn bind_put(&mut self, row: &BindRow) -> Answer<()> {
        self.binds.push(row.clone());
        self.inner.bind_put(row)
    }

    fn bind_delete(&mut self, row: &BindRow) -> Answer<()> {
        self.binds.retain(|it| it != row);
        self.inner.bind_delete(row)
    }

    fn bind_latest(&self, code: &Code) -> Answer<Option<OrderKey>> {
        if self.has(Fault::LastBindingArrivedHolds) {
            let arrived = self.binds.iter().rev().find(|it| it.code == *code);
            return Ok(arrived.map(|it| it.key));
        }
        self.inner.bind_latest(code)
    }

    fn count_put(&mut self, row: &CountRow) -> Answer<()> {
        self.counts.push((row.key, row.line));
        self.inner.count_put(row)
    }

    fn count_rows(&self, item: &ItemId, location: &Location) -> Answer<Vec<CountRow>> {
        self.scan()?;
        let mut rows = self.inner.count_rows(item, location)?;
        if self.has(Fault::CountsByArrival) {
            let arrival = |row: &CountRow| {
                let own = (row.key, row.line);
                self.counts.iter().position(|it| *it == own)
            };
            let mut keys: Vec<OrderKey> = rows.iter().map(|it| it.key).collect();
            keys.sort_unstable();
            rows.sort_by_key(arrival);
            for (row, key) in rows.iter_mut().zip(keys) {
                row.key = key;
            }
        }
        Ok(rows)
    }

    fn session_items(&self, session: &SessionId, location: &Location) -> Answer<Vec<ItemId>> {
        self.scan()?;
        self.inner.session_items(session, location)
    }

    fn closes_of(&self, session: &SessionId, location: &Location) -> Answer<Vec<CloseRow>> {
        self.scan()?;
        if self.has(Fault::CloseForgotten) {
            return Ok(vec![]);
        }
        self.inner.closes_of(session, location)
    }

    fn closes_listing(&self, item: &ItemId, location: &Location) -> Answer<Vec<CloseRow>> {
        self.scan()?;
        self.inner.closes_listing(item, location)
    }

    fn step_last(&self, item: &ItemId, location: &Location) -> Answer<Option<Step>> {
        if self.has(Fault::LateMovementMovesBook) {
            return Ok(None);
        }
        self.inner.step_last(item, location)
    }

    fn steps(&self, item: &ItemId, location: &Location) -> Answer<Vec<Step>> {
        self.scan()?;
        self.inner.steps(item, location)
    }
}

macro_rules! list {
    ($($name:ident: $row:ty;)*) => {
        impl FoldListing for Mutant {
            $(fn $name(&self) -> Answer<Vec<$row>> {
                self.inner.$name()
            })*
        }
    };
}

list! {
    all_closed: (Place, Digest);
    all_groups: GroupRow;
    all_sources: (SourceKey, Place);
    all_duplicates: DuplicateRow;
    all_movements: MovementRow;
    all_balances: (ItemId, Location, Quantity);
    all_unbound: UnboundRow;
    all_binds: BindRow;
    all_voids: VoidRow;
    all_order_facts: OrderFactRow;
    all_counts: CountRow;
    all_closes: CloseRow;
    all_steps: StepsRow;
}
