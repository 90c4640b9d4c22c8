//! Scanners that type, on `/dev/input/event*`, and what the console sees of them.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use shelf_codecs::barcode::{Barcode, PrefixScheme, interpret};
use shelf_codecs::scanner::Terminator;
use shelf_codecs::scanner::wedge::layout::KeyboardLayout;
use shelf_codecs::scanner::wedge::{WedgeConfig, encode};
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::event::Payload;
use shelf_devices::hid_scanner::HidScannerConfig;
use shelf_devices::keyboard_scanner::KeyboardScannerConfig;
use shelf_devices::relay::RelayTo;
use shelf_sim::uhid::{HidUnit, UhidDevice};
use shelf_sim::wedge::boot_reports;
use shelf_tests::patience::pass;

use crate::console::Console;
use crate::desk::{Desk, device};
use crate::machine::ask;

const CODE: &str = "4006381333931";
/// Between two keys; real scanners take 1 to 20 ms.
const KEY_PAUSE: Duration = Duration::from_millis(4);

fn wedge(serial: &str, share: Share) -> Result<DeviceConfig> {
    let kind = DeviceKind::KeyboardScanner(KeyboardScannerConfig::default());
    device("hand", &format!("serial:{serial}"), kind, share)
}

fn keys(code: &str) -> Result<Vec<[u8; 8]>> {
    let keys = encode(code, &WedgeConfig::default(), Some(Terminator::Cr)).context("a layout")?;
    boot_reports(&keys).context("boot keys")
}

fn type_code(unit: &mut UhidDevice, code: &str) -> Result<()> {
    for report in keys(code)? {
        unit.input(&report)?;
        pass(KEY_PAUSE);
    }
    Ok(())
}

/// What the console sees of a code: Enter is a carriage return there.
fn on_console(code: &str) -> String {
    format!("{code}\r")
}

pub(crate) fn exclusive() -> Result<()> {
    let mut console = Console::open()?;
    // Without us the console sees every key: so the silence below means something.
    let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-1"))?;
    console.connected(|| type_code(&mut plugged, "x"))?;
    type_code(&mut plugged, CODE)?;
    console.must_see(&on_console(CODE))?;
    drop(plugged);

    let desk = Desk::open(vec![wedge("W-1", Share::Exclusive)?])?;
    for round in 0..3 {
        let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-1"))?;
        desk.until_ready()?;
        let code = format!("SHELF-{round}/x");
        type_code(&mut plugged, &code)?;
        desk.must_scan(&code)?;
        console.must_see_nothing()?;
        // Unplugged in the middle of a code.
        for report in keys(CODE)?.iter().take(9) {
            plugged.input(report)?;
        }
        drop(plugged);
        let fault = desk.fault_or_gone()?;
        if let Some(fault) = fault {
            ensure!(fault.bytes_total < 13, "a whole code of half its keys");
        }
    }
    desk.close();
    console.must_see_nothing()
}

