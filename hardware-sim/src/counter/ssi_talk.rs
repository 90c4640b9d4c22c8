//! A scanner's side of SSI: it repeats a code that is not acknowledged, and answers commands.

use std::collections::VecDeque;

use shelf_codecs::barcode::Symbology;
use shelf_codecs::scanner::ssi::{SsiDecoder, SsiItem, SsiPacket, encode_code, op};

use super::voice::Voice;

/// How long it waits for an acknowledgement.
const ANSWER_US: u64 = 1_000_000;
/// How often it says a packet in all.
const TRIES_MAX: u32 = 3;

/// The dialogue.
#[derive(Debug, Default)]
pub(super) struct SsiTalk {
    heard: SsiDecoder,
    waiting: VecDeque<SsiPacket>,
    /// The packet that waits for its acknowledgement, how often it was said, and until when it waits.
    said: Option<(SsiPacket, u32, u64)>,
    /// The next acknowledgement is not heard.
    pub(super) deaf: bool,
    pub(super) beeps: u32,
    /// The host keeps it from scanning.
    off: bool,
    /// Packets that were given up.
    pub(super) given_up: u32,
}

impl SsiTalk {
    /// A code was read; whether it can be told.
    pub(super) fn scan(&mut self, now_us: u64, code: &str, voice: &mut Voice) -> bool {
        if self.off {
            return false;
        }
        let Some(packets) = encode_code(code.as_bytes(), symbology(code)) else {
            return false;
        };
        self.waiting.extend(packets);
        self.say_next(now_us, voice);
        true
    }

    pub(super) fn received(&mut self, now_us: u64, bytes: &[u8], voice: &mut Voice) {
        self.heard.push(bytes);
        while let Some(item) = self.heard.next() {
            let SsiItem::Packet(packet) = item else {
                continue;
            };
            match packet.opcode {
                _ if !packet.from_host => {}
                op::ACK if self.deaf => self.deaf = false,
                op::ACK => self.said = None,
                op::NAK => self.again(now_us, voice),
                opcode => {
                    self.beeps += u32::from(opcode == op::BEEP);
                    self.off = match opcode {
                        op::SCAN_DISABLE => true,
                        op::SCAN_ENABLE => false,
                        _ => self.off,
                    };
                    voice.say(now_us, from_scanner(op::ACK, &[]).encode());
                }
            }
        }
        self.say_next(now_us, voice);
    }

    pub(super) fn advance(&mut self, now_us: u64, voice: &mut Voice) {
        if self.said.as_ref().is_some_and(|it| it.2 <= now_us) {
            self.again(now_us, voice);
            self.say_next(now_us, voice);
        }
    }

    pub(super) fn due_us(&self) -> Option<u64> {
        self.said.as_ref().map(|it| it.2)
    }

    fn say_next(&mut self, now_us: u64, voice: &mut Voice) {
        if self.said.is_some() {
            return;
        }
        if let Some(packet) = self.waiting.pop_front() {
            voice.say(now_us, packet.encode());
            self.said = Some((packet, 1, now_us + ANSWER_US));
        }
    }

    fn again(&mut self, now_us: u64, voice: &mut Voice) {
        let Some((packet, tries, _)) = self.said.take() else {
            return;
        };
        if tries >= TRIES_MAX {
            self.given_up += 1;
            return;
        }
        let repeated = SsiPacket {
            retransmit: true,
            ..packet
        };
        voice.say(now_us, repeated.encode());
        self.said = Some((repeated, tries + 1, now_us + ANSWER_US));
    }
}

fn from_scanner(opcode: u8, data: &[u8]) -> SsiPacket {
    SsiPacket {
        from_host: false,
        ..SsiPacket::host(opcode, data)
    }
}

/// What a code of this form is most likely printed as.
pub(super) fn symbology(code: &str) -> Symbology {
    match (code.len(), code.bytes().all(|b| b.is_ascii_digit())) {
        (13, true) => Symbology::Ean13,
        (12, true) => Symbology::UpcA,
        (8, true) => Symbology::Ean8,
        (..=80, _) => Symbology::Code128,
        _ => Symbology::Qr,
    }
}
