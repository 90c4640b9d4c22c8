//! The device layer as a whole: what the doctor says, and what waiting costs.

use std::time::Duration;

use anyhow::{Result, ensure};
use shelf_devices::config::{DeviceKind, Share};
use shelf_devices::doctor::{Neighbours, Picture, diagnose};
use shelf_devices::hid_scanner::HidScannerConfig;
use shelf_devices::keyboard_scanner::KeyboardScannerConfig;
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::status::DeviceState;
use shelf_devices::sysfs::Sysfs;
use shelf_sim::uhid::{HidUnit, UhidDevice};
use shelf_sim::usbip::UsbDevice;
use shelf_sim::usbip::models::CdcScanner;
use shelf_tests::patience::pass;

use crate::desk::{Desk, device, until};
use crate::machine::cpu_ms;

/// How long the idle machine is watched.
const WATCHED: Duration = Duration::from_secs(4);
/// Processor time that waiting devices may take meanwhile; emulated it is some ten times the real.
const IDLE_CPU_MS_MAX: u64 = 200;

fn line(serial: &str) -> Result<shelf_devices::config::DeviceConfig> {
    let kind = DeviceKind::LineScanner(LineScannerConfig::default());
    device("line", &format!("serial:{serial}"), kind, Share::Exclusive)
}

/// A scanner that should be a serial port and is a keyboard.
pub(crate) fn wrong_mode() -> Result<()> {
    let config = line("MODE-1")?;
    let plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("MODE-1"))?;
    let desk = Desk::open(vec![config.clone()])?;
    let findings = || -> Result<String> {
        let picture = Picture {
            devices: vec![(config.clone(), desk.status()?)],
            found: Sysfs::default().scan()?,
            hotplug: desk.supervisor.hotplug(),
            neighbours: Neighbours::default(),
        };
        let findings = diagnose(&picture);
        Ok(findings.iter().map(|it| format!("{} ", it.what)).collect())
    };
    until(|| Ok(findings()?.contains("but as a keyboard")))?;
    drop(plugged);
    until(|| Ok(findings()?.contains("it is not there")))?;
    desk.close();
    Ok(())
}

/// Three devices that nobody uses, and one that isn't there.
pub(crate) fn idle() -> Result<()> {
    let hid = DeviceKind::HidScanner(HidScannerConfig::default());
    let keyboard = DeviceKind::KeyboardScanner(KeyboardScannerConfig::default());
    let mut absent = line("NOWHERE")?;
    absent.name = "absent".to_owned();
    let desk = Desk::open(vec![
        line("IDLE-1")?,
        device("hid", "serial:IDLE-2", hid, Share::Exclusive)?,
        device("keys", "serial:IDLE-3", keyboard, Share::Exclusive)?,
        absent,
    ])?;
    let plugged = (
        UsbDevice::plug(CdcScanner::new("IDLE-1"), 0)?,
        UhidDevice::plug(&HidUnit::pos_scanner("IDLE-2"))?,
        UhidDevice::plug(&HidUnit::keyboard_wedge("IDLE-3"))?,
    );
    let ready = || {
        let all = desk.supervisor.status();
        all.iter()
            .filter(|it| it.state == DeviceState::Ready)
            .count()
    };
    until(|| Ok(ready() == 3))?;
    let before = cpu_ms()?;
    pass(WATCHED);
    let spent = cpu_ms()? - before;
    ensure!(
        spent <= IDLE_CPU_MS_MAX,
        "{spent} ms of processor time in {WATCHED:?} of waiting"
    );
    drop(plugged);
    until(|| Ok(ready() == 0))?;
    // Gone devices must not be looked for in a circle.
    let before = cpu_ms()?;
    pass(WATCHED);
    let spent = cpu_ms()? - before;
    ensure!(
        spent <= IDLE_CPU_MS_MAX,
        "{spent} ms of processor time in {WATCHED:?} of absence"
    );
    desk.close();
    Ok(())
}
