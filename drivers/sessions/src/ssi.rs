//! The host's side of Zebra's SSI: every packet is answered, no scan is lost or told twice.
//!
//! The scanner repeats a packet that was not acknowledged in time and marks it. Such a repetition is a new
//! scan if we never got the first, and an old one if only our answer was lost; the mark and what we accepted
//! before decide, never the content alone, because customers do buy the same thing twice. A scan is given
//! out before its acknowledgement is sent. The machine must never leave a whole packet unanswered.
//!
//! Duties of the shell: perform effects in order, call [`Input::Tick`] at the time of the last
//! [`Effect::SetTimer`].

use std::collections::VecDeque;

use shelf_codecs::barcode::Symbology;
use shelf_codecs::scanner::ssi::{self, SsiDecoder, SsiItem, SsiPacket, op};
use shelf_codecs::scanner::{Fault, FaultReason, SCAN_BYTES_MAX, Scan};

use crate::time::Mono;

/// How long after a packet a marked copy of it is the same packet: longer than any scanner tries.
pub const REPEAT_MS_MAX: u64 = 10_000;
/// Longest time between two packets of one code.
pub const PART_GAP_MS_MAX: u64 = 2_000;
/// How long the scanner may take to answer a command.
pub const ANSWER_MS_MAX: u64 = 2_000;
/// How often a command is sent in all.
pub const TRIES_MAX: u32 = 3;
/// Commands that wait for their turn.
pub const COMMANDS_MAX: usize = 16;

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// Bytes of the line.
    Bytes(Vec<u8>),
    /// Send a command when the line is free.
    Command(SsiPacket),
    /// The port is gone.
    Disconnected,
    /// The time of the last [`Effect::SetTimer`] has come.
    Tick,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write these bytes.
    Send(Vec<u8>),
    /// One scan; make it durable before the next effect.
    Scan(Scan),
    /// A packet that is no scan (a reply, an event), acknowledged.
    Packet(SsiPacket),
    /// A command was refused, or never answered.
    CommandFailed(SsiPacket),
    /// Bytes that are no packet; an event.
    Fault(Fault),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
}

/// A command on its way.
#[derive(Clone, Debug)]
struct Sent {
    packet: SsiPacket,
    tries: u32,
    due_at: Mono,
}

/// One scanner's machine.
#[derive(Debug, Default)]
pub struct Session {
    decoder: SsiDecoder,
    /// The last code packet that was accepted, and when.
    accepted: Option<(Vec<u8>, Mono)>,
    /// A damaged packet was refused: its repetition is new.
    owed: bool,
    /// The code in progress: symbology, text so far, when its next part is due.
    partial: Option<(Option<Symbology>, Vec<u8>, Mono)>,
    waiting: VecDeque<SsiPacket>,
    sent: Option<Sent>,
    /// When a begun packet is given up.
    packet_due_at: Option<Mono>,
}

