//! Keeping an IBM/Toshiba OEM scanner awake: it scans nothing before it is told to, and forgets after a reset.
//!
//! The machine enables the scanner after opening, looks whether it is enabled, and enables it again when its
//! status says otherwise. It gives up with a state for the page, not with silence, and never resets a device
//! by itself.

use shelf_codecs::scanner::oem::{OemCommand, OemDecoder, OemItem, OemStatus, SEGMENT_GAP_MS_MAX};
use shelf_codecs::scanner::{Fault, Scan};

use crate::time::Mono;

/// How long the scanner may take to confirm.
pub const ANSWER_MS_MAX: u64 = 1_000;
/// How often it is told in a row.
pub const TRIES_MAX: u32 = 3;
/// How long one that did not confirm is left in peace before it is told again, in milliseconds.
pub const MUTE_PAUSE_MS: u64 = 30_000;

/// What happened outside.
#[derive(Clone, Debug)]
pub enum Input {
    /// The device was opened, or came back.
    Opened,
    /// One input report.
    Report(Vec<u8>),
    /// Scan, or stop scanning.
    Wanted(bool),
    /// A command of the operator's: beeper, configuration, self-test.
    Command(OemCommand),
    /// Reports were lost before they could be read.
    Overrun,
    /// The device is gone.
    Disconnected,
    /// The time of the last [`Effect::SetTimer`] has come.
    Tick,
}

/// How the scanner is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OemState {
    /// It scans.
    Scanning,
    /// It was told not to.
    Stopped,
    /// It does not confirm; said again after every row of tries.
    Mute,
    /// It says that it is broken or not ready.
    Broken,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Write this output report (without report id).
    Write([u8; 11]),
    /// One scan.
    Scan(Scan),
    /// The answer to a command.
    Reply(Vec<u8>),
    /// The scanner's state changed; for the page.
    State(OemState),
    /// A report that is none; an event.
    Fault(Fault),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
}

/// One scanner's machine.
#[derive(Debug)]
pub struct Session {
    decoder: OemDecoder,
    wanted: bool,
    state: Option<OemState>,
    tries: u32,
    /// When an unconfirmed command is told again.
    confirm_due_at: Option<Mono>,
    /// When the rest of a code is given up.
    rest_due_at: Option<Mono>,
}

impl Default for Session {
    fn default() -> Self {
        Session {
            decoder: OemDecoder::new(),
            wanted: true,
            state: None,
            tries: 0,
            confirm_due_at: None,
            rest_due_at: None,
        }
    }
}

impl Session {
    /// A machine that wants to scan.
    #[must_use]
    pub fn new() -> Session {
        Session::default()
    }

    /// Whether it confirmed what it was told last.
    #[must_use]
    pub fn is_obeying(&self) -> bool {
        matches!(self.state, Some(OemState::Scanning | OemState::Stopped))
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, now: Mono, input: Input, out: &mut Vec<Effect>) {
        match input {
            Input::Opened => {
                self.decoder = OemDecoder::new();
                self.state = None;
                self.tries = 0;
                self.tell(now, out);
            }
            Input::Wanted(wanted) => {
                self.wanted = wanted;
                self.tries = 0;
                self.tell(now, out);
            }
            Input::Command(command) => out.push(Effect::Write(command.encode())),
            Input::Report(report) => {
                self.rest_due_at = None;
                self.decoder.push(&report, now.0);
                self.read(now, out);
            }
            Input::Overrun | Input::Disconnected => self.break_off(now, out),
            Input::Tick => self.tick(now, out),
        }
        let rest = now.plus(SEGMENT_GAP_MS_MAX + 1);
        self.rest_due_at = match self.decoder.has_pending() {
            true => Some(self.rest_due_at.unwrap_or(rest)),
            false => None,
        };
        let due = [self.confirm_due_at, self.rest_due_at];
        out.extend(due.into_iter().flatten().min().map(Effect::SetTimer));
    }

    fn tick(&mut self, now: Mono, out: &mut Vec<Effect>) {
        if self.rest_due_at.is_some_and(|at| now >= at) {
            self.decoder.flush_idle(now.0);
            self.read(now, out);
        }
        if self.confirm_due_at.is_some_and(|at| now >= at) {
            self.tell(now, out);
        }
    }

    /// Ends a code whose rest can't come any more.
    fn break_off(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.decoder.flush_idle(now.plus(2 * SEGMENT_GAP_MS_MAX).0);
        self.read(now, out);
        self.decoder = OemDecoder::new();
    }

    fn tell(&mut self, now: Mono, out: &mut Vec<Effect>) {
        self.confirm_due_at = None;
        if self.tries >= TRIES_MAX {
            // A scanner that was kept from scanning must scan again one day, whatever went wrong.
            self.tries = 0;
            self.state = Some(OemState::Mute);
            out.push(Effect::State(OemState::Mute));
            self.confirm_due_at = Some(now.plus(MUTE_PAUSE_MS));
            return;
        }
        self.tries += 1;
        let command = if self.wanted {
            OemCommand::Enable
        } else {
            OemCommand::Disable
        };
        out.push(Effect::Write(command.encode()));
        out.push(Effect::Write(OemCommand::Status.encode()));
        self.confirm_due_at = Some(now.plus(ANSWER_MS_MAX));
    }

