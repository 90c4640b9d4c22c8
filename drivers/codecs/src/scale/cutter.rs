//! Cutting a line into frames: a start, an end, and what may stand between.
//!
//! Boundaries are found with the eighth bit masked, because it may be parity; the frame keeps the raw
//! bytes. After rubbish it waits for the next start; it never joins two frames.

use std::collections::VecDeque;

use super::{FRAME_BYTES_MAX, FaultReason};

/// What a protocol's frames look like.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// The first byte; `None`: a line begins with any byte.
    pub(super) start: Option<u8>,
    pub(super) end: u8,
    /// Bytes that are a frame by themselves, between frames.
    pub(super) singles: &'static [u8],
    /// Whether a start byte inside a frame begins a new one.
    pub(super) restarts: bool,
    /// A second byte after which the third is data, whatever it is.
    pub(super) verbatim_after: Option<u8>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Frame(Vec<u8>),
    Fault(FaultReason, Vec<u8>),
}

#[derive(Debug)]
pub(super) struct Cutter {
    shape: Shape,
    /// The frame in progress, or noise.
    held: Vec<u8>,
    in_frame: bool,
    pieces: VecDeque<Piece>,
}

impl Cutter {
    pub(super) fn new(shape: Shape) -> Cutter {
        Cutter {
            shape,
            held: Vec::new(),
            in_frame: false,
            pieces: VecDeque::new(),
        }
    }

    pub(super) fn next_piece(&mut self) -> Option<Piece> {
        self.pieces.pop_front()
    }

    pub(super) fn push(&mut self, raw: u8) {
        if self.in_frame {
            self.inside(raw);
        } else {
            self.between(raw);
        }
    }

    pub(super) fn silence(&mut self) {
        let reason = if self.in_frame {
            FaultReason::Incomplete
        } else {
            FaultReason::Noise
        };
        self.give_up(reason);
    }

    fn between(&mut self, raw: u8) {
        let byte = raw & 0x7F;
        let starts = self.shape.start.is_none_or(|start| start == byte);
        if self.shape.singles.contains(&byte) {
            self.give_up(FaultReason::Noise);
            self.pieces.push_back(Piece::Frame(vec![raw]));
        } else if starts && byte != self.shape.end {
            self.give_up(FaultReason::Noise);
            self.in_frame = true;
            self.held.push(raw);
        } else if self.shape.start.is_some() {
            self.held.push(raw);
            if self.held.len() >= FRAME_BYTES_MAX {
                self.give_up(FaultReason::Noise);
            }
        }
    }

    fn inside(&mut self, raw: u8) {
        let byte = raw & 0x7F;
        let second = self.held.get(1).map(|b| b & 0x7F);
        let verbatim = self.held.len() == 2
            && self.shape.verbatim_after.is_some()
            && second == self.shape.verbatim_after;
        if !verbatim && self.shape.restarts && Some(byte) == self.shape.start {
            self.give_up(FaultReason::Incomplete);
            self.in_frame = true;
            self.held.push(raw);
            return;
        }
        self.held.push(raw);
        if !verbatim && byte == self.shape.end {
            self.in_frame = false;
            let frame = std::mem::take(&mut self.held);
            self.pieces.push_back(Piece::Frame(frame));
        } else if self.held.len() >= FRAME_BYTES_MAX {
            self.give_up(FaultReason::TooLong);
        }
    }

    fn give_up(&mut self, reason: FaultReason) {
        self.in_frame = false;
        if !self.held.is_empty() {
            let bytes = std::mem::take(&mut self.held);
            self.pieces.push_back(Piece::Fault(reason, bytes));
        }
    }
}
