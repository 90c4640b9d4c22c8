//! Keyboards through evdev as a [`Transport`]: every event node of a unit at once, grabbed so that
//! nobody else sees the keys, or read beside whoever does. Reads hand out [`KeyRecord`]s. Opening
//! waits until no key is down (a grab in the middle of a press leaves the console with a stuck key)
//! and marks a scan that was under way as damaged, because its first half went to the window.

use std::collections::BTreeSet;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use evdev::raw_stream::RawDevice;
use evdev::{EventType, InputEvent, LedCode, SynchronizationCode};
use rustix::event::{PollFd, PollFlags};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::config::Share;
use crate::relay::{RelayTo, VirtualKeyboard};
use crate::sysfs::Sysfs;
use crate::transport::{OpenError, Opener, ReadOutcome, Transport, WriteError, is_silence};
use crate::wake::{WakeFd, poll_for};

/// Event nodes that one unit may have.
pub const NODES_MAX: usize = 8;
/// How long opening waits for keys to be let go, in milliseconds.
pub const KEYS_UP_WAIT_MS_MAX: u64 = 1_000;
/// How often it looks, in milliseconds.
const KEYS_UP_LOOK_MS: u64 = 20;

/// What happened at a keyboard, as the transport hands it to the decoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyRecord {
    /// A key went down or up.
    Key {
        /// Linux input event code (`KEY_*`).
        code: u16,
        /// Down or up.
        pressed: bool,
    },
    /// Caps Lock is on or off, as the unit's light says.
    CapsLock(bool),
    /// Keys were lost.
    Lost,
}

/// Bytes of one record.
pub const RECORD_BYTES: usize = 4;

impl KeyRecord {
    /// As bytes: kind, value, code with its low byte first.
    #[must_use]
    pub fn to_bytes(self) -> [u8; RECORD_BYTES] {
        match self {
            Self::Key { code, pressed } => {
                let [low, high] = code.to_le_bytes();
                [0, u8::from(pressed), low, high]
            }
            Self::CapsLock(on) => [1, u8::from(on), 0, 0],
            Self::Lost => [2, 0, 0, 0],
        }
    }

    /// Back from bytes; `None` for a kind that doesn't exist.
    #[must_use]
    pub fn from_bytes([kind, value, low, high]: [u8; RECORD_BYTES]) -> Option<Self> {
        match kind {
            0 => Some(Self::Key {
                code: u16::from_le_bytes([low, high]),
                pressed: value != 0,
            }),
            1 => Some(Self::CapsLock(value != 0)),
            2 => Some(Self::Lost),
            _ => None,
        }
    }
}

/// Opens all event nodes of a unit.
#[derive(Debug, Clone)]
pub struct KeyboardOpener {
    sysfs: Sysfs,
    share: Share,
}

impl KeyboardOpener {
    /// An opener that finds the nodes of a unit in this sysfs and shares them so.
    #[must_use]
    pub fn new(sysfs: Sysfs, share: Share) -> Self {
        Self { sysfs, share }
    }
}

impl Opener for KeyboardOpener {
    fn open(&mut self, path: &Path, wake: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        let node = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let mut nodes = self.sysfs.event_nodes_beside(&node);
        nodes.truncate(NODES_MAX);
        let mut devices = Vec::with_capacity(nodes.len());
        for node in &nodes {
            devices.push(open_node(node)?);
        }
        let exclusive = self.share != Share::Shared;
        if exclusive {
            wait_keys_up(&devices, path)?;
            for (device, node) in devices.iter_mut().zip(&nodes) {
                device.grab().map_err(|e| open_error(node, &e))?;
            }
        }
        let mut leading = Vec::new();
        if devices
            .iter_mut()
            .map(typed_meanwhile)
            .fold(false, |a, b| a | b)
        {
            leading.push(KeyRecord::Lost);
        }
        let caps_lock = |device: &RawDevice| {
            let lights = device.get_led_state();
            lights.is_ok_and(|it| it.contains(LedCode::LED_CAPSL))
        };
        if devices.iter().any(caps_lock) {
            leading.push(KeyRecord::CapsLock(true));
        }
        let typist = match &self.share {
            Share::Relay(RelayTo::Keyboard(_)) => Some(VirtualKeyboard::new()?),
            _ => None,
        };
        Ok(Box::new(KeyboardTransport {
            devices,
            wake: Arc::clone(wake),
            ready: leading,
            lost: false,
            typist,
        }))
    }
}

fn open_node(node: &Path) -> Result<RawDevice, OpenError> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let fd: OwnedFd =
        rustix::fs::open(node, flags, Mode::empty()).map_err(|e| open_error(node, &e.into()))?;
    RawDevice::from_fd(fd).map_err(|e| open_error(node, &e))
}

fn open_error(node: &Path, error: &std::io::Error) -> OpenError {
    let path = node.display().to_string();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::NOENT | Errno::NODEV | Errno::NXIO) => OpenError::Absent { path },
        Some(Errno::ACCESS | Errno::PERM) => OpenError::Denied { path },
        Some(Errno::BUSY) => OpenError::Busy { path },
        Some(silence) if is_silence(silence) => OpenError::Silent {
            path,
            reason: error.to_string(),
        },
        _ => OpenError::Failed {
            path,
            reason: error.to_string(),
        },
    }
}

