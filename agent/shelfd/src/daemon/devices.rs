//! The device layer at work: started from the configuration, asked how it is, told what to do.
//!
//! Everything that pages, the API and the command line know of devices they know from the desk here, so
//! that they say the same. It must never start a payment: terminals are no part of it.

mod attention;
mod happening;
mod rows;
mod survey;
mod tried;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

use shelf_devices::config::{DeviceConfig, Role, Share};
use shelf_devices::doctor::{Picture, diagnose};
use shelf_devices::driver::Command;
use shelf_devices::status::{DeviceState, DeviceStatus as Known};
use shelf_devices::supervisor::{CommandError, Supervisor};
use shelf_devices::surroundings::Surroundings;
use shelf_devices::sysfs::Sysfs;
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;
use tokio::sync::broadcast;

use super::badges::Badges;
use super::front::Front;
use super::lookup::Lookup;
use super::rfid::Room;
use super::scales::Scales;
use super::start::{Counters, StartError};
use super::status::DeviceStatus;
use crate::config::{Config, DeviceSettings, devices};
use crate::platform::{self, MachineClock, MonoClock};

pub(crate) use attention::{LooseScans, start as attend};
pub(crate) use happening::{Happening, Happenings};
pub(crate) use rows::{Complaint, DeviceBoard, DeviceCounters, Frame, FrameJournal, UnboundDevice};
pub(crate) use survey::at_rest;
pub(crate) use tried::Tried;

/// What was started.
pub(super) struct Devices {
    /// For the stop.
    pub(super) supervisor: Arc<Supervisor>,
    /// The thread that takes what devices say.
    pub(super) front: JoinHandle<()>,
    /// For everybody who asks.
    pub(super) desk: DeviceDesk,
    /// Scans that no till takes.
    pub(super) loose: LooseScans,
}

/// Starts every configured device and the thread that takes what they say.
pub(super) fn start(
    config: &Config,
    clock: MonoClock,
    counters: &Counters,
    lookup: &Lookup,
    badges: Arc<Badges>,
    rfid: &Arc<Room>,
) -> Result<Devices, StartError> {
    let incarnation = u64::from_be_bytes(platform::random_bytes()?);
    let machine = Arc::new(MachineClock(clock));
    let surroundings = Surroundings::of_this_machine(machine, incarnation, incarnation);
    let configs = devices::configured(config).map_err(|message| StartError::Config { message })?;
    let roles: BTreeMap<String, Role> = configs
        .iter()
        .map(|it| (it.name.clone(), it.role.clone()))
        .collect();
    let (supervisor, events) = Supervisor::start(&surroundings, configs.clone())?;
    let supervisor = Arc::new(supervisor);
    let scales = Arc::new(Scales::new(supervisor.clone(), &configs));
    let loose = LooseScans::new();
    let mut tills = config.till.iter().filter_map(|it| it.name.as_ref());
    let happenings = Happenings::new();
    let front = Front {
        roles,
        counters: counters.clone(),
        lookup: lookup.clone(),
        supervisor: supervisor.clone(),
        scales: scales.clone(),
        loose: loose.clone(),
        badges,
        managers: config.policy.manager_pin_file.clone(),
        rfid: rfid.clone(),
        happenings: happenings.clone(),
    };
    Ok(Devices {
        front: front.start(events).map_err(StartError::Thread)?,
        desk: DeviceDesk {
            supervisor: supervisor.clone(),
            till: tills.next().map(ToString::to_string),
            kinds: config
                .device
                .iter()
                .map(|it| (it.name.clone(), it.clone()))
                .collect(),
            configs,
            scales,
            happenings,
        },
        supervisor,
        loose,
    })
}

/// Where devices are asked about, and told what to do.
pub(crate) struct DeviceDesk {
    supervisor: Arc<Supervisor>,
    configs: Vec<DeviceConfig>,
    scales: Arc<Scales>,
    kinds: BTreeMap<String, DeviceSettings>,
    /// The first till, for the configuration that a new device is offered.
    till: Option<String>,
    happenings: Happenings,
}

impl DeviceDesk {
    /// How every configured device is, by name.
    pub(crate) fn rows(&self) -> Vec<DeviceStatus> {
        let statuses = self.supervisor.status();
        statuses.into_iter().map(|it| self.row(it)).collect()
    }

