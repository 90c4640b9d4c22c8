//! A configured device: its name, which physical device it is, how it talks and what it is for.
//! Values only; reading them from a file is the daemon's affair.

use std::fmt;
use std::str::FromStr;

use crate::counter_scanner::CounterScannerConfig;
use crate::hid_scanner::{HidScannerConfig, ibm_oem_usage};
use crate::identity::{Found, NodeClass};
use crate::keyboard_scanner::KeyboardScannerConfig;
use crate::line_scanner::LineScannerConfig;
use crate::llrp_reader::LlrpReaderConfig;
use crate::relay::RelayTo;
use crate::scale::{ScaleConfig, scale_usage};
use crate::selector::Selector;
use crate::ssi_scanner::SsiScannerConfig;
use crate::uhf_reader::UhfReaderConfig;

/// What a device is there for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Feeds the basket of the till of this name.
    Till(String),
    /// Goods receipt.
    Receiving,
    /// Stocktaking.
    Counting,
    /// Watches the RFID zone of this name.
    Zone(String),
    /// Weighs at the till of this name.
    Scale(String),
    /// Takes cards at the till of this name.
    Payment(String),
    /// Prints at the till of this name.
    Printer(String),
    /// Reads staff badges at the till of this name.
    Badge(String),
}

/// A role that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` is no role: write till:NAME, receiving, counting, zone:NAME, scale:TILL, payment:TILL, \
     printer:TILL or badge:TILL"
)]
pub struct RoleError(String);

impl Role {
    /// The till that the device belongs to, if it belongs to one.
    #[must_use]
    pub fn till(&self) -> Option<&str> {
        match self {
            Self::Till(name)
            | Self::Scale(name)
            | Self::Payment(name)
            | Self::Printer(name)
            | Self::Badge(name) => Some(name),
            Self::Receiving | Self::Counting | Self::Zone(_) => None,
        }
    }
}

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text.split_once(':') {
            None if text == "receiving" => return Ok(Self::Receiving),
            None if text == "counting" => return Ok(Self::Counting),
            Some((kind, name)) if !name.is_empty() => {
                let made: Option<fn(String) -> Self> = match kind {
                    "till" => Some(Self::Till),
                    "zone" => Some(Self::Zone),
                    "scale" => Some(Self::Scale),
                    "payment" => Some(Self::Payment),
                    "printer" => Some(Self::Printer),
                    "badge" => Some(Self::Badge),
                    _ => None,
                };
                made.map(|made| made(name.to_owned()))
            }
            _ => None,
        }
        .ok_or_else(|| RoleError(text.to_owned()))
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Till(name) => write!(f, "till:{name}"),
            Self::Receiving => f.write_str("receiving"),
            Self::Counting => f.write_str("counting"),
            Self::Zone(name) => write!(f, "zone:{name}"),
            Self::Scale(name) => write!(f, "scale:{name}"),
            Self::Payment(name) => write!(f, "payment:{name}"),
            Self::Printer(name) => write!(f, "printer:{name}"),
            Self::Badge(name) => write!(f, "badge:{name}"),
        }
    }
}

/// Whether other programs may read the device too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Share {
    /// Ours alone: locked or grabbed against other programs while it is open.
    #[default]
    Exclusive,
    /// Read beside whoever else reads it: the POS that is there keeps its scanner. Only HID devices
    /// and keyboards can be shared; a serial port's bytes go to one reader.
    Shared,
    /// Ours alone, and every scan is passed on, so that a POS that is there sells as before.
    Relay(RelayTo),
}

/// What kind of device it is and how it talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceKind {
    /// A barcode scanner that sends lines over a serial port or TCP.
    LineScanner(LineScannerConfig),
    /// A Zebra scanner that speaks SSI over a serial port or TCP.
    SsiScanner(SsiScannerConfig),
    /// A counter scanner with a scale on one cable, over a serial port or TCP.
    CounterScanner(CounterScannerConfig),
    /// A scale, over a serial port, TCP or HID.
    Scale(ScaleConfig),
    /// A barcode scanner that sends HID reports: HID POS, or IBM OEM.
    HidScanner(HidScannerConfig),
    /// A barcode scanner that types, a keyboard wedge.
    KeyboardScanner(KeyboardScannerConfig),
    /// A reader of contactless cards on USB (CCID), for staff badges.
    BadgeReader,
    /// A fixed RFID reader on the network (LLRP).
    LlrpReader(LlrpReaderConfig),
    /// A UHF RFID reader on a serial line, or behind a serial server.
    UhfReader(UhfReaderConfig),
}

impl DeviceKind {
    /// The class of nodes that it can be opened at.
    #[must_use]
    pub fn class(&self) -> NodeClass {
        match self {
            Self::LineScanner(_)
            | Self::SsiScanner(_)
            | Self::CounterScanner(_)
            | Self::LlrpReader(_)
            | Self::UhfReader(_) => NodeClass::Serial,
            Self::Scale(it) if it.is_hid() => NodeClass::HidRaw,
            Self::Scale(_) => NodeClass::Serial,
            Self::HidScanner(_) => NodeClass::HidRaw,
            Self::KeyboardScanner(_) => NodeClass::Keyboard,
            Self::BadgeReader => NodeClass::Usb,
        }
    }

    /// Whether a node can be this kind of device. A HID unit may have several nodes: the one that
    /// says to be a keyboard or a mouse never carries whole codes, and a scale says that it is one.
    #[must_use]
    pub fn can_be(&self, found: &Found) -> bool {
        let human = |usage: &u32| matches!(usage >> 16, 0x01 | 0x0C);
        found.class == self.class()
            && (found.class != NodeClass::HidRaw
                || found.usages.is_empty()
                || match self {
                    Self::Scale(_) => says_scale(found),
                    _ => !found.usages.iter().all(human),
                })
    }

    /// Whether a node says by its report descriptor that it is this kind of device: what decides
    /// between several nodes of one unit.
    #[must_use]
    pub fn is_named_by(&self, found: &Found) -> bool {
        match self {
            Self::Scale(_) => says_scale(found),
            _ => says_scanner(found),
        }
    }
}

/// HID POS: page 0x8C, usage 2.
const USAGE_BARCODE_SCANNER: u32 = 0x8C_0002;

/// Whether the report descriptor names a barcode scanner: HID POS, or the makers' own page with the
/// usages of IBM's hand-held and table-top scanners.
pub(crate) fn says_scanner(found: &Found) -> bool {
    let scanner = |usage: &u32| *usage == USAGE_BARCODE_SCANNER || ibm_oem_usage(*usage);
    found.usages.iter().any(scanner)
}

/// Whether the report descriptor names a scale.
pub(crate) fn says_scale(found: &Found) -> bool {
    found.usages.iter().any(|usage| scale_usage(*usage))
}

/// One configured device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceConfig {
    /// The operator's name for it, unique in the configuration; every event carries it.
    pub name: String,
    /// Which physical device it is.
    pub selector: Selector,
    /// What it is and how it talks.
    pub kind: DeviceKind,
    /// What it is for.
    pub role: Role,
    /// Whether other programs may read it too.
    pub share: Share,
}
