//! Frames out of a serial line, for every family: by length and check sum.

use std::fmt;
use std::marker::PhantomData;

/// The most bytes held.
pub const BUFFER_BYTES_MAX: usize = 64 * 1024;
/// How many bytes of a fault are kept; more noise than this is reported in pieces.
pub const FAULT_BYTES_MAX: usize = 256;
/// Silence after which a driver calls [`UhfDecoder::flush_idle`], in milliseconds.
pub const IDLE_FLUSH_MS: u64 = 100;

/// What the bytes at one place are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Probe {
    /// The beginning of a frame, perhaps.
    More,
    /// No frame begins here.
    NotHere,
    /// A whole frame of so many bytes whose check sum holds.
    Frame(usize),
}

/// A family's framing.
pub trait Wire {
    /// What a frame says.
    type Frame;

    /// Looks at bytes (at least one).
    fn probe(bytes: &[u8]) -> Probe;

    /// Reads a frame that [`Wire::probe`] found.
    fn read(frame: &[u8]) -> Self::Frame;
}

/// Bytes that are no frame.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} bytes that are no frame: noise, wrong speed, or another maker's reader", bytes.len())]
pub struct UhfFault {
    /// The bytes, at most [`FAULT_BYTES_MAX`].
    pub bytes: Vec<u8>,
}

impl fmt::Debug for UhfFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UhfFault({:02X?})", self.bytes)
    }
}

/// What comes from a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UhfItem<F> {
    /// A frame.
    Frame(F),
    /// Bytes that are none.
    Fault(UhfFault),
}

/// Finds the frames of one family. Iterate it after each push.
pub struct UhfDecoder<W> {
    held: Vec<u8>,
    /// Where unread bytes start in `held`.
    read: usize,
    /// Bytes behind `read` that are known to begin no frame.
    garbage: usize,
    /// Nothing more will come for what is held.
    silent: bool,
    wire: PhantomData<fn() -> W>,
}

impl<W: Wire> UhfDecoder<W> {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> UhfDecoder<W> {
        UhfDecoder {
            held: Vec::new(),
            read: 0,
            garbage: 0,
            silent: false,
            wire: PhantomData,
        }
    }

    /// Takes bytes as they came. An owner that doesn't drain loses the oldest.
    pub fn push(&mut self, bytes: &[u8]) {
        self.held.drain(..self.read);
        self.read = 0;
        self.silent = false;
        self.held.extend_from_slice(bytes);
        if let Some(excess) = self.held.len().checked_sub(BUFFER_BYTES_MAX) {
            self.held.drain(..excess);
            self.garbage = 0;
        }
    }

    /// The line was silent: an unfinished frame will not be finished.
    pub fn flush_idle(&mut self) {
        self.silent = true;
    }

    /// Forgets what is held: the device is gone.
    pub fn reset(&mut self) {
        *self = UhfDecoder::new();
    }

    /// Whether silence would mean anything.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        self.held.len() > self.read
    }

    fn fault(&mut self) -> Option<UhfItem<W::Frame>> {
        let end = self.read + self.garbage.min(FAULT_BYTES_MAX);
        let bytes = self.held.get(self.read..end)?.to_vec();
        self.garbage -= bytes.len();
        self.read = end;
        Some(UhfItem::Fault(UhfFault { bytes }))
    }
}

impl<W: Wire> Default for UhfDecoder<W> {
    fn default() -> Self {
        UhfDecoder::new()
    }
}

impl<W: Wire> Iterator for UhfDecoder<W> {
    type Item = UhfItem<W::Frame>;

    fn next(&mut self) -> Option<UhfItem<W::Frame>> {
        while self.garbage < FAULT_BYTES_MAX {
            let rest = self
                .held
                .get(self.read + self.garbage..)
                .filter(|it| !it.is_empty());
            let probe = match rest {
                Some(rest) => W::probe(rest),
                None if self.silent && self.garbage > 0 => return self.fault(),
                None => return None,
            };
            match probe {
                Probe::Frame(_) if self.garbage > 0 => return self.fault(),
                Probe::Frame(bytes) => {
                    let frame = self.held.get(self.read..self.read + bytes).map(W::read);
                    self.read += bytes;
                    return frame.map(UhfItem::Frame);
                }
                Probe::More if !self.silent => return None,
                Probe::More | Probe::NotHere => self.garbage += 1,
            }
        }
        self.fault()
    }
}

impl<W> fmt::Debug for UhfDecoder<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UhfDecoder({} bytes held)", self.held.len() - self.read)
    }
}
