//! Fixed RFID readers that speak LLRP: the session of `shelf-sessions` behind the seam of a device's
//! thread.
//!
//! The reader keeps its reports until [`Command::StartReading`] says that they can be made durable; a
//! connection that breaks is made again by the supervision, and what the reader gathered meanwhile comes
//! then. The session outlives an opening, so that a reader that died once over kept work is set up anew.
//! Reads of one received piece are one [`Decoded::Tags`]; nothing here waits for whoever takes them, so a
//! keep-alive is answered as long as the queue has room. It must never drop a read without a notice.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use shelf_sessions::llrp::{
    Config, Effect, Gap, Input, Now, Session, State, TagRead as Read, Trouble, presence_work,
};
use shelf_sessions::time::Mono;

use crate::clock::Stamp;
use crate::decoder::{Decoded, Fault};
use crate::dialogue::{Dialogue, Step};
use crate::driver::{Command, Driver};
use crate::tag_read::TagRead;
use crate::tcp::TcpOpener;
use crate::transport::Opener;

/// The notice of a reader that is set up and reads: from here on, silence means that there are no tags.
pub const READING: &str = "it reads";

/// How a fixed reader is to work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LlrpReaderConfig {
    /// Which antennas, from 1; none: all of them.
    pub antennas: Vec<u16>,
    /// Gen2's session, 0 to 3: see [`presence_work`].
    pub session: u8,
    /// About how many tags are before it.
    pub population: u16,
    /// No read for so long, in milliseconds, is worth a notice; `None`: silence is normal here.
    pub quiet_ms_max: Option<u64>,
    /// It sends EPCs as the text of their digits, as some firmware does.
    pub double_encoded_epc: bool,
}

impl Default for LlrpReaderConfig {
    fn default() -> Self {
        Self {
            antennas: Vec::new(),
            session: 1,
            population: 32,
            quiet_ms_max: Some(600_000),
            double_encoded_epc: false,
        }
    }
}

/// The driver of a fixed reader.
#[derive(Debug)]
pub struct LlrpReader {
    session: Arc<Mutex<Session>>,
}

impl LlrpReader {
    /// A driver for a reader with this configuration.
    #[must_use]
    pub fn new(config: &LlrpReaderConfig) -> Self {
        let work = presence_work(&config.antennas, config.session, config.population);
        // The pauses between attempts are the supervision's, so no jitter is needed here.
        let session = Session::new(Config {
            quiet_ms_max: config.quiet_ms_max,
            double_encoded_epc: config.double_encoded_epc,
            ..Config::new(work, 0)
        });
        Self {
            session: Arc::new(Mutex::new(session)),
        }
    }
}

impl Driver for LlrpReader {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(TcpOpener)
    }

    fn dialogue(&self) -> Box<dyn Dialogue> {
        Box::new(Talk {
            session: Arc::clone(&self.session),
            ready: false,
            deadline: None,
            steps: VecDeque::new(),
            effects: Vec::new(),
            why: None,
        })
    }
}

/// One connection.
struct Talk {
    session: Arc<Mutex<Session>>,
    /// Whether the ledger takes reads.
    ready: bool,
    deadline: Option<Mono>,
    steps: VecDeque<Step>,
    effects: Vec<Effect>,
    /// The last trouble, as the reason of a hang-up.
    why: Option<String>,
}

