//! Serial ports (USB-CDC, USB-serial converters, RS-232, pseudo-terminals) as a [`Transport`]. The
//! `serialport` crate opens and configures them, with TIOCEXCL and flock so that two programs never
//! split one scanner's bytes; waiting is our own `poll`, together with the thread's wake handle and
//! without a timeout, because the crate's timed reads would wake the PC for nothing. A
//! pseudo-terminal accepts 7E1 and keeps 8N1, so the framing is never read back as a proof. TIOCEXCL
//! doesn't bind root, whose failed opening even clears it: between root programs only flock counts.

use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
pub use serialport::{DataBits, FlowControl, Parity, StopBits};
use serialport::{ErrorKind, TTYPort};

use crate::transport::{OpenError, Opener, ReadOutcome, Transport, WriteError, is_silence};
use crate::wake::{WakeFd, poll_for};

/// How long a write may wait for a device that takes no bytes, in milliseconds.
pub const WRITE_WAIT_MS_MAX: u64 = 1_000;

/// Line settings of a serial port. The default is 9600 8N1 without flow control, as scanners leave
/// the factory; a USB-CDC device ignores all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SerialSettings {
    /// Bits per second.
    pub baud: u32,
    /// Data bits: 7 or 8.
    pub data_bits: DataBits,
    /// Parity.
    pub parity: Parity,
    /// Stop bits.
    pub stop_bits: StopBits,
    /// Flow control.
    pub flow: FlowControl,
}

impl Default for SerialSettings {
    fn default() -> Self {
        Self {
            baud: 9600,
            data_bits: DataBits::Eight,
            parity: Parity::None,
            stop_bits: StopBits::One,
            flow: FlowControl::None,
        }
    }
}

/// Line settings that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` are no line settings: write for example 9600-8N1, 19200-7E1/rtscts or 115200-8N1/xonxoff"
)]
pub struct SettingsError(String);

impl FromStr for SerialSettings {
    type Err = SettingsError;

    /// Reads `BAUD-{7|8}{N|E|O}{1|2}` with `/rtscts` or `/xonxoff` behind it, as makers print it.
    fn from_str(text: &str) -> Result<Self, SettingsError> {
        let bad = || SettingsError(text.to_owned());
        let (line, flow) = match text.split_once('/') {
            None => (text, FlowControl::None),
            Some((line, "rtscts")) => (line, FlowControl::Hardware),
            Some((line, "xonxoff")) => (line, FlowControl::Software),
            Some(_) => return Err(bad()),
        };
        let (baud, framing) = line.split_once('-').ok_or_else(bad)?;
        let baud = baud.parse().ok().filter(|&b| b > 0).ok_or_else(bad)?;
        let [data, parity, stop] = <[u8; 3]>::try_from(framing.as_bytes()).map_err(|_| bad())?;
        Ok(Self {
            baud,
            data_bits: match data {
                b'7' => DataBits::Seven,
                b'8' => DataBits::Eight,
                _ => return Err(bad()),
            },
            parity: match parity {
                b'N' => Parity::None,
                b'E' => Parity::Even,
                b'O' => Parity::Odd,
                _ => return Err(bad()),
            },
            stop_bits: match stop {
                b'1' => StopBits::One,
                b'2' => StopBits::Two,
                _ => return Err(bad()),
            },
            flow,
        })
    }
}

/// Opens serial ports with fixed settings.
#[derive(Debug, Clone, Copy, Default)]
pub struct SerialOpener {
    settings: SerialSettings,
}

impl SerialOpener {
    /// An opener for ports with these settings.
    #[must_use]
    pub fn new(settings: SerialSettings) -> Self {
        Self { settings }
    }
}

impl Opener for SerialOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        let name = path.display().to_string();
        let s = self.settings;
        let builder = serialport::new(name.clone(), s.baud)
            .data_bits(s.data_bits)
            .parity(s.parity)
            .stop_bits(s.stop_bits)
            .flow_control(s.flow);
        let port = TTYPort::open(&builder).map_err(|e| open_error(path, name.clone(), &e))?;
        let port = SerialTransport {
            port,
            wake: Arc::clone(wake),
        };
        // serialport leaves the handle blocking; after our own poll a read must never block.
        rustix::fs::fcntl_getfl(&port)
            .and_then(|flags| rustix::fs::fcntl_setfl(&port, flags | OFlags::NONBLOCK))
            .map_err(|e| OpenError::Failed {
                path: name,
                reason: e.to_string(),
            })?;
        Ok(Box::new(port))
    }
}

