//! Which of the devices present serves which configured role. Pure: configurations and findings in,
//! bindings out, the same for any order of findings. It must never take a working device away from
//! its role because a twin was plugged in beside it, and never guess between two candidates.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::config::{DeviceConfig, says_scale, says_scanner};
use crate::identity::{Found, Model, NodeClass};
use crate::selector::Selector;

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
/// wins among equals. `links` says for paths in the configuration that are symbolic links (such as
/// `/dev/serial/by-id/…`) which node they lead to now.
#[must_use]
pub fn bind(
    configs: &[DeviceConfig],
    found: &[Found],
    current: &BTreeMap<String, PathBuf>,
    links: &BTreeMap<PathBuf, PathBuf>,
) -> Bindings {
    let mut bindings = Bindings::default();
    let mut taken: BTreeSet<PathBuf> = BTreeSet::new();
    for config in configs {
        let candidates: Vec<&Found> = found
            .iter()
            .filter(|f| matches(config, f) && !taken.contains(&f.node))
            .collect();
        match choose(config, &candidates, current) {
            Ok(node) if taken.contains(links.get(&node).unwrap_or(&node)) => {
                let why = format!("{} already serves another name", node.display());
                bindings.missing.insert(config.name.clone(), why);
            }
            Ok(node) => {
                taken.insert(links.get(&node).unwrap_or(&node).clone());
                bindings.bound.insert(config.name.clone(), node);
            }
            Err(why) => {
                bindings.missing.insert(config.name.clone(), why);
            }
        }
    }
    follow_moved(configs, found, current, &mut taken, &mut bindings);
    bindings.unbound = found
        .iter()
        .filter(|f| {
            !taken.contains(&f.node) && worth_a_hint(f) && !serves_already(f, found, &taken)
        })
        .map(|f| Unbound {
            found: f.clone(),
            hint: hint(f),
        })
        .collect();
    bindings
}

/// The one serial line that a selector means, for owners outside the device layer (payment terminals, the
/// printer's tee).
///
/// # Errors
/// In words, when nothing matches or several lines do.
pub fn node_of(selector: &Selector, found: &[Found]) -> Result<PathBuf, String> {
    let is_line = |it: &&Found| it.class == NodeClass::Serial && selected(selector, it);
    let lines: Vec<&Found> = found.iter().filter(is_line).collect();
    match lines.as_slice() {
        [one] => Ok(one.node.clone()),
        [] => Err(format!("no serial line matches {selector}")),
        many => Err(format!(
            "{} serial lines match {selector}: select one by {}",
            many.len(),
            many.iter()
                .map(|f| by_port(f))
                .collect::<Vec<_>>()
                .join(" or ")
        )),
    }
}

fn matches(config: &DeviceConfig, found: &Found) -> bool {
    config.kind.can_be(found) && selected(&config.selector, found)
}

fn selected(selector: &Selector, found: &Found) -> bool {
    match (selector, &found.usb) {
        (Selector::Path(path), _) => *path == found.node,
        (Selector::Serial(serial), Some(usb)) => usb.serial == *serial,
        (Selector::Port { port, model }, Some(usb)) => {
            usb.port == *port && model.is_none_or(|m| m == usb.model)
        }
        (Selector::Tcp(_), _) | (_, None) => false,
    }
}

