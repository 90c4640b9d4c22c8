//! The cash register's side of a ZVT dialogue, over TCP or (with [`serial_link`]) a serial line.
//!
//! The commit point of a card sale is our answer to the terminal's status information: until we answer,
//! the terminal takes the money back. [`Session`] therefore asks its shell to make the sale durable
//! ([`Effect::CommitThenConfirm`]) and answers only when it hears [`Input::Committed`]. What a lost
//! connection leaves open is asked for (registration, status enquiry, repeat receipt), compared with the
//! persisted intent and with the receipt the terminal had *before*, and is left to people when it stays
//! unclear. The machine must never send a payment twice, never start one as a health check, and never
//! call a payment failed because an answer is missing.
//!
//! Duties of the shell: perform effects in order; make each [`Effect::PersistState`] durable and answer
//! [`Input::Persisted`]; treat a repeated [`Effect::CommitThenConfirm`] of one intent as committed
//! already; call [`Input::Tick`] at the time of the last [`Effect::SetTimer`]; after a restart, before
//! any command, give each record that is still open ([`crate::payment::PaymentRecord::is_open`]) to
//! [`Input::Resume`], with `committed` set by whether its sale is in the ledger; say [`Input::Settled`]
//! when people have decided about an unknown payment, or it may still be committed when the terminal
//! can tell. The record of an approval
//! belongs into the transaction of its sale, never before it. After [`Effect::Disconnect`] the machine
//! expects no [`Input::Disconnected`]; bytes of the old connection must not follow.

mod charge;
mod dialogue;
mod interface;
mod job;
mod record;
mod resync;
pub mod serial_link;
mod session;
pub mod tap;
mod verdict;

pub use crate::payment::{Ask, IntentId, PaymentState, Rejection};
pub use crate::time::Mono;
pub use interface::{Command, Config, Connection, Effect, Input, Outcome, ShopTime};
pub use record::{ChargeKind, Evidence, IntentRecord, Previous};
pub use session::Session;

#[cfg(test)]
mod serial_tests;
#[cfg(test)]
mod tests;
