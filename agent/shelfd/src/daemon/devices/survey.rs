//! The picture that the doctor looks at: of a running daemon, or of a PC without one.
//!
//! Without a daemon nothing is opened: what is plugged in comes from sysfs, and whether a node may be
//! opened from its permissions.

use std::path::Path;

use shelf_devices::binding::bind;
use shelf_devices::config::DeviceConfig;
use shelf_devices::doctor::{Neighbours, Picture};
use shelf_devices::hotplug::{Hearing, HotplugStatus};
use shelf_devices::status::{Counters, DeviceState, DeviceStatus};
use shelf_devices::supervisor::Supervisor;
use shelf_devices::sysfs::Sysfs;

use crate::platform::files;

/// Links that systemd keeps for every unit that runs.
const UNITS: &str = "/run/systemd/units";
/// The socket of the daemon that holds card readers.
const PCSCD: &str = "/run/pcscd/pcscd.comm";
/// Where brltty is, if it is installed.
const BRLTTY: [&str; 3] = ["/usr/bin/brltty", "/bin/brltty", "/sbin/brltty"];

/// Programs beside us that take devices away, by what they leave in the file system: a sandboxed
/// daemon doesn't see other processes.
pub(crate) fn neighbours() -> Neighbours {
    let runs = |unit: &str| files::is_there(&Path::new(UNITS).join(format!("invocation:{unit}")));
    Neighbours {
        modem_manager: runs("ModemManager.service"),
        brltty: BRLTTY.iter().any(|it| files::is_there(Path::new(it))),
        pcscd: files::is_there(Path::new(PCSCD)),
    }
}

/// The picture of a running device layer.
pub(super) fn running(supervisor: &Supervisor, configs: &[DeviceConfig]) -> Picture {
    let mut hotplug = supervisor.hotplug();
    let found = Sysfs::default().scan().unwrap_or_else(|error| {
        hotplug.scan_error = Some(error.to_string());
        Vec::new()
    });
    let statuses = supervisor.status();
    let status = |config: &DeviceConfig| statuses.iter().find(|it| it.name == config.name);
    let with_status = |config: &DeviceConfig| Some((config.clone(), status(config)?.clone()));
    Picture {
        devices: configs.iter().filter_map(with_status).collect(),
        found,
        hotplug,
        neighbours: neighbours(),
    }
}

/// The picture of this PC without a daemon: what would be bound, and what could not be opened.
pub(crate) fn at_rest(configs: &[DeviceConfig]) -> Picture {
    let sysfs = Sysfs::default();
    let (found, scan_error) = match sysfs.scan() {
        Ok(found) => (found, None),
        Err(error) => (Vec::new(), Some(error.to_string())),
    };
    let bindings = bind(configs, &found, &Default::default(), &Default::default());
    let devices = configs
        .iter()
        .map(|config| {
            let node = bindings.bound.get(&config.name);
            let missing = bindings.missing.get(&config.name).cloned();
            let status = DeviceStatus {
                name: config.name.clone(),
                node: node.map(|it| it.display().to_string()),
                moved: bindings.moved.contains(&config.name),
                state: state(node.map(std::path::PathBuf::as_path), missing),
                last_data: None,
                notice: None,
                is_disabled: false,
                counters: Counters::default(),
                journal: Vec::new(),
            };
            (config.clone(), status)
        })
        .collect();
    Picture {
        devices,
        found,
        hotplug: HotplugStatus {
            hearing: Hearing::Kernel,
            rescans: 0,
            events: 0,
            overflows: 0,
            scan_error,
            unbound: bindings.unbound,
        },
        neighbours: neighbours(),
    }
}

fn state(node: Option<&Path>, missing: Option<String>) -> DeviceState {
    match node {
        None => DeviceState::Absent(missing.unwrap_or_default()),
        // A place on the network tells only when it is called.
        Some(node) if !node.is_absolute() => DeviceState::Stopped,
        Some(node) if !files::is_there(node) => {
            DeviceState::Absent(format!("{} does not exist", node.display()))
        }
        Some(node) if !files::may_be_opened(node) => DeviceState::Denied,
        Some(_) => DeviceState::Stopped,
    }
}
