//! Who a device is, whatever name the kernel gave it today: its serial number if that is worth
//! something, else the port it is plugged into together with its model, else the path that the
//! operator wrote. Pure. `ttyUSB0` is never an identity: the next re-plug makes it `ttyUSB1`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Vendor, product and interface of a USB device: what kind of thing it is, not which one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Model {
    /// USB vendor id.
    pub vendor: u16,
    /// USB product id.
    pub product: u16,
    /// USB interface number; a device may carry several ports.
    pub interface: u8,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:04x}:{:04x}:{:02x}",
            self.vendor, self.product, self.interface
        )
    }
}

/// What sysfs says about the USB device behind a port; for HID without USB (Bluetooth, `/dev/uhid`)
/// what the HID core says, with the HID's physical place as port.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct UsbFacts {
    /// Vendor, product, interface.
    pub model: Model,
    /// `iSerial` as read, trimmed; empty if there is none.
    pub serial: String,
    /// Product text, for people.
    pub product_name: String,
    /// Host controller and port chain in udev's form, for example `pci-0000:00:14.0-usb-0:1.2`:
    /// stays the same over reboots, unlike the bus number.
    pub port: String,
}

/// What a node speaks: decides which drivers may open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub enum NodeClass {
    /// A terminal: bytes.
    #[default]
    Serial,
    /// `hidraw`: whole HID reports.
    HidRaw,
    /// `input/event`: keys. One for each unit, whatever number of event nodes it has.
    Keyboard,
    /// `bus/usb`: a device that no kernel driver serves, for libusb.
    Usb,
}

/// A device as it can be recognised again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Identity {
    /// A plausible serial number that no other unit here carries.
    Serial {
        /// The serial number.
        serial: String,
        /// The model it belongs to.
        model: Model,
    },
    /// The port it is plugged into: for units without a serial number of their own.
    Port {
        /// Controller and port chain (see [`UsbFacts::port`]).
        port: String,
        /// The model expected there.
        model: Model,
    },
    /// A node without identity (on-board ttyS, a pseudo-terminal): only its path.
    Path(PathBuf),
}

impl fmt::Display for Identity {
    /// The text that a configuration's `selector` takes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial { serial, .. } => write!(f, "serial:{serial}"),
            Self::Port { port, model } => write!(f, "port:{port}/{model}"),
            Self::Path(path) => write!(f, "path:{}", path.display()),
        }
    }
}

/// A device node that is present now.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Found {
    /// The node to open now, for example `/dev/ttyUSB0`; not to be remembered.
    pub node: PathBuf,
    /// What it speaks.
    pub class: NodeClass,
    /// What its HID report descriptor says it is: usages of the outermost collections, page in the
    /// high half. Empty for other classes.
    pub usages: Vec<u32>,
    /// The USB device behind it, if it is one.
    pub usb: Option<UsbFacts>,
    /// How it is recognised.
    pub identity: Identity,
    /// Carries the same serial number as another unit that is present: bind these by port.
    pub twin: bool,
}

/// A node before it has an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Present {
    /// The node.
    pub node: PathBuf,
    /// What it speaks.
    pub class: NodeClass,
    /// The unit behind it, if it has an identity of its own.
    pub usb: Option<UsbFacts>,
    /// As [`Found::usages`].
    pub usages: Vec<u32>,
}

impl From<(PathBuf, Option<UsbFacts>)> for Present {
    /// A serial port.
    fn from((node, usb): (PathBuf, Option<UsbFacts>)) -> Self {
        Self {
            node,
            class: NodeClass::Serial,
            usb,
            usages: Vec::new(),
        }
    }
}

/// Serial numbers that makers print on every unit.
const SERIALS_OF_NOBODY: [&str; 8] = [
    "0123456789",
    "1234567890",
    "123456789",
    "0123456789ABCDEF",
    "123456789ABCDEF",
    "S/N",
    "NONE",
    "DEFAULT",
];

/// Whether a serial number can tell two units apart: not empty, not a maker's placeholder, not one
/// character repeated, only printable ASCII.
#[must_use]
pub fn plausible_serial(serial: &str) -> bool {
    let Some(first) = serial.chars().next() else {
        return false;
    };
    serial.chars().all(|c| c.is_ascii_graphic() || c == ' ')
        && !serial.chars().all(|c| c == first)
        && !SERIALS_OF_NOBODY
            .iter()
            .any(|s| s.eq_ignore_ascii_case(serial))
}

