//! The machine: one command at a time, one connection for each.

use shelf_codecs::ecr17::{
    Decoder, Fault, FaultReason, Item, Payload, Request, Response, encode_ack, encode_nak,
};
use shelf_codecs::zvt::Amount;

use super::interface::{
    Command, Config, Effect, Input, Kind, LastResult, Outcome, Previous, Record,
};
use crate::payment::flow::{Desk, Flow};
use crate::payment::{Ask, IntentId, PaymentState, Progress};
use crate::time::Mono;

/// How often a request is sent in all, where it may be sent again.
const TRIES_MAX: u32 = 3;
/// The longest dialogue, however much progress the terminal tells.
const DIALOGUE_MS_MAX: u64 = 15 * 60 * 1000;
/// How long the shell may take to make a record or a sale durable.
pub(super) const DURABLE_MS_MAX: u64 = 120_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Closed,
    Connecting,
    Open,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    /// Before a payment: what was the last result?
    Learning,
    Persisting,
    /// The command itself was sent.
    Acting,
    Committing,
    /// Between two attempts to find out.
    Pausing,
    /// Finding out.
    Asking,
}

#[derive(Clone, Debug)]
pub struct Job {
    /// The command; for finding out, [`Request::LastResult`].
    pub(super) request: Request,
    pub(super) record: Option<Box<Record>>,
    pub(super) stage: Stage,
    /// The request was acknowledged.
    pub(super) acknowledged: bool,
    pub(super) tries: u32,
    /// The request that moves money was sent.
    pub(super) acted: bool,
    /// The terminal waits for our acknowledgement of its result.
    pub(super) owed: bool,
    pub(super) give_up_at: Mono,
    /// From when on no customer can be at the terminal.
    pub(super) quiet_at: Mono,
    /// When the dialogue ends at the latest, whatever progress the terminal tells.
    ends_at: Mono,
}

/// One terminal's dialogue machine.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    decoder: Decoder,
    pub(super) link: Link,
    pub(super) desk: Desk<Job, Record>,
}

impl Session {
    /// A machine at rest.
    #[must_use]
    pub fn new(config: Config) -> Session {
        Session {
            config,
            decoder: Decoder::new(config.lrc),
            link: Link::Closed,
            desk: Desk::empty(),
        }
    }

    fn command(&mut self, now: Mono, command: Command, out: &mut Vec<Effect>) {
        let request = match command {
            Command::Pay { intent, amount } => {
                return self.charge(now, intent, Kind::Pay, amount, out);
            }
            Command::Reverse {
                intent,
                stan,
                amount,
            } => return self.charge(now, intent, Kind::Reverse { stan }, amount, out),
            Command::GiveUp => return self.give_up(now, out),
            Command::Close => Request::Close,
            Command::Totals => Request::Totals,
            Command::Status => Request::Status,
        };
        let job = self.new_job(now, request, None);
        self.begin_command(now, job, out);
    }

    fn give_up(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if let Some(Stage::Learning | Stage::Acting) = self.desk.job.as_ref().map(|job| job.stage) {
            self.hang_up(out);
            self.lost(now, out);
        }
    }

    fn charge(
        &mut self,
        now: Mono,
        intent: IntentId,
        kind: Kind,
        amount: Amount,
        out: &mut Vec<Effect>,
    ) {
        let record = Record {
            intent,
            kind,
            amount,
            progress: Progress::CREATED,
            previous: Previous::NotLearnt,
            approval: None,
        };
        let request = match kind {
            Kind::Pay => Request::Payment {
                amount,
                text: String::new(),
            },
            Kind::Reverse { stan } => Request::Reversal { stan },
        };
        let job = self.new_job(now, request, Some(Box::new(record.clone())));
        self.begin_charge(now, &record, job, out);
    }

    pub(super) fn new_job(&self, now: Mono, request: Request, record: Option<Box<Record>>) -> Job {
        Job {
            request,
            record,
            stage: Stage::Connecting,
            acknowledged: false,
            tries: 0,
            acted: false,
            owed: false,
            give_up_at: now.plus(self.config.resync_ms_max),
            quiet_at: now.plus(self.config.quiet_ms_min),
            ends_at: now.plus(DIALOGUE_MS_MAX),
        }
    }

