//! A configured device: its name, which physical device it is, how it talks and what it is for.
//! Values only; reading them from a file is the daemon's affair.

use std::fmt;
use std::str::FromStr;

use crate::line_scanner::LineScannerConfig;
use crate::selector::Selector;

/// What a device is there for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// Feeds the basket of the till of this name.
    Till(String),
    /// Goods receipt.
    Receiving,
    /// Stocktaking.
    Counting,
}

/// A role that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no role: write till:NAME, receiving or counting")]
pub struct RoleError(String);

impl FromStr for Role {
    type Err = RoleError;

    fn from_str(text: &str) -> Result<Self, RoleError> {
        match text.split_once(':') {
            Some(("till", name)) if !name.is_empty() => Ok(Self::Till(name.to_owned())),
            None if text == "receiving" => Ok(Self::Receiving),
            None if text == "counting" => Ok(Self::Counting),
            _ => Err(RoleError(text.to_owned())),
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Till(name) => write!(f, "till:{name}"),
            Self::Receiving => f.write_str("receiving"),
            Self::Counting => f.write_str("counting"),
        }
    }
}

/// Whether other programs may read the device too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Share {
    /// Ours alone: locked against other programs while it is open.
    #[default]
    Exclusive,
}

/// What kind of device it is and how it talks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeviceKind {
    /// A barcode scanner that sends lines over a serial port.
    LineScanner(LineScannerConfig),
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
