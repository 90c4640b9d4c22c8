//! Hot-plug end to end: a made-up sysfs says what is plugged in, the nodes are real
//! pseudo-terminals, and the device keeps its name wherever it turns up.

#![allow(clippy::unwrap_used, reason = "a rig fails its test")]
#![allow(clippy::disallowed_methods, reason = "tests own their files")]

mod rig;

use std::os::unix::fs::symlink;
use std::path::Path;

use rig::{Rig, config, next_scan, status, stop, until, until_ready, until_state};
use shelf_devices::config::DeviceConfig;
use shelf_devices::netlink::Group;
use shelf_devices::selector::Selector;
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_devices::sysfs::Sysfs;
use shelf_sim::scanner_pty::{Framing, PtyScanner};

/// A PC whose `/sys` and `/dev` are in a temporary directory.
struct Pc(Rig);

impl Pc {
    fn new() -> Self {
        let rig = Rig::new();
        std::fs::create_dir_all(rig.dir.path().join("dev")).unwrap();
        Self(rig)
    }

    fn root(&self) -> &Path {
        self.0.dir.path()
    }

    /// Plugs a CDC unit in: first the node, then what sysfs says, as the kernel does.
    fn plug(&self, tty: &str, port: &str, serial: &str) -> PtyScanner {
        let scanner =
            PtyScanner::plug(self.root().join("dev").join(tty), Framing::default()).unwrap();
        let unit = self
            .root()
            .join(format!("sys/devices/pci0000:00/0000:00:14.0/usb1/{port}"));
        let interface = unit.join(format!("{port}:1.0"));
        std::fs::create_dir_all(&interface).unwrap();
        for (name, text) in [
            ("idVendor", "0c2e"),
            ("idProduct", "0b6a"),
            ("serial", serial),
        ] {
            std::fs::write(unit.join(name), text).unwrap();
        }
        std::fs::write(interface.join("bInterfaceNumber"), "00").unwrap();
        let class = self.root().join("sys/class/tty").join(tty);
        std::fs::create_dir_all(&class).unwrap();
        symlink(&interface, class.join("device")).unwrap();
        scanner
    }

    fn unplug(&self, tty: &str, mut scanner: PtyScanner) {
        std::fs::remove_dir_all(self.root().join("sys/class/tty").join(tty)).unwrap();
        scanner.hang_up();
    }

    fn start(
        &self,
        configs: Vec<DeviceConfig>,
    ) -> (Supervisor, shelf_devices::delivery::EventReceiver) {
        let mut surroundings = self.0.surroundings();
        // The kernel's own group: it is there on every machine.
        surroundings.listen_to = Some(Group::Kernel);
        surroundings.sysfs = Sysfs::new(self.root().join("sys"), self.root().join("dev"));
        Supervisor::start(&surroundings, configs).unwrap()
    }
}

fn by(name: &str, selector: &str) -> DeviceConfig {
    DeviceConfig {
        selector: selector.parse::<Selector>().unwrap(),
        ..config(name, Path::new("/nowhere"))
    }
}

#[test]
fn a_unit_moved_to_another_port_and_node_keeps_its_name() {
    let pc = Pc::new();
    let (supervisor, events) = pc.start(vec![by("hand", "serial:AB12")]);
    until_state(
        &events,
        |s| matches!(s, DeviceState::Absent(why) if why.contains("serial:AB12")),
    );
    assert_eq!(status(&supervisor, "hand").counters.opens, 0);

    let mut scanner = pc.plug("ttyACM0", "1-1", "AB12");
    supervisor.rescan();
    until_ready(&events);
    scanner.scan("11111111").unwrap();
    assert_eq!(next_scan(&events), "11111111");

    pc.unplug("ttyACM0", scanner);
    supervisor.rescan();
    until_state(&events, |s| matches!(s, DeviceState::Absent(_)));
    let mut scanner = pc.plug("ttyACM1", "1-4", "AB12");
    supervisor.rescan();
    until_ready(&events);
    scanner.scan("22222222").unwrap();
    assert_eq!(next_scan(&events), "22222222");
    let node = status(&supervisor, "hand").node.unwrap();
    assert!(node.ends_with("ttyACM1"), "{node}");
    stop(supervisor, events);
}