pub(crate) fn shared() -> Result<()> {
    let mut console = Console::open()?;
    let desk = Desk::open(vec![wedge("W-2", Share::Shared)?])?;
    let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-2"))?;
    desk.until_ready()?;
    type_code(&mut plugged, CODE)?;
    desk.must_scan(CODE)?;
    console.must_see(&on_console(CODE))?;
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

pub(crate) fn relayed() -> Result<()> {
    let mut console = Console::open()?;
    let relay = Share::Relay(RelayTo::Keyboard(KeyboardLayout::Us));
    let desk = Desk::open(vec![wedge("W-3", relay)?])?;
    let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-3"))?;
    desk.until_ready()?;
    type_code(&mut plugged, CODE)?;
    desk.must_scan(CODE)?;
    // Once: grabbed from the scanner, typed on by us.
    console.must_see(&on_console(CODE))?;
    console.must_see_nothing()?;
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

/// Two programs want the same scanner: the second says who it can't be, and gets it when it is free.
pub(crate) fn busy() -> Result<()> {
    let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-4"))?;
    let first = Desk::open(vec![wedge("W-4", Share::Exclusive)?])?;
    first.until_ready()?;
    let second = Desk::open(vec![wedge("W-4", Share::Exclusive)?])?;
    second.until_busy()?;
    type_code(&mut plugged, CODE)?;
    first.must_scan(CODE)?;
    first.close();
    second.supervisor.rescan();
    second.until_ready()?;
    type_code(&mut plugged, CODE)?;
    second.must_scan(CODE)?;
    drop(plugged);
    second.until_gone()?;
    second.close();
    Ok(())
}

/// Keys faster than any scanner types: whole codes, or faults that say so; never a short one.
pub(crate) fn burst() -> Result<()> {
    const CODES: usize = 40;
    let desk = Desk::open(vec![wedge("W-5", Share::Exclusive)?])?;
    let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-5"))?;
    desk.until_ready()?;
    for _ in 0..CODES {
        for report in keys(CODE)? {
            plugged.input(&report)?;
        }
    }
    crate::desk::settle();
    type_code(&mut plugged, "THE-END")?;
    loop {
        match desk.next()?.payload {
            Payload::Scan(scan) if scan.bytes == b"THE-END" => break,
            Payload::Scan(scan) => {
                let text = String::from_utf8_lossy(&scan.bytes).into_owned();
                ensure!(text == CODE, "{text:?} was never scanned");
            }
            Payload::Fault(_) => {}
            other => bail!("{other:?} in a burst"),
        }
    }
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

/// A keyboard that somebody else made, behind the real USB driver: QEMU's.
pub(crate) fn on_usb() -> Result<()> {
    let mut console = Console::open()?;
    let desk = Desk::open(vec![wedge("KBD7", Share::Exclusive)?])?;
    for _ in 0..2 {
        ask("plug usb-kbd kbd0 serial=KBD7");
        desk.until_ready()?;
        ask(&format!("type {CODE}"));
        desk.must_scan(CODE)?;
        console.must_see_nothing()?;
        ask("unplug kbd0");
        desk.until_gone()?;
    }
    desk.close();
    Ok(())
}

/// A card swiped through a reader that types: the till is told that it is a payment means, the console sees
/// nothing, and its number is nowhere.
pub(crate) fn magstripe() -> Result<()> {
    const PAN: &str = "4111111111111111";
    let mut console = Console::open()?;
    let desk = Desk::open(vec![wedge("W-6", Share::Exclusive)?])?;
    let mut plugged = UhidDevice::plug(&HidUnit::keyboard_wedge("W-6"))?;
    desk.until_ready()?;
    for track in [
        format!("%B{PAN}^DOE/JANE^29121010000000000?"),
        format!(";{PAN}=29121010000000000?"),
    ] {
        type_code(&mut plugged, &track)?;
        let scan = loop {
            match desk.next()?.payload {
                Payload::Scan(scan) => break scan,
                Payload::State(_) => {}
                other => bail!("{other:?} instead of a swipe"),
            }
        };
        let read = interpret(&scan.text(PrefixScheme::None), &[]);
        ensure!(
            matches!(read, Barcode::Refused(_)),
            "a card was taken for {read:?}"
        );
        ensure!(
            !format!("{scan:?}").contains("11111111"),
            "its number in {scan:?}"
        );
    }
    console.must_see_nothing()?;
    let kept = format!("{:?}", desk.status()?);
    ensure!(!kept.contains("11111111") && kept.contains("***"), "{kept}");
    type_code(&mut plugged, CODE)?;
    desk.must_scan(CODE)?;
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}

/// A scanner that sends whole reports, beside a POS that wants them typed: once, through a real virtual keyboard.
pub(crate) fn typed_on() -> Result<()> {
    let mut console = Console::open()?;
    let relay = Share::Relay(RelayTo::Keyboard(KeyboardLayout::Us));
    let kind = DeviceKind::HidScanner(HidScannerConfig::default());
    let desk = Desk::open(vec![device("hand", "serial:TYPED-1", kind, relay)?])?;
    let unit = HidUnit::pos_scanner("TYPED-1");
    let mut plugged = UhidDevice::plug(&unit)?;
    desk.until_ready()?;
    let mut scan = |code: &str| -> Result<()> {
        for report in super::hid::reports(&unit, code)? {
            plugged.input(&report)?;
        }
        desk.must_scan(code)
    };
    console.connected(|| scan("0000000000000"))?;
    for code in [CODE, "SHELF-42/x", "4006381333931"] {
        scan(code)?;
        console.must_see(&on_console(code))?;
    }
    console.must_see_nothing()?;
    ensure!(
        desk.status()?.counters.relays_failed == 0,
        "{:?}",
        desk.status()?
    );
    drop(plugged);
    desk.until_gone()?;
    desk.close();
    Ok(())
}
