//! What is wrong with the devices of this PC, in words, and what to do about it: what a person who
//! knows scanners would see in discovery, states and counters. Pure: a picture in, findings out, so
//! that the command line and the page say the same. It opens nothing, changes nothing, and never
//! asks a payment terminal anything.

use crate::binding::Unbound;
use crate::config::{DeviceConfig, DeviceKind, Share};
use crate::hotplug::{Hearing, HotplugStatus};
use crate::identity::{Found, NodeClass};
use crate::llrp_reader::READING;
use crate::selector::Selector;
use crate::status::{DeviceState, DeviceStatus};

mod framing;

pub use framing::framing_of;

/// Bad frames after which a device that never sent a good one is taken to be misconfigured.
pub const FAULTS_SUSPECT_MIN: u64 = 3;

/// Converters that Debian's brltty takes for braille displays.
const BRLTTY_TAKES: [(u16, u16); 3] = [(0x10C4, 0xEA60), (0x1A86, 0x7523), (0x0403, 0x6001)];

/// Programs beside us that take devices away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Neighbours {
    /// ModemManager runs: it sends modem commands to new serial ports.
    pub modem_manager: bool,
    /// brltty is installed: it takes serial converters for braille displays.
    pub brltty: bool,
    /// pcscd runs: it holds card readers.
    pub pcscd: bool,
}

/// Everything that the doctor looks at.
#[derive(Debug, Clone)]
pub struct Picture {
    /// What is configured, with how it is now.
    pub devices: Vec<(DeviceConfig, DeviceStatus)>,
    /// What is plugged in.
    pub found: Vec<Found>,
    /// How news of plugging arrives, and what has no role.
    pub hotplug: HotplugStatus,
    /// Who else is there.
    pub neighbours: Neighbours,
}

/// How bad it is; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// A device does not work.
    Wrong,
    /// It works, and something will go wrong.
    Risk,
    /// Good to know.
    Note,
}

/// One thing that the doctor sees.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad.
    pub severity: Severity,
    /// The configured name, if it is about a configured device.
    pub device: Option<String>,
    /// What is the matter.
    pub what: String,
    /// What to do about it.
    pub remedy: String,
}

/// Looks at everything; the worst findings first, then by name.
#[must_use]
pub fn diagnose(picture: &Picture) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (config, status) in &picture.devices {
        let mut add = |severity, what: String, remedy: &str| {
            findings.push(Finding {
                severity,
                device: Some(config.name.clone()),
                what,
                remedy: remedy.to_owned(),
            });
        };
        state(picture, config, status, &mut add);
        frames(config, status, &mut add);
        history(status, &mut add);
        sharing(config, &mut add);
    }
    let mut add = |severity, what: String, remedy: &str| {
        findings.push(Finding {
            severity,
            device: None,
            what,
            remedy: remedy.to_owned(),
        });
    };
    without_role(picture, &mut add);
    twins(picture, &mut add);
    neighbours(picture, &mut add);
    if let Hearing::Deaf(why) = &picture.hotplug.hearing {
        let what = format!("plugging is not announced ({why}): a new device is seen after seconds");
        add(
            Severity::Note,
            what,
            "allow AF_NETLINK in the service's unit",
        );
    }
    if let Some(error) = &picture.hotplug.scan_error {
        let what = format!("what is plugged in can't be read: {error}");
        add(Severity::Wrong, what, "make /sys visible to the service");
    }
    findings.sort();
    findings
}

type Add<'a> = dyn FnMut(Severity, String, &str) + 'a;

