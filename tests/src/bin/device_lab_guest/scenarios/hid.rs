//! Scanners on `/dev/hidraw*`, made by the kernel's uhid.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use shelf_codecs::barcode::{Aim, Symbology};
use shelf_codecs::scanner::hid_pos::descriptor::parse;
use shelf_codecs::scanner::hid_pos::{Layout, SAMPLE_DESCRIPTOR, encode};
use shelf_codecs::scanner::oem::{OemCommand, OemStatus, encode_scan, encode_status};
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::decoder::FaultCause;
use shelf_devices::driver::Command;
use shelf_devices::event::Payload;
use shelf_devices::hid_scanner::HidScannerConfig;
use shelf_sim::uhid::{HidUnit, UhidDevice};

use crate::desk::{Desk, device};

const EAN: Aim = Aim {
    code: b'E',
    modifier: b'0',
};
/// How long the unit waits for what the host sends.
const ANSWER: Duration = Duration::from_secs(10);
/// Longer than two reports.
const LONG: &str = "0109520000000011213456789012345678901234567890\
                    1234567890123456789012345678901234567890123456789012345678901234567890";

fn scanner(serial: &str) -> Result<DeviceConfig> {
    let kind = DeviceKind::HidScanner(HidScannerConfig::default());
    device("hand", &format!("serial:{serial}"), kind, Share::Exclusive)
}

/// The reports of a POS scanner for a code.
pub(crate) fn reports(unit: &HidUnit, code: &str) -> Result<Vec<Vec<u8>>> {
    let layouts = Layout::resolve(&parse(&unit.descriptor), unit.vendor);
    let layout = layouts.first().context("the unit's own layout")?;
    Ok(encode(layout, code.as_bytes(), Some(EAN), 0))
}

fn send(unit: &mut UhidDevice, reports: &[Vec<u8>]) -> Result<()> {
    for report in reports {
        unit.input(report)?;
    }
    Ok(())
}

pub(crate) fn pos_scanner() -> Result<()> {
    let unit = HidUnit::pos_scanner("POS-1");
    let desk = Desk::open(vec![scanner("POS-1")?])?;
    for round in 0..3 {
        let mut plugged = UhidDevice::plug(&unit)?;
        desk.until_ready()?;
        let code = format!("952000000{round:04}");
        send(&mut plugged, &reports(&unit, &code)?)?;
        desk.must_scan(&code)?;
        send(&mut plugged, &reports(&unit, LONG)?)?;
        desk.must_scan(LONG)?;
        // The beep after the commit, from what the descriptor offers.
        desk.supervisor.command("hand", Command::Accepted)?;
        let beep = plugged.output(ANSWER)?.context("no beep")?;
        ensure!(beep == [5, 1], "the beep was {beep:?}");
        // Unplugged in the middle of a code.
        let half = reports(&unit, LONG)?;
        plugged.input(&half[0])?;
        crate::desk::until(|| Ok(desk.status()?.last_data.is_some()))?;
        drop(plugged);
        let fault = desk.fault_or_gone()?;
        ensure!(
            fault.is_none_or(|it| it.cause == FaultCause::CutOff),
            "half a code was no cut-off"
        );
    }
    desk.close();
    Ok(())
}

