//! The front door: start the threads for all configured devices, ask how they are, send commands, and
//! stop without losing what was read. It owns no device itself, and one bad device, driver or
//! configuration entry never keeps the others from working.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{Builder, JoinHandle};

use crate::backoff::Backoff;
use crate::ccid::BadgeReader;
use crate::config::{DeviceConfig, DeviceKind, Share};
use crate::counter_scanner::CounterScanner;
use crate::delivery::{EventReceiver, EventSender, Outbox, channel};
use crate::device::{DeviceThread, Progress};
use crate::driver::{Command, Driver};
use crate::hid_scanner::HidScanner;
use crate::hotplug::{Hotplug, HotplugStatus, open_socket};
use crate::keyboard_scanner::KeyboardScanner;
use crate::line_scanner::LineScanner;
use crate::llrp_reader::LlrpReader;
use crate::relay::RelayTo;
use crate::reporter::Reporter;
use crate::reviver::Reviver;
use crate::scale::Scale;
use crate::shared::Shared;
use crate::ssi_scanner::SsiScanner;
use crate::status::{DeviceState, DeviceStatus};
use crate::surroundings::Surroundings;
use crate::sysfs::Sysfs;
use crate::uhf_reader::UhfReader;
use crate::wake::WakeFd;

/// Commands that may wait for one device.
pub const COMMANDS_MAX: usize = 8;
/// Devices that may be configured; each takes a thread.
pub const DEVICES_MAX: usize = 64;
/// Stack of a device thread, in bytes: a read buffer and a decoder, nothing deep.
const STACK_BYTES: usize = 256 * 1024;

/// Why the device layer did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Two devices have one name.
    #[error("two devices are named `{0}`; give each its own name")]
    SameName(String),
    /// More devices than threads are allowed.
    #[error("{0} devices are configured, at most {DEVICES_MAX} are possible on one PC")]
    TooMany(usize),
    /// The system gave no thread or descriptor.
    #[error(
        "cannot start the thread of device `{device}`; check the limits on tasks and open files"
    )]
    Resources {
        /// The device, or `hotplug`.
        device: String,
        /// The system's error.
        #[source]
        source: std::io::Error,
    },
}

/// Why a command was not passed on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// No device of this name.
    #[error("no device is named `{0}`")]
    Unknown(String),
    /// The device is not there to obey.
    #[error("device `{device}` can't take a command now: {state}")]
    NotReady {
        /// The device.
        device: String,
        /// Its state.
        state: DeviceState,
    },
    /// It has not yet obeyed the earlier ones.
    #[error("device `{0}` still has {COMMANDS_MAX} commands to obey")]
    Behind(String),
}

struct Member {
    shared: Arc<Shared>,
    commands: SyncSender<Command>,
}

/// All device threads and the hot-plug thread.
pub struct Supervisor {
    members: BTreeMap<String, Member>,
    hotplug: Arc<Mutex<HotplugStatus>>,
    hotplug_wake: Arc<WakeFd>,
    hotplug_stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

impl Supervisor {
    /// Starts the configured devices with the drivers of their kinds. Devices that are absent now
    /// are waited for. When this returns, the first look at what is plugged in has been taken.
    pub fn start(
        surroundings: &Surroundings,
        configs: Vec<DeviceConfig>,
    ) -> Result<(Self, EventReceiver), StartError> {
        let devices = configs
            .into_iter()
            .map(|config| {
                let driver = driver(&config, &surroundings.sysfs);
                (config, driver)
            })
            .collect();
        Self::start_with_drivers(surroundings, devices)
    }

