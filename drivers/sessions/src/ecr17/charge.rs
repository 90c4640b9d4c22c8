//! Moving money: learn what was before, make the record durable, send once, commit, acknowledge.

use shelf_codecs::ecr17::{Approval, Request, Response};

use super::interface::{Effect, Outcome, Previous};
use super::session::{DURABLE_MS_MAX, Job, Link, Session, Stage, last_result};
use crate::payment::flow::Flow as _;
use crate::payment::{Ask, IntentId, PaymentState};
use crate::time::Mono;

impl Session {
    /// What the last result was before ours.
    pub(super) fn learnt(&mut self, now: Mono, response: &Response, out: &mut Vec<Effect>) {
        self.acknowledge(out);
        let previous = last_result(response).map_or(Previous::NotLearnt, Previous::Last);
        self.enter(Stage::Persisting);
        if let Some(record) = self.record() {
            record.previous = previous;
            record.progress.state = PaymentState::Sent;
            out.push(Effect::PersistState(record.clone()));
        }
        self.desk.wake_at = Some(now.plus(DURABLE_MS_MAX));
    }

    /// The record is durable: the only place from which a request that moves money is sent.
    pub(super) fn on_persisted(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        let ours = |job: &&mut Box<Job>| {
            job.stage == Stage::Persisting
                && job
                    .record
                    .as_ref()
                    .is_some_and(|record| record.intent == intent)
        };
        let Some(job) = self.desk.job.as_mut().filter(ours) else {
            return;
        };
        if self.link != Link::Open {
            return self.not_started(now, out);
        }
        job.acted = true;
        self.enter(Stage::Acting);
        self.send_request(now, out);
    }

    pub(super) fn note_state(&mut self, state: PaymentState, out: &mut Vec<Effect>) {
        let acting = self
            .desk
            .job
            .as_mut()
            .filter(|job| job.stage == Stage::Acting && job.acted);
        if let Some(record) = acting.and_then(|job| job.record.as_mut())
            && record.progress.state != state
            && record.progress.state != PaymentState::InProgress
        {
            record.progress.state = state;
            out.push(Effect::PersistState(record.clone()));
        }
    }

    /// The terminal's word on our command.
    pub(super) fn acted(&mut self, now: Mono, response: Response, out: &mut Vec<Effect>) {
        let has_record = self
            .desk
            .job
            .as_ref()
            .is_some_and(|job| job.record.is_some());
        let outcome = match response {
            Response::Approved(approval) if has_record => {
                return self.approved(now, approval, true, out);
            }
            Response::Refused { code, words, .. } if has_record => {
                self.acknowledge(out);
                let outcome = |record| Outcome::Declined {
                    record,
                    code,
                    words,
                };
                return self.finish_charge(now, PaymentState::Declined, outcome, out);
            }
            Response::Totals { terminal_minor } => Outcome::Totals(terminal_minor),
            Response::Closed(day) => Outcome::DayClosed(day),
            Response::State(state) => Outcome::TerminalState(state),
            Response::NotClosed { words } | Response::Refused { words, .. } => {
                Outcome::Failed { why: words }
            }
            Response::Approved(_) => Outcome::Failed { why: String::new() },
        };
        self.acknowledge(out);
        if has_record {
            // Not an answer to a payment: what became of it must be asked.
            self.hang_up(out);
            self.lost(now, out);
        } else {
            out.push(Effect::Outcome(outcome));
            self.finish(now, out);
        }
    }

    /// The sale is made durable before the terminal is told.
    pub(super) fn approved(
        &mut self,
        now: Mono,
        approval: Approval,
        owed: bool,
        out: &mut Vec<Effect>,
    ) {
        let Some(job) = &mut self.desk.job else {
            return;
        };
        job.stage = Stage::Committing;
        job.owed = owed;
        if let Some(record) = &mut job.record {
            record.approval = Some(approval);
            let mut committing = record.clone();
            committing.progress.state = PaymentState::Approved;
            committing.progress.committed = true;
            out.push(Effect::CommitThenConfirm(committing));
        }
        self.desk.wake_at = Some(now.plus(DURABLE_MS_MAX));
    }

    fn committing(&mut self, intent: IntentId) -> Option<&mut Box<Job>> {
        self.desk.job.as_mut().filter(|job| {
            job.stage == Stage::Committing
                && job
                    .record
                    .as_ref()
                    .is_some_and(|record| record.intent == intent)
        })
    }

    pub(super) fn on_committed(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        let asked = |job: &Job| job.request == Request::LastResult;
        let open = self.link == Link::Open;
        let Some(job) = self.committing(intent) else {
            return;
        };
        let told = asked(job) || open;
        if let Some(record) = &mut job.record {
            record.progress.state = PaymentState::Approved;
            record.progress.committed = true;
            record.progress.confirmed = told;
        }
        if told {
            if open {
                self.acknowledge(out);
            }
            self.finish_charge(now, PaymentState::Approved, Outcome::Approved, out);
        } else {
            self.ask_about_current(now, out);
        }
    }

    pub(super) fn on_commit_failed(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        if self.committing(intent).is_some() {
            self.acknowledge(out);
            let why = "the payment stands, but its sale could not be written";
            self.finish_unknown(now, Ask::Manager, why, out);
        }
    }

    /// The terminal did not take our request three times.
    pub(super) fn failed_to_send(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let acked = self.desk.job.as_ref().is_some_and(|job| job.acknowledged);
        let acting = self
            .desk
            .job
            .as_ref()
            .is_some_and(|job| job.stage == Stage::Acting);
        self.hang_up(out);
        if acting
            && !acked
            && self
                .desk
                .job
                .as_ref()
                .is_some_and(|job| job.record.is_some())
        {
            // It said each time that it did not get it.
            self.not_started(now, out);
        } else {
            self.lost(now, out);
        }
    }

    pub(super) fn not_started(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.finish_charge(now, PaymentState::Aborted, Outcome::NotStarted, out);
    }
}
