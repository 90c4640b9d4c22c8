//! Zebra's Simple Serial Interface: packets with length, check sum and answers both ways.
//!
//! `length, opcode, source, status, data, check sum`; the length counts all but the check sum. Every packet
//! of the decoder wants an ACK, or it comes again with the retransmit bit set: telling the two apart is the
//! session's work, because only it knows what it answered. The framer drops bytes that can begin no packet,
//! reports them once and goes on.

use std::collections::VecDeque;

use super::{FAULT_BYTES_KEPT_MAX, Fault, FaultReason, Scan};
use crate::barcode::Symbology;

/// Silence after which a begun packet is given up, in milliseconds.
pub const PACKET_GAP_MS_MAX: u64 = 100;

const HEADER_BYTES: usize = 4;
const CHECK_BYTES: usize = 2;
const FROM_DECODER: u8 = 0;
const FROM_HOST: u8 = 4;
const RETRANSMIT: u8 = 1 << 0;
const CONTINUED: u8 = 1 << 1;

/// Opcodes.
pub mod op {
    /// Host or decoder: understood.
    pub const ACK: u8 = 0xD0;
    /// Host or decoder: not understood; one byte says why.
    pub const NAK: u8 = 0xD1;
    /// Host: forget queued packets.
    pub const FLUSH_QUEUE: u8 = 0xD2;
    /// Host: which firmware?
    pub const REQUEST_REVISION: u8 = 0xA3;
    /// Decoder: this firmware.
    pub const REPLY_REVISION: u8 = 0xA4;
    /// Either: parameters.
    pub const PARAM_SEND: u8 = 0xC6;
    /// Host: start a decoding session.
    pub const START_SESSION: u8 = 0xE4;
    /// Host: stop it.
    pub const STOP_SESSION: u8 = 0xE5;
    /// Host: beep; one byte says how.
    pub const BEEP: u8 = 0xE6;
    /// Host: scan from now on.
    pub const SCAN_ENABLE: u8 = 0xE9;
    /// Host: stop scanning.
    pub const SCAN_DISABLE: u8 = 0xEA;
    /// Decoder: a code; one byte of type, then the text.
    pub const DECODE_DATA: u8 = 0xF3;
}

/// The reason in a NAK that asks for the packet again.
pub const NAK_RESEND: u8 = 1;

const TYPES: [(u8, Symbology); 10] = [
    (0x01, Symbology::Code39),
    (0x03, Symbology::Code128),
    (0x08, Symbology::UpcA),
    (0x09, Symbology::UpcE),
    (0x0A, Symbology::Ean8),
    (0x0B, Symbology::Ean13),
    (0x0F, Symbology::Gs1128),
    (0x11, Symbology::Pdf417),
    (0x1B, Symbology::DataMatrix),
    (0x1C, Symbology::Qr),
];

/// One packet.
#[derive(Clone, PartialEq, Eq)]
pub struct SsiPacket {
    /// See [`op`].
    pub opcode: u8,
    /// Whether the host sent it.
    pub from_host: bool,
    /// It was sent before and not answered.
    pub retransmit: bool,
    /// The data goes on in the next packet.
    pub continued: bool,
    /// What the opcode carries.
    pub data: Vec<u8>,
}

impl SsiPacket {
    /// Longest data of one packet, in bytes.
    pub const DATA_BYTES_MAX: usize = 0xFF - HEADER_BYTES;

    /// A packet of the host.
    #[must_use]
    pub fn host(opcode: u8, data: &[u8]) -> SsiPacket {
        SsiPacket {
            opcode,
            from_host: true,
            retransmit: false,
            continued: false,
            data: data.to_vec(),
        }
    }

    /// The bytes; data beyond [`SsiPacket::DATA_BYTES_MAX`] is cut off.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let data = self.data.get(..Self::DATA_BYTES_MAX).unwrap_or(&self.data);
        let length = u8::try_from(data.len() + HEADER_BYTES).unwrap_or(u8::MAX);
        let source = if self.from_host {
            FROM_HOST
        } else {
            FROM_DECODER
        };
        let status = if self.retransmit { RETRANSMIT } else { 0 };
        let status = status | if self.continued { CONTINUED } else { 0 };
        let mut out = vec![length, self.opcode, source, status];
        out.extend_from_slice(data);
        out.extend(check_sum(&out).to_be_bytes());
        out
    }

    /// Type and text of a code; `None` for other packets.
    #[must_use]
    pub fn code(&self) -> Option<(Option<Symbology>, &[u8])> {
        let (&kind, text) = self.data.split_first()?;
        let symbology = TYPES.iter().find(|row| row.0 == kind).map(|row| row.1);
        (self.opcode == op::DECODE_DATA && !self.from_host).then_some((symbology, text))
    }
}