    fn read(&mut self, now: Mono, out: &mut Vec<Effect>) {
        while let Some(item) = self.decoder.next() {
            match item {
                OemItem::Scan(scan) => {
                    // What scans is enabled, whatever its status bytes say.
                    self.confirmed(OemState::Scanning, out);
                    out.push(Effect::Scan(scan));
                }
                OemItem::Status(status) => self.on_status(now, status, out),
                OemItem::Reply { bytes, .. } => out.push(Effect::Reply(bytes)),
                OemItem::Fault(fault) => out.push(Effect::Fault(fault)),
            }
        }
    }

    fn on_status(&mut self, now: Mono, status: OemStatus, out: &mut Vec<Effect>) {
        if status.hardware_error() || status.not_ready() {
            self.become_state(OemState::Broken, out);
        } else if status.enabled() == self.wanted {
            let state = if self.wanted {
                OemState::Scanning
            } else {
                OemState::Stopped
            };
            self.confirmed(state, out);
        } else if self.tries == 0 && self.state != Some(OemState::Mute) {
            // It forgot: a reset, or another program.
            self.tell(now, out);
        }
    }

    fn confirmed(&mut self, state: OemState, out: &mut Vec<Effect>) {
        (self.tries, self.confirm_due_at) = (0, None);
        self.become_state(state, out);
    }

    fn become_state(&mut self, state: OemState, out: &mut Vec<Effect>) {
        if self.state != Some(state) {
            self.state = Some(state);
            out.push(Effect::State(state));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use shelf_codecs::barcode::Symbology;
    use shelf_codecs::scanner::oem::{encode_scan, encode_status};

    const ON: OemStatus = OemStatus([0, 3, 0]);
    const OFF: OemStatus = OemStatus([0, 1, 0]);

    fn words(out: &mut Vec<Effect>) -> String {
        let show = |effect: Effect| match effect {
            Effect::Write(report) => format!("{:?}", OemCommand::decode(&report).unwrap()),
            Effect::Scan(scan) => String::from_utf8(scan.bytes).unwrap(),
            Effect::State(state) => format!("={state:?}"),
            Effect::Fault(fault) => format!("{:?}", fault.reason),
            Effect::Reply(bytes) => format!("reply {bytes:?}"),
            Effect::SetTimer(_) => String::new(),
        };
        let words: Vec<String> = out
            .drain(..)
            .map(show)
            .filter(|word| !word.is_empty())
            .collect();
        words.join(" ")
    }

    #[test]
    fn it_is_enabled_and_enabled_again() {
        let mut session = Session::new();
        let mut out = Vec::new();
        session.handle(Mono(0), Input::Opened, &mut out);
        session.handle(Mono(1), Input::Report(encode_status(OFF)), &mut out);
        session.handle(Mono(2), Input::Report(encode_status(ON)), &mut out);
        assert_eq!(words(&mut out), "Enable Status =Scanning");
        for report in encode_scan(b"4006381333931", Symbology::Ean13, ON, true) {
            session.handle(Mono(3), Input::Report(report), &mut out);
        }
        assert_eq!(words(&mut out), "4006381333931");
        // It forgot.
        session.handle(Mono(4), Input::Report(encode_status(OFF)), &mut out);
        assert_eq!(words(&mut out), "Enable Status");
        session.handle(Mono(5), Input::Report(encode_status(ON)), &mut out);
        session.handle(Mono(6), Input::Wanted(false), &mut out);
        session.handle(Mono(7), Input::Report(encode_status(OFF)), &mut out);
        assert_eq!(words(&mut out), "Disable Status =Stopped");
        session.handle(Mono(8), Input::Command(OemCommand::BeeperOff), &mut out);
        session.handle(Mono(9), Input::Report(vec![5, 2, 1, 0, 7]), &mut out);
        session.handle(Mono(9), Input::Report(vec![]), &mut out);
        assert_eq!(words(&mut out), "BeeperOff reply [7] UnknownReport");
    }

    #[test]
    fn one_that_never_confirms_is_told_three_times() {
        let mut session = Session::new();
        let mut out = Vec::new();
        session.handle(Mono(0), Input::Opened, &mut out);
        for n in 1..10 {
            session.handle(Mono(n * ANSWER_MS_MAX), Input::Tick, &mut out);
        }
        let expected = "Enable Status Enable Status Enable Status =Mute";
        assert_eq!(words(&mut out), expected);
        // It is not forgotten.
        for n in 0..10 {
            let at = 3 * ANSWER_MS_MAX + MUTE_PAUSE_MS + n * ANSWER_MS_MAX;
            session.handle(Mono(at), Input::Tick, &mut out);
        }
        assert_eq!(words(&mut out), expected);
        session.handle(
            Mono(60_000),
            Input::Report(encode_status(OemStatus([0x20, 1, 0]))),
            &mut out,
        );
        assert_eq!(words(&mut out), "=Broken");
        for report in encode_scan(b"x", Symbology::Qr, OFF, false) {
            session.handle(Mono(60_001), Input::Report(report), &mut out);
        }
        assert_eq!(words(&mut out), "=Scanning x");
    }
}
