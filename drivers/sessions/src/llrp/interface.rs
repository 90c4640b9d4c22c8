//! What goes into the machine, what comes out, and what can be configured.

use shelf_codecs::epc::EpcBytes;
use shelf_codecs::llrp::{Capabilities, FrameFault, ReportContent, RoSpec, TagReport};

use super::clock::TimeSource;
use crate::time::Mono;

/// The times of an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// For waiting.
    pub mono: Mono,
    /// Microseconds since 1970 by the PC's clock, if that is trusted.
    pub wall_us: Option<u64>,
}

/// Settings of one reader. Times are in milliseconds.
#[derive(Clone, Debug)]
pub struct Config {
    /// Our work for the reader: endless, with a report for each tag. With id 0 (best) it gets an id that says
    /// what the work is, so that it is known again and older work of ours is taken away; with another id it
    /// is known again only where the reader gives it back word for word.
    pub ro_spec: RoSpec,
    /// Time between the reader's keep-alives.
    pub keepalive_ms: u32,
    /// So many of these without any byte, and the reader counts as dead.
    pub dead_after_intervals: u32,
    /// From a question to its answer; also for connecting and for the reader's greeting.
    pub reply_ms_max: u64,
    /// First and last pause between attempts to connect.
    pub retry_ms: (u64, u64),
    /// The same where the reader belongs to another client or refuses our work: people must help.
    pub refused_retry_ms: (u64, u64),
    /// Decides the jitter of the pauses.
    pub seed: u64,
    /// No read for so long while running is worth an alarm; `None`: silence is normal here.
    pub quiet_ms_max: Option<u64>,
    /// Ask for reports this often, for a report trigger that strands the last tags.
    pub report_poll_ms: Option<u64>,
    /// The reader sends EPCs as the text of their hexadecimal digits.
    pub double_encoded_epc: bool,
}

impl Config {
    /// The defaults: keep-alive 10 s, dead after 3, answers within 10 s, retry from 1 s to 60 s, where
    /// refused from 30 s to 5 min, alarm after 10 quiet minutes.
    #[must_use]
    pub fn new(ro_spec: RoSpec, seed: u64) -> Config {
        Config {
            ro_spec,
            keepalive_ms: 10_000,
            dead_after_intervals: 3,
            reply_ms_max: 10_000,
            retry_ms: (1_000, 60_000),
            refused_retry_ms: (30_000, 300_000),
            seed,
            quiet_ms_max: Some(600_000),
            report_poll_ms: None,
            double_encoded_epc: false,
        }
    }

    pub(super) fn content(&self) -> ReportContent {
        let report = self.ro_spec.report.as_ref();
        report.map_or(ReportContent::default(), |report| report.content)
    }

    pub(super) fn dead_after_ms(&self) -> u64 {
        u64::from(self.keepalive_ms) * u64::from(self.dead_after_intervals.max(1))
    }
}

/// What happened outside.
#[derive(Clone, Copy, Debug)]
pub enum Input<'a> {
    /// Begin: connect, and stay connected until [`Input::Stop`].
    Start,
    /// The connection asked for is there.
    Connected,
    /// The connection could not be made, or is gone.
    Disconnected,
    /// Bytes from the reader.
    Bytes(&'a [u8]),
    /// The time of [`Effect::SetTimer`] has come.
    Tick,
    /// Reads can be made durable: the reader may let go what it holds.
    SinkReady,
    /// Leave the reader in order; it goes on gathering if it can hold reports.
    Stop,
}

/// Where the session is; what a page shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Not begun, or ended.
    Stopped,
    /// Between two attempts.
    Waiting,
    /// Connecting, or connected and not greeted yet.
    Connecting,
    /// Asking and setting up.
    SettingUp,
    /// Set up; the ledger isn't ready, the reader holds its reports.
    Holding,
    /// Reading.
    Running,
    /// Saying good-bye.
    Closing,
}

/// A step of the set-up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SetupStep {
    /// What can it do?
    Capabilities,
    /// What work has it?
    GetSpecs,
    /// Stop our old work.
    Disable,
    /// Take our old work away.
    Delete,
    /// Events, keep-alive, holding.
    Configure,
    /// Our work.
    Add,
    /// Let it be started.
    Enable,
    /// Start it.
    Start,
}

/// Why reads are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gap {
    /// The reader's buffer was full and it dropped reports.
    BufferOverflow,
    /// The reader sent reads before the ledger was ready, and could not hold them.
    NotReady {
        /// How many.
        reads: u64,
    },
    /// Bytes of a report could not be read.
    Unreadable {
        /// How many.
        bytes: usize,
    },
}

/// Something people should know. The same may be told again with each attempt to connect.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Another client has the reader. Only one can.
    TakenByAnother,
    /// Somebody else tried to connect to our reader.
    AnotherAttempted,
    /// The reader refused the connection.
    ConnectionRefused,
    /// The reader refused a step of the set-up, in its words.
    Refused {
        /// Which step.
        step: SetupStep,
        /// The status code.
        code: u16,
        /// The reader's words.
        words: String,
    },
    /// No answer in time.
    NoAnswer,
    /// Nothing came for several keep-alives.
    Silent,
    /// The reader reports a failure of its own, in its words.
    Exception(String),
    /// An antenna was unplugged or broke.
    AntennaGone(u16),
    /// It is back.
    AntennaBack(u16),
    /// The report buffer is so full, in per cent.
    BufferLevel(u8),
    /// No tag was read for long though the reader works: antennas, power, or an empty shelf.
    NoReads,
    /// Tags are read again after [`Trouble::NoReads`].
    ReadsAgain,
    /// The reader's clock jumped by so many microseconds; reads are timed anew from here.
    ClockJumped(i64),
    /// What came is not LLRP.
    NotLlrp(FrameFault),
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Open a connection; answer with [`Input::Connected`] or [`Input::Disconnected`].
    Connect,
    /// Close the connection.
    Disconnect,
    /// Write these bytes.
    Send(Vec<u8>),
    /// Call [`Input::Tick`] at this time; replaces an earlier one.
    SetTimer(Mono),
    /// The state changed.
    State(State),
    /// What the reader can do.
    Capabilities(Box<Capabilities>),
    /// Reads are missing.
    Gap(Gap),
    /// People should know.
    Trouble(Trouble),
    /// An input of the reader changed.
    Gpi {
        /// Which one.
        port: u16,
        /// Its level.
        high: bool,
    },
}

/// One read as it reaches the shell. A field of the report that [`TagReport::has`] not is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TagRead<'a> {
    /// The EPC's whole bytes.
    pub epc: EpcBytes,
    /// The report, with fields that the reader left out because they did not change.
    pub report: TagReport<'a>,
    /// When the tag was last seen, in microseconds since 1970 by the PC's clock; `None` without one.
    pub at_us: Option<u64>,
    /// How `at_us` came about.
    pub time_source: TimeSource,
}

/// Takes reads.
pub trait ReadSink {
    /// One read. Called many thousand times in a second.
    fn read(&mut self, read: &TagRead<'_>);
}

impl<F: FnMut(&TagRead<'_>)> ReadSink for F {
    fn read(&mut self, read: &TagRead<'_>) {
        self(read);
    }
}
