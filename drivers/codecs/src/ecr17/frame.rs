//! Frames of ECR17: messages, answers and progress lines.
//!
//! The decoder finds its way back at the next start byte. It tells when a message's check byte fits another
//! mode than the configured one, because that is what a terminal with other firmware looks like.

use std::collections::VecDeque;
use std::fmt;

use crate::redact::mask_bytes;

/// Longest payload, in bytes; the longest known request has 176, receipts and texts more.
pub const FRAME_BYTES_MAX: usize = 2048;
const FAULT_BYTES_KEPT_MAX: usize = 64;
const PROGRESS_BYTES_MAX: usize = 64;

const SOH: u8 = 0x01;
const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const EOT: u8 = 0x04;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
const LRC_BASE: u8 = 0x7F;

/// What the check byte covers beside the payload.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum LrcMode {
    /// The payload only.
    #[default]
    Std,
    /// Start, payload and end.
    Stx,
    /// Payload and end.
    NoExt,
    /// Start and payload.
    StxNoExt,
}

impl LrcMode {
    /// The names by which configuration files call the modes.
    pub const NAMES: [(&'static str, LrcMode); 4] = [
        ("std", LrcMode::Std),
        ("stx", LrcMode::Stx),
        ("noext", LrcMode::NoExt),
        ("stx_noext", LrcMode::StxNoExt),
    ];

    /// The mode with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<LrcMode> {
        Self::NAMES
            .iter()
            .find(|row| row.0 == name)
            .map(|row| row.1)
    }

    /// The check byte of a payload.
    #[must_use]
    pub fn lrc(self, payload: &[u8]) -> u8 {
        let start = if matches!(self, LrcMode::Stx | LrcMode::StxNoExt) {
            STX
        } else {
            0
        };
        let end = if matches!(self, LrcMode::Stx | LrcMode::NoExt) {
            ETX
        } else {
            0
        };
        payload
            .iter()
            .fold(LRC_BASE ^ start ^ end, |lrc, b| lrc ^ b)
    }

    fn fitting(payload: &[u8], lrc: u8) -> Option<LrcMode> {
        let modes = Self::NAMES.iter().map(|row| row.1);
        modes.into_iter().find(|mode| mode.lrc(payload) == lrc)
    }
}

/// The payload of a message. It may hold a card number: its `Debug` is masked, and it is only read by
/// [`Payload::request`] and [`Payload::response`].
#[derive(Clone, PartialEq, Eq)]
pub struct Payload(pub(super) Vec<u8>);

impl Payload {
    /// The frame that carries it.
    pub(super) fn encode(&self, mode: LrcMode) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() + 3);
        out.push(STX);
        out.extend_from_slice(&self.0);
        out.extend([ETX, mode.lrc(&self.0)]);
        out
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Payload({})", mask_bytes(&self.0))
    }
}

/// Why bytes are no frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FaultReason {
    /// The check byte fits no mode.
    #[error("check byte wrong: damaged on the way")]
    Lrc,
    /// The check byte fits another mode than the configured one.
    #[error("check byte fits the mode {0:?}: set the terminal's `lrc` to it")]
    OtherMode(LrcMode),
    /// Bytes outside any frame.
    #[error("bytes that are no ECR17")]
    Noise,
    /// A frame that stopped.
    #[error("the frame was cut short")]
    Incomplete,
    /// Longer than any frame.
    #[error("longer than any frame")]
    TooLong,
}

/// Bytes that are no frame, masked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Why.
    pub reason: FaultReason,
    /// The first bytes, masked.
    pub shown: String,
}

impl Fault {
    fn new(reason: FaultReason, bytes: &[u8]) -> Fault {
        let kept = bytes.get(..FAULT_BYTES_KEPT_MAX).unwrap_or(bytes);
        Fault {
            reason,
            shown: mask_bytes(kept),
        }
    }
}

/// What comes over the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Item {
    /// A message with the right check byte: answer [`encode_ack`].
    Message(Payload),
    /// The other side has our message.
    Ack,
    /// The other side wants it again.
    Nak,
    /// What the terminal is doing; to show, not to answer.
    Progress(String),
    /// Not a frame. A damaged message is to be answered with [`encode_nak`].
    Fault(Fault),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Idle,
    Message,
    Lrc,
    Progress,
    /// ACK or NAK was seen; its end must follow.
    Answer(u8),
    AnswerLrc(u8),
}

/// Cuts a stream into frames. Iterate it after each push.
pub struct Decoder {
    mode: LrcMode,
    state: State,
    held: Vec<u8>,
    items: VecDeque<Item>,
}

