//! How devices are, as values that the page, the API and the command line share.

use serde::{Deserialize, Serialize};
use shelf_devices::binding::Unbound;
use shelf_devices::doctor::{Finding, Severity};
use shelf_devices::hotplug::Hearing;
use shelf_devices::identity::{Found, NodeClass};
use shelf_devices::journal::{Direction, JournalEntry};
use shelf_devices::status::Counters;
use shelf_stock::time::Timestamp;

use crate::config::DeviceSettings;
use crate::daemon::status::DeviceStatus;

/// Everything that is known of this PC's devices.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct DeviceBoard {
    /// The configured ones.
    pub(crate) devices: Vec<DeviceStatus>,
    /// What is plugged in without a role.
    pub(crate) unbound: Vec<UnboundDevice>,
    /// How plugging is heard of: `udev`, `kernel`, or why it isn't.
    pub(crate) hearing: String,
    /// What the doctor says.
    pub(crate) findings: Vec<Complaint>,
}

/// Counts of one device since the daemon started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct DeviceCounters {
    /// Complete messages: scans, weights, reads.
    pub(crate) frames: u64,
    /// Damaged ones.
    pub(crate) faults: u64,
    /// Bytes read.
    pub(crate) bytes_in: u64,
    /// Bytes written.
    pub(crate) bytes_out: u64,
    /// Attempts to open.
    pub(crate) opens: u64,
    /// Successful openings after the first.
    pub(crate) reopens: u64,
    /// Times that its driver failed.
    pub(crate) panics: u64,
    /// Times that it had to wait because this PC was behind.
    pub(crate) stalls: u64,
    /// Most bytes that were ever held back for it.
    pub(crate) spilled_bytes_peak: u64,
    /// Commands that did not reach it.
    pub(crate) commands_failed: u64,
    /// Scans that did not reach the POS that they are passed on to.
    pub(crate) relays_failed: u64,
    /// Times that it hung and was reset over USB.
    #[serde(default)]
    pub(crate) resets: u64,
}

impl From<Counters> for DeviceCounters {
    fn from(it: Counters) -> Self {
        Self {
            frames: it.frames,
            faults: it.faults,
            bytes_in: it.bytes_in,
            bytes_out: it.bytes_out,
            opens: it.opens,
            reopens: it.reopens,
            panics: it.panics,
            stalls: it.stalls,
            spilled_bytes_peak: it.spilled_bytes_peak,
            commands_failed: it.commands_failed,
            relays_failed: it.relays_failed,
            resets: it.resets,
        }
    }
}

/// A device that is plugged in and has no role, with what to write to give it one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct UnboundDevice {
    /// Its node now.
    pub(crate) node: String,
    /// What kind of device it most likely is, as a configuration writes it.
    pub(crate) kind: String,
    /// The text for the key `select`.
    pub(crate) select: String,
    /// Its product name, as it says itself; empty: it says none.
    pub(crate) product: String,
    /// USB vendor id; none: it is no USB device.
    pub(crate) vendor_id: Option<u16>,
    /// USB product id.
    pub(crate) product_id: Option<u16>,
    /// Whether another unit here carries the same serial number.
    pub(crate) twin: bool,
    /// What it is, in words.
    pub(crate) hint: String,
    /// The lines to paste into the configuration.
    pub(crate) config: String,
}

impl UnboundDevice {
    /// A device without a role on a PC with these tills.
    pub(crate) fn of(it: &Unbound, till: Option<&str>) -> Self {
        let Unbound { found, hint } = it;
        let usb = found.usb.as_ref();
        let product = usb.map(|it| it.product_name.clone()).unwrap_or_default();
        let (kind, select) = (kind(found.class), select(found));
        let name = if product.is_empty() {
            "new device"
        } else {
            &product
        };
        let role = match (found.class, till) {
            (NodeClass::Usb, till) => format!("badge:{}", till.unwrap_or("till-1")),
            (_, Some(till)) => format!("till:{till}"),
            (_, None) => "counting".to_owned(),
        };
        let text = |it: &str| toml::Value::from(it).to_string();
        let config = format!(
            "[[device]]\nname = {}\nkind = \"{kind}\"\nselect = {}\nrole = {}\n",
            text(name),
            text(&select),
            text(&role),
        );
        Self {
            node: found.node.display().to_string(),
            kind: kind.to_owned(),
            vendor_id: usb.map(|it| it.model.vendor),
            product_id: usb.map(|it| it.model.product),
            twin: found.twin,
            hint: hint.clone(),
            product,
            select,
            config,
        }
    }
}

fn kind(class: NodeClass) -> &'static str {
    match class {
        NodeClass::Serial => "scanner",
        NodeClass::HidRaw => "hid_scanner",
        NodeClass::Keyboard => "keyboard_scanner",
        NodeClass::Usb => "badge_reader",
    }
}

/// By serial number, unless a twin carries it too.
fn select(found: &Found) -> String {
    match &found.usb {
        Some(usb) if found.twin => format!("port:{}/{}", usb.port, usb.model),
        _ => found.identity.to_string(),
    }
}

/// One thing that the doctor sees.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Complaint {
    /// `wrong`: a device does not work; `risk`: something will go wrong; `note`: good to know.
    pub(crate) severity: String,
    /// Which device; none: the PC.
    pub(crate) device: Option<String>,
    /// What is the matter.
    pub(crate) what: String,
    /// What to do.
    pub(crate) remedy: String,
}

impl From<Finding> for Complaint {
    fn from(it: Finding) -> Self {
        let severity = match it.severity {
            Severity::Wrong => "wrong",
            Severity::Risk => "risk",
            Severity::Note => "note",
        };
        Self {
            severity: severity.to_owned(),
            device: it.device,
            what: it.what,
            remedy: it.remedy,
        }
    }
}

/// How plugging is heard of, in words.
pub(crate) fn hearing(it: &Hearing) -> String {
    match it {
        Hearing::Udev => "udev".to_owned(),
        Hearing::Kernel => "kernel".to_owned(),
        Hearing::Deaf(why) => why.clone(),
    }
}

/// One frame of a device's journal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Frame {
    /// When.
    pub(crate) at: Timestamp,
    /// `in`: from the device; `out`: to it.
    pub(crate) direction: String,
    /// The frame, masked, others than printable ASCII as `\xNN`.
    pub(crate) text: String,
    /// Its length on the wire, in bytes.
    pub(crate) length_bytes: u64,
    /// What the device sent for it, masked and escaped in the same way: one text for a line, one for each report;
    /// empty where it is not kept.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) raw: Vec<String>,
}

impl From<JournalEntry> for Frame {
    fn from(it: JournalEntry) -> Self {
        let direction = match it.direction {
            Direction::In => "in",
            Direction::Out => "out",
        };
        Self {
            at: Timestamp::from_millis(it.at.wall_ms),
            direction: direction.to_owned(),
            text: it.text,
            length_bytes: it.length_bytes,
            raw: it.raw,
        }
    }
}

/// The last frames of one device.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct FrameJournal {
    /// What people call it.
    pub(crate) device: String,
    /// Its kind, as a configuration writes it.
    pub(crate) kind: String,
    /// How it is configured, so that its bytes can be read again elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) settings: Option<DeviceSettings>,
    /// Report descriptor of a HID unit, as hexadecimal digits; empty where it is none or gone.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) descriptor: String,
    /// Vendor id of a HID unit.
    #[serde(default)]
    pub(crate) vendor_id: u16,
    /// Oldest first.
    pub(crate) frames: Vec<Frame>,
}
