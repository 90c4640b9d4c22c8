//! RFID readers and the tags before them: fixed readers that speak LLRP over TCP, and UHF readers on a
//! serial line or behind a serial server.
//!
//! Both read from a [`TagField`], follow the same [`Order`]s (typed, or from a script) and take their time as
//! an argument, so that a seed and a script give the same bytes on every machine. They are built on the
//! codecs' encoders and decoders, which Wireshark and captured frames check elsewhere; nothing here parses a
//! frame of its own. A simulated reader must never be kinder than a real one: it refuses a second client,
//! wants to be set up before it reads, and loses what nobody asked it to hold.

mod field;
pub mod llrp;
mod order;
pub mod uhf;

pub use field::{ANTENNAS_MAX, Sighting, TagField, sgtin};
pub use order::{Order, OrderError, Orders};
