//! LLRP 1.0.1, the protocol of fixed RFID readers, between bytes and messages, in both directions.
//!
//! [`FrameDecoder`] cuts the stream, [`Message`] is everything a client and a simulated reader say, and
//! [`TagReports`] reads a report tag by tag without taking memory: a portal delivers thousands in a second.
//! Parameters of 1.1 are read; what is unknown or a vendor's is kept raw or skipped by its length and
//! counted, never a reason to drop the connection. Encoders and decoders share the tables of this module,
//! and another decoder (Wireshark's) reads what the encoders write in the end-to-end tests.

mod capability;
mod config;
mod event;
mod frame;
mod message;
mod parameter;
mod report;
mod spec;
mod types;

#[cfg(test)]
mod tests;

pub use capability::Capabilities;
pub use config::{
    AntennaConfig, EventKind, Inventory, ReaderConfig, ReportContent, ReportSpec, Singulation,
    Transmitter,
};
pub use event::{ConnectionAttempt, ReaderEvent, ReaderEvents, ReaderTime, Status, status};
pub use frame::{
    FRAME_BYTES_MAX, FRAME_FAULT_BYTES_MAX, Frame, FrameDecoder, FrameFault, FrameFaultReason,
    FrameItem, HEADER_BYTES,
};
pub use message::{Message, ReadError, SpecCommand};
pub use parameter::{PARAMETERS_MAX, Parameter};
pub use report::{Field, ReportItem, TagReport, TagReports, encode_report};
pub use spec::{AntennaInventory, InventorySpec, RoSpec, Trigger};
pub use types::{MessageType, VERSION_1_0_1, VERSION_1_1};
