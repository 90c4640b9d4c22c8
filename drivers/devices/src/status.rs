//! What can be asked about a device at any time: its state, its counters, its last frames. Written by
//! the device's thread, read by the page and `/metrics`; a reader never delays a scan noticeably,
//! because it copies under the lock and formats outside.

use std::fmt;

use crate::clock::Stamp;
use crate::journal::{Journal, JournalEntry};

/// The state of a device.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum DeviceState {
    /// Not plugged in, or not to be told apart from another; the words say which.
    Absent(String),
    /// Being opened.
    #[default]
    Opening,
    /// Open and listening.
    Ready,
    /// Held by another process.
    Busy,
    /// The node's permissions don't let us in.
    Denied,
    /// It was there and failed; the words say how. Opened again after a while.
    Lost(String),
    /// Stopped on purpose.
    Stopped,
}

impl fmt::Display for DeviceState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent(why) => write!(f, "absent: {why}"),
            Self::Opening => f.write_str("opening"),
            Self::Ready => f.write_str("ready"),
            Self::Busy => f.write_str("held by another program"),
            Self::Denied => f.write_str("no permission"),
            Self::Lost(why) => write!(f, "lost: {why}"),
            Self::Stopped => f.write_str("stopped"),
        }
    }
}

/// Counts since the start of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counters {
    /// Complete scans.
    pub frames: u64,
    /// Faults.
    pub faults: u64,
    /// Bytes read.
    pub bytes_in: u64,
    /// Bytes written.
    pub bytes_out: u64,
    /// Waits for the device that ended, for whatever reason: idle wake-ups show here.
    pub reads: u64,
    /// Attempts to open.
    pub opens: u64,
    /// Successful openings after the first.
    pub reopens: u64,
    /// Times the driver panicked.
    pub panics: u64,
    /// Times reading stopped because the daemon was behind and the buffer full.
    pub stalls: u64,
    /// Most bytes ever held back in the device's buffer.
    pub spilled_bytes_peak: u64,
    /// Commands that did not reach the device.
    pub commands_failed: u64,
    /// Scans that did not reach the POS that they are passed on to.
    pub relays_failed: u64,
    /// Times that it hung and its USB unit was reset.
    pub resets: u64,
}

/// A copy of a device's status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceStatus {
    /// The configured name.
    pub name: String,
    /// The node it is bound to now, if any.
    pub node: Option<String>,
    /// Bound to a unit of the same model in another port than configured.
    pub moved: bool,
    /// Its state.
    pub state: DeviceState,
    /// When it last sent anything.
    pub last_data: Option<Stamp>,
    /// What it last wanted people to know, in words; `None` since it was opened anew.
    pub notice: Option<String>,
    /// A scanner that was told not to scan, because nobody can take a scan now.
    pub is_disabled: bool,
    /// Counts.
    pub counters: Counters,
    /// The last frames, oldest first.
    pub journal: Vec<JournalEntry>,
}

/// What the thread keeps under its lock.
#[derive(Debug, Default)]
pub(crate) struct Live {
    pub(crate) state: DeviceState,
    pub(crate) last_data: Option<Stamp>,
    pub(crate) notice: Option<String>,
    pub(crate) is_disabled: bool,
    pub(crate) counters: Counters,
    pub(crate) journal: Journal,
}