#[test]
fn a_twin_plugged_in_beside_does_not_disturb_and_is_reported() {
    let pc = Pc::new();
    let mut first = pc.plug("ttyACM0", "1-1", "AB12");
    let (supervisor, events) = pc.start(vec![by("hand", "serial:AB12")]);
    until_ready(&events);
    let _second = pc.plug("ttyACM1", "1-2", "AB12");
    let before = supervisor.hotplug().rescans;
    supervisor.rescan();
    until(|| supervisor.hotplug().rescans > before);
    first.scan("33333333").unwrap();
    assert_eq!(next_scan(&events), "33333333");
    let unbound = supervisor.hotplug().unbound;
    assert_eq!(unbound.len(), 1);
    assert!(
        unbound[0]
            .hint
            .contains("Honeywell without a role; another unit"),
        "{unbound:?}"
    );
    assert_eq!(status(&supervisor, "hand").counters.reopens, 0);
    stop(supervisor, events);
}

#[test]
fn a_removal_that_the_handle_does_not_notice_closes_the_device() {
    let pc = Pc::new();
    let scanner = pc.plug("ttyACM0", "1-1", "AB12");
    let (supervisor, events) = pc.start(vec![by("hand", "serial:AB12")]);
    until_ready(&events);
    std::fs::remove_dir_all(pc.root().join("sys/class/tty/ttyACM0")).unwrap();
    supervisor.rescan();
    until_state(&events, |s| matches!(s, DeviceState::Absent(_)));
    // Closed: another program may have it now.
    drop(
        serialport::new(scanner.path().to_str().unwrap(), 9600)
            .open_native()
            .unwrap(),
    );
    stop(supervisor, events);
}

#[test]
fn an_unreadable_sysfs_takes_no_device_away_and_is_reported() {
    let pc = Pc::new();
    let mut scanner = pc.plug("ttyACM0", "1-1", "AB12");
    let (supervisor, events) = pc.start(vec![by("hand", "serial:AB12")]);
    until_ready(&events);
    let class = pc.root().join("sys/class/tty");
    std::fs::rename(&class, pc.root().join("away")).unwrap();
    supervisor.rescan();
    until(|| supervisor.hotplug().scan_error.is_some());
    scanner.scan("44444444").unwrap();
    assert_eq!(next_scan(&events), "44444444");
    std::fs::rename(pc.root().join("away"), &class).unwrap();
    supervisor.rescan();
    until(|| supervisor.hotplug().scan_error.is_none());
    scanner.scan("66666666").unwrap();
    assert_eq!(next_scan(&events), "66666666");
    assert_eq!(status(&supervisor, "hand").counters.opens, 1);
    stop(supervisor, events);
}

/// Asks the kernel to announce a terminal of this machine again; only root may.
fn ask_kernel_for_an_event() -> bool {
    std::fs::write("/sys/class/tty/tty0/uevent", "add").is_ok()
}

#[test]
fn a_kernel_event_alone_brings_the_device_up() {
    let pc = Pc::new();
    let (supervisor, events) = pc.start(vec![by("hand", "serial:AB12")]);
    until_state(&events, |s| matches!(s, DeviceState::Absent(_)));
    let mut scanner = pc.plug("ttyACM0", "1-1", "AB12");
    // Without root there is no event to be had; then this proves the request to look instead.
    if !ask_kernel_for_an_event() {
        supervisor.rescan();
    }
    until_ready(&events);
    scanner.scan("55555555").unwrap();
    assert_eq!(next_scan(&events), "55555555");
    stop(supervisor, events);
}
