//! HID devices and keyboards in sysfs: who they are, what their report descriptors say they are, and
//! which event nodes belong together. HID without USB (Bluetooth, `/dev/uhid`) has no USB device to
//! walk up to; then the HID core's own words are taken.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use shelf_codecs::scanner::hid_pos::descriptor::parse;

use super::{entries, file_name, usb_of};
use crate::identity::{Model, NodeClass, Present, UsbFacts};

/// How far up from an event node its HID device is looked for (input device, HID device).
const WALK_UP_LEVELS_MAX: usize = 8;
/// Longest report descriptor that is read, in bytes; the kernel's own limit.
const DESCRIPTOR_BYTES_MAX: usize = 4096;
/// Keys that a scanner needs to type a code: digits and Enter.
const SCANNER_KEYS: [usize; 11] = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 28];

/// Every `hidraw` node.
pub(super) fn raw_nodes(sys: &Path, dev: &Path) -> Vec<Present> {
    entries(&sys.join("class/hidraw"))
        .into_iter()
        .filter_map(|(name, class)| {
            let device = fs::canonicalize(class.join("device")).ok()?;
            Some(Present {
                node: dev.join(name),
                class: NodeClass::HidRaw,
                usb: facts_of(&device),
                usages: usages(&device),
            })
        })
        .collect()
}

/// One event node for each unit that can type digits and Enter: the first that can.
pub(super) fn keyboards(sys: &Path, dev: &Path) -> Vec<Present> {
    let mut units = BTreeSet::new();
    event_entries(sys)
        .into_iter()
        .filter(|(_, class, _)| {
            types_codes(&attribute_long(&class.join("device"), "capabilities/key"))
        })
        .filter_map(|(name, _, device)| {
            // A keyboard without identity is the PC's own or a virtual one: never ours.
            let usb = facts_of(&device)?;
            units.insert(unit_of(&device)).then(|| Present {
                node: dev.join("input").join(name),
                class: NodeClass::Keyboard,
                usb: Some(usb),
                usages: Vec::new(),
            })
        })
        .collect()
}

/// See [`super::Sysfs::event_nodes_beside`].
pub(super) fn event_nodes_beside(sys: &Path, dev: &Path, node: &Path) -> Vec<PathBuf> {
    let events = event_entries(sys);
    let own = file_name(node);
    let Some(unit) = events
        .iter()
        .find(|(name, _, _)| *name == own)
        .map(|(_, _, device)| unit_of(device))
    else {
        return vec![node.to_owned()];
    };
    events
        .iter()
        .filter(|(_, _, device)| unit_of(device) == unit)
        .map(|(name, _, _)| dev.join("input").join(name))
        .collect()
}

/// See [`super::Sysfs::report_descriptor`].
pub(super) fn report_descriptor(sys: &Path, node: &Path) -> (Vec<u8>, u16) {
    let class = sys.join("class/hidraw").join(file_name(node));
    let Ok(device) = fs::canonicalize(class.join("device")) else {
        return (Vec::new(), 0);
    };
    let vendor = facts_of(&device).map_or(0, |facts| facts.model.vendor);
    (descriptor(&device), vendor)
}

/// (name, class entry, canonical device) of every event node.
fn event_entries(sys: &Path) -> Vec<(String, PathBuf, PathBuf)> {
    entries(&sys.join("class/input"))
        .into_iter()
        .filter(|(name, _)| name.starts_with("event"))
        .filter_map(|(name, class)| {
            let device = fs::canonicalize(class.join("device")).ok()?;
            Some((name, class, device))
        })
        .collect()
}

/// The directory that all nodes of one unit share: its USB device, else its HID device.
fn unit_of(device: &Path) -> PathBuf {
    let up = || device.ancestors().take(WALK_UP_LEVELS_MAX);
    up().find(|dir| dir.join("idVendor").exists())
        .or_else(|| up().find(|dir| dir.join("report_descriptor").exists()))
        .unwrap_or(device)
        .to_owned()
}

fn facts_of(device: &Path) -> Option<UsbFacts> {
    usb_of(device).or_else(|| {
        let dirs = device.ancestors().take(WALK_UP_LEVELS_MAX);
        dirs.map(|dir| attribute_long(dir, "uevent"))
            .find_map(|uevent| hid_facts(&uevent))
    })
}

/// What the HID core says: `HID_ID=0003:000005E0:00001300`, name, physical place, serial number.
fn hid_facts(uevent: &str) -> Option<UsbFacts> {
    let property = |key: &str| {
        uevent
            .lines()
            .find_map(|line| line.strip_prefix(key)?.strip_prefix('='))
            .unwrap_or("")
            .trim()
    };
    let mut id = property("HID_ID").split(':').skip(1);
    let mut part = || u16::try_from(u32::from_str_radix(id.next()?, 16).ok()?).ok();
    let (vendor, product) = (part()?, part()?);
    Some(UsbFacts {
        model: Model {
            vendor,
            product,
            interface: 0,
        },
        serial: property("HID_UNIQ").to_owned(),
        product_name: property("HID_NAME").to_owned(),
        port: format!("hid-{}", property("HID_PHYS")),
    })
}

fn descriptor(device: &Path) -> Vec<u8> {
    let mut bytes = fs::read(device.join("report_descriptor")).unwrap_or_default();
    bytes.truncate(DESCRIPTOR_BYTES_MAX);
    bytes
}

fn usages(device: &Path) -> Vec<u32> {
    let fields = parse(&descriptor(device)).fields;
    let usages: BTreeSet<u32> = fields.iter().map(|field| field.application).collect();
    usages.into_iter().filter(|&usage| usage != 0).collect()
}

/// The whole of a many-lined attribute.
fn attribute_long(dir: &Path, name: &str) -> String {
    let mut bytes = fs::read(dir.join(name)).unwrap_or_default();
    bytes.truncate(DESCRIPTOR_BYTES_MAX);
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a keyboard has the keys of a code. The kernel prints its bitmap as hexadecimal words of
/// the machine's size, the highest first, leading zeros left out.
fn types_codes(capabilities: &str) -> bool {
    let word_bits = usize::BITS as usize;
    let words: Vec<usize> = capabilities
        .split_whitespace()
        .rev()
        .map(|word| usize::from_str_radix(word, 16).unwrap_or(0))
        .collect();
    SCANNER_KEYS.iter().all(|key| {
        words
            .get(key / word_bits)
            .is_some_and(|word| word >> (key % word_bits) & 1 == 1)
    })
}
