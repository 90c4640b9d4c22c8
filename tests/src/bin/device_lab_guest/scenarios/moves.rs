//! Units that change places: another unit of the same model, the same unit in another port, and a unit that
//! another process holds.

use anyhow::{Context, Result, ensure};
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::status::DeviceState;
use shelf_devices::sysfs::Sysfs;
use shelf_sim::uhid::{HidUnit, UhidDevice};
use shelf_sim::usbip::UsbDevice;
use shelf_sim::usbip::models::{CardReader, CdcScanner};

use super::whole::findings;
use crate::desk::{Desk, device, until};
use crate::other::{Other, ROOT};

const CODE: &str = "4006381333931";

fn line(selector: &str) -> Result<DeviceConfig> {
    let kind = DeviceKind::LineScanner(LineScannerConfig::default());
    device("hand", selector, kind, Share::Exclusive)
}

fn scan(desk: &Desk, plugged: &mut UsbDevice<CdcScanner>) -> Result<()> {
    desk.until_ready()?;
    plugged.with(|it| it.scan(format!("{CODE}\r").as_bytes()))?;
    desk.must_scan(CODE)
}

/// Where a unit is plugged in, as a selector by port.
fn port_of(serial: &str) -> Result<String> {
    let mut place = None;
    until(|| {
        let found = Sysfs::default().scan()?;
        let usb = found.into_iter().filter_map(|it| it.usb);
        place = usb
            .filter(|it| it.serial == serial)
            .map(|it| format!("port:{}/{}", it.port, it.model))
            .next();
        Ok(place.is_some())
    })?;
    place.context("its port")
}

/// Selected by its number, a unit is not replaced by its twin; selected by its port, it is, and goes on where
/// somebody put it.
pub(crate) fn twin_and_port() -> Result<()> {
    let mut first = UsbDevice::plug(CdcScanner::new("TWIN-1"), 1)?;
    let port = port_of("TWIN-1")?;
    let by_number = Desk::open(vec![line("serial:TWIN-1")?])?;
    scan(&by_number, &mut first)?;
    drop(first);
    by_number.until_gone()?;
    let mut second = UsbDevice::plug(CdcScanner::new("TWIN-2"), 1)?;
    let others = port_of("TWIN-2")?;
    ensure!(others == port, "another model or port: {others} {port}");
    let absent =
        matches!(by_number.status()?.state, DeviceState::Absent(why) if why.contains("no device"));
    ensure!(absent, "{:?}", by_number.status()?);
    by_number.close();

    let config = line(&port)?;
    let by_port = Desk::open(vec![config.clone()])?;
    scan(&by_port, &mut second)?;
    ensure!(!by_port.status()?.moved, "moved though it was not");
    drop(second);
    by_port.until_gone()?;
    let mut elsewhere = UsbDevice::plug(CdcScanner::new("TWIN-3"), 6)?;
    scan(&by_port, &mut elsewhere)?;
    ensure!(by_port.status()?.moved, "in another port, and not said");
    let said = findings(&by_port, &config)?;
    ensure!(said.contains("another port than configured"), "{said}");
    // Two of its model: nobody can know which is meant, and the one that works stays.
    let beside = UsbDevice::plug(CdcScanner::new("TWIN-4"), 5)?;
    port_of("TWIN-4")?;
    elsewhere.with(|it| it.scan(format!("{CODE}\r").as_bytes()))?;
    by_port.must_scan(CODE)?;
    drop(elsewhere);
    by_port.until_gone()?;
    drop(beside);
    by_port.close();
    Ok(())
}

/// What another process holds is busy, in words, and ours as soon as that one lets go.
pub(crate) fn held_by_another_process() -> Result<()> {
    let mut serial = UsbDevice::plug(CdcScanner::new("HELD-1"), 0)?;
    let _keys = UhidDevice::plug(&HidUnit::keyboard_wedge("HELD-2"))?;
    let _reader = UsbDevice::plug(CardReader::new("HELD-3"), 5)?;
    for (kind, selector) in [
        ("line", "serial:HELD-1"),
        ("keys", "serial:HELD-2"),
        ("badge", "serial:HELD-3"),
    ] {
        let words = format!("{kind}={selector}");
        let mut first = Other::start(ROOT, &[&words])?;
        first.until(kind, "ready")?;
        let mut second = Other::start(ROOT, &[&words])?;
        second.until(kind, "held by another program")?;
        if kind == "line" {
            let config = line(selector)?;
            let desk = Desk::open(vec![config.clone()])?;
            desk.until_busy()?;
            let said = findings(&desk, &config)?;
            ensure!(said.contains("holds /dev/ttyACM"), "{said}");
            drop(first);
            drop(second);
            desk.supervisor.rescan();
            scan(&desk, &mut serial)?;
            desk.close();
            continue;
        }
        drop(first);
        second.until(kind, "ready")?;
    }
    Ok(())
}
