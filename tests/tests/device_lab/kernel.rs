//! Debian's kernel and its drivers, taken out of the package and kept in the target directory. Its
//! version changes with every point release, so it is asked for, never written down.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail, ensure};
use shelf_tests::programs::INSTALL;

/// The package that depends on the newest kernel.
const META_PACKAGE: &str = "linux-image-amd64";
/// Drivers that the scenarios need, without those that they need themselves.
const DRIVERS: &[&str] = &[
    "evdev",
    "uinput",
    "uhid",
    "hid-generic",
    "usbhid",
    "xhci-pci",
    "vhci-hcd",
    "cdc-acm",
    "ftdi_sio",
];

/// An unpacked kernel.
#[derive(Debug)]
pub(crate) struct Kernel {
    /// The uncompressed image, which boots in a third of the time of the packed one.
    pub(crate) image: PathBuf,
    /// Drivers in the order in which they can be loaded.
    pub(crate) drivers: Vec<PathBuf>,
}

/// Gets the kernel, by apt if it is not there yet. Lists of packages that are missing or too old to
/// fetch what they name are fetched again, once.
pub(crate) fn get(lab: &Path) -> Result<Kernel> {
    unpacked(lab).or_else(|first| {
        let again =
            output("apt-get", &["update", "-q"], Path::new("/")).and_then(|_| unpacked(lab));
        again.with_context(|| format!("before the lists were renewed: {first:#}"))
    })
}

fn unpacked(lab: &Path) -> Result<Kernel> {
    let name = newest()?;
    let home = lab.join(&name);
    let image = home.join("vmlinux");
    if !image.is_file() {
        std::fs::create_dir_all(&home)?;
        unpack(&name, &home).with_context(|| format!("kernel {name}"))?;
    }
    let drivers = in_order(&home.join("lib/modules"))?;
    Ok(Kernel { image, drivers })
}

fn newest() -> Result<String> {
    let text = output("apt-cache", &["depends", META_PACKAGE], Path::new("/"))?;
    let text = String::from_utf8_lossy(&text).into_owned();
    text.lines()
        .find_map(|line| line.trim().strip_prefix("Depends: "))
        .map(str::to_owned)
        .with_context(|| format!("apt knows no {META_PACKAGE}; {INSTALL}"))
}

fn unpack(name: &str, home: &Path) -> Result<()> {
    output("apt-get", &["download", "-q", name], home)?;
    let mut packages = std::fs::read_dir(home)?.flatten().map(|it| it.path());
    let package = packages
        .find(|it| it.extension().is_some_and(|it| it == "deb"))
        .context("apt-get download left no package")?;
    let script = "dpkg-deb --fsys-tarfile \"$1\" | tar x --wildcards './boot/vmlinuz-*' \
                  './lib/modules/*/kernel/drivers/hid' './lib/modules/*/kernel/drivers/input' \
                  './lib/modules/*/kernel/drivers/usb'";
    output(
        "sh",
        &["-c", script, "sh", &package.display().to_string()],
        home,
    )?;
    std::fs::remove_file(&package)?;
    let packed = std::fs::read_dir(home.join("boot"))?
        .next()
        .context("no kernel in it")??;
    let payload = home.join("payload.xz");
    std::fs::write(&payload, payload_of(&std::fs::read(packed.path())?)?)?;
    let words = ["-dc", "--single-stream", "payload.xz"];
    let image = output("xz", &words, home)?;
    ensure!(image.starts_with(b"\x7fELF"), "the kernel is no ELF image");
    // The name appears only when the file is whole.
    std::fs::write(home.join("vmlinux.part"), image)?;
    std::fs::rename(home.join("vmlinux.part"), home.join("vmlinux"))?;
    Ok(())
}

/// The packed kernel inside a bootable image: its place stands in the boot protocol's header.
fn payload_of(image: &[u8]) -> Result<&[u8]> {
    let word = |at: usize| -> Option<usize> {
        let bytes = image.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(bytes)).ok()
    };
    let sectors = image
        .get(0x1F1)
        .map(|&it| if it == 0 { 4 } else { usize::from(it) });
    let begin = (sectors.context("short image")? + 1) * 512;
    let (offset, length) = (
        word(0x248).context("offset")?,
        word(0x24C).context("length")?,
    );
    let payload = image.get(begin + offset..begin + offset + length);
    let payload = payload.context("payload outside of the image")?;
    ensure!(
        payload.starts_with(b"\xFD7zXZ"),
        "the kernel is packed in another way than xz"
    );
    Ok(payload)
}

/// The drivers with what they need, each after what it needs.
fn in_order(modules: &Path) -> Result<Vec<PathBuf>> {
    let mut known = BTreeMap::new();
    let mut folders = vec![modules.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else if let Some(name) = path
                .file_name()
                .and_then(|it| it.to_str()?.strip_suffix(".ko"))
            {
                known.insert(name.replace('_', "-"), path.clone());
            }
        }
    }
    let mut ordered = Vec::new();
    for driver in DRIVERS {
        add(driver, &known, &mut ordered)?;
    }
    Ok(ordered)
}

fn add(name: &str, known: &BTreeMap<String, PathBuf>, ordered: &mut Vec<PathBuf>) -> Result<()> {
    let name = name.replace('_', "-");
    let path = known
        .get(&name)
        .with_context(|| format!("the kernel has no driver {name}"))?;
    if ordered.contains(path) {
        return Ok(());
    }
    let bytes = std::fs::read(path)?;
    for needed in needs(&bytes) {
        add(&needed, known, ordered)?;
    }
    ordered.push(path.clone());
    Ok(())
}

/// What a driver says that it needs.
fn needs(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let at = module.windows(KEY.len()).position(|it| it == KEY);
    let text = at.and_then(|at| module.get(at + KEY.len()..));
    let text = text
        .and_then(|it| it.split(|&b| b == 0).next())
        .unwrap_or(&[]);
    let text = String::from_utf8_lossy(text).into_owned();
    text.split(',')
        .filter(|it| !it.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Runs a program to its end; its output, or its own words why not.
pub(crate) fn output(program: &str, words: &[&str], place: &Path) -> Result<Vec<u8>> {
    let output = Command::new(program)
        .args(words)
        .current_dir(place)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("{program} can't be started; {INSTALL}"))?;
    if !output.status.success() {
        bail!(
            "{program} {words:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output.stdout)
}
