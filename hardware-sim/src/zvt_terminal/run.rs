//! A dialogue in which the terminal is master, step by step, and what it does when an answer stays out.

use std::collections::VecDeque;

use shelf_codecs::zvt::{
    Amount, Apdu, CardTail, IntermediateStatus, Packet, StatusInformation, result,
};

use super::script::{
    Booked, BookedKind, BookedState, LastAfterReversal, PaymentScript, Pull, Unacknowledged,
};
use super::terminal::Terminal;

/// After "wait", the status is said again.
const WAIT_PAUSE_MS: u64 = 2_000;
/// How long "wait" may be answered.
const WAIT_MS_MAX: u64 = 30_000;

#[derive(Clone, Debug)]
pub(super) enum Step {
    Think(u64),
    Show(u8),
    /// The host approves: the money moves, and the approval is said.
    Book {
        kind: BookedKind,
        amount: Amount,
        currency: u16,
    },
    /// A status information whose acknowledgement moves no money.
    Tell(Box<StatusInformation>),
    /// The approval that must be acknowledged.
    Approve(Box<StatusInformation>),
    Print(String),
    Done(Packet),
}

#[derive(Debug)]
pub(super) struct Run {
    pub(super) connection: u64,
    pub(super) script: PaymentScript,
    /// Index in the books.
    pub(super) booked: Option<usize>,
    steps: VecDeque<Step>,
    /// What was said and not answered yet.
    said: Option<Step>,
    /// When the next thing happens: the next step, or the answer is overdue.
    at_ms: u64,
    waiting_since_ms: Option<u64>,
    /// The status before the approval, told if the vendor hides its own reversal.
    before: Option<StatusInformation>,
}

impl Run {
    pub(super) fn new(connection: u64, now_ms: u64, steps: VecDeque<Step>) -> Self {
        Self {
            connection,
            script: PaymentScript::default(),
            booked: None,
            steps,
            said: None,
            at_ms: now_ms,
            waiting_since_ms: None,
            before: None,
        }
    }

    pub(super) fn wakes_at_ms(&self) -> u64 {
        self.at_ms
    }

    /// Ends the dialogue with an abort.
    pub(super) fn give_up(&mut self, code: u8, now_ms: u64) {
        self.said = None;
        self.steps = VecDeque::from([Step::Done(Packet::Abort { code: Some(code) })]);
        self.at_ms = now_ms;
    }
}

impl Terminal {
    /// Does what is due in both dialogues.
    pub(super) fn work_off(&mut self) {
        for money in [true, false] {
            let slot = if money {
                &mut self.payment
            } else {
                &mut self.talk
            };
            let Some(mut run) = slot.take() else { continue };
            let mut alive = true;
            while alive && run.at_ms <= self.now_ms {
                alive = self.step(&mut run);
            }
            if alive {
                *(if money {
                    &mut self.payment
                } else {
                    &mut self.talk
                }) = Some(run);
            }
        }
    }

    /// One step; false when the dialogue is over.
    fn step(&mut self, run: &mut Run) -> bool {
        if let Some(unanswered) = run.said.take() {
            return self.no_answer(run, unanswered);
        }
        let Some(step) = run.steps.pop_front() else {
            return false;
        };
        match step {
            Step::Think(ms) => run.at_ms += ms,
            Step::Book {
                kind,
                amount,
                currency,
            } => {
                let told = self.book(run, kind, amount, currency);
                self.speak(run, Step::Approve(Box::new(told)));
            }
            other => self.speak(run, other),
        }
        true
    }

    fn book(
        &mut self,
        run: &mut Run,
        kind: BookedKind,
        amount: Amount,
        currency: u16,
    ) -> StatusInformation {
        let (trace, receipt) = (self.draw_trace(), self.draw_receipt());
        run.booked = Some(self.books.len());
        run.before = self.last.clone();
        let state = BookedState::Stands;
        self.books.push(Booked {
            kind,
            amount,
            trace,
            receipt,
            state,
            acknowledged: false,
        });
        StatusInformation {
            result_code: Some(result::OK),
            amount: Some(amount),
            currency: Some(currency),
            trace: Some(trace),
            receipt: Some(receipt),
            card: CardTail::new(1234),
            card_name: Some("girocard".to_owned()),
            ..self.stamp()
        }
    }

    fn speak(&mut self, run: &mut Run, step: Step) {
        let bytes = match &step {
            Step::Show(code) => Packet::IntermediateStatus(IntermediateStatus {
                code: *code,
                timeout_minutes: None,
                lines: Vec::new(),
            })
            .encode(),
            Step::Print(line) => Packet::PrintLine {
                attribute: 0,
                text: line.clone(),
            }
            .encode(),
            Step::Tell(told) => Packet::StatusInformation(told.clone()).encode(),
            Step::Approve(told) => approval(told, run.script.unmasked_pan.as_deref()),
            Step::Done(packet) => packet.encode(),
            Step::Think(_) | Step::Book { .. } => Vec::new(),
        };
        if run.connection == self.connection {
            self.say_bytes(bytes, 0);
            let approval = matches!(step, Step::Approve(_));
            if approval && run.script.pull == Some(Pull::BeforeStatusAcknowledged) {
                self.close();
            }
        }
        run.at_ms = self.now_ms + self.config.answer_delay_ms + self.config.answer_ms_max;
        run.said = Some(step);
    }

