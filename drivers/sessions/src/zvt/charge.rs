//! Moving money: learn what was before, persist, send once, commit, answer.

use shelf_codecs::zvt::{Packet, StatusInformation, result};

use super::interface::{Effect, Outcome};
use super::job::{Commit, Ending, Job, Purpose, Stage};
use super::record::{ChargeKind, Evidence, IntentRecord, Previous};
use super::session::Session;
use super::verdict::{Seen, same_number, undone_later};
use crate::payment::flow::Flow as _;
use crate::payment::{Ask, IntentId, PaymentState};
use crate::time::Mono;

impl Session {
    /// What the terminal's last transaction was, before ours is sent.
    pub(super) fn learnt_before_charge(&mut self, now: Mono, seen: Seen, out: &mut Vec<Effect>) {
        if let Some(mut watched) = self.watched.take()
            && undone_later(&watched, &seen)
        {
            watched.progress.state = PaymentState::Reversed;
            out.push(Effect::PersistState(watched.clone()));
            out.push(Effect::Outcome(Outcome::ReversedAfterCommit(watched)));
        }
        let previous = match seen {
            Seen::Nothing => Previous::Nothing,
            Seen::Bare => Previous::NotLearnt,
            Seen::Last(last) => Previous::Last(last),
        };
        let terminal_id = self.terminal_id;
        let Some(job) = &mut self.desk.job else {
            return;
        };
        job.stage = Stage::Persisting;
        if let Some(record) = &mut job.record {
            record.previous = previous;
            record.terminal_id = terminal_id;
            record.progress.state = PaymentState::Sent;
            out.push(Effect::PersistState(record.clone()));
        }
        self.await_durable(now);
    }

    /// The record is durable: this is the only place that sends a command which moves money.
    pub(super) fn on_persisted(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        let (password, wait_s_max) = (self.config.password, self.config.wait_s_max);
        let Some(job) = self
            .desk
            .job
            .as_mut()
            .filter(|j| j.stage == Stage::Persisting)
        else {
            return;
        };
        let Some(record) = job.record.as_ref().filter(|r| r.intent == intent) else {
            return;
        };
        let (amount, currency) = (record.amount, record.currency);
        let command = match record.kind {
            ChargeKind::Pay => Packet::Authorisation {
                amount,
                currency,
                payment_type: None,
                timeout_s: wait_s_max,
                status_max: None,
            },
            ChargeKind::Refund => Packet::Refund {
                password,
                amount,
                currency,
            },
            ChargeKind::Reverse { receipt } => Packet::Reversal {
                password,
                receipt,
                amount: Some(amount),
            },
        };
        job.acted = true;
        self.open_dialogue(now, Stage::Acting, &command, out);
    }

    /// The terminal works on our payment.
    pub(super) fn accepted(&mut self, state: PaymentState, out: &mut Vec<Effect>) {
        let Some(job) = self.desk.job.as_mut() else {
            return;
        };
        if job.stage != Stage::Acting || job.commit.is_some() || job.ending.is_some() {
            return;
        }
        if let Some(record) = job.record.as_mut().filter(|r| r.progress.state != state)
            && matches!(
                record.progress.state,
                PaymentState::Sent | PaymentState::Accepted
            )
        {
            record.progress.state = state;
            out.push(Effect::PersistState(record.clone()));
        }
    }

    pub(super) fn on_status(
        &mut self,
        now: Mono,
        status: &StatusInformation,
        out: &mut Vec<Effect>,
    ) {
        self.sign_of_life(now, None);
        let Some(job) = &mut self.desk.job else {
            return;
        };
        let evidence = Evidence::from(status);
        if job.stage == Stage::Learning {
            job.seen = Some(Seen::Last(Box::new(evidence)));
            self.send(&Packet::Acknowledge, out);
        } else if job.purpose == Purpose::Charge && job.stage == Stage::Acting {
            self.on_result(now, evidence, out);
        } else {
            job.total = evidence.amount;
            if job.purpose == Purpose::Repeat {
                job.repeated = Some(Box::new(evidence));
            } else if job.purpose == Purpose::EndOfDay {
                job.totals.clone_from(&status.totals);
            }
            self.send(&Packet::Acknowledge, out);
        }
    }

