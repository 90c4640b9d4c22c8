//! A payment over a serial line that damages and swallows bytes; receipts repeated, totals told.

use std::collections::VecDeque;

use shelf_codecs::zvt::{
    Acknowledgement, Amount, Completion, DayTotals, Packet, Password, Scheme, SchemeTotal,
    SerialDecoder, SerialItem, StatusInformation, encode_serial,
};

use super::serial_link::{LinkEffect, LinkInput, SerialLink};
use super::*;
use crate::payment::Terminal as _;

/// A terminal at the other end of the line: answers, and says the next thing when it is acknowledged.
#[derive(Default)]
struct Terminal {
    decoder: SerialDecoder,
    script: VecDeque<Packet>,
    /// Frames that wait for the answer to the one before.
    pending: VecDeque<Vec<u8>>,
    /// The last frame, until its bare answer.
    unanswered: Option<Vec<u8>>,
    authorisations: u32,
    /// Swallows the first so many frames without a word.
    deaf: u32,
}

impl Terminal {
    fn hear(&mut self, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.decoder.push(bytes);
        self.decoder.silence();
        let mut said = Vec::new();
        while let Some(item) = self.decoder.next_item() {
            match item {
                SerialItem::Apdu(_) if self.deaf > 0 => self.deaf -= 1,
                SerialItem::Apdu(apdu) => {
                    said.push(vec![Acknowledgement::Ack.byte()]);
                    self.packet(&Packet::read(&apdu).unwrap());
                }
                SerialItem::Answer(Acknowledgement::Ack) => self.unanswered = None,
                SerialItem::Answer(Acknowledgement::Nak) => said.extend(self.unanswered.clone()),
                SerialItem::Fault(_) => said.push(vec![Acknowledgement::Nak.byte()]),
            }
        }
        if self.unanswered.is_none()
            && let Some(frame) = self.pending.pop_front()
        {
            self.unanswered = Some(frame.clone());
            said.push(frame);
        }
        said
    }

    fn packet(&mut self, packet: &Packet) {
        let done = || Packet::Completion(Completion::default());
        let status = |receipt| StatusInformation {
            result_code: Some(0),
            amount: Amount::new(1234),
            receipt: Some(receipt),
            trace: Some(u32::from(receipt)),
            ..StatusInformation::default()
        };
        let tell = |status| Packet::StatusInformation(Box::new(status));
        let print = |text: &str| Packet::PrintLine {
            attribute: 0,
            text: text.to_owned(),
        };
        match packet {
            Packet::Acknowledge => {}
            Packet::Registration(_) | Packet::StatusEnquiry { .. } => self.script = [done()].into(),
            Packet::RepeatReceipt {
                service: Some(3), ..
            } => {
                self.script = [tell(status(41)), done()].into();
            }
            Packet::RepeatReceipt { .. } => {
                self.script = [tell(status(41)), print("KUNDENBELEG"), done()].into();
            }
            Packet::Authorisation { .. } => {
                self.authorisations += 1;
                self.script = [tell(status(42)), done()].into();
            }
            Packet::EndOfDay { .. } => {
                let sum = Amount::new(1234).unwrap();
                let schemes = vec![SchemeTotal {
                    scheme: Scheme::Visa,
                    count: 1,
                    sum,
                }];
                let totals = DayTotals {
                    first_receipt: 41,
                    last_receipt: 42,
                    schemes,
                };
                let status = StatusInformation {
                    totals: Some(Box::new(totals)),
                    ..status(42)
                };
                self.script = [tell(status), done()].into();
            }
            other => panic!("{other:?}"),
        }
        // After our own acknowledgement of a command we are master and go on at once.
        if *packet != Packet::Acknowledge {
            self.say(&Packet::Acknowledge);
        }
        if let Some(next) = self.script.pop_front() {
            self.say(&next);
        }
    }

    fn say(&mut self, packet: &Packet) {
        self.pending.push_back(encode_serial(&packet.to_apdu()));
    }
}