/// What the state of a configured device says.
fn state(picture: &Picture, config: &DeviceConfig, status: &DeviceStatus, add: &mut Add<'_>) {
    let node = status.node.as_deref().unwrap_or("its node");
    match &status.state {
        DeviceState::Absent(why) => match wrong_mode(picture, config) {
            Some(class) => add(
                Severity::Wrong,
                format!("it is plugged in, but as {}", class_words(class)),
                mode_remedy(&config.kind),
            ),
            None => add(
                Severity::Wrong,
                format!("it is not there: {why}"),
                "check cable and power; `shelfd devices` prints the selector of each device that is \
                 plugged in",
            ),
        },
        DeviceState::Busy => {
            let who = match (&config.kind, picture.neighbours) {
                (DeviceKind::BadgeReader, n) if n.pcscd => "pcscd".to_owned(),
                (kind, n) if n.modem_manager && kind.class() == NodeClass::Serial => {
                    "another program, perhaps ModemManager,".to_owned()
                }
                _ => "another program".to_owned(),
            };
            let remedy = busy_remedy(picture, config, node);
            add(Severity::Wrong, format!("{who} holds {node}"), &remedy);
        }
        DeviceState::Denied => add(
            Severity::Wrong,
            format!("the service may not open {node}"),
            "the package's udev rules open it for the group shelfd (serial ports: dialout): run `udevadm control \
             --reload` and `udevadm trigger`, or plug it out and in; for a maker that the rules don't know, add a \
             line to /etc/udev/rules.d",
        ),
        DeviceState::Lost(why) => add(
            Severity::Wrong,
            format!("it failed: {why}"),
            "plug it out and in; if it comes back, change the cable",
        ),
        DeviceState::Opening | DeviceState::Ready | DeviceState::Stopped => {}
    }
    if status.moved {
        add(
            Severity::Note,
            "it is plugged into another port than configured".to_owned(),
            "change its selector, or plug it back",
        );
    }
}

/// Who must let go, and whether both can have it.
fn busy_remedy(picture: &Picture, config: &DeviceConfig, node: &str) -> String {
    let beside = match (&config.kind, config.kind.class()) {
        (DeviceKind::BadgeReader, _) if picture.neighbours.pcscd => {
            return "`systemctl disable --now pcscd.socket pcscd`, if no other program needs it"
                .to_owned();
        }
        (DeviceKind::BadgeReader | DeviceKind::Scale(_), _) => "",
        (_, NodeClass::Serial) => {
            "; where a POS reads it, set share = \"relay\", and give the POS the other end"
        }
        _ => "; to read beside a POS, set share = \"shared\"",
    };
    format!("close that program (`fuser -v {node}` names it){beside}")
}

/// The class under which the configured unit is there, if that is not the configured one.
fn wrong_mode(picture: &Picture, config: &DeviceConfig) -> Option<NodeClass> {
    let same_unit = |found: &&Found| match (&config.selector, &found.usb) {
        (Selector::Serial(serial), Some(usb)) => usb.serial == *serial,
        (Selector::Port { port, model }, Some(usb)) => {
            usb.port == *port && model.is_none_or(|it| it.vendor == usb.model.vendor)
        }
        _ => false,
    };
    let mut units = picture.found.iter().filter(same_unit);
    // A unit that types has a hidraw node too: what it types with says more.
    let keyboard = units.clone().find(|it| it.class == NodeClass::Keyboard);
    let class = keyboard.or_else(|| units.next()).map(|it| it.class)?;
    (class != config.kind.class() || !picture.found.iter().any(|it| config.kind.can_be(it)))
        .then_some(class)
}

fn class_words(class: NodeClass) -> &'static str {
    match class {
        NodeClass::Serial => "a serial port",
        NodeClass::HidRaw => "a HID device",
        NodeClass::Keyboard => "a keyboard: it types into the window that has the focus",
        NodeClass::Usb => "a card reader",
    }
}

fn mode_remedy(wanted: &DeviceKind) -> &'static str {
    match wanted {
        DeviceKind::LineScanner(_) => {
            "scan the maker's set-up barcode \"USB serial\" (CDC, COM port), or change its kind"
        }
        DeviceKind::HidScanner(_) => {
            "scan the maker's set-up barcode \"USB HID POS\", or change its kind"
        }
        DeviceKind::KeyboardScanner(_) => {
            "scan the maker's set-up barcode \"USB keyboard\", or change its kind"
        }
        DeviceKind::SsiScanner(_) => {
            "set the scanner to SSI over serial with the maker's set-up barcode, or change its kind"
        }
        _ => "change its kind or its selector",
    }
}

/// What counters and the last frames of a device say.
fn frames(config: &DeviceConfig, status: &DeviceStatus, add: &mut Add<'_>) {
    let counters = &status.counters;
    if counters.faults >= FAULTS_SUSPECT_MIN && counters.faults > counters.frames {
        let last = status.journal.iter().map(|it| it.text.as_str());
        match (&config.kind, framing_of(last).advice()) {
            (kind, Some(advice)) if kind.class() == NodeClass::Serial => add(
                Severity::Wrong,
                "what it sends is unreadable".to_owned(),
                advice,
            ),
            (DeviceKind::KeyboardScanner(_), _) => add(
                Severity::Wrong,
                "most of what it types makes no code".to_owned(),
                "set the layout that the scanner types for, and its terminator",
            ),
            _ => add(
                Severity::Wrong,
                format!("{} of its messages could not be read", counters.faults),
                &format!(
                    "its kind or its mode is wrong: look at its last frames with `shelfd devices journal \"{}\"`",
                    config.name
                ),
            ),
        }
    }
}

