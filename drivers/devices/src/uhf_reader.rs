//! UHF readers on a serial line or behind a serial server: five families, one session.
//!
//! Such a reader holds nothing, so it is set up only when [`Command::StartReading`] says that reads can be
//! made durable, and left quiet by [`Command::StopReading`]. One that hangs although it is there is closed and
//! opened again. Its antenna numbers come as its family sends them: Chafon's bit for each antenna is turned
//! into a number.

use std::collections::VecDeque;

use shelf_codecs::uhf::{Strength, UhfTag};
use shelf_sessions::time::Mono;
pub use shelf_sessions::uhf::Family;
use shelf_sessions::uhf::{Config, Effect, Input, Session, State, Trouble};

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault};
use crate::dialogue::{Dialogue, Step};
use crate::driver::{Command, Driver};
use crate::line_opener::LineOpener;
use crate::llrp_reader::READING;
use crate::serial::SerialSettings;
use crate::tag_read::TagRead;
use crate::transport::Opener;

/// How a serial reader talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UhfReaderConfig {
    /// What it speaks.
    pub family: Family,
    /// Line settings of the port.
    pub serial: SerialSettings,
}

/// The driver of a serial UHF reader.
#[derive(Debug)]
pub struct UhfReader(UhfReaderConfig);

impl UhfReader {
    /// A driver for a reader with this configuration.
    #[must_use]
    pub fn new(config: UhfReaderConfig) -> Self {
        Self(config)
    }
}

impl Driver for UhfReader {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(LineOpener::new(self.0.serial))
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        Box::new(Talk {
            session: Session::new(Config::new(self.0.family)),
            is_mask: matches!(self.0.family, Family::Chafon { .. }),
            deadline: None,
            steps: VecDeque::new(),
        })
    }
}

struct Talk {
    session: Session,
    /// Its antennas are bits of a mask.
    is_mask: bool,
    deadline: Option<Mono>,
    steps: VecDeque<Step>,
}

impl Talk {
    fn give(&mut self, now: Stamp, input: Input<'_>) {
        let (is_mask, at_ms) = (self.is_mask, now.wall_ms);
        let mut reads = Vec::new();
        let mut sink = |tag: &UhfTag| reads.push(told(tag, is_mask, at_ms));
        let mut effects = Vec::new();
        let mono = Mono(now.mono_us / 1_000);
        self.session.handle(mono, input, &mut effects, &mut sink);
        if !reads.is_empty() {
            self.item(Decoded::Tags(reads));
        }
        for effect in effects {
            match effect {
                Effect::Send(bytes) => self.steps.push_back(Step::Write(bytes)),
                Effect::SetTimer(at) => self.deadline = Some(at),
                Effect::State(State::Reading) => self.item(Decoded::Notice(READING.into())),
                Effect::State(_) => {}
                Effect::Trouble(trouble) => self.item(Decoded::Notice(words(&trouble))),
                Effect::ResetDevice => {
                    let why = "it hangs though it is there: unplug it, or switch it off and on";
                    let (why, hang_up) = (why.to_owned(), true);
                    self.steps.push_back(Step::Hung { why, hang_up });
                }
            }
        }
    }

    fn item(&mut self, item: Decoded) {
        self.steps.push_back(Step::Item(item));
    }
}

impl Dialogue for Talk {
    fn received(&mut self, now: Stamp, bytes: &[u8]) {
        self.give(now, Input::Bytes(bytes));
    }

    fn due(&mut self, now: Stamp) {
        self.deadline = None;
        self.give(now, Input::Tick);
    }

    fn deadline(&self) -> Option<u64> {
        self.deadline.map(|at| at.0.saturating_mul(1_000))
    }

    fn command(&mut self, now: Stamp, command: Command) {
        match command {
            Command::StartReading if self.session.state() == State::Off => {
                self.give(now, Input::Connected);
            }
            Command::StopReading => self.give(now, Input::Stop),
            Command::Reset => self.give(now, Input::Connected),
            _ => {}
        }
    }

    fn is_settled(&self) -> bool {
        self.session.state() == State::Reading
    }

    fn next(&mut self) -> Option<Step> {
        self.steps.pop_front()
    }

    fn closed(&mut self, now: Stamp) -> Option<Fault> {
        self.give(now, Input::Disconnected);
        self.deadline = None;
        None
    }
}

fn told(tag: &UhfTag, is_mask: bool, at_ms: i64) -> TagRead {
    let antenna = tag.antenna.map_or(0, |byte| match is_mask {
        true if byte.is_power_of_two() => u16::try_from(byte.trailing_zeros()).unwrap_or(0) + 1,
        _ => u16::from(byte),
    });
    TagRead {
        epc: tag.epc,
        antenna,
        rssi_centi_dbm: match tag.strength {
            Some(Strength::Dbm(dbm)) => Some(dbm.saturating_mul(100)),
            // A maker's own scale can't be compared with another reader's.
            Some(Strength::Raw(_)) | None => None,
        },
        count: u16::from(tag.seen_count.max(1)),
        at_ms,
    }
}

fn words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::Silent => "nothing comes: power, cable, speed, or another maker's reader".into(),
        Trouble::SpeaksAgain => READING.into(),
        Trouble::Refused { command } => format!("it refuses command {command:02X} of its set-up"),
        Trouble::AntennaFault => "its antenna is unplugged or broken".into(),
        Trouble::NotUnderstood => {
            "its frames can be read only in part: `family` may be wrong".into()
        }
        Trouble::Noise(fault) => fault.to_string(),
    }
}
