//! The device layer at work: started from the configuration, asked how it is, told what to do.
//!
//! Everything that pages, the API and the command line know of devices they know from the desk here, so
//! that they say the same. It must never start a payment: terminals are no part of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::thread::JoinHandle;

use shelf_devices::config::{DeviceConfig, Role};
use shelf_devices::status::{DeviceState, DeviceStatus as Known};
use shelf_devices::supervisor::Supervisor;
use shelf_devices::surroundings::Surroundings;
use shelf_stock::name::TillId;
use shelf_stock::time::Timestamp;
use tokio::sync::broadcast;

use super::front::{Front, LooseScan};
use super::lookup::Lookup;
use super::start::{Counters, StartError};
use super::status::DeviceStatus;
use crate::config::{Config, devices};
use crate::platform::{self, MachineClock, MonoClock};

/// Loose scans that a slow page may miss.
const LOOSE_SCANS_MAX: usize = 64;

/// What was started.
pub(super) struct Devices {
    /// For the stop.
    pub(super) supervisor: Arc<Supervisor>,
    /// The thread that takes what devices say.
    pub(super) front: JoinHandle<()>,
    /// For everybody who asks.
    pub(super) desk: DeviceDesk,
    /// Scans that no till takes.
    pub(super) loose: broadcast::Sender<LooseScan>,
}

/// Starts every configured device and the thread that takes what they say.
pub(super) fn start(
    config: &Config,
    clock: MonoClock,
    counters: &Counters,
    lookup: &Lookup,
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
    let (loose, _) = broadcast::channel(LOOSE_SCANS_MAX);
    let front = Front {
        roles,
        counters: counters.clone(),
        lookup: lookup.clone(),
        supervisor: supervisor.clone(),
        loose: loose.clone(),
    };
    Ok(Devices {
        front: front.start(events).map_err(StartError::Thread)?,
        desk: DeviceDesk {
            supervisor: supervisor.clone(),
            configs,
        },
        supervisor,
        loose,
    })
}

/// Where devices are asked about.
pub(crate) struct DeviceDesk {
    supervisor: Arc<Supervisor>,
    configs: Vec<DeviceConfig>,
}

impl DeviceDesk {
    /// How every configured device is, by name.
    pub(crate) fn rows(&self) -> Vec<DeviceStatus> {
        let statuses = self.supervisor.status();
        statuses.into_iter().map(|it| self.row(it)).collect()
    }

    fn row(&self, it: Known) -> DeviceStatus {
        let config = self.configs.iter().find(|config| config.name == it.name);
        DeviceStatus {
            state: word(&it.state).into(),
            detail: it.state.to_string(),
            till: config
                .and_then(|it| it.role.till())
                .and_then(|it| TillId::new(it).ok()),
            place: it.node.unwrap_or_default(),
            last_data: it.last_data.map(|it| Timestamp::from_millis(it.wall_ms)),
            scans: it.counters.frames,
            faults: it.counters.faults,
            name: it.name,
        }
    }
}

fn word(state: &DeviceState) -> &'static str {
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
