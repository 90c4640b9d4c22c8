//! What the documents say was done about an order.

use std::collections::BTreeMap;

use shelf_stock::document::{Document, Kind, OrderStep, Subject};
use shelf_stock::identity::{NodeId, Place};
use shelf_stock::name::ItemId;
use shelf_stock::order::OrderKey;
use shelf_stock::quantity::Quantity;
use shelf_stock::time::Timestamp;

/// How far the goods of an order are, by the store's documents.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Goods of it wait in staging.
    pub is_picked: bool,
    /// Goods of it were picked and put back, and nothing is picked now.
    pub is_put_back: bool,
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
    /// Read from an order's documents, in any order.
    pub fn of(documents: &[Document]) -> Self {
        let mut documents: Vec<&Document> = documents.iter().collect();
        documents.sort_by_key(|it| OrderKey::of(it));
        let mut progress = Self::default();
        for document in documents {
            let Kind::Order { step, .. } = &document.draft.kind else {
                continue;
            };
            progress.by = Some(document.place.node);
            match step {
                OrderStep::Pick => (progress.is_picked, progress.is_put_back) = (true, false),
                OrderStep::PutBack => (progress.is_picked, progress.is_put_back) = (false, true),
                OrderStep::HandOver if progress.handed_over_by.is_some() => {
                    progress.again.push(document.place);
                }
                OrderStep::HandOver => {
                    progress.is_picked = false;
                    progress.handed_over_by = Some(document.place);
                    progress.handed_over = moved(document);
                }
                OrderStep::Short { missing } => {
                    progress.short_at = Some(document.wall);
                    for (item, quantity) in super::sums(missing) {
                        let sum = progress.missing.entry(item).or_default();
                        *sum = sum.plus(quantity);
                    }
                }
            }
        }
        progress
    }

    /// Whether somebody has begun and nothing is back on the shelf.
    pub fn has_begun(&self) -> bool {
        self.is_picked || self.handed_over_by.is_some()
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