/// Waits until no key is down on any node.
fn wait_keys_up(devices: &[RawDevice], path: &Path) -> Result<(), OpenError> {
    let any_down = || {
        let down = |device: &RawDevice| {
            device
                .get_key_state()
                .is_ok_and(|it| it.iter().next().is_some())
        };
        devices.iter().any(down)
    };
    for _ in 0..KEYS_UP_WAIT_MS_MAX / KEYS_UP_LOOK_MS {
        if !any_down() {
            return Ok(());
        }
        let look_again = Duration::from_millis(KEYS_UP_LOOK_MS);
        // Nothing is waited on: this is the pause itself.
        let _always_times_out = poll_for(&mut [], Some(look_again));
    }
    Err(OpenError::Failed {
        path: path.display().to_string(),
        reason: "a key of it is held down: let it go, or plug it in again".to_owned(),
    })
}

/// Throws away what was typed before we listened; whether there was anything.
fn typed_meanwhile(device: &mut RawDevice) -> bool {
    let mut typed = false;
    while let Ok(events) = device.fetch_events() {
        typed |= events
            .filter(|event| event.event_type() == EventType::KEY)
            .count()
            > 0;
    }
    typed
}

struct KeyboardTransport {
    devices: Vec<RawDevice>,
    wake: Arc<WakeFd>,
    /// Read and not handed out yet.
    ready: Vec<KeyRecord>,
    /// The kernel said that it dropped events: what follows up to the next report is incomplete.
    lost: bool,
    /// Where the keys are typed on.
    typist: Option<VirtualKeyboard>,
}

impl KeyboardTransport {
    fn take(&mut self, event: InputEvent) {
        match event.event_type() {
            EventType::SYNCHRONIZATION => match SynchronizationCode(event.code()) {
                SynchronizationCode::SYN_DROPPED => {
                    self.lost = true;
                    self.ready.push(KeyRecord::Lost);
                    if let Some(typist) = &mut self.typist {
                        typist.release_all();
                    }
                }
                SynchronizationCode::SYN_REPORT => self.lost = false,
                _ => {}
            },
            EventType::KEY if !self.lost => {
                if let Some(typist) = &mut self.typist {
                    typist.repeat(&event);
                }
                // 2 is the kernel's own repetition of a key that is held.
                if event.value() < 2 {
                    self.ready.push(KeyRecord::Key {
                        code: event.code(),
                        pressed: event.value() == 1,
                    });
                }
            }
            EventType::LED if LedCode(event.code()) == LedCode::LED_CAPSL => {
                self.ready.push(KeyRecord::CapsLock(event.value() != 0));
            }
            _ => {}
        }
    }

    /// As many whole records as fit.
    fn hand_out(&mut self, buf: &mut [u8]) -> Option<ReadOutcome> {
        let count = self.ready.len().min(buf.len() / RECORD_BYTES);
        if count == 0 {
            return None;
        }
        for (record, cell) in self
            .ready
            .drain(..count)
            .zip(buf.chunks_exact_mut(RECORD_BYTES))
        {
            cell.copy_from_slice(&record.to_bytes());
        }
        Some(ReadOutcome::Bytes(count * RECORD_BYTES))
    }

    /// Which nodes have events, and whether the wake handle was signalled.
    fn wait(
        &self,
        deadline: Option<Duration>,
    ) -> rustix::io::Result<Option<(BTreeSet<usize>, bool)>> {
        let mut fds: Vec<PollFd<'_>> = self
            .devices
            .iter()
            .map(|device| PollFd::from_borrowed_fd(device.as_fd(), PollFlags::IN))
            .collect();
        fds.push(PollFd::new(&*self.wake, PollFlags::IN));
        if poll_for(&mut fds, deadline)? == 0 {
            return Ok(None);
        }
        let signalled: BTreeSet<usize> = (0..fds.len())
            .filter(|&at| !fds[at].revents().is_empty())
            .collect();
        let woken = signalled.contains(&self.devices.len());
        Ok(Some((signalled, woken)))
    }
}

impl Transport for KeyboardTransport {
    fn read(&mut self, buf: &mut [u8], deadline: Option<Duration>) -> ReadOutcome {
        if let Some(bytes) = self.hand_out(&mut *buf) {
            return bytes;
        }
        let (signalled, woken) = match self.wait(deadline) {
            Ok(Some(signalled)) => signalled,
            Ok(None) => return ReadOutcome::Idle,
            Err(Errno::INTR) => return ReadOutcome::Woken,
            Err(e) => return ReadOutcome::Gone(format!("waiting failed: {e}")),
        };
        for at in signalled {
            let Some(device) = self.devices.get_mut(at) else {
                continue;
            };
            let events: Vec<InputEvent> = match device.fetch_events() {
                Ok(events) => events.collect(),
                Err(e) if e.kind() == std::io::ErrorKind::WouldBlock => continue,
                Err(e) => return ReadOutcome::Gone(format!("reading failed: {e}")),
            };
            for event in events {
                self.take(event);
            }
        }
        match self.hand_out(buf) {
            Some(bytes) => bytes,
            None => {
                if woken {
                    self.wake.clear();
                }
                ReadOutcome::Woken
            }
        }
    }

    fn write(&mut self, _bytes: &[u8]) -> Result<(), WriteError> {
        Err(WriteError::Refused(
            "a keyboard takes no commands".to_owned(),
        ))
    }
}
