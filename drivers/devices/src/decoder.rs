//! The seam between a device thread and the pure decoders of `shelf-codecs`: push bytes, take items,
//! say how long silence may last before it ends a frame. A decoder never fails and never grows
//! without bound; what it can't read it returns as a fault and goes on.

use std::time::Duration;

/// A complete scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan {
    /// The code's content without prefix, AIM identifier and terminator; may hold control characters.
    pub data: Vec<u8>,
    /// AIM identifier without the bracket's meaning interpreted, for example `]E0`.
    pub aim: Option<[u8; 3]>,
    /// Whether a terminator ended it (else: silence).
    pub terminated: bool,
}

/// Bytes that are no scan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, in words.
    pub reason: String,
    /// The bytes, masked and cut to a bounded length.
    pub raw: Vec<u8>,
}

/// What a decoder yields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded {
    /// A complete scan.
    Scan(Scan),
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
    /// The device is gone or the thread stops: forgets the unfinished frame and returns it as a fault.
    fn cut_off(&mut self) -> Option<Fault>;
}

impl Scan {
    pub(crate) fn cost_bytes(&self) -> usize {
        self.data.len()
    }
}

impl Fault {
    pub(crate) fn cost_bytes(&self) -> usize {
        self.reason.len() + self.raw.len()
    }
}
