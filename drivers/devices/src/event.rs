//! What a device thread tells the daemon: scans, weights, tags, faults and changes of state, each with an identity
//! that stays unique for ever, so that whoever stores a scan can refuse a second copy of it. A
//! fault carries its bytes (long numbers masked); a damaged scan is never a shorter scan.

use std::sync::Arc;

use shelf_codecs::escpos::Receipt;
use shelf_codecs::scanner::Scan;

use crate::clock::Stamp;
use crate::decoder::Fault;
use crate::status::DeviceState;
use crate::tag_read::TagRead;
use crate::weighing::Weighing;

/// Exactly-once identity of an event, together with the device's name: the incarnation of the
/// device layer (drawn anew at every start of the process) and a gap-free counter inside it that
/// runs on over re-plugs and driver failures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventSeq {
    /// Drawn at start; never used twice.
    pub incarnation: u64,
    /// Counts the events of one device from 1, without gaps.
    pub counter: u64,
}

/// One thing that happened at one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceEvent {
    /// The configured name.
    pub device: Arc<str>,
    /// Its identity within that device.
    pub seq: EventSeq,
    /// When the bytes that completed it were read.
    pub at: Stamp,
    /// What happened.
    pub payload: Payload,
}

/// What happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Payload {
    /// A complete scan, its prefix taken off: ask for its text with `PrefixScheme::None`.
    Scan(Scan),
    /// The number of a badge that was shown to a reader, 1 to 10 bytes. Whoever has it can copy the
    /// badge: to be compared as a keyed hash, never logged.
    Badge(Vec<u8>),
    /// How a weighing ended: a weight at rest, or why there is none.
    Weight(Weighing),
    /// Reads of RFID tags, at most [`TAGS_PER_EVENT_MAX`](crate::tag_read::TAGS_PER_EVENT_MAX).
    Tags(Vec<TagRead>),
    /// A receipt that was printed at this till, masked.
    Receipt(Box<Receipt>),
    /// Something that people should know of the device, in words; also in its status. At most
    /// [`NOTICE_BYTES_MAX`](crate::decoder::NOTICE_BYTES_MAX), masked.
    Notice(String),
    /// Bytes that are no scan: cut off, too long, damaged. Of a device that sends nothing else, sixty a
    /// minute; all are counted in its status.
    Fault(Fault),
    /// The device came, went, or is held by another program.
    State(DeviceState),
}

/// Fixed cost of an event in a queue, in bytes, beside its payload.
const EVENT_BYTES_FIXED: usize = 128;

impl DeviceEvent {
    /// Roughly what the event occupies, in bytes: what bounded buffers count.
    #[must_use]
    pub fn cost_bytes(&self) -> usize {
        let payload = match &self.payload {
            Payload::Scan(scan) => scan.bytes.len(),
            Payload::Badge(uid) => uid.len(),
            Payload::Fault(fault) => fault.masked.len(),
            Payload::Tags(reads) => reads.len() * size_of::<TagRead>(),
            Payload::Receipt(it) => it.lines.iter().chain(&it.codes).map(|l| l.len() + 24).sum(),
            Payload::Notice(words) => words.len(),
            Payload::Weight(_) | Payload::State(_) => 0,
        };
        EVENT_BYTES_FIXED + payload
    }
}
