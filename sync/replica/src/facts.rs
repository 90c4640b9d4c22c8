//! What the machines have to look at after documents were stored.
//!
//! Both sides call it with every document that is new to them, their own included. It only says
//! where to look: what holds is read from the store.

use std::collections::{BTreeMap, BTreeSet};

use shelf_stock::document::{Document, Kind, OrderStep};
use shelf_stock::name::{ItemId, OrderId};
use shelf_stock::time::Timestamp;

/// What new documents are about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Orders that something was done about.
    pub(crate) orders: BTreeSet<OrderId>,
    /// Items that moved or were counted.
    pub(crate) items: BTreeSet<ItemId>,
    /// Items that a picker didn't find, and when.
    pub(crate) short: BTreeMap<ItemId, Timestamp>,
    /// Items that were counted, and when last.
    pub(crate) counted: BTreeMap<ItemId, Timestamp>,
}

impl Facts {
    /// Takes a document in.
    pub(crate) fn note(&mut self, document: &Document) {
        match &document.draft.kind {
            Kind::Order { order, step } => {
                self.orders.insert(order.clone());
                if let OrderStep::Short { missing } = step {
                    for part in missing {
                        latest(&mut self.short, &part.item, document.wall);
                    }
                }
            }
            Kind::Count { counted, .. } => {
                for line in counted {
                    latest(&mut self.counted, &line.item, line.effective);
                    self.items.insert(line.item.clone());
                }
            }
            // They may never come by themselves.
            Kind::Opening { carried, .. } => carried.iter().for_each(|it| self.note(it)),
            _ => {}
        }
        for (number, line) in shelf_stock::movement::lines(document) {
            let movements = shelf_stock::movement::of_line(line, number, &line.parts);
            self.items.extend(movements.into_iter().map(|it| it.item));
        }
    }
}

fn latest(times: &mut BTreeMap<ItemId, Timestamp>, item: &ItemId, at: Timestamp) {
    let time = times.entry(item.clone()).or_insert(at);
    *time = (*time).max(at);
}
