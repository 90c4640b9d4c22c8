//! Passing scans on to a POS that was there before us: typed on a virtual keyboard (uinput), or
//! written to a serial port. A scanner that types is repeated key by key in [`crate::keyboard`], so
//! that the POS sees exactly what it saw before; others are typed or written scan by scan. It never
//! delays a scan's way into the ledger by more than its own typing.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use evdev::uinput::VirtualDevice;
use evdev::{AttributeSet, EventType, InputEvent, KeyCode};
use rustix::io::Errno;
use shelf_codecs::scanner::wedge::layout::KeyboardLayout;
use shelf_codecs::scanner::wedge::{WedgeConfig, encode};
use shelf_codecs::scanner::{Scan, Terminator};

use crate::serial::{SerialOpener, SerialSettings};
use crate::transport::{OpenError, Opener, Transport, WriteError};
use crate::wake::{WakeFd, poll_for};

/// Pause between two keys, in milliseconds: a reader's queue holds some 30 keys, and one that is slow
/// for a moment must not lose any.
pub const KEY_PAUSE_MS: u64 = 2;
/// Name under which the virtual keyboard shows in lists of devices.
pub const KEYBOARD_NAME: &str = "shelfd relay keyboard";
/// Node that makes virtual keyboards.
const UINPUT: &str = "/dev/uinput";
/// Keys that exist on keyboards, from Escape to the last one that a layout has.
const KEYS: std::ops::RangeInclusive<u16> = 1..=127;

/// Where scans are passed on to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RelayTo {
    /// The window that has the focus, as if typed in this layout. Enter ends each.
    Keyboard(KeyboardLayout),
    /// A serial port that a POS reads, for example one end of a null-modem cable.
    Serial {
        /// Its node.
        path: PathBuf,
        /// Its line settings.
        settings: SerialSettings,
        /// What ends each scan.
        terminator: Terminator,
    },
}

impl RelayTo {
    /// Opens the way to the POS.
    pub(crate) fn open(&self) -> Result<Relay, OpenError> {
        Ok(match self {
            Self::Keyboard(layout) => Relay::Keyboard(VirtualKeyboard::new()?, *layout),
            Self::Serial {
                path,
                settings,
                terminator,
            } => {
                let wake = WakeFd::new().map_err(|e| OpenError::Failed {
                    path: path.display().to_string(),
                    reason: e.to_string(),
                })?;
                let port = SerialOpener::new(*settings).open(path, &Arc::new(wake))?;
                Relay::Serial(port, *terminator)
            }
        })
    }
}

/// An open way to the POS.
pub(crate) enum Relay {
    /// Types.
    Keyboard(VirtualKeyboard, KeyboardLayout),
    /// Writes.
    Serial(Box<dyn Transport>, Terminator),
}

impl Relay {
    /// Passes one scan on.
    pub(crate) fn pass_on(&mut self, scan: &Scan) -> Result<(), WriteError> {
        match self {
            Self::Keyboard(keyboard, layout) => {
                let text = String::from_utf8_lossy(&scan.bytes);
                let config = WedgeConfig {
                    layout: *layout,
                    ..WedgeConfig::default()
                };
                let keys = encode(&text, &config, Some(Terminator::Cr)).ok_or_else(|| {
                    WriteError::Refused("the layout of the POS can't type this code".to_owned())
                })?;
                let keys = keys.iter().map(|it| (it.code, it.pressed));
                keyboard.type_keys(keys)
            }
            Self::Serial(port, terminator) => {
                let mut bytes = scan.bytes.clone();
                bytes.extend_from_slice(terminator.bytes());
                port.write(&bytes)
            }
        }
    }
}

/// A keyboard that exists only in the kernel. Dropping it lets go of every key.
#[derive(Debug)]
pub(crate) struct VirtualKeyboard {
    device: VirtualDevice,
    held: BTreeSet<u16>,
}

impl VirtualKeyboard {
    /// Makes one; needs write access to `/dev/uinput`.
    pub(crate) fn new() -> Result<Self, OpenError> {
        let keys: AttributeSet<KeyCode> = KEYS.map(KeyCode).collect();
        let device = VirtualDevice::builder()
            .and_then(|it| it.name(KEYBOARD_NAME).with_keys(&keys))
            .and_then(evdev::uinput::VirtualDeviceBuilder::build)
            .map_err(|e| no_keyboard(&e))?;
        Ok(Self {
            device,
            held: BTreeSet::new(),
        })
    }

    /// Types an event of another keyboard again.
    pub(crate) fn repeat(&mut self, event: &InputEvent) {
        let code = event.code();
        match event.value() {
            0 => self.held.remove(&code),
            _ => self.held.insert(code),
        };
        if let Err(error) = self.device.emit(&[*event]) {
            tracing::warn!(%error, "a key could not be typed on to the POS");
        }
    }

    /// Lets go of every key that is down: their releases will never come.
    pub(crate) fn release_all(&mut self) {
        for code in std::mem::take(&mut self.held) {
            let release = InputEvent::new(EventType::KEY.0, code, 0);
            if let Err(error) = self.device.emit(&[release]) {
                tracing::warn!(%error, "a key could not be let go on the POS");
            }
        }
    }

    fn type_keys(&mut self, keys: impl Iterator<Item = (u16, bool)>) -> Result<(), WriteError> {
        for (code, pressed) in keys {
            let event = InputEvent::new(EventType::KEY.0, code, i32::from(pressed));
            let typed = self.device.emit(&[event]);
            typed.map_err(|e| WriteError::Gone(e.to_string()))?;
            // The pause itself; nothing is waited on.
            let pause = Duration::from_millis(KEY_PAUSE_MS);
            let _always_times_out = poll_for(&mut [], Some(pause));
        }
        Ok(())
    }
}

fn no_keyboard(error: &std::io::Error) -> OpenError {
    let path = UINPUT.to_owned();
    match error.raw_os_error().map(Errno::from_raw_os_error) {
        Some(Errno::ACCESS | Errno::PERM) => OpenError::Denied { path },
        _ => OpenError::Failed {
            path,
            reason: format!(
                "no virtual keyboard to type on: {error}; is the module uinput loaded?"
            ),
        },
    }
}
