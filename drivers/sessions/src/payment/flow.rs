//! The steps around a payment that are the same for every terminal: one job at a time, what is unknown is
//! asked before the next payment, how a payment ends, and what a restart leaves open is taken up.
//!
//! Only the order of steps is here. What to send, and what an answer proves, is each protocol's own.

use super::{Ask, Effect, Input, IntentId, PaymentRecord, PaymentState, Rejection, Terminal};
use crate::time::Mono;

/// Effects of a machine.
type Out<M> = Vec<Effect<<M as Flow>::Record, <M as Flow>::Outcome, <M as Flow>::Fault>>;

/// What lies on a machine's desk.
#[derive(Debug)]
pub struct Desk<J, R> {
    /// The command in hand, from its first connection to its outcome.
    pub(crate) job: Option<Box<J>>,
    /// Starts when the one in hand has ended.
    pub(crate) next: Option<Box<J>>,
    /// A payment nobody could settle; asked about again before the next payment.
    pub(crate) held: Option<Box<R>>,
    /// The one timer.
    pub(crate) wake_at: Option<Mono>,
}

impl<J, R> Desk<J, R> {
    /// Nothing to do.
    pub(crate) const fn empty() -> Self {
        Desk {
            job: None,
            next: None,
            held: None,
            wake_at: None,
        }
    }
}

/// A machine whose jobs follow these steps: a [`Terminal`].
pub trait Flow: Sized {
    /// What people may want of it.
    type Command;
    /// Its durable record of a payment.
    type Record: PaymentRecord + Clone;
    /// How its commands end.
    type Outcome;
    /// What is wrong with bytes that can't be read.
    type Fault;
    /// One command.
    type Job;

    /// What it has in hand.
    fn desk(&self) -> &Desk<Self::Job, Self::Record>;
    /// The same, to work on.
    fn desk_mut(&mut self) -> &mut Desk<Self::Job, Self::Record>;
    /// The payment of a job that moves money.
    fn record_of(job: &mut Self::Job) -> &mut Option<Box<Self::Record>>;

    /// One input, to whom it concerns.
    fn dispatch(
        &mut self,
        now: Mono,
        input: Input<Self::Command, Self::Record>,
        out: &mut Out<Self>,
    );
    /// Starts a job; there is none.
    fn start(&mut self, now: Mono, job: Self::Job, out: &mut Out<Self>);
    /// Ends the job and starts the one behind it.
    fn finish(&mut self, now: Mono, out: &mut Out<Self>);
    /// Starts finding out what became of a payment, for as long as configured.
    fn find_out(&mut self, now: Mono, record: Box<Self::Record>, out: &mut Out<Self>);
    /// The same before another payment is sent.
    fn find_out_first(&mut self, now: Mono, record: Box<Self::Record>, out: &mut Out<Self>);