fn locked(session: &Mutex<Session>) -> MutexGuard<'_, Session> {
    session.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Talk {
    fn give(&mut self, now: Stamp, input: Input<'_>) {
        let wall_ms = now.wall_ms;
        let times = Now {
            mono: Mono(now.mono_us / 1_000),
            wall_us: u64::try_from(wall_ms).ok().map(|ms| ms * 1_000),
        };
        let mut reads = Vec::new();
        let mut sink = |read: &Read<'_>| reads.push(told(read, wall_ms));
        let mut effects = std::mem::take(&mut self.effects);
        locked(&self.session).handle(times, input, &mut effects, &mut sink);
        if !reads.is_empty() {
            self.item(Decoded::Tags(reads));
        }
        for effect in effects.drain(..) {
            self.follow(effect);
        }
        self.effects = effects;
    }

    fn follow(&mut self, effect: Effect) {
        match effect {
            Effect::Send(bytes) => self.steps.push_back(Step::Write(bytes)),
            Effect::SetTimer(at) => self.deadline = Some(at),
            Effect::Disconnect => {
                let why = self.why.take();
                let why = why.unwrap_or_else(|| "the reader ended the connection".into());
                self.steps.push_back(Step::Hangup(why));
            }
            Effect::State(State::Running) => self.item(Decoded::Notice(READING.into())),
            Effect::Gap(gap) => self.item(Decoded::Notice(gap_words(gap))),
            Effect::Trouble(trouble) => {
                let words = trouble_words(&trouble);
                self.item(Decoded::Notice(words.clone()));
                self.why = Some(words);
            }
            Effect::Connect | Effect::State(_) | Effect::Capabilities(_) | Effect::Gpi { .. } => {}
        }
    }

    fn item(&mut self, item: Decoded) {
        self.steps.push_back(Step::Item(item));
    }
}

impl Dialogue for Talk {
    fn opened(&mut self, now: Stamp) {
        self.give(now, Input::Connected);
    }

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
            Command::StartReading => {
                self.ready = true;
                self.give(now, Input::SinkReady);
            }
            Command::StopReading => self.give(now, Input::Stop),
            Command::Reset => self
                .steps
                .push_back(Step::Hangup("it is to begin anew".into())),
            _ => {}
        }
    }

    fn is_settled(&self) -> bool {
        matches!(
            locked(&self.session).state(),
            State::Holding | State::Running
        )
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

fn told(read: &Read<'_>, wall_ms: i64) -> TagRead {
    use shelf_codecs::llrp::Field;
    let report = &read.report;
    let dbm = report
        .has(Field::PeakRssi)
        .then(|| i16::from(report.peak_rssi_dbm));
    TagRead {
        epc: read.epc,
        antenna: report.antenna_id,
        rssi_centi_dbm: dbm.map(|it| it.saturating_mul(100)),
        count: report.seen_count.max(1),
        at_ms: read
            .at_us
            .and_then(|us| i64::try_from(us / 1_000).ok())
            .unwrap_or(wall_ms),
    }
}

fn gap_words(gap: Gap) -> String {
    match gap {
        Gap::BufferOverflow => {
            "reads are missing: its buffer was full while nobody fetched them".into()
        }
        Gap::NotReady { reads } => {
            format!("{reads} reads are missing: it can't hold them, and the ledger was not ready")
        }
        Gap::Unreadable { bytes } => {
            format!("reads are missing: {bytes} bytes of a report could not be read")
        }
    }
}

fn trouble_words(trouble: &Trouble) -> String {
    match trouble {
        Trouble::TakenByAnother => {
            "it belongs to another program, and only one can have it: stop that one, or restart the reader"
                .into()
        }
        Trouble::AnotherAttempted => "another program tried to take it over".into(),
        Trouble::ConnectionRefused => "it refuses the connection: restart the reader".into(),
        Trouble::Refused { step, code, words } => {
            format!("it refuses a step of its set-up ({step:?}, code {code}): {words}")
        }
        Trouble::NoAnswer => "it does not answer: is this the LLRP port of a reader?".into(),
        Trouble::Silent => "it fell silent: power, network, or the reader hangs".into(),
        Trouble::Exception(words) => format!("it reports a failure: {words}"),
        Trouble::AntennaGone(antenna) => format!("antenna {antenna} is unplugged or broken"),
        Trouble::AntennaBack(antenna) => format!("antenna {antenna} is back"),
        Trouble::BufferLevel(percent) => format!("its buffer is {percent} % full"),
        Trouble::NoReads => {
            "it works but has read no tag for long: look at antennas and power, or the shelf is empty"
                .into()
        }
        Trouble::ReadsAgain => READING.into(),
        Trouble::ClockJumped(us) => {
            format!("its clock jumped by {} s; times are taken anew", us / 1_000_000)
        }
        Trouble::NotLlrp(fault) => format!("what came is not LLRP: {}", fault.reason),
    }
}
