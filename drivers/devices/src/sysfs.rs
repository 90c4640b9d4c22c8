//! Which devices are present, read from sysfs alone (no libudev): every `class/tty`, `class/hidraw`
//! and keyboard of `class/input` with a device behind it, and the USB device found by walking up
//! from there ([`hid`], [`usb`] beside this file). The roots are arguments, so tests walk a made-up
//! tree. A tree that changes while it is read (somebody unplugs) is normal: what can't be read is
//! left out, and the next kernel event brings the next look.

#![allow(
    clippy::disallowed_methods,
    reason = "this module is the one that reads sysfs"
)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::identity::{Found, Model, NodeClass, Present, UsbFacts, identify};

mod hid;
mod usb;

/// How far up from a port its USB device is looked for (port, interface, device, hubs).
const WALK_UP_LEVELS_MAX: usize = 8;
/// How much of one sysfs attribute is used, in characters.
const ATTRIBUTE_CHARS_MAX: usize = 128;

/// Where to look.
#[derive(Debug, Clone)]
pub struct Sysfs {
    sys: PathBuf,
    dev: PathBuf,
}

impl Default for Sysfs {
    fn default() -> Self {
        Self::new("/sys", "/dev")
    }
}

impl Sysfs {
    /// A sysfs mounted at `sys` whose nodes are under `dev`.
    pub fn new(sys: impl Into<PathBuf>, dev: impl Into<PathBuf>) -> Self {
        Self {
            sys: sys.into(),
            dev: dev.into(),
        }
    }

    /// All devices present now that a driver of ours could open, with identities, ordered by node. An
    /// unreadable sysfs is an error; an unreadable entry in it is not, nor is a class that isn't
    /// there because no driver of the kernel has needed it yet.
    pub fn scan(&self) -> Result<Vec<Found>, ScanError> {
        let mut nodes = self.serial_ports()?;
        nodes.extend(hid::raw_nodes(&self.sys, &self.dev));
        nodes.extend(hid::keyboards(&self.sys, &self.dev));
        nodes.extend(usb::card_readers(&self.sys, &self.dev));
        Ok(identify(nodes))
    }

    /// Every event node of the unit that this event node belongs to, the node itself included: a
    /// scanner that types may have several, and one that is left out still types into the window.
    #[must_use]
    pub fn event_nodes_beside(&self, node: &Path) -> Vec<PathBuf> {
        hid::event_nodes_beside(&self.sys, &self.dev, node)
    }

    /// The report descriptor of a `hidraw` node and the vendor id of its unit; empty and 0 if it is
    /// gone.
    #[must_use]
    pub fn report_descriptor(&self, node: &Path) -> (Vec<u8>, u16) {
        hid::report_descriptor(&self.sys, node)
    }

    /// The node on the USB bus of the unit behind a node of another class (`ttyUSB0`, `hidraw1`,
    /// `input/event3`); what a reset needs. `None` if there is no USB device behind it.
    #[must_use]
    pub fn usb_node(&self, node: &Path) -> Option<PathBuf> {
        usb::node_behind(&self.sys, &self.dev, node)
    }

    /// The node that a path leads to: a configured link has another name than its entry in sysfs.
    #[must_use]
    pub fn resolved(&self, node: &Path) -> PathBuf {
        fs::canonicalize(node).unwrap_or_else(|_| node.to_owned())
    }

    fn serial_ports(&self) -> Result<Vec<Present>, ScanError> {
        let class = self.sys.join("class/tty");
        let entries = fs::read_dir(&class).map_err(|source| ScanError {
            path: class.display().to_string(),
            source,
        })?;
        let nodes = entries
            .flatten()
            .filter_map(|entry| {
                let name = entry.file_name();
                let device = fs::canonicalize(entry.path().join("device")).ok()?;
                let usb = usb_of(&device);
                if usb.is_none() && !has_uart(&entry.path()) {
                    return None;
                }
                Some(Present {
                    node: self.dev.join(name),
                    class: NodeClass::Serial,
                    usb,
                    usages: Vec::new(),
                })
            })
            .collect();
        Ok(nodes)
    }