impl std::fmt::Debug for SsiPacket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SsiPacket")
            .field("opcode", &format_args!("{:02X}", self.opcode))
            .field("from_host", &self.from_host)
            .field("retransmit", &self.retransmit)
            .field("continued", &self.continued)
            .field("data", &crate::redact::mask_bytes(&self.data))
            .finish()
    }
}

/// What comes over an SSI line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SsiItem {
    /// A whole packet with the right check sum.
    Packet(SsiPacket),
    /// Bytes that are none. A packet with a wrong check sum is to be answered with a NAK.
    Fault(Fault),
}

/// Cuts an SSI line into packets. Iterate it after each push.
#[derive(Debug, Default)]
pub struct SsiDecoder {
    held: Vec<u8>,
    noise: Vec<u8>,
    items: VecDeque<SsiItem>,
}

impl SsiDecoder {
    /// An empty decoder.
    #[must_use]
    pub fn new() -> SsiDecoder {
        SsiDecoder::default()
    }

    /// Takes bytes as they came.
    pub fn push(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.held.push(byte);
            self.cut();
        }
    }

    /// Nothing came for [`PACKET_GAP_MS_MAX`]: what was begun will not end.
    pub fn silence(&mut self) {
        let rest = std::mem::take(&mut self.held);
        if !rest.is_empty() {
            self.end_noise();
            let fault = Fault::whole(FaultReason::ReportCut, &rest);
            self.items.push_back(SsiItem::Fault(fault));
        }
        self.end_noise();
    }

    /// Whether silence means anything now.
    #[must_use]
    pub fn has_pending(&self) -> bool {
        !self.held.is_empty() || !self.noise.is_empty()
    }

    /// Takes packets off the front as long as there are whole ones.
    fn cut(&mut self) {
        while let Some(&length) = self.held.first() {
            let source = self.held.get(2).copied().unwrap_or(FROM_DECODER);
            let length = usize::from(length);
            if length < HEADER_BYTES || !matches!(source, FROM_DECODER | FROM_HOST) {
                self.drop_first();
                continue;
            }
            let Some(whole) = self.held.get(..length + CHECK_BYTES) else {
                return;
            };
            match read(whole) {
                Some(packet) => {
                    self.held.clear();
                    self.end_noise();
                    self.items.push_back(SsiItem::Packet(packet));
                }
                None => {
                    let fault = Fault::whole(FaultReason::CheckWrong, whole);
                    self.held.clear();
                    self.end_noise();
                    self.items.push_back(SsiItem::Fault(fault));
                }
            }
        }
    }

    fn drop_first(&mut self) {
        self.noise.push(self.held.remove(0));
        if self.noise.len() >= FAULT_BYTES_KEPT_MAX {
            self.end_noise();
        }
    }

    fn end_noise(&mut self) {
        let noise = std::mem::take(&mut self.noise);
        if !noise.is_empty() {
            let fault = Fault::whole(FaultReason::UnknownReport, &noise);
            self.items.push_back(SsiItem::Fault(fault));
        }
    }
}

impl Iterator for SsiDecoder {
    type Item = SsiItem;

    fn next(&mut self) -> Option<SsiItem> {
        self.items.pop_front()
    }
}

fn read(whole: &[u8]) -> Option<SsiPacket> {
    let (body, check) = whole.split_last_chunk::<CHECK_BYTES>()?;
    let [_, opcode, source, status, data @ ..] = body else {
        return None;
    };
    (u16::from_be_bytes(*check) == check_sum(body)).then(|| SsiPacket {
        opcode: *opcode,
        from_host: *source == FROM_HOST,
        retransmit: status & RETRANSMIT != 0,
        continued: status & CONTINUED != 0,
        data: data.to_vec(),
    })
}

/// Two's complement of the sum, 16 bits.
fn check_sum(bytes: &[u8]) -> u16 {
    let sum = bytes
        .iter()
        .fold(0_u16, |sum, b| sum.wrapping_add(u16::from(*b)));
    sum.wrapping_neg()
}

/// The packets by which a decoder sends a code; for simulators. `None` without a type for the symbology.
#[must_use]
pub fn encode_code(text: &[u8], symbology: Symbology) -> Option<Vec<SsiPacket>> {
    let kind = TYPES.iter().find(|row| row.1 == symbology)?.0;
    let chunk_bytes = SsiPacket::DATA_BYTES_MAX - 1;
    let parts = text.len().div_ceil(chunk_bytes).max(1);
    let packet = |number: usize| SsiPacket {
        opcode: op::DECODE_DATA,
        from_host: false,
        retransmit: false,
        continued: number + 1 < parts,
        data: [&[kind], text.chunks(chunk_bytes).nth(number).unwrap_or(&[])].concat(),
    };
    Some((0..parts).map(packet).collect())
}

/// The scan of a whole code.
#[must_use]
pub fn scan(symbology: Option<Symbology>, text: Vec<u8>) -> Scan {
    let mut scan = Scan::plain(text, None);
    scan.symbology = symbology;
    scan
}