    /// The terminal's word on our payment.
    fn on_result(&mut self, now: Mono, evidence: Evidence, out: &mut Vec<Effect>) {
        let Some(job) = &mut self.desk.job else {
            return;
        };
        let Some(record) = &mut job.record else {
            return;
        };
        let known = job.commit.as_mut().zip(record.evidence.as_ref());
        if let Some((commit, first)) = known {
            if !same_number(first, &evidence) || evidence.result_code != Some(0) {
                // Something else than what is being committed: ask on a new connection.
                self.hang_up(out);
                self.lost(now, out);
                return;
            }
            commit.owed = true;
            self.answer_if_committed(now, out);
            return;
        }
        if evidence.result_code != Some(0) {
            let code = evidence.result_code.unwrap_or(result::SYSTEM_ERROR);
            job.ending.get_or_insert(Ending::Declined(code));
            self.send(&Packet::Acknowledge, out);
            return;
        }
        if let Some(ending) = misfit(record, &evidence) {
            job.ending = Some(ending);
            record.evidence = Some(evidence);
            let answer = match ending {
                Ending::ReversedOther => Packet::Acknowledge,
                _ => Packet::Refusal {
                    code: result::SYSTEM_ERROR,
                },
            };
            self.send(&answer, out);
            return;
        }
        // Told to reverse once already: a repeated approval is not to be taken.
        if job.ending.is_some() {
            job.ending = Some(Ending::AskTerminal);
            self.send(
                &Packet::Refusal {
                    code: result::SYSTEM_ERROR,
                },
                out,
            );
            return;
        }
        record.evidence = Some(evidence);
        job.commit = Some(Commit {
            owed: true,
            done: false,
        });
        self.ask_commit(now, out);
    }

    /// Asks the shell to make the sale durable, as approved.
    pub(super) fn ask_commit(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let Some(record) = self.record() else {
            return;
        };
        let mut approved = record.clone();
        approved.progress.state = PaymentState::Approved;
        approved.progress.committed = true;
        out.push(Effect::CommitThenConfirm(approved));
        self.desk.wake_at = Some(now.plus(self.config.commit_ms_before_wait));
    }

    fn answer_if_committed(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let Some(commit) = self.desk.job.as_mut().and_then(|j| j.commit.as_mut()) else {
            return;
        };
        if commit.done && commit.owed {
            commit.owed = false;
            self.send(&Packet::Acknowledge, out);
            self.sign_of_life(now, None);
        } else {
            self.desk.wake_at = Some(now.plus(self.config.commit_ms_before_wait));
        }
    }

    /// The commit takes long: the terminal is told to wait and will ask again.
    pub(super) fn ask_to_wait(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if let Some(commit) = self.desk.job.as_mut().and_then(|j| j.commit.as_mut()) {
            commit.owed = false;
        }
        self.send(&Packet::Refusal { code: result::WAIT }, out);
        self.sign_of_life(now, None);
    }

    pub(super) fn on_committed(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(job) = self.committing(intent) else {
            return;
        };
        let (stage, asks) = (job.stage, job.asks());
        if let Some(commit) = &mut job.commit {
            commit.done = true;
        }
        if let Some(record) = &mut job.record {
            record.progress.state = PaymentState::Approved;
            record.progress.committed = true;
        }
        match stage {
            Stage::Acting if job.commit.is_some_and(|c| c.owed) => {
                self.answer_if_committed(now, out);
            }
            Stage::Acting => {}
            // The terminal itself told on request that the payment stands.
            _ if asks => self.finish_approved(now, out),
            _ => self.ask_about_current(now, out),
        }
    }

    pub(super) fn on_commit_failed(&mut self, now: Mono, intent: IntentId, out: &mut Vec<Effect>) {
        let Some(job) = self.committing(intent) else {
            return;
        };
        if job.commit.is_some_and(|c| c.done) {
            return;
        }
        let owed = job.commit.is_some_and(|c| c.owed);
        let (stage, asks) = (job.stage, job.asks());
        job.commit = None;
        job.commit_failed = true;
        match stage {
            Stage::Acting => {
                job.ending = Some(Ending::AskTerminal);
                if owed {
                    self.send(
                        &Packet::Refusal {
                            code: result::SYSTEM_ERROR,
                        },
                        out,
                    );
                }
                self.sign_of_life(now, None);
            }
            _ if asks => {
                let why = "the payment stands, but its sale could not be written";
                self.finish_unknown(now, Ask::Manager, why, out);
            }
            _ => self.ask_about_current(now, out),
        }
    }