    pub(super) fn connect(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.decoder = Decoder::new(self.config.lrc);
        self.link = Link::Connecting;
        self.enter(Stage::Connecting);
        self.desk.wake_at = Some(now.plus(self.config.answer_ms_max));
        out.push(Effect::Connect);
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        if let Some(job) = &mut self.desk.job {
            job.stage = stage;
            job.acknowledged = false;
            job.tries = 0;
        }
    }

    fn on_connected(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.link != Link::Connecting {
            return;
        }
        self.link = Link::Open;
        let Some(job) = &self.desk.job else { return };
        let stage = match (&job.request, &job.record) {
            (Request::LastResult, _) => Stage::Asking,
            (_, Some(_)) => Stage::Learning,
            (_, None) => Stage::Acting,
        };
        self.enter(stage);
        self.send_request(now, out);
    }

    /// Sends what the stage asks for.
    pub(super) fn send_request(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let config = self.config;
        let Some(job) = &mut self.desk.job else {
            return;
        };
        let request = match job.stage {
            Stage::Acting => &job.request,
            _ => &Request::LastResult,
        };
        job.tries += 1;
        job.acknowledged = false;
        if let Some(frame) = request.encode(config.terminal, config.register, config.lrc) {
            out.push(Effect::Send(frame));
        }
        self.desk.wake_at = Some(now.plus(config.answer_ms_max));
    }

    fn on_disconnected(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.link != Link::Closed {
            self.link = Link::Closed;
            self.lost(now, out);
        }
    }

    fn on_bytes(&mut self, now: Mono, bytes: &[u8], out: &mut Vec<Effect>) {
        if self.link != Link::Open {
            return;
        }
        self.decoder.push(bytes);
        while self.link == Link::Open
            && let Some(item) = self.decoder.next()
        {
            self.on_item(now, item, out);
        }
    }

    fn on_item(&mut self, now: Mono, item: Item, out: &mut Vec<Effect>) {
        match item {
            Item::Ack => {
                if let Some(job) = self.desk.job.as_mut().filter(|job| in_dialogue(job)) {
                    job.acknowledged = true;
                    self.desk.wake_at = Some(now.plus(self.config.result_ms_max));
                    self.note_state(PaymentState::Accepted, out);
                }
            }
            // The terminal itself says that it did not get the request: sending again is safe.
            Item::Nak => match self.desk.job.as_ref().filter(|job| in_dialogue(job)) {
                Some(job) if job.tries < TRIES_MAX && !job.acknowledged => {
                    self.send_request(now, out);
                }
                Some(_) => self.failed_to_send(now, out),
                None => {}
            },
            Item::Progress(text) => {
                if let Some(job) = self.desk.job.as_ref().filter(|job| in_dialogue(job)) {
                    let due_at = now.plus(self.config.result_ms_max);
                    self.desk.wake_at = Some(due_at.min(job.ends_at));
                    self.note_state(PaymentState::InProgress, out);
                }
                out.push(Effect::Display(text));
            }
            Item::Message(payload) => self.on_message(now, &payload, out),
            Item::Fault(fault) => self.on_fault(now, fault, out),
        }
    }

    /// A damaged message is asked for again; a few times, then on a new connection.
    fn on_fault(&mut self, now: Mono, fault: Fault, out: &mut Vec<Effect>) {
        let damaged = matches!(fault.reason, FaultReason::Lrc | FaultReason::OtherMode(_));
        out.push(Effect::Fault(fault));
        if damaged {
            self.ask_again(now, out);
        }
    }

    fn ask_again(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let lrc = self.config.lrc;
        let Some(job) = &mut self.desk.job else {
            return;
        };
        job.tries += 1;
        if job.tries > TRIES_MAX {
            self.hang_up(out);
            self.lost(now, out);
        } else {
            out.push(Effect::Send(encode_nak(lrc)));
        }
    }

    fn on_message(&mut self, now: Mono, payload: &Payload, out: &mut Vec<Effect>) {
        let Some(stage) = self.desk.job.as_ref().map(|job| job.stage) else {
            return;
        };
        if payload.terminal() != Some(self.config.terminal) {
            self.hang_up(out);
            self.other_terminal(now, out);
            return;
        }
        let Some(response) = payload.response() else {
            return self.ask_again(now, out);
        };
        match stage {
            Stage::Learning => self.learnt(now, &response, out),
            Stage::Acting => self.acted(now, response, out),
            Stage::Asking => self.told(now, &response, out),
            // The terminal repeats its result: our acknowledgement waits for the commit.
            Stage::Committing => {
                if let Some(job) = &mut self.desk.job {
                    job.owed = true;
                }
            }
            Stage::Connecting | Stage::Persisting | Stage::Pausing => self.acknowledge(out),
        }
    }

