//! What the reader says, and what follows: greeting, events, answers, and the way to running.

use shelf_codecs::llrp::{
    ConnectionAttempt, Message, MessageType, ReaderEvent, ReaderEvents, Status,
};

use super::interface::{Effect, Gap, Now, SetupStep, State, Trouble};
use super::session::Session;
use super::setup::{OwnWork, SETTINGS_REFUSED_MAX, is_unsupported};
use crate::time::Mono;

impl Session {
    pub(super) fn events(&mut self, now: Now, events: &ReaderEvents, out: &mut Vec<Effect>) {
        if let Some(jump) = self.clock.learn(now.wall_us, events.at) {
            out.push(Effect::Trouble(Trouble::ClockJumped(jump)));
        }
        for event in &events.events {
            match event {
                ReaderEvent::ConnectionAttempt(attempt) => self.greeted(now.mono, *attempt, out),
                ReaderEvent::ConnectionClose => {
                    self.hang_up(now.mono, false, out);
                    return;
                }
                ReaderEvent::BufferOverflow => out.push(Effect::Gap(Gap::BufferOverflow)),
                ReaderEvent::BufferLevel { percent } => {
                    out.push(Effect::Trouble(Trouble::BufferLevel(*percent)));
                }
                ReaderEvent::Exception { message, .. } => {
                    out.push(Effect::Trouble(Trouble::Exception(message.clone())));
                }
                ReaderEvent::Antenna {
                    connected,
                    antenna_id,
                } => out.push(Effect::Trouble(if *connected {
                    Trouble::AntennaBack(*antenna_id)
                } else {
                    Trouble::AntennaGone(*antenna_id)
                })),
                ReaderEvent::Gpi { port, high } => out.push(Effect::Gpi {
                    port: *port,
                    high: *high,
                }),
                // Our endless work ended: something stopped it. Begin again.
                ReaderEvent::RoSpec { event: 1, id, .. }
                    if *id == self.config.ro_spec.id
                        && self.state == State::Running
                        && self.asked.is_none() =>
                {
                    self.ask(now.mono, SetupStep::Start, out);
                }
                _ => {}
            }
        }
    }

    fn greeted(&mut self, now: Mono, attempt: ConnectionAttempt, out: &mut Vec<Effect>) {
        use ConnectionAttempt as Attempt;
        match attempt {
            Attempt::Success if self.state == State::Connecting => {
                self.ask(now, SetupStep::Capabilities, out);
            }
            Attempt::Success => {}
            Attempt::AnotherAttempted => {
                out.push(Effect::Trouble(Trouble::AnotherAttempted));
            }
            Attempt::ReaderInitiatedExists | Attempt::ClientInitiatedExists => {
                out.push(Effect::Trouble(Trouble::TakenByAnother));
                self.hang_up(now, true, out);
            }
            Attempt::OtherFailure | Attempt::Unknown(_) => {
                out.push(Effect::Trouble(Trouble::ConnectionRefused));
                self.hang_up(now, false, out);
            }
        }
    }

    pub(super) fn answer(&mut self, now: Mono, id: u32, message: Message, out: &mut Vec<Effect>) {
        // Errors with a strange id exist, and answers to what we no longer wait for: neither is ours.
        let Some(asked) = self.asked.filter(|asked| asked.id == id) else {
            return;
        };
        let expected = asked.step.message(&self.config, &self.known).kind();
        let is_answer =
            message.kind().0 == expected.0 + 10 || message.kind() == MessageType::ERROR_MESSAGE;
        let Some(status) = message.status().filter(|_| is_answer).cloned() else {
            return;
        };
        self.asked = None;
        if !status.is_ok() && self.refused(now, asked.step, &status, out) {
            return;
        }
        match (asked.step, message) {
            (_, Message::GetReaderCapabilitiesResponse { capabilities, .. }) => {
                out.push(Effect::Capabilities(capabilities.clone()));
                self.known.capabilities = Some(capabilities);
                self.ask(now, SetupStep::GetSpecs, out);
            }
            (SetupStep::GetSpecs, message) => {
                let specs = match message {
                    Message::GetRoSpecsResponse { specs, .. } => specs,
                    _ => Vec::new(),
                };
                let distrust = self.distrust_kept;
                self.own_work = self.known.judge(&self.config, &specs, distrust);
                self.clear_the_way(now, out);
            }
            (SetupStep::Delete, _) => {
                self.known.in_the_way.pop();
                self.clear_the_way(now, out);
            }
            (SetupStep::Start, _) => self.run(now, out),
            (SetupStep::Enable, _) => {
                self.distrust_kept = false;
                self.known.start_needed = true;
                self.hold(now, out);
            }
            (step, _) => match step.next() {
                Some(next) => self.ask(now, next, out),
                None => self.hold(now, out),
            },
        }
    }

    /// Takes away what stands in the way of our work; then goes on with it where it is.
    fn clear_the_way(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if !self.known.in_the_way.is_empty() {
            self.ask(now, SetupStep::Disable, out);
            return;
        }
        match self.own_work {
            None => self.ask(now, SetupStep::Configure, out),
            Some(OwnWork::Disabled) => self.ask(now, SetupStep::Enable, out),
            Some(work) => {
                self.kept = true;
                self.known.start_needed = work == OwnWork::Ended;
                self.hold(now, out);
            }
        }
    }

    /// Whether the answer is dealt with by this: the connection ends, or the question was asked again.
    fn refused(
        &mut self,
        now: Mono,
        step: SetupStep,
        status: &Status,
        out: &mut Vec<Effect>,
    ) -> bool {
        // Our old work need not be there, and a question may be unknown.
        let expected = matches!(step, SetupStep::Disable | SetupStep::Delete)
            || step == SetupStep::GetSpecs && is_unsupported(status.code);
        if !expected {
            out.push(Effect::Trouble(Trouble::Refused {
                step,
                code: status.code,
                words: status.description.clone(),
            }));
        }
        if step.is_needed() {
            self.hang_up(now, true, out);
            return true;
        }
        if step == SetupStep::Configure {
            if self.known.settings_refused < SETTINGS_REFUSED_MAX {
                self.known.settings_refused += 1;
                self.ask(now, SetupStep::Configure, out);
                return true;
            }
            self.known.is_mute = true;
        }
        false
    }

    /// All is set up; the reports wait for the ledger.
    fn hold(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.sink_ready {
            self.release(now, out);
        } else {
            self.enter(State::Holding, None, out);
        }
    }

    pub(super) fn release(&mut self, now: Mono, out: &mut Vec<Effect>) {
        // A reader without holding may answer with an error; nothing waits for it.
        self.send(&Message::EnableEventsAndReports, out);
        if self.known.start_needed {
            self.known.start_needed = false;
            self.ask(now, SetupStep::Start, out);
        } else {
            self.run(now, out);
        }
    }

    fn run(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.state == State::Running {
            return;
        }
        self.enter(State::Running, None, out);
        self.running_since = Some(now);
        self.last_read_at = now;
        self.quiet_told = false;
        self.poll_at = self.next_poll(now);
        if self.reads_before_ready > 0 {
            let reads = std::mem::take(&mut self.reads_before_ready);
            out.push(Effect::Gap(Gap::NotReady { reads }));
        }
    }
}
