//! A fixed reader: LLRP 1.0.1 over TCP, one client, work that it keeps, and reports that it holds.
//!
//! [`LlrpReader`] is the reader without its socket: bytes and time in, bytes out. [`LlrpServer`] puts it on a
//! port of the loopback interface.

mod answer;
mod fault;
mod reader;
mod server;

#[cfg(test)]
mod tests;

pub use fault::LlrpFault;
pub use reader::{HELD_SIGHTINGS_MAX, LlrpReader, LlrpReaderConfig};
pub use server::LlrpServer;
