//! The terminal, the till and the cable between them, in one thread and virtual time.

use shelf_codecs::ecr17::{
    Approval, CardKind, Closing, Decoder, Item, LrcMode, RegisterId, Request, Response, Stan,
    TerminalId, TerminalState, encode_ack, encode_nak, encode_progress,
};

use super::super::*;
use crate::payment::{IntentId, Terminal as _};
use crate::time::Mono;

pub(super) const INTENT: IntentId = IntentId(7);

pub(super) fn terminal_id() -> TerminalId {
    TerminalId::new(12_345_678).unwrap()
}

/// What a terminal does that is not usual.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Habit {
    /// Refuses every payment.
    pub(super) declines: bool,
    /// NAKs so many requests before it takes one.
    pub(super) naks: u32,
    /// Damages the first copy of its result.
    pub(super) damages_once: bool,
    /// The customer takes this long.
    pub(super) customer_ms: u64,
    /// It is off after the cut, for good.
    pub(super) stays_dead: bool,
    /// Takes a payment without a word until the customer is done.
    pub(super) silent: bool,
    /// Another till takes a payment in the meantime.
    pub(super) another_till: bool,
}

/// The terminal: charges when the customer is done, whether or not the till still listens.
pub(super) struct Terminal {
    pub(super) habit: Habit,
    pub(super) decoder: Decoder,
    pub(super) stan: u32,
    pub(super) last: LastResult,
    pub(super) payments_heard: u32,
    pub(super) charged: Vec<u64>,
    pub(super) reversed: u32,
    /// When the customer is done, and with what.
    pub(super) busy: Option<(Mono, u64)>,
    pub(super) unacked: Option<Vec<u8>>,
}

impl Terminal {
    pub(super) fn new(habit: Habit) -> Terminal {
        let stan = 41;
        let last = LastResult {
            stan: Stan::new(stan),
            code: 0,
        };
        Terminal {
            habit,
            decoder: Decoder::new(LrcMode::Std),
            stan,
            last,
            payments_heard: 0,
            charged: Vec::new(),
            reversed: 0,
            busy: None,
            unacked: None,
        }
    }

    pub(super) fn result(&self) -> Response {
        match (self.last.stan, self.last.code) {
            (Some(stan), 0) => Response::Approved(Approval {
                card: None,
                entry: "ICC".to_owned(),
                authorisation: "A1B2C3".to_owned(),
                host_time: "3251430".to_owned(),
                card_kind: CardKind::Debit,
                stan,
            }),
            (stan, code) => Response::Refused {
                code,
                words: "NEGATA".to_owned(),
                stan,
            },
        }
    }

    pub(super) fn encode(&self, response: &Response) -> Vec<u8> {
        response.encode(terminal_id(), LrcMode::Std)
    }

    /// The customer is done: money moves now.
    pub(super) fn work(&mut self, now: Mono) -> Option<Vec<u8>> {
        let (_, minor) = self.busy.take_if(|(at, _)| now >= *at)?;
        self.stan += 1;
        let code = u8::from(self.habit.declines);
        if code == 0 {
            self.charged.push(minor);
        }
        self.last = LastResult {
            stan: Stan::new(self.stan),
            code,
        };
        if self.habit.another_till {
            self.stan += 1;
            self.last = LastResult {
                stan: Stan::new(self.stan),
                code: 0,
            };
        }
        let result = self.encode(&self.result());
        self.unacked = Some(result.clone());
        Some(result)
    }

    pub(super) fn hear(&mut self, now: Mono, bytes: &[u8]) -> Vec<Vec<u8>> {
        self.decoder.push(bytes);
        let mut said = Vec::new();
        while let Some(item) = self.decoder.next() {
            match item {
                Item::Message(payload) => {
                    let answers = self.request(now, payload.request());
                    self.unacked = answers.last().cloned().filter(|last| last.len() > 30);
                    said.extend(answers);
                }
                Item::Nak => said.extend(self.unacked.clone()),
                Item::Ack => self.unacked = None,
                _ => {}
            }
        }
        said
    }

    pub(super) fn request(&mut self, now: Mono, request: Option<Request>) -> Vec<Vec<u8>> {
        if self.habit.naks > 0 {
            self.habit.naks -= 1;
            return vec![encode_nak(LrcMode::Std)];
        }
        let ack = encode_ack(LrcMode::Std);
        let answer = |response: &Response| vec![ack.clone(), self.encode(response)];
        match request {
            Some(Request::Payment { amount, .. }) => {
                self.payments_heard += 1;
                self.busy = Some((now.plus(self.habit.customer_ms), amount.minor()));
                if self.habit.silent {
                    return Vec::new();
                }
                vec![ack, encode_progress("INSERIRE CARTA")]
            }
            Some(Request::Reversal { .. }) => {
                self.reversed += 1;
                self.stan += 1;
                self.last = LastResult {
                    stan: Stan::new(self.stan),
                    code: 0,
                };
                vec![ack, self.encode(&self.result())]
            }
            Some(Request::LastResult) => answer(&self.result()),
            Some(Request::Totals) => answer(&Response::Totals {
                terminal_minor: Some(5),
            }),
            Some(Request::Close) => answer(&Response::Closed(Closing {
                terminal_minor: 5,
                host_minor: 5,
            })),
            Some(Request::Status) => answer(&Response::State(TerminalState {
                state: 0,
                release: "1".to_owned(),
            })),
            None => vec![encode_nak(LrcMode::Std)],
        }
    }
}