    /// Everything that is known of the devices. Reads sysfs.
    pub(crate) fn board(&self) -> DeviceBoard {
        let picture = survey::running(&self.supervisor, &self.configs);
        DeviceBoard {
            devices: self.rows(),
            unbound: unbound(&picture, self.till.as_deref()),
            hearing: rows::hearing(&picture.hotplug.hearing),
            findings: diagnose(&picture)
                .into_iter()
                .map(Complaint::from)
                .collect(),
        }
    }

    /// The last frames of a device; none: there is no such device.
    pub(crate) fn journal(&self, device: &str) -> Option<FrameJournal> {
        let known = self.supervisor.status().into_iter();
        let status = known.into_iter().find(|it| it.name == device)?;
        let node = status.node.as_deref().map(Path::new);
        let (descriptor, vendor_id) = node
            .map(|it| Sysfs::default().report_descriptor(it))
            .unwrap_or_default();
        Some(FrameJournal {
            kind: self.kind(&status.name),
            settings: self.kinds.get(&status.name).cloned(),
            descriptor: descriptor.iter().map(|it| format!("{it:02X}")).collect(),
            vendor_id,
            device: status.name,
            frames: status.journal.into_iter().map(Frame::from).collect(),
        })
    }

    /// What devices say from now on.
    pub(crate) fn watch(&self) -> broadcast::Receiver<Happening> {
        self.happenings.watch()
    }

    /// How each device is, as lines of a watch.
    pub(crate) fn standing(&self) -> Vec<Happening> {
        let now = platform::wall_now();
        let rows = self.rows().into_iter();
        rows.map(|it| Happening::standing(it, now)).collect()
    }

    /// Tells a device to do something.
    pub(crate) fn command(&self, device: &str, command: Command) -> Result<(), CommandError> {
        self.supervisor.command(device, command)
    }

    /// The tills' scales.
    pub(crate) fn scales(&self) -> &Scales {
        &self.scales
    }

    /// Looks again at what is plugged in; devices that are down try at once.
    pub(crate) fn look_again(&self) {
        self.supervisor.rescan();
    }

    fn kind(&self, device: &str) -> String {
        let settings = self.kinds.get(device);
        settings.map_or_else(String::new, |it| it.kind.word().to_owned())
    }

    fn row(&self, it: Known) -> DeviceStatus {
        let config = self.configs.iter().find(|config| config.name == it.name);
        let text = |of: fn(&DeviceConfig) -> String| config.map(of).unwrap_or_default();
        DeviceStatus {
            kind: self.kind(&it.name),
            role: text(|it| it.role.to_string()),
            select: text(|it| it.selector.to_string()),
            share: text(|it| share_word(&it.share).to_owned()),
            state: state_word(&it.state).into(),
            detail: it.state.to_string(),
            till: config
                .and_then(|it| it.role.till())
                .and_then(|it| TillId::new(it).ok()),
            place: it.node.unwrap_or_default(),
            moved: it.moved,
            paused: it.is_disabled,
            notice: it.notice,
            said: self.happenings.last(&it.name).map(|it| it.text),
            last_data: it.last_data.map(|it| Timestamp::from_millis(it.wall_ms)),
            scans: it.counters.frames,
            faults: it.counters.faults,
            counters: it.counters.into(),
            name: it.name,
        }
    }
}

/// What is plugged in without a role.
pub(crate) fn unbound(picture: &Picture, till: Option<&str>) -> Vec<UnboundDevice> {
    let all = picture.hotplug.unbound.iter();
    all.map(|it| UnboundDevice::of(it, till)).collect()
}

fn share_word(share: &Share) -> &'static str {
    match share {
        Share::Exclusive => "exclusive",
        Share::Shared => "shared",
        Share::Relay(_) => "relay",
    }
}

/// A state as a stable word.
pub(crate) fn state_word(state: &DeviceState) -> &'static str {
    match state {
        DeviceState::Absent(_) => "absent",
        DeviceState::Opening => "opening",
        DeviceState::Ready => "ready",
        DeviceState::Busy => "busy",
        DeviceState::Denied => "denied",
        DeviceState::Lost(_) => "lost",
        DeviceState::Stopped => "stopped",
    }
}
