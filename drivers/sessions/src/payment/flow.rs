//! The steps around a payment that are the same for every terminal: one job at a time, what is unknown is
//! asked before the next payment, and what a restart leaves open is taken up.
//!
//! Only the order of steps is here. What to send, and what an answer proves, is each protocol's own.

use super::{Effect, IntentId, PaymentRecord, PaymentState, Rejection, Terminal};
use crate::time::Mono;

/// Effects of a machine.
type Out<M> =
    Vec<Effect<<M as Terminal>::Record, <M as Terminal>::Outcome, <M as Terminal>::Fault>>;

/// A machine whose jobs follow these steps.
pub(crate) trait Flow: Terminal {
    /// One command from its first connection to its outcome.
    type Job;

    /// Where a payment is kept that nobody could settle.
    fn held_slot(&mut self) -> &mut Option<Box<Self::Record>>;
    /// Where the job waits that starts when the current one has ended.
    fn next_slot(&mut self) -> &mut Option<Box<Self::Job>>;
    /// Starts a job; there is none.
    fn begin(&mut self, now: Mono, job: Self::Job, out: &mut Out<Self>);
    /// Starts finding out what became of a payment, for as long as configured.
    fn find_out(&mut self, now: Mono, record: Box<Self::Record>, out: &mut Out<Self>);
    /// The same before another payment is sent.
    fn find_out_first(&mut self, now: Mono, record: Box<Self::Record>, out: &mut Out<Self>);
    /// A payment that was never sent.
    fn never_sent(record: Box<Self::Record>) -> Self::Outcome;

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
        if let Some(held) = self.held_slot().take() {
            *self.next_slot() = Some(Box::new(job));
            self.find_out_first(now, held, out);
        } else {
            self.begin(now, job, out);
        }
    }

    /// A command that moves no money of its own.
    fn begin_command(&mut self, now: Mono, job: Self::Job, out: &mut Out<Self>) {
        if self.is_busy() {
            out.push(Effect::Rejected(Rejection::Busy));
        } else {
            self.begin(now, job, out);
        }
    }

    /// People want an unknown payment to be asked about again.
    fn ask_about_held(&mut self, now: Mono, intent: IntentId, out: &mut Out<Self>) {
        if self.is_busy() {
            out.push(Effect::Rejected(Rejection::Busy));
        } else if let Some(held) = self.held_slot().take_if(|it| it.intent() == intent) {
            self.find_out(now, held, out);
        } else {
            out.push(Effect::Rejected(Rejection::NotHeld));
        }
    }

    /// People have settled it.
    fn settled(&mut self, intent: IntentId) {
        self.held_slot().take_if(|it| it.intent() == intent);
    }

    /// A record that was open at a restart.
    fn take_up(&mut self, now: Mono, mut record: Box<Self::Record>, out: &mut Out<Self>) {
        if self.is_busy() && record.state() != PaymentState::Created {
            out.push(Effect::Rejected(Rejection::Busy));
            return;
        }
        match record.state() {
            PaymentState::Created => {
                record.set_state(PaymentState::Aborted);
                out.push(Effect::PersistState(record.clone()));
                out.push(Effect::Outcome(Self::never_sent(record)));
            }
            PaymentState::Unknown if record.is_superseded() => {
                out.push(Effect::Rejected(Rejection::NotHeld));
            }
            PaymentState::Unknown => *self.held_slot() = Some(record),
            _ if record.is_open() => self.find_out(now, record, out),
            _ => {}
        }
    }
}
