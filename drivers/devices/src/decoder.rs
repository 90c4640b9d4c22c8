//! The seam between a device thread and the pure decoders of `shelf-codecs`: push bytes, take items,
//! say how long silence may last before it ends a frame. A decoder never fails and never grows
//! without bound; what it can't read it returns as a fault and goes on.

use std::time::Duration;

use shelf_codecs::barcode::{Barcode, PrefixScheme, interpret};
use shelf_codecs::escpos::Receipt;
use shelf_codecs::redact::{mask_bytes, mask_text};
use shelf_codecs::scale;
use shelf_codecs::scanner::{FaultReason, Scan};

use crate::tag_read::TagRead;
use crate::weighing::Weighing;

/// Longest notice, in bytes; what is longer is cut.
pub const NOTICE_BYTES_MAX: usize = 200;

/// Why bytes are no scan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FaultCause {
    /// The decoder refused them.
    #[error("{0}")]
    Undecodable(FaultReason),
    /// The decoder of a scale refused them.
    #[error("{0}")]
    NoWeighing(scale::FaultReason),
    /// The decoder of another kind of device refused them, for this reason.
    #[error("{0}")]
    Unreadable(&'static str),
    /// The device went away, or the agent stopped, in the middle of a frame.
    #[error("the device went away in the middle of a scan: scan again")]
    CutOff,
    /// A scanner that ends its scans with a terminator fell silent without one.
    #[error("the end of the scan never came: scan again")]
    EndMissing,
    /// The PC was too slow, and the kernel dropped what the device sent.
    #[error("the PC was too slow and something may be lost: scan again what is missing")]
    Overrun,
}

/// Bytes that are no scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub cause: FaultCause,
    /// The first bytes with long numbers masked, others than printable ASCII as `\xNN`.
    pub masked: String,
    /// How many bytes there were in all.
    pub bytes_total: u64,
}

impl Fault {
    /// A fault over these bytes; masks them.
    #[must_use]
    pub fn new(cause: FaultCause, bytes: &[u8], bytes_total: u64) -> Self {
        Self {
            cause,
            masked: mask_bytes(bytes),
            bytes_total,
        }
    }
}

/// What a decoder or a dialogue yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A complete scan. Its prefix is off already: ask for [`Scan::text`] with
    /// [`PrefixScheme::None`].
    Scan(Scan),
    /// The device's answer to a command, or a status: for the journal, not for the till.
    Reply(Vec<u8>),
    /// The number of a card that was shown to a badge reader.
    Badge(Vec<u8>),
    /// How a weighing ended.
    Weight(Weighing),
    /// Reads of RFID tags: all of one received piece together.
    Tags(Vec<TagRead>),
    /// A receipt that was printed, masked.
    Receipt(Box<Receipt>),
    /// Something that people should know of the device's state, in words; at most
    /// [`NOTICE_BYTES_MAX`] are kept. Said once, when it changes; an empty one says that all is well and
    /// takes the last one out of the device's status.
    Notice(String),
    /// Bytes that are no scan.
    Fault(Fault),
}

/// A pure, bounded, resynchronising decoder.
pub trait Decoder: Send {
    /// Takes bytes as they come, in pieces of any size.
    fn push(&mut self, bytes: &[u8]);
    /// The next item, oldest first.
    fn next(&mut self) -> Option<Decoded>;
    /// Tells that nothing came for [`Decoder::idle_flush_after`].
    fn flush_idle(&mut self);
    /// How long to wait for more before calling [`Decoder::flush_idle`]; `None` while nothing is
    /// pending, so that an idle device costs no wake-ups.
    fn idle_flush_after(&self) -> Option<Duration>;
    /// Something may be missing between what was pushed last and what comes next. Only transports
    /// that can lose reports tell it.
    fn overrun(&mut self) {}
    /// The device is gone or the thread stops: forgets the unfinished frame and returns it as a
    /// fault. Never a scan, however whole it looks.
    fn cut_off(&mut self) -> Option<Fault>;
}

impl Decoded {
    /// How the item reads in the journal, and its length in bytes. Only what is recognised as goods
    /// is shown whole; a payment means or rubbish, which may be one, is masked.
    #[must_use]
    pub fn journal_text(&self) -> (String, u64) {
        match self {
            Self::Scan(scan) => {
                let text = match interpret(&scan.text(PrefixScheme::None), &[]) {
                    Barcode::Refused(_) | Barcode::Bad { .. } => mask_bytes(&scan.bytes),
                    _ => scan.bytes.escape_ascii().to_string(),
                };
                (text, scan.bytes.len() as u64)
            }
            // Whoever has the number can make a copy of the badge.
            Self::Badge(uid) => ("badge".to_owned(), uid.len() as u64),
            Self::Reply(bytes) => (mask_bytes(bytes), bytes.len() as u64),
            Self::Weight(weighing) => (weighing.to_string(), 0),
            Self::Tags(reads) => (format!("{} tag reads", reads.len()), 0),
            Self::Receipt(it) => (format!("a receipt of {} lines", it.lines.len()), 0),
            Self::Notice(words) => (mask_text(words), words.len() as u64),
            Self::Fault(fault) => (fault.masked.clone(), fault.bytes_total),
        }
    }
}
