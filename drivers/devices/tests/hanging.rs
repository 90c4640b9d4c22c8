//! Devices that hang, and scanners that are kept from scanning: what the supervision does, with a made-up
//! sysfs in place of the bus and a counter in place of the reset.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a made-up machine fails its test"
)]

mod rig;

use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use rig::{Rig, config, config_with, next_scan, status, stop, until, until_ready, until_state};
use shelf_devices::config::DeviceConfig;
use shelf_devices::delivery::EventReceiver;
use shelf_devices::dialogue::Dialogue;
use shelf_devices::driver::{Command, Driver};
use shelf_devices::line_scanner::{LineScanner, LineScannerConfig};
use shelf_devices::rescue::RESETS_IN_A_ROW_MAX;
use shelf_devices::status::DeviceState;
use shelf_devices::supervisor::Supervisor;
use shelf_devices::transport::{OpenError, Opener, Transport};
use shelf_devices::usb::ResetError;
use shelf_devices::wake::WakeFd;
use shelf_sim::scanner_pty::Framing;

/// A port that is there and never opens.
struct Silent;

impl Driver for Silent {
    fn opener(&self) -> Box<dyn Opener> {
        Box::new(Self)
    }
    fn dialogue(&self) -> Box<dyn Dialogue> {
        let driver = LineScanner::new(LineScannerConfig::default());
        driver.dialogue()
    }
}

impl Opener for Silent {
    fn open(&mut self, path: &Path, _: &Arc<WakeFd>) -> Result<Box<dyn Transport>, OpenError> {
        Err(OpenError::Silent {
            path: path.display().to_string(),
            reason: "I/O error".to_owned(),
        })
    }
}

/// A USB unit with these ports in the rig's sysfs.
fn unit(rig: &Rig, ports: &[&str]) {
    let sys = rig.dir.path().join("sys");
    let device = sys.join("devices/pci0000:00/0000:00:14.0/usb1/1-4");
    std::fs::create_dir_all(&device).unwrap();
    for (name, text) in [
        ("idVendor", "0403\n"),
        ("idProduct", "6010\n"),
        ("busnum", "1\n"),
        ("devnum", "7\n"),
        ("serial", "HANG-1\n"),
    ] {
        std::fs::write(device.join(name), text).unwrap();
    }
    for (number, port) in ports.iter().enumerate() {
        let interface = device.join(format!("1-4:1.{number}"));
        std::fs::create_dir_all(&interface).unwrap();
        std::fs::write(interface.join("bInterfaceNumber"), format!("0{number}\n")).unwrap();
        let class = sys.join("class/tty").join(port);
        std::fs::create_dir_all(&class).unwrap();
        symlink(&interface, class.join("device")).unwrap();
    }
}

fn hanging(rig: &Rig, reset: fn(&Path) -> Result<(), ResetError>) -> (Supervisor, EventReceiver) {
    let mut surroundings = rig.surroundings();
    surroundings.reset_usb = reset;
    let config = config("hung", Path::new("/dev/ttyHUNG0"));
    let devices: Vec<(DeviceConfig, Box<dyn Driver>)> = vec![(config, Box::new(Silent))];
    Supervisor::start_with_drivers(&surroundings, devices).unwrap()
}

fn lost(state: &DeviceState, words: &str) -> bool {
    matches!(state, DeviceState::Lost(why) if why.contains(words))
}

