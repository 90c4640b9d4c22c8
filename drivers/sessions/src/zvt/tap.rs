//! Listening to somebody else's ZVT dialogue: an existing till pays, and we keep what the terminal said.
//!
//! The tap is given both directions of a line that other programs use and writes nothing. What the terminal
//! says about a transaction becomes evidence when the register has answered it, because the answer decides:
//! accepted, put off, or to be taken back. Repeated receipts are no new transactions, the same status sent
//! twice is one. It holds of a card no more than the last four digits, and it must never become the source
//! of a sale by itself.

use std::collections::VecDeque;

use shelf_codecs::zvt::{Apdu, Fault, Item, Packet, SerialDecoder, SerialItem, TcpDecoder, result};

use super::record::Evidence;

/// What carries the dialogue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wire {
    /// Units without framing.
    Tcp,
    /// Frames with check sums.
    Serial,
}

/// Who spoke.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speaker {
    /// The cash register.
    Register,
    /// The terminal.
    Terminal,
}

/// What the register had asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapKind {
    /// A payment.
    Payment,
    /// A refund.
    Refund,
    /// A reversal.
    Reversal,
    /// The day's end.
    EndOfDay,
    /// Nothing that we heard: started at the terminal, or the tap came late.
    NotAsked,
}

/// What the register answered to the terminal's status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TapAnswer {
    /// It took it: for an approved payment the goods are issued.
    Accepted,
    /// It refused: the terminal takes the money back.
    Refused,
    /// It said nothing before the dialogue or the connection ended: the terminal may take it back.
    Unanswered,
}

/// One transaction that was overheard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overheard {
    /// What it was.
    pub kind: TapKind,
    /// What the terminal said; approved where its result code is 0.
    pub evidence: Evidence,
    /// What the register answered.
    pub answer: TapAnswer,
}

/// What comes out of the tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapItem {
    /// A transaction.
    Transaction(Box<Overheard>),
    /// Bytes that could not be read, masked.
    Fault(Speaker, Fault),
}

#[derive(Debug)]
enum Half {
    Tcp(TcpDecoder),
    Serial(SerialDecoder),
}

impl Half {
    fn new(wire: Wire) -> Half {
        match wire {
            Wire::Tcp => Half::Tcp(TcpDecoder::new()),
            Wire::Serial => Half::Serial(SerialDecoder::new()),
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        match self {
            Half::Tcp(decoder) => decoder.push(bytes),
            Half::Serial(decoder) => decoder.push(bytes),
        }
    }

    fn next(&mut self) -> Option<Result<Apdu, Fault>> {
        match self {
            Half::Tcp(decoder) => Some(match decoder.next_item()? {
                Item::Apdu(apdu) => Ok(apdu),
                Item::Fault(fault) => Err(fault),
            }),
            Half::Serial(decoder) => loop {
                match decoder.next_item()? {
                    SerialItem::Apdu(apdu) => return Some(Ok(apdu)),
                    SerialItem::Fault(fault) => return Some(Err(fault)),
                    SerialItem::Answer(_) => {}
                }
            },
        }
    }
}

/// The listener of one line. Iterate it after each push.
#[derive(Debug)]
pub struct Tap {
    wire: Wire,
    register: Half,
    terminal: Half,
    /// The command under way; `None` while none was heard.
    command: Option<(u8, u8)>,
    /// A status that the register has not answered yet.
    pending: Option<Box<Evidence>>,
    last: Option<Overheard>,
    items: VecDeque<TapItem>,
}

impl Tap {
    /// A tap that heard nothing yet.
    #[must_use]
    pub fn new(wire: Wire) -> Tap {
        Tap {
            wire,
            register: Half::new(wire),
            terminal: Half::new(wire),
            command: None,
            pending: None,
            last: None,
            items: VecDeque::new(),
        }
    }

    /// Takes bytes that one side sent.
    pub fn push(&mut self, speaker: Speaker, bytes: &[u8]) {
        let half = match speaker {
            Speaker::Register => &mut self.register,
            Speaker::Terminal => &mut self.terminal,
        };
        half.push(bytes);
        let mut heard = Vec::new();
        while let Some(unit) = half.next() {
            heard.push(unit.and_then(|apdu| Packet::read(&apdu)));
        }
        for packet in heard {
            match packet {
                Ok(packet) => self.packet(speaker, packet),
                Err(fault) => self.items.push_back(TapItem::Fault(speaker, fault)),
            }
        }
    }

    /// A serial line was silent for [`super::serial_link::BYTE_GAP_MS_MAX`].
    pub fn silence(&mut self) {
        for half in [&mut self.register, &mut self.terminal] {
            if let Half::Serial(decoder) = half {
                decoder.silence();
            }
        }
        self.push(Speaker::Register, &[]);
        self.push(Speaker::Terminal, &[]);
    }

    /// The connection ended.
    pub fn closed(&mut self) {
        self.answered(TapAnswer::Unanswered);
        self.command = None;
        self.register = Half::new(self.wire);
        self.terminal = Half::new(self.wire);
    }

