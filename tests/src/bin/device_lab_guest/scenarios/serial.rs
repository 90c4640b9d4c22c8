//! Scanners on `/dev/ttyACM*` and `/dev/ttyUSB*`, behind the real `cdc_acm` and `ftdi_sio`.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shelf_codecs::scale::Protocol;
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::decoder::FaultCause;
use shelf_devices::driver::Command;
use shelf_devices::line_scanner::LineScannerConfig;
use shelf_devices::scale::ScaleConfig;
use shelf_devices::status::DeviceState;
use shelf_devices::sysfs::Sysfs;
use shelf_devices::weighing::NoWeight;
use shelf_sim::usbip::UsbDevice;
use shelf_sim::usbip::models::{CdcScanner, FtdiScanner};

use crate::desk::{Desk, device, until};
use crate::machine::ask;

const CODE: &str = "4006381333931";

fn line(serial: &str) -> Result<DeviceConfig> {
    let kind = DeviceKind::LineScanner(LineScannerConfig {
        accepted_bytes: b"B".to_vec(),
        ..LineScannerConfig::default()
    });
    device("hand", &format!("serial:{serial}"), kind, Share::Exclusive)
}

pub(crate) fn cdc() -> Result<()> {
    let desk = Desk::open(vec![line("ACM-1")?])?;
    for round in 0..3 {
        // Another port each time: the serial number is what counts.
        let mut plugged = UsbDevice::plug(CdcScanner::new("ACM-1"), round)?;
        desk.until_ready()?;
        plugged.with(|it| it.scan(format!("{CODE}\r").as_bytes()))?;
        desk.must_scan(CODE)?;
        desk.supervisor.command("hand", Command::Accepted)?;
        until(|| Ok(plugged.with(|it| it.from_host == b"B")?))?;
        let bytes = desk.status()?.counters.bytes_in;
        plugged.with(|it| it.scan(b"400638"))?;
        until(|| Ok(desk.status()?.counters.bytes_in == bytes + 6))?;
        drop(plugged);
        let fault = desk.fault_or_gone()?.context("half a code left no fault")?;
        ensure!(fault.cause == FaultCause::CutOff, "{fault:?}");
        desk.until_gone()?;
    }
    ensure!(desk.status()?.counters.opens < 40, "opened in a circle");
    desk.close();
    Ok(())
}

pub(crate) fn ftdi() -> Result<()> {
    let desk = Desk::open(vec![line("FT-1")?])?;
    for _ in 0..2 {
        let mut plugged = UsbDevice::plug(FtdiScanner::new("FT-1"), 3)?;
        desk.until_ready()?;
        plugged.with(|it| it.scan(format!("{CODE}\r").as_bytes()))?;
        desk.must_scan(CODE)?;
        desk.supervisor.command("hand", Command::Accepted)?;
        until(|| Ok(plugged.with(|it| it.from_host == b"B")?))?;
        drop(plugged);
        desk.until_gone()?;
    }
    desk.close();
    Ok(())
}

/// A converter that hangs is reset over libusb, and is read again without anybody plugging anything.
pub(crate) fn reset() -> Result<()> {
    let desk = Desk::open(vec![line("RESET-1")?])?;
    let mut plugged = UsbDevice::plug(FtdiScanner::new("RESET-1"), 4)?;
    desk.until_ready()?;
    for _ in 0..2 {
        let node = desk.status()?.node.context("a node")?;
        let unit = Sysfs::default()
            .usb_node(Path::new(&node))
            .context("its USB device")?;
        shelf_devices::usb::reset(&unit)?;
        desk.until_gone()?;
        desk.until_ready()?;
        plugged.with(|it| it.scan(format!("{CODE}\r").as_bytes()))?;
        desk.must_scan(CODE)?;
    }
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

/// A converter that somebody else made: QEMU's.
pub(crate) fn ftdi_of_the_machine() -> Result<()> {
    let desk = Desk::open(vec![line("FT0001")?])?;
    ask("chardev ser");
    for _ in 0..2 {
        ask("plug usb-serial ser0 serial=FT0001 chardev=ser");
        desk.until_ready()?;
        ask(&format!("send ser {CODE}"));
        desk.must_scan(CODE)?;
        ask("unplug ser0");
        desk.until_gone()?;
    }
    desk.close();
    Ok(())
}

/// A converter that hangs behind a scale: after three weighings without an answer the device layer resets it by
/// itself, says so, and the fourth weighs.
pub(crate) fn hung_scale() -> Result<()> {
    let scale = ScaleConfig::new(Protocol::Toledo8217);
    let config = device(
        "scale",
        "serial:HANG-1",
        DeviceKind::Scale(scale),
        Share::Exclusive,
    )?;
    let desk = Desk::open(vec![config.clone()])?;
    let mut plugged = UsbDevice::plug(FtdiScanner::hanging("HANG-1"), 4)?;
    desk.until_ready()?;
    let weigh = |question| {
        let unit_price_minor = None;
        let command = Command::Weigh {
            question,
            unit_price_minor,
        };
        desk.supervisor.command("scale", command)
    };
    for question in 1..=3 {
        weigh(question)?;
        let outcome = desk.weighed()?.outcome;
        ensure!(
            outcome == Err(NoWeight::NoAnswer),
            "{outcome:?} of a hung converter"
        );
    }
    let mut told = String::new();
    until(|| {
        while let Some(event) = desk.within(Duration::from_millis(20)) {
            told.push_str(&format!("{:?} ", event.payload));
        }
        Ok(told.contains("reset over USB (1 of"))
    })
    .with_context(|| told.clone())?;
    until(|| Ok(desk.status()?.state == DeviceState::Ready))?;
    let said = super::whole::findings(&desk, &config)?;
    ensure!(said.contains("reset over USB"), "{said}");
    weigh(4)?;
    // It answers now; the weight as 7E1 comes out of a converter that checks the parity.
    until(|| Ok(plugged.with(|it| it.from_host.ends_with(b"W"))?))?;
    plugged.with(|it| it.scan(b"\x0201.250\r"))?;
    let outcome = desk.weighed()?.outcome;
    ensure!(
        outcome.is_ok_and(|it| it.grams() == Some(1_250)),
        "{outcome:?}"
    );
    ensure!(desk.status()?.counters.resets == 1, "{:?}", desk.status()?);
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}
