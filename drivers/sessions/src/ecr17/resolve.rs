//! Finding out what became of a payment: a new connection, `G`, and a number to compare.
//!
//! "Still the one before" is believed only when no customer can be at the terminal any more: a terminal that
//! is busy with our payment may tell the one before.

use shelf_codecs::ecr17::{Request, Response, Stan};

use super::interface::{Effect, Kind, LastResult, Outcome, Previous, Record};
use super::session::{Session, Stage, last_result};
use crate::payment::flow::Flow as _;
use crate::payment::{Ask, PaymentState};
use crate::time::Mono;

impl Session {
    /// Turns the current payment into the question what became of it.
    pub(super) fn ask_about_current(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.hang_up(out);
        let Some(job) = self.desk.job.take() else {
            return;
        };
        if let Some(record) = job.record {
            self.find_out(now, record, out);
        }
    }

    /// The connection is gone, or the terminal fell silent.
    pub(super) fn lost(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.desk.wake_at = None;
        let Some(job) = &self.desk.job else { return };
        match (job.stage, &job.record) {
            // The answer of the shell decides how it goes on.
            (Stage::Committing, _) => self.desk.wake_at = Some(now.plus(self.config.resync_ms_max)),
            (_, None) => {
                let why = "the terminal did not answer".to_owned();
                out.push(Effect::Outcome(Outcome::Failed { why }));
                self.finish(now, out);
            }
            (_, Some(_)) if job.request == Request::LastResult => self.ask_again_later(now, out),
            (_, Some(_)) if !job.acted => self.not_started(now, out),
            (_, Some(_)) => self.ask_about_current(now, out),
        }
    }

    pub(super) fn other_terminal(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let asking = self
            .desk
            .job
            .as_ref()
            .is_some_and(|job| job.stage == Stage::Asking);
        if asking {
            self.unresolved(now, "another terminal answered", out);
        } else {
            self.lost(now, out);
        }
    }

    fn ask_again_later(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.hang_up(out);
        let again_at = now.plus(self.config.resync_pause_ms);
        let Some(job) = &mut self.desk.job else {
            return;
        };
        if again_at > job.give_up_at {
            let why = "the terminal could not be asked";
            self.unresolved(now, why, out);
        } else {
            job.stage = Stage::Pausing;
            self.desk.wake_at = Some(again_at);
        }
    }

    /// The terminal told its last result.
    pub(super) fn told(&mut self, now: Mono, response: &Response, out: &mut Vec<Effect>) {
        self.acknowledge(out);
        let Some(last) = last_result(response) else {
            return self.ask_again_later(now, out);
        };
        let Some(job) = &self.desk.job else { return };
        let Some(record) = &job.record else { return };
        match judge(record, last) {
            Verdict::Ours if record.progress.committed => {
                if let Some(record) = self.record() {
                    record.progress.confirmed = true;
                }
                self.finish_charge(now, PaymentState::Approved, Outcome::Approved, out);
            }
            Verdict::Ours => match response {
                Response::Approved(approval) => self.approved(now, approval.clone(), false, out),
                _ => self.unresolved(now, "the terminal's answer has no approval", out),
            },
            Verdict::Before if now < job.quiet_at => self.ask_again_later(now, out),
            Verdict::Before | Verdict::Refused if record.progress.committed => {
                let why = "the sale is written, but the terminal says that no payment was made";
                self.unresolved(now, why, out);
            }
            Verdict::Before | Verdict::Refused => {
                self.finish_charge(now, PaymentState::Aborted, Outcome::Aborted, out);
            }
            Verdict::Unclear(why) => self.unresolved(now, why, out),
        }
    }

    fn unresolved(&mut self, now: Mono, why: &'static str, out: &mut Vec<Effect>) {
        let job = self.desk.job.as_ref();
        let answered = job.is_some_and(|job| job.stage == Stage::Asking);
        self.leave_to_people(now, (Ask::Manager, why), answered, out);
    }
}

enum Verdict {
    /// Ours, approved.
    Ours,
    /// Still the transaction before ours.
    Before,
    /// Ours, and refused: no money moved.
    Refused,
    Unclear(&'static str),
}

fn judge(record: &Record, last: LastResult) -> Verdict {
    if let Some(approval) = &record.approval {
        // The terminal had told us the number: it is exactly this one or something else.
        return if last
            == (LastResult {
                stan: Some(approval.stan),
                code: 0,
            }) {
            Verdict::Ours
        } else {
            Verdict::Unclear("the terminal's last transaction has another number")
        };
    }
    let Previous::Last(before) = record.previous else {
        return Verdict::Unclear("the terminal never told its transaction before this one");
    };
    if last == before {
        return Verdict::Before;
    }
    let follows = match (before.stan, last.stan) {
        (Some(before), Some(last)) => follows(before, last),
        _ => true,
    };
    match (last.code, record.kind) {
        (0, Kind::Reverse { .. }) => {
            Verdict::Unclear("the terminal does not tell which payment it took back")
        }
        (_, _) if !follows => {
            Verdict::Unclear("the terminal's last transaction is not the one after the last known")
        }
        (0, Kind::Pay) if before.stan.is_none() => {
            Verdict::Unclear("the terminal's transaction before this one had no number")
        }
        (0, Kind::Pay) => Verdict::Ours,
        _ => Verdict::Refused,
    }
}

/// Numbers go up by one and start again at one.
fn follows(before: Stan, last: Stan) -> bool {
    let next = before.number() + 1;
    last.number() == next || (next == 1_000_000 && last.number() <= 1)
}
