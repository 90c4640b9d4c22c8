//! Counter scanners with a scale on one cable (Magellan, "SCRS232"): codes and weights share a line,
//! and the weight is asked for only when somebody weighs.

use shelf_codecs::scale::Unit;
use shelf_codecs::scanner::magellan::{MagellanDecoder, MagellanItem};
use shelf_sessions::scale::{Input, Limits, Session};

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault};
use crate::dialogue::{Dialogue, Feedback, Step};
use crate::driver::{Command, Driver};
use crate::line_opener::LineOpener;
use crate::line_scanner::END_WAIT_MS;
use crate::raw::RawForm;
use crate::scale::Weigher;
use crate::serial::SerialSettings;
use crate::steps::{Steps, cut_off};
use crate::transport::Opener;

/// A counter scanner with a scale.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CounterScannerConfig {
    /// Line settings of the port.
    pub serial: SerialSettings,
    /// What the scale shows: kilograms with three places, or pounds with two. The cable doesn't say.
    pub unit: Unit,
    /// How long the scale's answers and a whole weighing may take.
    pub limits: Limits,
    /// What makes it beep, and scan or not.
    pub feedback: Feedback,
}

impl Default for CounterScannerConfig {
    fn default() -> Self {
        Self {
            serial: SerialSettings::default(),
            unit: Unit::Kilogram,
            limits: Limits::default(),
            feedback: Feedback::default(),
        }
    }
}

/// The driver.
#[derive(Debug)]
pub struct CounterScanner {
    config: CounterScannerConfig,
}

impl CounterScanner {
    /// A driver for a scanner with this configuration.
    #[must_use]
    pub fn new(config: CounterScannerConfig) -> Self {
        Self { config }
    }
}

impl Driver for CounterScanner {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(LineOpener::new(self.config.serial))
    }

    fn raw_form(&self) -> RawForm {
        RawForm::Stream
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        let session = Session::on_scanner_cable(self.config.limits);
        Box::new(CounterDialogue {
            cable: MagellanDecoder::new(self.config.unit),
            scale: Weigher::new(session, false),
            feedback: self.config.feedback.clone(),
            line_due_us: None,
            steps: Steps::default(),
        })
    }
}

struct CounterDialogue {
    cable: MagellanDecoder,
    scale: Weigher,
    feedback: Feedback,
    /// When an unfinished line is given up, on the monotonic clock in microseconds.
    line_due_us: Option<u64>,
    steps: Steps,
}

impl CounterDialogue {
    fn read(&mut self, now: Stamp) {
        for item in self.cable.by_ref() {
            match item {
                MagellanItem::Scan(scan) => self.steps.item(Decoded::Scan(scan)),
                MagellanItem::Reading(reading) => {
                    self.scale
                        .handle(now, Input::Said(reading), &mut self.steps);
                }
                MagellanItem::Fault(fault) => self.steps.scanner_fault(&fault),
            }
        }
    }
}

impl Dialogue for CounterDialogue {
    fn opened(&mut self, now: Stamp) {
        self.command(now, Command::Enable(true));
    }

    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        self.cable.push(bytes);
        self.read(now);
        let wait = now.mono_us.saturating_add(END_WAIT_MS * 1000);
        self.line_due_us = self.cable.has_pending().then_some(wait);
    }

    fn due(&mut self, now: Stamp) {
        if self.line_due_us.is_some_and(|at| at <= now.mono_us) {
            self.line_due_us = None;
            self.cable.flush_idle();
            self.read(now);
        }
        if self.steps.deadline().is_some_and(|at| at <= now.mono_us) {
            self.steps.clear_timer();
            self.scale.handle(now, Input::Tick, &mut self.steps);
        }
    }

    fn deadline(&self) -> Option<u64> {
        let due = [self.line_due_us, self.steps.deadline()];
        due.into_iter().flatten().min()
    }

    fn command(&mut self, now: Stamp, command: Command) {
        match command {
            Command::Weigh { .. } | Command::StopWeighing => {
                self.scale.command(now, command, &mut self.steps);
            }
            command => self.steps.attempt(self.feedback.bytes(command)),
        }
    }

    fn can_be_disabled(&self) -> bool {
        self.feedback.can_disable()
    }

    fn next(&mut self) -> Option<Step> {
        self.steps.next()
    }

    fn closed(&mut self, now: Stamp) -> Option<Fault> {
        self.scale.handle(now, Input::Disconnected, &mut self.steps);
        self.cable.flush_idle();
        let half = self.cable.next();
        self.cable.reset();
        match half {
            Some(MagellanItem::Fault(fault)) => Some(cut_off(&fault)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
