//! Scales: over serial lines and converters on the network, and as HID devices. The session asks only
//! when somebody weighs, gives one weight at rest or the scale's words why there is none, and never
//! keeps a weight over a disconnect. A line that is set wrongly shows by its parity bits and is told
//! as a notice.

use std::path::Path;
use std::sync::Arc;

use shelf_codecs::scale::{Protocol, Reading, ScaleConfig as Instrument};
use shelf_sessions::scale::{Effect, Input, Limits, Outcome, Session};

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault, FaultCause};
use crate::dialogue::{Dialogue, Step};
use crate::driver::{Command, Driver};
use crate::hid::{self, HidOpening};
use crate::line_opener::LineOpener;
use crate::raw::RawForm;
use crate::serial::{DataBits, Parity, SerialSettings};
use crate::steps::{Steps, mono};
use crate::transport::{OpenError, Opener, Transport};
use crate::wake::WakeFd;
use crate::weighing::{Changed, NoWeight, Weighing};

/// Weighings in a row that were not answered, after which the scale is taken to hang.
pub const UNANSWERED_IN_A_ROW_MAX: u32 = 3;
/// First page of usages that makers define.
const PAGE_OF_MAKERS: u32 = 0xFF00;
/// The usage of IBM's scales on such a page.
const USAGE_IBM_SCALE: u32 = 0x6E00;
/// The page of HID scales.
const PAGE_SCALES: u32 = 0x8D;

/// A scale.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScaleConfig {
    /// Line settings of the port; HID devices and converters on the network ignore them.
    pub serial: SerialSettings,
    /// What it speaks.
    pub instrument: Instrument,
    /// How long its answers and a whole weighing may take.
    pub limits: Limits,
}

impl ScaleConfig {
    /// A scale in kilograms with the line settings that its protocol usually has.
    #[must_use]
    pub fn new(protocol: Protocol) -> Self {
        Self {
            serial: usual_line(protocol),
            instrument: Instrument::new(protocol),
            limits: Limits::default(),
        }
    }

    /// Whether it is a HID device; else it has a serial port or a place on the network.
    #[must_use]
    pub fn is_hid(&self) -> bool {
        matches!(self.instrument.protocol, Protocol::Hid | Protocol::IbmOem)
    }
}

/// The line settings that scales of this protocol leave the factory with.
#[must_use]
pub fn usual_line(protocol: Protocol) -> SerialSettings {
    let (baud, data_bits, parity) = match protocol {
        Protocol::Toledo8217 | Protocol::NciGeneral | Protocol::NciEcr => {
            (9600, DataBits::Seven, Parity::Even)
        }
        Protocol::Dialog => (4800, DataBits::Seven, Parity::Odd),
        Protocol::Continuous | Protocol::Hid | Protocol::IbmOem => {
            (9600, DataBits::Eight, Parity::None)
        }
    };
    SerialSettings {
        baud,
        data_bits,
        parity,
        ..SerialSettings::default()
    }
}

/// Whether a usage is a scale's: of the page of scales, or IBM's on a maker's own page.
#[must_use]
pub fn scale_usage(usage: u32) -> bool {
    let page = usage >> 16;
    page == PAGE_SCALES || (page >= PAGE_OF_MAKERS && usage & 0xFFFF == USAGE_IBM_SCALE)
}

/// The driver.
#[derive(Debug)]
pub struct Scale {
    config: ScaleConfig,
}

impl Scale {
    /// A driver for a scale with this configuration.
    #[must_use]
    pub fn new(config: ScaleConfig) -> Self {
        Self { config }
    }
}

impl Driver for Scale {
    fn opener(&self) -> Box<dyn Opener> {
        match self.config.is_hid() {
            true => Box::new(HidScaleOpener),
            false => Box::new(LineOpener::new(self.config.serial)),
        }
    }

    fn raw_form(&self) -> RawForm {
        match self.config.is_hid() {
            true => RawForm::Reports,
            false => RawForm::Stream,
        }
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        let session = Session::new(self.config.instrument, self.config.limits);
        let unnumbered = self.config.instrument.protocol == Protocol::IbmOem;
        Box::new(ScaleDialogue {
            scale: Weigher::new(session, unnumbered),
            steps: Steps::default(),
        })
    }
}

struct HidScaleOpener;

impl Opener for HidScaleOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        hid::open(path, wake, &HidOpening::default())
    }
}

/// A scale's session and whose question it answers; also of the scale in a counter scanner.
pub(crate) struct Weigher {
    session: Session,
    /// hidapi wants a 0 in front of reports without id.
    unnumbered: bool,
    question: u64,
    unanswered: u32,
}

