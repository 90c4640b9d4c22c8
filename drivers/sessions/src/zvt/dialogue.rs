//! The turns of a dialogue that are the same for every command: acknowledge, show, wait, time out.

use shelf_codecs::zvt::{Completion, Packet, Registration, result};

use super::interface::{Effect, Outcome};
use super::job::{Purpose, Stage};
use super::session::{Link, Session};
use crate::payment::PaymentState;
use crate::payment::flow::Flow as _;
use crate::time::Mono;

/// The longest dialogue, however many signs of life the terminal gives.
const DIALOGUE_MS_MAX: u64 = 30 * 60 * 1000;
/// How long the shell may take to make a record or a sale durable.
const DURABLE_MS_MAX: u64 = 120_000;
const MINUTE_MS: u64 = 60_000;

impl Session {
    /// The connection stands: register, or go on where no registration is needed.
    pub(super) fn after_connect(
        &mut self,
        now: Mono,
        purpose: Purpose,
        registered: bool,
        out: &mut Vec<Effect>,
    ) {
        if purpose == Purpose::Enquiry {
            self.enquire(now, out);
        } else if registered {
            self.after_registration(now, out);
        } else {
            let registration = Packet::Registration(Registration {
                password: self.config.password,
                config: self.config.config_byte,
                currency: self.config.currency,
                service: None,
                permitted: vec![(0x06, 0xD3)],
            });
            self.open_dialogue(now, Stage::Registering, &registration, out);
        }
    }

    fn after_registration(&mut self, now: Mono, out: &mut Vec<Effect>) {
        match self.desk.job.as_ref().map(|j| j.purpose) {
            Some(Purpose::Charge) => self.ask_last(now, out),
            Some(Purpose::Resolve | Purpose::Verify) => self.enquire(now, out),
            Some(Purpose::EndOfDay) => {
                let command = Packet::EndOfDay {
                    password: self.config.password,
                };
                self.open_dialogue(now, Stage::Acting, &command, out);
            }
            Some(Purpose::Repeat) => {
                let command = Packet::RepeatReceipt {
                    password: self.config.password,
                    // Status information, and print.
                    service: Some(1),
                };
                self.open_dialogue(now, Stage::Acting, &command, out);
            }
            Some(Purpose::Enquiry) | None => {}
        }
    }

    fn enquire(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let enquiry = Packet::StatusEnquiry {
            password: self.config.password,
            service: None,
        };
        self.open_dialogue(now, Stage::Enquiring, &enquiry, out);
    }

    /// Asks for the last transaction, with status information and without printing.
    pub(super) fn ask_last(&mut self, now: Mono, out: &mut Vec<Effect>) {
        let repeat = Packet::RepeatReceipt {
            password: self.config.password,
            service: Some(3),
        };
        self.open_dialogue(now, Stage::Learning, &repeat, out);
    }

    pub(super) fn open_dialogue(
        &mut self,
        now: Mono,
        stage: Stage,
        command: &Packet,
        out: &mut Vec<Effect>,
    ) {
        let Some(job) = &mut self.desk.job else {
            return;
        };
        job.stage = stage;
        job.await_reply = true;
        job.seen = None;
        job.sign_of_life_ms = self.config.sign_of_life_ms_max;
        job.dialogue_ends_at = now.plus(DIALOGUE_MS_MAX);
        self.desk.wake_at = Some(now.plus(self.config.reply_ms_max));
        self.send(command, out);
    }

    pub(super) fn on_packet(&mut self, now: Mono, packet: Packet, out: &mut Vec<Effect>) {
        let Some(job) = self.desk.job.as_mut().filter(|j| j.in_dialogue()) else {
            // The terminal speaks without being asked: nothing it says now may be acknowledged.
            self.hang_up(out);
            self.lost(now, out);
            return;
        };
        let awaited = std::mem::take(&mut job.await_reply);
        match packet {
            Packet::Acknowledge if awaited => {
                self.sign_of_life(now, None);
                self.accepted(PaymentState::Accepted, out);
            }
            Packet::Refusal { code } if awaited => self.refused(now, code, out),
            // The answer to our request to stop; what counts is how the dialogue ends.
            Packet::Acknowledge | Packet::Refusal { .. } => {}
            Packet::IntermediateStatus(status) => {
                self.send(&Packet::Acknowledge, out);
                self.sign_of_life(now, status.timeout_minutes);
                self.accepted(PaymentState::InProgress, out);
                out.push(Effect::Display(display_text(status.code, &status.lines)));
            }
            Packet::PrintLine { text, .. } => self.print(now, vec![text], out),
            Packet::PrintTextBlock(block) => self.print(now, block.lines, out),
            // What an earlier dialogue left behind on a line without connections: whoever acknowledged it
            // now would take a payment whose sale nobody has written.
            Packet::StatusInformation(_)
                if matches!(job.stage, Stage::Registering | Stage::Enquiring) =>
            {
                self.hang_up(out);
                self.lost(now, out);
            }
            Packet::StatusInformation(status) => self.on_status(now, &status, out),
            Packet::Completion(completion) => {
                self.send(&Packet::Acknowledge, out);
                self.completed(now, completion, out);
            }
            Packet::Abort { code } => {
                self.send(&Packet::Acknowledge, out);
                self.aborted(now, code, out);
            }
            _ => self.send(
                &Packet::Refusal {
                    code: result::NOT_POSSIBLE,
                },
                out,
            ),
        }
    }

