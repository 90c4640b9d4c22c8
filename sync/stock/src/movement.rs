//! Movements: what a document takes from one location and puts on another.
//!
//! A line of a receipt is what people see; a movement is what stock sees: a bundle is its parts,
//! a code that nobody knows moves nothing until it is bound, a keyed department price never
//! moves anything. Deriving them needs the document and the binding of the code, nothing else.

use std::collections::BTreeMap;

use crate::document::{Document, Kind, Line, OrderStep, Subject};
use crate::item::Part;
use crate::location::Location;
use crate::name::{Code, ItemId};
use crate::quantity::Quantity;
use crate::time::Timestamp;

/// So much of an item going from one location to another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Movement {
    /// What moved.
    pub item: ItemId,
    /// How much.
    pub quantity: Quantity,
    /// Where it was.
    pub from: Location,
    /// Where it went.
    pub to: Location,
    /// When it happened in the shop.
    pub effective: Timestamp,
    /// Which line of the document, from 0. `(place, line, item)` is unique.
    pub line: u16,
}

/// Whether the lines of such a document move goods (sale, void, goods receipt, transfer,
/// adjustment, order, opening). Counts assert, bindings name, evidence only says so.
pub fn moves_goods(kind: &Kind) -> bool {
    match kind {
        Kind::Sale
        | Kind::Void { .. }
        | Kind::GoodsReceipt
        | Kind::Transfer
        | Kind::Adjustment { .. }
        | Kind::Opening { .. }
        | Kind::Order {
            step: OrderStep::Pick | OrderStep::PutBack | OrderStep::HandOver,
            ..
        } => true,
        Kind::Order {
            step: OrderStep::Short { .. },
            ..
        }
        | Kind::Count { .. }
        | Kind::CountClose { .. }
        | Kind::Bind { .. }
        | Kind::Evidence { .. } => false,
    }
}

/// The lines of a document that may move goods, with their numbers from 0.
pub fn lines(document: &Document) -> impl Iterator<Item = (u16, &Line)> {
    let lines: &[Line] = if moves_goods(&document.draft.kind) {
        &document.draft.lines
    } else {
        &[]
    };
    (0_u16..).zip(lines)
}

/// The movements of one line. `bound` is what one unit of an unbound line's code takes from
/// stock (empty: not bound, no movement). [`Line::parts`] are totals of the line, as
/// [`crate::item::Item::explode`] gives them; the parts of a binding are per unit. Parts of one
/// item are added up; parts that round to nothing are left out.
pub fn of_line(line: &Line, number: u16, bound: &[Part]) -> Vec<Movement> {
    let mut sums = BTreeMap::<&ItemId, Quantity>::new();
    let mut add = |item, quantity: Quantity| {
        let sum = sums.entry(item).or_default();
        *sum = sum.plus(quantity);
    };
    match &line.subject {
        Subject::Item(item) if line.parts.is_empty() => add(item, line.quantity),
        Subject::Item(_) => line.parts.iter().for_each(|it| add(&it.item, it.quantity)),
        Subject::Unbound(_) => bound
            .iter()
            .for_each(|it| add(&it.item, it.quantity.times(line.quantity))),
        Subject::Open => {}
    }
    let movement = |(item, quantity): (&ItemId, Quantity)| Movement {
        item: item.clone(),
        quantity,
        from: line.from.clone(),
        to: line.to.clone(),
        effective: line.effective,
        line: number,
    };
    sums.into_iter()
        .filter(|(_, quantity)| *quantity != Quantity::ZERO)
        .map(movement)
        .collect()
}

/// All movements of a document; `bound` says what one unit of a code takes from stock.
pub fn of_document(document: &Document, bound: impl Fn(&Code) -> Vec<Part>) -> Vec<Movement> {
    let of = |(number, line): (u16, &Line)| match &line.subject {
        Subject::Unbound(code) => of_line(line, number, &bound(code)),
        Subject::Item(_) | Subject::Open => of_line(line, number, &[]),
    };
    lines(document).flat_map(of).collect()
}
