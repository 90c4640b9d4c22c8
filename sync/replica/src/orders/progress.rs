//! What the documents say was done about an order.

use std::collections::BTreeMap;

use shelf_stock::document::{Document, Kind, OrderStep, Subject};
use shelf_stock::identity::{NodeId, Place};
use shelf_stock::location::Location;
use shelf_stock::name::ItemId;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// How far the goods of an order are, by the store's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Goods of it wait in staging.
    pub is_picked: bool,
    /// Goods of it were picked and put back, and nothing is picked now.
    pub is_put_back: bool,
    /// What of it waits in staging.
    pub staged: BTreeMap<ItemId, Quantity>,
    /// What left with the first hand-over; empty: nobody has it yet.
    pub handed_over: BTreeMap<ItemId, Quantity>,
    /// The first hand-over.
    pub handed_over_by: Option<Place>,
    /// Hand-overs after the first: each is a contradiction.
    pub again: Vec<Place>,
    /// What the shelf didn't have.
    pub missing: BTreeMap<ItemId, Quantity>,
    /// When a shortage was found last.
    pub short_at: Option<Timestamp>,
    /// The PC that did something last.
    pub by: Option<NodeId>,
}

impl Progress {
    /// Read from an order's documents, in any order. What waits in staging is a sum, so that no
    /// PC's clock can make goods wait that are gone; what was first is by hybrid logical time.
    pub fn of(documents: &[Document]) -> Self {
        let mut documents: Vec<&Document> = documents.iter().collect();
        documents.sort_by_key(|it| (it.hlc, it.place));
        let mut progress = Self::default();
        let mut staged = BTreeMap::<ItemId, Quantity>::new();
        let (mut picks, mut put_backs) = (0_usize, 0_usize);
        for document in documents {
            let Kind::Order { step, .. } = &document.draft.kind else {
                continue;
            };
            progress.by = Some(document.place.node);
            stage(document, &mut staged);
            match step {
                OrderStep::Pick => picks += 1,
                OrderStep::PutBack => put_backs += 1,
                OrderStep::HandOver if progress.handed_over_by.is_some() => {
                    progress.again.push(document.place);
                }
                OrderStep::HandOver => {
                    progress.handed_over_by = Some(document.place);
                    progress.handed_over = moved(document);
                }
                OrderStep::Short { missing } => {
                    progress.short_at = progress.short_at.max(Some(document.wall));
                    for (item, quantity) in super::sums(missing) {
                        let sum = progress.missing.entry(item).or_default();
                        *sum = sum.plus(quantity);
                    }
                }
            }
        }
        staged.retain(|_, quantity| *quantity > Quantity::ZERO);
        progress.is_picked = !staged.is_empty();
        progress.is_put_back =
            !progress.is_picked && picks > 0 && put_backs > 0 && progress.handed_over_by.is_none();
        progress.staged = staged;
        progress
    }

    /// Whether somebody has begun and nothing is back on the shelf.
    pub fn has_begun(&self) -> bool {
        self.is_picked || self.handed_over_by.is_some()
    }
}

/// Adds what a document put into staging and took from it.
fn stage(document: &Document, staged: &mut BTreeMap<ItemId, Quantity>) {
    for line in &document.draft.lines {
        let Subject::Item(item) = &line.subject else {
            continue;
        };
        let sum = staged.entry(item.clone()).or_default();
        if line.to == Location::Staging {
            *sum = sum.plus(line.quantity);
        }
        if line.from == Location::Staging {
            *sum = sum.minus(line.quantity);
        }
    }
}

/// What a document's lines take from stock, per item.
fn moved(document: &Document) -> BTreeMap<ItemId, Quantity> {
    let mut moved = BTreeMap::<ItemId, Quantity>::new();
    for line in &document.draft.lines {
        let Subject::Item(item) = &line.subject else {
            continue;
        };
        let sum = moved.entry(item.clone()).or_default();
        *sum = sum.plus(line.quantity);
    }
    moved
}
