//! How the terminal takes a command: acknowledge it and become master, or refuse.

use shelf_codecs::zvt::{Amount, Completion, Packet, StatusInformation, result};

use super::run::{Run, Step};
use super::script::{BookedKind, BookedState, Busy, PaymentScript, Repeat, ScriptResult};
use super::terminal::Terminal;

/// The bit of the configuration byte that makes the cash register print payment receipts.
const REGISTER_PRINTS: u8 = 0x02;
const NO_TRANSACTION: u8 = 0x64;

impl Terminal {
    pub(super) fn on_packet(&mut self, packet: &Packet) {
        match packet {
            Packet::Acknowledge | Packet::Refusal { .. } => self.on_answer(packet),
            Packet::AbortRequest => self.on_abort_request(),
            Packet::Registration(registration) if self.may_talk() => {
                self.registered = Some(registration.config);
                let completion = Completion {
                    terminal_status: Some(result::OK),
                    terminal_id: Some(self.config.terminal_id),
                    currency: Some(self.config.currency),
                };
                self.talk([Step::Done(Packet::Completion(completion))]);
            }
            Packet::StatusEnquiry { .. } if self.may_talk() => {
                let status = if self.payment.is_some() {
                    result::WAIT
                } else {
                    result::OK
                };
                let completion = Completion {
                    terminal_status: Some(status),
                    ..Completion::default()
                };
                self.talk([Step::Done(Packet::Completion(completion))]);
            }
            Packet::RepeatReceipt { .. } if self.may_talk() => self.repeat(),
            Packet::LogOff => {
                self.registered = None;
                self.say(&Packet::Acknowledge);
            }
            _ if self.payment.is_some() => self.say(&Packet::Refusal { code: result::WAIT }),
            _ if self.registered.is_none() => {
                self.say(&Packet::Refusal {
                    code: result::NOT_REGISTERED,
                });
            }
            Packet::Authorisation {
                amount, currency, ..
            } => {
                self.take_payment(BookedKind::Payment, *amount, *currency);
            }
            Packet::Refund {
                amount, currency, ..
            } => {
                self.take_payment(BookedKind::Refund, *amount, *currency);
            }
            Packet::Reversal { receipt, .. } => self.reverse(*receipt),
            Packet::EndOfDay { .. } => self.end_day(),
            _ => self.say(&Packet::Refusal {
                code: result::NOT_POSSIBLE,
            }),
        }
    }

    fn may_talk(&self) -> bool {
        self.payment.is_none() || self.config.busy == Busy::SaysSo
    }

    fn talk<const N: usize>(&mut self, steps: [Step; N]) {
        self.say(&Packet::Acknowledge);
        self.talk = Some(Run::new(self.connection, self.now_ms, steps.into()));
    }

    fn repeat(&mut self) {
        let done = Step::Done(Packet::Completion(Completion::default()));
        match (&self.last, self.config.repeat) {
            (_, Repeat::Bare) => self.talk([done]),
            (None, _) => self.talk([Step::Done(Packet::Abort {
                code: Some(NO_TRANSACTION),
            })]),
            (Some(last), repeat) => {
                let mut last = last.clone();
                if repeat == Repeat::WrongAmount {
                    last.amount = last.amount.and_then(|a| Amount::new(a.minor() + 1));
                }
                self.talk([Step::Tell(Box::new(last)), done]);
            }
        }
    }