    fn print(&mut self, now: Mono, lines: Vec<String>, out: &mut Vec<Effect>) {
        self.send(&Packet::Acknowledge, out);
        self.sign_of_life(now, None);
        out.push(Effect::Receipt(lines));
    }

    /// Restarts T4, unless the terminal waits for our commit.
    pub(super) fn sign_of_life(&mut self, now: Mono, minutes: Option<u8>) {
        let Some(job) = self
            .desk
            .job
            .as_mut()
            .filter(|j| !j.commit.is_some_and(|c| c.owed && !c.done))
        else {
            return;
        };
        if let Some(minutes) = minutes.filter(|m| *m > 0) {
            job.sign_of_life_ms = u64::from(minutes) * MINUTE_MS;
        }
        self.desk.wake_at = Some(now.plus(job.sign_of_life_ms).min(job.dialogue_ends_at));
    }

    fn completed(&mut self, now: Mono, completion: Completion, out: &mut Vec<Effect>) {
        let Some(job) = &self.desk.job else { return };
        match (job.stage, job.purpose) {
            (Stage::Registering, _) => {
                self.link = Link::Open { registered: true };
                self.terminal_id = completion.terminal_id.or(self.terminal_id);
                self.after_registration(now, out);
            }
            (Stage::Enquiring, Purpose::Enquiry) => {
                out.push(Effect::Outcome(Outcome::TerminalStatus(
                    completion.terminal_status,
                )));
                self.finish(now, out);
            }
            (Stage::Enquiring, _) => self.enquired(now, completion.terminal_status, out),
            (Stage::Learning, _) => self.learnt(now, out),
            (_, Purpose::Repeat) => {
                let last = job.repeated.clone();
                out.push(Effect::Outcome(Outcome::ReceiptRepeated { last }));
                self.finish(now, out);
            }
            (_, Purpose::EndOfDay) => {
                let (total, totals) = (job.total, job.totals.clone());
                out.push(Effect::Outcome(Outcome::DayClosed { total, totals }));
                self.finish(now, out);
            }
            _ => self.act_ended(now, Ok(()), out),
        }
    }

    fn aborted(&mut self, now: Mono, code: Option<u8>, out: &mut Vec<Effect>) {
        let Some(job) = &self.desk.job else { return };
        match (job.stage, job.purpose) {
            (Stage::Learning, _) => self.has_no_last(now, code, out),
            (Stage::Acting, Purpose::Charge) => self.act_ended(now, Err(code), out),
            _ => self.cannot(now, code, out),
        }
    }

    fn refused(&mut self, now: Mono, code: u8, out: &mut Vec<Effect>) {
        let Some(job) = &self.desk.job else { return };
        match (job.stage, job.purpose) {
            (Stage::Acting, Purpose::Charge) => {
                let outcome = |record| Outcome::Declined { record, code };
                self.finish_charge(now, PaymentState::Declined, outcome, out);
            }
            (Stage::Learning, Purpose::Charge) if code != result::WAIT => {
                self.cannot_learn(now, out);
            }
            // A terminal that lacks the status enquiry can still be asked for its last transaction.
            (Stage::Enquiring, Purpose::Resolve | Purpose::Verify) if code != result::WAIT => {
                self.ask_last(now, out);
            }
            _ => self.cannot(now, Some(code), out),
        }
    }

    /// A command before the one that matters failed.
    pub(super) fn cannot(&mut self, now: Mono, code: Option<u8>, out: &mut Vec<Effect>) {
        match self.desk.job.as_ref().map(|j| j.purpose) {
            Some(Purpose::Charge) => {
                self.finish_charge(now, PaymentState::Aborted, Outcome::NotStarted, out);
            }
            Some(Purpose::Resolve | Purpose::Verify) => self.ask_again_later(now, out),
            Some(_) => {
                out.push(Effect::Outcome(Outcome::Failed { code }));
                self.finish(now, out);
            }
            None => {}
        }
    }

    pub(super) fn on_tick(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.desk.wake_at.is_none_or(|at| now < at) {
            return;
        }
        self.desk.wake_at = None;
        let Some(job) = &mut self.desk.job else {
            return;
        };
        match job.stage {
            Stage::Pausing => self.connect(now, out),
            Stage::Acting if job.commit.is_some_and(|c| c.owed && !c.done) => {
                self.ask_to_wait(now, out);
            }
            Stage::Acting if !job.await_reply && !job.abort_asked && job.commit.is_none() => {
                job.abort_asked = true;
                self.desk.wake_at = Some(now.plus(self.config.reply_ms_max));
                self.send(&Packet::AbortRequest, out);
            }
            Stage::Committing => self.commit_never_came(now, out),
            _ => {
                self.hang_up(out);
                self.lost(now, out);
            }
        }
    }

    /// Sets the limit for the shell's durable writes.
    pub(super) fn await_durable(&mut self, now: Mono) {
        self.desk.wake_at = Some(now.plus(DURABLE_MS_MAX));
    }
}

/// What cashier and customer read. The terminal's own words win.
fn display_text(code: u8, lines: &[String]) -> String {
    if !lines.is_empty() {
        return lines.join(" ");
    }
    match code {
        0x05 => "The terminal takes the payment back".to_owned(),
        0x0A => "Insert, swipe or tap the card".to_owned(),
        0x15 => "Wrong PIN".to_owned(),
        0x17 => "Please wait".to_owned(),
        _ => format!("Terminal: status {code:02X}"),
    }
}
