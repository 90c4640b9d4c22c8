//! The dialogue with an IBM/Toshiba OEM scanner: told to scan after opening and again when it forgot,
//! and a notice when it does not confirm or calls itself broken.

use shelf_sessions::oem::{Effect, Input, OemState, Session};

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault, FaultCause};
use crate::dialogue::{Dialogue, Feedback, Step};
use crate::driver::Command;
use crate::steps::{Steps, cut_off, mono};

/// A session with such a scanner.
pub(crate) struct OemDialogue {
    session: Session,
    feedback: Feedback,
    /// The last thing that people were told was trouble.
    in_trouble: bool,
    /// Whether it is to scan.
    wanted: bool,
    steps: Steps,
}

impl OemDialogue {
    pub(crate) fn new(feedback: Feedback) -> Self {
        Self {
            session: Session::new(),
            feedback,
            in_trouble: false,
            wanted: true,
            steps: Steps::default(),
        }
    }

    fn effects(&mut self, now: Stamp, input: Input) -> Vec<Effect> {
        let mut effects = Vec::new();
        // Every input makes the session name its timer anew, or none.
        self.steps.clear_timer();
        self.session.handle(mono(now), input, &mut effects);
        effects
    }

    fn handle(&mut self, now: Stamp, input: Input) {
        for effect in self.effects(now, input) {
            match effect {
                // Its reports have no id, for which hidapi wants a 0.
                Effect::Write(report) => self.steps.write([&[0], &report[..]].concat()),
                Effect::Scan(scan) => self.steps.item(Decoded::Scan(scan)),
                Effect::Reply(bytes) => self.steps.item(Decoded::Reply(bytes)),
                Effect::State(state) => self.tell(state),
                Effect::Fault(fault) => self.steps.scanner_fault(&fault),
                Effect::SetTimer(at) => self.steps.set_timer(at),
            }
        }
    }

    fn tell(&mut self, state: OemState) {
        let words = match state {
            OemState::Scanning | OemState::Stopped if !self.in_trouble => return,
            OemState::Scanning => "the scanner scans again",
            OemState::Stopped => "the scanner confirms again that it does not scan",
            // It scans on: no harm, and no sign that it hangs.
            OemState::Mute if !self.wanted => return,
            OemState::Mute => {
                let why = "the scanner does not confirm what it was told: plug it out and in";
                if !self.in_trouble {
                    self.steps.notice(why);
                }
                self.in_trouble = true;
                // It may scan all the same, and is left in peace where it can't be reset.
                return self.steps.hung(why, false);
            }
            OemState::Broken => "the scanner reports a fault of its own, or is not ready",
        };
        self.in_trouble = state == OemState::Broken;
        self.steps.notice(words);
        if !self.in_trouble {
            self.steps.notice("");
        }
    }
}

impl Dialogue for OemDialogue {
    fn opened(&mut self, now: Stamp) {
        self.handle(now, Input::Opened);
    }

    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        self.handle(now, Input::Report(bytes.to_vec()));
    }

    fn due(&mut self, now: Stamp) {
        self.handle(now, Input::Tick);
    }

    fn deadline(&self) -> Option<u64> {
        self.steps.deadline()
    }

    fn command(&mut self, now: Stamp, command: Command) {
        match command {
            Command::Enable(wanted) => {
                self.wanted = wanted;
                self.handle(now, Input::Wanted(wanted));
            }
            Command::Reset => self.handle(now, Input::Opened),
            command => self.steps.attempt(self.feedback.bytes(command)),
        }
    }

    fn is_settled(&self) -> bool {
        self.session.is_obeying()
    }

    fn can_be_disabled(&self) -> bool {
        true
    }

    fn overrun(&mut self, now: Stamp) {
        let mut lost = Fault::new(FaultCause::Overrun, &[], 0);
        for effect in self.effects(now, Input::Overrun) {
            match effect {
                Effect::Fault(fault) => {
                    lost = Fault::new(FaultCause::Overrun, &fault.bytes, fault.bytes_total);
                }
                Effect::SetTimer(at) => self.steps.set_timer(at),
                _ => {}
            }
        }
        self.steps.item(Decoded::Fault(lost));
    }

    fn next(&mut self) -> Option<Step> {
        self.steps.next()
    }

    fn closed(&mut self, now: Stamp) -> Option<Fault> {
        let effects = self.effects(now, Input::Disconnected);
        effects.iter().find_map(|effect| match effect {
            Effect::Fault(fault) => Some(cut_off(fault)),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests;
