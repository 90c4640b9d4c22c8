//! The exchange of logs, as two machines without IO: [`node`] on every PC, [`hub`] on the far end.
//!
//! A machine gets an input, the time and one transaction's view of a [`store::Store`]; it changes
//! the store and appends effects. **The caller commits the transaction and only then carries out
//! the effects; if the commit fails it drops them and resets the machine.** That one rule is why
//! an ack means "committed", why a crash at any moment loses nothing but time, and why the same
//! machines run on memory, SQLite and PostgreSQL.
//!
//! Invariants, each pinned by a test of the cluster harness (`tests/cluster.rs`):
//!
//! - An ack names only what the acking side has committed (I8, I12).
//! - A cursor moves only by the other side's ack, never by the transport's.
//! - A log is sent in order and without holes; what is lost is sent again from the cursor.
//! - Documents are relayed byte for byte with their author's signature; a relay can't make one.
//! - Any authentic bytes are stored and acked. What can't be used is parked beside the log: it
//!   never blocks what comes after it (I15).
//! - Replays, reordering and duplicates change nothing (I9, I10).
//! - All state that must outlive a crash is in the store; a machine that was dropped and made anew
//!   catches up by saying hello.

#![forbid(unsafe_code)]

#[cfg(any(test, feature = "conformance"))]
pub mod conformance;
pub mod digest;
mod facts;
mod held;
pub mod hub;
mod intake;
pub mod memory;
pub mod node;
pub mod opening;
pub mod orders;
mod outflow;
pub mod retention;
pub mod rights;
pub mod snapshot;
pub mod store;
mod time;

pub use outflow::{
    ACK_TIMEOUT_MS, ACK_TIMEOUT_MS_MAX, SEND_BYTES_MAX, SEND_DOCUMENTS_MAX, WINDOW_BATCHES,
};
pub use time::Now;

/// After so long without a frame from the other side, a page may not be green and the exchange
/// begins again with a hello.
pub const SILENCE_MS_MAX: u64 = 90_000;
/// How often a PC sends its status row.
pub const STAT_INTERVAL_MS: u64 = 30_000;