impl Session {
    /// A machine that heard nothing yet.
    #[must_use]
    pub fn new() -> Session {
        Session::default()
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Bytes(bytes) => {
                self.decoder.push(&bytes);
                let pending = self.decoder.has_pending();
                self.packet_due_at = pending.then(|| now.plus(ssi::PACKET_GAP_MS_MAX));
                self.read(now, out);
            }
            Input::Command(packet) if self.waiting.len() < COMMANDS_MAX => {
                self.waiting.push_back(packet);
            }
            Input::Command(packet) => out.push(Effect::CommandFailed(packet)),
            Input::Disconnected => self.disconnected(out),
            Input::Tick => self.tick(now, out),
        }
        self.send_next(now, out);
        let due = [
            self.packet_due_at,
            self.sent.as_ref().map(|sent| sent.due_at),
            self.partial.as_ref().map(|partial| partial.2),
        ];
        out.extend(due.into_iter().flatten().min().map(Effect::SetTimer));
    }

    /// What was begun is lost; what was accepted last may still be repeated when the port is back.
    fn disconnected(&mut self, out: &mut Vec<Effect>) {
        let accepted = self.accepted.take();
        let begun = self.partial.take();
        self.decoder.silence();
        let cut = std::iter::from_fn(|| self.decoder.next()).filter_map(|item| match item {
            SsiItem::Fault(fault) => Some(Effect::Fault(fault)),
            SsiItem::Packet(_) => None,
        });
        out.extend(cut);
        out.extend(begun.map(|it| Effect::Fault(fault(FaultReason::PartMissing, &it.1))));
        *self = Session {
            accepted,
            ..Session::new()
        };
    }

    fn read(&mut self, now: Mono, out: &mut Vec<Effect>) {
        while let Some(item) = self.decoder.next() {
            match item {
                SsiItem::Packet(packet) => self.on_packet(now, packet, out),
                SsiItem::Fault(fault) => {
                    if matches!(
                        fault.reason,
                        FaultReason::CheckWrong | FaultReason::ReportCut
                    ) {
                        self.owed = true;
                        let nak = SsiPacket::host(op::NAK, &[ssi::NAK_RESEND]);
                        out.push(Effect::Send(nak.encode()));
                    }
                    out.push(Effect::Fault(fault));
                }
            }
        }
    }

    fn on_packet(&mut self, now: Mono, packet: SsiPacket, out: &mut Vec<Effect>) {
        if packet.from_host {
            // Our own words, echoed by the adapter.
            return;
        }
        match packet.opcode {
            op::ACK => self.sent = None,
            op::NAK => {
                let again = packet.data.first() == Some(&ssi::NAK_RESEND);
                self.refused(now, again, out);
            }
            op::DECODE_DATA => {
                if !self.is_repetition(now, &packet) {
                    self.on_code(now, &packet, out);
                }
                self.owed = false;
                self.accepted = Some((packet.data, now));
                acknowledge(out);
            }
            _ => {
                // A reply answers the command as well as an ACK does.
                self.sent = None;
                out.push(Effect::Packet(packet));
                acknowledge(out);
            }
        }
    }

    /// Whether we have this packet already and only our answer was lost.
    fn is_repetition(&self, now: Mono, packet: &SsiPacket) -> bool {
        let same = |(data, at): &(Vec<u8>, Mono)| {
            *data == packet.data && now.0.saturating_sub(at.0) <= REPEAT_MS_MAX
        };
        packet.retransmit && !self.owed && self.accepted.as_ref().is_some_and(same)
    }

    fn on_code(&mut self, now: Mono, packet: &SsiPacket, out: &mut Vec<Effect>) {
        let Some((symbology, text)) = packet.code() else {
            let fault = fault(FaultReason::UnknownReport, &packet.data);
            out.push(Effect::Fault(fault));
            return;
        };
        let mut whole = match self.partial.take() {
            Some((open, begun, due)) if open == symbology && now <= due => begun,
            Some((_, begun, _)) => {
                out.push(Effect::Fault(fault(FaultReason::PartMissing, &begun)));
                Vec::new()
            }
            None => Vec::new(),
        };
        whole.extend_from_slice(text);
        if whole.len() > SCAN_BYTES_MAX {
            out.push(Effect::Fault(fault(FaultReason::TooLong, &whole)));
        } else if packet.continued {
            self.partial = Some((symbology, whole, now.plus(PART_GAP_MS_MAX)));
        } else if !whole.is_empty() {
            out.push(Effect::Scan(ssi::scan(symbology, whole)));
        }
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.packet_due_at.is_some_and(|at| now >= at) {
            self.packet_due_at = None;
            self.decoder.silence();
            self.read(now, out);
        }
        if self
            .partial
            .as_ref()
            .is_some_and(|partial| now >= partial.2)
            && let Some((_, begun, _)) = self.partial.take()
        {
            out.push(Effect::Fault(fault(FaultReason::PartMissing, &begun)));
        }
        if self.sent.as_ref().is_some_and(|sent| now >= sent.due_at) {
            self.refused(now, true, out);
        }
    }

    fn refused(&mut self, now: Mono, again: bool, out: &mut Vec<Effect>) {
        let Some(mut sent) = self.sent.take() else {
            return;
        };
        if !again || sent.tries >= TRIES_MAX {
            out.push(Effect::CommandFailed(sent.packet));
            return;
        }
        sent.tries += 1;
        sent.due_at = now.plus(ANSWER_MS_MAX);
        let mut repeated = sent.packet.clone();
        repeated.retransmit = true;
        out.push(Effect::Send(repeated.encode()));
        self.sent = Some(sent);
    }

    fn send_next(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.sent.is_some() {
            return;
        }
        if let Some(packet) = self.waiting.pop_front() {
            out.push(Effect::Send(packet.encode()));
            let due_at = now.plus(ANSWER_MS_MAX);
            self.sent = Some(Sent {
                packet,
                tries: 1,
                due_at,
            });
        }
    }
}

