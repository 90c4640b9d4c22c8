//! Numbers computed elsewhere, and what must hold for all of them.

mod property;
mod table;
