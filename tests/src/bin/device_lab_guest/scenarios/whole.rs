//! The device layer as a whole: what the doctor says, and what waiting costs.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::doctor::{Finding, Neighbours, Picture, diagnose};
use shelf_devices::event::Payload;
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
use crate::machine::{self, cpu_ms};

/// How long the idle machine is watched.
const WATCHED: Duration = Duration::from_secs(4);
/// Processor time that waiting devices may take meanwhile; emulated it is some ten times the real.
const IDLE_CPU_MS_MAX: u64 = 200;
/// Looks at the processor time, at most.
const LOOKS_MAX: u32 = 4;

fn line(serial: &str) -> Result<DeviceConfig> {
    let kind = DeviceKind::LineScanner(LineScannerConfig::default());
    device("line", &format!("serial:{serial}"), kind, Share::Exclusive)
}

/// Between two pieces of noise.
const NOISE_PAUSE: Duration = Duration::from_millis(100);
/// Processor time of four seconds of noise, emulated and with the lab's own devices; running in a circle takes all
/// of them.
const NOISE_CPU_MS_MAX: u64 = 2_000;

/// What the doctor says of a desk's one device, as support reads it.
pub(crate) fn findings(desk: &Desk, config: &DeviceConfig) -> Result<String> {
    let picture = Picture {
        devices: vec![(config.clone(), desk.status()?)],
        found: Sysfs::default().scan()?,
        hotplug: desk.supervisor.hotplug(),
        neighbours: Neighbours::default(),
    };
    let findings = diagnose(&picture);
    let line = |it: &Finding| format!("{:?} {}: {}; ", it.severity, it.what, it.remedy);
    let said: String = findings.iter().map(line).collect();
    machine::say(&format!("doctor: {said}"));
    Ok(said)
}

/// A scanner that should be a serial port and is a keyboard.
pub(crate) fn wrong_mode() -> Result<()> {
    let config = line("MODE-1")?;
    let plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("MODE-1"))?;
    let desk = Desk::open(vec![config.clone()])?;
    let findings = || findings(&desk, &config);
    until(|| Ok(findings()?.contains("but as a keyboard")))?;
    drop(plugged);
    until(|| Ok(findings()?.contains("it is not there")))?;
    desk.close();
    Ok(())
}

/// The least of a few looks counts: what the computer around the machine does is counted to whoever runs in it,
/// and what runs in a circle does so in every look.
fn must_be_idle(what: &str) -> Result<()> {
    let mut least = u64::MAX;
    for _ in 0..LOOKS_MAX {
        let before = cpu_ms()?;
        pass(WATCHED);
        least = least.min(cpu_ms()? - before);
        if least <= IDLE_CPU_MS_MAX {
            return Ok(());
        }
    }
    bail!("at least {least} ms of processor time in {WATCHED:?} of {what}")
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
    must_be_idle("waiting")?;
    drop(plugged);
    until(|| Ok(ready() == 0))?;
    // Gone devices must not be looked for in a circle.
    must_be_idle("absence")?;
    desk.close();
    Ok(())
}

/// A device that talks nonsense without end, as fast as its line carries: it is told in bounded words, costs no
/// more than reading it, and starves nobody.
pub(crate) fn nonsense() -> Result<()> {
    let config = line("NOISE-1")?;
    let mut beside = line("NOISE-2")?;
    beside.name = "next".to_owned();
    let desk = Desk::open(vec![config.clone(), beside])?;
    let mut noise = UsbDevice::plug(CdcScanner::new("NOISE-1"), 0)?;
    let mut good = UsbDevice::plug(CdcScanner::new("NOISE-2"), 1)?;
    let ready = || {
        desk.supervisor
            .status()
            .iter()
            .all(|it| it.state == DeviceState::Ready)
    };
    until(|| Ok(ready()))?;
    // Their coming is old news by now.
    while desk.within(NOISE_PAUSE).is_some() {}
    let before = cpu_ms()?;
    let (mut faults, mut scans, mut notices) = (0, 0, 0);
    for tenth in 0..40_u8 {
        // 960 bytes a second are what 9600 baud carry.
        let rubbish: Vec<u8> = (0..96_u8)
            .map(|it| it.wrapping_mul(37) ^ tenth | 0x80)
            .collect();
        noise.with(|it| it.scan(&[&rubbish[..], b"\r"].concat()))?;
        if tenth % 10 == 5 {
            good.with(|it| it.scan(b"4006381333931\r"))?;
        }
        while let Some(event) = desk.within(NOISE_PAUSE) {
            match (&*event.device, event.payload) {
                ("next", Payload::Scan(scan)) if scan.bytes == b"4006381333931" => scans += 1,
                ("line", Payload::Fault(_)) => faults += 1,
                ("line", Payload::Notice(_)) => notices += 1,
                other => bail!("{other:?} in the noise"),
            }
        }
    }
    let spent = cpu_ms()? - before;
    machine::say(&format!(
        "nonsense of 4 s cost {spent} ms of processor time"
    ));
    ensure!(
        spent <= NOISE_CPU_MS_MAX,
        "{spent} ms of processor time for 4 s of noise"
    );
    ensure!(
        faults > 0 && faults <= 60 && notices <= 1,
        "{faults} faults, {notices} notices"
    );
    ensure!(scans == 4, "{scans} of 4 scans beside the noise");
    let said = findings(&desk, &config)?;
    ensure!(
        said.contains("it sends") || said.contains("could not be read"),
        "{said}"
    );
    drop((noise, good));
    until(|| {
        Ok(!desk
            .supervisor
            .status()
            .iter()
            .any(|it| it.state == DeviceState::Ready))
    })?;
    desk.close();
    Ok(())
}
