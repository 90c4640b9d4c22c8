//! What a set of documents means: stock, folded one document at a time.
//!
//! The state is a function of the *set* of documents: any order and any number of repetitions
//! give the same bytes (invariant I10). That is why nothing here is "the first" or "the latest to
//! arrive": every decision compares places or [order keys](crate::order::OrderKey), every base row
//! is a member of a set that can be put and deleted, and everything derived from them (balances,
//! variances) is adjusted by exactly what changed. One algorithm, several storages:
//! [`FoldStore`] says what a storage must offer, [`memory::MemoryFold`] is the one of tests and
//! models, the ledger and the hub bring their own and prove it with the conformance suite.
//!
//! How a document counts:
//! 1. A part of a group waits until every part of its author's group is there.
//! 2. Of several documents with one source key the least place counts; the others are evidence.
//! 3. A counted document posts movements, asserts counts, closes sessions or binds codes.
//! 4. A document that an opening stands for counts nothing, whenever either of them arrives.
//!
//! The fold must never read a clock, a catalogue or the order of arrival.

mod apply;
#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
mod count;
mod dump;
mod exception;
pub mod memory;
pub mod opening;
mod settle;
mod store;

pub use apply::{Applied, Outcome, apply};
pub use count::{AcceptedLine, CountState, PendingLine};
pub use dump::{Imbalance, dump, verify};
pub use exception::{Exception, exceptions};
pub use settle::count_state;
pub use store::{
    BindRow, CloseRow, CountRow, DuplicateRow, FoldListing, FoldStore, GroupKey, GroupRow,
    MovementRow, OrderFactRow, Rules, Step, StepsRow, TROLLEY_TIME_MS_DEFAULT, UnboundRow, VoidRow,
};

#[cfg(test)]
mod tests;