    /// Starts devices with drivers of the caller's choice.
    pub fn start_with_drivers(
        surroundings: &Surroundings,
        devices: Vec<(DeviceConfig, Box<dyn Driver>)>,
    ) -> Result<(Self, EventReceiver), StartError> {
        check(&devices)?;
        let (sender, receiver) = channel(surroundings.queue_events_max);
        // Listening begins before the first look, so that nothing falls between them.
        let (socket, hearing) = open_socket(surroundings.listen_to);
        let mut supervisor = Self {
            members: BTreeMap::new(),
            hotplug: Arc::new(Mutex::new(HotplugStatus {
                hearing,
                rescans: 0,
                events: 0,
                overflows: 0,
                scan_error: None,
                unbound: Vec::new(),
            })),
            hotplug_wake: Arc::new(WakeFd::new().map_err(|e| resources("hotplug", e.into()))?),
            hotplug_stop: Arc::new(AtomicBool::new(false)),
            threads: Vec::new(),
        };
        let mut prepared = Vec::new();
        let mut configs = Vec::new();
        for (index, (config, driver)) in devices.into_iter().enumerate() {
            prepared.push(supervisor.prepare(surroundings, &sender, &config, driver, index)?);
            configs.push(config);
        }
        drop(sender);
        let all: Vec<Arc<Shared>> = supervisor.shared().collect();
        for thread in &mut prepared {
            thread.reviver.others.clone_from(&all);
        }
        let mut hotplug = Hotplug {
            sysfs: surroundings.sysfs.clone(),
            configs,
            devices: all,
            wake: Arc::clone(&supervisor.hotplug_wake),
            stop: Arc::clone(&supervisor.hotplug_stop),
            status: Arc::clone(&supervisor.hotplug),
            socket,
            current: BTreeMap::new(),
        };
        hotplug.rescan(false);
        supervisor.spawn("hotplug", move || hotplug.run())?;
        for thread in prepared {
            let name = thread.shared.name.to_string();
            supervisor.spawn(&name, move || thread.run())?;
        }
        Ok((supervisor, receiver))
    }

    fn prepare(
        &mut self,
        surroundings: &Surroundings,
        sender: &EventSender,
        config: &DeviceConfig,
        driver: Box<dyn Driver>,
        index: usize,
    ) -> Result<DeviceThread, StartError> {
        let name = config.name.as_str();
        let wake = WakeFd::new().map_err(|e| resources(name, e.into()))?;
        let shared = Arc::new(Shared::new(name, wake));
        let (commands, inbox) = sync_channel(COMMANDS_MAX);
        let member = Member {
            shared: Arc::clone(&shared),
            commands,
        };
        self.members.insert(name.to_owned(), member);
        let outbox = Outbox::new(
            sender.clone(),
            Arc::clone(&shared.wake),
            surroundings.spill_bytes_max,
        );
        Ok(DeviceThread {
            reporter: Reporter::new(
                Arc::clone(&shared),
                outbox,
                Arc::clone(&surroundings.clock),
                surroundings.incarnation,
                driver.raw_form(),
            ),
            shared,
            driver,
            commands: inbox,
            // Devices behind one hub fail together; they must not come back in step.
            backoff: Backoff::new(surroundings.seed.wrapping_add(index as u64)),
            reviver: Reviver::new(surroundings),
            progress: Progress::default(),
            relay_to: relay_of(config),
        })
    }

    fn shared(&self) -> impl Iterator<Item = Arc<Shared>> {
        self.members.values().map(|it| Arc::clone(&it.shared))
    }

    fn spawn(&mut self, name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), StartError> {
        let thread = Builder::new()
            .name(format!("dev {name}"))
            .stack_size(STACK_BYTES)
            .spawn(run)
            .map_err(|e| resources(name, e))?;
        self.threads.push(thread);
        Ok(())
    }

    /// How every device is, ordered by name.
    #[must_use]
    pub fn status(&self) -> Vec<DeviceStatus> {
        self.members.values().map(|m| m.shared.status()).collect()
    }