/// Runs one command to its outcome; every `damage`-th byte to the till is flipped.
fn run(
    terminal: &mut Terminal,
    input: Input,
    damage: u64,
) -> (Session, Vec<Outcome>, Vec<String>, u64) {
    let mut config = Config::new(Password::new("123456").unwrap(), 978);
    config.connection = Connection::Keep;
    let (mut session, mut link) = (Session::new(config), SerialLink::new());
    let mut world = Line {
        inputs: [input].into(),
        now: Mono(0),
        bytes: 0,
        damage,
        ..Line::default()
    };
    for _ in 0..500 {
        let Some(input) = world.inputs.pop_front() else {
            if !session.is_busy() {
                break;
            }
            world.wait(&mut link, terminal);
            continue;
        };
        let mut out = Vec::new();
        session.handle(world.now, input, &mut out);
        for effect in out {
            world.perform(effect, &mut link, terminal);
        }
    }
    assert!(!session.is_busy(), "it never ended");
    (session, world.outcomes, world.receipt, world.now.0)
}

#[derive(Default)]
struct Line {
    inputs: VecDeque<Input>,
    outcomes: Vec<Outcome>,
    receipt: Vec<String>,
    session_timer: Option<Mono>,
    link_timer: Option<Mono>,
    now: Mono,
    bytes: u64,
    damage: u64,
}

impl Line {
    fn wait(&mut self, link: &mut SerialLink, terminal: &mut Terminal) {
        let due = [self.link_timer, self.session_timer]
            .into_iter()
            .flatten()
            .min();
        self.now = self.now.max(due.expect("a timer"));
        if self.link_timer.is_some_and(|at| at <= self.now) {
            self.link_timer = None;
            self.link(LinkInput::Tick, link, terminal);
        } else {
            self.session_timer = None;
            self.inputs.push_back(Input::Tick);
        }
    }

    fn perform(&mut self, effect: Effect, link: &mut SerialLink, terminal: &mut Terminal) {
        match effect {
            Effect::Connect => {
                self.link(LinkInput::Reset, link, terminal);
                self.inputs.push_back(Input::Connected);
            }
            Effect::Send(bytes) => self.link(LinkInput::FromSession(bytes), link, terminal),
            Effect::PersistState(record) => {
                self.inputs.push_back(Input::Persisted {
                    intent: record.intent,
                });
            }
            Effect::CommitThenConfirm(record) => {
                self.inputs.push_back(Input::Committed {
                    intent: record.intent,
                });
            }
            Effect::Receipt(lines) => self.receipt.extend(lines),
            Effect::Outcome(outcome) => self.outcomes.push(outcome),
            Effect::SetTimer(at) => self.session_timer = Some(at),
            _ => {}
        }
    }

    fn link(&mut self, input: LinkInput, link: &mut SerialLink, terminal: &mut Terminal) {
        let mut out = Vec::new();
        link.handle(self.now, input, &mut out);
        for effect in out {
            match effect {
                LinkEffect::ToPort(bytes) => {
                    for said in terminal.hear(&bytes) {
                        let said = self.damaged(said);
                        self.link(LinkInput::FromPort(said), link, terminal);
                    }
                }
                LinkEffect::ToSession(bytes) => self.inputs.push_back(Input::Bytes(bytes)),
                LinkEffect::Lost => self.inputs.push_back(Input::Disconnected),
                LinkEffect::SetTimer(at) => self.link_timer = Some(at),
                LinkEffect::Fault(_) => {}
            }
        }
    }

    fn damaged(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        // Bare answers are left alone: a damaged one is silence, which the deaf terminal covers.
        if bytes.len() > 1 {
            for byte in &mut bytes {
                self.bytes += 1;
                if self.damage > 0 && self.bytes.is_multiple_of(self.damage) {
                    *byte ^= 0x40;
                }
            }
        }
        bytes
    }
}

