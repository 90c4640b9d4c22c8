//! The serial frame of ZVT: `10 02 | unit with every 10 doubled | 10 03 | check sum, low byte first`.
//!
//! The check sum is CRC-16/KERMIT over the unstuffed unit and the byte 03. (The specification's name
//! for it is wrong; every real capture we hold agrees with KERMIT.) Between frames the sides answer
//! with a bare 06 or 15. Inside a damaged frame such a byte is *not* an answer: after noise the decoder
//! waits for the next frame start or for silence.

use std::fmt;

use super::apdu::{APDU_DATA_BYTES_MAX, Apdu, Fault};
use super::mask::MaskedBytes;

const DLE: u8 = 0x10;
const STX: u8 = 0x02;
const ETX: u8 = 0x03;
const ACK: u8 = 0x06;
const NAK: u8 = 0x15;
/// The largest unit in a frame: header and data.
const UNIT_BYTES_MAX: usize = APDU_DATA_BYTES_MAX + 5;
/// How much of noise is collected before it is reported.
const NOISE_BYTES_MAX: usize = 256;

/// The bare answer to a serial frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acknowledgement {
    /// 06: the frame arrived whole.
    Ack,
    /// 15: send it again.
    Nak,
}

impl Acknowledgement {
    /// The byte on the line.
    #[must_use]
    pub fn byte(self) -> u8 {
        match self {
            Self::Ack => ACK,
            Self::Nak => NAK,
        }
    }
}

/// What comes out of a serial line. A fault is to be answered with [`Acknowledgement::Nak`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SerialItem {
    /// A whole, checked frame: answer [`Acknowledgement::Ack`].
    Apdu(Apdu),
    /// The other side's answer to our frame.
    Answer(Acknowledgement),
    /// Something unreadable: answer [`Acknowledgement::Nak`].
    Fault(Fault),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Idle,
    /// A first DLE, between frames.
    Start,
    Body,
    /// A DLE inside a frame.
    BodyDle,
    CrcLow,
    CrcHigh(u8),
    Noise,
    NoiseDle,
}

/// Cuts a serial line into frames and answers.
pub struct SerialDecoder {
    state: State,
    held: Vec<u8>,
    items: std::collections::VecDeque<SerialItem>,
}

/// Items held for an owner that does not drain; beyond it the oldest are dropped.
const ITEMS_MAX: usize = 1024;

impl Default for SerialDecoder {
    fn default() -> Self {
        Self {
            state: State::Idle,
            held: Vec::new(),
            items: std::collections::VecDeque::new(),
        }
    }
}

impl SerialDecoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes bytes as they arrived; drain with [`SerialDecoder::next_item`] after each push.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.state = self.step(byte);
        }
    }

    /// The line was silent for T1 (200 ms): a begun frame or noise ends here, as a fault.
    pub fn silence(&mut self) {
        match self.state {
            State::Idle => {}
            State::Noise | State::NoiseDle => self.end_noise(),
            _ => self.fail(Fault::Incomplete),
        }
        self.state = State::Idle;
    }

    /// The next item; `None` when more bytes are needed.
    pub fn next_item(&mut self) -> Option<SerialItem> {
        self.items.pop_front()
    }

    fn step(&mut self, byte: u8) -> State {
        match (self.state, byte) {
            (State::Idle, ACK) => self.answer(Acknowledgement::Ack),
            (State::Idle, NAK) => self.answer(Acknowledgement::Nak),
            (State::Idle, DLE) => State::Start,
            (State::Idle, _) => self.noise(byte),
            (State::Start | State::NoiseDle, STX) => {
                self.end_noise();
                State::Body
            }
            (State::Start, DLE) => {
                // Between frames nothing is stuffed: the first was torn off, this one may begin a frame.
                self.fail(Fault::Incomplete);
                State::Start
            }
            (State::Start, _) => self.noise(byte),
            (State::Body, DLE) => State::BodyDle,
            (State::Body, _) => self.body(byte),
            (State::BodyDle, DLE) => self.body(DLE),
            (State::BodyDle, ETX) => State::CrcLow,
            (State::BodyDle, STX) => {
                // The other side began again.
                self.fail(Fault::Incomplete);
                State::Body
            }
            (State::BodyDle, _) => {
                self.fail(Fault::Stuffing);
                State::Noise
            }
            (State::CrcLow, _) => State::CrcHigh(byte),
            (State::CrcHigh(low), _) => self.end_frame(u16::from_le_bytes([low, byte])),
            (State::Noise, DLE) => State::NoiseDle,
            (State::Noise | State::NoiseDle, _) => self.noise(byte),
        }
    }

    fn answer(&mut self, answer: Acknowledgement) -> State {
        self.emit(SerialItem::Answer(answer));
        State::Idle
    }

    fn body(&mut self, byte: u8) -> State {
        if self.held.len() >= UNIT_BYTES_MAX {
            self.fail(Fault::Overflow);
            return State::Noise;
        }
        self.held.push(byte);
        State::Body
    }

    fn noise(&mut self, byte: u8) -> State {
        self.held.push(byte);
        if self.held.len() >= NOISE_BYTES_MAX {
            self.end_noise();
        }
        State::Noise
    }

    fn end_noise(&mut self) {
        if !self.held.is_empty() {
            self.fail(Fault::NotZvt);
        }
    }

    fn end_frame(&mut self, received: u16) -> State {
        let expected = kermit(self.held.iter().copied().chain([ETX]));
        if received != expected {
            self.fail(Fault::Crc);
            // What follows a damaged frame may be its own rest: no bare answer is believed until silence.
            return State::Noise;
        }
        match Apdu::read_exact(&self.held) {
            Some(apdu) => {
                self.held.clear();
                self.emit(SerialItem::Apdu(apdu));
            }
            None => self.fail(Fault::Length),
        }
        State::Idle
    }

    fn fail(&mut self, fault: fn(MaskedBytes) -> Fault) {
        let masked = MaskedBytes::of(&self.held);
        self.held.clear();
        self.emit(SerialItem::Fault(fault(masked)));
    }

    fn emit(&mut self, item: SerialItem) {
        if self.items.len() >= ITEMS_MAX {
            self.items.pop_front();
        }
        self.items.push_back(item);
    }
}

impl fmt::Debug for SerialDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SerialDecoder({} bytes held)", self.held.len())
    }
}

/// The frame of `apdu` for a serial line.
#[must_use]
pub fn encode_serial(apdu: &Apdu) -> Vec<u8> {
    let unit = apdu.encode();
    let mut out = vec![DLE, STX];
    for &byte in &unit {
        out.push(byte);
        if byte == DLE {
            out.push(DLE);
        }
    }
    out.extend([DLE, ETX]);
    out.extend(kermit(unit.iter().copied().chain([ETX])).to_le_bytes());
    out
}

/// CRC-16/KERMIT: reflected 0x8408, start 0, no final exclusive-or.
pub(super) fn kermit(bytes: impl Iterator<Item = u8>) -> u16 {
    bytes.fold(0, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| {
            if crc & 1 == 1 {
                crc >> 1 ^ 0x8408
            } else {
                crc >> 1
            }
        })
    })
}
