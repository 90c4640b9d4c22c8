//! A serial barcode scanner on a pseudo-terminal: what the device layer opens is a real tty of the
//! kernel, reached through a symlink that stays the same over "unplugging". It keeps a record of
//! every scan it showed, so that a run can be audited: shown here, found in the hub, or lost. It
//! proves protocol and supervision, never line settings: a pseudo-terminal accepts 7E1 and keeps 8N1.

use std::io;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{OptionalActions, tcgetattr, tcsetattr};

/// How long one write may wait for a host that doesn't read, in seconds.
pub const HOST_WAIT_S_MAX: u64 = 30;
/// Length of the overlong line of [`ScanFault::EndlessLine`], in bytes.
pub const ENDLESS_LINE_BYTES: usize = 2 * 1024 * 1024;

/// What the simulated scanner puts around a code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Framing {
    /// Before every code: STX, an AIM identifier, a maker's code id; may be empty.
    pub prefix: Vec<u8>,
    /// After every code: CR as scanners leave the factory, or CRLF, TAB, ETX, nothing.
    pub terminator: Vec<u8>,
}

impl Default for Framing {
    fn default() -> Self {
        Self {
            prefix: Vec::new(),
            terminator: b"\r".to_vec(),
        }
    }
}

/// How a scan goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ScanFault {
    /// Only this many bytes of the frame get out: a pulled cable does this.
    Torn(usize),
    /// The terminator is missing.
    NoTerminator,
    /// The frame arrives in writes of one byte each.
    ByteByByte,
    /// This many bytes of noise go before the frame; the number after it is the noise's seed.
    Noise(usize, u64),
    /// [`ENDLESS_LINE_BYTES`] of printable bytes without a terminator go before the frame.
    EndlessLine,
}

/// A scanner on a pseudo-terminal.
#[derive(Debug)]
pub struct PtyScanner {
    link: PathBuf,
    framing: Framing,
    plugged: Option<Pty>,
    shown: Vec<String>,
}

#[derive(Debug)]
struct Pty {
    master: OwnedFd,
    /// Our own handle on the host's side: keeps the pair alive while no host has it open.
    _slave: OwnedFd,
}

impl PtyScanner {
    /// Plugs a scanner in; the host opens it at `link`, whose directory must exist.
    pub fn plug(link: impl Into<PathBuf>, framing: Framing) -> io::Result<Self> {
        let mut scanner = Self {
            link: link.into(),
            framing,
            plugged: None,
            shown: Vec::new(),
        };
        scanner.replug()?;
        Ok(scanner)
    }