    /// Which of these paths are symbolic links now, and the node each leads to.
    pub fn links<'a>(&self, paths: impl Iterator<Item = &'a Path>) -> BTreeMap<PathBuf, PathBuf> {
        paths
            .filter_map(|path| Some((path.to_owned(), fs::canonicalize(path).ok()?)))
            .filter(|(path, node)| path != node)
            .collect()
    }
}

/// Sysfs could not be listed at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot list serial ports in {path}; is sysfs mounted and visible to the service?")]
pub struct ScanError {
    path: String,
    #[source]
    source: std::io::Error,
}

/// Whether an on-board port exists: the 8250 driver registers ttyS0..3 even where no chip is
/// (`type` 0 = PORT_UNKNOWN).
fn has_uart(class_entry: &Path) -> bool {
    attribute(class_entry, "type") != "0"
}

fn usb_of(device: &Path) -> Option<UsbFacts> {
    let mut interface = None;
    for dir in device.ancestors().take(WALK_UP_LEVELS_MAX) {
        if interface.is_none() {
            interface = hex_u8(&attribute(dir, "bInterfaceNumber"));
        }
        let Some(vendor) = hex_u16(&attribute(dir, "idVendor")) else {
            continue;
        };
        return Some(UsbFacts {
            model: Model {
                vendor,
                product: hex_u16(&attribute(dir, "idProduct")).unwrap_or(0),
                interface: interface.unwrap_or(0),
            },
            serial: attribute(dir, "serial"),
            product_name: attribute(dir, "product"),
            port: port_of(dir),
        });
    }
    None
}

/// The entries of a directory by name, in the order of the numbers in them (`event2` before
/// `event10`); empty if it can't be read.
fn entries(dir: &Path) -> Vec<(String, PathBuf)> {
    let mut entries: Vec<(String, PathBuf)> = fs::read_dir(dir)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| {
            (
                entry.file_name().to_string_lossy().into_owned(),
                entry.path(),
            )
        })
        .collect();
    entries.sort_by(|a, b| (a.0.len(), &a.0).cmp(&(b.0.len(), &b.0)));
    entries
}

/// The port chain of a USB device directory `…/0000:00:14.0/usb1/1-1/1-1.2`, in udev's ID_PATH form
/// `pci-0000:00:14.0-usb-0:1.2`, because the controller's place survives a reboot and the bus number
/// does not. A tree without a recognisable controller falls back to bus and chain.
fn port_of(device: &Path) -> String {
    let name = file_name(device);
    let chain = name
        .split_once('-')
        .map_or(name.as_str(), |(_, chain)| chain);
    let controller = device
        .ancestors()
        .find(|dir| is_root_hub(&file_name(dir)))
        .and_then(Path::parent)
        .map(file_name);
    match controller {
        Some(c) if c.contains(':') => format!("pci-{c}-usb-0:{chain}"),
        Some(c) if !c.is_empty() => format!("platform-{c}-usb-0:{chain}"),
        _ => format!("usb-{name}"),
    }
}

fn is_root_hub(name: &str) -> bool {
    name.strip_prefix("usb")
        .is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
}

fn file_name(path: &Path) -> String {
    path.file_name()
        .map(|n| n.to_string_lossy().into_owned())
        .unwrap_or_default()
}

/// A sysfs attribute, trimmed and bounded; empty if it isn't there or isn't text.
fn attribute(dir: &Path, name: &str) -> String {
    let text = fs::read(dir.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&text)
        .trim()
        .chars()
        .take(ATTRIBUTE_CHARS_MAX)
        .collect()
}

fn hex_u16(text: &str) -> Option<u16> {
    u16::from_str_radix(text, 16).ok()
}

fn hex_u8(text: &str) -> Option<u8> {
    u8::from_str_radix(text, 16).ok()
}

#[cfg(test)]
#[path = "sysfs/tests.rs"]
mod tests;
