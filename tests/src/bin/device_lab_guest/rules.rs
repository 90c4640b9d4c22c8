//! The package's udev rules under Debian's own udevd: each node gets the group and mode that the daemon's
//! user needs, other nodes don't, and that user opens all of them while a stranger opens none.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use rustix::mount::{MountFlags, mount};
use shelf_devices::identity::NodeClass;
use shelf_devices::sysfs::Sysfs;
use shelf_sim::uhid::{HidUnit, UhidDevice};
use shelf_sim::usbip::UsbDevice;
use shelf_sim::usbip::models::{CardReader, CdcScanner};

use crate::desk::until;
use crate::other::{Other, Who};

const UDEVD: &str = "/usr/lib/systemd/systemd-udevd";
const UDEVADM: &str = "/usr/bin/udevadm";
/// The numbers of `/etc/group` in this machine.
const DIALOUT: u32 = 20;
const SHELFD: u32 = 990;
const NOBODY: u32 = 65_534;

/// The running udevd; dropping it ends it.
struct Udevd(Child);

impl Drop for Udevd {
    fn drop(&mut self) {
        // By its own handle; an error means that it has ended.
        let _ended = self.0.kill();
        let _taken = self.0.wait();
        // Whoever starts after it must not wait for its announcements.
        let _gone = std::fs::remove_dir_all("/run/udev");
    }
}

fn udevadm(words: &[&str]) -> Result<String> {
    let out = Command::new(UDEVADM)
        .args(words)
        .stdin(Stdio::null())
        .output()?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    ensure!(
        out.status.success(),
        "udevadm {words:?}: {text}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    Ok(text)
}

fn start() -> Result<Udevd> {
    std::fs::create_dir_all("/run")?;
    mount("tmpfs", "/run", "tmpfs", MountFlags::empty(), None).context("mount /run")?;
    let child = Command::new(UDEVD)
        .args(["--resolve-names=early"])
        .stdin(Stdio::null())
        .spawn()
        .context(UDEVD)?;
    let udevd = Udevd(child);
    until(|| Ok(Path::new("/run/udev/control").exists()))?;
    udevadm(&["trigger", "--action=add"])?;
    settle()?;
    Ok(udevd)
}

fn settle() -> Result<()> {
    udevadm(&["settle", "--timeout=60"]).map(|_| ())
}

/// The nodes of a unit by its serial number.
fn nodes(serial: &str, class: NodeClass) -> Result<PathBuf> {
    let found = Sysfs::default().scan()?;
    let one = found
        .into_iter()
        .find(|it| it.class == class && it.usb.as_ref().is_some_and(|usb| usb.serial == serial));
    Ok(one
        .with_context(|| format!("no {class:?} of {serial}"))?
        .node)
}

fn must_be(node: &Path, group: u32, mode: u32) -> Result<()> {
    let is = std::fs::metadata(node).with_context(|| node.display().to_string())?;
    let seen = |it: &Metadata| (it.uid(), it.gid(), it.mode() & 0o777);
    ensure!(
        seen(&is) == (0, group, mode),
        "{} has {:?} instead of group {group}, mode {mode:o}",
        node.display(),
        seen(&is)
    );
    Ok(())
}

pub(crate) fn own_user() -> Result<()> {
    let _udevd = start()?;
    let plugged = (
        UsbDevice::plug(CdcScanner::new("RULE-1"), 0)?,
        UhidDevice::plug(&HidUnit::pos_scanner("RULE-2"))?,
        UhidDevice::plug(&HidUnit::keyboard_wedge("RULE-3"))?,
        UsbDevice::plug(CardReader::new("RULE-4"), 5)?,
    );
    // Somebody's own keyboard, and a HID device of no maker of scanners.
    let stranger = |serial: &str, mut unit: HidUnit| {
        unit.vendor = 0x046D;
        unit.serial = serial.to_owned();
        UhidDevice::plug(&unit)
    };
    let theirs = (
        stranger("RULE-5", HidUnit::keyboard_wedge("")),
        stranger("RULE-6", HidUnit::pos_scanner("")),
    );
    let there = [
        ("RULE-1", NodeClass::Serial),
        ("RULE-2", NodeClass::HidRaw),
        ("RULE-3", NodeClass::Keyboard),
        ("RULE-4", NodeClass::Usb),
        ("RULE-5", NodeClass::Keyboard),
        ("RULE-6", NodeClass::HidRaw),
    ];
    until(|| {
        Ok(there
            .iter()
            .all(|(serial, class)| nodes(serial, *class).is_ok()))
    })?;
    settle()?;
    let port = nodes("RULE-1", NodeClass::Serial)?;
    must_be(&port, DIALOUT, 0o660)?;
    links_to(&port)?;
    must_be(&nodes("RULE-2", NodeClass::HidRaw)?, SHELFD, 0o660)?;
    must_be(&nodes("RULE-3", NodeClass::Keyboard)?, SHELFD, 0o660)?;
    must_be(&nodes("RULE-4", NodeClass::Usb)?, SHELFD, 0o660)?;
    // What hangs is reset through its unit's node.
    let unit = Sysfs::default().usb_node(&port).context("its unit")?;
    must_be(&unit, SHELFD, 0o660)?;
    must_be(Path::new("/dev/uinput"), SHELFD, 0o660)?;
    // Nothing else.
    let ours = |node: &Path| std::fs::metadata(node).map(|it| it.gid() == SHELFD);
    for (serial, class) in [
        ("RULE-5", NodeClass::Keyboard),
        ("RULE-6", NodeClass::HidRaw),
    ] {
        ensure!(!ours(&nodes(serial, class)?)?, "{serial} is open to us");
    }
    for node in [
        "/dev/bus/usb/001/001",
        "/dev/null",
        "/dev/tty1",
        "/dev/ttyS0",
        "/dev/mem",
    ] {
        ensure!(
            !ours(Path::new(node)).unwrap_or(false),
            "{node} is open to us"
        );
    }
    opened_by(SHELFD, DIALOUT, "ready")?;
    opened_by(NOBODY, 0, "no permission")?;
    drop((plugged, theirs));
    Ok(())
}

/// The name by its port leads to it.
fn links_to(port: &Path) -> Result<()> {
    let links = std::fs::read_dir("/dev/shelfd").context("/dev/shelfd")?;
    let leads = |link: PathBuf| std::fs::canonicalize(link).is_ok_and(|it| it == port);
    match links.flatten().map(|it| it.path()).any(leads) {
        true => Ok(()),
        false => bail!("no link to {}", port.display()),
    }
}

/// What this user gets of every device.
fn opened_by(id: u32, second: u32, state: &str) -> Result<()> {
    let all = [
        "line=serial:RULE-1",
        "typed-on=serial:RULE-2",
        "keys=serial:RULE-3",
        "badge=serial:RULE-4",
    ];
    for one in all {
        let kind = one.split('=').next().unwrap_or(one);
        let mut user = Other::start(Who { id, second }, &[one])?;
        user.until(kind, state)
            .with_context(|| format!("user {id}, {one}"))?;
    }
    Ok(())
}