impl Decoder {
    /// A decoder for a terminal with this mode.
    #[must_use]
    pub fn new(mode: LrcMode) -> Decoder {
        Decoder {
            mode,
            state: State::Idle,
            held: Vec::new(),
            items: VecDeque::new(),
        }
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = self.step(byte);
        }
    }

    /// The line was silent or closed: what was begun ends here.
    pub fn silence(&mut self) {
        let reason = if self.state == State::Idle {
            FaultReason::Noise
        } else {
            FaultReason::Incomplete
        };
        if self.state != State::Idle || !self.held.is_empty() {
            self.fail(reason);
        }
        self.state = State::Idle;
    }

    fn step(&mut self, byte: u8) -> State {
        match (self.state, byte) {
            (State::Idle, STX) => self.begin(State::Message),
            (State::Idle, SOH) => self.begin(State::Progress),
            (State::Idle, ACK | NAK) => self.begin(State::Answer(byte)),
            (State::Idle, _) => self.noise(byte),
            (State::Message, ETX) => State::Lrc,
            (State::Message, STX) => {
                self.fail(FaultReason::Incomplete);
                State::Message
            }
            (State::Message, _) => self.keep(byte, FRAME_BYTES_MAX),
            (State::Lrc, _) => self.message(byte),
            (State::Progress, EOT) => {
                let text = std::mem::take(&mut self.held);
                let text = crate::redact::mask_text(&String::from_utf8_lossy(&text));
                self.items.push_back(Item::Progress(text.trim().to_owned()));
                State::Idle
            }
            (State::Progress, _) => self.keep(byte, PROGRESS_BYTES_MAX),
            (State::Answer(answer), ETX) => State::AnswerLrc(answer),
            (State::Answer(_), _) => {
                self.fail(FaultReason::Incomplete);
                self.state = State::Idle;
                self.step(byte)
            }
            (State::AnswerLrc(answer), _) => self.answer(answer, byte),
        }
    }

    fn begin(&mut self, state: State) -> State {
        if !self.held.is_empty() {
            self.fail(FaultReason::Noise);
        }
        state
    }

    fn noise(&mut self, byte: u8) -> State {
        self.held.push(byte);
        if self.held.len() >= FAULT_BYTES_KEPT_MAX {
            self.fail(FaultReason::Noise);
        }
        State::Idle
    }

    fn keep(&mut self, byte: u8, bytes_max: usize) -> State {
        if self.held.len() >= bytes_max {
            self.fail(FaultReason::TooLong);
            return State::Idle;
        }
        self.held.push(byte);
        self.state
    }

    fn message(&mut self, lrc: u8) -> State {
        if self.mode.lrc(&self.held) == lrc {
            let payload = Payload(std::mem::take(&mut self.held));
            self.items.push_back(Item::Message(payload));
        } else {
            let other = LrcMode::fitting(&self.held, lrc);
            self.fail(other.map_or(FaultReason::Lrc, FaultReason::OtherMode));
        }
        State::Idle
    }

    fn answer(&mut self, answer: u8, lrc: u8) -> State {
        // Some firmware counts differently here than in messages; any mode's byte will do, but a byte
        // that fits none is damage and must not be believed.
        if LrcMode::fitting(&[answer], lrc).is_some() {
            self.items
                .push_back(if answer == ACK { Item::Ack } else { Item::Nak });
        } else {
            self.fail(FaultReason::Lrc);
        }
        State::Idle
    }

    fn fail(&mut self, reason: FaultReason) {
        let held = std::mem::take(&mut self.held);
        self.items.push_back(Item::Fault(Fault::new(reason, &held)));
    }
}

impl fmt::Debug for Decoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "Decoder({:?}, {} bytes held)",
            self.mode,
            self.held.len()
        )
    }
}

impl Iterator for Decoder {
    type Item = Item;

    fn next(&mut self) -> Option<Item> {
        self.items.pop_front()
    }
}

/// "I have your message."
#[must_use]
pub fn encode_ack(mode: LrcMode) -> Vec<u8> {
    vec![ACK, ETX, mode.lrc(&[ACK])]
}

/// "Say it again."
#[must_use]
pub fn encode_nak(mode: LrcMode) -> Vec<u8> {
    vec![NAK, ETX, mode.lrc(&[NAK])]
}

/// A progress line of twenty characters; for simulators.
#[must_use]
pub fn encode_progress(text: &str) -> Vec<u8> {
    let text: String = text
        .chars()
        .filter(|c| matches!(c, ' '..='~'))
        .take(20)
        .collect();
    let mut out = vec![SOH];
    out.extend(format!("{text:<20}").bytes());
    out.push(EOT);
    out
}
