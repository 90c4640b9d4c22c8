//! USB devices that no driver of the kernel serves and that libusb opens: smart card readers (CCID),
//! recognised by the class of an interface. Everything else on the bus is somebody else's.

use std::path::{Path, PathBuf};

use super::{WALK_UP_LEVELS_MAX, attribute, entries, file_name, hex_u8, usb_of};
use crate::identity::{NodeClass, Present};

/// Interface class of smart card readers.
const CLASS_SMART_CARD: u8 = 0x0B;

/// Every smart card reader on the bus.
pub(super) fn card_readers(sys: &Path, dev: &Path) -> Vec<Present> {
    let all = entries(&sys.join("bus/usb/devices"));
    all.iter()
        .filter(|(name, _)| name.contains(':'))
        .filter(|(_, interface)| {
            hex_u8(&attribute(interface, "bInterfaceClass")) == Some(CLASS_SMART_CARD)
        })
        .filter_map(|(name, interface)| {
            let (device, _) = name.split_once(':')?;
            let device = sys.join("bus/usb/devices").join(device);
            Some(Present {
                node: node_of(dev, &device)?,
                class: NodeClass::Usb,
                usb: usb_of(&std::fs::canonicalize(interface).ok()?),
                usages: Vec::new(),
            })
        })
        .collect()
}

/// See [`super::Sysfs::usb_node`].
pub(super) fn node_behind(sys: &Path, dev: &Path, node: &Path) -> Option<PathBuf> {
    let name = file_name(node);
    let classes = ["tty", "hidraw", "input"].into_iter();
    let device = classes
        .map(|class| sys.join("class").join(class).join(&name).join("device"))
        .find_map(|it| std::fs::canonicalize(it).ok())?;
    let mut above = device.ancestors().take(WALK_UP_LEVELS_MAX);
    node_of(dev, above.find(|dir| dir.join("idVendor").exists())?)
}

/// The node of a USB device's directory.
fn node_of(dev: &Path, device: &Path) -> Option<PathBuf> {
    let bus: u16 = attribute(device, "busnum").parse().ok()?;
    let address: u16 = attribute(device, "devnum").parse().ok()?;
    Some(dev.join(format!("bus/usb/{bus:03}/{address:03}")))
}
