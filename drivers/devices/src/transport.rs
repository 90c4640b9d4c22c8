//! What a device thread needs of a byte stream, whatever carries it: a blocking read that can be
//! woken, and a write: `serial`, `hid`, `keyboard`, `tcp` and `ccid` implement it. A transport never
//! interprets bytes and never retries an opening by itself.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustix::io::Errno;

use crate::wake::WakeFd;

/// How a [`Transport::read`] ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadOutcome {
    /// This many bytes (at least one) are at the start of the buffer.
    Bytes(usize),
    /// The deadline passed without a byte.
    Idle,
    /// The thread's [`WakeFd`] was signalled; the signal has been taken.
    Woken,
    /// The kernel may have dropped what came after the last bytes, because nobody read in time.
    Overrun,
    /// The device is gone (unplugged, hung up, broken); the handle must be dropped at once, because
    /// a node kept open makes the kernel give the returning device another name.
    Gone(String),
}

/// An open device. Owned by one thread; dropping it closes the device.
pub trait Transport: Send {
    /// Waits for bytes at most `deadline` (`None`: for ever, no wake-ups) and reads what is there.
    ///
    /// Never returns `Bytes(0)`: the end of a stream is `Gone`, or an unplugged device would be
    /// read in a circle for ever.
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome;

    /// Writes all bytes or says why not; bounded in time by the implementation.
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError>;
}

/// Opens the device that discovery found for a binding.
pub trait Opener: Send {
    /// Opens the device node at `path`; `wake` must end every blocking read of the result.
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError>;
}

/// Why a device could not be opened.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no such device now.
    #[error("no such device: {path}; check the cable and the selector in the configuration")]
    Absent {
        /// The device node.
        path: String,
    },
    /// Another process holds the device.
    #[error("{path} is held by another program; close it, or ask `fuser {path}` which one it is")]
    Busy {
        /// The device node.
        path: String,
    },
    /// The permissions of the node don't let us in.
    #[error("no permission to open {path}; the service's user must be in the node's group")]
    Denied {
        /// The device node.
        path: String,
    },
    /// It is there and does not answer, as one that hangs.
    #[error("{path} does not answer: {reason}")]
    Silent {
        /// The device node.
        path: String,
        /// The system's words.
        reason: String,
    },
    /// Anything else: not a terminal, settings refused, out of descriptors.
    #[error("cannot open {path}: {reason}")]
    Failed {
        /// The device node.
        path: String,
        /// The system's words.
        reason: String,
    },
}

/// Why bytes did not go out to a device.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The device takes no bytes (flow control, a full buffer) within the time allowed.
    #[error("the device took only {written} of {wanted} bytes within {limit_ms} ms")]
    TimedOut {
        /// Bytes taken.
        written: usize,
        /// Bytes offered.
        wanted: usize,
        /// The limit, in milliseconds.
        limit_ms: u64,
    },
    /// The device is there and doesn't take this.
    #[error("the device refused it: {0}")]
    Refused(String),
    /// The device is gone.
    #[error("the device is gone: {0}")]
    Gone(String),
}

/// Whether an error of the system is that of a device which is there and does not answer.
pub(crate) fn is_silence(error: Errno) -> bool {
    matches!(
        error,
        Errno::IO | Errno::PROTO | Errno::TIMEDOUT | Errno::PIPE | Errno::TIME | Errno::ILSEQ
    )
}