    pub(super) fn acknowledge(&mut self, out: &mut Vec<Effect>) {
        if self.link == Link::Open {
            out.push(Effect::Send(encode_ack(self.config.lrc)));
        }
    }

    fn on_tick(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.desk.wake_at.is_none_or(|at| now < at) {
            return;
        }
        self.desk.wake_at = None;
        let Some(job) = &self.desk.job else { return };
        match job.stage {
            Stage::Pausing => self.connect(now, out),
            Stage::Committing => {
                let why = "the sale was not confirmed to be written";
                self.finish_unknown(now, Ask::Manager, why, out);
            }
            // Silence after a request that moves nothing: once more. One that moves money is never repeated.
            Stage::Learning | Stage::Asking if job.tries < TRIES_MAX && !job.acknowledged => {
                self.send_request(now, out);
            }
            _ => {
                self.hang_up(out);
                self.lost(now, out);
            }
        }
    }

    pub(super) fn hang_up(&mut self, out: &mut Vec<Effect>) {
        if self.link != Link::Closed {
            out.push(Effect::Disconnect);
        }
        self.link = Link::Closed;
    }
}

impl Flow for Session {
    type Command = Command;
    type Record = Record;
    type Outcome = Outcome;
    type Fault = Fault;
    type Job = Job;

    fn desk(&self) -> &Desk<Job, Record> {
        &self.desk
    }

    fn desk_mut(&mut self) -> &mut Desk<Job, Record> {
        &mut self.desk
    }

    fn record_of(job: &mut Job) -> &mut Option<Box<Record>> {
        &mut job.record
    }

    fn dispatch(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Connected => self.on_connected(now, out),
            Input::Disconnected => self.on_disconnected(now, out),
            Input::Bytes(bytes) => self.on_bytes(now, &bytes, out),
            Input::Tick => self.on_tick(now, out),
            Input::Command(command) => self.command(now, command, out),
            Input::Resync { intent } => self.ask_about_held(now, intent, out),
            Input::Settled { intent } => self.settled(intent),
            Input::Resume(record) => self.take_up(now, record, out),
            Input::Persisted { intent } => self.on_persisted(now, intent, out),
            Input::Committed { intent } => self.on_committed(now, intent, out),
            Input::CommitFailed { intent } => self.on_commit_failed(now, intent, out),
        }
    }

    fn start(&mut self, now: Mono, job: Job, out: &mut Vec<Effect>) {
        self.desk.job = Some(Box::new(job));
        self.connect(now, out);
    }

    /// Ends the job and starts the one behind it, on a connection of its own.
    fn finish(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.desk.job = None;
        self.desk.wake_at = None;
        self.hang_up(out);
        if let Some(next) = self.desk.next.take() {
            self.start(now, *next, out);
        }
    }

    fn find_out(&mut self, now: Mono, record: Box<Record>, out: &mut Vec<Effect>) {
        let job = self.new_job(now, Request::LastResult, Some(record));
        self.start(now, job, out);
    }

    fn find_out_first(&mut self, now: Mono, record: Box<Record>, out: &mut Vec<Effect>) {
        self.find_out(now, record, out);
    }

    fn never_sent(record: Box<Record>) -> Outcome {
        Outcome::NotStarted(record)
    }

    fn unknown(record: Box<Record>, ask: Ask, why: &'static str) -> Outcome {
        Outcome::Unknown { record, ask, why }
    }
}

fn in_dialogue(job: &Job) -> bool {
    matches!(job.stage, Stage::Learning | Stage::Acting | Stage::Asking)
}

/// What a response to `G` says; `None` for one that is no transaction.
pub(super) fn last_result(response: &Response) -> Option<LastResult> {
    match response {
        Response::Approved(approval) => Some(LastResult {
            stan: Some(approval.stan),
            code: 0,
        }),
        Response::Refused { code, stan, .. } => Some(LastResult {
            stan: *stan,
            code: *code,
        }),
        _ => None,
    }
}