/// Gives every present node its identity. It takes all of them at once because a serial number
/// that two units share identifies neither. The result is ordered by node.
#[must_use]
pub fn identify<P: Into<Present>>(nodes: Vec<P>) -> Vec<Found> {
    let nodes: Vec<Present> = nodes.into_iter().map(Into::into).collect();
    // (vendor, product, serial) -> ports that carry it; one unit with two interfaces has one port.
    let mut carriers: BTreeMap<(u16, u16, String), Vec<String>> = BTreeMap::new();
    for usb in nodes.iter().filter_map(|it| it.usb.as_ref()) {
        let ports = carriers
            .entry((usb.model.vendor, usb.model.product, usb.serial.clone()))
            .or_default();
        if !ports.contains(&usb.port) {
            ports.push(usb.port.clone());
        }
    }
    let mut found: Vec<Found> = nodes
        .into_iter()
        .map(|it| {
            let (identity, twin) = match &it.usb {
                None => (Identity::Path(it.node.clone()), false),
                Some(facts) => identity_of(facts, &carriers),
            };
            Found {
                node: it.node,
                class: it.class,
                usages: it.usages,
                usb: it.usb,
                identity,
                twin,
            }
        })
        .collect();
    found.sort();
    found
}

/// The identity of a unit, and whether another one carries its serial number.
fn identity_of(
    facts: &UsbFacts,
    carriers: &BTreeMap<(u16, u16, String), Vec<String>>,
) -> (Identity, bool) {
    let key = (
        facts.model.vendor,
        facts.model.product,
        facts.serial.clone(),
    );
    let plausible = plausible_serial(&facts.serial);
    let twin = plausible && carriers.get(&key).is_some_and(|ports| ports.len() > 1);
    let identity = if plausible && !twin {
        Identity::Serial {
            serial: facts.serial.clone(),
            model: facts.model,
        }
    } else {
        Identity::Port {
            port: facts.port.clone(),
            model: facts.model,
        }
    };
    (identity, twin)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usb(port: &str, serial: &str, interface: u8) -> Option<UsbFacts> {
        Some(UsbFacts {
            model: Model {
                vendor: 0x0c2e,
                product: 0x0b61,
                interface,
            },
            serial: serial.to_owned(),
            product_name: "Scanner".to_owned(),
            port: port.to_owned(),
        })
    }

    fn names(nodes: Vec<(&str, Option<UsbFacts>)>) -> Vec<String> {
        let nodes = nodes
            .into_iter()
            .map(|(n, u)| (PathBuf::from(n), u))
            .collect();
        identify(nodes)
            .iter()
            .map(|f| f.identity.to_string())
            .collect()
    }

    #[test]
    fn placeholders_are_no_serial_numbers() {
        for bad in [
            "",
            "0",
            "00000000",
            "0123456789",
            "123456789abcdef",
            "none",
            "A\u{7f}B",
            "é1",
        ] {
            assert!(!plausible_serial(bad), "{bad:?}");
        }
        for good in ["19155B45C8", "S/N 22", "0000000001", "12345678"] {
            assert!(plausible_serial(good), "{good:?}");
        }
    }

    #[test]
    fn a_serial_number_counts_unless_two_units_share_it() {
        assert_eq!(
            names(vec![("/dev/ttyACM0", usb("p1", "AB12", 0))]),
            ["serial:AB12"]
        );
        assert_eq!(
            names(vec![
                ("/dev/ttyACM0", usb("p1", "AB12", 0)),
                ("/dev/ttyACM1", usb("p2", "AB12", 0))
            ]),
            ["port:p1/0c2e:0b61:00", "port:p2/0c2e:0b61:00"]
        );
    }

    #[test]
    fn two_ports_of_one_unit_are_not_twins() {
        let nodes = vec![
            (PathBuf::from("/dev/ttyACM0"), usb("p1", "AB12", 0)),
            (PathBuf::from("/dev/ttyACM1"), usb("p1", "AB12", 2)),
        ];
        let found = identify(nodes);
        assert!(
            found
                .iter()
                .all(|f| !f.twin && matches!(f.identity, Identity::Serial { .. }))
        );
        assert_ne!(found[0].identity, found[1].identity);
    }

    #[test]
    fn without_usb_only_the_path_remains() {
        assert_eq!(names(vec![("/dev/ttyS0", None)]), ["path:/dev/ttyS0"]);
        assert_eq!(
            names(vec![("/dev/ttyUSB3", usb("p9", "", 0))]),
            ["port:p9/0c2e:0b61:00"]
        );
    }
}
