//! A UHF reader on a serial line: set up, kept reading, and missed when it falls silent.
//!
//! Five families speak differently; [`Session`] knows of each how it is set up, whether it must be asked
//! again and again or streams by itself, and what a sign of life looks like. A read whose own check sum
//! fails is dropped and counted. Cheap readers hang: after silence the set-up begins again with growing
//! pauses, and [`Effect::ResetDevice`] asks for what only the USB layer can do. The machine must never spin,
//! and never take silence for "no tags": a working reader says that too.
//!
//! The connection is the shell's: it opens the port, says [`Input::Connected`] and [`Input::Disconnected`],
//! performs effects in order and calls [`Input::Tick`] at the time of the last [`Effect::SetTimer`].

mod family;
mod session;

#[cfg(test)]
mod tests;

pub use family::Family;
pub use session::{Config, Effect, Input, Session, State, TagSink, Trouble};