fn pay() -> Input {
    Input::Command(Command::Pay {
        intent: IntentId(1),
        amount: Amount::new(1234).unwrap(),
        currency: 978,
        asked_at: None,
    })
}

#[test]
fn a_payment_over_a_line_that_damages_bytes() {
    for damage in [0, 211, 97, 61] {
        let mut terminal = Terminal::default();
        let (_, outcomes, ..) = run(&mut terminal, pay(), damage);
        assert!(
            matches!(outcomes.last(), Some(Outcome::Approved(_))),
            "{damage}: {outcomes:?}"
        );
        assert_eq!(terminal.authorisations, 1, "{damage}");
    }
}

#[test]
fn a_frame_without_answer_is_sent_again_unless_it_moves_money() {
    // The registration is swallowed once: said again after T2, or given up by the session's T3.
    let mut terminal = Terminal {
        deaf: 1,
        ..Terminal::default()
    };
    let (_, outcomes, _, took_ms) = run(&mut terminal, Input::Command(Command::StatusEnquiry), 0);
    assert!(
        took_ms >= serial_link::ANSWER_MS_MAX,
        "{took_ms}: {outcomes:?}"
    );
    let mut link = SerialLink::new();
    let mut out = Vec::new();
    let sent = |out: &[LinkEffect]| {
        out.iter()
            .filter(|effect| matches!(effect, LinkEffect::ToPort(_)))
            .count()
    };
    let say = |packet: &Packet| LinkInput::FromSession(packet.encode());
    let pay = Packet::Authorisation {
        amount: Amount::new(1234).unwrap(),
        currency: 978,
        payment_type: None,
        timeout_s: None,
        status_max: None,
    };
    link.handle(Mono(0), say(&pay), &mut out);
    link.handle(Mono(1), LinkInput::FromPort(vec![0x15]), &mut out);
    assert_eq!(sent(&out), 2, "refused: sent again");
    link.handle(Mono(10_000), LinkInput::Tick, &mut out);
    assert_eq!(
        (sent(&out), out.contains(&LinkEffect::Lost)),
        (2, true),
        "silence: not again"
    );
    let (mut link, mut out) = (SerialLink::new(), Vec::new());
    link.handle(Mono(0), say(&Packet::LogOff), &mut out);
    for n in 1..=3 {
        link.handle(
            Mono(n * serial_link::ANSWER_MS_MAX),
            LinkInput::Tick,
            &mut out,
        );
    }
    assert_eq!((sent(&out), out.contains(&LinkEffect::Lost)), (3, true));
    out.clear();
    for _ in 0..serial_link::WAITING_MAX + 2 {
        link.handle(Mono(20_000), say(&Packet::LogOff), &mut out);
    }
    assert!(out.contains(&LinkEffect::Lost), "bounded");
}

#[test]
fn the_last_receipt_is_printed_again() {
    let mut terminal = Terminal::default();
    let (_, outcomes, receipt, _) = run(&mut terminal, Input::Command(Command::RepeatReceipt), 0);
    let Some(Outcome::ReceiptRepeated { last: Some(last) }) = outcomes.last() else {
        panic!("{outcomes:?}")
    };
    assert_eq!(
        (last.receipt, receipt),
        (Some(41), vec!["KUNDENBELEG".to_owned()])
    );
    assert_eq!(terminal.authorisations, 0);
}

#[test]
fn a_closed_day_has_totals_by_scheme() {
    let mut terminal = Terminal::default();
    let (_, outcomes, ..) = run(&mut terminal, Input::Command(Command::EndOfDay), 0);
    let Some(Outcome::DayClosed {
        total,
        totals: Some(totals),
    }) = outcomes.last()
    else {
        panic!("{outcomes:?}")
    };
    let sum = Amount::new(1234);
    assert_eq!(
        (*total, totals.sum(), totals.schemes[0].scheme),
        (sum, sum, Scheme::Visa)
    );
}