    /// The cash register answered, if it was asked on this connection.
    pub(super) fn on_answer(&mut self, answer: &Packet) {
        for money in [false, true] {
            let slot = if money {
                &mut self.payment
            } else {
                &mut self.talk
            };
            let asked = slot
                .as_ref()
                .is_some_and(|r| r.connection == self.connection && r.said.is_some());
            if !asked {
                continue;
            }
            let Some(mut run) = slot.take() else { continue };
            let Some(said) = run.said.take() else {
                continue;
            };
            run.at_ms = self.now_ms;
            let over = matches!(said, Step::Done(_));
            match (&said, answer) {
                (Step::Approve(told), Packet::Refusal { code }) if *code != result::OK => {
                    let told = told.clone();
                    self.not_taken(&mut run, told, *code);
                }
                (Step::Approve(told), _) => self.taken(&mut run, told),
                _ => {}
            }
            if !over {
                *(if money {
                    &mut self.payment
                } else {
                    &mut self.talk
                }) = Some(run);
            }
            return;
        }
    }

    fn taken(&mut self, run: &mut Run, told: &StatusInformation) {
        if let Some(entry) = run.booked.and_then(|i| self.books.get_mut(i)) {
            entry.acknowledged = true;
        }
        self.last = Some(told.clone());
        if run.script.pull == Some(Pull::AfterStatusAcknowledged) {
            self.close();
        }
    }

    /// "Wait", or "no".
    fn not_taken(&mut self, run: &mut Run, told: Box<StatusInformation>, code: u8) {
        let since = *run.waiting_since_ms.get_or_insert(self.now_ms);
        if code == result::WAIT && self.now_ms < since + WAIT_MS_MAX {
            run.at_ms = self.now_ms + WAIT_PAUSE_MS;
            run.steps.push_front(Step::Approve(told));
            return;
        }
        self.undo(run, Unacknowledged::Reverses);
        run.give_up(result::ABORTED, self.now_ms);
    }

    /// The answer stayed out; false when the dialogue is over.
    fn no_answer(&mut self, run: &mut Run, unanswered: Step) -> bool {
        match unanswered {
            Step::Approve(told) if run.script.resends > 0 => {
                run.script.resends -= 1;
                self.speak(run, Step::Approve(told));
                true
            }
            Step::Approve(told) => {
                let vendor = self.config.unacknowledged;
                if vendor == Unacknowledged::Stands {
                    self.last = Some(*told);
                } else {
                    self.undo(run, vendor);
                }
                run.give_up(result::ABORTED, self.now_ms);
                true
            }
            Step::Print(_) if run.booked.is_some() => {
                // The acknowledgements of the receipt count too where the vendor reverses by itself.
                if self.config.unacknowledged == Unacknowledged::Reverses {
                    self.undo(run, Unacknowledged::Reverses);
                }
                run.give_up(result::ABORTED, self.now_ms);
                true
            }
            Step::Done(_) => false,
            _ => {
                run.at_ms = self.now_ms;
                true
            }
        }
    }

    fn undo(&mut self, run: &mut Run, how: Unacknowledged) {
        let Some(entry) = run.booked.and_then(|i| self.books.get_mut(i)) else {
            return;
        };
        let (trace, receipt, amount) = (entry.trace, entry.receipt, entry.amount);
        entry.state = match how {
            Unacknowledged::BecomesDeclined => BookedState::Declined,
            _ => BookedState::Reversed,
        };
        self.last = match (how, self.config.last_after_reversal) {
            (Unacknowledged::BecomesDeclined, _) => Some(StatusInformation {
                result_code: Some(result::ABORTED),
                amount: Some(amount),
                trace: Some(trace),
                receipt: Some(receipt),
                ..self.stamp()
            }),
            (_, LastAfterReversal::Before) => run.before.take(),
            (_, LastAfterReversal::Reversal) => Some(self.reversal(trace, receipt, amount)),
        };
    }
}

/// The bytes of an approval, with the whole card number where the script wants that.
fn approval(told: &StatusInformation, pan: Option<&str>) -> Vec<u8> {
    let Some(pan) = pan else {
        return Packet::StatusInformation(Box::new(told.clone())).encode();
    };
    let masked = StatusInformation {
        card: None,
        ..told.clone()
    };
    let mut data = Packet::StatusInformation(Box::new(masked))
        .to_apdu()
        .data()
        .to_vec();
    // The number, track 2 (with separator and expiry) and track 3: fields 22, 23 and 24.
    let track_2 = format!("{pan}D29121010000");
    for (field, text, length_digits) in [
        (0x22, pan, 2),
        (0x23, track_2.as_str(), 2),
        (0x24, track_2.as_str(), 3),
    ] {
        data.push(field);
        data.extend(packed(text, length_digits));
    }
    Apdu::new(0x04, 0x0F, data)
        .map(|apdu| apdu.encode())
        .unwrap_or_default()
}

/// Digits two to a byte, filled with F, behind their length in bytes as one digit for each byte.
fn packed(text: &str, length_digits: u32) -> Vec<u8> {
    let nibble = |c: char| c.to_digit(16).and_then(|it| u8::try_from(it).ok());
    let mut nibbles: Vec<u8> = text.chars().filter_map(nibble).collect();
    if nibbles.len() % 2 == 1 {
        nibbles.push(0x0F);
    }
    let bytes = nibbles
        .chunks(2)
        .map(|pair| pair.iter().fold(0, |byte, nibble| byte << 4 | nibble));
    let length = nibbles.len() / 2;
    let digit = |place: u32| length / 10_usize.pow(place) % 10;
    let lengths = (0..length_digits)
        .rev()
        .map(|place| 0xF0 | digit(place).to_le_bytes()[0]);
    lengths.chain(bytes).collect()
}
