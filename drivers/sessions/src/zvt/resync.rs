//! Finding out: a new connection, a registration, is the terminal idle, what was its last transaction.
//!
//! The status enquiry comes first on purpose: a terminal that is still busy with our payment would tell
//! the transaction before it, and we would call a payment failed that succeeds a moment later.

use shelf_codecs::zvt::result;

use super::interface::{Effect, Outcome};
use super::job::{Commit, Purpose, Stage};
use super::session::Session;
use super::verdict::{Seen, Verdict, judge};
use crate::payment::flow::Flow as _;
use crate::payment::{Ask, PaymentState};
use crate::time::Mono;

impl Session {
    /// Turns the current payment into the question what became of it.
    pub(super) fn ask_about_current(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let Some(job) = self.desk.job.take() else {
            return;
        };
        self.desk.wake_at = None;
        self.hang_up(out);
        let Some(record) = job.record else { return };
        let commit_failed = job.commit_failed;
        self.find_out(now, record, out);
        if let Some(job) = &mut self.desk.job {
            job.commit_failed = commit_failed;
        }
    }

    pub(super) fn enquired(&mut self, now: Mono, status: Option<u8>, out: &mut Vec<Effect>) {
        if matches!(status, Some(result::WAIT | result::CARD_INSERTED)) {
            self.ask_again_later(now, out);
        } else {
            self.ask_last(now, out);
        }
    }

    /// The repeat of the last receipt ended well.
    pub(super) fn learnt(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let Some(job) = &mut self.desk.job else {
            return;
        };
        let seen = job.seen.take().unwrap_or(Seen::Bare);
        match job.purpose {
            Purpose::Charge => self.learnt_before_charge(now, seen, out),
            _ => self.conclude(now, &seen, out),
        }
    }

    /// The terminal has no last transaction, or cannot say now.
    pub(super) fn has_no_last(&mut self, now: Mono, code: Option<u8>, out: &mut Vec<Effect>) {
        let charge = self
            .desk
            .job
            .as_ref()
            .is_some_and(|j| j.purpose == Purpose::Charge);
        match (code, charge) {
            (Some(result::WAIT), _) => self.cannot(now, code, out),
            (_, true) => self.learnt_before_charge(now, Seen::Nothing, out),
            (_, false) => self.conclude(now, &Seen::Nothing, out),
        }
    }

    pub(super) fn cannot_learn(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.learnt_before_charge(now, Seen::Bare, out);
    }

    fn conclude(&mut self, now: Mono, seen: &Seen, out: &mut Vec<Effect>) {
        let Some(job) = &mut self.desk.job else {
            return;
        };
        let (verify, commit_failed) = (job.purpose == Purpose::Verify, job.commit_failed);
        let Some(record) = &mut job.record else {
            return;
        };
        match judge(record, seen) {
            Verdict::Approved(_) if verify => self.finish_approved(now, out),
            Verdict::Approved(_) if commit_failed => {
                let why = "the payment stands, but its sale could not be written";
                self.finish_unknown(now, Ask::Manager, why, out);
            }
            Verdict::Approved(evidence) => {
                record.evidence = Some(*evidence);
                job.commit = Some(Commit {
                    owed: false,
                    done: false,
                });
                job.stage = Stage::Committing;
                self.ask_commit(now, out);
                self.await_durable(now);
            }
            Verdict::NotCharged if verify => {
                let outcome = Outcome::ReversedAfterCommit;
                self.finish_charge(now, PaymentState::Reversed, outcome, out);
            }
            Verdict::NotCharged => {
                let outcome = |record| Outcome::Aborted { record, code: None };
                self.finish_charge(now, PaymentState::Aborted, outcome, out);
            }
            Verdict::Unclear(why) => {
                let ask = if *seen == Seen::Bare {
                    Ask::Cashier
                } else {
                    Ask::Manager
                };
                self.leave_to_people(now, (ask, why), true, out);
            }
        }
    }

    /// Busy or not there: again after a pause, until it has been tried long enough.
    pub(super) fn ask_again_later(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.hang_up(out);
        let again_at = now.plus(self.config.resync_pause_ms);
        let Some(job) = &mut self.desk.job else {
            return;
        };
        if again_at > job.give_up_at {
            let why = "the terminal could not be asked";
            self.leave_to_people(now, (Ask::Manager, why), false, out);
            return;
        }
        job.stage = Stage::Pausing;
        self.desk.wake_at = Some(again_at);
    }
}