    fn take_payment(&mut self, kind: BookedKind, amount: Amount, currency: u16) {
        let script = self.scripts.pop_front().unwrap_or_default();
        self.say_bytes(Packet::Acknowledge.encode(), script.accepts_after_ms);
        let mut steps = vec![Step::Think(script.accepts_after_ms)];
        steps.extend(script.shows.iter().map(|code| Step::Show(*code)));
        steps.push(Step::Think(script.thinks_ms));
        if script.result == ScriptResult::Approve {
            steps.push(Step::Book {
                kind,
                amount,
                currency,
            });
            steps.extend(self.receipt_lines(&script).into_iter().map(Step::Print));
            steps.push(Step::Done(Packet::Completion(Completion::default())));
        } else {
            let mut declined = self.stamp();
            declined.result_code = Some(script.code());
            declined.amount = Some(amount);
            declined.trace = Some(self.draw_trace());
            steps.push(Step::Tell(Box::new(declined.clone())));
            steps.push(Step::Done(Packet::Abort {
                code: Some(script.code()),
            }));
            self.last = Some(declined);
        }
        let mut run = Run::new(self.connection, self.now_ms, steps.into());
        run.script = script;
        self.payment = Some(run);
    }

    fn receipt_lines(&self, script: &PaymentScript) -> Vec<String> {
        if self.registered.unwrap_or(0) & REGISTER_PRINTS == 0 {
            return Vec::new();
        }
        let card = script.unmasked_pan.as_deref().unwrap_or("************1234");
        vec![
            "K-U-N-D-E-N-B-E-L-E-G".to_owned(),
            format!("Karte {card}"),
            "Zahlung erfolgt".to_owned(),
        ]
    }

    fn reverse(&mut self, receipt: u16) {
        let last_only = self.config.reverses_last_only;
        let target = self
            .books
            .iter_mut()
            .rev()
            .find(|b| b.kind == BookedKind::Payment && (last_only || b.receipt == receipt));
        let (code, trace) = match target {
            Some(t) if t.state == BookedState::Stands => {
                t.state = BookedState::Reversed;
                (result::OK, Some((t.trace, t.receipt, t.amount)))
            }
            Some(_) => (result::ALREADY_REVERSED, None),
            None => (NO_TRANSACTION, None),
        };
        self.say(&Packet::Acknowledge);
        let mut steps = vec![Step::Show(0x17)];
        if let Some((original, receipt, amount)) = trace {
            let told = self.reversal(original, receipt, amount);
            self.last = Some(told.clone());
            steps.push(Step::Tell(Box::new(told)));
            steps.push(Step::Done(Packet::Completion(Completion::default())));
        } else {
            steps.push(Step::Done(Packet::Abort { code: Some(code) }));
        }
        self.payment = Some(Run::new(self.connection, self.now_ms, steps.into()));
    }

    /// The status information of a reversal: it names the receipt and the trace of what it reversed.
    pub(super) fn reversal(
        &mut self,
        original_trace: u32,
        receipt: u16,
        amount: Amount,
    ) -> StatusInformation {
        StatusInformation {
            result_code: Some(result::OK),
            amount: Some(amount),
            trace: Some(self.draw_trace()),
            original_trace: Some(original_trace),
            receipt: Some(receipt),
            ..self.stamp()
        }
    }

    fn end_day(&mut self) {
        let of = |kind| {
            let standing = self.standing().filter(|it| it.kind == kind);
            standing.map(|it| it.amount.minor()).sum::<u64>()
        };
        // What was paid out on balance has no amount in this field.
        let total = of(BookedKind::Payment).saturating_sub(of(BookedKind::Refund));
        let mut told = self.stamp();
        told.result_code = Some(result::OK);
        told.amount = Amount::new(total);
        self.last = Some(told.clone());
        let done = Step::Done(Packet::Completion(Completion::default()));
        self.talk([Step::Tell(Box::new(told)), done]);
    }

    fn on_abort_request(&mut self) {
        let connection = self.connection;
        let Some(run) = self.payment.as_mut().filter(|r| r.connection == connection) else {
            self.say(&Packet::Refusal {
                code: result::NOT_POSSIBLE,
            });
            return;
        };
        if run.booked.is_some() {
            // It is talking to the host: too late.
            self.say(&Packet::Refusal {
                code: result::NOT_POSSIBLE,
            });
            return;
        }
        run.give_up(result::ABORTED, self.now_ms);
        self.say(&Packet::Acknowledge);
    }
}
