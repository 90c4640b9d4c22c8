//! Which of the devices present serves which configured role. Pure: configurations and findings in,
//! bindings out, the same for any order of findings. It must never take a working device away from
//! its role because a twin was plugged in beside it, and never guess between two candidates.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use crate::identity::{Found, Identity, Model};
use crate::line_scanner::LineScannerConfig;

/// How the operator says which device is meant; the text is what [`Identity`] prints.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selector {
    /// `serial:AB12`: the unit with this serial number, wherever it is plugged in.
    Serial(String),
    /// `port:pci-0000:00:14.0-usb-0:1.2` or with `/0c2e:0b61:00` behind it: what is in this port.
    /// With the model given, a unit of the same model moved to another port is followed as long
    /// as it is the only one.
    Port {
        /// Controller and port chain.
        port: String,
        /// The model expected.
        model: Option<Model>,
    },
    /// `path:/dev/ttyS0`: a node without identity. Always bound; opening it tells whether it exists.
    Path(PathBuf),
}

/// A selector that can't be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{0}` selects no device: write serial:NUMBER, port:CHAIN[/vendor:product:interface] or \
     path:/dev/NODE (`shelfd devices` prints the right one for each device)"
)]
pub struct SelectorError(String);

impl FromStr for Selector {
    type Err = SelectorError;

    fn from_str(text: &str) -> Result<Self, SelectorError> {
        let bad = || SelectorError(text.to_owned());
        let (kind, value) = text.split_once(':').ok_or_else(bad)?;
        if value.is_empty() {
            return Err(bad());
        }
        match kind {
            "serial" => Ok(Self::Serial(value.to_owned())),
            "path" if value.starts_with('/') => Ok(Self::Path(PathBuf::from(value))),
            "port" => match value.split_once('/') {
                None => Ok(Self::Port {
                    port: value.to_owned(),
                    model: None,
                }),
                Some((port, model)) => {
                    let model = Some(parse_model(model).ok_or_else(bad)?);
                    Ok(Self::Port {
                        port: port.to_owned(),
                        model,
                    })
                }
            },
            _ => Err(bad()),
        }
    }
}

fn parse_model(text: &str) -> Option<Model> {
    let mut parts = text.split(':');
    let vendor = u16::from_str_radix(parts.next()?, 16).ok()?;
    let product = u16::from_str_radix(parts.next()?, 16).ok()?;
    let interface = u8::from_str_radix(parts.next()?, 16).ok()?;
    parts.next().is_none().then_some(Model {
        vendor,
        product,
        interface,
    })
}

impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Serial(serial) => write!(f, "serial:{serial}"),
            Self::Port { port, model: None } => write!(f, "port:{port}"),
            Self::Port {
                port,
                model: Some(model),
            } => write!(f, "port:{port}/{model}"),
            Self::Path(path) => write!(f, "path:{}", path.display()),
        }
    }
}

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

/// A device that is present and serves no role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unbound {
    /// The device.
    pub found: Found,
    /// What the operator can do about it, in words.
    pub hint: String,
}

/// The outcome of matching.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Bindings {
    /// Configured name -> node to open now.
    pub bound: BTreeMap<String, PathBuf>,
    /// Names bound to a unit of the same model in another port than configured.
    pub moved: BTreeSet<String>,
    /// Configured name -> why nothing is bound, in words.
    pub missing: BTreeMap<String, String>,
    /// Present without a role.
    pub unbound: Vec<Unbound>,
}

/// Matches configured devices with those present. `current` says what each name is bound to now; it
/// wins among equals.
#[must_use]
pub fn bind(
    configs: &[DeviceConfig],
    found: &[Found],
    current: &BTreeMap<String, PathBuf>,
) -> Bindings {
    let mut bindings = Bindings::default();
    let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
    for config in configs {
        let candidates: Vec<&Found> = found
            .iter()
            .filter(|f| matches(&config.selector, f) && !taken.contains(&f.node))
            .collect();
        match choose(config, &candidates, current) {
            Ok(node) => {
                taken.insert(node.clone());
                bindings.bound.insert(config.name.clone(), node);
            }
            Err(why) => {
                bindings.missing.insert(config.name.clone(), why);
            }
        }
    }
    follow_moved(configs, found, &mut taken, &mut bindings);
    bindings.unbound = found
        .iter()
        .filter(|f| !taken.contains(&f.node))
        .map(|f| Unbound {
            found: f.clone(),
            hint: hint(f),
        })
        .collect();
    bindings
}