fn choose(
    config: &DeviceConfig,
    candidates: &[&Found],
    current: &BTreeMap<String, PathBuf>,
) -> Result<PathBuf, String> {
    match &config.selector {
        Selector::Path(path) => return Ok(path.clone()),
        Selector::Tcp(place) => return Ok(tcp_node(place)),
        Selector::Serial(_) | Selector::Port { .. } => {}
    }
    let held = current.get(&config.name);
    if let Some(kept) = candidates.iter().find(|c| Some(&c.node) == held) {
        return Ok(kept.node.clone());
    }
    // Of several nodes of one unit, one that says to be a scanner is the scanner.
    let named = candidates.iter().filter(|c| config.kind.is_named_by(c));
    let named: Vec<&&Found> = named.collect();
    match (candidates, named.as_slice()) {
        ([], _) => Err(format!("no device matches {}", config.selector)),
        ([one], _) => Ok(one.node.clone()),
        (_, [one]) => Ok(one.node.clone()),
        (many, _) => Err(format!(
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

/// How a place on the network looks where nodes are paths.
fn tcp_node(place: &str) -> PathBuf {
    PathBuf::from(format!("tcp:{place}"))
}

/// A unit without serial number that was moved to another port keeps its role if there is exactly
/// one free unit of its model and exactly one role that misses it; and once it has it, also beside others.
fn follow_moved(
    configs: &[DeviceConfig],
    found: &[Found],
    current: &BTreeMap<String, PathBuf>,
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
                !taken.contains(&f.node)
                    && config.kind.can_be(f)
                    && f.usb.as_ref().is_some_and(|u| u.model == *model)
            })
            .collect();
        let rivals = missing.iter().filter(|(_, m)| m == model).count();
        let held = current.get(&config.name);
        let kept = free.iter().find(|it| Some(&it.node) == held);
        let only = match (free.as_slice(), rivals) {
            ([one], 1) => Some(one),
            _ => None,
        };
        if let Some(one) = kept.or(only) {
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

/// Keyboards, mice and other HID devices of the house are no news; a scanner without a role is.
fn worth_a_hint(found: &Found) -> bool {
    match found.class {
        NodeClass::Serial | NodeClass::Usb => true,
        NodeClass::HidRaw => says_scanner(found) || says_scale(found),
        NodeClass::Keyboard => maker(found).is_some() || called_scanner(found),
    }
}

/// Whether another node of the same unit has a role: then its other faces are no news.
fn serves_already(one: &Found, found: &[Found], taken: &BTreeSet<PathBuf>) -> bool {
    found.iter().any(|other| {
        other.class != one.class
            && taken.contains(&other.node)
            && matches!((&one.usb, &other.usb), (Some(a), Some(b)) if a.port == b.port)
    })
}

fn called_scanner(found: &Found) -> bool {
    found.usb.as_ref().is_some_and(|usb| {
        let name = usb.product_name.to_ascii_lowercase();
        ["scanner", "barcode", "bar code"]
            .iter()
            .any(|word| name.contains(word))
    })
}

/// Vendors whose ports are most likely scanners.
const SCANNER_VENDORS: [(u16, &str); 5] = [
    (0x0c2e, "Honeywell"),
    (0x23d0, "Youjie"),
    (0x05e0, "Zebra"),
    (0x05f9, "Datalogic"),
    (0x1eab, "Newland"),
];

/// The maker, if it is one that makes scanners.
pub(crate) fn maker(found: &Found) -> Option<&'static str> {
    let vendor = found.usb.as_ref()?.model.vendor;
    let known = SCANNER_VENDORS.iter().find(|(it, _)| *it == vendor);
    known.map(|(_, maker)| *maker)
}

fn hint(found: &Found) -> String {
    let selector = if found.twin {
        by_port(found)
    } else {
        found.identity.to_string()
    };
    let what = match (maker(found), found.class) {
        (Some(maker), NodeClass::Serial) => maker.to_owned(),
        (maker, class) => {
            let what = match class {
                NodeClass::HidRaw if says_scale(found) => "a HID scale",
                NodeClass::HidRaw => "a HID scanner",
                NodeClass::Keyboard => "a scanner that types",
                NodeClass::Usb => "a card reader",
                NodeClass::Serial if found.usb.is_some() => "a serial port",
                NodeClass::Serial => "an on-board serial port",
            };
            maker.map_or(what.to_owned(), |maker| format!("{what} by {maker}"))
        }
    };
    let twin = if found.twin {
        "; another unit carries the same serial number"
    } else {
        ""
    };
    format!("{what} without a role{twin}: to use it, add a device with select = \"{selector}\"")
}

#[cfg(test)]
#[path = "binding/tests.rs"]
mod tests;