    fn packet(&mut self, speaker: Speaker, packet: Packet) {
        match (speaker, packet) {
            (Speaker::Terminal, Packet::StatusInformation(status)) => {
                // Sent again because it was not answered: the newer word counts.
                self.pending = Some(Box::new(Evidence::from(&*status)));
            }
            (Speaker::Terminal, Packet::Completion(_) | Packet::Abort { .. }) => {
                self.answered(TapAnswer::Unanswered);
                self.command = None;
            }
            (Speaker::Register, Packet::Acknowledge | Packet::Refusal { code: result::OK }) => {
                self.answered(TapAnswer::Accepted);
            }
            // Put off: the terminal will say it again.
            (Speaker::Register, Packet::Refusal { code: result::WAIT }) => {}
            (Speaker::Register, Packet::Refusal { .. }) => self.answered(TapAnswer::Refused),
            (Speaker::Register, command) => {
                self.answered(TapAnswer::Unanswered);
                self.command = Some(command.to_apdu().control());
            }
            _ => {}
        }
    }

    fn answered(&mut self, answer: TapAnswer) {
        let Some(evidence) = self.pending.take() else {
            return;
        };
        let kind = match self.command {
            Some((0x06, 0x01)) => TapKind::Payment,
            Some((0x06, 0x31)) => TapKind::Refund,
            Some((0x06, 0x30)) => TapKind::Reversal,
            Some((0x06, 0x50)) => TapKind::EndOfDay,
            Some((0x06, 0x20)) if self.took_back(&evidence) => TapKind::Reversal,
            // An old transaction told again, or a question.
            Some(_) => return,
            None => TapKind::NotAsked,
        };
        let heard = Overheard {
            kind,
            evidence: *evidence,
            answer,
        };
        // Sent twice because an answer was lost: one transaction. Without a number nothing can be compared.
        let numbered = heard.evidence.trace.is_some() || heard.evidence.receipt.is_some();
        if numbered && self.last.as_ref() == Some(&heard) {
            return;
        }
        self.last = Some(heard.clone());
        self.items.push_back(TapItem::Transaction(Box::new(heard)));
    }
}

impl Tap {
    /// Whether the terminal tells, when asked for its last transaction, that it took back by itself what the
    /// register had accepted: the register's answer was heard here, and never reached the terminal.
    fn took_back(&self, told: &Evidence) -> bool {
        let accepted = self.last.as_ref().filter(|it| {
            let paid = matches!(it.kind, TapKind::Payment | TapKind::NotAsked);
            paid && it.answer == TapAnswer::Accepted && it.evidence.result_code == Some(result::OK)
        });
        let trace = accepted.and_then(|it| it.evidence.trace);
        told.result_code == Some(result::OK) && trace.is_some() && told.original_trace == trace
    }
}

impl Iterator for Tap {
    type Item = TapItem;