fn open_error(path: &Path, name: String, error: &serialport::Error) -> OpenError {
    match error.kind() {
        ErrorKind::Io(std::io::ErrorKind::NotFound) => OpenError::Absent { path: name },
        ErrorKind::Io(std::io::ErrorKind::PermissionDenied) => OpenError::Denied { path: name },
        // The crate folds "held by another" (EBUSY, a lock refused) into NoDevice.
        ErrorKind::NoDevice => OpenError::Busy { path: name },
        _ if !path.exists() => OpenError::Absent { path: name },
        _ if is_silent(path) => OpenError::Silent {
            path: name,
            reason: error.to_string(),
        },
        _ => OpenError::Failed {
            path: name,
            reason: error.to_string(),
        },
    }
}

/// Whether the port is there and its device does not answer; the crate's error has lost the number.
fn is_silent(path: &Path) -> bool {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, flags, Mode::empty());
    opened.is_err_and(is_silence)
}

struct SerialTransport {
    port: TTYPort,
    wake: Arc<WakeFd>,
}

impl AsFd for SerialTransport {
    #[expect(
        unsafe_code,
        reason = "serialport lends its descriptor only as a number"
    )]
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: `port` owns the descriptor and closes it only when dropped; the returned borrow
        // has the lifetime of `&self`, so it can't outlive `port`.
        unsafe { BorrowedFd::borrow_raw(self.port.as_raw_fd()) }
    }
}

impl Drop for SerialTransport {
    fn drop(&mut self) {
        // Closing a real UART waits up to 30 s for bytes that a stuck flow control holds back; a
        // beep is not worth that. A device that is gone has nothing to flush.
        let _gone = rustix::termios::tcflush(&*self, rustix::termios::QueueSelector::OFlush);
    }
}

impl Transport for SerialTransport {
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome {
        let (ready, woken) = {
            let mut fds = [
                PollFd::new(&*self, PollFlags::IN),
                PollFd::new(&*self.wake, PollFlags::IN),
            ];
            match poll_for(&mut fds, deadline) {
                Ok(0) => return ReadOutcome::Idle,
                Ok(_) => (fds[0].revents(), !fds[1].revents().is_empty()),
                Err(Errno::INTR) => return ReadOutcome::Woken,
                Err(e) => return ReadOutcome::Gone(format!("waiting failed: {e}")),
            }
        };
        // Bytes first: a stop or a command must not overtake what the scanner has already sent.
        if ready.contains(PollFlags::IN) {
            match rustix::io::read(&*self, &mut *buf) {
                Ok(0) => return ReadOutcome::Gone("hung up".to_owned()),
                Ok(n) => return ReadOutcome::Bytes(n),
                Err(Errno::AGAIN | Errno::INTR) => {}
                Err(e) => return ReadOutcome::Gone(format!("reading failed: {e}")),
            }
        }
        if ready.intersects(PollFlags::HUP | PollFlags::ERR | PollFlags::NVAL) {
            return ReadOutcome::Gone("hung up".to_owned());
        }
        if woken {
            self.wake.clear();
        }
        ReadOutcome::Woken
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), WriteError> {
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::write(&*self, &bytes[written..]) {
                Ok(n) => written += n,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    let mut fds = [PollFd::new(&*self, PollFlags::OUT)];
                    let limit = Duration::from_millis(WRITE_WAIT_MS_MAX);
                    if let Ok(0) = poll_for(&mut fds, Some(limit)) {
                        return Err(WriteError::TimedOut {
                            written,
                            wanted: bytes.len(),
                            limit_ms: WRITE_WAIT_MS_MAX,
                        });
                    }
                    if fds[0].revents().intersects(PollFlags::HUP | PollFlags::ERR) {
                        return Err(WriteError::Gone("hung up while writing".to_owned()));
                    }
                }
                Err(e) => return Err(WriteError::Gone(e.to_string())),
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_settings_read_as_makers_print_them() {
        assert_eq!("9600-8N1".parse(), Ok(SerialSettings::default()));
        let odd: SerialSettings = "19200-7E2/rtscts".parse().unwrap();
        assert_eq!(
            (odd.baud, odd.data_bits, odd.parity),
            (19200, DataBits::Seven, Parity::Even)
        );
        assert_eq!(
            (odd.stop_bits, odd.flow),
            (StopBits::Two, FlowControl::Hardware)
        );
        for bad in [
            "",
            "9600",
            "0-8N1",
            "9600-9N1",
            "9600-8N",
            "9600-8X1",
            "9600-8N3",
            "9600-8N1/x",
        ] {
            let error = bad.parse::<SerialSettings>().unwrap_err().to_string();
            assert!(error.contains("9600-8N1, "), "{error}");
        }
    }

    #[test]
    fn what_is_no_terminal_is_no_scanner() {
        let dir = tempfile::tempdir().unwrap();
        let wake = Arc::new(WakeFd::new().unwrap());
        let open = |path: &Path| SerialOpener::default().open(path, &wake).err().unwrap();
        assert!(matches!(
            open(&dir.path().join("none")),
            OpenError::Absent { .. }
        ));
        assert!(matches!(
            open(Path::new("/dev/null")),
            OpenError::Failed { .. }
        ));
    }
}