/// What it said last, and what went wrong since the start.
fn history(status: &DeviceStatus, add: &mut Add<'_>) {
    let counters = &status.counters;
    if let Some(notice) = status.notice.as_ref().filter(|it| *it != READING) {
        let what = format!("it says: {notice}");
        add(Severity::Note, what, "see to the device, if it goes on");
    }
    if counters.relays_failed > 0 {
        let what = format!("{} scans did not reach the POS", counters.relays_failed);
        add(
            Severity::Risk,
            what,
            "check the way to the POS: uinput, or the serial port",
        );
    }
    if status.is_disabled {
        add(
            Severity::Note,
            "it does not scan now, because nobody can take a scan".to_owned(),
            "nothing: it scans again after the payment, or as soon as a page for its scans is open",
        );
    }
    if counters.resets > 0 {
        let what = format!("it hung, and was reset over USB {} times", counters.resets);
        add(
            Severity::Risk,
            what,
            "change its cable or its port; behind a hub, give the hub its own power; then change the adapter",
        );
    }
    if counters.panics > 0 {
        let what = format!("its driver failed {} times", counters.panics);
        add(
            Severity::Risk,
            what,
            "report it with the log and with `shelfd devices journal`: both are free of card numbers",
        );
    }
    if counters.stalls > 0 {
        let what = "the PC was behind, and the device had to wait".to_owned();
        add(
            Severity::Risk,
            what,
            "look at the disk and at other programs of this PC",
        );
    }
}

/// Modes of sharing that a kind can't have.
fn sharing(config: &DeviceConfig, add: &mut Add<'_>) {
    if config.share == Share::Shared && config.kind.class() == NodeClass::Serial {
        add(
            Severity::Risk,
            "a serial device can't be shared: each byte goes to one reader".to_owned(),
            "set share = \"relay\", and let the POS read what is passed on",
        );
    }
}

fn without_role(picture: &Picture, add: &mut Add<'_>) {
    for Unbound { found, hint } in &picture.hotplug.unbound {
        match found.class {
            NodeClass::Keyboard => add(
                Severity::Risk,
                format!("a scanner types into whatever window has the focus ({hint})"),
                "give it a role, or switch it to HID POS",
            ),
            _ => add(Severity::Note, hint.clone(), "nothing, if it is not for us"),
        }
    }
}

fn twins(picture: &Picture, add: &mut Add<'_>) {
    let mut serials: Vec<&str> = picture
        .found
        .iter()
        .filter(|it| it.twin)
        .filter_map(|it| it.usb.as_ref())
        .map(|it| it.serial.as_str())
        .collect();
    serials.sort_unstable();
    serials.dedup();
    for serial in serials {
        let what = format!("two units carry the serial number {serial}");
        add(
            Severity::Risk,
            what,
            "select each by its port, and leave them in their ports",
        );
    }
}

fn neighbours(picture: &Picture, add: &mut Add<'_>) {
    let serial = |it: &&Found| it.class == NodeClass::Serial && it.usb.is_some();
    let here = picture.neighbours;
    if here.modem_manager && picture.found.iter().any(|it| serial(&it)) {
        add(
            Severity::Risk,
            "ModemManager runs: it opens new serial ports and sends modem commands to scanners"
                .to_owned(),
            "remove it, or check that the package's udev rule ID_MM_DEVICE_IGNORE is in place",
        );
    }
    let taken = |it: &Found| {
        let model = it
            .usb
            .as_ref()
            .map(|usb| (usb.model.vendor, usb.model.product));
        model.is_some_and(|it| BRLTTY_TAKES.contains(&it))
    };
    if here.brltty && picture.found.iter().any(taken) {
        add(
            Severity::Risk,
            "brltty is installed: it takes such serial converters for braille displays".to_owned(),
            "remove it where nobody needs it",
        );
    }
}

#[cfg(test)]
mod tests;
