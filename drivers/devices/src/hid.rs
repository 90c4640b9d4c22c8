//! HID devices through hidapi as a [`Transport`]: one report per read, its id first where reports
//! are numbered. The kernel's ring holds 63 unread reports and then drops *new ones without a word*,
//! so a full run is told as [`ReadOutcome::Overrun`], and nothing here waits for anything but the
//! device. hidapi lends no descriptor to poll: the thread looks at its wake handle between waits,
//! often for a moment after a report (that is when a beep is wanted), else once a second.

use std::ffi::CString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use hidapi::{HidApi, HidDevice};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::transport::{OpenError, ReadOutcome, Transport, WriteError, is_silence};
use crate::wake::{WakeFd, poll_for};

/// Longest report that is read, in bytes.
pub const REPORT_BYTES_MAX: usize = 4096;
/// Unread reports that the kernel keeps for one handle.
pub const RING_REPORTS_MAX: u32 = 63;
/// Longest wait before the wake handle is looked at, in milliseconds: the one idle wake-up per
/// second that a HID device costs.
pub const WAIT_MS_MAX: u64 = 1_000;
/// The same while feedback for a report may be on its way.
const FEEDBACK_WAIT_MS: u64 = 20;
/// For so many waits after a report.
const FEEDBACK_WAITS: u32 = 25;

/// What is sent to a device when it has been opened.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HidOpening {
    /// Feature reports, id first. A device that refuses one doesn't know it and is opened all the
    /// same.
    pub feature_reports: Vec<Vec<u8>>,
    /// Output reports, id first (0 where reports are not numbered). A device that refuses one can't
    /// be used.
    pub output_reports: Vec<Vec<u8>>,
}

/// Opens a `hidraw` node and sends what opening takes.
pub fn open(
    path: &Path,
    wake: &Arc<WakeFd>,
    opening: &HidOpening,
) -> Result<Box<dyn Transport>, OpenError> {
    let failed = |reason: String| OpenError::Failed {
        path: path.display().to_string(),
        reason,
    };
    let name = path
        .to_str()
        .and_then(|it| CString::new(it).ok())
        .ok_or_else(|| failed("its name is no text".to_owned()))?;
    let api = HidApi::new().map_err(|e| failed(e.to_string()))?;
    let device = api
        .open_path(&name)
        .map_err(|e| why_not(path, &e.to_string()))?;
    for report in &opening.feature_reports {
        if let Err(error) = device.send_feature_report(report) {
            tracing::debug!(path = %path.display(), %error, "the device does not know a feature report");
        }
    }
    for report in &opening.output_reports {
        device
            .write(report)
            .map_err(|e| failed(format!("it refused to be enabled: {e}")))?;
    }
    Ok(Box::new(HidTransport {
        device,
        wake: Arc::clone(wake),
        feedback_waits: 0,
        unread: Unread::default(),
    }))
}

/// hidapi says in words what the system said as a number; the number is asked for again.
fn why_not(path: &Path, words: &str) -> OpenError {
    let path_text = path.display().to_string();
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
    match rustix::fs::open(path.as_os_str().as_bytes(), flags, Mode::empty()) {
        Err(Errno::NOENT | Errno::NODEV | Errno::NXIO) => OpenError::Absent { path: path_text },
        Err(Errno::ACCESS | Errno::PERM) => OpenError::Denied { path: path_text },
        Err(Errno::BUSY) => OpenError::Busy { path: path_text },
        Err(error) if is_silence(error) => OpenError::Silent {
            path: path_text,
            reason: words.to_owned(),
        },
        _ => OpenError::Failed {
            path: path_text,
            reason: words.to_owned(),
        },
    }
}

struct HidTransport {
    device: HidDevice,
    wake: Arc<WakeFd>,
    /// Short waits left.
    feedback_waits: u32,
    unread: Unread,
}

/// How many reports were read in a row that may all have been in the kernel's ring at once: the one that
/// ended a wait, because the thread may have woken late, and those that were there without one.
#[derive(Debug, Default)]
struct Unread(u32);

impl Unread {
    fn report(&mut self, waited: bool) {
        self.0 = if waited { 1 } else { self.0 + 1 };
    }

    fn nothing(&mut self) {
        self.0 = 0;
    }

    /// Whether the ring may have been full; told once for each full ring.
    fn take_full(&mut self) -> bool {
        let full = self.0 >= RING_REPORTS_MAX;
        if full {
            self.0 = 0;
        }
        full
    }
}

impl HidTransport {
    /// Takes the wake signal if there is one.
    fn woken(&self) -> bool {
        let mut fds = [PollFd::new(&*self.wake, PollFlags::IN)];
        let woken = matches!(poll_for(&mut fds, Some(Duration::ZERO)), Ok(1..));
        if woken {
            self.wake.clear();
        }
        woken
    }

    fn next_wait_ms(&mut self, left_ms: Option<u64>) -> u64 {
        let usual = if self.feedback_waits > 0 {
            self.feedback_waits -= 1;
            FEEDBACK_WAIT_MS
        } else {
            WAIT_MS_MAX
        };
        left_ms.map_or(usual, |left| left.min(usual))
    }
}

impl Transport for HidTransport {
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome {
        if self.unread.take_full() {
            return ReadOutcome::Overrun;
        }
        let mut left_ms = deadline.map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX));
        let mut wait_ms = 0;
        loop {
            let limit = i32::try_from(wait_ms).unwrap_or(i32::MAX);
            match self.device.read_timeout(&mut *buf, limit) {
                Ok(0) => self.unread.nothing(),
                Ok(n) => {
                    self.unread.report(wait_ms > 0);
                    self.feedback_waits = FEEDBACK_WAITS;
                    return ReadOutcome::Bytes(n);
                }
                Err(e) => return ReadOutcome::Gone(e.to_string()),
            }
            if self.woken() {
                return ReadOutcome::Woken;
            }
            if let Some(left) = &mut left_ms {
                *left = left.saturating_sub(wait_ms);
                if *left == 0 {
                    return ReadOutcome::Idle;
                }
            }
            wait_ms = self.next_wait_ms(left_ms);
        }
    }

    /// One output report, its id first. The kernel gives up after 5 s.
    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        // A device that is gone is noticed by the next read; a report that it doesn't take is no
        // reason to close it.
        self.device
            .write(bytes)
            .map(|_| ())
            .map_err(|e| WriteError::Refused(e.to_string()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_ring_is_told_also_when_its_first_report_ended_a_wait() {
        let told = |waited: bool, count: u32| {
            let mut unread = Unread::default();
            unread.report(waited);
            (1..count).for_each(|_| unread.report(false));
            unread.take_full()
        };
        for waited in [true, false] {
            assert!(told(waited, RING_REPORTS_MAX));
            assert!(!told(waited, RING_REPORTS_MAX - 1));
        }
        let mut unread = Unread::default();
        (0..RING_REPORTS_MAX).for_each(|_| unread.report(false));
        assert!(unread.take_full() && !unread.take_full());
        unread.report(false);
        unread.nothing();
        (1..RING_REPORTS_MAX).for_each(|_| unread.report(false));
        assert!(!unread.take_full());
    }
}
