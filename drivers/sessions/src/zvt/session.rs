//! The machine's outside: inputs to handlers, one job at a time, the connection and the one timer.

use shelf_codecs::zvt::{DayTotals, Item, Packet, TcpDecoder};

use super::interface::{Config, Connection, Effect, Input, Outcome, ShopTime};
use super::job::{Job, Purpose, Stage};
use super::record::{ChargeKind, IntentRecord, Previous};
use crate::payment::{Ask, Rejection};
use crate::payment::{IntentId, PaymentState};
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
    pub(super) job: Option<Box<Job>>,
    /// Starts when the current job has ended.
    pub(super) next: Option<Box<Job>>,
    /// A payment nobody could settle; asked about again before the next payment.
    pub(super) held: Option<Box<IntentRecord>>,
    /// Our last approved payment: the terminal may tell later that it was taken back.
    pub(super) watched: Option<Box<IntentRecord>>,
    pub(super) terminal_id: Option<u32>,
    /// The totals of the day that was closed last.
    pub(super) day_totals: Option<Box<DayTotals>>,
    pub(super) wake_at: Option<Mono>,
}

impl Session {
    /// A machine at rest: nothing is connected before the first command.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            decoder: TcpDecoder::new(),
            link: Link::Closed,
            job: None,
            next: None,
            held: None,
            watched: None,
            terminal_id: None,
            day_totals: None,
            wake_at: None,
        }
    }

    /// Whether a command would be rejected as busy.
    #[must_use]
    pub fn is_busy(&self) -> bool {
        self.job.is_some()
    }

    /// When [`Input::Tick`] is due; `None` when nothing is waited for.
    #[must_use]
    pub fn next_wakeup(&self) -> Option<Mono> {
        self.wake_at
    }

    /// The payment that is still unknown, if any.
    #[must_use]
    pub fn held(&self) -> Option<&IntentRecord> {
        self.held.as_deref()
    }

    /// The totals by scheme of the day that was closed last, if the terminal told them.
    #[must_use]
    pub fn day_totals(&self) -> Option<&DayTotals> {
        self.day_totals.as_deref()
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        let wake_before = self.wake_at;
        self.dispatch(now, input, out);
        if self.wake_at != wake_before
            && let Some(at) = self.wake_at
        {
            out.push(Effect::SetTimer(at));
        }
    }

    fn dispatch(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Connected => self.on_connected(now, out),
            Input::Disconnected => self.on_disconnected(now, out),
            Input::Bytes(bytes) => self.on_bytes(now, &bytes, out),
            Input::Tick => self.on_tick(now, out),
            Input::Pay {
                intent,
                amount,
                currency,
                asked_at,
            } => {
                let record = new_record(intent, ChargeKind::Pay, (amount, currency), asked_at);
                self.charge(now, record, out);
            }
            Input::Refund {
                intent,
                amount,
                currency,
                asked_at,
            } => {
                let record = new_record(intent, ChargeKind::Refund, (amount, currency), asked_at);
                self.charge(now, record, out);
            }
            Input::Reverse {
                intent,
                receipt,
                amount,
                currency,
            } => {
                let kind = ChargeKind::Reverse { receipt };
                self.charge(now, new_record(intent, kind, (amount, currency), None), out);
            }
            Input::EndOfDay => self.command(now, Job::new(Purpose::EndOfDay, None, now), out),
            Input::RepeatReceipt => self.command(now, Job::new(Purpose::Repeat, None, now), out),
            Input::StatusEnquiry => self.command(now, Job::new(Purpose::Enquiry, None, now), out),
            Input::AbortPayment => self.abort(now, out),
            Input::Resync { intent } => self.resync_held(now, intent, out),
            Input::Settled { intent } => {
                if self.held.as_ref().is_some_and(|h| h.intent == intent) {
                    self.held = None;
                }
            }
            Input::Resume(record) => self.resume(now, record, out),
            Input::Persisted { intent } => self.on_persisted(now, intent, out),
            Input::Committed { intent } => self.on_committed(now, intent, out),
            Input::CommitFailed { intent } => self.on_commit_failed(now, intent, out),
        }
    }

    fn charge(&mut self, now: Mono, record: Box<IntentRecord>, out: &mut Vec<Effect>) {
        if self.job.is_some() {
            out.push(Effect::Rejected(Rejection::Busy));
            return;
        }
        out.push(Effect::PersistState(record.clone()));
        let job = Job::new(Purpose::Charge, Some(record), now);
        // What is still open must be asked first: afterwards the terminal's last transaction is ours.
        if let Some(held) = self.held.take() {
            self.next = Some(Box::new(job));
            let purpose = if held.committed {
                Purpose::Verify
            } else {
                Purpose::Resolve
            };
            self.start(now, Job::new(purpose, Some(held), now), out);
        } else {
            self.start(now, job, out);
        }
    }

    fn command(&mut self, now: Mono, job: Job, out: &mut Vec<Effect>) {
        if self.job.is_some() {
            out.push(Effect::Rejected(Rejection::Busy));
        } else {
            self.start(now, job, out);
        }
    }

    fn resync_held(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        if self.job.is_some() {
            out.push(Effect::Rejected(Rejection::Busy));
            return;
        }
        match self.held.take() {
            Some(held) if held.intent == intent => self.ask_about(now, held, out),
            other => {
                self.held = other;
                out.push(Effect::Rejected(Rejection::NotHeld));
            }
        }
    }

    fn resume(&mut self, now: Mono, record: Box<IntentRecord>, out: &mut Vec<Effect>) {
        if self.job.is_some() && record.state != PaymentState::Created {
            out.push(Effect::Rejected(Rejection::Busy));
            return;
        }
        match record.state {
            PaymentState::Created => {
                let mut record = record;
                record.state = PaymentState::Aborted;
                out.push(Effect::PersistState(record.clone()));
                out.push(Effect::Outcome(Outcome::NotStarted(record)));
            }
            PaymentState::Unknown if record.superseded => {
                out.push(Effect::Rejected(Rejection::NotHeld));
            }
            PaymentState::Unknown => self.held = Some(record),
            _ if record.is_open() => self.ask_about(now, record, out),
            _ => {}
        }
    }

    /// Starts finding out what became of `record`, for as long as configured.
    pub(super) fn ask_about(
        &mut self,
        now: Mono,
        record: Box<IntentRecord>,
        out: &mut Vec<Effect>,
    ) {
        let purpose = if record.committed {
            Purpose::Verify
        } else {
            Purpose::Resolve
        };
        let give_up_at = now.plus(self.config.resync_ms_max);
        self.start(now, Job::new(purpose, Some(record), give_up_at), out);
    }

    pub(super) fn start(&mut self, now: Mono, job: Job, out: &mut Vec<Effect>) {
        let purpose = job.purpose;
        self.job = Some(Box::new(job));
        match self.link {
            Link::Open { registered } => self.after_connect(now, purpose, registered, out),
            Link::Closed | Link::Connecting => self.connect(now, out),
        }
    }

    pub(super) fn connect(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.decoder = TcpDecoder::new();
        self.link = Link::Connecting;
        self.enter(Stage::Connecting);
        self.wake_at = Some(now.plus(self.config.reply_ms_max));
        out.push(Effect::Connect);
    }

    fn on_connected(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.link != Link::Connecting {
            return;
        }
        self.link = Link::Open { registered: false };
        if let Some(purpose) = self.job.as_ref().map(|j| j.purpose) {
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
        if let Some(job) = &mut self.job {
            job.stage = stage;
        }
    }

    /// Ends the job with a state and an outcome made of its record.
    pub(super) fn finish_charge(
        &mut self,
        now: Mono,
        state: PaymentState,
        outcome: impl FnOnce(Box<IntentRecord>) -> Outcome,
        out: &mut Vec<Effect>,
    ) {
        let record = self.job.as_mut().and_then(|j| j.record.take());
        if let Some(mut record) = record {
            record.state = state;
            out.push(Effect::PersistState(record.clone()));
            match state {
                PaymentState::Unknown if record.superseded => {}
                PaymentState::Unknown => self.held = Some(record.clone()),
                PaymentState::Approved => self.watched = Some(record.clone()),
                _ => {}
            }
            out.push(Effect::Outcome(outcome(record)));
        }
        self.finish(now, out);
    }

    pub(super) fn finish_unknown(
        &mut self,
        now: Mono,
        ask: Ask,
        why: &'static str,
        out: &mut Vec<Effect>,
    ) {
        let outcome = |record| Outcome::Unknown { record, ask, why };
        self.finish_charge(now, PaymentState::Unknown, outcome, out);
    }

    /// Ends the job and starts the one behind it.
    pub(super) fn finish(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.job = None;
        self.wake_at = None;
        let next = self.next.take();
        if self.config.connection == Connection::PerCommand && next.is_none() {
            self.hang_up(out);
        }
        if let Some(next) = next {
            self.start(now, *next, out);
        }
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
        state: PaymentState::Created,
        previous: Previous::NotLearnt,
        terminal_id: None,
        evidence: None,
        committed: false,
        superseded: false,
        confirmed: false,
    })
}
