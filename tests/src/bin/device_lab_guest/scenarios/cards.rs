//! Readers of contactless cards, through libusb.

use anyhow::{Context, Result, ensure};
use shelf_devices::config::{DeviceConfig, DeviceKind, Share};
use shelf_devices::identity::NodeClass;
use shelf_sim::usbip::UsbDevice;
use shelf_sim::usbip::models::CardReader;

use crate::desk::{Desk, device, until};
use crate::machine::ask;

const CARD: [u8; 7] = [0x04, 0xA2, 0x5B, 0x12, 0x34, 0x56, 0x80];

fn badge_reader(selector: &str) -> Result<DeviceConfig> {
    device("badge", selector, DeviceKind::BadgeReader, Share::Exclusive)
}

pub(crate) fn reader() -> Result<()> {
    let desk = Desk::open(vec![badge_reader("serial:CR-1")?])?;
    for _ in 0..3 {
        let mut plugged = UsbDevice::plug(CardReader::new("CR-1"), 5)?;
        desk.until_ready()?;
        for _ in 0..2 {
            plugged.with(|it| it.show(Some(&CARD)))?;
            ensure!(desk.badge()? == CARD, "another badge");
            plugged.with(|it| it.show(None))?;
        }
        // Unplugged while it is waited for.
        drop(plugged);
        desk.until_gone()?;
    }
    desk.close();
    Ok(())
}

/// A reader that somebody else made: QEMU's, with no card in it. Found as an operator would find it,
/// in the list of what has no role.
pub(crate) fn reader_of_the_machine() -> Result<()> {
    let looking = Desk::open(Vec::new())?;
    // Its serial number has its port in it.
    ask("plug usb-ccid ccid0 port=4");
    let selector = || {
        let unbound = looking.supervisor.hotplug().unbound;
        let reader = unbound.iter().find(|it| it.found.class == NodeClass::Usb);
        reader.map(|it| it.found.identity.to_string())
    };
    until(|| Ok(selector().is_some()))?;
    let selector = selector().context("the reader")?;
    looking.close();
    let desk = Desk::open(vec![badge_reader(&selector)?])?;
    desk.until_ready()?;
    // A second program that wants it is told that it is held.
    let second = Desk::open(vec![badge_reader(&selector)?])?;
    second.until_busy()?;
    second.close();
    ask("unplug ccid0");
    desk.until_gone()?;
    ask("plug usb-ccid ccid0 port=4");
    desk.until_ready()?;
    ask("unplug ccid0");
    desk.until_gone()?;
    desk.close();
    Ok(())
}