    fn next(&mut self) -> Option<TapItem> {
        self.items.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use shelf_codecs::zvt::{Amount, Completion, Password, StatusInformation, encode_serial};

    use super::*;

    fn status(code: u8, receipt: u16) -> Packet {
        Packet::StatusInformation(Box::new(StatusInformation {
            result_code: Some(code),
            amount: Amount::new(1234),
            receipt: Some(receipt),
            trace: Some(u32::from(receipt)),
            ..StatusInformation::default()
        }))
    }

    fn pay() -> Packet {
        Packet::Authorisation {
            amount: Amount::new(1234).unwrap(),
            currency: 978,
            payment_type: None,
            timeout_s: None,
            status_max: None,
        }
    }

    fn password() -> Password {
        Password::new("123456").unwrap()
    }

    const R: Speaker = Speaker::Register;
    const T: Speaker = Speaker::Terminal;
    const ACK: Packet = Packet::Acknowledge;

    fn done() -> Packet {
        Packet::Completion(Completion::default())
    }

    /// What is overheard of a dialogue, on both wires and however it is cut.
    fn heard(dialogue: &[(Speaker, Packet)]) -> String {
        let listen = |wire: Wire, size: usize| {
            let mut tap = Tap::new(wire);
            for (speaker, packet) in dialogue {
                let bytes = match wire {
                    Wire::Tcp => packet.encode(),
                    Wire::Serial => encode_serial(&packet.to_apdu()),
                };
                bytes
                    .chunks(size)
                    .for_each(|piece| tap.push(*speaker, piece));
                if wire == Wire::Serial {
                    let other = if *speaker == R { T } else { R };
                    tap.push(other, &[0x06]);
                }
            }
            tap.silence();
            tap.closed();
            let show = |item| match item {
                TapItem::Transaction(it) => {
                    let code = it.evidence.result_code.unwrap_or(0xEE);
                    let receipt = it.evidence.receipt.unwrap_or(0);
                    format!("{:?} {receipt} {code:02X} {:?}", it.kind, it.answer)
                }
                TapItem::Fault(speaker, _) => format!("{speaker:?} fault"),
            };
            tap.map(show).collect::<Vec<_>>().join(", ")
        };
        let whole = listen(Wire::Tcp, usize::MAX);
        assert_eq!(whole, listen(Wire::Tcp, 1));
        assert_eq!(whole, listen(Wire::Serial, 1));
        whole
    }

    #[test]
    fn what_counts_is_the_registers_answer() {
        let wait = Packet::Refusal { code: result::WAIT };
        let issued = Packet::Refusal { code: result::OK };
        let take_back = Packet::Refusal {
            code: result::SYSTEM_ERROR,
        };
        let start = [(R, pay()), (T, ACK), (T, status(0, 42))];
        let after = |rest: &[(Speaker, Packet)]| heard(&[&start[..], rest].concat());
        assert_eq!(
            after(&[(R, ACK), (T, done()), (R, ACK)]),
            "Payment 42 00 Accepted"
        );
        assert_eq!(after(&[(R, issued), (T, done())]), "Payment 42 00 Accepted");
        assert_eq!(after(&[(R, take_back)]), "Payment 42 00 Refused");
        assert_eq!(after(&[]), "Payment 42 00 Unanswered");
        assert_eq!(after(&[(T, done())]), "Payment 42 00 Unanswered");
        let put_off = [(R, wait), (T, status(0, 42)), (R, ACK), (T, done())];
        assert_eq!(after(&put_off), "Payment 42 00 Accepted");
        let declined = [(R, pay()), (T, ACK), (T, status(0x6C, 43)), (R, ACK)];
        assert_eq!(heard(&declined), "Payment 43 6C Accepted");
    }

    #[test]
    fn old_receipts_are_no_new_transactions() {
        let repeat = Packet::RepeatReceipt {
            password: password(),
            service: Some(3),
        };
        let asked = [
            (R, repeat),
            (T, ACK),
            (T, status(0, 42)),
            (R, ACK),
            (T, done()),
        ];
        assert_eq!(heard(&asked), "");
        // What the register had accepted was taken back, because its answer did not arrive.
        let reversed = Packet::StatusInformation(Box::new(StatusInformation {
            result_code: Some(0),
            amount: Amount::new(1234),
            receipt: Some(42),
            trace: Some(43),
            original_trace: Some(42),
            ..StatusInformation::default()
        }));
        let paid = [(R, pay()), (T, ACK), (T, status(0, 42)), (R, ACK)];
        let told = [(T, ACK), (T, reversed), (R, ACK), (T, done())];
        let asks = [(R, asked[0].1.clone())];
        let twice = [&paid[..], &asks, &told, &asks, &told].concat();
        let both = "Payment 42 00 Accepted, Reversal 42 00 Accepted";
        assert_eq!(heard(&twice), both);
        assert_eq!(heard(&[&asks[..], &told].concat()), "");
        // The register's acknowledgement was lost: the terminal says it again.
        let twice = [
            (R, pay()),
            (T, status(0, 42)),
            (R, ACK),
            (T, status(0, 42)),
            (R, ACK),
        ];
        assert_eq!(heard(&twice), "Payment 42 00 Accepted");
    }

    #[test]
    fn other_commands_are_named() {
        let amount = Amount::new(1234).unwrap();
        let refund = Packet::Refund {
            password: password(),
            amount,
            currency: 978,
        };
        let reversal = Packet::Reversal {
            password: password(),
            receipt: 42,
            amount: None,
        };
        let day = Packet::EndOfDay {
            password: password(),
        };
        for (command, word) in [
            (refund, "Refund"),
            (reversal, "Reversal"),
            (day, "EndOfDay"),
        ] {
            let dialogue = [
                (R, command),
                (T, ACK),
                (T, status(0, 50)),
                (R, ACK),
                (T, done()),
            ];
            assert_eq!(heard(&dialogue), format!("{word} 50 00 Accepted"));
        }
        let started_there = [(T, status(0, 51)), (R, ACK), (T, done())];
        assert_eq!(heard(&started_there), "NotAsked 51 00 Accepted");
    }

    #[test]
    fn any_bytes() {
        let mut seed = 0x5EED_0007_u64;
        let mut roll = |sides: u64| {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            seed % sides
        };
        for wire in [Wire::Tcp, Wire::Serial] {
            let mut tap = Tap::new(wire);
            for _ in 0..50_000 {
                let speaker = if roll(2) == 0 { R } else { T };
                let alphabet = [
                    0x04, 0x0F, 0x06, 0x01, 0x80, 0x00, 0x10, 0x02, 0x03, 0x27, 0x84,
                ];
                let bytes: Vec<u8> = (0..roll(12))
                    .map(|_| alphabet[usize::try_from(roll(11)).unwrap()])
                    .collect();
                tap.push(speaker, &bytes);
                if roll(9) == 0 {
                    tap.silence();
                    tap.closed();
                }
                assert!(tap.by_ref().count() <= 64);
            }
        }
    }
}
