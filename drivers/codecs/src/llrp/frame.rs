//! Messages out of a TCP stream, whatever its fragments.
//!
//! A header has no mark by which it could be found again, so a stream that lost a byte is best closed:
//! the session does that. This decoder only promises to go on: it skips to the next bytes that can be the
//! header of a known message, and reports what it skipped.

use std::fmt;

use super::types::MessageType;

/// The largest message that is taken, in bytes. Reports of 1.4 MB were seen; readers quote limits of 0.5 MB.
pub const FRAME_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Bytes of a header.
pub const HEADER_BYTES: usize = 10;
/// How many of the first bytes of a fault are kept for the event.
pub const FRAME_FAULT_BYTES_MAX: usize = 256;

/// One message: its header, and its body as it stands in the buffer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The version field: 1 is 1.0.1, 2 is 1.1.
    pub version: u8,
    /// What it is.
    pub kind: MessageType,
    /// Pairs an answer with its question.
    pub id: u32,
    /// All behind the header.
    pub body: &'a [u8],
}

impl<'a> Frame<'a> {
    /// The first message of these bytes and what is behind it. `None`: not whole, or no header.
    #[must_use]
    pub fn split(bytes: &'a [u8]) -> Option<(Frame<'a>, &'a [u8])> {
        let header = Header::read(bytes)?;
        if !header.is_legal() {
            return None;
        }
        let (own, rest) = bytes.split_at_checked(header.bytes)?;
        let frame = Frame {
            version: header.version,
            kind: header.kind,
            id: header.id,
            body: own.get(HEADER_BYTES..)?,
        };
        Some((frame, rest))
    }
}

impl fmt::Debug for Frame<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {} ({} bytes)", self.kind, self.id, self.body.len())
    }
}

struct Header {
    version: u8,
    kind: MessageType,
    bytes: usize,
    id: u32,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Header> {
        let &[a, b, l0, l1, l2, l3, i0, i1, i2, i3] = bytes.first_chunk::<HEADER_BYTES>()?;
        let first = u16::from_be_bytes([a, b]);
        // Above the version stand three reserved bits; set, they make an illegal version.
        Some(Header {
            version: a >> 2,
            kind: MessageType(first & 0x3FF),
            bytes: usize::try_from(u32::from_be_bytes([l0, l1, l2, l3])).unwrap_or(usize::MAX),
            id: u32::from_be_bytes([i0, i1, i2, i3]),
        })
    }

    fn is_legal(&self) -> bool {
        (1..=3).contains(&self.version) && (HEADER_BYTES..=FRAME_BYTES_MAX).contains(&self.bytes)
    }
}

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFaultReason {
    /// No header can begin so.
    #[error("no LLRP header: wrong device, wrong port, or bytes were lost")]
    NotLlrp,
    /// More than [`FRAME_BYTES_MAX`].
    #[error("a message larger than {FRAME_BYTES_MAX} bytes")]
    TooLong,
    /// The connection ended inside a message.
    #[error("the connection ended inside a message")]
    Cut,
    /// The owner doesn't drain.
    #[error("messages were not taken")]
    Overflow,
}

/// Bytes that are no message.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} ({bytes_total} bytes)")]
pub struct FrameFault {
    /// What is wrong.
    pub reason: FrameFaultReason,
    /// The first [`FRAME_FAULT_BYTES_MAX`] of the bytes.
    pub bytes: Vec<u8>,
    /// How many bytes there were.
    pub bytes_total: usize,
}

impl FrameFault {
    fn new(reason: FrameFaultReason, bytes: &[u8]) -> FrameFault {
        let kept = bytes.len().min(FRAME_FAULT_BYTES_MAX);
        FrameFault {
            reason,
            bytes: bytes.get(..kept).unwrap_or(&[]).to_vec(),
            bytes_total: bytes.len(),
        }
    }
}

impl fmt::Debug for FrameFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}: {:02X?}", self.bytes)
    }
}

/// What comes out of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FrameItem<'a> {
    /// A whole message.
    Frame(Frame<'a>),
    /// Bytes that are none.
    Fault(FrameFault),
}

/// Cuts a stream into messages. Drain it after each push.
#[derive(Default)]
pub struct FrameDecoder {
    held: Vec<u8>,
    /// Where unread bytes start in `held`.
    read: usize,
    overflow: Option<FrameFault>,
}

impl FrameDecoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> FrameDecoder {
        FrameDecoder::default()
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.read);
        self.read = 0;
        if self.held.len().saturating_add(bytes.len()) > 2 * FRAME_BYTES_MAX {
            self.overflow = Some(FrameFault::new(FrameFaultReason::Overflow, &self.held));
            self.held.clear();
            return;
        }
        self.held.extend_from_slice(bytes);
    }

    /// The next message or fault; `None` when more bytes are needed.
    pub fn next_item(&mut self) -> Option<FrameItem<'_>> {
        if let Some(fault) = self.overflow.take() {
            return Some(FrameItem::Fault(fault));
        }
        let rest = self.held.get(self.read..)?;
        let header = Header::read(rest)?;
        if header.is_legal() {
            if rest.len() < header.bytes {
                return None;
            }
            self.read += header.bytes;
            let (frame, _) = Frame::split(rest)?;
            return Some(FrameItem::Frame(frame));
        }
        let reason = if header.bytes > FRAME_BYTES_MAX && (1..=3).contains(&header.version) {
            FrameFaultReason::TooLong
        } else {
            FrameFaultReason::NotLlrp
        };
        let garbage = garbage(rest);
        let fault = FrameFault::new(reason, rest.get(..garbage)?);
        self.read += garbage;
        Some(FrameItem::Fault(fault))
    }

    /// Whether an unfinished message is held.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.held.len() > self.read
    }

    /// Ends the stream: the fault of a message that was cut off, if any.
    pub fn finish(&mut self) -> Option<FrameFault> {
        let rest = self.held.get(self.read..).unwrap_or(&[]);
        let fault = (!rest.is_empty()).then(|| FrameFault::new(FrameFaultReason::Cut, rest));
        *self = FrameDecoder::default();
        fault
    }
}

/// How many bytes at the start are skipped: up to the next header of a known message, or so many that
/// what remains is too short to tell.
fn garbage(bytes: &[u8]) -> usize {
    let last = bytes.len().saturating_sub(HEADER_BYTES - 1).max(1);
    (1..last)
        .find(|&at| {
            bytes
                .get(at..)
                .and_then(Header::read)
                .is_some_and(|header| header.is_legal() && header.kind.name().is_some())
        })
        .unwrap_or(last)
}

impl fmt::Debug for FrameDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "FrameDecoder({} bytes held)",
            self.held.len() - self.read
        )
    }
}
