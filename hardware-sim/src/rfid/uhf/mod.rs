//! A UHF reader on a line: five families, each with its own manners.
//!
//! [`UhfReader`] is the reader without its line: bytes and time in, bytes out. [`UhfServer`] puts it on a
//! pseudo-terminal or, as behind a serial server, on a TCP port.

mod family;
mod reader;
mod server;

#[cfg(test)]
mod tests;

pub use family::UhfModel;
pub use reader::{UhfFault, UhfReader, UhfReaderConfig};
pub use server::UhfServer;