/// Till, cable and terminal. The cable breaks after so many bytes, once.
pub(super) struct World {
    pub(super) session: Session,
    pub(super) terminal: Terminal,
    pub(super) now: Mono,
    pub(super) connected: bool,
    pub(super) bytes_left: usize,
    pub(super) bytes_seen: usize,
    pub(super) cut: bool,
    pub(super) outcomes: Vec<Outcome>,
    pub(super) records: Vec<Record>,
    pub(super) committed: u32,
    pub(super) damaged: bool,
    pub(super) commit_fails: bool,
    /// The cashier gives up as soon as the terminal shows progress.
    pub(super) gives_up: bool,
}

impl World {
    pub(super) fn new(habit: Habit, cut_after: usize) -> World {
        let register = RegisterId::new(1).unwrap();
        World {
            session: Session::new(Config::new(terminal_id(), register)),
            terminal: Terminal::new(habit),
            now: Mono(0),
            connected: false,
            bytes_left: cut_after,
            bytes_seen: 0,
            cut: false,
            outcomes: Vec::new(),
            records: Vec::new(),
            committed: 0,
            damaged: false,
            commit_fails: false,
            gives_up: false,
        }
    }

    /// How many of these bytes pass before the cable breaks.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        self.bytes_seen += bytes.len();
        let passed = bytes.len().min(self.bytes_left);
        if !self.cut {
            self.bytes_left -= passed;
        }
        if self.cut { bytes.len() } else { passed }
    }

    pub(super) fn run(&mut self, first: Input) {
        let mut inputs = vec![first];
        let mut timer = None;
        for _ in 0..2_000 {
            if inputs.is_empty() {
                let busy = self.terminal.busy.map(|(at, _)| at);
                let Some(at) = [timer, busy].into_iter().flatten().min() else {
                    break;
                };
                self.now = self.now.max(at);
                if let Some(result) = self.terminal.work(self.now) {
                    self.send_to_till(&[result], &mut inputs);
                }
                if inputs.is_empty() && timer.is_some_and(|at| self.now >= at) {
                    timer = None;
                    inputs.push(Input::Tick);
                }
                if inputs.is_empty() {
                    continue;
                }
            }
            let mut out = Vec::new();
            self.session.handle(self.now, inputs.remove(0), &mut out);
            for effect in out {
                self.perform(effect, &mut timer, &mut inputs);
            }
            if !self.session.is_busy() {
                timer = None;
            }
        }
        assert!(!self.session.is_busy(), "it never ended");
    }

    pub(super) fn perform(
        &mut self,
        effect: Effect,
        timer: &mut Option<Mono>,
        inputs: &mut Vec<Input>,
    ) {
        match effect {
            Effect::Connect => {
                self.connected = !(self.cut && self.terminal.habit.stays_dead);
                self.terminal.decoder = Decoder::new(LrcMode::Std);
                inputs.push(if self.connected {
                    Input::Connected
                } else {
                    Input::Disconnected
                });
            }
            Effect::Disconnect => self.connected = false,
            Effect::Send(bytes) => self.send_to_terminal(&bytes, inputs),
            Effect::PersistState(record) => {
                let intent = record.intent;
                self.records.push(*record);
                inputs.push(Input::Persisted { intent });
            }
            Effect::CommitThenConfirm(record) => {
                let intent = record.intent;
                if self.commit_fails {
                    inputs.push(Input::CommitFailed { intent });
                } else {
                    self.committed += 1;
                    inputs.push(Input::Committed { intent });
                }
            }
            Effect::Outcome(outcome) => self.outcomes.push(outcome),
            Effect::SetTimer(at) => *timer = Some(at),
            Effect::Display(_) => {
                if std::mem::take(&mut self.gives_up) {
                    inputs.push(Input::Command(Command::GiveUp));
                }
            }
            Effect::Receipt(_) | Effect::Rejected(_) | Effect::Fault(_) => {}
        }
    }

    pub(super) fn send_to_terminal(&mut self, bytes: &[u8], inputs: &mut Vec<Input>) {
        if !self.connected {
            return;
        }
        let passed = self.pass(bytes);
        let said = self.terminal.hear(self.now, &bytes[..passed]);
        if passed < bytes.len() {
            self.break_cable(inputs);
        } else {
            self.send_to_till(&said, inputs);
        }
    }

    pub(super) fn send_to_till(&mut self, said: &[Vec<u8>], inputs: &mut Vec<Input>) {
        for bytes in said {
            if !self.connected {
                return;
            }
            let passed = self.pass(bytes);
            let mut heard = bytes[..passed].to_vec();
            if self.terminal.habit.damages_once && !self.damaged && heard.len() > 40 {
                self.damaged = true;
                heard[20] ^= 1;
            }
            inputs.push(Input::Bytes(heard));
            if passed < bytes.len() {
                self.break_cable(inputs);
            }
        }
    }

    pub(super) fn break_cable(&mut self, inputs: &mut Vec<Input>) {
        self.cut = true;
        self.connected = false;
        inputs.push(Input::Disconnected);
    }

    pub(super) fn last(&self) -> &Outcome {
        self.outcomes.last().expect("an outcome")
    }
}