    fn committing(&mut self, intent: IntentId) -> Option<&mut Box<Job>> {
        self.desk.job.as_mut().filter(|job| {
            job.commit.is_some() && job.record.as_ref().is_some_and(|r| r.intent == intent)
        })
    }

    pub(super) fn commit_never_came(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let why = "the sale was not confirmed to be written";
        self.finish_unknown(now, Ask::Manager, why, out);
    }

    pub(super) fn finish_approved(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let approved = self.record().map(|record| {
            record.progress.confirmed = true;
            record.progress.state = PaymentState::Approved;
            record.clone()
        });
        self.watched = approved.or_else(|| self.watched.take());
        self.finish_charge(now, PaymentState::Approved, Outcome::Approved, out);
    }

    /// The dialogue of the payment ended, well (`06 0F`) or with a code (`06 1E`).
    pub(super) fn act_ended(
        &mut self,
        now: Mono,
        end: Result<(), Option<u8>>,
        out: &mut Vec<Effect>,
    ) {
        let Some(job) = &mut self.desk.job else {
            return;
        };
        match (job.commit, job.ending, end) {
            (Some(Commit { done: true, .. }), _, Ok(())) => self.finish_approved(now, out),
            (Some(Commit { done: true, .. }), _, Err(_)) => self.ask_about_current(now, out),
            (Some(_), _, _) => {
                // It ended without our answer. The commit is on its way: first that, then ask.
                job.stage = Stage::Committing;
                self.await_durable(now);
            }
            (None, Some(Ending::Declined(code)), _) => {
                let outcome = |record| Outcome::Declined { record, code };
                self.finish_charge(now, PaymentState::Declined, outcome, out);
            }
            (None, Some(Ending::ReversedOther), _) => self.finish_reversed_other(now, out),
            (None, None, Err(code)) => {
                let outcome = |record| Outcome::Aborted { record, code };
                self.finish_charge(now, PaymentState::Aborted, outcome, out);
            }
            (None, Some(Ending::AskTerminal) | None, _) => self.ask_about_current(now, out),
        }
    }

    fn finish_reversed_other(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let outcome = |record: Box<IntentRecord>| {
            let reversed = Box::new(record.evidence.clone().unwrap_or_default());
            Outcome::ReversedOther { record, reversed }
        };
        // It is known what happened; asking the terminal again would tell nothing new.
        if let Some(record) = self.record() {
            record.progress.superseded = true;
        }
        self.finish_charge(now, PaymentState::Unknown, outcome, out);
    }

    /// The connection is gone.
    pub(super) fn lost(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.desk.wake_at = None;
        let Some(job) = &mut self.desk.job else {
            return;
        };
        if job.purpose != Purpose::Charge {
            if job.stage != Stage::Committing {
                self.cannot(now, None, out);
            } else {
                self.await_durable(now);
            }
            return;
        }
        match (job.acted, job.commit, job.ending) {
            (false, _, _) => self.cannot(now, None, out),
            (true, Some(Commit { done: false, .. }), _) => {
                job.stage = Stage::Committing;
                self.await_durable(now);
            }
            (true, None, Some(Ending::Declined(_) | Ending::ReversedOther)) => {
                self.act_ended(now, Ok(()), out);
            }
            _ => self.ask_about_current(now, out),
        }
    }

    /// The cashier gives up.
    pub(super) fn abort(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let Some(job) = self
            .desk
            .job
            .as_mut()
            .filter(|j| j.purpose == Purpose::Charge)
        else {
            return;
        };
        if !job.acted {
            self.hang_up(out);
            self.cannot(now, None, out);
        } else if job.stage == Stage::Acting && job.commit.is_none() && !job.abort_asked {
            job.abort_asked = true;
            self.send(&Packet::AbortRequest, out);
            // A terminal that never answers is not waited for longer than its own limit.
            self.sign_of_life(now, None);
        }
    }
}

/// What is wrong with an approval, measured by what was asked for.
fn misfit(record: &IntentRecord, evidence: &Evidence) -> Option<Ending> {
    let fits = evidence.amount == Some(record.amount)
        && evidence.currency.is_none_or(|c| c == record.currency);
    match record.kind {
        ChargeKind::Reverse { receipt } => {
            (!fits || evidence.receipt != Some(receipt)).then_some(Ending::ReversedOther)
        }
        ChargeKind::Pay | ChargeKind::Refund => (!fits).then_some(Ending::AskTerminal),
    }
}