/// A maker whose scanners want a feature report before they send whole codes, and whose beep is a
/// command of its own.
pub(crate) fn maker_switch() -> Result<()> {
    let unit = HidUnit {
        vendor: 0x0C2E,
        descriptor: SAMPLE_DESCRIPTOR.to_vec(),
        ..HidUnit::pos_scanner("HON-1")
    };
    let desk = Desk::open(vec![scanner("HON-1")?])?;
    let mut plugged = UhidDevice::plug(&unit)?;
    crate::desk::until(|| {
        let output = plugged.output(Duration::from_millis(50))?;
        ensure!(output.is_none(), "{output:?} before the switch");
        Ok(plugged.features == [[0xFE, 0x01]])
    })?;
    desk.until_ready()?;
    send(&mut plugged, &reports(&unit, "4006381333931")?)?;
    desk.must_scan("4006381333931")?;
    desk.supervisor.command("hand", Command::Accepted)?;
    let beep = plugged.output(ANSWER)?.context("no beep")?;
    ensure!(beep == [0xFD, 3, 0x16, 0x07, 0x0D], "the beep was {beep:?}");
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

/// Two hundred codes as fast as the kernel takes them: all arrive, or it is said that some may be
/// missing.
pub(crate) fn burst() -> Result<()> {
    const CODES: usize = 200;
    let unit = HidUnit::pos_scanner("POS-2");
    let desk = Desk::open(vec![scanner("POS-2")?])?;
    let mut plugged = UhidDevice::plug(&unit)?;
    desk.until_ready()?;
    for number in 0..CODES {
        send(&mut plugged, &reports(&unit, &format!("{number:013}"))?)?;
    }
    // One more after a pause ends the count, whatever was lost before it.
    crate::desk::settle();
    send(&mut plugged, &reports(&unit, "9999999999999")?)?;
    let (mut scanned, mut overruns) = (Vec::new(), 0);
    loop {
        match desk.next()?.payload {
            Payload::Scan(scan) if scan.bytes == b"9999999999999" => break,
            Payload::Scan(scan) => scanned.push(String::from_utf8_lossy(&scan.bytes).into_owned()),
            Payload::Fault(fault) if fault.cause == FaultCause::Overrun => overruns += 1,
            other => anyhow::bail!("{other:?} in a burst"),
        }
    }
    ensure!(scanned.is_sorted(), "codes out of order");
    let lost = CODES - scanned.len();
    ensure!(
        lost == 0 || overruns > 0,
        "{lost} codes lost without a word"
    );
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

pub(crate) fn oem_scanner() -> Result<()> {
    let unit = HidUnit::ibm_oem_scanner("OEM-1");
    let ready = OemStatus([0x10, 0x03, 0]);
    let desk = Desk::open(vec![scanner("OEM-1")?])?;
    for _ in 0..3 {
        let mut plugged = UhidDevice::plug(&unit)?;
        desk.until_ready()?;
        let enable = plugged.output(ANSWER)?.context("it was not enabled")?;
        let enable = enable.strip_prefix(&[0]).unwrap_or(&enable);
        ensure!(
            OemCommand::decode(enable) == Some(OemCommand::Enable),
            "the first command was {enable:?}"
        );
        // The label as a table-top scanner sends it, then a long one in several reports.
        for (text, symbology, digits) in [
            ("4006381333931", Symbology::Ean13, true),
            (LONG, Symbology::Qr, false),
        ] {
            for mut report in encode_scan(text.as_bytes(), symbology, ready, digits) {
                report.resize(64, 0);
                plugged.input(&report)?;
            }
            desk.must_scan(text)?;
        }
        drop(plugged);
        desk.until_gone()?;
    }
    desk.close();
    Ok(())
}

/// What the host wrote next, as a command.
fn told(plugged: &mut UhidDevice) -> Result<OemCommand> {
    let report = plugged.output(ANSWER)?.context("it was told nothing")?;
    let report = report.strip_prefix(&[0]).unwrap_or(&report);
    OemCommand::decode(report).with_context(|| format!("{report:02X?}"))
}

/// Kept from scanning while nobody can take a scan, over a plug, and told to scan again; a configuration is
/// written and read back.
pub(crate) fn oem_off_and_on() -> Result<()> {
    let unit = HidUnit::ibm_oem_scanner("OEM-2");
    let on = OemStatus([0x10, 0x03, 0]);
    let off = OemStatus([0x10, 0x01, 0]);
    let desk = Desk::open(vec![scanner("OEM-2")?])?;
    let mut plugged = UhidDevice::plug(&unit)?;
    desk.until_ready()?;
    let confirm = |plugged: &mut UhidDevice, wanted: OemCommand, status: OemStatus| -> Result<()> {
        let first = told(plugged)?;
        ensure!(first == wanted, "told {first:?} instead of {wanted:?}");
        let second = told(plugged)?;
        ensure!(second == OemCommand::Status, "asked {second:?}");
        let mut report = encode_status(status);
        report.resize(64, 0);
        Ok(plugged.input(&report)?)
    };
    confirm(&mut plugged, OemCommand::Enable, on)?;
    desk.supervisor.enable("hand", false)?;
    confirm(&mut plugged, OemCommand::Disable, off)?;
    crate::desk::until(|| Ok(desk.status()?.is_disabled))?;
    drop(plugged);
    desk.until_gone()?;
    let mut plugged = UhidDevice::plug(&unit)?;
    desk.until_ready()?;
    confirm(&mut plugged, OemCommand::Enable, on)?;
    confirm(&mut plugged, OemCommand::Disable, off)?;
    desk.supervisor.enable("hand", true)?;
    confirm(&mut plugged, OemCommand::Enable, on)?;
    // It forgot by itself, as after a reset of its own.
    let mut report = encode_status(off);
    report.resize(64, 0);
    plugged.input(&report)?;
    confirm(&mut plugged, OemCommand::Enable, on)?;
    for wanted in [
        OemCommand::ReadConfig,
        OemCommand::WriteConfig([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        OemCommand::BeeperOff,
    ] {
        let bytes = [&[0], &wanted.encode()[..]].concat();
        desk.supervisor.command("hand", Command::Write(bytes))?;
        let heard = told(&mut plugged)?;
        ensure!(heard == wanted, "{heard:?} instead of {wanted:?}");
    }
    // Its configuration is an answer, never a scan.
    let mut answer = vec![14, 0x12, 0x03, 0x01, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10];
    answer.resize(64, 0);
    plugged.input(&answer)?;
    for report in encode_scan(b"4006381333931", Symbology::Ean13, on, false) {
        let mut report = report;
        report.resize(64, 0);
        plugged.input(&report)?;
    }
    desk.must_scan("4006381333931")?;
    let status = desk.status()?;
    ensure!(
        status.notice.is_none() && status.counters.faults == 0,
        "{status:?}"
    );
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}
