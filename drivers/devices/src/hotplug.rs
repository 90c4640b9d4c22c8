//! The thread that knows what is plugged in: it listens to the kernel, looks at sysfs at the start,
//! after lost messages and every minute, matches what it finds with the configuration, and tells
//! each device's thread where its device is. It opens no device and can't lose a scan.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::binding::{Unbound, bind};
use crate::config::DeviceConfig;
use crate::netlink::{Group, Heard, UeventSocket};
use crate::selector::Selector;
use crate::shared::{Shared, Target};
use crate::sysfs::Sysfs;
use crate::uevent::Action;
use crate::wake::WakeFd;

/// Time between two full looks when the kernel is silent, in seconds.
pub const RESCAN_S: u64 = 60;
/// Time between two looks when the kernel can't be heard (a sandbox without netlink), in seconds.
pub const RESCAN_DEAF_S: u64 = 5;

/// How news arrives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hearing {
    /// From udevd, after its rules ran.
    Udev,
    /// From the kernel.
    Kernel,
    /// Not at all: only by looking every few seconds; the words say why.
    Deaf(String),
}

/// What the hot-plug thread can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HotplugStatus {
    /// How news arrives.
    pub hearing: Hearing,
    /// Looks at sysfs so far.
    pub rescans: u64,
    /// Events heard that concern us.
    pub events: u64,
    /// Times that messages were lost.
    pub overflows: u64,
    /// The last failure to look, in words.
    pub scan_error: Option<String>,
    /// Present without a role, with a hint each.
    pub unbound: Vec<Unbound>,
}

/// Everything the hot-plug thread needs.
pub(crate) struct Hotplug {
    pub(crate) sysfs: Sysfs,
    pub(crate) configs: Vec<DeviceConfig>,
    pub(crate) devices: Vec<Arc<Shared>>,
    pub(crate) wake: Arc<WakeFd>,
    pub(crate) stop: Arc<AtomicBool>,
    pub(crate) status: Arc<Mutex<HotplugStatus>>,
    pub(crate) socket: Option<UeventSocket>,
    pub(crate) current: BTreeMap<String, PathBuf>,
}

/// Opens the hot-plug socket, or says why news won't arrive.
pub(crate) fn open_socket(group: Option<Group>) -> (Option<UeventSocket>, Hearing) {
    let Some(group) = group else {
        return (None, Hearing::Deaf("not to be listened to".to_owned()));
    };
    match (UeventSocket::open(group), group) {
        (Ok(socket), Group::Udev) => (Some(socket), Hearing::Udev),
        (Ok(socket), Group::Kernel) => (Some(socket), Hearing::Kernel),
        (Err(e), _) => (None, Hearing::Deaf(format!("no hot-plug socket: {e}"))),
    }
}

impl Hotplug {
    /// Runs until stopped. The first look has been taken by then.
    pub(crate) fn run(mut self) {
        while !self.stop.load(Ordering::SeqCst) {
            let heard = match &self.socket {
                Some(socket) => socket.wait(&self.wake, Duration::from_secs(RESCAN_S)),
                None => match self.wake.wait(Some(Duration::from_secs(RESCAN_DEAF_S))) {
                    crate::wake::Waited::Woken => Heard::Woken,
                    crate::wake::Waited::TimedOut => Heard::TimedOut,
                },
            };
            match heard {
                Heard::Events(events) => {
                    let ours: Vec<_> = events.iter().filter(|e| e.concerns_us()).collect();
                    self.note(|s| s.events += ours.len() as u64);
                    if !ours.is_empty() {
                        self.rescan(ours.iter().any(|e| e.action == Action::Add));
                    }
                }
                Heard::Overflow => {
                    self.note(|s| s.overflows += 1);
                    self.rescan(true);
                }
                Heard::TimedOut => self.rescan(false),
                Heard::Woken if self.stop.load(Ordering::SeqCst) => {}
                Heard::Woken => self.rescan(true),
                Heard::Failed(e) => {
                    self.socket = None;
                    let why = format!("the hot-plug socket failed: {e}");
                    self.note(|s| s.hearing = Hearing::Deaf(why));
                }
            }
        }
    }

    /// Looks at sysfs and tells every device's thread. `retry` also ends the waits of those that are
    /// down: something was plugged in, or somebody asked.
    pub(crate) fn rescan(&mut self, retry: bool) {
        let scanned = self.sysfs.scan();
        let links = self
            .sysfs
            .links(self.configs.iter().filter_map(|c| match &c.selector {
                Selector::Path(path) => Some(path.as_path()),
                _ => None,
            }));
        let mut bindings = match &scanned {
            Ok(found) => bind(&self.configs, found, &self.current, &links),
            Err(_) => bind(&self.configs, &[], &self.current, &links),
        };
        let scan_error = scanned.err().map(|e| e.to_string());
        if scan_error.is_some() {
            // Not to see is no reason to let go: what was bound stays bound.
            for (name, node) in &self.current {
                bindings.missing.remove(name);
                bindings
                    .bound
                    .entry(name.clone())
                    .or_insert_with(|| node.clone());
            }
        }
        for device in &self.devices {
            let name = &*device.name;
            let target = Target {
                node: bindings.bound.get(name).cloned(),
                missing: bindings.missing.get(name).cloned().unwrap_or_default(),
                moved: bindings.moved.contains(name),
            };
            device.aim(target, retry);
        }
        self.current = bindings.bound;
        self.note(|s| {
            s.rescans += 1;
            s.scan_error = scan_error;
            s.unbound = bindings.unbound;
        });
    }

    fn note(&self, change: impl FnOnce(&mut HotplugStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}
