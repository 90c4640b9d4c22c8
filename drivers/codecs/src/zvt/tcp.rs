//! Units out of a TCP stream, whatever its fragments.
//!
//! TCP carries ZVT without any framing, so after a lost byte only the control bytes tell where a unit
//! may start: bytes that can start none are skipped and reported. A dialogue that sees such a fault
//! should close the connection; this decoder only promises to go on.

use std::fmt;

use super::apdu::{APDU_DATA_BYTES_MAX, Apdu, Fault, header};
use super::mask::MaskedBytes;

/// The most bytes held: one unit of the largest size and as much again behind it.
pub const BUFFER_BYTES_MAX: usize = 2 * (APDU_DATA_BYTES_MAX + 5);

/// What comes out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A complete unit.
    Apdu(Apdu),
    /// Bytes that could not be read.
    Fault(Fault),
}

/// Cuts a TCP stream into units.
#[derive(Default)]
pub struct TcpDecoder {
    held: Vec<u8>,
    /// Where unread bytes start in `held`; compacted on push, so that many units cost no copying.
    read: usize,
    overflow: Option<Fault>,
}

impl TcpDecoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they arrived. Drain with [`TcpDecoder::next_item`] after each push: more than
    /// [`BUFFER_BYTES_MAX`] undrained bytes are dropped and reported.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.read);
        self.read = 0;
        if self.held.len() + bytes.len() > BUFFER_BYTES_MAX {
            self.overflow = Some(Fault::Overflow(MaskedBytes::of(&self.held)));
            self.held.clear();
            return;
        }
        self.held.extend_from_slice(bytes);
    }

    /// The next unit or fault; `None` when more bytes are needed.
    pub fn next_item(&mut self) -> Option<Item> {
        if let Some(fault) = self.overflow.take() {
            return Some(Item::Fault(fault));
        }
        let rest = self.held.get(self.read..)?;
        let garbage = leading_garbage(rest);
        if garbage > 0 {
            let fault = Fault::NotZvt(MaskedBytes::of(rest.get(..garbage)?));
            self.read += garbage;
            return Some(Item::Fault(fault));
        }
        let (head, length) = header(rest)?;
        let data = rest.get(head..head + length)?.to_vec();
        let apdu = Apdu::build(*rest.first()?, *rest.get(1)?, data);
        self.read += head + length;
        Some(Item::Apdu(apdu))
    }

    /// Ends the stream (connection closed): the fault of a unit that was cut off, if any.
    pub fn finish(&mut self) -> Option<Fault> {
        let rest = self.held.get(self.read..).unwrap_or_default();
        let fault = (!rest.is_empty()).then(|| Fault::Incomplete(MaskedBytes::of(rest)));
        *self = Self::default();
        fault
    }
}

/// How many bytes at the start can begin no unit.
fn leading_garbage(bytes: &[u8]) -> usize {
    bytes
        .iter()
        .enumerate()
        .position(|(at, &class)| may_start(class, bytes.get(at + 1).copied()))
        .unwrap_or(bytes.len())
}

/// Whether a unit may begin so; the second byte may not be there yet.
fn may_start(class: u8, instruction: Option<u8>) -> bool {
    match (class, instruction) {
        (0x04 | 0x05 | 0x06 | 0x08 | 0x0F | 0x80 | 0x84, None) => true,
        (0x04, Some(second)) => matches!(second, 0x01 | 0x0D | 0x0E | 0x0F | 0xFF),
        (0x05, Some(second)) => second == 0x01,
        (0x80, Some(second)) => second == 0x00,
        (0x06 | 0x08 | 0x0F | 0x84, Some(_)) => true,
        _ => false,
    }
}

impl fmt::Debug for TcpDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TcpDecoder({} bytes held)", self.held.len() - self.read)
    }
}
