//! Which items' stock committed transactions of this PC changed.
//!
//! Whoever acts on stock (the rights that this store grants) asks for what changed since it asked
//! last. The commit path only appends names to a list and hands them over after COMMIT; nothing is
//! collected before somebody said that they will ask, and what is collected is a set, so that it
//! never grows beyond the shop's items. Never part of a transaction: what was undone is not here.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use shelf_stock::name::ItemId;

#[derive(Debug, Default)]
pub(crate) struct Touched {
    is_wanted: AtomicBool,
    items: Mutex<BTreeSet<ItemId>>,
}

impl Touched {
    /// A transaction that did this has committed.
    pub(crate) fn add(&self, items: &mut Vec<ItemId>) {
        if items.is_empty() {
            return;
        }
        if self.is_wanted.load(Ordering::Relaxed) {
            let mut all = self.items.lock().unwrap_or_else(PoisonError::into_inner);
            all.extend(items.drain(..));
        }
        items.clear();
    }

    /// What was added since the last call; from now on it is collected.
    pub(crate) fn take(&self) -> Vec<ItemId> {
        self.is_wanted.store(true, Ordering::Relaxed);
        let mut all = self.items.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *all).into_iter().collect()
    }
}
