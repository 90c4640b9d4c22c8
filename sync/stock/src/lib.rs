//! The business of a shop, as values: items, quantities, money, documents and what follows from
//! them.
//!
//! This crate is the innermost room of shelfd. A PC writes *documents* (a sale, a count, a goods
//! receipt) into its own log; every number that anybody sees is folded from documents. The types
//! here say what a document is; the folds say what a set of documents means. Both ends of the
//! wire, the ledger and the hub share them, which is why the crate is pure: no clock, no
//! randomness, no IO, no hash-map order, and no floating point in what is stored or compared.
//! Anything that depends on how or when
//! documents arrived is a bug here (DESIGN, section 2).
//!
//! Rooms: [`quantity`] and [`money`] (amounts), [`time`] (wall time and hybrid logical time),
//! [`identity`] (who wrote what, where in a log), [`name`] (bounded names), [`location`]
//! (accounts of the double entry), [`item`] (what is stocked), [`document`] (facts),
//! [`customer_order`] (what the hub promised), [`hours`] (when a store is open), [`order`] (their
//! total order), [`movement`] (what they move), [`fold`] (what a set of them means),
//! [`sellable`] (what a channel may show), [`demand`] (what to withhold from it), [`returns`] (where
//! goods go that come back).

#![forbid(unsafe_code)]

pub mod customer_order;
mod decimal;
pub mod demand;
pub mod document;
pub mod fold;
pub mod hours;
pub mod identity;
pub mod item;
pub mod location;
pub mod money;
pub mod movement;
pub mod name;
pub mod order;
pub mod quantity;
pub mod returns;
pub mod sellable;
pub mod time;