    /// A payment that was never sent.
    fn never_sent(record: Box<Self::Record>) -> Self::Outcome;
    /// A payment of which nobody could say what became.
    fn unknown(record: Box<Self::Record>, ask: Ask, why: &'static str) -> Self::Outcome;

    /// The payment in hand.
    fn record(&mut self) -> Option<&mut Box<Self::Record>> {
        let job = self.desk_mut().job.as_mut()?;
        Self::record_of(job).as_mut()
    }

    /// A new payment: durable first, then what is still open is asked, because afterwards the terminal's last
    /// transaction is ours.
    fn begin_charge(
        &mut self,
        now: Mono,
        record: &Self::Record,
        job: Self::Job,
        out: &mut Out<Self>,
    ) {
        if self.is_busy() {
            out.push(Effect::Rejected(Rejection::Busy));
            return;
        }
        out.push(Effect::PersistState(Box::new(record.clone())));
        if let Some(held) = self.desk_mut().held.take() {
            self.desk_mut().next = Some(Box::new(job));
            self.find_out_first(now, held, out);
        } else {
            self.start(now, job, out);
        }
    }

    /// A command that moves no money of its own.
    fn begin_command(&mut self, now: Mono, job: Self::Job, out: &mut Out<Self>) {
        if self.is_busy() {
            out.push(Effect::Rejected(Rejection::Busy));
        } else {
            self.start(now, job, out);
        }
    }

    /// Ends the job with a state and an outcome made of its record.
    fn finish_charge(
        &mut self,
        now: Mono,
        state: PaymentState,
        outcome: impl FnOnce(Box<Self::Record>) -> Self::Outcome,
        out: &mut Out<Self>,
    ) {
        let job = self.desk_mut().job.as_mut();
        if let Some(mut record) = job.and_then(|it| Self::record_of(it).take()) {
            record.progress_mut().state = state;
            out.push(Effect::PersistState(record.clone()));
            if state == PaymentState::Unknown && !record.progress().superseded {
                self.desk_mut().held = Some(record.clone());
            }
            out.push(Effect::Outcome(outcome(record)));
        }
        self.finish(now, out);
    }

    /// Nobody could say.
    fn finish_unknown(&mut self, now: Mono, ask: Ask, why: &'static str, out: &mut Out<Self>) {
        let outcome = |record| Self::unknown(record, ask, why);
        self.finish_charge(now, PaymentState::Unknown, outcome, out);
    }

    /// Only people can tell. A payment that waits behind is not sent while the terminal can't be asked; if it
    /// `answered`, this one steps aside for good.
    fn leave_to_people(
        &mut self,
        now: Mono,
        (ask, why): (Ask, &'static str),
        answered: bool,
        out: &mut Out<Self>,
    ) {
        let waiting = self.desk_mut().next.take();
        if answered
            && waiting.is_some()
            && let Some(record) = self.record()
        {
            // Durable before the next payment is sent: even after a restart it must not be mistaken for
            // this one.
            record.progress_mut().superseded = true;
        }
        self.finish_unknown(now, ask, why, out);
        match waiting {
            Some(next) if answered => self.start(now, *next, out),
            Some(next) => {
                let held = self.desk_mut().held.take();
                self.desk_mut().job = Some(next);
                self.finish_charge(now, PaymentState::Aborted, Self::never_sent, out);
                self.desk_mut().held = held;
            }
            None => {}
        }
    }

    /// People want an unknown payment to be asked about again.
    fn ask_about_held(&mut self, now: Mono, intent: IntentId, out: &mut Out<Self>) {
        let ours = |it: &mut Box<Self::Record>| it.intent() == intent;
        if self.is_busy() {
            out.push(Effect::Rejected(Rejection::Busy));
        } else if let Some(held) = self.desk_mut().held.take_if(ours) {
            self.find_out(now, held, out);
        } else {
            out.push(Effect::Rejected(Rejection::NotHeld));
        }
    }

    /// People have settled it.
    fn settled(&mut self, intent: IntentId) {
        let held = &mut self.desk_mut().held;
        held.take_if(|it| it.intent() == intent);
    }

    /// A record that was open at a restart.
    fn take_up(&mut self, now: Mono, mut record: Box<Self::Record>, out: &mut Out<Self>) {
        let progress = *record.progress();
        if self.is_busy() && progress.state != PaymentState::Created {
            out.push(Effect::Rejected(Rejection::Busy));
            return;
        }
        match progress.state {
            PaymentState::Created => {
                record.progress_mut().state = PaymentState::Aborted;
                out.push(Effect::PersistState(record.clone()));
                out.push(Effect::Outcome(Self::never_sent(record)));
            }
            PaymentState::Unknown if progress.superseded => {
                out.push(Effect::Rejected(Rejection::NotHeld));
            }
            PaymentState::Unknown => self.desk_mut().held = Some(record),
            _ if progress.is_open() => self.find_out(now, record, out),
            _ => {}
        }
    }
}

impl<M: Flow> Terminal for M {
    type Command = M::Command;
    type Record = M::Record;
    type Outcome = M::Outcome;
    type Fault = M::Fault;

    fn handle(&mut self, now: Mono, input: Input<M::Command, M::Record>, out: &mut Out<M>) {
        let before = self.desk().wake_at;
        self.dispatch(now, input, out);
        if self.desk().wake_at != before
            && let Some(at) = self.desk().wake_at
        {
            out.push(Effect::SetTimer(at));
        }
    }

    fn next_wakeup(&self) -> Option<Mono> {
        self.desk().wake_at
    }

    fn is_busy(&self) -> bool {
        self.desk().job.is_some()
    }

    fn held(&self) -> Option<&M::Record> {
        self.desk().held.as_deref()
    }
}