fn acknowledge(out: &mut Vec<Effect>) {
    out.push(Effect::Send(SsiPacket::host(op::ACK, &[]).encode()));
}

fn fault(reason: FaultReason, bytes: &[u8]) -> Fault {
    Fault::of(reason, bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(text: &str) -> SsiPacket {
        ssi::encode_code(text.as_bytes(), Symbology::Ean13)
            .unwrap()
            .remove(0)
    }

    fn again(packet: &SsiPacket) -> SsiPacket {
        SsiPacket {
            retransmit: true,
            ..packet.clone()
        }
    }

    /// What the session does with packets at these times.
    fn heard(packets: &[(u64, Vec<u8>)]) -> Vec<String> {
        let mut session = Session::new();
        let mut out = Vec::new();
        for (at, bytes) in packets {
            session.handle(Mono(*at), Input::Bytes(bytes.clone()), &mut out);
        }
        words(&out)
    }

    fn words(out: &[Effect]) -> Vec<String> {
        let show = |effect: &Effect| match effect {
            Effect::Scan(scan) => Some(String::from_utf8_lossy(&scan.bytes).into_owned()),
            Effect::Send(bytes) => Some(match bytes.get(1) {
                Some(&op::ACK) => "ack".to_owned(),
                Some(&op::NAK) => "nak".to_owned(),
                other => format!(
                    "{:02X}{}",
                    other.unwrap_or(&0),
                    if bytes[3] == 1 { "!" } else { "" }
                ),
            }),
            Effect::Fault(fault) => Some(format!("{:?}", fault.reason)),
            Effect::CommandFailed(packet) => Some(format!("failed {:02X}", packet.opcode)),
            Effect::Packet(packet) => Some(format!("packet {:02X}", packet.opcode)),
            Effect::SetTimer(_) => None,
        };
        out.iter().filter_map(show).collect()
    }

    #[test]
    fn a_repetition_is_told_once() {
        let first = code("5901234123457");
        let repeated = again(&first).encode();
        let first = first.encode();
        // Our answer was lost.
        assert_eq!(
            heard(&[(0, first.clone()), (1_000, repeated.clone())]),
            ["5901234123457", "ack", "ack"]
        );
        // The same thing scanned twice, no mark.
        assert_eq!(
            heard(&[(0, first.clone()), (1_000, first.clone())]),
            ["5901234123457", "ack", "5901234123457", "ack"]
        );
        // The first was damaged: the repetition is the scan.
        let mut damaged = first.clone();
        damaged[9] ^= 1;
        assert_eq!(
            heard(&[
                (0, first.clone()),
                (900, damaged),
                (1_000, repeated.clone())
            ]),
            [
                "5901234123457",
                "ack",
                "nak",
                "CheckWrong",
                "5901234123457",
                "ack"
            ]
        );
        // Much later it cannot be the packet that we have.
        assert_eq!(
            heard(&[(0, first), (20_000, repeated)]),
            ["5901234123457", "ack", "5901234123457", "ack"]
        );
    }

    #[test]
    fn what_is_cut_off_is_a_fault_and_what_was_accepted_is_not_told_again() {
        let mut session = Session::new();
        let mut out = Vec::new();
        let first = code("5901234123457");
        session.handle(Mono(0), Input::Bytes(first.encode()), &mut out);
        let half = first.encode()[..7].to_vec();
        session.handle(Mono(500), Input::Bytes(half), &mut out);
        session.handle(Mono(510), Input::Disconnected, &mut out);
        session.handle(Mono(900), Input::Bytes(again(&first).encode()), &mut out);
        assert_eq!(words(&out), ["5901234123457", "ack", "ReportCut", "ack"]);
    }

    #[test]
    fn long_codes_come_in_packets() {
        let text = "x".repeat(300);
        let packets = ssi::encode_code(text.as_bytes(), Symbology::Qr).unwrap();
        let bytes: Vec<_> = packets.iter().map(SsiPacket::encode).collect();
        let both = heard(&[(0, bytes[0].clone()), (100, bytes[1].clone())]);
        assert_eq!(both, ["ack", &text, "ack"]);
        let other = heard(&[(0, bytes[0].clone()), (100, code("5901234123457").encode())]);
        assert_eq!(other, ["ack", "PartMissing", "5901234123457", "ack"]);
        let mut session = Session::new();
        let mut out = Vec::new();
        session.handle(Mono(0), Input::Bytes(bytes[0].clone()), &mut out);
        assert_eq!(out.last(), Some(&Effect::SetTimer(Mono(PART_GAP_MS_MAX))));
        session.handle(Mono(PART_GAP_MS_MAX), Input::Tick, &mut out);
        assert_eq!(words(&out), ["ack", "PartMissing"]);
    }

    #[test]
    fn commands_wait_for_their_answer() {
        let mut session = Session::new();
        let mut out = Vec::new();
        let ack = SsiPacket {
            from_host: false,
            ..SsiPacket::host(op::ACK, &[])
        }
        .encode();
        let beep = SsiPacket::host(op::BEEP, &[0]);
        let enable = SsiPacket::host(op::SCAN_ENABLE, &[]);
        session.handle(Mono(0), Input::Command(beep.clone()), &mut out);
        session.handle(Mono(0), Input::Command(enable), &mut out);
        assert_eq!(words(&out), ["E6"]);
        session.handle(Mono(10), Input::Bytes(ack), &mut out);
        assert_eq!(words(&out), ["E6", "E9"]);
        for n in 1..=3 {
            session.handle(Mono(10 + n * ANSWER_MS_MAX), Input::Tick, &mut out);
        }
        assert_eq!(words(&out), ["E6", "E9", "E9!", "E9!", "failed E9"]);
        out.clear();
        session.handle(
            Mono(9_000),
            Input::Command(SsiPacket::host(op::REQUEST_REVISION, &[])),
            &mut out,
        );
        let reply = SsiPacket {
            from_host: false,
            ..SsiPacket::host(op::REPLY_REVISION, b"DS4608")
        };
        session.handle(Mono(9_100), Input::Bytes(reply.encode()), &mut out);
        session.handle(Mono(9_200), Input::Command(beep.clone()), &mut out);
        let deny = SsiPacket {
            from_host: false,
            ..SsiPacket::host(op::NAK, &[2])
        };
        session.handle(Mono(9_300), Input::Bytes(deny.encode()), &mut out);
        assert_eq!(words(&out), ["A3", "packet A4", "ack", "E6", "failed E6"]);
        for _ in 0..COMMANDS_MAX + 2 {
            session.handle(Mono(9_400), Input::Command(beep.clone()), &mut out);
        }
        assert_eq!(words(&out).last().map(String::as_str), Some("failed E6"));
        session.handle(Mono(9_400), Input::Disconnected, &mut out);
    }

    #[test]
    fn half_a_packet_is_refused_after_silence() {
        let mut session = Session::new();
        let mut out = Vec::new();
        let bytes = code("5901234123457").encode();
        session.handle(Mono(0), Input::Bytes(bytes[..7].to_vec()), &mut out);
        assert_eq!(out, [Effect::SetTimer(Mono(ssi::PACKET_GAP_MS_MAX))]);
        session.handle(Mono(200), Input::Tick, &mut out);
        session.handle(
            Mono(300),
            Input::Bytes(again(&code("5901234123457")).encode()),
            &mut out,
        );
        assert_eq!(words(&out), ["nak", "ReportCut", "5901234123457", "ack"]);
    }

    #[test]
    fn any_bytes_from_the_scanner() {
        let mut seed = 0x5EED_0009_u64;
        let mut roll = |sides: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % sides
        };
        let mut session = Session::new();
        let (mut out, mut now) = (Vec::new(), Mono(0));
        let whole = code("5901234123457").encode();
        for _ in 0..50_000 {
            out.clear();
            let bytes = match roll(3) {
                0 => whole.clone(),
                1 => whole[..usize::try_from(roll(20)).unwrap()].to_vec(),
                _ => (0..roll(12))
                    .map(|_| u8::try_from(roll(256)).unwrap())
                    .collect(),
            };
            session.handle(now, Input::Bytes(bytes), &mut out);
            if roll(20) == 0 {
                let beep = SsiPacket::host(op::BEEP, &[0]);
                session.handle(now, Input::Command(beep), &mut out);
            }
            now = now.plus(roll(3_000));
            session.handle(now, Input::Tick, &mut out);
            assert!(out.len() < 64, "{out:?}");
        }
        // Whatever came before, the next whole code is read.
        out.clear();
        session.handle(now.plus(60_000), Input::Tick, &mut out);
        session.handle(now.plus(60_000), Input::Bytes(whole), &mut out);
        assert!(words(&out).contains(&"5901234123457".to_owned()), "{out:?}");
    }
}
