//! Which very things were sold: the set that pads and exits ask.
//!
//! A fold of its own beside the quantities of stock: for each thing the fact of the latest time counts, in
//! whatever order facts come, for a POS may report a sale after the return that followed it. Bounded: of more
//! than [`SOLD_THINGS_MAX`], the thing with the oldest fact is forgotten, never the newest refused.

use std::collections::{BTreeMap, BTreeSet};

use super::Thing;

/// Most things that are remembered.
pub const SOLD_THINGS_MAX: usize = 100_000;

/// What is known of a thing, from when, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SoldFact {
    /// When.
    pub at_ms: i64,
    /// Sold then; otherwise back in the shop.
    pub is_sold: bool,
}

/// What was sold, thing by thing.
#[derive(Clone, Debug, Default)]
pub struct SoldThings {
    facts: BTreeMap<Thing, SoldFact>,
    by_time: BTreeSet<(i64, Thing)>,
}

impl SoldThings {
    /// Takes a fact; an older one than is known changes nothing. Of two facts of one moment, "back" counts:
    /// a thing that is thought to be sold is not looked for.
    pub fn take(&mut self, thing: Thing, fact: SoldFact) {
        if let Some(known) = self.facts.get(&thing) {
            if !fact.replaces(known) {
                return;
            }
            self.by_time.remove(&(known.at_ms, thing));
        }
        self.facts.insert(thing, fact);
        self.by_time.insert((fact.at_ms, thing));
        if self.facts.len() > SOLD_THINGS_MAX
            && let Some((_, oldest)) = self.by_time.pop_first()
        {
            self.facts.remove(&oldest);
        }
    }

    /// Whether this thing is sold.
    #[must_use]
    pub fn is_sold(&self, thing: &Thing) -> bool {
        self.facts.get(thing).is_some_and(|it| it.is_sold)
    }

    /// What is known of a thing.
    #[must_use]
    pub fn fact(&self, thing: &Thing) -> Option<SoldFact> {
        self.facts.get(thing).copied()
    }
}

impl SoldFact {
    /// Whether this is what counts, rather than what is known.
    #[must_use]
    pub fn replaces(&self, known: &SoldFact) -> bool {
        (self.at_ms, !self.is_sold) > (known.at_ms, !known.is_sold)
    }
}
