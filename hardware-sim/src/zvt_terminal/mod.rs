//! A ZVT payment terminal: what a till's card dialogue is tested against.
//!
//! The core ([`Terminal`]) takes bytes and virtual time, so a test can pull the cable at every byte;
//! the same core behind a TCP port or a pseudo-terminal ([`TerminalHandle`]) serves demo and tests. It
//! keeps its own books (which payments were really taken, which were reversed), because the cash
//! register's word is what is under test. It does what real terminals are known to do when an answer
//! stays out, by vendor: reverse, decline, or keep the money. It must never be lenient: an approval
//! that is not acknowledged is not a sale unless the configured vendor says so.

mod commands;
mod frames;
mod run;
mod script;
mod server;
mod terminal;

pub use crate::line_server::LineAction as Action;
pub use crate::terminal_cable::{Cut, Direction};
pub use frames::sample_frames;
pub use script::{
    Booked, BookedKind, BookedState, Busy, LastAfterReversal, PaymentScript, Pull, Repeat,
    ScriptResult, TerminalConfig, Unacknowledged,
};
pub use server::TerminalHandle;
pub use terminal::Terminal;