fn matches(selector: &Selector, found: &Found) -> bool {
    match (selector, &found.usb) {
        (Selector::Path(path), _) => *path == found.node,
        (Selector::Serial(serial), Some(usb)) => usb.serial == *serial,
        (Selector::Port { port, model }, Some(usb)) => {
            usb.port == *port && model.is_none_or(|m| m == usb.model)
        }
        (_, None) => false,
    }
}

fn choose(
    config: &DeviceConfig,
    candidates: &[&Found],
    current: &BTreeMap<String, PathBuf>,
) -> Result<PathBuf, String> {
    if let Selector::Path(path) = &config.selector {
        return Ok(path.clone());
    }
    let held = current.get(&config.name);
    if let Some(kept) = candidates.iter().find(|c| Some(&c.node) == held) {
        return Ok(kept.node.clone());
    }
    match candidates {
        [] => Err(format!("no device matches {}", config.selector)),
        [one] => Ok(one.node.clone()),
        many => Err(format!(
            "{} devices match {}: select one by {}",
            many.len(),
            config.selector,
            many.iter()
                .map(|f| by_port(f))
                .collect::<Vec<_>>()
                .join(" or ")
        )),
    }
}

/// A unit without serial number that was moved to another port keeps its role if there is exactly
/// one free unit of its model and exactly one role that misses it.
fn follow_moved(
    configs: &[DeviceConfig],
    found: &[Found],
    taken: &mut BTreeSet<PathBuf>,
    bindings: &mut Bindings,
) {
    let wanted = |config: &DeviceConfig| match &config.selector {
        Selector::Port {
            model: Some(model), ..
        } => Some(*model),
        _ => None,
    };
    let missing: Vec<(&DeviceConfig, Model)> = configs
        .iter()
        .filter(|c| bindings.missing.contains_key(&c.name))
        .filter_map(|c| Some((c, wanted(c)?)))
        .collect();
    for (config, model) in &missing {
        let free: Vec<&Found> = found
            .iter()
            .filter(|f| {
                !taken.contains(&f.node) && f.usb.as_ref().is_some_and(|u| u.model == *model)
            })
            .collect();
        let rivals = missing.iter().filter(|(_, m)| m == model).count();
        if let ([one], 1) = (free.as_slice(), rivals) {
            taken.insert(one.node.clone());
            bindings.bound.insert(config.name.clone(), one.node.clone());
            bindings.missing.remove(&config.name);
            bindings.moved.insert(config.name.clone());
        }
    }
}

fn by_port(found: &Found) -> String {
    match &found.usb {
        Some(usb) => format!("port:{}/{}", usb.port, usb.model),
        None => found.identity.to_string(),
    }
}

/// Vendors whose ports are most likely scanners.
const SCANNER_VENDORS: [(u16, &str); 5] = [
    (0x0c2e, "Honeywell"),
    (0x23d0, "Youjie"),
    (0x05e0, "Zebra"),
    (0x05f9, "Datalogic"),
    (0x1eab, "Newland"),
];

fn hint(found: &Found) -> String {
    let selector = if found.twin {
        by_port(found)
    } else {
        found.identity.to_string()
    };
    let what = match &found.usb {
        Some(usb) => SCANNER_VENDORS
            .iter()
            .find(|(vendor, _)| *vendor == usb.model.vendor)
            .map_or("a serial port", |(_, maker)| maker),
        None if matches!(found.identity, Identity::Path(_)) => "an on-board serial port",
        None => "a device",
    };
    let twin = if found.twin {
        "; another unit carries the same serial number"
    } else {
        ""
    };
    format!("{what} without a role{twin}: to use it, add a device with selector = \"{selector}\"")
}

#[cfg(test)]
#[path = "binding/tests.rs"]
mod tests;
