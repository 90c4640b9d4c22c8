//! The till's side of an ECR17 dialogue over TCP.
//!
//! The terminal says once what became of a payment and does not say for how much when it is asked again: it
//! tells the number (STAN) of its last transaction. So the machine learns that number *before* it sends a
//! payment, makes the record durable, sends once, makes the sale durable and only then acknowledges the
//! result. What a lost connection leaves open is asked for with `G`; it is settled only where the number
//! follows the one before, or where the number is still the one before long after any customer could be at
//! the terminal. Everything else is left to people. A request that moves money is repeated only when the
//! terminal itself says that it did not get it (NAK), never after silence and never on a new connection.
//!
//! Duties of the shell are those of [`crate::zvt`]: effects in order, [`Effect::PersistState`] durable and
//! answered, a second [`Effect::CommitThenConfirm`] answered as the first, open records given to
//! [`Input::Resume`] after a restart, [`Input::Tick`] at the time of the last [`Effect::SetTimer`].

mod charge;
mod interface;
mod resolve;
mod session;

#[cfg(test)]
mod tests;

pub use interface::{
    Command, Config, Effect, Input, Kind, LastResult, Outcome, Previous, Record, SilenceLimit,
};
pub use session::Session;