impl Weigher {
    pub(crate) fn new(session: Session, unnumbered: bool) -> Self {
        Self {
            session,
            unnumbered,
            question: 0,
            unanswered: 0,
        }
    }

    /// Takes what is a scale's business; other commands do nothing.
    pub(crate) fn command(&mut self, now: Stamp, command: Command, steps: &mut Steps) {
        match command {
            Command::Weigh { question, .. } if self.session.is_busy() => {
                steps.item(Decoded::Weight(Weighing {
                    question,
                    outcome: Err(NoWeight::Busy),
                    changed: Changed::No,
                }));
            }
            Command::Weigh {
                question,
                unit_price_minor,
            } => {
                self.question = question;
                self.handle(now, Input::Weigh { unit_price_minor }, steps);
            }
            Command::StopWeighing => self.handle(now, Input::Cancel, steps),
            _ => {}
        }
    }

    pub(crate) fn handle(&mut self, now: Stamp, input: Input, steps: &mut Steps) {
        let mut effects = Vec::new();
        self.session.handle(mono(now), input, &mut effects);
        for effect in effects {
            self.perform(effect, steps);
        }
        if !self.session.is_busy() {
            steps.clear_timer();
        }
    }

    /// One that says nothing to question after question hangs, or has no power.
    fn count(&mut self, outcome: &Outcome, steps: &mut Steps) {
        self.unanswered = match outcome {
            Outcome::NoAnswer => self.unanswered + 1,
            _ => 0,
        };
        if self.unanswered >= UNANSWERED_IN_A_ROW_MAX {
            self.unanswered = 0;
            steps.hung("the scale answers nothing", false);
        }
    }

    fn perform(&mut self, effect: Effect, steps: &mut Steps) {
        match effect {
            Effect::Send(bytes) if self.unnumbered => steps.write([&[0], &bytes[..]].concat()),
            Effect::Send(bytes) => steps.write(bytes),
            Effect::Outcome(outcome) => {
                steps.item(Decoded::Weight(self.weighing(outcome)));
                self.count(&outcome, steps);
            }
            Effect::Shown(reading) => steps.item(Decoded::Reply(shown(&reading).into_bytes())),
            Effect::Fault(fault) => {
                let cause = FaultCause::NoWeighing(fault.reason);
                let fault = Fault::new(cause, &fault.bytes, fault.bytes.len() as u64);
                steps.item(Decoded::Fault(fault));
            }
            Effect::Advice(advice) => steps.notice(advice),
            Effect::SetTimer(at) => steps.set_timer(at),
            Effect::Busy => steps.item(Decoded::Weight(Weighing {
                question: self.question,
                outcome: Err(NoWeight::Busy),
                changed: Changed::No,
            })),
        }
    }

    fn weighing(&self, outcome: Outcome) -> Weighing {
        let (outcome, changed) = match outcome {
            Outcome::Weight { weight, changed } => (Ok(weight), changed),
            Outcome::Refused(refusal) => (Err(NoWeight::Refused(refusal)), Changed::No),
            Outcome::NoAnswer => (Err(NoWeight::NoAnswer), Changed::No),
            Outcome::Disconnected => (Err(NoWeight::Disconnected), Changed::No),
        };
        Weighing {
            question: self.question,
            outcome,
            changed,
        }
    }
}

/// What the display shows, for the journal.
fn shown(reading: &Reading) -> String {
    let outcome = match *reading {
        Reading::Stable(weight) => Ok(weight),
        Reading::Refused(refusal) => Err(NoWeight::Refused(refusal)),
    };
    let weighing = Weighing {
        question: 0,
        outcome,
        changed: Changed::No,
    };
    format!("shows {weighing}")
}

struct ScaleDialogue {
    scale: Weigher,
    steps: Steps,
}

impl Dialogue for ScaleDialogue {
    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        let input = Input::Bytes(bytes.to_vec());
        self.scale.handle(now, input, &mut self.steps);
    }

    fn due(&mut self, now: Stamp) {
        self.steps.clear_timer();
        self.scale.handle(now, Input::Tick, &mut self.steps);
    }

    fn deadline(&self) -> Option<u64> {
        self.steps.deadline()
    }

    fn command(&mut self, now: Stamp, command: Command) {
        match command {
            Command::Write(bytes) => self.steps.attempt(bytes),
            command => self.scale.command(now, command, &mut self.steps),
        }
    }

    fn next(&mut self) -> Option<Step> {
        self.steps.next()
    }

    fn closed(&mut self, now: Stamp) -> Option<Fault> {
        self.scale.handle(now, Input::Disconnected, &mut self.steps);
        None
    }
}

#[cfg(test)]
mod tests;
