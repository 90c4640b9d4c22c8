//! What the device tests share: a clock, a made-up sysfs, scanners on pseudo-terminals, and waiting
//! for events with a deadline (never a sleep).
#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a rig fails its test"
)]
#![allow(
    clippy::disallowed_methods,
    reason = "tests own their clock and their files"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use shelf_devices::clock::{Clock, Stamp};
use shelf_devices::config::{DeviceConfig, DeviceKind, Role, Share};
use shelf_devices::delivery::EventReceiver;
use shelf_devices::event::{DeviceEvent, Payload};
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::selector::Selector;
use shelf_devices::status::{Counters, DeviceState, DeviceStatus};
use shelf_devices::supervisor::Supervisor;
use shelf_devices::surroundings::Surroundings;
use shelf_devices::sysfs::Sysfs;
use shelf_sim::scanner_pty::{Framing, PtyScanner};

/// Longest wait for anything that must happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct TestClock(Instant);

impl TestClock {
    pub(crate) fn shared() -> Arc<dyn Clock> {
        Arc::new(Self(Instant::now()))
    }
}

impl Clock for TestClock {
    fn now(&self) -> Stamp {
        let mono_us = u64::try_from(self.0.elapsed().as_micros()).unwrap();
        Stamp {
            mono_us,
            wall_ms: 1_700_000_000_000,
        }
    }
}

/// A directory with scanners and an empty sysfs.
pub(crate) struct Rig {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) queue_events_max: usize,
    pub(crate) spill_bytes_max: usize,
}

impl Rig {
    pub(crate) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(dir.path().join("sys/class/tty")).unwrap();
        Self {
            dir,
            queue_events_max: 256,
            spill_bytes_max: 1024 * 1024,
        }
    }

    pub(crate) fn surroundings(&self) -> Surroundings {
        let mut s = Surroundings::of_this_machine(TestClock::shared(), 7, 1);
        s.sysfs = Sysfs::new(self.dir.path().join("sys"), "/dev");
        // Events of this machine, or of another test, must not disturb the counts.
        s.listen_to = None;
        s.queue_events_max = self.queue_events_max;
        s.spill_bytes_max = self.spill_bytes_max;
        s
    }

    pub(crate) fn scanner(&self, name: &str, framing: Framing) -> PtyScanner {
        PtyScanner::plug(self.dir.path().join(name), framing).unwrap()
    }

    pub(crate) fn start(&self, configs: Vec<DeviceConfig>) -> (Supervisor, EventReceiver) {
        Supervisor::start(&self.surroundings(), configs).unwrap()
    }
}

pub(crate) fn config(name: &str, path: &Path) -> DeviceConfig {
    config_with(name, path, LineScannerConfig::default())
}

pub(crate) fn config_with(name: &str, path: &Path, scanner: LineScannerConfig) -> DeviceConfig {
    DeviceConfig {
        name: name.to_owned(),
        selector: Selector::Path(path.to_owned()),
        kind: DeviceKind::LineScanner(scanner),
        role: Role::Till("1".to_owned()),
        share: Share::Exclusive,
    }
}

/// The next event, or a failure that says that none came.
pub(crate) fn next(events: &EventReceiver) -> DeviceEvent {
    events
        .recv_timeout(PATIENCE)
        .expect("an event within the deadline")
}

/// Takes events until one is the state wanted; returns what came before.
pub(crate) fn until_state(
    events: &EventReceiver,
    wanted: impl Fn(&DeviceState) -> bool,
) -> Vec<DeviceEvent> {
    let mut before = Vec::new();
    loop {
        let event = next(events);
        match &event.payload {
            Payload::State(state) if wanted(state) => return before,
            _ => before.push(event),
        }
    }
}

pub(crate) fn until_ready(events: &EventReceiver) -> Vec<DeviceEvent> {
    until_state(events, |s| *s == DeviceState::Ready)
}

/// The text of the next scan; anything else but a state fails.
pub(crate) fn next_scan(events: &EventReceiver) -> String {
    loop {
        match next(events).payload {
            Payload::Scan(scan) => return String::from_utf8_lossy(&scan.bytes).into_owned(),
            Payload::State(_) => {}
            other => panic!("{other:?} instead of a scan"),
        }
    }
}

pub(crate) fn status(supervisor: &Supervisor, name: &str) -> DeviceStatus {
    supervisor
        .status()
        .into_iter()
        .find(|s| s.name == name)
        .expect("a configured device")
}

/// Waits until a device's counters say so; for what leaves no event behind.
pub(crate) fn until_counted(
    supervisor: &Supervisor,
    name: &str,
    reached: impl Fn(&Counters) -> bool,
) {
    until(|| reached(&status(supervisor, name).counters));
}

/// Waits until something is so that leaves no event behind.
pub(crate) fn until(is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(
            start.elapsed() < PATIENCE,
            "it did not become so in {PATIENCE:?}"
        );
        std::thread::yield_now();
    }
}

/// Stops everything and returns what was still undelivered.
pub(crate) fn stop(supervisor: Supervisor, events: EventReceiver) -> Vec<DeviceEvent> {
    supervisor.stop();
    let mut rest = Vec::new();
    while let Some(event) = events.recv() {
        rest.push(event);
    }
    supervisor.join();
    rest
}
