//! The application unit of ZVT: class, instruction, length, data. The data may hold a card number, so
//! its `Debug` goes through the masker; code that needs the bytes asks for them by name.

use std::fmt;

use super::mask::{MaskedBytes, MaskedFrame};

/// The most data bytes a three-byte length can announce.
pub const APDU_DATA_BYTES_MAX: usize = 0xFFFF;

/// One application unit (`CC II | length | data`).
#[derive(Clone, PartialEq, Eq)]
pub struct Apdu {
    class: u8,
    instruction: u8,
    data: Vec<u8>,
}

impl Apdu {
    /// A unit of these parts; `None` when the data is longer than [`APDU_DATA_BYTES_MAX`].
    #[must_use]
    pub fn new(class: u8, instruction: u8, data: Vec<u8>) -> Option<Self> {
        (data.len() <= APDU_DATA_BYTES_MAX).then_some(Self {
            class,
            instruction,
            data,
        })
    }

    /// As [`Apdu::new`] for data this crate built; too much data is cut off.
    pub(super) fn build(class: u8, instruction: u8, mut data: Vec<u8>) -> Self {
        data.truncate(APDU_DATA_BYTES_MAX);
        Self {
            class,
            instruction,
            data,
        }
    }

    /// The two control bytes.
    #[must_use]
    pub fn control(&self) -> (u8, u8) {
        (self.class, self.instruction)
    }

    /// The data bytes. They may hold card data: never log, store or send them on.
    #[must_use]
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// The bytes on a TCP connection: no framing beyond the length.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.data.len() + 5);
        out.extend([self.class, self.instruction]);
        let length = u16::try_from(self.data.len())
            .unwrap_or(u16::MAX)
            .to_le_bytes();
        match u8::try_from(self.data.len()) {
            Ok(short) if short < 0xFF => out.push(short),
            _ => out.extend([0xFF, length[0], length[1]]),
        }
        out.extend_from_slice(&self.data);
        out
    }

    /// Reads exactly one unit; `None` when bytes are missing or left over.
    pub(super) fn read_exact(bytes: &[u8]) -> Option<Self> {
        let (head, length) = header(bytes)?;
        let data = bytes.get(head..)?;
        if data.len() != length {
            return None;
        }
        let (class, instruction) = (*bytes.first()?, *bytes.get(1)?);
        Some(Self {
            class,
            instruction,
            data: data.to_vec(),
        })
    }
}

impl fmt::Debug for Apdu {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Apdu({})", MaskedFrame::of(self))
    }
}

/// The sizes of header and data announced by the first bytes; `None` while the header is incomplete.
pub(super) fn header(bytes: &[u8]) -> Option<(usize, usize)> {
    match *bytes.get(2)? {
        0xFF => {
            let length = u16::from_le_bytes([*bytes.get(3)?, *bytes.get(4)?]);
            Some((5, usize::from(length)))
        }
        short => Some((3, usize::from(short))),
    }
}

/// What a decoder could not read. The bytes are masked and bounded: a fault may be logged and stored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Bytes that start no ZVT unit: another protocol on the port, or a lost beginning.
    #[error("bytes that are not ZVT were skipped: {0}")]
    NotZvt(MaskedBytes),
    /// A unit stopped before its end.
    #[error("a ZVT frame ended early: {0}")]
    Incomplete(MaskedBytes),
    /// More arrived than the buffer holds; everything held was dropped.
    #[error("more than the buffer holds arrived at once; dropped: {0}")]
    Overflow(MaskedBytes),
    /// A serial frame with a wrong check sum.
    #[error("serial frame with a wrong check sum: {0}")]
    Crc(MaskedBytes),
    /// A serial frame with an impossible DLE sequence.
    #[error("serial frame with an impossible DLE sequence: {0}")]
    Stuffing(MaskedBytes),
    /// The length inside a serial frame and the frame disagree.
    #[error("the length in a serial frame does not fit the frame: {0}")]
    Length(MaskedBytes),
    /// A unit whose content lacks what its instruction needs.
    #[error("a ZVT unit lacks a field it must have: {0}")]
    Content(MaskedBytes),
}