    /// Where the host opens it; the same after every re-plug.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.link
    }

    /// Changes prefix and terminator, as a configuration barcode would.
    pub fn set_framing(&mut self, framing: Framing) {
        self.framing = framing;
    }

    /// Reads a code: sends it framed and records it as shown. An error means that not all of it went
    /// out; it is then not recorded.
    pub fn scan(&mut self, code: &str) -> io::Result<()> {
        let frame = self.frame(code);
        self.send(&frame)?;
        self.shown.push(code.to_owned());
        Ok(())
    }

    /// Reads a code and lets it go wrong. Recorded as shown only if all of its bytes went out.
    pub fn scan_with_fault(&mut self, code: &str, fault: &ScanFault) -> io::Result<()> {
        let frame = self.frame(code);
        match fault {
            ScanFault::Torn(sent) => return self.send(&frame[..(*sent).min(frame.len())]),
            ScanFault::NoTerminator => {
                let keep = frame.len() - self.framing.terminator.len();
                self.send(&frame[..keep])?;
            }
            ScanFault::ByteByByte => self.send_raw(&frame, &vec![1; frame.len()])?,
            ScanFault::Noise(length, seed) => {
                self.send(&noise(*length, *seed))?;
                self.send(&frame)?;
            }
            ScanFault::EndlessLine => {
                self.send(&vec![b'A'; ENDLESS_LINE_BYTES])?;
                self.send(&frame)?;
            }
        }
        self.shown.push(code.to_owned());
        Ok(())
    }

    /// Sends bytes as they are, in writes of the lengths given; what is left goes in one last write.
    /// Recorded nowhere.
    pub fn send_raw(&mut self, bytes: &[u8], fragments: &[usize]) -> io::Result<()> {
        let mut rest = bytes;
        for &length in fragments {
            let (now, later) = rest.split_at(length.min(rest.len()));
            self.send(now)?;
            rest = later;
        }
        self.send(rest)
    }

    /// Every code shown so far, oldest first.
    #[must_use]
    pub fn shown(&self) -> &[String] {
        &self.shown
    }

    /// What the host has written (beeps), waiting until at least `bytes` came or `limit` passed
    /// without one more.
    pub fn host_wrote(&mut self, bytes: usize, limit: Duration) -> io::Result<Vec<u8>> {
        let master = &self.pty()?.master;
        let mut got = Vec::new();
        let mut buf = [0u8; 512];
        while got.len() < bytes && wait(master, PollFlags::IN, limit)? {
            let n = rustix::io::read(master, &mut buf)?;
            got.extend_from_slice(&buf[..n]);
        }
        Ok(got)
    }

    /// Whether the host takes bytes now: a host that is gone, or doesn't read, does not.
    #[must_use]
    pub fn takes_bytes(&self) -> bool {
        let ready = self
            .pty()
            .and_then(|it| wait(&it.master, PollFlags::OUT, Duration::ZERO));
        ready.unwrap_or(false)
    }

    /// Pulls the cable: the host's handle is hung up and the node disappears. What the host has not
    /// yet read is lost, as with a real cable.
    pub fn hang_up(&mut self) {
        // The link goes first: the kernel gives the number of a closed pair to the next one, and
        // the host must not open somebody else's.
        self.unlink();
        self.plugged = None;
    }

    fn unlink(&self) {
        // Nothing can be done about a link that can't be removed; a later plug replaces it.
        let _left_behind = std::fs::remove_file(&self.link);
    }

    /// Plugs it in again: a new pseudo-terminal under the same path.
    pub fn replug(&mut self) -> io::Result<()> {
        self.hang_up();
        let (pty, node) = open_pair()?;
        // Renamed into place, so that a host never sees the path without a link.
        let fresh = self.link.with_extension("new");
        match std::fs::remove_file(&fresh) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        std::os::unix::fs::symlink(node, &fresh)?;
        std::fs::rename(&fresh, &self.link)?;
        self.plugged = Some(pty);
        Ok(())
    }

    /// Whether it is plugged in.
    #[must_use]
    pub fn is_plugged(&self) -> bool {
        self.plugged.is_some()
    }

    fn frame(&self, code: &str) -> Vec<u8> {
        [
            &self.framing.prefix,
            code.as_bytes(),
            &self.framing.terminator,
        ]
        .concat()
    }

    fn pty(&self) -> io::Result<&Pty> {
        self.plugged
            .as_ref()
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotConnected, "the scanner is unplugged"))
    }

    fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        let master = &self.pty()?.master;
        let mut rest = bytes;
        while !rest.is_empty() {
            match rustix::io::write(master, rest) {
                Ok(n) => rest = &rest[n..],
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => {
                    if !wait(master, PollFlags::OUT, Duration::from_secs(HOST_WAIT_S_MAX))? {
                        return Err(io::Error::new(
                            io::ErrorKind::TimedOut,
                            "the host does not read from the scanner",
                        ));
                    }
                }
                Err(e) => return Err(e.into()),
            }
        }
        Ok(())
    }
}

impl Drop for PtyScanner {
    fn drop(&mut self) {
        self.unlink();
    }
}

