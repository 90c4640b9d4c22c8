//! The serial devices of a counter that talk back: scales, SSI scanners, and scanners with a scale on
//! one cable.
//!
//! The core ([`CounterDevice`]) takes bytes and virtual time; [`LineServer`](crate::line_server) puts it
//! on a pseudo-terminal or a port. It speaks through the codecs' own encoders and is lenient in nothing: a
//! scanner that is not acknowledged repeats, a scale that moves gives no weight. It keeps a record of the
//! codes that it showed and the beeps that it heard. The same seed and the same orders give the same bytes.

mod device;
mod order;
mod plate;
mod ssi_talk;
mod voice;

#[cfg(test)]
mod tests;

pub use device::{CounterDevice, CounterModel};
pub use order::{CounterFault, CounterOrder, OrderError};