    /// How news of plugging arrives, and what is plugged in without a role.
    #[must_use]
    pub fn hotplug(&self) -> HotplugStatus {
        self.hotplug
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Looks again at what is plugged in, and lets every device that is down try at once.
    pub fn rescan(&self) {
        self.hotplug_wake.wake();
    }

    /// Passes a command to a device; it is obeyed soon or counted in `commands_failed`. Never blocks.
    pub fn command(&self, device: &str, command: Command) -> Result<(), CommandError> {
        let member = self
            .members
            .get(device)
            .ok_or_else(|| CommandError::Unknown(device.to_owned()))?;
        let state = member.shared.live().state.clone();
        if state != DeviceState::Ready {
            return Err(CommandError::NotReady {
                device: device.to_owned(),
                state,
            });
        }
        match member.commands.try_send(command) {
            Ok(()) => {
                member.shared.wake.wake();
                Ok(())
            }
            Err(TrySendError::Full(_)) => Err(CommandError::Behind(device.to_owned())),
            Err(TrySendError::Disconnected(_)) => {
                let state = DeviceState::Stopped;
                Err(CommandError::NotReady {
                    device: device.to_owned(),
                    state,
                })
            }
        }
    }

    /// Lets a scanner scan, or keeps it from scanning while nobody can take a scan. The wish holds over every
    /// reopening, and ends with the device layer: whoever stops leaves its scanners on. Kinds that can't be
    /// told ignore it.
    ///
    /// # Errors
    /// No device of this name.
    pub fn enable(&self, device: &str, wanted: bool) -> Result<(), CommandError> {
        let member = self.members.get(device);
        let member = member.ok_or_else(|| CommandError::Unknown(device.to_owned()))?;
        member.shared.enable(wanted);
        Ok(())
    }

    /// Tells all threads to stop reading and returns at once. The receiver must be read until it
    /// ends: only then has everything that was read been delivered.
    pub fn stop(&self) {
        self.hotplug_stop.store(true, Ordering::SeqCst);
        self.hotplug_wake.wake();
        for member in self.members.values() {
            member.shared.stop();
        }
    }

    /// Stops and waits for all threads. Call it after the receiver has ended or was dropped; before
    /// that it waits for the events still to be taken.
    pub fn join(mut self) {
        self.stop();
        for thread in self.threads.drain(..) {
            // A panic outside a driver is a defect of this crate; the others still get joined.
            if thread.join().is_err() {
                tracing::error!("a device thread ended by panic");
            }
        }
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        self.stop();
    }
}

/// The driver of a kind of device.
fn driver(config: &DeviceConfig, sysfs: &Sysfs) -> Box<dyn Driver> {
    let sysfs = || sysfs.clone();
    match &config.kind {
        DeviceKind::LineScanner(it) => Box::new(LineScanner::new(it.clone())),
        DeviceKind::SsiScanner(it) => Box::new(SsiScanner::new(*it)),
        DeviceKind::CounterScanner(it) => Box::new(CounterScanner::new(it.clone())),
        DeviceKind::Scale(it) => Box::new(Scale::new(*it)),
        DeviceKind::HidScanner(it) => Box::new(HidScanner::new(it.clone(), sysfs())),
        DeviceKind::KeyboardScanner(it) => {
            Box::new(KeyboardScanner::new(*it, sysfs(), config.share.clone()))
        }
        DeviceKind::BadgeReader => Box::new(BadgeReader),
        DeviceKind::LlrpReader(it) => Box::new(LlrpReader::new(it)),
        DeviceKind::UhfReader(it) => Box::new(UhfReader::new(it.clone())),
    }
}

/// Where the thread passes scans on to; a scanner that types is repeated key by key by its
/// transport.
fn relay_of(config: &DeviceConfig) -> Option<RelayTo> {
    match (&config.share, &config.kind) {
        (Share::Relay(RelayTo::Keyboard(_)), DeviceKind::KeyboardScanner(_)) => None,
        (Share::Relay(to), _) => Some(to.clone()),
        (Share::Exclusive | Share::Shared, _) => None,
    }
}

fn check(devices: &[(DeviceConfig, Box<dyn Driver>)]) -> Result<(), StartError> {
    if devices.len() > DEVICES_MAX {
        return Err(StartError::TooMany(devices.len()));
    }
    let mut names = BTreeSet::new();
    match devices
        .iter()
        .find(|(config, _)| !names.insert(&config.name))
    {
        Some((config, _)) => Err(StartError::SameName(config.name.clone())),
        None => Ok(()),
    }
}

fn resources(device: &str, source: std::io::Error) -> StartError {
    StartError::Resources {
        device: device.to_owned(),
        source,
    }
}