fn open_pair() -> io::Result<(Pty, PathBuf)> {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC)?;
    grantpt(&master)?;
    unlockpt(&master)?;
    let node = ptsname(&master, Vec::new())?;
    let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
    let slave = rustix::fs::open(&node, flags, Mode::empty())?;
    // Raw from the start: bytes sent before the host opens must not be echoed or edited.
    let mut termios = tcgetattr(&slave)?;
    termios.make_raw();
    tcsetattr(&slave, OptionalActions::Now, &termios)?;
    let status = rustix::fs::fcntl_getfl(&master)?;
    rustix::fs::fcntl_setfl(&master, status | OFlags::NONBLOCK)?;
    let node = PathBuf::from(node.to_string_lossy().into_owned());
    Ok((
        Pty {
            master,
            _slave: slave,
        },
        node,
    ))
}

/// Waits until `fd` is ready; `false` when `limit` passed first.
fn wait(fd: &OwnedFd, what: PollFlags, limit: Duration) -> io::Result<bool> {
    let spec = Timespec::try_from(limit).ok();
    loop {
        let mut fds = [PollFd::new(fd, what)];
        match poll(&mut fds, spec.as_ref()) {
            Ok(n) => return Ok(n > 0),
            Err(Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
}

/// Bytes of line noise, the same for the same seed: any value but the usual terminators, so that
/// the frame behind it is what ends it.
fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    (0..length)
        .map(|_| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            match state.to_be_bytes()[0] {
                0x03 | 0x09 | 0x0a | 0x0d => 0xff,
                other => other,
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugged() -> (tempfile::TempDir, PtyScanner) {
        let dir = tempfile::tempdir().unwrap();
        let scanner = PtyScanner::plug(dir.path().join("scanner"), Framing::default()).unwrap();
        (dir, scanner)
    }

    fn read_some(node: &OwnedFd, bytes: usize) -> Vec<u8> {
        let mut got = Vec::new();
        let mut buf = [0u8; 256];
        while got.len() < bytes {
            assert!(
                wait(node, PollFlags::IN, Duration::from_secs(10)).unwrap(),
                "nothing came"
            );
            let n = rustix::io::read(node, &mut buf).unwrap();
            got.extend_from_slice(&buf[..n]);
        }
        got
    }

    fn host(scanner: &PtyScanner) -> OwnedFd {
        rustix::fs::open(scanner.path(), OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap()
    }

    #[test]
    fn a_scan_arrives_raw_and_is_recorded_and_the_host_can_beep() {
        let (_dir, mut scanner) = plugged();
        let node = host(&scanner);
        scanner.scan("4006381333931").unwrap();
        assert_eq!(read_some(&node, 14), b"4006381333931\r");
        rustix::io::write(&node, b"\x07\n").unwrap();
        assert_eq!(
            scanner.host_wrote(2, Duration::from_secs(10)).unwrap(),
            b"\x07\n"
        );
        assert_eq!(scanner.shown(), ["4006381333931"]);
    }

    #[test]
    fn pulling_the_cable_hangs_the_host_up_and_the_path_works_again_after_a_replug() {
        let (_dir, mut scanner) = plugged();
        let node = host(&scanner);
        scanner.hang_up();
        assert_eq!(rustix::io::read(&node, &mut [0u8; 8]).unwrap(), 0);
        assert!(scanner.scan("1").is_err() && scanner.shown().is_empty());
        scanner.replug().unwrap();
        let node = host(&scanner);
        scanner
            .scan_with_fault("77", &ScanFault::ByteByByte)
            .unwrap();
        assert_eq!(read_some(&node, 3), b"77\r");
    }

    #[test]
    fn a_torn_scan_was_not_shown() {
        let (_dir, mut scanner) = plugged();
        let node = host(&scanner);
        scanner
            .scan_with_fault("12345", &ScanFault::Torn(3))
            .unwrap();
        assert_eq!(read_some(&node, 3), b"123");
        assert!(scanner.shown().is_empty());
    }

    #[test]
    fn noise_is_repeatable_and_ends_no_line() {
        assert_eq!(noise(500, 3), noise(500, 3));
        assert!(!noise(5000, 9).contains(&b'\r'));
    }
}