#[test]
fn a_unit_that_does_not_answer_is_reset_once_and_then_left_for_a_while() {
    static RESETS: AtomicU32 = AtomicU32::new(0);
    fn count(unit: &Path) -> Result<(), ResetError> {
        assert_eq!(unit, Path::new("/dev/bus/usb/001/007"));
        RESETS.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
    let rig = Rig::new();
    unit(&rig, &["ttyHUNG0"]);
    let (supervisor, events) = hanging(&rig, count);
    until_state(&events, |it| lost(it, "does not answer: I/O error"));
    let words = format!("reset over USB (1 of at most {RESETS_IN_A_ROW_MAX} in a row)");
    until_state(&events, |it| lost(it, &words));
    assert_eq!(status(&supervisor, "hung").counters.opens, 3);
    // It goes on failing; the next reset is a minute away.
    until(|| status(&supervisor, "hung").counters.opens >= 6);
    assert_eq!(RESETS.load(Ordering::SeqCst), 1);
    assert_eq!(status(&supervisor, "hung").counters.resets, 1);
    stop(supervisor, events);
}

#[test]
fn a_unit_with_a_second_port_is_never_reset() {
    fn never(_: &Path) -> Result<(), ResetError> {
        panic!("reset although its other port may be paying")
    }
    let rig = Rig::new();
    unit(&rig, &["ttyHUNG0", "ttyPAY0"]);
    let (supervisor, events) = hanging(&rig, never);
    until_state(&events, |it| lost(it, "something else on the same unit"));
    let known = status(&supervisor, "hung").counters;
    assert_eq!((known.resets, known.panics), (0, 0));
    stop(supervisor, events);
}

#[test]
fn a_reset_that_is_refused_says_what_it_takes() {
    fn refused(unit: &Path) -> Result<(), ResetError> {
        Err(ResetError::Refused {
            node: unit.display().to_string(),
            source: rusb::Error::Access,
        })
    }
    let rig = Rig::new();
    unit(&rig, &["ttyHUNG0"]);
    let (supervisor, events) = hanging(&rig, refused);
    until_state(&events, |it| {
        lost(it, "write access to that node is needed")
    });
    stop(supervisor, events);
}

fn stoppable() -> LineScannerConfig {
    LineScannerConfig {
        accepted_bytes: b"B".to_vec(),
        enable_bytes: b"E".to_vec(),
        disable_bytes: b"D".to_vec(),
        ..LineScannerConfig::default()
    }
}

#[test]
fn a_scanner_is_kept_from_scanning_over_a_reopening_and_let_scan_at_the_end() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("ttyS", Framing::default());
    let configs = vec![config_with("hand", scanner.path(), stoppable())];
    let (supervisor, events) = rig.start(configs);
    until_ready(&events);
    let heard = |scanner: &mut shelf_sim::scanner_pty::PtyScanner, bytes: usize| {
        let wrote = scanner.host_wrote(bytes, rig::PATIENCE).unwrap();
        String::from_utf8(wrote).unwrap()
    };
    // An earlier host may have left it off.
    assert_eq!(heard(&mut scanner, 1), "E");
    supervisor.enable("hand", false).unwrap();
    assert_eq!(heard(&mut scanner, 1), "D");
    until(|| status(&supervisor, "hand").is_disabled);
    scanner.hang_up();
    until_state(&events, |it| matches!(it, DeviceState::Lost(_)));
    scanner.replug().unwrap();
    supervisor.rescan();
    until_ready(&events);
    assert_eq!(heard(&mut scanner, 2), "ED");
    supervisor.enable("hand", true).unwrap();
    assert_eq!(heard(&mut scanner, 1), "E");
    until(|| !status(&supervisor, "hand").is_disabled);
    scanner.scan("4006381333931").unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    // Told the same again, it is told nothing; stopped while it is off, it is left on.
    supervisor.enable("hand", true).unwrap();
    supervisor.enable("hand", false).unwrap();
    assert_eq!(heard(&mut scanner, 1), "D");
    let last = std::thread::spawn(move || heard(&mut scanner, 1));
    stop(supervisor, events);
    assert_eq!(last.join().unwrap(), "E");
}

#[test]
fn a_scanner_that_only_talks_is_left_alone() {
    let rig = Rig::new();
    let mut scanner = rig.scanner("ttyS", Framing::default());
    let config = LineScannerConfig {
        accepted_bytes: b"B".to_vec(),
        ..LineScannerConfig::default()
    };
    let configs = vec![config_with("hand", scanner.path(), config)];
    let (supervisor, events) = rig.start(configs);
    until_ready(&events);
    supervisor.enable("hand", false).unwrap();
    scanner.scan("4006381333931").unwrap();
    assert_eq!(next_scan(&events), "4006381333931");
    supervisor.command("hand", Command::Accepted).unwrap();
    assert_eq!(scanner.host_wrote(1, rig::PATIENCE).unwrap(), b"B");
    assert!(!status(&supervisor, "hand").is_disabled);
    assert!(supervisor.enable("nobody", true).is_err());
    stop(supervisor, events);
}
