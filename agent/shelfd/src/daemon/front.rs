//! From devices to tills: takes each event of the device layer, says what was read, and gives it
//! to the till that the device feeds.
//!
//! One thread takes the events in their order and runs each to the end, disk included: while it
//! waits, the devices' queue fills and finally holds the scanners off, so that nothing is lost
//! and nothing overtakes. Damaged reads become rows on the till's page, never short codes.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use shelf_codecs::barcode::PrefixScheme;
use shelf_devices::config::Role;
use shelf_devices::delivery::EventReceiver;
use shelf_devices::driver::Command;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;
use shelf_till::basket::{Origin, Read, Sound, TillInput};

use super::badges::{Badges, Shown};
use super::counter::Counter;
use super::devices::{Happenings, LooseScans};
use super::lookup::Lookup;
use super::rfid::Room;
use super::scales::Scales;
use super::sign_on;

/// A scan that is for no till (counting, receiving): for the page that is open there.
#[derive(Clone, Debug)]
pub(crate) struct LooseScan {
    /// What it is.
    pub(crate) read: Arc<Read>,
    /// When it was read.
    pub(crate) at: Timestamp,
}

/// Everything that the thread needs.
pub(crate) struct Front {
    /// What each configured device is for.
    pub(crate) roles: BTreeMap<String, Role>,
    /// The tills of this PC.
    pub(crate) counters: BTreeMap<TillId, Arc<Counter>>,
    /// Codes and stock.
    pub(crate) lookup: Lookup,
    /// For feedback to the scanners.
    pub(crate) supervisor: Arc<Supervisor>,
    /// For weights.
    pub(crate) scales: Arc<Scales>,
    /// Scans that no till takes.
    pub(crate) loose: LooseScans,
    /// Whose badges are whose.
    pub(crate) badges: Arc<Badges>,
    /// Who may approve.
    pub(crate) managers: Option<PathBuf>,
    /// What RFID readers see.
    pub(crate) rfid: Arc<Room>,
    /// For whoever watches the devices.
    pub(crate) happenings: Happenings,
}

impl Front {
    /// Starts the thread; it ends when the device layer has stopped and everything was taken.
    pub(crate) fn start(self, events: EventReceiver) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new()
            .name("front".into())
            .spawn(move || {
                while let Some(event) = events.recv() {
                    self.happenings.tell(&event);
                    self.take(&event);
                }
            })
    }

    fn take(&self, event: &DeviceEvent) {
        if matches!(self.roles.get(&*event.device), Some(Role::Zone(_))) {
            self.watch(event);
            if matches!(event.payload, Payload::Tags(_)) {
                return;
            }
        }
        if let Some(read) = self.read(event) {
            self.route(event, read);
        }
    }

    /// A reader of a zone came, went or saw something.
    fn watch(&self, event: &DeviceEvent) {
        if event.payload == Payload::State(DeviceState::Ready) {
            // The ledger is open as long as this thread runs: it may tell what it holds.
            let told = self
                .supervisor
                .command(&event.device, Command::StartReading);
            if let Err(error) = told {
                tracing::debug!(%error, "the reader is gone again");
            }
        }
        self.rfid.take(event);
    }

    /// What was read, for a till or a page; the rest goes where it belongs at once.
    fn read(&self, event: &DeviceEvent) -> Option<Read> {
        match &event.payload {
            Payload::Scan(scan) => return Some(self.lookup.read(&scan.text(PrefixScheme::None))),
            Payload::Fault(fault) => {
                return Some(Read::Bad {
                    reason: fault.cause.to_string(),
                    masked: fault.masked.clone(),
                });
            }
            Payload::State(state) => tracing::info!(device = %event.device, %state, "device"),
            Payload::Badge(uid) => self.badge(event, uid),
            Payload::Notice(words) => tracing::info!(device = %event.device, %words, "device"),
            Payload::Weight(weighing) => self.scales.told(*weighing),
            Payload::Tags(_) | Payload::Receipt(_) => {
                tracing::debug!(device = %event.device, "an event that nobody waits for");
            }
        }
        None
    }

    fn route(&self, event: &DeviceEvent, read: Read) {
        let at = Timestamp::from_millis(event.at.wall_ms);
        match self.roles.get(&*event.device) {
            Some(Role::Till(name)) => self.sell(name, event, read, at),
            Some(Role::Counting | Role::Receiving) => {
                let scan = LooseScan {
                    read: Arc::new(read),
                    at,
                };
                if !self.loose.give(scan) {
                    tracing::info!(device = %event.device, "a scan with no page open for it");
                    self.feedback(&event.device, false);
                }
            }
            Some(Role::Scale(_)) if matches!(event.payload, Payload::Fault(_)) => {
                tracing::debug!(device = %event.device, "the scale said something unreadable");
            }
            Some(other) => {
                tracing::warn!(device = %event.device, role = %other, "a scan at a device that is for no scans");
            }
            None => tracing::error!(device = %event.device, "an event of an unknown device"),
        }
    }

    /// A badge was shown: its number goes no further than to the look-up.
    fn badge(&self, event: &DeviceEvent, uid: &[u8]) {
        let device = &event.device;
        let staff = match self.badges.shown(uid, event.at.mono_us / 1_000) {
            Ok(Shown::Known(staff)) => staff,
            Ok(Shown::Enrolled(staff)) => {
                tracing::info!(%device, %staff, "a badge was enrolled");
                return;
            }
            Ok(Shown::Unknown) => {
                tracing::warn!(%device, "a badge that is nobody's");
                return;
            }
            Err(error) => {
                tracing::error!(%device, %error, "a badge could not be enrolled");
                return;
            }
        };
        let till = self.roles.get(&**device).and_then(Role::till);
        let Some(counter) = till.and_then(|it| self.counters.get(it)) else {
            tracing::warn!(%device, "a badge at a till that another program sells at");
            return;
        };
        match sign_on::shown(counter, staff.clone(), self.managers.as_deref()) {
            Ok(done) => tracing::info!(%device, %staff, ?done, "a badge was shown"),
            Err(error) => tracing::error!(%device, %error, "a badge could not be used"),
        }
    }

    fn sell(&self, till: &str, event: &DeviceEvent, read: Read, at: Timestamp) {
        let Some(counter) = self.counters.get(till) else {
            tracing::error!(%till, "a device feeds a till that does not exist");
            return;
        };
        let input = TillInput::Read {
            read,
            origin: Origin::Scanned,
            read_at: at,
        };
        match counter.input(input) {
            Ok(shown) => self.feedback(&event.device, shown.sound == Some(Sound::Ok)),
            Err(error) => {
                tracing::error!(%error, "a scan could not be taken");
                self.feedback(&event.device, false);
            }
        }
    }

    /// Scanners that can beep on command do so after the commit; the others ignore it.
    fn feedback(&self, device: &str, accepted: bool) {
        let command = if accepted {
            Command::Accepted
        } else {
            Command::Refused
        };
        if let Err(error) = self.supervisor.command(device, command) {
            tracing::debug!(%error, "no feedback to the scanner");
        }
    }
}
