//! The machine's outside: inputs to handlers, one job at a time, the connection and the one timer.

use shelf_codecs::zvt::{Fault, Item, Packet, TcpDecoder};

use super::interface::{Command, Config, Connection, Effect, Input, Outcome, ShopTime};
use super::job::{Job, Purpose, Stage};
use super::record::{ChargeKind, IntentRecord, Previous};
use crate::payment::flow::{Desk, Flow};
use crate::payment::{Ask, IntentId, Progress};
use crate::time::Mono;
use shelf_codecs::zvt::Amount;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Closed,
    Connecting,
    Open { registered: bool },
}

/// One terminal's dialogue machine. See the module for the shell's duties.
#[derive(Debug)]
pub struct Session {
    pub(super) config: Config,
    pub(super) decoder: TcpDecoder,
    pub(super) link: Link,
    pub(super) desk: Desk<Job, IntentRecord>,
    /// Our last approved payment: the terminal may tell later that it was taken back.
    pub(super) watched: Option<Box<IntentRecord>>,
    pub(super) terminal_id: Option<u32>,
}

impl Session {
    /// A machine at rest: nothing is connected before the first command.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            decoder: TcpDecoder::new(),
            link: Link::Closed,
            desk: Desk::empty(),
            watched: None,
            terminal_id: None,
        }
    }

    fn command(&mut self, now: Mono, command: Command, out: &mut Vec<Effect>) {
        let (kind, intent, money, asked_at) = match command {
            Command::Pay {
                intent,
                amount,
                currency,
                asked_at,
            } => (ChargeKind::Pay, intent, (amount, currency), asked_at),
            Command::Refund {
                intent,
                amount,
                currency,
                asked_at,
            } => (ChargeKind::Refund, intent, (amount, currency), asked_at),
            Command::Reverse {
                intent,
                receipt,
                amount,
                currency,
            } => {
                let kind = ChargeKind::Reverse { receipt };
                (kind, intent, (amount, currency), None)
            }
            Command::AbortPayment => return self.abort(now, out),
            Command::EndOfDay => return self.errand(now, Purpose::EndOfDay, out),
            Command::RepeatReceipt => return self.errand(now, Purpose::Repeat, out),
            Command::StatusEnquiry => return self.errand(now, Purpose::Enquiry, out),
        };
        let record = new_record(intent, kind, money, asked_at);
        let job = Job::new(Purpose::Charge, Some(record.clone()), now);
        self.begin_charge(now, &record, job, out);
    }

    fn errand(&mut self, now: Mono, purpose: Purpose, out: &mut Vec<Effect>) {
        self.begin_command(now, Job::new(purpose, None, now), out);
    }

    /// Starts asking what became of `record`, until `give_up_at`.
    pub(super) fn ask_until(
        &mut self,
        now: Mono,
        record: Box<IntentRecord>,
        give_up_at: Mono,
        out: &mut Vec<Effect>,
    ) {
        let purpose = if record.progress.committed {
            Purpose::Verify
        } else {
            Purpose::Resolve
        };
        self.start(now, Job::new(purpose, Some(record), give_up_at), out);
    }

    pub(super) fn connect(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.decoder = TcpDecoder::new();
        self.link = Link::Connecting;
        self.enter(Stage::Connecting);
        self.desk.wake_at = Some(now.plus(self.config.reply_ms_max));
        out.push(Effect::Connect);
    }

    fn on_connected(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.link != Link::Connecting {
            return;
        }
        self.link = Link::Open { registered: false };
        if let Some(purpose) = self.desk.job.as_ref().map(|j| j.purpose) {
            self.after_connect(now, purpose, false, out);
        }
    }

    fn on_disconnected(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.link == Link::Closed {
            return;
        }
        self.link = Link::Closed;
        if let Some(fault) = self.decoder.finish() {
            out.push(Effect::Fault(fault));
        }
        self.lost(now, out);
    }

    fn on_bytes(&mut self, now: Mono, bytes: &[u8], out: &mut Vec<Effect>) {
        if !matches!(self.link, Link::Open { .. }) {
            return;
        }
        self.decoder.push(bytes);
        while matches!(self.link, Link::Open { .. })
            && let Some(item) = self.decoder.next_item()
        {
            let read = match item {
                Item::Apdu(apdu) => Packet::read(&apdu),
                Item::Fault(fault) => Err(fault),
            };
            match read {
                Ok(packet) => self.on_packet(now, packet, out),
                // A stream without framing cannot be trusted after a fault: ask on a new connection.
                Err(fault) => {
                    out.push(Effect::Fault(fault));
                    self.hang_up(out);
                    self.lost(now, out);
                }
            }
        }
    }

    pub(super) fn hang_up(&mut self, out: &mut Vec<Effect>) {
        if self.link != Link::Closed {
            out.push(Effect::Disconnect);
        }
        self.link = Link::Closed;
    }

    pub(super) fn send(&mut self, packet: &Packet, out: &mut Vec<Effect>) {
        if matches!(self.link, Link::Open { .. }) {
            out.push(Effect::Send(packet.encode()));
        }
    }

    pub(super) fn enter(&mut self, stage: Stage) {
        if let Some(job) = &mut self.desk.job {
            job.stage = stage;
        }
    }
}

impl Flow for Session {
    type Command = Command;
    type Record = IntentRecord;
    type Outcome = Outcome;
    type Fault = Fault;
    type Job = Job;

    fn desk(&self) -> &Desk<Job, IntentRecord> {
        &self.desk
    }

    fn desk_mut(&mut self) -> &mut Desk<Job, IntentRecord> {
        &mut self.desk
    }

    fn record_of(job: &mut Job) -> &mut Option<Box<IntentRecord>> {
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
        let purpose = job.purpose;
        self.desk.job = Some(Box::new(job));
        match self.link {
            Link::Open { registered } => self.after_connect(now, purpose, registered, out),
            Link::Closed | Link::Connecting => self.connect(now, out),
        }
    }

    /// Ends the job and starts the one behind it.
    fn finish(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.desk.job = None;
        self.desk.wake_at = None;
        let next = self.desk.next.take();
        if self.config.connection == Connection::PerCommand && next.is_none() {
            self.hang_up(out);
        }
        if let Some(next) = next {
            self.start(now, *next, out);
        }
    }

    fn find_out(&mut self, now: Mono, record: Box<IntentRecord>, out: &mut Vec<Effect>) {
        let give_up_at = now.plus(self.config.resync_ms_max);
        self.ask_until(now, record, give_up_at, out);
    }

    /// Once: a customer waits.
    fn find_out_first(&mut self, now: Mono, record: Box<IntentRecord>, out: &mut Vec<Effect>) {
        self.ask_until(now, record, now, out);
    }

    fn never_sent(record: Box<IntentRecord>) -> Outcome {
        Outcome::NotStarted(record)
    }

    fn unknown(record: Box<IntentRecord>, ask: Ask, why: &'static str) -> Outcome {
        Outcome::Unknown { record, ask, why }
    }
}

fn new_record(
    intent: IntentId,
    kind: ChargeKind,
    (amount, currency): (Amount, u16),
    asked_at: Option<ShopTime>,
) -> Box<IntentRecord> {
    Box::new(IntentRecord {
        intent,
        kind,
        amount,
        currency,
        asked_at,
        progress: Progress::CREATED,
        previous: Previous::NotLearnt,
        terminal_id: None,
        evidence: None,
    })
}
